#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/inspect.sh TARN: looking into a flow from outside: the progress of its batches, its state
# and its batches as tables, while it runs and from the checkpoint alone. The last line is
# "N passed, N failed".
set -uo pipefail
tarn=$(realpath "${1:?usage: inspect.sh TARN}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
is() { # WHAT ACTUAL EXPECTED
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'inspect.sh: %s is\n%s\ninstead of\n%s\n' "$1" "$2" "$3" >&2
	fi
}
has() { # WHAT TEXT PATTERN
	if grep -qE -- "$3" <<<"$2"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'inspect.sh: %s is\n%s\nwithout %s\n' "$1" "$2" "$3" >&2
	fi
}

mkdir -p pipelines in
printf 'name: inspect\n' >tarn.yml
cat >pipelines/hits.sql <<'SQL'
CREATE STREAMING TABLE hits (CONSTRAINT page_given EXPECT (page IS NOT NULL)) AS
SELECT window.start AS minute, page, count(*) AS n, max(ms) AS slowest
FROM STREAM read_files('in', format => 'json', schema => 'ts TIMESTAMP, page STRING, ms INT')
     WATERMARK ts DELAY OF INTERVAL 10 SECONDS
GROUP BY window(ts, '1 minute'), page;
SQL
cat >in/1.json <<'JSON'
{"ts":"2024-01-01T00:00:01Z","page":"/a","ms":10}
{"ts":"2024-01-01T00:00:30Z","page":"/b","ms":20}
{"ts":"2024-01-01T00:02:30Z","page":"/a","ms":30}
JSON
"$tarn" run --once --json >out 2>err || cat err

# ---- progress: Spark's StreamingQueryProgress ----
paths() { python3 -c '
import json, sys
def walk(value, path):
    if isinstance(value, dict) and path not in (".sources[].startOffset", ".sources[].endOffset", ".sources[].latestOffset"):
        for key in value:
            yield from walk(value[key], path + "." + key)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item, path + "[]")
    else:
        yield path[1:]
print("\n".join(sorted(set(walk(json.loads(open("out").readline()), "")))))'; }
is "what a line of progress has" "$(paths)" "batchDuration
batchId
durationMs.addBatch
durationMs.commitBatch
durationMs.commitOffsets
durationMs.getBatch
durationMs.latestOffset
durationMs.queryPlanning
durationMs.triggerExecution
durationMs.walCommit
eventTime.avg
eventTime.max
eventTime.min
eventTime.watermark
id
inputRowsPerSecond
name
numInputRows
observedMetrics.expectations.dropped
observedMetrics.expectations.failed.page_given
observedMetrics.expectations.rows
processedRowsPerSecond
runId
sink.description
sink.numOutputRows
sources[].description
sources[].endOffset
sources[].inputRowsPerSecond
sources[].latestOffset
sources[].metrics.numBytesOutstanding
sources[].metrics.numMalformedRows
sources[].numInputRows
sources[].processedRowsPerSecond
sources[].startOffset
stateOperators[].allRemovalsTimeMs
stateOperators[].allUpdatesTimeMs
stateOperators[].commitTimeMs
stateOperators[].customMetrics.stateOnCurrentVersionSizeBytes
stateOperators[].memoryUsedBytes
stateOperators[].numRowsDroppedByWatermark
stateOperators[].numRowsRemoved
stateOperators[].numRowsTotal
stateOperators[].numRowsUpdated
stateOperators[].numShufflePartitions
stateOperators[].numStateStoreInstances
stateOperators[].operatorName
timestamp
type
v"
is "event times" "$(grep -o '"eventTime":{[^}]*}' out)" \
	'"eventTime":{"avg":"2024-01-01T00:01:00.333Z","max":"2024-01-01T00:02:30.000Z","min":"2024-01-01T00:00:01.000Z","watermark":"1970-01-01T00:00:00.000Z"}
"eventTime":{"watermark":"2024-01-01T00:02:20.000Z"}'
is "the progress that history keeps" \
	"$("$tarn" status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["flows"][0]["progress"] == json.loads(open("out").readlines()[-1]))')" True


# ---- state and batches from outside ----
ask() { "$tarn" query "$1" --format csv 2>&1; }
is "the state" "$(ask "SELECT page, n, slowest FROM state('hits')")" 'page,n,slowest
/a,1,30'
is "the state before" "$(ask "SELECT page, n, slowest FROM state('hits', 0) ORDER BY slowest")" 'page,n,slowest
/a,1,10
/b,1,20
/a,1,30'
is "the batches" "$(ask "SELECT batch, input_rows, output_rows, state_rows, offsets[0] LIKE '{\"files\"%' AS has_offset, marker IS NULL AS empty FROM batches('hits')")" \
	'batch,input_rows,output_rows,state_rows,has_offset,empty
0,3,0,3,true,true
1,0,2,1,true,false'
mkdir aside && mv pipelines/* aside/
is "the state of a flow that the project has no more" "$(ask "SELECT n FROM state('hits')")" 'n
1'
is "a flow that never was" "$(ask "SELECT n FROM state('other')" | head -n 1)" "query:1:15: no flow 'other'"
mv aside/* pipelines/
cp -r data copied && rm -f copied/checkpoints/hits/plan.json
is "the state of a checkpoint without plan.json" "$(sed 's/^name.*/&\nstorage: copied/' tarn.yml >tarn2.yml; mv tarn.yml tarn1.yml; mv tarn2.yml tarn.yml
	ask "SELECT k1, v0, v1 FROM state('hits')"; mv tarn1.yml tarn.yml)" 'k1,v0,v1
