// SPDX-License-Identifier: Apache-2.0
#include "stream/join_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static void index_resize(JoinIndex *index, size_t capacity)
{
    JoinIndex old = *index;
    Buffer hashes = {0}; // aborts when there is no memory
    Buffer numbers = {0};
    buffer_reserve(&hashes, capacity * sizeof(uint64_t));
    buffer_reserve(&numbers, capacity * sizeof(uint32_t));
    *index = (JoinIndex){(uint64_t *)hashes.data, (uint32_t *)numbers.data, capacity, old.count};
    memset(index->numbers, 0xff, capacity * sizeof(uint32_t));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.numbers[i] == JOIN_NONE) {
            continue;
        }
        size_t slot = old.hashes[i] & (capacity - 1);
        while (index->numbers[slot] != JOIN_NONE) {
            slot = (slot + 1) & (capacity - 1);
        }
        index->hashes[slot] = old.hashes[i];
        index->numbers[slot] = old.numbers[i];
    }
    free(old.hashes);
    free(old.numbers);
}

void join_index_add(JoinIndex *index, uint64_t hash, uint32_t number)
{
    if (index->count * 2 >= index->capacity) {
        index_resize(index, index->capacity == 0 ? 256 : index->capacity * 2);
    }
    size_t slot = hash & (index->capacity - 1);
    while (index->numbers[slot] != JOIN_NONE) {
        slot = (slot + 1) & (index->capacity - 1);
    }
    index->hashes[slot] = hash;
    index->numbers[slot] = number;
    index->count++;
}

// The next number with this hash; *slot starts at `hash`.
uint32_t join_index_next(const JoinIndex *index, uint64_t hash, uint64_t *slot)
{
    while (index->capacity > 0) {
        size_t at = *slot & (index->capacity - 1);
        if (index->numbers[at] == JOIN_NONE) {
            break;
        }
        (*slot)++;
        if (index->hashes[at] == hash) {
            return index->numbers[at];
        }
    }
    return JOIN_NONE;
}

void join_index_done(JoinIndex *index)
{
    free(index->hashes);
    free(index->numbers);
    *index = (JoinIndex){0};
}

// Empties; what a large batch has needed is given back.
void join_index_reset(JoinIndex *index)
{
    if (index->capacity > 4096 && index->count * 16 < index->capacity) {
        join_index_done(index);
    } else if (index->count > 0) {
        memset(index->numbers, 0xff, index->capacity * sizeof(uint32_t));
        index->count = 0;
    }
}
