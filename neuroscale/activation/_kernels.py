"""Compiled kernels of the activation process: arrays and a generator in, arrays out; nothing is validated here.

``counts`` holds :math:`D_i`; ``first`` the sample (from 1) that first activated a neuron, untouched if none did.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Integers = NDArray[np.int64]


@kernel
def literal(
    words: NDArray[np.uint16],
    rng: np.random.Generator,
    done: int,
    b: float,
    a: float,
    counts: Integers,
    first: Integers,
) -> None:
    """Advance neurons by one Bernoulli trial for each entry of ``words``, shape (neurons, samples).

    A trial succeeds when a uniform is below ``(k + b) / (t + a)``.  Its leading 16 bits, a word, decide all but one
    trial in 65536; for that one the remaining bits are drawn.
    """
    n_neurons, n_samples = words.shape
    for i in range(n_neurons):
        k = counts[i]
        weight = (k + b) * 65536.0
        for j in range(n_samples):
            total = done + j + a
            prefix = float(words[i, j])
            if prefix * total >= weight:
                continue
            if (prefix + 1.0) * total > weight and (prefix + rng.random()) * total >= weight:
                continue
            if k == 0:
                first[i] = done + j + 1
            k += 1
            weight = (k + b) * 65536.0
        counts[i] = k


@kernel
def events(
    rng: np.random.Generator,
    n_samples: int,
    b: float,
    a: float,
    silent: float,
    counts: Integers,
    first: Integers,
) -> None:
    """Run neurons from candidate to candidate by thinning; ``silent`` is ``a - b > 0``.

    With weight ``w = k + b`` and idle weight ``v = t + a - w`` an exponential clock of rate ``w / v`` a sample rings in
    a sample with probability ``r = 1 - exp(-w / v)``, at least ``w / (t + a)``.  Rates fall while the neuron is
    idle, so a candidate at ``s`` is kept with probability ``w / (r (s + a))``.  Since ``w/v - (w/v)^2/2 <= r <= w/v``,
    the exponential is needed only between the two bounds.
    """
    for i in range(counts.size):
        t, k = 0, 0
        while t < n_samples:
            weight = k + b
            idle = silent + (t - k)
            wait = rng.standard_exponential() * (idle / weight)
            if wait >= n_samples - t:
                break
            s = t + int(wait)
            level = rng.random() * (s + a)
            keep = level < idle
            if not keep:
                rate = weight / idle
                keep = level * (1.0 - 0.5 * rate) < idle and -level * np.expm1(-rate) < weight
            t = s + 1
            if keep:
                if k == 0:
                    first[i] = t
                k += 1
        counts[i] = k


@kernel
def fixed_active(
    rng: np.random.Generator,
    n_samples: int,
    n_active: int,
    b: float,
    order: Integers,
    counts: Integers,
    first: Integers,
) -> None:
    """Activate exactly ``n_active`` neurons a sample by systematic sampling in a fresh random order.

    Neuron ``i`` covers ``D_i + b`` of a line of length ``c t + b N``; equidistant marks at a random offset hit it with
    probability ``c (D_i + b) / (c t + b N)``, which never exceeds 1.
    """
    n_neurons = counts.size
    for t in range(n_samples):
        for i in range(n_neurons - 1, 0, -1):
            j = int(rng.random() * (i + 1))
            order[i], order[j] = order[j], order[i]
        step = (n_active * t + b * n_neurons) / n_active
        mark = rng.random() * step
        covered = 0.0
        hits = 0
        for position in range(n_neurons):
            i = order[position]
            covered += counts[i] + b
            # rounding in `covered` may push the last mark past the end: the last neuron then takes it
            last = position == n_neurons - 1 and hits == n_active - 1
            if covered > mark or last:
                if counts[i] == 0:
                    first[i] = t + 1
                counts[i] += 1
                hits += 1
                mark += step
                if hits == n_active:
                    break
