// prelude_decimal.c -- division, averages and rounding, which follow decimals' rules in Spark.
//
// DuckDB has no function whose result type is a decimal computed from its arguments' types. So the
// type is computed as text while DuckDB binds (spark_divide_type and kin are folded), the value
// comes as text, and cast_to_type() makes it what the type says.
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql/cast.h"
#include "sql/format_internal.h"
#include "sql/prelude_internal.h"

enum { MAX_PRECISION = 38, MIN_ADJUSTED_SCALE = 6 };

typedef struct DecimalType {
    int precision;
    int scale;
} DecimalType;

// The decimal that a DuckDB type name stands for; false for what is no exact number.
static bool decimal_of(Slice name, DecimalType *type)
{
    static const struct {
        const char *name;
        int precision;
    } integers[] = {
        {"TINYINT", 3}, {"SMALLINT", 5}, {"INTEGER", 10}, {"BIGINT", 20}, {"HUGEINT", 38}};
    char text[64] = {0};
    memcpy(text, name.data, name.size < sizeof text - 1 ? name.size : sizeof text - 1);
    if (sscanf(text, "DECIMAL(%d,%d)", &type->precision, &type->scale) == 2) {
        return true;
    }
    type->scale = 0;
    if (sscanf(text, "LITERAL(%d)", &type->precision) == 1) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(integers); i++) {
        if (strcmp(text, integers[i].name) == 0) {
            type->precision = integers[i].precision;
            return true;
        }
    }
    return false;
}

static bool is_decimal(Slice name)
{
    return name.size > 8 && memcmp(name.data, "DECIMAL(", 8) == 0;
}

// Too many digits: the scale gives way, down to 6.
static DecimalType adjust(int precision, int scale)
{
    if (precision <= MAX_PRECISION) {
        return (DecimalType){precision, scale};
    }
    int whole = precision - scale;
    int least = scale < MIN_ADJUSTED_SCALE ? scale : MIN_ADJUSTED_SCALE;
    int left = MAX_PRECISION - whole;
    return (DecimalType){MAX_PRECISION, left > least ? left : least};
}

static void set_type(DuckColumn *result, uint64_t row, const DecimalType *type)
{
    char text[32];
    int size = type == NULL ? snprintf(text, sizeof text, "\"DOUBLE\"")
                            : snprintf(text, sizeof text, "\"DECIMAL(%d,%d)\"", type->precision,
                                       type->scale);
    duck_set_text(result, row, (Slice){text, (size_t)size});
}

static bool divide_type(void *context, const DuckColumn *arguments, size_t argument_count,
                        uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice left = duck_text(&arguments[0], row);
        Slice right = duck_text(&arguments[1], row);
        DecimalType a;
        DecimalType b;
        bool exact = (is_decimal(left) || is_decimal(right)) && decimal_of(left, &a) &&
                     decimal_of(right, &b);
        if (!exact) {
            set_type(result, row, NULL);
            continue;
        }
        int scale = a.scale + b.precision + 1;
        scale = scale < MIN_ADJUSTED_SCALE ? MIN_ADJUSTED_SCALE : scale;
        DecimalType type = adjust(a.precision - a.scale + b.scale + scale, scale);
        set_type(result, row, &type);
    }
    return true;
}

static bool sum_type(void *context, const DuckColumn *arguments, size_t argument_count,
                     uint64_t row_count, DuckColumn *result, Error *err)
{
    bool average = context != NULL;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice name = duck_text(&arguments[0], row);
        DecimalType type;
        if (is_decimal(name) && decimal_of(name, &type)) {
            type = average
                       ? adjust(type.precision + 4, type.scale + 4)
                       : (DecimalType){type.precision + 10 > MAX_PRECISION ? MAX_PRECISION
                                                                           : type.precision + 10,
                                       type.scale};
            set_type(result, row, &type);
        } else if (slice_is(name, "INTERVAL")) {
            duck_set_text(result, row, slice_of("\"INTERVAL\""));
        } else if (!average && decimal_of(name, &type)) {
            duck_set_text(result, row, slice_of("\"BIGINT\""));
        } else {
            set_type(result, row, NULL);
        }
    }
    return true;
}

// ---- exact division ------------------------------------------------------------------------

typedef unsigned __int128 Wide;

// value / 10^scale
typedef struct Exact {
    Wide value;
    int scale;
    bool negative;
} Exact;

