// budget.h -- what the states of all flows share: an account of memory, and helping threads.
//
// A state tells what it needs more (or less); the sum is what state_budget_used shows. Counting is
// atomic: flows run on threads of their own. See state.h for creating and destroying it.
//
// The helpers wait for the disk, not for a processor, so there are more of them than cores. They
// are started when first needed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/state.h"

void budget_add(StateBudget *budget, int64_t change); // NULL is a no-op
int64_t budget_limit(const StateBudget *budget);      // 0: none

// A state that uses the account, from opening to closing. NULL is a no-op.
void budget_join(StateBudget *budget);
void budget_leave(StateBudget *budget);
int64_t budget_share(const StateBudget *budget); // of 7/8 of the limit, for each of them

// Calls work(context, 0 .. count - 1), each once, on the calling thread and the helpers, and waits
// until all have returned. NULL: on the calling thread alone.
typedef void (*BudgetWork)(void *context, size_t index);
void budget_run(StateBudget *budget, BudgetWork work, void *context, size_t count);
