// print_expr.c -- one expression as DuckDB SQL; every compound is in parentheses.
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "sql/cast.h"
#include "sql/format_internal.h"
#include "sql/print_internal.h"

void print_text(Printer *printer, const char *text)
{
    buffer_append_text(printer->out, text);
}

void print_name(Printer *printer, Slice name)
{
    duck_quote_name(printer->out, name);
}

void print_literal(Printer *printer, Slice text)
{
    duck_quote_text(printer->out, text);
}

void print_mark(Printer *printer, Pos pos)
{
    if (printer->map != NULL) {
        SourceMapEntry entry = {.offset = printer->out->size, .pos = pos};
        ARENA_PUSH(printer->arena, printer->map->entries, printer->map->count,
                   printer->map->capacity, entry);
    }
}

void print_problem(Printer *printer, Pos pos, const char *condition, const char *suggestion,
                   const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    diagnose(printer->diagnostics, pos, condition, suggestion, "%s", text);
    printer->failed = true;
    print_text(printer, "NULL"); // keeps the rest readable
}

// ---- names ---------------------------------------------------------------------------------

static void print_fields(Printer *printer, const Name *name, const char *base)
{
    for (size_t i = 1; i < name->count; i++) {
        print_text(printer, "struct_extract(");
    }
    if (base != NULL) {
        print_text(printer, base);
    } else if (printer->window->is_lateral) {
        print_text(printer, "\"spark_window\".\"window\"");
    } else {
        print_window_call(printer, printer->window->call);
    }
    for (size_t i = 1; i < name->count; i++) {
        print_text(printer, ", ");
        print_literal(printer, name->parts[i]);
        print_text(printer, ")");
    }
}

// w.start, where w is the alias of the window: DuckDB does not look into an alias.
static bool is_window_alias(const Printer *printer, const Name *name)
{
    const SelectItem *item = name->count > 1 ? print_find_alias(printer, name->parts[0]) : NULL;
    const Function *function = item == NULL || item->expr->kind != EXPR_CALL
                                   ? NULL
                                   : function_find(item->expr->text, item->expr->arguments.count);
    return function != NULL &&
           (function->hook == HOOK_WINDOW || function->hook == HOOK_SESSION);
}

static void print_column(Printer *printer, const Expr *expr)
{
    const Name *name = &expr->name;
    for (const LambdaScope *scope = printer->lambdas; scope != NULL; scope = scope->next) {
        if (print_same_name(scope->name, name->parts[0])) {
            print_fields(printer, name, scope->sql);
            return;
        }
    }
    if (printer->window != NULL &&
        (print_same_name(name->parts[0], printer->window->call->text) ||
         is_window_alias(printer, name))) {
        print_fields(printer, name, NULL);
        return;
    }
    for (size_t i = 0; i < name->count; i++) {
        print_text(printer, i > 0 ? "." : "");
        print_name(printer, name->parts[i]);
    }
}

static void print_star(Printer *printer, const Expr *expr)
{
    for (size_t i = 0; i < expr->qualifier.count; i++) {
        print_name(printer, expr->qualifier.parts[i]);
        print_text(printer, ".");
    }
    print_text(printer, "*");
    for (size_t i = 0; i < expr->except_count; i++) {
        print_text(printer, i == 0 ? " EXCLUDE (" : ", ");
        print_name(printer, expr->except[i]);
    }
    print_text(printer, expr->except_count > 0 ? ")" : "");
}

// ---- literals ------------------------------------------------------------------------------

static void print_decimal_literal(Printer *printer, Pos pos, Slice text)
{
    int digits = 0;
    int scale = 0;
    bool after_point = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        after_point |= c == '.';
        if (c >= '0' && c <= '9') {
            digits += digits > 0 || c != '0' ? 1 : 0;
            scale += after_point ? 1 : 0;
        }
    }
    int precision = digits > scale ? digits : scale;
    precision = precision == 0 ? 1 : precision;
    if (precision > 38) {
        print_problem(printer, pos, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", NULL,
                      "a decimal number has at most 38 digits");
        return;
    }
    buffer_printf(printer->out, "CAST('%.*s' AS DECIMAL(%d,%d))", SLICE_ARG(text), precision,
                  scale);
}

