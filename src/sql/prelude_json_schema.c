// prelude_json_schema.c -- schema_of_json: the type that Spark infers for a JSON text.
//
// Whole numbers are BIGINT, or a DECIMAL where they are too large for one; others DOUBLE; texts
// STRING, and so is what is always null. Fields are sorted by name. Elements of an array share one
// type: numbers grow, structs get the fields of all, everything else together is STRING.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "sql/cast.h"
#include "sql/json_tree.h"
#include "sql/prelude_internal.h"

static const Type *number_type(Arena *arena, Slice text)
{
    int64_t value;
    size_t sign = text.size > 0 && text.data[0] == '-' ? 1 : 0;
    for (size_t i = 0; i < text.size; i++) {
        if (strchr(".eE", text.data[i]) != NULL) {
            return type_simple(TYPE_DOUBLE);
        }
    }
    if (cast_parse_bigint(text, &value)) {
        return type_simple(TYPE_BIGINT);
    }
    return text.size - sign > 38 ? type_simple(TYPE_DOUBLE)
                                 : type_decimal(arena, (int)(text.size - sign), 0);
}

static int compare_fields(const void *a, const void *b)
{
    const Column *x = a;
    const Column *y = b;
    return strcmp(x->name, y->name);
}

static const Type *merge(Arena *arena, const Type *a, const Type *b);

static const Type *merge_structs(Arena *arena, const Type *a, const Type *b)
{
    Schema fields = {0};
    for (size_t i = 0; i < a->fields.count; i++) {
        const Column *field = &a->fields.columns[i];
        schema_add(arena, &fields, field->name, field->type, true);
    }
    for (size_t i = 0; i < b->fields.count; i++) {
        const Column *field = &b->fields.columns[i];
        size_t at = 0;
        while (at < fields.count && strcmp(fields.columns[at].name, field->name) != 0) {
            at++;
        }
        if (at < fields.count) {
            fields.columns[at].type = merge(arena, fields.columns[at].type, field->type);
        } else {
            schema_add(arena, &fields, field->name, field->type, true);
        }
    }
    if (fields.count > 1) {
        qsort(fields.columns, fields.count, sizeof *fields.columns, compare_fields);
    }
    return type_struct(arena, fields);
}

static const Type *merge(Arena *arena, const Type *a, const Type *b)
{
    if (a->kind == TYPE_VOID || b->kind == TYPE_VOID) {
        return a->kind == TYPE_VOID ? b : a;
    }
    if (a->kind == TYPE_STRUCT && b->kind == TYPE_STRUCT) {
        return merge_structs(arena, a, b);
    }
    if (a->kind == TYPE_ARRAY && b->kind == TYPE_ARRAY) {
        return type_array(arena, merge(arena, a->element, b->element));
    }
    if (type_is_numeric(a) && type_is_numeric(b)) {
        if (a->kind == TYPE_DOUBLE || b->kind == TYPE_DOUBLE) {
            return type_simple(TYPE_DOUBLE);
        }
        if (a->kind == b->kind && a->kind == TYPE_BIGINT) {
            return a;
        }
        int left = a->kind == TYPE_BIGINT ? 20 : a->precision;
        int right = b->kind == TYPE_BIGINT ? 20 : b->precision;
        return type_decimal(arena, left > right ? left : right, 0);
    }
    return a->kind == b->kind ? a : type_simple(TYPE_STRING);
}

