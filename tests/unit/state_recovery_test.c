// The store as the engine uses it: random batches against a model with rollbacks, discards,
// restarts and fault points while segments come and go; kill -9 at random moments; the promises of
// state.h. Run with a seed to repeat a failure (the kill test also depends on timing).
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fault.h"
#include "state/state_internal.h"
#include "state_model.h"

static Model model;    // what the tables hold now
static Model durable;  // of the last record
static Model previous; // of the record before
static bool has_previous;

typedef struct Store {
    const char *folder;
    StateOptions options;
    State *state;
    StateTable *tables[MODEL_TABLES];
    int64_t epoch;
    Random random;
    int64_t most_cold;
} Store;

// As many rows as can be are only in the log.
static void cool_all(State *state)
{
    state_cool(state, 1ll << 40);
}

static void expect_match(Store *store)
{
    bool matches = model_matches(&model, store->tables);
    CHECK(matches);
    if (!matches) {
        fprintf(stderr, "after batch %lld\n", (long long)durable.batch);
        exit(check_done());
    }
}

static bool chance(Store *store, uint64_t percent)
{
    return random_below(&store->random, 100) < percent;
}

static void open_store(Store *store)
{
    Error err = {0};
    bool ok = state_open(store->folder, &store->options, &store->state, &err);
    CHECK(ok);
    if (!ok) {
        fprintf(stderr, "%s\n", err.message);
        exit(check_done());
    }
    CHECK(state_epoch(store->state) == ++store->epoch);
    StatePosition pending;
    bool has_pending = state_pending(store->state, &pending);
    CHECK(has_pending == (durable.batch >= 0));
    if (has_pending) {
        CHECK(pending.batch == durable.batch);
        CHECK(pending.epoch < store->epoch);
        char meta[32];
        snprintf(meta, sizeof meta, "plan %lld", (long long)pending.batch);
        CHECK(slice_is(pending.meta, meta));
        if (has_previous && chance(store, 30)) {
            CHECK(state_discard_pending(store->state, &err));
            durable = previous;
            has_previous = false;
        } else {
            CHECK(state_apply_pending(store->state, &err));
        }
    }
    CHECK(state_last(store->state).batch == durable.batch);
    CHECK(model_open_tables(store->state, store->tables, &err));
    model = durable;
    expect_match(store);
}

static void reopen_store(Store *store)
{
    state_close(store->state);
    open_store(store);
}

static bool commit(Store *store, Error *err)
{
    char meta[32];
    int size = snprintf(meta, sizeof meta, "plan %lld", (long long)durable.batch + 1);
    StatePosition position;
    if (!state_commit(store->state, durable.batch + 1, (Slice){meta, (size_t)size}, &position,
                      err)) {
        return false;
    }
    CHECK(position.batch == durable.batch + 1 && position.epoch == store->epoch);
    CHECK(slice_is(position.meta, meta));
    previous = durable;
    has_previous = true;
    durable = model;
    durable.batch = previous.batch + 1;
    model.batch = durable.batch;
    return true;
}

static void commit_with_fault(Store *store)
{
    Error err = {0};
    fault_arm(chance(store, 50) ? "state.mid_record" : "state.after_segment");
    if (!commit(store, &err)) {
        CHECK(err.kind == ERROR_CRASH);
        CHECK(!state_commit(store->state, durable.batch + 1, slice_of(""), NULL, &err));
        CHECK(err.kind == ERROR_CRASH); // nothing durable is touched on the way out
    }
    fault_disarm();
    reopen_store(store);
}

static void step(Store *store)
{
    Error err = {0};
    bool may_cool = store->options.budget != NULL;
    uint64_t most = may_cool ? 300 : 1500;
    uint64_t changes = random_below(&store->random, chance(store, 5) ? most : 60);
    if (may_cool && chance(store, 20)) {
        cool_all(store->state);
        int64_t cold = state_cold_count(store->state);
        store->most_cold = cold > store->most_cold ? cold : store->most_cold;
        if (chance(store, 20)) {
            expect_match(store);
        }
    }
    for (uint64_t i = 0; i < changes; i++) {
        CHECK(model_change(&store->random, &model, store->tables, &err));
    }
    if (chance(store, 8)) {
        state_rollback(store->state);
        model = durable;
        expect_match(store);
    } else if (chance(store, 5)) {
        reopen_store(store); // a crash before the commit
    } else if (chance(store, 3)) {
        commit_with_fault(store);
    } else {
        CHECK(commit(store, &err));
        if (chance(store, 80)) {
            state_confirm(store->state);
        } else if (chance(store, 60)) {
            for (uint64_t i = random_below(&store->random, 2) * 20; i > 0; i--) {
                CHECK(model_change(&store->random, &model, store->tables, &err));
            }
            CHECK(state_discard_last(store->state, &err));
            CHECK(!state_discard_last(store->state, &err));
            durable = previous;
            has_previous = false;
            model = durable;
            CHECK(state_last(store->state).batch == durable.batch);
            expect_match(store);
        }
    }
}

