// SPDX-License-Identifier: Apache-2.0
#include "stream/key_set.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/map.h"

enum { FIRST_SLOTS = 1024 };

typedef struct Slot {
    uint32_t hash;   // upper half, for comparing before the bytes
    uint32_t offset; // of {uint32_t size, bytes} in `keys`, plus one; 0: free
} Slot;

struct KeySet {
    Buffer keys;
    Slot *slots;
    size_t slot_count; // a power of two
    size_t count;
};

static Slot *make_slots(size_t count)
{
    Slot *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    return slots;
}

KeySet *key_set_create(void)
{
    KeySet *set = calloc(1, sizeof *set);
    if (set == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    set->slots = make_slots(FIRST_SLOTS);
    set->slot_count = FIRST_SLOTS;
    return set;
}

void key_set_destroy(KeySet *set)
{
    if (set == NULL) {
        return;
    }
    buffer_done(&set->keys);
    free(set->slots);
    free(set);
}

void key_set_clear(KeySet *set)
{
    if (set->count == 0) {
        return;
    }
    if (set->keys.capacity + set->slot_count * sizeof(Slot) > KEY_SET_KEEP_BYTES) {
        buffer_done(&set->keys);
        free(set->slots);
        set->slots = make_slots(FIRST_SLOTS);
        set->slot_count = FIRST_SLOTS;
    } else {
        buffer_reset(&set->keys);
        memset(set->slots, 0, set->slot_count * sizeof(Slot));
    }
    set->count = 0;
}

static Slice key_at(const KeySet *set, uint32_t offset)
{
    uint32_t size;
    memcpy(&size, set->keys.data + offset, sizeof size);
    return (Slice){set->keys.data + offset + sizeof size, size};
}

static void grow(KeySet *set)
{
    size_t count = set->slot_count * 2;
    Slot *slots = make_slots(count);
    for (size_t i = 0; i < set->slot_count; i++) {
        Slot slot = set->slots[i];
        if (slot.offset == 0) {
            continue;
        }
        Slice key = key_at(set, slot.offset - 1);
        size_t at = hash_bytes(key.data, key.size, 0) & (count - 1);
        while (slots[at].offset != 0) {
            at = (at + 1) & (count - 1);
        }
        slots[at] = slot;
    }
    free(set->slots);
    set->slots = slots;
    set->slot_count = count;
}

bool key_set_add(KeySet *set, Slice key, bool *is_new, Error *err)
{
    uint64_t hash = hash_bytes(key.data, key.size, 0);
    uint32_t upper = (uint32_t)(hash >> 32);
    size_t mask = set->slot_count - 1;
    size_t at = hash & mask;
    for (; set->slots[at].offset != 0; at = (at + 1) & mask) {
        if (set->slots[at].hash == upper &&
            slice_equal(key_at(set, set->slots[at].offset - 1), key)) {
            *is_new = false;
            return true;
        }
    }
    if (set->keys.size + key.size + sizeof(uint32_t) >= UINT32_MAX) {
        return fail(err, ERROR_FAILED, "the keys of one batch exceed 4 GiB");
    }
    set->slots[at] = (Slot){upper, (uint32_t)set->keys.size + 1};
    uint32_t size = (uint32_t)key.size;
    buffer_append_bytes(&set->keys, &size, sizeof size);
    buffer_append(&set->keys, key);
    *is_new = true;
    if (++set->count * 2 > set->slot_count) {
        grow(set);
    }
    return true;
}
