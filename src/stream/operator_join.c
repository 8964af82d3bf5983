// A join of two streams at run time. See stage_join.h for its statements, join_side.h for what it
// keeps.
//
//     prepare   both inputs become rows of their sides; the lists of state that may hold matches
//               are read; a probe is a group of new rows beside such a list, or beside new rows of
//               the other side
//     statement scans the pairs of all probes and keeps those for which the condition holds
//     run       marks what has matched, finds what comes out alone, writes the new rows
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "stream/join_side.h"
#include "stream/operator_internal.h"

enum { LEFT, RIGHT, PROBES_PER_THREAD = 256, ROWS_PER_THREAD = 16384 };

typedef struct Probe {
    uint32_t group;   // of side `side`
    uint32_t other;   // of the other side: a list, or a group of the batch
    uint8_t side;     // RIGHT only beside a list
    bool is_in_state; // `other` is a list
} Probe;

typedef struct Alone { // a row that comes out without a match
    uint64_t offset;   // in alone_bytes
    uint32_t size;
    uint32_t side;
} Alone;

typedef struct Join {
    JoinSide sides[2];
    StateTable *counters; // (0, "") -> Counters
    Buffer probes;
    Buffer alone;
    Buffer alone_bytes;
    uint32_t alone_side; // whose rows are being added
} Join;

typedef struct Counters {
    int64_t rows[2];
    int64_t next_run[2];
    TimeUs grain; // of the state's buckets, see JoinSide
    TimeUs expiry_grain[2];
} Counters;

// ---- pairs -------------------------------------------------------------------------------------

typedef struct PairScan {
    const Operator *op;
    const Join *join;
    _Atomic size_t next_probe;
    const size_t *columns;
    size_t column_count;
    size_t *column_copy;
} PairScan;

typedef struct PairThread {
    PairScan *scan;
    bool is_active;
    Probe probe;
    uint32_t row; // of the probe's group
    uint32_t list;
    size_t at; // in the list
    uint32_t other_row;
    uint32_t first_other; // those before it are too old for the thread's row and all behind it
    DuckColumn *columns;  // left, right, "#left", "#right"
} PairThread;

typedef struct Pair {
    Slice bytes[2];
    int64_t refs[2];
} Pair;

static int64_t batch_ref(uint32_t row)
{
    return (int64_t)row << 1;
}

static int64_t state_ref(uint32_t list, uint32_t offset)
{
    return (int64_t)list << 33 | (int64_t)offset << 1 | 1;
}

// 0: near enough; less: the right one is too old for the left one; more: too young.
static int compare_near(const PlanJoin *plan, TimeUs left, TimeUs right)
{
    if (plan->low == TIME_MIN && plan->high == TIME_NEVER) {
        return 0;
    }
    if (left == TIME_NEVER || right == TIME_NEVER) {
        return 1;
    }
    TimeUs apart;
    if (__builtin_sub_overflow(right, left, &apart)) {
        return right < left ? -1 : 1;
    }
    return apart < plan->low ? -1 : apart > plan->high;
}

// Whether no row of the list is near a row of side `own` with this time.
static bool is_list_far(const PlanJoin *plan, int own, TimeUs time, const JoinList *list)
{
    if (own == LEFT) {
        return compare_near(plan, time, list->max_time) < 0 ||
               compare_near(plan, time, list->min_time) > 0;
    }
    return compare_near(plan, list->min_time, time) < 0 ||
           compare_near(plan, list->max_time, time) > 0;
}

static Slice row_bytes(const JoinSide *side, const JoinRow *row)
{
    return (Slice){side->bytes.data + row->offset, row->size};
}

static bool begin_probe(PairThread *thread)
{
    const Join *join = thread->scan->join;
    size_t number = atomic_fetch_add(&thread->scan->next_probe, 1);
    if (number >= join->probes.size / sizeof(Probe)) {
        return false;
    }
    thread->probe = ((const Probe *)join->probes.data)[number];
    const Probe *probe = &thread->probe;
    thread->is_active = true;
    thread->row = join_side_group(&join->sides[probe->side], probe->group)->first;
    thread->list = probe->other;
    thread->at = 0;
    thread->first_other =
        probe->is_in_state ? JOIN_NONE : join_side_group(&join->sides[RIGHT], probe->other)->first;
    thread->other_row = thread->first_other;
    return true;
}

