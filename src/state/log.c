// SPDX-License-Identifier: Apache-2.0
#include "state/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fault.h"

enum { RESERVE_BYTES = 4 << 20 }; // preallocated at a time

static const char *const TEMPORARY_NAME = "log.new";

typedef enum LogStatus {
    LOG_GOOD,
    LOG_POISONED, // a sync failed
    LOG_CRASHED,  // a test's fault point fired
} LogStatus;

struct Log {
    LogOptions options;
    LogStatus status;
    int fd; // of the current segment, or -1
    uint64_t segment;
    uint64_t oldest;
    int64_t first;   // where its records begin
    int64_t end;     // of its last record
    int64_t older;   // bytes of the segments before it
    int64_t skipped; // of them, those before the segment skipped_to
    uint64_t skipped_to;
    int64_t reserved; // the file reaches at least to here, with zeros behind end
    bool cannot_reserve;
};

_Static_assert(sizeof(SegmentHeader) == 80, "the header is a file format");

void log_segment_name(uint64_t segment, char name[SEGMENT_NAME_SIZE])
{
    snprintf(name, SEGMENT_NAME_SIZE, "log.%08llu", (unsigned long long)segment);
}

Log *log_create(const LogOptions *options)
{
    Log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    log->options = *options;
    log->fd = -1;
    log->oldest = 1;
    log->skipped_to = 1;
    return log;
}

void log_close(Log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->fd >= 0) {
        close(log->fd);
    }
    free(log);
}

uint64_t log_segment(const Log *log)
{
    return log->segment;
}

static int64_t segment_bytes(const Log *log, uint64_t segment)
{
    char name[SEGMENT_NAME_SIZE];
    struct stat status;
    log_segment_name(segment, name);
    return fstatat(log->options.folder_fd, name, &status, 0) == 0 ? status.st_size : 0;
}

int64_t log_bytes(Log *log, uint64_t segment)
{
    for (; log->skipped_to < segment && log->skipped_to < log->segment; log->skipped_to++) {
        log->skipped += segment_bytes(log, log->skipped_to);
    }
    for (;
         log->skipped_to > segment && log->skipped_to > log->oldest;) { // a hand that was put back
        log->skipped -= segment_bytes(log, --log->skipped_to);
    }
    return log->older - log->skipped + log->end;
}

static bool check_status(const Log *log, Error *err)
{
    switch (log->status) {
    case LOG_GOOD:
        return true;
    case LOG_CRASHED:
        return fail(err, ERROR_CRASH, "fault");
    default:
        return fail(err, ERROR_FAILED,
                    "checkpoint %s: an earlier sync to disk failed, so nothing more is written: "
                    "check the disk, then start again",
                    log->options.folder);
    }
}

static bool sync_file(Log *log, int fd, const char *name, Error *err)
{
    if (log->options.sync(fd) == 0) {
        return true;
    }
    log->status = LOG_POISONED;
    return fail(err, ERROR_FAILED,
                "sync %s/%s: %s: what reached the disk is unknown; check the disk, then start "
                "again",
                log->options.folder, name, strerror(errno));
}

static bool crash(Log *log, Error *err)
{
    log->status = LOG_CRASHED;
    return fail(err, ERROR_CRASH, "fault");
}

static bool write_at(int fd, const char *data, size_t size, int64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, data, size, offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            errno = written == 0 ? ENOSPC : errno;
            return false;
        }
        data += written;
        size -= (size_t)written;
        offset += written;
    }
    return true;
}

static bool allocate(int fd, int64_t from, int64_t to)
{
    int result;
    do {
        result = fallocate(fd, 0, from, to - from);
    } while (result != 0 && errno == EINTR);
    return result == 0;
}

// Blocks for [reserved, to), and for some more so that most syncs need not write the file's size.
static bool reserve(Log *log, int fd, int64_t to, int64_t segment_limit, Error *err)
{
    if (to <= log->reserved || log->cannot_reserve) {
        return true;
    }
    int64_t more = log->reserved + RESERVE_BYTES;
    more = more > segment_limit ? segment_limit : more;
    more = more < to ? to : more;
    if (allocate(fd, log->reserved, more)) {
        log->reserved = more;
        return true;
    }
    if (errno == ENOSPC && more > to && allocate(fd, log->reserved, to)) {
        log->reserved = to;
        return true;
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS) {
        log->cannot_reserve = true; // the write itself will find the space, or not
        return true;
    }
    return fail_errno(err, "checkpoint %s: write the log", log->options.folder);
}

