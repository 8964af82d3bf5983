// print_window.c -- window(ts, size[, slide[, start]]) in batch queries.
//
//     tumbling   struct(start, end) by integer arithmetic on microseconds
//     sliding    the list of all windows of a row, unnested beside the FROM clause
//
// As in Spark, rows without a time fall out (print_query.c adds the condition).
// SPDX-License-Identifier: Apache-2.0
#include "sql/parser.h"
#include "sql/print_internal.h"

static bool is_window(const Expr *expr)
{
    const Function *function =
        expr->kind == EXPR_CALL ? function_find(expr->text, expr->arguments.count) : NULL;
    return print_is_session(expr) || (function != NULL && function->hook == HOOK_WINDOW &&
                                      function_takes(function, expr->arguments.count));
}

static const Expr *find_in(const Expr *expr)
{
    if (expr == NULL) {
        return NULL;
    }
    if (is_window(expr)) {
        return expr;
    }
    for (size_t i = 0; i < expr->arguments.count; i++) {
        const Expr *found = find_in(expr->arguments.items[i]);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

const Expr *print_find_window(const Select *select)
{
    for (size_t i = 0; i < select->group_by.count; i++) {
        const Expr *found = find_in(select->group_by.items[i]);
        if (found != NULL) {
            return found;
        }
    }
    for (size_t i = 0; i < select->item_count; i++) {
        const Expr *found = find_in(select->items[i].expr);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

bool print_duration(Printer *printer, const Expr *expr, TimeUs *duration)
{
    Error err;
    if (expr->kind == EXPR_STRING && sql_parse_duration(expr->text, duration, &err)) {
        return true;
    }
    if (expr->kind == EXPR_INTERVAL && expr->interval_is_constant && expr->months == 0) {
        *duration = expr->days * TIME_DAY + expr->micros;
        return true;
    }
    print_problem(printer, expr->pos, "CANNOT_PARSE_INTERVAL", "write it like '10 minutes'",
                  "the length of a window is a duration without months");
    return false;
}

typedef struct WindowSizes {
    TimeUs size;
    TimeUs slide;
    TimeUs start;
} WindowSizes;

static bool window_sizes(Printer *printer, const Expr *call, WindowSizes *sizes)
{
    const ExprList *arguments = &call->arguments;
    if (!print_duration(printer, arguments->items[1], &sizes->size)) {
        return false;
    }
    sizes->slide = sizes->size;
    sizes->start = 0;
    if (arguments->count > 2 && !print_duration(printer, arguments->items[2], &sizes->slide)) {
        return false;
    }
    if (arguments->count > 3 && !print_duration(printer, arguments->items[3], &sizes->start)) {
        return false;
    }
    if (sizes->size <= 0 || sizes->slide <= 0 || sizes->slide > sizes->size) {
        print_problem(printer, call->pos, "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION", NULL,
                      "a window's length is positive and its slide is not longer");
        return false;
    }
    return true;
}

bool print_window_is_sliding(const Expr *call)
{
    if (call->arguments.count < 3) { // a session has two
        return false;
    }
    TimeUs size = 0;
    TimeUs slide = 0;
    Error err;
    const Expr *a = call->arguments.items[1];
    const Expr *b = call->arguments.items[2];
    if (a->kind == EXPR_STRING && b->kind == EXPR_STRING &&
        sql_parse_duration(a->text, &size, &err) && sql_parse_duration(b->text, &slide, &err)) {
        return size != slide;
    }
    return true;
}

// `window` in the time that a window holds is a column of the input, not this call.
static void print_time(Printer *printer, const Expr *call)
{
    const WindowScope *outer = printer->window;
    printer->window = NULL;
    print_expr(printer, call->arguments.items[0]);
    printer->window = outer;
}

void print_window_call(Printer *printer, const Expr *call)
{
    WindowSizes sizes;
    if (print_is_session(call)) {
        print_session_call(printer, call);
        return;
    }
    if (printer->window != NULL && printer->window->is_lateral) {
        print_text(printer, "\"spark_window\".\"window\"");
        return;
    }
    if (!window_sizes(printer, call, &sizes)) {
        return;
    }
    if (sizes.size != sizes.slide) {
        print_problem(printer, call->pos, "UNSUPPORTED_FEATURE", "group by the window",
                      "a sliding window outside of GROUP BY is not supported yet");
        return;
    }
    for (int end = 0; end < 2; end++) {
        print_text(printer, end == 0 ? "struct_pack(\"start\" := spark_window_start("
                                     : "), \"end\" := spark_window_start(");
        print_time(printer, call);
        buffer_printf(printer->out, ", %lld, %lld, %lld", (long long)sizes.size,
                      (long long)sizes.start, end == 0 ? 0LL : (long long)sizes.size);
    }
    print_text(printer, "))");
}

void print_window_list(Printer *printer, const Expr *call)
{
    WindowSizes sizes;
    if (!window_sizes(printer, call, &sizes)) {
        return;
    }
    // Windows that start within the last `size` of the row, oldest first; ceil(size / slide) of
    // them can be, and those that end at or before the row are left out.
    int64_t count = (sizes.size + sizes.slide - 1) / sizes.slide;
    print_text(printer, "list_filter([");
    for (int64_t i = count - 1; i >= 0; i--) {
        for (int end = 0; end < 2; end++) {
            print_text(printer, end == 0 ? "struct_pack(\"start\" := spark_window_start("
                                         : "), \"end\" := spark_window_start(");
            print_time(printer, call);
            buffer_printf(printer->out, ", %lld, %lld, %lld", (long long)sizes.slide,
                          (long long)sizes.start,
                          (long long)(end == 0 ? -i * sizes.slide : sizes.size - i * sizes.slide));
        }
        print_text(printer, i > 0 ? ")), " : "))");
    }
    print_text(printer, "], lambda spark_w: struct_extract(spark_w, 'end') > spark_window_start(");
    print_time(printer, call);
    print_text(printer, ", 1, 0, 0))");
}
