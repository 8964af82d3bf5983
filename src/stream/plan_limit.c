// Cutting a query at LIMIT in append mode: it counts over the life of the stream. See plan.h.
//
// The stage is SELECT * FROM (query) LIMIT (SELECT left()), where left() is what the batches before
// have left over; the operator counts the rows.
// SPDX-License-Identifier: Apache-2.0
#include "duck/row_codec.h"
#include "stream/plan_internal.h"

Query *plan_limit(Planner *planner, const Query *query, Flowing *flowing)
{
    Arena *arena = planner->arena;
    const char *limit = plan_expr_sql(planner, query->limit);
    Query *unlimited = ARENA_NEW(arena, Query);
    *unlimited = *query;
    unlimited->limit = NULL;
    const char *input = plan_sql(planner, unlimited);
    PlanStage *stage = plan_begin_stage(planner, STAGE_LIMIT, "limit", query->limit->pos, flowing);
    if (limit == NULL || input == NULL || stage == NULL ||
        !plan_describe(planner, input, query->pos, &stage->output)) {
        return NULL;
    }
    schema_add(arena, &stage->keys, "key", type_simple(TYPE_BOOLEAN), true);
    schema_add(arena, &stage->values, "rows", type_simple(TYPE_BIGINT), true);
    stage->limit = ARENA_NEW(arena, PlanLimit);
    stage->limit->left_function =
        arena_printf(arena, "limit_left_%d_%d", planner->plan->flow, stage->id);
    stage->sql = arena_printf(arena, "SELECT * FROM (%s) LIMIT (SELECT %s(CAST(%s AS BIGINT)))",
                              input, stage->limit->left_function, limit);
    Error err;
    if (!row_check_schema(&stage->output, &err)) {
        diagnose(planner->diagnostics, query->limit->pos, NULL, NULL, "%s", err.message);
        return NULL;
    }
    if (!plan_declare_function(planner, stage->limit->left_function, "(x) AS x", stage->pos) ||
        !plan_add_stage(planner, stage, flowing)) {
        return NULL;
    }
    Select *all = ARENA_NEW(arena, Select);
    all->pos = query->pos;
    all->from = plan_raw_relation(arena, query->pos, (Slice){0}, stage->batch_relation);
    all->items = ARENA_NEW(arena, SelectItem);
    all->items[0].expr = ast_expr(arena, EXPR_STAR, query->pos);
    all->item_count = 1;
    return plan_query_of(arena, all);
}
