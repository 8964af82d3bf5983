// One thread per flow, one for the materialized views (the caller's), one for the control socket.
//
//   flow thread   step until idle, then wait: for a commit of another flow (a Delta source may have
//                 rows), for the trigger interval, or for the poll interval of outside sources
//   view loop     after commits, at most every VIEW_INTERVAL
//
// SPDX-License-Identifier: Apache-2.0
#include "engine/run.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/change.h"
#include "engine/engine.h"
#include "engine/report.h"
#include "engine/session.h"

#define POLL_INTERVAL     (100 * (TimeUs)TIME_MS) // files, generators: rows appear without a word
#define VIEW_INTERVAL     (10 * (TimeUs)TIME_SECOND)
#define REPORT_INTERVAL   (10 * (TimeUs)TIME_SECOND)
#define TERMINAL_INTERVAL (500 * (TimeUs)TIME_MS)
#define BACKOFF_MIN       TIME_SECOND
#define BACKOFF_MAX       (30 * (TimeUs)TIME_SECOND)

static _Atomic int stop_requests; // set from a signal handler

void engine_request_stop(void)
{
    atomic_fetch_add(&stop_requests, 1);
}

bool engine_is_stopping(void)
{
    return atomic_load(&stop_requests) > 0;
}

// Commits so far; threads wait for it to change.
typedef struct Commits {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t count;
} Commits;

typedef struct Runner {
    Session *session;
    Commits commits;
    pthread_mutex_t catalog_lock; // flows are opened one at a time: planning adds to the catalog
    _Atomic size_t running;
    TimeUs started;
    InstanceLock *lock;
    Control *control;
    History *history;
} Runner;

typedef struct FlowThread {
    Runner *runner;
    size_t index;
    pthread_t thread;
    bool is_started;
    bool is_behind; // a batch took longer than the trigger interval: told once
} FlowThread;

static uint64_t commits_count(Commits *commits)
{
    pthread_mutex_lock(&commits->lock);
    uint64_t count = commits->count;
    pthread_mutex_unlock(&commits->lock);
    return count;
}

static void commits_add(Commits *commits)
{
    pthread_mutex_lock(&commits->lock);
    commits->count++;
    pthread_cond_broadcast(&commits->changed);
    pthread_mutex_unlock(&commits->lock);
}

// Until the count differs from `seen`, or for `wait`.
static void commits_wait(Commits *commits, uint64_t seen, TimeUs wait)
{
    TimeUs until = clock_now(clock_system()) + wait;
    struct timespec deadline = {until / TIME_SECOND, (until % TIME_SECOND) * 1000};
    pthread_mutex_lock(&commits->lock);
    while (commits->count == seen && !engine_is_stopping()) {
        if (pthread_cond_timedwait(&commits->changed, &commits->lock, &deadline) != 0) {
            break;
        }
    }
    pthread_mutex_unlock(&commits->lock);
}

static void wait_for(Runner *runner, TimeUs wait)
{
    // In slices, so that a stop is noticed soon.
    TimeUs until = clock_monotonic() + wait;
    while (!engine_is_stopping() && clock_monotonic() < until) {
        TimeUs left = until - clock_monotonic();
        TimeUs slice = left < POLL_INTERVAL ? left : POLL_INTERVAL;
        clock_sleep_until(runner->session->options.clock,
                          clock_now(runner->session->options.clock) + slice);
    }
}

// ---- flows -------------------------------------------------------------------------------------

static bool open_flow(Runner *runner, size_t index, Error *err)
{
    pthread_mutex_lock(&runner->catalog_lock);
    bool ok = session_open_flow(runner->session, index, err);
    pthread_mutex_unlock(&runner->catalog_lock);
    return ok;
}

