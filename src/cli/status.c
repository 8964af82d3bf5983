// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "engine/control.h"
#include "engine/history.h"

enum { COLUMNS_MAX = 9 };

typedef struct Heading {
    const char *text;
    bool is_number; // at the right
} Heading;

static const Heading flow_columns[] = {
    {"FLOW", false},      {"STATE", false},  {"BATCH", true},
    {"ROWS/S", true},     {"LAG", true},     {"WATERMARK", false},
    {"STATE ROWS", true}, {"DROPPED", true}, {"MALFORMED", true},
};

static const Heading view_columns[] = {
    {"VIEW", false}, {"KIND", false}, {"STATE", false}, {"LAST REFRESH", false}, {"ROWS", true},
};

static const Heading constraint_columns[] = {
    {"TABLE", false}, {"CONSTRAINT", false}, {"ON VIOLATION", false},
    {"ROWS", true},   {"VIOLATIONS", true},
};

static const Heading side_columns[] = {{"TABLE", false}, {"FROM FLOW", false}, {"ROWS", true}};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "-" : text;
}

static const char *count_of(Arena *arena, const json_t *object, const char *key, const char *unit)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) {
        return NULL;
    }
    Buffer out = {0};
    cli_append_count(&out, (int64_t)json_number_value(value));
    buffer_append_text(&out, unit);
    const char *text = arena_text(arena, buffer_slice(&out));
    buffer_done(&out);
    return text;
}

static const char *or_dash(const char *text)
{
    return text == NULL ? "-" : text;
}

static void fill_flow(Arena *arena, const json_t *flow, const char **cells)
{
    const char *lag = count_of(arena, flow, "lag_rows", " rows");
    if (lag == NULL) {
        lag = count_of(arena, flow, "lag_ms", " ms");
    }
    cells[0] = text_of(flow, "flow");
    cells[1] = text_of(flow, "state");
    cells[2] = or_dash(count_of(arena, flow, "batch", ""));
    cells[3] = or_dash(count_of(arena, flow, "rows_per_second", ""));
    cells[4] = or_dash(lag);
    cells[5] = text_of(flow, "watermark");
    cells[6] = or_dash(count_of(arena, flow, "state_rows", ""));
    cells[7] = or_dash(count_of(arena, flow, "dropped", ""));
    cells[8] = or_dash(count_of(arena, flow, "malformed", ""));
}

static void fill_view(Arena *arena, const json_t *view, const char **cells)
{
    cells[0] = text_of(view, "view");
    cells[1] = text_of(view, "kind");
    cells[2] = text_of(view, "state");
    cells[3] = text_of(view, "refreshed");
    cells[4] = or_dash(count_of(arena, view, "rows", ""));
}

static void fill_constraint(Arena *arena, const json_t *seen, const char **cells)
{
    cells[0] = text_of(seen, "dataset");
    cells[1] = text_of(seen, "constraint");
    cells[2] = text_of(seen, "action");
    cells[3] = or_dash(count_of(arena, seen, "rows", ""));
    cells[4] = or_dash(count_of(arena, seen, "failed", ""));
}

static void fill_side(Arena *arena, const json_t *side, const char **cells)
{
    cells[0] = text_of(side, "dataset");
    cells[1] = text_of(side, "flow");
    cells[2] = or_dash(count_of(arena, side, "rows", ""));
}

typedef void (*FillFn)(Arena *arena, const json_t *object, const char **cells);

// One row for each object, below the headings; nothing when there are none.
static void print_table(Arena *arena, const json_t *objects, const Heading *columns,
                        size_t column_count, FillFn fill)
{
    size_t count = json_array_size(objects);
    const char *(*rows)[COLUMNS_MAX] = arena_alloc(arena, (count + 1) * sizeof *rows);
    int widths[COLUMNS_MAX] = {0};
    for (size_t c = 0; c < column_count; c++) {
        rows[0][c] = columns[c].text;
    }
    for (size_t i = 0; i < count; i++) {
        fill(arena, json_array_get(objects, i), rows[i + 1]);
    }
    for (size_t i = 0; i <= count; i++) {
        for (size_t c = 0; c < column_count; c++) {
            int size = (int)strlen(rows[i][c]);
            widths[c] = size > widths[c] ? size : widths[c];
        }
    }
    for (size_t i = 0; i <= count && count > 0; i++) {
        for (size_t c = 0; c < column_count; c++) {
            printf("%*s%s", columns[c].is_number ? widths[c] : -widths[c], rows[i][c],
                   c + 1 == column_count ? "\n" : "  ");
        }
    }
}

static void print_errors(const json_t *objects, const char *name)
{
    for (size_t i = 0; i < json_array_size(objects); i++) {
        const json_t *object = json_array_get(objects, i);
        const char *error = json_string_value(json_object_get(object, "error"));
        if (error != NULL) {
            printf("%s: %s\n", text_of(object, name), error);
        }
    }
}

