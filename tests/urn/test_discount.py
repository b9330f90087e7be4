"""The estimator of the discount: a maximum on both branches, with standard errors that cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from neuroscale.urn import DiscountFit, PitmanYor, discount_information, fit_discount
from neuroscale.urn.discount import _Likelihood

#: False-alarm rate of every statistical test here; seeds are fixed.
ALARM = 1e-6
CASES = [
    (PitmanYor(0.5, 0.0), 10**5),
    (PitmanYor(0.8, -0.5), 10**4),
    (PitmanYor(0.3, 20.0), 10**4),
    (PitmanYor.finite(400, 0.5), 10**4),
    (PitmanYor.finite(100, 2.0), 10**6),
]


@pytest.mark.parametrize(("urn", "D"), CASES, ids=str)
def test_fit_recovers_the_urn(urn: PitmanYor, D: int) -> None:
    fits = [fit_discount(urn.sample_counts(D, rng=seed)) for seed in range(12)]
    values = np.array([fit.urn.discount for fit in fits])
    scores = (values - urn.discount) / np.array([fit.error for fit in fits])
    # 12 scores of mean 0 and standard deviation about 1: 1.5 allows for skewness
    assert abs(scores.mean()) < 1.5 * stats.norm.isf(ALARM / 2) / np.sqrt(12)
    assert 0.4 < scores.std() < 2.0
    branch = [fit.evidence > 0 for fit in fits]
    assert sum(branch) == (12 if urn.discount > 0 else 0)
    assert all((fit.urn.n_types is None) == (fit.evidence >= 0) for fit in fits)


@pytest.mark.parametrize(("urn", "D"), CASES, ids=str)
def test_fit_is_a_maximum_of_the_exact_likelihood(urn: PitmanYor, D: int) -> None:
    counts = urn.sample_counts(D, rng=5)
    fit = fit_discount(counts)
    top = fit.urn.log_probability(counts)
    assert top == pytest.approx(max(fit.log_likelihoods), abs=1e-6)
    a, theta = fit.urn.discount, fit.urn.concentration
    if fit.urn.n_types is None:
        near = [PitmanYor(a + da, theta + dt) for da in (-0.003, 0.003) for dt in (-0.01, 0.01)]
    else:
        near = [PitmanYor.finite(fit.urn.n_types, -a * f) for f in (0.98, 1.02)]
        near += [PitmanYor.finite(fit.urn.n_types + step, -a) for step in (-1, 1)]
    assert all(other.log_probability(counts) < top for other in near)


@pytest.mark.parametrize(("a", "theta"), [(0.4, 1.3), (-0.7, 70.0), (0.9, -0.2)])
def test_curvature_against_mpmath(a: float, theta: float) -> None:
    counts = np.array([5, 1, 1, 30, 2, 7])
    information = _Likelihood(counts).information(a, theta)

    def log_probability(a_: Any, t_: Any) -> Any:
        new = sum(mp.log(t_ + j * a_) for j in range(1, 6))
        inside = sum(mp.log(mp.rf(1 - a_, int(n) - 1)) for n in counts)
        return new + inside - mp.log(mp.rf(t_ + 1, int(counts.sum()) - 1))

    with mp.workdps(50):
        point = (mp.mpf(a), mp.mpf(theta))
        for (row, column), order in {(0, 0): (2, 0), (0, 1): (1, 1), (1, 1): (0, 2)}.items():
            exact = float(-mp.diff(log_probability, point, order))
            assert information[row, column] == pytest.approx(exact, rel=1e-8)
    assert information[0, 1] == information[1, 0]


@pytest.mark.parametrize("a", [0.05, 0.5, 0.95, 1e-9])
def test_information_is_the_series(a: float) -> None:
    with mp.workdps(30):
        exact = mp.hyp2f1(-a, -a, 1 - a, 1) / mp.mpf(a) ** 2
        assert discount_information(a) == pytest.approx(float(exact), rel=1e-13)


def test_error_per_cluster_approaches_the_information() -> None:
    ratios = []
    for D in (10**5, 10**9):
        counts = PitmanYor(0.5, 0.0).sample_counts(D, rng=3)
        curvature = _Likelihood(counts).information(0.5, 1e-9)[0, 0]
        ratios.append(curvature / counts.size / discount_information(0.5))
    assert abs(ratios[1] - 1) < 0.03  # sampling of 2e4 clusters
    assert abs(ratios[1] - 1) < abs(ratios[0] - 1) + 0.03


def test_zeros_and_order_do_not_matter() -> None:
    counts = PitmanYor(0.5, 0.0).sample_counts(10**4, rng=6)
    one = fit_discount(counts)
    assert isinstance(one, DiscountFit)
    assert fit_discount(np.append(np.zeros(9), counts[::-1])) == one
    assert one.n_data == 10**4
    assert one.n_clusters == counts.size


def test_all_types_seen() -> None:
    counts = PitmanYor.finite(50, 3.0).sample_counts(10**6, rng=7)
    fit = fit_discount(counts)
    assert fit.urn.n_types == 50
    assert fit.concentration_error == pytest.approx(50 * fit.error)
    low, high = fit.interval(0.9999)
    assert low < -3.0 < high


def test_equal_clusters_end_the_search() -> None:
    fit = fit_discount([100] * 20)
    assert fit.urn.discount < -1e4
    assert fit.error == np.inf
    assert fit.evidence < 0


def test_no_discount_is_on_neither_side_by_much() -> None:
    fits = [fit_discount(PitmanYor(0.0, 30.0).sample_counts(10**5, rng=seed)) for seed in range(6)]
    assert max(abs(fit.evidence) for fit in fits) < 10
    assert max(abs(fit.urn.discount) / fit.error for fit in fits) < 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_discount([5]), r"counts holds 1 clusters of at most 5; two, and one of two, are needed"),
        (lambda: fit_discount([1, 1, 1]), r"counts holds 3 clusters of at most 1; two, and one of two"),
        (lambda: fit_discount([]), r"counts holds 0 clusters of at most 0"),
        (lambda: fit_discount([1.5, 2]), r"counts holds 1\.5; every value must be an integer"),
        (lambda: fit_discount([-1, 2]), r"counts holds -1; every value must lie in \[0, "),
        (lambda: discount_information(0.0), r"discount=0\.0 must be a finite number in \(0, 1\)"),
        (lambda: fit_discount([1, 5, 2]).interval(1.0), r"level=1\.0 must be a finite number in \(0, 1\)"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
