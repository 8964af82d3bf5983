// SELECT, set operations, WITH, and what comes after: ORDER BY, LIMIT, OFFSET.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

// Words after a select item that are never its alias without AS.
static const char *const item_stops[] = {
    "FROM",          "WHERE",  "GROUP BY", "HAVING",       "ORDER BY",  "SORT BY", "CLUSTER BY",
    "DISTRIBUTE BY", "LIMIT",  "OFFSET",   "UNION",        "INTERSECT", "EXCEPT",  "MINUS",
    "SETMINUS",      "WINDOW", "QUALIFY",  "LATERAL VIEW", "AS",        "ON",      "USING",
    "AND",           "OR",     "NOT",      "IN",           "BETWEEN",   "LIKE",    "ILIKE",
    "RLIKE",         "IS",     "JOIN",     "THEN",         "WHEN",      NULL};

static const char *const watermark_stops[] = {"DELAY", NULL};

// ---- SELECT --------------------------------------------------------------------------------

static bool parse_item(Parser *parser, SelectItem *item, const char *const *stops)
{
    size_t first = parser->at;
    item->expr = parse_expr(parser);
    if (item->expr == NULL) {
        return false;
    }
    if (parse_is_word(parser, "AS") && parse_is_at(parser, 1, TOKEN_LEFT_PAREN)) {
        parser->at++;
        if (!parse_identifiers(parser, "a name", &item->aliases, &item->alias_count)) {
            return false;
        }
    } else if (!parse_alias(parser, stops, &item->alias)) {
        return false;
    }
    item->pos = parse_span(parser, first);
    return true;
}

bool parse_watermark_item(Parser *parser, Expr **expr, Slice *alias)
{
    SelectItem item = {0};
    if (!parse_item(parser, &item, watermark_stops)) {
        return false;
    }
    *expr = item.expr;
    *alias = item.alias;
    return true;
}

static bool parse_items(Parser *parser, Select *select)
{
    do {
        SelectItem item = {0};
        if (!parse_item(parser, &item, item_stops)) {
            return false;
        }
        ARENA_PUSH(parser->arena, select->items, select->item_count, select->item_capacity, item);
    } while (parse_accept(parser, TOKEN_COMMA));
    return true;
}

static bool parse_named_windows(Parser *parser, Select *select)
{
    size_t capacity = select->window_count;
    do {
        Slice name;
        if (!parse_identifier(parser, "a window's name", &name) ||
            !parse_expect_word(parser, "AS")) {
            return false;
        }
        WindowSpec *window = parse_window(parser);
        if (window == NULL) {
            return false;
        }
        if (window->name.size > 0) {
            return parse_refuse(parser, parse_span(parser, parser->at - 1),
                                "a window that is another window's name", NULL);
        }
        window->name = name;
        ARENA_PUSH(parser->arena, select->windows, select->window_count, capacity, window);
    } while (parse_accept(parser, TOKEN_COMMA));
    return true;
}

static bool is_window_clause(Parser *parser)
{
    return parse_is_word(parser, "WINDOW") &&
           (parse_is_at(parser, 1, TOKEN_WORD) || parse_is_at(parser, 1, TOKEN_QUOTED)) &&
           parse_is_word_at(parser, 2, "AS");
}

static bool parse_condition(Parser *parser, const char *word, Expr **condition)
{
    if (!parse_accept_word(parser, word)) {
        return true;
    }
    *condition = parse_expr(parser);
    return *condition != NULL;
}

static bool parse_select_tail(Parser *parser, Select *select)
{
    if (!parse_condition(parser, "WHERE", &select->where)) {
        return false;
    }
    if (parse_accept_words(parser, "GROUP", "BY") && !parse_grouping(parser, select)) {
        return false;
    }
    if (!parse_condition(parser, "HAVING", &select->having)) {
        return false;
    }
    // Spark writes WINDOW before QUALIFY; either order reads the same
    for (int i = 0; i < 2; i++) {
        if (is_window_clause(parser)) {
            parser->at++;
            if (!parse_named_windows(parser, select)) {
                return false;
            }
        }
        if (select->qualify == NULL && !parse_condition(parser, "QUALIFY", &select->qualify)) {
            return false;
        }
    }
    return true;
}

