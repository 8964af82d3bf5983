// change.h -- a query that was edited between two runs: may its flow go on?
//
//     state and offsets     plan.json of the checkpoint (describe.h) beside the plan of now
//     columns               the Delta table beside the query
//
// What is kept:       projections and filters above the stateful operators, new columns made of
//                     what the state has, rates and limits of sources.
// What is told:       a filter, projection or view below a stateful operator, a watermark's delay:
//                     the state goes on with what it has (Spark allows it, too).
// What is refused:    other sources, watermark columns, operators, keys, aggregates, types, output
//                     modes, and columns that the table does not have; each with old and new.
//
// Problems go to `diagnostics`, at the place in the query; the advice is --full-refresh.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/catalog.h"
#include "lake/delta.h"

struct json_t; // of <jansson.h>

// Whether state described by `before` may go on under `after` (both describe_plan's). Warnings are
// logged when `warns`.
bool change_allows(Catalog *catalog, const FlowSpec *flow, const Plan *plan,
                   const struct json_t *before, const struct json_t *after, bool warns,
                   Diagnostics *diagnostics);

// Compares with the checkpoint in `folder`, and remembers the plan there. A checkpoint without
// batches, or of a time without plan.json, allows anything.
MUST_USE bool change_accept(Catalog *catalog, const FlowSpec *flow, const Plan *plan,
                            const char *folder, bool has_batches, Error *err);
// Whether the table takes these columns; a table that is not there takes all.
MUST_USE bool change_check_table(Catalog *catalog, const FlowSpec *flow, const Schema *columns,
                                 DuckConn *conn, Diagnostics *diagnostics, Error *err);
// Both for all flows, without touching anything: dry-run. Problems go to the catalog's diagnostics.
void change_check_all(Catalog *catalog);
