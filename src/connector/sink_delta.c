// Delta tables as sinks: rows and marker in one commit.
//
// The marker is two txn actions: "tarn/<flow>/<checkpoint id>" holds the batch, and the same with
// "/mark" holds (epoch << 32 | crc). delta_commit treats a concurrent writer of either as a
// conflict, which makes the pair a compare-and-set: an older process that wakes up late loses.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "connector/registry.h"
#include "lake/delta.h"

typedef struct DeltaSinkState {
    DeltaTable *table;
    DeltaSpec spec;
    Arena *staging; // one batch's staged files
    DeltaStaged staged;
    bool has_staged;
    bool is_replaced;    // --full-refresh has replaced the content
    SinkMarker expected; // what the table holds of this checkpoint
    bool is_uncertain;   // a commit failed: its files may be the table's until the marker is read
    SinkMarker asked;    // by that commit
    char *batch_app;
    char *mark_app;
} DeltaSinkState;

static void fill_spec(Sink *sink)
{
    const SinkContext *context = &sink->context;
    DeltaSinkState *state = sink->state;
    size_t count = context->properties == NULL ? 0 : context->properties->count;
    const char **pairs = ARENA_ARRAY(context->arena, const char *, count * 2 + 1);
    for (size_t i = 0; i < count; i++) {
        pairs[2 * i] = arena_text(context->arena, context->properties->items[i].key);
        pairs[2 * i + 1] = arena_text(context->arena, context->properties->items[i].value);
    }
    state->spec = (DeltaSpec){
        .schema = context->schema,
        .partition_columns = context->partition_columns,
        .partition_count = context->partition_count,
        .properties = pairs,
        .property_count = count,
        .description = context->comment,
    };
}

static bool delta_sink_open(Sink *sink, Error *err)
{
    const SinkContext *context = &sink->context;
    DeltaSinkState *state = sink->state;
    if (context->table_path == NULL) {
        return fail(err, ERROR_INPUT, "a delta sink needs the folder of its table");
    }
    state->staging = arena_create(0);
    state->table = delta_open(context->table_path);
    state->batch_app =
        arena_printf(context->arena, "tarn/%s/%s", context->flow, context->checkpoint_id);
    state->mark_app = arena_printf(context->arena, "%s/mark", state->batch_app);
    fill_spec(sink);
    return true;
}

static bool same_marker(const SinkMarker *a, const SinkMarker *b)
{
    return a->found == b->found && a->batch == b->batch && a->epoch == b->epoch && a->crc == b->crc;
}

// What the newest loaded snapshot says of this checkpoint.
static bool read_marker(const DeltaSinkState *state, SinkMarker *marker, Error *err)
{
    const DeltaSnapshot *snapshot = delta_snapshot(state->table);
    SinkMarker read = {0};
    int64_t mark = 0;
    if (snapshot == NULL || !delta_txn(snapshot, state->batch_app, &read.batch)) {
        *marker = read;
        return true;
    }
    if (!delta_txn(snapshot, state->mark_app, &mark)) {
        return fail(err, ERROR_CORRUPT, "'%s' holds half of this flow's marker: '%s' without '%s'",
                    delta_path(state->table), state->batch_app, state->mark_app);
    }
    read.found = true;
    read.epoch = (int64_t)((uint64_t)mark >> 32);
    read.crc = (uint32_t)mark;
    *marker = read;
    return true;
}

// A new checkpoint on a table that this flow has filled already would repeat its rows.
static bool check_new_checkpoint(const Sink *sink, Error *err)
{
    const DeltaSinkState *state = sink->state;
    const DeltaSnapshot *snapshot = delta_snapshot(state->table);
    const char *prefix = arena_printf(sink->context.arena, "tarn/%s/", sink->context.flow);
    if (snapshot == NULL || state->expected.found || sink->context.replace_first ||
        delta_txn_like(snapshot, prefix) == NULL) {
        return true;
    }
    return fail(
        err, ERROR_INPUT,
        "'%s' was filled by this flow from another checkpoint, which is gone: going on would "
        "repeat its rows; to start anew run with --full-refresh %s",
        delta_path(state->table), sink->context.dataset);
}

