// prelude_cast.c -- CAST and TRY_CAST of any type to a simple one.
// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "sql/cast.h"
#include "sql/format_internal.h"
#include "sql/prelude_internal.h"

typedef struct IntegerTarget {
    const char *name;
    int64_t least;
    int64_t most;
} IntegerTarget;

static const IntegerTarget targets[] = {
    {"TINYINT", INT8_MIN, INT8_MAX},
    {"SMALLINT", INT16_MIN, INT16_MAX},
    {"INT", INT32_MIN, INT32_MAX},
    {"BIGINT", INT64_MIN, INT64_MAX},
};

// One row into the result; false with err when the value does not fit.
typedef bool (*CastRow)(const void *target, const DuckColumn *column, uint64_t row,
                        DuckColumn *result, Error *err);

typedef struct Cast {
    CastRow function;
    const void *target;
    bool is_try;
} Cast;

static bool cast_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    const Cast *cast = context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        if (!cast->function(cast->target, &arguments[0], row, result, err)) {
            if (!cast->is_try) {
                return false;
            }
            duck_set_null(result, row);
        }
    }
    return true;
}

static bool to_integer(const void *target, const DuckColumn *column, uint64_t row,
                       DuckColumn *result, Error *err)
{
    const IntegerTarget *type = target;
    int64_t value;
    if (!cast_read_bigint(column, row, &value, err)) {
        return column->type->kind == TYPE_STRING ? cast_fail(column, row, type->name, err) : false;
    }
    if (value < type->least || value > type->most) {
        if (column->type->kind == TYPE_STRING) {
            return cast_fail(column, row, type->name, err);
        }
        return fail(err, ERROR_INPUT,
                    "[CAST_OVERFLOW] %lld does not fit into %s; try_cast gives NULL instead",
                    (long long)value, type->name);
    }
    duck_set_int(result, row, value);
    return true;
}

static bool to_double(const void *target, const DuckColumn *column, uint64_t row,
                      DuckColumn *result, Error *err)
{
    double value;
    (void)target;
    if (!cast_read_double(column, row, &value, err)) {
        return false;
    }
    duck_set_double(result, row, value);
    return true;
}

static bool to_string(const void *target, const DuckColumn *column, uint64_t row,
                      DuckColumn *result, Error *err)
{
    bool only_scalars = target != NULL;
    TypeKind kind = column->type->kind;
    if (only_scalars && kind == TYPE_BINARY) {
        return fail(err, ERROR_INPUT,
                    "[UNSUPPORTED_FEATURE] this function of BINARY is not supported yet");
    }
    if (only_scalars && (kind == TYPE_ARRAY || kind == TYPE_MAP || kind == TYPE_STRUCT)) {
        return fail(
            err, ERROR_INPUT,
            "[UNSUPPORTED_FEATURE] this function of arrays in columns is not supported yet; "
            "flatten(array(a, b)) joins arrays");
    }
    if (kind == TYPE_OTHER || kind == TYPE_INTERVAL) {
        return fail(err, ERROR_INPUT, "[UNSUPPORTED_FEATURE] %s as text is not supported yet",
                    kind == TYPE_INTERVAL ? "INTERVAL" : column->type->name);
    }
    Buffer text = {0};
    format_value(column, row, &text);
    duck_set_text(result, row, buffer_slice(&text));
    buffer_done(&text);
    return true;
}

static bool to_boolean(const void *target, const DuckColumn *column, uint64_t row,
                       DuckColumn *result, Error *err)
{
    bool value;
    (void)target;
    if (!cast_read_boolean(column, row, &value, err)) {
        return false;
    }
    duck_set_int(result, row, value ? 1 : 0);
    return true;
}

static bool to_date(const void *target, const DuckColumn *column, uint64_t row, DuckColumn *result,
                    Error *err)
{
    int64_t days;
    (void)target;
    if (!cast_read_date(column, row, &days, err)) {
        return false;
    }
    duck_set_int(result, row, days);
    return true;
}

static bool to_timestamp(const void *target, const DuckColumn *column, uint64_t row,
                         DuckColumn *result, Error *err)
{
    int64_t micros;
    bool without_zone = target != NULL;
    if (without_zone && column->type->kind == TYPE_STRING) {
        if (!cast_parse_timestamp(duck_text(column, row), false, &micros)) {
            return cast_fail(column, row, "TIMESTAMP_NTZ", err);
        }
    } else if (!cast_read_timestamp(column, row, &micros, err)) {
        return false;
    }
    duck_set_int(result, row, micros);
    return true;
}

