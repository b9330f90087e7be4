r"""Fit the law of the counts to observed counts.

The counts of the neurons of one layer are a sample from :math:`\mathrm{BetaBinomial}(D;\,b,\,x)` with
:math:`x=a-b`.  The likelihood depends on them through their histogram alone, so a fit costs as much as the
histogram has distinct values.  Real layers also have units that never or always fire; those are **atoms** at
:math:`0` and :math:`D`.  Where an atom has positive weight, the maximum matches its class exactly, and
:math:`(b,x)` maximise the likelihood of the other counts conditioned on avoiding the atoms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats
from scipy.special import polygamma

from neuroscale import _validation as valid
from neuroscale.numerics import digamma_difference

from .beta_binomial import interval_probability, log_pmf

__all__ = ["CountFit", "fit_counts"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_CELLS = 24
_MIN_EXPECTED = 8.0
#: Up to here one pass over all counts is cheaper than a sum for each cell.
_LISTED = 2**14
#: ln b and ln x beyond this, or known no better than to this, mean that the likelihood has no interior maximum.
_FLAT = 40.0


@dataclass(frozen=True)
class CountFit:
    """Maximum-likelihood fit of the beta-binomial law to counts.

    Attributes
    ----------
    a, b : float
        Concentration (in samples) and smoothing constant.
    se_a, se_b : float
        Standard errors from the observed information.
    log_likelihood : float
        Of all counts, atoms included.
    p_value : float
        Chi-squared goodness of fit on at most 24 cells that expect eight neurons or more; nan with too few cells.
    atoms : dict of int to float
        Weight of each atom asked for; 0 where the data want none.
    n_neurons, n_samples : int
        Size of the data.
    cov_ab : float
        Covariance of the estimates of `a` and `b`.
    """

    a: float
    b: float
    se_a: float
    se_b: float
    log_likelihood: float
    p_value: float
    atoms: dict[int, float] = field(default_factory=dict)
    n_neurons: int = 0
    n_samples: int = 0
    cov_ab: float = 0.0

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval for ``"a"`` or ``"b"``, normal on the logarithm.

        Parameters
        ----------
        name : {"a", "b"}
            Parameter.
        level : float
            Coverage in (0, 1).

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw, fit_counts, sample_counts
        >>> law = ActivationLaw(5000, 100, 0.5)
        >>> low, high = fit_counts(sample_counts(law, 1000, rng=2), 1000).interval("b")
        >>> low < 0.5 < high
        True
        """
        valid.choice("name", name, ("a", "b"))
        level = valid.real("level", level, low=0, high=1, open_low=True, open_high=True)
        value, error = (self.a, self.se_a) if name == "a" else (self.b, self.se_b)
        reach = float(np.exp(stats.norm.ppf(0.5 + level / 2) * error / value))
        return value / reach, value * reach


def fit_counts(counts: ArrayLike, n_samples: int, atoms: Iterable[int] = ()) -> CountFit:
    r"""Fit :math:`(a, b)` to activation counts by maximum likelihood.

    Parameters
    ----------
    counts : array_like of int, shape (n_neurons,)
        Activations of each neuron, in ``[0, n_samples]``.
    n_samples : int
        Number of samples :math:`D`, at least 2.
    atoms : iterable of int
        Any of ``0`` (dead units) and ``n_samples`` (always-on units): classes with an extra weight of their own.

    Returns
    -------
    CountFit

    Raises
    ------
    ValueError
        For counts outside their range, fewer than two distinct counts outside the atoms, or counts that are not
        over-dispersed, for which the likelihood has no maximum at finite `b`.

    Notes
    -----
    Implements theorem T13; derived in ``chapters/activation/dynamics.md``.  Newton steps in ``(ln b, ln x)`` with
    exact derivatives: O(u) per step for ``u`` distinct counts, after one O(n log n) histogram.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, fit_counts, sample_counts
    >>> law = ActivationLaw(n_neurons=20000, n_active=200, b=0.5)      # concentration 50
    >>> fit = fit_counts(sample_counts(law, 2000, rng=1), 2000)
    >>> abs(fit.b - 0.5) < 4 * fit.se_b, abs(fit.a - 50) < 4 * fit.se_a
    (True, True)
    """
    D = valid.integer("n_samples", n_samples, low=2, high=2**53)
    values, sizes = _histogram(counts, D)
    wanted = tuple(dict.fromkeys(atoms))
    for atom in wanted:
        if atom not in (0, D):
            raise ValueError(f"atoms holds {atom!r}; only 0 and n_samples={D} are allowed")
    weights = dict.fromkeys(wanted, 0.0)
    present = [atom for atom in wanted if atom in values]
    while True:
        b, x, covariance = _maximise(values, sizes, D, present)
        shares = _atom_weights(values, sizes, D, present, b, x)
        kept = [atom for atom in present if shares[atom] > 0.0]
        if kept == present:
            break
        present = kept
    weights.update(shares)
    spread = covariance[0, 0] + 2 * covariance[0, 1] + covariance[1, 1]
    return CountFit(
        a=b + x,
        b=b,
        se_a=float(np.sqrt(spread)),
        se_b=float(np.sqrt(covariance[0, 0])),
        log_likelihood=_log_likelihood(values, sizes, D, b, x, weights),
        p_value=_goodness(values, sizes, D, b, x, weights),
        atoms=weights,
        n_neurons=int(sizes.sum()),
        n_samples=D,
        cov_ab=float(covariance[0, 0] + covariance[0, 1]),
    )


