// prelude_json.c -- get_json_object, to_json, and the reading half of from_json.
//
// from_json: spark_clean_json() reads a record as Spark's JSON reader does for a schema and writes
// it again as JSON in which every value surely has its type (dates and numbers checked, what does
// not fit is null), so that DuckDB's json_transform() can only succeed.
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "sql/cast.h"
#include "sql/format_internal.h"
#include "sql/format_json.h"
#include "sql/json_tree.h"
#include "sql/parser.h"
#include "sql/prelude_internal.h"
#include "sql/time_pattern.h"

// ---- paths ---------------------------------------------------------------------------------

static bool take_index(Slice path, size_t *at, size_t *index)
{
    size_t start = *at;
    *index = 0;
    while (*at < path.size && path.data[*at] >= '0' && path.data[*at] <= '9') {
        *index = *index * 10 + (size_t)(path.data[(*at)++] - '0');
    }
    return *at > start && *at - start < 9 && *at < path.size && path.data[(*at)++] == ']';
}

// One step of "$.a['b'][0]"; *tree becomes NULL when there is nothing. False: not such a path.
static bool step(Slice path, size_t *at, const JsonTree **tree)
{
    size_t index;
    Slice name;
    if (path.data[*at] == '.') {
        size_t start = ++*at;
        while (*at < path.size && path.data[*at] != '.' && path.data[*at] != '[') {
            (*at)++;
        }
        name = (Slice){path.data + start, *at - start};
        if (name.size == 0 || slice_is(name, "*")) {
            return false;
        }
    } else if (path.data[*at] == '[' && *at + 1 < path.size && path.data[*at + 1] == '\'') {
        *at += 2;
        size_t start = *at;
        while (*at < path.size && path.data[*at] != '\'') {
            (*at)++;
        }
        name = (Slice){path.data + start, *at - start};
        if (*at + 1 >= path.size || path.data[*at + 1] != ']') {
            return false;
        }
        *at += 2;
    } else if (path.data[*at] == '[') {
        ++*at;
        if (!take_index(path, at, &index)) {
            return false;
        }
        *tree =
            *tree != NULL && (*tree)->kind == JSON_ARRAY ? json_tree_element(*tree, index) : NULL;
        return true;
    } else {
        return false;
    }
    *tree = *tree != NULL && (*tree)->kind == JSON_OBJECT ? json_tree_member(*tree, name) : NULL;
    return true;
}

static void set_json(const JsonTree *tree, DuckColumn *result, uint64_t row)
{
    if (tree == NULL || tree->kind == JSON_NULL) {
        duck_set_null(result, row);
        return;
    }
    if (tree->kind == JSON_STRING) {
        duck_set_text(result, row, tree->text);
        return;
    }
    Buffer text = {0};
    json_tree_print(tree, &text);
    duck_set_text(result, row, buffer_slice(&text));
    buffer_done(&text);
}

static bool get_json_object(void *context, const DuckColumn *arguments, size_t argument_count,
                            uint64_t row_count, DuckColumn *result, Error *err)
{
    bool only_field = context != NULL; // json_tuple: the second argument is a name
    Arena *arena = arena_create(0);
    bool ok = true;
    (void)argument_count;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        bool complete;
        Slice path = duck_text(&arguments[1], row);
        arena_reset(arena);
        const JsonTree *tree = json_tree_parse(arena, duck_text(&arguments[0], row), &complete);
        if (only_field) {
            tree = tree != NULL && tree->kind == JSON_OBJECT ? json_tree_member(tree, path) : NULL;
            set_json(tree, result, row);
            continue;
        }
        bool valid = path.size > 0 && path.data[0] == '$';
        if (memchr(path.data, '*', path.size) != NULL) {
            ok = fail(err, ERROR_INPUT,
                      "[UNSUPPORTED_FEATURE] get_json_object with '*' in its path is not "
                      "supported yet");
            break;
        }
        for (size_t at = 1; valid && at < path.size;) {
            valid = step(path, &at, &tree);
        }
        set_json(valid ? tree : NULL, result, row);
    }
    arena_destroy(arena);
    return ok;
}

