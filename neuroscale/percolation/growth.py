r"""Growth of single clusters on the infinite hypercubic lattice [Leath76]_.

The cluster of an occupied origin is grown site by site; whether a neighbour belongs to it is drawn when growth first
reaches it.  No box is needed, so that no face distorts the law: below a cap :math:`s_c` the sizes follow
:math:`P(|C|=s)=s\,n_s/p` (site) or :math:`s\,n_s` (bond) exactly, and all that is lost is how far a cluster exceeds
the cap.  At the threshold :math:`P(|C|\ge s)\sim s^{2-\tau}`.

.. [Leath76] Leath, Phys. Rev. B 14, 5046 (1976).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from . import _growth_kernels as kernels

__all__ = ["Kind", "grow_clusters"]

Integers = NDArray[np.int64]
Kind = Literal["site", "bond"]


def grow_clusters(
    p: float,
    dimension: int,
    *,
    kind: Kind = "site",
    cap: int,
    n_clusters: int,
    rng: np.random.Generator | int,
) -> Integers:
    r"""Draw sizes of the cluster of the origin of :math:`\mathbb Z^d`, given that the origin is occupied.

    Parameters
    ----------
    p : float
        Probability in [0, 1] that a site (or a bond) is occupied.
    dimension : int
        Dimension of the lattice, 1 to 8.
    kind : {"site", "bond"}
        What is occupied at random.
    cap : int
        Largest size that is told apart, in ``[1, 2**26]``.
    n_clusters : int
        Number of independent clusters, at least 1.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of int64, shape (n_clusters,)
        ``cap + 1`` stands for any size above the cap, infinity included.

    Raises
    ------
    ValueError
        For arguments outside their range.

    Notes
    -----
    O(d) for each site of a cluster, and memory O(d cap).  Coordinates share one 64-bit integer: growth that leaves a
    cube of side :math:`2^{\lfloor62/d\rfloor}` around the origin would return on the other side.  In two and three
    dimensions no cluster within the cap reaches that far; in seven (side 256) a cluster would need a diameter of 256.

    Examples
    --------
    >>> from neuroscale.percolation import grow_clusters
    >>> grow_clusters(0.0, 3, cap=10, n_clusters=3, rng=1).tolist()
    [1, 1, 1]
    >>> grow_clusters(1.0, 3, kind="bond", cap=10, n_clusters=2, rng=1).tolist()
    [11, 11]
    """
    p = valid.real("p", p, low=0.0, high=1.0)
    dimension = valid.integer("dimension", dimension, low=1, high=8)
    by_bond = valid.choice("kind", kind, ("site", "bond")) == "bond"
    cap = valid.integer("cap", cap, low=1, high=2**26)
    n_clusters = valid.integer("n_clusters", n_clusters, low=1)
    bits = 62 // dimension
    steps = 2 ** (bits * np.arange(dimension, dtype=np.int64))
    origin = int((steps * 2 ** (bits - 1)).sum())
    # every decided site is a site of the cluster or one of its neighbours; the table stays at most half full
    decided = (cap + 1) * (1 if by_bond else 2 * dimension) + 2
    keys = np.full(2 ** (2 * decided - 1).bit_length(), -1, dtype=np.int64)
    visited, queue = np.empty(decided, dtype=np.int64), np.empty(cap + 1, dtype=np.int64)
    sizes = np.empty(n_clusters, dtype=np.int64)
    kernels.grow(p, steps, by_bond, cap, origin, generator(rng), keys, visited, queue, sizes)
    return sizes
