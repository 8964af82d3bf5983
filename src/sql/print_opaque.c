// print_opaque.c -- which expressions have no type yet while DuckDB chooses a macro's form.
//
// DuckDB resolves macros before it binds aggregates, window functions, subqueries, outer columns of
// a correlated subquery and aliases of the same SELECT; to a macro with forms by type they look
// like anything. For these the printer calls the C function that takes any type instead. Should one
// slip through, two forms match and DuckDB refuses: every such macro has at least two.
// SPDX-License-Identifier: Apache-2.0
#include "sql/print_internal.h"

bool print_same_name(Slice a, Slice b)
{
    return a.size == b.size && text_distance(a, b) == 0;
}

const SelectItem *print_find_alias(const Printer *printer, Slice name)
{
    for (size_t i = 0; printer->select != NULL && i < printer->select->item_count; i++) {
        const SelectItem *item = &printer->select->items[i];
        if (item->alias.size > 0 && print_same_name(item->alias, name)) {
            return item;
        }
    }
    return NULL;
}

static bool any_is_opaque(const Printer *printer, const ExprList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (print_is_opaque(printer, list->items[i])) {
            return true;
        }
    }
    return false;
}

// The window of a session is made of aggregates.
static bool is_session_column(const Printer *printer, const Expr *expr)
{
    return printer->window != NULL && printer->window->is_session &&
           print_same_name(expr->name.parts[0], printer->window->call->text);
}

bool print_is_opaque(const Printer *printer, const Expr *expr)
{
    const Function *function;
    switch (expr->kind) {
    case EXPR_RAW:
    case EXPR_SUBQUERY:
    case EXPR_EXISTS:
        return true;
    case EXPR_COLUMN:
        return printer->nested > 0 || print_find_alias(printer, expr->name.parts[0]) != NULL ||
               is_session_column(printer, expr);
    case EXPR_CALL:
        function = function_find(expr->text, expr->arguments.count);
        if (expr->over != NULL || print_is_session(expr) ||
            (function != NULL && function->kind != FUNCTION_SCALAR)) {
            return true;
        }
        break;
    case EXPR_LAMBDA:
        return false; // what is outside of it is seen through the other arguments
    default:
        break;
    }
    return expr->query != NULL || any_is_opaque(printer, &expr->arguments) ||
           (expr->operand != NULL && print_is_opaque(printer, expr->operand)) ||
           (expr->otherwise != NULL && print_is_opaque(printer, expr->otherwise));
}

bool print_arguments_are_opaque(const Printer *printer, const Expr *call)
{
    return any_is_opaque(printer, &call->arguments);
}
