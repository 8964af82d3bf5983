// distinct_set.h -- which values of an aggregate's DISTINCT are new to their group.
//
//     distinct_set_open(...)                 its state table and its function, named in the plan
//     { a statement calls the function; the state stays as it is
//       distinct_set_write(set)              what the statement brought, into the state
//       distinct_set_evict(set, watermark)
//       distinct_set_finish(set) }           forgets what a batch brought
//
// The function is pure: it answers from the state and its arguments, so a statement gives it each
// value of a group once. A row of the table is (bucket, group and value).
//
// Over sliding windows a row keeps in which panes the value was seen, as bits, for as many panes
// as a window has: a generation, which is forgotten as a whole. A window holds panes of at most
// two.
//
//     panes     |.|.|x|.|.|.|x|.|.|.|     a value seen in the panes 2 and 6
//     new: 4      [---|---)               the runs of windows (here of 3 panes) that hold 4 and
//                     [---|---)           neither 2 nor 6
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream/operator_internal.h"

typedef struct DistinctSet DistinctSet;

MUST_USE bool distinct_set_open(Operator *op, const PlanDistinct *plan, State *state, Arena *arena,
                                DistinctSet **set, Error *err);
void distinct_set_destroy(DistinctSet *set); // NULL is a no-op
MUST_USE bool distinct_set_write(DistinctSet *set, Error *err);
void distinct_set_evict(DistinctSet *set, TimeUs watermark);
void distinct_set_finish(DistinctSet *set);
