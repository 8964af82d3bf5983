// catalog_side.h -- tables that flows fill beside their own, and constraints: the catalog's part.
//
//     ON VIOLATION QUARANTINE   "<table>_quarantine": the row, _reason, _constraint, _batch,
//                               _source_offset; one for all flows of the table
//     LATE DATA INTO t          t: the rows that the next stateful operator drops as late, _batch,
//                               _watermark; one flow
//
// Both are datasets: registered with the statement that asks for them, linked to their flows once
// views are replaced (a reader runs after them), their columns known when the flow's are.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/catalog.h"

// `dataset`: that of the statement; NULL: a flow's.
bool catalog_add_sides(Catalog *catalog, const Statement *statement, Dataset *dataset);
void catalog_link_sides(Catalog *catalog);
bool catalog_resolve_quarantine(Catalog *catalog, const Dataset *dataset);
bool catalog_resolve_late(Catalog *catalog, const FlowSpec *flow, const Plan *plan);
// No flow fills it and nothing reads it: a view that nobody reads yet asks for it.
bool catalog_is_idle_side(const Catalog *catalog, const Dataset *side);
bool catalog_resolve_side(Catalog *catalog, const Dataset *side);
// The conditions of a dataset whose columns are known: names, types, one row at a time.
bool catalog_check_expectations(Catalog *catalog, const Dataset *dataset);

// catalog.c: a dataset that no statement declares.
bool catalog_add_side(Catalog *catalog, DatasetKind kind, const Name *name, Dataset **side);
