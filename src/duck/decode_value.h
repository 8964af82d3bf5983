// decode_value.h -- one text to one typed value, by Spark's rules for reading CSV and JSON.
//
// Pure functions without allocation. False means "cannot be read as that type"; outputs are then
// untouched. Numbers are exact as Java reads them; dates and timestamps are what Spark's CAST
// accepts (`2024`, `2024-3`, `2024-03-09`, `2024-03-09T10:00:00.123456+02:00` ...), with times
// without a zone in UTC. Zones are Z, offsets up to 18 hours, and UTC, GMT or UT with an offset:
// names of regions and times without a date are not read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

// Digits with an optional sign, within [min, max]; no blanks.
bool decode_value_int(Slice text, int64_t min, int64_t max, int64_t *value);
// As Java's parseDouble, without hexadecimal: blanks around, d or f behind, NaN, Infinity.
bool decode_value_double(Slice text, double *value);
bool decode_value_float(Slice text, float *value);
// Rounds half up (away from zero) to `scale`; false when more than `precision` digits remain.
bool decode_value_decimal(Slice text, int precision, int scale, __int128 *unscaled);
bool decode_value_boolean(Slice text, bool *value); // true, false in any case
bool decode_value_date(Slice text, int32_t *days);
// `zoned`: an instant (TIMESTAMP); otherwise wall-clock time, and a zone in the text is refused.
bool decode_value_timestamp(Slice text, bool zoned, int64_t *micros);
// The same, quicker for the usual form on the day read last. Start with a zeroed DecodeDay.
typedef struct DecodeDay {
    char text[10]; // yyyy-mm-dd
    int64_t micros;
} DecodeDay;
bool decode_value_timestamp_near(Slice text, bool zoned, DecodeDay *day, int64_t *micros);
// Standard alphabet, padding optional; `out` has room for 3/4 of the text.
bool decode_value_base64(Slice text, char *out, size_t *out_size);

// What patterns and ISO forms share: checks ranges and joins the parts. offset_seconds is the
// zone's distance from UTC.
typedef struct DecodeTime {
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int micros;
    int offset_seconds;
} DecodeTime;
bool decode_value_join_date(const DecodeTime *time, int32_t *days);
bool decode_value_join(const DecodeTime *time, int64_t *micros);
// Z, +h, +hh, +hh:mm, +hhmm, +hh:mm:ss, UTC+1 ... in full.
bool decode_value_offset(Slice text, int *offset_seconds);