static bool delta_sink_marker(Sink *sink, int64_t epoch, SinkMarker *marker, Error *err)
{
    DeltaSinkState *state = sink->state;
    bool exists = false;
    if (!delta_refresh(state->table, sink->context.conn, &exists, err) ||
        !read_marker(state, &state->expected, err) || !check_new_checkpoint(sink, err)) {
        return false;
    }
    if (state->expected.found && state->expected.epoch > epoch) {
        return fail(err, ERROR_CONFLICT,
                    "'%s' was written by a later run of this flow (epoch %" PRId64 ", this one has "
                    "%" PRId64 "): another tarn runs it, or the checkpoint is an old copy",
                    delta_path(state->table), state->expected.epoch, epoch);
    }
    if (state->expected.found) {
        state->is_replaced = true; // the refresh's first commit made this marker
    }
    delta_clean_staged(state->table);
    if (state->is_uncertain && same_marker(&state->expected, &state->asked)) {
        state->has_staged = false; // the commit went through after all
    }
    state->is_uncertain = false;
    *marker = state->expected;
    return true;
}

static void drop_staged(DeltaSinkState *state)
{
    if (state->has_staged && !state->is_uncertain) {
        delta_unstage(state->table, &state->staged);
    }
    state->has_staged = false;
    state->staged = (DeltaStaged){0};
    arena_reset(state->staging);
}

static bool delta_sink_stage(Sink *sink, int64_t batch, const char *select_sql, int64_t *row_count,
                             Error *err)
{
    (void)batch;
    DeltaSinkState *state = sink->state;
    drop_staged(state);
    state->spec.overwrite_schema = sink->context.replace_first && !state->is_replaced;
    if (!delta_stage(state->table, sink->context.conn, &state->spec, select_sql, &state->staged,
                     state->staging, err)) {
        return false;
    }
    state->has_staged = true;
    *row_count = state->staged.rows;
    return true;
}

// The table must hold what this sink last wrote or read; anything else came from another writer.
static bool check_expected(const DeltaSinkState *state, Error *err)
{
    SinkMarker now;
    if (!read_marker(state, &now, err)) {
        return false;
    }
    if (!same_marker(&now, &state->expected)) {
        return fail(err, ERROR_CONFLICT, "another run of this flow has written to '%s'",
                    delta_path(state->table));
    }
    return true;
}

static bool delta_sink_commit(Sink *sink, const SinkMarker *marker, Error *err)
{
    const SinkContext *context = &sink->context;
    DeltaSinkState *state = sink->state;
    if (!check_expected(state, err)) {
        return false;
    }
    bool is_complete = context->mode == OUTPUT_COMPLETE;
    bool replaces = is_complete || (context->replace_first && !state->is_replaced);
    DeltaTxn txns[] = {
        {state->batch_app, marker->batch},
        {state->mark_app, (int64_t)((uint64_t)marker->epoch << 32 | marker->crc)},
    };
    Buffer parameters = {0};
    // Values of Delta's operationParameters are themselves JSON texts, as Spark writes them.
    buffer_printf(&parameters,
                  "{\"outputMode\":\"%s\",\"queryId\":\"%s\",\"epochId\":\"%" PRId64 "\"}",
                  is_complete ? "Complete" : "Append", context->checkpoint_id, marker->batch);
    DeltaCommit commit = {
        .mode = replaces ? DELTA_OVERWRITE : DELTA_APPEND,
        .spec = &state->spec,
        .staged = state->has_staged ? &state->staged : NULL,
        .operation = "STREAMING UPDATE",
        .parameters = buffer_text(&parameters),
        .txns = txns,
        .txn_count = ARRAY_LEN(txns),
        .now = clock_now(context->clock),
    };
    int64_t version;
    state->asked = *marker;
    state->asked.found = true;
    state->is_uncertain = true;
    bool good = delta_commit(state->table, context->conn, &commit, &version, err);
    buffer_done(&parameters);
    if (!good) {
        return false;
    }
    state->expected = state->asked;
    state->is_uncertain = false;
    state->is_replaced = true;
    state->has_staged = false; // they are the table's now
    state->staged = (DeltaStaged){0};
    arena_reset(state->staging);
    return true;
}

static void delta_sink_abort(Sink *sink)
{
    drop_staged(sink->state);
}

// Staged files stay: a test's crash unwinds through here and must touch nothing. The next open's
// delta_clean_staged removes them.
static void delta_sink_close(Sink *sink)
{
    DeltaSinkState *state = sink->state;
    delta_close(state->table);
    arena_destroy(state->staging);
}

const SinkType sink_delta = {
    .name = "delta",
    .help = "a Delta table; rows and marker are one commit (exactly once)",
    .flags = SINK_APPEND | SINK_COMPLETE,
    .state_size = sizeof(DeltaSinkState),
    .open = delta_sink_open,
    .marker = delta_sink_marker,
    .stage = delta_sink_stage,
    .commit = delta_sink_commit,
    .abort = delta_sink_abort,
    .close = delta_sink_close,
};