static bool array_length(void *context, const DuckColumn *arguments, size_t argument_count,
                         uint64_t row_count, DuckColumn *result, Error *err)
{
    Arena *arena = arena_create(0);
    (void)context;
    (void)argument_count;
    (void)err;
    for (uint64_t row = 0; row < row_count; row++) {
        bool complete;
        arena_reset(arena);
        const JsonTree *tree = json_tree_parse(arena, duck_text(&arguments[0], row), &complete);
        if (tree == NULL || tree->kind != JSON_ARRAY) {
            duck_set_null(result, row);
        } else {
            duck_set_int(result, row, (int64_t)tree->count);
        }
    }
    arena_destroy(arena);
    return true;
}

static bool to_json(void *context, const DuckColumn *arguments, size_t argument_count,
                    uint64_t row_count, DuckColumn *result, Error *err)
{
    TypeKind kind = arguments[0].type->kind;
    Buffer text = {0};
    (void)context;
    (void)argument_count;
    if (kind != TYPE_STRUCT && kind != TYPE_ARRAY && kind != TYPE_MAP) {
        return fail(err, ERROR_INPUT,
                    "[DATATYPE_MISMATCH.INVALID_JSON_SCHEMA] to_json needs a struct, a map or an "
                    "array");
    }
    for (uint64_t row = 0; row < row_count; row++) {
        buffer_reset(&text);
        format_json_styled(&arguments[0], row, false, &text);
        duck_set_text(result, row, buffer_slice(&text));
    }
    buffer_done(&text);
    return true;
}

// ---- from_json -----------------------------------------------------------------------------

typedef struct Cleaner {
    const TimePattern *timestamps; // NULL: as CAST reads them
    Slice corrupt_column;
    Slice record;
    bool bad; // some value did not fit
} Cleaner;

static bool clean(Cleaner *cleaner, const Type *type, const JsonTree *tree, Buffer *out);

static bool clean_integer(const Type *type, const JsonTree *tree, Buffer *out)
{
    int64_t value;
    int64_t most = type->kind == TYPE_TINYINT    ? INT8_MAX
                   : type->kind == TYPE_SMALLINT ? INT16_MAX
                   : type->kind == TYPE_INT      ? INT32_MAX
                                                 : INT64_MAX;
    if (tree->kind != JSON_NUMBER || !cast_parse_bigint(tree->text, &value) || value > most ||
        value < -most - 1) {
        return false;
    }
    buffer_printf(out, "%lld", (long long)value);
    return true;
}

static bool clean_double(const Type *type, const JsonTree *tree, Buffer *out)
{
    double value;
    bool is_number = tree->kind == JSON_NUMBER && cast_parse_double(tree->text, &value);
    bool is_special =
        tree->kind == JSON_STRING && cast_parse_double(tree->text, &value) && !isfinite(value);
    if (!is_number && !is_special) {
        return false;
    }
    value = type->kind == TYPE_FLOAT ? (double)(float)value : value;
    if (isfinite(value)) {
        buffer_printf(out, "%.17g", value);
    } else {
        buffer_append_text(out, isnan(value) ? "\"NaN\""
                                : value > 0  ? "\"Infinity\""
                                             : "\"-Infinity\"");
    }
    return true;
}

static bool clean_decimal(const Type *type, const JsonTree *tree, Buffer *out)
{
    double value;
    if ((tree->kind != JSON_NUMBER && tree->kind != JSON_STRING) ||
        !cast_parse_double(tree->text, &value) || !isfinite(value) ||
        fabs(value) >= pow(10, type->precision - type->scale)) {
        return false;
    }
    buffer_append_json(out, cast_trim(tree->text));
    return true;
}

