// plan_cut.h -- what the files that cut a query at an aggregation share. See plan_aggregate.c.
//
//     plan_group.c      the keys: expressions, windows, where the event time is
//     plan_calls.c      the aggregate calls: their types and their partial values
//     plan_merge.c      partials of several batches, panes or sessions become one
//     plan_panes.c      sliding windows and DISTINCT
//     plan_aggregate.c  the stage of a grouped aggregation, and the query that reads a stage
//
// A Cut lives while one SELECT is cut, in the planner's arena. Functions give false after a
// problem.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream/aggregate.h"
#include "stream/plan_internal.h"
#include "stream/rewrite.h"

#define STAGE_ALIAS "stage" // of the relation that the rest of the query reads

typedef struct GroupKey {
    const Expr *expr;
    bool is_window;
    WindowShape shape;
    const Type *time_type;    // of a window's argument
    const char *partial;      // DuckDB SQL of a window's start; NULL: expr is printed
    bool is_event_time;       // a window over, or itself, the event-time column
    const EventColumn *event; // that column; NULL: none
    bool is_window_column;    // a window over it that the input has made: {start, end}
    bool is_session;
    const char *session_start; // DuckDB SQL of the session of a row, in microseconds
    const char *session_end;
    TimeUs gap; // 0: it depends on the row
} GroupKey;

// The values that one or more aggregates with DISTINCT are about.
typedef struct DistinctValues {
    ExprList fields;    // the arguments that vary from row to row
    const Expr *filter; // NULL: none
    const Type *type;   // of a value: a struct of the fields, or the only one
} DistinctValues;

typedef struct AggregateCall {
    const Expr *expr; // as written
    const Expr *call; // without DISTINCT; then its arguments are columns of a value
    const AggregateRule *rule;
    const Type *type; // in a batch query
    size_t first_partial;
    ExprList fields; // of a rule that keeps a list: what varies from row to row
    int distinct;    // index into the cut's distincts; -1: none
} AggregateCall;

typedef struct Cut {
    Planner *planner;
    const Select *select;
    Relation *from;
    const Flowing *flowing;
    Schema input; // of `from`
    GroupKey *keys;
    size_t key_count;
    int sliding;  // the key that is a sliding window; -1: none
    int grouping; // the last key, which tells the grouping sets apart; -1: plain GROUP BY
    int session;  // the key that is a session window; -1: none
    AggregateCall *calls;
    size_t call_count;
    size_t call_capacity;
    DistinctValues *distincts;
    size_t distinct_count;
    size_t distinct_capacity;
    Schema partials; // p0, p1 ... of all calls; without any, p0 says that the group is there
    bool failed;
    PlanStage *stage;
    const char
        *relation; // DuckDB SQL of what the output reads: k0..., v0...; NULL: the stage's own
} Cut;

// plan_group.c
bool plan_group_input(Cut *cut);
bool plan_group_keys(Cut *cut);
// The type of an expression over the input, by asking the binder; NULL after a problem.
const Type *plan_group_type(Cut *cut, const Expr *expr);
// A key as the statement over the batch has it; the number of the key that an expression is (the
// number of keys: none).
Expr *plan_group_expr(const Cut *cut, size_t key);
size_t plan_group_find(const Cut *cut, const Expr *expr);
// DuckDB SQL of grouping(...) or grouping_id(...) over the stage; NULL after a problem.
const char *plan_group_bits(Cut *cut, const Expr *call);
// The select item with this alias; an input column of that name wins, as in Spark. NULL: none.
const Expr *plan_group_select_item(const Cut *cut, const Expr *column);

// plan_calls.c
bool plan_calls_collect(Cut *cut, const SortList *order_by);
// Types of the aggregates as a batch query over the same input gives them.
bool plan_calls_type(Cut *cut);
// DuckDB SQL of the rows of a batch by key: columns k0.., the partials p0.. of calls without
// DISTINCT, and the lists d0.. of the values that DISTINCT is about. NULL after a problem.
const char *plan_calls_partial_sql(Cut *cut);
// ", <partial> AS p3 ..." over the relation of `distinct`'s values, each in a column x.
bool plan_calls_distinct_sql(Cut *cut, size_t distinct, Buffer *sql);

// A call with the columns <value>.a0 ... for the arguments that vary from row to row (is `count` 1,
// the value itself).
Expr *plan_calls_rebind(Arena *arena, const Expr *call, const char *value, size_t count);

// plan_merge.c: partials are columns <prefix><number>.
// ", <merge of p and o> AS <name>0, ..." for all partials.
void plan_merge_pairs(const Cut *cut, const char *p, const char *o, const char *name, Buffer *sql);
// A query: rows `from` (keys and p0.., NULL where a row has none) gathered by the columns `keys`.
void plan_merge_gather(Cut *cut, const char *keys, const char *from, Buffer *sql);
// The value of call i from its merged partials.
bool plan_merge_final(Cut *cut, size_t i, const char *prefix, Buffer *sql);

// plan_panes.c: the groups of a batch (keys, p0..) from what plan_calls_partial_sql gave: sliding
// windows from their panes, DISTINCT values that are new to their group.
const char *plan_panes_sql(Cut *cut, const char *partial);
// The start of the last window of a sliding key that holds a pane (both DuckDB SQL).
const char *plan_panes_last_start(const Cut *cut, const GroupKey *key, const char *pane);

// plan_session.c: the session_window() of a key; the stage of a query that has one.
bool plan_session_key(Cut *cut, GroupKey *key);
bool plan_session(Cut *cut);

// plan_aggregate.c: the number under which a group's state is kept and forgotten, from its keys.
void plan_aggregate_bucket(const Cut *cut, Buffer *sql);
// plan_facts.c: keys and aggregates in the user's words, once the partials are known. True.
bool plan_describe_groups(Cut *cut);
