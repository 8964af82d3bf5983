"""What the parts of the bench share: running and measuring a program, projects made of SQL files, data made once."""
import collections
import os
import platform
import shutil
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.path.abspath(os.environ.get("BENCH_WORK", os.path.join(HERE, "..", "build", "bench")))
CC = os.environ.get("CC", "cc")
Run = collections.namedtuple("Run", "wall cpu rss_mb others output")


class Failed(Exception):
    pass


def busy():
    """CPU seconds that the machine has worked since it started."""
    with open("/proc/stat") as f:
        ticks = [int(word) for word in f.readline().split()[1:]]
    return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid, field):
    """VmRSS or VmHWM of a process; 0 once it has ended."""
    try:
        with open("/proc/%d/status" % pid) as f:
            for line in f:
                if line.startswith(field):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


def put_first(pid):
    """Gives the process's session all the weight it may have, so that a busy machine disturbs it less."""
    try:
        with open("/proc/%d/autogroup" % pid, "w") as f:
            f.write("-20")
    except OSError as problem:
        print("BENCH_FIRST has no effect: %s" % problem)


def measured(command, env=None):
    """A Run: wall and CPU seconds of the process and its children, its peak memory (seen every 20 ms: rusage would count
    that of Python), and the CPU seconds of everything else."""
    busy_before, start = busy(), time.monotonic()
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    if os.environ.get("BENCH_FIRST"):
        put_first(process.pid)
    output = []
    reader = threading.Thread(target=lambda: output.append(process.stdout.read().decode(errors="replace")))
    reader.start()
    peak = 0
    while reader.is_alive():
        peak = max(peak, memory_mb(process.pid, "VmHWM"))
        reader.join(0.02)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if process.returncode != 0:
        raise Failed("%s ended with %d:\n%s" % (command[0], process.returncode, output[0][-2000:]))
    cpu = usage.ru_utime + usage.ru_stime
    return Run(wall, cpu, peak, busy() - busy_before - cpu, output[0])


def make_data(name, write):
    """The folder of that name under WORK; write(folder) makes it, once. It is in the page cache afterwards."""
    os.makedirs(WORK, exist_ok=True)
    folder = os.path.join(WORK, name)
    if not os.path.isdir(folder):
        shutil.rmtree(folder + ".new", ignore_errors=True)
        os.makedirs(folder + ".new")
        write(folder + ".new")
        os.rename(folder + ".new", folder)
    for base, _, files in os.walk(folder):
        for file in files:
            with open(os.path.join(base, file), "rb") as f:
                while f.read(1 << 20):
                    pass
    return folder


def build(name, *libraries):
    """The program of bench/<name>.c."""
    os.makedirs(WORK, exist_ok=True)
    program = os.path.join(WORK, name)
    subprocess.run([CC, "-O2", "-o", program, os.path.join(HERE, name + ".c"), *libraries], check=True)
    return program


def make_project(folder, name, settings=()):
    """A project of FOLDER/sources.sql and FOLDER/NAME.sql, with nothing stored yet; settings are (key, value) pairs."""
    project = os.path.join(WORK, os.path.basename(folder) + "-" + name)
    shutil.rmtree(project, ignore_errors=True)
    os.makedirs(os.path.join(project, "pipelines"))
    with open(os.path.join(project, "tarn.yml"), "w") as f:
        f.write("name: %s\nstorage: data\n" % name)
        f.write("configuration:\n" if settings else "")
        f.writelines('  %s: "%s"\n' % pair for pair in settings)
    for part in ("sources", name):
        shutil.copy(os.path.join(folder, part + ".sql"), os.path.join(project, "pipelines"))
    return project


def run_tarn(tarn, project, env):
    return measured([tarn, "run", project, "--once", "--no-ui"], env=env)


def check(tarn, project, env, answers, name, text=None):
    """(rows, what is wrong or None) of a project's table after its run; then the project is removed."""
    path = os.path.join(project, "answer.parquet")
    measured([tarn, "query", "-C", project, "-o", path, text or "SELECT * FROM `%s`" % name], env=env)
    result = answers.difference(name, path)
    shutil.rmtree(project)
    return result


def median(values):
    return sorted(values)[len(values) // 2]


def machine():
    name = "?"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) >> 20
    return "%d cores, %s, %d GiB, %s" % (os.cpu_count(), name, memory, platform.platform())
