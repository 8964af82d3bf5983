// SPDX-License-Identifier: Apache-2.0
#include "sql/lexer.h"

typedef struct Lexer {
    Arena *arena;
    Diagnostics *diagnostics;
    uint32_t source;
    const char *text;
    size_t size;
    size_t at;
    TokenList *tokens;
} Lexer;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word_char(char c)
{
    return is_letter(c) || is_digit(c);
}

static char char_at(const Lexer *lexer, size_t at)
{
    return at < lexer->size ? lexer->text[at] : '\0';
}

static bool starts_with(const Lexer *lexer, size_t at, const char *text)
{
    size_t size = strlen(text);
    return lexer->size - at >= size && memcmp(lexer->text + at, text, size) == 0;
}

static Pos pos_of(const Lexer *lexer, size_t start, size_t end)
{
    return (Pos){lexer->source, (uint32_t)start, (uint32_t)end};
}

static void push(Lexer *lexer, TokenKind kind, size_t start)
{
    Token token = {kind, (uint32_t)start, (uint32_t)lexer->at};
    ARENA_PUSH(lexer->arena, lexer->tokens->items, lexer->tokens->count, lexer->tokens->capacity,
               token);
}

// Bytes of a white-space character at `at`; 0: none. Pasted text brings no-break spaces and marks.
static size_t space_size(const Lexer *lexer, size_t at)
{
    char c = lexer->text[at];
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
        return 1;
    }
    if (starts_with(lexer, at, "\xC2\xA0")) {
        return 2;
    }
    if (starts_with(lexer, at, "\xEF\xBB\xBF") || starts_with(lexer, at, "\xE3\x80\x80")) {
        return 3;
    }
    if (starts_with(lexer, at, "\xE2\x80") && lexer->size - at >= 3) {
        unsigned char last = (unsigned char)lexer->text[at + 2];
        return (last >= 0x80 && last <= 0x8B) || last == 0xA8 || last == 0xA9 || last == 0xAF ? 3
                                                                                              : 0;
    }
    return 0;
}

// Skips a nested comment; false (reported) when it is never closed.
static bool skip_block_comment(Lexer *lexer)
{
    size_t start = lexer->at;
    size_t depth = 0;
    while (lexer->at < lexer->size) {
        if (starts_with(lexer, lexer->at, "/*")) {
            depth++;
            lexer->at += 2;
        } else if (starts_with(lexer, lexer->at, "*/")) {
            depth--;
            lexer->at += 2;
            if (depth == 0) {
                return true;
            }
        } else {
            lexer->at++;
        }
    }
    diagnose(lexer->diagnostics, pos_of(lexer, start, start + 2), "UNCLOSED_BRACKETED_COMMENT",
             "add '*/' where the comment ends", "this comment is never closed");
    return false;
}

static bool skip_space(Lexer *lexer)
{
    while (lexer->at < lexer->size) {
        size_t space = space_size(lexer, lexer->at);
        if (space > 0) {
            lexer->at += space;
        } else if (starts_with(lexer, lexer->at, "--")) {
            while (lexer->at < lexer->size && lexer->text[lexer->at] != '\n') {
                lexer->at++;
            }
        } else if (starts_with(lexer, lexer->at, "/*")) {
            if (!skip_block_comment(lexer)) {
                return false;
            }
        } else {
            return true;
        }
    }
    return true;
}

// A quoted piece that starts at `start`, its opening quote at lexer->at. A doubled quote stays
// inside; a backslash takes the next character with it where `escapes`.
static void scan_quoted(Lexer *lexer, size_t start, TokenKind kind, bool escapes)
{
    char quote = lexer->text[lexer->at++];
    while (lexer->at < lexer->size) {
        char c = lexer->text[lexer->at];
        if (c == '\\' && escapes && lexer->at + 1 < lexer->size) {
            lexer->at += 2;
        } else if (c == quote && char_at(lexer, lexer->at + 1) == quote) {
            lexer->at += 2;
        } else if (c == quote) {
            lexer->at++;
            push(lexer, kind, start);
            return;
        } else {
            lexer->at++;
        }
    }
    size_t end = start;
    while (end < lexer->size && lexer->text[end] != '\n') {
        end++;
    }
    const char *what = kind == TOKEN_QUOTED ? "name" : "string";
    diagnose(lexer->diagnostics, pos_of(lexer, start, end), "PARSE_SYNTAX_ERROR",
             "add the missing quote", "syntax error: this %s is never closed", what);
    push(lexer, TOKEN_ERROR, start);
}

