"""nexmark_events.py: the rules of Nexmark's events (kinds, ids, hot ones, times), looked up in a generated set. Prints what does not hold."""
import os
import shutil
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "bench"))
sys.dont_write_bytecode = True

import answers  # noqa: E402
import harness  # noqa: E402

EVENTS = 100000
# (what, SQL of one value, wanted)
RULES = [
    ("people are 2 %", "SELECT count(*) FROM person", EVENTS // 50),
    ("auctions are 6 %", "SELECT count(*) FROM auction", EVENTS // 50 * 3),
    ("bids are 92 %", "SELECT count(*) FROM bid", EVENTS // 50 * 46),
    ("people are numbered from 1000", "SELECT count(*) FROM person WHERE id NOT BETWEEN 1000 AND %d" % (999 + EVENTS // 50), 0),
    ("each person once", "SELECT count(DISTINCT id) FROM person", EVENTS // 50),
    ("each auction once", "SELECT count(DISTINCT id) FROM auction", EVENTS // 50 * 3),
    ("categories are 10 to 14", "SELECT count(DISTINCT category) * 100 + min(category) FROM auction", 510),
    ("auctions end after they began", "SELECT count(*) FROM auction WHERE expires <= dateTime", 0),
    ("a reserve is above the first bid", "SELECT count(*) FROM auction WHERE reserve <= initialBid", 0),
    ("prices lie in six powers of ten", "SELECT count(*) FROM bid WHERE price NOT BETWEEN 100 AND 100000000", 0),
    ("a third of the prices is below 100 x 100", "SELECT round(count(*) FILTER (price < 10000) * 30 / count(*)) FROM bid", 10),
    ("half of the bids go to a hot auction", "SELECT round(count(*) FILTER (auction % 100 = 0) * 50 / count(*)) FROM bid", 25),
    ("three quarters come from a hot person", "SELECT round(count(*) FILTER (bidder % 100 = 1) * 20 / count(*)) FROM bid", 15),
    ("three quarters are sold by a hot person", "SELECT round(count(*) FILTER (seller % 100 = 0) * 20 / count(*)) FROM auction", 15),
    ("half of the channels have a name", "SELECT round(count(*) FILTER (channel NOT LIKE 'channel-%') * 20 / count(*)) FROM bid", 10),
    ("a channel has one link", "SELECT count(*) FROM (SELECT channel FROM bid GROUP BY channel HAVING count(DISTINCT url) > 1)", 0),
    ("nine of ten unnamed channels have their number in the link",
     "SELECT round(count(DISTINCT channel) FILTER (url LIKE '%channel_id=%') * 20 / count(DISTINCT channel)) FROM bid "
     "WHERE channel LIKE 'channel-%'", 18),
    ("time has a second for every 1000 events", "SELECT epoch_ms(max(dateTime)) - epoch_ms(min(dateTime)) FROM bid", 99995),
    ("six states", "SELECT count(DISTINCT state) FROM person", 6),
    ("the table of q13", "SELECT count(DISTINCT key) FROM side", 10000),
]


def generate(program, name, *arguments):
    folder = os.path.join(harness.WORK, name)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([program, str(EVENTS), folder, "1000", *arguments], check=True)
    return folder


def same(left, right):
    return subprocess.run(["diff", "-rq", left, right], stdout=subprocess.DEVNULL).returncode == 0


def main():
    program = harness.build("nexmark", "-lm")
    first, again, other = (generate(program, "events-" + name, *seed) for name, seed in
                           (("first", ()), ("again", ()), ("other", ("7",))))
    duck = answers.Answers(os.path.join(harness.HERE, "nexmark"), first).duck
    failed = 0
    for what, sql, wanted in RULES:
        got = duck.run(sql)
        if got != wanted:
            failed += 1
            print("%s: %d, wanted %d" % (what, got, wanted))
    for what, holds in (("the same arguments make the same events", same(first, again)),
                        ("another seed makes others", not same(first, other))):
        if not holds:
            failed += 1
            print(what + ": no")
    for folder in (first, again, other):
        shutil.rmtree(folder)
    print("%d passed, %d failed" % (len(RULES) + 2 - failed, failed))
    return 1 if failed else 0


sys.exit(main())
