// rows.c -- what operators do with the rows of a table between two commits.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>

#include "state/state_internal.h"

enum {
    PUT_ROWS = 1024, // put together: their cold rows are read at once
    GUESS_SPARE = 24,
};

static const int64_t bucket_zeros[TABLE_GROUP];

// The state's index with the places of the rows that a call has to read from the log.
typedef struct ColdRows {
    Buffer items; // of ReaderItem
    size_t count;
} ColdRows;

static ReaderItem *cold_items(const ColdRows *cold)
{
    return (ReaderItem *)(void *)cold->items.data;
}

// All cold rows with the hash of the key of `owner`.
static void add_cold(ColdRows *cold, const StateTable *table, int64_t bucket, const Bucket *rows,
                     uint32_t hash, size_t owner)
{
    BucketPlace place;
    for (uint32_t i = 0; bucket_find_cold(rows, hash, i, &place); i++) {
        ReaderItem item = {
            .image = bucket_image(rows, &place),
            .bucket = bucket,
            .table = table->id,
            .guess = (uint32_t)bucket_cold_bytes(rows) * 5 / 4 + GUESS_SPARE,
            .owner = owner,
        };
        buffer_append_bytes(&cold->items, &item, sizeof item);
        cold->count++;
    }
}

// Second chance for rows that are read; lookups may run on several threads.
static void mark_used(const State *state, Row *row)
{
    if (budget_limit(state->options.budget) != 0 &&
        (__atomic_load_n(&row->key_size, __ATOMIC_RELAXED) & ROW_USED) == 0) {
        __atomic_fetch_or(&row->key_size, ROW_USED, __ATOMIC_RELAXED);
    }
}

// ---- lookups ---------------------------------------------------------------------------------

// Hot rows; the cold ones that may be meant are added to `cold`.
static void lookup_hot(const StateTable *table, const int64_t *buckets, const Slice *keys,
                       size_t count, Slice *values, ColdRows *cold)
{
    TableGroup group;
    for (size_t i = 0; i < count; i++) {
        size_t at = i % TABLE_GROUP;
        if (at == 0) {
            table_prefetch(table, buckets == NULL ? bucket_zeros : buckets + i, keys + i, count - i,
                           &group);
        }
        const Bucket *rows = group.buckets[at];
        values[i] = (Slice){NULL, 0};
        BucketPlace place;
        bool may_be_cold;
        if (rows == NULL) {
            continue;
        }
        if (bucket_find(rows, group.hashes[at], keys[i], &place, &may_be_cold)) {
            mark_used(table->state, place.row);
            values[i] = row_value(place.row);
        } else if (may_be_cold) {
            add_cold(cold, table, buckets == NULL ? 0 : buckets[i], rows, group.hashes[at], i);
        }
    }
}

bool state_lookup_many(const StateTable *table, const int64_t *buckets, const Slice *keys,
                       size_t count, Buffer *scratch, Slice *values, Error *err)
{
    ColdRows cold = {0};
    buffer_reset(scratch);
    lookup_hot(table, buckets, keys, count, values, &cold);
    ReaderItem *items = cold_items(&cold);
    bool ok =
        cold.count == 0 || reader_fetch(table->state->reader, items, cold.count, scratch, err);
    for (size_t i = 0; ok && i < cold.count; i++) {
        if (slice_equal(items[i].key, keys[items[i].owner])) {
            values[items[i].owner] = items[i].value;
        }
    }
    buffer_done(&cold.items);
    return ok;
}

bool state_lookup(const StateTable *table, int64_t bucket, Slice key, Buffer *scratch, Slice *value,
                  bool *found, Error *err)
{
    Slice known = {0};
    if (!state_lookup_many(table, &bucket, &key, 1, scratch, &known, err)) {
        return false;
    }
    *found = known.data != NULL;
    *value = known;
    return true;
}

bool state_next_bucket(const StateTable *table, int64_t after, bool inclusive, int64_t *bucket)
{
    if (!inclusive && after == INT64_MAX) {
        return false;
    }
    size_t i = table_position(table, inclusive ? after : after + 1);
    if (i == table->bucket_count) {
        return false;
    }
    *bucket = table->buckets[i].id;
    return true;
}

uint64_t state_bucket_slots(const StateTable *table, int64_t bucket)
{
    const Bucket *rows = table_bucket(table, bucket);
    return rows == NULL ? 0 : bucket_slots(rows);
}

