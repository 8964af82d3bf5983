#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/join_delay.sh TARN: a join of two streams goes on with its state when the delay of its
# watermarks changes, both ways. The last line is "N passed, N failed".
set -uo pipefail
tarn=$(realpath "${1:?usage: join_delay.sh TARN}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
mkdir -p pipelines a b
printf 'name: joins\n' >tarn.yml
write() { # DELAY
	cat >pipelines/j.sql <<SQL
CREATE STREAMING TABLE j AS
SELECT a.v, b.v AS w
FROM STREAM read_files('a', format => 'csv', schema => 'k STRING, ts TIMESTAMP, v INT') WATERMARK ts DELAY OF INTERVAL $1 AS a
LEFT JOIN STREAM read_files('b', format => 'csv', schema => 'k STRING, ts TIMESTAMP, v INT') WATERMARK ts DELAY OF INTERVAL $1 AS b
ON a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL 10 SECONDS;
SQL
}
run() { # WHAT EXPECTED: runs until nothing is left, and compares the table's rows
	local rows
	rows=$("$tarn" run --once 2>&1 >/dev/null | grep -E '^error'
		"$tarn" query 'SELECT v, w FROM j ORDER BY v, w' --format csv 2>&1 | tail -n +2 | tr '\n' ' ')
	if [ "$rows" = "$2" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'join_delay.sh: %s gives\n%s\ninstead of\n%s\n' "$1" "$rows" "$2" >&2
	fi
}

write '1 SECOND'
printf 'x,2024-01-01 00:00:00,1\nx,2024-01-01 00:00:30,2\ny,2024-01-01 00:00:31,3\n' >a/1.csv
printf 'x,2024-01-01 00:00:09,11\n' >b/1.csv
run "the first delay" '1,11 '
write '1 HOUR'
printf 'x,2024-01-01 00:00:31,4\n' >a/2.csv
printf 'x,2024-01-01 00:00:31,12\n' >b/2.csv
run "a longer delay" '1,11 2,12 4,12 '
printf 'z,2024-01-01 00:40:00,5\n' >a/3.csv
printf 'z,2024-01-01 00:40:00,15\n' >b/3.csv
run "a later batch" '1,11 2,12 4,12 5,15 '
write '10 SECONDS'
printf 'x,2024-01-01 02:00:00,6\n' >a/4.csv
printf 'x,2024-01-01 02:00:00,16\n' >b/4.csv
run "a shorter delay" '1,11 2,12 3, 4,12 5,15 6,16 '
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
