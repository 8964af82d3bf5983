// explain.h -- EXPLAIN STREAMING: how a query runs as a flow, for people.
//
//     EXPLAIN STREAMING SELECT ... FROM STREAM ...           in output mode append
//     EXPLAIN STREAMING CREATE STREAMING TABLE ... AS ...    as the statement says
//     EXPLAIN STREAMING sales                                the flows of a dataset, or a flow
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/catalog.h"

// False after a problem (in the catalog's Diagnostics) or an error (err filled; else *is_problem).
MUST_USE bool explain_statement(Catalog *catalog, const Statement *statement, Buffer *out,
                                bool *is_problem, Error *err);
