// bind.c -- DuckDB's binder's complaints in Spark's words, at the user's position.
// SPDX-License-Identifier: Apache-2.0
#include "sql/print.h"

typedef struct Problem {
    const DuckProblem *duck;
    Pos pos;
    Diagnostics *diagnostics;
    Arena *arena;
} Problem;

static bool is(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

// The nearest of "a, b, c".
static const char *suggest(const Problem *problem)
{
    const char *list = problem->duck->candidates;
    if (list == NULL || problem->duck->name == NULL) {
        return NULL;
    }
    Map *names = map_create(true);
    for (const char *at = list; *at != '\0';) {
        size_t size = strcspn(at, ",");
        Slice name = {at, size};
        while (name.size > 0 && (name.data[0] == ' ' || name.data[0] == '"')) {
            name.data++;
            name.size--;
        }
        while (name.size > 0 &&
               (name.data[name.size - 1] == ' ' || name.data[name.size - 1] == '"')) {
            name.size--;
        }
        const char *dot = memchr(name.data, '.', name.size);
        if (dot != NULL) { // "table.column": the column
            name.size -= (size_t)(dot + 1 - name.data);
            name.data = dot + 1;
        }
        if (name.size > 0) {
            map_put(names, name, (void *)(uintptr_t)list);
        }
        at += size + (at[size] == ',' ? 1 : 0);
    }
    const char *nearest = diagnostic_nearest(problem->arena, names, slice_of(problem->duck->name));
    if (nearest == NULL && map_count(names) > 0) {
        Buffer text = {0};
        for (size_t i = 0; i < map_count(names) && i < 8; i++) {
            Slice name = map_key_at(names, i);
            buffer_printf(&text, "%s%.*s", i == 0 ? "there are: " : ", ", SLICE_ARG(name));
        }
        nearest = arena_text(problem->arena, buffer_slice(&text));
        buffer_done(&text);
    }
    map_destroy(names);
    return nearest;
}

typedef struct Replacement {
    const char *duck;
    const char *spark;
} Replacement;

// Type and function names of DuckDB in a text, replaced by Spark's; longer ones first.
static const char *in_spark_words(Arena *arena, const char *text)
{
    static const Replacement replacements[] = {
        {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP"},
        {"TIMESTAMP", "TIMESTAMP_NTZ"},
        {"INTEGER_LITERAL", "INT"},
        {"INTEGER", "INT"},
        {"VARCHAR", "STRING"},
        {"STRING_LITERAL", "STRING"},
        {"BLOB", "BINARY"},
        {"spark_try_cast_", ""},
        {"spark_cast_", ""},
        {"spark_", ""},
    };
    Buffer out = {0};
    while (*text != '\0') {
        size_t i = 0;
        for (; i < ARRAY_LEN(replacements); i++) {
            size_t size = strlen(replacements[i].duck);
            if (strncmp(text, replacements[i].duck, size) == 0) {
                buffer_append_text(&out, replacements[i].spark);
                text += size;
                break;
            }
        }
        if (i == ARRAY_LEN(replacements)) {
            buffer_append_char(&out, *text++);
        }
    }
    const char *result = arena_text(arena, buffer_slice(&out));
    buffer_done(&out);
    return result;
}

// "[CONDITION] message" of tarn's own functions, split; else the first line of DuckDB's.
static bool diagnose_other(const Problem *problem)
{
    const char *message = problem->duck->message == NULL ? "?" : problem->duck->message;
    const char *close = message[0] == '[' ? strchr(message, ']') : NULL;
    if (close != NULL) {
        const char *condition =
            arena_text(problem->arena, (Slice){message + 1, (size_t)(close - message - 1)});
        return diagnose(problem->diagnostics, problem->pos, condition, NULL, "%s",
                        close[1] == ' ' ? close + 2 : close + 1);
    }
    Slice line = {message, strcspn(message, "\n")};
    const char *text = in_spark_words(problem->arena, arena_text(problem->arena, line));
    const char *condition = NULL;
    if (is(problem->duck->exception, "Conversion")) {
        condition = "CAST_INVALID_INPUT";
    } else if (is(problem->duck->exception, "Out of Range")) {
        condition = "ARITHMETIC_OVERFLOW";
    } else if (strstr(message, "GROUP BY") != NULL) {
        condition = "MISSING_AGGREGATION";
    } else if (strstr(message, "aggregate") != NULL && strstr(message, "WHERE") != NULL) {
        condition = "INVALID_WHERE_CONDITION";
    } else if (strstr(message, "mbiguous") != NULL) {
        condition = "AMBIGUOUS_REFERENCE";
    } else if (strstr(message, "has ") != NULL && strstr(message, "columns available") != NULL) {
        condition = "NUM_COLUMNS_MISMATCH";
    }
    return diagnose(problem->diagnostics, problem->pos, condition, NULL, "%s", text);
}

static bool diagnose_problem(const Problem *problem)
{
    const DuckProblem *duck = problem->duck;
    const char *message = duck->message == NULL ? "" : duck->message;
    if (is(duck->subtype, "COLUMN_NOT_FOUND") && duck->name != NULL) {
        if (strncmp(message, "Referenced table", 16) == 0) {
            return diagnose(problem->diagnostics, problem->pos, "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                            suggest(problem), "no table or alias '%s' here", duck->name);
        }
        return diagnose(problem->diagnostics, problem->pos, "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                        suggest(problem), "no column '%s'", duck->name);
    }
    if (strncmp(message, "Referenced table \"", 18) == 0) {
        const char *name = message + 18;
        return diagnose(problem->diagnostics, problem->pos, "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                        suggest(problem), "no table or alias '%.*s' here", (int)strcspn(name, "\""),
                        name);
    }
    if (is(duck->subtype, "NO_MATCHING_FUNCTION")) {
        const char *call = duck->call != NULL ? duck->call : duck->name != NULL ? duck->name : "?";
        return diagnose(problem->diagnostics, problem->pos, "DATATYPE_MISMATCH", NULL,
                        "%s cannot take arguments of these types",
                        in_spark_words(problem->arena, call));
    }
    if (strncmp(message, "Macro ", 6) == 0 && strstr(message, "does not support") != NULL) {
        Slice name = {message + 6, strcspn(message + 6, "(")};
        return diagnose(problem->diagnostics, problem->pos, "DATATYPE_MISMATCH", NULL,
                        "%s cannot take arguments of these types",
                        in_spark_words(problem->arena, arena_text(problem->arena, name)));
    }
    return diagnose_other(problem);
}

bool sql_bind(DuckConn *conn, const char *sql, const SourceMap *map, Pos fallback,
              Diagnostics *diagnostics, Schema *schema, Arena *arena)
{
    Error err;
    DuckProblem duck = {0};
    Schema bound = {0};
    if (!duck_describe(conn, sql, &bound, arena, &duck, &err)) {
        Problem problem = {&duck, fallback, diagnostics, arena};
        if (duck.message == NULL) {
            duck.message = err.message;
        }
        if (duck.position >= 0 && map != NULL && map->count > 0) {
            problem.pos = source_map_find(map, (size_t)duck.position);
        }
        return diagnose_problem(&problem);
    }
    for (size_t i = 0; i < bound.count; i++) {
        if (bound.columns[i].type->kind == TYPE_OTHER) {
            return diagnose(diagnostics, fallback, "DATATYPE_MISMATCH",
                            "CAST it to a type of Spark",
                            "column '%s' has a type that Spark SQL does not have (%s)",
                            bound.columns[i].name, bound.columns[i].type->name);
        }
    }
    *schema = bound;
    return true;
}
