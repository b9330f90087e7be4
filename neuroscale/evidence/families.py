r"""Four laws of the counts of one layer, each with its fit, its silence and its sampler.

All are mixtures: a unit has its own probability :math:`\theta` and its count is binomial given it.  They differ in
the law of :math:`\theta`: Beta; Beta with atoms at 0 (dead units) and 1 (always on); :math:`\Phi` of a normal
variable; and Gamma, where the binomial is replaced by its Poisson limit.  Each is fitted in coordinates in which its
likelihood is nearly quadratic, ``(ln b, ln x)``, ``(m, ln s)`` and so on, with the inverse observed information as
covariance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats
from scipy.special import ndtr, ndtri, polygamma

from neuroscale.activation import CountFit, fit_counts
from neuroscale.activation.beta_binomial import interval_probability, log_pmf, negative_binomial_log_pmf
from neuroscale.numerics import digamma_difference, log_gamma_quotient

from .probit_normal import Rule, probit_normal_cdf, probit_normal_log_pmf

__all__ = ["FAMILIES", "Family"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Up to here a distribution function is the running sum of all probabilities.
_LISTED = 2**14
_STEP = 1e-5


class Family:
    """A law of counts with a vector of working coordinates, its **point**."""

    name: ClassVar[str]
    #: Reported parameters, and how each is bounded: "real", "positive" or "share".
    parameters: ClassVar[dict[str, str]]

    def fit(self, counts: Integers, D: int) -> tuple[Floats, NDArray[np.float64]]:
        """Point of maximal likelihood and its covariance."""
        raise NotImplementedError

    def report(self, point: Floats, D: int) -> Floats:
        """Reported parameters at a point."""
        raise NotImplementedError

    def log_pmf(self, point: Floats, k: Floats, D: int) -> Floats:
        """Log-probabilities of counts."""
        raise NotImplementedError

    def log_silent(self, point: Floats, D: Floats) -> Floats:
        """Log-probability of no activation in `D` samples."""
        raise NotImplementedError

    def sample(self, point: Floats, n: int, D: int, rng: np.random.Generator) -> Integers:
        """Counts of `n` units."""
        raise NotImplementedError

    def cdf(self, point: Floats, k: Floats, D: int) -> Floats:
        """Probabilities of at most `k`, for integer `k` from -1 on."""
        if D <= _LISTED:
            below = np.concatenate([[0.0], np.cumsum(np.exp(self.log_pmf(point, np.arange(D + 1.0), D)))])
            return np.asarray(np.minimum(below[np.clip(k, -1, D).astype(int) + 1], 1.0))
        return self._far_cdf(point, k, D)

    def _far_cdf(self, point: Floats, k: Floats, D: int) -> Floats:
        raise NotImplementedError


class BetaBinomial(Family):
    """Beta rates; working coordinates ``(ln b, ln x)``."""

    name = "beta-binomial"
    parameters: ClassVar[dict[str, str]] = {"a": "positive", "b": "positive"}

    def fit(self, counts: Integers, D: int) -> tuple[Floats, NDArray[np.float64]]:
        found = fit_counts(counts, D)
        return _log_point(found), _log_covariance(found)

    def report(self, point: Floats, D: int) -> Floats:
        b, x = np.exp(point[:2])
        return np.array([b + x, b])

    def log_pmf(self, point: Floats, k: Floats, D: int) -> Floats:
        b, x = np.exp(point[:2])
        return log_pmf(k, D, b, x)

    def log_silent(self, point: Floats, D: Floats) -> Floats:
        b, x = np.exp(point[:2])
        return log_gamma_quotient(x, b, D)

    def sample(self, point: Floats, n: int, D: int, rng: np.random.Generator) -> Integers:
        b, x = np.exp(point[:2])
        return rng.binomial(D, rng.beta(b, x, n))

    def _far_cdf(self, point: Floats, k: Floats, D: int) -> Floats:
        b, x = (float(value) for value in np.exp(point[:2]))
        return np.array([interval_probability(0, int(value) + 1, D, b, x) for value in np.ravel(k)])


class BetaBinomialAtoms(BetaBinomial):
    """Beta rates, and atoms at 0 and 1; working coordinates ``(ln b, ln x, dead, always)``."""

    name = "beta-binomial-atoms"
    parameters: ClassVar[dict[str, str]] = {"a": "positive", "b": "positive", "dead": "share", "always": "share"}

    def fit(self, counts: Integers, D: int) -> tuple[Floats, NDArray[np.float64]]:
        found = fit_counts(counts, D, atoms=(0, D))
        weights = np.array([found.atoms[0], found.atoms[D]])
        start, inner = _log_point(found), _log_covariance(found)
        present = [place for place, weight in zip((0, D), weights, strict=True) if weight > 0.0]
        covariance = np.zeros((4, 4))
        covariance[:2, :2] = inner
        if present:
            # the fitted classes of the atoms are the observed shares: multinomial, and independent of (b, x)
            seen = np.array([np.mean(counts == place) for place in present])
            at = [2 + (0, D).index(place) for place in present]

            def weight(logs: Floats, shares: Floats) -> Floats:
                mass = np.exp(log_pmf(np.array(present, dtype=float), D, *np.exp(logs)))
                return np.asarray(shares - (1.0 - shares.sum()) / (1.0 - mass.sum()) * mass)

            by_logs = np.stack(
                [(weight(start + step, seen) - weight(start - step, seen)) / (2 * _STEP) for step in np.eye(2) * _STEP],
                axis=1,
            )
            size = len(present)
            by_shares = np.stack([weight(start, row) - weight(start, np.zeros(size)) for row in np.eye(size)], axis=1)
            noise = (np.diag(seen) - np.outer(seen, seen)) / counts.size
            covariance[np.ix_(at, at)] = by_logs @ inner @ by_logs.T + by_shares @ noise @ by_shares.T
            covariance[np.ix_(at, [0, 1])] = by_logs @ inner
            covariance[np.ix_([0, 1], at)] = (by_logs @ inner).T
        return np.concatenate([start, weights]), covariance

    def report(self, point: Floats, D: int) -> Floats:
        return np.concatenate([super().report(point, D), point[2:]])

    def log_pmf(self, point: Floats, k: Floats, D: int) -> Floats:
        dead, always = point[2:]
        probability = (1.0 - dead - always) * np.exp(super().log_pmf(point, k, D))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(probability + dead * (k == 0) + always * (k == D)))

    def log_silent(self, point: Floats, D: Floats) -> Floats:
        dead, always = point[2:]
        own = np.exp(super().log_silent(point, D))
        return np.asarray(np.log(dead + (1.0 - dead - always) * own + always * (np.asarray(D) == 0)))

    def sample(self, point: Floats, n: int, D: int, rng: np.random.Generator) -> Integers:
        dead, always = point[2:]
        kind = rng.choice(3, size=n, p=[1.0 - dead - always, dead, always])
        return np.where(kind == 0, super().sample(point, n, D, rng), np.where(kind == 1, 0, D))

    def _far_cdf(self, point: Floats, k: Floats, D: int) -> Floats:
        dead, always = point[2:]
        own = super()._far_cdf(point, k, D)
        return np.asarray((1.0 - dead - always) * own + dead * (k >= 0) + always * (k >= D))


class ProbitNormal(Family):
    """Rates ``Phi(m + s Z)``; working coordinates ``(m, ln s)``."""

    name = "probit-normal"
    parameters: ClassVar[dict[str, str]] = {"m": "real", "s": "positive"}

    def fit(self, counts: Integers, D: int) -> tuple[Floats, NDArray[np.float64]]:
        values, sizes = np.unique(counts, return_counts=True)
        return self.maximise(values.astype(float), sizes.astype(float), D)

    @staticmethod
    def maximise(k: Floats, sizes: Floats, D: int) -> tuple[Floats, NDArray[np.float64]]:
        """Newton steps on quadrature nodes that are renewed until the maximum stays where it is."""
        _spread(k, sizes, D, D)
        score = ndtri((k + 0.5) / (D + 1.0))
        mean = float(sizes @ score / sizes.sum())
        point = np.array([mean, 0.5 * np.log(max(float(sizes @ (score - mean) ** 2 / sizes.sum()), 1e-4))])
        total = sizes.sum()
        for _ in range(12):
            rule = Rule.around(k, np.full(k.shape, float(D)), point[0], float(np.exp(point[1])))

            def negative(place: Floats, rule: Rule = rule) -> tuple[float, Floats, NDArray[np.float64]]:
                value, first, second = rule.derivatives(place[0], float(np.exp(place[1])))
                return -float(sizes @ value), -(sizes @ first), -np.tensordot(sizes, second, 1)

            moved = _newton(negative, point)
            done = bool(np.max(np.abs(moved - point)) < 1e-7)
            point = moved
            if abs(point[0]) > 12.0 or not -9.0 < point[1] < 3.0:
                break
            if done:
                information = negative(point)[2]
                if np.linalg.eigvalsh(information)[0] <= 1e-9 * total:
                    break
                return point, np.asarray(np.linalg.inv(information))
        raise ValueError(f"counts: the probit-normal likelihood has no maximum inside |m| < 12, s < 20 (at {point})")

    def report(self, point: Floats, D: int) -> Floats:
        return np.array([point[0], np.exp(point[1])])

    def log_pmf(self, point: Floats, k: Floats, D: int) -> Floats:
        return probit_normal_log_pmf(k, D, float(point[0]), float(np.exp(point[1])))

    def log_silent(self, point: Floats, D: Floats) -> Floats:
        return probit_normal_log_pmf(np.zeros(np.shape(D)), D, float(point[0]), float(np.exp(point[1])))

    def sample(self, point: Floats, n: int, D: int, rng: np.random.Generator) -> Integers:
        return np.asarray(rng.binomial(D, ndtr(point[0] + np.exp(point[1]) * rng.standard_normal(n))))

    def _far_cdf(self, point: Floats, k: Floats, D: int) -> Floats:
        return probit_normal_cdf(np.ravel(k), D, float(point[0]), float(np.exp(point[1])))


class NegativeBinomial(Family):
    """Gamma rates and Poisson counts: the limit of rare activations; working coordinates ``(ln b, ln a)``."""

    name = "negative-binomial"
    parameters: ClassVar[dict[str, str]] = {"a": "positive", "b": "positive"}

    def fit(self, counts: Integers, D: int) -> tuple[Floats, NDArray[np.float64]]:
        values, sizes = np.unique(counts, return_counts=True)
        k, n = values.astype(float), sizes.astype(float)
        mean = _spread(k, n, D, None)
        total = n.sum()

        def slope(log_b: float) -> float:
            b = float(np.exp(log_b))
            return float(n @ digamma_difference(b, k) - total * np.log1p(mean / b))

        low, high = -20.0, 25.0
        if slope(low) <= 0.0 or slope(high) >= 0.0:
            raise ValueError("counts: the negative-binomial likelihood has no maximum at finite b")
        b = float(np.exp(optimize.brentq(slope, low, high, xtol=1e-12)))
        curve = float(n @ (polygamma(1, b) - polygamma(1, b + k))) - total * mean / (b * (b + mean))
        # b and the mean are orthogonal at the maximum; a = b D / mean
        var_b = 1.0 / (curve * b * b)
        var_mean = (1.0 / mean + 1.0 / b) / total
        covariance = np.array([[var_b, var_b], [var_b, var_b + var_mean]])
        return np.log([b, b * D / mean]), covariance

    def report(self, point: Floats, D: int) -> Floats:
        return np.exp(point[::-1])

    def log_pmf(self, point: Floats, k: Floats, D: int) -> Floats:
        b, a = np.exp(point)
        return negative_binomial_log_pmf(k, D, b, a)

    def log_silent(self, point: Floats, D: Floats) -> Floats:
        b, a = np.exp(point)
        return np.asarray(-b * np.log1p(np.asarray(D) / a))

    def sample(self, point: Floats, n: int, D: int, rng: np.random.Generator) -> Integers:
        b, a = np.exp(point)
        # the limit puts a little mass beyond D, where no count can be
        return np.minimum(rng.negative_binomial(b, a / (a + D), n), D)

    def cdf(self, point: Floats, k: Floats, D: int) -> Floats:
        b, a = np.exp(point)
        return np.asarray(stats.nbinom.cdf(k, b, a / (a + D)))


FAMILIES: dict[str, Family] = {
    family.name: family for family in (BetaBinomial(), BetaBinomialAtoms(), ProbitNormal(), NegativeBinomial())
}


# -- private ------------------------------------------------------------------------------------------------------


def _log_point(fit: CountFit) -> Floats:
    return np.log([fit.b, fit.a - fit.b])


def _log_covariance(fit: CountFit) -> NDArray[np.float64]:
    var_a, var_b, both = fit.se_a**2, fit.se_b**2, fit.cov_ab
    plain = np.array([[var_b, both - var_b], [both - var_b, var_a + var_b - 2.0 * both]])
    scale = np.array([fit.b, fit.a - fit.b])
    return np.asarray(plain / np.outer(scale, scale))


def _spread(k: Floats, sizes: Floats, D: int, trials: int | None) -> float:
    """Mean count; refuse counts that vary no more than a binomial (or, without `trials`, a Poisson) law."""
    if k.size < 2:
        raise ValueError(f"counts holds {k.size} distinct values; two are needed")
    if trials is not None and k[0] == 0 and k[1] == D:
        raise ValueError(f"counts holds only 0 and n_samples={D}: the likelihood has no maximum")
    mean = float(sizes @ k / sizes.sum())
    variance = float(sizes @ (k - mean) ** 2 / sizes.sum())
    floor = mean * (1.0 - mean / trials) if trials is not None else mean
    if variance <= floor:
        law = "binomial" if trials is not None else "Poisson"
        raise ValueError(f"counts are not over-dispersed: variance {variance:.4g} against the {law} {floor:.4g}")
    return mean


def _newton(negative: Callable[[Floats], tuple[float, Floats, NDArray[np.float64]]], point: Floats) -> Floats:
    """Newton steps, halved while they do not descend and turned to descent where the surface is not convex."""
    value, gradient, hessian = negative(point)
    for _ in range(60):
        eigen, basis = np.linalg.eigh(hessian)
        step = -basis @ ((basis.T @ gradient) / np.maximum(np.abs(eigen), 1e-12))
        step *= min(1.0, 1.0 / float(np.max(np.abs(step)) + 1e-300))
        while True:
            trial = negative(point + step)
            if trial[0] <= value + 1e-12 * abs(value):
                break
            step = step / 2
            if np.max(np.abs(step)) < 1e-12:
                return point
        point = point + step
        value, gradient, hessian = trial
        if np.max(np.abs(step)) < 1e-9:
            break
    return point
