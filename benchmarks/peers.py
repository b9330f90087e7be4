"""The peers: plain numpy and scipy, written as a careful user would write them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from neuroscale.activation import ActivationLaw

Integers = NDArray[np.int64]


def numpy_literal(law: ActivationLaw, D: int, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Counts and first activations, one vectorised sample at a time, without temporaries where numpy allows."""
    counts = np.zeros(law.n_neurons)
    first = np.full(law.n_neurons, D + 1, dtype=np.int64)
    uniform, level = np.empty(law.n_neurons), np.empty(law.n_neurons)
    for t in range(D):
        rng.random(out=uniform)
        uniform *= t + law.concentration
        np.add(counts, law.b, out=level)
        active = uniform < level
        first[active & (counts == 0)] = t + 1
        counts += active
    return counts.astype(np.int64), first


@numba.njit(cache=True)
def counted_events(
    rng: np.random.Generator, n_neurons: int, n_samples: int, b: float, a: float, silent: float
) -> tuple[int, int, int]:
    """Exponentials and uniforms that the event-driven kernel draws, and activations: its loop, counted."""
    exponentials, uniforms, activations = 0, 0, 0
    for _ in range(n_neurons):
        t, k = 0, 0
        while t < n_samples:
            weight = k + b
            idle = silent + (t - k)
            exponentials += 1
            wait = rng.standard_exponential() * (idle / weight)
            if wait >= n_samples - t:
                break
            s = t + int(wait)
            uniforms += 1
            level = rng.random() * (s + a)
            t = s + 1
            if level < idle or -level * np.expm1(-weight / idle) < weight:
                k += 1
        activations += k
    return exponentials, uniforms, activations


def draws(law: ActivationLaw, D: int, seed: int) -> tuple[int, int, int]:
    """Numbers of exponentials, uniforms and activations of one event-driven run."""
    rng = np.random.default_rng(seed)
    exponentials, uniforms, activations = counted_events(
        rng, law.n_neurons, D, law.b, law.concentration, law.silent_weight
    )
    return int(exponentials), int(uniforms), int(activations)


def draw_on_threads(draws_each: int, n_threads: int) -> None:
    """Let numpy alone draw random words on threads: what this machine's second core gives at best."""

    def work(rng: np.random.Generator) -> None:
        for _ in range(draws_each * 2 // n_threads):
            rng.integers(0, 2**64, size=2**16, dtype=np.uint64)

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, np.random.default_rng(1).spawn(n_threads)))


def floor(exponentials: int, uniforms: int, rng: np.random.Generator) -> float:
    """Draw that many numbers with numpy, in blocks that fit the cache, and do nothing with them."""
    block = np.empty(2**14)
    total = 0.0
    for count, draw in ((exponentials, rng.standard_exponential), (uniforms, rng.random)):
        for start in range(0, count, block.size):
            part = block[: min(block.size, count - start)]
            draw(out=part)
            total += float(part[0])
    return total


#: Ten-fold either way of usual values: a prior that a user could name.
BOUNDS = {"a": (1e-2, 10.0), "b": (1.0, 1e3)}


def scipy_fit(counts: Integers, n_samples: int) -> tuple[float, float]:
    """``(a, b)`` by ``scipy.stats.fit`` with its own optimiser, differential evolution and a local polish.

    Its default ``tol=0.01`` stops short of four digits, as does 1e-4; 1e-6 reaches them.
    """
    bounds = {"n": (n_samples, n_samples), **BOUNDS}
    seeded = partial(optimize.differential_evolution, rng=1, tol=1e-6)
    b, x = stats.fit(stats.betabinom, counts, bounds, optimizer=seeded).params[1:3]
    return float(b + x), float(b)


def scipy_local_fit(counts: Integers, n_samples: int) -> tuple[float, float]:
    """``(a, b)`` by ``scipy.stats.fit`` with Nelder-Mead from a moment estimate; ``n`` and ``loc`` are fixed.

    Its tolerances are as wide as an agreement to four digits allows.
    """
    share, variance = counts.mean() / n_samples, counts.var() / n_samples**2
    spread = share * (1 - share)
    a = (spread - variance) / (variance - spread / n_samples)

    def local(negative: Any, bounds: Any, args: Any = (), **ignored: Any) -> Any:
        def inner(free: Any) -> Any:
            # scipy hands over all of (n, a, b, loc); n and loc have no freedom
            return negative([n_samples, free[0], free[1], 0.0], *args)

        start = [a * share, a * (1 - share)]
        best = optimize.minimize(
            inner, start, method="Nelder-Mead", bounds=list(BOUNDS.values()), options={"xatol": 1e-5, "fatol": 1e-5}
        )
        best.x = np.array([n_samples, best.x[0], best.x[1], 0.0])
        return best

    bounds = {"n": (n_samples, n_samples), **BOUNDS}
    b, x = stats.fit(stats.betabinom, counts, bounds, optimizer=local).params[1:3]
    return float(b + x), float(b)
