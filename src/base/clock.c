// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static TimeUs read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (TimeUs)ts.tv_sec * TIME_SECOND + ts.tv_nsec / 1000;
}

static TimeUs system_now(Clock *self)
{
    (void)self;
    return read_clock(CLOCK_REALTIME);
}

static void system_sleep_until(Clock *self, TimeUs deadline)
{
    TimeUs left = deadline - system_now(self);
    if (left <= 0) {
        return;
    }
    struct timespec ts = {left / TIME_SECOND, (left % TIME_SECOND) * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL); // a signal ends it early: callers look again
}

static TimeUs manual_now(Clock *self)
{
    return ((ManualClock *)self)->time;
}

static void manual_sleep_until(Clock *self, TimeUs deadline)
{
    (void)self; // time moves only when the test says so
    (void)deadline;
}

Clock *clock_system(void)
{
    static Clock clock = {system_now, system_sleep_until};
    return &clock;
}

ManualClock clock_manual(TimeUs start)
{
    return (ManualClock){{manual_now, manual_sleep_until}, start};
}

TimeUs clock_now(Clock *clock)
{
    return clock->now(clock);
}

void clock_sleep_until(Clock *clock, TimeUs deadline)
{
    clock->sleep_until(clock, deadline);
}

TimeUs clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

// Howard Hinnant's civil calendar algorithms (days_from_civil, civil_from_days).
void time_civil(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

int64_t time_days(int year, int month, int day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void time_format_iso(TimeUs time, char text[32])
{
    int64_t days = time / TIME_DAY;
    int64_t rest = time % TIME_DAY;
    if (rest < 0) {
        rest += TIME_DAY;
        days--;
    }
    int year;
    int month;
    int day;
    time_civil(days, &year, &month, &day);
    int64_t ms = rest / TIME_MS;
    snprintf(text, 32, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year % 100000, month, day,
             (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
}
