// History and control: what is written is read back, damage and rivals are survived.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/control.h"
#include "engine/history.h"

static char storage[192];

static void make_storage(bool is_long)
{
    static const char padding[] = "/a_folder_whose_name_makes_the_path_of_the_socket_longer_than_"
                                  "the_hundred_and_eight_bytes_that_the_kernel_allows";
    char folder[64];
    snprintf(folder, sizeof folder, "%s/tarn_history_XXXXXX", "/tmp");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(storage, sizeof storage, "%s%s", folder, is_long ? padding : "");
    mkdir(storage, 0777);
}

static void remove_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", storage, name);
    remove(path);
}

static void remove_storage(void)
{
    static const char *const names[] = {"history.db",         "history.db-wal", "history.db-shm",
                                        "history.db.damaged", "tarn.lock",      "tarn.sock"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        remove_file(names[i]);
    }
    CHECK(rmdir(storage) == 0); // also: nothing unexpected was left there
}

static HistoryBatch batch_of(const char *flow, int64_t batch, TimeUs started)
{
    return (HistoryBatch){.flow = flow,
                          .dataset = flow,
                          .batch = batch,
                          .started = started,
                          .duration = TIME_SECOND,
                          .input_rows = 10,
                          .output_rows = 5,
                          .watermark = TIME_MIN,
                          .state_rows = batch,
                          .delta_version = -1};
}

static json_t *last_run(void)
{
    Buffer text = {0};
    bool found = false;
    Error err;
    CHECK(history_last_run(storage, "p", &text, &found, &err));
    json_error_t problem;
    json_t *root = found ? json_loads(buffer_text(&text), 0, &problem) : NULL;
    CHECK(found == (root != NULL));
    buffer_done(&text);
    return root;
}

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void test_history(void)
{
    make_storage(false);
    CHECK(last_run() == NULL);
    History *history = NULL;
    Error err;
    HistoryOptions options = {.keep_time = TIME_DAY, .keep_batches = 3};
    CHECK(history_open(storage, &options, &history, &err));
    history_run_started(history, 100 * TIME_DAY, "0.1.0");
    for (int64_t i = 0; i < 5; i++) {
        HistoryBatch batch = batch_of("a", i, 100 * TIME_DAY + i);
        history_batch(history, &batch);
    }
    HistoryBatch failed = batch_of("b", 0, 100 * TIME_DAY);
    failed.error = "disk \"full\"";
    history_batch(history, &failed);

    json_t *run = last_run(); // beside the open writer
    CHECK(json_is_null(json_object_get(run, "exit_code")));
    json_t *flows = json_object_get(run, "flows");
    CHECK(json_array_size(flows) == 2);
    CHECK(number_of(json_array_get(flows, 0), "batch") == 4);
    CHECK(number_of(json_array_get(flows, 0), "input_rows") == 50);
    CHECK(number_of(json_array_get(flows, 0), "state_rows") == 4);
    CHECK(json_real_value(json_object_get(json_array_get(flows, 0), "rows_per_second")) == 10.0);
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(flows, 1), "state")), "failed");
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(flows, 1), "error")),
               "disk \"full\"");
    CHECK(json_is_null(json_object_get(json_array_get(flows, 1), "batch")));
    json_decref(run);

    history_run_ended(history, 100 * TIME_DAY + TIME_HOUR, 1);
    run = last_run();
    CHECK(number_of(run, "exit_code") == 1);
    json_decref(run);
    history_close(history);

    // The next run keeps three batches of each flow, and two days later nothing.
    CHECK(history_open(storage, &options, &history, &err));
    history_run_started(history, 100 * TIME_DAY + 2 * TIME_HOUR, "0.1.0");
    history_close(history);
    run = last_run();
    CHECK(json_array_size(json_object_get(run, "flows")) == 0);
    json_decref(run);
    history_batch(NULL, &failed); // opening failed: nothing happens
    remove_storage();
}

static HistoryRefresh refresh_of(const char *view, TimeUs started, int64_t rows)
{
    return (HistoryRefresh){
        .view = view, .started = started, .duration = TIME_SECOND, .rows = rows};
}

