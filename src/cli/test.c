// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/engine.h"
#include "engine/project_files.h"

enum { OPERANDS_MAX = 4096 };

static bool is_test_file(const char *path)
{
    size_t size = strlen(path);
    return size > 5 && strcmp(path + size - 5, ".test") == 0;
}

static bool is_project(const char *folder, Arena *arena)
{
    return access(arena_printf(arena, "%s/tarn.yml", folder), F_OK) == 0 ||
           access(arena_printf(arena, "%s/spark-pipeline.yml", folder), F_OK) == 0;
}

// The project that a test file lies in; NULL: none.
static const char *project_above(const char *file, Arena *arena)
{
    char path[PATH_MAX];
    if (realpath(file, path) == NULL) {
        return NULL;
    }
    for (char *slash = strrchr(path, '/'); slash != NULL && slash != path;
         slash = strrchr(path, '/')) {
        *slash = '\0';
        if (is_project(path, arena)) {
            return arena_text(arena, slice_of(path));
        }
    }
    return NULL;
}

// All .test files below a folder that is no project. 0, or the exit code after a message.
static int add_folder(const CliArguments *arguments, const char *folder, PathList *files)
{
    Error err;
    PathList found = {0};
    if (!project_files_list(folder, "**", ".test", NULL, arguments->arena, &found, &err)) {
        return cli_fail(&err);
    }
    if (found.count == 0) {
        return cli_usage(arguments, "'%s' has neither a tarn.yml nor .test files", folder);
    }
    project_files_sort(&found);
    size_t size = strlen(folder);
    bool has_slash = folder[size - 1] == '/';
    for (size_t i = 0; i < found.count; i++) {
        const char *path =
            arena_printf(arguments->arena, "%s%s%s", folder, has_slash ? "" : "/", found.items[i]);
        ARENA_PUSH(arguments->arena, files->items, files->count, files->capacity, path);
    }
    return 0;
}

// Operands into files and the project's folder. 0, or the exit code after a message.
static int read_operands(const CliArguments *arguments, PathList *files, const char **folder)
{
    for (size_t i = 0; i < arguments->operand_count; i++) {
        const char *operand = arguments->operands[i];
        struct stat info;
        bool is_folder = stat(operand, &info) == 0 && S_ISDIR(info.st_mode);
        if (!is_folder && is_test_file(operand)) {
            ARENA_PUSH(arguments->arena, files->items, files->count, files->capacity, operand);
        } else if (is_folder && !is_project(operand, arguments->arena)) {
            int code = add_folder(arguments, operand, files);
            if (code != 0) {
                return code;
            }
        } else if (*folder == NULL) {
            *folder = operand;
        } else {
            return cli_usage(arguments, "'%s' is neither a .test file nor the only project",
                             operand);
        }
    }
    return 0;
}

// Files that are named belong to the project they lie in.
static int find_project(const CliArguments *arguments, const PathList *files, const char **folder)
{
    const char *first = NULL;
    for (size_t i = 0; *folder == NULL && i < files->count; i++) {
        const char *above = project_above(files->items[i], arguments->arena);
        first = i == 0 ? above : first;
        bool is_same = above == NULL ? first == NULL : first != NULL && strcmp(first, above) == 0;
        if (!is_same) {
            return cli_usage(arguments, "'%s' and '%s' lie in different projects: test them apart",
                             files->items[0], files->items[i]);
        }
    }
    *folder = *folder == NULL ? first : *folder;
    return 0;
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
    PathList files = {0};
    const char *folder = arguments->folder;
    int code = read_operands(arguments, &files, &folder);
    if (code == 0) {
        code = find_project(arguments, &files, &folder);
    }
    if (code != 0) {
        return code;
    }
    TestOptions options = {.files = files.items,
                           .file_count = files.count,
                           .as_written = cli_has(arguments, "as-written")};
    Project *project = NULL;
    code = open_for_tests(arguments, &options, folder, &project);
    if (code != 0) {
        return code;
    }
    code = engine_test(project, &options);
    project_close(project);
    int output = cli_finish_output();
    return code != 0 ? code : output;
}

static const CliOption test_options[] = {
    {"as-written", 0, NULL,
     "run each file once, without restarts, crashes and the like"},
};

const CliCommand cli_test = {
    .name = "test",
    .summary = "Run the project's tests/*.test on a manual clock",
    .operands = "[PROJECT | FOLDER | FILE.test ...]",
    .operand_max = OPERANDS_MAX,
    .flags = CLI_PROJECT,
    .options = test_options,
    .option_count = ARRAY_LEN(test_options),
    .details =
        "A folder without tarn.yml stands for all .test files below it. Files that are named\n"
        "run in the project they lie in, or in an empty one. Tests use a storage folder of\n"
        "their own, never the project's.",
    .examples = "  tarn test examples/medallion\n"
                "  tarn test examples/medallion/tests\n"
                "  tarn test tests/late.test\n",
    .run = test_run,
};
