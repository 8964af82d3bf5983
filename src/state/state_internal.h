// state_internal.h -- what state.c (opening, commits) and rows.c (the rows of a batch) share.
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
    int64_t memory;
    int64_t accounted; // of state_memory_bytes, in the budget

    Undo changes;   // since the last commit
    Undo committed; // of the last commit, until it is confirmed
    bool can_discard;
    size_t logged_before; // the last commit
    Hand hand_before;
    LogPlace last_place;

    Log *log; // NULL: read-only
    Hand hand;
    uint64_t next_sequence;
    Buffer record; // being built
    Position last;
    Position before; // the last
    Replay replay;   // `last` of it is the record held back

    uint64_t *live; // next_live of the last records, by batch: what looking back at them needs
};
enum {
    RETAINED_BYTES = 256 << 20, // of segments that only looking back needs
};

// Brings the account of all flows up to date.
void state_account(State *state);
// Whether the account bears so many bytes more.
MUST_USE bool state_check_limit(State *state, int64_t more, Error *err);
