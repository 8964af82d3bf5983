// LATE DATA INTO: rows that a stage drops as late become rows of a table. See plan.h.
// SPDX-License-Identifier: Apache-2.0
#include "stream/plan_internal.h"

bool plan_add_late(Planner *planner, const PlanStage *stage, Flowing *input, const char *late_sql)
{
    if (input->late_into == NULL) {
        return true;
    }
    PlanLate late = {.into = input->late_into, .stage = (size_t)stage->id, .sql = late_sql};
    if (!plan_describe(planner, late_sql, late.into->pos, &late.schema)) {
        return false;
    }
    Plan *plan = planner->plan;
    ARENA_PUSH(planner->arena, plan->lates, plan->late_count, plan->late_capacity, late);
    input->late_into = NULL;
    return true;
}

static bool is_same_place(Pos a, Pos b)
{
    return a.source == b.source && a.start == b.start;
}

bool plan_check_lates(Planner *planner)
{
    const Plan *plan = planner->plan;
    for (size_t i = 0; i < plan->watermark_count; i++) {
        const Name *into = plan->watermarks[i].late_into;
        size_t taken = 0;
        for (size_t l = 0; into != NULL && l < plan->late_count; l++) {
            taken += is_same_place(plan->lates[l].into->pos, into->pos);
        }
        if (into != NULL && taken == 0) {
            return diagnose(planner->diagnostics, into->pos, "UNSUPPORTED_FEATURE",
                            "leave LATE DATA INTO out, or drop duplicates or group by a window of "
                            "the event time in output mode append or update",
                            "'%.*s' would stay empty: nothing above this watermark drops late rows",
                            SLICE_ARG(into->parts[into->count - 1]));
        }
        if (taken > 1) {
            return diagnose(planner->diagnostics, into->pos, "UNSUPPORTED_FEATURE",
                            "write the query's parts as flows of their own",
                            "several operators would write their late rows into '%.*s'",
                            SLICE_ARG(into->parts[into->count - 1]));
        }
    }
    return true;
}

bool plan_union_late(Planner *planner, const Flowing *left, const Flowing *right)
{
    const Name *into = left->late_into != NULL ? left->late_into : right->late_into;
    return into == NULL ||
           diagnose(planner->diagnostics, into->pos, "UNSUPPORTED_FEATURE",
                    "write WATERMARK ... LATE DATA INTO after the union: FROM (... UNION ALL ...) "
                    "WATERMARK ...",
                    "late rows of one part of UNION ALL cannot be told from those of the other");
}
