"""The one form of a tree: an array of parents, each before its children."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid
from neuroscale._jit import kernel

Integers = NDArray[np.int64]

#: Learners keep a site and a distance in one word of 64 bits.
_MOST_SITES = 2**30


def as_tree(parents: ArrayLike) -> Integers:
    """Return `parents` as a contiguous int64 array, or raise ``ValueError`` when it is not a tree in this form."""
    tree = as_parents(parents)
    if not _ordered(tree):
        raise misplaced(tree)
    return tree


def as_parents(parents: ArrayLike) -> Integers:
    """Return `parents` as a contiguous int64 array of a tree's size, whatever the order of its sites."""
    tree = np.asarray(parents)
    if tree.dtype != np.int64:
        tree = valid.integers("parents", tree, low=-(2**62), high=2**62)
    if tree.ndim != 1 or not 1 <= tree.size <= _MOST_SITES:
        raise ValueError(f"parents has shape {tree.shape}; it must be a vector of 1 to {_MOST_SITES} sites")
    return np.ascontiguousarray(tree)


def misplaced(tree: Integers) -> ValueError:
    """Return the error that names the first parent which does not precede its child."""
    low, high = np.zeros(tree.size, dtype=np.int64), np.arange(-1, tree.size - 1)
    low[0] = -1
    wrong = int(np.argmax((tree < low) | (tree > high)))
    return ValueError(f"parents[{wrong}]={int(tree[wrong])} must be in [{low[wrong]}, {high[wrong]}]")


@kernel
def _ordered(parents: Integers) -> bool:
    """Whether every parent precedes its child: a negative ``p`` or ``i - 1 - p`` leaves its sign behind."""
    signs = -1 - parents[0] | parents[0] + 1
    for i in range(1, parents.size):
        p = parents[i]
        signs |= p | (i - 1 - p)
    return bool(signs >= 0)
