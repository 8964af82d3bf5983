#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Joins of two streams with random rows, conditions, batches and restarts, beside the same join as a batch.

    TARN=build/tarn random_joins.py [CASES [SEED]]

Each case becomes a .test file, which `tarn test` also runs with its permutations. The watermark waits long enough
that no row is late; two rows far ahead then close everything, so that rows without a match must have come out, too.
A join in full of NULL keys is Spark's on streams: they are equal. The last line is "N passed, N failed"."""
import os
import random
import subprocess
import sys
import tempfile

TARN = os.path.realpath(os.environ["TARN"])
KINDS = {"JOIN": "av, ak, bv, bk", "LEFT JOIN": "av, ak, bv, bk", "RIGHT JOIN": "av, ak, bv, bk",
         "FULL JOIN": "av, ak, bv, bk", "LEFT SEMI JOIN": "av, ak"}
BOUNDS = {  # usable for every kind, on both sides
    "both": ["b.ts BETWEEN a.ts AND a.ts + INTERVAL 20 SECONDS",
             "b.ts >= a.ts - INTERVAL 7 SECONDS AND b.ts < a.ts + INTERVAL 13 SECONDS",
             "a.ts - b.ts <= INTERVAL 5 SECONDS AND b.ts - INTERVAL 30 SECONDS < a.ts",
             "b.ts = a.ts"],
    "inner": ["true", "b.ts > a.ts", "b.ts + INTERVAL 9 SECONDS <= a.ts"]}
REST = ["", "", " AND av % 3 <> bv % 3", " AND av + bv > 20"]


def literal(row, pad):
    key, second, value = row
    return "(%s, TIMESTAMP '2024-01-01 00:%02d:%02d', %d, %s)" % (
        "CAST(NULL AS STRING)" if key is None else "'%s'" % key, second // 60, second % 60, value,
        "'%s'" % pad if pad else "CAST(NULL AS STRING)")


def case(rng):
    keys = rng.choice([1, 2, 5, 40])
    span = rng.choice([10, 60, 600])
    rows = {side: [(None if rng.random() < 0.05 else "k%d" % rng.randrange(keys), rng.randrange(span), i)
                   for i in range(rng.randrange(0, 60))] for side in "ab"}
    kind = rng.choice(list(KINDS))
    bounds = rng.choice(BOUNDS["both"] + (BOUNDS["inner"] if kind == "JOIN" else []))
    rest = rng.choice(REST)
    if bounds == "b.ts = a.ts":
        rest += rng.choice(["", " AND a.ts = b.ts"])
    columns = KINDS[kind]
    pad = "x" * rng.choice([0, 0, 400])  # wide rows fill several lists of one key
    if pad:
        columns += ", ap" if kind == "LEFT SEMI JOIN" else ", ap, bp"
    lines = ["# kind %s, %d keys, %d s" % (kind, keys, span), ""]
    for side in "ab":
        lines += ["statement ok", "CREATE TEMPORARY VIEW %s AS SELECT * FROM STREAM read_files('.', format => 'csv', schema => "
                  "'%sk STRING, ts TIMESTAMP, %sv INT, %sp STRING')" % (side, side, side, side), ""]
        values = ", ".join(literal(row, pad) for row in rows[side] or [("none", 0, 0)])
        empty = "" if rows[side] else " WHERE false"
        lines += ["statement ok", "CREATE TEMPORARY VIEW all_%s AS SELECT * FROM VALUES %s AS t(%sk, ts, %sv, %sp)%s"
                  % (side, values, side, side, side, empty), ""]
    on = " AND " + bounds + rest
    lines += ["statement ok", "CREATE STREAMING TABLE joined AS SELECT %s FROM STREAM a WATERMARK ts DELAY OF INTERVAL 1 HOUR %s "
              "STREAM b WATERMARK ts DELAY OF INTERVAL 1 HOUR ON %s" % (columns, kind, "a.ak = b.bk" + on), ""]
    left = {side: list(rows[side]) for side in "ab"}
    while left["a"] or left["b"]:
        for side in "ab":
            count = rng.randrange(0, 1 + rng.choice([2, 30]))
            if left[side] and count:
                lines += ["push %s" % side]
                lines += ["%s,2024-01-01 00:%02d:%02d,%d,%s" % (key or "", second // 60, second % 60, value, pad)
                          for key, second, value in left[side][:count]] + [""]
                left[side] = left[side][count:]
        if rng.random() < 0.6:
            lines += ["tick", ""]
        if rng.random() < 0.1:
            lines += ["restart", ""]
    for side, key in ("a", "end_a"), ("b", "end_b"):
        lines += ["push %s" % side, "%s,2024-01-02 00:00:00,1000,%s" % (key, pad), ""]
    lines += ["tick", ""]
    same = "a.ak <=> b.bk" if kind == "FULL JOIN" else "a.ak = b.bk"
    batch = "SELECT %s FROM all_a a %s all_b b ON %s" % (columns, kind, same + on)
    streamed = "SELECT * FROM joined"
    for first, second in (streamed, batch), (batch, streamed):
        lines += ["query %d" % 2, "SELECT count(*) AS n, min(av) AS v FROM (%s EXCEPT ALL %s)"
                  % (first, second), "----", "0\tNULL", ""]
    return "\n".join(lines)


def main():
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    print("seed %d" % seed)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tarn-joins-") as folder:
        for number in range(cases):
            path = os.path.join(folder, "case_%d.test" % number)
            with open(path, "w") as f:
                f.write(case(random.Random(seed + number)))
            done = subprocess.run([TARN, "test", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                failed += 1
                print("seed %d:\n%s\n%s" % (seed + number, open(path).read(), done.stdout))
    print("%d passed, %d failed" % (cases - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
