#!/usr/bin/env python3
"""Kills tarn with SIGKILL, at every named fault point and at random times, and checks that the Delta
tables hold every row exactly once. Prints the seed; `kill.py SEED ROUNDS` repeats a run.

The project reads JSON lines from a folder into `raw` (partitioned), streams that into `counts` (windows,
append), `totals` (complete) and `unique_ids` (deduplication), and materializes `by_key`. Rows with a negative
value violate a constraint of `raw` and go into its quarantine; `jitter` counts by a time that goes back
further than its watermark allows, with the late rows in `late_rows`. What the tables must hold follows from
the input alone; of `jitter` and `late_rows`, what they hold together. A round kills one run: at a fault point, or at a random time,
with --once, going on for ever while files arrive, or beginning anew with --full-refresh-all."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TARN = os.environ["TARN"]
POINTS = ["flow.after_open", "flow.after_run", "flow.after_log", "flow.after_sink", "flow.after_side",
          "state.mid_record",
          "delta.before_commit", "delta.after_commit", "delta.mid_checkpoint"]
ONCE, ENDLESS = ["--once"], ["--no-ui"]
REFRESH, REFRESH_ENDLESS = ["--once", "--full-refresh-all"], ["--no-ui", "--full-refresh-all"]
SQL = """
CREATE STREAMING TABLE raw (CONSTRAINT positive EXPECT (v >= 0) ON VIOLATION QUARANTINE) PARTITIONED BY (k) AS
SELECT * FROM STREAM read_files('input', format => 'json',
  schema => 'id BIGINT, ts TIMESTAMP, jitter TIMESTAMP, k STRING, v BIGINT', maxFilesPerTrigger => 3);
