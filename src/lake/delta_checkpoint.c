// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "lake/delta_stage.h"

enum {
    INTERVAL_DEFAULT = 10,  // delta.checkpointInterval
    FILES_PER_COMMIT = 100, // a table with 100 times as many files waits one commit longer
    INTERVAL_MAX = 200,
    FLUSH_BYTES = 1 << 20,
    MIN_OBJECT_BYTES = 1 << 20, // of a line, for DuckDB's JSON reader
};

#define FILE_FIELDS                                                                                \
    "\"partitionValues\" MAP(VARCHAR, VARCHAR), \"size\" BIGINT, \"tags\" MAP(VARCHAR, VARCHAR), " \
    "\"deletionVector\" STRUCT(\"storageType\" VARCHAR, \"pathOrInlineDv\" VARCHAR, \"offset\" "   \
    "INTEGER, \"sizeInBytes\" INTEGER, \"cardinality\" BIGINT), \"baseRowId\" BIGINT, "            \
    "\"defaultRowCommitVersion\" BIGINT"

static const char *const columns[][2] = {
    {"txn", "STRUCT(\"appId\" VARCHAR, \"version\" BIGINT, \"lastUpdated\" BIGINT)"},
    {"add", "STRUCT(\"path\" VARCHAR, \"modificationTime\" BIGINT, \"dataChange\" BOOLEAN, "
            "\"stats\" VARCHAR, \"clusteringProvider\" VARCHAR, " FILE_FIELDS ")"},
    {"remove", "STRUCT(\"path\" VARCHAR, \"deletionTimestamp\" BIGINT, \"dataChange\" BOOLEAN, "
               "\"extendedFileMetadata\" BOOLEAN, " FILE_FIELDS ")"},
    {"metaData",
     "STRUCT(\"id\" VARCHAR, \"name\" VARCHAR, \"description\" VARCHAR, \"format\" "
     "STRUCT(\"provider\" VARCHAR, \"options\" MAP(VARCHAR, VARCHAR)), \"schemaString\" VARCHAR, "
     "\"partitionColumns\" VARCHAR[], \"configuration\" MAP(VARCHAR, VARCHAR), \"createdTime\" "
     "BIGINT)"},
    {"protocol", "STRUCT(\"minReaderVersion\" INTEGER, \"minWriterVersion\" INTEGER, "
                 "\"readerFeatures\" VARCHAR[], \"writerFeatures\" VARCHAR[])"},
    {"domainMetadata",
     "STRUCT(\"domain\" VARCHAR, \"configuration\" VARCHAR, \"removed\" BOOLEAN)"},
};

// ---- the actions as lines ------------------------------------------------------------------

static bool flush(FILE *file, Buffer *text, const char *path, Error *err)
{
    if (text->size > 0 && fwrite(text->data, 1, text->size, file) != text->size) {
        return fail_errno(err, "write %s", path);
    }
    buffer_reset(text);
    return true;
}

TimeUs delta_checkpoint_interval(const char *text, TimeUs missing)
{
    static const struct {
        const char *unit;
        TimeUs size;
    } units[] = {{"second", TIME_SECOND},
                 {"minute", TIME_MINUTE},
                 {"hour", TIME_HOUR},
                 {"day", TIME_DAY},
                 {"week", 7 * TIME_DAY}};
    long count;
    char unit[16];
    if (text == NULL) {
        return missing;
    }
    if (strncmp(text, "interval ", 9) == 0 || strncmp(text, "INTERVAL ", 9) == 0) {
        text += 9;
    }
    if (sscanf(text, "%ld %15s", &count, unit) != 2 || count < 0 || count > 1000000) {
        return missing;
    }
    size_t size = strlen(unit);
    if (size > 1 && (unit[size - 1] | 0x20) == 's') {
        unit[size - 1] = '\0';
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (text_equal_nocase(unit, units[i].unit)) {
            return count * units[i].size;
        }
    }
    return missing;
}

static void drop_expired(DeltaSnapshot *snapshot, TimeUs now)
{
    TimeUs keep = delta_checkpoint_interval(
        delta_property(snapshot, "delta.deletedFileRetentionDuration"), 7 * TIME_DAY);
    for (size_t i = map_count(snapshot->tombstones); i > 0; i--) {
        DeltaFileAction *remove = map_value_at(snapshot->tombstones, i - 1);
        if (remove->time_ms * TIME_MS < now - keep) {
            map_remove_fast(snapshot->tombstones, map_key_at(snapshot->tombstones, i - 1));
            free(remove);
        }
    }
}

