// Staging: a query's rows into Parquet files with statistics, not yet in the log.
//
// One COPY writes everything: without partitions one file (DuckDB fills its row groups on all
// threads), with partitions one per tuple. Partition columns are turned into Delta's strings in
// the query, so that DuckDB never formats them, and come back in RETURN_STATS as they are.
// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_stage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/random.h"
#include "lake/delta_feature.h"
#include "lake/delta_path.h"
#include "lake/delta_stats.h"

typedef struct Stage {
    DeltaTable *table;
    DuckConn *conn;
    const Schema *schema; // of the table after the commit
    const char *const *partition_columns;
    size_t partition_count;
    Schema data;      // what is in the files
    Schema partition; // in partition order
    bool has_float;
    char name[96]; // folder or file in staging
    Arena *arena;
    DeltaStaged *staged;
} Stage;

// ---- the schema ----------------------------------------------------------------------------

static bool choose_schema(Stage *stage, const DeltaSpec *spec, Error *err)
{
    const DeltaSnapshot *snapshot = stage->table->snapshot;
    if (snapshot != NULL && !(spec != NULL && spec->overwrite_schema)) {
        stage->schema = snapshot->schema.logical;
        stage->partition_columns = snapshot->metadata->partition_columns.items;
        stage->partition_count = snapshot->metadata->partition_columns.count;
    } else if (spec == NULL || spec->schema == NULL) {
        return fail(err, ERROR_INPUT, "there is no Delta table in %s", stage->table->root);
    } else {
        stage->schema = spec->schema;
        stage->partition_columns = spec->partition_columns;
        stage->partition_count = spec->partition_count;
    }
    if (snapshot != NULL && !delta_feature_check_write(snapshot->protocol, snapshot->metadata,
                                                       &snapshot->schema, snapshot->root, err)) {
        return false;
    }
    if (!delta_schema_check(stage->schema, stage->partition_columns, stage->partition_count, err)) {
        return fail_context(err, "table %s", stage->table->root);
    }
    return true;
}

uint64_t delta_stage_schema_hash(const char *schema_string, const char *const *partition_columns,
                                 size_t partition_count)
{
    uint64_t hash = hash_bytes(schema_string, strlen(schema_string), 0);
    for (size_t i = 0; i < partition_count; i++) {
        hash = hash_bytes(partition_columns[i], strlen(partition_columns[i]) + 1, hash);
    }
    return hash;
}

// Of the table's own text, or of what a commit will write for a new schema.
static uint64_t hash_schema(const Stage *stage)
{
    const DeltaSnapshot *snapshot = stage->table->snapshot;
    Buffer text = {0};
    bool is_tables = snapshot != NULL && stage->schema == snapshot->schema.logical;
    if (is_tables) {
        buffer_append_text(&text, snapshot->metadata->schema_string);
    } else {
        delta_schema_print(stage->schema, &text);
    }
    const char **names = ARENA_ARRAY(stage->arena, const char *, stage->partition.count + 1);
    for (size_t i = 0; i < stage->partition.count; i++) {
        names[i] = is_tables ? stage->partition_columns[i] : stage->partition.columns[i].name;
    }
    uint64_t hash = delta_stage_schema_hash(buffer_text(&text), names, stage->partition.count);
    buffer_done(&text);
    return hash;
}

static bool is_partition(const Stage *stage, const char *column)
{
    return schema_find(&stage->partition, slice_of(column)) >= 0;
}

static void split_schema(Stage *stage)
{
    for (size_t i = 0; i < stage->partition_count; i++) {
        int index = schema_find(stage->schema, slice_of(stage->partition_columns[i]));
        const Column *column = &stage->schema->columns[index];
        schema_add(stage->arena, &stage->partition, column->name, column->type, column->nullable);
    }
    for (size_t i = 0; i < stage->schema->count; i++) {
        const Column *column = &stage->schema->columns[i];
        if (!is_partition(stage, column->name)) {
            schema_add(stage->arena, &stage->data, column->name, column->type, column->nullable);
        }
    }
    stage->has_float =
        delta_schema_uses(&stage->data, TYPE_FLOAT) || delta_schema_uses(&stage->data, TYPE_DOUBLE);
}

