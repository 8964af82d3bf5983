// parse.h -- words of the command line into CliArguments, by a command's table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/cli.h"
#include "engine/settings.h"

// The options that every command with CLI_PROJECT takes.
extern const CliOption cli_project_options[];
extern const size_t cli_project_option_count;

// Where the command is: the first word that is neither -C or --profile nor their value.
int cli_command_index(int argc, char **argv);
// argv[skip] is the command. False: a usage error was printed.
bool cli_parse(CliArguments *arguments, int argc, char **argv, int skip, bool *wants_help);
