// SPDX-License-Identifier: Apache-2.0
#include "state/table.h"

#include <stdio.h>
#include <stdlib.h>

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    return memory;
}

static char *copy_text(Slice text)
{
    char *copy = must(malloc(text.size + 1));
    if (text.size != 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

StateTable *table_create(State *state, uint32_t id, Slice name, Slice layout, BucketCommon *common)
{
    StateTable *table = must(calloc(1, sizeof *table));
    table->state = state;
    table->common = common;
    table->id = id;
    table->name = copy_text(name);
    table->layout = copy_text(layout);
    table->layout_size = layout.size;
    return table;
}

void table_destroy(StateTable *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->bucket_count; i++) {
        bucket_destroy(table->buckets[i].bucket);
    }
    table->common->memory -= (int64_t)(table->bucket_capacity * sizeof *table->buckets);
    free(table->buckets);
    free(table->layout);
    free(table->name);
    free(table);
}

size_t table_position(const StateTable *table, int64_t id)
{
    const BucketEntry *entries = table->buckets;
    size_t count = table->bucket_count;
    if (count == 0 || entries[count - 1].id < id) {
        return count;
    }
    size_t low = 0;
    size_t high = count - 1; // entries[high].id >= id
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return high;
}

Bucket *table_bucket(const StateTable *table, int64_t id)
{
    size_t i = table_position(table, id);
    return i < table->bucket_count && table->buckets[i].id == id ? table->buckets[i].bucket : NULL;
}

void table_prefetch(const StateTable *table, const int64_t *buckets, const Slice *keys,
                    size_t count, TableGroup *group)
{
    count = count < TABLE_GROUP ? count : TABLE_GROUP;
    for (size_t i = 0; i < count; i++) {
        bool is_same = i > 0 && buckets[i] == buckets[i - 1];
        group->buckets[i] = is_same ? group->buckets[i - 1] : table_bucket(table, buckets[i]);
        group->hashes[i] = bucket_hash(keys[i], table->common->seed);
        if (group->buckets[i] != NULL) {
            bucket_prefetch_index(group->buckets[i], group->hashes[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (group->buckets[i] != NULL) {
            bucket_prefetch_row(group->buckets[i], group->hashes[i]);
        }
    }
}

static void add_entry(StateTable *table, int64_t id, Bucket *bucket)
{
    if (table->bucket_count == table->bucket_capacity) {
        size_t want = table->bucket_capacity == 0 ? 4 : table->bucket_capacity * 2;
        table->common->memory +=
            (int64_t)((want - table->bucket_capacity) * sizeof *table->buckets);
        table->buckets = must(realloc(table->buckets, want * sizeof *table->buckets));
        table->bucket_capacity = want;
    }
    size_t i = table_position(table, id);
    memmove(&table->buckets[i + 1], &table->buckets[i],
            (table->bucket_count - i) * sizeof *table->buckets);
    table->buckets[i] = (BucketEntry){id, bucket};
    table->bucket_count++;
}

static Bucket *make_bucket(StateTable *table, int64_t id)
{
    Bucket *rows = table_bucket(table, id);
    if (rows == NULL) {
        rows = bucket_create(table->common);
        add_entry(table, id, rows);
    }
    return rows;
}

bool table_find(const StateTable *table, int64_t bucket, uint32_t hash, Slice key,
                uint64_t previous, Bucket **rows, BucketPlace *place)
{
    bool may_be_cold;
    *rows = table_bucket(table, bucket);
    return *rows != NULL && (bucket_find(*rows, hash, key, place, &may_be_cold) ||
                             (may_be_cold && bucket_find_image(*rows, hash, previous, place)));
}

void table_insert(StateTable *table, int64_t bucket, uint32_t hash, Slice key, Slice value,
                  uint64_t image, uint32_t flags)
{
    bucket_insert(make_bucket(table, bucket), hash, key, value, image, flags);
    table->row_count++;
}

void table_put(StateTable *table, int64_t bucket, Slice key, uint64_t previous, Slice value,
               uint64_t image)
{
    uint32_t hash = bucket_hash(key, table->common->seed);
    Bucket *rows;
    BucketPlace place;
    if (table_find(table, bucket, hash, key, previous, &rows, &place)) {
        bucket_replace(rows, &place, key, value, image, 0);
    } else {
        table_insert(table, bucket, hash, key, value, image, 0);
    }
}

void table_put_cold(StateTable *table, int64_t bucket, Slice key, uint64_t image)
{
    uint32_t hash = bucket_hash(key, table->common->seed);
    Bucket *rows;
    BucketPlace place;
    if (table_find(table, bucket, hash, key, 0, &rows, &place)) {
        bucket_freeze(rows, &place, image);
        return;
    }
    rows = make_bucket(table, bucket);
    int64_t size = bucket_cold_bytes(rows);
    bucket_insert_cold(rows, hash, image, size == 0 ? (int64_t)key.size : size);
    table->row_count++;
}

void table_remove_place(StateTable *table, int64_t bucket, Bucket *rows, const BucketPlace *place)
{
    bucket_remove(rows, place);
    table->row_count--;
    if (bucket_count(rows) == 0) {
        bucket_destroy(table_detach(table, bucket));
    }
}

void table_remove(StateTable *table, int64_t bucket, Slice key, uint64_t previous)
{
    Bucket *rows;
    BucketPlace place;
    uint32_t hash = bucket_hash(key, table->common->seed);
    if (table_find(table, bucket, hash, key, previous, &rows, &place)) {
        table_remove_place(table, bucket, rows, &place);
    }
}

Bucket *table_detach(StateTable *table, int64_t id)
{
    size_t i = table_position(table, id);
    if (i == table->bucket_count || table->buckets[i].id != id) {
        return NULL;
    }
    Bucket *bucket = table->buckets[i].bucket;
    table->bucket_count--;
    memmove(&table->buckets[i], &table->buckets[i + 1],
            (table->bucket_count - i) * sizeof *table->buckets);
    table->row_count -= (int64_t)bucket_count(bucket);
    return bucket;
}

void table_attach(StateTable *table, int64_t id, Bucket *bucket)
{
    add_entry(table, id, bucket);
    table->row_count += (int64_t)bucket_count(bucket);
}