static bool clean_time(Cleaner *cleaner, const Type *type, const JsonTree *tree, Buffer *out)
{
    int64_t value;
    bool ok = false;
    if (tree->kind == JSON_STRING && type->kind == TYPE_DATE) {
        ok = cast_parse_date(tree->text, &value);
    } else if (tree->kind == JSON_STRING && cleaner->timestamps != NULL) {
        ok = time_pattern_parse(cleaner->timestamps, tree->text, &value);
    } else if (tree->kind == JSON_STRING) {
        ok = cast_parse_timestamp(tree->text, type->kind == TYPE_TIMESTAMP, &value);
    } else if (tree->kind == JSON_NUMBER && cast_parse_bigint(tree->text, &value)) {
        ok =
            type->kind == TYPE_DATE || !__builtin_mul_overflow(value, (int64_t)TIME_SECOND, &value);
    }
    if (!ok) {
        return false;
    }
    buffer_append_char(out, '"');
    if (type->kind == TYPE_DATE) {
        format_date(value, out);
    } else {
        format_timestamp(value, out);
        buffer_append_text(out, type->kind == TYPE_TIMESTAMP ? "+00" : "");
    }
    buffer_append_char(out, '"');
    return true;
}

static bool clean_string(const JsonTree *tree, Buffer *out)
{
    if (tree->kind == JSON_STRING) {
        buffer_append_json(out, tree->text);
        return true;
    }
    Buffer text = {0};
    if (tree->kind == JSON_NUMBER) {
        buffer_append(&text, tree->text);
    } else {
        json_tree_print(tree, &text);
    }
    buffer_append_json(out, buffer_slice(&text));
    buffer_done(&text);
    return true;
}

static void clean_or_null(Cleaner *cleaner, const Type *type, const JsonTree *tree, Buffer *out)
{
    size_t mark = out->size;
    if (tree == NULL || tree->kind == JSON_NULL) {
        buffer_append_text(out, "null");
    } else if (!clean(cleaner, type, tree, out)) {
        cleaner->bad = true;
        out->size = mark;
        buffer_append_text(out, "null");
    }
}

static bool clean_list(Cleaner *cleaner, const Type *type, const JsonTree *tree, Buffer *out)
{
    if (tree->kind != JSON_ARRAY) {
        return false;
    }
    buffer_append_char(out, '[');
    for (const JsonTree *child = tree->first; child != NULL; child = child->next) {
        clean_or_null(cleaner, type->element, child, out);
        buffer_append_text(out, child->next != NULL ? "," : "");
    }
    buffer_append_char(out, ']');
    return true;
}

static bool clean_map(Cleaner *cleaner, const Type *type, const JsonTree *tree, Buffer *out)
{
    if (tree->kind != JSON_OBJECT) {
        return false;
    }
    buffer_append_char(out, '{');
    bool first = true;
    for (const JsonTree *child = tree->first; child != NULL; child = child->next) {
        if (json_tree_member(tree, child->name) != child) {
            continue; // a repeated key: the last one counts
        }
        buffer_append_text(out, first ? "" : ",");
        first = false;
        buffer_append_json(out, child->name);
        buffer_append_char(out, ':');
        clean_or_null(cleaner, type->element, child, out);
    }
    buffer_append_char(out, '}');
    return true;
}

static bool clean_struct(Cleaner *cleaner, const Type *type, const JsonTree *tree, Buffer *out)
{
    if (tree->kind != JSON_OBJECT) {
        return false;
    }
    buffer_append_char(out, '{');
    for (size_t i = 0; i < type->fields.count; i++) {
        Slice name = slice_of(type->fields.columns[i].name);
        buffer_append_text(out, i > 0 ? "," : "");
        buffer_append_json(out, name);
        buffer_append_char(out, ':');
        clean_or_null(cleaner, type->fields.columns[i].type, json_tree_member(tree, name), out);
    }
    buffer_append_char(out, '}');
    return true;
}

static bool clean(Cleaner *cleaner, const Type *type, const JsonTree *tree, Buffer *out)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        if (tree->kind != JSON_TRUE && tree->kind != JSON_FALSE) {
            return false;
        }
        json_tree_print(tree, out);
        return true;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        return clean_integer(type, tree, out);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return clean_double(type, tree, out);
    case TYPE_DECIMAL:
        return clean_decimal(type, tree, out);
    case TYPE_STRING:
        return clean_string(tree, out);
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        return clean_time(cleaner, type, tree, out);
    case TYPE_ARRAY:
        return clean_list(cleaner, type, tree, out);
    case TYPE_MAP:
        return clean_map(cleaner, type, tree, out);
    case TYPE_STRUCT:
        return clean_struct(cleaner, type, tree, out);
    default:
        return false;
    }
}

