// decode_line.h -- the lines of a block, always as valid UTF-8.
//
// Bytes that are not UTF-8 become U+FFFD, as when Java decodes text. A block is checked at once;
// only when it is bad are its lines checked and, where needed, copied.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/decode_read.h"

typedef struct LineCursor {
    ReadBlock block;
    size_t at;
    bool is_valid; // the block is UTF-8 throughout
    Buffer repaired;
} LineCursor;

void decode_line_load(LineCursor *cursor, const ReadBlock *block);
// The next line without \n or \r\n; it lives until the next call. `source` is where it lies in the
// block (the same, unless it was repaired).
bool decode_line_next(LineCursor *cursor, Slice *line, Slice *source, const char **readable_end);
void decode_line_done(LineCursor *cursor);

// The text itself when it is UTF-8, else a repaired copy in `out`.
Slice decode_line_repair(Slice text, Buffer *out);
