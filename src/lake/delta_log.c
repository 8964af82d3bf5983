// SPDX-License-Identifier: Apache-2.0
#include "lake/delta_log.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "lake/delta_log_parquet.h"

// ---- names ---------------------------------------------------------------------------------

static bool take_digits(const char **text, int count, int64_t *value)
{
    int64_t number = 0;
    for (int i = 0; i < count; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9' || number > (INT64_MAX - 9) / 10) {
            return false;
        }
        number = number * 10 + (c - '0');
    }
    *text += count;
    *value = number;
    return true;
}

static bool take(const char **text, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(*text, word, size) != 0) {
        return false;
    }
    *text += size;
    return true;
}

static bool take_uuid(const char **text)
{
    for (int i = 0; i < 36; i++) {
        char c = (*text)[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !hex) {
            return false;
        }
    }
    *text += 36;
    return true;
}

bool delta_log_parse_name(const char *name, DeltaLogName *parsed)
{
    DeltaLogName found = {DELTA_LOG_COMMIT, 0, 1, 1};
    const char *text = name;
    if (!take_digits(&text, 20, &found.version)) {
        return false;
    }
    if (strcmp(text, ".json") == 0) {
        *parsed = found;
        return true;
    }
    if (!take(&text, ".checkpoint.")) {
        return false;
    }
    const char *rest = text;
    if (strcmp(text, "parquet") == 0) {
        found.kind = DELTA_LOG_CLASSIC;
    } else if (take_uuid(&rest) && strcmp(rest, ".json") == 0) {
        found.kind = DELTA_LOG_V2_JSON;
    } else if (strcmp(rest, ".parquet") == 0) {
        found.kind = DELTA_LOG_V2_PARQUET;
    } else if (take_digits(&text, 10, &found.part) && take(&text, ".") &&
               take_digits(&text, 10, &found.parts) && strcmp(text, ".parquet") == 0 &&
               found.part >= 1 && found.part <= found.parts) {
        found.kind = DELTA_LOG_PART;
    } else {
        return false;
    }
    *parsed = found;
    return true;
}

void delta_log_commit_name(int64_t version, char name[DELTA_LOG_NAME_MAX])
{
    snprintf(name, DELTA_LOG_NAME_MAX, "_delta_log/%020" PRId64 ".json", version);
}

// ---- listing -------------------------------------------------------------------------------

// The names are sorted, so the parts of a checkpoint come one after the other, 1 to p.
static void note_part(DeltaListing *listing, DeltaCheckpointFiles *open, const DeltaLogName *name,
                      const char *path, Arena *arena)
{
    if (name->part == 1 || open->version != name->version) {
        *open = (DeltaCheckpointFiles){DELTA_LOG_PART, name->version, {0}};
    }
    ARENA_PUSH(arena, open->names.items, open->names.count, open->names.capacity, path);
    if (name->part == name->parts && open->names.count == (size_t)name->parts) {
        ARENA_PUSH(arena, listing->checkpoints, listing->checkpoint_count,
                   listing->checkpoint_capacity, *open);
    }
}

bool delta_log_list(Store *store, int64_t from_version, DeltaListing *listing, Arena *arena,
                    Error *err)
{
    StoreList list = {0};
    const char *from = arena_printf(arena, "%020" PRId64, from_version);
    if (!store_list(store, "_delta_log", from, &list, arena, err)) {
        return false;
    }
    DeltaCheckpointFiles open = {DELTA_LOG_PART, -1, {0}};
    for (size_t i = 0; i < list.count; i++) {
        const StoreEntry *entry = &list.entries[i];
        const char *slash = strrchr(entry->name, '/');
        const char *base = slash == NULL ? entry->name : slash + 1;
        DeltaLogName name;
        if (!delta_log_parse_name(base, &name)) {
            continue;
        }
        const char *path = arena_printf(arena, "_delta_log/%s", base);
        if (name.kind == DELTA_LOG_COMMIT) {
            DeltaCommitFile commit = {name.version, entry->modified};
            ARENA_PUSH(arena, listing->commits, listing->commit_count, listing->commit_capacity,
                       commit);
        } else if (name.kind == DELTA_LOG_PART) {
            note_part(listing, &open, &name, path, arena);
        } else {
            DeltaCheckpointFiles files = {name.kind, name.version, {0}};
            ARENA_PUSH(arena, files.names.items, files.names.count, files.names.capacity, path);
            ARENA_PUSH(arena, listing->checkpoints, listing->checkpoint_count,
                       listing->checkpoint_capacity, files);
        }
    }
    return true;
}

