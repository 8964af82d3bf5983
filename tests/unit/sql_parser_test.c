// SPDX-License-Identifier: Apache-2.0
#include "sql/parser.h"

#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "sql_dump.h"

typedef struct Case {
    const char *sql;
    const char *expected;
} Case;

typedef struct Fixture {
    Arena *arena;
    SqlSources *sources;
    Diagnostics *diagnostics;
    uint32_t source;
} Fixture;

static Fixture open_text(const char *sql, size_t size)
{
    Fixture fixture = {.arena = arena_create(0)};
    fixture.sources = sql_sources_create(fixture.arena);
    fixture.diagnostics = diagnostics_create(fixture.arena, fixture.sources);
    fixture.source = sql_sources_add(fixture.sources, "test.sql", (Slice){sql, size});
    return fixture;
}

static void close_text(Fixture *fixture)
{
    arena_destroy(fixture->arena);
}

// "start-end CONDITION: message | suggestion", a line for each problem
static void dump_problems(const Diagnostics *diagnostics, Buffer *out)
{
    buffer_reset(out);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const Diagnostic *item = &diagnostics->items[i];
        buffer_printf(out, "%s%u-%u %s: %s%s%s", i == 0 ? "" : "\n", item->pos.start, item->pos.end,
                      item->condition, item->message, item->suggestion == NULL ? "" : " | ",
                      item->suggestion == NULL ? "" : item->suggestion);
    }
}

static void check_case(const Case *item, const Buffer *actual)
{
    if (strcmp(buffer_text(actual), item->expected) != 0) {
        fprintf(stderr, "%s\n", item->sql);
    }
    CHECK_TEXT(buffer_text(actual), item->expected);
}

static void check_expression(const Case *item)
{
    Fixture fixture = open_text(item->sql, strlen(item->sql));
    Buffer out = {0};
    Expr *expr = sql_parse_expression(fixture.arena, fixture.diagnostics, fixture.source);
    if (expr == NULL) {
        dump_problems(fixture.diagnostics, &out);
    } else {
        dump_expr(expr, &out);
        CHECK(fixture.diagnostics->count == 0);
    }
    check_case(item, &out);
    buffer_done(&out);
    close_text(&fixture);
}

static void check_statements(const Case *item)
{
    Fixture fixture = open_text(item->sql, strlen(item->sql));
    Buffer out = {0};
    StatementList statements = {0};
    if (sql_parse(fixture.arena, fixture.diagnostics, fixture.source, NULL, &statements)) {
        CHECK(fixture.diagnostics->count == 0);
        for (size_t i = 0; i < statements.count; i++) {
            buffer_append_text(&out, i == 0 ? "" : " ; ");
            dump_statement(statements.items[i], &out);
        }
    } else {
        dump_problems(fixture.diagnostics, &out);
    }
    check_case(item, &out);
    buffer_done(&out);
    close_text(&fixture);
}

static const Case expressions[] = {
    {"1 + 2 * 3 - -4", "(- (+ 1 (* 2 3)) -4)"},
    {"a OR b AND NOT c = d", "(or a (and b (not (= c d))))"},
    {"-7 DIV 2", "(div -7 2)"},
    {"- a", "(neg a)"},
    {"a - 1", "(- a 1)"},
    {"a -1", "(- a 1)"},
    {"NOT a BETWEEN 1 AND 2 AND b", "(and (not (between a 1 2)) b)"},
    {"a NOT IN (1, 2)", "(not-in a 1 2)"},
    {"a LIKE ANY ('x', 'y')", "(or (like a 'x') (like a 'y'))"},
    {"a NOT LIKE ALL ('x%', 'y')", "(and (not-like a 'x%') (not-like a 'y'))"},
    {"x IS NOT DISTINCT FROM y", "(not-is-distinct x y)"},
    {"a >> 2 >>> 3 << 1 > 4 >= 5", "(>= (> (<< (shiftrightunsigned (>> a 2) 3) 1) 4) 5)"},
    {"a::array<array<int>>[0]", "(index (:: a array<array<int>>) 0)"},
    {"INTERVAL 1 DAY 2 HOURS", "(interval 0m 1d 7200000000us DAY TO HOUR)"},
    {"INTERVAL '1 02:03:04.5' DAY TO SECOND", "(interval 0m 1d 7384500000us DAY TO SECOND)"},
    {"INTERVAL -'1-1' YEAR TO MONTH", "(interval -13m 0d 0us YEAR TO MONTH)"},
    {"INTERVAL '1 day -2 hours 1.5 seconds'", "(interval 0m 1d -7198500000us DAY TO SECOND)"},
    {"interval - 1", "(- interval 1)"},
    {"struct(1 AS q, b, c.d, 2)", "(named_struct 'q' 1 'b' b 'd' c.d 'col4' 2)"},
    {"(1 AS x, 2)", "(named_struct 'x' 1 'col2' 2)"},
    {"(SELECT 1)", "(subquery <select 1>)"},
    {"((SELECT 1) UNION (SELECT 2) LIMIT 1)", "(subquery <union <select 1> <select 2> limit 1>)"},
    {"count(*) FILTER (WHERE a > 1) OVER (PARTITION BY b ORDER BY c DESC NULLS LAST ROWS BETWEEN 1 "
     "PRECEDING AND CURRENT ROW)",
     "(count * filter (> a 1) over { by b order c desc last rows 1< current})"},
    {"lag(x) IGNORE NULLS OVER w", "(lag x ignore over {w})"},
    {"first(x IGNORE NULLS)", "(first x ignore)"},
    {"percentile_cont(0.5) WITHIN GROUP (ORDER BY x DESC)", "(percentile_cont 0.5 within x desc)"},
    {"transform(a, (x, i) -> x + i)", "(transform a ([x i] -> (+ x i)))"},
    {"a.b.c.d.e.f", "(field (field a.b.c.d e) f)"},
    {"f(x).y.z[1]", "(index (field (field (f x) y) z) 1)"},
    {"trim(BOTH 'x' FROM y)", "(trim 'x' y)"},
    {"trim(LEADING FROM y)", "(ltrim y)"},
    {"substring(a FROM 2 FOR 3)", "(substring a 2 3)"},
    {"position('a' IN b)", "(position 'a' b)"},
    {"overlay(a PLACING b FROM 1)", "(overlay a b 1)"},
    {"extract(epoch FROM ts)", "(extract ts epoch)"},
    {"CASE end WHEN 1 THEN 2 END", "(case of end 1 2)"},
    {"CASE WHEN a THEN b ELSE c END", "(case a b else c)"},
    {"DATE '2024-01-01' + timestamp", "(+ (lit date '2024-01-01') timestamp)"},
    {"current_date + current_timestamp()", "(+ (current_date) (current_timestamp))"},
    {"X'ABC'", "X'0ABC'"},
    {":p + ?", "(+ :p :)"},
    {"`a b`.`c``d`", "a b.c`d"},
    {"a COLLATE UTF8_LCASE = 'x'", "(= (collate a 'UTF8_LCASE') 'x')"},
    {"a IN (SELECT 1)", "(in a <select 1>)"},
    {"EXISTS (SELECT 1) AND NOT EXISTS (SELECT 2)",
     "(and (exists <select 1>) (not-exists <select 2>))"},
    {"exists(a, x -> x > 1)", "(exists a ([x] -> (> x 1)))"},
    {"(a, b) IN ((1, 2), (3, 4))", "(in (row a b) (row 1 2) (row 3 4))"},
    {"!a AND a != b", "(and (not a) (<> a b))"},
    {"a & b | c ^ ~d << 1", "(| (& a b) (^ c (<< (~ d) 1)))"},
    {"a || b + c", "(+ (|| a b) c)"},
    {"a IS NOT TRUE OR b IS UNKNOWN", "(or (not-is-true a) (is-unknown b))"},
    {"a RLIKE '^x' AND b NOT REGEXP 'y' AND c ILIKE 'z' ESCAPE '/'",
     "(and (and (rlike a '^x') (not-rlike b 'y')) (ilike c 'z' '/'))"},
    {"TRY_CAST(a AS MAP<STRING, STRUCT<a: INT NOT NULL COMMENT 'x', b DECIMAL(5,2)>>)",
     "(try_cast a map<string,struct<a:int,b:decimal(5,2)>>)"},
    {"sum(DISTINCT x) OVER ()", "(sum distinct x over {})"},
    {"rank() OVER (DISTRIBUTE BY a SORT BY b RANGE UNBOUNDED PRECEDING)",
     "(rank over { by a order b range unbounded< current})"},
    {"max(x) OVER (ORDER BY t RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND UNBOUNDED FOLLOWING)",
     "(max x over { order t range (interval 0m 0d 3600000000us HOUR)< unbounded>})"},
    {"left(a, 1) || right(b, 2)", "(|| (left a 1) (right b 2))"},
    {"if(a, b, c)", "(if a b c)"},
    {"map('a', 1)['a']", "(index (map 'a' 1) 'a')"},
    {"window.start", "window.start"},
    {"TIMESTAMP_NTZ '2024-01-01 00:00:00'", "(lit timestamp_ntz '2024-01-01 00:00:00')"},
    {"db.f(x)", "(db.f x)"},
    {"count(*) = count(DISTINCT a, b)", "(= (count *) (count distinct a b))"},
    {"array_agg(x ORDER BY y DESC)", "(array_agg x within y desc)"},
    {"timestampdiff(MONTH, a, b)", "(timestampdiff MONTH a b)"},
    {"x BETWEEN INTERVAL 1 DAY AND INTERVAL '2' DAYS",
     "(between x (interval 0m 1d 0us DAY) (interval 0m 2d 0us DAY))"},
    {"- - 1", "(neg -1)"},
    {"+a", "(pos a)"},
    {"1 IN(1)", "(in 1 1)"},
    {"TIME '10:00:00'", "(lit TIME '10:00:00')"},
    {"timestamp('x')", "(timestamp 'x')"},
    {"r'\\d' || '\\\\d'", "(|| '\\d' '\\d')"},
    {"a.`b c`.d", "a.b c.d"},
    {"CASE WHEN CASE WHEN a THEN b END THEN c END", "(case (case a b) c)"},
};

