"""Tables from which the children of one site, or of a block of sites, are drawn by inversion."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["binomial_distribution", "offspring_tables"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Numbers of sites whose children are drawn together; a table much longer than this is not built.
_BLOCKS, _LONGEST = tuple(2**power for power in range(13)), 2**15
#: Cells of the guide, which tells where in a table the search starts.
_CELLS = 256


@lru_cache(maxsize=32)
def binomial_distribution(trials: int, p: float) -> Floats:
    """Distribution function of a binomial variable, from 0 up to where it rounds to 1."""
    mean = trials * p
    last = min(trials, math.ceil(mean + 12.0 * math.sqrt(mean) + 40.0))
    k = np.arange(last)
    table = np.append(special.betaincc(k + 1.0, trials - k, p), 1.0)
    return table[: int(np.searchsorted(table, 1.0)) + 1]


@lru_cache(maxsize=8)
def offspring_tables(degree: int, p: float) -> tuple[Floats, Integers, Integers, Floats, Integers]:
    """Distribution function of the origin's children; blocks, offsets, distribution functions and guides of the rest.

    The guide of a block holds, for each of the 256 cells of [0, 1), the smallest value that a number there can give.
    """
    m = degree - 1
    blocks = [size for size in _BLOCKS if size == 1 or size * m * p < _LONGEST]
    tables = [binomial_distribution(size * m, p) for size in blocks]
    offsets = np.cumsum([0] + [table.size for table in tables])
    cells = np.arange(_CELLS) / _CELLS
    guide = np.array([np.searchsorted(table, cells, side="right") for table in tables], dtype=np.int64)
    return binomial_distribution(degree, p), np.array(blocks), offsets, np.concatenate(tables), guide
