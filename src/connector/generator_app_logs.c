// app-logs: the logs of a few services. Levels are not always spelled well, and one in a hundred
// is missing, so that there is something to clean.
// SPDX-License-Identifier: Apache-2.0
#include "connector/generator_text.h"

enum { LEVEL_COUNT = 5, SPELLINGS = 4 };

// The first spelling is the right one.
static const char *const levels[LEVEL_COUNT][SPELLINGS] = {
    {"DEBUG", "debug", "Debug", " DEBUG"}, {"INFO", "info", "Info", "INFO "},
    {"WARN", "warn", "Warn", " WARN "},    {"ERROR", "error", "Error", "ERROR "},
    {"FATAL", "fatal", "Fatal", " FATAL"},
};

typedef struct Service {
    const char *name;
    const char *subject; // what its messages speak of
} Service;

static const Service services[] = {
    {"auth", "session"},     {"checkout", "order"}, {"catalog", "product"},
    {"payments", "payment"}, {"search", "query"},   {"notifications", "message"},
};
static const int service_weights[] = {20, 18, 25, 12, 20, 5};

static size_t pick_level(const GeneratorEvent *event)
{
    static const int good_weights[] = {20, 68, 12};
    if (generator_chance(event->random, event->errors)) {
        return generator_chance(event->random, 10) ? 4 : 3;
    }
    return generator_pick(event->random, good_weights, ARRAY_LEN(good_weights));
}

static void write_message(const GeneratorEvent *event, size_t level, const Service *service,
                          Buffer *out)
{
    Random *random = event->random;
    int number = (int)random_below(random, 90000) + 10000;
    int millis = (int)random_below(random, 900) + 5;
    switch (level) {
    case 0:
        buffer_printf(out, "cache %s for %s %d", random_below(random, 3) == 0 ? "miss" : "hit",
                      service->subject, number);
        break;
    case 1:
        buffer_printf(out, "%s %d handled in %d ms", service->subject, number, millis);
        break;
    case 2:
        buffer_printf(out, "%s %d took %d ms, retrying", service->subject, number, millis * 10);
        break;
    case 3:
        buffer_printf(out, "%s %d failed: %s", service->subject, number,
                      random_below(random, 2) == 0 ? "connection reset" : "timeout after 5000 ms");
        break;
    default:
        buffer_printf(out, "%s is out of memory, restarting", service->name);
    }
}

static void write_event(const GeneratorEvent *event, Buffer *out)
{
    Random *random = event->random;
    size_t level = pick_level(event);
    const Service *service =
        &services[generator_pick(random, service_weights, ARRAY_LEN(service_weights))];
    buffer_append_text(out, "{\"timestamp\":\"");
    generator_timestamp(event->time, false, out);
    buffer_append_text(out, "Z\",\"log_level\":");
    if (generator_chance(random, 1)) {
        buffer_append_text(out, "null");
    } else {
        size_t spelling =
            generator_chance(random, 10) ? 1 + random_below(random, SPELLINGS - 1) : 0;
        buffer_printf(out, "\"%s\"", levels[level][spelling]);
    }
    buffer_printf(out, ",\"service\":\"%s\",\"host\":\"%s-%d\",\"message\":\"", service->name,
                  service->name, (int)random_below(random, 4) + 1);
    write_message(event, level, service, out);
    buffer_append_text(out, "\",\"trace_id\":\"");
    generator_hex(generator_scramble(event->seed ^ (uint64_t)event->index), out);
    buffer_append_text(out, "\"}");
}

const GeneratorKind generator_app_logs = {
    .name = "app-logs",
    .help = "logs of a few services, with levels from DEBUG to FATAL",
    .schema = "timestamp TIMESTAMP, log_level STRING, service STRING, host STRING, "
              "message STRING, trace_id STRING",
    .file_prefix = "app_logs_",
    .file_suffix = ".json",
    .rate = 10,
    .errors = 8,
    .burst = 1,
    .write = write_event,
};
