// SPDX-License-Identifier: Apache-2.0
// Generators: determinism, event times, and `tarn generate` into a folder.
#include "check.h"
#include "connector/generator.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"

#define START ((TimeUs)1767225600000000) // 2026-01-01T00:00:00Z

static GeneratorSettings settings_of(const GeneratorKind *kind, uint64_t seed)
{
    return (GeneratorSettings){
        .kind = kind, .rate = kind->rate, .seed = seed, .start = START, .errors = -1};
}

static void test_deterministic(void)
{
    for (const GeneratorKind *const *kind = generator_kinds(); *kind != NULL; kind++) {
        GeneratorSettings a = settings_of(*kind, 42);
        GeneratorSettings b = settings_of(*kind, 43);
        Buffer one = {0};
        Buffer two = {0};
        Buffer other = {0};
        for (int64_t i = 0; i < 200; i++) {
            generator_write(&a, i, &one);
            generator_write(&b, i, &other);
        }
        for (int64_t i = 199; i >= 0; i--) { // in any order, one at a time
            Buffer line = {0};
            generator_write(&a, i, &line);
            buffer_append(&line, buffer_slice(&two));
            buffer_done(&two);
            two = line;
        }
        CHECK_TEXT(buffer_text(&two), buffer_text(&one));
        CHECK(strcmp(buffer_text(&one), buffer_text(&other)) != 0);
        buffer_done(&one);
        buffer_done(&two);
        buffer_done(&other);
    }
}

// The first lines are pinned: a change of the generators is a change that users see.
static void test_golden(void)
{
    Buffer out = {0};
    GeneratorSettings settings = settings_of(&generator_csv_events, 7);
    for (int64_t i = 9; i < 12; i++) {
        generator_write(&settings, i, &out);
    }
    CHECK(strncmp(buffer_text(&out), "2026-01-01T00:00:00.000180,", 27) == 0);
    CHECK(strstr(buffer_text(&out), "\n2026-01-01T00:00:03,") != NULL); // as Python's isoformat
    buffer_done(&out);
}

static void test_due(void)
{
    uint64_t seed = random_seed();
    printf("seed %llu\n", (unsigned long long)seed);
    Random random = {seed};
    for (int round = 0; round < 300; round++) {
        const GeneratorKind *kind = generator_kinds()[random_below(&random, 3)];
        GeneratorSettings settings = settings_of(kind, 1);
        settings.rate = 0.01 + random_unit(&random) * (round % 2 == 0 ? 10 : 100000);
        TimeUs now = START + (TimeUs)random_below(&random, (uint64_t)TIME_DAY);
        int64_t due = generator_due(&settings, now);
        CHECK(due > 0 && due % kind->burst == 0);
        CHECK(generator_time(&settings, due) > now);
        CHECK(generator_time(&settings, due - kind->burst) <= now);
        CHECK(generator_due(&settings, START - 1) == 0);
    }
}

static void test_json(void)
{
    GeneratorSettings settings = settings_of(&generator_web_logs, 1);
    Map *ids = map_create(false);
    int errors = 0;
    for (int64_t i = 0; i < 5000; i++) {
        Buffer line = {0};
        generator_write(&settings, i, &line);
        json_t *object = json_loadb(line.data, line.size, 0, NULL);
        CHECK(json_is_object(object));
        CHECK(json_object_size(object) == 11);
        errors += json_integer_value(json_object_get(object, "status_code")) >= 400;
        CHECK(json_real_value(json_object_get(object, "response_time")) > 0);
        map_put(ids, slice_of(json_string_value(json_object_get(object, "request_id"))), ids);
        json_decref(object);
        buffer_done(&line);
    }
    CHECK(map_count(ids) == 5000);       // fit for deduplication
    CHECK(errors > 200 && errors < 400); // 6 %
    map_destroy(ids);

    settings.errors = 100;
    settings.late = 100;
    for (int64_t i = 0; i < 100; i++) {
        Buffer line = {0};
        generator_write(&settings, i, &line);
        json_t *object = json_loadb(line.data, line.size, 0, NULL);
        CHECK(json_integer_value(json_object_get(object, "status_code")) >= 400);
        const char *time = json_string_value(json_object_get(object, "timestamp"));
        // All of it is late: within the five minutes before, and only the time differs.
        CHECK(strncmp(time, "2025-12-31T23:5", 15) == 0 ||
              strncmp(time, "2026-01-01T00:00:0", 18) == 0);
        json_decref(object);
        buffer_done(&line);
    }
}

