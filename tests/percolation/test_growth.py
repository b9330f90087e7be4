"""Cluster numbers and the growth of single clusters: exact laws, exponents and thresholds."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from neuroscale.percolation import (
    CRITICAL_EXPONENTS,
    cluster_numbers,
    estimate_fisher_exponent,
    estimate_threshold,
    grow_clusters,
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


@pytest.mark.parametrize("dimension", [3, 4, 5, 6, 7])
def test_thresholds_from_growth(dimension: int) -> None:
    # at the default size the standard error is a fifth of the bar, or less, and the systematic error of its order
    estimate = estimate_threshold(dimension, rng=1)
    assert abs(estimate.value - THRESHOLDS[dimension][0]) < 1e-3
    assert estimate.error <= 2e-4


@pytest.mark.parametrize("dimension", [4, 5, 6, 7])
def test_bond_thresholds_from_growth(dimension: int) -> None:
    estimate = estimate_threshold(dimension, kind="bond", rng=1)
    assert abs(estimate.value - THRESHOLDS[dimension][1]) < 1e-3
    assert estimate.error <= 2e-4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grow_clusters(0.5, 9, cap=10, n_clusters=1, rng=1), "dimension=9"),
        (lambda: grow_clusters(0.5, 2, kind="edge", cap=10, n_clusters=1, rng=1), "kind='edge'"),
        (lambda: grow_clusters(0.5, 2, cap=0, n_clusters=1, rng=1), "cap=0"),
        (lambda: cluster_numbers(2, 0), "max_size=0"),
        (lambda: estimate_threshold(1, rng=1), "dimension=1"),
    ],
)
def test_bad_input(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def test_the_fisher_exponent_and_its_error() -> None:
    # exact in two dimensions; the correction to scaling is below 0.01 there
    found = [estimate_fisher_exponent(2, rng=seed) for seed in range(8)]
    values, errors = np.transpose(found)
    assert abs(values.mean() - CRITICAL_EXPONENTS[2][0]) < 0.01 + 4 * errors.mean() / 8**0.5
    # the sample variance of 8 is outside these factors of the stated one with probability below 1e-3
    assert 0.05 < values.var(ddof=1) / np.mean(errors**2) < 3.9


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"dimension": 8}, "dimension=8"),
        ({"dimension": 2, "cap": 256}, "cap=256"),
        ({"dimension": 7, "n_clusters": 99}, "n_clusters=99"),
    ],
)
def test_fisher_exponent_refuses(arguments: dict[str, int], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        estimate_fisher_exponent(**arguments, rng=0)
