// SPDX-License-Identifier: Apache-2.0
#include "stream/operator.h"

#include <stdlib.h>

#include "base/clock.h"
#include "stream/operator_internal.h"

// ---- event times -------------------------------------------------------------------------------

void operator_reset_times(EventTimes *times)
{
    atomic_store(&times->max, TIME_MIN);
    atomic_store(&times->min, TIME_NEVER);
    atomic_store(&times->count, 0);
    atomic_store(&times->seconds, 0);
    atomic_store(&times->millis, 0);
}

TimeUs operator_average_time(const EventTimes *times)
{
    __int128 millis = (__int128)atomic_load(&times->seconds) * 1000 + atomic_load(&times->millis);
    return (TimeUs)(millis / atomic_load(&times->count)) * TIME_MS;
}

static void see_times(EventTimes *times, int64_t min, int64_t max)
{
    int64_t seen = atomic_load(&times->max);
    while (max > seen && !atomic_compare_exchange_weak(&times->max, &seen, max)) {
    }
    seen = atomic_load(&times->min);
    while (min < seen && !atomic_compare_exchange_weak(&times->min, &seen, min)) {
    }
}

static bool watermark_function(void *context, const DuckColumn *arguments, size_t argument_count,
                               uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)argument_count;
    (void)err;
    EventTimes *times = context;
    const int64_t *values = arguments[0].data;
    int64_t max = INT64_MIN;
    int64_t min = INT64_MAX;
    int64_t seconds = 0;
    int64_t millis = 0;
    for (uint64_t row = 0; row < row_count; row++) {
        int64_t value = values[row];
        if (arguments[0].validity != NULL && duck_is_null(&arguments[0], row)) {
            duck_set_null(result, row);
            value = 0;
        }
        max = value > max ? value : max;
        min = value < min ? value : min;
        seconds += value / TIME_SECOND;
        millis += value % TIME_SECOND / TIME_MS;
    }
    memcpy(result->data, values, row_count * sizeof *values);
    see_times(times, min, max);
    atomic_fetch_add(&times->count, (int64_t)row_count);
    atomic_fetch_add(&times->seconds, seconds);
    atomic_fetch_add(&times->millis, millis);
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

// ---- what kinds share --------------------------------------------------------------------------

static void remember_function(Operator *op, const char *name)
{
    ARENA_PUSH(op->arena, op->functions, op->function_count, op->function_capacity,
               arena_printf(op->arena, "%s", name));
}

bool operator_register_scalar(Operator *op, const DuckScalar *scalar, Error *err)
{
    if (!duck_register_scalar(op->conn, scalar, err)) {
        return false;
    }
    remember_function(op, scalar->name);
    return true;
}

bool operator_register_table(Operator *op, const DuckTable *table, Error *err)
{
    if (!duck_register_table(op->conn, table, err)) {
        return false;
    }
    remember_function(op, table->name);
    return true;
}

bool operator_make_view(Operator *op, const char *view, const char *function, Error *err)
{
    return duck_run(op->conn,
                    arena_printf(op->arena, "CREATE OR REPLACE TEMP VIEW %s AS SELECT * FROM %s()",
                                 view, function),
                    err);
}

bool operator_register_rows(Operator *op, const char *view, const Schema *schema,
                            DuckRows *const *rows, Error *err)
{
    const char *function = arena_printf(op->arena, "rows_%s", view);
    if (!duck_register_rows(op->conn, function, schema, rows, err)) {
        return false;
    }
    remember_function(op, function);
    return operator_make_view(op, view, function, err);
}

bool operator_register_state(Operator *op, const StateRelation *relation, Error *err)
{
    const char *function = arena_printf(op->arena, "scan_%s", op->stage->state_relation);
    if (!state_relation_register(op->conn, relation, function, err)) {
        return false;
    }
    remember_function(op, function);
    return operator_make_view(op, op->stage->state_relation, function, err);
}

