// decode_pattern.h -- dates and timestamps written to a pattern (Spark's dateFormat option).
//
// A pattern is compiled once and matched against whole texts. Letters: y M d H h m s S a X x Z in
// their numeric forms, text in single quotes, [optional sections], other characters as they are.
// Letters beyond these (names of months and days, zone names, weeks) are refused by name.
// Parts that the pattern lacks are 1970, January, the 1st, 0 o'clock.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "duck/decode_value.h"

typedef struct DecodePattern DecodePattern; // immutable, in the arena; may be shared by threads

// `option` names the pattern in messages, e.g. "timestampFormat".
MUST_USE bool decode_pattern_compile(Arena *arena, const char *option, const char *text,
                                     DecodePattern **pattern, Error *err);
bool decode_pattern_date(const DecodePattern *pattern, Slice text, int32_t *days);
// `zoned` as in decode_value_timestamp.
bool decode_pattern_timestamp(const DecodePattern *pattern, Slice text, bool zoned,
                              int64_t *micros);
