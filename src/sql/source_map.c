// source_map.c -- from a byte of the printed SQL back to the user's text.
// SPDX-License-Identifier: Apache-2.0
#include "sql/print.h"

// The last entry at or before the offset: what was printed last before this byte.
Pos source_map_find(const SourceMap *map, size_t offset)
{
    size_t low = 0;
    size_t high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (map->entries[middle].offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? (Pos){0} : map->entries[low - 1].pos;
}