// Reports, waits and says whether to go on. A commit of unknown outcome needs a new open (F3).
static bool recover_flow(Runner *runner, size_t index, Error *err, TimeUs *backoff)
{
    Session *session = runner->session;
    bool reopen = err->kind == ERROR_CONFLICT && session_is_unresolved(session, index);
    if (err->kind != ERROR_RETRY && !reopen) {
        session_failed(session, index, err);
        return false;
    }
    const char *name = session->catalog->flows[index]->name;
    if (*backoff == 0) {
        log_warn("flow '%s': %s; trying again until it works", name, err->message);
    }
    *backoff = *backoff == 0                ? BACKOFF_MIN
               : *backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX
                                            : *backoff * 2;
    if (session->flows[index] != NULL) {
        flow_set_state(session->flows[index], "retrying", err->message);
    }
    wait_for(runner, *backoff);
    if (reopen) {
        pthread_mutex_lock(&runner->catalog_lock);
        session_close_flow(session, index);
        pthread_mutex_unlock(&runner->catalog_lock);
    }
    return true;
}

static bool step_flow(Runner *runner, size_t index, FlowStep *step, Error *err)
{
    Session *session = runner->session;
    if (session->flows[index] == NULL && !open_flow(runner, index, err)) {
        return false;
    }
    return flow_step(session->flows[index], step, err);
}

// Whether the flows of `target` fill the dataset: their table, or one beside it.
static bool is_filled_by(const Dataset *dataset, const Dataset *target)
{
    bool is_side = dataset->kind == DATASET_QUARANTINE || dataset->kind == DATASET_LATE_ROWS;
    for (size_t i = 0; is_side && i < dataset->upstream.count; i++) {
        if (dataset->upstream.items[i] == target) {
            return true;
        }
    }
    return dataset == target;
}

// Whether a flow will replace what the dataset holds with its first batch (--full-refresh).
static bool is_replaced_soon(const Session *session, const Dataset *dataset)
{
    bool soon = false;
    Arena *arena = arena_create(0);
    for (size_t i = 0; i < session->flow_count && !soon; i++) {
        const FlowSpec *spec = session->catalog->flows[i];
        if (!is_filled_by(dataset, spec->target) || session->failed[i] ||
            !session_is_selected(session, spec->target)) {
            continue;
        }
        ControlFlow status = {.batch = -1};
        if (session->flows[i] != NULL) {
            flow_status(session->flows[i], &status);
        }
        const char *folder = project_checkpoint_path(session->project, slice_of(spec->name), arena);
        const char *path = arena_printf(arena, "%s/%s", folder, FLOW_REPLACE_FILE);
        soon = status.batch < 0 && access(path, F_OK) == 0;
    }
    arena_destroy(arena);
    return soon;
}

// A stream cannot read on in a table that is replaced below it: it begins after that.
static bool waits_for_upstream(Runner *runner, size_t index)
{
    const DatasetList *upstream = &runner->session->catalog->flows[index]->upstream;
    bool waits = false;
    pthread_mutex_lock(&runner->catalog_lock);
    for (size_t i = 0; i < upstream->count; i++) {
        waits |= is_replaced_soon(runner->session, upstream->items[i]);
    }
    pthread_mutex_unlock(&runner->catalog_lock);
    return waits;
}

// Spark's ProcessingTime: triggers at whole multiples of the interval, whether there are rows or
// not; a batch that takes longer is followed by the next one at once.
static void wait_for_trigger(FlowThread *self, TimeUs interval, TimeUs started, TimeUs now)
{
    Session *session = self->runner->session;
    TimeUs took = clock_now(session->options.clock) - now;
    if (took > interval && !self->is_behind && flow_is_paced(session->flows[self->index])) {
        self->is_behind = true;
        log_warn("flow '%s': a batch took %.1f s, longer than pipelines.trigger.interval",
                 session->catalog->flows[self->index]->name, (double)took / (double)TIME_SECOND);
    }
    TimeUs next = now - now % interval + interval;
    wait_for(self->runner, started + (next - now) - clock_monotonic());
}

