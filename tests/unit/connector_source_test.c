// SPDX-License-Identifier: Apache-2.0
// rate, generate, script and Delta tables as sources.
#include "connector_fixture.h"

#include "connector/source_delta.h"
#include "connector/source_script.h"
#include "lake/delta.h"

static const SourceLimit no_limit = {0};

static Source *seek(Fixture *f, Source *source, Slice offset)
{
    CHECK(source != NULL);
    if (source == NULL) {
        fprintf(stderr, "%s\n", f->err.message);
        return NULL;
    }
    CHECK(source_seek(source, NULL, offset, &f->err));
    return source;
}

static void test_rate(void)
{
    Fixture f;
    fixture_init(&f);
    const char *options[] = {"rowsPerSecond", "3", NULL};
    Source *source = seek(&f, fixture_source(&f, &source_rate, options), (Slice){0});
    Slice first;
    Slice second;
    CHECK(!fixture_plan(&f, source, no_limit, &first));
    f.clock.time += TIME_SECOND;
    CHECK(fixture_plan(&f, source, no_limit, &first));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, first, "2"),
               "2026-01-01 00:00:00+00|0\n2026-01-01 00:00:00.333333+00|1\n"
               "2026-01-01 00:00:00.666666+00|2\n");
    source_abandon(source); // the same again
    CHECK(fixture_plan(&f, source, no_limit, &second));
    CHECK(slice_equal(first, second));
    CHECK(!fixture_plan(&f, source, no_limit, &second));
    source_confirmed(source, second);
    source_abandon(source); // what is confirmed stays
    CHECK(!fixture_plan(&f, source, no_limit, &second));
    // A plan that nobody finished is planned again, not lost.
    bool has_rows;
    f.clock.time += TIME_SECOND;
    for (int i = 0; i < 2; i++) {
        CHECK(source_plan(source, &no_limit, &second, &has_rows, &f.err) && has_rows);
        CHECK(strncmp(second.data, "{\"from\":3,\"value\":6,", 20) == 0);
    }
    f.clock.time -= TIME_SECOND;
    source_abandon(source);
    f.clock.time += 10 * (TimeUs)TIME_SECOND;
    CHECK(fixture_plan(&f, source, (SourceLimit){.max_rows = 29}, &second));
    CHECK(source_metrics(source).rows == 29);
    CHECK(source_metrics(source).backlog_rows == 1);
    source_close(source);

    source = seek(&f, fixture_source(&f, &source_rate, options), second);
    f.clock.time += TIME_SECOND;
    CHECK(fixture_plan(&f, source, no_limit, &second));
    CHECK(strncmp(second.data, "{\"from\":32,\"value\":36,", 22) == 0);
    // --once: what is due when it starts.
    f.clock.time += TIME_SECOND;
    CHECK(source_fix_end(source, &f.err));
    f.clock.time += TIME_SECOND;
    CHECK(fixture_plan(&f, source, (SourceLimit){.to_end = true}, &second));
    CHECK(strncmp(second.data, "{\"from\":36,\"value\":39,", 22) == 0);
    CHECK(!fixture_plan(&f, source, (SourceLimit){.to_end = true}, &second));
    Buffer sql = {0};
    CHECK(!source_whole(source, &sql, &f.err) && f.err.kind == ERROR_INPUT);
    buffer_done(&sql);
    source_close(source);
    const char *bad[] = {"rowsPerSecond", "0", NULL};
    CHECK(fixture_source(&f, &source_rate, bad) == NULL);
    const char *ramp[] = {"rampUpTime", "5s", NULL};
    CHECK(fixture_source(&f, &source_rate, ramp) == NULL);
    CHECK(strstr(f.err.message, "rampUpTime") != NULL);
    fixture_done(&f);
}

