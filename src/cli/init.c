// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "cli/cli.h"

typedef struct TemplateFile {
    const char *name; // of the template
    const char *path;
    const char *text;
} TemplateFile;

// Made by tools/templates.sh from examples/, so that templates and examples are one thing.
static const TemplateFile template_files[] = {
#if __has_include("templates.inc")
#include "templates.inc"
#endif
    {"empty", "tarn.yml", "name: empty\nstorage: ./data\n"},
    {"empty", "pipelines/pipeline.sql",
     "-- One CREATE STREAMING TABLE per dataset; `tarn dry-run` checks them, `tarn run` runs "
     "them.\n"},
    {"empty", "tests/.gitkeep", ""},
    {"empty", "README.md",
     "# empty\n\nStreaming tables are in pipelines/*.sql, tests in tests/*.test.\n\n"
     "    tarn dry-run    checks everything\n"
     "    tarn run        runs until Ctrl-C\n"
     "    tarn test       runs the tests\n"},
};

static const char gitignore[] = "data/\nlogs/\n.env\n";

static bool has_template(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(template_files); i++) {
        if (strcmp(template_files[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int unknown_template(const CliArguments *arguments, const char *name)
{
    Map *names = map_create(true);
    Buffer list = {0};
    for (size_t i = 0; i < ARRAY_LEN(template_files); i++) {
        if (!map_has(names, slice_of(template_files[i].name))) {
            map_put(names, slice_of(template_files[i].name), names);
            buffer_printf(&list, "%s%s", list.size == 0 ? "" : ", ", template_files[i].name);
        }
    }
    Slice nearest = map_nearest(names, slice_of(name));
    int code = nearest.size > 0 ? cli_usage(arguments, "no template '%s': did you mean '%.*s'?",
                                            name, SLICE_ARG(nearest))
                                : cli_usage(arguments, "no template '%s': there are %s", name,
                                            buffer_text(&list));
    buffer_done(&list);
    map_destroy(names);
    return code;
}

static bool make_parents(char *path, Error *err)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool ok = mkdir(path, 0777) == 0 || errno == EEXIST;
        if (!ok) {
            return fail_errno(err, "make the folder %s", path);
        }
        *slash = '/';
    }
    return true;
}

// A folder that is there must be empty, apart from a fresh repository's .git.
static bool check_folder(const char *folder, Error *err)
{
    DIR *list = opendir(folder);
    if (list == NULL) {
        return errno == ENOENT || fail(err, ERROR_INPUT, "%s: %s", folder, strerror(errno));
    }
    bool is_free = true;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        const char *name = entry->d_name;
        bool is_harmless =
            strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0;
        is_free = is_free && is_harmless;
    }
    closedir(list);
    return is_free || fail(err, ERROR_INPUT,
                           "%s is not empty: nothing was written. Give a new folder", folder);
}

static bool write_file(Arena *arena, const char *folder, const char *path, Slice text, Error *err)
{
    char *full = arena_printf(arena, "%s/%s", folder, path);
    if (!make_parents(full, err)) {
        return false;
    }
    FILE *file = fopen(full, "wxe"); // x: never over something that appeared since the check
    if (file == NULL) {
        return fail_errno(err, "write %s", full);
    }
    bool ok = fwrite(text.data, 1, text.size, file) == text.size;
    ok = fclose(file) == 0 && ok;
    if (!ok) {
        return fail_errno(err, "write %s", full);
    }
    log_info("  %s", full);
    return true;
}

// Replaces every `from` by `to`.
static Slice replace(Arena *arena, Slice text, const char *from, const char *to)
{
    Buffer out = {0};
    size_t size = strlen(from);
    const char *rest = text.data;
    const char *end = text.data + text.size;
    for (const char *at = strstr(rest, from); at != NULL; at = strstr(rest, from)) {
        buffer_append(&out, (Slice){rest, (size_t)(at - rest)});
        buffer_append_text(&out, to);
        rest = at + size;
    }
    buffer_append(&out, (Slice){rest, (size_t)(end - rest)});
    Slice copy = slice_of(arena_text(arena, buffer_slice(&out)));
    buffer_done(&out);
    return copy;
}

// The example's texts speak of its place in tarn's repository and of its name.
static Slice adapt(Arena *arena, const TemplateFile *file, const char *project)
{
    Slice text = slice_of(file->text);
    if (strcmp(file->path, "tarn.yml") == 0) {
        const char *from = arena_printf(arena, "name: %s\n", file->name);
        return replace(arena, text, from, arena_printf(arena, "name: %s\n", project));
    }
    if (strcmp(file->path, "README.md") == 0) {
        const char *title = arena_printf(arena, "# %s\n", file->name);
        text = replace(arena, text, title, arena_printf(arena, "# %s\n", project));
    }
    text = replace(arena, text, arena_printf(arena, "examples/%s/", file->name), "");
    text = replace(arena, text, arena_printf(arena, "examples/%s", file->name), ".");
    return replace(arena, text, "build/tarn", "tarn");
}

// The folder's name, as far as it is a plain word.
static const char *project_word(Arena *arena, const char *folder)
{
    char absolute[PATH_MAX];
    const char *path = realpath(folder, absolute) == NULL ? folder : absolute;
    const char *slash = strrchr(path, '/');
    char *word = arena_text(arena, slice_of(slash == NULL ? path : slash + 1));
    for (char *c = word; *c != '\0'; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || *c == '_' || *c == '-';
        *c = is_plain ? *c : '_';
    }
    return word[0] == '\0' ? "project" : word;
}

static bool write_template(Arena *arena, const char *folder, const char *name, Error *err)
{
    char *parents = arena_printf(arena, "%s/", folder);
    if (!make_parents(parents, err)) {
        return false;
    }
    const char *project = project_word(arena, folder);
    for (size_t i = 0; i < ARRAY_LEN(template_files); i++) {
        const TemplateFile *file = &template_files[i];
        if (strcmp(file->name, name) == 0 &&
            !write_file(arena, folder, file->path, adapt(arena, file, project), err)) {
            return false;
        }
    }
    return write_file(arena, folder, ".gitignore", slice_of(gitignore), err);
}

static int init_run(const CliArguments *arguments)
{
    if (arguments->operand_count == 0) {
        return cli_usage(arguments, "which folder? `tarn init my_project` makes it");
    }
    const char *name = cli_value(arguments, "template");
    name = name == NULL ? "weblogs" : name;
    if (!has_template(name)) {
        return unknown_template(arguments, name);
    }
    const char *folder = arguments->operands[0];
    Error err;
    if (!check_folder(folder, &err) || !write_template(arguments->arena, folder, name, &err)) {
        return cli_fail(&err);
    }
    log_info("\nNext:  tarn run %s", folder);
    return 0;
}

static const CliOption init_options[] = {
    {"template", 0, "NAME", "weblogs, medallion, csv or empty (default: weblogs)"},
};

const CliCommand cli_init = {
    .name = "init",
    .summary = "Begin a project in a new folder",
    .operands = "DIR",
    .operand_max = 1,
    .options = init_options,
    .option_count = ARRAY_LEN(init_options),
    .details = "Writes tarn.yml, pipelines/, tests/, README.md and .gitignore.",
    .examples = "  tarn init my_project\n"
                "  tarn init my_logs --template medallion\n",
    .run = init_run,
};
