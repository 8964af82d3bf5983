// sql_print_test.c -- printing, names, problems, and rows through DuckDB.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "sql/format.h"
#include "sql/parser.h"
#include "sql/print.h"

typedef struct Bench {
    Duck *duck;
    DuckConn *conn;
    Arena *arena;
    Diagnostics *diagnostics;
    Buffer sql;
    SourceMap map;
} Bench;

static bool know_table(void *context, const Relation *relation, Buffer *sql)
{
    Bench *bench = context;
    if (relation->kind == RELATION_TABLE && slice_is(relation->name.parts[0], "t")) {
        buffer_append_text(sql, "t");
        return true;
    }
    return diagnose(bench->diagnostics, relation->pos, "TABLE_OR_VIEW_NOT_FOUND", NULL,
                    "no table here");
}

// Parses and prints one query; false with bench->diagnostics filled.
static bool print(Bench *bench, const char *text, Pos *pos)
{
    StatementList statements = {0};
    PrintOptions options = {.relation = know_table,
                            .context = bench,
                            .now_sql = "TIMESTAMP WITH TIME ZONE '2024-05-06 07:08:09+00'"};
    SqlSources *sources = sql_sources_create(bench->arena);
    bench->diagnostics = diagnostics_create(bench->arena, sources);
    bench->map = (SourceMap){0};
    buffer_reset(&bench->sql);
    uint32_t source = sql_sources_add(sources, "test", slice_of(text));
    if (!sql_parse(bench->arena, bench->diagnostics, source, NULL, &statements) ||
        statements.count != 1) {
        return false;
    }
    *pos = statements.items[0]->pos;
    return sql_print_query(statements.items[0]->query, &options, bench->diagnostics, &bench->sql,
                           &bench->map, bench->arena);
}

// "name|name;cell|cell;..." or the first problem as "[CONDITION] message @start".
static const char *run(Bench *bench, const char *text)
{
    Error err;
    Schema schema = {0};
    Pos pos;
    DuckRows *rows = NULL;
    Buffer out = {0};
    bool ok =
        print(bench, text, &pos) && sql_bind(bench->conn, buffer_text(&bench->sql), &bench->map,
                                             pos, bench->diagnostics, &schema, bench->arena);
    if (!ok) {
        const Diagnostic *first = &bench->diagnostics->items[0];
        buffer_printf(&out, "[%s] %s @%u", first->condition == NULL ? "" : first->condition,
                      first->message, first->pos.start);
        if (first->suggestion != NULL) {
            buffer_printf(&out, " (%s)", first->suggestion);
        }
    } else if (!duck_query(bench->conn, buffer_text(&bench->sql), &rows, &err)) {
        buffer_append_text(&out, err.message);
    } else {
        for (size_t i = 0; i < schema.count; i++) {
            buffer_printf(&out, "%s%s", i > 0 ? "|" : "", schema.columns[i].name);
        }
        for (size_t chunk = 0; chunk < duck_rows_chunk_count(rows); chunk++) {
            for (uint64_t row = 0; row < duck_rows_chunk_size(rows, chunk); row++) {
                for (size_t i = 0; i < schema.count; i++) {
                    DuckColumn column = duck_rows_column(rows, chunk, i);
                    buffer_append_text(&out, i > 0 ? "|" : ";");
                    format_value(&column, row, &out);
                }
            }
        }
    }
    duck_rows_destroy(rows);
    const char *result = arena_text(bench->arena, buffer_slice(&out));
    buffer_done(&out);
    return result;
}

static void test_names(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT count(*), sum(v), max(v) + 1 FROM t"),
               "count(1)|sum(v)|(max(v) + 1);4|10|5");
    CHECK_TEXT(run(bench, "SELECT CAST(v AS STRING), -v, NOT v > 1 FROM t WHERE v = 1"),
               "CAST(v AS STRING)|(- v)|(NOT (v > 1));1|-1|true");
    CHECK_TEXT(run(bench, "SELECT upper('a'), 1L, 2.50, CASE WHEN true THEN 'x' ELSE 'y' END"),
               "upper(a)|1|2.50|CASE WHEN true THEN x ELSE y END;A|1|2.50|x");
    CHECK_TEXT(run(bench, "SELECT transform(array(1), x -> x + 1)"),
               "transform(array(1), lambdafunction((namedlambdavariable() + 1), "
               "namedlambdavariable()));[2]");
}

