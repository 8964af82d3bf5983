// prelude_number.c -- mathematics and bits where DuckDB's result or error is another than Spark's.
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>

#include "sql/cast.h"
#include "sql/prelude_internal.h"

typedef struct Math {
    double (*function)(double);
    bool positive_only; // NULL for values <= the bound, as Spark's logarithms
    double bound;
} Math;

static bool math_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    const Math *math = context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        double value = duck_double(&arguments[0], row);
        if (math->positive_only && value <= math->bound) {
            duck_set_null(result, row);
        } else {
            duck_set_double(result, row, math->function(value));
        }
    }
    return true;
}

// The C library's is off by one bit for some cubes; one step of Newton's mends that.
static double cube_root(double x)
{
    double root = cbrt(x);
    return x == 0 || !isfinite(x) ? root : root - (root * root * root - x) / (3 * root * root);
}

static double cotangent(double x)
{
    return 1 / tan(x);
}

static double secant(double x)
{
    return 1 / cos(x);
}

static double cosecant(double x)
{
    return 1 / sin(x);
}

static double signum(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

static bool log_base(void *context, const DuckColumn *arguments, size_t argument_count,
                     uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        double base = duck_double(&arguments[0], row);
        double value = duck_double(&arguments[1], row);
        if (base <= 0 || value <= 0) {
            duck_set_null(result, row);
        } else {
            duck_set_double(result, row, log(value) / log(base));
        }
    }
    return true;
}

typedef struct Math2 {
    double (*function)(double, double);
} Math2;

static bool math2_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    const Math2 *math = context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_double(
            result, row,
            math->function(duck_double(&arguments[0], row), duck_double(&arguments[1], row)));
    }
    return true;
}

static bool factorial(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t n = duck_int(&arguments[0], row);
        int64_t product = 1;
        if (n < 0 || n > 20) {
            duck_set_null(result, row);
            continue;
        }
        for (int64_t i = 2; i <= n; i++) {
            product *= i;
        }
        duck_set_int(result, row, product);
    }
    return true;
}

// Digits of value in a base from 2 to 36, most significant first.
static Slice to_base(uint64_t value, unsigned base, char text[72])
{
    size_t at = 72;
    do {
        unsigned digit = (unsigned)(value % base);
        text[--at] = (char)(digit < 10 ? '0' + digit : 'A' + digit - 10);
        value /= base;
    } while (value != 0);
    return (Slice){text + at, 72 - at};
}

static bool binary_text(void *context, const DuckColumn *arguments, size_t argument_count,
                        uint64_t row_count, DuckColumn *result, Error *err)
{
    char text[72];
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_text(result, row, to_base((uint64_t)duck_int(&arguments[0], row), 2, text));
    }
    return true;
}

static int digit_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'z' ? c - 'a' + 10
           : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                  : 99;
}

// conv(text, from, to): digits up to the first that is none; a negative base gives a signed result.
static bool convert_base(Slice text, int64_t from, int64_t to, DuckColumn *result, uint64_t row)
{
    int64_t base = to < 0 ? -to : to;
    if (from < 2 || from > 36 || base < 2 || base > 36) {
        return false;
    }
    text = cast_trim(text);
    bool negative = text.size > 0 && text.data[0] == '-';
    uint64_t value = 0;
    bool full = false;
    size_t start = negative ? 1 : 0;
    for (size_t i = start; i < text.size && digit_value(text.data[i]) < from; i++) {
        uint64_t digit = (uint64_t)digit_value(text.data[i]);
        full |= value > (UINT64_MAX - digit) / (uint64_t)from;
        value = value * (uint64_t)from + digit;
    }
    value = full ? UINT64_MAX : value;
    if (text.size == start) {
        return false;
    }
    if (negative && to > 0) {
        value = (int64_t)value < 0 ? UINT64_MAX : 0 - value;
    }
    char digits[72];
    char signed_digits[74];
    bool minus = to < 0 && (negative ? true : (int64_t)value < 0);
    uint64_t shown = minus && !negative ? 0 - value : value;
    Slice out = to_base(shown, (unsigned)base, digits);
    int size = snprintf(signed_digits, sizeof signed_digits, "%s%.*s",
                        minus && shown != 0 ? "-" : "", SLICE_ARG(out));
    duck_set_text(result, row, (Slice){signed_digits, (size_t)size});
    return true;
}

static bool conv(void *context, const DuckColumn *arguments, size_t argument_count,
                 uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        if (!convert_base(duck_text(&arguments[0], row), duck_int(&arguments[1], row),
                          duck_int(&arguments[2], row), result, row)) {
            duck_set_null(result, row);
        }
    }
    return true;
}