static void test_generate(void)
{
    Fixture f;
    fixture_init(&f);
    const char *options[] = {"kind", "web-logs", "rate", "100", "history", "1 minute", NULL};
    Source *a = seek(&f, fixture_source(&f, &source_generate, options), (Slice){0});
    Source *b = seek(&f, fixture_source(&f, &source_generate, options), (Slice){0});
    Slice end;
    Slice other;
    CHECK(fixture_plan(&f, a, no_limit, &end)); // the history, at once
    CHECK(source_metrics(a).backlog_rows == 0);
    const char *rows = fixture_rows(&f, a, (Slice){0}, end, "\"timestamp\"");
    CHECK(strncmp(rows, "2025-12-31 23:59:00+00|", 23) == 0);
    CHECK(source_metrics(a).rows == 6001);
    // Another flow, in other batches, sees the same events.
    Buffer together = {0};
    while (fixture_plan(&f, b, (SourceLimit){.max_rows = 1000}, &other)) {
        buffer_append_text(&together, fixture_rows(&f, b, (Slice){0}, other, "\"timestamp\""));
    }
    CHECK(strcmp(rows, buffer_text(&together)) == 0);
    buffer_done(&together);
    source_close(b);
    source_close(a);

    // Replay from the offset alone, then on without a gap.
    f.clock.time += 2 * (TimeUs)TIME_SECOND;
    a = seek(&f, fixture_source(&f, &source_generate, options), end);
    CHECK(strcmp(rows, fixture_rows(&f, a, (Slice){0}, end, "\"timestamp\"")) == 0);
    CHECK(fixture_plan(&f, a, no_limit, &end));
    CHECK(strncmp(end.data, "{\"from\":6001,\"next\":6201,", 25) == 0);
    source_close(a);

    // A night's pause is not replayed.
    f.clock.time += 8 * TIME_HOUR;
    a = seek(&f, fixture_source(&f, &source_generate, options), end);
    CHECK(!fixture_plan(&f, a, no_limit, &end));
    f.clock.time += TIME_SECOND;
    CHECK(fixture_plan(&f, a, no_limit, &end));
    rows = fixture_rows(&f, a, (Slice){0}, end, "\"timestamp\"");
    CHECK(strncmp(rows, "2026-01-01 08:00:02.01+00|", 26) == 0);
    CHECK(source_metrics(a).rows == 100);
    source_close(a);

    const char *count[] = {"kind", "csv-events", "count", "25", NULL};
    a = seek(&f, fixture_source(&f, &source_generate, count), (Slice){0});
    Buffer sql = {0};
    CHECK(source_whole(a, &sql, &f.err));
    CHECK_TEXT(
        fixture_query(
            &f, arena_printf(f.arena,
                             "SELECT count(*), min(user_id) >= 1, max(user_id) <= 5, "
                             "bool_and(event IN ('login', 'logout', 'purchase', 'view')) FROM %s",
                             buffer_text(&sql))),
        "25|true|true|true\n");
    buffer_done(&sql);
    source_close(a);
    const char *bad[] = {"kind", "csv-events", "errors", "5", NULL};
    CHECK(fixture_source(&f, &source_generate, bad) == NULL);
    CHECK_TEXT(f.err.message,
               "source 's': csv-events has no errors: leave the option 'errors' out");
    fixture_done(&f);
}

static void test_script(void)
{
    Fixture f;
    fixture_init(&f);
    ScriptFeed *feed = script_feed_create();
    Schema schema = {0};
    schema_add(f.arena, &schema, "id", type_simple(TYPE_INT), true);
    schema_add(f.arena, &schema, "name", type_simple(TYPE_STRING), true);
    SourceContext context = {
        .conn = f.conn, .clock = &f.clock.clock, .unique = "a", .arena = f.arena};
    Source *source = NULL;
    void *config = source_script_config(f.arena, feed, &schema);
    CHECK(source_open(&source_script, "s", config, (Pos){0}, &context, &source, &f.err));
    seek(&f, source, (Slice){0});
    script_feed_push(feed, slice_of("1,a\n2,\"b,c\"\n"));
    script_feed_push(feed, slice_of("3,\n\n4,d"));
    CHECK(script_feed_rows(feed) == 4);
    Slice end;
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "1|a\n2|b,c\n");
    source_close(source); // a crash; the feed stays
    context.unique = "b";
    CHECK(source_open(&source_script, "s", config, (Pos){0}, &context, &source, &f.err));
    seek(&f, source, end);
    CHECK(fixture_plan(&f, source, (SourceLimit){.max_rows = 1}, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "3|NULL\n");
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "4|d\n");
    CHECK(!fixture_plan(&f, source, no_limit, &end));
    source_close(source);
    script_feed_destroy(feed);
    fixture_done(&f);
}

