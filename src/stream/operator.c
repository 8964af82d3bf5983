// SPDX-License-Identifier: Apache-2.0
#include "stream/operator.h"

#include <pthread.h>
#include <stdlib.h>

#include "duck/row_codec.h"
#include "stream/key_set.h"

enum { EXPIRY_BUCKETS = 64 }; // deduplication keys are swept in this many steps per delay

struct Operator {
    const Plan *plan;
    const PlanStage *stage;
    DuckConn *conn;
    StateTable *table;  // AGGREGATE: (bucket, key) -> values; DEDUPLICATE: (0, key) -> expiry
    StateTable *expiry; // DEDUPLICATE with expiry: (time bucket, key) -> nothing
    DuckRows *rows;     // of the batch
    TimeUs evict;
    TimeUs late;
    _Atomic int64_t late_rows;
    KeySet *claims; // DEDUPLICATE: keys seen in the batch
    pthread_mutex_t claims_lock;
    OperatorMetrics metrics;
    Buffer key;
    Buffer value;
    char *rows_function; // table functions behind the two relations
    char *scan_function;
};

// ---- event times -------------------------------------------------------------------------------

static bool watermark_function(void *context, const DuckColumn *arguments, size_t argument_count,
                               uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)argument_count;
    (void)err;
    EventTimes *times = context;
    const int64_t *values = arguments[0].data;
    int64_t max = INT64_MIN;
    for (uint64_t row = 0; row < row_count; row++) {
        if (arguments[0].validity != NULL && duck_is_null(&arguments[0], row)) {
            duck_set_null(result, row);
            continue;
        }
        max = values[row] > max ? values[row] : max;
    }
    memcpy(result->data, values, row_count * sizeof *values);
    int64_t seen = atomic_load(&times->max);
    while (max > seen && !atomic_compare_exchange_weak(&times->max, &seen, max)) {
    }
    return true;
}

bool operator_register_times(DuckConn *conn, const PlanWatermark *watermark, EventTimes *times,
                             Error *err)
{
    Column argument = {.name = "time", .type = watermark->type};
    Schema arguments = {&argument, 1, 1};
    DuckScalar scalar = {
        .name = watermark->function,
        .arguments = &arguments,
        .result = watermark->type,
        .is_volatile = true,
        .sees_null = true,
        .function = watermark_function,
        .context = times,
    };
    return duck_register_scalar(conn, &scalar, err);
}

// window(time): the start of its window, for every row of the stream: one division, no calls.
static bool window_function(void *context, const DuckColumn *arguments, size_t argument_count,
                            uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)argument_count;
    (void)err;
    const WindowShape shape = *(const WindowShape *)context;
    const int64_t *times = arguments[0].data;
    int64_t *starts = result->data;
    if (arguments[0].validity == NULL) {
        for (uint64_t row = 0; row < row_count; row++) {
            starts[row] = window_last_start(shape, times[row]);
        }
        return true;
    }
    for (uint64_t row = 0; row < row_count; row++) {
        if (duck_is_null(&arguments[0], row)) {
            duck_set_null(result, row);
        } else {
            starts[row] = window_last_start(shape, times[row]);
        }
    }
    return true;
}

// ---- functions of a stage ----------------------------------------------------------------------

// state_get(bucket, keys...): the values kept for a key, or NULL.
static bool get_function(void *context, const DuckColumn *arguments, size_t argument_count,
                         uint64_t row_count, DuckColumn *result, Error *err)
{
    const Operator *op = context;
    size_t value_count = op->stage->values.count;
    DuckColumn *fields = calloc(value_count, sizeof *fields);
    Buffer key = {0};
    bool ok = fields != NULL;
    for (size_t i = 0; ok && i < value_count; i++) {
        fields[i] = duck_child(result, i);
    }
    for (uint64_t row = 0; ok && row < row_count; row++) {
        buffer_reset(&key);
        row_encode(arguments + 1, argument_count - 1, row, &key);
        int64_t bucket = duck_int(&arguments[0], row);
        Slice value;
        if (state_get(op->table, bucket, buffer_slice(&key), &value)) {
            ok = row_decode(value, fields, value_count, row, err);
            continue;
        }
        duck_set_null(result, row);
        for (size_t i = 0; i < value_count; i++) {
            duck_set_null(&fields[i], row);
        }
    }
    buffer_done(&key);
    free(fields);
    return ok;
}

