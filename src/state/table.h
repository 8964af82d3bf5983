// table.h -- one table in memory: a sorted list of buckets.
//
// Buckets appear with their first row and go with their last. Nothing here writes to the log or
// keeps old images: state.c does both around these calls.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/bucket.h"
#include "state/state.h"

typedef struct BucketEntry {
    int64_t id;
    Bucket *bucket;
} BucketEntry;

struct StateTable {
    State *state; // NULL in tests of the table alone
    BucketCommon *common;
    uint32_t id;
    char *name;
    char *layout;
    size_t layout_size;
    BucketEntry *buckets; // ascending ids
    size_t bucket_count;
    size_t bucket_capacity;
    int64_t row_count;
};

StateTable *table_create(State *state, uint32_t id, Slice name, Slice layout, BucketCommon *common);
void table_destroy(StateTable *table); // NULL is a no-op

Bucket *table_bucket(const StateTable *table, int64_t id); // NULL: no rows
// The position of the first bucket with an id >= `id`; bucket_count when there is none.
size_t table_position(const StateTable *table, int64_t id);

// Brings the rows of the first TABLE_GROUP of `count` keys into the cache: their waits for memory
// overlap. The group says where each key belongs, until the next change of the table.
enum { TABLE_GROUP = 64 };
typedef struct TableGroup {
    const Bucket *buckets[TABLE_GROUP]; // NULL: no such bucket
    uint32_t hashes[TABLE_GROUP];
} TableGroup;
void table_prefetch(const StateTable *table, const int64_t *buckets, const Slice *keys,
                    size_t count, TableGroup *group);

// The row whose key or image this is: hot with this key, or cold with the image `previous`.
bool table_find(const StateTable *table, int64_t bucket, uint32_t hash, Slice key,
                uint64_t previous, Bucket **rows, BucketPlace *place);

// `flags` as in bucket.h. table_put makes the bucket when it is missing.
void table_insert(StateTable *table, int64_t bucket, uint32_t hash, Slice key, Slice value,
                  uint64_t image, uint32_t flags);
// The row that table_find finds, or a new one, gets this value and image.
void table_put(StateTable *table, int64_t bucket, Slice key, uint64_t previous, Slice value,
               uint64_t image);
// The same, cold.
void table_put_cold(StateTable *table, int64_t bucket, Slice key, uint64_t image);
void table_remove(StateTable *table, int64_t bucket, Slice key, uint64_t previous); // absent: fine
void table_remove_place(StateTable *table, int64_t bucket, Bucket *rows, const BucketPlace *place);

// Takes a bucket out with its rows (NULL: there is none), and puts it back where none is.
Bucket *table_detach(StateTable *table, int64_t id);
void table_attach(StateTable *table, int64_t id, Bucket *bucket);
