// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_schema.h"

#include <jansson.h>
#include <stdio.h>

enum { DEPTH_MAX = 100 };

typedef struct Reader {
    Arena *arena;
    bool physical; // take delta.columnMapping.physicalName instead of name
    int depth;
    DeltaSchema *found;
} Reader;

static const struct {
    const char *name;
    TypeKind kind;
} simple_types[] = {
    {"string", TYPE_STRING}, {"long", TYPE_BIGINT},
    {"integer", TYPE_INT},   {"short", TYPE_SMALLINT},
    {"byte", TYPE_TINYINT},  {"float", TYPE_FLOAT},
    {"double", TYPE_DOUBLE}, {"boolean", TYPE_BOOLEAN},
    {"binary", TYPE_BINARY}, {"date", TYPE_DATE},
    {"void", TYPE_VOID},     {"timestamp", TYPE_TIMESTAMP},
    {"null", TYPE_VOID},     {"timestamp_ntz", TYPE_TIMESTAMP_NTZ},
};

static const Type *read_type(Reader *reader, const json_t *json, const char *column, Error *err);

static const Type *read_type_name(Reader *reader, const char *name, const char *column, Error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(simple_types); i++) {
        if (strcmp(name, simple_types[i].name) == 0) {
            return type_simple(simple_types[i].kind);
        }
    }
    int precision = 10;
    int scale = 0;
    char close = ')';
    if (strcmp(name, "decimal") == 0 ||
        (sscanf(name, "decimal(%d,%d%c", &precision, &scale, &close) == 3 && close == ')' &&
         precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision)) {
        return type_decimal(reader->arena, precision, scale);
    }
    fail(err, ERROR_INPUT, "column '%s' has the type '%s', which tarn does not support", column,
         name);
    return NULL;
}

// Remembers columns that ask more of a writer than storing values.
static void note_metadata(Reader *reader, const json_t *metadata, const char *name)
{
    if (reader->found == NULL) {
        return;
    }
    if (json_object_get(metadata, "delta.invariants") != NULL) {
        reader->found->invariant = name;
    }
    if (json_object_get(metadata, "delta.generationExpression") != NULL) {
        reader->found->generated = name;
    }
    if (json_object_get(metadata, "delta.identity.start") != NULL) {
        reader->found->identity = name;
    }
}

static bool read_fields(Reader *reader, const json_t *fields, Schema *schema, Error *err)
{
    if (!json_is_array(fields)) {
        return fail(err, ERROR_CORRUPT, "the schema of the table has a struct without fields");
    }
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_string_value(json_object_get(field, "name"));
        if (name == NULL) {
            return fail(err, ERROR_CORRUPT, "the schema of the table has a column without a name");
        }
        const json_t *metadata = json_object_get(field, "metadata");
        note_metadata(reader, metadata, arena_text(reader->arena, slice_of(name)));
        const Type *type = read_type(reader, json_object_get(field, "type"), name, err);
        if (type == NULL) {
            return false;
        }
        if (reader->physical) {
            const char *physical =
                json_string_value(json_object_get(metadata, "delta.columnMapping.physicalName"));
            if (physical == NULL) {
                return fail(err, ERROR_CORRUPT, "column '%s' has no physical name", name);
            }
            name = physical;
        }
        bool nullable = !json_is_false(json_object_get(field, "nullable"));
        schema_add(reader->arena, schema, arena_text(reader->arena, slice_of(name)), type,
                   nullable);
        const char *comment = json_string_value(json_object_get(metadata, "comment"));
        if (comment != NULL) {
            schema->columns[schema->count - 1].comment =
                arena_text(reader->arena, slice_of(comment));
        }
    }
    return true;
}

static const Type *read_nested(Reader *reader, const json_t *json, const char *column, Error *err)
{
    const char *kind = json_string_value(json_object_get(json, "type"));
    if (kind != NULL && strcmp(kind, "struct") == 0) {
        Schema fields = {0};
        return read_fields(reader, json_object_get(json, "fields"), &fields, err)
                   ? type_struct(reader->arena, fields)
                   : NULL;
    }
    if (kind != NULL && strcmp(kind, "array") == 0) {
        const Type *element = read_type(reader, json_object_get(json, "elementType"), column, err);
        return element == NULL ? NULL : type_array(reader->arena, element);
    }
    if (kind != NULL && strcmp(kind, "map") == 0) {
        const Type *key = read_type(reader, json_object_get(json, "keyType"), column, err);
        const Type *value =
            key == NULL ? NULL : read_type(reader, json_object_get(json, "valueType"), column, err);
        return value == NULL ? NULL : type_map(reader->arena, key, value);
    }
    fail(err, ERROR_INPUT, "column '%s' has the type '%s', which tarn does not support", column,
         kind == NULL ? "(none)" : kind);
    return NULL;
}