/a,1,30'

# While it runs: every answer is of one batch, whatever is written meanwhile.
mkdir -p live/pipelines && cd live || exit 1
printf 'name: live\n' >tarn.yml
cat >pipelines/rates.sql <<'SQL'
CREATE SINK out USING memory OPTIONS (outputMode 'update');
CREATE FLOW rates AS INSERT INTO out SELECT value % 10 AS digit, count(*) AS n
FROM STREAM rate(rowsPerSecond => 10000) GROUP BY value % 10;
SQL
"$tarn" run --no-ui --for 60s >/dev/null 2>&1 &
running=$!
for _ in $(seq 100); do
	ask "SELECT count(*) FROM batches('rates')" | grep -qE '^[1-9]' && break
	sleep 0.1
done
good=0
for _ in 1 2 3 4 5; do
	answer=$(ask "SELECT count(*) = 10 AND max(n) - min(n) <= 1 AS is_whole FROM state('rates')" | tail -n 1)
	[ "$answer" = true ] && good=$((good + 1)) || echo "$answer" >&2
done
kill -INT $running
wait $running
is "answers beside a running instance" "$good" 5
cd ..

# ---- EXPLAIN STREAMING ----
explain() { "$tarn" query "EXPLAIN STREAMING $1" 2>&1 | grep -v 'each batch:'; }
is "the plan of a dataset" "$(explain hits)" "flow hits into hits (delta), output mode append
source source_0_0: read_files('in')
    ts timestamp, page string, ms int
watermark on ts: 10 seconds behind the latest; late rows are counted and dropped
aggregate_0: aggregation
    keys: window(ts, '1 minute'), page
    aggregates: count(*), max(ms)
    state: bigint, string -> bigint, int; about 72 bytes a key
    forgotten: once the watermark has passed
constraint page_given, on violation keep
    page IS NOT NULL
output: minute timestamp, page string, n bigint, slowest int"
is "the plan of a statement" \
	"$(explain "CREATE STREAMING TABLE x OPTIONS (outputMode 'complete') AS SELECT page, count(*) AS n FROM STREAM hits GROUP BY page")" \
	"output mode complete
source source_0_0: STREAM hits
    minute timestamp, page string, n bigint, slowest int
aggregate_0: aggregation
    keys: page
    aggregates: count(*)
    state: string -> bigint; about 56 bytes a key
    forgotten: never
output: page string, n bigint"
is "the plan of a query" "$(explain "SELECT page FROM STREAM hits")" "output mode append
source source_0_0: STREAM hits
    minute timestamp, page string, n bigint, slowest int
output: page string"
is "the plan of nothing" "$(explain hitz)" "query:1:19: no flow or dataset 'hitz'
    1 | EXPLAIN STREAMING hitz
      |                   ^~~~
  did you mean 'hits'?"
is "the plan of a column that is not there" "$(explain 'SELECT nope FROM STREAM hits' | head -n 1)" \
	"query:1:26: [UNRESOLVED_COLUMN.WITH_SUGGESTION] no column 'nope'"

