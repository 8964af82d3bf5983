// Staging folders: sessions, locks, moving files out, cleaning up after the dead.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "lake/delta_path.h"
#include "lake/delta_stage.h"

static void full_path(const DeltaTable *table, const char *name, Buffer *path)
{
    buffer_reset(path);
    buffer_printf(path, "%s/%s", table->root, name);
}

static void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        unlink(path);
        return;
    }
    Buffer child = {0};
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        buffer_reset(&child);
        buffer_printf(&child, "%s/%s", path, entry->d_name);
        struct stat info;
        if (lstat(buffer_text(&child), &info) == 0 && S_ISDIR(info.st_mode)) {
            remove_tree(buffer_text(&child));
        } else {
            unlink(buffer_text(&child));
        }
    }
    closedir(folder);
    buffer_done(&child);
    rmdir(path);
}

static bool make_folders(const char *path, Error *err)
{
    Buffer part = {0};
    bool ok = true;
    for (const char *at = path; ok && *at != '\0';) {
        const char *slash = strchr(at + 1, '/');
        size_t size = slash == NULL ? strlen(path) : (size_t)(slash - path);
        buffer_reset(&part);
        buffer_append(&part, (Slice){path, size});
        if (mkdir(buffer_text(&part), 0777) != 0 && errno != EEXIST) {
            ok = fail_errno(err, "make folder %s", buffer_text(&part));
        }
        at = path + size;
    }
    buffer_done(&part);
    return ok;
}

// Makes <root>/_staging/<session>/ and takes its lock.
static bool begin_session(DeltaTable *table, Error *err)
{
    char id[37];
    char name[96];
    Buffer path = {0};
    random_uuid(id);
    full_path(table, "_staging", &path);
    bool ok = make_folders(buffer_text(&path), err);
    if (ok) {
        snprintf(name, sizeof name, "_staging/%s.lock", id);
        full_path(table, name, &path);
        int lock = open(buffer_text(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0) {
            ok = fail_errno(err, "lock %s", buffer_text(&path));
            if (lock >= 0) {
                close(lock);
            }
        } else {
            table->session_lock = lock;
            snprintf(table->session, sizeof table->session, "%s", id);
            snprintf(name, sizeof name, "_staging/%s", id);
            full_path(table, name, &path);
            ok = make_folders(buffer_text(&path), err);
        }
    }
    buffer_done(&path);
    return ok;
}

bool delta_stage_begin(DeltaTable *table, char name[96], Error *err)
{
    if (table->session_lock < 0 && !begin_session(table, err)) {
        return false;
    }
    snprintf(name, 96, "_staging/%s/%" PRId64, table->session, table->stage_count++);
    return true;
}

void delta_stage_discard(DeltaTable *table, const char *name)
{
    Buffer path = {0};
    full_path(table, name, &path);
    remove_tree(buffer_text(&path));
    buffer_done(&path);
}

static void remove_session(DeltaTable *table, const char *session)
{
    char name[96];
    snprintf(name, sizeof name, "_staging/%s", session);
    delta_stage_discard(table, name);
    snprintf(name, sizeof name, "_staging/%s.lock", session);
    delta_stage_discard(table, name);
}

void delta_stage_end_session(DeltaTable *table)
{
    if (table->session_lock < 0) {
        return;
    }
    Buffer path = {0};
    remove_session(table, table->session);
    close(table->session_lock);
    table->session_lock = -1;
    table->session[0] = '\0';
    full_path(table, "_staging", &path);
    rmdir(buffer_text(&path)); // fails while others stage, which is right
    buffer_done(&path);
}

void delta_clean_staged(DeltaTable *table)
{
    Buffer path = {0};
    full_path(table, "_staging", &path);
    DIR *folder = opendir(buffer_text(&path));
    for (struct dirent *entry = folder == NULL ? NULL : readdir(folder); entry != NULL;
         entry = readdir(folder)) {
        char session[40];
        size_t size = strlen(entry->d_name);
        if (size != 36 + strlen(".lock") || strcmp(entry->d_name + 36, ".lock") != 0) {
            continue;
        }
        snprintf(session, sizeof session, "%.36s", entry->d_name);
        full_path(table, "_staging/", &path);
        buffer_append_text(&path, entry->d_name);
        int lock = open(buffer_text(&path), O_RDWR | O_CLOEXEC);
        if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) {
            remove_session(table, session);
        }
        if (lock >= 0) {
            close(lock);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    buffer_done(&path);
}

// The file name below the root for an add.path written here.
static bool final_name(const char *uri, Buffer *name, Error *err)
{
    buffer_reset(name);
    return delta_path_decode(slice_of(uri), name, err);
}

bool delta_stage_publish(DeltaTable *table, const DeltaStaged *staged, Error *err)
{
    Buffer name = {0};
    Buffer path = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < staged->files.count; i++) {
        ok = final_name(staged->files.items[i].path, &name, err);
        full_path(table, staged->sources[i], &path);
        if (ok && access(buffer_text(&path), F_OK) != 0) {
            // A commit that failed later has moved it already.
            full_path(table, buffer_text(&name), &path);
            if (access(buffer_text(&path), F_OK) != 0) {
                ok = fail(err, ERROR_FAILED, "staged file %s of table %s has vanished",
                          staged->sources[i], table->root);
            }
            continue;
        }
        ok = ok && store_adopt(table->store, staged->sources[i], buffer_text(&name), err);
    }
    buffer_done(&name);
    buffer_done(&path);
    return ok;
}

void delta_unstage(DeltaTable *table, const DeltaStaged *staged)
{
    Buffer name = {0};
    Error ignored;
    for (size_t i = 0; i < staged->files.count; i++) {
        delta_stage_discard(table, staged->sources[i]);
        if (!table->keeps_published && final_name(staged->files.items[i].path, &name, &ignored)) {
            delta_stage_discard(table, buffer_text(&name));
        }
    }
    buffer_done(&name);
}
