// The keys of a streaming aggregation. See plan_cut.h.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_cut.h"

bool plan_group_input(Cut *cut)
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

// The select item with this alias; an input column of that name wins, as in Spark.
const Expr *plan_group_select_item(const Cut *cut, const Expr *column)
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
    const Expr *named = plan_group_select_item(cut, key);
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

// The names of FROM stay in sight.
const Type *plan_group_type(Cut *cut, const Expr *expr)
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

static bool check_shape(Cut *cut, const Expr *call, WindowShape *shape)
{
    // Size and slide have been checked: the engine has bound the query as a batch.
    if (shape->offset <= -shape->slide || shape->offset >= shape->slide) {
        return diagnose(cut->planner->diagnostics, call->pos,
                        "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
                        "window(time, size[, slide[, start]])",
                        "the start of windows is less than their slide");
    }
    shape->offset += shape->offset < 0 ? shape->slide : 0;
    return true;
}

// window(w, size) over a window column: over the last microsecond of each w.
static const Expr *time_of(Cut *cut, const Expr *time)
{
    const Type *type = plan_group_type(cut, time);
    bool is_window = type != NULL && type->kind == TYPE_STRUCT && type->fields.count == 2 &&
                     schema_find(&type->fields, slice_of("end")) == 1;
    if (!is_window) {
        return time;
    }
    Expr *call = ast_expr(cut->planner->arena, EXPR_CALL, time->pos);
    size_t capacity = 0;
    call->text = slice_of("window_time");
    ARENA_PUSH(cut->planner->arena, call->arguments.items, call->arguments.count, capacity,
               (Expr *)time);
    return call;
}

static bool plan_window_key(Cut *cut, GroupKey *key)
{
    const Expr *call = key->expr;
    Diagnostics *diagnostics = cut->planner->diagnostics;
    if (call->arguments.count < 2 || call->arguments.count > 4) {
        return diagnose(diagnostics, call->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                        "window(time, '1 minute')", "window takes 2 to 4 arguments");
    }
    const Expr *time = time_of(cut, call->arguments.items[0]);
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
    if (!check_shape(cut, call, &key->shape)) {
        return false;
    }
    const char *time_sql = plan_expr_sql(cut->planner, time);
    key->time_type = time_sql == NULL ? NULL : plan_group_type(cut, time);
    if (key->time_type == NULL) {
        return false;
    }
    if (key->time_type->kind != TYPE_TIMESTAMP && key->time_type->kind != TYPE_TIMESTAMP_NTZ) {
        return diagnose(diagnostics, time->pos, "DATATYPE_MISMATCH", "cast it to TIMESTAMP",
                        "window needs a TIMESTAMP");
    }
    PlanWindow window = {.shape = window_panes(key->shape), .type = key->time_type};
    window.function =
        arena_printf(cut->planner->arena, "window_%d_%d_%zu", cut->planner->plan->flow,
                     cut->stage->id, cut->stage->aggregate->window_count);
    key->partial = arena_printf(cut->planner->arena, "%s(%s)", window.function, time_sql);
    ARENA_PUSH(cut->planner->arena, cut->stage->aggregate->windows,
               cut->stage->aggregate->window_count, cut->stage->aggregate->window_capacity, window);
    if (!plan_declare_function(cut->planner, window.function, "(x) AS epoch_us(x)", call->pos)) {
        return false;
    }
    if (key->shape.slide != key->shape.size) {
        if (cut->sliding >= 0) {
            return diagnose(diagnostics, call->pos, "UNSUPPORTED_FEATURE", "group by one of them",
                            "a query can have one sliding window only");
        }
        cut->sliding = (int)(key - cut->keys);
    }
    key->event = plan_find_event(cut->flowing, time, false);
    return true;
}

static bool is_call_of(const Expr *expr, const char *function)
{
    return expr->kind == EXPR_CALL && slice_equal_nocase(expr->text, slice_of(function));
}

