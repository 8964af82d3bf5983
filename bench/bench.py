#!/usr/bin/env python3
"""bench.py TARN: speed and size of tarn, beside Spark and Flink in the same run where they are installed (bench/install.sh).

BENCH names the parts to run: start tumble append slide session join nexmark curve state (all of them). Figures are
of one run on one machine; only the ratios travel. The peers' time is that of their query alone, without start-up;
tarn's is the whole process. CPU seconds are of the whole process for all. BENCH_FIRST=1 gives what is measured more
weight than the machine's other programs. build/bench/results.json keeps the last
figures of every part, for the documentation."""
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

import curve
import harness
import nexmark
import peers
from answers import Answers

TARN = os.path.abspath(sys.argv[1])
CASES = os.path.join(harness.HERE, "cases")
EVENTS = int(os.environ.get("BENCH_EVENTS", "2000000"))
NEXMARK_EVENTS = int(os.environ.get("BENCH_NEXMARK_EVENTS", "2000000"))
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
# How many times as fast as the peer tarn is to be, by wall time.
BARS = {"tumble": {"spark": 50, "flink": 25}, "append": {"spark": 12}, "slide": {"flink": 10}, "session": {"flink": 10}, "join": {}}


def tarn_runs(case, data):
    """Figures of RUNS runs and one before them; the last one's rows are compared with DuckDB's."""
    env = dict(os.environ, BENCH_DATA=data)
    runs = []
    for _ in range(RUNS + 1):
        project = harness.make_project(CASES, case)
        runs.append(harness.run_tarn(TARN, project, env))
    rows, wrong = harness.check(TARN, project, env, Answers(CASES, data), case)
    walls = [run.wall for run in runs[1:]]
    return dict(wall=harness.median(walls), walls=walls, cpu=harness.median([run.cpu for run in runs[1:]]),
                rss_mb=max(run.rss_mb for run in runs), others=sum(run.others for run in runs[1:]), rows=rows, wrong=wrong)


def print_line(case, name, figures, note):
    print("%-8s %-6s %7.2f s %9.0f k rows/s %8.2f CPU s %6.0f MB  %s" %
          (case, name, figures["wall"], EVENTS / figures["wall"] / 1000, figures["cpu"], figures["rss_mb"], note), flush=True)


def throughput(case, others):
    def write(folder):
        subprocess.run([harness.build("events"), str(EVENTS), "10", folder], check=True)
    data = harness.make_data("data-%d" % EVENTS, write)
    own = tarn_runs(case, data)
    result = {"events": EVENTS, "tarn": own}
    print_line(case, "tarn", own, "(%s) %d rows, %s; others took %.1f CPU s" %
               (" ".join("%.2f" % wall for wall in own["walls"]), own["rows"],
                own["wrong"] or "as DuckDB's", own["others"]))
    for peer in [peer for peer in others if case in peer.cases]:
        try:
            seconds, run = peer.run(case, data)
        except harness.Failed as problem:
            result[peer.name] = dict(failed=str(problem))
            print("%-8s %-6s %s" % (case, peer.name, problem), flush=True)
            continue
        figures = dict(wall=seconds, process=run.wall, cpu=run.cpu, rss_mb=run.rss_mb, others=run.others,
                       by_wall=seconds / own["wall"], by_cpu=run.cpu / own["cpu"])
        result[peer.name] = figures
        wanted = BARS[case].get(peer.name)
        print_line(case, peer.name, figures, "tarn: %.1f x by wall%s, %.1f x by CPU; others took %.1f CPU s" %
                   (figures["by_wall"], " (wanted %d)" % wanted if wanted else "", figures["by_cpu"], run.others))
    return result


