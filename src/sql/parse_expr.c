// Operators by precedence climbing. From loose to tight:
//
//     OR  AND  NOT  predicates  = <=> <> < <= > >=  |  ^  &  << >> >>>  + - ||  * / % DIV  - + ~
//
// Predicates (BETWEEN, IN, LIKE, IS) follow a comparison and do not chain, as in Spark.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

typedef struct Operator {
    TokenKind kind;
    Op op;
    int level; // a higher one binds tighter
} Operator;

enum {
    LEVEL_COMPARISON = 1,
    LEVEL_OR,
    LEVEL_XOR,
    LEVEL_AND,
    LEVEL_SHIFT,
    LEVEL_SUM,
    LEVEL_PRODUCT,
};

static const Operator operators[] = {
    {TOKEN_EQ, OP_EQ, LEVEL_COMPARISON},
    {TOKEN_NULL_SAFE_EQ, OP_NULL_SAFE_EQ, LEVEL_COMPARISON},
    {TOKEN_NE, OP_NE, LEVEL_COMPARISON},
    {TOKEN_LT, OP_LT, LEVEL_COMPARISON},
    {TOKEN_LE, OP_LE, LEVEL_COMPARISON},
    {TOKEN_GT, OP_GT, LEVEL_COMPARISON},
    {TOKEN_GE, OP_GE, LEVEL_COMPARISON},
    {TOKEN_PIPE, OP_BIT_OR, LEVEL_OR},
    {TOKEN_CARET, OP_BIT_XOR, LEVEL_XOR},
    {TOKEN_AMPERSAND, OP_BIT_AND, LEVEL_AND},
    {TOKEN_SHIFT_LEFT, OP_SHIFT_LEFT, LEVEL_SHIFT},
    {TOKEN_PLUS, OP_ADD, LEVEL_SUM},
    {TOKEN_MINUS, OP_SUB, LEVEL_SUM},
    {TOKEN_CONCAT, OP_CONCAT, LEVEL_SUM},
    {TOKEN_STAR, OP_MUL, LEVEL_PRODUCT},
    {TOKEN_SLASH, OP_DIV, LEVEL_PRODUCT},
    {TOKEN_PERCENT, OP_MOD, LEVEL_PRODUCT},
};

// ">>" and ">>>" are touching '>' tokens: how many there are.
static size_t count_touching(const Parser *parser)
{
    size_t count = 1;
    while (count < 3 && parse_is_at(parser, count, TOKEN_GT) &&
           parse_token_at(parser, count)->start == parse_token_at(parser, count - 1)->end) {
        count++;
    }
    return count;
}

// The binary operator at the current token; *size tokens long.
static bool find_operator(Parser *parser, Operator *found, size_t *size)
{
    *size = 1;
    TokenKind kind = parse_token(parser)->kind;
    if (kind == TOKEN_GT && (*size = count_touching(parser)) > 1) {
        *found = (Operator){kind, OP_SHIFT_RIGHT, LEVEL_SHIFT};
        return true;
    }
    if (kind == TOKEN_WORD) {
        // `SELECT a div FROM t` has an alias, not an operator
        if (parse_is_word_at(parser, 0, "DIV") && !parse_is_word_at(parser, 1, "FROM") &&
            !parse_is_at(parser, 1, TOKEN_COMMA)) {
            *found = (Operator){kind, OP_INT_DIV, LEVEL_PRODUCT};
            return true;
        }
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (operators[i].kind == kind) {
            *found = operators[i];
            return true;
        }
    }
    return false;
}

static Expr *add_argument(Parser *parser, Expr *expr, Expr *argument)
{
    ARENA_PUSH(parser->arena, expr->arguments.items, expr->arguments.count,
               expr->arguments.capacity, argument);
    return expr;
}

static Expr *make_binary(Parser *parser, size_t first, Op op, Expr *left, Expr *right)
{
    Expr *expr = ast_expr(parser->arena, EXPR_BINARY, parse_span(parser, first));
    expr->op = op;
    add_argument(parser, expr, left);
    return add_argument(parser, expr, right);
}

static Expr *make_unary(Parser *parser, size_t first, Op op, Expr *operand)
{
    Expr *expr = ast_expr(parser->arena, EXPR_UNARY, parse_span(parser, first));
    expr->op = op;
    return add_argument(parser, expr, operand);
}

static Expr *parse_unary(Parser *parser)
{
    size_t first = parser->at;
    Op op = parse_is(parser, TOKEN_MINUS)   ? OP_NEGATE
            : parse_is(parser, TOKEN_PLUS)  ? OP_PLUS
            : parse_is(parser, TOKEN_TILDE) ? OP_BIT_NOT
                                            : OP_NONE;
    if (op == OP_NONE || (op == OP_NEGATE && parse_is_at(parser, 1, TOKEN_NUMBER))) {
        return parse_primary(parser);
    }
    if (!parse_enter(parser)) {
        return NULL;
    }
    parser->at++;
    Expr *operand = parse_unary(parser);
    parse_leave(parser);
    return operand == NULL ? NULL : make_unary(parser, first, op, operand);
}

