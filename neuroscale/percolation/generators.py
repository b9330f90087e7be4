r"""Data grown datum by datum: the public generator of percolation-like data, and an exact hierarchy.

The generator starts a cluster with probability :math:`q` and otherwise splits a uniform site of those there.  Its
cluster sizes are Yule-Simon, :math:`P(s)=\rho B(s,\rho+1)\simeq\rho\,\Gamma(\rho+1)\,s^{-1-\rho}` with
:math:`\rho=1/(1-q)`.  A split replaces a site by two joined ones and hands each neighbour to one of them with
probability :math:`r`; the expected sum :math:`W_n` of the distances of all pairs then obeys

.. math::

   W_{n+1}=W_n\Bigl(1+\frac{2+2r(1-r)}n\Bigr)+(n-1)\bigl(1-r(1-r)\bigr)+1,

so that mean distances grow as :math:`n^{2r(1-r)}`, and not as :math:`n^{1/2}`.  Deleting the edges of a critical tree
of given size in random order is a hierarchy without that defect.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from . import _data_kernels
from ._tree import as_tree

__all__ = ["deletion_hierarchy", "split_tree", "yule_clusters"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rng = np.random.Generator | int


def yule_clusters(n: int, create_probability: float, *, rng: Rng) -> Integers:
    r"""Sizes of clusters when a datum starts one with a fixed probability or joins that of a uniform earlier datum.

    Parameters
    ----------
    n : int
        Number of data, at least 1; the first starts a cluster.
    create_probability : float
        Probability :math:`q` in [0, 1] of a new cluster.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of int64
        Sizes in the order of creation; they sum to `n`.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements ``br-generator-sizes``; derived in ``chapters/percolation/data.md``.  O(n) time and memory.

    Examples
    --------
    >>> from neuroscale.percolation import yule_clusters
    >>> int(yule_clusters(1000, 1 / 3, rng=0).sum())
    1000
    """
    cluster = np.empty(valid.integer("n", n, low=1), dtype=np.int64)
    create = valid.real("create_probability", create_probability, low=0, high=1)
    found = _data_kernels.yule(generator(rng), create, cluster)
    return np.bincount(cluster, minlength=found).astype(np.int64)


def split_tree(size: int, probability: float, *, rng: Rng) -> Integers:
    """Grow a tree by splitting uniform sites.

    Parameters
    ----------
    size : int
        Number of sites, at least 1.
    probability : float
        Probability in [0, 1] that a neighbour of the split site goes to the first of the two halves, which are joined.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of int64, shape (size,)
        Parent of every site, below its own number; -1 for site 0.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements ``br-generator-trees``; derived in ``chapters/percolation/data.md``.  O(size) time and memory on average.

    Examples
    --------
    >>> from neuroscale.percolation import split_tree
    >>> sorted(split_tree(3, 0.2096414, rng=0).tolist())[:2]    # a path, from its end or from its middle
    [-1, 0]
    """
    size = valid.integer("size", size, low=1)
    probability = valid.real("probability", probability, low=0, high=1)
    first, following, order, parents = (np.full(size, -1, dtype=np.int64) for _ in range(4))
    _data_kernels.split(generator(rng), probability, first, following)
    _data_kernels.breadth_first(first, following, order, parents)
    return parents


def deletion_hierarchy(parents: ArrayLike, *, rng: Rng) -> Floats:
    r"""Delete the edges of a tree in random order, and record the components backwards, from sites to the tree.

    Parameters
    ----------
    parents : array_like of int, shape (size,)
        Parent of every site, below its own number; -1 for site 0.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of float, shape (size - 1, 4)
        A linkage as ``scipy.cluster.hierarchy`` has it: step :math:`j` joins the components named in the first two
        columns into component ``size + j``, at height :math:`j+1`, with the number of sites in the last column.
        ``scipy.cluster.hierarchy.fcluster`` cuts it at any level.

    Raises
    ------
    ValueError
        When `parents` is not a tree in this form.

    Notes
    -----
    On a uniform lattice tree every component is one too, given its size: an exact hierarchy.  Implements
    ``br-generator-trees``; derived in ``chapters/percolation/data.md``.  Nearly O(size).

    Examples
    --------
    >>> from neuroscale.percolation import deletion_hierarchy
    >>> deletion_hierarchy([-1, 0, 0, 1], rng=0)[-1].tolist()[2:]    # the last step joins all four sites
    [3.0, 4.0]
    """
    tree = as_tree(parents)
    edges = generator(rng).permutation(np.arange(1, tree.size, dtype=np.int64))
    root, name = np.arange(tree.size), np.arange(tree.size)
    linkage = np.empty((tree.size - 1, 4))
    _data_kernels.merge(tree, edges, root, name, linkage)
    return linkage
