r"""Fit the laws that the counts of one layer may follow.

Part I gives the beta-binomial law of the counts; data may prefer another.  A fit carries everything that is asked of
it later: intervals from the observed information, Akaike's criterion, the growth curve
:math:`K(D)=N\,[1-P_D(0)]` and the probability that a silent unit wakes,
:math:`1-P_{D+m}(0)/P_D(0)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from .families import FAMILIES, Family

__all__ = ["LAWS", "LawFit", "fit_law"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Names that :func:`fit_law` takes.
LAWS = tuple(FAMILIES)
_STEP = 1e-5


@dataclass(frozen=True, eq=False)
class LawFit:
    """Maximum-likelihood fit of one law to the counts of a layer.

    Attributes
    ----------
    name : str
        One of ``LAWS``.
    parameters : dict of str to float
        ``a`` and ``b`` (concentration in samples, shape); also ``dead`` and ``always``, the weights of the atoms; or
        ``m`` and ``s``, mean and standard deviation of the probit.
    log_likelihood : float
        Of all counts.
    n_parameters, n_units, n_samples : int
        Free parameters, units and samples.
    point : ndarray of float
        Working coordinates, documented in ``neuroscale/evidence/families.py``.
    covariance : ndarray of float
        Of `point`, from the observed information.
    values, sizes : ndarray of int
        Histogram of the counts.
    """

    name: str
    parameters: dict[str, float]
    log_likelihood: float
    n_parameters: int
    n_units: int
    n_samples: int
    point: Floats
    covariance: NDArray[np.float64]
    values: Integers
    sizes: Integers

    @property
    def family(self) -> Family:
        """The law behind the name."""
        return FAMILIES[self.name]

    @cached_property
    def p_value(self) -> float:
        """Pearson's chi-squared goodness of fit on at most 24 cells; nan with too few cells."""
        return _pearson(self)

    @property
    def aic(self) -> float:
        """Akaike's criterion, twice the number of parameters minus twice the log-likelihood."""
        return 2.0 * (self.n_parameters - self.log_likelihood)

    @property
    def working(self) -> int:
        """Units that fired."""
        return int(self.sizes[self.values > 0].sum())

    @property
    def silent(self) -> int:
        """Units that did not fire."""
        return self.n_units - self.working

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % confidence intervals of the parameters."""
        return {name: self.interval(name) for name in self.parameters}

    def standard_error(self, name: str) -> float:
        """Standard error of a parameter by the delta method.

        Parameters
        ----------
        name : str
            One of the keys of `parameters`.
        """
        valid.choice("name", name, self.parameters)
        place = list(self.parameters).index(name)
        return delta_error(lambda point: float(self.family.report(point, self.n_samples)[place]), self)

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval of a parameter.

        Parameters
        ----------
        name : str
            One of the keys of `parameters`.
        level : float
            Coverage in (0, 1).

        Returns
        -------
        tuple of float
            Normal on the logarithm for a positive parameter and on the parameter for ``m``.  The weight of an atom
            is normal, cut at 0 and 1; where the fit wants no atom it is ``(0, u)`` with `u` from the likelihood
            ratio, so that all of ``1 - level`` lies above.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw, sample_counts
        >>> from neuroscale.evidence import fit_law
        >>> fit = fit_law(sample_counts(ActivationLaw(5000, 100, 0.5), 1000, rng=2), 1000)
        >>> low, high = fit.interval("b")
        >>> low < 0.5 < high
        True
        """
        level = valid.real("level", level, low=0, high=1, open_low=True, open_high=True)
        error, value = self.standard_error(name), self.parameters[name]
        reach = float(stats.norm.isf(0.5 * (1.0 - level))) * error
        kind = self.family.parameters[name]
        if kind == "positive":
            factor = float(np.exp(reach / value))
            return value / factor, value * factor
        if kind == "real":
            return value - reach, value + reach
        if value == 0.0:
            return 0.0, self._atom_limit(name, level)
        return max(0.0, value - reach), min(1.0, value + reach)

    def log_pmf(self, k: ArrayLike, n_samples: int | None = None) -> Floats:
        """Log-probabilities of counts.

        Parameters
        ----------
        k : array_like of int
            Counts in ``[0, n_samples]``.
        n_samples : int, optional
            Number of samples; by default that of the data.
        """
        D = self.n_samples if n_samples is None else valid.integer("n_samples", n_samples, low=1)
        counts = valid.integers("k", k, low=0, high=D).astype(float)
        return self.family.log_pmf(self.point, counts, D)

    def silent_share(self, D: ArrayLike) -> Floats:
        """Probability that a unit does not fire in `D` samples.

        Parameters
        ----------
        D : array_like of float
            Numbers of samples, at least 0.
        """
        return np.exp(self.family.log_silent(self.point, valid.reals("D", D)))

    def growth(self, D: ArrayLike) -> Floats:
        r"""Growth curve: expected number of units that fired within `D` samples, :math:`N\,[1-P_D(0)]`.

        Parameters
        ----------
        D : array_like of float
            Numbers of samples, at least 0.

        Examples
        --------
        >>> from neuroscale.evidence import fit_law
        >>> fit = fit_law([0, 0, 1, 3, 9, 20], 20)
        >>> bool(fit.growth(0) == 0 and 3 < fit.growth(20) < 5)
        True
        """
        return -self.n_units * np.expm1(self.family.log_silent(self.point, valid.reals("D", D)))

    def wake_probability(self, m: float) -> float:
        """Probability that a unit which was silent over the data fires in `m` further samples.

        Parameters
        ----------
        m : float
            Further samples, at least 0.
        """
        return self._wakes(self.point, valid.real("m", m, low=0))

    def sample(self, n_units: int, *, rng: np.random.Generator | int, n_samples: int | None = None) -> Integers:
        """Draw counts from the fitted law.

        Parameters
        ----------
        n_units : int
            Number of units, at least 1.
        rng : numpy.random.Generator or int
            Source of randomness.
        n_samples : int, optional
            Number of samples; by default that of the data.
        """
        D = self.n_samples if n_samples is None else valid.integer("n_samples", n_samples, low=1)
        n = valid.integer("n_units", n_units, low=1)
        return np.asarray(self.family.sample(self.point, n, D, generator(rng)), dtype=np.int64)

    def __repr__(self) -> str:
        """One line: name, parameters with standard errors, criterion."""
        parts = [f"{name}={value:.4g}±{self.standard_error(name):.2g}" for name, value in self.parameters.items()]
        return f"<{self.name}: {', '.join(parts)}; AIC {self.aic:.1f}, N={self.n_units}, D={self.n_samples}>"

    def _wakes(self, point: Floats, m: float) -> float:
        D = float(self.n_samples)
        log_both = self.family.log_silent(point, np.array([D, D + m]))
        return -float(np.expm1(log_both[1] - log_both[0]))

    def _atom_limit(self, name: str, level: float) -> float:
        """Weight at which the profile log-likelihood has fallen by half a chi-squared quantile."""
        place = 2 + ["dead", "always"].index(name)
        fall = 0.5 * float(stats.chi2.isf(2.0 * (1.0 - level), 1)) if level > 0.5 else 0.0
        k = self.values.astype(float)

        def loss(weight: float) -> float:
            def negative(logs: Floats) -> float:
                point = np.concatenate([logs, self.point[2:]])
                point[place] = weight
                if np.max(np.abs(logs)) > 40.0:
                    return float("inf")
                return -float(self.sizes @ self.family.log_pmf(point, k, self.n_samples))

            best = optimize.minimize(negative, self.point[:2], method="Nelder-Mead", options={"xatol": 1e-3})
            return float(best.fun + self.log_likelihood - fall)

        high = 1.0 / self.n_units
        while loss(high) < 0.0 and high < 0.5:
            high *= 2.0
        if high >= 0.5:
            return 1.0
        return float(optimize.brentq(loss, 0.0, high, rtol=1e-3)) if fall > 0.0 else 0.0


