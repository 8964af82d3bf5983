// SPDX-License-Identifier: Apache-2.0
#include "state/budget.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct StateBudget {
    int64_t limit;
    _Atomic int64_t used;
};

StateBudget *state_budget_create(int64_t limit_bytes)
{
    StateBudget *budget = calloc(1, sizeof *budget);
    if (budget == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    budget->limit = limit_bytes;
    return budget;
}

void state_budget_destroy(StateBudget *budget)
{
    free(budget);
}

int64_t state_budget_used(const StateBudget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed);
}

void budget_add(StateBudget *budget, int64_t change)
{
    if (budget != NULL) {
        atomic_fetch_add_explicit(&budget->used, change, memory_order_relaxed);
    }
}

int64_t budget_limit(const StateBudget *budget)
{
    return budget == NULL ? 0 : budget->limit;
}
