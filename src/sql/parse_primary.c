// Operands: literals, names, calls, parentheses, and what may follow any of them.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

#include <strings.h>

// Words that cannot be a column here; everywhere else nearly every keyword can be a name.
static const char *const reserved[] = {
    "SELECT", "FROM",  "WHERE",  "GROUP BY",  "ORDER BY", "SORT BY", "HAVING", "UNION",
    "ON",     "USING", "EXCEPT", "INTERSECT", "AND",      "OR",      "THEN",   "WHEN",
    "ELSE",   "AS",    "IN",     "BETWEEN",   "IS",       "JOIN",    "NOT",    NULL};

// Functions that SQL allows without parentheses.
static const char *const bare_functions[] = {"CURRENT_DATE",
                                             "CURRENT_TIMESTAMP",
                                             "CURRENT_TIME",
                                             "CURRENT_USER",
                                             "SESSION_USER",
                                             "LOCALTIMESTAMP",
                                             NULL};

static Expr *make(Parser *parser, ExprKind kind, size_t first)
{
    return ast_expr(parser->arena, kind, parse_span(parser, first));
}

static Expr *with_argument(Parser *parser, Expr *expr, Expr *argument)
{
    ARENA_PUSH(parser->arena, expr->arguments.items, expr->arguments.count,
               expr->arguments.capacity, argument);
    return expr;
}

bool parse_is_query(const Parser *parser, size_t ahead)
{
    if (parse_is_word_at(parser, ahead, "SELECT") || parse_is_word_at(parser, ahead, "WITH")) {
        return true;
    }
    TokenKind next = parse_token_at(parser, ahead + 1)->kind;
    bool name_follows = next == TOKEN_WORD || next == TOKEN_QUOTED;
    if (parse_is_word_at(parser, ahead, "VALUES")) {
        return next == TOKEN_LEFT_PAREN || next == TOKEN_NUMBER || next == TOKEN_STRING ||
               next == TOKEN_MINUS || name_follows;
    }
    return (parse_is_word_at(parser, ahead, "FROM") || parse_is_word_at(parser, ahead, "TABLE")) &&
           name_follows;
}

// ---- literals ------------------------------------------------------------------------------

static Expr *parse_number(Parser *parser)
{
    size_t first = parser->at;
    bool negative = parse_accept(parser, TOKEN_MINUS);
    Slice digits = parse_text(parser, parse_token(parser));
    parser->at++;
    Expr *expr = make(parser, EXPR_NUMBER, first);
    expr->text = digits;
    if (negative) {
        expr->text = slice_of(arena_printf(parser->arena, "-%.*s", SLICE_ARG(digits)));
    }
    return expr;
}

static Expr *parse_string_literal(Parser *parser)
{
    size_t first = parser->at;
    Slice text;
    if (!parse_string(parser, &text)) {
        return NULL;
    }
    Expr *expr = make(parser, EXPR_STRING, first);
    expr->text = text;
    return expr;
}

