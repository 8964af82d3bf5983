// decode_json_text.h -- tokens of indexed JSON: what decode_json.c walks over.
//
// A walk is a pointer into the positions: at[0] is the current token, at[1] the next. Functions
// that step return the pointer behind what they stepped over, NULL for wrong syntax.
//
// A text ends with a newline, which is also where the three entries behind the last position
// point; `limit` is the newline of the current line. A token at or behind the limit reads as a
// newline, which matches nothing, so that a walk never leaves its line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/decode_simd.h"

#include "base/buffer.h"

enum { JSON_DEPTH_MAX = 1000 }; // as Jackson

typedef struct JsonText {
    const char *base;
    uint32_t size;
    uint32_t limit;
    uint32_t *positions;
    uint32_t count;
    bool has_backslash;
    const char *readable_end;
} JsonText;

typedef enum JsonScalar {
    JSON_INVALID,
    JSON_INT,
    JSON_FRACTION, // a number with a point or an exponent
    JSON_NAMED,    // NaN, Infinity, +INF ... without quotes
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
} JsonScalar;

// False: the text has no index (not UTF-8, ...).
bool decode_json_text_open(JsonText *text, DecodeIndex *index, const char *data, size_t size,
                           const char *readable_end);

// The scalar at `at`; *end is the offset behind it.
JsonScalar decode_json_text_scalar(const JsonText *text, const uint32_t *at, uint32_t *end);
// Checks and steps over the value at `at`.
const uint32_t *decode_json_text_skip(const JsonText *text, const uint32_t *at, int depth);
// Steps over the string at `at`. Escapes are resolved into `scratch`.
const uint32_t *decode_json_text_string(const JsonText *text, const uint32_t *at, Buffer *scratch,
                                        Slice *value, const char **readable_end);
// Rewrites 'single quoted' strings of a line with double quotes.
void decode_json_text_requote(Slice line, Buffer *out);

static inline char decode_json_text_here(const JsonText *text, const uint32_t *at)
{
    return *at < text->limit ? text->base[*at] : '\n';
}

static inline uint64_t decode_json_text_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

// A number of one to eight digits right before the next token, without a loop to mispredict.
// False: something else, or not readable this way.
static inline bool decode_json_text_short_int(const JsonText *text, const uint32_t *at,
                                              uint32_t *value)
{
    uint32_t size = at[1] - at[0];
    const char *start = text->base + at[0];
    if (size - 1 > 7 || start + 8 > text->readable_end || (*start == '0' && size > 1)) {
        return false;
    }
    // Digits move to the end of the word, '0's fill its beginning.
    unsigned bits = size * 8;
    uint64_t word =
        decode_json_text_word(start) << (64 - bits) | 0x3030303030303030u >> bits / 2 >> bits / 2;
    uint64_t high =
        (word & 0xF0F0F0F0F0F0F0F0u) | ((word + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) >> 4;
    if (high != 0x3333333333333333u) {
        return false;
    }
    word &= 0x0F0F0F0F0F0F0F0Fu;
    word = (word * 10 + (word >> 8)) & 0x00FF00FF00FF00FFu;
    word = (word * 100 + (word >> 16)) & 0x0000FFFF0000FFFFu;
    *value = (uint32_t)(word * 10000 + (word >> 32));
    return true;
}
