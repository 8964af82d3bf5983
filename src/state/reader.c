// SPDX-License-Identifier: Apache-2.0
#include "state/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "state/image.h"
#include "state/record.h"
#include "state/replay.h"

enum {
    FILE_SLOTS = 64,  // open files; a segment has one of them, by its number
    GUESS_MIN = 64,   // bytes read for a row at first
    GUESS_MAX = 4096, // a longer row takes a second read
    RUN_ITEMS = 16,   // read by one thread in a row
};

typedef struct OpenFile {
    uint64_t segment; // 0: none
    int fd;
    uint32_t users;
} OpenFile;

struct Reader {
    const char *folder;
    int folder_fd;
    StateBudget *budget;
    pthread_mutex_t lock;
    OpenFile files[FILE_SLOTS];
};

Reader *reader_create(const char *folder, int folder_fd, StateBudget *budget)
{
    Reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    reader->folder = folder;
    reader->folder_fd = folder_fd;
    reader->budget = budget;
    pthread_mutex_init(&reader->lock, NULL);
    return reader;
}

void reader_destroy(Reader *reader)
{
    if (reader == NULL) {
        return;
    }
    reader_forget_before(reader, UINT64_MAX);
    pthread_mutex_destroy(&reader->lock);
    free(reader);
}

void reader_forget_before(Reader *reader, uint64_t segment)
{
    pthread_mutex_lock(&reader->lock);
    for (size_t i = 0; i < FILE_SLOTS; i++) {
        OpenFile *file = &reader->files[i];
        if (file->segment != 0 && file->segment < segment && file->users == 0) {
            close(file->fd);
            *file = (OpenFile){0};
        }
    }
    pthread_mutex_unlock(&reader->lock);
}

static int open_segment(const Reader *reader, uint64_t segment)
{
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(segment, name);
    return openat(reader->folder_fd, name, O_RDONLY | O_CLOEXEC);
}

// The file of a segment, until release_file. The slot may be in use for another segment: then the
// file is the caller's alone.
static int acquire_file(Reader *reader, uint64_t segment)
{
    OpenFile *file = &reader->files[segment % FILE_SLOTS];
    pthread_mutex_lock(&reader->lock);
    if (file->segment != segment && file->users == 0) {
        if (file->segment != 0) {
            close(file->fd);
        }
        int fd = open_segment(reader, segment);
        *file = fd < 0 ? (OpenFile){0} : (OpenFile){.segment = segment, .fd = fd};
    }
    bool is_shared = file->segment == segment;
    int fd = file->fd;
    file->users += is_shared;
    pthread_mutex_unlock(&reader->lock);
    return is_shared ? fd : open_segment(reader, segment);
}

static void release_file(Reader *reader, uint64_t segment, int fd)
{
    OpenFile *file = &reader->files[segment % FILE_SLOTS];
    pthread_mutex_lock(&reader->lock);
    bool is_shared = file->segment == segment && file->fd == fd;
    file->users -= is_shared;
    pthread_mutex_unlock(&reader->lock);
    if (!is_shared && fd >= 0) {
        close(fd);
    }
}

