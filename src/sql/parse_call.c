// Function calls, the calls whose arguments are separated by keywords, and window specifications.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

#include <strings.h>

static Expr *make_call(Parser *parser, size_t first, const char *function)
{
    Expr *expr = ast_expr(parser->arena, EXPR_CALL, parse_span(parser, first));
    expr->text = slice_of(function);
    return expr;
}

static void add_argument(Parser *parser, Expr *expr, Expr *argument)
{
    ARENA_PUSH(parser->arena, expr->arguments.items, expr->arguments.count,
               expr->arguments.capacity, argument);
}

static bool parse_named_argument(Parser *parser, NamedArguments *named)
{
    size_t first = parser->at;
    NamedArgument argument = {0};
    if (!parse_identifier(parser, "an argument's name", &argument.name)) {
        return false;
    }
    parser->at++; // =>
    argument.value = parse_expr(parser);
    if (argument.value == NULL) {
        return false;
    }
    argument.pos = parse_span(parser, first);
    for (size_t i = 0; i < named->count; i++) {
        Slice other = named->items[i].name;
        if (other.size == argument.name.size &&
            strncasecmp(other.data, argument.name.data, other.size) == 0) {
            return diagnose(
                parser->diagnostics, argument.pos,
                "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE", NULL,
                "the argument '%.*s' is given twice", SLICE_ARG(other));
        }
    }
    ARENA_PUSH(parser->arena, named->items, named->count, named->capacity, argument);
    return true;
}

bool parse_arguments(Parser *parser, ExprList *arguments, NamedArguments *named)
{
    if (parse_is(parser, TOKEN_RIGHT_PAREN)) {
        return true;
    }
    do {
        if (parse_is_name(parser) && parse_is_at(parser, 1, TOKEN_FAT_ARROW)) {
            if (!parse_named_argument(parser, named)) {
                return false;
            }
            continue;
        }
        Pos pos = parse_pos(parser, parse_token(parser));
        Expr *argument = parse_expr(parser);
        if (argument == NULL) {
            return false;
        }
        if (named->count > 0) {
            return diagnose(parser->diagnostics, pos, "UNEXPECTED_POSITIONAL_ARGUMENT",
                            "put it before the named ones",
                            "an argument without a name follows named ones");
        }
        ARENA_PUSH(parser->arena, arguments->items, arguments->count, arguments->capacity,
                   argument);
    } while (parse_accept(parser, TOKEN_COMMA));
    return true;
}

// ---- windows -------------------------------------------------------------------------------

static bool parse_frame_bound(Parser *parser, FrameBound *bound, Expr **offset)
{
    if (parse_accept_word(parser, "UNBOUNDED")) {
        bool preceding = parse_accept_word(parser, "PRECEDING");
        *bound = preceding ? FRAME_UNBOUNDED_PRECEDING : FRAME_UNBOUNDED_FOLLOWING;
        return preceding || parse_expect_word(parser, "FOLLOWING");
    }
    if (parse_accept_words(parser, "CURRENT", "ROW")) {
        *bound = FRAME_CURRENT;
        return true;
    }
    *offset = parse_expr(parser);
    if (*offset == NULL) {
        return false;
    }
    bool preceding = parse_accept_word(parser, "PRECEDING");
    *bound = preceding ? FRAME_PRECEDING : FRAME_FOLLOWING;
    return preceding || parse_expect_word(parser, "FOLLOWING");
}

static bool parse_frame(Parser *parser, WindowSpec *window)
{
    window->frame_is_rows = parse_is_word(parser, "ROWS");
    if (!window->frame_is_rows && !parse_is_word(parser, "RANGE")) {
        return true;
    }
    parser->at++;
    window->has_frame = true;
    window->end = FRAME_CURRENT;
    if (!parse_accept_word(parser, "BETWEEN")) {
        return parse_frame_bound(parser, &window->start, &window->start_offset);
    }
    return parse_frame_bound(parser, &window->start, &window->start_offset) &&
           parse_expect_word(parser, "AND") &&
           parse_frame_bound(parser, &window->end, &window->end_offset);
}

static bool parse_window_body(Parser *parser, WindowSpec *window)
{
    if (parse_accept_words(parser, "PARTITION", "BY") ||
        parse_accept_words(parser, "DISTRIBUTE", "BY") ||
        parse_accept_words(parser, "CLUSTER", "BY")) {
        if (!parse_exprs(parser, &window->partition_by)) {
            return false;
        }
    }
    if (parse_accept_words(parser, "ORDER", "BY") || parse_accept_words(parser, "SORT", "BY")) {
        if (!parse_sort_items(parser, &window->order_by)) {
            return false;
        }
    }
    return parse_frame(parser, window);
}

