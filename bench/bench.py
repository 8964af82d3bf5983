#!/usr/bin/env python3
"""bench.py TARN: speed and size of tarn, beside Spark in the same run where Spark is installed (tests/interop/install.sh).

Figures of one run on one machine; only the ratios travel. Spark's time is that of its query alone, without
start-up; tarn's is the whole process. CPU seconds are of the whole process for both."""
import json
import os
import platform
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time

TARN = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.path.join(HERE, "..", "build", "bench")
COUNT = int(os.environ.get("BENCH_EVENTS", "2000000"))
RUNS = int(os.environ.get("BENCH_RUNS", "3"))


def measured(command, env=None, cwd=None):
    """(wall seconds, CPU seconds, output) of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.time()
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True)
    wall = time.time() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit("%s failed:\n%s" % (command[0], done.stderr[-2000:]))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, done.stdout


def make_data():
    data = os.path.join(WORK, "data-%d" % COUNT)
    if not os.path.isdir(data):
        os.makedirs(data + ".new", exist_ok=True)
        program = os.path.join(WORK, "events")
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, os.path.join(HERE, "events.c")], check=True)
        subprocess.run([program, str(COUNT), "10", data + ".new"], check=True)
        os.rename(data + ".new", data)
    for name in os.listdir(data):  # both read from the page cache
        with open(os.path.join(data, name), "rb") as f:
            while f.read(1 << 20):
                pass
    return data


def run_tarn(case, data):
    out = os.path.join(WORK, "tarn-" + case)
    shutil.rmtree(out, ignore_errors=True)
    env = dict(os.environ, BENCH_DATA=data, BENCH_OUT=out)
    wall, cpu, _ = measured([TARN, "run", os.path.join(HERE, case), "--once", "--no-ui"], env=env)
    return wall, cpu


def spark_command():
    python = os.path.join(HERE, "..", "build", "deps", "venv", "bin", "python")
    jars = os.path.join(HERE, "..", "build", "deps", "spark", "jars")
    if not os.path.exists(python) or not os.path.isdir(jars):
        return None
    submit = os.path.join(os.path.dirname(python), "spark-submit")
    names = ",".join(os.path.join(jars, j) for j in sorted(os.listdir(jars)) if j.endswith(".jar"))
    return [submit, "--master", "local[2]", "--driver-memory", "4g", "--jars", names,
            "--conf", "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
            "--conf", "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
            "--conf", "spark.sql.session.timeZone=UTC", "--conf", "spark.sql.shuffle.partitions=2",
            "--conf", "spark.ui.enabled=false", os.path.join(HERE, "spark_job.py")]


def run_spark(command, case, data):
    out = os.path.join(WORK, "spark-" + case)
    shutil.rmtree(out, ignore_errors=True)
    env = dict(os.environ, PATH=os.path.dirname(command[0]) + ":" + os.environ["PATH"])
    wall, cpu, text = measured(command + [case, data, out], env=env)
    return float(text.split("query ")[1].split()[0]), wall, cpu


def median(values):
    return sorted(values)[len(values) // 2]


def throughput(data):
    spark = spark_command()
    for case, wanted in (("tumble", 50), ("append", 12), ("join", 10)):
        run_tarn(case, data)  # warm-up
        runs = [run_tarn(case, data) for _ in range(RUNS)]
        wall, cpu = median([r[0] for r in runs]), median([r[1] for r in runs])
        print("%-8s tarn   %6.2f s (%s)  %8.0f k rows/s  %6.2f CPU s" %
              (case, wall, " ".join("%.2f" % r[0] for r in runs), COUNT / wall / 1000, cpu))
        if spark is None:
            print("%-8s spark  not installed (tests/interop/install.sh)" % case)
            continue
        query, _, spark_cpu = run_spark(spark, case, data)
        print("%-8s spark  %6.2f s                %8.0f k rows/s  %6.2f CPU s" %
              (case, query, COUNT / query / 1000, spark_cpu))
        print("%-8s ratio  %6.1f x by wall (wanted %d), %.1f x per CPU second" %
              (case, query / wall, wanted, spark_cpu / cpu))


def rss_mb(pid):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0


def first_row():
    """Start of `tarn run examples/csv` on existing files to its first printed row; memory when idle."""
    project = tempfile.mkdtemp(prefix="tarn-bench-")
    shutil.copytree(os.path.join(HERE, "..", "examples", "csv"), project + "/csv",
                    ignore=shutil.ignore_patterns("data"))
    folder = project + "/csv/data/input"
    os.makedirs(folder)
    subprocess.run([TARN, "generate", "csv-events", "--count", "100", "--to", folder], check=True, capture_output=True)
    times = []
    for _ in range(RUNS + 1):
        shutil.rmtree(project + "/csv/data/tarn", ignore_errors=True)
        start = time.time()
        process = subprocess.Popen([TARN, "run", project + "/csv", "--no-ui"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        seen = b""
        while seen.count(b"\n|") < 2 and select.select([process.stdout], [], [], 10)[0]:
            seen += os.read(process.stdout.fileno(), 65536)
        times.append((time.time() - start) * 1000)
        time.sleep(2)
        idle = rss_mb(process.pid)
        ticks = [int(x) for x in open("/proc/%d/stat" % process.pid).read().rsplit(")", 1)[1].split()[11:13]]
        time.sleep(2)
        later = [int(x) for x in open("/proc/%d/stat" % process.pid).read().rsplit(")", 1)[1].split()[11:13]]
        process.terminate()
        process.wait()
    shutil.rmtree(project)
    print("start    first row after %.0f ms (%s; wanted < 300), idle RSS %.0f MB (wanted < 120), idle CPU %.1f %%" %
          (median(times[1:]), " ".join("%.0f" % t for t in times[1:]), idle,
           (sum(later) - sum(ticks)) / os.sysconf("SC_CLK_TCK") / 2 * 100))


def state_curve():
    """Batches of 1,000 random keys against state of so many keys: p50, p99, memory, restart. BENCH_STATE_KEYS
    names other sizes. With less memory than the rows take, most of them are only on disk."""
    tool = os.path.join(os.path.dirname(TARN), "bench", "state_curve")
    folder = os.path.join(WORK, "state")
    for keys in [int(k) for k in os.environ.get("BENCH_STATE_KEYS", "10000 1000000 10000000").split()]:
        for value, megabytes in ((24, 0), (24, keys * 26 >> 20), (104, 0), (104, keys * 36 >> 20)):
            if megabytes == 0 or megabytes > 16:
                shutil.rmtree(folder, ignore_errors=True)
                limit = "in %5d MB" % megabytes if megabytes else "no limit   "
                print("state    %3d-byte values, %s %s" % (value, limit, measured(
                    [tool, str(keys), str(megabytes), "1000", folder, str(value)])[2].strip()), flush=True)


def machine():
    name = "?"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    print("machine  %d cores, %s, %s" % (os.cpu_count(), name, platform.platform()))


os.makedirs(WORK, exist_ok=True)
machine()
first_row()
throughput(make_data())
state_curve()