static bool width_bucket(void *context, const DuckColumn *arguments, size_t argument_count,
                         uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        double value = duck_double(&arguments[0], row);
        double least = duck_double(&arguments[1], row);
        double most = duck_double(&arguments[2], row);
        int64_t count = duck_int(&arguments[3], row);
        if (count <= 0 || count == INT64_MAX || isnan(value) || least == most || !isfinite(least) ||
            !isfinite(most)) {
            duck_set_null(result, row);
            continue;
        }
        double lower = least < most ? least : most;
        double upper = least < most ? most : least;
        int64_t bucket;
        if (least < most) {
            bucket = value < lower ? 0
                     : value >= upper
                         ? count + 1
                         : (int64_t)((double)count * (value - lower) / (upper - lower)) + 1;
        } else {
            bucket = value > upper ? 0
                     : value <= lower
                         ? count + 1
                         : (int64_t)((double)count * (upper - value) / (upper - lower)) + 1;
        }
        duck_set_int(result, row, bucket);
    }
    return true;
}

static bool bit_count(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        uint64_t value = (uint64_t)duck_int(&arguments[0], row);
        duck_set_int(result, row, __builtin_popcountll(value));
    }
    return true;
}

static bool bit_get(void *context, const DuckColumn *arguments, size_t argument_count,
                    uint64_t row_count, DuckColumn *result, Error *err)
{
    int width = 64;
    (void)context;
    (void)argument_count;
    switch (arguments[0].type->kind) {
    case TYPE_TINYINT:
        width = 8;
        break;
    case TYPE_SMALLINT:
        width = 16;
        break;
    case TYPE_INT:
        width = 32;
        break;
    case TYPE_BIGINT:
        break;
    default:
        return fail(err, ERROR_INPUT, "[DATATYPE_MISMATCH] bit_get needs a whole number");
    }
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t position = duck_int(&arguments[1], row);
        if (position < 0 || position >= width) {
            return fail(err, ERROR_INPUT,
                        "[INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE] bits are counted from 0 to "
                        "%d, not %lld",
                        width - 1, (long long)position);
        }
        duck_set_int(result, row, duck_int(&arguments[0], row) >> position & 1);
    }
    return true;
}

typedef struct Shift {
    bool left;
    bool is_unsigned;
    bool is_int;
} Shift;

// As Java's <<, >> and >>>: the distance is taken modulo the width.
static int64_t shift_value(const Shift *shift, int64_t value, int64_t distance)
{
    if (shift->is_int) {
        unsigned by = (unsigned)distance & 31;
        uint32_t bits = (uint32_t)value;
        return shift->left          ? (int32_t)(bits << by)
               : shift->is_unsigned ? (int32_t)(bits >> by)
                                    : (int32_t)value >> by;
    }
    unsigned by = (unsigned)distance & 63;
    uint64_t bits = (uint64_t)value;
    return shift->left          ? (int64_t)(bits << by)
           : shift->is_unsigned ? (int64_t)(bits >> by)
                                : value >> by;
}

static bool shift_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_int(
            result, row,
            shift_value(context, duck_int(&arguments[0], row), duck_int(&arguments[1], row)));
    }
    return true;
}

#define MATH(name, function)                                                                       \
    {                                                                                              \
        name, "d", 'd', PRELUDE_PLAIN, math_rows, &(const Math)                                    \
        {                                                                                          \
            function, false, 0                                                                     \
        }                                                                                          \
    }
#define LOG(name, function, bound)                                                                 \
    {                                                                                              \
        name, "d", 'd', PRELUDE_PLAIN, math_rows, &(const Math)                                    \
        {                                                                                          \
            function, true, bound                                                                  \
        }                                                                                          \
    }
#define MATH2(name, function)                                                                      \
    {                                                                                              \
        name, "dd", 'd', PRELUDE_PLAIN, math2_rows, &(const Math2)                                 \
        {                                                                                          \
            function                                                                               \
        }                                                                                          \
    }
#define SHIFT(name, type, letter, left, is_unsigned, is_int)                                       \
    {                                                                                              \
        name, type "i", letter, PRELUDE_PLAIN, shift_rows, &(const Shift)                          \
        {                                                                                          \
            left, is_unsigned, is_int                                                              \
        }                                                                                          \
    }

// ---- regressions -------------------------------------------------------------------------------

// Sums of products of the distances from the means, of pairs. Spark's last digits depend on how the
// rows are split; these are as exact as a double can say, which is what it gives most often.
typedef struct Moments {
    long double y_mean;
    long double x_mean;
    double together;
    double y_square;
    double x_square;
} Moments;

