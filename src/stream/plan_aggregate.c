// Cutting a query at an aggregation. See plan.h; the form of the stage's SQL is drawn there.
//
//     SELECT window.start AS minute, page, avg(ms) + 1 AS m
//     FROM logs GROUP BY window(ts, '1 minute'), page
//
// becomes the stage
//
//     partial   SELECT <start of window> AS k0, page AS k1, sum(ms) AS p0, count(ms) AS p1
//               FROM logs GROUP BY 1, 2
//     merge     SELECT bucket, is_late, k0, k1, p0 + o.v0 AS v0, p1 + o.v1 AS v1
//               FROM (partial with o := state_get(...))
//
// and the output
//
//     SELECT k0.start AS minute, k1 AS page, a0 + 1 AS m
//     FROM (SELECT {k0, k0 + size} AS k0, k1, v0 / v1 AS a0 FROM state)
// SPDX-License-Identifier: Apache-2.0
#include "duck/row_codec.h"
#include "stream/plan_cut.h"

#define STAGE_ALIAS "stage" // of the relation that the rest of the query reads

// ---- SQL of the stage --------------------------------------------------------------------------

static void describe_state(Cut *cut, const Schema *partial, size_t partial_count)
{
    Arena *arena = cut->planner->arena;
    for (size_t i = 0; i < cut->key_count; i++) {
        schema_add(arena, &cut->stage->keys, arena_printf(arena, "k%zu", i),
                   partial->columns[i].type, true);
    }
    for (size_t i = 0; i < partial_count; i++) {
        schema_add(arena, &cut->stage->values, arena_printf(arena, "v%zu", i),
                   partial->columns[cut->key_count + i].type, true);
    }
    schema_add(arena, &cut->stage->output, "bucket", type_simple(TYPE_BIGINT), true);
    schema_add(arena, &cut->stage->output, "is_late", type_simple(TYPE_BOOLEAN), true);
    for (size_t i = 0; i < cut->stage->keys.count; i++) {
        const Column *key = &cut->stage->keys.columns[i];
        schema_add(arena, &cut->stage->output, key->name, key->type, true);
    }
    for (size_t i = 0; i < partial_count; i++) {
        const Column *value = &cut->stage->values.columns[i];
        schema_add(arena, &cut->stage->output, value->name, value->type, true);
    }
}

static void print_merges(const Cut *cut, Buffer *sql)
{
    size_t index = 0;
    for (size_t i = 0; i < cut->call_count; i++) {
        for (size_t p = 0; p < cut->calls[i].rule->partial_count; p++, index++) {
            char *new_value = arena_printf(cut->planner->arena, "p%zu", index);
            char *old_value = arena_printf(cut->planner->arena, "o.v%zu", index);
            buffer_append_text(sql, ", ");
            aggregate_print_merge(cut->calls[i].rule->partials[p].merge, new_value, old_value,
                                  cut->stage->values.columns[index].type, sql);
            buffer_printf(sql, " AS v%zu", index);
        }
    }
    if (index == 0) {
        buffer_append_text(sql, ", p0 AS v0");
    }
}

static const char *stage_sql(Cut *cut, const char *partial)
{
    const GroupKey *event = NULL;
    size_t event_index = 0;
    for (size_t i = 0; i < cut->key_count; i++) {
        // Of several event-time keys a window decides: it closes last.
        const GroupKey *key = &cut->keys[i];
        if (key->is_event_time && (event == NULL || key->is_window || key->is_window_column)) {
            event = key;
            event_index = i;
        }
    }
    cut->stage->has_event_time = event != NULL;
    Buffer bucket = {0};
    if (event == NULL) {
        buffer_append_text(&bucket, "0::BIGINT");
    } else if (event->is_window) {
        buffer_printf(&bucket, "k%zu + %lld", event_index, (long long)event->shape.size);
    } else {
        buffer_printf(&bucket, "coalesce(epoch_us(k%zu%s), 9223372036854775807)", event_index,
                      event->is_window_column ? ".\"end\"" : "");
    }
    bool filters = event != NULL && cut->planner->request->mode != OUTPUT_COMPLETE;
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT bucket, is_late");
    for (size_t i = 0; i < cut->key_count; i++) {
        buffer_printf(&sql, ", k%zu", i);
    }
    print_merges(cut, &sql);
    buffer_printf(&sql, " FROM (SELECT *, %s(bucket", cut->stage->aggregate->get_function);
    for (size_t i = 0; i < cut->key_count; i++) {
        buffer_printf(&sql, ", k%zu", i);
    }
    buffer_printf(&sql, ") AS o FROM (SELECT *, %s AS bucket, %s%s AS is_late FROM (%s)",
                  buffer_text(&bucket), filters ? cut->stage->late_function : "false",
                  filters ? "(bucket)" : "", partial);
    // Rows without an event time belong to no window.
    const char *before = " WHERE ";
    for (size_t i = 0; i < cut->key_count; i++) {
        const GroupKey *key = &cut->keys[i];
        if (key->is_window || key->is_window_column) {
            const char *field = key->is_window ? "" : ".\"end\"";
            buffer_printf(&sql, "%sk%zu%s IS NOT NULL", before, i, field);
            before = " AND ";
        }
    }
    buffer_append_text(&sql, "))");
    const char *text = arena_text(cut->planner->arena, buffer_slice(&sql));
    buffer_done(&sql);
    buffer_done(&bucket);
    return text;
}

