r"""Closed forms of the activation process.

A layer has :math:`N` neurons; each sample activates :math:`c` of them on average; a neuron that was active on
:math:`D_i` of :math:`D` samples is active on the next with probability :math:`(D_i+b)/(D+a)`, where
:math:`a=bN/c` is the **concentration**: the number of samples at which data outweigh the prior.  A neuron is then a
Polya urn with :math:`b` active and :math:`a-b` silent balls, and everything about it is explicit:

.. math::

   D_i\sim\mathrm{BetaBinomial}(D;\,b,\,a-b),\qquad
   P(D_i=0)=\frac{\Gamma(D+a-b)\,\Gamma(a)}{\Gamma(D+a)\,\Gamma(a-b)}\approx\Bigl(\frac{a}{D+a}\Bigr)^{b}.

The exact law, its Gamma-Poisson limit (:math:`c/N\to0`) and the differential equation of Zhang & Sui differ in the
last step only; the last two have the same free fraction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neuroscale import _validation as valid
from neuroscale.numerics import log_gamma_quotient

from .beta_binomial import beta_binomial, interval_probability, log_pmf, negative_binomial_log_pmf

__all__ = ["ActivationLaw"]

Floats = NDArray[np.float64]
Form = Literal["exact", "gamma_poisson", "ode"]
_FORMS = ("exact", "gamma_poisson", "ode")


@dataclass(frozen=True)
class ActivationLaw:
    r"""The law of the activation process of one layer.

    Parameters
    ----------
    n_neurons : int
        Number of neurons :math:`N`, at least 1.
    n_active : float
        Mean number :math:`c` of neurons that a sample activates, ``0 < n_active <= n_neurons``.
    b : float
        Smoothing constant, positive: the prior weight of a neuron's activity.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Methods that take a number of samples accept an array and return an array of its shape; real values are
    allowed, since all forms extend to them.  Measured against 50-digit arithmetic, probabilities and means have a
    relative error below 1e-12 for ``n_neurons`` up to 1e12, ``D`` up to 1e13 and ``b`` in [1e-3, 1e4].

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw
    >>> law = ActivationLaw(n_neurons=1000, n_active=10, b=0.5)
    >>> law.concentration
    50.0
    >>> law.working_neurons([0, 50, 5000]).round(1).tolist()
    [0.0, 295.6, 901.2]
    """

    n_neurons: int
    n_active: float
    b: float

    def __post_init__(self) -> None:
        n = valid.integer("n_neurons", self.n_neurons, low=1)
        object.__setattr__(self, "n_neurons", n)
        object.__setattr__(self, "n_active", valid.real("n_active", self.n_active, low=0, high=n, open_low=True))
        object.__setattr__(self, "b", valid.real("b", self.b, low=0, open_low=True))

    # -- parameters ---------------------------------------------------------------------------------------------

    @property
    def concentration(self) -> float:
        """Concentration :math:`a = bN/c`, in samples, at least `b`."""
        return self.b * self.n_neurons / self.n_active

    @property
    def silent_weight(self) -> float:
        """Prior weight :math:`a - b` of silence, in samples, formed without subtracting `b` from `a`."""
        return self.b * ((self.n_neurons - self.n_active) / self.n_active)

    @property
    def exponent(self) -> float:
        r"""Exponent :math:`\alpha = 1-b` of :math:`P(D_i=k)\sim k^{-\alpha}` below the cutoff.

        It is a decaying power law only for ``b < 1``; for ``b >= 1`` the law does not decay before the cutoff.
        """
        return 1.0 - self.b

    def cutoff(self, D: ArrayLike) -> Floats:
        """Count :math:`D/a` beyond which the law of the counts decays exponentially."""
        return valid.reals("D", D) / self.concentration

    # -- growth -------------------------------------------------------------------------------------------------

    def log_free_fraction(self, D: ArrayLike, form: Form = "exact", *, since: float = 0.0) -> Floats:
        r"""Logarithm of the probability that a neuron stays silent over the samples from `since` to `D`.

        Parameters
        ----------
        D : array_like of float
            Number of samples, at least `since`.
        form : {"exact", "gamma_poisson", "ode"}
            Exact Gamma quotient, or :math:`((a+D_0)/(a+D))^b` (the last two forms coincide here).
        since : float
            Condition on silence over the first `since` samples, :math:`D_0`.

        Returns
        -------
        ndarray of float
            Never positive; minus infinity where silence is impossible (``n_active = n_neurons``).  O(1) each.

        Notes
        -----
        Implements theorems T2 and T3; derived in ``chapters/activation/dynamics.md``.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> float(ActivationLaw(10, 10, 0.5).log_free_fraction(1))
        -inf
        """
        valid.choice("form", form, _FORMS)
        since = valid.real("since", since, low=0)
        elapsed = valid.reals("D", D, low=since) - since
        if form == "exact":
            return log_gamma_quotient(self.silent_weight + since, self.b, elapsed)
        return np.asarray(-self.b * np.log1p(elapsed / (self.concentration + since)))

    def free_fraction(self, D: ArrayLike, form: Form = "exact") -> Floats:
        r"""Probability that a neuron is free, :math:`P(D_i=0)=1-\mathbb{E}K(D)/N`.

        Below 1e-300 use :meth:`log_free_fraction`.  Parameters as there.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> float(ActivationLaw(1000, 10, 1.0).free_fraction(99))
        0.5
        """
        return np.asarray(np.exp(self.log_free_fraction(D, form)))

    def working_neurons(self, D: ArrayLike, form: Form = "exact", start: tuple[float, float] = (0.0, 0.0)) -> Floats:
        r"""Expected number of working neurons, :math:`\mathbb{E}K(D)`.

        Parameters
        ----------
        D : array_like of float
            Number of samples, at least ``start[0]``.
        form : {"exact", "gamma_poisson", "ode"}
            Form of the free fraction.
        start : (float, float)
            Known start :math:`(D_0, K_0)`: after `D_0` samples `K_0` neurons were working.

        Returns
        -------
        ndarray of float
            From ``start[1]`` to ``n_neurons``.  O(1) per element.

        Notes
        -----
        Implements the solution of Section 4.1 of [ZS24] (``form="ode"``) and its exact counterpart; derived in
        ``chapters/activation/ode_solution.md`` and ``chapters/activation/dynamics.md``.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> law = ActivationLaw(1000, 10, 1.0)
        >>> round(float(law.working_neurons(200, form="ode", start=(100, 600))), 9)
        733.333333333
        """
        since, working = self._start(start)
        lost = -np.expm1(self.log_free_fraction(D, form, since=since))
        return np.asarray(working + (self.n_neurons - working) * lost)

    def working_distribution(self, D: float, form: Form = "exact", start: tuple[float, int] = (0.0, 0)) -> Any:
        r"""Law of :math:`K(D)` when neurons fire independently within a sample: binomial.

        Parameters
        ----------
        D : float
            Number of samples, a scalar.
        form, start
            As for :meth:`working_neurons`; ``start[1]`` is an integer here.

        Returns
        -------
        scipy.stats.rv_frozen
            ``binom(N - K0, p, loc=K0)``.

        Notes
        -----
        With exactly `c` active neurons a sample the mean is the same and the variance smaller (theorem T12).

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> law = ActivationLaw(50, 5, 0.5)
        >>> round(float(law.working_distribution(40).var()), 2)
        10.7
        """
        since, working = self._start(start)
        known = valid.integer("start[1]", working, low=0, high=self.n_neurons)
        p = float(-np.expm1(self.log_free_fraction(valid.real("D", D, low=since), form, since=since)))
        return stats.binom(self.n_neurons - known, p, loc=known)

    def growth_exponent(self, D: ArrayLike, form: Form = "exact") -> Floats:
        r"""Local slope :math:`\mathrm d\ln K/\mathrm d\ln D` of the growth curve.

        Parameters
        ----------
        D : array_like of float
            Number of samples, positive.
        form : {"exact", "gamma_poisson", "ode"}
            The exact form is the slope over one sample, :math:`D\,(K(D+1)-K(D))/K(D)`.

        Returns
        -------
        ndarray of float
            Between 0 and 1 for the smooth forms.

        Notes
        -----
        Implements the derivative of eq. (12) of [ZS24]; derived in ``chapters/activation/asymptotics.md``.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> law = ActivationLaw(10**6, 1, 1.0)
        >>> round(float(law.growth_exponent(10**6, form="ode")), 6)
        0.5
        """
        samples = valid.reals("D", D, low=np.finfo(float).tiny)
        log_free = self.log_free_fraction(samples, form)
        hazard = self.b * samples / (samples + self.concentration)
        return np.asarray(hazard * np.exp(log_free) / -np.expm1(log_free))

    def crossover(self, q: ArrayLike) -> Floats:
        r"""Number of samples :math:`D_q=a\,((1-q)^{-1/b}-1)` at which a fraction `q` of the neurons works.

        Parameters
        ----------
        q : array_like of float
            Fraction in (0, 1).

        Returns
        -------
        ndarray of float
            In samples; infinity where it exceeds the float range (tiny `b`).

        Notes
        -----
        In the Gamma-Poisson form.  Implements theorem T7; derived in ``chapters/activation/asymptotics.md``.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> float(ActivationLaw(10**6, 10, 1.0).crossover(0.5))
        100000.0
        """
        with np.errstate(over="ignore"):
            return np.asarray(self.concentration * np.expm1(self._log_odds(q) / self.b))

    def crossover_width(self, low: float = 0.1, high: float = 0.9) -> float:
        r"""Natural logarithm of :math:`D_{high}/D_{low}`, the width of the crossover in nats.

        Parameters
        ----------
        low, high : float
            Fractions with ``0 < low < high < 1``.

        Returns
        -------
        float
            Depends on `b` alone; tends to :math:`\ln\frac{\ln(1-high)}{\ln(1-low)}` as `b` grows.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> round(ActivationLaw(10**6, 10, 0.095).crossover_width(), 1)
        23.5
        """
        if not 0.0 < low < high < 1.0:
            raise ValueError(f"low={low!r}, high={high!r} must satisfy 0 < low < high < 1")
        y = self._log_odds(np.array([low, high])) / self.b
        log_samples = y + np.log(-np.expm1(-y))
        return float(log_samples[1] - log_samples[0])

    # -- counts -------------------------------------------------------------------------------------------------

    def counts(self, D: int) -> Any:
        r"""Exact law of a neuron's count after `D` samples, as a frozen scipy distribution.

        Parameters
        ----------
        D : int
            Number of samples, at least 0.

        Returns
        -------
        scipy.stats.rv_frozen
            Beta-binomial with ``pmf`` and ``cdf`` that stay accurate up to ``D = 1e13``.

        Notes
        -----
        Implements theorem T1; derived in ``chapters/activation/hypothesis.md``.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> float(ActivationLaw(1000, 10, 0.5).counts(2000).mean())
        20.0
        """
        return beta_binomial(valid.integer("D", D, low=0), self.b, self.silent_weight)

    def log_count_pmf(self, k: ArrayLike, D: int, form: Form = "exact") -> Floats:
        """Log-probability of a count `k` after `D` samples.

        Parameters
        ----------
        k : array_like of int
            Counts, at least 0.
        D : int
            Number of samples.
        form : {"exact", "gamma_poisson"}
            Beta-binomial, or its negative-binomial limit.

        Returns
        -------
        ndarray of float
            Same shape as `k`.  O(1) per element.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> law = ActivationLaw(1000, 10, 1.0)
        >>> float(law.log_count_pmf(0, 99)) == float(law.log_free_fraction(99))
        True
        """
        valid.choice("form", form, ("exact", "gamma_poisson"))
        k, D = valid.reals("k", k), valid.integer("D", D, low=0)
        if form == "exact":
            return log_pmf(k, D, self.b, self.silent_weight)
        return negative_binomial_log_pmf(k, D, self.b, self.concentration)

    def count_moments(self, D: ArrayLike) -> tuple[Floats, Floats]:
        r"""Mean :math:`m=cD/N` and variance of a neuron's count.

        The variance is :math:`m\,(1-c/N)\,(a+D)/(a+1)`: binomial times an over-dispersion that grows with `D`.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> mean, variance = ActivationLaw(1000, 10, 1.0).count_moments(1000)
        >>> float(mean), round(float(variance), 2)
        (10.0, 107.82)
        """
        samples = valid.reals("D", D)
        silent = (self.n_neurons - self.n_active) / self.n_neurons
        mean = samples * (self.n_active / self.n_neurons)
        spread = (self.concentration + samples) / (self.concentration + 1.0)
        return mean, mean * silent * spread

    def bin_probabilities(self, D: int, edges: ArrayLike) -> Floats:
        """Probability that a count falls in each of the bins ``[edges[i], edges[i + 1])``.

        Parameters
        ----------
        D : int
            Number of samples.
        edges : array_like of int
            Bin edges, strictly increasing, at least 0.

        Returns
        -------
        ndarray of float
            One fewer than `edges`; absolute error below 1e-11.  Cost independent of `D`.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> law = ActivationLaw(10**11, 10**5, 0.5)
        >>> float(law.bin_probabilities(10**13, [0, 1, 10**13 + 1]).sum().round(10))
        1.0
        """
        D = valid.integer("D", D, low=0)
        cuts = valid.integers("edges", edges, low=0, high=2**62).tolist()
        if len(cuts) < 2 or any(right <= left for left, right in zip(cuts, cuts[1:], strict=False)):
            raise ValueError(f"edges={edges!r} must be at least two strictly increasing integers")
        if self.silent_weight == 0.0:
            return np.array([float(left <= D < right) for left, right in zip(cuts, cuts[1:], strict=False)])
        mass = partial(interval_probability, n_samples=D, b=self.b, x=self.silent_weight)
        return np.array([mass(left, right) for left, right in zip(cuts, cuts[1:], strict=False)])

    def unlearnt_fraction(self, D: ArrayLike, threshold: int, *, weighted: bool = False) -> Floats:
        r"""Probability that a neuron has been active on fewer than `threshold` samples.

        If a neuron's loss steps from :math:`L_{noise}` to :math:`L_{opt}` at `threshold` activations, the mean loss is
        :math:`L_{opt}` plus this probability times :math:`L_{noise}-L_{opt}`.

        Parameters
        ----------
        D : array_like of int
            Numbers of samples.
        threshold : int
            Activations after which a neuron counts as learnt, at least 1.
        weighted : bool
            False: the mean over neurons.  True: over the activations of the next sample, which meet neuron `i` with
            probability :math:`p_i/c`; the count is then :math:`\mathrm{BetaBinomial}(D; b+1, a-b)`.

        Returns
        -------
        ndarray of float
            Falls as :math:`D^{-b}`, or as :math:`D^{-(1+b)}` if weighted.  Cost independent of `D`.

        Notes
        -----
        Implements theorem T9; derived in ``chapters/activation/behaviour.md``.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw
        >>> law = ActivationLaw(1000, 10, 1.0)
        >>> bool(law.unlearnt_fraction(99, 1) == law.free_fraction(99))
        True
        """
        samples = valid.integers("D", D, low=0, high=2**53)
        threshold = valid.integer("threshold", threshold, low=1)
        weight = self.b + 1.0 if weighted else self.b
        if self.silent_weight == 0.0:
            return np.where(samples < threshold, 1.0, 0.0)
        flat = [interval_probability(0, threshold, n, weight, self.silent_weight) for n in samples.ravel().tolist()]
        return np.array(flat).reshape(samples.shape)

    # -- private ------------------------------------------------------------------------------------------------

    def _start(self, start: Iterable[float]) -> tuple[float, float]:
        since, working = start
        return (
            valid.real("start[0]", since, low=0),
            valid.real("start[1]", working, low=0, high=self.n_neurons),
        )

    @staticmethod
    def _log_odds(q: ArrayLike) -> Floats:
        """``-ln(1 - q)`` for fractions strictly between 0 and 1."""
        fractions = np.asarray(q, dtype=float)
        if not np.all((fractions > 0) & (fractions < 1)):
            raise ValueError(f"q={q!r} must lie strictly between 0 and 1")
        return np.asarray(-np.log1p(-fractions))