// claim(event time, keys...): true for the first row on time of a key that the state does not have.
static bool claim_function(void *context, const DuckColumn *arguments, size_t argument_count,
                           uint64_t row_count, DuckColumn *result, Error *err)
{
    Operator *op = context;
    Buffer key = {0};
    int64_t late = 0;
    bool ok = true;
    pthread_mutex_lock(&op->claims_lock); // once per chunk
    for (uint64_t row = 0; ok && row < row_count; row++) {
        bool is_late =
            !duck_is_null(&arguments[0], row) && duck_int(&arguments[0], row) <= op->late;
        bool is_first = false;
        if (!is_late) {
            buffer_reset(&key);
            row_encode(arguments + 1, argument_count - 1, row, &key);
            Slice value;
            ok = state_get(op->table, 0, buffer_slice(&key), &value) ||
                 key_set_add(op->claims, buffer_slice(&key), &is_first, err);
        }
        late += is_late;
        duck_set_int(result, row, is_first);
    }
    pthread_mutex_unlock(&op->claims_lock);
    atomic_fetch_add(&op->late_rows, late);
    buffer_done(&key);
    return ok;
}

static bool register_get(Operator *op, Arena *arena, Error *err)
{
    Schema arguments = {0};
    schema_add(arena, &arguments, "bucket", type_simple(TYPE_BIGINT), true);
    for (size_t i = 0; i < op->stage->keys.count; i++) {
        schema_add(arena, &arguments, "key", op->stage->keys.columns[i].type, true);
    }
    DuckScalar scalar = {
        .name = op->stage->get_function,
        .arguments = &arguments,
        .result = type_struct(arena, op->stage->values),
        .is_volatile = true,
        .sees_null = true,
        .function = get_function,
        .context = op,
    };
    return duck_register_scalar(op->conn, &scalar, err);
}

static bool register_windows(Operator *op, Error *err)
{
    for (size_t i = 0; i < op->stage->window_count; i++) {
        PlanWindow *window = &op->stage->windows[i];
        Column argument = {.name = "time", .type = window->type};
        Schema arguments = {&argument, 1, 1};
        DuckScalar scalar = {
            .name = window->function,
            .arguments = &arguments,
            .result = type_simple(TYPE_BIGINT),
            .sees_null = true,
            .function = window_function,
            .context = &window->shape,
        };
        if (!duck_register_scalar(op->conn, &scalar, err)) {
            return false;
        }
    }
    return true;
}

static bool register_claim(Operator *op, Arena *arena, Error *err)
{
    Schema arguments = {0};
    schema_add(arena, &arguments, "time", type_simple(TYPE_BIGINT), true);
    for (size_t i = 0; i < op->stage->keys.count; i++) {
        schema_add(arena, &arguments, "key", op->stage->keys.columns[i].type, true);
    }
    DuckScalar claim = {
        .name = op->stage->claim_function,
        .arguments = &arguments,
        .result = type_simple(TYPE_BOOLEAN),
        .is_volatile = true,
        .sees_null = true,
        .function = claim_function,
        .context = op,
    };
    return duck_register_scalar(op->conn, &claim, err);
}

// ---- state_relation: what the output query reads in append and complete mode -------------------

typedef struct StateScan {
    Operator *op;
    int64_t bucket;
    uint64_t slot;
    bool started;
    bool done;
    size_t column_count;
    size_t *columns; // schema index of each output column
    DuckColumn *key_columns;
    DuckColumn *value_columns;
} StateScan;

static void scan_close(void *state)
{
    StateScan *scan = state;
    free(scan->columns);
    free(scan->key_columns);
    free(scan->value_columns);
    free(scan);
}

static void *scan_open(void *context, const size_t *columns, size_t column_count, int *max_threads,
                       Error *err)
{
    Operator *op = context;
    StateScan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        fail(err, ERROR_FAILED, "out of memory");
        return NULL;
    }
    *max_threads = 1;
    scan->op = op;
    scan->column_count = column_count;
    scan->columns = calloc(column_count + 1, sizeof *scan->columns);
    scan->key_columns = calloc(op->stage->keys.count + 1, sizeof *scan->key_columns);
    scan->value_columns = calloc(op->stage->values.count + 1, sizeof *scan->value_columns);
    if (scan->columns == NULL || scan->key_columns == NULL || scan->value_columns == NULL) {
        scan_close(scan);
        fail(err, ERROR_FAILED, "out of memory");
        return NULL;
    }
    memcpy(scan->columns, columns, column_count * sizeof *columns);
    return scan;
}

