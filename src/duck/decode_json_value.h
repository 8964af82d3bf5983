// decode_json_value.h -- the state of a JSON decoder, and reading one object into slots.
//
// decode_json.c finds records and owns the state; decode_json_value.c walks over one object: keys
// to slots, values to vectors. Only these two include this.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/map.h"
#include "duck/decode_json.h"
#include "duck/decode_json_text.h"

enum { GUESS_KEY_MAX = 48 }; // longer keys are looked up

// A key seen at this place of an object before, with both quotes. `low` and `high` are its first
// 16 bytes.
typedef struct Guess {
    uint64_t low, high;
    uint64_t low_mask, high_mask;
    uint32_t size;
    bool exact;
    DecodeSlot *slot; // NULL: not wanted
    char key[GUESS_KEY_MAX];
} Guess;

struct DecodeFields {
    DecodeSlot *slots;
    size_t count;
    Map *exact;
    Map *any_case; // NULL: exact names only
    Guess *guesses;
    size_t guess_count;
    DecodeFields *next; // all of a decoder, to free their maps
};

struct JsonDecoder {
    JsonText text;
    const uint32_t *at;  // the next record's first token
    const uint32_t *end; // of the text's tokens
    DecodeFields root;
    DecodeFields *all;
    ReadBlock block;
    DecodeIndex *index;
    size_t line_at;   // single lines: where the next one starts in the block
    bool by_line;     // the block has no index as a whole
    bool in_array;    // the current line is an array; `text` stands before its next record
    bool is_requoted; // `text` is a rewritten line, `outer` the block's
    JsonText outer;
    const uint32_t *outer_at;
    DecodeIndex *second_index;
    Slice line;
    Buffer requoted;
    Buffer scratch;
    Buffer key_scratch;
    const DecodeSlot *bad_slot;
    Slice bad_text;
};

// How the keys of an object find the slots, and, for STRUCT columns, their fields'.
void decode_json_value_init(JsonDecoder *decoder, DecodeFields *fields, Arena *arena,
                            DecodeSlot *slots, size_t count, bool exact_names);
void decode_json_value_done(JsonDecoder *decoder);

// Reads the object at `at` into row `row` of the fields; *partial when something did not fit.
// Returns the token behind it, NULL for wrong syntax.
const uint32_t *decode_json_value_object(JsonDecoder *decoder, const uint32_t *at,
                                         DecodeFields *fields, uint64_t row, bool *partial);
