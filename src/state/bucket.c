// SPDX-License-Identifier: Apache-2.0
#include "state/bucket.h"

#include <stdio.h>
#include <stdlib.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/map.h"

enum {
    PAGE_SHIFT = 13, // of a row number: units of 8 bytes in a page
    PAGE_BYTES = 8 << PAGE_SHIFT,
    PAGE_FIRST_BYTES = 256,
    PAGE_LIMIT = 1 << (32 - PAGE_SHIFT),
    BIG_ROW_BYTES = PAGE_BYTES / 4, // has a page of its own
    COMPACT_BYTES = 512,            // fewer dead bytes are not worth a move
    GROUP_SLOTS = 12,
    GROUP_SHIFT = 4, // of a slot's number: those past GROUP_SLOTS are always empty
    LEAF_GROUPS = 64,
    LEAF_MERGE = LEAF_GROUPS * GROUP_SLOTS / 8,
    DEPTH_LIMIT = 22, // the bits below choose the group
    AHEAD = 8,        // rows to prefetch ahead of a walk over a leaf
};

enum { TAG_EMPTY, TAG_GONE, TAG_FIRST };

#define NO_PAGE UINT32_MAX

// One cache line. A search goes on to the next group unless this one has an empty slot.
typedef struct Group {
    uint8_t tags[GROUP_SLOTS];
    uint8_t spare[4]; // so that 16 tags can be compared at once
    uint32_t rows[GROUP_SLOTS];
} Group;

_Static_assert(sizeof(Group) == 64, "a group is a cache line");

struct Leaf {
    uint32_t groups; // a power of two
    uint32_t count;  // rows
    uint32_t gone;   // removed rows over which searches must go on
    uint32_t limit;  // of count + gone, less than there are slots
    uint32_t depth;  // leading bits of the hash that all its rows share
    _Alignas(64) Group group[];
};

typedef struct Page {
    char *bytes;       // NULL: number not in use
    uint32_t capacity; // bytes; of an unused number: the next unused one
    uint32_t used;
    uint32_t dead;
} Page;

struct Bucket {
    int64_t *memory;
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
    uint32_t current;     // page being filled
    uint32_t hand;        // where the search for a page to empty goes on
    int64_t used;         // bytes of rows, dead ones included
    int64_t dead;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    return memory;
}

static void count_memory(Bucket *bucket, int64_t change)
{
    bucket->own_memory += change;
    *bucket->memory += change;
}

// ---- leaves ----------------------------------------------------------------------------------

// Bit i: tags[i] == tag.
static uint32_t group_match(const Group *group, uint8_t tag)
{
    uint32_t found;
#if defined(__SSE2__)
    __m128i tags = _mm_load_si128((const __m128i *)(const void *)group->tags);
    found = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag)));
#else
    found = 0;
    for (uint32_t i = 0; i < GROUP_SLOTS; i++) {
        found |= (uint32_t)(group->tags[i] == tag) << i;
    }
#endif
    return found & ((1u << GROUP_SLOTS) - 1);
}

static uint8_t tag_of(uint32_t hash)
{
    uint32_t tag = hash >> 6 & 0xff;
    return (uint8_t)(tag < TAG_FIRST ? tag + TAG_FIRST : tag);
}

static int64_t leaf_bytes(uint32_t groups)
{
    return (int64_t)(sizeof(Leaf) + groups * sizeof(Group));
}

static Leaf *leaf_create(Bucket *bucket, uint32_t groups, uint32_t depth, uint32_t hash)
{
    size_t size = (size_t)leaf_bytes(groups);
    Leaf *leaf = must(aligned_alloc(64, size));
    memset(leaf, 0, size);
    leaf->groups = groups;
    leaf->depth = depth;
    // 67 to 87 %, different for each leaf: they shall not all split in the same batches.
    uint32_t prefix = depth == 0 ? 0 : hash >> (32 - depth);
    uint32_t spread = (prefix * 0x9e3779b9u) >> 24; // 0 .. 255
    leaf->limit = groups * 8 + groups * 5 / 2 * spread / 256;
    count_memory(bucket, (int64_t)size);
    while (1u << bucket->slot_shift < groups << GROUP_SHIFT) {
        bucket->slot_shift++;
    }
    bucket->is_uneven = bucket->is_uneven || groups > LEAF_GROUPS;
    return leaf;
}

