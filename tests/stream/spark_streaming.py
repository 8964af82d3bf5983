#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs recorded streaming scenarios of real Spark and compares batch by batch.

    TARN=build/tarn spark_streaming.py STREAMING.JSONL [--step] [-v] [NAME...]

Each input file is one batch (maxFilesPerTrigger 1). Compared of every batch: number, rows as a multiset
(values as Spark casts them to STRING), input rows, the watermark in force, event times (min, max, avg), and of each stateful operator
its rows in state, updated, removed and dropped by the watermark. `prewritten` has all files in place,
`step` (with --step) runs the program once for every file. The last line is
"N passed, N failed". A scenario that Spark refuses and tarn runs (`beyond`) is
compared with the same query as a batch over the rows so far. What this version refuses is in REFUSED, with the words of the refusal: that they come is
the check then, and a scenario that begins to run must leave the list."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TARN = os.path.realpath(os.environ["TARN"])
FIRST_TIME = 1_700_000_000
MARK = "-" * 43

# What this version does not run: scenario -> words of the refusal.
REFUSED = {}

# Scenarios that are recorded without SQL.
SQL = {
    "ss_join_window_equality":
        "SELECT a.w.start AS start, a.k, a.v AS av, b.v AS bv "
        "FROM (SELECT window(ts, '10 seconds') AS w, k, v FROM STREAM a WATERMARK ts DELAY OF INTERVAL 10 SECONDS) AS a "
        "JOIN (SELECT window(ts, '10 seconds') AS w, k, v FROM STREAM b WATERMARK ts DELAY OF INTERVAL 10 SECONDS) AS b "
        "ON a.k = b.k AND a.w = b.w",
    "ss_join_left_outer_no_watermark_error":
        "SELECT a.k, b.v AS bv FROM STREAM a WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS a "
        "LEFT JOIN STREAM b AS b ON a.k = b.k",
}


def write_rows(folder, index, rows):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "%04d.json" % index)
    with open(path, "w") as f:
        for row in rows:
            f.write(json.dumps(row) + "\n")
    os.utime(path, (FIRST_TIME + index, FIRST_TIME + index))


def pipeline(scenario):
    statements = []
    for name, source in scenario["sources"].items():
        statements.append("CREATE TEMPORARY VIEW %s AS SELECT * FROM STREAM read_files('in_%s', format => 'json', "
                          "schema => '%s', maxFilesPerTrigger => 1);" % (name, name, source["schema"]))
    for name, table in scenario.get("static", {}).items():
        statements.append("CREATE TEMPORARY VIEW %s AS SELECT * FROM read_files('static_%s', format => 'json', "
                          "schema => '%s');" % (name, name, table["schema"]))
    sql = scenario.get("tarn_sql") or scenario["sql"] or SQL[scenario["name"]]
    statements.append("CREATE SINK out USING console OPTIONS (outputMode '%s', numRows 100000, truncate false);"
                      % scenario["output_mode"])
    statements.append("CREATE FLOW f AS INSERT INTO out %s;" % sql)
    return "\n".join(statements) + "\n"


def make_project(folder, scenario):
    os.makedirs(os.path.join(folder, "pipelines"))
    with open(os.path.join(folder, "tarn.yml"), "w") as f:
        f.write("name: scenario\n")
        if scenario.get("conf"):
            f.write("configuration:\n")
            f.writelines("  %s: '%s'\n" % item for item in scenario["conf"].items())
    with open(os.path.join(folder, "pipelines", "scenario.sql"), "w") as f:
        f.write(pipeline(scenario))
    for name in scenario["sources"]:
        os.makedirs(os.path.join(folder, "in_" + name))
    for name, table in scenario.get("static", {}).items():
        write_rows(os.path.join(folder, "static_" + name), 0, table["rows"])


def file_count(scenario):
    return max(len(source["batches"]) for source in scenario["sources"].values())


