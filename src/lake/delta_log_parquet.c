// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_log_parquet.h"

typedef struct Parquet {
    DuckConn *conn;
    Buffer relation; // read_parquet([...], ...)
    Schema schema;
    DeltaActions *actions;
    Arena *arena;
} Parquet;

static void append_relation(Parquet *parquet, Store *store, const DeltaNames *names)
{
    Buffer path = {0};
    buffer_append_text(&parquet->relation, "read_parquet([");
    for (size_t i = 0; i < names->count; i++) {
        buffer_reset(&path);
        buffer_printf(&path, "%s/%s", store_root(store), names->items[i]);
        buffer_append_text(&parquet->relation, i == 0 ? "" : ",");
        duck_quote_path(&parquet->relation, buffer_slice(&path));
    }
    buffer_append_text(&parquet->relation, "], hive_partitioning=false, union_by_name=true)");
    buffer_done(&path);
}

static const Type *struct_of(const Parquet *parquet, const char *column)
{
    int index = schema_find(&parquet->schema, slice_of(column));
    const Type *type = index < 0 ? NULL : parquet->schema.columns[index].type;
    return type != NULL && type->kind == TYPE_STRUCT ? type : NULL;
}

static bool has_field(const Type *type, const char *field)
{
    return type != NULL && schema_find(&type->fields, slice_of(field)) >= 0;
}

// ", column.field" or a typed NULL where the files lack it.
static void append_field(Buffer *sql, const Type *type, const char *column, const char *field,
                         const char *duck_type)
{
    if (has_field(type, field)) {
        buffer_printf(sql, ", \"%s\".\"%s\"::%s", column, field, duck_type);
    } else {
        buffer_printf(sql, ", NULL::%s", duck_type);
    }
}

static void append_json_field(Buffer *sql, const Type *type, const char *column, const char *field,
                              const char *leaf)
{
    if (has_field(type, field)) {
        // A leaf that must exist decides about NULL: foreign writers may emit structs of NULLs.
        buffer_printf(sql,
                      ", CASE WHEN \"%s\".\"%s\"%s IS NOT NULL THEN "
                      "to_json(\"%s\".\"%s\")::VARCHAR END",
                      column, field, leaf, column, field);
    } else {
        buffer_append_text(sql, ", NULL::VARCHAR");
    }
}

// stats as text; from stats_parsed only the counts when there is no text, because the bounds would
// have to be printed per type and leaving them out is always allowed [1.13].
static void append_stats(Buffer *sql, const Type *add)
{
    const char *text = has_field(add, "stats") ? "\"add\".\"stats\"::VARCHAR" : "NULL::VARCHAR";
    int index = add == NULL ? -1 : schema_find(&add->fields, slice_of("stats_parsed"));
    const Type *parsed = index < 0 ? NULL : add->fields.columns[index].type;
    if (parsed == NULL || parsed->kind != TYPE_STRUCT || !has_field(parsed, "numRecords")) {
        buffer_printf(sql, ", %s", text);
        return;
    }
    buffer_printf(sql,
                  ", coalesce(%s, CASE WHEN \"add\".stats_parsed.numRecords IS NOT NULL THEN "
                  "to_json(struct_pack(\"numRecords\" := \"add\".stats_parsed.numRecords",
                  text);
    if (has_field(parsed, "tightBounds")) {
        buffer_append_text(sql, ", \"tightBounds\" := "
                                "coalesce(\"add\".stats_parsed.tightBounds, true)");
    }
    buffer_append_text(sql, "))::VARCHAR END)");
}

static const char *text_at(const DuckColumn *column, uint64_t row, Arena *arena)
{
    return duck_is_null(column, row) ? NULL : arena_text(arena, duck_text(column, row));
}

static int64_t int_at(const DuckColumn *column, uint64_t row, int64_t missing)
{
    return duck_is_null(column, row) ? missing : duck_int(column, row);
}

static void read_map(const DuckColumn *column, uint64_t row, DeltaPairs *pairs, Arena *arena)
{
    uint64_t offset = 0;
    uint64_t length = 0;
    if (duck_is_null(column, row)) {
        return;
    }
    duck_list(column, row, &offset, &length);
    DuckColumn keys = duck_child(column, 0);
    DuckColumn values = duck_child(column, 1);
    pairs->items = ARENA_ARRAY(arena, DeltaPair, length + 1);
    pairs->capacity = length + 1;
    for (uint64_t i = offset; i < offset + length; i++) {
        pairs->items[pairs->count++] =
            (DeltaPair){text_at(&keys, i, arena), text_at(&values, i, arena)};
    }
}

enum { FIELD_COUNT = 11 };

static bool read_row(const DuckColumn *columns, uint64_t row, bool is_add, DeltaFileAction *file,
                     Arena *arena, Error *err)
{
    *file = (DeltaFileAction){0};
    file->path = text_at(&columns[0], row, arena);
    file->has_partition = is_add || !duck_is_null(&columns[1], row);
    read_map(&columns[1], row, &file->partition, arena);
    file->size_bytes = int_at(&columns[2], row, -1);
    file->time_ms = int_at(&columns[3], row, 0);
    file->base_row_id = int_at(&columns[4], row, -1);
    file->default_row_commit_version = int_at(&columns[5], row, -1);
    file->deletion_vector = text_at(&columns[6], row, arena);
    file->clustering_provider = text_at(&columns[7], row, arena);
    file->tags = text_at(&columns[8], row, arena);
    file->stats = text_at(&columns[9], row, arena);
    file->data_change = is_add || int_at(&columns[10], row, 1) != 0;
    file->version = -1;
    return delta_action_vector_id(file->deletion_vector, &file->vector_id, arena, err);
}

