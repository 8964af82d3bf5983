// SPDX-License-Identifier: Apache-2.0
// read_files: which files, in which order, each exactly once -- also across restarts, failed
// batches and batches of single rows.
#include "connector_fixture.h"

#include "base/random.h"

#define JSON "format", "json", "schema", "id INT, name STRING"
static const SourceLimit no_limit = {0};

static State *open_state(Fixture *f, StateTable **table)
{
    State *state = NULL;
    StateOptions options = {0};
    StatePosition pending;
    CHECK(state_open(fixture_path(f, "state"), &options, &state, &f->err));
    if (state_pending(state, &pending)) {
        CHECK(state_apply_pending(state, &f->err));
    }
    CHECK(state_table(state, "s", slice_of("files"), table, &f->err));
    return state;
}

static Source *open_at(Fixture *f, const char *const *options, StateTable *table, Slice offset)
{
    Source *source = fixture_source(f, &source_files, options);
    CHECK(source != NULL);
    if (source != NULL) {
        CHECK(source_seek(source, table, offset, &f->err));
    } else {
        fprintf(stderr, "%s\n", f->err.message);
    }
    return source;
}

static void test_order_and_names(void)
{
    Fixture f;
    fixture_init(&f);
    fixture_file(&f, "in/c.json", "{\"id\":3}\n", 100);
    fixture_file(&f, "in/a.json", "{\"id\":2}\n", 100);
    fixture_file(&f, "in/z.json", "{\"id\":1}\n", 50);
    fixture_file(&f, "in/_hidden.json", "{\"id\":9}\n", 10);
    fixture_file(&f, "in/.hidden.json", "{\"id\":9}\n", 10);
    fixture_file(&f, "in/d.json.tmp", "{\"id\":9}\n", 10);
    fixture_file(&f, "in/sub/e.json", "{\"id\":9}\n", 10);
    const char *options[] = {"path", "in", JSON, "maxFilesPerTrigger", "1", NULL};
    Source *source = open_at(&f, options, NULL, (Slice){0});
    Slice end;
    Slice last = {0};
    Buffer seen = {0};
    while (fixture_plan(&f, source, no_limit, &end)) {
        buffer_append_text(&seen, fixture_rows(&f, source, last, end, "1"));
        source_confirmed(source, end);
        last = end;
    }
    CHECK_TEXT(buffer_text(&seen), "1|NULL\n2|NULL\n3|NULL\n"); // time first, then name
    // An empty batch, and one that ends where it starts, have no rows.
    CHECK_TEXT(fixture_rows(&f, source, last, last, "1"), "");
    CHECK_TEXT(fixture_rows(&f, source, last, (Slice){0}, "1"), "");
    buffer_done(&seen);
    source_close(source);
    fixture_done(&f);
}

static void test_offset_replays(void)
{
    Fixture f;
    fixture_init(&f);
    fixture_file(&f, "in/a\".json", "{\"id\":1,\"name\":\"x\"}\n{\"id\":2}\n", 100);
    const char *options[] = {"path", "./in/", JSON, NULL};
    Source *source = open_at(&f, options, NULL, (Slice){0});
    Slice end;
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(arena_text(f.arena, end), "{\"files\":[[\"in/a\\\".json\",29,100000000]]}");
    source_close(source);
    // Bytes appended after planning are not read, by this process or the next.
    FILE *file = fopen(fixture_path(&f, "in/a\".json"), "a");
    fputs("{\"id\":3}\n", file);
    fclose(file);
    source = open_at(&f, options, NULL, (Slice){0});
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "1|x\n2|NULL\n");
    CHECK(source_metrics(source).rows == 2);
    source_close(source);
    fixture_done(&f);
}