DuckColumn *operator_columns(const DuckRows *rows, size_t chunk, size_t first, size_t count,
                             Arena *arena)
{
    DuckColumn *columns = ARENA_ARRAY(arena, DuckColumn, count + 1);
    for (size_t i = 0; i < count; i++) {
        columns[i] = duck_rows_column(rows, chunk, first + i);
    }
    return columns;
}

bool operator_register_keyed(Operator *op, const char *name, const Type *result,
                             DuckScalarFn function, Error *err)
{
    Schema arguments = {0};
    schema_add(op->arena, &arguments, "number", type_simple(TYPE_BIGINT), true);
    for (size_t i = 0; i < op->stage->keys.count; i++) {
        schema_add(op->arena, &arguments, "key", op->stage->keys.columns[i].type, true);
    }
    DuckScalar scalar = {
        .name = name,
        .arguments = &arguments,
        .result = result,
        .is_volatile = true,
        .sees_null = true,
        .function = function,
        .context = op,
    };
    return operator_register_scalar(op, &scalar, err);
}

bool operator_lookup(const StateTable *table, const DuckColumn *arguments, size_t argument_count,
                     uint64_t row_count, DuckColumn *result, DuckColumn *fields, size_t field_count,
                     Error *err)
{
    Arena *arena = arena_create(0);
    Buffer bytes = {0};
    Buffer scratch = {0};
    int64_t *buckets = ARENA_ARRAY(arena, int64_t, row_count);
    Slice *values = ARENA_ARRAY(arena, Slice, row_count);
    Slice *keys = operator_encode(arguments + 1, argument_count - 1, row_count, &bytes, arena);
    for (uint64_t row = 0; row < row_count; row++) {
        buckets[row] = duck_int(&arguments[0], row);
    }
    bool ok = state_lookup_many(table, buckets, keys, row_count, &scratch, values, err);
    for (uint64_t row = 0; ok && row < row_count; row++) {
        if (values[row].data != NULL) {
            ok = row_decode(values[row], fields, field_count, row, err);
            continue;
        }
        duck_set_null(result, row);
        for (size_t i = 0; i < field_count; i++) {
            duck_set_null(&fields[i], row);
        }
    }
    buffer_done(&scratch);
    buffer_done(&bytes);
    arena_destroy(arena);
    return ok;
}

int64_t operator_drop_buckets(StateTable *table, int64_t last)
{
    int64_t before = state_row_count(table);
    int64_t bucket;
    while (state_next_bucket(table, INT64_MIN, true, &bucket) && bucket <= last) {
        state_drop_bucket(table, bucket);
    }
    return before - state_row_count(table);
}

Slice *operator_encode(const DuckColumn *columns, size_t count, uint64_t row_count, Buffer *bytes,
                       Arena *arena)
{
    Slice *slices = ARENA_ARRAY(arena, Slice, row_count);
    size_t *ends = ARENA_ARRAY(arena, size_t, row_count + 1);
    for (uint64_t row = 0; row < row_count; row++) {
        row_encode(columns, count, row, bytes);
        ends[row + 1] = bytes->size;
    }
    for (uint64_t row = 0; row < row_count; row++) {
        slices[row] = (Slice){bytes->data + ends[row], ends[row + 1] - ends[row]};
    }
    return slices;
}

const char *operator_layout(const Schema *keys, const Schema *values, Arena *arena)
{
    Buffer layout = {0};
    buffer_append_text(&layout, "keys");
    for (size_t i = 0; i < keys->count; i++) {
        buffer_append_char(&layout, ' ');
        type_print(keys->columns[i].type, &layout);
    }
    buffer_append_text(&layout, "; values");
    for (size_t i = 0; i < values->count; i++) {
        buffer_append_char(&layout, ' ');
        type_print(values->columns[i].type, &layout);
    }
    const char *text = arena_text(arena, buffer_slice(&layout));
    buffer_done(&layout);
    return text;
}

