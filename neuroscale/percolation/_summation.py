r"""Sums over all sizes from some size on, to full accuracy, at a cost that does not depend on the size.

A law that varies smoothly is summed as an integral with Gregory's end corrections, whose weights come from
:math:`\frac{u}{\ln(1+u)}=1+\frac u2-\frac{u^2}{12}+\dots`:

.. math::

   \sum_{j\ge s}f(j)=\int_s^\infty f(x)\,dx+\frac12f(s)-\frac1{12}\Delta f(s)+\frac1{24}\Delta^2f(s)-\cdots ,

and the integral as a trapezoidal sum in :math:`t`, :math:`x=s+\ell\,e^{t-e^{-t}}`, with :math:`\ell` the scale of the
law's variation at :math:`s`; its error falls exponentially with the number of nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["upper_tail"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: The law counts as smooth from this size on (twelve corrections leave 1e-16); below it terms are added one by one.
_SMOOTH = 64
#: A law that decays faster than this is summed term by term: 40 / rate terms reach 1e-17.
_FAST = 0.1
_CORRECTIONS = 12
#: Sizes that are treated together, to bound the memory.
_TOGETHER = 1024


def upper_tail(pmf: Callable[[Floats], Floats], decay: float, sizes: Integers) -> Floats:
    """Sum of ``pmf`` from each of the sizes to infinity; it falls as ``x**-1.5 * exp(-decay * x)``."""
    flat = sizes.astype(float).ravel()
    out = np.empty(flat.size)
    for start in range(0, flat.size, _TOGETHER):
        part = slice(start, start + _TOGETHER)
        out[part] = _terms(pmf, decay, flat[part]) if decay > _FAST else _smooth(pmf, decay, flat[part])
    return out.reshape(sizes.shape)


def _terms(pmf: Callable[[Floats], Floats], decay: float, sizes: Floats) -> Floats:
    return np.asarray(pmf(sizes[:, None] + np.arange(math.ceil(40.0 / decay))).sum(axis=1))


def _smooth(pmf: Callable[[Floats], Floats], decay: float, sizes: Floats) -> Floats:
    small = np.append(pmf(np.arange(1.0, _SMOOTH)), 0.0)[::-1].cumsum()[::-1]
    below = small[np.minimum(sizes, _SMOOTH).astype(np.int64) - 1]
    base, (ends, nodes, steps) = np.maximum(sizes, _SMOOTH)[:, None], _rules()
    corrections = pmf(base + np.arange(_CORRECTIONS)) @ ends
    scale = base / (1.0 + decay * base)
    return np.asarray(below + corrections + scale[:, 0] * (pmf(base + scale * nodes) @ steps))


@lru_cache(maxsize=1)
def _rules() -> tuple[Floats, Floats, Floats]:
    """End weights of Gregory's formula; nodes and weights of the integral from 0 to infinity."""
    gregory = [Fraction(1)]
    for n in range(1, _CORRECTIONS + 1):
        gregory.append(-sum((gregory[k] * Fraction((-1) ** (n - k), n - k + 1) for k in range(n)), Fraction(0)))
    ends = [Fraction(0)] * _CORRECTIONS
    for order in range(_CORRECTIONS):
        for k in range(order + 1):
            ends[k] += gregory[order + 1] * (-1) ** (order - k) * math.comb(order, k)
    t = np.arange(-4.0, 76.0, 0.125)
    grown = np.exp(t - np.exp(-t))
    return np.array(ends, dtype=float), grown, 0.125 * grown * (1.0 + np.exp(-t))
