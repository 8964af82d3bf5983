// delta.h -- Delta Lake tables: snapshots, scans, staged data files, commits.
//
//     DeltaTable *table = delta_open(path);                   no I/O
//     delta_refresh(table, conn, &exists, err)                newest snapshot, incrementally
//     delta_scan_sql(delta_snapshot(table), &sql)             a DuckDB relation of its rows
//
//     delta_stage(table, conn, spec, select_sql, &staged, err)   Parquet files, durable, invisible
//     delta_commit(table, conn, &commit, &version, err)          put-if-absent of N.json, with
//                                                                conflict check and retry
//
// Facts: reference/delta.md; sections are cited in the .c files as [1.4]. A table whose protocol
// asks for something we do not have is refused by the feature's name. Paths in the log are attacker
// data: decoded once, then checked to stay under the table (absolute ones only when they do).
// A DeltaTable belongs to one thread. Snapshots stay valid until the next refresh or commit of the
// same DeltaTable.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/store.h"
#include "duck/duck.h"

typedef struct DeltaTable DeltaTable;
typedef struct DeltaSnapshot DeltaSnapshot;

// One live data file.
typedef struct DeltaFile {
    const char *path;              // as stored in the log (URI-encoded)
    const char **partition_values; // in order of partition columns; NULL entry: SQL NULL
    int64_t size_bytes;
    int64_t modified_ms;
    bool data_change;
    const char *stats; // JSON text or NULL
    int64_t version;   // of the commit that added it, where known; else -1
    bool has_vector;   // some of its rows are deleted: cannot be scanned yet
} DeltaFile;

typedef struct DeltaFiles {
    DeltaFile *items;
    size_t count;
    size_t capacity;
} DeltaFiles;

DeltaTable *delta_open(const char *path);
void delta_close(DeltaTable *table);
const char *delta_path(const DeltaTable *table);

// Loads or catches up with the log. *exists is false (and true returned) when there is no
// _delta_log. Damaged log files are ERROR_CORRUPT naming the file.
MUST_USE bool delta_refresh(DeltaTable *table, DuckConn *conn, bool *exists, Error *err);
const DeltaSnapshot *delta_snapshot(const DeltaTable *table); // NULL: not there
// A snapshot at a version or time, independent of the table's; freed by the caller.
MUST_USE bool delta_snapshot_at_version(DeltaTable *table, DuckConn *conn, int64_t version,
                                        DeltaSnapshot **snapshot, Error *err);
MUST_USE bool delta_snapshot_at_time(DeltaTable *table, DuckConn *conn, TimeUs time,
                                     DeltaSnapshot **snapshot, Error *err);
void delta_snapshot_destroy(DeltaSnapshot *snapshot);

int64_t delta_version(const DeltaSnapshot *snapshot);
const char *delta_table_id(const DeltaSnapshot *snapshot);
const Schema *delta_schema(const DeltaSnapshot *snapshot); // logical names, partition columns too
const Schema *delta_partition_schema(const DeltaSnapshot *snapshot);
const char *delta_property(const DeltaSnapshot *snapshot, const char *key); // NULL: not set
const DeltaFiles *delta_files(const DeltaSnapshot *snapshot);
bool delta_txn(const DeltaSnapshot *snapshot, const char *app_id, int64_t *version);
// The first application id that begins with `prefix`; NULL: none.
const char *delta_txn_like(const DeltaSnapshot *snapshot, const char *prefix);

// "(SELECT a, b, ... FROM read_parquet([...]) ...)" with the table's columns, types and order.
MUST_USE bool delta_scan_sql(const DeltaSnapshot *snapshot, Buffer *sql, Error *err);
// The same over some files only (a streaming batch).
MUST_USE bool delta_files_sql(const DeltaSnapshot *snapshot, const DeltaFiles *files, Buffer *sql,
                              Error *err);

// The adds with data_change of version `version`, in order; *found false when it is not there yet.
// *removes tells whether it also removed data. A version that has been cleaned up is ERROR_CORRUPT.
MUST_USE bool delta_version_files(DeltaTable *table, int64_t version, DeltaFiles *files,
                                  bool *removes, bool *found, Arena *arena, Error *err);

// ---- writing -------------------------------------------------------------------------------

typedef struct DeltaSpec { // the table as its writer wants it
    const Schema *schema;
    const char *const *partition_columns;
    size_t partition_count;
    const char *const *properties; // key, value, key, value ...
    size_t property_count;         // pairs
    const char *description;
    bool overwrite_schema; // DELTA_OVERWRITE: the table takes this schema and these partitions
} DeltaSpec;

typedef struct DeltaStaged { // files written, not yet in the log; texts in the arena given
    DeltaFiles files;
    const char **sources; // files[i] lies here until the commit moves it to its path
    int64_t rows;
    int64_t size_bytes;
    uint64_t schema_hash; // of the schema the rows were fitted to: a commit under another conflicts
} DeltaStaged;

// Runs select_sql into Parquet files in a hidden folder of the table, with statistics; the commit
// syncs them and moves them to their paths. Columns are matched by name with those of the table
// (when there is none, or with overwrite_schema: of the spec); missing or unknown columns and types
// that do not fit are ERROR_INPUT naming them. Files of crashed stages are deleted by
// delta_clean_staged; those of writers still alive are left alone.
MUST_USE bool delta_stage(DeltaTable *table, DuckConn *conn, const DeltaSpec *spec,
                          const char *select_sql, DeltaStaged *staged, Arena *arena, Error *err);
// Deletes them, best effort; those that a commit of unknown or good outcome has moved are kept.
void delta_unstage(DeltaTable *table, const DeltaStaged *staged);
void delta_clean_staged(DeltaTable *table);

typedef enum DeltaMode {
    DELTA_CREATE, // metadata only; ERROR_CONFLICT when the table is there
    DELTA_APPEND,
    DELTA_OVERWRITE, // removes every live file
} DeltaMode;

typedef struct DeltaTxn {
    const char *app_id;
    int64_t version;
} DeltaTxn;

typedef struct DeltaCommit {
    DeltaMode mode;
    const DeltaSpec *spec;     // creates the table when it is not there; overwrite: new schema
    const DeltaStaged *staged; // NULL: none
    const char *operation;     // "STREAMING UPDATE", "WRITE", "CREATE TABLE" ...
    const char *parameters;    // JSON object text; NULL: {}
    const DeltaTxn *txns;      // written, and read: a concurrent writer of one is a conflict
    size_t txn_count;
    TimeUs now;
} DeltaCommit;

// ERROR_CONFLICT: someone else changed what this commit depends on. ERROR_RETRY: disk.
// Every so many commits it writes a checkpoint; a failure of that does not fail the commit and is
// told by delta_checkpoint_problem (NULL: none).
MUST_USE bool delta_commit(DeltaTable *table, DuckConn *conn, const DeltaCommit *commit,
                           int64_t *version, Error *err);

MUST_USE bool delta_checkpoint(DeltaTable *table, DuckConn *conn, TimeUs now, Error *err);
const char *delta_checkpoint_problem(const DeltaTable *table);
