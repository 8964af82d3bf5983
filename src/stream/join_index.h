// join_index.h -- numbers found by a hash: of groups, keys and lists of one batch of a join.
//
//     join_index_add(&index, hash, number);
//     uint64_t slot = hash;
//     while ((number = join_index_next(&index, hash, &slot)) != JOIN_NONE) { compare what it is }
//
// Zeroed is empty. Numbers are not removed but all at once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

#define JOIN_NONE UINT32_MAX // no number

typedef struct JoinIndex {
    uint64_t *hashes;
    uint32_t *numbers; // JOIN_NONE: free
    size_t capacity;   // a power of two
    size_t count;
} JoinIndex;

void join_index_add(JoinIndex *index, uint64_t hash, uint32_t number);
// The next number with this hash; *slot starts at `hash`. JOIN_NONE: no more.
uint32_t join_index_next(const JoinIndex *index, uint64_t hash, uint64_t *slot);
// Empties; memory that a large batch has needed is given back.
void join_index_reset(JoinIndex *index);
void join_index_done(JoinIndex *index);
