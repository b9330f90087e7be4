r"""The shape of a cluster of the Bethe lattice given its size.

Every lattice tree with :math:`s` sites has the weight :math:`p^{s-1}(1-p)^{(m-1)s+2}`: given its size the shape of a
cluster is uniform, whatever :math:`p`.  A tree is kept as the array of the parents of its sites.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from . import _trees_kernels as kernels
from ._offspring import binomial_distribution
from ._tree import as_tree

__all__ = ["sample_tree", "tree_depths"]

Integers = NDArray[np.int64]
Rng = np.random.Generator | int


def sample_tree(size: int, degree: int, *, rng: Rng) -> Integers:
    r"""Draw the cluster of the origin of the Bethe lattice given its size.

    Parameters
    ----------
    size : int
        Number of sites, in [1, 2**31].
    degree : int
        Number of neighbours of a site of the lattice, at least 3.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of int64, shape (size,)
        Parent of each site; the origin is the first, with parent -1, and every parent stands before its children:
        sites are in order of their distance to the origin, and `parents` does not decrease.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Exact, for any :math:`p`: force one of the origin's slots, occupy a uniform subset of :math:`s-2` of the other
    :math:`ms`, and rotate the sites beyond the origin to one of their good rotations (cycle lemma).  O(size) time and
    memory.  Claim ``br-shape-free``; derived in ``chapters/percolation/clusters.md``.

    Examples
    --------
    >>> from neuroscale.percolation import sample_tree
    >>> parents = sample_tree(1000, 3, rng=0)
    >>> int(parents[0]), bool((parents[1:] < range(1, 1000)).all())
    (-1, True)
    """
    size = valid.integer("size", size, low=1, high=2**31)
    slots = valid.integer("degree", degree, low=3, high=10**9) - 1
    rng = generator(rng)
    parents = np.full(size, -1, dtype=np.int64)
    if size > 1:
        table = binomial_distribution(slots, (size - 2) / (slots * size))
        kernels.lattice_tree(rng, slots, table, np.empty(size, dtype=np.int64), parents)
    return parents


def tree_depths(parents: ArrayLike) -> Integers:
    """Distance of every site of a tree to its first site.

    Parameters
    ----------
    parents : array_like of int, shape (size,)
        As from :func:`sample_tree`: -1 first, then the place of each site's parent, before its own.

    Returns
    -------
    ndarray of int64, shape (size,)

    Raises
    ------
    ValueError
        Where `parents` is no such array.

    Notes
    -----
    O(size) time and memory.

    Examples
    --------
    >>> from neuroscale.percolation import tree_depths
    >>> tree_depths([-1, 0, 0, 1, 3]).tolist()
    [0, 1, 1, 2, 3]
    """
    tree = as_tree(parents)
    out = np.empty(tree.size, dtype=np.int64)
    kernels.depths(tree, out)
    return out
