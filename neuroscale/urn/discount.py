r"""Estimate the discount, and with it the branch, from the cluster counts of one data set.

The log-likelihood of :math:`n_1,\dots,n_K` is, up to a constant,

.. math::

   \ell(a,\theta)=\sum_{i=1}^{K-1}\ln(\theta+ia)-\ln(\theta+1)_{D-1}+\sum_j\ln(1-a)_{n_j-1},

one smooth function across :math:`a=0`, where the branches meet (:math:`N=\infty`).  For :math:`0<a<1` its curvature in
:math:`a` is asymptotically :math:`K\,\pi/(a\sin\pi a)`, and :math:`K\sim D^a`: so the standard error falls as
:math:`D^{-a/2}`.  On the finite branch it stops at that of :math:`N` known masses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize
from scipy.special import ndtri, polygamma

from neuroscale import _validation as valid

from ._laws import fast_log_rising
from .pitman_yor import PitmanYor

__all__ = ["DiscountFit", "discount_information", "fit_discount"]

Floats = NDArray[np.float64]
Pair = tuple[float, float]
#: Ranges of the search: discount, and the logarithms of -discount and of the distance of theta from its bound.
_DISCOUNTS, _WEIGHTS, _SHIFTS = (0.0, 1.0 - 1e-6), (-16.0, 12.0), (-23.0, 32.0)


@dataclass(frozen=True)
class DiscountFit:
    """Maximum-likelihood fit of the Pitman-Yor urn to cluster counts.

    Attributes
    ----------
    urn : PitmanYor
        The fit, on the likelier branch.
    error : float
        Standard error of the discount, from the observed information.
    concentration_error : float
        That of the concentration.
    log_likelihoods : (float, float)
        Largest log-probability of the partition on the finite branch and on the other, which includes discount 0.
    n_data, n_clusters : int
        Size of the data.
    """

    urn: PitmanYor
    error: float
    concentration_error: float
    log_likelihoods: tuple[float, float]
    n_data: int
    n_clusters: int

    @property
    def evidence(self) -> float:
        """Difference of the log-likelihoods, positive in favour of a discount of 0 or more."""
        return self.log_likelihoods[1] - self.log_likelihoods[0]

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval for the discount.

        Parameters
        ----------
        level : float
            Coverage in (0, 1).

        Examples
        --------
        >>> from neuroscale.urn import PitmanYor, fit_discount
        >>> low, high = fit_discount(PitmanYor(0.5, 0.0).sample_counts(10**6, rng=1)).interval()
        >>> low < 0.5 < high
        True
        """
        level = valid.real("level", level, low=0, high=1, open_low=True, open_high=True)
        reach = float(ndtri(0.5 + level / 2)) * self.error
        return self.urn.discount - reach, self.urn.discount + reach


def discount_information(discount: float) -> float:
    r"""Fisher information on the discount in one cluster of a large data set, :math:`\frac{\pi}{a\sin\pi a}`.

    Parameters
    ----------
    discount : float
        :math:`a` in (0, 1).

    Returns
    -------
    float
        The standard error of the discount is about ``(K * information) ** -0.5`` with ``K`` clusters.

    Notes
    -----
    Implements ``br-urn-discount``; derived in ``chapters/percolation/one_urn.md``.

    Examples
    --------
    >>> import math
    >>> from neuroscale.urn import discount_information
    >>> round(discount_information(0.5) / math.pi, 12)
    2.0
    """
    a = valid.real("discount", discount, low=0, high=1, open_low=True, open_high=True)
    return math.pi / (a * math.sin(math.pi * min(a, 1.0 - a)))


def fit_discount(counts: ArrayLike) -> DiscountFit:
    """Fit discount and concentration to the counts of clusters (working neurons) by maximum likelihood.

    Parameters
    ----------
    counts : array_like of int
        Data in each cluster; zeros are dropped, since the urn does not know of what it has not seen.

    Returns
    -------
    DiscountFit
        On the finite branch the number of types is a whole number, at least that of the clusters.

    Raises
    ------
    ValueError
        For counts that are no integers, fewer than two clusters, or no cluster with two data.

    Notes
    -----
    Implements ``br-urn-discount``; derived in ``chapters/percolation/one_urn.md``.  The standard errors treat the
    number of types as real where some are likely unseen, and as known where all are seen.  O(K + u) per step for ``u``
    distinct counts among ``K``.  Counts as even as those of equal clusters have no maximum at a finite discount: the
    result is then near ``-exp(12)``, the end of the search, and the errors are infinite.

    Examples
    --------
    >>> from neuroscale.urn import PitmanYor, fit_discount
    >>> fit = fit_discount(PitmanYor.finite(500, 0.5).sample_counts(20_000, rng=1))
    >>> fit.urn.n_types is not None and abs(fit.urn.discount + 0.5) < 4 * fit.error
    True
    """
    n = valid.integers("counts", counts, low=0, high=2**53).ravel()
    n = n[n > 0]
    if n.size < 2 or n.max() < 2:
        raise ValueError(
            f"counts holds {n.size} clusters of at most {n.max(initial=0)}; two, and one of two, are needed"
        )
    likelihood = _Likelihood(n)
    infinite, finite = likelihood.infinite_branch(), likelihood.finite_branch()
    logs = (PitmanYor(*finite).log_probability(n), PitmanYor(*infinite).log_probability(n))
    a, theta = finite if logs[0] > logs[1] else infinite
    errors = likelihood.errors(a, theta)
    return DiscountFit(PitmanYor(a, theta), *errors, logs, int(n.sum()), n.size)


