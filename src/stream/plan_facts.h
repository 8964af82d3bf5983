// plan_facts.h -- what a stage keeps, in the user's words.
//
// EXPLAIN STREAMING and state('flow') tell it; when a query has changed between two runs it is
// compared, and what differs is told (engine/change.h). Texts are the user's own, with white space
// and comments taken out; what subqueries and views below make of a name is told apart (origin).
// Names are those of the query's columns. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/type.h"
#include "sql/ast.h"

typedef struct PlanFact {
    const char *label; // "keys", "aggregates"
    const char *text;  // "window(ts, '1 minute'), page"
    Pos pos;
    const char *origin; // of its columns below: "w = window(ts, '10 seconds')"; NULL: sources
} PlanFact;

// A column of the state as the user knows it.
typedef struct PlanShown {
    const char *column; // of PlanStage.keys or values: "k0"
    const char *name;   // "page"
    TimeUs window;      // > 0: the start of a window of this size, in microseconds
    const Type *time;   // of the window: TIMESTAMP or TIMESTAMP_NTZ
} PlanShown;

typedef struct PlanFacts {
    PlanFact *items;
    size_t count;
    size_t capacity;
    PlanShown *shown;
    size_t shown_count;
    size_t shown_capacity;
} PlanFacts;
