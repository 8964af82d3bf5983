#!/bin/sh
# Each tests/fuzz/*_fuzz.c under libFuzzer and AddressSanitizer for ${FUZZ_SECONDS:-60} seconds.
#
#   tests/fuzz/run.sh [NAME ...]      NAME without _fuzz.c; all when none is given
#
# A fuzzer says in its first line which layers of src/ it needs ("// layers: base duck"). Seeds are
# in tests/fuzz/corpus/NAME; what is found grows in build/fuzz/corpus/NAME. A crash is written to
# build/fuzz/crashes and becomes a unit test.
# Leaks are the unit tests' business (make check SAN=address): a fuzzer keeps its Duck to the end.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."

CC=${CC:-clang-14}
CXX=${CXX:-clang++-14}
OUT=build/fuzz
FLAGS="-g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address -pthread -D_GNU_SOURCE
       -Isrc -Ibuild/deps/include"
LIBS="-lduckdb -lsimdjson -ljansson -lyaml -lsqlite3 -lcrypto -lm -lstdc++"

command -v "$CC" >/dev/null || { echo "tests/fuzz/run.sh: $CC is missing: apt-get install clang-14"; exit 2; }
[ -e build/libduckdb.so ] || make build/libduckdb.so >/dev/null

# compile SOURCE OBJECT: again only when the source or any header is newer.
compile() {
    mkdir -p "$(dirname "$2")"
    if [ -e "$2" ] && [ -z "$(find "$1" src -newer "$2" \( -path "$1" -o -name '*.h' \) -print -quit)" ]; then
        return
    fi
    case $1 in
    *.cc) "$CXX" -std=gnu++17 -fno-exceptions $FLAGS -c "$1" -o "$2" ;;
    *) "$CC" -std=gnu17 $FLAGS -DTARN_VERSION='"fuzz"' -c "$1" -o "$2" ;;
    esac
}

build() {
    objects=
    for layer in $(sed -n '1s|^// layers: ||p' "tests/fuzz/$1_fuzz.c"); do
        for source in src/"$layer"/*.c src/"$layer"/*.cc; do
            [ -e "$source" ] || continue
            compile "$source" "$OUT/obj/$source.o"
            objects="$objects $OUT/obj/$source.o"
        done
    done
    compile "tests/fuzz/$1_fuzz.c" "$OUT/obj/$1_fuzz.o"
    "$CC" -fsanitize=fuzzer,address -pthread "$OUT/obj/$1_fuzz.o" $objects -Lbuild $LIBS \
        -Wl,-rpath,"$PWD/build" -o "$OUT/$1"
}

[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls ./*_fuzz.c | sed 's|^./||; s|_fuzz.c$||')
failed=0
for name in "$@"; do
    echo "== $name: ${FUZZ_SECONDS:-60} s"
    build "$name"
    mkdir -p "$OUT/corpus/$name" "$OUT/crashes" "tests/fuzz/corpus/$name"
    if ! ASAN_OPTIONS=detect_leaks=0 "$OUT/$name" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=20 \
        -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="$OUT/crashes/$name-" \
        "$OUT/corpus/$name" "tests/fuzz/corpus/$name" >"$OUT/$name.log" 2>&1; then
        failed=1
        tail -40 "$OUT/$name.log"
        echo "== $name: FAILED, see $OUT/$name.log"
    else
        grep -E 'number_of_executed_units|peak_rss' "$OUT/$name.log"
    fi
done
exit $failed