def first_row():
    """Start of `tarn run examples/csv` on existing files to its first printed row; memory and CPU when idle."""
    project = tempfile.mkdtemp(prefix="tarn-bench-")
    shutil.copytree(os.path.join(harness.HERE, "..", "examples", "csv"), project + "/csv", ignore=shutil.ignore_patterns("data"))
    folder = project + "/csv/data/input"
    os.makedirs(folder)
    subprocess.run([TARN, "generate", "csv-events", "--count", "100", "--to", folder], check=True, capture_output=True)
    times = []
    for _ in range(RUNS + 1):
        shutil.rmtree(project + "/csv/data/tarn", ignore_errors=True)
        start = time.monotonic()
        process = subprocess.Popen([TARN, "run", project + "/csv", "--no-ui"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        seen = b""
        while seen.count(b"\n|") < 2 and select.select([process.stdout], [], [], 10)[0]:
            seen += os.read(process.stdout.fileno(), 65536)
        times.append((time.monotonic() - start) * 1000)
        time.sleep(2)
        idle = harness.memory_mb(process.pid, "VmRSS")
        ticks = cpu_ticks(process.pid)
        time.sleep(2)
        load = (cpu_ticks(process.pid) - ticks) / os.sysconf("SC_CLK_TCK") / 2 * 100
        process.terminate()
        process.wait()
    shutil.rmtree(project)
    print("start    first row after %.0f ms (%s; wanted < 300), idle RSS %.0f MB (wanted < 120), idle CPU %.1f %%" %
          (harness.median(times[1:]), " ".join("%.0f" % t for t in times[1:]), idle, load), flush=True)
    return dict(first_row_ms=harness.median(times[1:]), idle_rss_mb=idle, idle_cpu_percent=load)


def cpu_ticks(pid):
    with open("/proc/%d/stat" % pid) as f:
        return sum(int(word) for word in f.read().rsplit(")", 1)[1].split()[11:13])


def state_curve():
    """Batches of 1,000 random keys against the state store alone: p50, p99, memory, restart. BENCH_STATE_KEYS names
    other sizes. With less memory than the rows take, most of them are only on disk."""
    tool = os.path.join(os.path.dirname(TARN), "bench", "state_curve")
    folder = os.path.join(harness.WORK, "state")
    lines = []
    for keys in [int(word) for word in os.environ.get("BENCH_STATE_KEYS", "10000 1000000 10000000").split()]:
        for value, megabytes in ((24, 0), (24, keys * 26 >> 20), (104, 0), (104, keys * 36 >> 20)):
            if megabytes == 0 or megabytes > 16:
                shutil.rmtree(folder, ignore_errors=True)
                limit = "in %5d MB" % megabytes if megabytes else "no limit   "
                run = harness.measured([tool, str(keys), str(megabytes), "1000", folder, str(value)])
                lines.append("%3d-byte values, %s %s" % (value, limit, run.output.strip()))
                print("state    " + lines[-1], flush=True)
    return lines


def run_part(part, others):
    if part in BARS:
        return throughput(part, others)
    if part == "nexmark":
        return nexmark.run_all(TARN, NEXMARK_EVENTS, 10000, nexmark.QUERIES)
    return {"start": first_row, "curve": lambda: curve.run(TARN), "state": state_curve}[part]()


def keep(part, result):
    path = os.path.join(harness.WORK, "results.json")
    results = {}
    if os.path.exists(path):
        with open(path) as f:
            results = json.load(f)
    results[part] = dict(machine=harness.machine(), day=time.strftime("%Y-%m-%d"), figures=result)
    with open(path + ".new", "w") as f:
        json.dump(results, f, indent=1)
    os.rename(path + ".new", path)


def main():
    parts = ["start", *BARS, "nexmark", "curve", "state"]
    chosen = os.environ.get("BENCH", "").replace(",", " ").split() or parts
    for part in chosen:
        if part not in parts:
            raise SystemExit("bench: no part '%s'; there are %s" % (part, " ".join(parts)))
    os.makedirs(harness.WORK, exist_ok=True)
    print("machine  %s" % harness.machine())
    print("load     %s when it began" % open("/proc/loadavg").read().split()[0])
    others = peers.installed() if set(chosen) & set(BARS) else []
    for part in chosen:
        keep(part, run_part(part, others))


main()
