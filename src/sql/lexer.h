// lexer.h -- Spark SQL text to tokens.
//
// The whole text is cut at once; the last token is TOKEN_END. Tokens only hold positions: words are
// compared without case by the parser, strings are unescaped by lexer_unescape() when their value
// is needed. Comments and hints leave no token. What is no token at all (an unclosed string, a
// stray character) is reported here, once, and becomes TOKEN_ERROR, at which the parser gives up
// its statement silently.
//
// ">>" and ">>>" come as single '>' tokens that touch, so that array<array<int>> needs no special
// care; the expression parser joins them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/diagnostic.h"

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_ERROR,  // already reported
    TOKEN_WORD,   // keyword or name
    TOKEN_QUOTED, // `name`
    TOKEN_STRING, // '...', "...", r'...'
    TOKEN_NUMBER,
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_LEFT_BRACKET,
    TOKEN_RIGHT_BRACKET,
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
    TOKEN_DOT,
    TOKEN_STAR,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_SLASH,
    TOKEN_PERCENT,
    TOKEN_TILDE,
    TOKEN_AMPERSAND,
    TOKEN_PIPE,
    TOKEN_CARET,
    TOKEN_BANG,
    TOKEN_EQ, // = and ==
    TOKEN_NE, // <> and !=
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_NULL_SAFE_EQ, // <=>
    TOKEN_CONCAT,       // ||
    TOKEN_SHIFT_LEFT,   // <<
    TOKEN_ARROW,        // ->
    TOKEN_FAT_ARROW,    // =>
    TOKEN_PIPE_INTO,    // |>
    TOKEN_COLON,
    TOKEN_CAST, // ::
    TOKEN_AT,
    TOKEN_QUESTION,
} TokenKind;

typedef struct Token {
    TokenKind kind;
    uint32_t start; // byte offset
    uint32_t end;   // exclusive
} Token;

typedef struct TokenList {
    Token *items;
    size_t count;
    size_t capacity;
} TokenList;

// Tokens live in the arena.
void lexer_scan(Arena *arena, Diagnostics *diagnostics, uint32_t source, TokenList *tokens);

// What stands between the quotes of a string literal; the quote itself is the byte after it.
Slice lexer_body(Slice literal, bool *raw);
// Appends the value of (a piece of) such a body. A piece must not end within an escape.
void lexer_unescape(Slice body, char quote, bool raw, Buffer *out);

// The name inside `...`, with `` as one backtick.
Slice lexer_unquote(Arena *arena, Slice quoted);