// `SELECT all FROM t` names a column.
static bool is_quantifier(const Parser *parser)
{
    return !parse_is_at(parser, 1, TOKEN_COMMA) && !parse_is_at(parser, 1, TOKEN_DOT) &&
           !parse_is_at(parser, 1, TOKEN_END) && !parse_is_word_at(parser, 1, "FROM") &&
           !parse_is_word_at(parser, 1, "AS");
}

// After SELECT; `from` was read before it (FROM t SELECT x) or is NULL.
static Select *parse_select(Parser *parser, size_t first, Relation *from)
{
    Select *select = ARENA_NEW(parser->arena, Select);
    select->from = from;
    if (is_quantifier(parser)) {
        select->distinct = parse_accept_word(parser, "DISTINCT");
        if (!select->distinct) {
            parse_accept_word(parser, "ALL");
        }
    }
    if (!parse_items(parser, select)) {
        return NULL;
    }
    if (from == NULL && parse_accept_word(parser, "FROM")) {
        select->from = parse_from(parser);
        if (select->from == NULL) {
            return NULL;
        }
    }
    if (!parse_select_tail(parser, select)) {
        return NULL;
    }
    select->pos = parse_span(parser, first);
    return select;
}

// ---- operands of set operations ------------------------------------------------------------

static Query *make_query(Parser *parser, size_t first)
{
    Query *query = ARENA_NEW(parser->arena, Query);
    query->pos = parse_span(parser, first);
    return query;
}

static Select *select_all(Parser *parser, Relation *from)
{
    Select *select = ARENA_NEW(parser->arena, Select);
    select->pos = from->pos;
    select->from = from;
    SelectItem item = {.expr = ast_expr(parser->arena, EXPR_STAR, from->pos), .pos = from->pos};
    ARENA_PUSH(parser->arena, select->items, select->item_count, select->item_capacity, item);
    return select;
}

static Query *query_of(Parser *parser, size_t first, Select *select)
{
    if (select == NULL) {
        return NULL;
    }
    Query *query = make_query(parser, first);
    query->select = select;
    return query;
}

static Query *parse_table_query(Parser *parser, size_t first)
{
    Name name;
    if (!parse_name(parser, "a table's name", &name)) {
        return NULL;
    }
    Relation *relation = ast_relation(parser->arena, RELATION_TABLE, name.pos);
    relation->name = name;
    return query_of(parser, first, select_all(parser, relation));
}

static Query *parse_from_query(Parser *parser, size_t first)
{
    Relation *from = parse_from(parser);
    if (from == NULL) {
        return NULL;
    }
    if (parse_is(parser, TOKEN_PIPE_INTO)) {
        return make_query(parser, first); // refused by the caller
    }
    if (!parse_expect_word(parser, "SELECT")) {
        return NULL;
    }
    return query_of(parser, first, parse_select(parser, first, from));
}

static Query *parse_query_operand(Parser *parser)
{
    size_t first = parser->at;
    if (parse_accept_word(parser, "SELECT")) {
        return query_of(parser, first, parse_select(parser, first, NULL));
    }
    if (parse_accept_word(parser, "VALUES")) {
        Relation *values = parse_values(parser);
        if (values == NULL) {
            return NULL;
        }
        Query *query = make_query(parser, first);
        query->values = values;
        return query;
    }
    if (parse_accept_word(parser, "FROM")) {
        return parse_from_query(parser, first);
    }
    if (parse_accept_word(parser, "TABLE")) {
        return parse_table_query(parser, first);
    }
    if (parse_accept(parser, TOKEN_LEFT_PAREN)) {
        Query *query = parse_query(parser);
        return query != NULL && parse_expect_close(parser, first) ? query : NULL;
    }
    parse_error(parser, "a query");
    return NULL;
}

