// sink.h -- where a flow's rows go: the SinkType seam and the half of exactly-once that it owns.
//
//     sink_open -> sink_marker -> { sink_stage -> (log record) -> sink_commit | sink_abort }* ->
//     sink_close
//
// sink_stage runs the batch's query and keeps its rows where nobody sees them (hidden files,
// memory). sink_commit makes rows and marker visible in ONE transaction of the target. The marker
// says which batch of which checkpoint the target has; recovery reads it (DESIGN 5). sink_commit
// with a marker that the target has already must not be called: the engine decides from
// sink_marker. Console and memory are at-least-once and say so by SINK_NO_MARKER.
//
// Update mode: `keys` names the columns that identify a row; a staged row replaces the row with its
// key. Complete mode: the staged rows replace everything.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream/source.h"

typedef enum OutputMode {
    OUTPUT_APPEND,
    OUTPUT_UPDATE,
    OUTPUT_COMPLETE,
} OutputMode;

typedef struct SinkMarker {
    bool found;
    int64_t batch;
    int64_t epoch;
    uint32_t crc;
} SinkMarker;

typedef struct Sink Sink;

enum {
    SINK_NO_MARKER = 1, // cannot hold a marker: at-least-once
    SINK_APPEND = 2,
    SINK_UPDATE = 4,
    SINK_COMPLETE = 8,
};

typedef struct SinkContext {
    DuckConn *conn;
    Clock *clock;
    Arena *arena; // the flow's
    const char *flow;
    const char *dataset;       // the table or sink it feeds
    const char *table_path;    // Delta: folder of the table
    const char *checkpoint_id; // in every marker
    const Schema *schema;      // of the rows
    OutputMode mode;
    const char *const *partition_columns;
    size_t partition_count;
    const Properties *properties; // TBLPROPERTIES
    const char *comment;
    bool replace_first; // --full-refresh: the first commit replaces the content
} SinkContext;

typedef struct SinkType {
    const char *name; // CREATE SINK ... USING name
    const char *help;
    unsigned flags;
    size_t config_size;
    const Option *options;
    size_t option_count;
    size_t state_size;

    bool (*open)(Sink *sink, Error *err);
    // Fences older writers (epoch) and reads the marker of this checkpoint.
    bool (*marker)(Sink *sink, int64_t epoch, SinkMarker *marker, Error *err);
    // Runs `select_sql` and stages its rows; *row_count for progress and the log record. An
    // ERROR_INPUT is told as the query's: a sink that says so of itself names itself.
    bool (*stage)(Sink *sink, int64_t batch, const char *select_sql, int64_t *row_count,
                  Error *err);
    bool (*commit)(Sink *sink, const SinkMarker *marker, Error *err);
    void (*abort)(Sink *sink); // drops staged rows
    void (*close)(Sink *sink); // also after a failed open; never commits
} SinkType;

struct Sink {
    const SinkType *type;
    void *config;
    void *state;
    SinkContext context;
};

MUST_USE bool sink_open(const SinkType *type, void *config, const SinkContext *context, Sink **sink,
                        Error *err);
MUST_USE bool sink_marker(Sink *sink, int64_t epoch, SinkMarker *marker, Error *err);
MUST_USE bool sink_stage(Sink *sink, int64_t batch, const char *select_sql, int64_t *row_count,
                         Error *err);
MUST_USE bool sink_commit(Sink *sink, const SinkMarker *marker, Error *err);
void sink_abort(Sink *sink);
void sink_close(Sink *sink);
