// file_list.h -- which files a path names: a folder, one file, or a glob.
//
// Names that begin with '_' or '.' or end in ".tmp" are never seen: writers use them for files that
// are not finished. Files are sorted by modification time, then name; a file vanishing while it is
// listed is left out. Listing costs one readdir of each folder, and one stat for each file that
// `skip` does not know.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

typedef struct ListedFile {
    const char *name; // begins with the path as it was given
    int64_t size;
    TimeUs modified;
} ListedFile;

typedef struct FileList {
    ListedFile *items;
    size_t count;
    size_t capacity;
} FileList;

typedef struct FileQuery {
    const char *root; // relative paths start here; NULL: the current folder
    const char *path; // as given: folder, file or glob
    bool recursive;
    bool newest_first;
    const char *name_filter;                       // glob on the file's own name; NULL: none
    bool (*skip)(void *context, const char *name); // NULL: none
    void *context;
} FileQuery;

// ERROR_INPUT [PATH_NOT_FOUND] when the folder (of a glob: the part before the first pattern) does
// not exist. Names live in the arena.
MUST_USE bool file_list_read(const FileQuery *query, FileList *list, Arena *arena, Error *err);
// Size and time of one file now; false: gone.
bool file_list_stat(const FileQuery *query, const char *name, ListedFile *file);
// Where `name` is for open(2).
const char *file_list_resolve(const FileQuery *query, const char *name, Arena *arena);
