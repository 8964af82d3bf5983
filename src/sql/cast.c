// cast.c -- reading texts as Spark's types.
// SPDX-License-Identifier: Apache-2.0
#include "sql/cast.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sql/format_internal.h"

Slice cast_trim(Slice text)
{
    while (text.size > 0 && (unsigned char)text.data[0] <= ' ') {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (unsigned char)text.data[text.size - 1] <= ' ') {
        text.size--;
    }
    return text;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool equal_nocase(Slice text, const char *word)
{
    char copy[16] = {0};
    if (text.size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    return text_equal_nocase(copy, word);
}

bool cast_parse_bigint(Slice text, int64_t *value)
{
    text = cast_trim(text);
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t at = text.size > 0 && (negative || text.data[0] == '+') ? 1 : 0;
    if (at == text.size) {
        return false;
    }
    uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t sum = 0;
    for (; at < text.size; at++) {
        if (!is_digit(text.data[at])) {
            return false;
        }
        uint64_t digit = (uint64_t)(text.data[at] - '0');
        if (sum > (most - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

static bool parse_special_double(Slice text, double *value)
{
    double sign = 1;
    if (text.size > 0 && (text.data[0] == '+' || text.data[0] == '-')) {
        sign = text.data[0] == '-' ? -1 : 1;
        text.data++;
        text.size--;
    }
    if (equal_nocase(text, "inf") || equal_nocase(text, "infinity")) {
        *value = sign * INFINITY;
        return true;
    }
    if (equal_nocase(text, "nan")) {
        *value = NAN;
        return true;
    }
    return false;
}

bool cast_parse_double(Slice text, double *value)
{
    char copy[512];
    text = cast_trim(text);
    if (text.size == 0 || text.size >= sizeof copy) {
        return false;
    }
    if (parse_special_double(text, value)) {
        return true;
    }
    char last = text.data[text.size - 1];
    if (text.size > 1 && (last == 'd' || last == 'D' || last == 'f' || last == 'F')) {
        text.size--; // Java's suffixes
    }
    bool digits = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        digits |= is_digit(c);
        if (!is_digit(c) && c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E') {
            return false;
        }
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *end;
    *value = strtod(copy, &end);
    return digits && *end == '\0';
}

bool cast_parse_boolean(Slice text, bool *value)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "1"};
    static const char *const no[] = {"f", "false", "n", "no", "0"};
    text = cast_trim(text);
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (equal_nocase(text, yes[i]) || equal_nocase(text, no[i])) {
            *value = equal_nocase(text, yes[i]);
            return true;
        }
    }
    return false;
}

// ---- dates and times -----------------------------------------------------------------------

// Digits at *at, at least `least` and at most `most` of them.
static bool take_number(Slice text, size_t *at, size_t least, size_t most, int64_t *value)
{
    size_t start = *at;
    *value = 0;
    while (*at < text.size && *at - start < most && is_digit(text.data[*at])) {
        *value = *value * 10 + (text.data[*at] - '0');
        (*at)++;
    }
    bool more = *at < text.size && is_digit(text.data[*at]);
    return *at - start >= least && !more;
}

static bool take_char(Slice text, size_t *at, char c)
{
    if (*at < text.size && text.data[*at] == c) {
        (*at)++;
        return true;
    }
    return false;
}

static bool is_date(int64_t year, int64_t month, int64_t day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) {
        return false;
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool take_date(Slice text, size_t *at, int64_t *days)
{
    int64_t year;
    int64_t month = 1;
    int64_t day = 1;
    bool negative = take_char(text, at, '-');
    if (!negative) {
        take_char(text, at, '+');
    }
    if (!take_number(text, at, 4, 7, &year)) {
        return false;
    }
    year = negative ? -year : year;
    if (take_char(text, at, '-')) {
        if (!take_number(text, at, 1, 2, &month)) {
            return false;
        }
        if (take_char(text, at, '-') && !take_number(text, at, 1, 2, &day)) {
            return false;
        }
    }
    if (!is_date(year, month, day)) {
        return false;
    }
    *days = time_days((int)year, (int)month, (int)day);
    return true;
}

bool cast_parse_date(Slice text, int64_t *days)
{
    size_t at = 0;
    text = cast_trim(text);
    return take_date(text, &at, days) &&
           (at == text.size || text.data[at] == ' ' || text.data[at] == 'T');
}

bool cast_parse_zone(Slice text, int64_t *offset)
{
    text = cast_trim(text);
    *offset = 0;
    for (size_t size = 3; size > 1; size--) { // UTC, GMT, UT
        Slice head = {text.data, size};
        if (text.size >= size &&
            (equal_nocase(head, "UTC") || equal_nocase(head, "GMT") || equal_nocase(head, "UT"))) {
            text = (Slice){text.data + size, text.size - size};
            if (text.size == 0) {
                return true;
            }
            break;
        }
    }
    if (slice_is(text, "Z") || slice_is(text, "z")) {
        return true;
    }
    int64_t parts[3] = {0};
    size_t at = 1;
    if (text.size < 2 || (text.data[0] != '+' && text.data[0] != '-')) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!take_number(text, &at, 1, 2, &parts[i])) {
            return false;
        }
        if (at == text.size) {
            break;
        }
        bool glued = i == 0 && text.size == 5 && is_digit(text.data[at]);
        if (!glued && !take_char(text, &at, ':')) {
            return false;
        }
    }
    if (at != text.size || parts[0] > 18 || parts[1] > 59 || parts[2] > 59) {
        return false;
    }
    *offset = parts[0] * TIME_HOUR + parts[1] * TIME_MINUTE + parts[2] * TIME_SECOND;
    *offset = text.data[0] == '-' ? -*offset : *offset;
    return true;
}

static bool take_fraction(Slice text, size_t *at, int64_t *micros)
{
    int64_t scale = TIME_SECOND / 10;
    size_t start = *at;
    *micros = 0;
    for (; *at < text.size && is_digit(text.data[*at]); (*at)++) {
        *micros += (text.data[*at] - '0') * scale;
        scale /= 10;
    }
    return *at - start <= 9;
}

static bool take_time(Slice text, size_t *at, int64_t *micros)
{
    int64_t hour;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t fraction = 0;
    if (!take_number(text, at, 1, 2, &hour)) {
        return false;
    }
    if (take_char(text, at, ':')) {
        if (!take_number(text, at, 1, 2, &minute)) {
            return false;
        }
        if (take_char(text, at, ':')) {
            if (!take_number(text, at, 1, 2, &second)) {
                return false;
            }
            if (take_char(text, at, '.') && !take_fraction(text, at, &fraction)) {
                return false;
            }
        }
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *micros = hour * TIME_HOUR + minute * TIME_MINUTE + second * TIME_SECOND + fraction;
    return true;
}

bool cast_parse_timestamp(Slice text, bool has_zone, int64_t *micros)
{
    int64_t days;
    int64_t time = 0;
    int64_t offset = 0;
    size_t at = 0;
    text = cast_trim(text);
    if (!take_date(text, &at, &days)) {
        return false;
    }
    if (at < text.size) {
        if (!take_char(text, &at, 'T') && !take_char(text, &at, ' ')) {
            return false;
        }
        if (at == text.size || !take_time(text, &at, &time)) {
            return false;
        }
        if (at < text.size && !cast_parse_zone((Slice){text.data + at, text.size - at}, &offset)) {
            return false;
        }
    }
    *micros = days * TIME_DAY + time - (has_zone ? offset : 0);
    return true;
}

// ---- values of any type --------------------------------------------------------------------

bool cast_fail(const DuckColumn *column, uint64_t row, const char *target, Error *err)
{
    Buffer value = {0};
    Buffer type = {0};
    format_value(column, row, &value);
    type_print(column->type, &type);
    fail(err, ERROR_INPUT,
         "[CAST_INVALID_INPUT] '%.200s' (%s) is no %s; try_cast gives NULL instead",
         buffer_text(&value), buffer_text(&type), target);
    buffer_done(&value);
    buffer_done(&type);
    return false;
}

static bool fail_overflow(const DuckColumn *column, uint64_t row, const char *target, Error *err)
{
    Buffer value = {0};
    format_value(column, row, &value);
    fail(err, ERROR_INPUT,
         "[CAST_OVERFLOW] %.200s does not fit into %s; try_cast gives NULL instead",
         buffer_text(&value), target);
    buffer_done(&value);
    return false;
}

bool cast_read_bigint(const DuckColumn *column, uint64_t row, int64_t *value, Error *err)
{
    double number;
    __int128 whole;
    switch (column->type->kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        *value = duck_int(column, row);
        return true;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        number = duck_double(column, row);
        if (!(number >= -0x1p63 && number < 0x1p63)) {
            return fail_overflow(column, row, "BIGINT", err);
        }
        *value = (int64_t)number;
        return true;
    case TYPE_DECIMAL:
        whole = duck_decimal(column, row);
        for (int i = 0; i < column->type->scale; i++) {
            whole /= 10;
        }
        if (whole > INT64_MAX || whole < INT64_MIN) {
            return fail_overflow(column, row, "BIGINT", err);
        }
        *value = (int64_t)whole;
        return true;
    case TYPE_STRING:
        return cast_parse_bigint(duck_text(column, row), value) ||
               cast_fail(column, row, "BIGINT", err);
    case TYPE_TIMESTAMP:
        *value = duck_int(column, row) / TIME_SECOND - (duck_int(column, row) % TIME_SECOND < 0);
        return true;
    default:
        return cast_fail(column, row, "BIGINT", err);
    }
}

bool cast_read_double(const DuckColumn *column, uint64_t row, double *value, Error *err)
{
    Buffer text = {0};
    switch (column->type->kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        *value = (double)duck_int(column, row);
        return true;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        *value = duck_double(column, row);
        return true;
    case TYPE_DECIMAL:
        format_decimal(duck_decimal(column, row), column->type->scale, &text);
        *value = strtod(buffer_text(&text), NULL);
        buffer_done(&text);
        return true;
    case TYPE_OTHER: // HUGEINT, the sum of integers
        *value = (double)duck_decimal(column, row);
        return true;
    case TYPE_STRING:
        return cast_parse_double(duck_text(column, row), value) ||
               cast_fail(column, row, "DOUBLE", err);
    case TYPE_TIMESTAMP:
        *value = (double)duck_int(column, row) / (double)TIME_SECOND;
        return true;
    default:
        return cast_fail(column, row, "DOUBLE", err);
    }
}

static int64_t floor_days(int64_t micros)
{
    return micros / TIME_DAY - (micros % TIME_DAY < 0);
}

bool cast_read_date(const DuckColumn *column, uint64_t row, int64_t *days, Error *err)
{
    switch (column->type->kind) {
    case TYPE_DATE:
        *days = duck_int(column, row);
        return true;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        *days = floor_days(duck_int(column, row));
        return true;
    case TYPE_STRING:
        return cast_parse_date(duck_text(column, row), days) || cast_fail(column, row, "DATE", err);
    default:
        return cast_fail(column, row, "DATE", err);
    }
}

static bool seconds_to_micros(const DuckColumn *column, uint64_t row, int64_t *micros, Error *err)
{
    double seconds;
    __int128 scaled;
    switch (column->type->kind) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        seconds = duck_double(column, row) * (double)TIME_SECOND;
        if (!(seconds >= -0x1p63 && seconds < 0x1p63)) {
            return fail_overflow(column, row, "TIMESTAMP", err);
        }
        *micros = (int64_t)seconds;
        return true;
    case TYPE_DECIMAL:
        scaled = duck_decimal(column, row) * TIME_SECOND;
        for (int i = 0; i < column->type->scale; i++) {
            scaled /= 10;
        }
        break;
    default:
        scaled = (__int128)duck_int(column, row) * TIME_SECOND;
        break;
    }
    if (scaled > INT64_MAX || scaled < INT64_MIN) {
        return fail_overflow(column, row, "TIMESTAMP", err);
    }
    *micros = (int64_t)scaled;
    return true;
}

bool cast_read_timestamp(const DuckColumn *column, uint64_t row, int64_t *micros, Error *err)
{
    switch (column->type->kind) {
    case TYPE_DATE:
        *micros = duck_int(column, row) * TIME_DAY;
        return true;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        *micros = duck_int(column, row);
        return true;
    case TYPE_STRING:
        return cast_parse_timestamp(duck_text(column, row), true, micros) ||
               cast_fail(column, row, "TIMESTAMP", err);
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DECIMAL:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return seconds_to_micros(column, row, micros, err);
    default:
        return cast_fail(column, row, "TIMESTAMP", err);
    }
}

bool cast_read_boolean(const DuckColumn *column, uint64_t row, bool *value, Error *err)
{
    switch (column->type->kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        *value = duck_int(column, row) != 0;
        return true;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        *value = duck_double(column, row) != 0;
        return true;
    case TYPE_DECIMAL:
        *value = duck_decimal(column, row) != 0;
        return true;
    case TYPE_STRING:
        return cast_parse_boolean(duck_text(column, row), value) ||
               cast_fail(column, row, "BOOLEAN", err);
    default:
        return cast_fail(column, row, "BOOLEAN", err);
    }
}