// What a run that found nothing to do still says, and its views.
static void test_idle_run(void)
{
    make_storage(false);
    char path[256];
    snprintf(path, sizeof path, "%s/history.db", storage);
    fclose(fopen(path, "w")); // a process died before it made the tables
    CHECK(last_run() == NULL);
    History *history = NULL;
    Error err;
    HistoryOptions options = {.keep_time = TIME_DAY, .keep_batches = 2};
    CHECK(history_open(storage, &options, &history, &err));
    history_run_started(history, 100 * TIME_DAY, "0.1.0");
    ControlFlow flow = {.flow = "a", .dataset = "a", .batch = -1, .watermark = TIME_MIN};
    history_flow(history, &flow); // not open yet
    flow.flow = "b";
    history_flow(history, &flow);
    flow = (ControlFlow){.flow = "a", .dataset = "a", .batch = 7, .watermark = 0, .state_rows = 3};
    history_flow(history, &flow);
    HistoryBatch failed = batch_of("a", -1, 100 * TIME_DAY);
    failed.error = "no";
    history_batch(history, &failed);

    json_t *run = last_run();
    json_t *flows = json_object_get(run, "flows");
    CHECK(json_array_size(flows) == 2);
    const json_t *first = json_array_get(flows, 0);
    CHECK_TEXT(json_string_value(json_object_get(first, "flow")), "a");
    CHECK_TEXT(json_string_value(json_object_get(first, "state")), "failed");
    CHECK(number_of(first, "batch") == 7 && number_of(first, "batches") == 0);
    CHECK(number_of(first, "state_rows") == 3);
    CHECK_TEXT(json_string_value(json_object_get(first, "watermark")), "1970-01-01T00:00:00.000Z");
    CHECK(json_is_null(json_object_get(json_array_get(flows, 1), "batch")));
    CHECK(json_array_size(json_object_get(run, "views")) == 0);
    json_decref(run);

    for (int64_t i = 0; i < 3; i++) {
        HistoryRefresh refresh = refresh_of("v", 100 * TIME_DAY + i, 10 + i);
        history_refresh(history, &refresh);
    }
    HistoryRefresh broken = refresh_of("v", 100 * TIME_DAY + TIME_SECOND, 0);
    broken.error = "no";
    history_refresh(history, &broken);
    history_refresh(NULL, &broken);
    history_flow(NULL, &flow);
    run = last_run();
    const json_t *view = json_array_get(json_object_get(run, "views"), 0);
    CHECK_TEXT(json_string_value(json_object_get(view, "view")), "v");
    CHECK_TEXT(json_string_value(json_object_get(view, "kind")), "materialized view");
    CHECK_TEXT(json_string_value(json_object_get(view, "state")), "failed");
    CHECK_TEXT(json_string_value(json_object_get(view, "error")), "no");
    CHECK(number_of(view, "refreshes") == 3 && number_of(view, "rows") == 12);
    CHECK(number_of(view, "duration_ms") == 3000);
    CHECK_TEXT(json_string_value(json_object_get(view, "refreshed")), "1970-04-11T00:00:01.000Z");
    json_decref(run);
    history_close(history);
    remove_storage();
}

static void test_damaged_history(void)
{
    make_storage(false);
    char path[256];
    snprintf(path, sizeof path, "%s/history.db", storage);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 5000; i++) {
        fputs("this is not a database ", file);
    }
    fclose(file);
    History *history = NULL;
    Error err;
    HistoryOptions options = {0};
    log_set_level(LOG_ERROR); // the warning is expected
    CHECK(history_open(storage, &options, &history, &err));
    log_set_level(LOG_INFO);
    history_run_started(history, TIME_DAY, "0.1.0");
    history_close(history);
    json_t *run = last_run();
    CHECK(run != NULL);
    json_decref(run);
    snprintf(path, sizeof path, "%s/history.db.damaged", storage);
    CHECK(access(path, F_OK) == 0);
    remove_storage();
    // No folder: an error, not a crash.
    CHECK(!history_open(storage, &options, &history, &err) && err.kind == ERROR_RETRY);
}

static void *write_many(void *context)
{
    History *history = context;
    for (int64_t i = 0; i < 1200; i++) { // past one pruning
        HistoryBatch batch = batch_of("shared", i, 1000 * TIME_DAY);
        history_batch(history, &batch);
    }
    return NULL;
}