static const Case bad_expressions[] = {
    {"INTERVAL 1 MONTH 1 DAY", "17-22 INVALID_INTERVAL_FORMAT: years and months cannot be mixed "
                               "with days and times in one interval | for instance INTERVAL 10 "
                               "MINUTES, INTERVAL '1 day 2 hours', INTERVAL '1-2' YEAR TO MONTH"},
    {"INTERVAL 1.5 HOURS",
     "9-18 INVALID_INTERVAL_FORMAT: only seconds can have a fraction | for instance INTERVAL 10 "
     "MINUTES, INTERVAL '1 day 2 hours', INTERVAL '1-2' YEAR TO MONTH"},
    {"INTERVAL '1' FORTNIGHT",
     "9-12 INVALID_INTERVAL_FORMAT: an interval is written like '1 day 2 hours' | for instance "
     "INTERVAL 10 MINUTES, INTERVAL '1 day 2 hours', INTERVAL '1-2' YEAR TO MONTH"},
    {"INTERVAL 5", "10-10 PARSE_SYNTAX_ERROR: syntax error at end of input: expected a unit such "
                   "as SECONDS, MINUTES, HOURS or DAYS"},
    {"foo 'x'",
     "0-3 UNSUPPORTED_TYPED_LITERAL: syntax error: there are no literals of type 'foo' | DATE, "
     "TIMESTAMP, TIMESTAMP_NTZ, TIMESTAMP_LTZ, INTERVAL and X may stand before a string"},
    {"a:b", "1-2 UNSUPPORTED_FEATURE: extraction with ':' is not supported | use "
            "get_json_object(column, '$.field')"},
};

