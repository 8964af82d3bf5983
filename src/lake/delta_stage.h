// delta_stage.h -- the hidden folder in which data files and checkpoints are written first.
//
//     <table>/_staging/<session>.lock      flock held while the DeltaTable is open
//     <table>/_staging/<session>/<k>/...   files of stage k
//
// A session whose lock can be taken belongs to a writer that died: delta_clean_staged deletes it.
// Nothing here is durable; store_adopt syncs what a commit moves out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lake/delta_snapshot.h"

// A fresh name under the session, relative to the table's root; its parent folder exists.
MUST_USE bool delta_stage_begin(DeltaTable *table, char name[96], Error *err);
void delta_stage_discard(DeltaTable *table, const char *name); // file or folder; best effort
uint64_t delta_stage_schema_hash(const char *schema_string, const char *const *partition_columns,
                                 size_t partition_count);
void delta_stage_end_session(DeltaTable *table);
// Moves staged files to their paths (those that have not been moved before), durably.
MUST_USE bool delta_stage_publish(DeltaTable *table, const DeltaStaged *staged, Error *err);