# -- private ------------------------------------------------------------------------------------------------------


class _Likelihood:
    """Log-likelihood of the counts and its curvature, good to the 1e-9 that a search needs."""

    def __init__(self, counts: NDArray[np.int64]) -> None:
        values, sizes = np.unique(counts, return_counts=True)
        self.values, self.sizes = values[values > 1].astype(float), sizes[values > 1].astype(float)
        self.steps = np.arange(1.0, counts.size)
        self.clusters, self.data = counts.size, float(counts.sum())

    def value(self, a: float, theta: float) -> float:
        inside = self.sizes @ fast_log_rising(1.0 - a, self.values - 1.0)
        return float(np.log(theta + a * self.steps).sum() + inside - fast_log_rising(1.0 + theta, self.data - 1.0))

    def information(self, a: float, theta: float) -> Floats:
        square = (theta + a * self.steps) ** -2.0
        inside = self.sizes @ (polygamma(1, 1.0 - a) - polygamma(1, self.values - a))
        data = polygamma(1, theta + 1.0) - polygamma(1, theta + self.data)
        cross = self.steps @ square
        return np.array([[self.steps**2 @ square + inside, cross], [cross, square.sum() - data]])

    def infinite_branch(self) -> tuple[float, float]:
        """Maximum over a discount in [0, 1), in the coordinates a and ln(theta + a)."""

        def point(a: float, log_shift: float) -> tuple[float, float]:
            # theta > -a also after rounding
            return a, max(math.exp(log_shift) - a, math.nextafter(-a, 1.0))

        best = self._search(point, [(0.5, 0.0), (0.05, 2.0)], (_DISCOUNTS, _SHIFTS))
        return point(*best)

    def finite_branch(self) -> tuple[float, float]:
        """Maximum over weights b and whole numbers of types; first with a real number, in ln b and ln b(N - K + 1)."""
        rest = self.clusters - 1.0

        def point(log_b: float, log_shift: float) -> tuple[float, float]:
            return -math.exp(log_b), rest * math.exp(log_b) + math.exp(log_shift)

        log_b, log_shift = self._search(point, [(-1.0, 0.0), (-5.0, 2.0)], (_WEIGHTS, _SHIFTS))
        types = math.floor(rest + min(math.exp(log_shift - log_b), 2.0**52))
        around = {max(types, self.clusters), max(types + 1, self.clusters)}
        return max((self._with_types(N, log_b) for N in around), key=lambda point: self.value(*point))

    def _with_types(self, types: int, near: float) -> tuple[float, float]:
        """Maximum over the weight for a given number of types, near the real one."""

        def negative(log_b: float) -> float:
            return -self.value(-math.exp(log_b), types * math.exp(log_b))

        found = optimize.minimize_scalar(
            negative, bounds=(near - 2.0, near + 2.0), method="bounded", options={"xatol": 1e-9}
        )
        b = math.exp(found.x)
        return -b, types * b

    def errors(self, a: float, theta: float) -> tuple[float, float]:
        """Standard errors of discount and concentration."""
        information, types = self.information(a, theta), round(theta / -a) if a < 0.0 else 0
        if a < -math.exp(_WEIGHTS[1] - 1.0):
            return math.inf, math.inf
        if np.linalg.det(information) > 0.0 and information[0, 0] > 0.0 and types != self.clusters:
            spread = np.linalg.inv(information)
            return float(np.sqrt(spread[0, 0])), float(np.sqrt(spread[1, 1]))
        # all types seen, or a maximum at the end of its range: along a fixed number of types, or a fixed concentration
        along = np.array([-1.0, types]) if types else np.array([1.0, 0.0])
        curvature = float(along @ information @ along)
        error = curvature**-0.5 if curvature > 0.0 else math.inf
        return error, types * error if types else math.inf

    def _search(
        self, point: Callable[[float, float], tuple[float, float]], starts: list[Pair], bounds: tuple[Pair, Pair]
    ) -> tuple[float, float]:
        """The best of a few simplex searches: two coordinates, so that nothing faster pays."""

        def negative(place: Floats) -> float:
            return -self.value(*point(float(place[0]), float(place[1])))

        options = {"xatol": 1e-5, "fatol": 1e-9, "maxiter": 1000}
        found = [
            optimize.minimize(negative, start, method="Nelder-Mead", bounds=bounds, options=options) for start in starts
        ]
        best = min(found, key=lambda result: float(result.fun)).x
        return float(best[0]), float(best[1])