static const Case statements[] = {
    {"SELECT timestamp, date, hour, value, user, end, start, window FROM t",
     "query <select timestamp, date, hour, value, user, end, start, window from t>"},
    {"SELECT a end, b window, c limit, count(*) over FROM t",
     "query <select a as end, b as window, c as limit, (count *) as over from t>"},
    {"SELECT * EXCEPT (a, b) FROM t", "query <select * except [a b] from t>"},
    {"SELECT 1 EXCEPT (SELECT 2)", "query <except <select 1> <select 2>>"},
    {"SELECT * EXCEPT (SELECT 2)", "query <except <select *> <select 2>>"},
    {"SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 UNION ALL SELECT 4 ORDER BY 1 LIMIT 5 OFFSET 2",
     "query <union-all <union <select 1> <intersect <select 2> <select 3>>> <select 4> order 1 "
     "limit 5 offset 2>"},
    {"(SELECT 1 LIMIT 1) ORDER BY 1", "query <select * from <select 1 limit 1> order 1>"},
    {"SELECT * FROM ((SELECT 1) UNION (SELECT 2)) t",
     "query <select * from <union <select 1> <select 2>> as t>"},
    {"SELECT * FROM (a JOIN b USING (x)) JOIN c",
     "query <select * from (join (join a b using [x]) c)>"},
    {"SELECT * FROM a, b LEFT JOIN c ON b.x = c.x, LATERAL (SELECT 1) d",
     "query <select * from (lateral-cross (cross a (left b c on (= b.x c.x))) <select 1> as d)>"},
    {"SELECT * FROM a NATURAL LEFT OUTER JOIN b LEFT ANTI JOIN c ON true SEMI JOIN d USING (k)",
     "query <select * from (semi (anti (natural-left a b) c on true) d using [k])>"},
    {"SELECT * FROM t@v3 x, delta.`/a/b@v12`, delta.`/p` TIMESTAMP AS OF '2024-01-01' AS q, t FOR "
     "VERSION AS OF 3, t@20240131235959123",
     "query <select * from (cross (cross (cross (cross t version 3 as x delta./a/b version 12) "
     "delta./p at '2024-01-01' as q) t version 3) t at '2024-01-31 23:59:59.123')>"},
    {"SELECT * FROM STREAM t WATERMARK ts AS e DELAY OF INTERVAL 10 SECONDS LATE DATA INTO db.late "
     "DROP DUPLICATES WITHIN WATERMARK ON (k, a.b) AS s JOIN b DROP DUPLICATES ON (s.k = b.k)",
     "query <select * from (join stream t watermark ts as e (interval 0m 0d 10000000us SECOND) "
     "late db.late dedup within k a.b as s b dedup on (= s.k b.k))>"},
    {"SELECT * FROM STREAM(read_files('/d', `kafka.x` => 'y', schema => 'a INT')) r",
     "query <select * from stream (read_files '/d' kafka.x=>'y' schema=>'a INT') as r>"},
    {"SELECT a, b, count(*) FROM t GROUP BY a, ROLLUP (b, (c, d))",
     "query <select a, b, (count *) from t sets a b c d [ a b c d ] [ a b ] [ a ]>"},
    {"SELECT 1 FROM t GROUP BY CUBE (a, b)", "query <select 1 from t cube a b>"},
    {"SELECT 1 FROM t GROUP BY a, b GROUPING SETS ((a, b), a, ())",
     "query <select 1 from t sets a b [ a b ] [ a ] [ ]>"},
    {"SELECT 1 FROM t GROUP BY GROUPING SETS (ROLLUP (a, b), c)",
     "query <select 1 from t sets a b c [ a b ] [ a ] [ ] [ c ]>"},
    {"SELECT 1 FROM t GROUP BY a, b WITH CUBE", "query <select 1 from t cube a b>"},
    {"TABLE t", "query <select * from t>"},
    {"FROM t SELECT a WHERE b", "query <select a from t where b>"},
    {"VALUES (1, 2), (3, 4) AS t(a, b)", "query <(values [ 1 2 ] [ 3 4 ]) as t[a b]>"},
    {"SELECT * FROM VALUES 1, 2 AS t(a)", "query <select * from (values [ 1 ] [ 2 ]) as t[a]>"},
    {"WITH a AS (SELECT 1), b(x) AS (SELECT 2) SELECT * FROM a, b",
     "query <with a <select 1> with b[x] <select 2> select * from (cross a b)>"},
    {"SELECT transform(x) AS (a, b) FROM t LATERAL VIEW OUTER explode(y) v AS k, w LATERAL VIEW "
     "posexplode(z)",
     "query <select (transform x) as [a b] from (view (view outer t (explode y)) as v[k w] "
     "(posexplode z))>"},
    {"SELECT * FROM STREAM src WITH ('maxFilesPerTrigger' = '1') s",
     "query <select * from stream src maxFilesPerTrigger=>'1' as s>"},
    {"SELECT * FROM stream WHERE x", "query <select * from stream where x>"},
    {"SELECT * FROM stream AS s", "query <select * from stream as s>"},
    {"CREATE STREAMING TABLE t", "streaming-table t"},
    {"CREATE OR REFRESH STREAMING TABLE IF NOT EXISTS db.t (id INT NOT NULL COMMENT 'key', v, "
     "CONSTRAINT c EXPECT (id > 0) ON VIOLATION DROP ROW, CONSTRAINT d EXPECT (v IS NOT NULL)) "
     "USING delta PARTITIONED BY (date, hour) COMMENT 'x' TBLPROPERTIES ('a.b' = '1', c.d = true, "
     "e = 5) OPTIONS (outputMode 'update', keys 'a,b') SCHEDULE REFRESH EVERY 10 minutes AS SELECT "
     "1",
     "streaming-table db.t if-not-exists or-refresh col id int not-null 'key' col v expect c (> id "
     "0) drop expect d (not-is-null v) keep partitioned [date hour] using delta comment x property "
     "a.b=1 property c.d=true property e=5 option outputMode=update option keys=a,b every 10 "
     "minutes <select 1>"},
    {"CREATE STREAMING TABLE t (CONSTRAINT a EXPECT (x) ON VIOLATION FAIL UPDATE, CONSTRAINT b "
     "EXPECT (y) ON VIOLATION QUARANTINE) AS SELECT * FROM STREAM s",
     "streaming-table t expect a x fail expect b y quarantine <select * from stream s>"},
    {"CREATE MATERIALIZED VIEW v SCHEDULE CRON '0 2 * * *' AT TIME ZONE 'UTC' AS SELECT 1",
     "materialized-view v cron 0 2 * * * zone UTC <select 1>"},
    {"CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT 1",
     "materialized-view v or-refresh <select 1>"},
    {"CREATE TEMPORARY VIEW v (a COMMENT 'x', b) COMMENT 'c' AS SELECT 1, 2",
     "temporary-view v col a 'x' col b comment c <select 1, 2>"},
    {"CREATE OR REPLACE TEMP VIEW v AS SELECT 1", "temporary-view v <select 1>"},
    {"CREATE SINK s USING kafka OPTIONS (kafka.bootstrap.servers 'h:9092', 'topic' = 't', table "
     "'x', n -5, b false)",
     "sink s using kafka option kafka.bootstrap.servers=h:9092 option topic=t option table=x "
     "option n=-5 option b=false"},
    {"CREATE SINK IF NOT EXISTS s USING console", "sink s if-not-exists using console"},
    {"CREATE FLOW f AS INSERT INTO TABLE db.t BY NAME SELECT * FROM STREAM s",
     "flow f into db.t by-name <select * from stream s>"},
    {"CREATE FLOW f COMMENT 'c' AS INSERT INTO t SELECT 1", "flow f into t comment c <select 1>"},
    {"CREATE FLOW f AS INSERT INTO table SELECT 1", "flow f into table <select 1>"},
    {"CREATE FLOW f AS INSERT INTO ONCE t SELECT 1",
     "unsupported named CREATE FLOW ... INSERT INTO ONCE"},
    {"CREATE FLOW f AS AUTO CDC INTO t FROM STREAM s KEYS (id) SEQUENCE BY ts",
     "unsupported named CREATE FLOW ... AUTO CDC"},
    {"EXPLAIN STREAMING SELECT * FROM STREAM s", "explain-streaming <select * from stream s>"},
    {"EXPLAIN SELECT 1", "unsupported named EXPLAIN"},
    {"SHOW TABLES", "show-tables"},
    {"SHOW TABLES IN db", "show-tables db"},
    {"SHOW TABLES LIKE 'x*'", "unsupported named SHOW TABLES LIKE"},
    {"DESCRIBE t", "describe t"},
    {"DESC TABLE EXTENDED db.t", "describe db.t extended"},
    {"DESCRIBE HISTORY t", "unsupported named DESCRIBE HISTORY"},
    {"DESCRIBE history", "describe history"},
    {"DESCRIBE extended", "describe extended"},
    {"MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET *",
     "unsupported named MERGE INTO"},
    {"INSERT INTO t VALUES (1, ';')", "unsupported named INSERT INTO"},
    {"INSERT OVERWRITE t SELECT 1", "unsupported named INSERT OVERWRITE"},
    {"UPDATE t SET a = 1", "unsupported named UPDATE"},
    {"DELETE FROM t WHERE a", "unsupported named DELETE FROM"},
    {"OPTIMIZE t ZORDER BY (x)", "unsupported named OPTIMIZE"},
    {"VACUUM t RETAIN 1 HOURS", "unsupported named VACUUM"},
    {"ALTER TABLE t ADD COLUMN x INT", "unsupported named ALTER TABLE"},
    {"DROP TABLE t", "unsupported named DROP TABLE"},
    {"CREATE TABLE t (id INT)", "unsupported named CREATE TABLE"},
    {"CREATE OR REPLACE TABLE t AS SELECT 1", "unsupported named CREATE TABLE"},
    {"CREATE VIEW v AS SELECT 1", "unsupported named CREATE VIEW"},
    {"CREATE OR REPLACE VIEW v AS SELECT 1", "unsupported named CREATE VIEW"},
    {"CREATE OR REPLACE GLOBAL TEMPORARY VIEW v AS SELECT 1",
     "unsupported named CREATE GLOBAL TEMPORARY VIEW"},
    {"RESTORE TABLE t TO VERSION AS OF 1", "unsupported named RESTORE"},
    {"CONVERT TO DELTA parquet.`/x`", "unsupported named CONVERT TO DELTA"},
    {"SET a = b", "unsupported named SET"},
    {"USE db", "unsupported named USE"},
    {"AUTO CDC INTO t FROM s KEYS (id) SEQUENCE BY x", "unsupported named AUTO CDC INTO"},
    {"SELECT 1; SELECT 2;; SELECT ';' -- ; x",
     "query <select 1> ; query <select 2> ; query <select ';'>"},
    {"SELECT a.b.* FROM t", "query <select a.b.* from t>"},
    {"SELECT 1 == 1 = true", "query <select (= (= 1 1) true)>"},
    {"SELECT 'a' 'b' \"c\"", "query <select 'abc'>"},
    {"SELECT * FROM (VALUES (1), (2)) AS t(a)",
     "query <select * from (values [ 1 ] [ 2 ]) as t[a]>"},
    {"SELECT IDENTIFIER('a.b'), IDENTIFIER('abs')(c) FROM IDENTIFIER('db.t') x",
     "query <select a.b, (abs c) from db.t as x>"},
    {"CREATE STREAMING TABLE bronze_logs (CONSTRAINT has_ip EXPECT (ip IS NOT NULL) ON VIOLATION "
     "DROP ROW) PARTITIONED BY (date, hour) TBLPROPERTIES ('pipelines.trigger.interval' = '10 "
     "seconds') AS SELECT e.*, CAST(e.timestamp AS DATE) AS date, hour(e.timestamp) AS hour, "
     "current_timestamp() AS ingested_at FROM (SELECT from_json(CAST(value AS STRING), 'timestamp "
     "TIMESTAMP, ip STRING, endpoint STRING, status_code INT') AS e FROM STREAM "
     "read_kafka(bootstrapServers => '${KAFKA_BOOTSTRAP:-localhost:9092}', subscribe => "
     "'web-logs')); CREATE STREAMING TABLE requests_per_minute AS SELECT window.start AS minute, "
     "endpoint, count(*) AS requests FROM STREAM bronze_logs WATERMARK timestamp DELAY OF INTERVAL "
     "2 MINUTES GROUP BY window(timestamp, '1 minute'), endpoint; CREATE MATERIALIZED VIEW "
     "errors_by_endpoint SCHEDULE EVERY 1 DAY AS SELECT endpoint, count(*) AS errors FROM "
     "bronze_logs WHERE status_code >= 400 GROUP BY endpoint; CREATE TEMPORARY VIEW mobile AS "
     "SELECT * FROM STREAM events WHERE source = 'mobile'; CREATE SINK live_counts USING postgres "
     "OPTIONS (url '${PG_URL}', table 'realtime.events_per_minute', outputMode 'update', keys "
     "'minute,source'); CREATE FLOW live AS INSERT INTO live_counts SELECT a FROM STREAM events a "
     "GROUP BY a; CREATE FLOW apply AS AUTO CDC INTO customers FROM STREAM(changes) KEYS (id) "
     "APPLY AS DELETE WHEN op = 'D' SEQUENCE BY ts COLUMNS * EXCEPT (op) STORED AS SCD TYPE 1|2;",
     "streaming-table bronze_logs expect has_ip (not-is-null ip) drop partitioned [date hour] "
     "property pipelines.trigger.interval=10 seconds <select e.*, (cast e.timestamp date) as date, "
     "(hour e.timestamp) as hour, (current_timestamp) as ingested_at from <select (from_json (cast "
     "value string) 'timestamp TIMESTAMP, ip STRING, endpoint STRING, status_code INT') as e from "
     "stream (read_kafka bootstrapServers=>'${KAFKA_BOOTSTRAP:-localhost:9092}' "
     "subscribe=>'web-logs')>> ; streaming-table requests_per_minute <select window.start as "
     "minute, endpoint, (count *) as requests from stream bronze_logs watermark timestamp "
     "(interval 0m 0d 120000000us MINUTE) group (window timestamp '1 minute') endpoint> ; "
     "materialized-view errors_by_endpoint every 1 DAY <select endpoint, (count *) as errors from "
     "bronze_logs where (>= status_code 400) group endpoint> ; temporary-view mobile <select * "
     "from stream events where (= source 'mobile')> ; sink live_counts using postgres option "
     "url=${PG_URL} option table=realtime.events_per_minute option outputMode=update option "
     "keys=minute,source ; flow live into live_counts <select a from stream events as a group a> ; "
     "unsupported named CREATE FLOW ... AUTO CDC"},
    {"SELECT log_level, log_count FROM delta.`/x/gold`",
     "query <select log_level, log_count from delta./x/gold>"},
    {"SELECT * FROM batches('flow')", "query <select * from (batches 'flow')>"},
    {"SELECT * FROM t FOR SYSTEM_TIME AS OF '2024-01-01' x",
     "query <select * from t at '2024-01-01' as x>"},
    {"SELECT s.* EXCEPT (a), count(*) AS `n o` FROM (SELECT 1) s GROUP BY ALL ORDER BY ALL LIMIT "
     "ALL",
     "query <select s.* except [a], (count *) as n o from <select 1> as s group-all order ALL>"},
    {"SELECT a, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b ROWS 3 PRECEDING) FROM t QUALIFY 1 = "
     "1 WINDOW w AS (ORDER BY a)",
     "query <select a, (ROW_NUMBER over { by a order b rows 3< current}) from t window {w order a} "
     "qualify (= 1 1)>"},
    {"SELECT any(x), some(y), every(z), first(a), last(b, true), any_value(c IGNORE NULLS) FROM t",
     "query <select (any x), (some y), (every z), (first a), (last b true), (any_value c ignore) "
     "from t>"},
    {"SELECT date, hour FROM t WHERE date = DATE'2024-01-01' AND hour BETWEEN 1 AND 2 ORDER BY "
     "date DESC, hour",
     "query <select date, hour from t where (and (= date (lit date '2024-01-01')) (between hour 1 "
     "2)) order date desc hour>"},
    {"SELECT key, value, topic, partition, offset, timestamp, timestampType, headers FROM t",
     "query <select key, value, topic, partition, offset, timestamp, timestampType, headers from "
     "t>"},
    {"SELECT order, group, table, left, right, values, type, year, month, day, minute, second, "
     "comment FROM t",
     "query <select order, group, table, left, right, values, type, year, month, day, minute, "
     "second, comment from t>"},
    {"SELECT t.order, t.group, t.select FROM t WHERE t.from > 1 GROUP BY t.order",
     "query <select t.order, t.group, t.select from t where (> t.from 1) group t.order>"},
    {"SELECT min(time) AS time, max(interval) AS interval FROM t",
     "query <select (min time) as time, (max interval) as interval from t>"},
    {"SELECT 1 AS all, 2 AS order, 3 AS select",
     "query <select 1 as all, 2 as order, 3 as select>"},
    {"SELECT x.y['a'].z[0] FROM t", "query <select (index (field (index x.y 'a') z) 0) from t>"},
    {"SELECT CASE WHEN a = 1 THEN 'x' WHEN a = 2 THEN 'y' ELSE NULL END AS end FROM t",
     "query <select (case (= a 1) 'x' (= a 2) 'y' else null) as end from t>"},
    {"SELECT a FROM t WHERE NOT (a = 1 OR b IN (SELECT c FROM u WHERE u.x = t.x)) AND EXISTS "
     "(SELECT 1)",
     "query <select a from t where (and (not (or (= a 1) (in b <select c from u where (= u.x "
     "t.x)>))) (exists <select 1>))>"},
    {"SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 3) UNION ALL (SELECT b FROM u ORDER BY b "
     "LIMIT 2)",
     "query <union-all <select a from <select a from t order a limit 3>> <select b from u order b "
     "limit 2>>"},
    {"SELECT * FROM t DISTRIBUTE BY a SORT BY b", "query <select * from t order b>"},
    {"SELECT * FROM a PIVOT (count(*) FOR x IN (1))",
     "query <select * from <select * except [spark_pivot_0 spark_pivot_key], (first spark_pivot_0 "
     "filter (<=> spark_pivot_key 1)) as 1 from <select * except [x], (count *) as spark_pivot_0, "
     "x "
     "as spark_pivot_key from a group-all> group-all>>"},
    {"SELECT * FROM a x UNPIVOT INCLUDE NULLS (v FOR n IN (a, b)) AS u",
     "query <select * from <select * except [a b], (stack 2 'a' a 'b' b) as [n v] from a as x> as "
     "u>"},
    {"SELECT * FROM t CLUSTER BY a", "query <select * from t order a>"},
    {"SELECT * FROM a CROSS JOIN b INNER JOIN c ON a.x = c.x RIGHT JOIN d USING (x, y) FULL OUTER "
     "JOIN e ON true",
     "query <select * from (full (right (join (cross a b) c on (= a.x c.x)) d using [x y]) e on "
     "true)>"},
    {"SELECT * FROM a LEFT JOIN LATERAL (SELECT * FROM b WHERE b.x = a.x) c ON true",
     "query <select * from (lateral-left a <select * from b where (= b.x a.x)> as c on true)>"},
    {"SELECT * FROM range(10) AS r(id), (VALUES (1, 'a'), (2, 'b')) AS v(n, s)",
     "query <select * from (cross (range 10) as r[id] (values [ 1 'a' ] [ 2 'b' ]) as v[n s])>"},
    {"SELECT window.start, count(*) FROM STREAM x WATERMARK ts DELAY OF INTERVAL 1 MINUTE 30 "
     "SECONDS DROP DUPLICATES ON (id) GROUP BY window(ts, '1 minute') HAVING count(*) > 1",
     "query <select window.start, (count *) from stream x watermark ts (interval 0m 0d 90000000us "
     "MINUTE TO SECOND) dedup id group (window ts '1 minute') having (> (count *) 1)>"},
    {"SELECT * FROM STREAM generate('web-logs', rate => 100, `start` => '2024-01-01') g",
     "query <select * from stream (generate 'web-logs' rate=>100 start=>'2024-01-01') as g>"},
    {"SELECT * FROM STREAM rate(rowsPerSecond => 10)",
     "query <select * from stream (rate rowsPerSecond=>10)>"},
    {"SELECT a -- comment", "query <select a>"},
    {"SELECT /*+ BROADCAST(a), REPARTITION(3) */ a FROM t", "query <select a from t>"},
    {"WITH a AS (WITH b AS (SELECT 1) SELECT * FROM b) SELECT (SELECT max(x) FROM a) + 1",
     "query <with a <with b <select 1> select * from b> select (+ (subquery <select (max x) from "
     "a>) 1)>"},
    {"SELECT COUNT (*) FROM t", "query <select (COUNT *) from t>"},
    {"SELECT from_json(CAST(value AS STRING), 'timestamp TIMESTAMP, ip STRING').ip FROM t",
     "query <select (field (from_json (cast value string) 'timestamp TIMESTAMP, ip STRING') ip) "
     "from t>"},
    {"SELECT explode(a) AS (k, v), posexplode(b) AS (p, q) FROM t",
     "query <select (explode a) as [k v], (posexplode b) as [p q] from t>"},
    {"SELECT f(x => 1, y => 'a'), g(DISTINCT a), h(ALL a), count(all) FROM t",
     "query <select (f x=>1 y=>'a'), (g distinct a), (h a), (count all) from t>"},
    {"SELECT current_timestamp, CURRENT_DATE(), user, session_user",
     "query <select (current_timestamp), (CURRENT_DATE), user, (session_user)>"},
    {"SELECT a <=> b, a <> b, a != b, a == b, a !> b",
     "query <select (<=> a b), (<> a b), (<> a b), (= a b), (<= a b)>"},
    {"SELECT map_filter(m, (k, v) -> k > v AND v IS NOT NULL), aggregate(a, 0, (acc, x) -> acc + "
     "x, acc -> acc)",
     "query <select (map_filter m ([k v] -> (and (> k v) (not-is-null v)))), (aggregate a 0 ([acc "
     "x] -> (+ acc x)) ([acc] -> acc))>"},
    {"SELECT 1 UNION DISTINCT SELECT 2 MINUS ALL SELECT 3 SETMINUS SELECT 4",
     "query <except <except-all <union <select 1> <select 2>> <select 3>> <select 4>>"},
    {"SELECT \"double\" AS d, 'single' AS s", "query <select 'double' as d, 'single' as s>"},
};

