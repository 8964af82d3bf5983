// Constraints as SQL around a query. See expect.h.
// SPDX-License-Identifier: Apache-2.0
#include "stream/expect.h"

const char *expect_action(Violation violation)
{
    static const char *const names[] = {"keep", "drop row", "fail update", "quarantine"};
    return names[violation];
}

// What stands between two positions, with one blank where there was white space.
static const char *written_text(const Diagnostics *diagnostics, Pos pos, Arena *arena)
{
    Slice text = sql_sources_text(diagnostics->sources, pos.source);
    Buffer out = {0};
    for (size_t i = pos.start; i < pos.end && i < text.size; i++) {
        char c = text.data[i];
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (!blank) {
            buffer_append_char(&out, c);
        } else if (out.size > 0 && out.data[out.size - 1] != ' ') {
            buffer_append_char(&out, ' ');
        }
    }
    const char *copy = arena_text(arena, buffer_slice(&out));
    buffer_done(&out);
    return copy;
}

static const char *place_of(const Diagnostics *diagnostics, Pos pos, Arena *arena)
{
    int line;
    int column;
    sql_sources_locate(diagnostics->sources, pos, &line, &column);
    return arena_printf(arena, "%s:%d:%d", sql_sources_path(diagnostics->sources, pos.source), line,
                        column);
}

static const char *condition_sql(const ExpectRequest *request, const Expr *condition, Arena *arena,
                                 Diagnostics *diagnostics)
{
    Buffer sql = {0};
    SourceMap map = {0};
    PrintOptions options = {.now_sql = request->now_sql};
    bool ok = sql_print_expr(condition, &options, diagnostics, &sql, &map, arena);
    const char *text = ok ? arena_text(arena, buffer_slice(&sql)) : NULL;
    buffer_done(&sql);
    return text;
}

const ExpectPlan *expect_plan(const ExpectRequest *request, Arena *arena, Diagnostics *diagnostics)
{
    ExpectPlan *plan = ARENA_NEW(arena, ExpectPlan);
    plan->dataset = request->dataset;
    plan->function = request->function;
    plan->columns = schema_copy(arena, request->columns);
    plan->rules = ARENA_ARRAY(arena, ExpectRule, request->expectation_count);
    for (size_t i = 0; i < request->expectation_count; i++) {
        const Expectation *expectation = &request->expectations[i];
        ExpectRule *rule = &plan->rules[plan->rule_count++];
        rule->name = arena_text(arena, expectation->name);
        rule->violation = expectation->violation;
        rule->condition = written_text(diagnostics, expectation->condition->pos, arena);
        rule->place = place_of(diagnostics, expectation->pos, arena);
        rule->sql = condition_sql(request, expectation->condition, arena, diagnostics);
        if (rule->sql == NULL) {
            return NULL;
        }
        bool catches = rule->violation == VIOLATION_QUARANTINE;
        plan->quarantines |= catches;
        plan->takes_rows |= catches || rule->violation == VIOLATION_FAIL_UPDATE;
    }
    return plan;
}

// The query's rows with the table's types, so that a condition sees what the table will hold.
static void print_cast(const ExpectPlan *plan, const char *query, const Schema *given, Buffer *sql)
{
    buffer_append_text(sql, "SELECT ");
    for (size_t i = 0; i < plan->columns.count; i++) {
        const Column *column = &plan->columns.columns[i];
        int index = schema_find(given, slice_of(column->name));
        bool casts = index >= 0 && !type_equal(given->columns[index].type, column->type);
        buffer_append_text(sql, i == 0 ? "" : ", ");
        buffer_append_text(sql, casts ? "CAST(" : "");
        duck_quote_name(sql, slice_of(column->name));
        if (casts) {
            buffer_append_text(sql, " AS ");
            type_print_duck(column->type, sql);
            buffer_append_char(sql, ')');
        }
        buffer_append_text(sql, " AS ");
        duck_quote_name(sql, slice_of(column->name));
    }
    buffer_printf(sql, " FROM (%s)", query);
}

void expect_print(const ExpectPlan *plan, const char *query, const Schema *given, Buffer *sql)
{
    const char *dot = strrchr(plan->dataset, '.');
    buffer_printf(sql, "SELECT * EXCLUDE (\"#keep\") FROM (SELECT *, %s(", plan->function);
    for (size_t i = 0; i < plan->rule_count; i++) {
        buffer_printf(sql, "%s(%s)", i == 0 ? "" : ", ", plan->rules[i].sql);
    }
    for (size_t i = 0; plan->takes_rows && i < plan->columns.count; i++) {
        buffer_append_text(sql, ", ");
        duck_quote_name(sql, slice_of(plan->columns.columns[i].name));
    }
    buffer_append_text(sql, ") AS \"#keep\" FROM (");
    print_cast(plan, query, given, sql);
    buffer_append_text(sql, ") AS ");
    duck_quote_name(sql, slice_of(dot == NULL ? plan->dataset : dot + 1));
    buffer_append_text(sql, ") WHERE \"#keep\"");
}
