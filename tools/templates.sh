#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/templates.sh: the examples as C table entries {template, path, text} for src/cli/init.c, so
# that `tarn init` writes exactly what is tested. Data, logs and the demo's script stay
# out; a .gitkeep keeps its empty folder. The marks of tests/cli/docs.sh mean nothing to a reader.
set -euo pipefail
cd "$(dirname "$0")/.."

for name in weblogs medallion csv; do
	[ -d "examples/$name" ] || continue
	while IFS= read -r file; do
		printf '    {"%s", "%s",\n' "$name" "${file#examples/"$name"/}"
		sed -e '/^<!-- \(run\|output\) -->$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\t/\\t/g' -e 's/^/     "/' -e 's/$/\\n"/' "$file"
		printf '     ""},\n'
	done < <(find "examples/$name" -type f ! -path '*/expected/*' ! -name demo.sh ! -name '.env' \
		! -name '.gitignore' \( ! -path '*/data/*' ! -path '*/logs/*' -o -name .gitkeep \) | LC_ALL=C sort)
done
