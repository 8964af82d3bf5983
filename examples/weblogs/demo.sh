#!/usr/bin/env bash
# examples/weblogs/demo.sh TARN: runs the example for $FOR (0: until Ctrl-C), then asks its tables.
set -eu
tarn=$1
here=$(cd "$(dirname "$0")" && pwd)
duration=${FOR:-30s}

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
ask() {
	say "tarn query \"$1\""
	"$tarn" query -C "$here" "$1"
}

"$tarn" clean --yes "$here" >/dev/null 2>&1 || true
if [ "$duration" = 0 ]; then
	say "tarn run examples/weblogs      (Ctrl-C ends it)"
	"$tarn" run "$here" --no-ui || exit $?
else
	say "tarn run examples/weblogs --for $duration"
	"$tarn" run "$here" --for "$duration" --no-ui
fi

ask "SELECT count(*) AS logs, min(timestamp) AS first, max(timestamp) AS last FROM logs"
ask "SELECT window.start AS minute, sum(request_count) AS requests, round(avg(avg_response_time), 1) AS avg_ms FROM logs_windowed GROUP BY window.start ORDER BY minute DESC LIMIT 5"
ask "SELECT endpoint, errors FROM errors_by_endpoint ORDER BY errors DESC LIMIT 5"
ask "SELECT date, hour, count(*) AS logs FROM logs GROUP BY date, hour ORDER BY date, hour"
say "the Delta tables are in"
for table in "$here"/data/tables/default/*; do
	printf '  %s  (%s)\n' "$table" "$(du -sh "$table" | cut -f1)"
done