// ---- set operations ------------------------------------------------------------------------

static bool accept_set_op(Parser *parser, bool intersect, SetOp *op)
{
    SetOp distinct;
    SetOp all;
    if (intersect) {
        if (!parse_accept_word(parser, "INTERSECT")) {
            return false;
        }
        distinct = SET_INTERSECT;
        all = SET_INTERSECT_ALL;
    } else if (parse_accept_word(parser, "UNION")) {
        distinct = SET_UNION;
        all = SET_UNION_ALL;
    } else if (parse_accept_word(parser, "EXCEPT") || parse_accept_word(parser, "MINUS") ||
               parse_accept_word(parser, "SETMINUS")) {
        distinct = SET_EXCEPT;
        all = SET_EXCEPT_ALL;
    } else {
        return false;
    }
    if (parse_accept_word(parser, "ALL")) {
        *op = all;
    } else {
        parse_accept_word(parser, "DISTINCT");
        *op = distinct;
    }
    return true;
}

static Query *combine(Parser *parser, size_t first, SetOp op, Query *left, Query *right)
{
    if (right == NULL) {
        return NULL;
    }
    Query *query = make_query(parser, first);
    query->set_op = op;
    query->left = left;
    query->right = right;
    return query;
}

// INTERSECT binds tighter than UNION and EXCEPT. `left` is the first operand.
static Query *parse_intersects(Parser *parser, size_t first, Query *left)
{
    SetOp op;
    while (left != NULL && accept_set_op(parser, true, &op)) {
        left = combine(parser, first, op, left, parse_query_operand(parser));
    }
    return left;
}

static Query *parse_set_ops(Parser *parser, size_t first, Query *left)
{
    left = parse_intersects(parser, first, left);
    SetOp op;
    while (left != NULL && accept_set_op(parser, false, &op)) {
        size_t right_first = parser->at;
        Query *right = parse_query_operand(parser);
        right = parse_intersects(parser, right_first, right);
        left = combine(parser, first, op, left, right);
    }
    return left;
}

// ---- ORDER BY, LIMIT, OFFSET ---------------------------------------------------------------

bool parse_is_query_tail(Parser *parser)
{
    static const char *const words[] = {"UNION",    "INTERSECT",     "EXCEPT",  "MINUS",
                                        "SETMINUS", "ORDER BY",      "SORT BY", "CLUSTER BY",
                                        "LIMIT",    "DISTRIBUTE BY", "OFFSET",  NULL};
    return parse_is_one_of(parser, 0, words);
}

static bool parse_ordering(Parser *parser, Query *query)
{
    ExprList keys = {0};
    if (parse_accept_words(parser, "ORDER", "BY") && !parse_sort_items(parser, &query->order_by)) {
        return false;
    }
    if (parse_accept_words(parser, "CLUSTER", "BY")) {
        if (!parse_exprs(parser, &keys)) {
            return false;
        }
        for (size_t i = 0; i < keys.count; i++) {
            SortItem item = {.expr = keys.items[i]};
            ARENA_PUSH(parser->arena, query->order_by.items, query->order_by.count,
                       query->order_by.capacity, item);
        }
    }
    // which worker holds a row cannot be seen in a result
    if (parse_accept_words(parser, "DISTRIBUTE", "BY") && !parse_exprs(parser, &keys)) {
        return false;
    }
    return !parse_accept_words(parser, "SORT", "BY") || parse_sort_items(parser, &query->order_by);
}

static bool parse_limits(Parser *parser, Query *query)
{
    if (parse_accept_word(parser, "LIMIT") && !parse_accept_word(parser, "ALL")) {
        query->limit = parse_expr(parser);
        if (query->limit == NULL) {
            return false;
        }
    }
    if (parse_accept_word(parser, "OFFSET")) {
        query->offset = parse_expr(parser);
        return query->offset != NULL;
    }
    return true;
}

static bool has_tail(const Query *query)
{
    return query->order_by.count > 0 || query->limit != NULL || query->offset != NULL ||
           query->cte_count > 0;
}