static const Type *read_type(Reader *reader, const json_t *json, const char *column, Error *err)
{
    if (json_is_string(json)) {
        return read_type_name(reader, json_string_value(json), column, err);
    }
    if (++reader->depth > DEPTH_MAX) {
        fail(err, ERROR_INPUT, "column '%s' is nested deeper than %d levels", column, DEPTH_MAX);
        return NULL;
    }
    const Type *type = read_nested(reader, json, column, err);
    reader->depth--;
    return type;
}

static const Schema *read_schema(const json_t *root, bool physical, DeltaSchema *found,
                                 Arena *arena, Error *err)
{
    Reader reader = {arena, physical, 0, found};
    Schema *schema = ARENA_NEW(arena, Schema);
    return read_fields(&reader, json_object_get(root, "fields"), schema, err) ? schema : NULL;
}

bool delta_schema_parse(const char *json, bool mapped, DeltaSchema *schema, Arena *arena,
                        Error *err)
{
    json_error_t problem;
    json_t *root = json_loads(json, 0, &problem);
    if (root == NULL) {
        return fail(err, ERROR_CORRUPT, "the schema of the table is not JSON: %s", problem.text);
    }
    DeltaSchema read = {0};
    read.logical = read_schema(root, false, &read, arena, err);
    bool ok = read.logical != NULL;
    read.physical = read.logical;
    if (ok && mapped) {
        read.physical = read_schema(root, true, NULL, arena, err);
        ok = read.physical != NULL;
    }
    json_decref(root);
    if (ok) {
        *schema = read;
    }
    return ok;
}

// ---- writing -------------------------------------------------------------------------------

static void print_type(const Type *type, Buffer *out)
{
    if (type->kind == TYPE_DECIMAL) {
        buffer_printf(out, "\"decimal(%d,%d)\"", type->precision, type->scale);
    } else if (type->kind == TYPE_ARRAY) {
        buffer_append_text(out, "{\"type\":\"array\",\"elementType\":");
        print_type(type->element, out);
        buffer_append_text(out, ",\"containsNull\":true}");
    } else if (type->kind == TYPE_MAP) {
        buffer_append_text(out, "{\"type\":\"map\",\"keyType\":");
        print_type(type->key, out);
        buffer_append_text(out, ",\"valueType\":");
        print_type(type->element, out);
        buffer_append_text(out, ",\"valueContainsNull\":true}");
    } else if (type->kind == TYPE_STRUCT) {
        delta_schema_print(&type->fields, out);
    } else {
        for (size_t i = 0; i < ARRAY_LEN(simple_types); i++) {
            if (simple_types[i].kind == type->kind) {
                buffer_printf(out, "\"%s\"", simple_types[i].name);
                return;
            }
        }
    }
}

void delta_schema_print(const Schema *schema, Buffer *out)
{
    buffer_append_text(out, "{\"type\":\"struct\",\"fields\":[");
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        buffer_append_text(out, i == 0 ? "{\"name\":" : ",{\"name\":");
        buffer_append_json(out, slice_of(column->name));
        buffer_append_text(out, ",\"type\":");
        print_type(column->type, out);
        buffer_printf(out, ",\"nullable\":%s,\"metadata\":{", column->nullable ? "true" : "false");
        if (column->comment != NULL) {
            buffer_append_text(out, "\"comment\":");
            buffer_append_json(out, slice_of(column->comment));
        }
        buffer_append_text(out, "}}");
    }
    buffer_append_text(out, "]}");
}

// ---- checks --------------------------------------------------------------------------------

static bool check_columns(const Schema *schema, int depth, Error *err);

static bool check_type(const Type *type, const char *column, int depth, Error *err)
{
    if (depth > DEPTH_MAX) {
        return fail(err, ERROR_INPUT, "column '%s' is nested deeper than %d levels", column,
                    DEPTH_MAX);
    }
    switch (type->kind) {
    case TYPE_VOID:
        return fail(err, ERROR_INPUT,
                    "column '%s' has no type because it is only NULL; write CAST(NULL AS type)",
                    column);
    case TYPE_INTERVAL:
        return fail(err, ERROR_INPUT, "column '%s' is an INTERVAL, which Delta cannot store",
                    column);
    case TYPE_OTHER:
        return fail(err, ERROR_INPUT,
                    "column '%s' has the type %s, which Delta cannot store; CAST it to another "
                    "type (whole numbers: BIGINT or DECIMAL)",
                    column, type->name);
    case TYPE_ARRAY:
        return check_type(type->element, column, depth + 1, err);
    case TYPE_MAP:
        return check_type(type->key, column, depth + 1, err) &&
               check_type(type->element, column, depth + 1, err);
    case TYPE_STRUCT:
        return check_columns(&type->fields, depth + 1, err);
    default:
        return true;
    }
}

