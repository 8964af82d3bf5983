// expr_name.c -- the name Spark gives a column without alias: its expression, prettily printed.
//
// Strings stand without quotes, columns without their table, functions in lower case except where
// Spark's own class shows another name, operators in parentheses.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "sql/format_internal.h"
#include "sql/print_internal.h"

// Parameters of the lambdas around an expression: Spark shows each as namedlambdavariable().
typedef struct LambdaNames {
    const Expr *lambda;
    const struct LambdaNames *outer;
} LambdaNames;

static void name_expr(const LambdaNames *lambdas, const Expr *expr, Buffer *out);

static bool is_parameter(const LambdaNames *lambdas, Slice name)
{
    for (; lambdas != NULL; lambdas = lambdas->outer) {
        for (size_t i = 0; i < lambdas->lambda->parameter_count; i++) {
            if (slice_equal(lambdas->lambda->parameters[i], name)) {
                return true;
            }
        }
    }
    return false;
}

static void name_list(const LambdaNames *lambdas, const ExprList *list, size_t first, Buffer *out)
{
    for (size_t i = first; i < list->count; i++) {
        buffer_append_text(out, i > first ? ", " : "");
        name_expr(lambdas, list->items[i], out);
    }
}

static void append_lower(Slice text, Buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        buffer_append_char(out, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
    }
}

static void append_upper_type(const Type *type, Buffer *out)
{
    Buffer name = {0};
    type_print(type, &name);
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (c == ':') {
            buffer_append_text(out, ": ");
        } else if (c == ',' && type->kind != TYPE_DECIMAL) {
            buffer_append_text(out, ", ");
        } else {
            buffer_append_char(out, (char)(c >= 'a' && c <= 'z' ? c - 32 : c));
        }
    }
    buffer_done(&name);
}

static void name_number(Slice text, Buffer *out)
{
    char last = text.data[text.size - 1];
    bool is_float = last == 'F' || last == 'f';
    bool is_double = memchr(text.data, 'e', text.size) != NULL ||
                     memchr(text.data, 'E', text.size) != NULL || last == 'D' || last == 'd';
    if (text.size > 2 && (last == 'D' || last == 'd') && (text.data[text.size - 2] | 32) == 'b') {
        buffer_append(out, (Slice){text.data, text.size - 2});
        return;
    }
    if (is_float || is_double) {
        char copy[64] = {0};
        memcpy(copy, text.data, text.size < sizeof copy - 1 ? text.size : sizeof copy - 1);
        if (is_float) {
            format_float(strtof(copy, NULL), out);
        } else {
            format_double(strtod(copy, NULL), out);
        }
        return;
    }
    bool suffix =
        last == 'L' || last == 'l' || last == 'S' || last == 's' || last == 'Y' || last == 'y';
    buffer_append(out, (Slice){text.data, text.size - (suffix ? 1 : 0)});
}

static void append_clock(int64_t micros, bool hours, bool minutes, bool seconds, Buffer *out)
{
    const char *gap = "";
    if (hours) {
        buffer_printf(out, "%02d", (int)(micros / TIME_HOUR));
        gap = ":";
        micros %= TIME_HOUR;
    }
    if (minutes) {
        buffer_printf(out, "%s%02d", gap, (int)(micros / TIME_MINUTE));
        gap = ":";
        micros %= TIME_MINUTE;
    }
    if (seconds) {
        buffer_printf(out, "%s%02d", gap, (int)(micros / TIME_SECOND));
        int fraction = (int)(micros % TIME_SECOND);
        if (fraction != 0) {
            buffer_printf(out, ".%06d", fraction);
            while (out->data[out->size - 1] == '0') {
                out->data[--out->size] = '\0';
            }
        }
    }
}

