// format_value.c -- one value as Spark's CAST(... AS STRING) writes it.
//
// Numbers follow Java: a double is the shortest text that reads back the same, plain between 1e-3
// and 1e7, else with an exponent (1.0E10).
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sql/format_internal.h"

enum {
    DOUBLE_SAFE_DIGITS = 15,
    DOUBLE_MAX_DIGITS = 17,
    FLOAT_SAFE_DIGITS = 6,
    FLOAT_MAX_DIGITS = 9
};

static bool reads_back(const char *text, double value, bool is_float)
{
    return is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

int format_digits(double value, bool is_float, char digits[24], int *exponent)
{
    char text[40];
    int most = is_float ? FLOAT_MAX_DIGITS : DOUBLE_MAX_DIGITS;
    int precision = is_float ? FLOAT_SAFE_DIGITS : DOUBLE_SAFE_DIGITS;
    if (fabs(value) < (is_float ? 1e-37 : 1e-300)) {
        precision = 1; // subnormals have fewer digits than the safe ones
    }
    for (;; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, fabs(value));
        if (precision >= most || reads_back(text, fabs(value), is_float)) {
            break;
        }
    }
    int count = 0;
    const char *p = text;
    for (; *p != '\0' && *p != 'e'; p++) {
        if (*p != '.') {
            digits[count++] = *p;
        }
    }
    *exponent = *p == 'e' ? (int)strtol(p + 1, NULL, 10) : 0;
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    digits[count] = '\0';
    return count;
}

static void append_number(double value, bool is_float, Buffer *out)
{
    if (isnan(value)) {
        buffer_append_text(out, "NaN");
        return;
    }
    if (signbit(value)) {
        buffer_append_char(out, '-');
    }
    if (isinf(value)) {
        buffer_append_text(out, "Infinity");
        return;
    }
    if (value == 0) {
        buffer_append_text(out, "0.0");
        return;
    }
    char digits[24];
    int exponent;
    int count = format_digits(value, is_float, digits, &exponent);
    if (exponent < -3 || exponent >= 7) {
        buffer_append_char(out, digits[0]);
        buffer_append_char(out, '.');
        buffer_append_text(out, count > 1 ? digits + 1 : "0");
        buffer_printf(out, "E%d", exponent);
        return;
    }
    if (exponent < 0) {
        buffer_append_text(out, "0.");
        for (int i = -1; i > exponent; i--) {
            buffer_append_char(out, '0');
        }
        buffer_append_text(out, digits);
        return;
    }
    for (int i = 0; i <= exponent; i++) {
        buffer_append_char(out, i < count ? digits[i] : '0');
    }
    buffer_append_char(out, '.');
    buffer_append_text(out, count > exponent + 1 ? digits + exponent + 1 : "0");
}

void format_double(double value, Buffer *out)
{
    append_number(value, false, out);
}

void format_float(float value, Buffer *out)
{
    append_number((double)value, true, out);
}

