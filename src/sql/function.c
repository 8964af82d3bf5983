// function.c -- finding functions by name; the names of Spark's that are not there yet.
// SPDX-License-Identifier: Apache-2.0
#include "sql/function.h"

#include "sql/print.h"

static const FunctionGroup *const groups[] = {
    &function_aggregates, &function_strings,     &function_numbers,
    &function_times,      &function_collections, &function_others,
};

// Spark has them, this version does not; a call is refused by name.
static const char *const missing[] = {
    "aes_decrypt",
    "aes_encrypt",
    "bitmap_and_agg",
    "bitmap_construct_agg",
    "bitmap_count",
    "bitmap_or_agg",
    "collate",
    "collation",
    "collations",
    "count_min_sketch",
    "cube",
    "current_path",
    "current_time",
    "current_user",
    "csv",
    "from_avro",
    "from_csv",
    "from_protobuf",
    "from_xml",
    "h3_cell",
    "histogram_numeric",
    "hll_sketch_agg",
    "hll_sketch_estimate",
    "hll_union",
    "hll_union_agg",
    "input_file_block_length",
    "input_file_block_start",
    "input_file_name",
    "is_valid_variant",
    "is_variant_null",
    "java_method",
    "make_dt_interval",
    "make_interval",
    "make_time",
    "make_ym_interval",
    "parse_json",
    "randn",
    "randstr",
    "reflect",
    "schema_of_avro",
    "schema_of_csv",
    "schema_of_variant",
    "schema_of_variant_agg",
    "schema_of_xml",
    "sentences",
    "session_user",
    "shuffle",
    "sql_keywords",
    "time_diff",
    "time_from_micros",
    "time_from_millis",
    "time_from_seconds",
    "time_to_micros",
    "time_to_millis",
    "time_to_seconds",
    "time_trunc",
    "to_avro",
    "to_csv",
    "to_number",
    "to_protobuf",
    "to_time",
    "to_variant_object",
    "to_xml",
    "try_aes_decrypt",
    "try_make_interval",
    "try_parse_json",
    "try_reflect",
    "try_to_number",
    "try_to_time",
    "try_variant_get",
    "uniform",
    "user",
    "variant_explode",
    "variant_explode_outer",
    "variant_get",
    "xpath",
    "xpath_boolean",
    "xpath_double",
    "xpath_float",
    "xpath_int",
    "xpath_long",
    "xpath_number",
    "xpath_short",
    "xpath_string",
};

// Families of functions that share a prefix.
static const char *const missing_families[] = {"kll_",    "theta_",       "tuple_", "st_",
                                               "vector_", "approx_top_k", "hll_",   "bitmap_"};

static bool name_equal(Slice name, const char *lower)
{
    size_t i = 0;
    for (; i < name.size && lower[i] != '\0'; i++) {
        char c = name.data[i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != lower[i]) {
            return false;
        }
    }
    return i == name.size && lower[i] == '\0';
}

bool function_takes(const Function *function, size_t argument_count)
{
    return argument_count >= (size_t)function->least &&
           (function->most == ANY_COUNT || argument_count <= (size_t)function->most);
}

const Function *function_find(Slice name, size_t argument_count)
{
    const Function *found = NULL;
    for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
        for (size_t i = 0; i < groups[g]->count; i++) {
            const Function *function = &groups[g]->functions[i];
            if (!name_equal(name, function->name)) {
                continue;
            }
            if (function_takes(function, argument_count)) {
                return function;
            }
            found = function;
        }
    }
    return found;
}

bool function_is_missing(Slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        if (name_equal(name, missing[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(missing_families); i++) {
        Slice head = {name.data, strlen(missing_families[i])};
        if (name.size > head.size && name_equal(head, missing_families[i])) {
            return true;
        }
    }
    return false;
}

const char *function_nearest(Arena *arena, Slice name)
{
    size_t best = SIZE_MAX;
    const char *nearest = NULL;
    for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
        for (size_t i = 0; i < groups[g]->count; i++) {
            Slice known = slice_of(groups[g]->functions[i].name);
            size_t distance = text_distance(name, known);
            if (distance < best && text_is_near(name, known)) {
                best = distance;
                nearest = known.data;
            }
        }
    }
    return nearest == NULL ? NULL : arena_printf(arena, "did you mean '%s'?", nearest);
}

bool sql_is_aggregate(Slice function)
{
    const Function *found = function_find(function, 1);
    return found != NULL && found->kind == FUNCTION_AGGREGATE;
}

bool sql_is_window_function(Slice function)
{
    const Function *found = function_find(function, 1);
    return found != NULL && found->kind == FUNCTION_WINDOW;
}

bool sql_is_known_function(Slice function)
{
    return function_find(function, 1) != NULL;
}
