// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_internal.h"

#include <strings.h>

// ---- tokens --------------------------------------------------------------------------------

const Token *parse_token(const Parser *parser)
{
    return parse_token_at(parser, 0);
}

const Token *parse_token_at(const Parser *parser, size_t ahead)
{
    size_t at = parser->at + ahead;
    return &parser->tokens.items[at < parser->tokens.count ? at : parser->tokens.count - 1];
}

Slice parse_text(const Parser *parser, const Token *token)
{
    return (Slice){parser->text.data + token->start, token->end - token->start};
}

Pos parse_pos(const Parser *parser, const Token *token)
{
    return (Pos){parser->source, token->start, token->end};
}

Pos parse_span(const Parser *parser, size_t first)
{
    Pos pos = parse_pos(parser, &parser->tokens.items[first]);
    if (parser->at > first) {
        pos.end = parser->tokens.items[parser->at - 1].end;
    }
    return pos;
}

bool parse_enter(Parser *parser)
{
    if (parser->depth >= PARSE_MAX_DEPTH) {
        return diagnose(parser->diagnostics, parse_pos(parser, parse_token(parser)),
                        "FAILED_TO_PARSE_TOO_COMPLEX", "split the query with WITH or a view",
                        "the SQL is nested more than %d levels deep here", PARSE_MAX_DEPTH);
    }
    parser->depth++;
    return true;
}

void parse_leave(Parser *parser)
{
    parser->depth--;
}

bool parse_is(const Parser *parser, TokenKind kind)
{
    return parse_token(parser)->kind == kind;
}

bool parse_is_at(const Parser *parser, size_t ahead, TokenKind kind)
{
    return parse_token_at(parser, ahead)->kind == kind;
}

bool parse_accept(Parser *parser, TokenKind kind)
{
    if (!parse_is(parser, kind)) {
        return false;
    }
    parser->at++;
    return true;
}

bool parse_expect(Parser *parser, TokenKind kind, const char *what)
{
    return parse_accept(parser, kind) || parse_error(parser, what);
}

bool parse_expect_close(Parser *parser, size_t open)
{
    if (parse_accept(parser, TOKEN_RIGHT_PAREN)) {
        return true;
    }
    if (parse_is(parser, TOKEN_END) || parse_is(parser, TOKEN_SEMICOLON)) {
        return diagnose(parser->diagnostics, parse_pos(parser, &parser->tokens.items[open]),
                        "PARSE_SYNTAX_ERROR", "add the missing ')'",
                        "syntax error: this '(' is never closed");
    }
    return parse_error(parser, "')'");
}

static bool token_is_word(const Parser *parser, const Token *token, const char *word, size_t size)
{
    return token->kind == TOKEN_WORD && token->end - token->start == size &&
           strncasecmp(parser->text.data + token->start, word, size) == 0;
}

bool parse_is_word_at(const Parser *parser, size_t ahead, const char *word)
{
    return token_is_word(parser, parse_token_at(parser, ahead), word, strlen(word));
}

bool parse_is_word(Parser *parser, const char *word)
{
    if (parser->expected_at != parser->at) {
        parser->expected_at = parser->at;
        parser->expected_count = 0;
    }
    if (parser->expected_count < PARSE_MAX_EXPECTED) {
        parser->expected[parser->expected_count++] = word;
    }
    return parse_is_word_at(parser, 0, word);
}

bool parse_is_words(Parser *parser, const char *first, const char *second)
{
    return parse_is_word(parser, first) && parse_is_word_at(parser, 1, second);
}

bool parse_is_one_of(const Parser *parser, size_t ahead, const char *const *words)
{
    for (; *words != NULL; words++) {
        const char *space = strchr(*words, ' ');
        size_t size = space == NULL ? strlen(*words) : (size_t)(space - *words);
        if (token_is_word(parser, parse_token_at(parser, ahead), *words, size) &&
            (space == NULL || parse_is_word_at(parser, ahead + 1, space + 1))) {
            return true;
        }
    }
    return false;
}

bool parse_accept_word(Parser *parser, const char *word)
{
    if (!parse_is_word(parser, word)) {
        return false;
    }
    parser->at++;
    return true;
}

bool parse_accept_words(Parser *parser, const char *first, const char *second)
{
    if (!parse_is_words(parser, first, second)) {
        return false;
    }
    parser->at += 2;
    return true;
}

