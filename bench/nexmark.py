#!/usr/bin/env python3
"""nexmark.py TARN EVENTS [QUERY...]: Nexmark's queries streamed by tarn, their answers compared with DuckDB's over the same files.

Ends with exit code 1 when an answer differs. NEXMARK_BATCH is the most bytes of a stream's batch (64m), BENCH_MEMORY
the memory limit (4GB)."""
import os
import subprocess
import sys

import harness
from answers import Answers

MEMORY = os.environ.get("BENCH_MEMORY", "4GB")  # as much as the peers' heap
HERE = os.path.join(harness.HERE, "nexmark")
QUERIES = ["q%d" % i for i in range(23)]
# By the clock: which window a bid falls into depends on when it was read.
READ = {"q12": "SELECT bidder, sum(bids) AS bids FROM q12 GROUP BY bidder"}
PARTLY = {"q4": "the join streams, the averages are computed anew for each batch", "q6": "as q4"}


def make_data(events, rate):
    """The folder with the streams."""
    def write(folder):
        subprocess.run([harness.build("nexmark", "-lm"), str(events), folder, str(rate)], check=True)
    return harness.make_data("nexmark-%d-%d" % (events, rate), write)


def run_query(tarn, query, data, answers):
    """{'wall', 'cpu', 'rss_mb', 'rows', 'wrong'} of one query, from the start of the process to its end."""
    project = harness.make_project(HERE, query, (("tarn.memory.limit", MEMORY),))
    environment = dict(os.environ, NEXMARK=data)
    run = harness.run_tarn(tarn, project, environment)
    rows, wrong = harness.check(tarn, project, environment, answers, query, READ.get(query))
    return dict(wall=run.wall, cpu=run.cpu, rss_mb=run.rss_mb, others=run.others, rows=rows, wrong=wrong)


def run_all(tarn, events, rate, queries):
    data = make_data(events, rate)
    answers = Answers(HERE, data)
    results = {}
    print("nexmark  %d events, %d a second of event time, memory limit %s" % (events, rate, MEMORY))
    print("query   wall s   CPU s  k events/s  k events/CPU s  RSS MB     rows  answer")
    for query in queries:
        try:
            result = run_query(tarn, query, data, answers)
        except (harness.Failed, ValueError) as problem:
            result = dict(wrong=str(problem).strip())
            print("%-5s  %s" % (query, result["wrong"]))
        else:
            note = "differs: " + result["wrong"] if result["wrong"] else "as DuckDB's"
            note += " (%s)" % PARTLY[query] if query in PARTLY else ""
            print("%-5s %8.2f %7.2f %11.0f %15.0f %7.0f %8d  %s" %
                  (query, result["wall"], result["cpu"], events / result["wall"] / 1000, events / result["cpu"] / 1000,
                   result["rss_mb"], result["rows"], note), flush=True)
        results[query] = dict(events=events, **result)
    return results


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    events = int(sys.argv[2])
    # A hundred seconds of event time at least, so that windows close.
    results = run_all(os.path.abspath(sys.argv[1]), events, min(10000, events // 100), sys.argv[3:] or QUERIES)
    wrong = [query for query in results if results[query]["wrong"]]
    print("%d passed, %d failed" % (len(results) - len(wrong), len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