static void segment_header(const Log *log, uint64_t segment, uint64_t first_sequence, Slice tables,
                           uint32_t table_count, Buffer *bytes)
{
    SegmentHeader header = {
        .magic = SEGMENT_MAGIC,
        .format = RECORD_FORMAT,
        .size = (uint32_t)((sizeof header + tables.size + 7) & ~(size_t)7),
        .table_count = table_count,
        .segment = segment,
        .first_sequence = first_sequence,
    };
    snprintf(header.checkpoint_id, sizeof header.checkpoint_id, "%s", log->options.checkpoint_id);
    buffer_append_bytes(bytes, &header, sizeof header);
    buffer_append(bytes, tables);
    while (bytes->size < header.size) {
        buffer_append_char(bytes, '\0');
    }
    size_t skip = offsetof(SegmentHeader, format);
    header.crc = crc32c_update(0, bytes->data + skip, bytes->size - skip);
    memcpy(bytes->data, &header, sizeof header);
}

// Writes header and reserved zeros under the temporary name and renames when they are durable.
static bool publish_segment(Log *log, int fd, uint64_t segment, Slice header, int64_t limit,
                            Error *err)
{
    int folder_fd = log->options.folder_fd;
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(segment, name);
    log->reserved = 0;
    if (!reserve(log, fd, (int64_t)header.size, limit, err)) {
        return false;
    }
    if (!write_at(fd, header.data, header.size, 0)) {
        return fail_errno(err, "write %s/%s", log->options.folder, name);
    }
    if (!sync_file(log, fd, name, err)) {
        return false;
    }
    if (renameat(folder_fd, TEMPORARY_NAME, folder_fd, name) != 0) {
        return fail_errno(err, "make %s/%s", log->options.folder, name);
    }
    if (!sync_file(log, folder_fd, name, err)) {
        return false;
    }
    return FAULT("state.after_segment") ? crash(log, err) : true;
}

static bool begin_segment(Log *log, uint64_t first_sequence, int64_t limit, Slice tables,
                          uint32_t table_count, Error *err)
{
    int fd = openat(log->options.folder_fd, TEMPORARY_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
                    0666);
    if (fd < 0) {
        return fail_errno(err, "checkpoint %s: make a log segment", log->options.folder);
    }
    Buffer header = {0};
    segment_header(log, log->segment + 1, first_sequence, tables, table_count, &header);
    int64_t size = (int64_t)header.size;
    int64_t reserved_before = log->reserved;
    bool ok = publish_segment(log, fd, log->segment + 1, buffer_slice(&header), limit, err);
    buffer_done(&header);
    if (!ok) {
        log->reserved = reserved_before;
        close(fd);
        return false;
    }
    if (log->fd >= 0) {
        // Gives the unused blocks back; if that does not work, zeros stay behind.
        if (ftruncate(log->fd, log->end) != 0) {
            errno = 0;
        }
        close(log->fd);
    }
    log->fd = fd;
    log->segment++;
    log->older += log->end;
    log->first = size;
    log->end = size;
    return true;
}

bool log_resume(Log *log, LogPlace end, bool is_torn, uint64_t oldest, Error *err)
{
    log->oldest = oldest == 0 ? 1 : oldest;
    log->skipped_to = log->oldest;
    unlinkat(log->options.folder_fd, TEMPORARY_NAME, 0); // of a crash; usually absent
    if (end.segment == 0) {
        return true;
    }
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(end.segment, name);
    int fd = openat(log->options.folder_fd, name, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(err, "open %s/%s", log->options.folder, name);
    }
    struct stat status;
    SegmentHeader header;
    if (fstat(fd, &status) != 0 || pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header) {
        fail_errno(err, "read %s/%s", log->options.folder, name);
        close(fd);
        return false;
    }
    log->fd = fd;
    log->segment = end.segment;
    log->first = header.size;
    log->end = end.offset;
    log->reserved = status.st_size;
    for (uint64_t segment = log->oldest; segment < end.segment; segment++) {
        log->older += segment_bytes(log, segment);
    }
    return !is_torn || log_cut(log, end, err);
}

