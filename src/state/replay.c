// SPDX-License-Identifier: Apache-2.0
#include "state/replay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"

enum { WINDOW_BYTES = 1 << 20 };

// One segment being read, through a window of its bytes.
typedef struct Segment {
    const char *folder;
    uint64_t number;
    bool is_last;
    int fd;
    int64_t size;
    int64_t window_start;
    Buffer window;
} Segment;

typedef struct Run {
    const char *folder;
    int folder_fd;
    const char *checkpoint_id;
    uint32_t checkpoint_crc;
    const ReplayHandler *handler;
    Replay *replay;
} Run;

bool replay_damaged(Error *err, const char *folder, uint64_t segment, int64_t offset,
                    const char *problem)
{
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(segment, name);
    return fail(err, ERROR_CORRUPT,
                "checkpoint %s/%s is damaged at byte %lld: %s; restore it from a backup or start "
                "anew with --full-refresh",
                folder, name, (long long)offset, problem);
}

static bool damaged(const Segment *segment, int64_t offset, const char *problem, Error *err)
{
    return replay_damaged(err, segment->folder, segment->number, offset, problem);
}

// Bytes [offset, offset + size), which must be inside the file; valid until the next call.
static bool segment_read(Segment *segment, int64_t offset, int64_t size, const char **bytes,
                         Error *err)
{
    int64_t end = segment->window_start + (int64_t)segment->window.size;
    if (offset < segment->window_start || offset + size > end) {
        int64_t want = size > WINDOW_BYTES ? size : WINDOW_BYTES;
        want = want > segment->size - offset ? segment->size - offset : want;
        buffer_reset(&segment->window);
        buffer_reserve(&segment->window, (size_t)want);
        segment->window_start = offset;
        while ((int64_t)segment->window.size < want) {
            ssize_t got =
                pread(segment->fd, segment->window.data + segment->window.size,
                      (size_t)want - segment->window.size, offset + (int64_t)segment->window.size);
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got <= 0) {
                errno = got == 0 ? EIO : errno; // it became shorter while being read
                return fail_errno(err, "read segment %llu of %s",
                                  (unsigned long long)segment->number, segment->folder);
            }
            segment->window.size += (size_t)got;
        }
    }
    *bytes = segment->window.data + (offset - segment->window_start);
    return true;
}

// The first byte that is not zero at or after `from`, or the file's size. Reserved blocks that were
// never written are skipped where the file system can tell.
static bool find_data(Segment *segment, int64_t from, int64_t *at, Error *err)
{
    while (from < segment->size) {
        off_t data = lseek(segment->fd, from, SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
            break;
        }
        from = data > from ? data : from;
        int64_t size = segment->size - from;
        size = size > WINDOW_BYTES / 16 ? WINDOW_BYTES / 16 : size;
        const char *bytes;
        if (!segment_read(segment, from, size, &bytes, err)) {
            return false;
        }
        for (int64_t i = 0; i < size; i++) {
            if (bytes[i] != 0) {
                *at = from + i;
                return true;
            }
        }
        from += size;
    }
    *at = segment->size;
    return true;
}

// Whether the header at `offset` can be one of this place; its bytes need not be intact.
static bool is_plausible(const Run *run, const Segment *segment, const RecordHeader *header,
                         int64_t offset)
{
    return header->magic == RECORD_MAGIC && header->segment == segment->number &&
           header->offset == (uint64_t)offset && header->checkpoint == run->checkpoint_crc &&
           header->size >= sizeof *header && header->size % 8 == 0;
}

// *size is 0 when there is no intact record at `offset`.
static bool try_record(const Run *run, Segment *segment, int64_t offset, int64_t *size, Error *err)
{
    *size = 0;
    const char *bytes;
    if (segment->size - offset < (int64_t)sizeof(RecordHeader)) {
        return true;
    }
    if (!segment_read(segment, offset, sizeof(RecordHeader), &bytes, err)) {
        return false;
    }
    RecordHeader header = record_header((Slice){bytes, sizeof header});
    if (!is_plausible(run, segment, &header, offset) ||
        header.size > (uint64_t)(segment->size - offset)) {
        return true;
    }
    if (!segment_read(segment, offset, (int64_t)header.size, &bytes, err)) {
        return false;
    }
    *size = record_is_intact((Slice){bytes, (size_t)header.size}) ? (int64_t)header.size : 0;
    return true;
}

