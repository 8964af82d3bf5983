// project_load.h -- how tarn.yml becomes a Project; private to project*.c.
//
// The file is read key by key against one table (project_load.c); the selected profile is read
// after it with the same readers, so that its keys overlay: `configuration` and `server` key by
// key, the rest as a whole. Profiles that are not selected are checked for names and shapes only:
// their variables need not be defined.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/project.h"
#include "engine/project_env.h"
#include "engine/project_files.h"
#include "engine/settings.h"

struct Project {
    Arena *arena;
    Diagnostics *diagnostics;
    ProjectEnv *env;
    SqlVariables variables;
    const char *root;
    const char *file;
    const char *profile;
    const char *name;
    const char *storage;
    const char *database;
    ProjectFile *sql_files;
    size_t sql_count;
    PathList tests;
    SettingValue *settings; // as settings_table
    const char *ignored;
    ProjectServer server;
    uint64_t seed; // asked for by the caller; 0: none
};

// Reads the file, .env, the SQL files and the list of tests. Problems of the user's text are
// diagnostics; false only when something cannot be read.
MUST_USE bool project_load(Project *project, const char *profile, const char *storage, Error *err);