static bool write_record(Log *log, Slice record, Error *err)
{
    size_t half = 0;
    if (fault_is_armed()) {
        half = record.size / 2;
        if (!write_at(log->fd, record.data, half, log->end)) {
            return fail_errno(err, "checkpoint %s: write the log", log->options.folder);
        }
        if (FAULT("state.mid_record")) {
            return crash(log, err);
        }
    }
    if (!write_at(log->fd, record.data + half, record.size - half, log->end + (int64_t)half)) {
        return fail_errno(err, "checkpoint %s: write the log", log->options.folder);
    }
    return true;
}

// Removes the traces of a record that could not be written, so that zeros follow the end again.
static void take_back(Log *log)
{
    if (ftruncate(log->fd, log->end) != 0) {
        log->status = LOG_POISONED;
    }
    log->reserved = log->end;
}

bool log_prepare(Log *log, uint64_t sequence, int64_t segment_limit, Slice tables,
                 uint32_t table_count, LogPlace *place, Error *err)
{
    if (!check_status(log, err)) {
        return false;
    }
    bool is_full = log->end >= segment_limit && log->end > log->first;
    if ((log->fd < 0 || is_full) &&
        !begin_segment(log, sequence, segment_limit, tables, table_count, err)) {
        return false;
    }
    *place = (LogPlace){log->segment, log->end};
    return true;
}

bool log_append(Log *log, Slice record, int64_t segment_limit, Error *err)
{
    int64_t end = log->end + (int64_t)record.size;
    if (!check_status(log, err) || !reserve(log, log->fd, end, segment_limit, err)) {
        return false;
    }
    if (!write_record(log, record, err)) {
        if (err->kind != ERROR_CRASH) {
            take_back(log);
        }
        return false;
    }
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(log->segment, name);
    if (!sync_file(log, log->fd, name, err)) {
        return false;
    }
    log->end = end;
    log->reserved = log->reserved < end ? end : log->reserved;
    return true;
}

// Drops the current segment, which holds no record, and goes back to the one before it.
static bool reopen_segment(Log *log, uint64_t segment, Error *err)
{
    char name[SEGMENT_NAME_SIZE];
    for (; log->segment > segment; log->segment--) {
        log_segment_name(log->segment, name);
        if (unlinkat(log->options.folder_fd, name, 0) != 0) {
            return fail_errno(err, "remove %s/%s", log->options.folder, name);
        }
    }
    log_segment_name(segment, name);
    if (!sync_file(log, log->options.folder_fd, name, err)) {
        return false;
    }
    close(log->fd);
    log->older -= segment_bytes(log, segment);
    log->fd = openat(log->options.folder_fd, name, O_RDWR | O_CLOEXEC);
    SegmentHeader header;
    if (log->fd < 0 || pread(log->fd, &header, sizeof header, 0) != (ssize_t)sizeof header) {
        return fail_errno(err, "open %s/%s", log->options.folder, name);
    }
    log->first = header.size;
    return true;
}

bool log_cut(Log *log, LogPlace place, Error *err)
{
    if (!check_status(log, err)) {
        return false;
    }
    log->status = LOG_POISONED; // until it is done: nothing may follow a record that shall be gone
    if (place.segment != log->segment && !reopen_segment(log, place.segment, err)) {
        return false;
    }
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(log->segment, name);
    if (ftruncate(log->fd, place.offset) != 0) {
        return fail_errno(err, "cut %s/%s", log->options.folder, name);
    }
    log->end = place.offset;
    log->reserved = place.offset;
    if (!sync_file(log, log->fd, name, err)) {
        return false;
    }
    log->status = LOG_GOOD;
    return true;
}

void log_unlink_before(Log *log, uint64_t segment)
{
    for (; log->oldest < segment; log->oldest++) {
        char name[SEGMENT_NAME_SIZE];
        log_segment_name(log->oldest, name);
        int64_t size = segment_bytes(log, log->oldest);
        if (unlinkat(log->options.folder_fd, name, 0) != 0 && errno != ENOENT) {
            return; // tried again after the next record; until then it is replayed in vain
        }
        log->older -= size;
        if (log->oldest < log->skipped_to) {
            log->skipped -= size;
        } else {
            log->skipped_to = log->oldest + 1;
        }
    }
}
