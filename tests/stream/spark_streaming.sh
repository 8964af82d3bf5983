#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/stream/spark_streaming.sh TARN: what real Spark answered to streaming scenarios, batch by batch.
# The recordings are not part of the repository: without them the suite is skipped, and counted.
set -uo pipefail
cd "$(dirname "$0")/../.."
export TARN=${1:?usage: spark_streaming.sh TARN}
data=${SPARK_DATA:-../shared/testdata/spark}/streaming.jsonl
if [ ! -e "$data" ]; then
	echo "skipped: no recordings at $data (SPARK_DATA= says where they are)"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
exec python3 tests/stream/spark_streaming.py "$data" --step