// ---- the query that reads the stage ------------------------------------------------------------

static const char *output_relation(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    Buffer sql = {0};
    buffer_append_text(&sql, "(SELECT ");
    for (size_t i = 0; i < cut->key_count; i++) {
        const GroupKey *key = &cut->keys[i];
        if (key->is_window) {
            const char *make =
                key->time_type->kind == TYPE_TIMESTAMP ? "make_timestamptz" : "make_timestamp";
            buffer_printf(
                &sql, "struct_pack(\"start\" := %s(k%zu), \"end\" := %s(k%zu + %lld)) AS k%zu, ",
                make, i, make, i, (long long)key->shape.size, i);
        } else {
            buffer_printf(&sql, "k%zu, ", i);
        }
    }
    for (size_t i = 0; i < cut->call_count; i++) {
        const AggregateCall *call = &cut->calls[i];
        const char *partials[AGGREGATE_PARTIALS_MAX];
        for (size_t p = 0; p < call->rule->partial_count; p++) {
            partials[p] = arena_printf(arena, "v%zu", call->first_partial + p);
        }
        aggregate_print_final(call->rule, partials, call->type, &sql);
        buffer_printf(&sql, " AS a%zu, ", i);
    }
    bool update = cut->planner->request->mode == OUTPUT_UPDATE;
    buffer_printf(&sql, "true AS present FROM %s%s)",
                  update ? cut->stage->batch_relation : cut->stage->state_relation,
                  update ? " WHERE NOT is_late" : "");
    const char *text = arena_text(arena, buffer_slice(&sql));
    buffer_done(&sql);
    return text;
}

// Qualified, so that no alias of the user's select list stands before it.
static Expr *stage_column(const Cut *cut, Pos pos, char kind, size_t i, Slice field)
{
    Arena *arena = cut->planner->arena;
    Expr *expr = plan_column(arena, pos, STAGE_ALIAS, arena_printf(arena, "%c%zu", kind, i));
    if (field.size > 0) {
        expr->name.parts[expr->name.count++] = field;
    }
    return expr;
}

// A field of a key: w.start where w is grouped by. NULL: it is none.
static Expr *key_field(const Cut *cut, const Expr *expr)
{
    if (expr->kind != EXPR_COLUMN || expr->name.count < 2) {
        return NULL;
    }
    Expr base = {.kind = EXPR_COLUMN, .name = expr->name};
    base.name.count--;
    for (size_t i = 0; i < cut->key_count; i++) {
        if (rewrite_equal(cut->keys[i].expr, &base)) {
            return stage_column(cut, expr->pos, 'k', i, expr->name.parts[expr->name.count - 1]);
        }
    }
    return NULL;
}

// Replaces group keys by k<i> and aggregates by a<i>.
static Expr *replace(void *context, const Expr *expr)
{
    Cut *cut = context;
    for (size_t i = 0; i < cut->call_count; i++) {
        if (rewrite_identical(cut->calls[i].expr, expr)) {
            return stage_column(cut, expr->pos, 'a', i, (Slice){0});
        }
    }
    for (size_t i = 0; i < cut->key_count; i++) {
        if (rewrite_identical(cut->keys[i].expr, expr)) {
            return stage_column(cut, expr->pos, 'k', i, (Slice){0});
        }
    }
    for (size_t i = 0; i < cut->key_count; i++) {
        if (rewrite_equal(cut->keys[i].expr, expr)) {
            return stage_column(cut, expr->pos, 'k', i, (Slice){0});
        }
        // The column that window() makes: window, window.start, window.end.
        if (cut->keys[i].is_window && expr->kind == EXPR_COLUMN && expr->name.count <= 2 &&
            slice_equal_nocase(expr->name.parts[0], slice_of("window"))) {
            return stage_column(cut, expr->pos, 'k', i,
                                expr->name.count == 1 ? (Slice){0} : expr->name.parts[1]);
        }
    }
    Expr *field = key_field(cut, expr);
    if (field != NULL) {
        return field;
    }
    const Expr *named = plan_group_select_item(cut, expr);
    if (named != NULL) {
        return rewrite_expr(cut->planner->arena, named, replace, cut);
    }
    if (expr->kind == EXPR_COLUMN) {
        diagnose(cut->planner->diagnostics, expr->pos, "MISSING_AGGREGATION",
                 "add it to GROUP BY or put it into an aggregate such as max()",
                 "column '%.*s' is neither grouped by nor aggregated",
                 SLICE_ARG(expr->name.parts[expr->name.count - 1]));
        cut->failed = true;
    }
    return NULL;
}

