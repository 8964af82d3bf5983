// state_model.h -- what the tests of the state store compare with: arrays over a small universe of
// tables, buckets and keys. A value is known by its size and the seed that gives its bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/random.h"
#include "check.h"
#include "state/state.h"

enum {
    MODEL_TABLES = 3,
    MODEL_BUCKETS = 5,
    MODEL_KEYS = 300,
    MODEL_VALUE_MAX = 200,
    MODEL_KEY_MAX = 64,
};

typedef struct ModelRow {
    bool exists;
    uint32_t size;
    uint64_t seed;
} ModelRow;

typedef struct Model {
    int64_t batch;
    ModelRow rows[MODEL_TABLES][MODEL_BUCKETS][MODEL_KEYS];
} Model;

static inline int64_t model_bucket(uint32_t bucket)
{
    static const int64_t ids[MODEL_BUCKETS] = {INT64_MIN, -7, 0, 1000000, INT64_MAX};
    return ids[bucket];
}

static inline Slice model_key(uint32_t key, char text[MODEL_KEY_MAX])
{
    int size = snprintf(text, MODEL_KEY_MAX, "%u", key);
    uint32_t want = key % 37; // key 0 is empty
    while ((uint32_t)size < want) {
        text[size++] = (char)('a' + key % 26);
    }
    return (Slice){text, key == 0 ? 0 : (size_t)size};
}

static inline Slice model_value(const ModelRow *row, char bytes[MODEL_VALUE_MAX])
{
    Random random = {row->seed};
    for (uint32_t i = 0; i < row->size; i++) {
        bytes[i] = (char)random_next(&random);
    }
    return (Slice){bytes, row->size};
}

static inline bool model_open_tables(State *state, StateTable *tables[MODEL_TABLES], Error *err)
{
    static const char *const names[MODEL_TABLES] = {"windows", "seen", "files"};
    for (uint32_t i = 0; i < MODEL_TABLES; i++) {
        if (!state_table(state, names[i], slice_of("(k string) -> (v binary)"), &tables[i], err)) {
            return false;
        }
    }
    return true;
}

// One random change of both (of the model alone: tables is NULL). Key sets are skewed, so that keys
// change several times in a batch.
static inline bool model_change(Random *random, Model *model, StateTable *tables[MODEL_TABLES],
                                Error *err)
{
    uint32_t table = (uint32_t)random_below(random, MODEL_TABLES);
    uint32_t bucket = (uint32_t)random_below(random, MODEL_BUCKETS);
    uint32_t key = (uint32_t)random_below(random, 1 + random_below(random, MODEL_KEYS));
    ModelRow *row = &model->rows[table][bucket][key];
    char text[MODEL_KEY_MAX];
    char bytes[MODEL_VALUE_MAX];
    uint64_t what = random_below(random, 1000);
    if (what < 3) {
        memset(model->rows[table][bucket], 0, sizeof model->rows[table][bucket]);
        if (tables != NULL) {
            state_drop_bucket(tables[table], model_bucket(bucket));
        }
        return true;
    }
    if (what < 200) {
        row->exists = false;
        if (tables == NULL) {
            return true;
        }
        if (what % 2 == 0) {
            state_delete(tables[table], model_bucket(bucket), model_key(key, text));
            return true;
        }
        int64_t where = model_bucket(bucket);
        Slice which = model_key(key, text);
        return state_delete_many(tables[table], &where, &which, 1, err);
    }
    bool is_same_size = what < 500 && row->exists;
    row->size = is_same_size ? row->size : (uint32_t)random_below(random, MODEL_VALUE_MAX);
    row->exists = true;
    row->seed = random_next(random);
    return tables == NULL || state_put(tables[table], model_bucket(bucket), model_key(key, text),
                                       model_value(row, bytes), err);
}

// The value, valid until the next one is asked for.
static inline bool model_lookup(const StateTable *table, int64_t bucket, Slice key, Slice *value)
{
    static Buffer scratch;
    Error err = {0};
    bool found = false;
    bool ok = state_lookup(table, bucket, key, &scratch, value, &found, &err);
    CHECK(ok);
    if (!ok) {
        fprintf(stderr, "%s\n", err.message);
    }
    return ok && found;
}

static inline bool model_row_matches(const Model *model, StateTable *const tables[MODEL_TABLES],
                                     uint32_t table, uint32_t bucket, uint32_t key)
{
    const ModelRow *row = &model->rows[table][bucket][key];
    char text[MODEL_KEY_MAX];
    char bytes[MODEL_VALUE_MAX];
    Slice value = {NULL, 0};
    bool found = model_lookup(tables[table], model_bucket(bucket), model_key(key, text), &value);
    return found == row->exists && (!found || slice_equal(value, model_value(row, bytes)));
}

// The number of rows of a bucket; each is the one that a lookup of its key finds.
static inline int64_t model_scan(const StateTable *table, int64_t bucket)
{
    enum { SOME = 37 };
    Slice keys[SOME];
    Slice values[SOME];
    Buffer scratch = {0};
    Error err = {0};
    uint64_t slot = 0;
    int64_t rows = 0;
    size_t count = SOME;
    while (count == SOME) {
        if (!state_scan_many(table, bucket, &slot, SOME, &scratch, keys, values, &count, &err)) {
            fprintf(stderr, "%s\n", err.message);
            CHECK(false);
            break;
        }
        for (size_t i = 0; i < count; i++) {
            Slice value;
            rows += model_lookup(table, bucket, keys[i], &value) && slice_equal(value, values[i]);
        }
    }
    buffer_done(&scratch);
    return rows;
}

// Every key by a lookup, and the rows that a scan shows are as many.
static inline bool model_matches(const Model *model, StateTable *const tables[MODEL_TABLES])
{
    for (uint32_t t = 0; t < MODEL_TABLES; t++) {
        int64_t count = 0;
        for (uint32_t b = 0; b < MODEL_BUCKETS; b++) {
            for (uint32_t k = 0; k < MODEL_KEYS; k++) {
                count += model->rows[t][b][k].exists;
                if (!model_row_matches(model, tables, t, b, k)) {
                    fprintf(stderr, "table %u bucket %u key %u differs\n", t, b, k);
                    return false;
                }
            }
        }
        int64_t scanned = 0;
        int64_t bucket;
        for (bool more = state_next_bucket(tables[t], INT64_MIN, true, &bucket); more;
             more = state_next_bucket(tables[t], bucket, false, &bucket)) {
            scanned += model_scan(tables[t], bucket);
        }
        if (scanned != count || state_row_count(tables[t]) != count) {
            fprintf(stderr, "table %u: %lld rows scanned, %lld counted, expected %lld\n", t,
                    (long long)scanned, (long long)state_row_count(tables[t]), (long long)count);
            return false;
        }
    }
    return true;
}

// In memory where that is possible: a test that does not cut the power need not wait for a disk.
static inline char *model_folder(bool on_disk)
{
    static char path[64];
    bool in_memory = !on_disk && access("/dev/shm", W_OK) == 0;
    snprintf(path, sizeof path, "%s/tarn-state-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
    if (mkdtemp(path) == NULL) {
        abort();
    }
    return path;
}

// Removes the files of a checkpoint folder, and the folder.
static inline void model_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(folder);
}

static inline uint32_t model_count_segments(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    uint32_t count = 0;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        count += strncmp(entry->d_name, "log.0", 5) == 0;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return count;
}

static inline int model_no_sync(int fd)
{
    return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

static inline uint64_t model_seed(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : random_seed() % 1000000;
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}
