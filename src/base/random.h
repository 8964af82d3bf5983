// random.h -- seeded random numbers (splitmix64) and random UUIDs.
// The same seed gives the same numbers on every machine. Not for secrets; random_uuid() and
// random_seed() read the kernel's generator.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

typedef struct Random {
    uint64_t state;
} Random;

uint64_t random_next(Random *random);
double random_unit(Random *random);                    // [0, 1)
uint64_t random_below(Random *random, uint64_t limit); // [0, limit), limit > 0

uint64_t random_seed(void);
void random_uuid(char text[37]); // version 4, lower case, NUL-terminated