static void *flow_thread(void *argument)
{
    FlowThread *self = argument;
    Runner *runner = self->runner;
    Session *session = runner->session;
    TimeUs backoff = 0;
    bool waits = true;
    while (!engine_is_stopping()) {
        uint64_t seen = commits_count(&runner->commits);
        waits = waits && waits_for_upstream(runner, self->index);
        if (waits) {
            commits_wait(&runner->commits, seen, POLL_INTERVAL);
            continue;
        }
        TimeUs started = clock_monotonic();
        TimeUs now = clock_now(session->options.clock);
        FlowStep step = FLOW_IDLE;
        Error err;
        if (!step_flow(runner, self->index, &step, &err)) {
            if (!recover_flow(runner, self->index, &err, &backoff)) {
                break;
            }
            continue;
        }
        if (backoff > 0) {
            log_info("flow '%s': works again", session->catalog->flows[self->index]->name);
            flow_set_state(session->flows[self->index], "idle", NULL);
            backoff = 0;
        }
        TimeUs interval = flow_trigger_interval(session->flows[self->index]);
        if (step == FLOW_BATCH) {
            commits_add(&runner->commits);
        }
        if (interval > 0) {
            wait_for_trigger(self, interval, started, now);
        } else if (step == FLOW_IDLE) {
            commits_wait(&runner->commits, seen, POLL_INTERVAL);
        }
    }
    atomic_fetch_sub(&runner->running, 1);
    return NULL;
}

// ---- status ------------------------------------------------------------------------------------

static void append_flows(Runner *runner, Buffer *json)
{
    Session *session = runner->session;
    for (size_t i = 0; i < session->flow_count; i++) {
        const FlowSpec *spec = session->catalog->flows[i];
        if (!session_is_selected(session, spec->target)) {
            continue;
        }
        ControlFlow status;
        Buffer progress = {0};
        session_flow_status(session, i, &status);
        if (session->flows[i] != NULL) {
            flow_append_progress(session->flows[i], &progress);
        }
        status.progress = progress.size == 0 ? NULL : buffer_text(&progress);
        control_append_flow(json, &status);
        buffer_done(&progress);
    }
}

static void append_views(const Session *session, Buffer *json)
{
    for (size_t i = 0; i < session->view_count; i++) {
        ControlView status;
        view_status(session->views[i], &status);
        control_append_view(json, &status);
    }
}

static void print_status(void *context, Buffer *json)
{
    Runner *runner = context;
    control_begin_status(json, project_name(runner->session->project), true, (int)getpid(),
                         runner->started);
    pthread_mutex_lock(&runner->catalog_lock);
    append_flows(runner, json);
    pthread_mutex_unlock(&runner->catalog_lock);
    control_begin_views(json);
    append_views(runner->session, json);
    history_append_quality(runner->history, json);
    control_end_status(json);
}

// A line per flow: in place on a terminal, otherwise from time to time.
static void report(Runner *runner, bool in_place, size_t *lines)
{
    Session *session = runner->session;
    Buffer out = {0};
    size_t count = 0;
    if (in_place && *lines > 0) {
        buffer_printf(&out, "\033[%zuA", *lines);
    }
    pthread_mutex_lock(&runner->catalog_lock);
    for (size_t i = 0; i < session->flow_count; i++) {
        if (session->flows[i] == NULL) {
            continue;
        }
        ControlFlow status;
        session_flow_status(session, i, &status);
        report_flow(&status, &out);
        buffer_append_text(&out, in_place ? "\033[K\n" : "\n");
        count++;
    }
    pthread_mutex_unlock(&runner->catalog_lock);
    fputs(buffer_text(&out), stderr);
    buffer_done(&out);
    *lines = count;
}

// ---- life --------------------------------------------------------------------------------------

// `all`: after commits; else those that read what changes without one.
static void refresh_views(Runner *runner, bool all)
{
    Error err;
    Session *session = runner->session;
    for (size_t i = 0; i < session->view_count; i++) {
        bool looks = all || view_reads_outside(session->views[i]);
        if (looks && !session_refresh_view(session, session->views[i], &err)) {
            log_error("%s", err.message); // a fault point: only in tests
        }
    }
}

