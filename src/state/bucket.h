// bucket.h -- the rows of one bucket: an index of row numbers over pages of bytes.
//
//     directory, by the top bits of the hash       leaf: open addressing, <= 64 groups of 12 slots
//     [ 00 | 01 | 10 | 11 ] ---------------------> group: | 12 tags | 12 row numbers |  64 bytes
//        one leaf may serve several entries                tag = 1 byte of the hash
//
//     row number = page << 13 | offset / 8         page: [ row | row | dead | row | ....... ]
//
// A full leaf splits in two (extendible hashing), so an insert costs at most one leaf, however
// large the bucket is; each leaf has its own limit, so that they do not all split at once. Two
// nearly empty leaves merge. A small bucket is one group and a page of 256 bytes.
//
// A row whose value fits its place is overwritten there, otherwise it moves to the page being
// filled and leaves a dead row behind. Once a third of the bytes is dead, the page with more than
// its share is emptied. So memory follows the live rows, whatever the lengths do.
//
// Memory is counted in *memory. Running out of it aborts; limits are the caller's (state_put).
// Finding is thread-safe while nothing changes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

#define ROW_DIRTY 0x80000000u // changed since the last commit: its old image is in the undo
#define ROW_DEAD  0x40000000u
#define ROW_SIZE  0x3fffffffu // bits of key_size that are the size; also the most bytes of a value

typedef struct Row {
    uint32_t hash;
    uint32_t key_size; // with ROW_DIRTY, ROW_DEAD
    uint32_t value_size;
    char bytes[]; // key, value
} Row;

static inline Slice row_key(const Row *row)
{
    return (Slice){row->bytes, row->key_size & ROW_SIZE};
}

static inline Slice row_value(const Row *row)
{
    return (Slice){row->bytes + (row->key_size & ROW_SIZE), row->value_size};
}

typedef struct Bucket Bucket;
typedef struct Leaf Leaf;

// Where a row was found; valid until the next change of the bucket.
typedef struct BucketPlace {
    Leaf *leaf;
    uint32_t slot;
    Row *row;
} BucketPlace;

Bucket *bucket_create(int64_t *memory);
void bucket_destroy(Bucket *bucket); // NULL is a no-op

uint64_t bucket_count(const Bucket *bucket);
int64_t bucket_bytes(const Bucket *bucket); // memory of this bucket alone
bool bucket_is_full(const Bucket *bucket);  // no page numbers left (32 GiB): no further insert

uint32_t bucket_hash(Slice key, uint64_t seed);
bool bucket_find(const Bucket *bucket, uint32_t hash, Slice key, BucketPlace *place);
// The two steps ahead of a bucket_find that does not wait for memory.
void bucket_prefetch_index(const Bucket *bucket, uint32_t hash);
void bucket_prefetch_row(const Bucket *bucket, uint32_t hash);

// `flags` is 0 or ROW_DIRTY. The key must be absent.
void bucket_insert(Bucket *bucket, uint32_t hash, Slice key, Slice value, uint32_t flags);
void bucket_replace(Bucket *bucket, const BucketPlace *place, Slice value, uint32_t flags);
void bucket_remove(Bucket *bucket, const BucketPlace *place);

// Slots 0 .. bucket_slots-1; NULL for an empty one.
uint64_t bucket_slots(const Bucket *bucket);
const Row *bucket_row(const Bucket *bucket, uint64_t slot);

// Calls visit for rows with hash >= from, at least the first and until *budget (bytes) is used up,
// which it reduces; never past the leaf that holds `from`. Returns the hash to go on from: all rows
// in [from, returned) were visited. 1 << 32 is the end.
typedef void (*BucketVisitor)(void *context, const Row *row);
uint64_t bucket_visit(const Bucket *bucket, uint64_t from, int64_t *budget, BucketVisitor visit,
                      void *context);
