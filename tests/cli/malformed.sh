#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rows that cannot be read, in running flows: the three modes for CSV and JSON, what is counted, and
# that a flow that stops leaves the others alone. The last line is "N passed, N failed".
set -uo pipefail
tarn=$(realpath "${TARN:-$(dirname "$0")/../../build/tarn}")
work=$(mktemp -d)
runner=
trap '[ -z "$runner" ] || kill "$runner" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
is() { # is WHAT ACTUAL EXPECTED
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'malformed.sh: %s:\n%s\ninstead of\n%s\n' "$1" "$2" "$3"
	fi
}
rows() { "$tarn" query --format csv "$1" 2>&1 | tail -n +2; }
malformed() { grep "\"name\":\"$1\"" progress | grep -o '"numMalformedRows":"[0-9]*"' | grep -o '[0-9]*' | awk '{ n += $1 } END { print n + 0 }'; }

mkdir -p pipelines csv json
echo 'name: malformed' >tarn.yml
printf '1,a,10\nx,b,20\n3,c,30,extra\n4,d\n5,e,50\n' >csv/1.csv
printf '{"id":1,"k":"a"}\n{"id":"x","k":"b"}\nnot json\n{"id":4,"k":"d"\n\n{"id":5}\n' >json/1.json
for format in csv json; do
	columns='id INT, k STRING'
	[ $format = json ] || columns='id INT, k STRING, v INT'
	source="read_files('$format', format => '$format', maxFilesPerTrigger => 1"
	cat >>pipelines/all.sql <<SQL
CREATE STREAMING TABLE ${format}_corrupt AS SELECT * FROM STREAM $source, schema => '$columns, _corrupt_record STRING');
CREATE STREAMING TABLE ${format}_named AS SELECT id, bad FROM STREAM $source, schema => '$columns, bad STRING', columnNameOfCorruptRecord => 'bad');
CREATE STREAMING TABLE ${format}_plain AS SELECT * FROM STREAM $source, schema => '$columns', mode => 'PERMISSIVE');
CREATE STREAMING TABLE ${format}_drop AS SELECT * FROM STREAM $source, schema => '$columns', mode => 'DROPMALFORMED');
CREATE STREAMING TABLE ${format}_fail AS SELECT * FROM STREAM $source, schema => '$columns', mode => 'FAILFAST');
SQL
done
"$tarn" run --once --json >progress 2>err
is 'exit code of a run with a flow that stopped' $? 1

is 'CSV, PERMISSIVE with the record' "$(rows 'SELECT * FROM csv_corrupt ORDER BY id NULLS LAST')" '1,a,10,
3,c,30,"3,c,30,extra"
4,d,,"4,d"
5,e,50,
,b,20,"x,b,20"'
is 'CSV, the record in a column of another name' "$(rows 'SELECT * FROM csv_named ORDER BY id NULLS LAST')" '1,
3,"3,c,30,extra"
4,"4,d"
5,
,"x,b,20"'
is 'CSV, PERMISSIVE' "$(rows 'SELECT * FROM csv_plain ORDER BY id NULLS LAST')" '1,a,10
3,c,30
4,d,
5,e,50
,b,20'
is 'CSV, DROPMALFORMED' "$(rows 'SELECT * FROM csv_drop ORDER BY id')" '1,a,10
5,e,50'
is 'CSV, FAILFAST' "$(rows 'SELECT count(*) FROM csv_fail')" 0
is 'JSON, PERMISSIVE with the record' "$(rows 'SELECT * FROM json_corrupt ORDER BY id NULLS LAST, _corrupt_record')" '1,a,
5,,
,,not json
,b,"{""id"":""x"",""k"":""b""}"
,,"{""id"":4,""k"":""d"""'
is 'JSON, PERMISSIVE' "$(rows 'SELECT * FROM json_plain ORDER BY id NULLS LAST, k NULLS LAST')" '1,a
5,
,b
,
,'
is 'JSON, DROPMALFORMED' "$(rows 'SELECT * FROM json_drop ORDER BY id')" '1,a
5,'
for format in csv json; do
	is "$format: one message about FAILFAST" "$(grep -c "flow '${format}_fail'" err)" 1
	is "$format: it names the file and the line" "$(grep "flow '${format}_fail'" err | grep -c "$format/1.$format.*line 2")" 1
	for flow in corrupt named plain drop; do
		is "${format}_$flow: malformed rows in the progress" "$(malformed ${format}_$flow)" 3
	done
