#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/lint.sh: what STYLE.md promises and a script can check. Prints file:line: text for each
# violation and their number; exit code 1 when there is one. Needs universal-ctags for the lengths
# of functions and build/obj for the names of symbols; says so when one is missing.
set -uo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
shopt -s nullglob

violations=$(mktemp)
trap 'rm -f "$violations"' EXIT
report() { cat >>"$violations"; }

sources=(src/*/*.[ch] src/*/*.cc)
tests=(tests/unit/*.[ch] tests/fuzz/*.c)
all=("${sources[@]}" "${tests[@]}")
# Every text file of the repository, also those not committed yet.
files=()
while IFS= read -r file; do
	[ -f "$file" ] && files+=("$file")
done < <(git ls-files --cached --others --exclude-standard 2>/dev/null || find . -type f -not -path './build/*')

# Code without comments and without the text of string literals, line by line, for word searches.
stripped() {
	awk '{
		line = $0
		gsub(/\\\\/, "", line); gsub(/\\"/, "", line); gsub(/\047.\047/, "0", line)
		gsub(/"[^"]*"/, "\"\"", line); sub(/\/\/.*/, "", line)
		print FILENAME ":" FNR ": " line
	}' "$@"
}

# ---- layers: includes point down only -------------------------------------------------------
layers() {
	awk '
	BEGIN {
		may["base"] = "base"
		may["duck"] = "duck base"
		may["sql"] = "sql duck base"
		may["state"] = "state duck base"
		may["lake"] = "lake sql duck base"
		may["stream"] = "stream state sql duck base"
		may["connector"] = "connector stream lake state sql duck base"
		may["engine"] = "engine connector stream lake state sql duck base"
		may["server"] = "server engine duck sql base"
		may["cli"] = "cli server engine connector stream lake state sql duck base"
		# Foreign headers that only some files may see (files by regular expression).
		only["duckdb.h"] = "^src/duck/"
		only["simdjson.h"] = "^src/duck/"
		only["yaml.h"] = "^src/engine/project_yaml\\.c$"
		only["sqlite3.h"] = "^src/engine/history\\.c$"
		only["openssl"] = "^src/((lake|connector|base)/[a-z_0-9]*|sql/prelude_hash)\\.c$"
		only["jansson.h"] = "\\.c$"
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split(FILENAME, path, "/"); split($0, quoted, "\""); split(quoted[2], target, "/")
		if (index(quoted[2], "/") == 0) next
		if (index(" " may[path[2]] " ", " " target[1] " ") == 0)
			print FILENAME ":" FNR ": " path[2] "/ may not include " quoted[2] " (layers point down)"
	}
	/^[ \t]*#[ \t]*include[ \t]*</ {
		match($0, /<[^>]*>/); name = substr($0, RSTART + 1, RLENGTH - 2)
		key = name; sub(/\/.*/, "", key)
		if (key in only && FILENAME !~ only[key])
			print FILENAME ":" FNR ": <" name "> may not be included here"
	}' "${sources[@]}"
}

# ---- sizes ---------------------------------------------------------------------------------
sizes() {
	awk '
	function check() {
		limit = file ~ /\.h$/ ? 150 : 800
		if (file ~ /^tests\//) limit = 1500
		if (file ~ /sql\/ast\.h$/) limit = 600
		if (file ~ /duck\/duck\.h$/) limit = 250
		if (file != "" && lines > limit) print file ":" lines ": longer than " limit " lines"
	}
	FNR == 1 { check(); file = FILENAME }
	{
		lines = FNR; text = $0
		gsub(/[\200-\277]/, "", text) # bytes that continue a UTF-8 character
		if (length(text) > 100) print FILENAME ":" FNR ": wider than 100 columns"
	}
	/[ \t]$/ { print FILENAME ":" FNR ": ends in a space" }
	/\t/ { print FILENAME ":" FNR ": holds a tab" }
	END { check() }' "${all[@]}"
	if command -v ctags >/dev/null && ctags --version 2>/dev/null | grep -q Universal; then
		ctags -o - --languages=C,C++ --kinds-C=f --kinds-C++=f --fields=ne "${sources[@]}" |
			awk -F'\t' '{
				start = end = 0
				for (i = 4; i <= NF; i++) {
					if ($i ~ /^line:/) start = substr($i, 6)
					if ($i ~ /^end:/) end = substr($i, 5)
				}
				if (end - start + 1 > 70)
					print $2 ":" start ": " $1 " has " end - start + 1 " lines (70)"
			}'
	else
		echo "lint: universal-ctags is not installed: lengths of functions are not checked" >&2
	fi
}

