// SPDX-License-Identifier: Apache-2.0
#include "engine/project_load.h"

#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "engine/project_yaml.h"

typedef struct Library {
    const char *pattern;
    Pos pos;
} Library;

typedef struct Loader {
    Project *project;
    Diagnostics *diagnostics;
    uint32_t source;
    bool is_live; // false: check names and shapes, take nothing
    const YamlNode *profiles;
    Pos storage_pos;
    Library *libraries;
    size_t library_count;
    size_t library_capacity;
    Map *ignored; // keys of Spark without meaning here
} Loader;

typedef struct Key {
    const char *name;
    void (*read)(Loader *loader, const YamlNode *value, Pos key);
} Key;

// ---- shapes --------------------------------------------------------------------------------

static bool expect(Loader *loader, const YamlNode *node, YamlKind kind, const char *what)
{
    if (node->kind == kind) {
        return true;
    }
    static const char *const words[] = {[YAML_NULL] = "nothing",
                                        [YAML_SCALAR] = "a value",
                                        [YAML_LIST] = "a list (- item)",
                                        [YAML_MAP] = "keys (name: value)"};
    return diagnose(loader->diagnostics, node->pos, NULL, NULL, "%s must be %s, not %s", what,
                    words[kind], project_yaml_kind(node));
}

// The expanded text of a scalar; NULL after a problem. Not live: as written.
static const char *take_text(Loader *loader, const YamlNode *node, const char *what)
{
    if (!expect(loader, node, YAML_SCALAR, what)) {
        return NULL;
    }
    if (!loader->is_live) {
        return node->text;
    }
    return project_env_expand(loader->project->env, node->text, node->pos, loader->diagnostics);
}

static void read_keys(Loader *loader, const YamlNode *map, const char *where, const Key *keys,
                      size_t key_count)
{
    for (size_t i = 0; i < map->count; i++) {
        const Key *found = NULL;
        for (size_t k = 0; k < key_count; k++) {
            if (strcmp(keys[k].name, map->keys[i]) == 0) {
                found = &keys[k];
            }
        }
        if (found != NULL) {
            found->read(loader, &map->items[i], map->key_pos[i]);
            continue;
        }
        Map *names = map_create(true);
        for (size_t k = 0; k < key_count; k++) {
            map_put(names, slice_of(keys[k].name), loader);
        }
        diagnose(loader->diagnostics, map->key_pos[i], NULL,
                 diagnostic_nearest(loader->project->arena, names, slice_of(map->keys[i])),
                 "unknown key '%s'%s", map->keys[i], where);
        map_destroy(names);
    }
}

// ---- the keys ------------------------------------------------------------------------------

static void read_name(Loader *loader, const YamlNode *value, Pos key)
{
    (void)key;
    const char *text = take_text(loader, value, "name");
    if (text != NULL && loader->is_live) {
        loader->project->name = text;
    }
}

static void read_storage(Loader *loader, const YamlNode *value, Pos key)
{
    (void)key;
    const char *text = take_text(loader, value, "storage");
    if (text == NULL || !loader->is_live) {
        return;
    }
    const char *path = text;
    if (strncmp(text, "file:", 5) == 0) { // Spark's form: file:///path or file:/path
        path = text + 5;
        path += strncmp(path, "///", 3) == 0 ? 2 : 0;
    }
    if (strstr(path, "://") != NULL || (path != text && path[0] != '/') || path[0] == '\0') {
        diagnose(loader->diagnostics, value->pos, NULL, "give a local folder, like ./data",
                 "storage '%s' is not a local folder", text);
        return;
    }
    loader->project->storage = path;
    loader->storage_pos = value->pos;
}

static void read_database(Loader *loader, const YamlNode *value, Pos key)
{
    (void)key;
    const char *text = take_text(loader, value, "database");
    if (text != NULL && loader->is_live) {
        loader->project->database = text;
    }
}