def segments(scenario, form):
    """The files that arrive before each run: lists of indexes."""
    count = file_count(scenario)
    starts = range(1, count) if form == "step" else scenario.get("restart_before_file", [])
    bounds = [0, *starts, count]
    return [range(a, b) for a, b in zip(bounds, bounds[1:])]


def table_rows(lines):
    """Cells of a table in the form of Spark's show(); the rule says where each column ends."""
    ends = [i for i, c in enumerate(lines[0]) if c == "+"]
    rows = []
    for line in lines[3:-1]:
        cells = [line[a + 1:b].rstrip(" ") for a, b in zip(ends, ends[1:])]
        rows.append([None if cell == "NULL" else cell for cell in cells])
    return rows


def parse_output(text):
    batches = []
    rows = None
    lines = text.split("\n")
    i = 0
    while i < len(lines):
        if lines[i] == MARK and i + 2 < len(lines) and lines[i + 2] == MARK:
            table = []
            i += 3
            while lines[i].startswith(("+", "|")):
                table.append(lines[i])
                i += 1
            rows = table_rows(table)
        elif lines[i].startswith("{"):
            progress = json.loads(lines[i])
            if progress["type"] == "progress":
                batches.append(batch_of(progress, rows))
                rows = None
            i += 1
        else:
            i += 1
    return batches


def batch_of(progress, rows):
    operators = [{"op": o["operatorName"], "state_rows": o["numRowsTotal"], "updated": o["numRowsUpdated"],
                  "removed": o["numRowsRemoved"], "dropped_by_watermark": o["numRowsDroppedByWatermark"]}
                 for o in progress["stateOperators"]]
    return {"batch": progress["batchId"], "input_rows": progress["numInputRows"],
            "watermark": progress.get("eventTime", {}).get("watermark"),
            "event_time": {k: v for k, v in progress.get("eventTime", {}).items() if k != "watermark"} or None,
            "rows": rows or [], "operators": operators}


def run(scenario, form):
    """(batches, message): message is None when every run ended well."""
    folder = tempfile.mkdtemp(prefix="tarn-spark-")
    try:
        make_project(folder, scenario)
        batches = []
        for files in segments(scenario, form):
            for name, source in scenario["sources"].items():
                for i in files:
                    if i < len(source["batches"]):
                        write_rows(os.path.join(folder, "in_" + name), i, source["batches"][i])
            done = subprocess.run([TARN, "run", "--once", "--json", "--no-ui"], cwd=folder, capture_output=True,
                                  text=True, timeout=60)
            batches += parse_output(done.stdout)
            if done.returncode != 0:
                return batches, "exit code %d: %s" % (done.returncode, done.stderr.strip())
        return batches, None
    finally:
        shutil.rmtree(folder)


def sort_key(row):
    return [(cell is not None, cell or "") for cell in row]


def differences(expected, actual):
    found = []
    for want, have in zip(expected, actual):
        # Spark counts the rows that its JSON reader let through a pushed-down filter: without an operator, and where a
        # join needs its keys.
        keys = ("batch", "input_rows", "watermark", "event_time") if want["operators"] else ("batch", "watermark")
        if any(o["op"] == "symmetricHashJoin" for o in want["operators"]):
            keys = ("batch", "watermark", "event_time")
        for key in keys:
            if want.get(key) != have[key]:
                found.append("batch %d: %s is %s, Spark has %s" % (want["batch"], key, have[key], want[key]))
        if sorted(want["rows"], key=sort_key) != sorted(have["rows"], key=sort_key):
            found.append("batch %d: rows are %s, Spark has %s" % (want["batch"], have["rows"], want["rows"]))
        if want["operators"] != have["operators"]:
            found.append("batch %d: operators are %s, Spark has %s"
                         % (want["batch"], have["operators"], want["operators"]))
    if len(expected) != len(actual):
        found.append("%d batches, Spark has %d" % (len(actual), len(expected)))
    return found


def union_differences(expected, actual):
    """Where Spark's own batches depend on a race, only what came out in all is compared."""
    want = sorted((row for batch in expected for row in batch["rows"]), key=sort_key)
    have = sorted((row for batch in actual for row in batch["rows"]), key=sort_key)
    return [] if want == have else ["rows are %s, Spark has %s" % (have, want)]


