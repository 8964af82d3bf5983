// SPDX-License-Identifier: Apache-2.0
#include "duck/duck_internal.h"

#include <stdlib.h>

typedef struct TypePair {
    TypeKind kind;
    duckdb_type id;
} TypePair;

static const TypePair simple_pairs[] = {
    {TYPE_VOID, DUCKDB_TYPE_SQLNULL},
    {TYPE_BOOLEAN, DUCKDB_TYPE_BOOLEAN},
    {TYPE_TINYINT, DUCKDB_TYPE_TINYINT},
    {TYPE_SMALLINT, DUCKDB_TYPE_SMALLINT},
    {TYPE_INT, DUCKDB_TYPE_INTEGER},
    {TYPE_BIGINT, DUCKDB_TYPE_BIGINT},
    {TYPE_FLOAT, DUCKDB_TYPE_FLOAT},
    {TYPE_DOUBLE, DUCKDB_TYPE_DOUBLE},
    {TYPE_STRING, DUCKDB_TYPE_VARCHAR},
    {TYPE_BINARY, DUCKDB_TYPE_BLOB},
    {TYPE_DATE, DUCKDB_TYPE_DATE},
    {TYPE_TIMESTAMP, DUCKDB_TYPE_TIMESTAMP_TZ},
    {TYPE_TIMESTAMP_NTZ, DUCKDB_TYPE_TIMESTAMP},
    {TYPE_INTERVAL, DUCKDB_TYPE_INTERVAL},
};

// Types that Spark does not have, by DuckDB's name.
typedef struct OtherType {
    const char *name;
    duckdb_type id;
    size_t width;
} OtherType;

static const OtherType other_types[] = {
    {"UTINYINT", DUCKDB_TYPE_UTINYINT, 1},
    {"USMALLINT", DUCKDB_TYPE_USMALLINT, 2},
    {"UINTEGER", DUCKDB_TYPE_UINTEGER, 4},
    {"UBIGINT", DUCKDB_TYPE_UBIGINT, 8},
    {"HUGEINT", DUCKDB_TYPE_HUGEINT, 16},
    {"UHUGEINT", DUCKDB_TYPE_UHUGEINT, 16},
    {"TIME", DUCKDB_TYPE_TIME, 8},
    {"TIME_NS", DUCKDB_TYPE_TIME_NS, 8},
    {"TIME WITH TIME ZONE", DUCKDB_TYPE_TIME_TZ, 8},
    {"TIMESTAMP_S", DUCKDB_TYPE_TIMESTAMP_S, 8},
    {"TIMESTAMP_MS", DUCKDB_TYPE_TIMESTAMP_MS, 8},
    {"TIMESTAMP_NS", DUCKDB_TYPE_TIMESTAMP_NS, 8},
    {"UUID", DUCKDB_TYPE_UUID, 16},
    {"BIT", DUCKDB_TYPE_BIT, 16},
    {"BIGNUM", DUCKDB_TYPE_BIGNUM, 16},
    {"ANY", DUCKDB_TYPE_ANY, 0}, // of a function's argument
};

// These have parameters that a name alone cannot bring back: read only.
static const char *name_without_pair(duckdb_type id)
{
    switch (id) {
    case DUCKDB_TYPE_ENUM:
        return "ENUM";
    case DUCKDB_TYPE_UNION:
        return "UNION";
    case DUCKDB_TYPE_ARRAY:
        return "ARRAY";
    default:
        return "UNKNOWN";
    }
}

static const Type *struct_from_logical(Arena *arena, duckdb_logical_type logical)
{
    Schema fields = {0};
    idx_t count = duckdb_struct_type_child_count(logical);
    for (idx_t i = 0; i < count; i++) {
        char *name = duckdb_struct_type_child_name(logical, i);
        duckdb_logical_type child = duckdb_struct_type_child_type(logical, i);
        schema_add(arena, &fields, name, duck_type_from_logical(arena, child), true);
        duckdb_destroy_logical_type(&child);
        duckdb_free(name);
    }
    return type_struct(arena, fields);
}

