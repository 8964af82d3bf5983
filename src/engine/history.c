// SPDX-License-Identifier: Apache-2.0
#include "engine/history.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    SCHEMA_VERSION = 2,
    BUSY_MS = 500,      // other processes only read; a checkpoint may still make us wait
    PRUNE_EVERY = 1000, // batches between two removals of old rows
};

struct History {
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_stmt *insert;
    HistoryOptions options;
    int64_t run;
    int64_t batches_since_prune;
    bool has_complained; // a failure is said once, until a write succeeds again
};

// One transaction: a process that dies here leaves no file without tables.
static const char schema_sql[] =
    "BEGIN;"
    "CREATE TABLE IF NOT EXISTS runs (run_id INTEGER PRIMARY KEY, started INTEGER NOT NULL, "
    "ended INTEGER, exit_code INTEGER, version TEXT, pid INTEGER);"
    "CREATE TABLE IF NOT EXISTS batches (run_id INTEGER NOT NULL, flow TEXT NOT NULL, "
    "dataset TEXT, batch INTEGER NOT NULL, started INTEGER NOT NULL, duration_us INTEGER NOT NULL, "
    "input_rows INTEGER, output_rows INTEGER, watermark INTEGER, state_rows INTEGER, "
    "state_bytes INTEGER, dropped INTEGER, malformed INTEGER, delta_version INTEGER, error TEXT, "
    "progress TEXT);"
    "CREATE TABLE IF NOT EXISTS flows (run_id INTEGER NOT NULL, flow TEXT NOT NULL, dataset TEXT, "
    "batch INTEGER, watermark INTEGER, state_rows INTEGER, state_bytes INTEGER, "
    "UNIQUE (run_id, flow));"
    "CREATE TABLE IF NOT EXISTS refreshes (run_id INTEGER NOT NULL, view TEXT NOT NULL, "
    "started INTEGER NOT NULL, duration_us INTEGER NOT NULL, rows INTEGER, error TEXT);"
    "CREATE TABLE IF NOT EXISTS sides (run_id INTEGER NOT NULL, dataset TEXT NOT NULL, flow TEXT, "
    "batch INTEGER, started INTEGER NOT NULL, rows INTEGER);"
    "CREATE TABLE IF NOT EXISTS constraints (run_id INTEGER NOT NULL, dataset TEXT NOT NULL, "
    "flow TEXT, batch INTEGER, started INTEGER NOT NULL, name TEXT NOT NULL, action TEXT, "
    "rows INTEGER, failed INTEGER);"
    "CREATE INDEX IF NOT EXISTS constraints_by_run ON constraints (run_id, dataset, name);"
    "CREATE INDEX IF NOT EXISTS sides_by_run ON sides (run_id, dataset, flow);"
    "CREATE INDEX IF NOT EXISTS refreshes_by_run ON refreshes (run_id, view);"
    "CREATE INDEX IF NOT EXISTS batches_by_flow ON batches (flow, started);"
    "CREATE INDEX IF NOT EXISTS batches_by_run ON batches (run_id, flow);"
    "CREATE INDEX IF NOT EXISTS batches_by_time ON batches (started);"
    "COMMIT;";

static const char insert_sql[] =
    "INSERT INTO batches VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
    "?16)";

const char *history_library(void)
{
    static char text[48]; // written with the same bytes by every caller
    snprintf(text, sizeof text, "SQLite %s", sqlite3_libversion());
    return text;
}

// ---- opening -------------------------------------------------------------------------------

static int64_t query_int(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return value;
}

// Makes what is missing; a file of version 1 has no progress.
static int make_schema(sqlite3 *db)
{
    int code = sqlite3_exec(db, schema_sql, NULL, NULL, NULL);
    static const char has_progress[] =
        "SELECT count(*) FROM pragma_table_info('batches') WHERE name = 'progress'";
    if (code == SQLITE_OK && query_int(db, has_progress) == 0) {
        code = sqlite3_exec(db, "ALTER TABLE batches ADD COLUMN progress TEXT", NULL, NULL, NULL);
    }
    return code;
}