static const Case bad_statements[] = {
    {"SELECT 1 2 'x'", "9-10 PARSE_SYNTAX_ERROR: syntax error at or near '2'"},
    {"SHOW TABLES IN t; SELECT a FROM t ORDER BY a 'ééééééééééééééééééééééé'",
     "43-44 UNSUPPORTED_TYPED_LITERAL: syntax error: there are no literals of type 'a' | DATE, "
     "TIMESTAMP, TIMESTAMP_NTZ, TIMESTAMP_LTZ, INTERVAL and X may stand before a string"},
    {"SELECT (1) 'ééééééééééééééééééééééé'",
     "11-59 PARSE_SYNTAX_ERROR: syntax error at or near ''ééééééééééééééééééé...'"},
    {"SELECT (1) 'a\nb'", "11-16 PARSE_SYNTAX_ERROR: syntax error at or near ''a...'"},
    {"SELECT a FORM t",
     "9-13 PARSE_SYNTAX_ERROR: syntax error at or near 'FORM' | did you mean 'FROM'?"},
    {"SELECT a FROM t WHER x > 1",
     "16-20 PARSE_SYNTAX_ERROR: syntax error at or near 'WHER' | did you mean 'WHERE'?"},
    {"SELECT a FROM t GRUOP BY a",
     "16-21 PARSE_SYNTAX_ERROR: syntax error at or near 'GRUOP' | did you mean 'GROUP BY'?"},
    {"SELECT a FROM t ORDR BY a",
     "16-20 PARSE_SYNTAX_ERROR: syntax error at or near 'ORDR' | did you mean 'ORDER BY'?"},
    {"SELECT a, FROM t", "10-14 PARSE_SYNTAX_ERROR: syntax error at or near 'FROM' | is the ',' "
                         "before it one too many?"},
    {"SELECT * FROM (SELECT 1",
     "14-15 PARSE_SYNTAX_ERROR: syntax error: this '(' is never closed | add the missing ')'"},
    {"SELECT count(* FROM t",
     "15-19 PARSE_SYNTAX_ERROR: syntax error at or near 'FROM': expected ')'"},
    {"SELECT a FROM t WHERE", "21-21 PARSE_SYNTAX_ERROR: syntax error at end of input"},
    {"SELECT 'abc",
     "7-11 PARSE_SYNTAX_ERROR: syntax error: this string is never closed | add the missing quote"},
    {"SELECT 1 /* x", "9-11 UNCLOSED_BRACKETED_COMMENT: this comment is never closed | add '*/' "
                      "where the comment ends"},
    {"SELEC 1", "0-5 PARSE_SYNTAX_ERROR: syntax error at or near 'SELEC' | did you mean 'SELECT'?"},
    {"SELECT a FROM a JION b ON a.x = b.x",
     "16-20 PARSE_SYNTAX_ERROR: syntax error at or near 'JION' | did you mean 'JOIN'?"},
    {"CREATE STREAMNG TABLE t AS SELECT 1",
     "7-15 PARSE_SYNTAX_ERROR: syntax error at or near 'STREAMNG': expected STREAMING TABLE, "
     "MATERIALIZED VIEW, TEMPORARY VIEW, SINK or FLOW | did you mean 'STREAMING'?"},
    {"CREATE STREAMING TABLE t AS SELCT 1", "28-33 PARSE_SYNTAX_ERROR: syntax error at or near "
                                            "'SELCT': expected a query | did you mean 'SELECT'?"},
    {"SELECT * FROM my-table", "16-17 PARSE_SYNTAX_ERROR: syntax error at or near '-' | a name "
                               "with '-' needs backticks: `my-table`"},
    {"SELECT FROM; SELECT 1 +; CREATE STREAMING; SELECT 3",
     "7-11 PARSE_SYNTAX_ERROR: syntax error at or near 'FROM'\n23-24 PARSE_SYNTAX_ERROR: syntax "
     "error at or near ';'\n32-41 PARSE_SYNTAX_ERROR: syntax error at or near 'STREAMING': "
     "expected STREAMING TABLE, MATERIALIZED VIEW, TEMPORARY VIEW, SINK or FLOW"},
    {"CREATE OR REPLACE STREAMING TABLE t AS SELECT 1",
     "10-17 UNSUPPORTED_FEATURE: OR REPLACE of a streaming table is not supported | write CREATE "
     "OR REFRESH"},
    {"CREATE STREAMING TABLE t (x INT, CONSTRAINT c CHECK (x > 0)) AS SELECT 1",
     "46-51 UNSUPPORTED_FEATURE: a CHECK constraint is not supported | use CONSTRAINT name EXPECT "
     "(condition) ON VIOLATION FAIL UPDATE"},
    {"CREATE STREAMING TABLE t (x INT, CONSTRAINT c EXPCT (x > 0)) AS SELECT 1",
     "46-51 PARSE_SYNTAX_ERROR: syntax error at or near 'EXPCT': expected EXPECT | did you mean "
     "'EXPECT'?"},
    {"CREATE STREAMING TABLE t (x IMT) AS SELECT 1",
     "28-31 UNSUPPORTED_DATATYPE: there is no data type 'IMT' | did you mean 'INT'?"},
    {"CREATE STREAMING TABLE t USING parquet AS SELECT 1",
     "31-38 UNSUPPORTED_FEATURE: a table in another format than delta is not supported | leave "
     "USING out, or write to a sink: CREATE SINK ... USING parquet"},
    {"CREATE STREAMING TABLE t CLUSTER BY (x) AS SELECT 1 FORM x",
     "25-39 UNSUPPORTED_FEATURE: CLUSTER BY of a table is not supported | use PARTITIONED BY, or "
     "leave it out\n52-56 PARSE_SYNTAX_ERROR: syntax error at or near 'FORM' | did you mean "
     "'FROM'?"},
    {"CREATE STREAMING TABLE t PARTITIONED BY (days(ts)) AS SELECT 1",
     "45-46 UNSUPPORTED_FEATURE: a function in PARTITIONED BY is not supported | add a column to "
     "the query and name that"},
    {"CREATE STREAMING TABLE t COMMENT 'a' COMMENT 'b' AS SELECT 1",
     "37-44 DUPLICATE_CLAUSES: there are two COMMENT clauses | leave one out"},
    {"CREATE STREAMING TABLE t LOCATION '/x' AS SELECT 1",
     "25-33 UNSUPPORTED_FEATURE: LOCATION of a table is not supported"},
    {"CREATE STREAMING TABLE t SCHEDULE EVERY 1.5 HOURS AS SELECT 1",
     "40-43 PARSE_SYNTAX_ERROR: syntax error at or near '1.5': expected a whole number after "
     "EVERY"},
    {"CREATE STREAMING TABLE t SCHEDULE EVERY 1 MONTH AS SELECT 1",
     "42-47 PARSE_SYNTAX_ERROR: syntax error at or near 'MONTH': expected SECONDS, MINUTES, HOURS, "
     "DAYS or WEEKS"},
    {"CREATE STREAMING TABLE t TBLPROPERTIES ('a' = '1', 'A' = '2') AS SELECT 1",
     "51-54 DUPLICATE_KEY: 'a' is given twice"},
    {"CREATE SINK s FORMAT kafka",
     "14-20 PARSE_SYNTAX_ERROR: syntax error at or near 'FORMAT': expected USING"},
    {"CREATE SINK s USING kafka OPTIONS (outputMode update)",
     "46-52 PARSE_SYNTAX_ERROR: syntax error at or near 'update': expected a string, a number, "
     "true or false as the value of 'outputMode' | put it in quotes: 'update'"},
    {"CREATE MATERIALIZED VIEW v",
     "26-26 PARSE_SYNTAX_ERROR: syntax error at end of input: expected AS"},
    {"CREATE STREAMING TABLE t AS",
     "27-27 PARSE_SYNTAX_ERROR: syntax error at end of input: expected a query"},
    {"CREATE FLOW f AS INSERT t SELECT 1",
     "24-25 PARSE_SYNTAX_ERROR: syntax error at or near 't': expected INTO"},
    {"SELECT * FROM STREAM src WATERMARK ts DELAY OF '10 seconds'",
     "47-59 PARSE_SYNTAX_ERROR: syntax error at or near ''10 seconds'': expected an INTERVAL, for "
     "instance INTERVAL 10 SECONDS"},
    {"SELECT * FROM STREAM src AS s WATERMARK ts DELAY OF INTERVAL 1 SECOND",
     "30-39 PARSE_SYNTAX_ERROR: syntax error at or near 'WATERMARK' | this stands before the "
     "alias: FROM STREAM t WATERMARK ... AS alias"},
    {"SELECT * FROM a PIVOT (count(*) FOR (x, y) IN ((1, 2)))",
     "36-37 UNSUPPORTED_FEATURE: PIVOT by several columns is not supported | make one column of "
     "them with concat_ws"},
    {"SELECT * FROM a UNPIVOT ((v, w) FOR n IN ((a, b)))",
     "25-26 UNSUPPORTED_FEATURE: UNPIVOT into several value columns is not supported | use "
     "stack(...)"},
    {"SELECT * FROM a PIVOT (count(*) x IN (1))",
     "34-36 PARSE_SYNTAX_ERROR: syntax error at or near 'IN': expected FOR"},
    {"FROM t |> WHERE a", "7-9 UNSUPPORTED_FEATURE: the pipe syntax (|>) is not supported | write "
                          "it with SELECT ... FROM ... WHERE ..."},
    {"SELECT * FROM t TABLESAMPLE (10 PERCENT)",
     "16-27 UNSUPPORTED_FEATURE: TABLESAMPLE is not supported | use WHERE rand() < 0.1"},
    {"WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a",
     "5-14 UNSUPPORTED_FEATURE: WITH RECURSIVE is not supported"},
    {"SELECT 1 AS FROM t", "17-18 PARSE_SYNTAX_ERROR: syntax error at or near 't'"},
    {"SELECT a b c FROM t", "11-12 PARSE_SYNTAX_ERROR: syntax error at or near 'c'"},
    {"SELECT f(a => 1, 2)", "17-18 UNEXPECTED_POSITIONAL_ARGUMENT: an argument without a name "
                            "follows named ones | put it before the named ones"},
    {"SELECT f(a => 1, A => 2)",
     "17-23 DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE: the argument "
     "'a' is given twice"},
    {"SELECT f(x).* FROM t", "7-12 UNSUPPORTED_FEATURE: '.*' after an expression is not supported "
                             "| name the struct in a subquery, then write name.*"},
    {"SELECT [1, 2]",
     "7-8 PARSE_SYNTAX_ERROR: syntax error at or near '[' | an array is written array(1, 2)"},
    {"SELECT a IS NULL IS NULL", "17-19 PARSE_SYNTAX_ERROR: syntax error at or near 'IS'"},
    {"SELECT a LIKE 'x' ESCAPE 'ab'", "25-29 INVALID_ESCAPE_CHAR: ESCAPE takes one character"},
    {"SELECT X'zz'", "7-12 INVALID_TYPED_LITERAL: X'...' takes hexadecimal digits only"},
    {"SELECT CAST(a AS DECIMAL(40, 2))", "17-31 INVALID_DECIMAL_PRECISION: a decimal has 1 to 38 "
                                         "digits and no more of them after the point"},
    {"SELECT CAST(a AS STRIN)",
     "17-22 UNSUPPORTED_DATATYPE: there is no data type 'STRIN' | did you mean 'STRING'?"},
    {"VALUES (1, 2), (3)", "16-17 INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH: this row has 1 values "
                           "where the first has 2"},
    {"SELECT “x”",
     "7-10 PARSE_SYNTAX_ERROR: syntax error at or near a curly quote | use a straight quote: '"},
    {"SELECT ${X}", "7-11 PARSE_SYNTAX_ERROR: syntax error at or near '${X}' | variables are "
                    "expanded only inside string literals: '${...}'"},
    {"SELECT * FROM a LEFT b",
     "21-22 PARSE_SYNTAX_ERROR: syntax error at or near 'b': expected JOIN"},
    {"SELECT * FROM WHERE x", "14-19 PARSE_SYNTAX_ERROR: syntax error at or near 'WHERE': expected "
                              "a table, a function or a query"},
    {"SELECT n >= ALL (SELECT 1)", "17-23 PARSE_SYNTAX_ERROR: syntax error at or near 'SELECT'"},
    {"SELECT `` FROM t", "7-9 PARSE_SYNTAX_ERROR: syntax error: an empty name"},
};