CREATE STREAMING TABLE jitter AS
SELECT window.start AS start, count(*) AS n
FROM STREAM raw WATERMARK jitter DELAY OF INTERVAL 10 SECONDS LATE DATA INTO late_rows GROUP BY window(jitter, '10 seconds');
CREATE STREAMING TABLE mended AS SELECT id, _constraint AS k FROM STREAM raw_quarantine;
CREATE STREAMING TABLE counts AS
SELECT window.start AS start, k, count(*) AS n, sum(v) AS s
FROM STREAM raw WATERMARK ts DELAY OF INTERVAL 10 SECONDS GROUP BY window(ts, '10 seconds'), k;
CREATE STREAMING TABLE unique_ids AS
SELECT id FROM STREAM raw WATERMARK ts DELAY OF INTERVAL 1 HOUR DROP DUPLICATES WITHIN WATERMARK ON (id);
CREATE STREAMING TABLE totals OPTIONS (outputMode 'complete') AS
SELECT k, count(*) AS n, sum(v) AS s FROM STREAM raw GROUP BY k;
CREATE MATERIALIZED VIEW by_key AS SELECT k, count(*) AS n, sum(v) AS s FROM raw GROUP BY k;
"""


def write_file(folder, name, rows):
    with open(os.path.join(folder, name + ".tmp"), "w") as f:
        for row in rows:
            f.write(json.dumps(row) + "\n")
    os.rename(os.path.join(folder, name + ".tmp"), os.path.join(folder, name))


def stamp(second):
    return "2024-01-01T%02d:%02d:%02dZ" % (second // 3600, second // 60 % 60, second % 60)


def make_rows(rng, first, count):
    """Event time never goes back by more than the delay, the jittered one does; every tenth row comes twice, and
    every seventh is wrong."""
    rows = []
    for i in range(first, first + count):
        row = {"id": i, "ts": stamp(i // 10), "jitter": stamp(max(0, i // 10 - rng.choice([0, 0, 0, 1, 30]))),
               "k": "k%d" % rng.randrange(5), "v": -1 if i % 7 == 3 else rng.randrange(100)}
        rows.append(row)
        if i % 10 == 0:
            rows.append(row)
    return rows


def query(project, sql):
    out = subprocess.run([TARN, "query", "-C", project, "--format", "jsonl", sql], capture_output=True, text=True)
    if out.returncode != 0:
        raise SystemExit("query failed: " + out.stderr)
    return [json.loads(line) for line in out.stdout.splitlines()]


def second(text):
    h, m, s = text[11:19].split(":")
    return int(h) * 3600 + int(m) * 60 + int(s)


def window_start(text):
    return second(text) // 10 * 10


def expected_counts(rows, last):
    groups = {}
    for row in rows:
        start = window_start(row["ts"])
        if start + 10 <= last - 10:  # the watermark after the last row
            n, total = groups.get((start, row["k"]), (0, 0))
            groups[(start, row["k"])] = (n + 1, total + row["v"])
    return groups


READ = """
SELECT 'raw' AS t, id AS a, CAST(NULL AS STRING) AS k, CAST(NULL AS BIGINT) AS n, CAST(NULL AS BIGINT) AS s FROM raw
UNION ALL SELECT 'unique_ids', id, NULL, NULL, NULL FROM unique_ids
UNION ALL SELECT 'counts', unix_timestamp(start) - unix_timestamp(TIMESTAMP '2024-01-01 00:00:00'), k, n, s FROM counts
UNION ALL SELECT 'totals', NULL, k, n, s FROM totals
UNION ALL SELECT 'by_key', NULL, k, n, s FROM by_key
UNION ALL SELECT 'raw_quarantine', id, _constraint, v, NULL FROM raw_quarantine
UNION ALL SELECT 'mended', id, k, NULL, NULL FROM mended
UNION ALL SELECT 'jitter', unix_timestamp(start) - unix_timestamp(TIMESTAMP '2024-01-01 00:00:00'), NULL, n, NULL FROM jitter
UNION ALL SELECT 'late_rows', unix_timestamp(window(jitter, '10 seconds').start) - unix_timestamp(TIMESTAMP '2024-01-01 00:00:00'), NULL, 1, NULL FROM late_rows
"""


def grouped(found):
    groups = {}
    for row in found:
        key = row["k"] if row["a"] is None else (row["a"], row["k"])
        if key in groups:
            return None, "%s %s came twice" % (row["t"], key)
        groups[key] = (row["n"], row["s"])
    return groups, None


def check_jitter(tables, rows):
    """Of a window that the watermark has passed, every row was counted or is among the late ones."""
    wanted, found, last = {}, {}, 0
    for row in rows:
        start = window_start(row["jitter"])
        wanted[start] = wanted.get(start, 0) + 1
        last = max(last, second(row["jitter"]))
    for row in tables.get("jitter", []) + tables.get("late_rows", []):
        found[row["a"]] = found.get(row["a"], 0) + row["n"]
    for start in wanted:
        if start + 10 <= last - 10 and found.get(start) != wanted[start]:
            return "window %d: %s rows counted or late instead of %d" % (start, found.get(start), wanted[start])
    starts = [row["a"] for row in tables.get("jitter", [])]
    return None if len(starts) == len(set(starts)) else "a window of jitter came twice"


def check(project, all_rows):
    tables = {}
    rows = [row for row in all_rows if row["v"] >= 0]
    bad = sorted(row["id"] for row in all_rows if row["v"] < 0)
    for row in query(project, READ):
        tables.setdefault(row["t"], []).append(row)
    raw = sorted(r["a"] for r in tables.get("raw", []))
    ids = sorted(r["a"] for r in tables.get("unique_ids", []))
    if raw != sorted(r["id"] for r in rows):
        return "raw has %d rows instead of %d" % (len(raw), len(rows))
    if ids != sorted(set(r["id"] for r in rows)):
        return "unique_ids has %d rows instead of %d" % (len(ids), len(set(r["id"] for r in rows)))
    for table in ("raw_quarantine", "mended"):
        if sorted(r["a"] for r in tables.get(table, [])) != bad:
            return "%s has %d rows instead of %d" % (table, len(tables.get(table, [])), len(bad))
    problem = check_jitter(tables, rows)
    if problem:
        return problem
    sums = {}
    for row in rows:
        n, total = sums.get(row["k"], (0, 0))
        sums[row["k"]] = (n + 1, total + row["v"])
    windows = expected_counts(rows, max(second(r["ts"]) for r in rows))
    for table, expected in (("counts", windows), ("totals", sums), ("by_key", sums)):
        groups, problem = grouped(tables.get(table, []))
        if problem:
            return problem
        if groups != expected:
            return "%s differs: %d groups instead of %d" % (table, len(groups), len(expected))
    return None


def run(project, words, fault=None, kill_after=None, meanwhile=None):
    env = dict(os.environ)
    if fault:
        env["TARN_FAULT"] = fault
    process = subprocess.Popen([TARN, "run", project] + words, env=env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    if meanwhile:
        meanwhile()
    try:
        process.wait(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    return process.returncode, errors


class Project:
    def __init__(self, rng):
        self.rng, self.rows, self.ids, self.files = rng, [], 0, 0
        self.folder = tempfile.mkdtemp(prefix="tarn-kill-")
        os.makedirs(self.folder + "/pipelines")
        os.makedirs(self.folder + "/input")
        with open(self.folder + "/tarn.yml", "w") as f:
            f.write("name: kill\n")
        with open(self.folder + "/pipelines/all.sql", "w") as f:
            f.write(SQL)

    def push(self, files):
        for _ in range(files):
            more = make_rows(self.rng, self.ids, 40)
            write_file(self.folder + "/input", "part-%05d.json" % self.files, more)
            self.ids += 40
            self.files += 1
            self.rows += more

    def push_slowly(self):
        for _ in range(3):
            time.sleep(self.rng.random() * 0.15)
            self.push(1)


def rounds_of(rng, count):
    """What is done to the program: (words, fault point)."""
    for point in POINTS:
        yield ONCE, point + ":1"
        yield ONCE, point + ":%d" % rng.randrange(2, 6)
        yield rng.choice([ENDLESS, REFRESH, REFRESH_ENDLESS]), point + ":%d" % rng.randrange(1, 6)
    for _ in range(count):
        yield rng.choice([ONCE, ENDLESS, ENDLESS, REFRESH, REFRESH_ENDLESS]), None


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 30)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    print("seed", seed, flush=True)
    rng = random.Random(seed)
    project = Project(rng)
    passed, failed, killed, faults = 0, 0, 0, 0
    for words, fault in rounds_of(rng, count):
        project.push(2)
        kill_after = 2 if fault else rng.random() * 0.6
        code, _ = run(project.folder, words, fault, kill_after,
                      project.push_slowly if "--once" not in words else None)
        killed += code == -signal.SIGKILL
        faults += fault is not None and code == -signal.SIGKILL
        code, errors = run(project.folder, ONCE)
        problem = errors if code != 0 else check(project.folder, project.rows)
        if problem:
            print("after", " ".join(words), fault or "killed at a random time", ":", problem)
            failed += 1
            break
        passed += 1
    print("%d of %d runs were killed" % (killed, passed + failed))
    if not failed and faults < 2 * len(POINTS):
        print("too few kills: the fault points are not reached")
        failed += 1
    if not failed:
        shutil.rmtree(project.folder)
    else:
        print("the project is kept in", project.folder)
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0


sys.exit(main())