// SQLITE_OK, or what went wrong with the file; *version is the schema's when it could be read.
static int open_file(const char *path, sqlite3 **db, int64_t *version)
{
    int code = sqlite3_open_v2(
        path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL);
    if (code != SQLITE_OK) {
        return code;
    }
    sqlite3_busy_timeout(*db, BUSY_MS);
    // NORMAL: a power cut may cost the last rows of history, never the file, and no batch waits
    // for another fsync.
    code = sqlite3_exec(*db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", NULL, NULL,
                        NULL);
    if (code != SQLITE_OK) {
        return code;
    }
    *version = query_int(*db, "PRAGMA user_version");
    if (*version > SCHEMA_VERSION) {
        return SQLITE_OK;
    }
    code = make_schema(*db);
    if (code == SQLITE_OK && *version != SCHEMA_VERSION) {
        code = sqlite3_exec(*db, "PRAGMA user_version = 2", NULL, NULL, NULL);
        *version = SCHEMA_VERSION;
    }
    return code;
}

// Keeps a damaged file for whoever wants to look at it, and makes room for a new one.
static void move_aside(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    Buffer from = {0};
    Buffer to = {0};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        buffer_reset(&from);
        buffer_reset(&to);
        buffer_printf(&from, "%s%s", path, suffixes[i]);
        buffer_printf(&to, "%s.damaged%s", path, suffixes[i]);
        rename(buffer_text(&from), buffer_text(&to)); // absent is fine
    }
    buffer_done(&from);
    buffer_done(&to);
    log_warn("%s is damaged: moved to %s.damaged, history begins anew", path, path);
}

static bool open_database(History *history, const char *path, Error *err)
{
    int64_t version = 0;
    int code = open_file(path, &history->db, &version);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
        sqlite3_close(history->db);
        history->db = NULL;
        move_aside(path);
        code = open_file(path, &history->db, &version);
    }
    if (code == SQLITE_OK && version > SCHEMA_VERSION) {
        return fail(err, ERROR_INPUT, "%s was written by a newer tarn", path);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v3(history->db, insert_sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &history->insert, NULL);
    }
    if (code != SQLITE_OK) {
        return fail(err, ERROR_RETRY, "%s: %s", path,
                    history->db == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(history->db));
    }
    return true;
}

bool history_open(const char *storage, const HistoryOptions *options, History **history, Error *err)
{
    Buffer path = {0};
    buffer_printf(&path, "%s/history.db", storage);
    History *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        buffer_done(&path);
        return fail(err, ERROR_FAILED, "out of memory");
    }
    pthread_mutex_init(&opened->lock, NULL);
    opened->options = *options;
    bool ok = open_database(opened, buffer_text(&path), err);
    buffer_done(&path);
    if (!ok) {
        history_close(opened);
        return false;
    }
    *history = opened;
    return true;
}

void history_close(History *history)
{
    if (history != NULL) {
        sqlite3_finalize(history->insert);
        sqlite3_close(history->db);
        pthread_mutex_destroy(&history->lock);
        free(history);
    }
}

// ---- writing -------------------------------------------------------------------------------

static void complain(History *history, const char *what)
{
    if (!history->has_complained) {
        history->has_complained = true;
        log_warn("history.db: %s: %s. Flows go on without it", what, sqlite3_errmsg(history->db));
    }
}

// Runs a statement with up to three integers bound.
static void run_ints(History *history, const char *sql, int64_t a, int64_t b, int64_t c)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(history->db, sql, -1, &statement, NULL) == SQLITE_OK) {
        const int64_t values[] = {a, b, c};
        int count = sqlite3_bind_parameter_count(statement);
        for (int i = 0; i < count; i++) {
            sqlite3_bind_int64(statement, i + 1, values[i]);
        }
    }
    if (sqlite3_step(statement) != SQLITE_DONE) {
        complain(history, "cannot write");
    }
    sqlite3_finalize(statement);
}

