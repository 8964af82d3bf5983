// diagnostic.h -- what is wrong with the user's SQL or configuration, where, and what to do.
//
//     pipelines/logs.sql:12:8: [UNRESOLVED_COLUMN] no column 'statuss' in raw_logs
//        12 | WHERE statuss >= 400
//           |       ^~~~~~~
//       did you mean 'status'?
//
// SqlSources keeps the text of every file so that a Pos can be shown; Diagnostics collects all
// problems of a project, so that dry-run can print them in one go. Both live in one arena given at
// creation. Spark's error condition names are used in [BRACKETS] wherever Spark has one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "sql/ast.h"

typedef struct SqlSources SqlSources;
SqlSources *sql_sources_create(Arena *arena);
// Both texts are copied. `path` is shown as given ("query" for the command line).
uint32_t sql_sources_add(SqlSources *sources, const char *path, Slice text);
const char *sql_sources_path(const SqlSources *sources, uint32_t source);
Slice sql_sources_text(const SqlSources *sources, uint32_t source);
void sql_sources_locate(const SqlSources *sources, Pos pos, int *line, int *column); // both from 1

typedef struct Diagnostic {
    Pos pos;
    const char *condition;  // "UNRESOLVED_COLUMN"; NULL: none
    const char *message;    // one sentence, no full stop
    const char *suggestion; // "did you mean 'status'?"; NULL: none
} Diagnostic;

typedef struct Diagnostics {
    SqlSources *sources;
    Arena *arena;
    Diagnostic *items;
    size_t count;
    size_t capacity;
} Diagnostics;

Diagnostics *diagnostics_create(Arena *arena, SqlSources *sources);
// Adds a problem; returns false, so that a failing function reads `return diagnose(...)`.
// Texts are formatted into the arena. suggestion may be NULL or "".
bool diagnose(Diagnostics *diagnostics, Pos pos, const char *condition, const char *suggestion,
              const char *format, ...) PRINTF_LIKE(5, 6);
// "did you mean 'x'?" for the key of `names` nearest to `word`, or NULL.
const char *diagnostic_nearest(Arena *arena, const Map *names, Slice word);
// Sorted by file and position, as in the drawing above, without colour.
void diagnostics_print(const Diagnostics *diagnostics, Buffer *out);
// The first one as an Error (ERROR_INPUT) with the full drawing as its message; returns false.
bool diagnostics_fail(const Diagnostics *diagnostics, Error *err);
