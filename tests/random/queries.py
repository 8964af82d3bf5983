# SPDX-License-Identifier: Apache-2.0
"""Random streaming queries, and what each must have given after a tick.

A query knows its text over the stream and, for a tick, the checks that its output must pass: SQL of batch queries
over the same rows. Most are the very same text without STREAM, cut down to what is final at the watermark in
append mode. In a world with late rows the batch leaves out the rows that Spark's rule drops.
`simpler()` gives simpler queries, for shrinking; `name` is the dataset its rows go into."""
import copy

import expressions as ex
import relations as rels
import world as w
from relations import STREAM, View, seconds


class Check:
    """rows: SQL that must give none. Columns: of its rows."""

    def __init__(self, sql, columns):
        self.sql, self.columns = sql, columns


def equal(columns, actual, expected):
    """Rows of one that the other lacks, with the difference of how often: more than 0 is too often in the stream."""
    names = ", ".join(columns)
    return Check("SELECT %s, sum(side_) AS times FROM (SELECT %s, 1 AS side_ FROM %s UNION ALL SELECT %s, -1 AS side_ "
                 "FROM (%s)) GROUP BY %s HAVING sum(side_) <> 0" % (names, names, actual, names, expected, names),
                 len(columns) + 1)


def within(columns, actual, expected):
    names = ", ".join(columns)
    return Check("SELECT %s FROM (%s) EXCEPT ALL SELECT %s FROM (%s)" % (names, actual, names, expected), len(columns))


class Query:
    mode = "append"
    where = None
    keys = ()  # columns that name a row, in update mode
    is_sure = False  # gives rows in every batch
    lists = {}  # attribute -> fewest elements
    options = ()  # attributes that may be None

    def statements(self, name):
        table = "CREATE STREAMING TABLE %s%s AS\n%s"
        if self.mode == "update":
            keys = ", keys '%s'" % ",".join(self.keys)
            return ["CREATE SINK %s USING memory OPTIONS (outputMode 'update'%s)" % (name, keys),
                    "CREATE FLOW %s_flow AS INSERT INTO %s\n%s" % (name, name, self.sql(STREAM))]
        return [table % (name, " OPTIONS (outputMode 'complete')" if self.mode == "complete" else "", self.sql(STREAM))]

    def simpler(self):
        for attribute in self.options:
            if getattr(self, attribute) is not None:
                yield self.having_set(attribute, None)
        for attribute, least in self.lists.items():
            items = getattr(self, attribute)
            for i in range(len(items)):
                if len(items) > least:
                    yield self.having_set(attribute, items[:i] + items[i + 1:])
        for rel in self.rel.simpler():
            yield self.having_set("rel", rel)

    def having_set(self, attribute, what):
        other = copy.copy(self)
        setattr(other, attribute, what)
        return other

    def having_world(self, world):
        """The same query over a changed copy of the world."""
        other = copy.deepcopy(self)
        for base in other.rel.bases:
            base.world = world
        return other

    def sources(self):
        return [base.source for base in self.rel.bases]

    def closed(self, tick, time):
        """What is final in append mode: the watermark, once a tick has ended, is that of all rows before."""
        filters = list(self.rel.filters) + ([self.where] if self.where else [])
        conditions = []
        for base in self.rel.bases:
            where = " AND ".join(["tick_ <= %d" % tick] + ["(%s)" % text for text in filters])
            conditions.append("%s <= (SELECT max(ts) - %s FROM %s_all WHERE %s)" % (
                time, seconds(base.delay), base.source, where))
        return " AND ".join(conditions)


class Project(Query):
    lists = {"items": 1}
    options = ("where",)

    def __init__(self, rng, world):
        self.rel = rels.draw(rng, world)
        scope = self.rel.scope()
        types = sorted(set(scope.values()))
        self.items = [(ex.value(rng, scope, rng.choice(types)), "c%d" % i) for i in range(rng.randrange(1, 5))]
        self.where = ex.condition(rng, scope) if rng.random() < 0.5 else None
        self.is_sure = self.where is None and isinstance(self.rel, rels.Base)

    columns = property(lambda self: [name for _, name in self.items])

    def sql(self, view):
        items = ", ".join("%s AS %s" % item for item in self.items)
        return "SELECT %s FROM %s%s" % (items, self.rel.text(view), " WHERE " + self.where if self.where else "")

    def checks(self, name, world, tick, _):
        return [equal(self.columns, name, self.sql(View(tick)))]


