// project_files.h -- which files of a project a glob means.
//
//     pipelines/**        every file below pipelines, at any depth
//     pipelines/*.sql     '*', '?' and [a-z] stay within one name
//     a/**/b.sql          '**' is zero or more folders
//
// Names that begin with '.' are left out, unless the glob spells the dot. Links are followed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/error.h"

typedef struct PathList {
    const char **items;
    size_t count;
    size_t capacity;
} PathList;

bool project_files_match(const char *pattern, const char *path);
// Appends the files under `root` that match and end in `suffix`, relative to root, in no order. A
// missing folder is an empty list. Paths are in the arena. Folders named `skip` (absolute; NULL:
// none) are not entered.
MUST_USE bool project_files_list(const char *root, const char *pattern, const char *suffix,
                                 const char *skip, Arena *arena, PathList *list, Error *err);
// Sorts by bytes and drops repeated paths.
void project_files_sort(PathList *list);
// The whole file; ERROR_INPUT when it is larger than 16 MiB, ERROR_RETRY when it cannot be read.
MUST_USE bool project_files_read(const char *path, Arena *arena, Slice *text, Error *err);
