// SPDX-License-Identifier: Apache-2.0
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "base/random.h"
#include "state/image.h"
#include "state/state_internal.h"

enum {
    DEFAULT_SEGMENT_BYTES = 64 << 20,
    MIN_SEGMENT_BYTES = 4 << 20,
    RETAINED_BYTES = 256 << 20, // of segments that only looking back needs
    UUID_SIZE = STATE_UUID_SIZE,
};

// ---- tables ----------------------------------------------------------------------------------

static StateTable *add_table(State *state, Slice name, Slice layout)
{
    if (state->table_count == state->table_capacity) {
        state->table_capacity = state->table_capacity == 0 ? 8 : state->table_capacity * 2;
        state->tables = realloc(state->tables, state->table_capacity * sizeof(StateTable *));
        if (state->tables == NULL) {
            fprintf(stderr, "tarn: out of memory\n");
            abort();
        }
    }
    StateTable *table =
        table_create(state, (uint32_t)state->table_count + 1, name, layout, &state->common);
    state->tables[state->table_count++] = table;
    return table;
}

static StateTable *find_table(const State *state, Slice name)
{
    for (size_t i = 0; i < state->table_count; i++) {
        if (slice_is(name, state->tables[i]->name)) {
            return state->tables[i];
        }
    }
    return NULL;
}

static Slice table_layout(const StateTable *table)
{
    return (Slice){table->layout, table->layout_size};
}

bool state_table(State *state, const char *name, Slice layout, StateTable **table, Error *err)
{
    if (state->replay.has_last) {
        return fail(err, ERROR_FAILED, "checkpoint %s: batch %" PRId64 " is not recovered yet",
                    state->folder, record_header(buffer_slice(&state->replay.last)).batch);
    }
    StateTable *known = find_table(state, slice_of(name));
    if (known != NULL && !slice_equal(table_layout(known), layout)) {
        return fail(err, ERROR_INPUT,
                    "the query keeps other state than its checkpoint %s has: '%s' was %s and is "
                    "now %.*s; change the query back or start anew with --full-refresh <dataset>",
                    state->folder, name, known->layout, SLICE_ARG(layout));
    }
    *table = known != NULL ? known : add_table(state, slice_of(name), layout);
    return true;
}

bool state_table_at(const State *state, size_t index, StateTable **table, const char **name,
                    Slice *layout)
{
    if (index >= state->table_count) {
        return false;
    }
    *table = state->tables[index];
    *name = (*table)->name;
    *layout = table_layout(*table);
    return true;
}

// ---- replay ----------------------------------------------------------------------------------

static bool define_table(void *context, const RecordRow *row, Error *err)
{
    State *state = context;
    if (row->table == state->table_count + 1) {
        add_table(state, row->key, row->value);
        return true;
    }
    if (row->table != 0 && row->table <= state->table_count) {
        const StateTable *table = state->tables[row->table - 1];
        if (slice_is(row->key, table->name) && slice_equal(row->value, table_layout(table))) {
            return true; // replay begins anywhere: segment headers and records both say it
        }
    }
    return fail(err, ERROR_CORRUPT,
                "checkpoint %s: the log defines table %u twice or too early; restore it from a "
                "backup or start anew with --full-refresh",
                state->folder, row->table);
}

// ---- memory ----------------------------------------------------------------------------------

void state_account(State *state)
{
    int64_t bytes = state_memory_bytes(state);
    budget_add(state->options.budget, bytes - state->accounted);
    state->accounted = bytes;
}

// What the account is above the level at which rows go cold; negative: there is room.
static int64_t bytes_over(State *state, int64_t more)
{
    int64_t limit = budget_limit(state->options.budget);
    if (limit == 0) {
        return INT64_MIN;
    }
    state_account(state);
    return state_budget_used(state->options.budget) + more - (limit - limit / 8);
}

bool state_is_over(State *state, int64_t more)
{
    return bytes_over(state, more) > 0;
}

