// Cutting a query at an aggregation. See plan.h; the form of the stage's SQL is drawn there.
//
//     SELECT window.start AS minute, page, avg(ms) + 1 AS m FROM logs GROUP BY window(ts, '1
//     minute'), page
//
// becomes the stage
//     partial   SELECT <start of window> AS k0, page AS k1, sum(ms) AS p0, count(ms) AS p1 FROM
//     logs GROUP BY 1, 2 merge     SELECT bucket, is_late, k0, k1, p0 + o.v0 AS v0, p1 + o.v1 AS v1
//     FROM (partial with o := state_get(...))
// and the output
//     SELECT k0.start AS minute, k1 AS page, a0 + 1 AS m FROM (SELECT {k0, k0 + size} AS k0, k1, v0
//     / v1 AS a0 FROM state)
// SPDX-License-Identifier: Apache-2.0
#include "duck/row_codec.h"
#include "stream/aggregate.h"
#include "stream/plan_internal.h"
#include "stream/rewrite.h"

#define STAGE_ALIAS "stage" // of the relation that the rest of the query reads

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

// ---- keys ------------------------------------------------------------------------------------

// The select item with this alias; an input column of that name wins, as in Spark.
static const Expr *select_item_named(const Cut *cut, const Expr *column)
{
    if (column->kind != EXPR_COLUMN || column->name.count != 1 ||
        schema_find(&cut->input, column->name.parts[0]) >= 0) {
        return NULL;
    }
    for (size_t i = 0; i < cut->select->item_count; i++) {
        const SelectItem *item = &cut->select->items[i];
        if (item->alias.size > 0 && slice_equal_nocase(item->alias, column->name.parts[0])) {
            return item->expr;
        }
    }
    return NULL;
}

static const Expr *select_item_for_key(const Cut *cut, const Expr *key)
{
    const Select *select = cut->select;
    if (key->kind == EXPR_NUMBER) {
        size_t ordinal = 0;
        for (size_t i = 0; i < key->text.size; i++) {
            char digit = key->text.data[i];
            if (digit < '0' || digit > '9' || ordinal > select->item_count) {
                return NULL;
            }
            ordinal = ordinal * 10 + (size_t)(digit - '0');
        }
        return ordinal >= 1 && ordinal <= select->item_count ? select->items[ordinal - 1].expr
                                                             : NULL;
    }
    const Expr *named = select_item_named(cut, key);
    return named == NULL ? key : named;
}

static bool window_duration(Cut *cut, const Expr *expr, TimeUs *duration)
{
    Error err;
    if (expr->kind == EXPR_INTERVAL && expr->interval_is_constant && expr->months == 0) {
        *duration = expr->days * TIME_DAY + expr->micros;
        return true;
    }
    if (expr->kind == EXPR_STRING && sql_parse_duration(expr->text, duration, &err)) {
        return true;
    }
    return diagnose(cut->planner->diagnostics, expr->pos, NULL, "for example '1 minute'",
                    "a window needs a constant duration");
}

static bool is_event_column(const Cut *cut, const Expr *expr)
{
    return plan_is_event_column(cut->flowing, expr);
}

// The type of an expression over the input, by asking the binder. The names of FROM stay in sight.
static const Type *input_type(Cut *cut, const Expr *expr)
{
    Select *select = ARENA_NEW(cut->planner->arena, Select);
    SelectItem item = {.expr = (Expr *)expr, .alias = slice_of("x"), .pos = expr->pos};
    select->pos = expr->pos;
    select->from = cut->from;
    select->items = &item;
    select->item_count = 1;
    const char *sql = plan_sql(cut->planner, plan_query_of(cut->planner->arena, select));
    Schema schema = {0};
    bool ok = sql != NULL && plan_describe(cut->planner, sql, expr->pos, &schema);
    return ok ? schema.columns[0].type : NULL;
}

