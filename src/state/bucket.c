// SPDX-License-Identifier: Apache-2.0
#include "state/bucket_internal.h"

#include <stdio.h>
#include <stdlib.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/map.h"

enum {
    GROUP_SLOTS = 12,
    GROUP_SHIFT = 4, // of a slot's number: those past GROUP_SLOTS are always empty
    LEAF_GROUPS = 1 << TAG_SHIFT,
    LEAF_MERGE = LEAF_GROUPS * GROUP_SLOTS / 8,
    DEPTH_LIMIT = 32 - TAG_SHIFT - TAG_BITS, // the bits below choose the group, or are the tag's
    AHEAD = 8,                               // rows to prefetch ahead of a walk over a leaf
};

enum { TAG_EMPTY, TAG_GONE, TAG_ROW = 1 << TAG_BITS };

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

void *bucket_must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    return memory;
}

void bucket_count_memory(Bucket *bucket, int64_t change)
{
    bucket->own_memory += change;
    bucket->common->memory += change;
}

void bucket_count_live(Bucket *bucket, int64_t change)
{
    bucket->live_bytes += change;
    bucket->common->live_bytes += change;
}

void bucket_count_cold(Bucket *bucket, int64_t count, int64_t bytes)
{
    bucket->cold_count += count;
    bucket->common->cold_count += count;
    bucket->cold_bytes += bytes;
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
    return (uint8_t)(TAG_ROW | (hash >> TAG_SHIFT & (TAG_ROW - 1)));
}

static int64_t leaf_bytes(uint32_t groups)
{
    return (int64_t)(sizeof(Leaf) + groups * sizeof(Group));
}

static Leaf *leaf_create(Bucket *bucket, uint32_t groups, uint32_t depth, uint32_t hash)
{
    size_t size = (size_t)leaf_bytes(groups);
    Leaf *leaf = bucket_must(aligned_alloc(64, size));
    memset(leaf, 0, size);
    leaf->groups = groups;
    leaf->depth = depth;
    // 67 to 87 %, different for each leaf: they shall not all split in the same batches.
    uint32_t prefix = depth == 0 ? 0 : hash >> (32 - depth);
    uint32_t spread = (prefix * 0x9e3779b9u) >> 24; // 0 .. 255
    leaf->limit = groups * 8 + groups * 5 / 2 * spread / 256;
    bucket_count_memory(bucket, (int64_t)size);
    while (1u << bucket->slot_shift < groups << GROUP_SHIFT) {
        bucket->slot_shift++;
    }
    bucket->is_uneven = bucket->is_uneven || groups > LEAF_GROUPS;
    return leaf;
}

