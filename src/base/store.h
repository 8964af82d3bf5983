// store.h -- everything durable that is not written by DuckDB or the state log goes through here.
//
// A Store names objects by path under one root ("_delta_log/0000.json"). Two implementations:
// store_local() on a folder and store_memory() for tests, which can fail on command. Delta's
// atomicity needs only put_if_absent. All durable calls return after fsync of file and folder.
//
//   put_if_absent   temp file + fsync + link(2) + fsync of the folder; ERROR_CONFLICT when the name
//                   exists already. Readers see the whole object or none.
//   put             temp file + fsync + rename(2) + fsync of the folder
//   adopt           fsync of a file that someone else wrote at `from` (a path in the same root),
//   then
//                   rename to `name`, making and syncing parent folders: data files of a commit
//
// A name never leaves its root: "..", a leading "/", and NUL are ERROR_INPUT. fsync errors are
// ERROR_FAILED and must stop the process' writes (never retried: the kernel drops dirty pages).
// Thread-safe. The caller frees: store_get fills a Buffer, list uses the caller's arena.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

typedef struct StoreEntry {
    const char *name; // relative to the root, '/'-separated
    int64_t size_bytes;
    TimeUs modified;
} StoreEntry;

typedef struct StoreList {
    StoreEntry *entries; // sorted by name (bytewise)
    size_t count;
    size_t capacity;
} StoreList;

typedef struct Store Store;

Store *store_local(const char *root); // the folder is made at the first put
Store *store_memory(void);
void store_destroy(Store *store);
const char *store_root(const Store *store); // "" for memory

// False with ERROR_RETRY when it cannot be read; *found is false when there is no such object.
MUST_USE bool store_get(Store *store, const char *name, Buffer *bytes, bool *found, Error *err);
MUST_USE bool store_put(Store *store, const char *name, Slice bytes, Error *err);
MUST_USE bool store_put_if_absent(Store *store, const char *name, Slice bytes, Error *err);
MUST_USE bool store_adopt(Store *store, const char *from, const char *name, Error *err);
MUST_USE bool store_remove(Store *store, const char *name, Error *err); // absent is fine
// Objects directly in `folder` (no recursion, no folders) whose name part is >= `from` (NULL: all).
// A missing folder is an empty list.
MUST_USE bool store_list(Store *store, const char *folder, const char *from, StoreList *list,
                         Arena *arena, Error *err);

// Tests: the next `count` calls whose operation is `operation` ("put_if_absent", ...) fail with
// `kind`; with `after` the effect happens first (the reply is lost).
void store_memory_fail(Store *store, const char *operation, int count, ErrorKind kind, bool after);
