# SPDX-License-Identifier: Apache-2.0
"""Makes a failing case small: fewer rows, batches and parts of the query, as long as it fails in the same way."""
import time

SECONDS = 60  # of one case


def without_rows(case):
    """Cases with some rows fewer: halves of everything first, then single ones."""
    places = [(tick, source, batch, i) for tick in case.world.ticks[:-1] for source, batches in tick.pushes.items()
              for batch in batches for i in range(len(batch))]
    size = len(places)
    places = [(number, place) for number, place in enumerate(places)]
    while size >= 1:
        for start in range(0, len(places), size):
            yield {number for number, _ in places[start:start + size]}
        size //= 2


def take_out(case, numbers):
    other = case.only(range(len(case.queries)))
    other.world = case.world.copy()
    number = 0
    for tick in other.world.ticks[:-1]:
        for source in other.world.sources:
            kept = []
            for batch in tick.pushes.get(source, ()):
                rows = []
                for row in batch:
                    if number not in numbers:
                        rows.append(row)
                    number += 1
                if rows:
                    kept.append(rows)
            if source in tick.pushes:
                tick.pushes[source] = kept
    other.world.set_seen()
    rebind(other)
    return other


def rebind(case):
    """Queries refer to the world of their case."""
    case.queries = [query.having_world(case.world) for query in case.queries]


def quieter(case):
    """Without a restart, a crash, the other permutations, a check."""
    for i, tick in enumerate(case.world.ticks):
        for attribute, calm in (("restart", False), ("crash", None)):
            if getattr(tick, attribute) != calm:
                other = case.only(range(len(case.queries)))
                other.world = case.world.copy()
                setattr(other.world.ticks[i], attribute, calm)
                rebind(other)
                yield other
    if case.world.free:
        other = case.only(range(len(case.queries)))
        other.world = case.world.copy()
        other.world.free = False
        rebind(other)
        yield other
    for i in sorted(case.checked):
        if len(case.checked) > 1:
            other = case.only(range(len(case.queries)))
            other.checked = case.checked - {i}
            yield other


def make_small(case, failure, run):
    deadline = time.monotonic() + SECONDS

    def still_fails(candidate):
        nonlocal case, failure
        if time.monotonic() > deadline:
            return False
        found = run(candidate)
        if found is None or found.kind != failure.kind:
            return False
        case, failure = candidate, found
        return True

    changed = True
    while changed and time.monotonic() < deadline:
        changed = any(still_fails(candidate) for candidate in quieter(case))
        if len(case.queries) == 1:
            for query in case.queries[0].simpler():
                candidate = case.only([])
                candidate.queries = [query]
                if still_fails(candidate):
                    changed = True
                    break
        for numbers in without_rows(case):
            if still_fails(take_out(case, numbers)):
                changed = True
                break
    return case, failure