// A record that is no JSON, or not of the schema's form: all fields NULL, except for the column
// that is to hold the record itself.
static void append_corrupt(const Cleaner *cleaner, const Type *type, Buffer *out)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i < type->fields.count; i++) {
        Slice name = slice_of(type->fields.columns[i].name);
        buffer_append_text(out, i > 0 ? "," : "");
        buffer_append_json(out, name);
        buffer_append_char(out, ':');
        if (cleaner->corrupt_column.size > 0 && slice_equal(name, cleaner->corrupt_column)) {
            buffer_append_json(out, cleaner->record);
        } else {
            buffer_append_text(out, "null");
        }
    }
    buffer_append_char(out, '}');
}

// False: the row is NULL.
static bool clean_record(Cleaner *cleaner, const Type *type, Arena *arena, Buffer *out)
{
    bool complete;
    if (cast_trim(cleaner->record).size == 0) {
        return false;
    }
    const JsonTree *tree = json_tree_parse(arena, cleaner->record, &complete);
    bool is_struct = type->kind == TYPE_STRUCT;
    if (tree != NULL && is_struct && tree->kind == JSON_ARRAY) { // an array of records: its first
        if (tree->first == NULL) {
            return false;
        }
        tree = tree->first;
    }
    cleaner->bad = tree == NULL || !complete;
    size_t mark = out->size;
    if (!cleaner->bad && clean(cleaner, type, tree, out)) {
        return true;
    }
    cleaner->bad = true;
    out->size = mark;
    if (is_struct) {
        append_corrupt(cleaner, type, out);
    }
    return is_struct;
}

static bool clean_rows(const DuckColumn *arguments, uint64_t row_count, const Type *type,
                       Cleaner *cleaner, DuckColumn *result, Error *err)
{
    Arena *arena = arena_create(0);
    Buffer text = {0};
    bool ok = true;
    bool fails = false;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        fails = slice_is(duck_text(&arguments[3], row), "FAILFAST");
        cleaner->record = duck_text(&arguments[0], row);
        arena_reset(arena);
        buffer_reset(&text);
        if (clean_record(cleaner, type, arena, &text)) {
            duck_set_text(result, row, buffer_slice(&text));
        } else {
            duck_set_null(result, row);
        }
        if (fails && cleaner->bad) {
            ok = fail(err, ERROR_INPUT,
                      "[MALFORMED_RECORD_IN_PARSING] from_json in FAILFAST mode: '%.*s'",
                      (int)(cleaner->record.size > 200 ? 200 : cleaner->record.size),
                      cleaner->record.data);
        }
    }
    buffer_done(&text);
    arena_destroy(arena);
    return ok;
}

// spark_clean_json(text, schema, timestamp pattern, mode, corrupt column); all but the text are
// constant in one statement.
static bool clean_json(void *context, const DuckColumn *arguments, size_t argument_count,
                       uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    if (row_count == 0) {
        return true;
    }
    Arena *arena = arena_create(0);
    TimePattern pattern = {.count = 0};
    Slice format = duck_text(&arguments[2], 0);
    const Type *type = sql_parse_type(arena, duck_text(&arguments[1], 0), err);
    Cleaner cleaner = {.corrupt_column = duck_text(&arguments[4], 0)};
    bool ok = type != NULL;
    if (ok && format.size > 0) {
        ok = time_pattern_compile(format, &pattern, err);
        cleaner.timestamps = &pattern;
    }
    ok = ok && clean_rows(arguments, row_count, type, &cleaner, result, err);
    arena_destroy(arena);
    return ok;
}

static const char marked[] = "set";

static const PreludeFunction functions[] = {
    {"spark_get_json_object", "ss", 's', PRELUDE_PLAIN, get_json_object, NULL},
    {"spark_json_field", "ss", 's', PRELUDE_PLAIN, get_json_object, marked},
    {"spark_json_array_length", "s", 'i', PRELUDE_PLAIN, array_length, NULL},
    {"spark_to_json", "*", 's', PRELUDE_PLAIN, to_json, NULL},
    {"spark_clean_json", "sssss", 's', PRELUDE_PLAIN, clean_json, NULL},
};

const PreludeGroup prelude_json = {functions, sizeof functions / sizeof functions[0]};
