// SPDX-License-Identifier: Apache-2.0
#include "sql/ast.h"

Expr *ast_expr(Arena *arena, ExprKind kind, Pos pos)
{
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = kind;
    expr->pos = pos;
    return expr;
}

Expr *ast_raw(Arena *arena, Pos pos, const char *duck_sql)
{
    Expr *expr = ast_expr(arena, EXPR_RAW, pos);
    expr->text = arena_copy(arena, slice_of(duck_sql));
    return expr;
}

Relation *ast_relation(Arena *arena, RelationKind kind, Pos pos)
{
    Relation *relation = ARENA_NEW(arena, Relation);
    relation->kind = kind;
    relation->pos = pos;
    return relation;
}

// The checks below stop at `limit`, so they never recurse deeper than what they guard against.

static bool relation_is_deeper(const Relation *relation, int limit);

static bool list_is_deeper(const ExprList *list, int limit)
{
    for (size_t i = 0; i < list->count; i++) {
        if (ast_expr_is_deeper(list->items[i], limit)) {
            return true;
        }
    }
    return false;
}

static bool sort_is_deeper(const SortList *list, int limit)
{
    for (size_t i = 0; i < list->count; i++) {
        if (ast_expr_is_deeper(list->items[i].expr, limit)) {
            return true;
        }
    }
    return false;
}

static bool named_is_deeper(const NamedArguments *named, int limit)
{
    for (size_t i = 0; i < named->count; i++) {
        if (ast_expr_is_deeper(named->items[i].value, limit)) {
            return true;
        }
    }
    return false;
}

static bool window_is_deeper(const WindowSpec *window, int limit)
{
    return window != NULL && (list_is_deeper(&window->partition_by, limit) ||
                              sort_is_deeper(&window->order_by, limit) ||
                              ast_expr_is_deeper(window->start_offset, limit) ||
                              ast_expr_is_deeper(window->end_offset, limit));
}

bool ast_expr_is_deeper(const Expr *expr, int limit)
{
    if (expr == NULL) {
        return false;
    }
    if (limit <= 0) {
        return true;
    }
    limit--;
    return list_is_deeper(&expr->arguments, limit) || named_is_deeper(&expr->named, limit) ||
           ast_expr_is_deeper(expr->filter, limit) || sort_is_deeper(&expr->within_group, limit) ||
           window_is_deeper(expr->over, limit) || ast_expr_is_deeper(expr->operand, limit) ||
           ast_expr_is_deeper(expr->otherwise, limit) || ast_query_is_deeper(expr->query, limit);
}

static bool select_is_deeper(const Select *select, int limit)
{
    for (size_t i = 0; i < select->item_count; i++) {
        if (ast_expr_is_deeper(select->items[i].expr, limit)) {
            return true;
        }
    }
    for (size_t i = 0; i < select->set_count; i++) {
        if (list_is_deeper(&select->sets[i], limit)) {
            return true;
        }
    }
    for (size_t i = 0; i < select->window_count; i++) {
        if (window_is_deeper(select->windows[i], limit)) {
            return true;
        }
    }
    return relation_is_deeper(select->from, limit) || ast_expr_is_deeper(select->where, limit) ||
           list_is_deeper(&select->group_by, limit) || ast_expr_is_deeper(select->having, limit) ||
           ast_expr_is_deeper(select->qualify, limit);
}

static bool relation_is_deeper(const Relation *relation, int limit)
{
    if (relation == NULL) {
        return false;
    }
    if (limit <= 0) {
        return true;
    }
    limit--;
    for (size_t i = 0; i < relation->row_count; i++) {
        if (list_is_deeper(&relation->rows[i], limit)) {
            return true;
        }
    }
    const Watermark *watermark = relation->watermark;
    return relation_is_deeper(relation->left, limit) ||
           relation_is_deeper(relation->right, limit) || ast_expr_is_deeper(relation->on, limit) ||
           list_is_deeper(&relation->arguments, limit) ||
           named_is_deeper(&relation->named, limit) ||
           ast_expr_is_deeper(relation->timestamp, limit) ||
           ast_query_is_deeper(relation->query, limit) ||
           (watermark != NULL && ast_expr_is_deeper(watermark->column, limit));
}

bool ast_query_is_deeper(const Query *query, int limit)
{
    if (query == NULL) {
        return false;
    }
    if (limit <= 0) {
        return true;
    }
    limit--;
    for (size_t i = 0; i < query->cte_count; i++) {
        if (ast_query_is_deeper(query->ctes[i].query, limit)) {
            return true;
        }
    }
    return (query->select != NULL && select_is_deeper(query->select, limit)) ||
           ast_query_is_deeper(query->left, limit) || ast_query_is_deeper(query->right, limit) ||
           relation_is_deeper(query->values, limit) || sort_is_deeper(&query->order_by, limit) ||
           ast_expr_is_deeper(query->limit, limit) || ast_expr_is_deeper(query->offset, limit);
}
