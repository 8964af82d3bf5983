// type.h -- Spark's data types and schemas, the words in which all layers speak of columns.
//
// Types are immutable values in an arena. Type names are Spark's simpleString ("bigint",
// "decimal(10,2)", "array<int>", "struct<a:int,b:string>", "timestamp_ntz").
// sql/type_parse.h reads the DDL form, lake/delta_schema.h Delta's JSON, duck/ maps to DuckDB's.
//
// TIMESTAMP is an instant (DuckDB TIMESTAMPTZ), TIMESTAMP_NTZ a wall-clock time (DuckDB TIMESTAMP).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buffer.h"

typedef enum TypeKind {
    TYPE_VOID, // the type of NULL
    TYPE_BOOLEAN,
    TYPE_TINYINT,
    TYPE_SMALLINT,
    TYPE_INT,
    TYPE_BIGINT,
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,
    TYPE_STRING,
    TYPE_BINARY,
    TYPE_DATE,
    TYPE_TIMESTAMP,
    TYPE_TIMESTAMP_NTZ,
    TYPE_INTERVAL, // DuckDB's months/days/microseconds; cannot be stored in a table
    TYPE_ARRAY,
    TYPE_MAP,
    TYPE_STRUCT,
    TYPE_OTHER, // a DuckDB type that Spark does not have (HUGEINT, TIME ...): `name` says which
} TypeKind;

typedef struct Type Type;

typedef struct Column {
    const char *name;
    const Type *type;
    bool nullable;
    const char *comment; // NULL: none
} Column;

typedef struct Schema {
    Column *columns;
    size_t count;
    size_t capacity;
} Schema;

struct Type {
    TypeKind kind;
    int precision;       // DECIMAL
    int scale;           // DECIMAL
    const Type *element; // ARRAY; MAP's value
    const Type *key;     // MAP
    Schema fields;       // STRUCT
    const char *name;    // OTHER
};

const Type *type_simple(TypeKind kind); // static; not for DECIMAL, ARRAY, MAP, STRUCT, OTHER
const Type *type_decimal(Arena *arena, int precision, int scale);
const Type *type_array(Arena *arena, const Type *element);
const Type *type_map(Arena *arena, const Type *key, const Type *value);
const Type *type_struct(Arena *arena, Schema fields); // takes the schema as it is
const Type *type_other(Arena *arena, const char *name);
const Type *type_copy(Arena *arena, const Type *type); // deep

bool type_equal(const Type *a, const Type *b); // field names without case; nullability ignored
bool type_is_integer(const Type *type);
bool type_is_numeric(const Type *type);

void type_print(const Type *type, Buffer *out);      // Spark's simpleString
void type_print_duck(const Type *type, Buffer *out); // DuckDB's DDL: "TIMESTAMP WITH TIME ZONE"

void schema_add(Arena *arena, Schema *schema, const char *name, const Type *type, bool nullable);
int schema_find(const Schema *schema, Slice name); // case ignored; -1: none
Schema schema_copy(Arena *arena, const Schema *schema);
bool schema_equal(const Schema *a, const Schema *b); // names without case, types