class Expect(Project):
    """A constraint on the columns of the table; rows for which it is not true go."""

    def __init__(self, rng, world):
        super().__init__(rng, world)
        scope = self.rel.scope()
        self.items = [(ex.value(rng, scope, "INT"), "c0"), (ex.value(rng, scope, "STRING"), "c1")]
        self.condition = ex.condition(rng, {"c0": "INT", "c1": "STRING"}, 1)
        self.action = rng.choice(("DROP ROW", "QUARANTINE"))
        self.lists = {}
        self.is_sure = False

    def statements(self, name):
        return ["CREATE STREAMING TABLE %s (CONSTRAINT rule EXPECT (%s) ON VIOLATION %s) AS\n%s"
                % (name, self.condition, self.action, self.sql(STREAM))]

    def checks(self, name, world, tick, _):
        good = "SELECT c0, c1 FROM (%s) WHERE %s%s"
        batch = self.sql(View(tick))
        checks = [equal(self.columns, name, good % (batch, "", self.condition))]
        if self.action == "QUARANTINE":
            bad = good % (batch, "NOT ", "coalesce(%s, false)" % self.condition)
            checks.append(equal(self.columns, "(SELECT c0, c1 FROM %s_quarantine WHERE _constraint = 'rule')" % name, bad))
        return checks


class Limit(Project):
    def __init__(self, rng, world):
        super().__init__(rng, world)
        self.limit = rng.choice((0, 1, 3, 7, 20))
        self.is_sure = False

    def statements(self, name):
        return ["CREATE STREAMING TABLE %s AS\n%s LIMIT %d" % (name, self.sql(STREAM), self.limit)]

    def checks(self, name, world, tick, _):
        batch = self.sql(View(tick))
        count = "SELECT count(*) AS n FROM (SELECT 1 AS one FROM (%s) LIMIT %d)" % (batch, self.limit)
        return [within(self.columns, "SELECT * FROM " + name, batch),
                equal(["n"], "(SELECT count(*) AS n FROM %s)" % name, count)]


class Dedup(Query):
    lists = {"keys_": 1}
    options = ("where",)

    def __init__(self, rng, world):
        self.rel = rels.draw_base(rng, world)
        names = sorted(set(self.rel.scope()) - {"id"})
        self.keys_ = sorted(rng.sample(names, rng.randrange(1, 4)))
        if self.rel.event and rng.random() < 0.5 and "ts" not in self.keys_:
            self.keys_.append("ts")
        self.style = rng.choice(("SELECT DISTINCT", "DROP DUPLICATES"))
        self.where = ex.condition(rng, self.rel.scope()) if self.style == "SELECT DISTINCT" and rng.random() < 0.4 else None
        # SELECT DISTINCT does not see an event time that it does not select, so that no row is late.
        self.late = world.late and self.rel.event is not None and (self.style != "SELECT DISTINCT" or "ts" in self.keys_)
        if self.late:
            self.where = None

    columns = property(lambda self: list(self.keys_))

    def sql(self, view):
        where = [self.where] if self.where else []
        if not view.is_stream and self.late:
            where.append("(seen_ IS NULL OR ts IS NULL OR ts > seen_ - %s)" % seconds(self.rel.delay))
        where = " WHERE " + " AND ".join(where) if where else ""
        keys = ", ".join(self.keys_)
        if view.is_stream and self.style == "DROP DUPLICATES":
            return "SELECT %s FROM %s DROP DUPLICATES ON (%s)" % (keys, self.rel.text(view), keys)
        return "SELECT DISTINCT %s FROM %s%s" % (keys, self.rel.text(view), where)

    def checks(self, name, world, tick, _):
        return [equal(self.columns, name, self.sql(View(tick)))]


