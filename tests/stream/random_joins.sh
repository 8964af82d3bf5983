#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/stream/random_joins.sh TARN [CASES [SEED]]: joins of two streams with random rows beside the same as a batch.
set -euo pipefail
cd "$(dirname "$0")/../.."
export TARN=${1:?usage: random_joins.sh TARN [CASES [SEED]]}
shift
exec python3 tests/stream/random_joins.py "$@"
