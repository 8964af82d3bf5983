// print_session.c -- session_window(ts, gap) in batch queries.
//
// A row is a session of its own, [ts, ts + gap); sessions of one group that overlap or touch are
// one. Grouping by it reads islands instead of the relation, numbered for each of the other keys:
//
//     relation            WHERE; the other keys, start and end of each row as columns
//     + reach             the latest end of all rows before, in the order of their starts
//     + island            how many rows so far begin after everything before them has ended
//
// A group is then (other keys, island), and its window {min(start), max(end)}. Rows without a time,
// without a gap or with a gap that is not positive fall out, as in Spark.
// SPDX-License-Identifier: Apache-2.0
#include "sql/parser.h"
#include "sql/print_internal.h"

#define START  "\"spark_session_start\""
#define END    "\"spark_session_end\""
#define REACH  "\"spark_session_reach\""
#define ISLAND "\"spark_session_island\""

bool print_is_session(const Expr *expr)
{
    const Function *function =
        expr->kind == EXPR_CALL ? function_find(expr->text, expr->arguments.count) : NULL;
    return function != NULL && function->hook == HOOK_SESSION &&
           function_takes(function, expr->arguments.count);
}

static bool has_aggregate(const Expr *expr)
{
    bool found = expr->kind == EXPR_CALL && expr->over == NULL && sql_is_aggregate(expr->text);
    for (size_t i = 0; !found && i < expr->arguments.count; i++) {
        found = has_aggregate(expr->arguments.items[i]);
    }
    return found || (expr->operand != NULL && has_aggregate(expr->operand)) ||
           (expr->otherwise != NULL && has_aggregate(expr->otherwise));
}

// What a key stands for: the select item of a number or an alias, else itself.
static const Expr *resolved_key(const Select *select, const Expr *key)
{
    if (key->kind == EXPR_NUMBER) {
        size_t ordinal = 0;
        for (size_t i = 0; i < key->text.size && ordinal <= select->item_count; i++) {
            ordinal = ordinal * 10 + (size_t)(key->text.data[i] - '0');
        }
        return ordinal >= 1 && ordinal <= select->item_count ? select->items[ordinal - 1].expr
                                                             : key;
    }
    for (size_t i = 0; key->kind == EXPR_COLUMN && key->name.count == 1 && i < select->item_count;
         i++) {
        const SelectItem *item = &select->items[i];
        if (item->alias.size > 0 && print_same_name(item->alias, key->name.parts[0]) &&
            !has_aggregate(item->expr)) {
            return item->expr;
        }
    }
    return key;
}

// The keys as written; with GROUP BY ALL the select items without aggregates.
static ExprList group_keys(Printer *printer, const Select *select)
{
    if (select->grouping != GROUPING_ALL) {
        return select->group_by;
    }
    ExprList keys = {0};
    for (size_t i = 0; i < select->item_count; i++) {
        if (!has_aggregate(select->items[i].expr)) {
            ARENA_PUSH(printer->arena, keys.items, keys.count, keys.capacity,
                       select->items[i].expr);
        }
    }
    return keys;
}

bool print_groups_by_session(Printer *printer, const Select *select)
{
    ExprList keys = group_keys(printer, select);
    for (size_t i = 0; i < keys.count; i++) {
        if (print_is_session(resolved_key(select, keys.items[i]))) {
            return true;
        }
    }
    return false;
}

static void print_session_start(Printer *printer, const Expr *call)
{
    print_text(printer, "spark_session_time(");
    print_expr(printer, call->arguments.items[0]);
    print_text(printer, ")");
}

static void print_session_end(Printer *printer, const Expr *call)
{
    const Expr *gap = call->arguments.items[1];
    TimeUs duration;
    Error err;
    print_text(printer, "(");
    print_session_start(printer, call);
    if (gap->kind == EXPR_STRING && sql_parse_duration(gap->text, &duration, &err)) {
        buffer_printf(printer->out, " + to_microseconds(%lld))", (long long)duration);
        return;
    }
    print_text(printer, " + spark_session_gap(");
    print_expr(printer, gap);
    print_text(printer, "))");
}

void print_session_call(Printer *printer, const Expr *call)
{
    if (printer->window != NULL && printer->window->is_session) {
        print_text(printer, "struct_pack(\"start\" := min(" START "), \"end\" := max(" END "))");
        return;
    }
    print_text(printer, "struct_pack(\"start\" := ");
    print_session_start(printer, call);
    print_text(printer, ", \"end\" := ");
    print_session_end(printer, call);
    print_text(printer, ")");
}

