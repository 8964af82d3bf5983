// Writes the reference pages that come from tables: what `make docs` puts under docs/.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/cli.h"
#include "connector/registry.h"
#include "engine/settings.h"

static void append_source(Buffer *out, const SourceType *type)
{
    buffer_printf(out, "# %s\n\nA source: %s.\n\n", type->name, type->help);
    buffer_append_text(out, (type->flags & SOURCE_BATCH) != 0
                                ? "It can be read as a stream (`FROM STREAM`) and without STREAM.\n"
                                : "It can be read as a stream (`FROM STREAM`) only.\n");
    if ((type->flags & SOURCE_ENDLESS) != 0) {
        buffer_append_text(out, "Its rows appear with time: `--once` takes those that are due.\n");
    }
    if (type->positional != NULL) {
        buffer_printf(out, "Its first argument without a name is `%s`.\n", type->positional);
    }
    buffer_append_char(out, '\n');
    options_print(type->options, type->option_count, out);
}

static void append_sink(Buffer *out, const SinkType *type)
{
    buffer_printf(out, "# %s\n\nA sink: %s.\n\nOutput modes:%s%s%s.\n", type->name, type->help,
                  (type->flags & SINK_APPEND) != 0 ? " append" : "",
                  (type->flags & SINK_UPDATE) != 0 ? " update" : "",
                  (type->flags & SINK_COMPLETE) != 0 ? " complete" : "");
    buffer_append_text(out, (type->flags & SINK_NO_MARKER) != 0
                                ? "At least once: after a crash its last batch may come again.\n\n"
                                : "Exactly once, whatever is killed.\n\n");
    options_print(type->options, type->option_count, out);
}

static void append_commands(Buffer *out)
{
    buffer_append_text(out, "# Command line\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        if ((cli_commands[i]->flags & CLI_HIDDEN) == 0) {
            buffer_printf(out, "\n## tarn %s\n\n```\n", cli_commands[i]->name);
            cli_print_help(cli_commands[i], out);
            buffer_append_text(out, "```\n");
        }
    }
}

static void append_settings(Buffer *out)
{
    static const char *const kinds[] = {[SETTING_TEXT] = "text",
                                        [SETTING_INT] = "number",
                                        [SETTING_BYTES] = "size",
                                        [SETTING_DURATION] = "duration",
                                        [SETTING_BOOL] = "true or false"};
    buffer_append_text(out,
                       "# Settings\n\nKeys of `configuration` in tarn.yml. Other keys of Spark "
                       "are accepted and reported once as ignored.\n\n"
                       "| key | kind | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < settings_count; i++) {
        const Setting *setting = &settings_table[i];
        buffer_printf(out, "| `%s` | %s | %s | %s |\n", setting->key, kinds[setting->kind],
                      setting->default_text == NULL ? "" : setting->default_text, setting->help);
    }
}

// One page on stdout: commands, settings, source NAME or sink NAME; without a word, the names.
static int docs_run(const CliArguments *arguments)
{
    Buffer out = {0};
    const char *kind = arguments->operand_count > 0 ? arguments->operands[0] : "";
    const char *name = arguments->operand_count > 1 ? arguments->operands[1] : "";
    for (const SourceType *const *type = source_types(); *type != NULL; type++) {
        if (*type == &source_script) {
            continue; // rows pushed by a .test file: no source for users
        }
        if (kind[0] == '\0') {
            buffer_printf(&out, "source %s\n", (*type)->name);
        } else if (strcmp(kind, "source") == 0 && strcmp(name, (*type)->name) == 0) {
            append_source(&out, *type);
        }
    }
    for (const SinkType *const *type = sink_types(); *type != NULL; type++) {
        if (kind[0] == '\0') {
            buffer_printf(&out, "sink %s\n", (*type)->name);
        } else if (strcmp(kind, "sink") == 0 && strcmp(name, (*type)->name) == 0) {
            append_sink(&out, *type);
        }
    }
    if (strcmp(kind, "commands") == 0) {
        append_commands(&out);
    } else if (strcmp(kind, "settings") == 0) {
        append_settings(&out);
    }
    bool is_known = out.size > 0;
    fputs(buffer_text(&out), stdout);
    buffer_done(&out);
    int output = cli_finish_output();
    return is_known ? output : cli_usage(arguments, "no page '%s %s'", kind, name);
}

const CliCommand cli_docs = {
    .name = "docs",
    .summary = "Print a reference page from the tables (for make docs)",
    .operands = "[commands | settings | source NAME | sink NAME]",
    .operand_max = 2,
    .flags = CLI_HIDDEN,
    .run = docs_run,
};
