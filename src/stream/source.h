// source.h -- where rows come from: the SourceType seam.
//
// A source type is a constant table of functions; a Source is one open instance inside one flow.
// Callers use source_*() below, never the table: the wrappers check the contract and put
// "source 'name'" before every error.
//
//     source_open -> source_seek -> { batch }* -> source_close
//     batch: source_plan -> source_relation -> source_record -> source_confirmed or source_abandon
//
// A plan that was neither confirmed nor abandoned is abandoned by the next one: whoever forgets
// reads rows again instead of losing them.
//
// Offsets are opaque text (JSON, as Spark writes them) that the log stores verbatim; a batch is the
// half-open range (start, end]; a source's `end` text is valid until its next source_plan. An empty
// end, or an end equal to start, is a batch without rows. Replay: after source_relation(start,
// end), the rows are exactly those of that range, also in another process -- as long as they have
// not been confirmed. What a source has consumed is either small and wholly in its offset, or keyed
// state: a source with SOURCE_KEYED gets a StateTable ("read_files": path -> size, mtime) that is
// logged with the batch.
//
// Options are data (option.h). Threads: one Source belongs to its flow's thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "duck/duck.h"
#include "state/state.h"
#include "stream/option.h"

typedef struct Source Source;

enum {
    SOURCE_KEYED = 1, // keeps what it has consumed in a StateTable
    SOURCE_BATCH = 2, // can also be read without STREAM (whole content)
    SOURCE_ENDLESS =
        4, // rows appear with time alone (generate, rate): --once takes what is due now
};

// What a source may know of its surroundings.
typedef struct SourceContext {
    DuckConn *conn; // for the flow's statements
    Clock *clock;
    const char *project_root; // relative paths start here
    const char *unique;       // suffix for names in the database, unique per source instance
    Arena *arena;             // the flow's
    TimeUs start_time;        // of the project, for generators
    uint64_t seed;            // of the project, for generators
} SourceContext;

typedef struct SourceLimit {
    int64_t max_bytes; // default 64 MB
    int64_t max_files; // 0: none
    int64_t max_rows;  // 0: none; the one-row permutation of tests
    bool to_end;       // the end was fixed (--once): do not look for newer rows
} SourceLimit;

typedef struct SourceMetrics {
    int64_t rows;
    int64_t malformed;
    int64_t backlog_rows; // not yet planned, -1: unknown
    int64_t backlog_bytes;
} SourceMetrics;

typedef struct SourceType {
    const char *name; // the SQL function: read_files
    const char *help;
    unsigned flags;
    const char *positional; // option given as first argument without a name
    size_t config_size;
    const Option *options;
    size_t option_count;
    size_t state_size;

    // Checks the configuration and finds the schema (source->schema), without touching state.
    bool (*open)(Source *source, Error *err);
    // Restores what is consumed: after recovery, before the first plan. `offset` empty: the start.
    bool (*seek)(Source *source, Slice offset, Error *err);
    // The end of the next batch after the last confirmed one. *has_rows false: nothing new.
    bool (*plan)(Source *source, const SourceLimit *limit, Slice *end, bool *has_rows, Error *err);
    // Remembers the newest available position as the end for `to_end` (--once).
    bool (*fix_end)(Source *source, Error *err);
    // Writes a DuckDB relation with the source's schema for the rows of the planned batch.
    bool (*relation)(Source *source, Slice start, Slice end, Buffer *sql, Error *err);
    // Writes a relation of everything (SOURCE_BATCH).
    bool (*whole)(Source *source, Buffer *sql, Error *err);
    // Puts the batch's consumption into the StateTable (SOURCE_KEYED), before the log record.
    bool (*record)(Source *source, Error *err);
    // The planned batch will not happen (failed): forget it.
    void (*abandon)(Source *source);
    // The batch is confirmed by the sink: rows up to `end` will not be asked for again.
    void (*confirmed)(Source *source, Slice end);
    void (*metrics)(Source *source, SourceMetrics *metrics);
    void (*close)(Source *source); // also after a failed open
} SourceType;

struct Source {
    const SourceType *type;
    const char *name; // for messages
    Pos pos;
    void *config;
    void *state;
    Schema schema; // set by open
    SourceContext context;
    StateTable *consumed; // SOURCE_KEYED
    bool is_planned;      // a batch is planned, neither confirmed nor abandoned
};

// Types are registered in connector/registry.c.
MUST_USE bool source_open(const SourceType *type, const char *name, void *config, Pos pos,
                          const SourceContext *context, Source **source, Error *err);
MUST_USE bool source_seek(Source *source, StateTable *consumed, Slice offset, Error *err);
MUST_USE bool source_plan(Source *source, const SourceLimit *limit, Slice *end, bool *has_rows,
                          Error *err);
MUST_USE bool source_fix_end(Source *source, Error *err);
MUST_USE bool source_relation(Source *source, Slice start, Slice end, Buffer *sql, Error *err);
MUST_USE bool source_whole(Source *source, Buffer *sql, Error *err);
MUST_USE bool source_record(Source *source, Error *err);
void source_abandon(Source *source);
void source_confirmed(Source *source, Slice end);
SourceMetrics source_metrics(Source *source);
void source_close(Source *source);