void print_session_condition(Printer *printer, const Expr *call)
{
    print_session_end(printer, call);
    print_text(printer, " > ");
    print_session_start(printer, call);
}

// The relations of a join as columns: what the names before a dot mean once it is a subquery.
static void print_relation_names(Printer *printer, const Relation *relation)
{
    if (relation->kind == RELATION_JOIN) {
        print_relation_names(printer, relation->left);
        if (relation->join != JOIN_SEMI && relation->join != JOIN_ANTI) {
            print_relation_names(printer, relation->right);
        }
        return;
    }
    Slice name = print_relation_name(relation);
    if (name.size > 0) {
        print_text(printer, ", ");
        print_name(printer, name);
    }
}

static void print_partition(Printer *printer, size_t key_count, const char *frame_end)
{
    print_text(printer, " OVER (");
    for (size_t i = 0; i < key_count; i++) {
        buffer_printf(printer->out, "%s\"spark_session_key%zu\"", i == 0 ? "PARTITION BY " : ", ",
                      i);
    }
    print_text(printer, " ORDER BY " START ", " END " ROWS BETWEEN UNBOUNDED PRECEDING AND ");
    print_text(printer, frame_end);
    print_text(printer, ")");
}

void print_session_from(Printer *printer, const Select *select, const Expr *call)
{
    print_text(printer, " FROM (SELECT *, sum(CASE WHEN " REACH " >= " START " THEN 0 ELSE 1 END)");
    ExprList keys = group_keys(printer, select);
    size_t count = 0;
    for (size_t i = 0; i < keys.count; i++) {
        count += print_is_session(resolved_key(select, keys.items[i])) ? 0 : 1;
    }
    print_partition(printer, count, "CURRENT ROW");
    print_text(printer, " AS " ISLAND " FROM (SELECT *, max(" END ")");
    print_partition(printer, count, "1 PRECEDING");
    print_text(printer, " AS " REACH " FROM (SELECT *");
    if (select->from->kind == RELATION_JOIN) {
        print_relation_names(printer, select->from);
    }
    count = 0;
    for (size_t i = 0; i < keys.count; i++) {
        const Expr *key = resolved_key(select, keys.items[i]);
        if (!print_is_session(key)) {
            print_text(printer, ", ");
            print_expr(printer, key);
            buffer_printf(printer->out, " AS \"spark_session_key%zu\"", count++);
        }
    }
    print_text(printer, ", ");
    print_session_start(printer, call);
    print_text(printer, " AS " START ", ");
    print_session_end(printer, call);
    print_text(printer, " AS " END " FROM ");
    print_relation(printer, select->from);
    print_text(printer, " WHERE ");
    if (select->where != NULL) {
        print_text(printer, "(");
        print_expr(printer, select->where);
        print_text(printer, ") AND ");
    }
    print_session_condition(printer, call);
    print_text(printer, "))) AS ");
    Slice name = print_relation_name(select->from);
    print_name(printer, name.size > 0 ? name : slice_of("spark_session"));
}

void print_session_group_by(Printer *printer, const Select *select)
{
    if (select->grouping != GROUPING_PLAIN && select->grouping != GROUPING_ALL) {
        print_problem(printer, select->pos, "UNSUPPORTED_FEATURE", "group by the session alone",
                      "session_window in ROLLUP, CUBE or GROUPING SETS is not supported");
        return;
    }
    ExprList keys = group_keys(printer, select);
    print_text(printer, " GROUP BY ");
    size_t windows = 0;
    for (size_t i = 0; i < keys.count; i++) {
        const Expr *key = resolved_key(select, keys.items[i]);
        const Function *function =
            key->kind == EXPR_CALL ? function_find(key->text, key->arguments.count) : NULL;
        bool is_window = function != NULL && function->hook == HOOK_WINDOW;
        windows += is_window || print_is_session(key) ? 1 : 0;
        if (windows > 1) {
            print_problem(printer, key->pos, "UNSUPPORTED_FEATURE", NULL,
                          "GROUP BY takes one window or session_window");
            return;
        }
        if (!print_is_session(key)) {
            print_expr(printer, keys.items[i]);
            print_text(printer, ", ");
        }
    }
    print_text(printer, ISLAND);
}
