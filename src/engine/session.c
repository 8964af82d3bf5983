// SPDX-License-Identifier: Apache-2.0
#include "engine/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/store.h"
#include "engine/run.h"

enum { RETRIES = 3 };

// Opens the database and puts Spark's functions into it.
static bool open_duck(Session *session, Error *err)
{
    Project *project = session->project;
    const SessionOptions *options = &session->options;
    int64_t limit = project_bytes(project, "tarn.memory.limit");
    char *spill = arena_printf(project_arena(project), "%s/.spill", project_storage(project));
    DuckOptions duck = {
        .memory_limit_bytes = memory_duck_bytes(limit),
        .threads =
            options->threads > 0 ? options->threads : (int)project_int(project, "tarn.threads"),
        .time_zone = project_text(project, "spark.sql.session.timeZone"),
        .unordered = true,
        .temp_directory = options->shared == NULL ? spill : NULL, // storage may go before it
    };
    DuckConn *conn = NULL;
    bool ok = duck_open(&duck, &session->duck, err) && duck_connect(session->duck, &conn, err) &&
              sql_prelude(conn, err);
    duck_disconnect(conn);
    return ok;
}

bool session_open(Project *project, const SessionOptions *options, Session **result, Error *err)
{
    Session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return fail(err, ERROR_FAILED, "out of memory");
    }
    session->project = project;
    session->options = *options;
    SessionDuck *shared = options->shared;
    session->duck = shared == NULL ? NULL : shared->duck;
    bool ok = (session->duck != NULL || open_duck(session, err)) &&
              catalog_create(project, project_arena(project), project_diagnostics(project),
                             session->duck, options->clock, &session->catalog, err);
    if (ok && shared != NULL) {
        shared->duck = session->duck;
    }
    if (!ok) {
        session_close(session);
        return false;
    }
    *result = session;
    return true;
}

void session_close(Session *session)
{
    if (session == NULL) {
        return;
    }
    for (size_t i = 0; i < session->flow_count; i++) {
        flow_close(session->flows[i]);
    }
    for (size_t i = 0; i < session->view_count; i++) {
        view_destroy(session->views[i]);
    }
    free(session->flows);
    free(session->failed);
    free(session->before);
    free(session->views);
    memory_destroy(session->context.memory);
    catalog_destroy(session->catalog);
    if (session->options.shared == NULL || session->options.shared->duck != session->duck) {
        duck_close(session->duck);
    }
    free(session);
}

bool session_resolve(Session *session)
{
    return catalog_resolve(session->catalog) && project_diagnostics(session->project)->count == 0;
}

bool session_is_selected(const Session *session, const Dataset *dataset)
{
    for (size_t i = 0; i < session->options.select_count; i++) {
        if (text_equal_nocase(session->options.select[i], dataset->name)) {
            return true;
        }
    }
    return session->options.select_count == 0;
}

static bool check_selection(const Session *session, const char *const *names, size_t count,
                            const char *option, Error *err)
{
    const DatasetList *order = &session->catalog->order;
    for (size_t i = 0; i < count; i++) {
        const Dataset *found = NULL;
        Map *known = map_create(true);
        for (size_t d = 0; d < order->count; d++) {
            found = text_equal_nocase(order->items[d]->name, names[i]) ? order->items[d] : found;
            map_put(known, slice_of(order->items[d]->name), NULL);
        }
        Slice nearest = map_nearest(known, slice_of(names[i]));
        if (found == NULL) {
            fail(err, ERROR_INPUT, "%s: no dataset '%s'%s%.*s%s", option, names[i],
                 nearest.size > 0 ? "; did you mean '" : "", SLICE_ARG(nearest),
                 nearest.size > 0 ? "'?" : "");
        }
        map_destroy(known);
        if (found == NULL) {
            return false;
        }
        if (found->kind == DATASET_QUARANTINE || found->kind == DATASET_LATE_ROWS) {
            return fail(err, ERROR_INPUT, "%s: '%s' is filled beside '%s', name that", option,
                        found->name, found->upstream.items[0]->name);
        }
    }
    return true;
}