// The next row of state near the thread's row.
static bool next_in_state(PairThread *thread, Pair *pair)
{
    const Join *join = thread->scan->join;
    const PlanJoin *plan = join->sides[LEFT].plan;
    int own = thread->probe.side;
    const JoinSide *other = &join->sides[1 - own];
    const JoinRow *row = join_side_row(&join->sides[own], thread->row);
    while (thread->list != JOIN_NONE) {
        const JoinList *list = join_side_list(other, thread->list);
        bool is_far =
            thread->at == 0 && other->grain > 0 &&
            (list->max_time <= other->forgotten || is_list_far(plan, own, row->time, list));
        JoinStored stored;
        while (!is_far && join_side_next(list, &thread->at, &stored)) {
            bool is_done = plan->kind == JOIN_SEMI && own == RIGHT && stored.matched;
            TimeUs left = own == LEFT ? row->time : stored.time;
            TimeUs right = own == LEFT ? stored.time : row->time;
            if (stored.time > other->forgotten && !is_done &&
                compare_near(plan, left, right) == 0) {
                pair->bytes[own] = row_bytes(&join->sides[own], row);
                pair->refs[own] = batch_ref(thread->row);
                pair->bytes[1 - own] = stored.bytes;
                pair->refs[1 - own] = state_ref(thread->list, stored.offset);
                return true;
            }
        }
        thread->list = list->next;
        thread->at = 0;
    }
    return false;
}

// Groups are in the order of time, so what is too old for one row is so for those behind it.
static bool next_in_batch(PairThread *thread, Pair *pair)
{
    const Join *join = thread->scan->join;
    const JoinRow *left = join_side_row(&join->sides[LEFT], thread->row);
    while (thread->other_row != JOIN_NONE) {
        uint32_t number = thread->other_row;
        const JoinRow *right = join_side_row(&join->sides[RIGHT], number);
        thread->other_row = right->next;
        int near = compare_near(join->sides[LEFT].plan, left->time, right->time);
        if (near > 0) {
            return false;
        }
        if (near < 0) {
            thread->first_other = right->next;
        } else {
            pair->bytes[LEFT] = row_bytes(&join->sides[LEFT], left);
            pair->bytes[RIGHT] = row_bytes(&join->sides[RIGHT], right);
            pair->refs[LEFT] = batch_ref(thread->row);
            pair->refs[RIGHT] = batch_ref(number);
            return true;
        }
    }
    return false;
}

static bool next_pair(PairThread *thread, Pair *pair)
{
    const Join *join = thread->scan->join;
    while (thread->is_active || begin_probe(thread)) {
        const Probe *probe = &thread->probe;
        if (probe->is_in_state ? next_in_state(thread, pair) : next_in_batch(thread, pair)) {
            return true;
        }
        thread->row = join_side_row(&join->sides[probe->side], thread->row)->next;
        thread->is_active = thread->row != JOIN_NONE;
        thread->list = probe->other;
        thread->at = 0;
        thread->other_row = thread->first_other;
    }
    return false;
}

static void pairs_close(void *state)
{
    PairScan *scan = state;
    free(scan->column_copy);
    free(scan);
}

static void *pairs_open(void *context, const size_t *columns, size_t column_count, int *max_threads,
                        Error *err)
{
    const Operator *op = context;
    PairScan *scan = calloc(1, sizeof *scan);
    size_t *copy = calloc(column_count + 1, sizeof *copy);
    if (scan == NULL || copy == NULL) {
        free(scan);
        free(copy);
        fail(err, ERROR_FAILED, "out of memory");
        return NULL;
    }
    memcpy(copy, columns, column_count * sizeof *columns);
    scan->op = op;
    scan->join = op->state;
    scan->columns = scan->column_copy = copy;
    scan->column_count = column_count;
    *max_threads = (int)(scan->join->probes.size / sizeof(Probe) / PROBES_PER_THREAD) + 1;
    return scan;
}

