// sql_dump.h -- trees as text, for tests: (+ a (* b 2)).
// Only what was set is shown, so that an expectation reads like the SQL it came from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/parser.h"

static void dump_query(const Query *query, Buffer *out);
static void dump_expr(const Expr *expr, Buffer *out);
static void dump_relation(const Relation *relation, Buffer *out);

static void dump_slice(Slice text, Buffer *out)
{
    buffer_append(out, text);
}

static void dump_name(const Name *name, Buffer *out)
{
    for (size_t i = 0; i < name->count; i++) {
        buffer_append_text(out, i == 0 ? "" : ".");
        dump_slice(name->parts[i], out);
    }
}

static void dump_list(const ExprList *list, Buffer *out)
{
    for (size_t i = 0; i < list->count; i++) {
        buffer_append_text(out, " ");
        dump_expr(list->items[i], out);
    }
}

static void dump_named(const NamedArguments *named, Buffer *out)
{
    for (size_t i = 0; i < named->count; i++) {
        buffer_printf(out, " %.*s=>", SLICE_ARG(named->items[i].name));
        dump_expr(named->items[i].value, out);
    }
}

static void dump_names(const Slice *names, size_t count, Buffer *out)
{
    buffer_append_text(out, "[");
    for (size_t i = 0; i < count; i++) {
        buffer_printf(out, "%s%.*s", i == 0 ? "" : " ", SLICE_ARG(names[i]));
    }
    buffer_append_text(out, "]");
}

static void dump_sort(const SortList *list, Buffer *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const SortItem *item = &list->items[i];
        buffer_append_text(out, " ");
        dump_expr(item->expr, out);
        buffer_append_text(out, item->descending ? " desc" : "");
        buffer_append_text(out, item->nulls < 0 ? " first" : item->nulls > 0 ? " last" : "");
    }
}

static void dump_bound(FrameBound bound, const Expr *offset, Buffer *out)
{
    static const char *const names[] = {"unbounded<", "<", "current", ">", "unbounded>"};
    buffer_append_text(out, " ");
    if (offset != NULL) {
        dump_expr(offset, out);
    }
    buffer_append_text(out, names[bound]);
}

static void dump_window(const WindowSpec *window, Buffer *out)
{
    buffer_printf(out, "{%.*s", SLICE_ARG(window->name));
    if (window->partition_by.count > 0) {
        buffer_append_text(out, " by");
        dump_list(&window->partition_by, out);
    }
    if (window->order_by.count > 0) {
        buffer_append_text(out, " order");
        dump_sort(&window->order_by, out);
    }
    if (window->has_frame) {
        buffer_append_text(out, window->frame_is_rows ? " rows" : " range");
        dump_bound(window->start, window->start_offset, out);
        dump_bound(window->end, window->end_offset, out);
    }
    buffer_append_text(out, "}");
}

static void dump_call(const Expr *expr, Buffer *out)
{
    buffer_printf(out, "(%.*s%s", SLICE_ARG(expr->text), expr->distinct ? " distinct" : "");
    dump_list(&expr->arguments, out);
    dump_named(&expr->named, out);
    if (expr->within_group.count > 0) {
        buffer_append_text(out, " within");
        dump_sort(&expr->within_group, out);
    }
    buffer_append_text(out, expr->ignore_nulls ? " ignore" : "");
    if (expr->filter != NULL) {
        buffer_append_text(out, " filter ");
        dump_expr(expr->filter, out);
    }
    if (expr->over != NULL) {
        buffer_append_text(out, " over ");
        dump_window(expr->over, out);
    }
    buffer_append_text(out, ")");
}

static const char *dump_op(Op op)
{
    static const char *const names[] = {
        "?",     "or",      "and",     "not",      "=",          "<=>",        "<>",
        "<",     "<=",      ">",       ">=",       "+",          "-",          "*",
        "/",     "div",     "%",       "||",       "&",          "|",          "^",
        "~",     "<<",      ">>",      "neg",      "pos",        "like",       "ilike",
        "rlike", "is-null", "is-true", "is-false", "is-unknown", "is-distinct"};
    return names[op];
}

static void dump_type(const Type *type, Buffer *out)
{
    buffer_append_text(out, " ");
    type_print(type, out);
}

static void dump_form(const char *word, const Expr *expr, Buffer *out)
{
    buffer_printf(out, "(%s%s", expr->negated ? "not-" : "", word);
    dump_list(&expr->arguments, out);
    if (expr->query != NULL) {
        buffer_append_text(out, " ");
        dump_query(expr->query, out);
    }
    if (expr->kind == EXPR_CAST) {
        dump_type(expr->type, out);
    }
    if (expr->kind == EXPR_FIELD || expr->kind == EXPR_EXTRACT) {
        buffer_printf(out, " %.*s", SLICE_ARG(expr->text));
    }
    buffer_append_text(out, ")");
}

