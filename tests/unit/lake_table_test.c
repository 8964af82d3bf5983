// Tables end to end: create, append, overwrite, time travel, checkpoints, conflicts, partitions.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/random.h"
#include "lake/delta_snapshot.h"

#define NOW (1700000000 * (TimeUs)TIME_SECOND)

static Duck *duck;
static DuckConn *conn;
static Arena *arena;
static Error err;

static char *temp_folder(void)
{
    char id[37];
    random_uuid(id);
    return arena_printf(arena, "/tmp/tarn_lake_%s", id);
}

static void remove_folder(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        execlp("rm", "rm", "-rf", path, (char *)NULL);
        _exit(127);
    }
    waitpid(child, NULL, 0);
}

static Schema make_schema(const char *select_sql)
{
    Schema schema = {0};
    DuckProblem problem;
    if (!duck_describe(conn, select_sql, &schema, arena, &problem, &err)) {
        fprintf(stderr, "%s\n", err.message);
    }
    return schema;
}

// One text of all rows of a query with one VARCHAR column.
static const char *text_of(const char *sql)
{
    DuckRows *rows = NULL;
    Buffer out = {0};
    if (!duck_query(conn, sql, &rows, &err)) {
        return arena_printf(arena, "ERROR %s", err.message);
    }
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        DuckColumn column = duck_rows_column(rows, chunk, 0);
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            buffer_append_text(&out, out.size == 0 ? "" : ";");
            if (duck_is_null(&column, row)) {
                buffer_append_text(&out, "NULL");
            } else {
                buffer_append(&out, duck_text(&column, row));
            }
        }
    }
    duck_rows_destroy(rows);
    const char *text = arena_text(arena, buffer_slice(&out));
    buffer_done(&out);
    return text;
}

// What `expression` over the snapshot's rows gives.
static const char *scan(const DeltaSnapshot *snapshot, const char *expression)
{
    Buffer relation = {0};
    if (!delta_scan_sql(snapshot, &relation, &err)) {
        buffer_done(&relation);
        return arena_printf(arena, "ERROR %s", err.message);
    }
    const char *sql =
        arena_printf(arena, "SELECT (%s)::VARCHAR FROM %s", expression, buffer_text(&relation));
    buffer_done(&relation);
    return text_of(sql);
}

static bool write_rows(DeltaTable *table, const DeltaSpec *spec, DeltaMode mode, const char *sql,
                       const DeltaTxn *txn)
{
    DeltaStaged staged;
    int64_t version;
    err = (Error){0};
    if (!delta_stage(table, conn, spec, sql, &staged, arena, &err)) {
        return false;
    }
    DeltaCommit commit = {mode, spec, &staged, "WRITE", NULL, txn, txn != NULL, NOW};
    if (!delta_commit(table, conn, &commit, &version, &err)) {
        delta_unstage(table, &staged);
        return false;
    }
    return true;
}

static bool refresh(DeltaTable *table)
{
    bool exists;
    err = (Error){0};
    return delta_refresh(table, conn, &exists, &err) && exists;
}

