// history.h -- what ran and what it did: storage/history.db (SQLite, WAL).
//
// One process writes (it holds the instance lock), any number read beside it. History is for people
// and dashboards: nothing in the commit protocol depends on it. A write that fails is logged once
// and never stops a flow; a damaged file is moved aside as history.db.damaged and begun anew.
//
// Tables: runs, flows (of a run, as it found them), batches, refreshes (of materialized views),
// constraints and sides (of a batch).
// `PRAGMA user_version` is the schema's version; a table that is only added keeps it. Thread-safe:
// one mutex. Every writing function takes a NULL History (opening failed) and does nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "engine/control.h"

typedef struct History History;

typedef struct HistoryOptions {
    TimeUs keep_time;     // older batches and runs are removed; 0: never
    int64_t keep_batches; // per flow, newest first; 0: all
} HistoryOptions;

MUST_USE bool history_open(const char *storage, const HistoryOptions *options, History **history,
                           Error *err);
void history_close(History *history);

// Begins a run: the batches that follow belong to it.
void history_run_started(History *history, TimeUs now, const char *version);
// The project turned out to have problems, so nothing ran: forgets the run.
void history_run_withdrawn(History *history);
void history_run_ended(History *history, TimeUs now, int exit_code);

// A flow takes part in the run: before its first batch it is where the last run left it. Called
// again when more is known.
void history_flow(History *history, const ControlFlow *flow);

typedef struct HistoryBatch {
    const char *flow;
    const char *dataset;
    int64_t batch;
    TimeUs started;
    TimeUs duration;
    int64_t input_rows;
    int64_t output_rows;
    TimeUs watermark; // TIME_MIN: none
    int64_t state_rows;
    int64_t state_bytes;
    int64_t dropped;       // late rows
    int64_t malformed;     // rows of the source that could not be read
    int64_t delta_version; // -1: none
    const char *error;     // NULL: the batch was committed
    const char *progress;  // JSON, as Spark's StreamingQueryProgress; NULL: none
} HistoryBatch;
void history_batch(History *history, const HistoryBatch *batch);

typedef struct HistoryRefresh {
    const char *view;
    TimeUs started;
    TimeUs duration;
    int64_t rows;
    const char *error; // NULL: the view was refreshed
} HistoryRefresh;
void history_refresh(History *history, const HistoryRefresh *refresh);

// What a constraint saw in a batch of a flow, or in a refresh of a view.
typedef struct HistoryConstraint {
    const char *dataset;
    const char *flow; // NULL: a view's
    int64_t batch;    // -1: a view's
    TimeUs started;
    const char *constraint;
    const char *action; // "drop row"
    int64_t rows;       // checked
    int64_t failed;
} HistoryConstraint;
void history_constraint(History *history, const HistoryConstraint *seen);

// Rows that a batch put into a table beside its own.
typedef struct HistorySide {
    const char *dataset;
    const char *flow;
    int64_t batch;
    TimeUs started;
    int64_t rows;
} HistorySide;
void history_side(History *history, const HistorySide *side);
// Goes on in a status object after its views: both, with their sums over this run.
void history_append_quality(History *history, Buffer *status);

// The last run as a status object (engine/control.h), with "running":false and "ended",
// "exit_code" (both null when it was killed) after the views; *found is false when there is no
// history.
MUST_USE bool history_last_run(const char *storage, const char *project, Buffer *status,
                               bool *found, Error *err);

const char *history_library(void); // "SQLite 3.40.1"
