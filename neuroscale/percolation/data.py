r"""Data sets made of clusters: masses, marks, targets, and an embedding.

Seeds fall on a critical lattice, and each brings its whole cluster: :math:`P(S\ge s)\propto s^{-a}` with
:math:`a=\tau-2`.  Data are uniform over the sites, so that cluster :math:`k` has the mass :math:`p_k=S_k/\sum_jS_j`.
The sum is of the order of its largest term; ranked, the masses tend to the **Poisson-Dirichlet** law
:math:`\mathrm{PD}(a,0)`, the normalised points :math:`\Gamma_k^{-1/a}` of a Poisson process, where :math:`\Gamma_k` is
the :math:`k`-th arrival of a unit one:

.. math::

   p_k=\frac{\Gamma_k^{-1/a}}{\sum_j\Gamma_j^{-1/a}}\simeq Z\,k^{-1/a},\qquad Z\text{ random}.

The target on a cluster is Brownian motion along its edges.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from . import _data_kernels
from ._tree import as_tree
from .bethe import BetheLattice

__all__ = [
    "branching_walk",
    "choose_marks",
    "expected_variance",
    "poisson_dirichlet",
    "ranked_masses",
    "seed_clusters",
    "tree_target",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rng = np.random.Generator | int
#: Points of the Poisson process that are drawn at least; the sum of the rest is replaced by a Gaussian.
_POINTS = 4096
#: Numbers held in memory at a time.
_BATCH = 2**22


# -- masses ---------------------------------------------------------------------------------------------------------


def seed_clusters(n_seeds: int, *, minimum: int, degree: int, rng: Rng) -> Integers:
    r"""Sizes of the clusters that seeds find on a critical Bethe lattice, those of at least `minimum` sites.

    Parameters
    ----------
    n_seeds : int
        Number of seeds whose cluster is kept, at least 1.
    minimum : int
        Smallest size that is kept, at least 1.
    degree : int
        Degree of the lattice, at least 3.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of int64, shape (n_seeds,)
        Sorted, the largest first; :math:`P(S\ge s)\propto s^{-1/2}`, without a cap.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Sizes only, no clusters: O(n_seeds log n_seeds).  See ``br-rank-law``, ``chapters/percolation/data.md``.

    Examples
    --------
    >>> from neuroscale.percolation import seed_clusters
    >>> sizes = seed_clusters(5, minimum=100, degree=6, rng=0)
    >>> bool(sizes.min() >= 100 and (sizes[:-1] >= sizes[1:]).all())
    True
    """
    count = valid.integer("n_seeds", n_seeds, low=1)
    sizes = BetheLattice.critical(degree).sample_large_sizes(count, minimum=minimum, rng=rng)
    return np.sort(sizes)[::-1].copy()


def ranked_masses(sizes: ArrayLike) -> Floats:
    """Masses of clusters, the largest first.

    Parameters
    ----------
    sizes : array_like of float, shape (n,)
        Positive sizes, in any order.

    Returns
    -------
    ndarray of float, shape (n,)
        They sum to one.  O(n log n).

    Raises
    ------
    ValueError
        For no sizes, or one that is not positive.

    Examples
    --------
    >>> from neuroscale.percolation import ranked_masses
    >>> ranked_masses([1, 5, 2]).tolist()
    [0.625, 0.25, 0.125]
    """
    values = valid.reals("sizes", sizes, low=np.finfo(float).tiny)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"sizes has shape {values.shape}; a list of at least one size is needed")
    masses = np.sort(values)[::-1]
    return np.asarray(masses / masses.sum())


def poisson_dirichlet(discount: float, n_terms: int, *, n_draws: int = 1, rng: Rng) -> Floats:
    r"""Draw the largest ranked masses of the Poisson-Dirichlet law :math:`\mathrm{PD}(a,0)`.

    Parameters
    ----------
    discount : float
        :math:`a` in (0, 1); for clusters found by seeds it is :math:`\tau-2`.
    n_terms : int
        Number of masses of a draw, at least 1.
    n_draws : int
        Number of draws, at least 1.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of float, shape (n_draws, n_terms)
        Each row falls, and sums to at most one: the rest lies in smaller clusters.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements ``br-poisson-dirichlet``; derived in ``chapters/percolation/data.md``.  The first 4096 points are drawn,
    or `n_terms` where that is more; the sum of those beyond the last, at :math:`g`, has the mean
    :math:`\frac a{1-a}g^{1-1/a}` and the variance :math:`\frac a{2-a}g^{1-2/a}` and is drawn as a Gaussian of these,
    which its true law approaches as :math:`g^{-1/2}`.  O(n_draws max(n_terms, 4096)).

    Examples
    --------
    >>> from neuroscale.percolation import poisson_dirichlet
    >>> masses = poisson_dirichlet(0.5, 100, n_draws=3, rng=0)
    >>> masses.shape, bool((masses.sum(axis=1) < 1).all())
    ((3, 100), True)
    """
    a = valid.real("discount", discount, low=0, high=1, open_low=True, open_high=True)
    terms, draws = valid.integer("n_terms", n_terms, low=1), valid.integer("n_draws", n_draws, low=1)
    draw, points = generator(rng), max(terms, _POINTS)
    masses = np.empty((draws, terms))
    rows = max(1, _BATCH // points)
    for top in range(0, draws, rows):
        part = masses[top : top + rows]
        arrivals = np.cumsum(draw.standard_exponential((part.shape[0], points)), axis=1)
        # relative to the first point, so that no power underflows or overflows
        first, last = arrivals[:, 0], arrivals[:, -1] / arrivals[:, 0]
        sizes = (arrivals / first[:, None]) ** (-1.0 / a)
        mean = first * a / (1.0 - a) * last ** (1.0 - 1.0 / a)
        spread = np.sqrt(first * a / (2.0 - a) * last ** (1.0 - 2.0 / a))
        rest = np.maximum(mean + spread * draw.standard_normal(part.shape[0]), 0.0)
        part[:] = sizes[:, :terms] / (sizes.sum(axis=1) + rest)[:, None]
    return masses


# -- data on a cluster ----------------------------------------------------------------------------------------------


def choose_marks(size: int, n: int, *, rng: Rng) -> NDArray[np.bool_]:
    """Mark `n` different sites of a cluster, each choice equally likely: the training data.

    Parameters
    ----------
    size : int
        Number of sites, at least 1.
    n : int
        Number of marks, in ``[0, size]``.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of bool, shape (size,)
        O(size).

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Examples
    --------
    >>> from neuroscale.percolation import choose_marks
    >>> int(choose_marks(100, 7, rng=0).sum())
    7
    """
    size = valid.integer("size", size, low=1)
    n = valid.integer("n", n, low=0, high=size)
    marks = np.zeros(size, dtype=np.bool_)
    marks[generator(rng).choice(size, n, replace=False, shuffle=False)] = True
    return marks


def tree_target(parents: ArrayLike, *, rng: Rng) -> Floats:
    """Draw the target on a cluster: Brownian motion along the edges, with its mean over the sites removed.

    Parameters
    ----------
    parents : array_like of int, shape (size,)
        Parent of every site, below its own number; -1 for site 0, the root.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of float, shape (size,)
        Values at two sites differ by a Gaussian whose variance is their distance.  O(size).

    Raises
    ------
    ValueError
        When `parents` is not such a list.

    Examples
    --------
    >>> from neuroscale.percolation import tree_target
    >>> values = tree_target([-1, 0, 0, 1], rng=0)
    >>> bool(abs(values.sum()) < 1e-12)
    True
    """
    values = branching_walk(parents, 1, rng=rng)[:, 0]
    return np.asarray(values - values.mean())


def branching_walk(parents: ArrayLike, dimension: int, *, rng: Rng) -> Floats:
    """Embed a tree as a branching random walk with standard Gaussian steps, its root at the origin.

    Parameters
    ----------
    parents, rng
        As for :func:`tree_target`.
    dimension : int
        Dimension of the space, at least 1.

    Returns
    -------
    ndarray of float, shape (size, dimension)
        The squared distance of two sites is `dimension` times their distance along the tree, on average.
        O(size dimension).

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    See ``br-embedding``, ``chapters/percolation/data.md``.

    Examples
    --------
    >>> from neuroscale.percolation import branching_walk
    >>> branching_walk([-1, 0, 0, 1], 3, rng=0)[0].tolist()
    [0.0, 0.0, 0.0]
    """
    tree = as_tree(parents)
    steps = generator(rng).standard_normal((tree.size, valid.integer("dimension", dimension, low=1)))
    steps[0] = 0.0
    _data_kernels.add_along_tree(tree, steps)
    return steps


def expected_variance(size: ArrayLike, degree: int) -> Floats:
    r"""Expected variance of the target over the sites of a large critical cluster.

    Parameters
    ----------
    size : array_like of float
        Number of sites :math:`s`, at least 1.
    degree : int
        Degree :math:`z` of the lattice, at least 3.

    Returns
    -------
    ndarray of float
        :math:`\frac1{\sigma_{\!o}}\sqrt{\frac{\pi s}8}` with :math:`\sigma_{\!o}^2=\frac{z-2}{z-1}`: half the mean
        distance of two sites, up to a relative error of order :math:`s^{-1/2}`.  O(1) per element.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Examples
    --------
    >>> from neuroscale.percolation import expected_variance
    >>> round(float(expected_variance(80_000, 3)), 1)
    250.7
    """
    sites = valid.reals("size", size, low=1)
    spread = BetheLattice.critical(degree).offspring_variance
    return np.sqrt(math.pi * sites / (8.0 * spread))
