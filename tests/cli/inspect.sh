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

echo "$passed passed, $failed failed"
[ $failed = 0 ]