// Whether a range like "DAY TO SECOND" shows unit `position` (0 day ... 3 second).
static bool range_has(Slice range, int position)
{
    static const char *const units[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    int from = -1;
    int to = -1;
    for (int i = 0; i < 4; i++) {
        size_t size = strlen(units[i]);
        if (range.size >= size && memcmp(range.data, units[i], size) == 0) {
            from = i;
        }
        if (range.size >= size && memcmp(range.data + range.size - size, units[i], size) == 0) {
            to = i;
        }
    }
    return from >= 0 && position >= from && position <= to;
}

static void name_interval(const LambdaNames *lambdas, const Expr *expr, Buffer *out)
{
    Slice range = expr->text;
    if (!expr->interval_is_constant) {
        name_expr(lambdas, expr->arguments.items[0], out);
        return;
    }
    bool negative = expr->months < 0 || expr->days * TIME_DAY + expr->micros < 0;
    int64_t months = llabs(expr->months);
    int64_t micros = llabs(expr->days * TIME_DAY + expr->micros);
    buffer_append_text(out, negative ? "INTERVAL '-" : "INTERVAL '");
    if (slice_is(range, "YEAR")) {
        buffer_printf(out, "%lld", (long long)months / 12);
    } else if (slice_is(range, "MONTH")) {
        buffer_printf(out, "%lld", (long long)months);
    } else if (slice_is(range, "YEAR TO MONTH")) {
        buffer_printf(out, "%lld-%lld", (long long)months / 12, (long long)months % 12);
    } else {
        bool days = range_has(range, 0);
        bool hours = range_has(range, 1);
        bool minutes = range_has(range, 2);
        bool seconds = range_has(range, 3);
        if (days) {
            buffer_printf(out, hours ? "%lld " : "%lld", (long long)(micros / TIME_DAY));
            micros %= TIME_DAY;
        }
        append_clock(micros, hours, minutes, seconds, out);
    }
    buffer_printf(out, "' %.*s", SLICE_ARG(range));
}

static void name_typed(const Expr *expr, Buffer *out)
{
    append_upper_type(expr->type, out);
    buffer_printf(out, " '%.*s'", SLICE_ARG(expr->text));
}

static void name_sort(const LambdaNames *lambdas, const SortList *list, Buffer *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const SortItem *item = &list->items[i];
        bool first = item->nulls != 0 ? item->nulls < 0 : !item->descending;
        buffer_append_text(out, i > 0 ? ", " : "");
        name_expr(lambdas, item->expr, out);
        buffer_append_text(out, item->descending ? " DESC" : " ASC");
        buffer_append_text(out, first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void name_bound(const LambdaNames *lambdas, FrameBound bound, const Expr *offset,
                       Buffer *out)
{
    static const char *const texts[] = {
        [FRAME_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING",
        [FRAME_PRECEDING] = " PRECEDING",
        [FRAME_CURRENT] = "CURRENT ROW",
        [FRAME_FOLLOWING] = " FOLLOWING",
        [FRAME_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
    };
    if (offset != NULL) { // Spark shows an offset backwards as a negative one forwards
        buffer_append_text(out, bound == FRAME_PRECEDING ? "-" : "");
        name_expr(lambdas, offset, out);
        buffer_append_text(out, " FOLLOWING");
        return;
    }
    buffer_append_text(out, texts[bound]);
}

static const char *standard_frame(const Expr *call)
{
    const Function *function = function_find(call->text, call->arguments.count);
    if (function != NULL && (strcmp(function->name, "lag") == 0)) {
        return "ROWS BETWEEN -1 FOLLOWING AND -1 FOLLOWING";
    }
    if (function != NULL && (strcmp(function->name, "lead") == 0)) {
        return "ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING";
    }
    bool rows = function != NULL && function->kind == FUNCTION_WINDOW &&
                strcmp(function->name, "nth_value") != 0 &&
                strcmp(function->name, "cume_dist") != 0;
    if (rows) {
        return "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
    }
    return call->over->order_by.count > 0
               ? "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
               : "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING";
}

static void name_over(const LambdaNames *lambdas, const Expr *call, Buffer *out)
{
    const WindowSpec *spec = call->over;
    buffer_append_text(out, " OVER (");
    if (spec->name.size > 0) {
        buffer_append(out, spec->name);
        buffer_append_text(out, ")");
        return;
    }
    if (spec->partition_by.count > 0) {
        buffer_append_text(out, "PARTITION BY ");
        name_list(lambdas, &spec->partition_by, 0, out);
        buffer_append_text(out, " ");
    }
    if (spec->order_by.count > 0) {
        buffer_append_text(out, "ORDER BY ");
        name_sort(lambdas, &spec->order_by, out);
        buffer_append_text(out, " ");
    }
    if (spec->has_frame) {
        buffer_append_text(out, spec->frame_is_rows ? "ROWS BETWEEN " : "RANGE BETWEEN ");
        name_bound(lambdas, spec->start, spec->start_offset, out);
        buffer_append_text(out, " AND ");
        name_bound(lambdas, spec->end, spec->end_offset, out);
    } else {
        buffer_append_text(out, standard_frame(call));
    }
    buffer_append_text(out, ")");
}

// The last `count` of the texts in "last|...|first".
static void name_defaults(const char *defaults, bool first, Buffer *out)
{
    const char *parts[4];
    size_t count = 0;
    const char *at = defaults;
    parts[count++] = at;
    while ((at = strchr(at, '|')) != NULL && count < ARRAY_LEN(parts)) {
        parts[count++] = ++at;
    }
    for (size_t i = count; i > 0; i--) {
        buffer_append_text(out, first ? "" : ", ");
        first = false;
        buffer_append(out, (Slice){parts[i - 1], strcspn(parts[i - 1], "|")});
    }
}

// lag(b) shows both of its defaults, lag(b, 1) only the last one.
static const char *defaults_of(const Function *function, const Expr *call)
{
    if (function == NULL || function->defaults == NULL) {
        return NULL;
    }
    if (function->least == function->most) {
        return function->defaults;
    }
    size_t missing = (size_t)function->most - call->arguments.count;
    const char *bar = strchr(function->defaults, '|');
    return missing == 0 ? NULL : missing == 1 && bar != NULL ? "NULL" : function->defaults;
}

static void name_shorthand(const LambdaNames *lambdas, const Expr *call, Buffer *out)
{
    name_expr(lambdas, call->arguments.items[0], out);
}

// Calls that Spark shows as something else; true when done.
static bool name_special(const LambdaNames *lambdas, const Expr *call, const Function *function,
                         Buffer *out)
{
    const char *name = function == NULL ? "" : function->name;
    size_t count = call->arguments.count;
    if (strcmp(name, "isnull") == 0 || strcmp(name, "isnotnull") == 0) {
        buffer_append_char(out, '(');
        name_list(lambdas, &call->arguments, 0, out);
        buffer_append_text(out, name[2] == 'n' && name[3] == 'o' ? " IS NOT NULL)" : " IS NULL)");
        return true;
    }
    if (strcmp(name, "like") == 0 && count == 2) {
        name_expr(lambdas, call->arguments.items[0], out);
        buffer_append_text(out, " LIKE ");
        name_expr(lambdas, call->arguments.items[1], out);
        return true;
    }
    if (function != NULL && function->hook == HOOK_CAST) {
        name_shorthand(lambdas, call, out);
        return true;
    }
    if (strcmp(name, "datepart") == 0 || strcmp(name, "date_part") == 0) {
        buffer_printf(out, "%s(", name);
        name_expr(lambdas, call->arguments.items[0], out);
        buffer_append_text(out, " FROM ");
        name_expr(lambdas, call->arguments.items[1], out);
        buffer_append_char(out, ')');
        return true;
    }
    if (strcmp(name, "array_sort") == 0 || strcmp(name, "convert_timezone") == 0) {
        return false;
    }
    if ((strcmp(name, "dateadd") == 0 || strcmp(name, "datediff") == 0) && count == 2) {
        buffer_append_text(out, strcmp(name, "dateadd") == 0 ? "date_add(" : "datediff(");
        name_list(lambdas, &call->arguments, 0, out);
        buffer_append_char(out, ')');
        return true;
    }
    return false;
}

static void name_window_call(const LambdaNames *lambdas, const Expr *call, const Function *function,
                             Buffer *out)
{
    bool ranks = function != NULL && function->kind == FUNCTION_WINDOW && function->shown != NULL;
    if (!ranks) {
        name_list(lambdas, &call->arguments, 0, out);
    }
}

static bool is_reduce(const Function *function)
{
    return function != NULL && function->hook == HOOK_HIGHER_ORDER &&
           strcmp(function->sql, "aggregate") == 0;
}

// mode(x, true) and mode() WITHIN GROUP (ORDER BY x): Spark shows the opposite order.
static bool name_mode(const LambdaNames *lambdas, const Expr *call, const Function *function,
                      Buffer *out)
{
    bool is_ordered = call->within_group.count == 1;
    if (function == NULL || function->hook != HOOK_MODE ||
        (!is_ordered && call->arguments.count != 2)) {
        return false;
    }
    buffer_append_text(out, "mode() WITHIN GROUP (ORDER BY ");
    name_expr(lambdas, is_ordered ? call->within_group.items[0].expr : call->arguments.items[0],
              out);
    buffer_append_text(out, is_ordered && call->within_group.items[0].descending ? ")" : " DESC)");
    return true;
}

static void name_call(const LambdaNames *lambdas, const Expr *call, Buffer *out)
{
    const Function *function = function_find(call->text, call->arguments.count);
    if (name_mode(lambdas, call, function, out)) {
        if (call->over != NULL) {
            name_over(lambdas, call, out);
        }
        return;
    }
    if (name_special(lambdas, call, function, out)) {
        return;
    }
    bool agg_list = function != NULL && strcmp(function->name, "string_agg") == 0;
    if (agg_list && call->within_group.count > 0) {
        buffer_append_text(out, "listagg");
    } else if (function != NULL && function->shown != NULL) {
        buffer_append_text(out, function->shown);
    } else {
        append_lower(call->text, out);
    }
    buffer_append_char(out, '(');
    bool star = call->arguments.count == 1 && call->arguments.items[0]->kind == EXPR_STAR;
    bool count = function != NULL && function->hook == HOOK_COUNT;
    bool from_json = function != NULL && function->hook == HOOK_FROM_JSON;
    bool flag = function != NULL && function->hook == HOOK_NULLS_FLAG;
    bool to_json = function != NULL && strcmp(function->name, "to_json") == 0;
    buffer_append_text(out, call->distinct ? "DISTINCT " : "");
    if (count && star) {
        buffer_append_char(out, '1');
    } else if (from_json || flag || to_json) {
        name_expr(lambdas, call->arguments.items[0], out);
    } else {
        name_window_call(lambdas, call, function, out);
        const char *defaults = defaults_of(function, call);
        if (defaults != NULL) {
            name_defaults(defaults, call->arguments.count == 0, out);
        } else if (function != NULL && strcmp(function->name, "percentile") == 0) {
            buffer_append_text(out, ", 1");
        } else if (is_reduce(function) && call->arguments.count == 3) {
            buffer_append_text(out,
                               ", lambdafunction(namedlambdavariable(), namedlambdavariable())");
        } else if (function != NULL && strcmp(function->name, "assert_true") == 0 &&
                   call->arguments.count == 1) {
            buffer_append_text(out, ", '");
            name_expr(lambdas, call->arguments.items[0], out);
            buffer_append_text(out, "' is not true!");
        }
    }
    buffer_append_char(out, ')');
    if (call->within_group.count > 0) {
        buffer_append_text(out, " WITHIN GROUP (ORDER BY ");
        if (function != NULL && function->hook == HOOK_PERCENTILE) {
            name_expr(lambdas, call->within_group.items[0].expr, out);
            buffer_append_text(out, call->within_group.items[0].descending ? " DESC" : "");
        } else {
            name_sort(lambdas, &call->within_group, out);
        }
        buffer_append_char(out, ')');
    }
    if (call->filter != NULL) {
        buffer_append_text(out, " FILTER (WHERE ");
        name_expr(lambdas, call->filter, out);
        buffer_append_char(out, ')');
    }
    if (call->over != NULL) {
        name_over(lambdas, call, out);
    }
}

static const char *operator_text(Op op)
{
    static const char *const texts[] = {
        [OP_OR] = "OR",    [OP_AND] = "AND",     [OP_EQ] = "=",          [OP_NULL_SAFE_EQ] = "<=>",
        [OP_NE] = "=",     [OP_LT] = "<",        [OP_LE] = "<=",         [OP_GT] = ">",
        [OP_GE] = ">=",    [OP_ADD] = "+",       [OP_SUB] = "-",         [OP_MUL] = "*",
        [OP_DIV] = "/",    [OP_INT_DIV] = "div", [OP_MOD] = "%",         [OP_BIT_AND] = "&",
        [OP_BIT_OR] = "|", [OP_BIT_XOR] = "^",   [OP_SHIFT_LEFT] = "<<", [OP_SHIFT_RIGHT] = ">>",
    };
    return (size_t)op < ARRAY_LEN(texts) && texts[op] != NULL ? texts[op] : "?";
}

static void name_binary(const LambdaNames *lambdas, const Expr *expr, Buffer *out)
{
    if (expr->op == OP_CONCAT) {
        buffer_append_text(out, "concat(");
        name_list(lambdas, &expr->arguments, 0, out);
        buffer_append_char(out, ')');
        return;
    }
    buffer_append_text(out, expr->op == OP_NE ? "(NOT (" : "(");
    name_expr(lambdas, expr->arguments.items[0], out);
    buffer_printf(out, " %s ", operator_text(expr->op));
    name_expr(lambdas, expr->arguments.items[1], out);
    buffer_append_text(out, expr->op == OP_NE ? "))" : ")");
}

static void name_case(const LambdaNames *lambdas, const Expr *expr, Buffer *out)
{
    buffer_append_text(out, "CASE");
    for (size_t i = 0; i + 1 < expr->arguments.count; i += 2) {
        buffer_append_text(out, " WHEN ");
        if (expr->operand != NULL) {
            buffer_append_char(out, '(');
            name_expr(lambdas, expr->operand, out);
            buffer_append_text(out, " = ");
        }
        name_expr(lambdas, expr->arguments.items[i], out);
        buffer_append_text(out, expr->operand != NULL ? ") THEN " : " THEN ");
        name_expr(lambdas, expr->arguments.items[i + 1], out);
    }
    if (expr->otherwise != NULL) {
        buffer_append_text(out, " ELSE ");
        name_expr(lambdas, expr->otherwise, out);
    }
    buffer_append_text(out, " END");
}

static void name_predicate(const LambdaNames *lambdas, const Expr *expr, Buffer *out)
{
    const ExprList *arguments = &expr->arguments;
    buffer_append_text(out, expr->negated && expr->kind != EXPR_IS ? "(NOT " : "");
    switch (expr->kind) {
    case EXPR_BETWEEN:
        buffer_append_text(out, "between(");
        name_list(lambdas, arguments, 0, out);
        buffer_append_char(out, ')');
        break;
    case EXPR_IN:
        buffer_append_char(out, '(');
        name_expr(lambdas, arguments->items[0], out);
        buffer_append_text(out, " IN (");
        if (expr->query != NULL) {
            buffer_append_text(out, "listquery()");
        } else {
            name_list(lambdas, arguments, 1, out);
        }
        buffer_append_text(out, "))");
        break;
    case EXPR_LIKE:
        if (expr->op == OP_LIKE) {
            name_expr(lambdas, arguments->items[0], out);
            buffer_append_text(out, " LIKE ");
            name_expr(lambdas, arguments->items[1], out);
            if (arguments->count > 2) {
                buffer_printf(out, " ESCAPE '%.*s'", SLICE_ARG(arguments->items[2]->text));
            }
        } else {
            buffer_append_text(out, expr->op == OP_ILIKE ? "ilike(" : "RLIKE(");
            name_expr(lambdas, arguments->items[0], out);
            buffer_append_text(out, ", ");
            name_expr(lambdas, arguments->items[1], out);
            buffer_append_char(out, ')');
        }
        break;
    default:
        buffer_append_char(out, '(');
        name_expr(lambdas, arguments->items[0], out);
        buffer_append_text(out, expr->negated ? " IS NOT " : " IS ");
        buffer_append_text(out, expr->op == OP_IS_NULL    ? "NULL"
                                : expr->op == OP_IS_TRUE  ? "TRUE"
                                : expr->op == OP_IS_FALSE ? "FALSE"
                                                          : "UNKNOWN");
        buffer_append_char(out, ')');
        break;
    }
    buffer_append_text(out, expr->negated && expr->kind != EXPR_IS ? ")" : "");
}

static void name_lambda(const LambdaNames *lambdas, const Expr *expr, Buffer *out)
{
    LambdaNames inner = {expr, lambdas};
    buffer_append_text(out, "lambdafunction(");
    name_expr(&inner, expr->arguments.items[0], out);
    for (size_t i = 0; i < expr->parameter_count; i++) {
        buffer_append_text(out, ", namedlambdavariable()");
    }
    buffer_append_char(out, ')');
}

static void name_compound(const LambdaNames *lambdas, const Expr *expr, Buffer *out)
{
    switch (expr->kind) {
    case EXPR_CASE:
        name_case(lambdas, expr, out);
        break;
    case EXPR_CAST:
        buffer_append_text(out, expr->is_try ? "TRY_CAST(" : "CAST(");
        name_expr(lambdas, expr->arguments.items[0], out);
        buffer_append_text(out, " AS ");
        append_upper_type(expr->type, out);
        buffer_append_char(out, ')');
        break;
    case EXPR_EXTRACT:
        buffer_printf(out, "extract(%.*s FROM ", SLICE_ARG(expr->text));
        name_expr(lambdas, expr->arguments.items[0], out);
        buffer_append_char(out, ')');
        break;
    case EXPR_FIELD:
        buffer_append(out, expr->text);
        break;
    case EXPR_INDEX:
        name_expr(lambdas, expr->arguments.items[0], out);
        buffer_append_char(out, '[');
        name_expr(lambdas, expr->arguments.items[1], out);
        buffer_append_char(out, ']');
        break;
    case EXPR_SUBQUERY:
        buffer_append_text(out, "scalarsubquery()");
        break;
    case EXPR_EXISTS:
        buffer_append_text(out, expr->negated ? "(NOT exists())" : "exists()");
        break;
    case EXPR_LAMBDA:
        name_lambda(lambdas, expr, out);
        break;
    case EXPR_ROW:
        buffer_append_text(out, "struct(");
        name_list(lambdas, &expr->arguments, 0, out);
        buffer_append_char(out, ')');
        break;
    default:
        buffer_append(out, expr->text);
        break;
    }
}

static void name_expr(const LambdaNames *lambdas, const Expr *expr, Buffer *out)
{
    switch (expr->kind) {
    case EXPR_NULL:
        buffer_append_text(out, "NULL");
        break;
    case EXPR_BOOLEAN:
        buffer_append_text(out, expr->integer != 0 ? "true" : "false");
        break;
    case EXPR_NUMBER:
        name_number(expr->text, out);
        break;
    case EXPR_STRING:
        buffer_append(out, expr->text);
        break;
    case EXPR_BINARY_LITERAL:
        buffer_append_text(out, "X'");
        for (size_t i = 0; i < expr->text.size; i++) {
            char c = expr->text.data[i];
            buffer_append_char(out, (char)(c >= 'a' && c <= 'z' ? c - 32 : c));
        }
        buffer_append_char(out, '\'');
        break;
    case EXPR_TYPED:
        name_typed(expr, out);
        break;
    case EXPR_INTERVAL:
        name_interval(lambdas, expr, out);
        break;
    case EXPR_COLUMN:
        if (is_parameter(lambdas, expr->name.parts[0]) && expr->name.count == 1) {
            buffer_append_text(out, "namedlambdavariable()");
        } else {
            buffer_append(out, expr->name.parts[expr->name.count - 1]);
        }
        break;
    case EXPR_STAR:
        buffer_append_char(out, '*');
        break;
    case EXPR_CALL:
        name_call(lambdas, expr, out);
        break;
    case EXPR_UNARY:
        buffer_append_text(out, expr->op == OP_NOT      ? "(NOT "
                                : expr->op == OP_NEGATE ? "(- "
                                : expr->op == OP_PLUS   ? "(+ "
                                                        : "~");
        name_expr(lambdas, expr->arguments.items[0], out);
        buffer_append_text(out, expr->op == OP_BIT_NOT ? "" : ")");
        break;
    case EXPR_BINARY:
        name_binary(lambdas, expr, out);
        break;
    case EXPR_BETWEEN:
    case EXPR_IN:
    case EXPR_LIKE:
    case EXPR_IS:
        name_predicate(lambdas, expr, out);
        break;
    default:
        name_compound(lambdas, expr, out);
        break;
    }
}

void sql_expr_name(const Expr *expr, Buffer *out)
{
    name_expr(NULL, expr, out);
}
