// flow_side.h -- tables that a flow fills beside its sink: quarantine and late rows.
//
//     open     flow_side_open -> (the state is recovered) -> flow_side_recover
//     batch    flow_side_begin -> { flow_side_take_late }* -> flow_side_take_bad
//              -> flow_side_print in the record -> (record, main sink) -> flow_side_commit
//
//     side rows of batch N ── rows of state table "side_<dataset>", bucket N ──▶ record N
//                                          └── after the main sink: ──▶ Delta table + marker N
//
// The rows are in the log before any sink knows of the batch, and stay there until the record of
// batch N+1, which is written only when all sides have N: whatever is killed, and whenever,
// flow_side_recover finds them there and finishes (F2). A side that gets no rows is not touched.
//
// All of it belongs to the flow's thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/flow_internal.h"
#include "stream/state_relation.h"

struct FlowSide {
    const Dataset *dataset;
    const PlanLate *late; // NULL: the quarantine
    const char *function; // table function: the rows in state
    StateTable *table;    // (batch, number of the row) -> row
    StateRelation relation;
    Sink *sink;
    int64_t rows;         // of the batch at hand
    int64_t given;        // last batch it got rows of, the one at hand included; -1: none
    int64_t given_before; // the same before the batch at hand
};

// Finds the sides of the plan and opens their tables' sinks. `replaces`: the first batch empties
// them (--full-refresh).
MUST_USE bool flow_side_open(Flow *flow, bool replaces, Error *err);
// Whether a side has the batch of a record: then the main sink had it before.
MUST_USE bool flow_side_proves(Flow *flow, const StatePosition *record, bool *proven, Error *err);
// After recovery of the state: finishes the sides of the last batch, and checks the others.
MUST_USE bool flow_side_recover(Flow *flow, Error *err);
void flow_side_close(Flow *flow);

// Between statements, before the first of a batch.
void flow_side_begin(Flow *flow, int64_t batch);
// After the statement of a stage that has dropped late rows; `watermark`: what they are late for.
MUST_USE bool flow_side_take_late(Flow *flow, size_t stage, int64_t batch, TimeUs watermark,
                                  Error *err);
// After the output query.
MUST_USE bool flow_side_take_bad(Flow *flow, int64_t batch, Error *err);

void flow_side_undo(Flow *flow); // the batch did not happen

void flow_side_print(const Flow *flow, Buffer *json); // ,"sides":[...] of a record's meta
// ,"sides":{"t_quarantine":3} with the rows of the last batch; nothing where there are no sides.
void flow_side_print_counts(const Flow *flow, bool is_first, Buffer *json);
// To history: what constraints saw in the batch, and how many rows the sides got.
void flow_side_report(const Flow *flow, int64_t batch, TimeUs now);
// The rows of the record at hand become the tables'. After a failure the flow must be opened anew.
MUST_USE bool flow_side_commit(Flow *flow, const SinkMarker *marker, Error *err);
