// expect.h -- CONSTRAINT name EXPECT (condition): what rows must be like, and what happens to those
// that are not.
//
//     expect_plan(&request, arena, diagnostics)   conditions as DuckDB SQL; NULL: problems were
//     added expect_print(plan, query, given, &sql)      the query, filtered by the function below
//     expect_open(plan, conn, &expect, err)       registers the function
//         { expect_begin; the statement runs; counts and caught rows are read }*
//     expect_close
//
//     SELECT the columns FROM
//         (SELECT *, expect_7(ip IS NOT NULL, n > 0, ip, n) AS "#keep" FROM (the query)) WHERE
//         "#keep"
//
// A row violates a constraint unless the condition is TRUE. The function counts violations, says
// whether the row is kept, fails the statement (FAIL UPDATE) and keeps the rows that go into
// quarantine, each with the first of its constraints that says so. It stands in the select list,
// because the optimizer may move conditions of WHERE below those of the query.
//
// Plans and their texts live in the arena given. The function runs on DuckDB's threads; all calls
// here belong to the flow's thread, and none while the statement runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/print.h"

typedef struct ExpectRule {
    const char *name;
    const char *condition; // as the user wrote it
    const char *place;     // "pipelines/logs.sql:2:4"
    const char *sql;
    Violation violation;
} ExpectRule;

typedef struct ExpectPlan {
    const char *dataset;
    const char *function; // "expect_<number>"; its table of caught rows is <function>_rows
    ExpectRule *rules;
    size_t rule_count;
    Schema columns;   // of the table: the query's rows are cast to them
    bool takes_rows;  // the columns follow the conditions among the function's arguments
    bool quarantines; // some rule does
} ExpectPlan;

typedef struct ExpectRequest {
    const char *dataset;
    const char *function;
    const Expectation *expectations;
    size_t expectation_count;
    const Schema *columns;
    const char *now_sql; // as PrintOptions
} ExpectRequest;

// The conditions have been bound and checked: see catalog_side.c.
const ExpectPlan *expect_plan(const ExpectRequest *request, Arena *arena, Diagnostics *diagnostics);
// `given` are the columns of the query: the table's, in any order, of types that widen to its.
void expect_print(const ExpectPlan *plan, const char *query, const Schema *given, Buffer *sql);
const char *expect_action(Violation violation); // "drop row"

typedef struct Expect Expect;
MUST_USE bool expect_open(const ExpectPlan *plan, DuckConn *conn, Expect **expect, Error *err);
void expect_close(Expect *expect); // NULL is a no-op

void expect_begin(Expect *expect, int64_t batch); // forgets the one before; -1: none of a flow
const ExpectPlan *expect_plan_of(const Expect *expect);
int64_t expect_checked(const Expect *expect); // rows
int64_t expect_failed(const Expect *expect, size_t rule);
int64_t expect_dropped(const Expect *expect); // rows that were not kept
// Rows for the quarantine: <function>_rows() has the columns and `#rule` INT, the number of the
// rule. It shows those from `first` on, at most `count`, so that a batch full of them is taken in
// parts.
size_t expect_caught(const Expect *expect);
void expect_show(Expect *expect, size_t first, size_t count);
