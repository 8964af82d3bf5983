// Cutting a query at DROP DUPLICATES and SELECT DISTINCT. See plan.h.
// SPDX-License-Identifier: Apache-2.0
#include "duck/row_codec.h"
#include "stream/plan_internal.h"

static bool find_keys(Planner *planner, const DropDuplicates *request, const Schema *schema,
                      PlanStage *stage)
{
    Arena *arena = planner->arena;
    size_t count = request->key_count == 0 ? schema->count : request->key_count;
    stage->deduplicate->key_columns = ARENA_ARRAY(arena, size_t, count);
    for (size_t i = 0; i < count; i++) {
        int column = (int)i;
        if (request->key_count > 0) {
            const Name *name = &request->keys[i];
            column = schema_find(schema, name->parts[name->count - 1]);
            if (column < 0) {
                Map *names = map_create(true);
                for (size_t c = 0; c < schema->count; c++) {
                    map_put(names, slice_of(schema->columns[c].name), NULL);
                }
                diagnose(planner->diagnostics, name->pos, "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                         diagnostic_nearest(arena, names, name->parts[name->count - 1]),
                         "no column '%.*s' to drop duplicates on",
                         SLICE_ARG(name->parts[name->count - 1]));
                map_destroy(names);
                return false;
            }
        }
        stage->deduplicate->key_columns[i] = (size_t)column;
        const Column *key = &schema->columns[column];
        schema_add(arena, &stage->keys, key->name, key->type, true);
    }
    Error err;
    if (!row_check_schema(&stage->keys, &err)) {
        return diagnose(planner->diagnostics, request->pos, NULL, NULL, "%s", err.message);
    }
    return true;
}

static bool find_expiry(Planner *planner, const DropDuplicates *request, const Schema *schema,
                        const Flowing *flowing, PlanStage *stage)
{
    PlanDeduplicate *rule = stage->deduplicate;
    const EventColumn *event = plan_event_time(flowing);
    rule->event_time_column = event == NULL ? -1 : schema_find(schema, slice_of(event->name));
    stage->has_event_time = rule->event_time_column >= 0;
    if (request->within_watermark) {
        if (!stage->has_event_time) {
            return diagnose(planner->diagnostics, request->pos, NULL,
                            "add WATERMARK column DELAY OF INTERVAL ... before it",
                            "DROP DUPLICATES WITHIN WATERMARK needs a watermark");
        }
        rule->expires = true;
        rule->within_watermark = true;
        rule->expiry_delay = planner->plan->watermarks[event->watermark].delay;
        return true;
    }
    for (size_t i = 0; i < stage->keys.count; i++) {
        if (stage->has_event_time && rule->key_columns[i] == (size_t)rule->event_time_column) {
            rule->expires = true;
        }
    }
    return true;
}

static const char *quoted(Arena *arena, const char *name)
{
    Buffer text = {0};
    duck_quote_name(&text, slice_of(name));
    const char *copy = arena_text(arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}

static const char *key_list(Planner *planner, const PlanStage *stage)
{
    Buffer list = {0};
    for (size_t i = 0; i < stage->keys.count; i++) {
        buffer_printf(&list, "%s%s", i == 0 ? "" : ", ",
                      quoted(planner->arena, stage->keys.columns[i].name));
    }
    const char *text = arena_text(planner->arena, buffer_slice(&list));
    buffer_done(&list);
    return text;
}

// The rows on time whose key neither the state nor an earlier row of the batch has. One function
// decides, so that a late row never takes a key; it streams, where DISTINCT ON would build a table.
// It stands in the select list: among the conditions of WHERE the optimizer may move it before
// those of the input, and rows that are filtered out would take keys.
static const char *stage_sql(Planner *planner, const PlanStage *stage, const Schema *schema,
                             const char *input)
{
    const char *time = "NULL::BIGINT";
    if (stage->has_event_time) {
        const char *column = schema->columns[stage->deduplicate->event_time_column].name;
        time = arena_printf(planner->arena, "epoch_us(%s)", quoted(planner->arena, column));
    }
    return arena_printf(planner->arena,
                        "SELECT * EXCLUDE (\"#first\") FROM (SELECT *, %s(%s, %s) AS "
                        "\"#first\" FROM (%s)) WHERE \"#first\"",
                        stage->deduplicate->claim_function, time, key_list(planner, stage), input);
}

static const char *late_sql(Planner *planner, const PlanStage *stage, const Schema *schema,
                            const char *input)
{
    const char *column = schema->columns[stage->deduplicate->event_time_column].name;
    return arena_printf(planner->arena, "SELECT * FROM (%s) WHERE %s(epoch_us(%s))", input,
                        stage->late_function, quoted(planner->arena, column));
}

Relation *plan_deduplicate(Planner *planner, Relation *from, const DropDuplicates *request,
                           Flowing *flowing)
{
    Arena *arena = planner->arena;
    if (planner->request->mode == OUTPUT_UPDATE && flowing->aggregated) {
        return plan_refuse_mode(planner, request->pos, "deduplication after an aggregation");
    }
    Select *all = ARENA_NEW(arena, Select);
    all->pos = from->pos;
    all->from = from;
    all->items = ARENA_NEW(arena, SelectItem);
    all->items[0].expr = ast_expr(arena, EXPR_STAR, from->pos);
    all->item_count = 1;
    const char *input = plan_sql(planner, plan_query_of(arena, all));
    Schema schema = {0};
    if (input == NULL || !plan_describe(planner, input, from->pos, &schema)) {
        return NULL;
    }
    PlanStage *stage =
        plan_begin_stage(planner, STAGE_DEDUPLICATE, "deduplicate", request->pos, flowing);
    if (stage == NULL) {
        return NULL;
    }
    stage->deduplicate = ARENA_NEW(arena, PlanDeduplicate);
    stage->deduplicate->claim_function =
        arena_printf(arena, "state_claim_%d_%d", planner->plan->flow, stage->id);
    if (!find_keys(planner, request, &schema, stage) ||
        !find_expiry(planner, request, &schema, flowing, stage)) {
        return NULL;
    }
    plan_add_fact(planner, stage, "keys", request->pos, key_list(planner, stage));
    Buffer origin = {0};
    for (size_t i = 0; i < stage->keys.count; i++) {
        const Expr *key = plan_column(arena, request->pos, stage->keys.columns[i].name, NULL);
        plan_append_origin(planner, planner->written, key, &origin);
    }
    plan_add_origin(planner, stage, &origin);
    plan_add_fact(planner, stage, "lifetime", request->pos,
                  request->within_watermark     ? "within the watermark"
                  : stage->deduplicate->expires ? "with their event time"
                                                : "never");
    stage->sql = stage_sql(planner, stage, &schema, input);
    stage->output = schema;
    const char *late = stage->has_event_time ? late_sql(planner, stage, &schema, input) : NULL;
    if (late != NULL && !plan_add_late(planner, stage, flowing, late)) {
        return NULL;
    }
    if (!plan_add_stage(planner, stage, flowing)) {
        return NULL;
    }
    return plan_raw_relation(arena, request->pos, (Slice){0}, stage->batch_relation);
}