// With a budget, rows go cold and come back.
static void test_random_batches(uint64_t seed, StateBudget *budget)
{
    memset(&model, 0, sizeof model);
    model.batch = -1;
    durable = model;
    has_previous = false;
    Store store = {
        .folder = model_folder(false),
        .options = {.budget = budget, .segment_bytes = 64 << 10, .sync_file = model_no_sync},
        .random = {seed},
    };
    open_store(&store);
    uint32_t most = 0;
    for (int i = 0; i < 2500; i++) {
        step(&store);
        uint32_t count = model_count_segments(store.folder);
        most = count > most ? count : most;
    }
    // Live rows are about 350 KB: six segments. The log stays below about three times that.
    printf("%lld batches, at most %u segments, %lld cold rows\n", (long long)durable.batch, most,
           (long long)store.most_cold);
    CHECK(most >= 4 && most <= 24);
    CHECK(store.most_cold > 1000 || budget == NULL);
    char path[128];
    snprintf(path, sizeof path, "%s/log.00000001", store.folder);
    CHECK(access(path, F_OK) != 0);
    reopen_store(&store);
    state_close(store.state);
    CHECK(budget == NULL || state_budget_used(budget) == 0);
    model_remove(store.folder);
}

// ---- kill -9 ---------------------------------------------------------------------------------

enum { CHANGES_PER_BATCH = 40 };

static bool run_batch(State *state, StateTable **tables, int64_t batch, Error *err)
{
    Random random = {(uint64_t)batch * 7919 + 1};
    for (int i = 0; i < CHANGES_PER_BATCH; i++) {
        if (!model_change(&random, &model, tables, err)) {
            return false;
        }
    }
    model.batch = batch;
    return state == NULL || state_commit(state, batch, slice_of("{}"), NULL, err);
}

// Commits until it is killed. *done: the last batch whose commit returned.
static void child(const char *folder, volatile int64_t *done)
{
    State *state = NULL;
    StateTable *tables[MODEL_TABLES];
    Error err = {0};
    StatePosition pending;
    StateOptions options = {
        .budget = state_budget_create(600000),
        .segment_bytes = 64 << 10,
    };
    if (!state_open(folder, &options, &state, &err) ||
        (state_pending(state, &pending) && !state_apply_pending(state, &err)) ||
        !model_open_tables(state, tables, &err)) {
        _exit(3);
    }
    for (int64_t batch = state_last(state).batch + 1;; batch++) {
        if (!run_batch(state, tables, batch, &err)) {
            _exit(4);
        }
        state_confirm(state);
        *done = batch;
        if (batch % 3 == 0) {
            cool_all(state);
        }
    }
}

// Returns the last batch that is in the log.
static int64_t check_after_kill(const char *folder, int64_t done)
{
    State *state = NULL;
    StateTable *tables[MODEL_TABLES];
    Error err = {0};
    StateBudget *budget = state_budget_create(300000);
    StateOptions options = {.budget = budget, .read_only = true};
    if (!state_open(folder, &options, &state, &err)) {
        CHECK(done == -1 && err.kind == ERROR_INPUT); // killed before there was a checkpoint
        state_budget_destroy(budget);
        return done;
    }
    StatePosition pending;
    if (state_pending(state, &pending)) {
        CHECK(pending.batch == done || pending.batch == done + 1);
        while (model.batch < pending.batch) {
            CHECK(run_batch(NULL, NULL, model.batch + 1, &err));
        }
        CHECK(state_apply_pending(state, &err));
        CHECK(model_open_tables(state, tables, &err));
        CHECK(model_matches(&model, tables));
    } else {
        CHECK(done == -1);
    }
    int64_t last = state_last(state).batch;
    state_close(state);
    state_budget_destroy(budget);
    return last;
}

static void test_kill(uint64_t seed)
{
    Random random = {seed};
    const char *folder = model_folder(true);
    memset(&model, 0, sizeof model);
    model.batch = -1;
    volatile int64_t *done =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *done = -1;
    TimeUs end = clock_monotonic() + 3 * TIME_SECOND;
    int kills = 0;
    for (; clock_monotonic() < end; kills++) {
        pid_t pid = fork();
        if (pid == 0) {
            child(folder, done);
        }
        Clock *clock = clock_system();
        clock_sleep_until(clock, clock_now(clock) + (TimeUs)random_below(&random, 80000));
        kill(pid, SIGKILL);
        int status = 0;
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
        *done = check_after_kill(folder, *done);
    }
    printf("%d kills, %lld batches\n", kills, (long long)*done + 1);
    munmap((void *)(uintptr_t)done, 4096);
    model_remove(folder);
}

