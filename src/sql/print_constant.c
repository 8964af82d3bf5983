// print_constant.c -- which expressions have a value before any row is there.
//
// Spark's optimizer evaluates them, so that an impossible one (a date that does not exist, a
// division by zero) is a problem of the statement and not of a row. sql_bind does the same with
// those that the printer marks: constants that no CASE, if(), coalesce(), try_... or lambda may
// skip. SPDX-License-Identifier: Apache-2.0
#include "sql/print_internal.h"

static bool is_literal(const Expr *expr)
{
    switch (expr->kind) {
    case EXPR_NULL:
    case EXPR_BOOLEAN:
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_BINARY_LITERAL:
    case EXPR_TYPED:
        return true;
    case EXPR_INTERVAL:
        return expr->interval_is_constant;
    default:
        return false;
    }
}

// Functions whose value is not settled before the query runs, or which are there to fail.
static bool is_settled(const Expr *call)
{
    static const char *const unsettled[] = {"rand",        "random",      "uuid",    "randn",
                                            "raise_error", "assert_true", "shuffle", "randstr",
                                            "uniform",     "typeof"};
    const Function *function = function_find(call->text, call->arguments.count);
    if (function == NULL || function->kind != FUNCTION_SCALAR || call->over != NULL ||
        call->filter != NULL || function->hook == HOOK_NOW) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(unsettled); i++) {
        if (strcmp(function->name, unsettled[i]) == 0) {
            return false;
        }
    }
    return true;
}

static bool is_settled_tree(const Expr *expr)
{
    if (is_literal(expr)) {
        return true;
    }
    switch (expr->kind) {
    case EXPR_CALL:
        if (!is_settled(expr)) {
            return false;
        }
        break;
    case EXPR_IN:
    case EXPR_CAST:
    case EXPR_UNARY:
    case EXPR_BINARY:
    case EXPR_BETWEEN:
    case EXPR_LIKE:
    case EXPR_IS:
    case EXPR_CASE:
    case EXPR_FIELD:
    case EXPR_INDEX:
    case EXPR_EXTRACT:
        break;
    default:
        return false;
    }
    for (size_t i = 0; i < expr->arguments.count; i++) {
        if (!is_settled_tree(expr->arguments.items[i])) {
            return false;
        }
    }
    return expr->query == NULL && (expr->operand == NULL || is_settled_tree(expr->operand)) &&
           (expr->otherwise == NULL || is_settled_tree(expr->otherwise));
}

bool print_is_constant(const Expr *expr)
{
    return !is_literal(expr) && is_settled_tree(expr);
}

// Whether it evaluates some operands only sometimes, or takes their errors for NULL.
bool print_is_conditional(const Expr *expr)
{
    static const char *const names[] = {"coalesce", "nvl", "ifnull", "nvl2", "nanvl"};
    if (expr->kind == EXPR_CASE || (expr->kind == EXPR_CAST && expr->is_try)) {
        return true;
    }
    const Function *function =
        expr->kind == EXPR_CALL ? function_find(expr->text, expr->arguments.count) : NULL;
    if (function == NULL) {
        return false;
    }
    bool is_conditional = function->hook == HOOK_IF || function->hook == HOOK_HIGHER_ORDER ||
                          strncmp(function->name, "try_", 4) == 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        is_conditional |= strcmp(function->name, names[i]) == 0;
    }
    return is_conditional;
}
