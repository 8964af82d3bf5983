#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random aggregations over random batches: the stream's answer is the batch's over the rows so far.

    TARN=build/tarn random_aggregates.py CASES SEED

A case draws some aggregates, the keys, the window (none, tumbling, sliding), a filter, rows with NULLs, and how
they are cut into files (one batch each) and runs (a restart each). In complete mode the table is compared after
every run; in append mode at the end, when a late event has closed every window. Numbers may differ in their last
digits. Case i of seed S is case 0 of seed S + i. The last line is "N passed, N failed"."""
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile

TARN = os.path.realpath(os.environ["TARN"])
AGGREGATES = """count(*); count(v); count(v, d); sum(v); sum(m); sum(d); min(s); max(s); avg(v); avg(m); mean(d); try_sum(v);
try_avg(m); bool_and(v > 0); bool_or(v > 3); every(v > -10); some(v > 5); any(v = 2); bit_and(v); bit_or(v); bit_xor(v);
count_if(v > 2); max_by(s, u); min_by(s, u); max_by(v, u); stddev(d); std(v); stddev_pop(d); variance(d); var_pop(v);
var_samp(m); covar_pop(d, v); covar_samp(d, v); regr_count(d, v); regr_avgx(d, v); regr_avgy(d, v); median(v);
percentile(v, 0.3); percentile_approx(v, 0.5); percentile_cont(0.4) WITHIN GROUP (ORDER BY v); percentile(v, array(0.1, 0.9));
percentile_disc(0.4) WITHIN GROUP (ORDER BY d); sort_array(collect_list(v)); sort_array(array_agg(s));
sort_array(collect_set(s)); listagg(DISTINCT s, ',') WITHIN GROUP (ORDER BY s); string_agg(s, '-') WITHIN GROUP (ORDER BY s);
approx_count_distinct(s); count(DISTINCT s); count(DISTINCT v, s); sum(DISTINCT v); avg(DISTINCT v); sum(DISTINCT m);
max(DISTINCT v); stddev(DISTINCT v); sort_array(collect_list(DISTINCT s)); count(DISTINCT v) FILTER (WHERE d > 2);
sum(v) FILTER (WHERE s = 'a'); median(v) FILTER (WHERE d < 3); count(DISTINCT st); sort_array(max_by(v, u, 2));
count(DISTINCT 1); sum(v) + count(DISTINCT s) * 2"""
AGGREGATES = [text.strip() for text in AGGREGATES.replace("\n", " ").split(";")]
WINDOWS = [None, "window(ts, '1 minute')", "window(ts, '1 minute', '30 seconds')",
           "window(ts, '70 seconds', '30 seconds', '5 seconds')", "window(ts, '2 minutes', '1 minute')"]
SCHEMA = "k STRING, ts TIMESTAMP, v INT, d DOUBLE, m DECIMAL(10,2), s STRING, u BIGINT, st STRUCT<a: INT, b: STRING>"


def random_row(draw, number):
    def maybe(value):
        return None if draw.random() < 0.15 else value
    return {"k": draw.choice("xyz"), "ts": "2024-01-01T00:%02d:%02dZ" % (draw.randrange(3), draw.randrange(60)),
            "v": maybe(draw.randrange(-5, 12)), "d": maybe(draw.randrange(40) / 8),
            "m": maybe(draw.randrange(-500, 1000) / 100), "s": maybe(draw.choice(["a", "b", "c", "dd"])),
            "u": number * 7919 % 1000003, "st": maybe({"a": draw.randrange(2), "b": draw.choice("pq")})}


def write_file(folder, number, rows):
    path = os.path.join(folder, "in", "%04d.json" % number)
    with open(path, "w") as f:
        for row in rows:
            f.write(json.dumps(row) + "\n")
    os.utime(path, (1700000000 + number,) * 2)


def query(folder, sql, *options):
    done = subprocess.run([TARN, "query", "--format", "jsonl", *options, sql], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise ValueError("%s\n%s" % (sql, done.stderr))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return sorted(rows, key=lambda row: [str(row.get(key)) for key in ("ws", "k")])


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-7, abs_tol=1e-9)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return a == b


class Case:
    def __init__(self, seed):
        draw = self.draw = random.Random(seed)
        self.window = draw.choice(WINDOWS)
        self.appends = self.window is not None and draw.random() < 0.4
        keys = draw.random() < 0.7
        self.aggregates = draw.sample(AGGREGATES, 8)
        items = ["window.start AS ws"] if self.window else []
        items += ["k"] if keys else []
        items += ["%s AS c%d" % (text, i) for i, text in enumerate(self.aggregates)]
        group = ([self.window] if self.window else []) + (["k"] if keys else [])
        self.items = ", ".join(items)
        self.group = " GROUP BY " + ", ".join(group) if group else ""
        self.where = draw.choice(["v IS NULL OR v > -4", "true"])

    def sql(self, relation, where):
        return "SELECT %s FROM %s WHERE (%s) AND (%s)%s" % (self.items, relation, self.where, where, self.group)

    def make_project(self, folder):
        os.makedirs(os.path.join(folder, "in"))
        os.makedirs(os.path.join(folder, "pipelines"))
        with open(os.path.join(folder, "tarn.yml"), "w") as f:
            f.write("name: aggregates\n")
        mark = " WATERMARK ts DELAY OF INTERVAL 1 HOUR" if self.window else ""
        with open(os.path.join(folder, "pipelines", "p.sql"), "w") as f:
            f.write("CREATE TEMPORARY VIEW src AS SELECT * FROM STREAM read_files('in', format => 'json', schema => '%s', "
                    "maxFilesPerTrigger => 1);\nCREATE STREAMING TABLE t OPTIONS (outputMode '%s') AS %s;\n"
                    % (SCHEMA, "append" if self.appends else "complete", self.sql("STREAM src" + mark, "true")))

    def compare(self, folder):
        """The differences, as text; empty: none."""
        files = "read_files('in', format => 'json', schema => '%s')" % SCHEMA
        have = query(folder, "SELECT * FROM t", "-C", folder)
        want = query(folder, self.sql(files, "k <> 'end'"))
        if len(have) != len(want):
            return "%d rows, the batch has %d" % (len(have), len(want))
        found = ["%s: stream %r, batch %r" % (self.aggregates[int(key[1:])] if key[0] == "c" else key, a[key], b[key])
                 for a, b in zip(have, want) for key in b if not same(a[key], b[key])]
        return "\n    ".join(found)

    def run(self, folder):
        self.make_project(folder)
        files = rows = 0
        steps = self.draw.randrange(2, 4)
        for step in range(steps + self.appends):
            last = step == steps
            for _ in range(1 if last else self.draw.randrange(1, 4)):
                batch = [random_row(self.draw, rows + i) for i in range(self.draw.choice([0, 1, 3, 10, 40]))]
                rows += len(batch)
                write_file(folder, files, [{"k": "end", "ts": "2024-01-03T00:00:00Z"}] if last else batch)
                files += 1
            done = subprocess.run([TARN, "run", folder, "--once", "--no-ui"], capture_output=True, text=True)
            if done.returncode != 0:
                return done.stderr
            found = self.compare(folder) if last or not self.appends else ""
            if found:
                return "run %d: %s" % (step, found)
        return ""


def main():
    cases, seed = int(sys.argv[1]), int(sys.argv[2])
    failed = 0
    for i in range(cases):
        folder = tempfile.mkdtemp(prefix="tarn-aggregates-")
        try:
            case = Case(seed + i)
            found = case.run(folder)
        except (ValueError, KeyError) as problem:
            found = str(problem)
        finally:
            shutil.rmtree(folder)
        if found:
            failed += 1
            print("SEED=%d CASES=1: %s\n    %s" % (seed + i, case.sql("src", "true"), found))
    print("seed %d" % seed)
    print("%d passed, %d failed" % (cases - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
