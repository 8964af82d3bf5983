// What may stand after FROM: tables, functions, queries, VALUES, joins, and tarn's stream clauses.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

// Words after a relation that are never its alias without AS.
static const char *const relation_stops[] = {"WHERE",
                                             "GROUP BY",
                                             "HAVING",
                                             "ORDER BY",
                                             "SORT BY",
                                             "CLUSTER BY",
                                             "LIMIT",
                                             "OFFSET",
                                             "DISTRIBUTE BY",
                                             "UNION",
                                             "INTERSECT",
                                             "EXCEPT",
                                             "MINUS",
                                             "SETMINUS",
                                             "WINDOW",
                                             "QUALIFY",
                                             "LATERAL",
                                             "JOIN",
                                             "INNER",
                                             "CROSS",
                                             "LEFT",
                                             "RIGHT",
                                             "FULL",
                                             "SEMI",
                                             "ANTI",
                                             "NATURAL",
                                             "ON",
                                             "USING",
                                             "AS",
                                             "SELECT",
                                             "WATERMARK",
                                             "TABLESAMPLE",
                                             "PIVOT",
                                             "UNPIVOT",
                                             "LATE DATA",
                                             "DROP DUPLICATES",
                                             "VERSION AS",
                                             "TIMESTAMP AS",
                                             "WITH",
                                             "CHANGES FROM",
                                             "FROM",
                                             "FOR",
                                             NULL};

// Words that a FROM or JOIN must not be followed by: a name is missing.
static const char *const never_tables[] = {"SELECT", "WHERE", "GROUP BY", "HAVING",  "ORDER BY",
                                           "ON",     "USING", "JOIN",     "AS",      "FROM",
                                           "LEFT",   "RIGHT", "INNER",    "FULL",    "CROSS",
                                           "UNION",  "LIMIT", "EXCEPT",   "NATURAL", NULL};

static const char *const view_stops[] = {"WHERE",     "GROUP BY", "HAVING", "ORDER BY", "SORT BY",
                                         "LIMIT",     "LATERAL",  "UNION",  "WINDOW",   "QUALIFY",
                                         "JOIN",      "LEFT",     "INNER",  "CROSS",    "EXCEPT",
                                         "INTERSECT", "OFFSET",   NULL};

// ---- time travel ---------------------------------------------------------------------------

static Expr *make_literal(Parser *parser, ExprKind kind, Pos pos, Slice text)
{
    Expr *expr = ast_expr(parser->arena, kind, pos);
    expr->text = text;
    return expr;
}

static bool is_digits(Slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size > 0;
}

// "v3" or "20240131235959123" after '@'; false when it is neither.
static bool set_at(Parser *parser, Relation *relation, Slice text, Pos pos)
{
    enum { STAMP_SIZE = 17 };
    Slice number = {text.data + 1, text.size > 0 ? text.size - 1 : 0};
    if (text.size > 1 && (text.data[0] | 0x20) == 'v' && is_digits(number)) {
        relation->version = make_literal(parser, EXPR_NUMBER, pos, number);
        return true;
    }
    if (text.size != STAMP_SIZE || !is_digits(text)) {
        return false;
    }
    const char *d = text.data;
    const char *stamp = arena_printf(parser->arena, "%.4s-%.2s-%.2s %.2s:%.2s:%.2s.%.3s", d, d + 4,
                                     d + 6, d + 8, d + 10, d + 12, d + 14);
    relation->timestamp = make_literal(parser, EXPR_STRING, pos, slice_of(stamp));
    return true;
}

// delta.`/path@v3`
static void split_quoted_at(Parser *parser, Relation *relation)
{
    Slice *last = &relation->name.parts[relation->name.count - 1];
    size_t at = last->size;
    while (at > 0 && last->data[at - 1] != '@' && last->data[at - 1] != '/') {
        at--;
    }
    if (at < 2 || last->data[at - 1] != '@') {
        return;
    }
    Slice suffix = {last->data + at, last->size - at};
    if (set_at(parser, relation, suffix, relation->name.pos)) {
        last->size = at - 1;
    }
}