void format_decimal(__int128 unscaled, int scale, Buffer *out)
{
    char text[48];
    size_t at = sizeof text;
    unsigned __int128 rest =
        unscaled < 0 ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    int written = 0;
    do {
        if (written == scale && scale > 0) {
            text[--at] = '.';
        }
        text[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
        written++;
    } while (rest != 0 || written <= scale);
    if (unscaled < 0) {
        text[--at] = '-';
    }
    buffer_append(out, (Slice){text + at, sizeof text - at});
}

void format_date(int64_t days, Buffer *out)
{
    int year;
    int month;
    int day;
    time_civil(days, &year, &month, &day);
    if (year > 9999) {
        buffer_append_char(out, '+');
    }
    if (year < 0) {
        buffer_printf(out, "-%04d-%02d-%02d", -year, month, day);
    } else {
        buffer_printf(out, "%04d-%02d-%02d", year, month, day);
    }
}

static void append_fraction(int64_t micros, Buffer *out)
{
    if (micros == 0) {
        return;
    }
    char text[16];
    int size = snprintf(text, sizeof text, ".%06d", (int)micros);
    while (text[size - 1] == '0') {
        size--;
    }
    buffer_append(out, (Slice){text, (size_t)size});
}

void format_timestamp(int64_t micros, Buffer *out)
{
    int64_t days = micros / TIME_DAY;
    int64_t rest = micros % TIME_DAY;
    if (rest < 0) {
        rest += TIME_DAY;
        days--;
    }
    format_date(days, out);
    buffer_printf(out, " %02d:%02d:%02d", (int)(rest / TIME_HOUR), (int)(rest / TIME_MINUTE % 60),
                  (int)(rest / TIME_SECOND % 60));
    append_fraction(rest % TIME_SECOND, out);
}

FormatInterval format_read_interval(const DuckColumn *column, uint64_t row)
{
    return ((const FormatInterval *)column->data)[row];
}

void format_interval(FormatInterval interval, Buffer *out)
{
    int64_t micros = interval.days * TIME_DAY + interval.micros;
    if (interval.months != 0 && micros == 0) {
        int64_t months = interval.months;
        const char *sign = months < 0 ? "-" : "";
        months = months < 0 ? -months : months;
        buffer_printf(out, "INTERVAL '%s%d-%d' YEAR TO MONTH", sign, (int)(months / 12),
                      (int)(months % 12));
        return;
    }
    // The days of DATE - DATE and INTERVAL n DAY are days, everything else comes as microseconds.
    if (interval.months == 0 && interval.days != 0 && interval.micros == 0) {
        buffer_printf(out, "INTERVAL '%d' DAY", interval.days);
        return;
    }
    const char *sign = micros < 0 ? "-" : "";
    uint64_t rest = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    buffer_append_text(out, "INTERVAL '");
    if (interval.months != 0) {
        buffer_printf(out, "%d months ", interval.months);
    }
    buffer_printf(out, "%s%llu %02d:%02d:%02d", sign, (unsigned long long)(rest / TIME_DAY),
                  (int)(rest / TIME_HOUR % 24), (int)(rest / TIME_MINUTE % 60),
                  (int)(rest / TIME_SECOND % 60));
    append_fraction((int64_t)(rest % TIME_SECOND), out);
    buffer_append_text(out, "' DAY TO SECOND");
}

static void append_binary(Slice bytes, const FormatStyle *style, Buffer *out)
{
    if (!style->binary_as_hex) {
        buffer_append(out, bytes);
        return;
    }
    buffer_append_char(out, '[');
    for (size_t i = 0; i < bytes.size; i++) {
        buffer_printf(out, i == 0 ? "%02X" : " %02X", (unsigned char)bytes.data[i]);
    }
    buffer_append_char(out, ']');
}

static void append_nested(const DuckColumn *column, uint64_t row, const FormatStyle *style,
                          Buffer *out)
{
    if (duck_is_null(column, row)) {
        buffer_append_text(out, style->null_text);
    } else {
        format_styled(column, row, style, out);
    }
}

static void append_list(const DuckColumn *column, uint64_t row, const FormatStyle *style,
                        Buffer *out)
{
    bool is_map = column->type->kind == TYPE_MAP;
    uint64_t offset;
    uint64_t length;
    duck_list(column, row, &offset, &length);
    DuckColumn first = duck_child(column, 0);
    DuckColumn second = is_map ? duck_child(column, 1) : first;
    buffer_append_char(out, is_map ? '{' : '[');
    for (uint64_t i = offset; i < offset + length; i++) {
        if (i > offset) {
            buffer_append_text(out, ", ");
        }
        append_nested(&first, i, style, out);
        if (is_map) {
            buffer_append_text(out, " -> ");
            append_nested(&second, i, style, out);
        }
    }
    buffer_append_char(out, is_map ? '}' : ']');
}

static void append_struct(const DuckColumn *column, uint64_t row, const FormatStyle *style,
                          Buffer *out)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i < column->type->fields.count; i++) {
        if (i > 0) {
            buffer_append_text(out, ", ");
        }
        DuckColumn child = duck_child(column, i);
        append_nested(&child, row, style, out);
    }
    buffer_append_char(out, '}');
}

void format_styled(const DuckColumn *column, uint64_t row, const FormatStyle *style, Buffer *out)
{
    switch (column->type->kind) {
    case TYPE_VOID:
        buffer_append_text(out, style->null_text);
        break;
    case TYPE_BOOLEAN:
        buffer_append_text(out, duck_int(column, row) != 0 ? "true" : "false");
        break;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        buffer_printf(out, "%lld", (long long)duck_int(column, row));
        break;
    case TYPE_FLOAT:
        format_float((float)duck_double(column, row), out);
        break;
    case TYPE_DOUBLE:
        format_double(duck_double(column, row), out);
        break;
    case TYPE_DECIMAL:
        format_decimal(duck_decimal(column, row), column->type->scale, out);
        break;
    case TYPE_STRING:
        buffer_append(out, duck_text(column, row));
        break;
    case TYPE_BINARY:
        append_binary(duck_text(column, row), style, out);
        break;
    case TYPE_DATE:
        format_date(duck_int(column, row), out);
        break;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        format_timestamp(duck_int(column, row), out);
        break;
    case TYPE_INTERVAL:
        format_interval(format_read_interval(column, row), out);
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        append_list(column, row, style, out);
        break;
    case TYPE_STRUCT:
        append_struct(column, row, style, out);
        break;
    case TYPE_OTHER:
        // sql_bind refuses results of such types; HUGEINT is the one control queries meet.
        if (text_equal_nocase(column->type->name, "HUGEINT")) {
            format_decimal(duck_decimal(column, row), 0, out);
        } else {
            buffer_printf(out, "<%s>", column->type->name);
        }
        break;
    }
}

void format_value(const DuckColumn *column, uint64_t row, Buffer *out)
{
    static const FormatStyle cast = {.null_text = "null", .binary_as_hex = false};
    append_nested(column, row, &cast, out);
}
