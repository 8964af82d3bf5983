// SPDX-License-Identifier: Apache-2.0
#include "state/records.h"

#include <unistd.h>

#include "state/replay.h"

typedef struct Visit {
    RecordsFn visit;
    void *context;
} Visit;

static bool skip_table(void *context, const RecordRow *definition, Error *err)
{
    (void)context;
    (void)definition;
    (void)err;
    return true;
}

static bool visit_record(void *context, Slice record, Error *err)
{
    const Visit *visit = context;
    RecordHeader header = record_header(record);
    LogRecord found = {
        .position = {header.batch, header.epoch, record_meta(record), header.crc},
        .row_count = header.row_count - header.sweep_count,
        .size_bytes = (int64_t)header.size,
    };
    return visit->visit(visit->context, &found, err);
}

bool records_read(const char *folder, RecordsFn visit, void *context, Error *err)
{
    char id[64];
    bool found = false;
    int folder_fd = -1;
    Visit each = {visit, context};
    ReplayHandler handler = {&each, skip_table, visit_record};
    Replay replay = {0};
    if (!folder_open(folder, &folder_fd, err)) {
        return false;
    }
    bool ok = folder_read_text(folder_fd, folder, "identity", id, sizeof id, &found, err);
    if (ok && !found) {
        ok = fail(err, ERROR_INPUT, "%s is no checkpoint: the file identity is missing", folder);
    }
    ok = ok && replay_run(folder, folder_fd, id, &handler, &replay, err);
    ok = ok && (!replay.has_last || visit_record(&each, buffer_slice(&replay.last), err));
    replay_done(&replay);
    close(folder_fd);
    return ok;
}