// ---- positions -----------------------------------------------------------------------------

typedef struct Walk {
    Slice text;
    size_t nodes;
    size_t wrong; // nodes outside of what holds them
} Walk;

static void walk_query(Walk *walk, const Query *query, Pos outer);

static void walk_pos(Walk *walk, Pos pos, Pos outer)
{
    walk->nodes++;
    walk->wrong += pos.start > pos.end || pos.end > walk->text.size || pos.start < outer.start ||
                           pos.end > outer.end
                       ? 1
                       : 0;
}

static void walk_expr(Walk *walk, const Expr *expr, Pos outer)
{
    if (expr == NULL) {
        return;
    }
    walk_pos(walk, expr->pos, outer);
    // the clauses after a call's ')' (FILTER, OVER) are not part of its position
    for (size_t i = 0; i < expr->arguments.count; i++) {
        walk_expr(walk, expr->arguments.items[i], expr->pos);
    }
    for (size_t i = 0; i < expr->named.count; i++) {
        walk_pos(walk, expr->named.items[i].pos, expr->pos);
        walk_expr(walk, expr->named.items[i].value, expr->named.items[i].pos);
    }
    walk_expr(walk, expr->operand, expr->pos);
    walk_expr(walk, expr->otherwise, expr->pos);
    walk_expr(walk, expr->filter, outer);
    if (expr->query != NULL) {
        walk_query(walk, expr->query, expr->pos);
    }
}

