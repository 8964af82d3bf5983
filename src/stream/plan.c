// SPDX-License-Identifier: Apache-2.0
#include "stream/plan.h"

#include "stream/plan_internal.h"
#include "stream/rewrite.h"

static bool is_aggregate_call(const Expr *expr)
{
    return expr->kind == EXPR_CALL && expr->over == NULL && sql_is_aggregate(expr->text);
}

static bool note_aggregate(void *context, const Expr *expr)
{
    if (is_aggregate_call(expr)) {
        *(bool *)context = true;
    }
    return true;
}

bool plan_is_aggregating(const Select *select)
{
    bool found = select->group_by.count > 0 || select->set_count > 0 || select->having != NULL ||
                 select->grouping != GROUPING_PLAIN;
    for (size_t i = 0; i < select->item_count; i++) {
        rewrite_visit(select->items[i].expr, note_aggregate, &found);
    }
    return found;
}

static bool note_window_function(void *context, const Expr *expr)
{
    if (expr->kind == EXPR_CALL && expr->over != NULL) {
        *(const Expr **)context = expr;
    }
    return true;
}

const Expr *plan_window_function(const Expr *expr)
{
    const Expr *found = NULL;
    rewrite_visit(expr, note_window_function, &found);
    return found;
}

static bool check_window_functions(Planner *planner, const Select *select, const Flowing *flowing)
{
    if (flowing->aggregated && planner->request->mode == OUTPUT_COMPLETE) {
        return true; // each batch holds the whole result
    }
    for (size_t i = 0; i <= select->item_count; i++) {
        const Expr *found =
            plan_window_function(i < select->item_count ? select->items[i].expr : select->qualify);
        if (found != NULL) {
            diagnose(planner->diagnostics, found->pos, "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
                     "group by window(time, '1 minute') instead, or drop STREAM to read the table "
                     "as a batch",
                     "window function '%.*s' cannot run on a stream", SLICE_ARG(found->text));
            return false;
        }
    }
    return true;
}

static bool is_call_of(const Expr *expr, const char *function)
{
    return expr->kind == EXPR_CALL && expr->arguments.count > 0 &&
           slice_equal_nocase(expr->text, slice_of(function));
}

const EventColumn *plan_find_event(const Flowing *flowing, const Expr *expr, bool is_window)
{
    if (!is_window && is_call_of(expr, "window_time")) {
        return plan_find_event(flowing, expr->arguments.items[0], true);
    }
    const Name *name = &expr->name;
    for (size_t i = 0; expr->kind == EXPR_COLUMN && i < flowing->event_count; i++) {
        const EventColumn *event = &flowing->events[i];
        if (event->is_window == is_window && name->count > 0 &&
            slice_equal_nocase(name->parts[name->count - 1], slice_of(event->name)) &&
            (name->count == 1 || slice_equal_nocase(name->parts[name->count - 2], event->alias))) {
            return event;
        }
    }
    return NULL;
}

bool plan_is_event_column(const Flowing *flowing, const Expr *expr)
{
    return plan_find_event(flowing, expr, false) != NULL;
}

bool plan_is_event_window(const Flowing *flowing, const Expr *expr)
{
    return plan_find_event(flowing, expr, true) != NULL;
}

const EventColumn *plan_event_time(const Flowing *flowing)
{
    for (size_t i = 0; i < flowing->event_count; i++) {
        if (!flowing->events[i].is_window) {
            return &flowing->events[i];
        }
    }
    return NULL;
}

static void add_event(Planner *planner, Flowing *flowing, EventColumn event)
{
    ARENA_PUSH(planner->arena, flowing->events, flowing->event_count, flowing->event_capacity,
               event);
}

void plan_forget_events(Planner *planner, Flowing *flowing, bool keep_windows)
{
    const Flowing before = *flowing;
    flowing->events = NULL;
    flowing->event_count = flowing->event_capacity = 0;
    for (size_t i = 0; keep_windows && i < before.event_count; i++) {
        if (before.events[i].is_window) {
            add_event(planner, flowing, before.events[i]);
        }
    }
}

