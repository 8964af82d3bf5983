// error.h -- how a function says that it failed.
//
// A function that can fail returns bool, takes `Error *err` last, and is MUST_USE:
// false <=> *err filled; true <=> *err untouched. A failing function reads
//
//     return fail(err, ERROR_INPUT, "no table '%s'", name);
//
// The Error lives on the caller's stack. Its kind says what the caller should do, not what went
// wrong; the message is user interface: what, where, what to do. Context is added once per layer
// with fail_context(), so that a message reads "flow 'hits': source 'clicks': open /x: No such
// file". Messages longer than ERROR_MESSAGE_MAX are cut at the end, never overflowed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

typedef enum ErrorKind {
    ERROR_NONE,
    ERROR_INPUT, // the user's SQL, option, configuration or row is wrong: report, never retry
    ERROR_RETRY, // the outside world said "not now" (disk full, server away): back off, call again
    ERROR_CONFLICT, // someone else committed first: read their state, then again
    ERROR_CORRUPT,  // durable bytes are damaged: stop and name the file, exit code 4
    ERROR_FAILED,   // it broke and a retry will not help: stop this flow
    ERROR_CRASH,    // a test's fault point fired: unwind without touching anything durable
} ErrorKind;

enum { ERROR_MESSAGE_MAX = 4096 };

typedef struct Error {
    ErrorKind kind;
    const char *file; // where in tarn's code; shown only with --verbose
    int line;
    char message[ERROR_MESSAGE_MAX];
} Error;

// Fills *err and returns false.
#define fail(err, kind, ...) error_set((err), (kind), __FILE__, __LINE__, __VA_ARGS__)

bool error_set(Error *err, ErrorKind kind, const char *file, int line, const char *format, ...)
    PRINTF_LIKE(5, 6);

// Puts "<context>: " before the message of a filled error. Returns false.
bool fail_context(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

// From errno: ENOSPC, EDQUOT, EIO on open, EROFS, EACCES, EAGAIN ... are RETRY (the cause may go
// away); anything else FAILED. The text is "<what>: <strerror>". Returns false.
bool fail_errno(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

// 0 ok, 2 input, 3 unreachable (RETRY given up), 4 corrupt, 1 anything else.
int error_exit_code(ErrorKind kind);
