// Parts of one session become one value: pairs of neighbours are merged by a statement, round by
// round, until one is left of each. Most batches have none.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "stream/session_internal.h"

// ---- values of a statement's rows --------------------------------------------------------------

static void store_chunk(Operator *op, const DuckRows *rows, size_t chunk, SessionRootFn root_of,
                        SessionStoreFn store, Arena *arena)
{
    Sessions *own = op->state;
    size_t value_count = own->fields.count - 2;
    uint64_t size = duck_rows_chunk_size(rows, chunk);
    TimeUs *starts = ARENA_ARRAY(arena, TimeUs, size + 1);
    TimeUs *ends = ARENA_ARRAY(arena, TimeUs, size + 1);
    DuckColumn number = duck_rows_column(rows, chunk, 0);
    DuckColumn *columns = ARENA_ARRAY(arena, DuckColumn, own->fields.count);
    columns[0] = (DuckColumn){.type = own->fields.columns[0].type, .data = starts};
    columns[1] = (DuckColumn){.type = own->fields.columns[1].type, .data = ends};
    for (size_t i = 0; i < value_count; i++) {
        columns[2 + i] = duck_rows_column(rows, chunk, 1 + i);
    }
    for (uint64_t row = 0; row < size; row++) {
        uint64_t of = (uint64_t)duck_int(&number, row);
        const Session *root = session_set_at(own->set, root_of(own, of));
        starts[row] = root->start;
        ends[row] = root->end;
        size_t at = own->values.size;
        row_encode(columns, own->fields.count, row, &own->values);
        store(own, of, (SessionPart){at, (uint32_t)(own->values.size - at)});
    }
}

void session_merge_store(Operator *op, const DuckRows *rows, SessionRootFn root,
                         SessionStoreFn store)
{
    Arena *arena = arena_create(0);
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        arena_reset(arena);
        store_chunk(op, rows, chunk, root, store, arena);
    }
    arena_destroy(arena);
}

// ---- pairs(): what the statement reads ---------------------------------------------------------

typedef struct PairScan {
    const Sessions *own;
    size_t pair;
    size_t column_count;
    size_t *columns;         // which column each asked for is: pair, p..., q...
    DuckColumn *row_columns; // start, end and values of p, the same of q
} PairScan;

static void pairs_close(void *state)
{
    PairScan *scan = state;
    free(scan->columns);
    free(scan->row_columns);
    free(scan);
}

static void *pairs_open(void *context, const size_t *columns, size_t column_count, int *max_threads,
                        Error *err)
{
    const Operator *op = context;
    const Sessions *own = op->state;
    PairScan *scan = calloc(1, sizeof *scan);
    if (scan != NULL) {
        scan->columns = calloc(column_count + 1, sizeof *scan->columns);
        scan->row_columns = calloc(2 * own->fields.count, sizeof *scan->row_columns);
    }
    if (scan == NULL || scan->columns == NULL || scan->row_columns == NULL) {
        fail(err, ERROR_FAILED, "out of memory");
        if (scan != NULL) {
            pairs_close(scan);
        }
        return NULL;
    }
    *max_threads = 1;
    scan->own = own;
    scan->column_count = column_count;
    memcpy(scan->columns, columns, column_count * sizeof *columns);
    return scan;
}

static bool decode_part(const Sessions *own, SessionPart part, DuckColumn *columns, uint64_t row,
                        Error *err)
{
    Slice bytes = {own->values.data + part.value, part.size};
    return row_decode(bytes, columns, own->fields.count, row, err);
}

// Column 0 is the pair's number; then come the values of p, then those of q.
static void bind_pairs(PairScan *scan, const DuckColumn *columns, DuckColumn *pair)
{
    const Schema *fields = &scan->own->fields;
    size_t values = fields->count - 2;
    for (size_t i = 0; i < 2 * fields->count; i++) {
        scan->row_columns[i] = (DuckColumn){.type = fields->columns[i % fields->count].type};
    }
    for (size_t i = 0; i < scan->column_count; i++) {
        size_t column = scan->columns[i];
        if (column == 0) {
            *pair = columns[i];
        } else if (column <= 2 * values) {
            size_t of = (column - 1) / values;
            scan->row_columns[of * fields->count + 2 + (column - 1) % values] = columns[i];
        }
    }
}

static int64_t pairs_next(void *state, void *thread, DuckColumn *columns, uint64_t capacity,
                          Error *err)
{
    (void)thread;
    PairScan *scan = state;
    const Sessions *own = scan->own;
    DuckColumn number = {0};
    bind_pairs(scan, columns, &number);
    uint64_t row = 0;
    for (; row < capacity && scan->pair < own->pair_count; row++, scan->pair++) {
        const SessionPair *pair = &own->pairs[scan->pair];
        if (!decode_part(own, pair->later, scan->row_columns, row, err) ||
            !decode_part(own, pair->earlier, scan->row_columns + own->fields.count, row, err)) {
            return -1;
        }
        if (number.vector != NULL) {
            duck_set_int(&number, row, (int64_t)scan->pair);
        }
    }
    return (int64_t)row;
}