def fit_law(counts: ArrayLike, n_samples: int, law: str = "beta-binomial") -> LawFit:
    """Fit a law to the counts of all units of a layer by maximum likelihood.

    Parameters
    ----------
    counts : array_like of int, shape (n_units,)
        Activations of each unit, the silent ones included, in ``[0, n_samples]``.
    n_samples : int
        Number of samples, at least 2.
    law : {"beta-binomial", "beta-binomial-atoms", "probit-normal", "negative-binomial"}
        ``"beta-binomial-atoms"`` adds weights at 0 and at ``n_samples``; ``"negative-binomial"`` is the limit of rare
        activations and puts a little mass beyond ``n_samples``.

    Returns
    -------
    LawFit

    Raises
    ------
    ValueError
        For arguments outside their range, and for counts that vary no more than binomial (Poisson) ones, for which
        the likelihood has no maximum.

    Notes
    -----
    Decides ``ev-family`` in ``chapters/evidence/frozen_networks.md``.  O(u) for each Newton step with ``u`` distinct
    counts; the probit-normal law takes 80 nodes for each.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, sample_counts
    >>> from neuroscale.evidence import fit_law
    >>> fit = fit_law(sample_counts(ActivationLaw(5000, 100, 0.5), 1000, rng=2), 1000, "negative-binomial")
    >>> bool(abs(fit.parameters["b"] - 0.5) < 4 * fit.standard_error("b"))
    True
    """
    D = valid.integer("n_samples", n_samples, low=2, high=2**53)
    family = FAMILIES[valid.choice("law", law, LAWS)]
    array = valid.integers("counts", counts, low=0, high=D).ravel()
    if array.size == 0:
        raise ValueError("counts is empty; at least one unit is needed")
    point, covariance = family.fit(array, D)
    values, sizes = np.unique(array, return_counts=True)
    report = family.report(point, D)
    return LawFit(
        name=law,
        parameters={name: float(value) for name, value in zip(family.parameters, report, strict=True)},
        log_likelihood=float(sizes @ family.log_pmf(point, values.astype(float), D)),
        n_parameters=len(family.parameters),
        n_units=array.size,
        n_samples=D,
        point=point,
        covariance=covariance,
        values=values,
        sizes=sizes,
    )


