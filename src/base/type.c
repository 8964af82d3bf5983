// SPDX-License-Identifier: Apache-2.0
#include "base/type.h"

#include <assert.h>

typedef struct TypeName {
    const char *spark;
    const char *duck;
} TypeName;

// Indexed by TypeKind; kinds with parameters are printed by hand.
static const TypeName type_names[] = {
    [TYPE_VOID] = {"void", "\"NULL\""},
    [TYPE_BOOLEAN] = {"boolean", "BOOLEAN"},
    [TYPE_TINYINT] = {"tinyint", "TINYINT"},
    [TYPE_SMALLINT] = {"smallint", "SMALLINT"},
    [TYPE_INT] = {"int", "INTEGER"},
    [TYPE_BIGINT] = {"bigint", "BIGINT"},
    [TYPE_FLOAT] = {"float", "FLOAT"},
    [TYPE_DOUBLE] = {"double", "DOUBLE"},
    [TYPE_STRING] = {"string", "VARCHAR"},
    [TYPE_BINARY] = {"binary", "BLOB"},
    [TYPE_DATE] = {"date", "DATE"},
    [TYPE_TIMESTAMP] = {"timestamp", "TIMESTAMP WITH TIME ZONE"},
    [TYPE_TIMESTAMP_NTZ] = {"timestamp_ntz", "TIMESTAMP"},
    [TYPE_INTERVAL] = {"interval", "INTERVAL"},
};

static const Type simple_types[] = {
    [TYPE_VOID] = {.kind = TYPE_VOID},
    [TYPE_BOOLEAN] = {.kind = TYPE_BOOLEAN},
    [TYPE_TINYINT] = {.kind = TYPE_TINYINT},
    [TYPE_SMALLINT] = {.kind = TYPE_SMALLINT},
    [TYPE_INT] = {.kind = TYPE_INT},
    [TYPE_BIGINT] = {.kind = TYPE_BIGINT},
    [TYPE_FLOAT] = {.kind = TYPE_FLOAT},
    [TYPE_DOUBLE] = {.kind = TYPE_DOUBLE},
    [TYPE_STRING] = {.kind = TYPE_STRING},
    [TYPE_BINARY] = {.kind = TYPE_BINARY},
    [TYPE_DATE] = {.kind = TYPE_DATE},
    [TYPE_TIMESTAMP] = {.kind = TYPE_TIMESTAMP},
    [TYPE_TIMESTAMP_NTZ] = {.kind = TYPE_TIMESTAMP_NTZ},
    [TYPE_INTERVAL] = {.kind = TYPE_INTERVAL},
};

static bool kind_is_simple(TypeKind kind)
{
    return kind <= TYPE_INTERVAL && kind != TYPE_DECIMAL;
}

const Type *type_simple(TypeKind kind)
{
    assert(kind_is_simple(kind));
    return &simple_types[kind];
}

const Type *type_decimal(Arena *arena, int precision, int scale)
{
    assert(precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision);
    Type *type = ARENA_NEW(arena, Type);
    type->kind = TYPE_DECIMAL;
    type->precision = precision;
    type->scale = scale;
    return type;
}

const Type *type_array(Arena *arena, const Type *element)
{
    Type *type = ARENA_NEW(arena, Type);
    type->kind = TYPE_ARRAY;
    type->element = element;
    return type;
}

const Type *type_map(Arena *arena, const Type *key, const Type *value)
{
    Type *type = ARENA_NEW(arena, Type);
    type->kind = TYPE_MAP;
    type->key = key;
    type->element = value;
    return type;
}

const Type *type_struct(Arena *arena, Schema fields)
{
    Type *type = ARENA_NEW(arena, Type);
    type->kind = TYPE_STRUCT;
    type->fields = fields;
    return type;
}

const Type *type_other(Arena *arena, const char *name)
{
    Type *type = ARENA_NEW(arena, Type);
    type->kind = TYPE_OTHER;
    type->name = arena_text(arena, slice_of(name));
    return type;
}

const Type *type_copy(Arena *arena, const Type *type)
{
    switch (type->kind) {
    case TYPE_DECIMAL:
        return type_decimal(arena, type->precision, type->scale);
    case TYPE_ARRAY:
        return type_array(arena, type_copy(arena, type->element));
    case TYPE_MAP:
        return type_map(arena, type_copy(arena, type->key), type_copy(arena, type->element));
    case TYPE_STRUCT:
        return type_struct(arena, schema_copy(arena, &type->fields));
    case TYPE_OTHER:
        return type_other(arena, type->name);
    default:
        return type_simple(type->kind);
    }
}

