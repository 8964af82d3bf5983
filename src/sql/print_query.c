// print_query.c -- queries: WITH, SELECT and its clauses, set operations.
//
// Every unaliased item gets Spark's name. A window(...) in GROUP BY may be meant by `window` or
// `window.start` anywhere in its SELECT; a sliding one becomes a column joined from unnest.
// SPDX-License-Identifier: Apache-2.0
#include "sql/print_internal.h"

// window.* where window(...) is grouped by: its start and end.
static bool print_window_star(Printer *printer, const Expr *star)
{
    static const char *const fields[] = {"start", "end"};
    if (star->kind != EXPR_STAR || star->qualifier.count != 1 || printer->window == NULL ||
        !slice_equal_nocase(star->qualifier.parts[0], printer->window->call->text)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        Expr *field = ast_expr(printer->arena, EXPR_COLUMN, star->pos);
        field->name = (Name){.parts = {star->qualifier.parts[0], slice_of(fields[i])}, .count = 2};
        print_text(printer, i == 0 ? "" : ", ");
        print_expr(printer, field);
        print_text(printer, " AS ");
        print_name(printer, slice_of(fields[i]));
    }
    return true;
}

static void print_items(Printer *printer, const Select *select)
{
    for (size_t i = 0; i < select->item_count; i++) {
        const SelectItem *item = &select->items[i];
        Generator generator;
        print_text(printer, i > 0 ? ", " : "");
        if (print_find_generator(item->expr, &generator)) {
            generator.aliases = item->alias_count > 0 ? item->aliases : &item->alias;
            generator.alias_count = item->alias_count > 0  ? item->alias_count
                                    : item->alias.size > 0 ? 1
                                                           : 0;
            print_generator(printer, &generator);
            continue;
        }
        if (print_window_star(printer, item->expr)) {
            continue;
        }
        print_output(printer, item->expr);
        if (item->expr->kind == EXPR_STAR) {
            continue;
        }
        Buffer name = {0};
        buffer_append(&name, item->alias);
        if (item->alias.size == 0) {
            sql_expr_name(item->expr, &name);
        }
        if (name.size > 0) { // the name of '' would be empty, which DuckDB does not take
            print_text(printer, " AS ");
            print_name(printer, buffer_slice(&name));
        }
        buffer_done(&name);
    }
}

static void print_exprs(Printer *printer, const ExprList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        print_text(printer, i > 0 ? ", " : "");
        print_expr(printer, list->items[i]);
    }
}

static void print_group_by(Printer *printer, const Select *select)
{
    if (print_groups_by_session(printer, select)) {
        print_session_group_by(printer, select);
        return;
    }
    switch (select->grouping) {
    case GROUPING_PLAIN:
        if (select->group_by.count > 0) {
            print_text(printer, " GROUP BY ");
            print_exprs(printer, &select->group_by);
        }
        break;
    case GROUPING_ALL:
        print_text(printer, " GROUP BY ALL");
        break;
    case GROUPING_ROLLUP:
    case GROUPING_CUBE:
        print_text(printer,
                   select->grouping == GROUPING_CUBE ? " GROUP BY CUBE (" : " GROUP BY ROLLUP (");
        print_exprs(printer, &select->group_by);
        print_text(printer, ")");
        break;
    case GROUPING_SETS:
        print_text(printer, " GROUP BY GROUPING SETS (");
        for (size_t i = 0; i < select->set_count; i++) {
            print_text(printer, i > 0 ? ", (" : "(");
            print_exprs(printer, &select->sets[i]);
            print_text(printer, ")");
        }
        print_text(printer, ")");
        break;
    }
}

static void print_from(Printer *printer, const Select *select, const Expr *window)
{
    if (select->from == NULL) {
        return;
    }
    if (window != NULL && print_groups_by_session(printer, select)) {
        print_session_from(printer, select, window);
        return;
    }
    print_text(printer, " FROM ");
    print_relation(printer, select->from);
    if (window != NULL && print_window_is_sliding(window)) {
        print_text(printer, " CROSS JOIN LATERAL (SELECT unnest(");
        printer->nested++;
        print_window_list(printer, window);
        printer->nested--;
        print_text(printer, ") AS \"window\") AS \"spark_window\"");
    }
}

static void print_where(Printer *printer, const Select *select, const Expr *window)
{
    if ((select->where == NULL && window == NULL) || print_groups_by_session(printer, select)) {
        return; // the islands of sessions are of the rows that WHERE lets through
    }
    print_text(printer, " WHERE ");
    if (select->where != NULL) {
        print_expr(printer, select->where);
    }
    if (window != NULL) {
        print_text(printer, select->where != NULL ? " AND (" : "(");
        if (print_is_session(window)) {
            print_session_condition(printer, window);
            print_text(printer, ")");
        } else {
            print_expr(printer, window->arguments.items[0]);
            print_text(printer, ") IS NOT NULL");
        }
    }
}

static WindowScope window_scope(Printer *printer, const Select *select, const Expr *window)
{
    return (WindowScope){
        .call = window,
        .is_lateral = window != NULL && print_window_is_sliding(window),
        .is_session = window != NULL && print_groups_by_session(printer, select),
    };
}