static void dump_case(const Expr *expr, Buffer *out)
{
    buffer_append_text(out, "(case");
    if (expr->operand != NULL) {
        buffer_append_text(out, " of ");
        dump_expr(expr->operand, out);
    }
    dump_list(&expr->arguments, out);
    if (expr->otherwise != NULL) {
        buffer_append_text(out, " else ");
        dump_expr(expr->otherwise, out);
    }
    buffer_append_text(out, ")");
}

static void dump_star(const Expr *expr, Buffer *out)
{
    dump_name(&expr->qualifier, out);
    buffer_append_text(out, expr->qualifier.count > 0 ? ".*" : "*");
    if (expr->except_count > 0) {
        buffer_append_text(out, " except ");
        dump_names(expr->except, expr->except_count, out);
    }
}

static void dump_interval(const Expr *expr, Buffer *out)
{
    buffer_printf(out, "(interval %lldm %lldd %lldus %.*s)", (long long)expr->months,
                  (long long)expr->days, (long long)expr->micros, SLICE_ARG(expr->text));
}

static void dump_expr(const Expr *expr, Buffer *out)
{
    switch (expr->kind) {
    case EXPR_NULL:
        buffer_append_text(out, "null");
        break;
    case EXPR_BOOLEAN:
        buffer_append_text(out, expr->integer ? "true" : "false");
        break;
    case EXPR_NUMBER:
        dump_slice(expr->text, out);
        break;
    case EXPR_STRING:
        buffer_printf(out, "'%.*s'", SLICE_ARG(expr->text));
        break;
    case EXPR_BINARY_LITERAL:
        buffer_printf(out, "X'%.*s'", SLICE_ARG(expr->text));
        break;
    case EXPR_TYPED:
        buffer_append_text(out, "(lit");
        dump_type(expr->type, out);
        buffer_printf(out, " '%.*s')", SLICE_ARG(expr->text));
        break;
    case EXPR_INTERVAL:
        dump_interval(expr, out);
        break;
    case EXPR_COLUMN:
        dump_name(&expr->name, out);
        break;
    case EXPR_STAR:
        dump_star(expr, out);
        break;
    case EXPR_CALL:
        dump_call(expr, out);
        break;
    case EXPR_UNARY:
    case EXPR_BINARY:
    case EXPR_LIKE:
    case EXPR_IS:
        dump_form(dump_op(expr->op), expr, out);
        break;
    case EXPR_BETWEEN:
        dump_form("between", expr, out);
        break;
    case EXPR_IN:
        dump_form("in", expr, out);
        break;
    case EXPR_CASE:
        dump_case(expr, out);
        break;
    case EXPR_CAST:
        dump_form(expr->is_try ? "try_cast" : expr->is_colon ? "::" : "cast", expr, out);
        break;
    case EXPR_EXTRACT:
        dump_form("extract", expr, out);
        break;
    case EXPR_FIELD:
        dump_form("field", expr, out);
        break;
    case EXPR_INDEX:
        dump_form("index", expr, out);
        break;
    case EXPR_SUBQUERY:
        dump_form("subquery", expr, out);
        break;
    case EXPR_EXISTS:
        dump_form("exists", expr, out);
        break;
    case EXPR_LAMBDA:
        buffer_append_text(out, "(");
        dump_names(expr->parameters, expr->parameter_count, out);
        buffer_append_text(out, " ->");
        dump_list(&expr->arguments, out);
        buffer_append_text(out, ")");
        break;
    case EXPR_ROW:
        dump_form("row", expr, out);
        break;
    case EXPR_PARAMETER:
        buffer_printf(out, ":%.*s", SLICE_ARG(expr->text));
        break;
    case EXPR_RAW:
        buffer_printf(out, "raw(%.*s)", SLICE_ARG(expr->text));
        break;
    }
}

static void dump_join(const Relation *join, Buffer *out)
{
    static const char *const names[] = {"join", "left", "right", "full", "semi", "anti", "cross"};
    buffer_printf(out, "(%s%s%s ", join->natural ? "natural-" : "", join->lateral ? "lateral-" : "",
                  names[join->join]);
    dump_relation(join->left, out);
    buffer_append_text(out, " ");
    dump_relation(join->right, out);
    if (join->on != NULL) {
        buffer_append_text(out, " on ");
        dump_expr(join->on, out);
    }
    if (join->using_count > 0) {
        buffer_append_text(out, " using ");
        dump_names(join->using_columns, join->using_count, out);
    }
    buffer_append_text(out, ")");
}