static bool parse_version(Parser *parser, Relation *relation)
{
    const Token *token = parse_token(parser);
    Pos pos = parse_pos(parser, token);
    Slice text = parse_text(parser, token);
    bool is_number = token->kind == TOKEN_NUMBER && is_digits(text);
    if (is_number) {
        parser->at++;
    } else if (token->kind != TOKEN_STRING || !parse_string(parser, &text)) {
        return parse_error(parser, "a version number");
    }
    relation->version = make_literal(parser, is_number ? EXPR_NUMBER : EXPR_STRING, pos, text);
    return true;
}

// [FOR] VERSION AS OF 3, [FOR] TIMESTAMP AS OF '...'
static bool parse_temporal(Parser *parser, Relation *relation)
{
    static const char *const versions[] = {"VERSION AS", "SYSTEM_VERSION AS", NULL};
    static const char *const times[] = {"TIMESTAMP AS", "SYSTEM_TIME AS", NULL};
    if (parse_is(parser, TOKEN_AT)) {
        Pos pos = parse_pos(parser, parse_token_at(parser, 1));
        Slice text = parse_text(parser, parse_token_at(parser, 1));
        parser->at++;
        if (!set_at(parser, relation, text, pos)) {
            return parse_error(parser, "a version (v3) or a time (yyyyMMddHHmmssSSS) after '@'");
        }
        parser->at++;
        return true;
    }
    size_t skip = parse_is_word_at(parser, 0, "FOR") ? 1 : 0;
    bool is_version = parse_is_one_of(parser, skip, versions);
    if ((!is_version && !parse_is_one_of(parser, skip, times)) ||
        !parse_is_word_at(parser, skip + 2, "OF")) {
        return true;
    }
    parser->at += skip + 3;
    if (is_version) {
        return parse_version(parser, relation);
    }
    relation->timestamp = parse_operand(parser);
    return relation->timestamp != NULL;
}

// ---- stream clauses ------------------------------------------------------------------------

static bool parse_watermark(Parser *parser, Relation *relation)
{
    size_t first = parser->at;
    if (!parse_accept_word(parser, "WATERMARK")) {
        return true;
    }
    Watermark *watermark = ARENA_NEW(parser->arena, Watermark);
    if (!parse_watermark_item(parser, &watermark->column, &watermark->alias) ||
        !parse_expect_word(parser, "DELAY") || !parse_expect_word(parser, "OF")) {
        return false;
    }
    if (!parse_is_word(parser, "INTERVAL") || !parse_is_interval(parser)) {
        return parse_error(parser, "an INTERVAL, for instance INTERVAL 10 SECONDS");
    }
    watermark->delay = parse_interval(parser);
    if (watermark->delay == NULL) {
        return false;
    }
    watermark->pos = parse_span(parser, first);
    relation->watermark = watermark;
    if (!parse_accept_words(parser, "LATE", "DATA")) {
        return true;
    }
    return parse_expect_word(parser, "INTO") &&
           parse_name(parser, "a table's name", &watermark->late_data_into);
}

// ON (k, t.c): names only; anything else in the parentheses is a join's condition.
static bool is_key_list(const Parser *parser)
{
    if (!parse_is_word_at(parser, 0, "ON") || !parse_is_at(parser, 1, TOKEN_LEFT_PAREN)) {
        return false;
    }
    for (size_t i = 2;; i += 2) {
        if (!parse_is_at(parser, i, TOKEN_WORD) && !parse_is_at(parser, i, TOKEN_QUOTED)) {
            return false;
        }
        if (parse_is_at(parser, i + 1, TOKEN_RIGHT_PAREN)) {
            return true;
        }
        if (!parse_is_at(parser, i + 1, TOKEN_COMMA) && !parse_is_at(parser, i + 1, TOKEN_DOT)) {
            return false;
        }
    }
}

