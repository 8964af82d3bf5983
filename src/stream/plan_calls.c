// The aggregate calls of a streaming aggregation. See plan_cut.h.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_cut.h"

static bool collect_call(void *context, const Expr *expr)
{
    Cut *cut = context;
    if (expr->kind != EXPR_CALL || !sql_is_aggregate(expr->text)) {
        return true;
    }
    for (size_t i = 0; i < cut->call_count; i++) {
        if (rewrite_identical(cut->calls[i].expr, expr)) {
            return false;
        }
    }
    AggregateCall call = {.expr = expr, .rule = aggregate_find(expr->text)};
    if (expr->distinct) {
        diagnose(cut->planner->diagnostics, expr->pos, "UNSUPPORTED_FEATURE",
                 "deduplicate the stream first with DROP DUPLICATES",
                 "distinct aggregations are not supported on streams");
        cut->failed = true;
    } else if (call.rule == NULL) {
        diagnose(cut->planner->diagnostics, expr->pos, "UNSUPPORTED_FEATURE",
                 "use a MATERIALIZED VIEW over the table, which is recomputed as a batch",
                 "aggregate '%.*s' is not supported on streams by this version",
                 SLICE_ARG(expr->text));
        cut->failed = true;
    }
    ARENA_PUSH(cut->planner->arena, cut->calls, cut->call_count, cut->call_capacity, call);
    return false;
}

bool plan_calls_collect(Cut *cut, const SortList *order_by)
{
    for (size_t i = 0; i < cut->select->item_count; i++) {
        rewrite_visit(cut->select->items[i].expr, collect_call, cut);
    }
    rewrite_visit(cut->select->having, collect_call, cut);
    for (size_t i = 0; i < order_by->count; i++) {
        rewrite_visit(order_by->items[i].expr, collect_call, cut);
    }
    return !cut->failed;
}

// Types of the aggregates as a batch query over the same input gives them.
bool plan_calls_type(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    Select *batch = ARENA_NEW(arena, Select);
    batch->pos = cut->select->pos;
    batch->from = cut->from;
    batch->items = ARENA_ARRAY(arena, SelectItem, cut->call_count + 1);
    for (size_t i = 0; i < cut->call_count; i++) {
        batch->items[i].expr = (Expr *)cut->calls[i].expr;
        batch->items[i].alias = slice_of(arena_printf(arena, "a%zu", i));
    }
    batch->item_count = cut->call_count;
    if (cut->call_count == 0) {
        return true;
    }
    const char *sql = plan_sql(cut->planner, plan_query_of(arena, batch));
    Schema schema = {0};
    if (sql == NULL || !plan_describe(cut->planner, sql, cut->select->pos, &schema)) {
        return false;
    }
    for (size_t i = 0; i < cut->call_count; i++) {
        cut->calls[i].type = schema.columns[i].type;
    }
    return true;
}

static Expr *partial_call(Cut *cut, const AggregateCall *call, const AggregatePartial *partial)
{
    Arena *arena = cut->planner->arena;
    Expr *copy = ARENA_NEW(arena, Expr);
    *copy = *call->expr;
    copy->text = slice_of(partial->function);
    if (partial->as_double && call->type->kind != TYPE_DECIMAL && copy->arguments.count == 1) {
        Expr *cast = ast_expr(arena, EXPR_CAST, call->expr->pos);
        cast->type = type_simple(TYPE_DOUBLE);
        size_t capacity = 0;
        size_t count = 0;
        ARENA_PUSH(arena, cast->arguments.items, count, capacity, copy->arguments.items[0]);
        cast->arguments.count = count;
        ExprList list = {0};
        ARENA_PUSH(arena, list.items, list.count, list.capacity, cast);
        copy->arguments = list;
    }
    return copy;
}

static Expr *number(Arena *arena, Pos pos, size_t value)
{
    Expr *expr = ast_expr(arena, EXPR_NUMBER, pos);
    expr->text = slice_of(arena_printf(arena, "%zu", value));
    return expr;
}

const char *plan_calls_partial_sql(Cut *cut, size_t *partial_count)
{
    Arena *arena = cut->planner->arena;
    Select *partial = ARENA_NEW(arena, Select);
    partial->pos = cut->select->pos;
    partial->from = cut->from;
    partial->where = cut->select->where;
    size_t capacity = cut->key_count + cut->call_count * AGGREGATE_PARTIALS_MAX + 1;
    partial->items = ARENA_ARRAY(arena, SelectItem, capacity);
    size_t grouped = 0;
    for (size_t i = 0; i < cut->key_count; i++) {
        const GroupKey *key = &cut->keys[i];
        SelectItem *item = &partial->items[partial->item_count++];
        item->expr =
            key->partial != NULL ? ast_raw(arena, key->expr->pos, key->partial) : (Expr *)key->expr;
        item->alias = slice_of(arena_printf(arena, "k%zu", i));
        ARENA_PUSH(arena, partial->group_by.items, partial->group_by.count,
                   partial->group_by.capacity, number(arena, key->expr->pos, ++grouped));
    }
    for (size_t i = 0; i < cut->call_count; i++) {
        AggregateCall *call = &cut->calls[i];
        call->first_partial = *partial_count;
        for (size_t p = 0; p < call->rule->partial_count; p++) {
            SelectItem *item = &partial->items[partial->item_count++];
            item->expr = partial_call(cut, call, &call->rule->partials[p]);
            item->alias = slice_of(arena_printf(arena, "p%zu", (*partial_count)++));
        }
    }
    if (*partial_count == 0) { // keys alone: something must stand in the value
        SelectItem *item = &partial->items[partial->item_count++];
        item->expr = ast_raw(arena, partial->pos, "any_value(true)");
        item->alias = slice_of("p0");
        *partial_count = 1;
    }
    return plan_sql(cut->planner, plan_query_of(arena, partial));
}
