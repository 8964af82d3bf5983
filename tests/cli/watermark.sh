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

echo "$passed passed, $failed failed"
[ $failed = 0 ]
