// state_curve KEYS MEMORY_MB BATCHES FOLDER [VALUE_BYTES [uncached]]: one line of figures for state
// of so many keys.
//
// Loads KEYS keys of 8 bytes with values of VALUE_BYTES (24: three partial aggregates), then
// measures durable batches of 1,000 keys drawn at random over all of them, 1 % of them new: look
// up, put, commit, confirm. Then it opens the checkpoint again and compares a sample of the rows.
// MEMORY_MB is the budget; 0: none. `uncached` makes the system forget the log's pages before each
// batch, as if other programs needed its memory. The folder is removed at the end.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "state/state.h"

enum { BATCH = 1000, LOAD = 20000, VALUE_MAX = 1024, SAMPLE = 20000 };

typedef struct Curve {
    const char *folder;
    uint64_t keys;
    uint64_t next_key;
    StateBudget *budget;
    State *state;
    StateTable *table;
    int64_t batch;
    Random random;
    Buffer scratch;
    size_t value_size;
    bool is_uncached;
    TimeUs lookup;
    TimeUs put;
} Curve;

static void stop(const Error *err)
{
    fprintf(stderr, "state_curve: %s\n", err->message);
    exit(1);
}

// Numbers spread over 8 bytes, so that keys have no order that could help.
static uint64_t key_bits(uint64_t number)
{
    return number * 0x9e3779b97f4a7c15u;
}

static void run_batch(Curve *curve, const uint64_t *numbers, size_t count)
{
    static uint64_t bits[LOAD];
    static uint64_t words[LOAD][VALUE_MAX / 8];
    static Slice keys[LOAD];
    static Slice values[LOAD];
    static int64_t buckets[LOAD];
    Error err;
    for (size_t i = 0; i < count; i++) {
        bits[i] = key_bits(numbers[i]);
        keys[i] = (Slice){(const char *)&bits[i], sizeof bits[i]};
    }
    TimeUs start = clock_monotonic();
    if (!state_lookup_many(curve->table, buckets, keys, count, &curve->scratch, values, &err)) {
        stop(&err);
    }
    for (size_t i = 0; i < count; i++) {
        memset(words[i], 0, curve->value_size);
        if (values[i].data != NULL) {
            memcpy(words[i], values[i].data, curve->value_size);
        }
        words[i][0] = numbers[i];
        words[i][1]++;
        words[i][2] += (uint64_t)curve->batch;
        values[i] = (Slice){(const char *)words[i], curve->value_size};
    }
    TimeUs middle = clock_monotonic();
    if (!state_put_many(curve->table, buckets, keys, values, count, &err)) {
        stop(&err);
    }
    curve->lookup += middle - start;
    curve->put += clock_monotonic() - middle;
    if (!state_commit(curve->state, curve->batch++, slice_of("{}"), NULL, &err)) {
        stop(&err);
    }
    state_confirm(curve->state);
}

static void load(Curve *curve)
{
    static uint64_t numbers[LOAD];
    while (curve->next_key < curve->keys) {
        size_t count = 0;
        while (count < LOAD && curve->next_key < curve->keys) {
            numbers[count++] = curve->next_key++;
        }
        run_batch(curve, numbers, count);
    }
}

static void random_batch(Curve *curve)
{
    uint64_t numbers[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        bool is_new = i % 100 == 0;
        numbers[i] =
            is_new ? curve->next_key + i / 100 : random_below(&curve->random, curve->next_key);
    }
    curve->next_key += BATCH / 100;
    run_batch(curve, numbers, BATCH);
}

static int compare_time(const void *a, const void *b)
{
    TimeUs x = *(const TimeUs *)a;
    TimeUs y = *(const TimeUs *)b;
    return (x > y) - (x < y);
}

