// SPDX-License-Identifier: Apache-2.0
#include "engine/project.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "base/store.h"
#include "engine/project_env.h"
#include "engine/project_load.h"

static const char *const file_names[] = {"tarn.yml", "spark-pipeline.yml"};

static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

// The project's file in `folder`, or NULL.
static const char *file_in(Arena *arena, const char *folder)
{
    for (size_t i = 0; i < ARRAY_LEN(file_names); i++) {
        if (is_file(arena_printf(arena, "%s/%s", folder, file_names[i]))) {
            return file_names[i];
        }
    }
    return NULL;
}

// A given folder (or file in it) must be the project.
static bool find_given(Project *project, const char *given, Error *err)
{
    char root[PATH_MAX];
    if (realpath(given, root) == NULL) {
        return fail(err, ERROR_INPUT, "no project at %s: %s", given, strerror(errno));
    }
    project->root = arena_text(project->arena, slice_of(root));
    if (is_folder(root)) {
        project->file = file_in(project->arena, root);
        if (project->file != NULL) {
            return true;
        }
        return fail(err, ERROR_INPUT,
                    "no tarn.yml or spark-pipeline.yml in %s: `tarn init DIR` begins a project",
                    root);
    }
    char *slash = strrchr(root, '/');
    for (size_t i = 0; i < ARRAY_LEN(file_names); i++) {
        if (strcmp(slash + 1, file_names[i]) == 0) {
            project->file = file_names[i];
            *slash = '\0';
            project->root = arena_text(project->arena, slice_of(root));
            return true;
        }
    }
    return fail(err, ERROR_INPUT, "%s is not a project: give its folder, tarn.yml or %s", given,
                file_names[1]);
}

static bool find_upwards(Project *project, Error *err)
{
    char folder[PATH_MAX];
    if (getcwd(folder, sizeof folder) == NULL) {
        return fail_errno(err, "the current folder");
    }
    const char *start = arena_text(project->arena, slice_of(folder));
    while (true) {
        project->root = arena_text(project->arena, slice_of(folder[0] == '\0' ? "/" : folder));
        project->file = file_in(project->arena, folder);
        if (project->file != NULL) {
            return true;
        }
        if (folder[0] == '\0') {
            return fail(err, ERROR_INPUT,
                        "no project: no tarn.yml or spark-pipeline.yml in %s or above. Give its "
                        "folder with -C, or begin one with `tarn init DIR`",
                        start);
        }
        *strrchr(folder, '/') = '\0';
    }
}

static const char *variable_find(void *context, Slice name)
{
    return project_env_find(context, name);
}

bool project_open(const ProjectOptions *options, Project **project, Error *err)
{
    Arena *arena = arena_create(0);
    Project *opened = ARENA_NEW(arena, Project);
    opened->arena = arena;
    opened->env = project_env_create(arena);
    opened->variables = (SqlVariables){variable_find, opened->env};
    opened->diagnostics = diagnostics_create(arena, sql_sources_create(arena));
    opened->seed = options->seed;
    bool ok = options->folder != NULL ? find_given(opened, options->folder, err)
                                      : find_upwards(opened, err);
    if (!ok || !project_load(opened, options->profile, options->storage, err)) {
        project_close(opened);
        return false;
    }
    *project = opened;
    return true;
}

void project_close(Project *project)
{
    if (project != NULL) {
        project_env_destroy(project->env);
        arena_destroy(project->arena); // the project itself lives in it
    }
}

Arena *project_arena(Project *project)
{
    return project->arena;
}

Diagnostics *project_diagnostics(Project *project)
{
    return project->diagnostics;
}

const SqlVariables *project_variables(const Project *project)
{
    return &project->variables;
}

const char *project_name(const Project *project)
{
    return project->name;
}

const char *project_root(const Project *project)
{
    return project->root;
}

const char *project_file(const Project *project)
{
    return project->file;
}

const char *project_storage(const Project *project)
{
    return project->storage;
}

const char *project_database(const Project *project)
{
    return project->database;
}

const char *project_profile(const Project *project)
{
    return project->profile;
}

const ProjectFile *project_files(const Project *project, size_t *count)
{
    *count = project->sql_count;
    return project->sql_files;
}

const char *const *project_tests(const Project *project, size_t *count)
{
    *count = project->tests.count;
    return project->tests.items;
}

ProjectServer project_server(const Project *project)
{
    return project->server;
}

const char *project_ignored(const Project *project)
{
    return project->ignored;
}

// ---- paths ---------------------------------------------------------------------------------

// A name of a table or flow as the name of one folder.
static void append_folder_name(Buffer *path, Slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && i > 0);
        if (is_plain) {
            buffer_append_char(path, (char)c);
        } else {
            buffer_printf(path, "%%%02X", c);
        }
    }
}

