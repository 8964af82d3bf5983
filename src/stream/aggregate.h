// aggregate.h -- aggregate functions as partial, merge and final SQL.
//
// An aggregate over a stream is kept as one or more partial values per group. For each:
//
//     partial   computed from the rows of this batch, in Spark SQL terms (an expression tree)
//     merge     DuckDB SQL of two partials: p (this batch) and o (state; NULL when new)
//     final     DuckDB SQL over the merged partials
//
// Templates name the partials $p and $o while merging and $0, $1, ... in the final form. The table
// is the whole truth about which aggregates run on streams; others are refused by name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/ast.h"

enum { AGGREGATE_PARTIALS_MAX = 4 };

typedef enum MergeKind {
    MERGE_ADD,   // NULL means nothing yet
    MERGE_LEAST, // NULLs are ignored
    MERGE_GREATEST,
    MERGE_AND,
    MERGE_OR,
} MergeKind;

typedef struct AggregatePartial {
    const char *function; // Spark aggregate that computes it from a batch
    bool as_double;       // the argument is cast to DOUBLE unless it is a decimal
    MergeKind merge;
} AggregatePartial;

typedef struct AggregateRule {
    const char *name; // lower case
    AggregatePartial partials[AGGREGATE_PARTIALS_MAX];
    size_t partial_count;
    const char *final;         // $0 $1; %T is the aggregate's result type in a batch query
    const char *final_decimal; // the same for a DECIMAL result; NULL: as `final`
} AggregateRule;

const AggregateRule *aggregate_find(Slice function); // NULL: not on streams

// The merge of partial columns `p` and `o` (quoted SQL) as `type`.
void aggregate_print_merge(MergeKind merge, const char *p, const char *o, const Type *type,
                           Buffer *sql);
void aggregate_print_final(const AggregateRule *rule, const char *const *partials,
                           const Type *result, Buffer *sql);
