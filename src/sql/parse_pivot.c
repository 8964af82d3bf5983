// parse_pivot.c -- PIVOT and UNPIVOT, read as the queries that they stand for.
//
//     t PIVOT (sum(v) AS s, count(*) AS n FOR k IN ('a' AS x, 'b'))
//       = (SELECT * EXCEPT (key, s, n), first(s) FILTER (WHERE key <=> 'a') AS x_s, ...
//          FROM (SELECT * EXCEPT (k, v), sum(v) AS s, count(*) AS n, k AS key FROM t GROUP BY ALL)
//          GROUP BY ALL)
//     t UNPIVOT (v FOR name IN (a, b AS bb))
//       = (SELECT * FROM (SELECT * EXCEPT (a, b), stack(2, 'a', a, 'bb', b) AS (name, v) FROM t)
//          WHERE v IS NOT NULL)
//
// Rows are grouped by all columns that the clause does not name, as in Spark.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"
#include "sql/print.h"

static const char *const item_stops[] = {"FOR", NULL};
static const char *const value_stops[] = {NULL};
static const char key_name[] = "spark_pivot_key";

typedef struct Items {
    SelectItem *items;
    size_t count;
    size_t capacity;
} Items;

typedef struct Pivot {
    Parser *parser;
    Pos pos;
    const Relation *input;
    Items aggregates; // or the columns of UNPIVOT
    Items values;
    Name key;
    Slice *used; // columns that are no longer there afterwards
    size_t used_count;
    size_t used_capacity;
} Pivot;

// ---- trees -------------------------------------------------------------------------------------

static Expr *make_column(const Pivot *pivot, Slice name, Pos pos)
{
    Arena *arena = pivot->parser->arena;
    Expr *column = ast_expr(arena, EXPR_COLUMN, pos);
    column->name = (Name){.count = 1, .pos = pos};
    column->name.parts[0] = name;
    return column;
}

static Expr *make_call(const Pivot *pivot, const char *name, Pos pos)
{
    Expr *call = ast_expr(pivot->parser->arena, EXPR_CALL, pos);
    call->text = slice_of(name);
    return call;
}

static void add_argument(const Pivot *pivot, Expr *call, Expr *value)
{
    ARENA_PUSH(pivot->parser->arena, call->arguments.items, call->arguments.count,
               call->arguments.capacity, value);
}

static void add_item(const Pivot *pivot, Select *select, Expr *expr, Slice alias)
{
    SelectItem item = {.expr = expr, .alias = alias, .pos = expr->pos};
    ARENA_PUSH(pivot->parser->arena, select->items, select->item_count, select->item_capacity,
               item);
}

static void add_star(const Pivot *pivot, Select *select, Slice *except, size_t except_count)
{
    Expr *star = ast_expr(pivot->parser->arena, EXPR_STAR, pivot->pos);
    star->except = except;
    star->except_count = except_count;
    add_item(pivot, select, star, (Slice){0});
}

static Select *make_select(const Pivot *pivot, Relation *from)
{
    Select *select = ARENA_NEW(pivot->parser->arena, Select);
    select->pos = pivot->pos;
    select->from = from;
    return select;
}

static Relation *make_relation(const Pivot *pivot, Select *select)
{
    Query *query = ARENA_NEW(pivot->parser->arena, Query);
    query->pos = pivot->pos;
    query->select = select;
    Relation *relation = ast_relation(pivot->parser->arena, RELATION_QUERY, pivot->pos);
    relation->query = query;
    return relation;
}

static Relation *copy_input(const Pivot *pivot)
{
    Relation *copy = ARENA_NEW(pivot->parser->arena, Relation);
    *copy = *pivot->input;
    return copy;
}

// The column of the input that a name means: t.a and a.field mean a.
static void use_column(Pivot *pivot, const Name *name)
{
    const Relation *input = pivot->input;
    Slice table = input->alias.size > 0           ? input->alias
                  : input->kind == RELATION_TABLE ? input->name.parts[input->name.count - 1]
                                                  : (Slice){0};
    bool is_qualified = name->count > 1 && slice_equal_nocase(name->parts[0], table);
    Slice column = name->parts[is_qualified ? 1 : 0];
    for (size_t i = 0; i < pivot->used_count; i++) {
        if (slice_equal_nocase(pivot->used[i], column)) {
            return;
        }
    }
    ARENA_PUSH(pivot->parser->arena, pivot->used, pivot->used_count, pivot->used_capacity, column);
}

