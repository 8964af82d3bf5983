// Which version was current at a time [1.16].
//
// A commit's time is its file's modification time, made strictly increasing over the versions; with
// in-commit timestamps it is the one in commitInfo from the version on that enabled them.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lake/delta_feature.h"
#include "lake/delta_snapshot.h"

typedef struct Search {
    DeltaTable *table;
    const DeltaListing *listing;
    int64_t time_ms;
    int64_t enabled_version; // INT64_MAX: commits have no timestamps of their own
    int64_t enabled_ms;
    Arena *arena;
} Search;

static int64_t property_int(const DeltaSnapshot *snapshot, const char *key, int64_t missing)
{
    const char *text = delta_property(snapshot, key);
    return text == NULL ? missing : strtoll(text, NULL, 10);
}

static void find_enablement(Search *search)
{
    const DeltaSnapshot *snapshot = search->table->snapshot;
    search->enabled_version = INT64_MAX;
    search->enabled_ms = INT64_MAX;
    if (delta_feature_is_listed(snapshot->protocol, "inCommitTimestamp") &&
        delta_feature_property_is(snapshot->metadata, "delta.enableInCommitTimestamps", "true")) {
        search->enabled_version =
            property_int(snapshot, "delta.inCommitTimestampEnablementVersion", 0);
        search->enabled_ms =
            property_int(snapshot, "delta.inCommitTimestampEnablementTimestamp", 0);
    }
}

static bool commit_ms(Search *search, int64_t version, int64_t *time_ms, Error *err)
{
    DeltaActions actions = {0};
    bool found = false;
    if (!delta_log_read_commit(search->table->store, version, &actions, &found, search->arena,
                               err)) {
        return false;
    }
    if (!found || actions.in_commit_ms <= 0) {
        return fail(err, ERROR_CORRUPT, "table %s: commit %" PRId64 " has no inCommitTimestamp",
                    search->table->root, version);
    }
    *time_ms = actions.in_commit_ms;
    return true;
}

// The last index in [low, high) whose commit is not later than the time; -1: none.
static bool search_own_times(Search *search, int64_t low, int64_t high, int64_t *index, Error *err)
{
    *index = -1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int64_t time_ms;
        if (!commit_ms(search, search->listing->commits[middle].version, &time_ms, err)) {
            return false;
        }
        if (time_ms <= search->time_ms) {
            *index = middle;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return true;
}

static int64_t search_file_times(const Search *search, int64_t high, int64_t *last_ms)
{
    int64_t previous = INT64_MIN;
    int64_t index = -1;
    for (int64_t i = 0; i < high; i++) {
        int64_t time_ms = search->listing->commits[i].modified / TIME_MS;
        previous = time_ms > previous ? time_ms : previous + 1;
        if (previous <= search->time_ms) {
            index = i;
        }
    }
    *last_ms = previous;
    return index;
}

static bool fail_outside(const Search *search, bool before, Error *err)
{
    char text[32];
    time_format_iso(search->time_ms * TIME_MS, text);
    return fail(err, ERROR_INPUT, "table %s has no version at %s: %s", search->table->root, text,
                before ? "its oldest commit is later" : "its newest commit is older");
}

static bool find_version(Search *search, int64_t *version, Error *err)
{
    const DeltaListing *listing = search->listing;
    int64_t count = (int64_t)listing->commit_count;
    int64_t plain = 0; // commits before the timestamps were enabled
    while (plain < count && listing->commits[plain].version < search->enabled_version) {
        plain++;
    }
    int64_t index;
    int64_t last_ms = INT64_MIN;
    if (plain < count && (search->time_ms >= search->enabled_ms || plain == 0)) {
        if (!search_own_times(search, plain, count, &index, err) ||
            !commit_ms(search, listing->commits[count - 1].version, &last_ms, err)) {
            return false;
        }
    } else {
        index = search_file_times(search, plain, &last_ms);
        last_ms = plain < count ? INT64_MAX : last_ms;
    }
    if (index < 0 || search->time_ms > last_ms) {
        return fail_outside(search, index < 0, err);
    }
    *version = listing->commits[index].version;
    return true;
}

bool delta_snapshot_at_time(DeltaTable *table, DuckConn *conn, TimeUs time,
                            DeltaSnapshot **snapshot, Error *err)
{
    bool exists;
    if (!delta_refresh(table, conn, &exists, err)) {
        return false;
    }
    if (!exists) {
        return fail(err, ERROR_INPUT, "there is no Delta table in %s", table->root);
    }
    DeltaListing listing = {0};
    // Down to whole milliseconds, also before 1970.
    int64_t time_ms = time / TIME_MS - (time % TIME_MS < 0);
    Search search = {
        .table = table, .listing = &listing, .time_ms = time_ms, .arena = arena_create(0)};
    int64_t version = -1;
    find_enablement(&search);
    bool ok = delta_log_list(table->store, 0, &listing, search.arena, err) &&
              find_version(&search, &version, err) &&
              delta_snapshot_at_version(table, conn, version, snapshot, err);
    arena_destroy(search.arena);
    return ok;
}
