// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/engine.h"

// What to run: the operand, the file, or standard input when it is not a terminal.
static int read_sql(const CliArguments *arguments, const char **name, Buffer *sql)
{
    const char *path = cli_value(arguments, "f");
    *name = "query";
    if (path != NULL && arguments->operand_count > 0) {
        return cli_usage(arguments, "give the SQL as a word or with -f, not both");
    }
    if (arguments->operand_count > 0) {
        buffer_append_text(sql, arguments->operands[0]);
        return 0;
    }
    if (path == NULL && isatty(STDIN_FILENO)) {
        return cli_usage(arguments, "give the SQL as a word, with -f FILE, or on standard input");
    }
    bool is_stdin = path == NULL || strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    *name = is_stdin ? "standard input" : path;
    Error err;
    if (file == NULL) {
        fail(&err, ERROR_INPUT, "open %s: %s", path, strerror(errno));
        return cli_fail(&err);
    }
    char bytes[65536];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    for (; size > 0; size = fread(bytes, 1, sizeof bytes, file)) {
        buffer_append_bytes(sql, bytes, size);
    }
    int code = 0;
    if (ferror(file)) {
        fail(&err, ERROR_INPUT, "read %s: %s", *name, strerror(errno));
        code = cli_fail(&err);
    }
    if (!is_stdin) {
        fclose(file);
    }
    return code;
}

// --format, or what the output file's name ends in; NULL after a usage error.
static const char *choose_format(const CliArguments *arguments)
{
    static const char *const printed[] = {"table", "csv", "json", "jsonl", "markdown"};
    static const char *const written[] = {"parquet", "csv", "json", "jsonl"};
    const char *output = cli_value(arguments, "o");
    const char *format = cli_value(arguments, "format");
    if (format == NULL && output != NULL) {
        const char *dot = strrchr(output, '.');
        format = dot == NULL ? "" : dot + 1;
    }
    if (format == NULL) {
        return "table";
    }
    const char *const *known = output == NULL ? printed : written;
    size_t count = output == NULL ? ARRAY_LEN(printed) : ARRAY_LEN(written);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(known[i], format) == 0) {
            return format;
        }
    }
    const char *nearest = cli_nearest(format, known, count, arguments->arena);
    if (output == NULL && strcmp(format, "parquet") == 0) {
        cli_usage(arguments, "parquet needs a file: -o FILE");
    } else if (nearest[0] != '\0') {
        cli_usage(arguments, "no format '%s'%s", format, nearest);
    } else if (output == NULL) {
        cli_usage(arguments, "no format '%s': table, csv, json, jsonl or markdown", format);
    } else {
        cli_usage(arguments, "a file is parquet, csv, json or jsonl, by its name or --format");
    }
    return NULL;
}

static int query_run(const CliArguments *arguments)
{
    const char *format = choose_format(arguments);
    if (format == NULL) {
        return CLI_EXIT_USAGE;
    }
    Buffer sql = {0};
    const char *name = NULL;
    Project *project = NULL;
    int code = read_sql(arguments, &name, &sql);
    if (code == 0 && arguments->folder == NULL && arguments->profile == NULL) {
        // Paths like delta.`path` need no project, so none above the current folder is fine.
        Error err;
        ProjectOptions options = {0};
        if (!project_open(&options, &project, &err)) {
            project = NULL;
            code = err.kind == ERROR_INPUT ? 0 : cli_fail(&err); // there is one, but unreadable
        }
    } else if (code == 0) {
        code = cli_open_project(arguments, true, &project);
    }
    if (code == 0 && project != NULL && project_diagnostics(project)->count > 0) {
        cli_print_problems(project);
        code = CLI_EXIT_USAGE;
    }
    if (code == 0) {
        code = engine_query(project, name, buffer_slice(&sql), format, cli_value(arguments, "o"));
        int output = cli_finish_output();
        code = code != 0 ? code : output;
    }
    buffer_done(&sql);
    project_close(project);
    return code;
}

static const CliOption query_options[] = {
    {NULL, 'f', "FILE", "read the SQL from a file (-: standard input)"},
    {"format", 0, "FORMAT", "table, csv, json, jsonl or markdown (default: table)"},
    {NULL, 'o', "FILE", "write the rows to a file: .parquet, .csv, .json or .jsonl"},
};

const CliCommand cli_query = {
    .name = "query",
    .summary = "Run SQL on the project's tables, or on any Delta table or file",
    .operands = "[SQL]",
    .operand_max = 1,
    .flags = CLI_PROJECT,
    .options = query_options,
    .option_count = ARRAY_LEN(query_options),
    .details =
        "Tables are the project's; delta.`path`, parquet.`path`, csv.`path` and json.`path`\n"
        "need no project. Relative paths start at the current folder, also with -C.\n"
        "Several statements are separated by ';': their results follow each other, parted\n"
        "by an empty line in csv, jsonl and markdown; json prints an array for each; -o\n"
        "takes one statement.",
    .examples = "  tarn query 'SELECT endpoint, count(*) FROM logs GROUP BY endpoint'\n"
                "  tarn query 'SELECT * FROM delta.`data/tables/default/gold`' --format csv\n"
                "  tarn query -f report.sql -o report.parquet\n",
    .run = query_run,
};
