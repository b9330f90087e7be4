r"""The three-parameter urn: a discount turns a law that drains into a power law that stays.

A neuron that was active on :math:`D_i\ge1` of :math:`D` samples is active on the next with probability
:math:`(D_i-s)/(D+t)`, and sample :math:`D+1` activates a Poisson number of new neurons whose mean is

.. math::

   r(D)=\gamma\,\frac{\Gamma(1+t)\,\Gamma(D+t+s)}{\Gamma(D+1+t)\,\Gamma(t+s)},\qquad 0\le s<1,\quad t>-s .

This is the three-parameter Indian buffet process of Teh & Görür: :math:`\gamma` is the **mass** (mean activations per
sample), :math:`t` the **concentration** and :math:`s` the **discount**.  Arrivals of different samples are independent,
so :math:`K(D)` is Poisson; at :math:`s=0` its mean is :math:`\gamma t\,[\psi(D+t)-\psi(t)]`, and for :math:`s>0` it
grows as :math:`D^s`.  At :math:`s=-b<0`, :math:`t=a` the same mean is that of the activation process of Part I.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize
from scipy.special import betaln

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from . import _kernels
from ._laws import arrivals, fast_log_rising, log_arrival, log_beta_binomial, log_rising

__all__ = ["BuffetPath", "BuffetUrn", "fit_buffet", "stationary_log_pmf"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Discounts and distances of the concentration from its bound that the fit searches.
_DISCOUNTS, _SHIFTS = (1e-4, 1.0 - 1e-4), (1e-6, 1e9)
#: Samples at which the arrivals are tabulated before bisection takes over.
_TABLE = 2**13


@dataclass(frozen=True)
class BuffetPath:
    """What a simulation of the urn saw.

    Attributes
    ----------
    n_samples : int
        Number of samples :math:`D`.
    counts : ndarray of int64, shape (K,)
        Activations of each neuron, at least 1, in the order of arrival.
    first : ndarray of int64, shape (K,)
        Sample, counted from 1, that first activated the neuron; not decreasing.
    active : ndarray of int64, shape (n_samples,)
        Number of neurons that each sample activated.
    """

    n_samples: int
    counts: Integers
    first: Integers
    active: Integers

    def working_neurons(self, D: ArrayLike) -> Integers:
        """Number of neurons that worked after `D` samples, :math:`K(D)`.

        Parameters
        ----------
        D : array_like of int
            Samples in ``[0, n_samples]``.

        Examples
        --------
        >>> from neuroscale.urn import BuffetUrn
        >>> path = BuffetUrn(5.0, 1.0, 0.5).simulate(100, rng=0)
        >>> bool(path.working_neurons(100) == path.counts.size)
        True
        """
        samples = valid.reals("D", D, low=0, high=self.n_samples)
        return np.searchsorted(self.first, samples, side="right").astype(np.int64)


@dataclass(frozen=True)
class BuffetUrn:
    r"""Three-parameter Indian buffet urn.

    Parameters
    ----------
    mass : float
        Mean number :math:`\gamma>0` of neurons that a sample activates, the same for every sample.
    concentration : float
        :math:`t>-s`, in samples.
    discount : float
        :math:`0\le s<1`; 0 is the two-parameter Indian buffet.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements theorems T6 and T15; derived in ``chapters/activation/conclusion.md``.

    Examples
    --------
    >>> from neuroscale.urn import BuffetUrn
    >>> urn = BuffetUrn(mass=10, concentration=1.0, discount=0.5)
    >>> urn.working_neurons([1, 100, 10_000]).round(1).tolist()
    [10.0, 206.5, 2236.8]
    """

    mass: float
    concentration: float
    discount: float = 0.0

    def __post_init__(self) -> None:
        s = valid.real("discount", self.discount, low=0, high=1, open_high=True)
        t = valid.real("concentration", self.concentration, low=-s, open_low=True)
        object.__setattr__(self, "discount", s)
        object.__setattr__(self, "concentration", t)
        object.__setattr__(self, "mass", valid.real("mass", self.mass, low=0, open_low=True))

    # -- means --------------------------------------------------------------------------------------------------

    def arrival_rate(self, D: ArrayLike) -> Floats:
        """Mean number of new neurons in sample ``D + 1``.

        Parameters
        ----------
        D : array_like of float
            Samples before it, at least 0.

        Returns
        -------
        ndarray of float
            ``mass`` at ``D = 0``, falling as ``D**(discount - 1)``.  O(1) per element.

        Examples
        --------
        >>> from neuroscale.urn import BuffetUrn
        >>> BuffetUrn(10, 4.0).arrival_rate([0, 4]).round(12).tolist()    # mass t / (D + t)
        [10.0, 5.0]
        """
        samples, s = valid.reals("D", D, low=0), self.discount
        return np.asarray(self.mass * np.exp(log_arrival(samples, s, self.concentration + s)))

    def working_neurons(self, D: ArrayLike, *, since: float = 0.0) -> Floats:
        r"""Expected number of neurons that start to work after sample `since` and up to `D`.

        Parameters
        ----------
        D : array_like of float
            Number of samples, at least `since`.
        since : float
            Start; with the default the result is :math:`\mathbb E\,K(D)`.

        Returns
        -------
        ndarray of float
            Mean of a Poisson variable.  O(1) per element, no cancellation for any ``D``.

        Notes
        -----
        The arrivals telescope: with :math:`t'=t+D_0` and :math:`n=D-D_0` the mean is
        :math:`r(D_0)\bigl[1+\tfrac{t'+s}{s}\bigl(\tfrac{\Gamma(1+t')\Gamma(n+t'+s)}{\Gamma(1+t'+s)\Gamma(n+t')}-1\bigr)\bigr]`.

        Examples
        --------
        >>> from neuroscale.urn import BuffetUrn
        >>> urn = BuffetUrn(10, 4.0, 0.3)
        >>> bool(abs(urn.arrival_rate([7, 8]).sum() / urn.working_neurons(9, since=7) - 1) < 1e-14)
        True
        """
        start = float(valid.reals("since", since, low=0))
        elapsed = valid.reals("D", D, low=start) - start
        rate = float(self.arrival_rate(start))
        return np.asarray(rate * arrivals(elapsed, self.discount, self.concentration + start))

    def log_count_mean(self, k: ArrayLike, D: int) -> Floats:
        r"""Logarithm of the expected number of neurons with exactly `k` activations after `D` samples.

        Parameters
        ----------
        k : array_like of int
            Counts, at least 1; above `D` the result is minus infinity.
        D : int
            Number of samples, at least 1.

        Returns
        -------
        ndarray of float
            The numbers themselves are independent Poisson variables.  O(1) per element.

        Notes
        -----
        A neuron picked with probability proportional to its count has :math:`k-1` further activations with the law
        :math:`\mathrm{BetaBinomial}(D-1;\,1-s,\,t+s)`; the mean is :math:`\gamma D/k` times that probability.

        Examples
        --------
        >>> import numpy as np
        >>> from neuroscale.urn import BuffetUrn
        >>> urn = BuffetUrn(10, 1.0, 0.5)
        >>> bool(abs(np.exp(urn.log_count_mean(range(1, 51), 50)).sum() / urn.working_neurons(50) - 1) < 1e-12)
        True
        """
        count, samples = valid.reals("k", k, low=1), float(valid.reals("D", D, low=1))
        inside = np.minimum(count, samples)
        s, t = self.discount, self.concentration
        log_pmf = log_beta_binomial(inside - 1.0, samples - 1.0, 1.0 - s, t + s)
        value = np.log(self.mass * samples) - np.log(inside) + log_pmf
        return np.where(count > samples, -np.inf, value)

    # -- randomness ---------------------------------------------------------------------------------------------

    def simulate(self, D: int, *, rng: np.random.Generator | int) -> BuffetPath:
        """Simulate the urn literally: Poisson arrivals, and one Bernoulli trial for each neuron and sample.

        Parameters
        ----------
        D : int
            Number of samples, at least 1.
        rng : numpy.random.Generator or int
            Source of randomness.

        Returns
        -------
        BuffetPath

        Notes
        -----
        Uses the rule and nothing else.  O(D K(D)) time.

        Examples
        --------
        >>> from neuroscale.urn import BuffetUrn
        >>> path = BuffetUrn(5.0, 1.0, 0.5).simulate(100, rng=0)
        >>> bool(path.counts.sum() == path.active.sum())
        True
        """
        draw, D = generator(rng), valid.integer("D", D, low=1, high=2**53)
        arrivals = draw.poisson(self.arrival_rate(np.arange(D)))
        first = np.repeat(np.arange(1, D + 1), arrivals)
        counts, active = np.ones(first.size, dtype=np.int64), arrivals.astype(np.int64)
        _kernels.trials(draw, D, self.concentration, self.discount, first, counts, active)
        return BuffetPath(D, counts, first, active)

    def sample_counts(self, D: int, *, rng: np.random.Generator | int) -> Integers:
        r"""Draw the counts of all working neurons from their exact law.

        Parameters
        ----------
        D, rng
            As for :meth:`simulate`.

        Returns
        -------
        ndarray of int64, shape (K,)
            In no particular order.

        Notes
        -----
        From its arrival in sample :math:`d` on a neuron is a Polya urn, :math:`\theta\sim\mathrm{Beta}(1-s,\,d-1+t+s)`;
        arrivals are found by bisection on their mean.  O(K log D) time for any `D`.

        Examples
        --------
        >>> from neuroscale.urn import BuffetUrn
        >>> counts = BuffetUrn(5.0, 1.0, 0.5).sample_counts(10**6, rng=0)
        >>> bool(counts.min() >= 1 and counts.max() <= 10**6)
        True
        """
        draw, D = generator(rng), valid.integer("D", D, low=1, high=2**53)
        total = float(self.working_neurons(D))
        first = self._arrivals(total * draw.random(draw.poisson(total)), D)
        theta = draw.beta(1.0 - self.discount, first - 1.0 + self.concentration + self.discount)
        return 1 + draw.binomial(D - first.astype(np.int64), theta).astype(np.int64)

    def _arrivals(self, level: Floats, D: int) -> Floats:
        """First sample at which the expected number of neurons reaches each `level`: a table, then bisection."""
        table = np.unique(np.floor(np.geomspace(1.0, D, _TABLE)))
        table[-1] = D
        place = np.minimum(np.searchsorted(self.working_neurons(table), level), table.size - 1)
        high, low = table[place], np.where(place > 0, table[place - 1], 0.0)
        while (wide := np.flatnonzero(high - low > 1.0)).size:
            middle = np.floor(0.5 * (low[wide] + high[wide]))
            before = self.working_neurons(middle) < level[wide]
            low[wide], high[wide] = np.where(before, middle, low[wide]), np.where(before, high[wide], middle)
        return high


def stationary_log_pmf(k: ArrayLike, discount: float) -> Floats:
    r"""Logarithm of :math:`\frac{s\,\Gamma(k-s)}{\Gamma(1-s)\,k!}`, the limit law of the counts for :math:`0<s<1`.

    Parameters
    ----------
    k : array_like of int
        Counts, at least 1.
    discount : float
        :math:`s` in (0, 1).

    Returns
    -------
    ndarray of float
        It sums to one, has no mean, and falls as :math:`s\,k^{-1-s}/\Gamma(1-s)`.  O(1) per element.

    Notes
    -----
    Implements theorem T15; derived in ``chapters/activation/conclusion.md``.  It is also the law of the cluster sizes
    of the Pitman-Yor process.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.urn import stationary_log_pmf
    >>> np.exp(stationary_log_pmf([1, 2, 3], 0.5)).round(12).tolist()
    [0.5, 0.125, 0.0625]
    """
    s = valid.real("discount", discount, low=0, high=1, open_low=True, open_high=True)
    count = valid.reals("k", k, low=1)
    return np.asarray(np.log(s) - np.log(count) + log_rising(1.0 - s, count - 1.0))


def fit_buffet(counts: ArrayLike, n_samples: int) -> BuffetUrn:
    r"""Fit the urn to the counts of the working neurons by maximum likelihood.

    Parameters
    ----------
    counts : array_like of int
        Activations of each neuron, in ``[0, n_samples]``; zeros are dropped, since this urn does not know of them.
    n_samples : int
        Number of samples :math:`D`, at least 2.

    Returns
    -------
    BuffetUrn

    Raises
    ------
    ValueError
        For counts outside their range or fewer than two distinct positive ones.

    Notes
    -----
    The numbers of neurons with each count are independent Poisson variables, so that the mass is profiled out,
    and :math:`(s,t)` maximise a multinomial likelihood.  O(u) per step for ``u`` distinct counts.  Where the data want
    no discount, the result has a discount at the lower end of the search, 1e-4.

    Examples
    --------
    >>> from neuroscale.urn import BuffetUrn, fit_buffet
    >>> counts = BuffetUrn(200, 5.0, 0.5).sample_counts(10_000, rng=1)
    >>> abs(fit_buffet(counts, 10_000).discount - 0.5) < 0.05
    True
    """
    D = valid.integer("n_samples", n_samples, low=2, high=2**53)
    values, sizes = np.unique(valid.reals("counts", counts, low=0, high=D), return_counts=True)
    if np.any(uneven := values != np.floor(values)):
        raise ValueError(f"counts holds {values[uneven][0].item()!r}; every value must be an integer")
    k, n = values[values > 0], sizes[values > 0]
    if k.size < 2:
        raise ValueError(f"counts holds {k.size} distinct positive values; two are needed")

    repeated, partial = k > 1, k < D

    def negative(point: Floats) -> float:
        s, t = _from_point(point)
        # as log_count_mean and working_neurons: to the 1e-9 that a search needs, in a twentieth of the time
        active = n[repeated] @ fast_log_rising(1.0 - s, k[repeated] - 1.0)
        silent = n[partial] @ fast_log_rising(t + s, D - k[partial])
        steps = betaln(1.0 + t, s) - betaln(t + D, s)
        growth = 1.0 + (t + s) / s * np.expm1(steps)
        pairs = np.log(growth / D) + fast_log_rising(1.0 + t, D - 1.0)
        return float(pairs - (active + silent) / n.sum())

    bounds = [tuple(np.log(np.array(_DISCOUNTS) / (1.0 - np.array(_DISCOUNTS)))), tuple(np.log(_SHIFTS))]
    options = {"xatol": 1e-3, "fatol": 1e-8}
    start = (-1.0, 0.5 * math.log(D))
    best = optimize.minimize(negative, start, method="Nelder-Mead", bounds=bounds, options=options)
    s, t = _from_point(best.x)
    return BuffetUrn(float(n.sum() / BuffetUrn(1.0, t, s).working_neurons(D)), t, s)


# -- private ------------------------------------------------------------------------------------------------------


def _from_point(point: Floats) -> tuple[float, float]:
    """Discount and concentration from the logit of ``s`` and the logarithm of ``t + s``."""
    s = float(np.clip(1.0 / (1.0 + np.exp(-point[0])), *_DISCOUNTS))
    # t > -s also after rounding
    return s, max(float(np.exp(point[1])) - s, float(np.nextafter(-s, 1.0)))
