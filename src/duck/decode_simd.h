// decode_simd.h -- what tarn takes from C++: simdjson's structural index, and exact float parsing.
//
// The index of a text lists, in order, where each of { } [ ] : , lies outside of strings, where
// each string opens and where each other scalar starts. A text may hold any number of JSON values:
// newlines are plain whitespace to the index, and because a raw newline inside a string is refused,
// the index of many lines is the indexes of its lines, one after the other.
//
//     {"a":12,"b":"x"}        positions of  { " : 1 , " : " }
//
// decode_simd.cc chooses the instruction set when the program runs. An index belongs to one thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct DecodeIndex DecodeIndex;

DecodeIndex *decode_simd_create(void);
void decode_simd_destroy(DecodeIndex *index); // NULL is a no-op

// False: not UTF-8, a string without end, or a control character inside a string. The positions
// stay valid until the next call; three entries behind the last belong to the caller.
// The text needs no padding.
bool decode_simd_index(DecodeIndex *index, const char *data, size_t size, uint32_t **positions,
                       uint32_t *count);

bool decode_simd_utf8(const char *data, size_t size);

// Decimal text without sign '+', blanks or names, nearest value; too large is infinity, too small
// is zero. False: not a number from the first to the last byte.
bool decode_simd_double(const char *data, size_t size, double *value);
bool decode_simd_float(const char *data, size_t size, float *value);

#ifdef __cplusplus
}
#endif
