r"""Learning curves: the loss against the number of samples as a power law with a floor.

The model is :math:`L(D)=E+A\,D^{-s}` with floor :math:`E\ge0`, scale :math:`A>0` and exponent :math:`s>0`.  For given
:math:`s` it is linear in :math:`(E,A)`, so the fit is a search in one dimension, and so are the profiles behind the
intervals.  How well floor and exponent can be told apart depends on one number: the **reach**
:math:`t=s\ln(D_{max}/D_{min})`, by which the excess over the floor falls within the data, on the logarithmic scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neuroscale import _validation as valid

from ._curve_problem import CurveProblem

__all__ = [
    "LearningCurveFit",
    "fit_learning_curve",
    "floor_errors",
    "local_exponents",
]

Floats = NDArray[np.float64]
#: A floor counts as identified when its interval is at most this share of the range of the losses.
_IDENTIFIED = 0.1


@dataclass(frozen=True)
class LearningCurveFit:
    r"""Fit of :math:`L(D)=E+A\,D^{-s}`.

    Attributes
    ----------
    exponent, scale, floor : float
        :math:`s`, :math:`A` and :math:`E`.
    intervals : dict of str to (float, float)
        Profile-likelihood intervals of the three; an end of 0 or infinity means that the data do not bound it there.
    level : float
        Coverage of the intervals.
    reach : float
        :math:`s\ln(D_{max}/D_{min})`: the excess falls by the factor :math:`e^{-reach}` within the data.
    condition : float
        Condition number of the Jacobian with columns of unit length; large where parameters cannot be told apart.
    noise : float
        Root mean square of the residuals, in units of `sigma`, or relative to the loss if no `sigma` was given; divided
        by the degrees of freedom.
    floor_identified : bool
        Whether the interval of the floor is shorter than a tenth of the range of the losses.
    warning : str
        Empty, or what the data leave open.
    n_points : int
        Size of the data.
    """

    exponent: float
    scale: float
    floor: float
    intervals: dict[str, tuple[float, float]]
    level: float
    reach: float
    condition: float
    noise: float
    floor_identified: bool
    warning: str
    n_points: int

    def loss(self, D: ArrayLike) -> Floats:
        """The fitted curve.

        Parameters
        ----------
        D : array_like of float
            Data sizes, positive.

        Examples
        --------
        >>> from neuroscale.evidence.learning_curve import fit_learning_curve
        >>> fit = fit_learning_curve([1, 2, 4, 8, 16], [3.0, 2.0, 1.5, 1.25, 1.125], sigma=0.01)
        >>> float(fit.loss(4).round(4))
        1.5
        """
        sizes = valid.reals("D", D, low=np.nextafter(0, 1))
        return np.asarray(self.floor + self.scale * sizes**-self.exponent)


def fit_learning_curve(
    D: ArrayLike,
    L: ArrayLike,
    *,
    sigma: ArrayLike | None = None,
    floor: bool | float = True,
    level: float = 0.95,
) -> LearningCurveFit:
    r"""Fit :math:`L(D)=E+A\,D^{-s}` by weighted least squares, with profile-likelihood intervals.

    Parameters
    ----------
    D : array_like of float, shape (n,)
        Data sizes, positive, at least two different ones for each free parameter less one.
    L : array_like of float, shape (n,)
        Losses, positive.
    sigma : array_like of float, optional
        Known standard errors of the losses, positive, of shape (n,) or ().  By default the errors are taken to be one
        unknown share of the loss, estimated from the residuals.
    floor : bool or float
        True fits the floor, False sets it to 0, and a number fixes it there, below every loss.
    level : float
        Coverage of the intervals, in (0, 1).

    Returns
    -------
    LearningCurveFit

    Raises
    ------
    ValueError
        For arguments outside their range and for too few data.

    Notes
    -----
    O(n) for each of a few thousand values of the exponent.  Why a floor needs data that reach it is derived in
    ``chapters/evidence/learning_curves.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence.learning_curve import fit_learning_curve
    >>> D = np.geomspace(100, 100_000, 10)
    >>> fit = fit_learning_curve(D, 0.5 + 20 * D**-0.5, sigma=1e-3)
    >>> round(fit.exponent, 3), round(fit.floor, 3), fit.floor_identified
    (0.5, 0.5, True)
    >>> short = fit_learning_curve(D[:4], 0.5 + 20 * D[:4]**-0.1, sigma=0.1)
    >>> short.floor_identified, short.warning[:24]
    (False, 'the floor is not identif')
    """
    level = valid.real("level", level, low=0, high=1, open_low=True, open_high=True)
    problem = CurveProblem(D, L, sigma, floor)
    best_rss, s = problem.minimum()
    E, A0 = problem.linear(np.array([s]))[:2]
    freedom = problem.n - problem.n_free
    if sigma is None:
        scale2 = max(best_rss, 1e-28 * problem.n) / freedom
        limit = best_rss + scale2 * stats.f.ppf(level, 1, freedom)
    else:
        limit = best_rss + stats.chi2.ppf(level, 1)
    A = float(A0[0] * problem.centre**s)
    intervals = {
        "exponent": problem.exponent_interval(s, limit),
        "scale": problem.scale_interval(A, limit),
        "floor": problem.floor_interval(float(E[0]), limit),
    }
    low, high = intervals["floor"]
    identified = high - low <= _IDENTIFIED * float(np.ptp(problem.L))
    return LearningCurveFit(
        exponent=s,
        scale=A,
        floor=float(E[0]),
        intervals=intervals,
        level=level,
        reach=s * float(np.ptp(np.log(problem.D))),
        condition=problem.condition(s, float(A0[0])),
        noise=math.sqrt(best_rss / freedom) if freedom else math.nan,
        floor_identified=identified,
        warning=_warning(intervals, identified, level),
        n_points=problem.n,
    )


def local_exponents(D: ArrayLike, L: ArrayLike, *, floor: float = 0.0) -> tuple[Floats, Floats]:
    r"""Slopes :math:`-d\ln(L-E)/d\ln D` between neighbouring data sizes.

    Parameters
    ----------
    D : array_like of float, shape (n,)
        Increasing and positive.
    L : array_like of float, shape (..., n)
        Losses above the floor.
    floor : float
        Subtracted from the losses, at least 0.

    Returns
    -------
    D : ndarray, shape (n - 1,)
        Geometric means of neighbours.
    exponents : ndarray, shape (..., n - 1)

    Examples
    --------
    >>> from neuroscale.evidence.learning_curve import local_exponents
    >>> at, slopes = local_exponents([1, 4, 16], [3.0, 2.0, 1.5], floor=1.0)
    >>> at.tolist(), slopes.tolist()
    ([2.0, 8.0], [0.5, 0.5])
    """
    sizes = valid.reals("D", D, low=np.nextafter(0, 1))
    if sizes.ndim != 1 or sizes.size < 2 or np.any(np.diff(sizes) <= 0):
        raise ValueError(f"D={D!r} must increase and hold two values at least")
    base = valid.real("floor", floor, low=0)
    excess = valid.reals("L", L, low=-np.inf) - base
    if excess.shape[-1:] != sizes.shape or np.any(excess <= 0):
        raise ValueError(f"L must have {sizes.size} values on its last axis, all above floor={base:g}")
    slopes = -np.diff(np.log(excess), axis=-1) / np.diff(np.log(sizes))
    return np.sqrt(sizes[1:] * sizes[:-1]), slopes


def floor_errors(reach: float, n_points: int) -> tuple[float, float]:
    r"""Standard errors of floor and exponent, from data sizes that are evenly spaced on the logarithmic scale.

    Parameters
    ----------
    reach : float
        :math:`t=s\ln(D_{max}/D_{min})`, positive.
    n_points : int
        Data sizes, at least 3.

    Returns
    -------
    floor, exponent : float
        Error of :math:`E`, and of :math:`s` relative to :math:`s`, both in units of the error of one loss and with the
        excess at the smallest data size as the unit of loss.  For small reach both tend to
        :math:`\sqrt{720/n}\;t^{-2}` as :math:`n` grows.

    Notes
    -----
    From the Fisher information of :math:`(E,\ln A,s)` with equal normal errors.  Implements ``ev-floor``; derived in
    ``chapters/evidence/learning_curves.md``.

    Examples
    --------
    >>> from neuroscale.evidence.learning_curve import floor_errors
    >>> [round(error, 1) for error in floor_errors(0.5, 20)], [round(error, 2) for error in floor_errors(5.0, 20)]
    ([21.9, 27.9], [0.42, 1.92])
    """
    t = valid.real("reach", reach, low=0, open_low=True)
    n = valid.integer("n_points", n_points, low=3)
    x = np.linspace(0.0, t, n)
    columns = np.stack([np.ones(n), np.exp(-x), x * np.exp(-x)], axis=1)
    # the QR factor avoids squaring the condition number, which grows as t**-2
    R = np.linalg.qr(columns, mode="r")
    inverse = np.linalg.inv(R)
    errors = np.sqrt((inverse**2).sum(axis=1))
    return float(errors[0]), float(errors[2])


def _warning(intervals: dict[str, tuple[float, float]], identified: bool, level: float) -> str:
    parts = []
    if not identified:
        low, high = intervals["floor"]
        parts.append(f"the floor is not identified: values from {low:.3g} to {high:.3g} fit at {level:.0%}")
    low, high = intervals["exponent"]
    if low == 0 or math.isinf(high):
        parts.append(f"the exponent is bounded on one side at most: {low:.3g} to {high:.3g}")
    return "; ".join(parts)