static Select *output_select(Cut *cut, SortList *order_by)
{
    Arena *arena = cut->planner->arena;
    const Select *select = cut->select;
    Select *output = ARENA_NEW(arena, Select);
    output->pos = select->pos;
    output->distinct = select->distinct;
    output->from =
        plan_raw_relation(arena, select->pos, slice_of(STAGE_ALIAS), output_relation(cut));
    output->items = ARENA_ARRAY(arena, SelectItem, select->item_count);
    output->item_count = select->item_count;
    for (size_t i = 0; i < select->item_count; i++) {
        output->items[i] = select->items[i];
        output->items[i].expr = rewrite_expr(arena, select->items[i].expr, replace, cut);
        if (output->items[i].alias.size == 0) {
            Buffer name = {0};
            sql_expr_name(select->items[i].expr, &name);
            output->items[i].alias = arena_copy(arena, buffer_slice(&name));
            buffer_done(&name);
        }
    }
    output->where = rewrite_expr(arena, select->having, replace, cut);
    for (size_t i = 0; i < order_by->count; i++) {
        Expr *key = order_by->items[i].expr;
        bool is_output = false;
        for (size_t o = 0; o < output->item_count && key->kind == EXPR_COLUMN; o++) {
            Expr named = {.kind = EXPR_COLUMN,
                          .name = {.parts = {output->items[o].alias}, .count = 1}};
            is_output |= key->name.count == 1 && rewrite_equal(&named, key);
        }
        if (!is_output && key->kind != EXPR_NUMBER) {
            order_by->items[i].expr = rewrite_expr(arena, key, replace, cut);
        }
    }
    return cut->failed ? NULL : output;
}

// ---- all together ------------------------------------------------------------------------------

static bool check_mode(const Cut *cut)
{
    if (cut->flowing->aggregated) {
        diagnose(cut->planner->diagnostics, cut->select->pos, "UNSUPPORTED_FEATURE",
                 "write the inner aggregation into a streaming table and read that",
                 "an aggregation over an aggregation is not supported on streams by this version");
        return false;
    }
    if (cut->planner->request->mode == OUTPUT_APPEND && !cut->stage->has_event_time) {
        diagnose(
            cut->planner->diagnostics, cut->select->pos,
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
            "add WATERMARK time DELAY OF INTERVAL ... and group by window(time, ...), or use "
            "outputMode 'complete' or 'update'",
            "output mode append is not supported for streaming aggregations without watermark");
        return false;
    }
    return true;
}

Select *plan_aggregate(Planner *planner, const Select *select, Relation *from, Flowing *flowing,
                       SortList *order_by)
{
    Arena *arena = planner->arena;
    Cut cut = {.planner = planner, .select = select, .from = from, .flowing = flowing};
    cut.stage = plan_begin_stage(planner, STAGE_AGGREGATE, "aggregate", select->pos, flowing);
    if (cut.stage == NULL) {
        return NULL;
    }
    cut.stage->aggregate = ARENA_NEW(arena, PlanAggregate);
    cut.stage->aggregate->get_function =
        arena_printf(arena, "state_get_%d_%d", planner->plan->flow, cut.stage->id);

    size_t partial_count = 0;
    if (!plan_group_input(&cut) || !plan_group_keys(&cut) || !plan_calls_collect(&cut, order_by) ||
        !plan_calls_type(&cut)) {
        return NULL;
    }
    const char *partial = plan_calls_partial_sql(&cut, &partial_count);
    Schema partial_schema = {0};
    if (partial == NULL || !plan_describe(planner, partial, select->pos, &partial_schema)) {
        return NULL;
    }
    describe_state(&cut, &partial_schema, partial_count);
    Error err;
    if (!row_check_schema(&cut.stage->output, &err)) {
        diagnose(planner->diagnostics, select->pos, NULL, NULL, "%s", err.message);
        return NULL;
    }
    cut.stage->sql = stage_sql(&cut, partial);
    Schema state = {0};
    for (size_t i = 2; i < cut.stage->output.count; i++) {
        const Column *column = &cut.stage->output.columns[i];
        schema_add(arena, &state, column->name, column->type, true);
    }
    if (!check_mode(&cut) ||
        !plan_declare_view(planner, cut.stage->state_relation, &state, select->pos) ||
        !plan_add_stage(planner, cut.stage, flowing)) {
        return NULL;
    }
    flowing->aggregated = true;
    plan_forget_events(planner, flowing, false);
    return output_select(&cut, order_by);
}