// A query in parentheses that has its own ORDER BY, LIMIT or WITH keeps them: the outer ones go
// around it.
static Query *wrap(Parser *parser, size_t first, Query *query)
{
    Relation *relation = ast_relation(parser->arena, RELATION_QUERY, query->pos);
    relation->query = query;
    return query_of(parser, first, select_all(parser, relation));
}

static Query *parse_tail(Parser *parser, size_t first, Query *query)
{
    if (query == NULL) {
        return NULL;
    }
    if (parse_is(parser, TOKEN_PIPE_INTO)) {
        parse_refuse(parser, parse_pos(parser, parse_token(parser)), "the pipe syntax (|>)",
                     "write it with SELECT ... FROM ... WHERE ...");
        return NULL;
    }
    if (has_tail(query) && (parse_is_query_tail(parser) || is_window_clause(parser))) {
        query = wrap(parser, first, query);
    }
    if (!parse_ordering(parser, query)) {
        return NULL;
    }
    if (is_window_clause(parser) && query->select != NULL) {
        parser->at++;
        if (!parse_named_windows(parser, query->select)) {
            return NULL;
        }
    }
    if (!parse_limits(parser, query)) {
        return NULL;
    }
    query->pos = parse_span(parser, first);
    return query;
}

Query *parse_query_after(Parser *parser, size_t first, Query *operand)
{
    return parse_tail(parser, first, parse_set_ops(parser, first, operand));
}

// ---- WITH ----------------------------------------------------------------------------------

static bool parse_cte(Parser *parser, Cte *cte)
{
    size_t first = parser->at;
    if (!parse_identifier(parser, "a name after WITH", &cte->name)) {
        return false;
    }
    if (parse_is(parser, TOKEN_LEFT_PAREN) &&
        !parse_identifiers(parser, "a column's name", &cte->columns, &cte->column_count)) {
        return false;
    }
    parse_accept_word(parser, "AS");
    size_t open = parser->at;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "'(' and a query")) {
        return false;
    }
    cte->query = parse_query(parser);
    if (cte->query == NULL || !parse_expect_close(parser, open)) {
        return false;
    }
    cte->pos = parse_span(parser, first);
    return true;
}

static bool parse_ctes(Parser *parser, Cte **ctes, size_t *count)
{
    if (parse_is_word(parser, "RECURSIVE") &&
        (parse_is_at(parser, 1, TOKEN_WORD) || parse_is_at(parser, 1, TOKEN_QUOTED)) &&
        !parse_is_word_at(parser, 1, "AS")) {
        return parse_refuse(parser, parse_pos(parser, parse_token(parser)), "WITH RECURSIVE", NULL);
    }
    size_t capacity = 0;
    do {
        Cte cte = {0};
        if (!parse_cte(parser, &cte)) {
            return false;
        }
        ARENA_PUSH(parser->arena, *ctes, *count, capacity, cte);
    } while (parse_accept(parser, TOKEN_COMMA));
    return true;
}

static Query *parse_query_body(Parser *parser)
{
    size_t first = parser->at;
    Cte *ctes = NULL;
    size_t cte_count = 0;
    if (parse_accept_word(parser, "WITH") && !parse_ctes(parser, &ctes, &cte_count)) {
        return NULL;
    }
    size_t operand_first = parser->at;
    Query *query = parse_query_after(parser, operand_first, parse_query_operand(parser));
    if (query == NULL || cte_count == 0) {
        return query;
    }
    if (query->cte_count > 0) { // WITH a AS (...) (WITH b AS (...) SELECT ...)
        query = wrap(parser, operand_first, query);
    }
    query->ctes = ctes;
    query->cte_count = cte_count;
    query->pos = parse_span(parser, first);
    return query;
}

Query *parse_query(Parser *parser)
{
    if (!parse_enter(parser)) {
        return NULL;
    }
    Query *query = parse_query_body(parser);
    parse_leave(parser);
    return query;
}