static void test_life(void)
{
    char *path = temp_folder();
    Schema schema = make_schema("SELECT 1::BIGINT AS id, 'x' AS name, 1.5::DOUBLE AS value");
    DeltaSpec spec = {.schema = &schema};
    DeltaTable *table = delta_open(path);
    bool exists = true;
    CHECK(delta_refresh(table, conn, &exists, &err) && !exists);
    CHECK(!write_rows(table, NULL, DELTA_APPEND, "SELECT 1 AS id", NULL) &&
          err.kind == ERROR_INPUT);

    DeltaTxn txn = {"flow-1", 7};
    CHECK(write_rows(table, &spec, DELTA_APPEND, "SELECT 1 AS id, 'a' AS name, 0.5::FLOAT AS value",
                     &txn));
    CHECK_TEXT(err.message, "");
    CHECK(delta_version(delta_snapshot(table)) == 0);
    CHECK(write_rows(table, NULL, DELTA_APPEND,
                     "SELECT 'b' AS NAME, 'nan'::DOUBLE AS value, 2::TINYINT AS id", NULL));
    CHECK_TEXT(scan(delta_snapshot(table), "string_agg(id || name || value, ',' ORDER BY id)"),
               "1a0.5,2bnan");
    int64_t version = 0;
    CHECK(delta_txn(delta_snapshot(table), "flow-1", &version) && version == 7);
    CHECK(!delta_txn(delta_snapshot(table), "flow-2", &version));

    // Another reader sees the same; an older version too.
    DeltaTable *other = delta_open(path);
    CHECK(refresh(other));
    CHECK_TEXT(scan(delta_snapshot(other), "count(*)"), "2");
    DeltaSnapshot *old = NULL;
    CHECK(delta_snapshot_at_version(other, conn, 0, &old, &err));
    CHECK_TEXT(scan(old, "count(*)"), "1");
    delta_snapshot_destroy(old);
    CHECK(!delta_snapshot_at_version(other, conn, 9, &old, &err) && err.kind == ERROR_INPUT);

    CHECK(write_rows(table, NULL, DELTA_OVERWRITE, "SELECT 3 AS id, 'c' AS name, 1.0 AS value",
                     NULL) == false); // DECIMAL into DOUBLE loses digits
    CHECK(write_rows(table, NULL, DELTA_OVERWRITE,
                     "SELECT 3 AS id, 'c' AS name, 1.0::DOUBLE AS value", NULL));
    CHECK(refresh(other));
    CHECK_TEXT(scan(delta_snapshot(other), "id || name || value"), "3c1.0");

    DeltaFiles files = {0};
    bool removes, found;
    CHECK(delta_version_files(other, 1, &files, &removes, &found, arena, &err) && found);
    CHECK(files.count == 1 && !removes);
    Buffer sql = {0};
    CHECK(delta_files_sql(delta_snapshot(other), &files, &sql, &err));
    CHECK_TEXT(text_of(arena_printf(arena, "SELECT name FROM %s", buffer_text(&sql))), "b");
    buffer_done(&sql);
    files.count = 0;
    CHECK(delta_version_files(other, 2, &files, &removes, &found, arena, &err) && removes);
    CHECK(delta_version_files(other, 3, &files, &removes, &found, arena, &err) && !found);
    delta_close(other);
    delta_close(table);
    remove_folder(path);
}

static void test_schema_errors(void)
{
    char *path = temp_folder();
    Schema schema = make_schema("SELECT 1::INT AS id, 'x' AS name");
    schema.columns[0].nullable = false;
    DeltaSpec spec = {.schema = &schema};
    DeltaTable *table = delta_open(path);
    CHECK(write_rows(table, &spec, DELTA_APPEND, "SELECT 1 AS id, 'a' AS name", NULL));
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT 'z' AS id, 'a' AS name", NULL));
    CHECK(strstr(err.message, "column 'id' is string here but int in table") != NULL);
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT 1 AS id", NULL));
    CHECK(strstr(err.message, "column 'name' of table") != NULL);
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT 1 AS id, 'a' AS name, 1 AS x", NULL));
    CHECK(strstr(err.message, "has no column 'x'") != NULL);
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT 1::BIGINT AS id, 'a' AS name", NULL));
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT NULL::INT AS id, 'a' AS name", NULL));
    CHECK(strstr(err.message, "which is NOT NULL") != NULL);
    CHECK(err.kind == ERROR_INPUT);
    CHECK(write_rows(table, &spec, DELTA_APPEND, "SELECT 2 AS id, NULL::VARCHAR AS name", NULL));
    CHECK_TEXT(err.message, "");
    CHECK_TEXT(scan(delta_snapshot(table), "count(*)"), "2");
    delta_close(table);
    remove_folder(path);

    Schema bad = make_schema("SELECT sum(1::BIGINT) AS total");
    spec.schema = &bad;
    table = delta_open(path);
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT sum(1::BIGINT) AS total", NULL));
    CHECK(strstr(err.message, "column 'total' has the type HUGEINT") != NULL);
    bad = make_schema("SELECT 1 AS a, 2 AS A");
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT 1 AS a", NULL));
    bad = make_schema("SELECT 1 AS \"a b\"");
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT 1 AS \"a b\"", NULL));
    bad = make_schema("SELECT 'infinity'::TIMESTAMPTZ AS t");
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT 'infinity'::TIMESTAMPTZ AS t", NULL));
    CHECK(strstr(err.message, "'infinity'") != NULL);
    CHECK(access(path, F_OK) != 0 || access(arena_printf(arena, "%s/_delta_log", path), F_OK) != 0);
    delta_close(table);
    remove_folder(path);
}

