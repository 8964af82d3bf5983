// inspect.h -- a flow's state and batches as relations, from its checkpoint alone.
//
//     SELECT * FROM state('hits')                               what the newest batch left
//     SELECT * FROM state('hits', 12)                           what batch 12 left
//     SELECT * FROM state('hits', operator => 'aggregate_0')    one of several
//     SELECT * FROM batches('hits')                             the batches that the log still has
//
// Both read the log without its lock, so they work while the flow runs and when nothing does. The
// state is read into memory for the query (tarn.memory.limit is its bound); the newest batch is one
// whose commit to the sink may be under way. Names of columns come from plan.json (describe.h),
// types from the log. Only tarn query and tests may read them: a dataset that did would give other
// rows in each run.
//
// They are source types that no registry knows: a Source closes what was opened when the
// statement has ended.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/relation.h"

// Whether the relation is one of these functions.
bool inspect_is(const Relation *relation);
// DuckDB SQL of its rows; false after a problem. Closed by catalog_close_sources.
bool inspect_read(RelationReader *reader, const Relation *relation, Buffer *sql);

typedef struct InspectConfig {
    const char *flow;   // as the user wrote it; then as its flow is called
    int64_t batch;      // -1: the newest
    const char *stage;  // operator =>; NULL: the only one
    const char *folder; // of the checkpoint
    Duck *duck;
    int64_t limit_bytes;
} InspectConfig;

extern const SourceType inspect_state;   // inspect_state.c
extern const SourceType inspect_batches; // inspect_batches.c

// Runs `read` again while an instance that runs beside us changes the log under it.
MUST_USE bool inspect_retry(bool (*read)(Source *source, Error *err), Source *source, Error *err);