const Type *duck_type_from_logical(Arena *arena, duckdb_logical_type logical)
{
    duckdb_type id = duckdb_get_type_id(logical);
    for (size_t i = 0; i < ARRAY_LEN(simple_pairs); i++) {
        if (simple_pairs[i].id == id) {
            return type_simple(simple_pairs[i].kind);
        }
    }
    if (id == DUCKDB_TYPE_DECIMAL) {
        return type_decimal(arena, duckdb_decimal_width(logical), duckdb_decimal_scale(logical));
    }
    if (id == DUCKDB_TYPE_LIST) {
        duckdb_logical_type child = duckdb_list_type_child_type(logical);
        const Type *element = duck_type_from_logical(arena, child);
        duckdb_destroy_logical_type(&child);
        return type_array(arena, element);
    }
    if (id == DUCKDB_TYPE_MAP) {
        duckdb_logical_type key_type = duckdb_map_type_key_type(logical);
        duckdb_logical_type value_type = duckdb_map_type_value_type(logical);
        const Type *key = duck_type_from_logical(arena, key_type);
        const Type *value = duck_type_from_logical(arena, value_type);
        duckdb_destroy_logical_type(&key_type);
        duckdb_destroy_logical_type(&value_type);
        return type_map(arena, key, value);
    }
    if (id == DUCKDB_TYPE_STRUCT) {
        return struct_from_logical(arena, logical);
    }
    for (size_t i = 0; i < ARRAY_LEN(other_types); i++) {
        if (other_types[i].id == id) {
            return type_other(arena, other_types[i].name);
        }
    }
    return type_other(arena, name_without_pair(id));
}

static duckdb_logical_type struct_to_logical(const Type *type)
{
    size_t count = type->fields.count;
    duckdb_logical_type *types = calloc(count + 1, sizeof *types);
    const char **names = calloc(count + 1, sizeof *names);
    duckdb_logical_type result = NULL;
    if (types == NULL || names == NULL || count == 0) {
        goto out; // DuckDB has no struct without fields
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = type->fields.columns[i].name;
        types[i] = duck_type_to_logical(type->fields.columns[i].type);
        if (types[i] == NULL) {
            goto out;
        }
    }
    result = duckdb_create_struct_type(types, names, count);

out:
    for (size_t i = 0; types != NULL && i < count; i++) {
        if (types[i] != NULL) {
            duckdb_destroy_logical_type(&types[i]);
        }
    }
    free(types);
    free(names);
    return result;
}

static duckdb_logical_type map_to_logical(const Type *type)
{
    duckdb_logical_type key = duck_type_to_logical(type->key);
    duckdb_logical_type value = duck_type_to_logical(type->element);
    duckdb_logical_type result = NULL;
    if (key != NULL && value != NULL) {
        result = duckdb_create_map_type(key, value);
    }
    if (key != NULL) {
        duckdb_destroy_logical_type(&key);
    }
    if (value != NULL) {
        duckdb_destroy_logical_type(&value);
    }
    return result;
}

static const OtherType *find_other(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(other_types); i++) {
        if (text_equal_nocase(other_types[i].name, name)) {
            return &other_types[i];
        }
    }
    return NULL;
}

duckdb_logical_type duck_type_to_logical(const Type *type)
{
    switch (type->kind) {
    case TYPE_DECIMAL:
        return duckdb_create_decimal_type((uint8_t)type->precision, (uint8_t)type->scale);
    case TYPE_ARRAY: {
        duckdb_logical_type element = duck_type_to_logical(type->element);
        if (element == NULL) {
            return NULL;
        }
        duckdb_logical_type result = duckdb_create_list_type(element);
        duckdb_destroy_logical_type(&element);
        return result;
    }
    case TYPE_MAP:
        return map_to_logical(type);
    case TYPE_STRUCT:
        return struct_to_logical(type);
    case TYPE_OTHER: {
        const OtherType *other = find_other(type->name);
        return other == NULL ? NULL : duckdb_create_logical_type(other->id);
    }
    default:
        for (size_t i = 0; i < ARRAY_LEN(simple_pairs); i++) {
            if (simple_pairs[i].kind == type->kind) {
                return duckdb_create_logical_type(simple_pairs[i].id);
            }
        }
        return NULL;
    }
}

size_t duck_type_width(const Type *type)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
        return 1;
    case TYPE_SMALLINT:
        return 2;
    case TYPE_INT:
    case TYPE_FLOAT:
    case TYPE_DATE:
        return 4;
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        return 8;
    case TYPE_DECIMAL: // DuckDB keeps a decimal in the smallest integer that holds its digits
        return type->precision <= 4 ? 2 : type->precision <= 9 ? 4 : type->precision <= 18 ? 8 : 16;
    case TYPE_STRING:
    case TYPE_BINARY:
    case TYPE_INTERVAL:
    case TYPE_ARRAY:
    case TYPE_MAP:
        return 16;
    case TYPE_OTHER: {
        const OtherType *other = find_other(type->name);
        return other == NULL ? 0 : other->width;
    }
    default:
        return 0;
    }
}