static bool parse_keys(Parser *parser, DropDuplicates *drop)
{
    size_t open = parser->at + 1;
    size_t capacity = 0;
    parser->at += 2;
    do {
        Name name;
        if (!parse_name(parser, "a column's name", &name)) {
            return false;
        }
        ARENA_PUSH(parser->arena, drop->keys, drop->key_count, capacity, name);
    } while (parse_accept(parser, TOKEN_COMMA));
    return parse_expect_close(parser, open);
}

static bool parse_drop_duplicates(Parser *parser, Relation *relation)
{
    size_t first = parser->at;
    if (!parse_accept_words(parser, "DROP", "DUPLICATES")) {
        return true;
    }
    DropDuplicates *drop = ARENA_NEW(parser->arena, DropDuplicates);
    drop->within_watermark = parse_accept_words(parser, "WITHIN", "WATERMARK");
    if (is_key_list(parser) && !parse_keys(parser, drop)) {
        return false;
    }
    drop->pos = parse_span(parser, first);
    relation->drop_duplicates = drop;
    return true;
}

// [AS] alias [(a, b)]
static bool parse_relation_alias(Parser *parser, Relation *relation)
{
    if (!parse_alias(parser, relation_stops, &relation->alias)) {
        return false;
    }
    return relation->alias.size == 0 || !parse_is(parser, TOKEN_LEFT_PAREN) ||
           parse_identifiers(parser, "a column's name", &relation->column_aliases,
                             &relation->column_alias_count);
}

static bool refuse_clauses(Parser *parser)
{
    Pos pos = parse_pos(parser, parse_token(parser));
    if (parse_is_word_at(parser, 0, "TABLESAMPLE")) {
        return parse_refuse(parser, pos, "TABLESAMPLE", "use WHERE rand() < 0.1");
    }
    if (parse_is_word_at(parser, 0, "CHANGES") && parse_is_word_at(parser, 1, "FROM")) {
        return parse_refuse(parser, pos, "CHANGES FROM", NULL);
    }
    return true;
}

// PIVOT (...) [AS alias], any number of times.
static bool parse_pivots(Parser *parser, Relation *relation)
{
    for (bool found = true; found;) {
        if (!parse_pivot(parser, relation, &found) ||
            (found && !parse_relation_alias(parser, relation))) {
            return false;
        }
    }
    return true;
}

// What may follow a table, a function or a query, in the order of ast.h.
static bool parse_relation_tail(Parser *parser, Relation *relation)
{
    return refuse_clauses(parser) && parse_watermark(parser, relation) &&
           parse_drop_duplicates(parser, relation) && parse_relation_alias(parser, relation) &&
           parse_pivots(parser, relation);
}

// ---- relations -----------------------------------------------------------------------------

// WITH ('key' = 'value', ...): a table's options, kept as named arguments.
static bool parse_table_options(Parser *parser, Relation *relation)
{
    if (!parse_is_word_at(parser, 0, "WITH") || !parse_is_at(parser, 1, TOKEN_LEFT_PAREN)) {
        return true;
    }
    Properties options = {0};
    parser->at++;
    if (!parse_properties(parser, &options)) {
        return false;
    }
    for (size_t i = 0; i < options.count; i++) {
        Property *option = &options.items[i];
        Expr *value = make_literal(parser, EXPR_STRING, option->value_pos, option->value);
        NamedArgument argument = {option->key, value, option->pos};
        ARENA_PUSH(parser->arena, relation->named.items, relation->named.count,
                   relation->named.capacity, argument);
    }
    return true;
}

