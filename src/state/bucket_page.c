// bucket_page.c -- the pages of a bucket: room for rows, compaction, and making rows cold.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "state/bucket_internal.h"

enum {
    PAGE_BYTES = 8 << PAGE_SHIFT,
    PAGE_FIRST_BYTES = 256,
    BIG_ROW_BYTES = PAGE_BYTES / 4, // has a page of its own
    COMPACT_BYTES = 512,            // fewer dead bytes are not worth a move
    COOL_BYTES = 1024,              // nor are fewer bytes of rows worth making them cold
    AHEAD = 8,                      // rows whose slots a walk over a page prefetches
};

size_t bucket_row_bytes(size_t key_size, size_t value_size)
{
    return (sizeof(Row) + key_size + value_size + 7) & ~(size_t)7;
}

static size_t row_bytes_of(const Row *row)
{
    return bucket_row_bytes(row->key_size & ROW_SIZE, row->value_size);
}

static uint32_t page_open(Bucket *bucket, size_t capacity, bool is_cold)
{
    uint32_t number = bucket->unused_page;
    if (number != NO_PAGE) {
        bucket->unused_page = bucket->pages[number].capacity;
    } else {
        if (bucket->page_count == bucket->page_capacity) {
            uint32_t want = bucket->page_capacity == 0 ? 1 : bucket->page_capacity * 2;
            bucket_count_memory(bucket,
                                (int64_t)(want - bucket->page_capacity) * (int64_t)sizeof(Page));
            bucket->pages = bucket_must(realloc(bucket->pages, want * sizeof(Page)));
            bucket->page_capacity = want;
        }
        number = bucket->page_count++;
    }
    bucket->pages[number] = (Page){
        .bytes = bucket_must(malloc(capacity)),
        .capacity = (uint32_t)capacity,
        .is_cold = is_cold,
    };
    bucket_count_memory(bucket, (int64_t)capacity);
    return number;
}

static void page_release(Bucket *bucket, uint32_t number)
{
    Page *page = &bucket->pages[number];
    bucket_count_memory(bucket, -(int64_t)page->capacity);
    bucket->used -= page->used;
    bucket->dead -= page->dead;
    free(page->bytes);
    *page = (Page){.bytes = NULL, .capacity = bucket->unused_page};
    bucket->unused_page = number;
}

// As much again as the bucket has of this kind, within bounds. Kinds grow apart: the first cold
// rows of a bucket that was all hot take a few bytes, however large the bucket is.
static size_t next_capacity(const Bucket *bucket, bool is_cold)
{
    int64_t cold = bucket->cold_count * COLD_BYTES;
    int64_t capacity = is_cold ? cold : bucket->used - cold;
    capacity = capacity < PAGE_FIRST_BYTES ? PAGE_FIRST_BYTES : capacity;
    return capacity > PAGE_BYTES ? PAGE_BYTES : (size_t)capacity & ~(size_t)7;
}

// Room for a row; the caller fills it at once.
static uint32_t row_allocate(Bucket *bucket, size_t size, bool is_cold)
{
    uint32_t number;
    if (size > BIG_ROW_BYTES) {
        number = page_open(bucket, size, false);
    } else {
        number = bucket->current[is_cold];
        if (number == NO_PAGE ||
            bucket->pages[number].capacity - bucket->pages[number].used < size) {
            size_t capacity = next_capacity(bucket, is_cold);
            number = page_open(bucket, capacity < size ? size : capacity, is_cold);
            bucket->current[is_cold] = number;
        }
    }
    Page *page = &bucket->pages[number];
    uint32_t row = number << PAGE_SHIFT | page->used / 8;
    page->used += (uint32_t)size;
    bucket->used += (int64_t)size;
    return row;
}

void bucket_release_row(Bucket *bucket, uint32_t number)
{
    Page *page = &bucket->pages[number >> PAGE_SHIFT];
    size_t size = COLD_BYTES;
    if (page->is_cold) {
        uint64_t *bits = page_at(page, number);
        *bits = 0; // no image is there: offset 0 is the file's header
    } else {
        Row *row = page_at(page, number);
        size = row_bytes_of(row);
        row->key_size |= ROW_DEAD;
    }
    page->dead += (uint32_t)size;
    bucket->dead += (int64_t)size;
    if (page->dead != page->used) {
        return;
    }
    if (number >> PAGE_SHIFT != bucket->current[page->is_cold]) {
        page_release(bucket, number >> PAGE_SHIFT);
    } else {
        bucket->used -= page->used;
        bucket->dead -= page->dead;
        page->used = 0;
        page->dead = 0;
    }
}

uint32_t bucket_write_row(Bucket *bucket, Slice key, Slice value, uint64_t image, uint32_t flags)
{
    uint32_t number = row_allocate(bucket, bucket_row_bytes(key.size, value.size), false);
    Row *row = page_at(page_of(bucket, number), number);
    row->image = image;
    row->key_size = (uint32_t)key.size | flags;
    row->value_size = (uint32_t)value.size;
    if (key.size != 0) {
        memcpy(row->bytes, key.data, key.size);
    }
    if (value.size != 0) {
        memcpy(row->bytes + key.size, value.data, value.size);
    }
    return number;
}

uint32_t bucket_write_cold(Bucket *bucket, uint64_t bits)
{
    uint32_t number = row_allocate(bucket, COLD_BYTES, true);
    uint64_t *place = page_at(page_of(bucket, number), number);
    *place = bits;
    return number;
}

