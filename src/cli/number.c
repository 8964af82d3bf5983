// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <stdio.h>

void cli_append_size(Buffer *out, int64_t bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    buffer_printf(out, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void cli_append_count(Buffer *out, int64_t count)
{
    char digits[32];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)count);
    for (int i = 0; i < size; i++) {
        bool is_group = i > 0 && (size - i) % 3 == 0 && digits[i - 1] != '-';
        if (is_group) {
            buffer_append_char(out, ',');
        }
        buffer_append_char(out, digits[i]);
    }
}