bool parse_expect_word(Parser *parser, const char *word)
{
    return parse_accept_word(parser, word) || parse_error(parser, word);
}

// ---- problems ------------------------------------------------------------------------------

// The keyword nearest to `word`, if near enough to be a typing error.
static void consider(Slice word, const char *keyword, const char **best, size_t *best_distance)
{
    const char *space = strchr(keyword, ' ');
    Slice candidate = {keyword, space == NULL ? strlen(keyword) : (size_t)(space - keyword)};
    size_t distance = text_distance(word, candidate);
    if (distance > 0 && distance < *best_distance && text_is_near(word, candidate)) {
        *best = keyword;
        *best_distance = distance;
    }
}

static const char *nearest_expected(const Parser *parser, Slice word)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    if (word.size >= 3 && parser->expected_at == parser->at) {
        for (size_t i = 0; i < parser->expected_count; i++) {
            consider(word, parser->expected[i], &best, &best_distance);
        }
    }
    return best;
}

static const char *nearest_stop(const Parser *parser, Slice word)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    if (word.size >= 3) {
        for (const char *const *stop = parser->alias_stops; *stop != NULL; stop++) {
            consider(word, *stop, &best, &best_distance);
        }
    }
    return best;
}

static bool error_at(Parser *parser, const Token *token, const char *what, const char *suggestion)
{
    enum { SHOWN = 40 }; // a long string need not be repeated
    Slice text = parse_text(parser, token);
    size_t size = 0;
    while (size < text.size && size < SHOWN && text.data[size] != '\n') {
        size++;
    }
    while (size > 0 && size < text.size && ((unsigned char)text.data[size] & 0xC0) == 0x80) {
        size--; // never half a character
    }
    const char *more = size < text.size ? "..." : "";
    return diagnose(parser->diagnostics, parse_pos(parser, token), "PARSE_SYNTAX_ERROR", suggestion,
                    "syntax error at or near '%.*s%s'%s%s", (int)size, text.data, more,
                    what == NULL ? "" : ": expected ", what == NULL ? "" : what);
}

// my-table: a minus that touches words on both sides
static bool is_dashed_name(const Parser *parser)
{
    const Token *token = parse_token(parser);
    const Token *next = parse_token_at(parser, 1);
    return token->kind == TOKEN_MINUS && parser->at > 0 &&
           parser->tokens.items[parser->at - 1].kind == TOKEN_WORD &&
           parser->tokens.items[parser->at - 1].end == token->start && next->kind == TOKEN_WORD &&
           next->start == token->end;
}

bool parse_error(Parser *parser, const char *what)
{
    static const char *const moved[] = {"LATE DATA", "DROP DUPLICATES", "VERSION AS",
                                        "TIMESTAMP AS", NULL};
    const Token *token = parse_token(parser);
    if (token->kind == TOKEN_ERROR) {
        return false;
    }
    const char *near = NULL;
    if (token->kind == TOKEN_WORD) {
        near = nearest_expected(parser, parse_text(parser, token));
    }
    if (near == NULL && parser->alias_after == parser->at && parser->at > 0) {
        const Token *alias = &parser->tokens.items[parser->at - 1];
        near = nearest_stop(parser, parse_text(parser, alias));
        if (near != NULL) {
            token = alias;
            what = NULL;
        }
    }
    if (token->kind == TOKEN_END) {
        Pos pos = parse_pos(parser, token);
        if (parser->at > 0) {
            pos.start = pos.end = parser->tokens.items[parser->at - 1].end;
        }
        return diagnose(parser->diagnostics, pos, "PARSE_SYNTAX_ERROR", NULL,
                        "syntax error at end of input%s%s", what == NULL ? "" : ": expected ",
                        what == NULL ? "" : what);
    }
    const char *suggestion = NULL;
    if (near != NULL) {
        suggestion = arena_printf(parser->arena, "did you mean '%s'?", near);
    } else if (parse_is_word_at(parser, 0, "WATERMARK") || parse_is_one_of(parser, 0, moved)) {
        suggestion = "this stands before the alias: FROM STREAM t WATERMARK ... AS alias";
    } else if (parse_is(parser, TOKEN_LEFT_BRACKET)) {
        suggestion = "an array is written array(1, 2)";
    } else if (is_dashed_name(parser)) {
        suggestion = "a name with '-' needs backticks: `my-table`";
    } else if (parser->at > 0 && parser->tokens.items[parser->at - 1].kind == TOKEN_COMMA) {
        suggestion = "is the ',' before it one too many?";
    }
    return error_at(parser, token, what, suggestion);
}

