// generator_text.h -- what the generator kinds share: weighted choices and timestamps as text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "connector/generator.h"

// The index of a weight, with probability weight / sum.
size_t generator_pick(Random *random, const int *weights, size_t count);
// Standard normal, from uniform sums (no libm, so equal on every machine).
double generator_normal(Random *random);
// True with the given percentage.
bool generator_chance(Random *random, double percent);
// A bijection of 64-bit numbers: distinct inputs give distinct, random-looking outputs.
uint64_t generator_scramble(uint64_t value);
// Decimal digits, at least `width` of them; printf is most of the cost of an event otherwise.
void generator_digits(int64_t value, int width, Buffer *out);
// 16 hexadecimal digits.
void generator_hex(uint64_t value, Buffer *out);
// 2025-01-01T12:00:00.123456; without_zero leaves a zero fraction out, as Python's isoformat does.
void generator_timestamp(TimeUs time, bool without_zero, Buffer *out);