static void leaf_destroy(Bucket *bucket, Leaf *leaf)
{
    bucket_count_memory(bucket, -leaf_bytes(leaf->groups));
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

static const Page *slot_page(const Bucket *bucket, const Group *group, uint32_t slot)
{
    return page_of(bucket, group->rows[slot]);
}

static uint64_t slot_bits(const Bucket *bucket, const Group *group, uint32_t slot)
{
    const uint64_t *bits = page_at(slot_page(bucket, group, slot), group->rows[slot]);
    return *bits;
}

static Row *slot_row(const Bucket *bucket, const Group *group, uint32_t slot)
{
    return page_at(slot_page(bucket, group, slot), group->rows[slot]);
}

static uint32_t slot_hash(const Bucket *bucket, const Group *group, uint32_t slot)
{
    if (slot_page(bucket, group, slot)->is_cold) {
        return cold_hash(slot_bits(bucket, group, slot), group->tags[slot]);
    }
    return bucket_hash(row_key(slot_row(bucket, group, slot)), bucket->common->seed);
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

// Whether this slot of a leaf has a row. A walk over the slots finds it prefetched.
static bool leaf_has_row(const Bucket *bucket, const Leaf *leaf, uint32_t slot)
{
    const Group *group = &leaf->group[slot >> GROUP_SHIFT];
    uint32_t i = slot & ((1 << GROUP_SHIFT) - 1);
    if (i < GROUP_SLOTS - AHEAD && group->tags[i + AHEAD] >= TAG_ROW) {
        __builtin_prefetch(slot_row(bucket, group, i + AHEAD));
    }
    if (i < AHEAD && slot >> GROUP_SHIFT < leaf->groups - 1 && group[1].tags[i] >= TAG_ROW) {
        __builtin_prefetch(slot_row(bucket, &group[1], i));
    }
    return i < GROUP_SLOTS && group->tags[i] >= TAG_ROW;
}

// Moves all rows of `from` to `low`, or to `high` where the bit behind the prefix is set.
static void leaf_pour(const Bucket *bucket, const Leaf *from, Leaf *low, Leaf *high)
{
    for (uint32_t slot = 0; slot < from->groups << GROUP_SHIFT; slot++) {
        if (!leaf_has_row(bucket, from, slot)) {
            continue;
        }
        const Group *group = &from->group[slot >> GROUP_SHIFT];
        uint32_t i = slot & ((1 << GROUP_SHIFT) - 1);
        uint32_t hash = slot_hash(bucket, group, i);
        bool is_high = high != NULL && (hash << from->depth & 0x80000000u) != 0;
        leaf_add(is_high ? high : low, hash, group->rows[i]);
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
    Leaf **directory = bucket_must(malloc(2 * entries * sizeof *directory));
    for (size_t i = 0; i < entries; i++) {
        directory[2 * i] = bucket->directory[i];
        directory[2 * i + 1] = bucket->directory[i];
    }
    free(bucket->directory);
    bucket->directory = directory;
    bucket->depth++;
    bucket_count_memory(bucket, (int64_t)(entries * sizeof *directory));
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

// ---- buckets ---------------------------------------------------------------------------------

Bucket *bucket_create(BucketCommon *common)
{
    Bucket *bucket = bucket_must(calloc(1, sizeof *bucket));
    bucket->common = common;
    bucket->unused_page = NO_PAGE;
    bucket->current[false] = NO_PAGE;
    bucket->current[true] = NO_PAGE;
    bucket->directory = bucket_must(malloc(sizeof *bucket->directory));
    bucket_count_memory(bucket, (int64_t)(sizeof *bucket + sizeof *bucket->directory));
    bucket->directory[0] = leaf_create(bucket, 1, 0, 0);
    return bucket;
}

void bucket_destroy(Bucket *bucket)
{
    if (bucket == NULL) {
        return;
    }
    bucket->common->memory -= bucket->own_memory;
    bucket->common->live_bytes -= bucket->live_bytes;
    bucket->common->cold_count -= bucket->cold_count;
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

int64_t bucket_cold_bytes(const Bucket *bucket)
{
    return bucket->cold_count == 0 ? 0 : bucket->cold_bytes / bucket->cold_count;
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

bool bucket_find(const Bucket *bucket, uint32_t hash, Slice key, BucketPlace *place,
                 bool *may_be_cold)
{
    *may_be_cold = false;
    Leaf *leaf = leaf_of(bucket, hash);
    uint32_t mask = leaf_mask(bucket, leaf);
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        const Group *group = &leaf->group[i];
        uint32_t match = group_match(group, tag_of(hash));
        for (; match != 0; match &= match - 1) {
            uint32_t slot = (uint32_t)__builtin_ctz(match);
            const Page *page = slot_page(bucket, group, slot);
            Row *row = page_at(page, group->rows[slot]);
            if (page->is_cold) {
                uint64_t bits = slot_bits(bucket, group, slot);
                *may_be_cold = *may_be_cold || cold_hash(bits, group->tags[slot]) == hash;
                continue;
            }
            uint32_t size = __atomic_load_n(&row->key_size, __ATOMIC_RELAXED) & ROW_SIZE;
            if (size == key.size && (size == 0 || memcmp(row->bytes, key.data, size) == 0)) {
                *place = (BucketPlace){leaf, i << GROUP_SHIFT | slot, hash, row};
                return true;
            }
        }
        if (group_match(group, TAG_EMPTY) != 0) {
            return false;
        }
    }
}

// The row number `skip` with this hash that is cold, or whose image is `image` if that is not 0.
static bool find_row(const Bucket *bucket, uint32_t hash, uint64_t image, uint32_t skip,
                     BucketPlace *place)
{
    Leaf *leaf = leaf_of(bucket, hash);
    uint32_t mask = leaf_mask(bucket, leaf);
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        const Group *group = &leaf->group[i];
        uint32_t match = group_match(group, tag_of(hash));
        for (; match != 0; match &= match - 1) {
            uint32_t slot = (uint32_t)__builtin_ctz(match);
            bool is_cold = slot_page(bucket, group, slot)->is_cold;
            Row *row = slot_row(bucket, group, slot);
            bool fits;
            if (is_cold) {
                uint64_t bits = slot_bits(bucket, group, slot);
                fits = cold_hash(bits, group->tags[slot]) == hash &&
                       (image == 0 ||
                        (image_can_pack(image) && // of two segments, the newer one
                         image == image_unpack(cold_packed(bits), bucket->common->last_segment)));
            } else {
                fits = image != 0 && row->image == image;
            }
            if (fits && skip-- == 0) {
                uint32_t number = i << GROUP_SHIFT | slot;
                *place = (BucketPlace){leaf, number, hash, is_cold ? NULL : row};
                return true;
            }
        }
        if (group_match(group, TAG_EMPTY) != 0) {
            return false;
        }
    }
}

bool bucket_find_cold(const Bucket *bucket, uint32_t hash, uint32_t index, BucketPlace *place)
{
    return find_row(bucket, hash, 0, index, place);
}

bool bucket_find_image(const Bucket *bucket, uint32_t hash, uint64_t image, BucketPlace *place)
{
    return image != 0 && find_row(bucket, hash, image, 0, place);
}

static Group *place_group(const BucketPlace *place)
{
    return &place->leaf->group[place->slot >> GROUP_SHIFT];
}

static uint32_t place_slot(const BucketPlace *place)
{
    return place->slot & ((1 << GROUP_SHIFT) - 1);
}

uint64_t bucket_image(const Bucket *bucket, const BucketPlace *place)
{
    if (place->row != NULL) {
        return place->row->image;
    }
    uint64_t bits = slot_bits(bucket, place_group(place), place_slot(place));
    return image_unpack(cold_packed(bits), bucket->common->last_segment);
}

void bucket_set_image(Bucket *bucket, const BucketPlace *place, uint64_t image)
{
    if (place->row != NULL) {
        place->row->image = image;
        return;
    }
    const Group *group = place_group(place);
    uint64_t *bits =
        page_at(slot_page(bucket, group, place_slot(place)), group->rows[place_slot(place)]);
    *bits = cold_bits(image, place->hash);
}

uint32_t *bucket_slot_of(Bucket *bucket, uint32_t hash, uint32_t number)
{
    Leaf *leaf = leaf_of(bucket, hash);
    uint32_t mask = leaf->groups - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        Group *group = &leaf->group[i];
        for (uint32_t slot = 0; slot < GROUP_SLOTS; slot++) {
            if (group->rows[slot] == number && group->tags[slot] >= TAG_ROW) {
                return &group->rows[slot];
            }
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
        __builtin_prefetch(slot_row(bucket, group, (uint32_t)__builtin_ctz(match)));
    }
}

int64_t bucket_live_size(Slice key, Slice value)
{
    enum { OVERHEAD = 18 }; // of a row in the log: record.h
    return (int64_t)(key.size + value.size) + OVERHEAD;
}

void bucket_insert(Bucket *bucket, uint32_t hash, Slice key, Slice value, uint64_t image,
                   uint32_t flags)
{
    uint32_t number = bucket_write_row(bucket, key, value, image, flags);
    leaf_add(leaf_with_room(bucket, hash), hash, number);
    bucket->count++;
    bucket_count_live(bucket, bucket_live_size(key, value));
}

void bucket_insert_cold(Bucket *bucket, uint32_t hash, uint64_t image, int64_t size)
{
    uint32_t number = bucket_write_cold(bucket, cold_bits(image, hash));
    leaf_add(leaf_with_room(bucket, hash), hash, number);
    bucket->count++;
    bucket_count_live(bucket, size);
    bucket_count_cold(bucket, 1, size);
}

static void forget_cold(Bucket *bucket)
{
    int64_t size = bucket_cold_bytes(bucket);
    bucket_count_live(bucket, -size);
    bucket_count_cold(bucket, -1, -size);
}

void bucket_replace(Bucket *bucket, const BucketPlace *place, Slice key, Slice value,
                    uint64_t image, uint32_t flags)
{
    Row *row = place->row;
    if (row == NULL) {
        forget_cold(bucket);
    } else {
        bucket_count_live(bucket, -bucket_live_size(row_key(row), row_value(row)));
    }
    bucket_count_live(bucket, bucket_live_size(key, value));
    if (row != NULL && bucket_row_bytes(row->key_size & ROW_SIZE, row->value_size) ==
                           bucket_row_bytes(key.size, value.size)) {
        row->image = image;
        row->key_size = (uint32_t)key.size | flags | ROW_USED;
        row->value_size = (uint32_t)value.size;
        if (value.size != 0) {
            memmove(row->bytes + key.size, value.data, value.size);
        }
        return;
    }
    uint32_t *number = &place_group(place)->rows[place_slot(place)];
    uint32_t old = *number;
    *number = bucket_write_row(bucket, key, value, image, flags | ROW_USED);
    bucket_release_row(bucket, old);
    bucket_compact(bucket);
}

void bucket_freeze(Bucket *bucket, const BucketPlace *place, uint64_t image)
{
    bucket_count_cold(bucket, 1, bucket_live_size(row_key(place->row), row_value(place->row)));
    uint32_t *number = &place_group(place)->rows[place_slot(place)];
    uint32_t old = *number;
    *number = bucket_write_cold(bucket, cold_bits(image, place->hash));
    bucket_release_row(bucket, old);
}

void bucket_remove(Bucket *bucket, const BucketPlace *place)
{
    Leaf *leaf = place->leaf;
    Group *group = place_group(place);
    uint32_t slot = place_slot(place);
    if (place->row == NULL) {
        forget_cold(bucket);
    } else {
        bucket_count_live(bucket, -bucket_live_size(row_key(place->row), row_value(place->row)));
    }
    bool ends_search = group_match(group, TAG_EMPTY) != 0;
    group->tags[slot] = ends_search ? TAG_EMPTY : TAG_GONE;
    leaf->gone += !ends_search;
    leaf->count--;
    bucket->count--;
    bucket_release_row(bucket, group->rows[slot]);
    leaf_merge(bucket, leaf, place->hash);
    bucket_compact(bucket);
}

uint64_t bucket_slots(const Bucket *bucket)
{
    return 1ull << (bucket->depth + bucket->slot_shift);
}

bool bucket_row(const Bucket *bucket, uint64_t slot, BucketPlace *place)
{
    uint64_t entry = slot >> bucket->slot_shift;
    uint32_t i = (uint32_t)(slot & ((1ull << bucket->slot_shift) - 1));
    Leaf *leaf = bucket->directory[entry];
    // A leaf with several entries in the directory shows its rows under the first.
    bool is_first = (entry & ((1ull << (bucket->depth - leaf->depth)) - 1)) == 0;
    if (!is_first || i >> GROUP_SHIFT >= leaf->groups || !leaf_has_row(bucket, leaf, i)) {
        return false;
    }
    *place = (BucketPlace){.leaf = leaf, .slot = i};
    const Group *group = place_group(place);
    bool is_cold = slot_page(bucket, group, place_slot(place))->is_cold;
    place->row = is_cold ? NULL : slot_row(bucket, group, place_slot(place));
    place->hash = slot_hash(bucket, group, place_slot(place));
    return true;
}
