#!/usr/bin/env python3
"""report.py [RESULTS]: writes the figures of build/bench/results.json below the marker line of docs/benchmarks.md."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "docs", "benchmarks.md")
MARKER = "<!-- made by bench/report.py: do not edit below -->\n"
CASES = ("tumble", "append", "slide", "session", "join")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def title(text, part):
    return "\n## %s\n%s, %s\n\n" % (text, part["day"], part["machine"])


def beside_peers(results):
    rows = []
    for case in [case for case in CASES if case in results]:
        figures = results[case]["figures"]
        for name in [name for name in ("tarn", "spark", "flink") if name in figures]:
            one = figures[name]
            if "failed" in one:
                rows.append([case, name, "failed", "", "", "", "", ""])
                continue
            ratios = ["%.1f x" % one[key] if key in one else "" for key in ("by_wall", "by_cpu")]
            rows.append([case, name, "%.2f" % one["wall"], "%.0f" % (figures["events"] / one["wall"] / 1000), "%.1f" % one["cpu"],
                         "%.0f" % one["rss_mb"], *ratios])
    return table(["case", "engine", "s", "k rows/s", "CPU s", "RSS MB", "tarn is faster by", "and by CPU"], rows)


def nexmark(part):
    rows = []
    for query, one in part["figures"].items():
        if "wall" not in one:
            rows.append([query, "failed", "", "", "", "", one["wrong"].splitlines()[-1]])
            continue
        rows.append([query, "%.2f" % one["wall"], "%.1f" % one["cpu"], "%.0f" % (one["events"] / one["wall"] / 1000),
                     "%.0f" % one["rss_mb"], str(one["rows"]), one["wrong"] or "as DuckDB's"])
    return table(["query", "s", "CPU s", "k events/s", "RSS MB", "rows", "answer"], rows)


def curve(part):
    rows = []
    for name, one in part["figures"].items():
        case, keys = name.split()
        if "failed" in one:
            rows.append([case, keys, "failed", "", "", "", "", ""])
            continue
        rows.append([case, keys, "%d" % one["p50"], "%d" % one["p99"], "%d" % one["max"], "%.0f" % one["bytes_a_key"],
                     "%.1f" % one["restart_s"], "%.0f" % one["rss_mb"]])
    return table(["state of", "keys", "p50 ms", "p99 ms", "max ms", "bytes a key", "restart s", "RSS MB"], rows)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "build", "bench", "results.json")
    with open(path) as f:
        results = json.load(f)
    text = ""
    for case in CASES:
        if case in results:
            text += title("Beside Spark and Flink", results[case]) + beside_peers(results)
            break
    if "nexmark" in results:
        text += title("Nexmark", results["nexmark"]) + nexmark(results["nexmark"])
    if "curve" in results:
        text += title("A batch of 1,000 events against large state", results["curve"]) + curve(results["curve"])
    with open(PAGE) as f:
        page = f.read()
    with open(PAGE, "w") as f:
        f.write(page.split(MARKER)[0] + MARKER + text)


main()