// t, db.t, delta.`path`, f(...), IDENTIFIER('t'); without what follows
static Relation *parse_named_relation(Parser *parser)
{
    size_t first = parser->at;
    Relation *relation = ast_relation(parser->arena, RELATION_TABLE, (Pos){0});
    bool is_clause =
        parse_is_word_at(parser, 0, "IDENTIFIER") && parse_is_at(parser, 1, TOKEN_LEFT_PAREN);
    if (is_clause ? !parse_identifier_name(parser, &relation->name)
                  : !parse_name(parser, "a table, a function or a query", &relation->name)) {
        return NULL;
    }
    size_t open = parser->at;
    if (parse_accept(parser, TOKEN_LEFT_PAREN)) {
        relation->kind = RELATION_FUNCTION;
        relation->text = relation->name.parts[relation->name.count - 1];
        if (!parse_arguments(parser, &relation->arguments, &relation->named) ||
            !parse_expect_close(parser, open)) {
            return NULL;
        }
    } else {
        split_quoted_at(parser, relation);
        if (!parse_temporal(parser, relation) || !parse_table_options(parser, relation)) {
            return NULL;
        }
    }
    relation->pos = parse_span(parser, first);
    return relation;
}

// STREAM t, STREAM f(...), STREAM (t); a table may also be called stream.
static bool is_stream(const Parser *parser)
{
    if (!parse_is_word_at(parser, 0, "STREAM")) {
        return false;
    }
    if (parse_is_at(parser, 1, TOKEN_LEFT_PAREN) || parse_is_at(parser, 1, TOKEN_QUOTED)) {
        return true;
    }
    return parse_is_at(parser, 1, TOKEN_WORD) && !parse_is_one_of(parser, 1, relation_stops);
}

static Relation *parse_stream(Parser *parser)
{
    size_t first = parser->at++;
    size_t open = parser->at;
    bool parentheses = parse_accept(parser, TOKEN_LEFT_PAREN);
    Relation *relation = parse_named_relation(parser);
    if (relation == NULL || (parentheses && !parse_expect_close(parser, open))) {
        return NULL;
    }
    relation->is_stream = true;
    relation->pos = parse_span(parser, first);
    return relation;
}

static Relation *make_query_relation(Parser *parser, size_t open, Query *query)
{
    if (query == NULL || !parse_expect_close(parser, open)) {
        return NULL;
    }
    Relation *relation = ast_relation(parser->arena, RELATION_QUERY, parse_span(parser, open));
    relation->query = query;
    return relation;
}

static Relation *parse_joined(Parser *parser);

// (SELECT ...) or (a JOIN b ON ...)
static Relation *parse_parentheses(Parser *parser)
{
    size_t open = parser->at++;
    if (parse_is_query(parser, 0) && !parse_is_word_at(parser, 0, "VALUES")) {
        return make_query_relation(parser, open, parse_query(parser));
    }
    Relation *inner = parse_joined(parser);
    if (inner == NULL) {
        return NULL;
    }
    bool bare =
        inner->alias.size == 0 && inner->watermark == NULL && inner->drop_duplicates == NULL;
    if (bare && inner->kind == RELATION_QUERY && parse_is_query_tail(parser)) {
        Query *query = parse_query_after(parser, open + 1, inner->query);
        return make_query_relation(parser, open, query);
    }
    if (inner->kind == RELATION_VALUES && (parse_is_query_tail(parser) || !bare)) {
        Query *query = ARENA_NEW(parser->arena, Query);
        query->pos = inner->pos;
        query->values = inner;
        return make_query_relation(parser, open, parse_query_after(parser, open + 1, query));
    }
    return parse_expect_close(parser, open) ? inner : NULL;
}

