// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <pthread.h>

static uint32_t table[256];
static bool has_sse42;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
        }
        table[i] = crc;
    }
#if defined(__x86_64__)
    has_sse42 = __builtin_cpu_supports("sse4.2");
#endif
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
update_sse42(uint32_t crc, const unsigned char *bytes, size_t size)
{
    uint64_t wide = crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; size--, bytes++) {
        crc = __builtin_ia32_crc32qi(crc, *bytes);
    }
    return crc;
}
#endif

uint32_t crc32c_update(uint32_t crc, const void *data, size_t size)
{
    pthread_once(&once, fill_table);
    const unsigned char *bytes = data;
    crc = ~crc;
#if defined(__x86_64__)
    if (has_sse42) {
        return ~update_sse42(crc, bytes, size);
    }
#endif
    for (size_t i = 0; i < size; i++) {
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    }
    return ~crc;
}
