// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/map.h"
#include "base/random.h"
#include "check.h"

static void test_error(void)
{
    Error err = {0};
    CHECK(!fail(&err, ERROR_INPUT, "no table '%s'", "x"));
    CHECK(err.kind == ERROR_INPUT && err.line > 0);
    CHECK(!fail_context(&err, "flow '%s'", "hits"));
    CHECK_TEXT(err.message, "flow 'hits': no table 'x'");
    CHECK(!fail(&err, ERROR_RETRY, "again: %s", err.message)); // its own message as an argument
    CHECK_TEXT(err.message, "again: flow 'hits': no table 'x'");
    errno = ENOSPC;
    CHECK(!fail_errno(&err, "write %s", "/x") && err.kind == ERROR_RETRY);
    CHECK_TEXT(err.message, "write /x: No space left on device");
    errno = EBADF;
    CHECK(!fail_errno(&err, "write") && err.kind == ERROR_FAILED);
    char long_text[ERROR_MESSAGE_MAX * 2];
    memset(long_text, 'a', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    fail(&err, ERROR_INPUT, "%s", long_text);
    CHECK(strlen(err.message) == ERROR_MESSAGE_MAX - 1);
    fail_context(&err, "ctx");
    CHECK(strlen(err.message) == ERROR_MESSAGE_MAX - 1 && strncmp(err.message, "ctx: aa", 7) == 0);
    CHECK(error_exit_code(ERROR_NONE) == 0 && error_exit_code(ERROR_INPUT) == 2);
    CHECK(error_exit_code(ERROR_RETRY) == 3 && error_exit_code(ERROR_CORRUPT) == 4);
    CHECK(error_exit_code(ERROR_FAILED) == 1);
}

static void test_arena(void)
{
    Arena *arena = arena_create(0);
    Random random = {1};
    static unsigned char *blocks[300];
    static size_t sizes[300];
    for (int round = 0; round < 3; round++) {
        bool zero = true;
        bool aligned = true;
        for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
            sizes[i] = i % 50 == 0 ? 40000 : random_below(&random, 200);
            blocks[i] = arena_alloc(arena, sizes[i]);
            aligned &= (uintptr_t)blocks[i] % 16 == 0;
            for (size_t k = 0; k < sizes[i]; k++) {
                zero &= blocks[i][k] == 0;
            }
            memset(blocks[i], (int)(i + 1), sizes[i]);
        }
        bool whole = true; // nothing overlaps
        for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
            for (size_t k = 0; k < sizes[i]; k++) {
                whole &= blocks[i][k] == (unsigned char)(i + 1);
            }
        }
        CHECK(zero && aligned && whole);
        CHECK(arena_used(arena) > 6 * 40000);
        arena_reset(arena);
        CHECK(arena_used(arena) == 0);
    }
    int *items = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        ARENA_PUSH(arena, items, count, capacity, i);
    }
    CHECK(count == 1000 && items[0] == 0 && items[999] == 999);
    CHECK_TEXT(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
    CHECK(slice_is(arena_copy(arena, (Slice){"a\0b", 3}), "a") == false);
    CHECK_TEXT(arena_text(arena, (Slice){"abc", 2}), "ab");
    arena_destroy(arena);
    arena_destroy(NULL);
}

static void test_buffer(void)
{
    Buffer buffer = {0};
    CHECK_TEXT(buffer_text(&buffer), "");
    for (int i = 0; i < 500; i++) {
        buffer_printf(&buffer, "%d,", i);
    }
    buffer_append_char(&buffer, 'x');
    CHECK(buffer.size == strlen(buffer_text(&buffer)) && buffer.data[buffer.size - 1] == 'x');
    buffer_reset(&buffer);
    CHECK_TEXT(buffer_text(&buffer), "");
    buffer_append_json(&buffer, (Slice){"a\"\\\n\t\x01\0é", 9});
    CHECK_TEXT(buffer_text(&buffer), "\"a\\\"\\\\\\n\\t\\u0001\\u0000é\"");
    buffer_done(&buffer);
    buffer_append_bytes(&buffer, NULL, 0); // valid again
    CHECK(buffer.size == 0);
    buffer_done(&buffer);
}

// A map behaves like a list of pairs that is searched from the front.
static void test_map(uint64_t seed, bool ignore_case)
{
    enum { KEYS = 60 };
    Random random = {seed};
    Map *map = map_create(ignore_case);
    const char *model_keys[KEYS];
    size_t model_values[KEYS];
    size_t model_count = 0;
    static char names[KEYS][8];
    bool ok = true;
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(names[i], sizeof names[i], "%c%d", i % 2 == 0 ? 'k' : 'K', (int)i / 2);
    }
    for (size_t step = 1; step < 4000 && ok; step++) {
        const char *key = names[random_below(&random, KEYS)];
        size_t at = 0;
        while (at < model_count && !(ignore_case ? text_equal_nocase(model_keys[at], key)
                                                 : strcmp(model_keys[at], key) == 0)) {
            at++;
        }
        void *expected = at < model_count ? (void *)model_values[at] : NULL;
        switch (random_below(&random, 5)) {
        case 0:
        case 1:
            ok = map_put(map, slice_of(key), (void *)step) == expected;
            if (at == model_count) {
                model_keys[model_count++] = key;
            }
            model_values[at] = step;
            break;
        case 2:
            ok = map_remove(map, slice_of(key)) == expected;
            if (at < model_count) {
                memmove(&model_keys[at], &model_keys[at + 1],
                        (model_count - at - 1) * sizeof *model_keys);
                memmove(&model_values[at], &model_values[at + 1],
                        (model_count - at - 1) * sizeof *model_values);
                model_count--;
            }
            break;
        case 3:
            ok = map_remove_fast(map, slice_of(key)) == expected;
            if (at < model_count) {
                model_count--;
                model_keys[at] = model_keys[model_count];
                model_values[at] = model_values[model_count];
            }
            break;
        default:
            ok = map_find(map, slice_of(key)) == expected &&
                 map_has(map, slice_of(key)) == (at < model_count);
        }
        ok = ok && map_count(map) == model_count;
        for (size_t i = 0; ok && i < model_count; i++) {
            ok = slice_is(map_key_at(map, i), model_keys[i]) &&
                 map_value_at(map, i) == (void *)model_values[i];
        }
        if (random_below(&random, 500) == 0) {
            map_clear(map);
            model_count = 0;
        }
    }
    if (!ok) {
        fprintf(stderr, "map: seed %llu\n", (unsigned long long)seed);
    }
    CHECK(ok);
    map_destroy(map);
}

