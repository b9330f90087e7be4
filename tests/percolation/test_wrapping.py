"""Wrapping around a torus: exact small boxes, and thresholds as known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from neuroscale.percolation import SQUARE_WRAPPING, wrapping_crossing, wrapping_sweep


@pytest.mark.parametrize(("kind", "known", "runs"), [("site", 0.592746, 40_000), ("bond", 0.5, 20_000)])
def test_threshold_of_the_square_from_wrapping(kind: str, known: float, runs: int) -> None:
    # the mean over the rules has a standard error of about half of the bar; the length adds an error of 1e-4 at most
    sweep = wrapping_sweep(32, 2, kind=kind, n_runs=runs, rng=12)  # type: ignore[arg-type]
    rules = tuple(SQUARE_WRAPPING)
    estimates = [sweep.threshold(rule) for rule in rules]
    assert abs(np.mean([estimate.value for estimate in estimates]) - known) < 3e-4
    assert all(estimate.error < 2e-4 for estimate in estimates)
    for rule in rules:
        # the exact limits hold at the threshold: 5 standard errors of a proportion, and 0.002 for the finite length
        assert abs(float(sweep.probability(known, rule)) - SQUARE_WRAPPING[rule]) < 2.5 / np.sqrt(runs) + 0.002


def test_threshold_of_the_cube_from_the_crossing_of_wrapping_curves() -> None:
    small, large = (wrapping_sweep(length, 3, n_runs=runs, rng=length) for length, runs in ((8, 6000), (24, 600)))
    crossing = wrapping_crossing(small, large)
    # the crossing of so short boxes is shifted by less than its error
    assert abs(crossing.value - 0.3116077) < 5 * crossing.error < 5e-3


Sites = set[tuple[int, int]]


def wrapped_axes(occupied: Sites, length: int, bonds: set[tuple[int, int, int]] | None = None) -> set[int]:
    """Axes around which a cluster of the torus wraps, by walking every cluster on the unwrapped lattice.

    A bond ``(x, y, axis)`` leads forward from its site; without `bonds` all are open.
    """
    axes: set[int] = set()
    places: dict[tuple[int, int], tuple[int, int]] = {}
    for start in occupied:
        if start in places:
            continue
        places[start] = start
        waiting = [start]
        while waiting:
            here = waiting.pop()
            x, y = places[here]
            for axis, step in product((0, 1), (1, -1)):
                to = (x + step, y) if axis == 0 else (x, y + step)
                site = (to[0] % length, to[1] % length)
                closed = bonds is not None and (*(here if step > 0 else site), axis) not in bonds
                if site not in occupied or closed:
                    continue
                if site not in places:
                    places[site] = to
                    waiting.append(site)
                # two places of one site: the cluster reaches its own copy
                axes |= {i for i in (0, 1) if places[site][i] != to[i]}
    return axes


@pytest.mark.parametrize(("kind", "length"), [("site", 2), ("bond", 2), ("site", 5), ("bond", 5), ("bond", 16)])
def test_clusters_wrap_exactly_when_the_sweep_says_so(kind: str, length: int) -> None:
    # the same draws, walked over before and after every step at which the sweep notes a first time
    sites = list(product(range(length), repeat=2))
    elements = [(*site, axis) for site in sites for axis in (0, 1)] if kind == "bond" else sites
    rng, runs = np.random.default_rng(1), 20
    first = wrapping_sweep(length, 2, kind=kind, n_runs=runs, rng=1).first  # type: ignore[arg-type]
    for times in first.tolist():
        order = list(elements)
        for step in range(times[2]):
            chosen = step + int(rng.random() * (len(order) - step))
            order[step], order[chosen] = order[chosen], order[step]

        def axes(n: int, order: list[tuple[int, ...]] = order) -> set[int]:
            some = order[:n]
            if kind == "bond":
                return wrapped_axes(set(sites), length, {(x, y, axis) for x, y, axis in some})
            return wrapped_axes({(x, y) for x, y in some}, length)

        any_time, axis_time, all_time = times
        assert bool(axes(any_time - 1)) < bool(axes(any_time))
        assert (0 in axes(axis_time - 1)) < (0 in axes(axis_time))
        assert len(axes(all_time - 1)) < 2 == len(axes(all_time))


def test_wrapping_probabilities_of_a_small_torus_are_exact() -> None:
    length, runs = 3, 20_000
    sites = list(product(range(length), repeat=2))
    totals = np.zeros((3, len(sites) + 1))
    for flags in product((False, True), repeat=len(sites)):
        occupied = {site for site, flag in zip(sites, flags, strict=True) if flag}
        axes = wrapped_axes(occupied, length)
        totals[:, len(occupied)] += [bool(axes), 0 in axes, len(axes) == 2]
    sweep = wrapping_sweep(length, 2, n_runs=runs, rng=1)
    for rule, counts in zip(("any", "axis", "all"), totals, strict=True):
        for p in (0.3, 0.5, 0.7):
            exact = sum(n * p**k * (1 - p) ** (len(sites) - k) for k, n in enumerate(counts))
            # five standard errors of a proportion, at most
            assert abs(float(sweep.probability(p, rule)) - exact) < 2.5 / np.sqrt(runs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "dimension", "length"), [("bond", 2, 5), ("site", 3, 4), ("bond", 3, 4), ("site", 4, 3)]
)
def test_wrapping_times_are_ordered_and_axes_alike(kind: str, dimension: int, length: int) -> None:
    sweep = wrapping_sweep(length, dimension, kind=kind, n_runs=500, rng=1)  # type: ignore[arg-type]
    assert (sweep.first[:, 0] >= length).all()
    assert (np.diff(sweep.first, axis=1) >= 0).all()
    assert (sweep.first <= sweep.n_elements).all()
    # the first axis to be wrapped around is the given one in one run of d at least: 500 runs, false alarm below 1e-6
    assert np.mean(sweep.first[:, 0] == sweep.first[:, 1]) > 1 / dimension - 5 * 0.5 / np.sqrt(500)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wrapping_sweep(10, 5, n_runs=2, rng=1), "dimension=5"),
        (lambda: wrapping_sweep(21, 4, n_runs=2, rng=1), "length=21"),
        (lambda: wrapping_sweep(4, 3, n_runs=2, rng=1).threshold(), "level=None"),
        (lambda: wrapping_sweep(4, 3, n_runs=2, rng=1).probability(0.5, "some"), "rule='some'"),
        (lambda: wrapping_crossing(*(wrapping_sweep(4, 2, n_runs=2, rng=1),) * 2), "increasing lengths"),
    ],
)
def test_bad_input(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