static void test_arithmetic(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT 7 / 2 a, 1.0 / 3 b, 7 DIV 2 c, -7 % 3 d"),
               "a|b|c|d;3.5|0.333333|3|-1");
    CHECK_TEXT(run(bench, "SELECT d / 3 AS x, avg(d) OVER () AS y FROM t WHERE v = 3"),
               "x|y;1.166667|3.50000");
    CHECK(strstr(run(bench, "SELECT v / 0 FROM t"), "[DIVIDE_BY_ZERO]") != NULL);
    CHECK(strstr(run(bench, "SELECT 2147483647 + 1"), "[ARITHMETIC_OVERFLOW]") != NULL);
    CHECK_TEXT(run(bench, "SELECT try_divide(1, 0) a, try_add(2147483647, 1) b, pmod(-7, 3) c"),
               "a|b|c;null|null|2");
    CHECK_TEXT(
        run(bench, "SELECT round(2.5D) a, round(1.005D, 2) b, bround(2.5, 0) c, floor(-0.1) d"),
        "a|b|c|d;3.0|1.01|2|-1");
    CHECK_TEXT(run(bench, "SELECT sum(x) s FROM VALUES (2147483647), (1) q(x)"), "s;2147483648");
}

static void test_casts(Bench *bench)
{
    CHECK_TEXT(run(bench,
                   "SELECT CAST(1e10 AS STRING) a, CAST(true AS STRING) b, CAST(' 12 ' AS INT) "
                   "c, CAST(-1.9 AS INT) d, TRY_CAST('x' AS INT) e"),
               "a|b|c|d|e;1.0E10|true|12|-1|null");
    CHECK_TEXT(run(bench, "SELECT CAST(TIMESTAMP'2024-01-02 03:04:05.500+02:00' AS STRING) a, "
                          "CAST('2024-2-3' AS DATE) b, CAST(array(1, NULL) AS STRING) c"),
               "a|b|c;2024-01-02 01:04:05.5|2024-02-03|[1, null]");
    CHECK(strstr(run(bench, "SELECT CAST('1.5' AS INT)"), "[CAST_INVALID_INPUT]") != NULL);
    CHECK(strstr(run(bench, "SELECT CAST(300 AS TINYINT)"), "[CAST_OVERFLOW]") != NULL);
}

static void test_collections(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT array(1, 2)[0] a, map('k', 5)['k'] b, map('k', 5)['z'] c, "
                          "element_at(array(1, 2), -1) d, get(array(1), 7) e"),
               "a|b|c|d|e;1|5|null|2|null");
    CHECK(strstr(run(bench, "SELECT array(1)[1]"), "[INVALID_ARRAY_INDEX]") != NULL);
    CHECK_TEXT(run(bench,
                   "SELECT aggregate(array(1, 2), 0L, (a, x) -> a + x, a -> a * 10) a, "
                   "exists(array(1, NULL), x -> x > 5) b, filter(array(5, 6), (x, i) -> i = 1) c"),
               "a|b|c;30|null|[6]");
    CHECK_TEXT(run(bench, "SELECT v, e FROM t LATERAL VIEW explode(array(v, 9)) x AS e WHERE v = 2 "
                          "ORDER BY e"),
               "v|e;2|2;2|9");
    CHECK_TEXT(run(bench, "SELECT posexplode(array('a'))"), "pos|col;0|a");
}

static void test_times(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT DATE'2024-01-31' + INTERVAL 1 MONTH a, datediff('2024-03-01', "
                          "'2024-02-01') b, date_trunc('HOUR', TIMESTAMP'2024-01-01 10:20:30') c"),
               "a|b|c;2024-02-29|29|2024-01-01 10:00:00");
    CHECK_TEXT(run(bench, "SELECT to_date('09/03/24', 'dd/MM/yy') a, date_format(DATE'2024-03-09', "
                          "'EEE d MMM yyyy') b"),
               "a|b;2024-03-09|Sat 9 Mar 2024");
    CHECK_TEXT(run(bench, "SELECT window.start AS s, count(*) AS n FROM VALUES "
                          "('2024-01-01 00:01:00'), ('2024-01-01 00:04:00'), (NULL) q(ts) "
                          "GROUP BY window(ts, '5 minutes')"),
               "s|n;2024-01-01 00:00:00|2");
    CHECK_TEXT(run(bench,
                   "SELECT window.start, count(*) AS n FROM VALUES ('2024-01-01 00:06:00') q(ts) "
                   "GROUP BY window(ts, '10 minutes', '5 minutes') ORDER BY window.start"),
               "start|n;2024-01-01 00:00:00|1;2024-01-01 00:05:00|1");
    CHECK_TEXT(run(bench, "SELECT current_timestamp() a, current_date() b"),
               "a|b;2024-05-06 07:08:09|2024-05-06");
}