bool session_prepare(Session *session, Error *err)
{
    const DatasetList *order = &session->catalog->order;
    ProjectIdentity identity;
    if (!check_selection(session, session->options.select, session->options.select_count,
                         "--select", err) ||
        !project_identity(session->project, session->options.clock, &identity, err)) {
        return false;
    }
    int64_t limit = project_bytes(session->project, "tarn.memory.limit");
    session->flow_count = session->catalog->flow_count;
    session->context = (FlowContext){
        .catalog = session->catalog,
        .clock = session->options.clock,
        .history = session->options.history,
        .identity = identity,
        .max_batch_rows = session->options.max_batch_rows,
        .memory = memory_create(limit),
        .json_progress = session->options.json_progress,
        .next_number = session->options.shared == NULL ? &session->next_number
                                                       : &session->options.shared->next_number,
    };
    session->flows = calloc(session->flow_count + 1, sizeof(Flow *));
    session->failed = calloc(session->flow_count + 1, sizeof *session->failed);
    session->before = calloc(session->flow_count + 1, sizeof *session->before);
    for (size_t i = 0; i < session->flow_count; i++) {
        if (session_is_selected(session, session->catalog->flows[i]->target)) {
            ControlFlow status;
            session_flow_status(session, i, &status);
            history_flow(session->options.history, &status);
        }
    }
    session->views = calloc(order->count + 1, sizeof(View *));
    for (size_t i = 0; i < order->count; i++) {
        Dataset *dataset = order->items[i];
        if (dataset->kind == DATASET_MATERIALIZED_VIEW && session_is_selected(session, dataset)) {
            if (!view_create(session->catalog, dataset, &session->views[session->view_count],
                             err)) {
                return false;
            }
            session->view_count++;
        }
    }
    return true;
}

bool session_open_flow(Session *session, size_t index, Error *err)
{
    if (!flow_open(&session->context, session->catalog->flows[index], &session->flows[index],
                   err)) {
        return false;
    }
    ControlFlow status;
    flow_status(session->flows[index], &status);
    history_flow(session->options.history, &status);
    return true;
}

bool session_is_unresolved(const Session *session, size_t index)
{
    return session->flows[index] != NULL && flow_is_unresolved(session->flows[index]);
}

void session_close_flow(Session *session, size_t index)
{
    ControlFlow sums;
    session_flow_status(session, index, &sums);
    session->before[index] = sums;
    flow_close(session->flows[index]);
    session->flows[index] = NULL;
}

void session_flow_status(const Session *session, size_t index, ControlFlow *status)
{
    const FlowSpec *spec = session->catalog->flows[index];
    *status = (ControlFlow){.flow = spec->name,
                            .dataset = spec->target->name,
                            .state = session->failed[index] ? "failed" : "waiting",
                            .batch = -1,
                            .lag_rows = -1,
                            .lag_ms = -1,
                            .watermark = TIME_MIN};
    if (session->flows[index] != NULL) {
        flow_status(session->flows[index], status);
    }
    const ControlFlow *before = &session->before[index];
    status->batches += before->batches;
    status->duration += before->duration;
    status->input_rows += before->input_rows;
    status->output_rows += before->output_rows;
    status->dropped += before->dropped;
    status->malformed += before->malformed;
}

// ---- full refresh ------------------------------------------------------------------------------

static bool remove_folder(const char *folder, Arena *arena, Error *err)
{
    Store *store = store_local(folder);
    StoreList list = {0};
    bool ok = store_list(store, "", NULL, &list, arena, err);
    for (size_t i = 0; ok && i < list.count; i++) {
        ok = store_remove(store, list.entries[i].name, err);
    }
    store_destroy(store);
    if (ok && rmdir(folder) != 0 && access(folder, F_OK) == 0) {
        return fail_errno(err, "cannot remove %s", folder);
    }
    return ok;
}

