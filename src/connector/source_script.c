// Offset: {"from":a,"rows":b}: rows [a, b) of all that was pushed.
// SPDX-License-Identifier: Apache-2.0
#include "connector/source_script.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "connector/offset.h"
#include "connector/registry.h"
#include "duck/decode.h"

typedef struct ScriptRow {
    size_t start;   // in the feed's text
    size_t end;     // after its line feed
    bool ends_push; // a batch does not go past it
} ScriptRow;

struct ScriptFeed {
    Buffer text;
    ScriptRow *rows;
    size_t count;
    size_t capacity;
};

typedef struct SourceScriptConfig {
    ScriptFeed *feed;
    const Schema *schema;
} SourceScriptConfig;

typedef struct ScriptState {
    int64_t current; // rows planned
    int64_t former;  // before the last plan
    bool is_fixed;
    int64_t fixed_rows;
    Buffer offset;
    Buffer rows; // of the batch: the feed may grow meanwhile
    DecodeInput input;
    DecodeTable *table;
    char *table_name;
} ScriptState;

void *source_script_config(Arena *arena, ScriptFeed *feed, const Schema *schema)
{
    SourceScriptConfig *config = ARENA_NEW(arena, SourceScriptConfig);
    *config = (SourceScriptConfig){feed, schema};
    return config;
}

ScriptFeed *script_feed_create(void)
{
    ScriptFeed *feed = calloc(1, sizeof *feed);
    if (feed == NULL) {
        abort();
    }
    return feed;
}

void script_feed_destroy(ScriptFeed *feed)
{
    if (feed != NULL) {
        buffer_done(&feed->text);
        free(feed->rows);
        free(feed);
    }
}

static void add_row(ScriptFeed *feed, Slice line)
{
    if (feed->count == feed->capacity) {
        feed->capacity = feed->capacity == 0 ? 16 : feed->capacity * 2;
        feed->rows = realloc(feed->rows, feed->capacity * sizeof *feed->rows);
        if (feed->rows == NULL) {
            abort();
        }
    }
    size_t start = feed->text.size;
    buffer_append(&feed->text, line);
    buffer_append_char(&feed->text, '\n');
    feed->rows[feed->count++] = (ScriptRow){start, feed->text.size, false};
}

void script_feed_push(ScriptFeed *feed, Slice csv)
{
    size_t before = feed->count;
    while (csv.size > 0) {
        const char *line_end = memchr(csv.data, '\n', csv.size);
        size_t size = line_end == NULL ? csv.size : (size_t)(line_end - csv.data);
        if (size > 0) {
            add_row(feed, (Slice){csv.data, size});
        }
        size_t taken = line_end == NULL ? size : size + 1;
        csv = (Slice){csv.data + taken, csv.size - taken};
    }
    if (feed->count > before) {
        feed->rows[feed->count - 1].ends_push = true;
    }
}

int64_t script_feed_rows(const ScriptFeed *feed)
{
    return (int64_t)feed->count;
}

static bool script_open(Source *source, Error *err)
{
    const SourceScriptConfig *config = source->config;
    ScriptState *state = source->state;
    Arena *arena = source->context.arena;
    if (config->feed == NULL || config->schema == NULL) {
        return fail(err, ERROR_INPUT, "script() is only for .test files, which push its rows");
    }
    source->schema = schema_copy(arena, config->schema);
    state->table_name = arena_printf(arena, "script_%s", source->context.unique);
    // No column is special here: a test writes all of them, a corrupt record's text too.
    DecodeOptions options = {
        .format = DECODE_CSV, .mode = DECODE_FAILFAST, .corrupt_column = ""};
    return decode_table_create(source->context.conn, state->table_name, &source->schema, &options,
                               &state->table, err);
}

static bool read_offset(Slice offset, int64_t *from, int64_t *rows, Error *err)
{
    json_t *object = offset_parse(offset, err);
    if (object == NULL) {
        return false;
    }
    bool good = offset_int(object, "from", from, err) && offset_int(object, "rows", rows, err);
    json_decref(object);
    return good;
}

