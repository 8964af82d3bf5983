// plan_cut.h -- what the files that cut a query at an aggregation share. See plan_aggregate.c.
//
//     plan_group.c      the keys: expressions, windows, where the event time is
//     plan_calls.c      the aggregate calls: their types and their partial values
//     plan_aggregate.c  the stage of a grouped aggregation, and the query that reads a stage
//
// A Cut lives while one SELECT is cut, in the planner's arena. Functions give false after a
// problem.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream/aggregate.h"
#include "stream/plan_internal.h"
#include "stream/rewrite.h"

typedef struct GroupKey {
    const Expr *expr;
    bool is_window;
    WindowShape shape;
    const Type *time_type; // of a window's argument
    const char *partial;   // DuckDB SQL of a window's start; NULL: expr is printed
    bool is_event_time;    // a window over, or itself, the event-time column
    bool is_window_column; // a window over it that the input has made: {start, end}
} GroupKey;

typedef struct AggregateCall {
    const Expr *expr;
    const AggregateRule *rule;
    const Type *type; // in a batch query
    size_t first_partial;
} AggregateCall;

typedef struct Cut {
    Planner *planner;
    const Select *select;
    Relation *from;
    const Flowing *flowing;
    Schema input; // of `from`
    GroupKey *keys;
    size_t key_count;
    AggregateCall *calls;
    size_t call_count;
    size_t call_capacity;
    bool failed;
    PlanStage *stage;
} Cut;

// plan_group.c
bool plan_group_input(Cut *cut);
bool plan_group_keys(Cut *cut);
// The select item with this alias; an input column of that name wins, as in Spark. NULL: none.
const Expr *plan_group_select_item(const Cut *cut, const Expr *column);

// plan_calls.c
bool plan_calls_collect(Cut *cut, const SortList *order_by);
// Types of the aggregates as a batch query over the same input gives them.
bool plan_calls_type(Cut *cut);
// DuckDB SQL of the batch's groups: columns k0.. and p0..; NULL after a problem.
const char *plan_calls_partial_sql(Cut *cut, size_t *partial_count);
