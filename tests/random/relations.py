# SPDX-License-Identifier: Apache-2.0
"""What FROM of a random query reads, as a stream and as a batch.

`text(view)` is the relation in one of the two readings. A batch reads the rows up to a tick from the view
`<source>_all`, which has two more columns: tick_, when the row came, and seen_ (see world.py). Every relation but
Unique passes them on in the batch reading. `simpler()` gives simpler relations with the same columns.

`filters` are the conditions that Spark asks for below the watermark, because the event time is not in them: rows
that they drop do not move it. A relation for a query whose rows depend on the watermark has conditions
of which that is known (`plain`), and `columns_below` are the world's columns it passes on as they are."""
import expressions as ex


class View:
    """None for `tick`: the stream."""

    def __init__(self, tick=None, without_end=False):
        self.tick, self.without_end = tick, without_end

    @property
    def is_stream(self):
        return self.tick is None


STREAM = View()


def seconds(n):
    return "INTERVAL %d SECONDS" % n


class Base:
    def __init__(self, world, source, delay):
        self.world, self.source, self.delay = world, source, delay
        self.late_into = None
        self.through_table = False  # the stream comes from a table that another flow fills

    def scope(self):
        return {c.name: c.type for c in self.world.columns}

    event = property(lambda self: "ts" if self.delay is not None else None)
    bases = property(lambda self: [self])
    filters = ()
    columns_below = property(lambda self: list(self.scope()))

    def clauses(self):
        text = "" if self.delay is None else " WATERMARK ts DELAY OF %s" % seconds(self.delay)
        return text + (" LATE DATA INTO %s" % self.late_into if self.late_into else "")

    def text(self, view, alias=""):
        alias = " AS " + alias if alias else ""
        if view.is_stream:
            return "STREAM %s%s%s%s" % (self.source, "_table" if self.through_table else "", self.clauses(), alias)
        end = " AND id > 0" if view.without_end else ""
        return "(SELECT * FROM %s_all WHERE tick_ <= %d%s)%s" % (self.source, view.tick, end, alias)

    def simpler(self):
        if self.through_table:
            yield Base(self.world, self.source, self.delay)


class Wrapper:
    """A relation over one other."""
    event = property(lambda self: self.inner.event)
    filters = property(lambda self: self.inner.filters)
    columns_below = property(lambda self: self.inner.columns_below)
    bases = property(lambda self: self.inner.bases)

    def simpler(self):
        for inner in self.inner.simpler():
            yield self.over(inner)


class Derived(Wrapper):
    def __init__(self, inner, items, where):
        self.inner, self.items, self.where = inner, items, where  # items: (expression, name, type)

    @property
    def filters(self):
        return (*self.inner.filters, self.where) if self.where else self.inner.filters

    @property
    def columns_below(self):
        return [name for text, name, _ in self.items if text == name and name in self.inner.columns_below]

    def scope(self):
        return {name: type for _, name, type in self.items}

    def over(self, inner):
        return Derived(inner, self.items, self.where)

    def text(self, view, alias="q"):
        items = ["%s AS %s" % (text, name) if text != name else name for text, name, _ in self.items]
        if not view.is_stream:
            items += ["tick_", "seen_"]
        where = " WHERE " + self.where if self.where else ""
        return "(SELECT %s FROM %s%s) AS %s" % (", ".join(items), self.inner.text(view), where, alias or "q")

    def simpler(self):
        if self.where:
            yield Derived(self.inner, self.items, None)
        for i, (text, name, type) in enumerate(self.items):
            if text != name:
                item = ("CAST(NULL AS %s)" % type, name, type)
                if item != self.items[i]:
                    yield Derived(self.inner, self.items[:i] + [item] + self.items[i + 1:], self.where)
        yield from super().simpler()


class Exploded(Wrapper):
    def __init__(self, inner, list_text):
        self.inner, self.list_text = inner, list_text

    def scope(self):
        return dict(self.inner.scope(), item="INT")

    def over(self, inner):
        return Exploded(inner, self.list_text)

    def text(self, view, alias=""):
        return "%s LATERAL VIEW explode(%s) items AS item" % (self.inner.text(view, alias or "e"), self.list_text)


