// commit.c -- what makes a batch durable, and what takes it back.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "base/crc32c.h"
#include "state/image.h"
#include "state/state_internal.h"

enum {
    MIN_SWEEP_BYTES = 8192,      // per record, taken as its size: batches may be tiny
    KEEP_RECORD_BYTES = 4 << 20, // memory kept for the next record
};

// ---- the record ------------------------------------------------------------------------------

static void add_definition(const StateTable *table, RecordWriter *writer)
{
    record_add(writer, &(RecordRow){
                           .op = RECORD_DEFINE,
                           .table = table->id,
                           .key = slice_of(table->name),
                           .value = (Slice){table->layout, table->layout_size},
                       });
}

static bool find_changed(const State *state, const UndoEntry *entry, BucketPlace *place)
{
    Slice key = undo_key(&state->changes, entry);
    Bucket *rows;
    return table_find(entry->table, entry->bucket, bucket_hash(key, state->common.seed), key, 0,
                      &rows, place);
}

// What the entry's key is now: after-images only. Its mark goes, so that the next batch's first
// change of it is noticed.
static void add_change(const State *state, const UndoEntry *entry, LogPlace base,
                       RecordWriter *writer)
{
    RecordRow row = {.op = RECORD_DROP, .table = entry->table->id, .bucket = entry->bucket};
    BucketPlace place;
    if (entry->kind == UNDO_DROP) {
        record_add(writer, &row);
        return;
    }
    row.op = RECORD_DELETE;
    row.previous = entry->image;
    row.key = undo_key(&state->changes, entry);
    if (!find_changed(state, entry, &place)) {
        record_add(writer, &row);
        return;
    }
    row.op = RECORD_PUT;
    row.value = row_value(place.row);
    size_t image = record_add(writer, &row);
    place.row->image = image_at(base.segment, (uint64_t)base.offset + image);
    place.row->key_size &= ~ROW_DIRTY;
}

// How far the sweep goes with this record: only if the log is long for what is alive.
static int64_t sweep_budget(const State *state, int64_t segment_limit, size_t fresh)
{
    const Hand *hand = &state->hand;
    int64_t left = log_bytes(state->log, hand->segment) - (int64_t)(hand->record + hand->offset);
    if (left < 2 * state->common.live_bytes + segment_limit) {
        return 0;
    }
    return 2 * (fresh < MIN_SWEEP_BYTES ? MIN_SWEEP_BYTES : (int64_t)fresh);
}

// Changes before sweep rows: a drop in the changes must not hit rows of the same record. The
// header is sealed in any case: undo_record needs it.
static bool build_record(State *state, int64_t batch, Slice meta, LogPlace place,
                         int64_t segment_limit, RecordHeader *header, Error *err)
{
    RecordWriter writer;
    uint64_t first_live = state->hand.segment; // from earlier records: README I4
    record_begin(&writer, &state->record, meta);
    for (size_t i = state->logged_count; i < state->table_count; i++) {
        add_definition(state->tables[i], &writer);
    }
    for (size_t i = 0; i < state->changes.count; i++) {
        add_change(state, &state->changes.entries[i], place, &writer);
    }
    Sweep sweep = {
        .hand = &state->hand,
        .tables = state->tables,
        .table_count = state->table_count,
        .reader = state->reader,
        .folder = state->folder,
        .window = &state->window,
        .place = place,
        .writer = &writer,
    };
    bool ok = sweep_advance(&sweep, sweep_budget(state, segment_limit, state->record.size), err);
    record_pad(&writer);
    *header = (RecordHeader){
        .sequence = state->next_sequence,
        .segment = place.segment,
        .offset = (uint64_t)place.offset,
        .epoch = state->epoch,
        .batch = batch,
        .first_live = first_live,
        .hand_segment = state->hand.segment,
        .hand_record = state->hand.record,
        .hand_sequence = state->hand.sequence,
        .hand_offset = state->hand.offset,
        .hand_bucket = state->hand.bucket,
        .hand_table = state->hand.table,
        .hand_rows = state->hand.rows,
        .hand_crc = state->hand.crc,
        .meta_size = (uint32_t)meta.size,
        .row_count = writer.row_count,
        .sweep_count = sweep.count,
        .checkpoint = crc32c_update(0, state->checkpoint_id, STATE_UUID_SIZE),
    };
    record_seal(&state->record, header);
    return ok;
}

// For a record that was not written: rows are as before it was built. The first entry of a key has
// its image, so they are gone through backwards.
static void undo_record(State *state, const Hand *hand)
{
    sweep_undo(state->tables, buffer_slice(&state->record));
    state->hand = *hand;
    for (size_t i = state->changes.count; i > 0; i--) {
        const UndoEntry *entry = &state->changes.entries[i - 1];
        BucketPlace place;
        if (entry->kind != UNDO_DROP && find_changed(state, entry, &place)) {
            place.row->image = entry->image;
            place.row->key_size |= ROW_DIRTY;
        }
    }
}