// Called with the lock held.
static void prune(History *history, TimeUs now)
{
    history->batches_since_prune = 0;
    if (history->options.keep_time > 0) {
        TimeUs oldest = now - history->options.keep_time;
        run_ints(history, "DELETE FROM batches WHERE started < ?1", oldest, 0, 0);
        run_ints(history, "DELETE FROM refreshes WHERE started < ?1", oldest, 0, 0);
        run_ints(history, "DELETE FROM constraints WHERE started < ?1", oldest, 0, 0);
        run_ints(history, "DELETE FROM sides WHERE started < ?1", oldest, 0, 0);
        run_ints(history,
                 "DELETE FROM runs WHERE started < ?1 AND run_id <> ?2 AND NOT EXISTS "
                 "(SELECT 1 FROM batches b WHERE b.run_id = runs.run_id) AND NOT EXISTS "
                 "(SELECT 1 FROM refreshes r WHERE r.run_id = runs.run_id)",
                 oldest, history->run, 0);
    }
    if (history->options.keep_batches > 0) {
        run_ints(history,
                 "DELETE FROM constraints WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, "
                 "row_number() OVER (PARTITION BY dataset, flow, name ORDER BY rowid DESC) AS age "
                 "FROM constraints) WHERE age > ?1)",
                 history->options.keep_batches, 0, 0);
        run_ints(history,
                 "DELETE FROM sides WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, "
                 "row_number() OVER (PARTITION BY dataset, flow ORDER BY rowid DESC) AS age "
                 "FROM sides) WHERE age > ?1)",
                 history->options.keep_batches, 0, 0);
        run_ints(history,
                 "DELETE FROM refreshes WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, "
                 "row_number() OVER (PARTITION BY view ORDER BY rowid DESC) AS age FROM refreshes) "
                 "WHERE age > ?1)",
                 history->options.keep_batches, 0, 0);
        run_ints(history,
                 "DELETE FROM batches WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, "
                 "row_number() OVER (PARTITION BY flow ORDER BY rowid DESC) AS age FROM batches) "
                 "WHERE age > ?1)",
                 history->options.keep_batches, 0, 0);
    }
    run_ints(history, "DELETE FROM flows WHERE run_id NOT IN (SELECT run_id FROM runs)", 0, 0, 0);
}

void history_run_started(History *history, TimeUs now, const char *version)
{
    if (history == NULL) {
        return;
    }
    pthread_mutex_lock(&history->lock);
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(history->db, "INSERT INTO runs (started, version, pid) VALUES (?1, ?2, ?3)",
                       -1, &statement, NULL);
    sqlite3_bind_int64(statement, 1, now);
    sqlite3_bind_text(statement, 2, version, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, getpid());
    if (sqlite3_step(statement) == SQLITE_DONE) {
        history->run = sqlite3_last_insert_rowid(history->db);
    } else {
        complain(history, "cannot write");
    }
    sqlite3_finalize(statement);
    prune(history, now);
    pthread_mutex_unlock(&history->lock);
}

void history_run_withdrawn(History *history)
{
    if (history == NULL) {
        return;
    }
    pthread_mutex_lock(&history->lock);
    run_ints(history, "DELETE FROM runs WHERE run_id = ?1", history->run, 0, 0);
    pthread_mutex_unlock(&history->lock);
}

void history_run_ended(History *history, TimeUs now, int exit_code)
{
    if (history == NULL) {
        return;
    }
    pthread_mutex_lock(&history->lock);
    run_ints(history, "UPDATE runs SET ended = ?1, exit_code = ?2 WHERE run_id = ?3", now,
             exit_code, history->run);
    pthread_mutex_unlock(&history->lock);
}

static void bind_int(sqlite3_stmt *statement, int index, int64_t value, int64_t none)
{
    if (value == none) {
        sqlite3_bind_null(statement, index);
    } else {
        sqlite3_bind_int64(statement, index, value);
    }
}

void history_batch(History *history, const HistoryBatch *batch)
{
    if (history == NULL) {
        return;
    }
    pthread_mutex_lock(&history->lock);
    sqlite3_stmt *insert = history->insert;
    const int64_t numbers[] = {batch->batch, batch->started, batch->duration, batch->input_rows,
                               batch->output_rows};
    sqlite3_bind_int64(insert, 1, history->run);
    sqlite3_bind_text(insert, 2, batch->flow, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 3, batch->dataset, -1, SQLITE_STATIC);
    for (int i = 0; i < (int)ARRAY_LEN(numbers); i++) {
        sqlite3_bind_int64(insert, 4 + i, numbers[i]);
    }
    bind_int(insert, 9, batch->watermark, TIME_MIN);
    sqlite3_bind_int64(insert, 10, batch->state_rows);
    sqlite3_bind_int64(insert, 11, batch->state_bytes);
    sqlite3_bind_int64(insert, 12, batch->dropped);
    sqlite3_bind_int64(insert, 13, batch->malformed);
    bind_int(insert, 14, batch->delta_version, -1);
    sqlite3_bind_text(insert, 15, batch->error, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 16, batch->progress, -1, SQLITE_STATIC);
    if (sqlite3_step(insert) == SQLITE_DONE) {
        history->has_complained = false;
    } else {
        complain(history, "cannot write");
    }
    sqlite3_reset(insert);
    sqlite3_clear_bindings(insert);
    if (++history->batches_since_prune >= PRUNE_EVERY) {
        prune(history, batch->started);
    }
    pthread_mutex_unlock(&history->lock);
}

