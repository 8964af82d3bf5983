#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/deps.sh build | librdkafka | check: installs what is missing, nothing else.
#   build        what `make` and `make demo` need: Debian packages, libduckdb with its header
#   librdkafka   the static library and its headers, compiled from source: a minute and a half of
#                processor time, which is why it is a step of its own that gives way to others
#   check        what only the tests need on top (Python readers, Java); kept apart so that a
#                newcomer's demo stays small
# Packages come from apt (as root or with sudo; otherwise the command is printed). npm packages are
# fetched by exact version, checked against the sha512 in package-lock.json, and only the files named
# here are taken out of them; none of their scripts runs, none of their dependencies is fetched.
# Everything lands in build/deps; build/deps/from says which version a file came from, so that it is
# made again when package-lock.json names another. Calls at the same time wait for each other.
# DUCKDB_DIR=/path uses an official DuckDB release (libduckdb.so, duckdb.h) instead.
set -euo pipefail
cd "$(dirname "$0")/.."
deps=$PWD/build/deps
mkdir -p "$deps/lib" "$deps/include" "$deps/from"

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

# pinned PACKAGE: "PACKAGE VERSION INTEGRITY" as package-lock.json has it.
pinned() {
	node -p "const p=require('./package-lock.json').packages['node_modules/$1']; '$1 '+p.version+' '+p.integrity"
}

# is_from WHAT PIN FILE: whether FILE is there and was made from this pin.
is_from() { [ -s "$3" ] && [ "$(cat "$deps/from/$1" 2>/dev/null)" = "$2" ]; }

# npm_unpack PIN FOLDER FILE: what the pinned package has as FILE (or folder), under FOLDER/package.
npm_unpack() {
	local package version integrity tarball sum
	read -r package version integrity _ <<<"$1"
	say "fetching $package $version"
	rm -rf "$2" && mkdir -p "$2"
	tarball=$(cd "$2" && npm pack --silent --ignore-scripts "$package@$version" 2>npm.log | tail -n 1) || {
		tail -n 3 "$2/npm.log" >&2
		say "$package $version: npm cannot fetch it; is the network reachable?"
		exit 3
	}
	sum="sha512-$(openssl dgst -sha512 -binary "$2/$tarball" | base64 -w 0)"
	[ "$sum" = "$integrity" ] || {
		rm -rf "$2"
		say "$package $version: its checksum is not the one in package-lock.json; nothing of it is used"
		exit 2
	}
	tar -xmzf "$2/$tarball" -C "$2" "package/$3"
}

# npm_file PACKAGE FILE TARGET: one file out of a pinned npm package.
npm_file() {
	local pin name=${3##*/}
	pin=$(pinned "$1")
	is_from "$name" "$pin" "$3" && return 0
	npm_unpack "$pin" "$deps/$name.new" "$2"
	mv "$deps/$name.new/package/$2" "$3"
	rm -rf "$deps/$name.new"
	echo "$pin" >"$deps/from/$name"
}

# Left out: Kerberos and curl (token fetching), which would pull in libraries that most never use;
# C11's threads, because ThreadSanitizer knows only those of pthread and crashes in others.
librdkafka_options=(--disable-gssapi --disable-curl --disable-syslog --disable-c11threads
	--disable-debug-symbols)
librdkafka_parts=(ZLIB ZSTD LZ4_EXT SSL SASL_SCRAM)

# librdkafka_compile FOLDER: configure and make, in an environment without this make's variables
# (CC, CFLAGS, the flags of a sanitizer). Its log stays outside: configure takes every file there
# whose name begins with "configure." for a script of its own.
librdkafka_compile() (
	cd "$1" || exit
	clean=(env -i PATH="$PATH" TMPDIR="${TMPDIR:-/tmp}" nice -n 19)
	"${clean[@]}" ./configure "${librdkafka_options[@]}" || exit
	for part in "${librdkafka_parts[@]}"; do
		grep -q "^#define WITH_$part 1" config.h || { echo "configure found no $part"; exit 1; }
	done
	"${clean[@]}" make -C src -j"$(nproc)" librdkafka.a
)

librdkafka() {
	local pin work=$deps/librdkafka.new library=$deps/lib/librdkafka.a source
	pin="$(pinned @confluentinc/kafka-javascript) ${librdkafka_options[*]}"
	is_from librdkafka.a "$pin" "$library" && return 0
	npm_unpack "$pin" "$work" deps/librdkafka
	source=$work/package/deps/librdkafka
	say "compiling librdkafka (once; a minute or so, with the lowest priority)"
	librdkafka_compile "$source" >"$deps/librdkafka.log" 2>&1 || {
		tail -n 5 "$deps/librdkafka.log" >&2
		say "librdkafka does not compile; all that was said is in build/deps/librdkafka.log"
		exit 3
	}
	# Its headers do not compile under -Wextra: the pragma says whose they are. (-isystem would say so
	# too, but then nothing is compiled again when they change.)
	mkdir -p "$deps/include/librdkafka"
	for header in rdkafka.h rdkafka_mock.h; do
		sed '1i #pragma GCC system_header' "$source/src/$header" >"$deps/include/librdkafka/$header"
	done
	mv "$source/src/librdkafka.a" "$library"
	rm -rf "$work"
	echo "$pin" >"$deps/from/librdkafka.a"
}

# Another make in this checkout may be at it already.
case "${1:-}" in
build | librdkafka)
	exec 9>"$deps/lock.$1"
	flock 9
	;;
esac

case "${1:-}" in
build)
	apt_install gcc g++ make libsimdjson-dev libjansson-dev libyaml-dev libsqlite3-dev libssl-dev openssl \
		zlib1g-dev liblz4-dev libzstd-dev
	if [ -n "${DUCKDB_DIR:-}" ]; then
		cp "$DUCKDB_DIR/libduckdb.so" "$deps/lib/" && cp "$DUCKDB_DIR/duckdb.h" "$deps/include/"
		rm -f "$deps/from/libduckdb.so" "$deps/from/duckdb.h"
	else
		npm_file @duckdb/node-bindings-linux-x64 libduckdb.so "$deps/lib/libduckdb.so"
		npm_file duckdb src/duckdb/src/include/duckdb.h "$deps/include/duckdb.h"
	fi
	;;
librdkafka)
	librdkafka
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
	echo "usage: tools/deps.sh build|librdkafka|check" >&2
	exit 2
	;;
esac