bool state_scan_many(const StateTable *table, int64_t bucket, uint64_t *slot, size_t limit,
                     Buffer *scratch, Slice *keys, Slice *values, size_t *count, Error *err)
{
    const Bucket *rows = table_bucket(table, bucket);
    uint64_t slots = rows == NULL ? 0 : bucket_slots(rows);
    ColdRows cold = {0};
    size_t found = 0;
    uint64_t at = *slot;
    buffer_reset(scratch);
    for (; at < slots && found < limit; at++) {
        BucketPlace place;
        if (!bucket_row(rows, at, &place)) {
            continue;
        }
        if (place.row != NULL) {
            keys[found] = row_key(place.row);
            values[found] = row_value(place.row);
        } else {
            ReaderItem item = {
                .image = bucket_image(rows, &place),
                .bucket = bucket,
                .table = table->id,
                .guess = (uint32_t)bucket_cold_bytes(rows) * 5 / 4 + GUESS_SPARE,
                .owner = found,
            };
            buffer_append_bytes(&cold.items, &item, sizeof item);
            cold.count++;
        }
        found++;
    }
    ReaderItem *items = cold_items(&cold);
    bool ok =
        cold.count == 0 || reader_fetch(table->state->reader, items, cold.count, scratch, err);
    for (size_t i = 0; ok && i < cold.count; i++) {
        keys[items[i].owner] = items[i].key;
        values[items[i].owner] = items[i].value;
    }
    buffer_done(&cold.items);
    if (ok) {
        *slot = at;
        *count = found;
    }
    return ok;
}

bool state_scan_row(const StateTable *table, int64_t bucket, uint64_t slot, Buffer *scratch,
                    Slice *key, Slice *value, bool *found, Error *err)
{
    const Bucket *rows = table_bucket(table, bucket);
    BucketPlace place;
    *found = rows != NULL && slot < bucket_slots(rows) && bucket_row(rows, slot, &place);
    size_t count;
    uint64_t next = slot;
    return !*found || state_scan_many(table, bucket, &next, 1, scratch, key, value, &count, err);
}

// ---- changes ---------------------------------------------------------------------------------

// Reads the cold rows that may be those of the keys; sorted by image.
static bool read_cold(const StateTable *table, const int64_t *buckets, const Slice *keys,
                      size_t count, Buffer *scratch, ColdRows *cold, Error *err)
{
    TableGroup group;
    for (size_t i = 0; i < count; i++) {
        size_t at = i % TABLE_GROUP;
        if (at == 0) {
            table_prefetch(table, buckets + i, keys + i, count - i, &group);
        }
        const Bucket *rows = group.buckets[at];
        BucketPlace place;
        bool may_be_cold = false;
        if (rows != NULL && !bucket_find(rows, group.hashes[at], keys[i], &place, &may_be_cold) &&
            may_be_cold) {
            add_cold(cold, table, buckets[i], rows, group.hashes[at], i);
        }
    }
    return cold->count == 0 ||
           reader_fetch(table->state->reader, cold_items(cold), cold->count, scratch, err);
}

static int compare_image(const void *a, const void *b)
{
    uint64_t x = ((const ReaderItem *)a)->image;
    uint64_t y = ((const ReaderItem *)b)->image;
    return (x > y) - (x < y);
}

// The cold row of this key among those that were read.
static bool find_cold(const Bucket *rows, uint32_t hash, Slice key, const ColdRows *cold,
                      BucketPlace *place)
{
    for (uint32_t i = 0; bucket_find_cold(rows, hash, i, place); i++) {
        ReaderItem wanted = {.image = bucket_image(rows, place)};
        const ReaderItem *item =
            bsearch(&wanted, cold_items(cold), cold->count, sizeof wanted, compare_image);
        if (item != NULL && slice_equal(item->key, key)) {
            return true;
        }
    }
    return false;
}

// Keeps the old image of a row that is about to change for the first time in this batch.
static void keep_old(StateTable *table, int64_t bucket, Slice key, const Bucket *rows,
                     const BucketPlace *place)
{
    Undo *undo = &table->state->changes;
    const Row *row = place->row;
    uint64_t image = bucket_image(rows, place);
    if (row == NULL) {
        undo_add(undo, table, bucket, key, UNDO_COLD, (Slice){"", 0}, image);
    } else if ((row->key_size & ROW_DIRTY) == 0) {
        undo_add(undo, table, bucket, key, UNDO_HOT, row_value(row), image);
    }
}

static void put_row(StateTable *table, int64_t bucket, uint32_t hash, Slice key, Slice value,
                    const ColdRows *cold)
{
    Bucket *rows = table_bucket(table, bucket);
    BucketPlace place;
    bool may_be_cold = false;
    if (rows != NULL && (bucket_find(rows, hash, key, &place, &may_be_cold) ||
                         (may_be_cold && find_cold(rows, hash, key, cold, &place)))) {
        keep_old(table, bucket, key, rows, &place);
        bucket_replace(rows, &place, key, value, bucket_image(rows, &place), ROW_DIRTY);
    } else {
        undo_add(&table->state->changes, table, bucket, key, UNDO_ABSENT, (Slice){"", 0}, 0);
        table_insert(table, bucket, hash, key, value, 0, ROW_DIRTY);
    }
}