static void test_partitions(void)
{
    char *path = temp_folder();
    const char *rows =
        "SELECT i::INT AS id, CASE i WHEN 0 THEN NULL WHEN 1 THEN 'a b/%' WHEN 2 THEN 'NULL' "
        "WHEN 3 THEN '' WHEN 4 THEN 'é*[x]?' ELSE 'p' || i END AS p, DATE '2024-01-01' + i::INT AS "
        "d, TIMESTAMPTZ '2024-01-01 10:00:00.5+00' AS t, TIMESTAMP '2024-01-01 10:00:00' AS n, "
        "i % 2 = 0 AS b, (i * 1.25)::DECIMAL(20, 4) AS m FROM range(100) t(i)";
    Schema schema = make_schema(rows);
    const char *const columns[] = {"P", "d", "t", "n", "b", "m"};
    DeltaSpec spec = {.schema = &schema, .partition_columns = columns, .partition_count = 6};
    DeltaTable *table = delta_open(path);
    CHECK(write_rows(table, &spec, DELTA_APPEND, rows, NULL));
    CHECK_TEXT(err.message, "");
    CHECK(refresh(table));
    DeltaTable *other = delta_open(path);
    CHECK(refresh(other));
    Buffer relation = {0};
    CHECK(delta_files(delta_snapshot(other))->count == 100); // looked up by file number
    CHECK(delta_scan_sql(delta_snapshot(other), &relation, &err));
    const char *difference =
        "SELECT count(*)::VARCHAR FROM (SELECT * REPLACE (nullif(p, '') AS p) FROM (%s) EXCEPT ALL "
        "SELECT * FROM %s)";
    CHECK_TEXT(text_of(arena_printf(arena, difference, rows, buffer_text(&relation))), "0");
    CHECK_TEXT(text_of(arena_printf(arena, "SELECT id::VARCHAR FROM %s WHERE p = 'é*[x]?'",
                                    buffer_text(&relation))),
               "4");
    // Few partitions: constants.
    DeltaFiles some = *delta_files(delta_snapshot(other));
    some.count = 10;
    buffer_reset(&relation);
    CHECK(delta_files_sql(delta_snapshot(other), &some, &relation, &err));
    CHECK_TEXT(text_of(arena_printf(arena,
                                    "SELECT count(*)::VARCHAR FROM (SELECT * FROM %s EXCEPT ALL "
                                    "SELECT * REPLACE (nullif(p, '') AS p) FROM (%s))",
                                    buffer_text(&relation), rows)),
               "0");
    CHECK_TEXT(scan(delta_snapshot(other), "count(*)"), "100");
    const Schema *got = delta_schema(delta_snapshot(other));
    CHECK(schema_equal(got, &schema));
    CHECK(delta_schema(delta_snapshot(other))->columns[4].type->kind == TYPE_TIMESTAMP_NTZ);
    buffer_done(&relation);
    delta_close(other);
    delta_close(table);
    remove_folder(path);
}