static void dump_relation_core(const Relation *relation, Buffer *out)
{
    buffer_append_text(out, relation->is_stream ? "stream " : "");
    switch (relation->kind) {
    case RELATION_TABLE:
        dump_name(&relation->name, out);
        dump_named(&relation->named, out);
        break;
    case RELATION_FUNCTION:
        buffer_printf(out, "(%.*s", SLICE_ARG(relation->text));
        dump_list(&relation->arguments, out);
        dump_named(&relation->named, out);
        buffer_append_text(out, ")");
        break;
    case RELATION_QUERY:
        dump_query(relation->query, out);
        break;
    case RELATION_VALUES:
        buffer_append_text(out, "(values");
        for (size_t i = 0; i < relation->row_count; i++) {
            buffer_append_text(out, " [");
            dump_list(&relation->rows[i], out);
            buffer_append_text(out, " ]");
        }
        buffer_append_text(out, ")");
        break;
    case RELATION_JOIN:
        dump_join(relation, out);
        break;
    case RELATION_LATERAL_VIEW:
        buffer_printf(out, "(view%s ", relation->outer ? " outer" : "");
        dump_relation(relation->left, out);
        buffer_printf(out, " (%.*s", SLICE_ARG(relation->text));
        dump_list(&relation->arguments, out);
        buffer_append_text(out, "))");
        break;
    case RELATION_RAW:
        dump_slice(relation->text, out);
        break;
    }
}

static void dump_relation(const Relation *relation, Buffer *out)
{
    dump_relation_core(relation, out);
    if (relation->version != NULL) {
        buffer_append_text(out, " version ");
        dump_expr(relation->version, out);
    }
    if (relation->timestamp != NULL) {
        buffer_append_text(out, " at ");
        dump_expr(relation->timestamp, out);
    }
    if (relation->watermark != NULL) {
        buffer_append_text(out, " watermark ");
        dump_expr(relation->watermark->column, out);
        if (relation->watermark->alias.size > 0) {
            buffer_printf(out, " as %.*s", SLICE_ARG(relation->watermark->alias));
        }
        buffer_append_text(out, " ");
        dump_expr(relation->watermark->delay, out);
        if (relation->watermark->late_data_into.count > 0) {
            buffer_append_text(out, " late ");
            dump_name(&relation->watermark->late_data_into, out);
        }
    }
    if (relation->drop_duplicates != NULL) {
        const DropDuplicates *drop = relation->drop_duplicates;
        buffer_printf(out, " dedup%s", drop->within_watermark ? " within" : "");
        for (size_t i = 0; i < drop->key_count; i++) {
            buffer_append_text(out, " ");
            dump_name(&drop->keys[i], out);
        }
    }
    if (relation->alias.size > 0) {
        buffer_printf(out, " as %.*s", SLICE_ARG(relation->alias));
    }
    if (relation->column_alias_count > 0) {
        dump_names(relation->column_aliases, relation->column_alias_count, out);
    }
}

static void dump_grouping(const Select *select, Buffer *out)
{
    static const char *const names[] = {"group", "group-all", "rollup", "cube", "sets"};
    if (select->grouping == GROUPING_PLAIN && select->group_by.count == 0) {
        return;
    }
    buffer_printf(out, " %s", names[select->grouping]);
    dump_list(&select->group_by, out);
    for (size_t i = 0; i < select->set_count; i++) {
        buffer_append_text(out, " [");
        dump_list(&select->sets[i], out);
        buffer_append_text(out, " ]");
    }
}

static void dump_clause(const char *word, const Expr *expr, Buffer *out)
{
    if (expr != NULL) {
        buffer_printf(out, " %s ", word);
        dump_expr(expr, out);
    }
}

static void dump_select(const Select *select, Buffer *out)
{
    buffer_append_text(out, select->distinct ? "select distinct" : "select");
    for (size_t i = 0; i < select->item_count; i++) {
        const SelectItem *item = &select->items[i];
        buffer_append_text(out, i == 0 ? " " : ", ");
        dump_expr(item->expr, out);
        if (item->alias.size > 0) {
            buffer_printf(out, " as %.*s", SLICE_ARG(item->alias));
        }
        if (item->alias_count > 0) {
            buffer_append_text(out, " as ");
            dump_names(item->aliases, item->alias_count, out);
        }
    }
    if (select->from != NULL) {
        buffer_append_text(out, " from ");
        dump_relation(select->from, out);
    }
    dump_clause("where", select->where, out);
    dump_grouping(select, out);
    dump_clause("having", select->having, out);
    for (size_t i = 0; i < select->window_count; i++) {
        buffer_append_text(out, " window ");
        dump_window(select->windows[i], out);
    }
    dump_clause("qualify", select->qualify, out);
}

