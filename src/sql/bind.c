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
        buffer_append_text(&text, "did you mean ");
        for (size_t i = 0; i < map_count(names) && i < 8; i++) {
            Slice name = map_key_at(names, i);
            buffer_printf(&text, "%s'%.*s'", i == 0 ? "" : " or ", SLICE_ARG(name));
        }
        buffer_append_char(&text, '?');
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

// "+(INT, TIMESTAMP)" as "INT + TIMESTAMP"; NULL: no operator with two sides.
static const char *as_operator(Arena *arena, const char *call)
{
    size_t sign = strcspn(call, "(");
    size_t size = strlen(call);
    bool is_name = sign == 0 || strchr("+-*/%<>=!|&^~", call[0]) == NULL;
    size_t depth = 0;
    for (size_t i = sign + 1; !is_name && i + 1 < size; i++) {
        depth += call[i] == '(';
        depth -= call[i] == ')';
        if (call[i] == ',' && depth == 0) {
            return arena_printf(arena, "%.*s %.*s %.*s", (int)(i - sign - 1), call + sign + 1,
                                (int)sign, call, (int)(size - i - 3), call + i + 2);
        }
    }
    return NULL;
}

// The text between the first two double quotes.
static Slice quoted(const char *message)
{
    const char *open = strchr(message, '"');
    return open == NULL ? slice_of("?") : (Slice){open + 1, strcspn(open + 1, "\"")};
}

// What DuckDB's binder says often, said as Spark users know it; false: not one of these.
static bool diagnose_known(const Problem *problem, const char *message)
{
    Diagnostics *diagnostics = problem->diagnostics;
    Pos pos = problem->pos;
    Slice name = quoted(message);
    if (strncmp(message, "Could not find key ", 19) == 0) {
        diagnose(diagnostics, pos, "FIELD_NOT_FOUND", NULL, "no field '%.*s' in the struct",
                 SLICE_ARG(name));
    } else if (strstr(message, "must appear in the GROUP BY") != NULL) {
        diagnose(diagnostics, pos, "MISSING_AGGREGATION",
                 "add it to GROUP BY or put it into an aggregate such as max()",
                 "column '%.*s' is neither grouped by nor aggregated", SLICE_ARG(name));
    } else if (strncmp(message, "WHERE clause cannot contain aggregates", 38) == 0) {
        diagnose(diagnostics, pos, "INVALID_WHERE_CONDITION", "filter groups with HAVING",
                 "WHERE cannot hold an aggregate");
    } else if (strncmp(message, "Ambiguous reference to column name", 34) == 0) {
        const char *use = strstr(message, "(use: ");
        const char *advice = use == NULL ? NULL
                                         : arena_printf(problem->arena, "write %.*s",
                                                        (int)strcspn(use + 6, ")"), use + 6);
        diagnose(diagnostics, pos, "AMBIGUOUS_REFERENCE", advice, "column '%.*s' is ambiguous",
                 SLICE_ARG(name));
    } else if (strncmp(message, "GROUP BY term out of range", 26) == 0 ||
               strncmp(message, "ORDER BY term out of range", 26) == 0) {
        const char *range = strstr(message, "between");
        diagnose(diagnostics, pos,
                 message[0] == 'G' ? "GROUP_BY_POS_OUT_OF_RANGE" : "ORDER_BY_POS_OUT_OF_RANGE",
                 NULL, "%.8s position is not in the select list: it must be %s", message,
                 range == NULL ? "one of its positions" : range);
    } else if (strncmp(message, "Set operations can only apply", 29) == 0) {
        diagnose(diagnostics, pos, "NUM_COLUMNS_MISMATCH", NULL,
                 "both sides of a UNION, INTERSECT or EXCEPT need the same number of columns");
    } else {
        return false;
    }
    return true;
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
    if (strstr(message, "structure must be a constant") != NULL ||
        strstr(message, "multiple overloads that match") != NULL) {
        return diagnose(problem->diagnostics, problem->pos, "DATATYPE_MISMATCH",
                        "CAST it to the type it should have",
                        "the type of this expression cannot be told here");
    }
    if (strstr(message, "BoundSubqueryExpression") != NULL) {
        return diagnose(problem->diagnostics, problem->pos, "UNSUPPORTED_FEATURE",
                        "join the subquery, or select it in a WITH clause first",
                        "a subquery as an argument of this function or of a division is not "
                        "supported yet");
    }
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
    if (diagnose_known(problem, message)) {
        return false;
    }
    if (is(duck->subtype, "NO_MATCHING_FUNCTION")) {
        const char *call = duck->call != NULL ? duck->call : duck->name != NULL ? duck->name : "?";
        const char *text = in_spark_words(problem->arena, call);
        const char *infix = as_operator(problem->arena, text);
        return infix != NULL ? diagnose(problem->diagnostics, problem->pos, "DATATYPE_MISMATCH",
                                        "CAST one side", "there is no %s", infix)
                             : diagnose(problem->diagnostics, problem->pos, "DATATYPE_MISMATCH",
                                        NULL, "%s cannot take arguments of these types", text);
    }
    if (strncmp(message, "Macro ", 6) == 0 && strstr(message, "does not support") != NULL) {
        Slice name = {message + 6, strcspn(message + 6, "(")};
        return diagnose(problem->diagnostics, problem->pos, "DATATYPE_MISMATCH", NULL,
                        "%s cannot take arguments of these types",
                        in_spark_words(problem->arena, arena_text(problem->arena, name)));
    }
    return diagnose_other(problem);
}

