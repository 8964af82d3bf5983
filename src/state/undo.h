// undo.h -- the old images of what a batch changed, in the order of the changes.
//
// It serves twice: walked forward, it says which keys the record of the batch must hold; walked
// backward, it takes the changes back. A key changed twice in a batch is here once, unless it was
// deleted in between (its row, and so its ROW_DIRTY mark, was gone); both walks bear that.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "state/table.h"

typedef enum UndoKind {
    UNDO_ABSENT, // the key did not exist
    UNDO_HOT,    // it had this value
    UNDO_COLD,   // its value is in the log
    UNDO_DROP,
} UndoKind;

typedef struct UndoEntry {
    StateTable *table;
    int64_t bucket;
    Bucket *dropped; // not NULL: the whole bucket was dropped, and this is it
    size_t bytes;    // where key and old value are
    uint64_t image;  // of the old value; 0: none yet
    uint32_t key_size;
    uint32_t value_size;
    UndoKind kind;
} UndoEntry;

typedef struct Undo {
    UndoEntry *entries;
    size_t count;
    size_t capacity;
    Buffer bytes;
} Undo;

// `value` of UNDO_HOT, `image` of both kinds of rows that exist.
void undo_add(Undo *undo, StateTable *table, int64_t bucket, Slice key, UndoKind kind, Slice value,
              uint64_t image);
void undo_add_drop(Undo *undo, StateTable *table, int64_t bucket, Bucket *dropped); // owns it
Slice undo_key(const Undo *undo, const UndoEntry *entry);
int64_t undo_bytes(const Undo *undo); // of memory, dropped buckets not included

void undo_roll_back(Undo *undo); // and empties it
void undo_forget(Undo *undo);    // empties it: dropped buckets are freed
void undo_done(Undo *undo);
