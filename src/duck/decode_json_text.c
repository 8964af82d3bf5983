// decode_json_text.c -- scalars, strings and skipping in indexed JSON.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_json_text.h"

bool decode_json_text_open(JsonText *text, DecodeIndex *index, const char *data, size_t size,
                           const char *readable_end)
{
    *text = (JsonText){.base = data, .size = (uint32_t)size, .readable_end = readable_end};
    if (!decode_simd_index(index, data, size, &text->positions, &text->count)) {
        return false;
    }
    for (uint32_t i = 0; i < 3; i++) {
        text->positions[text->count + i] = text->size - 1;
    }
    text->has_backslash = memchr(data, '\\', size) != NULL;
    return true;
}

static inline bool is_end(char c)
{
    return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

// The line's newline stops every loop here: it is neither a digit nor part of a word.
static JsonScalar scan_number(const char *p, const char *start, const char **end)
{
    JsonScalar kind = JSON_INT;
    p += *p == '-';
    if (*p == '0') {
        p++;
    } else if (is_digit(*p)) {
        do {
            p++;
        } while (is_digit(*p));
    } else {
        return JSON_INVALID;
    }
    if (*p == '.') {
        kind = JSON_FRACTION;
        if (!is_digit(*++p)) {
            return JSON_INVALID;
        }
        while (is_digit(*p)) {
            p++;
        }
    }
    if (*p == 'e' || *p == 'E') {
        kind = JSON_FRACTION;
        p++;
        p += *p == '+' || *p == '-';
        if (!is_digit(*p)) {
            return JSON_INVALID;
        }
        while (is_digit(*p)) {
            p++;
        }
    }
    *end = p;
    return p - start > 1000 ? JSON_INVALID : kind; // as Jackson bounds the length of a number
}

static JsonScalar scan_word(const char *p, const char *limit, const char **end)
{
    static const struct {
        const char *text;
        JsonScalar kind;
    } words[] = {{"null", JSON_NULL},       {"true", JSON_TRUE},      {"false", JSON_FALSE},
                 {"NaN", JSON_NAMED},       {"Infinity", JSON_NAMED}, {"-Infinity", JSON_NAMED},
                 {"+Infinity", JSON_NAMED}, {"+INF", JSON_NAMED},     {"-INF", JSON_NAMED}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t size = strlen(words[i].text);
        if (*p == words[i].text[0] && (size_t)(limit - p) >= size &&
            memcmp(p, words[i].text, size) == 0) {
            *end = p + size;
            return words[i].kind;
        }
    }
    return JSON_INVALID;
}

JsonScalar decode_json_text_scalar(const JsonText *text, const uint32_t *at, uint32_t *end)
{
    const char *start = text->base + *at;
    const char *behind = start;
    JsonScalar kind = is_digit(*start) || (*start == '-' && is_digit(start[1]))
                          ? scan_number(start, start, &behind)
                          : scan_word(start, text->base + text->limit, &behind);
    if (kind == JSON_INVALID || !is_end(*behind)) {
        return JSON_INVALID;
    }
    *end = (uint32_t)(behind - text->base);
    return kind;
}

static int hex_digit(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int hex_quad(const char *p, const char *end)
{
    int code = 0;
    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) {
            return -1;
        }
        code = code << 4 | digit;
    }
    return code;
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    } else {
        *to++ = (char)(0xF0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    }
    return to;
}

// The four hex digits at p, behind a \u. A surrogate without its other half becomes '?', as in
// Spark.
static const char *put_escape(const char *p, const char *end, char **to)
{
    int high = hex_quad(p, end);
    if (high < 0) {
        return NULL;
    }
    p += 4;
    if (high < 0xD800 || high > 0xDFFF) {
        *to = put_utf8(*to, (unsigned)high);
        return p;
    }
    int low =
        high < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex_quad(p + 2, end) : -1;
    if (low >= 0xDC00 && low <= 0xDFFF) {
        *to =
            put_utf8(*to, 0x10000u + ((unsigned)(high - 0xD800) << 10) + (unsigned)(low - 0xDC00));
        return p + 6;
    }
    *(*to)++ = '?';
    return p;
}

static bool unescape(Slice raw, Buffer *scratch)
{
    static const char from[] = "\"\\/'bfnrt";
    static const char into[] = "\"\\/'\b\f\n\r\t";
    buffer_reset(scratch);
    buffer_reserve(scratch, raw.size + 16); // an escape is never longer than its source
    char *to = scratch->data;
    const char *p = raw.data;
    const char *end = raw.data + raw.size;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash == NULL ? end : slash) - p);
        memcpy(to, p, plain);
        to += plain;
        p += plain;
        if (slash == NULL) {
            break;
        }
        if (p + 1 == end) {
            return false;
        }
        char c = p[1];
        p += 2;
        if (c == 'u') {
            p = put_escape(p, end, &to);
            if (p == NULL) {
                return false;
            }
            continue;
        }
        const char *found = c == '\0' ? NULL : strchr(from, c);
        if (found == NULL) {
            return false;
        }
        *to++ = into[found - from];
    }
    scratch->size = (size_t)(to - scratch->data);
    return true;
}