static bool star_has(const EventColumn *event, const Expr *star)
{
    const Name *of = &star->qualifier;
    if (of->count > 0 && !slice_equal_nocase(of->parts[of->count - 1], event->alias)) {
        return false;
    }
    for (size_t i = 0; i < star->except_count; i++) {
        if (slice_equal_nocase(star->except[i], slice_of(event->name))) {
            return false;
        }
    }
    return true;
}

static const EventColumn *made_window(const Flowing *flowing, const Expr *expr)
{
    if (!is_call_of(expr, "window")) {
        return NULL;
    }
    const EventColumn *time = plan_find_event(flowing, expr->arguments.items[0], false);
    return time != NULL ? time : plan_find_event(flowing, expr->arguments.items[0], true);
}

void plan_add_event(Planner *planner, Flowing *flowing, const EventColumn *from, bool is_window,
                    const SelectItem *item)
{
    Buffer name = {0};
    if (item->alias.size > 0) {
        buffer_append(&name, item->alias);
    } else if (item->expr->kind == EXPR_COLUMN) {
        buffer_append(&name, item->expr->name.parts[item->expr->name.count - 1]);
    } else if (is_window) {
        buffer_append_text(&name, "window");
    } else {
        sql_expr_name(item->expr, &name);
    }
    EventColumn event = *from;
    event.is_window = is_window;
    event.name = arena_text(planner->arena, buffer_slice(&name));
    buffer_done(&name);
    add_event(planner, flowing, event);
}

// Follows event times and their windows through a SELECT list; without them the rows have none.
static void follow_events(Planner *planner, const Select *select, Flowing *flowing)
{
    const Flowing before = *flowing;
    plan_forget_events(planner, flowing, false);
    for (size_t i = 0; i < select->item_count; i++) {
        const SelectItem *item = &select->items[i];
        for (size_t e = 0; item->expr->kind == EXPR_STAR && e < before.event_count; e++) {
            if (star_has(&before.events[e], item->expr)) {
                add_event(planner, flowing, before.events[e]);
            }
        }
        const EventColumn *time = plan_find_event(&before, item->expr, false);
        const EventColumn *window = plan_find_event(&before, item->expr, true);
        const EventColumn *made = made_window(&before, item->expr);
        const EventColumn *from = time != NULL ? time : window != NULL ? window : made;
        if (from != NULL) {
            plan_add_event(planner, flowing, from, time == NULL, item);
        }
    }
}

enum { STAGES_MAX = 64 }; // bits of PlanStage.below

bool plan_declare_function(Planner *planner, const char *name, const char *arguments_and_body,
                           Pos pos)
{
    const char *sql =
        arena_printf(planner->arena, "CREATE OR REPLACE TEMP MACRO %s%s", name, arguments_and_body);
    Error err;
    return duck_run(planner->request->conn, sql, &err) ||
           diagnose(planner->diagnostics, pos, NULL, NULL, "%s", err.message);
}

PlanStage *plan_begin_stage(Planner *planner, StageKind kind, const char *name, Pos pos,
                            const Flowing *flowing)
{
    Arena *arena = planner->arena;
    const Plan *plan = planner->plan;
    int id = (int)plan->stage_count;
    if (id >= STAGES_MAX) {
        diagnose(planner->diagnostics, pos, "UNSUPPORTED_FEATURE",
                 "write a part of it into a streaming table and read that",
                 "a query has more than %d stateful operators", STAGES_MAX);
        return NULL;
    }
    PlanStage *stage = ARENA_NEW(arena, PlanStage);
    stage->kind = kind;
    stage->id = id;
    stage->pos = pos;
    stage->below = flowing->below;
    stage->name = arena_printf(arena, "%s_%d", name, id);
    stage->late_function = arena_printf(arena, "late_%d_%d", plan->flow, id);
    stage->batch_relation = arena_printf(arena, "batch_%d_%d", plan->flow, id);
    stage->state_relation = arena_printf(arena, "state_%d_%d", plan->flow, id);
    bool ok = plan_declare_function(planner, stage->late_function, "(x) AS x < 0", pos);
    return ok ? stage : NULL;
}

