// aggregate.h -- aggregate functions as partial, merge, gather and final SQL.
//
// An aggregate over a stream is kept as one or more partial values per group. For each:
//
//     partial   computed from the rows of a batch: a Spark aggregate, or an expression of some
//     merge     two partials into one: p (this batch) and o (state)
//     gather    any number of partials into one; without it, they are merged in pairs
//     final     the aggregate's value from the merged partials
//
// A group that has no rows on one side has NULL for all partials there: merge gives the other side.
//
// Templates: partial is Spark SQL with the call's arguments :a and :b, or :x and :y for them as
// DOUBLE (:x stays as it is when the result is a DECIMAL); the call's FILTER is put on every
// aggregate in it. merge is DuckDB SQL with $p and $o for this partial on both sides, $p0, $o0, $p1
// ... for the others of its aggregate and %P for its type; gather knows the $p ones. final has $0,
// $1 ... and %T, the aggregate's result type in a batch query.
//
// What no rule says is kept as the list of its arguments (aggregate_is_list), and its final value
// is the batch aggregate over that list: equal to a batch by construction, at the price of the
// rows. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/ast.h"

enum { AGGREGATE_PARTIALS_MAX = 6 };

typedef struct AggregatePartial {
    const char *partial; // NULL: the call itself
    const char *merge;
    const char *gather; // NULL: none
} AggregatePartial;

typedef struct AggregateRule {
    const char *name; // lower case
    AggregatePartial partials[AGGREGATE_PARTIALS_MAX];
    size_t partial_count;
    const char *final;
    const char *final_decimal;  // the same for a DECIMAL result; NULL: as `final`
    bool ignores_duplicates;    // DISTINCT changes nothing
    signed char argument_count; // 0: any
} AggregateRule;

// The rule for a call; never NULL, but see aggregate_is_list.
const AggregateRule *aggregate_find(const Expr *call);
// The partial is the list of the arguments; there is no final form.
bool aggregate_is_list(const AggregateRule *rule);

// The partial of a call (without DISTINCT) as an expression over the rows of a batch. `list` is the
// value of one row in the list, for a rule that keeps one.
Expr *aggregate_partial(Arena *arena, const AggregateRule *rule, size_t index, const Expr *call,
                        const Type *result, Expr *list);

// Partials are columns: <prefix><number>, the first of a rule's partials with number `first`.
typedef struct AggregateSides {
    const char *p;
    const char *o;
    size_t first;
} AggregateSides;

// The merge of partial `index`, whose type is `type`.
void aggregate_print_merge(const AggregateRule *rule, size_t index, const AggregateSides *sides,
                           const Type *type, Buffer *sql);
// The gathering of the partials <p><first>..., as columns with the same numbers behind `name`:
// ", <aggregate> AS <name>0, ..." when all have a gather form; false and nothing otherwise.
bool aggregate_print_gather(const AggregateRule *rule, const AggregateSides *sides,
                            const Type *const *types, const char *name, Buffer *sql);
void aggregate_print_final(const AggregateRule *rule, const AggregateSides *sides,
                           const Type *result, Buffer *sql);
