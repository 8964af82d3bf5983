// Session windows at run time: the open sessions of each key. See session_internal.h.
//
//     the statement runs     claim() puts each row into the batch's sessions, which begin with
//     those
//                            that the state has open for its key; rows are then grouped by the part
//                            of a session that claim() gave, and get() adds what the state has
//     after it               parts of one session are merged; keys with rows are written back; keys
//                            whose first session may have ended are looked up in the expiry table
//
// Sessions that end at or before the watermark are closed: emitted in append mode, and forgotten.
// The numbers are Spark's: a key with a row on time is written with all of its sessions (updated);
// sessions that are no longer there under their start, or closed, are removed.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "stream/session_internal.h"

enum { EXPIRY_BUCKETS = 64 }; // keys are looked at in this many steps per gap

// ---- claim(start, end, keys...) ----------------------------------------------------------------

// Rows of one chunk that have a session, and the bytes of their keys.
typedef struct Claims {
    uint64_t count;
    uint64_t *rows;
    Slice *keys;
    uint64_t *hashes;
    uint32_t *numbers;
    Buffer bytes;
} Claims;

static bool load_sessions(Sessions *own, uint32_t key, Slice value, Error *err)
{
    SessionRow row;
    if (!session_row_open(&row, &own->fields, value, err)) {
        return false;
    }
    SessionKey *kept = session_set_key_at(own->set, key);
    kept->is_kept = true;
    kept->expiry = row.expiry;
    for (uint32_t i = 0; i < row.count; i++) {
        SessionBytes session;
        if (!session_row_next(&row, &session, err)) {
            return false;
        }
        uint32_t number = session_set_open(own->set, key, session.start, session.end);
        Session *open = session_set_at(own->set, number);
        open->value = own->values.size;
        open->value_size = (uint32_t)session.bytes.size;
        buffer_append(&own->values, session.bytes);
    }
    return true;
}

// Numbers of the keys; the sessions of those that the batch has not seen come from the state.
static bool find_keys(Sessions *own, Claims *claims, Arena *arena, Error *err)
{
    Slice *wanted = ARENA_ARRAY(arena, Slice, claims->count + 1);
    uint32_t *numbers = ARENA_ARRAY(arena, uint32_t, claims->count + 1);
    size_t count = 0;
    session_set_expect_keys(own->set, claims->hashes, claims->count);
    for (uint64_t i = 0; i < claims->count; i++) {
        bool is_new;
        claims->numbers[i] = session_set_key(own->set, claims->keys[i], claims->hashes[i], &is_new);
        if (is_new) {
            numbers[count] = claims->numbers[i];
            wanted[count++] = claims->keys[i];
        }
    }
    Slice *values = ARENA_ARRAY(arena, Slice, count + 1);
    bool ok = state_lookup_many(own->table, NULL, wanted, count, &own->scratch, values, err);
    for (size_t i = 0; ok && i < count; i++) {
        ok = values[i].data == NULL || load_sessions(own, numbers[i], values[i], err);
    }
    return ok;
}

static bool add_late(Operator *op, Slice key, TimeUs start, TimeUs end, Error *err)
{
    Sessions *own = op->state;
    bool is_new = false;
    buffer_reset(&op->key);
    buffer_append(&op->key, key);
    buffer_append_bytes(&op->key, &start, sizeof start);
    buffer_append_bytes(&op->key, &end, sizeof end);
    bool ok = key_set_add(own->late, buffer_slice(&op->key), &is_new, err);
    op->metrics.rows_late += is_new;
    return ok;
}

