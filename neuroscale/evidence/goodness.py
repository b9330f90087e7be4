r"""Whether a fitted law describes the counts, and how many units it takes to tell two laws apart.

A distribution function that was fitted to the data lies closer to them than the true one, so the tabulated law of
the Kolmogorov-Smirnov distance does not apply.  The **parametric bootstrap** replaces it: counts drawn from the fitted
law are fitted again, and the distance is compared with theirs.  Two laws with equally many parameters are told apart
by their likelihoods; per unit the log-ratio has the Kullback-Leibler divergence :math:`\kappa` as mean and a variance
:math:`\sigma^2`, so that :math:`N=(z\,\sigma/\kappa)^2` units pick the true one with probability :math:`\Phi(z)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from neuroscale import _validation as valid
from neuroscale.randomness import generator, streams

from .families import FAMILIES
from .laws import LAWS, LawFit, fit_law

__all__ = ["Separation", "bootstrap_p_value", "pit_distance", "units_to_distinguish"]

Floats = NDArray[np.float64]
_LISTED = 2**14


def pit_distance(fit: LawFit, *, rng: np.random.Generator | int) -> float:
    r"""Kolmogorov-Smirnov distance of the randomised probability integral transform from the uniform law.

    A count :math:`k` becomes :math:`F(k-1)+V\,P(k)` with uniform :math:`V`: exactly uniform under the true law,
    although the counts are discrete.

    Parameters
    ----------
    fit : LawFit
        Fit with its counts.
    rng : numpy.random.Generator or int
        Source of the uniform draws.

    Returns
    -------
    float
        In [0, 1].  O(N) after one distribution function per distinct count.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, sample_counts
    >>> from neuroscale.evidence import fit_law, pit_distance
    >>> fit = fit_law(sample_counts(ActivationLaw(4000, 100, 0.5), 1000, rng=2), 1000)
    >>> pit_distance(fit, rng=0) < 0.03    # 1.9 / sqrt(4000)
    True
    """
    edges = np.stack([fit.values - 1.0, fit.values.astype(float)])
    low, high = fit.family.cdf(fit.point, edges.ravel(), fit.n_samples).reshape(2, -1)
    low, high = np.repeat(low, fit.sizes), np.repeat(high, fit.sizes)
    uniform = low + generator(rng).random(low.size) * (high - low)
    return float(stats.kstest(uniform, "uniform").statistic)


def bootstrap_p_value(
    fit: LawFit, *, n_replicates: int = 199, n_jobs: int = 1, rng: np.random.Generator | int
) -> float:
    """Parametric-bootstrap p-value of the greatest distance between fitted and empirical distribution function.

    Parameters
    ----------
    fit : LawFit
        Fit to judge.
    n_replicates : int
        Sets of counts drawn from it and fitted again, at least 19; the p-value is a multiple of
        ``1 / (n_replicates + 1)``.
    n_jobs : int
        Processes, through joblib; the result does not depend on it.
    rng : numpy.random.Generator or int
        Source of randomness; each replicate has a stream of its own.

    Returns
    -------
    float
        Uniform under the law, up to the error of the plug-in.  A replicate without a fit counts as farther away.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, sample_counts
    >>> from neuroscale.evidence import bootstrap_p_value, fit_law
    >>> fit = fit_law(sample_counts(ActivationLaw(300, 60, 1.0), 50, rng=2), 50)
    >>> bootstrap_p_value(fit, n_replicates=19, rng=0) > 0.05
    True
    """
    n = valid.integer("n_replicates", n_replicates, low=19)
    observed = _distance(fit)
    drawn = joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(_replicate)(fit, stream) for stream in streams(rng, n))
    return float((1 + np.sum(np.array(drawn) >= observed)) / (n + 1))


@dataclass(frozen=True)
class Separation:
    """How hard it is to tell a law from the nearest of a rival family.

    Attributes
    ----------
    divergence : float
        Kullback-Leibler divergence of a unit, in nats.
    spread : float
        Standard deviation of the log-likelihood ratio of a unit.
    n_units : float
        Units with which the likelihood picks the true law with the probability asked for.
    rival : dict of str to float
        Parameters of the nearest rival.
    """

    divergence: float
    spread: float
    n_units: float
    rival: dict[str, float]


def units_to_distinguish(fit: LawFit, rival: str = "probit-normal", *, power: float = 0.95) -> Separation:
    r"""Units needed to tell the fitted law from the nearest member of a rival family by their likelihoods.

    Parameters
    ----------
    fit : LawFit
        The law taken for the truth; ``n_samples`` at most 16,384.
    rival : str
        Another law of :func:`~neuroscale.evidence.fit_law`; the negative binomial's counts are not bounded: refused.
    power : float
        Probability of picking the truth, in [0.5, 1).

    Returns
    -------
    Separation

    Raises
    ------
    ValueError
        For arguments outside their range.

    Notes
    -----
    O(D) for each of about a hundred trial points.  Fitting both laws to the data changes the log-ratio by a number
    that does not grow with :math:`N`, and is left out.

    Examples
    --------
    >>> from neuroscale.evidence import fit_law, units_to_distinguish
    >>> fit = fit_law([1, 2, 2, 5, 9, 13], 20)
    >>> units_to_distinguish(fit).n_units > 1000
    True
    """
    D = valid.integer("fit.n_samples", fit.n_samples, low=2, high=_LISTED)
    valid.choice("rival", rival, (name for name in LAWS if name not in (fit.name, "negative-binomial")))
    power = valid.real("power", power, low=0.5, high=1, open_high=True)
    k = np.arange(D + 1.0)
    log_true = fit.log_pmf(k)
    weight = np.exp(log_true)
    heavy = weight > 1e-16
    k, log_true, weight = k[heavy], log_true[heavy], weight[heavy]
    family = FAMILIES[rival]
    # any large sample from the law starts the search near its end
    point = family.fit(fit.sample(2000, rng=0), D)[0]

    def cross(place: Floats) -> float:
        if np.max(np.abs(place)) > 30.0:
            return float("inf")
        with np.errstate(all="ignore"):
            value = -float(weight @ family.log_pmf(place, k, D))
        return value if np.isfinite(value) else float("inf")

    best = optimize.minimize(cross, point, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-12})
    ratio = log_true - family.log_pmf(best.x, k, D)
    divergence = float(weight @ ratio)
    spread = float(np.sqrt(weight @ (ratio - divergence) ** 2))
    z = float(stats.norm.ppf(power))
    report = family.report(best.x, D)
    return Separation(
        divergence=divergence,
        spread=spread,
        n_units=(z * spread / divergence) ** 2 if divergence > 0.0 else float("inf"),
        rival={name: float(value) for name, value in zip(family.parameters, report, strict=True)},
    )


# -- private ------------------------------------------------------------------------------------------------------


def _distance(fit: LawFit) -> float:
    """Greatest distance of the two distribution functions, at the counts seen and just before them."""
    empirical = np.cumsum(fit.sizes) / fit.n_units
    at, before = fit.values.astype(float), fit.values - 1.0
    fitted = fit.family.cdf(fit.point, np.concatenate([at, before]), fit.n_samples).reshape(2, -1)
    gaps = np.abs(fitted - np.stack([empirical, np.concatenate([[0.0], empirical[:-1]])]))
    return float(gaps.max())


def _replicate(fit: LawFit, rng: np.random.Generator) -> float:
    try:
        return _distance(fit_law(fit.sample(fit.n_units, rng=rng), fit.n_samples, fit.name))
    except ValueError:
        return float("inf")