// Moves to the next bucket that is to be emitted: all in complete mode, the closed ones in append.
static bool scan_next_bucket(StateScan *scan)
{
    const Operator *op = scan->op;
    int64_t after = scan->started ? scan->bucket : INT64_MIN;
    bool found = state_next_bucket(op->table, after, !scan->started, &scan->bucket);
    scan->started = true;
    scan->slot = 0;
    bool wanted = op->plan->mode == OUTPUT_COMPLETE || scan->bucket <= op->evict;
    scan->done = !found || !wanted;
    return !scan->done;
}

static void bind_scan_columns(StateScan *scan, const DuckColumn *columns)
{
    const PlanStage *stage = scan->op->stage;
    for (size_t i = 0; i < stage->keys.count; i++) {
        scan->key_columns[i] = (DuckColumn){.type = stage->keys.columns[i].type};
    }
    for (size_t i = 0; i < stage->values.count; i++) {
        scan->value_columns[i] = (DuckColumn){.type = stage->values.columns[i].type};
    }
    for (size_t i = 0; i < scan->column_count; i++) {
        size_t index = scan->columns[i];
        if (index < stage->keys.count) {
            scan->key_columns[index] = columns[i];
        } else if (index < stage->keys.count + stage->values.count) {
            scan->value_columns[index - stage->keys.count] = columns[i];
        }
    }
}

static int64_t scan_next(void *state, void *thread, DuckColumn *columns, uint64_t capacity,
                         Error *err)
{
    (void)thread;
    StateScan *scan = state;
    const PlanStage *stage = scan->op->stage;
    bind_scan_columns(scan, columns);
    uint64_t row = 0;
    if (!scan->started && !scan_next_bucket(scan)) {
        return 0;
    }
    while (row < capacity && !scan->done) {
        if (scan->slot >= state_bucket_slots(scan->op->table, scan->bucket)) {
            scan_next_bucket(scan);
            continue;
        }
        Slice key;
        Slice value;
        if (!state_bucket_row(scan->op->table, scan->bucket, scan->slot++, &key, &value)) {
            continue;
        }
        if (!row_decode(key, scan->key_columns, stage->keys.count, row, err) ||
            !row_decode(value, scan->value_columns, stage->values.count, row, err)) {
            return -1;
        }
        row++;
    }
    return (int64_t)row;
}

static bool register_state_relation(Operator *op, Arena *arena, Error *err)
{
    Schema schema = {0};
    for (size_t i = 2; i < op->stage->output.count; i++) {
        const Column *column = &op->stage->output.columns[i];
        schema_add(arena, &schema, column->name, column->type, true);
    }
    DuckTable table = {
        .name = op->scan_function,
        .schema = &schema,
        .open = scan_open,
        .next = scan_next,
        .close = scan_close,
        .context = op,
    };
    if (!duck_register_table(op->conn, &table, err)) {
        return false;
    }
    return duck_run(op->conn,
                    arena_printf(arena, "CREATE OR REPLACE TEMP VIEW %s AS SELECT * FROM %s()",
                                 op->stage->state_relation, table.name),
                    err);
}

// ---- life --------------------------------------------------------------------------------------

static void print_layout(const PlanStage *stage, Buffer *layout)
{
    buffer_append_text(layout, "keys");
    for (size_t i = 0; i < stage->keys.count; i++) {
        buffer_append_char(layout, ' ');
        type_print(stage->keys.columns[i].type, layout);
    }
    buffer_append_text(layout, "; values");
    for (size_t i = 0; i < stage->values.count; i++) {
        buffer_append_char(layout, ' ');
        type_print(stage->values.columns[i].type, layout);
    }
}

static bool open_tables(Operator *op, State *state, Arena *arena, Error *err)
{
    Buffer layout = {0};
    print_layout(op->stage, &layout);
    bool ok = state_table(state, op->stage->name, buffer_slice(&layout), &op->table, err);
    if (ok && op->stage->kind == STAGE_DEDUPLICATE && op->stage->expires) {
        const char *name = arena_printf(arena, "%s_expiry", op->stage->name);
        ok = state_table(state, name, buffer_slice(&layout), &op->expiry, err);
    }
    buffer_done(&layout);
    return ok;
}

