// operator.h -- a stage of a plan at run time: its functions in DuckDB and its tables in the state.
//
//     operator_create(...)                once per open of the flow, after the state was recovered
//     per batch, in the order of the plan's stages:
//         operator_run(op, evict, late)   runs the stage's SQL, writes its rows into the state
//     the output query reads batch_relation and state_relation
//         operator_evict(op)              forgets what the watermark has passed
//     operator_finish(op)                 drops the batch's rows
//
// A failed batch needs no undo here: the state rolls back (state_rollback) and operator_finish
// drops the rows. operator_destroy retires the functions; those of operator_register_times are
// retired by whoever owns the EventTimes.
//
// EventTimes is what the watermark functions saw in one batch. Functions run on DuckDB's threads
// and use atomics; all calls here belong to the flow's thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "stream/plan.h"

// As Spark counts them: a row without event time is one of 1970. The sum is in two parts, so that
// no batch overflows it.
typedef struct EventTimes {
    _Atomic int64_t max; // TIME_MIN: none seen
    _Atomic int64_t min;
    _Atomic int64_t count;
    _Atomic int64_t seconds;
    _Atomic int64_t millis;
} EventTimes;
void operator_reset_times(EventTimes *times);
TimeUs operator_average_time(const EventTimes *times); // in whole milliseconds; count > 0

// Registers plan->watermarks[index].function; `times` must outlive the connection's statements.
MUST_USE bool operator_register_times(DuckConn *conn, const PlanWatermark *watermark,
                                      EventTimes *times, Error *err);

typedef struct OperatorMetrics {
    int64_t rows_total;   // keys in state
    int64_t rows_updated; // by the last batch
    int64_t rows_removed;
    int64_t rows_late; // dropped by the watermark in the last batch
    TimeUs run_time;   // of the last batch: the stage's statement and its rows into the state
    TimeUs evict_time;
} OperatorMetrics;

typedef struct Operator Operator;

MUST_USE bool operator_create(const Plan *plan, const PlanStage *stage, DuckConn *conn,
                              State *state, Operator **op, Error *err);
void operator_destroy(Operator *op);

// `late` is the watermark of the batch before (its rows are late at or before it), `evict` this
// batch's. Both TIME_MIN when there is none.
MUST_USE bool operator_run(Operator *op, TimeUs evict, TimeUs late, Error *err);
MUST_USE bool operator_evict(Operator *op, Error *err);
void operator_finish(Operator *op);
OperatorMetrics operator_metrics(const Operator *op);

// The layout text of a state table: its key and value types.
const char *operator_layout(const Schema *keys, const Schema *values, Arena *arena);
