// sql_format_test.c -- values and tables as Spark prints them; patterns, dates and JSON read back.
// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "check.h"
#include "sql/cast.h"
#include "sql/format.h"
#include "sql/format_internal.h"
#include "sql/json_tree.h"
#include "sql/time_pattern.h"

static const char *double_text(double value)
{
    static char text[64];
    Buffer out = {0};
    format_double(value, &out);
    snprintf(text, sizeof text, "%s", buffer_text(&out));
    buffer_done(&out);
    return text;
}

static void test_doubles(uint64_t seed)
{
    CHECK_TEXT(double_text(0), "0.0");
    CHECK_TEXT(double_text(-0.0), "-0.0");
    CHECK_TEXT(double_text(1), "1.0");
    CHECK_TEXT(double_text(1e7), "1.0E7");
    CHECK_TEXT(double_text(9999999), "9999999.0");
    CHECK_TEXT(double_text(0.001), "0.001");
    CHECK_TEXT(double_text(0.00012), "1.2E-4");
    CHECK_TEXT(double_text(12345678.9), "1.23456789E7");
    CHECK_TEXT(double_text(0.1 + 0.2), "0.30000000000000004");
    CHECK_TEXT(double_text(-INFINITY), "-Infinity");
    CHECK_TEXT(double_text(5e-324), "5.0E-324");
    Random random = {seed};
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_next(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value) && strtod(double_text(value), NULL) != value) {
            fprintf(stderr, "seed %llu: %.17g prints as %s\n", (unsigned long long)seed, value,
                    double_text(value));
            CHECK(false);
            return;
        }
    }
    CHECK(true);
}

static void test_small(void)
{
    Buffer out = {0};
    format_float(0.1F, &out);
    CHECK_TEXT(buffer_text(&out), "0.1");
    buffer_reset(&out);
    format_decimal(-5, 2, &out);
    CHECK_TEXT(buffer_text(&out), "-0.05");
    buffer_reset(&out);
    format_decimal(1200, 2, &out);
    CHECK_TEXT(buffer_text(&out), "12.00");
    buffer_reset(&out);
    format_timestamp(-1, &out);
    CHECK_TEXT(buffer_text(&out), "1969-12-31 23:59:59.999999");
    buffer_reset(&out);
    format_interval((FormatInterval){0, 29, 0}, &out);
    CHECK_TEXT(buffer_text(&out), "INTERVAL '29' DAY");
    buffer_reset(&out);
    format_interval((FormatInterval){0, 0, -(TIME_DAY + TIME_HOUR)}, &out);
    CHECK_TEXT(buffer_text(&out), "INTERVAL '-1 01:00:00' DAY TO SECOND");
    buffer_done(&out);
}

typedef void (*Writer)(const DuckRows *rows, Buffer *out);

static const char *written(DuckConn *conn, const char *sql, Writer writer, ShowOptions show)
{
    static char text[4096];
    Error err;
    DuckRows *rows;
    if (!duck_query(conn, sql, &rows, &err)) {
        return "query failed";
    }
    Buffer out = {0};
    if (writer == NULL) {
        format_show(rows, show, &out);
    } else {
        writer(rows, &out);
    }
    snprintf(text, sizeof text, "%s", buffer_text(&out));
    buffer_done(&out);
    duck_rows_destroy(rows);
    return text;
}

static void test_show(DuckConn *conn)
{
    CHECK_TEXT(written(conn,
                       "SELECT * FROM (VALUES ('login', 15), ('purchase', NULL)) q(event, count)",
                       NULL, (ShowOptions){20, 20}),
               "+--------+-----+\n"
               "|   event|count|\n"
               "+--------+-----+\n"
               "|   login|   15|\n"
               "|purchase| NULL|\n"
               "+--------+-----+\n");
    CHECK_TEXT(written(conn, "SELECT 'abcdefgh' AS a, [1, NULL] AS b", NULL, (ShowOptions){-1, 0}),
               "+--------+---------+\n"
               "|a       |b        |\n"
               "+--------+---------+\n"
               "|abcdefgh|[1, NULL]|\n"
               "+--------+---------+\n");
    CHECK_TEXT(written(conn, "SELECT 'abcdefgh' AS a FROM range(3)", NULL, (ShowOptions){1, 6}),
               "+------+\n"
               "|     a|\n"
               "+------+\n"
               "|abc...|\n"
               "+------+\n"
               "only showing top 1 row\n");
    CHECK_TEXT(written(conn, "SELECT '日本' AS a, e'x\\ny' AS b", NULL, (ShowOptions){5, 20}),
               "+----+----+\n"
               "|   a|   b|\n"
               "+----+----+\n"
               "|日本|x\\ny|\n"
               "+----+----+\n");
    CHECK_TEXT(written(conn, "SELECT 1 AS a WHERE false", NULL, (ShowOptions){5, 20}),
               "+---+\n|  a|\n+---+\n+---+\n");
}