Relation *parse_values(Parser *parser)
{
    size_t first = parser->at - 1;
    Relation *relation = ast_relation(parser->arena, RELATION_VALUES, (Pos){0});
    size_t capacity = 0;
    do {
        Expr *row = parse_expr(parser);
        if (row == NULL) {
            return NULL;
        }
        ExprList list = {0};
        if (row->kind == EXPR_ROW) {
            list = row->arguments;
        } else {
            ARENA_PUSH(parser->arena, list.items, list.count, list.capacity, row);
        }
        if (relation->row_count > 0 && relation->rows[0].count != list.count) {
            diagnose(parser->diagnostics, row->pos, "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                     NULL, "this row has %zu values where the first has %zu", list.count,
                     relation->rows[0].count);
            return NULL;
        }
        ARENA_PUSH(parser->arena, relation->rows, relation->row_count, capacity, list);
    } while (parse_accept(parser, TOKEN_COMMA));
    relation->pos = parse_span(parser, first);
    return parse_relation_alias(parser, relation) ? relation : NULL;
}

static bool has_tail(const Relation *relation)
{
    return relation->alias.size > 0 || relation->watermark != NULL ||
           relation->drop_duplicates != NULL;
}

static bool starts_tail(Parser *parser)
{
    return parse_is_word_at(parser, 0, "AS") || parse_is_word_at(parser, 0, "WATERMARK") ||
           (parse_is_name(parser) && !parse_is_one_of(parser, 0, relation_stops));
}

// ((a JOIN b) c): what has its own alias, or is a join, becomes a query before it gets another.
static Relation *box(Parser *parser, Relation *inner)
{
    Select *select = ARENA_NEW(parser->arena, Select);
    SelectItem item = {.expr = ast_expr(parser->arena, EXPR_STAR, inner->pos), .pos = inner->pos};
    ARENA_PUSH(parser->arena, select->items, select->item_count, select->item_capacity, item);
    select->pos = inner->pos;
    select->from = inner;
    Query *query = ARENA_NEW(parser->arena, Query);
    query->pos = inner->pos;
    query->select = select;
    Relation *relation = ast_relation(parser->arena, RELATION_QUERY, inner->pos);
    relation->query = query;
    return relation;
}

static Relation *parse_relation(Parser *parser)
{
    Relation *relation;
    if (parse_is(parser, TOKEN_LEFT_PAREN)) {
        relation = parse_parentheses(parser);
        bool needs_box =
            relation != NULL && (has_tail(relation) || relation->kind == RELATION_JOIN ||
                                 relation->kind == RELATION_LATERAL_VIEW);
        if (needs_box && !starts_tail(parser)) {
            return relation;
        }
        relation = needs_box ? box(parser, relation) : relation;
    } else if (parse_is_word(parser, "VALUES") && parse_is_query(parser, 0)) {
        parser->at++;
        relation = parse_values(parser);
        return relation != NULL && parse_pivots(parser, relation) ? relation : NULL;
    } else if (is_stream(parser)) {
        relation = parse_stream(parser);
    } else if (parse_is_name(parser) && !parse_is_one_of(parser, 0, never_tables)) {
        relation = parse_named_relation(parser);
    } else {
        parse_error(parser, "a table, a function or a query");
        return NULL;
    }
    return relation != NULL && parse_relation_tail(parser, relation) ? relation : NULL;
}

// ---- joins ---------------------------------------------------------------------------------

// [NATURAL] [INNER | CROSS | LEFT [OUTER | SEMI | ANTI] | RIGHT | FULL | SEMI | ANTI] JOIN
static bool accept_join(Parser *parser, Relation *join, bool *found)
{
    *found = false;
    size_t first = parser->at;
    join->natural = parse_accept_word(parser, "NATURAL");
    join->join = JOIN_INNER;
    bool outer = false;
    if (parse_accept_word(parser, "CROSS")) {
        join->join = JOIN_CROSS;
    } else if (parse_accept_word(parser, "LEFT")) {
        join->join = JOIN_LEFT;
        outer = true;
    } else if (parse_accept_word(parser, "RIGHT")) {
        join->join = JOIN_RIGHT;
        outer = true;
    } else if (parse_accept_word(parser, "FULL")) {
        join->join = JOIN_FULL;
        outer = true;
    } else {
        parse_accept_word(parser, "INNER");
    }
    bool plain = parser->at == first || join->join == JOIN_LEFT;
    if (outer && parse_accept_word(parser, "OUTER")) {
        plain = false;
    }
    if (plain && parse_accept_word(parser, "SEMI")) {
        join->join = JOIN_SEMI;
    } else if (plain && parse_accept_word(parser, "ANTI")) {
        join->join = JOIN_ANTI;
    }
    if (parse_accept_word(parser, "JOIN")) {
        *found = true;
        return true;
    }
    return parser->at == first || parse_error(parser, "JOIN");
}