static void use_columns(Pivot *pivot, const Expr *expr)
{
    if (expr == NULL) {
        return;
    }
    if (expr->kind == EXPR_COLUMN) {
        use_column(pivot, &expr->name);
    }
    for (size_t i = 0; i < expr->arguments.count; i++) {
        use_columns(pivot, expr->arguments.items[i]);
    }
    use_columns(pivot, expr->filter);
    use_columns(pivot, expr->operand);
    use_columns(pivot, expr->otherwise);
}

static Slice name_of(const Pivot *pivot, const SelectItem *item)
{
    if (item->alias.size > 0) {
        return item->alias;
    }
    Buffer name = {0};
    sql_expr_name(item->expr, &name);
    Slice copy = arena_copy(pivot->parser->arena, buffer_slice(&name));
    buffer_done(&name);
    return copy;
}

// Everything made here stands for the whole, from the table to the last ')'.
static void set_position(Pivot *pivot)
{
    Pos last = parse_span(pivot->parser, pivot->parser->at - 1);
    pivot->pos = (Pos){last.source, pivot->input->pos.start, last.end};
}

// ---- clauses -----------------------------------------------------------------------------------

static bool parse_items(Parser *parser, Items *list, const char *const *stops)
{
    do {
        SelectItem item = {0};
        size_t first = parser->at;
        item.expr = parse_expr(parser);
        if (item.expr == NULL || !parse_alias(parser, stops, &item.alias)) {
            return false;
        }
        item.pos = parse_span(parser, first);
        ARENA_PUSH(parser->arena, list->items, list->count, list->capacity, item);
    } while (parse_accept(parser, TOKEN_COMMA));
    return true;
}

// IN (value [AS name], ...)
static bool parse_values_of(Pivot *pivot)
{
    Parser *parser = pivot->parser;
    if (!parse_expect_word(parser, "IN")) {
        return false;
    }
    size_t open = parser->at;
    return parse_expect(parser, TOKEN_LEFT_PAREN, "(") &&
           parse_items(parser, &pivot->values, value_stops) && parse_expect_close(parser, open);
}

static Relation *pivot_query(Pivot *pivot)
{
    Arena *arena = pivot->parser->arena;
    size_t count = pivot->aggregates.count;
    set_position(pivot);
    Expr *key = ast_expr(arena, EXPR_COLUMN, pivot->key.pos);
    key->name = pivot->key;
    use_column(pivot, &pivot->key);
    Select *groups = make_select(pivot, copy_input(pivot));
    groups->grouping = GROUPING_ALL;
    Slice *made = ARENA_ARRAY(arena, Slice, count + 1);
    for (size_t i = 0; i < count; i++) {
        use_columns(pivot, pivot->aggregates.items[i].expr);
        made[i] = slice_of(arena_printf(arena, "spark_pivot_%zu", i));
    }
    made[count] = slice_of(key_name);
    add_star(pivot, groups, pivot->used, pivot->used_count);
    for (size_t i = 0; i < count; i++) {
        add_item(pivot, groups, pivot->aggregates.items[i].expr, made[i]);
    }
    add_item(pivot, groups, key, made[count]);

    Select *columns = make_select(pivot, make_relation(pivot, groups));
    columns->grouping = GROUPING_ALL;
    add_star(pivot, columns, made, count + 1);
    for (size_t v = 0; v < pivot->values.count; v++) {
        const SelectItem *value = &pivot->values.items[v];
        Slice name = name_of(pivot, value);
        for (size_t i = 0; i < count; i++) {
            Expr *first = make_call(pivot, "first", value->expr->pos);
            add_argument(pivot, first, make_column(pivot, made[i], value->expr->pos));
            first->filter = ast_expr(arena, EXPR_BINARY, value->expr->pos);
            first->filter->op = OP_NULL_SAFE_EQ;
            add_argument(pivot, first->filter, make_column(pivot, made[count], value->expr->pos));
            add_argument(pivot, first->filter, value->expr);
            Slice part = name_of(pivot, &pivot->aggregates.items[i]);
            add_item(pivot, columns, first,
                     count == 1 ? name
                                : slice_of(arena_printf(arena, "%.*s_%.*s", SLICE_ARG(name),
                                                        SLICE_ARG(part))));
        }
    }
    return make_relation(pivot, columns);
}