static void print_integer_literal(Printer *printer, Pos pos, Slice text)
{
    bool negative = text.data[0] == '-';
    uint64_t value = 0;
    for (size_t i = negative ? 1 : 0; i < text.size; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            print_decimal_literal(printer, pos, text);
            return;
        }
        value = value * 10 + digit;
    }
    uint64_t most = negative ? 1 : 0;
    if (value > INT64_MAX + most) {
        print_decimal_literal(printer, pos, text);
    } else if (negative && (value == INT64_MAX + most || value == INT32_MAX + most)) {
        buffer_printf(printer->out, "CAST('%.*s' AS %s)", SLICE_ARG(text),
                      value > UINT32_MAX ? "BIGINT" : "INTEGER");
    } else {
        buffer_printf(printer->out, negative ? "(%.*s)" : "%.*s", SLICE_ARG(text));
    }
}

typedef struct Suffix {
    const char *text;
    const char *type; // NULL: a decimal
} Suffix;

void print_number(Printer *printer, const Expr *expr)
{
    static const Suffix suffixes[] = {
        {"BD", NULL},      {"bd", NULL},      {"L", "BIGINT"},  {"l", "BIGINT"},
        {"S", "SMALLINT"}, {"s", "SMALLINT"}, {"Y", "TINYINT"}, {"y", "TINYINT"},
        {"D", "DOUBLE"},   {"d", "DOUBLE"},   {"F", "FLOAT"},   {"f", "FLOAT"},
    };
    Slice text = expr->text;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        Slice suffix = slice_of(suffixes[i].text);
        if (text.size > suffix.size &&
            memcmp(text.data + text.size - suffix.size, suffix.data, suffix.size) == 0) {
            text.size -= suffix.size;
            if (suffixes[i].type == NULL) {
                print_decimal_literal(printer, expr->pos, text);
            } else {
                buffer_printf(printer->out, "CAST('%.*s' AS %s)", SLICE_ARG(text),
                              suffixes[i].type);
            }
            return;
        }
    }
    if (memchr(text.data, 'e', text.size) != NULL || memchr(text.data, 'E', text.size) != NULL) {
        buffer_printf(printer->out, "CAST('%.*s' AS DOUBLE)", SLICE_ARG(text));
    } else if (memchr(text.data, '.', text.size) != NULL) {
        print_decimal_literal(printer, expr->pos, text);
    } else {
        print_integer_literal(printer, expr->pos, text);
    }
}

static void print_typed(Printer *printer, const Expr *expr)
{
    int64_t value;
    Buffer text = {0};
    switch (expr->type->kind) {
    case TYPE_DATE:
        if (cast_parse_date(expr->text, &value)) {
            format_date(value, &text);
            buffer_printf(printer->out, "DATE '%s'", buffer_text(&text));
            break;
        }
        goto invalid;
    case TYPE_TIMESTAMP:
        if (cast_parse_timestamp(expr->text, true, &value)) {
            format_timestamp(value, &text);
            buffer_printf(printer->out, "TIMESTAMP WITH TIME ZONE '%s+00'", buffer_text(&text));
            break;
        }
        goto invalid;
    case TYPE_TIMESTAMP_NTZ:
        if (cast_parse_timestamp(expr->text, false, &value)) {
            format_timestamp(value, &text);
            buffer_printf(printer->out, "TIMESTAMP '%s'", buffer_text(&text));
            break;
        }
        goto invalid;
    default:
        print_problem(printer, expr->pos, "UNSUPPORTED_FEATURE", NULL,
                      "literals of type %s are not supported yet",
                      expr->type->name == NULL ? "?" : expr->type->name);
        break;
    }
    buffer_done(&text);
    return;

invalid:
    buffer_done(&text);
    type_print(expr->type, &text);
    print_problem(printer, expr->pos, "INVALID_TYPED_LITERAL", NULL, "'%.*s' is no %s",
                  SLICE_ARG(expr->text), buffer_text(&text));
    buffer_done(&text);
}

typedef struct Unit {
    const char *name;
    const char *function;
} Unit;

static void print_interval(Printer *printer, const Expr *expr)
{
    static const Unit units[] = {
        {"YEAR", "to_years"},
        {"MONTH", "to_months"},
        {"WEEK", "to_weeks"},
        {"DAY", "to_days"},
        {"HOUR", "to_hours"},
        {"MINUTE", "to_minutes"},
        {"MILLISECOND", "to_milliseconds"},
        {"MICROSECOND", "to_microseconds"},
    };
    if (expr->interval_is_constant) {
        if (slice_is(expr->text, "DAY TO SECOND")) { // no days of their own: see format_interval
            buffer_printf(printer->out, "INTERVAL '%lld microseconds'",
                          (long long)(expr->days * TIME_DAY + expr->micros));
            return;
        }
        buffer_printf(printer->out, "INTERVAL '%lld months %lld days %lld microseconds'",
                      (long long)expr->months, (long long)expr->days, (long long)expr->micros);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (print_same_name(expr->text, slice_of(units[i].name))) {
            buffer_printf(printer->out, "%s(", units[i].function);
            print_as(printer, expr->arguments.items[0], 'i');
            print_text(printer, ")");
            return;
        }
    }
    if (print_same_name(expr->text, slice_of("SECOND"))) {
        print_text(printer, "to_microseconds(CAST(1000000 * ");
        print_expr(printer, expr->arguments.items[0]);
        print_text(printer, " AS BIGINT))");
        return;
    }
    print_problem(printer, expr->pos, "UNSUPPORTED_FEATURE", NULL,
                  "intervals of '%.*s' are not supported yet", SLICE_ARG(expr->text));
}

