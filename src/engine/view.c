// SPDX-License-Identifier: Apache-2.0
#include "engine/view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/outside.h"
#include "stream/rewrite.h"

struct View {
    Catalog *catalog;
    const Dataset *dataset;
    DuckConn *conn;
    Tables *tables;
    OutsideList outside;
    Arena *arena;
    Buffer versions; // of what is read, at the last refresh
    bool refreshed;
    Expect *expect; // its constraints; NULL: none

    pthread_mutex_t lock; // of status
    ControlView status;   // its error lives in the arena: whoever asked may still be reading it
};

// Conditions see the time of the refresh in the variable that batches of flows have.
static bool open_expect(View *view, Error *err)
{
    const Dataset *dataset = view->dataset;
    const Catalog *catalog = view->catalog;
    ExpectRequest request = {
        .dataset = dataset->name,
        .function =
            arena_printf(view->arena, "expect_view_%d", atomic_fetch_add(catalog->read_count, 1)),
        .expectations = dataset->statement->expectations,
        .expectation_count = dataset->statement->expectation_count,
        .columns = &dataset->schema,
        .now_sql = "getvariable('batch_time')",
    };
    if (request.expectation_count == 0) {
        return true;
    }
    const ExpectPlan *plan = expect_plan(&request, view->arena, catalog->diagnostics);
    return plan == NULL ? diagnostics_fail(catalog->diagnostics, err)
                        : expect_open(plan, view->conn, &view->expect, err);
}

