// sql_conformance_test.c -- real Spark's answers against tarn's.
//
//     build/test/sql_conformance_test [--verbose] [--only TEXT] [FOLDER]
//
// FOLDER (default ../shared/testdata/spark) holds functions.jsonl, queries.jsonl and fixtures/;
// when it is not there, nothing is tested. Every statement goes the whole way: parse, print, bind,
// run, format. Outcomes: pass; wrong (other rows: must not be); named (rows right, column names
// not); refused (an error where Spark has rows); lax (rows where Spark has an error).
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "sql/format.h"
#include "sql/parser.h"
#include "sql/print.h"

typedef enum Outcome {
    PASS,
    WRONG,
    NAMED,
    REFUSED,
    LAX,
    OUTCOME_COUNT,
} Outcome;

// Wrong rows that are understood and cannot be mended above DuckDB; anything else must not be
// wrong.
typedef struct Deviation {
    const char *name;
    const char *reason;
} Deviation;

static const Deviation deviations[] = {
    {"order_05", "DuckDB's sort gives -0.0 back as 0.0"},
    {"arithmetic_25", "exp(1) differs in its last bit from Java's StrictMath"},
};

static const char *const outcome_names[] = {"pass", "wrong", "named", "refused", "lax"};

typedef struct Group {
    char name[48];
    int counts[OUTCOME_COUNT];
} Group;

typedef struct Runner {
    Duck *duck;
    DuckConn *conn;
    Arena *arena;
    Diagnostics *diagnostics;
    bool verbose;
    const char *only;
    Group groups[64];
    size_t group_count;
    int same_error; // expected errors whose condition is Spark's too
    int other_error;
} Runner;

static bool print_table(void *context, const Relation *relation, Buffer *sql)
{
    static const char *const known[] = {"users", "events", "orders", "logs"};
    Runner *runner = context;
    for (size_t i = 0; i < ARRAY_LEN(known) && relation->kind == RELATION_TABLE; i++) {
        if (relation->name.count == 1 && slice_is(relation->name.parts[0], known[i])) {
            duck_quote_name(sql, relation->name.parts[0]);
            return true;
        }
    }
    return diagnose(runner->diagnostics, relation->pos, "TABLE_OR_VIEW_NOT_FOUND", NULL,
                    "no such table or table function");
}

static void describe_error(const Diagnostics *diagnostics, Buffer *out)
{
    if (diagnostics->count > 0) {
        const Diagnostic *first = &diagnostics->items[0];
        buffer_printf(out, "[%s] %s", first->condition == NULL ? "" : first->condition,
                      first->message);
    }
}

// Runs one statement. NULL with the error as text when it fails.
static DuckRows *run(Runner *runner, const char *text, Buffer *sql, Buffer *error)
{
    Error err;
    StatementList statements = {0};
    SourceMap map = {0};
    Schema schema = {0};
    DuckRows *rows = NULL;
    PrintOptions options = {.relation = print_table, .context = runner};
    SqlSources *sources = sql_sources_create(runner->arena);
    Diagnostics *diagnostics = diagnostics_create(runner->arena, sources);
    runner->diagnostics = diagnostics;
    uint32_t source = sql_sources_add(sources, "query", slice_of(text));
    bool ok = sql_parse(runner->arena, diagnostics, source, NULL, &statements) &&
              statements.count == 1 && statements.items[0]->kind == STATEMENT_QUERY;
    if (!ok) {
        buffer_append_text(error, "parse: ");
        describe_error(diagnostics, error);
        return NULL;
    }
    const Statement *statement = statements.items[0];
    if (!sql_print_query(statement->query, &options, diagnostics, sql, &map, runner->arena) ||
        !sql_bind(runner->conn, buffer_text(sql), &map, statement->pos, diagnostics, &schema,
                  runner->arena)) {
        describe_error(diagnostics, error);
        return NULL;
    }
    if (!duck_query(runner->conn, buffer_text(sql), &rows, &err)) {
        buffer_append_text(error, err.message);
        return NULL;
    }
    return rows;
}

static void append_cell(const DuckColumn *column, uint64_t row, Buffer *out)
{
    if (duck_is_null(column, row)) {
        buffer_append_text(out, "\x01NULL");
    } else if (column->type->kind == TYPE_BINARY) {
        Slice bytes = duck_text(column, row);
        for (size_t i = 0; i < bytes.size; i++) {
            buffer_printf(out, "%02X", (unsigned char)bytes.data[i]);
        }
    } else {
        format_value(column, row, out);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **actual_lines(Runner *runner, const DuckRows *rows, size_t *count)
{
    *count = 0;
    char **lines = ARENA_ARRAY(runner->arena, char *, duck_rows_count(rows) + 1);
    Buffer line = {0};
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            buffer_reset(&line);
            for (size_t i = 0; i < duck_rows_schema(rows)->count; i++) {
                DuckColumn column = duck_rows_column(rows, chunk, i);
                buffer_append_text(&line, i > 0 ? "\x02" : "");
                append_cell(&column, row, &line);
            }
            lines[(*count)++] = arena_text(runner->arena, buffer_slice(&line));
        }
    }
    buffer_done(&line);
    return lines;
}

