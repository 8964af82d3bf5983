// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

uint64_t random_next(Random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double random_unit(Random *random)
{
    return (double)(random_next(random) >> 11) / 9007199254740992.0;
}

uint64_t random_below(Random *random, uint64_t limit)
{
    return random_next(random) % limit;
}

static void fill(void *bytes, size_t size)
{
    if (getrandom(bytes, size, 0) != (ssize_t)size) {
        fprintf(stderr, "tarn: the kernel gives no random bytes\n");
        abort();
    }
}

uint64_t random_seed(void)
{
    uint64_t seed;
    fill(&seed, sizeof seed);
    return seed;
}

void random_uuid(char text[37])
{
    unsigned char b[16];
    fill(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}