// The bucket that the cooling hand is at; NULL at the end of the tables, where it begins anew.
static Bucket *cool_bucket(State *state)
{
    for (; state->cool.table < state->table_count; state->cool.table++) {
        const StateTable *table = state->tables[state->cool.table];
        size_t i = table_position(table, state->cool.bucket);
        if (i < table->bucket_count) {
            state->cool.bucket = table->buckets[i].id;
            return table->buckets[i].bucket;
        }
        state->cool.bucket = INT64_MIN;
    }
    state->cool.table = 0;
    return NULL;
}

// Until a batch is confirmed, its rows must be found again to be taken back: they stay. Who uses
// less than its share waits a little for the others to make room.
void state_cool(State *state, int64_t more)
{
    int64_t over = bytes_over(state, more);
    StateBudget *budget = state->options.budget;
    if (over > 0 && state->accounted + more < budget_share(budget)) {
        over -= budget_limit(budget) / 16;
    }
    if (over <= 0 || state->can_discard || state->common.memory < state->cool.retry) {
        return;
    }
    for (int rounds = 0; over > 0 && rounds < 3;) { // the first may be half, the second only
        Bucket *bucket = cool_bucket(state);        // takes away marks
        if (bucket == NULL) {
            rounds++;
            continue;
        }
        over -= bucket_cool(bucket, over);
        bool is_last = state->cool.bucket == INT64_MAX;
        if (over > 0) {
            state->cool.table += is_last;
            state->cool.bucket = is_last ? INT64_MIN : state->cool.bucket + 1;
        }
    }
    int64_t pause = budget_limit(budget) / 64; // not again for each row
    state->cool.retry = over > 0 ? state->common.memory + pause : 0;
    state_account(state);
}

void state_relieve(State *state)
{
    state_cool(state, 0);
}

bool state_check_limit(State *state, int64_t more, Error *err)
{
    int64_t limit = budget_limit(state->options.budget);
    if (limit == 0) {
        return true;
    }
    state_cool(state, more);
    int64_t bytes = state_budget_used(state->options.budget) + more;
    return bytes <= limit ||
           fail(err, ERROR_FAILED,
                "state needs %" PRId64 " bytes of memory and may have %" PRId64
                " of tarn.memory.limit: raise tarn.memory.limit, or keep less (a shorter "
                "watermark delay or smaller windows)",
                bytes, limit);
}

// ---- records ---------------------------------------------------------------------------------

static bool apply_row(State *state, const RecordHeader *header, const RecordRow *row, Error *err)
{
    if (row->op == RECORD_DEFINE) {
        return define_table(state, row, err);
    }
    if (row->table == 0 || row->table > state->table_count) {
        return fail(err, ERROR_CORRUPT, "table %u", row->table); // reworded by the caller
    }
    StateTable *table = state->tables[row->table - 1];
    switch (row->op) {
    case RECORD_PUT:
        table_put(table, row->bucket, row->key, row->previous, row->value,
                  image_at(header->segment, header->offset + row->image));
        return true;
    case RECORD_DELETE:
        table_remove(table, row->bucket, row->key, row->previous);
        return true;
    default:
        bucket_destroy(table_detach(table, row->bucket));
        return true;
    }
}

void state_swap_positions(State *state)
{
    Position last = state->last;
    state->last = state->before;
    state->before = last;
}

void state_set_last(State *state, const RecordHeader *header, Slice meta)
{
    state_swap_positions(state);
    state->last.batch = header->batch;
    state->last.epoch = header->epoch;
    state->last.crc = header->crc;
    buffer_reset(&state->last.meta);
    buffer_append(&state->last.meta, meta);
}

// ---- looking back ----------------------------------------------------------------------------

// Small state has small segments: what a restart reads follows the state.
int64_t state_segment_limit(const State *state)
{
    int64_t live = state->common.live_bytes;
    int64_t limit = live > MIN_SEGMENT_BYTES ? live : MIN_SEGMENT_BYTES;
    return limit > state->options.segment_bytes ? state->options.segment_bytes : limit;
}

uint64_t *state_live_of(const State *state, int64_t batch)
{
    return &state->live[(uint64_t)batch % (uint64_t)(state->options.retain_batches + 1)];
}

