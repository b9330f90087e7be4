"""Kernel of the windowed urn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

__all__ = ["window_urn"]


@kernel
def window_urn(
    counts: NDArray[np.int64], block_size: int, window: int, a: float, b: float, rng: np.random.Generator
) -> None:
    """Run an urn for each column of `counts`, after the `window` samples of an ordinary urn that fill its memory."""
    n_blocks, n_units = counts.shape
    memory = np.zeros(window, dtype=np.int8)
    for unit in range(n_units):
        inside = 0
        for t in range(window):
            fires = rng.random() * (t + a) < inside + b
            memory[t] = fires
            inside += fires
        place = 0
        for block in range(n_blocks):
            total = 0
            for _ in range(block_size):
                fires = rng.random() * (window + a) < inside + b
                inside += int(fires) - int(memory[place])
                memory[place] = fires
                place += 1
                if place == window:
                    place = 0
                total += fires
            counts[block, unit] = total
