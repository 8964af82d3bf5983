// state_internal.h -- what state.c (opening, memory), rows.c (the rows of a batch)
// and commit.c share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/budget.h"
#include "state/replay.h"
#include "state/sweep.h"
#include "state/undo.h"

enum { STATE_UUID_SIZE = 36 };

typedef struct Position {
    int64_t batch;
    int64_t epoch;
    uint32_t crc;
    Buffer meta;
} Position;

struct State {
    char *folder;
    int folder_fd;
    int lock_fd;
    StateOptions options;
    char checkpoint_id[STATE_UUID_SIZE + 1];
    int64_t epoch;

    StateTable **tables; // by id - 1
    size_t table_count;
    size_t table_capacity;
    size_t logged_count; // tables whose definition is in the log
    BucketCommon common;
    struct {
        size_t table; // index
        int64_t bucket;
        int64_t retry; // memory below which there is nothing to gain, as was found out
    } cool;            // where making rows cold goes on
    Buffer copy;       // of a put's arguments
    int64_t accounted; // of state_memory_bytes, in the budget

    Undo changes;   // since the last commit
    Error problem;  // of a change that could not say it
    Undo committed; // of the last commit, until it is confirmed
    bool can_discard;
    size_t logged_before; // the last commit
    Hand hand_before;
    LogPlace last_place;

    Log *log; // NULL: read-only
    Reader *reader;
    Buffer window; // of the sweep
    Hand hand;
    uint64_t next_sequence;
    Buffer record; // being built, then the last one
    Position last;
    Position before; // the last
    Replay replay;   // `last` of it is the record held back

    uint64_t *live; // hand_segment of the last records, by batch: what looking back needs
};

// Brings the account of all flows up to date.
void state_account(State *state);
// Whether the account is about to be crowded, so that rows have to go cold.
bool state_is_over(State *state, int64_t more);
// Whether the account bears so many bytes more; makes rows cold if need be.
MUST_USE bool state_check_limit(State *state, int64_t more, Error *err);
// Makes rows cold until the account has room for so many bytes more, or nothing is left to gain.
void state_cool(State *state, int64_t more);

void state_swap_positions(State *state); // last and before
void state_set_last(State *state, const RecordHeader *header, Slice meta);

int64_t state_segment_limit(const State *state);
uint64_t *state_live_of(const State *state, int64_t batch); // in `live`
// The first segment that stays: for the state as it is, or as it was some batches ago.
uint64_t state_first_kept(const State *state, int64_t batch, uint64_t first_live);