static char **expected_lines(Runner *runner, json_t *rows, size_t *count)
{
    *count = json_array_size(rows);
    char **lines = ARENA_ARRAY(runner->arena, char *, *count + 1);
    Buffer line = {0};
    for (size_t i = 0; i < *count; i++) {
        json_t *row = json_array_get(rows, i);
        buffer_reset(&line);
        for (size_t j = 0; j < json_array_size(row); j++) {
            json_t *cell = json_array_get(row, j);
            buffer_append_text(&line, j > 0 ? "\x02" : "");
            buffer_append_text(&line, json_is_null(cell) ? "\x01NULL" : json_string_value(cell));
        }
        lines[i] = arena_text(runner->arena, buffer_slice(&line));
    }
    buffer_done(&line);
    return lines;
}

static bool same_rows(Runner *runner, json_t *test, const DuckRows *rows, Buffer *detail)
{
    size_t actual_count;
    size_t expected_count;
    char **actual = actual_lines(runner, rows, &actual_count);
    char **expected = expected_lines(runner, json_object_get(test, "rows"), &expected_count);
    if (!json_is_true(json_object_get(test, "ordered"))) {
        qsort(actual, actual_count, sizeof *actual, compare_lines);
        qsort(expected, expected_count, sizeof *expected, compare_lines);
    }
    for (size_t i = 0; i < actual_count && i < expected_count; i++) {
        if (strcmp(actual[i], expected[i]) != 0) {
            buffer_printf(detail, "row %zu is %s, not %s", i + 1, actual[i], expected[i]);
            return false;
        }
    }
    if (actual_count != expected_count) {
        buffer_printf(detail, "%zu rows, not %zu", actual_count, expected_count);
        return false;
    }
    return true;
}

static bool same_names(json_t *test, const DuckRows *rows, Buffer *detail)
{
    json_t *columns = json_object_get(test, "columns");
    const Schema *schema = duck_rows_schema(rows);
    for (size_t i = 0; i < schema->count && i < json_array_size(columns); i++) {
        const char *expected = json_string_value(json_array_get(columns, i));
        if (strcmp(expected, schema->columns[i].name) != 0) {
            buffer_printf(detail, "column %zu is '%s', not '%s'", i + 1, schema->columns[i].name,
                          expected);
            return false;
        }
    }
    return schema->count == json_array_size(columns);
}

static Outcome judge(Runner *runner, json_t *test, Buffer *sql, Buffer *detail)
{
    const char *error = json_string_value(json_object_get(test, "error"));
    DuckRows *rows = run(runner, json_string_value(json_object_get(test, "sql")), sql, detail);
    if (rows == NULL && error != NULL) {
        bool same = strstr(buffer_text(detail), error) != NULL;
        runner->same_error += same ? 1 : 0;
        runner->other_error += same ? 0 : 1;
        return PASS;
    }
    Outcome outcome = PASS;
    if (rows == NULL) {
        outcome = REFUSED;
    } else if (error != NULL) {
        buffer_printf(detail, "no error, but Spark has %s", error);
        outcome = LAX;
    } else if (!same_rows(runner, test, rows, detail)) {
        outcome = WRONG;
    } else if (!same_names(test, rows, detail)) {
        outcome = NAMED;
    }
    duck_rows_destroy(rows);
    return outcome;
}

static const char *deviation(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(deviations) && name != NULL; i++) {
        if (strcmp(name, deviations[i].name) == 0) {
            return deviations[i].reason;
        }
    }
    return NULL;
}

static Group *find_group(Runner *runner, const char *name)
{
    for (size_t i = 0; i < runner->group_count; i++) {
        if (strcmp(runner->groups[i].name, name) == 0) {
            return &runner->groups[i];
        }
    }
    Group *group = &runner->groups[runner->group_count];
    runner->group_count += runner->group_count + 1 < ARRAY_LEN(runner->groups) ? 1 : 0;
    snprintf(group->name, sizeof group->name, "%s", name);
    return group;
}

static void run_test(Runner *runner, json_t *test)
{
    const char *text = json_string_value(json_object_get(test, "sql"));
    const char *name = json_string_value(json_object_get(test, "name"));
    const char *kind = json_string_value(json_object_get(test, "group"));
    kind = kind == NULL ? json_string_value(json_object_get(test, "topic")) : kind;
    if (json_object_get(test, "conf") != NULL ||
        (runner->only != NULL && strstr(text, runner->only) == NULL &&
         (name == NULL || strstr(name, runner->only) == NULL))) {
        return;
    }
    Buffer sql = {0};
    Buffer detail = {0};
    arena_reset(runner->arena);
    Outcome outcome = judge(runner, test, &sql, &detail);
    find_group(runner, kind == NULL ? "other" : kind)->counts[outcome]++;
    if (outcome == PASS) {
        check_passed++;
    } else if (outcome == WRONG && deviation(name) != NULL) {
        printf("known   %s: %s\n", name, deviation(name));
    } else if (outcome == WRONG) {
        check_failed++;
        fprintf(stderr, "wrong rows: %s\n        %s\n", text, buffer_text(&detail));
    }
    if (runner->verbose && (outcome != PASS || runner->only != NULL)) {
        printf("%-8s%s: %s\n        %s\n", outcome_names[outcome], name == NULL ? kind : name, text,
               buffer_text(&detail));
        if (runner->only != NULL || outcome == WRONG) {
            printf("        %s\n", buffer_text(&sql));
        }
    }
    buffer_done(&sql);
    buffer_done(&detail);
}

