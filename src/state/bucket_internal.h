// bucket_internal.h -- what bucket.c (the index) and bucket_page.c (the bytes) share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/bucket.h"
#include "state/image.h"

enum {
    PAGE_SHIFT = 13, // of a row number: units of 8 bytes in a page
    PAGE_LIMIT = 1 << (32 - PAGE_SHIFT),
    TAG_SHIFT = 6, // the bits of the hash below choose the group
    TAG_BITS = 7,
    COLD_BYTES = 8,
};

#define NO_PAGE UINT32_MAX

typedef struct Page {
    char *bytes;       // NULL: number not in use
    uint32_t capacity; // bytes; of an unused number: the next unused one
    uint32_t used;
    uint32_t dead;
    bool is_cold;
} Page;

struct Bucket {
    BucketCommon *common;
    int64_t own_memory;
    Leaf **directory; // 1 << depth entries
    uint32_t depth;
    uint32_t slot_shift; // log2 of the slots of the largest leaf
    bool is_uneven;      // leaves differ in size; else all have LEAF_GROUPS, or there is one
    uint64_t count;
    Page *pages;
    uint32_t page_count;
    uint32_t page_capacity;
    uint32_t unused_page; // first number to use again
    uint32_t current[2];  // pages being filled, of hot and of cold rows
    uint32_t hand;        // where the search for a page to empty goes on
    uint32_t cool_hand;   // and that for a page to cool
    int64_t used;         // bytes of rows, dead ones included
    int64_t dead;
    int64_t live_bytes; // share of the common ones
    int64_t cold_count;
    int64_t cold_bytes; // share of live_bytes
};

void *bucket_must(void *memory);
void bucket_count_memory(Bucket *bucket, int64_t change);
void bucket_count_live(Bucket *bucket, int64_t change);
void bucket_count_cold(Bucket *bucket, int64_t count, int64_t bytes);
int64_t bucket_live_size(Slice key, Slice value); // about, of the row in the log

// ---- bytes: bucket_page.c --------------------------------------------------------------------

static inline const Page *page_of(const Bucket *bucket, uint32_t number)
{
    return &bucket->pages[number >> PAGE_SHIFT];
}

static inline void *page_at(const Page *page, uint32_t number)
{
    return page->bytes + (size_t)(number & ((1u << PAGE_SHIFT) - 1)) * 8;
}

// What a cold row's 8 bytes are: its packed image and the hash without the tag's bits.
static inline uint64_t cold_bits(uint64_t image, uint32_t hash)
{
    uint64_t rest =
        (uint64_t)(hash >> (TAG_SHIFT + TAG_BITS)) << TAG_SHIFT | (hash & ((1u << TAG_SHIFT) - 1));
    return rest << IMAGE_PACKED_BITS | image_pack(image);
}

static inline uint64_t cold_packed(uint64_t bits)
{
    return bits & ((1ull << IMAGE_PACKED_BITS) - 1);
}

// The hash; its tag's bits are those of `tag`.
static inline uint32_t cold_hash(uint64_t bits, uint32_t tag)
{
    uint32_t rest = (uint32_t)(bits >> IMAGE_PACKED_BITS);
    return rest >> TAG_SHIFT << (TAG_SHIFT + TAG_BITS) |
           (tag & ((1u << TAG_BITS) - 1)) << TAG_SHIFT | (rest & ((1u << TAG_SHIFT) - 1));
}

size_t bucket_row_bytes(size_t key_size, size_t value_size);
uint32_t bucket_write_row(Bucket *bucket, Slice key, Slice value, uint64_t image, uint32_t flags);
uint32_t bucket_write_cold(Bucket *bucket, uint64_t bits);
void bucket_release_row(Bucket *bucket, uint32_t number);
void bucket_compact(Bucket *bucket);

// ---- index: bucket.c -------------------------------------------------------------------------

// The slot that holds this row number, of a row whose hash is `hash` but for the tag's bits.
uint32_t *bucket_slot_of(Bucket *bucket, uint32_t hash, uint32_t number);