int64_t delta_log_hint(Store *store)
{
    Buffer bytes = {0};
    Error ignored;
    bool found = false;
    int64_t version = -1;
    if (store_get(store, "_delta_log/_last_checkpoint", &bytes, &found, &ignored) && found) {
        json_t *json = json_loadb(buffer_text(&bytes), bytes.size, 0, NULL);
        const json_t *value = json_object_get(json, "version");
        version = json_is_integer(value) ? json_integer_value(value) : -1;
        json_decref(json);
    }
    buffer_done(&bytes);
    return version < 0 ? -1 : version;
}

// ---- reading -------------------------------------------------------------------------------

bool delta_log_read_commit(Store *store, int64_t version, DeltaActions *actions, bool *found,
                           Arena *arena, Error *err)
{
    char name[DELTA_LOG_NAME_MAX];
    delta_log_commit_name(version, name);
    Buffer bytes = {0};
    bool there = false;
    bool ok = store_get(store, name, &bytes, &there, err);
    // Every writer puts something into a commit: nothing at all is a file cut to zero bytes.
    if (ok && there && bytes.size == 0) {
        ok = fail(err, ERROR_CORRUPT, "table %s: commit %s is empty", store_root(store), name);
    }
    if (ok && there) {
        ok = delta_action_parse(buffer_slice(&bytes), name, actions, arena, err) ||
             (store_root(store)[0] != '\0' && fail_context(err, "table %s", store_root(store)));
        for (size_t i = 0; ok && i < actions->adds.count; i++) {
            actions->adds.items[i].version = version;
        }
    }
    buffer_done(&bytes);
    if (ok) {
        *found = there;
    }
    return ok;
}

static bool read_json_manifest(Store *store, const char *name, DeltaActions *actions, Arena *arena,
                               Error *err)
{
    Buffer bytes = {0};
    bool found = false;
    bool ok = store_get(store, name, &bytes, &found, err);
    if (ok && !found) {
        ok = fail(err, ERROR_CORRUPT, "%s has vanished", name);
    }
    ok = ok && delta_action_parse(buffer_slice(&bytes), name, actions, arena, err);
    buffer_done(&bytes);
    return ok;
}

// A sidecar is named by bare file name under _sidecars, URI-encoded; a path that would leave the
// folder is damage.
static bool sidecar_names(const DeltaNames *sidecars, DeltaNames *names, Arena *arena, Error *err)
{
    for (size_t i = 0; i < sidecars->count; i++) {
        const char *path = sidecars->items[i];
        if (strchr(path, '/') != NULL || strchr(path, '%') != NULL) {
            return fail(err, ERROR_CORRUPT, "sidecar '%s' is not a plain file name", path);
        }
        ARENA_PUSH(arena, names->items, names->count, names->capacity,
                   arena_printf(arena, "_delta_log/_sidecars/%s", path));
    }
    return true;
}

bool delta_log_read_checkpoint(Store *store, DuckConn *conn, const DeltaCheckpointFiles *files,
                               DeltaActions *actions, Arena *arena, Error *err)
{
    DeltaNames sidecars = {0};
    if (files->kind == DELTA_LOG_V2_JSON) {
        if (!read_json_manifest(store, files->names.items[0], actions, arena, err)) {
            return false;
        }
    } else if (!delta_log_read_parquet(store, conn, &files->names, actions, arena, err)) {
        return false;
    }
    if (!sidecar_names(&actions->sidecars, &sidecars, arena, err)) {
        return false;
    }
    return sidecars.count == 0 ||
           delta_log_read_parquet(store, conn, &sidecars, actions, arena, err);
}
