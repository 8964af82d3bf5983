// project.h -- tarn.yml (or spark-pipeline.yml), its SQL files, its settings, its storage.
//
//     project_open(&options, &project, err)       false: no project there, or it cannot be read
//     project_diagnostics(project)->count > 0     its problems so far; SQL problems are added to
//     them project_files(project, &count)              texts are in the Diagnostics' SqlSources
//
// Opening reads and checks everything and writes nothing (dry-run touches no data); YAML problems
// are diagnostics with file, line, column and a caret, all of them at once. After opening a Project
// is immutable, except for its Diagnostics and arena, which belong to one thread at a time.
//
// Scalars of the file expand ${VAR} and ${VAR:-default} after YAML has been parsed, so a value can
// never change the structure. The environment wins over .env. Values of names that contain SECRET,
// PASSWORD, TOKEN or KEY are registered with secret_register() and never printed.
//
// All texts live as long as the project.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "sql/parser.h"

typedef struct Project Project;

typedef struct ProjectOptions {
    const char *folder;  // NULL: search upwards from the current folder; else the project's folder
                         // or its file
    const char *profile; // NULL: none
    const char *storage; // NULL: what the file says; else this folder (tests)
    uint64_t seed;       // 0: random at the first run; else the project's seed (tests)
} ProjectOptions;

MUST_USE bool project_open(const ProjectOptions *options, Project **project, Error *err);
void project_close(Project *project);

// Texts that belong to the project for as long as it lives: names, plans, problems.
Arena *project_arena(Project *project);
Diagnostics *project_diagnostics(Project *project);
const SqlVariables *project_variables(const Project *project); // for sql_parse

const char *project_name(const Project *project);
const char *project_root(const Project *project);    // absolute
const char *project_file(const Project *project);    // "tarn.yml" or "spark-pipeline.yml"
const char *project_storage(const Project *project); // absolute; it may not exist yet
const char *project_database(const Project *project);
const char *project_profile(const Project *project); // NULL: none

// storage/tables/<database>/<table> and storage/checkpoints/<flow>. Bytes other than letters,
// digits, '_', '-' and inner '.' are written as %XX, so that no name leaves its folder.
const char *project_table_path(const Project *project, Slice database, Slice table, Arena *arena);
const char *project_checkpoint_path(const Project *project, Slice flow, Arena *arena);
// A path of the project's files: absolute stays, relative starts at the root.
const char *project_path(const Project *project, Slice path, Arena *arena);

typedef struct ProjectFile {
    const char *path; // relative to the root, for messages
    uint32_t source;  // its text in project_diagnostics()->sources
} ProjectFile;
// SQL files of `libraries`, sorted by path, each once.
const ProjectFile *project_files(const Project *project, size_t *count);
// tests/**/*.test, sorted, relative to the root.
const char *const *project_tests(const Project *project, size_t *count);

// What `configuration` may say. Keys of tarn.* and the used ones of spark.* are in the table of
// project_settings.c with type and default; asking for one that is not there, or by another type,
// is a programming mistake (assert). Values were checked at opening.
const char *project_text(const Project *project, const char *key); // NULL: not set, no default
int64_t project_int(const Project *project, const char *key);
int64_t project_bytes(const Project *project, const char *key); // "512MB"
TimeUs project_duration(const Project *project, const char *key);
bool project_bool(const Project *project, const char *key);
// Settings of Spark that have no meaning here, as one line for log_info; NULL: none.
const char *project_ignored(const Project *project);

typedef struct ProjectServer {
    int port;
    const char *bind;
    bool port_is_explicit; // a busy default port is replaced by the next free one
} ProjectServer;
ProjectServer project_server(const Project *project);

typedef struct ProjectIdentity {
    uint64_t seed;
    TimeUs start_time; // when the project first ran; generators of all flows count from here
    char id[37];
} ProjectIdentity;
// Reads storage/project.json, or makes it (and the storage folder) from the clock and a random
// seed.
MUST_USE bool project_identity(const Project *project, Clock *clock, ProjectIdentity *identity,
                               Error *err);