class Aggregate(Query):
    """GROUP BY, perhaps with a window of the event time or the event time itself (`time`)."""
    lists = {"groups": 0, "aggregates": 1}
    options = ("having", "where")

    def __init__(self, rng, world, windows=("none", "tumbling", "sliding", "session", "exact")):
        self.time = rng.choice(windows)
        modes = {"none": ("complete", "complete", "update"), "session": ("append", "append", "complete"),
                 }.get(self.time, ("append", "append", "append", "update", "complete"))
        self.mode = rng.choice(modes)
        if self.time == "session" and world.late:
            self.mode = "complete"
        self.late = world.late and self.mode != "complete" and self.time != "none"
        # What depends on the watermark: what is final, what is late.
        needs_watermark = True if self.mode == "append" or self.late else None
        if self.time == "session" and world.late:
            needs_watermark = False  # as in Spark, sessions drop late rows in complete mode too
        self.rel = self.draw_relation(rng, world, needs_watermark)
        scope = self.rel.scope()
        self.size = rng.choice((2, 5, 10, 30))
        self.slide = rng.choice([n for n in (1, 2, 3, 5, 10) if self.size / 6 <= n <= self.size])
        self.draw_groups(rng, scope, world)
        self.aggregates = [(ex.aggregate(rng, scope), "a%d" % i) for i in range(rng.randrange(1, 4))]
        self.where = None
        if rng.random() < 0.3 and not (needs_watermark and world.late):
            self.where = rels.draw_where(rng, self.rel, needs_watermark)
        self.having = None
        if rng.random() < 0.2:
            self.having = "count(*) > 1" if self.mode == "update" else ex.aggregate(rng, scope) + " IS NOT NULL"
        if self.time == "none" and not self.groups:
            self.mode = "complete"
        self.lists = dict(self.lists, groups=1 if self.time == "session" or self.mode == "update" and self.time == "none" else 0)
        self.style = rng.choice(("expression", "expression", "alias", "position"))
        self.is_below = self.time in ("tumbling", "sliding") and rng.random() < 0.2  # the window is a column below

    def draw_relation(self, rng, world, needs_watermark):
        if not world.late and self.mode != "update" and rng.random() < 0.12:
            base = rels.draw_base(rng, world, watermark=True)
            return rels.Unique(base, ["ts"] + rng.sample(["k", "g", "v"], rng.randrange(1, 4)))
        return rels.draw(rng, world, needs_watermark)

    def draw_groups(self, rng, scope, world):
        names = sorted(set(scope) - {"id", "ts", "x"})
        count = rng.choice({"none": (0, 1, 1, 2, 3), "session": (1, 1, 2)}.get(self.time, (0, 0, 1, 1, 2)))
        self.groups = []
        for i, name in enumerate(rng.sample(names, min(count, len(names)))):
            text = name if rng.random() < 0.7 else ex.value(rng, scope, scope[name], 1)
            if not any(column in text for column in names):
                text = name
            self.groups.append((text, "k%d" % i))
        if self.time in ("none", "tumbling") and self.mode == "complete" and self.groups and rng.random() < 0.15:
            self.groups[0] = ("struct(%s AS f, %s AS h)" % (self.groups[0][0], rng.choice(names)), "k0")

    def call(self):
        return {"tumbling": "window(ts, '%d seconds')" % self.size, "exact": "ts",
                "sliding": "window(ts, '%d seconds', '%d seconds')" % (self.size, self.slide),
                "session": "session_window(ts, '%d seconds')" % self.size, "none": None}[self.time]

    def shown(self, window):
        """Columns that name the window."""
        if self.time == "none":
            return []
        if self.time == "exact":
            return [("ts", "at")]
        return [(window + ".start", "starts"), (window + ".end", "ends")]

    @property
    def keys(self):
        return [name for _, name in self.shown("w") + self.groups]

    def simpler(self):
        yield from super().simpler()
        if self.is_below:
            yield self.having_set("is_below", False)

    columns = property(lambda self: self.keys + [name for _, name in self.aggregates])
    final_time = property(lambda self: "at" if self.time == "exact" else "ends")

    def sql(self, view, touched=None):
        """touched: only groups with rows that came after this tick."""
        late = self.late and not view.is_stream
        below = self.time != "exact" and (late or self.is_below)
        window = "session_window" if self.time == "session" else "window"
        shown = self.shown("w_" if below else window)
        items = ", ".join("%s AS %s" % item for item in shown + self.groups + self.aggregates)
        where = "(%s)" % self.where if self.where else None
        source = self.rel.text(view)
        if below:
            source = "(SELECT *, %s AS w_ FROM %s%s) AS z" % (self.call(), source, " WHERE " + where if where else "")
            where = None
        if late:
            mark = "seen_ - %s" % seconds(self.rel.bases[0].delay)
            on_time = "(seen_ IS NULL OR ts IS NULL OR %s > %s)" % ("w_.end" if below else "ts", mark)
            where = "%s AND %s" % (where, on_time) if where else on_time
        calls = [] if self.time == "none" else ["w_" if below else self.call()]
        offset = len(shown) + 1
        groups = [{"expression": text, "alias": name, "position": str(offset + i)}[self.style]
                  for i, (text, name) in enumerate(self.groups)]
        group_by = " GROUP BY " + ", ".join(calls + groups) if calls or groups else ""
        having = [self.having] if self.having else []
        having += ["max(tick_) > %d" % touched] if touched is not None else []
        return "SELECT %s FROM %s%s%s%s" % (items, source, " WHERE " + where if where else "", group_by,
                                            " HAVING " + " AND ".join(having) if having else "")

    def checks(self, name, world, tick, boundary):
        view = View(tick)
        if self.mode == "append":
            batch = "SELECT * FROM (%s) WHERE %s" % (self.sql(view), self.closed(tick, self.final_time))
            return [equal(self.columns, name, batch)]
        if self.mode == "complete" or boundary.sure < 0 and boundary.open < 0:
            return [equal(self.columns, name, self.sql(view))]
        # Since a restart the sink has the groups that changed after it.
        if boundary.sure == boundary.open:
            return [equal(self.columns, name, self.sql(view, boundary.sure))]
        return [within(self.columns, "SELECT * FROM " + name, self.sql(view)),
                within(self.columns, self.sql(view, boundary.sure), "SELECT * FROM " + name)]