static long status_kb(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long value = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            value = strtol(line + strlen(name) + 1, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return value;
}

static int64_t folder_bytes(const char *folder, bool is_removing)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int64_t bytes = 0;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat status;
        if (fstatat(dirfd(dir), entry->d_name, &status, 0) == 0 && S_ISREG(status.st_mode)) {
            bytes += status.st_blocks * 512;
        }
        if (is_removing) {
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return bytes;
}

static void forget_pages(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int fd = openat(dirfd(dir), entry->d_name, O_RDONLY);
        if (fd >= 0) {
            posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            close(fd);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static void open_state(Curve *curve)
{
    Error err;
    StateOptions options = {.budget = curve->budget};
    StatePosition pending;
    if (!state_open(curve->folder, &options, &curve->state, &err) ||
        (state_pending(curve->state, &pending) && !state_apply_pending(curve->state, &err)) ||
        !state_table(curve->state, "t", slice_of("(k bigint) -> (n bigint)"), &curve->table,
                     &err)) {
        stop(&err);
    }
}

static void check_sample(Curve *curve)
{
    Error err;
    for (int i = 0; i < SAMPLE; i++) {
        uint64_t number = random_below(&curve->random, curve->next_key);
        uint64_t bits = key_bits(number);
        Slice value;
        bool found = false;
        if (!state_lookup(curve->table, 0, (Slice){(const char *)&bits, sizeof bits},
                          &curve->scratch, &value, &found, &err)) {
            stop(&err);
        }
        if (!found || value.size != curve->value_size ||
            memcmp(value.data, &number, sizeof number) != 0) {
            fprintf(stderr, "state_curve: key %" PRIu64 " is wrong after the restart\n", number);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: state_curve KEYS MEMORY_MB BATCHES FOLDER [VALUE_BYTES "
                        "[uncached]]\n");
        return 2;
    }
    if (argc > 5 && strtoul(argv[5], NULL, 10) > VALUE_MAX) {
        fprintf(stderr, "state_curve: at most %d bytes a value\n", VALUE_MAX);
        return 2;
    }
    int64_t limit = strtoll(argv[2], NULL, 10) << 20;
    long batches = strtol(argv[3], NULL, 10);
    Curve curve = {
        .folder = argv[4],
        .keys = strtoull(argv[1], NULL, 10),
        .budget = state_budget_create(limit),
        .random = {7},
        .value_size = argc > 5 ? strtoul(argv[5], NULL, 10) / 8 * 8 : 24,
        .is_uncached = argc > 6,
    };
    open_state(&curve);
    TimeUs start = clock_monotonic();
    load(&curve);
    double loaded = (double)(clock_monotonic() - start) / TIME_SECOND;
    TimeUs *times = calloc((size_t)batches + 1, sizeof *times);
    if (times == NULL) {
        return 1;
    }
    for (int i = 0; i < 50; i++) {
        random_batch(&curve); // the load's remains: evictions, a log that still grows
    }
    curve.lookup = curve.put = 0;
    for (long i = 0; i < batches; i++) {
        if (curve.is_uncached) {
            forget_pages(curve.folder);
        }
        TimeUs before = clock_monotonic();
        random_batch(&curve);
        times[i] = clock_monotonic() - before;
    }
    qsort(times, (size_t)batches, sizeof *times, compare_time);
    double rows = (double)state_row_count(curve.table);
    int64_t memory = state_memory_bytes(curve.state);
    long rss = status_kb("VmRSS") / 1024;
    double cold = (double)state_cold_count(curve.state) / rows * 100;
    state_close(curve.state);
    int64_t log = folder_bytes(curve.folder, false);
    start = clock_monotonic();
    open_state(&curve);
    double restart = (double)(clock_monotonic() - start) / TIME_SECOND;
    check_sample(&curve);
    printf("%11.0f keys  p50 %6.2f  p99 %6.2f  max %6.2f ms  get %4.0f put %4.0f ns/key  "
           "%5.1f B/key  cold %.0f %%  log %.2f x  load %.1f s  restart %.2f s  RSS %ld MB (peak "
           "%ld)\n",
           rows, (double)times[batches / 2] / TIME_MS, (double)times[batches * 99 / 100] / TIME_MS,
           (double)times[batches - 1] / TIME_MS,
           (double)curve.lookup * 1000 / BATCH / (double)batches,
           (double)curve.put * 1000 / BATCH / (double)batches, (double)memory / rows, cold,
           (double)log / rows / (double)(curve.value_size + 8), loaded, restart, rss,
           status_kb("VmHWM") / 1024);
    state_close(curve.state);
    state_budget_destroy(curve.budget);
    buffer_done(&curve.scratch);
    free(times);
    folder_bytes(curve.folder, true);
    rmdir(curve.folder);
    return 0;
}
