// function_other.c -- conditions, casts by name, and what fits nowhere else.
// SPDX-License-Identifier: Apache-2.0
#include "sql/function.h"

#define F(name, result, least, most, sql)                                                          \
    {                                                                                              \
        name, FUNCTION_SCALAR, result, least, most, HOOK_NONE, sql, NULL, NULL                     \
    }
#define C(name, result, type)                                                                      \
    {                                                                                              \
        name, FUNCTION_SCALAR, result, 1, 1, HOOK_CAST, type, NULL, NULL                           \
    }

static const Function functions[] = {
    {"coalesce", FUNCTION_SCALAR, KIND_UNKNOWN, 1, ANY_COUNT, HOOK_COALESCE, NULL, NULL, NULL},
    {"nvl", FUNCTION_SCALAR, KIND_UNKNOWN, 2, 2, HOOK_COALESCE, NULL, NULL, NULL},
    {"ifnull", FUNCTION_SCALAR, KIND_UNKNOWN, 2, 2, HOOK_COALESCE, NULL, NULL, NULL},
    F("nvl2", KIND_UNKNOWN, 3, 3, "CASE WHEN ($1) IS NOT NULL THEN $2 ELSE $3 END"),
    F("nullif", KIND_UNKNOWN, 2, 2, "nullif($1, $2)"),
    F("nullifzero", KIND_UNKNOWN, 1, 1, "nullif($1, 0)"),
    F("zeroifnull", KIND_UNKNOWN, 1, 1, "coalesce($1, 0)"),
    {"if", FUNCTION_SCALAR, KIND_UNKNOWN, 3, 3, HOOK_IF, NULL, NULL, NULL},
    {"iff", FUNCTION_SCALAR, KIND_UNKNOWN, 3, 3, HOOK_IF, NULL, NULL, NULL},
    F("isnull", KIND_BOOLEAN, 1, 1, "(($1) IS NULL)"),
    F("isnotnull", KIND_BOOLEAN, 1, 1, "(($1) IS NOT NULL)"),
    F("equal_null", KIND_BOOLEAN, 2, 2, "($1 IS NOT DISTINCT FROM $2)"),
    F("typeof", KIND_STRING, 1, 1, "spark_typeof($1)"),
    F("assert_true", KIND_NULL, 1, 1, "spark_assert($1, '''' || $a || ''' is not true!')"),
    F("assert_true", KIND_NULL, 2, 2, "spark_assert($1, $2s)"),
    F("raise_error", KIND_NULL, 1, 1, "error('[USER_RAISED_EXCEPTION] ' || $1s)"),
    F("uuid", KIND_STRING, 0, 0, "CAST(uuid() AS VARCHAR)"),
    F("rand", KIND_DOUBLE, 0, 0, "random()"),
    F("random", KIND_DOUBLE, 0, 0, "random()"),
    F("spark_partition_id", KIND_INT, 0, 0, "0"),
    F("monotonically_increasing_id", KIND_BIGINT, 0, 0, "(row_number() OVER () - 1)"),
    F("version", KIND_STRING, 0, 0, "'4.2.0 tarn'"),
    F("current_catalog", KIND_STRING, 0, 0, "'spark_catalog'"),
    F("current_database", KIND_STRING, 0, 0, "'default'"),
    F("current_schema", KIND_STRING, 0, 0, "'default'"),
    C("bigint", KIND_BIGINT, "bigint"),
    C("binary", KIND_BINARY, "binary"),
    C("boolean", KIND_BOOLEAN, "boolean"),
    C("date", KIND_DATE, "date"),
    C("decimal", KIND_DECIMAL, "decimal"),
    C("double", KIND_DOUBLE, "double"),
    C("float", KIND_UNKNOWN, "float"),
    C("int", KIND_INT, "int"),
    C("smallint", KIND_UNKNOWN, "smallint"),
    C("string", KIND_STRING, "string"),
    C("timestamp", KIND_TIMESTAMP, "timestamp"),
    C("tinyint", KIND_UNKNOWN, "tinyint"),
};

const FunctionGroup function_others = {functions, sizeof functions / sizeof functions[0]};
