// prelude_internal.h -- Spark's functions that are C, in tables by group.
//
// Types in letters: b boolean, y tinyint, h smallint, i int, l bigint, f float, d double,
// c decimal(8,6), s string, x binary, D date, T timestamp, N timestamp_ntz; in arguments '*' at the
// end stands for any number of further ones of any type. Functions see no NULL unless they say so.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duck.h"

typedef enum PreludeFlags {
    PRELUDE_PLAIN = 0,
    PRELUDE_NULLS = 1, // called for NULLs too
} PreludeFlags;

typedef struct PreludeFunction {
    const char *name;
    const char *arguments;
    char result;
    PreludeFlags flags;
    DuckScalarFn function;
    const void *context;
} PreludeFunction;

typedef struct PreludeGroup {
    const PreludeFunction *functions;
    size_t count;
} PreludeGroup;

extern const PreludeGroup prelude_casts;
extern const PreludeGroup prelude_numbers;
extern const PreludeGroup prelude_decimals;
extern const PreludeGroup prelude_strings;
extern const PreludeGroup prelude_formats;
extern const PreludeGroup prelude_times;
extern const PreludeGroup prelude_patterns;
extern const PreludeGroup prelude_json;
extern const PreludeGroup prelude_hashes;
extern const PreludeGroup prelude_collections;
extern const PreludeGroup prelude_urls;
extern const PreludeGroup prelude_json_schemas;

// CREATE MACRO statements, NULL-terminated.
extern const char *const prelude_macros[];

// Code points: the one at text[*at], moving *at behind it.
uint32_t prelude_code_point(Slice text, size_t *at);
void prelude_append_code_point(Buffer *out, uint32_t code);
// Byte offset of the `count`-th code point (or the end).
size_t prelude_offset(Slice text, int64_t count);
int64_t prelude_length(Slice text);
