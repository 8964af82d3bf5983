#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/cli/deps.sh: tools/deps.sh fetches what is pinned, once, and compiles librdkafka only when its
# version is another; what is wrong is told. The registry is a folder of small packages made here, so
# nothing is downloaded. The last line is "N passed, N failed".
set -uo pipefail
here=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools" "$work/bin" "$work/registry"
cp "$here/tools/deps.sh" "$work/tools/"
cd "$work"
export PATH=$work/bin:$PATH
unset DUCKDB_DIR
passed=0 failed=0
check() { # WHAT IS EXPECTED, as bash understands it
	if eval "$1"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "deps.sh:${BASH_LINENO[0]}: not so: $1" >&2
		sed 's/^/    /' out >&2
	fi
}
deps() { # COMMAND: its messages are in out, its exit code in code
	code=0
	tools/deps.sh "$1" >out 2>&1 || code=$?
}
says() { [ "$(cat out)" = "$1" ]; }

# npm pack for packages of that folder: @scope/name@1.2 is scope-name-1.2.tgz.
cat >bin/npm <<'SH'
#!/usr/bin/env bash
name=${!#}
name=${name#@}
name=${name//\//-}
name=${name%@*}-${name##*@}.tgz
[ -f ../../../registry/"$name" ] || { echo "npm error 404 no such package: ${!#}" >&2; exit 1; }
cp ../../../registry/"$name" . && echo "$name"
SH
chmod +x bin/npm

# publish NAME TARBALL VERSION: packs what is in package/ and pins it.
publish() {
	tar -czf "registry/$2-$3.tgz" package
	node - "$1" "$3" "registry/$2-$3.tgz" <<'JS'
const fs = require('fs'), crypto = require('crypto');
const [name, version, file] = process.argv.slice(2);
const lock = fs.existsSync('package-lock.json') ? JSON.parse(fs.readFileSync('package-lock.json')) : {packages: {}};
const sum = crypto.createHash('sha512').update(fs.readFileSync(file)).digest('base64');
lock.packages['node_modules/' + name] = {version, integrity: 'sha512-' + sum};
fs.writeFileSync('package-lock.json', JSON.stringify(lock));
JS
	rm -rf package
}
duckdb() { # VERSION
	mkdir -p package/src/duckdb/src/include
	echo "library $1" >package/libduckdb.so
	publish @duckdb/node-bindings-linux-x64 duckdb-node-bindings-linux-x64 "$1"
	mkdir -p package/src/duckdb/src/include
	echo "header $1" >package/src/duckdb/src/include/duckdb.h
	publish duckdb duckdb "$1"
}
kafka() { # VERSION PARTS: a library whose configure finds these parts
	local source=package/deps/librdkafka
	mkdir -p $source/src
	printf 'for part in %s; do echo "#define WITH_$part 1"; done >config.h\n' "$2" >$source/configure
	sed -i '1i #!/bin/bash' $source/configure
	chmod +x $source/configure
	printf 'librdkafka.a:\n\techo "archive %s $(CFLAGS)" >$@\n' "$1" >$source/src/Makefile
	echo "// version $1" | tee $source/src/rdkafka.h >$source/src/rdkafka_mock.h
	publish @confluentinc/kafka-javascript confluentinc-kafka-javascript "$1"
}
parts="ZLIB ZSTD LZ4_EXT SSL SASL_SCRAM"

duckdb 1.0
deps build
check '[ $code = 0 ]'
check '[ "$(cat build/deps/lib/libduckdb.so build/deps/include/duckdb.h)" = "library 1.0
header 1.0" ]'
deps build
check '[ $code = 0 ] && says ""'
duckdb 1.1
deps build
check 'says "deps: fetching @duckdb/node-bindings-linux-x64 1.1
deps: fetching duckdb 1.1"'
check '[ "$(cat build/deps/lib/libduckdb.so)" = "library 1.1" ]'

# The compiler flags of the caller are not librdkafka's.
kafka 1.0 "$parts"
CFLAGS=-fsanitize=thread deps librdkafka
check '[ $code = 0 ]'
check 'says "deps: fetching @confluentinc/kafka-javascript 1.0
deps: compiling librdkafka (once; a minute or so, with the lowest priority)"'
check '[ "$(cat build/deps/lib/librdkafka.a)" = "archive 1.0 " ]'
check '[ "$(cat build/deps/include/librdkafka/rdkafka.h)" = "#pragma GCC system_header
// version 1.0" ]'
check '[ ! -e build/deps/librdkafka.new ]'
deps librdkafka
check '[ $code = 0 ] && says ""'

# Two at once: one compiles, the other waits and finds it done.
kafka 1.1 "$parts"
tools/deps.sh librdkafka >first 2>&1 &
deps librdkafka
wait
check '[ $code = 0 ] && [ "$(cat out first | grep -c compiling)" = 1 ]'
check '[ "$(cat build/deps/lib/librdkafka.a)" = "archive 1.1 " ]'

# A failure leaves what was there, and the next call tries again.
kafka 1.2 "${parts/ZSTD/}"
deps librdkafka
check '[ $code = 3 ]'
check 'says "deps: fetching @confluentinc/kafka-javascript 1.2
deps: compiling librdkafka (once; a minute or so, with the lowest priority)
configure found no ZSTD
deps: librdkafka does not compile; all that was said is in build/deps/librdkafka.log"'
check '[ "$(cat build/deps/lib/librdkafka.a)" = "archive 1.1 " ]'
deps librdkafka
check '[ $code = 3 ]'

echo damage >>registry/confluentinc-kafka-javascript-1.2.tgz
deps librdkafka
check '[ $code = 2 ]'
check 'says "deps: fetching @confluentinc/kafka-javascript 1.2
deps: @confluentinc/kafka-javascript 1.2: its checksum is not the one in package-lock.json; nothing of it is used"'
check '[ ! -e build/deps/librdkafka.new ]'

rm registry/confluentinc-kafka-javascript-1.2.tgz
deps librdkafka
check '[ $code = 3 ]'
check 'says "deps: fetching @confluentinc/kafka-javascript 1.2
npm error 404 no such package: @confluentinc/kafka-javascript@1.2
deps: @confluentinc/kafka-javascript 1.2: npm cannot fetch it; is the network reachable?"'

deps everything
check '[ $code = 2 ] && says "usage: tools/deps.sh build|librdkafka|check"'

echo "$passed passed, $failed failed"
[ $failed = 0 ]
