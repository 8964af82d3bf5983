// map.h -- text keys to pointers, remembering the order of insertion.
//
//     Map *map = map_create(true);          // true: ASCII case of keys is ignored
//     map_put(map, slice_of("a"), thing);   // replaces; returns the former value or NULL
//     for (size_t i = 0; i < map_count(map); i++) { map_value_at(map, i) ... }
//
// Keys are copied, values are not owned. Removal keeps the order of the rest (O(n)), except
// map_remove_fast, which moves the last entry into the gap. One thread at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

typedef struct Map Map;

Map *map_create(bool ignore_case);
void map_destroy(Map *map);

void *map_put(Map *map, Slice key, void *value);
void *map_find(const Map *map, Slice key); // NULL: none
bool map_has(const Map *map, Slice key);
void *map_remove(Map *map, Slice key);
void *map_remove_fast(Map *map, Slice key);
void map_clear(Map *map);

size_t map_count(const Map *map);
Slice map_key_at(const Map *map, size_t index);
void *map_value_at(const Map *map, size_t index);

// The key nearest to `word` by edit distance, if near enough to be a typing error; else empty.
Slice map_nearest(const Map *map, Slice word);

// Edit distance (insert, delete, replace, swap of neighbours), ASCII case ignored.
size_t text_distance(Slice a, Slice b);
// True when `distance` between words of this length is plausibly a typing error.
bool text_is_near(Slice a, Slice b);

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed);
