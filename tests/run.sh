#!/usr/bin/env bash
# tests/run.sh OUT [quick]: every test, one line per suite; the last line is "N passed, N failed".
# quick leaves out what takes long or needs other programs (the docs' commands, recovery, interop,
# real Spark's streaming answers).
# A suite prints its own closing line "N passed, N failed[, N skipped]"; the numbers are added up.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$1
mode=${2:-all}
export TARN=$out/tarn
log=$out/check
mkdir -p "$log"
passed=0 failed=0 skipped=0

# suite NAME COMMAND...: a suite that ends without its closing line counts as one failure.
suite() {
	local name=$1 start=$SECONDS rc=0 line
	shift
	"$@" >"$log/$name.log" 2>&1 </dev/null || rc=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log/$name.log" | tail -n 1)
	local p=0 f=0 s=0
	if [ -n "$line" ]; then
		p=${line%% *}
		f=$(sed -E 's/.* ([0-9]+) failed.*/\1/' <<<"$line")
		s=$(grep -oE '[0-9]+ skipped' <<<"$line" | cut -d' ' -f1)
		s=${s:-0}
	fi
	if [ $rc -ne 0 ] && [ "$f" = 0 ]; then
		f=1
	fi
	printf '%-34s %6d passed %4d failed %3d skipped  %3d s\n' "$name" "$p" "$f" "$s" $((SECONDS - start))
	[ "$f" = 0 ] || tail -n 20 "$log/$name.log" | sed 's/^/    /'
	[ "$s" = 0 ] || grep -i '^skipped' "$log/$name.log" | sed 's/^/    /'
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

suite lint tools/lint.sh
for test in tests/unit/*_test.c; do
	name=$(basename "$test" .c)
	suite "$name" "$out/test/$name"
done
for folder in tests/stream; do
	files=$(find "$folder" -name '*.test' | sort)
	[ -z "$files" ] || suite "$(basename "$folder")" "$TARN" test $files
done
for example in examples/*/; do
	[ ! -d "$example/tests" ] || [ -z "$(ls "$example/tests")" ] ||
		suite "example-$(basename "$example")" "$TARN" test "$example"
done
for script in tests/cli/*.sh; do
	[[ $mode = quick && $script = */docs.sh ]] || suite "cli-$(basename "$script" .sh)" bash "$script" "$TARN"
done
if [ "$mode" = all ]; then
	for script in tests/stream/*.sh tests/recovery/*.sh tests/interop/run.sh; do
		[ ! -e "$script" ] || suite "$(basename "$(dirname "$script")")-$(basename "$script" .sh)" bash "$script" "$([[ $script = */stream/* ]] && echo "$TARN" || echo "$out")"
	done
fi

[ $skipped = 0 ] || echo "$skipped skipped, see above"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