static void test_checkpoints(void)
{
    char *path = temp_folder();
    Schema schema = make_schema("SELECT 1 AS id, 'x' AS day");
    const char *const columns[] = {"day"};
    const char *const properties[] = {"delta.checkpointInterval", "3"};
    DeltaSpec spec = {.schema = &schema,
                      .partition_columns = columns,
                      .partition_count = 1,
                      .properties = properties,
                      .property_count = 1};
    DeltaTable *table = delta_open(path);
    for (int i = 0; i < 8; i++) {
        DeltaTxn txn = {"app", i};
        const char *sql = arena_printf(arena, "SELECT %d AS id, 'd%d' AS day", i, i % 2);
        CHECK(write_rows(table, &spec, i == 5 ? DELTA_OVERWRITE : DELTA_APPEND, sql, &txn));
    }
    CHECK(delta_checkpoint_problem(table) == NULL);
    const char *name = arena_printf(arena, "%s/_delta_log/%020d.checkpoint.parquet", path, 6);
    CHECK(access(name, F_OK) == 0);
    // Without the commits before it, the checkpoint must carry everything.
    for (int i = 0; i <= 6; i++) {
        unlink(arena_printf(arena, "%s/_delta_log/%020d.json", path, i));
    }
    DeltaTable *other = delta_open(path);
    CHECK(refresh(other));
    CHECK_TEXT(err.message, "");
    CHECK(delta_version(delta_snapshot(other)) == 7);
    CHECK_TEXT(scan(delta_snapshot(other), "string_agg(id || day, ',' ORDER BY id)"),
               "5d1,6d0,7d1");
    int64_t version;
    CHECK(delta_txn(delta_snapshot(other), "app", &version) && version == 7);
    CHECK_TEXT(delta_table_id(delta_snapshot(other)), delta_table_id(delta_snapshot(table)));
    CHECK(delta_files(delta_snapshot(other))->items[0].stats != NULL);
    // A damaged hint is only a hint.
    FILE *hint = fopen(arena_printf(arena, "%s/_delta_log/_last_checkpoint", path), "w");
    fputs("{\"version\":99}", hint);
    fclose(hint);
    delta_close(other);
    other = delta_open(path);
    CHECK(refresh(other));
    CHECK_TEXT(scan(delta_snapshot(other), "count(*)"), "3");
    DeltaSnapshot *old = NULL;
    CHECK(!delta_snapshot_at_version(other, conn, 2, &old, &err));
    delta_close(other);
    // A gap is damage, not a shorter table.
    unlink(arena_printf(arena, "%s/_delta_log/%020d.checkpoint.parquet", path, 6));
    unlink(arena_printf(arena, "%s/_delta_log/_last_checkpoint", path));
    other = delta_open(path);
    CHECK(!refresh(other) && err.kind == ERROR_CORRUPT);
    delta_close(other);
    delta_close(table);
    remove_folder(path);
}