uint64_t state_first_kept(const State *state, int64_t batch, uint64_t first_live)
{
    if (state->options.retain_batches == 0) {
        return first_live;
    }
    uint64_t kept = *state_live_of(state, batch + 1); // the oldest; 0: there are not so many yet
    uint64_t most = RETAINED_BYTES / (uint64_t)state_segment_limit(state);
    uint64_t least = first_live > most ? first_live - most : 0;
    kept = kept > least ? kept : least;
    return kept < first_live ? kept : first_live;
}

// Whether a record is behind the batch looked back at; if not, what looking back will need.
static bool is_behind(State *state, const RecordHeader *header)
{
    if (state->options.as_of != NULL && header->batch > *state->options.as_of) {
        return true;
    }
    *state_live_of(state, header->batch) = header->hand_segment;
    return false;
}

static bool check_as_of(State *state, Error *err)
{
    Replay *replay = &state->replay;
    int64_t as_of = *state->options.as_of;
    int64_t newest = replay->has_last ? record_header(buffer_slice(&replay->last)).batch : -1;
    if (as_of < 0 || as_of > newest) {
        return fail(err, ERROR_INPUT, "there is no batch %" PRId64 ": the newest is %" PRId64,
                    as_of, newest);
    }
    if (as_of == newest) {
        return state_apply_pending(state, err);
    }
    if (state->last.batch != as_of || *state_live_of(state, as_of) < replay->first) {
        return fail(err, ERROR_INPUT,
                    "batch %" PRId64 " is too long ago: the log does not reach back to it any "
                    "more (tarn.state.retention says how many batches are kept)",
                    as_of);
    }
    replay_done(replay);
    return true;
}

static Hand header_hand(const RecordHeader *header)
{
    return (Hand){
        .segment = header->hand_segment,
        .record = header->hand_record,
        .sequence = header->hand_sequence,
        .offset = header->hand_offset,
        .bucket = header->hand_bucket,
        .table = header->hand_table,
        .rows = header->hand_rows,
        .crc = header->hand_crc,
    };
}

