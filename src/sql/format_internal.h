// format_internal.h -- the pieces that format*.c and the prelude's C functions share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "sql/format.h"

typedef struct FormatStyle {
    const char *null_text; // NULL inside nested values
    bool binary_as_hex;    // [41 42], as show() has it; else the bytes as text
} FormatStyle;

// duckdb_interval as it lies in a column.
typedef struct FormatInterval {
    int32_t months;
    int32_t days;
    int64_t micros;
} FormatInterval;
FormatInterval format_read_interval(const DuckColumn *column, uint64_t row);

void format_styled(const DuckColumn *column, uint64_t row, const FormatStyle *style, Buffer *out);
void format_double(double value, Buffer *out); // Java's Double.toString
void format_float(float value, Buffer *out);   // Java's Float.toString
void format_decimal(__int128 unscaled, int scale, Buffer *out);
void format_date(int64_t days, Buffer *out);
void format_timestamp(int64_t micros, Buffer *out); // no trailing zeros, no zone
void format_interval(FormatInterval interval, Buffer *out);
// Java's digits of a finite number != 0: "d...d" and the exponent of the first digit.
int format_digits(double value, bool is_float, char digits[24], int *exponent);