class Labelled(Wrapper):
    """Joined with a table."""

    @property
    def filters(self):
        matches = self.kind in ("INNER", "LEFT SEMI")
        return (*self.inner.filters, self.key + " IS NOT NULL") if matches else self.inner.filters

    def __init__(self, inner, kind, key):
        self.inner, self.kind, self.key = inner, kind, key

    def scope(self):
        if "SEMI" in self.kind or "ANTI" in self.kind:
            return self.inner.scope()
        return dict(self.inner.scope(), label="STRING", weight="INT")

    def over(self, inner):
        return Labelled(inner, self.kind, self.key)

    def text(self, view, alias=""):
        return "%s %s JOIN labels AS l ON %s = l.key_%s" % (
            self.inner.text(view, alias or "r"), self.kind, self.key, self.key)

    def simpler(self):
        yield from super().simpler()
        if self.kind != "INNER" and "label" in self.scope():
            yield Labelled(self.inner, "INNER", self.key)


class Union:
    def __init__(self, left, right):
        self.left, self.right = left, right

    event = property(lambda self: self.left.event)
    bases = property(lambda self: [self.left, self.right])
    filters = ()
    columns_below = property(lambda self: self.left.columns_below)

    def scope(self):
        return self.left.scope()

    def text(self, view, alias="u"):
        names = ", ".join(list(self.scope()) + ([] if view.is_stream else ["tick_", "seen_"]))
        return "(SELECT %s FROM %s UNION ALL SELECT %s FROM %s) AS %s" % (
            names, self.left.text(view), names, self.right.text(view), alias or "u")

    def simpler(self):
        return []


class Unique:
    """Duplicates dropped below an aggregation; has the keys only."""

    def __init__(self, inner, keys):
        self.inner, self.keys = inner, keys

    event = property(lambda self: self.inner.event if self.inner.event in self.keys else None)
    bases = property(lambda self: self.inner.bases)
    filters = ()
    columns_below = ()

    def scope(self):
        return {name: type for name, type in self.inner.scope().items() if name in self.keys}

    def text(self, view, alias="q"):
        keys = ", ".join(self.keys)
        if view.is_stream:
            return "(SELECT %s FROM %s DROP DUPLICATES ON (%s)) AS %s" % (keys, self.inner.text(view), keys, alias)
        return "(SELECT %s, min(tick_) AS tick_ FROM %s GROUP BY %s) AS %s" % (keys, self.inner.text(view), keys, alias)

    def simpler(self):
        return []


def draw_base(rng, world, source="s0", watermark=None):
    with_watermark = rng.random() < 0.5 if watermark is None else watermark
    delay = world.delay + rng.choice((0, 0, 1, 4)) if with_watermark else None
    base = Base(world, source, delay)
    base.through_table = not world.late and rng.random() < 0.08
    return base


def draw_where(rng, rel, plain):
    """plain: Spark asks for it below the watermark, as the event time is not in it."""
    scope = rel.scope()
    below = {name: scope[name] for name in rel.columns_below if name != "ts"}
    if plain and not below:
        return None
    return ex.condition(rng, below if plain else scope)


def draw_derived(rng, inner, plain):
    scope = inner.scope()
    items = []
    for name, type in scope.items():
        if name in ("id", "ts") or name == inner.event:
            items.append((name, name, type))
        elif rng.random() < 0.3:
            items.append((ex.value(rng, scope, type), name, type))
        elif rng.random() < 0.8:
            items.append((name, name, type))
    if rng.random() < 0.4:
        type = rng.choice(("INT", "STRING", "DOUBLE", "BOOLEAN", "DECIMAL(10,2)"))
        items.append((ex.value(rng, scope, type), "made", type))
    rng.shuffle(items)
    filtered = rng.random() < 0.5 and not (plain and inner.bases[0].world.late)
    return Derived(inner, items, draw_where(rng, inner, plain) if filtered else None)


def draw(rng, world, watermark=None, unions=True):
    """Any relation that passes rows on one by one. watermark: True: rows depend on it; None: they do not."""
    plain = watermark is True
    if unions and not world.late and rng.random() < 0.12:
        base = draw_base(rng, world, "s0", watermark)
        return Union(base, draw_base(rng, world, "s1", base.delay is not None))
    base = draw_base(rng, world, rng.choice(("s0", "s0", "s1")), watermark)
    form = rng.random()
    if form < 0.5:
        return base
    if form < 0.75:
        return draw_derived(rng, base, plain)
    if form < 0.85:
        lists = ["array(v, v + 1)", "array(1, 2, g)"] + ([] if plain else ["filter(array(v, g), y -> y > 2)"])
        return Exploded(base, rng.choice(lists))
    kinds = ["LEFT", "LEFT ANTI"] + ([] if plain and world.late else ["INNER", "LEFT SEMI"])
    labelled = Labelled(base, rng.choice(kinds), rng.choice(("k", "g")))
    return labelled if rng.random() < 0.7 else draw_derived(rng, labelled, plain)
