// store_internal.h -- the table of functions behind a Store; only store*.c include it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/store.h"

// Names are checked before these are called. `list` need not sort; `from` is never NULL.
typedef struct StoreType {
    bool (*get)(Store *store, const char *name, Buffer *bytes, bool *found, Error *err);
    bool (*put)(Store *store, const char *name, Slice bytes, Error *err);
    bool (*put_if_absent)(Store *store, const char *name, Slice bytes, Error *err);
    bool (*adopt)(Store *store, const char *from, const char *name, Error *err);
    bool (*remove)(Store *store, const char *name, Error *err);
    bool (*list)(Store *store, const char *folder, const char *from, StoreList *list, Arena *arena,
                 Error *err);
    void (*destroy)(Store *store);
} StoreType;

struct Store {
    const StoreType *type;
    char *root;
};