static void read_catalog(Loader *loader, const YamlNode *value, Pos key)
{
    (void)key;
    // tarn has one catalog; Spark's name of it is the only one that means the same.
    const char *text = take_text(loader, value, "catalog");
    if (text != NULL && loader->is_live && strcmp(text, "spark_catalog") != 0) {
        diagnose(loader->diagnostics, value->pos, NULL, "leave it out, or write spark_catalog",
                 "the catalog '%s' is not supported", text);
    }
}

static void add_library(Loader *loader, const YamlNode *include)
{
    const char *pattern = take_text(loader, include, "include");
    if (pattern == NULL || !loader->is_live) {
        return;
    }
    if (pattern[0] == '/' || strncmp(pattern, "../", 3) == 0 || strstr(pattern, "/../") != NULL) {
        diagnose(loader->diagnostics, include->pos, NULL, NULL,
                 "libraries are files of the project: '%s' leads out of it", pattern);
        return;
    }
    Library library = {pattern, include->pos};
    ARENA_PUSH(loader->project->arena, loader->libraries, loader->library_count,
               loader->library_capacity, library);
}

static void read_include(Loader *loader, const YamlNode *value, Pos key)
{
    (void)key;
    add_library(loader, value);
}

static void read_glob(Loader *loader, const YamlNode *value, Pos key)
{
    static const Key keys[] = {{"include", read_include}};
    if (!expect(loader, value, YAML_MAP, "glob")) {
        return;
    }
    read_keys(loader, value, " in glob", keys, ARRAY_LEN(keys));
    if (project_yaml_find(value, "include") == NULL) {
        diagnose(loader->diagnostics, key, NULL, "write {glob: {include: pipelines/**}}",
                 "glob needs 'include'");
    }
}

static void read_libraries(Loader *loader, const YamlNode *value, Pos key)
{
    static const Key keys[] = {{"glob", read_glob}};
    (void)key;
    if (loader->is_live) {
        loader->library_count = 0; // a profile's list replaces the project's
    }
    if (!expect(loader, value, YAML_LIST, "libraries")) {
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        if (expect(loader, &value->items[i], YAML_MAP, "an item of libraries")) {
            read_keys(loader, &value->items[i], " in libraries", keys, ARRAY_LEN(keys));
        }
    }
}

static void read_setting(Loader *loader, const char *key, Pos key_pos, const YamlNode *value)
{
    int index = settings_find(key);
    if (index < 0) {
        Map *names = map_create(true);
        for (size_t i = 0; i < settings_count; i++) {
            map_put(names, slice_of(settings_table[i].key), loader);
        }
        const char *nearest = diagnostic_nearest(loader->project->arena, names, slice_of(key));
        bool is_foreign = strncmp(key, "spark.", 6) == 0 || strncmp(key, "pipelines.", 10) == 0;
        if (is_foreign && nearest == NULL) {
            map_put(loader->ignored, slice_of(key), loader);
        } else {
            diagnose(loader->diagnostics, key_pos, NULL, nearest, "unknown setting '%s'", key);
        }
        map_destroy(names);
        return;
    }
    const char *text = take_text(loader, value, key);
    if (text == NULL || !loader->is_live) {
        return;
    }
    const Setting *setting = &settings_table[index];
    const char *why = NULL;
    if (!settings_parse(setting, text, &loader->project->settings[index], &why)) {
        if (why != NULL) {
            diagnose(loader->diagnostics, value->pos, NULL, NULL, "%s must be %s, not '%s'", key,
                     why, text);
        } else {
            diagnose(loader->diagnostics, value->pos, NULL, NULL, "%s is too small: %s", key, text);
        }
    } else if (strcmp(key, "spark.sql.ansi.enabled") == 0 && !project_bool(loader->project, key)) {
        diagnose(loader->diagnostics, value->pos, NULL, "remove it, and use try_cast and the like",
                 "only ANSI mode is supported");
    } else if (strcmp(key, "spark.sql.session.timeZone") == 0 &&
               strcmp(project_text(loader->project, key), "UTC") != 0) {
        diagnose(loader->diagnostics, value->pos, NULL,
                 "use UTC, and from_utc_timestamp() where another zone is shown",
                 "only the session time zone UTC is supported by this version");
    } else if (strcmp(key, "spark.sql.streaming.multipleWatermarkPolicy") == 0 &&
               !text_equal_nocase(text, "min") && !text_equal_nocase(text, "max")) {
        diagnose(loader->diagnostics, value->pos, NULL, NULL, "%s must be min or max, not '%s'",
                 key, text);
    } else if (strcmp(key, "tarn.watermark.policy") == 0 && !text_equal_nocase(text, "global") &&
               !text_equal_nocase(text, "partition")) {
        diagnose(loader->diagnostics, value->pos, NULL, NULL,
                 "%s must be global or partition, not '%s'", key, text);
    }
}

