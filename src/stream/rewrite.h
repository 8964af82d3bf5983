// rewrite.h -- walking, comparing and copying expression trees.
// New nodes live in the arena given; old nodes are never changed and may be shared by the copy.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/ast.h"

// What to do with a node: a replacement, or NULL to copy it and go on into its children.
typedef Expr *(*RewriteFn)(void *context, const Expr *expr);
Expr *rewrite_expr(Arena *arena, const Expr *expr, RewriteFn function, void *context);

// Calls visit for each node, parents first; false from visit leaves out the children.
typedef bool (*VisitFn)(void *context, const Expr *expr);
void rewrite_visit(const Expr *expr, VisitFn visit, void *context);

// The same expression as far as SQL is concerned: names, functions and operators without case.
// A qualifier counts only when both have one.
bool rewrite_equal(const Expr *a, const Expr *b);
// The same, but a qualifier counts always: s.v may be a field of s where v is another column.
bool rewrite_identical(const Expr *a, const Expr *b);

// A deep copy of a query in which `function` may replace each relation, leaves first; NULL keeps
// the copy it was given. Subqueries in expressions are included. `is_cte`: the name is a CTE's in
// scope.
typedef Relation *(*RewriteRelationFn)(void *context, const Relation *relation, bool is_cte);
Query *rewrite_query(Arena *arena, const Query *query, RewriteRelationFn function, void *context);

// The query with each name of a CTE replaced by the CTE's query.
Query *rewrite_without_ctes(Arena *arena, const Query *query);

// The query without STREAM, WATERMARK and DROP DUPLICATES: what it means over a finished input.
Query *rewrite_as_batch(Arena *arena, const Query *query);
