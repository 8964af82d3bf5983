# SPDX-License-Identifier: Apache-2.0
"""A case as a .test file, which `tarn test` runs."""
LABELS = ("('a', 0, 'first', 1), ('b', 1, 'second', 2), ('b', 1, 'third', NULL), (NULL, 2, 'none', 4), "
          "('x', CAST(NULL AS INT), 'ex', 5)")

# Points that a batch with rows reaches, and those that need rows for a table.
CRASHES = ("flow.after_run", "flow.after_log", "state.mid_record")
CRASHES_OF_ROWS = ("delta.before_commit", "delta.after_commit", "flow.after_sink")


class Boundary:
    """What a sink in memory has lost: `open`, the last tick whose rows may be gone; `sure`, the last after which
    none is."""

    def __init__(self):
        self.open = self.sure = -1


class Case:
    def __init__(self, seed, world, queries):
        self.seed, self.world, self.queries = seed, world, queries
        self.checked = set(range(len(world.ticks)))

    def only(self, indices):
        other = Case(self.seed, self.world, [self.queries[i] for i in indices])
        other.checked = self.checked
        return other


def csv_line(world, row):
    fields = []
    for column in world.columns:
        value = row[column.name]
        fields.append("" if value is None else value)
    return ",".join(fields)


def literal(value):
    return "NULL" if value is None else "'%s'" % value


def every_row(world, source, time_text):
    """The rows of a source as a view, with the tick they come in and what decides whether they are late."""
    names = [c.name for c in world.columns]
    lines = []
    for tick, row in world.rows(source):
        seen = None if row["seen"] is None else time_text(row["seen"])
        lines.append("(%s, %d, %s)" % (", ".join(literal(row[name]) for name in names), tick, literal(seen)))
    lines.append("(%s)" % ", ".join(["NULL"] * (len(names) + 2)))  # in no tick: gives each column its type
    casts = ["CAST(_%d AS %s) AS %s" % (i, c.type, c.name) for i, c in enumerate(world.columns)]
    casts += ["CAST(_%d AS INT) AS tick_" % len(names), "CAST(_%d AS TIMESTAMP) AS seen_" % (len(names) + 1)]
    return "CREATE TEMPORARY VIEW %s_all AS\nSELECT %s\nFROM VALUES\n%s AS t(%s)" % (
        source, ", ".join(casts), ",\n".join(lines), ", ".join("_%d" % i for i in range(len(names) + 2)))


class Writer:
    def __init__(self):
        self.lines = []
        self.owner = {}  # line of a directive -> index of the query, or None

    def block(self, directive, body="", owner=None):
        self.owner[len(self.lines) + 1] = owner
        self.lines += [directive] + (body.split("\n") if body else []) + [""]


def reaches(case, tick):
    """Whether the tick comes to its crash: a point that is not reached fails a .test file."""
    fed = {source for source, batches in tick.pushes.items() if any(batches)}
    readers = [query for query in case.queries if fed.intersection(query.sources())]
    return any(query.is_sure for query in readers) if tick.crash in CRASHES_OF_ROWS else bool(readers)


def write(case, time_text):
    """(text, line of a directive -> index of its query)"""
    world = case.world
    out = Writer()
    if not world.free:
        out.lines.append("batches and restarts fixed")
    out.lines += ["# seed %s" % case.seed, ""]
    schema = ", ".join("%s %s" % (c.name, c.type) for c in world.columns)
    for source in world.sources:
        out.block("statement ok", "CREATE TEMPORARY VIEW %s AS SELECT * FROM STREAM read_files('.', format => 'csv', "
                  "schema => '%s')" % (source, schema))
        out.block("statement ok", every_row(world, source, time_text))
    out.block("statement ok", "CREATE TEMPORARY VIEW labels AS SELECT * FROM VALUES %s "
              "AS t(key_k, key_g, label, weight)" % LABELS)
    through = {base.source for query in case.queries for base in query.rel.bases if base.through_table}
    for source in sorted(through):
        out.block("statement ok", "CREATE STREAMING TABLE %s_table AS SELECT * FROM STREAM %s" % (source, source))
    for i, query in enumerate(case.queries):
        for statement in query.statements("q%d" % i):
            out.block("statement ok", statement, i)
    boundary = Boundary()
    for number, tick in enumerate(world.ticks):
        if tick.restart and number > 0:
            out.block("restart")
            boundary.open = boundary.sure = number - 1
        for source in world.sources:
            for batch in tick.pushes.get(source, ()):
                if batch:
                    out.block("push " + source, "\n".join(csv_line(world, row) for row in batch))
        if tick.crash and reaches(case, tick):
            out.block("crash " + tick.crash)
            boundary.open, boundary.sure = number - 1, number
        out.block("tick")
        if number not in case.checked:
            continue
        for i, query in enumerate(case.queries):
            if not any(at <= number for source in query.sources() for at, _ in world.rows(source)):
                continue  # no batch yet
            for check in query.checks("q%d" % i, world, number, boundary):
                out.block("query %d sort" % check.columns, check.sql + "\n----", i)
    return "\n".join(out.lines) + "\n", out.owner
