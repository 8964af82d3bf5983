// SPDX-License-Identifier: Apache-2.0
#include "stream/join_side.h"

#include <stdlib.h>

#include "base/map.h"
#include "stream/operator_internal.h"

enum {
    LOOKUP_MANY = 2048, // names a call
    CHUNK_BYTES = 4096, // a list that is longer is not appended to
    RUN_BYTES = 32768,
    LIST_HEAD = 4, // last chunk
    ROW_HEAD = 13, // time:8, size:4, matched:1
    ROW_MATCHED = 12,
};

static uint64_t mix(uint64_t hash, uint64_t more)
{
    hash ^= (more + 0x9e3779b97f4a7c15U) * 0xff51afd7ed558ccdU;
    hash ^= hash >> 32;
    return hash * 0xc4ceb9fe1a85ec53U;
}

static void *push(Buffer *items, size_t size)
{
    buffer_reserve(items, size);
    void *item = items->data + items->size;
    memset(item, 0, size);
    items->size += size;
    return item;
}

// ---- life --------------------------------------------------------------------------------------

void join_side_open(JoinSide *side, const PlanJoin *plan, int which)
{
    *side = (JoinSide){
        .plan = plan,
        .rule = &plan->sides[which],
        .grain = plan->grain,
        .expiry_grain = plan->sides[which].expiry_grain,
        .forgotten = TIME_MIN,
        .forgets = TIME_MIN,
        .arena = arena_create(0),
    };
}

void join_side_reset(JoinSide *side)
{
    buffer_reset(&side->bytes);
    buffer_reset(&side->items);
    buffer_reset(&side->groups);
    buffer_reset(&side->lists);
    join_index_reset(&side->group_index);
    join_index_reset(&side->key_index);
    join_index_reset(&side->list_index);
    side->loaded = 0;
    for (size_t i = 0; i < side->scratch_count; i++) {
        buffer_done(&side->scratches[i]);
    }
    side->scratches = NULL;
    side->scratch_count = side->scratch_capacity = 0;
    arena_reset(side->arena);
}

void join_side_close(JoinSide *side)
{
    if (side->arena == NULL) {
        return;
    }
    join_side_reset(side);
    buffer_done(&side->bytes);
    buffer_done(&side->items);
    buffer_done(&side->groups);
    buffer_done(&side->lists);
    join_index_done(&side->group_index);
    join_index_done(&side->key_index);
    join_index_done(&side->list_index);
    arena_destroy(side->arena);
}

size_t join_side_row_count(const JoinSide *side)
{
    return side->items.size / sizeof(JoinRow);
}

size_t join_side_group_count(const JoinSide *side)
{
    return side->groups.size / sizeof(JoinGroup);
}

int64_t join_side_bucket(const JoinSide *side, TimeUs time)
{
    if (side->grain == 0) {
        return 0;
    }
    return time == TIME_NEVER ? TIME_NEVER
                              : window_last_start((WindowShape){side->grain, side->grain, 0}, time);
}

TimeUs join_side_forgets(const PlanJoinSide *rule, TimeUs watermark)
{
    return !rule->expires || watermark == TIME_MIN ? TIME_MIN : watermark + rule->expiry_shift;
}

// ---- rows of the batch -------------------------------------------------------------------------

static Slice bytes_at(const JoinSide *side, uint64_t offset, size_t size)
{
    return (Slice){side->bytes.data + offset, size};
}

static bool same_key(const JoinSide *side, const JoinGroup *group, Slice key)
{
    return slice_equal(bytes_at(side, group->key, group->key_size), key);
}

static uint32_t find_group(const JoinSide *side, int64_t bucket, uint64_t hash, Slice key)
{
    uint64_t wanted = mix(hash, (uint64_t)bucket);
    uint64_t slot = wanted;
    uint32_t number;
    while ((number = join_index_next(&side->group_index, wanted, &slot)) != JOIN_NONE) {
        const JoinGroup *group = join_side_group(side, number);
        if (group->bucket == bucket && same_key(side, group, key)) {
            break;
        }
    }
    return number;
}

static uint32_t find_key(const JoinSide *side, uint64_t hash, Slice key)
{
    uint64_t slot = hash;
    uint32_t number;
    while ((number = join_index_next(&side->key_index, hash, &slot)) != JOIN_NONE) {
        if (same_key(side, join_side_group(side, number), key)) {
            break;
        }
    }
    return number;
}