static void *pairs_open_thread(void *state)
{
    PairScan *scan = state;
    PairThread *thread = calloc(1, sizeof *thread);
    if (thread != NULL) {
        thread->scan = scan;
        thread->columns =
            calloc(scan->op->stage->join->pair_columns.count, sizeof *thread->columns);
    }
    return thread;
}

static void pairs_close_thread(void *state)
{
    PairThread *thread = state;
    free(thread->columns);
    free(thread);
}

// All columns, those that are not asked for without a vector.
static void bind_columns(const Schema *schema, const size_t *asked, size_t count,
                         const DuckColumn *columns, DuckColumn *all)
{
    for (size_t i = 0; i < schema->count; i++) {
        all[i] = (DuckColumn){.type = schema->columns[i].type};
    }
    for (size_t i = 0; i < count; i++) {
        all[asked[i]] = columns[i];
    }
}

static int64_t pairs_next(void *state, void *thread_state, DuckColumn *columns, uint64_t capacity,
                          Error *err)
{
    PairScan *scan = state;
    PairThread *thread = thread_state;
    if (thread == NULL || thread->columns == NULL) {
        fail(err, ERROR_FAILED, "out of memory");
        return -1;
    }
    const PlanJoin *plan = scan->op->stage->join;
    DuckColumn *all = thread->columns;
    bind_columns(&plan->pair_columns, scan->columns, scan->column_count, columns, all);
    size_t left = plan->sides[LEFT].columns.count;
    size_t right = plan->sides[RIGHT].columns.count;
    DuckColumn *refs = all + left + right;
    uint64_t count = 0;
    Pair pair;
    for (; count < capacity && next_pair(thread, &pair); count++) {
        if (!row_decode(pair.bytes[LEFT], all, left, count, err) ||
            !row_decode(pair.bytes[RIGHT], all + left, right, count, err)) {
            return -1;
        }
        for (int side = LEFT; side <= RIGHT; side++) {
            if (refs[side].vector != NULL) {
                duck_set_int(&refs[side], count, pair.refs[side]);
            }
        }
    }
    return (int64_t)count;
}

// ---- rows that come out alone ------------------------------------------------------------------

typedef struct AloneScan {
    const Operator *op;
    _Atomic size_t next;
    size_t *columns;
    size_t column_count;
} AloneScan;

static void alone_close(void *state)
{
    AloneScan *scan = state;
    free(scan->columns);
    free(scan);
}

static void *alone_open(void *context, const size_t *columns, size_t column_count, int *max_threads,
                        Error *err)
{
    const Operator *op = context;
    const Join *join = op->state;
    AloneScan *scan = calloc(1, sizeof *scan);
    size_t *copy = calloc(column_count + 1, sizeof *copy);
    if (scan == NULL || copy == NULL) {
        free(scan);
        free(copy);
        fail(err, ERROR_FAILED, "out of memory");
        return NULL;
    }
    memcpy(copy, columns, column_count * sizeof *columns);
    *scan = (AloneScan){.op = op, .columns = copy, .column_count = column_count};
    *max_threads = (int)(join->alone.size / sizeof(Alone) / ROWS_PER_THREAD) + 1;
    return scan;
}

static void *alone_open_thread(void *state)
{
    const AloneScan *scan = state;
    return calloc(scan->op->stage->output.count, sizeof(DuckColumn));
}