static void test_json(Bench *bench)
{
    CHECK_TEXT(run(bench,
                   "SELECT from_json('{\"a\": 1, \"t\": \"2024-01-01T00:00:00Z\", \"b\": [1]}', "
                   "'a INT, t TIMESTAMP, b ARRAY<INT>, z STRING') j"),
               "j;{1, 2024-01-01 00:00:00, [1], null}");
    CHECK_TEXT(
        run(bench, "SELECT from_json('{\"a\":', 'a INT') j, from_json('{\"a\": 1.5}', 'a INT') k"),
        "j|k;{null}|{null}");
    CHECK_TEXT(run(bench, "SELECT get_json_object('{\"a\": {\"b\": [1, \"x\"]}}', '$.a.b[1]') a, "
                          "to_json(named_struct('a', 1, 'b', CAST(NULL AS INT))) b"),
               "a|b;x|{\"a\":1}");
}

static void test_order(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT x FROM VALUES (1), (NULL), (2) q(x) ORDER BY x"), "x;null;1;2");
    CHECK_TEXT(run(bench, "SELECT x FROM VALUES (1), (NULL), (2) q(x) ORDER BY x DESC"),
               "x;2;1;null");
    CHECK_TEXT(run(bench, "SELECT x, row_number() OVER (ORDER BY x) r FROM VALUES (1), (NULL) q(x) "
                          "ORDER BY r"),
               "x|r;null|1;1|2");
}

// Aggregates, windows, aliases and outer columns have no type yet when DuckDB chooses a macro.
static void test_types_known_late(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT CAST(max(x) AS STRING) a, CAST(max(x) OVER () AS STRING) b FROM "
                          "VALUES (1e10) q(x) GROUP BY x"),
               "a|b;1.0E10|1.0E10");
    CHECK_TEXT(run(bench, "SELECT v * 1e10 AS s, s || '' AS c FROM t WHERE v = 1"),
               "s|c;1.0E10|1.0E10");
    CHECK_TEXT(run(bench, "SELECT (SELECT q.x || '' FROM t WHERE v = 1) c FROM VALUES (1e10) q(x)"),
               "c;1.0E10");
    CHECK_TEXT(run(bench, "SELECT max(x) - min(x) d FROM VALUES (DATE'2024-03-01'), "
                          "(DATE'2024-02-01') q(x)"),
               "d;INTERVAL '29' DAY");
    CHECK_TEXT(run(bench, "SELECT window(ts, '1 hour') w, count(*) n FROM VALUES "
                          "('2024-01-01 00:06:00') q(ts) GROUP BY window(ts, '1 hour') "
                          "ORDER BY w.start"),
               "w|n;{2024-01-01 00:00:00, 2024-01-01 01:00:00}|1");
    CHECK_TEXT(run(bench, "SELECT session_window.end e, k, count(*) n FROM VALUES "
                          "('a', '2024-01-01 00:00:30'), ('a', '2024-01-01 00:00:00'), "
                          "('a', '2024-01-01 00:00:10'), ('b', '2024-01-01 00:00:20') q(k, ts) "
                          "GROUP BY k, session_window(ts, '10 seconds') ORDER BY k, e"),
               "e|k|n;2024-01-01 00:00:20|a|2;2024-01-01 00:00:40|a|1;2024-01-01 00:00:30|b|1");
}