uint32_t join_side_find_key(const JoinSide *side, const JoinSide *of, const JoinGroup *group)
{
    return find_key(side, group->hash, bytes_at(of, group->key, group->key_size));
}

static uint32_t add_group(JoinSide *side, int64_t bucket, uint64_t hash, uint64_t key,
                          uint32_t key_size)
{
    uint32_t number = (uint32_t)join_side_group_count(side);
    uint32_t first = find_key(side, hash, bytes_at(side, key, key_size));
    JoinGroup *group = push(&side->groups, sizeof(JoinGroup));
    *group = (JoinGroup){.bucket = bucket,
                         .hash = hash,
                         .key = key,
                         .key_size = key_size,
                         .first = JOIN_NONE,
                         .next = JOIN_NONE,
                         .list = JOIN_NONE,
                         .min_time = TIME_NEVER,
                         .max_time = TIME_MIN};
    if (first == JOIN_NONE) {
        join_index_add(&side->key_index, hash, number);
    } else { // behind the first one, which the index knows
        group->next = join_side_group(side, first)->next;
        join_side_group(side, first)->next = number;
    }
    join_index_add(&side->group_index, mix(hash, (uint64_t)bucket), number);
    return number;
}

static uint32_t add_row(JoinSide *side, TimeUs time, uint64_t columns)
{
    uint32_t number = (uint32_t)join_side_row_count(side);
    JoinRow *row = push(&side->items, sizeof(JoinRow));
    row->time = time;
    row->offset = columns;
    row->size = (uint32_t)(side->bytes.size - columns);
    row->next = JOIN_NONE;
    return number;
}

uint32_t join_side_add(JoinSide *side, TimeUs time, uint64_t key, uint64_t columns)
{
    uint32_t number = add_row(side, time, columns);
    uint32_t key_size = (uint32_t)(columns - key);
    int64_t bucket = join_side_bucket(side, time);
    uint64_t hash = hash_bytes(side->bytes.data + key, key_size, 0);
    uint32_t at = find_group(side, bucket, hash, bytes_at(side, key, key_size));
    if (at == JOIN_NONE) {
        at = add_group(side, bucket, hash, key, key_size);
    }
    JoinGroup *group = join_side_group(side, at);
    if (group->first == JOIN_NONE) {
        group->first = number;
    } else {
        join_side_row(side, group->last)->next = number;
    }
    group->is_mixed |= time < group->max_time;
    group->last = number;
    group->min_time = time < group->min_time ? time : group->min_time;
    group->max_time = time > group->max_time ? time : group->max_time;
    return number;
}

uint32_t join_side_add_alone(JoinSide *side, uint64_t columns)
{
    uint32_t number = add_row(side, TIME_NEVER, columns);
    join_side_row(side, number)->skips_state = true;
    return number;
}

typedef struct Timed {
    TimeUs time;
    uint32_t row;
} Timed;

static int compare_times(const void *a, const void *b)
{
    const Timed *x = a;
    const Timed *y = b;
    if (x->time != y->time) {
        return x->time < y->time ? -1 : 1;
    }
    return x->row < y->row ? -1 : x->row > y->row;
}

static void sort_group(JoinSide *side, JoinGroup *group, Buffer *order)
{
    buffer_reset(order);
    for (uint32_t at = group->first; at != JOIN_NONE; at = join_side_row(side, at)->next) {
        Timed *timed = push(order, sizeof *timed);
        *timed = (Timed){join_side_row(side, at)->time, at};
    }
    const Timed *rows = (const Timed *)order->data;
    size_t count = order->size / sizeof *rows;
    qsort(order->data, count, sizeof *rows, compare_times);
    group->first = rows[0].row;
    group->last = rows[count - 1].row;
    for (size_t i = 0; i < count; i++) {
        join_side_row(side, rows[i].row)->next = i + 1 < count ? rows[i + 1].row : JOIN_NONE;
    }
}

void join_side_sort(JoinSide *side)
{
    Buffer order = {0};
    for (uint32_t i = 0; i < join_side_group_count(side); i++) {
        JoinGroup *group = join_side_group(side, i);
        if (group->is_mixed) {
            sort_group(side, group, &order);
            group->is_mixed = false;
        }
    }
    buffer_done(&order);
}

// ---- lists in state ----------------------------------------------------------------------------

