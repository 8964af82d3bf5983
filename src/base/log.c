// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECRET_MAX = 64, SECRET_MIN_SIZE = 4, LINE_MAX_BYTES = 8192 };

static LogLevel threshold = LOG_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *secrets[SECRET_MAX];
static size_t secret_count;

void log_set_level(LogLevel level)
{
    threshold = level;
}

void log_write(LogLevel level, const char *format, ...)
{
    static const char *const prefixes[] = {"error: ", "warning: ", "", ""};
    if (level > threshold) {
        return;
    }
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    secret_mask(text);
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') {
            *c = '?';
        }
    }
    fprintf(stderr, "%s%s\n", prefixes[level], text); // stdio locks the stream: lines do not mix
}

void secret_register(Slice value)
{
    if (value.size < SECRET_MIN_SIZE) {
        return;
    }
    pthread_mutex_lock(&lock);
    if (secret_count < SECRET_MAX) {
        secrets[secret_count] = strndup(value.data, value.size);
        secret_count += secrets[secret_count] != NULL;
    }
    pthread_mutex_unlock(&lock);
}

void secret_mask(char *text)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < secret_count; i++) {
        size_t size = strlen(secrets[i]);
        for (char *at = strstr(text, secrets[i]); at != NULL; at = strstr(at + 3, secrets[i])) {
            memcpy(at, "***", 3);
            memmove(at + 3, at + size, strlen(at + size) + 1);
        }
    }
    pthread_mutex_unlock(&lock);
}
