// SPDX-License-Identifier: Apache-2.0
#include "engine/flow.h"

#include <stdio.h>

#include <stdlib.h>

#include "base/fault.h"
#include "engine/flow_side.h"

// ---- plan --------------------------------------------------------------------------------------

static bool plan_sources(Flow *flow, bool *has_rows, Error *err)
{
    SourceLimit limit = {
        .max_bytes = project_bytes(flow->context.catalog->project, "tarn.batch.bytes"),
        .max_rows = flow->context.max_batch_rows,
        .to_end = flow->to_end,
    };
    *has_rows = false;
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        FlowSource *source = &flow->sources[i];
        source->has_rows = false;
        if (!source_plan(source->source, &limit, &source->planned_end, &source->has_rows, err)) {
            if (err->kind == ERROR_INPUT && strstr(err->message, "[PATH_NOT_FOUND]") != NULL) {
                err->kind = ERROR_RETRY; // it was there when the flow opened, and may come back
            }
            return false;
        }
        *has_rows |= source->has_rows;
    }
    return true;
}

static bool set_view(Flow *flow, const char *view, char **current, Buffer *sql, Error *err)
{
    if (*current != NULL && strcmp(*current, buffer_text(sql)) == 0) {
        return true;
    }
    Buffer statement = {0};
    buffer_printf(&statement, "CREATE OR REPLACE TEMP VIEW %s AS SELECT * FROM %s", view,
                  buffer_text(sql));
    bool ok = duck_run(flow->conn, buffer_text(&statement), err);
    buffer_done(&statement);
    free(*current);
    *current = ok ? strdup(buffer_text(sql)) : NULL;
    return ok;
}

static bool point_views(Flow *flow, Error *err)
{
    Buffer sql = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < flow->plan->source_count; i++) {
        FlowSource *source = &flow->sources[i];
        buffer_reset(&sql);
        if (source->has_rows) {
            ok = source_relation(source->source, slice_of(source->offset), source->planned_end,
                                 &sql, err);
        } else {
            relation_print_empty(&flow->plan->sources[i].schema, &sql);
        }
        ok = ok && set_view(flow, source->view, &source->relation, &sql, err);
    }
    for (size_t i = 0; ok && i < flow->statics.count; i++) {
        StaticTable *table = &flow->statics.items[i];
        buffer_reset(&sql);
        RelationReader reader = {&flow->reading, flow->tables, flow->conn};
        ok = relation_read(&reader, table->relation, &sql) ||
             diagnostics_fail(flow->reading.diagnostics, err);
        ok = ok && set_view(flow, table->view, &table->sql, &sql, err);
    }
    buffer_done(&sql);
    return ok;
}

static bool set_variables(Flow *flow, TimeUs now, Error *err)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SET VARIABLE batch_time = make_timestamptz(%lld)", (long long)now);
    return duck_run(flow->conn, sql, err);
}

// ---- run ---------------------------------------------------------------------------------------

static bool run_stages(Flow *flow, int64_t batch, Error *err)
{
    for (size_t i = 0; i < flow->plan->watermark_count; i++) {
        operator_reset_times(&flow->times[i]);
    }
    TimeUs *evict = ARENA_ARRAY(flow->batch_arena, TimeUs, flow->plan->stage_count + 1);
    TimeUs *late = ARENA_ARRAY(flow->batch_arena, TimeUs, flow->plan->stage_count + 1);
    plan_stage_watermarks(flow->plan, flow->watermark, evict);
    plan_stage_watermarks(flow->plan, flow->late, late);
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        if (!operator_run(flow->operators[i], evict[i], late[i], err) ||
            (operator_metrics(flow->operators[i]).rows_late > 0 &&
             !flow_side_take_late(flow, i, batch, late[i], err))) {
            return false;
        }
    }
    return true;
}

