"""The Pitman-Yor urn on both branches: closed forms against enumeration and mpmath, samplers against their laws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroscale.activation import ActivationLaw
from neuroscale.urn import BuffetUrn, PitmanYor, stationary_log_pmf
from neuroscale.urn import _kernels as kernels

#: False-alarm rate of every statistical test here; seeds are fixed.
ALARM = 1e-6
SIGMAS = float(stats.norm.isf(ALARM / 2))
URNS = [
    PitmanYor(0.5, 0.0),
    PitmanYor(0.2, 3.0),
    PitmanYor(0.9, -0.6),
    PitmanYor(0.0, 2.0),
    PitmanYor.finite(4, 0.5),
    PitmanYor.finite(40, 3.0),
]
MANY = settings(derandomize=True, deadline=None, max_examples=60)


def partitions(n: int) -> Iterator[list[int]]:
    """Every labelling of ``n`` data in order of appearance."""

    def extend(labels: list[int]) -> Iterator[list[int]]:
        if len(labels) == n:
            yield labels
            return
        for label in range(max(labels, default=-1) + 2):
            yield from extend([*labels, label])

    return extend([])


# -- laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("urn", URNS, ids=str)
def test_probability_is_the_product_of_the_steps(urn: PitmanYor) -> None:
    total, clusters, mates = 0.0, 0.0, np.zeros(5)
    for labels in partitions(5):
        product = 1.0
        for done in range(5):
            counts = np.bincount(labels[:done]) if done else np.array([], dtype=int)
            if urn.n_types is not None and counts.size == urn.n_types:
                step = np.append(urn.predictive(counts)[:-1], 0.0)
            else:
                step = urn.predictive(counts)
            product *= step[labels[done]]
        counts = np.bincount(labels)
        assert np.exp(urn.log_probability(counts)) == pytest.approx(product, rel=1e-12, abs=1e-300)
        total += product
        clusters += product * counts.size
        mates[counts[labels[-1]] - 1] += product
    assert total == pytest.approx(1.0, rel=1e-12)
    assert float(urn.clusters(5)) == pytest.approx(clusters, rel=1e-12)
    np.testing.assert_allclose(np.exp(urn.log_count_pmf(np.arange(5), 4)), mates, rtol=1e-11)


@pytest.mark.parametrize("urn", URNS, ids=str)
def test_means_are_consistent(urn: PitmanYor) -> None:
    unseen = urn.unseen_mass(np.arange(300))
    assert unseen[0] == 1.0
    np.testing.assert_allclose(urn.clusters(np.arange(301)), np.append(0.0, np.cumsum(unseen)), rtol=1e-12)
    for D in (1, 2, 80):
        k = np.arange(1, D + 1)
        means = np.exp(urn.log_cluster_mean(k, D))
        assert means.sum() == pytest.approx(float(urn.clusters(D)), rel=1e-12)
        assert means @ k == pytest.approx(D, rel=1e-12)
        pmf = np.exp(urn.log_count_pmf(np.arange(D + 1), D))
        assert pmf.sum() == pytest.approx(1.0, rel=1e-12)
        assert pmf[0] == pytest.approx(float(urn.unseen_mass(D)), rel=1e-11)
    assert urn.log_cluster_mean(81, 80) == -np.inf
    assert urn.log_count_pmf(81, 80) == -np.inf


@MANY
@given(
    a=st.one_of(st.just(0.0), st.floats(1e-6, 0.999)),
    above=st.floats(-3, 6).map(lambda power: float(10.0**power)),
    data=st.floats(0, 13).map(lambda power: float(np.floor(10.0**power))),
)
def test_growth_against_mpmath(a: float, above: float, data: float) -> None:
    urn = PitmanYor(a, above - a)
    with mp.workdps(60):
        a_, t_, D_ = mp.mpf(urn.discount), mp.mpf(urn.concentration), mp.mpf(data)
        if a == 0.0:
            exact = t_ * (mp.digamma(t_ + D_) - mp.digamma(t_))
        elif t_ == 0:
            exact = mp.exp(mp.loggamma(D_ + a_) - mp.loggamma(D_) - mp.loggamma(1 + a_))
        else:
            ratio = mp.exp(mp.loggamma(t_ + a_ + D_) - mp.loggamma(t_ + D_)) * mp.gammaprod([t_], [t_ + a_])
            exact = t_ / a_ * (ratio - 1)
        # concentration + discount is rounded to an ulp of the discount where it is near 0
        assert abs(mp.mpf(float(urn.clusters(data))) / exact - 1) < 1e-12 + 4e-16 * a / above


@MANY
@given(
    types=st.floats(0, 9).map(lambda power: int(10.0**power)),
    b=st.floats(-3, 3).map(lambda power: float(10.0**power)),
    data=st.floats(0, 13).map(lambda power: float(np.floor(10.0**power))),
)
def test_finite_growth_against_mpmath(types: int, b: float, data: float) -> None:
    urn = PitmanYor.finite(types, b)
    assert urn.n_types == types
    if types == 1:
        assert float(urn.clusters(data)) == 1.0
        return
    with mp.workdps(60):
        b_, t_, D_ = mp.mpf(b), mp.mpf(b) * types, mp.mpf(data)
        log_missed = mp.loggamma(t_ - b_ + D_) + mp.loggamma(t_) - mp.loggamma(t_ - b_) - mp.loggamma(t_ + D_)
        exact = -types * mp.expm1(log_missed)
        # the discount and concentration that the urn keeps are rounded
        assert abs(mp.mpf(float(urn.clusters(data))) / exact - 1) < 1e-11


def test_growth_from_a_known_start() -> None:
    """One step by the rule, many steps by exact recursion."""
    for urn, known in ((PitmanYor(0.5, 0.3), 7), (PitmanYor(0.0, 4.0), 3), (PitmanYor.finite(12, 0.7), 5)):
        mean = float(known)
        for done in range(20, 60):
            assert float(urn.clusters(done, start=(20, known))) == pytest.approx(mean, rel=1e-12)
            mean += (urn.concentration + urn.discount * mean) / (done + urn.concentration)


def test_brill_and_zhang_sui() -> None:
    D = np.array([1, 7, 200, 10**6])
    exact = [float(mp.gammaprod([d + mp.mpf(0.5)], [mp.mpf(1.5), d])) for d in (1, 7, 200)]
    np.testing.assert_allclose(PitmanYor(0.5, 0.0).clusters(D[:3]), exact, rtol=1e-12)
    layer = ActivationLaw(1000, 1, 0.5)
    np.testing.assert_allclose(PitmanYor.finite(1000, 0.5).clusters(D), layer.working_neurons(D), rtol=1e-12)
    # a buffet of mass one has the same arrivals
    np.testing.assert_allclose(PitmanYor(0.3, 2.0).clusters(D), BuffetUrn(1.0, 2.0, 0.3).working_neurons(D), rtol=1e-14)


def test_sizes_settle_on_the_stationary_law() -> None:
    k = np.arange(1, 6)
    urn = PitmanYor(0.5, 0.0)
    share = urn.log_cluster_mean(k, 10**8) - np.log(urn.clusters(10**8))
    np.testing.assert_allclose(share, stationary_log_pmf(k, 0.5), atol=1e-7)  # theta = 0: corrections k/D


def test_more_clusters_than_types_are_impossible() -> None:
    urn = PitmanYor.finite(3, 0.5)
    assert urn.log_probability([1, 1, 1, 1]) == -np.inf
    assert urn.predictive([2, 1, 1])[-1] == 0.0
    assert PitmanYor(0.5, 0.0).predictive([]).tolist() == [1.0]


# -- samplers ---------------------------------------------------------------------------------------------------------


def classes(draw: Callable[[int], Any], urn: PitmanYor, D: int, runs: int) -> float:
    """Largest distance, in standard errors, of the numbers of clusters with 1 to 5 and more data from their means."""
    seen = np.empty((runs, 6))
    for seed in range(runs):
        counts = draw(seed)
        assert counts.sum() == D
        assert counts.min() >= 1
        seen[seed] = np.bincount(np.minimum(counts, 6), minlength=7)[1:]
    means = np.exp(urn.log_cluster_mean(np.arange(1, D + 1), D))
    expected = np.append(means[:5], means[5:].sum())
    error = np.maximum(seen.std(axis=0), 0.2) / np.sqrt(runs)
    return float(np.max(np.abs(seen.mean(axis=0) - expected) / error))


@pytest.mark.parametrize("urn", URNS, ids=str)
@pytest.mark.parametrize("way", ["simulate", "sample_counts"])
def test_samplers_follow_the_law(urn: PitmanYor, way: str) -> None:
    def draw(seed: int) -> Any:
        return np.bincount(urn.simulate(50, rng=seed)) if way == "simulate" else urn.sample_counts(50, rng=seed)

    # six numbers: the bound is 5.2 sigmas for the stated rate
    assert classes(draw, urn, 50, 400) < stats.norm.isf(ALARM / 12)


def test_the_test_notices_another_discount() -> None:
    near = PitmanYor(0.4, 0.0)
    assert classes(lambda seed: near.sample_counts(50, rng=seed), URNS[0], 50, 400) > SIGMAS


@pytest.mark.parametrize("urn", URNS, ids=str)
def test_labels_come_in_order_of_appearance(urn: PitmanYor) -> None:
    labels = urn.simulate(200, rng=1)
    peaks = np.maximum.accumulate(labels)
    assert labels[0] == 0
    assert np.all(np.diff(peaks) <= 1)
    if urn.n_types is not None:
        assert peaks[-1] < urn.n_types


def test_large_samples() -> None:
    counts = PitmanYor.finite(1000, 0.1).sample_counts(10**12, rng=2)
    assert counts.sum() == 10**12
    assert counts.size <= 1000
    assert PitmanYor(0.5, 0.0).sample_counts(10**9, rng=3).sum() == 10**9
    assert PitmanYor.finite(1, 0.5).sample_counts(77, rng=0).tolist() == [77]


def test_seeds() -> None:
    urn = PitmanYor(0.5, 0.0)
    draws: list[Callable[[Any], Any]] = [
        lambda rng: urn.simulate(60, rng=rng),
        lambda rng: urn.sample_counts(6000, rng=rng),
    ]
    for draw in draws:
        assert np.array_equal(draw(7), draw(np.random.default_rng(7)))
        assert not np.array_equal(draw(7), draw(8))
    # more clusters than fit at first: the array grows, and the draw is the same
    assert urn.sample_counts(10**8, rng=1).size > 4096


def test_kernels_run_uncompiled() -> None:
    peel = getattr(kernels.peel, "py_func", kernels.peel)
    counts = np.empty(100, dtype=np.int64)
    found = peel(np.random.default_rng(1), 100, 0.5, 0.5, 2**62, counts)
    assert counts[:found].sum() == 100
    assert peel(np.random.default_rng(1), 100, 0.5, 0.5, 2**62, counts[:1]) == (-1 if found > 1 else 1)
    seat = getattr(kernels.seat, "py_func", kernels.seat)
    labels, work = np.empty(50, dtype=np.int64), np.empty(50, dtype=np.int64)
    for a, theta in ((0.5, 0.0), (-0.5, 2.0)):
        seat(np.random.default_rng(2), a, theta, labels, work)
        assert labels.max() + 1 <= (4 if a < 0 else 50)


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PitmanYor(1.0, 0.0), r"discount=1\.0 must be a finite number in \[-1e\+300, 1\)"),
        (lambda: PitmanYor(np.nan, 0.0), r"discount=nan must be a finite number"),
        (lambda: PitmanYor(0.5, -0.5), r"concentration=-0\.5 must be a finite number in \(-0\.5, inf\)"),
        (lambda: PitmanYor(0.0, 0.0), r"concentration=0\.0 must be a finite number in \(-?0, inf\)"),
        (lambda: PitmanYor(-0.5, 1.2), r"concentration=1\.2 must be a whole multiple of -discount=0\.5"),
        (lambda: PitmanYor(-0.5, 0.1), r"concentration=0\.1 must be a whole multiple of -discount=0\.5"),
        (lambda: PitmanYor.finite(0, 0.5), r"n_types=0 must be an integer in \[1, "),
        (lambda: PitmanYor.finite(3, 0.0), r"weight=0\.0 must be a finite number in \(0, inf\)"),
        (lambda: URNS[0].unseen_mass(-1), r"D holds -1\.0; every value must be finite and at least 0"),
        (lambda: URNS[0].clusters(3, start=(5, 2)), r"D holds 3\.0; every value must be finite and at least 5"),
        (lambda: URNS[0].clusters(9, start=(5, 6)), r"start\[1\]=6 must be a finite number in \[1, 5\]"),
        (lambda: URNS[4].clusters(9, start=(9, 5)), r"start\[1\]=5 must be a finite number in \[1, 4\]"),
        (lambda: URNS[0].log_count_pmf(-1, 5), r"k holds -1\.0"),
        (lambda: URNS[0].log_cluster_mean(0, 5), r"k holds 0\.0"),
        (lambda: URNS[0].log_cluster_mean(1, 0), r"D=0 must be an integer in \[1, "),
        (lambda: URNS[0].log_probability([]), r"counts is empty"),
        (lambda: URNS[0].log_probability([1, 0]), r"counts holds 0; every value must lie in \[1, "),
        (lambda: URNS[0].log_probability([1.5]), r"counts holds 1\.5; every value must be an integer"),
        (lambda: URNS[4].predictive([1] * 5), r"counts holds 5 clusters; there are 4 types"),
        (lambda: URNS[0].simulate(0, rng=0), r"D=0 must be an integer in \[1, "),
        (lambda: URNS[0].sample_counts(0, rng=0), r"D=0 must be an integer in \[1, "),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