WindowSpec *parse_window(Parser *parser)
{
    WindowSpec *window = ARENA_NEW(parser->arena, WindowSpec);
    size_t open = parser->at;
    if (!parse_accept(parser, TOKEN_LEFT_PAREN)) {
        return parse_identifier(parser, "'(' or a window's name", &window->name) ? window : NULL;
    }
    if (parse_is_name(parser) && parse_is_at(parser, 1, TOKEN_RIGHT_PAREN)) {
        if (!parse_identifier(parser, "a window's name", &window->name)) {
            return NULL;
        }
    } else if (!parse_window_body(parser, window)) {
        return NULL;
    }
    return parse_expect_close(parser, open) ? window : NULL;
}

// ---- calls ---------------------------------------------------------------------------------

static bool parse_within_group(Parser *parser, Expr *expr)
{
    size_t open = parser->at;
    return parse_expect(parser, TOKEN_LEFT_PAREN, "'(' after WITHIN GROUP") &&
           parse_expect_word(parser, "ORDER") && parse_expect_word(parser, "BY") &&
           parse_sort_items(parser, &expr->within_group) && parse_expect_close(parser, open);
}

static bool parse_filter(Parser *parser, Expr *expr)
{
    size_t open = parser->at + 1;
    parser->at += 2;
    if (!parse_expect_word(parser, "WHERE")) {
        return false;
    }
    expr->filter = parse_expr(parser);
    return expr->filter != NULL && parse_expect_close(parser, open);
}

static void accept_nulls(Parser *parser, Expr *expr)
{
    if (parse_accept_words(parser, "IGNORE", "NULLS")) {
        expr->ignore_nulls = true;
    } else {
        parse_accept_words(parser, "RESPECT", "NULLS");
    }
}

// OVER is also a fine alias: `SELECT count(*) over FROM t`.
static bool is_over(Parser *parser)
{
    return parse_is_word(parser, "OVER") && !parse_is_word_at(parser, 1, "FROM") &&
           (parse_is_at(parser, 1, TOKEN_LEFT_PAREN) || parse_is_at(parser, 1, TOKEN_WORD) ||
            parse_is_at(parser, 1, TOKEN_QUOTED));
}

static bool parse_call_tail(Parser *parser, Expr *expr)
{
    if (parse_accept_words(parser, "WITHIN", "GROUP") && !parse_within_group(parser, expr)) {
        return false;
    }
    if (parse_is_word(parser, "FILTER") && parse_is_at(parser, 1, TOKEN_LEFT_PAREN) &&
        !parse_filter(parser, expr)) {
        return false;
    }
    accept_nulls(parser, expr);
    if (is_over(parser)) {
        parser->at++;
        expr->over = parse_window(parser);
        return expr->over != NULL;
    }
    return true;
}

// DISTINCT or ALL before the first argument; `all` may also be a column.
static void accept_quantifier(Parser *parser, Expr *expr)
{
    bool last = parse_is_at(parser, 1, TOKEN_COMMA) || parse_is_at(parser, 1, TOKEN_RIGHT_PAREN);
    if (!last && parse_accept_word(parser, "DISTINCT")) {
        expr->distinct = true;
    } else if (!last && !parse_is_at(parser, 1, TOKEN_DOT)) {
        parse_accept_word(parser, "ALL");
    }
}

Expr *parse_call(Parser *parser, size_t first, Slice function)
{
    size_t open = parser->at++;
    Expr *expr = ast_expr(parser->arena, EXPR_CALL, (Pos){0});
    expr->text = function;
    accept_quantifier(parser, expr);
    if (!parse_arguments(parser, &expr->arguments, &expr->named)) {
        return NULL;
    }
    if (parse_accept_words(parser, "ORDER", "BY") &&
        !parse_sort_items(parser, &expr->within_group)) {
        return NULL;
    }
    accept_nulls(parser, expr);
    if (!parse_expect_close(parser, open)) {
        return NULL;
    }
    expr->pos = parse_span(parser, first);
    return parse_call_tail(parser, expr) ? expr : NULL;
}

// ---- calls with keywords -------------------------------------------------------------------

// True when `word` stands inside the parentheses that open at `ahead`, before any comma.
static bool separates(const Parser *parser, size_t ahead, const char *word)
{
    int depth = 0;
    for (size_t i = ahead + 1;; i++) {
        switch (parse_token_at(parser, i)->kind) {
        case TOKEN_LEFT_PAREN:
        case TOKEN_LEFT_BRACKET:
            depth++;
            break;
        case TOKEN_RIGHT_PAREN:
        case TOKEN_RIGHT_BRACKET:
            if (depth-- == 0) {
                return false;
            }
            break;
        case TOKEN_COMMA:
            if (depth == 0) {
                return false;
            }
            break;
        case TOKEN_END:
        case TOKEN_ERROR:
        case TOKEN_SEMICOLON:
            return false;
        default:
            if (depth == 0 && parse_is_word_at(parser, i, word)) {
                return true;
            }
            break;
        }
    }
}

