#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/docs.sh: what the documents tell a reader to type works, and what they show is what comes.
# TARN is the program.
#
#     <!-- run -->        the ```sh block below runs with bash -e in a scratch copy of examples/,
#                         which the blocks of one document share, within 60 s
#     <!-- output -->     the fenced block below is exactly what the run block before it printed
#                         (standard output and error together)
#
# The closing summary of `tarn run` holds durations: its lines are not compared, shown or not.
# Each mark is one test; a mark without its block is a failure. Every relative link must lead to a
# file, too. The last line is "N passed, M failed".
set -uo pipefail
tarn=$(realpath "${TARN:?docs.sh needs the program in TARN}")
root=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH=${tarn%/*}:$PATH LC_ALL=C.UTF-8 TZ=UTC
unset TARN_FAULT
passed=0 failed=0

ok() { passed=$((passed + 1)); }
bad() {
	failed=$((failed + 1))
	echo "$1" >&2
}

# run DOCUMENT LINE: the block is in $work/block, what it prints is left in $work/out.
run() {
	local code=0
	(cd "$work/copy" && timeout -k 5 60 bash -e "$work/block") >"$work/out" 2>&1 </dev/null || code=$?
	if [ $code = 0 ]; then
		ok
	else
		bad "$1:$2: the block ended with exit code $code"
		tail -n 20 "$work/out" | sed 's/^/    /' >&2
	fi
}

without_summary() {
	grep -vE '^[^ ]+ +([0-9]+ rows? in, |nothing new|materialized view, )' "$1"
}
compare() {
	if diff -u --label "$1:$2" <(without_summary "$work/block") --label output \
		<(without_summary "$work/out") >"$work/diff"; then
		ok
	else
		bad "$1:$2: the output is another"
		sed 's/^/    /' "$work/diff" >&2
	fi
}

blocks() { # DOCUMENT
	local document=$1 number=0 mark='' inside='' start=0 line
	rm -rf "$work/copy"
	mkdir "$work/copy"
	(cd "$root" && find examples -path '*/data/tables*' -prune -o -path '*/data/checkpoints*' -prune -o \
		-type f \( -name '*.sql' -o -name '*.yml' -o -name '*.test' -o -name '*.sh' -o -name .gitkeep \) \
		-exec cp --parents {} "$work/copy" \;)
	while IFS= read -r line || [ -n "$line" ]; do
		number=$((number + 1))
		if [ -n "$inside" ]; then
			if [ "$line" != '```' ]; then
				printf '%s\n' "$line" >>"$work/block"
				continue
			fi
			[ "$inside" = run ] && run "$document" $start
			[ "$inside" = output ] && compare "$document" $start
			inside=''
		elif [[ $line == '```'* ]]; then
			: >"$work/block"
			start=$number inside=${mark:-other}
			[ "$mark" != run ] || [ "$line" = '```sh' ] || bad "$document:$number: <!-- run --> wants \`\`\`sh"
			mark=''
		elif [[ $line =~ ^'<!-- '(run|output)' -->'$ ]]; then
			[ -z "$mark" ] || bad "$document:$number: the mark above has no block"
			mark=${BASH_REMATCH[1]}
		elif [ -n "$line" ] && [ -n "$mark" ]; then
			bad "$document:$number: text between a mark and its block"
			mark=''
		fi
	done <"$root/$document"
	[ -z "$inside$mark" ] || bad "$document: a block or mark at the end is not finished"
}

links() { # DOCUMENT
	local target
	while IFS= read -r target; do
		if [ -e "$root/$(dirname "$1")/$target" ]; then ok; else bad "$1: no file for the link $target"; fi
	done < <(sed '/^```/,/^```$/d' "$root/$1" | grep -oE '\]\([^)#]+' | cut -c3- | grep -vE '^[a-z]+:')
}

cd "$root" || exit 1
for document in README.md examples/*/README.md docs/*.md docs/guide/*.md; do
	[ -e "$document" ] || continue
	blocks "$document"
	links "$document"
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
