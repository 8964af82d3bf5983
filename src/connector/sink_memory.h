// sink_memory.h -- where the rows of a memory sink can be queried.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"

// A DuckDB relation (a quoted table name) of the sink `dataset`, for FROM. It is there once the
// sink was opened and stays as long as the database instance, also when the flow starts again.
const char *sink_memory_relation(Arena *arena, const char *dataset);