static bool keep_state(Flow *flow, Error *err)
{
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        if (!operator_evict(flow->operators[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        if (flow->sources[i].has_rows && !source_record(flow->sources[i].source, err)) {
            return false;
        }
    }
    return true;
}

static void undo_batch(Flow *flow)
{
    state_rollback(flow->state);
    flow_side_undo(flow);
    sink_abort(flow->sink);
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        source_abandon(flow->sources[i].source);
    }
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        operator_finish(flow->operators[i]);
    }
}

// ---- commit ------------------------------------------------------------------------------------

static void confirm(Flow *flow, int64_t batch, bool given, const FlowMeta *meta,
                    const TimeUs *watermarks)
{
    flow->batch = batch;
    flow->given = given ? batch : flow->given;
    flow->late = flow->watermark;
    flow->watermark = meta->next;
    flow_watermark_confirm(flow);
    memcpy(flow->watermarks, watermarks, flow->plan->watermark_count * sizeof *watermarks);
    state_confirm(flow->state);
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        FlowSource *source = &flow->sources[i];
        if (source->has_rows) {
            free(source->former);
            source->former = source->offset;
            source->offset = strndup(source->planned_end.data, source->planned_end.size);
            source_confirmed(source->source, slice_of(source->offset));
        }
    }
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        operator_finish(flow->operators[i]);
    }
}

// After a commit that failed or whose outcome is unknown: only the marker decides (F3).
static bool resolve_commit(Flow *flow, bool *committed, Error *err)
{
    SinkMarker marker = {0};
    if (flow->sink->type->flags & SINK_NO_MARKER) {
        *committed = false;
    } else if (!sink_marker(flow->sink, state_epoch(flow->state), &marker, err)) {
        return false;
    } else {
        *committed =
            marker.found && marker.batch == flow->asked.batch && marker.crc == flow->asked.crc;
    }
    if (!*committed && !state_discard_last(flow->state, err)) {
        return false; // still unresolved: the record of a batch that did not happen is there
    }
    flow->unresolved = false;
    return true;
}

static bool commit_sink(Flow *flow, const SinkMarker *marker, Error *err)
{
    if (sink_commit(flow->sink, marker, err)) {
        flow_write_note(flow, marker);
        return true;
    }
    if (err->kind == ERROR_CRASH) {
        return false;
    }
    flow->unresolved = true;
    flow->asked = *marker;
    Error asking;
    bool committed = false;
    if (!resolve_commit(flow, &committed, &asking)) {
        return false; // err says why the commit failed; flow_step asks again
    }
    return committed;
}

// Steps 3 to 5 of DESIGN 5: record, then sink, then sides.
static bool commit_batch(Flow *flow, int64_t batch, FlowMeta *meta, BatchTimes *times, Error *err)
{
    bool always = (flow->sink->type->flags & SINK_NO_MARKER) || flow->plan->mode == OUTPUT_COMPLETE;
    // The first batch of a refresh empties the target, also when it has no rows for it.
    bool replaces = batch == 0 && flow->sink->context.replace_first;
    bool given = meta->sink_rows > 0 || always || replaces;
    meta->given_before = flow->given;
    meta->given = given ? batch : flow->given;
    meta->input_rows = flow_input_rows(flow);
    meta->state_rows = flow_state_rows(flow);
    meta->state_bytes = state_memory_bytes(flow->state);
    meta->duration = clock_monotonic() - times->started;
    Buffer json = {0};
    flow_print_meta(flow, meta, &json);
    StatePosition position;
    bool ok = state_commit(flow->state, batch, buffer_slice(&json), &position, err);
    buffer_done(&json);
    if (!ok) {
        return false;
    }
    times->logged = clock_monotonic();
    if (FAULT("flow.after_log")) {
        return fail(err, ERROR_CRASH, "fault point flow.after_log");
    }
    SinkMarker marker = {true, batch, state_epoch(flow->state), position.crc};
    if (given) {
        if (!commit_sink(flow, &marker, err)) {
            return false;
        }
    } else {
        sink_abort(flow->sink);
    }
    times->committed = clock_monotonic();
    if (FAULT("flow.after_sink")) {
        return fail(err, ERROR_CRASH, "fault point flow.after_sink");
    }
    if (!flow_side_commit(flow, &marker, err)) {
        // The batch has happened: opening the flow finishes its sides from the record.
        flow->unresolved = err->kind != ERROR_CRASH;
        flow->asked = marker;
        return false;
    }
    return true;
}