static void dump_query(const Query *query, Buffer *out)
{
    static const char *const ops[] = {"union-all",     "union",  "intersect",
                                      "intersect-all", "except", "except-all"};
    buffer_append_text(out, "<");
    for (size_t i = 0; i < query->cte_count; i++) {
        buffer_printf(out, "with %.*s", SLICE_ARG(query->ctes[i].name));
        if (query->ctes[i].column_count > 0) {
            dump_names(query->ctes[i].columns, query->ctes[i].column_count, out);
        }
        buffer_append_text(out, " ");
        dump_query(query->ctes[i].query, out);
        buffer_append_text(out, " ");
    }
    if (query->select != NULL) {
        dump_select(query->select, out);
    } else if (query->values != NULL) {
        dump_relation(query->values, out);
    } else {
        buffer_printf(out, "%s ", ops[query->set_op]);
        dump_query(query->left, out);
        buffer_append_text(out, " ");
        dump_query(query->right, out);
    }
    if (query->order_by.count > 0) {
        buffer_append_text(out, " order");
        dump_sort(&query->order_by, out);
    }
    dump_clause("limit", query->limit, out);
    dump_clause("offset", query->offset, out);
    buffer_append_text(out, ">");
}

static void dump_properties(const char *word, const Properties *properties, Buffer *out)
{
    for (size_t i = 0; i < properties->count; i++) {
        buffer_printf(out, " %s %.*s=%.*s", word, SLICE_ARG(properties->items[i].key),
                      SLICE_ARG(properties->items[i].value));
    }
}

static void dump_columns(const Statement *statement, Buffer *out)
{
    static const char *const violations[] = {"keep", "drop", "fail", "quarantine"};
    for (size_t i = 0; i < statement->column_count; i++) {
        const ColumnDefinition *column = &statement->columns[i];
        buffer_printf(out, " col %.*s", SLICE_ARG(column->name));
        if (column->type != NULL) {
            dump_type(column->type, out);
        }
        buffer_append_text(out, column->not_null ? " not-null" : "");
        if (column->comment.size > 0) {
            buffer_printf(out, " '%.*s'", SLICE_ARG(column->comment));
        }
    }
    for (size_t i = 0; i < statement->expectation_count; i++) {
        const Expectation *expectation = &statement->expectations[i];
        buffer_printf(out, " expect %.*s ", SLICE_ARG(expectation->name));
        dump_expr(expectation->condition, out);
        buffer_printf(out, " %s", violations[expectation->violation]);
    }
}

static void dump_text(const char *word, Slice text, Buffer *out)
{
    if (text.size > 0) {
        buffer_printf(out, " %s %.*s", word, SLICE_ARG(text));
    }
}

static void dump_statement(const Statement *statement, Buffer *out)
{
    static const char *const kinds[] = {
        "query", "streaming-table",   "materialized-view", "temporary-view", "sink",
        "flow",  "explain-streaming", "show-tables",       "describe",       "unsupported"};
    buffer_append_text(out, kinds[statement->kind]);
    buffer_append_text(out, statement->name.count > 0 ? " " : "");
    dump_name(&statement->name, out);
    buffer_append_text(out, statement->if_not_exists ? " if-not-exists" : "");
    buffer_append_text(out, statement->or_refresh ? " or-refresh" : "");
    buffer_append_text(out, statement->extended ? " extended" : "");
    if (statement->target.count > 0) {
        buffer_append_text(out, " into ");
        dump_name(&statement->target, out);
    }
    buffer_append_text(out, statement->by_name ? " by-name" : "");
    dump_columns(statement, out);
    if (statement->partition_count > 0) {
        buffer_append_text(out, " partitioned ");
        dump_names(statement->partitioned_by, statement->partition_count, out);
    }
    dump_text("using", statement->using_format, out);
    dump_text("comment", statement->comment, out);
    dump_properties("property", &statement->properties, out);
    dump_properties("option", &statement->options, out);
    dump_text("every", statement->schedule_every, out);
    dump_text("cron", statement->schedule_cron, out);
    dump_text("zone", statement->schedule_zone, out);
    dump_text("named", statement->text, out);
    if (statement->query != NULL) {
        buffer_append_text(out, " ");
        dump_query(statement->query, out);
    }
}
