// column.h -- values in DuckDB's chunks: reading results and arguments, writing results.
//
//     DuckRows  = chunks of up to 2,048 rows; a chunk = one DuckColumn per column
//
//     row:        0    1    2               ARRAY    data: {offset, length} into child 0
//     data      [ 7 |  ?  | 9 ]             MAP      the same; child 0 keys, child 1 values
//     validity    1    0    1               STRUCT   no data; child i is field i
//
// Columns are DuckDB's own memory: nothing is copied. They are valid while their DuckRows (or the
// callback that got them) lives. Reading is safe from several threads; writing is the owner's.
// duck.h includes this.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/type.h"

typedef struct DuckRows DuckRows;

// ---- reading -------------------------------------------------------------------------------

// One column of one chunk. Cheap to copy; valid while its DuckRows (or callback) lives.
typedef struct DuckColumn {
    void *vector; // duckdb_vector
    const Type *type;
    void *data;
    uint64_t *validity; // NULL: no NULLs
} DuckColumn;

const Schema *duck_rows_schema(const DuckRows *rows);
uint64_t duck_rows_count(const DuckRows *rows);
size_t duck_rows_chunk_count(const DuckRows *rows);
uint64_t duck_rows_chunk_size(const DuckRows *rows, size_t chunk);
DuckColumn duck_rows_column(const DuckRows *rows, size_t chunk, size_t column);
void duck_rows_destroy(DuckRows *rows);

bool duck_is_null(const DuckColumn *column, uint64_t row);
int64_t duck_int(const DuckColumn *column, uint64_t row);   // integers, BOOLEAN, DATE, TIMESTAMPs
double duck_double(const DuckColumn *column, uint64_t row); // FLOAT, DOUBLE
__int128 duck_decimal(const DuckColumn *column, uint64_t row); // unscaled; also HUGEINT
Slice duck_text(const DuckColumn *column, uint64_t row);       // STRING, BINARY
// ARRAY and MAP: the entries [offset, offset + length) of the child column(s).
void duck_list(const DuckColumn *column, uint64_t row, uint64_t *offset, uint64_t *length);
// ARRAY: child 0 is the elements; MAP: child 0 keys, child 1 values; STRUCT: child i is field i.
DuckColumn duck_child(const DuckColumn *column, size_t index);

// First value of the first row; convenience for control queries. *is_null when there is none.
int64_t duck_rows_int(const DuckRows *rows, size_t column, bool *is_null);

// ---- writing -------------------------------------------------------------------------------
// All rows start out not NULL.

// A STRUCT becomes NULL with its fields; an ARRAY or MAP gets no entries.
void duck_set_null(DuckColumn *column, uint64_t row);
void duck_set_int(DuckColumn *column, uint64_t row, int64_t value);
void duck_set_double(DuckColumn *column, uint64_t row, double value);
void duck_set_decimal(DuckColumn *column, uint64_t row, __int128 unscaled);
// Bytes of a STRING that are not UTF-8 become U+FFFD, as in Java.
void duck_set_text(DuckColumn *column, uint64_t row, Slice value);
// Makes row's list of `length` entries at the end of the child; returns the offset of the first.
// Children must be fetched again with duck_child afterwards (the child may have moved).
uint64_t duck_set_list(DuckColumn *column, uint64_t row, uint64_t length);
bool duck_text_is_valid(Slice text); // UTF-8