static bool check_row(const StateTable *table, int64_t bucket, Slice key, Slice value, Error *err)
{
    if (key.size > ROW_SIZE / 2 || value.size > ROW_SIZE / 2) {
        return fail(err, ERROR_INPUT,
                    "state '%s': a key of %zu bytes with a value of %zu is too large (limit %u)",
                    table->name, key.size, value.size, ROW_SIZE / 2);
    }
    const Bucket *rows = table_bucket(table, bucket);
    return rows == NULL || !bucket_is_full(rows) ||
           fail(err, ERROR_FAILED,
                "state '%s' is full: one bucket holds at most 32 GiB of rows in memory",
                table->name);
}

static bool put_group(StateTable *table, const int64_t *buckets, const Slice *keys,
                      const Slice *values, size_t count, const ColdRows *cold, Error *err)
{
    TableGroup group;
    for (size_t i = 0; i < count; i++) {
        size_t at = i % TABLE_GROUP;
        if (at == 0) {
            table_prefetch(table, buckets + i, keys + i, count - i, &group);
        }
        if (!check_row(table, buckets[i], keys[i], values[i], err)) {
            return false;
        }
        put_row(table, buckets[i], group.hashes[at], keys[i], values[i], cold);
    }
    return true;
}

bool state_put_many(StateTable *table, const int64_t *buckets, const Slice *keys,
                    const Slice *values, size_t count, Error *err)
{
    State *state = table->state;
    bool ok = true;
    Buffer scratch = {0};
    for (size_t i = 0; ok && i < count; i += PUT_ROWS) {
        size_t some = count - i < PUT_ROWS ? count - i : PUT_ROWS;
        size_t more = 0;
        for (size_t j = i; j < i + some; j++) {
            more += sizeof(Row) + keys[j].size + values[j].size;
        }
        if (!state_check_limit(state, (int64_t)more, err)) {
            ok = fail_context(err, "state '%s'", table->name);
            break;
        }
        ColdRows cold = {0};
        ok = (state->common.cold_count == 0 ||
              read_cold(table, buckets + i, keys + i, some, &scratch, &cold, err)) &&
             put_group(table, buckets + i, keys + i, values + i, some, &cold, err);
        buffer_done(&cold.items);
    }
    buffer_done(&scratch);
    return ok;
}

bool state_put(StateTable *table, int64_t bucket, Slice key, Slice value, Error *err)
{
    // Making room moves rows, and the arguments may be among them.
    State *state = table->state;
    if (state_is_over(state, (int64_t)(key.size + value.size))) {
        buffer_reset(&state->copy);
        buffer_append(&state->copy, key);
        buffer_append(&state->copy, value);
        size_t size = key.size;
        key = (Slice){state->copy.data, size};
        value = (Slice){state->copy.data + size, value.size};
    }
    return state_put_many(table, &bucket, &key, &value, 1, err);
}

static void delete_row(StateTable *table, int64_t bucket, Slice key, const ColdRows *cold)
{
    uint32_t hash = bucket_hash(key, table->common->seed);
    Bucket *rows = table_bucket(table, bucket);
    BucketPlace place;
    bool may_be_cold = false;
    if (rows != NULL && (bucket_find(rows, hash, key, &place, &may_be_cold) ||
                         (may_be_cold && find_cold(rows, hash, key, cold, &place)))) {
        keep_old(table, bucket, key, rows, &place);
        table_remove_place(table, bucket, rows, &place);
    }
}

bool state_delete_many(StateTable *table, const int64_t *buckets, const Slice *keys, size_t count,
                       Error *err)
{
    Buffer scratch = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < count; i += PUT_ROWS) {
        size_t some = count - i < PUT_ROWS ? count - i : PUT_ROWS;
        ColdRows cold = {0};
        ok = table->common->cold_count == 0 ||
             read_cold(table, buckets + i, keys + i, some, &scratch, &cold, err);
        for (size_t j = i; ok && j < i + some; j++) {
            delete_row(table, buckets[j], keys[j], &cold);
        }
        buffer_done(&cold.items);
    }
    buffer_done(&scratch);
    return ok;
}

void state_delete(StateTable *table, int64_t bucket, Slice key)
{
    Error err;
    if (!state_delete_many(table, &bucket, &key, 1, &err) &&
        table->state->problem.kind == ERROR_NONE) {
        table->state->problem = err;
    }
}

void state_drop_bucket(StateTable *table, int64_t bucket)
{
    Bucket *rows = table_detach(table, bucket);
    if (rows != NULL) {
        undo_add_drop(&table->state->changes, table, bucket, rows);
    }
}

// ---- figures ---------------------------------------------------------------------------------

int64_t state_row_count(const StateTable *table)
{
    return table->row_count;
}

int64_t state_cold_count(const State *state)
{
    return state->common.cold_count;
}

int64_t state_memory_bytes(const State *state)
{
    return state->common.memory + undo_bytes(&state->changes) + undo_bytes(&state->committed);
}
