// Cutting a query at the first rows of each group. See plan.h.
//
//     SELECT * FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v DESC) AS n
//                    FROM STREAM s) WHERE n <= 3
//
// becomes a stage that keeps the three rows of each k as one list:
//
//     batch    SELECT k, v, 0 AS n, k AS "#p0", v AS "#o0" FROM s
//     best     of these the first three of each key: what comes after them is never in the answer
//     ranked   best and unnest(state_get(key)), numbered again; older rows first among equals
//     stage    bucket, is_late, "#p0", list of the first three, those of them that are new or moved
//
// The rest of the query reads the lists: in update mode the rows that are new or stand in another
// place, in complete mode all of them. A row that falls out of the first three is not taken back:
// its place (k, n) is overwritten by the row that is there now.
// SPDX-License-Identifier: Apache-2.0
#include "duck/row_codec.h"
#include "stream/plan_internal.h"
#include "stream/rewrite.h"

typedef struct Top {
    Planner *planner;
    const Select *select; // has the window function
    size_t item;          // which is this
    Expr *ranking;
    int64_t limit;
    Schema input;
    size_t visible; // the first columns of input; then "#p<i>", "#o<i>"
    int event_key;  // partition expression that is a window of event time; -1: none
    PlanStage *stage;
} Top;

// ---- recognising -------------------------------------------------------------------------------

