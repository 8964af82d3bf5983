// print_lambda.c -- functions that take functions, as DuckDB's list functions with lambdas.
//
// A parameter of the user's lambda is a piece of SQL in scope while its body is printed: the same
// name, an index counted from 0, or a field of a generated parameter ("p1") that holds a pair.
// SPDX-License-Identifier: Apache-2.0
#include "sql/print_internal.h"

static const Expr *lambda_of(Printer *printer, const Expr *call, size_t index, size_t least,
                             size_t most)
{
    const Expr *lambda = call->arguments.items[index];
    if (lambda->kind == EXPR_LAMBDA && lambda->parameter_count >= least &&
        lambda->parameter_count <= most) {
        return lambda;
    }
    print_problem(printer, lambda->pos, "INVALID_LAMBDA_FUNCTION_CALL", NULL,
                  "argument %zu of %.*s is a lambda like %s", index + 1, SLICE_ARG(call->text),
                  least == 2 ? "(a, b) -> a + b" : "x -> x + 1");
    return NULL;
}

static void print_body(Printer *printer, const Expr *lambda, const char *first, const char *second)
{
    const LambdaScope *outer = printer->lambdas;
    LambdaScope one = {lambda->parameters[0], first, outer};
    LambdaScope two = {0};
    printer->lambdas = &one;
    if (lambda->parameter_count > 1) {
        two = (LambdaScope){lambda->parameters[1], second, &one};
        printer->lambdas = &two;
    }
    print_expr(printer, lambda->arguments.items[0]);
    printer->lambdas = outer;
}

// Every lambda has parameter names of its own, so that nested ones never hide each other.
static const char *fresh(Printer *printer)
{
    return arena_printf(printer->arena, "spark_p%d", ++printer->serial);
}

// name(list, lambda x[, i]: body)
static void print_over_list(Printer *printer, const char *name, const Expr *list,
                            const Expr *lambda)
{
    const char *item = fresh(printer);
    const char *index = fresh(printer);
    buffer_printf(printer->out, "%s(", name);
    print_expr(printer, list);
    buffer_printf(printer->out,
                  lambda->parameter_count > 1 ? ", lambda %s, %s: " : ", lambda %s: ", item, index);
    print_body(printer, lambda, item,
               arena_printf(printer->arena, "CAST(%s - 1 AS INTEGER)", index));
    print_text(printer, ")");
}

static void print_aggregate(Printer *printer, const Expr *call)
{
    const Expr *merge = lambda_of(printer, call, 2, 2, 2);
    const Expr *finish = call->arguments.count == 4 ? lambda_of(printer, call, 3, 1, 1) : NULL;
    if (merge == NULL || (call->arguments.count == 4 && finish == NULL)) {
        return;
    }
    // DuckDB wants the sum to have the type of the elements: both travel in one struct.
    const char *element = fresh(printer);
    const char *sum = fresh(printer);
    const char *item = fresh(printer);
    print_text(printer, finish == NULL ? "" : "list_transform([");
    print_text(printer, "struct_extract(list_reduce(list_transform(");
    print_expr(printer, call->arguments.items[0]);
    buffer_printf(printer->out,
                  ", lambda %s: struct_pack(total := NULL, item := %s)), lambda %s, %s: "
                  "struct_pack(total := ",
                  element, element, sum, item);
    print_body(printer, merge, arena_printf(printer->arena, "struct_extract(%s, 'total')", sum),
               arena_printf(printer->arena, "struct_extract(%s, 'item')", item));
    print_text(printer, ", item := NULL), struct_pack(total := ");
    print_expr(printer, call->arguments.items[1]);
    print_text(printer, ", item := NULL)), 'total')");
    if (finish != NULL) {
        const char *result = fresh(printer);
        buffer_printf(printer->out, "], lambda %s: ", result);
        print_body(printer, finish, result, NULL);
        print_text(printer, ")[1]");
    }
}

static void print_zip_with(Printer *printer, const Expr *call)
{
    const Expr *lambda = lambda_of(printer, call, 2, 2, 2);
    if (lambda == NULL) {
        return;
    }
    const char *pair = fresh(printer);
    print_text(printer, "list_transform(list_zip(");
    print_expr(printer, call->arguments.items[0]);
    print_text(printer, ", ");
    print_expr(printer, call->arguments.items[1]);
    buffer_printf(printer->out, "), lambda %s: ", pair);
    print_body(printer, lambda, arena_printf(printer->arena, "%s[1]", pair),
               arena_printf(printer->arena, "%s[2]", pair));
    print_text(printer, ")");
}

