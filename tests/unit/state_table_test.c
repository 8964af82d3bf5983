// The table in memory alone: against a model, memory under churn, and the visits of the sweep.
// Run with a seed to repeat a failure.
// SPDX-License-Identifier: Apache-2.0
#include "state/table.h"

#include "state_model.h"

static Slice number_key(uint64_t *number)
{
    return (Slice){(const char *)number, sizeof *number};
}

static StateTable *new_table(int64_t *memory)
{
    return table_create(NULL, 1, slice_of("t"), slice_of(""), 42, memory);
}

static bool has_value(const StateTable *table, int64_t bucket, uint64_t key, Slice expected)
{
    Slice value;
    return state_get(table, bucket, number_key(&key), &value) && slice_equal(value, expected);
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
    int64_t memory = 0;
    StateTable *table = new_table(&memory);
    static uint32_t versions[KEYS]; // 0: absent
    static uint32_t sizes[KEYS];
    static char bytes[70000];
    memset(versions, 0, sizeof versions);
    for (uint32_t step = 1; step < 120000; step++) {
        uint64_t key = random_below(&random, KEYS);
        bool is_shrinking = step / 20000 % 2 == 1;
        if (random_below(&random, 100) < (is_shrinking ? 90 : 20)) {
            table_remove(table, 5, number_key(&key));
            versions[key] = 0;
            continue;
        }
        sizes[key] = (uint32_t)random_below(&random, step % 5000 == 0 ? 70000 : 100);
        versions[key] = step;
        table_put(table, 5, number_key(&key), value_of(step, sizes[key], bytes), 0);
    }
    int64_t count = 0;
    bool all_equal = true;
    for (uint64_t key = 0; key < KEYS; key++) {
        Slice value;
        bool found = state_get(table, 5, number_key(&key), &value);
        all_equal = all_equal && found == (versions[key] != 0) &&
                    (!found || slice_equal(value, value_of(versions[key], sizes[key], bytes)));
        count += found;
    }
    CHECK(all_equal);
    CHECK(state_row_count(table) == count);
    for (uint64_t key = 0; key < KEYS; key++) {
        table_remove(table, 5, number_key(&key));
    }
    CHECK(table->bucket_count == 0);
    table_destroy(table);
    CHECK(memory == 0);
}

// Each slot shows each row once, whatever the directory looks like.
static void test_slots(void)
{
    int64_t memory = 0;
    StateTable *table = new_table(&memory);
    enum { COUNT = 30000 };
    static unsigned char seen[COUNT];
    memset(seen, 0, sizeof seen);
    for (uint64_t key = 0; key < COUNT; key++) {
        table_put(table, 1, number_key(&key), slice_of("x"), 0);
    }
    uint64_t slots = state_bucket_slots(table, 1);
    for (uint64_t slot = 0; slot < slots; slot++) {
        Slice key;
        Slice value;
        if (state_bucket_row(table, 1, slot, &key, &value)) {
            uint64_t number;
            memcpy(&number, key.data, sizeof number);
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
    int64_t memory = 0;
    StateTable *table = new_table(&memory);
    char value[24] = {0};
    enum { COUNT = 200000 };
    for (uint64_t key = 0; key < COUNT; key++) {
        table_put(table, 0, number_key(&key), (Slice){value, sizeof value}, 0);
    }
    printf("%.1f bytes per key (8-byte key, 24-byte value, %d keys)\n", (double)memory / COUNT,
           COUNT);
    CHECK(memory < 66 * (int64_t)COUNT);
    CHECK(memory > 44 * (int64_t)COUNT);
    table_destroy(table);

    table = new_table(&memory);
    for (int64_t window = 0; window < 5000; window++) {
        for (uint64_t key = 0; key < 3; key++) {
            table_put(table, window, number_key(&key), (Slice){value, sizeof value}, 0);
        }
    }
    printf("%.0f bytes per window of 3 keys\n", (double)memory / 5000);
    CHECK(memory < 700 * 5000);
    table_destroy(table);
    CHECK(memory == 0);
}

// Values whose lengths drift: each length leaves holes that the next does not fit.
static void test_churn_is_bounded(uint64_t seed)
{
    Random random = {seed};
    int64_t memory = 0;
    StateTable *table = new_table(&memory);
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
            table_put(table, 0, number_key(&key), (Slice){value, size + jitter}, 0);
        }
        most = memory * 100 / live > most ? memory * 100 / live : most;
    }
    printf("churn: memory at most %lld %% of the live rows\n", (long long)most);
    CHECK(memory < 3 * live);
    // Nothing but deletes: pages are given back, too.
    for (uint64_t key = 0; key < COUNT - 10; key++) {
        table_remove(table, 0, number_key(&key));
    }
    CHECK(memory < 200000);
    table_destroy(table);
}

