// What a flow says of itself after a batch: status, history, Spark's StreamingQueryProgress.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "engine/flow_internal.h"

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
    if (stage->kind == STAGE_AGGREGATE) {
        return "stateStoreSave";
    }
    if (stage->kind == STAGE_SESSION) {
        return "sessionWindowStateStoreSaveExec";
    }
    if (stage->kind == STAGE_TOP) {
        return "topPerGroup"; // Spark has no such operator
    }
    return stage->deduplicate->within_watermark ? "dedupeWithinWatermark" : "dedupe";
}

// In Spark's order: the operator nearest to the sink comes first.
static void print_operators(const Flow *flow, Buffer *json)
{
    for (size_t i = flow->plan->stage_count; i-- > 0;) {
        OperatorMetrics metrics = operator_metrics(flow->operators[i]);
        buffer_printf(json,
                      "%s{\"operatorName\":\"%s\",\"numRowsTotal\":%lld,\"numRowsUpdated\":%lld,"
                      "\"numRowsRemoved\":%lld,\"numRowsDroppedByWatermark\":%lld,"
                      "\"memoryUsedBytes\":%lld}",
                      i + 1 == flow->plan->stage_count ? "" : ",",
                      operator_name(&flow->plan->stages[i]), (long long)metrics.rows_total,
                      (long long)metrics.rows_updated, (long long)metrics.rows_removed,
                      (long long)metrics.rows_late, (long long)state_memory_bytes(flow->state));
    }
}

static void print_sources(const Flow *flow, TimeUs duration, Buffer *json)
{
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        const FlowSource *source = &flow->sources[i];
        SourceMetrics metrics = {0};
        if (source->has_rows) {
            metrics = source_metrics(source->source);
        }
        buffer_append_text(json, i == 0 ? "{\"description\":" : ",{\"description\":");
        buffer_append_json(json, slice_of(source->source->name));
        buffer_append_text(json, ",\"endOffset\":");
        buffer_append_text(json, source->offset[0] == '\0' ? "null" : source->offset);
        buffer_printf(json,
                      ",\"numInputRows\":%lld,\"processedRowsPerSecond\":%.1f,"
                      "\"metrics\":{\"numMalformedRows\":\"%lld\"}}",
                      (long long)metrics.rows, per_second(metrics.rows, duration),
                      (long long)metrics.malformed);
    }
}

// One line in the shape of Spark's StreamingQueryProgress.
static void print_progress(const Flow *flow, const ControlFlow *status, const BatchTimes *times,
                           Buffer *json)
{
    char text[32];
    TimeUs duration = times->committed - times->started;
    time_format_iso(times->now, text);
    buffer_append_text(json, "{\"v\":1,\"type\":\"progress\",\"name\":");
    buffer_append_json(json, slice_of(status->flow));
    buffer_printf(json,
                  ",\"id\":\"%s\",\"timestamp\":\"%s\",\"batchId\":%lld,"
                  "\"batchDuration\":%lld,\"numInputRows\":%lld,"
                  "\"processedRowsPerSecond\":%.1f,\"durationMs\":{\"latestOffset\":%lld,"
                  "\"addBatch\":%lld,\"walCommit\":%lld,\"commitOffsets\":%lld,"
                  "\"triggerExecution\":%lld}",
                  state_checkpoint_id(flow->state), text, (long long)status->batch,
                  (long long)(duration / TIME_MS), (long long)status->input_rows,
                  status->rows_per_second, milliseconds(times->started, times->planned),
                  milliseconds(times->planned, times->run), milliseconds(times->run, times->logged),
                  milliseconds(times->logged, times->committed),
                  milliseconds(times->started, times->committed));
    if (flow->plan->watermark_count > 0) {
        time_format_iso(flow->late, text);
        buffer_printf(json, ",\"eventTime\":{\"watermark\":\"%s\"}", text);
    }
    buffer_append_text(json, ",\"stateOperators\":[");
    print_operators(flow, json);
    buffer_append_text(json, "],\"sources\":[");
    print_sources(flow, duration, json);
    buffer_append_text(json, "],\"sink\":{\"description\":");
    buffer_append_json(json, slice_of(status->dataset));
    buffer_printf(json, ",\"numOutputRows\":%lld}}\n", (long long)status->output_rows);
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
    status->input_rows = 0;
    status->malformed = 0;
    status->lag_rows = 0;
    for (size_t i = 0; i < flow->plan->source_count; i++) {
        SourceMetrics metrics = source_metrics(flow->sources[i].source);
        status->input_rows += flow->sources[i].has_rows ? metrics.rows : 0;
        status->malformed += flow->sources[i].has_rows ? metrics.malformed : 0;
        bool unknown = metrics.backlog_rows < 0 || status->lag_rows < 0;
        status->lag_rows = unknown ? -1 : status->lag_rows + metrics.backlog_rows;
    }
    status->rows_per_second = per_second(status->input_rows, duration);
    status->state_rows = 0;
    status->dropped = 0;
    for (size_t i = 0; i < flow->plan->stage_count; i++) {
        OperatorMetrics metrics = operator_metrics(flow->operators[i]);
        status->state_rows += metrics.rows_total;
        status->dropped += metrics.rows_late;
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

void flow_report(Flow *flow, int64_t batch, int64_t output_rows, const BatchTimes *times)
{
    ControlFlow status;
    TimeUs duration = times->committed - times->started;
    measure(flow, batch, output_rows, duration, &status);
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
    };
    history_batch(flow->context.history, &row);
    if (flow->context.json_progress) {
        Buffer json = {0};
        print_progress(flow, &status, times, &json);
        fputs(buffer_text(&json), stdout);
        fflush(stdout);
        buffer_done(&json);
    }
}