static int64_t alone_next(void *state, void *thread, DuckColumn *columns, uint64_t capacity,
                          Error *err)
{
    AloneScan *scan = state;
    const Join *join = scan->op->state;
    const PlanJoin *plan = scan->op->stage->join;
    const Schema *schema = &scan->op->stage->output;
    DuckColumn *all = thread;
    if (all == NULL) {
        fail(err, ERROR_FAILED, "out of memory");
        return -1;
    }
    bind_columns(schema, scan->columns, scan->column_count, columns, all);
    size_t first = atomic_fetch_add(&scan->next, capacity);
    size_t total = join->alone.size / sizeof(Alone);
    uint64_t count = first >= total ? 0 : total - first < capacity ? total - first : capacity;
    size_t left = plan->sides[LEFT].columns.count;
    for (uint64_t row = 0; row < count; row++) {
        const Alone *alone = (const Alone *)join->alone.data + first + row;
        size_t begin = alone->side == LEFT ? 0 : left;
        size_t end = begin + plan->sides[alone->side].columns.count;
        Slice bytes = {join->alone_bytes.data + alone->offset, alone->size};
        if (!row_decode(bytes, all + begin, end - begin, row, err)) {
            return -1;
        }
        for (size_t i = 0; i < schema->count; i++) {
            if ((i < begin || i >= end) && all[i].vector != NULL) {
                duck_set_null(&all[i], row);
            }
        }
    }
    return (int64_t)count;
}

static void add_alone(void *context, Slice columns)
{
    Join *join = context;
    Alone alone = {join->alone_bytes.size, (uint32_t)columns.size, join->alone_side};
    buffer_append(&join->alone_bytes, columns);
    buffer_append_bytes(&join->alone, &alone, sizeof alone);
}

// ---- life --------------------------------------------------------------------------------------

static bool open_side(Operator *op, State *state, int which, Arena *arena, Error *err)
{
    static const char *const names[] = {"left", "right"};
    static const char *const kinds[] = {"INNER", "LEFT", "RIGHT", "FULL", "SEMI"};
    Join *own = op->state;
    const PlanStage *stage = op->stage;
    const PlanJoin *plan = stage->join;
    JoinSide *side = &own->sides[which];
    join_side_open(side, plan, which);
    const char *layout = arena_printf(
        arena, "%s join, times %lld to %lld apart, forgotten at %lld; %s", kinds[plan->kind],
        (long long)plan->low, (long long)plan->high, (long long)side->rule->expiry_shift,
        operator_layout(&stage->keys, &side->rule->columns, arena));
    const char *rows = arena_printf(arena, "%s_%s", stage->name, names[which]);
    const char *expiry = arena_printf(arena, "%s_expiry", rows);
    return state_table(state, rows, slice_of(layout), &side->rows, err) &&
           (!side->rule->expires ||
            state_table(state, expiry, slice_of(layout), &side->expiry, err));
}

static bool register_scans(Operator *op, Error *err)
{
    const PlanStage *stage = op->stage;
    const PlanJoin *plan = stage->join;
    DuckTable pairs = {
        .name = arena_printf(op->arena, "scan_%s", plan->pairs),
        .schema = &plan->pair_columns,
        .open = pairs_open,
        .open_thread = pairs_open_thread,
        .next = pairs_next,
        .close_thread = pairs_close_thread,
        .close = pairs_close,
        .context = op,
    };
    if (!operator_register_table(op, &pairs, err) ||
        !operator_make_view(op, plan->pairs, pairs.name, err)) {
        return false;
    }
    if (!plan->sides[LEFT].is_preserved && !plan->sides[RIGHT].is_preserved) {
        return true;
    }
    DuckTable alone = {
        .name = arena_printf(op->arena, "alone_%s", stage->batch_relation),
        .schema = &stage->output,
        .open = alone_open,
        .open_thread = alone_open_thread,
        .next = alone_next,
        .close_thread = free,
        .close = alone_close,
        .context = op,
    };
    const char *view = arena_printf(op->arena,
                                    "CREATE OR REPLACE TEMP VIEW %s AS SELECT * FROM rows_%s() "
                                    "UNION ALL SELECT * FROM %s()",
                                    stage->batch_relation, stage->batch_relation, alone.name);
    return operator_register_table(op, &alone, err) && duck_run(op->conn, view, err);
}

