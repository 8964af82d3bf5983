// delta_snapshot.h -- the inside of DeltaTable and DeltaSnapshot, for the other files of lake/.
//
// A snapshot is the result of replaying the log [1.4]: protocol, metadata, and maps of live files
// and tombstones by (path, dvId), txns by appId, domains by name. Applying one more commit costs
// what the commit holds, not what the table holds. Each file entry is one heap block that the map
// owns, so that a table rewritten again and again does not grow here.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/map.h"
#include "lake/delta.h"
#include "lake/delta_action.h"
#include "lake/delta_log.h"
#include "lake/delta_schema.h"

struct DeltaSnapshot {
    char *root;
    int64_t version;
    int64_t checkpoint_version; // newest known to exist, -1: none
    int64_t in_commit_ms;       // of `version`, 0: none
    Arena *arena;               // protocol, metadata, schema, txns, domains
    DeltaProtocol *protocol;
    DeltaMetadata *metadata;
    DeltaSchema schema;
    Schema partition;            // logical names, in the order of metadata->partition_columns
    const char **partition_keys; // their physical names: keys of partitionValues
    bool mapped;
    Map *files;        // DeltaFileAction, owned
    Map *tombstones;   // DeltaFileAction, owned
    Map *txns;         // DeltaTxnAction in the arena
    Map *domains;      // DeltaDomain in the arena
    Map *keys;         // interned keys of partitionValues
    Arena *view_arena; // delta_files: made when asked for
    DeltaFiles view;
    bool view_is_fresh;
};

struct DeltaTable {
    Store *store;
    char *root;
    DeltaSnapshot *snapshot; // NULL: not loaded, or no table
    char session[40];        // name of the staging folder, "" before the first stage
    int session_lock;        // flock held as long as this table is open, -1: none
    int64_t stage_count;
    bool keeps_published;   // the last commit may be in the log: its files must stay
    Error checkpoint_error; // kind ERROR_NONE: the last checkpoint was fine
};

DeltaSnapshot *delta_snapshot_create(const char *root);
// Applies the actions of commit `version`. On failure the snapshot is as before.
MUST_USE bool delta_snapshot_apply(DeltaSnapshot *snapshot, const DeltaActions *actions,
                                   int64_t version, Error *err);
// Newest version <= max_version (INT64_MAX: the newest there is). *snapshot is NULL when there is
// no log at all.
MUST_USE bool delta_snapshot_load(Store *store, const char *root, DuckConn *conn,
                                  int64_t max_version, DeltaSnapshot **snapshot, Error *err);
// The columns of `file` in the order of the partition columns.
const char **delta_snapshot_partition_values(const DeltaSnapshot *snapshot, const DeltaPairs *pairs,
                                             Arena *arena);
