#!/usr/bin/env bash
# bench/run.sh TARN: installs the peer (Spark) when missing, then measures both in one run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ -n "${BENCH_NO_SPARK:-}" ] || "$here/../tests/interop/install.sh"
exec python3 "$here/bench.py" "$1"
