// Rows in a DuckDB table, for tests and looking around; gone when the process ends.
//
// Append adds a batch's rows, complete replaces everything, and update, as in Spark's memory sink,
// adds the changed rows -- or, with the option `keys`, replaces the rows with the same keys.
// SPDX-License-Identifier: Apache-2.0
#include "connector/sink_memory.h"

#include "connector/registry.h"

typedef struct MemoryConfig {
    const char *keys;
} MemoryConfig;

typedef struct MemoryState {
    const char *table; // quoted names
    const char *stage;
    bool has_stage;
    bool is_replaced;
    Slice *keys;
    size_t key_count;
    size_t key_capacity;
} MemoryState;

static const char *quoted(Arena *arena, const char *what, const char *dataset)
{
    Buffer name = {0};
    Buffer text = {0};
    buffer_printf(&name, "memory %s %s", what, dataset);
    duck_quote_name(&text, buffer_slice(&name));
    const char *copy = arena_text(arena, buffer_slice(&text));
    buffer_done(&name);
    buffer_done(&text);
    return copy;
}

const char *sink_memory_relation(Arena *arena, const char *dataset)
{
    return quoted(arena, "sink", dataset);
}

static bool split_keys(Sink *sink, Error *err)
{
    const MemoryConfig *config = sink->config;
    MemoryState *state = sink->state;
    const char *rest = config->keys;
    while (rest != NULL && *rest != '\0') {
        rest += strspn(rest, " ,");
        size_t size = strcspn(rest, ",");
        Slice key = {rest, size};
        while (key.size > 0 && key.data[key.size - 1] == ' ') {
            key.size--;
        }
        rest += size;
        if (key.size == 0) {
            continue;
        }
        if (schema_find(sink->context.schema, key) < 0) {
            return fail(err, ERROR_INPUT, "option 'keys' names '%.*s', which is no column",
                        SLICE_ARG(key));
        }
        ARENA_PUSH(sink->context.arena, state->keys, state->key_count, state->key_capacity, key);
    }
    return true;
}

static bool memory_open(Sink *sink, Error *err)
{
    MemoryState *state = sink->state;
    const Schema *schema = sink->context.schema;
    if (!split_keys(sink, err)) {
        return false;
    }
    state->table = sink_memory_relation(sink->context.arena, sink->context.dataset);
    state->stage = quoted(sink->context.arena, "stage", sink->context.dataset);
    Buffer sql = {0};
    buffer_printf(&sql, "CREATE TABLE IF NOT EXISTS %s (", state->table);
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(&sql, i == 0 ? "" : ", ");
        duck_quote_name(&sql, slice_of(schema->columns[i].name));
        buffer_append_char(&sql, ' ');
        type_print_duck(schema->columns[i].type, &sql);
    }
    buffer_append_char(&sql, ')');
    bool good = duck_run(sink->context.conn, buffer_text(&sql), err);
    buffer_done(&sql);
    return good;
}

static bool memory_marker(Sink *sink, int64_t epoch, SinkMarker *marker, Error *err)
{
    (void)sink;
    (void)epoch;
    (void)marker; // none: memory does not outlive the process
    (void)err;
    return true;
}

static void memory_abort(Sink *sink)
{
    MemoryState *state = sink->state;
    if (!state->has_stage) {
        return;
    }
    Buffer sql = {0};
    Error ignored = {0};
    buffer_printf(&sql, "DROP TABLE IF EXISTS %s", state->stage);
    (void)!duck_run(sink->context.conn, buffer_text(&sql), &ignored); // replaced by the next stage
    state->has_stage = false;
    buffer_done(&sql);
}

static bool memory_stage(Sink *sink, int64_t batch, const char *select_sql, int64_t *row_count,
                         Error *err)
{
    (void)batch;
    MemoryState *state = sink->state;
    DuckRows *rows = NULL;
    Buffer sql = {0};
    buffer_printf(&sql, "CREATE OR REPLACE TABLE %s AS %s", state->stage, select_sql);
    bool good = duck_run(sink->context.conn, buffer_text(&sql), err);
    state->has_stage = good;
    buffer_reset(&sql);
    buffer_printf(&sql, "SELECT count(*) FROM %s", state->stage);
    good = good && duck_query(sink->context.conn, buffer_text(&sql), &rows, err);
    if (good) {
        bool is_null;
        *row_count = duck_rows_int(rows, 0, &is_null);
    }
    duck_rows_destroy(rows);
    buffer_done(&sql);
    return good;
}

static void write_merge(const Sink *sink, Buffer *sql)
{
    const MemoryState *state = sink->state;
    const Schema *schema = sink->context.schema;
    buffer_printf(sql, "MERGE INTO %s AS t USING %s AS s ON (", state->table, state->stage);
    for (size_t i = 0; i < state->key_count; i++) {
        buffer_append_text(sql, i == 0 ? "t." : " AND t.");
        duck_quote_name(sql, state->keys[i]);
        buffer_append_text(sql, " IS NOT DISTINCT FROM s.");
        duck_quote_name(sql, state->keys[i]);
    }
    buffer_append_text(sql, ") WHEN MATCHED THEN UPDATE SET ");
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(sql, i == 0 ? "" : ", ");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
        buffer_append_text(sql, " = s.");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
    }
    buffer_append_text(sql, " WHEN NOT MATCHED THEN INSERT (");
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(sql, i == 0 ? "" : ", ");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
    }
    buffer_append_text(sql, ") VALUES (");
    for (size_t i = 0; i < schema->count; i++) {
        buffer_append_text(sql, i == 0 ? "s." : ", s.");
        duck_quote_name(sql, slice_of(schema->columns[i].name));
    }
    buffer_append_char(sql, ')');
}

// One statement, so that a reader sees the rows before or after it.
static bool memory_commit(Sink *sink, const SinkMarker *marker, Error *err)
{
    (void)marker;
    MemoryState *state = sink->state;
    bool replaces = sink->context.mode == OUTPUT_COMPLETE ||
                    (sink->context.replace_first && !state->is_replaced);
    Buffer sql = {0};
    if (replaces) {
        buffer_printf(&sql, "CREATE OR REPLACE TABLE %s AS SELECT * FROM %s", state->table,
                      state->stage);
    } else if (sink->context.mode == OUTPUT_UPDATE && state->key_count > 0) {
        write_merge(sink, &sql);
    } else {
        buffer_printf(&sql, "INSERT INTO %s SELECT * FROM %s", state->table, state->stage);
    }
    bool good = !state->has_stage || duck_run(sink->context.conn, buffer_text(&sql), err);
    buffer_done(&sql);
    if (good) {
        state->is_replaced = true;
        memory_abort(sink);
    }
    return good;
}

static const Option memory_options[] = {
    {"keys", OPTION_TEXT, false, NULL, offsetof(MemoryConfig, keys),
     "update mode: columns, separated by commas, that say which row a new one replaces"},
};

const SinkType sink_memory = {
    .name = "memory",
    .help = "a table in memory, gone when the process ends (at least once)",
    .flags = SINK_NO_MARKER | SINK_APPEND | SINK_UPDATE | SINK_COMPLETE,
    .config_size = sizeof(MemoryConfig),
    .options = memory_options,
    .option_count = ARRAY_LEN(memory_options),
    .state_size = sizeof(MemoryState),
    .open = memory_open,
    .marker = memory_marker,
    .stage = memory_stage,
    .commit = memory_commit,
    .abort = memory_abort,
    .close = memory_abort,
};
