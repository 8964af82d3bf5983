// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"
#include "engine/engine.h"

enum { FILES_MAX = 4096 };

static bool is_test_file(const char *path)
{
    size_t size = strlen(path);
    return size > 5 && strcmp(path + size - 5, ".test") == 0;
}

static int open_for_tests(const CliArguments *arguments, const TestOptions *options,
                          const char *folder, Project **project)
{
    ProjectOptions where = {.folder = folder, .profile = arguments->profile};
    Error err;
    if (project_open(&where, project, &err)) {
        return 0;
    }
    // Files that are named need no project: the runner gives each an empty one.
    bool may_be_absent = options->file_count > 0 && folder == NULL && arguments->profile == NULL &&
                         err.kind == ERROR_INPUT;
    return may_be_absent ? 0 : cli_fail(&err);
}

static int test_run(const CliArguments *arguments)
{
    TestOptions options = {0};
    const char *folder = arguments->folder;
    const char **files = ARENA_ARRAY(arguments->arena, const char *, arguments->operand_count);
    for (size_t i = 0; i < arguments->operand_count; i++) {
        if (is_test_file(arguments->operands[i])) {
            files[options.file_count++] = arguments->operands[i];
        } else if (folder == NULL) {
            folder = arguments->operands[i];
        } else {
            return cli_usage(arguments, "'%s' is neither a .test file nor the only project",
                             arguments->operands[i]);
        }
    }
    options.files = options.file_count == 0 ? NULL : files;
    Project *project = NULL;
    int code = open_for_tests(arguments, &options, folder, &project);
    if (code != 0) {
        return code;
    }
    code = engine_test(project, &options);
    project_close(project);
    int output = cli_finish_output();
    return code != 0 ? code : output;
}

const CliCommand cli_test = {
    .name = "test",
    .summary = "Run the project's tests/*.test on a manual clock",
    .operands = "[PROJECT | FILE.test ...]",
    .operand_max = FILES_MAX,
    .flags = CLI_PROJECT,
    .details = "Tests use a storage folder of their own, never the project's.",
    .examples = "  tarn test examples/medallion\n"
                "  tarn test tests/late.test\n",
    .run = test_run,
};
