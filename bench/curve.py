"""curve.py: what a batch of 1,000 events costs when an operator keeps state of so many keys.

Each case loads KEYS keys, then runs batches of 1,000 events whose keys are drawn over all of them, through
the whole program: JSON lines in, a durable batch, Delta out. Times are `batchDuration` of the progress."""
import json
import os
import shutil

import harness
from duck import Duck

HERE = os.path.join(harness.HERE, "curve")
CASES = ("aggregate", "session", "join", "deduplicate", "distinct")
LOAD = 250000
BATCHES = int(os.environ.get("BENCH_CURVE_BATCHES", "300"))
LIMIT = os.environ.get("BENCH_CURVE_LIMIT", "2GB")


def write_files(folder, keys):
    """load/: every key once, in the first second, LOAD a file: what one batch changes has to be in memory. batches/: 1,000 events each, a millisecond of event time apart."""
    duck = Duck()
    os.makedirs(folder + "/load")
    os.makedirs(folder + "/batches")
    at = "strftime(TIMESTAMP '2026-01-01' + to_microseconds(%s), '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ') AS at"
    for first in range(0, keys, LOAD):
        duck.run("COPY (SELECT i AS k, %s, i %% 10 AS g FROM range(%d, %d) AS r(i)) TO '%s/load/%05d.json' (FORMAT json)" %
                 (at % "i % 1000000", first, min(keys, first + LOAD), folder, first // LOAD))
    for batch in range(BATCHES):
        duck.run("COPY (SELECT (hash(%d, i) %% %d)::BIGINT AS k, %s, i %% 10 AS g FROM range(1000) AS r(i)) "
                 "TO '%s/batches/%05d.json' (FORMAT json)" % (batch, keys, at % ("1000000 + %d" % (batch * 1000)), folder, batch))


def progress(run):
    lines = [json.loads(line) for line in run.output.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("type") == "progress"]


def measure(tarn, case, keys):
    """Figures of one point of the curve."""
    data = harness.make_data("keys-%d" % keys, lambda folder: write_files(folder, keys))
    project = harness.make_project(HERE, case, (("tarn.memory.limit", LIMIT),))
    source = os.path.join(project, "in")
    os.makedirs(source)
    for name in sorted(os.listdir(data + "/load")):
        os.link(data + "/load/" + name, source + "/a" + name)
    env = dict(os.environ, CURVE=source)
    command = [tarn, "run", project, "--once", "--no-ui", "--json"]
    load = harness.measured(command, env=env)
    for name in sorted(os.listdir(data + "/batches")):
        os.link(data + "/batches/" + name, source + "/b" + name)
        os.utime(source + "/b" + name)
    run = harness.measured(command, env=env)
    batches = [batch for batch in progress(run) if batch["numInputRows"] > 0]
    times = sorted(batch["batchDuration"] for batch in batches)
    state = batches[-1]["stateOperators"]
    rows = sum(operator["numRowsTotal"] for operator in state)
    size = sum(operator["memoryUsedBytes"] for operator in state)
    restart = harness.measured(command, env=env)
    shutil.rmtree(project)
    return dict(keys=keys, rows=rows, batches=len(times), p50=harness.median(times), p99=times[len(times) * 99 // 100],
                max=times[-1], bytes_a_key=size / keys, load_s=load.wall, restart_s=restart.wall, rss_mb=run.rss_mb,
                others=run.others)


def run(tarn):
    results = {}
    print("curve        keys       rows  p50 ms  p99 ms  max ms  B/key  load s  restart s  RSS MB (limit %s)" % LIMIT)
    for case in CASES:
        for keys in [int(word) for word in os.environ.get("BENCH_CURVE_KEYS", "10000 1000000 10000000").split()]:
            try:
                point = measure(tarn, case, keys)
            except (harness.Failed, IndexError) as problem:
                point = dict(keys=keys, failed=str(problem).strip())
                print("%-11s %9d  %s" % (case, keys, point["failed"][-300:]), flush=True)
            else:
                print("%-11s %9d %9d %7d %7d %7d %6.0f %7.1f %10.2f %7.0f" %
                      (case, keys, point["rows"], point["p50"], point["p99"], point["max"], point["bytes_a_key"],
                       point["load_s"], point["restart_s"], point["rss_mb"]), flush=True)
            results["%s %d" % (case, keys)] = point
    return results
