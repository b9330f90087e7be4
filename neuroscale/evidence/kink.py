r"""A test for a kink of a learning curve: a change of slope beyond a smooth power law with a floor.

A score test: the residuals of the smooth fit are regressed on a hinge at the stated place, with all that the fit could
absorb projected out.  A search over all places is paid for by simulation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from ._curve_problem import CurveProblem

__all__ = ["KinkTest", "kink_test"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class KinkTest:
    r"""Whether the loss curve changes its slope at a place, on logarithmic axes.

    Attributes
    ----------
    at : float
        The stated place.
    change, error : float
        Change of :math:`d\ln L/d\ln D` there beyond the smooth curve, and its standard error.
    p_value : float
        Two-sided, of no change at the stated place.
    best : float
        The place of the largest change, relative to its error, of all.
    p_best : float
        Of the largest change anywhere, by simulation of the smooth curve: the price of searching is paid.
    rank : float
        Share of the places between the second and the last but one data size that show at least the change of the
        stated one, relative to the errors; small where the stated place is special.
    """

    at: float
    change: float
    error: float
    p_value: float
    best: float
    p_best: float
    rank: float


def kink_test(
    D: ArrayLike,
    L: ArrayLike,
    at: float,
    *,
    sigma: ArrayLike | None = None,
    floor: bool | float = True,
    n_draws: int = 2000,
    rng: np.random.Generator | int = 0,
) -> KinkTest:
    r"""Test for a change of slope at a stated place against a smooth power law with a floor.

    Parameters
    ----------
    D, L, sigma, floor
        As for :func:`~neuroscale.evidence.fit_learning_curve`; the fit is the curve without a kink, and
        has one parameter fewer than data sizes at most.
    at : float
        Stated place, strictly between the second and the last but one data size.
    n_draws : int
        Simulated curves behind `p_best`, at least 100.
    rng : numpy.random.Generator or int

    Returns
    -------
    KinkTest

    Notes
    -----
    A score test: the residuals of the fit in :math:`\ln L` are regressed on the hinge
    :math:`\max(\ln D-\ln D_0,0)`, from which what the fit could absorb has been projected out.  A straight line as the
    smooth curve would call every floor a kink.  With `sigma` known the statistic is normal, otherwise Student.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence.kink import kink_test
    >>> D = np.geomspace(10, 10_000, 13)
    >>> broken = np.where(D < 300, D**-0.2, 300**-0.2 * (D / 300) ** -0.9)
    >>> noise = np.exp(0.01 * np.random.default_rng(0).standard_normal(13))
    >>> test = kink_test(D, broken * noise, 300, floor=False)
    >>> test.p_value < 1e-3, test.p_best < 0.01, round(test.change, 1)
    (True, True, -0.7)
    """
    problem = CurveProblem(D, L, sigma, floor)
    place = valid.real("at", at, low=0, open_low=True)
    sizes = np.unique(problem.D)
    if sizes.size < 4 or not sizes[1] < place < sizes[-2]:
        inside = f"({sizes[1]:g}, {sizes[-2]:g})" if sizes.size >= 4 else "nowhere: four data sizes are needed"
        raise ValueError(f"at={at!r} must lie strictly between the second and the last but one data size: {inside}")
    draws = valid.integer("n_draws", n_draws, low=100)
    rng = generator(rng)

    _, s = problem.minimum()
    E, A0 = (float(part[0]) for part in problem.linear(np.array([s]))[:2])
    fitted = E + A0 * problem.power(np.array([s]))[0]
    weight = problem.weight * fitted  # of residuals in ln L
    basis = np.linalg.qr(problem.jacobian(s, A0, free=E > 0))[0]
    freedom = problem.n - basis.shape[1] - 1
    if freedom < 1 and sigma is None:
        raise ValueError(f"{problem.n} data leave no degree of freedom for a kink; more are needed, or sigma")
    residual = _project(weight * np.log(problem.L / fitted), basis)

    grid = np.exp(np.linspace(np.log(sizes[1]), np.log(sizes[-2]), 201)[1:-1])
    places = np.concatenate([[place], grid])
    hinge = weight * np.maximum(np.log(problem.D) - np.log(places)[:, None], 0.0)
    hinge = _project(hinge, basis)
    length = np.linalg.norm(hinge, axis=1)
    unit = hinge / length[:, None]

    def statistic(rows: Floats) -> Floats:
        """One row of residuals each: signed statistic at every place."""
        along = rows @ unit.T
        if sigma is not None:
            return np.asarray(along)
        rest = np.maximum((rows**2).sum(axis=1, keepdims=True) - along**2, 1e-300)
        return np.asarray(along / np.sqrt(rest / freedom))

    seen = statistic(residual[None])[0]
    null = statistic(_project(rng.standard_normal((draws, problem.n)), basis))
    largest = np.abs(null).max(axis=1)
    top = int(np.argmax(np.abs(seen)))
    tail = stats.norm.sf(abs(seen[0])) if sigma is not None else stats.t.sf(abs(seen[0]), freedom)
    change = float(residual @ hinge[0] / length[0] ** 2)
    return KinkTest(
        at=place,
        change=change,
        error=abs(change / float(seen[0])) if seen[0] != 0 else math.nan,
        p_value=float(2 * tail),
        best=float(places[top]),
        p_best=float((1 + np.sum(largest >= np.abs(seen[top]))) / (draws + 1)),
        rank=float(np.mean(np.abs(seen[1:]) >= np.abs(seen[0]))),
    )


def _project(rows: Floats, basis: Floats) -> Floats:
    """Remove from each row what the basis spans."""
    return np.asarray(rows - (rows @ basis) @ basis.T)
