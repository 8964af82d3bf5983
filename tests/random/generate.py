# SPDX-License-Identifier: Apache-2.0
"""The case of a seed."""
import random

import queries
import world as w
from testfile import CRASHES, CRASHES_OF_ROWS, Case

QUERIES = 6  # of a case: they share its rows and its life
FREE = 0.06  # share of cases that run under all permutations of `tarn test`


def case(seed):
    rng = random.Random("tarn %s" % seed)
    world = w.draw(rng, rng.random() < FREE)
    drawn = [queries.draw(rng, world) for _ in range(QUERIES)]
    result = Case(seed, world, drawn)
    last = len(world.ticks) - 1
    result.checked = {i for i in range(last) if rng.random() < 0.25} | {last}
    for tick in world.ticks:
        if not world.free and rng.random() < 0.15:
            tick.crash = rng.choice(CRASHES + CRASHES_OF_ROWS)
    return result
