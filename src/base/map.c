// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Entry {
    uint64_t hash;
    char *key;
    size_t key_size;
    void *value;
} Entry;

struct Map {
    bool ignore_case;
    Entry *entries; // in order of insertion
    size_t count;
    size_t capacity;
    uint32_t *slots; // index + 1 into entries; 0: free
    size_t slot_count;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    return memory;
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed)
{
    // Multiply-fold over 8-byte words (the mixing of splitmix64), enough for hash tables.
    const unsigned char *bytes = data;
    uint64_t hash = seed ^ (size * 0x9e3779b97f4a7c15u);
    while (size > 0) {
        uint64_t word = 0;
        size_t take = size < 8 ? size : 8;
        memcpy(&word, bytes, take);
        hash = (hash ^ word) * 0xbf58476d1ce4e5b9u;
        hash ^= hash >> 29;
        bytes += take;
        size -= take;
    }
    hash = (hash ^ (hash >> 32)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 29);
}

static uint64_t hash_key(const Map *map, Slice key)
{
    if (!map->ignore_case) {
        return hash_bytes(key.data, key.size, 0);
    }
    uint64_t hash = 0;
    for (size_t i = 0; i < key.size; i++) {
        hash = (hash ^ (unsigned char)fold(key.data[i])) * 0x100000001b3u;
    }
    return hash;
}

static bool same_key(const Map *map, const Entry *entry, Slice key)
{
    if (entry->key_size != key.size) {
        return false;
    }
    for (size_t i = 0; i < key.size; i++) {
        char a = entry->key[i];
        char b = key.data[i];
        if (a != b && !(map->ignore_case && fold(a) == fold(b))) {
            return false;
        }
    }
    return true;
}

static void rebuild_slots(Map *map, size_t slot_count)
{
    if (slot_count != map->slot_count) {
        free(map->slots);
        map->slots = must(malloc(slot_count * sizeof *map->slots));
        map->slot_count = slot_count;
    }
    memset(map->slots, 0, slot_count * sizeof *map->slots);
    for (size_t i = 0; i < map->count; i++) {
        size_t slot = map->entries[i].hash & (slot_count - 1);
        while (map->slots[slot] != 0) {
            slot = (slot + 1) & (slot_count - 1);
        }
        map->slots[slot] = (uint32_t)i + 1;
    }
}

Map *map_create(bool ignore_case)
{
    Map *map = must(calloc(1, sizeof *map));
    map->ignore_case = ignore_case;
    rebuild_slots(map, 16);
    return map;
}

void map_clear(Map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->entries[i].key);
    }
    map->count = 0;
    rebuild_slots(map, map->slot_count);
}

void map_destroy(Map *map)
{
    if (map == NULL) {
        return;
    }
    map_clear(map);
    free(map->entries);
    free(map->slots);
    free(map);
}

static Entry *find(const Map *map, Slice key)
{
    uint64_t hash = hash_key(map, key);
    for (size_t slot = hash & (map->slot_count - 1); map->slots[slot] != 0;
         slot = (slot + 1) & (map->slot_count - 1)) {
        Entry *entry = &map->entries[map->slots[slot] - 1];
        if (entry->hash == hash && same_key(map, entry, key)) {
            return entry;
        }
    }
    return NULL;
}

void *map_put(Map *map, Slice key, void *value)
{
    Entry *entry = find(map, key);
    if (entry != NULL) {
        void *former = entry->value;
        entry->value = value;
        return former;
    }
    if (map->count == map->capacity) {
        map->capacity = map->capacity == 0 ? 8 : map->capacity * 2;
        map->entries = must(realloc(map->entries, map->capacity * sizeof *map->entries));
    }
    char *copy = must(malloc(key.size + 1));
    if (key.size > 0) {
        memcpy(copy, key.data, key.size);
    }
    copy[key.size] = '\0';
    map->entries[map->count++] = (Entry){hash_key(map, key), copy, key.size, value};
    if (map->count * 2 > map->slot_count) {
        rebuild_slots(map, map->slot_count * 2);
    } else {
        size_t slot = map->entries[map->count - 1].hash & (map->slot_count - 1);
        while (map->slots[slot] != 0) {
            slot = (slot + 1) & (map->slot_count - 1);
        }
        map->slots[slot] = (uint32_t)map->count;
    }
    return NULL;
}

