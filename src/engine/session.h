// session.h -- a project opened for running: database, catalog, flows and views.
//
//     session_open -> session_resolve -> session_prepare
//         -> { session_drain | session_open_flow, stepped by run.c's threads }* -> session_close
//
// session_drain runs everything that is due in dependency order on the calling thread until nothing
// is left: what `tarn run --once` and the `tick` of tests do. run.c gives each flow a thread;
// `flows` are opened and closed under its lock, `failed` and `worst` may be written by any of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/flow.h"
#include "engine/view.h"

// A database that sessions use one after the other: Spark's functions are put into it once. Begins
// zeroed; the first session opens it with its settings, and whoever owns this closes it.
typedef struct SessionDuck {
    Duck *duck;
    _Atomic int next_number; // names of functions are never used again
} SessionDuck;

typedef struct SessionOptions {
    SessionDuck *shared; // NULL: a database of its own
    Clock *clock;
    History *history; // NULL: none
    int threads;      // 0: the project's setting
    int64_t max_batch_rows;
    bool json_progress;
    const char *const *select; // dataset names; none: all
    size_t select_count;
} SessionOptions;

typedef struct Session {
    Project *project;
    SessionOptions options;
    Duck *duck;
    Catalog *catalog;
    FlowContext context;
    _Atomic int next_number;
    Flow **flows; // in the catalog's order; NULL: not open
    size_t flow_count;
    _Atomic bool *failed; // of each flow: it stopped with an error
    ControlFlow *before;  // of each flow: its sums until it was opened again
    View **views;
    size_t view_count;
    _Atomic ErrorKind worst; // of the errors so far: the exit code
} Session;

// Opens the database and reads the SQL files; problems are in the project's Diagnostics.
// False only when something other than the user's project is wrong.
MUST_USE bool session_open(Project *project, const SessionOptions *options, Session **session,
                           Error *err);
void session_close(Session *session); // NULL is a no-op
// Resolves the catalog; false: there are problems in the project's Diagnostics.
bool session_resolve(Session *session);
// Gives the project its identity and opens flows and views that are selected.
MUST_USE bool session_prepare(Session *session, Error *err);
MUST_USE bool session_open_flow(Session *session, size_t index, Error *err);
// New checkpoints for these datasets; NULL names: all. Before session_open_flow.
MUST_USE bool session_full_refresh(Session *session, const char *const *names, size_t count,
                                   bool all, Error *err);

// Everything that is due, dependencies first. `fix_end`: rows that come while it runs wait
// (--once). Failed flows are logged and do not stop the others; false with ERROR_CRASH when a fault
// point fired.
MUST_USE bool session_drain(Session *session, bool fix_end, Error *err);
void session_failed(Session *session, size_t flow, const Error *err);
// Closes a flow after a commit whose outcome is unknown; opening it again asks the marker (F3).
void session_close_flow(Session *session, size_t index);
bool session_is_unresolved(const Session *session, size_t index);
// Of a flow that is open or not, with its sums over the run. Not while one is opened or closed.
void session_flow_status(const Session *session, size_t index, ControlFlow *status);
// Refreshes a view if it is stale. A failure is logged once; false only with ERROR_CRASH.
MUST_USE bool session_refresh_view(Session *session, View *view, Error *err);
bool session_is_selected(const Session *session, const Dataset *dataset);
