// The published Delta reading corpora against their expected rows.
//
// ../shared/testdata/delta (or TARN_TESTDATA) holds the archives and a manifest line per table;
// they are unpacked into a temporary folder. Without them the test says so and passes with 0
// checks. Rows are compared as multisets through DuckDB, both ways. A table that is refused by the
// name of a feature is counted and named; any other failure fails the test.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "lake/delta.h"
#include "lake/delta_path.h"

static Duck *duck;
static DuckConn *conn;
static Arena *arena;
static char *folder;
static int refused;

static bool run(const char *const *arguments)
{
    pid_t child = fork();
    if (child == 0) {
        execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void problem(const char *table, const char *what, const char *message)
{
    check_failed++;
    fprintf(stderr, "%s: %s: %s\n", table, what, message);
}

static int64_t count_of(const char *sql, Error *err)
{
    DuckRows *rows = NULL;
    bool is_null;
    if (!duck_query(conn, sql, &rows, err)) {
        return -1;
    }
    int64_t count = duck_rows_int(rows, 0, &is_null);
    duck_rows_destroy(rows);
    return count;
}

// The columns of `schema` in a form that compares alike in both relations: instants as numbers,
// because expectations store them in three ways.
static const char *projection(const Schema *schema)
{
    Buffer out = {0};
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        bool time =
            column->type->kind == TYPE_TIMESTAMP || column->type->kind == TYPE_TIMESTAMP_NTZ;
        buffer_append_text(&out, i == 0 ? "" : ", ");
        buffer_append_text(&out, time ? "epoch_us(" : "CAST(");
        duck_quote_name(&out, slice_of(column->name));
        if (!time) {
            buffer_append_text(&out, " AS ");
            type_print_duck(column->type, &out);
        }
        buffer_append_text(&out, ") AS ");
        duck_quote_name(&out, slice_of(column->name));
    }
    const char *text = arena_text(arena, buffer_slice(&out));
    buffer_done(&out);
    return text;
}

static void compare(const char *name, const DeltaSnapshot *snapshot, const char *expected,
                    int64_t row_count)
{
    Error err = {0};
    Buffer relation = {0};
    if (!delta_scan_sql(snapshot, &relation, &err)) {
        if (strstr(err.message, "feature '") != NULL) {
            printf("refused: %s: %s\n", name, err.message);
            refused++;
        } else {
            problem(name, "scan", err.message);
        }
        buffer_done(&relation);
        return;
    }
    const char *columns = projection(delta_schema(snapshot));
    const char *got = arena_printf(arena, "SELECT %s FROM %s", columns, buffer_text(&relation));
    Buffer files = {0};
    duck_quote_text(&files, slice_of(arena_printf(arena, "%s/%s", folder, expected)));
    const char *want = arena_printf(
        arena, "SELECT %s FROM read_parquet(%s, hive_partitioning=false, union_by_name=true)",
        columns, buffer_text(&files));
    buffer_done(&files);
    buffer_done(&relation);
    int64_t count = count_of(arena_printf(arena, "SELECT count(*)::BIGINT FROM (%s)", got), &err);
    if (count != row_count) {
        problem(name, "rows", count < 0 ? err.message : arena_printf(arena, "%ld", (long)count));
        return;
    }
    const char *const halves[2][2] = {{got, want}, {want, got}};
    for (int i = 0; i < 2; i++) {
        int64_t more =
            count_of(arena_printf(arena, "SELECT count(*)::BIGINT FROM (%s EXCEPT ALL %s)",
                                  halves[i][0], halves[i][1]),
                     &err);
        if (more != 0) {
            problem(name, i == 0 ? "rows too many" : "rows missing",
                    more < 0 ? err.message : arena_printf(arena, "%ld", (long)more));
            return;
        }
    }
    check_passed++;
}

// Loads a version (-1: the newest). NULL and a message when it cannot be read.
static DeltaSnapshot *load(DeltaTable *table, int64_t version, Error *err)
{
    DeltaSnapshot *snapshot = NULL;
    bool exists = false;
    *err = (Error){0};
    if (!delta_refresh(table, conn, &exists, err)) {
        return NULL;
    }
    if (!exists) {
        error_set(err, ERROR_INPUT, __FILE__, __LINE__, "no table");
        return NULL;
    }
    int64_t wanted = version < 0 ? delta_version(delta_snapshot(table)) : version;
    return delta_snapshot_at_version(table, conn, wanted, &snapshot, err) ? snapshot : NULL;
}

static void test_rows(const char *name, DeltaTable *table, int64_t version, const char *expected,
                      int64_t row_count)
{
    Error err;
    DeltaSnapshot *snapshot = load(table, version, &err);
    if (snapshot == NULL && strstr(err.message, "feature '") != NULL) {
        printf("refused: %s: %s\n", name, err.message);
        refused++;
    } else if (snapshot == NULL) {
        problem(name, "open", err.message);
    } else {
        compare(name, snapshot, expected, row_count);
    }
    delta_snapshot_destroy(snapshot);
}

// Data files are missing: the set of live files is what counts.
static void test_log(const char *name, DeltaTable *table, const json_t *expected)
{
    Error err;
    DeltaSnapshot *snapshot = load(table, -1, &err);
    if (snapshot == NULL) {
        problem(name, "open", err.message);
        return;
    }
    const json_t *files = json_object_get(expected, "files");
    CHECK(delta_version(snapshot) == json_integer_value(json_object_get(expected, "version")));
    CHECK(delta_files(snapshot)->count == json_array_size(files));
    for (size_t i = 0; i < json_array_size(files); i++) {
        bool found = false;
        for (size_t j = 0; j < delta_files(snapshot)->count; j++) {
            Buffer path = {0};
            CHECK(delta_path_decode(slice_of(delta_files(snapshot)->items[j].path), &path, &err));
            found |= strcmp(buffer_text(&path), json_string_value(json_array_get(files, i))) == 0;
            buffer_done(&path);
        }
        CHECK(found);
    }
    delta_snapshot_destroy(snapshot);
}

static void test_error(const char *name, DeltaTable *table)
{
    Error err;
    DeltaSnapshot *snapshot = load(table, -1, &err);
    Buffer sql = {0};
    if (snapshot != NULL && delta_scan_sql(snapshot, &sql, &err)) {
        problem(name, "expected an error", "it was read");
    } else {
        check_passed++;
        printf("error as expected: %s: %s\n", name, err.message);
    }
    buffer_done(&sql);
    delta_snapshot_destroy(snapshot);
}

static void test_table(const json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *expect = json_string_value(json_object_get(entry, "expect"));
    const json_t *expected = json_object_get(entry, "expected");
    const char *path = json_string_value(json_object_get(entry, "table"));
    DeltaTable *table = delta_open(arena_printf(arena, "%s/%s", folder, path));
    if (strcmp(expect, "error") == 0) {
        test_error(name, table);
    } else if (strcmp(expect, "log only") == 0) {
        test_log(name, table, json_object_get(entry, "deltalake"));
    } else if (strcmp(expect, "rows") == 0 && json_is_string(expected)) {
        test_rows(name, table, -1, json_string_value(expected),
                  json_integer_value(json_object_get(entry, "rows")));
    } else if (strcmp(expect, "rows") == 0) {
        const char *key;
        json_t *version;
        json_object_foreach((json_t *)expected, key, version)
        {
            test_rows(arena_printf(arena, "%s %s", name, key), table,
                      json_integer_value(json_object_get(version, "version")),
                      json_string_value(json_object_get(version, "files")),
                      json_integer_value(json_object_get(version, "rows")));
        }
    } else {
        Error err;
        delta_snapshot_destroy(load(table, -1, &err)); // either way, without a crash
    }
    delta_close(table);
}

static void test_corpus(const char *data, const char *name)
{
    const char *archive = arena_printf(arena, "%s/%s.tar.zst", data, name);
    const char *manifest = arena_printf(arena, "%s/%s.jsonl", data, name);
    const char *const unpack[] = {"tar", "--zstd", "-xf", archive, "-C", folder, NULL};
    FILE *lines = fopen(manifest, "r");
    if (lines == NULL || !run(unpack)) {
        check_skip(archive);
        return;
    }
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, lines) > 0) {
        json_t *entry = json_loads(line, 0, NULL);
        CHECK(entry != NULL);
        test_table(entry);
        json_decref(entry);
    }
    free(line);
    fclose(lines);
}

int main(void)
{
    char id[37];
    Error err;
    arena = arena_create(0);
    random_uuid(id);
    folder = arena_printf(arena, "/tmp/tarn_corpus_%s", id);
    const char *data = getenv("TARN_TESTDATA");
    data = data == NULL ? "../shared/testdata/delta" : arena_printf(arena, "%s/delta", data);
    const char *const make[] = {"mkdir", "-p", folder, NULL};
    const char *const clean[] = {"rm", "-rf", folder, NULL};
    DuckOptions options = {.threads = 2};
    if (!run(make) || !duck_open(&options, &duck, &err) || !duck_connect(duck, &conn, &err)) {
        return 1;
    }
    test_corpus(data, "dat");
    test_corpus(data, "golden");
    CHECK(run(clean));
    printf("%d tables refused by feature name\n", refused);
    duck_disconnect(conn);
    duck_close(duck);
    arena_destroy(arena);
    return check_done();
}
