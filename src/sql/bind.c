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

// "INT[]" as "ARRAY<INT>", "STRUCT(a INT)" as "STRUCT<a INT>".
static const char *type_in_spark_words(Arena *arena, Slice type)
{
    if (type.size > 2 && memcmp(type.data + type.size - 2, "[]", 2) == 0) {
        type.size -= 2;
        return arena_printf(arena, "ARRAY<%s>", type_in_spark_words(arena, type));
    }
    const char *text = in_spark_words(arena, arena_text(arena, type));
    bool is_nested = strncmp(text, "STRUCT(", 7) == 0 || strncmp(text, "MAP(", 4) == 0;
    size_t open = strcspn(text, "(");
    return is_nested ? arena_printf(arena, "%.*s<%.*s>", (int)open, text,
                                    (int)(strlen(text) - open - 2), text + open + 1)
                     : text;
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
            return arena_printf(arena, "%s %.*s %s",
                                type_in_spark_words(arena, (Slice){call + sign + 1, i - sign - 1}),
                                (int)sign, call,
                                type_in_spark_words(arena, (Slice){call + i + 2, size - i - 3}));
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

// "Cannot compare values of type A and type B - ...", "Cannot mix values of type A and B in ...".
static bool find_mixed_types(const char *message, Slice *a, Slice *b)
{
    static const char *const heads[] = {"Cannot compare values of type ",
                                        "Cannot mix values of type ", "Cannot combine types of "};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        size_t size = strlen(heads[i]);
        const char *and = strstr(message, " and ");
        if (strncmp(message, heads[i], size) != 0 || and == NULL) {
            continue;
        }
        const char *second =
            and+strlen(strncmp(and, " and type ", 10) == 0 ? " and type " : " and ");
        const char *end = strstr(second, i == 1 ? " in " : " - ");
        *a = (Slice){message + size, (size_t)(and-message) - size};
        *b = (Slice){second, end == NULL ? strlen(second) : (size_t)(end - second)};
        return true;
    }
    return false;
}

