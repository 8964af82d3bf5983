// offset.h -- offsets of sources as JSON: reading integer fields of one flat object.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

struct json_t; // of <jansson.h>

// The object in `offset`; NULL with ERROR_CORRUPT showing the text. json_decref() when done.
struct json_t *offset_parse(Slice offset, Error *err);
// An integer field that must be there; ERROR_CORRUPT otherwise.
MUST_USE bool offset_int(const struct json_t *object, const char *key, int64_t *value, Error *err);
