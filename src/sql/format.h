// format.h -- values and result tables as Spark prints them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duck.h"

// CAST(value AS STRING): dates, timestamps in `zone_offset` UTC, 1.0E10, {a, b}, [1, 2], {k -> v}.
// NULL inside nested values is "NULL" as in Spark ("null" for top-level show()).
void format_value(const DuckColumn *column, uint64_t row, Buffer *out);
// to_json: for json and jsonl output, NULLs included.
void format_json(const DuckColumn *column, uint64_t row, Buffer *out);
// One row as a JSON object.
void format_json_row(const DuckRows *rows, size_t chunk, uint64_t row, Buffer *out);

typedef struct ShowOptions {
    int64_t max_rows; // < 0: all; more rows add "only showing top N rows"
    int truncate;     // 0: never; cells longer than this many characters end in "..."
} ShowOptions;
// Spark's show(): +---+ frames, right-aligned when truncating (left when not), widths in characters
// with East Asian wide ones counted as two, at least 3; NULL is "NULL".
void format_show(const DuckRows *rows, ShowOptions options, Buffer *out);
void format_csv(const DuckRows *rows, Buffer *out); // header; NULL empty, "" quoted
void format_markdown(const DuckRows *rows, Buffer *out);
void format_jsonl(const DuckRows *rows, Buffer *out);
void format_json_array(const DuckRows *rows, Buffer *out);