static Relation *read_pivot(Pivot *pivot)
{
    Parser *parser = pivot->parser;
    size_t open = parser->at;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "(") ||
        !parse_items(parser, &pivot->aggregates, item_stops) || !parse_expect_word(parser, "FOR")) {
        return NULL;
    }
    if (parse_is(parser, TOKEN_LEFT_PAREN)) {
        parse_refuse(parser, parse_pos(parser, parse_token(parser)), "PIVOT by several columns",
                     "make one column of them with concat_ws");
        return NULL;
    }
    if (!parse_name(parser, "a column", &pivot->key) || !parse_values_of(pivot) ||
        !parse_expect_close(parser, open)) {
        return NULL;
    }
    return pivot_query(pivot);
}

static Relation *unpivot_query(Pivot *pivot, Slice value, Slice name, bool keeps_null)
{
    Arena *arena = pivot->parser->arena;
    set_position(pivot);
    Expr *stack = make_call(pivot, "stack", pivot->pos);
    Expr *rows = ast_expr(arena, EXPR_NUMBER, pivot->pos);
    rows->text = slice_of(arena_printf(arena, "%zu", pivot->values.count));
    add_argument(pivot, stack, rows);
    for (size_t i = 0; i < pivot->values.count; i++) {
        const SelectItem *item = &pivot->values.items[i];
        Expr *text = ast_expr(arena, EXPR_STRING, item->pos);
        text->text = name_of(pivot, item);
        add_argument(pivot, stack, text);
        add_argument(pivot, stack, item->expr);
        use_columns(pivot, item->expr);
    }
    Select *rows_of = make_select(pivot, copy_input(pivot));
    add_star(pivot, rows_of, pivot->used, pivot->used_count);
    add_item(pivot, rows_of, stack, (Slice){0});
    SelectItem *made = &rows_of->items[1];
    made->aliases = ARENA_ARRAY(arena, Slice, 2);
    made->aliases[0] = name;
    made->aliases[1] = value;
    made->alias_count = 2;
    if (keeps_null) {
        return make_relation(pivot, rows_of);
    }
    Select *all = make_select(pivot, make_relation(pivot, rows_of));
    add_star(pivot, all, NULL, 0);
    all->where = ast_expr(arena, EXPR_IS, pivot->pos);
    all->where->op = OP_IS_NULL;
    all->where->negated = true;
    add_argument(pivot, all->where, make_column(pivot, value, pivot->pos));
    return make_relation(pivot, all);
}

static Relation *read_unpivot(Pivot *pivot)
{
    Parser *parser = pivot->parser;
    bool keeps_null = parse_accept_words(parser, "INCLUDE", "NULLS");
    if (!keeps_null) {
        parse_accept_words(parser, "EXCLUDE", "NULLS");
    }
    size_t open = parser->at;
    Slice value;
    Slice name;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "(")) {
        return NULL;
    }
    if (parse_is(parser, TOKEN_LEFT_PAREN)) {
        parse_refuse(parser, parse_pos(parser, parse_token(parser)),
                     "UNPIVOT into several value columns", "use stack(...)");
        return NULL;
    }
    if (!parse_identifier(parser, "a name for the values", &value) ||
        !parse_expect_word(parser, "FOR") ||
        !parse_identifier(parser, "a name for the names", &name) || !parse_values_of(pivot) ||
        !parse_expect_close(parser, open)) {
        return NULL;
    }
    for (size_t i = 0; i < pivot->values.count; i++) {
        const Expr *column = pivot->values.items[i].expr;
        if (column->kind != EXPR_COLUMN) {
            parse_refuse(parser, column->pos, "UNPIVOT of what is no column", NULL);
            return NULL;
        }
    }
    return unpivot_query(pivot, value, name, keeps_null);
}

bool parse_pivot(Parser *parser, Relation *relation, bool *found)
{
    bool pivots = parse_is_word_at(parser, 0, "PIVOT") && parse_is_at(parser, 1, TOKEN_LEFT_PAREN);
    bool unpivots =
        parse_is_word_at(parser, 0, "UNPIVOT") &&
        (parse_is_at(parser, 1, TOKEN_LEFT_PAREN) || parse_is_word_at(parser, 2, "NULLS"));
    *found = pivots || unpivots;
    if (!*found) {
        return true;
    }
    parser->at++;
    Pivot pivot = {.parser = parser, .input = relation};
    Relation *query = pivots ? read_pivot(&pivot) : read_unpivot(&pivot);
    if (query == NULL) {
        return false;
    }
    *relation = *query;
    return true;
}
