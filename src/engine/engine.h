// engine.h -- what the command line (and later the server) may ask of the engine.
//
// The parts behind it: project.h (tarn.yml and its files), catalog.h (datasets and flows of the
// SQL), flow.h (one flow's batches), run.h (all flows in one process), query.h (ad-hoc SQL),
// testing.h (.test files on a manual clock), history.h (SQLite), control.h (the socket).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/project.h"

typedef struct RunOptions {
    bool once;                 // availableNow for the whole project
    TimeUs duration;           // --for; 0: until a signal
    const char *const *select; // dataset names; none: all
    size_t select_count;
    const char *const *full_refresh;
    size_t full_refresh_count;
    bool full_refresh_all;
    bool json; // progress as one JSON object per line on stdout
} RunOptions;

// Runs the project until its end; returns the exit code. Messages go to stderr.
int engine_run(Project *project, const RunOptions *options);
// Asks a running engine to stop after the current batches: once cleanly, twice at once.
// Safe to call from a signal handler.
void engine_request_stop(void);

// Checks everything and prints all problems; returns the exit code.
int engine_dry_run(Project *project);

// One or more statements (';' between); rows of each are written to `out` in `format` ("table",
// "csv", "json", "jsonl", "markdown"), or into the file `output` (parquet, csv, json, jsonl by
// format). project may be NULL. `name` is how messages call the text ("query", a file's path).
int engine_query(Project *project, const char *name, Slice sql, const char *format,
                 const char *output);

typedef struct TestOptions {
    const char *const *files; // none: tests/**/*.test of the project
    size_t file_count;
    bool as_written; // without the permutations: for the inner loop
} TestOptions;

// Runs .test files; prints a line per failure and "N passed, N failed"; returns the exit code.
int engine_test(Project *project, const TestOptions *options);
