"""The activation process against its peers; sizes are arguments, so that the tests can run every case small."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from neuroscale.activation import (
    ActivationLaw,
    fit_counts,
    sample_counts,
    sample_growth,
    sample_histogram,
    simulate,
    simulate_events,
)

from . import peers
from .harness import Row, cores, interleaved


@dataclass(frozen=True)
class Sizes:
    """How large each case is."""

    literal: tuple[int, int] = (32_768, 1000)
    events: tuple[int, int] = (100_000, 10_000)
    numpy_samples: int = 100
    huge: tuple[int, int] = (10**11, 10**13)
    n_counts: int = 100_000
    fit_samples: int = 2000
    repeats: int = 9


def literal(sizes: Sizes) -> list[Row]:
    """The literal process: compiled against vectorised numpy, and on two threads."""
    n, D = sizes.literal
    law = ActivationLaw(n, n / 100, 0.5)
    seconds = interleaved(
        {
            "ours": lambda: simulate(law, D, rng=1),
            "two": lambda: simulate(law, D, rng=1, n_threads=2),
            "numpy": lambda: peers.numpy_literal(law, D, np.random.default_rng(1)),
            "draws, 1": lambda: peers.draw_on_threads(n * D // 2**18, 1),
            "draws, 2": lambda: peers.draw_on_threads(n * D // 2**18, 2),
        },
        sizes.repeats,
    )
    size = f"N={n}, D={D}, c/N=1e-2"
    one, two, peer = seconds["ours"], seconds["two"], seconds["numpy"]
    best = seconds["draws, 1"] / seconds["draws, 2"]
    note = f"numpy drawing words on two threads gains {best:.2f} in the same rounds, with {cores()} cores to use"
    return [
        Row("literal, 1 thread", one, "numpy, vectorised", peer, ">= 1.5", peer >= 1.5 * one, size),
        Row("literal, 2 threads", two, "literal, 1 thread", one, ">= 1.5", one >= 1.5 * two, note),
    ]


def events(sizes: Sizes) -> list[Row]:
    """The event-driven process against literal numpy, and against drawing its random numbers alone."""
    n, D = sizes.events
    law = ActivationLaw(n, n / 1000, 0.5)
    exponentials, uniforms, activations = peers.draws(law, D, 1)
    seconds = interleaved(
        {
            "ours": lambda: simulate_events(law, D, rng=1),
            "floor": lambda: peers.floor(exponentials, uniforms, np.random.default_rng(1)),
            "numpy": lambda: peers.numpy_literal(law, sizes.numpy_samples, np.random.default_rng(1)),
        },
        sizes.repeats,
    )
    ours, scaled = seconds["ours"], seconds["numpy"] * D / sizes.numpy_samples
    size = f"N={n}, D={D}, c/N=1e-3; numpy timed on {sizes.numpy_samples} samples and scaled to D"
    drawn = f"{exponentials} exponentials and {uniforms} uniforms for {activations} activations"
    return [
        Row("event-driven", ours, "numpy, vectorised (scaled)", scaled, ">= 100", scaled >= 100 * ours, size),
        Row(
            "event-driven",
            ours,
            "its draws alone, numpy",
            seconds["floor"],
            ">= 0.5",
            ours <= 2 * seconds["floor"],
            drawn,
        ),
    ]


def huge(sizes: Sizes) -> list[Row]:
    """Growth path and log-binned histogram of a layer far beyond memory; the peer draws every neuron of a small one."""
    n, D = sizes.huge
    law = ActivationLaw(n, n**0.5, 0.5)
    grid = np.unique(np.geomspace(1, D, 60).astype(np.int64))
    edges = np.unique(np.concatenate([[0], np.geomspace(1, D, 40).astype(np.int64), [D + 1]]))
    part = ActivationLaw(min(n, 10**6), min(n, 10**6) * law.n_active / n, 0.5)

    def ours() -> None:
        rng = np.random.default_rng(1)
        sample_growth(law, grid, rng=rng)
        sample_histogram(law, D, edges, rng=rng)

    def peer() -> None:
        np.histogram(sample_counts(part, D, rng=1), edges)

    seconds = interleaved({"ours": ours, "peer": peer}, sizes.repeats)
    scaled = seconds["peer"] * n / part.n_neurons
    note = (
        f"N={n:.0e}, D={D:.0e}, {grid.size} sample sizes, {edges.size - 1} bins; "
        f"the peer draws the histogram alone, timed on {part.n_neurons:.0e} neurons and scaled to N"
    )
    return [
        Row(
            "growth + histogram",
            seconds["ours"],
            "every count (scaled)",
            scaled,
            "< 0.5 s",
            seconds["ours"] < 0.5,
            note,
        )
    ]


def fit(sizes: Sizes) -> list[Row]:
    """The fit against scipy's, with the same estimate to four digits."""
    law = ActivationLaw(sizes.n_counts, sizes.n_counts / 100, 0.5)
    counts = sample_counts(law, sizes.fit_samples, rng=1)
    found: dict[str, tuple[float, float]] = {}

    def ours() -> None:
        result = fit_counts(counts, sizes.fit_samples)
        found["ours"] = (result.a, result.b)

    def local() -> None:
        found["local"] = peers.scipy_local_fit(counts, sizes.fit_samples)

    def default() -> None:
        found["default"] = peers.scipy_fit(counts, sizes.fit_samples)

    seconds = interleaved({"ours": ours, "local": local}, sizes.repeats)
    # a minute or so a call: once, and there is nothing to warm
    start = perf_counter()
    default()
    seconds["default"] = perf_counter() - start
    rows = []
    for key, peer_name, factor in (
        ("default", "scipy.stats.fit, own optimiser (DE)", 300),
        ("local", "scipy.stats.fit, Nelder-Mead", 0),
    ):
        same = bool(np.allclose(found[key], found["ours"], rtol=1e-4))
        note = (
            f"{sizes.n_counts} counts, D={sizes.fit_samples}; (a, b) = "
            f"({found['ours'][0]:.6g}, {found['ours'][1]:.6g}), "
            f"{peer_name}: ({found[key][0]:.6g}, {found[key][1]:.6g}), {'equal' if same else 'NOT equal'} to 4 digits"
        )
        target = f">= {factor}" if factor else "same estimate"
        met = same and seconds[key] >= factor * seconds["ours"]
        rows.append(Row("fit_counts", seconds["ours"], peer_name, seconds[key], target, met, note))
    return rows


CASES = (literal, events, huge, fit)