done
is 'malformed rows in the history' "$("$tarn" status --json | grep -o '"flow":"csv_plain".*' | grep -o '"malformed":[0-9]*' | head -1)" '"malformed":3'

# A running instance: the bad file comes later. The flow that fails stops, the others read on.
rm -rf data csv json pipelines/all.sql && mkdir csv
cat >pipelines/all.sql <<'SQL'
CREATE STREAMING TABLE strict AS SELECT * FROM STREAM read_files('csv', format => 'csv', schema => 'id INT', mode => 'FAILFAST');
CREATE STREAMING TABLE lenient AS SELECT * FROM STREAM read_files('csv', format => 'csv', schema => 'id INT', mode => 'DROPMALFORMED');
SQL
wait_rows() {
	for _ in $(seq 80); do
		[ "$(rows "SELECT count(*) FROM $1")" != "$2" ] || return 0
		sleep 0.1
	done
}
echo 1 >csv/1.csv
"$tarn" run --no-ui --json >progress 2>err &
runner=$!
wait_rows strict 1
printf '2\nx\n' >csv/2.csv.tmp && mv csv/2.csv.tmp csv/2.csv
wait_rows lenient 2
echo 3 >csv/3.csv.tmp && mv csv/3.csv.tmp csv/3.csv
wait_rows lenient 3
is 'the lenient flow goes on' "$(rows 'SELECT * FROM lenient ORDER BY id' | tr '\n' ' ')" '1 2 3 '
is 'the strict flow has what came before' "$(rows 'SELECT * FROM strict' | tr '\n' ' ')" '1 '
is 'its state' "$("$tarn" status --json | grep -o '"flow":"strict","dataset":"strict","state":"[a-z]*"')" '"flow":"strict","dataset":"strict","state":"failed"'
kill -INT $runner
wait $runner
is 'exit code after a flow stopped' $? 1
runner=
# The file is mended: the flow goes on where it was.
printf '2\n22\n' >csv/2.csv
"$tarn" run --once >progress 2>err
is 'exit code after the file was mended' $? 0
is 'every row once' "$(rows 'SELECT * FROM strict ORDER BY id' | tr '\n' ' ')" '1 2 3 22 '

# Values that do not fit stop the flow that computes with them, in Spark's words.
rm -rf data csv/* && echo 9223372036854775807 >csv/1.csv
cat >pipelines/all.sql <<'SQL'
CREATE STREAMING TABLE ids AS SELECT * FROM STREAM read_files('csv', format => 'csv', schema => 'id BIGINT');
CREATE STREAMING TABLE sums OPTIONS (outputMode 'complete') AS SELECT sum(id) AS s FROM STREAM ids;
CREATE STREAMING TABLE later OPTIONS (outputMode 'complete') AS SELECT max(id) AS m, sum(id) AS s FROM STREAM ids;
CREATE STREAMING TABLE quotients AS SELECT 1 / (id - 1) AS q FROM STREAM ids;
CREATE STREAMING TABLE numbers AS SELECT CAST(concat('x', id - id) AS INT) AS n FROM STREAM ids;
SQL
"$tarn" run --once --select ids,later >progress 2>err
is 'exit code of a run without problems' $? 0
printf '1\n1\n' >csv/2.csv
"$tarn" run --once >progress 2>err
is 'exit code of a run with values that do not fit' $? 1
is 'what it says' "$(grep ^error err)" "error: flow 'sums' (pipelines/all.sql:2): aggregation: [ARITHMETIC_OVERFLOW] 9223372036854775809 is out of range for BIGINT
error: flow 'later' (pipelines/all.sql:3): aggregation: [ARITHMETIC_OVERFLOW] overflow in addition: 9223372036854775807 + 2
error: flow 'quotients' (pipelines/all.sql:4): [DIVIDE_BY_ZERO] division by zero; try_divide gives NULL instead
error: flow 'numbers' (pipelines/all.sql:5): [CAST_INVALID_INPUT] 'x0' (string) is no INT; try_cast gives NULL instead"
is 'what it did' "$(grep -c '^[a-z]*  *failed$' err) $(grep ^ids err | sed 's/ in [0-9].*//')" '4 ids        2 rows in, 2 out, 1 batch'
is 'the flow before them' "$(rows 'SELECT count(*) FROM ids')" 3

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