// ---- promises --------------------------------------------------------------------------------

static State *open_plain(const char *folder, StateBudget *budget)
{
    State *state = NULL;
    Error err = {0};
    StateOptions options = {.budget = budget, .sync_file = model_no_sync};
    CHECK(state_open(folder, &options, &state, &err));
    StatePosition pending;
    if (state_pending(state, &pending)) {
        CHECK(state_apply_pending(state, &err));
    }
    return state;
}

static void test_lock(void)
{
    const char *folder = model_folder(false);
    State *state = open_plain(folder, NULL);
    State *other = NULL;
    Error err = {0};
    char number[32];
    snprintf(number, sizeof number, "process %ld", (long)getpid());
    CHECK(!state_open(folder, NULL, &other, &err) && err.kind == ERROR_CONFLICT);
    CHECK(strstr(err.message, number) != NULL && other == NULL);
    CHECK(strlen(state_checkpoint_id(state)) == 36);
    state_close(state);
    StateOptions reading = {.read_only = true};
    CHECK(state_open(folder, &reading, &state, &err));
    CHECK(state_epoch(state) == 1 && state_last(state).batch == -1);
    CHECK(!state_commit(state, 0, slice_of("{}"), NULL, &err));
    CHECK(!state_pending(state, &(StatePosition){0}));
    state_close(state);
    char path[128];
    snprintf(path, sizeof path, "%s/none", folder);
    CHECK(!state_open(path, &reading, &state, &err) && err.kind == ERROR_INPUT);
    model_remove(folder);
    // Parents are made, too.
    snprintf(path, sizeof path, "%s/a/b", folder);
    state = open_plain(path, NULL);
    state_close(state);
    model_remove(path);
    snprintf(path, sizeof path, "%s/a", folder);
    rmdir(path);
    rmdir(folder);
}

static void test_tables(void)
{
    const char *folder = model_folder(false);
    State *state = open_plain(folder, NULL);
    StateTable *table = NULL;
    StateTable *again = NULL;
    Error err = {0};
    CHECK(state_table(state, "a", slice_of("(k int) -> (n bigint)"), &table, &err));
    CHECK(state_table(state, "a", slice_of("(k int) -> (n bigint)"), &again, &err));
    CHECK(table == again);
    CHECK(!state_discard_last(state, &err));
    CHECK(state_commit(state, 0, slice_of("{}"), NULL, &err)); // the definition alone
    CHECK(!state_commit(state, 0, slice_of("{}"), NULL, &err) && err.kind == ERROR_FAILED);
    state_confirm(state);
    CHECK(state_table(state, "b", slice_of("b"), &table, &err));
    CHECK(state_put(table, 1, slice_of("k"), slice_of("v"), &err));
    CHECK(state_commit(state, 1, slice_of("{}"), NULL, &err));
    CHECK(state_discard_last(state, &err)); // with the definition of b
    CHECK(state_put(table, 1, slice_of("k"), slice_of("w"), &err));
    CHECK(state_commit(state, 1, slice_of("{}"), NULL, &err));
    state_close(state);

    CHECK(state_open(folder, NULL, &state, &err));
    CHECK(!state_table(state, "a", slice_of("x"), &table, &err) && err.kind == ERROR_FAILED);
    CHECK(!state_commit(state, 2, slice_of("{}"), NULL, &err));
    CHECK(state_apply_pending(state, &err));
    CHECK(!state_apply_pending(state, &err) && !state_discard_pending(state, &err));
    CHECK(!state_table(state, "a", slice_of("(k text) -> ()"), &table, &err));
    CHECK(err.kind == ERROR_INPUT && strstr(err.message, "(k int) -> (n bigint)") != NULL);
    CHECK(strstr(err.message, "(k text) -> ()") != NULL);
    CHECK(strstr(err.message, "--full-refresh <dataset>") != NULL);
    Slice value;
    CHECK(state_table(state, "b", slice_of("b"), &table, &err));
    CHECK(model_lookup(table, 1, slice_of("k"), &value) && slice_is(value, "w"));
    state_close(state);

    // An epoch file that is lost must not let the epoch fall below what sinks have seen.
    char path[128];
    snprintf(path, sizeof path, "%s/epoch", folder);
    unlink(path);
    state = open_plain(folder, NULL);
    CHECK(state_epoch(state) == 2);
    state_close(state);
    model_remove(folder);
}

