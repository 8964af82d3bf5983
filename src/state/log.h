// log.h -- the segments of a checkpoint's log, for writing. (base/log.h is for messages.)
//
//     log.00000007   [ SegmentHeader, table directory | record | record | zeros (preallocated) ]
//
//     log_create -> log_resume (after replay) -> { log_prepare, log_append | log_cut |
//     log_unlink_before }*
//
// A segment is made under a temporary name and renamed when its header is durable: a segment with a
// bad header is damage, never a crash. An append is one write and one sync. When it fails before
// the sync, the file is cut back and the log goes on; when a sync fails, the log is poisoned for
// good (README I9). After a test's fault point fired it refuses everything, too.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/folder.h"
#include "state/record.h"

#define SEGMENT_MAGIC "TARNLOG1"

typedef struct SegmentHeader {
    char magic[8];
    uint32_t crc;    // of everything behind it
    uint32_t format; // RECORD_FORMAT
    uint32_t size;   // with the directory, a multiple of 8
    uint32_t table_count;
    uint64_t segment;
    uint64_t first_sequence; // of its first record
    char checkpoint_id[40];
    // definitions of all tables that records before this segment know
} SegmentHeader;

typedef struct LogPlace {
    uint64_t segment; // 0: none
    int64_t offset;
} LogPlace;

typedef struct LogOptions {
    const char *folder; // must outlive the log
    int folder_fd;
    const char *checkpoint_id;
    FileSync sync;
} LogOptions;

typedef struct Log Log;

Log *log_create(const LogOptions *options);
void log_close(Log *log); // NULL is a no-op

// Goes on behind `end`. is_torn: what is there is cut off. `oldest` is the first segment file.
MUST_USE bool log_resume(Log *log, LogPlace end, bool is_torn, uint64_t oldest, Error *err);

// The segment that the next record goes to unless it has to begin another; 0: none yet.
uint64_t log_segment(const Log *log);

// Where the next record goes: a new segment begins when the current one has reached segment_limit;
// `tables` (count rows of RECORD_DEFINE) is written there.
MUST_USE bool log_prepare(Log *log, uint64_t sequence, int64_t segment_limit, Slice tables,
                          uint32_t table_count, LogPlace *place, Error *err);
// Makes the record, sealed for that place, durable.
MUST_USE bool log_append(Log *log, Slice record, int64_t segment_limit, Error *err);
int64_t log_bytes(Log *log, uint64_t segment); // of this segment and all behind it
// Cuts the log back to `place`, where its last record begins, durably. That is in the current
// segment, or in the one before it when a crash left the current one without records.
MUST_USE bool log_cut(Log *log, LogPlace place, Error *err);
void log_unlink_before(Log *log, uint64_t segment); // oldest first

enum { SEGMENT_NAME_SIZE = 32 };
void log_segment_name(uint64_t segment, char name[SEGMENT_NAME_SIZE]);