static bool check_columns(const Schema *schema, int depth, Error *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        if (column->name[0] == '\0' || strpbrk(column->name, " ,;{}()\n\t=") != NULL) {
            return fail(err, ERROR_INPUT,
                        "column name '%s' cannot be stored in Parquet (no spaces, and none of "
                        ",;{}()=); give it another name with AS",
                        column->name);
        }
        if ((size_t)schema_find(schema, slice_of(column->name)) != i) {
            return fail(err, ERROR_INPUT, "column '%s' appears twice (case does not count)",
                        column->name);
        }
        if (!check_type(column->type, column->name, depth, err)) {
            return false;
        }
    }
    return true;
}

// A partition value is a string in the log; these types have one agreed spelling [1.12].
static bool is_partition_type(const Type *type)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DECIMAL:
    case TYPE_STRING:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        return true;
    default:
        return false;
    }
}

bool delta_schema_check(const Schema *schema, const char *const *partition_columns,
                        size_t partition_count, Error *err)
{
    if (schema->count == 0) {
        return fail(err, ERROR_INPUT, "a table needs at least one column");
    }
    if (!check_columns(schema, 0, err)) {
        return false;
    }
    for (size_t i = 0; i < partition_count; i++) {
        int index = schema_find(schema, slice_of(partition_columns[i]));
        if (index < 0) {
            return fail(err, ERROR_INPUT, "there is no column '%s' to partition by",
                        partition_columns[i]);
        }
        for (size_t j = 0; j < i; j++) {
            if (text_equal_nocase(partition_columns[i], partition_columns[j])) {
                return fail(err, ERROR_INPUT, "partition column '%s' is named twice",
                            partition_columns[i]);
            }
        }
        if (!is_partition_type(schema->columns[index].type)) {
            return fail(err, ERROR_INPUT,
                        "cannot partition by column '%s': use a whole number, DECIMAL, STRING, "
                        "BOOLEAN, DATE or TIMESTAMP",
                        partition_columns[i]);
        }
    }
    if (partition_count == schema->count) {
        return fail(err, ERROR_INPUT, "at least one column must not be a partition column");
    }
    return true;
}

static int integer_digits(const Type *type)
{
    switch (type->kind) {
    case TYPE_TINYINT:
        return 3;
    case TYPE_SMALLINT:
        return 5;
    case TYPE_INT:
        return 10;
    default:
        return 19;
    }
}

static bool struct_fits(const Schema *from, const Schema *to)
{
    for (size_t i = 0; i < from->count; i++) {
        int index = schema_find(to, slice_of(from->columns[i].name));
        if (index < 0 || !delta_schema_fits(from->columns[i].type, to->columns[index].type)) {
            return false;
        }
    }
    return from->count == to->count;
}

bool delta_schema_fits(const Type *from, const Type *to)
{
    if (from->kind == TYPE_VOID || type_equal(from, to)) {
        return true;
    }
    if (type_is_integer(from)) {
        if (to->kind == TYPE_DECIMAL) {
            return to->precision - to->scale >= integer_digits(from);
        }
        bool exact = to->kind == TYPE_DOUBLE && from->kind != TYPE_BIGINT;
        return exact || (type_is_integer(to) && integer_digits(from) <= integer_digits(to));
    }
    if (from->kind == TYPE_DECIMAL && to->kind == TYPE_DECIMAL) {
        return to->scale >= from->scale &&
               to->precision - to->scale >= from->precision - from->scale;
    }
    if (from->kind == TYPE_FLOAT && to->kind == TYPE_DOUBLE) {
        return true;
    }
    if (from->kind == TYPE_ARRAY && to->kind == TYPE_ARRAY) {
        return delta_schema_fits(from->element, to->element);
    }
    if (from->kind == TYPE_MAP && to->kind == TYPE_MAP) {
        return delta_schema_fits(from->key, to->key) &&
               delta_schema_fits(from->element, to->element);
    }
    return from->kind == TYPE_STRUCT && to->kind == TYPE_STRUCT &&
           struct_fits(&from->fields, &to->fields);
}

static bool type_uses(const Type *type, TypeKind kind)
{
    return type->kind == kind || (type->element != NULL && type_uses(type->element, kind)) ||
           (type->key != NULL && type_uses(type->key, kind)) ||
           delta_schema_uses(&type->fields, kind);
}

bool delta_schema_uses(const Schema *schema, TypeKind kind)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (type_uses(schema->columns[i].type, kind)) {
            return true;
        }
    }
    return false;
}

static bool type_is_generated(const Type *type)
{
    return (type->element == NULL || type_is_generated(type->element)) &&
           (type->key == NULL || type_is_generated(type->key)) &&
           delta_schema_is_generated(&type->fields);
}

bool delta_schema_is_generated(const Schema *physical)
{
    for (size_t i = 0; i < physical->count; i++) {
        const Column *column = &physical->columns[i];
        if (strncmp(column->name, "col-", 4) != 0 || !type_is_generated(column->type)) {
            return false;
        }
    }
    return true;
}