void *map_find(const Map *map, Slice key)
{
    Entry *entry = find(map, key);
    return entry == NULL ? NULL : entry->value;
}

bool map_has(const Map *map, Slice key)
{
    return find(map, key) != NULL;
}

void *map_remove(Map *map, Slice key)
{
    Entry *entry = find(map, key);
    if (entry == NULL) {
        return NULL;
    }
    void *value = entry->value;
    free(entry->key);
    size_t index = (size_t)(entry - map->entries);
    memmove(entry, entry + 1, (map->count - index - 1) * sizeof *entry);
    map->count--;
    rebuild_slots(map, map->slot_count);
    return value;
}

// The slot that holds `index`, by probing from the entry's own hash.
static size_t slot_of(const Map *map, size_t index)
{
    size_t slot = map->entries[index].hash & (map->slot_count - 1);
    while (map->slots[slot] != (uint32_t)index + 1) {
        slot = (slot + 1) & (map->slot_count - 1);
    }
    return slot;
}

void *map_remove_fast(Map *map, Slice key)
{
    Entry *entry = find(map, key);
    if (entry == NULL) {
        return NULL;
    }
    void *value = entry->value;
    size_t index = (size_t)(entry - map->entries);
    size_t last = map->count - 1;
    size_t mask = map->slot_count - 1;
    size_t hole = slot_of(map, index);
    if (index != last) {
        map->slots[slot_of(map, last)] = (uint32_t)index + 1;
    }
    // Backward-shift deletion: pull later members of the probe chain into the hole.
    map->slots[hole] = 0;
    free(entry->key);
    map->entries[index] = map->entries[last];
    map->count--;
    for (size_t slot = (hole + 1) & mask; map->slots[slot] != 0; slot = (slot + 1) & mask) {
        size_t home = map->entries[map->slots[slot] - 1].hash & mask;
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            map->slots[hole] = map->slots[slot];
            map->slots[slot] = 0;
            hole = slot;
        }
    }
    return value;
}

size_t map_count(const Map *map)
{
    return map->count;
}

Slice map_key_at(const Map *map, size_t index)
{
    return (Slice){map->entries[index].key, map->entries[index].key_size};
}

void *map_value_at(const Map *map, size_t index)
{
    return map->entries[index].value;
}

size_t text_distance(Slice a, Slice b)
{
    enum { MAX = 64 };
    if (a.size > MAX || b.size > MAX) {
        return a.size > b.size ? a.size : b.size;
    }
    size_t rows[3][MAX + 1];
    for (size_t j = 0; j <= b.size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            char x = fold(a.data[i - 1]);
            char y = fold(b.data[j - 1]);
            size_t best = above[j - 1] + (x == y ? 0 : 1);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && x == fold(b.data[j - 2]) && fold(a.data[i - 2]) == y &&
                above2[j - 2] + 1 < best) {
                best = above2[j - 2] + 1;
            }
            row[j] = best;
        }
    }
    return rows[a.size % 3][b.size];
}

bool text_is_near(Slice a, Slice b)
{
    size_t longer = a.size > b.size ? a.size : b.size;
    return text_distance(a, b) <= (longer <= 4 ? 1 : longer <= 8 ? 2 : 3);
}

Slice map_nearest(const Map *map, Slice word)
{
    Slice best = {0};
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < map->count; i++) {
        Slice key = map_key_at(map, i);
        size_t distance = text_distance(key, word);
        if (distance < best_distance && text_is_near(key, word)) {
            best = key;
            best_distance = distance;
        }
    }
    return best;
}
