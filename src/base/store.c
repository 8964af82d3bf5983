// SPDX-License-Identifier: Apache-2.0
#include "base/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "base/store_internal.h"

// ---- the seam ------------------------------------------------------------------------------

// Names are '/'-separated, relative, and stay below the root.
static bool check_name(const char *name, Error *err)
{
    if (name == NULL || name[0] == '\0' || name[0] == '/') {
        return fail(err, ERROR_INPUT, "'%s' is not a name inside a store",
                    name == NULL ? "" : name);
    }
    for (const char *part = name;; part++) {
        size_t size = strcspn(part, "/");
        bool is_dots = part[0] == '.' && (size == 1 || (size == 2 && part[1] == '.'));
        if (size == 0 || is_dots) {
            return fail(err, ERROR_INPUT, "'%s' is not a name inside a store", name);
        }
        part += size;
        if (*part == '\0') {
            return true;
        }
    }
}

static bool check_folder(const char *folder, Error *err)
{
    return folder[0] == '\0' || check_name(folder, err);
}

bool store_get(Store *store, const char *name, Buffer *bytes, bool *found, Error *err)
{
    return check_name(name, err) && store->type->get(store, name, bytes, found, err);
}

bool store_put(Store *store, const char *name, Slice bytes, Error *err)
{
    return check_name(name, err) && store->type->put(store, name, bytes, err);
}

bool store_put_if_absent(Store *store, const char *name, Slice bytes, Error *err)
{
    return check_name(name, err) && store->type->put_if_absent(store, name, bytes, err);
}

bool store_adopt(Store *store, const char *from, const char *name, Error *err)
{
    return check_name(from, err) && check_name(name, err) &&
           store->type->adopt(store, from, name, err);
}

bool store_remove(Store *store, const char *name, Error *err)
{
    return check_name(name, err) && store->type->remove(store, name, err);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const StoreEntry *)a)->name, ((const StoreEntry *)b)->name);
}

bool store_list(Store *store, const char *folder, const char *from, StoreList *list, Arena *arena,
                Error *err)
{
    StoreList found = {0};
    if (!check_folder(folder, err) ||
        !store->type->list(store, folder, from == NULL ? "" : from, &found, arena, err)) {
        return false;
    }
    if (found.count > 1) {
        qsort(found.entries, found.count, sizeof *found.entries, compare_entries);
    }
    *list = found;
    return true;
}

const char *store_root(const Store *store)
{
    return store->root;
}

void store_destroy(Store *store)
{
    if (store != NULL) {
        store->type->destroy(store);
    }
}

// ---- local folder --------------------------------------------------------------------------

// "<root>/<name>"; the caller frees.
static char *local_path(const Store *store, const char *name)
{
    Buffer path = {0};
    buffer_append_text(&path, store->root);
    if (name[0] != '\0') {
        buffer_append_char(&path, '/');
        buffer_append_text(&path, name);
    }
    return path.data;
}

// The kernel drops dirty pages after a failed fsync: a second one would lie. Never RETRY.
static bool sync_file(int file, const char *path, Error *err)
{
    if (fsync(file) != 0) {
        return fail(err, ERROR_FAILED, "fsync %s: %s; what was written may be lost", path,
                    strerror(errno));
    }
    return true;
}

// Makes a folder's entries (new names, renames) durable.
static bool sync_folder(const char *path, Error *err)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return fail_errno(err, "open folder %s", path);
    }
    bool ok = sync_file(folder, path, err);
    close(folder);
    return ok;
}

// The folder part of a path, in place: "a/b/c" -> "a/b", "/c" -> "/", "c" -> ".".
static void cut_to_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        path[0] = '.';
        path[1] = '\0';
    } else if (slash == path) {
        path[1] = '\0';
    } else {
        *slash = '\0';
    }
}

static bool sync_folder_of(const char *path, Error *err)
{
    char *folder = strdup(path);
    cut_to_folder(folder);
    bool ok = sync_folder(folder, err);
    free(folder);
    return ok;
}

// Makes a folder and its parents; each new one is made durable in its parent.
static bool make_folder(const char *path, Error *err)
{
    if (mkdir(path, 0777) == 0) {
        return sync_folder_of(path, err);
    }
    if (errno == EEXIST) {
        return true;
    }
    if (errno != ENOENT) {
        return fail_errno(err, "make folder %s", path);
    }
    char *parent = strdup(path);
    cut_to_folder(parent);
    bool ok = make_folder(parent, err);
    free(parent);
    if (!ok) {
        return false;
    }
    if (mkdir(path, 0777) != 0) {
        return errno == EEXIST ? true : fail_errno(err, "make folder %s", path);
    }
    return sync_folder_of(path, err);
}