static const struct SpecialCall {
    const char *word;
    const char *function;
    const char *separators[4]; // those after the first may be left out from the end
    size_t required;
} special_calls[] = {
    {"SUBSTRING", "substring", {"FROM", "FOR"}, 1},
    {"SUBSTR", "substr", {"FROM", "FOR"}, 1},
    {"OVERLAY", "overlay", {"PLACING", "FROM", "FOR"}, 2},
    {"POSITION", "position", {"IN"}, 1},
};

static const struct SpecialCall *find_special(const Parser *parser)
{
    for (size_t i = 0; i < ARRAY_LEN(special_calls); i++) {
        if (parse_is_word_at(parser, 0, special_calls[i].word)) {
            return separates(parser, 1, special_calls[i].separators[0]) ? &special_calls[i] : NULL;
        }
    }
    return NULL;
}

bool parse_is_special_call(const Parser *parser)
{
    static const char *const words[] = {"CAST",   "TRY_CAST",   "EXTRACT",
                                        "STRUCT", "IDENTIFIER", NULL};
    return parse_is_one_of(parser, 0, words) || find_special(parser) != NULL ||
           (parse_is_word_at(parser, 0, "TRIM") && separates(parser, 1, "FROM"));
}

static Expr *parse_separated(Parser *parser, const struct SpecialCall *call)
{
    size_t first = parser->at;
    parser->at += 2;
    Expr *expr = make_call(parser, first, call->function);
    for (size_t i = 0;; i++) {
        Expr *argument = parse_operand(parser);
        if (argument == NULL) {
            return NULL;
        }
        add_argument(parser, expr, argument);
        if (call->separators[i] == NULL) {
            break;
        }
        if (!parse_accept_word(parser, call->separators[i])) {
            if (i < call->required) {
                parse_error(parser, call->separators[i]);
                return NULL;
            }
            break;
        }
    }
    if (!parse_expect_close(parser, first + 1)) {
        return NULL;
    }
    expr->pos = parse_span(parser, first);
    return expr;
}

// TRIM([BOTH | LEADING | TRAILING] [c] FROM x)
static Expr *parse_trim(Parser *parser)
{
    size_t first = parser->at;
    parser->at += 2;
    Expr *expr = make_call(parser, first, "trim");
    if (parse_accept_word(parser, "LEADING")) {
        expr->text = slice_of("ltrim");
    } else if (parse_accept_word(parser, "TRAILING")) {
        expr->text = slice_of("rtrim");
    } else {
        parse_accept_word(parser, "BOTH");
    }
    for (int i = 0; i < 2; i++) {
        if (i == 0 && parse_accept_word(parser, "FROM")) {
            continue;
        }
        Expr *argument = parse_operand(parser);
        if (argument == NULL || (i == 0 && !parse_expect_word(parser, "FROM"))) {
            return NULL;
        }
        add_argument(parser, expr, argument);
    }
    if (!parse_expect_close(parser, first + 1)) {
        return NULL;
    }
    expr->pos = parse_span(parser, first);
    return expr;
}

static Expr *parse_cast(Parser *parser)
{
    size_t first = parser->at;
    bool is_try = parse_is_word_at(parser, 0, "TRY_CAST");
    parser->at += 2;
    Expr *value = parse_expr(parser);
    if (value == NULL || !parse_expect_word(parser, "AS")) {
        return NULL;
    }
    const Type *type = parse_type(parser);
    if (type == NULL || !parse_expect_close(parser, first + 1)) {
        return NULL;
    }
    Expr *expr = ast_expr(parser->arena, EXPR_CAST, parse_span(parser, first));
    expr->type = type;
    expr->is_try = is_try;
    add_argument(parser, expr, value);
    return expr;
}

static Expr *parse_extract(Parser *parser)
{
    size_t first = parser->at;
    parser->at += 2;
    Slice field;
    bool ok = parse_is(parser, TOKEN_STRING) ? parse_string(parser, &field)
                                             : parse_identifier(parser, "a field", &field);
    if (!ok || !parse_expect_word(parser, "FROM")) {
        return NULL;
    }
    Expr *value = parse_operand(parser);
    if (value == NULL || !parse_expect_close(parser, first + 1)) {
        return NULL;
    }
    Expr *expr = ast_expr(parser->arena, EXPR_EXTRACT, parse_span(parser, first));
    expr->text = field;
    add_argument(parser, expr, value);
    return expr;
}

