// delta_log.h -- the files of _delta_log: their names, which of them make a version, and reading.
//
//     checkpoint 20 (complete)   21.json  22.json  23.json      = segment up to version 23
//
// Names are parsed strictly [1.1]; everything else in the folder is ignored. _last_checkpoint is
// only a hint where to start listing [1.6]: absent, empty, garbage, stale or dangling are all fine.
// A checkpoint counts when all its parts are there. Commits after it must have no gap.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/store.h"
#include "duck/duck.h"
#include "lake/delta_action.h"

enum { DELTA_LOG_NAME_MAX = 64 };

typedef enum DeltaLogKind {
    DELTA_LOG_COMMIT,
    DELTA_LOG_CLASSIC,   // N.checkpoint.parquet
    DELTA_LOG_PART,      // N.checkpoint.part.parts.parquet
    DELTA_LOG_V2_JSON,   // N.checkpoint.<uuid>.json
    DELTA_LOG_V2_PARQUET // N.checkpoint.<uuid>.parquet
} DeltaLogKind;

typedef struct DeltaLogName {
    DeltaLogKind kind;
    int64_t version;
    int64_t part;
    int64_t parts;
} DeltaLogName;

// `name` without its folder. False: not a file of the log.
bool delta_log_parse_name(const char *name, DeltaLogName *parsed);
void delta_log_commit_name(int64_t version, char name[DELTA_LOG_NAME_MAX]); // with the folder

typedef struct DeltaCheckpointFiles { // names with the folder
    DeltaLogKind kind;
    int64_t version;
    DeltaNames names;
} DeltaCheckpointFiles;

typedef struct DeltaCommitFile {
    int64_t version;
    TimeUs modified;
} DeltaCommitFile;

typedef struct DeltaListing {          // both ascending by version
    DeltaCheckpointFiles *checkpoints; // complete ones only
    size_t checkpoint_count;
    size_t checkpoint_capacity;
    DeltaCommitFile *commits;
    size_t commit_count;
    size_t commit_capacity;
} DeltaListing;

// All files of versions >= from_version.
MUST_USE bool delta_log_list(Store *store, int64_t from_version, DeltaListing *listing,
                             Arena *arena, Error *err);
// The version _last_checkpoint names, or -1.
int64_t delta_log_hint(Store *store);
MUST_USE bool delta_log_read_commit(Store *store, int64_t version, DeltaActions *actions,
                                    bool *found, Arena *arena, Error *err);
// Reads a whole checkpoint, sidecars included.
MUST_USE bool delta_log_read_checkpoint(Store *store, DuckConn *conn,
                                        const DeltaCheckpointFiles *files, DeltaActions *actions,
                                        Arena *arena, Error *err);