bool plan_add_stage(Planner *planner, const PlanStage *stage, Flowing *flowing)
{
    Plan *plan = planner->plan;
    if (!plan_declare_view(planner, stage->batch_relation, &stage->output, stage->pos)) {
        return false;
    }
    ARENA_PUSH(planner->arena, plan->stages, plan->stage_count, plan->stage_capacity, *stage);
    flowing->below = UINT64_C(1) << stage->id;
    return true;
}

bool plan_may_deduplicate(Planner *planner, const Flowing *flowing, Pos pos)
{
    if (!flowing->aggregated || planner->request->mode == OUTPUT_APPEND) {
        return true;
    }
    // What was seen in an earlier batch would be missing from the new result.
    return diagnose(planner->diagnostics, pos, "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                    "drop them when reading the table",
                    "duplicates of an aggregation's result cannot be dropped in output mode %s",
                    plan_mode_name(planner->request->mode));
}

// The query as written, as what a stage over it reads.
static const Relation *written_query(Planner *planner, const Select *select)
{
    Select *copy = ARENA_NEW(planner->arena, Select);
    *copy = *select;
    Relation *relation = ast_relation(planner->arena, RELATION_QUERY, select->pos);
    relation->query = plan_query_of(planner->arena, copy);
    return relation;
}

static Query *distinct_query(Planner *planner, Select *select, Flowing *flowing)
{
    Relation *inner = ast_relation(planner->arena, RELATION_QUERY, select->pos);
    Select *plain = ARENA_NEW(planner->arena, Select);
    *plain = *select;
    plain->distinct = false;
    inner->query = plan_query_of(planner->arena, plain);
    DropDuplicates *all = ARENA_NEW(planner->arena, DropDuplicates);
    all->pos = select->pos;
    Relation *unique = plan_deduplicate(planner, inner, all, flowing);
    if (unique == NULL) {
        return NULL;
    }
    Select *outer = ARENA_NEW(planner->arena, Select);
    outer->pos = select->pos;
    outer->from = unique;
    outer->items = ARENA_NEW(planner->arena, SelectItem);
    outer->items[0].expr = ast_expr(planner->arena, EXPR_STAR, select->pos);
    outer->items[0].pos = select->pos;
    outer->item_count = 1;
    return plan_query_of(planner->arena, outer);
}

// The first rows of each group in place of the query that ranks them.
static Relation *plan_ranked(Planner *planner, const Select *select, const PlanTopRequest *request,
                             Flowing *flowing)
{
    Relation *from = plan_relation(planner, request->select->from, flowing);
    if (from == NULL) {
        return NULL;
    }
    bool whole = flowing->aggregated && planner->request->mode == OUTPUT_COMPLETE;
    if (flowing->streaming && !whole) {
        planner->written = request->select->from;
        Relation *top = plan_top(planner, request, from, select->from->alias, flowing);
        if (top != NULL) {
            top->column_aliases = select->from->column_aliases;
            top->column_alias_count = select->from->column_alias_count;
        }
        return top;
    }
    Relation *copy = ARENA_NEW(planner->arena, Relation);
    *copy = *select->from;
    Select *inner = ARENA_NEW(planner->arena, Select);
    *inner = *request->select;
    inner->from = from;
    copy->query = plan_query_of(planner->arena, inner);
    return copy;
}

static Relation *plan_from(Planner *planner, const Select *select, Flowing *flowing)
{
    const Select *outer = planner->select;
    bool outer_reaches = planner->where_reaches;
    planner->select = select;
    planner->where_reaches = true;
    PlanTopRequest top;
    const Relation *relation = select->from;
    if (select->where != NULL && relation->kind != RELATION_JOIN) {
        relation = plan_push_where(planner, relation, select->where);
    }
    Relation *from = planner->request->mode != OUTPUT_APPEND && plan_top_matches(select, &top)
                         ? plan_ranked(planner, select, &top, flowing)
                         : plan_relation(planner, relation, flowing);
    planner->select = outer;
    planner->where_reaches = outer_reaches;
    return from;
}