static bool read_exact(const DuckColumn *column, uint64_t row, Exact *exact)
{
    __int128 value;
    switch (column->type->kind) {
    case TYPE_DECIMAL:
        value = duck_decimal(column, row);
        exact->scale = column->type->scale;
        break;
    case TYPE_OTHER:
        value = duck_decimal(column, row);
        exact->scale = 0;
        break;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        value = duck_int(column, row);
        exact->scale = 0;
        break;
    default:
        return false;
    }
    exact->negative = value < 0;
    exact->value = value < 0 ? -(Wide)value : (Wide)value;
    return true;
}

static bool fail_range(Error *err)
{
    return fail(err, ERROR_INPUT,
                "[NUMERIC_VALUE_OUT_OF_RANGE] the result has more digits than its decimal type");
}

// a / b rounded half up to `scale` digits.
static bool divide_exact(Exact a, Exact b, int scale, Buffer *out, Error *err)
{
    const Wide most = (Wide)-1;
    int shift = b.scale - a.scale + scale;
    for (; shift < 0; shift++) {
        if (b.value > most / 10) {
            return fail_range(err);
        }
        b.value *= 10;
    }
    if (b.value > most / 10) {
        return fail_range(err);
    }
    Wide quotient = a.value / b.value;
    Wide rest = a.value % b.value;
    for (; shift > 0; shift--) {
        rest *= 10;
        if (quotient > (most >> 1) / 10 - 1) {
            return fail_range(err);
        }
        quotient = quotient * 10 + rest / b.value;
        rest %= b.value;
    }
    quotient += rest >= b.value - rest ? 1 : 0;
    if (quotient > most >> 1) {
        return fail_range(err);
    }
    bool negative = a.negative != b.negative;
    format_decimal(negative ? -(__int128)quotient : (__int128)quotient, scale, out);
    return true;
}

static bool fail_zero(Error *err)
{
    return fail(err, ERROR_INPUT,
                "[DIVIDE_BY_ZERO] division by zero; try_divide gives NULL instead");
}

static void append_double(double value, Buffer *out)
{
    if (isfinite(value)) {
        buffer_printf(out, "%.17g", value);
    } else {
        buffer_append_text(out, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
    }
}

// One quotient as text; type is "DECIMAL(p,s)" or "DOUBLE", both in quotes.
static bool divide_row(const DuckColumn *arguments, uint64_t row, Buffer *out, Error *err)
{
    Slice type = duck_text(&arguments[2], row);
    Slice bare = {type.data + 1, type.size - 2};
    DecimalType decimal;
    Exact a;
    Exact b;
    if (is_decimal(bare) && decimal_of(bare, &decimal) && read_exact(&arguments[0], row, &a) &&
        read_exact(&arguments[1], row, &b)) {
        return b.value == 0 ? fail_zero(err) : divide_exact(a, b, decimal.scale, out, err);
    }
    double x;
    double y;
    if (!cast_read_double(&arguments[0], row, &x, err) ||
        !cast_read_double(&arguments[1], row, &y, err)) {
        return false;
    }
    if (y == 0) {
        return fail_zero(err);
    }
    append_double(x / y, out);
    return true;
}

// What try_divide turns into NULL; a value that is no number stays an error.
static bool is_arithmetic(const Error *err)
{
    return strncmp(err->message, "[DIVIDE_BY_ZERO]", 16) == 0 ||
           strncmp(err->message, "[NUMERIC_VALUE_OUT_OF_RANGE]", 28) == 0;
}

static bool divide(void *context, const DuckColumn *arguments, size_t argument_count,
                   uint64_t row_count, DuckColumn *result, Error *err)
{
    bool is_try = context != NULL;
    bool ok = true;
    Buffer text = {0};
    (void)argument_count;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        buffer_reset(&text);
        ok = divide_row(arguments, row, &text, err);
        if (ok) {
            duck_set_text(result, row, buffer_slice(&text));
        } else if (is_try && is_arithmetic(err)) {
            duck_set_null(result, row);
            ok = true;
        }
    }
    buffer_done(&text);
    return ok;
}

static bool average(void *context, const DuckColumn *arguments, size_t argument_count,
                    uint64_t row_count, DuckColumn *result, Error *err)
{
    bool ok = true;
    Buffer text = {0};
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        buffer_reset(&text);
        if (duck_int(&arguments[1], row) == 0) {
            duck_set_null(result, row);
            continue;
        }
        ok = divide_row(arguments, row, &text, err);
        if (ok) {
            duck_set_text(result, row, buffer_slice(&text));
        }
    }
    buffer_done(&text);
    return ok;
}

