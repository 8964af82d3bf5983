// print.h -- Spark SQL trees to DuckDB SQL text with Spark's results.
//
// One pretty printer. What a name of a relation means is the caller's business (PrintOptions); what
// depends on argument types is left to DuckDB's binder through the macros and C functions that
// sql_prelude() installs (prefix spark_), never guessed here. A function that is not in the table
// of sql/function.c is a problem that names it, with the nearest known name.
//
// Unaliased select items get Spark's names ("count(1)", "sum(v)", "(a + 1)") at the top query and
// wherever the name can be seen.
//
// The SourceMap says which piece of the user's text each piece of the output came from, so that a
// position in DuckDB's error message can be shown in the user's file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duck.h"
#include "sql/ast.h"
#include "sql/diagnostic.h"

typedef struct SourceMapEntry {
    size_t offset; // in the output
    size_t end;    // of an expression; 0: only a mark
    Pos pos;
    bool is_constant; // evaluated whatever the rows are: sql_bind tries it
} SourceMapEntry;

typedef struct SourceMap {
    SourceMapEntry *entries; // ascending offsets
    size_t count;
    size_t capacity;
    // The printer put NULL for expressions that are a problem, and all relations are there: the
    // text may be given to sql_bind, which then only looks for further problems.
    bool has_gaps;
} SourceMap;

typedef struct PrintOptions {
    // Writes the DuckDB relation for a table name or table function ("(SELECT ...)", "batch_3()",
    // quoted); false with a problem added when it is unknown. CTEs are looked up before.
    bool (*relation)(void *context, const Relation *relation, Buffer *sql);
    void *context;
    const char *now_sql; // value of current_timestamp() etc.; NULL: DuckDB's own
} PrintOptions;

// Creates Spark's functions and macros in a database: once per Duck, on any connection.
MUST_USE bool sql_prelude(DuckConn *conn, Error *err);

bool sql_print_query(const Query *query, const PrintOptions *options, Diagnostics *diagnostics,
                     Buffer *sql, SourceMap *map, Arena *arena);
bool sql_print_expr(const Expr *expr, const PrintOptions *options, Diagnostics *diagnostics,
                    Buffer *sql, SourceMap *map, Arena *arena);
// The name Spark gives an unaliased item: "count(1)", "CAST(a AS INT)", "a".
void sql_expr_name(const Expr *expr, Buffer *out);
// True for aggregate functions (count, sum, ... with any spelling).
bool sql_is_aggregate(Slice function);
bool sql_is_window_function(Slice function);
bool sql_is_known_function(Slice function);

// Where in the user's text byte `offset` of the output came from.
Pos source_map_find(const SourceMap *map, size_t offset);

// Binds a printed query: schema on success; otherwise DuckDB's problems as diagnostics at the
// user's positions, in Spark's words ([UNRESOLVED_COLUMN.WITH_SUGGESTION], [DATATYPE_MISMATCH]):
// all that do not follow from another one. Constants are evaluated, as Spark's optimizer does.
bool sql_bind(DuckConn *conn, const char *sql, const SourceMap *map, Pos fallback,
              Diagnostics *diagnostics, Schema *schema, Arena *arena);
