// describe.h -- what a checkpoint knows of its query: the file plan.json beside the log.
//
// The log names tables by numbers and rows by types. This file says what they are in the user's
// words, so that state('flow') can show them without the query, and so that an edited query can be
// compared with the one whose state is there (change.h). It is written when a flow opens and its
// query differs, durably, before the first batch under it.
//
//     {"v":1,"tarn":"0.1.0","mode":"append","sources":["read_files('in')"],
//      "watermarks":[{"column":"ts","delay":10000000}],
//      "stages":[{"name":"aggregate_0","kind":"aggregation","closes":true,"sql":123,
//                 "facts":[["keys","window(ts, '1 minute'), page"]],
//                 "columns":[{"column":"k0","name":"window","size":60000000,"type":"timestamp"}]}]}
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/catalog.h"

#define DESCRIBE_FILE  "plan.json"
#define DESCRIBE_TYPES "types" // the last fact of each stage

struct json_t; // of <jansson.h>

// json_decref() when done.
struct json_t *describe_plan(Catalog *catalog, const Plan *plan);
// The description in a checkpoint folder; NULL (and true) when there is none that can be read.
MUST_USE bool describe_read(const char *folder, struct json_t **description, Error *err);
MUST_USE bool describe_write(const char *folder, const struct json_t *description, Error *err);
// A stage of a description by its name; NULL: none. Borrowed.
const struct json_t *describe_stage(const struct json_t *description, const char *name);

const char *describe_kind(StageKind kind); // "aggregation"
// A source as the user calls it: "read_files('in')", "STREAM logs". In the arena.
const char *describe_source(Catalog *catalog, const Relation *relation);
