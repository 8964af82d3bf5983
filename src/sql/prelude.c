// prelude.c -- puts Spark's functions and macros into a database.
// SPDX-License-Identifier: Apache-2.0
#include "sql/prelude_internal.h"
#include "sql/print.h"

static const Type *letter_type(char letter)
{
    static const Type seconds = {.kind = TYPE_DECIMAL, .precision = 8, .scale = 6};
    switch (letter) {
    case 'b':
        return type_simple(TYPE_BOOLEAN);
    case 'y':
        return type_simple(TYPE_TINYINT);
    case 'h':
        return type_simple(TYPE_SMALLINT);
    case 'i':
        return type_simple(TYPE_INT);
    case 'l':
        return type_simple(TYPE_BIGINT);
    case 'f':
        return type_simple(TYPE_FLOAT);
    case 'd':
        return type_simple(TYPE_DOUBLE);
    case 'c':
        return &seconds;
    case 'x':
        return type_simple(TYPE_BINARY);
    case 'D':
        return type_simple(TYPE_DATE);
    case 'T':
        return type_simple(TYPE_TIMESTAMP);
    case 'N':
        return type_simple(TYPE_TIMESTAMP_NTZ);
    default:
        return type_simple(TYPE_STRING);
    }
}

static bool register_function(DuckConn *conn, const PreludeFunction *function, Arena *arena,
                              Error *err)
{
    Schema arguments = {0};
    DuckScalar scalar = {
        .name = function->name,
        .arguments = &arguments,
        .result = letter_type(function->result),
        .sees_null = (function->flags & PRELUDE_NULLS) != 0,
        .function = function->function,
        .context = (void *)(uintptr_t)function->context, // const tables; the functions only read
    };
    for (const char *letter = function->arguments; *letter != '\0'; letter++) {
        if (*letter == '*') {
            scalar.variadic = true;
        } else {
            schema_add(arena, &arguments, "argument", letter_type(*letter), true);
        }
    }
    return duck_register_scalar(conn, &scalar, err);
}

bool sql_prelude(DuckConn *conn, Error *err)
{
    static const PreludeGroup *const groups[] = {
        &prelude_casts,   &prelude_numbers,     &prelude_decimals, &prelude_strings,
        &prelude_formats, &prelude_times,       &prelude_patterns, &prelude_json,
        &prelude_hashes,  &prelude_collections, &prelude_urls,     &prelude_json_schemas,
    };
    Arena *arena = arena_create(0);
    bool ok = true;
    for (size_t g = 0; ok && g < ARRAY_LEN(groups); g++) {
        for (size_t i = 0; ok && i < groups[g]->count; i++) {
            ok = register_function(conn, &groups[g]->functions[i], arena, err);
        }
    }
    Buffer all = {0};
    for (size_t i = 0; prelude_macros[i] != NULL; i++) {
        buffer_append_text(&all, prelude_macros[i]);
        buffer_append_text(&all, ";\n");
    }
    ok = ok && duck_run(conn, buffer_text(&all), err);
    buffer_done(&all);
    arena_destroy(arena);
    return ok || fail_context(err, "Spark's functions");
}