// The console sink prints on the same terminal: lines in place would overwrite its tables.
static bool has_console(const Session *session)
{
    for (size_t i = 0; i < session->flow_count; i++) {
        if (strcmp(session->catalog->flows[i]->target->sink->name, "console") == 0) {
            return true;
        }
    }
    return false;
}

static void watch(Runner *runner, TimeUs duration)
{
    bool in_place = isatty(STDERR_FILENO) && !runner->session->options.json_progress &&
                    !has_console(runner->session);
    TimeUs report_every = in_place ? TERMINAL_INTERVAL : REPORT_INTERVAL;
    TimeUs end = duration > 0 ? clock_monotonic() + duration : TIME_NEVER;
    TimeUs next_report = clock_monotonic() + report_every;
    TimeUs next_views = clock_monotonic() + TIME_SECOND; // soon, so that there is something to see
    uint64_t seen = UINT64_MAX; // what the last run committed may not be in the views yet
    size_t lines = 0;
    while (!engine_is_stopping() && atomic_load(&runner->running) > 0) {
        uint64_t count = commits_count(&runner->commits);
        commits_wait(&runner->commits, count, POLL_INTERVAL);
        if (clock_monotonic() >= next_views) {
            refresh_views(runner, count != seen);
            seen = count;
            next_views = clock_monotonic() + VIEW_INTERVAL;
        }
        if (clock_monotonic() >= next_report) {
            report(runner, in_place, &lines);
            next_report = clock_monotonic() + report_every;
        }
        if (clock_monotonic() >= end) {
            engine_request_stop();
        }
    }
}

static bool start_flows(Runner *runner, FlowThread *threads, Error *err)
{
    Session *session = runner->session;
    for (size_t i = 0; i < session->flow_count; i++) {
        if (!session_is_selected(session, session->catalog->flows[i]->target)) {
            continue;
        }
        // Everything but "not now" is told before anything runs.
        if (!open_flow(runner, i, err) && err->kind != ERROR_RETRY) {
            return false;
        }
        threads[i] = (FlowThread){.runner = runner, .index = i};
        threads[i].is_started = true;
    }
    for (size_t i = 0; i < session->flow_count; i++) {
        if (!threads[i].is_started) {
            continue;
        }
        atomic_fetch_add(&runner->running, 1);
        if (pthread_create(&threads[i].thread, NULL, flow_thread, &threads[i]) != 0) {
            threads[i].is_started = false;
            atomic_fetch_sub(&runner->running, 1);
            return fail(err, ERROR_FAILED, "cannot start a thread");
        }
    }
    return true;
}

static int run_flows(Runner *runner, const RunOptions *options, Error *err)
{
    Session *session = runner->session;
    if (options->once) {
        if (!session_drain(session, true, err)) {
            return error_exit_code(err->kind);
        }
        report_summary(session);
        return session->worst == ERROR_CORRUPT || session->worst == ERROR_RETRY
                   ? error_exit_code(session->worst)
                   : session->worst != ERROR_NONE;
    }
    FlowThread *threads = calloc(session->flow_count + 1, sizeof *threads);
    bool ok = threads != NULL && start_flows(runner, threads, err);
    if (ok) {
        watch(runner, options->duration);
    }
    engine_request_stop();
    for (size_t i = 0; threads != NULL && i < session->flow_count; i++) {
        if (threads[i].is_started && threads[i].thread != 0) {
            pthread_join(threads[i].thread, NULL);
        }
    }
    free(threads);
    if (ok && options->duration > 0) {
        refresh_views(runner, true); // what was committed until the end shall be in the views
    }
    if (!ok) {
        log_error("%s", err->message);
        return error_exit_code(err->kind);
    }
    report_summary(session);
    return session->worst == ERROR_CORRUPT ? 4 : session->worst != ERROR_NONE;
}

