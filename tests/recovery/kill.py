#!/usr/bin/env python3
"""Kills tarn with SIGKILL, at every named fault point and at random times, and checks that the Delta
tables hold every row exactly once. Prints the seed; `kill.py SEED ROUNDS` repeats a run.

The project reads JSON lines from a folder into `raw`, streams that into `counts` (windows, append) and
`unique_ids` (deduplication). What the tables must hold follows from the input alone."""
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
POINTS = ["flow.after_open", "flow.after_run", "flow.after_log", "flow.after_sink", "state.mid_record",
          "delta.before_commit", "delta.after_commit", "delta.mid_checkpoint"]
SQL = """
CREATE STREAMING TABLE raw AS SELECT * FROM STREAM read_files('input', format => 'json',
  schema => 'id BIGINT, ts TIMESTAMP, k STRING, v BIGINT', maxFilesPerTrigger => 1);
CREATE STREAMING TABLE counts AS
SELECT window.start AS start, k, count(*) AS n, sum(v) AS s
FROM STREAM raw WATERMARK ts DELAY OF INTERVAL 10 SECONDS GROUP BY window(ts, '10 seconds'), k;
CREATE STREAMING TABLE unique_ids AS
SELECT id FROM STREAM raw WATERMARK ts DELAY OF INTERVAL 1 HOUR DROP DUPLICATES WITHIN WATERMARK ON (id);
"""


def write_file(folder, name, rows):
    with open(os.path.join(folder, name + ".tmp"), "w") as f:
        for row in rows:
            f.write(json.dumps(row) + "\n")
    os.rename(os.path.join(folder, name + ".tmp"), os.path.join(folder, name))


def stamp(second):
    return "2024-01-01T%02d:%02d:%02dZ" % (second // 3600, second // 60 % 60, second % 60)


def make_rows(rng, first, count):
    """Event time never goes back by more than the delay; every tenth row comes twice."""
    rows = []
    for i in range(first, first + count):
        row = {"id": i, "ts": stamp(i // 10), "k": "k%d" % rng.randrange(5), "v": rng.randrange(100)}
        rows.append(row)
        if i % 10 == 0:
            rows.append(row)
    return rows


def query(project, sql):
    out = subprocess.run([TARN, "query", "-C", project, "--format", "jsonl", sql], capture_output=True, text=True)
    if out.returncode != 0:
        raise SystemExit("query failed: " + out.stderr)
    return [json.loads(line) for line in out.stdout.splitlines()]


def expected_counts(rows, last):
    groups = {}
    for row in rows:
        h, m, s = row["ts"][11:19].split(":")
        start = (int(h) * 3600 + int(m) * 60 + int(s)) // 10 * 10
        if start + 10 <= last - 10:  # the watermark after the last row
            n, total = groups.get((start, row["k"]), (0, 0))
            groups[(start, row["k"])] = (n + 1, total + row["v"])
    return groups


def check(project, rows):
    raw = sorted(r["id"] for r in query(project, "SELECT id FROM raw"))
    ids = sorted(r["id"] for r in query(project, "SELECT id FROM unique_ids"))
    counts = query(project, "SELECT unix_timestamp(start) - unix_timestamp(TIMESTAMP '2024-01-01 00:00:00') AS start, k, n, s FROM counts")
    got = {}
    for c in counts:
        if (c["start"], c["k"]) in got:
            return "window %s %s came twice" % (c["start"], c["k"])
        got[(c["start"], c["k"])] = (c["n"], c["s"])
    if raw != sorted(r["id"] for r in rows):
        return "raw has %d rows instead of %d" % (len(raw), len(rows))
    if ids != sorted(set(r["id"] for r in rows)):
        return "unique_ids has %d rows instead of %d" % (len(ids), len(set(r["id"] for r in rows)))
    last = max(r["id"] for r in rows) // 10
    if got != expected_counts(rows, last):
        return "counts differ: %d windows instead of %d" % (len(got), len(expected_counts(rows, last)))
    return None


def run_once(project, fault=None, kill_after=None):
    env = dict(os.environ)
    if fault:
        env["TARN_FAULT"] = fault
    process = subprocess.Popen([TARN, "run", project, "--once"], env=env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    if kill_after is not None:
        try:
            process.wait(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    return process.returncode, errors


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 30)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    print("seed", seed)
    rng = random.Random(seed)
    project = tempfile.mkdtemp(prefix="tarn-kill-")
    os.makedirs(project + "/pipelines")
    os.makedirs(project + "/input")
    with open(project + "/tarn.yml", "w") as f:
        f.write("name: kill\n")
    with open(project + "/pipelines/all.sql", "w") as f:
        f.write(SQL)
    rows, files, passed, failed, killed = [], 0, 0, 0, 0
    faults = [point + ":" + str(n) for point in POINTS for n in (1, 3)] + [None] * rounds
    for fault in faults:
        for _ in range(3):
            more = make_rows(rng, len(set(r["id"] for r in rows)), 40)
            write_file(project + "/input", "part-%05d.json" % files, more)
            files += 1
            rows += more
        if fault:
            code, errors = run_once(project, fault=fault)
        else:
            code, errors = run_once(project, kill_after=rng.random() * 0.4)
        killed += code == -signal.SIGKILL
        code, errors = run_once(project)
        problem = errors if code != 0 else check(project, rows)
        if problem:
            print("after", fault or "a random kill", ":", problem)
            failed += 1
            break
        passed += 1
    print("%d of %d runs were killed" % (killed, len(faults)))
    if killed < len(POINTS):
        print("too few kills: the fault points are not reached")
        failed += 1
    if not failed:
        shutil.rmtree(project)
    else:
        print("the project is kept in", project)
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0


sys.exit(main())