static void walk_relation(Walk *walk, const Relation *relation, Pos outer)
{
    if (relation == NULL) {
        return;
    }
    walk_pos(walk, relation->pos, outer);
    for (size_t i = 0; i < relation->arguments.count; i++) {
        walk_expr(walk, relation->arguments.items[i], relation->pos);
    }
    if (relation->query != NULL) {
        walk_query(walk, relation->query, relation->pos);
    }
    walk_relation(walk, relation->left, outer);
    walk_relation(walk, relation->right, outer);
    walk_expr(walk, relation->on, outer);
    if (relation->watermark != NULL) {
        walk_pos(walk, relation->watermark->pos, outer);
        walk_expr(walk, relation->watermark->column, relation->watermark->pos);
    }
}

static void walk_query(Walk *walk, const Query *query, Pos outer)
{
    walk_pos(walk, query->pos, outer);
    for (size_t i = 0; i < query->cte_count; i++) {
        walk_query(walk, query->ctes[i].query, query->ctes[i].pos);
    }
    if (query->select != NULL) {
        const Select *select = query->select;
        for (size_t i = 0; i < select->item_count; i++) {
            walk_pos(walk, select->items[i].pos, query->pos);
            walk_expr(walk, select->items[i].expr, select->items[i].pos);
        }
        walk_relation(walk, select->from, query->pos);
        walk_expr(walk, select->where, query->pos);
        walk_expr(walk, select->having, query->pos);
        walk_expr(walk, select->qualify, query->pos);
    }
    if (query->left != NULL) {
        walk_query(walk, query->left, query->pos);
        walk_query(walk, query->right, query->pos);
    }
    walk_expr(walk, query->limit, query->pos);
}