static bool read_files(Parquet *parquet, const char *kind, Error *err)
{
    bool is_add = strcmp(kind, "add") == 0;
    const Type *type = struct_of(parquet, kind);
    if (!has_field(type, "path")) {
        return true;
    }
    Buffer sql = {0};
    DuckRows *rows = NULL;
    buffer_printf(&sql, "SELECT \"%s\".path::VARCHAR", kind);
    append_field(&sql, type, kind, "partitionValues", "MAP(VARCHAR, VARCHAR)");
    append_field(&sql, type, kind, "size", "BIGINT");
    append_field(&sql, type, kind, is_add ? "modificationTime" : "deletionTimestamp", "BIGINT");
    append_field(&sql, type, kind, "baseRowId", "BIGINT");
    append_field(&sql, type, kind, "defaultRowCommitVersion", "BIGINT");
    append_json_field(&sql, type, kind, "deletionVector", ".\"storageType\"");
    append_field(&sql, type, kind, "clusteringProvider", "VARCHAR");
    append_json_field(&sql, type, kind, "tags", "");
    if (is_add) {
        append_stats(&sql, type);
    } else {
        buffer_append_text(&sql, ", NULL::VARCHAR");
    }
    append_field(&sql, type, kind, "dataChange", "BOOLEAN");
    buffer_printf(&sql, " FROM %s WHERE \"%s\".path IS NOT NULL", buffer_text(&parquet->relation),
                  kind);
    bool ok = duck_query(parquet->conn, buffer_text(&sql), &rows, err);
    DeltaFileActions *list = is_add ? &parquet->actions->adds : &parquet->actions->removes;
    for (size_t chunk = 0; ok && chunk < duck_rows_chunk_count(rows); chunk++) {
        DuckColumn columns[FIELD_COUNT];
        for (size_t i = 0; i < FIELD_COUNT; i++) {
            columns[i] = duck_rows_column(rows, chunk, i);
        }
        for (uint64_t row = 0; ok && row < duck_rows_chunk_size(rows, chunk); row++) {
            DeltaFileAction file;
            ok = read_row(columns, row, is_add, &file, parquet->arena, err);
            if (ok) {
                ARENA_PUSH(parquet->arena, list->items, list->count, list->capacity, file);
            }
        }
    }
    duck_rows_destroy(rows);
    buffer_done(&sql);
    return ok;
}

// {column, a field that is never NULL in a row of that kind}
static const char *const small_kinds[][2] = {
    {"protocol", "minReaderVersion"}, {"metaData", "id"},  {"txn", "appId"},
    {"domainMetadata", "domain"},     {"sidecar", "path"},
};

static bool read_small(Parquet *parquet, const char *name, Error *err)
{
    Buffer sql = {0};
    Buffer text = {0};
    DuckRows *rows = NULL;
    bool any = false;
    bool ok = true;
    buffer_append_text(&sql, "SELECT line FROM (SELECT CASE");
    for (size_t i = 0; i < ARRAY_LEN(small_kinds); i++) {
        const char *kind = small_kinds[i][0];
        if (has_field(struct_of(parquet, kind), small_kinds[i][1])) {
            any = true;
            buffer_printf(&sql,
                          " WHEN \"%s\".\"%s\" IS NOT NULL THEN '{\"%s\":' || "
                          "to_json(\"%s\")::VARCHAR || '}'",
                          kind, small_kinds[i][1], kind, kind);
        }
    }
    buffer_printf(&sql, " END AS line FROM %s) WHERE line IS NOT NULL",
                  buffer_text(&parquet->relation));
    if (any) {
        ok = duck_query(parquet->conn, buffer_text(&sql), &rows, err);
    }
    for (size_t chunk = 0; ok && any && chunk < duck_rows_chunk_count(rows); chunk++) {
        DuckColumn line = duck_rows_column(rows, chunk, 0);
        for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
            buffer_append(&text, duck_text(&line, row));
            buffer_append_char(&text, '\n');
        }
    }
    ok = ok && delta_action_parse(buffer_slice(&text), name, parquet->actions, parquet->arena, err);
    duck_rows_destroy(rows);
    buffer_done(&text);
    buffer_done(&sql);
    return ok;
}

bool delta_log_read_parquet(Store *store, DuckConn *conn, const DeltaNames *names,
                            DeltaActions *actions, Arena *arena, Error *err)
{
    Parquet parquet = {.conn = conn, .actions = actions, .arena = arena};
    Buffer sql = {0};
    DuckProblem problem;
    append_relation(&parquet, store, names);
    buffer_printf(&sql, "SELECT * FROM %s", buffer_text(&parquet.relation));
    bool ok = duck_describe(conn, buffer_text(&sql), &parquet.schema, arena, &problem, err) &&
              read_small(&parquet, names->items[0], err) && read_files(&parquet, "add", err) &&
              read_files(&parquet, "remove", err);
    buffer_done(&parquet.relation);
    buffer_done(&sql);
    if (!ok && err->kind != ERROR_RETRY) {
        // Whatever DuckDB says about the file (footer, encoding, missing): the log is damaged.
        err->kind = ERROR_CORRUPT;
        return fail_context(err, "checkpoint %s", names->items[0]);
    }
    return ok;
}
