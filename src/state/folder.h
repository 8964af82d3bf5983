// folder.h -- the small files of a checkpoint folder: lock, identity, epoch.
//
// folder_write_text is durable when it returns (temporary file, sync, rename, sync of the folder).
// `sync` is the fsync to use; see StateOptions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

typedef int (*FileSync)(int fd);

// Makes the folder and its missing parents, durably.
MUST_USE bool folder_make(const char *folder, Error *err);
MUST_USE bool folder_open(const char *folder, int *fd, Error *err);

// ERROR_CONFLICT, naming the process, when another one holds the lock.
MUST_USE bool folder_lock(int folder_fd, const char *folder, int *lock_fd, Error *err);

// The file's text without its final newline; *found is false when there is no such file.
MUST_USE bool folder_read_text(int folder_fd, const char *folder, const char *name, char *text,
                               size_t capacity, bool *found, Error *err);
MUST_USE bool folder_write_text(int folder_fd, const char *folder, const char *name,
                                const char *text, FileSync sync, Error *err);
