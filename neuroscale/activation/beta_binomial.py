r"""The beta-binomial law of a count, accurate for any number of samples.

A neuron that is active with probability :math:`\theta\sim\mathrm{Beta}(b,x)` on each of :math:`D` samples has

.. math::

   P(k)=\binom Dk\frac{B(b+k,\;x+D-k)}{B(b,x)},\qquad k=0,\dots,D .

Written as a quotient of three binomial terms with the common success probability :math:`(b+k)/(b+x+D)`, all
powers cancel and every deviance depends on the single gap :math:`\delta=(bD-(b+x)k)/(b+x+D)`.  Loader's saddle-point
form of a binomial term then gives :math:`P(k)` without subtracting large logarithms.  As :math:`x\to\infty` at fixed
:math:`(b+x)/D` the law becomes negative binomial, and the same deviances give that limit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neuroscale.numerics import deviance, log_gamma_quotient, stirling_error

__all__ = ["beta_binomial", "interval_probability", "log_pmf", "negative_binomial_log_pmf"]

Floats = NDArray[np.float64]
_LOG_TWO_PI = np.log(2 * np.pi)
#: Up to here the sum over counts is taken term by term.
_DIRECT = 4096
#: Panels whose density per unit of log-count is below exp(-60) at both edges are left out.
_NEGLIGIBLE = -60.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)


def log_pmf(k: ArrayLike, n_samples: ArrayLike, b: float, x: float) -> Floats:
    r"""Log-probability that a neuron was active on `k` of `n_samples` samples.

    Parameters
    ----------
    k : array_like of int
        Counts; values outside ``[0, n_samples]`` have probability 0.
    n_samples : array_like of int
        Number of samples :math:`D`, at least 0.
    b, x : float
        Parameters of the Beta law, ``b > 0`` and ``x >= 0`` (``x = 0``: always active).

    Returns
    -------
    ndarray of float
        The broadcast of `k` and `n_samples`.  The probability has a relative error below 1e-12 for ``b`` in
        [1e-3, 1e4], ``x`` up to 1e16 and ``D`` up to 1e13 wherever it exceeds 1e-300.  O(1) per element.

    Notes
    -----
    Implements theorem T1; derived in ``chapters/activation/hypothesis.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.activation.beta_binomial import log_pmf
    >>> np.exp(log_pmf([0, 1, 2], 2, b=1.0, x=1.0)).round(12).tolist()    # uniform
    [0.333333333333, 0.333333333333, 0.333333333333]
    """
    k, n = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n_samples, dtype=float))
    if x == 0.0:
        return np.where(k == n, 0.0, -np.inf)
    silent, inner = k == 0.0, (k > 0.0) & (k < n)
    k_in, n_in = np.where(inner, k, 1.0), np.where(inner, n, 2.0)
    left = n_in - k_in
    a, end = b + x, b + x + n_in
    active, idle = (b + k_in) / end, (x + left) / end
    gap = (n_in * b - k_in * a) / end
    stirling = (
        (stirling_error(n_in) - stirling_error(k_in) - stirling_error(left))
        + (stirling_error(a) - stirling_error(b) - stirling_error(x))
        - (stirling_error(end) - stirling_error(b + k_in) - stirling_error(x + left))
    )
    exponents = (
        deviance(k_in, n_in * active, gap)
        + deviance(left, n_in * idle, -gap)
        + deviance(b, a * active, -gap)
        + deviance(x, a * idle, gap)
    )
    prefactor = 0.5 * (
        np.log(n_in / (k_in * left)) + np.log((b / a) * (x / (b + k_in)) * (end / (x + left))) - _LOG_TWO_PI
    )
    inside = stirling - exponents + prefactor
    result = np.where(inner, inside, -np.inf)
    # the two ends are few, and their formula costs the most
    if np.any(full := k == n):
        result[full] = log_gamma_quotient(b, x, n[full])
    if np.any(silent):
        result[silent] = log_gamma_quotient(x, b, n[silent])
    return result


def negative_binomial_log_pmf(k: ArrayLike, n_samples: ArrayLike, b: float, a: float) -> Floats:
    r"""Log-probability of a count in the Gamma-Poisson limit, negative binomial with mean :math:`bD/a`.

    Parameters
    ----------
    k : array_like of int
        Counts, at least 0.
    n_samples : array_like of float
        Number of samples :math:`D`, positive.
    b, a : float
        Shape of the Gamma law and concentration, both positive.

    Returns
    -------
    ndarray of float
        The broadcast of `k` and `n_samples`.  O(1) per element.

    Notes
    -----
    Implements theorem T3; derived in ``chapters/activation/dynamics.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.activation.beta_binomial import negative_binomial_log_pmf
    >>> np.exp(negative_binomial_log_pmf([0, 1, 2], 100, b=1.0, a=100)).round(12).tolist()    # geometric
    [0.5, 0.25, 0.125]
    """
    k, n = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n_samples, dtype=float))
    positive = np.where(k > 0.0, k, 1.0)
    share = (b + positive) / (n + a)
    gap = (n * b - positive * a) / (n + a)
    inside = (
        (stirling_error(b + positive) - stirling_error(b) - stirling_error(positive))
        - (deviance(b, a * share, -gap) + deviance(positive, n * share, gap))
        + 0.5 * (np.log(b / (b + positive)) - np.log(positive) - _LOG_TWO_PI)
    )
    return np.where(k == 0.0, -b * np.log1p(n / a), np.where(k > 0.0, inside, -np.inf))


def interval_probability(low: int, high: int, n_samples: int, b: float, x: float) -> float:
    r"""Probability that a count lies in ``[low, high)``.

    Parameters
    ----------
    low, high : int
        Bounds; the part outside ``[0, n_samples]`` contributes nothing.
    n_samples : int
        Number of samples :math:`D`.
    b, x : float
        Parameters of the Beta law.

    Returns
    -------
    float
        In [0, 1], absolute error below 1e-11.

    Notes
    -----
    Within 4096 counts of either end the terms are summed; between, Gauss-Legendre panels on the logarithm of the
    distance to the nearer end integrate the smooth log-pmf, with the midpoint rule's first correction.  The cost
    is O(1) in `n_samples` and :math:`O(\sqrt b)` for large `b`.

    Examples
    --------
    >>> from neuroscale.activation.beta_binomial import interval_probability
    >>> round(interval_probability(0, 10**12, 10**13, b=1.0, x=1.0), 10)    # uniform
    0.1
    """
    low, high = max(0, low), min(high, n_samples + 1)
    if high <= low:
        return 0.0
    middle = n_samples // 2 + 1
    lower = _half_sum(low, min(high, middle), n_samples, b, x)
    upper = _half_sum(n_samples + 1 - high, n_samples + 1 - max(low, middle), n_samples, x, b)
    return min(1.0, max(0.0, lower + upper))


def _half_sum(low: int, high: int, n: int, b: float, x: float) -> float:
    """Sum ``P(k)`` over ``low <= k < high`` with ``high <= n // 2 + 1`` (mirror the law for the other half)."""
    if high <= low:
        return 0.0
    split = min(high, max(low, _DIRECT)) if high - low > _DIRECT else high
    total = float(np.sum(np.exp(log_pmf(np.arange(low, split, dtype=float), n, b, x))))
    if high == split:
        return total
    start, stop = split - 0.5, high - 0.5
    ends = np.array([[start - 0.5, start + 0.5], [stop - 0.5, stop + 0.5]])
    slopes = np.diff(np.exp(log_pmf(ends, n, b, x)), axis=1)
    return total + _smooth_integral(start, stop, n, b, x) - float(slopes[1, 0] - slopes[0, 0]) / 24.0


