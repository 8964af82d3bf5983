// sweep.h -- the hand that walks all rows and logs them again, so that old segments die.
//
// A round begins when a segment can be gained, and remembers the segment of that moment. At its end
// every row is in that segment or a later one: it was swept, or changed since (README I5). The next
// record may then name that segment as the first live one, and after it the older ones go (I4).
//
// The hand moves by bytes: as many as the record has without it, so that a record is at most about
// twice as long, and the log at most about four times the rows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/record.h"
#include "state/table.h"

typedef struct Hand {
    uint64_t round_start; // segment; 0: no round
    uint64_t next_live;   // segments before it are dead once another record is durable
    uint32_t table;       // rows at or above (table, bucket, hash) are still to be visited
    int64_t bucket;
    uint64_t hash;
    int64_t credit; // bytes it may still visit; negative after a large row
} Hand;

// Adds rows to the record being built, which goes to `segment` or a later one (0: none yet).
// Table ids are 1 .. table_count. Returns the number of rows added.
uint32_t sweep_advance(Hand *hand, StateTable *const *tables, size_t table_count, uint64_t segment,
                       RecordWriter *writer);
