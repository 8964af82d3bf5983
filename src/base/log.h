// log.h -- messages for people, on stderr.
//
// Only engine/ and cli/ log; everything below returns errors. A message is one line; lines from
// several threads do not mix. Control characters of data are shown as '?', so that rows cannot
// drive the user's terminal, and registered secrets are shown as ***.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

typedef enum LogLevel {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
} LogLevel;

void log_set_level(LogLevel level);
void log_write(LogLevel level, const char *format, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

// A value that must never be printed; at most 64 of them, shorter than 4 bytes ignored.
void secret_register(Slice value);
// Replaces every registered secret in text by ***, in place (it only gets shorter or equal).
void secret_mask(char *text);
