// reader.h -- reads what lies in the log while the log is being written.
//
//     reader_read      bytes of a segment in order: for the sweep
//     reader_fetch     single rows by their images (image.h), checked and unpacked
//
// A fetch reads in the order of the files, on several threads when there is much to read (the
// budget's helpers): a disk answers many questions at once. What fails its checksum is
// ERROR_CORRUPT naming file and offset. Segments are opened when first read and closed when they
// are unlinked. Thread-safe.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "state/budget.h"

typedef struct Reader Reader;

Reader *reader_create(const char *folder, int folder_fd, StateBudget *budget); // borrows both
void reader_destroy(Reader *reader);                                           // NULL is a no-op

// Up to `size` bytes; fewer at the end of the file. Empties `bytes` first.
MUST_USE bool reader_read(Reader *reader, uint64_t segment, int64_t offset, size_t size,
                          Buffer *bytes, Error *err);

typedef struct ReaderItem {
    uint64_t image;
    int64_t bucket;
    uint32_t table;
    uint32_t guess; // of the image's size
    size_t owner;   // the caller's
    size_t at;      // in the scratch
    size_t size;    // read so far, then of the image
    Slice key;      // answers, in the scratch
    Slice value;
} ReaderItem;

// Sorts the items by image. Empties the scratch first.
MUST_USE bool reader_fetch(Reader *reader, ReaderItem *items, size_t count, Buffer *scratch,
                           Error *err);

void reader_forget_before(Reader *reader, uint64_t segment);