static bool print_status(Arena *arena, Slice text)
{
    json_error_t problem;
    json_t *status = json_loadb(text.data, text.size, 0, &problem);
    if (status == NULL) {
        return false;
    }
    const char *project = text_of(status, "project");
    const char *started = text_of(status, "started");
    if (json_is_true(json_object_get(status, "running"))) {
        printf("%s: running since %s (process %" JSON_INTEGER_FORMAT ")\n", project, started,
               json_integer_value(json_object_get(status, "pid")));
    } else if (json_is_integer(json_object_get(status, "exit_code"))) {
        printf("%s: not running; the last run was %s to %s, exit code %" JSON_INTEGER_FORMAT "\n",
               project, started, text_of(status, "ended"),
               json_integer_value(json_object_get(status, "exit_code")));
    } else {
        printf("%s: not running; the last run began %s and was killed\n", project, started);
    }
    const json_t *flows = json_object_get(status, "flows");
    const json_t *views = json_object_get(status, "views");
    print_table(arena, flows, flow_columns, ARRAY_LEN(flow_columns), fill_flow);
    print_table(arena, views, view_columns, ARRAY_LEN(view_columns), fill_view);
    print_table(arena, json_object_get(status, "constraints"), constraint_columns,
                ARRAY_LEN(constraint_columns), fill_constraint);
    print_table(arena, json_object_get(status, "sides"), side_columns, ARRAY_LEN(side_columns),
                fill_side);
    print_errors(flows, "flow");
    print_errors(views, "view");
    json_decref(status);
    return true;
}

// The status object of the running instance, or of the last run; empty when nothing ever ran.
static bool fetch_status(Project *project, Buffer *status, Error *err)
{
    const char *storage = project_storage(project);
    bool running = false;
    bool found = false;
    if (!control_ask(storage, "status", status, &running, err)) {
        return false;
    }
    return running || history_last_run(storage, project_name(project), status, &found, err);
}

static int status_run(const CliArguments *arguments)
{
    Project *project = NULL;
    int code = cli_open_project(arguments, true, &project);
    if (code != 0) {
        return code;
    }
    Buffer status = {0};
    Error err;
    if (!fetch_status(project, &status, &err)) {
        code = cli_fail(&err);
    } else if (cli_has(arguments, "json")) {
        if (status.size == 0) {
            buffer_append_text(&status,
                               "{\"v\":1,\"type\":\"status\",\"running\":false,\"project\":");
            buffer_append_json(&status, slice_of(project_name(project)));
            buffer_append_text(&status,
                               ",\"pid\":null,\"started\":null,\"flows\":[],\"views\":[]}");
        }
        printf("%.*s\n", (int)strcspn(buffer_text(&status), "\n"), buffer_text(&status));
    } else if (status.size == 0) {
        printf("%s: not running, and nothing ran yet\n", project_name(project));
    } else if (!print_status(arguments->arena, buffer_slice(&status))) {
        log_error("the running instance sent what is not a status: is it another version of tarn?");
        code = 1;
    }
    buffer_done(&status);
    project_close(project);
    int output = cli_finish_output();
    return code != 0 ? code : output;
}

static const CliOption status_options[] = {
    {"json", 0, NULL, "one JSON object"},
};

const CliCommand cli_status = {
    .name = "status",
    .summary = "Show what the running instance does, or how the last run ended",
    .operands = "[PROJECT]",
    .operand_max = 1,
    .flags = CLI_PROJECT | CLI_PROJECT_OPERAND,
    .options = status_options,
    .option_count = ARRAY_LEN(status_options),
    .details =
        "DROPPED counts rows that came too late, MALFORMED rows that could not be read, both\n"
        "since the run began.",
    .examples = "  tarn status examples/weblogs\n",
    .run = status_run,
};

// ---- tarn stop -----------------------------------------------------------------------------

enum {
    LOOK_US = 50000,
    SAY_AFTER_US = 5000000,
    STARTING_US = 10000000, // between the lock and the socket of an instance that starts
};

static int stop_and_wait(const char *storage, int pid)
{
    Clock *clock = clock_system();
    TimeUs began = clock_monotonic();
    bool was_told = false;
    bool has_said = false;
    while (instance_pid(storage) == pid) {
        TimeUs waited = clock_monotonic() - began;
        Error err;
        if (!was_told) {
            Buffer reply = {0};
            bool ok = control_ask(storage, "stop", &reply, &was_told, &err);
            buffer_done(&reply);
            if (!ok) {
                return cli_fail(&err);
            }
        }
        if (!was_told && waited > STARTING_US) {
            fail(&err, ERROR_RETRY, "process %d uses %s but does not listen: end it yourself", pid,
                 storage);
            return cli_fail(&err);
        }
        if (!has_said && waited > SAY_AFTER_US) {
            has_said = true;
            log_info("waiting for process %d to finish its batches", pid);
        }
        clock_sleep_until(clock, clock_now(clock) + LOOK_US);
    }
    log_info("stopped (process %d)", pid);
    return 0;
}

static int stop_run(const CliArguments *arguments)
{
    Project *project = NULL;
    int code = cli_open_project(arguments, true, &project);
    if (code != 0) {
        return code;
    }
    int pid = instance_pid(project_storage(project));
    if (pid == 0) {
        log_info("%s: not running", project_name(project));
    } else {
        code = stop_and_wait(project_storage(project), pid);
    }
    project_close(project);
    return code;
}

const CliCommand cli_stop = {
    .name = "stop",
    .summary = "Stop the running instance cleanly, and wait for it",
    .operands = "[PROJECT]",
    .operand_max = 1,
    .flags = CLI_PROJECT | CLI_PROJECT_OPERAND,
    .details = "The running batches are finished and recorded first.",
    .examples = "  tarn stop examples/weblogs\n",
    .run = stop_run,
};