static bool script_seek(Source *source, Slice offset, Error *err)
{
    ScriptState *state = source->state;
    int64_t from;
    return offset.size == 0 || read_offset(offset, &from, &state->current, err);
}

static bool script_plan(Source *source, const SourceLimit *limit, Slice *end, bool *has_rows,
                        Error *err)
{
    (void)err;
    const SourceScriptConfig *config = source->config;
    ScriptState *state = source->state;
    int64_t available =
        limit->to_end && state->is_fixed ? state->fixed_rows : script_feed_rows(config->feed);
    int64_t from = state->current;
    int64_t to = from;
    while (to < available && (limit->max_rows <= 0 || to - from < limit->max_rows)) {
        if (config->feed->rows[to++].ends_push) {
            break;
        }
    }
    if (to == from) {
        return true;
    }
    state->former = from;
    state->current = to;
    buffer_reset(&state->offset);
    buffer_printf(&state->offset, "{\"from\":%" PRId64 ",\"rows\":%" PRId64 "}", from, to);
    *end = buffer_slice(&state->offset);
    *has_rows = true;
    return true;
}

static bool script_fix_end(Source *source, Error *err)
{
    (void)err;
    const SourceScriptConfig *config = source->config;
    ScriptState *state = source->state;
    state->is_fixed = true;
    state->fixed_rows = script_feed_rows(config->feed);
    return true;
}

static void write_rows(Source *source, int64_t from, int64_t to, Buffer *sql)
{
    const SourceScriptConfig *config = source->config;
    ScriptState *state = source->state;
    buffer_reset(&state->rows);
    for (int64_t i = from; i < to; i++) {
        const ScriptRow *row = &config->feed->rows[i];
        buffer_append_bytes(&state->rows, config->feed->text.data + row->start,
                            row->end - row->start);
    }
    state->input = (DecodeInput){.memory = buffer_slice(&state->rows)};
    decode_table_set(state->table, &state->input, 1);
    duck_quote_name(sql, slice_of(state->table_name));
    buffer_append_text(sql, "()");
}

static bool script_relation(Source *source, Slice start, Slice end, Buffer *sql, Error *err)
{
    (void)start; // `end` says all
    const SourceScriptConfig *config = source->config;
    int64_t from;
    int64_t to;
    if (!read_offset(end, &from, &to, err)) {
        return false;
    }
    if (from < 0 || to < from || to > script_feed_rows(config->feed)) {
        return fail(err, ERROR_CORRUPT, "the checkpoint asks for rows that were never pushed");
    }
    write_rows(source, from, to, sql);
    return true;
}

static bool script_whole(Source *source, Buffer *sql, Error *err)
{
    (void)err;
    const SourceScriptConfig *config = source->config;
    write_rows(source, 0, script_feed_rows(config->feed), sql);
    return true;
}

static void script_abandon(Source *source)
{
    ScriptState *state = source->state;
    state->current = state->former;
}

static void script_metrics(Source *source, SourceMetrics *metrics)
{
    const SourceScriptConfig *config = source->config;
    const ScriptState *state = source->state;
    metrics->rows = decode_table_counts(state->table).rows;
    metrics->backlog_rows = script_feed_rows(config->feed) - state->current;
}

static void script_close(Source *source)
{
    ScriptState *state = source->state;
    decode_table_destroy(state->table);
    state->table = NULL;
    buffer_done(&state->offset);
    buffer_done(&state->rows);
}

const SourceType source_script = {
    .name = "script",
    .help = "rows pushed by a .test file",
    .flags = SOURCE_BATCH,
    .config_size = sizeof(SourceScriptConfig),
    .state_size = sizeof(ScriptState),
    .open = script_open,
    .seek = script_seek,
    .plan = script_plan,
    .fix_end = script_fix_end,
    .relation = script_relation,
    .whole = script_whole,
    .abandon = script_abandon,
    .metrics = script_metrics,
    .close = script_close,
};
