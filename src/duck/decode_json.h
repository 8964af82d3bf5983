// decode_json.h -- JSON lines into slots.
//
// A block of whole lines is indexed at once (decode_simd.h); each record is then a walk over its
// positions in the index, which checks the grammar of everything and decodes only the wanted keys:
//
//     {"id":7,"page":"/a","ms":12}      wanted: page
//      ^ key like last time? skip   ^ key like last time? decode   ^ skip
//
// Keys mostly come in the same order, so each is compared with the one seen there last time before
// it is looked up. When the index of a block fails (bytes that are not UTF-8, a string without
// end), its lines are indexed one by one, and only the bad ones are malformed.
//
// As Spark 4 reads JSON: 'single quotes' are allowed; NaN and Infinity are numbers; a line with an
// array of objects is several records; what follows a record on its line is ignored; a value that
// is not of the column's type makes the record partial; wrong syntax anywhere makes it broken.
// One thread each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/decode_read.h"
#include "duck/decode_slot.h"

typedef struct JsonDecoder JsonDecoder;

// Keys are matched without case when no key of exactly that name is there, unless exact_names.
JsonDecoder *decode_json_create(Arena *arena, DecodeSlot *slots, size_t slot_count,
                                bool exact_names);
void decode_json_destroy(JsonDecoder *decoder); // NULL is a no-op

void decode_json_load(JsonDecoder *decoder, const ReadBlock *block);
// Decodes the next record into row `row` of the slots; false: the block is used up.
// Slots of a broken record may be half set. record->line lives until the next call.
bool decode_json_next(JsonDecoder *decoder, uint64_t row, DecodeRecord *record);