// ---- Delta ---------------------------------------------------------------------------------

static Schema id_schema(Arena *arena)
{
    Schema schema = {0};
    schema_add(arena, &schema, "id", type_simple(TYPE_BIGINT), true);
    return schema;
}

static void write_delta(Fixture *f, const char *select, DeltaMode mode)
{
    DeltaTable *table = delta_open(fixture_path(f, "t"));
    bool exists;
    CHECK(delta_refresh(table, f->conn, &exists, &f->err));
    Schema schema = id_schema(f->arena);
    DeltaSpec spec = {.schema = &schema};
    DeltaStaged staged = {0};
    CHECK(delta_stage(table, f->conn, &spec, select, &staged, f->arena, &f->err));
    DeltaCommit commit = {.mode = mode,
                          .spec = &spec,
                          .staged = &staged,
                          .operation = "WRITE",
                          .now = f->clock.time += TIME_SECOND};
    int64_t version;
    CHECK(delta_commit(table, f->conn, &commit, &version, &f->err));
    delta_close(table);
}

static Source *open_delta(Fixture *f, Slice offset, const char *option, const char *value)
{
    const char *options[] = {"path", "t", option, value, NULL};
    return seek(f, fixture_source(f, &source_delta, options), offset);
}

static void test_delta_missing(void)
{
    Fixture f;
    fixture_init(&f);
    const char *options[] = {"path", "t", NULL};
    CHECK(fixture_source(&f, &source_delta, options) == NULL);
    CHECK(strstr(f.err.message, "[DELTA_TABLE_NOT_FOUND]") != NULL);
    // With a schema from the plan, a table may come later.
    Schema schema = id_schema(f.arena);
    SourceContext context = {.conn = f.conn,
                             .clock = &f.clock.clock,
                             .project_root = f.folder,
                             .unique = "x",
                             .arena = f.arena};
    Source *source = NULL;
    CHECK(source_open(&source_delta, "t", source_delta_config(f.arena, "t", &schema), (Pos){0},
                      &context, &source, &f.err));
    seek(&f, source, (Slice){0});
    Slice end;
    CHECK(!fixture_plan(&f, source, no_limit, &end));
    write_delta(&f, "SELECT 1::BIGINT AS id", DELTA_APPEND);
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "1\n");
    source_close(source);
    fixture_done(&f);
}

static void test_delta_tail(void)
{
    Fixture f;
    fixture_init(&f);
    write_delta(&f, "SELECT 1::BIGINT AS id", DELTA_APPEND);
    write_delta(&f, "SELECT 2::BIGINT AS id", DELTA_APPEND);
    Source *source = open_delta(&f, (Slice){0}, NULL, NULL);
    Slice first;
    Slice end;
    CHECK(fixture_plan(&f, source, (SourceLimit){.max_files = 1}, &first));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, first, "1"), "1\n");
    write_delta(&f, "SELECT 3::BIGINT AS id", DELTA_APPEND);
    CHECK(fixture_plan(&f, source, (SourceLimit){.max_files = 1}, &end)); // the snapshot's rest
    CHECK_TEXT(fixture_rows(&f, source, first, end, "1"), "2\n");
    source_close(source);

    source = open_delta(&f, end, NULL, NULL);
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "3\n");
    CHECK(!fixture_plan(&f, source, no_limit, &end));
    source_close(source);

    // The first batch again, in another process, after the table grew.
    source = open_delta(&f, (Slice){0}, NULL, NULL);
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, first, "1"), "1\n");
    source_close(source);
    source = open_delta(&f, (Slice){0}, "startingVersion", "2");
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "3\n");
    source_close(source);

    source = open_delta(&f, (Slice){0}, "startingVersion", "latest");
    CHECK(!fixture_plan(&f, source, no_limit, &end));
    write_delta(&f, "SELECT 4::BIGINT AS id UNION ALL SELECT 5", DELTA_APPEND);
    CHECK(source_fix_end(source, &f.err));
    write_delta(&f, "SELECT 6::BIGINT AS id", DELTA_APPEND);
    CHECK(fixture_plan(&f, source, (SourceLimit){.to_end = true}, &end));
    CHECK_TEXT(fixture_rows(&f, source, (Slice){0}, end, "1"), "4\n5\n");
    CHECK(!fixture_plan(&f, source, (SourceLimit){.to_end = true}, &end));
    source_close(source);
    fixture_done(&f);
}