class Over(Aggregate):
    """A query over an aggregation; in complete mode also its first rows."""

    def __init__(self, rng, world):
        super().__init__(rng, world)
        self.test = None
        if self.mode != "update" and rng.random() < 0.5:
            self.test = rng.choice(("a0 IS NOT NULL", "CAST(a0 AS STRING) <> '1'", "length(CAST(a0 AS STRING)) < 3"))
        self.first = rng.choice((1, 3, 5)) if self.mode == "complete" and rng.random() < 0.4 else None
        self.options = self.options + ("test", "first")
        self.lists = dict(self.lists, aggregates=1)

    columns = property(lambda self: self.keys + ["told"])

    def sql(self, view, touched=None):
        inner = super().sql(view, touched)
        told = "concat_ws('/', %s)" % ", ".join("CAST(%s AS STRING)" % name for _, name in self.aggregates)
        items = ", ".join(self.keys + [told + " AS told"])
        order = " ORDER BY %s LIMIT %d" % (", ".join(self.columns), self.first) if self.first else ""
        return "SELECT %s FROM (%s) AS o%s%s" % (items, inner, " WHERE " + self.test if self.test else "", order)


class Late(Aggregate):
    """Late rows of a window, in a table."""

    def __init__(self, rng, world):
        super().__init__(rng, world, ("tumbling",))
        self.mode, self.late = "append", world.late
        self.rel = rels.draw_base(rng, world, watermark=True)
        self.groups, self.where, self.having, self.is_below = [], None, None, False
        self.aggregates = [("count(*)", "a0")]
        self.options = ()

    def statements(self, name):
        self.rel.late_into = name + "_late"
        return super().statements(name)

    def checks(self, name, world, tick, boundary):
        late = ("SELECT id, k, ts FROM (SELECT *, window(ts, '%d seconds') AS w_ FROM %s) WHERE w_.end <= seen_ - %s"
                % (self.size, self.rel.text(View(tick)), seconds(self.rel.delay)))
        return super().checks(name, world, tick, boundary) + [
            equal(["id", "k", "ts"], "(SELECT id, k, ts FROM %s_late)" % name, late)]