static void test_files(DuckConn *conn)
{
    const char *sql =
        "SELECT 'a,\"b' AS x, NULL::INTEGER AS y, '' AS z, {'k': NULL, 'v': 1.50} AS s";
    ShowOptions none = {0};
    CHECK_TEXT(written(conn, sql, format_csv, none),
               "x,y,z,s\n\"a,\"\"b\",,\"\",\"{null, 1.50}\"\n");
    CHECK_TEXT(written(conn, sql, format_jsonl, none),
               "{\"x\":\"a,\\\"b\",\"y\":null,\"z\":\"\",\"s\":{\"k\":null,\"v\":1.50}}\n");
    CHECK_TEXT(written(conn, "SELECT 1 AS a, 'x|y' AS b", format_markdown, none),
               "| a | b |\n| ---: | --- |\n| 1 | x\\|y |\n");
    CHECK_TEXT(written(conn, "SELECT TIMESTAMPTZ '2024-01-01 00:00:00.5+00' AS t",
                       format_json_array, none),
               "[{\"t\":\"2024-01-01T00:00:00.500Z\"}]\n");
}

static void test_casts(void)
{
    int64_t value;
    bool flag;
    double number;
    CHECK(cast_parse_date(slice_of(" 2024-2-3 "), &value) && value == time_days(2024, 2, 3));
    CHECK(cast_parse_date(slice_of("2024"), &value) && value == time_days(2024, 1, 1));
    CHECK(!cast_parse_date(slice_of("2024-02-30"), &value));
    CHECK(!cast_parse_date(slice_of("24-02-03"), &value));
    CHECK(cast_parse_timestamp(slice_of("1970-01-01T00:00:01.5+01:00"), true, &value) &&
          value == 1500000 - TIME_HOUR);
    CHECK(cast_parse_timestamp(slice_of("1970-01-01 00:00"), true, &value) && value == 0);
    CHECK(!cast_parse_timestamp(slice_of("1970-01-01 25:00"), true, &value));
    CHECK(cast_parse_bigint(slice_of(" -9223372036854775808 "), &value) && value == INT64_MIN);
    CHECK(!cast_parse_bigint(slice_of("9223372036854775808"), &value));
    CHECK(!cast_parse_bigint(slice_of("1.0"), &value) && !cast_parse_bigint(slice_of(""), &value));
    CHECK(cast_parse_boolean(slice_of("YES"), &flag) && flag);
    CHECK(!cast_parse_boolean(slice_of("maybe"), &flag));
    CHECK(cast_parse_double(slice_of("-inf"), &number) && number < 0);
    CHECK(!cast_parse_double(slice_of("e"), &number) &&
          !cast_parse_double(slice_of("1x"), &number));
}

// Every time written by a pattern is read back as the same time.
static void test_patterns(uint64_t seed)
{
    static const char *const patterns[] = {
        "yyyy-MM-dd HH:mm:ss.SSSSSS", "yyyyMMddHHmmssSSSSSS", "d/M/yyyy h:mm:ss a SSSSSS",
        "EEEE, dd MMMM yyyy k:m:s[.SSSSSS]", "yyyy-DDD'T'HH:mm:ss.SSSSSSXXX"};
    Error err;
    Random random = {seed};
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        TimePattern pattern;
        CHECK(time_pattern_compile(slice_of(patterns[i]), &pattern, &err));
        for (int j = 0; j < 500; j++) {
            int64_t time = (int64_t)random_below(&random, 8000ULL * 365 * 86400) * TIME_SECOND +
                           (int64_t)random_below(&random, TIME_SECOND) - 1900LL * 365 * TIME_DAY;
            int64_t back = 0;
            Buffer text = {0};
            time_pattern_format(&pattern, time, &text);
            bool ok = time_pattern_parse(&pattern, buffer_slice(&text), &back) && back == time;
            if (!ok) {
                fprintf(stderr, "seed %llu: %s writes %s\n", (unsigned long long)seed, patterns[i],
                        buffer_text(&text));
                CHECK(false);
                j = 500;
            }
            buffer_done(&text);
        }
    }
    TimePattern pattern;
    CHECK(!time_pattern_compile(slice_of("YYYY-ww"), &pattern, &err));
    CHECK(!time_pattern_compile(slice_of("yyyy 'open"), &pattern, &err));
}

static const char *json_again(const char *text)
{
    static char copy[256];
    bool complete;
    Arena *arena = arena_create(0);
    JsonTree *tree = json_tree_parse(arena, slice_of(text), &complete);
    Buffer out = {0};
    if (tree != NULL && complete) {
        json_tree_print(tree, &out);
    } else {
        buffer_append_text(&out, "bad");
    }
    snprintf(copy, sizeof copy, "%s", buffer_text(&out));
    buffer_done(&out);
    arena_destroy(arena);
    return copy;
}

static void test_json(void)
{
    CHECK_TEXT(json_again(" {\"a\" : [1, -2.50, 1e3, \"\\u00e9\\n\", null, true] } "),
               "{\"a\":[1,-2.5,1000.0,\"é\\n\",null,true]}");
    CHECK_TEXT(json_again("[1, 2"), "bad");
    CHECK_TEXT(json_again("{\"a\": 01}"), "bad");
    CHECK_TEXT(json_again("1 2"), "bad");
    CHECK_TEXT(json_again("\"\\ud83d\\ude00\""), "\"😀\"");
    char deep[1024];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    CHECK_TEXT(json_again(deep), "bad");
}

int main(void)
{
    Error err;
    DuckOptions options = {.threads = 1};
    Duck *duck;
    DuckConn *conn;
    uint64_t seed = random_seed();
    if (!duck_open(&options, &duck, &err) || !duck_connect(duck, &conn, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    test_doubles(seed);
    test_small();
    test_show(conn);
    test_files(conn);
    test_casts();
    test_patterns(seed);
    test_json();
    duck_disconnect(conn);
    duck_close(duck);
    return check_done();
}
