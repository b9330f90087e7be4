"""Clusters of hypercubic lattices: labels and sizes against other libraries, thresholds and exponents as known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import sympy as sp
from scipy import ndimage, sparse, stats
from scipy.sparse import csgraph

from neuroscale.percolation import (
    CRITICAL_EXPONENTS,
    SQUARE_WRAPPING,
    bond_cluster_labels,
    cluster_labels,
    cluster_numbers,
    cluster_sizes,
    estimate_threshold,
    grow_clusters,
    streamed_cluster_sizes,
    wrapping_crossing,
    wrapping_sweep,
)

ALARM = 1e-6
#: (site, bond) thresholds, of which the digits shown are certain
THRESHOLDS = {
    2: (0.592746, 0.5),
    3: (0.3116077, 0.2488126),
    4: (0.196886, 0.160131),
    5: (0.140797, 0.118172),
    6: (0.109017, 0.094202),
    7: (0.0889511, 0.0786752),
}
SHAPES = [(1,), (50,), (1, 5), (5, 1), (7, 9), (64, 64), (20, 13, 7), (9, 8, 7, 6), (6,) * 5, (4,) * 6, (2,) * 8]


def periodic_by_graph(occupied: np.ndarray) -> np.ndarray:
    """Sizes of clusters by scipy's graph routine, opposite faces joined."""
    sites = np.arange(occupied.size).reshape(occupied.shape)
    pairs = [
        np.stack([sites, np.roll(sites, -1, axis)])[:, occupied & np.roll(occupied, -1, axis)]
        for axis in range(occupied.ndim)
    ]
    rows, columns = np.concatenate(pairs, axis=1)
    graph = sparse.coo_array((np.ones(rows.size), (rows, columns)), shape=(occupied.size,) * 2)
    labels = csgraph.connected_components(graph, directed=False)[1]
    sizes = np.bincount(labels[occupied.ravel()])
    return np.sort(sizes[sizes > 0])


# -- labels and sizes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("p", [0.0, 0.15, 0.4, 0.6, 0.9, 1.0])
def test_labels_and_sizes_are_scipys(shape: tuple[int, ...], p: float) -> None:
    occupied = np.random.default_rng(len(shape)).random(shape) < p
    labels, count = ndimage.label(occupied)
    assert np.array_equal(cluster_labels(occupied), labels)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    assert np.array_equal(np.sort(cluster_sizes(occupied)), np.sort(sizes))


@pytest.mark.parametrize(("length", "dimension"), [(40, 2), (12, 3), (7, 4), (5, 5), (4, 6), (2, 3)])
@pytest.mark.parametrize("p", [0.1, 0.3, 0.6])
def test_periodic_labels_are_those_of_the_graph(length: int, dimension: int, p: float) -> None:
    occupied = np.random.default_rng(dimension).random((length,) * dimension) < p
    labels = cluster_labels(occupied, periodic=True)
    assert np.array_equal(labels > 0, occupied)
    assert np.array_equal(np.sort(np.bincount(labels.ravel())[1:]), periodic_by_graph(occupied))


def test_sizes_need_the_labels_of_a_hyperplane_only() -> None:
    # many more clusters than the table holds: every label is used again and again
    occupied = np.random.default_rng(1).random((20_000, 7)) < 0.4
    labels, count = ndimage.label(occupied)
    sizes = np.sort(np.bincount(labels.ravel(), minlength=count + 1)[1:])
    assert np.array_equal(np.sort(cluster_sizes(occupied)), sizes)
    slabs = (occupied[start : start + 333] for start in range(0, 20_000, 333))
    assert np.array_equal(np.sort(streamed_cluster_sizes(slabs)), sizes)


def test_numbers_count_as_occupied_where_they_are_not_zero() -> None:
    box = np.array([[2, 0, -1], [0, 0, 0.5], [3, 0, 0]])
    assert np.array_equal(cluster_labels(box), cluster_labels(box != 0))
    assert cluster_labels(np.asfortranarray(box)).tolist() == [[1, 0, 2], [0, 0, 2], [3, 0, 0]]


@pytest.mark.parametrize("periodic", [False, True])
def test_bond_labels_at_the_extremes(periodic: bool) -> None:
    assert bond_cluster_labels(0.0, 4, 3, periodic=periodic, rng=1).ravel().tolist() == list(range(1, 65))
    assert (bond_cluster_labels(1.0, 4, 3, periodic=periodic, rng=1) == 1).all()


