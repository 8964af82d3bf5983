// function_aggregate.c -- aggregate and window functions.
// SPDX-License-Identifier: Apache-2.0
#include "sql/function.h"

#define AGG(name, result, least, most, sql)                                                        \
    {                                                                                              \
        name, FUNCTION_AGGREGATE, result, least, most, HOOK_NONE, sql, NULL, NULL                  \
    }
#define HOOKED(name, result, least, most, hook, sql)                                               \
    {                                                                                              \
        name, FUNCTION_AGGREGATE, result, least, most, hook, sql, NULL, NULL                       \
    }
#define WIN(name, result, least, most, sql, shown, defaults)                                       \
    {                                                                                              \
        name, FUNCTION_WINDOW, result, least, most, HOOK_NONE, sql, shown, defaults                \
    }
// The sum of integers is HUGEINT in DuckDB and BIGINT in Spark, of decimals 10 digits wider.
// typeof(any_value()) is folded while binding and costs nothing.
#define SUM                                                                                        \
    "cast_to_type(sum($D$1n)$W, json_transform('null', "                                           \
    "spark_sum_type(typeof(any_value($1n)$W))))"
#define TRY_SUM                                                                                    \
    "cast_to_type(spark_fit(sum($D$1n)$W, spark_sum_type(typeof(any_value($1n)$W))), "             \
    "json_transform('null', spark_sum_type(typeof(any_value($1n)$W))))"
#define AVG                                                                                        \
    "cast_to_type(spark_average(sum($D$1n)$W, count($D$1n)$W, "                                    \
    "spark_average_type(typeof(any_value($1n)$W))), "                                              \
    "json_transform('null', spark_average_type(typeof(any_value($1n)$W))))"

// DuckDB's own differ in the last digits.
#define REGRESSION(what)                                                                           \
    AGG("regr_" what, KIND_DOUBLE, 2, 2,                                                           \
        "spark_regression('" what                                                                  \
        "', array_agg([$1d, $2d])$F(($1) IS NOT NULL AND ($2) IS NOT NULL)$G)")