static uint32_t read_u32(const char *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static uint32_t list_chunk(const JoinSide *side, const JoinList *list)
{
    return read_u32(side->bytes.data + list->name + list->name_size - sizeof(uint32_t));
}

static uint64_t list_hash(uint64_t key_hash, int64_t bucket, uint32_t chunk)
{
    return mix(mix(key_hash, (uint64_t)bucket), chunk);
}

// The list of that name, added when it is not there yet.
static uint32_t intern_list(JoinSide *side, int64_t bucket, uint64_t key_hash, Slice key,
                            uint32_t chunk)
{
    uint64_t hash = list_hash(key_hash, bucket, chunk);
    uint64_t slot = hash;
    uint32_t number;
    while ((number = join_index_next(&side->list_index, hash, &slot)) != JOIN_NONE) {
        const JoinList *list = join_side_list(side, number);
        if (list->bucket == bucket && list->name_size == key.size + sizeof chunk &&
            memcmp(side->bytes.data + list->name, key.data, key.size) == 0 &&
            list_chunk(side, list) == chunk) {
            return number;
        }
    }
    buffer_reserve(&side->bytes, key.size + sizeof chunk + 1);
    number = (uint32_t)(side->lists.size / sizeof(JoinList));
    JoinList *list = push(&side->lists, sizeof(JoinList));
    *list = (JoinList){.bucket = bucket,
                       .hash = key_hash,
                       .name = side->bytes.size,
                       .name_size = (uint32_t)(key.size + sizeof chunk),
                       .next = JOIN_NONE,
                       .tail = number};
    buffer_append(&side->bytes, key);
    buffer_append_bytes(&side->bytes, &chunk, sizeof chunk);
    join_index_add(&side->list_index, hash, number);
    return number;
}

// A key of this side's own bytes may move when they grow: room is made first.
static uint32_t intern_own(JoinSide *side, int64_t bucket, uint64_t key_hash, uint64_t key,
                           size_t key_size, uint32_t chunk)
{
    buffer_reserve(&side->bytes, key_size + sizeof chunk + 1);
    return intern_list(side, bucket, key_hash, bytes_at(side, key, key_size), chunk);
}

uint32_t join_side_want(JoinSide *side, int64_t bucket, const JoinSide *of, const JoinGroup *group,
                        bool all)
{
    uint32_t number =
        of == side
            ? intern_own(side, bucket, group->hash, group->key, group->key_size, 0)
            : intern_list(side, bucket, group->hash, bytes_at(of, group->key, group->key_size), 0);
    JoinList *list = join_side_list(side, number);
    list->wants_tail = true;
    list->wants_all |= all;
    return number;
}

// The times in a list, so that one that is far away as a whole is not walked for each new row.
static void find_span(JoinList *list)
{
    list->min_time = TIME_NEVER;
    list->max_time = TIME_MIN;
    JoinStored row;
    for (size_t at = 0; join_side_next(list, &at, &row);) {
        list->min_time = row.time < list->min_time ? row.time : list->min_time;
        list->max_time = row.time > list->max_time ? row.time : list->max_time;
    }
}

static bool load_some(JoinSide *side, size_t first, size_t count, Error *err)
{
    int64_t buckets[LOOKUP_MANY] = {0};
    Slice names[LOOKUP_MANY] = {0};
    Slice values[LOOKUP_MANY];
    for (size_t i = 0; i < count; i++) {
        const JoinList *list = join_side_list(side, (uint32_t)(first + i));
        buckets[i] = list->bucket;
        names[i] = bytes_at(side, list->name, list->name_size);
    }
    Buffer scratch = {0};
    bool ok = state_lookup_many(side->rows, buckets, names, count, &scratch, values, err);
    if (scratch.capacity > 0) { // values point into it until the batch ends
        ARENA_PUSH(side->arena, side->scratches, side->scratch_count, side->scratch_capacity,
                   scratch);
    }
    for (size_t i = 0; ok && i < count; i++) {
        JoinList *list = join_side_list(side, (uint32_t)(first + i));
        list->value = values[i];
        if (list->wants_all && side->grain > 0) {
            find_span(list);
        }
    }
    return ok;
}

// Wants the chunks behind chunk 0.
static void follow(JoinSide *side, uint32_t number)
{
    const JoinList head = *join_side_list(side, number);
    if (!head.wants_tail || head.value.data == NULL) {
        return;
    }
    uint32_t last = read_u32(head.value.data);
    uint32_t before = number;
    for (uint32_t chunk = head.wants_all ? 1 : last; chunk > 0 && chunk <= last; chunk++) {
        uint32_t next = intern_own(side, head.bucket, head.hash, head.name,
                                   head.name_size - sizeof chunk, chunk);
        join_side_list(side, next)->wants_all = head.wants_all;
        join_side_list(side, before)->next = head.wants_all ? next : JOIN_NONE;
        join_side_list(side, number)->tail = next;
        before = next;
    }
}

bool join_side_load(JoinSide *side, Error *err)
{
    while (side->loaded < side->lists.size / sizeof(JoinList)) {
        size_t first = side->loaded;
        size_t count = side->lists.size / sizeof(JoinList) - first;
        count = count > LOOKUP_MANY ? LOOKUP_MANY : count;
        if (!load_some(side, first, count, err)) {
            return false;
        }
        side->loaded += count;
        for (size_t i = first; i < first + count; i++) {
            follow(side, (uint32_t)i);
        }
    }
    return true;
}

bool join_side_next(const JoinList *list, size_t *at, JoinStored *row)
{
    size_t offset = *at == 0 ? LIST_HEAD : *at;
    if (list->value.data == NULL || offset + ROW_HEAD > list->value.size) {
        return false;
    }
    const char *from = list->value.data + offset;
    memcpy(&row->time, from, sizeof row->time);
    row->bytes = (Slice){from + ROW_HEAD, read_u32(from + sizeof row->time)};
    row->offset = (uint32_t)offset;
    row->matched = from[ROW_MATCHED] != 0;
    *at = offset + ROW_HEAD + row->bytes.size;
    return true;
}

static char *change(JoinSide *side, JoinList *list)
{
    if (!list->is_changed) {
        list->value = arena_copy(side->arena, list->value);
        list->is_changed = true;
    }
    return (char *)list->value.data;
}

void join_side_mark(JoinSide *side, uint32_t number, uint32_t offset)
{
    JoinList *list = join_side_list(side, number);
    if (list->value.data[offset + ROW_MATCHED] == 0) {
        change(side, list)[offset + ROW_MATCHED] = 1;
    }
}

// ---- forgetting --------------------------------------------------------------------------------

typedef struct Expiring { // a row whose time has come, and that may have to come out
    uint32_t list;
    uint32_t offset;
} Expiring;

static int64_t expiry_bucket(const JoinSide *side, TimeUs time)
{
    TimeUs grain = side->expiry_grain;
    return window_last_start((WindowShape){grain, grain, 0}, time);
}

// One run: how many of its rows are forgotten now; those of a preserved side are wanted.
static int64_t expire_run(JoinSide *side, Slice run, Buffer *expiring)
{
    bool is_located = side->rule->is_preserved;
    int64_t count = 0;
    for (size_t at = 0; at < run.size;) {
        TimeUs time;
        memcpy(&time, run.data + at, sizeof time);
        at += sizeof time;
        bool is_due = time > side->forgotten && time <= side->forgets;
        count += is_due;
        if (!is_located) {
            continue;
        }
        uint32_t place[3]; // offset, chunk, size of the key
        memcpy(place, run.data + at, sizeof place);
        at += sizeof place;
        Slice key = {run.data + at, place[2]};
        at += key.size;
        if (is_due) {
            Expiring *one = push(expiring, sizeof *one);
            one->list = intern_list(side, join_side_bucket(side, time),
                                    hash_bytes(key.data, key.size, 0), key, place[1]);
            one->offset = place[0];
        }
    }
    return count;
}

static bool expire_bucket(JoinSide *side, int64_t bucket, Buffer *expiring, int64_t *count,
                          Error *err)
{
    Buffer scratch = {0};
    bool ok = true;
    uint64_t slots = state_bucket_slots(side->expiry, bucket);
    for (uint64_t slot = 0; ok && slot < slots; slot++) {
        Slice name;
        Slice run;
        bool found = false;
        ok = state_scan_row(side->expiry, bucket, slot, &scratch, &name, &run, &found, err);
        *count += ok && found ? expire_run(side, run, expiring) : 0;
    }
    buffer_done(&scratch);
    return ok;
}

static void visit_unmatched(JoinSide *side, const Buffer *expiring, JoinVisit visit, void *context)
{
    const Expiring *items = (const Expiring *)expiring->data;
    for (size_t i = 0; i < expiring->size / sizeof *items; i++) {
        JoinStored row;
        size_t at = items[i].offset;
        if (join_side_next(join_side_list(side, items[i].list), &at, &row) && !row.matched) {
            visit(context, row.bytes);
        }
    }
}

bool join_side_expire(JoinSide *side, JoinVisit visit, void *context, int64_t *count, Error *err)
{
    *count = 0;
    if (side->expiry == NULL || side->forgets <= side->forgotten) {
        return true;
    }
    Buffer expiring = {0};
    bool ok = true;
    int64_t bucket = TIME_MIN;
    bool inclusive = true;
    while (ok && state_next_bucket(side->expiry, bucket, inclusive, &bucket) &&
           bucket <= side->forgets) {
        ok = expire_bucket(side, bucket, &expiring, count, err);
        inclusive = false;
    }
    ok = ok && join_side_load(side, err);
    if (ok) {
        visit_unmatched(side, &expiring, visit, context);
    }
    buffer_done(&expiring);
    side->total -= *count;
    return ok;
}

// A bucket [start, start + grain) is forgotten once its last microsecond is.
static void drop(StateTable *table, TimeUs grain, TimeUs forgets)
{
    operator_drop_buckets(table, forgets - grain + 1);
}

void join_side_drop(JoinSide *side)
{
    if (side->expiry != NULL && side->forgets > side->forgotten) {
        drop(side->rows, side->grain, side->forgets);
        drop(side->expiry, side->expiry_grain, side->forgets);
    }
}

// ---- writing -----------------------------------------------------------------------------------

typedef struct Put {
    int64_t bucket;
    uint64_t name; // offsets in Writing.bytes
    uint64_t value;
    uint32_t name_size;
    uint32_t value_size;
} Put;

typedef struct Entry { // of an expiry run
    int64_t bucket;
    uint64_t offset; // in Writing.entries
    uint32_t size;
} Entry;

// All of a batch is made before the first put: puts move what slices of the table point to.
typedef struct Writing {
    JoinSide *side;
    Buffer bytes; // names and values
    Buffer puts;
    Buffer entries;
    Buffer entry_list;
} Writing;

static void begin_put(Writing *writing, int64_t bucket, Slice name)
{
    Put *put = push(&writing->puts, sizeof *put);
    put->bucket = bucket;
    put->name = writing->bytes.size;
    put->name_size = (uint32_t)name.size;
    buffer_append(&writing->bytes, name);
    put->value = writing->bytes.size;
}

static Put *last_put(const Writing *writing)
{
    return (Put *)(writing->puts.data + writing->puts.size) - 1;
}

static void end_put(Writing *writing)
{
    last_put(writing)->value_size = (uint32_t)(writing->bytes.size - last_put(writing)->value);
}

static void add_entry(Writing *writing, const JoinRow *row, const JoinGroup *group, uint32_t offset,
                      uint32_t chunk)
{
    const JoinSide *side = writing->side;
    if (side->expiry == NULL || row->time == TIME_NEVER) {
        return;
    }
    Entry *entry = push(&writing->entry_list, sizeof *entry);
    entry->bucket = expiry_bucket(side, row->time);
    entry->offset = writing->entries.size;
    buffer_append_bytes(&writing->entries, &row->time, sizeof row->time);
    if (side->rule->is_preserved) {
        uint32_t place[3] = {offset, chunk, group->key_size};
        buffer_append_bytes(&writing->entries, place, sizeof place);
        buffer_append(&writing->entries, bytes_at(side, group->key, group->key_size));
    }
    entry->size = (uint32_t)(writing->entries.size - entry->offset);
}

static void append_row(Writing *writing, const JoinRow *row)
{
    char head[ROW_HEAD];
    memcpy(head, &row->time, sizeof row->time);
    memcpy(head + sizeof row->time, &row->size, sizeof row->size);
    head[ROW_MATCHED] = row->matched;
    buffer_append_bytes(&writing->bytes, head, sizeof head);
    buffer_append(&writing->bytes, bytes_at(writing->side, row->offset, row->size));
}

static void begin_list(Writing *writing, const JoinGroup *group, uint32_t chunk, Slice value)
{
    static const char empty[LIST_HEAD];
    begin_put(writing, group->bucket, bytes_at(writing->side, group->key, group->key_size));
    buffer_append_bytes(&writing->bytes, &chunk, sizeof chunk);
    Put *put = last_put(writing);
    put->name_size += (uint32_t)sizeof chunk;
    put->value += sizeof chunk;
    buffer_append(&writing->bytes, value.data != NULL ? value : (Slice){empty, sizeof empty});
}

// Appends the group's rows to the key's last list, and begins others as they grow.
static void write_group(Writing *writing, const JoinGroup *group)
{
    JoinSide *side = writing->side;
    JoinList *head = join_side_list(side, group->list);
    JoinList *tail = join_side_list(side, head->tail);
    bool is_full = tail->value.size > CHUNK_BYTES;
    uint32_t last = list_chunk(side, tail);
    uint32_t first = is_full ? last + 1 : last;
    uint32_t chunk = first;
    bool is_open = false;
    for (uint32_t at = group->first; at != JOIN_NONE; at = join_side_row(side, at)->next) {
        const JoinRow *row = join_side_row(side, at);
        if (row->skips_state) {
            continue;
        }
        if (!is_open) {
            begin_list(writing, group, chunk, is_full ? (Slice){0} : tail->value);
            tail->is_written = !is_full;
            is_open = true;
        }
        if (writing->bytes.size - last_put(writing)->value > CHUNK_BYTES) {
            end_put(writing);
            begin_list(writing, group, ++chunk, (Slice){0});
        }
        uint32_t offset = (uint32_t)(writing->bytes.size - last_put(writing)->value);
        add_entry(writing, row, group, offset, chunk);
        append_row(writing, row);
        side->total++;
    }
    if (!is_open) {
        return;
    }
    end_put(writing);
    if (chunk == last) {
        return;
    }
    if (first == 0) { // chunk 0 has just been written
        const Put *puts = (const Put *)writing->puts.data;
        size_t count = writing->puts.size / sizeof *puts;
        memcpy(writing->bytes.data + puts[count - 1 - chunk].value, &chunk, sizeof chunk);
    } else {
        memcpy(change(side, head), &chunk, sizeof chunk);
    }
}

static int compare_entries(const void *a, const void *b)
{
    const Entry *x = a;
    const Entry *y = b;
    if (x->bucket != y->bucket) {
        return x->bucket < y->bucket ? -1 : 1;
    }
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void write_runs(Writing *writing)
{
    JoinSide *side = writing->side;
    Entry *entries = (Entry *)writing->entry_list.data;
    size_t count = writing->entry_list.size / sizeof *entries;
    qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 0; i < count;) {
        int64_t bucket = entries[i].bucket;
        int64_t run = side->next_run++;
        begin_put(writing, bucket, (Slice){(const char *)&run, sizeof run});
        size_t size = 0;
        for (; i < count && entries[i].bucket == bucket && size < RUN_BYTES; i++) {
            buffer_append_bytes(&writing->bytes, writing->entries.data + entries[i].offset,
                                entries[i].size);
            size += entries[i].size;
        }
        end_put(writing);
    }
}

static bool put_all(Writing *writing, StateTable *table, Error *err)
{
    int64_t buckets[LOOKUP_MANY] = {0};
    Slice names[LOOKUP_MANY] = {0};
    Slice values[LOOKUP_MANY];
    const Put *puts = (const Put *)writing->puts.data;
    size_t count = writing->puts.size / sizeof *puts;
    bool ok = true;
    for (size_t first = 0; ok && first < count; first += LOOKUP_MANY) {
        size_t some = count - first < LOOKUP_MANY ? count - first : LOOKUP_MANY;
        for (size_t i = 0; i < some; i++) {
            const Put *put = &puts[first + i];
            buckets[i] = put->bucket;
            names[i] = (Slice){writing->bytes.data + put->name, put->name_size};
            values[i] = (Slice){writing->bytes.data + put->value, put->value_size};
        }
        ok = state_put_many(table, buckets, names, values, some, err);
    }
    buffer_reset(&writing->bytes);
    buffer_reset(&writing->puts);
    return ok;
}

bool join_side_write(JoinSide *side, Error *err)
{
    Writing writing = {.side = side};
    for (size_t i = 0; i < join_side_group_count(side); i++) {
        write_group(&writing, join_side_group(side, (uint32_t)i));
    }
    for (size_t i = 0; i < side->lists.size / sizeof(JoinList); i++) {
        const JoinList *list = join_side_list(side, (uint32_t)i);
        if (list->is_changed && !list->is_written) {
            begin_put(&writing, list->bucket, bytes_at(side, list->name, list->name_size));
            buffer_append(&writing.bytes, list->value);
            end_put(&writing);
        }
    }
    bool ok = put_all(&writing, side->rows, err);
    write_runs(&writing);
    ok = ok && (side->expiry == NULL || put_all(&writing, side->expiry, err));
    buffer_done(&writing.bytes);
    buffer_done(&writing.puts);
    buffer_done(&writing.entries);
    buffer_done(&writing.entry_list);
    return ok;
}
