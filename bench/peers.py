"""The cases of the bench in Spark and in Flink; both are installed by bench/install.sh under build/deps."""
import glob
import os
import shutil
import subprocess

import harness

DEPS = os.path.abspath(os.path.join(harness.HERE, "..", "build", "deps"))
HEAP = os.environ.get("BENCH_HEAP", "4g")


def query_seconds(run):
    return float(run.output.split("query ")[1].split()[0])


class Spark:
    """Spark with Delta, two threads, tuned for small state (2 partitions, no UI)."""
    name = "spark"
    cases = ("tumble", "append", "session", "join")

    def __init__(self):
        self.submit = os.path.join(DEPS, "venv", "bin", "spark-submit")
        self.jars = sorted(glob.glob(os.path.join(DEPS, "spark", "jars", "*.jar")))

    def is_installed(self):
        return os.path.exists(self.submit) and bool(self.jars)

    def run(self, case, data):
        """(seconds of the query alone, Run of the whole process)"""
        out = os.path.join(harness.WORK, "spark-" + case)
        shutil.rmtree(out, ignore_errors=True)
        settings = {"spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
                    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
                    "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "2", "spark.ui.enabled": "false"}
        command = [self.submit, "--master", "local[2]", "--driver-memory", HEAP, "--jars", ",".join(self.jars)]
        for key in settings:
            command += ["--conf", key + "=" + settings[key]]
        path = os.path.dirname(self.submit) + ":" + os.environ["PATH"]
        run = harness.measured(command + [os.path.join(harness.HERE, "spark_job.py"), case, data, out],
                               env=dict(os.environ, PATH=path))
        shutil.rmtree(out)
        return query_seconds(run), run


class Flink:
    """Flink SQL in one JVM, parallelism 2, mini-batches, state in the heap, a checkpoint every 10 s."""
    name = "flink"
    cases = ("tumble", "append", "slide", "session", "join")

    def __init__(self):
        self.jars = os.path.join(DEPS, "flink", "jars", "*")

    def is_installed(self):
        return bool(glob.glob(self.jars)) and shutil.which("javac") is not None

    def run(self, case, data):
        classes = os.path.join(harness.WORK, "classes")
        subprocess.run(["javac", "-cp", self.jars, "-d", classes, os.path.join(harness.HERE, "FlinkJob.java")], check=True)
        out = os.path.join(harness.WORK, "flink-" + case)
        for folder in (out, out + ".checkpoints"):
            shutil.rmtree(folder, ignore_errors=True)
        opens = ["--add-opens=java.base/java.%s=ALL-UNNAMED" % part for part in ("lang", "util", "time", "nio")]
        run = harness.measured(["java", "-Xmx" + HEAP, *opens, "-cp", classes + ":" + self.jars, "FlinkJob", case, data, out])
        for folder in (out, out + ".checkpoints"):
            shutil.rmtree(folder, ignore_errors=True)
        return query_seconds(run), run


def installed():
    """The peers to run beside tarn; BENCH_PEERS names others than both, for none: BENCH_PEERS=none."""
    wanted = os.environ.get("BENCH_PEERS", "spark flink").split()
    peers = []
    for peer in (Spark(), Flink()):
        if peer.name in wanted and not peer.is_installed():
            print("%s is not installed (bench/install.sh %s)" % (peer.name, peer.name))
        elif peer.name in wanted:
            peers.append(peer)
    return peers
