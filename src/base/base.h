// base.h -- the words every file uses: slices, time, result attributes.
//
// Header only, no allocation. Everything in the tree includes this first.
//
// A Slice is borrowed bytes: it never owns, is not NUL-terminated, and says nothing about who
// frees. Time is integer microseconds since 1970-01-01 UTC (TimeUs); a duration is TimeUs too.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_LEN(a)             (sizeof(a) / sizeof((a)[0]))
#define MUST_USE                 __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

typedef int64_t TimeUs;

enum {
    TIME_MS = 1000,
    TIME_SECOND = 1000000,
};
#define TIME_MINUTE (60 * (TimeUs)TIME_SECOND)
#define TIME_HOUR   (60 * TIME_MINUTE)
#define TIME_DAY    (24 * TIME_HOUR)
#define TIME_NEVER  INT64_MAX // a deadline that does not come
#define TIME_MIN    INT64_MIN // before every event

typedef struct Slice {
    const char *data;
    size_t size;
} Slice;

static inline Slice slice_of(const char *text)
{
    return (Slice){text, text == NULL ? 0 : strlen(text)};
}

static inline bool slice_equal(Slice a, Slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_is(Slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool slice_equal_nocase(Slice a, Slice b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

// ASCII case is ignored, as Spark does for names, options and keywords.
static inline bool text_equal_nocase(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        if (ascii_lower(*a) != ascii_lower(*b)) {
            return false;
        }
    }
    return *a == *b;
}

// Printf arguments for a slice: printf("%.*s", SLICE_ARG(s)).
#define SLICE_ARG(s) (int)(s).size, (s).data
