"""Compiled growth of single clusters on the infinite lattice: arrays and a generator in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Integers = NDArray[np.int64]
#: odd multipliers below 2^31, one for each half of a site: no product or sum of two overflows
_LOW, _HIGH, _HALF = 1327217885, 1640531527, 2**31 - 1


@kernel
def _slot(keys: Integers, site: int) -> int:
    """Where a site stands in the open-addressing table, or the free slot (-1) where it would."""
    mask = keys.size - 1
    slot = (((site & _HALF) * _LOW + (site >> 31) * _HIGH) >> 20) & mask
    while keys[slot] != -1 and keys[slot] != site:
        slot = (slot + 1) & mask
    return slot


@kernel
def grow(
    p: float,
    steps: Integers,
    by_bond: bool,
    cap: int,
    origin: int,
    rng: np.random.Generator,
    keys: Integers,
    visited: Integers,
    queue: Integers,
    sizes: Integers,
) -> None:
    """Grow the cluster of the origin breadth first, ``sizes.size`` times.

    A size of ``cap + 1`` means more than ``cap``.
    A site is one integer, to which ``steps`` adds a unit along an axis.  Each site (or bond) is drawn once, when growth
    first reaches it; ``keys`` holds the sites decided so far and must be full of -1.  ``queue`` has ``cap + 1``
    entries.
    """
    for run in range(sizes.size):
        n_visited, size, head = 1, 1, 0
        queue[0] = origin
        slot = _slot(keys, origin)
        keys[slot] = origin
        visited[0] = slot
        while head < size <= cap:
            site = queue[head]
            head += 1
            for direction in range(2 * steps.size):
                step = steps[direction >> 1]
                # an open bond into the cluster changes nothing, so that bonds can be drawn before looking
                if by_bond and rng.random() >= p:
                    continue
                other = site + step if direction & 1 else site - step
                slot = _slot(keys, other)
                if keys[slot] == other:
                    continue
                taken = by_bond or rng.random() < p
                keys[slot] = other
                visited[n_visited] = slot
                n_visited += 1
                if taken:
                    if size <= cap:
                        queue[size] = other
                    size += 1
                    if size > cap:
                        break
        sizes[run] = size
        for number in range(n_visited):
            keys[visited[number]] = -1