static Query *plan_select(Planner *planner, const Query *query, Flowing *flowing)
{
    if (query->select->qualify != NULL && planner->request->mode != OUTPUT_APPEND) {
        query = plan_top_from_qualify(planner, query);
    }
    const Select *select = query->select;
    Query *copy = ARENA_NEW(planner->arena, Query);
    *copy = *query;
    Select *planned = ARENA_NEW(planner->arena, Select);
    *planned = *select;
    copy->select = planned;
    if (select->from == NULL) {
        return copy;
    }
    planned->from = plan_from(planner, select, flowing);
    if (planned->from == NULL || !plan_join_spell_stars(planner, planned)) {
        return NULL;
    }
    if (!flowing->streaming) {
        return copy;
    }
    if (!check_window_functions(planner, select, flowing)) {
        return NULL;
    }
    planner->written = select->from;
    if (plan_is_aggregating(select)) {
        SortList order_by = {0};
        for (size_t i = 0; i < query->order_by.count; i++) {
            ARENA_PUSH(planner->arena, order_by.items, order_by.count, order_by.capacity,
                       query->order_by.items[i]);
        }
        copy->order_by = order_by;
        copy->select = plan_aggregate(planner, planned, planned->from, flowing, &copy->order_by);
        if (copy->select == NULL) {
            return NULL;
        }
        if (!select->distinct || planner->request->mode == OUTPUT_COMPLETE) {
            return copy;
        }
        planner->written = written_query(planner, select);
        return plan_may_deduplicate(planner, flowing, select->pos)
                   ? distinct_query(planner, copy->select, flowing)
                   : NULL;
    }
    follow_events(planner, planned, flowing);
    if (!select->distinct || (flowing->aggregated && planner->request->mode == OUTPUT_COMPLETE)) {
        return copy; // each batch of complete mode holds the whole result
    }
    planner->written = written_query(planner, select);
    return plan_may_deduplicate(planner, flowing, select->pos)
               ? distinct_query(planner, planned, flowing)
               : NULL;
}

static bool check_order_and_limit(Planner *planner, const Query *query, const Flowing *flowing)
{
    bool allowed = planner->request->mode == OUTPUT_COMPLETE && flowing->aggregated;
    if (!flowing->streaming || allowed) {
        return true;
    }
    if (query->order_by.count > 0) {
        return diagnose(planner->diagnostics, query->order_by.items[0].expr->pos,
                        "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                        "sort when reading the table, or use outputMode 'complete'",
                        "ORDER BY on a stream needs an aggregation and outputMode 'complete'");
    }
    bool counts = planner->request->mode == OUTPUT_APPEND; // over the life of the stream
    if (query->offset != NULL || (query->limit != NULL && !counts)) {
        const Expr *at = query->offset != NULL ? query->offset : query->limit;
        return diagnose(
            planner->diagnostics, at->pos, "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
            "use it when reading the table", "%s on a stream is not supported in output mode %s",
            query->offset != NULL ? "OFFSET" : "LIMIT", plan_mode_name(planner->request->mode));
    }
    return true;
}

static Query *plan_set_operation(Planner *planner, const Query *query, Flowing *flowing)
{
    Query *copy = ARENA_NEW(planner->arena, Query);
    *copy = *query;
    Flowing left = {0};
    Flowing right = {0};
    copy->left = plan_query(planner, query->left, &left);
    copy->right = copy->left == NULL ? NULL : plan_query(planner, query->right, &right);
    if (copy->right == NULL) {
        return NULL;
    }
    flowing->streaming = left.streaming || right.streaming;
    flowing->aggregated = left.aggregated || right.aggregated;
    flowing->below = left.below | right.below;
    if (!plan_union_late(planner, &left, &right)) {
        return NULL;
    }
    if (flowing->streaming && query->set_op != SET_UNION_ALL) {
        diagnose(planner->diagnostics, query->pos, "UNSUPPORTED_STREAMING_OPERATION",
                 "use UNION ALL, and DROP DUPLICATES in the streams",
                 "of the set operations only UNION ALL is supported on streams");
        return NULL;
    }
    if (left.streaming != right.streaming) {
        diagnose(planner->diagnostics, query->pos, "UNSUPPORTED_STREAMING_OPERATION", NULL,
                 "UNION between a stream and a table is not supported");
        return NULL;
    }
    if (planner->request->mode == OUTPUT_COMPLETE && left.aggregated != right.aggregated) {
        diagnose(planner->diagnostics, query->pos, "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                 "aggregate both sides, or write each into a table of its own",
                 "output mode complete needs an aggregation on both sides of UNION ALL");
        return NULL;
    }
    // Columns of a union have the left one's names.
    bool times = plan_event_time(&right) != NULL;
    bool windows = right.event_count > 0 && (!times || right.event_count > 1);
    for (size_t i = 0; i < left.event_count; i++) {
        if (left.events[i].is_window ? windows : times) {
            add_event(planner, flowing, left.events[i]);
        }
    }
    return copy;
}