static void test_nesting_of_positions(void)
{
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        const char *sql = statements[i].sql;
        Fixture fixture = open_text(sql, strlen(sql));
        StatementList list = {0};
        CHECK(sql_parse(fixture.arena, fixture.diagnostics, fixture.source, NULL, &list));
        for (size_t j = 0; j < list.count; j++) {
            if (list.items[j]->query != NULL) {
                Walk walk = {.text = slice_of(sql)};
                walk_query(&walk, list.items[j]->query, list.items[j]->pos);
                if (walk.wrong > 0) {
                    fprintf(stderr, "%s\n", sql);
                }
                CHECK(walk.nodes > 0 && walk.wrong == 0);
            }
        }
        close_text(&fixture);
    }
}

// The text under the node reached from the root by `path`: digits are arguments, 'f' the filter.
static void check_span(const char *sql, const char *path, const char *expected)
{
    Fixture fixture = open_text(sql, strlen(sql));
    const Expr *expr = sql_parse_expression(fixture.arena, fixture.diagnostics, fixture.source);
    CHECK(expr != NULL);
    for (; expr != NULL && *path != '\0'; path++) {
        expr = *path == 'f' ? expr->filter : expr->arguments.items[*path - '0'];
    }
    if (expr != NULL) {
        char *text = arena_text(fixture.arena,
                                (Slice){sql + expr->pos.start, expr->pos.end - expr->pos.start});
        CHECK_TEXT(text, expected);
    }
    close_text(&fixture);
}

static void test_spans(void)
{
    check_span("1 + f(x, 2) * 3", "", "1 + f(x, 2) * 3");
    check_span("1 + f(x, 2) * 3", "1", "f(x, 2) * 3");
    check_span("1 + f(x, 2) * 3", "10", "f(x, 2)");
    check_span("1 + f(x, 2) * 3", "100", "x");
    check_span("(a + b) * c", "", "(a + b) * c");
    check_span("(a + b) * c", "0", "a + b");
    check_span("a OR (b AND c)", "1", "b AND c");
    check_span("  count( DISTINCT x ) FILTER (WHERE y > 1)", "", "count( DISTINCT x )");
    check_span("count(x) FILTER (WHERE y > 1)", "f", "y > 1");
    check_span("NOT a IN (1, 2)", "0", "a IN (1, 2)");
    check_span("- 5 + x", "0", "- 5");
    check_span("a.b.c[1].d::int", "0", "a.b.c[1].d");
    check_span("a.b.c[1].d::int", "000", "a.b.c");
    check_span("CAST(a AS INT) = 1", "0", "CAST(a AS INT)");
    check_span("x = 'a' 'b'", "1", "'a' 'b'");
    check_span("ts + INTERVAL 1 DAY 2 HOURS", "1", "INTERVAL 1 DAY 2 HOURS");
    check_span("1 = CASE WHEN a THEN b END", "1", "CASE WHEN a THEN b END");
    check_span("trim(BOTH 'x' FROM y) || z", "0", "trim(BOTH 'x' FROM y)");
    check_span("(a, b) = c", "0", "(a, b)");
    check_span("x IS NOT NULL AND y", "0", "x IS NOT NULL");
}

// ---- variables -----------------------------------------------------------------------------

static const char *find_variable(void *context, Slice name)
{
    (void)context;
    return slice_is(name, "HOST")    ? "h'; DROP TABLE x --"
           : slice_is(name, "EMPTY") ? ""
           : slice_is(name, "A1")    ? "one"
                                     : NULL;
}