static void test_conflicts(void)
{
    char *path = temp_folder();
    Schema schema = make_schema("SELECT 1 AS id");
    DeltaSpec spec = {.schema = &schema};
    DeltaTable *a = delta_open(path);
    DeltaTable *b = delta_open(path);
    DeltaTxn txn = {"flow", 1};
    CHECK(write_rows(a, &spec, DELTA_APPEND, "SELECT 1 AS id", NULL));
    CHECK(refresh(b));
    CHECK(write_rows(a, NULL, DELTA_APPEND, "SELECT 2 AS id", &txn));
    CHECK(write_rows(b, NULL, DELTA_APPEND, "SELECT 3 AS id", NULL)); // goes to version 2
    CHECK(delta_version(delta_snapshot(b)) == 2);
    // The same flow from two processes: the one that has not seen the other loses.
    txn.version = 2;
    CHECK(!write_rows(a, NULL, DELTA_APPEND, "SELECT 4 AS id", &txn) == false);
    CHECK(!write_rows(b, NULL, DELTA_APPEND, "SELECT 4 AS id", &txn) && err.kind == ERROR_CONFLICT);
    CHECK(strstr(err.message, "'flow'") != NULL);
    CHECK(refresh(a) && refresh(b));
    CHECK(write_rows(a, NULL, DELTA_APPEND, "SELECT 5 AS id", NULL));
    CHECK(!write_rows(b, NULL, DELTA_OVERWRITE, "SELECT 6 AS id", NULL) &&
          err.kind == ERROR_CONFLICT);
    CHECK(write_rows(b, NULL, DELTA_OVERWRITE, "SELECT 6 AS id", NULL)); // having seen it
    CHECK(refresh(a));
    CHECK_TEXT(scan(delta_snapshot(a), "string_agg(id, ',' ORDER BY id)"), "6");
    DeltaCommit create = {
        .mode = DELTA_CREATE, .spec = &spec, .operation = "CREATE TABLE", .now = NOW};
    int64_t version;
    CHECK(!delta_commit(a, conn, &create, &version, &err) && err.kind == ERROR_CONFLICT);
    // A changed schema.
    Schema wider = make_schema("SELECT 1 AS id, TIMESTAMP '2024-01-01' AS moment");
    DeltaSpec replace = {.schema = &wider, .overwrite_schema = true};
    CHECK(write_rows(a, &replace, DELTA_OVERWRITE,
                     "SELECT 1 AS id, TIMESTAMP '2024-01-01' AS moment", NULL));
    CHECK_TEXT(err.message, "");
    CHECK(!write_rows(b, NULL, DELTA_APPEND, "SELECT 7 AS id", NULL) && err.kind == ERROR_CONFLICT);
    CHECK_TEXT(scan(delta_snapshot(b), "id || ' ' || moment"), "1 2024-01-01 00:00:00");
    // Staged before the schema changed, committed by one who has seen the change since.
    DeltaStaged staged;
    const char *row = "SELECT 8 AS id, TIMESTAMP '2024-01-01' AS moment";
    CHECK(delta_stage(b, conn, NULL, row, &staged, arena, &err));
    replace.schema = &schema;
    CHECK(write_rows(a, &replace, DELTA_OVERWRITE, "SELECT 1 AS id", NULL));
    CHECK(refresh(b));
    DeltaCommit late = {DELTA_APPEND, NULL, &staged, "WRITE", NULL, NULL, 0, NOW};
    CHECK(!delta_commit(b, conn, &late, &version, &err) && err.kind == ERROR_CONFLICT);
    delta_close(a);
    delta_close(b);
    remove_folder(path);
}

static void test_faults(void)
{
    char *path = temp_folder();
    Schema schema = make_schema("SELECT 1 AS id");
    DeltaSpec spec = {.schema = &schema};
    DeltaTable *table = delta_open(path);
    CHECK(write_rows(table, &spec, DELTA_APPEND, "SELECT 1 AS id", NULL));
    fault_arm("delta.before_commit");
    CHECK(!write_rows(table, &spec, DELTA_APPEND, "SELECT 2 AS id", NULL) &&
          err.kind == ERROR_CRASH);
    fault_arm("delta.after_commit");
    DeltaTxn txn = {"flow", 3};
    DeltaStaged staged;
    CHECK(delta_stage(table, conn, &spec, "SELECT 3 AS id", &staged, arena, &err));
    DeltaCommit commit = {DELTA_APPEND, &spec, &staged, "STREAMING UPDATE", NULL, &txn, 1, NOW};
    int64_t version;
    CHECK(!delta_commit(table, conn, &commit, &version, &err) && err.kind == ERROR_CRASH);
    delta_unstage(table, &staged); // must not take away what may be in the log
    delta_close(table);
    table = delta_open(path);
    delta_clean_staged(table);
    CHECK(refresh(table));
    CHECK_TEXT(scan(delta_snapshot(table), "string_agg(id, ',' ORDER BY id)"), "1,3");
    CHECK(delta_txn(delta_snapshot(table), "flow", &version) && version == 3);
    fault_arm("delta.mid_checkpoint");
    CHECK(!delta_checkpoint(table, conn, NOW, &err) && err.kind == ERROR_CRASH);
    delta_close(table);
    table = delta_open(path);
    CHECK(refresh(table)); // the checkpoint is there, the hint is not
    CHECK_TEXT(scan(delta_snapshot(table), "string_agg(id, ',' ORDER BY id)"), "1,3");
    fault_disarm();
    delta_close(table);
    remove_folder(path);
}

