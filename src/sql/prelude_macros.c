// prelude_macros.c -- Spark's functions that DuckDB SQL can say.
//
// DuckDB chooses among a macro's forms by the types of the arguments: an exact type first, the
// form without types for all others. A form with DOUBLE would also take decimals, so functions
// that must tell the two apart leave it out. See print_opaque.c for arguments without a type: every
// macro with forms by type has at least two that match anything, so that DuckDB never guesses.
// SPDX-License-Identifier: Apache-2.0
#include "sql/prelude_internal.h"

#define MACRO(text) "CREATE OR REPLACE MACRO " text

const char *const prelude_macros[] = {
    // conversions, free of charge where the type fits already
    MACRO("spark_string(x VARCHAR) AS x, (x DATE) AS spark_cast_string(x), "
          "(x) AS spark_cast_string(x)"),
    MACRO("spark_text(x VARCHAR) AS x, "
          "(x BLOB) AS CAST(error('[UNSUPPORTED_FEATURE] this function of BINARY is not supported "
          "yet') AS VARCHAR), "
          "(x) AS spark_cast_string(x)"),
    MACRO("spark_part(x VARCHAR) AS x, "
          "(x BLOB) AS CAST(error('[UNSUPPORTED_FEATURE] concat of BINARY is not supported yet') "
          "AS VARCHAR), "
          "(x) AS spark_cast_part(x)"),
    MACRO("spark_tinyint(x TINYINT) AS x, (x VARCHAR) AS spark_cast_tinyint(x), "
          "(x) AS spark_cast_tinyint(x)"),
    MACRO("spark_smallint(x SMALLINT) AS x, (x VARCHAR) AS spark_cast_smallint(x), "
          "(x) AS spark_cast_smallint(x)"),
    MACRO("spark_int(x INTEGER) AS x, (x VARCHAR) AS spark_cast_int(x), (x) AS spark_cast_int(x)"),
    MACRO("spark_bigint(x BIGINT) AS x, (x INTEGER) AS CAST(x AS BIGINT), "
          "(x VARCHAR) AS spark_cast_bigint(x), (x) AS spark_cast_bigint(x)"),
    MACRO("spark_float(x FLOAT) AS x, (x VARCHAR) AS spark_cast_float(x), "
          "(x DOUBLE) AS spark_cast_float(x), (x) AS spark_cast_float(x)"),
    MACRO("spark_double(x DOUBLE) AS x, (x INTEGER) AS CAST(x AS DOUBLE), "
          "(x BIGINT) AS CAST(x AS DOUBLE), (x VARCHAR) AS spark_cast_double(x), "
          "(x) AS spark_cast_double(x)"),
    MACRO("spark_boolean(x BOOLEAN) AS x, (x VARCHAR) AS spark_cast_boolean(x), "
          "(x) AS spark_cast_boolean(x)"),
    MACRO("spark_date(x DATE) AS x, (x VARCHAR) AS spark_cast_date(x), (x) AS spark_cast_date(x)"),
    MACRO("spark_session_time(x TIMESTAMPTZ) AS x, (x TIMESTAMP) AS x, "
          "(x VARCHAR) AS spark_cast_timestamp(x), (x DATE) AS spark_cast_timestamp(x), "
          "(x) AS CAST(error('session_window needs a TIMESTAMP') AS TIMESTAMPTZ)"),
    MACRO("spark_session_gap(x VARCHAR) AS TRY_CAST(x AS INTERVAL), (x INTERVAL) AS x, "
          "(x \"NULL\") AS CAST(x AS INTERVAL), "
          "(x) AS CAST(error('the gap of session_window is a duration such as ''30 seconds''') "
          "AS INTERVAL)"),
    MACRO("spark_timestamp(x TIMESTAMPTZ) AS x, (x VARCHAR) AS spark_cast_timestamp(x), "
          "(x TIMESTAMP) AS spark_cast_timestamp(x), (x DATE) AS spark_cast_timestamp(x), "
          "(x) AS spark_cast_timestamp(x)"),
    MACRO("spark_ntz(x TIMESTAMP) AS x, (x VARCHAR) AS spark_cast_ntz(x), "
          "(x TIMESTAMPTZ) AS spark_cast_ntz(x), (x DATE) AS spark_cast_ntz(x), "
          "(x) AS spark_cast_ntz(x)"),
    MACRO("spark_binary(x BLOB) AS x, (x VARCHAR) AS encode(x), (x) AS spark_cast_binary(x)"),
    MACRO("spark_decimal(x INTEGER) AS x, (x BIGINT) AS x, (x VARCHAR) AS spark_cast_decimal(x), "
          "(x) AS spark_cast_decimal(x)"),

    // beside a value of another type a string becomes that type; others stay as they are
    MACRO("spark_addend(x VARCHAR) AS spark_cast_double(x), (x \"NULL\") AS CAST(x AS DOUBLE), "
          "(x) AS x"),
    MACRO("spark_beside_bigint(x VARCHAR) AS spark_cast_bigint(x), (x \"NULL\") AS x, (x) AS x"),
    MACRO("spark_beside_double(x VARCHAR) AS spark_cast_double(x), (x \"NULL\") AS x, (x) AS x"),
    MACRO("spark_beside_date(x VARCHAR) AS spark_cast_date(x), (x \"NULL\") AS x, (x) AS x"),
    MACRO("spark_beside_timestamp(x VARCHAR) AS spark_cast_timestamp(x), (x \"NULL\") AS x, "
          "(x) AS x"),
    MACRO("spark_beside_boolean(x VARCHAR) AS spark_cast_boolean(x), (x \"NULL\") AS x, (x) AS x"),
    // the string s beside x
    MACRO("spark_match(s, x VARCHAR) AS s, (s, x INTEGER) AS spark_cast_bigint(s), "
          "(s, x BIGINT) AS spark_cast_bigint(s), (s, x DOUBLE) AS spark_cast_double(s), "
          "(s, x DATE) AS spark_cast_date(s), (s, x TIMESTAMPTZ) AS spark_cast_timestamp(s), "
          "(s, x TIMESTAMP) AS spark_cast_ntz(s), (s, x BOOLEAN) AS spark_cast_boolean(s), "
          "(s, x) AS s"),
    // s beside x as values of one expression
    MACRO("spark_unify(s VARCHAR, x VARCHAR) AS s, (s \"NULL\", x VARCHAR) AS s, "
          "(s VARCHAR, x \"NULL\") AS s, (s \"NULL\", x INTEGER) AS s, (s \"NULL\", x \"NULL\") AS "
          "s, "
          "(s VARCHAR, x INTEGER) AS spark_cast_bigint(s), "
          "(s VARCHAR, x BIGINT) AS spark_cast_bigint(s), "
          "(s VARCHAR, x DOUBLE) AS spark_cast_double(s), "
          "(s VARCHAR, x DATE) AS spark_cast_date(s), "
          "(s VARCHAR, x TIMESTAMPTZ) AS spark_cast_timestamp(s), "
          "(s VARCHAR, x TIMESTAMP) AS spark_cast_ntz(s), "
          "(s VARCHAR, x BOOLEAN) AS spark_cast_boolean(s), (s, x) AS s"),
    MACRO("spark_match_number(s, x TINYINT) AS spark_cast_bigint(s), "
          "(s, x SMALLINT) AS spark_cast_bigint(s), (s, x INTEGER) AS spark_cast_bigint(s), "
          "(s, x BIGINT) AS spark_cast_bigint(s), (s, x VARCHAR) AS spark_cast_double(s), "
          "(s, x) AS spark_cast_double(s)"),

    // arithmetic
    MACRO("spark_mod(a, b) AS CASE WHEN b = 0 THEN error('[REMAINDER_BY_ZERO] remainder of a "
          "division by zero; try_mod gives NULL instead') ELSE a % b END"),
    MACRO("spark_pmod(a, b) AS CASE WHEN b = 0 THEN error('[REMAINDER_BY_ZERO] remainder of a "
          "division by zero') WHEN a % b < 0 THEN (a % b + b) % b ELSE a % b END"),
    MACRO("spark_plus(a DATE, b INTERVAL) AS CAST(a + b AS DATE), "
          "(a TIMESTAMPTZ, b INTERVAL) AS a + b, (a, b) AS a + b"),
    MACRO("spark_minus(a DATE, b DATE) AS to_days(CAST(a - b AS INTEGER)), "
          "(a TIMESTAMPTZ, b TIMESTAMPTZ) AS to_microseconds(epoch_us(a) - epoch_us(b)), "
          "(a TIMESTAMP, b TIMESTAMP) AS to_microseconds(epoch_us(a) - epoch_us(b)), "
          "(a, b) AS a - b"),
    MACRO("spark_add_days(x DATE, i INTERVAL) AS CAST(x + i AS DATE), "
          "(x VARCHAR, i INTERVAL) AS spark_cast_timestamp(x) + i, (x, i) AS x + i"),
    MACRO("spark_add_time(x DATE, i INTERVAL) AS spark_cast_timestamp(x) + i, "
          "(x VARCHAR, i INTERVAL) AS spark_cast_timestamp(x) + i, (x, i) AS x + i"),
    MACRO("spark_round_at(x, n) AS cast_to_type(spark_round(x, n), round(x, n))"),
    MACRO("spark_bround_at(x, n) AS cast_to_type(spark_bround(x, n), round(x, n))"),
    MACRO("spark_ceil_at(x, n) AS cast_to_type(spark_ceil(x, n), round(x, n))"),
    MACRO("spark_floor_at(x, n) AS cast_to_type(spark_floor(x, n), round(x, n))"),
    MACRO("spark_shift_left(a, b) AS cast_to_type(CASE WHEN typeof(a) = 'BIGINT' "
          "THEN spark_shift_left_bigint(a, b) "
          "ELSE spark_shift_left_int(CAST(a AS INTEGER), b) END, a)"),
    MACRO("spark_shift_right(a, b) AS cast_to_type(CASE WHEN typeof(a) = 'BIGINT' "
          "THEN spark_shift_right_bigint(a, b) "
          "ELSE spark_shift_right_int(CAST(a AS INTEGER), b) END, a)"),
    MACRO("spark_shift_right_unsigned(a, b) AS cast_to_type(CASE WHEN typeof(a) = 'BIGINT' "
          "THEN spark_shift_unsigned_bigint(a, b) "
          "ELSE spark_shift_unsigned_int(CAST(a AS INTEGER), b) END, a)"),
    MACRO("spark_add_days_any(x, i) AS cast_to_type(x + i, x)"),
    MACRO("spark_add_time_any(x, i) AS x + i"),
    MACRO("spark_length_any(x) AS CAST(length(spark_cast_text(x)) AS INTEGER)"),
    MACRO("spark_octet_length_any(x) AS CAST(strlen(spark_cast_string(x)) AS INTEGER)"),
    MACRO("spark_reverse_any(x) AS reverse(spark_cast_text(x))"),
    MACRO("spark_bitmap_position(x) AS CASE WHEN x > 0 THEN (x - 1) % 32768 ELSE -x % 32768 END"),
    MACRO("spark_bitmap_bucket(x) AS CASE WHEN x > 0 THEN 1 + (x - 1) // 32768 "
          "ELSE x // 32768 END"),
    // DuckDB's skewness is the sample's, Spark's the population's
    MACRO("spark_skewness_pop(g, n) AS CASE WHEN n = 2 THEN 0.0::DOUBLE "
          "ELSE g * (n - 2) / sqrt(n * (n - 1.0::DOUBLE)) END"),
    MACRO("spark_assert(condition, message) AS CASE WHEN condition THEN NULL ELSE "
          "error('[USER_RAISED_EXCEPTION] ' || message) END"),

    // text
    MACRO("spark_length(x VARCHAR) AS CAST(length(x) AS INTEGER), "
          "(x BLOB) AS CAST(octet_length(x) AS INTEGER), "
          "(x) AS CAST(length(spark_cast_string(x)) AS INTEGER)"),
    MACRO("spark_octet_length(x VARCHAR) AS CAST(strlen(x) AS INTEGER), "
          "(x BLOB) AS CAST(octet_length(x) AS INTEGER), "
          "(x) AS CAST(strlen(spark_cast_string(x)) AS INTEGER)"),
    MACRO("spark_right(s, n) AS CASE WHEN n <= 0 THEN '' ELSE spark_substring(s, -n, n) END"),
    MACRO("spark_lpad(s, n, p) AS CASE WHEN n <= 0 THEN '' WHEN p = '' THEN substring(s, 1, n) "
          "ELSE lpad(s, n, p) END"),
    MACRO("spark_rpad(s, n, p) AS CASE WHEN n <= 0 THEN '' WHEN p = '' THEN substring(s, 1, n) "
          "ELSE rpad(s, n, p) END"),
    MACRO("spark_replace(s, a, b) AS CASE WHEN a = '' THEN s ELSE replace(s, a, b) END"),
    MACRO("spark_translate(s, a, b) AS translate(s, a, b)"),
    MACRO("spark_reverse(x VARCHAR) AS reverse(x), "
          "(x BLOB) AS CAST(error('[UNSUPPORTED_FEATURE] reverse of BINARY is not supported yet') "
          "AS VARCHAR), "
          "(x) AS list_reverse(x)"),
    MACRO("spark_locate(part, s, n) AS CAST(CASE WHEN n < 1 THEN 0 "
          "WHEN strpos(substring(s, n), part) = 0 THEN 0 "
          "ELSE strpos(substring(s, n), part) + n - 1 END AS INTEGER)"),
    MACRO("spark_split_part(s, d, n) AS CASE WHEN n = 0 THEN error('[INVALID_INDEX_OF_ZERO] parts "
          "are counted from 1, or from -1 backwards') ELSE split_part(s, d, n) END"),
    MACRO("spark_overlay(s, r, p, n) AS substring(s, 1, p - 1) || r || "
          "substring(s, p + CASE WHEN n < 0 THEN length(r) ELSE n END)"),
    MACRO("spark_initcap(s) AS array_to_string(list_transform(string_split(lower(s), ' '), "
          "lambda w: upper(w[1]) || w[2:]), ' ')"),
    MACRO("spark_length_of(parts, n) AS CAST(coalesce(list_sum(list_transform(parts[1:n - 1], "
          "lambda x: length(x))), 0) AS BIGINT)"),
    MACRO("spark_split(s, r) AS string_split_regex(s, r), "
          "(s, r, n) AS CASE WHEN n <= 0 OR len(string_split_regex(s, r)) <= n "
          "THEN string_split_regex(s, r) ELSE list_concat(string_split_regex(s, r)[1:n - 1], "
          "[substring(s, 1 + spark_length_of(string_split_regex(s, r), n) + "
          "spark_length_of(regexp_extract_all(s, r), n))]) END"),
    MACRO("spark_sha2(x, n) AS CASE WHEN n IN (0, 256) THEN sha256(x) ELSE spark_sha(x, n) END"),
    MACRO("spark_regexp_instr(s, r) AS CAST(CASE WHEN regexp_matches(s, r) THEN "
          "length(regexp_extract(s, '^((?s:.*?))(?:' || r || ')', 1)) + 1 ELSE 0 END AS INTEGER)"),
    MACRO("spark_encode(s, c) AS CASE WHEN upper(c) IN ('UTF-8', 'UTF8') THEN encode(s) ELSE "
          "error('[UNSUPPORTED_FEATURE] charset ' || c || ' is not supported yet') END"),
    MACRO("spark_decode(x, c) AS CASE WHEN upper(c) IN ('UTF-8', 'UTF8') THEN decode(x) ELSE "
          "error('[UNSUPPORTED_FEATURE] charset ' || c || ' is not supported yet') END"),
    MACRO("spark_to_binary(s, f) AS CASE WHEN lower(f) IN ('utf-8', 'utf8') THEN encode(s) "
          "WHEN lower(f) = 'hex' THEN unhex(s) WHEN lower(f) = 'base64' THEN from_base64(s) "
          "ELSE error('[DATATYPE_MISMATCH] formats of to_binary are hex, utf-8 and base64') END"),
    MACRO("spark_to_char(x DATE, f) AS spark_date_format(x, f), "
          "(x TIMESTAMPTZ, f) AS spark_date_format(x, f), "
          "(x TIMESTAMP, f) AS spark_date_format(x, f), "
          "(x BLOB, f) AS CASE lower(f) WHEN 'base64' THEN to_base64(x) WHEN 'hex' THEN hex(x) "
          "WHEN 'utf-8' THEN decode(x) ELSE error('[INVALID_PARAMETER_VALUE.BINARY_FORMAT] "
          "formats of BINARY are base64, hex and utf-8') END, "
          "(x, f) AS CAST(error('[UNSUPPORTED_FUNCTION] to_char of numbers is not supported yet; "
          "format_number(x, digits) groups and rounds') AS VARCHAR)"),
    MACRO("spark_is_valid_utf8(x) AS spark_valid_utf8(x)"),
    MACRO("spark_str_to_map(s, p := ',', k := ':') AS map_from_entries(list_transform("
          "string_split(s, p), lambda e: struct_pack(\"key\" := split_part(e, k, 1), "
          "\"value\" := CASE WHEN strpos(e, k) = 0 THEN NULL "
          "ELSE substring(e, strpos(e, k) + length(k)) END)))"),
    MACRO("spark_json_object_keys(s) AS CASE WHEN json_valid(s) AND json_type(s) = 'OBJECT' "
          "THEN json_keys(s) END"),

    // collections
    MACRO("spark_list(l) AS coalesce(l, [])"),
    MACRO(
        "spark_has(l, x) AS CASE WHEN x IS NULL THEN len(list_filter(l, lambda y: y IS NULL)) > 0 "
        "ELSE list_contains(l, x) END"),
    MACRO("spark_array_contains(a, v) AS CASE WHEN a IS NULL OR v IS NULL THEN NULL "
          "WHEN list_contains(a, v) THEN true "
          "WHEN len(list_filter(a, lambda e: e IS NULL)) > 0 THEN NULL ELSE false END"),
    MACRO("spark_array_position(a, v) AS CAST(CASE WHEN a IS NULL OR v IS NULL THEN NULL "
          "ELSE coalesce(list_position(a, v), 0) END AS BIGINT)"),
    MACRO("spark_array_append(a, v) AS CASE WHEN a IS NULL THEN NULL ELSE list_append(a, v) END"),
    MACRO("spark_array_prepend(a, v) AS CASE WHEN a IS NULL THEN NULL ELSE list_prepend(v, a) END"),
    MACRO("spark_array_insert(a, p, v) AS CASE WHEN a IS NULL OR p IS NULL THEN NULL "
          "WHEN p = 0 THEN error('[INVALID_INDEX_OF_ZERO] array_insert counts from 1, or from -1 "
          "backwards') "
          "WHEN p > len(a) THEN list_concat(a, list_transform(range(p - len(a) - 1), "
          "lambda i: NULL), [v]) "
          "WHEN p > 0 THEN list_concat(a[1:p - 1], [v], a[p:]) "
          "WHEN len(a) + p + 1 >= 0 THEN list_concat(a[1:len(a) + p + 1], [v], a[len(a) + p + 2:]) "
          "ELSE list_concat([v], list_transform(range(-p - len(a) - 1), lambda i: NULL), a) END"),
    MACRO("spark_array_concat(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL "
          "ELSE list_concat(a, b) END"),
    MACRO("spark_array_distinct(a) AS list_filter(a, lambda x, i: CASE WHEN x IS NULL "
          "THEN len(list_filter(a[1:i], lambda y: y IS NULL)) = 1 "
          "ELSE list_position(a, x) = i END)"),
    MACRO("spark_array_intersect(a, b) AS CASE WHEN b IS NULL THEN NULL ELSE "
          "spark_array_distinct(list_filter(a, lambda x: spark_has(b, x))) END"),
    MACRO("spark_array_except(a, b) AS CASE WHEN b IS NULL THEN NULL ELSE "
          "spark_array_distinct(list_filter(a, lambda x: NOT spark_has(b, x))) END"),
    MACRO("spark_array_union(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE "
          "spark_array_distinct(list_concat(a, b)) END"),
    MACRO("spark_arrays_overlap(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL "
          "WHEN list_has_any(a, b) THEN true "
          "WHEN len(a) > 0 AND len(b) > 0 AND len(list_filter(list_concat(a, b), "
          "lambda e: e IS NULL)) > 0 THEN NULL ELSE false END"),
    MACRO("spark_array_join(a, d) AS CASE WHEN a IS NOT NULL AND d IS NOT NULL THEN "
          "coalesce(array_to_string(list_filter(list_transform(a, lambda x: spark_cast_string(x)), "
          "lambda y: y IS NOT NULL), d), '') END, "
          "(a, d, r) AS CASE WHEN a IS NOT NULL AND d IS NOT NULL THEN "
          "coalesce(array_to_string(list_transform(a, lambda x: coalesce(spark_cast_string(x), "
          "r)), d), "
          "'') END"),
    MACRO("spark_array_remove(a, v) AS CASE WHEN v IS NULL THEN NULL ELSE "
          "list_filter(a, lambda x: x IS NULL OR x <> v) END"),
    MACRO("spark_array_repeat(v, n) AS list_transform(range(n), lambda i: v)"),
    MACRO("spark_sort_array(a, up) AS CASE WHEN up THEN list_sort(a, 'ASC', 'NULLS FIRST') "
          "ELSE list_sort(a, 'DESC', 'NULLS LAST') END"),
    MACRO("spark_flatten(a) AS CASE WHEN len(list_filter(a, lambda x: x IS NULL)) > 0 THEN NULL "
          "ELSE flatten(a) END"),
    MACRO("spark_slice(a, s, n) AS CASE WHEN s = 0 THEN error('[INVALID_PARAMETER_VALUE.START] "
          "slice counts from 1, or from -1 backwards') "
          "WHEN n < 0 THEN error('[INVALID_PARAMETER_VALUE.LENGTH] slice needs a length >= 0') "
          "WHEN s > 0 THEN a[s:s + n - 1] WHEN len(a) + s < 0 THEN a[1:0] "
          "ELSE a[len(a) + s + 1:len(a) + s + n] END"),
    MACRO("spark_step(a, b, c) AS CASE WHEN c = 0 AND a <> b OR c > 0 AND a > b OR c < 0 AND a < b "
          "THEN error('[ILLEGAL_SEQUENCE_BOUNDARIES] sequence from ' || a || ' to ' || b || "
          "' cannot go by ' || c) WHEN c = 0 THEN 1 ELSE c END"),
    MACRO("spark_sequence(a INTEGER, b INTEGER) AS CAST(generate_series(CAST(a AS BIGINT), b, "
          "CASE WHEN a <= b THEN 1 ELSE -1 END) AS INTEGER[]), "
          "(a BIGINT, b BIGINT) AS generate_series(a, b, CASE WHEN a <= b THEN 1 ELSE -1 END), "
          "(a DATE, b DATE) AS CAST(generate_series(CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP), "
          "CASE WHEN a <= b THEN INTERVAL '1 day' ELSE INTERVAL '-1 day' END) AS DATE[]), "
          "(a INTEGER, b INTEGER, c INTEGER) AS CAST(generate_series(CAST(a AS BIGINT), b, "
          "spark_step(a, b, c)) AS INTEGER[]), "
          "(a BIGINT, b BIGINT, c BIGINT) AS generate_series(a, b, spark_step(a, b, c)), "
          "(a DATE, b DATE, c INTERVAL) AS CAST(generate_series(CAST(a AS TIMESTAMP), "
          "CAST(b AS TIMESTAMP), c) AS DATE[]), "
          "(a TIMESTAMPTZ, b TIMESTAMPTZ, c INTERVAL) AS generate_series(a, b, c)"),
    MACRO("spark_get(a, i) AS a[CASE WHEN i < 0 THEN NULL ELSE i + 1 END]"),
    MACRO("spark_item(x, k VARCHAR) AS x[k], "
          "(x, k INTEGER) AS x[CASE WHEN typeof(x) LIKE 'MAP(%' THEN k "
          "ELSE spark_index(k, spark_size(x)) END], "
          "(x, k BIGINT) AS x[CASE WHEN typeof(x) LIKE 'MAP(%' THEN k "
          "ELSE spark_index(k, spark_size(x)) END], (x, k) AS x[k]"),
    MACRO("spark_element_at(x, k VARCHAR) AS x[k], "
          "(x, k INTEGER) AS x[CASE WHEN typeof(x) LIKE 'MAP(%' THEN k "
          "ELSE spark_element_index(k, spark_size(x)) END], "
          "(x, k BIGINT) AS x[CASE WHEN typeof(x) LIKE 'MAP(%' THEN k "
          "ELSE spark_element_index(k, spark_size(x)) END], (x, k) AS x[k]"),
    MACRO("spark_map_contains_key(m, k) AS list_contains(map_keys(m), k)"),
    MACRO("spark_outer(l) AS CASE WHEN len(l) > 0 THEN l ELSE [NULL] END"),
    MACRO("spark_positions(l, all_rows) AS CASE WHEN len(l) > 0 "
          "THEN CAST(range(len(l)) AS INTEGER[]) WHEN all_rows THEN [NULL] END"),
    NULL,
};
