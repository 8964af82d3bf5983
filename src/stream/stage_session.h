// stage_session.h -- what the plan says of a stage of session windows. See plan.h, plan_session.c.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/type.h"

typedef struct PlanSession {
    const char *claim_function; // (start, end in us, keys...) -> BIGINT: the part of a session that
                                // gathers the row; NULL: late, or no session
    const char *get_function;   // (part) -> STRUCT(values) of a session that was open | NULL
    const char *pairs_function; // table: pair BIGINT, pv0..., qv0...: values to merge, q is earlier
    const char *merge_sql;      // reads it: pair, v0...
    const Schema *partials;     // v0...
    const Type *time;           // TIMESTAMP or TIMESTAMP_NTZ
    size_t key;                 // which column k<i> of state_relation is the window
    TimeUs gap;                 // 0: each row has its own
} PlanSession;