// What follows the last intact record is not zeros: says whether it is a torn write.
static bool check_torn(const Run *run, Segment *segment, int64_t offset, Error *err)
{
    const char *bytes;
    if (!segment->is_last) {
        return damaged(segment, offset, "no intact record, but the log goes on in a later file",
                       err);
    }
    if (segment->size - offset >= (int64_t)sizeof(RecordHeader)) {
        if (!segment_read(segment, offset, sizeof(RecordHeader), &bytes, err)) {
            return false;
        }
        RecordHeader header = record_header((Slice){bytes, sizeof header});
        uint64_t left = (uint64_t)(segment->size - offset);
        if (is_plausible(run, segment, &header, offset) && header.size < left) {
            int64_t at;
            if (!find_data(segment, offset + (int64_t)header.size, &at, err)) {
                return false;
            }
            if (at != segment->size) {
                return damaged(segment, offset, "checksum mismatch in a record that others follow",
                               err);
            }
        }
    }
    for (int64_t next = offset + 8; next < segment->size; next += 8) {
        int64_t size;
        if (next % (1 << 16) == 0) { // long stretches of zeros need no search
            int64_t at;
            if (!find_data(segment, next, &at, err)) {
                return false;
            }
            next = at / 8 * 8 > next ? at / 8 * 8 : next;
        }
        if (!try_record(run, segment, next, &size, err)) {
            return false;
        }
        if (size != 0) {
            return damaged(segment, offset, "a broken record, but an intact one follows", err);
        }
    }
    return true;
}

static bool hold_record(Run *run, Segment *segment, int64_t offset, int64_t size, Error *err)
{
    Replay *replay = run->replay;
    const char *bytes;
    if (!segment_read(segment, offset, size, &bytes, err)) {
        return false;
    }
    Slice record = {bytes, (size_t)size};
    RecordHeader header = record_header(record);
    if (replay->next_sequence != 0 && header.sequence != replay->next_sequence) {
        return damaged(segment, offset, "records are missing before this one", err);
    }
    if (replay->has_last &&
        !run->handler->apply(run->handler->context, buffer_slice(&replay->last), err)) {
        return false;
    }
    buffer_reset(&replay->last);
    buffer_append(&replay->last, record);
    replay->has_last = true;
    replay->next_sequence = header.sequence + 1;
    return true;
}

static bool check_header(const Run *run, Segment *segment, Slice bytes, Error *err)
{
    SegmentHeader header;
    memcpy(&header, bytes.data, sizeof header);
    size_t skip = offsetof(SegmentHeader, format);
    if (header.crc != crc32c_update(0, bytes.data + skip, bytes.size - skip)) {
        return damaged(segment, 0, "checksum mismatch in the file's header", err);
    }
    if (header.format != RECORD_FORMAT) {
        return fail(err, ERROR_FAILED,
                    "checkpoint %s was written by another version of tarn (log format %u, this one "
                    "reads %d): use that version or start anew with --full-refresh",
                    run->folder, header.format, RECORD_FORMAT);
    }
    if (header.segment != segment->number ||
        strncmp(header.checkpoint_id, run->checkpoint_id, sizeof header.checkpoint_id) != 0) {
        return damaged(segment, 0, "the file belongs to another checkpoint or was renamed", err);
    }
    if (run->replay->next_sequence != 0 && header.first_sequence != run->replay->next_sequence) {
        return damaged(segment, 0, "records are missing at the end of the file before this one",
                       err);
    }
    run->replay->next_sequence = header.first_sequence;

    Slice directory = {bytes.data + sizeof header, bytes.size - sizeof header};
    RecordReader reader = record_read_directory(directory, header.table_count);
    RecordRow row;
    while (record_next(&reader, &row)) {
        if (!run->handler->define(run->handler->context, &row, err)) {
            return false;
        }
    }
    return !reader.is_bad || damaged(segment, 0, "the list of tables cannot be read", err);
}