// The keys of rows that have a session: a start and a later end.
static void encode_claims(const DuckColumn *arguments, size_t argument_count, uint64_t row_count,
                          Claims *claims, Arena *arena)
{
    size_t *ends = ARENA_ARRAY(arena, size_t, row_count + 1);
    claims->rows = ARENA_ARRAY(arena, uint64_t, row_count + 1);
    claims->keys = ARENA_ARRAY(arena, Slice, row_count + 1);
    claims->hashes = ARENA_ARRAY(arena, uint64_t, row_count + 1);
    claims->numbers = ARENA_ARRAY(arena, uint32_t, row_count + 1);
    for (uint64_t row = 0; row < row_count; row++) {
        bool is_session = !duck_is_null(&arguments[0], row) && !duck_is_null(&arguments[1], row) &&
                          duck_int(&arguments[1], row) > duck_int(&arguments[0], row);
        if (is_session) {
            row_encode(arguments + 2, argument_count - 2, row, &claims->bytes);
            ends[claims->count] = claims->bytes.size;
            claims->rows[claims->count++] = row;
        }
    }
    for (uint64_t i = 0; i < claims->count; i++) {
        size_t begin = i == 0 ? 0 : ends[i - 1];
        claims->keys[i] = (Slice){claims->bytes.data + begin, ends[i] - begin};
        claims->hashes[i] = session_set_hash(claims->keys[i]);
    }
}

static bool claim_rows(Operator *op, const DuckColumn *arguments, Claims *claims,
                       DuckColumn *result, Arena *arena, Error *err)
{
    Sessions *own = op->state;
    uint64_t kept = 0;
    for (uint64_t i = 0; i < claims->count; i++) { // late rows fall out: they bring in no key
        uint64_t row = claims->rows[i];
        TimeUs end = duck_int(&arguments[1], row);
        if (end <= op->late) {
            if (!add_late(op, claims->keys[i], duck_int(&arguments[0], row), end, err)) {
                return false;
            }
            continue;
        }
        claims->rows[kept] = row;
        claims->hashes[kept] = claims->hashes[i];
        claims->keys[kept++] = claims->keys[i];
    }
    claims->count = kept;
    if (!find_keys(own, claims, arena, err)) {
        return false;
    }
    session_set_expect_rows(own->set, claims->numbers, kept);
    for (uint64_t i = 0; i < kept; i++) {
        uint64_t row = claims->rows[i];
        uint32_t part = session_set_add(own->set, claims->numbers[i], duck_int(&arguments[0], row),
                                        duck_int(&arguments[1], row));
        ((int64_t *)result->data)[row] = part;
    }
    return true;
}

static bool claim_function(void *context, const DuckColumn *arguments, size_t argument_count,
                           uint64_t row_count, DuckColumn *result, Error *err)
{
    Operator *op = context;
    Sessions *own = op->state;
    Arena *arena = arena_create(0);
    Claims claims = {0};
    encode_claims(arguments, argument_count, row_count, &claims, arena);
    int64_t *parts = result->data;
    for (uint64_t row = 0; row < row_count; row++) {
        parts[row] = -1;
    }
    pthread_mutex_lock(&own->lock); // once per chunk
    bool ok = claim_rows(op, arguments, &claims, result, arena, err);
    pthread_mutex_unlock(&own->lock);
    for (uint64_t row = 0; ok && row < row_count; row++) {
        if (parts[row] < 0) {
            duck_set_null(result, row);
        }
    }
    buffer_done(&claims.bytes);
    arena_destroy(arena);
    return ok;
}

static bool register_claim(Operator *op, Arena *arena, Error *err)
{
    Schema arguments = {0};
    schema_add(arena, &arguments, "start", type_simple(TYPE_BIGINT), true);
    schema_add(arena, &arguments, "end", type_simple(TYPE_BIGINT), true);
    for (size_t i = 0; i < op->stage->keys.count; i++) {
        schema_add(arena, &arguments, "key", op->stage->keys.columns[i].type, true);
    }
    DuckScalar claim = {
        .name = op->stage->session->claim_function,
        .arguments = &arguments,
        .result = type_simple(TYPE_BIGINT),
        .is_volatile = true,
        .sees_null = true,
        .function = claim_function,
        .context = op,
    };
    return operator_register_scalar(op, &claim, err);
}

// ---- get(part) ---------------------------------------------------------------------------------

