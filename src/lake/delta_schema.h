// delta_schema.h -- Delta's schema JSON [1.10] to Schema, and back for tables created here.
//
// A DeltaSchema holds the columns twice: `logical` as users see them and `physical`, the same
// shape with the names that Parquet files, statistics and partition values use. Without column
// mapping [1.11] both are the same object. The JSON text itself is kept by the metaData action and
// rewritten verbatim, so metadata that tarn does not know survives.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/type.h"

typedef struct DeltaSchema {
    const Schema *logical;
    const Schema *physical;
    // What some column asks of a writer; the column's name, or NULL.
    const char *invariant;
    const char *generated;
    const char *identity;
} DeltaSchema;

// Everything is allocated in the arena.
MUST_USE bool delta_schema_parse(const char *json, bool mapped, DeltaSchema *schema, Arena *arena,
                                 Error *err);
void delta_schema_print(const Schema *schema, Buffer *out);

// Can a new table have this schema? Types that Delta lacks, names that Parquet readers reject,
// columns that differ only in case, unknown partition columns: ERROR_INPUT naming the column.
MUST_USE bool delta_schema_check(const Schema *schema, const char *const *partition_columns,
                                 size_t partition_count, Error *err);
// May a value of type `from` be stored in a column of type `to` without loss?
bool delta_schema_fits(const Type *from, const Type *to);
// Are all names, at any depth, of the kind that Delta writers generate ("col-<uuid>")?
bool delta_schema_is_generated(const Schema *physical);
bool delta_schema_uses(const Schema *schema, TypeKind kind); // at any depth