static void run_file(Runner *runner, const char *folder, const char *name)
{
    char path[512];
    char *line = NULL;
    size_t capacity = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    while (file != NULL && getline(&line, &capacity, file) > 0) {
        json_t *test = json_loads(line, 0, NULL);
        if (test != NULL) {
            run_test(runner, test);
        }
        json_decref(test);
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
}

// "CREATE TABLE name (columns);" as a table over the fixture's lines.
static bool load_fixture(Runner *runner, const char *folder, char *line, Error *err)
{
    char *name = line + strlen("CREATE TABLE ");
    char *open = strchr(name, '(');
    char *close = strrchr(name, ')');
    Schema schema = {0};
    if (open == NULL || close == NULL) {
        return true;
    }
    open[-1] = '\0';
    Slice ddl = {open + 1, (size_t)(close - open - 1)};
    if (!sql_parse_columns(runner->arena, ddl, &schema, err)) {
        return false;
    }
    Buffer sql = {0};
    buffer_printf(&sql,
                  "CREATE TABLE %s AS SELECT * FROM read_json('%s/fixtures/%s.ndjson', "
                  "format = 'newline_delimited', columns = {",
                  name, folder, name);
    for (size_t i = 0; i < schema.count; i++) {
        Buffer type = {0};
        type_print_duck(schema.columns[i].type, &type);
        buffer_append_text(&sql, i > 0 ? ", " : "");
        duck_quote_text(&sql, slice_of(schema.columns[i].name));
        buffer_append_text(&sql, ": ");
        duck_quote_text(&sql, buffer_slice(&type));
        buffer_done(&type);
    }
    buffer_append_text(&sql, "})");
    bool ok = duck_run(runner->conn, buffer_text(&sql), err);
    buffer_done(&sql);
    return ok;
}

static bool load_fixtures(Runner *runner, const char *folder, Error *err)
{
    char path[512];
    char *line = NULL;
    size_t capacity = 0;
    bool ok = true;
    snprintf(path, sizeof path, "%s/fixtures/schemas.sql", folder);
    FILE *file = fopen(path, "r");
    while (ok && file != NULL && getline(&line, &capacity, file) > 0) {
        ok = load_fixture(runner, folder, line, err);
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
    return ok;
}

static void print_summary(const Runner *runner)
{
    int totals[OUTCOME_COUNT] = {0};
    printf("%-20s %6s %6s %6s %8s %6s\n", "group", "pass", "wrong", "named", "refused", "lax");
    for (size_t i = 0; i < runner->group_count; i++) {
        const Group *group = &runner->groups[i];
        printf("%-20s %6d %6d %6d %8d %6d\n", group->name, group->counts[PASS],
               group->counts[WRONG], group->counts[NAMED], group->counts[REFUSED],
               group->counts[LAX]);
        for (int j = 0; j < OUTCOME_COUNT; j++) {
            totals[j] += group->counts[j];
        }
    }
    printf("%-20s %6d %6d %6d %8d %6d\n", "all", totals[PASS], totals[WRONG], totals[NAMED],
           totals[REFUSED], totals[LAX]);
    printf("expected errors: %d with Spark's condition, %d with another\n", runner->same_error,
           runner->other_error);
}

int main(int argc, char **argv)
{
    Runner runner = {0};
    Error err;
    setvbuf(stdout, NULL, _IOLBF, 0); // so that a crash shows where
    DuckOptions options = {.threads = 1};
    const char *folder = "../shared/testdata/spark";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            runner.verbose = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            runner.only = argv[++i];
        } else {
            folder = argv[i];
        }
    }
    if (access(folder, R_OK) != 0) {
        check_skip(folder);
        return check_done();
    }
    runner.arena = arena_create(0);
    bool ok = duck_open(&options, &runner.duck, &err) &&
              duck_connect(runner.duck, &runner.conn, &err) && sql_prelude(runner.conn, &err) &&
              load_fixtures(&runner, folder, &err);
    if (!ok) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    run_file(&runner, folder, "functions.jsonl");
    run_file(&runner, folder, "queries.jsonl");
    print_summary(&runner);
    duck_disconnect(runner.conn);
    duck_close(runner.duck);
    arena_destroy(runner.arena);
    return check_done();
}
