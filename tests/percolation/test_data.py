"""Data sets of clusters: masses against the Poisson-Dirichlet law, walks, marks, generators and the exact hierarchy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.cluster import hierarchy
from scipy.special import binom

from neuroscale.percolation import (
    BetheLattice,
    branching_walk,
    choose_marks,
    deletion_hierarchy,
    expected_variance,
    poisson_dirichlet,
    ranked_masses,
    sample_tree,
    seed_clusters,
    split_tree,
    tree_depths,
    tree_target,
    yule_clusters,
)
from neuroscale.percolation import _data_kernels as kernels

#: False-alarm rate of every statistical test here; seeds are fixed.
ALARM = 1e-6
SIGMAS = float(stats.norm.isf(ALARM / 2))


# -- masses -----------------------------------------------------------------------------------------------------------


def moment(a: float, k: int, m: int) -> float:
    """``E p_k**m`` of PD(a, 0), from the transform of ``1 / p_k``."""
    whole = mp.gamma(1 - a)

    def integrand(t: Any) -> Any:
        later = mp.exp(-t) + t**a * mp.gammainc(1 - a, 0, t)
        return t ** (m - 1) * mp.exp(-t) * (later - whole * t**a) ** (k - 1) / later**k

    return float(mp.quad(integrand, [0, 0.01, 1, 10, 60]) / mp.gamma(m))


@pytest.mark.parametrize("a", [0.2, 0.5, 0.8])
def test_poisson_dirichlet_has_the_exact_moments(a: float) -> None:
    draws = 1500
    masses = poisson_dirichlet(a, 4, n_draws=draws, rng=1)
    for k in (1, 2, 4):
        mean = moment(a, k, 1)
        error = np.sqrt((moment(a, k, 2) - mean**2) / draws)
        assert abs(masses[:, k - 1].mean() - mean) < SIGMAS * error


@pytest.mark.parametrize("a", [0.1, 0.5, 0.9])
def test_poisson_dirichlet_ratios_are_beta(a: float) -> None:
    masses = poisson_dirichlet(a, 4, n_draws=2000, rng=2)
    assert np.all(np.diff(masses, axis=1) < 0)
    assert np.all(masses.sum(axis=1) < 1 + 1e-12)
    for k in (1, 2, 3):
        # p_(k+1) / p_k = (Gamma_k / Gamma_(k+1))^(1/a), the maximum of k uniforms to the power 1/a
        law = stats.beta(k * a, 1)
        assert stats.kstest(masses[:, k] / masses[:, k - 1], law.cdf).pvalue > ALARM


def test_prefactor_is_a_squared_gaussian_in_mean_field() -> None:
    # p_k k^2 at k = 4000 fluctuates by 2/sqrt(k) = 3 %: 1000 draws do not see it
    masses = poisson_dirichlet(0.5, 4000, n_draws=1000, rng=3)
    assert stats.kstest(masses[:, -1] * 4000**2 * np.pi / 2, stats.chi2(1).cdf).pvalue > ALARM


def test_seeds_find_poisson_dirichlet_masses() -> None:
    stream = np.random.default_rng(4)
    largest = [ranked_masses(seed_clusters(2000, minimum=10**4, degree=4, rng=stream))[0] for _ in range(400)]
    limit = poisson_dirichlet(0.5, 1, n_draws=2000, rng=5)[:, 0]
    assert stats.ks_2samp(largest, limit).pvalue > ALARM


def test_seed_clusters_follow_the_exact_law() -> None:
    sizes = seed_clusters(4000, minimum=50, degree=3, rng=6)
    assert np.all(np.diff(sizes) <= 0)
    assert sizes.min() >= 50
    lattice = BetheLattice.critical(3)
    edges = np.array([50, 60, 80, 120, 250, 1000, 10_000])
    tail = lattice.cluster_tail(edges) / lattice.cluster_tail(50)
    expected = np.append(-np.diff(tail), tail[-1]) * sizes.size
    seen = np.histogram(sizes, np.append(edges, 2**62))[0]
    assert stats.chisquare(seen, expected).pvalue > ALARM


@settings(derandomize=True, deadline=None, max_examples=50)
@given(sizes=st.lists(st.integers(1, 10**12), min_size=1, max_size=30))
def test_ranked_masses(sizes: list[int]) -> None:
    masses = ranked_masses(sizes)
    assert masses.sum() == pytest.approx(1.0, rel=1e-12)
    assert all(left >= right for left, right in pairwise(masses))
    assert masses[0] == pytest.approx(max(sizes) / sum(sizes), rel=1e-12)


# -- data on a cluster ------------------------------------------------------------------------------------------------

PATH = np.arange(-1, 9)  # a path of ten sites
TREE = np.array([-1, 0, 0, 1, 1, 3])


def test_every_choice_of_marks_is_equally_likely() -> None:
    stream = np.random.default_rng(7)
    drawn = np.array([choose_marks(5, 2, rng=stream) @ (1 << np.arange(5)) for _ in range(4000)])
    values, counts = np.unique(drawn, return_counts=True)
    assert values.size == 10
    assert stats.chisquare(counts).pvalue > ALARM
    assert choose_marks(7, 7, rng=0).all()
    assert not choose_marks(7, 0, rng=0).any()


def test_walk_has_the_covariance_of_the_tree() -> None:
    stream, runs = np.random.default_rng(8), 4000
    walks = np.array([branching_walk(TREE, 1, rng=stream)[:, 0] for _ in range(runs)])
    # depth of the last common ancestor
    common = np.array([[0] * 6, [0, 1, 0, 1, 1, 1], [0, 0, 1, 0, 0, 0], [0, 1, 0, 2, 1, 2], [0, 1, 0, 1, 2, 1]])
    seen = walks[:, :5].T @ walks / runs
    depth = np.array([0, 1, 1, 2, 2, 3])
    error = np.sqrt((common**2 + depth[:5, None] * depth) / runs)
    assert np.all(np.abs(seen - common) <= SIGMAS * error)
    assert np.all(walks[:, 0] == 0)


def test_walk_is_the_sum_of_its_steps() -> None:
    walk = branching_walk(PATH, 3, rng=9)
    steps = np.random.default_rng(9).standard_normal((10, 3))
    steps[0] = 0
    np.testing.assert_allclose(walk, np.cumsum(steps, axis=0), rtol=0, atol=1e-12)
    assert branching_walk([-1], 2, rng=0).tolist() == [[0.0, 0.0]]


def test_target_is_a_centred_walk() -> None:
    target, walk = tree_target(TREE, rng=10), branching_walk(TREE, 1, rng=10)[:, 0]
    np.testing.assert_allclose(target, walk - walk.mean(), atol=1e-12)


def test_expected_variance() -> None:
    assert float(expected_variance(1e6, 3)) == pytest.approx(np.sqrt(np.pi * 1e6 / 8) / np.sqrt(0.5), rel=1e-12)
    # the mean over trees: relative correction of order s^(-1/2), here below 0.1
    stream = np.random.default_rng(11)
    values = [tree_target(sample_tree(2000, 6, rng=stream), rng=stream).var() for _ in range(400)]
    error = np.std(values) / np.sqrt(400)
    limit = float(expected_variance(2000, 6))
    assert abs(np.mean(values) - limit) < SIGMAS * error + 0.1 * limit


# -- generators -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("create", [1 / 3, 0.6])
def test_yule_clusters_have_their_law(create: float) -> None:
    sizes = yule_clusters(200_000, create, rng=12)
    assert sizes.sum() == 200_000
    rho = 1 / (1 - create)
    law = stats.yulesimon(rho).pmf(np.arange(1, 20))
    expected = np.append(law, 1 - law.sum()) * sizes.size
    seen = np.bincount(np.minimum(sizes, 20))[1:]
    # sizes are dependent through their sum: less varied than multinomial, so the test is conservative
    assert stats.chisquare(seen, expected).pvalue > ALARM


def test_yule_at_its_ends() -> None:
    assert yule_clusters(50, 1.0, rng=0).tolist() == [1] * 50
    assert yule_clusters(50, 0.0, rng=0).tolist() == [50]
    assert yule_clusters(1, 0.5, rng=0).tolist() == [1]


def pair_distances(parents: np.ndarray[Any, Any]) -> float:
    below = np.ones(parents.size)
    for child in range(parents.size - 1, 0, -1):
        below[parents[child]] += below[child]
    return float((below[1:] * (parents.size - below[1:])).sum())


@pytest.mark.parametrize("probability", [0.2096414, 0.5, 0.0])
def test_split_trees_obey_the_recursion(probability: float) -> None:
    size, runs, y = 60, 800, 2 * probability * (1 - probability)
    exact = 0.0
    for n in range(1, size):
        exact = exact * (1 + (2 + y) / n) + (n - 1) * (1 - y / 2) + 1
    stream = np.random.default_rng(13)
    sums = [pair_distances(split_tree(size, probability, rng=stream)) for _ in range(runs)]
    assert abs(np.mean(sums) - exact) < SIGMAS * np.std(sums) / np.sqrt(runs)


def test_split_trees_of_four_sites() -> None:
    """Path or star, by hand: the middle of the path of three is split with 1/3, its neighbours part with 2r(1-r)."""
    r, runs = 0.3, 3000
    stream = np.random.default_rng(14)
    stars = 0
    for _ in range(runs):
        tree = split_tree(4, r, rng=stream)
        stars += int(np.bincount(np.append(tree[1:], np.arange(1, 4))).max() == 3)
    # an end of the path: its one neighbour goes to either half, a path; the middle: together, a star
    chance = (1 - 2 * r * (1 - r)) / 3
    assert stats.binomtest(stars, runs, chance).pvalue > ALARM


def test_one_site() -> None:
    assert split_tree(1, 0.3, rng=0).tolist() == [-1]
    assert deletion_hierarchy([-1], rng=0).shape == (0, 4)


def test_hierarchy_is_a_linkage() -> None:
    tree = sample_tree(300, 4, rng=15)
    link = deletion_hierarchy(tree, rng=16)
    assert hierarchy.is_valid_linkage(link)
    assert link[-1, 3] == 300
    # j joins undo all but size - 1 - j deletions: the components are connected, and so many
    for pieces in (2, 7, 100):
        labels = hierarchy.fcluster(link, pieces, criterion="maxclust")
        kept = labels[1:] == labels[tree[1:]]
        assert len(set(labels)) == pieces
        assert kept.sum() == 300 - pieces


@pytest.mark.parametrize("degree", [3, 6])
def test_pieces_of_a_hierarchy_are_uniform_trees(degree: int) -> None:
    """Sizes at the two ends of the next deletion, for all pieces of a given size in a large tree."""
    tree = sample_tree(100_000, degree, rng=17)
    link = deletion_hierarchy(tree, rng=18)
    weight = np.append(np.ones(tree.size), link[:, 3])
    for piece in (6, 15):
        parts = weight[link[link[:, 3] == piece][:, :2].astype(int)].min(axis=1)
        x = np.arange(1, piece)
        rooted = binom((degree - 1) * x, x - 1) / x
        law = rooted * rooted[::-1]
        law = np.bincount(np.minimum(x, piece - x), law)[1:]
        seen = np.bincount(parts.astype(int), minlength=law.size + 1)[1:]
        assert stats.chisquare(seen, law / law.sum() * seen.sum()).pvalue > ALARM


def test_deeper_sites_do_not_come_first() -> None:
    for tree in (split_tree(500, 0.2, rng=19), sample_tree(500, 5, rng=19)):
        assert np.all(tree[1:] < np.arange(1, 500))
        assert tree_depths(tree).max() > 5


# -- seeds, kernels, errors -------------------------------------------------------------------------------------------


def test_seeds() -> None:
    draws: list[Callable[[Any], Any]] = [
        lambda rng: seed_clusters(20, minimum=10, degree=4, rng=rng),
        lambda rng: poisson_dirichlet(0.5, 3, n_draws=2, rng=rng),
        lambda rng: choose_marks(50, 20, rng=rng),
        lambda rng: tree_target(PATH, rng=rng),
        lambda rng: branching_walk(PATH, 2, rng=rng),
        lambda rng: yule_clusters(100, 0.3, rng=rng),
        lambda rng: split_tree(100, 0.3, rng=rng),
        lambda rng: deletion_hierarchy(PATH, rng=rng),
    ]
    for draw in draws:
        assert np.array_equal(draw(7), draw(np.random.default_rng(7)))
        assert not np.array_equal(draw(7), draw(8))


def test_kernels_run_uncompiled() -> None:
    for name in ("add_along_tree", "yule", "split", "breadth_first", "merge"):
        kernel = getattr(kernels, name)
        assert callable(getattr(kernel, "py_func", kernel))
    add = getattr(kernels.add_along_tree, "py_func", kernels.add_along_tree)
    steps = np.ones((10, 1))
    steps[0] = 0
    add(PATH, steps)
    assert steps[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: seed_clusters(0, minimum=1, degree=3, rng=0), r"n_seeds=0 must be an integer in \[1, "),
        (lambda: seed_clusters(3, minimum=0, degree=3, rng=0), r"minimum=0 must be an integer in \[1, "),
        (lambda: seed_clusters(3, minimum=1, degree=2, rng=0), r"degree=2 must be an integer in \[3, "),
        (lambda: ranked_masses([]), r"sizes has shape \(0,\); a list of at least one size is needed"),
        (lambda: ranked_masses([1, 0]), r"sizes holds 0\.0; every value must be finite and at least"),
        (lambda: poisson_dirichlet(1.0, 3, rng=0), r"discount=1\.0 must be a finite number in \(0, 1\)"),
        (lambda: poisson_dirichlet(0.5, 0, rng=0), r"n_terms=0 must be an integer in \[1, "),
        (lambda: poisson_dirichlet(0.5, 1, n_draws=0, rng=0), r"n_draws=0 must be an integer in \[1, "),
        (lambda: choose_marks(5, 6, rng=0), r"n=6 must be an integer in \[0, 5\]"),
        (lambda: choose_marks(0, 0, rng=0), r"size=0 must be an integer in \[1, "),
        (lambda: tree_target([0, 0], rng=0), r"parents\[0\]=0 must be in \[-1, -1\]"),
        (lambda: tree_target([-1, 1], rng=0), r"parents\[1\]=1 must be in \[0, 0\]"),
        (lambda: tree_target([-1, -1], rng=0), r"parents\[1\]=-1 must be in \[0, 0\]"),
        (lambda: tree_target([-1, 0.5], rng=0), r"parents holds"),
        (lambda: branching_walk([-1, 0], 0, rng=0), r"dimension=0 must be an integer in \[1, "),
        (lambda: expected_variance(0.5, 3), r"size holds 0\.5"),
        (lambda: yule_clusters(0, 0.3, rng=0), r"n=0 must be an integer in \[1, "),
        (lambda: yule_clusters(5, 1.2, rng=0), r"create_probability=1\.2 must be a finite number in \[0, 1\]"),
        (lambda: split_tree(0, 0.3, rng=0), r"size=0 must be an integer in \[1, "),
        (lambda: split_tree(5, -0.1, rng=0), r"probability=-0\.1 must be a finite number in \[0, 1\]"),
        (lambda: deletion_hierarchy([], rng=0), r"parents has shape \(0,\)"),
        (lambda: tree_target([-1], rng=-1), r"rng=-1 must be a numpy\.random\.Generator or a non-negative integer"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
