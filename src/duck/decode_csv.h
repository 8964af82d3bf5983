// decode_csv.h -- CSV lines, and plain text lines, into slots.
//
// As Spark reads CSV with its default parser and multiLine = false: a record is a line; blank lines
// and comments are skipped; a quoted field may hold separators and, behind the escape character,
// quotes; a quote inside a field that the separator does not follow makes the field verbatim up to
// the next separator. An empty field, and one equal to nullValue, is NULL. Too few fields are NULL
// at the end, too many are dropped, and both make the record partial.
// One thread each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/decode_line.h"
#include "duck/decode_slot.h"

typedef struct CsvDecoder CsvDecoder;

// fields[i] is the slot of the i-th field of a line, NULL when not wanted. Both are borrowed.
CsvDecoder *decode_csv_create(Arena *arena, const DecodeOptions *options, DecodeSlot **fields,
                              size_t field_count);
void decode_csv_destroy(CsvDecoder *decoder); // NULL is a no-op

void decode_csv_load(CsvDecoder *decoder, const ReadBlock *block);
// As decode_json_next. record->line is where the line lies in the block.
bool decode_csv_next(CsvDecoder *decoder, uint64_t row, DecodeRecord *record);
// The next line as it is, also an empty one, into field 0.
bool decode_csv_next_text(CsvDecoder *decoder, uint64_t row, DecodeRecord *record);