// All rows have been claimed: grouping by the part has seen them.
static bool get_function(void *context, const DuckColumn *arguments, size_t argument_count,
                         uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)argument_count;
    const Operator *op = context;
    const Sessions *own = op->state;
    size_t count = own->fields.count;
    DuckColumn *fields = calloc(count, sizeof *fields);
    bool ok = fields != NULL || fail(err, ERROR_FAILED, "out of memory");
    for (size_t i = 0; ok && i < count; i++) {
        fields[i] =
            i < 2 ? (DuckColumn){.type = own->fields.columns[i].type} : duck_child(result, i - 2);
    }
    for (uint64_t row = 0; ok && row < row_count; row++) {
        const Session *part = NULL;
        if (!duck_is_null(&arguments[0], row)) {
            part = session_set_at(own->set, (uint32_t)duck_int(&arguments[0], row));
        }
        if (part != NULL && part->was_open) {
            Slice value = {own->values.data + part->value, part->value_size};
            ok = row_decode(value, fields, count, row, err);
            continue;
        }
        duck_set_null(result, row);
        for (size_t i = 2; i < count; i++) {
            duck_set_null(&fields[i], row);
        }
    }
    free(fields);
    return ok;
}

static bool register_get(Operator *op, Error *err)
{
    Column argument = {.name = "part", .type = type_simple(TYPE_BIGINT)};
    Schema arguments = {&argument, 1, 1};
    DuckScalar get = {
        .name = op->stage->session->get_function,
        .arguments = &arguments,
        .result = type_struct(op->arena, *op->stage->session->partials),
        .is_volatile = true,
        .sees_null = true,
        .function = get_function,
        .context = op,
    };
    return operator_register_scalar(op, &get, err);
}

// ---- life --------------------------------------------------------------------------------------

static bool load_total(Operator *op, Error *err)
{
    Sessions *own = op->state;
    Slice value;
    bool found;
    own->session_count = 0;
    if (!state_lookup(own->total, 0, (Slice){"", 0}, &own->scratch, &value, &found, err)) {
        return false;
    }
    if (found) {
        memcpy(&own->session_count, value.data + value.size - sizeof own->session_count,
               sizeof own->session_count);
    }
    return true;
}

static bool open_tables(Operator *op, State *state, Arena *arena, Error *err)
{
    Sessions *own = op->state;
    const PlanStage *stage = op->stage;
    const char *layout =
        arena_printf(arena, "%s%s", operator_layout(&stage->keys, &stage->values, arena),
                     stage->aggregate->meaning);
    Schema time = {0};
    Schema total = {0};
    schema_add(arena, &time, "expiry", type_simple(TYPE_TIMESTAMP), true);
    schema_add(arena, &total, "sessions", type_simple(TYPE_BIGINT), true);
    const char *expiry = operator_layout(&stage->keys, &time, arena);
    const char *sessions = operator_layout(&(Schema){0}, &total, arena);
    bool expires = stage->has_event_time && op->plan->mode != OUTPUT_COMPLETE;
    return state_table(state, stage->name, slice_of(layout), &own->table, err) &&
           state_table(state, arena_printf(arena, "%s_total", stage->name), slice_of(sessions),
                       &own->total, err) &&
           (!expires || state_table(state, arena_printf(arena, "%s_expiry", stage->name),
                                    slice_of(expiry), &own->expiry, err));
}

static bool session_open(Operator *op, State *state, Arena *arena, Error *err)
{
    Sessions *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    pthread_mutex_init(&own->lock, NULL);
    own->set = session_set_create();
    own->late = key_set_create();
    op->state = own;
    const PlanSession *rule = op->stage->session;
    own->fields = session_row_fields(op->arena, rule->time, rule->partials);
    if (!open_tables(op, state, arena, err) || !load_total(op, err)) {
        return false;
    }
    op->metrics.rows_total = own->session_count;
    return register_claim(op, arena, err) && register_get(op, err) &&
           session_merge_register(op, arena, err) && session_scan_register(op, arena, err);
}

static void clear_buffer(Buffer *buffer)
{
    if (buffer->capacity > SESSION_SET_KEEP_BYTES) {
        buffer_done(buffer);
    } else {
        buffer_reset(buffer);
    }
}