static bool is_ranking(const Expr *expr)
{
    static const char *const names[] = {"row_number", "rank", "dense_rank"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (expr->kind == EXPR_CALL && expr->over != NULL && !expr->over->has_frame &&
            slice_equal_nocase(expr->text, slice_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool small_number(const Expr *expr, int64_t *value)
{
    *value = 0;
    if (expr->kind != EXPR_NUMBER || expr->text.size == 0 || expr->text.size > 5) {
        return false;
    }
    for (size_t i = 0; i < expr->text.size; i++) {
        if (expr->text.data[i] < '0' || expr->text.data[i] > '9') {
            return false;
        }
        *value = *value * 10 + (expr->text.data[i] - '0');
    }
    return *value <= PLAN_TOP_ROWS_MAX;
}

static bool is_column_named(const Expr *expr, Slice name)
{
    return expr->kind == EXPR_COLUMN && expr->name.count > 0 &&
           slice_equal_nocase(expr->name.parts[expr->name.count - 1], name);
}

// The highest rank that a condition on column `name` lets through; 0: it sets no bound.
static int64_t bound_of(const Expr *condition, Slice name)
{
    if (condition == NULL || condition->kind != EXPR_BINARY) {
        return 0;
    }
    const Expr *left = condition->arguments.items[0];
    const Expr *right = condition->arguments.items[1];
    if (condition->op == OP_AND) {
        int64_t a = bound_of(left, name);
        int64_t b = bound_of(right, name);
        return a == 0 || (b != 0 && b < a) ? b : a;
    }
    Op op = condition->op;
    int64_t value;
    if (is_column_named(right, name) && small_number(left, &value)) {
        op = op == OP_GE ? OP_LE : op == OP_GT ? OP_LT : op == OP_EQ ? OP_EQ : OP_NONE;
    } else if (!is_column_named(left, name) || !small_number(right, &value)) {
        return 0;
    }
    if (op == OP_LE || op == OP_EQ) {
        return value;
    }
    return op == OP_LT ? value - 1 : 0;
}

// The only window function of a plain SELECT's list; -1: it has none, or others.
static int ranking_item(const Select *select)
{
    int found = -1;
    for (size_t i = 0; i < select->item_count; i++) {
        const SelectItem *item = &select->items[i];
        if (plan_window_function(item->expr) == NULL) {
            continue;
        }
        if (found >= 0 || !is_ranking(item->expr) || item->alias.size == 0) {
            return -1;
        }
        found = (int)i;
    }
    bool plain = !select->distinct && !plan_is_aggregating(select) && select->window_count == 0;
    return plain ? found : -1;
}

bool plan_top_matches(const Select *outer, PlanTopRequest *request)
{
    const Relation *from = outer->from;
    if (from == NULL || from->kind != RELATION_QUERY || from->watermark != NULL ||
        from->drop_duplicates != NULL || from->query->select == NULL ||
        from->query->order_by.count > 0 || from->query->limit != NULL ||
        from->query->offset != NULL) {
        return false;
    }
    const Select *inner = from->query->select;
    int item = inner->qualify == NULL ? ranking_item(inner) : -1;
    if (item < 0) {
        return false;
    }
    Slice name = inner->items[item].alias;
    if (from->column_alias_count > (size_t)item) {
        name = from->column_aliases[item];
    }
    *request = (PlanTopRequest){inner, (size_t)item, bound_of(outer->where, name)};
    return request->limit > 0;
}

Query *plan_top_from_qualify(Planner *planner, const Query *query)
{
    Arena *arena = planner->arena;
    const Select *select = query->select;
    Select *inner = ARENA_NEW(arena, Select);
    *inner = *select;
    inner->qualify = NULL;
    Relation *from = ast_relation(arena, RELATION_QUERY, select->pos);
    from->query = plan_query_of(arena, inner);
    Select *outer = ARENA_NEW(arena, Select);
    outer->pos = select->pos;
    outer->from = from;
    outer->where = select->qualify;
    outer->items = ARENA_NEW(arena, SelectItem);
    outer->items[0].expr = ast_expr(arena, EXPR_STAR, select->pos);
    outer->item_count = 1;
    const Expr *qualify = select->qualify;
    bool compares = qualify->kind == EXPR_BINARY && qualify->op != OP_AND;
    if (compares && is_ranking(qualify->arguments.items[0])) { // QUALIFY rank() OVER (...) <= 3
        Slice name = slice_of("#rank");
        inner->items = ARENA_ARRAY(arena, SelectItem, select->item_count + 1);
        memcpy(inner->items, select->items, select->item_count * sizeof *inner->items);
        inner->items[inner->item_count++] =
            (SelectItem){.expr = qualify->arguments.items[0], .alias = name, .pos = qualify->pos};
        Expr *where = ARENA_NEW(arena, Expr);
        *where = *qualify;
        where->arguments = (ExprList){0};
        ARENA_PUSH(arena, where->arguments.items, where->arguments.count, where->arguments.capacity,
                   plan_column(arena, qualify->pos, "#rank", NULL));
        ARENA_PUSH(arena, where->arguments.items, where->arguments.count, where->arguments.capacity,
                   qualify->arguments.items[1]);
        outer->where = where;
        outer->items[0].expr->except = ARENA_NEW(arena, Slice);
        outer->items[0].expr->except[0] = name;
        outer->items[0].expr->except_count = 1;
    }
    Query *copy = ARENA_NEW(arena, Query);
    *copy = *query;
    copy->select = outer;
    return copy;
}

// ---- SQL ---------------------------------------------------------------------------------------

static const char *quoted(Arena *arena, Slice name)
{
    Buffer text = {0};
    duck_quote_name(&text, name);
    const char *copy = arena_text(arena, buffer_slice(&text));
    buffer_done(&text);
    return copy;
}

static void add_item(Select *select, Expr *expr, const char *alias)
{
    select->items[select->item_count++] =
        (SelectItem){.expr = expr, .alias = slice_of(alias), .pos = expr->pos};
}

// The rows of the batch with the keys and the order beside them, as SQL; fills top->input.
static const char *input_sql(Top *top, Relation *from)
{
    Arena *arena = top->planner->arena;
    const WindowSpec *over = top->ranking->over;
    Select *input = ARENA_NEW(arena, Select);
    *input = *top->select;
    input->from = from;
    input->items =
        ARENA_ARRAY(arena, SelectItem,
                    top->select->item_count + over->partition_by.count + over->order_by.count + 1);
    memcpy(input->items, top->select->items, top->select->item_count * sizeof *input->items);
    input->items[top->item].expr = ast_raw(arena, top->ranking->pos, "0::INTEGER");
    for (size_t i = 0; i < over->partition_by.count; i++) {
        add_item(input, over->partition_by.items[i], arena_printf(arena, "#p%zu", i));
    }
    if (over->partition_by.count == 0) {
        add_item(input, ast_raw(arena, top->ranking->pos, "0::INTEGER"), "#p0");
    }
    for (size_t i = 0; i < over->order_by.count; i++) {
        add_item(input, over->order_by.items[i].expr, arena_printf(arena, "#o%zu", i));
    }
    const char *sql = plan_sql(top->planner, plan_query_of(arena, input));
    if (sql == NULL || !plan_describe(top->planner, sql, top->select->pos, &top->input)) {
        return NULL;
    }
    size_t keys = over->partition_by.count == 0 ? 1 : over->partition_by.count;
    top->visible = top->input.count - keys - over->order_by.count;
    return sql;
}

// The ranking over the helper columns, with older rows first among equals where there are any.
static const char *ranking_sql(const Top *top, bool knows_older)
{
    Arena *arena = top->planner->arena;
    Expr *call = ARENA_NEW(arena, Expr);
    *call = *top->ranking;
    call->over = ARENA_NEW(arena, WindowSpec);
    size_t keys = top->stage->keys.count;
    for (size_t i = 0; i < keys; i++) {
        ARENA_PUSH(arena, call->over->partition_by.items, call->over->partition_by.count,
                   call->over->partition_by.capacity,
                   plan_column(arena, call->pos, arena_printf(arena, "#p%zu", i), NULL));
    }
    for (size_t i = 0; i < top->ranking->over->order_by.count; i++) {
        SortItem item = top->ranking->over->order_by.items[i];
        item.expr = plan_column(arena, call->pos, arena_printf(arena, "#o%zu", i), NULL);
        ARENA_PUSH(arena, call->over->order_by.items, call->over->order_by.count,
                   call->over->order_by.capacity, item);
    }
    if (knows_older && slice_equal_nocase(call->text, slice_of("row_number"))) {
        SortItem item = {.expr = plan_column(arena, call->pos, "#new", NULL)};
        ARENA_PUSH(arena, call->over->order_by.items, call->over->order_by.count,
                   call->over->order_by.capacity, item);
    }
    return plan_expr_sql(top->planner, call);
}

// "#p0", "#p1".
static const char *key_list(const Top *top)
{
    Arena *arena = top->planner->arena;
    const char *list = "";
    for (size_t i = 0; i < top->stage->keys.count; i++) {
        list = arena_printf(arena, "%s%s\"#p%zu\"", list, i == 0 ? "" : ", ", i);
    }
    return list;
}

// The columns of a kept row: those that are visible and those that order it.
static const char *row_columns(const Top *top, const char *form)
{
    Arena *arena = top->planner->arena;
    Buffer sql = {0};
    for (size_t i = 0; i < top->input.count; i++) {
        bool is_key = i >= top->visible && i < top->visible + top->stage->keys.count;
        if (is_key) {
            continue;
        }
        const char *name = quoted(arena, slice_of(top->input.columns[i].name));
        buffer_append_text(&sql, sql.size == 0 ? "" : ", ");
        for (const char *c = form; *c != '\0'; c++) {
            if (*c == '$') {
                buffer_append_text(&sql, name);
            } else {
                buffer_append_char(&sql, *c);
            }
        }
    }
    const char *text = arena_text(arena, buffer_slice(&sql));
    buffer_done(&sql);
    return text;
}

static const char *stage_sql(Top *top, const char *input)
{
    Arena *arena = top->planner->arena;
    const PlanStage *stage = top->stage;
    const char *rank = quoted(arena, slice_of(top->input.columns[top->item].name));
    const char *first = ranking_sql(top, false);
    const char *again = ranking_sql(top, true);
    if (first == NULL || again == NULL) {
        return NULL;
    }
    const char *keys = key_list(top);
    const char *bucket =
        top->event_key < 0
            ? "0::BIGINT"
            : arena_printf(arena, "coalesce(epoch_us(\"#p%d\".\"end\"), 9223372036854775807)",
                           top->event_key);
    bool filters = stage->has_event_time && top->planner->request->mode != OUTPUT_COMPLETE;
    const char *late = filters ? arena_printf(arena, "%s(bucket)", stage->late_function) : "false";
    const char *row = row_columns(top, "$ := $");
    long long limit = top->limit;
    // The bucket comes from the key, so it need not be a key of its own.
    return arena_printf(
        arena,
        "WITH batch AS (SELECT * FROM (%s)), "
        "best AS MATERIALIZED (SELECT * FROM (SELECT * REPLACE (%s AS %s) FROM batch) "
        "WHERE %s <= %lld), "
        "known AS (SELECT *, %s(%s, %s) AS \"#old\" FROM (SELECT DISTINCT %s FROM best)), "
        "every AS (SELECT %s, %s, 1 AS \"#new\", 0 AS \"#was\" FROM best UNION ALL "
        "SELECT %s, %s, 0, \"#row\".%s FROM (SELECT %s, unnest(\"#old\") AS \"#row\" FROM known)), "
        "ranked AS (SELECT %s, list(struct_pack(%s) ORDER BY %s) AS \"#rows\", "
        "list(struct_pack(%s) ORDER BY %s) FILTER (WHERE \"#new\" = 1 OR \"#was\" <> %s) "
        "AS \"#changed\" "
        "FROM (SELECT * REPLACE (%s AS %s) FROM every) WHERE %s <= %lld GROUP BY %s) "
        "SELECT bucket, %s AS is_late, %s, \"#rows\", \"#changed\" "
        "FROM (SELECT *, %s AS bucket FROM ranked) WHERE \"#changed\" IS NOT NULL",
        input, first, rank, rank, limit, stage->top->get_function, bucket, keys, keys,
        row_columns(top, "$"), keys, row_columns(top, "\"#row\".$"), keys, rank, keys, keys, row,
        rank, row, rank, rank, again, rank, rank, limit, keys, late, keys, bucket);
}

static const char *output_sql(const Top *top)
{
    Arena *arena = top->planner->arena;
    Buffer sql = {0};
    buffer_append_text(&sql, "(SELECT ");
    for (size_t i = 0; i < top->visible; i++) {
        buffer_printf(&sql, "%s\"#row\".%s", i == 0 ? "" : ", ",
                      quoted(arena, slice_of(top->input.columns[i].name)));
    }
    if (top->planner->request->mode == OUTPUT_COMPLETE) {
        buffer_printf(&sql, " FROM (SELECT unnest(\"#rows\") AS \"#row\" FROM %s))",
                      top->stage->state_relation);
    } else {
        buffer_printf(&sql,
                      " FROM (SELECT unnest(\"#changed\") AS \"#row\" FROM %s WHERE NOT is_late))",
                      top->stage->batch_relation);
    }
    const char *text = arena_text(arena, buffer_slice(&sql));
    buffer_done(&sql);
    return text;
}

// ---- the stage ---------------------------------------------------------------------------------

static const Type *list_of_rows(Top *top)
{
    Arena *arena = top->planner->arena;
    Schema row = {0};
    size_t keys = top->stage->keys.count;
    for (size_t i = 0; i < top->input.count; i++) {
        if (i < top->visible || i >= top->visible + keys) {
            schema_add(arena, &row, top->input.columns[i].name, top->input.columns[i].type, true);
        }
    }
    return type_array(arena, type_struct(arena, row));
}

static void describe_stage(Top *top)
{
    Arena *arena = top->planner->arena;
    PlanStage *stage = top->stage;
    const WindowSpec *over = top->ranking->over;
    size_t keys = over->partition_by.count == 0 ? 1 : over->partition_by.count;
    for (size_t i = 0; i < keys; i++) {
        const Column *key = &top->input.columns[top->visible + i];
        schema_add(arena, &stage->keys, key->name, key->type, true);
    }
    const Type *rows = list_of_rows(top);
    schema_add(arena, &stage->values, "#rows", rows, true);
    schema_add(arena, &stage->output, "bucket", type_simple(TYPE_BIGINT), true);
    schema_add(arena, &stage->output, "is_late", type_simple(TYPE_BOOLEAN), true);
    for (size_t i = 0; i < keys; i++) {
        schema_add(arena, &stage->output, stage->keys.columns[i].name, stage->keys.columns[i].type,
                   true);
    }
    schema_add(arena, &stage->output, "#rows", rows, true);
    schema_add(arena, &stage->output, "#changed", rows, true);
}

static bool check_request(Top *top, const Flowing *flowing)
{
    Diagnostics *diagnostics = top->planner->diagnostics;
    OutputMode mode = top->planner->request->mode;
    if (top->ranking->over->order_by.count == 0) {
        return diagnose(diagnostics, top->ranking->pos, NULL, "add ORDER BY inside OVER (...)",
                        "%.*s() needs an order to say which rows come first",
                        SLICE_ARG(top->ranking->text));
    }
    if (mode == OUTPUT_UPDATE && flowing->aggregated) {
        return diagnose(diagnostics, top->ranking->pos, "UNSUPPORTED_FEATURE",
                        "use outputMode 'complete', or a MATERIALIZED VIEW over the aggregated "
                        "table",
                        "the first rows of each group of an aggregation's result are not supported "
                        "in output mode update");
    }
    return true;
}

Relation *plan_top(Planner *planner, const PlanTopRequest *request, Relation *from, Slice alias,
                   Flowing *flowing)
{
    Arena *arena = planner->arena;
    Top top = {.planner = planner,
               .select = request->select,
               .item = request->item,
               .ranking = request->select->items[request->item].expr,
               .limit = request->limit,
               .event_key = -1};
    if (!check_request(&top, flowing)) {
        return NULL;
    }
    for (size_t i = 0; i < top.ranking->over->partition_by.count; i++) {
        if (plan_is_event_window(flowing, top.ranking->over->partition_by.items[i])) {
            top.event_key = (int)i;
        }
    }
    const char *input = input_sql(&top, from);
    if (input == NULL) {
        return NULL;
    }
    top.item = (size_t)schema_find(&top.input, request->select->items[request->item].alias);
    top.stage = plan_begin_stage(planner, STAGE_TOP, "top", request->select->pos, flowing);
    if (top.stage == NULL) {
        return NULL;
    }
    PlanStage *stage = top.stage;
    stage->has_event_time = top.event_key >= 0;
    stage->top = ARENA_NEW(arena, PlanTop);
    stage->top->get_function =
        arena_printf(arena, "state_get_%d_%d", planner->plan->flow, stage->id);
    describe_stage(&top);
    plan_describe_top(planner, stage, top.ranking, top.limit);
    Error err;
    if (!row_check_schema(&stage->output, &err)) {
        diagnose(planner->diagnostics, request->select->pos, NULL, NULL, "%s", err.message);
        return NULL;
    }
    stage->sql = stage_sql(&top, input);
    Schema state = {0};
    for (size_t i = 2; i + 1 < stage->output.count; i++) {
        schema_add(arena, &state, stage->output.columns[i].name, stage->output.columns[i].type,
                   true);
    }
    if (stage->sql == NULL ||
        !plan_declare_view(planner, stage->state_relation, &state, stage->pos) ||
        !plan_add_stage(planner, stage, flowing)) {
        return NULL;
    }
    flowing->aggregated = true; // its answer changes: complete mode may show it, sort it, cut it
    plan_forget_events(planner, flowing, true);
    return plan_raw_relation(arena, request->select->pos, alias, output_sql(&top));
}