// Moves a row that is to stay as it is into the page being filled.
static void row_move(Bucket *bucket, const void *bytes, size_t size, bool is_cold, uint32_t *slot)
{
    uint32_t copy = row_allocate(bucket, size, is_cold);
    memcpy(page_at(page_of(bucket, copy), copy), bytes, size);
    *slot = copy;
}

static void empty_cold_page(Bucket *bucket, uint32_t number)
{
    Page page = bucket->pages[number]; // moving rows may move the array of pages
    for (uint32_t offset = 0; offset < page.used; offset += COLD_BYTES) {
        uint64_t bits;
        memcpy(&bits, page.bytes + offset, sizeof bits);
        if (bits != 0) {
            uint32_t *slot =
                bucket_slot_of(bucket, cold_hash(bits, 0), number << PAGE_SHIFT | offset / 8);
            row_move(bucket, &bits, sizeof bits, true, slot);
        }
    }
    page_release(bucket, number);
}

static uint32_t hash_of(const Bucket *bucket, const Row *row)
{
    return bucket_hash(row_key(row), bucket->common->seed);
}

static bool can_cool(const Row *row)
{
    return (row->key_size & (ROW_DIRTY | ROW_DEAD | ROW_USED)) == 0 && image_can_pack(row->image);
}

// Gives up a page of hot rows; those that may (is_cooling) become cold, the others move.
static void empty_hot_page(Bucket *bucket, uint32_t number, bool is_cooling)
{
    Page page = bucket->pages[number];
    uint32_t ahead = 0;
    uint32_t hashes[2 * AHEAD];
    uint32_t at = 0;
    uint32_t known = 0;
    for (uint32_t offset = 0; offset < page.used; at++) {
        for (; known < at + AHEAD && ahead < page.used; known++) {
            const Row *next = (const Row *)(const void *)(page.bytes + ahead);
            hashes[known % (2 * AHEAD)] = hash_of(bucket, next);
            bucket_prefetch_index(bucket, hashes[known % (2 * AHEAD)]);
            ahead += (uint32_t)row_bytes_of(next);
        }
        const Row *row = (const Row *)(const void *)(page.bytes + offset);
        size_t size = row_bytes_of(row);
        if ((row->key_size & ROW_DEAD) == 0) {
            uint32_t hash = hashes[at % (2 * AHEAD)];
            uint32_t *slot = bucket_slot_of(bucket, hash, number << PAGE_SHIFT | offset / 8);
            if (is_cooling && can_cool(row)) {
                bucket_count_cold(bucket, 1, bucket_live_size(row_key(row), row_value(row)));
                *slot = bucket_write_cold(bucket, cold_bits(row->image, hash));
            } else {
                row_move(bucket, row, size, false, slot);
            }
        }
        offset += (uint32_t)size;
    }
    page_release(bucket, number);
}

// Empties one page when a third of all bytes is dead: one that has at least its share of them.
void bucket_compact(Bucket *bucket)
{
    if (bucket->dead < COMPACT_BYTES || bucket->dead * 3 < bucket->used) {
        return;
    }
    for (uint32_t i = 0; i < bucket->page_count; i++) {
        bucket->hand = bucket->hand + 1 < bucket->page_count ? bucket->hand + 1 : 0;
        const Page *page = &bucket->pages[bucket->hand];
        if (page->bytes != NULL && bucket->hand != bucket->current[page->is_cold] &&
            page->dead != 0 && page->dead * bucket->used >= bucket->dead * page->used) {
            if (page->is_cold) {
                empty_cold_page(bucket, bucket->hand);
            } else {
                empty_hot_page(bucket, bucket->hand, false);
            }
            return;
        }
    }
}

// Second chance: takes the mark off the rows that were used. Whether it is worth emptying the page
// for the rest: at least a third of its live bytes can go.
static bool page_can_cool(const Page *page)
{
    size_t going = 0;
    for (uint32_t offset = 0; offset < page->used;) {
        Row *row = (Row *)(void *)(page->bytes + offset);
        size_t size = row_bytes_of(row);
        going += can_cool(row) ? size : 0;
        offset += (uint32_t)size;
    }
    if (going != 0 && 3 * going >= page->used - page->dead) {
        return true;
    }
    for (uint32_t offset = 0; offset < page->used;) {
        Row *row = (Row *)(void *)(page->bytes + offset);
        row->key_size &= ~ROW_USED;
        offset += (uint32_t)row_bytes_of(row);
    }
    return false;
}

int64_t bucket_cool(Bucket *bucket, int64_t want)
{
    int64_t before = bucket->own_memory;
    if (bucket->used - bucket->cold_count * COLD_BYTES < COOL_BYTES) {
        return 0;
    }
    uint32_t pages = bucket->page_count;
    for (uint32_t i = 0; i < pages && before - bucket->own_memory < want; i++) {
        bucket->cool_hand = bucket->cool_hand + 1 < bucket->page_count ? bucket->cool_hand + 1 : 0;
        uint32_t number = bucket->cool_hand;
        const Page *page = &bucket->pages[number];
        if (page->bytes == NULL || page->is_cold || !page_can_cool(page)) {
            continue;
        }
        if (number == bucket->current[false]) {
            bucket->current[false] = NO_PAGE;
        }
        empty_hot_page(bucket, number, true);
    }
    return before - bucket->own_memory;
}