static void print_small(const DeltaSnapshot *snapshot, Buffer *text)
{
    delta_action_print_protocol(snapshot->protocol, text);
    delta_action_print_metadata(snapshot->metadata, text);
    for (size_t i = 0; i < map_count(snapshot->txns); i++) {
        delta_action_print_txn(map_value_at(snapshot->txns, i), text);
    }
    for (size_t i = 0; i < map_count(snapshot->domains); i++) {
        delta_action_print_domain(map_value_at(snapshot->domains, i), text);
    }
}

// The longest line of what was printed since the last flush.
static void note_longest(const Buffer *text, size_t *longest)
{
    const char *at = buffer_text(text);
    const char *end = at + text->size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t size = line_end == NULL ? (size_t)(end - at) : (size_t)(line_end - at);
        *longest = size > *longest ? size : *longest;
        at += size + 1;
    }
}

static bool write_lines(const DeltaSnapshot *snapshot, const char *path, size_t *longest,
                        Error *err)
{
    FILE *file = fopen(path, "wbe");
    if (file == NULL) {
        return fail_errno(err, "open %s", path);
    }
    Buffer text = {0};
    bool ok = true;
    print_small(snapshot, &text);
    for (size_t i = 0; ok && i < map_count(snapshot->files); i++) {
        DeltaFileAction add = *(const DeltaFileAction *)map_value_at(snapshot->files, i);
        add.data_change = false;
        delta_action_print_add(&add, &text);
        if (text.size >= FLUSH_BYTES) {
            note_longest(&text, longest);
            ok = flush(file, &text, path, err);
        }
    }
    for (size_t i = 0; ok && i < map_count(snapshot->tombstones); i++) {
        DeltaFileAction remove = *(const DeltaFileAction *)map_value_at(snapshot->tombstones, i);
        remove.data_change = false;
        delta_action_print_remove(&remove, &text);
        if (text.size >= FLUSH_BYTES) {
            note_longest(&text, longest);
            ok = flush(file, &text, path, err);
        }
    }
    note_longest(&text, longest);
    ok = ok && flush(file, &text, path, err);
    if (fclose(file) != 0 && ok) {
        ok = fail_errno(err, "write %s", path);
    }
    buffer_done(&text);
    return ok;
}

// ---- Parquet -------------------------------------------------------------------------------

// DuckDB's reader takes a buffer of twice the longest line per thread: say how long it is.
static void append_copy(Buffer *sql, const char *lines, size_t longest, const char *parquet)
{
    size_t object_bytes = longest < MIN_OBJECT_BYTES ? MIN_OBJECT_BYTES : longest + 1;
    buffer_append_text(sql, "COPY (SELECT * FROM read_json(");
    duck_quote_path(sql, slice_of(lines));
    buffer_printf(sql, ", format='newline_delimited', maximum_object_size=%zu, columns={",
                  object_bytes);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        buffer_printf(sql, "%s\"%s\": '%s'", i == 0 ? "" : ", ", columns[i][0], columns[i][1]);
    }
    buffer_append_text(sql, "})) TO ");
    duck_quote_text(sql, slice_of(parquet));
    buffer_append_text(sql, " (FORMAT parquet, COMPRESSION snappy)");
}

// What a reader will find: as many live files as we have, and one protocol and metaData.
static bool verify(DuckConn *conn, const DeltaSnapshot *snapshot, const char *parquet,
                   int64_t row_count, Error *err)
{
    Buffer sql = {0};
    DuckRows *rows = NULL;
    buffer_append_text(&sql, "SELECT count(*)::BIGINT, count(\"add\".\"path\")::BIGINT, "
                             "count(\"protocol\".\"minReaderVersion\")::BIGINT, "
                             "count(\"metaData\".\"id\")::BIGINT FROM read_parquet(");
    duck_quote_path(&sql, slice_of(parquet));
    buffer_append_text(&sql, ", hive_partitioning=false)");
    bool ok = duck_query(conn, buffer_text(&sql), &rows, err);
    if (ok) {
        bool is_null;
        int64_t adds = (int64_t)map_count(snapshot->files);
        if (duck_rows_int(rows, 0, &is_null) != row_count ||
            duck_rows_int(rows, 1, &is_null) != adds || duck_rows_int(rows, 2, &is_null) != 1 ||
            duck_rows_int(rows, 3, &is_null) != 1) {
            ok = fail(err, ERROR_FAILED, "checkpoint %s does not hold what was written", parquet);
        }
    }
    duck_rows_destroy(rows);
    buffer_done(&sql);
    return ok;
}

