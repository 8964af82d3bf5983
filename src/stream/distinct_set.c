// SPDX-License-Identifier: Apache-2.0
#include "stream/distinct_set.h"

#include <pthread.h>
#include <stdlib.h>

enum { PUT_ROWS = 1024, KEEP_BYTES = 16 << 20 };

// What a batch brought: this, then the bytes of key and value.
typedef struct Entry {
    int64_t bucket;
    uint32_t key_size;
    uint32_t value_size;
} Entry;

struct DistinctSet {
    const PlanDistinct *plan;
    const Operator *op;
    StateTable *table;
    TimeUs pane;          // of a sliding window
    int64_t panes;        // of a window, and of a generation
    pthread_mutex_t lock; // of entries
    Buffer entries;
};

static void append_entry(Buffer *entries, int64_t bucket, Slice key, Slice value)
{
    Entry entry = {bucket, (uint32_t)key.size, (uint32_t)value.size};
    buffer_append_bytes(entries, &entry, sizeof entry);
    buffer_append(entries, key);
    buffer_append(entries, value);
}

static void keep_entries(DistinctSet *set, const Buffer *entries)
{
    pthread_mutex_lock(&set->lock); // once per chunk
    buffer_append(&set->entries, buffer_slice(entries));
    pthread_mutex_unlock(&set->lock);
}

static bool is_late(const DistinctSet *set, TimeUs end)
{
    return set->op->stage->has_event_time && set->op->plan->mode != OUTPUT_COMPLETE &&
           end <= set->op->late;
}

// ---- one bucket a group ------------------------------------------------------------------------

// new(bucket, keys..., value): whether the value is new to its group, which is not late.
static bool new_function(void *context, const DuckColumn *arguments, size_t argument_count,
                         uint64_t row_count, DuckColumn *result, Error *err)
{
    DistinctSet *set = context;
    Buffer bytes = {0};
    Buffer entries = {0};
    Buffer scratch = {0};
    Arena *arena = arena_create(0);
    Slice *keys = operator_encode(arguments + 1, argument_count - 1, row_count, &bytes, arena);
    Slice *values = ARENA_ARRAY(arena, Slice, row_count);
    int64_t *buckets = ARENA_ARRAY(arena, int64_t, row_count);
    for (uint64_t row = 0; row < row_count; row++) {
        buckets[row] = duck_is_null(&arguments[0], row) ? 0 : duck_int(&arguments[0], row);
    }
    bool ok = state_lookup_many(set->table, buckets, keys, row_count, &scratch, values, err);
    for (uint64_t row = 0; ok && row < row_count; row++) {
        bool is_new = values[row].data == NULL && !duck_is_null(&arguments[0], row) &&
                      !is_late(set, buckets[row]);
        duck_set_int(result, row, is_new);
        if (is_new) {
            append_entry(&entries, buckets[row], keys[row], (Slice){"", 0});
        }
    }
    keep_entries(set, &entries);
    arena_destroy(arena);
    buffer_done(&scratch);
    buffer_done(&entries);
    buffer_done(&bytes);
    return ok;
}

// ---- sliding windows ---------------------------------------------------------------------------
// Panes are numbered by time; generation g holds the numbers from g * panes on.

typedef struct Generation {
    int64_t number;
    unsigned char *bits; // of `panes`
    bool changed;
} Generation;

typedef struct Value {
    int64_t *panes; // of this batch, ascending
    size_t pane_count;
    Generation *generations; // that windows of these panes may reach into, ascending
    size_t generation_count;
    size_t generation_capacity;
} Value;

typedef struct Run {
    TimeUs from;
    TimeUs to;
} Run;

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

// The end of the last window that holds a pane of the generation.
static int64_t generation_bucket(const DistinctSet *set, int64_t generation)
{
    int64_t last = (generation + 1) * set->panes - 1;
    return set->plan->shape.offset % set->pane + last * set->pane + set->plan->shape.size;
}

static TimeUs pane_start(const DistinctSet *set, int64_t pane)
{
    return set->plan->shape.offset % set->pane + pane * set->pane;
}

