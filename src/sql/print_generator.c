// print_generator.c -- explode and its kin: functions that make rows, as select items with unnest.
// SPDX-License-Identifier: Apache-2.0
#include "sql/print_internal.h"

bool print_find_generator(const Expr *expr, Generator *generator)
{
    if (expr->kind != EXPR_CALL) {
        return false;
    }
    const Function *function = function_find(expr->text, expr->arguments.count + expr->named.count);
    if (function == NULL || function->kind != FUNCTION_GENERATOR) {
        return false;
    }
    *generator = (Generator){.function = function, .call = expr, .pos = expr->pos};
    return true;
}

static void print_alias(Printer *printer, const Generator *generator, size_t index,
                        const char *standard)
{
    print_text(printer, " AS ");
    print_name(printer,
               index < generator->alias_count ? generator->aliases[index] : slice_of(standard));
}

static const Expr *operand(const Generator *generator, size_t index)
{
    const Expr *call = generator->call;
    return index < call->arguments.count ? call->arguments.items[index]
                                         : call->named.items[index - call->arguments.count].value;
}

// The list; an empty or NULL one gets one NULL row in the outer forms.
static void print_list_of(Printer *printer, const Expr *expr, const char *wrap, bool outer)
{
    print_text(printer, outer ? "spark_outer(" : "");
    print_text(printer, wrap);
    print_text(printer, "(");
    print_expr(printer, expr);
    print_text(printer, outer ? "))" : ")");
}

static void print_explode(Printer *printer, const Generator *generator, bool position, bool outer)
{
    const Expr *list = operand(generator, 0);
    size_t shift = position ? 1 : 0;
    bool is_map = print_kind(list) == KIND_MAP || generator->alias_count == 2 + shift;
    if (generator->alias_count > 2 + shift) {
        print_problem(printer, generator->pos, "UDTF_ALIAS_NUMBER_MISMATCH", NULL,
                      "%s makes %d columns of an array and %d of a map", generator->function->name,
                      1 + (int)shift, 2 + (int)shift);
        return;
    }
    if (position) {
        print_text(printer, "unnest(spark_positions(");
        print_list_of(printer, list, is_map ? "map_keys" : "", false);
        print_text(printer, outer ? ", true))" : ", false))");
        print_alias(printer, generator, 0, "pos");
        print_text(printer, ", ");
    }
    print_text(printer, "unnest(");
    print_list_of(printer, list, is_map ? "map_keys" : "", outer);
    print_text(printer, ")");
    print_alias(printer, generator, shift, is_map ? "key" : "col");
    if (is_map) {
        print_text(printer, ", unnest(");
        print_list_of(printer, list, "map_values", outer);
        print_text(printer, ")");
        print_alias(printer, generator, shift + 1, "value");
    }
}

// Fields become columns under their own names; DuckDB cannot rename them here.
static void print_inline(Printer *printer, const Generator *generator, bool outer)
{
    if (generator->alias_count > 0) {
        print_problem(printer, generator->pos, "UNSUPPORTED_FEATURE",
                      "use LATERAL VIEW inline(...) t AS names",
                      "aliases of inline in a select list are not supported yet");
        return;
    }
    print_text(printer, "unnest(");
    print_list_of(printer, operand(generator, 0), "", outer);
    print_text(printer, ", max_depth := 2)");
}

static void print_stack(Printer *printer, const Generator *generator)
{
    const Expr *rows = operand(generator, 0);
    if (rows->kind != EXPR_NUMBER || rows->text.size > 4 || rows->text.data[0] == '-') {
        print_problem(printer, rows->pos, "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", NULL,
                      "the number of rows of stack is a number");
        return;
    }
    size_t row_count = 0;
    for (size_t i = 0; i < rows->text.size; i++) {
        row_count = row_count * 10 + (size_t)(rows->text.data[i] - '0');
    }
    size_t values = generator->call->arguments.count - 1;
    if (row_count == 0) {
        print_problem(printer, rows->pos, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", NULL,
                      "stack makes at least one row");
        return;
    }
    size_t columns = (values + row_count - 1) / row_count;
    for (size_t column = 0; column < columns; column++) {
        print_text(printer, column > 0 ? ", unnest([" : "unnest([");
        for (size_t row = 0; row < row_count; row++) {
            size_t index = row * columns + column;
            print_text(printer, row > 0 ? ", " : "");
            if (index < values) {
                print_expr(printer, operand(generator, index + 1));
            } else {
                print_text(printer, "NULL");
            }
        }
        print_text(printer, "])");
        print_alias(printer, generator, column, arena_printf(printer->arena, "col%zu", column));
    }
}

static void print_json_tuple(Printer *printer, const Generator *generator)
{
    for (size_t i = 1; i < generator->call->arguments.count; i++) {
        print_text(printer, i > 1 ? ", spark_json_field(" : "spark_json_field(");
        print_as(printer, operand(generator, 0), 's');
        print_text(printer, ", ");
        print_as(printer, operand(generator, i), 's');
        print_text(printer, ")");
        print_alias(printer, generator, i - 1, arena_printf(printer->arena, "c%zu", i - 1));
    }
}

void print_generator(Printer *printer, const Generator *generator)
{
    const char *what = generator->function->sql;
    print_mark(printer, generator->pos);
    if (!function_takes(generator->function,
                        generator->call->arguments.count + generator->call->named.count)) {
        print_problem(printer, generator->pos, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", NULL,
                      "%s does not take %zu arguments", generator->function->name,
                      generator->call->arguments.count);
        return;
    }
    bool outer = strstr(what, "_outer") != NULL;
    if (strncmp(what, "inline", 6) == 0) {
        print_inline(printer, generator, outer);
    } else if (strcmp(what, "stack") == 0) {
        print_stack(printer, generator);
    } else if (strcmp(what, "json_tuple") == 0) {
        print_json_tuple(printer, generator);
    } else {
        print_explode(printer, generator, strncmp(what, "pos", 3) == 0, outer);
    }
}