// What DuckDB's binder says often, said as Spark users know it; false: not one of these.
static bool diagnose_known(const Problem *problem, const char *message)
{
    Diagnostics *diagnostics = problem->diagnostics;
    Pos pos = problem->pos;
    Slice name = quoted(message);
    Slice a;
    Slice b;
    if (strncmp(message, "Could not find key ", 19) == 0) {
        diagnose(diagnostics, pos, "FIELD_NOT_FOUND", NULL, "no field '%.*s' in the struct",
                 SLICE_ARG(name));
    } else if (strstr(message, "does not have a column named ") != NULL) {
        const char *column = strstr(message, "does not have a column named ");
        diagnose(diagnostics, pos, "UNRESOLVED_COLUMN.WITH_SUGGESTION", suggest(problem),
                 "no column '%.*s' in %.*s", SLICE_ARG(quoted(column)), SLICE_ARG(name));
    } else if (strstr(message, "in EXCLUDE list not found") != NULL) {
        diagnose(diagnostics, pos, "UNRESOLVED_COLUMN.WITH_SUGGESTION", NULL, "no column '%.*s'",
                 SLICE_ARG(name));
    } else if (strncmp(message, "Cannot extract field '", 22) == 0) {
        Slice field = {message + 22, strcspn(message + 22, "'")};
        diagnose(diagnostics, pos, "INVALID_EXTRACT_BASE_FIELD_TYPE",
                 arena_printf(problem->arena,
                              "if it is an array of structs: transform(%.*s, x -> x.%.*s)",
                              SLICE_ARG(name), SLICE_ARG(field)),
                 "'%.*s' is no struct and has no field '%.*s'", SLICE_ARG(name), SLICE_ARG(field));
    } else if (find_mixed_types(message, &a, &b)) {
        diagnose(diagnostics, pos, "DATATYPE_MISMATCH", "CAST one side",
                 "%s and %s cannot be compared or be values of one expression",
                 type_in_spark_words(problem->arena, a), type_in_spark_words(problem->arena, b));
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
        const char *text = close[1] == ' ' ? close + 2 : close + 1;
        const char *advice = strstr(text, "; ");
        size_t size = advice == NULL ? strlen(text) : (size_t)(advice - text);
        return diagnose(problem->diagnostics, problem->pos, condition,
                        advice == NULL ? NULL : advice + 2, "%.*s", (int)size, text);
    }
    Slice line = {message, strcspn(message, "\n")};
    const char *text = in_spark_words(problem->arena, arena_text(problem->arena, line));
    const char *condition = NULL;
    if (strncmp(message, "Cannot deduce template type", 27) == 0) {
        return diagnose(problem->diagnostics, problem->pos, "DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                        "CAST them to one type", "these values have different types");
    }
    if (strstr(message, "structure must be a constant") != NULL ||
        strstr(message, "multiple overloads that match") != NULL) {
        return diagnose(problem->diagnostics, problem->pos, "DATATYPE_MISMATCH",
                        "CAST it to the type it should have",
                        "the type of this expression cannot be told here");
    }
    if (strstr(message, "GROUP BY") != NULL) {
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
        const char *infix = as_operator(problem->arena, call);
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

// ---- all problems of a statement ---------------------------------------------------------------

// A printed query that is taken apart while it is bound: what is a problem becomes NULL, so that
// the next one shows.
typedef struct Draft {
    Buffer sql;
    SourceMap map; // entries of its own
} Draft;

enum { MAX_PROBLEMS = 24 };

static void draft_init(Draft *draft, const char *sql, const SourceMap *map, Arena *arena)
{
    *draft = (Draft){0};
    buffer_append_text(&draft->sql, sql);
    if (map != NULL && map->count > 0) {
        draft->map = *map;
        draft->map.entries = ARENA_ARRAY(arena, SourceMapEntry, map->count);
        memcpy(draft->map.entries, map->entries, map->count * sizeof *map->entries);
    }
}

// The smallest expression around the offset that is larger than `inner` (NULL: any); NULL: none.
static const SourceMapEntry *draft_find(const Draft *draft, size_t offset,
                                        const SourceMapEntry *inner)
{
    const SourceMapEntry *found = NULL;
    for (size_t i = 0; i < draft->map.count && draft->map.entries[i].offset <= offset; i++) {
        const SourceMapEntry *entry = &draft->map.entries[i];
        size_t size = entry->end - entry->offset;
        bool is_outside = inner == NULL || size > inner->end - inner->offset;
        if (entry->end > offset && is_outside &&
            (found == NULL || size <= found->end - found->offset)) {
            found = entry;
        }
    }
    return found;
}

// NULL in place of the smallest expression around the offset; false: there is none, or it was one
// already.
static bool draft_blank(Draft *draft, size_t offset, Arena *arena)
{
    const SourceMapEntry *found = draft_find(draft, offset, NULL);
    if (found == NULL) {
        return false;
    }
    size_t start = found->offset;
    size_t end = found->end;
    const char *old = arena_text(arena, buffer_slice(&draft->sql));
    if (end - start == 4 && strncmp(old + start, "NULL", 4) == 0) {
        return false;
    }
    draft->sql.size = start;
    buffer_append_text(&draft->sql, "NULL");
    buffer_append_text(&draft->sql, old + end);
    for (size_t i = 0; i < draft->map.count; i++) {
        SourceMapEntry *entry = &draft->map.entries[i];
        if (entry->offset > start && entry->offset < end) { // gone
            *entry = (SourceMapEntry){.offset = start, .pos = entry->pos};
            continue;
        }
        entry->offset = entry->offset >= end ? entry->offset + 4 + start - end : entry->offset;
        entry->end = entry->end >= end ? entry->end + 4 + start - end : entry->end;
    }
    return true;
}

static bool is_untold(const DuckProblem *duck)
{
    return duck->message != NULL && strstr(duck->message, "multiple overloads that match") != NULL;
}

// What DuckDB says about a column in place of the call; of the expression around the call where
// that one is a macro too.
static bool ask_for_column(DuckConn *conn, const Draft *draft, const SourceMapEntry *call,
                           const SourceMapEntry *column, DuckProblem *duck, Arena *arena)
{
    const char *sql = buffer_text(&draft->sql);
    for (; call != NULL; call = draft_find(draft, column->offset, call)) {
        const char *alone = arena_printf(arena, "%.*s%.*s%s", (int)call->offset, sql,
                                         (int)(column->end - column->offset), sql + column->offset,
                                         sql + call->end);
        Error err;
        Schema schema = {0};
        DuckProblem second = {0};
        if (duck_describe(conn, alone, &schema, arena, &second, &err)) {
            return false;
        }
        if (!is_untold(&second)) {
            *duck = second;
            duck->position = (int)column->offset;
            return second.message != NULL && second.position == (int)call->offset;
        }
    }
    return false;
}

// A macro with forms by type does not say that its argument is a column that is not there: each
// column of the call is asked for alone.
static void ask_for_columns(DuckConn *conn, const Draft *draft, DuckProblem *duck, Arena *arena)
{
    const SourceMapEntry *call =
        duck->position < 0 ? NULL : draft_find(draft, (size_t)duck->position, NULL);
    if (call == NULL || !is_untold(duck)) {
        return;
    }
    for (size_t i = 0; i < draft->map.count; i++) {
        const SourceMapEntry *entry = &draft->map.entries[i];
        bool is_inside = entry->offset >= call->offset && entry->end <= call->end;
        DuckProblem second;
        if (is_inside && entry->end > entry->offset &&
            buffer_text(&draft->sql)[entry->offset] == '"' &&
            ask_for_column(conn, draft, call, entry, &second, arena)) {
            *duck = second;
            return;
        }
    }
}

// DuckDB gives no position for a missing field, or for a column of EXCEPT: the first expression
// that ends in its name.
static int find_field(const Draft *draft, const char *message)
{
    bool is_excluded = strstr(message, "in EXCLUDE list not found") != NULL;
    bool is_key = strncmp(message, "Could not find key ", 19) == 0;
    Slice name = strncmp(message, "Cannot extract field '", 22) == 0
                     ? (Slice){message + 22, strcspn(message + 22, "'")}
                 : is_key || is_excluded ? quoted(message)
                                         : (Slice){"", 0};
    const char *sql = buffer_text(&draft->sql);
    size_t least = SIZE_MAX;
    int found = -1;
    for (size_t i = 0; name.size > 0 && i < draft->map.count; i++) {
        const SourceMapEntry *entry = &draft->map.entries[i];
        Slice text = {sql + entry->offset,
                      entry->end < entry->offset ? 0 : entry->end - entry->offset};
        bool is_star = text.size > 0 && text.data[0] == '*';
        while (text.size > 0 && strchr("\"')", text.data[text.size - 1]) != NULL) {
            text.size--;
        }
        Slice tail = {text.data + text.size - name.size, name.size};
        if (text.size > name.size + (is_excluded ? 0 : 2) && slice_equal_nocase(tail, name) &&
            (tail.data[-1] == '"' || tail.data[-1] == '\'')) {
            found = !is_star && text.size < least ? (int)entry->offset : found;
            least = !is_star && text.size < least ? text.size : least;
        }
    }
    return found;
}

// Whether a problem stands for itself, after others were taken out: a name that is not there, or an
// operator whose operands are all known.
static bool is_independent(const DuckProblem *duck)
{
    const char *message = duck->message == NULL ? "" : duck->message;
    Slice a;
    Slice b;
    if (is(duck->subtype, "COLUMN_NOT_FOUND") || strncmp(message, "Referenced ", 11) == 0 ||
        strncmp(message, "Could not find key ", 19) == 0 ||
        strncmp(message, "Cannot extract field ", 21) == 0 ||
        strstr(message, "does not have a column named ") != NULL) {
        return true;
    }
    if (find_mixed_types(message, &a, &b)) {
        return strstr(message, "NULL") == NULL;
    }
    return is(duck->subtype, "NO_MATCHING_FUNCTION") && duck->call != NULL &&
           strstr(duck->call, "NULL") == NULL && strstr(duck->call, "UNKNOWN") == NULL;
}

// Names that a window function of GROUP BY makes: gone when that call is itself a problem.
static bool is_window(const char *name)
{
    return name != NULL &&
           (text_equal_nocase(name, "window") || text_equal_nocase(name, "session_window"));
}

static void bind_all(DuckConn *conn, Draft *draft, Pos fallback, Diagnostics *diagnostics, bool *ok,
                     Schema *schema, Arena *arena)
{
    for (int round = 0; round < MAX_PROBLEMS; round++) {
        Error err;
        DuckProblem duck = {0};
        Schema bound = {0};
        if (duck_describe(conn, buffer_text(&draft->sql), &bound, arena, &duck, &err)) {
            *schema = bound;
            return;
        }
        bool is_first = *ok && !draft->map.has_gaps;
        *ok = false;
        ask_without_alias(conn, buffer_text(&draft->sql), &duck, arena);
        if (duck.message == NULL) {
            duck.message = err.message;
        }
        ask_for_columns(conn, draft, &duck, arena);
        if (duck.position < 0) {
            duck.position = find_field(draft, duck.message);
        }
        Problem problem = {&duck, fallback, diagnostics, arena};
        bool has_place = duck.position >= 0 && draft->map.count > 0;
        if (has_place) {
            problem.pos = source_map_find(&draft->map, (size_t)duck.position);
        }
        bool follows = draft->map.has_gaps && is_window(duck.name);
        if (is_first || (is_independent(&duck) && !follows)) {
            diagnose_problem(&problem);
        }
        if (!has_place || !draft_blank(draft, (size_t)duck.position, arena)) {
            return;
        }
    }
}

// ---- constants ---------------------------------------------------------------------------------

static bool evaluate(DuckConn *conn, const char *sql, const SourceMapEntry *entries, size_t count,
                     Error *err)
{
    Buffer all = {0};
    for (size_t i = 0; i < count; i++) {
        if (entries[i].is_constant) {
            buffer_append_text(&all, all.size == 0 ? "SELECT " : ", ");
            buffer_append(&all,
                          (Slice){sql + entries[i].offset, entries[i].end - entries[i].offset});
        }
    }
    bool ok = all.size == 0 || duck_run(conn, buffer_text(&all), err);
    buffer_done(&all);
    return ok;
}

// Evaluates all constants at once, and only when that fails one by one.
static bool check_constants(DuckConn *conn, const char *sql, const SourceMap *map,
                            Diagnostics *diagnostics, Arena *arena)
{
    Error err;
    bool ok = true;
    if (map == NULL || evaluate(conn, sql, map->entries, map->count, &err) ||
        err.kind != ERROR_INPUT) {
        return true;
    }
    for (size_t i = 0; i < map->count; i++) {
        // what does not even bind has been told already
        if (!evaluate(conn, sql, &map->entries[i], 1, &err) && err.kind == ERROR_INPUT &&
            err.message[0] == '[') {
            DuckProblem duck = {.message = arena_text(arena, slice_of(err.message))};
            Problem problem = {&duck, map->entries[i].pos, diagnostics, arena};
            ok = diagnose_other(&problem);
        }
    }
    return ok;
}

bool sql_bind(DuckConn *conn, const char *sql, const SourceMap *map, Pos fallback,
              Diagnostics *diagnostics, Schema *schema, Arena *arena)
{
    Draft draft;
    Schema bound = {0};
    bool ok = true;
    draft_init(&draft, sql, map, arena);
    bind_all(conn, &draft, fallback, diagnostics, &ok, &bound, arena);
    buffer_done(&draft.sql);
    ok = check_constants(conn, sql, map, diagnostics, arena) && ok;
    if (!ok || (map != NULL && map->has_gaps)) {
        return false;
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
