// The aggregate calls of a streaming aggregation. See plan_cut.h.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_cut.h"

// ---- arguments ---------------------------------------------------------------------------------

static bool note_column(void *context, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN || expr->kind == EXPR_STAR || expr->kind == EXPR_RAW ||
        expr->query != NULL) {
        *(bool *)context = true;
    }
    return true;
}

static bool varies(const Expr *expr)
{
    bool found = false;
    rewrite_visit(expr, note_column, &found);
    return found;
}

static bool is_constant_call(const Expr *call)
{
    bool found = false;
    for (size_t i = 0; i < call->arguments.count; i++) {
        found |= varies(call->arguments.items[i]);
    }
    for (size_t i = 0; i < call->within_group.count; i++) {
        found |= varies(call->within_group.items[i].expr);
    }
    return !found;
}

// Whether an argument is kept in a value: it varies from row to row, or there is nothing else.
static bool is_field(const Expr *call, size_t argument)
{
    return varies(call->arguments.items[argument]) || (argument == 0 && is_constant_call(call));
}

// The arguments of a call, and what it is ordered by, as far as a value keeps them.
static ExprList fields_of(Arena *arena, const Expr *call)
{
    ExprList list = {0};
    for (size_t i = 0; i < call->arguments.count; i++) {
        if (is_field(call, i)) {
            ARENA_PUSH(arena, list.items, list.count, list.capacity, call->arguments.items[i]);
        }
    }
    for (size_t i = 0; i < call->within_group.count; i++) {
        if (varies(call->within_group.items[i].expr)) {
            ARENA_PUSH(arena, list.items, list.count, list.capacity,
                       call->within_group.items[i].expr);
        }
    }
    return list;
}

// A field of a value: the value itself when it has one only.
static Expr *value_field(Arena *arena, Pos pos, const char *value, size_t i, size_t count)
{
    return ast_raw(arena, pos, count == 1 ? value : arena_printf(arena, "(%s).a%zu", value, i));
}

Expr *plan_calls_rebind(Arena *arena, const Expr *call, const char *value, size_t count)
{
    Expr *copy = ARENA_NEW(arena, Expr);
    *copy = *call;
    copy->arguments = (ExprList){0};
    copy->within_group = (SortList){0};
    copy->filter = NULL;
    copy->distinct = false;
    size_t field = 0;
    for (size_t i = 0; i < call->arguments.count; i++) {
        Expr *argument = call->arguments.items[i];
        argument =
            is_field(call, i) ? value_field(arena, argument->pos, value, field++, count) : argument;
        ARENA_PUSH(arena, copy->arguments.items, copy->arguments.count, copy->arguments.capacity,
                   argument);
    }
    for (size_t i = 0; i < call->within_group.count; i++) {
        SortItem item = call->within_group.items[i];
        if (varies(item.expr)) {
            item.expr = value_field(arena, item.expr->pos, value, field++, count);
        }
        ARENA_PUSH(arena, copy->within_group.items, copy->within_group.count,
                   copy->within_group.capacity, item);
    }
    return copy;
}

// One value of these fields: a struct, or the only one.
static Expr *value_of(Arena *arena, Pos pos, const ExprList *fields, bool always_struct)
{
    if (fields->count == 1 && !always_struct) {
        return fields->items[0];
    }
    Expr *value = ast_expr(arena, EXPR_CALL, pos);
    value->text = slice_of("named_struct");
    ExprList *arguments = &value->arguments;
    for (size_t i = 0; i < fields->count; i++) {
        Expr *name = ast_expr(arena, EXPR_STRING, pos);
        name->text = slice_of(arena_printf(arena, "a%zu", i));
        ARENA_PUSH(arena, arguments->items, arguments->count, arguments->capacity, name);
        ARENA_PUSH(arena, arguments->items, arguments->count, arguments->capacity,
                   fields->items[i]);
    }
    return value;
}

// ---- collecting --------------------------------------------------------------------------------

