// delta_tool -- writes and reads Delta tables for the interop tests, as tarn does.
//
//     delta_tool write PATH "SELECT ..." [PARTITION COLUMN ...]     creates or appends
//     delta_tool overwrite PATH "SELECT ..."
//     delta_tool checkpoint PATH
//     delta_tool read PATH [VERSION]                                 JSON lines, sorted
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lake/delta.h"

static DuckConn *conn;
static Arena *arena;

static int complain(const Error *err)
{
    fprintf(stderr, "%s\n", err->message);
    return error_exit_code(err->kind);
}

static bool write_rows(DeltaTable *table, DeltaMode mode, const char *sql, char **columns,
                       int column_count, Error *err)
{
    Schema schema = {0};
    DuckProblem problem;
    DeltaStaged staged;
    int64_t version;
    if (!duck_describe(conn, sql, &schema, arena, &problem, err)) {
        return false;
    }
    DeltaSpec spec = {.schema = &schema,
                      .partition_columns = (const char *const *)columns,
                      .partition_count = (size_t)column_count};
    if (!delta_stage(table, conn, &spec, sql, &staged, arena, err)) {
        return false;
    }
    DeltaTxn txn = {"delta_tool", 1};
    DeltaCommit commit = {.mode = mode,
                          .spec = &spec,
                          .staged = &staged,
                          .operation = "WRITE",
                          .parameters = "{\"mode\":\"Append\",\"partitionBy\":\"[]\"}",
                          .txns = &txn,
                          .txn_count = 1,
                          .now = clock_now(clock_system())};
    return delta_commit(table, conn, &commit, &version, err);
}

// Values in the form of common.py: what JSON has no agreed spelling for becomes text or a number.
static const char *projection(const Schema *schema)
{
    Buffer out = {0};
    for (size_t i = 0; i < schema->count; i++) {
        const Column *column = &schema->columns[i];
        const char *form = "%s";
        switch (column->type->kind) {
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
            form = "%s::DOUBLE::VARCHAR";
            break;
        case TYPE_DECIMAL:
        case TYPE_DATE:
            form = "%s::VARCHAR";
            break;
        case TYPE_BINARY:
            form = "hex(%s)";
            break;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_NTZ:
            form = "epoch_us(%s)";
            break;
        default:
            break;
        }
        Buffer name = {0};
        duck_quote_name(&name, slice_of(column->name));
        const char *rest = strstr(form, "%s") + 2;
        buffer_printf(&out, "%s%.*s%s%s AS %s", i == 0 ? "" : ", ", (int)(rest - 2 - form), form,
                      buffer_text(&name), rest, buffer_text(&name));
        buffer_done(&name);
    }
    const char *text = arena_text(arena, buffer_slice(&out));
    buffer_done(&out);
    return text;
}

static bool print_rows(const DeltaSnapshot *snapshot, Error *err)
{
    Buffer relation = {0};
    DuckRows *rows = NULL;
    if (!delta_scan_sql(snapshot, &relation, err)) {
        return false;
    }
    const char *sql = arena_printf(arena,
                                   "SELECT to_json(tarn_row)::VARCHAR AS line FROM (SELECT %s FROM "
                                   "%s) AS tarn_row ORDER BY line",
                                   projection(delta_schema(snapshot)), buffer_text(&relation));
    if (!duck_query(conn, sql, &rows, err)) {
        return false;
    }
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        DuckColumn line = duck_rows_column(rows, chunk, 0);
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            Slice text = duck_text(&line, row);
            printf("%.*s\n", SLICE_ARG(text));
        }
    }
    duck_rows_destroy(rows);
    buffer_done(&relation);
    return true;
}

static bool run(int count, char **words, DeltaTable *table, Error *err)
{
    const char *verb = words[1];
    bool exists;
    if (!delta_refresh(table, conn, &exists, err)) {
        return false;
    }
    if (strcmp(verb, "write") == 0 && count >= 4) {
        return write_rows(table, DELTA_APPEND, words[3], words + 4, count - 4, err);
    }
    if (strcmp(verb, "overwrite") == 0 && count == 4) {
        return write_rows(table, DELTA_OVERWRITE, words[3], NULL, 0, err);
    }
    if (strcmp(verb, "checkpoint") == 0) {
        return delta_checkpoint(table, conn, clock_now(clock_system()), err);
    }
    if (strcmp(verb, "read") == 0 && !exists) {
        return fail(err, ERROR_INPUT, "there is no Delta table in %s", words[2]);
    }
    if (strcmp(verb, "read") == 0 && count == 3) {
        return print_rows(delta_snapshot(table), err);
    }
    if (strcmp(verb, "read") == 0) {
        DeltaSnapshot *snapshot;
        bool ok =
            delta_snapshot_at_version(table, conn, strtoll(words[3], NULL, 10), &snapshot, err) &&
            print_rows(snapshot, err);
        return ok;
    }
    return fail(err, ERROR_INPUT, "usage: delta_tool write|overwrite|checkpoint|read PATH ...");
}

int main(int count, char **words)
{
    Error err = {0};
    Duck *duck;
    DuckOptions options = {0};
    if (count < 3) {
        fprintf(stderr, "usage: delta_tool write|overwrite|checkpoint|read PATH ...\n");
        return 2;
    }
    arena = arena_create(0);
    if (!duck_open(&options, &duck, &err) || !duck_connect(duck, &conn, &err)) {
        return complain(&err);
    }
    DeltaTable *table = delta_open(words[2]);
    int status = run(count, words, table, &err) ? 0 : complain(&err);
    delta_close(table);
    duck_disconnect(conn);
    duck_close(duck);
    arena_destroy(arena);
    return status;
}