bool session_merge_register(Operator *op, Arena *arena, Error *err)
{
    const Schema *partials = op->stage->session->partials;
    Schema schema = {0};
    schema_add(arena, &schema, "pair", type_simple(TYPE_BIGINT), true);
    for (size_t of = 0; of < 2; of++) {
        for (size_t i = 0; i < partials->count; i++) {
            schema_add(arena, &schema,
                       arena_printf(arena, "%c%s", of == 0 ? 'p' : 'q', partials->columns[i].name),
                       partials->columns[i].type, true);
        }
    }
    DuckTable table = {
        .name = op->stage->session->pairs_function,
        .schema = &schema,
        .open = pairs_open,
        .next = pairs_next,
        .close = pairs_close,
        .context = op,
    };
    return operator_register_table(op, &table, err);
}

// ---- rounds ------------------------------------------------------------------------------------

typedef struct Merge { // a session of several parts
    uint32_t root;
    size_t first; // of its parts
    size_t count; // left
} Merge;

typedef struct MergeList {
    Merge *items;
    size_t count;
    size_t capacity;
    SessionPart *parts;
    TimeUs *firsts; // of the parts
    size_t part_count;
    size_t part_capacity;
    size_t first_capacity;
} MergeList;

static void add_merge(Sessions *own, uint32_t root, MergeList *list, Arena *arena)
{
    Merge merge = {root, list->part_count, 0};
    for (uint32_t part = root; part != SESSION_NONE; part = session_set_at(own->set, part)->next) {
        const Session *session = session_set_at(own->set, part);
        SessionPart value = {session->value, session->value_size};
        size_t first_count = list->part_count;
        ARENA_PUSH(arena, list->firsts, first_count, list->first_capacity, session->first);
        ARENA_PUSH(arena, list->parts, list->part_count, list->part_capacity, value);
        size_t at = list->part_count - 1; // in its place: there are few
        for (; at > merge.first && list->firsts[at - 1] > session->first; at--) {
            list->firsts[at] = list->firsts[at - 1];
            list->parts[at] = list->parts[at - 1];
        }
        list->firsts[at] = session->first;
        list->parts[at] = value;
        merge.count++;
    }
    ARENA_PUSH(arena, list->items, list->count, list->capacity, merge);
}

static void find_merges(Sessions *own, MergeList *list, Arena *arena)
{
    size_t count = session_set_key_count(own->set);
    uint32_t *numbers = NULL;
    size_t capacity = 0;
    for (uint32_t key = 0; key < count; key++) {
        uint32_t sessions = session_set_key_at(own->set, key)->session_count;
        if (sessions > capacity) {
            capacity = (size_t)sessions * 2;
            numbers = ARENA_ARRAY(arena, uint32_t, capacity);
        }
        session_set_list(own->set, key, numbers);
        for (uint32_t i = 0; i < sessions; i++) {
            if (session_set_at(own->set, numbers[i])->next != SESSION_NONE) {
                add_merge(own, numbers[i], list, arena);
            }
        }
    }
}

// Neighbours of each session that has several parts left; what they become moves together.
static void make_pairs(Sessions *own, MergeList *list, Arena *arena)
{
    own->pair_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        Merge *merge = &list->items[i];
        size_t left = 0;
        for (size_t part = 0; part < merge->count; part += 2, left++) {
            size_t to = merge->first + left;
            size_t from = merge->first + part;
            if (part + 1 < merge->count) {
                SessionPair pair = {list->parts[from], list->parts[from + 1], to, merge->root};
                ARENA_PUSH(arena, own->pairs, own->pair_count, own->pair_capacity, pair);
            }
            list->parts[to] = list->parts[from];
        }
        merge->count = left;
    }
}

static uint32_t root_of_pair(Sessions *own, uint64_t number)
{
    return own->pairs[number].root;
}

static void store_pair(Sessions *own, uint64_t number, SessionPart part)
{
    own->parts[own->pairs[number].to] = part;
}

bool session_merge_parts(Operator *op, Error *err)
{
    Sessions *own = op->state;
    if (!session_set_has_parts(own->set)) {
        return true;
    }
    Arena *arena = arena_create(0);
    MergeList list = {0};
    find_merges(own, &list, arena);
    own->parts = list.parts;
    own->pairs = NULL;
    own->pair_capacity = 0;
    make_pairs(own, &list, arena);
    bool ok = true;
    while (ok && own->pair_count > 0) {
        DuckRows *rows = NULL;
        ok = duck_query(op->conn, op->stage->session->merge_sql, &rows, err);
        if (ok) {
            session_merge_store(op, rows, root_of_pair, store_pair);
            make_pairs(own, &list, arena);
        }
        duck_rows_destroy(rows);
    }
    for (size_t i = 0; ok && i < list.count; i++) {
        Session *session = session_set_at(own->set, list.items[i].root);
        session->value = own->parts[list.items[i].first].value;
        session->value_size = own->parts[list.items[i].first].size;
    }
    own->pair_count = 0;
    arena_destroy(arena);
    return ok;
}
