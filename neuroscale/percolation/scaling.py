r"""How the loss of a data set made of clusters falls with its size.

A random new datum lies in a cluster of mass :math:`p`; of the :math:`\mathcal D` data seen so far a binomial number lie
in the same one.  With masses :math:`\mathrm{PD}(a,0)` the mass of a random datum's cluster is
:math:`\mathrm{Beta}(1-a,a)`, so its count :math:`n` is beta-binomial; as the parameters sum to 1, its law factors:

.. math::

   P(n)=w_{1-a}(n)\,w_a(\mathcal D-n),\qquad w_c(n)=\frac{\Gamma(n+c)}{\Gamma(c)\,n!}=[x^n](1-x)^{-c},\qquad
   L(\mathcal D)=\mathbb E\,g(n),

for any loss curve :math:`g` of a cluster.  In mean field :math:`a=\tfrac12`, and
:math:`w_{1/2}(n)=u_n=\binom{2n}n4^{-n}` is the probability that a simple walk is back after :math:`2n` steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ellipkm1, gammaln

from neuroscale import _validation as valid
from neuroscale.numerics import log1pmx, stirling_error

__all__ = [
    "data_loss",
    "data_loss_continuum",
    "nearest_neighbour_data_loss",
    "nearest_neighbour_loss",
    "quanta_data_loss",
    "return_probability",
    "subcritical_loss",
]

Floats = NDArray[np.float64]


def return_probability(n: ArrayLike) -> Floats:
    r"""Probability :math:`u_n=\binom{2n}n4^{-n}` that a simple walk on the line is back after :math:`2n` steps.

    Parameters
    ----------
    n : array_like of float
        Half the number of steps, at least 0; real values are allowed.

    Returns
    -------
    ndarray of float
        In (0, 1], :math:`\simeq1/\sqrt{\pi n}`.  Relative error below 1e-13 up to ``n = 1e15``; O(1) per element.

    Raises
    ------
    ValueError
        For a negative or infinite value.

    Examples
    --------
    >>> from neuroscale.percolation import return_probability
    >>> return_probability([0, 1, 2]).round(12).tolist()
    [1.0, 0.5, 0.375]
    """
    return _coefficient(valid.reals("n", n), 0.5)


def nearest_neighbour_loss(n: ArrayLike) -> Floats:
    r"""Loss of a critical cluster with `n` data, :math:`4u_n`, in units of the variance of its target.

    Parameters
    ----------
    n : array_like of float
        Data in the cluster, at least 0; real values between 0 and 1 follow the formula, not the convention at 0.

    Returns
    -------
    ndarray of float
        1 at ``n = 0``, where the mean is predicted; otherwise at most 4, and 2 at ``n = 1``: one neighbour is worse
        than the mean.  O(1) per element.

    Raises
    ------
    ValueError
        For a negative or infinite value.

    Notes
    -----
    Implements the claim ``br-nn-curve``; derived in ``chapters/percolation/learning.md``.

    Examples
    --------
    >>> from neuroscale.percolation import nearest_neighbour_loss
    >>> nearest_neighbour_loss([0, 1, 2]).round(12).tolist()
    [1.0, 2.0, 1.5]
    """
    count = valid.reals("n", n)
    return np.where(count == 0.0, 1.0, 4.0 * _coefficient(count, 0.5))


def data_loss(D: ArrayLike, discount: float, loss: Callable[[Floats], ArrayLike]) -> Floats:
    r"""Exact mean loss on `D` data from clusters with :math:`\mathrm{PD}(a,0)` masses, whatever a cluster's loss curve.

    Parameters
    ----------
    D : array_like of int
        Numbers of data, from 0 to 10^7.
    discount : float
        Discount :math:`a` in (0, 1); :math:`\tau-2` for percolation clusters.
    loss : callable
        Loss :math:`g(n)` of a cluster with `n` data; called once, with the floats 0, 1, ..., max(D).

    Returns
    -------
    ndarray of float
        :math:`\sum_nw_{1-a}(n)\,w_a(\mathcal D-n)\,g(n)`, of the shape of `D`.  O(sum of D) time, O(max D) memory.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range, or the shape that `loss` returns.

    Notes
    -----
    Implements the claim ``br-data-exact``; proved in ``chapters/percolation/scaling_laws.md``.

    Examples
    --------
    >>> from neuroscale.percolation import data_loss
    >>> data_loss([0, 1, 2], 0.5, lambda n: n == 0).round(12).tolist()    # quanta: has the cluster been seen?
    [1.0, 0.5, 0.375]
    """
    size = valid.integers("D", D, low=0, high=10**7)
    a = valid.real("discount", discount, low=0, high=1, open_low=True, open_high=True)
    counts = np.arange(float(size.max(initial=0)) + 1.0)
    curve = valid.reals("loss", loss(counts), low=-np.finfo(float).max)
    if curve.shape != counts.shape:
        raise ValueError(f"loss returned the shape {curve.shape} for an argument of shape {counts.shape}")
    inside, outside = _coefficients(counts, 1.0 - a) * curve, _coefficients(counts, a)
    values = [inside[: n + 1] @ outside[n::-1] for n in size.ravel().tolist()]
    return np.array(values, dtype=float).reshape(size.shape)


def quanta_data_loss(D: ArrayLike, discount: float) -> Floats:
    r"""Mean unseen mass after `D` data, :math:`\frac{\Gamma(\mathcal D+a)}{\Gamma(a)\,\Gamma(\mathcal D+1)}`.

    Parameters
    ----------
    D : array_like of float
        Numbers of data, at least 0.
    discount : float
        Discount :math:`a` in (0, 1); :math:`\tau-2` for percolation clusters.

    Returns
    -------
    ndarray of float
        In (0, 1], :math:`\simeq\mathcal D^{a-1}/\Gamma(a)`: the loss when one datum tells all about its cluster.  O(1).

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements the claim ``br-data-exact``; proved in ``chapters/percolation/scaling_laws.md``.

    Examples
    --------
    >>> from neuroscale.percolation import quanta_data_loss
    >>> quanta_data_loss([0, 1, 2], 0.25).round(12).tolist()
    [1.0, 0.25, 0.15625]
    """
    a = valid.real("discount", discount, low=0, high=1, open_low=True, open_high=True)
    return _coefficient(valid.reals("D", D), a)


def nearest_neighbour_data_loss(D: ArrayLike) -> Floats:
    r"""Mean loss of the nearest neighbour on `D` data from critical mean-field clusters.

    Parameters
    ----------
    D : array_like of int
        Numbers of data, from 0 to 10^7.

    Returns
    -------
    ndarray of float
        :math:`u_{\mathcal D}+4\sum_{n\ge1}u_n^2u_{\mathcal D-n}`, in units of the clusters' variance.  Cost as
        :func:`data_loss`.

    Raises
    ------
    ValueError
        For numbers outside the range.

    Notes
    -----
    Implements the claim ``br-data-nn``; proved in ``chapters/percolation/scaling_laws.md``.

    Examples
    --------
    >>> from neuroscale.percolation import nearest_neighbour_data_loss
    >>> (nearest_neighbour_data_loss([1, 2, 3, 4]) * [2, 16, 64, 4096]).round(9).tolist()
    [3.0, 23.0, 87.0, 5289.0]
    """
    return data_loss(D, 0.5, nearest_neighbour_loss)


def data_loss_continuum(D: ArrayLike, alpha: float, beta: float) -> Floats:
    r"""Loss when a cluster of mass :math:`p_k=\alpha k^{-1-\alpha}` has exactly :math:`\mathcal Dp_k` data.

    Parameters
    ----------
    D : array_like of float
        Numbers of data, at least :math:`1/\alpha`: the heaviest cluster has one datum.
    alpha : float
        Exponent of the masses, positive.
    beta : float
        Exponent :math:`c/D` of the loss of one cluster, positive.

    Returns
    -------
    ndarray of float
        In units of the loss at ``D = 1 / alpha``: with :math:`x=\alpha\mathcal D` and :math:`h=\frac\alpha{1+\alpha}`
        it is :math:`\frac{\beta x^{-h}-hx^{-\beta}}{\beta-h}`, and :math:`(1+h\ln x)\,x^{-h}` at :math:`\beta=h`.
        O(1).

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements the claim ``br-data-law``; derived in ``chapters/percolation/scaling_laws.md``.

    Examples
    --------
    >>> from neuroscale.percolation import data_loss_continuum
    >>> data_loss_continuum([1, 100], alpha=1.0, beta=0.5).round(4).tolist()
    [1.0, 0.3303]
    """
    alpha = valid.real("alpha", alpha, low=0, open_low=True)
    beta = valid.real("beta", beta, low=0, open_low=True)
    log_x = np.log(np.maximum(alpha * valid.reals("D", D, low=(1.0 - 1e-12) / alpha), 1.0))
    h = alpha / (1.0 + alpha)
    # (b x^-h - h x^-b) / (b - h) = x^-h (1 + h (1 - x^(h - b)) / (b - h)), which has the limit 1 + h ln x
    gap = beta - h
    excess = log_x if gap == 0.0 else -np.expm1(-gap * log_x) / gap
    return np.asarray(np.exp(-h * log_x) * (1.0 + h * excess))


def subcritical_loss(seen: ArrayLike, target: Literal["quanta", "nearest_neighbour"]) -> Floats:
    r"""Mean loss on many mean-field clusters slightly below :math:`p_c`.

    Parameters
    ----------
    seen : array_like of float
        Data in a cluster of the cutoff size, :math:`\lambda s_\xi\ge0`, for :math:`\lambda` data a site.
    target : {"quanta", "nearest_neighbour"}
        Whether one datum tells all about its cluster, or the nearest one is used.

    Returns
    -------
    ndarray of float
        With :math:`x=\frac{\lambda s_\xi}{1+\lambda s_\xi}`: :math:`\sqrt{1-x}`, or
        :math:`\sqrt{1-x}\,[\frac8\pi K(x)-3]` with the elliptic integral of parameter :math:`x`.  O(1).

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements the claim ``br-subcritical``; proved in ``chapters/percolation/scaling_laws.md``: it is the critical
    loss on a geometric number of data of mean :math:`\lambda s_\xi`.

    Examples
    --------
    >>> from neuroscale.percolation import subcritical_loss
    >>> subcritical_loss([0, 3], "quanta").tolist(), subcritical_loss(0, "nearest_neighbour").tolist()
    ([1.0, 0.5], 1.0)
    """
    valid.choice("target", target, ("quanta", "nearest_neighbour"))
    unseen = 1.0 / (1.0 + valid.reals("seen", seen))  # 1 - x
    curve = 1.0 if target == "quanta" else 8.0 / np.pi * ellipkm1(unseen) - 3.0
    return np.asarray(np.sqrt(unseen) * curve)


def _coefficient(n: Floats, c: float) -> Floats:
    r"""``w_c(n)``, the coefficient of ``x**n`` in ``(1 - x)**-c``, for ``0 < c < 1`` and real ``n >= 0``.

    Stirling's series of both Gamma functions at :math:`n\ge1`, with :math:`d=c-1`; what is large cancels by hand.
    """
    d, low = c - 1.0, n < 1.0
    at = np.where(low, n + 1.0, n)
    step = d / at
    main = d * np.log(at) + at * log1pmx(step) + (d + 0.5) * np.log1p(step)
    value = np.exp(main + stirling_error(at + d) - stirling_error(at) - gammaln(c))
    return np.where(n == 0.0, 1.0, np.where(low, value * (at / (n + c)), value))


def _coefficients(counts: Floats, c: float) -> Floats:
    """``w_c`` of 0, 1, 2, ...: the same by products, ten times as fast, with a relative error below 1e-9."""
    factors = np.ones_like(counts)
    factors[1:] = (counts[1:] + (c - 1.0)) / counts[1:]
    return np.asarray(np.cumprod(factors))