static void test_problems(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT cuont(v) FROM t"),
               "[UNRESOLVED_ROUTINE] no function 'cuont' @7 (did you mean 'count'?)");
    CHECK_TEXT(run(bench, "SELECT sentences('a', v) FROM t"),
               "[UNSUPPORTED_FUNCTION] function 'sentences' is not supported yet @7");
    CHECK_TEXT(run(bench, "SELECT v, dd FROM t"),
               "[UNRESOLVED_COLUMN.WITH_SUGGESTION] no column 'dd' @10 (did you mean 'd'?)");
    CHECK_TEXT(run(bench, "SELECT q.v FROM t"),
               "[UNRESOLVED_COLUMN.WITH_SUGGESTION] no table or alias 'q' here @7");
    CHECK(strstr(run(bench, "SELECT v, count(*) FROM t"), "[MISSING_AGGREGATION]") != NULL);
    CHECK_TEXT(run(bench, "SELECT * FROM nothing"), "[TABLE_OR_VIEW_NOT_FOUND] no table here @14");
    CHECK_TEXT(run(bench, "SELECT upper('a', 'b')"),
               "[WRONG_NUM_ARGS.WITHOUT_SUGGESTION] upper takes 1 argument, not 2 @7");
    CHECK(strstr(run(bench, "SELECT INTERVAL 3 MONTHS"), "[UNSUPPORTED_FEATURE]") != NULL);
    CHECK(sql_is_aggregate(slice_of("COUNT")) && !sql_is_aggregate(slice_of("upper")));
    CHECK(sql_is_window_function(slice_of("rank")) && sql_is_known_function(slice_of("explode")));
}

// Spark casts a string beside a number, a date or a boolean; whole numbers make it a BIGINT.
static void test_strings_beside_numbers(Bench *bench)
{
    CHECK_TEXT(
        run(bench, "SELECT sum(s) AS a, avg(s) AS b FROM VALUES ('1'), ('2.5'), (NULL) q(s)"),
        "a|b;3.5|1.75");
    CHECK_TEXT(run(bench, "SELECT s + 1 AS a, s * 1.5 AS b, 2 - s AS c, v + '1' AS d, d + '1' AS e "
                          "FROM t, (VALUES ('5')) q(s) WHERE v = '2'"),
               "a|b|c|d|e;6|7.5|-3|3|3.5");
    CHECK_TEXT(run(bench,
                   "SELECT s = 2 AS a, s IN (1, 2) AS b, s BETWEEN 1 AND 3 AS c, s > 1.5 AS d "
                   "FROM VALUES (' 2 ') q(s)"),
               "a|b|c|d;true|true|true|true");
    CHECK_TEXT(run(bench,
                   "SELECT s = DATE '2024-01-05' AS a, s > TIMESTAMP '2024-01-04 23:00:00' AS b "
                   "FROM VALUES ('2024-1-5') q(s)"),
               "a|b;true|true");
    CHECK_TEXT(run(bench, "SELECT count(*) AS n FROM t WHERE v IN ('1', '99999999999')"), "n;1");
    CHECK_TEXT(run(bench, "SELECT coalesce(i, s) AS a, typeof(coalesce(i, s)) AS b, "
                          "coalesce(d, '2024-1-5') AS c, nvl(s, 0) AS d "
                          "FROM VALUES (NULL, '7', DATE '2024-01-01'), (1, '8', NULL) q(i, s, d)"),
               "a|b|c|d;7|bigint|2024-01-01|7;1|bigint|2024-01-05|8");
    CHECK_TEXT(run(bench, "SELECT coalesce(i, s) FROM VALUES (NULL, 'a'), (1, 'b') q(i, s)"),
               "[CAST_INVALID_INPUT] 'a' (string) is no BIGINT; try_cast gives NULL instead");
    CHECK_TEXT(run(bench, "SELECT array(i, s) FROM VALUES (1, 'a') q(i, s)"),
               "[DATATYPE_MISMATCH.DATA_DIFF_TYPES] these values have different types @16 "
               "(CAST them to one type)");
    CHECK_TEXT(run(bench, "SELECT t.v FROM t JOIN (SELECT upper(' 2 ') AS s) q ON t.v = q.s"),
               "v;2");
    CHECK_TEXT(run(bench, "SELECT t.v FROM t JOIN (SELECT upper('1.5') AS s) q ON t.v = q.s"),
               "[CAST_INVALID_INPUT] '1.5' (string) is no BIGINT; try_cast gives NULL instead");
    CHECK_TEXT(run(bench, "SELECT v = '1.5' FROM t"),
               "[CAST_INVALID_INPUT] '1.5' (string) is no BIGINT; try_cast gives NULL instead");
}

