"""Compiled passes over a tree: parents precede their children, so one loop up and one loop down see every path.

``parents`` is int64 with ``parents[0] == -1`` and ``parents[i] < i``; only `nearest` looks whether it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def nearest(parents: Integers, marks: Bools, distance: Integers, source: Integers) -> bool:
    """Distance to the nearest mark and that mark, from below in the first pass and from above in the second.

    One word holds both, distance above and mark below, so that one comparison finds the nearest mark and, among equally
    near ones, the first.  The first pass waits for memory, so that it can look at the parents on the way: a parent that
    does not precede its child is read as the root, and False is returned.
    """
    one = np.int64(1 << 32)
    for i in range(parents.size):
        source[i] = i if marks[i] else one << 30
    # unsigned, -1 is far above every site, and numba need not ask for negative indices
    above, root = parents.view(np.uint64), np.uint64(0)
    ordered = parents[0] == -1
    for i in range(parents.size - 1, 0, -1):
        p = above[i]
        before = p < np.uint64(i)
        ordered &= before
        p = p if before else root
        source[p] = min(source[p], source[i] + one)
    if not ordered:
        return False
    distance[0] = source[0] >> 32
    source[0] &= one - 1
    for i in range(1, parents.size):
        p = above[i]
        word = min(source[i], ((distance[p] + 1) << 32) | source[p])
        distance[i] = word >> 32
        source[i] = word & (one - 1)
    return True


@kernel
def eliminate(parents: Integers, marks: Bools, target: Floats, conductance: Floats, current: Floats) -> None:
    """Leaf-to-root messages: conductance from a site to the marks below it, and that conductance times their mean.

    Both arrays come in as zeros.
    """
    for i in range(parents.size - 1, 0, -1):
        p = parents[i]
        if marks[i]:
            conductance[p] += 1.0
            current[p] += target[i]
        elif conductance[i] > 0.0:
            share = 1.0 / (1.0 + conductance[i])
            conductance[p] += conductance[i] * share
            current[p] += current[i] * share


@kernel
def substitute(parents: Integers, marks: Bools, target: Floats, conductance: Floats, current: Floats) -> None:
    """Root-to-leaf pass that turns ``current`` into predictions: only positive weights are added, nothing cancels."""
    current[0] = target[0] if marks[0] else current[0] / conductance[0]
    for i in range(1, parents.size):
        if marks[i]:
            current[i] = target[i]
        else:
            current[i] = (current[i] + current[parents[i]]) / (1.0 + conductance[i])


@kernel
def resistances(parents: Integers, marks: Bools, conductance: Floats) -> None:
    """Root-to-leaf pass that turns ``conductance`` into the variance of each site given the marks."""
    conductance[0] = 0.0 if marks[0] else 1.0 / conductance[0]
    for i in range(1, parents.size):
        if marks[i]:
            conductance[i] = 0.0
        else:
            own = 1.0 / (1.0 + conductance[i])
            conductance[i] = own + own * own * conductance[parents[i]]


@kernel
def cut(parents: Integers, target: Floats, piece_size: int, count: Integers, mean: Floats) -> int:
    """Cut subtrees off as soon as they hold ``piece_size`` sites; ``mean`` becomes each site's piece mean.

    ``count`` and ``mean`` come in as zeros.  Returns the number of pieces.
    """
    pieces = 0
    for i in range(parents.size - 1, -1, -1):
        count[i] += 1
        mean[i] += target[i]
        if i == 0 or count[i] >= piece_size:
            pieces += 1
            mean[i] /= count[i]
        else:
            count[parents[i]] += count[i]
            mean[parents[i]] += mean[i]
            count[i] = 0  # joined its parent's piece
    for i in range(1, parents.size):
        if count[i] == 0:
            mean[i] = mean[parents[i]]
    return pieces
