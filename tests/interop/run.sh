#!/usr/bin/env bash
# Tables written by tarn are read by deltalake and by Spark with equal rows, and theirs by tarn.
# usage: tests/interop/run.sh [BUILD FOLDER] [deltalake|spark ...]    the last line is "N passed, N failed"
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.."
OUT=${1:-$PWD/build}
shift || true
DEPS=$PWD/build/deps
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
export DELTA_TOOL=$DIR/delta_tool PYTHONDONTWRITEBYTECODE=1

tests/interop/install.sh "${@:-deltalake spark}" || exit 1
make -s "$OUT/lib/base.a" "$OUT/lib/duck.a" "$OUT/lib/lake.a" "$OUT/libduckdb.so" || exit 1
${CC:-gcc} -std=gnu17 -O1 -D_GNU_SOURCE -Isrc -Ibuild/deps/include tests/interop/delta_tool.c -o "$DELTA_TOOL" \
    -Wl,--start-group "$OUT/lib/lake.a" "$OUT/lib/duck.a" "$OUT/lib/base.a" -Wl,--end-group -L"$OUT" \
    -lduckdb -lsimdjson -ljansson -lcrypto -lm -lstdc++ -pthread -Wl,-rpath,"$(cd "$OUT" && pwd)" || exit 1

write() {
    "$DELTA_TOOL" write "$@" || exit 1
}
ours() {
    rm -rf "$DIR/ours"
    local t=$DIR/ours
    write "$t/types" "SELECT i::INT AS i, i::TINYINT AS t, i::SMALLINT AS sm, (i * 4611686018427387)::BIGINT AS b, i * 0.1::FLOAT AS f,
        CASE i WHEN 3 THEN 'nan'::DOUBLE WHEN 4 THEN 'inf'::DOUBLE WHEN 5 THEN -0.0::DOUBLE ELSE i / 7 END AS d,
        (i * 99999999999.123)::DECIMAL(38, 10) AS \"dec\", i % 2 = 0 AS flag, repeat('é' || i, i::INT * 9) AS s, ('x' || i)::BLOB AS bin,
        DATE '1999-12-28' + i::INT AS day, TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_microseconds(i * 777777) AS ts,
        {'a': i, 'b': {'c': 'n' || i}} AS st, [i, NULL, i + 1] AS l, MAP {'k' || i: i} AS m FROM range(10) t(i)"
    write "$t/types" "SELECT NULL::INT AS i, NULL::TINYINT AS t, NULL::SMALLINT AS sm, NULL::BIGINT AS b, NULL::FLOAT AS f, NULL::DOUBLE AS d,
        NULL::DECIMAL(38, 10) AS \"dec\", NULL::BOOLEAN AS flag, NULL::VARCHAR AS s, NULL::BLOB AS bin, NULL::DATE AS day, NULL::TIMESTAMPTZ AS ts,
        NULL::STRUCT(a BIGINT, b STRUCT(c VARCHAR)) AS st, NULL::BIGINT[] AS l, NULL::MAP(VARCHAR, BIGINT) AS m"
    write "$t/parts" "SELECT i::INT AS id, CASE i WHEN 0 THEN NULL WHEN 1 THEN 'Serbia/srb%' WHEN 2 THEN 'a b' WHEN 3 THEN 'é*[x]?' ELSE 'p=' || i END AS p,
        DATE '2024-01-01' + i::INT AS day, (i * 1.5)::DECIMAL(10, 3) AS m, i % 2 = 0 AS flag,
        TIMESTAMPTZ '2024-06-15 12:30:45.5+00' + to_seconds(i) AS ts FROM range(8) t(i)" p day m flag ts
    write "$t/ntz" "SELECT 1 AS id, TIMESTAMP '2024-01-01 10:00:00.000123' AS n UNION ALL SELECT 2, NULL"
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        write "$t/many" "SELECT $i AS id, 'd' || ($i % 3) AS day" day
    done
    "$DELTA_TOOL" overwrite "$t/many" "SELECT 50 AS id, 'n' AS day" || exit 1
    write "$t/many" "SELECT 51 AS id, 'd1' AS day"
    "$DELTA_TOOL" checkpoint "$t/many" || exit 1
    write "$t/many" "SELECT i::INT AS id, 'd' || i % 2 AS day FROM range(100, 105) t(i)"
}

PASSED=0
FAILED=0
note() {
    local line
    line=$(tail -1 "$DIR/log")
    cat "$DIR/log"
    if [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
        PASSED=$((PASSED + BASH_REMATCH[1]))
        FAILED=$((FAILED + BASH_REMATCH[2]))
    else
        FAILED=$((FAILED + 1))
    fi
}
for what in ${*:-deltalake spark}; do
    ours
    if [ "$what" = spark ]; then
        "$DEPS/venv/bin/python" tests/interop/spark_check.py "$DIR" "$DEPS/spark/jars" >"$DIR/log" 2>"$DIR/errors" || tail -5 "$DIR/errors"
    else
        "$DEPS/venv/bin/python" tests/interop/deltalake_check.py "$DIR" >"$DIR/log" 2>"$DIR/errors" || tail -5 "$DIR/errors"
    fi
    note
done
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