static bool plan_window_key(Cut *cut, GroupKey *key)
{
    const Expr *call = key->expr;
    Diagnostics *diagnostics = cut->planner->diagnostics;
    if (call->arguments.count < 2 || call->arguments.count > 4) {
        return diagnose(diagnostics, call->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                        "window(time, '1 minute')", "window takes 2 to 4 arguments");
    }
    const Expr *time = call->arguments.items[0];
    if (!window_duration(cut, call->arguments.items[1], &key->shape.size)) {
        return false;
    }
    key->shape.slide = key->shape.size;
    if (call->arguments.count > 2 &&
        !window_duration(cut, call->arguments.items[2], &key->shape.slide)) {
        return false;
    }
    if (call->arguments.count > 3 &&
        !window_duration(cut, call->arguments.items[3], &key->shape.offset)) {
        return false;
    }
    if (key->shape.size <= 0 || key->shape.slide != key->shape.size || key->shape.offset < 0 ||
        key->shape.offset >= key->shape.size) {
        return diagnose(diagnostics, call->pos, "UNSUPPORTED_FEATURE",
                        "window(time, size) with one positive duration",
                        "sliding windows on streams are not supported by this version");
    }
    const char *time_sql = plan_expr_sql(cut->planner, time);
    key->time_type = time_sql == NULL ? NULL : input_type(cut, time);
    if (key->time_type == NULL) {
        return false;
    }
    if (key->time_type->kind != TYPE_TIMESTAMP && key->time_type->kind != TYPE_TIMESTAMP_NTZ) {
        return diagnose(diagnostics, time->pos, "DATATYPE_MISMATCH", "cast it to TIMESTAMP",
                        "window needs a TIMESTAMP");
    }
    PlanWindow window = {.shape = key->shape, .type = key->time_type};
    window.function =
        arena_printf(cut->planner->arena, "window_%d_%d_%zu", cut->planner->plan->flow,
                     cut->stage->id, cut->stage->aggregate->window_count);
    key->partial = arena_printf(cut->planner->arena, "%s(%s)", window.function, time_sql);
    ARENA_PUSH(cut->planner->arena, cut->stage->aggregate->windows,
               cut->stage->aggregate->window_count, cut->stage->aggregate->window_capacity, window);
    if (!plan_declare_function(cut->planner, window.function, "(x) AS epoch_us(x)", call->pos)) {
        return false;
    }
    key->is_event_time = is_event_column(cut, time);
    return true;
}

static bool is_call_of(const Expr *expr, const char *function)
{
    return expr->kind == EXPR_CALL && slice_equal_nocase(expr->text, slice_of(function));
}

static bool plan_keys(Cut *cut)
{
    const Select *select = cut->select;
    if (select->grouping != GROUPING_PLAIN && select->grouping != GROUPING_ALL) {
        return diagnose(cut->planner->diagnostics, select->pos, "UNSUPPORTED_FEATURE", NULL,
                        "ROLLUP, CUBE and GROUPING SETS are not supported on streams");
    }
    size_t capacity = select->group_by.count + select->item_count + 1;
    cut->keys = ARENA_ARRAY(cut->planner->arena, GroupKey, capacity);
    if (select->grouping == GROUPING_ALL) {
        for (size_t i = 0; i < select->item_count; i++) {
            Select one = {.items = &select->items[i], .item_count = 1};
            if (!plan_is_aggregating(&one)) {
                cut->keys[cut->key_count++].expr = select->items[i].expr;
            }
        }
    }
    for (size_t i = 0; i < select->group_by.count; i++) {
        const Expr *written = select->group_by.items[i];
        const Expr *expr = select_item_for_key(cut, written);
        if (expr == NULL) {
            return diagnose(cut->planner->diagnostics, written->pos, "GROUP_BY_POS_OUT_OF_RANGE",
                            NULL, "GROUP BY position %.*s is not in the select list",
                            SLICE_ARG(written->text));
        }
        cut->keys[cut->key_count++].expr = expr;
    }
    for (size_t i = 0; i < cut->key_count; i++) {
        GroupKey *key = &cut->keys[i];
        key->is_window = is_call_of(key->expr, "window");
        if (key->is_window && !plan_window_key(cut, key)) {
            return false;
        }
        key->is_window_column = plan_is_event_window(cut->flowing, key->expr);
        key->is_event_time |= key->is_window_column || is_event_column(cut, key->expr);
        if (is_call_of(key->expr, "session_window")) {
            return diagnose(cut->planner->diagnostics, key->expr->pos, "UNSUPPORTED_FEATURE", NULL,
                            "session windows are not supported by this version");
        }
    }
    return true;
}

// ---- aggregate calls ---------------------------------------------------------------------------

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

static bool collect_calls(Cut *cut, const SortList *order_by)
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
static bool type_calls(Cut *cut)
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

// ---- SQL of the stage --------------------------------------------------------------------------

static Expr *number(Arena *arena, Pos pos, size_t value)
{
    Expr *expr = ast_expr(arena, EXPR_NUMBER, pos);
    expr->text = slice_of(arena_printf(arena, "%zu", value));
    return expr;
}

static const char *partial_sql(Cut *cut, size_t *partial_count)
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
    const Expr *named = select_item_named(cut, expr);
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

static bool describe_input(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    Select *all = ARENA_NEW(arena, Select);
    all->pos = cut->select->pos;
    all->from = cut->from;
    all->items = ARENA_NEW(arena, SelectItem);
    all->items[0].expr = ast_expr(arena, EXPR_STAR, cut->select->pos);
    all->item_count = 1;
    const char *sql = plan_sql(cut->planner, plan_query_of(arena, all));
    return sql != NULL && plan_describe(cut->planner, sql, cut->select->pos, &cut->input);
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
    if (!describe_input(&cut) || !plan_keys(&cut) || !collect_calls(&cut, order_by) ||
        !type_calls(&cut)) {
        return NULL;
    }
    const char *partial = partial_sql(&cut, &partial_count);
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
    flowing->event_column = NULL;
    flowing->event_window = NULL;
    return output_select(&cut, order_by);
}
