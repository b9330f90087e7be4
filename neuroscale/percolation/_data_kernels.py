"""Compiled kernels of the data sets: arrays and a generator in, arrays out; nothing is validated here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def add_along_tree(parents: Integers, steps: Floats) -> None:
    """Turn the step of every node, a row, into the sum of the steps from the root to it; parents come first."""
    for node in range(1, parents.size):
        parent = parents[node]
        for axis in range(steps.shape[1]):
            steps[node, axis] += steps[parent, axis]


@kernel
def yule(rng: np.random.Generator, create: float, cluster: Integers) -> int:
    """Give every datum a new cluster with probability ``create``, or else that of a uniform earlier datum."""
    cluster[0] = 0
    found = 1
    for datum in range(1, cluster.size):
        if rng.random() < create:
            cluster[datum] = found
            found += 1
        else:
            cluster[datum] = cluster[int(rng.random() * datum)]
    return found


@kernel
def split(rng: np.random.Generator, probability: float, first: Integers, following: Integers) -> None:
    """Grow a tree by splitting uniform sites; ``first[v]`` begins the list ``following`` of the children of ``v``.

    The half that keeps the parent keeps the name ``v``, so that no list but that of ``v`` changes.
    """
    first[0] = -1
    for new in range(1, first.size):
        site = int(rng.random() * new)
        stays = probability if rng.random() < probability else 1.0 - probability
        child = first[site]
        first[new] = -1
        kept = -1
        while child >= 0:
            later = following[child]
            if rng.random() < stays:
                following[child] = kept
                kept = child
            else:
                following[child] = first[new]
                first[new] = child
            child = later
        following[new] = kept
        first[site] = new


@kernel
def breadth_first(first: Integers, following: Integers, order: Integers, parents: Integers) -> None:
    """Number the nodes from the root outwards and write their parents; ``order`` is the queue."""
    order[0] = 0
    parents[0] = -1
    filled = 1
    for place in range(order.size):
        child = first[order[place]]
        while child >= 0:
            order[filled] = child
            parents[filled] = place
            filled += 1
            child = following[child]


@kernel
def merge(parents: Integers, edges: Integers, root: Integers, name: Integers, linkage: Floats) -> None:
    """Join the ends of the edges in turn; ``name`` is what the linkage calls the component of a union-find root."""
    size = parents.size
    for step in range(edges.size):
        node = edges[step]
        left = _find(root, node)
        right = _find(root, parents[node])
        weight = 0.0
        for part in (left, right):
            weight += 1.0 if name[part] < size else linkage[name[part] - size, 3]
        linkage[step, 0] = min(name[left], name[right])
        linkage[step, 1] = max(name[left], name[right])
        linkage[step, 2] = step + 1.0
        linkage[step, 3] = weight
        root[left] = right
        name[right] = size + step


@kernel
def _find(root: Integers, node: int) -> int:
    """Root of the component of ``node``; every second link on the way is shortened."""
    while root[node] != node:
        root[node] = root[root[node]]
        node = root[node]
    return node
