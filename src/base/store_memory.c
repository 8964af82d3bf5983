// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/store_internal.h"

enum { MAX_SCRIPTS = 16 };

typedef struct Object {
    Buffer bytes;
    TimeUs modified;
} Object;

// The next `count` calls of `operation` fail.
typedef struct Script {
    char operation[24];
    int count;
    ErrorKind kind;
    bool after;
} Script;

typedef struct MemoryStore {
    Store store; // first member: a MemoryStore * is a Store *
    pthread_mutex_t lock;
    Map *objects; // name -> Object
    TimeUs ticks; // modification times: every change is one microsecond after the last
    Script scripts[MAX_SCRIPTS];
} MemoryStore;

static const char *const operations[] = {"get", "put", "put_if_absent", "adopt", "remove", "list"};

void store_memory_fail(Store *store, const char *operation, int count, ErrorKind kind, bool after)
{
    MemoryStore *memory = (MemoryStore *)store;
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        known |= strcmp(operations[i], operation) == 0;
    }
    pthread_mutex_lock(&memory->lock);
    Script *free_script = NULL;
    for (size_t i = 0; i < MAX_SCRIPTS && free_script == NULL; i++) {
        if (memory->scripts[i].count == 0) {
            free_script = &memory->scripts[i];
        }
    }
    if (!known || free_script == NULL) { // a test that fails nothing would pass for nothing
        fprintf(stderr, "store_memory_fail: cannot script '%s'\n", operation);
        abort();
    }
    snprintf(free_script->operation, sizeof free_script->operation, "%s", operation);
    free_script->count = count;
    free_script->kind = kind;
    free_script->after = after;
    pthread_mutex_unlock(&memory->lock);
}

// Whether this call is to fail: fills err. `after` is returned in *late: the effect comes first.
static bool scripted(MemoryStore *memory, const char *operation, const char *name, bool *late,
                     Error *err)
{
    *late = false;
    for (size_t i = 0; i < MAX_SCRIPTS; i++) {
        Script *script = &memory->scripts[i];
        if (script->count > 0 && strcmp(script->operation, operation) == 0) {
            script->count--;
            *late = script->after;
            fail(err, script->kind, "%s %s: scripted failure%s", operation, name,
                 script->after ? " after the effect" : "");
            return true;
        }
    }
    return false;
}

static void object_destroy(Object *object)
{
    if (object != NULL) {
        buffer_done(&object->bytes);
        free(object);
    }
}

static void set_object(MemoryStore *memory, const char *name, Slice bytes)
{
    Object *object = calloc(1, sizeof *object);
    if (object == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    buffer_append(&object->bytes, bytes);
    object->modified = ++memory->ticks;
    object_destroy(map_put(memory->objects, slice_of(name), object));
}

static bool memory_get(Store *store, const char *name, Buffer *bytes, bool *found, Error *err)
{
    MemoryStore *memory = (MemoryStore *)store;
    bool late;
    pthread_mutex_lock(&memory->lock);
    bool ok = !scripted(memory, "get", name, &late, err);
    if (ok) {
        const Object *object = map_find(memory->objects, slice_of(name));
        *found = object != NULL;
        if (object != NULL) {
            buffer_append(bytes, buffer_slice(&object->bytes));
        }
    }
    pthread_mutex_unlock(&memory->lock);
    return ok;
}

static bool memory_put(Store *store, const char *name, Slice bytes, Error *err)
{
    MemoryStore *memory = (MemoryStore *)store;
    bool late;
    pthread_mutex_lock(&memory->lock);
    bool ok = !scripted(memory, "put", name, &late, err);
    if (ok || late) {
        set_object(memory, name, bytes);
    }
    pthread_mutex_unlock(&memory->lock);
    return ok;
}

static bool memory_put_if_absent(Store *store, const char *name, Slice bytes, Error *err)
{
    MemoryStore *memory = (MemoryStore *)store;
    bool late;
    pthread_mutex_lock(&memory->lock);
    bool ok = !scripted(memory, "put_if_absent", name, &late, err);
    if (ok || late) {
        if (map_has(memory->objects, slice_of(name))) {
            ok = fail(err, ERROR_CONFLICT, "%s exists already", name);
        } else {
            set_object(memory, name, bytes);
        }
    }
    pthread_mutex_unlock(&memory->lock);
    return ok;
}

static bool memory_adopt(Store *store, const char *from, const char *name, Error *err)
{
    MemoryStore *memory = (MemoryStore *)store;
    bool late;
    pthread_mutex_lock(&memory->lock);
    bool ok = !scripted(memory, "adopt", name, &late, err);
    if (ok || late) {
        Object *object = map_remove(memory->objects, slice_of(from));
        if (object == NULL) {
            ok = fail(err, ERROR_RETRY, "open %s: no such object", from);
        } else {
            object_destroy(map_put(memory->objects, slice_of(name), object));
        }
    }
    pthread_mutex_unlock(&memory->lock);
    return ok;
}

static bool memory_remove(Store *store, const char *name, Error *err)
{
    MemoryStore *memory = (MemoryStore *)store;
    bool late;
    pthread_mutex_lock(&memory->lock);
    bool ok = !scripted(memory, "remove", name, &late, err);
    if (ok || late) {
        object_destroy(map_remove(memory->objects, slice_of(name)));
    }
    pthread_mutex_unlock(&memory->lock);
    return ok;
}

// The part of `name` after "folder/" when it lies directly in it, else NULL.
static const char *name_in_folder(const char *name, const char *folder)
{
    size_t size = strlen(folder);
    if (size > 0) {
        if (strncmp(name, folder, size) != 0 || name[size] != '/') {
            return NULL;
        }
        name += size + 1;
    }
    return strchr(name, '/') == NULL ? name : NULL;
}

static bool memory_list(Store *store, const char *folder, const char *from, StoreList *list,
                        Arena *arena, Error *err)
{
    MemoryStore *memory = (MemoryStore *)store;
    bool late;
    pthread_mutex_lock(&memory->lock);
    bool ok = !scripted(memory, "list", folder, &late, err);
    for (size_t i = 0; ok && i < map_count(memory->objects); i++) {
        const Object *object = map_value_at(memory->objects, i);
        char *name = arena_text(arena, map_key_at(memory->objects, i));
        const char *part = name_in_folder(name, folder);
        if (part != NULL && strcmp(part, from) >= 0) {
            StoreEntry entry = {
                .name = name,
                .size_bytes = (int64_t)object->bytes.size,
                .modified = object->modified,
            };
            ARENA_PUSH(arena, list->entries, list->count, list->capacity, entry);
        }
    }
    pthread_mutex_unlock(&memory->lock);
    return ok;
}

static void memory_destroy(Store *store)
{
    MemoryStore *memory = (MemoryStore *)store;
    for (size_t i = 0; i < map_count(memory->objects); i++) {
        object_destroy(map_value_at(memory->objects, i));
    }
    map_destroy(memory->objects);
    pthread_mutex_destroy(&memory->lock);
    free(store->root);
    free(memory);
}

static const StoreType memory_type = {
    .get = memory_get,
    .put = memory_put,
    .put_if_absent = memory_put_if_absent,
    .adopt = memory_adopt,
    .remove = memory_remove,
    .list = memory_list,
    .destroy = memory_destroy,
};

Store *store_memory(void)
{
    MemoryStore *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    pthread_mutex_init(&memory->lock, NULL);
    memory->objects = map_create(false);
    memory->store.type = &memory_type;
    memory->store.root = strdup("");
    return &memory->store;
}