static void test_distance(void)
{
    CHECK(text_distance(slice_of("kitten"), slice_of("sitting")) == 3);
    CHECK(text_distance(slice_of("form"), slice_of("FROM")) == 1); // neighbours swapped
    CHECK(text_distance(slice_of(""), slice_of("abc")) == 3);
    CHECK(text_distance(slice_of("same"), slice_of("SAME")) == 0);
    CHECK(text_is_near(slice_of("endpiont"), slice_of("endpoint")));
    CHECK(!text_is_near(slice_of("abcd"), slice_of("wxyz")));
    Map *map = map_create(true);
    int value;
    map_put(map, slice_of("status_code"), &value);
    map_put(map, slice_of("endpoint"), &value);
    CHECK(slice_is(map_nearest(map, slice_of("staus_code")), "status_code"));
    CHECK(map_nearest(map, slice_of("response_time")).size == 0);
    map_destroy(map);
}

static void test_clock(void)
{
    // Day numbers and civil dates agree over 800 years, both ways and in order.
    bool ok = true;
    int last_day = 0;
    for (int64_t day = -146097; day <= 146097; day++) {
        int y;
        int m;
        int d;
        time_civil(day, &y, &m, &d);
        ok &= time_days(y, m, d) == day && (d == last_day + 1 || d == 1) && m >= 1 && m <= 12;
        last_day = d;
    }
    CHECK(ok);
    CHECK(time_days(1970, 1, 1) == 0 && time_days(2000, 2, 29) == 11016);
    char text[32];
    time_format_iso(1704067201123456, text);
    CHECK_TEXT(text, "2024-01-01T00:00:01.123Z");
    time_format_iso(-1, text);
    CHECK_TEXT(text, "1969-12-31T23:59:59.999Z");
    ManualClock manual = clock_manual(5);
    clock_sleep_until(&manual.clock, 100);
    CHECK(clock_now(&manual.clock) == 5);
    manual.time = 7;
    CHECK(clock_now(&manual.clock) == 7);
    TimeUs before = clock_monotonic();
    clock_sleep_until(clock_system(), clock_now(clock_system()) + 2 * TIME_MS);
    CHECK(clock_monotonic() - before >= 2 * TIME_MS - 200);
}

static void test_crc32c(void)
{
    CHECK(crc32c_update(0, "123456789", 9) == 0xE3069283u);
    unsigned char zeros[32] = {0};
    CHECK(crc32c_update(0, zeros, 32) == 0x8A9136AAu);
    char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 31);
    }
    bool ok = true;
    for (size_t cut = 0; cut <= sizeof bytes; cut++) { // in two parts
        uint32_t crc = crc32c_update(0, bytes, cut);
        ok &= crc32c_update(crc, bytes + cut, sizeof bytes - cut) ==
              crc32c_update(0, bytes, sizeof bytes);
    }
    CHECK(ok);
}

static void test_random(void)
{
    Random a = {42};
    Random b = {42};
    bool same = true;
    bool in_range = true;
    int counts[10] = {0};
    for (int i = 0; i < 10000; i++) {
        same &= random_next(&a) == random_next(&b);
        double unit = random_unit(&a);
        in_range &= unit >= 0 && unit < 1 && random_unit(&b) == unit;
        uint64_t below = random_below(&a, 10);
        in_range &= below < 10 && random_below(&b, 10) == below;
        counts[below]++;
    }
    CHECK(same && in_range);
    for (int i = 0; i < 10; i++) {
        CHECK(counts[i] > 850 && counts[i] < 1150);
    }
    // splitmix64 of seed 0: files of generated events must not change between versions
    CHECK(random_next(&(Random){0}) == 0xe220a8397b1dcdafu);
    char one[37];
    char two[37];
    random_uuid(one);
    random_uuid(two);
    CHECK(strlen(one) == 36 && strcmp(one, two) != 0 && one[14] == '4');
}

static void test_secret(void)
{
    secret_register(slice_of("abc")); // too short
    secret_register(slice_of("hunter22"));
    char text[] = "abc hunter22 and hunter22!";
    secret_mask(text);
    CHECK_TEXT(text, "abc *** and ***!");
}

static void test_fault(void)
{
    CHECK(!FAULT("flow.after_log"));
    CHECK(!fault_arm("no.such.point"));
    CHECK(fault_arm("flow.after_log"));
    CHECK(!FAULT("flow.after_run"));
    CHECK(FAULT("flow.after_log"));
    CHECK(!FAULT("flow.after_log")); // once
    CHECK(fault_arm("flow.after_log"));
    fault_disarm();
    CHECK(!FAULT("flow.after_log"));
}

int main(void)
{
    test_error();
    test_arena();
    test_buffer();
    for (uint64_t seed = 1; seed <= 10; seed++) {
        test_map(seed, seed % 2 == 0);
    }
    test_distance();
    test_clock();
    test_crc32c();
    test_random();
    test_secret();
    test_fault();
    return check_done();
}
