r"""Clusters of boxes of the hypercubic lattice in any dimension: who belongs together, and how large clusters are.

Two sites are connected when they are neighbours and both occupied (**site** percolation), or when the bond between
them is open (**bond** percolation); a cluster is a class of connected sites.  Union-find [HK76]_ finds all clusters of
a box of :math:`V` sites in one sweep, in time :math:`O(dV\,\alpha(V))` with :math:`\alpha` the inverse Ackermann
function.

Sizes alone need the labels of one hyperplane at a time: a cluster that no longer touches the hyperplane of the sweep
cannot grow, so its size is final and its label is free for the next one.

.. [HK76] Hoshen & Kopelman, Phys. Rev. B 14, 3438 (1976).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from . import _labelling_kernels as kernels

__all__ = ["bond_cluster_labels", "cluster_labels", "cluster_sizes", "streamed_cluster_sizes"]

Integers = NDArray[np.int64]
Labels = NDArray[np.int32]
_MOST_AXES = 8
_MOST_SITES = 2**31 - 2
#: labels that a processor keeps close: 1.5 MB of tables
_ROOM = 2**16


def cluster_labels(occupied: ArrayLike, *, periodic: bool = False) -> Labels:
    """Label the site-percolation clusters of a box.

    Parameters
    ----------
    occupied : array_like
        Box of 1 to 8 axes, not empty; a site is occupied where the entry is not zero.
    periodic : bool
        Whether opposite faces touch.

    Returns
    -------
    ndarray of int32, shape of `occupied`
        0 at empty sites; clusters are numbered 1, 2, ... in C order of their first sites.

    Raises
    ------
    ValueError
        For an empty box, more than 8 axes or more than :math:`2^{31}-2` sites.

    Notes
    -----
    O(d V) up to the inverse Ackermann function; memory of the labels and a table of at most V/2 more.

    Examples
    --------
    >>> from neuroscale.percolation import cluster_labels
    >>> cluster_labels([[1, 0, 1], [0, 0, 1], [1, 0, 0]]).tolist()
    [[1, 0, 2], [0, 0, 2], [3, 0, 0]]
    >>> cluster_labels([[1, 0, 1], [0, 0, 1], [1, 0, 0]], periodic=True).max().item()
    1
    """
    box = _box(occupied)
    shape, strides = _geometry(box.shape)
    labels = np.empty(box.shape, dtype=np.int32)
    # neighbours never both start a label, so that half of the sites bounds their number
    parent = np.empty((box.size + 1) // 2 + 1, dtype=np.int32)
    used = kernels.provisional(box.reshape(-1), shape, strides, labels.reshape(-1), parent)
    if periodic:
        kernels.join_faces(shape, strides, labels.reshape(-1), parent)
    kernels.finish(used, labels.reshape(-1), parent)
    return labels


def bond_cluster_labels(
    p: float, length: int, dimension: int, *, periodic: bool = False, rng: np.random.Generator | int
) -> Labels:
    """Draw bond percolation on a cubic box and label its clusters.

    Parameters
    ----------
    p : float
        Probability in [0, 1] that a bond is open.
    length : int
        Sites along each axis, at least 2.
    dimension : int
        Axes, 1 to 8.
    periodic : bool
        Whether opposite faces touch; for ``length=2`` two bonds then join the same sites.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of int32, shape (length,) * dimension
        Every site belongs to a cluster; these are numbered 1, 2, ... in C order of their first sites.

    Raises
    ------
    ValueError
        For arguments outside their range, or more than :math:`2^{31}-2` sites.

    Notes
    -----
    O(d V) up to the inverse Ackermann function, one uniform draw for each bond.

    Examples
    --------
    >>> from neuroscale.percolation import bond_cluster_labels
    >>> bond_cluster_labels(0.0, 2, 2, rng=1).tolist()
    [[1, 2], [3, 4]]
    """
    p = valid.real("p", p, low=0.0, high=1.0)
    dimension = valid.integer("dimension", dimension, low=1, high=_MOST_AXES)
    longest = int((_MOST_SITES + 0.5) ** (1 / dimension))
    length = valid.integer("length", length, low=2, high=longest)
    _, strides = _geometry((length,) * dimension)
    parent = np.arange(length**dimension + 1, dtype=np.int32)
    labels = np.arange(1, length**dimension + 1, dtype=np.int32)
    kernels.bonds(p, bool(periodic), generator(rng), length, strides, parent)
    kernels.finish(labels.size, labels, parent)
    return labels.reshape((length,) * dimension)


def cluster_sizes(occupied: ArrayLike) -> Integers:
    """Sizes of the site-percolation clusters of a box with free faces.

    Parameters
    ----------
    occupied : array_like
        Box of 1 to 8 axes, not empty; a site is occupied where the entry is not zero.

    Returns
    -------
    ndarray of int64, shape (number of clusters,)
        In the order in which the sweep completes them.

    Raises
    ------
    ValueError
        For an empty box or more than 8 axes.

    Notes
    -----
    O(d V) up to the inverse Ackermann function.  Beside the box and the result it needs the memory of a few
    hyperplanes, whatever the length of the first axis.

    Examples
    --------
    >>> from neuroscale.percolation import cluster_sizes
    >>> sorted(cluster_sizes([[1, 0, 1], [0, 0, 1], [1, 0, 0]]).tolist())
    [1, 1, 2]
    """
    box = _box(occupied, most_sites=2**62)
    return streamed_cluster_sizes([box] if box.ndim > 1 else [box[None]])


def streamed_cluster_sizes(slabs: Iterable[ArrayLike]) -> Integers:
    """Cluster sizes of a box that is handed over slab by slab, so that it never need be in memory.

    Parameters
    ----------
    slabs : iterable of array_like
        Consecutive parts of one box with 2 to 8 axes, cut across the first axis: shapes (n, ...) that agree but for n.

    Returns
    -------
    ndarray of int64, shape (number of clusters,)
        In the order in which the sweep completes them.

    Raises
    ------
    ValueError
        When there is no slab, or for a slab that is empty, has fewer than 2 or more than 8 axes, or another shape.

    Notes
    -----
    Memory of one slab and a few hyperplanes, and of the result.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.percolation import streamed_cluster_sizes
    >>> rows = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 0]])
    >>> sorted(streamed_cluster_sizes([rows[:1], rows[1:]]).tolist())
    [1, 1, 2]
    """
    across: tuple[int, ...] = ()
    parts: list[Integers] = []
    used = 0
    for number, slab in enumerate(slabs):
        box = _box(slab, most_sites=2**62)
        if box.ndim < 2 or (number and box.shape[1:] != across):
            wanted = f"(n, {', '.join(map(str, across))})" if number else "(n, ...) with 2 to 8 axes"
            raise ValueError(f"slabs[{number}] has shape {box.shape}; it must have shape {wanted}")
        if number == 0:
            across = box.shape[1:]
            shape, strides = _geometry(across)
            plane = np.zeros(int(np.prod(across)), dtype=np.uint32)
            # new labels between two clearings: few enough for the caches, enough to pay for a look at the whole plane
            room = min(max(plane.size // 4, _ROOM), 4 * plane.size) + int(shape[-1])
            limit, most = room, plane.size + room  # at most one label a site of the plane stays open
            parent = np.arange(most + 1, dtype=np.uint32)
            table, finished = np.zeros(parent.size, dtype=np.int64), np.empty(parent.size, dtype=np.int64)
            fresh, filled = np.zeros_like(parent), np.empty(int(shape[-1]) + 1, dtype=np.uint32)
        row, rows = 0, box.size // int(shape[-1])
        while row < rows:
            row, used = kernels.sweep(box.reshape(-1), row, shape, strides, plane, parent, table, used, limit, filled)
            if row < rows:
                used, done = kernels.recycle(plane, parent, table, used, fresh, finished)
                parts.append(finished[:done].copy())
                limit = used + room
    if not across:
        raise ValueError(f"slabs={slabs!r} holds no slab; at least one is needed")
    # nothing follows, so that every cluster is finished
    plane[:] = 0
    _, done = kernels.recycle(plane, parent, table, used, fresh, finished)
    parts.append(finished[:done])
    return np.concatenate(parts)


# -- private ------------------------------------------------------------------------------------------------------


def _box(occupied: ArrayLike, most_sites: int = _MOST_SITES) -> NDArray[np.uint8]:
    """The box as contiguous bytes: no copy of a contiguous boolean array."""
    box = np.asarray(occupied)
    if box.dtype.kind not in "biuf":
        raise ValueError(f"occupied has dtype {box.dtype}; it must hold booleans or numbers")
    if not (1 <= box.ndim <= _MOST_AXES and 0 < box.size <= most_sites):
        raise ValueError(
            f"occupied has shape {box.shape}; it must have 1 to {_MOST_AXES} axes and 1 to {most_sites} sites"
        )
    flags = box if box.dtype in (np.bool_, np.uint8) else box != 0
    return np.ascontiguousarray(flags).view(np.uint8)


def _geometry(shape: tuple[int, ...]) -> tuple[Integers, Integers]:
    """Shape and C-order strides, in sites."""
    strides = np.cumprod([1, *shape[:0:-1]])[::-1]
    return np.array(shape, dtype=np.int64), np.ascontiguousarray(strides, dtype=np.int64)
