// function_collection.c -- arrays, maps, structs, lambdas and generators.
// SPDX-License-Identifier: Apache-2.0
#include "sql/function.h"

#define F(name, result, least, most, sql)                                                          \
    {                                                                                              \
        name, FUNCTION_SCALAR, result, least, most, HOOK_NONE, sql, NULL, NULL                     \
    }
#define H(name, result, least, most, hook, sql)                                                    \
    {                                                                                              \
        name, FUNCTION_SCALAR, result, least, most, hook, sql, NULL, NULL                          \
    }
#define G(name, least, most, parameter)                                                            \
    {                                                                                              \
        name, FUNCTION_GENERATOR, KIND_UNKNOWN, least, most, HOOK_GENERATOR, parameter, NULL, NULL \
    }

static const Function functions[] = {
    H("array", KIND_ARRAY, 0, ANY_COUNT, HOOK_ARRAY, NULL),
    H("map", KIND_MAP, 0, ANY_COUNT, HOOK_MAP, NULL),
    H("struct", KIND_STRUCT, 1, ANY_COUNT, HOOK_STRUCT, NULL),
    H("named_struct", KIND_STRUCT, 2, ANY_COUNT, HOOK_NAMED_STRUCT, NULL),

    F("size", KIND_INT, 1, 1, "spark_size($1)"),
    F("cardinality", KIND_INT, 1, 1, "spark_size($1)"),
    F("array_size", KIND_INT, 1, 1, "spark_size($1)"),
    F("array_contains", KIND_BOOLEAN, 2, 2, "spark_array_contains($1, $2)"),
    F("array_position", KIND_BIGINT, 2, 2, "spark_array_position($1, $2)"),
    F("array_append", KIND_ARRAY, 2, 2, "spark_array_append($1, $2)"),
    F("array_prepend", KIND_ARRAY, 2, 2, "spark_array_prepend($1, $2)"),
    F("array_insert", KIND_ARRAY, 3, 3, "spark_array_insert($1, $2l, $3)"),
    F("array_distinct", KIND_ARRAY, 1, 1, "spark_array_distinct($1)"),
    F("array_intersect", KIND_ARRAY, 2, 2, "spark_array_intersect($1, $2)"),
    F("array_except", KIND_ARRAY, 2, 2, "spark_array_except($1, $2)"),
    F("array_union", KIND_ARRAY, 2, 2, "spark_array_union($1, $2)"),
    F("arrays_overlap", KIND_BOOLEAN, 2, 2, "spark_arrays_overlap($1, $2)"),
    F("array_join", KIND_STRING, 2, 2, "spark_array_join($1, $2s)"),
    F("array_join", KIND_STRING, 3, 3, "spark_array_join($1, $2s, $3s)"),
    F("array_max", KIND_UNKNOWN, 1, 1, "list_max($1)"),
    F("array_min", KIND_UNKNOWN, 1, 1, "list_min($1)"),
    F("array_remove", KIND_ARRAY, 2, 2, "spark_array_remove($1, $2)"),
    F("array_compact", KIND_ARRAY, 1, 1, "list_filter($1, lambda v: v IS NOT NULL)"),
    F("array_repeat", KIND_ARRAY, 2, 2, "spark_array_repeat($1, $2i)"),
    F("array_sort", KIND_ARRAY, 1, 1, "list_sort($1, 'ASC', 'NULLS LAST')"),
    F("sort_array", KIND_ARRAY, 1, 1, "list_sort($1, 'ASC', 'NULLS FIRST')"),
    {"sort_array", FUNCTION_SCALAR, KIND_ARRAY, 2, 2, HOOK_NONE, "spark_sort_array($1, $2)", NULL,
     NULL},
    H("array_sort", KIND_ARRAY, 2, 2, HOOK_HIGHER_ORDER, "sort"),
    H("arrays_zip", KIND_ARRAY, 1, ANY_COUNT, HOOK_ARRAYS_ZIP, NULL),
    F("flatten", KIND_ARRAY, 1, 1, "spark_flatten($1)"),
    F("slice", KIND_ARRAY, 3, 3, "spark_slice($1, $2l, $3l)"),
    F("sequence", KIND_ARRAY, 2, 2, "spark_sequence($1, $2)"),
    F("sequence", KIND_ARRAY, 3, 3, "spark_sequence($1, $2, $3)"),
    F("get", KIND_UNKNOWN, 2, 2, "spark_get($1, $2)"),
    F("element_at", KIND_UNKNOWN, 2, 2, "spark_element_at($1, $2)"),
    F("try_element_at", KIND_UNKNOWN, 2, 2, "($1)[$2]"),

    F("map_keys", KIND_ARRAY, 1, 1, "map_keys($1)"),
    F("map_values", KIND_ARRAY, 1, 1, "map_values($1)"),
    F("map_entries", KIND_ARRAY, 1, 1, "map_entries($1)"),
    F("map_from_arrays", KIND_MAP, 2, 2, "map($1, $2)"),
    F("map_from_entries", KIND_MAP, 1, 1, "map_from_entries($1)"),
    F("map_concat", KIND_MAP, 1, ANY_COUNT, "map_from_entries(flatten([$*e]))"),
    F("map_contains_key", KIND_BOOLEAN, 2, 2, "spark_map_contains_key($1, $2)"),

    H("transform", KIND_ARRAY, 2, 2, HOOK_HIGHER_ORDER, "transform"),
    H("filter", KIND_ARRAY, 2, 2, HOOK_HIGHER_ORDER, "filter"),
    H("exists", KIND_BOOLEAN, 2, 2, HOOK_HIGHER_ORDER, "exists"),
    H("any_match", KIND_BOOLEAN, 2, 2, HOOK_HIGHER_ORDER, "exists"),
    H("forall", KIND_BOOLEAN, 2, 2, HOOK_HIGHER_ORDER, "forall"),
    H("aggregate", KIND_UNKNOWN, 3, 4, HOOK_HIGHER_ORDER, "aggregate"),
    H("reduce", KIND_UNKNOWN, 3, 4, HOOK_HIGHER_ORDER, "aggregate"),
    H("zip_with", KIND_ARRAY, 3, 3, HOOK_HIGHER_ORDER, "zip_with"),
    H("map_zip_with", KIND_MAP, 3, 3, HOOK_HIGHER_ORDER, "zip_maps"),
    H("map_filter", KIND_MAP, 2, 2, HOOK_HIGHER_ORDER, "map_filter"),
    H("transform_keys", KIND_MAP, 2, 2, HOOK_HIGHER_ORDER, "transform_keys"),
    H("transform_values", KIND_MAP, 2, 2, HOOK_HIGHER_ORDER, "transform_values"),

    G("explode", 1, 1, "explode"),
    G("explode_outer", 1, 1, "explode_outer"),
    G("posexplode", 1, 1, "posexplode"),
    G("posexplode_outer", 1, 1, "posexplode_outer"),
    G("inline", 1, 1, "inline"),
    G("inline_outer", 1, 1, "inline_outer"),
    G("stack", 2, ANY_COUNT, "stack"),
    G("json_tuple", 2, ANY_COUNT, "json_tuple"),
};

const FunctionGroup function_collections = {functions, sizeof functions / sizeof functions[0]};