// A new checkpoint whose first batch replaces the target. The order makes every crash harmless: the
// new folder, which says so, is complete before the old one is moved away, and without an old one
// flow_open takes the new one. The old one is never seen half removed.
static bool renew_checkpoint(const Session *session, const FlowSpec *flow, Arena *arena, Error *err)
{
    const char *folder = project_checkpoint_path(session->project, slice_of(flow->name), arena);
    const char *fresh = flow_renewed_folder(folder, arena);
    const char *old = arena_printf(arena, "%s~old", folder);
    Store *store = store_local(fresh);
    bool ok = remove_folder(fresh, arena, err) &&
              store_put(store, FLOW_REPLACE_FILE, slice_of("1\n"), err) &&
              remove_folder(old, arena, err);
    store_destroy(store);
    if (ok && rename(folder, old) != 0 && errno != ENOENT) {
        return fail_errno(err, "cannot rename %s", folder);
    }
    if (ok && rename(fresh, folder) != 0) {
        return fail_errno(err, "cannot rename %s", fresh);
    }
    return ok && remove_folder(old, arena, err);
}

static bool refresh_dataset(const Session *session, const Dataset *dataset, Arena *arena,
                            Error *err)
{
    const FlowSpec *feeding = NULL;
    for (size_t i = 0; i < session->catalog->flow_count; i++) {
        const FlowSpec *flow = session->catalog->flows[i];
        if (flow->target != dataset) {
            continue;
        }
        if (feeding != NULL) {
            return fail(err, ERROR_INPUT,
                        "--full-refresh %s: it is fed by several flows, which this version cannot "
                        "refresh together; remove the table's folder and their checkpoints by hand",
                        dataset->name);
        }
        feeding = flow;
    }
    return feeding == NULL || renew_checkpoint(session, feeding, arena, err);
}

bool session_full_refresh(Session *session, const char *const *names, size_t count, bool all,
                          Error *err)
{
    if (!check_selection(session, names, count, "--full-refresh", err)) {
        return false;
    }
    Arena *arena = arena_create(0);
    bool ok = true;
    // Readers first: whoever is killed in between reads an old table anew, never a replaced one on.
    for (size_t d = session->catalog->order.count; ok && d > 0; d--) {
        const Dataset *dataset = session->catalog->order.items[d - 1];
        bool named = all;
        for (size_t i = 0; i < count; i++) {
            named |= text_equal_nocase(names[i], dataset->name);
        }
        ok = !named || refresh_dataset(session, dataset, arena, err);
    }
    arena_destroy(arena);
    return ok;
}

// ---- draining ----------------------------------------------------------------------------------

// The first error decides the exit code, but for damage.
static void remember(Session *session, ErrorKind kind)
{
    ErrorKind none = ERROR_NONE;
    if (kind == ERROR_CORRUPT) {
        atomic_store(&session->worst, kind);
    } else {
        atomic_compare_exchange_strong(&session->worst, &none, kind);
    }
}

// "flow 'a' (pipelines/a.sql:3): message": what is wrong with the query or its rows is mended
// there.
static void log_failure(const Session *session, const FlowSpec *spec, const Error *err)
{
    if (strncmp(err->message, "flow '", 6) == 0) {
        log_error("%s", err->message);
        return;
    }
    if (err->kind != ERROR_INPUT) {
        log_error("flow '%s': %s", spec->name, err->message);
        return;
    }
    const SqlSources *sources = session->catalog->diagnostics->sources;
    int line;
    int column;
    sql_sources_locate(sources, spec->pos, &line, &column);
    log_error("flow '%s' (%s:%d): %s", spec->name, sql_sources_path(sources, spec->pos.source),
              line, err->message);
}

void session_failed(Session *session, size_t flow, const Error *err)
{
    session->failed[flow] = true;
    remember(session, err->kind);
    const char *name = session->catalog->flows[flow]->name;
    log_failure(session, session->catalog->flows[flow], err);
    if (session->flows[flow] != NULL) {
        flow_set_state(session->flows[flow], "failed", err->message);
    }
    HistoryBatch row = {
        .flow = name,
        .dataset = session->catalog->flows[flow]->target->name,
        .batch = -1,
        .started = clock_now(session->options.clock),
        .watermark = TIME_MIN,
        .delta_version = -1,
        .error = err->message,
    };
    history_batch(session->options.history, &row);
}