def _histogram(counts: ArrayLike, D: int) -> tuple[Integers, Floats]:
    array = valid.integers("counts", counts, low=0, high=D).ravel()
    if array.size == 0:
        raise ValueError("counts is empty; at least one neuron is needed")
    values, sizes = np.unique(array, return_counts=True)
    return values, sizes.astype(float)


def _maximise(values: Integers, sizes: Floats, D: int, atoms: list[int]) -> tuple[float, float, NDArray[np.float64]]:
    """Maximise the likelihood of the counts outside ``atoms``, given that they are outside."""
    outside = ~np.isin(values, atoms)
    k, n = values[outside].astype(float), sizes[outside]
    if k.size < 2:
        raise ValueError(f"counts holds {k.size} distinct values outside the atoms {atoms}; two are needed")
    if k[0] == 0 and k[1] == D:
        raise ValueError(
            f"counts holds only 0 and n_samples={D}: the likelihood grows as b goes to 0 and has no maximum at b > 0"
        )
    start = _moments(k, n, D, over=bool(atoms))
    excluded = np.array(atoms, dtype=float)

    @lru_cache(maxsize=4)
    def negative(log_b: float, log_x: float) -> tuple[float, Floats, NDArray[np.float64]]:
        b, x = np.exp(log_b), np.exp(log_x)
        value = float(n @ log_pmf(k, D, b, x))
        gradient, hessian = (np.tensordot(n, part, 1) for part in _derivatives(k, D, b, x))
        if excluded.size:
            # a trial step may put all the mass on the atoms; the value is then infinite and the search turns back
            mass = np.exp(log_pmf(excluded, D, b, x))
            slopes, bends = _derivatives(excluded, D, b, x)
            rest, total = 1.0 - mass.sum(), n.sum()
            pull = mass @ slopes
            value -= float(total * np.log(rest))
            gradient = gradient + total / rest * pull
            bends = bends + slopes[:, :, None] * slopes[:, None, :]
            hessian = hessian + total / rest * np.tensordot(mass, bends, 1)
            hessian = hessian + total / rest**2 * np.outer(pull, pull)
        scale = np.array([b, x])
        hessian = hessian * np.outer(scale, scale) + np.diag(gradient * scale)
        return -value, -gradient * scale, -hessian

    with np.errstate(divide="ignore", invalid="ignore"):
        best = optimize.minimize(
            lambda logs: negative(*logs)[0],
            start,
            jac=lambda logs: negative(*logs)[1],
            hess=lambda logs: negative(*logs)[2],
            method="trust-exact",
            options={"gtol": 1e-8 * n.sum(), "maxiter": 200},
        )
        information = negative(*best.x)[2]
    if np.max(np.abs(best.x)) > _FLAT or np.linalg.eigvalsh(information)[0] <= _FLAT**-2:
        if best.x[0] < 0.0 and bool(atoms):
            raise ValueError(
                "counts are more unequal outside the atoms than any beta-binomial law: "
                "the likelihood grows as b goes to 0 and has no maximum at b > 0"
            )
        raise ValueError(
            "counts are not over-dispersed against a binomial law outside the atoms: "
            "the likelihood has no maximum at finite b"
        )
    b, x = (float(value) for value in np.exp(best.x))
    scale = np.array([b, x])
    return b, x, np.asarray(np.linalg.inv(information) * np.outer(scale, scale), dtype=float)


