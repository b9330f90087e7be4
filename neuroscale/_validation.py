"""Argument checks shared by the package: every message names argument, value and range."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def real(
    name: str,
    value: float,
    *,
    low: float,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return ``value`` as a float inside the range, or raise ``ValueError``."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    above = low < number if open_low else low <= number
    below = number < high if open_high else number <= high
    if not (above and below) or math.isinf(number):
        left = "(" if open_low else "["
        right = ")" if open_high or math.isinf(high) else "]"
        raise ValueError(f"{name}={value!r} must be a finite number in {left}{low:g}, {high:g}{right}")
    return number


def integer(name: str, value: float, *, low: int, high: int = 2**62) -> int:
    """Return an integer-valued ``value`` as an integer inside ``[low, high]``, or raise ``ValueError``."""
    try:
        exact = int(value)
        whole = bool(exact == value)
    except (TypeError, ValueError, OverflowError):
        exact, whole = 0, False
    if not (whole and low <= exact <= high):
        raise ValueError(f"{name}={value!r} must be an integer in [{low}, {high}]")
    return exact


def reals(name: str, values: ArrayLike, *, low: float = 0.0, high: float = math.inf) -> NDArray[np.float64]:
    """Return ``values`` as a float array, all finite and inside the range, or raise ``ValueError``."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}={values!r} must be numbers, all at least {low:g}") from None
    bad = ~(np.isfinite(array) & (array >= low) & (array <= high))
    if np.any(bad):
        allowed = f"finite and at least {low:g}" if math.isinf(high) else f"in [{low:g}, {high:g}]"
        raise ValueError(f"{name} holds {array[bad].flat[0].item()!r}; every value must be {allowed}")
    return array


def integers(name: str, values: ArrayLike, *, low: int, high: int) -> NDArray[np.int64]:
    """Return ``values`` as an int64 array inside ``[low, high]``, or raise ``ValueError``."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name}={values!r} must be an array of integers in [{low}, {high}]") from None
    if array.dtype.kind not in "iu":
        numbers = reals(name, values, low=low)
        whole = numbers == np.floor(numbers)
        if not np.all(whole):
            raise ValueError(f"{name} holds {numbers[~whole].flat[0].item()!r}; every value must be an integer")
        array = numbers
    bad = (array < low) | (array > high)
    if np.any(bad):
        raise ValueError(f"{name} holds {array[bad].flat[0].item()}; every value must lie in [{low}, {high}]")
    return array.astype(np.int64)


def choice(name: str, value: str, allowed: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``allowed``, or raise ``ValueError``."""
    options = tuple(allowed)
    if value not in options:
        raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, options))}")
    return value