static const Function functions[] = {
    HOOKED("count", KIND_BIGINT, 0, ANY_COUNT, HOOK_COUNT, NULL),
    AGG("sum", KIND_UNKNOWN, 1, 1, SUM),
    AGG("try_sum", KIND_UNKNOWN, 1, 1, TRY_SUM),
    AGG("avg", KIND_UNKNOWN, 1, 1, AVG),
    AGG("mean", KIND_UNKNOWN, 1, 1, AVG),
    AGG("try_avg", KIND_UNKNOWN, 1, 1, AVG),
    AGG("min", KIND_UNKNOWN, 1, 1, "min($D$1)$W"),
    AGG("max", KIND_UNKNOWN, 1, 1, "max($D$1)$W"),
    AGG("min_by", KIND_UNKNOWN, 2, 2, "arg_min_null($1, $2)$W"),
    AGG("max_by", KIND_UNKNOWN, 2, 2, "arg_max_null($1, $2)$W"),
    AGG("min_by", KIND_ARRAY, 3, 3, "arg_min($1, $2, $3)$W"),
    AGG("max_by", KIND_ARRAY, 3, 3, "arg_max($1, $2, $3)$W"),
    AGG("count_if", KIND_BIGINT, 1, 1, "count($DCASE WHEN $1 THEN 1 END)$W"),
    AGG("collect_list", KIND_ARRAY, 1, 1, "spark_list(array_agg($D$1)$F(($1) IS NOT NULL)$G)"),
    AGG("array_agg", KIND_ARRAY, 1, 1, "spark_list(array_agg($D$1)$F(($1) IS NOT NULL)$G)"),
    AGG("collect_set", KIND_ARRAY, 1, 1,
        "spark_list(array_agg(DISTINCT $1)$F(($1) IS NOT NULL)$G)"),
    HOOKED("first", KIND_UNKNOWN, 1, 2, HOOK_NULLS_FLAG, "first"),
    HOOKED("first_value", KIND_UNKNOWN, 1, 2, HOOK_NULLS_FLAG, "first"),
    HOOKED("any_value", KIND_UNKNOWN, 1, 2, HOOK_NULLS_FLAG, "first"),
    HOOKED("last", KIND_UNKNOWN, 1, 2, HOOK_NULLS_FLAG, "last"),
    HOOKED("last_value", KIND_UNKNOWN, 1, 2, HOOK_NULLS_FLAG, "last"),
    AGG("bool_and", KIND_BOOLEAN, 1, 1, "bool_and($1)$W"),
    AGG("every", KIND_BOOLEAN, 1, 1, "bool_and($1)$W"),
    AGG("bool_or", KIND_BOOLEAN, 1, 1, "bool_or($1)$W"),
    AGG("any", KIND_BOOLEAN, 1, 1, "bool_or($1)$W"),
    AGG("some", KIND_BOOLEAN, 1, 1, "bool_or($1)$W"),
    AGG("bit_and", KIND_UNKNOWN, 1, 1, "bit_and($D$1)$W"),
    AGG("bit_or", KIND_UNKNOWN, 1, 1, "bit_or($D$1)$W"),
    AGG("bit_xor", KIND_UNKNOWN, 1, 1, "bit_xor($D$1)$W"),
    AGG("approx_count_distinct", KIND_BIGINT, 1, 2, "count(DISTINCT $1)$W"),
    AGG("stddev", KIND_DOUBLE, 1, 1, "stddev_samp($D$1d)$W"),
    AGG("std", KIND_DOUBLE, 1, 1, "stddev_samp($D$1d)$W"),
    AGG("stddev_samp", KIND_DOUBLE, 1, 1, "stddev_samp($D$1d)$W"),
    AGG("stddev_pop", KIND_DOUBLE, 1, 1, "stddev_pop($D$1d)$W"),
    AGG("variance", KIND_DOUBLE, 1, 1, "var_samp($D$1d)$W"),
    AGG("var_samp", KIND_DOUBLE, 1, 1, "var_samp($D$1d)$W"),
    AGG("var_pop", KIND_DOUBLE, 1, 1, "var_pop($D$1d)$W"),
    AGG("covar_pop", KIND_DOUBLE, 2, 2, "covar_pop($1d, $2d)$W"),
    AGG("covar_samp", KIND_DOUBLE, 2, 2, "covar_samp($1d, $2d)$W"),
    AGG("corr", KIND_DOUBLE, 2, 2, "corr($1d, $2d)$W"),
    AGG("kurtosis", KIND_DOUBLE, 1, 1, "kurtosis_pop($1d)$W"),
    AGG("skewness", KIND_DOUBLE, 1, 1, "spark_skewness_pop(skewness($1d)$W, count($1)$W)"),
    AGG("median", KIND_DOUBLE, 1, 1, "quantile_cont($1d, 0.5::DOUBLE)$W"),
    HOOKED("percentile", KIND_UNKNOWN, 2, 2, HOOK_PERCENTILE, "quantile_cont"),
    HOOKED("percentile_cont", KIND_UNKNOWN, 1, 1, HOOK_PERCENTILE, "quantile_cont"),
    HOOKED("percentile_disc", KIND_UNKNOWN, 1, 1, HOOK_PERCENTILE, "quantile_disc"),
    HOOKED("percentile_approx", KIND_UNKNOWN, 2, 3, HOOK_PERCENTILE, "quantile_disc"),
    HOOKED("approx_percentile", KIND_UNKNOWN, 2, 3, HOOK_PERCENTILE, "quantile_disc"),
    AGG("regr_count", KIND_BIGINT, 2, 2, "CAST(regr_count($1d, $2d)$W AS BIGINT)"),
    AGG("regr_avgx", KIND_DOUBLE, 2, 2, "regr_avgx($1d, $2d)$W"),
    AGG("regr_avgy", KIND_DOUBLE, 2, 2, "regr_avgy($1d, $2d)$W"),
    AGG("regr_slope", KIND_DOUBLE, 2, 2, "regr_slope($1d, $2d)$W"),
    AGG("regr_intercept", KIND_DOUBLE, 2, 2, "regr_intercept($1d, $2d)$W"),
    REGRESSION("r2"),
    REGRESSION("sxx"),
    REGRESSION("sxy"),
    REGRESSION("syy"),
    HOOKED("mode", KIND_UNKNOWN, 0, 2, HOOK_MODE, NULL),
    {"string_agg", FUNCTION_AGGREGATE, KIND_STRING, 1, 1, HOOK_NONE, "string_agg($D$1s, ''$O)$W",
     NULL, "NULL"},
    AGG("string_agg", KIND_STRING, 2, 2, "string_agg($D$1s, $2s$O)$W"),
    {"listagg", FUNCTION_AGGREGATE, KIND_STRING, 1, 1, HOOK_NONE, "string_agg($D$1s, ''$O)$W", NULL,
     "NULL"},
    AGG("listagg", KIND_STRING, 2, 2, "string_agg($D$1s, $2s$O)$W"),
    HOOKED("grouping_id", KIND_BIGINT, 0, ANY_COUNT, HOOK_GROUPING_ID, NULL),
    AGG("grouping", KIND_INT, 1, 1, "CAST(grouping($1) AS TINYINT)"),

    WIN("row_number", KIND_INT, 0, 0, "CAST(row_number()$W AS INTEGER)", NULL, NULL),
    WIN("rank", KIND_INT, 0, ANY_COUNT, "CAST(rank()$W AS INTEGER)", "RANK", NULL),
    WIN("dense_rank", KIND_INT, 0, ANY_COUNT, "CAST(dense_rank()$W AS INTEGER)", "DENSE_RANK",
        NULL),
    WIN("percent_rank", KIND_DOUBLE, 0, ANY_COUNT, "percent_rank()$W", "PERCENT_RANK", NULL),
    WIN("cume_dist", KIND_DOUBLE, 0, 0, "cume_dist()$W", NULL, NULL),
    WIN("ntile", KIND_INT, 1, 1, "CAST(ntile($1)$W AS INTEGER)", NULL, NULL),
    WIN("lag", KIND_UNKNOWN, 1, 3, "lag($*$N)$W", NULL, "NULL|1"),
    WIN("lead", KIND_UNKNOWN, 1, 3, "lead($*$N)$W", NULL, "NULL|1"),
    WIN("nth_value", KIND_UNKNOWN, 2, 2, "nth_value($1, $2$N)$W", NULL, NULL),
};

const FunctionGroup function_aggregates = {functions, sizeof functions / sizeof functions[0]};