static bool to_binary(const void *target, const DuckColumn *column, uint64_t row,
                      DuckColumn *result, Error *err)
{
    (void)target;
    if (column->type->kind != TYPE_STRING && column->type->kind != TYPE_BINARY) {
        return cast_fail(column, row, "BINARY", err);
    }
    duck_set_text(result, row, duck_text(column, row));
    return true;
}

// Digits of a double without exponent: BigDecimal of its shortest text, as Spark takes it.
static bool append_plain_double(double value, bool is_float, Buffer *out)
{
    char digits[24];
    int exponent;
    if (!isfinite(value)) {
        return false;
    }
    if (value == 0) {
        buffer_append_char(out, '0');
        return true;
    }
    int count = format_digits(value, is_float, digits, &exponent);
    buffer_append_text(out, value < 0 ? "-" : "");
    if (exponent < 0) {
        buffer_append_text(out, "0.");
        for (int i = exponent + 1; i < 0; i++) {
            buffer_append_char(out, '0');
        }
    }
    for (int i = 0; i < count || i <= exponent; i++) {
        buffer_append_text(out, exponent >= 0 && i == exponent + 1 ? "." : "");
        buffer_append_char(out, i < count ? digits[i] : '0');
    }
    return true;
}

static bool to_decimal_text(const void *target, const DuckColumn *column, uint64_t row,
                            DuckColumn *result, Error *err)
{
    double value;
    Buffer text = {0};
    bool ok = true;
    (void)target;
    switch (column->type->kind) {
    case TYPE_STRING:
        ok = cast_parse_double(duck_text(column, row), &value) && isfinite(value);
        buffer_append(&text, cast_trim(duck_text(column, row)));
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        ok = append_plain_double(duck_double(column, row), column->type->kind == TYPE_FLOAT, &text);
        break;
    case TYPE_BOOLEAN:
        buffer_append_char(&text, duck_int(column, row) != 0 ? '1' : '0');
        break;
    case TYPE_TIMESTAMP:
        format_decimal(duck_int(column, row), 6, &text);
        break;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DECIMAL:
        format_value(column, row, &text);
        break;
    default:
        ok = false;
        break;
    }
    if (ok) {
        duck_set_text(result, row, buffer_slice(&text));
    } else {
        cast_fail(column, row, "DECIMAL", err);
    }
    buffer_done(&text);
    return ok;
}

static bool type_names(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    Buffer name = {0};
    if (arguments[0].type->kind == TYPE_INTERVAL || arguments[0].type->kind == TYPE_OTHER) {
        return fail(err, ERROR_INPUT,
                    "[UNSUPPORTED_FEATURE] typeof of this type (%s) is not supported yet",
                    arguments[0].type->name == NULL ? "INTERVAL" : arguments[0].type->name);
    }
    type_print(arguments[0].type, &name);
    for (uint64_t row = 0; row < row_count; row++) {
        duck_set_text(result, row, buffer_slice(&name));
    }
    buffer_done(&name);
    return true;
}

static const char marked[] = "set"; // a target that only says yes

#define CAST_PAIR(name, letter, function, target)                                                  \
    {"spark_cast_" name, "*",       letter,                                                        \
     PRELUDE_PLAIN,      cast_rows, &(const Cast){function, target, false}},                       \
    {                                                                                              \
        "spark_try_cast_" name, "*", letter, PRELUDE_PLAIN, cast_rows, &(const Cast)               \
        {                                                                                          \
            function, target, true                                                                 \
        }                                                                                          \
    }

static const PreludeFunction functions[] = {
    CAST_PAIR("tinyint", 'y', to_integer, &targets[0]),
    CAST_PAIR("smallint", 'h', to_integer, &targets[1]),
    CAST_PAIR("int", 'i', to_integer, &targets[2]),
    CAST_PAIR("bigint", 'l', to_integer, &targets[3]),
    CAST_PAIR("float", 'f', to_double, NULL),
    CAST_PAIR("double", 'd', to_double, NULL),
    CAST_PAIR("string", 's', to_string, NULL),
    CAST_PAIR("part", 's', to_string, marked),
    CAST_PAIR("text", 's', to_string, marked),
    CAST_PAIR("boolean", 'b', to_boolean, NULL),
    CAST_PAIR("date", 'D', to_date, NULL),
    CAST_PAIR("timestamp", 'T', to_timestamp, NULL),
    CAST_PAIR("ntz", 'N', to_timestamp, marked),
    CAST_PAIR("binary", 'x', to_binary, NULL),
    CAST_PAIR("decimal", 's', to_decimal_text, NULL),
    {"spark_typeof", "*", 's', PRELUDE_NULLS, type_names, NULL},
};

const PreludeGroup prelude_casts = {functions, sizeof functions / sizeof functions[0]};
