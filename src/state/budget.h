// budget.h -- the account of memory that the states of all flows share.
//
// A state tells what it needs more (or less); the sum is what state_budget_used shows. Counting is
// atomic: flows run on threads of their own. See state.h for creating and destroying it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state/state.h"

void budget_add(StateBudget *budget, int64_t change); // NULL is a no-op
int64_t budget_limit(const StateBudget *budget);      // 0: none
