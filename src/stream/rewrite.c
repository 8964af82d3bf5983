// SPDX-License-Identifier: Apache-2.0
#include "stream/rewrite.h"

typedef struct Rewriter {
    Arena *arena;
    RewriteFn function;
    void *context;
} Rewriter;

static Expr *rewrite(const Rewriter *rewriter, const Expr *expr);

static ExprList rewrite_list(const Rewriter *rewriter, const ExprList *list)
{
    ExprList copy = {0};
    for (size_t i = 0; i < list->count; i++) {
        ARENA_PUSH(rewriter->arena, copy.items, copy.count, copy.capacity,
                   rewrite(rewriter, list->items[i]));
    }
    return copy;
}

static SortList rewrite_sort(const Rewriter *rewriter, const SortList *list)
{
    SortList copy = {0};
    for (size_t i = 0; i < list->count; i++) {
        SortItem item = list->items[i];
        item.expr = rewrite(rewriter, item.expr);
        ARENA_PUSH(rewriter->arena, copy.items, copy.count, copy.capacity, item);
    }
    return copy;
}

static Expr *rewrite(const Rewriter *rewriter, const Expr *expr)
{
    if (expr == NULL) {
        return NULL;
    }
    Expr *replacement = rewriter->function(rewriter->context, expr);
    if (replacement != NULL) {
        return replacement;
    }
    Expr *copy = ARENA_NEW(rewriter->arena, Expr);
    *copy = *expr;
    copy->arguments = rewrite_list(rewriter, &expr->arguments);
    copy->named = (NamedArguments){0};
    for (size_t i = 0; i < expr->named.count; i++) {
        NamedArgument argument = expr->named.items[i];
        argument.value = rewrite(rewriter, argument.value);
        ARENA_PUSH(rewriter->arena, copy->named.items, copy->named.count, copy->named.capacity,
                   argument);
    }
    copy->filter = rewrite(rewriter, expr->filter);
    copy->within_group = rewrite_sort(rewriter, &expr->within_group);
    copy->operand = rewrite(rewriter, expr->operand);
    copy->otherwise = rewrite(rewriter, expr->otherwise);
    return copy;
}

Expr *rewrite_expr(Arena *arena, const Expr *expr, RewriteFn function, void *context)
{
    Rewriter rewriter = {arena, function, context};
    return rewrite(&rewriter, expr);
}

void rewrite_visit(const Expr *expr, VisitFn visit, void *context)
{
    if (expr == NULL || !visit(context, expr)) {
        return;
    }
    for (size_t i = 0; i < expr->arguments.count; i++) {
        rewrite_visit(expr->arguments.items[i], visit, context);
    }
    for (size_t i = 0; i < expr->named.count; i++) {
        rewrite_visit(expr->named.items[i].value, visit, context);
    }
    for (size_t i = 0; i < expr->within_group.count; i++) {
        rewrite_visit(expr->within_group.items[i].expr, visit, context);
    }
    rewrite_visit(expr->filter, visit, context);
    rewrite_visit(expr->operand, visit, context);
    rewrite_visit(expr->otherwise, visit, context);
}

static bool same_name(const Name *a, const Name *b, bool strict)
{
    if (strict && a->count != b->count) {
        return false;
    }
    size_t shorter = a->count < b->count ? a->count : b->count;
    for (size_t i = 1; i <= shorter; i++) {
        if (!slice_equal_nocase(a->parts[a->count - i], b->parts[b->count - i])) {
            return false;
        }
    }
    return shorter > 0;
}

static bool equal(const Expr *a, const Expr *b, bool strict)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (a->kind != b->kind || a->op != b->op || a->negated != b->negated ||
        a->distinct != b->distinct || a->ignore_nulls != b->ignore_nulls ||
        a->is_try != b->is_try || a->integer != b->integer ||
        a->arguments.count != b->arguments.count || a->months != b->months || a->days != b->days ||
        a->micros != b->micros || a->query != NULL || b->query != NULL || a->over != NULL ||
        b->over != NULL || a->named.count > 0 || b->named.count > 0 || a->within_group.count > 0 ||
        b->within_group.count > 0) {
        return false;
    }
    if (a->kind == EXPR_COLUMN) {
        return same_name(&a->name, &b->name, strict);
    }
    bool text_equal = a->kind == EXPR_CALL || a->kind == EXPR_FIELD || a->kind == EXPR_EXTRACT
                          ? slice_equal_nocase(a->text, b->text)
                          : slice_equal(a->text, b->text);
    if (!text_equal || (a->type != NULL) != (b->type != NULL) ||
        (a->type != NULL && !type_equal(a->type, b->type))) {
        return false;
    }
    for (size_t i = 0; i < a->arguments.count; i++) {
        if (!equal(a->arguments.items[i], b->arguments.items[i], strict)) {
            return false;
        }
    }
    return equal(a->filter, b->filter, strict) && equal(a->operand, b->operand, strict) &&
           equal(a->otherwise, b->otherwise, strict);
}

bool rewrite_equal(const Expr *a, const Expr *b)
{
    return equal(a, b, false);
}

bool rewrite_identical(const Expr *a, const Expr *b)
{
    return equal(a, b, true);
}
