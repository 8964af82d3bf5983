// parse_internal.h -- what the files of the parser share.
//
// A parse_*() function starts at the current token and either consumes what it names or reports one
// problem and returns NULL or false; callers pass that on at once (no recovery inside a statement).
// parse_is...() only look, parse_accept...() take if it is there, parse_expect...() report if not.
//
// Looking for a keyword also notes it as possible here, so that a problem at the same token can
// say "did you mean 'FROM'?". A word that became an implicit alias (`SELECT a FORM t`) is looked
// at again when the token after it does not fit.
//
// Everything recursive passes through parse_enter(), which bounds the depth of the stack.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/lexer.h"
#include "sql/parser.h"

enum { PARSE_MAX_DEPTH = 500, PARSE_MAX_EXPECTED = 96 };

typedef struct Parser {
    Arena *arena;
    Diagnostics *diagnostics;
    uint32_t source;
    Slice text;
    const SqlVariables *variables; // NULL: ${...} stays
    TokenList tokens;
    size_t at;
    int depth;
    bool failed;                              // a problem that did not end its statement
    const char *expected[PARSE_MAX_EXPECTED]; // keywords looked for at token `expected_at`
    size_t expected_count;
    size_t expected_at;
    size_t alias_after;             // index after a word taken as an implicit alias; 0: none
    const char *const *alias_stops; // keywords that could have stood there
} Parser;

// parser.c
const Token *parse_token(const Parser *parser); // the current one
const Token *parse_token_at(const Parser *parser, size_t ahead);
Slice parse_text(const Parser *parser, const Token *token);
Pos parse_pos(const Parser *parser, const Token *token);
Pos parse_span(const Parser *parser, size_t first); // from token `first` to the last one consumed
bool parse_enter(Parser *parser);                   // false: too deep, reported
void parse_leave(Parser *parser);

bool parse_is(const Parser *parser, TokenKind kind);
bool parse_is_at(const Parser *parser, size_t ahead, TokenKind kind);
bool parse_accept(Parser *parser, TokenKind kind);
bool parse_expect(Parser *parser, TokenKind kind, const char *what);
bool parse_expect_close(Parser *parser, size_t open); // ')' of the '(' that is token `open`
bool parse_is_word(Parser *parser, const char *word);
bool parse_is_word_at(const Parser *parser, size_t ahead, const char *word);
bool parse_is_words(Parser *parser, const char *first, const char *second);
bool parse_is_one_of(const Parser *parser, size_t ahead, const char *const *words); // ends in NULL
bool parse_accept_word(Parser *parser, const char *word);
bool parse_accept_words(Parser *parser, const char *first, const char *second);
bool parse_expect_word(Parser *parser, const char *word);

bool parse_is_name(const Parser *parser); // a word or `quoted`
bool parse_identifier(Parser *parser, const char *what, Slice *name);
bool parse_identifiers(Parser *parser, const char *what, Slice **names, size_t *count); // (a, b)
bool parse_name(Parser *parser, const char *what, Name *name);                          // a.b.c
// One literal or several in a row; variables expanded.
bool parse_string(Parser *parser, Slice *text);
// [AS] name: after AS any name, else one that is not in `stops`. *alias stays when there is none.
bool parse_alias(Parser *parser, const char *const *stops, Slice *alias);

// "syntax error at or near 'x'[: expected WHAT]" at the current token; what may be NULL.
bool parse_error(Parser *parser, const char *what);
// [UNSUPPORTED_FEATURE] "WHAT is not supported".
bool parse_refuse(Parser *parser, Pos pos, const char *what, const char *suggestion);

// parse_expr.c
Expr *parse_expr(Parser *parser);
Expr *parse_operand(Parser *parser);              // without AND, OR, NOT and predicates
bool parse_exprs(Parser *parser, ExprList *list); // a, b, ...
bool parse_sort_items(Parser *parser, SortList *list);

// parse_primary.c
Expr *parse_primary(Parser *parser); // with what follows it: .field [index] ::type COLLATE
bool parse_is_query(const Parser *parser, size_t ahead); // SELECT, WITH, VALUES, FROM, TABLE t

// parse_call.c
Expr *parse_call(Parser *parser, size_t first, Slice function); // at its '('
// Arguments of a call or table function up to its ')'.
bool parse_arguments(Parser *parser, ExprList *arguments, NamedArguments *named);
bool parse_identifier_name(Parser *parser, Name *name); // IDENTIFIER('a.b'), at the word
WindowSpec *parse_window(Parser *parser);               // after OVER, or AS of a WINDOW clause
Expr *parse_special_call(Parser *parser); // CAST(...), TRIM(... FROM ...); at the word
bool parse_is_special_call(const Parser *parser);
Expr *parse_named_struct(Parser *parser, Pos pos, const ExprList *values, const Slice *aliases);

// parse_interval.c
bool parse_is_interval(const Parser *parser); // at INTERVAL
Expr *parse_interval(Parser *parser);

// parse_query.c
Query *parse_query(Parser *parser);
// Goes on after an operand in parentheses: UNION ..., ORDER BY ..., LIMIT ...
Query *parse_query_after(Parser *parser, size_t first, Query *operand);
Relation *parse_values(Parser *parser);
bool parse_is_query_tail(Parser *parser); // UNION, ORDER BY, LIMIT ...

bool parse_watermark_item(Parser *parser, Expr **expr, Slice *alias); // expr [[AS] alias]

// parse_group.c
bool parse_grouping(Parser *parser, Select *select); // after GROUP BY

// parse_relation.c
Relation *parse_from(Parser *parser); // after FROM

// parse_pivot.c
// PIVOT (...) or UNPIVOT (...) behind `relation`, which becomes the query that they stand for.
bool parse_pivot(Parser *parser, Relation *relation, bool *found);

// parse_type.c
const Type *parse_type(Parser *parser);
bool parse_column(Parser *parser, ColumnDefinition *column, bool type_optional);

// parse_statement.c, parse_create.c
bool parse_properties(Parser *parser, Properties *properties); // ('k' = 'v', k 'v', ...)
Statement *parse_statement(Parser *parser);
Statement *parse_create(Parser *parser);
// A statement that is known but not run: skips to its end.
Statement *parse_unsupported(Parser *parser, size_t first, const char *what);
