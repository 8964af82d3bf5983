// SPDX-License-Identifier: Apache-2.0
#include "state/sweep.h"

#include "base/crc32c.h"
#include "state/image.h"
#include "state/replay.h"

enum {
    WINDOW_MIN = 4 << 10,
    WINDOW_MAX = 256 << 10,
    GROUP_ROWS = 64, // looked for together: their waits for memory overlap
};

typedef struct Group {
    RecordRow rows[GROUP_ROWS];
    Bucket *buckets[GROUP_ROWS]; // NULL: not alive
    uint32_t hashes[GROUP_ROWS];
    size_t count;
} Group;

static bool damaged(const Sweep *sweep, uint64_t offset, const char *problem, Error *err)
{
    return replay_damaged(err, sweep->folder, sweep->hand->segment, (int64_t)offset, problem);
}

static bool read_window(Sweep *sweep, uint64_t offset, size_t size, Error *err)
{
    return reader_read(sweep->reader, sweep->hand->segment, (int64_t)offset, size, sweep->window,
                       err);
}

// ---- rows ------------------------------------------------------------------------------------

static bool prefetch_group(const Sweep *sweep, Group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        const RecordRow *row = &group->rows[i];
        group->buckets[i] = NULL;
        if (row->op == RECORD_DEFINE) {
            continue;
        }
        if (row->table == 0 || row->table > sweep->table_count) {
            return false;
        }
        if (row->op == RECORD_PUT) {
            const StateTable *table = sweep->tables[row->table - 1];
            const RecordRow *before = &group->rows[i == 0 ? 0 : i - 1];
            bool is_same = i > 0 && before->op == RECORD_PUT && before->table == row->table &&
                           before->bucket == row->bucket;
            group->buckets[i] = is_same ? group->buckets[i - 1] : table_bucket(table, row->bucket);
            group->hashes[i] = bucket_hash(row->key, table->common->seed);
            if (group->buckets[i] != NULL) {
                bucket_prefetch_index(group->buckets[i], group->hashes[i]);
            }
        }
    }
    for (size_t i = 0; i < group->count; i++) {
        if (group->buckets[i] != NULL) {
            bucket_prefetch_row(group->buckets[i], group->hashes[i]);
        }
    }
    return true;
}

// Writes the row's image again, behind the others of the record being built.
static bool carry_on(Sweep *sweep, const RecordRow *row, uint64_t image, Bucket *rows,
                     const BucketPlace *place, Error *err)
{
    const char *start = sweep->window->data + (row->image - sweep->hand->offset);
    Slice bytes = {start, (size_t)(row->value.data + row->value.size - start)};
    Slice key;
    Slice value;
    size_t size;
    if (record_read_image(bytes, row->table, row->bucket, &key, &value, &size) != IMAGE_GOOD) {
        return damaged(sweep, image_offset(image), "checksum mismatch in a row", err);
    }
    size_t copy = record_add(sweep->writer, &(RecordRow){
                                                .op = RECORD_PUT,
                                                .table = row->table,
                                                .bucket = row->bucket,
                                                .previous = image,
                                                .key = key,
                                                .value = value,
                                            });
    uint64_t now = image_at(sweep->place.segment, (uint64_t)sweep->place.offset + copy);
    if (place->row == NULL && !image_can_pack(now)) {
        bucket_replace(rows, place, key, value, now, 0);
    } else {
        bucket_set_image(rows, place, now);
    }
    sweep->count++;
    return true;
}

static bool sweep_group(Sweep *sweep, Group *group, Error *err)
{
    const Hand *hand = sweep->hand;
    if (!prefetch_group(sweep, group)) {
        return damaged(sweep, hand->record, "the record's rows cannot be read", err);
    }
    for (size_t i = 0; i < group->count; i++) {
        const RecordRow *row = &group->rows[i];
        if (group->buckets[i] == NULL) {
            continue;
        }
        uint64_t image = image_at(hand->segment, hand->record + row->image);
        BucketPlace place;
        if (bucket_find_image(group->buckets[i], group->hashes[i], image, &place) &&
            !carry_on(sweep, row, image, group->buckets[i], &place, err)) {
            return false;
        }
    }
    return true;
}

// Goes over the rows that are whole in the window. *budget falls by what was done.
static bool sweep_window(Sweep *sweep, int64_t *budget, Error *err)
{
    Hand *hand = sweep->hand;
    const char *start = sweep->window->data;
    RecordReader reader = {
        .start = start,
        .offset = hand->offset,
        .at = start,
        .end = start + sweep->window->size,
        .rows_left = hand->rows,
        .has_place = hand->table != 0,
        .table = hand->table,
        .bucket = hand->bucket,
    };
    RecordReader whole = reader; // behind the last row that was whole
    Group group;
    while (*budget > 0 && !reader.is_bad && whole.rows_left > 0) {
        size_t from = record_offset(&whole);
        group.count = 0;
        while (group.count < GROUP_ROWS && record_next(&reader, &group.rows[group.count])) {
            group.count++;
            whole = reader;
        }
        if (!sweep_group(sweep, &group, err)) {
            return false;
        }
        *budget -= (int64_t)(record_offset(&whole) - from);
    }
    hand->crc = crc32c_update(hand->crc, start, record_offset(&whole) - hand->offset);
    hand->offset = record_offset(&whole);
    hand->rows = whole.rows_left;
    hand->table = whole.table;
    hand->bucket = whole.bucket;
    return true;
}

// ---- records and segments --------------------------------------------------------------------

