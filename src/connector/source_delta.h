// source_delta.h -- a Delta table as a stream; see source_delta.c for offsets and options.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream/source.h"

// Config of source_delta for the table at `path`. `schema` is what its columns will be while the
// table does not exist yet (its flow has not committed); NULL: the table must exist.
void *source_delta_config(Arena *arena, const char *path, const Schema *schema);
// The options of FROM STREAM t WITH ('key' = 'value') into such a config; problems have positions.
MUST_USE bool source_delta_configure(void *config, const Relation *relation, Arena *arena,
                                     Diagnostics *diagnostics);
