r"""Learners of a random function on a tree, all exact and linear in the size of the tree.

The target :math:`f` is Brownian motion on the tree: independent :math:`N(0,1)` steps along its edges, so
:math:`\mathbb E(f_x-f_y)^2` is the tree distance :math:`\ell(x,y)`.  At some sites, the marks, :math:`f` is known.

* The **nearest neighbour** predicts the value at a nearest mark; its squared error is :math:`\mathbb E\,\ell`.
* **Kriging**, the mean of :math:`f` given the marks, is best possible.  It is the harmonic function with those values:
  every other site is the average of its neighbours, and its squared error is the effective resistance
  :math:`R_{\rm eff}\le\ell` to the marks.  On a tree both follow from one pass up and one pass down.
* A **piecewise-constant** model cuts the tree into connected pieces and predicts the mean of each.

A tree is an array of parents: ``parents[0] == -1``, and ``0 <= parents[i] < i`` for every other site.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid

from . import _learner_kernels as kernels
from ._tree import as_parents, as_tree, misplaced

__all__ = [
    "euclidean_nearest_neighbour",
    "kriging",
    "kriging_variance",
    "nearest_neighbour",
    "piecewise_constant",
    "shrunk_nearest_neighbour",
]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def nearest_neighbour(parents: ArrayLike, marks: ArrayLike) -> tuple[Integers, Integers]:
    """Find the distance to a nearest mark, and that mark, for every site of a tree.

    Parameters
    ----------
    parents : array_like of int, shape (size,)
        Tree; see the module's opening.
    marks : array_like of bool, shape (size,)
        Sites whose value is known, at least one.

    Returns
    -------
    distance : ndarray of int64, shape (size,)
        Edges to the nearest mark, 0 at a mark.
    source : ndarray of int64, shape (size,)
        The nearest mark; among equally near ones the first.

    Raises
    ------
    ValueError
        When `parents` is no tree of at most 2**30 sites, the shapes differ, or nothing is marked.

    Notes
    -----
    Implements the learner of claim ``br-learner``; its exact law is derived in ``chapters/percolation/learning.md``.
    O(size) time: a nearest mark lies below a site, or it is one of its parent's.

    Examples
    --------
    >>> from neuroscale.percolation import nearest_neighbour
    >>> distance, source = nearest_neighbour([-1, 0, 1, 2], [True, False, False, True])
    >>> distance.tolist(), source.tolist()
    ([0, 1, 1, 0], [0, 0, 3, 3])
    """
    tree, known = as_parents(parents), _marks(parents, marks)
    distance, source = np.empty((2, tree.size), dtype=np.int64)
    if not kernels.nearest(tree, known, distance, source):
        raise misplaced(tree)
    return distance, source


def shrunk_nearest_neighbour(parents: ArrayLike, marks: ArrayLike, target: ArrayLike) -> Floats:
    r"""Predict the nearest neighbour's value, shrunk to zero by its distance.

    Parameters
    ----------
    parents, marks
        As for :func:`nearest_neighbour`.
    target : array_like of float, shape (size,)
        Finite values; read at the marks only.

    Returns
    -------
    ndarray of float, shape (size,)
        :math:`f_{nn}/(1+\ell/\sqrt s)` on a tree of :math:`s` sites.

    Raises
    ------
    ValueError
        As for :func:`nearest_neighbour`, and when a value is not finite.

    Notes
    -----
    Implements Appendix H of [Brill 2024] (claim ``br-shrinkage``).  O(size) time.

    Examples
    --------
    >>> from neuroscale.percolation import shrunk_nearest_neighbour
    >>> shrunk_nearest_neighbour([-1, 0, 1, 2], [True, False, False, False], [3.0, 0.0, 0.0, 0.0]).tolist()
    [3.0, 2.0, 1.5, 1.2]
    """
    distance, source = nearest_neighbour(parents, marks)
    values = _values(target, source.size)
    return np.asarray(values[source] / (1.0 + distance / np.sqrt(source.size)))


def kriging(parents: ArrayLike, marks: ArrayLike, target: ArrayLike) -> Floats:
    """Predict by the mean of the target given its values at the marks: the best predictor there is.

    Parameters
    ----------
    parents, marks
        As for :func:`nearest_neighbour`.
    target : array_like of float, shape (size,)
        Finite values; read at the marks only.

    Returns
    -------
    ndarray of float, shape (size,)
        The harmonic function with the marks' values: elsewhere the average over neighbours.

    Raises
    ------
    ValueError
        As for :func:`shrunk_nearest_neighbour`.

    Notes
    -----
    The prior is Brownian motion with a flat level (claim ``br-kriging``).  Gaussian elimination from the leaves to the
    root meets no fill-in on a tree, and adds terms of one sign only.  O(size) time.

    Examples
    --------
    >>> from neuroscale.percolation import kriging
    >>> kriging([-1, 0, 1, 2], [True, False, False, True], [0.0, 9.0, 9.0, 3.0]).round(12).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    tree, known = as_tree(parents), _marks(parents, marks)
    values = _values(target, tree.size)
    conductance, prediction = np.zeros(tree.size), np.zeros(tree.size)
    kernels.eliminate(tree, known, values, conductance, prediction)
    kernels.substitute(tree, known, values, conductance, prediction)
    return prediction


