// SPDX-License-Identifier: Apache-2.0
//
// Every promise of store.h, against both stores; then what only a folder can do.
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "base/store.h"
#include "check.h"

static char folder[256];

static bool get_is(Store *store, const char *name, const char *expected)
{
    Buffer bytes = {0};
    Error err = {0};
    bool found = false;
    bool ok = store_get(store, name, &bytes, &found, &err);
    ok = ok && found == (expected != NULL);
    ok = ok && (expected == NULL || strcmp(buffer_text(&bytes), expected) == 0);
    buffer_done(&bytes);
    return ok;
}

static bool put(Store *store, const char *name, const char *text)
{
    Error err = {0};
    bool ok = store_put(store, name, slice_of(text), &err);
    if (!ok) {
        fprintf(stderr, "%s\n", err.message);
    }
    return ok;
}

// ---- both ----------------------------------------------------------------------------------

static void test_put_get(Store *store)
{
    Error err = {0};
    CHECK(get_is(store, "a", NULL));
    CHECK(get_is(store, "no/such/folder/a", NULL));
    CHECK(put(store, "a", "one"));
    CHECK(get_is(store, "a", "one"));
    CHECK(put(store, "a", "two, longer"));
    CHECK(get_is(store, "a", "two, longer"));
    CHECK(put(store, "deep/er/b", ""));
    CHECK(get_is(store, "deep/er/b", ""));
    CHECK(get_is(store, "a/below a file", NULL));

    Buffer bytes = {0}; // appended to what is there
    bool found = false;
    buffer_append_text(&bytes, "before ");
    CHECK(store_get(store, "a", &bytes, &found, &err) && found);
    CHECK_TEXT(buffer_text(&bytes), "before two, longer");
    buffer_done(&bytes);

    char *big = malloc(3 << 20);
    for (size_t i = 0; i < 3 << 20; i++) {
        big[i] = (char)(i * 7 + i / 251);
    }
    CHECK(store_put(store, "big", (Slice){big, 3 << 20}, &err));
    CHECK(store_get(store, "big", &bytes, &found, &err) && found);
    CHECK(slice_equal(buffer_slice(&bytes), (Slice){big, 3 << 20}));
    buffer_done(&bytes);
    free(big);
    CHECK(store_remove(store, "big", &err));
    CHECK(store_remove(store, "big", &err)); // absent is fine
    CHECK(store_remove(store, "x/y/z", &err));
    CHECK(get_is(store, "big", NULL));
}

static void test_put_if_absent(Store *store)
{
    Error err = {0};
    CHECK(store_put_if_absent(store, "_delta_log/0.json", slice_of("first"), &err));
    CHECK(!store_put_if_absent(store, "_delta_log/0.json", slice_of("second"), &err));
    CHECK(err.kind == ERROR_CONFLICT);
    CHECK(strstr(err.message, "_delta_log/0.json exists already") != NULL);
    CHECK(get_is(store, "_delta_log/0.json", "first"));
}

static void test_adopt(Store *store)
{
    Error err = {0};
    CHECK(put(store, "staging/part", "rows"));
    CHECK(store_adopt(store, "staging/part", "date=2024-01-01/part", &err));
    CHECK(get_is(store, "staging/part", NULL));
    CHECK(get_is(store, "date=2024-01-01/part", "rows"));
    CHECK(store_adopt(store, "date=2024-01-01/part", "date=2024-01-01/part", &err)); // only syncs
    CHECK(get_is(store, "date=2024-01-01/part", "rows"));
    CHECK(!store_adopt(store, "staging/part", "other", &err) && err.kind == ERROR_RETRY);
    CHECK(get_is(store, "other", NULL));
}

