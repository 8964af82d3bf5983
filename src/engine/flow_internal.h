// flow_internal.h -- what flow.c, flow_open.c and flow_progress.c share. See flow.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include "engine/flow.h"
#include "stream/operator.h"

// What the clock said when there were rows (flow_watermark.c); in the log.
typedef struct FlowPace {
    TimeUs rows_at; // batch time of the last batch with rows; TIME_MIN: none
    TimeUs base;    // watermark after it
    TimeUs *seen;   // of each watermark clause: batch time of its last rows, or of the first batch
} FlowPace;

typedef struct FlowSide FlowSide; // flow_side.h

typedef struct FlowSource {
    Source *source;
    char *offset;   // end of the last committed batch; "" at the start
    char *former;   // where that batch began; NULL: none in this run
    char *relation; // SQL that the view shows now
    const char *view;
    bool has_rows;     // in the planned batch
    Slice planned_end; // the source's, until the next plan
} FlowSource;

// What a log record says besides the state: enough to go on (F4).
typedef struct FlowMeta {
    TimeUs watermark;     // evicted with in this batch
    TimeUs next;          // of the next batch
    int64_t sink_rows;    // rows the sink gets; 0: the record itself is the commit
    int64_t given;        // last batch that was given to the sink, this one included; -1: none
    int64_t given_before; // the same before this batch
    // For those who look at it (inspect.h):
    TimeUs time;     // batch_time
    TimeUs duration; // until the record was made
    int64_t input_rows;
    int64_t state_rows;
    int64_t state_bytes;
} FlowMeta;

struct Flow {
    FlowContext context;
    const FlowSpec *spec;
    Arena *arena; // of its sources and sink; the catalog's is shared by all flows' threads
    Arena *batch_arena;
    DuckConn *conn;
    State *state;
    const Plan *plan;
    StaticTables statics;
    Catalog reading; // for the tables read without STREAM
    Tables *tables;
    FlowSource *sources;
    Sink *sink;
    Operator **operators;
    FlowSide *sides; // tables beside the sink
    size_t side_count;
    Expect *expect; // constraints of the table; NULL: none
    EventTimes *times;
    TimeUs *watermarks;         // of each watermark clause
    TimeUs *pending_watermarks; // the same after the batch that is being committed
    TimeUs watermark;           // global, for the next batch's eviction
    TimeUs late;                // of the batch before
    int64_t batch;              // last committed
    int64_t given;              // last batch given to the sink
    char *folder;
    char *sink_note;  // path of the note for sinks without marker
    bool unresolved;  // the last commit's outcome is unknown: ask the marker first
    SinkMarker asked; // what that commit said
    bool to_end;
    TimeUs trigger_interval;
    bool is_paced;      // the user gave it
    bool takes_highest; // of several watermarks; else the lowest
    FlowPace pace;
    TimeUs pending_rows_at; // after the batch that is being committed
    TimeUs pending_base;
    TimeUs *pending_seen;
    TimeUs idle;        // tarn.watermark.idle; 0: the clock moves no watermark
    TimeUs idle_stream; // streams silent for so long are left out; 0: none is
    bool skips_no_data; // batches without rows, after the watermark moved

    char run_id[37];     // Spark's runId: of this opening
    TimeUs last_started; // monotonic, of the last batch; 0: none

    pthread_mutex_t lock; // of status
    ControlFlow status;
    Buffer progress; // of the last batch, one line of JSON
    char error[512];
};

// flow_watermark.c
MUST_USE bool flow_watermark_open(Flow *flow, Error *err);
void flow_watermark_close(Flow *flow);
// The watermark after the batch at hand; `watermarks`, of each clause, go along.
TimeUs flow_watermark_next(Flow *flow, TimeUs now, TimeUs *watermarks);
void flow_watermark_confirm(Flow *flow); // that batch has happened
// No source has rows: moves the watermark on if the project wants it.
void flow_watermark_rest(Flow *flow, TimeUs now);

void flow_print_meta(const Flow *flow, const FlowMeta *meta, Buffer *json);
// Restores offsets and watermarks from a record's meta; ERROR_CORRUPT when it cannot be read.
MUST_USE bool flow_read_meta(Flow *flow, Slice json, bool restore, FlowMeta *meta, Error *err);

// Whether a target has this batch as its last one (-1: none), and what to say when it has another.
bool flow_has_batch(const SinkMarker *marker, int64_t batch);
bool flow_marker_mismatch(const Flow *flow, const char *dataset, const SinkMarker *marker,
                          int64_t expected, Error *err);

// Sinks without marker: a note beside the log says what they were given.
void flow_write_note(const Flow *flow, const SinkMarker *marker);
void flow_read_note(const Flow *flow, SinkMarker *marker);

typedef struct BatchTimes {
    TimeUs now;     // batch_time
    TimeUs started; // monotonic
    TimeUs planned;
    TimeUs viewed; // the views show the batch
    TimeUs run;
    TimeUs logged;
    TimeUs committed;
} BatchTimes;
void flow_report(Flow *flow, int64_t batch, int64_t output_rows, const BatchTimes *times);
int64_t flow_input_rows(const Flow *flow); // of the batch at hand
int64_t flow_state_rows(const Flow *flow);