bool parse_refuse(Parser *parser, Pos pos, const char *what, const char *suggestion)
{
    return diagnose(parser->diagnostics, pos, "UNSUPPORTED_FEATURE", suggestion,
                    "%s is not supported", what);
}

// ---- names and strings ---------------------------------------------------------------------

bool parse_is_name(const Parser *parser)
{
    return parse_is(parser, TOKEN_WORD) || parse_is(parser, TOKEN_QUOTED);
}

static Slice take_name(Parser *parser)
{
    const Token *token = parse_token(parser);
    parser->at++;
    Slice text = parse_text(parser, token);
    return token->kind == TOKEN_QUOTED ? lexer_unquote(parser->arena, text) : text;
}

bool parse_identifier(Parser *parser, const char *what, Slice *name)
{
    if (!parse_is_name(parser)) {
        return parse_error(parser, what);
    }
    const Token *token = parse_token(parser);
    *name = take_name(parser);
    if (name->size == 0) {
        return diagnose(parser->diagnostics, parse_pos(parser, token), "PARSE_SYNTAX_ERROR", NULL,
                        "syntax error: an empty name");
    }
    return true;
}

bool parse_identifiers(Parser *parser, const char *what, Slice **names, size_t *count)
{
    size_t open = parser->at;
    if (!parse_expect(parser, TOKEN_LEFT_PAREN, "'('")) {
        return false;
    }
    Slice *items = NULL;
    size_t size = 0;
    size_t capacity = 0;
    do {
        Slice name;
        if (!parse_identifier(parser, what, &name)) {
            return false;
        }
        ARENA_PUSH(parser->arena, items, size, capacity, name);
    } while (parse_accept(parser, TOKEN_COMMA));
    *names = items;
    *count = size;
    return parse_expect_close(parser, open);
}

bool parse_name(Parser *parser, const char *what, Name *name)
{
    size_t first = parser->at;
    Name result = {0};
    do {
        Slice part;
        if (result.count == ARRAY_LEN(result.parts)) {
            return parse_refuse(parser, parse_span(parser, first), "a name of more than four parts",
                                NULL);
        }
        if (!parse_identifier(parser, what, &part)) {
            return false;
        }
        result.parts[result.count++] = part;
    } while (parse_accept(parser, TOKEN_DOT));
    result.pos = parse_span(parser, first);
    *name = result;
    return true;
}

static bool is_name_char(char c, bool first)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (!first && c >= '0' && c <= '9');
}

// "${NAME}" or "${NAME:-default}" at the start of `text`: its size, else 0.
static size_t split_variable(Slice text, Slice *name, Slice *fallback, bool *has_fallback)
{
    size_t end = 2;
    while (end < text.size && is_name_char(text.data[end], end == 2)) {
        end++;
    }
    *name = (Slice){text.data + 2, end - 2};
    *has_fallback = false;
    if (end < text.size && text.data[end] == '}') {
        return name->size == 0 ? 0 : end + 1;
    }
    if (name->size == 0 || end + 1 >= text.size || text.data[end] != ':' ||
        text.data[end + 1] != '-') {
        return 0;
    }
    const char *close = memchr(text.data + end, '}', text.size - end);
    if (close == NULL) {
        return 0;
    }
    *has_fallback = true;
    *fallback = (Slice){text.data + end + 2, (size_t)(close - text.data) - end - 2};
    return (size_t)(close - text.data) + 1;
}

// Expands the variable at body[at]; 0 when there is none.
static size_t expand_variable(Parser *parser, Slice body, size_t at, Buffer *out)
{
    Slice name;
    Slice fallback = {0};
    bool has_fallback;
    Slice rest = {body.data + at, body.size - at};
    size_t size = split_variable(rest, &name, &fallback, &has_fallback);
    if (size == 0) {
        return 0;
    }
    const char *value = parser->variables->find(parser->variables->context, name);
    if (has_fallback && (value == NULL || value[0] == '\0')) {
        buffer_append(out, fallback);
    } else if (value != NULL) {
        buffer_append_text(out, value);
    } else {
        uint32_t start = (uint32_t)(rest.data - parser->text.data);
        Pos pos = {parser->source, start, start + (uint32_t)size};
        const char *advice = arena_printf(
            parser->arena, "set %.*s in the environment or in .env, or write ${%.*s:-default}",
            SLICE_ARG(name), SLICE_ARG(name));
        diagnose(parser->diagnostics, pos, "UNDEFINED_VARIABLE", advice,
                 "the variable %.*s is not set", SLICE_ARG(name));
        parser->failed = true; // the others of this text are still worth reporting
    }
    return size;
}