bool operator_create(const Plan *plan, const PlanStage *stage, DuckConn *conn, State *state,
                     Operator **result, Error *err)
{
    Operator *op = calloc(1, sizeof *op);
    if (op == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    op->plan = plan;
    op->stage = stage;
    op->conn = conn;
    op->evict = TIME_MIN;
    op->late = TIME_MIN;
    op->claims = key_set_create();
    pthread_mutex_init(&op->claims_lock, NULL);
    Arena *arena = arena_create(0);
    op->rows_function = strdup(arena_printf(arena, "rows_%s", stage->batch_relation));
    op->scan_function = strdup(arena_printf(arena, "scan_%d_%d", plan->flow, stage->id));
    bool ok = open_tables(op, state, arena, err) &&
              duck_register_rows(conn, op->rows_function, &stage->output, &op->rows, err) &&
              duck_run(conn,
                       arena_printf(arena, "CREATE OR REPLACE TEMP VIEW %s AS SELECT * FROM %s()",
                                    stage->batch_relation, op->rows_function),
                       err);
    if (ok && stage->kind == STAGE_AGGREGATE) {
        ok = register_get(op, arena, err) && register_windows(op, err) &&
             register_state_relation(op, arena, err);
    } else if (ok) {
        ok = register_claim(op, arena, err);
    }
    arena_destroy(arena);
    if (!ok) {
        operator_destroy(op);
        return false;
    }
    op->metrics.rows_total = state_row_count(op->table);
    *result = op;
    return true;
}

void operator_destroy(Operator *op)
{
    if (op == NULL) {
        return;
    }
    operator_finish(op);
    const char *functions[] = {op->stage->get_function, op->stage->claim_function,
                               op->rows_function, op->scan_function};
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (functions[i] != NULL) {
            duck_function_retire(op->conn, functions[i]);
        }
    }
    for (size_t i = 0; i < op->stage->window_count; i++) {
        duck_function_retire(op->conn, op->stage->windows[i].function);
    }
    free(op->rows_function);
    free(op->scan_function);
    key_set_destroy(op->claims);
    pthread_mutex_destroy(&op->claims_lock);
    buffer_done(&op->key);
    buffer_done(&op->value);
    free(op);
}

void operator_finish(Operator *op)
{
    duck_rows_destroy(op->rows);
    op->rows = NULL;
    key_set_clear(op->claims);
}

// ---- a batch -----------------------------------------------------------------------------------

