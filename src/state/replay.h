// replay.h -- reads a checkpoint's log: what is intact, what is torn, what is damaged.
//
// All segments from the first without a gap are read in order. Every intact record but the last
// goes to `apply`; the last is handed over in `last`. Behind it there must be zeros (README I6) or,
// in the last segment only, the remains of one record that was being written: is_torn. Remains are
// taken for torn when nothing lies behind the end they claim to have and no intact record of this
// place and a later sequence follows. Everything else is ERROR_CORRUPT with file and offset.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/log.h"

typedef struct ReplayHandler {
    void *context;
    bool (*define)(void *context, const RecordRow *definition, Error *err);
    bool (*apply)(void *context, Slice record, Error *err);
} ReplayHandler;

typedef struct Replay {
    bool has_last;
    Buffer last;  // the held-back record
    LogPlace end; // behind it; segment 0: no log yet
    bool is_torn;
    uint64_t oldest;        // first segment file that is there; 0: none
    uint64_t first;         // first segment that was read
    uint64_t next_sequence; // of the record that would follow
} Replay;

MUST_USE bool replay_run(const char *folder, int folder_fd, const char *checkpoint_id,
                         const ReplayHandler *handler, Replay *replay, Error *err);
void replay_done(Replay *replay);

// Fills err with the message for a damaged segment. Returns false.
bool replay_damaged(Error *err, const char *folder, uint64_t segment, int64_t offset,
                    const char *problem);