// Past the limit rows go cold, and only when their places alone are too many does a put fail.
static void test_limit(void)
{
    const char *folder = model_folder(false);
    StateBudget *budget = state_budget_create(1 << 20);
    State *state = open_plain(folder, budget);
    StateTable *table = NULL;
    Error err = {0};
    static char value[1000];
    uint64_t key = 0;
    CHECK(state_table(state, "t", slice_of("t"), &table, &err));
    for (;; key++) {
        Slice bytes = {(const char *)&key, sizeof key};
        if (!state_put(table, 0, bytes, (Slice){value, sizeof value}, &err)) {
            break;
        }
        if (key % 50 == 49) {
            CHECK(state_commit(state, (int64_t)key / 50, slice_of("{}"), NULL, &err));
            state_confirm(state);
            CHECK(state_budget_used(budget) < 1 << 20);
        }
    }
    printf("%llu rows of 1,000 bytes in 1 MiB\n", (unsigned long long)key);
    CHECK(key > 30000 && state_cold_count(state) > 29000);
    CHECK(err.kind == ERROR_FAILED && strstr(err.message, "tarn.memory.limit") != NULL);
    CHECK(strstr(err.message, "1048576") != NULL);
    CHECK(state_row_count(table) == (int64_t)key);
    int64_t rows = state_row_count(table) - state_row_count(table) % 50;
    state_rollback(state);
    CHECK(state_row_count(table) == rows);
    state_close(state);
    CHECK(state_budget_used(budget) == 0);
    state_budget_destroy(budget);

    budget = state_budget_create(500000); // less than their places take
    StateOptions less = {.budget = budget};
    CHECK(!state_open(folder, &less, &state, &err) && err.kind == ERROR_FAILED);
    CHECK(strstr(err.message, "tarn.memory.limit") != NULL);
    CHECK(state_budget_used(budget) == 0);
    state_budget_destroy(budget);

    budget = state_budget_create(1 << 20);
    state = open_plain(folder, budget);
    CHECK(state_table(state, "t", slice_of("t"), &table, &err));
    CHECK(state_row_count(table) == rows && state_budget_used(budget) < 1 << 20);
    state_drop_bucket(table, 0); // gives memory back once it is confirmed
    CHECK(state_commit(state, 1000000, slice_of("{}"), NULL, &err));
    state_confirm(state);
    CHECK(state_budget_used(budget) < 1 << 19 && state_row_count(table) == 0);
    CHECK(state_put(table, 0, slice_of("k"), slice_of("v"), &err));
    state_close(state);
    state_budget_destroy(budget);
    model_remove(folder);
}

static void test_get_many(void)
{
    const char *folder = model_folder(false);
    State *state = open_plain(folder, NULL);
    StateTable *table = NULL;
    Error err = {0};
    enum { COUNT = 5000 };
    static uint64_t numbers[COUNT];
    static Slice keys[COUNT];
    static Slice values[COUNT];
    static int64_t buckets[COUNT];
    CHECK(state_table(state, "t", slice_of("t"), &table, &err));
    for (uint64_t i = 0; i < COUNT; i++) {
        numbers[i] = i * i;
        keys[i] = (Slice){(const char *)&numbers[i], sizeof numbers[i]};
        buckets[i] = (int64_t)(i % 1000 < 10 ? i % 7 : 3);
        Slice value = i % 5 == 0 ? (Slice){"", 0} : keys[i];
        CHECK(i % 3 == 0 || state_put(table, buckets[i], keys[i], value, &err));
    }
    Buffer scratch = {0};
    CHECK(state_lookup_many(table, buckets, keys, COUNT, &scratch, values, &err));
    bool all_equal = true;
    for (uint64_t i = 0; i < COUNT; i++) {
        Slice value;
        bool found = model_lookup(table, buckets[i], keys[i], &value);
        all_equal = all_equal && found == (i % 3 != 0) && found == (values[i].data != NULL) &&
                    (!found || (slice_equal(value, values[i]) && value.size == (i % 5 ? 8 : 0)));
    }
    CHECK(all_equal);
    CHECK(state_put_many(table, buckets, keys, keys, COUNT, &err));
    CHECK(state_lookup_many(table, buckets, keys, COUNT, &scratch, values, &err));
    for (uint64_t i = 0; i < COUNT; i++) {
        all_equal = all_equal && slice_equal(keys[i], values[i]);
    }
    CHECK(all_equal);
    buffer_done(&scratch);
    state_close(state);
    model_remove(folder);
}

int main(int argc, char **argv)
{
    uint64_t seed = model_seed(argc, argv);
    test_lock();
    test_tables();
    test_limit();
    test_get_many();
    test_random_batches(seed, NULL);
    StateBudget *budget = state_budget_create(1500000);
    test_random_batches(seed + 1, budget);
    state_budget_destroy(budget);
    test_kill(seed);
    return check_done();
}
