// window.h -- which window a time falls into: integer arithmetic on microseconds.
//
//     row time          0    5   10   15   20
//     tumbling 10       [--------)[--------)
//
// window(time, size [, slide [, start]]) of Spark; windows are aligned to the epoch plus `start`,
// also before 1970. A sliding window is made of panes, which no window's bound cuts:
//
//     windows 20 by 10  [--------|--------)
//                                [--------|--------)
//     panes of 10       [--------)[-------)[-------)
//
// Pure functions; no allocation, no clock, no SQL.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

typedef struct WindowShape {
    TimeUs size;   // > 0
    TimeUs slide;  // 0 < slide <= size
    TimeUs offset; // startTime: 0 <= offset < slide
} WindowShape;

// The start of the last window (largest start) that contains `time`.
static inline TimeUs window_last_start(WindowShape shape, TimeUs time)
{
    TimeUs since = (time - shape.offset) % shape.slide;
    return time - (since < 0 ? since + shape.slide : since);
}

// Panes: tumbling windows as long as the greatest common divisor of size and slide.
static inline WindowShape window_panes(WindowShape shape)
{
    TimeUs a = shape.size;
    TimeUs b = shape.slide;
    while (b != 0) {
        TimeUs rest = a % b;
        a = b;
        b = rest;
    }
    return (WindowShape){a, a, shape.offset % a};
}
