r"""An alarm for a shape :math:`b` that drifts with the number of samples.

While a network is frozen one Beta law stands behind the counts at every :math:`D`, and the fitted :math:`b` differs
between snapshots by sampling noise alone.  That noise is correlated, since later counts contain the earlier ones; so
its law is simulated: units with the last snapshot's fit, counted at the same numbers of samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import joblib
import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid
from neuroscale.activation import CountFit, fit_counts
from neuroscale.randomness import streams

__all__ = ["DriftReport", "drift_alarm"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class DriftReport:
    """Fitted shape over growing numbers of samples, and whether it drifts.

    Attributes
    ----------
    n_samples : ndarray of int
        Numbers of samples of the snapshots, rising.
    b, low, high : ndarray of float
        Fitted shape with its 95 % interval, at each of them.
    statistic : float
        Greatest distance of a log-shape from the last one, in standard errors of the former.
    p_value : float
        Share of frozen layers with as great a statistic.
    alarm : bool
        Whether the p-value is at most `false_alarm`.
    false_alarm : float
        Probability of an alarm over a frozen layer.
    """

    n_samples: Integers
    b: Floats
    low: Floats
    high: Floats
    statistic: float
    p_value: float
    alarm: bool
    false_alarm: float

    def __repr__(self) -> str:
        """A row a snapshot, and the verdict."""
        rows = [f"{'D':>10} {'b':>9}  95 % interval"]
        for D, b, low, high in zip(self.n_samples, self.b, self.low, self.high, strict=True):
            rows.append(f"{D:10d} {b:9.4g}  [{low:.4g}, {high:.4g}]")
        verdict = "drift" if self.alarm else "no drift"
        rows.append(f"{verdict}: p = {self.p_value:.3g}, alarm at {self.false_alarm:g}")
        return "\n".join(rows)


def drift_alarm(
    snapshots: Mapping[int, ArrayLike],
    *,
    false_alarm: float = 0.01,
    n_replicates: int = 199,
    n_jobs: int = 1,
    rng: np.random.Generator | int,
) -> DriftReport:
    """Compare the shape fitted at growing numbers of samples.

    Parameters
    ----------
    snapshots : mapping of int to array_like of int, shape (n_units,)
        Counts of the same units after so many samples; at least two snapshots, counts that never fall.
    false_alarm : float
        Probability of an alarm where nothing drifts, in (0, 1); at least ``1 / (n_replicates + 1)``.
    n_replicates : int
        Frozen layers simulated, at least 19.
    n_jobs : int
        Processes, through joblib; the result does not depend on it.
    rng : numpy.random.Generator or int
        Source of randomness; each replicate has a stream of its own.

    Returns
    -------
    DriftReport

    Raises
    ------
    ValueError
        For arguments outside their range, and where a snapshot has no fit.

    Notes
    -----
    The alarm looks once, at all snapshots together; looking again after each new snapshot raises its rate.  It knows
    the beta-binomial law only: a frozen layer with other rates may seem to drift, because the Beta law nearest to
    them changes with the resolution `D`.  Its units are independent, while those of a network see the same samples: on
    frozen networks it may ring more often than `false_alarm` (``chapters/evidence/training.md``).

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence import drift_alarm
    >>> rng = np.random.default_rng(0)
    >>> theta = rng.beta(0.5, 20.0, 400)
    >>> early = rng.binomial(100, theta)
    >>> late = early + rng.binomial(900, theta)
    >>> drift_alarm({100: early, 1000: late}, false_alarm=0.05, n_replicates=19, rng=1).alarm
    False
    """
    n = valid.integer("n_replicates", n_replicates, low=19)
    rate = valid.real("false_alarm", false_alarm, low=1.0 / (n + 1), high=1, open_high=True)
    order = sorted(valid.integer("snapshots", D, low=2, high=2**53) for D in snapshots)
    if len(order) < 2:
        raise ValueError(f"snapshots holds {len(order)} entries; two are needed")
    counts = [valid.integers("snapshots", snapshots[D], low=0, high=D).ravel() for D in order]
    if len({array.size for array in counts}) > 1:
        raise ValueError(f"snapshots have {[array.size for array in counts]} units; the numbers must be equal")
    for early, late, step in zip(counts, counts[1:], np.diff(order), strict=False):
        if np.any((late < early) | (late > early + step)):
            raise ValueError("snapshots: a count falls, or rises by more than the samples between two snapshots")
    fits = [fit_counts(array, D) for array, D in zip(counts, order, strict=True)]
    observed = _statistic(fits)
    drawn = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(_replicate)(fits[-1], order, stream) for stream in streams(rng, n)
    )
    p_value = float((1 + np.sum(np.array(drawn) >= observed)) / (n + 1))
    intervals = np.array([fit.interval("b") for fit in fits])
    return DriftReport(
        n_samples=np.array(order, dtype=np.int64),
        b=np.array([fit.b for fit in fits]),
        low=intervals[:, 0],
        high=intervals[:, 1],
        statistic=observed,
        p_value=p_value,
        alarm=p_value <= rate,
        false_alarm=rate,
    )


# -- private ------------------------------------------------------------------------------------------------------


def _statistic(fits: list[CountFit]) -> float:
    last = fits[-1]
    return float(max(abs(np.log(fit.b / last.b)) * fit.b / fit.se_b for fit in fits[:-1]))


def _replicate(fit: CountFit, order: list[int], rng: np.random.Generator) -> float:
    theta = rng.beta(fit.b, fit.a - fit.b, fit.n_neurons)
    counts = np.zeros(fit.n_neurons, dtype=np.int64)
    fits = []
    try:
        for D, step in zip(order, np.diff([0, *order]), strict=True):
            counts = counts + rng.binomial(step, theta)
            fits.append(fit_counts(counts, D))
    except ValueError:
        return float("inf")
    return _statistic(fits)
