// The table in memory alone: against a model, memory under churn, and rows that are only in the
// log. Run with a seed to repeat a failure. SPDX-License-Identifier: Apache-2.0
#include "state/image.h"
#include "state/table.h"

#include "state_model.h"

static Slice number_key(uint64_t *number)
{
    return (Slice){(const char *)number, sizeof *number};
}

static StateTable *new_table(BucketCommon *common)
{
    *common = (BucketCommon){.seed = 42, .last_segment = 1};
    return table_create(NULL, 1, slice_of("t"), slice_of(""), common);
}

static bool find_value(const StateTable *table, int64_t bucket, Slice key, Slice *value)
{
    Bucket *rows;
    BucketPlace place;
    if (!table_find(table, bucket, bucket_hash(key, 42), key, 0, &rows, &place)) {
        return false;
    }
    *value = row_value(place.row);
    return true;
}

static void put(StateTable *table, int64_t bucket, Slice key, Slice value)
{
    table_put(table, bucket, key, 0, value, 0);
}

static bool has_value(const StateTable *table, int64_t bucket, uint64_t key, Slice expected)
{
    Slice value;
    return find_value(table, bucket, number_key(&key), &value) && slice_equal(value, expected);
}

enum { KEYS = 6000 };

static Slice value_of(uint32_t version, uint32_t size, char *bytes)
{
    memset(bytes, (int)(version % 251), size);
    return (Slice){bytes, size};
}

// Random puts of changing sizes and removals, in waves of growing and shrinking.
static void test_random_changes(uint64_t seed)
{
    Random random = {seed};
    BucketCommon common;
    StateTable *table = new_table(&common);
    static uint32_t versions[KEYS]; // 0: absent
    static uint32_t sizes[KEYS];
    static char bytes[70000];
    memset(versions, 0, sizeof versions);
    for (uint32_t step = 1; step < 120000; step++) {
        uint64_t key = random_below(&random, KEYS);
        bool is_shrinking = step / 20000 % 2 == 1;
        if (random_below(&random, 100) < (is_shrinking ? 90 : 20)) {
            table_remove(table, 5, number_key(&key), 0);
            versions[key] = 0;
            continue;
        }
        sizes[key] = (uint32_t)random_below(&random, step % 5000 == 0 ? 70000 : 100);
        versions[key] = step;
        put(table, 5, number_key(&key), value_of(step, sizes[key], bytes));
    }
    int64_t count = 0;
    bool all_equal = true;
    for (uint64_t key = 0; key < KEYS; key++) {
        Slice value;
        bool found = find_value(table, 5, number_key(&key), &value);
        all_equal = all_equal && found == (versions[key] != 0) &&
                    (!found || slice_equal(value, value_of(versions[key], sizes[key], bytes)));
        count += found;
    }
    CHECK(all_equal);
    CHECK(state_row_count(table) == count);
    for (uint64_t key = 0; key < KEYS; key++) {
        table_remove(table, 5, number_key(&key), 0);
    }
    CHECK(table->bucket_count == 0);
    table_destroy(table);
    CHECK(common.memory == 0);
}

// Each slot shows each row once, whatever the directory looks like.
static void test_slots(void)
{
    BucketCommon common;
    StateTable *table = new_table(&common);
    enum { COUNT = 30000 };
    static unsigned char seen[COUNT];
    memset(seen, 0, sizeof seen);
    for (uint64_t key = 0; key < COUNT; key++) {
        put(table, 1, number_key(&key), slice_of("x"));
    }
    uint64_t slots = state_bucket_slots(table, 1);
    for (uint64_t slot = 0; slot < slots; slot++) {
        BucketPlace place;
        if (bucket_row(table_bucket(table, 1), slot, &place)) {
            uint64_t number;
            memcpy(&number, row_key(place.row).data, sizeof number);
            seen[number]++;
        }
    }
    bool once = true;
    for (uint32_t key = 0; key < COUNT; key++) {
        once = once && seen[key] == 1;
    }
    CHECK(once);
    CHECK(slots < 8 * COUNT);
    table_destroy(table);
}

static void test_memory_per_key(void)
{
    BucketCommon common;
    StateTable *table = new_table(&common);
    char value[24] = {0};
    enum { COUNT = 200000 };
    for (uint64_t key = 0; key < COUNT; key++) {
        put(table, 0, number_key(&key), (Slice){value, sizeof value});
    }
    printf("%.1f bytes per key (8-byte key, 24-byte value, %d keys)\n",
           (double)common.memory / COUNT, COUNT);
    CHECK(common.memory < 66 * (int64_t)COUNT);
    CHECK(common.memory > 44 * (int64_t)COUNT);
    for (uint64_t key = 0; key < COUNT; key++) {
        table_put(table, 0, number_key(&key), 0, (Slice){value, sizeof value},
                  image_at(1, 64 + 40 * key));
    }
    for (int i = 0; i < 4; i++) {
        bucket_cool(table_bucket(table, 0), INT64_MAX);
    }
    printf("%.1f bytes per cold row\n", (double)common.memory / COUNT);
    CHECK(common.cold_count > COUNT - 100 && common.memory < 19 * (int64_t)COUNT);
    table_destroy(table);

    table = new_table(&common);
    for (int64_t window = 0; window < 5000; window++) {
        for (uint64_t key = 0; key < 3; key++) {
            put(table, window, number_key(&key), (Slice){value, sizeof value});
        }
    }
    printf("%.0f bytes per window of 3 keys\n", (double)common.memory / 5000);
    CHECK(common.memory < 700 * 5000);
    table_destroy(table);
    CHECK(common.memory == 0);
}

