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

StateTable *table_create(State *state, uint32_t id, Slice name, Slice layout, uint64_t seed,
                         int64_t *memory)
{
    StateTable *table = must(calloc(1, sizeof *table));
    table->state = state;
    table->memory = memory;
    table->seed = seed;
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
    *table->memory -= (int64_t)(table->bucket_capacity * sizeof *table->buckets);
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
        group->hashes[i] = bucket_hash(keys[i], table->seed);
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
        *table->memory += (int64_t)((want - table->bucket_capacity) * sizeof *table->buckets);
        table->buckets = must(realloc(table->buckets, want * sizeof *table->buckets));
        table->bucket_capacity = want;
    }
    size_t i = table_position(table, id);
    memmove(&table->buckets[i + 1], &table->buckets[i],
            (table->bucket_count - i) * sizeof *table->buckets);
    table->buckets[i] = (BucketEntry){id, bucket};
    table->bucket_count++;
}

void table_insert(StateTable *table, int64_t bucket, uint32_t hash, Slice key, Slice value,
                  uint32_t flags)
{
    Bucket *rows = table_bucket(table, bucket);
    if (rows == NULL) {
        rows = bucket_create(table->memory);
        add_entry(table, bucket, rows);
    }
    bucket_insert(rows, hash, key, value, flags);
    table->row_count++;
}

void table_put(StateTable *table, int64_t bucket, Slice key, Slice value, uint32_t flags)
{
    uint32_t hash = bucket_hash(key, table->seed);
    Bucket *rows = table_bucket(table, bucket);
    BucketPlace place;
    if (rows != NULL && bucket_find(rows, hash, key, &place)) {
        bucket_replace(rows, &place, value, flags);
    } else {
        table_insert(table, bucket, hash, key, value, flags);
    }
}

void table_remove(StateTable *table, int64_t bucket, Slice key)
{
    Bucket *rows = table_bucket(table, bucket);
    BucketPlace place;
    if (rows == NULL || !bucket_find(rows, bucket_hash(key, table->seed), key, &place)) {
        return;
    }
    bucket_remove(rows, &place);
    table->row_count--;
    if (bucket_count(rows) == 0) {
        bucket_destroy(table_detach(table, bucket));
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