bool view_create(Catalog *catalog, const Dataset *dataset, View **result, Error *err)
{
    View *view = calloc(1, sizeof *view);
    if (view == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    view->catalog = catalog;
    view->dataset = dataset;
    view->tables = relation_tables_create();
    view->arena = arena_create(0);
    view->status = (ControlView){.view = dataset->name, .state = "waiting", .refreshed = TIME_MIN};
    pthread_mutex_init(&view->lock, NULL);
    outside_find(catalog, dataset->query, view->arena, &view->outside);
    if (!duck_connect(catalog->duck, &view->conn, err) || !open_expect(view, err)) {
        view_destroy(view);
        return false;
    }
    *result = view;
    return true;
}

void view_destroy(View *view)
{
    if (view == NULL) {
        return;
    }
    expect_close(view->expect);
    relation_tables_destroy(view->tables);
    duck_disconnect(view->conn);
    buffer_done(&view->versions);
    arena_destroy(view->arena);
    pthread_mutex_destroy(&view->lock);
    free(view);
}

const Expect *view_expect(const View *view)
{
    return view->expect;
}

const Dataset *view_dataset(const View *view)
{
    return view->dataset;
}

bool view_reads_outside(const View *view)
{
    return view->outside.count > 0;
}

void view_status(View *view, ControlView *status)
{
    pthread_mutex_lock(&view->lock);
    *status = view->status;
    pthread_mutex_unlock(&view->lock);
}

static void set_state(View *view, const char *state)
{
    pthread_mutex_lock(&view->lock);
    view->status.state = state;
    pthread_mutex_unlock(&view->lock);
}

void view_set_failed(View *view, const char *error)
{
    pthread_mutex_lock(&view->lock);
    bool is_new = view->status.error == NULL || strcmp(view->status.error, error) != 0;
    view->status.error = is_new ? arena_text(view->arena, slice_of(error)) : view->status.error;
    view->status.state = "failed";
    pthread_mutex_unlock(&view->lock);
}

static void set_refreshed(View *view, TimeUs now, TimeUs duration, int64_t row_count)
{
    pthread_mutex_lock(&view->lock);
    view->status.state = "idle";
    view->status.error = NULL;
    view->status.refreshed = now + duration;
    view->status.refreshes++;
    view->status.duration += duration;
    view->status.rows = row_count;
    pthread_mutex_unlock(&view->lock);
}

static bool read_versions(View *view, Catalog *reading, Buffer *versions, Error *err)
{
    for (size_t i = 0; i < view->dataset->upstream.count; i++) {
        const Dataset *table = view->dataset->upstream.items[i];
        if (table->table_path == NULL) {
            continue;
        }
        DeltaTable *delta = relation_tables_open(view->tables, table->table_path);
        bool exists = false;
        if (!delta_refresh(delta, view->conn, &exists, err)) {
            return false;
        }
        int64_t version = exists ? delta_version(delta_snapshot(delta)) : -1;
        buffer_printf(versions, "%lld ", (long long)version);
    }
    RelationReader reader = {reading, view->tables, view->conn};
    return outside_print(&view->outside, &reader, versions, err);
}

bool view_is_stale(View *view, bool *stale, Error *err)
{
    Buffer versions = {0};
    Arena *arena = arena_create(0);
    Catalog reading = catalog_fork(view->catalog, arena, view->conn);
    bool ok = read_versions(view, &reading, &versions, err);
    if (ok) {
        *stale = !view->refreshed ||
                 !slice_equal(buffer_slice(&versions), buffer_slice(&view->versions));
    } else {
        fail_context(err, "materialized view '%s'", view->dataset->name);
    }
    buffer_done(&versions);
    arena_destroy(arena);
    return ok;
}

// The view's query over the tables as they are now.
static bool print_query(View *view, Catalog *reading, TimeUs now, Buffer *sql, Error *err)
{
    RelationReader reader = {reading, view->tables, view->conn};
    SourceMap map = {0};
    PrintOptions options = {
        .relation = relation_read,
        .context = &reader,
        .now_sql = arena_printf(reading->arena, "make_timestamptz(%lld)", (long long)now),
    };
    Query *batch = rewrite_as_batch(reading->arena, view->dataset->query);
    return sql_print_query(batch, &options, reading->diagnostics, sql, &map, reading->arena) ||
           diagnostics_fail(reading->diagnostics, err);
}

// The query, filtered by the view's constraints.
static bool print_filtered(View *view, Catalog *reading, TimeUs now, Buffer *sql, Error *err)
{
    Buffer query = {0};
    char set[96];
    snprintf(set, sizeof set, "SET VARIABLE batch_time = make_timestamptz(%lld)", (long long)now);
    bool ok = duck_run(view->conn, set, err) && print_query(view, reading, now, &query, err);
    if (ok) {
        expect_begin(view->expect, -1);
        expect_print(expect_plan_of(view->expect), buffer_text(&query), &view->dataset->schema,
                     sql);
    }
    buffer_done(&query);
    return ok;
}

static bool write_rows(View *view, const char *sql, TimeUs now, Arena *arena, int64_t *row_count,
                       Error *err)
{
    const Statement *statement = view->dataset->statement;
    const char **partitions = ARENA_ARRAY(arena, const char *, statement->partition_count + 1);
    for (size_t i = 0; i < statement->partition_count; i++) {
        partitions[i] = arena_text(arena, statement->partitioned_by[i]);
    }
    DeltaSpec spec = {
        .schema = &view->dataset->schema,
        .partition_columns = partitions,
        .partition_count = statement->partition_count,
        .description = statement->comment.size == 0 ? NULL : arena_text(arena, statement->comment),
    };
    DeltaTable *table = relation_tables_open(view->tables, view->dataset->table_path);
    DeltaStaged staged = {0};
    bool exists = false;
    if (!delta_refresh(table, view->conn, &exists, err) ||
        !delta_stage(table, view->conn, &spec, sql, &staged, arena, err)) {
        return false;
    }
    DeltaCommit commit = {
        .mode = DELTA_OVERWRITE,
        .spec = &spec,
        .staged = &staged,
        .operation = "WRITE",
        .parameters = "{\"mode\":\"Overwrite\"}",
        .now = now,
    };
    int64_t version;
    if (!delta_commit(table, view->conn, &commit, &version, err)) {
        delta_unstage(table, &staged);
        return false;
    }
    *row_count = staged.rows;
    return true;
}

bool view_refresh(View *view, TimeUs now, int64_t *row_count, Error *err)
{
    Arena *arena = arena_create(0);
    Catalog reading = catalog_fork(view->catalog, arena, view->conn);
    Buffer sql = {0};
    Buffer versions = {0};
    TimeUs started = clock_monotonic();
    set_state(view, "refreshing");
    bool ok = read_versions(view, &reading, &versions, err) &&
              (view->expect == NULL ? print_query(view, &reading, now, &sql, err)
                                    : print_filtered(view, &reading, now, &sql, err)) &&
              write_rows(view, buffer_text(&sql), now, arena, row_count, err);
    if (ok) {
        buffer_done(&view->versions);
        view->versions = versions;
        versions = (Buffer){0};
        view->refreshed = true;
        set_refreshed(view, now, clock_monotonic() - started, *row_count);
    } else if (err->kind != ERROR_CRASH) {
        fail_context(err, "materialized view '%s'", view->dataset->name);
    }
    catalog_close_sources(&reading);
    buffer_done(&sql);
    buffer_done(&versions);
    arena_destroy(arena);
    return ok;
}