static void test_aliasing(void)
{
    int64_t memory = 0;
    StateTable *table = new_table(&memory);
    uint64_t key = 7;
    table_put(table, 0, number_key(&key), slice_of("a value of some length"), 0);
    for (uint64_t copy = 8; copy < 2000; copy++) {
        Slice value = {0};
        uint64_t before = copy - 1;
        CHECK(state_get(table, 0, number_key(&before), &value));
        table_put(table, 0, number_key(&copy), value, 0); // may move every row
        table_put(table, 0, number_key(&before), slice_of("short"), 0);
    }
    CHECK(has_value(table, 0, 1999, slice_of("a value of some length")));
    CHECK(has_value(table, 0, 1000, slice_of("short")));
    table_destroy(table);
}

static void mark_row(void *context, const Row *row)
{
    unsigned char *seen = context;
    uint64_t number;
    memcpy(&number, row_key(row).data, sizeof number);
    seen[number] = 1;
}

// README I5: rows that nobody touches during a round are visited, whatever happens around them.
static void test_visits(uint64_t seed)
{
    enum { FIXED = 3000, COUNT = 40000 };
    Random random = {seed};
    int64_t memory = 0;
    StateTable *table = new_table(&memory);
    static unsigned char seen[COUNT];
    static char value[100];
    for (uint32_t round = 0; round < 6; round++) {
        memset(seen, 0, sizeof seen);
        for (uint64_t key = 0; key < FIXED && round == 0; key++) {
            table_put(table, 0, number_key(&key), (Slice){value, 20}, 0);
        }
        uint64_t hash = 0;
        while (hash < 1ull << 32) {
            int64_t budget = (int64_t)random_below(&random, 3000);
            uint64_t next = bucket_visit(table_bucket(table, 0), hash, &budget, mark_row, seen);
            CHECK(next > hash);
            hash = next;
            // Even rounds grow the table, odd ones shrink it, so leaves split and merge.
            for (uint32_t i = 0; i < 400; i++) {
                uint64_t key = FIXED + random_below(&random, COUNT - FIXED);
                if (random_below(&random, 10) < (round % 2 == 0 ? 8 : 1)) {
                    uint32_t size = (uint32_t)random_below(&random, sizeof value);
                    table_put(table, 0, number_key(&key), (Slice){value, size}, 0);
                } else {
                    table_remove(table, 0, number_key(&key));
                }
            }
        }
        bool all_seen = true;
        for (uint32_t key = 0; key < FIXED; key++) {
            all_seen = all_seen && seen[key] != 0;
        }
        CHECK(all_seen);
    }
    table_destroy(table);
}

// Any int64 is a bucket; they are visited in order.
static void test_buckets(void)
{
    int64_t memory = 0;
    StateTable *table = new_table(&memory);
    uint64_t key = 1;
    int64_t ids[] = {5, INT64_MAX, -3, INT64_MIN, 0};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        table_put(table, ids[i], number_key(&key), slice_of("v"), 0);
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
    CHECK(memory == 0);
}

int main(int argc, char **argv)
{
    uint64_t seed = model_seed(argc, argv);
    test_random_changes(seed);
    test_slots();
    test_memory_per_key();
    test_churn_is_bounded(seed);
    test_aliasing();
    test_visits(seed);
    test_buckets();
    return check_done();
}
