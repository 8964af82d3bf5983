// SPDX-License-Identifier: Apache-2.0
#include "engine/memory.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PROGRAM_BYTES = 64 << 20, // code, threads, buffers: of small limits at most a quarter
    STATE_PERCENT = 60,       // of what is left of the limit
    STATE_MIN_PERCENT = 10,   // so much DuckDB never gets
    STEP_PERCENT = 5,         // smaller moves are not worth a statement
};

struct Memory {
    int64_t usable;
    StateBudget *budget;
    _Atomic int64_t duck_bytes; // as DuckDB was told; 0: not yet
};

static int64_t usable_bytes(int64_t limit_bytes)
{
    int64_t program = limit_bytes / 4 < PROGRAM_BYTES ? limit_bytes / 4 : PROGRAM_BYTES;
    return limit_bytes - program;
}

int64_t memory_duck_bytes(int64_t limit_bytes)
{
    return usable_bytes(limit_bytes) / 100 * (100 - STATE_MIN_PERCENT);
}

Memory *memory_create(int64_t limit_bytes)
{
    Memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        fprintf(stderr, "tarn: out of memory\n");
        abort();
    }
    memory->usable = usable_bytes(limit_bytes);
    memory->budget = state_budget_create(memory->usable / 100 * STATE_PERCENT);
    return memory;
}

void memory_destroy(Memory *memory)
{
    if (memory != NULL) {
        state_budget_destroy(memory->budget);
        free(memory);
    }
}

StateBudget *memory_budget(Memory *memory)
{
    return memory->budget;
}

void memory_balance(Memory *memory, DuckConn *conn)
{
    int64_t least = memory->usable / 100 * STATE_MIN_PERCENT;
    int64_t used = state_budget_used(memory->budget);
    int64_t wanted = memory->usable - (used < least ? least : used);
    int64_t told = atomic_load(&memory->duck_bytes);
    int64_t step = memory->usable / 100 * STEP_PERCENT;
    if ((wanted > told - step && wanted < told + step) ||
        !atomic_compare_exchange_strong(&memory->duck_bytes, &told, wanted)) {
        return; // near enough, or another flow does it
    }
    char sql[64];
    Error err; // DuckDB cannot give memory back in the middle of a query: after the next batch
    snprintf(sql, sizeof sql, "SET GLOBAL memory_limit = '%" PRId64 "B'", wanted);
    if (!duck_run(conn, sql, &err)) {
        atomic_store(&memory->duck_bytes, 0);
    }
}