Query *plan_query(Planner *planner, const Query *query, Flowing *flowing)
{
    Query *copy = NULL;
    if (query->select != NULL) {
        copy = plan_select(planner, query, flowing);
    } else if (query->left != NULL) {
        copy = plan_set_operation(planner, query, flowing);
    } else {
        copy = ARENA_NEW(planner->arena, Query);
        *copy = *query;
    }
    if (copy == NULL || !check_order_and_limit(planner, query, flowing)) {
        return NULL;
    }
    bool counts = copy->limit != NULL && flowing->streaming &&
                  planner->request->mode == OUTPUT_APPEND; // over the life of the stream
    return counts ? plan_limit(planner, copy, flowing) : copy;
}

static bool check_modes(Planner *planner, const Flowing *flowing)
{
    if (planner->request->mode == OUTPUT_COMPLETE && !flowing->aggregated) {
        return diagnose(planner->diagnostics, planner->request->query->pos,
                        "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                        "leave outputMode out, which means append, or aggregate with GROUP BY",
                        "output mode complete needs a streaming aggregation in the query");
    }
    return true;
}

static bool add_expectations(Planner *planner)
{
    Plan *plan = planner->plan;
    if (planner->request->expect == NULL) {
        return true;
    }
    plan->expect = expect_plan(planner->request->expect, planner->arena, planner->diagnostics);
    if (plan->expect == NULL) {
        return false;
    }
    Buffer sql = {0};
    expect_print(plan->expect, plan->output_sql, &plan->output, &sql);
    plan->output_sql = arena_text(planner->arena, buffer_slice(&sql));
    buffer_done(&sql);
    return true;
}

const Plan *plan_create(const PlanRequest *request, Arena *arena, Diagnostics *diagnostics)
{
    Plan *plan = ARENA_NEW(arena, Plan);
    plan->flow = request->flow;
    plan->mode = request->mode;
    Planner planner = {
        .request = request, .arena = arena, .diagnostics = diagnostics, .plan = plan};
    Flowing flowing = {0};
    Query *query = plan_query(&planner, rewrite_without_ctes(arena, request->query), &flowing);
    if (query == NULL || !check_modes(&planner, &flowing)) {
        return NULL;
    }
    plan->output_sql = plan_sql(&planner, query);
    if (plan->output_sql == NULL ||
        !plan_describe(&planner, plan->output_sql, request->query->pos, &plan->output) ||
        !plan_check_lates(&planner) || !add_expectations(&planner)) {
        return NULL;
    }
    for (size_t i = 0; i < plan->stage_count; i++) {
        const PlanStage *stage = &plan->stages[i];
        bool follows = stage->kind == STAGE_JOIN
                           ? stage->has_event_time
                           : stage->kind == STAGE_DEDUPLICATE || plan->mode != OUTPUT_COMPLETE;
        plan->wants_no_data_batch |= follows && plan->watermark_count > 0;
    }
    return plan;
}

void plan_stage_watermarks(const Plan *plan, TimeUs watermark, TimeUs *inputs)
{
    for (size_t i = 0; i < plan->stage_count; i++) {
        inputs[i] = watermark;
        for (size_t below = 0; below < i; below++) {
            bool reads = (plan->stages[i].below >> below & 1) != 0;
            TimeUs passed = inputs[below] == TIME_MIN
                                ? TIME_MIN
                                : inputs[below] - plan->stages[below].watermark_lag;
            if (reads && passed < inputs[i]) {
                inputs[i] = passed;
            }
        }
    }
}

const char *plan_mode_name(OutputMode mode)
{
    static const char *const names[] = {"append", "update", "complete"};
    return names[mode];
}