// The name of a struct's field that has no alias: the column's own, or col1, col2, ...
static Slice field_name(Parser *parser, const Expr *value, size_t index)
{
    if (value->kind == EXPR_COLUMN) {
        return value->name.parts[value->name.count - 1];
    }
    if (value->kind == EXPR_FIELD) {
        return value->text;
    }
    return slice_of(arena_printf(parser->arena, "col%zu", index + 1));
}

Expr *parse_named_struct(Parser *parser, Pos pos, const ExprList *values, const Slice *aliases)
{
    Expr *expr = ast_expr(parser->arena, EXPR_CALL, pos);
    expr->text = slice_of("named_struct");
    for (size_t i = 0; i < values->count; i++) {
        Expr *value = values->items[i];
        if (value->kind == EXPR_STAR) {
            parse_refuse(parser, value->pos, "'*' beside AS in a struct", "name the columns");
            return NULL;
        }
        Expr *name = ast_expr(parser->arena, EXPR_STRING, value->pos);
        name->text = aliases[i].size > 0 ? aliases[i] : field_name(parser, value, i);
        add_argument(parser, expr, name);
        add_argument(parser, expr, value);
    }
    return expr;
}

// struct(a, 1 AS b): a plain call, or named_struct where there are aliases.
static Expr *parse_struct(Parser *parser)
{
    static const char *const no_stops[] = {"FROM", "FILTER", NULL};
    size_t first = parser->at;
    Slice function = parse_text(parser, parse_token(parser));
    parser->at += 2;
    ExprList values = {0};
    Slice *aliases = NULL;
    size_t alias_count = 0;
    size_t alias_capacity = 0;
    bool named = false;
    while (!parse_is(parser, TOKEN_RIGHT_PAREN)) {
        Slice alias = {0};
        Expr *value = parse_expr(parser);
        if (value == NULL || !parse_alias(parser, no_stops, &alias)) {
            return NULL;
        }
        named = named || alias.size > 0;
        ARENA_PUSH(parser->arena, values.items, values.count, values.capacity, value);
        ARENA_PUSH(parser->arena, aliases, alias_count, alias_capacity, alias);
        if (!parse_accept(parser, TOKEN_COMMA)) {
            break;
        }
    }
    if (!parse_expect_close(parser, first + 1)) {
        return NULL;
    }
    if (named) {
        return parse_named_struct(parser, parse_span(parser, first), &values, aliases);
    }
    Expr *expr = ast_expr(parser->arena, EXPR_CALL, parse_span(parser, first));
    expr->text = function;
    expr->arguments = values;
    return parse_call_tail(parser, expr) ? expr : NULL;
}

static Expr *parse_identifier_clause(Parser *parser)
{
    size_t first = parser->at;
    Name name;
    if (!parse_identifier_name(parser, &name)) {
        return NULL;
    }
    if (parse_is(parser, TOKEN_LEFT_PAREN)) {
        return parse_call(parser, first, name.parts[name.count - 1]);
    }
    Expr *expr = ast_expr(parser->arena, EXPR_COLUMN, parse_span(parser, first));
    expr->name = name;
    return expr;
}

bool parse_identifier_name(Parser *parser, Name *name)
{
    size_t first = parser->at;
    parser->at += 2;
    if (!parse_is(parser, TOKEN_STRING)) {
        return parse_refuse(parser, parse_span(parser, first),
                            "IDENTIFIER of anything but a string literal", NULL);
    }
    size_t string_at = parser->at;
    Slice text;
    if (!parse_string(parser, &text) || !parse_expect_close(parser, first + 1)) {
        return false;
    }
    Name result = {.pos = parse_span(parser, first)};
    size_t start = 0;
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && text.data[i] != '.') {
            continue;
        }
        Slice part = {text.data + start, i - start};
        if (part.size == 0 || result.count == ARRAY_LEN(result.parts) ||
            memchr(part.data, '`', part.size) != NULL) {
            return diagnose(parser->diagnostics,
                            parse_pos(parser, &parser->tokens.items[string_at]),
                            "PARSE_SYNTAX_ERROR", NULL, "'%.*s' is not a name", SLICE_ARG(text));
        }
        result.parts[result.count++] = part;
        start = i + 1;
    }
    *name = result;
    return true;
}

Expr *parse_special_call(Parser *parser)
{
    if (parse_is_word_at(parser, 0, "CAST") || parse_is_word_at(parser, 0, "TRY_CAST")) {
        return parse_cast(parser);
    }
    if (parse_is_word_at(parser, 0, "EXTRACT")) {
        return parse_extract(parser);
    }
    if (parse_is_word_at(parser, 0, "STRUCT")) {
        return parse_struct(parser);
    }
    if (parse_is_word_at(parser, 0, "IDENTIFIER")) {
        return parse_identifier_clause(parser);
    }
    if (parse_is_word_at(parser, 0, "TRIM")) {
        return parse_trim(parser);
    }
    return parse_separated(parser, find_special(parser));
}