// C functions take any argument, so also the value of a subquery.
static void test_subqueries_as_arguments(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT upper((SELECT 'a')) AS a, 1 / (SELECT max(v) FROM t) AS b, "
                          "CAST((SELECT '7') AS INT) AS c, size((SELECT array(1, 2))) AS d"),
               "a|b|c|d;A|0.25|7|2");
    CHECK_TEXT(run(bench, "SELECT v / (SELECT max(o.v) FROM t o WHERE o.v > t.v) AS q FROM t "
                          "WHERE v = 2"),
               "q;0.5");
}

static void test_urls(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT parse_url('http://u@h.com:8/p?x=1&y=2#r', 'HOST') AS a, "
                          "parse_url('http://u@h.com:8/p?x=1&y=2#r', 'AUTHORITY') AS b, "
                          "parse_url('http://u@h.com:8/p?x=1&y=2#r', 'USERINFO') AS c, "
                          "parse_url('http://u@h.com:8/p?x=1&y=2#r', 'FILE') AS d, "
                          "parse_url('http://u@h.com:8/p?x=1&y=2#r', 'REF') AS e, "
                          "parse_url('http://u@h.com:8/p?x=1&y=2#r', 'QUERY', 'y') AS f"),
               "a|b|c|d|e|f;h.com|u@h.com:8|u|/p?x=1&y=2|r|2");
    // a host with an underscore is an authority without a host
    CHECK_TEXT(run(bench, "SELECT parse_url('http://a_b.c/p', 'HOST') AS a, "
                          "parse_url('/p?q', 'PATH') AS b, parse_url('http://h.com', 'PATH') AS c, "
                          "parse_url('mailto:a@b.c', 'PATH') AS d, "
                          "try_parse_url('http://a b/', 'HOST') AS e"),
               "a|b|c|d|e;null|/p||null|null");
    CHECK_TEXT(run(bench, "SELECT parse_url('http://a b/', 'HOST')"),
               "[INVALID_URL] 'http://a b/' is no URL @7 (try_parse_url gives NULL instead)");
}

static void test_schema_of_json(Bench *bench)
{
    CHECK_TEXT(run(bench,
                   "SELECT schema_of_json('{\"b\":[1,2.5,null],\"a b\":{\"x\":\"\"},\"a\":true,"
                   "\"e\":{},\"n\":12345678901234567890}') AS s"),
               "s;STRUCT<a: BOOLEAN, `a b`: STRUCT<x: STRING>, b: ARRAY<DOUBLE>, "
               "n: DECIMAL(20,0)>");
    CHECK_TEXT(run(bench, "SELECT schema_of_json('[{\"x\":1},{\"y\":\"z\",\"x\":\"q\"}]') AS s"),
               "s;ARRAY<STRUCT<x: STRING, y: STRING>>");
    CHECK_TEXT(
        run(bench, "SELECT to_char(DATE '2024-03-09', 'dd/MM') AS a, to_char(x'6162', 'hex') AS b"),
        "a|b;09/03|6162");
    CHECK_TEXT(run(bench, "SELECT to_char(v, '999') FROM t"),
               "[UNSUPPORTED_FUNCTION] to_char of numbers is not supported yet; format_number(x, "
               "digits) groups and rounds");
}

