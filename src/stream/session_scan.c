// What the output query reads: in append mode the sessions that the batch has closed, in update
// mode those it has changed, in complete mode all that are in the state.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "stream/session_internal.h"

typedef struct SessionScan {
    const Operator *op;
    bool is_all; // complete mode
    size_t column_count;
    size_t *columns;    // index of each column asked for: keys with the window among them, values
    DuckColumn *keys;   // without the window
    DuckColumn *fields; // start, end, values
    size_t at;          // in what the batch emits
    uint64_t slot;      // of the state
    SessionRow row;     // of that slot
    Slice key;
    Buffer scratch;
} SessionScan;

void session_scan_emit(Sessions *own, Slice key, Slice session)
{
    uint32_t sizes[2] = {(uint32_t)key.size, (uint32_t)session.size};
    buffer_append_bytes(&own->out, sizes, sizeof sizes);
    buffer_append(&own->out, key);
    buffer_append(&own->out, session);
}

static void scan_close(void *state)
{
    SessionScan *scan = state;
    free(scan->columns);
    free(scan->keys);
    free(scan->fields);
    buffer_done(&scan->scratch);
    free(scan);
}

static void *scan_open(void *context, const size_t *columns, size_t column_count, int *max_threads,
                       Error *err)
{
    const Operator *op = context;
    const Sessions *own = op->state;
    SessionScan *scan = calloc(1, sizeof *scan);
    if (scan != NULL) {
        scan->columns = calloc(column_count + 1, sizeof *scan->columns);
        scan->keys = calloc(op->stage->keys.count + 1, sizeof *scan->keys);
        scan->fields = calloc(own->fields.count, sizeof *scan->fields);
    }
    if (scan == NULL || scan->columns == NULL || scan->keys == NULL || scan->fields == NULL) {
        fail(err, ERROR_FAILED, "out of memory");
        if (scan != NULL) {
            scan_close(scan);
        }
        return NULL;
    }
    *max_threads = 1;
    scan->op = op;
    scan->is_all = op->plan->mode == OUTPUT_COMPLETE;
    scan->column_count = column_count;
    memcpy(scan->columns, columns, column_count * sizeof *columns);
    return scan;
}

static void bind_columns(SessionScan *scan, const DuckColumn *columns)
{
    const PlanStage *stage = scan->op->stage;
    const Schema *fields = &((const Sessions *)scan->op->state)->fields;
    size_t window = stage->session->key;
    for (size_t i = 0; i < stage->keys.count; i++) {
        scan->keys[i] = (DuckColumn){.type = stage->keys.columns[i].type};
    }
    for (size_t i = 0; i < fields->count; i++) {
        scan->fields[i] = (DuckColumn){.type = fields->columns[i].type};
    }
    for (size_t i = 0; i < scan->column_count; i++) {
        size_t column = scan->columns[i];
        if (column == window) {
            scan->fields[0] = duck_child(&columns[i], 0);
            scan->fields[1] = duck_child(&columns[i], 1);
        } else if (column <= stage->keys.count) {
            scan->keys[column < window ? column : column - 1] = columns[i];
        } else if (column < stage->keys.count + fields->count - 1) {
            scan->fields[2 + column - stage->keys.count - 1] = columns[i];
        }
    }
}

static bool next_emitted(SessionScan *scan, Slice *key, Slice *session)
{
    const Sessions *own = scan->op->state;
    if (scan->at == own->out.size) {
        return false;
    }
    uint32_t sizes[2];
    const char *at = own->out.data + scan->at;
    memcpy(sizes, at, sizeof sizes);
    *key = (Slice){at + sizeof sizes, sizes[0]};
    *session = (Slice){key->data + key->size, sizes[1]};
    scan->at += sizeof sizes + sizes[0] + sizes[1];
    return true;
}

// The next session of the state; *found is false at the end.
static bool next_kept(SessionScan *scan, Slice *session, bool *found, Error *err)
{
    const Sessions *own = scan->op->state;
    while (scan->row.index == scan->row.count) {
        *found = scan->slot < state_bucket_slots(own->table, 0);
        if (!*found) {
            return true;
        }
        Slice value;
        bool is_row;
        if (!state_scan_row(own->table, 0, scan->slot++, &scan->scratch, &scan->key, &value,
                            &is_row, err) ||
            (is_row && !session_row_open(&scan->row, &own->fields, value, err))) {
            return false;
        }
    }
    SessionBytes next;
    *found = true;
    if (!session_row_next(&scan->row, &next, err)) {
        return false;
    }
    *session = next.bytes;
    return true;
}

static int64_t scan_next(void *state, void *thread, DuckColumn *columns, uint64_t capacity,
                         Error *err)
{
    (void)thread;
    SessionScan *scan = state;
    const Sessions *own = scan->op->state;
    bind_columns(scan, columns);
    for (uint64_t row = 0; row < capacity; row++) {
        Slice session;
        bool found;
        if (!scan->is_all) {
            found = next_emitted(scan, &scan->key, &session);
        } else if (!next_kept(scan, &session, &found, err)) {
            return -1;
        }
        if (!found) {
            return (int64_t)row;
        }
        if (!row_decode(scan->key, scan->keys, scan->op->stage->keys.count, row, err) ||
            !row_decode(session, scan->fields, own->fields.count, row, err)) {
            return -1;
        }
    }
    return (int64_t)capacity;
}

bool session_scan_register(Operator *op, Arena *arena, Error *err)
{
    const PlanStage *stage = op->stage;
    const Sessions *own = op->state;
    Schema times = {0};
    schema_add(arena, &times, "start", stage->session->time, true);
    schema_add(arena, &times, "end", stage->session->time, true);
    Schema schema = {0};
    for (size_t i = 0; i <= stage->keys.count; i++) {
        size_t key = i < stage->session->key ? i : i - 1;
        const Type *type =
            i == stage->session->key ? type_struct(arena, times) : stage->keys.columns[key].type;
        schema_add(arena, &schema, arena_printf(arena, "k%zu", i), type, true);
    }
    for (size_t i = 2; i < own->fields.count; i++) {
        schema_add(arena, &schema, own->fields.columns[i].name, own->fields.columns[i].type, true);
    }
    const char *function = arena_printf(op->arena, "scan_%s", stage->state_relation);
    DuckTable table = {
        .name = function,
        .schema = &schema,
        .open = scan_open,
        .next = scan_next,
        .close = scan_close,
        .context = op,
    };
    return operator_register_table(op, &table, err) &&
           operator_make_view(op, stage->state_relation, function, err);
}
