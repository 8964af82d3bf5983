#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/cli_test.sh TARN: the program's words, exit codes and streams, from outside.
# The last line is "N passed, N failed".
set -uo pipefail
tarn=$(realpath "${1:?usage: cli_test.sh TARN}")
here=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
runner=
trap '[ -z "$runner" ] || kill "$runner" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
passed=0 failed=0

ok() { passed=$((passed + 1)); }
bad() {
	failed=$((failed + 1))
	local line=${BASH_LINENO[1]}
	[ "$line" != 0 ] || line=${BASH_LINENO[0]} # called from the script itself
	printf 'cli_test.sh:%s: %s\n' "$line" "$1" >&2
	sed 's/^/    /' out err >&2
}
# want CODE WORDS...: runs tarn with these words; its streams are left in out and err.
want() {
	local code=$1 got=0
	shift
	timeout 180 "$tarn" "$@" >out 2>err </dev/null || got=$?
	if [ "$got" = "$code" ]; then ok; else bad "tarn $*: exit code $got, expected $code"; fi
}
has() { if grep -qF -- "$2" "$1"; then ok; else bad "$1 does not hold: $2"; fi; }
hasnt() { if [ ! -f "$1" ] || grep -qF -- "$2" "$1"; then bad "$1 holds: $2"; else ok; fi; }
empty() { if [ -s "$1" ]; then bad "$1 is not empty"; else ok; fi; }
is() { if [ "$1" = "$2" ]; then ok; else bad "got '$1', expected '$2'"; fi; }

# ---- help and suggestions
want 2
has err 'tarn COMMAND'
empty out
want 0 --help
has out 'tarn COMMAND'
hasnt out '  docs '
empty err
want 0 --version
has out 'tarn 0.'
has out 'DuckDB v'
for command in init run dry-run query generate test status stop clean version help; do
	want 0 help $command
	cp out help
	want 0 $command --help
	if cmp -s out help; then ok; else bad "tarn help $command and tarn $command --help differ"; fi
done
want 2 help rn
has err "did you mean 'run'?"
want 2 qery
has err "did you mean 'query'?"
want 2 --onse
has err "no option '--onse' before the command: write tarn COMMAND --onse"
want 2 statsu
has err "did you mean 'status'?"

# ---- options
want 2 run --onse
has err 'did you mean --once?'
want 2 run --for
has err '--for needs a value'
want 2 run --for soon
has err 'duration like 30s'
want 2 run --once --for 3s
want 2 run --once --once
has err '--once is given twice'
want 2 run --no-ui=1
has err '--no-ui takes no value'
want 2 run --adopt
want 2 run --port 80
want 2 run a b
has err "'b' is one word too many"
want 2 run -C a b
want 2 query --format xml 'SELECT 1'
has err "no format 'xml': table, csv, json, jsonl or markdown"
want 2 query --format jsn 'SELECT 1'
has err "no format 'jsn': did you mean 'json'?"
want 2 query --format parqet -o x 'SELECT 1'
has err "no format 'parqet': did you mean 'parquet'?"
want 2 query --format parquet 'SELECT 1'
has err 'parquet needs a file'
want 2 query 'SELECT 1' -o x.xls
want 2 query -f no_such.sql
has err 'no_such.sql'
is "$(wc -l <err)" 1

# ---- projects
want 2 status
has err 'no tarn.yml or spark-pipeline.yml'
want 2 run "$work/nowhere"
has err 'No such file'
want 2 init
want 2 init p --template lambdaa
has err "no template 'lambdaa': there are"
want 2 init p --template medalion
has err "did you mean 'medallion'?"
want 0 init p --template empty
empty out
has err 'tarn run p'
is "$(cat p/.gitignore | tr '\n' ' ')" 'data/ logs/ .env '
want 2 init p --template empty
has err 'is not empty'
want 0 init a/b/my-project --template empty
has a/b/my-project/tarn.yml 'name: my-project'
is "$(head -1 a/b/my-project/README.md)" '# my-project'
if [ -d a/b/my-project/tests ]; then ok; else bad 'the empty template has no tests/'; fi
for template in weblogs medallion csv; do
	want 0 init "t_$template" --template $template
	is "$(sed -n 's/^name: //p' "t_$template/tarn.yml" | head -1)" "t_$template"
	hasnt "t_$template/README.md" "examples/$template"
	hasnt "t_$template/README.md" '<!--'
	for file in $(cd "$here/examples/$template" && find . -name '*.sql' -o -name '*.test'); do
		if [ -s "t_$template/$file" ]; then ok; else bad "template $template lacks $file"; fi
	done
	want 0 dry-run "t_$template"
	if [ -e "t_$template/data" ] && [ -n "$(find "t_$template" -name tables)" ]; then bad 'dry-run wrote'; else ok; fi
