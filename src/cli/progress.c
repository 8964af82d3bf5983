// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"

enum { BAR_WIDTH = 30, LINE_WIDTH = 79, REDRAW_US = 100000 };

Progress progress_begin(void)
{
    const char *terminal = getenv("TERM");
    bool can_redraw = terminal == NULL || strcmp(terminal, "dumb") != 0;
    return (Progress){.is_shown = can_redraw && isatty(STDERR_FILENO),
                      .started = clock_monotonic()};
}

static void append_bar(Buffer *line, int64_t done, int64_t total)
{
    int filled = (int)((double)done / (double)total * BAR_WIDTH);
    buffer_append_char(line, '[');
    for (int i = 0; i < BAR_WIDTH; i++) {
        buffer_append_char(line, i < filled ? '#' : '-');
    }
    buffer_printf(line, "] %3d %%  ", (int)((double)done / (double)total * 100));
}

void progress_show(Progress *progress, int64_t done, int64_t total, const char *noun,
                   const char *note)
{
    TimeUs now = clock_monotonic();
    if (!progress->is_shown || now - progress->drawn < REDRAW_US) {
        return;
    }
    progress->drawn = now;
    double seconds = (double)(now - progress->started) / TIME_SECOND;
    Buffer line = {0};
    if (total > 0) {
        append_bar(&line, done < total ? done : total, total);
    }
    cli_append_count(&line, done);
    if (total > 0) {
        buffer_append_text(&line, " of ");
        cli_append_count(&line, total);
    }
    buffer_printf(&line, " %s", noun);
    if (total > 0 && done > 0 && done < total) {
        double left = seconds * (double)(total - done) / (double)done;
        buffer_printf(&line, "  %.0f s left", left);
    }
    if (note != NULL) {
        buffer_printf(&line, "  %s", note);
    }
    // Cut to one line: a wrapped one could not be redrawn.
    int size = line.size < LINE_WIDTH ? (int)line.size : LINE_WIDTH;
    fprintf(stderr, "\r%.*s%*s", size, buffer_text(&line),
            (int)progress->width > size ? (int)progress->width - size : 0, "");
    fflush(stderr);
    progress->width = (size_t)size;
    buffer_done(&line);
}

void progress_clear(Progress *progress)
{
    if (progress->is_shown && progress->width > 0) {
        fprintf(stderr, "\r%*s\r", (int)progress->width, "");
        fflush(stderr);
        progress->width = 0;
    }
}