def kriging_variance(parents: ArrayLike, marks: ArrayLike) -> Floats:
    """Return the expected squared error of :func:`kriging` at every site: the effective resistance to the marks.

    Parameters
    ----------
    parents, marks
        As for :func:`nearest_neighbour`.

    Returns
    -------
    ndarray of float, shape (size,)
        Zero at the marks, and never above the distance to the nearest mark.

    Raises
    ------
    ValueError
        As for :func:`nearest_neighbour`.

    Notes
    -----
    Given its parent, an unmarked site has variance ``1 / (1 + C)``, with ``C`` the conductance to the marks below it,
    and follows the parent with slope ``1 / (1 + C)``; the law of total variance carries this down.  O(size) time.

    Examples
    --------
    >>> from neuroscale.percolation import kriging_variance
    >>> kriging_variance([-1, 0, 1, 2], [True, False, False, True]).round(3).tolist()
    [0.0, 0.667, 0.667, 0.0]
    """
    tree, known = as_tree(parents), _marks(parents, marks)
    variance = np.zeros(tree.size)
    kernels.eliminate(tree, known, np.zeros(tree.size), variance, np.zeros(tree.size))
    kernels.resistances(tree, known, variance)
    return variance


def piecewise_constant(
    parents: ArrayLike, target: ArrayLike, piece_size: int | None = None, *, n_pieces: int | None = None
) -> tuple[Floats, int]:
    """Fit a constant on each of a number of connected pieces of nearly equal size.

    Parameters
    ----------
    parents : array_like of int, shape (size,)
        Tree; see the module's opening.
    target : array_like of float, shape (size,)
        Finite values, known at every site.
    piece_size : int, optional
        Least number of sites in a piece, at least 1; only the piece of the root may hold fewer.
    n_pieces : int, optional
        Instead of `piece_size`: how many pieces there may be, at least 1.  There are about as many and never more:
        pieces of one least size do not come in every number.

    Returns
    -------
    predictions : ndarray of float, shape (size,)
        Mean of the target over the piece of each site.
    n_pieces : int
        Number of pieces, the parameters of the model.

    Raises
    ------
    ValueError
        When `parents` is no tree, the shapes differ, a value is not finite, `piece_size` or `n_pieces` is out of range,
        or not exactly one of them is given.

    Notes
    -----
    The learner of claim ``br-partition``: from the leaves up, a subtree is cut off once `piece_size` sites are left in
    it.  With at most m children to a site no piece exceeds ``m * (piece_size - 1) + 1`` sites.  O(size) time; for
    `n_pieces` a bisection finds the piece size, O(size log size).

    Examples
    --------
    >>> from neuroscale.percolation import piecewise_constant
    >>> predictions, pieces = piecewise_constant([-1, 0, 1, 2], [0.0, 2.0, 4.0, 6.0], 2)
    >>> predictions.tolist(), pieces
    ([1.0, 1.0, 5.0, 5.0], 2)
    >>> piecewise_constant([-1, 0, 1, 2], [0.0, 2.0, 4.0, 6.0], n_pieces=3)[1]    # there are 2 or 4
    2
    """
    tree = as_tree(parents)
    values = _values(target, tree.size)
    if (piece_size is None) == (n_pieces is None):
        raise ValueError(f"piece_size={piece_size!r} and n_pieces={n_pieces!r}: exactly one of them must be given")

    def fit(least: int) -> tuple[Floats, int]:
        mean = np.zeros(tree.size)
        return mean, int(kernels.cut(tree, values, least, np.zeros(tree.size, dtype=np.int64), mean))

    if piece_size is not None:
        return fit(valid.integer("piece_size", piece_size, low=1))
    assert n_pieces is not None
    wanted = valid.integer("n_pieces", n_pieces, low=1)
    low, high = 0, tree.size  # one piece of the whole tree is never too many
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fit(middle)[1] > wanted else (low, middle)
    return fit(high)