void history_flow(History *history, const ControlFlow *flow)
{
    if (history == NULL) {
        return;
    }
    pthread_mutex_lock(&history->lock);
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(history->db,
                       "INSERT INTO flows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
                       "ON CONFLICT (run_id, flow) DO UPDATE SET batch = ?4, watermark = ?5, "
                       "state_rows = ?6, state_bytes = ?7",
                       -1, &statement, NULL);
    sqlite3_bind_int64(statement, 1, history->run);
    sqlite3_bind_text(statement, 2, flow->flow, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, flow->dataset, -1, SQLITE_STATIC);
    bind_int(statement, 4, flow->batch, -1);
    bind_int(statement, 5, flow->watermark, TIME_MIN);
    sqlite3_bind_int64(statement, 6, flow->state_rows);
    sqlite3_bind_int64(statement, 7, flow->state_bytes);
    if (sqlite3_step(statement) != SQLITE_DONE) {
        complain(history, "cannot write");
    }
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&history->lock);
}

void history_refresh(History *history, const HistoryRefresh *refresh)
{
    if (history == NULL) {
        return;
    }
    pthread_mutex_lock(&history->lock);
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(history->db, "INSERT INTO refreshes VALUES (?1, ?2, ?3, ?4, ?5, ?6)", -1,
                       &statement, NULL);
    sqlite3_bind_int64(statement, 1, history->run);
    sqlite3_bind_text(statement, 2, refresh->view, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, refresh->started);
    sqlite3_bind_int64(statement, 4, refresh->duration);
    sqlite3_bind_int64(statement, 5, refresh->rows);
    sqlite3_bind_text(statement, 6, refresh->error, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE) {
        complain(history, "cannot write");
    }
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&history->lock);
}

// Inserts a row: the run, four texts (NULL: none), and numbers.
static void insert_row(History *history, const char *sql, const char *const *texts,
                       const int64_t *numbers, int number_count)
{
    pthread_mutex_lock(&history->lock);
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(history->db, sql, -1, &statement, NULL);
    sqlite3_bind_int64(statement, 1, history->run);
    for (int i = 0; i < 4; i++) {
        sqlite3_bind_text(statement, 2 + i, texts[i], -1, SQLITE_STATIC);
    }
    for (int i = 0; i < number_count; i++) {
        sqlite3_bind_int64(statement, 6 + i, numbers[i]);
    }
    if (sqlite3_step(statement) != SQLITE_DONE) {
        complain(history, "cannot write");
    }
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&history->lock);
}

void history_constraint(History *history, const HistoryConstraint *seen)
{
    static const char sql[] =
        "INSERT INTO constraints (run_id, dataset, flow, name, action, batch, started, rows, "
        "failed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    if (history != NULL) {
        const char *const texts[] = {seen->dataset, seen->flow, seen->constraint, seen->action};
        const int64_t numbers[] = {seen->batch, seen->started, seen->rows, seen->failed};
        insert_row(history, sql, texts, numbers, (int)ARRAY_LEN(numbers));
    }
}

void history_side(History *history, const HistorySide *side)
{
    static const char sql[] = "INSERT INTO sides (run_id, dataset, flow, batch, started, rows) "
                              "VALUES (?1, ?2, ?3, ?6, ?7, ?8)";
    if (history != NULL) {
        const char *const texts[] = {side->dataset, side->flow, NULL, NULL};
        const int64_t numbers[] = {side->batch, side->started, side->rows};
        insert_row(history, sql, texts, numbers, (int)ARRAY_LEN(numbers));
    }
}

// ---- reading -------------------------------------------------------------------------------

