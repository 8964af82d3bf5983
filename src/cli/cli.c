// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "cli/parse.h"

const CliCommand *const cli_commands[] = {
    &cli_init, &cli_run,   &cli_dry_run, &cli_query, &cli_generate, &cli_test, &cli_status,
    &cli_stop, &cli_clean, &cli_version, &cli_help,  &cli_docs,     NULL,
};

const CliCommand *cli_find(const char *name)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

const char *cli_nearest_command(const char *name, Arena *arena)
{
    Map *names = map_create(true);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        if ((cli_commands[i]->flags & CLI_HIDDEN) == 0) {
            map_put(names, slice_of(cli_commands[i]->name), arena);
        }
    }
    Slice nearest = map_nearest(names, slice_of(name));
    const char *text =
        nearest.size == 0 ? NULL : arena_printf(arena, "did you mean '%.*s'?", SLICE_ARG(nearest));
    map_destroy(names);
    return text;
}

const char *cli_nearest(const char *word, const char *const *known, size_t count, Arena *arena)
{
    Map *names = map_create(true);
    for (size_t i = 0; i < count; i++) {
        map_put(names, slice_of(known[i]), NULL);
    }
    const char *nearest = diagnostic_nearest(arena, names, slice_of(word));
    map_destroy(names);
    return nearest == NULL ? "" : arena_printf(arena, ": %s", nearest);
}

// ---- messages ------------------------------------------------------------------------------

int cli_usage(const CliArguments *arguments, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *name = arguments->command->name;
    log_error("tarn %s: %s\n`tarn help %s` shows how it is used", name, text, name);
    return CLI_EXIT_USAGE;
}

int cli_fail(const Error *err)
{
    log_error("%s", err->message);
    return error_exit_code(err->kind);
}

void cli_print_problems(Project *project)
{
    Buffer text = {0};
    diagnostics_print(project_diagnostics(project), &text);
    if (text.size > 0) {
        secret_mask(text.data);
        fputs(text.data, stderr);
    }
    buffer_done(&text);
}

int cli_finish_output(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return 0;
    }
    log_error("standard output cannot be written: is the disk full?");
    return 1;
}

// ---- the project ---------------------------------------------------------------------------

int cli_open_project(const CliArguments *arguments, bool must_be_sound, Project **project)
{
    ProjectOptions options = {.folder = arguments->folder, .profile = arguments->profile};
    if ((arguments->command->flags & CLI_PROJECT_OPERAND) != 0 && arguments->operand_count > 0) {
        if (options.folder != NULL) {
            return cli_usage(arguments, "give the project with -C or as an operand, not both");
        }
        options.folder = arguments->operands[0];
    }
    Error err;
    if (!project_open(&options, project, &err)) {
        return cli_fail(&err);
    }
    if (must_be_sound && project_diagnostics(*project)->count > 0) {
        cli_print_problems(*project);
        project_close(*project);
        *project = NULL;
        return CLI_EXIT_USAGE;
    }
    return 0;
}

// ---- values --------------------------------------------------------------------------------

const char *cli_value(const CliArguments *arguments, const char *name)
{
    const CliCommand *command = arguments->command;
    for (size_t i = 0; i < command->option_count; i++) {
        const CliOption *option = &command->options[i];
        bool is_letter = option->letter != 0 && name[0] == option->letter && name[1] == '\0';
        if (is_letter || (option->name != NULL && strcmp(option->name, name) == 0)) {
            return arguments->values[i];
        }
    }
    assert(false && "the command has no such option");
    return NULL;
}

bool cli_has(const CliArguments *arguments, const char *name)
{
    return cli_value(arguments, name) != NULL;
}

const char *const *cli_list(const CliArguments *arguments, const char *name, size_t *count)
{
    const char **items = NULL;
    size_t capacity = 0;
    *count = 0;
    const char *rest = cli_value(arguments, name);
    while (rest != NULL && *rest != '\0') {
        size_t size = strcspn(rest, ",");
        if (size > 0) {
            const char *item = arena_text(arguments->arena, (Slice){rest, size});
            ARENA_PUSH(arguments->arena, items, *count, capacity, item);
        }
        rest += size + (rest[size] == ',');
    }
    return items;
}

bool cli_duration(const CliArguments *arguments, const char *name, TimeUs *value)
{
    const char *text = cli_value(arguments, name);
    if (text == NULL || settings_parse_duration(text, value)) {
        return true;
    }
    cli_usage(arguments, "--%s takes a duration like 30s or 10m, not '%s'", name, text);
    return false;
}

bool cli_int(const CliArguments *arguments, const char *name, int64_t minimum, int64_t *value)
{
    const char *text = cli_value(arguments, name);
    int64_t number = 0;
    if (text == NULL) {
        return true;
    }
    if (settings_parse_int(text, &number) && number >= minimum) {
        *value = number;
        return true;
    }
    cli_usage(arguments, "--%s takes a whole number of at least %lld, not '%s'", name,
              (long long)minimum, text);
    return false;
}

bool cli_number(const CliArguments *arguments, const char *name, double minimum, double maximum,
                double *value)
{
    const char *text = cli_value(arguments, name);
    if (text == NULL) {
        return true;
    }
    char *end = NULL;
    double number = strtod(text, &end);
    if (end != text && *end == '\0' && number >= minimum && number <= maximum) {
        *value = number;
        return true;
    }
    cli_usage(arguments, "--%s takes a number from %g to %g, not '%s'", name, minimum, maximum,
              text);
    return false;
}

// ---- the way in ----------------------------------------------------------------------------

static int run_command(const CliCommand *command, int argc, char **argv, int skip, Arena *arena)
{
    CliArguments arguments = {.command = command, .arena = arena};
    bool wants_help = false;
    if (!cli_parse(&arguments, argc, argv, skip, &wants_help)) {
        return CLI_EXIT_USAGE;
    }
    if (!wants_help) {
        return command->run(&arguments);
    }
    Buffer text = {0};
    cli_print_help(command, &text);
    fputs(buffer_text(&text), stdout);
    buffer_done(&text);
    return cli_finish_output();
}

static int print_overview(FILE *stream, int code)
{
    Buffer text = {0};
    cli_print_overview(&text);
    fputs(buffer_text(&text), stream);
    buffer_done(&text);
    int output = cli_finish_output();
    return code != 0 ? code : output;
}

int cli_main(int argc, char **argv)
{
    fault_arm_from_environment();
    if (argc < 2) {
        return print_overview(stderr, CLI_EXIT_USAGE);
    }
    int skip = cli_command_index(argc, argv);
    const char *word = skip < argc ? argv[skip] : argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return print_overview(stdout, 0);
    }
    const char *name = strcmp(word, "--version") == 0 ? "version" : word;
    Arena *arena = arena_create(0);
    const CliCommand *command = cli_find(name);
    int code = CLI_EXIT_USAGE;
    if (command != NULL) {
        code = run_command(command, argc, argv, skip, arena);
    } else if (name[0] == '-') {
        log_error("no option '%s' before the command: write tarn COMMAND %s\n"
                  "`tarn help` lists the commands",
                  name, name);
    } else {
        const char *nearest = cli_nearest_command(name, arena);
        log_error("no command '%s'%s%s\n`tarn help` lists the commands", name,
                  nearest == NULL ? "" : ": ", nearest == NULL ? "" : nearest);
    }
    arena_destroy(arena);
    return code;
}