static bool parse_criteria(Parser *parser, Relation *join)
{
    if (parse_accept_word(parser, "ON")) {
        join->on = parse_expr(parser);
        return join->on != NULL;
    }
    return !parse_accept_word(parser, "USING") ||
           parse_identifiers(parser, "a column's name", &join->using_columns, &join->using_count);
}

// a JOIN b ON ... JOIN c ...
static Relation *parse_joined_body(Parser *parser)
{
    size_t first = parser->at;
    Relation *left = parse_relation(parser);
    while (left != NULL) {
        Relation *join = ast_relation(parser->arena, RELATION_JOIN, left->pos);
        bool found;
        if (!accept_join(parser, join, &found)) {
            return NULL;
        }
        if (!found) {
            break;
        }
        join->lateral = parse_accept_word(parser, "LATERAL");
        join->left = left;
        join->right = parse_relation(parser);
        if (join->right == NULL || !parse_criteria(parser, join)) {
            return NULL;
        }
        join->pos = parse_span(parser, first);
        left = join;
    }
    return left;
}

static Relation *parse_joined(Parser *parser)
{
    if (!parse_enter(parser)) {
        return NULL;
    }
    Relation *relation = parse_joined_body(parser);
    parse_leave(parser);
    return relation;
}

// LATERAL VIEW [OUTER] f(...) [t] [AS a, b]
static Relation *parse_lateral_view(Parser *parser, size_t first, Relation *left)
{
    Relation *view = ast_relation(parser->arena, RELATION_LATERAL_VIEW, left->pos);
    view->left = left;
    view->outer = parse_accept_word(parser, "OUTER");
    if (!parse_identifier(parser, "a function after LATERAL VIEW", &view->text)) {
        return NULL;
    }
    size_t open = parser->at;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "'('") ||
        !parse_arguments(parser, &view->arguments, &view->named) ||
        !parse_expect_close(parser, open)) {
        return NULL;
    }
    if (!parse_is_word(parser, "AS") && !parse_alias(parser, view_stops, &view->alias)) {
        return NULL;
    }
    if (parse_accept_word(parser, "AS")) {
        size_t capacity = 0;
        do {
            Slice name;
            if (!parse_identifier(parser, "a column's name", &name)) {
                return NULL;
            }
            ARENA_PUSH(parser->arena, view->column_aliases, view->column_alias_count, capacity,
                       name);
        } while (parse_accept(parser, TOKEN_COMMA));
    }
    view->pos = parse_span(parser, first);
    return view;
}

Relation *parse_from(Parser *parser)
{
    size_t first = parser->at;
    parse_accept_word(parser, "LATERAL"); // nothing stands before it that it could see
    Relation *left = parse_joined(parser);
    while (left != NULL && parse_accept(parser, TOKEN_COMMA)) {
        Relation *join = ast_relation(parser->arena, RELATION_JOIN, left->pos);
        join->join = JOIN_CROSS;
        join->lateral = parse_accept_word(parser, "LATERAL");
        join->left = left;
        join->right = parse_joined(parser);
        if (join->right == NULL) {
            return NULL;
        }
        join->pos = parse_span(parser, first);
        left = join;
    }
    while (left != NULL && parse_accept_words(parser, "LATERAL", "VIEW")) {
        left = parse_lateral_view(parser, first, left);
    }
    return left;
}