static bool read_segment(Run *run, Segment *segment, Error *err)
{
    const char *bytes;
    SegmentHeader header;
    if (segment->size < (int64_t)sizeof header) {
        return damaged(segment, segment->size, "the file ends before its header does", err);
    }
    if (!segment_read(segment, 0, sizeof header, &bytes, err)) {
        return false;
    }
    memcpy(&header, bytes, sizeof header);
    if (memcmp(header.magic, SEGMENT_MAGIC, sizeof header.magic) != 0 ||
        header.size < sizeof header || header.size % 8 != 0 || header.size > segment->size) {
        return damaged(segment, 0, "the file does not begin with a log header", err);
    }
    if (!segment_read(segment, 0, header.size, &bytes, err) ||
        !check_header(run, segment, (Slice){bytes, header.size}, err)) {
        return false;
    }
    int64_t offset = header.size;
    for (;;) {
        int64_t size;
        if (!try_record(run, segment, offset, &size, err)) {
            return false;
        }
        if (size == 0) {
            break;
        }
        if (!hold_record(run, segment, offset, size, err)) {
            return false;
        }
        offset += size;
    }
    run->replay->end = (LogPlace){segment->number, offset};
    int64_t at;
    if (!find_data(segment, offset, &at, err)) {
        return false;
    }
    run->replay->is_torn = at != segment->size;
    return !run->replay->is_torn || check_torn(run, segment, offset, err);
}

static bool open_segment(Run *run, uint64_t number, bool is_last, Error *err)
{
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(number, name);
    Segment segment = {.folder = run->folder, .number = number, .is_last = is_last};
    segment.fd = openat(run->folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (segment.fd < 0) {
        return fail_errno(err, "open %s/%s", run->folder, name);
    }
    struct stat status;
    bool ok = false;
    if (fstat(segment.fd, &status) != 0) {
        fail_errno(err, "read %s/%s", run->folder, name);
        goto out;
    }
    segment.size = status.st_size;
    ok = read_segment(run, &segment, err);
out:
    close(segment.fd);
    buffer_done(&segment.window);
    return ok;
}

static int compare_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// The numbers of the segment files, ascending, as a Buffer of uint64_t.
static bool list_segments(const char *folder, Buffer *numbers, Error *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return fail_errno(err, "list %s", folder);
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        const char *digits = entry->d_name + 4;
        size_t size = strlen(entry->d_name);
        if (strncmp(entry->d_name, "log.", 4) != 0 || size < 12 || size > 22 ||
            strspn(digits, "0123456789") != size - 4) {
            continue;
        }
        uint64_t number = strtoull(digits, NULL, 10);
        buffer_append_bytes(numbers, &number, sizeof number);
    }
    closedir(dir);
    if (numbers->size != 0) {
        qsort(numbers->data, numbers->size / sizeof(uint64_t), sizeof(uint64_t), compare_number);
    }
    return true;
}

static bool read_all(Run *run, Slice numbers, Error *err)
{
    size_t count = numbers.size / sizeof(uint64_t);
    if (count == 0) {
        return true;
    }
    const uint64_t *list = (const uint64_t *)(const void *)numbers.data;
    size_t first = count - 1;
    while (first > 0 && list[first - 1] == list[first] - 1) {
        first--; // files before a gap are leftovers of unlinking, or the gap is found out below
    }
    run->replay->oldest = list[0];
    for (size_t i = first; i < count; i++) {
        if (!open_segment(run, list[i], i == count - 1, err)) {
            return false;
        }
    }
    // Taking a record back leaves the files unlinked that it let go, so the record before it, which
    // ended the sweep round, is the one whose hand_segment holds.
    uint64_t next_live = 1;
    if (run->replay->has_last) {
        next_live = record_header(buffer_slice(&run->replay->last)).hand_segment;
    }
    run->replay->first = list[first];
    if (next_live < list[first]) {
        return replay_damaged(err, run->folder, list[first] - 1, 0, "the file is missing");
    }
    return true;
}

bool replay_run(const char *folder, int folder_fd, const char *checkpoint_id,
                const ReplayHandler *handler, Replay *replay, Error *err)
{
    *replay = (Replay){0};
    Run run = {
        .folder = folder,
        .folder_fd = folder_fd,
        .checkpoint_id = checkpoint_id,
        .checkpoint_crc = crc32c_update(0, checkpoint_id, strlen(checkpoint_id)),
        .handler = handler,
        .replay = replay,
    };
    Buffer numbers = {0};
    bool ok = list_segments(folder, &numbers, err) && read_all(&run, buffer_slice(&numbers), err);
    buffer_done(&numbers);
    if (!ok) {
        replay_done(replay);
    }
    if (ok && replay->next_sequence == 0) {
        replay->next_sequence = 1;
    }
    return ok;
}

void replay_done(Replay *replay)
{
    buffer_done(&replay->last);
    *replay = (Replay){0};
}