bool type_equal(const Type *a, const Type *b)
{
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case TYPE_DECIMAL:
        return a->precision == b->precision && a->scale == b->scale;
    case TYPE_ARRAY:
        return type_equal(a->element, b->element);
    case TYPE_MAP:
        return type_equal(a->key, b->key) && type_equal(a->element, b->element);
    case TYPE_STRUCT:
        return schema_equal(&a->fields, &b->fields);
    case TYPE_OTHER:
        return strcmp(a->name, b->name) == 0;
    default:
        return true;
    }
}

bool type_is_integer(const Type *type)
{
    return type->kind >= TYPE_TINYINT && type->kind <= TYPE_BIGINT;
}

bool type_is_numeric(const Type *type)
{
    return type->kind >= TYPE_TINYINT && type->kind <= TYPE_DECIMAL;
}

void type_print(const Type *type, Buffer *out)
{
    switch (type->kind) {
    case TYPE_DECIMAL:
        buffer_printf(out, "decimal(%d,%d)", type->precision, type->scale);
        return;
    case TYPE_ARRAY:
        buffer_append_text(out, "array<");
        type_print(type->element, out);
        buffer_append_char(out, '>');
        return;
    case TYPE_MAP:
        buffer_append_text(out, "map<");
        type_print(type->key, out);
        buffer_append_char(out, ',');
        type_print(type->element, out);
        buffer_append_char(out, '>');
        return;
    case TYPE_STRUCT:
        buffer_append_text(out, "struct<");
        for (size_t i = 0; i < type->fields.count; i++) {
            if (i > 0) {
                buffer_append_char(out, ',');
            }
            buffer_append_text(out, type->fields.columns[i].name);
            buffer_append_char(out, ':');
            type_print(type->fields.columns[i].type, out);
        }
        buffer_append_char(out, '>');
        return;
    case TYPE_OTHER:
        buffer_append_text(out, type->name);
        return;
    default:
        buffer_append_text(out, type_names[type->kind].spark);
    }
}

static void print_quoted(const char *name, Buffer *out)
{
    buffer_append_char(out, '"');
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"') {
            buffer_append_char(out, '"');
        }
        buffer_append_char(out, *c);
    }
    buffer_append_char(out, '"');
}

void type_print_duck(const Type *type, Buffer *out)
{
    switch (type->kind) {
    case TYPE_DECIMAL:
        buffer_printf(out, "DECIMAL(%d,%d)", type->precision, type->scale);
        return;
    case TYPE_ARRAY:
        type_print_duck(type->element, out);
        buffer_append_text(out, "[]");
        return;
    case TYPE_MAP:
        buffer_append_text(out, "MAP(");
        type_print_duck(type->key, out);
        buffer_append_text(out, ", ");
        type_print_duck(type->element, out);
        buffer_append_char(out, ')');
        return;
    case TYPE_STRUCT:
        buffer_append_text(out, "STRUCT(");
        for (size_t i = 0; i < type->fields.count; i++) {
            if (i > 0) {
                buffer_append_text(out, ", ");
            }
            print_quoted(type->fields.columns[i].name, out);
            buffer_append_char(out, ' ');
            type_print_duck(type->fields.columns[i].type, out);
        }
        buffer_append_char(out, ')');
        return;
    case TYPE_OTHER:
        buffer_append_text(out, type->name);
        return;
    default:
        buffer_append_text(out, type_names[type->kind].duck);
    }
}

void schema_add(Arena *arena, Schema *schema, const char *name, const Type *type, bool nullable)
{
    Column column = {
        .name = arena_text(arena, slice_of(name)),
        .type = type,
        .nullable = nullable,
    };
    ARENA_PUSH(arena, schema->columns, schema->count, schema->capacity, column);
}

int schema_find(const Schema *schema, Slice name)
{
    for (size_t i = 0; i < schema->count; i++) {
        const char *c = schema->columns[i].name;
        if (strlen(c) != name.size) {
            continue;
        }
        size_t at = 0;
        for (; at < name.size; at++) {
            int x = c[at] >= 'A' && c[at] <= 'Z' ? c[at] + 32 : c[at];
            int y =
                name.data[at] >= 'A' && name.data[at] <= 'Z' ? name.data[at] + 32 : name.data[at];
            if (x != y) {
                break;
            }
        }
        if (at == name.size) {
            return (int)i;
        }
    }
    return -1;
}

Schema schema_copy(Arena *arena, const Schema *schema)
{
    Schema copy = {0};
    for (size_t i = 0; i < schema->count; i++) {
        const Column *from = &schema->columns[i];
        schema_add(arena, &copy, from->name, type_copy(arena, from->type), from->nullable);
        if (from->comment != NULL) {
            copy.columns[i].comment = arena_text(arena, slice_of(from->comment));
        }
    }
    return copy;
}

bool schema_equal(const Schema *a, const Schema *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!text_equal_nocase(a->columns[i].name, b->columns[i].name) ||
            !type_equal(a->columns[i].type, b->columns[i].type)) {
            return false;
        }
    }
    return true;
}