static size_t digits_end(const Lexer *lexer, size_t at)
{
    while (is_digit(char_at(lexer, at))) {
        at++;
    }
    return at;
}

static size_t exponent_end(const Lexer *lexer, size_t at)
{
    if (char_at(lexer, at) != 'e' && char_at(lexer, at) != 'E') {
        return at;
    }
    size_t digits = at + 1;
    if (char_at(lexer, digits) == '+' || char_at(lexer, digits) == '-') {
        digits++;
    }
    return is_digit(char_at(lexer, digits)) ? digits_end(lexer, digits) : at;
}

static size_t suffix_end(const Lexer *lexer, size_t at, bool whole)
{
    char c = (char)(char_at(lexer, at) | 0x20);
    if (c == 'b' && (char_at(lexer, at + 1) | 0x20) == 'd') {
        return at + 2;
    }
    if (c == 'd' || c == 'f' || (whole && (c == 'l' || c == 's' || c == 'y'))) {
        return at + 1;
    }
    return at;
}

// The end of a number at `at`, or `at` when it is none: 1st_of_may is a name, as in Spark.
static size_t number_end(const Lexer *lexer, size_t at)
{
    size_t end = digits_end(lexer, at);
    bool whole = true;
    if (char_at(lexer, end) == '.' && (is_digit(char_at(lexer, end + 1)) || end > at)) {
        size_t fraction = digits_end(lexer, end + 1);
        // "1.e" would swallow the start of a word
        if (!is_letter(char_at(lexer, fraction)) || exponent_end(lexer, fraction) > fraction ||
            suffix_end(lexer, fraction, false) > fraction) {
            end = fraction;
            whole = false;
        }
    }
    if (end == at) {
        return at;
    }
    size_t exponent = exponent_end(lexer, end);
    whole = whole && exponent == end;
    end = suffix_end(lexer, exponent, whole);
    return is_word_char(char_at(lexer, end)) ? at : end;
}

static const struct {
    const char *text;
    TokenKind kind;
} symbols[] = {
    {"<=>", TOKEN_NULL_SAFE_EQ},
    {"==", TOKEN_EQ},
    {"=>", TOKEN_FAT_ARROW},
    {"<>", TOKEN_NE},
    {"<=", TOKEN_LE},
    {"<<", TOKEN_SHIFT_LEFT},
    {"!=", TOKEN_NE},
    {"!>", TOKEN_LE},
    {"!<", TOKEN_GE},
    {">=", TOKEN_GE},
    {"||", TOKEN_CONCAT},
    {"|>", TOKEN_PIPE_INTO},
    {"->", TOKEN_ARROW},
    {"::", TOKEN_CAST},
    {"(", TOKEN_LEFT_PAREN},
    {")", TOKEN_RIGHT_PAREN},
    {"[", TOKEN_LEFT_BRACKET},
    {"]", TOKEN_RIGHT_BRACKET},
    {",", TOKEN_COMMA},
    {";", TOKEN_SEMICOLON},
    {".", TOKEN_DOT},
    {"*", TOKEN_STAR},
    {"+", TOKEN_PLUS},
    {"-", TOKEN_MINUS},
    {"/", TOKEN_SLASH},
    {"%", TOKEN_PERCENT},
    {"~", TOKEN_TILDE},
    {"&", TOKEN_AMPERSAND},
    {"|", TOKEN_PIPE},
    {"^", TOKEN_CARET},
    {"!", TOKEN_BANG},
    {"=", TOKEN_EQ},
    {"<", TOKEN_LT},
    {">", TOKEN_GT},
    {":", TOKEN_COLON},
    {"@", TOKEN_AT},
    {"?", TOKEN_QUESTION},
};

static bool scan_symbol(Lexer *lexer)
{
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        if (starts_with(lexer, lexer->at, symbols[i].text)) {
            size_t start = lexer->at;
            lexer->at += strlen(symbols[i].text);
            push(lexer, symbols[i].kind, start);
            return true;
        }
    }
    return false;
}

