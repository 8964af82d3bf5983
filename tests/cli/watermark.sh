#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/watermark.sh TARN: what the settings of watermarks change, as the progress of each batch
# shows it. The last line is "N passed, N failed".
set -uo pipefail
tarn=$(realpath "${1:?usage: watermark.sh TARN}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
is() { # WHAT ACTUAL EXPECTED
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'watermark.sh: %s is\n%s\ninstead of\n%s\n' "$1" "$2" "$3" >&2
	fi
}

# project NAME SETTINGS...: two streams, one ahead of the other, in windows of 10 seconds.
project() {
	local folder=$work/$1
	shift
	mkdir -p "$folder/fast" "$folder/slow" "$folder/pipelines"
	cd "$folder" || exit 1
	printf 'name: watermark\nconfiguration:\n  tarn.threads: 1\n' >tarn.yml
	printf '  %s\n' "$@" >>tarn.yml
	cat >pipelines/counts.sql <<'SQL'
CREATE SINK shown USING console OPTIONS (outputMode 'append');
CREATE FLOW counts AS INSERT INTO shown
SELECT date_format(window.start, 'HH:mm:ss') AS start, count(*) AS n
FROM (SELECT * FROM STREAM read_files('fast', format => 'json', schema => 'ts TIMESTAMP') WATERMARK ts DELAY OF INTERVAL 1 SECOND
      UNION ALL
      SELECT * FROM STREAM read_files('slow', format => 'json', schema => 'ts TIMESTAMP') WATERMARK ts DELAY OF INTERVAL 1 SECOND)
GROUP BY window(ts, '10 seconds');
SQL
	printf '{"ts":"2024-03-01T10:00:0%dZ"}\n' 1 2 >slow/1.json
	printf '{"ts":"2024-03-01T10:00:%dZ"}\n' 11 31 >fast/1.json
	"$tarn" run --once --json --no-ui >out 2>err
	code=$?
}
watermarks() { grep -o '"watermark":"[^"]*"' out | grep -o 'T[0-9:.]*' | tr '\n' ' '; }
rows() { grep -o '^|1.*|' out | tr -d ' \n'; }

project lowest
is "the lowest watermark" "$code $(watermarks)$(rows)" "0 T00:00:00.000 T10:00:01.000 "
project highest 'spark.sql.streaming.multipleWatermarkPolicy: max'
is "the highest watermark" "$code $(watermarks)$(rows)" "0 T00:00:00.000 T10:00:30.000 |10:00:00|2||10:00:10|1|"
project data_only 'spark.sql.streaming.multipleWatermarkPolicy: MAX' \
	'spark.sql.streaming.noDataMicroBatches.enabled: false'
is "batches with data only" "$code $(watermarks)$(rows)" "0 T00:00:00.000 "
# The watermark has moved all the same: the next batch closes the windows. Its rows are late by the
# watermark of the batch before.
echo '{"ts":"2024-03-01T10:00:05Z"}' >slow/2.json
"$tarn" run --once --json --no-ui >out 2>err
is "the next run" "$(watermarks)$(rows)" "T10:00:30.000 |10:00:00|3||10:00:10|1|"
is "its late rows" "$(grep -o '"numRowsDroppedByWatermark":[0-9]*' out)" '"numRowsDroppedByWatermark":0'
project unknown 'spark.sql.streaming.multipleWatermarkPolicy: avg'
is "another policy" "$code $(head -n 1 err)" \
	"2 tarn.yml:4:48: spark.sql.streaming.multipleWatermarkPolicy must be min or max, not 'avg'"

# ---- by the clock: .test files of a project, with all their permutations
clocked() { # NAME SETTINGS...: the test is on standard input
	local folder=$work/$1
	shift
	mkdir -p "$folder/pipelines" "$folder/tests"
	cd "$folder" || exit 1
	printf 'name: clocked\nconfiguration:\n' >tarn.yml
	printf '  %s\n' "$@" >>tarn.yml
	cat >pipelines/counts.sql <<'SQL'
CREATE TEMPORARY VIEW a AS SELECT * FROM STREAM read_files('.', format => 'csv', schema => 'ts TIMESTAMP');
CREATE TEMPORARY VIEW b AS SELECT * FROM STREAM read_files('.', format => 'csv', schema => 'ts TIMESTAMP');
CREATE STREAMING TABLE one AS SELECT window.start AS start, count(*) AS n
FROM STREAM a WATERMARK ts DELAY OF INTERVAL 10 SECONDS GROUP BY window(ts, '1 minute');
CREATE STREAMING TABLE two AS SELECT window.start AS start, count(*) AS n
FROM (SELECT * FROM STREAM a WATERMARK ts DELAY OF INTERVAL 10 SECONDS
      UNION ALL SELECT * FROM STREAM b WATERMARK ts DELAY OF INTERVAL 10 SECONDS)
GROUP BY window(ts, '1 minute');
SQL
	cat >tests/clocked.test
	is "$(basename "$folder")" "$("$tarn" test 2>&1 | sed 's/^[1-9][0-9]* passed/all passed/')" "all passed, 0 failed"
}

clocked 'windows close while input rests' 'tarn.watermark.idle: 30s' <<'TEST'
# The last event is of second 50: the window is over 10 s later, and the delay is 10 s more.
push a
2024-01-01 00:00:05
2024-01-01 00:00:50

tick

clock +19 seconds

tick

query 2
SELECT * FROM one
----

clock +11 seconds

tick

query 2
SELECT * FROM one
----
2024-01-01 00:00:00	2

query 1
SELECT max(watermark) FROM batches('one')
----
2024-01-01 00:01:10

# With nothing left to close, nothing runs any more.
clock +1 hour

tick

query 1
SELECT max(watermark) FROM batches('one')
----
2024-01-01 00:01:10

# The watermark does not go back, and goes on with the data.
push a
2024-01-01 00:00:59
2024-01-01 00:02:30

tick

query 2
SELECT * FROM one ORDER BY start
----
2024-01-01 00:00:00	2

clock +60 seconds

tick

query 2
SELECT * FROM one ORDER BY start
----
2024-01-01 00:00:00	2
2024-01-01 00:02:00	1
TEST

clocked 'windows stay open without the setting' 'tarn.threads: 1' <<'TEST'
push a
2024-01-01 00:00:50

tick

clock +1 hour

tick

query 2
SELECT * FROM one
----
TEST

clocked 'a silent stream is waited for' 'tarn.watermark.policy: global' <<'TEST'
push a
2024-01-01 00:00:05

push b
2024-01-01 00:00:06

tick

clock +5 minutes

push a
2024-01-01 00:01:30

tick

query 2
SELECT * FROM two
----
TEST

clocked 'a silent stream is left out' 'tarn.watermark.policy: partition' 'tarn.watermark.idle.partition: 2 minutes' <<'TEST'
push a
2024-01-01 00:00:05

push b
2024-01-01 00:00:06

tick

clock +119 seconds

push a
2024-01-01 00:01:30

tick

query 2
SELECT * FROM two
----

clock +1 seconds

push a
2024-01-01 00:01:31

tick

query 2
SELECT * FROM two
----
2024-01-01 00:00:00	2

# When it is back it counts again, but what was closed stays closed.
push b
2024-01-01 00:01:00

tick

push a
2024-01-01 00:03:00

tick

query 2
SELECT * FROM two
----
2024-01-01 00:00:00	2
TEST

project policy 'tarn.watermark.policy: kafka'
is "another policy of streams" "$code $(head -n 1 err)" \
	"2 tarn.yml:4:26: tarn.watermark.policy must be global or partition, not 'kafka'"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