static bool put_aggregates(Operator *op, size_t chunk, Error *err)
{
    size_t key_count = op->stage->keys.count;
    size_t value_count = op->stage->values.count;
    DuckColumn *columns = calloc(op->stage->output.count, sizeof *columns);
    if (columns == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    for (size_t i = 0; i < op->stage->output.count; i++) {
        columns[i] = duck_rows_column(op->rows, chunk, i);
    }
    bool ok = true;
    for (uint64_t row = 0; ok && row < duck_rows_chunk_size(op->rows, chunk); row++) {
        if (duck_int(&columns[1], row) != 0) {
            op->metrics.rows_late++;
            continue;
        }
        buffer_reset(&op->key);
        buffer_reset(&op->value);
        row_encode(columns + 2, key_count, row, &op->key);
        row_encode(columns + 2 + key_count, value_count, row, &op->value);
        ok = state_put(op->table, duck_int(&columns[0], row), buffer_slice(&op->key),
                       buffer_slice(&op->value), err);
        op->metrics.rows_updated++;
    }
    free(columns);
    return ok;
}

// Keys that expire together within one 64th of the delay share a bucket of the expiry table.
static TimeUs expiry_grain(const Operator *op)
{
    TimeUs grain = op->stage->expiry_delay / EXPIRY_BUCKETS;
    return grain < TIME_SECOND ? TIME_SECOND : grain;
}

static bool put_key(Operator *op, bool has_time, TimeUs time, Error *err)
{
    // A row without event time: WITHIN WATERMARK takes 1970, as Spark does; else its key stays.
    has_time |= op->stage->within_watermark;
    TimeUs expiry = has_time ? time + op->stage->expiry_delay : TIME_NEVER;
    Slice value = {(const char *)&expiry, sizeof expiry};
    if (!state_put(op->table, 0, buffer_slice(&op->key), value, err)) {
        return false;
    }
    op->metrics.rows_updated++;
    if (op->expiry == NULL || !has_time) {
        return true;
    }
    WindowShape shape = {expiry_grain(op), expiry_grain(op), 0};
    return state_put(op->expiry, window_last_start(shape, expiry), buffer_slice(&op->key), value,
                     err);
}

static bool put_keys(Operator *op, size_t chunk, Error *err)
{
    const PlanStage *stage = op->stage;
    DuckColumn *keys = calloc(stage->keys.count, sizeof *keys);
    if (keys == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    for (size_t i = 0; i < stage->keys.count; i++) {
        keys[i] = duck_rows_column(op->rows, chunk, stage->key_columns[i]);
    }
    DuckColumn time = {0};
    if (stage->has_event_time) {
        time = duck_rows_column(op->rows, chunk, (size_t)stage->event_time_column);
    }
    bool ok = true;
    for (uint64_t row = 0; ok && row < duck_rows_chunk_size(op->rows, chunk); row++) {
        buffer_reset(&op->key);
        row_encode(keys, stage->keys.count, row, &op->key);
        bool has_time = stage->has_event_time && !duck_is_null(&time, row);
        ok = put_key(op, has_time, has_time ? duck_int(&time, row) : 0, err);
    }
    free(keys);
    return ok;
}

bool operator_run(Operator *op, TimeUs evict, TimeUs late, Error *err)
{
    operator_finish(op);
    op->evict = evict;
    op->late = late;
    op->metrics = (OperatorMetrics){0};
    atomic_store(&op->late_rows, 0);
    if (!duck_query(op->conn, op->stage->sql, &op->rows, err)) {
        return fail_context(err,
                            op->stage->kind == STAGE_AGGREGATE ? "aggregation" : "DROP DUPLICATES");
    }
    bool ok = true;
    for (size_t chunk = 0; ok && chunk < duck_rows_chunk_count(op->rows); chunk++) {
        ok = op->stage->kind == STAGE_AGGREGATE ? put_aggregates(op, chunk, err)
                                                : put_keys(op, chunk, err);
    }
    op->metrics.rows_late += atomic_load(&op->late_rows);
    return ok;
}

static void evict_windows(Operator *op)
{
    int64_t bucket;
    while (state_next_bucket(op->table, INT64_MIN, true, &bucket) && bucket <= op->evict) {
        int64_t before = state_row_count(op->table);
        state_drop_bucket(op->table, bucket);
        op->metrics.rows_removed += before - state_row_count(op->table);
    }
}

// Forgets the expired keys of one expiry bucket; true when all of them had expired.
static bool evict_bucket(Operator *op, int64_t bucket, Arena *arena)
{
    Slice *expired = NULL; // collected first: a change of the table may move its rows
    size_t count = 0;
    size_t capacity = 0;
    bool all = true;
    uint64_t slots = state_bucket_slots(op->expiry, bucket);
    for (uint64_t slot = 0; slot < slots; slot++) {
        Slice key;
        Slice value;
        if (!state_bucket_row(op->expiry, bucket, slot, &key, &value)) {
            continue;
        }
        TimeUs expiry;
        memcpy(&expiry, value.data, sizeof expiry);
        if (expiry <= op->evict) {
            ARENA_PUSH(arena, expired, count, capacity, arena_copy(arena, key));
        } else {
            all = false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        state_delete(op->table, 0, expired[i]);
        if (!all) {
            state_delete(op->expiry, bucket, expired[i]);
        }
    }
    op->metrics.rows_removed += (int64_t)count;
    return all;
}

static void evict_keys(Operator *op)
{
    int64_t bucket;
    int64_t after = INT64_MIN;
    bool inclusive = true;
    Arena *arena = arena_create(0);
    while (state_next_bucket(op->expiry, after, inclusive, &bucket) && bucket <= op->evict) {
        arena_reset(arena);
        if (evict_bucket(op, bucket, arena)) {
            state_drop_bucket(op->expiry, bucket);
        }
        after = bucket;
        inclusive = false;
    }
    arena_destroy(arena);
}

bool operator_evict(Operator *op, Error *err)
{
    (void)err;
    if (op->evict != TIME_MIN && op->expiry != NULL) {
        evict_keys(op);
    } else if (op->evict != TIME_MIN && op->stage->kind == STAGE_AGGREGATE &&
               op->stage->has_event_time && op->plan->mode != OUTPUT_COMPLETE) {
        evict_windows(op);
    }
    op->metrics.rows_total = state_row_count(op->table);
    return true;
}

OperatorMetrics operator_metrics(const Operator *op)
{
    return op->metrics;
}
