r"""Which regime a scaling law is in, and what its slope shows of it.

Model scaling has the exponent :math:`\min(\alpha,c/D)` and data scaling
:math:`\min\bigl(\frac\alpha{1+\alpha},c/D\bigr)`, with :math:`\alpha=\frac{3-\tau}{\tau-2}`: the ratio of :math:`c/D`
to the other term decides.  Near a ratio of 1 both converge so slowly that a fitted slope is neither; the local exponent
says where a curve is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid

__all__ = ["exponent_ratios", "local_exponent"]

Floats = NDArray[np.float64]


def exponent_ratios(tau: float, fractal_dimension: float, c: float) -> tuple[float, float]:
    r"""The ratios that decide the regimes of model and data scaling, each with its crossover at 1.

    Parameters
    ----------
    tau : float
        Exponent of the cluster numbers, in (2, 3).
    fractal_dimension : float
        Dimension :math:`D` of the critical clusters, positive.
    c : float
        Smoothness of target and learner: the loss of a cluster falls as :math:`n^{-c/D}`, positive.

    Returns
    -------
    (float, float)
        :math:`\frac{c/D}\alpha` and :math:`\frac{c/D}{\alpha/(1+\alpha)}`, with :math:`\alpha=\frac{3-\tau}{\tau-2}`.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements the claims ``br-model-ratio``, ``br-data-ratio`` and, with hyperscaling, ``br-hyperscaling``.

    Examples
    --------
    >>> from neuroscale.percolation import exponent_ratios
    >>> exponent_ratios(tau=2.5, fractal_dimension=4, c=2)
    (0.5, 1.0)
    """
    tau = valid.real("tau", tau, low=2, high=3, open_low=True, open_high=True)
    dimension = valid.real("fractal_dimension", fractal_dimension, low=0, open_low=True)
    manifold = valid.real("c", c, low=0, open_low=True) / dimension
    return manifold * (tau - 2.0) / (3.0 - tau), manifold / (3.0 - tau)


def local_exponent(
    curve: Callable[[Floats], ArrayLike], x: ArrayLike, *, ratio: float = 1.1, whole: bool = False
) -> Floats:
    r"""Local exponent :math:`-\mathrm d\ln f/\mathrm d\ln x`, by a central difference.

    Parameters
    ----------
    curve : callable
        Positive function :math:`f` of an array.
    x : array_like of float
        Where, positive.
    ratio : float
        The difference is taken from ``x / ratio`` to ``x * ratio``; above 1.
    whole : bool
        Round both ends to whole numbers, for a function of integers.

    Returns
    -------
    ndarray of float
        Of the shape of `x`; exact for a pure power.  Two calls of `curve`.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range, or when rounding leaves no difference.

    Examples
    --------
    >>> from neuroscale.percolation import local_exponent
    >>> local_exponent(lambda x: 7 * x**-0.5, [1, 1000]).round(12).tolist()
    [0.5, 0.5]
    """
    at = valid.reals("x", x, low=np.finfo(float).tiny)
    ratio = valid.real("ratio", ratio, low=1, open_low=True)
    ends = np.stack([at / ratio, at * ratio])
    if whole:
        ends = np.round(ends)
    low, high = ends
    if np.any(high <= low):
        raise ValueError(f"x={x!r} is too small for whole ends at ratio={ratio!r}")
    fall = np.log(np.asarray(curve(low), dtype=float)) - np.log(np.asarray(curve(high), dtype=float))
    return np.asarray(fall / np.log(high / low))