static bool make_folder_of(const char *path, Error *err)
{
    char *folder = strdup(path);
    cut_to_folder(folder);
    bool ok = make_folder(folder, err);
    free(folder);
    return ok;
}

static bool write_all(int file, Slice bytes, const char *path, Error *err)
{
    while (bytes.size > 0) {
        ssize_t done = write(file, bytes.data, bytes.size);
        if (done < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail_errno(err, "write %s", path);
        }
        bytes.data += done;
        bytes.size -= (size_t)done;
    }
    return true;
}

// Writes and syncs a hidden file beside `path`; *temp is its path, the caller frees it. On failure
// nothing is left behind.
static bool write_temp(const char *path, Slice bytes, char **temp, Error *err)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash == NULL ? path : slash + 1;
    char unique[37];
    random_uuid(unique);
    Buffer name = {0};
    buffer_append(&name, (Slice){path, (size_t)(last - path)});
    buffer_printf(&name, ".%s.%s.tmp", last, unique);

    bool ok = false;
    int file = open(name.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) {
        fail_errno(err, "create %s", name.data);
        buffer_done(&name);
        return false;
    }
    ok = write_all(file, bytes, path, err) && sync_file(file, path, err);
    if (close(file) != 0 && ok) {
        ok = fail_errno(err, "close %s", path);
    }
    if (!ok) {
        unlink(name.data);
        buffer_done(&name);
        return false;
    }
    *temp = name.data;
    return true;
}

static bool local_get(Store *store, const char *name, Buffer *bytes, bool *found, Error *err)
{
    char *path = local_path(store, name);
    bool ok = false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        ok = errno == ENOENT || errno == ENOTDIR;
        if (ok) {
            *found = false;
        } else {
            fail_errno(err, "read %s", path);
        }
        goto out;
    }
    size_t before = bytes->size;
    struct stat info;
    if (fstat(file, &info) == 0 && info.st_size > 0) {
        buffer_reserve(bytes, (size_t)info.st_size + 1);
    }
    for (;;) {
        buffer_reserve(bytes, 4096);
        ssize_t got = read(file, bytes->data + bytes->size, bytes->capacity - bytes->size - 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            int code = errno;
            bytes->size = before;
            bytes->data[before] = '\0';
            errno = code;
            // A folder of this name is no object; anything else may go away.
            fail_errno(err, "read %s", path);
            goto out;
        }
        if (got == 0) {
            break;
        }
        bytes->size += (size_t)got;
    }
    bytes->data[bytes->size] = '\0';
    *found = true;
    ok = true;

out:
    if (file >= 0) {
        close(file);
    }
    free(path);
    return ok;
}

static bool local_put(Store *store, const char *name, Slice bytes, Error *err)
{
    char *path = local_path(store, name);
    char *temp = NULL;
    bool ok = make_folder_of(path, err) && write_temp(path, bytes, &temp, err);
    if (ok && rename(temp, path) != 0) {
        ok = fail_errno(err, "rename %s to %s", temp, path);
        unlink(temp);
    }
    ok = ok && sync_folder_of(path, err);
    free(temp);
    free(path);
    return ok;
}

// link(2) is the only call that names a whole file and fails when the name is taken, on every
// file system that has hard links.
static bool local_put_if_absent(Store *store, const char *name, Slice bytes, Error *err)
{
    char *path = local_path(store, name);
    char *temp = NULL;
    bool ok = make_folder_of(path, err);
    if (ok && access(path, F_OK) == 0) { // saves the writing; link below decides
        ok = fail(err, ERROR_CONFLICT, "%s exists already", path);
    }
    ok = ok && write_temp(path, bytes, &temp, err);
    if (ok && link(temp, path) != 0) {
        if (errno == EEXIST) {
            ok = fail(err, ERROR_CONFLICT, "%s exists already", path);
        } else if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS) {
            ok = fail(err, ERROR_FAILED,
                      "%s: this file system has no hard links, which atomic commits need", path);
        } else {
            ok = fail_errno(err, "link %s", path);
        }
    }
    if (temp != NULL) {
        unlink(temp);
    }
    ok = ok && sync_folder_of(path, err);
    free(temp);
    free(path);
    return ok;
}

