// decode_line.c -- lines of a block; repair of what is not UTF-8.
// SPDX-License-Identifier: Apache-2.0
#include "duck/decode_line.h"

#include "duck/decode_simd.h"

void decode_line_load(LineCursor *cursor, const ReadBlock *block)
{
    cursor->block = *block;
    cursor->at = 0;
    cursor->is_valid = decode_simd_utf8(block->text.data, block->text.size);
}

void decode_line_done(LineCursor *cursor)
{
    buffer_done(&cursor->repaired);
}

bool decode_line_next(LineCursor *cursor, Slice *line, Slice *source, const char **readable_end)
{
    Slice text = cursor->block.text;
    if (cursor->at >= text.size) {
        return false;
    }
    const char *start = text.data + cursor->at;
    const char *newline = memchr(start, '\n', text.size - cursor->at);
    size_t size = newline == NULL ? text.size - cursor->at : (size_t)(newline - start);
    cursor->at += size + 1;
    size -= size > 0 && start[size - 1] == '\r';
    *source = *line = (Slice){start, size};
    *readable_end = cursor->block.readable_end;
    if (!cursor->is_valid) {
        *line = decode_line_repair(*line, &cursor->repaired);
        *readable_end = line->data == start ? *readable_end : NULL;
    }
    return true;
}

// How many bytes at p form one character; 0 when they do not, then *bad is how many to replace.
static size_t character_size(const unsigned char *p, size_t left, size_t *bad)
{
    unsigned lead = p[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    *bad = 1;
    if (size == 0 || lead > 0xF4) {
        return 0;
    }
    // The second byte's range keeps out overlong forms, surrogates and codes above U+10FFFF.
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (size_t i = 1; i < size; i++) {
        if (i >= left || p[i] < low || p[i] > high) {
            *bad = i;
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return size;
}

Slice decode_line_repair(Slice text, Buffer *out)
{
    if (decode_simd_utf8(text.data, text.size)) {
        return text;
    }
    buffer_reset(out);
    const unsigned char *p = (const unsigned char *)text.data;
    for (size_t i = 0; i < text.size;) {
        size_t bad;
        size_t size = character_size(p + i, text.size - i, &bad);
        if (size > 0) {
            buffer_append_bytes(out, p + i, size);
            i += size;
        } else {
            buffer_append_bytes(out, "\xEF\xBF\xBD", 3);
            i += bad;
        }
    }
    return buffer_slice(out);
}
