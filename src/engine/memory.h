// memory.h -- how tarn.memory.limit is divided between DuckDB and the states of the flows.
//
//     | the program itself | state, up to 60 % of the rest ------> | <------ DuckDB, what is left |
//
// The boundary moves: DuckDB's memory_limit goes down as state grows, and up again when windows
// close. DuckDB spills when it has too little, state keeps rows on disk alone when it has (see
// state/state.h), so both go on, slower. Thread-safe.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duck.h"
#include "state/state.h"

typedef struct Memory Memory;

Memory *memory_create(int64_t limit_bytes);
void memory_destroy(Memory *memory);            // NULL is a no-op
StateBudget *memory_budget(Memory *memory);     // of all flows; lives as long
int64_t memory_duck_bytes(int64_t limit_bytes); // DuckDB's share while there is no state

// After a batch: moves the boundary if the states have changed much.
void memory_balance(Memory *memory, DuckConn *conn);