static bool fail_type(const Stage *stage, const Column *from, const Column *to, Error *err)
{
    Buffer a = {0};
    Buffer b = {0};
    type_print(from->type, &a);
    type_print(to->type, &b);
    fail(err, ERROR_INPUT,
         "column '%s' is %s here but %s in table %s; CAST it, or change the table", from->name,
         buffer_text(&a), buffer_text(&b), stage->table->root);
    buffer_done(&a);
    buffer_done(&b);
    return false;
}

static bool check_columns(const Stage *stage, const Schema *query, Error *err)
{
    for (size_t i = 0; i < query->count; i++) {
        const Column *from = &query->columns[i];
        int index = schema_find(stage->schema, slice_of(from->name));
        if (index < 0) {
            return fail(err, ERROR_INPUT, "table %s has no column '%s'", stage->table->root,
                        from->name);
        }
        if ((size_t)schema_find(query, slice_of(from->name)) != i) {
            return fail(err, ERROR_INPUT, "column '%s' appears twice (case does not count)",
                        from->name);
        }
        if (!delta_schema_fits(from->type, stage->schema->columns[index].type)) {
            return fail_type(stage, from, &stage->schema->columns[index], err);
        }
    }
    for (size_t i = 0; i < stage->schema->count; i++) {
        const char *name = stage->schema->columns[i].name;
        if (schema_find(query, slice_of(name)) < 0) {
            return fail(err, ERROR_INPUT, "column '%s' of table %s is missing here", name,
                        stage->table->root);
        }
    }
    return true;
}

// ---- the query -----------------------------------------------------------------------------

// Delta's string of a partition value [1.12]; "" is never written but NULL.
static void append_partition_text(const Column *column, const char *name, Buffer *sql)
{
    switch (column->type->kind) {
    case TYPE_STRING:
        buffer_printf(sql, "nullif(%s, '')", name);
        break;
    case TYPE_TIMESTAMP:
        buffer_printf(sql, "strftime(timezone('UTC', %s), '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ')", name);
        break;
    case TYPE_TIMESTAMP_NTZ:
        buffer_printf(sql, "strftime(%s, '%%Y-%%m-%%d %%H:%%M:%%S.%%f')", name);
        break;
    default: // whole numbers, decimals with all digits, dates, true and false
        buffer_printf(sql, "CAST(%s AS VARCHAR)", name);
        break;
    }
}

static void append_column(const Stage *stage, const Column *column, Buffer *sql)
{
    Buffer value = {0};
    buffer_append_text(&value, "CAST(");
    duck_quote_name(&value, slice_of(column->name));
    buffer_append_text(&value, " AS ");
    type_print_duck(column->type, &value);
    buffer_append_char(&value, ')');
    if (!column->nullable) {
        Buffer message = {0};
        Buffer checked = {0};
        buffer_printf(&message, "NULL in column '%s' of table %s, which is NOT NULL", column->name,
                      stage->table->root);
        buffer_printf(&checked, "coalesce(%s, error(", buffer_text(&value));
        duck_quote_text(&checked, buffer_slice(&message));
        buffer_append_text(&checked, "))");
        buffer_done(&message);
        buffer_done(&value);
        value = checked;
    }
    if (is_partition(stage, column->name)) {
        append_partition_text(column, buffer_text(&value), sql);
    } else {
        buffer_append_text(sql, buffer_text(&value));
    }
    buffer_append_text(sql, " AS ");
    duck_quote_name(sql, slice_of(column->name));
    buffer_done(&value);
}