static void leaf_destroy(Bucket *bucket, Leaf *leaf)
{
    count_memory(bucket, -leaf_bytes(leaf->groups));
    free(leaf);
}

static Leaf *leaf_of(const Bucket *bucket, uint32_t hash)
{
    return bucket->directory[(uint64_t)hash << bucket->depth >> 32];
}

// The groups of a leaf less one; does not wait for the leaf when all are alike.
static uint32_t leaf_mask(const Bucket *bucket, const Leaf *leaf)
{
    return bucket->depth > 0 && !bucket->is_uneven ? LEAF_GROUPS - 1 : leaf->groups - 1;
}

static Row *row_at(const Bucket *bucket, uint32_t number)
{
    char *bytes = bucket->pages[number >> PAGE_SHIFT].bytes;
    return (Row *)(void *)(bytes + (size_t)(number & ((1u << PAGE_SHIFT) - 1)) * 8);
}

static void leaf_add(Leaf *leaf, uint32_t hash, uint32_t number)
{
    uint32_t mask = leaf->groups - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        Group *group = &leaf->group[i];
        uint32_t free_slots = group_match(group, TAG_EMPTY) | group_match(group, TAG_GONE);
        if (free_slots != 0) {
            uint32_t slot = (uint32_t)__builtin_ctz(free_slots);
            leaf->gone -= group->tags[slot] == TAG_GONE;
            leaf->count++;
            group->tags[slot] = tag_of(hash);
            group->rows[slot] = number;
            return;
        }
    }
}

// The row in this slot of a leaf, or NULL. A walk over the slots finds it prefetched.
static Row *leaf_row(const Bucket *bucket, const Leaf *leaf, uint32_t slot)
{
    const Group *group = &leaf->group[slot >> GROUP_SHIFT];
    uint32_t i = slot & ((1 << GROUP_SHIFT) - 1);
    if (i < GROUP_SLOTS - AHEAD && group->tags[i + AHEAD] >= TAG_FIRST) {
        __builtin_prefetch(row_at(bucket, group->rows[i + AHEAD]));
    }
    if (i < AHEAD && slot >> GROUP_SHIFT < leaf->groups - 1 && group[1].tags[i] >= TAG_FIRST) {
        __builtin_prefetch(row_at(bucket, group[1].rows[i]));
    }
    bool has_row = i < GROUP_SLOTS && group->tags[i] >= TAG_FIRST;
    return has_row ? row_at(bucket, group->rows[i]) : NULL;
}

// Moves all rows of `from` to `low`, or to `high` where the bit behind the prefix is set.
static void leaf_pour(const Bucket *bucket, const Leaf *from, Leaf *low, Leaf *high)
{
    for (uint32_t slot = 0; slot < from->groups << GROUP_SHIFT; slot++) {
        const Row *row = leaf_row(bucket, from, slot);
        if (row == NULL) {
            continue;
        }
        bool is_high = high != NULL && (row->hash << from->depth & 0x80000000u) != 0;
        uint32_t number = from->group[slot >> GROUP_SHIFT].rows[slot & ((1 << GROUP_SHIFT) - 1)];
        leaf_add(is_high ? high : low, row->hash, number);
    }
}

// Lets the directory entries of the leaf's prefix point to it.
static void directory_set(Bucket *bucket, Leaf *leaf, uint32_t hash)
{
    uint64_t entries = 1ull << (bucket->depth - leaf->depth);
    uint64_t first = ((uint64_t)hash << leaf->depth >> 32) * entries;
    for (uint64_t i = 0; i < entries; i++) {
        bucket->directory[first + i] = leaf;
    }
}