class Chain(Query):
    """An aggregation over one by window, both in append mode."""
    lists = {"aggregates": 1}

    def __init__(self, rng, world):
        self.inner = Aggregate(rng, world, ("tumbling", "sliding"))
        self.inner.mode, self.inner.late, self.inner.having = "append", False, None
        self.inner.rel = rels.draw_base(rng, world, rng.choice(("s0", "s1")), True)
        scope = self.inner.rel.scope()
        self.inner.groups = rng.choice(([], [("k", "k0")], [("g", "k0")]))
        self.inner.where, self.inner.is_below = None, False
        self.inner.aggregates = [("count(*)", "n"), (rng.choice(("sum(v)", "max(id)", "count(DISTINCT k)")), "m")]
        self.form = rng.choice(("window_time", "window"))
        self.size = self.inner.size * rng.choice((1, 2, 3))
        self.aggregates = [(text, "a%d" % i) for i, text in enumerate(
            rng.sample(["sum(n)", "max(n)", "count(*)", "avg(n)", "min(m)", "count(DISTINCT n)", "sum(m)"], 2))]
        del scope

    rel = property(lambda self: self.inner.rel)
    columns = property(lambda self: ["starts", "ends"] + [name for _, name in self.aggregates])

    def simpler(self):
        items = self.aggregates
        for i in range(len(items)):
            if len(items) > 1:
                yield self.having_set("aggregates", items[:i] + items[i + 1:])
        if self.inner.groups:
            other = copy.copy(self)
            other.inner = self.inner.having_set("groups", [])
            yield other

    def sql(self, view):
        inner = self.inner
        keys = "".join(", %s AS %s" % group for group in inner.groups)
        group_by = "".join(", %s" % text for text, _ in inner.groups)
        window = "window_time(window) AS t" if self.form == "window_time" else "window AS t"
        below = "(SELECT %s%s, %s FROM %s GROUP BY %s%s) AS q" % (
            window, keys, ", ".join("%s AS %s" % item for item in inner.aggregates), inner.rel.text(view),
            inner.call(), group_by)
        return "SELECT window.start AS starts, window.end AS ends, %s FROM %s GROUP BY window(t, '%d seconds')" % (
            ", ".join("%s AS %s" % item for item in self.aggregates), below, self.size)

    def checks(self, name, world, tick, _):
        if tick < len(world.ticks) - 1:
            return []
        batch = "SELECT * FROM (%s) WHERE ends < TIMESTAMP '2030-01-01'" % self.sql(View(tick))
        return [equal(self.columns, name, batch)]


class Top(Query):
    lists = {"columns_": 1}

    def __init__(self, rng, world):
        self.rel = rels.draw(rng, world, unions=False)
        scope = self.rel.scope()
        self.mode = rng.choice(("complete", "complete", "update"))
        self.function = "row_number" if self.mode == "update" else rng.choice(("row_number", "rank"))
        names = sorted(set(scope) - {"id", "ts"})
        self.partition = rng.sample([n for n in ("k", "g", "b", "s") if n in scope], 1) if rng.random() < 0.8 else []
        self.order = "%s%s" % (rng.choice(names), rng.choice(("", " DESC", " DESC NULLS LAST", " NULLS LAST")))
        self.columns_ = sorted(rng.sample(names, min(2, len(names)))) + ["id"]
        self.limit = rng.choice((1, 2, 3))
        self.where = ex.condition(rng, scope) if rng.random() < 0.3 else None

    options = ("where",)
    keys = property(lambda self: ["p%d" % i for i in range(len(self.partition))] + ["place"])
    columns = property(lambda self: self.keys + self.columns_)

    def sql(self, view):
        partition = "PARTITION BY %s " % ", ".join(self.partition) if self.partition else ""
        # Duplicates have the same id, so that whoever wins, the rows look the same.
        place = "%s() OVER (%sORDER BY %s, id%s) AS place" % (
            self.function, partition, self.order,
            "".join(", " + name for name in ("item", "label") if name in self.rel.scope()))
        names = ["%s AS p%d" % (name, i) for i, name in enumerate(self.partition)] + self.columns_ + [place]
        return "SELECT %s FROM (SELECT %s FROM %s%s) AS t WHERE place <= %d" % (
            ", ".join(self.columns), ", ".join(names), self.rel.text(view),
            " WHERE " + self.where if self.where else "", self.limit)

    def checks(self, name, world, tick, boundary):
        batch = self.sql(View(tick))
        if self.mode == "complete" or boundary.open < 0:
            return [equal(self.columns, name, batch)]
        return [within(self.columns, "SELECT * FROM " + name, batch)]


