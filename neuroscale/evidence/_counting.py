"""The arithmetic of :mod:`~neuroscale.evidence.counts`: grid of snapshots, column sums, and what counts must obey."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from neuroscale import _validation as valid

__all__ = ["check_history", "column_sums", "grid_points", "snapshot_grid"]

Integers = NDArray[np.int64]
#: Snapshots per doubling of D.
_PER_OCTAVE = 4


def snapshot_grid(snapshots: str | Iterable[int] | None) -> str | tuple[int, ...]:
    """Return the grid in one form: ``"log"``, or ascending numbers, of which there may be none."""
    if snapshots is None:
        return ()
    if isinstance(snapshots, str):
        return valid.choice("snapshots", snapshots, ("log",))
    numbers = valid.integers("snapshots", list(snapshots), low=1, high=2**62)
    return tuple(sorted(set(numbers.tolist())))


def grid_points(grid: str | tuple[int, ...], low: int, high: int) -> list[int]:
    """Numbers of the grid in ``(low, high]``, ascending."""
    if not isinstance(grid, str):
        return [number for number in grid if low < number <= high]
    step = max(0, math.floor(_PER_OCTAVE * math.log2(max(low, 1))) - 1)
    found: list[int] = []
    while (number := round(2.0 ** (step / _PER_OCTAVE))) <= high:
        if number > max(low, found[-1] if found else 0):
            found.append(number)
        step += 1
    return found


def column_sums(active: NDArray[np.bool_]) -> Integers:
    """Column sums; 255 rows at a time, which fit into bytes, is several times faster than summing 64-bit numbers."""
    total = np.zeros(active.shape[1], dtype=np.int64)
    for row in range(0, active.shape[0], 255):
        total += np.add.reduce(active[row : row + 255].view(np.uint8), axis=0, dtype=np.uint8)
    return total


def check_history(
    n_units: int, n_samples: int, counts: Integers, first: Integers, numbers: Integers, snapshots: Integers
) -> None:
    """Raise ``ValueError`` unless counts, first activations and snapshots can belong to one stream of samples."""
    if counts.shape != (n_units,) or first.shape != (n_units,) or snapshots.shape != (numbers.size, n_units):
        raise ValueError(f"an array does not have n_units={n_units} columns")
    if np.any((first < 0) != (counts == 0)) or np.any(counts > n_samples - np.maximum(first, 0)):
        raise ValueError("counts and first activations contradict each other")
    steps = np.diff(np.vstack([np.zeros_like(counts), snapshots, counts]), axis=0)
    gaps = np.diff(np.concatenate([[0], numbers, [n_samples]]))
    rising = np.all(gaps[: numbers.size] > 0) and np.all((steps >= 0) & (steps <= gaps[:, None]))
    fired = (first >= 0) & (first < numbers[:, None])
    if not rising or np.any((snapshots > 0) != fired):
        raise ValueError("the snapshots contradict the counts")