static void session_finish(Operator *op)
{
    Sessions *own = op->state;
    session_set_clear(own->set);
    key_set_clear(own->late);
    clear_buffer(&own->scratch);
    clear_buffer(&own->values);
    clear_buffer(&own->out);
    clear_buffer(&own->rows);
}

static void session_close(Operator *op)
{
    Sessions *own = op->state;
    if (own != NULL) {
        session_set_destroy(own->set);
        key_set_destroy(own->late);
        buffer_done(&own->scratch);
        buffer_done(&own->values);
        buffer_done(&own->out);
        buffer_done(&own->rows);
        pthread_mutex_destroy(&own->lock);
        free(own);
    }
}

// ---- writing keys back -------------------------------------------------------------------------

static TimeUs expiry_bucket(const Operator *op, TimeUs expiry)
{
    TimeUs grain = op->stage->session->gap / EXPIRY_BUCKETS;
    grain = grain < TIME_SECOND ? TIME_SECOND : grain;
    return window_last_start((WindowShape){grain, grain, 0}, expiry);
}

static bool put_expiry(Operator *op, Slice key, TimeUs expiry, Error *err)
{
    const Sessions *own = op->state;
    Slice value = {(const char *)&expiry, sizeof expiry};
    return state_put(own->expiry, expiry_bucket(op, expiry), key, value, err);
}

// The key is looked at when the first of its sessions ends, or earlier: one that grows is entered
// again only then.
static bool enter_key(Operator *op, uint32_t number, TimeUs first_end, TimeUs *expiry, Error *err)
{
    const Sessions *own = op->state;
    const SessionKey *key = session_set_key_at(own->set, number);
    *expiry = TIME_NEVER;
    if (own->expiry == NULL) {
        return true;
    }
    *expiry = first_end;
    Slice bytes = session_set_key_bytes(own->set, number);
    if (key->is_kept && first_end >= key->expiry) {
        *expiry = key->expiry;
        return true;
    }
    if (key->is_kept && expiry_bucket(op, key->expiry) != expiry_bucket(op, first_end)) {
        state_delete(own->expiry, expiry_bucket(op, key->expiry), bytes);
    }
    return put_expiry(op, bytes, first_end, err);
}

// Counts the sessions that were open and have none that starts with them any more.
static void count_gone(Operator *op, uint32_t number, const uint32_t *numbers)
{
    const Sessions *own = op->state;
    const SessionKey *key = session_set_key_at(own->set, number);
    uint32_t i = 0;
    for (uint32_t open = 0; open < key->open_count; open++) {
        TimeUs start = session_set_at(own->set, key->first_open + open)->first;
        while (i < key->session_count && session_set_at(own->set, numbers[i])->start < start) {
            i++;
        }
        if (i < key->session_count && session_set_at(own->set, numbers[i])->start == start) {
            continue;
        }
        op->metrics.rows_removed++;
    }
}

// Appends the state row of a key to own->rows.
static bool write_key(Operator *op, uint32_t number, Arena *arena, Error *err)
{
    Sessions *own = op->state;
    const SessionKey *key = session_set_key_at(own->set, number);
    uint32_t *numbers = ARENA_ARRAY(arena, uint32_t, key->session_count);
    Slice *sessions = ARENA_ARRAY(arena, Slice, key->session_count);
    session_set_list(own->set, number, numbers);
    for (uint32_t i = 0; i < key->session_count; i++) {
        const Session *session = session_set_at(own->set, numbers[i]);
        sessions[i] = (Slice){own->values.data + session->value, session->value_size};
        if (op->plan->mode == OUTPUT_UPDATE && session->has_rows) {
            session_scan_emit(own, session_set_key_bytes(own->set, number), sessions[i]);
        }
    }
    op->metrics.rows_updated += key->session_count;
    count_gone(op, number, numbers);
    own->session_count += (int64_t)key->session_count - key->open_count;
    TimeUs expiry;
    if (!enter_key(op, number, session_set_at(own->set, numbers[0])->end, &expiry, err)) {
        return false;
    }
    session_row_write(&own->rows, expiry, sessions, key->session_count);
    return true;
}

