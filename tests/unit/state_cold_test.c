// Rows that are only in the log: damage there, lookups on several threads, long rows, rows in a
// record beyond what a packed place can say, states that share one account.
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include "state/image.h"
#include "state/state_internal.h"
#include "state_model.h"

enum { ROWS = 4000 };

static char folder[64];
static StateBudget *budget;
static State *state;
static StateTable *table;

static Slice number_slice(const uint64_t *number)
{
    return (Slice){(const char *)number, sizeof *number};
}

// The value of a key: its number, then as many bytes as that gives.
static Slice value_of(uint64_t number, char *bytes)
{
    size_t size = sizeof number + number % 50 + (number % 1000 == 7 ? 20000 : 0);
    memset(bytes, (int)(number % 251), size);
    memcpy(bytes, &number, sizeof number);
    return (Slice){bytes, size};
}

static void open_state(int64_t limit)
{
    Error err = {0};
    StateOptions options = {.budget = budget = state_budget_create(limit),
                            .segment_bytes = 256 << 10,
                            .sync_file = model_no_sync};
    StatePosition pending;
    CHECK(state_open(folder, &options, &state, &err));
    CHECK(!state_pending(state, &pending) || state_apply_pending(state, &err));
    CHECK(state_table(state, "t", slice_of("x"), &table, &err));
}

static void close_state(void)
{
    state_close(state);
    CHECK(state_budget_used(budget) == 0);
    state_budget_destroy(budget);
}

static void commit(void)
{
    Error err = {0};
    CHECK(state_commit(state, state_last(state).batch + 1, slice_of("{}"), NULL, &err));
    state_confirm(state);
}

static void put_rows(void)
{
    static char bytes[ROWS][100];
    static char large[30000];
    Error err = {0};
    for (uint64_t i = 0; i < ROWS; i++) {
        Slice value = value_of(i, i % 1000 == 7 ? large : bytes[i]);
        CHECK(state_put(table, (int64_t)(i % 3), number_slice(&i), value, &err));
        if (i % 500 == 499) {
            commit();
        }
    }
}

static void cool_all(void)
{
    state_cool(state, 1ll << 40);
    CHECK(state_cold_count(state) > ROWS - 200);
}

// Lookups of all keys, in an order of their own. Returns how many were right.
static void *look_up(void *context)
{
    uint64_t seed = *(const uint64_t *)context;
    enum { SOME = 300 };
    Buffer scratch = {0};
    static _Thread_local uint64_t numbers[SOME];
    Slice keys[SOME];
    Slice values[SOME];
    int64_t buckets[SOME];
    char bytes[30000];
    size_t right = 0;
    for (uint64_t i = 0; i < ROWS; i += SOME) {
        size_t count = ROWS - i < SOME ? ROWS - i : SOME;
        for (size_t j = 0; j < count; j++) {
            numbers[j] = (i + j) * 7919 * (2 * seed + 1) % ROWS + (j % 10 == 9 ? ROWS : 0);
            keys[j] = number_slice(&numbers[j]);
            buckets[j] = (int64_t)(numbers[j] % 3);
        }
        Error err = {0};
        if (!state_lookup_many(table, buckets, keys, count, &scratch, values, &err)) {
            fprintf(stderr, "%s\n", err.message);
            break;
        }
        for (size_t j = 0; j < count; j++) {
            bool is_absent = numbers[j] >= ROWS;
            right += is_absent ? values[j].data == NULL
                               : slice_equal(values[j], value_of(numbers[j], bytes));
        }
    }
    buffer_done(&scratch);
    return (void *)(uintptr_t)right;
}

