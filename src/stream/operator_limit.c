// LIMIT over the life of a stream: how many rows there have been. See plan_limit.c.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "stream/operator_internal.h"

typedef struct Limit {
    StateTable *table; // (0, empty key) -> rows so far, int64
} Limit;

static bool rows_so_far(const Limit *own, Buffer *scratch, int64_t *rows, Error *err)
{
    Slice value;
    bool found;
    if (!state_lookup(own->table, 0, (Slice){"", 0}, scratch, &value, &found, err)) {
        return false;
    }
    *rows = 0;
    if (found) {
        memcpy(rows, value.data, sizeof *rows);
    }
    return true;
}

// left(limit): how many rows may still come.
static bool left_function(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)argument_count;
    const Operator *op = context;
    Buffer scratch = {0};
    int64_t rows;
    bool ok = rows_so_far(op->state, &scratch, &rows, err);
    buffer_done(&scratch);
    for (uint64_t row = 0; ok && row < row_count; row++) {
        int64_t left = duck_int(&arguments[0], row) - rows;
        duck_set_int(result, row, left < 0 ? 0 : left);
    }
    return ok;
}

static bool limit_open(Operator *op, State *state, Arena *arena, Error *err)
{
    Limit *own = calloc(1, sizeof *own);
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
    Column argument = {.name = "limit", .type = type_simple(TYPE_BIGINT)};
    Schema arguments = {&argument, 1, 1};
    DuckScalar left = {
        .name = stage->limit->left_function,
        .arguments = &arguments,
        .result = type_simple(TYPE_BIGINT),
        .is_volatile = true,
        .function = left_function,
        .context = op,
    };
    return operator_register_scalar(op, &left, err);
}

static bool limit_run(Operator *op, Error *err)
{
    Limit *own = op->state;
    int64_t rows;
    if (duck_rows_count(op->rows) == 0) {
        return true;
    }
    if (!rows_so_far(own, &op->value, &rows, err)) {
        return false;
    }
    rows += (int64_t)duck_rows_count(op->rows);
    op->metrics.rows_updated = 1;
    return state_put(own->table, 0, (Slice){"", 0}, (Slice){(const char *)&rows, sizeof rows}, err);
}

static bool limit_evict(Operator *op, Error *err)
{
    (void)err;
    op->metrics.rows_total = state_row_count(((const Limit *)op->state)->table);
    return true;
}

static void limit_close(Operator *op)
{
    free(op->state);
}

const OperatorKind operator_limit = {
    .name = "LIMIT",
    .open = limit_open,
    .run = limit_run,
    .evict = limit_evict,
    .close = limit_close,
};
