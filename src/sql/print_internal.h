// print_internal.h -- what the files of the printer share.
//
// Functions print into printer->out from left to right, so that source map offsets ascend. A
// problem is added to the diagnostics and printing goes on, so that all problems of a query come
// at once; the text is only good when no problem came.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/function.h"
#include "sql/print.h"

enum { PRINT_MAX_DIVISIONS = 6 }; // each level of nesting prints its operands twice

typedef struct CteScope {
    Slice name;
    const struct CteScope *next;
} CteScope;

typedef struct LambdaScope {
    Slice name;
    const char *sql; // what stands for the parameter
    const struct LambdaScope *next;
} LambdaScope;

// The window(...) call that a SELECT groups by: `window.start` means it.
typedef struct WindowScope {
    const Expr *call;
    bool is_lateral; // sliding: a joined column, not an expression
    bool is_session; // session_window(...): an aggregate of the islands read
} WindowScope;

typedef struct Printer {
    const PrintOptions *options;
    Diagnostics *diagnostics;
    Buffer *out;
    SourceMap *map;
    Arena *arena;
    const CteScope *ctes;
    const LambdaScope *lambdas;
    const WindowScope *window;
    const Select *select; // whose items are printed
    int divisions;
    int nested; // inside subqueries of expressions and LATERAL: columns may be outer ones
    int serial; // for names of generated lambda parameters
    int unsure; // inside what may not be evaluated, and inside constants
    bool failed;
    bool lacks_relation;
} Printer;

// print_expr.c
void print_expr(Printer *printer, const Expr *expr);
// An expression whose value leaves its query: a select item or a row of VALUES.
void print_output(Printer *printer, const Expr *expr);
// With a conversion where the type is not evident; letters as in function.h.
void print_as(Printer *printer, const Expr *expr, char letter);
void print_cast(Printer *printer, const Expr *value, const Type *type, bool is_try);
ValueKind print_kind(const Expr *expr);
void print_number(Printer *printer, const Expr *expr);
void print_order_by(Printer *printer, const SortList *list);
void print_window_spec(Printer *printer, const WindowSpec *spec);
void print_text(Printer *printer, const char *text);
void print_name(Printer *printer, Slice name);
void print_literal(Printer *printer, Slice text);
void print_mark(Printer *printer, Pos pos);
void print_problem(Printer *printer, Pos pos, const char *condition, const char *suggestion,
                   const char *format, ...) PRINTF_LIKE(5, 6);

// print_constant.c
bool print_is_constant(const Expr *expr);
bool print_is_conditional(const Expr *expr);

// print_opaque.c
bool print_is_opaque(const Printer *printer, const Expr *expr);
bool print_arguments_are_opaque(const Printer *printer, const Expr *call);
const SelectItem *print_find_alias(const Printer *printer, Slice name);
bool print_same_name(Slice a, Slice b);

// print_operator.c
void print_binary(Printer *printer, const Expr *expr);
// An operand of a comparison with `other`, which decides what a string becomes.
void print_beside(Printer *printer, const Expr *expr, const Expr *other);
void print_divide(Printer *printer, const Expr *left, const Expr *right, bool is_try);

// print_call.c, print_hook.c, print_lambda.c
void print_call(Printer *printer, const Expr *call);
void print_template(Printer *printer, const Function *function, const Expr *call);
void print_over(Printer *printer, const Expr *call);
void print_hook(Printer *printer, const Function *function, const Expr *call);
void print_higher_order(Printer *printer, const Function *function, const Expr *call);
void print_extract(Printer *printer, const Expr *call, Slice field, const Expr *value);

// print_window.c
const Expr *print_find_window(const Select *select);
void print_window_call(Printer *printer, const Expr *call);
bool print_window_is_sliding(const Expr *call);
void print_window_list(Printer *printer, const Expr *call); // all windows of a row, as a list
// to_date('...') style constants: micros of a duration literal; false with a problem.
bool print_duration(Printer *printer, const Expr *expr, TimeUs *duration);

// print_session.c
bool print_is_session(const Expr *expr); // a call of session_window(ts, gap)
bool print_groups_by_session(Printer *printer, const Select *select);
void print_session_call(Printer *printer, const Expr *call);
void print_session_condition(Printer *printer, const Expr *call); // on rows that have a session
void print_session_from(Printer *printer, const Select *select, const Expr *call); // and WHERE
void print_session_group_by(Printer *printer, const Select *select);

// print_generator.c
typedef struct Generator {
    const Function *function;
    const Expr *call; // its arguments
    const Slice *aliases;
    size_t alias_count;
    Pos pos;
} Generator;
bool print_find_generator(const Expr *expr, Generator *generator);
void print_generator(Printer *printer, const Generator *generator); // select items

// print_query.c, print_relation.c
void print_query(Printer *printer, const Query *query);
void print_relation(Printer *printer, const Relation *relation);
// What qualifies its columns; empty: nothing does.
Slice print_relation_name(const Relation *relation);