// The answer to a put is lost: the entry that is there is recognised as our own.
static void test_lost_answer(void)
{
    Schema schema = make_schema("SELECT 1 AS id");
    DeltaSpec spec = {.schema = &schema};
    static const ErrorKind kinds[] = {ERROR_RETRY, ERROR_CONFLICT};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        DeltaTable *table = delta_open("/nonexistent/memory");
        store_destroy(table->store);
        table->store = store_memory();
        DeltaCommit commit = {
            .mode = DELTA_CREATE, .spec = &spec, .operation = "CREATE TABLE", .now = NOW};
        int64_t version = -1;
        store_memory_fail(table->store, "put_if_absent", 1, kinds[i], true);
        CHECK(delta_commit(table, conn, &commit, &version, &err) && version == 0);
        DeltaTxn txn = {"flow", 1};
        commit.mode = DELTA_APPEND;
        commit.txns = &txn;
        commit.txn_count = 1;
        store_memory_fail(table->store, "put_if_absent", 1, kinds[i], true);
        CHECK(delta_commit(table, conn, &commit, &version, &err) && version == 1);
        CHECK(delta_version(delta_snapshot(table)) == 1);
        // Not stored at all: an error, and nothing in the log.
        store_memory_fail(table->store, "put_if_absent", 1, ERROR_RETRY, false);
        CHECK(!delta_commit(table, conn, &commit, &version, &err) && err.kind == ERROR_RETRY);
        CHECK(refresh(table) && delta_version(delta_snapshot(table)) == 1);
        delta_close(table);
    }
}

