# SPDX-License-Identifier: Apache-2.0
"""What a case is fed with: sources, their rows, and what happens when.

A World has one or two sources of the same columns. Its life is a list of ticks; in each, every source
is pushed some batches of rows, and the program may be restarted before it or crash within it. The last
tick of a world with `closes` brings one row per source that lies far in the future, so that everything
before it is final.

Two ways to draw event times:
  in time   no row is older than the watermark in force, wherever batches end
  late      rows may be older; then `seen` of a row is the event time that the watermark had been computed from
            when the row's batch decided what is late (Spark: the watermark of the batch before)
"""
import copy
import datetime

DELAYS = (0, 1, 2, 5, 10)  # seconds; a world's rows are out of order by less than its delay
FAR = 7 * 366 * 86_400_000  # ms after the start: 2031
SAMPLE_KEYS = ("a", "a", "a", "b", "b", "c", "d e", "ü", "A")


class Column:
    def __init__(self, name, type, draw):
        self.name, self.type, self.draw = name, type, draw


def maybe(share, draw):
    return lambda r: None if r.random() < share else draw(r)


def draw_columns(rng):
    """id, k, g, ts and v are always there; the others are drawn."""
    extra = [
        Column("n", "BIGINT", maybe(0.1, lambda r: str(r.choice((0, 1, 7, -3, 10_000_000_000, 25))))),
        Column("d", "DECIMAL(10,2)", maybe(0.1, lambda r: "%.2f" % r.choice((0, 1.5, -2.25, 99.99, 0.01, 12.34)))),
        Column("x", "DOUBLE", maybe(0.1, lambda r: str(r.randrange(-16, 17) / 4))),
        Column("b", "BOOLEAN", maybe(0.15, lambda r: r.choice(("true", "false")))),
        Column("day", "DATE", maybe(0.1, lambda r: "2024-0%d-%02d" % (r.randrange(1, 4), r.randrange(1, 29)))),
        Column("s", "STRING", maybe(0.15, lambda r: r.choice(("x", "y", "yy", "Zo", "q-r", "7")))),
    ]
    return [
        Column("id", "INT", None),
        Column("k", "STRING", maybe(0.08, lambda r: r.choice(SAMPLE_KEYS))),
        Column("g", "INT", maybe(0.05, lambda r: str(r.randrange(3)))),
        Column("ts", "TIMESTAMP", None),
        Column("v", "INT", maybe(0.1, lambda r: str(r.randrange(-5, 30)))),
    ] + sorted(rng.sample(extra, rng.randrange(2, 7)), key=lambda c: c.name)


def time_text(ms):
    """Milliseconds after 2024-01-01 as Spark writes a timestamp."""
    time = datetime.datetime(2024, 1, 1) + datetime.timedelta(milliseconds=ms)
    return time.strftime("%Y-%m-%d %H:%M:%S") + (".%03d" % (ms % 1000) if ms % 1000 else "")


class Tick:
    def __init__(self):
        self.pushes = {}  # source -> list of batches, each a list of rows
        self.restart = False
        self.crash = None


class World:
    """Rows are dicts: column -> text or None; `time` (ms or None) beside them."""

    def __init__(self):
        self.columns = []
        self.sources = []
        self.ticks = []
        self.delay = 0
        self.late = False
        self.closes = True
        self.free = False  # run under all permutations, not only as written

    def copy(self):
        return copy.deepcopy(self)

    def type_of(self, name):
        return next(c.type for c in self.columns if c.name == name)

    def rows(self, source):
        """(index of the tick, row) in order."""
        return [(i, row) for i, tick in enumerate(self.ticks) for batch in tick.pushes.get(source, ()) for row in batch]

    def row_count(self):
        return sum(len(self.rows(source)) for source in self.sources)

    def set_seen(self):
        """The model of Spark's watermark: what is late in batch N is decided by the watermark of batch N-1, which
        was computed from the batches before that; when it moved, a batch without rows follows."""
        for source in self.sources:
            known = evict = None
            for tick in self.ticks:
                batches = tick.pushes.get(source, ())
                for batch in batches:
                    for row in batch:
                        row["seen"] = evict
                    evict = known
                    times = [row["time"] for row in batch if row["time"] is not None]
                    known = max(times + ([] if known is None else [known]), default=None)
                if batches:
                    evict = known


def draw_row(rng, world, number, time):
    row = {c.name: c.draw(rng) for c in world.columns if c.draw}
    row["id"] = str(number)
    row["time"] = time
    row["ts"] = None if time is None else time_text(time)
    return row


def draw_time(rng, world, clock):
    if rng.random() < 0.03:
        return None
    if world.late:
        return max(0, clock - (rng.randrange(0, 40_000) if rng.random() < 0.3 else 0))
    back = rng.randrange(0, world.delay * 1000) if world.delay and rng.random() < 0.5 else 0
    return max(0, clock - (back if rng.random() < 0.3 else back // 1000 * 1000))


def draw(rng, free=False):
    world = World()
    world.columns = draw_columns(rng)
    world.sources = ["s0", "s1"]
    world.delay = rng.choice(DELAYS[1:] if free else DELAYS)
    world.free = free
    world.late = not free and rng.random() < 0.35
    clocks = {source: 60_000 for source in world.sources}
    number = 0
    spread = rng.choice((250, 500, 2000, 6000))
    for _ in range(rng.choice((1, 2, 2, 3))):
        tick = Tick()
        for source in world.sources:
            for _ in range(rng.choice((0, 1, 1, 2))):
                batch = []
                for _ in range(rng.choice((1, 2, 4, 6, 9))):
                    number += 1
                    clocks[source] += 250 + rng.randrange(spread) // 250 * 250
                    batch.append(draw_row(rng, world, number, draw_time(rng, world, clocks[source])))
                    if rng.random() < 0.08:
                        batch.append(dict(batch[-1]))
                tick.pushes.setdefault(source, []).append(batch)
        tick.restart = not free and rng.random() < 0.2
        world.ticks.append(tick)
    last = Tick()
    for i, source in enumerate(world.sources):
        row = draw_row(rng, world, -1 - i, FAR + i * 43_200_000)
        # Passes the conditions of joins, which are asked for below the watermark.
        row.update(k="end " + source, g="1", v=("20", "25")[i])
        last.pushes[source] = [[row]]
    world.ticks.append(last)
    world.set_seen()
    return world