def euclidean_nearest_neighbour(positions: ArrayLike, marks: ArrayLike) -> Integers:
    """Find the nearest mark of every point in Euclidean space, by scikit-learn.

    Parameters
    ----------
    positions : array_like of float, shape (size, dimension)
        Finite coordinates, for example those of a branching walk on a tree.
    marks : array_like of bool, shape (size,)
        Points whose value is known, at least one.

    Returns
    -------
    ndarray of int64, shape (size,)
        Index of the nearest mark; a mark is its own.

    Raises
    ------
    ValueError
        When `positions` is not a finite matrix, the shapes differ, or nothing is marked.

    Notes
    -----
    A ball tree or brute force, as :class:`sklearn.neighbors.NearestNeighbors` chooses (claim ``br-metric``).

    Examples
    --------
    >>> from neuroscale.percolation import euclidean_nearest_neighbour
    >>> euclidean_nearest_neighbour([[0.0], [1.0], [5.0]], [True, False, True]).tolist()
    [0, 0, 2]
    """
    points = valid.reals("positions", positions, low=-np.inf)
    if points.ndim != 2 or points.shape[1] == 0:
        raise ValueError(f"positions has shape {points.shape}; it must be (size, dimension)")
    known = np.flatnonzero(_marks(points[:, 0], marks))
    from sklearn.neighbors import NearestNeighbors  # late: it takes half of the package's import time

    index = NearestNeighbors(n_neighbors=1).fit(points[known])
    source: Integers = known[index.kneighbors(points, return_distance=False)[:, 0]].astype(np.int64)
    source[known] = known  # of two marks in one place each is its own
    return source


# -- private ------------------------------------------------------------------------------------------------------


def _marks(sites: ArrayLike, marks: ArrayLike) -> Bools:
    """Return marks as booleans of the shape of ``sites``, at least one of them true, or raise ``ValueError``."""
    known, shape = np.asarray(marks), np.shape(sites)
    if known.dtype != np.bool_ or known.shape != shape:
        raise ValueError(f"marks has dtype {known.dtype} and shape {known.shape}; it must be bool of shape {shape}")
    if not known.any():
        raise ValueError("marks holds no True; at least one site must be marked")
    return np.ascontiguousarray(known)


def _values(target: ArrayLike, size: int) -> Floats:
    """Return a target as floats, one for each site, or raise ``ValueError``."""
    values = valid.reals("target", target, low=-np.inf)
    if values.shape != (size,):
        raise ValueError(f"target has shape {values.shape}; it must be ({size},)")
    return np.ascontiguousarray(values)
