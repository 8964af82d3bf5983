// sweep.h -- the hand that goes over the oldest segments and carries on what is alive there.
//
//     log.7 [ ###|######## ]  log.8 [ ########## ]  ...  log.12 [ ######## + record being built ]
//          swept ^ hand                                            copies of live rows go here
//
// A row of the log is alive when it is the last image of its key, which the index knows. Once the
// hand has left a segment, nothing in there is needed for the state after the record being built;
// the next record may say so, and after it the file goes (README I4). Nothing is read at random,
// and rows that are not in memory are no different from those that are.
//
// How far the hand goes follows the bytes that a record has without it, and only when the log is
// more than twice what is alive: so the log stays below about three times the live rows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/log.h"
#include "state/reader.h"
#include "state/table.h"

typedef struct Hand {
    uint64_t segment;  // the one it is in: those before are swept
    uint64_t record;   // where in it the record begins; 0: at the first one
    uint64_t sequence; // of that record; 0: not known
    uint64_t offset;   // of the next row in the record; 0: at the first one
    int64_t bucket;    // of the row before
    uint32_t table;
    uint32_t rows; // left in the record
    uint32_t crc;  // of the record, up to the next row
} Hand;

typedef struct Sweep {
    Hand *hand;
    StateTable *const *tables; // ids 1 .. table_count
    size_t table_count;
    Reader *reader;
    const char *folder; // for messages
    Buffer *window;     // kept from record to record
    LogPlace place;     // of the record being built
    RecordWriter *writer;
    uint32_t count; // rows carried on
} Sweep;

// Goes over `budget` bytes of the segments before the place of the record being built, and about
// one row more. False: they cannot be read, or are damaged; what was carried on is in the record.
MUST_USE bool sweep_advance(Sweep *sweep, int64_t budget, Error *err);
// Takes back what the sweep changed in the tables, for a record that will not be: the rows that
// were carried on have their images where they were before.
void sweep_undo(StateTable *const *tables, Slice record);
