// parser.h -- Spark SQL text to trees.
//
// A hand-written lexer and recursive-descent parser (precedence climbing for expressions) for
// Spark 4.2's SQL with Declarative Pipelines statements and tarn's additions (INTERFACE.md). After
// an error it skips to the next ';' and goes on, so that a file's errors all come at once.
// Statements of Spark that tarn does not run yet parse to STATEMENT_UNSUPPORTED by their name.
//
// Variables: ${VAR} and ${VAR:-default} inside string literals are expanded through `variables`
// (after lexing, so a value can never change the structure); undefined ones are problems.
// Trees live in the arena; they borrow nothing from `text` except through SqlSources.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/ast.h"
#include "sql/diagnostic.h"

typedef struct SqlVariables {
    // The value of `name`, or NULL when undefined. NULL function: ${...} stays as it is.
    const char *(*find)(void *context, Slice name);
    void *context;
} SqlVariables;

// Statements of source `source`. False when there was at least one problem (list has the others).
bool sql_parse(Arena *arena, Diagnostics *diagnostics, uint32_t source,
               const SqlVariables *variables, StatementList *statements);
// Text that must be one expression, or one DDL column list ("a INT, b STRING NOT NULL").
Expr *sql_parse_expression(Arena *arena, Diagnostics *diagnostics, uint32_t source);
bool sql_parse_columns(Arena *arena, Slice ddl, Schema *schema, Error *err);
// One type in DDL form: "array<struct<a:int>>", "decimal(10,2)". ERROR_INPUT with the text.
const Type *sql_parse_type(Arena *arena, Slice text, Error *err);
// "10 seconds", "1 minute 30 seconds", "interval 7 days" as fixed microseconds; months refused.
bool sql_parse_duration(Slice text, TimeUs *duration, Error *err);