static void directory_double(Bucket *bucket)
{
    size_t entries = (size_t)1 << bucket->depth;
    Leaf **directory = must(malloc(2 * entries * sizeof *directory));
    for (size_t i = 0; i < entries; i++) {
        directory[2 * i] = bucket->directory[i];
        directory[2 * i + 1] = bucket->directory[i];
    }
    free(bucket->directory);
    bucket->directory = directory;
    bucket->depth++;
    count_memory(bucket, (int64_t)(entries * sizeof *directory));
}

static void leaf_split(Bucket *bucket, Leaf *leaf, uint32_t hash)
{
    if (leaf->depth == bucket->depth) {
        directory_double(bucket);
    }
    uint32_t bit = 0x80000000u >> leaf->depth;
    Leaf *low = leaf_create(bucket, leaf->groups, leaf->depth + 1, hash & ~bit);
    Leaf *high = leaf_create(bucket, leaf->groups, leaf->depth + 1, hash | bit);
    leaf_pour(bucket, leaf, low, high);
    directory_set(bucket, low, hash & ~bit);
    directory_set(bucket, high, hash | bit);
    leaf_destroy(bucket, leaf);
}

static void leaf_resize(Bucket *bucket, Leaf *leaf, uint32_t hash, uint32_t groups)
{
    Leaf *copy = leaf_create(bucket, groups, leaf->depth, hash);
    leaf_pour(bucket, leaf, copy, NULL);
    directory_set(bucket, copy, hash);
    leaf_destroy(bucket, leaf);
}

// The leaf for one more row of this hash. A split may send all rows one way: hence the loop.
static Leaf *leaf_with_room(Bucket *bucket, uint32_t hash)
{
    Leaf *leaf = leaf_of(bucket, hash);
    for (; leaf->count + leaf->gone >= leaf->limit; leaf = leaf_of(bucket, hash)) {
        if (leaf->count < leaf->limit / 2) {
            leaf_resize(bucket, leaf, hash, leaf->groups); // mostly removed rows
        } else if (leaf->groups < LEAF_GROUPS || leaf->depth == DEPTH_LIMIT) {
            leaf_resize(bucket, leaf, hash, leaf->groups * 2);
        } else {
            leaf_split(bucket, leaf, hash);
        }
    }
    return leaf;
}

static void leaf_merge(Bucket *bucket, Leaf *leaf, uint32_t hash)
{
    if (leaf->depth == 0 || leaf->count > LEAF_MERGE || leaf->groups != LEAF_GROUPS) {
        return;
    }
    Leaf *buddy = leaf_of(bucket, hash ^ 0x80000000u >> (leaf->depth - 1));
    if (buddy->depth != leaf->depth || buddy->count > LEAF_MERGE || buddy->groups != LEAF_GROUPS) {
        return;
    }
    Leaf *both = leaf_create(bucket, LEAF_GROUPS, leaf->depth - 1, hash);
    leaf_pour(bucket, leaf, both, NULL);
    leaf_pour(bucket, buddy, both, NULL);
    directory_set(bucket, both, hash);
    leaf_destroy(bucket, leaf);
    leaf_destroy(bucket, buddy);
}

// ---- pages -----------------------------------------------------------------------------------

static size_t row_bytes(size_t key_size, size_t value_size)
{
    return (sizeof(Row) + key_size + value_size + 7) & ~(size_t)7;
}

static size_t row_bytes_of(const Row *row)
{
    return row_bytes(row->key_size & ROW_SIZE, row->value_size);
}

static uint32_t page_open(Bucket *bucket, size_t capacity)
{
    uint32_t number = bucket->unused_page;
    if (number != NO_PAGE) {
        bucket->unused_page = bucket->pages[number].capacity;
    } else {
        if (bucket->page_count == bucket->page_capacity) {
            uint32_t want = bucket->page_capacity == 0 ? 1 : bucket->page_capacity * 2;
            count_memory(bucket, (int64_t)(want - bucket->page_capacity) * (int64_t)sizeof(Page));
            bucket->pages = must(realloc(bucket->pages, want * sizeof(Page)));
            bucket->page_capacity = want;
        }
        number = bucket->page_count++;
    }
    bucket->pages[number] = (Page){
        .bytes = must(malloc(capacity)),
        .capacity = (uint32_t)capacity,
    };
    count_memory(bucket, (int64_t)capacity);
    return number;
}