static bool read_counters(Operator *op, Error *err)
{
    Join *own = op->state;
    Buffer scratch = {0};
    Slice value;
    bool found = false;
    const PlanJoin *plan = op->stage->join;
    Counters counters = {
        .grain = plan->grain,
        .expiry_grain = {plan->sides[LEFT].expiry_grain, plan->sides[RIGHT].expiry_grain},
    };
    bool ok = state_lookup(own->counters, 0, (Slice){"", 0}, &scratch, &value, &found, err);
    if (ok && found) {
        memcpy(&counters, value.data, sizeof counters);
    }
    buffer_done(&scratch);
    for (int side = LEFT; side <= RIGHT; side++) {
        own->sides[side].total = counters.rows[side];
        own->sides[side].next_run = counters.next_run[side];
        own->sides[side].grain = counters.grain;
        own->sides[side].expiry_grain = counters.expiry_grain[side];
    }
    op->metrics.rows_total = counters.rows[LEFT] + counters.rows[RIGHT];
    return ok;
}

static bool join_open(Operator *op, State *state, Arena *arena, Error *err)
{
    Join *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    op->state = own;
    Slice layout = slice_of("rows kept, next run, grains; left and right");
    return open_side(op, state, LEFT, arena, err) && open_side(op, state, RIGHT, arena, err) &&
           state_table(state, op->stage->name, layout, &own->counters, err) &&
           read_counters(op, err) && register_scans(op, err);
}

static void join_finish(Operator *op)
{
    Join *own = op->state;
    for (int side = LEFT; side <= RIGHT; side++) {
        if (own->sides[side].arena != NULL) {
            join_side_reset(&own->sides[side]);
        }
    }
    buffer_reset(&own->probes);
    buffer_reset(&own->alone);
    buffer_reset(&own->alone_bytes);
}

static void join_close(Operator *op)
{
    Join *own = op->state;
    if (own != NULL) {
        join_side_close(&own->sides[LEFT]);
        join_side_close(&own->sides[RIGHT]);
        buffer_done(&own->probes);
        buffer_done(&own->alone);
        buffer_done(&own->alone_bytes);
        free(own);
    }
}

// ---- before the statement ----------------------------------------------------------------------

static void read_chunk(Operator *op, JoinSide *side, const DuckRows *rows, size_t chunk,
                       Arena *arena)
{
    size_t key_count = op->stage->keys.count;
    size_t column_count = side->rule->columns.count;
    const DuckColumn *columns =
        operator_columns(rows, chunk, 0, JOIN_KEY_COLUMN + key_count + column_count, arena);
    const DuckColumn *keys = columns + JOIN_KEY_COLUMN;
    const DuckColumn *time = &columns[JOIN_TIME_COLUMN];
    const DuckColumn *joins = &columns[JOIN_JOINS_COLUMN];
    for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
        if (duck_int(&columns[JOIN_LATE_COLUMN], row) != 0) {
            op->metrics.rows_late++;
            continue;
        }
        bool is_alone = duck_is_null(joins, row) || duck_int(joins, row) == 0;
        uint64_t key_at = side->bytes.size;
        if (!is_alone) {
            row_encode(keys, key_count, row, &side->bytes);
        }
        uint64_t columns_at = side->bytes.size;
        row_encode(keys + key_count, column_count, row, &side->bytes);
        TimeUs at = duck_is_null(time, row) ? TIME_NEVER : duck_int(time, row);
        if (is_alone) {
            join_side_add_alone(side, columns_at);
        } else {
            join_side_add(side, at, key_at, columns_at);
        }
    }
}

static bool read_input(Operator *op, int which, Error *err)
{
    Join *own = op->state;
    DuckRows *rows = NULL;
    if (!duck_query(op->conn, op->stage->join->sides[which].sql, &rows, err)) {
        return fail_context(err, "%s side", which == LEFT ? "left" : "right");
    }
    Arena *arena = arena_create(0);
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
        arena_reset(arena);
        read_chunk(op, &own->sides[which], rows, chunk, arena);
    }
    arena_destroy(arena);
    duck_rows_destroy(rows);
    return true;
}

static void add_probe(Join *own, uint32_t group, uint32_t other, int side, bool is_in_state)
{
    Probe probe = {group, other, (uint8_t)side, is_in_state};
    buffer_append_bytes(&own->probes, &probe, sizeof probe);
}

