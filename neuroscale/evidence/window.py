r"""Urns that forget, and how much of the past to keep while propensities drift.

The **windowed urn** gives the next sample the probability :math:`(k+b)/(W+a)`, with :math:`k` the count among the last
:math:`W` samples.  Its windows keep the beta-binomial law for ever, while every unit's own frequency returns to
:math:`b/a`.  For counts of a network whose weights move, blocks of samples are counted; a propensity that walks at
random with variance :math:`\tau^2` a block, seen through a noise of variance :math:`v`, is best predicted by the mean
of the last :math:`\sqrt{3v/\tau^2+1/2}` blocks, and better by an exponential discount.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from ._window_kernels import window_urn

__all__ = [
    "Drift",
    "discounted_rates",
    "measure_drift",
    "simulate_window_urn",
    "window_autocovariance",
    "window_relaxation",
    "windowed_rates",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Drift:
    r"""Noise and drift of propensities over blocks of samples, and the memory that predicts the next block best.

    Attributes
    ----------
    noise : float
        Variance :math:`v>0` of a block's observed rate around its propensity.
    variance : float
        Variance :math:`\tau^2\ge0` by which a propensity changes from block to block, as a random walk.

    Notes
    -----
    Claim ``ev-forgetting``; derived in ``chapters/evidence/training.md``.  Without drift all memories are infinite.

    Examples
    --------
    >>> from neuroscale.evidence import Drift
    >>> drift = Drift(noise=1.6e-3, variance=1e-4)
    >>> round(drift.best_window, 2), round(drift.best_memory, 2)
    (6.96, 4.53)
    >>> drift.discount_error(drift.best_memory) < drift.window_error(drift.best_window)
    True
    """

    noise: float
    variance: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "noise", valid.real("noise", self.noise, low=0, open_low=True))
        object.__setattr__(self, "variance", valid.real("variance", self.variance, low=0))

    @property
    def best_window(self) -> float:
        r"""Window in blocks of the smallest error, :math:`\sqrt{3v/\tau^2+1/2}`, and 1 where this is smaller."""
        return max(1.0, math.sqrt(3 * self.noise / self.variance + 0.5)) if self.variance > 0 else math.inf

    @property
    def best_memory(self) -> float:
        r"""Memory :math:`1/\alpha` in blocks of the best discount: :math:`\alpha^2/(1-\alpha)=\tau^2/v`."""
        ratio = self.variance / self.noise
        return 2 / (math.sqrt(ratio * (ratio + 4)) - ratio) if ratio > 0 else math.inf

    def window_error(self, window: float) -> float:
        r"""Mean squared error of the mean of the last `window` blocks for the next propensity.

        Parameters
        ----------
        window : float
            Blocks :math:`W\ge1`; the error is :math:`v/W+\tau^2(W+1)(2W+1)/(6W)`.
        """
        W = valid.real("window", window, low=1)
        return self.noise / W + self.variance * (W + 1) * (2 * W + 1) / (6 * W)

    def discount_error(self, memory: float) -> float:
        r"""Mean squared error of the discounted mean with a given memory for the next propensity.

        Parameters
        ----------
        memory : float
            Blocks :math:`1/\alpha\ge1`; the error is :math:`(v\alpha^2+\tau^2)/(\alpha(2-\alpha))`.
        """
        alpha = 1 / valid.real("memory", memory, low=1)
        return (self.noise * alpha**2 + self.variance) / (alpha * (2 - alpha))


def measure_drift(block_counts: ArrayLike, block_size: int, lags: Iterable[int] = (1, 2, 4, 8, 16)) -> Drift:
    r"""Estimate noise and drift from how far the rates of blocks move apart with the lag.

    Parameters
    ----------
    block_counts : array_like of int, shape (blocks, units)
        Activations of each unit in consecutive blocks.
    block_size : int
        Samples of a block, at least 2.
    lags : iterable of int
        At least two different lags, in ``[1, blocks)``.

    Returns
    -------
    Drift
        A negative slope counts as no drift.

    Raises
    ------
    ValueError
        For arguments outside their range, and for counts of which none varies.

    Notes
    -----
    The mean squared difference of the rates at lag :math:`s` is :math:`2v+\tau^2s`; :math:`\tau^2` and :math:`v` come
    from a line through it, so that the noise need not be binomial (in batch normalisation it is smaller).

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence import measure_drift
    >>> counts = np.random.default_rng(0).binomial(100, 0.3, size=(200, 50))      # no drift
    >>> drift = measure_drift(counts, 100)
    >>> abs(drift.noise - 0.3 * 0.7 / 100) < 1e-4, drift.variance < 1e-5
    (True, True)
    """
    rates = _rates(block_counts, block_size)
    spans = sorted({valid.integer("lags", lag, low=1, high=len(rates) - 1) for lag in lags})
    if len(spans) < 2:
        raise ValueError(f"lags={spans!r} must hold at least two different lags")
    apart = [float(np.mean(np.square(rates[span:] - rates[:-span]))) for span in spans]
    slope, start = np.polyfit(spans, apart, 1)
    if slope <= 0:
        slope, start = 0.0, float(np.mean(apart))
    if start <= 0:
        raise ValueError("block_counts shows no noise beside its drift; blocks must be short against the drift")
    return Drift(float(start) / 2, float(slope))


def windowed_rates(block_counts: ArrayLike, block_size: int, window: int) -> Floats:
    """Mean rate of the `window` blocks before each block.

    Parameters
    ----------
    block_counts, block_size
        As for :func:`measure_drift`.
    window : int
        Blocks, in ``[1, blocks]``.

    Returns
    -------
    ndarray of float, shape (blocks - window + 1, units)
        Row `i` averages the blocks ``i`` to ``i + window - 1``: it predicts block ``i + window``.

    Examples
    --------
    >>> from neuroscale.evidence import windowed_rates
    >>> windowed_rates([[0], [2], [4]], 4, 2).ravel().tolist()
    [0.25, 0.75]
    """
    rates = _rates(block_counts, block_size)
    window = valid.integer("window", window, low=1, high=len(rates))
    sums = np.vstack([np.zeros((1, rates.shape[1])), np.cumsum(rates, axis=0)])
    return np.asarray((sums[window:] - sums[:-window]) / window)


def discounted_rates(block_counts: ArrayLike, block_size: int, memory: float) -> Floats:
    r"""Discounted mean rate of all blocks up to each block, weights :math:`(1-1/T)^s` at age :math:`s`.

    Parameters
    ----------
    block_counts, block_size
        As for :func:`measure_drift`.
    memory : float
        :math:`T\ge1` blocks; 1 keeps the last block alone.

    Returns
    -------
    ndarray of float, shape (blocks, units)
        Row `i` uses the blocks up to ``i``: it predicts block ``i + 1``.

    Examples
    --------
    >>> from neuroscale.evidence import discounted_rates
    >>> discounted_rates([[0], [2], [4]], 4, 2.0).ravel().round(3).tolist()
    [0.0, 0.333, 0.714]
    """
    rates = _rates(block_counts, block_size)
    keep = 1 - 1 / valid.real("memory", memory, low=1)
    out = np.empty_like(rates)
    total, weight = np.zeros(rates.shape[1]), 0.0
    for i, rate in enumerate(rates):
        total, weight = keep * total + rate, keep * weight + 1
        out[i] = total / weight
    return out


def simulate_window_urn(
    n_units: int,
    n_blocks: int,
    block_size: int,
    *,
    window: int,
    a: float,
    b: float,
    rng: np.random.Generator | int,
) -> Integers:
    """Counts of independent windowed urns in consecutive blocks.

    Parameters
    ----------
    n_units, n_blocks, block_size : int
        Positive.
    window : int
        Samples :math:`W` that the urn remembers, at least 1.
    a, b : float
        :math:`0<b<a`.
    rng : numpy.random.Generator or int

    Returns
    -------
    ndarray of int64, shape (n_blocks, n_units)

    Notes
    -----
    Claim ``ev-window-urn``.  Starts in the stationary law: the first `window` samples are those of the ordinary urn.
    One draw a sample and unit.

    Examples
    --------
    >>> from neuroscale.evidence import simulate_window_urn
    >>> simulate_window_urn(100, 5, 20, window=10, a=4.0, b=1.0, rng=0).shape
    (5, 100)
    """
    n_units = valid.integer("n_units", n_units, low=1)
    n_blocks = valid.integer("n_blocks", n_blocks, low=1)
    block_size = valid.integer("block_size", block_size, low=1)
    window = valid.integer("window", window, low=1)
    a = valid.real("a", a, low=0, open_low=True)
    b = valid.real("b", b, low=0, high=a, open_low=True, open_high=True)
    counts = np.zeros((n_blocks, n_units), dtype=np.int64)
    window_urn(counts, block_size, window, a, b, generator(rng))
    return counts


def window_autocovariance(lags: int, *, window: int, a: float) -> Floats:
    r"""Autocorrelation of the samples of a windowed urn at lags 0 to `lags`.

    Parameters
    ----------
    lags : int
        Largest lag, at least 0.
    window : int
        Samples remembered, at least 1.
    a : float
        Positive.

    Returns
    -------
    ndarray of float, shape (lags + 1,)
        :math:`\frac1{a+1}` up to lag `window`, then the mean of the preceding `window` values times
        :math:`\frac W{W+a}`.

    Examples
    --------
    >>> from neuroscale.evidence import window_autocovariance
    >>> window_autocovariance(3, window=2, a=3.0).round(3).tolist()
    [1.0, 0.25, 0.25, 0.1]
    """
    lags = valid.integer("lags", lags, low=0)
    window = valid.integer("window", window, low=1)
    a = valid.real("a", a, low=0, open_low=True)
    values = np.ones(lags + 1)
    values[1 : window + 1] = 1 / (a + 1)
    for s in range(window + 1, lags + 1):
        values[s] = values[s - window : s].sum() / (window + a)
    return values


def window_relaxation(*, window: int, a: float) -> float:
    r"""Samples in which a windowed urn forgets a unit's past by a factor :math:`e`.

    Parameters
    ----------
    window : int
        Samples remembered, at least 1.
    a : float
        Positive.

    Returns
    -------
    float
        :math:`T` with :math:`\sum_{j=1}^We^{j/T}=W+a`; about :math:`W^2/2a` for :math:`W\gg a`.

    Examples
    --------
    >>> from neuroscale.evidence import window_relaxation
    >>> round(window_relaxation(window=1000, a=5.0) * 2 * 5 / 1000**2, 2)
    1.0
    """
    window = valid.integer("window", window, low=1)
    a = valid.real("a", a, low=0, open_low=True)
    ages = np.arange(1, window + 1)

    def excess(rate: float) -> float:
        return float(np.sum(np.expm1(ages * rate)) - a)

    # the sum is convex in the rate: its slope at 0 gives an upper bracket
    high = 2 * a / (window * (window + 1))
    return 1 / float(optimize.brentq(excess, 0.0, high, xtol=1e-15, rtol=1e-12))


def _rates(block_counts: ArrayLike, block_size: int) -> Floats:
    block_size = valid.integer("block_size", block_size, low=2)
    counts = valid.integers("block_counts", block_counts, low=0, high=block_size)
    if counts.ndim != 2 or 0 in counts.shape:
        raise ValueError(f"block_counts has shape {counts.shape}; it must be (blocks, units), not empty")
    return counts / block_size