static void print_select(Printer *printer, const Select *select)
{
    const WindowScope *outer_window = printer->window;
    const Select *outer_select = printer->select;
    const Expr *window = print_find_window(select);
    WindowScope scope = window_scope(printer, select, window);

    print_mark(printer, select->pos);
    print_text(printer, select->distinct ? "SELECT DISTINCT " : "SELECT ");
    printer->window = window == NULL ? NULL : &scope;
    printer->select = select;
    print_items(printer, select);
    printer->window = NULL;
    print_from(printer, select, window);
    print_where(printer, select, window);
    printer->window = window == NULL ? NULL : &scope;
    print_group_by(printer, select);
    if (select->having != NULL) {
        print_text(printer, " HAVING ");
        print_expr(printer, select->having);
    }
    for (size_t i = 0; i < select->window_count; i++) {
        WindowSpec spec = *select->windows[i];
        print_text(printer, i == 0 ? " WINDOW " : ", ");
        print_name(printer, spec.name);
        print_text(printer, " AS ");
        spec.name = (Slice){0};
        print_window_spec(printer, &spec);
    }
    if (select->qualify != NULL) {
        print_text(printer, " QUALIFY ");
        print_expr(printer, select->qualify);
    }
    printer->window = outer_window;
    printer->select = outer_select;
}

static void print_operand(Printer *printer, const Query *query)
{
    print_text(printer, "(");
    print_query(printer, query);
    print_text(printer, ")");
}

static void print_body(Printer *printer, const Query *query)
{
    static const char *const texts[] = {
        [SET_UNION_ALL] = " UNION ALL ", [SET_UNION] = " UNION ",
        [SET_INTERSECT] = " INTERSECT ", [SET_INTERSECT_ALL] = " INTERSECT ALL ",
        [SET_EXCEPT] = " EXCEPT ",       [SET_EXCEPT_ALL] = " EXCEPT ALL ",
    };
    if (query->select != NULL) {
        print_select(printer, query->select);
    } else if (query->values != NULL) {
        print_text(printer, "SELECT * FROM ");
        print_relation(printer, query->values);
    } else {
        print_operand(printer, query->left);
        print_text(printer, texts[query->set_op]);
        print_operand(printer, query->right);
    }
}

// ORDER BY of a query may mean its window too.
static void print_tail(Printer *printer, const Query *query)
{
    const Expr *window = query->select == NULL ? NULL : print_find_window(query->select);
    WindowScope scope = window_scope(printer, query->select, window);
    const WindowScope *outer = printer->window;
    const Select *outer_select = printer->select;
    printer->window = window == NULL ? NULL : &scope;
    printer->select = query->select;
    if (query->order_by.count > 0) {
        print_order_by(printer, &query->order_by);
    }
    printer->select = outer_select;
    printer->window = outer;
    if (query->limit != NULL) {
        print_text(printer, " LIMIT ");
        print_expr(printer, query->limit);
    }
    if (query->offset != NULL) {
        print_text(printer, " OFFSET ");
        print_expr(printer, query->offset);
    }
}

// inline(...) in a select list: ORDER BY finds its columns only from outside.
static bool makes_unnamed_columns(const Select *select)
{
    for (size_t i = 0; select != NULL && i < select->item_count; i++) {
        Generator generator;
        if (print_find_generator(select->items[i].expr, &generator) &&
            strncmp(generator.function->sql, "inline", 6) == 0) {
            return true;
        }
    }
    return false;
}

void print_query(Printer *printer, const Query *query)
{
    const CteScope *outer = printer->ctes;
    const LambdaScope *lambdas = printer->lambdas;
    printer->lambdas = NULL;
    for (size_t i = 0; i < query->cte_count; i++) {
        const Cte *cte = &query->ctes[i];
        print_mark(printer, cte->pos);
        print_text(printer, i == 0 ? "WITH " : ", ");
        print_name(printer, cte->name);
        for (size_t j = 0; j < cte->column_count; j++) {
            print_text(printer, j == 0 ? "(" : ", ");
            print_name(printer, cte->columns[j]);
        }
        print_text(printer, cte->column_count > 0 ? ") AS (" : " AS (");
        print_query(printer, cte->query);
        print_text(printer, ")");
        CteScope *scope = ARENA_NEW(printer->arena, CteScope);
        *scope = (CteScope){cte->name, printer->ctes};
        printer->ctes = scope;
    }
    print_text(printer, query->cte_count > 0 ? " " : "");
    bool is_boxed = query->order_by.count > 0 && makes_unnamed_columns(query->select);
    print_text(printer, is_boxed ? "SELECT * FROM (" : "");
    print_body(printer, query);
    print_text(printer, is_boxed ? ")" : "");
    print_tail(printer, query);
    printer->ctes = outer;
    printer->lambdas = lambdas;
}

bool sql_print_query(const Query *query, const PrintOptions *options, Diagnostics *diagnostics,
                     Buffer *sql, SourceMap *map, Arena *arena)
{
    Printer printer = {
        .options = options, .diagnostics = diagnostics, .out = sql, .map = map, .arena = arena};
    print_query(&printer, query);
    if (map != NULL) {
        map->has_gaps = printer.failed && !printer.lacks_relation;
    }
    return !printer.failed;
}
