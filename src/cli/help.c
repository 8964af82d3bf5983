// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/parse.h"

enum { OPTION_COLUMN = 26 };

static void append_option(Buffer *out, const CliOption *option)
{
    Buffer left = {0};
    if (option->letter != 0) {
        buffer_printf(&left, "-%c%s", option->letter, option->name == NULL ? "" : ", ");
    }
    if (option->name != NULL) {
        buffer_printf(&left, "--%s", option->name);
    }
    if (option->value != NULL) {
        buffer_printf(&left, " %s", option->value);
    }
    buffer_printf(out, "  %-*s  %s\n", OPTION_COLUMN, buffer_text(&left), option->help);
    buffer_done(&left);
}

void cli_print_help(const CliCommand *command, Buffer *out)
{
    bool takes_project = (command->flags & CLI_PROJECT) != 0;
    bool has_options = command->option_count > 0 || takes_project;
    buffer_printf(out, "%s\n\n  tarn %s%s%s%s\n", command->summary, command->name,
                  has_options ? " [OPTIONS]" : "", command->operands[0] == '\0' ? "" : " ",
                  command->operands);
    if (has_options) {
        buffer_append_text(out, "\nOptions\n");
        for (size_t i = 0; i < command->option_count; i++) {
            append_option(out, &command->options[i]);
        }
        for (size_t i = 0; takes_project && i < cli_project_option_count; i++) {
            append_option(out, &cli_project_options[i]);
        }
    }
    if (command->details != NULL) {
        buffer_printf(out, "\n%s\n", command->details);
    }
    if (command->examples != NULL) {
        buffer_printf(out, "\nExamples\n%s", command->examples);
    }
}

void cli_print_overview(Buffer *out)
{
    buffer_append_text(out,
                       "tarn: Spark SQL streaming pipelines into Delta tables, in one program.\n\n"
                       "  tarn COMMAND [OPTIONS] [PROJECT]\n\nCommands\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        if ((cli_commands[i]->flags & CLI_HIDDEN) == 0) {
            buffer_printf(out, "  %-10s  %s\n", cli_commands[i]->name, cli_commands[i]->summary);
        }
    }
    buffer_append_text(out, "\n`tarn help COMMAND` shows options and examples.\n");
}

static int help_run(const CliArguments *arguments)
{
    Buffer text = {0};
    int code = 0;
    if (arguments->operand_count == 0) {
        cli_print_overview(&text);
    } else {
        const CliCommand *command = cli_find(arguments->operands[0]);
        if (command != NULL) {
            cli_print_help(command, &text);
        } else {
            const char *nearest = cli_nearest_command(arguments->operands[0], arguments->arena);
            log_error("no command '%s'%s%s\n`tarn help` lists the commands", arguments->operands[0],
                      nearest == NULL ? "" : ": ", nearest == NULL ? "" : nearest);
            code = CLI_EXIT_USAGE;
        }
    }
    fputs(buffer_text(&text), stdout);
    buffer_done(&text);
    int output = cli_finish_output();
    return code != 0 ? code : output;
}

const CliCommand cli_help = {
    .name = "help",
    .summary = "Show how a command is used",
    .operands = "[COMMAND]",
    .operand_max = 1,
    .examples = "  tarn help run\n",
    .run = help_run,
};