static void print_binary_literal(Printer *printer, const Expr *expr)
{
    print_text(printer, "unhex('");
    print_text(printer, expr->text.size % 2 == 1 ? "0" : "");
    buffer_append(printer->out, expr->text);
    print_text(printer, "')");
}

// ---- predicates and compounds --------------------------------------------------------------

static void print_list(Printer *printer, const ExprList *list, size_t first)
{
    for (size_t i = first; i < list->count; i++) {
        print_text(printer, i > first ? ", " : "");
        print_expr(printer, list->items[i]);
    }
}

// A query inside an expression: its columns may be those of the query around it.
static void print_nested(Printer *printer, const Query *query)
{
    printer->nested++;
    print_query(printer, query);
    printer->nested--;
}

static void print_in(Printer *printer, const Expr *expr)
{
    const Expr *value = expr->arguments.items[0];
    print_text(printer, "(");
    print_beside(printer, value, expr->query == NULL ? expr->arguments.items[1] : value);
    print_mark(printer, expr->pos);
    print_text(printer, expr->negated ? " NOT IN (" : " IN (");
    if (expr->query != NULL) {
        print_nested(printer, expr->query);
    }
    for (size_t i = 1; i < expr->arguments.count; i++) {
        print_text(printer, i > 1 ? ", " : "");
        print_beside(printer, expr->arguments.items[i], value);
    }
    print_text(printer, "))");
}

static void print_like(Printer *printer, const Expr *expr)
{
    const Expr *value = expr->arguments.items[0];
    const Expr *pattern = expr->arguments.items[1];
    print_text(printer, expr->negated ? "(NOT " : "(");
    if (expr->op == OP_RLIKE) {
        print_mark(printer, expr->pos);
        print_text(printer, "regexp_matches(");
        print_as(printer, value, 's');
        print_text(printer, ", ");
        print_as(printer, pattern, 's');
        print_text(printer, "))");
        return;
    }
    print_text(printer, "(");
    print_as(printer, value, 's');
    print_mark(printer, expr->pos);
    print_text(printer, expr->op == OP_ILIKE ? " ILIKE " : " LIKE ");
    print_as(printer, pattern, 's');
    print_text(printer, " ESCAPE ");
    print_literal(printer,
                  expr->arguments.count > 2 ? expr->arguments.items[2]->text : slice_of("\\"));
    print_text(printer, "))");
}

static void print_is(Printer *printer, const Expr *expr)
{
    print_text(printer, "(");
    print_expr(printer, expr->arguments.items[0]);
    print_mark(printer, expr->pos);
    print_text(printer, expr->negated ? " IS NOT " : " IS ");
    switch (expr->op) {
    case OP_IS_TRUE:
        print_text(printer, "TRUE)");
        return;
    case OP_IS_FALSE:
        print_text(printer, "FALSE)");
        return;
    case OP_IS_DISTINCT:
        print_text(printer, "DISTINCT FROM ");
        print_expr(printer, expr->arguments.items[1]);
        print_text(printer, ")");
        return;
    default:
        print_text(printer, "NULL)");
        return;
    }
}

static void print_case(Printer *printer, const Expr *expr)
{
    print_text(printer, "CASE");
    if (expr->operand != NULL) {
        print_text(printer, " ");
        print_expr(printer, expr->operand);
    }
    for (size_t i = 0; i + 1 < expr->arguments.count; i += 2) {
        print_text(printer, " WHEN ");
        print_expr(printer, expr->arguments.items[i]);
        print_text(printer, " THEN ");
        print_expr(printer, expr->arguments.items[i + 1]);
    }
    if (expr->otherwise != NULL) {
        print_text(printer, " ELSE ");
        print_expr(printer, expr->otherwise);
    }
    print_text(printer, " END");
}