static void test_threads(void)
{
    make_storage(false);
    History *history = NULL;
    Error err;
    HistoryOptions options = {.keep_time = TIME_DAY, .keep_batches = 100000};
    CHECK(history_open(storage, &options, &history, &err));
    history_run_started(history, 1000 * TIME_DAY, "0.1.0");
    pthread_t threads[3];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        CHECK(pthread_create(&threads[i], NULL, write_many, history) == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    history_close(history);
    json_t *run = last_run();
    CHECK(number_of(json_array_get(json_object_get(run, "flows"), 0), "input_rows") == 36000);
    json_decref(run);
    remove_storage();
}

// ---- control -------------------------------------------------------------------------------

static int stops;

static void on_stop(void)
{
    stops++;
}

static void on_status(void *context, Buffer *json)
{
    control_begin_status(json, context, true, 7, 0);
    ControlFlow flow = {.flow = "a\"b",
                        .dataset = "d",
                        .state = "idle",
                        .batch = -1,
                        .lag_rows = -1,
                        .lag_ms = 5,
                        .watermark = TIME_MIN};
    control_append_flow(json, &flow);
    flow.watermark = 0;
    control_append_flow(json, &flow);
    control_begin_views(json);
    ControlView view = {.view = "v", .state = "waiting", .refreshed = TIME_MIN};
    control_append_view(json, &view);
    view.refreshes = 1;
    control_append_view(json, &view);
    control_end_status(json);
}

static void test_control(bool is_long)
{
    make_storage(is_long);
    Buffer reply = {0};
    bool running = true;
    Error err;
    CHECK(control_ask(storage, "status", &reply, &running, &err) && !running);
    Control *control = NULL;
    ControlHandler handler = {on_status, on_stop, "p"};
    CHECK(control_open(storage, &handler, &control, &err));
    CHECK(control_ask(storage, "status", &reply, &running, &err) && running);
    json_error_t problem;
    json_t *root = json_loads(buffer_text(&reply), 0, &problem);
    CHECK(root != NULL);
    json_t *flows = json_object_get(root, "flows");
    CHECK(json_array_size(flows) == 2);
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(flows, 0), "flow")), "a\"b");
    CHECK(json_is_null(json_object_get(json_array_get(flows, 0), "watermark")));
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(flows, 1), "watermark")),
               "1970-01-01T00:00:00.000Z");
    json_t *views = json_object_get(root, "views");
    CHECK(json_array_size(views) == 2);
    CHECK(json_is_null(json_object_get(json_array_get(views, 0), "rows")));
    CHECK(json_is_null(json_object_get(json_array_get(views, 0), "refreshed")));
    CHECK(json_is_integer(json_object_get(json_array_get(views, 1), "rows")));
    json_decref(root);
    buffer_reset(&reply);
    CHECK(control_ask(storage, "nonsense", &reply, &running, &err) && running);
    CHECK(strstr(buffer_text(&reply), "\"error\"") != NULL);
    stops = 0;
    CHECK(control_ask(storage, "stop", &reply, &running, &err) && running);
    control_close(control);
    CHECK(stops == 1);
    CHECK(control_ask(storage, "status", &reply, &running, &err) && !running);
    buffer_done(&reply);
    remove_storage();
}

static void test_lock(void)
{
    make_storage(false);
    CHECK(instance_pid(storage) == 0);
    InstanceLock *lock = NULL;
    Error err;
    CHECK(instance_lock(storage, &lock, &err));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        InstanceLock *other = NULL;
        char expected[64];
        snprintf(expected, sizeof expected, "process %d uses", (int)getppid());
        bool ok = instance_pid(storage) == (int)getppid() &&
                  !instance_lock(storage, &other, &err) && err.kind == ERROR_INPUT &&
                  strstr(err.message, expected) != NULL;
        _exit(ok ? 0 : 1);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    instance_unlock(lock);
    CHECK(instance_pid(storage) == 0);
    // A process that dies with the lock leaves nothing behind.
    child = fork();
    if (child == 0) {
        CHECK(instance_lock(storage, &lock, &err));
        _exit(0);
    }
    waitpid(child, &status, 0);
    CHECK(instance_lock(storage, &lock, &err));
    remove_file("tarn.lock"); // as `tarn clean` does while it holds the lock
    InstanceLock *second = NULL;
    CHECK(instance_lock(storage, &second, &err));
    instance_unlock(lock);
    instance_unlock(second);
    remove_storage();
}

int main(void)
{
    test_history();
    test_idle_run();
    test_damaged_history();
    test_threads();
    test_control(false);
    test_control(true);
    test_lock();
    return check_done();
}
