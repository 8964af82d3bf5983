// What a flow says of itself after a batch: status, history, Spark's StreamingQueryProgress.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "engine/flow_side.h"

void flow_set_state(Flow *flow, const char *state, const char *error)
{
    pthread_mutex_lock(&flow->lock);
    flow->status.state = state;
    if (error != NULL) {
        snprintf(flow->error, sizeof flow->error, "%s", error);
        flow->status.error = flow->error;
    } else {
        flow->status.error = NULL;
    }
    pthread_mutex_unlock(&flow->lock);
}

void flow_status(Flow *flow, ControlFlow *status)
{
    pthread_mutex_lock(&flow->lock);
    *status = flow->status;
    pthread_mutex_unlock(&flow->lock);
}

static double per_second(int64_t rows, TimeUs duration)
{
    return duration <= 0 ? 0 : (double)rows * TIME_SECOND / (double)duration;
}

static long long milliseconds(TimeUs from, TimeUs to)
{
    return to < from ? 0 : (long long)((to - from) / TIME_MS);
}

static const char *operator_name(const PlanStage *stage)
{
    if (stage->kind == STAGE_JOIN) {
        return "symmetricHashJoin";
    }
    if (stage->kind == STAGE_AGGREGATE) {
        return "stateStoreSave";
    }
    if (stage->kind == STAGE_SESSION) {
        return "sessionWindowStateStoreSaveExec";
    }
    if (stage->kind == STAGE_LIMIT) {
        return "globalLimit";
    }
    if (stage->kind == STAGE_TOP) {
        return "topPerGroup"; // Spark has no such operator
    }
    return stage->deduplicate->within_watermark ? "dedupeWithinWatermark" : "dedupe";
}

// ---- Spark's StreamingQueryProgress -------------------------------------------------------------

// In history an offset that lists a thousand files is left out.
enum { OFFSET_KEPT = 2048, PROGRESS_KEPT = 16384 };

typedef struct Progress {
    const Flow *flow;
    const ControlFlow *status; // of the batch
    const BatchTimes *times;
    TimeUs since; // the start of the batch before, to this one's; 0: there was none
    bool is_short;
    Buffer *json;
} Progress;

static void print_count(const Progress *progress, const char *key, int64_t value)
{
    buffer_printf(progress->json, "\"%s\":%lld", key, (long long)value);
}

// In Spark's order: the operator nearest to the sink comes first.
static void print_operators(const Progress *progress)
{
    const Flow *flow = progress->flow;
    Buffer *json = progress->json;
    long long commit = milliseconds(progress->times->run, progress->times->logged);
    buffer_append_text(json, ",\"stateOperators\":[");
    for (size_t i = flow->plan->stage_count; i-- > 0;) {
        OperatorMetrics metrics = operator_metrics(flow->operators[i]);
        long long bytes = (long long)state_memory_bytes(flow->state);
        buffer_printf(json, "%s{\"operatorName\":\"%s\",",
                      i + 1 == flow->plan->stage_count ? "" : ",",
                      operator_name(&flow->plan->stages[i]));
        buffer_printf(json,
                      "\"numRowsTotal\":%lld,\"numRowsUpdated\":%lld,\"allUpdatesTimeMs\":%lld,"
                      "\"numRowsRemoved\":%lld,\"allRemovalsTimeMs\":%lld,\"commitTimeMs\":%lld,",
                      (long long)metrics.rows_total, (long long)metrics.rows_updated,
                      milliseconds(0, metrics.run_time), (long long)metrics.rows_removed,
                      milliseconds(0, metrics.evict_time), commit);
        buffer_printf(json,
                      "\"memoryUsedBytes\":%lld,\"numRowsDroppedByWatermark\":%lld,"
                      "\"numShufflePartitions\":1,\"numStateStoreInstances\":1,"
                      "\"customMetrics\":{\"stateOnCurrentVersionSizeBytes\":%lld}}",
                      bytes, (long long)metrics.rows_late, bytes);
    }
    buffer_append_char(json, ']');
}

static void print_offset(const Progress *progress, const char *key, const char *offset)
{
    buffer_printf(progress->json, ",\"%s\":", key);
    if (offset == NULL || offset[0] == '\0') {
        buffer_append_text(progress->json, "null");
    } else if (progress->is_short && strlen(offset) > OFFSET_KEPT) {
        buffer_printf(progress->json, "{\"omittedBytes\":%zu}", strlen(offset));
    } else {
        buffer_append_text(progress->json, offset);
    }
}

static void print_rates(const Progress *progress, int64_t rows)
{
    TimeUs duration = progress->times->committed - progress->times->started;
    buffer_printf(progress->json, ",\"inputRowsPerSecond\":%.1f,\"processedRowsPerSecond\":%.1f",
                  per_second(rows, progress->since), per_second(rows, duration));
}

