#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Damaged, missing and restored files of checkpoints and tables: tarn stops with a message that names
# the file, loses and repeats nothing, and --full-refresh mends what can be made again.
# The last line is "N passed, N failed".
set -uo pipefail
tarn=$(realpath "${TARN:-$(dirname "$0")/../../build/tarn}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
bad() {
	failed=$((failed + 1))
	printf 'damage.sh: %s: %s\n' "$case" "$1"
	sed 's/^/    /' err
}
is() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); else bad "$1 is '$2' instead of '$3'"; fi; }
says() { if grep -qF -- "$1" err; then passed=$((passed + 1)); else bad "it does not say: $1"; fi; }

log=data/checkpoints/raw/log.00000001
delta=data/tables/default/raw/_delta_log
flip() { # FILE OFFSET
	python3 - "$1" "$2" <<'PY'
import sys
path, at = sys.argv[1], int(sys.argv[2])
data = bytearray(open(path, "rb").read())
data[at] ^= 0x40
open(path, "wb").write(data)
PY
}
used() { python3 -c 'import sys; print(len(open(sys.argv[1], "rb").read().rstrip(b"\0")))' "$1"; }
# damage NAME: a fresh copy of the good project to break. run CODE OPTIONS...: what tarn then does.
damage() {
	case=$1
	cd "$work" && rm -rf broken && cp -a good broken && cd broken || exit 1
}
run() {
	local code=0 wanted=$1
	shift
	timeout 60 "$tarn" run --once "$@" >out 2>err </dev/null || code=$?
	is 'the exit code' $code "$wanted"
}
more() { echo '{"id":100,"k":"k1"}' >input/9.json; }
count() { "$tarn" query --format csv "$1" 2>&1 | tail -n +2; }
# Each of the N rows is in raw once, and the totals know all of them.
whole() {
	is 'raw' "$(count 'SELECT count(*), count(DISTINCT id) FROM raw')" "$1,$1"
	is 'totals' "$(count 'SELECT sum(n) FROM totals')" "$1"
}

mkdir -p good/pipelines good/input && cd good
echo 'name: damage' >tarn.yml
cat >pipelines/all.sql <<'SQL'
CREATE STREAMING TABLE raw AS
SELECT * FROM STREAM read_files('input', format => 'json', schema => 'id BIGINT, k STRING', maxFilesPerTrigger => 1);
CREATE STREAMING TABLE totals OPTIONS (outputMode 'complete') AS SELECT k, count(*) AS n FROM STREAM raw GROUP BY k;
SQL
for i in 1 2 3 4 5 6; do
	for j in 1 2 3; do echo "{\"id\":$i$j,\"k\":\"k$j\"}"; done >input/$i.json
done
case=good
run 0
whole 18
size=$(used $log)

# ---- the log of a checkpoint

damage 'a byte in the middle of the log'
flip $log $((size / 2)) && more
run 4
says "$log is damaged at byte "
says '--full-refresh'
is 'raw' "$(count 'SELECT count(*) FROM raw')" 18
run 0 --full-refresh-all
whole 19

damage 'a byte in the header of the log'
flip $log 20
run 4
says "$log is damaged at byte 0"

damage 'an empty log'
truncate -s 0 $log
run 4
says "$log is damaged at byte 0"

damage 'a torn tail'
more
(TARN_FAULT=state.mid_record:1 "$tarn" run --once; exit $?) >/dev/null 2>&1
is 'the exit code of the killed run' $? 137
run 0
whole 19

damage 'the last record lost, which the table has'
truncate -s $((size - 7)) $log && more
run 4
says "'raw' has batch 5 of this flow"
says '--full-refresh raw'

damage 'the log removed'
rm $log && more
run 4
says 'its log was removed'
is 'raw' "$(count 'SELECT count(*) FROM raw')" 18
run 0 --full-refresh-all
whole 19

