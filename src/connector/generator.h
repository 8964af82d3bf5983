// generator.h -- synthetic events that look like somebody's traffic.
//
// Used by the source generate(...) and by `tarn generate`. Event k is a pure function of (settings,
// k): the same seed and start give the same bytes on every run, so two flows see the same events
// and a replay is exact.
//
//     time(k) = start + k / rate          kinds with a burst: `burst` events share one instant, a
//                                         few microseconds apart, every burst / rate
//     `late`  some events carry a timestamp up to five minutes before time(k), where they appear
//
// An event is one line of text: a JSON object, or CSV without the header (generator_header).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

typedef struct GeneratorEvent { // what a kind's writer is given
    TimeUs time;                // already made late where it is
    int64_t index;              // k
    uint64_t seed;
    double errors;  // percent
    Random *random; // seeded from (seed, k)
} GeneratorEvent;

typedef struct GeneratorKind {
    const char *name; // web-logs
    const char *help;
    const char *schema; // DDL, in the order of the CSV
    bool is_csv;        // else JSON lines
    const char *header; // CSV
    const char *file_prefix;
    const char *file_suffix;
    double rate;           // events per second by default
    double errors;         // percent by default; < 0: the kind has none
    int64_t burst;         // events that appear together; 1: none
    int64_t rows_per_file; // 0: what one second (or 10,000 rows) brings
    int64_t count;         // of `tarn generate` by default; 0: endless
    void (*write)(const GeneratorEvent *event, Buffer *out);
} GeneratorKind;

extern const GeneratorKind generator_web_logs;
extern const GeneratorKind generator_app_logs;
extern const GeneratorKind generator_csv_events;

// ERROR_INPUT naming the kinds there are.
MUST_USE bool generator_find(const char *name, const GeneratorKind **kind, Error *err);
const GeneratorKind *const *generator_kinds(void); // NULL-terminated

typedef struct GeneratorSettings {
    const GeneratorKind *kind;
    double rate; // > 0
    uint64_t seed;
    TimeUs start;  // of event 0
    double errors; // percent; < 0: the kind's own
    double late;   // percent
} GeneratorSettings;

TimeUs generator_time(const GeneratorSettings *settings, int64_t index);
// How many events have time <= now: the index of the next one.
int64_t generator_due(const GeneratorSettings *settings, TimeUs now);
// Appends the line of event `index`, newline included.
void generator_write(const GeneratorSettings *settings, int64_t index, Buffer *out);

// ---- tarn generate -------------------------------------------------------------------------

typedef struct GeneratorOptions {
    const char *kind;
    double rate;     // 0: the kind's own; with `count` and no rate: at full speed
    TimeUs duration; // of event time after the history; 0: no end
    int64_t count;   // 0: no end
    bool has_seed;
    uint64_t seed;
    TimeUs start;   // of the first event after the history; 0: now
    TimeUs history; // this much before start comes first, at full speed
    double errors;  // percent; < 0: the kind's own
    double late;    // percent
    const char *to; // "-": standard output, or a folder
    Clock *clock;
} GeneratorOptions;

typedef struct GeneratorProgress {
    int64_t events;
    int64_t total; // 0: no end
    int64_t files;
    const char *last_file; // NULL: none yet
} GeneratorProgress;

// Writes events until the end or until *stop is not 0 (a signal handler's flag). Files appear by
// rename, numbered after those that are there; nothing is overwritten. `progress` may be NULL.
MUST_USE bool generator_run(const GeneratorOptions *options, FILE *standard_output,
                            const volatile sig_atomic_t *stop,
                            void (*progress)(void *context, const GeneratorProgress *now),
                            void *context, Error *err);
