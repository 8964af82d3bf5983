// delta_log_parquet.h -- the rows of checkpoint Parquet files and sidecars as actions [1.5].
//
// DuckDB reads the files; which columns exist differs by writer and version, so every column is
// asked for only when the file has it. Small actions come as JSON text and take the same way as
// those of commits; adds and removes are read column by column.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/store.h"
#include "duck/duck.h"
#include "lake/delta_action.h"

// `names` are objects of the store. Damage is ERROR_CORRUPT naming the first file.
MUST_USE bool delta_log_read_parquet(Store *store, DuckConn *conn, const DeltaNames *names,
                                     DeltaActions *actions, Arena *arena, Error *err);