// Takes the project for this process. A run that is killed from here on is in the history.
static bool begin_run(Runner *runner, Project *project, Error *err)
{
    const char *storage = project_storage(project);
    HistoryOptions keep = {project_duration(project, "tarn.history.time"),
                           project_int(project, "tarn.history.batches")};
    if (!instance_lock(storage, &runner->lock, err)) {
        return false;
    }
    if (!history_open(storage, &keep, &runner->history, err)) {
        log_warn("no history is kept: %s", err->message);
        runner->history = NULL;
    }
    history_run_started(runner->history, runner->started, TARN_VERSION);
    return true;
}

static int run_session(Runner *runner, const RunOptions *options)
{
    Error err;
    Session *session = runner->session;
    session->options.history = runner->history;
    ControlHandler handler = {print_status, engine_request_stop, runner};
    if (!session_prepare(session, &err) ||
        !session_full_refresh(session, options->full_refresh, options->full_refresh_count,
                              options->full_refresh_all, &err) ||
        !control_open(project_storage(session->project), &handler, &runner->control, &err)) {
        log_error("%s", err.message);
        return error_exit_code(err.kind);
    }
    int code = run_flows(runner, options, &err);
    control_close(runner->control);
    return code;
}

static void print_problems(Project *project)
{
    Buffer text = {0};
    diagnostics_print(project_diagnostics(project), &text);
    fputs(buffer_text(&text), stderr);
    buffer_done(&text);
}

// *began is false when the project has problems: then nothing ran.
static int run_project(Runner *runner, Project *project, const RunOptions *options, bool *began)
{
    Error err;
    SessionOptions session_options = {
        .clock = clock_system(),
        .json_progress = options->json,
        .select = options->select,
        .select_count = options->select_count,
    };
    *began = true;
    if (!session_open(project, &session_options, &runner->session, &err)) {
        log_error("%s", err.message);
        return error_exit_code(err.kind);
    }
    int code = 2;
    catalog_add_files(runner->session->catalog);
    *began = session_resolve(runner->session);
    if (*began) {
        code = run_session(runner, options);
    } else {
        print_problems(project);
    }
    session_close(runner->session);
    return code;
}

int engine_run(Project *project, const RunOptions *options)
{
    Error err;
    Runner runner = {.started = clock_now(clock_system())};
    pthread_mutex_init(&runner.commits.lock, NULL);
    pthread_cond_init(&runner.commits.changed, NULL);
    pthread_mutex_init(&runner.catalog_lock, NULL);
    // A project file with problems may not name the storage that was meant: it is left alone.
    bool is_sound = project_diagnostics(project)->count == 0;
    if (is_sound && !begin_run(&runner, project, &err)) {
        log_error("%s", err.message);
        return error_exit_code(err.kind);
    }
    bool began = false;
    int code = run_project(&runner, project, options, &began);
    if (began) {
        history_run_ended(runner.history, clock_now(clock_system()), code);
    } else {
        history_run_withdrawn(runner.history);
    }
    history_close(runner.history);
    instance_unlock(runner.lock);
    return code;
}

int engine_dry_run(Project *project)
{
    Error err;
    Session *session = NULL;
    SessionOptions options = {.clock = clock_system()};
    if (!session_open(project, &options, &session, &err)) {
        log_error("%s", err.message);
        return error_exit_code(err.kind);
    }
    catalog_add_files(session->catalog);
    bool ok = session_resolve(session);
    if (ok) {
        change_check_all(session->catalog);
        ok = project_diagnostics(project)->count == 0;
    }
    if (ok) {
        size_t datasets = session->catalog->order.count;
        size_t flows = session->catalog->flow_count;
        printf("%zu dataset%s, %zu flow%s: no problems\n", datasets, datasets == 1 ? "" : "s",
               flows, flows == 1 ? "" : "s");
    } else {
        print_problems(project);
        fprintf(stderr, "%zu problem%s\n", project_diagnostics(project)->count,
                project_diagnostics(project)->count == 1 ? "" : "s");
    }
    session_close(session);
    return ok ? 0 : 2;
}
