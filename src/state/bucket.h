// bucket.h -- the rows of one bucket: an index of row numbers over pages of bytes.
//
//     directory, by the top bits of the hash       leaf: open addressing, <= 64 groups of 12 slots
//     [ 00 | 01 | 10 | 11 ] ---------------------> group: | 12 tags | 12 row numbers |  64 bytes
//        one leaf may serve several entries                tag = 7 bits of the hash
//
//     row number = page << 13 | offset / 8         hot page:  [ row | row | dead | row | ....... ]
//                                                  cold page: [ 8 | 8 | 8 | ... ] bytes a row
//
// A hot row has its key and value in memory. A cold row is only in the log: its 8 bytes hold where
// (image.h) and the bits of the hash that its slot's tag lacks. It takes 16 bytes with its slot;
// whoever needs its key reads the log. Two cold rows may have the same hash, so bucket_find_cold
// counts.
//
// A full leaf splits in two (extendible hashing), so an insert costs at most one leaf, however
// large the bucket is; each leaf has its own limit, so that they do not all split at once. Two
// nearly empty leaves merge. A small bucket is one group and a page of 256 bytes.
//
// A row whose value fits its place is overwritten there, otherwise it moves to the page being
// filled and leaves a dead row behind. Once a third of the bytes is dead, the page with more than
// its share is emptied. So memory follows the live rows, whatever the lengths do.
//
// Memory is counted in the common part. Running out of it aborts; limits are the caller's
// (state_put). Finding is thread-safe while nothing changes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

#define ROW_DIRTY 0x80000000u // changed since the last commit: its old image is in the undo
#define ROW_DEAD  0x40000000u
#define ROW_USED  0x20000000u // since the cooling hand passed
#define ROW_SIZE  0x1fffffffu // bits of key_size that are the size; also the most bytes of a value

typedef struct Row {
    uint64_t image;    // of its last commit (image.h); not of its value while it is dirty
    uint32_t key_size; // with ROW_DIRTY, ROW_DEAD, ROW_USED
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

// What the buckets of all tables of a state share.
typedef struct BucketCommon {
    uint64_t seed;         // of the hash
    uint64_t last_segment; // of the log
    int64_t memory;        // of all buckets
    int64_t live_bytes;    // of all rows, about, as the log would have them
    int64_t cold_count;
} BucketCommon;

typedef struct Bucket Bucket;
typedef struct Leaf Leaf;

// Where a row was found; valid until the next change of the bucket.
typedef struct BucketPlace {
    Leaf *leaf;
    uint32_t slot;
    uint32_t hash;
    Row *row; // NULL: it is cold
} BucketPlace;

Bucket *bucket_create(BucketCommon *common);
void bucket_destroy(Bucket *bucket); // NULL is a no-op

uint64_t bucket_count(const Bucket *bucket);
int64_t bucket_bytes(const Bucket *bucket);      // memory of this bucket alone
int64_t bucket_cold_bytes(const Bucket *bucket); // about, of a cold row in the log
bool bucket_is_full(const Bucket *bucket);       // no page numbers left (32 GiB): no further insert

uint32_t bucket_hash(Slice key, uint64_t seed);
// The hot row of this key. *may_be_cold: if there is none, a cold row has this hash.
bool bucket_find(const Bucket *bucket, uint32_t hash, Slice key, BucketPlace *place,
                 bool *may_be_cold);
// The cold row number `index` (0, 1, ..) with this hash.
bool bucket_find_cold(const Bucket *bucket, uint32_t hash, uint32_t index, BucketPlace *place);
// The row whose image this is, hot or cold.
bool bucket_find_image(const Bucket *bucket, uint32_t hash, uint64_t image, BucketPlace *place);
uint64_t bucket_image(const Bucket *bucket, const BucketPlace *place);
// Of a cold row it must be one that can be packed.
void bucket_set_image(Bucket *bucket, const BucketPlace *place, uint64_t image);
// The two steps ahead of a bucket_find that does not wait for memory.
void bucket_prefetch_index(const Bucket *bucket, uint32_t hash);
void bucket_prefetch_row(const Bucket *bucket, uint32_t hash);

// `flags` is 0 or ROW_DIRTY. The key must be absent.
void bucket_insert(Bucket *bucket, uint32_t hash, Slice key, Slice value, uint64_t image,
                   uint32_t flags);
// `size` is about that of the image.
void bucket_insert_cold(Bucket *bucket, uint32_t hash, uint64_t image, int64_t size);
// Gives the row this value. A cold row becomes hot: hence the key.
void bucket_replace(Bucket *bucket, const BucketPlace *place, Slice key, Slice value,
                    uint64_t image, uint32_t flags);
// Makes a hot row cold, with another image (that can be packed).
void bucket_freeze(Bucket *bucket, const BucketPlace *place, uint64_t image);
void bucket_remove(Bucket *bucket, const BucketPlace *place);

// Makes rows cold, a page at a time, until `want` bytes are free or the pages have been round once;
// spares rows that are dirty, or used since it passed here. Returns what it gained.
int64_t bucket_cool(Bucket *bucket, int64_t want);

// Slots 0 .. bucket_slots-1; false for an empty one.
uint64_t bucket_slots(const Bucket *bucket);
bool bucket_row(const Bucket *bucket, uint64_t slot, BucketPlace *place);
