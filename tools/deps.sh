#!/usr/bin/env bash
# tools/deps.sh build | check: installs what is missing, nothing else.
#   build   what `make` and `make demo` need: Debian packages, libduckdb with its header
#   check   what only the tests need on top (Python readers, Java); kept apart so that a newcomer's
#           demo stays small
# Packages come from apt (as root or with sudo; otherwise the command is printed). npm packages are
# fetched by exact version, checked against the sha512 in package-lock.json, and only the library
# and the header are taken out of them; none of their scripts runs. Everything lands in build/deps.
# DUCKDB_DIR=/path uses an official DuckDB release (libduckdb.so, duckdb.h) instead.
set -euo pipefail
cd "$(dirname "$0")/.."
deps=$PWD/build/deps
mkdir -p "$deps/lib" "$deps/include"

say() { printf 'deps: %s\n' "$*" >&2; }

apt_install() {
	local missing=()
	for p in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	local root=()
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || { say "please install as root: apt-get install ${missing[*]}"; exit 2; }
		root=(sudo)
	fi
	say "installing ${missing[*]}"
	"${root[@]}" apt-get update -qq
	DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$deps/apt.log" 2>&1 ||
		{ tail -n 5 "$deps/apt.log" >&2; exit 3; }
}

# npm_file PACKAGE FILE TARGET: one file out of a pinned npm package.
npm_file() {
	local package=$1 file=$2 target=$3
	[ -s "$target" ] && return 0
	local pin version integrity tarball
	pin=$(node -p "const p=require('./package-lock.json').packages['node_modules/$package']; p.version+' '+p.integrity")
	version=${pin%% *} integrity=${pin#* }
	say "fetching $package $version"
	mkdir -p "$deps/npm"
	tarball=$(cd "$deps/npm" && npm pack --silent --ignore-scripts "$package@$version" 2>/dev/null | tail -n 1)
	local sum="sha512-$(openssl dgst -sha512 -binary "$deps/npm/$tarball" | base64 -w 0)"
	[ "$sum" = "$integrity" ] || { say "$package $version: checksum differs from package-lock.json"; exit 2; }
	tar -xzf "$deps/npm/$tarball" -C "$deps/npm" "package/$file"
	mv "$deps/npm/package/$file" "$target.new" && mv "$target.new" "$target"
	rm -rf "$deps/npm"
}

case "${1:-}" in
build)
	apt_install gcc g++ make libsimdjson-dev libjansson-dev libyaml-dev libsqlite3-dev libssl-dev openssl
	if [ -n "${DUCKDB_DIR:-}" ]; then
		cp "$DUCKDB_DIR/libduckdb.so" "$deps/lib/" && cp "$DUCKDB_DIR/duckdb.h" "$deps/include/"
	else
		npm_file @duckdb/node-bindings-linux-x64 libduckdb.so "$deps/lib/libduckdb.so"
		npm_file duckdb src/duckdb/src/include/duckdb.h "$deps/include/duckdb.h"
	fi
	;;
check)
	command -v ctags >/dev/null && ctags --version | grep -q Universal || apt_install universal-ctags
	command -v python3 >/dev/null || apt_install python3
	python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
	command -v java >/dev/null || apt_install default-jre-headless
	command -v mvn >/dev/null || apt_install maven
	command -v unzip >/dev/null || apt_install unzip
	;;
*)
	echo "usage: tools/deps.sh build|check" >&2
	exit 2
	;;
esac