// The times that rows of the other side may have beside times of this one.
static void near_times(const PlanJoin *plan, int side, const JoinGroup *group, TimeUs *from,
                       TimeUs *to)
{
    TimeUs low = side == LEFT ? plan->low : plan->high == TIME_NEVER ? TIME_MIN : -plan->high;
    TimeUs high = side == LEFT ? plan->high : plan->low == TIME_MIN ? TIME_NEVER : -plan->low;
    if (low == TIME_MIN || __builtin_add_overflow(group->min_time, low, from)) {
        *from = TIME_MIN;
    }
    if (high == TIME_NEVER || __builtin_add_overflow(group->max_time, high, to)) {
        *to = TIME_NEVER - 1;
    }
}

// New rows of `which` beside the lists of the other side that may hold matches.
static void want_state(Join *own, int which)
{
    JoinSide *side = &own->sides[which];
    JoinSide *other = &own->sides[1 - which];
    const PlanJoin *plan = side->plan;
    bool has_bounds = plan->low != TIME_MIN || plan->high != TIME_NEVER;
    for (uint32_t i = 0; i < join_side_group_count(side); i++) {
        const JoinGroup *group = join_side_group(side, i);
        TimeUs from = TIME_MIN;
        TimeUs to = TIME_NEVER;
        if (has_bounds) {
            near_times(plan, which, group, &from, &to);
        }
        if (has_bounds && group->min_time == TIME_NEVER) {
            continue; // without a time nothing is near
        }
        int64_t bucket = from == TIME_MIN ? TIME_MIN : join_side_bucket(other, from);
        bool more = state_next_bucket(other->rows, bucket, true, &bucket);
        while (more && bucket <= to) {
            add_probe(own, i, join_side_want(other, bucket, side, group, true), which, true);
            more = state_next_bucket(other->rows, bucket, false, &bucket);
        }
    }
}

static void want_own(JoinSide *side)
{
    for (uint32_t i = 0; i < join_side_group_count(side); i++) {
        JoinGroup *group = join_side_group(side, i);
        group->list = join_side_want(side, group->bucket, side, group, false);
    }
}

// New rows beside new rows.
static void probe_batch(Join *own)
{
    const JoinSide *left = &own->sides[LEFT];
    const JoinSide *right = &own->sides[RIGHT];
    for (uint32_t i = 0; i < join_side_group_count(left); i++) {
        const JoinGroup *group = join_side_group(left, i);
        TimeUs from = TIME_MIN;
        TimeUs to = TIME_NEVER;
        near_times(left->plan, LEFT, group, &from, &to);
        uint32_t other = join_side_find_key(right, left, group);
        for (; other != JOIN_NONE; other = join_side_group(right, other)->next) {
            const JoinGroup *beside = join_side_group(right, other);
            bool is_far = left->grain > 0 && (beside->max_time < from || beside->min_time > to);
            if (!is_far) {
                add_probe(own, i, other, LEFT, false);
            }
        }
    }
}

static bool join_prepare(Operator *op, Error *err)
{
    Join *own = op->state;
    if (!read_counters(op, err)) {
        return false;
    }
    for (int which = LEFT; which <= RIGHT; which++) {
        JoinSide *side = &own->sides[which];
        side->forgotten = join_side_forgets(side->rule, op->late);
        side->forgets = join_side_forgets(side->rule, op->evict);
        if (!read_input(op, which, err)) {
            return false;
        }
        if (side->grain > 0) {
            join_side_sort(side);
        }
    }
    want_own(&own->sides[LEFT]);
    want_own(&own->sides[RIGHT]);
    want_state(own, LEFT);
    want_state(own, RIGHT);
    probe_batch(own);
    return join_side_load(&own->sides[LEFT], err) && join_side_load(&own->sides[RIGHT], err);
}

// ---- after the statement -----------------------------------------------------------------------

static void mark(JoinSide *side, int64_t ref)
{
    if (ref & 1) {
        join_side_mark(side, (uint32_t)(ref >> 33), (uint32_t)(ref >> 1));
    } else {
        join_side_row(side, (uint32_t)(ref >> 1))->matched = true;
    }
}

