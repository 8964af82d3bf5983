// Opening a table, finding the files of a version, catching up with the tail of the log.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lake/delta_feature.h"
#include "lake/delta_snapshot.h"
#include "lake/delta_stage.h"

DeltaTable *delta_open(const char *path)
{
    DeltaTable *table = calloc(1, sizeof *table);
    assert(table != NULL);
    if (strncmp(path, "file://", 7) == 0) {
        path += 7;
    }
    table->root = strdup(path);
    assert(table->root != NULL);
    for (size_t size = strlen(table->root); size > 1 && table->root[size - 1] == '/'; size--) {
        table->root[size - 1] = '\0';
    }
    table->store = store_local(table->root);
    table->session_lock = -1;
    return table;
}

void delta_close(DeltaTable *table)
{
    if (table == NULL) {
        return;
    }
    delta_stage_end_session(table);
    delta_snapshot_destroy(table->snapshot);
    store_destroy(table->store);
    free(table->root);
    free(table);
}

const char *delta_path(const DeltaTable *table)
{
    return table->root;
}

const DeltaSnapshot *delta_snapshot(const DeltaTable *table)
{
    return table->snapshot;
}

const char *delta_checkpoint_problem(const DeltaTable *table)
{
    return table->checkpoint_error.kind == ERROR_NONE ? NULL : table->checkpoint_error.message;
}

// ---- loading -------------------------------------------------------------------------------

// Is there every commit of (after, to]? Commits are ascending.
static bool has_commits(const DeltaListing *listing, int64_t after, int64_t to, int64_t *missing)
{
    int64_t next = after + 1;
    for (size_t i = 0; i < listing->commit_count && next <= to; i++) {
        int64_t version = listing->commits[i].version;
        if (version > next) {
            break;
        }
        next += version == next;
    }
    *missing = next;
    return next > to;
}

static int64_t newest_version(const DeltaListing *listing)
{
    int64_t version = -1;
    if (listing->commit_count > 0) {
        version = listing->commits[listing->commit_count - 1].version;
    }
    for (size_t i = 0; i < listing->checkpoint_count; i++) {
        // A checkpoint may outlive its commit's JSON.
        if (listing->checkpoints[i].version > version) {
            version = listing->checkpoints[i].version;
        }
    }
    return version;
}

static bool replay_commits(DeltaSnapshot *snapshot, Store *store, int64_t to, Error *err)
{
    Arena *arena = arena_create(0);
    bool ok = true;
    while (ok && snapshot->version < to) {
        arena_reset(arena);
        DeltaActions actions = {0};
        bool found = false;
        int64_t version = snapshot->version + 1;
        ok = delta_log_read_commit(store, version, &actions, &found, arena, err);
        if (ok && !found) {
            ok = fail(err, ERROR_CORRUPT, "table %s: commit %" PRId64 " is missing", snapshot->root,
                      version);
        }
        ok = ok && delta_snapshot_apply(snapshot, &actions, version, err);
    }
    arena_destroy(arena);
    return ok;
}

static bool load_from(Store *store, const char *root, DuckConn *conn,
                      const DeltaCheckpointFiles *checkpoint, int64_t to, DeltaSnapshot **loaded,
                      Error *err)
{
    DeltaSnapshot *snapshot = delta_snapshot_create(root);
    bool ok = true;
    if (checkpoint != NULL) {
        Arena *arena = arena_create(0);
        DeltaActions actions = {0};
        ok = delta_log_read_checkpoint(store, conn, checkpoint, &actions, arena, err) &&
             delta_snapshot_apply(snapshot, &actions, checkpoint->version, err);
        snapshot->checkpoint_version = checkpoint->version;
        arena_destroy(arena);
    }
    ok = ok && replay_commits(snapshot, store, to, err);
    if (ok && (snapshot->protocol == NULL || snapshot->metadata == NULL)) {
        ok = fail(err, ERROR_CORRUPT, "table %s: the log up to version %" PRId64 " has no %s", root,
                  to, snapshot->protocol == NULL ? "protocol" : "metaData");
    }
    if (!ok) {
        delta_snapshot_destroy(snapshot);
        return false;
    }
    *loaded = snapshot;
    return true;
}

// Newest checkpoint first; a damaged one is passed over when older files still give the version.
static bool load_listing(Store *store, const char *root, DuckConn *conn,
                         const DeltaListing *listing, int64_t to, DeltaSnapshot **loaded,
                         Error *err)
{
    bool tried = false;
    Error first = {0};
    for (size_t i = listing->checkpoint_count; i > 0; i--) {
        const DeltaCheckpointFiles *checkpoint = &listing->checkpoints[i - 1];
        int64_t missing;
        if (checkpoint->version > to || !has_commits(listing, checkpoint->version, to, &missing)) {
            continue;
        }
        Error problem;
        if (load_from(store, root, conn, checkpoint, to, loaded, &problem)) {
            return true;
        }
        if (problem.kind != ERROR_CORRUPT) {
            *err = problem;
            return false;
        }
        first = tried ? first : problem;
        tried = true;
    }
    int64_t missing;
    if (has_commits(listing, -1, to, &missing)) {
        return load_from(store, root, conn, NULL, to, loaded, err);
    }
    if (tried) {
        *err = first;
        return false;
    }
    return fail(err, ERROR_CORRUPT,
                "table %s: version %" PRId64 " cannot be read: commit %" PRId64
                " is missing and no checkpoint covers it",
                root, to, missing);
}