static bool run_batch(Flow *flow, TimeUs now, BatchTimes *times, Error *err)
{
    int64_t batch = flow->batch + 1;
    FlowMeta meta = {.watermark = flow->watermark, .time = now};
    TimeUs *watermarks = ARENA_ARRAY(flow->batch_arena, TimeUs, flow->plan->watermark_count + 1);
    memcpy(watermarks, flow->watermarks, flow->plan->watermark_count * sizeof *watermarks);
    flow_side_begin(flow, batch);
    if (flow->expect != NULL) {
        expect_begin(flow->expect, batch);
    }
    if (!set_variables(flow, now, err) || !point_views(flow, err)) {
        return false;
    }
    times->viewed = clock_monotonic();
    if (!run_stages(flow, batch, err) ||
        !sink_stage(flow->sink, batch, flow->plan->output_sql, &meta.sink_rows, err) ||
        !flow_side_take_bad(flow, batch, err) || !keep_state(flow, err)) {
        return false;
    }
    meta.next = flow_watermark_next(flow, now, watermarks);
    times->run = clock_monotonic();
    if (FAULT("flow.after_run")) {
        return fail(err, ERROR_CRASH, "fault point flow.after_run");
    }
    memcpy(flow->pending_watermarks, watermarks, flow->plan->watermark_count * sizeof *watermarks);
    if (!commit_batch(flow, batch, &meta, times, err)) {
        return false;
    }
    confirm(flow, batch, meta.given == batch, &meta, watermarks);
    memory_balance(flow->context.memory, flow->conn);
    flow_report(flow, batch, meta.sink_rows, times);
    flow_side_report(flow, batch, now);
    return true;
}

bool flow_step(Flow *flow, FlowStep *step, Error *err)
{
    *step = FLOW_IDLE;
    if (flow->unresolved) {
        return fail(err, ERROR_CONFLICT,
                    "the outcome of batch %lld is unknown: open the flow again",
                    (long long)flow->asked.batch);
    }
    catalog_close_sources(&flow->reading);
    arena_reset(flow->batch_arena);
    flow->reading = catalog_fork(flow->context.catalog, flow->batch_arena, flow->conn);
    BatchTimes times = {.now = clock_now(flow->context.clock), .started = clock_monotonic()};
    bool has_rows = false;
    if (!plan_sources(flow, &has_rows, err)) {
        undo_batch(flow); // sources planned before the one that failed
        return false;
    }
    times.planned = clock_monotonic();
    if (!has_rows) {
        flow_watermark_rest(flow, times.now);
    }
    bool moved =
        flow->plan->wants_no_data_batch && !flow->skips_no_data && flow->watermark > flow->late;
    if (!has_rows && !moved) {
        state_relieve(flow->state);
        return true;
    }
    flow_set_state(flow, "running", NULL);
    if (!run_batch(flow, times.now, &times, err)) {
        if (err->kind != ERROR_CRASH && !flow->unresolved) {
            undo_batch(flow);
        }
        return false;
    }
    *step = FLOW_BATCH;
    return true;
}

bool flow_fix_end(Flow *flow, Error *err)
{
    flow->to_end = true;
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        if (!source_fix_end(flow->sources[i].source, err)) {
            return false;
        }
    }
    return true;
}

const FlowSpec *flow_spec(const Flow *flow)
{
    return flow->spec;
}

TimeUs flow_trigger_interval(const Flow *flow)
{
    return flow->trigger_interval;
}

bool flow_is_paced(const Flow *flow)
{
    return flow->is_paced;
}

bool flow_is_unresolved(const Flow *flow)
{
    return flow->unresolved;
}