static bool write_keys(Operator *op, Error *err)
{
    Sessions *own = op->state;
    size_t key_count = session_set_key_count(own->set);
    Arena *arena = arena_create(0);
    bool ok = true;
    for (size_t first = 0; ok && first < key_count; first += SESSION_CHUNK) {
        arena_reset(arena);
        buffer_reset(&own->rows);
        size_t count = key_count - first < SESSION_CHUNK ? key_count - first : SESSION_CHUNK;
        Slice *keys = ARENA_ARRAY(arena, Slice, count);
        Slice *rows = ARENA_ARRAY(arena, Slice, count);
        int64_t *buckets = ARENA_ARRAY(arena, int64_t, count);
        size_t *ends = ARENA_ARRAY(arena, size_t, count);
        for (size_t i = 0; ok && i < count; i++) { // a key is in the set because it has a row
            ok = write_key(op, (uint32_t)(first + i), arena, err);
            keys[i] = session_set_key_bytes(own->set, (uint32_t)(first + i));
            buckets[i] = 0;
            ends[i] = own->rows.size;
        }
        for (size_t i = 0; ok && i < count; i++) {
            size_t begin = i == 0 ? 0 : ends[i - 1];
            rows[i] = (Slice){own->rows.data + begin, ends[i] - begin};
        }
        ok = ok && state_put_many(own->table, buckets, keys, rows, count, err);
    }
    arena_destroy(arena);
    return ok;
}

// ---- closing sessions --------------------------------------------------------------------------

typedef struct DueKeys {
    Slice *keys; // in the arena
    size_t count;
    size_t capacity;
    bool is_all; // of the bucket
} DueKeys;

static bool find_due(Operator *op, int64_t bucket, DueKeys *due, Arena *arena, Error *err)
{
    Sessions *own = op->state;
    uint64_t slots = state_bucket_slots(own->expiry, bucket);
    due->is_all = true;
    for (uint64_t slot = 0; slot < slots; slot++) {
        Slice key;
        Slice value;
        bool found;
        if (!state_scan_row(own->expiry, bucket, slot, &own->scratch, &key, &value, &found, err)) {
            return false;
        }
        TimeUs expiry = TIME_NEVER;
        if (found) {
            memcpy(&expiry, value.data, sizeof expiry);
        }
        if (found && expiry <= op->evict) {
            ARENA_PUSH(arena, due->keys, due->count, due->capacity, arena_copy(arena, key));
        } else {
            due->is_all &= !found;
        }
    }
    return true;
}

// Splits the sessions of a key into those that are closed, which are emitted, and the others, which
// become its new row. *first_end is when the first of these ends; TIME_NEVER: none is left.
static bool split_key(Operator *op, Slice key, Slice value, TimeUs *first_end, Arena *arena,
                      Error *err)
{
    Sessions *own = op->state;
    SessionRow row;
    *first_end = TIME_NEVER;
    if (!session_row_open(&row, &own->fields, value, err)) {
        return false;
    }
    Slice *left = ARENA_ARRAY(arena, Slice, row.count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < row.count; i++) {
        SessionBytes session;
        if (!session_row_next(&row, &session, err)) {
            return false;
        }
        if (session.end > op->evict) {
            *first_end = count == 0 ? session.end : *first_end;
            left[count++] = session.bytes;
            continue;
        }
        op->metrics.rows_removed++;
        own->session_count--;
        if (op->plan->mode == OUTPUT_APPEND) {
            session_scan_emit(own, key, session.bytes);
        }
    }
    if (count > 0) {
        session_row_write(&own->rows, *first_end, left, count);
    }
    return true;
}

