"""Compiled loops of the tree sampler: arrays and a Generator in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def lattice_tree(rng: np.random.Generator, slots: int, table: Floats, children: Integers, parents: Integers) -> None:
    """Draw a uniform lattice tree; ``table`` is the distribution function of the children of a site, ``slots`` is m.

    One slot of the origin is forced; the other ``size - 2`` occupied slots are a uniform subset of the ``m`` slots of
    each site.  Independent slots are uniform given their number, and adding or removing a uniform slot keeps them so.
    """
    size = parents.size
    total = 0
    largest = 0
    for v in range(size):
        u = rng.random()
        k = 0
        while u >= table[k]:
            k += 1
        children[v] = k
        total += k
        largest = max(largest, k)
    while total > size - 2:
        v = int(rng.random() * size)
        if rng.random() * largest < children[v]:
            children[v] -= 1
            total -= 1
    while total < size - 2:
        v = int(rng.random() * size)
        if rng.random() * slots < slots - children[v]:
            children[v] += 1
            total += 1
    children[0] += 1
    first = children[0]
    # cycle lemma: of the rotations of the other sites, those that start where the walk first reaches one of its
    # `first` lowest levels are forests of `first` trees
    level = 0
    lowest = 0
    for v in range(1, size):
        level += children[v] - 1
        lowest = min(lowest, level)
    goal = lowest + int(rng.random() * first)
    level = 0
    start = 1
    for v in range(1, size):
        level += children[v] - 1
        if level == goal:
            start = v + 1
            break
    # generation by generation: the children of each site in turn are the next new sites
    parents[0] = -1
    new = 1
    for v in range(size):
        source = start + v - 1
        if v == 0:
            source = 0
        elif source >= size:
            source -= size - 1
        for _ in range(children[source]):
            parents[new] = v
            new += 1


@kernel
def depths(parents: Integers, out: Integers) -> None:
    """Distance of each site to the first."""
    out[0] = 0
    for v in range(1, parents.size):
        out[v] = out[parents[v]] + 1
