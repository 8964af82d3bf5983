// progress.h -- one line that is redrawn in place on a terminal, and nothing elsewhere.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buffer.h"

typedef struct Progress {
    bool is_shown; // stderr is a terminal that can redraw
    TimeUs started;
    TimeUs drawn;
    size_t width; // of what is on the line now
} Progress;

Progress progress_begin(void);
// Draws "[#####-----]  45 %  4,500 of 10,000 events  3 s left  <note>", at most ten times a second.
// total 0: no end is known, so no bar.
void progress_show(Progress *progress, int64_t done, int64_t total, const char *noun,
                   const char *note);
void progress_clear(Progress *progress);
