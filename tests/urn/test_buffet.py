"""The three-parameter buffet urn: closed forms against brute force and mpmath, samplers against their laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroscale.activation import ActivationLaw
from neuroscale.activation.beta_binomial import log_pmf
from neuroscale.urn import BuffetPath, BuffetUrn, fit_buffet, stationary_log_pmf

#: False-alarm rate of every statistical test here; seeds are fixed.
ALARM = 1e-6
SIGMAS = float(stats.norm.isf(ALARM / 2))
URNS = [
    BuffetUrn(3.0, 1.0, 0.5),
    BuffetUrn(5.0, 20.0, 0.0),
    BuffetUrn(2.0, -0.3, 0.6),
    BuffetUrn(0.5, 0.0, 0.9),
    BuffetUrn(40.0, 7.0, 0.05),
]


# -- means ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("urn", URNS, ids=str)
def test_arrivals_add_up(urn: BuffetUrn) -> None:
    rates = urn.arrival_rate(np.arange(500))
    assert rates[0] == pytest.approx(urn.mass, rel=1e-15)
    totals = urn.working_neurons(np.arange(501))
    assert totals[0] == 0.0
    # 500 terms, each good to 1e-14
    np.testing.assert_allclose(totals[1:], np.cumsum(rates), rtol=1e-12)
    later = [rates[100:120].sum(), rates[100:].sum()]
    np.testing.assert_allclose(urn.working_neurons([120, 500], since=100), later, rtol=1e-12)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    s=st.floats(1e-6, 0.999),
    above=st.floats(-3, 6).map(lambda power: float(10.0**power)),
    samples=st.floats(0, 15).map(lambda power: float(np.floor(10.0**power))),
)
def test_growth_against_mpmath(s: float, above: float, samples: float) -> None:
    urn = BuffetUrn(1.0, above - s, s)
    with mp.workdps(60):
        s_, t_, D_ = mp.mpf(urn.discount), mp.mpf(urn.concentration), mp.mpf(samples)
        bracket = mp.gammaprod([1 + t_], [t_ + s_]) * mp.exp(mp.loggamma(D_ + t_ + s_) - mp.loggamma(D_ + t_)) - t_
        exact = bracket / s_
        # t + s itself is rounded to an ulp of s where t is near -s
        slack = 1e-12 + 4e-16 * s / above
        assert abs(mp.mpf(float(urn.working_neurons(samples))) / exact - 1) < slack


@pytest.mark.parametrize("t", [1e-3, 1.0, 300.0])
def test_no_discount_is_the_limit_of_small_discounts(t: float) -> None:
    D = np.array([1.0, 10.0, 1e6])
    limit = BuffetUrn(2.0, t).working_neurons(D)
    small = [BuffetUrn(2.0, t, s).working_neurons(D) for s in (1e-8, 1e-4)]
    # the difference is of the order s ln(D) (1 + 1/t)
    np.testing.assert_allclose(small[0], limit, rtol=1e-6 * (1 + 1 / t))
    assert not np.allclose(small[1][2], limit[2], rtol=1e-6)
    with mp.workdps(40):
        exact = [float(2 * t * (mp.digamma(mp.mpf(d) + t) - mp.digamma(t))) for d in D]
    np.testing.assert_allclose(limit, exact, rtol=1e-12)


def test_growth_exponent() -> None:
    urn = BuffetUrn(3.0, 2.0, 0.4)
    slope = np.diff(np.log(urn.working_neurons([1e10, 1e12])))[0] / np.log(100)
    # the constant t in the bracket fades as D^-s = 1e-4
    assert slope == pytest.approx(0.4, abs=1e-4)


def test_the_activation_process_has_the_same_growth_at_a_negative_discount() -> None:
    """Between the urns: (gamma/s)[...] at s = -b is N (1 - q)."""
    law = ActivationLaw(1000, 10, 0.5)
    a, b = law.concentration, law.b
    with mp.workdps(40):
        for D in (1, 50, 10_000):
            bracket = mp.gamma(1 + a) / mp.gamma(a - b) * mp.gammaprod([D + a - b], [D + a]) - a
            assert float(law.working_neurons(D)) == pytest.approx(float(10 / mp.mpf(-b) * bracket), rel=1e-12)


@pytest.mark.parametrize("urn", URNS, ids=str)
@pytest.mark.parametrize("D", [1, 2, 60])
def test_count_means(urn: BuffetUrn, D: int) -> None:
    k = np.arange(1, D + 1)
    means = np.exp(urn.log_count_mean(k, D))
    assert means.sum() == pytest.approx(float(urn.working_neurons(D)), rel=1e-12)
    assert means @ k == pytest.approx(urn.mass * D, rel=1e-12)  # every sample activates `mass` neurons
    s, t = urn.discount, urn.concentration
    picked = np.exp(log_pmf(k - 1, D - 1, 1 - s, t + s))  # size-biased: beta-binomial
    np.testing.assert_allclose(means * k / (urn.mass * D), picked, rtol=1e-11)
    assert urn.log_count_mean(D + 1, D) == -np.inf


def test_count_means_follow_the_rule() -> None:
    """Forward equation: who leaves count k and who arrives, by the rule alone."""
    urn, D = BuffetUrn(3.0, 1.5, 0.3), 40
    k = np.arange(1, D + 2)
    now = np.exp(urn.log_count_mean(k, D))
    fires = (k - urn.discount) / (D + urn.concentration)
    then = now * (1 - fires)
    then[1:] += (now * fires)[:-1]
    then[0] += urn.arrival_rate(D)
    np.testing.assert_allclose(np.exp(urn.log_count_mean(k, D + 1)), then, rtol=1e-11)


@pytest.mark.parametrize("s", [0.1, 0.5, 0.95])
def test_stationary_law(s: float) -> None:
    k = np.arange(1, 20_001)
    p = np.exp(stationary_log_pmf(k, s))
    with mp.workdps(40):
        tail = float(mp.exp(mp.loggamma(20_001 - mp.mpf(s)) - mp.loggamma(1 - mp.mpf(s)) - mp.loggamma(20_001)))
    assert p.sum() + tail == pytest.approx(1.0, abs=1e-10)
    np.testing.assert_allclose(p[1:] / p[:-1], (k[:-1] - s) / (k[:-1] + 1), rtol=1e-10)
    # the tail k^-(1+s) s/Gamma(1-s), next order s(1+s)/2k
    leading = s / float(mp.gamma(1 - s)) * k[-1] ** (-1.0 - s)
    assert p[-1] == pytest.approx(leading, rel=1e-4)


def test_counts_settle_on_the_stationary_law() -> None:
    urn, k = BuffetUrn(3.0, 1.0, 0.5), np.arange(1, 11)
    errors = []
    for D in (10**4, 10**6, 10**8):
        share = urn.log_count_mean(k, D) - np.log(urn.working_neurons(D))
        errors.append(np.abs(share - stationary_log_pmf(k, 0.5)).max())
    # the slowest term is the constant t of the bracket, D^-s
    assert np.polyfit(np.log([1e4, 1e6, 1e8]), np.log(errors), 1)[0] == pytest.approx(-0.5, abs=0.02)


# -- samplers ---------------------------------------------------------------------------------------------------------


def classes(draw: Callable[[int], Any], urn: BuffetUrn, D: int, runs: int) -> float:
    """p-value of the numbers of neurons with counts 1..8 and above: independent Poisson variables."""
    pooled = np.concatenate([draw(seed) for seed in range(runs)])
    seen = np.array([*(np.sum(pooled == k) for k in range(1, 9)), np.sum(pooled > 8)])
    means = np.exp(urn.log_count_mean(np.arange(1, D + 1), D))
    expected = runs * np.array([*means[:8], means[8:].sum()])
    assert expected.min() > 10
    return float(stats.chi2.sf(np.sum((seen - expected) ** 2 / expected), 9))


@pytest.mark.parametrize("urn", URNS, ids=str)
def test_simulation_follows_the_law(urn: BuffetUrn) -> None:
    assert classes(lambda seed: urn.simulate(80, rng=seed).counts, urn, 80, 250) > ALARM


@pytest.mark.parametrize("urn", URNS, ids=str)
def test_exact_sampler_follows_the_law(urn: BuffetUrn) -> None:
    assert classes(lambda seed: urn.sample_counts(80, rng=seed), urn, 80, 250) > ALARM


def test_the_test_notices_another_discount() -> None:
    near = BuffetUrn(3.0, 1.0, 0.45)
    assert classes(lambda seed: near.sample_counts(80, rng=seed), URNS[0], 80, 400) < ALARM


def test_numbers_of_neurons_are_poisson() -> None:
    urn, runs = BuffetUrn(2.0, 1.0, 0.5), 300
    draws: list[Callable[[int], int]] = [
        lambda seed: urn.simulate(60, rng=seed).counts.size,
        lambda seed: urn.sample_counts(60, rng=seed).size,
    ]
    for draw in draws:
        seen = np.array([draw(seed) for seed in range(runs)])
        mean = float(urn.working_neurons(60))
        assert abs(seen.mean() - mean) < SIGMAS * np.sqrt(mean / runs)
        assert abs(seen.var() / mean - 1) < SIGMAS * np.sqrt((2 + 1 / mean) / runs)


def test_every_sample_activates_mass_neurons() -> None:
    urn, runs = BuffetUrn(4.0, -0.2, 0.6), 500
    active = np.array([urn.simulate(50, rng=seed).active[[0, 9, 49]] for seed in range(runs)])
    assert np.all(np.abs(active.mean(axis=0) - 4.0) < SIGMAS * np.sqrt(4.0 / runs))


def test_arrival_times() -> None:
    """Samples of arrival from the table and bisection, against their exact probabilities."""
    urn, D = BuffetUrn(1.0, 2.0, 0.3), 10**6
    level = np.random.default_rng(3).random(20_000) * float(urn.working_neurons(D))
    first = urn._arrivals(level, D)
    # the definition itself: the smallest d whose expected number reaches the level
    assert np.all(urn.working_neurons(first) >= level)
    assert np.all(urn.working_neurons(first - 1) < level)


def test_path() -> None:
    path = BuffetUrn(5.0, 1.0, 0.5).simulate(200, rng=1)
    assert isinstance(path, BuffetPath)
    assert path.counts.min() >= 1
    assert np.all(np.diff(path.first) >= 0)
    assert np.all(path.counts <= 201 - path.first)
    assert path.active.sum() == path.counts.sum()
    grid = path.working_neurons([0, 1, 200])
    assert grid.tolist() == [0, int(np.sum(path.first == 1)), path.counts.size]


def test_seeds() -> None:
    urn = BuffetUrn(5.0, 1.0, 0.5)
    draws: list[Callable[[Any], Any]] = [
        lambda rng: urn.simulate(50, rng=rng).counts,
        lambda rng: urn.sample_counts(50, rng=rng),
    ]
    for draw in draws:
        assert np.array_equal(draw(7), draw(np.random.default_rng(7)))
        assert not np.array_equal(draw(7), draw(8))


# -- fit --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("urn", "D"),
    [(BuffetUrn(100.0, 5.0, 0.5), 10_000), (BuffetUrn(50.0, -0.4, 0.8), 2000), (BuffetUrn(60.0, 30.0, 0.1), 10**5)],
)
def test_fit_recovers_the_urn(urn: BuffetUrn, D: int) -> None:
    fits = [fit_buffet(urn.sample_counts(D, rng=seed), D) for seed in range(8)]
    for name, floor in (("discount", 1e-3), ("mass", 1e-3), ("concentration", 1e-2)):
        values = np.array([getattr(fit, name) for fit in fits])
        # the spread of 8 fits is known to a quarter: t quantile of the stated rate at 7 degrees
        error = max(values.std(ddof=1) / np.sqrt(8), floor)
        assert abs(values.mean() - getattr(urn, name)) < stats.t(7).isf(ALARM / 2) * error
    assert np.std([fit.discount for fit in fits]) < 0.03


def test_fit_is_a_maximum_of_the_exact_likelihood() -> None:
    counts, D = BuffetUrn(30.0, 4.0, 0.4).sample_counts(500, rng=5), 500
    best = fit_buffet(counts, D)

    def log_likelihood(urn: BuffetUrn) -> float:
        return float(urn.log_count_mean(counts, D).sum() - urn.working_neurons(D))

    top = log_likelihood(best)
    for name in ("mass", "concentration", "discount"):
        for factor in (0.97, 1.03):
            values = {key: getattr(best, key) for key in ("mass", "concentration", "discount")}
            values[name] *= factor
            assert log_likelihood(BuffetUrn(**values)) < top


def test_fit_ignores_silent_neurons_and_order() -> None:
    counts = BuffetUrn(20.0, 4.0, 0.4).sample_counts(300, rng=6)
    one = fit_buffet(counts, 300)
    assert fit_buffet(np.concatenate([np.zeros(50), counts[::-1]]), 300) == one


def test_fit_without_discount_ends_at_the_lower_bound() -> None:
    theta = np.random.default_rng(8).beta(0.5, 40.0, 3000)  # discount -0.5
    counts = np.random.default_rng(9).binomial(400, theta)
    assert fit_buffet(counts, 400).discount < 1e-3


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BuffetUrn(0.0, 1.0), r"mass=0\.0 must be a finite number in \(0, inf\)"),
        (lambda: BuffetUrn(np.inf, 1.0), r"mass=inf must be a finite number"),
        (lambda: BuffetUrn(1.0, 0.0), r"concentration=0\.0 must be a finite number in \(-?0, inf\)"),
        (lambda: BuffetUrn(1.0, -0.5, 0.5), r"concentration=-0\.5 must be a finite number in \(-0\.5, inf\)"),
        (lambda: BuffetUrn(1.0, np.nan, 0.5), r"concentration=nan must be a finite number"),
        (lambda: BuffetUrn(1.0, 1.0, 1.0), r"discount=1\.0 must be a finite number in \[0, 1\)"),
        (lambda: BuffetUrn(1.0, 1.0, -0.1), r"discount=-0\.1 must be a finite number in \[0, 1\)"),
        (lambda: URNS[0].arrival_rate(-1), r"D holds -1\.0; every value must be finite and at least 0"),
        (lambda: URNS[0].working_neurons(3, since=5), r"D holds 3\.0; every value must be finite and at least 5"),
        (lambda: URNS[0].log_count_mean(0, 5), r"k holds 0\.0; every value must be finite and at least 1"),
        (lambda: URNS[0].simulate(0, rng=0), r"D=0 must be an integer in \[1, \d+\]"),
        (lambda: URNS[0].simulate(2.5, rng=0), r"D=2\.5 must be an integer"),  # type: ignore[arg-type]
        (lambda: URNS[0].sample_counts(float("nan"), rng=0), r"D=nan must be an integer"),  # type: ignore[arg-type]
        (lambda: URNS[0].simulate(5, rng=0).working_neurons(6), r"D holds 6\.0; every value must be in \[0, 5\]"),
        (lambda: stationary_log_pmf(1, 0.0), r"discount=0\.0 must be a finite number in \(0, 1\)"),
        (lambda: stationary_log_pmf(0, 0.5), r"k holds 0\.0"),
        (lambda: fit_buffet([1, 1, 0], 5), r"counts holds 1 distinct positive values; two are needed"),
        (lambda: fit_buffet([1, 6], 5), r"counts holds 6\.0; every value must be in \[0, 5\]"),
        (lambda: fit_buffet([1, 1.5], 5), r"counts holds 1\.5; every value must be an integer"),
        (lambda: fit_buffet([1, 2], 1), r"n_samples=1 must be an integer in \[2, \d+\]"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
