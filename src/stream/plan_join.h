// plan_join.h -- what the files that cut a query at a join of two streams share.
//
//     plan_join.c            the cut: checks, what is forgotten when, the stage's statements
//     plan_join_condition.c  the condition: equal keys, bounds on times, filters of one side, rest
//     plan_push.c            filters of one side, below its watermark
//     plan_join_names.c      columns under the names of FROM, before and after the cut
//
// A JoinCut lives while one join is cut, in the planner's arena. Functions give false after a
// problem.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream/plan_internal.h"
#include "stream/rewrite.h"

enum { SIDE_LEFT, SIDE_RIGHT };

typedef struct JoinColumn {
    Slice alias;      // of its relation in FROM; empty: it has no name
    const char *name; // in that relation
    const Type *type;
    const char *sql;   // the column in the side's relation
    const char *shown; // "#l0" in the stage's rows; NULL: nothing refers to it
    bool is_plain;     // somewhere without its relation's name
} JoinColumn;

typedef struct JoinColumns {
    JoinColumn *items;
    size_t count;
    size_t capacity;
} JoinColumns;

// A join that has been cut: what the relation in its place has.
typedef struct PlanJoined {
    Relation *relation;
    JoinColumn *columns;
    size_t count;
    Slice *merged;
    size_t merged_count;
    const struct PlanJoined *next;
} PlanJoined;

typedef struct SqlList { // conditions that hold together
    const char **items;
    size_t count;
    size_t capacity;
} SqlList;

typedef struct JoinInput {
    Relation *relation; // planned
    Flowing flowing;
    JoinColumns columns;
    bool is_preserved;
    SqlList filters;         // on the rows of the side
    SqlList alone;           // without which a preserved row comes out alone
    const EventColumn *late; // by which rows are late
    const EventColumn *time; // bounds may be on it
    const char *time_sql;    // microseconds; NULL: no bound is on a time
} JoinInput;

typedef struct JoinKey {
    const Expr *exprs[2]; // of the left and the right side
    const char *sql[2];
    const Type *type;
    bool is_null_safe; // <=>
} JoinKey;

// right time - left time <= value (high) or >= value.
typedef struct JoinBound {
    bool is_high;
    bool is_inclusive;
    TimeUs value;
    TimeUs slack; // casts to seconds cut off up to that much
} JoinBound;

typedef struct JoinCut {
    Planner *planner;
    const Relation *relation; // as written
    JoinKind kind;
    JoinInput inputs[2];
    JoinKey *keys;
    size_t key_count;
    size_t key_capacity;
    JoinBound *bounds;
    size_t bound_count;
    size_t bound_capacity;
    const Expr **rest; // conditions on pairs
    size_t rest_count;
    size_t rest_capacity;
    Slice *merged; // columns of USING and NATURAL
    size_t merged_count;
    size_t merged_capacity;
    PlanStage *stage;
    PlanJoin *plan;
} JoinCut;

// plan_join_condition.c
bool plan_join_condition_split(JoinCut *cut);
// After the event times are known.
void plan_join_condition_bounds(JoinCut *cut);
// Whether an expression can be computed from one side alone; its type may be NULL.
bool plan_join_condition_binds(JoinCut *cut, int side, const Expr *expr, const Type **type);
// NULL in, NULL out; a comparison that is not true when either side is NULL; the same each time.
bool plan_join_condition_passes_null(const Expr *expr);
bool plan_join_condition_compares(const Expr *expr);
bool plan_join_condition_is_pure(const Expr *expr);

// plan_facts.c: kind and condition in the user's words.
void plan_describe_join(const JoinCut *cut, PlanStage *stage);

// plan_push.c
// A side of a join as written, with what the join demands of its rows below its watermark.
const Relation *plan_push_join(Planner *planner, const Relation *join, int side);

// plan_join_names.c
bool plan_join_names_columns(Planner *planner, const Relation *relation, JoinColumns *columns);
JoinColumn *plan_join_names_find(const JoinColumns *columns, Slice alias, Slice name);
// Marks the columns that something behind the join refers to.
void plan_join_names_choose(JoinCut *cut);
// SELECT of rows like the stage's under the names of FROM; `all` keeps the columns of `source`.
const char *plan_join_names_select(JoinCut *cut, const char *source, bool all);
// The relation that stands for the join from now on.
Relation *plan_join_names_relation(JoinCut *cut);