// Every folder from the one that holds `path` up to the root, and the root's own entry: whoever
// wrote the file may have made them.
static bool sync_folders_up(const Store *store, const char *path, Error *err)
{
    char *folder = strdup(path);
    size_t root_size = strlen(store->root);
    bool ok = true;
    bool inside = true;
    while (ok && inside) {
        cut_to_folder(folder);
        inside =
            strlen(folder) >= root_size && strcmp(folder, ".") != 0 && strcmp(folder, "/") != 0;
        // Above the root there may be folders that we can pass but not read; then we did not make
        // the root either.
        if (inside || access(folder, R_OK) == 0) {
            ok = sync_folder(folder, err);
        }
    }
    free(folder);
    return ok;
}

static bool local_adopt(Store *store, const char *from, const char *name, Error *err)
{
    char *source = local_path(store, from);
    char *path = local_path(store, name);
    bool ok = false;
    int file = open(source, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        fail_errno(err, "open %s", source);
        goto out;
    }
    if (!sync_file(file, source, err) || !make_folder_of(path, err)) {
        goto out;
    }
    if (strcmp(source, path) != 0 && rename(source, path) != 0) {
        fail_errno(err, "rename %s to %s", source, path);
        goto out;
    }
    ok = sync_folders_up(store, path, err);

out:
    if (file >= 0) {
        close(file);
    }
    free(source);
    free(path);
    return ok;
}

static bool local_remove(Store *store, const char *name, Error *err)
{
    char *path = local_path(store, name);
    bool ok = true;
    if (unlink(path) == 0) {
        ok = sync_folder_of(path, err);
    } else if (errno != ENOENT && errno != ENOTDIR) {
        ok = fail_errno(err, "remove %s", path);
    }
    free(path);
    return ok;
}

static void add_entry(StoreList *list, Arena *arena, const char *folder, const char *name,
                      int64_t size, TimeUs modified)
{
    StoreEntry entry = {
        .name = folder[0] == '\0' ? arena_text(arena, slice_of(name))
                                  : arena_printf(arena, "%s/%s", folder, name),
        .size_bytes = size,
        .modified = modified,
    };
    ARENA_PUSH(arena, list->entries, list->count, list->capacity, entry);
}

static bool local_list(Store *store, const char *folder, const char *from, StoreList *list,
                       Arena *arena, Error *err)
{
    char *path = local_path(store, folder);
    bool ok = false;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        ok = errno == ENOENT;
        if (!ok) {
            fail_errno(err, "list %s", path);
        }
        goto out;
    }
    for (;;) {
        errno = 0;
        const struct dirent *item = readdir(dir);
        if (item == NULL) {
            break;
        }
        size_t size = strlen(item->d_name);
        bool is_temp =
            item->d_name[0] == '.' && size > 4 && strcmp(item->d_name + size - 4, ".tmp") == 0;
        if (is_temp || strcmp(item->d_name, from) < 0) {
            continue; // half-written files of this store are no objects
        }
        struct stat info;
        if (fstatat(dirfd(dir), item->d_name, &info, 0) != 0) {
            if (errno == ENOENT) {
                continue; // removed while we look
            }
            fail_errno(err, "list %s/%s", path, item->d_name);
            goto out;
        }
        if (S_ISREG(info.st_mode)) {
            TimeUs modified =
                (TimeUs)info.st_mtim.tv_sec * TIME_SECOND + (TimeUs)info.st_mtim.tv_nsec / 1000;
            add_entry(list, arena, folder, item->d_name, info.st_size, modified);
        }
    }
    if (errno != 0) {
        fail_errno(err, "list %s", path);
        goto out;
    }
    ok = true;

out:
    if (dir != NULL) {
        closedir(dir);
    }
    free(path);
    return ok;
}

static void local_destroy(Store *store)
{
    free(store->root);
    free(store);
}

static const StoreType local_type = {
    .get = local_get,
    .put = local_put,
    .put_if_absent = local_put_if_absent,
    .adopt = local_adopt,
    .remove = local_remove,
    .list = local_list,
    .destroy = local_destroy,
};

Store *store_local(const char *root)
{
    Store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    store->type = &local_type;
    size_t size = strlen(root);
    while (size > 1 && root[size - 1] == '/') {
        size--;
    }
    store->root = size == 0 ? strdup(".") : strndup(root, size);
    return store;
}