static void test_threads(void)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    uint64_t seeds[THREADS];
    cool_all();
    for (uint64_t i = 0; i < THREADS; i++) {
        seeds[i] = i;
        CHECK(pthread_create(&threads[i], NULL, look_up, &seeds[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *right = NULL;
        pthread_join(threads[i], &right);
        CHECK((uintptr_t)right == ROWS);
    }
}

static void test_scan(void)
{
    char bytes[30000];
    Buffer scratch = {0};
    Error err = {0};
    size_t rows = 0;
    bool all_equal = true;
    cool_all();
    for (int64_t bucket = 0; bucket < 3; bucket++) {
        uint64_t slots = state_bucket_slots(table, bucket);
        for (uint64_t slot = 0; slot < slots; slot++) {
            Slice key;
            Slice value;
            bool found = false;
            CHECK(state_scan_row(table, bucket, slot, &scratch, &key, &value, &found, &err));
            uint64_t number = 0;
            if (found) {
                memcpy(&number, key.data, sizeof number);
                all_equal = all_equal && slice_equal(value, value_of(number, bytes)) &&
                            (int64_t)(number % 3) == bucket;
                rows++;
            }
        }
        CHECK(model_scan(table, bucket) == (ROWS - bucket + 2) / 3);
    }
    buffer_done(&scratch);
    CHECK(all_equal && rows == ROWS);
}

// The place of a cold row's image; 0: it is not cold.
static uint64_t image_of(uint64_t number)
{
    BucketPlace place;
    Bucket *rows = table_bucket(table, (int64_t)(number % 3));
    uint32_t hash = bucket_hash(number_slice(&number), state->common.seed);
    return bucket_find_cold(rows, hash, 0, &place) ? bucket_image(rows, &place) : 0;
}

static void flip(uint64_t image, int64_t behind)
{
    char path[128];
    char name[SEGMENT_NAME_SIZE];
    log_segment_name(image_segment(image), name);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDWR);
    char byte;
    off_t offset = (off_t)image_offset(image) + behind;
    CHECK(pread(fd, &byte, 1, offset) == 1);
    byte ^= 4;
    CHECK(pwrite(fd, &byte, 1, offset) == 1);
    close(fd);
}

static bool names_place(const Error *err, uint64_t image)
{
    char text[64];
    snprintf(text, sizeof text, "log.%08llu is damaged at byte %llu: checksum mismatch in a row",
             (unsigned long long)image_segment(image), (unsigned long long)image_offset(image));
    bool ok = err->kind == ERROR_CORRUPT && strstr(err->message, text) != NULL;
    if (!ok) {
        fprintf(stderr, "expected %s, got %s\n", text, err->message);
    }
    return ok;
}

// Each byte of a row's image flipped: whatever needs the row says where the damage is.
static void test_damage(void)
{
    uint64_t number = 1234;
    char bytes[100];
    Buffer scratch = {0};
    cool_all();
    while (image_of(number) == 0) {
        number++;
    }
    uint64_t image = image_of(number);
    int64_t bucket = (int64_t)(number % 3);
    int64_t size = 4 + 2 + 8 + (int64_t)value_of(number, bytes).size;
    Slice key = number_slice(&number);
    for (int64_t i = 0; i < size; i++) {
        Slice value;
        bool found;
        Error err = {0};
        flip(image, i);
        CHECK(!state_lookup(table, bucket, key, &scratch, &value, &found, &err));
        CHECK(names_place(&err, image));
        err = (Error){0};
        CHECK(!state_put(table, bucket, key, slice_of("new"), &err) && names_place(&err, image));
        err = (Error){0};
        CHECK(!state_delete_many(table, &bucket, &key, 1, &err) && names_place(&err, image));
        state_delete(table, bucket, key); // cannot say it: the commit does
        err = (Error){0};
        CHECK(!state_commit(state, state_last(state).batch + 1, slice_of("{}"), NULL, &err));
        CHECK(names_place(&err, image));
        state_rollback(state);
        flip(image, i);
    }
    Error err = {0};
    Slice value;
    bool found = false;
    CHECK(state_lookup(table, bucket, key, &scratch, &value, &found, &err) && found);
    CHECK(slice_equal(value, value_of(number, bytes)));
    buffer_done(&scratch);
}

// Damage under the sweep's hand stops the commit before anything is carried on.
static void test_damage_swept(void)
{
    Error err = {0};
    char bytes[30000];
    uint64_t row = 0;
    while (image_of(row) == 0) {
        row++;
    }
    uint64_t image = image_of(row);
    CHECK(image_segment(image) == state->hand.segment);
    flip(image, 6);
    bool ok = true;
    for (uint64_t i = 0; ok && i < 200000; i++) { // until the log is long enough
        uint64_t number = 2000 + i % 1000;
        ok = state_put(table, (int64_t)(number % 3), number_slice(&number), value_of(number, bytes),
                       &err);
        if (ok && i % 100 == 99) {
            ok = state_commit(state, state_last(state).batch + 1, slice_of("{}"), NULL, &err);
            if (ok) {
                state_confirm(state);
            }
        }
    }
    CHECK(!ok && err.kind == ERROR_CORRUPT && strstr(err.message, "is damaged at byte") != NULL);
    state_rollback(state);
    flip(image, 6);
    CHECK(state_put(table, 0, slice_of("k"), slice_of("v"), &err));
    commit();
    CHECK(look_up(&(uint64_t){3}) == (void *)(uintptr_t)ROWS);
}

// Two states, one account: what one takes makes the other's rows cold, not the process larger.
static void test_shared_account(void)
{
    char other_folder[64];
    State *other = NULL;
    StateTable *rows = NULL;
    Error err = {0};
    char bytes[30000];
    static char value[24];
    for (uint64_t i = 0; i < 18000; i++) { // more than half of the account
        CHECK(state_put(table, 5, number_slice(&i), (Slice){value, sizeof value}, &err));
        if (i % 500 == 499) {
            commit();
        }
    }
    int64_t cold = state_cold_count(state);
    snprintf(other_folder, sizeof other_folder, "%s", model_folder(false));
    StateOptions options = {.budget = budget, .sync_file = model_no_sync};
    CHECK(state_open(other_folder, &options, &other, &err));
    CHECK(state_table(other, "t", slice_of("x"), &rows, &err));
    for (uint64_t i = 0; i < 40000; i++) {
        CHECK(state_put(rows, 0, number_slice(&i), value_of(i, bytes), &err));
        if (i % 200 == 199) {
            CHECK(state_commit(other, (int64_t)i, slice_of("{}"), NULL, &err));
            state_confirm(other);
            CHECK(state_budget_used(budget) <= 2 << 20);
            state_relieve(state);
        }
    }
    CHECK(cold < 5000 && state_cold_count(state) > cold + 5000); // it has made room
    CHECK(state_row_count(rows) == 40000);
    CHECK(look_up(&(uint64_t){4}) == (void *)(uintptr_t)ROWS);
    state_close(other);
    model_remove(other_folder);
}

// Many middling buckets, as short windows make them: what is left of a cold row is its place and
// its slot, also where the bucket's rows were few and long.
static void test_many_buckets(void)
{
    enum { BUCKETS = 100, BUCKET_ROWS = 600 };
    static char value[300];
    Error err = {0};
    int64_t memory = state->common.memory;
    int64_t cold = state_cold_count(state);
    for (int64_t bucket = 0; bucket < BUCKETS; bucket++) {
        for (uint64_t i = 0; i < BUCKET_ROWS; i++) {
            CHECK(state_put(table, 1000 + bucket, number_slice(&i), (Slice){value, sizeof value},
                            &err));
        }
    }
    commit();
    state_cool(state, 1ll << 40);
    CHECK(state_cold_count(state) - cold >= BUCKETS * BUCKET_ROWS);
    CHECK(state->common.memory - memory < 32ll * BUCKETS * BUCKET_ROWS);
}

int main(void)
{
    snprintf(folder, sizeof folder, "%s", model_folder(false));
    open_state(64 << 20);
    put_rows();
    test_threads();
    test_scan();
    test_damage();
    test_damage_swept();
    close_state();
    open_state(64 << 20);
    test_many_buckets();
    for (int64_t bucket = 1000; bucket < 1100; bucket++) {
        state_drop_bucket(table, bucket);
    }
    commit();
    close_state();
    open_state(2 << 20);
    CHECK(look_up(&(uint64_t){2}) == (void *)(uintptr_t)ROWS);
    test_shared_account();
    close_state();
    model_remove(folder);
    return check_done();
}