static ssize_t read_at(int fd, char *bytes, size_t size, int64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, bytes + done, size - done, offset + (int64_t)done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static bool cannot_read(const Reader *reader, uint64_t segment, Error *err)
{
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(segment, name);
    if (errno == ENOENT) {
        return replay_damaged(err, reader->folder, segment, 0, "the file is missing");
    }
    return fail_errno(err, "read %s/%s", reader->folder, name);
}

bool reader_read(Reader *reader, uint64_t segment, int64_t offset, size_t size, Buffer *bytes,
                 Error *err)
{
    buffer_reset(bytes);
    buffer_reserve(bytes, size);
    int fd = acquire_file(reader, segment);
    ssize_t got = fd < 0 ? -1 : read_at(fd, bytes->data, size, offset);
    if (got < 0) {
        cannot_read(reader, segment, err);
    } else {
        bytes->size = (size_t)got;
    }
    release_file(reader, segment, fd);
    return got >= 0;
}

// ---- rows ------------------------------------------------------------------------------------

typedef struct Fetch {
    Reader *reader;
    ReaderItem *items;
    size_t count;
    char *bytes;
    _Atomic int problem; // errno of a failed read, of this segment
    _Atomic uint64_t segment;
} Fetch;

static int compare_image(const void *a, const void *b)
{
    uint64_t x = ((const ReaderItem *)a)->image;
    uint64_t y = ((const ReaderItem *)b)->image;
    return (x > y) - (x < y);
}

static void read_run(void *context, size_t run)
{
    Fetch *fetch = context;
    size_t end = (run + 1) * RUN_ITEMS < fetch->count ? (run + 1) * RUN_ITEMS : fetch->count;
    uint64_t segment = 0;
    int fd = -1;
    for (size_t i = run * RUN_ITEMS; i < end; i++) {
        ReaderItem *item = &fetch->items[i];
        if (image_segment(item->image) != segment) {
            if (segment != 0) {
                release_file(fetch->reader, segment, fd);
            }
            segment = image_segment(item->image);
            fd = acquire_file(fetch->reader, segment);
        }
        ssize_t got = fd < 0 ? -1
                             : read_at(fd, fetch->bytes + item->at, item->size,
                                       (int64_t)image_offset(item->image));
        if (got < 0) {
            atomic_store(&fetch->segment, segment);
            atomic_store(&fetch->problem, errno);
            break;
        }
        item->size = (size_t)got;
    }
    if (segment != 0) {
        release_file(fetch->reader, segment, fd);
    }
}

// The items' own bytes, as many as item->size says, are read to where item->at says.
static bool read_items(Reader *reader, ReaderItem *items, size_t count, Buffer *scratch, Error *err)
{
    Fetch fetch = {.reader = reader, .items = items, .count = count, .bytes = scratch->data};
    budget_run(reader->budget, read_run, &fetch, (count + RUN_ITEMS - 1) / RUN_ITEMS);
    if (fetch.problem != 0) {
        errno = fetch.problem;
        return cannot_read(reader, fetch.segment, err);
    }
    return true;
}

static bool damaged_row(const Reader *reader, const ReaderItem *item, Error *err)
{
    return replay_damaged(err, reader->folder, image_segment(item->image),
                          (int64_t)image_offset(item->image), "checksum mismatch in a row");
}

static ImageCheck check_item(ReaderItem *item, const Buffer *scratch, size_t *size)
{
    Slice bytes = {scratch->data + item->at, item->size};
    return record_read_image(bytes, item->table, item->bucket, &item->key, &item->value, size);
}

// Rows longer than their guess are read again, whole.
static bool read_long_items(Reader *reader, ReaderItem *items, size_t count, Buffer *scratch,
                            Error *err)
{
    for (size_t i = 0; i < count; i++) {
        ReaderItem *item = &items[i];
        size_t size = 0;
        while (check_item(item, scratch, &size) == IMAGE_SHORT) {
            if (item->size >= size) {
                return damaged_row(reader, item, err);
            }
            buffer_reserve(scratch, size);
            item->at = scratch->size;
            size_t want = item->size = size;
            scratch->size += size;
            if (!read_items(reader, item, 1, scratch, err)) {
                return false;
            }
            if (item->size < want) {
                return damaged_row(reader, item, err); // it would reach beyond the end of the file
            }
        }
    }
    return true;
}

bool reader_fetch(Reader *reader, ReaderItem *items, size_t count, Buffer *scratch, Error *err)
{
    buffer_reset(scratch);
    if (count == 0) {
        return true;
    }
    qsort(items, count, sizeof *items, compare_image);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t guess = items[i].guess < GUESS_MIN ? GUESS_MIN : items[i].guess;
        items[i].at = total;
        items[i].size = guess > GUESS_MAX ? GUESS_MAX : guess;
        total += items[i].size;
    }
    buffer_reserve(scratch, total);
    scratch->size = total;
    if (!read_items(reader, items, count, scratch, err) ||
        !read_long_items(reader, items, count, scratch, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t size = 0;
        if (check_item(&items[i], scratch, &size) != IMAGE_GOOD) {
            return damaged_row(reader, &items[i], err);
        }
    }
    return true;
}