static void append_literal(Parser *parser, const Token *token, Buffer *out)
{
    bool raw;
    Slice body = lexer_body(parse_text(parser, token), &raw);
    char quote = body.data[-1];
    bool expand = parser->variables != NULL && parser->variables->find != NULL;
    size_t piece = 0;
    for (size_t at = 0; at < body.size;) {
        char c = body.data[at];
        if (c == '\\' && !raw) {
            at += 2;
        } else if (expand && c == '$' && at + 1 < body.size && body.data[at + 1] == '{') {
            lexer_unescape((Slice){body.data + piece, at - piece}, quote, raw, out);
            size_t size = expand_variable(parser, body, at, out);
            piece = at + size;
            at += size == 0 ? 1 : size;
        } else {
            at++;
        }
    }
    lexer_unescape((Slice){body.data + piece, body.size - piece}, quote, raw, out);
}

bool parse_string(Parser *parser, Slice *text)
{
    if (!parse_is(parser, TOKEN_STRING)) {
        return parse_error(parser, "a string");
    }
    Buffer value = {0};
    while (parse_is(parser, TOKEN_STRING)) {
        append_literal(parser, parse_token(parser), &value);
        parser->at++;
    }
    *text = arena_copy(parser->arena, buffer_slice(&value));
    buffer_done(&value);
    return true;
}

bool parse_alias(Parser *parser, const char *const *stops, Slice *alias)
{
    if (parse_accept_word(parser, "AS")) {
        return parse_identifier(parser, "a name after AS", alias);
    }
    if (parse_is(parser, TOKEN_QUOTED)) {
        return parse_identifier(parser, "a name", alias);
    }
    if (!parse_is(parser, TOKEN_WORD)) {
        return true;
    }
    // `count(*) limit FROM t`: what cannot begin its clause is a name after all.
    bool ends = parse_is_at(parser, 1, TOKEN_COMMA) ||
                (parse_is_word_at(parser, 1, "FROM") && !parse_is_word_at(parser, 0, "FROM"));
    if (parse_is_one_of(parser, 0, stops) && !ends) {
        return true;
    }
    *alias = take_name(parser);
    parser->alias_after = parser->at;
    parser->alias_stops = stops;
    return true;
}

// ---- entry points --------------------------------------------------------------------------

static Parser start_parser(Arena *arena, Diagnostics *diagnostics, uint32_t source,
                           const SqlVariables *variables)
{
    Parser parser = {.arena = arena,
                     .diagnostics = diagnostics,
                     .source = source,
                     .text = sql_sources_text(diagnostics->sources, source),
                     .variables = variables};
    lexer_scan(arena, diagnostics, source, &parser.tokens);
    return parser;
}

static bool is_too_deep(const Statement *statement)
{
    for (size_t i = 0; i < statement->expectation_count; i++) {
        if (ast_expr_is_deeper(statement->expectations[i].condition, SQL_MAX_HEIGHT)) {
            return true;
        }
    }
    return ast_query_is_deeper(statement->query, SQL_MAX_HEIGHT);
}

static bool diagnose_too_deep(Diagnostics *diagnostics, Pos pos)
{
    return diagnose(diagnostics, pos, "FAILED_TO_PARSE_TOO_COMPLEX",
                    "use IN (...) instead of many ORs, or split the query",
                    "this is too complex: more than %d operators in one chain", SQL_MAX_HEIGHT);
}

// One statement and the ';' after it.
static Statement *parse_one(Parser *parser)
{
    size_t first = parser->at;
    parser->depth = 0;
    Statement *statement = parse_statement(parser);
    if (statement == NULL) {
        return NULL;
    }
    if (!parse_is(parser, TOKEN_SEMICOLON) && !parse_is(parser, TOKEN_END)) {
        parse_error(parser, NULL);
        return NULL;
    }
    statement->pos = parse_span(parser, first);
    if (is_too_deep(statement)) {
        diagnose_too_deep(parser->diagnostics, statement->pos);
        return NULL;
    }
    return statement;
}

