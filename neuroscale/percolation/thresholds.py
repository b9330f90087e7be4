r"""Thresholds and the Fisher exponent from the growth of single clusters, in any dimension up to eight.

Near the threshold the tail of the cluster of the origin scales as

.. math::

   s^{\tau-2}P(|C|\ge s)=A\,\bigl[1+x+e\,x^2\bigr]+C s^{-\Omega},\qquad x=B\,(p-p_c)\,s^{\sigma},

the beginning of a scaling function and one correction.  Below :math:`p_c` the left side bends down, above it bends up;
growth at three occupations and a fit of :math:`p_c,A,B,e,C` give the estimate.  The exponents :math:`\tau,\sigma` are
universal and taken as known; :math:`\Omega` is an effective one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from .growth import Kind, grow_clusters
from .wrapping import ThresholdEstimate

__all__ = ["CRITICAL_EXPONENTS", "SITE_THRESHOLDS", "estimate_fisher_exponent", "estimate_threshold"]

Floats = NDArray[np.float64]

#: Fisher exponent, cutoff exponent and effective correction exponent of cluster numbers: exact in two dimensions and
#: from six on, else from simulations.  (The correction exponents from four dimensions on are nominal.)
CRITICAL_EXPONENTS: dict[int, tuple[float, float, float]] = {
    2: (187 / 91, 36 / 91, 72 / 91),
    3: (2.1892, 0.4524, 0.64),
    4: (2.3142, 0.479, 0.5),
    5: (2.419, 0.496, 0.5),
    6: (2.5, 0.5, 0.5),
    7: (2.5, 0.5, 0.5),
    8: (2.5, 0.5, 0.5),
}
#: Site thresholds of :math:`\mathbb Z^d`, from simulations; of the digits shown the last may be uncertain.
SITE_THRESHOLDS: dict[int, float] = {
    2: 0.592746,
    3: 0.3116077,
    4: 0.196886,
    5: 0.140797,
    6: 0.109017,
    7: 0.0889511,
}
#: Clusters of fewer sites are too small for the asymptotic tail.
_TAIL = 256


def estimate_fisher_exponent(
    dimension: int, *, cap: int = 2048, n_clusters: int = 4000, rng: np.random.Generator | int
) -> tuple[float, float]:
    r"""Estimate the Fisher exponent :math:`\tau` from clusters grown at the site threshold of :math:`\mathbb Z^d`.

    Parameters
    ----------
    dimension : int
        2 to 7, the keys of :data:`~neuroscale.percolation.SITE_THRESHOLDS`.
    cap : int
        Clusters are grown to this size, above 256.
    n_clusters : int
        Number of clusters, at least 100.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    (float, float)
        The estimate and its standard error, which is statistical alone: corrections to scaling shift the estimate by a
        few hundredths, most from four dimensions to six.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    The tail falls as :math:`P(|C|\ge s)\sim s^{2-\tau}` between 256 sites and `cap`.  Implements ``br-exponents``;
    derived in ``chapters/percolation/clusters.md``.  O(d n_clusters cap^(3-tau)).

    Examples
    --------
    >>> from neuroscale.percolation import CRITICAL_EXPONENTS, estimate_fisher_exponent
    >>> tau, error = estimate_fisher_exponent(2, n_clusters=1000, rng=0)
    >>> abs(tau - CRITICAL_EXPONENTS[2][0]) < 4 * error + 0.03
    True
    """
    known = valid.integer("dimension", dimension, low=min(SITE_THRESHOLDS), high=max(SITE_THRESHOLDS))
    top = valid.integer("cap", cap, low=_TAIL + 1)
    number = valid.integer("n_clusters", n_clusters, low=100)
    sizes = grow_clusters(SITE_THRESHOLDS[known], known, cap=top - 1, n_clusters=number, rng=rng)
    large, few = int(np.sum(sizes >= _TAIL)), int(np.sum(sizes >= top))
    if few == 0:
        raise ValueError(f"n_clusters={number} is too few: none of them reached cap={top}")
    span = np.log(top / _TAIL)
    return float(2 + np.log(large / few) / span), float(np.sqrt(1 / few - 1 / large) / span)


def estimate_threshold(
    dimension: int,
    *,
    kind: Kind = "site",
    cap: int = 2048,
    n_clusters: int = 12_000,
    rng: np.random.Generator | int,
) -> ThresholdEstimate:
    r"""Estimate the percolation threshold of :math:`\mathbb Z^d` from the growth of single clusters.

    Parameters
    ----------
    dimension : int
        2 to 8.
    kind : {"site", "bond"}
        What is occupied.
    cap : int
        Clusters are grown to this size, at least 256.
    n_clusters : int
        Clusters at each of three occupations, at least 500.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ThresholdEstimate
        Statistical error alone, at most 0.0002 at the default size from three dimensions on.  What the fitted
        correction leaves is smaller than that; estimates are within :math:`10^{-3}` of the known thresholds.

    Raises
    ------
    ValueError
        For arguments outside their range.

    Notes
    -----
    No threshold is put in: a bisection on the slope of the tail between sizes 16 and 128 finds where to grow.  Cost
    O(d n_clusters cap^(3-tau)), at the default size one to three seconds.

    Examples
    --------
    >>> from neuroscale.percolation import estimate_threshold
    >>> estimate = estimate_threshold(4, cap=256, n_clusters=2000, rng=1)
    >>> bool(abs(estimate.value - 0.196886) < 0.003)
    True
    """
    dimension = valid.integer("dimension", dimension, low=2, high=8)
    cap = valid.integer("cap", cap, low=256, high=2**26)
    n_clusters = valid.integer("n_clusters", n_clusters, low=500)
    draw = generator(rng)
    tau, sigma, omega = CRITICAL_EXPONENTS[dimension]
    start = _bisect(dimension, kind, tau, draw)
    occupations = start * (1 + 0.5 * cap**-sigma * np.array([-1.0, 0.0, 1.0]))
    sizes = np.unique(np.geomspace(max(8, cap / 256), cap, 13).astype(np.int64))
    samples = [grow_clusters(p, dimension, kind=kind, cap=cap, n_clusters=n_clusters, rng=draw) for p in occupations]
    tails = np.array([np.mean(sample[:, None] >= sizes, axis=0) for sample in samples])
    whiten = [np.linalg.cholesky(np.linalg.inv(_covariance(tail) / n_clusters)).T for tail in tails]
    scaled = sizes ** (2 - tau)

    def residuals(parameters: Floats) -> Floats:
        shift, level, slope, bend, correction = parameters
        x = slope * (occupations[:, None] / start - 1 - shift) * sizes**sigma
        model = scaled * (level * (1 + x + bend * x**2) + correction * sizes**-omega)
        return np.concatenate([w @ (tail - row) for w, tail, row in zip(whiten, tails, model, strict=True)])

    fit = least_squares(residuals, [0.0, float((tails / scaled).mean()), 1.0, 0.0, 0.0], x_scale=[0.01, 1, 1, 1, 1])
    error = np.sqrt(np.linalg.inv(fit.jac.T @ fit.jac)[0, 0])
    return ThresholdEstimate(float(start * (1 + fit.x[0])), float(start * error))


def _covariance(tail: Floats) -> Floats:
    """Covariance of the indicators ``|C| >= s`` of one cluster; ``tail`` decreases."""
    return np.minimum(tail[:, None], tail[None, :]) - np.outer(tail, tail)


def _bisect(dimension: int, kind: Kind, tau: float, rng: np.random.Generator) -> float:
    """Where the tail falls by ``8 ** (2 - tau)`` between sizes 16 and 128, to a percent or two."""
    low, high = 1 / (2 * dimension), 1.0
    for _ in range(10):
        middle = float(np.sqrt(low * high))
        sizes = grow_clusters(middle, dimension, kind=kind, cap=128, n_clusters=4000, rng=rng)
        above = np.mean(sizes >= 128) > 8 ** (2 - tau) * np.mean(sizes >= 16)
        low, high = (low, middle) if above else (middle, high)
    return float(np.sqrt(low * high))