static void test_clean(void)
{
    char *path = temp_folder();
    Schema schema = make_schema("SELECT 1 AS id");
    DeltaSpec spec = {.schema = &schema};
    DeltaTable *table = delta_open(path);
    DeltaStaged staged;
    CHECK(delta_stage(table, conn, &spec, "SELECT 1 AS id", &staged, arena, &err));
    pid_t child = fork();
    if (child == 0) {
        // A writer that dies: another session's folder, whose lock nobody holds afterwards.
        char *staging = arena_printf(arena, "%s/_staging", path);
        const char *id = "01234567-89ab-cdef-0123-456789abcdef";
        mkdir(arena_printf(arena, "%s/%s", staging, id), 0777);
        fclose(fopen(arena_printf(arena, "%s/%s.lock", staging, id), "w"));
        fclose(fopen(arena_printf(arena, "%s/%s/0", staging, id), "w"));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    DeltaTable *cleaner = delta_open(path);
    delta_clean_staged(cleaner);
    const char *dead =
        arena_printf(arena, "%s/_staging/01234567-89ab-cdef-0123-456789abcdef", path);
    CHECK(access(dead, F_OK) != 0);
    int64_t version;
    DeltaCommit commit = {DELTA_APPEND, &spec, &staged, "WRITE", NULL, NULL, 0, NOW};
    CHECK(delta_commit(table, conn, &commit, &version, &err)); // the living one was left alone
    CHECK_TEXT(scan(delta_snapshot(table), "count(*)"), "1");
    delta_close(cleaner);
    delta_close(table);
    remove_folder(path);
}

static void test_times(void)
{
    char *path = temp_folder();
    Schema schema = make_schema("SELECT 1 AS id");
    const char *const properties[] = {"delta.enableInCommitTimestamps", "true"};
    DeltaSpec plain = {.schema = &schema};
    DeltaSpec own = {.schema = &schema, .properties = properties, .property_count = 1};
    for (int round = 0; round < 2; round++) {
        DeltaTable *table = delta_open(path);
        for (int i = 0; i < 3; i++) {
            CHECK(write_rows(table, round == 0 ? &plain : &own, DELTA_APPEND,
                             arena_printf(arena, "SELECT %d AS id", i), NULL));
            // Files: 1000 s, 1000 s, 3000 s. Own times: NOW, NOW + 1, NOW + 2 ms.
            struct timespec at[2] = {{0, 0}, {0, 0}};
            at[0].tv_sec = at[1].tv_sec = i == 2 ? 3000 : 1000;
            const char *name = arena_printf(arena, "%s/_delta_log/%020d.json", path, i);
            CHECK(utimensat(0, name, at, 0) == 0);
        }
        TimeUs zero = round == 0 ? 1000 * (TimeUs)TIME_SECOND : NOW;
        DeltaSnapshot *snapshot = NULL;
        CHECK(!delta_snapshot_at_time(table, conn, zero - TIME_MS, &snapshot, &err));
        CHECK(delta_snapshot_at_time(table, conn, zero, &snapshot, &err));
        CHECK(snapshot != NULL && delta_version(snapshot) == 0);
        delta_snapshot_destroy(snapshot);
        CHECK(delta_snapshot_at_time(table, conn, zero + TIME_MS, &snapshot, &err));
        CHECK(delta_version(snapshot) == 1);
        delta_snapshot_destroy(snapshot);
        TimeUs last = round == 0 ? 3000 * (TimeUs)TIME_SECOND : NOW + 2 * TIME_MS;
        CHECK(delta_snapshot_at_time(table, conn, last, &snapshot, &err));
        CHECK(delta_version(snapshot) == 2);
        delta_snapshot_destroy(snapshot);
        CHECK(!delta_snapshot_at_time(table, conn, last + TIME_MS, &snapshot, &err));
        delta_close(table);
        remove_folder(path);
    }
}

static void open_duck(void)
{
    DuckOptions options = {.threads = 2};
    if (!duck_open(&options, &duck, &err) || !duck_connect(duck, &conn, &err)) {
        fprintf(stderr, "%s\n", err.message);
        _exit(1);
    }
}

// N processes write M commits each: versions are dense, no row is lost, none is there twice.
static void test_race(void)
{
    enum { WRITERS = 4, COMMITS = 15 };
    char *path = temp_folder();
    Schema schema = {0};
    schema_add(arena, &schema, "writer", type_simple(TYPE_INT), true);
    schema_add(arena, &schema, "number", type_simple(TYPE_INT), true);
    DeltaSpec spec = {.schema = &schema};
    pid_t children[WRITERS];
    for (int w = 0; w < WRITERS; w++) {
        children[w] = fork();
        if (children[w] == 0) {
            Duck *own;
            DuckOptions options = {.threads = 1};
            if (!duck_open(&options, &own, &err) || !duck_connect(own, &conn, &err)) {
                _exit(1);
            }
            DeltaTable *table = delta_open(path);
            int done = 0;
            for (int tries = 0; done < COMMITS && tries < 1000; tries++) {
                const char *sql = arena_printf(arena, "SELECT %d AS writer, %d AS number", w, done);
                if (write_rows(table, &spec, DELTA_APPEND, sql, NULL)) {
                    done++;
                } else if (err.kind != ERROR_CONFLICT) {
                    fprintf(stderr, "writer %d: %s\n", w, err.message);
                    _exit(2);
                } else {
                    refresh(table);
                }
            }
            delta_close(table);
            _exit(done == COMMITS ? 0 : 3);
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = -1;
        waitpid(children[w], &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    open_duck();
    DeltaTable *table = delta_open(path);
    CHECK(refresh(table));
    CHECK(delta_version(delta_snapshot(table)) == WRITERS * COMMITS - 1);
    CHECK_TEXT(scan(delta_snapshot(table), "count(*) || ' ' || count(DISTINCT (writer, number))"),
               "60 60");
    delta_close(table);
    remove_folder(path);
}

int main(void)
{
    arena = arena_create(0);
    test_race(); // forks, so before this process has DuckDB's threads
    test_life();
    test_schema_errors();
    test_partitions();
    test_checkpoints();
    test_conflicts();
    test_faults();
    test_clean();
    test_lost_answer();
    test_times();
    duck_disconnect(conn);
    duck_close(duck);
    arena_destroy(arena);
    return check_done();
}
