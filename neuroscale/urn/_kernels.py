"""Compiled kernels of the urns: arrays and a generator in, arrays out; nothing is validated here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Integers = NDArray[np.int64]


@kernel
def trials(
    rng: np.random.Generator,
    n_samples: int,
    t: float,
    s: float,
    first: Integers,
    counts: Integers,
    active: Integers,
) -> None:
    """Run every neuron of the buffet from the sample after its first to the last."""
    for i in range(counts.size):
        k = 1
        for done in range(first[i], n_samples):
            if rng.random() * (done + t) < k - s:
                k += 1
                active[done] += 1
        counts[i] = k


@kernel
def seat(rng: np.random.Generator, a: float, theta: float, labels: Integers, counts: Integers) -> None:
    """Label the data by the Pitman-Yor rule: cluster ``j`` with weight ``n_j - a``, a new one with ``theta + a K``."""
    found = 0
    for done in range(labels.size):
        new = theta + a * found
        level = rng.random() * (done + theta)
        label = found
        if done > 0 and level >= new:
            if a < 0.0 and level >= new + done:
                # the part -a of each weight: a uniform cluster
                label = int(rng.random() * found)
            else:
                # the part n_j: the cluster of a uniform datum, kept with probability (n_j - a) / n_j where a > 0
                label = labels[int(rng.random() * done)]
                while a > 0.0 and rng.random() * counts[label] < a:
                    label = labels[int(rng.random() * done)]
        if label == found:
            counts[found] = 0
            found += 1
        counts[label] += 1
        labels[done] = label


@kernel
def peel(rng: np.random.Generator, n_data: int, a: float, rest: float, n_types: int, counts: Integers) -> int:
    """Counts of the clusters in order of appearance: that of the first datum left, then the same urn without it.

    The last of ``n_types`` takes what is left.  Returns the number of clusters, or -1 where ``counts`` is too short.
    """
    left = n_data
    found = 0
    while left > 0:
        if found == counts.size:
            return -1
        count = left
        if left > 1 and found + 1 < n_types:
            count = 1 + rng.binomial(left - 1, rng.beta(1.0 - a, rest + a * found))
        counts[found] = count
        left -= count
        found += 1
    return found
