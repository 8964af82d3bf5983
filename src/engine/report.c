// SPDX-License-Identifier: Apache-2.0
#include "engine/report.h"

#include "base/log.h"

static void append_duration(Buffer *out, TimeUs duration)
{
    if (duration < TIME_SECOND) {
        buffer_printf(out, "%lld ms", (long long)(duration / TIME_MS));
    } else {
        buffer_printf(out, "%.2f s", (double)duration / TIME_SECOND);
    }
}

static void append_watermark(Buffer *out, const char *before, TimeUs watermark)
{
    if (watermark != TIME_MIN && watermark > 0) {
        char text[32];
        time_format_iso(watermark, text);
        text[10] = ' '; // as tables print times
        buffer_printf(out, "%swatermark %.19s", before, text);
    }
}

static void append_rows(Buffer *out, const char *before, int64_t count, const char *what)
{
    buffer_printf(out, "%s%lld row%s%s", before, (long long)count, count == 1 ? "" : "s", what);
}

void report_flow(const ControlFlow *status, Buffer *out)
{
    buffer_printf(out, "%-24s %-9s batch %-6lld %9.0f rows/s  in %-8lld out %-8lld", status->flow,
                  status->state, (long long)status->batch, status->rows_per_second,
                  (long long)status->input_rows, (long long)status->output_rows);
    if (status->lag_rows > 0) {
        buffer_printf(out, "  lag %lld", (long long)status->lag_rows);
    }
    if (status->state_rows > 0) {
        buffer_printf(out, "  state %lld", (long long)status->state_rows);
    }
    append_watermark(out, "  ", status->watermark);
}

static void append_flow(const ControlFlow *flow, int width, Buffer *out)
{
    buffer_printf(out, "%-*s  ", width, flow->flow);
    if (strcmp(flow->state, "failed") == 0) {
        buffer_append_text(out, flow->batches == 0 ? "failed" : "failed after ");
    } else if (flow->batches == 0) {
        buffer_append_text(out, "nothing new");
    }
    if (flow->batches > 0) {
        append_rows(out, "", flow->input_rows, " in, ");
        buffer_printf(out, "%lld out, %lld batch%s in ", (long long)flow->output_rows,
                      (long long)flow->batches, flow->batches == 1 ? "" : "es");
        append_duration(out, flow->duration);
    }
    append_watermark(out, ", ", flow->watermark);
    if (flow->dropped > 0) {
        append_rows(out, ", ", flow->dropped, " dropped as late");
    }
    if (flow->malformed > 0) {
        append_rows(out, ", ", flow->malformed, " malformed");
    }
}

static void append_view(const ControlView *view, int width, Buffer *out)
{
    buffer_printf(out, "%-*s  materialized view", width, view->view);
    if (strcmp(view->state, "failed") == 0) {
        buffer_append_text(out, ", failed");
    }
    if (view->refreshes == 0) {
        buffer_append_text(out, ", not refreshed");
        return;
    }
    append_rows(out, ", ", view->rows, "");
    buffer_printf(out, ", %lld refresh%s in ", (long long)view->refreshes,
                  view->refreshes == 1 ? "" : "es");
    append_duration(out, view->duration);
}

static int longer(int width, const char *name)
{
    int size = (int)strlen(name);
    return size > width ? size : width;
}

void report_summary(const Session *session)
{
    Buffer line = {0};
    int width = 0;
    for (size_t i = 0; i < session->flow_count; i++) {
        const FlowSpec *spec = session->catalog->flows[i];
        width = session_is_selected(session, spec->target) ? longer(width, spec->name) : width;
    }
    for (size_t i = 0; i < session->view_count; i++) {
        width = longer(width, view_dataset(session->views[i])->name);
    }
    for (size_t i = 0; i < session->flow_count; i++) {
        ControlFlow flow;
        session_flow_status(session, i, &flow);
        if (session_is_selected(session, session->catalog->flows[i]->target)) {
            buffer_reset(&line);
            append_flow(&flow, width, &line);
            log_info("%s", buffer_text(&line));
        }
    }
    for (size_t i = 0; i < session->view_count; i++) {
        ControlView view;
        view_status(session->views[i], &view);
        buffer_reset(&line);
        append_view(&view, width, &line);
        log_info("%s", buffer_text(&line));
    }
    buffer_done(&line);
}
