// Words of the command line into values, by a table.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/parse.h"

static const CliOption options[] = {
    {"once", 0, NULL, "a flag"},
    {"for", 0, "DURATION", "a value"},
    {NULL, 'f', "FILE", "a letter"},
    {"select", 's', "NAME,...", "both"},
};
static const CliCommand command = {
    .name = "try",
    .summary = "Try",
    .operands = "[A] [B]",
    .operand_max = 2,
    .flags = CLI_PROJECT,
    .options = options,
    .option_count = ARRAY_LEN(options),
};

static Arena *arena;

// Parses `words` (the first is the program); the messages of failures go nowhere.
static bool parse(CliArguments *arguments, int count, const char **words, bool *wants_help)
{
    char **argv = ARENA_ARRAY(arena, char *, count + 1);
    for (int i = 0; i < count; i++) {
        argv[i] = arena_text(arena, slice_of(words[i]));
    }
    *arguments = (CliArguments){.command = &command, .arena = arena};
    *wants_help = false;
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    FILE *ignored = freopen("/dev/null", "w", stderr);
    bool ok = cli_parse(arguments, count, argv, cli_command_index(count, argv), wants_help);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    return ok && ignored != NULL;
}

#define PARSE(...)                                                                                 \
    parse(&arguments, (int)ARRAY_LEN(((const char *[]){"tarn", __VA_ARGS__})),                     \
          (const char *[]){"tarn", __VA_ARGS__}, &wants_help)

static void test_good(void)
{
    CliArguments arguments;
    bool wants_help = false;
    CHECK(PARSE("try"));
    CHECK(!cli_has(&arguments, "once") && cli_value(&arguments, "for") == NULL);
    CHECK(PARSE("try", "--once", "a", "--for=30s", "-fx", "b"));
    CHECK(cli_has(&arguments, "once"));
    CHECK_TEXT(cli_value(&arguments, "for"), "30s");
    CHECK_TEXT(cli_value(&arguments, "f"), "x");
    CHECK(arguments.operand_count == 2);
    CHECK_TEXT(arguments.operands[1], "b");
    TimeUs duration = 0;
    CHECK(cli_duration(&arguments, "for", &duration) && duration == 30 * TIME_SECOND);

    CHECK(PARSE("-C", "dir", "--profile=p", "try", "-s", "a,,b,", "-"));
    CHECK_TEXT(arguments.folder, "dir");
    CHECK_TEXT(arguments.profile, "p");
    CHECK_TEXT(arguments.operands[0], "-");
    size_t count = 0;
    const char *const *items = cli_list(&arguments, "select", &count);
    CHECK(count == 2);
    CHECK_TEXT(items[0], "a");
    CHECK_TEXT(items[1], "b");

    CHECK(PARSE("try", "--", "--once", "-f"));
    CHECK(arguments.operand_count == 2 && !cli_has(&arguments, "once"));
    CHECK(PARSE("try", "-f", "-"));
    CHECK_TEXT(cli_value(&arguments, "f"), "-");
    CHECK(PARSE("try", "--help", "x", "y", "z") && wants_help);
    CHECK(PARSE("try", "-h") && wants_help);
}

static void test_bad(void)
{
    CliArguments arguments;
    bool wants_help = false;
    CHECK(!PARSE("try", "--onc")); // no abbreviations
    CHECK(!PARSE("try", "--Once"));
    CHECK(!PARSE("try", "-x"));
    CHECK(!PARSE("try", "--once=1"));
    CHECK(!PARSE("try", "--for"));
    CHECK(!PARSE("try", "--for", "1s", "--for", "2s"));
    CHECK(!PARSE("try", "a", "b", "c"));
    CHECK(!PARSE("-C", "x", "try", "-C", "y"));
    CHECK(!PARSE("try", "---"));
}

static void test_tables(void)
{
    Buffer text = {0};
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const CliCommand *known = cli_commands[i];
        CHECK(cli_find(known->name) == known);
        CHECK(known->run != NULL && known->summary[0] != '\0' && known->operands != NULL);
        CHECK(known->option_count <= CLI_OPTIONS_MAX);
        for (size_t k = 0; k < known->option_count; k++) {
            const CliOption *option = &known->options[k];
            CHECK(option->help != NULL && (option->name != NULL || option->letter != 0));
            CHECK(option->letter != 'h' && option->letter != 'C');
        }
        buffer_reset(&text);
        cli_print_help(known, &text);
        CHECK(strchr(buffer_text(&text), '\t') == NULL);
        for (const char *line = buffer_text(&text); *line != '\0';) {
            size_t size = strcspn(line, "\n");
            CHECK(size <= 100);
            line += size + (line[size] == '\n');
        }
    }
    buffer_reset(&text);
    cli_append_count(&text, -1234567);
    buffer_append_char(&text, ' ');
    cli_append_count(&text, 100);
    buffer_append_char(&text, ' ');
    cli_append_size(&text, 1536);
    CHECK_TEXT(buffer_text(&text), "-1,234,567 100 1.5 KB");
    buffer_done(&text);
}

int main(void)
{
    arena = arena_create(0);
    test_good();
    test_bad();
    test_tables();
    arena_destroy(arena);
    return check_done();
}
