// time_pattern.h -- Java's date and time patterns ("yyyy-MM-dd HH:mm:ss[.SSS]"), as Spark uses
// them.
//
// Letters: G y u Q q M L d D E a h H k K m s S V z O X x Z, quoted text, [optional parts].
// Week-based letters (Y w W e c) are refused as Spark does. Names are English, times are UTC.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "base/error.h"

enum { TIME_PATTERN_MAX = 64 };

typedef struct TimeToken {
    char letter; // '\0': literal text; '[' and ']': an optional part
    int count;
    Slice text;
} TimeToken;

typedef struct TimePattern {
    TimeToken tokens[TIME_PATTERN_MAX];
    size_t count;
    Slice source; // as compiled; borrowed
} TimePattern;

// The slice must live as long as the pattern.
MUST_USE bool time_pattern_compile(Slice text, TimePattern *pattern, Error *err);
void time_pattern_format(const TimePattern *pattern, int64_t micros, Buffer *out);
// False when the text does not fit. Fields that are left out are those of 1970-01-01 00:00:00.
bool time_pattern_parse(const TimePattern *pattern, Slice text, int64_t *micros);