# ---- edited queries ----
cp pipelines/hits.sql hits.sql
edit() { # SED-SCRIPT: the messages of a run and of dry-run, without the drawing
	sed "$1" hits.sql >pipelines/hits.sql
	"$tarn" run --once 2>&1 >/dev/null | grep -E '^(error|warning)'
	"$tarn" dry-run 2>&1 | head -n 1
}
changed="the query of 'hits' changed, and its state does not fit any more"
keys="$changed: the keys of aggregate_0 were \"window(ts, '1 minute'), page\", now"
is "other keys" "$(edit 's/, page;/, upper(page);/; s/, page, count/, upper(page) AS page, count/')" \
	"error: flow 'hits': pipelines/hits.sql:5:10: $keys \"window(ts, '1 minute'), upper(page)\"
pipelines/hits.sql:5:10: $keys \"window(ts, '1 minute'), upper(page)\""
is "another window" "$(edit "s/'1 minute'/'2 minutes'/" | tail -n 1)" \
	"pipelines/hits.sql:5:10: $keys \"window(ts, '2 minutes'), page\""
is "other aggregates" "$(edit "s/max(ms)/min(ms)/" | tail -n 1)" \
	"pipelines/hits.sql:2:38: $changed: the aggregates of aggregate_0 were \"count(*), max(ms)\", now \"count(*), min(ms)\""
is "other types" "$(edit "s/ms INT/ms BIGINT/" | tail -n 1)" \
	"pipelines/hits.sql:2:1: $changed: the types of aggregate_0 were \"bigint, string, bigint, int\", now \"bigint, string, bigint, bigint\""
is "no operator" "$(edit 's/window.start AS minute, page, count(\*) AS n, max(ms) AS slowest/ts AS minute, page, 1L AS n, ms AS slowest/; /GROUP/d; s/10 SECONDS/&;/' | tail -n 1)" \
	"pipelines/hits.sql:2:1: $changed: its stateful operators were \"aggregation\", now \"none\""
mkdir in2
is "another source" "$(edit "s/'in'/'in2'/" | tail -n 1)" \
	"pipelines/hits.sql:3:6: $changed: its sources were \"read_files('in')\", now \"read_files('in2')\""
is "another watermark" "$(edit "s/WATERMARK ts/WATERMARK ts2/; s/'ts TIMESTAMP/'ts2 TIMESTAMP, ts TIMESTAMP/; s/window(ts/window(ts2/" | tail -n 1 | cut -d: -f4-)" \
	" $changed: its watermarks were on \"ts\", now \"ts2\""
is "other columns" "$(edit 's/AS n,/AS m,/')" \
	"error: flow 'hits': pipelines/hits.sql:2:1: the query gives other columns than table 'hits' has: 'm' is new, 'n' is gone
pipelines/hits.sql:2:1: the query gives other columns than table 'hits' has: 'm' is new, 'n' is gone"
is "another type of a column" "$(edit 's/max(ms) AS/CAST(max(ms) AS STRING) AS/' | tail -n 1)" \
	"pipelines/hits.sql:2:1: the query gives other columns than table 'hits' has: 'slowest' was int and is string"
is "a projection above" "$(edit 's/max(ms) AS/max(ms) + 1 AS/')" "1 dataset, 1 flow: no problems"
is "white space and comments" "$(edit "s/'1 minute'), page/ '1 minute' ) ,   page -- by page\n/")" \
	"1 dataset, 1 flow: no problems"
is "a filter below" "$(edit 's/GROUP BY/WHERE ms > 5 GROUP BY/')" \
	"warning: flow 'hits': what 'aggregate_0' gets has changed (a filter, a projection or a view below it): its state goes on with what it has; --full-refresh hits counts anew
1 dataset, 1 flow: no problems"
cp hits.sql pipelines/hits.sql && "$tarn" run --once >/dev/null 2>&1
is "a delay" "$(edit 's/10 SECONDS/20 SECONDS/')" \
	"warning: flow 'hits': the watermark on ts was 10000 ms behind and is now 20000 ms: what it has passed stays passed
1 dataset, 1 flow: no problems"
sed "s/'1 minute'/'2 minutes'/; s/AS n,/AS m,/" hits.sql >pipelines/hits.sql
"$tarn" run --once --full-refresh hits >out 2>&1 || cat out >&2
is "begun anew" "$(ask 'SELECT sum(m) FROM hits')" 'sum(m)
2'