// ROLLUP, CUBE, GROUPING SETS: a key of its own says which of the others a group has.
static bool plan_grouping_key(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    Pos pos = cut->select->pos;
    for (size_t i = 0; i < cut->key_count; i++) {
        if (cut->keys[i].is_session || cut->sliding >= 0) {
            return diagnose(cut->planner->diagnostics, cut->keys[i].expr->pos,
                            "UNSUPPORTED_FEATURE", "one flow for each grouping set",
                            "sliding and session windows in ROLLUP, CUBE or GROUPING SETS are not "
                            "supported on streams");
        }
    }
    Expr *bits = ast_expr(arena, EXPR_CALL, pos);
    bits->text = slice_of("grouping_id");
    for (size_t i = 0; i < cut->key_count; i++) {
        ARENA_PUSH(arena, bits->arguments.items, bits->arguments.count, bits->arguments.capacity,
                   plan_group_expr(cut, i));
    }
    cut->grouping = (int)cut->key_count;
    cut->keys[cut->key_count++].expr = bits;
    return true;
}

Expr *plan_group_expr(const Cut *cut, size_t key)
{
    const GroupKey *of = &cut->keys[key];
    return of->partial == NULL ? (Expr *)of->expr
                               : ast_raw(cut->planner->arena, of->expr->pos, of->partial);
}

size_t plan_group_find(const Cut *cut, const Expr *expr)
{
    const Expr *named = select_item_for_key(cut, expr);
    for (size_t i = 0; named != NULL && i < cut->key_count; i++) {
        if (rewrite_equal(cut->keys[i].expr, named)) {
            return i;
        }
    }
    return cut->key_count;
}

const char *plan_group_bits(Cut *cut, const Expr *call)
{
    Arena *arena = cut->planner->arena;
    if (cut->grouping < 0) {
        diagnose(cut->planner->diagnostics, call->pos, "UNSUPPORTED_GROUPING_EXPRESSION", NULL,
                 "%.*s needs GROUP BY with ROLLUP, CUBE or GROUPING SETS", SLICE_ARG(call->text));
        cut->failed = true;
        return NULL;
    }
    size_t count = (size_t)cut->grouping;
    bool is_id = slice_equal_nocase(call->text, slice_of("grouping_id"));
    if (is_id && call->arguments.count == 0) {
        return arena_printf(arena, STAGE_ALIAS ".k%zu", count);
    }
    const char *bits = "0::BIGINT";
    for (size_t i = 0; i < call->arguments.count; i++) {
        size_t key = plan_group_find(cut, call->arguments.items[i]);
        if (key >= count) {
            diagnose(cut->planner->diagnostics, call->pos, "GROUPING_COLUMN_MISMATCH", NULL,
                     "the argument of %.*s is not in GROUP BY", SLICE_ARG(call->text));
            cut->failed = true;
            return NULL;
        }
        bits = arena_printf(arena, "(%s * 2 + (" STAGE_ALIAS ".k%zu // %lld) %% 2)", bits, count,
                            1LL << (count - 1 - key));
    }
    return arena_printf(arena, "CAST(%s AS %s)", bits, is_id ? "BIGINT" : "TINYINT");
}

bool plan_group_keys(Cut *cut)
{
    const Select *select = cut->select;
    size_t capacity = select->group_by.count + select->item_count + 2;
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
        if (!key->is_window) {
            const EventColumn *window = plan_find_event(cut->flowing, key->expr, true);
            key->is_window_column = window != NULL;
            key->event = window != NULL ? window : plan_find_event(cut->flowing, key->expr, false);
        }
        key->is_event_time = key->event != NULL;
        key->is_session = is_call_of(key->expr, "session_window");
        if (key->is_session) {
            if (!plan_session_key(cut, key)) {
                return false;
            }
            key->event = plan_find_event(cut->flowing, key->expr->arguments.items[0], false);
        }
    }
    return select->grouping == GROUPING_PLAIN || select->grouping == GROUPING_ALL ||
           plan_grouping_key(cut);
}
