// csv-events: logins, logouts, purchases and views of five users; ten rows every three seconds.
// SPDX-License-Identifier: Apache-2.0
#include "connector/generator_text.h"

static void write_event(const GeneratorEvent *event, Buffer *out)
{
    static const char *const events[] = {"login", "logout", "purchase", "view"};
    generator_timestamp(event->time, true, out);
    int user = (int)random_below(event->random, 5) + 1;
    const char *name = events[random_below(event->random, ARRAY_LEN(events))];
    buffer_printf(out, ",%d,%s", user, name);
}

const GeneratorKind generator_csv_events = {
    .name = "csv-events",
    .help = "user events as CSV files of ten rows: login, logout, purchase, view",
    .schema = "timestamp STRING, user_id INT, event STRING",
    .is_csv = true,
    .header = "timestamp,user_id,event",
    .file_prefix = "event_batch_",
    .file_suffix = ".csv",
    .rate = 10.0 / 3,
    .errors = -1,
    .burst = 10,
    .rows_per_file = 10,
    .count = 100,
    .write = write_event,
};
