#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/quality.sh TARN: what constraints and late data look like from outside: messages, exit
# codes, progress, status, --full-refresh. The last line is "N passed, N failed".
set -uo pipefail
tarn=$(realpath "${1:?usage: quality.sh TARN}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
is() { # WHAT ACTUAL EXPECTED
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'quality.sh: %s is\n%s\ninstead of\n%s\n' "$1" "$2" "$3" >&2
	fi
}

mkdir -p "$work/p/pipelines" "$work/p/in" && cd "$work/p" || exit 1
echo 'name: quality' >tarn.yml
cat >pipelines/all.sql <<'SQL'
CREATE STREAMING TABLE readings (
  CONSTRAINT known EXPECT (sensor IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT warm EXPECT (degrees BETWEEN -50 AND 60) ON VIOLATION QUARANTINE,
  CONSTRAINT even EXPECT (degrees % 2 = 0))
AS SELECT * FROM STREAM read_files('in', format => 'csv', header => true, schema => 'sensor STRING, at TIMESTAMP, degrees INT');
CREATE STREAMING TABLE per_minute AS
SELECT window.start AS minute, count(*) AS n
FROM STREAM readings WATERMARK at DELAY OF INTERVAL 1 MINUTE LATE DATA INTO late_readings GROUP BY window(at, '1 minute');
CREATE MATERIALIZED VIEW hottest (CONSTRAINT hot EXPECT (degrees > 20) ON VIOLATION DROP ROW) AS
SELECT sensor, max(degrees) AS degrees FROM readings GROUP BY sensor;
SQL
push() { printf 'sensor,at,degrees\n' >"in/$1.csv" && shift && printf '%s\n' "$@" >>"in/$(ls -t in | head -n 1)"; }
run() { "$tarn" run --once --json --no-ui "$@" >out 2>err; code=$?; }
rows() { "$tarn" query --format csv "$1" 2>&1 | tail -n +2 | sort | tr '\n' ' '; }
table() { "$tarn" status | awk '/^TABLE/ { on = 1 } on' | tr -s ' '; }

push a a,2026-01-05T09:00:10Z,20 a,2026-01-05T09:00:50Z,23 ,2026-01-05T09:00:50Z,22 b,2026-01-05T09:01:10Z,999 b,2026-01-05T09:10:00Z,1
run
is "the first run" "$code $(grep -o '"observedMetrics":.*' out | head -n 1)" \
	'0 "observedMetrics":{"expectations":{"rows":5,"dropped":2,"failed":{"known":1,"warm":1,"even":3}},"sides":{"readings_quarantine":1}}}'
push b c,2026-01-05T09:00:10Z,30
run
is "late rows" "$code $(grep -o '"observedMetrics":.*' out | tail -n 1) $(rows 'SELECT sensor, degrees FROM late_readings')" \
	'0 "observedMetrics":{"sides":{"late_readings":1}}} c,30 '
is "status" "$(table)" "TABLE CONSTRAINT ON VIOLATION ROWS VIOLATIONS
readings known drop row 1 0
readings warm quarantine 1 0
readings even keep 1 0
hottest hot drop row 3 1
TABLE FROM FLOW ROWS
readings_quarantine readings 0
late_readings per_minute 1"
is "the view" "$(rows 'SELECT * FROM hottest')" "a,23 c,30 "

is "EXPLAIN STREAMING" "$("$tarn" query 'EXPLAIN STREAMING readings; EXPLAIN STREAMING per_minute' 2>&1 | grep -E '^(constraint|late)')" \
	"constraint known, on violation drop row
constraint warm, on violation quarantine
constraint even, on violation keep
late rows of aggregate_0 into late_readings"

# Beginning anew replaces the tables beside the table, too.
run --full-refresh readings,per_minute
is "the quarantine after a refresh" "$code $(rows 'SELECT sensor, degrees, _constraint FROM readings_quarantine')" "0 b,999,warm "
rm in/a.csv
run --full-refresh readings,per_minute
is "an empty quarantine after a refresh" "$code $(rows 'SELECT count(*) FROM readings_quarantine')$(rows 'SELECT count(*) FROM late_readings')" "0 0 0 "
run --full-refresh readings_quarantine
is "refreshing a quarantine" "$code $(cat err)" "2 error: --full-refresh: 'readings_quarantine' is filled beside 'readings', name that"
run --select late_readings
is "selecting late rows" "$code $(cat err)" "2 error: --select: 'late_readings' is filled beside 'per_minute', name that"

# FAIL UPDATE: nothing of the batch is written, the flow stops, the others go on.
sed -i 's/known EXPECT (sensor IS NOT NULL) ON VIOLATION DROP ROW/known EXPECT (sensor IS NOT NULL) ON VIOLATION FAIL UPDATE/' pipelines/all.sql
before=$(rows 'SELECT * FROM readings')
push d e,2026-01-05T09:20:00Z,2 ,2026-01-05T09:20:00Z,4
run
is "FAIL UPDATE" "$code $(grep known err)" "1 error: flow 'readings' (pipelines/all.sql:5): [EXPECTATION_VIOLATION] constraint 'known' (pipelines/all.sql:2:3) does not hold in batch 1 for {\"sensor\":null,\"at\":\"2026-01-05T09:20:00.000Z\",\"degrees\":4}; nothing is written: mend the row or the query, or choose another action ON VIOLATION"
is "the table after it" "$(rows 'SELECT * FROM readings')" "$before"
printf 'sensor,at,degrees\ne,2026-01-05T09:20:00Z,2\n' >in/d.csv
run
is "the mended file" "$code $(rows 'SELECT sensor, degrees FROM readings')" "0 c,30 e,2 "

# A view whose constraint fails keeps its rows.
sed -i 's/(degrees > 20) ON VIOLATION DROP ROW/(degrees > 20) ON VIOLATION FAIL UPDATE/' pipelines/all.sql
run
is "a view's FAIL UPDATE" "$code $(grep hot err | head -n 1)" "1 error: materialized view 'hottest': [EXPECTATION_VIOLATION] constraint 'hot' (pipelines/all.sql:9:35) does not hold for {\"sensor\":\"e\",\"degrees\":2}; nothing is written: mend the row or the query, or choose another action ON VIOLATION"
is "the view after it" "$(rows 'SELECT * FROM hottest')" "c,30 "

# A quarantine that lost its rows is told, as the table itself would be.
push f g,2026-01-05T09:30:00Z,700
run
rm -r data/tables/default/readings_quarantine
run
is "an emptied quarantine" "$code $(grep -o "'readings_quarantine' was given.*" err)" \
	"4 'readings_quarantine' was given batch 2, but has no trace of it: it was emptied, replaced or restored; to start anew run with --full-refresh readings"

# Rows that a killed run left in the log for a table that the query no longer fills are not forgotten.
mkdir -p "$work/q/pipelines" "$work/q/in" && cd "$work/q" || exit 1
echo 'name: quality' >tarn.yml
cat >pipelines/all.sql <<'SQL'
CREATE STREAMING TABLE t (CONSTRAINT known EXPECT (k IS NOT NULL) ON VIOLATION QUARANTINE)
AS SELECT * FROM STREAM read_files('in', format => 'json', schema => 'k STRING, v INT');
SQL
printf '{"k":"a","v":1}\n{"v":2}\n' >in/a.json
{ (TARN_FAULT=flow.after_sink:1 "$tarn" run --once --no-ui) >out 2>err; } 2>/dev/null
is "before the kill" "$(rows 'SELECT v FROM t')$(rows 'SELECT v FROM t_quarantine')" "1 "
sed -i 's/ QUARANTINE/ DROP ROW/' pipelines/all.sql
run
is "a quarantine that is gone" "$code $(head -n 1 err)" "1 error: flow 't': batch 0 of this flow has rows for 'default.t_quarantine', which its query no longer fills; run it once with the clause that does, or start anew with --full-refresh t"
sed -i 's/ DROP ROW/ QUARANTINE/' pipelines/all.sql
run
is "a quarantine that is back" "$code $(rows 'SELECT v FROM t')$(rows 'SELECT v FROM t_quarantine')" "0 1 2 "
sed -i 's/ QUARANTINE/ DROP ROW/' pipelines/all.sql
printf '{"k":"b","v":3}\n{"v":4}\n' >in/b.json
run
is "a quarantine that has its rows" "$code $(rows 'SELECT v FROM t')$(rows 'SELECT v FROM delta.`data/tables/default/t_quarantine`')" "0 1 3 2 "

echo "$passed passed, $failed failed"
[ $failed = 0 ]
