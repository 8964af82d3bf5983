// SPDX-License-Identifier: Apache-2.0
#include "connector/file_list.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool is_pattern(const char *path)
{
    return strpbrk(path, "*?[{") != NULL;
}

static bool is_visible(const char *name)
{
    size_t size = strlen(name);
    return name[0] != '_' && name[0] != '.' && !(size >= 4 && strcmp(name + size - 4, ".tmp") == 0);
}

const char *file_list_resolve(const FileQuery *query, const char *name, Arena *arena)
{
    if (name[0] == '/' || query->root == NULL) {
        return name;
    }
    return arena_printf(arena, "%s/%s", query->root, name);
}

// `resolved` without the root that file_list_resolve put before it.
static const char *unresolve(const FileQuery *query, const char *resolved)
{
    return query->path[0] == '/' || query->root == NULL ? resolved
                                                        : resolved + strlen(query->root) + 1;
}

static bool stat_file(const char *resolved, const char *name, ListedFile *file)
{
    struct stat st;
    if (stat(resolved, &st) != 0 || !S_ISREG(st.st_mode)) {
        return false;
    }
    *file = (ListedFile){
        .name = name,
        .size = st.st_size,
        .modified = (TimeUs)st.st_mtim.tv_sec * TIME_SECOND + st.st_mtim.tv_nsec / 1000,
    };
    return true;
}

bool file_list_stat(const FileQuery *query, const char *name, ListedFile *file)
{
    Buffer resolved = {0};
    if (name[0] != '/' && query->root != NULL) {
        buffer_printf(&resolved, "%s/", query->root);
    }
    buffer_append_text(&resolved, name);
    bool found = stat_file(buffer_text(&resolved), name, file);
    buffer_done(&resolved);
    return found;
}

static void add_file(const FileQuery *query, const char *resolved, FileList *list, Arena *arena)
{
    const char *slash = strrchr(resolved, '/');
    const char *own = slash == NULL ? resolved : slash + 1;
    if (!is_visible(own) ||
        (query->name_filter != NULL && fnmatch(query->name_filter, own, 0) != 0)) {
        return;
    }
    const char *name = unresolve(query, resolved);
    ListedFile file;
    if ((query->skip != NULL && query->skip(query->context, name)) ||
        !stat_file(resolved, NULL, &file)) {
        return;
    }
    file.name = arena_text(arena, slice_of(name));
    ARENA_PUSH(arena, list->items, list->count, list->capacity, file);
}

static bool add_folder(const FileQuery *query, const char *resolved, FileList *list, Arena *arena,
                       Error *err);

static bool add_entry(const FileQuery *query, const char *resolved, const struct dirent *entry,
                      FileList *list, Arena *arena, Error *err)
{
    bool is_folder = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK) {
        struct stat st;
        is_folder = stat(resolved, &st) == 0 && S_ISDIR(st.st_mode);
    }
    if (!is_folder) {
        add_file(query, resolved, list, arena);
        return true;
    }
    if (!is_visible(entry->d_name)) {
        return true;
    }
    if (query->recursive) {
        return add_folder(query, resolved, list, arena, err);
    }
    if (strchr(entry->d_name, '=') != NULL) {
        return fail(err, ERROR_INPUT,
                    "'%s' looks like a partition folder, and partition columns are not supported; "
                    "recursiveFileLookup => true reads the files without them",
                    unresolve(query, resolved));
    }
    return true;
}

