// Checked wrappers around SinkType, and "sink 'name'" before errors.
// SPDX-License-Identifier: Apache-2.0
#include "stream/sink.h"

#include <assert.h>

static const char *mode_words(OutputMode mode)
{
    switch (mode) {
    case OUTPUT_APPEND:
        return "append";
    case OUTPUT_UPDATE:
        return "update";
    case OUTPUT_COMPLETE:
        return "complete";
    }
    return "?";
}

static unsigned mode_flag(OutputMode mode)
{
    return mode == OUTPUT_APPEND   ? SINK_APPEND
           : mode == OUTPUT_UPDATE ? SINK_UPDATE
                                   : SINK_COMPLETE;
}

bool sink_open(const SinkType *type, void *config, const SinkContext *context, Sink **sink,
               Error *err)
{
    if ((type->flags & mode_flag(context->mode)) == 0) {
        return fail(
            err, ERROR_INPUT,
            "[STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE_STREAMING_OUTPUT_MODE] sink '%s': "
            "a %s sink does not take output mode %s",
            context->dataset, type->name, mode_words(context->mode));
    }
    Sink *opened = ARENA_NEW(context->arena, Sink);
    opened->type = type;
    opened->config = config;
    opened->context = *context;
    opened->state = arena_alloc(context->arena, type->state_size);
    if (!type->open(opened, err)) {
        sink_close(opened);
        return fail_context(err, "sink '%s'", context->dataset);
    }
    *sink = opened;
    return true;
}

bool sink_marker(Sink *sink, int64_t epoch, SinkMarker *marker, Error *err)
{
    SinkMarker read = {0};
    if (!sink->type->marker(sink, epoch, &read, err)) {
        return fail_context(err, "sink '%s'", sink->context.dataset);
    }
    *marker = read;
    return true;
}

bool sink_stage(Sink *sink, int64_t batch, const char *select_sql, int64_t *row_count, Error *err)
{
    int64_t rows = 0;
    if (!sink->type->stage(sink, batch, select_sql, &rows, err)) {
        if (err->kind == ERROR_INPUT) {
            return false; // the query ran here: it or its rows are wrong, not the sink
        }
        return fail_context(err, "sink '%s'", sink->context.dataset);
    }
    assert(rows >= 0);
    *row_count = rows;
    return true;
}

bool sink_commit(Sink *sink, const SinkMarker *marker, Error *err)
{
    return sink->type->commit(sink, marker, err) ||
           fail_context(err, "sink '%s'", sink->context.dataset);
}

void sink_abort(Sink *sink)
{
    sink->type->abort(sink);
}

void sink_close(Sink *sink)
{
    if (sink != NULL && sink->type->close != NULL) {
        sink->type->close(sink);
    }
}