static void read_configuration(Loader *loader, const YamlNode *value, Pos key)
{
    (void)key;
    if (value->kind == YAML_NULL || !expect(loader, value, YAML_MAP, "configuration")) {
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        const YamlNode *item = &value->items[i];
        read_setting(loader, value->keys[i], value->key_pos[i], item);
        if (item->kind == YAML_SCALAR && project_env_is_secret(slice_of(value->keys[i]))) {
            secret_register(slice_of(item->text));
        }
    }
}

static void read_port(Loader *loader, const YamlNode *value, Pos key)
{
    (void)key;
    const char *text = take_text(loader, value, "port");
    int64_t port = 0;
    if (text == NULL || !loader->is_live) {
        return;
    }
    if (!settings_parse_int(text, &port) || port < 1 || port > 65535) {
        diagnose(loader->diagnostics, value->pos, NULL, NULL,
                 "port must be a number from 1 to 65535, not '%s'", text);
        return;
    }
    loader->project->server.port = (int)port;
    loader->project->server.port_is_explicit = true;
}

static void read_bind(Loader *loader, const YamlNode *value, Pos key)
{
    (void)key;
    const char *text = take_text(loader, value, "bind");
    if (text != NULL && loader->is_live) {
        loader->project->server.bind = text;
    }
}

static void read_server(Loader *loader, const YamlNode *value, Pos key)
{
    static const Key keys[] = {{"port", read_port}, {"bind", read_bind}};
    (void)key;
    if (expect(loader, value, YAML_MAP, "server")) {
        read_keys(loader, value, " in server", keys, ARRAY_LEN(keys));
    }
}

static void read_profiles(Loader *loader, const YamlNode *value, Pos key)
{
    (void)key;
    if (expect(loader, value, YAML_MAP, "profiles")) {
        loader->profiles = value; // read after everything else
    }
}

// clang-format off
static const Key top_keys[] = {
    {"name", read_name}, {"profiles", read_profiles}, {"catalog", read_catalog},
    {"storage", read_storage}, {"database", read_database}, {"libraries", read_libraries},
    {"configuration", read_configuration}, {"server", read_server},
};
enum { PROFILE_KEYS_FROM = 2 }; // a profile has no name and no profiles
// clang-format on

