r"""Activation functions :math:`\sigma` and their first derivatives, by name.

``silu``
    :math:`x\,s(x)`, :math:`s` the logistic; :math:`\sigma'=s\,(1+x(1-s))`.
``gelu``
    :math:`x\,\Phi(x)`, :math:`\Phi` the normal distribution function; :math:`\sigma'=\Phi+x\,\phi`.
``tanh``
    :math:`\sigma'=1-\sigma^2`.
``relu``
    :math:`\max(x,0)`; :math:`\sigma'` is taken as 0 at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from neuroscale import _validation as valid

from . import _training_kernels

__all__ = ["ACTIVATIONS", "activate", "value_and_slope"]

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]


def _silu(h: Floats) -> Pair:
    flat = np.ravel(h)
    value, slope = np.empty_like(flat), np.empty_like(flat)
    # numpy's exponential is vectorised, scipy's logistic is not; h below -709 gives s = 0, as it should
    with np.errstate(over="ignore"):
        exponential = np.exp(-flat)
    _training_kernels.silu(flat, exponential, value, slope)
    return value.reshape(h.shape), slope.reshape(h.shape)


def _gelu(h: Floats) -> Pair:
    below = special.ndtr(h)
    return h * below, below + h * np.exp(-0.5 * h * h) / np.sqrt(2 * np.pi)


def _tanh(h: Floats) -> Pair:
    value = np.tanh(h)
    return value, 1.0 - value * value


def _relu(h: Floats) -> Pair:
    return np.maximum(h, 0.0), (h > 0).astype(np.float64)


#: Value and slope by name, without validation.
PAIRS: Mapping[str, Callable[[Floats], Pair]] = MappingProxyType(
    {"silu": _silu, "gelu": _gelu, "tanh": _tanh, "relu": _relu}
)

#: Names of the activation functions.
ACTIVATIONS: tuple[str, ...] = tuple(PAIRS)


def value_and_slope(activation: str, h: ArrayLike) -> Pair:
    r"""Activation and first derivative, :math:`\sigma(h)` and :math:`\sigma'(h)`.

    Parameters
    ----------
    activation : {"silu", "gelu", "tanh", "relu"}
    h : array_like of float
        Any shape.

    Returns
    -------
    tuple of two ndarrays of float
        Both of the shape of `h`.

    Raises
    ------
    ValueError
        For an unknown activation or a value that is not finite.

    Notes
    -----
    The SiLU and its derivative are displayed in Section 1.1 and 2.2 of the note (claims ``ac-network`` and
    ``ac-gradient``).  O(1) each.

    Examples
    --------
    >>> from neuroscale.action import value_and_slope
    >>> value, slope = value_and_slope("silu", [0.0, 2.0])
    >>> value.round(4).tolist(), slope.round(4).tolist()
    ([0.0, 1.7616], [0.5, 1.0908])
    """
    valid.choice("activation", activation, ACTIVATIONS)
    return PAIRS[activation](valid.reals("h", h, low=-np.inf))


def activate(activation: str, h: ArrayLike) -> Floats:
    r"""Activation :math:`\sigma(h)` alone; parameters as for :func:`value_and_slope`.

    Examples
    --------
    >>> from neuroscale.action import activate
    >>> activate("relu", [-1.0, 3.0]).tolist()
    [0.0, 3.0]
    """
    return value_and_slope(activation, h)[0]