static bool is_call(const Expr *expr, const char *name)
{
    return slice_equal_nocase(expr->text, slice_of(name));
}

static int add_distinct(Cut *cut, const ExprList *fields, const Expr *filter)
{
    for (size_t i = 0; i < cut->distinct_count; i++) {
        const DistinctValues *known = &cut->distincts[i];
        bool same = known->fields.count == fields->count &&
                    (known->filter == NULL) == (filter == NULL) &&
                    (filter == NULL || rewrite_identical(known->filter, filter));
        for (size_t f = 0; same && f < fields->count; f++) {
            same = rewrite_identical(known->fields.items[f], fields->items[f]);
        }
        if (same) {
            return (int)i;
        }
    }
    DistinctValues values = {*fields, filter, NULL};
    ARENA_PUSH(cut->planner->arena, cut->distincts, cut->distinct_count, cut->distinct_capacity,
               values);
    return (int)cut->distinct_count - 1;
}

// Several answers have a call in this form: approx_count_distinct is the exact count.
static Expr *plain_call(Cut *cut, const Expr *expr)
{
    Expr *call = ARENA_NEW(cut->planner->arena, Expr);
    *call = *expr;
    if (is_call(expr, "approx_count_distinct") && expr->arguments.count > 0) {
        call->text = slice_of("count");
        call->distinct = true;
        call->arguments.count = 1;
    }
    return call;
}

static bool collect_call(void *context, const Expr *expr)
{
    Cut *cut = context;
    Arena *arena = cut->planner->arena;
    if (expr->kind != EXPR_CALL || !sql_is_aggregate(expr->text)) {
        return true;
    }
    for (size_t i = 0; i < cut->call_count; i++) {
        if (rewrite_identical(cut->calls[i].expr, expr)) {
            return false;
        }
    }
    if (is_call(expr, "grouping") || is_call(expr, "grouping_id")) {
        return false; // of the keys, not of the rows
    }
    Expr *plain = plain_call(cut, expr);
    AggregateCall call = {.expr = expr, .call = plain, .distinct = -1};
    call.rule = aggregate_find(plain);
    call.fields = fields_of(arena, plain);
    if (plain->distinct && !call.rule->ignores_duplicates) {
        call.distinct = add_distinct(cut, &call.fields, plain->filter);
        call.call = plan_calls_rebind(arena, plain, "x", call.fields.count);
        call.fields = fields_of(arena, call.call);
    }
    plain->distinct = false;
    ARENA_PUSH(arena, cut->calls, cut->call_count, cut->call_capacity, call);
    return false;
}

bool plan_calls_collect(Cut *cut, const SortList *order_by)
{
    const Select *select = cut->select;
    for (size_t i = 0; i < select->item_count; i++) {
        rewrite_visit(select->items[i].expr, collect_call, cut);
    }
    rewrite_visit(select->having, collect_call, cut);
    for (size_t i = 0; i < order_by->count; i++) {
        rewrite_visit(order_by->items[i].expr, collect_call, cut);
    }
    return !cut->failed;
}

// ---- SQL ---------------------------------------------------------------------------------------

