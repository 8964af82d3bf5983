// Where the watermark of a flow goes: with its data, and with the clock where the project wants it.
//
//     after a batch      per clause the highest event time less the delay; of several the lowest,
//                        or the highest; with tarn.watermark.policy = partition those of streams
//                        that have been silent for long are left out
//     while input rests  with tarn.watermark.idle it goes on as fast as the clock, in steps of that
//                        setting, while there is state that it would close
//
// Both count from batch times that are in the log, so a restart changes nothing.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "engine/flow_internal.h"

bool flow_watermark_open(Flow *flow, Error *err)
{
    const Project *project = flow->context.catalog->project;
    FlowPace *pace = &flow->pace;
    size_t count = flow->plan->watermark_count + 1;
    pace->seen = calloc(count, sizeof *pace->seen);
    flow->pending_seen = calloc(count, sizeof *flow->pending_seen);
    if (pace->seen == NULL || flow->pending_seen == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    pace->rows_at = TIME_MIN;
    for (size_t i = 0; i < count; i++) {
        pace->seen[i] = TIME_MIN;
    }
    flow->takes_highest = text_equal_nocase(
        project_text(project, "spark.sql.streaming.multipleWatermarkPolicy"), "max");
    flow->idle = project_duration(project, "tarn.watermark.idle");
    bool by_partition =
        text_equal_nocase(project_text(project, "tarn.watermark.policy"), "partition");
    flow->idle_stream = by_partition && flow->plan->watermark_count > 1
                            ? project_duration(project, "tarn.watermark.idle.partition")
                            : 0;
    return true;
}

void flow_watermark_close(Flow *flow)
{
    free(flow->pace.seen);
    free(flow->pending_seen);
}

static bool has_rows(const Flow *flow)
{
    bool any = false;
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        any |= flow->sources[i].has_rows;
    }
    return any;
}

// Whether a stream has been silent for so long that the others do not wait for it.
static bool is_silent(const Flow *flow, size_t index, TimeUs now)
{
    return flow->idle_stream > 0 && now - flow->pending_seen[index] >= flow->idle_stream;
}

TimeUs flow_watermark_next(Flow *flow, TimeUs now, TimeUs *watermarks)
{
    TimeUs chosen = flow->takes_highest ? TIME_MIN : TIME_NEVER;
    bool found = false;
    for (size_t i = 0; i < flow->plan->watermark_count; i++) {
        TimeUs max = atomic_load(&flow->times[i].max);
        TimeUs value = watermarks[i];
        TimeUs seen = flow->pace.seen[i];
        flow->pending_seen[i] = max != TIME_MIN || seen == TIME_MIN ? now : seen;
        if (max != TIME_MIN) { // in Spark's milliseconds
            WindowShape ms = {TIME_MS, TIME_MS, 0};
            TimeUs moved = window_last_start(ms, max) - flow->plan->watermarks[i].delay;
            value = moved > value ? moved : value;
        }
        watermarks[i] = value;
        if (!is_silent(flow, i, now)) {
            bool counts = flow->takes_highest ? value > chosen : value < chosen;
            chosen = counts ? value : chosen;
            found = true;
        }
    }
    TimeUs next = !found || chosen < flow->watermark ? flow->watermark : chosen;
    bool rows = has_rows(flow);
    flow->pending_rows_at = rows ? now : flow->pace.rows_at;
    flow->pending_base = rows ? next : flow->pace.base;
    return next;
}

void flow_watermark_confirm(Flow *flow)
{
    flow->pace.rows_at = flow->pending_rows_at;
    flow->pace.base = flow->pending_base;
    memcpy(flow->pace.seen, flow->pending_seen,
           flow->plan->watermark_count * sizeof *flow->pending_seen);
}

// Rows of state that a higher watermark would close or forget.
static bool has_open_state(const Flow *flow)
{
    bool open = false;
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        const PlanStage *stage = &flow->plan->stages[i];
        bool follows = stage->kind == STAGE_DEDUPLICATE
                           ? stage->deduplicate->expires
                           : stage->has_event_time || stage->kind == STAGE_JOIN;
        open |= follows && operator_metrics(flow->operators[i]).rows_total > 0;
    }
    return open;
}

void flow_watermark_rest(Flow *flow, TimeUs now)
{
    const FlowPace *pace = &flow->pace;
    if (flow->idle <= 0 || pace->rows_at == TIME_MIN || flow->plan->watermark_count == 0 ||
        !flow->plan->wants_no_data_batch || !has_open_state(flow)) {
        return;
    }
    // In whole steps: a batch for each, not for every look at the clock.
    TimeUs target = pace->base + (now - pace->rows_at) / flow->idle * flow->idle;
    flow->watermark = target > flow->watermark ? target : flow->watermark;
}