// A character that starts nothing, with advice for the usual ones.
static void scan_stray(Lexer *lexer)
{
    size_t start = lexer->at;
    unsigned char c = (unsigned char)lexer->text[start];
    lexer->at++;
    if (c == '$' && char_at(lexer, lexer->at) == '{') {
        while (lexer->at < lexer->size && lexer->text[lexer->at] != '}' &&
               lexer->text[lexer->at] != '\n') {
            lexer->at++;
        }
        lexer->at += char_at(lexer, lexer->at) == '}' ? 1 : 0;
        diagnose(lexer->diagnostics, pos_of(lexer, start, lexer->at), "PARSE_SYNTAX_ERROR",
                 "variables are expanded only inside string literals: '${...}'",
                 "syntax error at or near '%.*s'", (int)(lexer->at - start), lexer->text + start);
    } else if (c < 0x20 || c == 0x7F) {
        diagnose(lexer->diagnostics, pos_of(lexer, start, lexer->at), "PARSE_SYNTAX_ERROR", NULL,
                 "syntax error at a control character (0x%02X)", c);
    } else {
        diagnose(lexer->diagnostics, pos_of(lexer, start, lexer->at), "PARSE_SYNTAX_ERROR", NULL,
                 "syntax error at or near '%c'", c);
    }
    push(lexer, TOKEN_ERROR, start);
}

// Curly quotes come from word processors and would otherwise be part of a name.
static bool scan_curly_quote(Lexer *lexer)
{
    static const char *const quotes[] = {"\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9C",
                                         "\xE2\x80\x9D"};
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        if (starts_with(lexer, lexer->at, quotes[i])) {
            size_t start = lexer->at;
            lexer->at += strlen(quotes[i]);
            diagnose(lexer->diagnostics, pos_of(lexer, start, lexer->at), "PARSE_SYNTAX_ERROR",
                     "use a straight quote: '", "syntax error at or near a curly quote");
            push(lexer, TOKEN_ERROR, start);
            return true;
        }
    }
    return false;
}

static void scan_word(Lexer *lexer)
{
    size_t start = lexer->at;
    while (lexer->at < lexer->size && is_word_char(lexer->text[lexer->at]) &&
           space_size(lexer, lexer->at) == 0) {
        lexer->at++;
    }
    push(lexer, TOKEN_WORD, start);
}

static void scan_token(Lexer *lexer)
{
    size_t start = lexer->at;
    char c = lexer->text[start];
    char next = char_at(lexer, start + 1);
    size_t number = number_end(lexer, start);
    if (number > start) {
        lexer->at = number;
        push(lexer, TOKEN_NUMBER, start);
    } else if ((c == 'r' || c == 'R') && (next == '\'' || next == '"')) {
        lexer->at++;
        scan_quoted(lexer, start, TOKEN_STRING, false);
    } else if (c == '\'' || c == '"') {
        scan_quoted(lexer, start, TOKEN_STRING, true);
    } else if (c == '`') {
        scan_quoted(lexer, start, TOKEN_QUOTED, false);
    } else if (is_word_char(c)) {
        if (!scan_curly_quote(lexer)) {
            scan_word(lexer);
        }
    } else if (!scan_symbol(lexer)) {
        scan_stray(lexer);
    }
}

void lexer_scan(Arena *arena, Diagnostics *diagnostics, uint32_t source, TokenList *tokens)
{
    Slice text = sql_sources_text(diagnostics->sources, source);
    Lexer lexer = {.arena = arena,
                   .diagnostics = diagnostics,
                   .source = source,
                   .text = text.data,
                   .size = text.size,
                   .tokens = tokens};
    if (text.size >= UINT32_MAX) {
        diagnose(diagnostics, pos_of(&lexer, 0, 0), NULL, NULL, "the text is larger than 4 GB");
        push(&lexer, TOKEN_ERROR, 0);
        lexer.at = lexer.size = 0;
    }
    for (;;) {
        if (!skip_space(&lexer)) {
            push(&lexer, TOKEN_ERROR, lexer.size);
        }
        if (lexer.at >= lexer.size) {
            break;
        }
        scan_token(&lexer);
    }
    push(&lexer, TOKEN_END, lexer.at);
}