def batch_rows(scenario, count):
    """What the query gives as a batch over the first files."""
    folder = tempfile.mkdtemp(prefix="tarn-spark-")
    try:
        sql = re.sub(r"\s+WATERMARK\s+\w+\s+DELAY\s+OF\s+INTERVAL\s+\S+\s+\w+", "", scenario["sql"], flags=re.I)
        for name, source in scenario["sources"].items():
            for i in range(min(count, len(source["batches"]))):
                write_rows(os.path.join(folder, "in_" + name), i, source["batches"][i])
            sql = re.sub(r"STREAM\s+%s\b" % name, "read_files('in_%s', format => 'json', schema => '%s') AS %s"
                         % (name, source["schema"], name), sql, flags=re.I)
        done = subprocess.run([TARN, "query", "--format", "table", sql], cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("%s as a batch: %s" % (scenario["name"], done.stderr.strip()))
        return table_rows([line for line in done.stdout.split("\n") if line.startswith(("+", "|"))])
    finally:
        shutil.rmtree(folder)


def beyond_differences(scenario, batches):
    """Update mode: a batch shows rows of the answer so far, and by then every row of it has been shown."""
    found = []
    shown = []
    for count, batch in enumerate((b for b in batches if b["input_rows"] > 0), 1):
        answer = batch_rows(scenario, count)
        shown += batch["rows"]
        found += ["batch %d: row %s is not in the batch answer" % (batch["batch"], row)
                  for row in batch["rows"] if row not in answer]
        found += ["batch %d: row %s of the batch answer is missing" % (batch["batch"], row)
                  for row in answer if row not in shown]
    return found


def check(scenario, form):
    """(verdict, text) with verdict 'passed', 'failed' or 'refused'."""
    expected = scenario["prewritten" if "error" in scenario.get("prewritten", {}) else form]
    batches, message = run(scenario, form)
    if message is not None:
        refusal = REFUSED.get(scenario["name"])
        if refusal is not None and refusal in message and message.startswith("exit code 2"):
            return "refused", refusal
        if "error" not in expected:
            return "failed", "refused: " + message
        condition = expected["error"]
        if re.fullmatch(r"[A-Z][A-Z0-9_]*(\.[A-Z0-9_]+)*", condition) and "[%s]" % condition not in message:
            return "failed", "the condition is not %s: %s" % (condition, message)
        return "passed", condition
    if "error" in expected and scenario.get("beyond"):
        found = beyond_differences(scenario, batches)
        return ("failed", "\n    ".join(found)) if found else ("passed", "as in batch")
    if "error" in expected:
        return "failed", "runs, but Spark says %s" % expected["message"]
    if form == "step" and not scenario["step_stable"]:
        found = union_differences(expected["batches"], batches)
    else:
        found = differences(expected["batches"], batches)
    return ("failed", "\n    ".join(found)) if found else ("passed", "%d batches" % len(batches))


def main():
    args = [arg for arg in sys.argv[1:] if not arg.startswith("-")]
    verbose = "-v" in sys.argv
    path, wanted = args[0], args[1:]
    counts = {"passed": 0, "failed": 0, "refused": 0}
    with open(path) as f:
        scenarios = [json.loads(line) for line in f]
    for scenario in scenarios:
        if wanted and scenario["name"] not in wanted:
            continue
        forms = ["prewritten"]
        if "--step" in sys.argv and "batches" in scenario.get("step", {}):
            forms.append("step")
        for form in forms:
            verdict, text = check(scenario, form)
            if verdict == "refused" and form == "step":
                continue
            counts[verdict] += 1
            if verdict != "passed" or verbose:
                print("%s %s (%s): %s" % (verdict, scenario["name"], form, text))
    print("%d equal, %d refused by name as they should be" % (counts["passed"], counts["refused"]))
    print("%d passed, %d failed" % (counts["passed"] + counts["refused"], counts["failed"]))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
