"""Compiled loops of the Bethe lattice: arrays and a Generator in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def sizes(
    rng: np.random.Generator,
    cap: int,
    root: Floats,
    blocks: Integers,
    offsets: Integers,
    tables: Floats,
    guide: Integers,
    out: Integers,
) -> None:
    """Grow clusters, one after the other, drawing the children of a whole block of waiting sites at once."""
    top = blocks.size - 1
    width = guide.shape[1]
    for i in range(out.size):
        u = rng.random()
        waiting = 0
        while u >= root[waiting]:
            waiting += 1
        size = 1
        level = 0
        while waiting > 0:
            # those that wait belong to the cluster already
            if size + waiting > cap:
                size = cap + 1
                break
            while level < top and blocks[level + 1] <= waiting:
                level += 1
            while blocks[level] > waiting:
                level -= 1
            u = rng.random()
            children = guide[level, int(u * width)]
            while u >= tables[offsets[level] + children]:
                children += 1
            size += blocks[level]
            waiting += children - blocks[level]
        out[i] = size
