#!/usr/bin/env bash
# bench/run.sh TARN: installs the peers when missing (BENCH_PEERS=none: no peers), then measures all in one run.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${BENCH_PEERS:-spark flink}
# shellcheck disable=SC2086
[ "$peers" = none ] || "$here/install.sh" $peers
exec python3 "$here/bench.py" "$1"