# The words of other operators.
mkdir -p others/pipelines others/in && cd others || exit 1
printf 'name: others\n' >tarn.yml
cat >hits.sql <<'SQL'
CREATE TEMPORARY VIEW e AS SELECT * FROM STREAM read_files('in', format => 'json', schema => 'ts TIMESTAMP, k STRING, v INT');
CREATE STREAMING TABLE pairs AS SELECT a.k, a.v AS av, b.v AS bv FROM e WATERMARK ts DELAY OF INTERVAL 1 MINUTE AS a
LEFT JOIN e WATERMARK ts DELAY OF INTERVAL 1 MINUTE AS b ON a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL 1 HOUR;
CREATE SINK best USING memory OPTIONS (outputMode 'update');
CREATE FLOW best_of AS INSERT INTO best
SELECT k, v FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v DESC) AS r FROM e) WHERE r <= 3;
CREATE STREAMING TABLE sessions AS SELECT session_window.start AS start, k, count(*) FILTER (WHERE v > 1) AS n
FROM e WATERMARK ts DELAY OF INTERVAL 1 MINUTE GROUP BY session_window(ts, '5 minutes'), k;
CREATE STREAMING TABLE firsts AS SELECT * FROM e WATERMARK ts DELAY OF INTERVAL 1 MINUTE DROP DUPLICATES WITHIN WATERMARK ON (k);
CREATE SINK some USING memory;
CREATE FLOW some_of AS INSERT INTO some SELECT k FROM e LIMIT 5;
SQL
cp hits.sql pipelines/hits.sql
printf '{"ts":"2024-01-01T00:00:01Z","k":"a","v":1}\n{"ts":"2024-01-01T00:01:00Z","k":"a","v":3}\n{"ts":"2024-01-01T00:01:00Z","k":"b","v":2}\n' >in/1.json
"$tarn" run --once >out 2>&1 || cat out >&2
is "the first rows of groups" "$(ask "SELECT k, size(rows) AS n FROM state('best_of') ORDER BY k")" 'k,n
a,2
b,1'
is "sessions" "$(ask "SELECT k, sessions FROM state('sessions') ORDER BY k")" 'k,sessions
a,"[{2024-01-01 00:00:01, 2024-01-01 00:06:00, 1}]"
b,"[{2024-01-01 00:01:00, 2024-01-01 00:06:00, 1}]"'
is "rows counted" "$(ask "SELECT * FROM state('some_of')")" 'rows
3'
is "a join's state" "$(ask "SELECT * FROM state('pairs')" | head -n 1)" \
	"query:1:15: 'join_0' keeps rows of both sides of a join, which this version cannot show"
is "another condition" "$(edit 's/INTERVAL 1 HOUR/INTERVAL 2 HOUR/' | grep -v '^error' | cut -d: -f4-)" \
	" the query of 'pairs' changed, and its state does not fit any more: the condition of join_0 were \"a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL 1 HOUR\", now \"a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL 2 HOUR\""
has "another kind of join" "$(edit 's/LEFT JOIN/JOIN/')" 'the kind of join_0 were "left", now "inner"'
has "more ranks" "$(edit 's/r <= 3/r <= 4/')" 'ORDER BY v DESC\) up to 3", now "row_number\(\) .* up to 4"'
has "another gap" "$(edit "s/'5 minutes'/'6 minutes'/")" "keys of session_0 were .*'5 minutes'\), k\", now .*'6 minutes'\), k\""
has "another filter of an aggregate" "$(edit 's/v > 1/v > 2/')" 'aggregates of session_0 were .*v > 1\)", now .*v > 2\)"'
has "other duplicates" "$(edit 's/ON (k);/ON (k, v);/')" 'keys of deduplicate_0 were "\\"k\\"", now|keys of deduplicate_0 were'
has "another LIMIT" "$(edit 's/LIMIT 5/LIMIT 7/' | tail -n 1)" 'no problems'
cd ..