bool sql_parse(Arena *arena, Diagnostics *diagnostics, uint32_t source,
               const SqlVariables *variables, StatementList *statements)
{
    Parser parser = start_parser(arena, diagnostics, source, variables);
    for (;;) {
        while (parse_accept(&parser, TOKEN_SEMICOLON)) {
        }
        if (parse_is(&parser, TOKEN_END)) {
            return !parser.failed;
        }
        Statement *statement = parse_one(&parser);
        if (statement != NULL) {
            ARENA_PUSH(arena, statements->items, statements->count, statements->capacity,
                       statement);
            continue;
        }
        parser.failed = true;
        while (!parse_is(&parser, TOKEN_SEMICOLON) && !parse_is(&parser, TOKEN_END)) {
            parser.at++;
        }
    }
}

Expr *sql_parse_expression(Arena *arena, Diagnostics *diagnostics, uint32_t source)
{
    Parser parser = start_parser(arena, diagnostics, source, NULL);
    Expr *expr = parse_expr(&parser);
    if (expr == NULL) {
        return NULL;
    }
    if (!parse_is(&parser, TOKEN_END)) {
        parse_error(&parser, NULL);
        return NULL;
    }
    if (ast_expr_is_deeper(expr, SQL_MAX_HEIGHT)) {
        diagnose_too_deep(diagnostics, expr->pos);
        return NULL;
    }
    return expr;
}

// What went wrong in a text that has no file: the first problem in one line.
static bool fail_text(const Parser *parser, const char *what, Error *err)
{
    if (parser->diagnostics->count == 0) {
        return fail(err, ERROR_INPUT, "%s '%.*s' cannot be read", what, SLICE_ARG(parser->text));
    }
    const Diagnostic *first = &parser->diagnostics->items[0];
    return fail(err, ERROR_INPUT, "[%s] %s, in the %s '%.*s' at character %u%s%s",
                first->condition == NULL ? "PARSE_SYNTAX_ERROR" : first->condition, first->message,
                what, SLICE_ARG(parser->text), first->pos.start + 1,
                first->suggestion == NULL ? "" : "; ",
                first->suggestion == NULL ? "" : first->suggestion);
}

static Parser start_text(Arena *arena, Slice text)
{
    SqlSources *sources = sql_sources_create(arena);
    Diagnostics *diagnostics = diagnostics_create(arena, sources);
    uint32_t source = sql_sources_add(sources, "text", text);
    return start_parser(arena, diagnostics, source, NULL);
}

static bool parse_schema(Parser *parser, Schema *schema)
{
    if (parse_is(parser, TOKEN_END)) {
        return true;
    }
    do {
        ColumnDefinition column = {0};
        if (!parse_column(parser, &column, false)) {
            return false;
        }
        const char *name = arena_text(parser->arena, column.name);
        if (schema_find(schema, column.name) >= 0) {
            return diagnose(parser->diagnostics, column.pos, "COLUMN_ALREADY_EXISTS", NULL,
                            "the column '%s' appears twice", name);
        }
        schema_add(parser->arena, schema, name, column.type, !column.not_null);
        if (column.comment.size > 0) {
            schema->columns[schema->count - 1].comment = arena_text(parser->arena, column.comment);
        }
    } while (parse_accept(parser, TOKEN_COMMA));
    return parse_is(parser, TOKEN_END) || parse_error(parser, NULL);
}

bool sql_parse_columns(Arena *arena, Slice ddl, Schema *schema, Error *err)
{
    Parser parser = start_text(arena, ddl);
    Schema result = {0};
    if (!parse_schema(&parser, &result)) {
        return fail_text(&parser, "schema", err);
    }
    *schema = result;
    return true;
}

const Type *sql_parse_type(Arena *arena, Slice text, Error *err)
{
    Parser parser = start_text(arena, text);
    const Type *type = parse_type(&parser);
    if (type == NULL || (!parse_is(&parser, TOKEN_END) && !parse_error(&parser, NULL))) {
        fail_text(&parser, "type", err);
        return NULL;
    }
    return type;
}
