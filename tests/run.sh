#!/usr/bin/env bash
# tests/run.sh OUT [quick]: every test, one line per suite; the last line is "N passed, N failed".
# quick is lint, unit tests, .test files as they are written and error messages; all has their
# permutations, the commands, recovery, interop, random queries and real Spark's streaming answers.
# A suite prints its own closing line "N passed, N failed[, N skipped]"; the numbers are added up.
# With a sanitizer's build (OUT is build/san-NAME) each of its reports is a failure of that suite.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$1
mode=${2:-all}
export TARN=$out/tarn
log=$out/check
mkdir -p "$log"
passed=0 failed=0 skipped=0

# Reports go to files: programs whose output and exit codes a test looks at behave as ever.
san=
case $(basename "$out") in san-*) san=$(basename "$out" | cut -d- -f2) ;; esac
if [ -n "$san" ]; then
	rm -f "$log"/report.*
	export ASAN_OPTIONS=log_path=$log/report:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
	export UBSAN_OPTIONS=log_path=$log/report:print_stacktrace=1
	export TSAN_OPTIONS=log_path=$log/report:exitcode=0:second_deadlock_stack=1
fi
# reports: what the sanitizer said since it was last asked.
reports() {
	local file
	for file in "$log"/report.*; do
		[ -e "$file" ] || continue
		if [ "$san" = thread ]; then awk -f tests/sanitizers/ours.awk "$file"; else cat "$file"; fi
		rm "$file"
	done
}

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
	[ -z "$san" ] || reports >"$log/$name.reports"
	if [ -s "$log/$name.reports" ]; then
		f=$((f + 1))
		head -n 40 "$log/$name.reports" >>"$log/$name.log"
	fi
	printf '%-34s %6d passed %4d failed %3d skipped  %3d s\n' "$name" "$p" "$f" "$s" $((SECONDS - start))
	[ "$f" = 0 ] || tail -n 20 "$log/$name.log" | sed 's/^/    /'
	[ "$s" = 0 ] || grep -i '^skipped' "$log/$name.log" | sed 's/^/    /'
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

suite lint tools/lint.sh
for test in tests/unit/*_test.c; do
	name=$(basename "$test" .c)
	# These fork: jemalloc in libduckdb.so then takes more locks than the deadlock detector can hold.
	[[ $san = thread && $name = lake_* ]] && deadlocks=0 || deadlocks=1
	TSAN_OPTIONS=${TSAN_OPTIONS:-}:detect_deadlocks=$deadlocks suite "$name" "$out/test/$name"
done
for folder in tests/stream; do
	files=$(find "$folder" -name '*.test' | sort)
	[ "$mode" = all ] && how= || how=--as-written
	[ -z "$files" ] || suite "$(basename "$folder")" "$TARN" test $how $files
done
for example in examples/*/; do
	[ ! -d "$example/tests" ] || [ -z "$(ls "$example/tests")" ] ||
		suite "example-$(basename "$example")" "$TARN" test "$example"
done
for script in tests/cli/*.sh; do
	[[ $mode = quick && $script != */errors.sh ]] || suite "cli-$(basename "$script" .sh)" bash "$script" "$TARN"
done
if [ "$mode" = all ]; then
	for script in tests/stream/*.sh; do
		suite "stream-$(basename "$script" .sh)" bash "$script" "$TARN"
	done
	# Under a sanitizer each takes several times as long.
	suite random tests/random/run --cases "$([ -z "$san" ] && echo 100 || echo 20)" "$TARN"
	for script in tests/recovery/*.sh; do
		suite "recovery-$(basename "$script" .sh)" bash "$script"
	done
	if [ -z "$san" ]; then
		suite interop-run bash tests/interop/run.sh "$out"
	else
		suite interop-run echo "skipped: other programs read what an ordinary build writes
0 passed, 0 failed, 1 skipped"
	fi
fi

[ $skipped = 0 ] || echo "$skipped skipped, see above"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
