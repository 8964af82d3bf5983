// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "connector/generator.h"
#include "engine/settings.h"

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    if (stop != 0) {
        _exit(128 + number);
    }
    stop = 1;
}

typedef struct Display {
    Progress progress;
    GeneratorProgress last;
} Display;

static void show(void *context, const GeneratorProgress *now)
{
    Display *display = context;
    display->last = *now;
    progress_show(&display->progress, now->events, now->total, "events", now->last_file);
}

static int digits_at(const char **text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = **text;
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
        (*text)++;
    }
    return value;
}

// "2026-01-31", "2026-01-31 10:20:30" or with 'T' and a final 'Z': UTC.
static bool parse_time(const char *text, TimeUs *time)
{
    const char *at = text;
    int part[6] = {0};
    static const char separators[] = {'-', '-', ' ', ':', ':'};
    for (int i = 0; i < 6; i++) {
        part[i] = digits_at(&at, i == 0 ? 4 : 2);
        if (part[i] < 0) {
            return false;
        }
        if (i == 2 && *at == '\0') {
            break;
        }
        bool is_separator = i == 5 || *at == separators[i] || (i == 2 && *at == 'T');
        if (!is_separator) {
            return false;
        }
        at += i < 5;
    }
    at += *at == 'Z';
    int year;
    int month;
    int day;
    int64_t days = time_days(part[0], part[1], part[2]);
    time_civil(days, &year, &month, &day); // 2026-02-31 is not a day
    if (*at != '\0' || part[1] != month || part[2] != day || part[3] > 23 || part[4] > 59 ||
        part[5] > 59) {
        return false;
    }
    *time = days * TIME_DAY + part[3] * TIME_HOUR + part[4] * TIME_MINUTE +
            part[5] * (TimeUs)TIME_SECOND;
    return true;
}

static bool read_options(const CliArguments *arguments, GeneratorOptions *options)
{
    const char *seed = cli_value(arguments, "seed");
    const char *start = cli_value(arguments, "start");
    int64_t number = 0;
    *options = (GeneratorOptions){
        .kind = arguments->operands[0], .errors = -1, .to = "-", .clock = clock_system()};
    if (!cli_number(arguments, "rate", 0.001, 1e9, &options->rate) ||
        !cli_int(arguments, "count", 1, &options->count) ||
        !cli_duration(arguments, "duration", &options->duration) ||
        !cli_duration(arguments, "history", &options->history) ||
        !cli_number(arguments, "errors", 0, 100, &options->errors) ||
        !cli_number(arguments, "late", 0, 100, &options->late) ||
        !cli_int(arguments, "seed", 0, &number)) {
        return false;
    }
    options->has_seed = seed != NULL;
    options->seed = (uint64_t)number;
    if (start != NULL && !parse_time(start, &options->start)) {
        cli_usage(arguments, "--start takes a time like '2026-01-31 10:20:30' (UTC), not '%s'",
                  start);
        return false;
    }
    if (cli_has(arguments, "to")) {
        options->to = cli_value(arguments, "to");
    }
    if (strstr(options->to, "://") != NULL || options->to[0] == '\0') {
        cli_usage(arguments, "--to takes a folder, or - for standard output, not '%s'",
                  options->to);
        return false;
    }
    return true;
}

static void print_summary(const GeneratorOptions *options, const GeneratorProgress *last)
{
    if (strcmp(options->to, "-") == 0) {
        return; // the rows are there to see
    }
    Buffer text = {0};
    cli_append_count(&text, last->events);
    buffer_append_text(&text, " events in ");
    cli_append_count(&text, last->files);
    buffer_printf(&text, " file%s in %s", last->files == 1 ? "" : "s", options->to);
    log_info("%s", buffer_text(&text));
    buffer_done(&text);
}

static int generate_run(const CliArguments *arguments)
{
    if (arguments->operand_count == 0) {
        return cli_usage(arguments, "which kind? web-logs, app-logs or csv-events");
    }
    GeneratorOptions options;
    if (!read_options(arguments, &options)) {
        return CLI_EXIT_USAGE;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    Display display = {.progress = progress_begin()};
    Error err;
    bool is_shown = strcmp(options.to, "-") != 0 || !isatty(STDOUT_FILENO);
    bool ok = generator_run(&options, stdout, &stop, is_shown ? show : NULL, &display, &err);
    progress_clear(&display.progress);
    if (!ok) {
        return cli_fail(&err);
    }
    print_summary(&options, &display.last);
    return cli_finish_output();
}

static const CliOption generate_options[] = {
    {"rate", 0, "N", "events per second (default: the kind's own; with --count: full speed)"},
    {"count", 0, "N", "end after this many events"},
    {"duration", 0, "DURATION", "end after this long: 60s, 10m"},
    {"seed", 0, "N", "the same seed gives the same events (default: random)"},
    {"start", 0, "TIME", "time of the first event (UTC; default: now)"},
    {"history", 0, "DURATION", "this much before the start comes first, at full speed"},
    {"errors", 0, "PERCENT", "share of failed requests, malformed lines and the like"},
    {"late", 0, "PERCENT", "share of events that come up to five minutes late (default: 0)"},
    {"to", 0, "DIR", "a folder, or - for standard output (default: -)"},
};

const CliCommand cli_generate = {
    .name = "generate",
    .summary = "Write synthetic events: web-logs, app-logs or csv-events",
    .operands = "KIND",
    .operand_max = 1,
    .options = generate_options,
    .option_count = ARRAY_LEN(generate_options),
    .details = "KIND is web-logs (JSON), app-logs (JSON) or csv-events (CSV: files of 10 rows).\n"
               "Files appear complete, by rename, and are numbered after those that are there.",
    .examples = "  tarn generate web-logs --count 5\n"
                "  tarn generate csv-events --to data/input\n"
                "  tarn generate app-logs --rate 100 --duration 60s --to logs\n",
    .run = generate_run,
};