static void test_find(void)
{
    const GeneratorKind *kind = NULL;
    Error err;
    CHECK(generator_find("WEB-LOGS", &kind, &err) && kind == &generator_web_logs);
    CHECK(!generator_find("web-log", &kind, &err));
    CHECK_TEXT(err.message, "no generator 'web-log'; did you mean 'web-logs'?");
    CHECK(!generator_find("user-events", &kind, &err));
    CHECK(strstr(err.message, "'user-events' is not part of this version") != NULL);
}

static int count_files(const char *folder, const char *prefix)
{
    int count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        CHECK(strstr(entry->d_name, ".tmp") == NULL);
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return count;
}

static void remove_folder(const char *folder)
{
    Buffer path = {0};
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        buffer_reset(&path);
        buffer_printf(&path, "%s/%s", folder, entry->d_name);
        unlink(buffer_text(&path));
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(folder);
    buffer_done(&path);
}

static void sleep_none(Clock *self, TimeUs deadline)
{
    ((ManualClock *)(void *)self)->time = deadline;
}

static void test_folder(void)
{
    char folder[] = "/tmp/tarn_generator_XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    ManualClock clock = clock_manual(START);
    clock.clock.sleep_until = sleep_none; // time flies
    volatile sig_atomic_t stop = 0;
    Error err = {0};
    GeneratorOptions options = {.kind = "csv-events",
                                .errors = -1,
                                .has_seed = true,
                                .seed = 5,
                                .to = folder,
                                .clock = &clock.clock};
    CHECK(generator_run(&options, stdout, &stop, NULL, NULL, &err));
    CHECK(count_files(folder, "event_batch_") == 10);
    CHECK(clock.time - START >= 27 * (TimeUs)TIME_SECOND); // a file every three seconds
    CHECK(clock.time - START < 28 * (TimeUs)TIME_SECOND);
    Buffer path = {0};
    buffer_printf(&path, "%s/event_batch_0.csv", folder);
    FILE *file = fopen(buffer_text(&path), "r");
    char line[200];
    int lines = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (lines++ == 0) {
            CHECK_TEXT(line, "timestamp,user_id,event\n");
        }
    }
    CHECK(lines == 11);
    if (file != NULL) {
        fclose(file);
    }
    // Numbering goes on, and nothing is overwritten.
    options.count = 15;
    CHECK(generator_run(&options, stdout, &stop, NULL, NULL, &err));
    CHECK(count_files(folder, "event_batch_") == 12);
    buffer_reset(&path);
    buffer_printf(&path, "%s/event_batch_11.csv", folder);
    CHECK(access(buffer_text(&path), F_OK) == 0);

    options = (GeneratorOptions){.kind = "app-logs",
                                 .rate = 10,
                                 .duration = 5 * TIME_SECOND,
                                 .history = 10 * TIME_SECOND,
                                 .errors = -1,
                                 .to = folder,
                                 .clock = &clock.clock};
    CHECK(generator_run(&options, stdout, &stop, NULL, NULL, &err));
    CHECK(count_files(folder, "app_logs_") >= 5);
    buffer_done(&path);
    remove_folder(folder);
}

static void test_options(void)
{
    ManualClock clock = clock_manual(START);
    volatile sig_atomic_t stop = 0;
    Error err = {0};
    GeneratorOptions options = {
        .kind = "csv-events", .errors = 5, .to = "-", .clock = &clock.clock};
    CHECK(!generator_run(&options, stdout, &stop, NULL, NULL, &err));
    CHECK_TEXT(err.message, "csv-events has no errors: leave --errors out");
    options.errors = -1;
    options.to = "kafka://localhost:9092/topic";
    CHECK(!generator_run(&options, stdout, &stop, NULL, NULL, &err));
    CHECK(err.kind == ERROR_INPUT && strstr(err.message, "kafka://localhost") != NULL);
}

int main(void)
{
    test_deterministic();
    test_golden();
    test_due();
    test_json();
    test_find();
    test_folder();
    test_options();
    return check_done();
}
