"""Learners against dense linear algebra, breadth-first search and the exact local law.

Statistical tests have the false-alarm rate 1e-6 each and fixed seeds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.distance import cdist

from neuroscale.percolation import (
    euclidean_nearest_neighbour,
    kriging,
    kriging_variance,
    nearest_neighbour,
    piecewise_constant,
    sample_tree,
    shrunk_nearest_neighbour,
)

SIGMAS = float(stats.norm.isf(0.5e-6))


def random_tree(size: int, rng: np.random.Generator, depth: float = 0.5) -> Any:
    """A recursive tree whose sites prefer late parents the more, the smaller ``depth``."""
    low = np.arange(1, size)
    reach = np.maximum(1, (low * depth).astype(int))
    return np.concatenate([[-1], low - 1 - (rng.random(size - 1) * reach).astype(int)])


def graph(parents: Any) -> Any:
    child = np.arange(1, parents.size)
    shape = (parents.size, parents.size)
    half = sparse.coo_matrix((np.ones(child.size), (child, parents[1:])), shape=shape)
    return (half + half.T).tocsr()


def all_distances(parents: Any) -> Any:
    return dijkstra(graph(parents), unweighted=True)


@st.composite
def problems(draw: Any) -> Any:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    parents = random_tree(draw(st.integers(2, 40)), rng, draw(st.sampled_from([0.01, 0.3, 1.0])))
    marks = rng.random(parents.size) < draw(st.sampled_from([0.05, 0.3, 0.9]))
    marks[rng.integers(parents.size)] = True
    return parents, marks, rng.normal(size=parents.size)


# -- nearest neighbour ------------------------------------------------------------------------------------------------


@given(problems())
@settings(max_examples=60, deadline=None)
def test_the_nearest_mark_is_found_and_among_equals_the_first(problem: Any) -> None:
    parents, marks, _ = problem
    known = np.flatnonzero(marks)
    table = all_distances(parents)[:, known]
    distance, source = nearest_neighbour(parents, marks)
    assert distance.dtype == source.dtype == np.int64
    np.testing.assert_array_equal(distance, table.min(axis=1))
    np.testing.assert_array_equal(source, known[table.argmin(axis=1)])


def test_distances_of_a_large_tree_are_those_of_dijkstra() -> None:
    parents = sample_tree(50_000, 200, rng=1)
    marks = np.zeros(parents.size, dtype=bool)
    marks[np.random.default_rng(2).choice(parents.size, 60, replace=False)] = True
    wanted = dijkstra(graph(parents), indices=np.flatnonzero(marks), min_only=True)
    np.testing.assert_array_equal(nearest_neighbour(parents, marks)[0], wanted)


def test_shrinkage_divides_by_one_plus_distance_over_root_size() -> None:
    rng = np.random.default_rng(3)
    parents, target = random_tree(30, rng), rng.normal(size=30)
    marks = np.arange(30) % 7 == 3
    distance, source = nearest_neighbour(parents, marks)
    wanted = target[source] / (1 + distance / np.sqrt(30))
    np.testing.assert_allclose(shrunk_nearest_neighbour(parents, marks, target), wanted, rtol=1e-15)


# -- kriging ----------------------------------------------------------------------------------------------------------


@given(problems())
@settings(max_examples=60, deadline=None)
def test_kriging_is_the_dense_gaussian_process_with_a_flat_level(problem: Any) -> None:
    parents, marks, target = problem
    known = np.flatnonzero(marks)
    # ordinary kriging with the variogram l(x, y) / 2: a bordered system, solved densely
    variogram = all_distances(parents) / 2
    system = np.ones((known.size + 1, known.size + 1))
    system[:-1, :-1] = variogram[np.ix_(known, known)]
    system[-1, -1] = 0
    right = np.vstack([variogram[known], np.ones(parents.size)])
    weights = np.linalg.solve(system, right)
    np.testing.assert_allclose(kriging(parents, marks, target), weights[:-1].T @ target[known], atol=1e-10)
    error = (weights * right).sum(axis=0)
    np.testing.assert_allclose(kriging_variance(parents, marks), error, atol=1e-10)


def test_kriging_is_harmonic_and_keeps_its_digits_on_a_long_tree() -> None:
    parents = sample_tree(20_000, 3, rng=4)
    rng = np.random.default_rng(5)
    marks, target = np.zeros(parents.size, dtype=bool), 1e6 + rng.normal(size=parents.size)
    marks[rng.choice(parents.size, 3, replace=False)] = True
    found = kriging(parents, marks, target)
    edges = graph(parents)
    degrees = np.asarray(edges.sum(axis=1)).ravel()
    # rounding of one average is about 1e-10 at the level 1e6
    np.testing.assert_allclose((edges @ found / degrees)[~marks], found[~marks], rtol=0, atol=1e-8)
    np.testing.assert_array_equal(found[marks], target[marks])


@given(problems())
@settings(max_examples=40, deadline=None)
def test_kriging_is_never_worse_and_with_one_mark_equal(problem: Any) -> None:
    parents, marks, target = problem
    distance, _ = nearest_neighbour(parents, marks)
    assert (kriging_variance(parents, marks) <= distance + 1e-12).all()
    one = np.arange(parents.size) == np.flatnonzero(marks)[0]
    np.testing.assert_allclose(kriging_variance(parents, one), nearest_neighbour(parents, one)[0], rtol=1e-12)
    np.testing.assert_allclose(kriging(parents, one, target), target[one][0], rtol=1e-12)


def test_squared_errors_have_the_stated_means() -> None:
    rng = np.random.default_rng(6)
    parents = sample_tree(120, 6, rng=rng)
    marks = np.arange(120) % 30 == 7
    distance, source = nearest_neighbour(parents, marks)
    errors = []
    for _ in range(2000):
        target = np.concatenate([[0.0], rng.normal(size=119)])
        for site in range(1, 120):
            target[site] += target[parents[site]]
        errors.append(
            [np.mean((target - target[source]) ** 2), np.mean((target - kriging(parents, marks, target)) ** 2)]
        )
    wanted = np.array([distance.mean(), kriging_variance(parents, marks).mean()])
    spread = np.std(errors, axis=0) / np.sqrt(len(errors))
    assert (np.abs(np.mean(errors, axis=0) - wanted) < SIGMAS * spread).all()


# -- laws -------------------------------------------------------------------------------------------------------------


def test_distances_follow_the_exact_local_law() -> None:
    degree, size, density, trees = 6, 100_000, 0.01, 60
    rng = np.random.default_rng(7)
    means = []
    for _ in range(trees):
        marks = rng.random(size) < density
        means.append(nearest_neighbour(sample_tree(size, degree, rng=rng), marks)[0].mean())
    m = degree - 1
    free, slope, exact = 1.0, 1.0, 0.0
    while slope > 1e-15:
        following = (1 - density) * (1 + (free - 1) / m) ** m
        exact += slope * following
        slope *= (1 - density) * (1 + (free - 1) / m) ** (m - 1)
        free = following
    # sites near the rim of the finite tree add a relative error of order one mark in size * density
    slack = SIGMAS * np.std(means) / np.sqrt(trees) + exact / (size * density)
    assert abs(np.mean(means) - exact) < slack
    assert abs(exact - (np.sqrt(2 * m / ((degree - 2) * density)) - 7 / 6 * degree / (degree - 2))) < np.sqrt(density)


# -- pieces -----------------------------------------------------------------------------------------------------------


@given(problems(), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_pieces_are_connected_of_the_stated_sizes_and_predicted_by_their_mean(problem: Any, least: int) -> None:
    parents, _, target = problem
    found, n_pieces = piecewise_constant(parents, target, least)
    label = np.arange(parents.size)
    for site in range(1, parents.size):
        if found[site] == found[parents[site]]:
            label[site] = label[parents[site]]
    names, counts = np.unique(label, return_counts=True)
    assert names.size == n_pieces
    most = np.bincount(parents[1:]).max() * (least - 1) + 1
    assert all(least <= count <= most for name, count in zip(names, counts, strict=True) if name != 0)
    for name in names:
        assert found[name] == pytest.approx(target[label == name].mean(), abs=1e-12)


def test_pieces_of_one_site_reproduce_the_target_and_one_piece_its_mean() -> None:
    rng = np.random.default_rng(8)
    parents, target = random_tree(25, rng), rng.normal(size=25)
    found, n_pieces = piecewise_constant(parents, target, 1)
    assert n_pieces == 25
    np.testing.assert_array_equal(found, target)
    found, n_pieces = piecewise_constant(parents, target, 100)
    assert n_pieces == 1
    np.testing.assert_allclose(found, target.mean(), rtol=1e-12)


def test_a_number_of_pieces_is_never_exceeded_and_nearly_reached() -> None:
    rng = np.random.default_rng(9)
    parents, target = random_tree(3000, rng), rng.normal(size=3000)
    for wanted in (1, 7, 60, 3000):
        found, n_pieces = piecewise_constant(parents, target, n_pieces=wanted)
        # the next smaller least size gives more than were asked for, so that none is wasted for want of a try
        assert n_pieces <= wanted < 1.5 * n_pieces
        assert np.unique(found).size == n_pieces


@pytest.mark.parametrize("given", [{}, {"piece_size": 2, "n_pieces": 2}, {"n_pieces": 0}])
def test_pieces_need_a_size_or_a_number(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="n_pieces"):
        piecewise_constant([-1, 0], [0.0, 1.0], **given)


# -- Euclid -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", [1, 2, 20])
def test_euclidean_neighbours_are_those_of_the_distance_matrix(dimension: int) -> None:
    rng = np.random.default_rng(dimension)
    points, marks = rng.normal(size=(500, dimension)), rng.random(500) < 0.1
    known = np.flatnonzero(marks)
    wanted = known[cdist(points, points[known]).argmin(axis=1)]
    np.testing.assert_array_equal(euclidean_nearest_neighbour(points, marks), wanted)


def test_marks_in_one_place_are_each_their_own_neighbour() -> None:
    assert euclidean_nearest_neighbour(np.zeros((3, 2)), [True, True, True]).tolist() == [0, 1, 2]


# -- errors -----------------------------------------------------------------------------------------------------------

TREE, MARKS = [-1, 0, 0, 2], [True, False, False, True]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nearest_neighbour([0, 0], [True, True]), r"parents\[0\]=0 must be in \[-1, -1\]"),
        (lambda: nearest_neighbour([-1, 0, 2], [True] * 3), r"parents\[2\]=2 must be in \[0, 1\]"),
        (lambda: kriging([-1, 0, -1], [True] * 3, [0.0] * 3), r"parents\[2\]=-1 must be in \[0, 1\]"),
        (lambda: nearest_neighbour([], []), r"parents has shape \(0,\); it must be a vector of 1 to 1073741824 sites"),
        (lambda: nearest_neighbour([-1, 0.5], [True] * 2), r"parents holds 0\.5"),
        (lambda: nearest_neighbour(TREE, [False] * 4), r"marks holds no True"),
        (lambda: nearest_neighbour(TREE, [1, 0, 0, 1]), r"marks has dtype int64 and shape \(4,\); it must be bool"),
        (lambda: kriging_variance(TREE, [True]), r"marks has dtype bool and shape \(1,\); it must be bool of shape"),
        (lambda: kriging(TREE, MARKS, [0.0, 1.0]), r"target has shape \(2,\); it must be \(4,\)"),
        (lambda: shrunk_nearest_neighbour(TREE, MARKS, [0.0, np.nan, 0, 0]), r"target holds nan"),
        (lambda: piecewise_constant(TREE, [0.0] * 4, 0), r"piece_size=0 must be an integer in \[1, "),
        (lambda: euclidean_nearest_neighbour([0.0, 1.0], [True, False]), r"positions has shape \(2,\)"),
        (lambda: euclidean_nearest_neighbour([[np.inf]], [True]), r"positions holds inf"),
    ],
)
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


PLAIN = """
import numpy as np
from neuroscale.percolation import kriging, kriging_variance, nearest_neighbour, piecewise_constant
parents = np.array([-1, 0, 0, 1, 1, 2, 5, 5, 3])
marks = np.arange(9) % 4 == 3
target = np.arange(9.0) ** 2
print([a.tolist() for a in nearest_neighbour(parents, marks)])
print(kriging(parents, marks, target).tolist(), kriging_variance(parents, marks).tolist())
print(piecewise_constant(parents, target, 3)[0].tolist())
"""


def test_without_compilation_the_result_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}
    run = subprocess.run(
        [sys.executable, "-c", PLAIN], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    exec(PLAIN, {})
    assert run.stdout == capsys.readouterr().out
    assert len(run.stdout.splitlines()) == 3
