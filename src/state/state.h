// state.h -- keyed state of one flow: tables, and one durable append-only log.
//
//     state_open(dir, ...)                      lock, replay all records but the last
//     state_pending(...) -> state_apply_pending / state_discard_pending      (recovery, DESIGN 5)
//     { state_table ... state_put / state_delete / state_drop_bucket ...     one batch's changes
//       state_commit (one record, one fdatasync)  or  state_rollback }
//     state_close
//
// A table is a map (bucket, key bytes) -> value bytes. A bucket is an int64: the window's end, the
// time bucket of a deduplication, or 0. Dropping a bucket is one log record, and late rows find it
// gone. Within a batch, changes are visible to later lookups of it; rollback puts the old
// images back (undo is O(changes)).
//
//     log.00000001 ... 64 MiB segments:  [header | record | record | ...]
//     record = magic, crc32c, size, epoch, batch, meta (plan, JSON), rows (after-images)
//
// When the log is long for what is alive, a record also carries on the live rows of the oldest
// segment; every record names the first live segment, and dead ones are unlinked oldest first, one
// record later. No snapshot, no stall, replay is idempotent.
//
// Recovery: all records but the last are applied. The last, N, is held back: the engine asks the
// sink's marker and then applies it or discards it (truncate + fdatasync). A torn tail is cut off:
// N never happened. Any other damage is ERROR_CORRUPT naming file and offset.
//
// A failed fsync is ERROR_FAILED and poisons the log: no later commit succeeds.
// Memory: one StateBudget over all flows. Above 7/8 of it rows stay only in the log (README: cold);
// when their places alone are too many, state_put fails.
// Threads: lookups and scans may run on several threads while nothing changes; everything else on
// the flow's thread. One process holds the lock (flock + pid file); another gets ERROR_CONFLICT.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

typedef struct State State;
typedef struct StateTable StateTable;

// One account of memory over the states of all flows of the process. Thread-safe; it outlives the
// states that use it.
typedef struct StateBudget StateBudget;
StateBudget *state_budget_create(int64_t limit_bytes); // 0: no limit
void state_budget_destroy(StateBudget *budget);        // NULL is a no-op
int64_t state_budget_used(const StateBudget *budget);

typedef struct StateOptions {
    StateBudget *budget;      // of rows in memory, with their index and undo; NULL: no limit
    int64_t segment_bytes;    // at most; 0: 64 MiB. Small state has smaller segments
    bool read_only;           // offline inspection: no lock, no truncation, no commit
    const int64_t *as_of;     // read_only: the state after this batch; NULL: the newest
    int64_t retain_batches;   // so many batches back as_of can go (256 MiB of log at most)
    int (*sync_file)(int fd); // for tests that let it fail; NULL: fdatasync
} StateOptions;

// Where the log says the flow is. `meta` lives until the next commit, apply or discard.
typedef struct StatePosition {
    int64_t batch; // -1: nothing yet
    int64_t epoch;
    Slice meta;   // of that record
    uint32_t crc; // of the whole record: goes into the sink's marker
} StatePosition;

// Creates the folder (and the identity file) when missing. epoch is increased and made durable.
// With as_of nothing is pending; ERROR_INPUT when the log does not reach back, or on, to that
// batch.
MUST_USE bool state_open(const char *folder, const StateOptions *options, State **state,
                         Error *err);
void state_close(State *state); // without committing anything

const char *state_checkpoint_id(const State *state); // UUID made with the folder
int64_t state_epoch(const State *state);
StatePosition state_last(const State *state); // the last applied record

// The record held back by recovery, or false.
bool state_pending(const State *state, StatePosition *pending);
MUST_USE bool state_apply_pending(State *state, Error *err);
MUST_USE bool state_discard_pending(State *state, Error *err);

// The table `name` with the given layout (a text that names key and value types). A table of that
// name that the log knows with another layout is ERROR_INPUT naming both. Call after recovery.
MUST_USE bool state_table(State *state, const char *name, Slice layout, StateTable **table,
                          Error *err);

// The tables that the log knows, in the order of their definition; false: no more.
bool state_table_at(const State *state, size_t index, StateTable **table, const char **name,
                    Slice *layout);

// A value points into the table or into `scratch` (which the call empties), valid until the next
// change of the table or use of the scratch; data == NULL: unknown (an empty value that is known
// has it). `buckets` may be NULL: all in bucket 0. Thread-safe among lookups, each with a scratch
// of its own. Rows that are only in the log are read there, all of one call at once.
MUST_USE bool state_lookup_many(const StateTable *table, const int64_t *buckets, const Slice *keys,
                                size_t count, Buffer *scratch, Slice *values, Error *err);
MUST_USE bool state_lookup(const StateTable *table, int64_t bucket, Slice key, Buffer *scratch,
                           Slice *value, bool *found, Error *err);
// Key and value may come from a lookup. Fails past the memory limit, changing nothing.
MUST_USE bool state_put(StateTable *table, int64_t bucket, Slice key, Slice value, Error *err);
// The same for many rows, faster; keys and values must not lie in the table. After a failure some
// are put: roll back.
MUST_USE bool state_put_many(StateTable *table, const int64_t *buckets, const Slice *keys,
                             const Slice *values, size_t count, Error *err);
// An absent key is fine. Keys must not lie in the table.
MUST_USE bool state_delete_many(StateTable *table, const int64_t *buckets, const Slice *keys,
                                size_t count, Error *err);
// For a few: when the disk cannot be read, the commit of the batch fails with the reason.
void state_delete(StateTable *table, int64_t bucket, Slice key);
void state_drop_bucket(StateTable *table, int64_t bucket);

// Visits buckets in ascending order (from INT64_MIN; false at the end).
bool state_next_bucket(const StateTable *table, int64_t after, bool inclusive, int64_t *bucket);
// Rows of one bucket: slots 0 .. count-1 with no meaning in their order; *found is false for an
// empty slot. Key and value are valid as those of state_lookup.
uint64_t state_bucket_slots(const StateTable *table, int64_t bucket);
MUST_USE bool state_scan_row(const StateTable *table, int64_t bucket, uint64_t slot,
                             Buffer *scratch, Slice *key, Slice *value, bool *found, Error *err);
// The next rows (at most `limit`, *count in the end) from *slot on, which moves behind them. Rows
// in the log are read in its order. *count < limit: that was all.
MUST_USE bool state_scan_many(const StateTable *table, int64_t bucket, uint64_t *slot, size_t limit,
                              Buffer *scratch, Slice *keys, Slice *values, size_t *count,
                              Error *err);

// For a flow that has nothing to do: makes room for others if they need it and it has much.
void state_relieve(State *state);

int64_t state_row_count(const StateTable *table);
int64_t state_cold_count(const State *state); // rows of all tables that are only in the log
int64_t state_memory_bytes(const State *state);

// Appends the record of `batch` (greater than the last one) with the changes since the last commit
// and makes it durable. *position (may be NULL) is what recovery would report. On failure the
// changes are still there: roll back. ERROR_RETRY: the disk is full or the like, nothing is
// written.
MUST_USE bool state_commit(State *state, int64_t batch, Slice meta, StatePosition *position,
                           Error *err);
// After a commit whose sink refused: takes back its changes, and any since, AND truncates the
// record. Possible until state_confirm or the next commit.
MUST_USE bool state_discard_last(State *state, Error *err);
// Tells that the last committed batch is confirmed by its sink: its undo is forgotten.
void state_confirm(State *state);
void state_rollback(State *state); // of the changes since the last commit