// Values whose lengths drift: each length leaves holes that the next does not fit.
static void test_churn_is_bounded(uint64_t seed)
{
    Random random = {seed};
    BucketCommon common;
    StateTable *table = new_table(&common);
    enum { COUNT = 5000 };
    static char value[400];
    int64_t live = 0;
    int64_t most = 0;
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t size = round < 30 ? 8 + round * 12 : (uint32_t)(8 + (60 - round) * 12);
        live = (int64_t)COUNT * (20 + 8 + size);
        for (uint64_t i = 0; i < COUNT; i++) {
            uint64_t key = random_below(&random, COUNT);
            uint32_t jitter = (uint32_t)random_below(&random, 30);
            put(table, 0, number_key(&key), (Slice){value, size + jitter});
        }
        most = common.memory * 100 / live > most ? common.memory * 100 / live : most;
    }
    printf("churn: memory at most %lld %% of the live rows\n", (long long)most);
    CHECK(common.memory < 3 * live);
    // Nothing but deletes: pages are given back, too.
    for (uint64_t key = 0; key < COUNT - 10; key++) {
        table_remove(table, 0, number_key(&key), 0);
    }
    CHECK(common.memory < 200000);
    table_destroy(table);
}

static void test_aliasing(void)
{
    BucketCommon common;
    StateTable *table = new_table(&common);
    uint64_t key = 7;
    put(table, 0, number_key(&key), slice_of("a value of some length"));
    for (uint64_t copy = 8; copy < 2000; copy++) {
        Slice value = {0};
        uint64_t before = copy - 1;
        CHECK(find_value(table, 0, number_key(&before), &value));
        put(table, 0, number_key(&copy), value); // may move every row
        put(table, 0, number_key(&before), slice_of("short"));
    }
    CHECK(has_value(table, 0, 1999, slice_of("a value of some length")));
    CHECK(has_value(table, 0, 1000, slice_of("short")));
    table_destroy(table);
}

// Rows that are only in the log, among others that change: each is found by its key or by its
// image, and the bytes of the hash that a cold row lacks come back when leaves split and merge.
static void test_cold(uint64_t seed)
{
    enum { COUNT = 30000 };
    Random random = {seed};
    BucketCommon common;
    StateTable *table = new_table(&common);
    common.last_segment = 70000;   // of which a cold row keeps the low bits
    static uint64_t images[COUNT]; // 0: absent
    static char value[200];
    memset(images, 0, sizeof images);
    int64_t count = 0;
    for (uint32_t step = 1; step < 150000; step++) {
        uint64_t key = random_below(&random, COUNT);
        bool is_shrinking = step / 25000 % 2 == 1;
        count -= images[key] != 0;
        if (random_below(&random, 10) < (is_shrinking ? 9 : 2)) {
            table_remove(table, 0, number_key(&key), images[key]);
            images[key] = 0;
        } else {
            uint64_t image = image_at(60000 + random_below(&random, 10000), step * 4);
            uint32_t size = (uint32_t)random_below(&random, sizeof value);
            table_put(table, 0, number_key(&key), images[key], (Slice){value, size}, image);
            images[key] = image;
            count++;
        }
        Bucket *rows = table_bucket(table, 0);
        if (rows != NULL && random_below(&random, 200) == 0) {
            bucket_cool(rows, (int64_t)random_below(&random, 200000));
        }
    }
    int64_t cold = 0;
    bool all_found = true;
    const Bucket *rows = table_bucket(table, 0);
    for (uint64_t key = 0; key < COUNT; key++) {
        uint32_t hash = bucket_hash(number_key(&key), common.seed);
        BucketPlace place = {0};
        bool found = bucket_find_image(rows, hash, images[key], &place);
        all_found = all_found && found == (images[key] != 0) &&
                    (!found || bucket_image(rows, &place) == images[key]);
        cold += found && place.row == NULL;
    }
    printf("%lld rows, %lld of them cold\n", (long long)count, (long long)cold);
    CHECK(all_found && state_row_count(table) == count);
    CHECK(cold == common.cold_count && cold > 0 && cold < count);
    while (bucket_cool(table_bucket(table, 0), INT64_MAX) > 0) {
    }
    CHECK(common.cold_count > count - 100); // a few are not worth it
    int64_t live = common.live_bytes;
    for (uint64_t key = 0; key < COUNT; key++) {
        table_remove(table, 0, number_key(&key), images[key]);
    }
    CHECK(table->bucket_count == 0 && live > 0 && common.live_bytes == 0);
    table_destroy(table);
    CHECK(common.memory == 0 && common.cold_count == 0);
}

