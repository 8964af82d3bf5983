// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "engine/control.h"

// All that tarn makes directly under storage. Nothing else there is ever touched.
static const char *const entries[] = {
    "tables",
    "checkpoints",
    "history.db",
    "history.db-wal",
    "history.db-shm",
    "history.db.damaged",
    "history.db.damaged-wal",
    "history.db.damaged-shm",
    "project.json",
    ".spill",
    "tarn.sock",
    "tarn.lock",
};
enum { SHOWN = 10 }; // the socket and the lock are not worth a line

static int64_t size_at(int folder, const char *name, int64_t *files)
{
    struct stat info;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return 0;
    }
    if (!S_ISDIR(info.st_mode)) {
        (*files)++;
        return info.st_size;
    }
    int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = inner < 0 ? NULL : fdopendir(inner);
    if (list == NULL) {
        if (inner >= 0) {
            close(inner);
        }
        return 0;
    }
    int64_t sum = 0;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            sum += size_at(inner, entry->d_name, files);
        }
    }
    closedir(list);
    return sum;
}

// Removes `name` and all below it without ever following a link.
static bool remove_at(int folder, const char *name, Error *err)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    if (errno != EISDIR && errno != EPERM) {
        return fail_errno(err, "remove %s", name);
    }
    int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = inner < 0 ? NULL : fdopendir(inner);
    if (list == NULL) {
        fail_errno(err, "remove %s", name);
        if (inner >= 0) {
            close(inner);
        }
        return false;
    }
    bool ok = true;
    for (struct dirent *entry = readdir(list); ok && entry != NULL; entry = readdir(list)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            ok = remove_at(inner, entry->d_name, err);
        }
    }
    closedir(list);
    if (ok && unlinkat(folder, name, AT_REMOVEDIR) != 0) {
        ok = fail_errno(err, "remove %s", name);
    }
    return ok || fail_context(err, "%s", name);
}

// Prints what there is to delete; false: nothing.
static bool list_entries(int folder, const char *storage)
{
    int64_t total = 0;
    for (size_t i = 0; i < SHOWN; i++) {
        int64_t files = 0;
        int64_t bytes = size_at(folder, entries[i], &files);
        struct stat info;
        if (fstatat(folder, entries[i], &info, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        Buffer line = {0};
        cli_append_size(&line, bytes);
        buffer_printf(&line, " in %lld file%s", (long long)files, files == 1 ? "" : "s");
        log_info("  %s/%s  %s", storage, entries[i], buffer_text(&line));
        buffer_done(&line);
        total++;
    }
    return total > 0;
}

static bool is_confirmed(void)
{
    fputs("Delete all this? [y/N] ", stderr);
    char answer[16] = "";
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static int clean_storage(const CliArguments *arguments, int folder, const char *storage)
{
    log_info("to delete:");
    if (!list_entries(folder, storage)) {
        log_info("  nothing");
        return 0;
    }
    if (!cli_has(arguments, "yes")) {
        if (!isatty(STDIN_FILENO)) {
            return cli_usage(arguments, "nothing was deleted: without a terminal, give --yes");
        }
        if (!is_confirmed()) {
            log_info("nothing was deleted");
            return 0;
        }
    }
    Error err;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        if (!remove_at(folder, entries[i], &err)) {
            fail_context(&err, "%s", storage);
            return cli_fail(&err);
        }
    }
    if (rmdir(storage) != 0 && errno == ENOTEMPTY) {
        log_info("%s keeps files that are not tarn's", storage);
    }
    log_info("deleted");
    return 0;
}

static int clean_run(const CliArguments *arguments)
{
    Project *project = NULL;
    int code = cli_open_project(arguments, true, &project);
    if (code != 0) {
        return code;
    }
    const char *storage = project_storage(project);
    int folder = open(storage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        log_info("nothing to delete: %s is not there", storage);
        project_close(project);
        return 0;
    }
    // Held while deleting, so that no instance can start in between.
    InstanceLock *lock = NULL;
    Error err;
    if (instance_lock(storage, &lock, &err)) {
        code = clean_storage(arguments, folder, storage);
    } else {
        code = cli_fail(&err);
    }
    instance_unlock(lock);
    close(folder);
    project_close(project);
    return code;
}

static const CliOption clean_options[] = {
    {"yes", 0, NULL, "do not ask"},
};

const CliCommand cli_clean = {
    .name = "clean",
    .summary = "Delete the project's tables, checkpoints and history, after asking",
    .operands = "[PROJECT]",
    .operand_max = 1,
    .flags = CLI_PROJECT | CLI_PROJECT_OPERAND,
    .options = clean_options,
    .option_count = ARRAY_LEN(clean_options),
    .details = "Only what tarn made under the storage folder; never the sources' files.",
    .examples = "  tarn clean examples/weblogs\n",
    .run = clean_run,
};
