// SPDX-License-Identifier: Apache-2.0
#include "cli/parse.h"

#include <assert.h>

#include "base/map.h"

const CliOption cli_project_options[] = {
    {NULL, 'C', "PROJECT", "the project's folder (default: the nearest one upwards with tarn.yml)"},
    {"profile", 0, "NAME", "overlay this profile of the project file"},
};
const size_t cli_project_option_count = ARRAY_LEN(cli_project_options);

typedef struct Words {
    int count;
    char **items;
    int at;   // the word being read
    int skip; // the command itself
} Words;

int cli_command_index(int argc, char **argv)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-') {
        bool takes_next = strcmp(argv[i], "-C") == 0 || strcmp(argv[i], "--profile") == 0;
        bool is_joined = strncmp(argv[i], "--profile=", 10) == 0 ||
                         (strncmp(argv[i], "-C", 2) == 0 && argv[i][2] != '\0');
        if (!takes_next && !is_joined) {
            return i;
        }
        i += takes_next ? 2 : 1;
    }
    return i;
}

// Where an option's value is kept; the option in *found. NULL: no such option.
static const char **slot_of(CliArguments *arguments, Slice name, char letter,
                            const CliOption **found)
{
    const CliCommand *command = arguments->command;
    for (size_t i = 0; i < command->option_count; i++) {
        const CliOption *option = &command->options[i];
        bool is_it = letter != 0 ? option->letter == letter
                                 : option->name != NULL && slice_is(name, option->name);
        if (is_it) {
            *found = option;
            return &arguments->values[i];
        }
    }
    if ((command->flags & CLI_PROJECT) == 0) {
        return NULL;
    }
    if (letter == 'C') {
        *found = &cli_project_options[0];
        return &arguments->folder;
    }
    if (letter == 0 && slice_is(name, "profile")) {
        *found = &cli_project_options[1];
        return &arguments->profile;
    }
    return NULL;
}

static bool unknown_option(CliArguments *arguments, const char *word, Slice name)
{
    const CliCommand *command = arguments->command;
    Map *names = map_create(true);
    map_put(names, slice_of("help"), arguments);
    if ((command->flags & CLI_PROJECT) != 0) {
        map_put(names, slice_of("profile"), arguments);
    }
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].name != NULL) {
            map_put(names, slice_of(command->options[i].name), arguments);
        }
    }
    Slice nearest = name.size > 1 ? map_nearest(names, name) : (Slice){0};
    int size = (int)strcspn(word, "=");
    if (nearest.size > 0) {
        cli_usage(arguments, "no option %.*s: did you mean --%.*s?", size, word,
                  SLICE_ARG(nearest));
    } else {
        cli_usage(arguments, "no option %.*s", size, word);
    }
    map_destroy(names);
    return false;
}

// "--name", "--name=value" or "-x", "-xvalue"; takes the next word when a value is missing.
static bool parse_option(CliArguments *arguments, Words *words, bool *wants_help)
{
    const char *word = words->items[words->at];
    bool is_long = word[1] == '-';
    const char *joined = is_long ? strchr(word, '=') : word[2] != '\0' ? word + 2 : NULL;
    Slice name = is_long ? (Slice){word + 2, strcspn(word + 2, "=")} : (Slice){word + 1, 1};
    joined = joined != NULL && is_long ? joined + 1 : joined;
    if (slice_is(name, "help") || (!is_long && word[1] == 'h')) {
        *wants_help = true;
        return true;
    }
    const CliOption *option = NULL;
    const char **slot = slot_of(arguments, name, is_long ? 0 : word[1], &option);
    if (slot == NULL) {
        return unknown_option(arguments, word, name);
    }
    int size = (int)(is_long ? name.size + 2 : 2);
    if (*slot != NULL) {
        cli_usage(arguments, "%.*s is given twice", size, word);
        return false;
    }
    if (option->value == NULL) {
        *slot = "";
        if (joined != NULL) {
            cli_usage(arguments, "%.*s takes no value", size, word);
        }
        return joined == NULL;
    }
    if (joined == NULL) {
        words->at += words->at + 1 == words->skip ? 2 : 1;
        joined = words->at < words->count ? words->items[words->at] : NULL;
    }
    if (joined == NULL) {
        cli_usage(arguments, "%.*s needs a value: %s", size, word, option->value);
        return false;
    }
    *slot = joined;
    return true;
}

bool cli_parse(CliArguments *arguments, int argc, char **argv, int skip, bool *wants_help)
{
    assert(arguments->command->option_count <= CLI_OPTIONS_MAX);
    Words words = {argc, argv, 1, skip};
    bool is_over = false; // after "--"
    arguments->operands = ARENA_ARRAY(arguments->arena, const char *, argc);
    for (; words.at < argc; words.at++) {
        const char *word = argv[words.at];
        if (words.at == skip) {
            continue;
        }
        if (!is_over && strcmp(word, "--") == 0) {
            is_over = true;
        } else if (!is_over && word[0] == '-' && word[1] != '\0') {
            if (!parse_option(arguments, &words, wants_help)) {
                return false;
            }
        } else {
            arguments->operands[arguments->operand_count++] = word;
        }
    }
    if (!*wants_help && arguments->operand_count > arguments->command->operand_max) {
        cli_usage(arguments, "'%s' is one word too many",
                  arguments->operands[arguments->command->operand_max]);
        return false;
    }
    return true;
}
