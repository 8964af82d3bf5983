// stage_join.h -- what a plan knows of a join of two streams. Included by plan.h.
//
//     left_sql, right_sql   rows of the batch, each source read once:
//                           is_late BOOLEAN, time BIGINT, joins BOOLEAN, keys..., columns...
//     pairs                 relation of the pairs with equal keys whose times are near enough,
//                           of which one at least is new: "#l<i>"..., "#r<i>"..., "#left", "#right"
//     stage->sql            the pairs for which the whole condition holds
//
// `time` (microseconds) is what both sides are bucketed and forgotten by: the event time of a side,
// or, where an equality compares event times or their windows, that (a window's end). A pair's
// times differ by `low` to `high`. A row that does not join (a condition on its own side alone
// fails) comes out alone at once in an outer join. "#left" and "#right" tell C which rows matched.
//
// A side is forgotten when no row that is still on time can match it: at the watermark plus
// `expiry_shift`, less a millisecond when the bound is inclusive (Spark's state watermark).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/type.h"
#include "sql/ast.h"

enum { JOIN_LATE_COLUMN, JOIN_TIME_COLUMN, JOIN_JOINS_COLUMN, JOIN_KEY_COLUMN };

typedef struct PlanJoinSide {
    const char *sql;
    Schema columns;      // kept, and shown as "#l<i>" or "#r<i>"
    bool is_preserved;   // rows without a match come out
    bool counts_removed; // as Spark does: not where unmatched rows come out
    bool expires;
    TimeUs expiry_shift; // whole milliseconds
    TimeUs expiry_grain; // rows that expire within it are looked at together; for new state
} PlanJoinSide;

typedef struct PlanJoin {
    JoinKind kind; // INNER, LEFT, RIGHT, FULL or SEMI
    PlanJoinSide sides[2];
    TimeUs low;   // right time - left time; TIME_MIN: no bound
    TimeUs high;  // TIME_NEVER: no bound
    TimeUs grain; // of the buckets of rows, for new state; 0: one bucket, there are no bounds
    const char *pairs;
    Schema pair_columns;
} PlanJoin;
