// check.h -- the whole of tarn's unit test framework: CHECK(condition), and a closing line.
// A test program is a main() that calls its tests and returns check_done().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdio.h>
#include <string.h>

static int check_passed;
static int check_failed;
static int check_skipped;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (condition) {                                                                           \
            check_passed++;                                                                        \
        } else {                                                                                   \
            check_failed++;                                                                        \
            fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #condition);          \
        }                                                                                          \
    } while (0)

#define CHECK_TEXT(actual, expected)                                                               \
    do {                                                                                           \
        const char *check_a = (actual);                                                            \
        const char *check_e = (expected);                                                          \
        if (check_a != NULL && strcmp(check_a, check_e) == 0) {                                    \
            check_passed++;                                                                        \
        } else {                                                                                   \
            check_failed++;                                                                        \
            fprintf(stderr, "%s:%d: got      \"%s\"\n%*sexpected \"%s\"\n", __FILE__, __LINE__,    \
                    check_a == NULL ? "(null)" : check_a, 4, "", check_e);                         \
        }                                                                                          \
    } while (0)

// What cannot be checked here is counted, and says why.
static inline void check_skip(const char *reason)
{
    printf("skipped: %s\n", reason);
    check_skipped++;
}

static inline int check_done(void)
{
    printf("%d passed, %d failed", check_passed, check_failed);
    if (check_skipped > 0) {
        printf(", %d skipped", check_skipped);
    }
    printf("\n");
    return check_failed != 0;
}