// "#left" and "#right" are the last columns. In a semi join "#right" says whether a match came from
// state: then Spark does not keep the row.
static void mark_matches(Operator *op)
{
    Join *own = op->state;
    const PlanJoin *plan = op->stage->join;
    size_t last = op->stage->output.count - 1;
    for (size_t chunk = 0; chunk < duck_rows_chunk_count(op->rows); chunk++) {
        DuckColumn left = duck_rows_column(op->rows, chunk, last - 1);
        DuckColumn right = duck_rows_column(op->rows, chunk, last);
        for (uint64_t row = 0; row < duck_rows_chunk_size(op->rows, chunk); row++) {
            int64_t ref = duck_int(&left, row);
            if (plan->kind == JOIN_SEMI || plan->sides[LEFT].is_preserved) {
                mark(&own->sides[LEFT], ref);
            }
            if (plan->sides[RIGHT].is_preserved) {
                mark(&own->sides[RIGHT], duck_int(&right, row));
            }
            if (plan->kind == JOIN_SEMI && !(ref & 1) && (duck_int(&right, row) & 1)) {
                join_side_row(&own->sides[LEFT], (uint32_t)(ref >> 1))->skips_state = true;
            }
        }
    }
}

// What becomes of the batch's rows, counted as Spark counts.
static void settle_rows(Operator *op, int which)
{
    Join *own = op->state;
    JoinSide *side = &own->sides[which];
    bool is_semi = side->plan->kind == JOIN_SEMI && which == LEFT;
    own->alone_side = (uint32_t)which;
    for (uint32_t i = 0; i < join_side_row_count(side); i++) {
        JoinRow *row = join_side_row(side, i);
        bool is_due = row->time <= side->forgets && row->time != TIME_NEVER;
        bool comes_out = side->rule->is_preserved && !row->matched;
        if (row->skips_state) { // found its match in state, or was never to be kept
            if (comes_out && !is_semi) {
                add_alone(own, row_bytes(side, row));
            }
            continue;
        }
        bool is_added = which == LEFT || !is_due || comes_out;
        op->metrics.rows_updated += is_added;
        if (is_due) {
            op->metrics.rows_removed += is_added && side->rule->counts_removed;
            row->skips_state = true;
            if (comes_out) {
                add_alone(own, row_bytes(side, row));
            }
        }
    }
}

static bool write_counters(Operator *op, Error *err)
{
    const Join *own = op->state;
    const JoinSide *left = &own->sides[LEFT];
    const JoinSide *right = &own->sides[RIGHT];
    Counters counters = {{left->total, right->total},
                         {left->next_run, right->next_run},
                         left->grain,
                         {left->expiry_grain, right->expiry_grain}};
    op->metrics.rows_total = left->total + right->total;
    return state_put(own->counters, 0, (Slice){"", 0},
                     (Slice){(const char *)&counters, sizeof counters}, err);
}

static bool join_run(Operator *op, Error *err)
{
    Join *own = op->state;
    if (op->stage->join->kind != JOIN_INNER) {
        mark_matches(op);
    }
    for (int which = LEFT; which <= RIGHT; which++) {
        JoinSide *side = &own->sides[which];
        settle_rows(op, which);
        int64_t count = 0;
        if (!join_side_expire(side, add_alone, own, &count, err)) {
            return false;
        }
        op->metrics.rows_removed += side->rule->counts_removed ? count : 0;
    }
    return join_side_write(&own->sides[LEFT], err) && join_side_write(&own->sides[RIGHT], err) &&
           write_counters(op, err);
}

static bool join_evict(Operator *op, Error *err)
{
    (void)err;
    Join *own = op->state;
    join_side_drop(&own->sides[LEFT]);
    join_side_drop(&own->sides[RIGHT]);
    return true;
}

const OperatorKind operator_join = {
    .name = "join",
    .open = join_open,
    .prepare = join_prepare,
    .run = join_run,
    .evict = join_evict,
    .finish = join_finish,
    .close = join_close,
};
