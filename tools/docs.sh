#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/docs.sh TARN: writes the reference pages that come from tables in the code: docs/commands.md,
# docs/settings.md and docs/connectors/<kind>_<name>.md. Pages of types that are gone are removed.
set -euo pipefail
cd "$(dirname "$0")/.."
tarn=${1:?usage: tools/docs.sh TARN}
note='<!-- made by `make docs` from the tables in src: change those -->'

page() { # FILE WORDS...
	local file=$1
	shift
	{ printf '%s\n' "$note"; "$tarn" docs "$@"; } >"$file.new"
	mv "$file.new" "$file"
	echo "$file"
}

mkdir -p docs/connectors
page docs/commands.md commands
page docs/settings.md settings
rm -f docs/connectors/{source,sink}_*.md
while read -r kind name; do
	page "docs/connectors/${kind}_$name.md" "$kind" "$name"
done < <("$tarn" docs)