// Rows that are dirty or were used since the hand's last visit stay; so do those without an image.
static void test_cool_spares(void)
{
    BucketCommon common;
    StateTable *table = new_table(&common);
    static char value[40];
    enum { COUNT = 20000 };
    for (uint64_t key = 0; key < COUNT; key++) {
        uint32_t hash = bucket_hash(number_key(&key), common.seed);
        table_insert(table, 0, hash, number_key(&key), (Slice){value, sizeof value},
                     key % 4 == 1 ? 0 : image_at(1, 4 * key + 4),
                     key % 4 == 2   ? ROW_DIRTY
                     : key % 4 == 3 ? ROW_USED
                                    : 0);
    }
    Bucket *rows = table_bucket(table, 0);
    int64_t before = common.memory;
    bucket_cool(rows, INT64_MAX); // no page is worth it yet: the marks go
    CHECK(common.cold_count == 0 && common.memory == before);
    int64_t gain = 0;
    for (int i = 0; i < 10; i++) {
        gain += bucket_cool(rows, INT64_MAX);
    }
    CHECK(common.cold_count > COUNT / 2 * 9 / 10 && gain == before - common.memory && gain > 0);
    for (uint64_t key = 0; key < COUNT; key++) {
        Slice found;
        bool is_hot = find_value(table, 0, number_key(&key), &found);
        CHECK(is_hot || (key % 4 != 1 && key % 4 != 2));
    }
    table_destroy(table);
}

// Two cold rows of one hash are told apart by their images only.
static void test_same_hash(void)
{
    BucketCommon common = {.seed = 42, .last_segment = 9};
    Bucket *rows = bucket_create(&common);
    uint32_t hash = bucket_hash(slice_of("k"), common.seed);
    bucket_insert(rows, hash, slice_of("k"), slice_of("v"), image_at(9, 400), 0);
    bucket_insert_cold(rows, hash, image_at(9, 100), 50);
    bucket_insert_cold(rows, hash, image_at(8, 100), 50);
    BucketPlace place;
    bool may_be_cold;
    CHECK(bucket_find(rows, hash, slice_of("k"), &place, &may_be_cold) && place.row != NULL);
    CHECK(!bucket_find(rows, hash, slice_of("x"), &place, &may_be_cold) && may_be_cold);
    CHECK(!bucket_find(rows, hash ^ 1, slice_of("x"), &place, &may_be_cold) && !may_be_cold);
    CHECK(bucket_find_cold(rows, hash, 0, &place) &&
          bucket_image(rows, &place) == image_at(9, 100));
    CHECK(bucket_find_cold(rows, hash, 1, &place) &&
          bucket_image(rows, &place) == image_at(8, 100));
    CHECK(!bucket_find_cold(rows, hash, 2, &place));
    CHECK(bucket_find_image(rows, hash, image_at(8, 100), &place) && place.row == NULL);
    bucket_replace(rows, &place, slice_of("x"), slice_of("w"), image_at(8, 100), 0);
    CHECK(bucket_find(rows, hash, slice_of("x"), &place, &may_be_cold));
    CHECK(slice_is(row_value(place.row), "w") && place.row->image == image_at(8, 100));
    bucket_freeze(rows, &place, image_at(7, 8));
    CHECK(!bucket_find(rows, hash, slice_of("x"), &place, &may_be_cold) && may_be_cold);
    CHECK(bucket_find_image(rows, hash, image_at(7, 8), &place));
    bucket_remove(rows, &place);
    CHECK(bucket_count(rows) == 2 && common.cold_count == 1);
    bucket_destroy(rows);
    CHECK(common.memory == 0 && common.live_bytes == 0 && common.cold_count == 0);
}

// Any int64 is a bucket; they are visited in order.
static void test_buckets(void)
{
    BucketCommon common;
    StateTable *table = new_table(&common);
    uint64_t key = 1;
    int64_t ids[] = {5, INT64_MAX, -3, INT64_MIN, 0};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        put(table, ids[i], number_key(&key), slice_of("v"));
    }
    int64_t expected[] = {INT64_MIN, -3, 0, 5, INT64_MAX};
    int64_t bucket = 0;
    bool more = state_next_bucket(table, INT64_MIN, true, &bucket);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        CHECK(more && bucket == expected[i]);
        more = state_next_bucket(table, bucket, false, &bucket);
    }
    CHECK(!more);
    Bucket *taken = table_detach(table, 0);
    CHECK(taken != NULL && table_detach(table, 0) == NULL && state_row_count(table) == 4);
    table_attach(table, 0, taken);
    CHECK(has_value(table, 0, 1, slice_of("v")));
    table_destroy(table);
    CHECK(common.memory == 0);
}

int main(int argc, char **argv)
{
    uint64_t seed = model_seed(argc, argv);
    test_random_changes(seed);
    test_slots();
    test_memory_per_key();
    test_churn_is_bounded(seed);
    test_aliasing();
    test_cold(seed);
    test_cool_spares();
    test_same_hash();
    test_buckets();
    return check_done();
}