// To DuckDB a misspelt column that gives its item its name ("x" AS "x") is an alias that is used
// too early. Without the alias it says what is missing; spaces keep the positions.
static void ask_without_alias(DuckConn *conn, const char *sql, DuckProblem *duck, Arena *arena)
{
    static const char *const openings[] = {"Column \"", "Alias with name \""};
    const char *message = duck->message == NULL ? "" : duck->message;
    for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
        size_t size = strlen(openings[i]);
        if (strncmp(message, openings[i], size) != 0) {
            continue;
        }
        Slice name = {message + size, strcspn(message + size, "\"")};
        const char *alias = arena_printf(arena, " AS \"%.*s\"", SLICE_ARG(name));
        char *plain = arena_text(arena, slice_of(sql));
        for (char *at = strstr(plain, alias); at != NULL; at = strstr(at, alias)) {
            memset(at, ' ', strlen(alias));
        }
        Schema schema = {0};
        DuckProblem second = {0};
        Error err;
        if (!duck_describe(conn, plain, &schema, arena, &second, &err) && second.message != NULL) {
            *duck = second;
        }
        return;
    }
}

bool sql_bind(DuckConn *conn, const char *sql, const SourceMap *map, Pos fallback,
              Diagnostics *diagnostics, Schema *schema, Arena *arena)
{
    Error err;
    DuckProblem duck = {0};
    Schema bound = {0};
    if (!duck_describe(conn, sql, &bound, arena, &duck, &err)) {
        Problem problem = {&duck, fallback, diagnostics, arena};
        ask_without_alias(conn, sql, &duck, arena);
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

void sql_error_in_spark_words(Error *err)
{
    static const struct {
        const char *part;
        const char *condition;
    } known[] = {
        {"out of range for the destination type", "ARITHMETIC_OVERFLOW"},
        {"verflow in", "ARITHMETIC_OVERFLOW"},
        {"Could not convert", "CAST_INVALID_INPUT"},
        {"Could not cast", "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION"},
        {"Map keys must be unique", "DUPLICATED_MAP_KEY"},
        {"more than one row returned by a subquery", "SCALAR_SUBQUERY_TOO_MANY_ROWS"},
    };
    if (err->kind != ERROR_INPUT || err->message[0] == '[') {
        return;
    }
    Arena *arena = arena_create(0);
    Slice line = {err->message, strcspn(err->message, "\n")};
    const char *text = in_spark_words(arena, arena_text(arena, line));
    const char *condition = NULL;
    for (size_t i = 0; i < ARRAY_LEN(known) && condition == NULL; i++) {
        condition = strstr(text, known[i].part) != NULL ? known[i].condition : NULL;
    }
    if (condition != NULL) {
        fail(err, ERROR_INPUT, "[%s] %s", condition, text);
    } else {
        fail(err, ERROR_INPUT, "%s", text);
    }
    arena_destroy(arena);
}