// Each element goes behind those that are not greater, so that equal ones keep their order.
static void print_sort(Printer *printer, const Expr *call)
{
    const Expr *compare = lambda_of(printer, call, 1, 2, 2);
    if (compare == NULL) {
        return;
    }
    const char *list = fresh(printer);
    const char *element = fresh(printer);
    const char *sorted = fresh(printer);
    const char *next = fresh(printer);
    const char *item = fresh(printer);
    const char *pair = fresh(printer);
    print_text(printer, "list_transform([");
    print_expr(printer, call->arguments.items[0]);
    buffer_printf(printer->out,
                  "], lambda %s: list_reduce(list_transform(%s, lambda %s: [%s]), lambda %s, %s: "
                  "list_transform([struct_pack(a := %s, n := len(list_filter(%s, lambda %s: ",
                  list, list, element, element, sorted, next, sorted, sorted, item);
    print_body(printer, compare, item, arena_printf(printer->arena, "%s[1]", next));
    buffer_printf(printer->out,
                  " <= 0)))], lambda %s: list_concat(%s.a[1:%s.n], %s, %s.a[%s.n + 1:]))[1], "
                  "%s[1:0]))[1]",
                  pair, pair, pair, next, pair, pair, list);
}

// Every key of either map, with its value in both.
static void print_zip_maps(Printer *printer, const Expr *call)
{
    const Expr *merge = lambda_of(printer, call, 2, 3, 3);
    if (merge == NULL) {
        return;
    }
    const char *maps = fresh(printer);
    const char *key = fresh(printer);
    print_text(printer, "list_transform([struct_pack(a := ");
    print_expr(printer, call->arguments.items[0]);
    print_text(printer, ", b := ");
    print_expr(printer, call->arguments.items[1]);
    buffer_printf(
        printer->out,
        ")], lambda %s: map_from_entries(list_transform(spark_array_union(map_keys(%s.a), "
        "map_keys(%s.b)), lambda %s: struct_pack(key := %s, value := ",
        maps, maps, maps, key, key);
    const LambdaScope *outer = printer->lambdas;
    LambdaScope last = {merge->parameters[2], arena_printf(printer->arena, "%s.b[%s]", maps, key),
                        outer};
    printer->lambdas = &last;
    print_body(printer, merge, key, arena_printf(printer->arena, "%s.a[%s]", maps, key));
    printer->lambdas = outer;
    print_text(printer, "))))[1]");
}

// Functions over maps work on the list of entries.
static void print_over_map(Printer *printer, const char *what, const Expr *call)
{
    const Expr *lambda = lambda_of(printer, call, 1, 2, 2);
    if (lambda == NULL) {
        return;
    }
    bool filters = strcmp(what, "map_filter") == 0;
    bool keys = strcmp(what, "transform_keys") == 0;
    const char *entry = fresh(printer);
    const char *key = arena_printf(printer->arena, "struct_extract(%s, 'key')", entry);
    const char *value = arena_printf(printer->arena, "struct_extract(%s, 'value')", entry);
    print_text(printer, filters ? "map_from_entries(list_filter(map_entries("
                                : "map_from_entries(list_transform(map_entries(");
    print_expr(printer, call->arguments.items[0]);
    buffer_printf(printer->out, "), lambda %s: ", entry);
    if (filters) {
        print_body(printer, lambda, key, value);
    } else {
        print_text(printer, "struct_pack(key := ");
        if (keys) {
            print_body(printer, lambda, key, value);
            buffer_printf(printer->out, ", value := %s)", value);
        } else {
            buffer_printf(printer->out, "%s, value := ", key);
            print_body(printer, lambda, key, value);
            print_text(printer, ")");
        }
    }
    print_text(printer, "))");
}

void print_higher_order(Printer *printer, const Function *function, const Expr *call)
{
    const char *what = function->sql;
    const Expr *list = call->arguments.items[0];
    if (strcmp(what, "aggregate") == 0) {
        print_aggregate(printer, call);
    } else if (strcmp(what, "zip_with") == 0) {
        print_zip_with(printer, call);
    } else if (strcmp(what, "sort") == 0) {
        print_sort(printer, call);
    } else if (strcmp(what, "zip_maps") == 0) {
        print_zip_maps(printer, call);
    } else if (strncmp(what, "map_", 4) == 0 || strncmp(what, "transform_", 10) == 0) {
        print_over_map(printer, what, call);
    } else {
        bool indexed = strcmp(what, "transform") == 0 || strcmp(what, "filter") == 0;
        const Expr *lambda = lambda_of(printer, call, 1, 1, indexed ? 2 : 1);
        if (lambda == NULL) {
            return;
        }
        if (indexed) {
            print_over_list(printer, strcmp(what, "filter") == 0 ? "list_filter" : "list_transform",
                            list, lambda);
            return;
        }
        buffer_printf(printer->out, "spark_%s(", what);
        print_over_list(printer, "list_transform", list, lambda);
        print_text(printer, ")");
    }
}