static bool add_folder(const FileQuery *query, const char *resolved, FileList *list, Arena *arena,
                       Error *err)
{
    DIR *dir = opendir(resolved);
    if (dir == NULL) {
        // A subfolder may go away between readdir and here.
        return errno == ENOENT || fail_errno(err, "list folder '%s'", unresolve(query, resolved));
    }
    bool good = true;
    Buffer path = {0};
    buffer_append_text(&path, resolved);
    if (path.size > 0 && path.data[path.size - 1] != '/') {
        buffer_append_char(&path, '/');
    }
    size_t stem = path.size;
    for (struct dirent *entry; good && (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        path.size = stem;
        buffer_append_text(&path, entry->d_name);
        good = add_entry(query, buffer_text(&path), entry, list, arena, err);
    }
    buffer_done(&path);
    closedir(dir);
    return good;
}

static bool add_path(const FileQuery *query, const char *resolved, FileList *list, Arena *arena,
                     Error *err)
{
    struct stat st;
    if (stat(resolved, &st) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) {
            return fail_errno(err, "read '%s'", query->path);
        }
        return fail(err, ERROR_INPUT,
                    "[PATH_NOT_FOUND] folder '%s' does not exist; create it first, "
                    "or correct the path (it starts at the project's folder)",
                    query->path);
    }
    if (S_ISDIR(st.st_mode)) {
        return add_folder(query, resolved, list, arena, err);
    }
    add_file(query, resolved, list, arena);
    return true;
}

// The folder before the first component with a pattern must exist, so that a typing error in a
// glob is noticed.
static bool check_glob_folder(const FileQuery *query, Error *err)
{
    size_t size = strcspn(query->path, "*?[{");
    while (size > 0 && query->path[size - 1] != '/') {
        size--;
    }
    if (size <= 1) {
        return true;
    }
    Buffer folder = {0};
    if (query->path[0] != '/' && query->root != NULL) {
        buffer_printf(&folder, "%s/", query->root);
    }
    buffer_append_bytes(&folder, query->path, size - 1);
    struct stat st;
    bool found = stat(buffer_text(&folder), &st) == 0 && S_ISDIR(st.st_mode);
    buffer_done(&folder);
    return found || fail(err, ERROR_INPUT,
                         "[PATH_NOT_FOUND] folder '%.*s' does not exist; create it first, "
                         "or correct the path",
                         (int)size - 1, query->path);
}

// The root is not the user's pattern: its special characters stand for themselves.
static void write_pattern(const FileQuery *query, Buffer *out)
{
    if (query->path[0] != '/' && query->root != NULL) {
        for (const char *c = query->root; *c != '\0'; c++) {
            if (strchr("*?[]{}\\", *c) != NULL) {
                buffer_append_char(out, '\\');
            }
            buffer_append_char(out, *c);
        }
        buffer_append_char(out, '/');
    }
    buffer_append_text(out, query->path);
}

static bool add_glob(const FileQuery *query, FileList *list, Arena *arena, Error *err)
{
    if (!check_glob_folder(query, err)) {
        return false;
    }
    glob_t matches = {0};
    bool good = true;
    Buffer pattern = {0};
    write_pattern(query, &pattern);
    int result = glob(buffer_text(&pattern), GLOB_NOSORT | GLOB_BRACE, NULL, &matches);
    buffer_done(&pattern);
    if (result != 0 && result != GLOB_NOMATCH) {
        good = fail(err, ERROR_RETRY, "cannot list '%s'", query->path);
    }
    for (size_t i = 0; result == 0 && good && i < matches.gl_pathc; i++) {
        const char *slash = strrchr(matches.gl_pathv[i], '/');
        if (is_visible(slash == NULL ? matches.gl_pathv[i] : slash + 1)) {
            good = add_path(query, matches.gl_pathv[i], list, arena, err);
        }
    }
    globfree(&matches);
    return good;
}

static int compare(const void *a, const void *b)
{
    const ListedFile *x = a;
    const ListedFile *y = b;
    if (x->modified != y->modified) {
        return x->modified < y->modified ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

static int compare_newest(const void *a, const void *b)
{
    return compare(b, a);
}

bool file_list_read(const FileQuery *query, FileList *list, Arena *arena, Error *err)
{
    FileList found = {0};
    bool good =
        is_pattern(query->path)
            ? add_glob(query, &found, arena, err)
            : add_path(query, file_list_resolve(query, query->path, arena), &found, arena, err);
    if (!good) {
        return false;
    }
    if (found.count > 1) {
        qsort(found.items, found.count, sizeof *found.items,
              query->newest_first ? compare_newest : compare);
    }
    *list = found;
    return true;
}
