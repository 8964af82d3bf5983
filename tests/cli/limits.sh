#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/limits.sh TARN: how much a batch takes, by the limits of its source and the project's.
# The last line is "N passed, N failed".
set -uo pipefail
tarn=$(realpath "${1:?usage: limits.sh TARN}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
is() { # WHAT ACTUAL EXPECTED
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'limits.sh: %s is\n%s\ninstead of\n%s\n' "$1" "$2" "$3" >&2
	fi
}

# batches SETTING SOURCE: the input rows of each batch of one run over what is there.
batches() {
	rm -rf data pipelines && mkdir pipelines
	printf 'name: limits\nconfiguration:\n  tarn.threads: 1\n  %s\n' "$1" >tarn.yml
	printf 'CREATE SINK out USING memory;\nCREATE FLOW f AS INSERT INTO out SELECT * FROM STREAM %s;\n' "$2" >pipelines/f.sql
	"$tarn" run --once --json --no-ui 2>err | python3 -c '
import json, sys
print(*[p["numInputRows"] for p in map(json.loads, sys.stdin) if p["type"] == "progress"])' || cat err
	grep -v ' in, ' err
}

# Files of 1, 2, ... 5 rows; a row is 8 bytes.
mkdir in
for i in 1 2 3 4 5; do
	for _ in $(seq $i); do echo '{"n":1}'; done >in/$i.json
	touch -d "2024-01-01 00:00:0$i" in/$i.json
done
files="read_files('in', format => 'json', schema => 'n INT'"
is "no limit" "$(batches 'tarn.history.batches: 10' "$files)")" "15"
is "files" "$(batches 'tarn.history.batches: 10' "$files, maxFilesPerTrigger => 2)")" "3 7 5"
# As much as fits, and one file that is larger.
is "bytes" "$(batches 'tarn.history.batches: 10' "$files, maxBytesPerTrigger => '24b')")" "3 3 4 5"
is "both" "$(batches 'tarn.history.batches: 10' "$files, maxBytesPerTrigger => '48b', maxFilesPerTrigger => 2)")" "3 3 4 5"

"$tarn" init made --template empty >/dev/null 2>&1
cat >made/pipelines/t.sql <<'SQL'
CREATE STREAMING TABLE t AS SELECT * FROM STREAM read_files('../in', format => 'json', schema => 'n INT', maxFilesPerTrigger => 1);
SQL
"$tarn" run made --once >/dev/null 2>&1
size=$(find made/data/tables -name '*.parquet' -size -2k -printf '%s\n' | sort -n | tail -n 1)
stream="delta('made/data/tables/default/t'"
is "a Delta table" "$(batches 'tarn.history.batches: 10' "$stream)")" "15"
is "its files" "$(batches 'tarn.history.batches: 10' "$stream, maxFilesPerTrigger => 3)")" "6 9"
is "its bytes" "$(batches 'tarn.history.batches: 10' "$stream, maxBytesPerTrigger => $((size * 2)))")" "3 7 5"

is "rows of a generator" \
	"$(batches 'tarn.history.batches: 10' "generate('web-logs', count => 120, history => '1 hour', rate => 1, maxRowsPerTrigger => 50)")" \
	"50 50 20"
is "the project's limit" \
	"$(batches 'tarn.batch.bytes: 16384' "generate('web-logs', count => 120, history => '1 hour', rate => 1)")" "51 51 18"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
