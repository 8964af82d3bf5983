// project_env.h -- ${VAR} and ${VAR:-default}: the environment, then the project's .env file.
//
// .env holds lines NAME=value, optionally with `export`, '#' comments, 'single quotes' (as it is)
// and "double quotes" (\n, \t, \", \\, \$). Values do not refer to other variables.
// As in a shell, ${VAR:-default} takes the default also when VAR is empty.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/diagnostic.h"

typedef struct ProjectEnv ProjectEnv;

ProjectEnv *project_env_create(Arena *arena);
void project_env_destroy(ProjectEnv *env); // NULL is a no-op
// Reads the text of `source` (a .env file); bad lines are problems.
void project_env_read(ProjectEnv *env, Diagnostics *diagnostics, uint32_t source);
// NULL: undefined. Values of secret names are registered with secret_register().
const char *project_env_find(ProjectEnv *env, Slice name);
// Expands `text`; an undefined variable is a problem at `pos` and expands to nothing.
const char *project_env_expand(ProjectEnv *env, const char *text, Pos pos,
                               Diagnostics *diagnostics);
// Contains SECRET, PASSWORD, TOKEN or KEY, in any case.
bool project_env_is_secret(Slice name);
