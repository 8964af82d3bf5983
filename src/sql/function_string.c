// function_string.c -- text, regular expressions, hashes, URLs and JSON.
// SPDX-License-Identifier: Apache-2.0
#include "sql/function.h"

#define S(name, least, most, sql)                                                                  \
    {                                                                                              \
        name, FUNCTION_SCALAR, KIND_STRING, least, most, HOOK_NONE, sql, NULL, NULL                \
    }
#define F(name, result, least, most, sql)                                                          \
    {                                                                                              \
        name, FUNCTION_SCALAR, result, least, most, HOOK_NONE, sql, NULL, NULL                     \
    }
#define FD(name, result, least, most, sql, shown, defaults)                                        \
    {                                                                                              \
        name, FUNCTION_SCALAR, result, least, most, HOOK_NONE, sql, shown, defaults                \
    }
#define LENGTH "spark_length?($1)"
#define MAX    "2147483647"

static const Function functions[] = {
    {"concat", FUNCTION_SCALAR, KIND_UNKNOWN, 0, ANY_COUNT, HOOK_CONCAT, NULL, NULL, NULL},
    S("concat_ws", 1, ANY_COUNT, "spark_concat_ws($*)"),
    S("upper", 1, 1, "upper($1s)"),
    S("ucase", 1, 1, "upper($1s)"),
    S("lower", 1, 1, "lower($1s)"),
    S("lcase", 1, 1, "lower($1s)"),
    S("initcap", 1, 1, "spark_initcap($1s)"),
    F("length", KIND_INT, 1, 1, LENGTH),
    F("len", KIND_INT, 1, 1, LENGTH),
    F("char_length", KIND_INT, 1, 1, LENGTH),
    F("character_length", KIND_INT, 1, 1, LENGTH),
    F("octet_length", KIND_INT, 1, 1, "spark_octet_length?($1)"),
    F("bit_length", KIND_INT, 1, 1, "(8 * spark_octet_length?($1))"),
    FD("substring", KIND_STRING, 2, 2, "spark_substring($1t, $2i, " MAX ")", NULL, MAX),
    S("substring", 3, 3, "spark_substring($1t, $2i, $3i)"),
    FD("substr", KIND_STRING, 2, 2, "spark_substring($1t, $2i, " MAX ")", NULL, MAX),
    S("substr", 3, 3, "spark_substring($1t, $2i, $3i)"),
    S("left", 2, 2, "spark_substring($1t, 1, $2i)"),
    S("right", 2, 2, "spark_right($1s, $2i)"),
    S("trim", 1, 1, "trim($1s)"),
    S("ltrim", 1, 1, "ltrim($1s)"),
    S("rtrim", 1, 1, "rtrim($1s)"),
    S("btrim", 1, 1, "trim($1s)"),
    S("btrim", 2, 2, "trim($1s, $2s)"),
    S("trim", 2, 2, "trim($2s, $1s)"),
    S("ltrim", 2, 2, "ltrim($2s, $1s)"),
    S("rtrim", 2, 2, "rtrim($2s, $1s)"),
    FD("lpad", KIND_STRING, 2, 2, "spark_lpad($1t, $2i, ' ')", NULL, " "),
    S("lpad", 3, 3, "spark_lpad($1t, $2i, $3s)"),
    FD("rpad", KIND_STRING, 2, 2, "spark_rpad($1t, $2i, ' ')", NULL, " "),
    S("rpad", 3, 3, "spark_rpad($1t, $2i, $3s)"),
    S("repeat", 2, 2, "repeat($1s, $2)"),
    S("space", 1, 1, "repeat(' ', $1)"),
    S("replace", 3, 3, "spark_replace($1s, $2s, $3s)"),
    FD("replace", KIND_STRING, 2, 2, "spark_replace($1s, $2s, '')", NULL, ""),
    S("translate", 3, 3, "spark_translate($1s, $2s, $3s)"),
    F("reverse", KIND_UNKNOWN, 1, 1, "spark_reverse?($1)"),
    F("instr", KIND_INT, 2, 2, "CAST(strpos($1s, $2s) AS INTEGER)"),
    FD("locate", KIND_INT, 2, 2, "spark_locate($1s, $2s, 1)", NULL, "1"),
    F("locate", KIND_INT, 3, 3, "spark_locate($1s, $2s, $3i)"),
    FD("position", KIND_INT, 2, 2, "spark_locate($1s, $2s, 1)", "locate", "1"),
    F("position", KIND_INT, 3, 3, "spark_locate($1s, $2s, $3i)"),
    F("contains", KIND_BOOLEAN, 2, 2, "contains($1s, $2s)"),
    F("startswith", KIND_BOOLEAN, 2, 2, "starts_with($1s, $2s)"),
    F("endswith", KIND_BOOLEAN, 2, 2, "ends_with($1s, $2s)"),
    S("substring_index", 3, 3, "spark_substring_index($1s, $2s, $3i)"),
    S("split_part", 3, 3, "spark_split_part($1s, $2s, $3i)"),
    FD("overlay", KIND_STRING, 3, 3, "spark_overlay($1t, $2s, $3i, -1)", NULL, "-1"),
    S("overlay", 4, 4, "spark_overlay($1t, $2s, $3i, $4i)"),
    F("ascii", KIND_INT, 1, 1, "spark_ascii($1s)"),
    S("chr", 1, 1, "spark_chr($1l)"),
    S("char", 1, 1, "spark_chr($1l)"),
    F("levenshtein", KIND_INT, 2, 2, "spark_levenshtein($1s, $2s)"),
    F("levenshtein", KIND_INT, 3, 3, "spark_levenshtein($1s, $2s, $3i)"),
    S("soundex", 1, 1, "spark_soundex($1s)"),
    F("find_in_set", KIND_INT, 2, 2, "spark_find_in_set($1s, $2s)"),
    S("elt", 2, ANY_COUNT, "spark_elt($1i, $2*s)"),
    S("format_number", 2, 2, "spark_format_number($1, $2)"),
    S("format_string", 1, ANY_COUNT, "spark_format_string($*)"),
    S("printf", 1, ANY_COUNT, "spark_format_string($*)"),
    FD("mask", KIND_STRING, 1, 1, "spark_mask($1s, 'X', 'x', 'n', NULL)", NULL, "NULL|n|x|X"),
    FD("mask", KIND_STRING, 2, 2, "spark_mask($1s, $2s, 'x', 'n', NULL)", NULL, "NULL|n|x"),
    FD("mask", KIND_STRING, 3, 3, "spark_mask($1s, $2s, $3s, 'n', NULL)", NULL, "NULL|n"),
    FD("mask", KIND_STRING, 4, 4, "spark_mask($1s, $2s, $3s, $4s, NULL)", NULL, "NULL"),
    S("mask", 5, 5, "spark_mask($1s, $2s, $3s, $4s, $5s)"),
    S("quote", 1, 1, "spark_quote($1s)"),
    F("luhn_check", KIND_BOOLEAN, 1, 1, "spark_luhn_check($1s)"),
    F("like", KIND_BOOLEAN, 2, 2, "($1s LIKE $2s ESCAPE '\\')"),
    F("ilike", KIND_BOOLEAN, 2, 2, "($1s ILIKE $2s ESCAPE '\\')"),

    F("regexp_like", KIND_BOOLEAN, 2, 2, "regexp_matches($1s, $2s)"),
    FD("regexp_like", KIND_BOOLEAN, 2, 2, "regexp_matches($1s, $2s)", "REGEXP_LIKE", NULL),
    FD("regexp", KIND_BOOLEAN, 2, 2, "regexp_matches($1s, $2s)", "REGEXP", NULL),
    FD("rlike", KIND_BOOLEAN, 2, 2, "regexp_matches($1s, $2s)", "RLIKE", NULL),
    FD("regexp_extract", KIND_STRING, 2, 2, "regexp_extract($1s, $2s, 1)", NULL, "1"),
    S("regexp_extract", 3, 3, "regexp_extract($1s, $2s, $3)"),
    FD("regexp_extract_all", KIND_ARRAY, 2, 2, "regexp_extract_all($1s, $2s, 1)", NULL, "1"),
    F("regexp_extract_all", KIND_ARRAY, 3, 3, "regexp_extract_all($1s, $2s, $3)"),
    {"regexp_replace", FUNCTION_SCALAR, KIND_STRING, 3, 3, HOOK_REGEXP_REPLACE, NULL, NULL, "1"},
    F("regexp_count", KIND_INT, 2, 2, "CAST(len(regexp_extract_all($1s, $2s)) AS INTEGER)"),
    F("regexp_instr", KIND_INT, 2, 3, "spark_regexp_instr($1s, $2s)"),
    S("regexp_substr", 2, 2, "regexp_extract_all($1s, $2s)[1]"),
    FD("split", KIND_ARRAY, 2, 2, "spark_split($1s, $2s)", NULL, "-1"),

    F("split", KIND_ARRAY, 3, 3, "spark_split($1s, $2s, $3i)"),

    F("base64", KIND_STRING, 1, 1, "to_base64($1x)"),
    F("unbase64", KIND_BINARY, 1, 1, "from_base64($1s)"),
    S("hex", 1, 1, "spark_hex($1)"),
    F("unhex", KIND_BINARY, 1, 1, "TRY(unhex($1s))"),
    S("md5", 1, 1, "md5($1x)"),
    S("sha", 1, 1, "sha1($1x)"),
    S("sha1", 1, 1, "sha1($1x)"),
    S("sha2", 2, 2, "spark_sha2($1x, $2i)"),
    F("crc32", KIND_BIGINT, 1, 1, "spark_crc32($1x)"),
    F("hash", KIND_INT, 1, ANY_COUNT, "spark_hash($*)"),
    F("xxhash64", KIND_BIGINT, 1, ANY_COUNT, "spark_xxhash64($*)"),
    S("url_encode", 1, 1, "spark_url_encode($1s)"),
    S("url_decode", 1, 1, "spark_url_decode($1s)"),
    S("parse_url", 2, 2, "spark_parse_url($1s, $2s)"),
    S("parse_url", 3, 3, "spark_parse_url_value($1s, $2s, $3s)"),
    S("try_parse_url", 2, 2, "TRY(spark_parse_url($1s, $2s))"),
    S("try_parse_url", 3, 3, "TRY(spark_parse_url_value($1s, $2s, $3s))"),
    S("try_url_decode", 1, 1, "TRY(spark_url_decode($1s))"),

    F("encode", KIND_BINARY, 2, 2, "spark_encode($1s, $2s)"),
    {"decode", FUNCTION_SCALAR, KIND_UNKNOWN, 2, ANY_COUNT, HOOK_DECODE, NULL, NULL, NULL},
    S("to_char", 2, 2, "spark_to_char($1, $2s)"),
    S("to_varchar", 2, 2, "spark_to_char($1, $2s)"),
    F("to_binary", KIND_BINARY, 2, 2, "spark_to_binary($1s, $2s)"),
    F("to_binary", KIND_BINARY, 1, 1, "spark_to_binary($1s, 'hex')"),
    F("try_to_binary", KIND_BINARY, 2, 2, "TRY(spark_to_binary($1s, $2s))"),
    F("try_to_binary", KIND_BINARY, 1, 1, "TRY(spark_to_binary($1s, 'hex'))"),
    F("is_valid_utf8", KIND_BOOLEAN, 1, 1, "spark_is_valid_utf8($1)"),
    S("make_valid_utf8", 1, 1, "spark_make_valid_utf8($1)"),
    S("validate_utf8", 1, 1,
      "CASE WHEN spark_valid_utf8($1) THEN spark_make_valid_utf8($1) ELSE "
      "error('[INVALID_UTF8_STRING] a string is no valid UTF-8; try_validate_utf8 gives NULL "
      "instead') END"),
    S("try_validate_utf8", 1, 1,
      "CASE WHEN spark_valid_utf8($1) THEN spark_make_valid_utf8($1) END"),

    S("get_json_object", 2, 2, "spark_get_json_object($1s, $2s)"),
    S("schema_of_json", 1, 1, "spark_schema_of_json($1s)"),
    F("json_array_length", KIND_INT, 1, 1, "spark_json_array_length($1s)"),
    F("json_object_keys", KIND_ARRAY, 1, 1, "spark_json_object_keys($1s)"),
    S("to_json", 1, 1, "spark_to_json($1)"),
    {"from_json", FUNCTION_SCALAR, KIND_UNKNOWN, 2, 3, HOOK_FROM_JSON, NULL, NULL, NULL},
    F("str_to_map", KIND_MAP, 1, 3, "spark_str_to_map($*s)"),
};

const FunctionGroup function_strings = {functions, sizeof functions / sizeof functions[0]};