static Expr *parse_binary(Parser *parser, int level)
{
    size_t first = parser->at;
    Expr *left = parse_unary(parser);
    Operator found;
    size_t size;
    while (left != NULL && find_operator(parser, &found, &size) && found.level >= level) {
        parser->at += size;
        Expr *right = parse_binary(parser, found.level + 1);
        if (right == NULL) {
            return NULL;
        }
        left = make_binary(parser, first, found.op, left, right);
        if (found.op == OP_SHIFT_RIGHT && size == 3) {
            left->kind = EXPR_CALL;
            left->op = OP_NONE;
            left->text = slice_of("shiftrightunsigned");
        }
    }
    return left;
}

Expr *parse_operand(Parser *parser)
{
    return parse_binary(parser, LEVEL_COMPARISON);
}

bool parse_exprs(Parser *parser, ExprList *list)
{
    do {
        Expr *expr = parse_expr(parser);
        if (expr == NULL) {
            return false;
        }
        ARENA_PUSH(parser->arena, list->items, list->count, list->capacity, expr);
    } while (parse_accept(parser, TOKEN_COMMA));
    return true;
}

// ---- predicates ----------------------------------------------------------------------------

static Expr *finish(Parser *parser, size_t first, Expr *expr)
{
    expr->pos = parse_span(parser, first);
    return expr;
}

static Expr *parse_between(Parser *parser, size_t first, Expr *expr)
{
    for (int bound = 0; bound < 2; bound++) {
        if (bound == 1 && !parse_expect_word(parser, "AND")) {
            return NULL;
        }
        Expr *operand = parse_operand(parser);
        if (operand == NULL) {
            return NULL;
        }
        add_argument(parser, expr, operand);
    }
    return finish(parser, first, expr);
}

static Expr *parse_in(Parser *parser, size_t first, Expr *expr)
{
    size_t open = parser->at;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "'(' after IN")) {
        return NULL;
    }
    if (parse_is_query(parser, 0)) {
        expr->query = parse_query(parser);
        if (expr->query == NULL) {
            return NULL;
        }
    } else if (!parse_exprs(parser, &expr->arguments)) {
        return NULL;
    }
    return parse_expect_close(parser, open) ? finish(parser, first, expr) : NULL;
}

// LIKE ANY (a, b) is (x LIKE a OR x LIKE b); LIKE ALL joins with AND. NOT belongs to each part.
static Expr *parse_like_list(Parser *parser, size_t first, const Expr *like, bool all)
{
    size_t open = parser->at;
    ExprList patterns = {0};
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "'(' after ANY or ALL") ||
        !parse_exprs(parser, &patterns) || !parse_expect_close(parser, open)) {
        return NULL;
    }
    Expr *result = NULL;
    for (size_t i = 0; i < patterns.count; i++) {
        Expr *part = ast_expr(parser->arena, EXPR_LIKE, parse_span(parser, first));
        part->op = like->op;
        part->negated = like->negated;
        add_argument(parser, part, like->arguments.items[0]);
        add_argument(parser, part, patterns.items[i]);
        result =
            result == NULL ? part : make_binary(parser, first, all ? OP_AND : OP_OR, result, part);
    }
    return result;
}

static Expr *parse_like(Parser *parser, size_t first, Expr *expr)
{
    if (expr->op != OP_RLIKE && parse_is_at(parser, 1, TOKEN_LEFT_PAREN)) {
        bool all = parse_is_word(parser, "ALL");
        if (all || parse_is_word(parser, "ANY") || parse_is_word(parser, "SOME")) {
            parser->at++;
            return parse_like_list(parser, first, expr, all);
        }
    }
    Expr *pattern = parse_operand(parser);
    if (pattern == NULL) {
        return NULL;
    }
    add_argument(parser, expr, pattern);
    if (expr->op != OP_RLIKE && parse_accept_word(parser, "ESCAPE")) {
        size_t at = parser->at;
        Expr *escape = ast_expr(parser->arena, EXPR_STRING, parse_pos(parser, parse_token(parser)));
        if (!parse_string(parser, &escape->text)) {
            return NULL;
        }
        if (escape->text.size != 1) {
            diagnose(parser->diagnostics, parse_span(parser, at), "INVALID_ESCAPE_CHAR", NULL,
                     "ESCAPE takes one character");
            return NULL;
        }
        add_argument(parser, expr, escape);
    }
    return finish(parser, first, expr);
}

static Expr *parse_is_predicate(Parser *parser, size_t first, Expr *expr)
{
    expr->negated = parse_accept_word(parser, "NOT");
    if (parse_accept_word(parser, "NULL")) {
        expr->op = OP_IS_NULL;
    } else if (parse_accept_word(parser, "TRUE")) {
        expr->op = OP_IS_TRUE;
    } else if (parse_accept_word(parser, "FALSE")) {
        expr->op = OP_IS_FALSE;
    } else if (parse_accept_word(parser, "UNKNOWN")) {
        expr->op = OP_IS_UNKNOWN;
    } else if (parse_accept_word(parser, "DISTINCT")) {
        expr->op = OP_IS_DISTINCT;
        if (!parse_expect_word(parser, "FROM")) {
            return NULL;
        }
        Expr *right = parse_operand(parser);
        if (right == NULL) {
            return NULL;
        }
        add_argument(parser, expr, right);
    } else {
        parse_error(parser, "NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM after IS");
        return NULL;
    }
    return finish(parser, first, expr);
}

