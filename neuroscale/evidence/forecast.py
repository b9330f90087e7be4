r"""Which silent units will ever fire: forecasts by several methods, and the probability that one wakes.

A unit silent over :math:`D` samples fires in :math:`m` more with probability :math:`1-P_{D+m}(0)/P_D(0)` under the law
of its rate.  Three laws are fitted (Beta, Beta with dead units, probit-normal), and the number of silent units that
start is binomial with that probability, itself uncertain.  Beside them stand the estimators of unseen species, which
know neither the number of units nor a law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neuroscale import _validation as valid
from neuroscale.activation import predict_growth, unseen
from neuroscale.activation.forecast import number_interval

from .laws import LawFit, delta_error, fit_law

__all__ = ["Forecast", "ForecastTable", "WakeProbability", "forecast_working", "p_wake"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Forecast:
    """Forecast of the number of units that will have fired.

    Attributes
    ----------
    method : str
        Name of the method.
    working : float
        Units that will have fired at the target; nan where the method has no answer.
    low, high : float
        Prediction interval of the number itself; nan where the method has no answer.
    note : str
        What to know about the number; empty when there is nothing.
    """

    method: str
    working: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class ForecastTable:
    """Forecasts of several methods from the same counts.

    Attributes
    ----------
    rows : tuple of Forecast
        Laws first, then the estimators of unseen species.
    n_units, n_samples, target_samples, working : int
        Units, samples seen, samples at the target, and units that fired so far.
    level : float
        Coverage of the intervals.
    """

    rows: tuple[Forecast, ...]
    n_units: int
    n_samples: int
    target_samples: int
    working: int
    level: float

    def __getitem__(self, method: str) -> Forecast:
        """The row of a method."""
        for row in self.rows:
            if row.method == method:
                return row
        raise KeyError(f"{method!r} is not among {[row.method for row in self.rows]}")

    def __repr__(self) -> str:
        """A row a method."""
        lines = [
            f"{self.working} of {self.n_units} units fired in {self.n_samples} samples; "
            f"forecast for {self.target_samples}, intervals {self.level:.0%}"
        ]
        for row in self.rows:
            span = "" if np.isnan(row.low) else f"[{row.low:.0f}, {row.high:.0f}]"
            lines.append(f"{row.method:<20} {row.working:9.0f}  {span:<16} {row.note}".rstrip())
        return "\n".join(lines)


@dataclass(frozen=True)
class WakeProbability:
    """Probability that a silent unit fires in the samples to come.

    Attributes
    ----------
    probability : float
        In [0, 1].
    low, high : float
        Confidence interval, normal on the logit.
    m : int
        Samples to come.
    level : float
        Coverage of the interval.
    """

    probability: float
    low: float
    high: float
    m: int
    level: float


def p_wake(
    data: LawFit | ArrayLike, n_samples: int | None = None, *, m: int, law: str = "beta-binomial", level: float = 0.95
) -> WakeProbability:
    """Probability that a unit which has not fired yet fires in `m` further samples.

    Parameters
    ----------
    data : LawFit or array_like of int, shape (n_units,)
        A fit, or the counts of all units.
    n_samples : int, optional
        Number of samples behind counts; left out with a fit.
    m : int
        Further samples, at least 0.
    law : str
        Law to fit to counts; see :func:`fit_law`.
    level : float
        Coverage of the confidence interval, in (0, 1).

    Returns
    -------
    WakeProbability

    Raises
    ------
    ValueError
        For arguments outside their range, and counts without a fit.

    Notes
    -----
    It is the probability for a unit of which nothing is known but its silence, and the interval covers the error of
    the parameters, not that of the law: no count tells dead units from very rare ones
    (``chapters/evidence/unseen_units.md``).

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, sample_counts
    >>> from neuroscale.evidence import p_wake
    >>> counts = sample_counts(ActivationLaw(4000, 20, 0.5), 1000, rng=1)
    >>> wake = p_wake(counts, 1000, m=1000)
    >>> wake.low < 1 - (1100 / 2100) ** 0.5 < wake.high
    True
    """
    m = valid.integer("m", m, low=0, high=2**53)
    level = valid.real("level", level, low=0, high=1, open_low=True, open_high=True)
    if isinstance(data, LawFit):
        fit = data
    else:
        if n_samples is None:
            raise ValueError("n_samples=None: the number of samples behind the counts is needed")
        fit = fit_law(data, n_samples, law)
    share = fit.wake_probability(m)
    if not 0.0 < share < 1.0:
        return WakeProbability(share, share, share, m, level)
    error = delta_error(lambda point: fit._wakes(point, m), fit) / (share * (1.0 - share))
    logit = float(np.log(share / (1.0 - share)))
    reach = float(stats.norm.isf(0.5 * (1.0 - level))) * error
    low, high = (float(1.0 / (1.0 + np.exp(-(logit + side * reach)))) for side in (-1.0, 1.0))
    return WakeProbability(share, low, high, m, level)


def forecast_working(counts: ArrayLike, n_samples: int, target_samples: int, *, level: float = 0.95) -> ForecastTable:
    """Forecast how many units of a layer will have fired after `target_samples` samples.

    Parameters
    ----------
    counts : array_like of int, shape (n_units,)
        Activations of **all** units, the silent ones included, in ``[0, n_samples]``.
    n_samples : int
        Samples behind the counts, at least 2.
    target_samples : int
        Samples at the target, those seen included; at least `n_samples`.
    level : float
        Coverage of the prediction intervals, in (0, 1).

    Returns
    -------
    ForecastTable
        Methods ``"beta-binomial"``, ``"with dead units"`` and ``"probit-normal"``, then ``"Chao2"``, ``"jackknife"``,
        ``"Good-Toulmin"`` and ``"Pitman-Yor"``, each with an interval; it prints as a table.

    Raises
    ------
    ValueError
        For arguments outside their range, and where the beta-binomial law has no fit.

    Notes
    -----
    The beta-binomial rows and three of the peers are those of :func:`neuroscale.activation.predict_growth`.  Chao's
    lower bound is extrapolated to the target; the first-order jackknife estimates the number of units that ever fire
    and knows no target.  None of the peers is bounded by the number of units.  Their intervals are normal, with the
    errors of :mod:`neuroscale.activation.unseen`: chance alone, not the bias of a method outside its range.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, sample_counts
    >>> from neuroscale.evidence import forecast_working
    >>> counts = sample_counts(ActivationLaw(4000, 20, 0.5), 1000, rng=1)
    >>> table = forecast_working(counts, 1000, 8000)
    >>> table["beta-binomial"].low < 4000 * (1 - (100 / 8100) ** 0.5) < table["beta-binomial"].high
    True
    """
    D = valid.integer("n_samples", n_samples, low=2, high=2**53)
    target = valid.integer("target_samples", target_samples, low=D, high=2**53)
    array = valid.integers("counts", counts, low=0, high=D).ravel()
    m = target - D
    plain = predict_growth(array, D, m, level=level, peers=False)
    rows = [
        Forecast("beta-binomial", plain.working + plain.expected, plain.working + plain.low, plain.working + plain.high)
    ]
    rows.append(_with_dead(array, D, m, plain.working, level))
    rows.append(_probit(array, D, m, plain.working, level))
    working, size = plain.working, array.size
    peers = {
        "Chao2": unseen.chao(array, D, m),
        "jackknife": unseen.jackknife(array, D),
        "Good-Toulmin": unseen.good_toulmin(array, D, m),
        "Pitman-Yor": unseen.pitman_yor(array, D, m),
    }
    reach = float(stats.norm.isf(0.5 * (1.0 - level)))
    for name, (value, error) in peers.items():
        notes = (
            {"jackknife": "limit of all samples"} if working + value <= size else {name: "more than there are units"}
        )
        low, high = (working + float(np.maximum(value + side * reach * error, 0.0)) for side in (-1.0, 1.0))
        rows.append(Forecast(name, working + value, low, high, notes.get(name, "")))
    return ForecastTable(tuple(rows), size, D, target, working, level)


# -- private ------------------------------------------------------------------------------------------------------


def _with_dead(counts: Integers, D: int, m: int, working: int, level: float) -> Forecast:
    try:
        found = predict_growth(counts, D, m, atoms=(0,), level=level, peers=False)
    except ValueError as error:
        return Forecast("with dead units", float("nan"), float("nan"), float("nan"), f"no fit: {error}")
    weight = found.fit.atoms[0]
    note = f"dead units {weight:.1%}" if weight > 0.0 else "no dead units wanted"
    return Forecast("with dead units", working + found.expected, working + found.low, working + found.high, note)


def _probit(counts: Integers, D: int, m: int, working: int, level: float) -> Forecast:
    try:
        fit = fit_law(counts, D, "probit-normal")
    except ValueError as error:
        return Forecast("probit-normal", float("nan"), float("nan"), float("nan"), f"no fit: {error}")
    share = fit.wake_probability(m)
    error_ = delta_error(lambda point: fit._wakes(point, m), fit)
    low, high = number_interval(fit.silent, share, error_**2, level)
    return Forecast("probit-normal", working + fit.silent * share, working + low, working + high)
