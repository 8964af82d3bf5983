// Grouped aggregation at run time: partial aggregates by bucket and key. See operator_internal.h.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "stream/distinct_set.h"

typedef struct Aggregate {
    StateTable *table;      // (bucket, key) -> values
    StateRelation relation; // what append and complete mode emit
    DistinctSet **distincts;
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
    size_t count = op->stage->values.count;
    DuckColumn *fields = calloc(count, sizeof *fields);
    if (fields == NULL) {
        return fail(err, ERROR_RETRY, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        fields[i] = duck_child(result, i);
    }
    bool ok = operator_lookup(own->table, arguments, argument_count, row_count, result, fields,
                              count, err);
    free(fields);
    return ok;
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

// ---- life and batch ----------------------------------------------------------------------------

static bool aggregate_open(Operator *op, State *state, Arena *arena, Error *err)
{
    Aggregate *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    op->state = own;
    const PlanStage *stage = op->stage;
    const char *layout =
        arena_printf(arena, "%s%s", operator_layout(&stage->keys, &stage->values, arena),
                     stage->aggregate->meaning);
    if (!state_table(state, stage->name, slice_of(layout), &own->table, err)) {
        return false;
    }
    op->metrics.rows_total = state_row_count(own->table);
    own->relation =
        (StateRelation){own->table,     &stage->keys,
                        &stage->values, op->plan->mode == OUTPUT_COMPLETE ? NULL : &op->evict,
                        false,          false};
    own->distincts = ARENA_ARRAY(op->arena, DistinctSet *, stage->aggregate->distinct_count + 1);
    bool ok = operator_register_keyed(op, stage->aggregate->get_function,
                                      type_struct(arena, stage->values), get_function, err) &&
              register_windows(op, err) && operator_register_state(op, &own->relation, err);
    for (size_t i = 0; ok && i < stage->aggregate->distinct_count; i++) {
        ok = distinct_set_open(op, &stage->aggregate->distincts[i], state, arena,
                               &own->distincts[i], err);
    }
    return ok;
}

static void aggregate_close(Operator *op)
{
    const Aggregate *own = op->state;
    for (size_t i = 0;
         own != NULL && own->distincts != NULL && i < op->stage->aggregate->distinct_count; i++) {
        distinct_set_destroy(own->distincts[i]);
    }
    free(op->state);
}

static bool put_chunk(Operator *op, size_t chunk, Arena *arena, Error *err)
{
    const Aggregate *own = op->state;
    size_t key_count = op->stage->keys.count;
    size_t value_count = op->stage->values.count;
    uint64_t row_count = duck_rows_chunk_size(op->rows, chunk);
    const DuckColumn *columns =
        operator_columns(op->rows, chunk, 0, op->stage->output.count, arena);
    buffer_reset(&op->key);
    buffer_reset(&op->value);
    Slice *keys = operator_encode(columns + 2, key_count, row_count, &op->key, arena);
    Slice *values =
        operator_encode(columns + 2 + key_count, value_count, row_count, &op->value, arena);
    int64_t *buckets = ARENA_ARRAY(arena, int64_t, row_count);
    size_t count = 0;
    for (uint64_t row = 0; row < row_count; row++) {
        if (duck_int(&columns[1], row) == 0) {
            buckets[count] = duck_int(&columns[0], row);
            keys[count] = keys[row];
            values[count++] = values[row];
        }
    }
    op->metrics.rows_late += (int64_t)(row_count - count);
    op->metrics.rows_updated += (int64_t)count;
    return state_put_many(own->table, buckets, keys, values, count, err);
}

static bool aggregate_run(Operator *op, Error *err)
{
    const Aggregate *own = op->state;
    Arena *arena = arena_create(0);
    bool ok = true;
    for (size_t chunk = 0; ok && chunk < duck_rows_chunk_count(op->rows); chunk++) {
        arena_reset(arena);
        ok = put_chunk(op, chunk, arena, err);
    }
    arena_destroy(arena);
    for (size_t i = 0; ok && i < op->stage->aggregate->distinct_count; i++) {
        ok = distinct_set_write(own->distincts[i], err);
    }
    return ok;
}

static void aggregate_finish(Operator *op)
{
    const Aggregate *own = op->state;
    for (size_t i = 0; own->distincts != NULL && i < op->stage->aggregate->distinct_count; i++) {
        if (own->distincts[i] != NULL) {
            distinct_set_finish(own->distincts[i]);
        }
    }
}

static bool aggregate_evict(Operator *op, Error *err)
{
    (void)err;
    const Aggregate *own = op->state;
    bool closes = op->stage->has_event_time && op->plan->mode != OUTPUT_COMPLETE;
    if (closes) {
        op->metrics.rows_removed = operator_drop_buckets(own->table, op->evict);
    }
    for (size_t i = 0; closes && i < op->stage->aggregate->distinct_count; i++) {
        distinct_set_evict(own->distincts[i], op->evict);
    }
    op->metrics.rows_total = state_row_count(own->table);
    return true;
}

const OperatorKind operator_aggregate = {
    .name = "aggregation",
    .open = aggregate_open,
    .run = aggregate_run,
    .evict = aggregate_evict,
    .finish = aggregate_finish,
    .close = aggregate_close,
};
