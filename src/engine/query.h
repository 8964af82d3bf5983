// query.h -- a batch query over the tables as they are now. engine_query() in engine.h prints it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/relation.h"

// DuckDB SQL of the query, bound; false after a problem in the catalog's Diagnostics.
bool query_print(RelationReader *reader, const Query *query, TimeUs now, Buffer *sql);
