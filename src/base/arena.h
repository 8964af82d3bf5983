// arena.h -- memory that is freed all at once.
//
// Three lifetimes in tarn: engine (process), flow (plan, names), batch (reset after every batch).
// "Which arena?" is answered in the header comment of every function that allocates. Nothing in an
// arena is freed one by one. Exceeding the limit or running out of memory aborts with a message:
// arenas hold control-plane data (ASTs, plans, names), whose size a batch limit bounds.
//
// An arena belongs to one thread at a time. Memory is zeroed and 16-byte aligned.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdarg.h>

#include "base/base.h"

typedef struct Arena Arena;

Arena *arena_create(size_t limit_bytes); // 0: no limit
void arena_destroy(Arena *arena);        // NULL is a no-op
void arena_reset(Arena *arena);          // keeps the first block

void *arena_alloc(Arena *arena, size_t size);
char *arena_text(Arena *arena, Slice text); // copy, NUL-terminated
Slice arena_copy(Arena *arena, Slice bytes);
char *arena_printf(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
size_t arena_used(const Arena *arena);

#define ARENA_NEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define ARENA_ARRAY(arena, Type, count)                                                            \
    ((Type *)arena_alloc((arena), sizeof(Type) * (size_t)(count)))

// Appends to a growing array that lives in an arena (the old copy stays behind until reset):
//     ARENA_PUSH(arena, list->items, list->count, list->capacity, item);
#define ARENA_PUSH(arena, items, count, capacity, value)                                           \
    do {                                                                                           \
        if ((count) == (capacity)) {                                                               \
            (items) = arena_grow((arena), (items), sizeof *(items), (count), &(capacity));         \
        }                                                                                          \
        (items)[(count)++] = (value);                                                              \
    } while (0)
void *arena_grow(Arena *arena, const void *items, size_t item_size, size_t count, size_t *capacity);
