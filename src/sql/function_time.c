// function_time.c -- dates, timestamps, intervals and event-time windows.
// SPDX-License-Identifier: Apache-2.0
#include "sql/function.h"

#define F(name, result, least, most, sql)                                                          \
    {                                                                                              \
        name, FUNCTION_SCALAR, result, least, most, HOOK_NONE, sql, NULL, NULL                     \
    }
#define FD(name, result, least, most, sql, shown, defaults)                                        \
    {                                                                                              \
        name, FUNCTION_SCALAR, result, least, most, HOOK_NONE, sql, shown, defaults                \
    }
#define H(name, result, least, most, hook, sql)                                                    \
    {                                                                                              \
        name, FUNCTION_SCALAR, result, least, most, hook, sql, NULL, NULL                          \
    }
#define PATTERN "yyyy-MM-dd HH:mm:ss"

static const Function functions[] = {
    H("current_timestamp", KIND_TIMESTAMP, 0, 0, HOOK_NOW, "%s"),
    H("now", KIND_TIMESTAMP, 0, 0, HOOK_NOW, "%s"),
    H("current_date", KIND_DATE, 0, 0, HOOK_NOW, "spark_cast_date(%s)"),
    H("curdate", KIND_DATE, 0, 0, HOOK_NOW, "spark_cast_date(%s)"),
    H("localtimestamp", KIND_NTZ, 0, 0, HOOK_NOW, "spark_cast_ntz(%s)"),
    F("current_timezone", KIND_STRING, 0, 0, "'UTC'"),

    F("year", KIND_INT, 1, 1, "spark_year($1)"),
    F("quarter", KIND_INT, 1, 1, "spark_quarter($1)"),
    F("month", KIND_INT, 1, 1, "spark_month($1)"),
    F("day", KIND_INT, 1, 1, "spark_day($1)"),
    F("dayofmonth", KIND_INT, 1, 1, "spark_day($1)"),
    F("dayofweek", KIND_INT, 1, 1, "spark_dayofweek($1)"),
    F("weekday", KIND_INT, 1, 1, "spark_weekday($1)"),
    F("dayofyear", KIND_INT, 1, 1, "spark_dayofyear($1)"),
    F("weekofyear", KIND_INT, 1, 1, "spark_weekofyear($1)"),
    F("hour", KIND_INT, 1, 1, "spark_hour($1)"),
    F("minute", KIND_INT, 1, 1, "spark_minute($1)"),
    F("second", KIND_INT, 1, 1, "spark_second($1)"),
    F("dayname", KIND_STRING, 1, 1, "spark_dayname($1)"),
    F("monthname", KIND_STRING, 1, 1, "spark_monthname($1)"),
    H("extract", KIND_UNKNOWN, 2, 2, HOOK_EXTRACT, NULL),
    H("datepart", KIND_UNKNOWN, 2, 2, HOOK_EXTRACT, NULL),
    H("date_part", KIND_UNKNOWN, 2, 2, HOOK_EXTRACT, NULL),

    H("date_add", KIND_UNKNOWN, 2, 3, HOOK_DATE_ADD_UNIT, "1"),
    H("dateadd", KIND_UNKNOWN, 2, 3, HOOK_DATE_ADD_UNIT, "1"),
    H("timestampadd", KIND_UNKNOWN, 3, 3, HOOK_DATE_ADD_UNIT, "1"),
    F("date_sub", KIND_DATE, 2, 2, "spark_date_add($1, -($2i))"),
    H("datediff", KIND_UNKNOWN, 2, 3, HOOK_DATE_ADD_UNIT, "-"),
    H("date_diff", KIND_UNKNOWN, 2, 3, HOOK_DATE_ADD_UNIT, "-"),
    H("timestampdiff", KIND_BIGINT, 3, 3, HOOK_DATE_ADD_UNIT, "-"),
    F("add_months", KIND_DATE, 2, 2, "spark_add_months($1, $2i)"),
    FD("months_between", KIND_DOUBLE, 2, 2, "spark_months_between($1, $2, true)", NULL, "true"),
    F("months_between", KIND_DOUBLE, 3, 3, "spark_months_between($1, $2, $3)"),
    F("last_day", KIND_DATE, 1, 1, "spark_last_day($1)"),
    F("next_day", KIND_DATE, 2, 2, "spark_next_day($1, $2s)"),
    F("date_trunc", KIND_TIMESTAMP, 2, 2, "spark_date_trunc($1s, $2)"),
    F("trunc", KIND_DATE, 2, 2, "spark_trunc($1, $2s)"),
    F("date_from_unix_date", KIND_DATE, 1, 1, "(DATE '1970-01-01' + $1i)"),
    F("unix_date", KIND_INT, 1, 1, "CAST($1D - DATE '1970-01-01' AS INTEGER)"),
    F("make_date", KIND_DATE, 3, 3, "spark_make_date($*i)"),
    F("make_timestamp", KIND_TIMESTAMP, 6, 6, "spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6)"),
    F("make_timestamp_ltz", KIND_TIMESTAMP, 6, 6,
      "spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6)"),
    F("try_make_timestamp", KIND_TIMESTAMP, 6, 6,
      "TRY(spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6))"),
    F("try_make_timestamp_ltz", KIND_TIMESTAMP, 6, 6,
      "TRY(spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6))"),
    F("make_timestamp", KIND_TIMESTAMP, 1, 1, "$1T"),
    F("make_timestamp", KIND_TIMESTAMP, 7, 7,
      "timezone($7s, spark_cast_ntz(spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6)))"),
    F("try_make_timestamp", KIND_TIMESTAMP, 1, 1, "TRY($1T)"),
    F("try_make_timestamp", KIND_TIMESTAMP, 7, 7,
      "TRY(timezone($7s, spark_cast_ntz(spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6))))"),
    F("make_timestamp_ltz", KIND_TIMESTAMP, 7, 7,
      "timezone($7s, spark_cast_ntz(spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6)))"),
    F("try_make_timestamp_ltz", KIND_TIMESTAMP, 7, 7,
      "TRY(timezone($7s, spark_cast_ntz(spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6))))"),
    F("make_timestamp_ntz", KIND_NTZ, 6, 6,
      "spark_cast_ntz(spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6))"),
    F("try_make_timestamp_ntz", KIND_NTZ, 6, 6,
      "TRY(spark_cast_ntz(spark_make_timestamp($1i, $2i, $3i, $4i, $5i, $6)))"),

    F("to_date", KIND_DATE, 1, 1, "$1D"),
    F("to_date", KIND_DATE, 2, 2, "spark_parse_date($1, $2s)"),
    F("try_to_date", KIND_DATE, 1, 1, "spark_try_cast_date($1)"),
    F("try_to_date", KIND_DATE, 2, 2, "spark_try_parse_date($1, $2s)"),
    F("to_timestamp", KIND_TIMESTAMP, 1, 1, "$1T"),
    F("to_timestamp", KIND_TIMESTAMP, 2, 2, "spark_parse_timestamp($1, $2s)"),
    F("to_timestamp_ltz", KIND_TIMESTAMP, 1, 1, "$1T"),
    F("to_timestamp_ltz", KIND_TIMESTAMP, 2, 2, "spark_parse_timestamp($1, $2s)"),
    F("try_to_timestamp", KIND_TIMESTAMP, 1, 1, "spark_try_cast_timestamp($1)"),
    F("try_to_timestamp", KIND_TIMESTAMP, 2, 2, "spark_try_parse_timestamp($1, $2s)"),
    F("to_timestamp_ntz", KIND_NTZ, 1, 1, "spark_cast_ntz($1)"),
    F("to_timestamp_ntz", KIND_NTZ, 2, 2, "spark_cast_ntz(spark_parse_timestamp($1, $2s))"),
    F("date_format", KIND_STRING, 2, 2, "spark_date_format($1, $2s)"),
    H("unix_timestamp", KIND_BIGINT, 0, 0, HOOK_NOW, "spark_unix_seconds(%s)"),
    FD("unix_timestamp", KIND_BIGINT, 1, 1, "spark_to_unix($1, '" PATTERN "')", NULL, PATTERN),
    F("unix_timestamp", KIND_BIGINT, 2, 2, "spark_to_unix($1, $2s)"),
    FD("to_unix_timestamp", KIND_BIGINT, 1, 1, "spark_to_unix($1, '" PATTERN "')", NULL, PATTERN),
    F("to_unix_timestamp", KIND_BIGINT, 2, 2, "spark_to_unix($1, $2s)"),
    FD("from_unixtime", KIND_STRING, 1, 1,
       "spark_date_format(spark_from_seconds($1l), '" PATTERN "')", NULL, PATTERN),
    F("from_unixtime", KIND_STRING, 2, 2, "spark_date_format(spark_from_seconds($1l), $2s)"),
    F("timestamp_seconds", KIND_TIMESTAMP, 1, 1, "spark_from_seconds($1)"),
    F("timestamp_millis", KIND_TIMESTAMP, 1, 1, "make_timestamptz(CAST($1 AS BIGINT) * 1000)"),
    F("timestamp_micros", KIND_TIMESTAMP, 1, 1, "make_timestamptz(CAST($1 AS BIGINT))"),
    F("unix_seconds", KIND_BIGINT, 1, 1, "spark_unix_seconds($1)"),
    F("unix_millis", KIND_BIGINT, 1, 1, "spark_unix_millis($1)"),
    F("unix_micros", KIND_BIGINT, 1, 1, "spark_unix_micros($1)"),
    F("from_utc_timestamp", KIND_TIMESTAMP, 2, 2,
      "CAST(timezone($2s, $1T) AS TIMESTAMP WITH TIME ZONE)"),
    F("to_utc_timestamp", KIND_TIMESTAMP, 2, 2, "timezone($2s, spark_cast_ntz($1))"),
    F("convert_timezone", KIND_NTZ, 3, 3, "timezone($2s, timezone($1s, spark_cast_ntz($3)))"),
    FD("convert_timezone", KIND_NTZ, 2, 2, "timezone($1s, timezone('UTC', spark_cast_ntz($2)))",
       NULL, NULL),
    H("window", KIND_STRUCT, 2, 4, HOOK_WINDOW, NULL),
    H("session_window", KIND_STRUCT, 2, 2, HOOK_SESSION, NULL),
    F("window_time", KIND_TIMESTAMP, 1, 1,
      "(struct_extract($1, 'end') - INTERVAL '1 microsecond')"),
};

const FunctionGroup function_times = {functions, sizeof functions / sizeof functions[0]};