// late(event time in us): whether the row, or its group, is at or before the watermark of the batch
// before.
static bool late_function(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    (void)argument_count;
    (void)err;
    const Operator *op = context;
    for (uint64_t row = 0; row < row_count; row++) {
        bool is_late =
            !duck_is_null(&arguments[0], row) && duck_int(&arguments[0], row) <= op->late;
        duck_set_int(result, row, is_late);
    }
    return true;
}

static bool register_late(Operator *op, Error *err)
{
    Column argument = {.name = "time", .type = type_simple(TYPE_BIGINT)};
    Schema arguments = {&argument, 1, 1};
    DuckScalar scalar = {
        .name = op->stage->late_function,
        .arguments = &arguments,
        .result = type_simple(TYPE_BOOLEAN),
        .is_volatile = true,
        .sees_null = true,
        .function = late_function,
        .context = op,
    };
    return operator_register_scalar(op, &scalar, err);
}

// ---- life --------------------------------------------------------------------------------------

static const OperatorKind *kind_of(StageKind kind)
{
    switch (kind) {
    case STAGE_AGGREGATE:
        return &operator_aggregate;
    case STAGE_DEDUPLICATE:
        return &operator_deduplicate;
    case STAGE_TOP:
        return &operator_top;
    case STAGE_LIMIT:
        return &operator_limit;
    case STAGE_JOIN:
        return &operator_join;
    case STAGE_SESSION:
        return &operator_session;
    }
    return NULL;
}

bool operator_create(const Plan *plan, const PlanStage *stage, DuckConn *conn, State *state,
                     Operator **result, Error *err)
{
    Operator *op = calloc(1, sizeof *op);
    if (op == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    op->kind = kind_of(stage->kind);
    op->plan = plan;
    op->stage = stage;
    op->conn = conn;
    op->evict = TIME_MIN;
    op->late = TIME_MIN;
    op->arena = arena_create(0);
    Arena *arena = arena_create(0);
    bool ok = register_late(op, err) &&
              operator_register_rows(op, stage->batch_relation, &stage->output, &op->rows, err) &&
              op->kind->open(op, state, arena, err);
    arena_destroy(arena);
    if (!ok) {
        operator_destroy(op);
        return false;
    }
    *result = op;
    return true;
}

void operator_destroy(Operator *op)
{
    if (op == NULL) {
        return;
    }
    for (size_t i = 0; i < op->function_count; i++) {
        duck_function_retire(op->conn, op->functions[i]);
    }
    operator_finish(op);
    if (op->kind->close != NULL) {
        op->kind->close(op);
    }
    buffer_done(&op->key);
    buffer_done(&op->value);
    arena_destroy(op->arena);
    free(op);
}

// ---- a batch -----------------------------------------------------------------------------------

bool operator_run(Operator *op, TimeUs evict, TimeUs late, Error *err)
{
    TimeUs began = clock_monotonic();
    operator_finish(op);
    op->evict = evict;
    op->late = late;
    op->metrics = (OperatorMetrics){0};
    atomic_store(&op->late_rows, 0);
    if ((op->kind->prepare != NULL && !op->kind->prepare(op, err)) ||
        !duck_query(op->conn, op->stage->sql, &op->rows, err)) {
        return fail_context(err, "%s", op->kind->name);
    }
    bool ok = op->kind->run(op, err);
    op->metrics.rows_late += atomic_load(&op->late_rows);
    op->metrics.run_time = clock_monotonic() - began;
    return ok;
}

bool operator_evict(Operator *op, Error *err)
{
    TimeUs began = clock_monotonic();
    bool ok = op->kind->evict(op, err);
    op->metrics.evict_time = clock_monotonic() - began;
    return ok;
}

void operator_finish(Operator *op)
{
    duck_rows_destroy(op->rows);
    op->rows = NULL;
    if (op->kind->finish != NULL && op->state != NULL) {
        op->kind->finish(op);
    }
}

OperatorMetrics operator_metrics(const Operator *op)
{
    return op->metrics;
}
