r"""Learning curves: the loss against the number of samples as a power law with a floor.

The model is :math:`L(D)=E+A\,D^{-s}` with floor :math:`E\ge0`, scale :math:`A>0` and exponent :math:`s>0`.  For given
:math:`s` it is linear in :math:`(E,A)`, so the fit is a search in one dimension, and so are the profiles behind the
intervals.  How well floor and exponent can be told apart depends on one number: the **reach**
:math:`t=s\ln(D_{max}/D_{min})`, by which the excess over the floor falls within the data, on the logarithmic scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from neuroscale import _validation as valid

__all__ = [
    "LearningCurveFit",
    "fit_learning_curve",
    "floor_errors",
    "local_exponents",
]

Floats = NDArray[np.float64]
#: Exponents that are searched.
_EXPONENTS = np.geomspace(1e-4, 30.0, 120)
#: Precision of ln s inside a profile, whose value depends on it to second order only.
_ROUGH = 1e-4
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


class CurveProblem:
    """Data of one fit, scaled; everything is a function of the exponent."""

    def __init__(self, D: ArrayLike, L: ArrayLike, sigma: ArrayLike | None, floor: bool | float) -> None:
        self.D = valid.reals("D", D, low=np.nextafter(0, 1))
        self.L = valid.reals("L", L, low=np.nextafter(0, 1))
        if self.D.ndim != 1 or self.D.shape != self.L.shape:
            raise ValueError(f"D has shape {self.D.shape} and L {self.L.shape}; both must be (n,)")
        self.n = self.D.size
        self.free = floor is True
        self.fixed = 0.0 if isinstance(floor, bool) else valid.real("floor", floor, low=0)
        if np.any(self.fixed >= self.L):
            raise ValueError(
                f"floor={self.fixed!r} must be below every loss, the smallest of which is {self.L.min():g}"
            )
        self.n_free = 3 if self.free else 2
        needed = self.n_free + (sigma is None)
        if self.n < needed or np.unique(self.D).size < self.n_free:
            raise ValueError(
                f"D holds {self.n} data at {np.unique(self.D).size} sizes; {needed} at {self.n_free} are needed"
            )
        errors = self.L if sigma is None else valid.reals("sigma", sigma, low=np.nextafter(0, 1))
        self.weight = np.broadcast_to(1.0 / errors, self.D.shape)
        self.centre = float(np.exp(np.log(self.D).mean()))

    def power(self, s: Floats) -> Floats:
        """:math:`(D/D_0)^{-s}`, shape (len(s), n)."""
        return np.asarray((self.D / self.centre) ** -s[:, None])

    def linear(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        """Best floor and scale for each exponent, and the sum of squares."""
        u, w2 = self.power(s), self.weight**2
        if not self.free:
            return self._given(s, np.full(s.shape, self.fixed))
        one, cross, square = w2.sum(), u @ w2, u**2 @ w2
        value, both = self.L @ w2, u @ (w2 * self.L)
        with np.errstate(divide="ignore", invalid="ignore"):  # equal columns where the exponent vanishes
            E = (square * value - cross * both) / (one * square - cross**2)
        E = np.where(np.isfinite(E), E, 0.0)
        # a sum of squares that is convex in E: the best E >= 0 with A >= 0 is the nearest that is allowed
        return self._given(s, np.clip(E, 0.0, value / one))

    def _given(self, s: Floats, E: Floats) -> tuple[Floats, Floats, Floats]:
        """Best scale and the sum of squares for given floors."""
        u, w2 = self.power(s), self.weight**2
        A = np.maximum(((self.L - E[:, None]) * u) @ w2 / (u**2 @ w2), 0.0)
        rest = self.L - E[:, None] - A[:, None] * u
        return E, A, rest**2 @ w2

    def minimum(self) -> tuple[float, float]:
        """Smallest sum of squares, and its exponent."""
        return _least(lambda s: self.linear(s)[2])

    def at_floor(self, E: float) -> float:
        return _least(lambda s: self._given(s, np.full(s.shape, E))[2], _ROUGH)[0]

    def at_scale(self, log_A: float) -> float:
        def rss(s: Floats) -> Floats:
            u, w2 = self.power(s), self.weight**2
            part = np.exp(np.minimum(log_A - s * np.log(self.centre), 700.0))[:, None] * u
            E = np.maximum((self.L - part) @ w2 / w2.sum(), 0.0) if self.free else np.full(s.shape, self.fixed)
            return np.asarray((self.L - E[:, None] - part) ** 2 @ w2)

        return _least(rss, _ROUGH)[0]

    def exponent_interval(self, s: float, limit: float) -> tuple[float, float]:
        def above(log_s: float) -> float:
            return float(self.linear(np.array([np.exp(log_s)]))[2][0]) - limit

        low, high = math.log(_EXPONENTS[0]), math.log(_EXPONENTS[-1])
        ends = _ends(above, math.log(s), low, high)
        return (0.0 if ends[0] == low else math.exp(ends[0])), (math.inf if ends[1] == high else math.exp(ends[1]))

    def floor_interval(self, E: float, limit: float) -> tuple[float, float]:
        if not self.free:
            return E, E
        return _ends(lambda value: self.at_floor(value) - limit, E, 0.0, float(self.L.max()))

    def scale_interval(self, A: float, limit: float) -> tuple[float, float]:
        start = math.log(max(A, 1e-300))
        low, high = start - 60.0, start + 60.0
        ends = _ends(lambda value: self.at_scale(value) - limit, start, low, high)
        return (0.0 if ends[0] == low else math.exp(ends[0])), (math.inf if ends[1] == high else math.exp(ends[1]))

    def jacobian(self, s: float, A0: float, *, free: bool) -> Floats:
        """Weighted derivatives in the floor (if it is free), ln A and s, shape (n, parameters)."""
        u = self.power(np.array([s]))[0]
        columns = [A0 * u, A0 * u * -np.log(self.D / self.centre)]
        if free and self.free:
            columns.insert(0, np.ones(self.n))
        return np.stack(columns, axis=1) * self.weight[:, None]

    def condition(self, s: float, A0: float) -> float:
        columns = self.jacobian(s, A0, free=True)
        return float(np.linalg.cond(columns / np.linalg.norm(columns, axis=0)))


def _least(rss: Callable[[Floats], Floats], tolerance: float = 1e-9) -> tuple[float, float]:
    """Minimise over the exponent: a grid, then a bounded search around its best point."""
    values = rss(_EXPONENTS)
    k = int(np.argmin(values))
    bounds = np.log(_EXPONENTS[[max(k - 1, 0), min(k + 1, len(values) - 1)]])
    found = optimize.minimize_scalar(
        lambda log_s: float(rss(np.exp(np.array([log_s])))[0]),
        bounds=bounds,
        method="bounded",
        options={"xatol": tolerance},
    )
    if found.fun <= values[k]:
        return float(found.fun), float(np.exp(found.x))
    return float(values[k]), float(_EXPONENTS[k])


def _ends(above: Callable[[float], float], centre: float, low: float, high: float) -> tuple[float, float]:
    """Where a function that is negative at the centre changes sign on either side, or the bound."""
    ends = []
    for bound in (low, high):
        inner, step = centre, (bound - centre) / 64
        outer = inner
        while outer != bound:
            outer = bound if abs(bound - outer) <= abs(step) else outer + step
            if above(outer) > 0:
                break
            inner, step = outer, 2 * step
        if above(outer) <= 0:
            ends.append(bound)
        else:
            ends.append(float(optimize.brentq(above, inner, outer, xtol=1e-9, rtol=1e-6)) if inner != outer else outer)
    return ends[0], ends[1]


def _warning(intervals: dict[str, tuple[float, float]], identified: bool, level: float) -> str:
    parts = []
    if not identified:
        low, high = intervals["floor"]
        parts.append(f"the floor is not identified: values from {low:.3g} to {high:.3g} fit at {level:.0%}")
    low, high = intervals["exponent"]
    if low == 0 or math.isinf(high):
        parts.append(f"the exponent is bounded on one side at most: {low:.3g} to {high:.3g}")
    return "; ".join(parts)