const char *project_table_path(const Project *project, Slice database, Slice table, Arena *arena)
{
    Buffer path = {0};
    buffer_printf(&path, "%s/tables/", project->storage);
    append_folder_name(&path, database);
    buffer_append_char(&path, '/');
    append_folder_name(&path, table);
    const char *text = arena_text(arena, buffer_slice(&path));
    buffer_done(&path);
    return text;
}

const char *project_checkpoint_path(const Project *project, Slice flow, Arena *arena)
{
    Buffer path = {0};
    buffer_printf(&path, "%s/checkpoints/", project->storage);
    append_folder_name(&path, flow);
    const char *text = arena_text(arena, buffer_slice(&path));
    buffer_done(&path);
    return text;
}

const char *project_path(const Project *project, Slice path, Arena *arena)
{
    if (path.size > 0 && path.data[0] == '/') {
        return arena_text(arena, path);
    }
    return arena_printf(arena, "%s/%.*s", project->root, SLICE_ARG(path));
}

// ---- settings ------------------------------------------------------------------------------

static const SettingValue *setting(const Project *project, const char *key, SettingKind kind)
{
    int index = settings_find(key);
    assert(index >= 0 && settings_table[index].kind == kind);
    (void)kind;
    return &project->settings[index];
}

const char *project_text(const Project *project, const char *key)
{
    return setting(project, key, SETTING_TEXT)->text;
}

int64_t project_int(const Project *project, const char *key)
{
    return setting(project, key, SETTING_INT)->number;
}

int64_t project_bytes(const Project *project, const char *key)
{
    return setting(project, key, SETTING_BYTES)->number;
}

TimeUs project_duration(const Project *project, const char *key)
{
    return setting(project, key, SETTING_DURATION)->number;
}

bool project_bool(const Project *project, const char *key)
{
    return setting(project, key, SETTING_BOOL)->number != 0;
}

// ---- identity ------------------------------------------------------------------------------

enum { IDENTITY_VERSION = 1 };

static bool identity_parse(const Project *project, Slice text, ProjectIdentity *identity,
                           Error *err)
{
    json_error_t problem;
    json_t *root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &problem);
    json_int_t version = json_integer_value(json_object_get(root, "version"));
    json_t *seed = json_object_get(root, "seed");
    json_t *start = json_object_get(root, "start_time");
    const char *id = json_string_value(json_object_get(root, "id"));
    bool ok = json_is_integer(seed) && json_is_integer(start) && id != NULL &&
              strlen(id) < sizeof identity->id;
    if (version > IDENTITY_VERSION) {
        ok = fail(err, ERROR_INPUT, "%s/project.json was written by a newer tarn (version %d)",
                  project->storage, (int)version);
    } else if (!ok || version != IDENTITY_VERSION) {
        ok = fail(err, ERROR_CORRUPT,
                  "%s/project.json is damaged. Without it generators start anew: remove it if that "
                  "is acceptable",
                  project->storage);
    } else {
        *identity = (ProjectIdentity){.seed = (uint64_t)json_integer_value(seed),
                                      .start_time = json_integer_value(start)};
        memcpy(identity->id, id, strlen(id) + 1);
    }
    json_decref(root);
    return ok;
}

static bool identity_create(const Project *project, Store *store, Clock *clock, Error *err)
{
    char id[37];
    random_uuid(id);
    // 53 bits: other readers of JSON take numbers as doubles.
    uint64_t seed = project->seed != 0 ? project->seed & INT64_MAX : random_seed() >> 11;
    Buffer text = {0};
    buffer_printf(&text, "{\"version\":%d,\"id\":\"%s\",\"seed\":%llu,\"start_time\":%lld}\n",
                  IDENTITY_VERSION, id, (unsigned long long)seed, (long long)clock_now(clock));
    bool ok = store_put_if_absent(store, "project.json", buffer_slice(&text), err);
    buffer_done(&text);
    return ok;
}

bool project_identity(const Project *project, Clock *clock, ProjectIdentity *identity, Error *err)
{
    Store *store = store_local(project->storage);
    Buffer text = {0};
    bool found = false;
    bool ok = store_get(store, "project.json", &text, &found, err);
    if (ok && !found) {
        ok = identity_create(project, store, clock, err);
        // Someone else may have been first; what is there counts.
        ok = ok || err->kind == ERROR_CONFLICT;
        buffer_reset(&text);
        ok = ok && store_get(store, "project.json", &text, &found, err);
    }
    ok = ok && identity_parse(project, buffer_slice(&text), identity, err);
    buffer_done(&text);
    store_destroy(store);
    return ok;
}