static void page_release(Bucket *bucket, uint32_t number)
{
    Page *page = &bucket->pages[number];
    count_memory(bucket, -(int64_t)page->capacity);
    bucket->used -= page->used;
    bucket->dead -= page->dead;
    free(page->bytes);
    *page = (Page){.bytes = NULL, .capacity = bucket->unused_page};
    bucket->unused_page = number;
}

// Room for a row; the caller fills it at once.
static uint32_t row_allocate(Bucket *bucket, size_t size)
{
    uint32_t number;
    if (size > BIG_ROW_BYTES) {
        number = page_open(bucket, size);
    } else {
        number = bucket->current;
        if (number == NO_PAGE ||
            bucket->pages[number].capacity - bucket->pages[number].used < size) {
            size_t capacity = (size_t)bucket->used; // as much again, within bounds
            capacity = capacity < PAGE_FIRST_BYTES ? PAGE_FIRST_BYTES : capacity;
            capacity = capacity > PAGE_BYTES ? PAGE_BYTES : capacity;
            number = page_open(bucket, capacity < size ? size : capacity);
            bucket->current = number;
        }
    }
    Page *page = &bucket->pages[number];
    uint32_t row = number << PAGE_SHIFT | page->used / 8;
    page->used += (uint32_t)size;
    bucket->used += (int64_t)size;
    return row;
}

static void row_release(Bucket *bucket, uint32_t number)
{
    Row *row = row_at(bucket, number);
    Page *page = &bucket->pages[number >> PAGE_SHIFT];
    size_t size = row_bytes_of(row);
    row->key_size |= ROW_DEAD;
    page->dead += (uint32_t)size;
    bucket->dead += (int64_t)size;
    if (page->dead != page->used) {
        return;
    }
    if (number >> PAGE_SHIFT != bucket->current) {
        page_release(bucket, number >> PAGE_SHIFT);
    } else {
        bucket->used -= page->used;
        bucket->dead -= page->dead;
        page->used = 0;
        page->dead = 0;
    }
}

static void row_move(Bucket *bucket, const Row *row, uint32_t number)
{
    size_t size = row_bytes_of(row);
    uint32_t copy = row_allocate(bucket, size);
    memcpy(row_at(bucket, copy), row, size);

    Leaf *leaf = leaf_of(bucket, row->hash);
    uint32_t mask = leaf->groups - 1;
    for (uint32_t i = row->hash & mask;; i = (i + 1) & mask) {
        uint32_t match = group_match(&leaf->group[i], tag_of(row->hash));
        for (; match != 0; match &= match - 1) {
            uint32_t *slot = &leaf->group[i].rows[__builtin_ctz(match)];
            if (*slot == number) {
                *slot = copy;
                return;
            }
        }
    }
}

static void page_empty(Bucket *bucket, uint32_t number)
{
    Page page = bucket->pages[number]; // moving rows may move the array of pages
    for (uint32_t offset = 0; offset < page.used;) {
        const Row *row = (const Row *)(const void *)(page.bytes + offset);
        if ((row->key_size & ROW_DEAD) == 0) {
            row_move(bucket, row, number << PAGE_SHIFT | offset / 8);
        }
        offset += (uint32_t)row_bytes_of(row);
    }
    page_release(bucket, number);
}

