r"""Counts of units whose activation probability is the normal distribution function of a normal variable.

A unit fires when its preactivation is positive.  Where that is Gaussian over the samples, with unit variance and a
mean that differs from unit to unit, unit :math:`i` fires with probability :math:`\theta_i=\Phi(m+sZ_i)`, and

.. math::

   P(k)=\binom Dk\int\Phi(z)^k\,\Phi(-z)^{D-k}\,\frac1s\,\phi\Bigl(\frac{z-m}s\Bigr)\,dz .

The integrand is log-concave in :math:`z`, whatever :math:`k` and :math:`D`.  So it has one peak, and on either side
one point where it has fallen by a given factor; Gauss-Legendre nodes on the two pieces follow it from a width of
:math:`s` to one of :math:`D^{-1/2}`.  The same nodes give its moments, and those the derivatives in :math:`(m,\ln s)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, log_ndtr, ndtri

from neuroscale import _validation as valid
from neuroscale.numerics import stirling_error

__all__ = ["probit_normal_cdf", "probit_normal_log_pmf"]

Floats = NDArray[np.float64]
#: The integrand is followed until it has fallen by exp(-45), far below the rounding of its integral.
_DROP = 45.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_LOG_ROOT_TWO_PI = 0.5 * np.log(2.0 * np.pi)
#: Half-width, in standard deviations of the mixing law, of the range over which distribution functions integrate.
_REACH = 9.0


def probit_normal_log_pmf(k: ArrayLike, n_samples: ArrayLike, m: float, s: float) -> Floats:
    r"""Log-probability of a count whose probability is :math:`\Phi(m+sZ)` with standard normal :math:`Z`.

    Parameters
    ----------
    k : array_like of int
        Counts in ``[0, n_samples]``.
    n_samples : array_like of float
        Number of samples :math:`D`, at least 0.
    m, s : float
        Mean and standard deviation of the normal variable; ``s`` positive.

    Returns
    -------
    ndarray of float
        The broadcast of `k` and `n_samples`.  Against 40-digit quadrature the error of the logarithm is below 1e-10
        for ``s`` in [1e-3, 4] and ``D`` up to 1e6, and 1e-8 at ``s = 10``.  O(1) per element: 80 nodes.

    Raises
    ------
    ValueError
        For counts or parameters outside their range.

    Notes
    -----
    Used in ``chapters/evidence/frozen_networks.md`` as the rival of the beta-binomial law.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence.probit_normal import probit_normal_log_pmf
    >>> np.exp(probit_normal_log_pmf([0, 1, 2], 2, m=0.0, s=1.0)).round(12).tolist()    # uniform rates
    [0.333333333333, 0.333333333333, 0.333333333333]
    """
    m, s = _parameters(m, s)
    D = valid.reals("n_samples", n_samples)
    counts = valid.reals("k", k)
    counts, D = np.broadcast_arrays(counts, D)
    if np.any(counts > D):
        worst = float(counts[counts > D].flat[0])
        raise ValueError(f"k holds {worst!r}; every value must be at most n_samples")
    rule = Rule.around(counts.ravel(), D.ravel(), m, s)
    return np.asarray(rule.log_pmf(m, s).reshape(counts.shape))


def probit_normal_cdf(k: ArrayLike, n_samples: int, m: float, s: float) -> Floats:
    """Probability that a count is at most `k`.

    Parameters
    ----------
    k : array_like of int
        Counts; below 0 the probability is 0, from `n_samples` on it is 1.
    n_samples : int
        Number of samples, at least 1.
    m, s : float
        As for :func:`probit_normal_log_pmf`.

    Returns
    -------
    ndarray of float
        Shape of `k`; absolute error below 1e-9.  O(1) per element: 180 incomplete Beta functions.

    Examples
    --------
    >>> from neuroscale.evidence.probit_normal import probit_normal_cdf
    >>> probit_normal_cdf([-1, 249, 999], 999, m=0.0, s=1.0).round(9).tolist()    # uniform rates
    [0.0, 0.25, 1.0]
    """
    m, s = _parameters(m, s)
    D = valid.integer("n_samples", n_samples, low=1, high=2**53)
    k = np.asarray(k, dtype=float)
    inside = (k >= 0) & (k < D)
    level = np.where(inside, np.floor(k), 0.0).ravel()[:, None]
    # P(count <= k) falls from 1 to 0 around the quantile of (k + 1) / (D + 1), within a few widths of it
    centre = ndtri((level + 1.0) / (D + 1.0))
    width = np.exp(0.5 * centre**2 + _LOG_ROOT_TWO_PI) * np.sqrt((level + 1.0) * (D - level)) / (D + 1.0) ** 1.5
    low, high = m - _REACH * s, m + _REACH * s
    cuts = np.clip(np.concatenate([centre - 8.0 * width, centre + 8.0 * width], axis=1), low, high)
    edges = np.concatenate([np.full_like(level, low), cuts, np.full_like(level, high)], axis=1)
    edges = np.sort(np.concatenate([edges, np.full_like(level, m)], axis=1), axis=1)
    total = np.zeros(level.shape[0])
    for left, right in zip(edges.T[:-1], edges.T[1:], strict=True):
        half = 0.5 * (right - left)[:, None]
        z = left[:, None] + half * (1.0 + _NODES)
        below = betainc(D - level, level + 1.0, np.exp(log_ndtr(-z)))
        total += np.sum(half * _WEIGHTS * below * np.exp(-0.5 * ((z - m) / s) ** 2), axis=1)
    total = np.clip(total / (s * np.sqrt(2.0 * np.pi)), 0.0, 1.0).reshape(k.shape)
    return np.where(inside, total, np.where(k < 0, 0.0, 1.0))


@dataclass(frozen=True)
class Rule:
    """Quadrature nodes for some counts: good at the parameters they were made for, and near them.

    Attributes
    ----------
    z, log_weight : ndarray of float, shape (n_counts, 80)
        Nodes, and the logarithm of binomial probability times quadrature weight there.
    """

    z: Floats
    log_weight: Floats

    @classmethod
    def around(cls, k: Floats, D: Floats, m: float, s: float) -> Rule:
        """Nodes that follow the integrand of each count at ``(m, s)``."""
        peak = _peak(k, D, m, s)
        left, right = (_reach(k, D, m, s, peak, side) for side in (-1.0, 1.0))
        z = np.concatenate([peak - 0.5 * left * (1 + _NODES), peak + 0.5 * right * (1 + _NODES)], axis=1)
        weight = np.concatenate([0.5 * left * _WEIGHTS, 0.5 * right * _WEIGHTS], axis=1)
        column, size = k[:, None], D[:, None]
        return cls(z, _log_binomial(column, size, z) + np.log(weight))

    def log_pmf(self, m: float, s: float) -> Floats:
        """Log-probabilities at ``(m, s)``."""
        return self._posterior(m, s)[0]

    def derivatives(self, m: float, s: float) -> tuple[Floats, Floats, NDArray[np.float64]]:
        """Log-probabilities with gradient (n, 2) and Hessian (n, 2, 2) in ``(m, ln s)``.

        The score of a mixture is the posterior mean of the score of the mixing law; its Hessian is the posterior mean
        of that law's Hessian plus the posterior covariance of its score.
        """
        value, posterior, u = self._posterior(m, s)
        score = np.stack([u / s, u * u - 1.0])
        first = np.einsum("cij,ij->ic", score, posterior)
        second = np.einsum("cij,dij,ij->icd", score, score, posterior)
        own = np.empty((u.shape[0], 2, 2))
        mean_u = np.sum(u * posterior, axis=1)
        own[:, 0, 0] = -1.0 / s**2
        own[:, 0, 1] = own[:, 1, 0] = -2.0 * mean_u / s
        own[:, 1, 1] = -2.0 * np.sum(u * u * posterior, axis=1)
        return value, first, own + second - first[:, :, None] * first[:, None, :]

    def _posterior(self, m: float, s: float) -> tuple[Floats, Floats, Floats]:
        u = (self.z - m) / s
        level = self.log_weight - 0.5 * u * u
        top = level.max(axis=1, keepdims=True)
        mass = np.exp(level - top)
        total = mass.sum(axis=1, keepdims=True)
        value = (top + np.log(total)).ravel() - np.log(s) - _LOG_ROOT_TWO_PI
        return value, mass / total, u


# -- private ------------------------------------------------------------------------------------------------------


def _parameters(m: float, s: float) -> tuple[float, float]:
    m = valid.real("m", m, low=-40.0, high=40.0)
    return m, valid.real("s", s, low=0.0, high=100.0, open_low=True)


def _log_binomial(k: Floats, D: Floats, z: Floats) -> Floats:
    r"""Binomial log-probability at success probability :math:`\Phi(z)`; `k` and `D` are columns.

    Powers are taken relative to the peak, so that an error of rounding is multiplied by `k` and not by
    :math:`\ln\binom Dk`.
    """
    inner = (k > 0.0) & (k < D)
    one, two = np.where(inner, k, 1.0), np.where(inner, D, 2.0)
    rest = two - one
    constant = stirling_error(two) - stirling_error(one) - stirling_error(rest)
    constant = constant + 0.5 * np.log(two / (one * rest)) - _LOG_ROOT_TWO_PI
    success, failure = log_ndtr(z), log_ndtr(-z)
    shift, miss = np.where(inner, np.log(one / two), 0.0), np.where(inner, np.log(rest / two), 0.0)
    level = k * (success - shift) + (D - k) * (failure - miss) + np.where(inner, constant, 0.0)
    return np.asarray(level)


def _slopes(k: Floats, D: Floats, m: float, s: float, z: Floats) -> tuple[Floats, Floats]:
    """First and second derivative of the log-integrand."""
    up = np.exp(-0.5 * z * z - _LOG_ROOT_TWO_PI - log_ndtr(z))
    down = np.exp(-0.5 * z * z - _LOG_ROOT_TWO_PI - log_ndtr(-z))
    first = k * up - (D - k) * down - (z - m) / s**2
    # each bend is minus a variance; rounding must not turn its sign far out
    bend = k * np.maximum(up * (up + z), 0.0) + (D - k) * np.maximum(down * (down - z), 0.0)
    return first, -bend - 1.0 / s**2


def _peak(k: Floats, D: Floats, m: float, s: float) -> NDArray[np.float64]:
    """Column of the peaks, by Newton steps inside a bracket; a hundredth of a width is near enough."""
    start = np.full(k.shape, m)
    slope, _ = _slopes(k, D, m, s, start)
    # the slope of the likelihood's part falls in z, so at m + s^2 slope(m) the whole slope has the other sign
    far = m + s**2 * slope
    low, high = np.minimum(start, far), np.maximum(start, far)
    guess = np.clip(ndtri((k + 0.5) / (D + 1.0)), low, high)
    for _ in range(80):
        first, second = _slopes(k, D, m, s, guess)
        low, high = np.where(first > 0, guess, low), np.where(first > 0, high, guess)
        step = -first / second
        if np.all(np.abs(step) * np.sqrt(-second) < 1e-2):
            break
        moved = guess + step
        guess = np.where((moved > low) & (moved < high), moved, 0.5 * (low + high))
    return np.asarray(guess[:, None])


def _reach(k: Floats, D: Floats, m: float, s: float, peak: Floats, side: float) -> NDArray[np.float64]:
    """Column of the distances at which the integrand has fallen by ``exp(-45)``, approached from beyond."""
    z0 = peak.ravel()

    def level(z: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.asarray(k * log_ndtr(z) + (D - k) * log_ndtr(-z) - 0.5 * ((z - m) / s) ** 2)

    top = level(z0)
    # the Gaussian alone falls so far within this distance of a peak, and the rest only makes it fall faster
    distance = np.full(z0.shape, s * np.sqrt(2.0 * _DROP) * 1.05)
    for _ in range(60):
        z = z0 + side * distance
        excess = top - level(z) - _DROP
        slope = -side * _slopes(k, D, m, s, z)[0]
        step = excess / np.maximum(slope, 1e-300)
        distance = np.maximum(distance - step, 1e-3 * distance)
        if np.all(np.abs(excess) < 1.0):
            break
    return np.asarray(distance[:, None])
