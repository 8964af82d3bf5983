// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool error_set(Error *err, ErrorKind kind, const char *file, int line, const char *format, ...)
{
    // The arguments may point into the old message (rewording), so format into a copy first.
    char message[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    err->kind = kind;
    err->file = file;
    err->line = line;
    memcpy(err->message, message, sizeof message);
    return false;
}

bool fail_context(Error *err, const char *format, ...)
{
    char message[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (size >= 0 && (size_t)size < sizeof message) {
        snprintf(message + size, sizeof message - (size_t)size, ": %s", err->message);
    }
    memcpy(err->message, message, sizeof message);
    return false;
}

static ErrorKind kind_of_errno(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case EROFS:
    case EACCES:
    case EPERM:
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOENT:
    case ECONNREFUSED:
        return ERROR_RETRY;
    default:
        return ERROR_FAILED;
    }
}

bool fail_errno(Error *err, const char *format, ...)
{
    int code = errno;
    char what[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return fail(err, kind_of_errno(code), "%s: %s", what, strerror(code));
}

int error_exit_code(ErrorKind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return 0;
    case ERROR_INPUT:
        return 2;
    case ERROR_RETRY:
        return 3;
    case ERROR_CORRUPT:
        return 4;
    default:
        return 1;
    }
}
