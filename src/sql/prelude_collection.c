// prelude_collection.c -- sizes, index checks and three-valued quantifiers over arrays.
// SPDX-License-Identifier: Apache-2.0
#include "sql/cast.h"
#include "sql/format_internal.h"
#include "sql/prelude_internal.h"

static bool size_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                      uint64_t row_count, DuckColumn *result, Error *err)
{
    TypeKind kind = arguments[0].type->kind;
    (void)context;
    (void)argument_count;
    if (kind != TYPE_ARRAY && kind != TYPE_MAP) {
        return fail(err, ERROR_INPUT, "[DATATYPE_MISMATCH] size needs an array or a map");
    }
    for (uint64_t row = 0; row < row_count; row++) {
        uint64_t offset;
        uint64_t length;
        duck_list(&arguments[0], row, &offset, &length);
        duck_set_int(result, row, (int64_t)length);
    }
    return true;
}

// a[i]: 0-based in, DuckDB's 1-based out.
static bool index_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t index = duck_int(&arguments[0], row);
        int64_t size = duck_int(&arguments[1], row);
        if (index < 0 || index >= size) {
            return fail(err, ERROR_INPUT,
                        "[INVALID_ARRAY_INDEX] index %lld is outside of an array of %lld; "
                        "get(array, index) gives NULL instead",
                        (long long)index, (long long)size);
        }
        duck_set_int(result, row, index + 1);
    }
    return true;
}

// element_at(a, i): from 1, or from -1 backwards.
static bool element_index_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                               uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t index = duck_int(&arguments[0], row);
        int64_t size = duck_int(&arguments[1], row);
        if (index == 0) {
            return fail(err, ERROR_INPUT,
                        "[INVALID_INDEX_OF_ZERO] element_at counts from 1, or from -1 backwards");
        }
        if (index > size || index < -size) {
            return fail(err, ERROR_INPUT,
                        "[INVALID_ARRAY_INDEX_IN_ELEMENT_AT] element %lld of an array of %lld; "
                        "try_element_at gives NULL instead",
                        (long long)index, (long long)size);
        }
        duck_set_int(result, row, index < 0 ? size + index + 1 : index);
    }
    return true;
}

// exists: any true is true, else a NULL is NULL. forall: the same with false.
static bool quantify_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    const bool wanted = context != NULL;
    (void)argument_count;
    if (arguments[0].type->kind != TYPE_ARRAY || arguments[0].type->element->kind != TYPE_BOOLEAN) {
        return fail(err, ERROR_INPUT, "[DATATYPE_MISMATCH] the lambda gives no BOOLEAN");
    }
    DuckColumn child = duck_child(&arguments[0], 0);
    for (uint64_t row = 0; row < row_count; row++) {
        uint64_t offset;
        uint64_t length;
        bool found = false;
        bool unknown = false;
        duck_list(&arguments[0], row, &offset, &length);
        for (uint64_t i = offset; i < offset + length; i++) {
            if (duck_is_null(&child, i)) {
                unknown = true;
            } else {
                found |= (duck_int(&child, i) != 0) == wanted;
            }
        }
        if (!found && unknown) {
            duck_set_null(result, row);
        } else {
            duck_set_int(result, row, found == wanted ? 1 : 0);
        }
    }
    return true;
}

static int64_t floor_to(int64_t value, int64_t step)
{
    int64_t rest = value % step;
    return value - (rest < 0 ? rest + step : rest);
}

// A time, or the last microsecond of a window {start, end}.
static bool read_time(const DuckColumn *column, uint64_t row, int64_t *micros, Error *err)
{
    if (column->type->kind != TYPE_STRUCT || column->type->fields.count != 2) {
        return cast_read_timestamp(column, row, micros, err);
    }
    DuckColumn end = duck_child(column, 1);
    bool ok = cast_read_timestamp(&end, row, micros, err);
    *micros -= ok;
    return ok;
}

// The start of the window of `size` that holds a time, moved by a constant: integers only.
static bool window_rows(void *context, const DuckColumn *arguments, size_t argument_count,
                        uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t micros;
        int64_t size;
        int64_t start;
        int64_t shift;
        if (!read_time(&arguments[0], row, &micros, err) ||
            !cast_read_bigint(&arguments[1], row, &size, err) ||
            !cast_read_bigint(&arguments[2], row, &start, err) ||
            !cast_read_bigint(&arguments[3], row, &shift, err)) {
            return false;
        }
        duck_set_int(result, row, floor_to(micros - start, size) + start + shift);
    }
    return true;
}

static const char marked[] = "set";

static const PreludeFunction functions[] = {
    {"spark_size", "*", 'i', PRELUDE_PLAIN, size_rows, NULL},
    {"spark_index", "li", 'l', PRELUDE_PLAIN, index_rows, NULL},
    {"spark_element_index", "li", 'l', PRELUDE_PLAIN, element_index_rows, NULL},
    {"spark_exists", "*", 'b', PRELUDE_PLAIN, quantify_rows, marked},
    {"spark_forall", "*", 'b', PRELUDE_PLAIN, quantify_rows, NULL},
    {"spark_window_start", "*", 'T', PRELUDE_PLAIN, window_rows, NULL},
};

const PreludeGroup prelude_collections = {functions, sizeof functions / sizeof functions[0]};