// Batches with failures and restarts at random; every file comes exactly once.
static void test_exactly_once(uint64_t seed, bool one_row)
{
    Fixture f;
    fixture_init(&f);
    Random random = {seed};
    StateTable *table;
    State *state = open_state(&f, &table);
    fixture_file(&f, "in/first.json", "{\"id\":0}\n{\"id\":1}\n", 1);
    const char *options[] = {"path", "in", JSON, "maxFilesPerTrigger", "2", NULL};
    Source *source = open_at(&f, options, table, (Slice){0});
    SourceLimit limit = {.max_rows = one_row ? 1 : 0};
    Buffer seen = {0};
    Slice last = {0};
    int64_t batch = 0;
    int rows = 2;
    for (int round = 0; round < 60; round++) {
        if (round < 40 && random_below(&random, 2) == 0) {
            const char *name = arena_printf(f.arena, "in/f%d.json",
                                            (int)random_below(&random, 1000) * 100 + round);
            fixture_file(&f, name,
                         arena_printf(f.arena, "{\"id\":%d}\n\n{\"id\":%d}", rows, rows + 1),
                         (int64_t)random_below(&random, 50) + 1);
            rows += 2;
        }
        Slice end;
        if (fixture_plan(&f, source, limit, &end)) {
            const char *text = fixture_rows(&f, source, last, end, "1");
            CHECK(source_record(source, &f.err));
            if (random_below(&random, 4) == 0) { // the batch fails
                state_rollback(state);
                source_abandon(source);
            } else {
                buffer_append_text(&seen, text);
                CHECK(state_commit(state, batch++, end, NULL, &f.err));
                state_confirm(state);
                source_confirmed(source, end);
                last = end;
            }
        }
        if (random_below(&random, 4) == 0) { // a new process
            source_close(source);
            state_close(state);
            state = open_state(&f, &table);
            last = arena_copy(f.arena, state_last(state).meta);
            source = open_at(&f, options, table, last);
        }
    }
    Slice end;
    while (fixture_plan(&f, source, limit, &end)) {
        buffer_append_text(&seen, fixture_rows(&f, source, last, end, "1"));
        CHECK(source_record(source, &f.err));
        CHECK(state_commit(state, batch++, end, NULL, &f.err));
        state_confirm(state);
        source_confirmed(source, end);
        last = end;
    }
    int *counts = calloc((size_t)rows, sizeof *counts);
    for (const char *line = buffer_text(&seen); *line != '\0'; line = strchr(line, '\n') + 1) {
        counts[strtol(line, NULL, 10)]++;
    }
    int wrong = 0;
    for (int i = 0; i < rows; i++) {
        wrong += counts[i] != 1;
    }
    CHECK(wrong == 0);
    if (wrong != 0) {
        fprintf(stderr, "seed %llu one_row %d\n", (unsigned long long)seed, one_row);
    }
    free(counts);
    buffer_done(&seen);
    source_close(source);
    state_close(state);
    fixture_done(&f);
}

static void test_csv_rows(void)
{
    Fixture f;
    fixture_init(&f);
    fixture_file(&f, "in.csv", "id;name\r\n1;a\r\n2;b\r\n\r\n3;c", 5);
    const char *options[] = {"path",   "in.csv", "format", "csv", "schema", "id INT, name STRING",
                             "header", "true",   "sep",    ";",   NULL};
    Source *source = open_at(&f, options, NULL, (Slice){0});
    SourceLimit limit = {.max_rows = 1};
    Slice end;
    Slice last = {0};
    Buffer seen = {0};
    int batches = 0;
    while (fixture_plan(&f, source, limit, &end)) {
        buffer_append_text(&seen, fixture_rows(&f, source, last, end, "1"));
        source_confirmed(source, end);
        last = end;
        batches++;
    }
    CHECK(batches == 3);
    CHECK_TEXT(buffer_text(&seen), "1|a\n2|b\n3|c\n");
    Buffer whole = {0};
    CHECK(source_whole(source, &whole, &f.err));
    CHECK_TEXT(
        fixture_query(&f, arena_printf(f.arena, "SELECT count(*) FROM %s", buffer_text(&whole))),
        "3\n");
    buffer_done(&whole);
    buffer_done(&seen);
    source_close(source);
    fixture_done(&f);
}

static void test_fixed_end(void)
{
    Fixture f;
    fixture_init(&f);
    fixture_file(&f, "in/a.json", "{\"id\":1}\n", 5);
    const char *options[] = {"path", "in", JSON, NULL};
    Source *source = open_at(&f, options, NULL, (Slice){0});
    CHECK(source_fix_end(source, &f.err));
    fixture_file(&f, "in/b.json", "{\"id\":2}\n", 6);
    SourceLimit to_end = {.to_end = true};
    Slice end;
    CHECK(fixture_plan(&f, source, to_end, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "1|NULL\n");
    CHECK(!fixture_plan(&f, source, to_end, &end));
    source_close(source);
    fixture_done(&f);
}

static void test_selection(void)
{
    Fixture f;
    fixture_init(&f);
    fixture_file(&f, "in/2025/a.json", "{\"id\":1}\n", 5);
    fixture_file(&f, "in/2026/b.json", "{\"id\":2}\n", 6);
    fixture_file(&f, "in/2026/b.txt", "{\"id\":3}\n", 6);
    const char *glob[] = {"path", "in/20{24,26}", JSON, "pathGlobFilter", "*.json", NULL};
    const char *deep[] = {"path", "in",          JSON,   "recursiveFileLookup",
                          "true", "latestFirst", "true", NULL};
    Slice end;
    Source *source = open_at(&f, glob, NULL, (Slice){0});
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "2|NULL\n");
    source_close(source);
    source = open_at(&f, deep, NULL, (Slice){0});
    CHECK(fixture_plan(&f, source, (SourceLimit){.max_files = 2}, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "2|NULL\n3|NULL\n");
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "1|NULL\n");
    source_close(source);
    fixture_done(&f);
}

