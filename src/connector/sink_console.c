// Batches on standard output, in the format of Spark's console sink. At-least-once: a batch whose
// commit was not recorded is printed again.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>

#include "connector/registry.h"
#include "sql/format.h"

typedef struct ConsoleConfig {
    int64_t max_rows;
    bool truncate;
} ConsoleConfig;

typedef struct ConsoleState {
    DuckRows *rows;
    int64_t batch;
} ConsoleState;

static bool console_open(Sink *sink, Error *err)
{
    const ConsoleConfig *config = sink->config;
    if (config->max_rows <= 0) {
        return fail(err, ERROR_INPUT, "numRows must be more than 0");
    }
    return true;
}

static bool console_marker(Sink *sink, int64_t epoch, SinkMarker *marker, Error *err)
{
    (void)sink;
    (void)epoch;
    (void)marker; // none: standard output cannot be read back
    (void)err;
    return true;
}

static void console_abort(Sink *sink)
{
    ConsoleState *state = sink->state;
    duck_rows_destroy(state->rows);
    state->rows = NULL;
}

static bool console_stage(Sink *sink, int64_t batch, const char *select_sql, int64_t *row_count,
                          Error *err)
{
    ConsoleState *state = sink->state;
    console_abort(sink);
    if (!duck_query(sink->context.conn, select_sql, &state->rows, err)) {
        return false;
    }
    state->batch = batch;
    *row_count = (int64_t)duck_rows_count(state->rows);
    return true;
}

static bool console_commit(Sink *sink, const SinkMarker *marker, Error *err)
{
    static const char line[] = "-------------------------------------------";
    const ConsoleConfig *config = sink->config;
    ConsoleState *state = sink->state;
    Buffer text = {0};
    buffer_printf(&text, "%s\nBatch: %" PRId64 "\n%s\n", line, marker->batch, line);
    ShowOptions options = {.max_rows = config->max_rows, .truncate = config->truncate ? 20 : 0};
    if (state->rows != NULL) {
        format_show(state->rows, options, &text);
    }
    buffer_append_char(&text, '\n');
    bool good =
        fwrite(buffer_text(&text), 1, text.size, stdout) == text.size && fflush(stdout) == 0;
    if (!good) {
        fail_errno(err, "write to standard output");
    }
    buffer_done(&text);
    console_abort(sink);
    return good;
}

static const Option console_options[] = {
    {"numRows", OPTION_INT, false, "20", offsetof(ConsoleConfig, max_rows),
     "most rows printed of a batch"},
    {"truncate", OPTION_BOOL, false, "true", offsetof(ConsoleConfig, truncate),
     "cut cells after 20 characters"},
};

const SinkType sink_console = {
    .name = "console",
    .help = "every batch on standard output, as Spark prints it (at least once)",
    .flags = SINK_NO_MARKER | SINK_APPEND | SINK_UPDATE | SINK_COMPLETE,
    .config_size = sizeof(ConsoleConfig),
    .options = console_options,
    .option_count = ARRAY_LEN(console_options),
    .state_size = sizeof(ConsoleState),
    .open = console_open,
    .marker = console_marker,
    .stage = console_stage,
    .commit = console_commit,
    .abort = console_abort,
    .close = console_abort,
};