static void test_names(Store *store)
{
    static const char *const bad[] = {
        "", "/a", "..", ".", "a/..", "a/../b", "./a", "a//b", "a/", "/", "a/./b",
    };
    static const char *const good[] = {"...", "..a",      ".hidden", "a..b",
                                       "a b", "\xc3\xa9", "%2e%2e"};
    Arena *arena = arena_create(0);
    StoreList list = {0};
    Buffer bytes = {0};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Error err = {0};
        CHECK(!store_put(store, bad[i], slice_of("x"), &err) && err.kind == ERROR_INPUT);
        CHECK(!store_put_if_absent(store, bad[i], slice_of("x"), &err) && err.kind == ERROR_INPUT);
        CHECK(!store_get(store, bad[i], &bytes, &found, &err) && err.kind == ERROR_INPUT);
        CHECK(!store_remove(store, bad[i], &err) && err.kind == ERROR_INPUT);
        CHECK(!store_adopt(store, "a", bad[i], &err) && err.kind == ERROR_INPUT);
        CHECK(!store_adopt(store, bad[i], "a", &err) && err.kind == ERROR_INPUT);
        CHECK(bad[i][0] == '\0' || !store_list(store, bad[i], NULL, &list, arena, &err));
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        Error err = {0};
        CHECK(put(store, good[i], good[i]));
        CHECK(get_is(store, good[i], good[i]));
        CHECK(store_remove(store, good[i], &err));
    }
    buffer_done(&bytes);
    arena_destroy(arena);
}

static void test_list(Store *store)
{
    Arena *arena = arena_create(0);
    Error err = {0};
    StoreList list = {0};
    CHECK(store_list(store, "log", NULL, &list, arena, &err) && list.count == 0);
    static const char *const names[] = {"log/10", "log/2", "log/1", "log/sub/3", "log/é", "log/Z"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CHECK(put(store, names[i], names[i]));
    }
    CHECK(store_list(store, "log", NULL, &list, arena, &err));
    static const char *const sorted[] = {"log/1", "log/10", "log/2", "log/Z", "log/é"};
    CHECK(list.count == ARRAY_LEN(sorted));
    for (size_t i = 0; i < list.count && i < ARRAY_LEN(sorted); i++) {
        CHECK_TEXT(list.entries[i].name, sorted[i]);
        CHECK(list.entries[i].size_bytes == (int64_t)strlen(sorted[i]));
        CHECK(list.entries[i].modified > 0);
    }
    CHECK(store_list(store, "log", "10", &list, arena, &err));
    CHECK(list.count == 4);
    CHECK_TEXT(list.entries[0].name, "log/10");
    CHECK(store_list(store, "log", "zz", &list, arena, &err) && list.count == 1);
    CHECK(store_list(store, "lo", NULL, &list, arena, &err) && list.count == 0);
    CHECK(store_list(store, "", "a", &list, arena, &err));
    CHECK(list.count >= 1);
    CHECK_TEXT(list.entries[0].name, "a");
    arena_destroy(arena);
}

typedef struct Race {
    Store *store;
    int id;
    atomic_int *wins;
    int won[64];
} Race;

static void *race(void *context)
{
    Race *me = context;
    for (int i = 0; i < 64; i++) {
        char name[32];
        char text[64];
        snprintf(name, sizeof name, "race/%d", i);
        snprintf(text, sizeof text, "thread %d wrote all of %d", me->id, i);
        Error err = {0};
        me->won[i] = store_put_if_absent(me->store, name, slice_of(text), &err);
        atomic_fetch_add(&me->wins[i], me->won[i]);
        if (!me->won[i] && err.kind != ERROR_CONFLICT) {
            atomic_fetch_add(&me->wins[i], 100);
        }
    }
    return NULL;
}

