// decode_json_text.h -- tokens of indexed JSON: what decode_json.c walks over.
//
// A JsonText stands at positions[at]. Its text ends with a newline, which is also where the three
// entries behind the last position point: a walk that runs out of tokens meets the newline, which
// matches nothing, and stops. `limit` is the newline of the current line; no token lies behind it.
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
    uint32_t at;
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

// The scalar that starts at the current position; *end is the offset behind it.
JsonScalar decode_json_text_scalar(const JsonText *text, uint32_t *end);
// Checks and steps over the value at the current position.
bool decode_json_text_skip(JsonText *text, int depth);
// Steps over the string at the current position. Escapes are resolved into `scratch`.
bool decode_json_text_string(JsonText *text, Buffer *scratch, Slice *value,
                             const char **readable_end);
// Rewrites 'single quoted' strings of a line with double quotes.
void decode_json_text_requote(Slice line, Buffer *out);

// The character of the current token; a newline when the line has no more.
static inline char decode_json_text_here(const JsonText *text)
{
    uint32_t position = text->positions[text->at];
    return position < text->limit ? text->base[position] : '\n';
}
