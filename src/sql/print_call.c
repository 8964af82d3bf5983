// print_call.c -- function calls by the templates of function.h.
// SPDX-License-Identifier: Apache-2.0
#include "sql/print_internal.h"

static void print_filter(Printer *printer, const Expr *call, Slice extra)
{
    if (call->filter == NULL && extra.size == 0) {
        return;
    }
    print_text(printer, " FILTER (WHERE ");
    if (call->filter != NULL) {
        print_expr(printer, call->filter);
        print_text(printer, extra.size > 0 ? " AND " : "");
    }
    if (extra.size == 0) {
        print_text(printer, ")");
    }
}

void print_over(Printer *printer, const Expr *call)
{
    if (call->over != NULL) {
        print_text(printer, " OVER ");
        print_window_spec(printer, call->over);
    }
}

static void print_arguments(Printer *printer, const Expr *call, size_t first, char letter)
{
    for (size_t i = first; i < call->arguments.count; i++) {
        print_text(printer, i > first ? ", " : "");
        print_as(printer, call->arguments.items[i], letter);
    }
}

static bool is_conversion(char c)
{
    return c != '\0' && strchr("sdliDTxtpen", c) != NULL;
}

static void print_shown_name(Printer *printer, const Expr *expr)
{
    Buffer name = {0};
    sql_expr_name(expr, &name);
    print_literal(printer, buffer_slice(&name));
    buffer_done(&name);
}

// One mark of a template; `at` is just behind the '$'. Returns where the mark ends.
static const char *print_mark_of(Printer *printer, const Expr *call, const char *at)
{
    size_t first = 0;
    char c = *at++;
    switch (c) {
    case 'D':
        print_text(printer, call->distinct ? "DISTINCT " : "");
        return at;
    case 'W':
        print_filter(printer, call, (Slice){0});
        print_over(printer, call);
        return at;
    case 'F':
        print_filter(printer, call, slice_of("more follows"));
        return at;
    case 'G':
        print_text(printer, ")");
        print_over(printer, call);
        return at;
    case 'O':
        if (call->within_group.count > 0) {
            print_order_by(printer, &call->within_group);
        }
        return at;
    case 'N':
        print_text(printer, call->ignore_nulls ? " IGNORE NULLS" : "");
        return at;
    case 'a':
        print_shown_name(printer, call->arguments.items[0]);
        return at;
    case '*':
        break;
    default:
        first = (size_t)(c - '1');
        if (*at != '*') {
            bool converts = is_conversion(*at);
            print_as(printer, call->arguments.items[first], converts ? *at : '\0');
            return converts ? at + 1 : at;
        }
        at++;
        break;
    }
    print_arguments(printer, call, first, is_conversion(*at) ? *at : '\0');
    return is_conversion(*at) ? at + 1 : at;
}

void print_template(Printer *printer, const Function *function, const Expr *call)
{
    print_mark(printer, call->pos);
    const char *at = function->sql;
    while (*at != '\0') {
        const char *mark = strpbrk(at, "$?");
        if (mark == NULL) {
            print_text(printer, at);
            return;
        }
        buffer_append(printer->out, (Slice){at, (size_t)(mark - at)});
        if (*mark == '?') {
            print_text(printer, print_arguments_are_opaque(printer, call) ? "_any" : "");
            at = mark + 1;
            continue;
        }
        at = print_mark_of(printer, call, mark + 1);
    }
}

static void refuse_arity(Printer *printer, const Function *function, const Expr *call)
{
    const char *plural = function->least == 1 ? "" : "s";
    if (function->most == ANY_COUNT) {
        print_problem(printer, call->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", NULL,
                      "%s takes at least %d argument%s, not %zu", function->name, function->least,
                      plural, call->arguments.count);
    } else if (function->least == function->most) {
        print_problem(printer, call->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", NULL,
                      "%s takes %d argument%s, not %zu", function->name, function->least, plural,
                      call->arguments.count);
    } else {
        print_problem(printer, call->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", NULL,
                      "%s takes %d to %d arguments, not %zu", function->name, function->least,
                      function->most, call->arguments.count);
    }
}

// What may stand around a call: DISTINCT, FILTER, OVER, IGNORE NULLS. False with a problem.
static bool check_clauses(Printer *printer, const Function *function, const Expr *call)
{
    bool aggregates = function->kind == FUNCTION_AGGREGATE;
    if (function->kind == FUNCTION_GENERATOR) {
        print_problem(printer, call->pos, "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
                      "select it as a column of its own, or use LATERAL VIEW",
                      "%s makes rows and cannot be part of an expression", function->name);
        return false;
    }
    if (function->kind == FUNCTION_WINDOW && call->over == NULL) {
        print_problem(printer, call->pos, "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE",
                      "add OVER (PARTITION BY ... ORDER BY ...)", "%s needs an OVER clause",
                      function->name);
        return false;
    }
    if (!aggregates && call->distinct) {
        print_problem(printer, call->pos, "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
                      NULL, "%s is no aggregate function and takes no DISTINCT", function->name);
        return false;
    }
    if (!aggregates &&
        (call->filter != NULL || (call->over != NULL && function->kind != FUNCTION_WINDOW))) {
        print_problem(printer, call->pos, "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
                      NULL, "%s is no aggregate function and takes no %s", function->name,
                      call->filter != NULL ? "FILTER" : "OVER");
        return false;
    }
    if (call->distinct && call->over != NULL) {
        print_problem(printer, call->pos, "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", NULL,
                      "DISTINCT is not supported in a window function");
        return false;
    }
    if (call->named.count > 0) {
        print_problem(printer, call->named.items[0].pos, "NAMED_PARAMETERS_NOT_SUPPORTED",
                      "give the arguments by position", "%s takes no named arguments",
                      function->name);
        return false;
    }
    return true;
}

static void refuse_function(Printer *printer, const Expr *call)
{
    if (function_is_missing(call->text)) {
        print_problem(printer, call->pos, "UNSUPPORTED_FUNCTION", NULL,
                      "function '%.*s' is not supported yet", SLICE_ARG(call->text));
        return;
    }
    print_problem(printer, call->pos, "UNRESOLVED_ROUTINE",
                  function_nearest(printer->arena, call->text), "no function '%.*s'",
                  SLICE_ARG(call->text));
}

void print_call(Printer *printer, const Expr *call)
{
    const Function *function = function_find(call->text, call->arguments.count);
    if (function == NULL) {
        refuse_function(printer, call);
        return;
    }
    if (!check_clauses(printer, function, call)) {
        return;
    }
    bool is_percentile = function->hook == HOOK_PERCENTILE;
    if (!function_takes(function, call->arguments.count) && !is_percentile) {
        refuse_arity(printer, function, call);
        return;
    }
    if (function->hook == HOOK_NONE) {
        print_template(printer, function, call);
    } else {
        print_mark(printer, call->pos);
        print_hook(printer, function, call);
    }
}