// Types of the aggregates as a batch query over the same input gives them.
bool plan_calls_type(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    if (cut->call_count == 0) {
        return true;
    }
    Select *batch = ARENA_NEW(arena, Select);
    batch->pos = cut->select->pos;
    batch->from = cut->from;
    batch->items = ARENA_ARRAY(arena, SelectItem, cut->call_count + 1);
    for (size_t i = 0; i < cut->call_count; i++) {
        batch->items[i].expr = (Expr *)cut->calls[i].expr;
        batch->items[i].alias = slice_of(arena_printf(arena, "a%zu", i));
    }
    batch->item_count = cut->call_count;
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

static Expr *number(Arena *arena, Pos pos, size_t value)
{
    Expr *expr = ast_expr(arena, EXPR_NUMBER, pos);
    expr->text = slice_of(arena_printf(arena, "%zu", value));
    return expr;
}

static void add_item(Arena *arena, Select *select, Expr *expr, const char *prefix, size_t index)
{
    SelectItem item = {.expr = expr,
                       .alias = slice_of(arena_printf(arena, "%s%zu", prefix, index))};
    item.pos = expr->pos;
    ARENA_PUSH(arena, select->items, select->item_count, select->item_capacity, item);
}

static void add_keys(const Cut *cut, Select *select)
{
    Arena *arena = cut->planner->arena;
    for (size_t i = 0; i < cut->key_count; i++) {
        const GroupKey *key = &cut->keys[i];
        Pos pos = key->expr->pos;
        add_item(arena, select, plan_group_expr(cut, i), "k", i);
        if (cut->grouping < 0) {
            ARENA_PUSH(arena, select->group_by.items, select->group_by.count,
                       select->group_by.capacity, number(arena, pos, i + 1));
        }
    }
}

static Expr *both(Arena *arena, Expr *left, Expr *right)
{
    Expr *all = ast_expr(arena, EXPR_BINARY, right->pos);
    size_t capacity = 0;
    all->op = OP_AND;
    ARENA_PUSH(arena, all->arguments.items, all->arguments.count, capacity, left);
    ARENA_PUSH(arena, all->arguments.items, all->arguments.count, capacity, right);
    return left == NULL ? right : all;
}

// A row without a time is in no window, so in none of the sets.
static Expr *with_time(const Cut *cut, Expr *where)
{
    Arena *arena = cut->planner->arena;
    for (int i = 0; i < cut->grouping; i++) {
        const GroupKey *key = &cut->keys[i];
        if (key->is_window || key->is_window_column) {
            Expr *is = ast_expr(arena, EXPR_IS, key->expr->pos);
            size_t capacity = 0;
            is->op = OP_IS_NULL;
            is->negated = true;
            ARENA_PUSH(arena, is->arguments.items, is->arguments.count, capacity,
                       plan_group_expr(cut, (size_t)i));
            where = both(arena, where, is);
        }
    }
    return where;
}

// The grouping sets, over the keys as they are printed; a batch without rows has no groups.
static void add_sets(const Cut *cut, Select *select)
{
    Arena *arena = cut->planner->arena;
    select->grouping = cut->select->grouping;
    select->where = with_time(cut, select->where);
    select->having = ast_raw(arena, select->pos, "count(*) > 0");
    for (int i = 0; i < cut->grouping; i++) {
        ARENA_PUSH(arena, select->group_by.items, select->group_by.count, select->group_by.capacity,
                   plan_group_expr(cut, (size_t)i));
    }
    select->set_count = cut->select->set_count;
    select->sets = ARENA_ARRAY(arena, ExprList, select->set_count + 1);
    for (size_t i = 0; i < select->set_count; i++) {
        const ExprList *from = &cut->select->sets[i];
        ExprList *set = &select->sets[i];
        for (size_t k = 0; k < from->count; k++) {
            size_t key = plan_group_find(cut, from->items[k]);
            ARENA_PUSH(arena, set->items, set->count, set->capacity, plan_group_expr(cut, key));
        }
    }
}

static void add_partials(const Cut *cut, const AggregateCall *call, Select *select)
{
    Arena *arena = cut->planner->arena;
    Expr *list = value_of(arena, call->expr->pos, &call->fields, true);
    for (size_t p = 0; p < call->rule->partial_count; p++) {
        Expr *partial = aggregate_partial(arena, call->rule, p, call->call, call->type, list);
        add_item(arena, select, partial, "p", call->first_partial + p);
    }
}

// Numbers the partials of all calls, those of the first partial statement first.
static size_t number_partials(Cut *cut)
{
    size_t next = 0;
    for (int distinct = -1; distinct < (int)cut->distinct_count; distinct++) {
        for (size_t i = 0; i < cut->call_count; i++) {
            if (cut->calls[i].distinct == distinct) {
                cut->calls[i].first_partial = next;
                next += cut->calls[i].rule->partial_count;
            }
        }
    }
    return next;
}

// The list of all values of a DISTINCT in a group.
static void add_values(const Cut *cut, size_t index, Select *select)
{
    Arena *arena = cut->planner->arena;
    const DistinctValues *values = &cut->distincts[index];
    Pos pos = values->fields.items[0]->pos;
    Expr *list = ast_expr(arena, EXPR_CALL, pos);
    size_t capacity = 0;
    list->text = slice_of("collect_set");
    list->filter = (Expr *)values->filter;
    ARENA_PUSH(arena, list->arguments.items, list->arguments.count, capacity,
               value_of(arena, pos, &values->fields, false));
    add_item(arena, select, list, "d", index);
}

// Takes the columns from `first` on as types of partials and of lists of values.
static bool take_types(Cut *cut, const char *sql, size_t first, size_t partials)
{
    Arena *arena = cut->planner->arena;
    Schema schema = {0};
    if (sql == NULL || !plan_describe(cut->planner, sql, cut->select->pos, &schema)) {
        return false;
    }
    for (size_t i = 0; i < partials; i++) {
        const char *name = arena_printf(arena, "p%zu", cut->partials.count);
        schema_add(arena, &cut->partials, name, schema.columns[first + i].type, true);
    }
    for (size_t i = first + partials; i < schema.count; i++) {
        cut->distincts[i - first - partials].type = schema.columns[i].type->element;
    }
    return true;
}

const char *plan_calls_partial_sql(Cut *cut)
{
    Arena *arena = cut->planner->arena;
    Select *select = ARENA_NEW(arena, Select);
    select->pos = cut->select->pos;
    select->from = cut->from;
    select->where = cut->select->where;
    add_keys(cut, select);
    if (cut->grouping >= 0) {
        add_sets(cut, select);
    }
    bool is_empty = number_partials(cut) == 0;
    for (size_t i = 0; i < cut->call_count; i++) {
        if (cut->calls[i].distinct < 0) {
            add_partials(cut, &cut->calls[i], select);
        }
    }
    if (is_empty) { // keys alone: something must stand in the value
        add_item(arena, select, ast_raw(arena, select->pos, "any_value(true)"), "p", 0);
    }
    size_t partials = select->item_count - cut->key_count;
    for (size_t i = 0; i < cut->distinct_count; i++) {
        add_values(cut, i, select);
    }
    const char *sql = plan_sql(cut->planner, plan_query_of(arena, select));
    return take_types(cut, sql, cut->key_count, partials) ? sql : NULL;
}

bool plan_calls_distinct_sql(Cut *cut, size_t distinct, Buffer *sql)
{
    Arena *arena = cut->planner->arena;
    Select *select = ARENA_NEW(arena, Select);
    select->pos = cut->select->pos;
    Buffer values = {0};
    buffer_append_text(&values, "(SELECT CAST(NULL AS ");
    type_print_duck(cut->distincts[distinct].type, &values);
    buffer_append_text(&values, ") AS x)");
    select->from =
        plan_raw_relation(arena, select->pos, (Slice){0}, arena_text(arena, buffer_slice(&values)));
    buffer_done(&values);
    for (size_t i = 0; i < cut->call_count; i++) {
        if (cut->calls[i].distinct == (int)distinct) {
            add_partials(cut, &cut->calls[i], select);
        }
    }
    if (!take_types(cut, plan_sql(cut->planner, plan_query_of(arena, select)), 0,
                    select->item_count)) {
        return false;
    }
    for (size_t i = 0; i < select->item_count; i++) {
        const char *item = plan_expr_sql(cut->planner, select->items[i].expr);
        if (item == NULL) {
            return false;
        }
        buffer_printf(sql, ", %s AS %.*s", item, SLICE_ARG(select->items[i].alias));
    }
    return true;
}