static bool write_parquet(DeltaTable *table, DuckConn *conn, const char *name, int64_t row_count,
                          Error *err)
{
    Buffer lines = {0};
    Buffer parquet = {0};
    Buffer sql = {0};
    buffer_printf(&lines, "%s/%s.json", table->root, name);
    buffer_printf(&parquet, "%s/%s", table->root, name);
    size_t longest = 0;
    bool ok = write_lines(table->snapshot, buffer_text(&lines), &longest, err);
    append_copy(&sql, buffer_text(&lines), longest, buffer_text(&parquet));
    ok = ok && duck_run(conn, buffer_text(&sql), err) &&
         verify(conn, table->snapshot, buffer_text(&parquet), row_count, err);
    remove(buffer_text(&lines));
    if (!ok) {
        remove(buffer_text(&parquet));
    }
    buffer_done(&lines);
    buffer_done(&parquet);
    buffer_done(&sql);
    return ok;
}

static bool publish(DeltaTable *table, const char *name, int64_t row_count, Error *err)
{
    DeltaSnapshot *snapshot = table->snapshot;
    char target[DELTA_LOG_NAME_MAX + 32];
    snprintf(target, sizeof target, "_delta_log/%020" PRId64 ".checkpoint.parquet",
             snapshot->version);
    if (!store_adopt(table->store, name, target, err)) {
        return false;
    }
    if (FAULT("delta.mid_checkpoint")) {
        return fail(err, ERROR_CRASH, "fault");
    }
    Buffer hint = {0};
    buffer_printf(&hint, "{\"version\":%" PRId64 ",\"size\":%" PRId64 ",\"numOfAddFiles\":%zu}",
                  snapshot->version, row_count, map_count(snapshot->files));
    bool ok = store_put(table->store, "_delta_log/_last_checkpoint", buffer_slice(&hint), err);
    buffer_done(&hint);
    if (ok) {
        snapshot->checkpoint_version = snapshot->version;
    }
    return ok;
}

bool delta_checkpoint(DeltaTable *table, DuckConn *conn, TimeUs now, Error *err)
{
    DeltaSnapshot *snapshot = table->snapshot;
    char name[96];
    if (snapshot == NULL) {
        return fail(err, ERROR_INPUT, "there is no Delta table in %s", table->root);
    }
    if (!delta_stage_begin(table, name, err)) {
        return false;
    }
    drop_expired(snapshot, now);
    int64_t row_count = (int64_t)(2 + map_count(snapshot->txns) + map_count(snapshot->domains) +
                                  map_count(snapshot->files) + map_count(snapshot->tombstones));
    return write_parquet(table, conn, name, row_count, err) && publish(table, name, row_count, err);
}

// The distance is the table's property, or grows with the table, so that the cost per commit
// follows the commit.
static int64_t interval_of(const DeltaSnapshot *snapshot)
{
    const char *property = delta_property(snapshot, "delta.checkpointInterval");
    if (property != NULL) {
        errno = 0;
        char *end;
        long value = strtol(property, &end, 10);
        if (errno == 0 && *end == '\0' && value > 0) {
            return value;
        }
    }
    int64_t grown = INTERVAL_DEFAULT + (int64_t)map_count(snapshot->files) / FILES_PER_COMMIT;
    return grown < INTERVAL_MAX ? grown : INTERVAL_MAX;
}

bool delta_checkpoint_after(DeltaTable *table, DuckConn *conn, TimeUs now, Error *err)
{
    DeltaSnapshot *snapshot = table->snapshot;
    int64_t interval = interval_of(snapshot);
    int64_t newest = snapshot->checkpoint_version < 0 ? 0 : snapshot->checkpoint_version;
    if (snapshot->version - newest < interval) {
        return true;
    }
    // Another writer may have made one meanwhile.
    int64_t hint = delta_log_hint(table->store);
    if (hint > newest && hint <= snapshot->version) {
        snapshot->checkpoint_version = hint;
        newest = hint;
    }
    return snapshot->version - newest < interval || delta_checkpoint(table, conn, now, err);
}
