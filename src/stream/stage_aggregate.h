// stage_aggregate.h -- what a plan says of a grouped aggregation beside its statement. See plan.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/type.h"
#include "stream/window.h"

// A window() among the keys of an aggregation: its start in microseconds is the key.
typedef struct PlanWindow {
    WindowShape shape;
    const Type *type;     // of the time: TIMESTAMP or TIMESTAMP_NTZ
    const char *function; // "window_<flow>_<stage>_<i>": time -> start of its window (sliding: of
                          // its pane), BIGINT
} PlanWindow;

// The values that the DISTINCT of an aggregate has seen in each group.
typedef struct PlanDistinct {
    // (bucket, keys..., value) -> BOOLEAN: new to its group; or, when it slides,
    // (keys..., value, panes) -> ARRAY(STRUCT(from, to)): new to these windows
    const char *function;
    const char *table; // in the state: (bucket, keys and value)
    Schema keys;       // those beside a sliding window, and the value
    bool slides;
    WindowShape shape; // of the sliding window
} PlanDistinct;

typedef struct PlanAggregate {
    PlanWindow *windows;
    size_t window_count;
    size_t window_capacity;
    PlanDistinct *distincts;
    size_t distinct_count;
    const char *get_function; // (bucket, keys...) -> STRUCT(values) | NULL
    const char *meaning;      // of keys and values: part of the layout
} PlanAggregate;