// Of several writers exactly one gets a name, and it is its bytes that are there.
static void test_race(Store *store)
{
    enum { WRITERS = 4 };
    static atomic_int wins[64];
    static Race races[WRITERS];
    pthread_t threads[WRITERS];
    for (int i = 0; i < 64; i++) {
        atomic_store(&wins[i], 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        races[i] = (Race){.store = store, .id = i, .wins = wins};
        pthread_create(&threads[i], NULL, race, &races[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 64; i++) {
        CHECK(wins[i] == 1);
        for (int w = 0; w < WRITERS; w++) {
            char name[32];
            char text[64];
            snprintf(name, sizeof name, "race/%d", i);
            snprintf(text, sizeof text, "thread %d wrote all of %d", w, i);
            CHECK(!races[w].won[i] || get_is(store, name, text));
        }
    }
}

// ---- only a folder -------------------------------------------------------------------------

static int files_in(const char *path)
{
    int count = 0;
    DIR *dir = opendir(path);
    for (const struct dirent *item = readdir(dir); item != NULL; item = readdir(dir)) {
        count += item->d_type == DT_REG;
    }
    closedir(dir);
    return count;
}

// A write that fails half way leaves the old object and nothing else.
static void test_local_failure(void)
{
    char root[300];
    snprintf(root, sizeof root, "%s/failing", folder);
    Store *store = store_local(root);
    Error err = {0};
    CHECK(put(store, "a", "old"));
    char big[5000];
    memset(big, 'b', sizeof big);
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, before.rlim_max});
    CHECK(!store_put(store, "a", (Slice){big, sizeof big}, &err));
    CHECK(strstr(err.message, "failing/a: File too large") != NULL);
    CHECK(!store_put_if_absent(store, "b", (Slice){big, sizeof big}, &err));
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(get_is(store, "a", "old"));
    CHECK(get_is(store, "b", NULL));
    CHECK(files_in(root) == 1);
    CHECK(store_put_if_absent(store, "b", (Slice){big, sizeof big}, &err)); // the cause is gone
    CHECK(files_in(root) == 2);
    CHECK(!store_put(store, "a/below a file", slice_of("x"), &err));
    store_destroy(store);

    store = store_local("/proc/tarn");
    CHECK(!store_put(store, "a", slice_of("x"), &err) && err.kind == ERROR_RETRY);
    CHECK(get_is(store, "a", NULL));
    store_destroy(store);
}

static void test_local_details(void)
{
    char root[300];
    char path[600];
    snprintf(root, sizeof root, "%s/new/root//", folder);
    Store *store = store_local(root);
    snprintf(path, sizeof path, "%s/new/root", folder);
    CHECK_TEXT(store_root(store), path);
    CHECK(access(path, F_OK) != 0); // made at the first put
    CHECK(put(store, "a", "x"));
    CHECK(files_in(path) == 1);
    // What a killed writer left is no object.
    snprintf(path, sizeof path, "%s/new/root/.b.1234.tmp", folder);
    FILE *file = fopen(path, "w");
    fclose(file);
    Arena *arena = arena_create(0);
    StoreList list = {0};
    Error err = {0};
    CHECK(store_list(store, "", NULL, &list, arena, &err) && list.count == 1);
    arena_destroy(arena);
    store_destroy(store);
    store_destroy(NULL);
}

// ---- only memory ---------------------------------------------------------------------------

static void test_memory_script(void)
{
    Store *store = store_memory();
    Error err = {0};
    CHECK_TEXT(store_root(store), "");
    store_memory_fail(store, "put_if_absent", 2, ERROR_RETRY, false);
    CHECK(!store_put_if_absent(store, "a", slice_of("1"), &err) && err.kind == ERROR_RETRY);
    CHECK(!store_put_if_absent(store, "b", slice_of("1"), &err));
    CHECK(get_is(store, "a", NULL));
    CHECK(store_put_if_absent(store, "a", slice_of("1"), &err));
    store_memory_fail(store, "put_if_absent", 1, ERROR_FAILED, true); // the reply is lost
    CHECK(!store_put_if_absent(store, "c", slice_of("2"), &err) && err.kind == ERROR_FAILED);
    CHECK(get_is(store, "c", "2"));
    store_memory_fail(store, "get", 1, ERROR_RETRY, false);
    store_memory_fail(store, "adopt", 1, ERROR_CRASH, true);
    store_memory_fail(store, "remove", 1, ERROR_RETRY, true);
    CHECK(!get_is(store, "c", "2") && get_is(store, "c", "2"));
    CHECK(!store_adopt(store, "c", "d", &err) && err.kind == ERROR_CRASH);
    CHECK(get_is(store, "d", "2") && get_is(store, "c", NULL));
    CHECK(!store_remove(store, "d", &err) && get_is(store, "d", NULL));
    store_destroy(store);
}

int main(void)
{
    const char *temp = getenv("TMPDIR");
    char uuid[37];
    random_uuid(uuid);
    snprintf(folder, sizeof folder, "%s/tarn-store-%s", temp == NULL ? "/tmp" : temp, uuid);
    mkdir(folder, 0700);
    Store *stores[] = {store_memory(), store_local(folder)};
    for (size_t i = 0; i < ARRAY_LEN(stores); i++) {
        test_put_get(stores[i]);
        test_put_if_absent(stores[i]);
        test_adopt(stores[i]);
        test_names(stores[i]);
        test_list(stores[i]);
        test_race(stores[i]);
        store_destroy(stores[i]);
    }
    test_local_failure();
    test_local_details();
    test_memory_script();
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    FILE *cleaner = popen(command, "r");
    pclose(cleaner);
    return check_done();
}