// ---- commits ---------------------------------------------------------------------------------

// The place of the next record, in a new segment if the last one is full.
static bool find_place(State *state, int64_t limit, LogPlace *place, Error *err)
{
    Buffer tables = {0};
    RecordWriter writer = {.out = &tables};
    for (size_t i = 0; i < state->logged_count; i++) {
        add_definition(state->tables[i], &writer);
    }
    bool ok = log_prepare(state->log, state->next_sequence, limit, buffer_slice(&tables),
                          (uint32_t)state->logged_count, place, err);
    buffer_done(&tables);
    state->common.last_segment = log_segment(state->log);
    return ok;
}

static bool check_commit(const State *state, int64_t batch, Slice meta, Error *err)
{
    if (state->log == NULL) {
        return fail(err, ERROR_FAILED, "checkpoint %s is open for reading only", state->folder);
    }
    if (state->replay.has_last) {
        return fail(err, ERROR_FAILED, "checkpoint %s: batch %" PRId64 " is not recovered yet",
                    state->folder, record_header(buffer_slice(&state->replay.last)).batch);
    }
    if (state->problem.kind != ERROR_NONE) {
        *err = state->problem;
        return false;
    }
    if (batch <= state->last.batch) {
        return fail(err, ERROR_FAILED,
                    "checkpoint %s: batch %" PRId64 " cannot follow batch %" PRId64, state->folder,
                    batch, state->last.batch);
    }
    return meta.size <= INT32_MAX ||
           fail(err, ERROR_FAILED, "checkpoint %s: the plan of batch %" PRId64 " is too large",
                state->folder, batch);
}

static void forget_committed(State *state)
{
    undo_forget(&state->committed);
    state->can_discard = false;
}

// Everything that follows a record on disk.
static void finish_commit(State *state, const RecordHeader *header, const Hand *hand_before,
                          Slice meta)
{
    state->hand_before = *hand_before;
    state->logged_before = state->logged_count;
    state->logged_count = state->table_count;
    state->last_place = (LogPlace){header->segment, (int64_t)header->offset};
    state->next_sequence++;
    state_set_last(state, header, meta);

    Undo undo = state->committed;
    state->committed = state->changes;
    state->changes = undo;
    state->can_discard = true;
    state->cool.retry = 0;
    *state_live_of(state, header->batch) = header->hand_segment;
    uint64_t kept = state_first_kept(state, header->batch, header->first_live);
    log_unlink_before(state->log, kept);
    reader_forget_before(state->reader, kept);
}

bool state_commit(State *state, int64_t batch, Slice meta, StatePosition *position, Error *err)
{
    LogPlace place;
    if (!check_commit(state, batch, meta, err)) {
        return false;
    }
    int64_t limit = state_segment_limit(state);
    if (!find_place(state, limit, &place, err)) {
        return false;
    }
    forget_committed(state); // its record makes room for this one
    Hand hand = state->hand;
    RecordHeader header;
    if (!build_record(state, batch, meta, place, limit, &header, err) ||
        !log_append(state->log, buffer_slice(&state->record), limit, err)) {
        undo_record(state, &hand);
        return false;
    }
    finish_commit(state, &header, &hand, meta);
    if (position != NULL) {
        *position = state_last(state);
    }
    return true;
}

void state_rollback(State *state)
{
    undo_roll_back(&state->changes);
    state->problem = (Error){0};
    state->cool.retry = 0;
    state_account(state);
}

void state_confirm(State *state)
{
    forget_committed(state);
    if (state->record.capacity > KEEP_RECORD_BYTES) {
        buffer_done(&state->record);
    }
    state_cool(state, 0);
}

bool state_discard_last(State *state, Error *err)
{
    if (!state->can_discard) {
        return fail(err, ERROR_FAILED, "checkpoint %s: there is no unconfirmed batch to discard",
                    state->folder);
    }
    if (!log_cut(state->log, state->last_place, err)) {
        return false;
    }
    undo_roll_back(&state->changes);
    sweep_undo(state->tables, buffer_slice(&state->record));
    undo_roll_back(&state->committed);
    state->hand = state->hand_before;
    state->logged_count = state->logged_before;
    state->next_sequence--;
    state->can_discard = false;
    state->problem = (Error){0};
    state->common.last_segment = log_segment(state->log);
    reader_forget_before(state->reader, UINT64_MAX); // the number may come again
    state_swap_positions(state);
    return true;
}