static const Type *infer(Arena *arena, const JsonTree *tree)
{
    const Type *element = type_simple(TYPE_VOID);
    Schema fields = {0};
    switch (tree->kind) {
    case JSON_NULL:
        return element;
    case JSON_TRUE:
    case JSON_FALSE:
        return type_simple(TYPE_BOOLEAN);
    case JSON_NUMBER:
        return number_type(arena, tree->text);
    case JSON_STRING:
        return type_simple(tree->text.size == 0 ? TYPE_VOID : TYPE_STRING);
    case JSON_ARRAY:
        for (const JsonTree *child = tree->first; child != NULL; child = child->next) {
            element = merge(arena, element, infer(arena, child));
        }
        return type_array(arena, element);
    case JSON_OBJECT:
        for (const JsonTree *child = tree->first; child != NULL; child = child->next) {
            schema_add(arena, &fields, arena_text(arena, child->name), infer(arena, child), true);
        }
        if (fields.count > 1) {
            qsort(fields.columns, fields.count, sizeof *fields.columns, compare_fields);
        }
        return type_struct(arena, fields);
    }
    return element;
}

static void append_name(const char *name, Buffer *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    bool is_plain = name[0] != '\0' && name[strspn(name, plain)] == '\0' &&
                    strspn(name, "0123456789") < strlen(name);
    if (is_plain) {
        buffer_append_text(out, name);
        return;
    }
    buffer_append_char(out, '`');
    for (; *name != '\0'; name++) {
        buffer_append_text(out, *name == '`' ? "`" : "");
        buffer_append_char(out, *name);
    }
    buffer_append_char(out, '`');
}

// A struct without fields is nothing in itself; only the text as a whole may be one.
static bool is_empty(const Type *type)
{
    bool empty = type->kind == TYPE_ARRAY && is_empty(type->element);
    if (type->kind == TYPE_STRUCT) {
        empty = true;
        for (size_t i = 0; i < type->fields.count; i++) {
            empty = empty && is_empty(type->fields.columns[i].type);
        }
    }
    return empty;
}

static void append_type(const Type *type, Buffer *out)
{
    const char *separator = "";
    switch (type->kind) {
    case TYPE_ARRAY:
        buffer_append_text(out, "ARRAY<");
        append_type(type->element, out);
        buffer_append_char(out, '>');
        break;
    case TYPE_STRUCT:
        buffer_append_text(out, "STRUCT<");
        for (size_t i = 0; i < type->fields.count; i++) {
            if (is_empty(type->fields.columns[i].type)) {
                continue;
            }
            buffer_append_text(out, separator);
            append_name(type->fields.columns[i].name, out);
            buffer_append_text(out, ": ");
            append_type(type->fields.columns[i].type, out);
            separator = ", ";
        }
        buffer_append_char(out, '>');
        break;
    case TYPE_DECIMAL:
        buffer_printf(out, "DECIMAL(%d,%d)", type->precision, type->scale);
        break;
    case TYPE_BIGINT:
        buffer_append_text(out, "BIGINT");
        break;
    case TYPE_DOUBLE:
        buffer_append_text(out, "DOUBLE");
        break;
    case TYPE_BOOLEAN:
        buffer_append_text(out, "BOOLEAN");
        break;
    default:
        buffer_append_text(out, "STRING");
        break;
    }
}

static bool schema_of_json(void *context, const DuckColumn *arguments, size_t argument_count,
                           uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)context;
    (void)argument_count;
    Arena *arena = arena_create(0);
    Buffer text = {0};
    bool ok = true;
    for (uint64_t row = 0; ok && row < row_count; row++) {
        bool rest_is_empty = false;
        arena_reset(arena);
        buffer_reset(&text);
        const JsonTree *tree =
            json_tree_parse(arena, duck_text(&arguments[0], row), &rest_is_empty);
        ok = (tree != NULL && rest_is_empty) ||
             fail(err, ERROR_INPUT, "[INVALID_JSON_RECORD_TYPE] schema_of_json needs a JSON text");
        if (ok) {
            append_type(infer(arena, tree), &text);
            duck_set_text(result, row, buffer_slice(&text));
        }
    }
    buffer_done(&text);
    arena_destroy(arena);
    return ok;
}

static const PreludeFunction functions[] = {
    {"spark_schema_of_json", "s", 's', PRELUDE_PLAIN, schema_of_json, NULL},
};

const PreludeGroup prelude_json_schemas = {functions, sizeof functions / sizeof functions[0]};