static int hex_digit(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static void append_utf8(Buffer *out, uint32_t code)
{
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        code = 0xFFFD;
    }
    if (code < 0x80) {
        buffer_append_char(out, (char)code);
    } else if (code < 0x800) {
        buffer_append_char(out, (char)(0xC0 | code >> 6));
        buffer_append_char(out, (char)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        buffer_append_char(out, (char)(0xE0 | code >> 12));
        buffer_append_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
        buffer_append_char(out, (char)(0x80 | (code & 0x3F)));
    } else {
        buffer_append_char(out, (char)(0xF0 | code >> 18));
        buffer_append_char(out, (char)(0x80 | (code >> 12 & 0x3F)));
        buffer_append_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
        buffer_append_char(out, (char)(0x80 | (code & 0x3F)));
    }
}

// `count` hexadecimal digits at text; false when they are not there.
static bool read_hex(Slice text, size_t count, uint32_t *code)
{
    if (text.size < count) {
        return false;
    }
    *code = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = hex_digit(text.data[i]);
        if (digit < 0) {
            return false;
        }
        *code = *code << 4 | (uint32_t)digit;
    }
    return true;
}

static bool is_octal(char c, char most)
{
    return c >= '0' && c <= most;
}

// \u pairs above the basic plane come as two surrogates, as in Java.
static size_t unescape_unicode(Slice rest, size_t digits, Buffer *out)
{
    uint32_t code;
    if (!read_hex((Slice){rest.data + 2, rest.size - 2}, digits, &code)) {
        buffer_append_char(out, rest.data[1]);
        return 2;
    }
    size_t used = 2 + digits;
    uint32_t low;
    if (code >= 0xD800 && code <= 0xDBFF && rest.size >= used + 6 && rest.data[used] == '\\' &&
        rest.data[used + 1] == 'u' &&
        read_hex((Slice){rest.data + used + 2, rest.size - used - 2}, 4, &low) && low >= 0xDC00 &&
        low <= 0xDFFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        used += 6;
    }
    append_utf8(out, code);
    return used;
}

// One escape at the start of `rest` (a backslash); returns the bytes it took.
static size_t unescape_one(Slice rest, Buffer *out)
{
    if (rest.size < 2) {
        buffer_append_char(out, '\\');
        return 1;
    }
    char c = rest.data[1];
    switch (c) {
    case 'u':
        return unescape_unicode(rest, 4, out);
    case 'U':
        return unescape_unicode(rest, 8, out);
    case 'n':
        buffer_append_char(out, '\n');
        return 2;
    case 't':
        buffer_append_char(out, '\t');
        return 2;
    case 'r':
        buffer_append_char(out, '\r');
        return 2;
    case 'b':
        buffer_append_char(out, '\b');
        return 2;
    case 'Z':
        buffer_append_char(out, '\x1A');
        return 2;
    case '%':
    case '_': // stay escaped: they mean something to LIKE
        buffer_append_char(out, '\\');
        buffer_append_char(out, c);
        return 2;
    default:
        break;
    }
    if (rest.size >= 4 && is_octal(c, '1') && is_octal(rest.data[2], '7') &&
        is_octal(rest.data[3], '7')) {
        append_utf8(out,
                    (uint32_t)((c - '0') * 64 + (rest.data[2] - '0') * 8 + rest.data[3] - '0'));
        return 4;
    }
    buffer_append_char(out, c == '0' ? '\0' : c);
    return 2;
}

Slice lexer_body(Slice literal, bool *raw)
{
    *raw = literal.data[0] == 'r' || literal.data[0] == 'R';
    size_t open = *raw ? 2 : 1;
    return (Slice){literal.data + open, literal.size - open - 1};
}

void lexer_unescape(Slice body, char quote, bool raw, Buffer *out)
{
    size_t at = 0;
    while (at < body.size) {
        char c = body.data[at];
        if (c == '\\' && !raw) {
            at += unescape_one((Slice){body.data + at, body.size - at}, out);
        } else {
            buffer_append_char(out, c);
            at += c == quote ? 2 : 1;
        }
    }
}

Slice lexer_unquote(Arena *arena, Slice quoted)
{
    char *name = arena_alloc(arena, quoted.size);
    size_t size = 0;
    for (size_t i = 1; i + 1 < quoted.size; i++) {
        name[size++] = quoted.data[i];
        i += quoted.data[i] == '`' ? 1 : 0;
    }
    return (Slice){name, size};
}
