// operator_internal.h -- what the kinds of operators share. See operator.h.
//
// One file per kind (operator_aggregate.c, ...) ends in one const OperatorKind. operator.c owns the
// life of an Operator, the functions it registers and the rows of its batch; a kind owns its state
// tables and whatever hangs at op->state.
//
//     open   after recovery: tables, functions, relations
//     prepare before the stage's statement; may be NULL
//     run    after the stage's statement: op->rows into the state (rows may not be changed while a
//            statement runs)
//     evict  what the watermark op->evict has passed
//     finish forget the batch; may be NULL
//     close  frees op->state; may be NULL
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "duck/row_codec.h"
#include "stream/operator.h"
#include "stream/state_relation.h"

typedef struct OperatorKind {
    const char *name; // before messages: "aggregation"
    bool (*open)(Operator *op, State *state, Arena *arena, Error *err);
    bool (*prepare)(Operator *op, Error *err);
    bool (*run)(Operator *op, Error *err);
    bool (*evict)(Operator *op, Error *err);
    void (*finish)(Operator *op);
    void (*close)(Operator *op);
} OperatorKind;

extern const OperatorKind operator_aggregate;
extern const OperatorKind operator_deduplicate;
extern const OperatorKind operator_top;
extern const OperatorKind operator_limit;
extern const OperatorKind operator_join;
extern const OperatorKind operator_session;

struct Operator {
    const OperatorKind *kind;
    const Plan *plan;
    const PlanStage *stage;
    DuckConn *conn;
    void *state;      // the kind's
    DuckRows *rows;   // of the batch; the stage's batch_relation shows them
    TimeUs evict;     // watermark of this batch at this operator
    TimeUs late;      // that of the batch before: rows at or before it are late
    Arena *arena;     // lives as long as the operator: names of functions
    char **functions; // registered, to be retired
    size_t function_count;
    size_t function_capacity;
    _Atomic int64_t late_rows; // of this batch, counted by functions while the statement runs
    OperatorMetrics metrics;
    Buffer key; // scratch
    Buffer value;
};

// Registers a function and remembers to retire it.
MUST_USE bool operator_register_scalar(Operator *op, const DuckScalar *scalar, Error *err);
MUST_USE bool operator_register_table(Operator *op, const DuckTable *table, Error *err);
// The relation `view` shows the chunks of *rows.
MUST_USE bool operator_register_rows(Operator *op, const char *view, const Schema *schema,
                                     DuckRows *const *rows, Error *err);
// The stage's state_relation shows a state table; *relation must live as long as the operator.
MUST_USE bool operator_register_state(Operator *op, const StateRelation *relation, Error *err);
MUST_USE bool operator_make_view(Operator *op, const char *view, const char *function, Error *err);
// Columns [first, first + count) of a chunk, in the arena.
DuckColumn *operator_columns(const DuckRows *rows, size_t chunk, size_t first, size_t count,
                             Arena *arena);
// Registers name(number BIGINT, the stage's keys...) with the operator as context: the number is a
// bucket or an event time.
MUST_USE bool operator_register_keyed(Operator *op, const char *name, const Type *result,
                                      DuckScalarFn function, Error *err);
// Looks up (bucket, keys...) of a chunk, as such a function gets them, and writes the values: one
// column for each of `fields`. A row without a value has NULL in `result` and in its fields.
MUST_USE bool operator_lookup(const StateTable *table, const DuckColumn *arguments,
                              size_t argument_count, uint64_t row_count, DuckColumn *result,
                              DuckColumn *fields, size_t field_count, Error *err);
// The rows of a chunk encoded, as slices of `bytes` (which the call appends to) in the arena.
Slice *operator_encode(const DuckColumn *columns, size_t count, uint64_t row_count, Buffer *bytes,
                       Arena *arena);
// Drops the buckets up to and including `last`; returns how many rows they had.
int64_t operator_drop_buckets(StateTable *table, int64_t last);
