// crc32c.h -- CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), as in iSCSI and ext4.
// crc32c_update(0, ...) starts; feed the result back in to go on. Uses SSE4.2 where the CPU has it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

uint32_t crc32c_update(uint32_t crc, const void *data, size_t size);