static bool read_selected_profile(Loader *loader, const char *selected, Error *err)
{
    Map *names = map_create(true);
    const YamlNode *found = NULL;
    size_t count = loader->profiles == NULL ? 0 : loader->profiles->count;
    for (size_t i = 0; i < count; i++) {
        const YamlNode *profile = &loader->profiles->items[i];
        const char *name = loader->profiles->keys[i];
        map_put(names, slice_of(name), loader);
        bool is_selected = selected != NULL && strcmp(selected, name) == 0;
        found = is_selected ? profile : found;
        loader->is_live = is_selected;
        if (expect(loader, profile, YAML_MAP, "a profile")) {
            read_keys(loader, profile, " in a profile", top_keys + PROFILE_KEYS_FROM,
                      ARRAY_LEN(top_keys) - PROFILE_KEYS_FROM);
        }
    }
    loader->is_live = true;
    loader->project->profile = selected;
    bool ok = true;
    if (selected != NULL && found == NULL) {
        const char *nearest = diagnostic_nearest(loader->project->arena, names, slice_of(selected));
        ok = fail(err, ERROR_INPUT, "%s has no profile '%s'%s%s", loader->project->file, selected,
                  nearest == NULL ? "" : ": ", nearest == NULL ? "" : nearest);
    }
    map_destroy(names);
    return ok;
}

// ---- files ---------------------------------------------------------------------------------

static bool add_sql_files(Loader *loader, const PathList *paths, Error *err)
{
    Project *project = loader->project;
    project->sql_files = ARENA_ARRAY(project->arena, ProjectFile, paths->count);
    for (size_t i = 0; i < paths->count; i++) {
        Slice text;
        const char *full = arena_printf(project->arena, "%s/%s", project->root, paths->items[i]);
        if (!project_files_read(full, project->arena, &text, err)) {
            return false;
        }
        uint32_t source = sql_sources_add(project->diagnostics->sources, paths->items[i], text);
        project->sql_files[project->sql_count++] = (ProjectFile){paths->items[i], source};
    }
    return true;
}

static bool list_library(Loader *loader, const Library *library, bool is_explicit, PathList *paths,
                         Error *err)
{
    Project *project = loader->project;
    size_t before = paths->count;
    PathList python = {0};
    if (!project_files_list(project->root, library->pattern, ".sql", project->storage,
                            project->arena, paths, err) ||
        !project_files_list(project->root, library->pattern, ".py", project->storage,
                            project->arena, &python, err)) {
        return false;
    }
    project_files_sort(&python);
    for (size_t i = 0; i < python.count; i++) {
        diagnose(loader->diagnostics, library->pos, NULL,
                 "write it as SQL, or narrow the glob to *.sql",
                 "%s: pipelines in Python are not supported", python.items[i]);
    }
    if (is_explicit && paths->count == before && python.count == 0) {
        diagnose(loader->diagnostics, library->pos, NULL, NULL, "no .sql file matches '%s'",
                 library->pattern);
    }
    return true;
}

static bool load_files(Loader *loader, Error *err)
{
    Project *project = loader->project;
    // Spark's own init puts pipelines under transformations/.
    bool is_spark = strcmp(project->file, "spark-pipeline.yml") == 0;
    Library fallback = {is_spark ? "transformations/**" : "pipelines/**", {loader->source, 0, 0}};
    bool is_explicit = loader->library_count > 0;
    const Library *libraries = is_explicit ? loader->libraries : &fallback;
    size_t count = is_explicit ? loader->library_count : 1;
    PathList paths = {0};
    for (size_t i = 0; i < count; i++) {
        if (!list_library(loader, &libraries[i], is_explicit, &paths, err)) {
            return false;
        }
    }
    project_files_sort(&paths);
    if (!project_files_list(project->root, "tests/**", ".test", project->storage, project->arena,
                            &project->tests, err)) {
        return false;
    }
    project_files_sort(&project->tests);
    return add_sql_files(loader, &paths, err);
}

// ---- all of it -----------------------------------------------------------------------------

static void set_defaults(Project *project)
{
    const char *slash = strrchr(project->root, '/');
    project->name = slash == NULL || slash[1] == '\0' ? "project" : slash + 1;
    project->storage = "./data";
    project->database = "default";
    project->server = (ProjectServer){.port = 8080, .bind = "127.0.0.1"};
    project->settings = ARENA_ARRAY(project->arena, SettingValue, settings_count);
    for (size_t i = 0; i < settings_count; i++) {
        const char *why = NULL;
        if (settings_table[i].default_text != NULL) {
            settings_parse(&settings_table[i], settings_table[i].default_text,
                           &project->settings[i], &why);
        }
    }
}

