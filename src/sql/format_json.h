// format_json.h -- to_json with or without NULL fields.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duck.h"

// nulls: fields of structs that are NULL are written too (to_json itself leaves them out).
void format_json_styled(const DuckColumn *column, uint64_t row, bool nulls, Buffer *out);