def _smooth_integral(start: float, stop: float, n: int, b: float, x: float) -> float:
    """Integrate the pmf over real counts, on logarithmic panels narrower than its peak.

    Away from its one stationary point the pmf is monotone, so a stretch without that point is bounded by its ends.
    """
    ends = log_pmf(np.array([start, stop]), n, b, x)
    stationary = (n * (b - 1.0) - (x - 1.0)) / (b + x - 2.0) if b + x > 2.0 else 0.5 * n
    if not start - 1 < stationary < stop + 1 and np.max(ends) + np.log(stop) < _NEGLIGIBLE:
        return 0.0
    width = 0.25 / np.sqrt(1.0 + min(b, stop))
    panels = max(1, int(np.ceil(np.log(stop / start) / width)))
    edges = np.linspace(np.log(start), np.log(stop), panels + 1)
    level = log_pmf(np.exp(edges), n, b, x) + edges
    heavy = np.maximum(level[:-1], level[1:]) > _NEGLIGIBLE
    half = 0.5 * np.diff(edges)[heavy, None]
    points = np.exp(edges[:-1][heavy, None] + half * (1.0 + _NODES))
    return float(np.sum(np.exp(log_pmf(points, n, b, x)) * points * half * _WEIGHTS))


class _BetaBinomial(type(stats.betabinom)):  # type: ignore[misc]
    """scipy's beta-binomial with the stable probability and distribution functions of this module."""

    def _logpmf(self, k: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
        return np.asarray(np.vectorize(log_pmf, otypes=[float])(k, n, a, b))

    def _pmf(self, k: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
        return np.asarray(np.exp(self._logpmf(k, n, a, b)))

    def _cdf(self, k: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
        def single(k: float, n: float, a: float, b: float) -> float:
            return interval_probability(0, int(k) + 1, int(n), a, b)

        return np.asarray(np.vectorize(single, otypes=[float])(k, n, a, b))


_beta_binomial = _BetaBinomial(name="beta_binomial")


def beta_binomial(n_samples: int, b: float, x: float) -> Any:
    """Beta-binomial law as a frozen scipy distribution whose pmf and cdf stay accurate at any size.

    Parameters
    ----------
    n_samples : int
        Number of samples, at least 0.
    b, x : float
        Parameters of the Beta law, ``b > 0``, ``x >= 0``; with ``x = 0`` the count equals `n_samples`.

    Returns
    -------
    scipy.stats.rv_frozen
        With ``pmf``, ``cdf``, ``mean``, ``rvs`` and the other scipy methods.

    Examples
    --------
    >>> from neuroscale.activation.beta_binomial import beta_binomial
    >>> law = beta_binomial(10**12, b=0.5, x=1e6)
    >>> round(float(law.cdf(law.mean())), 4)
    0.6827
    """
    if x == 0.0:
        return stats.binom(n_samples, 1.0)
    return _beta_binomial(n_samples, b, x)