static void print_source(const Progress *progress, size_t index)
{
    const FlowSource *source = &progress->flow->sources[index];
    Buffer *json = progress->json;
    SourceMetrics now = source_metrics(source->source);
    SourceMetrics metrics = source->has_rows ? now : (SourceMetrics){0};
    buffer_append_text(json, index == 0 ? "{\"description\":" : ",{\"description\":");
    buffer_append_json(json, slice_of(source->source->name));
    print_offset(progress, "startOffset", source->has_rows ? source->former : source->offset);
    print_offset(progress, "endOffset", source->offset);
    print_offset(progress, "latestOffset", now.backlog_rows == 0 ? source->offset : NULL);
    buffer_append_char(json, ',');
    print_count(progress, "numInputRows", metrics.rows);
    print_rates(progress, metrics.rows);
    buffer_printf(json, ",\"metrics\":{\"numMalformedRows\":\"%lld\"",
                  (long long)metrics.malformed);
    if (now.backlog_bytes >= 0) {
        buffer_printf(json, ",\"numBytesOutstanding\":\"%lld\"", (long long)now.backlog_bytes);
    }
    buffer_append_text(json, "}}");
}

// Of the first watermark that saw rows, as Spark.
static void print_event_times(const Progress *progress)
{
    const Flow *flow = progress->flow;
    char text[32];
    buffer_append_text(progress->json, ",\"eventTime\":{");
    for (size_t i = 0; i < flow->plan->watermark_count; i++) {
        const EventTimes *times = &flow->times[i];
        if (atomic_load(&times->count) == 0) {
            continue;
        }
        time_format_iso(operator_average_time(times), text);
        buffer_printf(progress->json, "\"avg\":\"%s\",", text);
        time_format_iso(atomic_load(&times->max), text);
        buffer_printf(progress->json, "\"max\":\"%s\",", text);
        time_format_iso(atomic_load(&times->min), text);
        buffer_printf(progress->json, "\"min\":\"%s\",", text);
        break;
    }
    time_format_iso(flow->late, text);
    buffer_printf(progress->json, "\"watermark\":\"%s\"}", text);
}

static void print_durations(const Progress *progress)
{
    const BatchTimes *times = progress->times;
    buffer_printf(
        progress->json,
        ",\"durationMs\":{\"addBatch\":%lld,\"commitBatch\":%lld,\"commitOffsets\":0,"
        "\"getBatch\":%lld,\"latestOffset\":%lld,\"queryPlanning\":0,"
        "\"triggerExecution\":%lld,\"walCommit\":%lld}",
        milliseconds(times->viewed, times->run), milliseconds(times->logged, times->committed),
        milliseconds(times->planned, times->viewed), milliseconds(times->started, times->planned),
        milliseconds(times->started, times->committed), milliseconds(times->run, times->logged));
}

// What expectations saw, where Spark has the metrics of observe().
static void print_observed(const Progress *progress)
{
    const Expect *expect = progress->flow->expect;
    Buffer *json = progress->json;
    buffer_append_text(json, ",\"observedMetrics\":{");
    if (expect != NULL) {
        const ExpectPlan *plan = expect_plan_of(expect);
        buffer_printf(json, "\"expectations\":{\"rows\":%lld,\"dropped\":%lld,\"failed\":{",
                      (long long)expect_checked(expect), (long long)expect_dropped(expect));
        for (size_t i = 0; i < plan->rule_count; i++) {
            buffer_append_text(json, i == 0 ? "" : ",");
            buffer_append_json(json, slice_of(plan->rules[i].name));
            buffer_printf(json, ":%lld", (long long)expect_failed(expect, i));
        }
        buffer_append_text(json, "}}");
    }
    flow_side_print_counts(progress->flow, expect == NULL, json);
    buffer_append_char(json, '}');
}

// One line; without it the object that history keeps.
static void print_progress(const Progress *progress)
{
    const Flow *flow = progress->flow;
    const ControlFlow *status = progress->status;
    Buffer *json = progress->json;
    char text[32];
    time_format_iso(progress->times->now, text);
    buffer_append_text(json, "{\"v\":1,\"type\":\"progress\",\"name\":");
    buffer_append_json(json, slice_of(status->flow));
    buffer_printf(json, ",\"id\":\"%s\",\"runId\":\"%s\",\"timestamp\":\"%s\",",
                  state_checkpoint_id(flow->state), flow->run_id, text);
    print_count(progress, "batchId", status->batch);
    buffer_printf(json, ",\"batchDuration\":%lld,",
                  milliseconds(progress->times->started, progress->times->committed));
    print_count(progress, "numInputRows", status->input_rows);
    print_rates(progress, status->input_rows);
    print_durations(progress);
    if (flow->plan->watermark_count > 0) {
        print_event_times(progress);
    }
    print_operators(progress);
    buffer_append_text(json, ",\"sources\":[");
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        print_source(progress, i);
    }
    buffer_append_text(json, "],\"sink\":{\"description\":");
    buffer_append_json(json, slice_of(status->dataset));
    buffer_printf(json, ",\"numOutputRows\":%lld}", (long long)status->output_rows);
    print_observed(progress);
    buffer_append_char(json, '}');
}

