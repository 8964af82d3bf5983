// outside.h -- what a materialized view reads that no flow of the project writes.
//
//     outside_find(catalog, query, arena, &list)        once
//     { outside_print(&list, reader, state, err) }*     the same text: nothing has changed
//
// Flows say when they have committed; files and tables of other writers are looked at instead. A
// table is known by its version, files by name, size and time of change, so a look costs a stat for
// each file. Files that the source would leave out count too: a view may be refreshed in vain,
// never left behind.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/relation.h"

typedef struct OutsideList {
    const Relation **items;
    size_t count;
    size_t capacity;
} OutsideList;

// `query` with its temporary views replaced (Dataset.query); the list lives in the arena.
void outside_find(const Catalog *catalog, const Query *query, Arena *arena, OutsideList *list);
// Appends what the sources are like now. Texts in between go into the reader's catalog's arena.
MUST_USE bool outside_print(const OutsideList *list, RelationReader *reader, Buffer *state,
                            Error *err);
