r"""How a model best spends its degrees of freedom on clusters of unequal mass.

A cluster of mass :math:`p` on which :math:`n` of the :math:`N` degrees of freedom are spent has loss
:math:`p\min(1,n^{-\beta})`, :math:`\beta=c/D`.  Hölder's inequality gives the best split among :math:`K` learned
clusters,

.. math::

   n_k=N\,\frac{p_k^{1/(1+\beta)}}{A_K},\qquad A_K=\sum_{k\le K}p_k^{1/(1+\beta)},\qquad
   L_K=A_K^{1+\beta}N^{-\beta}+\sum_{k>K}p_k ,

and what remains is the choice of :math:`K`.  Brill stops where the last cluster gets one degree of freedom; the optimum
stops at :math:`n_*=(1+\beta)^{1/\beta}`.  In the continuum the masses are :math:`p_k=\alpha k^{-1-\alpha}`,
:math:`k\ge1`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from neuroscale import _validation as valid

__all__ = [
    "allocation_loss",
    "brill_allocation",
    "mass_moment",
    "model_loss",
    "optimal_allocation",
    "optimal_threshold",
    "rank_allocation",
]

Floats = NDArray[np.float64]
#: Halvings of the bracket of ln k: it is at most 43 nats wide for N < 1e18.
_HALVINGS = 64


def brill_allocation(N: ArrayLike, alpha: float, beta: float, *, threshold: float = 1.0) -> tuple[float, Floats]:
    r"""Exponent and break of the allocation :math:`n_k=n_0(k/k_{br})^{b-1}`, :math:`k<k_{br}`, in the continuum.

    Parameters
    ----------
    N : array_like of float
        Degrees of freedom, at least 0.
    alpha : float
        Exponent of the masses :math:`k^{-1-\alpha}`, positive.
    beta : float
        Exponent :math:`c/D` of the loss of one cluster, positive.
    threshold : float
        Degrees of freedom :math:`n_0` of the last cluster that is learned, at least 1: 1 in the paper,
        :func:`optimal_threshold` in the optimum.

    Returns
    -------
    (float, ndarray of float)
        :math:`b=1-\frac{1+\alpha}{1+\beta}`, and the :math:`k_{br}\ge1` that solves
        :math:`N=n_0\,k_{br}(1-k_{br}^{-b})/b` (:math:`n_0k_{br}\ln k_{br}` at :math:`b=0`), of the shape of `N`.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements eqs. (26) and (29) of [Bri24]; derived in ``chapters/percolation/allocation.md``.  As the right-hand side
    decreases with `b`, :math:`b\le1` gives the bracket :math:`0\le\ln k_{br}\le\ln(1+N/n_0)`; bisection, O(1) each.

    Examples
    --------
    >>> from neuroscale.percolation import brill_allocation
    >>> b, k_br = brill_allocation(500, alpha=1.0, beta=0.5)
    >>> round(b, 4), round(float(k_br), 1)
    (-0.3333, 58.0)
    """
    alpha = valid.real("alpha", alpha, low=0, open_low=True)
    beta = valid.real("beta", beta, low=0, open_low=True)
    budget = valid.reals("N", N) / valid.real("threshold", threshold, low=1)
    b = (beta - alpha) / (1.0 + beta)
    low, high = np.zeros(budget.shape), np.log1p(budget)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        short = np.exp(middle) * _power_integral(middle, b) < budget
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return b, np.asarray(np.exp(0.5 * (low + high)))


def _power_integral(x: Floats, b: float) -> Floats:
    """``(1 - exp(-b x)) / b``, which is ``x`` at ``b = 0``."""
    return x if b == 0.0 else np.asarray(-np.expm1(-b * x) / b)


def optimal_threshold(beta: float) -> float:
    r"""Fewest degrees of freedom that are worth spending on a cluster, :math:`n_*=(1+\beta)^{1/\beta}`.

    Parameters
    ----------
    beta : float
        Exponent :math:`c/D` of the loss of one cluster, positive.

    Returns
    -------
    float
        From :math:`e` (as `beta` tends to 0) down to 1; there the tangent from (0, 1) meets :math:`n^{-\beta}`.

    Raises
    ------
    ValueError
        For `beta` that is not positive and finite.

    Notes
    -----
    Implements the claim ``br-optimal-break``; proved in ``chapters/percolation/allocation.md``.

    Examples
    --------
    >>> from neuroscale.percolation import optimal_threshold
    >>> optimal_threshold(0.5), optimal_threshold(1)
    (2.25, 2.0)
    """
    beta = valid.real("beta", beta, low=0, open_low=True)
    return float(np.exp(np.log1p(beta) / beta))


def model_loss(N: ArrayLike, alpha: float, beta: float, *, threshold: float = 1.0) -> Floats:
    r"""Loss of the continuum allocation of :func:`brill_allocation`, in units of the loss at :math:`N=0`.

    Parameters
    ----------
    N, alpha, beta, threshold
        As for :func:`brill_allocation`.

    Returns
    -------
    ndarray of float
        :math:`\alpha n_0^{-1-\beta}k_{br}^{-1-\alpha}N+k_{br}^{-\alpha}`, from 1 at ``N = 0`` down to 0, of the
        shape of `N`.  O(1) each.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements the claim ``br-model-law``; derived in ``chapters/percolation/allocation.md``.

    Examples
    --------
    >>> from neuroscale.percolation import model_loss, optimal_threshold
    >>> paper = model_loss(1e9, alpha=1.0, beta=2.0)
    >>> best = model_loss(1e9, alpha=1.0, beta=2.0, threshold=optimal_threshold(2.0))
    >>> round(float(paper / best), 3)      # 2 / sqrt(3)
    1.155
    """
    _, k_br = brill_allocation(N, alpha, beta, threshold=threshold)
    learned = alpha * threshold ** (-1.0 - beta) * k_br ** (-1.0 - alpha) * np.asarray(N, dtype=float)
    return np.asarray(learned + k_br**-alpha)


def rank_allocation(n_clusters: int, N: float, b: float, k_br: float) -> Floats:
    r"""Spend exactly `N` as :math:`n_k\propto k^{b-1}` on the clusters of rank :math:`k\le k_{br}`.

    Parameters
    ----------
    n_clusters : int
        Number of clusters, at least 1.
    N : float
        Degrees of freedom, at least 0.
    b, k_br : float
        Exponent, and rank of the last cluster that is learned, at least 1.

    Returns
    -------
    ndarray of float, shape (n_clusters,)
        Sums to `N`; 0 beyond `k_br`.  O(n_clusters).

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    The family of allocations of Figure 5 of [Bri24]: it knows the ranks of the clusters and not their masses.

    Examples
    --------
    >>> from neuroscale.percolation import rank_allocation
    >>> rank_allocation(4, 7, b=0.0, k_br=3.5).round(4).tolist()
    [3.8182, 1.9091, 1.2727, 0.0]
    """
    N = valid.real("N", N, low=0)
    b = valid.real("b", b, low=-np.finfo(float).max)
    last = valid.real("k_br", k_br, low=1)
    ranks = np.arange(1.0, valid.integer("n_clusters", n_clusters, low=1) + 1.0)
    weights = np.where(ranks <= last, ranks ** (b - 1.0), 0.0)
    return np.asarray(N * weights / weights.sum())


def optimal_allocation(masses: ArrayLike, N: float, beta: float) -> Floats:
    r"""The split of `N` degrees of freedom that minimises :math:`\sum_kp_k\min(1,n_k^{-\beta})`, exactly.

    Parameters
    ----------
    masses : array_like of float, shape (K,)
        Masses of the clusters, not negative, in any order; they need not sum to 1.
    N : float
        Degrees of freedom, at least 0.
    beta : float
        Exponent :math:`c/D` of the loss of one cluster, positive.

    Returns
    -------
    ndarray of float, shape (K,)
        Sums to `N` (to 0 where nothing can be learned, `N` at most 1), in the order of `masses`.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    The learned clusters are the heaviest, so the least of the :math:`L_K` above is the minimum over all splits; proved
    in ``chapters/percolation/allocation.md`` (claim ``br-optimal-break``).  O(K log K).

    Examples
    --------
    >>> from neuroscale.percolation import optimal_allocation
    >>> optimal_allocation([0.6, 0.3, 0.1], 6, beta=1.0).round(3).tolist()
    [3.515, 2.485, 0.0]
    """
    mass = valid.reals("masses", masses)
    if mass.ndim != 1 or mass.size == 0:
        raise ValueError(f"masses has shape {mass.shape}; it must be one-dimensional and not empty")
    N = valid.real("N", N, low=0)
    beta = valid.real("beta", beta, low=0, open_low=True)
    spent = np.zeros(mass.size)
    if N <= 1.0 or not mass.any():
        return spent
    order = np.argsort(-mass, kind="stable")
    ranked = mass[order]
    weights = ranked ** (1.0 / (1.0 + beta))
    learned = np.cumsum(weights) ** (1.0 + beta) * N**-beta
    last = int(np.argmin(learned - np.cumsum(ranked))) + 1
    spent[order[:last]] = N * weights[:last] / weights[:last].sum()
    return spent


def allocation_loss(masses: ArrayLike, allocation: ArrayLike, beta: float) -> Floats:
    r"""Loss :math:`\sum_kp_k\min(1,n_k^{-\beta})` of an allocation.

    Parameters
    ----------
    masses, allocation : array_like of float, shape (..., K)
        Masses of the clusters and what is spent on them, not negative; they are broadcast.
    beta : float
        Exponent :math:`c/D` of the loss of one cluster, positive.

    Returns
    -------
    ndarray of float, shape (...)
        At most the total mass.  O(1) per cluster.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Examples
    --------
    >>> from neuroscale.percolation import allocation_loss
    >>> float(allocation_loss([0.5, 0.5], [4.0, 0.5], beta=0.5))
    0.75
    """
    beta = valid.real("beta", beta, low=0, open_low=True)
    spent = np.maximum(valid.reals("allocation", allocation), 1.0)
    return np.asarray(np.sum(valid.reals("masses", masses) * spent**-beta, axis=-1))


def mass_moment(t: ArrayLike, discount: float) -> Floats:
    r"""Mean of :math:`\sum_kp_k^t` over :math:`\mathrm{PD}(a,0)` masses.

    Parameters
    ----------
    t : array_like of float
        Power; the mean is infinite unless :math:`t>a`.
    discount : float
        Discount :math:`a` in (0, 1); :math:`\tau-2` for percolation clusters.

    Returns
    -------
    ndarray of float
        :math:`\frac{\Gamma(t-a)}{\Gamma(t)\,\Gamma(1-a)}`: 1 at ``t = 1``, infinite for ``t <= discount``.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements the claim ``br-manifold-prefactor``: it is :math:`\mathbb E P^{t-1}` for the mass :math:`P` of a random
    datum's cluster, :math:`\mathrm{Beta}(1-a,a)`; derived in ``chapters/percolation/allocation.md``.

    Examples
    --------
    >>> from neuroscale.percolation import mass_moment
    >>> mass_moment([2 / 3, 1, 2], 0.5).round(3).tolist()
    [2.319, 1.0, 0.5]
    """
    power = valid.reals("t", t)
    a = valid.real("discount", discount, low=0, high=1, open_low=True, open_high=True)
    finite = power > a
    above = np.where(finite, power - a, 1.0)
    return np.where(finite, np.exp(gammaln(above) - gammaln(np.maximum(power, a)) - gammaln(1.0 - a)), np.inf)
