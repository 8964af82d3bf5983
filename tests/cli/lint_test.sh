#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/lint_test.sh: tools/lint.sh finds one of each kind of violation, and nothing in a clean
# tree. The last line is "N passed, N failed".
set -uo pipefail
here=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools" "$work/src/base" "$work/src/engine" "$work/tests/unit" "$work/build/obj/base"
cp "$here/tools/lint.sh" "$work/tools/"
cd "$work"
git init -q .
passed=0 failed=0
has() {
	if grep -qE -- "$1" out; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "lint_test.sh:${BASH_LINENO[0]}: lint does not say: $1" >&2
	fi
}

cat >src/base/fault.c <<'C'
// SPDX-License-Identifier: Apache-2.0
const char *const fault_points[] = {
    "good.point",
    "lost.point",
};
C
cat >src/base/good.c <<'C'
// strcpy( in a comment, and a time(0) that is none of ours
// SPDX-License-Identifier: Apache-2.0
#include "base/base.h"
#include <jansson.h>
void good_run(void)
{
    say("strcpy(a, b)");
    row.time(3);
    event_time(4);
    FAULT("good.point");
}
C
echo '# good.point lost.point' >tests/points
sed -i '/lost.point/d' src/base/fault.c
tools/lint.sh >out 2>&1
has '^lint: 0 violations'

sed -i 's/    "good.point",/&\n    "lost.point",/' src/base/fault.c
rm tests/points
cat >src/base/bad.c <<'C'
#include "duck/duck.h"
#include <duckdb.h>
#include <yaml.h>
#include <sqlite3.h>
void bad_run(void)
{
    strcpy(a, "x");
    sleep(1);
    clock_gettime(0, 0);
    assert(i++ < 3);
    FAULT("other.point");
	tab();
    spaces(); 
}
C
printf '#include <jansson.h>\n' >src/engine/bad.h
{
	printf '// SPDX-License-Identifier: Apache-2.0\nvoid long_run(void)\n{\n'
	for _ in $(seq 800); do echo '    x();'; done
	printf '}\n// FIX%s\n// /ro%s/x\n// %0100d\n' ME ot 0
} >src/base/long.c
printf 'int bad_ok(void) { return 1; }\nint other(void) { return 2; }\n' >body.c
"${CC:-gcc}" -c body.c -o build/obj/base/bad.c.o
tools/lint.sh >out 2>&1 && echo 'lint_test.sh: lint ended with 0' >&2 && failed=$((failed + 1))
has 'bad.c:1: base/ may not include duck/duck.h'
has 'bad.c:1: no SPDX'
has 'bad.c:1: the external name other '
has 'bad.c:2: <duckdb.h>'
has 'bad.c:3: <yaml.h>'
has 'bad.c:4: <sqlite3.h>'
has 'bad.c:7: banned call: strcpy'
has 'bad.c:8: banned call: sleep'
has 'bad.c:9: clock_gettime'
has 'bad.c:10: assert with a side effect'
has 'bad.c:12: holds a tab'
has 'bad.c:13: ends in a space'
has 'bad.h:1: <jansson.h>'
has 'bad.h:1: no #pragma once'
has 'fault.c:1: no such fault point in fault_points: other.point'
has 'fault.c:1: no code has the fault point lost.point'
has 'good.c:10: no test uses the fault point good.point'
has 'long.c:2: long_run has 80[0-9] lines'
has 'long.c:80[0-9]: unfinished'
has 'long.c:80[0-9]: names a machine path'
has 'long.c:80[0-9]: wider than 100 columns'
has 'long.c:80[0-9]: longer than 800 lines'
has '^lint: 24 violations'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
