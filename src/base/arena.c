// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 16 * 1024, ALIGNMENT = 16 };

typedef struct Block {
    struct Block *next; // older
    size_t size;        // of data
    size_t used;
    _Alignas(ALIGNMENT) char data[];
} Block;

struct Arena {
    Block *blocks; // newest first
    size_t limit;
    size_t used;
};

static Block *add_block(Arena *arena, size_t size)
{
    size_t want = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    if (arena->limit != 0 && arena->used + size > arena->limit) {
        fprintf(stderr, "tarn: memory limit of %zu bytes for one plan or batch exceeded\n",
                arena->limit);
        abort();
    }
    Block *block = calloc(1, sizeof *block + want);
    if (block == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    block->size = want;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

Arena *arena_create(size_t limit_bytes)
{
    Arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    arena->limit = limit_bytes;
    return arena;
}

void arena_destroy(Arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (Block *block = arena->blocks; block != NULL;) {
        Block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void arena_reset(Arena *arena)
{
    while (arena->blocks != NULL && arena->blocks->next != NULL) {
        Block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    if (arena->blocks != NULL) {
        memset(arena->blocks->data, 0, arena->blocks->used);
        arena->blocks->used = 0;
    }
    arena->used = 0;
}

void *arena_alloc(Arena *arena, size_t size)
{
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size == 0) {
        size = ALIGNMENT;
    }
    Block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        block = add_block(arena, size);
    }
    void *memory = block->data + block->used;
    block->used += size;
    arena->used += size;
    return memory;
}

char *arena_text(Arena *arena, Slice text)
{
    char *copy = arena_alloc(arena, text.size + 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

Slice arena_copy(Arena *arena, Slice bytes)
{
    return (Slice){arena_text(arena, bytes), bytes.size};
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_used(const Arena *arena)
{
    return arena->used;
}

void *arena_grow(Arena *arena, const void *items, size_t item_size, size_t count, size_t *capacity)
{
    size_t wanted = count == 0 ? 8 : count * 2;
    void *grown = arena_alloc(arena, item_size * wanted);
    if (count > 0) {
        memcpy(grown, items, item_size * count);
    }
    *capacity = wanted;
    return grown;
}
