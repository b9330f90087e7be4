"""The distribution of a count: pmf against mpmath, sums against brute force and closed forms."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import comb

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from neuroscale.activation.beta_binomial import (
    beta_binomial,
    interval_probability,
    log_pmf,
    negative_binomial_log_pmf,
)

EXACT = settings(derandomize=True, deadline=None, max_examples=120)
#: The documented bound for probabilities above 1e-300.
PROBABILITY = 1e-12
#: The documented absolute bound of an interval's probability.
INTERVAL = 1e-11


@pytest.fixture(autouse=True, scope="module")
def digits() -> Iterator[None]:
    """At arguments of 1e16 ln Gamma is 4e17: 60 digits leave 42 for the probability."""
    with mp.workdps(60):
        yield


def magnitudes(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda power: float(10.0**power))


def exact_log_pmf(k: int, n: int, b: float, x: float) -> mp.mpf:
    ln_gamma, b_, x_ = mp.loggamma, mp.mpf(b), mp.mpf(x)
    ways = ln_gamma(n + 1) - ln_gamma(k + 1) - ln_gamma(n - k + 1)
    prior = ln_gamma(b_ + x_) - ln_gamma(b_) - ln_gamma(x_)
    return ways + prior + ln_gamma(b_ + k) + ln_gamma(x_ + n - k) - ln_gamma(b_ + x_ + n)


def error_of_probability(log_value: object, reference: mp.mpf) -> float:
    return float(abs(mp.expm1(mp.mpf(float(log_value)) - reference)))  # type: ignore[arg-type]


@EXACT
@given(
    b=magnitudes(-3, 4), x=magnitudes(-3, 16), n=magnitudes(0, 13).map(int), where=st.floats(0, 1), near=st.booleans()
)
def test_pmf_against_mpmath(b: float, x: float, n: int, where: float, near: bool) -> None:
    # near: a quantile of the mixing law; far: log-uniform over the counts
    k = int(special.betaincinv(b, x, where) * n) if near else int((n + 1.0) ** where) - 1
    k = min(max(k, 0), n)
    reference = exact_log_pmf(k, n, b, x)
    if reference > -690:
        assert error_of_probability(log_pmf(k, n, b, x), reference) < PROBABILITY


@pytest.mark.parametrize(
    ("k", "n", "b", "x"),
    [
        (0, 0, 1.0, 1.0),
        (0, 1, 0.001, 1e16),
        (1, 1, 0.001, 1e16),
        (1, 2, 1e4, 1e4),
        (10**13, 10**13, 1.0, 0.01),
        (10**13 - 1, 10**13, 0.5, 0.5),
        (5 * 10**12, 10**13, 1e4, 1e4),
        (10**8, 10**13, 0.5, 5e5),
        (1, 10**13, 0.001, 1e10),
    ],
)
def test_pmf_corners(k: int, n: int, b: float, x: float) -> None:
    assert error_of_probability(log_pmf(k, n, b, x), exact_log_pmf(k, n, b, x)) < PROBABILITY


@pytest.mark.parametrize(("b", "x"), [(1, 1), (1, 4), (3, 2), (2, 9)])
def test_pmf_against_exact_rationals(b: int, x: int) -> None:
    n = 12

    def ratio(k: int) -> Fraction:
        # for integers the law is negative hypergeometric, a ratio of binomial coefficients
        return Fraction(comb(b + k - 1, k) * comb(x + n - k - 1, n - k), comb(b + x + n - 1, n))

    assert sum(ratio(k) for k in range(n + 1)) == 1
    wanted = [float(ratio(k)) for k in range(n + 1)]
    np.testing.assert_allclose(np.exp(log_pmf(np.arange(n + 1), n, b, x)), wanted, rtol=PROBABILITY)


def test_pmf_outside_its_support_and_degenerate() -> None:
    assert log_pmf([-1, 4], 3, 0.5, 2.0).tolist() == [-np.inf, -np.inf]
    assert log_pmf([0, 2, 3], 3, 0.5, 0.0).tolist() == [-np.inf, -np.inf, 0.0]


@pytest.mark.parametrize(("b", "x"), [(0.001, 0.001), (0.3, 40.0), (1.0, 1.0), (30.0, 1e4), (1e4, 0.5), (1e4, 1e4)])
def test_the_three_point_recurrence(b: float, x: float) -> None:
    # P(k+1)/P(k) = (D-k)(k+b)/((k+1)(D-k-1+x)): the corrected balance equation of section 4.2
    n = 500
    k = np.arange(n)
    logs = log_pmf(np.arange(n + 1), n, b, x)
    steps = np.log((n - k) * (k + b) / ((k + 1) * (n - k - 1 + x)))
    # an ulp of a log of a few thousand, on top of 1e-12
    np.testing.assert_allclose(np.diff(logs), steps, rtol=0, atol=PROBABILITY + 4e-16 * np.abs(logs).max())


@EXACT
@given(b=magnitudes(-3, 4), a=magnitudes(-3, 16), n=magnitudes(0, 13).map(int), where=st.floats(0, 0.999))
def test_negative_binomial_pmf_against_mpmath(b: float, a: float, n: int, where: float) -> None:
    k = int(special.gammaincinv(b, where) * n / a)
    b_, a_ = mp.mpf(b), mp.mpf(a)
    reference = (
        mp.loggamma(b_ + k)
        - mp.loggamma(b_)
        - mp.loggamma(k + 1)
        + b_ * mp.log(a_ / (a_ + n))
        + k * mp.log(n / (a_ + n))
    )
    if reference > -690:
        assert error_of_probability(negative_binomial_log_pmf(k, n, b, a), reference) < PROBABILITY


def test_negative_binomial_is_the_limit_of_many_silent_neurons() -> None:
    # the logs differ by O(1/a) at fixed k and D/a: ten times the concentration, a tenth of the error
    k, b = np.arange(60), 0.7
    errors = []
    for a in (1e4, 1e5, 1e6):
        exact = log_pmf(k, 10 * a, b, a - b)
        errors.append(np.max(np.abs(exact - negative_binomial_log_pmf(k, 10 * a, b, a))))
    # the next order is 60^2/a relative to the first: a third at 1e4
    assert 8 < errors[0] / errors[1] < 12
    assert 9.8 < errors[1] / errors[2] < 10.2


# -- sums ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 7, 4096, 8193, 30000])
@pytest.mark.parametrize(
    ("b", "x"), [(0.001, 0.5), (0.3, 40.0), (1.0, 1.0), (2.5, 900.0), (80.0, 60.0), (1e4, 2e4), (0.5, 1e9)]
)
def test_intervals_against_brute_force_sums(n: int, b: float, x: float) -> None:
    pmf = np.exp(log_pmf(np.arange(n + 1), n, b, x))
    cuts = sorted({0, 1, n // 3, n // 2, n // 2 + 1, 4095, 4096, 4097, (2 * n) // 3, n, n + 1})
    pairs = [*zip(cuts, cuts[1:], strict=False), *zip(cuts, cuts[5:], strict=False), (0, n + 1)]
    for low, high in pairs:
        wanted = float(pmf[low:high].sum())
        assert interval_probability(low, high, n, b, x) == pytest.approx(wanted, rel=0, abs=INTERVAL)


def below_for_integer_b(k: int, n: int, b: int, x: float) -> mp.mpf:
    """P(count < k): the first k + b - 1 balls of the urn hold at least b that separate (negative hypergeometric)."""
    total, draws = n + b + mp.mpf(x) - 1, k + b - 1
    few = [mp.binomial(b + mp.mpf(x) - 1, j) * mp.binomial(n, draws - j) / mp.binomial(total, draws) for j in range(b)]
    return 1 - mp.fsum(few)


@pytest.mark.parametrize("n", [10**4, 10**8, 10**13])
@pytest.mark.parametrize("b", [1, 2, 5])
@pytest.mark.parametrize("x", [1.0, 3.5, 1e3, 1e9])
def test_intervals_against_the_closed_form_for_integer_b(n: int, b: int, x: float) -> None:
    cutoff = n / (b + x)
    cuts = sorted({0, 1, *(min(n, int(cutoff * f)) for f in (1e-6, 1e-3, 0.1, 0.5, 1, 2, 5, 20)), n // 2, n, n + 1})
    with mp.workdps(80):
        below = [mp.mpf(0) if k == 0 else mp.mpf(1) if k > n else below_for_integer_b(k, n, b, x) for k in cuts]
    for low, high, under, upto in zip(cuts, cuts[1:], below, below[1:], strict=False):
        assert interval_probability(low, high, n, b, x) == pytest.approx(float(upto - under), rel=0, abs=INTERVAL)


@pytest.mark.parametrize(("b", "x"), [(0.001, 1e7), (0.3, 1e4), (0.5, 0.5), (40.0, 7.0), (1e4, 1e6)])
def test_intervals_against_the_mixing_law_at_many_samples(b: float, x: float) -> None:
    # D_i / D tends to the Beta law; with a half-count correction the difference is O(1/D) relative to the density
    n = 10**13
    for q in (0.2, 0.5, 0.9):
        theta = special.betaincinv(b, x, q)
        k = int(theta * n)
        if k < 10**5:  # the mixing law says nothing about counts of order one
            continue
        wanted = special.betainc(b, x, (k - 0.5) / n)
        slack = 1e-12 + 10 * (1 + b) * (b + x) / n + 1 / k
        assert interval_probability(0, k, n, b, x) == pytest.approx(wanted, rel=0, abs=slack)


@pytest.mark.parametrize("n", [10**5, 10**9, 10**13])
@pytest.mark.parametrize(("b", "x"), [(0.001, 1e12), (0.095, 1e5), (0.5, 0.001), (3.0, 5e8), (1e4, 1e2), (1e4, 1e4)])
def test_all_counts_together_have_probability_one(n: int, b: float, x: float) -> None:
    assert interval_probability(0, n + 1, n, b, x) == pytest.approx(1.0, rel=0, abs=INTERVAL)
    edges = np.unique(np.concatenate([[0], np.geomspace(1, n, 17).astype(np.int64), [n + 1]])).tolist()
    pieces = [interval_probability(*pair, n, b, x) for pair in zip(edges, edges[1:], strict=False)]
    assert sum(pieces) == pytest.approx(1.0, rel=0, abs=len(pieces) * INTERVAL)


def test_intervals_outside_the_support_are_empty() -> None:
    assert interval_probability(11, 40, 10, 0.5, 0.5) == 0.0
    assert interval_probability(5, 5, 10, 0.5, 0.5) == 0.0
    assert interval_probability(-7, 99, 10, 0.5, 0.5) == pytest.approx(1.0, abs=INTERVAL)


# -- the frozen distribution ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "b", "x"), [(30, 0.4, 2.0), (200, 3.0, 0.7)])
def test_agrees_with_scipy_where_scipy_is_accurate(n: int, b: float, x: float) -> None:
    ours, peer, k = beta_binomial(n, b, x), stats.betabinom(n, b, x), np.arange(n + 1)
    np.testing.assert_allclose(ours.pmf(k), peer.pmf(k), rtol=1e-11)  # scipy subtracts ln Beta functions
    np.testing.assert_allclose(ours.cdf(k), peer.cdf(k), rtol=1e-11)
    assert ours.mean() == pytest.approx(peer.mean())
    assert ours.var() == pytest.approx(peer.var())
    assert ours.ppf([0.1, 0.5, 0.9]).tolist() == peer.ppf([0.1, 0.5, 0.9]).tolist()


def test_scipy_loses_digits_where_ours_keeps_them() -> None:
    k, n, b, x = 10**6, 10**13, 0.5, 1e6
    # sums of ln Gamma of 3e14 have a spacing of 1/16; scipy's ln Beta saves some of what they lose
    reference = exact_log_pmf(k, n, b, x)
    assert error_of_probability(log_pmf(k, n, b, x), reference) < PROBABILITY
    assert error_of_probability(stats.betabinom.logpmf(k, n, b, x), reference) > 1e-9


def test_always_active_is_one_point() -> None:
    law = beta_binomial(9, 2.0, 0.0)
    assert law.pmf(9) == 1.0
    assert law.mean() == 9.0
