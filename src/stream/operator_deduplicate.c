// DROP DUPLICATES at run time: keys seen, and when they may be forgotten. See operator_internal.h.
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdlib.h>

#include "stream/key_set.h"
#include "stream/operator_internal.h"

enum { EXPIRY_BUCKETS = 64 }; // keys are swept in this many steps per delay

typedef struct KeyList {
    Slice *keys;
    size_t count;
    size_t capacity;
} KeyList;

typedef struct Deduplicate {
    StateTable *table;    // (0, key) -> expiry
    StateTable *expiry;   // where keys expire: (time bucket, key) -> expiry
    KeySet *claims;       // keys seen in the batch
    pthread_mutex_t lock; // of claims
} Deduplicate;

// claim(event time, keys...): true for the first row on time of a key that the state does not have.
static bool claim_function(void *context, const DuckColumn *arguments, size_t argument_count,
                           uint64_t row_count, DuckColumn *result, Error *err)
{
    Operator *op = context;
    Deduplicate *own = op->state;
    Arena *arena = arena_create(0);
    Buffer bytes = {0};
    Buffer scratch = {0};
    Slice *known = ARENA_ARRAY(arena, Slice, row_count);
    Slice *keys = operator_encode(arguments + 1, argument_count - 1, row_count, &bytes, arena);
    int64_t late = 0;
    bool ok = state_lookup_many(own->table, NULL, keys, row_count, &scratch, known, err);
    pthread_mutex_lock(&own->lock); // once per chunk
    for (uint64_t row = 0; ok && row < row_count; row++) {
        bool is_late =
            !duck_is_null(&arguments[0], row) && duck_int(&arguments[0], row) <= op->late;
        bool is_first = false;
        if (!is_late && known[row].data == NULL) {
            ok = key_set_add(own->claims, keys[row], &is_first, err);
        }
        late += is_late;
        duck_set_int(result, row, is_first);
    }
    pthread_mutex_unlock(&own->lock);
    atomic_fetch_add(&op->late_rows, late);
    buffer_done(&scratch);
    buffer_done(&bytes);
    arena_destroy(arena);
    return ok;
}

static bool deduplicate_open(Operator *op, State *state, Arena *arena, Error *err)
{
    Deduplicate *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    pthread_mutex_init(&own->lock, NULL);
    own->claims = key_set_create();
    op->state = own;
    const PlanStage *stage = op->stage;
    Slice layout = slice_of(operator_layout(&stage->keys, &stage->values, arena));
    const char *expiry = arena_printf(arena, "%s_expiry", stage->name);
    if (!state_table(state, stage->name, layout, &own->table, err) ||
        (stage->deduplicate->expires && !state_table(state, expiry, layout, &own->expiry, err))) {
        return false;
    }
    op->metrics.rows_total = state_row_count(own->table);
    return operator_register_keyed(op, stage->deduplicate->claim_function,
                                   type_simple(TYPE_BOOLEAN), claim_function, err);
}

static void deduplicate_finish(Operator *op)
{
    key_set_clear(((Deduplicate *)op->state)->claims);
}

static void deduplicate_close(Operator *op)
{
    Deduplicate *own = op->state;
    if (own != NULL) {
        key_set_destroy(own->claims);
        pthread_mutex_destroy(&own->lock);
        free(own);
    }
}

// Keys that expire together within one 64th of the delay share a bucket of the expiry table.
static TimeUs expiry_bucket(const Operator *op, TimeUs expiry)
{
    TimeUs grain = op->stage->deduplicate->expiry_delay / EXPIRY_BUCKETS;
    grain = grain < TIME_SECOND ? TIME_SECOND : grain;
    return window_last_start((WindowShape){grain, grain, 0}, expiry);
}