// The flows of a run with the sums over it and their newest batch; before the first batch, where
// the run found them. A failed attempt has an error. A flow that could not be opened has only that.
static const char flows_sql[] =
    "WITH names AS (SELECT flow, max(dataset) AS dataset, min(place) AS place FROM "
    "(SELECT flow, dataset, rowid AS place FROM flows WHERE run_id = ?1 UNION ALL "
    "SELECT flow, dataset, (1 << 40) + rowid FROM batches WHERE run_id = ?1) GROUP BY flow), "
    "sums AS (SELECT flow, max(rowid) AS last, count(*) FILTER (WHERE error IS NULL) AS batches, "
    "max(CASE WHEN error IS NULL THEN batch END) AS batch, "
    "sum(input_rows) FILTER (WHERE error IS NULL) AS input_rows, "
    "sum(output_rows) FILTER (WHERE error IS NULL) AS output_rows, "
    "sum(dropped) FILTER (WHERE error IS NULL) AS dropped, "
    "sum(malformed) FILTER (WHERE error IS NULL) AS malformed, "
    "sum(duration_us) FILTER (WHERE error IS NULL) AS duration_us, "
    "max(rowid) FILTER (WHERE error IS NULL) AS good FROM batches WHERE run_id = ?1 GROUP BY flow) "
    "SELECT n.flow, n.dataset, ifnull(ifnull(s.batch, f.batch), -1), s.input_rows, s.output_rows, "
    "s.dropped, s.malformed, iif(g.flow IS NULL, f.watermark, g.watermark), "
    "ifnull(g.state_rows, f.state_rows), ifnull(g.state_bytes, f.state_bytes), b.error, "
    "s.duration_us, s.batches, g.progress FROM names n LEFT JOIN sums s ON s.flow = n.flow "
    "LEFT JOIN batches b ON b.rowid = s.last LEFT JOIN batches g ON g.rowid = s.good "
    "LEFT JOIN flows f ON f.run_id = ?1 AND f.flow = n.flow ORDER BY n.place";

static const char *text_at(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

static TimeUs time_at(sqlite3_stmt *statement, int column)
{
    bool is_null = sqlite3_column_type(statement, column) == SQLITE_NULL;
    return is_null ? TIME_MIN : sqlite3_column_int64(statement, column);
}

static bool append_flows(sqlite3 *db, int64_t run, Buffer *status)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, flows_sql, -1, &statement, NULL) != SQLITE_OK) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, run);
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
        const char *error = text_at(statement, 10);
        const char *dataset = text_at(statement, 1);
        TimeUs duration = sqlite3_column_int64(statement, 11);
        int64_t input_rows = sqlite3_column_int64(statement, 3);
        ControlFlow flow = {
            .flow = text_at(statement, 0),
            .dataset = dataset == NULL ? "" : dataset,
            .state = error == NULL ? "stopped" : "failed",
            .batch = sqlite3_column_int64(statement, 2),
            .batches = sqlite3_column_int64(statement, 12),
            .duration = duration,
            .input_rows = input_rows,
            .output_rows = sqlite3_column_int64(statement, 4),
            .rows_per_second =
                duration > 0 ? (double)input_rows * TIME_SECOND / (double)duration : 0,
            .lag_rows = -1,
            .lag_ms = -1,
            .watermark = time_at(statement, 7),
            .state_rows = sqlite3_column_int64(statement, 8),
            .state_bytes = sqlite3_column_int64(statement, 9),
            .dropped = sqlite3_column_int64(statement, 5),
            .malformed = sqlite3_column_int64(statement, 6),
            .error = error,
            .progress = text_at(statement, 13),
        };
        control_append_flow(status, &flow);
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE;
}

// Each view of a run: its last attempt, and the last one that succeeded.
static const char views_sql[] =
    "WITH sums AS (SELECT view, min(rowid) AS first, max(rowid) AS last, "
    "max(rowid) FILTER (WHERE error IS NULL) AS good, "
    "count(*) FILTER (WHERE error IS NULL) AS refreshes, "
    "sum(duration_us) FILTER (WHERE error IS NULL) AS duration_us "
    "FROM refreshes WHERE run_id = ?1 GROUP BY view) "
    "SELECT s.view, g.started + g.duration_us, s.refreshes, s.duration_us, g.rows, r.error "
    "FROM sums s JOIN refreshes r ON r.rowid = s.last LEFT JOIN refreshes g ON g.rowid = s.good "
    "ORDER BY s.first";

static bool append_views(sqlite3 *db, int64_t run, Buffer *status)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, views_sql, -1, &statement, NULL) != SQLITE_OK) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, run);
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
        const char *error = text_at(statement, 5);
        ControlView view = {
            .view = text_at(statement, 0),
            .state = error == NULL ? "stopped" : "failed",
            .refreshed = time_at(statement, 1),
            .refreshes = sqlite3_column_int64(statement, 2),
            .duration = sqlite3_column_int64(statement, 3),
            .rows = sqlite3_column_int64(statement, 4),
            .error = error,
        };
        control_append_view(status, &view);
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE;
}