static void append_copy(const Stage *stage, const char *select_sql, Buffer *sql)
{
    buffer_append_text(sql, "COPY (SELECT ");
    for (size_t i = 0; i < stage->schema->count; i++) {
        buffer_append_text(sql, i == 0 ? "" : ", ");
        append_column(stage, &stage->schema->columns[i], sql);
    }
    buffer_printf(sql, " FROM (%s\n)) TO ", select_sql);
    Buffer path = {0};
    buffer_printf(&path, "%s/%s", stage->table->root, stage->name);
    duck_quote_text(sql, buffer_slice(&path));
    buffer_done(&path);
    buffer_append_text(sql, " (FORMAT parquet, COMPRESSION snappy, RETURN_STATS");
    for (size_t i = 0; i < stage->partition.count; i++) {
        buffer_append_text(sql, i == 0 ? ", PARTITION_BY (" : ", ");
        duck_quote_name(sql, slice_of(stage->partition.columns[i].name));
    }
    buffer_append_text(sql, stage->partition.count > 0 ? "))" : ")");
}

// ---- the files -----------------------------------------------------------------------------

enum { CHUNK_ROWS = 2048 };

// RETURN_STATS knows NaN only of the last row group (reference 5): ask the footer whether every
// row group with values has bounds.
static bool find_nan(const Stage *stage, Slice path, bool *found, Error *err)
{
    Buffer sql = {0};
    DuckRows *rows = NULL;
    buffer_append_text(&sql, "SELECT count(*)::BIGINT FROM parquet_metadata(");
    duck_quote_path(&sql, path);
    buffer_append_text(&sql, ") WHERE type IN ('FLOAT', 'DOUBLE') AND stats_max_value IS NULL AND "
                             "stats_null_count IS DISTINCT FROM num_values");
    bool ok = duck_query(stage->conn, buffer_text(&sql), &rows, err);
    if (ok) {
        bool is_null;
        *found = duck_rows_int(rows, 0, &is_null) > 0;
    }
    duck_rows_destroy(rows);
    buffer_done(&sql);
    return ok;
}

static void read_partition(const Stage *stage, const DuckColumn *keys, uint64_t row,
                           const char **values)
{
    if (stage->partition.count == 0 || duck_is_null(keys, row)) {
        return;
    }
    uint64_t offset, length;
    duck_list(keys, row, &offset, &length);
    DuckColumn names = duck_child(keys, 0);
    DuckColumn texts = duck_child(keys, 1);
    for (uint64_t i = offset; i < offset + length; i++) {
        int index = schema_find(&stage->partition, duck_text(&names, i));
        if (index >= 0 && !duck_is_null(&texts, i)) {
            values[index] = arena_text(stage->arena, duck_text(&texts, i));
        }
    }
}

// day=2024-01-01/hour=12/part-00003-<uuid>.c000.snappy.parquet, then encoded as a URI [1.3].
static const char *choose_path(const Stage *stage, const char **values, size_t number)
{
    Buffer path = {0};
    Buffer uri = {0};
    char id[37];
    for (size_t i = 0; i < stage->partition.count; i++) {
        delta_path_hive_escape(stage->partition.columns[i].name, &path);
        buffer_append_char(&path, '=');
        delta_path_hive_escape(values[i], &path);
        buffer_append_char(&path, '/');
    }
    random_uuid(id);
    buffer_printf(&path, "part-%05zu-%s.c000.snappy.parquet", number, id);
    delta_path_encode(buffer_slice(&path), &uri);
    const char *text = arena_text(stage->arena, buffer_slice(&uri));
    buffer_done(&path);
    buffer_done(&uri);
    return text;
}

typedef struct StatsColumns {
    DuckColumn filename, count, size, stats, keys;
} StatsColumns;