done
printf 'nam: x\nstorage: [1]\nconfiguration: {tarn.memory.limits: 1}\n' >p/tarn.yml
want 2 dry-run p
has err 'tarn.yml:1:1: unknown key'
has err "did you mean 'name'?"
has err 'tarn.yml:2:10: storage must be'
has err "did you mean 'tarn.memory.limit'?"
want 2 status p
printf 'name: p\nconfiguration: {spark.executor.memory: 4g}\nprofiles: {services: {database: d}}\n' >p/tarn.yml
want 2 status --profile servicess p
has err "did you mean 'services'?"
want 0 status --profile services p
want 0 -C p status
has out 'nothing ran yet'
(cd p/pipelines && "$tarn" status) >out 2>err
has out 'p: not running'
want 0 status --json p
has out '"running":false'
want 0 stop p
has err 'not running'
want 0 clean p

# ---- several statements, and where relative paths start
for format in csv jsonl markdown; do
	want 0 query --format $format 'SELECT 1 AS a; SELECT 2 AS a'
	"$tarn" query --format $format 'SELECT 1 AS a' >one
	"$tarn" query --format $format 'SELECT 2 AS a' >two
	if (cat one; echo; cat two) | cmp -s - out; then ok; else bad "two results in $format"; fi
done
want 0 query --format json 'SELECT 1 AS a; SELECT 2 AS a'
is "$(tr '\n' ' ' <out)" '[{"a":1}] [{"a":2}] '
want 2 query -o both.csv 'SELECT 1 AS a; SELECT 2 AS a'
has err 'query:1:16: -o FILE takes the rows of one statement, this is the second'
has err 'ask them one by one, each with its own file'
if [ -e both.csv ]; then bad '-o wrote a file'; else ok; fi
want 0 init paths --template empty
mkdir paths/in in
printf 'a\nproject\n' >paths/in/x.csv
printf 'a\nhere\n' >in/x.csv
cat >paths/pipelines/pipeline.sql <<'SQL'
CREATE TEMPORARY VIEW files AS SELECT * FROM read_files('in', format => 'csv', header => true, schema => 'a STRING');
CREATE TEMPORARY VIEW named AS SELECT * FROM csv.`in/x.csv`;
SQL
want 0 query -C paths --format csv "SELECT a FROM files UNION ALL SELECT a FROM named"
is "$(tr '\n' ' ' <out)" 'a project project '
want 0 query -C paths --format csv "SELECT a FROM read_files('in', format => 'csv', header => true, schema => 'a STRING')
UNION ALL SELECT a FROM csv.\`in/x.csv\`"
is "$(tr '\n' ' ' <out)" 'a here here '

# ---- projects that cannot be used, flows that cannot go on
mkdir unsound ties ties/in
printf 'name: unsound\nconfiguration: {spark.sql.session.timeZone: America/New_York}\n' >unsound/tarn.yml
want 2 query -C unsound 'SELECT 1'
has err 'America/New_York'
want 2 status -C unsound
printf 'name: ties\n' >ties/tarn.yml
mkdir ties/pipelines
cat >ties/pipelines/1.sql <<'SQL'
CREATE SINK s USING memory OPTIONS (outputMode 'update');
CREATE FLOW f AS INSERT INTO s SELECT k FROM (
  SELECT k, rank() OVER (ORDER BY k) AS n
  FROM (SELECT k, explode(sequence(1, 10001)) AS i FROM STREAM read_files('in', format => 'csv', schema => 'k STRING'))
) WHERE n = 1;
SQL
echo a >ties/in/a.csv
want 1 run ties --once
has err 'more than 10000 rows of one group share the first ranks: use row_number(), or more columns in its ORDER BY'

# ---- tests: a project, a folder, files, and what they may require
want 0 test t_medallion
cp out whole
want 0 test t_medallion/tests
if cmp -s out whole; then ok; else bad 'the project and its folder of tests differ'; fi
want 0 test t_medallion/tests/gold.test
has out '7 passed, 0 failed'
want 0 test --as-written t_medallion/tests/gold.test
has out '1 passed, 0 failed'
mkdir -p loose/below
printf 'statement ok\nSELECT 1\n' | tee loose/a.test >loose/below/b.test
want 0 test loose
has out '2 passed, 0 failed'
want 2 test t_medallion/tests loose
has err "'t_medallion/tests/bronze.test' and 'loose/a.test' lie in different projects: test them apart"
want 2 test outside_of_all
has err 'No such file'
mkdir no_tests
want 2 test no_tests
has err "'no_tests' has neither a tarn.yml nor .test files"
printf 'require kafka\n\ntick\n' >loose/a.test
want 0 test loose
has out '1 passed, 0 failed, 1 skipped'
has err 'skipped loose/a.test: it requires kafka, which this version does not have'
printf 'require kafak\n\ntick\n' >loose/a.test
want 1 test loose/a.test
has err "loose/a.test:1: no service 'kafak' to require; there are kafka, postgres"
printf 'tick\n\nrequire kafka\n' >loose/a.test
want 1 test loose/a.test
has err "loose/a.test:3: 'require' comes before all other directives"

# ---- a running instance: lock, status, stop, clean
cat >p/pipelines/pipeline.sql <<'SQL'
CREATE STREAMING TABLE ticks AS SELECT * FROM STREAM rate(rowsPerSecond => 5);
SQL
"$tarn" run p --no-ui >run.out 2>run.err &
runner=$!
for _ in $(seq 100); do
	"$tarn" status p >out 2>err && grep -q 'running since' out && break
	sleep 0.1
done
want 0 status p
has out "(process $runner)"
has out 'ticks'
want 2 run p --no-ui
has err "process $runner uses"
want 2 clean p --yes
has err "process $runner uses"
want 0 stop p
code=0
wait $runner || code=$?
runner=
is $code 0
want 0 status p
has out 'not running; the last run was'
has out 'exit code 0'
# Signals: the first ends it cleanly.
"$tarn" run p --no-ui >run.out 2>run.err &
runner=$!
for _ in $(seq 100); do
	"$tarn" status p >out 2>err && grep -q "(process $runner)" out && break
	sleep 0.1
done
kill -INT $runner
code=0
wait $runner || code=$?
runner=
is $code 0
want 0 run p --for 1s --no-ui
want 0 run p --once --no-ui

# ---- what a run says at its end, and what status knows of it
want 0 init sums --template empty
mkdir sums/in
cat >sums/pipelines/pipeline.sql <<'SQL'
CREATE STREAMING TABLE readings AS
SELECT * FROM STREAM read_files('in', format => 'csv', header => true, schema => 'at TIMESTAMP, v INT');
CREATE STREAMING TABLE minutes AS
SELECT window.start AS minute, count(*) AS n FROM STREAM readings WATERMARK at DELAY OF INTERVAL 1 MINUTE
GROUP BY window(at, '1 minute');
CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM readings;
SQL
# without_times FILE: durations as N.
without_times() { sed -E 's/ in [0-9.]+ m?s/ in N/' "$1"; }
printf 'at,v\n2026-01-05 09:00:00,1\n2026-01-05 09:05:00,x\n' >sums/in/a.csv
want 0 run sums --once
empty out
is "$(without_times err)" 'readings  2 rows in, 2 out, 1 batch in N, 1 row malformed
minutes   2 rows in, 1 out, 2 batches in N, watermark 2026-01-05 09:04:00
total     materialized view, 1 row, 1 refresh in N'
printf 'at,v\n2026-01-05 09:01:00,1\n' >sums/in/b.csv
want 0 run sums --once
is "$(without_times err)" 'readings  1 row in, 1 out, 1 batch in N
minutes   1 row in, 0 out, 1 batch in N, watermark 2026-01-05 09:04:00, 1 row dropped as late
total     materialized view, 1 row, 1 refresh in N'
want 0 status sums
is "$(sed -E '1d; s/[0-9]{4}-[0-9-]+T[0-9:.]+Z/TIME/; s/ +/ /g' out | cut -d' ' -f '1-3,5-')" 'FLOW STATE BATCH LAG WATERMARK STATE ROWS DROPPED MALFORMED
readings stopped 1 - - 0 0 0
minutes stopped 2 - TIME 1 1 0
VIEW KIND STATE REFRESH ROWS
total materialized view TIME 1'
# A run that finds nothing new still knows where its flows are.
want 0 run sums --once
is "$(without_times err)" 'readings  nothing new
minutes   nothing new, watermark 2026-01-05 09:04:00
total     materialized view, 1 row, 1 refresh in N'
want 0 status --json sums
has out '"flow":"minutes","dataset":"minutes","state":"stopped","batch":2,"batches":0'
has out '"watermark":"2026-01-05T09:04:00.000Z"'
has out '"view":"total","kind":"materialized view","state":"stopped"'
"$tarn" run sums --no-ui >run.out 2>run.err &
runner=$!
for _ in $(seq 100); do
	"$tarn" status sums >out 2>err && grep -q 'running since' out && break
	sleep 0.1
done
want 0 status sums
if grep -E '^minutes +idle .*2026-01-05T09:04:00' out >found; then ok; else bad 'an idle run has no watermark'; fi
if grep -E '^total +materialized view' out >found; then ok; else bad 'status shows no view'; fi
kill -9 $runner
wait $runner 2>wait.err || true
runner=
want 0 status sums
has out 'and was killed'
has out minutes
# A value that does not fit is told with the query, not with the table it would go to.
cat >>sums/pipelines/pipeline.sql <<'SQL'
CREATE STREAMING TABLE casts AS
SELECT CAST(concat('x', v) AS INT) AS n FROM STREAM readings WHERE v IS NOT NULL;
SQL
want 1 run sums --once
has err "error: flow 'casts' (pipelines/pipeline.sql:8): [CAST_INVALID_INPUT] 'x1'"
has err 'casts     failed'
want 0 status sums
has out 'casts: [CAST_INVALID_INPUT]'
# A run that finds problems is none; what ran before stays to be seen.
cp sums/pipelines/pipeline.sql sound
echo 'CREATE STREAMING TABLE broken AS SELECT nothing FROM STREAM readings;' >>sums/pipelines/pipeline.sql
want 2 run sums --once
want 0 status sums
has out 'exit code 1'
cp sound sums/pipelines/pipeline.sql
want 2 run sums --once --select readngs
has err "--select: no dataset 'readngs'; did you mean 'readings'?"
# A history without tables, of a process that died before it made them, is none.
rm sums/data/history.db* && : >sums/data/history.db
want 0 status sums
has out 'nothing ran yet'

# ---- clean
touch p/data/mine
want 2 clean p
has err '--yes'
has err 'tables'
if [ -d p/data/tables ]; then ok; else bad 'clean deleted without --yes'; fi
mkdir outside && touch outside/kept && ln -s "$work/outside" p/data/tables/link
want 0 clean p --yes
is "$(ls -A p/data)" mine
if [ -e outside/kept ]; then ok; else bad 'clean followed a link'; fi
rm p/data/mine

# ---- generate
want 0 generate csv-events --count 10 --seed 7 --start '2026-01-01 00:00:00'
cp out first
is "$(wc -l <out)" 11
want 0 generate csv-events --count 10 --seed 7 --start 2026-01-01T00:00:00Z
if cmp -s out first; then ok; else bad 'the same seed gave other events'; fi
empty err
want 0 generate app-logs --count 100 --to logs
empty out
has err '100 events in'
want 2 generate
want 2 generate weblogs
has err "no generator 'weblogs'; did you mean 'web-logs'?"
want 2 generate web-logs --to kafka://x/y
want 2 generate web-logs --rate fast
want 2 generate web-logs --errors 101
want 2 generate web-logs --start 2026-02-30

# ---- output that cannot be written
if [ -c /dev/full ]; then
	code=0
	"$tarn" help run >/dev/full 2>err || code=$?
	is $code 1
	has err 'disk full'
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
