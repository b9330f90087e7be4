"""Compiled Newman-Ziff sweep of a periodic box: arrays and a generator in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Small = NDArray[np.int32]
Integers = NDArray[np.int64]


@kernel
def _root(parent: Small, winding: Integers, site: int) -> tuple[int, int]:
    """Root of a site and the winding of the path to it, with path halving.

    ``winding[site]`` belongs to the path from a site to its parent.
    """
    total = 0
    while parent[site] >= 0:
        above = parent[site]
        if parent[above] >= 0:
            winding[site] += winding[above]
            parent[site] = parent[above]
        total += winding[site]
        site = parent[site]
    return site, total


@kernel
def first_wrapping(
    neighbours: Small,
    by_bond: bool,
    units: Integers,
    rng: np.random.Generator,
    order: Integers,
    parent: Small,
    winding: Integers,
    first: Integers,
) -> None:
    """Occupy the box in random order until clusters wrap around all axes; write when they first did.

    Row ``r`` of ``first`` gets the numbers of occupied sites (bonds) at which a cluster first wraps around any axis,
    around axis 0, and at which every axis has been wrapped around.  ``neighbours[i]`` lists the forward neighbours of
    site ``i`` along the axes, then the backward ones.  A path that crosses the face of an axis forwards has winding +1
    unit there: a loop of a cluster wraps if its winding is not zero.  ``units`` packs the windings of all axes into
    one integer, balanced digits in a base (``units[1]``) above twice the largest possible one.  Roots hold minus the
    size of their cluster.
    """
    n_sites, axes = parent.size, units.size
    n_steps = order.size
    empty = -n_sites - 1
    for run in range(first.shape[0]):
        parent[:] = -1 if by_bond else empty
        winding[:] = 0
        for step in range(n_steps):
            order[step] = step
        wrapped, n_wrapped = 0, 0
        for step in range(n_steps):
            chosen = step + int(rng.random() * (n_steps - step))
            drawn = order[chosen]
            order[chosen] = order[step]
            if by_bond:
                site, low, high = drawn // axes, drawn % axes, drawn % axes + 1
            else:
                site, low, high = drawn, 0, 2 * axes
                parent[site] = -1
            for direction in range(low, high):
                other = neighbours[site, direction]
                if parent[other] == empty:
                    continue
                axis = direction % axes
                # the step crosses a face exactly when the order of the two sites is the wrong way round
                crossing = 0
                if direction < axes and other < site:
                    crossing = units[axis]
                elif direction >= axes and other > site:
                    crossing = -units[axis]
                one, from_one = _root(parent, winding, site)
                two, from_two = _root(parent, winding, other)
                # from the root of `site` down to it, across, and up to the root of `other`
                path = crossing + from_two - from_one
                if one != two:
                    if parent[one] > parent[two]:
                        one, two, path = two, one, -path
                    parent[one] += parent[two]
                    parent[two] = one
                    winding[two] = -path
                elif path != 0:
                    for around in range(axes - 1, -1, -1):
                        # nearest multiple of the unit: the digits below it are balanced
                        unit = units[around]
                        digit = (path + unit // 2) // unit
                        path -= digit * unit
                        if digit != 0 and not (wrapped >> around) & 1:
                            wrapped |= 1 << around
                            n_wrapped += 1
                            if n_wrapped == 1:
                                first[run, 0] = step + 1
                            if around == 0:
                                first[run, 1] = step + 1
            if n_wrapped == axes:
                first[run, 2] = step + 1
                break
