#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/stream/random_aggregates.sh TARN: aggregations over a stream in random batches, against the same query in batch.
# CASES and SEED choose how many and which; a difference prints the seed that repeats it.
set -uo pipefail
cd "$(dirname "$0")/../.."
export TARN=${1:?usage: random_aggregates.sh TARN}
exec python3 tests/stream/random_aggregates.py "${CASES:-12}" "${SEED:-$RANDOM}"