// try_sum: a sum as text, NULL when it does not fit into BIGINT.
static bool fit_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                     uint64_t row_count, DuckColumn *result, Error *err)
{
    Buffer text = {0};
    bool ok = true;
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        Exact exact;
        double value = 0;
        bool is_whole = slice_is(duck_text(&arguments[1], row), "\"BIGINT\"");
        buffer_reset(&text);
        if (read_exact(&arguments[0], row, &exact)) {
            if (is_whole && exact.value > (Wide)INT64_MAX + (exact.negative ? 1 : 0)) {
                duck_set_null(result, row);
                continue;
            }
            __int128 whole = exact.negative ? -(__int128)exact.value : (__int128)exact.value;
            format_decimal(whole, exact.scale, &text);
        } else {
            ok = cast_read_double(&arguments[0], row, &value, err);
            append_double(value, &text);
        }
        duck_set_text(result, row, buffer_slice(&text));
    }
    buffer_done(&text);
    return ok;
}

static bool is_timestamp(Slice name)
{
    return name.size >= 9 && memcmp(name.data, "TIMESTAMP", 9) == 0;
}

// a - b: the difference of two dates or two timestamps is an interval, else DuckDB's type holds.
static bool difference_type(void *context, const DuckColumn *arguments, size_t argument_count,
                            uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        Slice left = duck_text(&arguments[0], row);
        Slice right = duck_text(&arguments[1], row);
        bool dates = slice_is(left, "DATE") && slice_is(right, "DATE");
        bool times = is_timestamp(left) && is_timestamp(right);
        Buffer name = {0};
        buffer_append_json(&name,
                           dates || times ? slice_of("INTERVAL") : duck_text(&arguments[2], row));
        duck_set_text(result, row, buffer_slice(&name));
        buffer_done(&name);
    }
    return true;
}

static bool is_time_kind(TypeKind kind)
{
    return kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMP_NTZ;
}

static bool difference(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    TypeKind left = arguments[0].type->kind;
    TypeKind right = arguments[1].type->kind;
    bool dates = left == TYPE_DATE && right == TYPE_DATE;
    bool times = is_time_kind(left) && is_time_kind(right);
    Buffer text = {0};
    (void)context;
    (void)argument_count;
    if (!dates && !times && arguments[2].type->kind == TYPE_INTERVAL) {
        return fail(err, ERROR_INPUT,
                    "[UNSUPPORTED_FEATURE] this difference of intervals is not supported yet");
    }
    for (uint64_t row = 0; row < row_count; row++) {
        buffer_reset(&text);
        if (dates || times) {
            int64_t value = duck_int(&arguments[0], row) - duck_int(&arguments[1], row);
            buffer_printf(&text, dates ? "%lld days" : "%lld microseconds", (long long)value);
        } else {
            format_value(&arguments[2], row, &text);
        }
        duck_set_text(result, row, buffer_slice(&text));
    }
    buffer_done(&text);
    return true;
}

static bool divide_double(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    bool is_try = context != NULL;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        double y = duck_double(&arguments[1], row);
        if (y != 0) {
            duck_set_double(result, row, duck_double(&arguments[0], row) / y);
        } else if (is_try) {
            duck_set_null(result, row);
        } else {
            return fail_zero(err);
        }
    }
    return true;
}

static bool divide_whole(void *context, const DuckColumn *arguments, size_t argument_count,
                         uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        Exact a;
        Exact b;
        if (!read_exact(&arguments[0], row, &a) || !read_exact(&arguments[1], row, &b)) {
            return fail(err, ERROR_INPUT, "[DATATYPE_MISMATCH] DIV needs whole or decimal numbers");
        }
        if (b.value == 0) {
            return fail_zero(err);
        }
        for (; a.scale < b.scale; a.scale++) {
            a.value *= 10;
        }
        for (; b.scale < a.scale; b.scale++) {
            b.value *= 10;
        }
        Wide quotient = a.value / b.value;
        bool negative = a.negative != b.negative;
        if (quotient > (Wide)INT64_MAX + (negative ? 1 : 0)) {
            return fail(err, ERROR_INPUT, "[ARITHMETIC_OVERFLOW] the result of DIV is no BIGINT");
        }
        duck_set_int(result, row, (int64_t)(negative ? -(__int128)quotient : (__int128)quotient));
    }
    return true;
}

// ---- rounding ------------------------------------------------------------------------------

typedef enum Rounding {
    ROUND_HALF_UP,
    ROUND_HALF_EVEN,
    ROUND_CEILING,
    ROUND_FLOOR,
} Rounding;

static bool rounds_away(Rounding mode, bool negative, int dropped, bool more, bool odd)
{
    bool any = dropped > 0 || more;
    switch (mode) {
    case ROUND_HALF_UP:
        return dropped >= 5;
    case ROUND_HALF_EVEN:
        return dropped > 5 || (dropped == 5 && (more || odd));
    case ROUND_CEILING:
        return any && !negative;
    default:
        return any && negative;
    }
}

