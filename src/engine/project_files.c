// SPDX-License-Identifier: Apache-2.0
#include "engine/project_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DEPTH_MAX = 24, // a link back up would be followed forever
    FILE_SIZE_MAX = 16 << 20,
};

// The first name of a path, without the '/'; *rest is what follows, NULL at the end.
static Slice first_name(const char *path, const char **rest)
{
    const char *slash = strchr(path, '/');
    *rest = slash == NULL ? NULL : slash + 1;
    return (Slice){path, slash == NULL ? strlen(path) : (size_t)(slash - path)};
}

static bool name_matches(Slice pattern, Slice name)
{
    char pattern_text[256];
    char name_text[256];
    if (pattern.size >= sizeof pattern_text || name.size >= sizeof name_text) {
        return false;
    }
    memcpy(pattern_text, pattern.data, pattern.size);
    pattern_text[pattern.size] = '\0';
    memcpy(name_text, name.data, name.size);
    name_text[name.size] = '\0';
    return fnmatch(pattern_text, name_text, FNM_PERIOD) == 0;
}

bool project_files_match(const char *pattern, const char *path)
{
    const char *pattern_rest = NULL;
    Slice want = first_name(pattern, &pattern_rest);
    const char *path_rest = NULL;
    Slice name = first_name(path, &path_rest);
    if (slice_is(want, "**")) {
        if (pattern_rest == NULL) { // everything below, except hidden names
            bool is_hidden = name.size > 0 && name.data[0] == '.';
            return !is_hidden && (path_rest == NULL || project_files_match(pattern, path_rest));
        }
        return project_files_match(pattern_rest, path) ||
               (path_rest != NULL && name.data[0] != '.' &&
                project_files_match(pattern, path_rest));
    }
    if (!name_matches(want, name) || (pattern_rest == NULL) != (path_rest == NULL)) {
        return false;
    }
    return pattern_rest == NULL || project_files_match(pattern_rest, path_rest);
}

typedef struct Walk {
    const char *root;
    const char *pattern;
    const char *suffix;
    const char *skip;
    Arena *arena;
    PathList *list;
} Walk;

static bool ends_in(const char *text, const char *suffix)
{
    size_t size = strlen(text);
    size_t suffix_size = strlen(suffix);
    return size >= suffix_size && strcmp(text + size - suffix_size, suffix) == 0;
}

static bool walk_folder(const Walk *walk, const char *folder, int depth, Error *err);

static bool walk_entry(const Walk *walk, const char *path, int depth, Error *err)
{
    const char *full = arena_printf(walk->arena, "%s/%s", walk->root, path);
    struct stat info;
    if (stat(full, &info) != 0) {
        return true; // a dangling link, or gone since readdir
    }
    if (S_ISDIR(info.st_mode)) {
        bool is_skipped = walk->skip != NULL && strcmp(full, walk->skip) == 0;
        return is_skipped || depth >= DEPTH_MAX || walk_folder(walk, path, depth + 1, err);
    }
    if (S_ISREG(info.st_mode) && ends_in(path, walk->suffix) &&
        project_files_match(walk->pattern, path)) {
        ARENA_PUSH(walk->arena, walk->list->items, walk->list->count, walk->list->capacity, path);
    }
    return true;
}

static bool walk_folder(const Walk *walk, const char *folder, int depth, Error *err)
{
    const char *full =
        folder[0] == '\0' ? walk->root : arena_printf(walk->arena, "%s/%s", walk->root, folder);
    DIR *entries = opendir(full);
    if (entries == NULL) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return true;
        }
        return fail_errno(err, "read the folder %s", full);
    }
    bool ok = true;
    for (struct dirent *entry = readdir(entries); ok && entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        const char *path = folder[0] == '\0'
                               ? arena_text(walk->arena, slice_of(entry->d_name))
                               : arena_printf(walk->arena, "%s/%s", folder, entry->d_name);
        ok = walk_entry(walk, path, depth, err);
    }
    closedir(entries);
    return ok;
}

bool project_files_list(const char *root, const char *pattern, const char *suffix, const char *skip,
                        Arena *arena, PathList *list, Error *err)
{
    while (pattern[0] == '.' && pattern[1] == '/') {
        pattern += 2;
    }
    Walk walk = {root, pattern, suffix, skip, arena, list};
    // Start at the last folder that the pattern names without a wildcard.
    size_t wild = strcspn(pattern, "*?[");
    if (pattern[wild] == '\0') {
        return walk_entry(&walk, pattern, 0, err);
    }
    while (wild > 0 && pattern[wild - 1] != '/') {
        wild--;
    }
    const char *folder = wild == 0 ? "" : arena_text(arena, (Slice){pattern, wild - 1});
    return walk_folder(&walk, folder, 0, err);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void project_files_sort(PathList *list)
{
    if (list->count < 2) {
        return;
    }
    qsort(list->items, list->count, sizeof *list->items, compare_paths);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(list->items[i], list->items[kept - 1]) != 0) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

bool project_files_read(const char *path, Arena *arena, Slice *text, Error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(err, "open %s", path);
    }
    bool ok = false;
    struct stat info;
    char *bytes = NULL;
    size_t size = 0;
    if (fstat(fd, &info) != 0) {
        fail_errno(err, "read %s", path);
        goto out;
    }
    if (!S_ISREG(info.st_mode) || info.st_size > FILE_SIZE_MAX) {
        fail(err, ERROR_INPUT, "%s is not a text file of at most 16 MiB", path);
        goto out;
    }
    bytes = arena_alloc(arena, (size_t)info.st_size + 1);
    while (size < (size_t)info.st_size) {
        ssize_t count = read(fd, bytes + size, (size_t)info.st_size - size);
        if (count < 0) {
            fail_errno(err, "read %s", path);
            goto out;
        }
        if (count == 0) {
            break; // it became shorter
        }
        size += (size_t)count;
    }
    *text = (Slice){bytes, size};
    ok = true;

out:
    close(fd);
    return ok;
}
