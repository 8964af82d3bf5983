// row_codec.h -- rows of columns to bytes and back, for keys and values of keyed state.
//
// An encoded row is self-delimiting given its schema: a NULL bitmap, then fixed-width values, then
// variable-width ones with 4-byte lengths. Equal rows encode to equal bytes (so bytes are keys):
// -0.0 is written as 0.0 and every NaN as one NaN, as Spark groups them. All types of base/type.h
// but VOID, INTERVAL and OTHER; nested types recurse. Little-endian. The format is part of the
// checkpoint: changing it means a new version in state/log.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duck.h"

// Appends the encoding of row `row` of the columns.
void row_encode(const DuckColumn *columns, size_t column_count, uint64_t row, Buffer *out);

// Writes an encoded row into row `row` of result columns of the same types. A column whose
// `vector` is NULL is skipped (a scan that does not ask for it); its `type` must be set.
// False (ERROR_CORRUPT) when the bytes do not fit the types.
MUST_USE bool row_decode(Slice bytes, DuckColumn *columns, size_t column_count, uint64_t row,
                         Error *err);
// The size of the encoded row that these bytes begin with. Thus the elements of an encoded
// ARRAY<STRUCT<...>> can be told apart and put together again without decoding them: it is
// count:4, one bit for each element (1: NULL), and the elements as rows of their fields.
MUST_USE bool row_measure(Slice bytes, const Schema *schema, size_t *size, Error *err);
// False with err when a column's type cannot be kept in state.
MUST_USE bool row_check_schema(const Schema *schema, Error *err);