class Join(Query):
    """Of two streams, in append mode. A world that closes makes the unmatched rows come."""
    options = ("extra",)

    def __init__(self, rng, world):
        self.kind = rng.choice(("INNER", "INNER", "LEFT", "RIGHT", "FULL", "LEFT SEMI"))
        needs = self.kind != "INNER" or rng.random() < 0.6
        self.left = rels.draw_base(rng, world, "s0", needs)
        self.right = rels.draw_base(rng, world, "s1", needs)
        self.before, self.after = rng.choice((0, 2, 10)), rng.choice((0, 3, 15))
        self.bounded = needs
        self.key = rng.choice(("k", "g", "k"))
        self.extra = None
        if rng.random() < 0.4:
            self.extra = rng.choice(("l.v < r.v", "l.id <> r.id", "l.v > 3", "r.v IS NOT NULL"))

    bases = property(lambda self: [self.left, self.right])
    rel = property(lambda self: self)

    def simpler(self):
        if self.extra:
            yield self.having_set("extra", None)

    @property
    def columns(self):
        return ["lid", "lts", "lv"] + ([] if "SEMI" in self.kind else ["rid", "rts", "rk"])

    def sql(self, view):
        # As in Spark, a FULL JOIN of streams takes two NULL keys for equal.
        equals = "<=>" if self.kind == "FULL" and not view.is_stream else "="
        on = ["l.%s %s r.%s" % (self.key, equals, self.key)]
        if self.bounded:
            on += ["r.ts >= l.ts - %s" % seconds(self.before), "r.ts <= l.ts + %s" % seconds(self.after)]
        on += [self.extra] if self.extra else []
        items = "l.id AS lid, l.ts AS lts, l.v AS lv"
        if "SEMI" not in self.kind:
            items += ", r.id AS rid, r.ts AS rts, r.k AS rk"
        return "SELECT %s FROM %s %s JOIN %s ON %s" % (
            items, self.left.text(view, "l"), self.kind, self.right.text(view, "r"), " AND ".join(on))

    def checks(self, name, world, tick, _):
        is_last = tick == len(world.ticks) - 1
        if self.kind in ("INNER", "LEFT SEMI"):
            return [equal(self.columns, name, self.sql(View(tick)))]
        if not is_last:
            return []
        # A row without event time is in no bounds and never final: only those with one are compared.
        ended = "SELECT * FROM %s WHERE coalesce(lts, rts) IS NOT NULL"
        return [equal(self.columns, "(%s)" % ended % name, ended % ("(%s)" % self.sql(View(tick, without_end=True))))]


class JoinAggregate(Join):
    """Windows over the pairs of an inner join."""
    lists = {"aggregates": 1}

    def __init__(self, rng, world):
        super().__init__(rng, world)
        self.kind = "INNER"
        if not self.bounded:
            self.bounded = True
            self.left, self.right = (rels.draw_base(rng, world, source, True) for source in ("s0", "s1"))
        self.side = rng.choice(("l", "r"))
        self.size = rng.choice((2, 5, 20))
        calls = ["count(*)", "sum(l.v)", "max(r.id)", "count(DISTINCT r.k)", "sort_array(collect_list(l.id))", "avg(r.v)"]
        self.aggregates = [(text, "a%d" % i) for i, text in enumerate(rng.sample(calls, 2))]

    columns = property(lambda self: ["starts", "ends", "k0"] + [name for _, name in self.aggregates])

    def sql(self, view):
        joined = super().sql(view)
        items = "window.start AS starts, window.end AS ends, l.%s AS k0, " % self.key
        items += ", ".join("%s AS %s" % item for item in self.aggregates)
        return "SELECT %s%s GROUP BY window(%s.ts, '%d seconds'), l.%s" % (
            items, joined[joined.index(" FROM "):], self.side, self.size, self.key)

    def checks(self, name, world, tick, _):
        if tick < len(world.ticks) - 1:
            return []
        batch = "SELECT * FROM (%s) WHERE ends < TIMESTAMP '2030-01-01'" % self.sql(View(tick))
        return [equal(self.columns, name, batch)]


def draw(rng, world):
    kinds = [(Project, 2), (Expect, 1), (Limit, 1), (Dedup, 2), (Aggregate, 8), (Over, 2), (Top, 2)]
    if world.late:
        kinds += [(Late, 2)]
    else:
        kinds += [(Chain, 1), (Join, 3), (JoinAggregate, 1)]
    if world.free:  # what runs under all permutations does not keep its rows in memory
        kinds = [(kind, n) for kind, n in kinds if kind not in (Limit,)]
    kind = rng.choice([kind for kind, n in kinds for _ in range(n)])
    while True:
        query = kind(rng, world)
        if not (world.free and query.mode == "update"):
            return query