// Empties one page when a third of all bytes is dead: one that has at least its share of them.
static void compact(Bucket *bucket)
{
    if (bucket->dead < COMPACT_BYTES || bucket->dead * 3 < bucket->used) {
        return;
    }
    for (uint32_t i = 0; i < bucket->page_count; i++) {
        bucket->hand = bucket->hand + 1 < bucket->page_count ? bucket->hand + 1 : 0;
        const Page *page = &bucket->pages[bucket->hand];
        if (bucket->hand != bucket->current && page->bytes != NULL && page->dead != 0 &&
            page->dead * bucket->used >= bucket->dead * page->used) {
            page_empty(bucket, bucket->hand);
            return;
        }
    }
}

static uint32_t row_write(Bucket *bucket, uint32_t hash, Slice key, Slice value, uint32_t flags)
{
    uint32_t number = row_allocate(bucket, row_bytes(key.size, value.size));
    Row *row = row_at(bucket, number);
    row->hash = hash;
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

// ---- buckets ---------------------------------------------------------------------------------

Bucket *bucket_create(int64_t *memory)
{
    Bucket *bucket = must(calloc(1, sizeof *bucket));
    bucket->memory = memory;
    bucket->unused_page = NO_PAGE;
    bucket->current = NO_PAGE;
    bucket->directory = must(malloc(sizeof *bucket->directory));
    count_memory(bucket, (int64_t)(sizeof *bucket + sizeof *bucket->directory));
    bucket->directory[0] = leaf_create(bucket, 1, 0, 0);
    return bucket;
}

void bucket_destroy(Bucket *bucket)
{
    if (bucket == NULL) {
        return;
    }
    *bucket->memory -= bucket->own_memory;
    size_t entries = (size_t)1 << bucket->depth;
    for (size_t i = 0; i < entries;) {
        Leaf *leaf = bucket->directory[i];
        i += (size_t)1 << (bucket->depth - leaf->depth);
        free(leaf);
    }
    for (uint32_t i = 0; i < bucket->page_count; i++) {
        free(bucket->pages[i].bytes);
    }
    free(bucket->directory);
    free(bucket->pages);
    free(bucket);
}

uint64_t bucket_count(const Bucket *bucket)
{
    return bucket->count;
}

int64_t bucket_bytes(const Bucket *bucket)
{
    return bucket->own_memory;
}

bool bucket_is_full(const Bucket *bucket)
{
    // A few numbers are kept back: an insert may open a page and compaction another.
    return bucket->unused_page == NO_PAGE && bucket->page_count >= PAGE_LIMIT - 4;
}

uint32_t bucket_hash(Slice key, uint64_t seed)
{
    return (uint32_t)(hash_bytes(key.data, key.size, seed) >> 32);
}

bool bucket_find(const Bucket *bucket, uint32_t hash, Slice key, BucketPlace *place)
{
    Leaf *leaf = leaf_of(bucket, hash);
    uint32_t mask = leaf_mask(bucket, leaf);
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        const Group *group = &leaf->group[i];
        uint32_t match = group_match(group, tag_of(hash));
        for (; match != 0; match &= match - 1) {
            uint32_t slot = (uint32_t)__builtin_ctz(match);
            Row *row = row_at(bucket, group->rows[slot]);
            if (row->hash == hash && slice_equal(row_key(row), key)) {
                *place = (BucketPlace){leaf, i << GROUP_SHIFT | slot, row};
                return true;
            }
        }
        if (group_match(group, TAG_EMPTY) != 0) {
            return false;
        }
    }
}

void bucket_prefetch_index(const Bucket *bucket, uint32_t hash)
{
    const Leaf *leaf = leaf_of(bucket, hash);
    __builtin_prefetch(&leaf->group[hash & leaf_mask(bucket, leaf)]);
}

void bucket_prefetch_row(const Bucket *bucket, uint32_t hash)
{
    const Leaf *leaf = leaf_of(bucket, hash);
    const Group *group = &leaf->group[hash & leaf_mask(bucket, leaf)];
    uint32_t match = group_match(group, tag_of(hash));
    if (match != 0) {
        __builtin_prefetch(row_at(bucket, group->rows[__builtin_ctz(match)]));
    }
}