// The bytes between the quotes; between a closing quote and the next token is only whitespace.
static inline bool raw_string(const JsonText *text, const uint32_t *at, Slice *raw)
{
    uint32_t end = at[1];
    if (end >= text->limit) {
        return false; // every string of a record is followed by something on the same line
    }
    do {
        end--;
    } while (text->base[end] != '"');
    *raw = (Slice){text->base + at[0] + 1, end - at[0] - 1};
    return true;
}

const uint32_t *decode_json_text_string(const JsonText *text, const uint32_t *at, Buffer *scratch,
                                        Slice *value, const char **readable_end)
{
    if (!raw_string(text, at, value)) {
        return NULL;
    }
    *readable_end = text->readable_end;
    if (text->has_backslash && memchr(value->data, '\\', value->size) != NULL) {
        if (!unescape(*value, scratch)) {
            return NULL;
        }
        *value = buffer_slice(scratch);
        *readable_end = scratch->data + scratch->capacity;
    }
    return at + 1;
}

static bool check_escapes(Slice raw)
{
    const char *end = raw.data + raw.size;
    for (const char *p = raw.data; (p = memchr(p, '\\', (size_t)(end - p))) != NULL;) {
        if (p + 1 == end || p[1] == '\0' || strchr("\"\\/'bfnrtu", p[1]) == NULL ||
            (p[1] == 'u' && hex_quad(p + 2, end) < 0)) {
            return false;
        }
        p += 2;
    }
    return true;
}

static inline const uint32_t *skip_string(const JsonText *text, const uint32_t *at)
{
    if (text->has_backslash) {
        Slice raw;
        return raw_string(text, at, &raw) && check_escapes(raw) ? at + 1 : NULL;
    }
    return at[1] < text->limit ? at + 1 : NULL;
}

static const uint32_t *skip_nested(const JsonText *text, const uint32_t *at, int depth)
{
    bool is_object = decode_json_text_here(text, at) == '{';
    char close = is_object ? '}' : ']';
    at++;
    if (decode_json_text_here(text, at) == close) {
        return at + 1;
    }
    for (;;) {
        if (is_object) {
            if (decode_json_text_here(text, at) != '"' || (at = skip_string(text, at)) == NULL ||
                decode_json_text_here(text, at) != ':') {
                return NULL;
            }
            at++;
        }
        at = decode_json_text_skip(text, at, depth + 1);
        if (at == NULL) {
            return NULL;
        }
        char c = decode_json_text_here(text, at);
        at++;
        if (c == close) {
            return at;
        }
        if (c != ',') {
            return NULL;
        }
    }
}

const uint32_t *decode_json_text_skip(const JsonText *text, const uint32_t *at, int depth)
{
    char c = decode_json_text_here(text, at);
    if (c == '"') {
        return skip_string(text, at);
    }
    if (c == '{' || c == '[') {
        return depth > JSON_DEPTH_MAX ? NULL : skip_nested(text, at, depth);
    }
    uint32_t unused;
    if (decode_json_text_short_int(text, at, &unused) ||
        decode_json_text_scalar(text, at, &unused) != JSON_INVALID) {
        return at + 1;
    }
    return NULL;
}

// Copies a string with its quotes; `quote` opens and closes it. Returns the position behind it.
static const char *requote_string(const char *p, const char *end, char quote, Buffer *out)
{
    buffer_append_char(out, '"');
    for (p++; p < end && *p != quote; p++) {
        if (*p == '\\' && p + 1 < end) {
            if (p[1] != '\'') {
                buffer_append_char(out, '\\');
            }
            buffer_append_char(out, *++p);
        } else if (*p == '"') {
            buffer_append_text(out, "\\\"");
        } else {
            buffer_append_char(out, *p);
        }
    }
    if (p < end) {
        buffer_append_char(out, '"');
        p++;
    }
    return p;
}

void decode_json_text_requote(Slice line, Buffer *out)
{
    buffer_reset(out);
    const char *end = line.data + line.size;
    for (const char *p = line.data; p < end;) {
        if (*p == '"' || *p == '\'') {
            p = requote_string(p, end, *p, out);
        } else {
            buffer_append_char(out, *p++);
        }
    }
    buffer_append_char(out, '\n');
}