static bool begin_segment(Sweep *sweep, Error *err)
{
    Hand *hand = sweep->hand;
    SegmentHeader header;
    if (!read_window(sweep, 0, sizeof header, err)) {
        return false;
    }
    if (sweep->window->size < sizeof header) {
        return damaged(sweep, sweep->window->size, "the file ends before its header does", err);
    }
    memcpy(&header, sweep->window->data, sizeof header);
    if (memcmp(header.magic, SEGMENT_MAGIC, sizeof header.magic) != 0 ||
        header.segment != hand->segment) {
        return damaged(sweep, 0, "the file does not begin with a log header", err);
    }
    if (hand->sequence != 0 && header.first_sequence != hand->sequence) {
        return damaged(sweep, 0, "records are missing at the end of the file before this one", err);
    }
    hand->record = header.size;
    hand->sequence = header.first_sequence;
    hand->offset = 0;
    return true;
}

// The header of the record at the hand; *is_end: there is none.
static bool read_header(Sweep *sweep, RecordHeader *header, bool *is_end, Error *err)
{
    const Hand *hand = sweep->hand;
    if (!read_window(sweep, hand->record, sizeof *header, err)) {
        return false;
    }
    *header = (RecordHeader){0};
    if (sweep->window->size == sizeof *header) {
        *header = record_header(buffer_slice(sweep->window));
    }
    // Whether records are missing shows in the next segment's header.
    *is_end = header->magic == 0 && hand->offset == 0;
    bool fits = header->magic == RECORD_MAGIC && header->segment == hand->segment &&
                header->offset == hand->record && header->sequence == hand->sequence &&
                header->size >= sizeof *header + header->meta_size;
    return *is_end || fits ||
           damaged(sweep, hand->record, "no intact record, but the log goes on", err);
}

static bool begin_record(Sweep *sweep, const RecordHeader *header, Error *err)
{
    Hand *hand = sweep->hand;
    size_t size = sizeof *header + header->meta_size;
    if (!read_window(sweep, hand->record, size, err)) {
        return false;
    }
    size_t skip = offsetof(RecordHeader, size);
    if (sweep->window->size < size) {
        return damaged(sweep, hand->record, "the file ends before the record does", err);
    }
    hand->crc = crc32c_update(0, sweep->window->data + skip, size - skip);
    hand->offset = size;
    hand->rows = header->row_count;
    hand->table = 0;
    hand->bucket = 0;
    return true;
}

static bool end_record(Sweep *sweep, const RecordHeader *header, Error *err)
{
    Hand *hand = sweep->hand;
    size_t rest = (size_t)(header->size - hand->offset);
    if (header->size < hand->offset || rest >= 8) {
        return damaged(sweep, hand->record, "the record's rows cannot be read", err);
    }
    if (!read_window(sweep, hand->record + hand->offset, rest, err)) {
        return false;
    }
    hand->crc = crc32c_update(hand->crc, sweep->window->data, sweep->window->size);
    if (hand->crc != header->crc) {
        return damaged(sweep, hand->record, "checksum mismatch in a record", err);
    }
    hand->record += header->size;
    hand->sequence++;
    hand->offset = 0;
    return true;
}

// The rest of the record at the hand, or as much of it as the budget allows.
static bool sweep_record(Sweep *sweep, const RecordHeader *header, int64_t *budget, Error *err)
{
    Hand *hand = sweep->hand;
    if (hand->offset == 0 && !begin_record(sweep, header, err)) {
        return false;
    }
    size_t want = *budget < WINDOW_MIN   ? WINDOW_MIN
                  : *budget > WINDOW_MAX ? WINDOW_MAX
                                         : (size_t)*budget;
    while (hand->rows > 0 && *budget > 0) {
        uint64_t before = hand->offset;
        size_t rest = (size_t)(header->size - hand->offset);
        want = want < rest ? want : rest;
        if (!read_window(sweep, hand->record + hand->offset, want, err) ||
            !sweep_window(sweep, budget, err)) {
            return false;
        }
        if (hand->offset == before) { // the row is longer
            if (want == rest) {
                return damaged(sweep, hand->record, "the record's rows cannot be read", err);
            }
            want *= 4;
        }
    }
    return hand->rows > 0 || end_record(sweep, header, err);
}

bool sweep_advance(Sweep *sweep, int64_t budget, Error *err)
{
    Hand *hand = sweep->hand;
    while (budget > 0 && hand->segment < sweep->place.segment) {
        RecordHeader header;
        bool is_end;
        if ((hand->record == 0 && !begin_segment(sweep, err)) ||
            !read_header(sweep, &header, &is_end, err)) {
            return false;
        }
        budget -= (int64_t)sizeof header;
        if (is_end) {
            hand->segment++;
            hand->record = 0;
        } else if (!sweep_record(sweep, &header, &budget, err)) {
            return false;
        }
    }
    return true;
}

void sweep_undo(StateTable *const *tables, Slice record)
{
    RecordHeader header = record_header(record);
    RecordReader reader = record_read(record);
    RecordRow row;
    while (record_next(&reader, &row)) {
        if (reader.rows_left >= header.sweep_count) {
            continue;
        }
        const StateTable *table = tables[row.table - 1];
        Bucket *rows = table_bucket(table, row.bucket);
        uint64_t image = image_at(header.segment, header.offset + row.image);
        BucketPlace place;
        if (rows != NULL &&
            bucket_find_image(rows, bucket_hash(row.key, table->common->seed), image, &place)) {
            bucket_set_image(rows, &place, row.previous);
        }
    }
}