# What a name means below: in subqueries and views.
mkdir -p below/pipelines below/in && cd below || exit 1
printf 'name: below\n' >tarn.yml
cat >hits.sql <<'SQL'
CREATE TEMPORARY VIEW e AS SELECT *, upper(k) AS u FROM STREAM read_files('in', format => 'json', schema => 'ts TIMESTAMP, k STRING, v INT');
CREATE SINK s USING memory OPTIONS (outputMode 'update');
CREATE FLOW windows AS INSERT INTO s SELECT w.start AS at, '' AS x, count(*) AS n
FROM (SELECT window(ts, '10 seconds') AS w FROM e WATERMARK ts DELAY OF INTERVAL 1 SECOND) GROUP BY w;
CREATE SINK s2 USING memory OPTIONS (outputMode 'update');
CREATE FLOW names AS INSERT INTO s2 SELECT u, count(*) FILTER (WHERE k = 'A') AS n FROM (SELECT * FROM e) GROUP BY u;
CREATE SINK s3 USING memory OPTIONS (outputMode 'update');
CREATE FLOW ranks AS INSERT INTO s3 SELECT k, v
FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY o) AS r FROM (SELECT k, v, v + 0 AS o FROM e)) WHERE r <= 2;
CREATE SINK s4 USING memory;
CREATE FLOW pairs AS INSERT INTO s4 SELECT p.v FROM (SELECT ts, v, lower(k) AS j FROM e WATERMARK ts DELAY OF INTERVAL 1 SECOND) AS p
JOIN (SELECT ts, k AS j FROM e WATERMARK ts DELAY OF INTERVAL 1 SECOND) AS q ON p.j = q.j AND q.ts BETWEEN p.ts AND p.ts + INTERVAL 1 HOUR;
CREATE SINK s5 USING memory;
CREATE FLOW firsts AS INSERT INTO s5 SELECT d FROM (SELECT k AS d FROM e) DROP DUPLICATES ON (d);
CREATE SINK s6 USING memory OPTIONS (outputMode 'update');
CREATE FLOW both AS INSERT INTO s6 SELECT x, sum(y) AS n
FROM (SELECT k AS x, v AS y FROM e UNION ALL SELECT 'all' AS x, v AS y FROM e) GROUP BY x;
SQL
cp hits.sql pipelines/hits.sql
printf '{"ts":"2024-01-01T00:00:01Z","k":"a","v":1}\n' >in/1.json
"$tarn" run --once >out 2>&1 || cat out >&2
is "nothing edited" "$(edit '' | tail -n 1)" '7 datasets, 6 flows: no problems'
told() { grep '^error' <<<"$1" | grep -oE '(the [a-z]+ of [a-z_0-9]+ were|nothing).*'; }
is "another window below" "$(told "$(edit "s/'10 seconds'/'3 seconds'/")")" \
	"the keys of aggregate_0 were \"w, where w = window(ts, '10 seconds')\", now \"w, where w = window(ts, '3 seconds')\""
is "another key in a view" "$(told "$(edit "s/upper(k) AS u/trim(k) AS u/")" | grep keys)" \
	'the keys of aggregate_0 were "u, where u = upper(k)", now "u, where u = trim(k)"'
is "a text in other case" "$(told "$(edit "s/'A'/'a'/")")" \
	"the aggregates of aggregate_0 were \"count(*) FILTER (WHERE k = 'A')\", now \"count(*) FILTER (WHERE k = 'a')\""
is "a keyword in other case" "$(edit "s/FILTER (WHERE k/filter (where K/" | tail -n 1)" '7 datasets, 6 flows: no problems'
is "another order below" "$(told "$(edit 's/v + 0/-v/')" | grep -o 'where.*')" \
	'where o = v + 0", now "row_number() OVER (PARTITION BY k ORDER BY o) up to 2, where o = -v"'
is "another key of a join below" "$(told "$(edit 's/lower(k)/upper(k)/')" | grep -o 'where j.*')" \
	'where j = lower(k), j = k", now "p.j = q.j AND q.ts BETWEEN p.ts AND p.ts + INTERVAL 1 HOUR, where j = upper(k), j = k"'
is "another key of duplicates below" "$(told "$(edit 's/k AS d/trim(k) AS d/')")" \
	'the keys of deduplicate_0 were ""d", where d = k", now ""d", where d = trim(k)"'
has "a union below" "$(edit "s/'all' AS x/'any' AS x/")" "were \"sum\(y\), where SELECT .*'all' AS x.*\", now \"sum\(y\), where .*'any' AS x"
is "the key of duplicates" "$("$tarn" query "SELECT d FROM state('firsts')" --format csv 2>&1)" 'd
a'
cd ..

echo "$passed passed, $failed failed"
[ $failed = 0 ]