// The objects that a query gives, one in each row.
static bool append_objects(sqlite3 *db, const char *sql, int64_t run, Buffer *status)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, run);
    int code = sqlite3_step(statement);
    for (size_t count = 0; code == SQLITE_ROW; count++, code = sqlite3_step(statement)) {
        buffer_append_text(status, count == 0 ? "" : ",");
        buffer_append_text(status, text_at(statement, 0));
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE;
}

static bool append_quality(sqlite3 *db, int64_t run, Buffer *status)
{
    static const char constraints[] =
        "SELECT json_object('dataset', dataset, 'constraint', name, 'action', max(action), "
        "'rows', sum(rows), 'failed', sum(failed)) FROM constraints WHERE run_id = ?1 "
        "GROUP BY dataset, name ORDER BY min(rowid)";
    static const char sides[] =
        "SELECT json_object('dataset', dataset, 'flow', flow, 'rows', sum(rows)) FROM sides "
        "WHERE run_id = ?1 GROUP BY dataset, flow ORDER BY min(rowid)";
    buffer_append_text(status, "],\"constraints\":[");
    bool ok = append_objects(db, constraints, run, status);
    buffer_append_text(status, "],\"sides\":[");
    return append_objects(db, sides, run, status) && ok;
}

void history_append_quality(History *history, Buffer *status)
{
    if (history == NULL) {
        buffer_append_text(status, "],\"constraints\":[],\"sides\":[");
        return;
    }
    pthread_mutex_lock(&history->lock);
    if (!append_quality(history->db, history->run, status)) {
        complain(history, "cannot read");
    }
    pthread_mutex_unlock(&history->lock);
}

// A process may have died before it made the tables, or be one of a time with fewer of them.
static bool has_tables(sqlite3 *db)
{
    if (query_int(db, "SELECT count(*) FROM sqlite_master WHERE name = 'runs'") == 0) {
        return false;
    }
    if (query_int(db, "PRAGMA user_version") < SCHEMA_VERSION) {
        make_schema(db); // if it fails, so does what follows
    }
    return true;
}

static bool append_last_run(sqlite3 *db, const char *project, Buffer *status, bool *found)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db,
                                 "SELECT run_id, started, ended, exit_code FROM runs "
                                 "ORDER BY run_id DESC LIMIT 1",
                                 -1, &statement, NULL) == SQLITE_OK;
    int code = ok ? sqlite3_step(statement) : SQLITE_ERROR;
    *found = code == SQLITE_ROW;
    if (*found) {
        control_begin_status(status, project, false, 0, sqlite3_column_int64(statement, 1));
        int64_t run = sqlite3_column_int64(statement, 0);
        ok = append_flows(db, run, status);
        control_begin_views(status);
        ok = ok && append_views(db, run, status) && append_quality(db, run, status);
        // A run that was killed has no end.
        buffer_append_text(status, "],\"ended\":");
        if (sqlite3_column_type(statement, 2) == SQLITE_NULL) {
            buffer_append_text(status, "null,\"exit_code\":null}");
        } else {
            char ended[32];
            time_format_iso(sqlite3_column_int64(statement, 2), ended);
            buffer_printf(status, "\"%s\",\"exit_code\":%d}", ended,
                          sqlite3_column_int(statement, 3));
        }
    } else {
        ok = ok && code == SQLITE_DONE;
    }
    sqlite3_finalize(statement);
    return ok;
}

bool history_last_run(const char *storage, const char *project, Buffer *status, bool *found,
                      Error *err)
{
    *found = false;
    Buffer path = {0};
    buffer_printf(&path, "%s/history.db", storage);
    sqlite3 *db = NULL;
    bool ok = true;
    if (access(buffer_text(&path), F_OK) == 0) {
        // Not READONLY: a WAL left by a killed process must be read too, and that writes its -shm.
        ok = sqlite3_open_v2(buffer_text(&path), &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK;
        if (ok) {
            sqlite3_busy_timeout(db, BUSY_MS);
            ok = !has_tables(db) || append_last_run(db, project, status, found);
        }
        if (!ok) {
            fail(err, ERROR_RETRY, "read %s: %s", buffer_text(&path),
                 db == NULL ? "out of memory" : sqlite3_errmsg(db));
        }
    }
    sqlite3_close(db);
    buffer_done(&path);
    return ok;
}
