// flow.h -- one flow: the loop that turns source rows into committed batches, exactly once.
//
//     flow_open        lock the checkpoint, recover (below), plan; the first plan is of batch N+1
//     flow_step        runs at most one batch; says whether there was one
//     flow_fix_end     --once: rows that come later wait for the next run
//     flow_close
//
// A batch (DESIGN.md section 5; invariants in README.md, cited as F1 ...):
//
//     plan ─▶ run, stage the rows ─▶ log record + fdatasync ─▶ sink commit ─▶ confirmed
//             failure: roll back,      failure: discard it       failure: ask
//             abort                                              the marker
//
// A flow is owned by one thread at a time. flow_status may be called from any thread. Everything in
// FlowContext must outlive the flow.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "engine/catalog.h"
#include "engine/control.h"
#include "engine/history.h"
#include "engine/memory.h"
#include "engine/relation.h"

typedef struct FlowContext {
    Catalog *catalog;
    Clock *clock;
    History *history; // NULL: none
    ProjectIdentity identity;
    int64_t max_batch_rows; // tests: 1; 0: no limit
    Memory *memory;
    bool json_progress;       // StreamingQueryProgress as one line of JSON per batch on stdout
    _Atomic int *next_number; // numbers of flows: names of functions are unique in the process
} FlowContext;

typedef struct Flow Flow;

typedef enum FlowStep {
    FLOW_IDLE,  // nothing to do now
    FLOW_BATCH, // a batch was committed
} FlowStep;

// In a checkpoint without batches: the first one replaces what the target holds (--full-refresh).
#define FLOW_REPLACE_FILE "replace"
// Where --full-refresh makes a new checkpoint; flow_open finishes its move after a crash. No flow
// has a folder of such a name.
const char *flow_renewed_folder(const char *folder, Arena *arena);

MUST_USE bool flow_open(const FlowContext *context, const FlowSpec *spec, Flow **flow, Error *err);
MUST_USE bool flow_step(Flow *flow, FlowStep *step, Error *err);
MUST_USE bool flow_fix_end(Flow *flow, Error *err);
void flow_close(Flow *flow); // NULL is a no-op; commits nothing

const FlowSpec *flow_spec(const Flow *flow);
// The last commit's outcome is unknown and the marker could not be read: close and open again.
bool flow_is_unresolved(const Flow *flow);
TimeUs flow_trigger_interval(const Flow *flow); // 0: as fast as possible
bool flow_is_paced(const Flow *flow);           // by pipelines.trigger.interval
// Texts of `status` live as long as the flow.
void flow_status(Flow *flow, ControlFlow *status);
// The last batch of this run as Spark's StreamingQueryProgress; nothing before the first. Bounded.
void flow_append_progress(Flow *flow, Buffer *json);
void flow_set_state(Flow *flow, const char *state, const char *error);
