"""The Bethe lattice against generating functions, high precision, and exact laws of its samplers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sympy import QQ
from sympy.polys.ring_series import rs_mul, rs_pow
from sympy.polys.rings import ring

from neuroscale.percolation import BetheLattice, sample_tree, tree_depths
from neuroscale.percolation import _bethe_kernels as size_kernels
from neuroscale.percolation import _trees_kernels as tree_kernels
from neuroscale.percolation._offspring import binomial_distribution, offspring_tables

#: Every statistical test fails a correct sampler with this probability; seeds are fixed.
ALARM = 1e-6
DEGREES = (3, 4, 6)


@pytest.fixture(autouse=True, scope="module")
def digits() -> Iterator[None]:
    """Differences of log-Gamma at 1e17 cancel 20 digits; 60 leave 40."""
    with mp.workdps(60):
        yield


def log_pmf(degree: int, p: float, s: int) -> mp.mpf:
    """Logarithm of the closed form, for the occupation that the float stands for."""
    m, p = degree - 1, mp.mpf(p)
    factorials = mp.loggamma(m * s + 1) - mp.loggamma(s) - mp.loggamma((m - 1) * s + 3)
    return mp.log(degree) + factorials + (s - 1) * mp.log(p) + ((m - 1) * s + 2) * mp.log1p(-p)


def chi_squared(observed: Any, probabilities: Any) -> float:
    """p-value of counts, with what the probabilities leave in a last cell."""
    seen, chance = np.asarray(observed, dtype=float), np.asarray(probabilities, dtype=float)
    assert np.all(chance * seen.sum() > 10), "cells too small for the test"
    return float(stats.chisquare(seen, chance / chance.sum() * seen.sum()).pvalue)


# -- the law -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degree", DEGREES)
def test_law_is_the_generating_function(degree: int) -> None:
    """Coefficients of C = t (1-p+pT)^z, T = t (1-p+pT)^m, equal to the closed form as polynomials in p."""
    _, p, t = ring("p t", QQ)
    m, top = degree - 1, 8
    tree = 0 * t
    for _ in range(top):
        tree = rs_mul(t, rs_pow(1 - p + p * tree, m, t, top), t, top + 1)
    cluster = rs_mul(t, rs_pow(1 - p + p * tree, degree, t, top), t, top + 1)
    closed = 0 * t
    for s in range(1, top + 1):
        count = QQ(degree * math.factorial(m * s), math.factorial(s - 1) * math.factorial((m - 1) * s + 2))
        closed += count * t**s * p ** (s - 1) * (1 - p) ** ((m - 1) * s + 2)
        value = float(count) * 0.2 ** (s - 1) * 0.8 ** ((m - 1) * s + 2)
        assert float(BetheLattice(degree, 0.2).cluster_pmf(s)) == pytest.approx(value, rel=2e-13)
    assert cluster == closed


@settings(derandomize=True, deadline=None, max_examples=80)
@given(
    degree=st.sampled_from([3, 4, 7, 200, 10**5]),
    share=st.one_of(st.just(1.0), st.floats(0.05, 1.9), st.floats(-9, -2).map(lambda e: float(1 + 10**e))),
    s=st.one_of(st.integers(1, 100), st.floats(0, 15).map(lambda e: int(10**e)), st.just(10**9)),
)
def test_log_law_against_mpmath(degree: int, share: float, s: int) -> None:
    lattice = BetheLattice(degree, min(share / (degree - 1), 0.99))
    exact = log_pmf(degree, lattice.occupation, s)
    got = mp.mpf(float(lattice.log_cluster_pmf(s)))
    assert abs(got - exact) < 1e-13 + 4e-16 * abs(exact) * 4  # Stirling's error below 16, and four roundings


def test_law_at_a_thousand_million_sites() -> None:
    lattice = BetheLattice.critical(3)
    assert abs(mp.mpf(float(lattice.log_cluster_pmf(10**9))) - log_pmf(3, 0.5, 10**9)) < 1e-13


# the fourth is just above the threshold: an infinite cluster, and a cutoff of 4e7 sites
@pytest.mark.parametrize(("degree", "share"), [(3, 1.0), (6, 0.95), (200, 1.02), (3, 1.00016)])
def test_probabilities_sum_to_one(degree: int, share: float) -> None:
    lattice = BetheLattice(degree, share / (degree - 1))
    top, total = (10**7 if degree == 3 else 10**6), 0.0
    for start in range(1, top, 10**6):
        total += float(lattice.cluster_pmf(np.arange(start, start + 10**6)).sum())
    tail, theta = float(lattice.cluster_tail(top + 1)), lattice.order_parameter()
    assert total + tail + theta == pytest.approx(1.0, abs=1e-12)
    assert (theta > 1e-4) == (share > 1)
    assert degree != 3 or tail > 1e-5


@pytest.mark.parametrize(("degree", "share"), [(3, 0.3), (6, 0.9), (200, 0.8), (3, 1.3), (6, 1.1), (200, 1.5)])
def test_moments_are_sums_over_the_law(degree: int, share: float) -> None:
    lattice = BetheLattice(degree, share / (degree - 1))
    s = np.arange(1.0, 60 * lattice.cutoff() + 1)  # beyond it less than 1e-20 is left
    law = lattice.cluster_pmf(s)
    assert lattice.mean_size() == pytest.approx(law @ s, rel=1e-11)
    assert lattice.mean_square_size() == pytest.approx(law @ s**2, rel=1e-11)


def test_mean_square_grows_as_the_cube_of_the_distance() -> None:
    assert BetheLattice.critical(4).mean_square_size() == np.inf
    # the integral of A s^(1/2) exp(-s / s_xi), on both sides
    for share in (0.9999, 1.0001):
        lattice = BetheLattice(4, share / 3)
        wanted = lattice.amplitude * np.sqrt(np.pi) / 2 * lattice.cutoff() ** 1.5
        assert lattice.mean_square_size() == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("degree", [3, 6, 200])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99, 1.0, 1.01, 1.4])
def test_tail_against_high_precision(degree: int, share: float) -> None:
    """The reference is one minus the exact sum of what is smaller, in 60 digits, and minus what is infinite."""
    lattice = BetheLattice(degree, share / (degree - 1))
    p, m = mp.mpf(lattice.occupation), degree - 1
    ends = mp.mpf(1)
    if lattice.occupation > lattice.critical_occupation:
        ends = mp.findroot(lambda y: y - 1 + (1 - p * y) ** m, lattice._survival())
        ends = 1 - p * ends
    left = ends**degree
    for s in range(1, 301):
        if s in (1, 2, 20, 63, 64, 65, 300) and left > mp.mpf(10) ** -40:
            assert abs(mp.mpf(float(lattice.cluster_tail(s))) / left - 1) < 1e-12
        left -= mp.exp(log_pmf(degree, lattice.occupation, s)) if lattice.occupation * m != 1 else _critical(degree, s)
    assert left < 1


def _critical(degree: int, s: int) -> mp.mpf:
    """The law at p_c itself, which the nearest float stands for."""
    m = degree - 1
    p = mp.mpf(1) / m
    count = degree * mp.factorial(m * s) / (mp.factorial(s - 1) * mp.factorial((m - 1) * s + 2))
    return count * p ** (s - 1) * (1 - p) ** ((m - 1) * s + 2)


def test_tail_far_out() -> None:
    """P(|C| >= s) is 2 A s^(-1/2) at p_c up to the relative order 1/s, and additive."""
    for degree in (3, 200):
        lattice = BetheLattice.critical(degree)
        s = np.array([10**12, 10**15, 2**62])
        assert lattice.cluster_tail(s) == pytest.approx(2 * lattice.amplitude / np.sqrt(s), rel=1e-11)
    near = BetheLattice(4, 0.3333)
    part = near.cluster_pmf(np.arange(10**5, 2 * 10**5)).sum()
    assert float(near.cluster_tail(10**5) - near.cluster_tail(2 * 10**5)) == pytest.approx(float(part), rel=1e-12)


@pytest.mark.parametrize("share", [0.75, 0.9, 0.98, 1.01, 1.3])
def test_tail_beyond_the_cutoff(share: float) -> None:
    """Against the sum of its terms, up to 500 cutoffs out; 1e-14 is left of terms whose logarithms reach 500."""
    lattice = BetheLattice(4, share / 3)
    for cutoffs in (1, 10, 100, 500):
        start = math.ceil(64 + cutoffs * lattice.cutoff())
        terms = lattice.cluster_pmf(np.arange(start, start + math.ceil(40 * lattice.cutoff())))
        assert float(lattice.cluster_tail(start)) == pytest.approx(float(terms.sum()), rel=1e-12)


def test_constants() -> None:
    lattice = BetheLattice.critical(200)
    assert lattice.offspring_variance == pytest.approx(198 / 199, rel=1e-15)
    assert lattice.amplitude == pytest.approx(200 / math.sqrt(2 * math.pi * 199 * 198), rel=1e-14)
    assert lattice.cutoff() == math.inf
    assert lattice.mean_size() == math.inf
    assert lattice.order_parameter() == 0.0
    # 1/s_xi = m eps^2 / (2 (m-1)) near p_c, on both sides
    for share in (1 - 1e-6, 1 + 1e-6):
        near = BetheLattice(5, share / 4)
        assert near.cutoff() == pytest.approx(2 * 3 / (4 * 1e-12), rel=1e-5)
    # z = 3: Q = ((1-p)/p)^2
    for p in (0.5001, 0.6, 0.9, 0.999):
        above = BetheLattice(3, p)
        assert above.order_parameter() == pytest.approx(1 - ((1 - p) / p) ** 3, rel=1e-11)
    assert BetheLattice(6, 0.1).mean_size() == pytest.approx(1.1 / 0.5, rel=1e-14)


@pytest.mark.parametrize(("degree", "p"), [(3, 0.45), (3, 0.55), (6, 0.1), (6, 0.3), (200, 0.0055)])
def test_mean_is_the_sum(degree: int, p: float) -> None:
    lattice, sizes = BetheLattice(degree, p), np.arange(1, 50_001)
    assert lattice.mean_size() == pytest.approx(float(sizes @ lattice.cluster_pmf(sizes)), rel=1e-12)


def test_finite_clusters_above_are_those_below() -> None:
    """For z = 3, p and 1-p have the same cutoff, and finite clusters at p are clusters at 1-p."""
    above, below = BetheLattice(3, 0.55), BetheLattice(3, 0.45)
    assert above.cutoff() == pytest.approx(below.cutoff(), rel=1e-12)
    sizes = np.array([1, 10, 100, 1000])
    finite = above.cluster_pmf(sizes) / (1 - above.order_parameter())
    assert finite == pytest.approx(below.cluster_pmf(sizes), rel=1e-11)


# -- sizes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trials", [2, 199, 199 * 4096])
def test_offspring_table(trials: int) -> None:
    """Total variation distance to the binomial law in 60 digits."""
    table, p = binomial_distribution(trials, 1 / 199), mp.mpf(1 / 199)
    assert table[-1] == 1.0
    distance, term = mp.mpf(0), (1 - p) ** trials
    for k, step in enumerate(np.diff(table, prepend=0.0).tolist()):
        distance += abs(term - step)
        term *= mp.mpf(trials - k) / (k + 1) * p / (1 - p)
    assert distance < 1e-12


@pytest.mark.parametrize(("degree", "share"), [(3, 1.0), (6, 1.0), (200, 1.0), (4, 0.8), (5, 1.2)])
def test_sizes_follow_their_law(degree: int, share: float) -> None:
    lattice = BetheLattice(degree, share / (degree - 1))
    cap, n = 20_000, 100_000
    sizes = lattice.sample_sizes(n, cap=cap, rng=3)
    edges = np.array([1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 60, 100, 200, 500, 1500, 6000, cap + 1])
    tail = lattice.cluster_tail(edges)
    chance = np.append(tail[:-1] - tail[1:], tail[-1] + lattice.order_parameter())
    seen = np.histogram(sizes, np.append(edges, cap + 2))[0]
    enough = np.append(True, chance[1:] * n > 20)
    # cells that expect too little go to the first
    seen[0], chance[0] = seen[0] + seen[~enough].sum(), chance[0] + chance[~enough].sum()
    assert chi_squared(seen[enough], chance[enough]) > ALARM


def test_small_caps_are_exact() -> None:
    """Blocks of sites must not jump over the cap: every size up to it is counted one by one."""
    lattice = BetheLattice.critical(3)
    for cap in (1, 2, 5, 40):
        sizes = lattice.sample_sizes(200_000, cap=cap, rng=cap)
        chance = np.append(lattice.cluster_pmf(np.arange(1, cap + 1)), lattice.cluster_tail(cap + 1))
        assert chi_squared(np.bincount(sizes, minlength=cap + 2)[1:], chance) > ALARM


@pytest.mark.parametrize(
    ("degree", "share", "minimum"),
    [(3, 1, 1), (200, 1, 300), (6, 1, 10**9), (4, 0.97, 5), (4, 0.9, 500), (3, 1.1, 3)],
)
def test_large_sizes_follow_their_law(degree: int, share: float, minimum: int) -> None:
    """Through the tail at each draw, which is uniform but for its steps; those are split at random."""
    lattice = BetheLattice(degree, share / (degree - 1))
    rng = np.random.default_rng(8)
    sizes = lattice.sample_large_sizes(600, minimum=minimum, rng=rng)
    assert sizes.min() >= minimum
    upper, lower = lattice.cluster_tail(sizes), lattice.cluster_tail(sizes + 1)
    uniform = (lower + rng.random(sizes.size) * (upper - lower)) / lattice.cluster_tail(minimum)
    assert stats.kstest(uniform, "uniform").pvalue > ALARM


def test_the_same_seed_gives_the_same_sizes() -> None:
    lattice = BetheLattice.critical(7)
    draws = [lattice.sample_sizes(500, cap=1000, rng=5) for _ in range(2)]
    assert np.array_equal(draws[0], draws[1])
    generator = np.random.default_rng(5)
    assert np.array_equal(lattice.sample_sizes(500, cap=1000, rng=generator), draws[0])
    assert not np.array_equal(lattice.sample_sizes(500, cap=1000, rng=generator), draws[0])
    assert lattice.sample_sizes(0, cap=3, rng=1).size == 0
    assert lattice.sample_large_sizes(0, minimum=3, rng=1).size == 0


# -- trees ---------------------------------------------------------------------------------------------------------


def weights(size: int, degree: int) -> dict[tuple[int, ...], int]:
    """Lattice trees with each sequence of numbers of children, generation by generation."""
    found = {}
    for children in product(range(size), repeat=size):
        waiting = np.cumsum(np.array(children) - 1) + 1
        if waiting[-1] == 0 and np.all(waiting[:-1] > 0):
            found[children] = math.comb(degree, children[0]) * math.prod(math.comb(degree - 1, k) for k in children[1:])
    return {key: weight for key, weight in found.items() if weight}


def children(parents: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(np.bincount(parents[1:], minlength=parents.size).tolist())


@pytest.mark.parametrize(("size", "degree"), [(3, 3), (4, 3), (5, 3), (4, 6), (5, 200)])
def test_trees_are_uniform(size: int, degree: int) -> None:
    """Against the number of lattice trees of each shape; their total is the count in the law of sizes."""
    exact = weights(size, degree)
    m = degree - 1
    total = degree * math.factorial(m * size) // (math.factorial(size - 1) * math.factorial((m - 1) * size + 2))
    assert sum(exact.values()) == total
    rng = np.random.default_rng(4)
    seen = Counter(children(sample_tree(size, degree, rng=rng)) for _ in range(6_000))
    assert set(seen) <= set(exact)
    cells = sorted(exact)
    assert chi_squared([seen[key] for key in cells], [exact[key] / total for key in cells]) > ALARM


def test_trees_against_growth() -> None:
    """Two samples: conditioned trees, and unconditioned clusters at another p that happen to have the size."""
    size, degree, p, n = 7, 4, 0.4, 1000
    rng = np.random.default_rng(6)

    def grow() -> tuple[int, ...]:
        while True:
            born: list[int] = [int(rng.binomial(degree, p))]
            while len(born) <= sum(born) < size:
                born.append(int(rng.binomial(degree - 1, p)))
            born += [0] if len(born) == sum(born) else []
            if len(born) == size and sum(born) == size - 1:
                return tuple(born)

    def summary(born: tuple[int, ...]) -> tuple[int, int]:
        return born[0], born.count(0)

    grown = Counter(summary(grow()) for _ in range(n))
    drawn = Counter(summary(children(sample_tree(size, degree, rng=rng))) for _ in range(n))
    cells = [key for key in set(grown) | set(drawn) if grown[key] + drawn[key] > 20]
    table = [[source[key] for key in cells] for source in (grown, drawn)]
    for row in table:
        row.append(n - sum(row))
    assert float(stats.chi2_contingency(np.array(table)).pvalue) > ALARM


@pytest.mark.parametrize("degree", [3, 4, 1000])
@pytest.mark.parametrize("size", [1, 2, 3, 17, 1000])
def test_trees_are_trees(size: int, degree: int) -> None:
    parents = sample_tree(size, degree, rng=size)
    assert parents.shape == (size,)
    assert parents.dtype == np.int64
    assert parents[0] == -1
    assert np.all(parents[1:] < np.arange(1, size))
    assert np.all(np.diff(parents) >= 0)
    born = np.bincount(parents[1:], minlength=size)
    assert born[0] <= degree
    assert np.all(born[1:] <= degree - 1)
    depths = tree_depths(parents)
    assert depths[0] == 0
    assert np.array_equal(depths[1:], depths[parents[1:]] + 1)
    assert np.array_equal(sample_tree(size, degree, rng=size), parents)


def test_mean_depth_of_a_large_tree() -> None:
    """sqrt(pi s / 2) / sigma up to the order 1 of a depth; five standard errors of 100 trees."""
    size, degree = 10_000, 6
    rng = np.random.default_rng(9)
    means = np.array([tree_depths(sample_tree(size, degree, rng=rng)).mean() for _ in range(100)])
    expected = math.sqrt(math.pi * size / 2) / math.sqrt(BetheLattice.critical(degree).offspring_variance)
    assert abs(means.mean() - expected) < 5 * means.std() / math.sqrt(100) + 2


# -- interpreted kernels and bad input -----------------------------------------------------------------------------


def interpreted(kernel: Any) -> Any:
    return getattr(kernel, "py_func", kernel)


def test_kernels_interpreted() -> None:
    tables = offspring_tables(6, 0.2)
    compiled, plain = np.empty(50, dtype=np.int64), np.empty(50, dtype=np.int64)
    size_kernels.sizes(np.random.default_rng(1), 300, *tables, compiled)
    interpreted(size_kernels.sizes)(np.random.default_rng(1), 300, *tables, plain)
    assert np.array_equal(compiled, plain)
    # a table of too many, and one of too few: sites are removed and added
    kernels = (tree_kernels.lattice_tree, interpreted(tree_kernels.lattice_tree))
    for p in (0.1, 0.6):
        table = binomial_distribution(4, p)
        trees = [np.empty(30, dtype=np.int64) for _ in range(2)]
        for kernel, tree in zip(kernels, trees, strict=True):
            kernel(np.random.default_rng(2), 4, table, np.empty(30, dtype=np.int64), tree)
        assert np.array_equal(trees[0], trees[1])
        assert np.array_equal(tree_depths(trees[0])[1:], tree_depths(trees[0])[trees[0][1:]] + 1)


@pytest.mark.parametrize("p", [0.05, 0.9])
def test_trees_do_not_depend_on_the_table(p: float) -> None:
    """Whatever the first counts, removing or adding uniform slots leaves a uniform tree: s = 4, z = 6."""
    exact, table = weights(4, 6), binomial_distribution(5, p)
    total = sum(exact.values())
    rng, seen = np.random.default_rng(3), Counter[tuple[int, ...]]()
    parents, scratch = np.empty(4, dtype=np.int64), np.empty(4, dtype=np.int64)
    for _ in range(6_000):
        tree_kernels.lattice_tree(rng, 5, table, scratch, parents)
        seen[children(parents)] += 1
    cells = sorted(exact)
    assert chi_squared([seen[key] for key in cells], [exact[key] / total for key in cells]) > ALARM


def test_bad_input() -> None:
    lattice = BetheLattice.critical(4)
    calls: list[tuple[str, Any]] = [
        ("degree", lambda: BetheLattice(2, 0.5)),
        ("degree", lambda: BetheLattice.critical(2)),
        ("degree", lambda: sample_tree(5, 2, rng=1)),
        ("occupation", lambda: BetheLattice(3, 0.0)),
        ("occupation", lambda: BetheLattice(3, 1.0)),
        ("occupation", lambda: BetheLattice(3, math.nan)),
        ("s ", lambda: lattice.cluster_pmf([1, 0.5])),
        ("s ", lambda: lattice.cluster_tail([0])),
        ("s ", lambda: lattice.cluster_tail(1.5)),
        ("n=", lambda: lattice.sample_sizes(-1, cap=5, rng=1)),
        ("cap", lambda: lattice.sample_sizes(1, cap=0, rng=1)),
        ("minimum", lambda: lattice.sample_large_sizes(1, minimum=0, rng=1)),
        ("rng", lambda: lattice.sample_sizes(1, cap=5, rng=-1)),
        ("size", lambda: sample_tree(0, 3, rng=1)),
        ("parents", lambda: tree_depths([])),
        ("parents", lambda: tree_depths([0, 0])),
        ("parents", lambda: tree_depths([[-1, 0]])),
        (r"parents\[2\]=2", lambda: tree_depths([-1, 0, 2])),
        (r"parents\[1\]=-1", lambda: tree_depths([-1, -1])),
    ]
    for name, call in calls:
        with pytest.raises(ValueError, match=name):
            call()
