// decode.h -- text records (JSON lines, CSV, plain text) into typed columns, on all cores.
//
// A DecodeTable is a DuckDB table function name() with a fixed schema. Before a statement runs, it
// is given the inputs of the batch (files or bytes in memory); each thread takes a unit of about
// a quarter of a megabyte, whole lines, and decodes only the columns the statement uses, straight
// into DuckDB's vectors.
//
//     inputs  [ file 0 | file 1 ............ | memory 2 ]
//     units   [   1    |  2   |   3   |   4  |    5     ]   taken by threads in this order
//
// Malformed records follow Spark's modes and are counted:
//   PERMISSIVE     fields that cannot be read are NULL; the record's text goes into the column
//                  named corrupt_column, when the schema has one (default _corrupt_record)
//   DROPMALFORMED  the record is left out
//   FAILFAST       the statement fails, naming file and line
// For CSV a row with too few or too many fields is malformed, as in Spark; for JSON a line that is
// not an object, or a field of the wrong type. Only columns that the statement uses are looked at,
// but wrong JSON syntax anywhere in a record, and the number of CSV fields, always count.
// Otherwise Spark's CSV and JSON reader: empty CSV fields are NULL, header lines are skipped.
//
// The corrupt column and file_path_column are filled in, not decoded; CSV lines have no such field.
// Lines end with \n or \r\n. A line longer than 64 MB is malformed.
// Threads: set and counts only while no statement uses the table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duck.h"

typedef enum DecodeFormat {
    DECODE_JSON,
    DECODE_CSV,
    DECODE_TEXT, // one STRING column per line
} DecodeFormat;

typedef enum DecodeMode {
    DECODE_PERMISSIVE,
    DECODE_DROPMALFORMED,
    DECODE_FAILFAST,
} DecodeMode;

typedef struct DecodeOptions {
    DecodeFormat format;
    DecodeMode mode;
    const char *corrupt_column;   // NULL: _corrupt_record
    const char *file_path_column; // gets the input's path; NULL: none
    bool exact_names;             // JSON: keys differ by case; else only when both forms are there
    bool header;                  // CSV: the first line of each input is names, not data
    const char *separator;        // CSV: NULL is ","; one or more bytes
    char quote;                   // CSV: 0 is '"'
    char escape;                  // CSV: 0 is '\\', Spark's default
    const char *comment;          // CSV: NULL none
    const char *null_value;       // CSV: NULL is ""; a quoted "" is then NULL too, as in Spark
    bool trim_leading;            // CSV: ignoreLeadingWhiteSpace
    bool trim_trailing;           // CSV: ignoreTrailingWhiteSpace
    const char *date_format;      // NULL: ISO as Spark reads it; else duck/decode_pattern.h
    const char *timestamp_format; // the same
} DecodeOptions;

typedef struct DecodeInput {
    const char *path; // a file, or NULL and `memory`
    Slice memory;
    int64_t size_bytes; // of the file, as planned: bytes appended later are not read
} DecodeInput;

typedef struct DecodeCounts {
    int64_t rows;      // records seen, malformed ones included
    int64_t malformed; // records that were malformed (kept or dropped)
} DecodeCounts;

typedef struct DecodeTable DecodeTable;

// The table lives until decode_table_destroy; `schema` and `options` are copied. ERROR_INPUT names
// a column whose type the format cannot have, or what is wrong with an option.
MUST_USE bool decode_table_create(DuckConn *conn, const char *name, const Schema *schema,
                                  const DecodeOptions *options, DecodeTable **table, Error *err);
void decode_table_destroy(DecodeTable *table); // only after the last statement that used it
// Inputs are borrowed until the next set.
void decode_table_set(DecodeTable *table, const DecodeInput *inputs, size_t input_count);
DecodeCounts decode_table_counts(const DecodeTable *table); // since the last set
