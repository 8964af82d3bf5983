// records.h -- the records of a checkpoint's log, one after the other: what its batches were.
//
// Reads without the lock, also while another process appends: a record that is being written is not
// there yet. A file that is unlinked, or a record completed, in the middle of reading gives an
// error: whoever reads beside a running instance tries again.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/state.h"

typedef struct LogRecord {
    StatePosition position; // its meta lives during the call
    int64_t row_count;      // changes of state in the record
    int64_t size_bytes;
} LogRecord;

typedef bool (*RecordsFn)(void *context, const LogRecord *record, Error *err);

// Calls `visit` for each record that is still there, oldest first.
MUST_USE bool records_read(const char *folder, RecordsFn visit, void *context, Error *err);
