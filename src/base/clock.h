// clock.h -- the only source of time.
//
// Two implementations: clock_system() and, in tests, a ManualClock that moves only when told.
// Nothing else in the tree may call time(), clock_gettime() or sleep(); `make lint` checks it.
// A flow reads now() once per batch and passes it down. clock_monotonic() is for durations only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

typedef struct Clock Clock;
struct Clock {
    TimeUs (*now)(Clock *self);
    void (*sleep_until)(Clock *self, TimeUs deadline);
};

typedef struct ManualClock {
    Clock clock; // first member: a ManualClock * is a Clock *
    TimeUs time;
} ManualClock;

Clock *clock_system(void);
ManualClock clock_manual(TimeUs start);
TimeUs clock_now(Clock *clock);
void clock_sleep_until(Clock *clock, TimeUs deadline);

TimeUs clock_monotonic(void); // for measuring durations; never an event's or a batch's time

// "2024-01-01T00:00:01.123Z" (milliseconds, as Spark's progress); size of text >= 32.
void time_format_iso(TimeUs time, char text[32]);
// Civil date of a day number (days since 1970-01-01) and back; proleptic Gregorian, any sign.
void time_civil(int64_t days, int *year, int *month, int *day);
int64_t time_days(int year, int month, int day);
