"""What replicates of an experiment, which differ in their seed only, say of its mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neuroscale import _validation as valid

__all__ = ["SeedInterval", "seed_interval"]

Floats = NDArray[np.float64]


class SeedInterval(NamedTuple):
    """Mean over replicates, and its Student interval, each of the shape of one replicate."""

    mean: Floats
    low: Floats
    high: Floats

    @property
    def half(self) -> Floats:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def seed_interval(values: ArrayLike, level: float = 0.95) -> SeedInterval:
    """Mean over networks that differ in their seed only, with a Student interval.

    Parameters
    ----------
    values : array_like of float, shape (seeds, ...)
        At least two replicates on the first axis.
    level : float
        Coverage in (0, 1), exact for normal values.

    Examples
    --------
    >>> from neuroscale.evidence import seed_interval
    >>> mean, low, high = seed_interval([1.0, 2.0, 3.0])
    >>> float(mean), bool(low < 1 and high > 3)
    (2.0, True)
    """
    level = valid.real("level", level, low=0, high=1, open_low=True, open_high=True)
    array = valid.reals("values", values, low=-np.inf)
    if array.ndim == 0 or len(array) < 2:
        raise ValueError(f"values has shape {array.shape}; at least two replicates are needed")
    mean = array.mean(axis=0)
    half = stats.t.ppf(0.5 + level / 2, len(array) - 1) * stats.sem(array)
    return SeedInterval(mean, mean - half, mean + half)