static Moments moments_of(const DuckColumn *pairs, uint64_t first, uint64_t count)
{
    DuckColumn values = duck_child(pairs, 0);
    Moments moments = {0};
    long double sums[3] = {0};
    uint64_t at;
    uint64_t two;
    for (uint64_t i = 0; i < count; i++) {
        duck_list(pairs, first + i, &at, &two);
        moments.y_mean += (long double)duck_double(&values, at) / (long double)count;
        moments.x_mean += (long double)duck_double(&values, at + 1) / (long double)count;
    }
    for (uint64_t i = 0; i < count; i++) {
        duck_list(pairs, first + i, &at, &two);
        long double dy = (long double)duck_double(&values, at) - moments.y_mean;
        long double dx = (long double)duck_double(&values, at + 1) - moments.x_mean;
        sums[0] += dy * dx;
        sums[1] += dy * dy;
        sums[2] += dx * dx;
    }
    moments.together = (double)sums[0];
    moments.y_square = (double)sums[1];
    moments.x_square = (double)sums[2];
    return moments;
}

// regression(what, [[y, x], ...]) over the pairs without NULL; no pairs: NULL.
static bool regression(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    DuckColumn pairs = duck_child(&arguments[1], 0);
    for (uint64_t row = 0; row < row_count; row++) {
        Slice what = duck_text(&arguments[0], row);
        uint64_t first;
        uint64_t count;
        duck_list(&arguments[1], row, &first, &count);
        Moments moments = moments_of(&pairs, first, count);
        if (!slice_is(what, "r2")) {
            duck_set_double(result, row,
                            slice_is(what, "sxy")   ? moments.together
                            : slice_is(what, "sxx") ? moments.x_square
                                                    : moments.y_square);
        } else if (moments.x_square == 0 && moments.y_square == 0) {
            duck_set_null(result, row);
        } else if (moments.x_square == 0 || moments.y_square == 0) {
            return fail(err, ERROR_INPUT,
                        "[UNSUPPORTED_FEATURE] regr_r2 with the same value in all rows of one side "
                        "is not supported yet");
        } else {
            double correlation = moments.together / sqrt(moments.y_square * moments.x_square);
            duck_set_double(result, row, correlation * correlation);
        }
    }
    return true;
}

static const PreludeFunction functions[] = {
    {"spark_regression", "s*", 'd', PRELUDE_PLAIN, regression, NULL},
    MATH("spark_sqrt", sqrt),
    LOG("spark_ln", log, 0),
    LOG("spark_log10", log10, 0),
    LOG("spark_log2", log2, 0),
    LOG("spark_log1p", log1p, -1),
    MATH("spark_cbrt", cube_root),
    MATH("spark_expm1", expm1),
    MATH("spark_sin", sin),
    MATH("spark_cos", cos),
    MATH("spark_tan", tan),
    MATH("spark_cot", cotangent),
    MATH("spark_sec", secant),
    MATH("spark_csc", cosecant),
    MATH("spark_asin", asin),
    MATH("spark_acos", acos),
    MATH("spark_acosh", acosh),
    MATH("spark_atanh", atanh),
    MATH("spark_rint", rint),
    MATH("spark_signum", signum),
    MATH2("spark_power", pow),
    MATH2("spark_hypot", hypot),
    {"spark_log", "dd", 'd', PRELUDE_PLAIN, log_base, NULL},
    {"spark_factorial", "l", 'l', PRELUDE_PLAIN, factorial, NULL},
    {"spark_bin", "l", 's', PRELUDE_PLAIN, binary_text, NULL},
    {"spark_conv", "sii", 's', PRELUDE_PLAIN, conv, NULL},
    {"spark_width_bucket", "dddl", 'l', PRELUDE_PLAIN, width_bucket, NULL},
    {"spark_bit_count", "l", 'i', PRELUDE_PLAIN, bit_count, NULL},
    {"spark_bit_get", "*", 'y', PRELUDE_PLAIN, bit_get, NULL},
    SHIFT("spark_shift_left_int", "i", 'i', true, false, true),
    SHIFT("spark_shift_left_bigint", "l", 'l', true, false, false),
    SHIFT("spark_shift_right_int", "i", 'i', false, false, true),
    SHIFT("spark_shift_right_bigint", "l", 'l', false, false, false),
    SHIFT("spark_shift_unsigned_int", "i", 'i', false, true, true),
    SHIFT("spark_shift_unsigned_bigint", "l", 'l', false, true, false),
};

const PreludeGroup prelude_numbers = {functions, sizeof functions / sizeof functions[0]};
