// SPDX-License-Identifier: Apache-2.0
#include "stream/state_relation.h"

#include <stdlib.h>

#include "duck/row_codec.h"

typedef struct Scan {
    const StateRelation *relation;
    int64_t last_bucket;
    int64_t bucket;
    uint64_t slot;
    bool started;
    bool done;
    size_t column_count;
    size_t *columns;         // index of each column asked for: bucket, keys, values
    DuckColumn *row_columns; // all of them; those not asked for have no vector
    Buffer scratch;
} Scan;

static void scan_close(void *state)
{
    Scan *scan = state;
    free(scan->columns);
    free(scan->row_columns);
    buffer_done(&scan->scratch);
    free(scan);
}

static void *scan_open(void *context, const size_t *columns, size_t column_count, int *max_threads,
                       Error *err)
{
    const StateRelation *relation = context;
    Scan *scan = calloc(1, sizeof *scan);
    size_t total = relation->keys->count + relation->values->count + 1;
    if (scan != NULL) {
        scan->columns = calloc(column_count + 1, sizeof *scan->columns);
        scan->row_columns = calloc(total, sizeof *scan->row_columns);
    }
    if (scan == NULL || scan->columns == NULL || scan->row_columns == NULL) {
        if (scan != NULL) {
            scan_close(scan);
        }
        fail(err, ERROR_FAILED, "out of memory");
        return NULL;
    }
    *max_threads = 1;
    scan->relation = relation;
    scan->last_bucket = relation->last_bucket == NULL ? INT64_MAX : *relation->last_bucket;
    scan->column_count = column_count;
    memcpy(scan->columns, columns, column_count * sizeof *columns);
    return scan;
}

static void next_bucket(Scan *scan)
{
    int64_t after = scan->started ? scan->bucket : INT64_MIN;
    bool found = state_next_bucket(scan->relation->table, after, !scan->started, &scan->bucket);
    scan->started = true;
    scan->slot = 0;
    scan->done = !found || scan->bucket > scan->last_bucket;
}

// row_columns: the bucket, then keys and values in the order in which row_decode wants them.
static void bind_columns(Scan *scan, const DuckColumn *columns)
{
    const StateRelation *relation = scan->relation;
    size_t key_count = relation->keys->count;
    size_t total = key_count + relation->values->count;
    scan->row_columns[0] = (DuckColumn){0};
    for (size_t i = 0; i < total; i++) {
        const Column *column =
            i < key_count ? &relation->keys->columns[i] : &relation->values->columns[i - key_count];
        scan->row_columns[1 + i] = (DuckColumn){.type = column->type};
    }
    for (size_t i = 0; i < scan->column_count; i++) {
        size_t index = scan->columns[i] + (relation->with_bucket ? 0 : 1);
        if (index <= total) {
            scan->row_columns[index] = columns[i];
        }
    }
}

static bool show_int(Slice value, DuckColumn *column, uint64_t row, Error *err)
{
    int64_t number;
    if (value.size != sizeof number) {
        return fail(err, ERROR_CORRUPT, "a value of %zu bytes where there should be 8", value.size);
    }
    memcpy(&number, value.data, sizeof number);
    if (column->vector != NULL && number == TIME_NEVER) {
        duck_set_null(column, row);
    } else if (column->vector != NULL) {
        duck_set_int(column, row, number);
    }
    return true;
}

static int64_t scan_next(void *state, void *thread, DuckColumn *columns, uint64_t capacity,
                         Error *err)
{
    (void)thread;
    Scan *scan = state;
    const StateRelation *relation = scan->relation;
    bind_columns(scan, columns);
    DuckColumn *keys = scan->row_columns + 1;
    DuckColumn *values = keys + relation->keys->count;
    uint64_t row = 0;
    if (!scan->started) {
        next_bucket(scan);
    }
    while (row < capacity && !scan->done) {
        if (scan->slot >= state_bucket_slots(relation->table, scan->bucket)) {
            next_bucket(scan);
            continue;
        }
        Slice key;
        Slice value;
        bool found = false;
        if (!state_scan_row(relation->table, scan->bucket, scan->slot++, &scan->scratch, &key,
                            &value, &found, err)) {
            return -1;
        }
        if (!found) {
            continue;
        }
        if (!row_decode(key, keys, relation->keys->count, row, err) ||
            (relation->value_is_int
                 ? !show_int(value, values, row, err)
                 : !row_decode(value, values, relation->values->count, row, err))) {
            return -1;
        }
        if (scan->row_columns[0].vector != NULL) {
            duck_set_int(&scan->row_columns[0], row, scan->bucket);
        }
        row++;
    }
    return (int64_t)row;
}

bool state_relation_register(DuckConn *conn, const StateRelation *relation, const char *function,
                             Error *err)
{
    Arena *arena = arena_create(0);
    Schema schema = {0};
    if (relation->with_bucket) {
        schema_add(arena, &schema, "bucket", type_simple(TYPE_BIGINT), true);
    }
    const Schema *parts[] = {relation->keys, relation->values};
    for (size_t part = 0; part < ARRAY_LEN(parts); part++) {
        for (size_t i = 0; i < parts[part]->count; i++) {
            const Column *column = &parts[part]->columns[i];
            schema_add(arena, &schema, column->name, column->type, true);
        }
    }
    DuckTable table = {
        .name = function,
        .schema = &schema,
        .open = scan_open,
        .next = scan_next,
        .close = scan_close,
        .context = (void *)relation,
    };
    bool ok = duck_register_table(conn, &table, err);
    arena_destroy(arena);
    return ok;
}