// Makes a path absolute and plain: no "./", no doubled or trailing slashes.
static const char *plain_path(Arena *arena, const char *root, const char *path)
{
    Buffer out = {0};
    if (path[0] != '/') {
        buffer_append_text(&out, root);
    }
    for (const char *at = path; *at != '\0';) {
        size_t size = strcspn(at, "/");
        if (size > 0 && !(size == 1 && at[0] == '.')) {
            buffer_printf(&out, "/%.*s", (int)size, at);
        }
        at += size + (at[size] == '/');
    }
    const char *text = arena_text(arena, buffer_slice(&out));
    buffer_done(&out);
    return text[0] == '\0' ? "/" : text;
}

static void finish_values(Loader *loader, const char *storage)
{
    Project *project = loader->project;
    char folder[4096];
    const char *base = project->root;
    if (storage != NULL) { // from a caller: relative to the current folder
        project->storage = storage;
        base = getcwd(folder, sizeof folder) == NULL ? project->root : folder;
    }
    project->storage = plain_path(project->arena, base, project->storage);
    size_t size = strlen(project->storage);
    if (strncmp(project->root, project->storage, size) == 0 &&
        (project->root[size] == '\0' || project->root[size] == '/')) {
        diagnose(loader->diagnostics, loader->storage_pos, NULL, "use a folder of its own: ./data",
                 "storage cannot be the project's folder or one above it");
    }
    Buffer ignored = {0};
    for (size_t i = 0; i < map_count(loader->ignored); i++) {
        Slice key = map_key_at(loader->ignored, i);
        buffer_printf(&ignored, "%s%.*s", i == 0 ? "" : ", ", SLICE_ARG(key));
    }
    if (ignored.size > 0) {
        project->ignored = arena_printf(project->arena, "%s: ignored, without meaning here: %s",
                                        project->file, buffer_text(&ignored));
    }
    buffer_done(&ignored);
}

static bool add_source(Project *project, const char *name, uint32_t *source, Error *err)
{
    Slice text;
    const char *path = arena_printf(project->arena, "%s/%s", project->root, name);
    if (!project_files_read(path, project->arena, &text, err)) {
        return false;
    }
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        text = (Slice){text.data + 3, text.size - 3}; // a byte order mark is no character
    }
    *source = sql_sources_add(project->diagnostics->sources, name, text);
    return true;
}

static bool load_env(Project *project, Error *err)
{
    const char *path = arena_printf(project->arena, "%s/.env", project->root);
    uint32_t source = 0;
    if (access(path, F_OK) != 0) {
        return true;
    }
    if (!add_source(project, ".env", &source, err)) {
        return false;
    }
    project_env_read(project->env, project->diagnostics, source);
    return true;
}

bool project_load(Project *project, const char *profile, const char *storage, Error *err)
{
    set_defaults(project);
    Loader loader = {.project = project, .diagnostics = project->diagnostics, .is_live = true};
    if (!add_source(project, project->file, &loader.source, err) || !load_env(project, err)) {
        return false;
    }
    loader.storage_pos = (Pos){loader.source, 0, 0};
    loader.ignored = map_create(false);
    const YamlNode *root = project_yaml_parse(project->arena, project->diagnostics, loader.source);
    bool ok = true;
    if (root != NULL && expect(&loader, root, YAML_MAP, "the file")) {
        read_keys(&loader, root, "", top_keys, ARRAY_LEN(top_keys));
        ok = read_selected_profile(
            &loader, profile == NULL ? NULL : arena_text(project->arena, slice_of(profile)), err);
    }
    finish_values(&loader, storage);
    ok = ok && load_files(&loader, err);
    map_destroy(loader.ignored);
    return ok;
}
