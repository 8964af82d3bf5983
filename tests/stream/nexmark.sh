#!/usr/bin/env bash
# tests/stream/nexmark.sh TARN: the generator's rules, and q0 to q22 of Nexmark over 20,000 events in several batches:
# each streamed answer is what DuckDB answers over the same files.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
BENCH_WORK=$(mktemp -d)
trap 'rm -rf "$BENCH_WORK"' EXIT
export BENCH_WORK PYTHONDONTWRITEBYTECODE=1
rc=0
events=$(python3 "$here/nexmark_events.py") || rc=1
echo "$events"
queries=$(NEXMARK_BATCH=512k python3 "$here/../../bench/nexmark.py" "$1" 20000) || rc=1
echo "$queries"
awk '/^[0-9]+ passed, [0-9]+ failed/ {passed += $1; failed += $3} END {print passed " passed, " failed " failed"}' \
	<<<"$events"$'\n'"$queries"
exit $rc