static bool load_with(Store *store, const char *root, DuckConn *conn, int64_t from,
                      int64_t max_version, DeltaSnapshot **loaded, Error *err)
{
    Arena *arena = arena_create(0);
    DeltaListing listing = {0};
    bool ok = delta_log_list(store, from, &listing, arena, err);
    int64_t newest = ok ? newest_version(&listing) : -1;
    *loaded = NULL;
    if (ok && newest >= 0) {
        if (max_version != INT64_MAX && max_version > newest) {
            ok = fail(err, ERROR_INPUT,
                      "table %s has no version %" PRId64 "; the newest is %" PRId64, root,
                      max_version, newest);
        } else {
            int64_t to = max_version < newest ? max_version : newest;
            ok = load_listing(store, root, conn, &listing, to, loaded, err);
        }
    }
    arena_destroy(arena);
    return ok;
}

bool delta_snapshot_load(Store *store, const char *root, DuckConn *conn, int64_t max_version,
                         DeltaSnapshot **snapshot, Error *err)
{
    // The hint saves listing what came before it; whatever goes wrong with it, list from 0.
    int64_t hint = delta_log_hint(store);
    DeltaSnapshot *loaded = NULL;
    if (hint > 0 && hint <= max_version) {
        Error ignored;
        if (load_with(store, root, conn, hint, max_version, &loaded, &ignored) && loaded != NULL) {
            *snapshot = loaded;
            return true;
        }
    }
    if (!load_with(store, root, conn, 0, max_version, &loaded, err)) {
        return false;
    }
    *snapshot = loaded;
    return true;
}

// ---- catching up ---------------------------------------------------------------------------

// Reads N+1, N+2 ... until one is not there. Then our own N must still be there: when it has been
// cleaned up, N+1 may have been too, and its absence says nothing.
static bool follow(DeltaTable *table, bool *stale, Error *err)
{
    DeltaSnapshot *snapshot = table->snapshot;
    Arena *arena = arena_create(0);
    bool ok = true;
    bool found = true;
    while (ok && found) {
        arena_reset(arena);
        DeltaActions actions = {0};
        int64_t version = snapshot->version + 1;
        ok = delta_log_read_commit(table->store, version, &actions, &found, arena, err);
        if (ok && found) {
            ok = delta_snapshot_apply(snapshot, &actions, version, err);
        }
    }
    if (ok) {
        Buffer bytes = {0};
        char name[DELTA_LOG_NAME_MAX];
        bool there = false;
        delta_log_commit_name(snapshot->version, name);
        ok = store_get(table->store, name, &bytes, &there, err);
        *stale = !there;
        buffer_done(&bytes);
    }
    arena_destroy(arena);
    return ok;
}

bool delta_refresh(DeltaTable *table, DuckConn *conn, bool *exists, Error *err)
{
    bool stale = table->snapshot == NULL;
    if (!stale && !follow(table, &stale, err)) {
        return false;
    }
    if (stale) {
        DeltaSnapshot *loaded = NULL;
        if (!delta_snapshot_load(table->store, table->root, conn, INT64_MAX, &loaded, err)) {
            return false;
        }
        delta_snapshot_destroy(table->snapshot);
        table->snapshot = loaded;
    }
    *exists = table->snapshot != NULL;
    return true;
}

bool delta_snapshot_at_version(DeltaTable *table, DuckConn *conn, int64_t version,
                               DeltaSnapshot **snapshot, Error *err)
{
    DeltaSnapshot *loaded = NULL;
    if (version < 0) {
        return fail(err, ERROR_INPUT, "table %s has no version %" PRId64, table->root, version);
    }
    if (!delta_snapshot_load(table->store, table->root, conn, version, &loaded, err)) {
        return false;
    }
    if (loaded == NULL) {
        return fail(err, ERROR_INPUT, "there is no Delta table in %s", table->root);
    }
    *snapshot = loaded;
    return true;
}

bool delta_version_files(DeltaTable *table, int64_t version, DeltaFiles *files, bool *removes,
                         bool *found, Arena *arena, Error *err)
{
    const DeltaSnapshot *snapshot = table->snapshot;
    DeltaActions actions = {0};
    bool there = false;
    if (snapshot == NULL) {
        return fail(err, ERROR_INPUT, "there is no Delta table in %s", table->root);
    }
    if (!delta_log_read_commit(table->store, version, &actions, &there, arena, err)) {
        return false;
    }
    if (!there && version <= snapshot->version) {
        return fail(err, ERROR_CORRUPT,
                    "table %s: version %" PRId64 " has been cleaned up before it was read; keep "
                    "the log longer (delta.logRetentionDuration) or start the flow afresh",
                    table->root, version);
    }
    *found = there;
    *removes = false;
    for (size_t i = 0; i < actions.removes.count; i++) {
        *removes |= actions.removes.items[i].data_change;
    }
    for (size_t i = 0; i < actions.adds.count; i++) {
        const DeltaFileAction *add = &actions.adds.items[i];
        if (!add->data_change) {
            continue;
        }
        if (add->vector_id != NULL) {
            return fail(err, ERROR_INPUT,
                        "table %s needs the Delta reader feature 'deletionVectors', which tarn "
                        "does not support",
                        table->root);
        }
        DeltaFile file = {
            .path = add->path,
            .partition_values = delta_snapshot_partition_values(snapshot, &add->partition, arena),
            .size_bytes = add->size_bytes,
            .modified_ms = add->time_ms,
            .data_change = true,
            .stats = add->stats,
            .version = version,
        };
        ARENA_PUSH(arena, files->items, files->count, files->capacity, file);
    }
    return true;
}