static void test_parquet(void)
{
    Fixture f;
    fixture_init(&f);
    mkdir(fixture_path(&f, "in"), 0777);
    CHECK(duck_run(
        f.conn,
        arena_printf(f.arena,
                     "COPY (SELECT 7 AS id, 'x' AS extra) TO '%s/in/a[1].parquet' (FORMAT parquet)",
                     f.folder),
        &f.err));
    const char *options[] = {"path", "in", "format", "parquet", "schema", "id BIGINT, name STRING",
                             NULL};
    Source *source = open_at(&f, options, NULL, (Slice){0});
    Slice end;
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "7|NULL\n");
    source_close(source);
    fixture_done(&f);
}

static void check_refused(Fixture *f, const char *const *options, const char *message)
{
    Source *source = fixture_source(f, &source_files, options);
    CHECK(source == NULL);
    CHECK(f->err.kind == ERROR_INPUT);
    CHECK(strstr(f->err.message, message) != NULL);
    if (strstr(f->err.message, message) == NULL) {
        fprintf(stderr, "%s\n", f->err.message);
    }
    source_close(source);
}

// A JSON key of another case is another key, as in Spark.
static void test_key_case(void)
{
    Fixture f;
    fixture_init(&f);
    fixture_file(&f, "in/a.json", "{\"id\":1,\"NAME\":\"x\"}\n{\"ID\":2,\"name\":\"y\"}\n", 100);
    const char *options[] = {"path", "in", JSON, NULL};
    Source *source = open_at(&f, options, NULL, (Slice){0});
    Slice end;
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "1|NULL\nNULL|y\n");
    source_close(source);
    fixture_done(&f);
}

static void test_refused(void)
{
    Fixture f;
    fixture_init(&f);
    fixture_file(&f, "in/a.json.gz", "x", 5);
    fixture_file(&f, "parts/d=1/a.json", "{}", 5);
    const char *missing[] = {"path", "nowhere", JSON, NULL};
    const char *glob[] = {"path", "nowhere/*.json", JSON, NULL};
    const char *schema[] = {"path", "in", "format", "json", NULL};
    const char *bad_schema[] = {"path", "in", "format", "json", "schema", "id INTT", NULL};
    const char *format[] = {"path", "in", "format", "orc", "schema", "id INT", NULL};
    const char *clean[] = {"path", "in", JSON, "cleanSource", "delete", NULL};
    const char *parts[] = {"path", "parts", JSON, NULL};
    const char *remote[] = {"path", "s3://b/x", JSON, NULL};
    check_refused(&f, missing, "[PATH_NOT_FOUND] folder 'nowhere' does not exist");
    check_refused(&f, glob, "[PATH_NOT_FOUND] folder 'nowhere' does not exist");
    check_refused(&f, schema, "needs a schema");
    check_refused(&f, bad_schema, "option 'schema'");
    check_refused(&f, format, "option 'format' cannot be 'orc'");
    check_refused(&f, clean, "cleanSource 'delete' is not supported");
    check_refused(&f, parts, "partition folder");
    check_refused(&f, remote, "s3://b/x");
    const char *good[] = {"path", "in", JSON, NULL};
    Source *source = open_at(&f, good, NULL, (Slice){0});
    source_close(source);
    f.sources--; // the same name in the database again
    source = open_at(&f, good, NULL, (Slice){0});
    Slice end;
    bool has_rows;
    CHECK(!source_plan(source, &no_limit, &end, &has_rows, &f.err));
    CHECK(strstr(f.err.message, "'in/a.json.gz' is compressed") != NULL);
    source_close(source);
    fixture_done(&f);
}

int main(void)
{
    test_order_and_names();
    test_offset_replays();
    uint64_t seed = random_seed();
    printf("seed %llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; i < 4; i++) {
        test_exactly_once(seed + i, i % 2 == 0);
    }
    test_csv_rows();
    test_fixed_end();
    test_selection();
    test_parquet();
    test_key_case();
    test_refused();
    return check_done();
}