static bool put_chunk(Operator *op, size_t chunk, Arena *arena, Error *err)
{
    const Deduplicate *own = op->state;
    const PlanStage *stage = op->stage;
    const PlanDeduplicate *rule = stage->deduplicate;
    size_t row_count = duck_rows_chunk_size(op->rows, chunk);
    DuckColumn *columns = ARENA_ARRAY(arena, DuckColumn, stage->keys.count + 1);
    for (size_t i = 0; i < stage->keys.count; i++) {
        columns[i] = duck_rows_column(op->rows, chunk, rule->key_columns[i]);
    }
    DuckColumn time = {0};
    if (stage->has_event_time) {
        time = duck_rows_column(op->rows, chunk, (size_t)rule->event_time_column);
    }
    buffer_reset(&op->key);
    Slice *keys = operator_encode(columns, stage->keys.count, row_count, &op->key, arena);
    Slice *values = ARENA_ARRAY(arena, Slice, row_count);
    TimeUs *expiries = ARENA_ARRAY(arena, TimeUs, row_count);
    int64_t *buckets = ARENA_ARRAY(arena, int64_t, row_count); // zeros
    for (size_t row = 0; row < row_count; row++) {
        bool has_time = stage->has_event_time && !duck_is_null(&time, row);
        // A row without event time: WITHIN WATERMARK takes 1970, as Spark does; else its key stays.
        expiries[row] = has_time || rule->within_watermark
                            ? (has_time ? duck_int(&time, row) : 0) + rule->expiry_delay
                            : TIME_NEVER;
        values[row] = (Slice){(const char *)&expiries[row], sizeof expiries[row]};
    }
    op->metrics.rows_updated += (int64_t)row_count;
    if (!state_put_many(own->table, buckets, keys, values, row_count, err)) {
        return false;
    }
    size_t expiring = 0;
    for (size_t row = 0; own->expiry != NULL && row < row_count; row++) {
        if (expiries[row] != TIME_NEVER) {
            buckets[expiring] = expiry_bucket(op, expiries[row]);
            keys[expiring] = keys[row];
            values[expiring++] = values[row];
        }
    }
    return expiring == 0 || state_put_many(own->expiry, buckets, keys, values, expiring, err);
}

static bool deduplicate_run(Operator *op, Error *err)
{
    Arena *arena = arena_create(0);
    bool ok = true;
    for (size_t chunk = 0; ok && chunk < duck_rows_chunk_count(op->rows); chunk++) {
        arena_reset(arena);
        ok = put_chunk(op, chunk, arena, err);
    }
    arena_destroy(arena);
    return ok;
}

// The expired keys of one expiry bucket, copied: a change of the table may move its rows. *all:
// there are no others.
static bool find_expired(const Operator *op, int64_t bucket, Arena *arena, KeyList *expired,
                         bool *all, Error *err)
{
    enum { SOME = 2048 };
    const Deduplicate *own = op->state;
    Slice *keys = ARENA_ARRAY(arena, Slice, SOME);
    Slice *values = ARENA_ARRAY(arena, Slice, SOME);
    Buffer scratch = {0};
    uint64_t slot = 0;
    size_t count = SOME;
    bool ok = true;
    *all = true;
    while (ok && count == SOME) {
        ok = state_scan_many(own->expiry, bucket, &slot, SOME, &scratch, keys, values, &count, err);
        for (size_t i = 0; ok && i < count; i++) {
            TimeUs expiry;
            memcpy(&expiry, values[i].data, sizeof expiry);
            if (expiry <= op->evict) {
                ARENA_PUSH(arena, expired->keys, expired->count, expired->capacity,
                           arena_copy(arena, keys[i]));
            } else {
                *all = false;
            }
        }
    }
    buffer_done(&scratch);
    return ok;
}

// Forgets the expired keys of one expiry bucket.
static bool evict_bucket(Operator *op, int64_t bucket, Arena *arena, Error *err)
{
    Deduplicate *own = op->state;
    KeyList expired = {0};
    bool all;
    if (!find_expired(op, bucket, arena, &expired, &all, err)) {
        return false;
    }
    int64_t *buckets = ARENA_ARRAY(arena, int64_t, expired.count);
    if (!state_delete_many(own->table, buckets, expired.keys, expired.count, err)) {
        return false;
    }
    op->metrics.rows_removed += (int64_t)expired.count;
    if (all) {
        state_drop_bucket(own->expiry, bucket);
        return true;
    }
    for (size_t i = 0; i < expired.count; i++) {
        buckets[i] = bucket;
    }
    return state_delete_many(own->expiry, buckets, expired.keys, expired.count, err);
}

static bool deduplicate_evict(Operator *op, Error *err)
{
    Deduplicate *own = op->state;
    int64_t bucket;
    int64_t after = INT64_MIN;
    bool inclusive = true;
    bool ok = true;
    Arena *arena = arena_create(0);
    while (ok && op->evict != TIME_MIN && own->expiry != NULL &&
           state_next_bucket(own->expiry, after, inclusive, &bucket) && bucket <= op->evict) {
        arena_reset(arena);
        ok = evict_bucket(op, bucket, arena, err);
        after = bucket;
        inclusive = false;
    }
    arena_destroy(arena);
    op->metrics.rows_total = state_row_count(own->table);
    return ok;
}

const OperatorKind operator_deduplicate = {
    .name = "DROP DUPLICATES",
    .open = deduplicate_open,
    .run = deduplicate_run,
    .evict = deduplicate_evict,
    .finish = deduplicate_finish,
    .close = deduplicate_close,
};
