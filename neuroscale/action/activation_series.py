r"""Power series of the activations at zero, from exact rationals, and how far they reach.

With Bernoulli's numbers :math:`B_{2k}` the coefficients :math:`a_n=\sigma^{(n)}(0)/n!` are

.. math::

   \frac x{1+e^{-x}}:\ a_1=\tfrac12,\ a_{2k}=\tfrac{(4^k-1)B_{2k}}{(2k)!};\qquad
   \tanh x:\ a_{2k-1}=\tfrac{4^k(4^k-1)B_{2k}}{(2k)!};\qquad
   x\,\Phi(x):\ a_1=\tfrac12,\ a_{2k+2}=\tfrac1{\sqrt{2\pi}}\tfrac{(-1)^k}{2^k\,k!\,(2k+1)},

and all others vanish.  The nearest poles are at :math:`\pm i\pi` (SiLU) and :math:`\pm i\pi/2` (tanh); GELU is entire.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray

from neuroscale import _validation as valid

__all__ = ["activation_coefficients", "activation_radius"]

#: Distance of the nearest singularity from zero.
_RADIUS = {"silu": math.pi, "tanh": math.pi / 2, "gelu": math.inf}


@cache
def _bernoulli(k: int) -> Fraction:
    return Fraction(*(int(part) for part in mp.bernfrac(k)))


@cache
def _rational(activation: str, n: int) -> tuple[Fraction, Fraction]:
    r"""Coefficient of order `n` as :math:`p+q/\sqrt{2\pi}`."""
    half, none = Fraction(1, 2), Fraction(0)
    if activation == "tanh":
        k = (n + 1) // 2
        odd = Fraction(4**k * (4**k - 1), math.factorial(2 * k)) * _bernoulli(2 * k) if n % 2 else none
        return odd, none
    if n % 2 or n == 0:
        return (half if n == 1 else none), none
    k = n // 2
    if activation == "silu":
        return Fraction(4**k - 1, math.factorial(n)) * _bernoulli(n), none
    return none, Fraction((-1) ** (k - 1), 2 ** (k - 1) * math.factorial(k - 1) * (2 * k - 1))


def activation_coefficients(activation: str, order: int, *, digits: int | None = None) -> NDArray[Any]:
    r"""Taylor coefficients :math:`\sigma^{(n)}(0)/n!` of an activation.

    Parameters
    ----------
    activation : {"silu", "gelu", "tanh"}
        ReLU has no power series at zero.
    order : int
        Highest order, in [0, 1000].
    digits : int, optional
        Decimal digits of mpmath numbers; without it the result is float64, rounded once from the exact value.

    Returns
    -------
    ndarray
        Coefficients of order 0 to `order`; floats, or objects of type ``mpf``.

    Raises
    ------
    ValueError
        For an activation without a power series at zero, or an order or digits out of range.

    Notes
    -----
    Implements claim ``ac-bernoulli``; derived in ``chapters/action/cumulants.md``.

    Examples
    --------
    >>> from neuroscale.action import activation_coefficients
    >>> activation_coefficients("silu", 4)
    array([ 0.        ,  0.5       ,  0.25      ,  0.        , -0.02083333])
    """
    valid.choice("activation", activation, _RADIUS)
    order = valid.integer("order", order, low=0, high=1000)
    if digits is None:
        return _rounded(activation, order).copy()
    return _exact(activation, order, valid.integer("digits", digits, low=1, high=10_000))


def _exact(activation: str, order: int, digits: int) -> NDArray[Any]:
    out = np.empty(order + 1, dtype=object)
    with mp.workdps(digits):
        root = 1 / mp.sqrt(2 * mp.pi)
        for n in range(order + 1):
            plain, over_root = _rational(activation, n)
            exact = mp.mpf(plain.numerator) / plain.denominator
            out[n] = exact + root * over_root.numerator / over_root.denominator
    return out


@cache
def _rounded(activation: str, order: int) -> NDArray[np.float64]:
    return _exact(activation, order, 30).astype(np.float64)


def activation_radius(activation: str) -> float:
    """Distance from zero to the nearest singularity of an activation.

    Parameters
    ----------
    activation : {"silu", "gelu", "tanh"}

    Returns
    -------
    float
        Radius of convergence of the series at zero; infinity for GELU.

    Raises
    ------
    ValueError
        For an activation without a power series at zero.

    Examples
    --------
    >>> from neuroscale.action import activation_radius
    >>> round(activation_radius("silu"), 4)
    3.1416
    """
    return _RADIUS[valid.choice("activation", activation, _RADIUS)]