// Reads rows ahead and has their places brought into the cache. Returns their number.
static size_t read_group(const State *state, RecordReader *reader, RecordRow *rows)
{
    const Bucket *buckets[TABLE_GROUP];
    uint32_t hashes[TABLE_GROUP];
    size_t count = 0;
    for (; count < TABLE_GROUP && record_next(reader, &rows[count]); count++) {
        const RecordRow *row = &rows[count];
        buckets[count] = NULL;
        if (row->op == RECORD_PUT && row->table != 0 && row->table <= state->table_count) {
            buckets[count] = table_bucket(state->tables[row->table - 1], row->bucket);
        }
        if (buckets[count] != NULL) {
            hashes[count] = bucket_hash(row->key, state->common.seed);
            bucket_prefetch_index(buckets[count], hashes[count]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (buckets[i] != NULL) {
            bucket_prefetch_row(buckets[i], hashes[i]);
        }
    }
    return count;
}

static bool apply_record(void *context, Slice record, Error *err)
{
    State *state = context;
    RecordHeader header = record_header(record);
    if (is_behind(state, &header)) {
        return true;
    }
    RecordReader reader = record_read(record);
    RecordRow rows[TABLE_GROUP];
    state->common.last_segment = header.segment;
    size_t count;
    while (!reader.is_bad && (count = read_group(state, &reader, rows)) > 0) {
        for (size_t i = 0; i < count && !reader.is_bad; i++) {
            reader.is_bad = !apply_row(state, &header, &rows[i], err);
        }
    }
    if (reader.is_bad) {
        return replay_damaged(err, state->folder, header.segment, (int64_t)header.offset,
                              "the record's rows cannot be read");
    }
    if (!state_check_limit(state, 0, err)) {
        return fail_context(err, "checkpoint %s", state->folder);
    }
    state->hand = header_hand(&header);
    state->logged_count = state->table_count;
    state_set_last(state, &header, record_meta(record));
    return true;
}

// ---- open and close --------------------------------------------------------------------------

static bool read_identity(State *state, Error *err)
{
    char text[64];
    bool found = false;
    if (!folder_read_text(state->folder_fd, state->folder, "identity", text, sizeof text, &found,
                          err)) {
        return false;
    }
    if (found) {
        if (strlen(text) != UUID_SIZE || strspn(text, "0123456789abcdef-") != UUID_SIZE) {
            return fail(err, ERROR_CORRUPT,
                        "checkpoint %s/identity is damaged: it holds no checkpoint id; restore it "
                        "from a backup or start anew with --full-refresh",
                        state->folder);
        }
        memcpy(state->checkpoint_id, text, sizeof state->checkpoint_id);
        return true;
    }
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(1, name);
    bool has_log = faccessat(state->folder_fd, name, F_OK, 0) == 0;
    if (has_log || state->options.read_only) {
        return fail(err, has_log ? ERROR_CORRUPT : ERROR_INPUT,
                    "%s is no checkpoint: the file identity is missing", state->folder);
    }
    random_uuid(state->checkpoint_id);
    snprintf(text, sizeof text, "%s\n", state->checkpoint_id);
    return folder_write_text(state->folder_fd, state->folder, "identity", text,
                             state->options.sync_file, err);
}

static bool read_epoch(State *state, Error *err)
{
    char text[32];
    bool found = false;
    if (!folder_read_text(state->folder_fd, state->folder, "epoch", text, sizeof text, &found,
                          err)) {
        return false;
    }
    if (!found) {
        return true;
    }
    char *end = NULL;
    errno = 0;
    long long epoch = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || epoch < 0 || epoch == INT64_MAX) {
        return fail(err, ERROR_CORRUPT,
                    "checkpoint %s/epoch is damaged: it holds no number; restore it from a backup "
                    "or start anew with --full-refresh",
                    state->folder);
    }
    state->epoch = epoch;
    return true;
}

// A sink's marker fences by epoch, so it must grow even if the file was lost.
static bool raise_epoch(State *state, Error *err)
{
    int64_t logged = state->last.epoch;
    if (state->replay.has_last) {
        logged = record_header(buffer_slice(&state->replay.last)).epoch;
    }
    state->epoch = state->epoch < logged ? logged : state->epoch;
    if (state->options.read_only) {
        return true;
    }
    state->epoch++;
    char text[32];
    snprintf(text, sizeof text, "%" PRId64 "\n", state->epoch);
    return folder_write_text(state->folder_fd, state->folder, "epoch", text,
                             state->options.sync_file, err);
}

static bool resume_log(State *state, Error *err)
{
    state->log = log_create(&(LogOptions){
        .folder = state->folder,
        .folder_fd = state->folder_fd,
        .checkpoint_id = state->checkpoint_id,
        .sync = state->options.sync_file,
    });
    const Replay *replay = &state->replay;
    if (!log_resume(state->log, replay->end, replay->is_torn, replay->oldest, err)) {
        return false;
    }
    if (replay->has_last) {
        RecordHeader last = record_header(buffer_slice(&replay->last));
        log_unlink_before(state->log, state_first_kept(state, last.batch, last.first_live));
    }
    state->common.last_segment = log_segment(state->log);
    return true;
}

static bool open_folder(State *state, Error *err)
{
    bool read_only = state->options.read_only;
    if (!read_only && !folder_make(state->folder, err)) {
        return false;
    }
    if (read_only && access(state->folder, F_OK) != 0) {
        return fail(err, ERROR_INPUT, "there is no checkpoint %s", state->folder);
    }
    return folder_open(state->folder, &state->folder_fd, err) &&
           (read_only || folder_lock(state->folder_fd, state->folder, &state->lock_fd, err));
}

static State *create(const char *folder, const StateOptions *options)
{
    State *state = calloc(1, sizeof *state);
    char *name = strdup(folder);
    if (state != NULL) {
        state->options = options == NULL ? (StateOptions){0} : *options;
        state->live = calloc((size_t)state->options.retain_batches + 1, sizeof *state->live);
    }
    if (state == NULL || name == NULL || state->live == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    state->folder = name;
    state->folder_fd = -1;
    state->lock_fd = -1;
    if (state->options.segment_bytes == 0) {
        state->options.segment_bytes = DEFAULT_SEGMENT_BYTES;
    }
    if (state->options.sync_file == NULL) {
        state->options.sync_file = fdatasync;
    }
    budget_join(state->options.budget);
    state->last.batch = -1;
    state->before.batch = -1;
    state->hand.segment = 1;
    return state;
}

static bool prepare_tables(State *state)
{
    state->common.seed = hash_bytes(state->checkpoint_id, UUID_SIZE, 0);
    state->reader = reader_create(state->folder, state->folder_fd, state->options.budget);
    return true;
}

bool state_open(const char *folder, const StateOptions *options, State **state, Error *err)
{
    State *opened = create(folder, options);
    ReplayHandler handler = {opened, define_table, apply_record};
    if (!open_folder(opened, err) || !read_identity(opened, err) || !read_epoch(opened, err) ||
        !prepare_tables(opened) ||
        !replay_run(opened->folder, opened->folder_fd, opened->checkpoint_id, &handler,
                    &opened->replay, err)) {
        state_close(opened);
        return false;
    }
    opened->next_sequence = opened->replay.next_sequence;
    opened->logged_count = opened->table_count;
    if (!opened->options.read_only && !resume_log(opened, err)) {
        state_close(opened);
        return false;
    }
    if (!raise_epoch(opened, err) || (opened->options.as_of != NULL && !check_as_of(opened, err))) {
        state_close(opened);
        return false;
    }
    *state = opened;
    return true;
}

void state_close(State *state)
{
    if (state == NULL) {
        return;
    }
    budget_add(state->options.budget, -state->accounted);
    budget_leave(state->options.budget);
    undo_done(&state->changes);
    undo_done(&state->committed);
    for (size_t i = 0; i < state->table_count; i++) {
        table_destroy(state->tables[i]);
    }
    free(state->tables);
    free(state->live);
    log_close(state->log);
    reader_destroy(state->reader);
    replay_done(&state->replay);
    buffer_done(&state->copy);
    buffer_done(&state->window);
    buffer_done(&state->record);
    buffer_done(&state->last.meta);
    buffer_done(&state->before.meta);
    if (state->lock_fd >= 0) {
        close(state->lock_fd); // which also unlocks
    }
    if (state->folder_fd >= 0) {
        close(state->folder_fd);
    }
    free(state->folder);
    free(state);
}

const char *state_checkpoint_id(const State *state)
{
    return state->checkpoint_id;
}

int64_t state_epoch(const State *state)
{
    return state->epoch;
}

StatePosition state_last(const State *state)
{
    return (StatePosition){
        .batch = state->last.batch,
        .epoch = state->last.epoch,
        .meta = buffer_slice(&state->last.meta),
        .crc = state->last.crc,
    };
}

bool state_pending(const State *state, StatePosition *pending)
{
    if (!state->replay.has_last) {
        return false;
    }
    Slice record = buffer_slice(&state->replay.last);
    RecordHeader header = record_header(record);
    *pending = (StatePosition){
        .batch = header.batch,
        .epoch = header.epoch,
        .meta = record_meta(record),
        .crc = header.crc,
    };
    return true;
}

static bool check_pending(const State *state, Error *err)
{
    return state->replay.has_last ||
           fail(err, ERROR_FAILED, "checkpoint %s: no batch is held back", state->folder);
}

bool state_apply_pending(State *state, Error *err)
{
    if (!check_pending(state, err) ||
        !apply_record(state, buffer_slice(&state->replay.last), err)) {
        return false;
    }
    replay_done(&state->replay);
    return true;
}

bool state_discard_pending(State *state, Error *err)
{
    if (!check_pending(state, err)) {
        return false;
    }
    if (state->log == NULL) {
        return fail(err, ERROR_FAILED, "checkpoint %s is open for reading only", state->folder);
    }
    RecordHeader header = record_header(buffer_slice(&state->replay.last));
    if (header.first_live < state->replay.first) {
        // Only a batch after this one can have let that file go, so this one was confirmed.
        return replay_damaged(err, state->folder, header.first_live, 0,
                              "the file is missing, so the last batch cannot be taken back");
    }
    if (!log_cut(state->log, (LogPlace){header.segment, (int64_t)header.offset}, err)) {
        return false;
    }
    state->next_sequence = header.sequence;
    state->common.last_segment = log_segment(state->log);
    reader_forget_before(state->reader, UINT64_MAX); // the number may come again
    replay_done(&state->replay);
    return true;
}