static void print_unary(Printer *printer, const Expr *expr)
{
    print_text(printer, expr->op == OP_NOT      ? "(NOT "
                        : expr->op == OP_NEGATE ? "(- "
                        : expr->op == OP_PLUS   ? "(+ "
                                                : "(~ ");
    print_expr(printer, expr->arguments.items[0]);
    print_text(printer, ")");
}

static void print_between(Printer *printer, const Expr *expr)
{
    const Expr *value = expr->arguments.items[0];
    print_text(printer, "(");
    print_beside(printer, value, expr->arguments.items[1]);
    print_mark(printer, expr->pos);
    print_text(printer, expr->negated ? " NOT BETWEEN " : " BETWEEN ");
    print_beside(printer, expr->arguments.items[1], value);
    print_text(printer, " AND ");
    print_beside(printer, expr->arguments.items[2], value);
    print_text(printer, ")");
}

// a[i]: arrays count from 0 and an index outside is an error, a missing key of a map is NULL.
static void print_index(Printer *printer, const Expr *expr)
{
    ValueKind container = print_kind(expr->arguments.items[0]);
    ValueKind key = print_kind(expr->arguments.items[1]);
    bool is_map = container == KIND_MAP || key == KIND_STRING;
    print_text(printer, is_map ? "(" : "spark_item(");
    print_expr(printer, expr->arguments.items[0]);
    print_mark(printer, expr->pos);
    print_text(printer, is_map ? ")[" : ", ");
    print_expr(printer, expr->arguments.items[1]);
    print_text(printer, is_map ? "]" : ")");
}

static void print_field(Printer *printer, const Expr *expr)
{
    if (print_kind(expr->arguments.items[0]) == KIND_ARRAY) { // the field of every element
        print_text(printer, "list_transform(");
        print_expr(printer, expr->arguments.items[0]);
        print_text(printer, ", lambda spark_e: struct_extract(spark_e, ");
        print_literal(printer, expr->text);
        print_text(printer, "))");
        return;
    }
    print_text(printer, "struct_extract(");
    print_expr(printer, expr->arguments.items[0]);
    print_text(printer, ", ");
    print_literal(printer, expr->text);
    print_text(printer, ")");
}

static void print_compound(Printer *printer, const Expr *expr)
{
    switch (expr->kind) {
    case EXPR_BETWEEN:
        print_between(printer, expr);
        break;
    case EXPR_IN:
        print_in(printer, expr);
        break;
    case EXPR_LIKE:
        print_like(printer, expr);
        break;
    case EXPR_IS:
        print_is(printer, expr);
        break;
    case EXPR_CASE:
        print_case(printer, expr);
        break;
    case EXPR_INDEX:
        print_index(printer, expr);
        break;
    case EXPR_FIELD:
        print_field(printer, expr);
        break;
    case EXPR_SUBQUERY:
    case EXPR_EXISTS:
        print_text(printer, expr->kind == EXPR_SUBQUERY ? "("
                            : expr->negated             ? "(NOT EXISTS ("
                                                        : "(EXISTS (");
        print_nested(printer, expr->query);
        print_text(printer, expr->kind == EXPR_SUBQUERY ? ")" : "))");
        break;
    case EXPR_ROW:
        print_text(printer, "(");
        print_list(printer, &expr->arguments, 0);
        print_text(printer, ")");
        break;
    case EXPR_LAMBDA:
        print_problem(printer, expr->pos, "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION",
                      NULL, "a lambda can only be an argument of a function that takes one");
        break;
    case EXPR_PARAMETER:
        print_problem(printer, expr->pos, "UNBOUND_SQL_PARAMETER",
                      "write the value, or use a ${variable} inside a string",
                      "parameter '%.*s' has no value", SLICE_ARG(expr->text));
        break;
    default:
        print_text(printer, "(");
        buffer_append(printer->out, expr->text);
        print_text(printer, ")");
        break;
    }
}

static void print_any(Printer *printer, const Expr *expr)
{
    switch (expr->kind) {
    case EXPR_NULL:
        print_text(printer, "NULL");
        break;
    case EXPR_BOOLEAN:
        print_text(printer, expr->integer != 0 ? "true" : "false");
        break;
    case EXPR_NUMBER:
        print_number(printer, expr);
        break;
    case EXPR_STRING:
        print_literal(printer, expr->text);
        break;
    case EXPR_BINARY_LITERAL:
        print_binary_literal(printer, expr);
        break;
    case EXPR_TYPED:
        print_typed(printer, expr);
        break;
    case EXPR_INTERVAL:
        print_interval(printer, expr);
        break;
    case EXPR_COLUMN:
        print_column(printer, expr);
        break;
    case EXPR_STAR:
        print_star(printer, expr);
        break;
    case EXPR_CALL:
        print_call(printer, expr);
        break;
    case EXPR_UNARY:
        print_unary(printer, expr);
        break;
    case EXPR_BINARY:
        print_binary(printer, expr);
        break;
    case EXPR_CAST:
        print_cast(printer, expr->arguments.items[0], expr->type, expr->is_try);
        break;
    case EXPR_EXTRACT:
        print_extract(printer, expr, expr->text, expr->arguments.items[0]);
        break;
    default:
        print_compound(printer, expr);
        break;
    }
}

