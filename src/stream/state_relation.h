// state_relation.h -- a state table as a relation: what append and complete mode emit, and what
// SELECT * FROM state('flow') shows.
//
//     StateRelation relation = {table, &keys, &values, ...};   must outlive the function's
//     statements state_relation_register(conn, &relation, "scan_x", err)  table function scan_x()
//
// Columns: with_bucket: `bucket` BIGINT first; then the keys, then the values, by their names.
// Reads buckets in ascending order up to *last_bucket (NULL: all), on one thread, asking only for
// the columns used. The table may not change while a statement reads. Whoever registered retires
// the function (duck_function_retire).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duck.h"
#include "state/state.h"

typedef struct StateRelation {
    const StateTable *table;
    const Schema *keys;
    const Schema *values;
    const int64_t *last_bucket; // read when a scan starts
    bool with_bucket;
    bool value_is_int; // eight bytes, no encoded row; TIME_NEVER is shown as NULL
} StateRelation;

MUST_USE bool state_relation_register(DuckConn *conn, const StateRelation *relation,
                                      const char *function, Error *err);
