// buffer.h -- growing bytes on the heap, for building text and records.
//
//     Buffer sql = {0};
//     buffer_printf(&sql, "SELECT %s", name);
//     ... buffer_text(&sql) ...
//     buffer_done(&sql);
//
// A zeroed Buffer is a valid empty one. The bytes are always followed by a NUL that is not counted.
// Running out of memory aborts. One owner, one thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

typedef struct Buffer {
    char *data;
    size_t size;
    size_t capacity;
} Buffer;

void buffer_done(Buffer *buffer);  // frees; the buffer is empty and valid again
void buffer_reset(Buffer *buffer); // empties, keeps the memory

void buffer_reserve(Buffer *buffer, size_t more);
void buffer_append(Buffer *buffer, Slice bytes);
void buffer_append_text(Buffer *buffer, const char *text);
void buffer_append_char(Buffer *buffer, char c);
void buffer_append_bytes(Buffer *buffer, const void *data, size_t size);
void buffer_printf(Buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
// A JSON string literal with its quotes; control characters become \u00XX.
void buffer_append_json(Buffer *buffer, Slice text);

const char *buffer_text(const Buffer *buffer); // "" when empty
Slice buffer_slice(const Buffer *buffer);