@pytest.mark.parametrize("periodic", [False, True])
def test_bond_labels_are_a_random_graphs_components(periodic: bool) -> None:
    # a cycle or path of n sites with k open bonds has n - k clusters, but a cycle of open bonds 1
    n, p = 12, 0.4
    counts = [bond_cluster_labels(p, n, 1, periodic=periodic, rng=seed).max() for seed in range(4000)]
    bonds = n if periodic else n - 1
    expected = stats.binom.pmf(np.arange(bonds + 1), bonds, p)
    cells = n - np.arange(bonds + 1)
    if periodic:
        cells[-1] = 1
    law = np.bincount(cells, weights=expected, minlength=n + 1)
    seen = np.bincount(counts, minlength=n + 1).astype(float)
    often = law * 4000 >= 10
    table = np.append(seen[often], seen[~often].sum()), np.append(law[often], law[~often].sum()) * 4000
    assert stats.chisquare(*table).pvalue > ALARM


def test_bond_clusters_of_the_square_have_the_exact_numbers() -> None:
    # isolated sites: all four bonds closed; pairs: one open bond, six closed; torus, so that no face disturbs
    p, length, runs = 0.3, 64, 20
    sizes = [np.bincount(bond_cluster_labels(p, length, 2, periodic=True, rng=s).ravel())[1:] for s in range(runs)]
    sites = runs * length**2
    for size, number in ((1, 0.7**4), (2, 2 * 0.3 * 0.7**6)):
        seen = sum(int((s == size).sum()) for s in sizes) / sites
        # clusters of neighbouring sites are dependent: their count has a variance of at most about ten times Poisson's
        assert abs(seen - number) < 5 * np.sqrt(10 * number / sites)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cluster_labels(np.zeros((0, 3))), "1 to 8 axes"),
        (lambda: cluster_labels(np.zeros((1,) * 9)), "1 to 8 axes"),
        (lambda: cluster_labels(["a"]), "booleans or numbers"),
        (lambda: cluster_sizes(np.zeros(())), "1 to 8 axes"),
        (lambda: streamed_cluster_sizes([]), "at least one"),
        (lambda: streamed_cluster_sizes([np.zeros(3)]), "2 to 8 axes"),
        (lambda: streamed_cluster_sizes([np.zeros((2, 3)), np.zeros((2, 4))]), r"slabs\[1\]"),
        (lambda: bond_cluster_labels(1.5, 4, 2, rng=1), "p=1.5"),
        (lambda: bond_cluster_labels(0.5, 1, 2, rng=1), "length=1"),
        (lambda: bond_cluster_labels(0.5, 100, 8, rng=1), "length=100"),
        (lambda: grow_clusters(0.5, 9, cap=10, n_clusters=1, rng=1), "dimension=9"),
        (lambda: grow_clusters(0.5, 2, kind="edge", cap=10, n_clusters=1, rng=1), "kind='edge'"),
        (lambda: grow_clusters(0.5, 2, cap=0, n_clusters=1, rng=1), "cap=0"),
        (lambda: cluster_numbers(2, 0), "max_size=0"),
        (lambda: wrapping_sweep(10, 5, n_runs=2, rng=1), "dimension=5"),
        (lambda: wrapping_sweep(21, 4, n_runs=2, rng=1), "length=21"),
        (lambda: wrapping_sweep(4, 3, n_runs=2, rng=1).threshold(), "level=None"),
        (lambda: wrapping_sweep(4, 3, n_runs=2, rng=1).probability(0.5, "some"), "rule='some'"),
        (lambda: wrapping_crossing(*(wrapping_sweep(4, 2, n_runs=2, rng=1),) * 2), "increasing lengths"),
        (lambda: estimate_threshold(1, rng=1), "dimension=1"),
    ],
)
def test_bad_input(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


# -- exact cluster numbers ------------------------------------------------------------------------------------------


def test_cluster_numbers_of_the_square_are_the_known_polynomials() -> None:
    p, q = sp.symbols("p q")
    known = [
        p * q**4,
        2 * p**2 * q**6,
        p**3 * (4 * q**7 + 2 * q**8),
        p**4 * (9 * q**8 + 8 * q**9 + 2 * q**10),
        p**5 * (q**8 + 20 * q**9 + 28 * q**10 + 12 * q**11 + 2 * q**12),
    ]
    found = cluster_numbers(2, 5)
    for size, polynomial in enumerate(known, start=1):
        ours = sum(g * p**size * q**t for t, g in found[size].items())
        assert sp.expand(ours - polynomial) == 0


@pytest.mark.parametrize(
    ("dimension", "animals"),
    [
        (1, [1] * 6),
        (2, [1, 2, 6, 19, 63, 216, 760]),
        (3, [1, 3, 15, 86, 534]),
        (4, [1, 4, 28, 234]),
        (6, [1, 6, 66, 901]),
    ],
)
def test_numbers_of_animals(dimension: int, animals: list[int]) -> None:
    found = cluster_numbers(dimension, len(animals))
    assert [sum(found[size].values()) for size in range(1, len(animals) + 1)] == animals


@pytest.mark.parametrize("dimension", [1, 2, 3, 5, 8])
def test_growth_follows_the_exact_law_of_small_clusters(dimension: int) -> None:
    p, cap = (0.3, 4) if dimension < 4 else (0.1, 3)
    numbers = cluster_numbers(dimension, cap)
    law = [s * sum(g * p ** (s - 1) * (1 - p) ** t for t, g in numbers[s].items()) for s in range(1, cap + 1)]
    sizes = grow_clusters(p, dimension, cap=cap, n_clusters=20_000, rng=dimension)
    expected = 20_000 * np.append(law, 1 - sum(law))
    assert stats.chisquare(np.bincount(sizes, minlength=cap + 2)[1:], expected).pvalue > ALARM


def test_bond_growth_follows_the_exact_law_of_small_clusters() -> None:
    # square lattice: no open bond; one of four open and six closed; trees of two bonds: 6 shapes, eight closed each
    p, q = 0.3, 0.7
    law = [q**4, 4 * p * q**6, 18 * p**2 * q**8]
    sizes = grow_clusters(p, 2, kind="bond", cap=3, n_clusters=20_000, rng=1)
    expected = 20_000 * np.append(law, 1 - sum(law))
    assert stats.chisquare(np.bincount(sizes, minlength=5)[1:], expected).pvalue > ALARM


def test_growth_restarts_from_a_clean_table() -> None:
    together = grow_clusters(0.55, 2, cap=500, n_clusters=200, rng=np.random.default_rng(5))
    rng = np.random.default_rng(5)
    alone = np.concatenate([grow_clusters(0.55, 2, cap=500, n_clusters=1, rng=rng) for _ in range(200)])
    assert np.array_equal(together, alone)


# -- exponents and thresholds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dimension", "tolerance"), [(2, 0.03), (3, 0.03), (4, 0.04), (5, 0.06), (6, 0.08)])
def test_fisher_exponent_from_growth(dimension: int, tolerance: float) -> None:
    # statistical error about 0.01; the rest of the tolerance is for sizes below 2000: logarithms at d = 6, and a slow
    # correction at d = 5
    p = THRESHOLDS[dimension][0]
    sizes = grow_clusters(p, dimension, cap=2048, n_clusters=5000, rng=dimension)
    cuts = 2.0 ** np.arange(7, 12)
    tail = [np.mean(sizes >= cut) for cut in cuts]
    tau = 2 - np.polyfit(np.log(cuts), np.log(tail), 1)[0]
    assert abs(tau - CRITICAL_EXPONENTS[dimension][0]) < tolerance


@pytest.mark.parametrize(("kind", "known"), [("site", 0.592746), ("bond", 0.5)])
def test_threshold_of_the_square_from_wrapping(kind: str, known: float) -> None:
    # standard errors of 1.1e-4 with 40000 runs, and 1e-4 at most for the finite length
    runs = 40_000
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


@pytest.mark.parametrize("dimension", [3, 4, 5, 6, 7])
def test_thresholds_from_growth(dimension: int) -> None:
    # standard error 1e-4 to 4e-4 at the default size, and a systematic error of the same order
    estimate = estimate_threshold(dimension, rng=1)
    assert abs(estimate.value - THRESHOLDS[dimension][0]) < 1e-3


@pytest.mark.parametrize("dimension", [5, 7])
def test_bond_thresholds_from_growth(dimension: int) -> None:
    estimate = estimate_threshold(dimension, kind="bond", rng=1)
    assert abs(estimate.value - THRESHOLDS[dimension][1]) < 1e-3


def wrapped_axes(occupied: frozenset[tuple[int, int]], length: int) -> set[int]:
    """Axes around which a cluster of the torus wraps, by walking every cluster on the unwrapped lattice."""
    axes: set[int] = set()
    for start in occupied:
        places = {start: start}
        waiting = [start]
        while waiting:
            x, y = waiting.pop()
            for to in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
                site = (to[0] % length, to[1] % length)
                if site not in occupied:
                    continue
                if site not in places:
                    places[site] = to
                    waiting.append(to)
                # two places of one site: the cluster reaches its own copy
                axes |= {axis for axis in (0, 1) if places[site][axis] != to[axis]}
    return axes


def test_wrapping_probabilities_of_a_small_torus_are_exact() -> None:
    length, runs = 3, 20_000
    sites = list(product(range(length), repeat=2))
    totals = np.zeros((3, len(sites) + 1))
    for flags in product((False, True), repeat=len(sites)):
        occupied = frozenset(site for site, flag in zip(sites, flags, strict=True) if flag)
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