static void test_delta_one_row(void)
{
    Fixture f;
    fixture_init(&f);
    write_delta(&f, "SELECT range AS id FROM range(4)", DELTA_APPEND);
    write_delta(&f, "SELECT range + 4 AS id FROM range(3)", DELTA_APPEND);
    Source *source = open_delta(&f, (Slice){0}, NULL, NULL);
    Slice end = {0};
    Slice last = {0};
    Buffer seen = {0};
    int batches = 0;
    while (fixture_plan(&f, source, (SourceLimit){.max_rows = 1}, &end)) {
        if (batches == 2) { // fails once
            source_abandon(source);
            CHECK(fixture_plan(&f, source, (SourceLimit){.max_rows = 1}, &end));
        }
        buffer_append_text(&seen, fixture_rows(&f, source, last, end, "1"));
        last = end;
        source_close(source); // and restarts after each batch
        source = open_delta(&f, last, NULL, NULL);
        batches++;
    }
    CHECK(batches == 7);
    CHECK_TEXT(buffer_text(&seen), "0\n1\n2\n3\n4\n5\n6\n");
    buffer_done(&seen);
    source_close(source);
    fixture_done(&f);
}

static void check_plan_fails(Fixture *f, Slice offset, const char *option, const char *value,
                             ErrorKind kind, const char *message)
{
    Source *source = open_delta(f, offset, option, value);
    Slice end;
    bool has_rows;
    CHECK(!source_plan(source, &no_limit, &end, &has_rows, &f->err));
    CHECK(f->err.kind == kind);
    CHECK(strstr(f->err.message, message) != NULL);
    source_close(source);
}

static void test_delta_changes(void)
{
    Fixture f;
    fixture_init(&f);
    write_delta(&f, "SELECT 1::BIGINT AS id", DELTA_APPEND);
    Source *source = open_delta(&f, (Slice){0}, NULL, NULL);
    Slice start;
    Slice end;
    CHECK(fixture_plan(&f, source, no_limit, &start));
    source_close(source);
    write_delta(&f, "SELECT 2::BIGINT AS id", DELTA_OVERWRITE);
    check_plan_fails(&f, start, NULL, NULL, ERROR_INPUT,
                     "[DELTA_SOURCE_TABLE_IGNORE_CHANGES] version 1");
    check_plan_fails(&f, start, "ignoreDeletes", "true", ERROR_INPUT, "skipChangeCommits");
    source = open_delta(&f, start, "ignoreChanges", "true");
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, start, end, "1"), "2\n");
    source_close(source);
    source = open_delta(&f, start, "skipChangeCommits", "true");
    CHECK(!fixture_plan(&f, source, no_limit, &end));
    write_delta(&f, "SELECT 3::BIGINT AS id", DELTA_APPEND);
    CHECK(fixture_plan(&f, source, no_limit, &end));
    CHECK_TEXT(fixture_rows(&f, source, start, end, "1"), "3\n");
    source_close(source);

    // Another table in its place.
    nftw(fixture_path(&f, "t"), fixture_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    write_delta(&f, "SELECT 1::BIGINT AS id", DELTA_APPEND);
    check_plan_fails(&f, start, NULL, NULL, ERROR_INPUT,
                     "[DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE]");
    check_plan_fails(&f, (Slice){0}, "startingVersion", "9", ERROR_INPUT,
                     "startingVersion 9 does not exist");
    check_plan_fails(&f, (Slice){0}, "startingVersion", "soon", ERROR_INPUT, "startingVersion");
    fixture_done(&f);
}

int main(void)
{
    test_rate();
    test_generate();
    test_script();
    test_delta_missing();
    test_delta_tail();
    test_delta_one_row();
    test_delta_changes();
    return check_done();
}