static void test_more_collections(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT v, inline(array(struct(v AS a, 'x' AS b))) FROM t WHERE v < 3 "
                          "ORDER BY a DESC"),
               "v|a|b;2|2|x;1|1|x");
    CHECK_TEXT(run(bench, "SELECT map_zip_with(map(1, 'a', 2, 'b'), map(1, 'x', 3, 'y'), "
                          "(k, a, b) -> concat(coalesce(a, '-'), coalesce(b, '-'))) AS m"),
               "m;{1 -> ax, 2 -> b-, 3 -> -y}");
    CHECK_TEXT(run(bench,
                   "SELECT arrays_zip(array(1, 2), array(3)) AS a, "
                   "array_insert(array(5, 4, 2, 1), -4, 3) AS b, "
                   "array_insert(array(5, 3), -4, 9) AS c, array_insert(array(1), 3, 9) AS d"),
               "a|b|c|d;[{1, 3}, {2, null}]|[5, 3, 4, 2, 1]|[9, null, 5, 3]|[1, null, 9]");
    CHECK_TEXT(run(bench, "SELECT array_sort(array('bb', 'a', 'ccc', 'dd'), "
                          "(a, b) -> length(b) - length(a)) AS s"),
               "s;[ccc, bb, dd, a]");
    CHECK_TEXT(run(bench, "SELECT to_json(struct(*)) AS a, to_json(struct(q.*)) AS b "
                          "FROM (SELECT 1 AS x, 'y' AS z) q"),
               "a|b;{\"x\":1,\"z\":\"y\"}|{\"x\":1,\"z\":\"y\"}");
    CHECK_TEXT(run(bench, "SELECT mode(x, true) AS a, mode() WITHIN GROUP (ORDER BY x DESC) AS b "
                          "FROM VALUES (1), (2), (2), (3), (3) q(x)"),
               "a|b;2|3");
    CHECK_TEXT(run(bench, "SELECT regexp_instr('abc de', 'd.') AS a, regexp_instr('x', 'y') AS b, "
                          "substring(sha2('Spark', 512), 1, 8) AS c, sha2('a', 5) AS d, "
                          "try_validate_utf8(x'80') AS e, make_valid_utf8(x'61') AS f"),
               "a|b|c|d|e|f;5|0|44844a58|null|null|a");
}

// All problems as "message @position", parted by "; ".
static const char *problems(Bench *bench, const char *text)
{
    Schema schema = {0};
    Pos pos;
    Buffer out = {0};
    if (print(bench, text, &pos) || bench->map.has_gaps) {
        sql_bind(bench->conn, buffer_text(&bench->sql), &bench->map, pos, bench->diagnostics,
                 &schema, bench->arena);
    }
    for (size_t i = 0; i < bench->diagnostics->count; i++) {
        const Diagnostic *item = &bench->diagnostics->items[i];
        buffer_printf(&out, "%s%s @%u", i > 0 ? "; " : "", item->message, item->pos.start);
    }
    const char *result = arena_text(bench->arena, buffer_slice(&out));
    buffer_done(&out);
    return result;
}

static void test_pivots(Bench *bench)
{
    CHECK_TEXT(run(bench,
                   "SELECT * FROM VALUES (1, 'a', 10), (1, 'b', 5), (2, 'a', 3), (3, NULL, 1) "
                   "q(id, k, v) PIVOT (sum(v) FOR k IN ('a', 'b' AS bb)) ORDER BY id"),
               "id|a|bb;1|10|5;2|3|null;3|null|null");
    CHECK_TEXT(run(bench,
                   "SELECT p.* FROM VALUES ('a', 10), ('b', 5), ('a', 3) q(k, v) "
                   "PIVOT (sum(v), max(v) AS m FOR q.k IN ('a' AS x, 'b')) AS p WHERE x_m > 1"),
               "x_sum(v)|x_m|b_sum(v)|b_m;13|10|5|5");
    CHECK_TEXT(run(bench, "SELECT * FROM VALUES (1, 10, NULL), (2, 3, 4) q(id, a, b) "
                          "UNPIVOT (v FOR n IN (a AS aa, b)) ORDER BY id, n"),
               "id|n|v;1|aa|10;2|aa|3;2|b|4");
    CHECK_TEXT(run(bench, "SELECT count(*) AS n FROM VALUES (1, 10, NULL) q(id, a, b) "
                          "UNPIVOT INCLUDE NULLS (v FOR n IN (a, b))"),
               "n;2");
    CHECK_TEXT(problems(bench, "SELECT * FROM t PIVOT (sum(vv) FOR v IN (1))"),
               "no column 'vv' @27");
}

static void test_all_problems(Bench *bench)
{
    CHECK_TEXT(problems(bench, "SELECT aa, v + bb, uper(v), v + array(1) FROM t "
                               "WHERE cc > 1 AND array(1) > 5"),
               "no function 'uper' @19; no column 'cc' @54; ARRAY<INT> and INT cannot be compared "
               "or be values of one expression @65; no column 'aa' @7; no column 'bb' @15; "
               "there is no INT + ARRAY<INT> @28");
    CHECK_TEXT(problems(bench, "WITH c AS (SELECT bad, v FROM t) SELECT bad, worse FROM c"),
               "no column 'bad' @18; no column 'worse' @45");
    // behind a function that is chosen by its arguments' types
    CHECK_TEXT(problems(bench, "SELECT upper(aa), length(concat(bb, cc)) FROM t"),
               "no column 'aa' @13; no column 'bb' @32; no column 'cc' @36");
    CHECK_TEXT(problems(bench, "SELECT s.q, s.a, v.x FROM t, (SELECT struct(1 AS a) s)"),
               "no field 'q' in the struct @7; 'v' is no struct and has no field 'x' @17");
    CHECK_TEXT(problems(bench, "SELECT x.q, x.v FROM t AS x"), "no column 'q' in x @7");
}