static bool drain_flow(Session *session, size_t index, bool fix_end, Error *err)
{
    if (session->flows[index] == NULL && !session_open_flow(session, index, err)) {
        return false;
    }
    Flow *flow = session->flows[index];
    if (fix_end && !flow_fix_end(flow, err)) {
        return false;
    }
    FlowStep step = FLOW_BATCH;
    while (step == FLOW_BATCH && !engine_is_stopping()) {
        if (!flow_step(flow, &step, err)) {
            return false;
        }
    }
    flow_set_state(flow, fix_end ? "finished" : "idle", NULL);
    return true;
}

// Not now, or a commit of unknown outcome, which a new open finds out.
static bool may_try_again(const Session *session, size_t index, const Error *err)
{
    return err->kind == ERROR_RETRY ||
           (err->kind == ERROR_CONFLICT && session_is_unresolved(session, index));
}

static bool drain_dataset(Session *session, const Dataset *dataset, bool fix_end, Error *err)
{
    for (size_t i = 0; i < session->flow_count; i++) {
        if (session->catalog->flows[i]->target != dataset || session->failed[i]) {
            continue;
        }
        bool ok = drain_flow(session, i, fix_end, err);
        for (int attempt = 1; !ok && may_try_again(session, i, err) && attempt < RETRIES;
             attempt++) {
            log_warn("flow '%s': %s; trying again", session->catalog->flows[i]->name, err->message);
            clock_sleep_until(session->options.clock,
                              clock_now(session->options.clock) + TIME_SECOND);
            if (session_is_unresolved(session, i)) {
                session_close_flow(session, i);
            }
            ok = drain_flow(session, i, fix_end, err);
        }
        if (!ok && err->kind == ERROR_CRASH) {
            return false;
        }
        if (!ok) {
            session_failed(session, i, err);
        }
    }
    return true;
}

static void report_constraints(const Session *session, const View *view, TimeUs started)
{
    const Expect *expect = view_expect(view);
    const ExpectPlan *plan = expect == NULL ? NULL : expect_plan_of(expect);
    for (size_t i = 0; plan != NULL && i < plan->rule_count; i++) {
        HistoryConstraint seen = {
            .dataset = plan->dataset,
            .batch = -1,
            .started = started,
            .constraint = plan->rules[i].name,
            .action = expect_action(plan->rules[i].violation),
            .rows = expect_checked(expect),
            .failed = expect_failed(expect, i),
        };
        history_constraint(session->options.history, &seen);
    }
}

bool session_refresh_view(Session *session, View *view, Error *err)
{
    bool stale = false;
    HistoryRefresh row = {.view = view_dataset(view)->name,
                          .started = clock_now(session->options.clock)};
    TimeUs began = clock_monotonic();
    if (view_is_stale(view, &stale, err) &&
        (!stale || view_refresh(view, row.started, &row.rows, err))) {
        row.duration = clock_monotonic() - began;
        if (stale) {
            history_refresh(session->options.history, &row);
            report_constraints(session, view, row.started);
        }
        return true;
    }
    if (err->kind == ERROR_CRASH) {
        return false;
    }
    remember(session, err->kind);
    ControlView status;
    view_status(view, &status);
    if (status.error == NULL || strcmp(status.error, err->message) != 0) {
        log_error("%s", err->message);
        row.duration = clock_monotonic() - began;
        row.error = err->message;
        history_refresh(session->options.history, &row);
    }
    view_set_failed(view, err->message);
    return true;
}

bool session_drain(Session *session, bool fix_end, Error *err)
{
    for (size_t d = 0; d < session->catalog->order.count && !engine_is_stopping(); d++) {
        const Dataset *dataset = session->catalog->order.items[d];
        if (!session_is_selected(session, dataset)) {
            continue;
        }
        if (!drain_dataset(session, dataset, fix_end, err)) {
            return false;
        }
        for (size_t v = 0; v < session->view_count; v++) {
            if (view_dataset(session->views[v]) == dataset &&
                !session_refresh_view(session, session->views[v], err)) {
                return false;
            }
        }
    }
    return true;
}
