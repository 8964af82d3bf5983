// cli.h -- commands as data: one table each, from which parsing, help and messages come.
//
//     main -> cli_main -> finds the command -> parses by its table -> command->run(arguments)
//
// A command is one file that ends in one const CliCommand. Options are exact words (no
// abbreviations), given once, as --name value, --name=value or -x value, anywhere after the
// command; `--` ends them. What does not work is not in a table, so it is neither accepted nor
// shown.
//
// stdout is data, stderr is messages. run() returns the exit code: 0 ok, 1 failures, 2 usage, SQL
// or configuration, 3 out of reach, 4 corrupt data.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "engine/project.h"

enum {
    CLI_OPTIONS_MAX = 24,
    CLI_EXIT_USAGE = 2,
};

enum {
    CLI_PROJECT = 1,         // takes -C and --profile
    CLI_PROJECT_OPERAND = 2, // and the project as an operand
    CLI_HIDDEN = 4,          // for tarn's own tools: not in the list of commands
};

typedef struct CliOption {
    const char *name;  // without the dashes; NULL: only a letter
    char letter;       // 0: none
    const char *value; // what its value is called in help; NULL: a flag
    const char *help;
} CliOption;

typedef struct CliArguments CliArguments;

typedef struct CliCommand {
    const char *name;
    const char *summary;  // for the list of commands
    const char *operands; // for the usage line; "" none
    size_t operand_max;
    unsigned flags;
    const CliOption *options;
    size_t option_count;
    const char *details; // sentences below the options; NULL: none
    const char *examples;
    int (*run)(const CliArguments *arguments);
} CliCommand;

struct CliArguments {
    const CliCommand *command;
    Arena *arena;
    const char *values[CLI_OPTIONS_MAX]; // as command->options; "" for a flag; NULL: not given
    const char *folder;                  // -C
    const char *profile;                 // --profile
    const char **operands;
    size_t operand_count;
};

int cli_main(int argc, char **argv);

extern const CliCommand *const cli_commands[]; // NULL-terminated, in the order of help
const CliCommand *cli_find(const char *name);  // NULL: none
void cli_print_overview(Buffer *out);
void cli_print_help(const CliCommand *command, Buffer *out);
// "did you mean 'x'?" among the commands; NULL: none is near.
const char *cli_nearest_command(const char *name, Arena *arena);

// ": did you mean 'x'?" for the word among `known` that is nearest; "" when none is near.
const char *cli_nearest(const char *word, const char *const *known, size_t count, Arena *arena);

// The value of an option of this command's table; "" for a flag that is set; NULL: not given.
const char *cli_value(const CliArguments *arguments, const char *name);
bool cli_has(const CliArguments *arguments, const char *name);
// "a,b" as a list in the arguments' arena; empty parts are dropped.
const char *const *cli_list(const CliArguments *arguments, const char *name, size_t *count);
// Typed values: true when the option is absent (the value stays) or well formed; otherwise the
// usage error has been printed.
bool cli_duration(const CliArguments *arguments, const char *name, TimeUs *value);
bool cli_int(const CliArguments *arguments, const char *name, int64_t minimum, int64_t *value);
bool cli_number(const CliArguments *arguments, const char *name, double minimum, double maximum,
                double *value);

// Prints "tarn run: <message>" and where help is; returns 2.
int cli_usage(const CliArguments *arguments, const char *format, ...) PRINTF_LIKE(2, 3);
int cli_fail(const Error *err); // prints it; returns its exit code
// The project of -C, the operand or the current folder; 0 or the exit code (message printed).
// With `must_be_sound`, problems of its files are printed and end in 2.
int cli_open_project(const CliArguments *arguments, bool must_be_sound, Project **project);
void cli_print_problems(Project *project); // to stderr, secrets masked
// Ends output on stdout: 0, or 1 when it could not be written (a full disk).
int cli_finish_output(void);
// Bytes for people: "1.5 MB", and counts with separators: "12,345".
void cli_append_size(Buffer *out, int64_t bytes);
void cli_append_count(Buffer *out, int64_t count);

extern const CliCommand cli_init;
extern const CliCommand cli_run;
extern const CliCommand cli_dry_run;
extern const CliCommand cli_query;
extern const CliCommand cli_generate;
extern const CliCommand cli_status;
extern const CliCommand cli_stop;
extern const CliCommand cli_clean;
extern const CliCommand cli_test;
extern const CliCommand cli_version;
extern const CliCommand cli_help;
extern const CliCommand cli_docs; // for tools/docs.sh
