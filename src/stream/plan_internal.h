// plan_internal.h -- what the files of the planner share. See plan.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream/plan.h"

typedef struct Planner {
    const PlanRequest *request;
    Arena *arena;
    Diagnostics *diagnostics;
    Plan *plan;
    bool failed;
    const Select *select;            // whose FROM is being planned
    const Relation *written;         // what the stage being cut reads, before planning
    bool where_reaches;              // its WHERE may be applied to the relation being planned
    const struct PlanJoined *joined; // joins of streams that have been cut (plan_join.h)
} Planner;

// A SELECT with one ranking function, of which the query around it wants the first ranks.
typedef struct PlanTopRequest {
    const Select *select;
    size_t item;   // of the select list: the ranking
    int64_t limit; // highest rank wanted
} PlanTopRequest;

// A column of event time, or one made by window(event time).
typedef struct EventColumn {
    Slice alias; // of the relation that has it; empty: it has no name
    const char *name;
    bool is_window;
    int watermark; // index into plan->watermarks
} EventColumn;

// What is known of the rows of a relation or query after planning.
typedef struct Flowing {
    bool streaming;
    bool aggregated;     // an aggregation has been cut below
    EventColumn *events; // in the order of the columns; never changed, a new array replaces it
    size_t event_count;  // 0: no watermark in sight
    size_t event_capacity;
    const Name *late_into;    // where the next stage's late rows go; NULL: they are counted
    uint64_t below;           // bit i: rows of stage i, not cut by a stage above it
} Flowing;

// Both return a tree in which streams are read through views; NULL after a problem.
Relation *plan_relation(Planner *planner, const Relation *relation, Flowing *flowing);
Query *plan_query(Planner *planner, const Query *query, Flowing *flowing);

// Cuts an aggregating SELECT whose FROM has been planned; the result reads the stage.
// order_by of the query around it is rewritten along (in place, it is a copy already).
Select *plan_aggregate(Planner *planner, const Select *select, Relation *from, Flowing *flowing,
                       SortList *order_by);
// A join in FROM. Of two streams it is cut: in its place stands a relation under the same names,
// where stars must be spelt out (false: a problem).
Relation *plan_join(Planner *planner, const Relation *relation, Flowing *flowing);
bool plan_join_spell_stars(Planner *planner, Select *select);
// A relation of the rows of `from` whose key is new.
Relation *plan_deduplicate(Planner *planner, Relation *from, const DropDuplicates *request,
                           Flowing *flowing);

// Whether `outer` asks for the first rows of each group: FROM (... ranking AS n ...) WHERE n <= 3.
bool plan_top_matches(const Select *outer, PlanTopRequest *request);
// The same query with its QUALIFY as WHERE of a query around it.
Query *plan_top_from_qualify(Planner *planner, const Query *query);
// A relation of the first rows of each group, with the columns of the SELECT list.
Relation *plan_top(Planner *planner, const PlanTopRequest *request, Relation *from, Slice alias,
                   Flowing *flowing);
// A planned query with its LIMIT counted over the life of the stream.
Query *plan_limit(Planner *planner, const Query *query, Flowing *flowing);
// The first function with OVER in an expression; NULL: none.
const Expr *plan_window_function(const Expr *expr);

// plan_facts.c: what a stage keeps, in the user's words. The text of an expression as the user
// wrote it, in the arena.
void plan_add_fact(Planner *planner, PlanStage *stage, const char *label, Pos pos,
                   const char *text);
// How the columns of the stage's last fact are made below it; the text is given away.
void plan_add_origin(Planner *planner, PlanStage *stage, Buffer *origin);
void plan_show_column(Planner *planner, PlanStage *stage, const PlanShown *shown);
const char *plan_words(Planner *planner, const Expr *expr);
void plan_append_words(Slice text, Buffer *out);
void plan_describe_top(Planner *planner, PlanStage *stage, const Expr *ranking, int64_t limit);
// plan_origin.c: appends how the columns of an expression over `from` (as written) are made.
void plan_append_origin(Planner *planner, const Relation *from, const Expr *expr, Buffer *out);

// FROM one relation with what WHERE asks of it asked for below its watermark already: rows that are
// filtered out do not move the watermark, as in Spark.
const Relation *plan_push_where(Planner *planner, const Relation *relation, const Expr *where);

// Whether duplicates may be dropped here; a problem at `pos` when not.
bool plan_may_deduplicate(Planner *planner, const Flowing *flowing, Pos pos);
bool plan_is_aggregating(const Select *select);
// Whether an expression in a SELECT over these rows is the event-time column, or window() of it. A
// qualified name may also be a field of a struct, or the column of a table that is joined.
bool plan_is_event_column(const Flowing *flowing, const Expr *expr);
bool plan_is_event_window(const Flowing *flowing, const Expr *expr);
// The column of event time, or the window of it, that an expression is: NULL: none. window_time(w)
// is an event time.
const EventColumn *plan_find_event(const Flowing *flowing, const Expr *expr, bool is_window);
// Brings a column into sight: a select item that is the event time `from`, or a window of it.
void plan_add_event(Planner *planner, Flowing *flowing, const EventColumn *from, bool is_window,
                    const SelectItem *item);
// The first column of event time that is no window; NULL: none.
const EventColumn *plan_event_time(const Flowing *flowing);
// Leaves the windows of event time, or nothing, in sight.
void plan_forget_events(Planner *planner, Flowing *flowing, bool keep_windows);

// DuckDB SQL of a planned query or expression as a text in the arena; NULL after a problem.
const char *plan_sql(Planner *planner, const Query *query);
const char *plan_expr_sql(Planner *planner, const Expr *expr);
// Column names and types of a DuckDB query; false after a problem at `pos`.
bool plan_describe(Planner *planner, const char *sql, Pos pos, Schema *schema);
// Makes a view of no rows with this schema on the planning connection.
bool plan_declare_view(Planner *planner, const char *view, const Schema *schema, Pos pos);

// Starts a stage over rows `flowing`: its number, the names of its relations and its late function,
// which is declared on the planning connection. plan_add_stage puts it into the plan; from then on
// the rows are its output. Both give NULL or false after a problem.
PlanStage *plan_begin_stage(Planner *planner, StageKind kind, const char *name, Pos pos,
                            const Flowing *flowing);
bool plan_add_stage(Planner *planner, const PlanStage *stage, Flowing *flowing);
// The rows of the stage's input that it drops as late (DuckDB SQL without side effects): where the
// input has LATE DATA INTO, they are written there, and the clause is done with. Call it for each
// input with late rows, between plan_begin_stage and plan_add_stage.
bool plan_add_late(Planner *planner, const PlanStage *stage, Flowing *input, const char *late_sql);
// plan_late.c: every LATE DATA INTO has found its stage; a union has none below.
bool plan_check_lates(Planner *planner);
bool plan_union_late(Planner *planner, const Flowing *left, const Flowing *right);
// Makes a macro on the planning connection that stands for a function of the operator.
bool plan_declare_function(Planner *planner, const char *name, const char *arguments_and_body,
                           Pos pos);

Query *plan_query_of(Arena *arena, Select *select);
Relation *plan_raw_relation(Arena *arena, Pos pos, Slice alias, const char *sql);
Expr *plan_column(Arena *arena, Pos pos, const char *name, const char *field);
// A problem in Spark's words for an operation that an output mode does not allow; returns NULL.
void *plan_refuse_mode(Planner *planner, Pos pos, const char *operation);