def _moments(k: Floats, n: Floats, D: int, *, over: bool) -> Floats:
    """Start from the moments; ``over`` tolerates under-dispersion, since the atoms were cut out."""
    share = float(n @ k / n.sum() / D)
    variance = float(n @ (k / D - share) ** 2 / n.sum())
    binomial = share * (1.0 - share)
    excess = variance - binomial / D
    if excess <= 0.0 and not over:
        raise ValueError(
            f"counts are not over-dispersed: variance {variance * D * D:.4g} against the binomial "
            f"{binomial * D:.4g}, so the likelihood has no maximum at finite b"
        )
    concentration = np.clip((binomial - variance) / excess if excess > 0.0 else 100.0, 1e-3, 1e12)
    return np.asarray(np.log(np.array([concentration * share, concentration * (1.0 - share)])))


def _derivatives(k: Floats, D: int, b: float, x: float) -> tuple[Floats, NDArray[np.float64]]:
    """Gradient (u, 2) and Hessian (u, 2, 2) of the log-pmf in ``(b, x)``."""
    a = b + x
    common = digamma_difference(a, D)
    gradient = np.stack([digamma_difference(b, k) - common, digamma_difference(x, D - k) - common], axis=-1)
    shared = polygamma(1, a + D) - polygamma(1, a)
    hessian = np.full((k.size, 2, 2), -shared)
    hessian[:, 0, 0] += polygamma(1, b + k) - polygamma(1, b)
    hessian[:, 1, 1] += polygamma(1, x + D - k) - polygamma(1, x)
    return gradient, hessian


def _atom_weights(values: Integers, sizes: Floats, D: int, atoms: list[int], b: float, x: float) -> dict[int, float]:
    """Weight of each atom beyond the mass that the beta-binomial puts there itself."""
    if not atoms:
        return {}
    share = {atom: float(sizes[values == atom].sum() / sizes.sum()) for atom in atoms}
    mass = {atom: float(np.exp(log_pmf(atom, D, b, x))) for atom in atoms}
    rest = (1.0 - sum(share.values())) / (1.0 - sum(mass.values()))
    return {atom: share[atom] - rest * mass[atom] for atom in atoms}


def _log_likelihood(values: Integers, sizes: Floats, D: int, b: float, x: float, atoms: dict[int, float]) -> float:
    probability = (1.0 - sum(atoms.values())) * np.exp(log_pmf(values, D, b, x))
    for atom, weight in atoms.items():
        probability = probability + np.where(values == atom, weight, 0.0)
    return float(sizes @ np.log(probability))


def _goodness(values: Integers, sizes: Floats, D: int, b: float, x: float, atoms: dict[int, float]) -> float:
    """Chi-squared p-value on cells cut at quantiles of the data, each expecting enough neurons."""
    total = sizes.sum()
    level = np.searchsorted(np.cumsum(sizes), total * np.arange(1, _CELLS) / _CELLS)
    cuts = [0, *(np.unique(values[level]) + 1).tolist(), D + 1]
    cuts = sorted({*cuts, *(1 for atom in atoms if atom == 0), *(D for atom in atoms if atom == D)})
    if D <= _LISTED:
        below = np.concatenate([[0.0], np.cumsum(np.exp(log_pmf(np.arange(D + 1), D, b, x)))])
        masses = np.diff(below[cuts]).tolist()
    else:
        masses = [interval_probability(low, high, D, b, x) for low, high in zip(cuts, cuts[1:], strict=False)]
    cells: list[list[float]] = []
    for low, high, inside in zip(cuts, cuts[1:], masses, strict=False):
        mass = (1.0 - sum(atoms.values())) * inside
        mass += sum(weight for atom, weight in atoms.items() if low <= atom < high)
        seen = float(sizes[(values >= low) & (values < high)].sum())
        if cells and (cells[-1][1] < _MIN_EXPECTED or mass * total < _MIN_EXPECTED):
            cells[-1][0] += seen
            cells[-1][1] += mass * total
        else:
            cells.append([seen, mass * total])
    freedom = len(cells) - 3 - sum(weight > 0.0 for weight in atoms.values())
    if freedom < 1:
        return float("nan")
    table = np.array(cells)
    statistic = float(np.sum((table[:, 0] - table[:, 1]) ** 2 / table[:, 1]))
    return float(stats.chi2.sf(statistic, freedom))
