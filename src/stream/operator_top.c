// The first rows of each group at run time: one list per group. See plan_top.c.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "stream/operator_internal.h"

typedef struct Top {
    StateTable *table; // (bucket, key) -> list of rows
    StateRelation relation;
} Top;

// state_get(bucket, keys...): the rows kept for a group, or NULL.
static bool get_function(void *context, const DuckColumn *arguments, size_t argument_count,
                         uint64_t row_count, DuckColumn *result, Error *err)
{
    const Operator *op = context;
    const Top *own = op->state;
    return operator_lookup(own->table, arguments, argument_count, row_count, result, result, 1,
                           err);
}

static bool top_open(Operator *op, State *state, Arena *arena, Error *err)
{
    Top *own = calloc(1, sizeof *own);
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
    own->relation = (StateRelation){own->table, &stage->keys, &stage->values, NULL, false, false};
    return operator_register_keyed(op, stage->top->get_function, stage->values.columns[0].type,
                                   get_function, err) &&
           operator_register_state(op, &own->relation, err);
}

static bool put_chunk(Operator *op, size_t chunk, Arena *arena, Error *err)
{
    const Top *own = op->state;
    size_t key_count = op->stage->keys.count;
    const DuckColumn *columns =
        operator_columns(op->rows, chunk, 0, op->stage->output.count, arena);
    bool ok = true;
    for (uint64_t row = 0; ok && row < duck_rows_chunk_size(op->rows, chunk); row++) {
        if (duck_int(&columns[1], row) != 0) {
            op->metrics.rows_late++;
            continue;
        }
        uint64_t offset;
        uint64_t length;
        duck_list(&columns[2 + key_count], row, &offset, &length);
        if (length > PLAN_TOP_ROWS_MAX) {
            return fail(err, ERROR_INPUT,
                        "more than %d rows of one group share the first ranks: use row_number(), "
                        "or more columns in its ORDER BY",
                        PLAN_TOP_ROWS_MAX);
        }
        buffer_reset(&op->key);
        buffer_reset(&op->value);
        row_encode(columns + 2, key_count, row, &op->key);
        row_encode(columns + 2 + key_count, 1, row, &op->value);
        ok = state_put(own->table, duck_int(&columns[0], row), buffer_slice(&op->key),
                       buffer_slice(&op->value), err);
        op->metrics.rows_updated++;
    }
    return ok;
}

static bool top_run(Operator *op, Error *err)
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

static bool top_evict(Operator *op, Error *err)
{
    (void)err;
    const Top *own = op->state;
    if (op->stage->has_event_time && op->plan->mode != OUTPUT_COMPLETE) {
        op->metrics.rows_removed = operator_drop_buckets(own->table, op->evict);
    }
    op->metrics.rows_total = state_row_count(own->table);
    return true;
}

static void top_close(Operator *op)
{
    free(op->state);
}

const OperatorKind operator_top = {
    .name = "first rows of each group",
    .open = top_open,
    .run = top_run,
    .evict = top_evict,
    .close = top_close,
};
