#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Full disks, folders that cannot be written and input that disappears, below a running instance: it
# says so, waits, goes on by itself, and every row is there exactly once.
# Needs root for small file systems in memory; otherwise that part is skipped.
# The last line is "N passed, N failed[, N skipped]".
set -uo pipefail
tarn=$(realpath "${TARN:-$(dirname "$0")/../../build/tarn}")
work=$(mktemp -d)
runner=
mounted=()
clean_up() {
	[ -z "$runner" ] || kill -KILL "$runner" 2>/dev/null
	cd /
	for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount "${mounted[i]}"; done
	rm -rf "$work"
}
trap clean_up EXIT
cd "$work" || exit 1
passed=0 failed=0 skipped=0 case=
bad() {
	failed=$((failed + 1))
	printf 'disk.sh: %s: %s\n' "$case" "$1"
	sed 's/^/    /' err
}
is() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else bad "$1 is '$2' instead of '$3'"; fi; }
count() { "$tarn" query --format csv "$1" 2>&1 | tail -n +2; }
# says TEXT: waits until the running instance says it.
says() {
	for _ in $(seq 100); do
		grep -q -- "$1" err && passed=$((passed + 1)) && return
		sleep 0.1
	done
	bad "it does not say: $1"
}
rows=0
# push: one more file of 20 rows that do not compress.
push() {
	python3 - "$rows" <<'PY'
import json, os, random, sys
first = int(sys.argv[1])
rng = random.Random(first)
with open("input/.new", "w") as f:
    for i in range(first, first + 20):
        f.write(json.dumps({"id": i, "k": "k%d" % (i % 5), "pad": "%0400x" % rng.getrandbits(1600)}) + "\n")
os.rename("input/.new", "input/%06d.json" % first)
PY
	rows=$((rows + 20))
}
# whole: waits until every row is in both tables, and each is there once.
whole() {
	for _ in $(seq 150); do
		[ "$(count 'SELECT sum(n) FROM totals')" != "$rows" ] || break
		sleep 0.1
	done
	is 'totals' "$(count 'SELECT sum(n) FROM totals')" "$rows"
	is 'raw' "$(count 'SELECT count(*), count(DISTINCT id) FROM raw')" "$rows,$rows"
}
start() {
	"${as[@]}" "$tarn" run --no-ui >out 2>err </dev/null &
	runner=$!
}
# stop CODE
stop() {
	kill -INT $runner
	wait $runner
	is 'the exit code' $? "$1"
	runner=
}
project() {
	mkdir -p "$1/pipelines" "$1/input" "$1/data" && cd "$1" && rows=0
	echo 'name: disk' >tarn.yml
	cat >pipelines/all.sql <<'SQL'
CREATE STREAMING TABLE raw AS
SELECT * FROM STREAM read_files('input', format => 'json', schema => 'id BIGINT, k STRING, pad STRING', maxFilesPerTrigger => 1);
CREATE STREAMING TABLE totals OPTIONS (outputMode 'complete') AS SELECT k, count(*) AS n FROM STREAM raw GROUP BY k;
SQL
}
as=()

# ---- input that disappears and comes back

case='the input folder is moved away'
project "$work/input"
push
start
whole
mv input gone
says "flow 'raw': .*folder 'input' does not exist.*trying again until it works"
mv gone input && push
whole
says "flow 'raw': works again"
stop 0

# ---- a folder that cannot be written; root may write everywhere, so it is not root who runs

case='a read-only folder'
project "$work/folder"
if [ "$(id -u)" = 0 ]; then
	# Root may write everywhere: another user runs a copy that it can reach.
	mkdir "$work/bin" && cp "$tarn" "$work/bin/" && cp -L "$(dirname "$tarn")/libduckdb.so" "$work/bin/"
	of_root=$tarn
	tarn=$work/bin/tarn
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	chmod 755 "$work" && chown -R 65534:65534 .
fi
push
start
whole
chmod -R a-w data/tables
push
says 'Permission denied.*trying again until it works'
chmod -R u+w data/tables
whole
says 'works again'
chmod -R a-w data/checkpoints/totals data/tables/default/totals/_delta_log
push
says "flow 'totals': .*Permission denied.*trying again until it works"
chmod -R u+w data
whole
stop 0
as=()
tarn=${of_root:-$tarn}

# ---- full and read-only file systems

project "$work/disk"
memory() { mount -t tmpfs -o size="$2" tarn-test "$1" 2>err && mounted+=("$work/disk/$1"); }
if ! memory data 16m || ! mkdir data/tables || ! memory data/tables 16m; then
	echo 'skipped: a full disk (needs root and the right to mount)'
	skipped=$((skipped + 1))
else
	push
	start
	whole
	# With this many KiB left, it fails at another step each time.
	for free in 0 4 8 12 20 32 48; do
		case="$free KiB left"
		: >err
		for folder in data data/tables; do
			dd if=/dev/zero of=$folder/filler bs=4k 2>/dev/null
			truncate -s -${free}K $folder/filler
		done
		push && push && push
		if [ "$free" -lt 20 ]; then says 'No space left on device; trying again until it works'; else sleep 1; fi
		rm data/filler data/tables/filler
		whole
	done
	stop 0

	case='a disk that is full at the start'
	dd if=/dev/zero of=data/filler bs=4k 2>/dev/null
	"$tarn" run --once >out 2>err
	is 'the exit code' $? 3
	says 'No space left on device'
	rm data/filler

	case='a read-only file system'
	push
	mount -o remount,ro data
	"$tarn" run --once >out 2>err
	is 'the exit code' $? 3
	says 'Read-only file system'
	mount -o remount,rw data
	mount -o remount,ro data/tables
	"$tarn" run --once >out 2>err
	is 'the exit code' $? 3
	says 'Read-only file system'
	mount -o remount,rw data/tables
	"$tarn" run --once >out 2>err
	is 'the exit code' $? 0
	whole
fi

cd "$work"
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ "$failed" = 0 ]
