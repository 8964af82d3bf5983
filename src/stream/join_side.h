// join_side.h -- one side of a join of two streams: this batch's rows, and those it keeps.
//
// State holds lists of rows. A list is named by (time bucket, key, chunk); chunks 0, 1, 2 ... of a
// key are lists of a few kilobytes, so that a key with many rows is appended to without being
// copied:
//
//     name    bucket | key bytes, chunk:4
//     value   last chunk:4 (in chunk 0), row, row ...
//     row     time:8, size:4, matched:1, encoded columns
//
// Rows are never removed one by one: those at or before the side's watermark count as forgotten,
// and their buckets are dropped whole once all of it is. What is forgotten when is kept apart, in
// runs of a fine time bucket, so that a batch looks only at what expires:
//
//     name    fine bucket | run number:8
//     value   entry, entry ...
//     entry   time:8 and, where unmatched rows must come out, offset:4, chunk:4, size:4, key bytes
//
//     join_side_add (rows of the batch) -> join_side_want, join_side_load (lists to read) ->
//     join_side_mark -> join_side_expire -> join_side_write -> join_side_drop -> join_side_reset
//
// Lists that are wanted twice are one. What a list's value points to is valid until a change of the
// table, join_side_write. One thread, except that loaded lists may be read by many.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "state/state.h"
#include "stream/join_index.h"
#include "stream/stage_join.h"

typedef struct JoinRow {
    TimeUs time;     // TIME_NEVER: none
    uint64_t offset; // of the encoded columns in `bytes`
    uint32_t size;
    uint32_t next; // of its group
    bool matched;
    bool skips_state; // not to be kept
} JoinRow;

// Rows of the batch with one key in one time bucket.
typedef struct JoinGroup {
    int64_t bucket;
    uint64_t hash; // of the key
    uint64_t key;  // offset in `bytes`
    uint32_t key_size;
    uint32_t first; // rows
    uint32_t last;
    uint32_t next; // group of the same key
    uint32_t list; // chunk 0, where the rows will go
    TimeUs min_time, max_time;
    bool is_mixed; // some row is older than the one before
} JoinGroup;

typedef struct JoinList {
    int64_t bucket;
    uint64_t hash;
    uint64_t name; // offset in `bytes`: key bytes, chunk:4
    uint32_t name_size;
    uint32_t next;             // list of the next chunk
    uint32_t tail;             // of chunk 0: list of the last chunk
    Slice value;               // data NULL: there is none; with marks it is a copy
    TimeUs min_time, max_time; // of its rows, where all are wanted and times are bound
    bool is_changed, is_written;
    bool wants_tail, wants_all;
} JoinList;

typedef struct JoinSide {
    const PlanJoin *plan;
    const PlanJoinSide *rule;
    StateTable *rows;
    StateTable *expiry;         // NULL: nothing expires
    TimeUs grain, expiry_grain; // as when the state was begun: the plan's may have changed
    int64_t total;              // rows kept, forgotten ones not counted
    int64_t next_run;
    TimeUs forgotten; // up to the batch before
    TimeUs forgets;   // with this batch
    // Of the batch:
    Buffer bytes;
    Buffer items, groups, lists; // JoinRow, JoinGroup, JoinList
    JoinIndex group_index;       // by bucket and key
    JoinIndex key_index;         // the first group of each key
    JoinIndex list_index;
    size_t loaded;     // lists before it have been read
    Buffer *scratches; // rows that lay on disk
    size_t scratch_count, scratch_capacity;
    Arena *arena; // lists with marks
} JoinSide;

typedef struct JoinStored { // a row in a list
    TimeUs time;
    Slice bytes;
    uint32_t offset; // of the row in the list
    bool matched;
} JoinStored;

void join_side_open(JoinSide *side, const PlanJoin *plan, int which);
void join_side_reset(JoinSide *side); // forgets the batch
void join_side_close(JoinSide *side);

// A row of the batch, whose key and columns have been appended to side->bytes: at `key`, and behind
// it at `columns`. Gives its number.
uint32_t join_side_add(JoinSide *side, TimeUs time, uint64_t key, uint64_t columns);
// A row that is in no group: it matches nothing and is not kept.
uint32_t join_side_add_alone(JoinSide *side, uint64_t columns);
// The list where rows with the key of a group (of this side or the other) are kept; for
// `all` its chunks are read, else the first and the last.
uint32_t join_side_want(JoinSide *side, int64_t bucket, const JoinSide *of, const JoinGroup *group,
                        bool all);
// Puts the rows of each group in the order of their times; those with equal times stay as they are.
void join_side_sort(JoinSide *side);
// Reads the lists wanted since the last call.
MUST_USE bool join_side_load(JoinSide *side, Error *err);
// The first group of this side with the key of the other side's group; JOIN_NONE: there is none.
uint32_t join_side_find_key(const JoinSide *side, const JoinSide *of, const JoinGroup *group);

// The next row of a list, *at starts at 0. False at the end.
bool join_side_next(const JoinList *list, size_t *at, JoinStored *row);
void join_side_mark(JoinSide *side, uint32_t list, uint32_t offset);
int64_t join_side_bucket(const JoinSide *side, TimeUs time);
// Rows at or before it are forgotten at this watermark; TIME_MIN: none.
TimeUs join_side_forgets(const PlanJoinSide *rule, TimeUs watermark);

// Counts the rows of the state that this batch forgets, and calls `visit` for those without a match
// where the side is preserved.
typedef void (*JoinVisit)(void *context, Slice columns);
MUST_USE bool join_side_expire(JoinSide *side, JoinVisit visit, void *context, int64_t *count,
                               Error *err);
// Puts the batch's rows that are to be kept, and marks, into the state.
MUST_USE bool join_side_write(JoinSide *side, Error *err);
// Drops the buckets that are forgotten as a whole.
void join_side_drop(JoinSide *side);

size_t join_side_row_count(const JoinSide *side);
size_t join_side_group_count(const JoinSide *side);

static inline JoinRow *join_side_row(const JoinSide *side, uint32_t number)
{
    return (JoinRow *)side->items.data + number;
}

static inline JoinGroup *join_side_group(const JoinSide *side, uint32_t number)
{
    return (JoinGroup *)side->groups.data + number;
}

static inline JoinList *join_side_list(const JoinSide *side, uint32_t number)
{
    return (JoinList *)side->lists.data + number;
}