# ---- words ---------------------------------------------------------------------------------
banned='strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|strtok_r|localtime|gmtime|localtime_r|gmtime_r|ctime|asctime|mktime|time|sleep|usleep|nanosleep|system|popen|alloca|tmpnam|mktemp|setjmp|longjmp|gettimeofday'
words() {
	# A banned call: the name as a word of its own, then "(", not a member and not a declaration.
	stripped "${all[@]}" | awk -v banned="$banned" '
	{
		text = $0; sub(/^[^:]*:[0-9]*: /, "", text); place = substr($0, 1, length($0) - length(text))
		if (match(text, "(^|[^A-Za-z0-9_.>])(" banned ")[ ]*\\(")) {
			call = substr(text, RSTART, RLENGTH); gsub(/[^A-Za-z_]/, "", call)
			if (call != "popen" || place !~ /^tests\//) print place "banned call: " call
		}
		if (text ~ /(^|[^A-Za-z0-9_])clock_gettime[ ]*\(/ && place !~ /^src\/base\/clock\.c:/)
			print place "clock_gettime belongs to base/clock.c"
		if (text ~ /(^|[^A-Za-z0-9_])assert\([^;]*(\+\+|--|[^=!<>]=[^=])/)
			print place "assert with a side effect"
	}'
	# Unfinished work. The words are put together so that this file does not find itself.
	local unfinished="TO""DO|FIX""ME|XX""X|HA""CK|stub""bed|not impl""emented"
	grep -nHIE "(^|[^A-Za-z0-9_])($unfinished)([^A-Za-z0-9_]|$)" "${files[@]}" |
		grep -v '^LICENSE:' | grep -v '^package-lock.json:' |
		sed -E 's/^([^:]*:[0-9]*):.*/\1: unfinished: say it in an issue instead/'
	# Machine paths and registries: a clone must not depend on where it was written.
	local places="(^|[^A-Za-z0-9_.}])/(ro""ot/|ho""me/[a-z]|wo""rk/|tm""p/bash)|registry[.]np""mjs|files[.]python""hosted|repo1[.]mav""en|proxy[.]go""lang|artif""actory"
	grep -nHIE "$places" "${files[@]}" | grep -v '^package-lock.json:' |
		sed -E 's/^([^:]*:[0-9]*):.*/\1: names a machine path or a registry host/'
	for file in "${sources[@]}" "${tests[@]}"; do
		grep -q 'SPDX-License-Identifier: Apache-2.0' "$file" || echo "$file:1: no SPDX-License-Identifier line"
	done
	for file in src/*/*.h tests/unit/*.h; do
		grep -q '^#pragma once' "$file" || echo "$file:1: no #pragma once"
	done
}

# ---- names of external symbols: <file>_verb or <folder>_verb ----------------------------------
# Words that a file may use beside its own stem and folder: the type it is about. Keep it short.
declare -A also=(
	[base/arena]="arena" [base/log]="log secret" [base/map]="map text hash" [base/error]="error fail"
	[base/clock]="clock time" [base/crc32c]="crc32c" [base/type]="type schema"
	[engine/control]="control instance" [sql/diagnostic]="diagnose diagnostics"
	[stream/option]="options" [connector/source_script]="script"
)
symbols() {
	local objects=(build/obj/*/*.o)
	if [ ${#objects[@]} -eq 0 ]; then
		echo "lint: nothing is built: names of symbols are not checked" >&2
		return
	fi
	# One nm for all objects: "file: symbol type ..." lines. A header's stem counts for the files of its
	# folder, so that foo.h may be implemented by foo_parse.c and foo_print.c.
	local headers
	headers=$(printf '%s\n' src/*/*.h | sed -E 's#src/([^/]*)/([^/]*)\.h#\1 \2#')
	local extra=""
	for key in "${!also[@]}"; do extra+="$key ${also[$key]}"$'\n'; done
	nm -A -g --defined-only -f posix "${objects[@]}" 2>/dev/null |
		awk -v headers="$headers" -v extra="$extra" '
		BEGIN {
			n = split(headers, rows, "\n")
			for (i = 1; i <= n; i++) { split(rows[i], c, " "); stems[c[1]] = stems[c[1]] " " c[2] }
			n = split(extra, rows, "\n")
			for (i = 1; i <= n; i++) { p = index(rows[i], " "); if (p) more[substr(rows[i], 1, p - 1)] = substr(rows[i], p + 1) }
		}
		{
			object = $1; sub(/:$/, "", object); sub(/\[.*/, "", object)
			source = object; sub(/^build\/obj\//, "src/", source); sub(/\.o$/, "", source)
			split(source, path, "/"); folder = path[2]; stem = path[3]; sub(/\.(c|cc)$/, "", stem)
			name = $2
			if (name == "main" || name ~ /^_Z|^__|^DW\.ref/ || source ~ /\.cc$/ || (getline line < source) < 0) next
			close(source)
			ok = begins(name, folder) || begins(name, stem)
			m = split(stems[folder] " " more[folder "/" stem], list, " ")
			for (i = 1; i <= m && !ok; i++) ok = begins(name, list[i])
			if (!ok) print source ":1: the external name " name " begins with neither " stem "_ nor " folder "_"
		}
		function begins(text, word) {
			if (substr(text, 1, length(word) + 1) == word "_" || text == word) return 1
			# delta_log.c may say delta_*; queries.c may say query_*.
			sub(/_[a-z0-9]*$/, "", word)
			return length(word) > 2 && substr(text, 1, length(word) + 1) == word "_"
		}'
}

# ---- fault points: each is declared once and used by a test ------------------------------------
faults() {
	local declared used
	declared=$(sed -n '/fault_points\[\]/,/};/p' src/base/fault.c | grep -oE '"[a-z_.]+"' | tr -d '"' | sort -u)
	used=$(grep -hoE '^[^/]*FAULT\("[a-z_.]+"' "${sources[@]}" | sed -E 's/.*"([^"]*)"/\1/' | sort -u)
	comm -13 <(echo "$declared") <(echo "$used") | sed '/^$/d; s/^/src\/base\/fault.c:1: no such fault point in fault_points: /'
	comm -23 <(echo "$declared") <(echo "$used") | sed '/^$/d; s/^/src\/base\/fault.c:1: no code has the fault point /'
	local point
	for point in $used; do
		grep -rqF -- "$point" tests examples 2>/dev/null ||
			echo "$(grep -nF "FAULT(\"$point\")" "${sources[@]}" | head -1 | cut -d: -f1,2): no test uses the fault point $point"
	done
}

layers | report
sizes | report
words | report
symbols | report
faults | report

sort -u "$violations" | sort -s -t: -k1,1 -k2,2n
count=$(sort -u "$violations" | wc -l)
echo "lint: $count violations in ${#all[@]} source files"
[ "$count" -eq 0 ]
