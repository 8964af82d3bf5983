// decode_read.h -- the bytes of the inputs, cut into units and these into blocks of whole lines.
//
//     inputs   [ file 0 ..................... ][ file 1 ][ memory 2 ][ memory 3 ]
//     units    [ 256 kB  ][ 256 kB ][  rest   ][   3    ][          4           ]
//     blocks   [16 k][16 k]...                              lines never span blocks
//
// A line belongs to the unit in which it starts, so a unit reads past its end to finish its last
// line and begins behind the first newline (unless it starts its input). Files are read with
// pread into the reader's own buffer, never mapped: a file that shrinks is an error, not a signal.
// Lines of memory inputs are decoded where they are; small inputs share one unit.
//
// A block ends with a newline (the reader adds the one that the last line of an input lacks).
// A line longer than READ_LINE_MAX is given in its beginning, with `is_cut`.
// A Reader belongs to one thread; a plan is immutable and shared.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/decode.h"

enum {
    READ_UNIT_BYTES = 256 * 1024,
    READ_BLOCK_BYTES = 16 * 1024,
    READ_LINE_MAX = 64 * 1024 * 1024,
    READ_CUT_BYTES = 4096, // what is given of a line that is too long
};

typedef struct ReadUnit {
    size_t input;
    size_t input_count; // more than one: small memory inputs
    int64_t start;      // of one input
    int64_t end;
} ReadUnit;

typedef struct ReadPlan {
    const DecodeInput *inputs;
    ReadUnit *units;
    size_t count;
    size_t capacity;
} ReadPlan;

typedef struct ReadBlock {
    Slice text;               // whole lines
    const char *readable_end; // bytes up to here may be read
    bool is_input_start;      // the first line is the first of its input
    bool is_cut;              // one line, cut short
} ReadBlock;

typedef struct Reader {
    const ReadPlan *plan;
    const ReadUnit *unit;
    char *buffer;
    size_t capacity;
    Slice rest;               // of the unit, not yet given
    const char *readable_end; // of `rest`
    const char *origin;       // where byte `origin_offset` of the input lies
    int64_t origin_offset;
    bool at_input_start;
    bool is_cut;
    Buffer tail; // a last line of memory with the newline it lacks
} Reader;

// `apart`: each input has its own unit, because its first line is a header.
void decode_read_plan(ReadPlan *plan, Arena *arena, const DecodeInput *inputs, size_t count,
                      bool apart);
void decode_read_done(Reader *reader);
// Starts a unit. A missing or shrunken file is ERROR_RETRY.
MUST_USE bool decode_read_unit(Reader *reader, const ReadUnit *unit, Error *err);
// The next block of the unit; false: none left.
bool decode_read_block(Reader *reader, ReadBlock *block);
// "path:line 12" of the record that starts at `at` in the current block, for messages.
void decode_read_where(const Reader *reader, const char *at, Buffer *out);