static void test_variables(void)
{
    static const SqlVariables variables = {find_variable, NULL};
    static const Case cases[] = {
        {"SELECT '${HOST}:1'", "query <select 'h'; DROP TABLE x --:1'>"},
        {"SELECT \"a${A1}b${A1}\"", "query <select 'aonebone'>"},
        {"SELECT '${NONE:-d:e}'", "query <select 'd:e'>"},
        {"SELECT '${A1:-d}${EMPTY:-e}${EMPTY}'", "query <select 'onee'>"},
        {"SELECT '\\${A1}'", "query <select '${A1}'>"},
        {"SELECT r'\\${A1}'", "query <select '\\one'>"},
        {"SELECT '$A1 ${1} ${a.b} ${A1', '}'", "query <select '$A1 ${1} ${a.b} ${A1', '}'>"},
        {"CREATE SINK s USING kafka OPTIONS (a '${A1}')", "sink s using kafka option a=one"},
        {"SELECT 'x${NONE}', '${OTHER}'",
         "9-16 UNDEFINED_VARIABLE: the variable NONE is not set | set NONE in the environment or "
         "in .env, or write ${NONE:-default}\n"
         "20-28 UNDEFINED_VARIABLE: the variable OTHER is not set | set OTHER in the environment "
         "or in .env, or write ${OTHER:-default}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Case item = cases[i];
        Fixture fixture = open_text(item.sql, strlen(item.sql));
        Buffer out = {0};
        StatementList list = {0};
        if (sql_parse(fixture.arena, fixture.diagnostics, fixture.source, &variables, &list)) {
            dump_statement(list.items[0], &out);
        } else {
            dump_problems(fixture.diagnostics, &out);
        }
        check_case(&item, &out);
        buffer_done(&out);
        close_text(&fixture);
    }
    const char *plain = "SELECT '${NONE}'"; // without variables the text stays
    Fixture fixture = open_text(plain, strlen(plain));
    StatementList list = {0};
    CHECK(sql_parse(fixture.arena, fixture.diagnostics, fixture.source, NULL, &list));
    CHECK(slice_is(list.items[0]->query->select->items[0].expr->text, "${NONE}"));
    close_text(&fixture);
}

// ---- types, columns, durations -------------------------------------------------------------

static void test_types(void)
{
    static const Case cases[] = {
        {"INT", "int"},
        {"integer", "int"},
        {"byte", "tinyint"},
        {"long", "bigint"},
        {"real", "float"},
        {"dec", "decimal(10,0)"},
        {"decimal( 5 , 2 )", "decimal(5,2)"},
        {"varchar(10)", "string"},
        {"timestamp_ltz", "timestamp"},
        {"array<map<string,array<array<int>>>>", "array<map<string,array<array<int>>>>"},
        {"struct<>", "struct<>"},
        {"struct<a:int,`b c` string not null comment 'x',d struct<e:date>>",
         "struct<a:int,b c:string,d:struct<e:date>>"},
        {"interval day to second", "interval"},
        {"variant", "VARIANT"},
        {"array<int", "[PARSE_SYNTAX_ERROR] syntax error at end of input: expected '>', in the "
                      "type 'array<int' at character 10"},
        {"strng", "[UNSUPPORTED_DATATYPE] there is no data type 'strng', in the type 'strng' at "
                  "character 1; did you mean 'STRING'?"},
        {"int int", "[PARSE_SYNTAX_ERROR] syntax error at or near 'int', in the type 'int int' at "
                    "character 5"},
        {"", "[PARSE_SYNTAX_ERROR] syntax error at end of input: expected a data type, in the type "
             "'' at character 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Arena *arena = arena_create(0);
        Error err = {0};
        Buffer out = {0};
        const Type *type = sql_parse_type(arena, slice_of(cases[i].sql), &err);
        if (type != NULL) {
            type_print(type, &out);
        } else {
            CHECK(err.kind == ERROR_INPUT);
            buffer_append_text(&out, err.message);
        }
        check_case(&cases[i], &out);
        buffer_done(&out);
        arena_destroy(arena);
    }
}

static void test_columns(void)
{
    Arena *arena = arena_create(0);
    Error err = {0};
    Schema schema = {0};
    CHECK(sql_parse_columns(
        arena, slice_of("timestamp TIMESTAMP, `a b`: INT NOT NULL COMMENT 'c', s STRUCT<x:INT>"),
        &schema, &err));
    CHECK(schema.count == 3);
    CHECK_TEXT(schema.columns[0].name, "timestamp");
    CHECK(schema.columns[0].nullable && !schema.columns[1].nullable);
    CHECK_TEXT(schema.columns[1].name, "a b");
    CHECK_TEXT(schema.columns[1].comment, "c");
    CHECK(schema.columns[2].type->kind == TYPE_STRUCT);
    Schema untouched = {0};
    CHECK(!sql_parse_columns(arena, slice_of("a INT, A STRING"), &untouched, &err));
    CHECK(untouched.count == 0);
    CHECK_TEXT(err.message, "[COLUMN_ALREADY_EXISTS] the column 'A' appears twice, in the schema "
                            "'a INT, A STRING' at character 8");
    CHECK(!sql_parse_columns(arena, slice_of("a INT,"), &untouched, &err));
    CHECK(!sql_parse_columns(arena, slice_of("a"), &untouched, &err));
    CHECK(!sql_parse_columns(arena, slice_of("a 'int"), &untouched, &err));
    CHECK(sql_parse_columns(arena, slice_of(" "), &untouched, &err) && untouched.count == 0);
    arena_destroy(arena);
}

static void test_durations(void)
{
    static const struct {
        const char *text;
        TimeUs duration;
    } good[] = {
        {"10 seconds", 10000000},
        {"1 minute 30 seconds", 90000000},
        {"interval 7 days", 7 * TIME_DAY},
        {" 2  WEEKS ", 14 * TIME_DAY},
        {"1.5 seconds", 1500000},
        {".25 second", 250000},
        {"-5 seconds", -5000000},
        {"1 hour - 5 minutes", 55 * TIME_MINUTE},
        {"3 milliseconds 4 microseconds", 3004},
        {"0 seconds", 0},
    };
    static const char *const bad[] = {"",
                                      "10",
                                      "seconds",
                                      "1 month",
                                      "1 year",
                                      "1 fortnight",
                                      "1.5 minutes",
                                      "1 day,",
                                      "x 1 day",
                                      "--1 day",
                                      "9223372036854775807 days",
                                      "99999999999999999999 seconds",
                                      "1..5 seconds",
                                      "interval"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        TimeUs duration = -1;
        Error err = {0};
        CHECK(sql_parse_duration(slice_of(good[i].text), &duration, &err));
        CHECK(duration == good[i].duration);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        TimeUs duration = -1;
        Error err = {0};
        CHECK(!sql_parse_duration(slice_of(bad[i]), &duration, &err));
        CHECK(duration == -1 && err.kind == ERROR_INPUT);
    }
}

// ---- depth ---------------------------------------------------------------------------------

// prefix{count} middle suffix{count}
static bool parses_repeated(const char *start, const char *prefix, const char *middle,
                            const char *suffix, int count)
{
    Buffer sql = {0};
    buffer_append_text(&sql, start);
    for (int i = 0; i < count; i++) {
        buffer_append_text(&sql, prefix);
    }
    buffer_append_text(&sql, middle);
    for (int i = 0; i < count; i++) {
        buffer_append_text(&sql, suffix);
    }
    Fixture fixture = open_text(sql.data, sql.size);
    StatementList list = {0};
    bool ok = sql_parse(fixture.arena, fixture.diagnostics, fixture.source, NULL, &list);
    CHECK(ok == (fixture.diagnostics->count == 0));
    CHECK(ok ||
          strcmp(fixture.diagnostics->items[0].condition, "FAILED_TO_PARSE_TOO_COMPLEX") == 0);
    close_text(&fixture);
    buffer_done(&sql);
    return ok;
}

static void test_depth(void)
{
    static const struct {
        const char *start;
        const char *prefix;
        const char *middle;
        const char *suffix;
    } shapes[] = {
        {"SELECT ", "(", "1", ")"},
        {"SELECT ", "- ", "1", ""},
        {"SELECT ", "NOT ", "a", ""},
        {"SELECT ", "f(", "x", ")"},
        {"SELECT ", "trim(BOTH a FROM ", "x", ")"},
        {"SELECT ", "CASE WHEN ", "x", " THEN 1 END"},
        {"SELECT ", "a[", "x", "]"},
        {"SELECT ", "x -> ", "x", ""},
        {"SELECT CAST(a AS ", "ARRAY<", "INT", ">"},
        {"", "(", "SELECT 1", ")"},
        {"", "SELECT * FROM (", "SELECT 1", ")"},
        {"SELECT * FROM ", "(", "t", ")"},
        {"SELECT ", "(SELECT ", "1", ")"},
        {"", "WITH a AS (", "SELECT 1", ") SELECT 2"},
        {"SELECT 1 FROM t GROUP BY ", "GROUPING SETS (", "a", ")"},
    };
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        bool is_type = strstr(shapes[i].start, "CAST") != NULL;
        const char *middle = is_type ? "INT" : shapes[i].middle;
        if (!is_type) { // the type's own parenthesis is left open
            CHECK(parses_repeated(shapes[i].start, shapes[i].prefix, middle, shapes[i].suffix, 40));
        }
        CHECK(!parses_repeated(shapes[i].start, shapes[i].prefix, middle, shapes[i].suffix, 5000));
    }
    CHECK(parses_repeated("SELECT a", " + 1", "", "", 900));
    CHECK(!parses_repeated("SELECT a", " + 1", "", "", 5000));
    CHECK(!parses_repeated("SELECT a", " OR b", "", "", 5000));
    CHECK(!parses_repeated("SELECT a", ".b", "", "", 5000));
    CHECK(parses_repeated("SELECT 1", " UNION ALL SELECT 1", "", "", 900));
    CHECK(!parses_repeated("SELECT 1", " UNION ALL SELECT 1", "", "", 5000));
    CHECK(!parses_repeated("SELECT 1 FROM a", " JOIN b", "", "", 5000));
    CHECK(parses_repeated("SELECT a IN (1", ", 1", ")", "", 20000)); // wide is not deep
    CHECK(parses_repeated("SELECT 1", ", 1", "", "", 20000));
}

// ---- any text ------------------------------------------------------------------------------

// Words of good statements shuffled, dropped and doubled: the parser ends, says a problem exactly
// when it fails, and every position lies in the text.
static void check_mutant(const char *text, size_t size)
{
    Fixture fixture = open_text(text, size);
    StatementList list = {0};
    bool ok = sql_parse(fixture.arena, fixture.diagnostics, fixture.source, NULL, &list);
    CHECK(ok == (fixture.diagnostics->count == 0));
    for (size_t i = 0; i < fixture.diagnostics->count; i++) {
        Pos pos = fixture.diagnostics->items[i].pos;
        CHECK(pos.start <= pos.end && pos.end <= size);
    }
    Buffer out = {0};
    diagnostics_print(fixture.diagnostics, &out);
    for (size_t i = 0; i < list.count; i++) {
        dump_statement(list.items[i], &out);
    }
    buffer_done(&out);
    close_text(&fixture);
}

static void append_piece(Buffer *text, Random *random, const char *sql)
{
    size_t size = strlen(sql);
    size_t start = (size_t)random_below(random, size);
    size_t end = start + (size_t)random_below(random, size - start + 1);
    while (start > 0 && sql[start - 1] != ' ') {
        start--;
    }
    while (end < size && sql[end] != ' ') {
        end++;
    }
    buffer_append(text, (Slice){sql + start, end - start});
    buffer_append_char(text, ' ');
}

static void test_mutants(void)
{
    const char *seed_text = getenv("SEED");
    uint64_t seed = seed_text == NULL ? random_seed() : strtoull(seed_text, NULL, 10);
    Random random = {seed};
    int failed = check_failed;
    for (int round = 0; round < 4000; round++) {
        Buffer text = {0};
        size_t pieces = 1 + (size_t)random_below(&random, 4);
        for (size_t i = 0; i < pieces; i++) {
            append_piece(&text, &random,
                         statements[random_below(&random, ARRAY_LEN(statements))].sql);
        }
        for (uint64_t flips = random_below(&random, 4); flips > 0; flips--) {
            static const char noise[] = "()[],;.*'\"`+-=<>|:@? aA1${}\\";
            text.data[random_below(&random, text.size)] =
                noise[random_below(&random, sizeof noise - 1)];
        }
        check_mutant(text.data, text.size);
        buffer_done(&text);
    }
    if (check_failed > failed) {
        printf("seed %llu\n", (unsigned long long)seed);
    }
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(expressions); i++) {
        check_expression(&expressions[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_expressions); i++) {
        check_expression(&bad_expressions[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        check_statements(&statements[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_statements); i++) {
        check_statements(&bad_statements[i]);
    }
    test_nesting_of_positions();
    test_spans();
    test_variables();
    test_types();
    test_columns();
    test_durations();
    test_depth();
    test_mutants();
    return check_done();
}