// What Spark's optimizer finds out before it reads a row.
static void test_constants(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT v, CAST('x' AS INT) FROM t"),
               "[CAST_INVALID_INPUT] 'x' (string) is no INT @10 (try_cast gives NULL instead)");
    CHECK_TEXT(problems(bench, "SELECT 1 / 0, array(1, 2)[5] FROM t WHERE v > 100Y * 100Y"),
               "division by zero @7; index 5 is outside of an array of 2 @14; "
               "overflow in multiplication: 100 * 100 @46");
    CHECK_TEXT(run(bench, "SELECT CASE WHEN v > 9 THEN 1 / 0 END AS x FROM t WHERE v = 1"),
               "x;null");
    CHECK_TEXT(run(bench, "SELECT coalesce(v, 1 / 0) AS x FROM t WHERE v = 1"), "x;1.0");
    CHECK_TEXT(run(bench, "SELECT CAST('1234.5' AS DECIMAL(4, 2))"),
               "[NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION] 1234.5 does not fit into "
               "DECIMAL(4,2) @7 (try_cast gives NULL instead)");
    CHECK_TEXT(run(bench, "SELECT DATE '2024-01-01' = 'x'"),
               "[CAST_INVALID_INPUT] 'x' (string) is no DATE @7 (try_cast gives NULL instead)");
    CHECK_TEXT(run(bench, "SELECT (SELECT v FROM t)"),
               "[SCALAR_SUBQUERY_TOO_MANY_ROWS] a subquery used as a value has more than one row");
}

// A name or text of the user's never becomes SQL of its own.
static void test_quoting(Bench *bench)
{
    CHECK_TEXT(run(bench, "SELECT 'it''s; DROP TABLE t' AS `a\"b`, \"x\" AS y"),
               "a\"b|y;it's; DROP TABLE t|x");
    CHECK_TEXT(run(bench, "SELECT count(*) AS n FROM t"), "n;4");
}

static void test_source_map(void)
{
    SourceMapEntry entries[] = {{.offset = 0, .pos = {0, 1, 2}},
                                {.offset = 5, .pos = {0, 3, 4}},
                                {.offset = 9, .pos = {0, 7, 8}}};
    SourceMap map = {.entries = entries, .count = 3, .capacity = 3};
    CHECK(source_map_find(&map, 0).start == 1);
    CHECK(source_map_find(&map, 4).start == 1);
    CHECK(source_map_find(&map, 5).start == 3);
    CHECK(source_map_find(&map, 100).start == 7);
}

int main(void)
{
    Error err;
    DuckOptions options = {.threads = 1};
    Bench bench = {.arena = arena_create(0)};
    bool ok = duck_open(&options, &bench.duck, &err) &&
              duck_connect(bench.duck, &bench.conn, &err) && sql_prelude(bench.conn, &err) &&
              duck_run(bench.conn,
                       "CREATE TABLE t AS SELECT i::INTEGER AS v, (i + 0.5)::DECIMAL(10, 1) AS d "
                       "FROM range(1, 5) r(i)",
                       &err);
    if (!ok) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    test_names(&bench);
    test_arithmetic(&bench);
    test_casts(&bench);
    test_collections(&bench);
    test_times(&bench);
    test_json(&bench);
    test_order(&bench);
    test_types_known_late(&bench);
    test_problems(&bench);
    test_quoting(&bench);
    test_pivots(&bench);
    test_urls(&bench);
    test_schema_of_json(&bench);
    test_more_collections(&bench);
    test_strings_beside_numbers(&bench);
    test_subqueries_as_arguments(&bench);
    test_all_problems(&bench);
    test_constants(&bench);
    test_source_map();
    buffer_done(&bench.sql);
    duck_disconnect(bench.conn);
    duck_close(bench.duck);
    arena_destroy(bench.arena);
    return check_done();
}