static bool starts_like(Parser *parser, Op *op)
{
    if (parse_accept_word(parser, "LIKE")) {
        *op = OP_LIKE;
    } else if (parse_accept_word(parser, "ILIKE")) {
        *op = OP_ILIKE;
    } else if (parse_accept_word(parser, "RLIKE") || parse_accept_word(parser, "REGEXP")) {
        *op = OP_RLIKE;
    } else {
        return false;
    }
    return true;
}

static Expr *parse_predicate(Parser *parser)
{
    static const char *const negatable[] = {"BETWEEN", "IN",     "LIKE", "ILIKE",
                                            "RLIKE",   "REGEXP", NULL};
    size_t first = parser->at;
    Expr *value = parse_operand(parser);
    if (value == NULL || !parse_is(parser, TOKEN_WORD)) {
        return value;
    }
    bool negated = parse_is_word(parser, "NOT") && parse_is_one_of(parser, 1, negatable);
    if (parse_is_one_of(parser, 0, negatable) && parse_is_at(parser, 1, TOKEN_COMMA)) {
        return value; // an alias: SELECT a like, b
    }
    parser->at += negated ? 1 : 0;
    Expr *expr = ast_expr(parser->arena, EXPR_IS, value->pos);
    expr->negated = negated;
    add_argument(parser, expr, value);
    if (parse_accept_word(parser, "BETWEEN")) {
        expr->kind = EXPR_BETWEEN;
        return parse_between(parser, first, expr);
    }
    if (parse_accept_word(parser, "IN")) {
        expr->kind = EXPR_IN;
        return parse_in(parser, first, expr);
    }
    if (starts_like(parser, &expr->op)) {
        expr->kind = EXPR_LIKE;
        return parse_like(parser, first, expr);
    }
    if (parse_accept_word(parser, "IS")) {
        return parse_is_predicate(parser, first, expr);
    }
    return value;
}

// ---- NOT, AND, OR --------------------------------------------------------------------------

static Expr *parse_exists(Parser *parser)
{
    size_t first = parser->at;
    parser->at += 2;
    Query *query = parse_query(parser);
    if (query == NULL || !parse_expect_close(parser, first + 1)) {
        return NULL;
    }
    Expr *expr = ast_expr(parser->arena, EXPR_EXISTS, parse_span(parser, first));
    expr->query = query;
    return expr;
}

static Expr *parse_not(Parser *parser)
{
    size_t first = parser->at;
    if (parse_is_word(parser, "EXISTS") && parse_is_at(parser, 1, TOKEN_LEFT_PAREN) &&
        parse_is_query(parser, 2)) {
        return parse_exists(parser);
    }
    if (!parse_accept_word(parser, "NOT") && !parse_accept(parser, TOKEN_BANG)) {
        return parse_predicate(parser);
    }
    if (!parse_enter(parser)) {
        return NULL;
    }
    Expr *operand = parse_not(parser);
    parse_leave(parser);
    if (operand == NULL) {
        return NULL;
    }
    if (operand->kind == EXPR_EXISTS && !operand->negated) {
        operand->negated = true;
        return finish(parser, first, operand);
    }
    return make_unary(parser, first, OP_NOT, operand);
}

static Expr *parse_and(Parser *parser)
{
    size_t first = parser->at;
    Expr *left = parse_not(parser);
    while (left != NULL && parse_accept_word(parser, "AND")) {
        Expr *right = parse_not(parser);
        left = right == NULL ? NULL : make_binary(parser, first, OP_AND, left, right);
    }
    return left;
}

Expr *parse_expr(Parser *parser)
{
    if (!parse_enter(parser)) {
        return NULL;
    }
    size_t first = parser->at;
    Expr *left = parse_and(parser);
    while (left != NULL && parse_accept_word(parser, "OR")) {
        Expr *right = parse_and(parser);
        left = right == NULL ? NULL : make_binary(parser, first, OP_OR, left, right);
    }
    parse_leave(parser);
    return left;
}

bool parse_sort_items(Parser *parser, SortList *list)
{
    do {
        SortItem item = {.expr = parse_expr(parser)};
        if (item.expr == NULL) {
            return false;
        }
        if (!parse_accept_word(parser, "ASC")) {
            item.descending = parse_accept_word(parser, "DESC");
        }
        if (parse_accept_words(parser, "NULLS", "FIRST")) {
            item.nulls = -1;
        } else if (parse_accept_words(parser, "NULLS", "LAST")) {
            item.nulls = 1;
        }
        ARENA_PUSH(parser->arena, list->items, list->count, list->capacity, item);
    } while (parse_accept(parser, TOKEN_COMMA));
    return true;
}
