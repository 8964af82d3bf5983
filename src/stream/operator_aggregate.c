// Grouped aggregation at run time: partial aggregates by bucket and key. See operator_internal.h.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "stream/operator_internal.h"

typedef struct Aggregate {
    StateTable *table; // (bucket, key) -> values
} Aggregate;

// ---- functions ---------------------------------------------------------------------------------

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

// state_get(bucket, keys...): the values kept for a key, or NULL.
static bool get_function(void *context, const DuckColumn *arguments, size_t argument_count,
                         uint64_t row_count, DuckColumn *result, Error *err)
{
    const Operator *op = context;
    const Aggregate *own = op->state;
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
        if (state_get(own->table, bucket, buffer_slice(&key), &value)) {
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

static bool register_get(Operator *op, Arena *arena, Error *err)
{
    Schema arguments = {0};
    schema_add(arena, &arguments, "bucket", type_simple(TYPE_BIGINT), true);
    for (size_t i = 0; i < op->stage->keys.count; i++) {
        schema_add(arena, &arguments, "key", op->stage->keys.columns[i].type, true);
    }
    DuckScalar scalar = {
        .name = op->stage->aggregate->get_function,
        .arguments = &arguments,
        .result = type_struct(arena, op->stage->values),
        .is_volatile = true,
        .sees_null = true,
        .function = get_function,
        .context = op,
    };
    return operator_register_scalar(op, &scalar, err);
}

static bool register_windows(Operator *op, Error *err)
{
    const PlanAggregate *rule = op->stage->aggregate;
    for (size_t i = 0; i < rule->window_count; i++) {
        PlanWindow *window = &rule->windows[i];
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
        if (!operator_register_scalar(op, &scalar, err)) {
            return false;
        }
    }
    return true;
}

// ---- state_relation: what the output query reads in append and complete mode -------------------

typedef struct StateScan {
    Operator *op;
    const StateTable *table;
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
    scan->table = ((const Aggregate *)op->state)->table;
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
    bool found = state_next_bucket(scan->table, after, !scan->started, &scan->bucket);
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
        if (scan->slot >= state_bucket_slots(scan->table, scan->bucket)) {
            scan_next_bucket(scan);
            continue;
        }
        Slice key;
        Slice value;
        if (!state_bucket_row(scan->table, scan->bucket, scan->slot++, &key, &value)) {
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
        .name = arena_printf(op->arena, "scan_%s", op->stage->state_relation),
        .schema = &schema,
        .open = scan_open,
        .next = scan_next,
        .close = scan_close,
        .context = op,
    };
    return operator_register_table(op, &table, err) &&
           operator_make_view(op, op->stage->state_relation, table.name, err);
}

// ---- life and batch ----------------------------------------------------------------------------

static bool aggregate_open(Operator *op, State *state, Arena *arena, Error *err)
{
    Aggregate *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    op->state = own;
    const PlanStage *stage = op->stage;
    Slice layout = slice_of(operator_layout(&stage->keys, &stage->values, arena));
    if (!state_table(state, stage->name, layout, &own->table, err)) {
        return false;
    }
    op->metrics.rows_total = state_row_count(own->table);
    return register_get(op, arena, err) && register_windows(op, err) &&
           register_state_relation(op, arena, err);
}

static void aggregate_close(Operator *op)
{
    free(op->state);
}

static bool put_chunk(Operator *op, size_t chunk, Arena *arena, Error *err)
{
    const Aggregate *own = op->state;
    size_t key_count = op->stage->keys.count;
    size_t value_count = op->stage->values.count;
    const DuckColumn *columns =
        operator_columns(op->rows, chunk, 0, op->stage->output.count, arena);
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
        ok = state_put(own->table, duck_int(&columns[0], row), buffer_slice(&op->key),
                       buffer_slice(&op->value), err);
        op->metrics.rows_updated++;
    }
    return ok;
}

static bool aggregate_run(Operator *op, Error *err)
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

static bool aggregate_evict(Operator *op, Error *err)
{
    (void)err;
    const Aggregate *own = op->state;
    bool closes =
        op->evict != TIME_MIN && op->stage->has_event_time && op->plan->mode != OUTPUT_COMPLETE;
    int64_t bucket;
    while (closes && state_next_bucket(own->table, INT64_MIN, true, &bucket) &&
           bucket <= op->evict) {
        int64_t before = state_row_count(own->table);
        state_drop_bucket(own->table, bucket);
        op->metrics.rows_removed += before - state_row_count(own->table);
    }
    op->metrics.rows_total = state_row_count(own->table);
    return true;
}

const OperatorKind operator_aggregate = {
    .name = "aggregation",
    .open = aggregate_open,
    .run = aggregate_run,
    .evict = aggregate_evict,
    .close = aggregate_close,
};