static int compare_panes(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static Value value_of(const DistinctSet *set, const DuckColumn *list, const DuckColumn *starts,
                      uint64_t row, Arena *arena)
{
    Value value = {0};
    uint64_t offset;
    uint64_t length;
    duck_list(list, row, &offset, &length);
    value.panes = ARENA_ARRAY(arena, int64_t, length + 1);
    const WindowShape *shape = &set->plan->shape;
    for (uint64_t i = 0; i < length; i++) {
        TimeUs start = duck_int(starts, offset + i);
        if (!is_late(set, window_last_start(*shape, start) + shape->size)) {
            value.panes[value.pane_count++] =
                floor_divide(start - shape->offset % set->pane, set->pane);
        }
    }
    qsort(value.panes, value.pane_count, sizeof *value.panes, compare_panes);
    for (size_t i = 0; i < value.pane_count; i++) {
        int64_t to = floor_divide(value.panes[i] + set->panes - 1, set->panes);
        int64_t from = floor_divide(value.panes[i] - set->panes + 1, set->panes);
        if (value.generation_count > 0) {
            int64_t next = value.generations[value.generation_count - 1].number + 1;
            from = from > next ? from : next;
        }
        for (int64_t number = from; number <= to; number++) {
            Generation generation = {number, NULL, false};
            ARENA_PUSH(arena, value.generations, value.generation_count, value.generation_capacity,
                       generation);
        }
    }
    return value;
}

static Generation *find_generation(const Value *value, int64_t number)
{
    for (size_t i = 0; i < value->generation_count; i++) {
        if (value->generations[i].number == number) {
            return &value->generations[i];
        }
    }
    return NULL;
}

// The nearest pane beside `pane` in direction `step`, less than a window away. False: none.
static bool find_beside(const DistinctSet *set, const Value *value, int64_t pane, int step,
                        int64_t *found)
{
    const Generation *generation = NULL;
    for (int64_t i = pane + step; i > pane - set->panes && i < pane + set->panes; i += step) {
        int64_t number = floor_divide(i, set->panes);
        if (generation == NULL || generation->number != number) {
            generation = find_generation(value, number);
        }
        int64_t bit = i - number * set->panes;
        if ((generation->bits[bit / 8] >> bit % 8 & 1) != 0) {
            *found = i;
            return true;
        }
    }
    return false;
}

// Adds a pane; the windows in which the value is new by it are a run, unless there are none.
static bool add_pane(const DistinctSet *set, Value *value, int64_t pane, Run *run)
{
    int64_t number = floor_divide(pane, set->panes);
    Generation *generation = find_generation(value, number);
    int64_t bit = pane - number * set->panes;
    if ((generation->bits[bit / 8] >> bit % 8 & 1) != 0) {
        return false;
    }
    const WindowShape shape = set->plan->shape;
    TimeUs after = pane_start(set, pane) - shape.size; // windows start later than that
    TimeUs last = pane_start(set, pane);
    int64_t beside;
    if (find_beside(set, value, pane, -1, &beside)) {
        after = pane_start(set, beside);
    }
    if (find_beside(set, value, pane, 1, &beside)) {
        last = pane_start(set, beside) - shape.size;
    }
    generation->bits[bit / 8] |= (unsigned char)(1 << bit % 8);
    generation->changed = true;
    run->from = window_last_start(shape, after) + shape.slide;
    run->to = window_last_start(shape, last);
    return run->from <= run->to;
}

static void set_runs(DuckColumn *result, uint64_t row, const Run *runs, size_t count)
{
    uint64_t offset = duck_set_list(result, row, count);
    DuckColumn entries = duck_child(result, 0);
    DuckColumn from = duck_child(&entries, 0);
    DuckColumn to = duck_child(&entries, 1);
    for (size_t i = 0; i < count; i++) {
        duck_set_int(&from, offset + i, runs[i].from);
        duck_set_int(&to, offset + i, runs[i].to);
    }
}

// What the state knows of the values' generations.
static bool load_generations(const DistinctSet *set, Value *values, const Slice *keys,
                             uint64_t row_count, Buffer *scratch, Arena *arena, Error *err)
{
    size_t count = 0;
    for (uint64_t row = 0; row < row_count; row++) {
        count += values[row].generation_count;
    }
    int64_t *buckets = ARENA_ARRAY(arena, int64_t, count + 1);
    Slice *wanted = ARENA_ARRAY(arena, Slice, count + 1);
    Slice *known = ARENA_ARRAY(arena, Slice, count + 1);
    size_t at = 0;
    for (uint64_t row = 0; row < row_count; row++) {
        for (size_t i = 0; i < values[row].generation_count; i++, at++) {
            buckets[at] = generation_bucket(set, values[row].generations[i].number);
            wanted[at] = keys[row];
        }
    }
    if (!state_lookup_many(set->table, buckets, wanted, count, scratch, known, err)) {
        return false;
    }
    size_t size = (size_t)(set->panes + 7) / 8;
    unsigned char *bits = arena_alloc(arena, size * (count + 1));
    at = 0;
    for (uint64_t row = 0; row < row_count; row++) {
        for (size_t i = 0; i < values[row].generation_count; i++, at++, bits += size) {
            values[row].generations[i].bits = bits;
            if (known[at].data != NULL && known[at].size != size) {
                return fail(err, ERROR_CORRUPT, "state '%s': %zu bytes do not fit %lld panes",
                            set->plan->table, known[at].size, (long long)set->panes);
            }
            if (known[at].data != NULL) {
                memcpy(bits, known[at].data, size);
            }
        }
    }
    return true;
}

static void add_panes(const DistinctSet *set, Value *value, Slice key, DuckColumn *result,
                      uint64_t row, Buffer *entries, Arena *arena)
{
    Run *runs = ARENA_ARRAY(arena, Run, value->pane_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < value->pane_count; i++) {
        count += add_pane(set, value, value->panes[i], &runs[count]);
    }
    set_runs(result, row, runs, count);
    for (size_t i = 0; i < value->generation_count; i++) {
        const Generation *generation = &value->generations[i];
        if (generation->changed) {
            append_entry(entries, generation_bucket(set, generation->number), key,
                         (Slice){(const char *)generation->bits, (size_t)(set->panes + 7) / 8});
        }
    }
}

// new(keys..., value, panes): the runs of windows in which the value is new.
static bool runs_function(void *context, const DuckColumn *arguments, size_t argument_count,
                          uint64_t row_count, DuckColumn *result, Error *err)
{
    DistinctSet *set = context;
    Buffer bytes = {0};
    Buffer entries = {0};
    Buffer scratch = {0};
    Arena *arena = arena_create(0);
    const DuckColumn *list = &arguments[argument_count - 1];
    DuckColumn starts = duck_child(list, 0);
    Slice *keys = operator_encode(arguments, argument_count - 1, row_count, &bytes, arena);
    Value *values = ARENA_ARRAY(arena, Value, row_count);
    for (uint64_t row = 0; row < row_count; row++) {
        values[row] = value_of(set, list, &starts, row, arena);
    }
    bool ok = load_generations(set, values, keys, row_count, &scratch, arena, err);
    for (uint64_t row = 0; ok && row < row_count; row++) {
        add_panes(set, &values[row], keys[row], result, row, &entries, arena);
    }
    keep_entries(set, &entries);
    arena_destroy(arena);
    buffer_done(&scratch);
    buffer_done(&entries);
    buffer_done(&bytes);
    return ok;
}

// ---- life --------------------------------------------------------------------------------------

static bool register_function(DistinctSet *set, Operator *op, Arena *arena, Error *err)
{
    const PlanDistinct *plan = set->plan;
    const Type *number = type_simple(TYPE_BIGINT);
    Schema arguments = {0};
    if (!plan->slides) {
        schema_add(arena, &arguments, "bucket", number, true);
    }
    for (size_t i = 0; i < plan->keys.count; i++) {
        schema_add(arena, &arguments, "key", plan->keys.columns[i].type, true);
    }
    Schema run = {0};
    if (plan->slides) {
        schema_add(arena, &arguments, "panes", type_array(arena, number), true);
        schema_add(arena, &run, "from", number, true);
        schema_add(arena, &run, "to", number, true);
    }
    DuckScalar scalar = {
        .name = plan->function,
        .arguments = &arguments,
        .result =
            plan->slides ? type_array(arena, type_struct(arena, run)) : type_simple(TYPE_BOOLEAN),
        .is_volatile = true,
        .sees_null = true,
        .function = plan->slides ? runs_function : new_function,
        .context = set,
    };
    return operator_register_scalar(op, &scalar, err);
}

bool distinct_set_open(Operator *op, const PlanDistinct *plan, State *state, Arena *arena,
                       DistinctSet **result, Error *err)
{
    DistinctSet *set = calloc(1, sizeof *set);
    if (set == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    set->plan = plan;
    set->op = op;
    pthread_mutex_init(&set->lock, NULL);
    if (plan->slides) {
        set->pane = window_panes(plan->shape).size;
        set->panes = plan->shape.size / set->pane;
    }
    *result = set; // the operator closes it, whatever follows
    const char *layout =
        arena_printf(arena, "%s%s", operator_layout(&plan->keys, &(Schema){0}, arena),
                     op->stage->aggregate->meaning);
    return state_table(state, plan->table, slice_of(layout), &set->table, err) &&
           register_function(set, op, arena, err);
}

void distinct_set_destroy(DistinctSet *set)
{
    if (set == NULL) {
        return;
    }
    buffer_done(&set->entries);
    pthread_mutex_destroy(&set->lock);
    free(set);
}

bool distinct_set_write(DistinctSet *set, Error *err)
{
    Arena *arena = arena_create(0);
    int64_t *buckets = ARENA_ARRAY(arena, int64_t, PUT_ROWS);
    Slice *keys = ARENA_ARRAY(arena, Slice, PUT_ROWS);
    Slice *values = ARENA_ARRAY(arena, Slice, PUT_ROWS);
    const char *at = set->entries.data;
    const char *end = set->entries.size == 0 ? at : at + set->entries.size;
    bool ok = true;
    while (ok && at < end) {
        size_t count = 0;
        for (; count < PUT_ROWS && at < end; count++) {
            Entry entry;
            memcpy(&entry, at, sizeof entry);
            buckets[count] = entry.bucket;
            keys[count] = (Slice){at + sizeof entry, entry.key_size};
            values[count] = (Slice){keys[count].data + entry.key_size, entry.value_size};
            at = values[count].data + entry.value_size;
        }
        ok = state_put_many(set->table, buckets, keys, values, count, err);
    }
    arena_destroy(arena);
    return ok;
}

void distinct_set_evict(DistinctSet *set, TimeUs watermark)
{
    operator_drop_buckets(set->table, watermark);
}

void distinct_set_finish(DistinctSet *set)
{
    if (set->entries.capacity > KEEP_BYTES) {
        buffer_done(&set->entries);
    }
    buffer_reset(&set->entries);
}