static bool close_keys(Operator *op, const Slice *keys, size_t count, Arena *arena, Error *err)
{
    Sessions *own = op->state;
    Slice *values = ARENA_ARRAY(arena, Slice, count);
    TimeUs *first_ends = ARENA_ARRAY(arena, TimeUs, count);
    size_t *ends = ARENA_ARRAY(arena, size_t, count);
    buffer_reset(&own->rows);
    bool ok = state_lookup_many(own->table, NULL, keys, count, &own->scratch, values, err);
    for (size_t i = 0; ok && i < count; i++) { // all are read before any is changed
        first_ends[i] = TIME_NEVER;
        ok =
            values[i].data == NULL || split_key(op, keys[i], values[i], &first_ends[i], arena, err);
        ends[i] = own->rows.size;
    }
    for (size_t i = 0; ok && i < count; i++) {
        size_t begin = i == 0 ? 0 : ends[i - 1];
        if (first_ends[i] == TIME_NEVER) {
            state_delete(own->table, 0, keys[i]);
            continue;
        }
        Slice row = {own->rows.data + begin, ends[i] - begin};
        ok = state_put(own->table, 0, keys[i], row, err) &&
             put_expiry(op, keys[i], first_ends[i], err);
    }
    return ok;
}

static bool close_bucket(Operator *op, int64_t bucket, Arena *arena, Error *err)
{
    const Sessions *own = op->state;
    DueKeys due = {0};
    if (!find_due(op, bucket, &due, arena, err)) {
        return false;
    }
    if (due.is_all) {
        state_drop_bucket(own->expiry, bucket);
    }
    for (size_t i = 0; !due.is_all && i < due.count; i++) {
        state_delete(own->expiry, bucket, due.keys[i]);
    }
    bool ok = true;
    for (size_t first = 0; ok && first < due.count; first += SESSION_CHUNK) {
        size_t left = due.count - first;
        ok = close_keys(op, due.keys + first, left < SESSION_CHUNK ? left : SESSION_CHUNK, arena,
                        err);
    }
    return ok;
}

static bool close_sessions(Operator *op, Error *err)
{
    const Sessions *own = op->state;
    int64_t bucket;
    int64_t after = INT64_MIN;
    bool inclusive = true;
    bool ok = true;
    Arena *arena = arena_create(0);
    while (ok && own->expiry != NULL && op->evict != TIME_MIN &&
           state_next_bucket(own->expiry, after, inclusive, &bucket) && bucket <= op->evict) {
        arena_reset(arena);
        ok = close_bucket(op, bucket, arena, err);
        after = bucket;
        inclusive = false;
    }
    arena_destroy(arena);
    return ok;
}

// ---- a batch -----------------------------------------------------------------------------------

static uint32_t root_of_part(Sessions *own, uint64_t part)
{
    return session_set_find(own->set, (uint32_t)part);
}

static void store_part(Sessions *own, uint64_t part, SessionPart value)
{
    Session *session = session_set_at(own->set, (uint32_t)part);
    session->value = value.value;
    session->value_size = value.size;
}

static bool put_total(Operator *op, int64_t before, Error *err)
{
    const Sessions *own = op->state;
    if (own->session_count == before) {
        return true;
    }
    DuckColumn column = {.type = type_simple(TYPE_BIGINT), .data = (void *)&own->session_count};
    buffer_reset(&op->value);
    row_encode(&column, 1, 0, &op->value);
    return state_put(own->total, 0, (Slice){"", 0}, buffer_slice(&op->value), err);
}

static bool session_run(Operator *op, Error *err)
{
    Sessions *own = op->state;
    if (!load_total(op, err)) { // again: the batch before may have been taken back
        return false;
    }
    int64_t before = own->session_count;
    session_merge_store(op, op->rows, root_of_part, store_part);
    return session_merge_parts(op, err) && write_keys(op, err) && close_sessions(op, err) &&
           put_total(op, before, err);
}

// Sessions were closed when the batch ran: the query above reads them from there.
static bool session_evict(Operator *op, Error *err)
{
    (void)err;
    op->metrics.rows_total = ((const Sessions *)op->state)->session_count;
    return true;
}

const OperatorKind operator_session = {
    .name = "session window",
    .open = session_open,
    .run = session_run,
    .evict = session_evict,
    .finish = session_finish,
    .close = session_close,
};