static bool is_hex(Slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        char lower = (char)(c | 0x20);
        if (!((c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f'))) {
            return false;
        }
    }
    return true;
}

static Expr *parse_hex(Parser *parser)
{
    size_t first = parser->at;
    parser->at++;
    Slice text;
    if (!parse_string(parser, &text)) {
        return NULL;
    }
    if (!is_hex(text)) {
        diagnose(parser->diagnostics, parse_span(parser, first), "INVALID_TYPED_LITERAL", NULL,
                 "X'...' takes hexadecimal digits only");
        return NULL;
    }
    Expr *expr = make(parser, EXPR_BINARY_LITERAL, first);
    expr->text = text;
    if (text.size % 2 == 1) { // an odd first digit stands alone, as in Spark
        expr->text = slice_of(arena_printf(parser->arena, "0%.*s", SLICE_ARG(text)));
    }
    return expr;
}

// DATE '...' and its kind: a word directly before a string.
static Expr *parse_typed(Parser *parser)
{
    size_t first = parser->at;
    const Type *type = NULL;
    if (parse_is_word_at(parser, 0, "DATE")) {
        type = type_simple(TYPE_DATE);
    } else if (parse_is_word_at(parser, 0, "TIMESTAMP") ||
               parse_is_word_at(parser, 0, "TIMESTAMP_LTZ")) {
        type = type_simple(TYPE_TIMESTAMP);
    } else if (parse_is_word_at(parser, 0, "TIMESTAMP_NTZ")) {
        type = type_simple(TYPE_TIMESTAMP_NTZ);
    } else if (parse_is_word_at(parser, 0, "TIME")) {
        type = type_other(parser->arena, "TIME");
    } else {
        Slice word = parse_text(parser, parse_token(parser));
        diagnose(parser->diagnostics, parse_pos(parser, parse_token(parser)),
                 "UNSUPPORTED_TYPED_LITERAL",
                 "DATE, TIMESTAMP, TIMESTAMP_NTZ, TIMESTAMP_LTZ, INTERVAL and X may stand before a "
                 "string",
                 "syntax error: there are no literals of type '%.*s'", SLICE_ARG(word));
        return NULL;
    }
    parser->at++;
    Slice text;
    if (!parse_string(parser, &text)) {
        return NULL;
    }
    Expr *expr = make(parser, EXPR_TYPED, first);
    expr->type = type;
    expr->text = text;
    return expr;
}

static Expr *parse_parameter(Parser *parser)
{
    size_t first = parser->at;
    Slice name = {0};
    if (parse_accept(parser, TOKEN_COLON)) {
        if (!parse_identifier(parser, "a parameter's name after ':'", &name)) {
            return NULL;
        }
    } else {
        parser->at++;
    }
    Expr *expr = make(parser, EXPR_PARAMETER, first);
    expr->text = name;
    return expr;
}

// ---- parentheses and lambdas ---------------------------------------------------------------

// (x, y) -> ...: tokens up to the arrow, or 0.
static size_t lambda_size(const Parser *parser)
{
    size_t ahead = 1;
    while (parse_is_at(parser, ahead, TOKEN_WORD) || parse_is_at(parser, ahead, TOKEN_QUOTED)) {
        ahead++;
        if (parse_is_at(parser, ahead, TOKEN_RIGHT_PAREN)) {
            return parse_is_at(parser, ahead + 1, TOKEN_ARROW) ? ahead + 1 : 0;
        }
        if (!parse_is_at(parser, ahead, TOKEN_COMMA)) {
            return 0;
        }
        ahead++;
    }
    return 0;
}

static Expr *parse_lambda(Parser *parser)
{
    size_t first = parser->at;
    Slice *parameters = NULL;
    size_t count = 1;
    if (parse_is(parser, TOKEN_LEFT_PAREN)) {
        if (!parse_identifiers(parser, "a parameter", &parameters, &count)) {
            return NULL;
        }
    } else {
        parameters = ARENA_NEW(parser->arena, Slice);
        if (!parse_identifier(parser, "a parameter", parameters)) {
            return NULL;
        }
    }
    parser->at++; // the arrow
    Expr *body = parse_expr(parser);
    if (body == NULL) {
        return NULL;
    }
    Expr *expr = make(parser, EXPR_LAMBDA, first);
    expr->parameters = parameters;
    expr->parameter_count = count;
    return with_argument(parser, expr, body);
}

static Expr *finish_subquery(Parser *parser, size_t open, Query *query)
{
    if (query == NULL || !parse_expect_close(parser, open)) {
        return NULL;
    }
    Expr *expr = make(parser, EXPR_SUBQUERY, open);
    expr->query = query;
    return expr;
}

// (a, b) or (1 AS a, 2 AS b), the first value already read.
static Expr *parse_row(Parser *parser, size_t open, Expr *value)
{
    ExprList values = {0};
    Slice *aliases = NULL;
    size_t alias_count = 0;
    size_t alias_capacity = 0;
    bool named = false;
    for (;;) {
        Slice alias = {0};
        if (parse_accept_word(parser, "AS") &&
            !parse_identifier(parser, "a name after AS", &alias)) {
            return NULL;
        }
        named = named || alias.size > 0;
        ARENA_PUSH(parser->arena, aliases, alias_count, alias_capacity, alias);
        ARENA_PUSH(parser->arena, values.items, values.count, values.capacity, value);
        if (!parse_accept(parser, TOKEN_COMMA)) {
            break;
        }
        value = parse_expr(parser);
        if (value == NULL) {
            return NULL;
        }
    }
    if (!parse_expect_close(parser, open)) {
        return NULL;
    }
    if (named) {
        return parse_named_struct(parser, parse_span(parser, open), &values, aliases);
    }
    Expr *row = make(parser, EXPR_ROW, open);
    row->arguments = values;
    return row;
}

static Expr *parse_parentheses(Parser *parser)
{
    size_t open = parser->at;
    if (lambda_size(parser) > 0) {
        return parse_lambda(parser);
    }
    parser->at++;
    if (parse_is_query(parser, 0)) {
        return finish_subquery(parser, open, parse_query(parser));
    }
    Expr *expr = parse_expr(parser);
    if (expr == NULL) {
        return NULL;
    }
    if (expr->kind == EXPR_SUBQUERY && parse_is_query_tail(parser)) {
        return finish_subquery(parser, open, parse_query_after(parser, open + 1, expr->query));
    }
    if (parse_is(parser, TOKEN_COMMA) || parse_is_word(parser, "AS")) {
        return parse_row(parser, open, expr);
    }
    return parse_expect_close(parser, open) ? expr : NULL;
}

// ---- CASE ----------------------------------------------------------------------------------

static bool is_case(const Parser *parser)
{
    TokenKind next = parse_token_at(parser, 1)->kind;
    return next != TOKEN_COMMA && next != TOKEN_DOT && next != TOKEN_RIGHT_PAREN &&
           next != TOKEN_END;
}

static Expr *parse_case(Parser *parser)
{
    size_t first = parser->at++;
    Expr *expr = ast_expr(parser->arena, EXPR_CASE, (Pos){0});
    if (!parse_is_word(parser, "WHEN")) {
        expr->operand = parse_expr(parser);
        if (expr->operand == NULL) {
            return NULL;
        }
    }
    if (!parse_is_word(parser, "WHEN")) {
        parse_error(parser, "WHEN");
        return NULL;
    }
    while (parse_accept_word(parser, "WHEN")) {
        Expr *when = parse_expr(parser);
        if (when == NULL || !parse_expect_word(parser, "THEN")) {
            return NULL;
        }
        Expr *then = parse_expr(parser);
        if (then == NULL) {
            return NULL;
        }
        with_argument(parser, expr, when);
        with_argument(parser, expr, then);
    }
    if (parse_accept_word(parser, "ELSE")) {
        expr->otherwise = parse_expr(parser);
        if (expr->otherwise == NULL) {
            return NULL;
        }
    }
    if (!parse_expect_word(parser, "END")) {
        return NULL;
    }
    expr->pos = parse_span(parser, first);
    return expr;
}

// ---- names ---------------------------------------------------------------------------------

// The current token is '*', `first` where the whole (t.*) starts.
static Expr *parse_star(Parser *parser, size_t first, Name qualifier)
{
    parser->at++;
    Expr *expr = make(parser, EXPR_STAR, first);
    expr->qualifier = qualifier;
    if (parse_is_word(parser, "EXCEPT") && parse_is_at(parser, 1, TOKEN_LEFT_PAREN) &&
        !parse_is_query(parser, 2) && !parse_is_at(parser, 2, TOKEN_LEFT_PAREN)) {
        parser->at++;
        if (!parse_identifiers(parser, "a column's name", &expr->except, &expr->except_count)) {
            return NULL;
        }
        expr->pos = parse_span(parser, first);
    }
    return expr;
}

static Expr *make_field(Parser *parser, size_t first, Expr *base, Slice field)
{
    Expr *expr = make(parser, EXPR_FIELD, first);
    expr->text = field;
    return with_argument(parser, expr, base);
}

// The function's name as written: db.f
static Slice joined_name(Parser *parser, const Name *name)
{
    if (name->count == 1) {
        return name->parts[0];
    }
    Buffer text = {0};
    for (size_t i = 0; i < name->count; i++) {
        buffer_append_text(&text, i == 0 ? "" : ".");
        buffer_append(&text, name->parts[i]);
    }
    Slice joined = arena_copy(parser->arena, buffer_slice(&text));
    buffer_done(&text);
    return joined;
}

// a, a.b.c, a.*, f(...), db.f(...). Parts beyond what a Name holds become field accesses.
static Expr *parse_named(Parser *parser)
{
    size_t first = parser->at;
    Name name = {0};
    if (!parse_identifier(parser, "an expression", &name.parts[name.count++])) {
        return NULL;
    }
    while (parse_is(parser, TOKEN_DOT) && name.count < ARRAY_LEN(name.parts)) {
        if (parse_is_at(parser, 1, TOKEN_STAR)) {
            name.pos = parse_span(parser, first);
            parser->at++;
            return parse_star(parser, first, name);
        }
        parser->at++;
        if (!parse_identifier(parser, "a name after '.'", &name.parts[name.count++])) {
            return NULL;
        }
    }
    name.pos = parse_span(parser, first);
    if (parse_is(parser, TOKEN_LEFT_PAREN)) {
        return parse_call(parser, first, joined_name(parser, &name));
    }
    Expr *expr = make(parser, EXPR_COLUMN, first);
    expr->name = name;
    return expr;
}

static Expr *parse_bare_function(Parser *parser)
{
    size_t first = parser->at++;
    Expr *expr = make(parser, EXPR_CALL, first);
    expr->text = parse_text(parser, &parser->tokens.items[first]);
    return expr;
}

static Expr *parse_constant(Parser *parser, ExprKind kind, int64_t value)
{
    size_t first = parser->at++;
    Expr *expr = make(parser, kind, first);
    expr->integer = value;
    return expr;
}

static Expr *parse_word(Parser *parser)
{
    TokenKind next = parse_token_at(parser, 1)->kind;
    if (next == TOKEN_ARROW) {
        return parse_lambda(parser);
    }
    if (next == TOKEN_DOT) {
        return parse_named(parser);
    }
    if (parse_is_word_at(parser, 0, "INTERVAL") && parse_is_interval(parser)) {
        return parse_interval(parser);
    }
    if (next == TOKEN_LEFT_PAREN && parse_is_special_call(parser)) {
        return parse_special_call(parser);
    }
    if (parse_is_word_at(parser, 0, "CASE") && is_case(parser)) {
        return parse_case(parser);
    }
    if (parse_is_one_of(parser, 0, reserved)) {
        parse_error(parser, NULL);
        return NULL;
    }
    if (next == TOKEN_STRING) {
        return parse_is_word_at(parser, 0, "X") ? parse_hex(parser) : parse_typed(parser);
    }
    if (next != TOKEN_LEFT_PAREN) {
        if (parse_is_word_at(parser, 0, "NULL")) {
            return parse_constant(parser, EXPR_NULL, 0);
        }
        if (parse_is_word_at(parser, 0, "TRUE")) {
            return parse_constant(parser, EXPR_BOOLEAN, 1);
        }
        if (parse_is_word_at(parser, 0, "FALSE")) {
            return parse_constant(parser, EXPR_BOOLEAN, 0);
        }
        if (parse_is_one_of(parser, 0, bare_functions)) {
            return parse_bare_function(parser);
        }
    }
    return parse_named(parser);
}

static Expr *parse_atom(Parser *parser)
{
    switch (parse_token(parser)->kind) {
    case TOKEN_WORD:
        return parse_word(parser);
    case TOKEN_QUOTED:
        return parse_is_at(parser, 1, TOKEN_ARROW) ? parse_lambda(parser) : parse_named(parser);
    case TOKEN_NUMBER:
    case TOKEN_MINUS:
        return parse_number(parser);
    case TOKEN_STRING:
        return parse_string_literal(parser);
    case TOKEN_LEFT_PAREN:
        return parse_parentheses(parser);
    case TOKEN_STAR:
        return parse_star(parser, parser->at, (Name){0});
    case TOKEN_COLON:
    case TOKEN_QUESTION:
        return parse_parameter(parser);
    default:
        parse_error(parser, NULL);
        return NULL;
    }
}

// ---- what follows an operand ---------------------------------------------------------------

static Expr *parse_index(Parser *parser, size_t first, Expr *base)
{
    parser->at++;
    Expr *index = parse_expr(parser);
    if (index == NULL || !parse_expect(parser, TOKEN_RIGHT_BRACKET, "']'")) {
        return NULL;
    }
    Expr *expr = with_argument(parser, make(parser, EXPR_INDEX, first), base);
    return with_argument(parser, expr, index);
}

static Expr *parse_colon_cast(Parser *parser, size_t first, Expr *base)
{
    parser->at++;
    const Type *type = parse_type(parser);
    if (type == NULL) {
        return NULL;
    }
    Expr *expr = make(parser, EXPR_CAST, first);
    expr->type = type;
    expr->is_colon = true;
    return with_argument(parser, expr, base);
}

static Expr *parse_collate(Parser *parser, size_t first, Expr *base)
{
    parser->at++;
    size_t name_first = parser->at;
    Name name;
    if (!parse_name(parser, "a collation after COLLATE", &name)) {
        return NULL;
    }
    Expr *collation = make(parser, EXPR_STRING, name_first);
    collation->text = joined_name(parser, &name);
    Expr *expr = make(parser, EXPR_CALL, first);
    expr->text = slice_of("collate");
    return with_argument(parser, with_argument(parser, expr, base), collation);
}

static Expr *parse_field(Parser *parser, size_t first, Expr *base)
{
    parser->at++;
    Slice field;
    if (parse_is(parser, TOKEN_STAR)) {
        parse_refuse(parser, parse_span(parser, first), "'.*' after an expression",
                     "name the struct in a subquery, then write name.*");
        return NULL;
    }
    if (!parse_identifier(parser, "a field's name after '.'", &field)) {
        return NULL;
    }
    return make_field(parser, first, base, field);
}

static bool is_collate(Parser *parser)
{
    return parse_is_word(parser, "COLLATE") && !parse_is_word_at(parser, 1, "FROM") &&
           (parse_is_at(parser, 1, TOKEN_WORD) || parse_is_at(parser, 1, TOKEN_QUOTED));
}

Expr *parse_primary(Parser *parser)
{
    size_t first = parser->at;
    if (!parse_enter(parser)) {
        return NULL;
    }
    Expr *expr = parse_atom(parser);
    while (expr != NULL) {
        if (parse_is(parser, TOKEN_DOT)) {
            expr = parse_field(parser, first, expr);
        } else if (parse_is(parser, TOKEN_LEFT_BRACKET)) {
            expr = parse_index(parser, first, expr);
        } else if (parse_is(parser, TOKEN_CAST)) {
            expr = parse_colon_cast(parser, first, expr);
        } else if (is_collate(parser)) {
            expr = parse_collate(parser, first, expr);
        } else if (parse_is(parser, TOKEN_COLON)) {
            parse_refuse(parser, parse_pos(parser, parse_token(parser)), "extraction with ':'",
                         "use get_json_object(column, '$.field')");
            expr = NULL;
        } else {
            break;
        }
    }
    parse_leave(parser);
    return expr;
}