// Rounds the decimal digits "ddd" with `scale` of them behind the point to `places`.
static __int128 round_exact(__int128 value, int scale, int places, Rounding mode)
{
    bool negative = value < 0;
    Wide rest = negative ? -(Wide)value : (Wide)value;
    int dropped = 0;
    bool more = false;
    for (int i = scale; i > places; i--) {
        more |= dropped != 0;
        dropped = (int)(rest % 10);
        rest /= 10;
    }
    if (scale > places) {
        rest += rounds_away(mode, negative, dropped, more, rest % 2 == 1) ? 1 : 0;
    }
    return negative ? -(__int128)rest : (__int128)rest;
}

static void round_double(double value, bool is_float, int places, Rounding mode, Buffer *out)
{
    char digits[24];
    int exponent;
    if (!isfinite(value) || value == 0) {
        append_double(value, out);
        return;
    }
    int count = format_digits(value, is_float, digits, &exponent);
    __int128 whole = 0;
    for (int i = 0; i < count; i++) {
        whole = whole * 10 + (digits[i] - '0');
    }
    int scale = count - 1 - exponent;
    whole = value < 0 ? -whole : whole;
    if (scale <= places) {
        append_double(value, out);
        return;
    }
    whole = scale - places > 36 ? 0 : round_exact(whole, scale, places, mode);
    format_decimal(whole, 0, out);
    buffer_printf(out, "e%d", -places);
}

static void append_whole(__int128 value, int places, Buffer *out)
{
    for (int i = places; i < 0 && value != 0; i++) {
        value *= 10;
    }
    format_decimal(value, places > 0 ? places : 0, out);
}

static bool round_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    const Rounding mode = *(const Rounding *)context;
    const DuckColumn *value = &arguments[0];
    TypeKind kind = value->type->kind;
    Buffer text = {0};
    bool ok = true;
    (void)argument_count;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        int places = (int)duck_int(&arguments[1], row);
        Exact exact;
        buffer_reset(&text);
        if (kind == TYPE_FLOAT || kind == TYPE_DOUBLE) {
            round_double(duck_double(value, row), kind == TYPE_FLOAT, places, mode, &text);
        } else if (read_exact(value, row, &exact)) {
            int kept = places < exact.scale ? places : exact.scale;
            __int128 whole = exact.negative ? -(__int128)exact.value : (__int128)exact.value;
            append_whole(round_exact(whole, exact.scale, kept, mode), kept, &text);
        } else {
            ok = fail(err, ERROR_INPUT, "[DATATYPE_MISMATCH] only numbers can be rounded");
        }
        duck_set_text(result, row, buffer_slice(&text));
    }
    buffer_done(&text);
    return ok;
}

static const char marked[] = "set";
static const Rounding roundings[] = {ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_CEILING, ROUND_FLOOR};

static const PreludeFunction functions[] = {
    {"spark_divide_type", "ss", 's', PRELUDE_PLAIN, divide_type, NULL},
    {"spark_sum_type", "s", 's', PRELUDE_PLAIN, sum_type, NULL},
    {"spark_average_type", "s", 's', PRELUDE_PLAIN, sum_type, marked},
    {"spark_divide", "*", 's', PRELUDE_PLAIN, divide, NULL},
    {"spark_try_divide", "*", 's', PRELUDE_PLAIN, divide, marked},
    {"spark_divide_double", "dd", 'd', PRELUDE_PLAIN, divide_double, NULL},
    {"spark_try_divide_double", "dd", 'd', PRELUDE_PLAIN, divide_double, marked},
    {"spark_difference_type", "sss", 's', PRELUDE_PLAIN, difference_type, NULL},
    {"spark_difference", "*", 's', PRELUDE_PLAIN, difference, NULL},
    {"spark_fit", "*", 's', PRELUDE_PLAIN, fit_rows, NULL},
    {"spark_average", "*", 's', PRELUDE_PLAIN, average, NULL},
    {"spark_int_divide", "*", 'l', PRELUDE_PLAIN, divide_whole, NULL},
    {"spark_round", "*", 's', PRELUDE_PLAIN, round_rows, &roundings[0]},
    {"spark_bround", "*", 's', PRELUDE_PLAIN, round_rows, &roundings[1]},
    {"spark_ceil", "*", 's', PRELUDE_PLAIN, round_rows, &roundings[2]},
    {"spark_floor", "*", 's', PRELUDE_PLAIN, round_rows, &roundings[3]},
};

const PreludeGroup prelude_decimals = {functions, sizeof functions / sizeof functions[0]};
