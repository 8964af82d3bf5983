// delta_stats.h -- the statistics of a data file as Delta's JSON text [1.13].
//
// They come from DuckDB's COPY ... RETURN_STATS: per leaf column null_count, min and max as text.
// A bound may always be left out, and is when it would be wrong: float columns with a NaN, text
// that is not cut at a character, times outside years 0 to 9999, booleans and binary (Spark has
// none). Wrong bounds lose rows in other engines, so doubt means none.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/type.h"
#include "duck/duck.h"

// One row of RETURN_STATS.
typedef struct DeltaFileStats {
    int64_t row_count;
    DuckColumn columns; // MAP(VARCHAR, MAP(VARCHAR, VARCHAR))
    uint64_t row;
    bool skip_floats; // NaN seen: no bounds for FLOAT and DOUBLE
} DeltaFileStats;

// `schema` holds the columns that are in the file, with their names there.
void delta_stats_print(const DeltaFileStats *stats, const Schema *schema, Buffer *out);
// A column that holds an infinite date or time (which Parquet readers take for a number), or NULL.
const char *delta_stats_find_infinite(const DeltaFileStats *stats, const Schema *schema);

// The first 32 characters of a text, or the least text that is greater than every text with that
// beginning; false: none. Characters are counted as UTF-16 does.
bool delta_stats_cut_min(Slice text, Buffer *out);
bool delta_stats_cut_max(Slice text, Buffer *out);
// "2024-01-01 00:00:00.0005[+00]" to milliseconds, ISO; up: rounded up. False: not representable.
bool delta_stats_time(Slice text, bool up, bool zoned, char out[32]);
