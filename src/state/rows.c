// rows.c -- what operators do with the rows of a table between two commits.
// SPDX-License-Identifier: Apache-2.0
#include "state/state_internal.h"

bool state_get(const StateTable *table, int64_t bucket, Slice key, Slice *value)
{
    const Bucket *rows = table_bucket(table, bucket);
    BucketPlace place;
    if (rows == NULL || !bucket_find(rows, bucket_hash(key, table->seed), key, &place)) {
        return false;
    }
    *value = row_value(place.row);
    return true;
}

void state_get_many(const StateTable *table, const int64_t *buckets, const Slice *keys,
                    size_t count, Slice *values)
{
    TableGroup group;
    for (size_t i = 0; i < count; i++) {
        size_t at = i % TABLE_GROUP;
        if (at == 0) {
            table_prefetch(table, buckets + i, keys + i, count - i, &group);
        }
        const Bucket *rows = group.buckets[at];
        BucketPlace place;
        bool found = rows != NULL && bucket_find(rows, group.hashes[at], keys[i], &place);
        values[i] = found ? row_value(place.row) : (Slice){NULL, 0};
    }
}

bool state_lookup_many(const StateTable *table, const int64_t *buckets, const Slice *keys,
                       size_t count, Buffer *scratch, Slice *values, Error *err)
{
    (void)err;
    static const int64_t zeros[TABLE_GROUP];
    buffer_reset(scratch);
    for (size_t i = 0; i < count; i += TABLE_GROUP) {
        size_t some = count - i < TABLE_GROUP ? count - i : TABLE_GROUP;
        state_get_many(table, buckets == NULL ? zeros : buckets + i, keys + i, some, values + i);
    }
    return true;
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

bool state_scan_row(const StateTable *table, int64_t bucket, uint64_t slot, Buffer *scratch,
                    Slice *key, Slice *value, bool *found, Error *err)
{
    (void)err;
    buffer_reset(scratch);
    *found = state_bucket_row(table, bucket, slot, key, value);
    return true;
}

bool state_put(StateTable *table, int64_t bucket, Slice key, Slice value, Error *err)
{
    State *state = table->state;
    if (key.size > ROW_SIZE / 2 || value.size > ROW_SIZE / 2) {
        return fail(err, ERROR_INPUT,
                    "state '%s': a key of %zu bytes with a value of %zu is too large (limit %u)",
                    table->name, key.size, value.size, ROW_SIZE / 2);
    }
    if (!state_check_limit(state, (int64_t)(sizeof(Row) + key.size + value.size), err)) {
        return fail_context(err, "state '%s'", table->name);
    }
    uint32_t hash = bucket_hash(key, table->seed);
    Bucket *rows = table_bucket(table, bucket);
    if (rows != NULL && bucket_is_full(rows)) {
        return fail(err, ERROR_FAILED,
                    "state '%s' is full: one bucket holds at most 32 GiB of rows", table->name);
    }
    BucketPlace place;
    if (rows == NULL || !bucket_find(rows, hash, key, &place)) {
        undo_add(&state->changes, table, bucket, key, NULL);
        table_insert(table, bucket, hash, key, value, ROW_DIRTY);
        return true;
    }
    if ((place.row->key_size & ROW_DIRTY) == 0) {
        Slice old = row_value(place.row);
        undo_add(&state->changes, table, bucket, key, &old);
    }
    bucket_replace(rows, &place, value, ROW_DIRTY);
    return true;
}

bool state_put_many(StateTable *table, const int64_t *buckets, const Slice *keys,
                    const Slice *values, size_t count, Error *err)
{
    TableGroup group;
    for (size_t i = 0; i < count; i++) {
        if (i % TABLE_GROUP == 0) {
            table_prefetch(table, buckets + i, keys + i, count - i, &group);
        }
        if (!state_put(table, buckets[i], keys[i], values[i], err)) {
            return false;
        }
    }
    return true;
}

void state_delete(StateTable *table, int64_t bucket, Slice key)
{
    const Bucket *rows = table_bucket(table, bucket);
    BucketPlace place;
    if (rows == NULL || !bucket_find(rows, bucket_hash(key, table->seed), key, &place)) {
        return;
    }
    if ((place.row->key_size & ROW_DIRTY) == 0) {
        Slice old = row_value(place.row);
        undo_add(&table->state->changes, table, bucket, key, &old);
    }
    table_remove(table, bucket, key);
}

void state_drop_bucket(StateTable *table, int64_t bucket)
{
    Bucket *rows = table_detach(table, bucket);
    if (rows != NULL) {
        undo_add_drop(&table->state->changes, table, bucket, rows);
    }
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

bool state_bucket_row(const StateTable *table, int64_t bucket, uint64_t slot, Slice *key,
                      Slice *value)
{
    const Bucket *rows = table_bucket(table, bucket);
    const Row *row = rows == NULL || slot >= bucket_slots(rows) ? NULL : bucket_row(rows, slot);
    if (row == NULL) {
        return false;
    }
    *key = row_key(row);
    *value = row_value(row);
    return true;
}

int64_t state_row_count(const StateTable *table)
{
    return table->row_count;
}

int64_t state_memory_bytes(const State *state)
{
    return state->memory + undo_bytes(&state->changes) + undo_bytes(&state->committed);
}

bool state_is_crowded(const State *state)
{
    int64_t limit = budget_limit(state->options.budget);
    return limit != 0 && state_budget_used(state->options.budget) >= limit / 5 * 4;
}
