// delta_checkpoint.h -- the state of a version as one Parquet file, so that readers skip the log.
//
// Written after a commit, V1 classic, through DuckDB: the actions as JSON lines in the staging
// folder, COPY to Parquet there, count the rows again, then fsync and rename into the log, then
// the hint. Every derived field is nullable [1.5]. Contains protocol, metaData, txns, domains, live
// adds and removes whose retention has not passed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lake/delta_snapshot.h"

// Writes a checkpoint when one is due.
MUST_USE bool delta_checkpoint_after(DeltaTable *table, DuckConn *conn, TimeUs now, Error *err);
// "interval 7 days" in microseconds; the default when it is not such a text.
TimeUs delta_checkpoint_interval(const char *text, TimeUs missing);
