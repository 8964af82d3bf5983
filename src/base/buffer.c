// SPDX-License-Identifier: Apache-2.0
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buffer_done(Buffer *buffer)
{
    free(buffer->data);
    *buffer = (Buffer){0};
}

void buffer_reset(Buffer *buffer)
{
    buffer->size = 0;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

void buffer_reserve(Buffer *buffer, size_t more)
{
    size_t needed = buffer->size + more + 1;
    if (needed <= buffer->capacity) {
        return;
    }
    size_t capacity = buffer->capacity == 0 ? 256 : buffer->capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    buffer->data = data;
    buffer->capacity = capacity;
}

void buffer_append_bytes(Buffer *buffer, const void *data, size_t size)
{
    buffer_reserve(buffer, size);
    if (size > 0) {
        memcpy(buffer->data + buffer->size, data, size);
    }
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void buffer_append(Buffer *buffer, Slice bytes)
{
    buffer_append_bytes(buffer, bytes.data, bytes.size);
}

void buffer_append_text(Buffer *buffer, const char *text)
{
    buffer_append_bytes(buffer, text, strlen(text));
}

void buffer_append_char(Buffer *buffer, char c)
{
    buffer_append_bytes(buffer, &c, 1);
}

void buffer_printf(Buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    buffer_reserve(buffer, (size_t)size);
    vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, again);
    va_end(again);
    buffer->size += (size_t)size;
}

void buffer_append_json(Buffer *buffer, Slice text)
{
    buffer_append_char(buffer, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        switch (c) {
        case '"':
            buffer_append_text(buffer, "\\\"");
            break;
        case '\\':
            buffer_append_text(buffer, "\\\\");
            break;
        case '\n':
            buffer_append_text(buffer, "\\n");
            break;
        case '\r':
            buffer_append_text(buffer, "\\r");
            break;
        case '\t':
            buffer_append_text(buffer, "\\t");
            break;
        default:
            if (c < 0x20) {
                buffer_printf(buffer, "\\u%04x", c);
            } else {
                buffer_append_char(buffer, (char)c);
            }
        }
    }
    buffer_append_char(buffer, '"');
}

const char *buffer_text(const Buffer *buffer)
{
    return buffer->data == NULL ? "" : buffer->data;
}

Slice buffer_slice(const Buffer *buffer)
{
    return (Slice){buffer_text(buffer), buffer->size};
}