int64_t flow_input_rows(const Flow *flow)
{
    int64_t rows = 0;
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        rows += flow->sources[i].has_rows ? source_metrics(flow->sources[i].source).rows : 0;
    }
    return rows;
}

int64_t flow_state_rows(const Flow *flow)
{
    int64_t rows = 0;
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        rows += operator_metrics(flow->operators[i]).rows_total;
    }
    return rows;
}

void flow_append_progress(Flow *flow, Buffer *json)
{
    pthread_mutex_lock(&flow->lock);
    buffer_append(json, buffer_slice(&flow->progress));
    pthread_mutex_unlock(&flow->lock);
}

static void measure(Flow *flow, int64_t batch, int64_t output_rows, TimeUs duration,
                    ControlFlow *status)
{
    *status = flow->status;
    status->state = "idle";
    status->error = NULL;
    status->batch = batch;
    status->output_rows = output_rows;
    status->watermark = flow->plan->watermark_count > 0 ? flow->late : TIME_MIN;
    status->input_rows = flow_input_rows(flow);
    status->malformed = 0;
    status->lag_rows = 0;
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        SourceMetrics metrics = source_metrics(flow->sources[i].source);
        status->malformed += flow->sources[i].has_rows ? metrics.malformed : 0;
        bool unknown = metrics.backlog_rows < 0 || status->lag_rows < 0;
        status->lag_rows = unknown ? -1 : status->lag_rows + metrics.backlog_rows;
    }
    status->rows_per_second = per_second(status->input_rows, duration);
    status->state_rows = flow_state_rows(flow);
    status->dropped = 0;
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        status->dropped += operator_metrics(flow->operators[i]).rows_late;
    }
    status->state_bytes = state_memory_bytes(flow->state);
}

// The batch's counts into the run's sums.
static ControlFlow add_batch(const ControlFlow *run, const ControlFlow *batch, TimeUs duration)
{
    ControlFlow sum = *batch;
    sum.batches = run->batches + 1;
    sum.duration = run->duration + duration;
    sum.input_rows += run->input_rows;
    sum.output_rows += run->output_rows;
    sum.dropped += run->dropped;
    sum.malformed += run->malformed;
    return sum;
}

// For status and history: bounded, whatever the offsets are.
static void keep_progress(Flow *flow, Progress *progress)
{
    Buffer json = {0};
    progress->is_short = true;
    progress->json = &json;
    print_progress(progress);
    if (json.size > PROGRESS_KEPT) {
        buffer_reset(&json);
    }
    pthread_mutex_lock(&flow->lock);
    Buffer before = flow->progress;
    flow->progress = json;
    pthread_mutex_unlock(&flow->lock);
    buffer_done(&before);
}

static void tell_progress(Progress *progress)
{
    Buffer json = {0};
    progress->is_short = false;
    progress->json = &json;
    print_progress(progress);
    buffer_append_char(&json, '\n');
    fputs(buffer_text(&json), stdout);
    fflush(stdout);
    buffer_done(&json);
}

void flow_report(Flow *flow, int64_t batch, int64_t output_rows, const BatchTimes *times)
{
    ControlFlow status;
    TimeUs duration = times->committed - times->started;
    measure(flow, batch, output_rows, duration, &status);
    TimeUs since = flow->last_started == 0 ? 0 : times->started - flow->last_started;
    flow->last_started = times->started;
    Progress progress = {flow, &status, times, since, false, NULL};
    keep_progress(flow, &progress);
    pthread_mutex_lock(&flow->lock);
    flow->status = add_batch(&flow->status, &status, duration);
    pthread_mutex_unlock(&flow->lock);
    HistoryBatch row = {
        .flow = status.flow,
        .dataset = status.dataset,
        .batch = batch,
        .started = times->now,
        .duration = duration,
        .input_rows = status.input_rows,
        .output_rows = output_rows,
        .watermark = status.watermark,
        .state_rows = status.state_rows,
        .state_bytes = status.state_bytes,
        .dropped = status.dropped,
        .malformed = status.malformed,
        .delta_version = -1,
        .progress = flow->progress.size == 0 ? NULL : buffer_text(&flow->progress),
    };
    history_batch(flow->context.history, &row);
    if (flow->context.json_progress) {
        tell_progress(&progress);
    }
}