static bool find_columns(const DuckRows *rows, size_t chunk, StatsColumns *columns, Error *err)
{
    const char *const names[] = {"filename", "count", "file_size_bytes", "column_statistics",
                                 "partition_keys"};
    DuckColumn *const into[] = {&columns->filename, &columns->count, &columns->size,
                                &columns->stats, &columns->keys};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int index = schema_find(duck_rows_schema(rows), slice_of(names[i]));
        if (index < 0) {
            return fail(err, ERROR_FAILED, "DuckDB's COPY does not return '%s'", names[i]);
        }
        *into[i] = duck_rows_column(rows, chunk, (size_t)index);
    }
    return true;
}

static bool add_file(Stage *stage, const StatsColumns *columns, uint64_t row, Error *err)
{
    DeltaStaged *staged = stage->staged;
    int64_t count = duck_int(&columns->count, row);
    if (count == 0) {
        return true; // an empty file is never committed
    }
    Slice path = duck_text(&columns->filename, row);
    DeltaFileStats stats = {count, columns->stats, row, false};
    const char *infinite = delta_stats_find_infinite(&stats, &stage->data);
    if (infinite != NULL) {
        return fail(err, ERROR_INPUT, "column '%s' holds 'infinity', which Delta cannot store",
                    infinite);
    }
    if (stage->has_float && count > CHUNK_ROWS && !find_nan(stage, path, &stats.skip_floats, err)) {
        return false;
    }
    const char **values = ARENA_ARRAY(stage->arena, const char *, stage->partition.count + 1);
    read_partition(stage, &columns->keys, row, values);
    Buffer text = {0};
    delta_stats_print(&stats, &stage->data, &text);
    DeltaFile file = {
        .path = choose_path(stage, values, staged->files.count),
        .partition_values = values,
        .size_bytes = duck_int(&columns->size, row),
        .data_change = true,
        .stats = arena_text(stage->arena, buffer_slice(&text)),
        .version = -1,
    };
    buffer_done(&text);
    size_t root = strlen(stage->table->root) + 1;
    const char *source = arena_text(stage->arena, (Slice){path.data + root, path.size - root});
    size_t capacity = staged->files.capacity;
    size_t at = staged->files.count;
    // Both arrays grow alike.
    ARENA_PUSH(stage->arena, staged->sources, at, capacity, source);
    ARENA_PUSH(stage->arena, staged->files.items, staged->files.count, staged->files.capacity,
               file);
    staged->rows += count;
    staged->size_bytes += file.size_bytes;
    return true;
}

static bool collect(Stage *stage, const DuckRows *rows, Error *err)
{
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        StatsColumns columns;
        if (!find_columns(rows, chunk, &columns, err)) {
            return false;
        }
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            if (!add_file(stage, &columns, row, err)) {
                return false;
            }
        }
    }
    return true;
}

bool delta_stage(DeltaTable *table, DuckConn *conn, const DeltaSpec *spec, const char *select_sql,
                 DeltaStaged *staged, Arena *arena, Error *err)
{
    DeltaStaged made = {0};
    Stage stage = {.table = table, .conn = conn, .arena = arena, .staged = &made};
    Schema query = {0};
    DuckProblem problem;
    bool exists;
    if (table->snapshot == NULL && !delta_refresh(table, conn, &exists, err)) {
        return false;
    }
    if (!choose_schema(&stage, spec, err)) {
        return false;
    }
    split_schema(&stage);
    made.schema_hash = hash_schema(&stage);
    if (!duck_describe(conn, select_sql, &query, arena, &problem, err) ||
        !check_columns(&stage, &query, err) || !delta_stage_begin(table, stage.name, err)) {
        return false;
    }
    Buffer sql = {0};
    DuckRows *rows = NULL;
    append_copy(&stage, select_sql, &sql);
    bool ok = duck_query(conn, buffer_text(&sql), &rows, err) && collect(&stage, rows, err);
    duck_rows_destroy(rows);
    buffer_done(&sql);
    if (!ok || made.rows == 0) {
        delta_stage_discard(table, stage.name);
    }
    if (!ok) {
        return false;
    }
    *staged = made;
    return true;
}
