// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "engine/engine.h"

static volatile sig_atomic_t signal_count;

static void on_signal(int number)
{
    if (signal_count++ > 0) {
        _exit(128 + number);
    }
    static const char text[] = "\nstopping after the running batch; once more stops at once\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    engine_request_stop();
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    // No SA_RESTART: a sleeping or polling thread should notice.
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static bool read_options(const CliArguments *arguments, RunOptions *options)
{
    options->once = cli_has(arguments, "once");
    options->json = cli_has(arguments, "json");
    options->full_refresh_all = cli_has(arguments, "full-refresh-all");
    options->select = cli_list(arguments, "select", &options->select_count);
    options->full_refresh = cli_list(arguments, "full-refresh", &options->full_refresh_count);
    if (cli_has(arguments, "select") && options->select_count == 0) {
        cli_usage(arguments, "--select needs names of datasets");
        return false;
    }
    if (options->full_refresh_all && cli_has(arguments, "full-refresh")) {
        cli_usage(arguments, "--full-refresh-all names every dataset already");
        return false;
    }
    if (options->once && cli_has(arguments, "for")) {
        cli_usage(arguments, "--once ends by itself: leave --for out");
        return false;
    }
    return cli_duration(arguments, "for", &options->duration);
}

static int run_run(const CliArguments *arguments)
{
    RunOptions options = {0};
    if (!read_options(arguments, &options)) {
        return CLI_EXIT_USAGE;
    }
    Project *project = NULL;
    int code = cli_open_project(arguments, false, &project);
    if (code != 0) {
        return code;
    }
    if (project_ignored(project) != NULL) {
        log_info("%s", project_ignored(project));
    }
    catch_signals();
    code = engine_run(project, &options);
    project_close(project);
    int output = cli_finish_output();
    return code != 0 ? code : output;
}

static const CliOption run_options[] = {
    {"once", 0, NULL, "process what is there now, then exit (Spark's availableNow)"},
    {"for", 0, "DURATION", "stop cleanly after this long: 30s, 10m"},
    {"select", 0, "NAME,...", "only the flows of these datasets"},
    {"full-refresh", 0, "NAME,...", "begin these datasets anew: their content is replaced"},
    {"full-refresh-all", 0, NULL, "begin every dataset anew"},
    {"no-ui", 0, NULL, "no web server"},
    {"json", 0, NULL, "progress as one JSON object per line on standard output"},
};

const CliCommand cli_run = {
    .name = "run",
    .summary = "Run the project's flows until Ctrl-C",
    .operands = "[PROJECT]",
    .operand_max = 1,
    .flags = CLI_PROJECT | CLI_PROJECT_OPERAND,
    .options = run_options,
    .option_count = ARRAY_LEN(run_options),
    .details =
        "Ctrl-C ends the running batches cleanly (exit code 0); a second one stops at once.\n"
        "Nothing is lost or repeated either way.",
    .examples = "  tarn run examples/weblogs --for 30s\n"
                "  tarn run --once\n"
                "  tarn run --full-refresh logs_windowed\n",
    .run = run_run,
};

static int dry_run_run(const CliArguments *arguments)
{
    Project *project = NULL;
    int code = cli_open_project(arguments, false, &project);
    if (code != 0) {
        return code;
    }
    if (project_ignored(project) != NULL) {
        log_info("%s", project_ignored(project));
    }
    code = engine_dry_run(project);
    project_close(project);
    int output = cli_finish_output();
    return code != 0 ? code : output;
}

const CliCommand cli_dry_run = {
    .name = "dry-run",
    .summary = "Check the whole project and touch no data",
    .operands = "[PROJECT]",
    .operand_max = 1,
    .flags = CLI_PROJECT | CLI_PROJECT_OPERAND,
    .details = "Prints every problem with file, line and column, and ends with exit code 2 when\n"
               "there is one.",
    .examples = "  tarn dry-run examples/weblogs\n",
    .run = dry_run_run,
};