damage 'an older checkpoint restored'
cp -a data/checkpoints/raw ../older
more && run 0
rm -rf data/checkpoints/raw && mv ../older data/checkpoints/raw
echo '{"id":101,"k":"k1"}' >input/91.json
run 4
says "'raw' has batch 6 of this flow"

for file in epoch identity; do
	damage "a damaged file $file"
	echo '?' >data/checkpoints/raw/$file
	run 4
	says "data/checkpoints/raw/$file"
done

# ---- the log of a table

damage 'half a Delta commit'
truncate -s 100 $delta/00000000000000000003.json && more
run 4
says '_delta_log/00000000000000000003.json'

damage 'a Delta commit of garbage'
echo '{garbage' >$delta/00000000000000000003.json && more
run 4
says '_delta_log/00000000000000000003.json'

damage 'a missing Delta commit'
rm $delta/00000000000000000003.json && more
run 4
says 'commit 3 is missing'
says 'data/tables/default/raw'

damage 'a removed table'
rm -rf data/tables/default/raw && more
run 4
says "'raw' was given batch 5, but has no trace of it: it was emptied, replaced or restored"
says '--full-refresh raw'
run 0 --full-refresh-all
whole 19

damage 'everything begins anew in a run that goes on'
more
timeout -s INT 3 "$tarn" run --no-ui --full-refresh-all >out 2>err
is 'the flows that stopped' "$(grep -c '^error' err)" 0
whole 19
run 0
whole 19

damage 'killed after the first batch of a refresh, which had no rows'
cat >pipelines/counts.sql <<'SQL'
CREATE STREAMING TABLE counts AS SELECT window.start AS start, count(*) AS n
FROM STREAM raw WATERMARK timestamp_seconds(id * 60) AS ts DELAY OF INTERVAL 1 SECOND
GROUP BY window(ts, '1 minute');
SQL
run 0
is 'counts' "$(count 'SELECT count(*), sum(n) FROM counts')" '16,16'
(TARN_FAULT=flow.after_log:2 "$tarn" run --once --select counts --full-refresh counts; exit $?) >/dev/null 2>&1
is 'the exit code of the killed run' $? 137
run 0
is 'counts' "$(count 'SELECT count(*), sum(n) FROM counts')" '16,16'

damage 'killed while a refresh moved its new checkpoint into place'
mv data/checkpoints/raw data/checkpoints/raw~old
mkdir data/checkpoints/raw~new && echo 1 >data/checkpoints/raw~new/replace
run 1
says "flow 'totals' (pipelines/all.sql:3): source 'raw': [DELTA_SOURCE_TABLE_IGNORE_CHANGES]"
is 'raw' "$(count 'SELECT count(*), count(DISTINCT id) FROM raw')" '18,18'
run 0 --full-refresh totals
whole 18

damage 'a removed table, only it is refreshed'
rm -rf data/tables/default/raw && more
run 1 --full-refresh raw
says "flow 'totals' (pipelines/all.sql:3): source 'raw': [DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE]"
run 0 --full-refresh totals
whole 19

# ---- other queries over an old checkpoint

damage 'other keys'
sed -i 's/SELECT k, count/SELECT id % 2 AS k, count/; s/GROUP BY k/GROUP BY id % 2/' pipelines/all.sql
more
run 1
says 'the keys of aggregate_0 were "k", now "id % 2"'
says '--full-refresh'

damage 'another number of streams'
sed -i 's/FROM STREAM raw GROUP/FROM (SELECT * FROM STREAM raw UNION ALL SELECT * FROM STREAM raw) GROUP/' pipelines/all.sql
more
run 1
says 'its sources were "STREAM raw", now "STREAM raw, STREAM raw"'
says '--full-refresh totals'
run 0 --full-refresh totals
is 'totals' "$(count 'SELECT sum(n) FROM totals')" 38

# ---- what is not part of the data

damage 'a damaged history'
echo garbage >data/history.db && more
run 0
says 'history begins anew'
whole 19

cd "$work"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
