// layers: base duck sql
// sql_fuzz.c -- any bytes as SQL, as an expression, a type, a column list and a duration: each ends
// in a tree or in a problem whose position lies in the text, and never in a crash or a loop.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "sql/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Every third name is set, so that all three ways of ${...} are taken.
static const char *find_variable(void *context, Slice name)
{
    (void)context;
    return name.size % 3 == 0 ? "value" : name.size % 3 == 1 ? "" : NULL;
}

static void check_problems(const Diagnostics *diagnostics, size_t size)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        Pos pos = diagnostics->items[i].pos;
        if (pos.start > pos.end || pos.end > size) {
            abort();
        }
    }
    Buffer out = {0};
    diagnostics_print(diagnostics, &out);
    buffer_done(&out);
}

static void check_statements(Slice text)
{
    static const SqlVariables variables = {find_variable, NULL};
    Arena *arena = arena_create(0);
    SqlSources *sources = sql_sources_create(arena);
    Diagnostics *diagnostics = diagnostics_create(arena, sources);
    uint32_t source = sql_sources_add(sources, "fuzz", text);
    StatementList statements = {0};
    bool ok = sql_parse(arena, diagnostics, source, &variables, &statements);
    if (ok != (diagnostics->count == 0)) {
        abort();
    }
    for (size_t i = 0; i < statements.count; i++) {
        if (ast_query_is_deeper(statements.items[i]->query, SQL_MAX_HEIGHT)) {
            abort();
        }
    }
    check_problems(diagnostics, text.size);
    arena_destroy(arena);
}

static void check_expression(Slice text)
{
    Arena *arena = arena_create(0);
    SqlSources *sources = sql_sources_create(arena);
    Diagnostics *diagnostics = diagnostics_create(arena, sources);
    uint32_t source = sql_sources_add(sources, "fuzz", text);
    if (sql_parse_expression(arena, diagnostics, source) == NULL && diagnostics->count == 0) {
        abort();
    }
    check_problems(diagnostics, text.size);
    arena_destroy(arena);
}

static void check_texts(Slice text)
{
    Arena *arena = arena_create(0);
    Error err = {0};
    Schema schema = {0};
    TimeUs duration;
    const Type *type = sql_parse_type(arena, text, &err);
    if ((type == NULL) != (err.kind == ERROR_INPUT)) {
        abort();
    }
    err = (Error){0};
    if (sql_parse_columns(arena, text, &schema, &err) == (err.kind == ERROR_INPUT)) {
        abort();
    }
    err = (Error){0};
    if (sql_parse_duration(text, &duration, &err) == (err.kind == ERROR_INPUT)) {
        abort();
    }
    arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Slice text = {(const char *)data, size};
    check_statements(text);
    check_expression(text);
    check_texts(text);
    return 0;
}