# -- private ------------------------------------------------------------------------------------------------------


def _gradient(value: Callable[[Floats], float], fit: LawFit) -> Floats:
    """Central differences of a function of the point; an atom without weight does not move."""
    moves = np.where(np.diag(fit.covariance) > 0.0, _STEP, 0.0)
    slopes = np.zeros(fit.point.size)
    for place, step in enumerate(moves):
        if step > 0.0:
            shift = np.zeros(fit.point.size)
            shift[place] = step
            slopes[place] = (value(fit.point + shift) - value(fit.point - shift)) / (2.0 * step)
    return slopes


def delta_error(value: Callable[[Floats], float], fit: LawFit) -> float:
    """Standard error of a function of the point, by the delta method."""
    slopes = _gradient(value, fit)
    return float(np.sqrt(max(0.0, float(slopes @ fit.covariance @ slopes))))


def _pearson(fit: LawFit) -> float:
    """Chi-squared p-value on cells cut at quantiles of the data, each expecting eight units or more."""
    total = int(fit.sizes.sum())
    level = np.searchsorted(np.cumsum(fit.sizes), total * np.arange(1, 24) / 24)
    cuts = np.unique(fit.values[level]).astype(float)
    if cuts[-1] == fit.n_samples:
        cuts = cuts[:-1]
    lower = fit.family.cdf(fit.point, cuts, fit.n_samples)
    below = np.concatenate([[0.0], lower, [1.0]])
    seen = np.diff(np.concatenate([[0], [fit.sizes[fit.values <= cut].sum() for cut in cuts], [total]]))
    cells: list[list[float]] = []
    for observed, expected in zip(seen, np.diff(below) * total, strict=True):
        if cells and (cells[-1][1] < 8.0 or expected < 8.0):
            cells[-1][0] += float(observed)
            cells[-1][1] += float(expected)
        else:
            cells.append([float(observed), float(expected)])
    freedom = len(cells) - 1 - fit.n_parameters
    if freedom < 1:
        return float("nan")
    table = np.array(cells)
    return float(stats.chi2.sf(np.sum((table[:, 0] - table[:, 1]) ** 2 / table[:, 1]), freedom))
