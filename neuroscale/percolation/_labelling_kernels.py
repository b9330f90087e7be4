"""Compiled union-find labelling of boxes: arrays in, arrays out; nothing is validated here.

Sites are visited in C order, so that only *backward* neighbours matter.  A row is a line along the last axis; ``lines``
lists, for the row at hand, the distances to the backward neighbours in other rows (0-padded, ``n_lines`` of them).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Bytes = NDArray[np.uint8]
#: int32, or uint32 where a sweep needs speed: numba checks a signed index for being negative
Labels = NDArray[Any]
Integers = NDArray[np.int64]


@kernel
def _root(parent: Labels, label: Any) -> Any:
    """Root of a label, which is its own parent, with path halving."""
    while True:
        above = parent[label]
        if above == label:
            return label
        parent[label] = parent[above]
        label = parent[above]


@kernel
def _join(parent: Labels, one: Any, other: Any) -> Any:
    """Join two clusters, the newer below the older, so that no parent is newer than its child; return the root."""
    return _hang(parent, _root(parent, one), other)


@kernel
def _hang(parent: Labels, root: Any, other: Any) -> Any:
    """Join a cluster to that of ``root``, which must be a root; return the root of both."""
    other = _root(parent, other)
    if other < root:
        root, other = other, root
    parent[other] = root
    return root


@kernel
def sweep(
    occupied: Bytes,
    first_row: int,
    shape: Integers,
    strides: Integers,
    plane: Labels,
    parent: Labels,
    sizes: Integers,
    used: int,
    limit: int,
    filled: Labels,
) -> tuple[int, int]:
    """Label rows of a slab until its end or until ``limit`` labels may be used; return (next row, labels used).

    ``plane`` holds the labels of the last hyperplane: an entry is overwritten exactly when the sweep reaches the site
    one hyperplane further, whose neighbour along the first axis it is.  ``shape`` and ``strides`` describe the axes
    inside a hyperplane.  Labels above ``used`` must be their own parents and have size 0; a site counts for its own
    label, and only `recycle` adds up what belongs together.  ``filled`` has ``width + 1`` places of scratch space.
    """
    axes, width = shape.size, shape[-1]
    n_rows = occupied.size // width
    none, one = np.uint32(0), np.uint32(1)
    # unsigned indices, since numba asks whether a signed one is negative
    lines = np.zeros(axes, np.uint64)
    place = np.zeros(axes, np.int64)
    slot = (first_row % (plane.size // width)) * width
    for axis in range(axes):
        place[axis] = (slot // strides[axis]) % shape[axis]
    for row in range(first_row, n_rows):
        if used + width > limit:
            return row, used
        n_lines = 0
        for axis in range(axes - 1):
            lines[n_lines] = np.uint64(strides[axis])
            n_lines += place[axis] > 0
        start, here = np.uint64(slot), np.uint64(row * width)
        # which sites are occupied is random: listing them first spares a branch that nothing can predict
        n_filled = 0
        for j in range(width):
            filled[n_filled] = j
            n_filled += occupied[here + np.uint64(j)] != 0
        label, following, last = none, none, np.uint32(used)
        for number in range(n_filled):
            j = filled[number]
            site = start + np.uint64(j)
            left = label if j == following else none
            following = np.uint32(j + one)
            # the newest and the oldest label next to the site, without branches: less one, "none" is the newest
            new = max(plane[site], left)
            old = min(np.uint32(plane[site] - one), np.uint32(left - one))
            for line in range(n_lines):
                other = plane[site - lines[line]]
                new = max(new, other)
                old = min(old, np.uint32(other - one))
            fresh = new == none
            label = old = np.uint32(old + one)
            if old != new:
                label = _join(parent, old, new)
                # a third label is rare: one test without short cuts, which the processor predicts
                if (left != none) & (left != old) & (left != new):
                    label = _hang(parent, label, left)
                other = plane[site]
                if (other != none) & (other != old) & (other != new):
                    label = _hang(parent, label, other)
                for line in range(n_lines):
                    other = plane[site - lines[line]]
                    if (other != none) & (other != old) & (other != new):
                        label = _hang(parent, label, other)
            last = np.uint32(last + fresh)
            label = last if fresh else label
            sizes[label] += 1
            plane[site] = label
        used = int(last)
        for j in range(width):
            site = start + np.uint64(j)
            plane[site] = plane[site] if occupied[here + np.uint64(j)] != 0 else none
        slot += width
        if slot == plane.size:
            slot = 0
        axis = axes - 2
        while axis >= 0:
            place[axis] += 1
            if place[axis] < shape[axis]:
                break
            place[axis] = 0
            axis -= 1
    return n_rows, used


@kernel
def recycle(
    plane: Labels, parent: Labels, sizes: Integers, used: int, fresh: Labels, finished: Integers
) -> tuple[int, int]:
    """Write out clusters that no longer touch ``plane`` and renumber the others; return (labels used, finished).

    ``fresh``, as long as ``parent``, comes in as zeros and goes out so: whether a label is open, then its new number.
    Which labels are roots, and which of those are open, is random, so that no loop branches on either.
    """
    none, one = np.uint32(0), np.uint32(1)
    for slot in range(plane.size):
        fresh[plane[slot]] = one
    fresh[0] = none
    # a parent is older than its child, so that its own parent is a root by now
    for label in range(1, used + 1):
        root = parent[parent[label]]
        parent[label] = root
        size = sizes[label]
        sizes[label] = 0
        sizes[root] += size
        fresh[root] |= fresh[label]
    n_open, n_finished = 0, 0
    for label in range(1, used + 1):
        root, size, is_open = parent[label], sizes[label], fresh[label]
        is_root = np.uint32(root == label)
        # what the counters do not move past is written over; a new number is never above the old one
        finished[n_finished] = size
        n_finished += is_root & (is_open ^ one)
        sizes[n_open + 1] = size
        n_open += is_root & is_open
        fresh[label] = n_open
        fresh[label] = fresh[root]
    for slot in range(plane.size):
        plane[slot] = fresh[plane[slot]]
    for label in range(1, used + 1):
        parent[label] = label
        fresh[label] = none
    for label in range(n_open + 1, used + 1):
        sizes[label] = 0
    return n_open, n_finished


@kernel
def provisional(occupied: Bytes, shape: Integers, strides: Integers, labels: Labels, parent: Labels) -> int:
    """Give every occupied site a provisional label, joining those of backward neighbours; return their number."""
    axes, width = shape.size, shape[-1]
    lines = np.zeros(axes, np.int64)
    used = 0
    for start in range(0, occupied.size, width):
        n_lines = 0
        for axis in range(axes - 1):
            if (start // strides[axis]) % shape[axis] > 0:
                lines[n_lines] = strides[axis]
                n_lines += 1
        left = 0
        for site in range(start, start + width):
            if not occupied[site]:
                left = 0
                labels[site] = 0
                continue
            label = left
            for line in range(n_lines):
                other = labels[site - lines[line]]
                if other == 0 or other == label:
                    continue
                label = _root(parent, other) if label == 0 else _join(parent, label, other)
            if label == 0:
                used += 1
                label = used
                parent[label] = label
            labels[site] = label
            left = label
    return used


@kernel
def join_faces(shape: Integers, strides: Integers, labels: Labels, parent: Labels) -> None:
    """Join labels across opposite faces of the box."""
    for axis in range(shape.size):
        stride, length = strides[axis], shape[axis]
        across = (length - 1) * stride
        for start in range(0, labels.size, stride * length):
            for site in range(start, start + stride):
                if labels[site] > 0 and labels[site + across] > 0:
                    _join(parent, labels[site], labels[site + across])


@kernel
def finish(used: int, labels: Labels, parent: Labels) -> None:
    """Number the clusters 1, 2, ... in the order of their first sites."""
    n_clusters = 0
    for label in range(1, used + 1):
        if parent[label] == label:
            n_clusters += 1
            parent[label] = n_clusters
        else:
            parent[label] = parent[parent[label]]
    parent[0] = 0
    for site in range(labels.size):
        labels[site] = parent[labels[site]]


@kernel
def bonds(p: float, periodic: bool, rng: np.random.Generator, length: int, strides: Integers, parent: Labels) -> None:
    """Draw every bond of a cubic box and join its ends; entry ``i + 1`` of ``parent`` belongs to site ``i``."""
    sites = parent.size - 1
    for axis in range(strides.size):
        stride = strides[axis]
        block = stride * length
        for start in range(0, sites, block):
            for site in range(start + stride, start + block):
                if rng.random() < p:
                    _join(parent, site + 1, site + 1 - stride)
            if periodic:
                for site in range(start, start + stride):
                    if rng.random() < p:
                        _join(parent, site + 1, site + 1 + block - stride)