void bucket_insert(Bucket *bucket, uint32_t hash, Slice key, Slice value, uint32_t flags)
{
    uint32_t number = row_write(bucket, hash, key, value, flags);
    leaf_add(leaf_with_room(bucket, hash), hash, number);
    bucket->count++;
}

void bucket_replace(Bucket *bucket, const BucketPlace *place, Slice value, uint32_t flags)
{
    Row *row = place->row;
    Slice key = row_key(row);
    if (row_bytes_of(row) == row_bytes(key.size, value.size)) {
        row->key_size = (uint32_t)key.size | flags;
        row->value_size = (uint32_t)value.size;
        if (value.size != 0) {
            memmove(row->bytes + key.size, value.data, value.size);
        }
        return;
    }
    Group *group = &place->leaf->group[place->slot >> GROUP_SHIFT];
    uint32_t *number = &group->rows[place->slot & ((1 << GROUP_SHIFT) - 1)];
    uint32_t old = *number;
    *number = row_write(bucket, row->hash, key, value, flags);
    row_release(bucket, old);
    compact(bucket);
}

void bucket_remove(Bucket *bucket, const BucketPlace *place)
{
    Leaf *leaf = place->leaf;
    Group *group = &leaf->group[place->slot >> GROUP_SHIFT];
    uint32_t slot = place->slot & ((1 << GROUP_SHIFT) - 1);
    uint32_t hash = place->row->hash;
    bool ends_search = group_match(group, TAG_EMPTY) != 0;
    group->tags[slot] = ends_search ? TAG_EMPTY : TAG_GONE;
    leaf->gone += !ends_search;
    leaf->count--;
    bucket->count--;
    row_release(bucket, group->rows[slot]);
    leaf_merge(bucket, leaf, hash);
    compact(bucket);
}

uint64_t bucket_slots(const Bucket *bucket)
{
    return 1ull << (bucket->depth + bucket->slot_shift);
}

const Row *bucket_row(const Bucket *bucket, uint64_t slot)
{
    uint64_t entry = slot >> bucket->slot_shift;
    uint32_t i = (uint32_t)(slot & ((1ull << bucket->slot_shift) - 1));
    const Leaf *leaf = bucket->directory[entry];
    // A leaf with several entries in the directory shows its rows under the first.
    bool is_first = (entry & ((1ull << (bucket->depth - leaf->depth)) - 1)) == 0;
    return is_first && i >> GROUP_SHIFT < leaf->groups ? leaf_row(bucket, leaf, i) : NULL;
}

static int compare_hash(const void *a, const void *b)
{
    const Row *x = *(const Row *const *)a;
    const Row *y = *(const Row *const *)b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

uint64_t bucket_visit(const Bucket *bucket, uint64_t from, int64_t *budget, BucketVisitor visit,
                      void *context)
{
    const Leaf *leaf = leaf_of(bucket, (uint32_t)from);
    uint64_t width = 1ull << (32 - leaf->depth);
    uint64_t end = from / width * width + width;
    const Row **rows = must(malloc((leaf->count + 1) * sizeof *rows));
    uint32_t count = 0;
    int64_t bytes = 0;
    for (uint32_t slot = 0; slot < leaf->groups << GROUP_SHIFT; slot++) {
        const Row *row = leaf_row(bucket, leaf, slot);
        if (row != NULL && row->hash >= from) {
            rows[count++] = row;
            bytes += (int64_t)row_bytes_of(row);
        }
    }
    // Only a leaf that has to be left half-way needs an order.
    bool is_whole = bytes <= 2 * *budget;
    if (!is_whole) {
        qsort(rows, count, sizeof *rows, compare_hash);
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_same = i > 0 && rows[i]->hash == rows[i - 1]->hash;
        if (!is_whole && i > 0 && !is_same && *budget <= 0) {
            end = rows[i]->hash;
            break;
        }
        visit(context, rows[i]);
        *budget -= (int64_t)row_bytes_of(rows[i]);
    }
    free(rows);
    return end;
}
