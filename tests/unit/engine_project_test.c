// The project file: values, overlays, variables, and every kind of mistake with its place.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "engine/project.h"
#include "engine/project_env.h"
#include "engine/project_files.h"
#include "engine/project_yaml.h"
#include "engine/settings.h"

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "%s/tarn_project_XXXXXX", "/tmp");
    CHECK(mkdtemp(folder) != NULL);
}

static void write_file(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", folder, path);
    for (char *slash = strchr(full + strlen(folder) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0777);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    CHECK(file != NULL);
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
}

static void remove_folder(const char *path)
{
    char *const arguments[] = {"rm", "-rf", (char *)(uintptr_t)path, NULL};
    pid_t child = vfork();
    if (child == 0) {
        execvp("rm", arguments);
        _exit(127);
    }
    CHECK(child > 0);
    waitpid(child, NULL, 0);
}

static Project *open_project(const char *profile)
{
    Project *project = NULL;
    Error err;
    ProjectOptions options = {.folder = folder, .profile = profile};
    bool ok = project_open(&options, &project, &err);
    if (!ok) {
        fprintf(stderr, "%s\n", err.message);
    }
    CHECK(ok);
    return project;
}

// All problems of tarn.yml `yaml` as text.
static void expect_problems(const char *yaml, const char *expected)
{
    write_file("tarn.yml", yaml);
    Project *project = open_project(NULL);
    Buffer text = {0};
    diagnostics_print(project_diagnostics(project), &text);
    CHECK_TEXT(buffer_text(&text), expected);
    buffer_done(&text);
    project_close(project);
}

static void test_defaults(void)
{
    make_folder();
    write_file("tarn.yml", "");
    write_file("pipelines/b.sql", "SELECT 2");
    write_file("pipelines/a/deep/c.sql", "SELECT 3");
    write_file("pipelines/a.txt", "no");
    write_file("pipelines/.hidden.sql", "no");
    write_file("tests/sub/one.test", "");
    Project *project = open_project(NULL);
    CHECK(project_diagnostics(project)->count == 0);
    CHECK_TEXT(project_name(project), folder + 5);
    CHECK_TEXT(project_root(project), folder);
    CHECK_TEXT(project_database(project), "default");
    CHECK_TEXT(project_file(project), "tarn.yml");
    CHECK(project_profile(project) == NULL);
    CHECK(project_bytes(project, "tarn.memory.limit") == 512 << 20);
    CHECK(project_duration(project, "tarn.history.time") == 30 * TIME_DAY);
    CHECK(project_bool(project, "spark.sql.ansi.enabled"));
    CHECK(project_int(project, "tarn.threads") == 0);
    CHECK_TEXT(project_text(project, "spark.sql.session.timeZone"), "UTC");
    CHECK(project_server(project).port == 8080 && !project_server(project).port_is_explicit);
    size_t count = 0;
    const ProjectFile *files = project_files(project, &count);
    CHECK(count == 2);
    CHECK_TEXT(files[0].path, "pipelines/a/deep/c.sql");
    CHECK_TEXT(files[1].path, "pipelines/b.sql");
    SqlSources *sources = project_diagnostics(project)->sources;
    CHECK(slice_is(sql_sources_text(sources, files[1].source), "SELECT 2"));
    const char *const *tests = project_tests(project, &count);
    CHECK(count == 1);
    CHECK_TEXT(tests[0], "tests/sub/one.test");

    char storage[128];
    snprintf(storage, sizeof storage, "%s/data", folder);
    CHECK_TEXT(project_storage(project), storage);
    CHECK(access(storage, F_OK) != 0); // opening writes nothing
    Arena *arena = project_arena(project);
    const char *path = project_table_path(project, slice_of("default"), slice_of("../x y"), arena);
    CHECK_TEXT(path + strlen(storage), "/tables/default/%2E.%2Fx%20y");
    path = project_checkpoint_path(project, slice_of("logs"), arena);
    CHECK_TEXT(path + strlen(storage), "/checkpoints/logs");
    CHECK_TEXT(project_path(project, slice_of("/abs"), arena), "/abs");
    project_close(project);
    remove_folder(folder);
}

static const char full_yaml[] = "name: weblogs\n"
                                "storage: ./out//x/\n"
                                "database: lake\n"
                                "libraries:\n"
                                "  - glob: {include: sql/*.sql}\n"
                                "  - glob:\n"
                                "      include: more/**/x.sql\n"
                                "configuration:\n"
                                "  tarn.memory.limit: 1g\n"
                                "  spark.sql.shuffle.partitions: 2\n"
                                "  spark.executor.memory: 4g\n"
                                "server: {port: \"${TARN_TEST_PORT:-9000}\", bind: 0.0.0.0}\n"
                                "profiles:\n"
                                "  big:\n"
                                "    configuration: {tarn.memory.limit: 2GB, tarn.threads: 3}\n"
                                "    libraries: [{glob: {include: sql/b.sql}}]\n"
                                "  other:\n"
                                "    database: ${TARN_TEST_NOT_DEFINED}\n";

static void test_values_and_profiles(void)
{
    make_folder();
    write_file("tarn.yml", full_yaml);
    write_file("sql/a.sql", "");
    write_file("sql/b.sql", "");
    write_file("more/x.sql", "");
    write_file("more/d/e/x.sql", "");
    write_file("more/d/e/y.sql", "");
    Project *project = open_project(NULL);
    CHECK(project_diagnostics(project)->count == 0); // `other` needs its variable only when used
    CHECK_TEXT(project_name(project), "weblogs");
    CHECK_TEXT(project_database(project), "lake");
    CHECK_TEXT(project_storage(project) + strlen(folder), "/out/x");
    CHECK(project_bytes(project, "tarn.memory.limit") == 1 << 30);
    CHECK(project_server(project).port == 9000 && project_server(project).port_is_explicit);
    CHECK_TEXT(project_server(project).bind, "0.0.0.0");
    CHECK_TEXT(project_ignored(project), "tarn.yml: ignored, without meaning here: "
                                         "spark.sql.shuffle.partitions, spark.executor.memory");
    size_t count = 0;
    const ProjectFile *files = project_files(project, &count);
    CHECK(count == 4);
    CHECK_TEXT(files[0].path, "more/d/e/x.sql");
    CHECK_TEXT(files[1].path, "more/x.sql");
    CHECK_TEXT(files[3].path, "sql/b.sql");
    project_close(project);

    setenv("TARN_TEST_PORT", "9001", 1);
    project = open_project("big");
    CHECK(project_server(project).port == 9001);
    CHECK(project_bytes(project, "tarn.memory.limit") == (int64_t)2 << 30);
    CHECK(project_int(project, "tarn.threads") == 3);
    CHECK_TEXT(project_database(project), "lake");
    files = project_files(project, &count);
    CHECK(count == 1);
    CHECK_TEXT(files[0].path, "sql/b.sql");
    project_close(project);
    unsetenv("TARN_TEST_PORT");

    Error err;
    ProjectOptions options = {.folder = folder, .profile = "bigg"};
    CHECK(!project_open(&options, &project, &err));
    CHECK_TEXT(err.message, "tarn.yml has no profile 'bigg': did you mean 'big'?");
    CHECK(err.kind == ERROR_INPUT);
    project = open_project("other");
    CHECK(project_diagnostics(project)->count == 1);
    project_close(project);
    remove_folder(folder);
}

static void test_problems(void)
{
    make_folder();
    write_file("pipelines/a.sql", "");
    expect_problems("nam: x\nstorage: [a]\nname: a\nname: b\n",
                    "tarn.yml:1:1: unknown key 'nam'\n"
                    "    1 | nam: x\n"
                    "      | ^~~\n"
                    "  did you mean 'name'?\n"
                    "tarn.yml:2:10: storage must be a value, not a list\n"
                    "    2 | storage: [a]\n"
                    "      |          ^~~\n"
                    "tarn.yml:4:1: the key 'name' is given twice\n"
                    "    4 | name: b\n"
                    "      | ^~~~\n"
                    "  remove one of the two\n");
    expect_problems("# é é\nconfiguration: {é: 1, tarn.memory.limits: 1, tarn.threads: many, "
                    "tarn.memory.limit: 1MB}\n",
                    "tarn.yml:2:17: unknown setting 'é'\n"
                    "    2 | configuration: {é: 1, tarn.memory.limits: 1, tarn.threads: many, "
                    "tarn.memory.limit: 1MB}\n"
                    "      |                 ^\n"
                    "tarn.yml:2:23: unknown setting 'tarn.memory.limits'\n"
                    "    2 | configuration: {é: 1, tarn.memory.limits: 1, tarn.threads: many, "
                    "tarn.memory.limit: 1MB}\n"
                    "      |                       ^~~~~~~~~~~~~~~~~~\n"
                    "  did you mean 'tarn.memory.limit'?\n"
                    "tarn.yml:2:60: tarn.threads must be a whole number, not 'many'\n"
                    "    2 | configuration: {é: 1, tarn.memory.limits: 1, tarn.threads: many, "
                    "tarn.memory.limit: 1MB}\n"
                    "      |                                                            ^~~~\n"
                    "tarn.yml:2:85: tarn.memory.limit is too small: 1MB\n"
                    "    2 | configuration: {é: 1, tarn.memory.limits: 1, tarn.threads: many, "
                    "tarn.memory.limit: 1MB}\n"
                    "      |                                                                      "
                    "               ^~~\n");
    expect_problems("storage: .\n", "tarn.yml:1:10: storage cannot be the project's folder or one "
                                    "above it\n"
                                    "    1 | storage: .\n"
                                    "      |          ^\n"
                                    "  use a folder of its own: ./data\n");
    expect_problems("libraries: [{glob: {include: ../x/**}}]\n",
                    "tarn.yml:1:30: libraries are files of the project: '../x/**' leads out of "
                    "it\n"
                    "    1 | libraries: [{glob: {include: ../x/**}}]\n"
                    "      |                              ^~~~~~~\n");
    remove_folder(folder);
}

static void test_hostile_yaml(void)
{
    make_folder();
    static const char *const texts[] = {
        "a: [",
        "\t- x",
        "x: @y",
        "a: *b",
        "--- a\n--- b\n",
        "[1, 2]",
        "a: \"\\x00\"",
        "{? [a] : b}",
        "a: &a [*a]\nname: *a\n",
        "\xff\xfe",
        "name:\n",
        "name: {a: b}\n",
        "profiles: [x]\n",
        "libraries: {glob: x}\n",
        "libraries: [{glob: {includ: x}}]\n",
        "server: {port: 99999}\n",
        "name: ${\n",
        "name: ${A B}\n",
        "name: ${TARN_TEST_NOT_DEFINED}\n",
        "catalog: hive\n",
        "storage: s3://bucket\n",
        "configuration: {spark.sql.ansi.enabled: false}\n",
        "libraries: [{glob: {include: nothing/**}}]\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_file("tarn.yml", texts[i]);
        Project *project = open_project(NULL);
        if (project_diagnostics(project)->count == 0) {
            fprintf(stderr, "no problem found in: %s\n", texts[i]);
        }
        CHECK(project_diagnostics(project)->count > 0);
        project_close(project);
    }
    // Aliases that would grow to 10^9 values, and nesting without end.
    Buffer text = {0};
    buffer_append_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        buffer_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
                      i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    write_file("tarn.yml", buffer_text(&text));
    project_close(open_project(NULL));
    buffer_reset(&text);
    for (int i = 0; i < 900; i++) {
        buffer_append_char(&text, '[');
    }
    write_file("tarn.yml", buffer_text(&text));
    project_close(open_project(NULL));
    // Random bytes over a good file: never a crash.
    uint64_t seed = random_seed();
    printf("seed %llu\n", (unsigned long long)seed);
    Random random = {seed};
    for (int i = 0; i < 300; i++) {
        buffer_reset(&text);
        buffer_append_text(&text, full_yaml);
        for (int k = 0; k < 3; k++) {
            text.data[random_below(&random, text.size)] = (char)(1 + random_below(&random, 255));
        }
        write_file("tarn.yml", buffer_text(&text));
        Project *project = NULL;
        Error err;
        ProjectOptions options = {.folder = folder};
        if (project_open(&options, &project, &err)) {
            project_close(project);
        }
    }
    buffer_done(&text);
    remove_folder(folder);
}

static void test_env(void)
{
    make_folder();
    write_file(".env", "# comment\nexport TARN_A=one # tail\nTARN_B='two $x' \n"
                       "TARN_C=\"a\\nb\\\"c\"\r\nTARN_DB_PASSWORD=hunter22\nTARN_EMPTY=\nbad line\n"
                       "TARN_D='open\n");
    write_file("tarn.yml", "name: ${TARN_A}-${TARN_B}-${TARN_EMPTY:-dflt}\n"
                           "database: ${TARN_DB_PASSWORD}\nstorage: ${TARN_AA}\n");
    write_file("pipelines/a.sql", "");
    setenv("TARN_B", "shell", 1);
    Project *project = open_project(NULL);
    CHECK_TEXT(project_name(project), "one-shell-dflt"); // the shell wins over .env
    const SqlVariables *variables = project_variables(project);
    CHECK_TEXT(variables->find(variables->context, slice_of("TARN_C")), "a\nb\"c");
    CHECK(variables->find(variables->context, slice_of("TARN_D")) == NULL);
    Buffer text = {0};
    diagnostics_print(project_diagnostics(project), &text);
    CHECK(strstr(buffer_text(&text), ".env:7:1: expected NAME=value") != NULL);
    CHECK(strstr(buffer_text(&text), ".env:8:1: the quotes around the value of 'TARN_D'") != NULL);
    CHECK(strstr(buffer_text(&text), "tarn.yml:3:10: the variable 'TARN_AA' is not defined") !=
          NULL);
    CHECK(strstr(buffer_text(&text), "did you mean 'TARN_A'?") != NULL);
    buffer_done(&text);
    char line[] = "password is hunter22!";
    secret_mask(line);
    CHECK_TEXT(line, "password is ***!");
    CHECK(project_env_is_secret(slice_of("api_key")) && project_env_is_secret(slice_of("TOKENS")));
    CHECK(!project_env_is_secret(slice_of("KAFKA_BOOTSTRAP")));
    unsetenv("TARN_B");
    project_close(project);
    remove_folder(folder);
}

static void test_search(void)
{
    make_folder();
    write_file("spark-pipeline.yml",
               "name: s\nstorage: file:///var/x/y\ncatalog: spark_catalog\ndatabase: d\n"
               "libraries:\n  - glob:\n      include: transformations/**\n");
    write_file("transformations/a.sql", "");
    write_file("transformations/p.py", "");
    char deep[128];
    snprintf(deep, sizeof deep, "%s/transformations", folder);
    char before[4096];
    CHECK(getcwd(before, sizeof before) != NULL);
    CHECK(chdir(deep) == 0);
    Project *project = NULL;
    Error err;
    ProjectOptions options = {0};
    CHECK(project_open(&options, &project, &err));
    CHECK_TEXT(project_root(project), folder);
    CHECK_TEXT(project_file(project), "spark-pipeline.yml");
    CHECK_TEXT(project_storage(project), "/var/x/y");
    CHECK(project_diagnostics(project)->count == 1); // Python is refused by name
    CHECK_TEXT(project_diagnostics(project)->items[0].message,
               "transformations/p.py: pipelines in Python are not supported");
    project_close(project);
    options.folder = "../spark-pipeline.yml"; // the file itself
    CHECK(project_open(&options, &project, &err));
    project_close(project);
    options.folder = deep; // a given folder must be the project itself
    CHECK(!project_open(&options, &project, &err) && err.kind == ERROR_INPUT);
    options.folder = "/nonexistent/x";
    CHECK(!project_open(&options, &project, &err) && err.kind == ERROR_INPUT);
    CHECK(chdir(before) == 0);
    remove_folder(folder);
}

static void test_identity(void)
{
    make_folder();
    write_file("tarn.yml", "name: x\n");
    Project *project = open_project(NULL);
    ManualClock clock = clock_manual(1700000000 * (TimeUs)TIME_SECOND);
    ProjectIdentity first;
    ProjectIdentity second;
    Error err;
    CHECK(project_identity(project, &clock.clock, &first, &err));
    clock.time += TIME_HOUR;
    CHECK(project_identity(project, &clock.clock, &second, &err));
    CHECK(first.start_time == 1700000000 * (TimeUs)TIME_SECOND);
    CHECK(first.seed == second.seed && first.start_time == second.start_time);
    CHECK_TEXT(first.id, second.id);
    write_file("data/project.json", "{\"version\":1}");
    CHECK(!project_identity(project, &clock.clock, &first, &err) && err.kind == ERROR_CORRUPT);
    write_file("data/project.json", "{\"version\":2}");
    CHECK(!project_identity(project, &clock.clock, &first, &err) && err.kind == ERROR_INPUT);
    project_close(project);
    remove_folder(folder);
}

static void test_parsing(void)
{
    TimeUs duration = 0;
    CHECK(settings_parse_duration("30s", &duration) && duration == 30 * TIME_SECOND);
    CHECK(settings_parse_duration("1 minute 30 seconds", &duration) &&
          duration == 90 * (TimeUs)TIME_SECOND);
    CHECK(settings_parse_duration("1.5h", &duration) && duration == 90 * TIME_MINUTE);
    CHECK(settings_parse_duration("250ms", &duration) && duration == 250 * TIME_MS);
    static const char *const bad[] = {
        "",     "s",      "-1s",   "1",     "1 fortnight",          "1s x",
        "0x1s", "1e400s", "nan s", "inf s", "1000000000000000 days"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(!settings_parse_duration(bad[i], &duration));
    }
    int64_t bytes = 0;
    CHECK(settings_parse_bytes("512MB", &bytes) && bytes == 512 << 20);
    CHECK(settings_parse_bytes("1.5 GiB", &bytes) && bytes == 1536 << 20);
    CHECK(settings_parse_bytes("65536", &bytes) && bytes == 65536);
    CHECK(!settings_parse_bytes("512 Mb x", &bytes) && !settings_parse_bytes("-1", &bytes));
    CHECK(!settings_parse_bytes("12 parsecs", &bytes));

    CHECK(project_files_match("pipelines/**", "pipelines/a/b.sql"));
    CHECK(project_files_match("**", "a/b.sql") && !project_files_match("**", ".a/b.sql"));
    CHECK(project_files_match("a/**/b.sql", "a/b.sql"));
    CHECK(project_files_match("a/**/b.sql", "a/x/y/b.sql"));
    CHECK(!project_files_match("a/*.sql", "a/b/c.sql"));
    CHECK(project_files_match("a/[ab]?.sql", "a/b1.sql"));
    CHECK(!project_files_match("a/**/b.sql", "a/xb.sql"));
}

int main(void)
{
    test_parsing();
    test_defaults();
    test_values_and_profiles();
    test_problems();
    test_hostile_yaml();
    test_env();
    test_search();
    test_identity();
    return check_done();
}
