r"""The sum of squares of :math:`L(D)=E+A\,D^{-s}` as a function of the exponent, and the ends of its profiles."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from neuroscale import _validation as valid

Floats = NDArray[np.float64]
#: Exponents that are searched.
_EXPONENTS = np.geomspace(1e-4, 30.0, 120)
#: Precision of ln s inside a profile, whose value depends on it to second order only.
_ROUGH = 1e-4


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