void print_expr(Printer *printer, const Expr *expr)
{
    bool is_constant = printer->unsure == 0 && print_is_constant(expr);
    int unsure = is_constant || print_is_conditional(expr) ? 1 : 0;
    size_t entry = printer->map == NULL ? 0 : printer->map->count;
    print_mark(printer, expr->pos);
    printer->unsure += unsure;
    print_any(printer, expr);
    printer->unsure -= unsure;
    if (printer->map != NULL) {
        printer->map->entries[entry].end = printer->out->size;
        printer->map->entries[entry].is_constant = is_constant;
    }
}

// DuckDB has one type of interval where Spark has many, which print differently. As a value only
// those are let through whose Spark type can be seen from the value (format_value.c): days, and
// microseconds. Inside date arithmetic all are fine.
void print_output(Printer *printer, const Expr *expr)
{
    bool plain = expr->kind == EXPR_INTERVAL &&
                 (slice_is(expr->text, "DAY") || slice_is(expr->text, "DAY TO SECOND"));
    if (print_kind(expr) == KIND_INTERVAL && !plain) {
        print_mark(printer, expr->pos);
        print_problem(printer, expr->pos, "UNSUPPORTED_FEATURE",
                      "use it in date arithmetic directly",
                      "intervals of this kind as values are not supported yet");
        return;
    }
    print_expr(printer, expr);
}

// ---- order and windows ---------------------------------------------------------------------

void print_order_by(Printer *printer, const SortList *list)
{
    print_text(printer, " ORDER BY ");
    for (size_t i = 0; i < list->count; i++) {
        const SortItem *item = &list->items[i];
        print_text(printer, i > 0 ? ", " : "");
        bool is_all = item->expr->kind == EXPR_COLUMN && item->expr->name.count == 1 &&
                      print_same_name(item->expr->name.parts[0], slice_of("ALL")) &&
                      list->count == 1;
        if (is_all) {
            print_text(printer, "ALL");
        } else {
            print_expr(printer, item->expr);
        }
        // Spark: NULL is the smallest value
        bool first = item->nulls != 0 ? item->nulls < 0 : !item->descending;
        print_text(printer, item->descending ? " DESC" : " ASC");
        print_text(printer, first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void print_bound(Printer *printer, FrameBound bound, const Expr *offset)
{
    if (offset != NULL) {
        print_expr(printer, offset);
    }
    static const char *const texts[] = {
        [FRAME_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING",
        [FRAME_PRECEDING] = " PRECEDING",
        [FRAME_CURRENT] = "CURRENT ROW",
        [FRAME_FOLLOWING] = " FOLLOWING",
        [FRAME_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
    };
    print_text(printer, texts[bound]);
}

void print_window_spec(Printer *printer, const WindowSpec *spec)
{
    bool is_name = spec->name.size > 0 && spec->partition_by.count == 0 &&
                   spec->order_by.count == 0 && !spec->has_frame;
    if (is_name) {
        print_name(printer, spec->name);
        return;
    }
    print_text(printer, "(");
    if (spec->partition_by.count > 0) {
        print_text(printer, "PARTITION BY ");
        print_list(printer, &spec->partition_by, 0);
    }
    if (spec->order_by.count > 0) {
        print_order_by(printer, &spec->order_by);
    }
    if (spec->has_frame) {
        print_text(printer, spec->frame_is_rows ? " ROWS BETWEEN " : " RANGE BETWEEN ");
        print_bound(printer, spec->start, spec->start_offset);
        print_text(printer, " AND ");
        print_bound(printer, spec->end, spec->end_offset);
    }
    print_text(printer, ")");
}

bool sql_print_expr(const Expr *expr, const PrintOptions *options, Diagnostics *diagnostics,
                    Buffer *sql, SourceMap *map, Arena *arena)
{
    Printer printer = {
        .options = options, .diagnostics = diagnostics, .out = sql, .map = map, .arena = arena};
    print_expr(&printer, expr);
    return !printer.failed;
}
