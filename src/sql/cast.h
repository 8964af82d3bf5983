// cast.h -- text and values of any type to Spark's types, as CAST does in ANSI mode.
//
// The parse functions return false when the text is not of that type; the read functions fill err
// ([CAST_INVALID_INPUT], [CAST_OVERFLOW]) instead. Times are UTC.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duck.h"

Slice cast_trim(Slice text); // without whitespace and control characters around it
bool cast_parse_bigint(Slice text, int64_t *value);
bool cast_parse_double(Slice text, double *value);
bool cast_parse_boolean(Slice text, bool *value);
// "2024-3-9", "2024-03", "2024", with anything after a blank or T.
bool cast_parse_date(Slice text, int64_t *days);
// has_zone: a zone at the end (Z, +02:00, UTC) moves the time; else it is ignored.
bool cast_parse_timestamp(Slice text, bool has_zone, int64_t *micros);
// "Z", "UTC", "+2", "-03:30", "+05:30:15", "UTC+1"
bool cast_parse_zone(Slice text, int64_t *offset_micros);

MUST_USE bool cast_read_bigint(const DuckColumn *column, uint64_t row, int64_t *value, Error *err);
MUST_USE bool cast_read_double(const DuckColumn *column, uint64_t row, double *value, Error *err);
MUST_USE bool cast_read_date(const DuckColumn *column, uint64_t row, int64_t *days, Error *err);
MUST_USE bool cast_read_timestamp(const DuckColumn *column, uint64_t row, int64_t *micros,
                                  Error *err);
MUST_USE bool cast_read_boolean(const DuckColumn *column, uint64_t row, bool *value, Error *err);
// [CAST_INVALID_INPUT] with the value and the type it should become; returns false.
bool cast_fail(const DuckColumn *column, uint64_t row, const char *target, Error *err);
