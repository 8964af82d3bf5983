// watermark.h -- WATERMARK column DELAY OF interval [LATE DATA INTO table], planned.
//
// A watermark function sees every event time of the stream; the next stateful operator drops rows
// that are late. Late rows are counted, or they become rows of a table: then the plan has a
// statement that finds them among the operator's input. plan.h has the rest.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/type.h"
#include "sql/ast.h"

typedef struct PlanWatermark {
    TimeUs delay;
    const char *column;    // its name in the relation
    const Type *type;      // TIMESTAMP or TIMESTAMP_NTZ
    const char *function;  // "watermark_<flow>_<i>": sees every event time, returns it
    const Name *late_into; // LATE DATA INTO; NULL: late rows are only counted
} PlanWatermark;

// LATE DATA INTO: rows of the batch that a stage has dropped as late. The statement may run between
// the stage's and the next one's; it is worth it only when the stage has counted late rows.
typedef struct PlanLate {
    const Name *into;
    size_t stage;
    const char *sql;
    Schema schema; // of the stage's input
} PlanLate;
