"""Every closed form of the activation law against high precision, exact rationals, and its own identities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroscale.activation import ActivationLaw

#: The accuracy that the class promises for probabilities and means.
PROMISED = 1e-12
#: Relative error of a logarithm: a few units in the last place, whatever its size.
LOGARITHM = 1e-14
EXACT = settings(derandomize=True, deadline=None, max_examples=100)


@pytest.fixture(autouse=True, scope="module")
def digits() -> Iterator[None]:
    """Quotients of Gamma at 1e16 cancel 40 digits when D is small; 80 leave 40."""
    with mp.workdps(80):
        yield


def magnitudes(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda power: float(10.0**power))


@st.composite
def laws(draw: Callable[[Any], Any]) -> ActivationLaw:
    """N to 1e12, any share of active neurons, b in [1e-3, 1e4]."""
    n = draw(magnitudes(0, 12).map(int))
    share = draw(st.one_of(magnitudes(-9, -0.01), st.just(1.0)))
    return ActivationLaw(n, n * share, draw(magnitudes(-3, 4)))


SAMPLES = st.one_of(st.sampled_from([0, 1, 10**13]), magnitudes(0, 13).map(int))


def constants(law: ActivationLaw) -> tuple[mp.mpf, mp.mpf, mp.mpf]:
    """``(a, b, N)`` in high precision, from what the law was given."""
    n, b = mp.mpf(law.n_neurons), mp.mpf(law.b)
    return b * n / mp.mpf(law.n_active), b, n


def log_free(law: ActivationLaw, D: float, since: float = 0.0) -> mp.mpf:
    if since == D:
        return mp.mpf(0)
    a, b, _ = constants(law)
    early, late = a - b + since, a - b + D
    return mp.loggamma(late) - mp.loggamma(late + b) - mp.loggamma(early) + mp.loggamma(early + b)


def log_free_ode(law: ActivationLaw, D: float, since: float = 0.0) -> mp.mpf:
    a, b, _ = constants(law)
    return b * mp.log((a + since) / (a + D))


def off(value: object, reference: mp.mpf) -> float:
    """Relative error; 0 against 0 is exact."""
    got = mp.mpf(float(value))  # type: ignore[arg-type]
    return 0.0 if got == reference else float(abs(got - reference) / abs(reference))


# -- parameters ----------------------------------------------------------------------------------------------------


@EXACT
@given(law=laws())
def test_parameters(law: ActivationLaw) -> None:
    a, b, _ = constants(law)
    assert off(law.concentration, a) < 4e-16  # two roundings
    assert off(law.silent_weight, a - b) < 5e-16 or law.silent_weight == 0.0  # three
    assert law.exponent == 1 - law.b
    assert off(law.cutoff(1e6), 10**6 / a) < 6e-16


def test_law_is_a_value() -> None:
    law = ActivationLaw(np.int64(10), np.float64(2), 1)  # type: ignore[arg-type]
    assert law == ActivationLaw(10, 2.0, 1.0)
    assert hash(law) == hash(ActivationLaw(10, 2.0, 1.0))
    assert isinstance(law.n_neurons, int)
    assert isinstance(law.n_active, float)
    with pytest.raises(AttributeError):
        law.b = 2.0  # type: ignore[misc]


# -- growth --------------------------------------------------------------------------------------------------------


@EXACT
@given(law=laws(), D=SAMPLES)
def test_exact_growth_against_mpmath(law: ActivationLaw, D: int) -> None:
    if law.silent_weight == 0.0:
        assert float(law.log_free_fraction(D)) == (0.0 if D == 0 else -np.inf)
        assert float(law.working_neurons(D)) == (0.0 if D == 0 else law.n_neurons)
        return
    reference = log_free(law, D)
    assert off(law.log_free_fraction(D), reference) < LOGARITHM
    assert off(law.working_neurons(D), -law.n_neurons * mp.expm1(reference)) < PROMISED
    if reference > -690:
        assert off(law.free_fraction(D), mp.exp(reference)) < PROMISED


@EXACT
@given(law=laws(), D=SAMPLES, form=st.sampled_from(["gamma_poisson", "ode"]))
def test_smooth_growth_against_mpmath(law: ActivationLaw, D: int, form: Any) -> None:
    reference = log_free_ode(law, D)
    assert off(law.log_free_fraction(D, form), reference) < LOGARITHM
    assert off(law.working_neurons(D, form), -law.n_neurons * mp.expm1(reference)) < PROMISED
    if reference > -690:
        assert off(law.free_fraction(D, form), mp.exp(reference)) < PROMISED


@EXACT
@given(law=laws(), since=magnitudes(0, 12).map(int), more=SAMPLES, share=st.floats(0, 1))
def test_growth_from_any_start_against_mpmath(law: ActivationLaw, since: int, more: int, share: float) -> None:
    K0, D, n = share * law.n_neurons, since + more, law.n_neurons
    for form, reference in (("exact", log_free(law, D, since)), ("ode", log_free_ode(law, D, since))):
        assert off(law.log_free_fraction(D, form, since=since), reference) < LOGARITHM  # type: ignore[arg-type]
        wanted = mp.mpf(K0) - (n - mp.mpf(K0)) * mp.expm1(reference)
        assert off(law.working_neurons(D, form, start=(since, K0)), wanted) < PROMISED  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n", "c", "b", "D"),
    [
        (10**11, 10**5, 1e3, 10**6),  # Fig. 1 of the paper, at the knee
        (10**12, 1.0, 1e-3, 10**13),
        (10**12, 1.0, 1e4, 1),
        (10**12, 10**12 - 1, 1e4, 10**13),  # a - b is 1e-8: the free fraction is 1e-60000
        (2, 1.999999999, 0.5, 10**13),
        (1, 0.5, 1e-3, 1),
        (1, 1e-12, 1e4, 10**13),
    ],
)
def test_growth_at_corners(n: int, c: float, b: float, D: int) -> None:
    law = ActivationLaw(n, c, b)
    assert off(law.log_free_fraction(D), log_free(law, D)) < LOGARITHM
    assert off(law.working_neurons(D), -n * mp.expm1(log_free(law, D))) < PROMISED
    assert off(law.log_free_fraction(D, "ode"), log_free_ode(law, D)) < LOGARITHM


def test_the_naive_gamma_difference_fails_here() -> None:
    # the trap that the numerics avoid: the same quotient by four gammaln
    from scipy.special import gammaln

    law, D = ActivationLaw(10**12, 1.0, 0.5), 10**12
    a, x, b = law.concentration, law.silent_weight, law.b
    naive = gammaln(x + D) + gammaln(a) - gammaln(x) - gammaln(x + b + D)
    assert off(naive, log_free(law, D)) > 1e-4
    assert off(law.log_free_fraction(D), log_free(law, D)) < LOGARITHM


def test_log_form_survives_where_the_fraction_underflows() -> None:
    law = ActivationLaw(1000, 500, 1e4)
    assert float(law.free_fraction(10**9)) == 0.0
    assert off(law.log_free_fraction(10**9), log_free(law, 10**9)) < LOGARITHM
    assert float(law.log_free_fraction(10**9)) < -50_000
    assert float(law.working_neurons(10**9)) == 1000.0


@pytest.mark.parametrize("form", ["exact", "gamma_poisson", "ode"])
def test_no_samples_no_workers_and_shapes(form: Any) -> None:
    law = ActivationLaw(1000, 10, 0.5)
    assert float(law.free_fraction(0, form)) == 1.0
    assert float(law.working_neurons(0, form)) == 0.0
    grid = np.arange(6).reshape(2, 3)
    assert law.working_neurons(grid, form).shape == (2, 3)
    assert law.free_fraction(grid, form)[1, 2] == law.free_fraction(5, form)
    assert law.working_neurons([], form).shape == (0,)


@pytest.mark.parametrize("form", ["exact", "gamma_poisson"])
def test_the_first_sample_activates_the_share_of_active_neurons(form: Any) -> None:
    # exactly c/N = b/a for the exact law; the limit law needs c/N -> 0: 1 - (1 + 1/a)^-b
    law = ActivationLaw(1000, 10, 0.5)
    wanted = mp.mpf(10) if form == "exact" else -1000 * mp.expm1(-mp.mpf(0.5) * mp.log1p(mp.mpf(1) / 50))
    assert off(law.working_neurons(1, form), wanted) < PROMISED


def test_the_recurrence_in_exact_rationals() -> None:
    # K(D+1) - K(D) = (N - K) b / (D + a), the paper's own difference equation, from any start
    n, c, b, D0, K0 = 20, 3, Fraction(1, 2), 4, Fraction(7)
    a, working = b * n / c, [K0]
    for D in range(D0, D0 + 60):
        working.append(working[-1] + (n - working[-1]) * b / (D + a))
    law = ActivationLaw(n, c, float(b))
    got = law.working_neurons(np.arange(D0, D0 + 61), start=(D0, float(K0)))
    np.testing.assert_allclose(got, [float(k) for k in working], rtol=PROMISED)


@EXACT
@given(
    law=laws(),
    first=magnitudes(0, 11).map(int),
    second=magnitudes(0, 11).map(int),
    form=st.sampled_from(["exact", "ode"]),
)
def test_a_start_on_the_curve_stays_on_it(law: ActivationLaw, first: int, second: int, form: Any) -> None:
    D0, D = first, first + second
    direct = float(law.working_neurons(D, form))
    by_way = float(law.working_neurons(D, form, start=(D0, float(law.working_neurons(D0, form)))))
    assert by_way == pytest.approx(direct, rel=1e-11)  # K(D0) carries PROMISED, and N - K(D0) its absolute error
    assume(law.silent_weight > 0)
    log_direct = float(law.log_free_fraction(D, form))
    log_steps = float(law.log_free_fraction(D0, form)) + float(law.log_free_fraction(D, form, since=D0))
    assert log_steps == pytest.approx(log_direct, rel=2 * LOGARITHM)


@EXACT
@given(law=laws(), D=magnitudes(0, 12).map(int))
def test_growth_is_monotone_concave_and_bounded(law: ActivationLaw, D: int) -> None:
    for form in ("exact", "ode"):
        here, half, double = (float(law.working_neurons(d, form)) for d in (2 * D, D, 4 * D))  # type: ignore[arg-type]
        # the promised accuracy of each term is the only slack
        assert half <= here * (1 + PROMISED)
        assert here <= double * (1 + PROMISED)
        assert double <= law.n_neurons
        assert here <= 2 * half * (1 + 3 * PROMISED)  # concave through the origin
        assert here <= 2 * D * law.n_active * (1 + PROMISED)  # no more new neurons than activations


@EXACT
@given(law=laws(), D=magnitudes(0, 12).map(int))
def test_the_ode_overestimates_the_free_neurons(law: ActivationLaw, D: int) -> None:
    exact, ode = float(law.log_free_fraction(D)), float(law.log_free_fraction(D, "ode"))
    assert exact <= ode * (1 - 2 * LOGARITHM)


@pytest.mark.parametrize(("n", "c", "b"), [(1000, 10, 0.5), (50, 20, 1.0), (10**6, 10, 3.0), (100, 60, 0.095)])
def test_ratio_of_ode_to_exact_tends_to_its_gamma_limit(n: int, c: float, b: float) -> None:
    # theorem T3: a^b Gamma(a - b) / Gamma(a); the rest is b(b+1)/(2D) at D samples
    law = ActivationLaw(n, c, b)
    a, b_, _ = constants(law)
    limit = b_ * mp.log(a) + mp.loggamma(a - b_) - mp.loggamma(a)
    gaps = []
    for D in (10**6, 10**8):
        gap = float(law.log_free_fraction(D, "ode") - law.log_free_fraction(D)) - float(limit)
        gaps.append(gap)
        # minus b(b+1)/(2D), first order; both logs round at a few 1e-16 of their size
        assert gap == pytest.approx(-b * (b + 1) / (2 * D), rel=20 * law.concentration / D + 1e-3, abs=2e-13)
    assert abs(gaps[1]) < abs(gaps[0])


@pytest.mark.parametrize("form", ["exact", "ode"])
def test_free_fraction_falls_with_the_exponent_b(form: Any) -> None:
    # regress ln f on ln D over D/a in [1e6, 1e8], where the bending b/(D/a) is below 1e-6
    law = ActivationLaw(10**5, 100, 0.3)
    D = np.geomspace(1e6, 1e8, 9) * law.concentration
    slope = np.polyfit(np.log(D), law.log_free_fraction(D, form), 1)[0]
    assert slope == pytest.approx(-0.3, abs=1e-6)


# -- exponent and crossover ----------------------------------------------------------------------------------------


@EXACT
@given(law=laws(), D=magnitudes(0, 13))
def test_growth_exponent_of_the_ode_against_a_derivative(law: ActivationLaw, D: float) -> None:
    # the exponent can be as small as the free fraction: 400 digits resolve 1e-300 beside 1
    with mp.workdps(400):
        reference = mp.diff(lambda y: mp.log(-mp.expm1(log_free_ode(law, mp.exp(y)))), mp.log(D))
    assume(reference > mp.mpf("1e-300"))
    # the exponential of a log of a few hundred keeps 1e-12
    assert off(law.growth_exponent(D, "ode"), reference) < PROMISED


@EXACT
@given(law=laws(), D=magnitudes(0, 13).map(int))
def test_growth_exponent_of_the_exact_law_is_its_step(law: ActivationLaw, D: int) -> None:
    assume(law.silent_weight > 0)
    with mp.workdps(400):  # as above
        here, there = (-mp.expm1(log_free(law, d)) for d in (D, D + 1))
        reference = D * (there - here) / here
    assume(reference > mp.mpf("1e-300"))
    assert off(law.growth_exponent(D), reference) < PROMISED


@EXACT
@given(law=laws(), D=magnitudes(-2, 12))
def test_growth_exponent_falls_from_one_to_zero(law: ActivationLaw, D: float) -> None:
    here, later = float(law.growth_exponent(D, "ode")), float(law.growth_exponent(2 * D, "ode"))
    assert 0.0 <= later <= here * (1 + PROMISED)
    assert here <= 1.0 + PROMISED


@EXACT
@given(law=laws(), q=st.floats(1e-9, 1 - 1e-9))
def test_crossover_inverts_the_growth_curve(law: ActivationLaw, q: float) -> None:
    D = float(law.crossover(q))
    a, b, _ = constants(law)
    assume(np.isfinite(D))
    wanted = a * mp.expm1(-mp.log1p(-mp.mpf(q)) / b)
    # exp(L/b) with L/b up to 709 amplifies one rounding of L/b by its size
    assert off(D, wanted) < PROMISED
    assert float(law.working_neurons(D, "ode")) / law.n_neurons == pytest.approx(q, rel=1e-12)


def test_crossover_beyond_the_float_range_is_infinite() -> None:
    assert float(ActivationLaw(10, 1, 1e-4).crossover(0.5)) == np.inf


def test_crossover_at_large_b_is_coupon_collecting() -> None:
    # theorem T7: (N/c) ln(1/(1-q)), the knee at N/c and not at bN/c; the rest is L/(2b)
    law = ActivationLaw(10**11, 10**5, 1e3)
    for q in (0.1, 0.5, 0.9):
        L = -np.log1p(-q)
        assert float(law.crossover(q)) == pytest.approx(1e6 * L * (1 + L / 2e3), rel=2 * (L / 1e3) ** 2)


@EXACT
@given(law=laws(), low=st.floats(0.01, 0.5), high=st.floats(0.51, 0.99))
def test_width_against_mpmath(law: ActivationLaw, low: float, high: float) -> None:
    b = mp.mpf(law.b)
    at = [mp.expm1(-mp.log1p(-mp.mpf(q)) / b) for q in (low, high)]
    # the difference of two logs of order 1/b: relative to the larger
    scale = 1 + abs(float(mp.log(at[1])))
    assert law.crossover_width(low, high) == pytest.approx(float(mp.log(at[1] / at[0])), rel=0, abs=1e-14 * scale)


def test_width_has_its_stated_values_and_limit() -> None:
    def width(b: float) -> float:
        return ActivationLaw(1000, 10, b).crossover_width()

    limit = float(np.log(np.log(10) / np.log(10 / 9)))
    assert width(1e4) == pytest.approx(limit, rel=1e-4)  # the first correction is (2.303 - 0.105)/(2b)
    assert width(1e8) == pytest.approx(limit, rel=1e-8)
    assert limit == pytest.approx(3.0844, abs=5e-5)
    assert width(0.095) == pytest.approx(23.5, abs=0.05)
    widths = [width(b) for b in np.geomspace(1e-3, 1e4, 60)]
    assert all(left > right for left, right in zip(widths, widths[1:], strict=False))


@EXACT
@given(law=laws(), n=magnitudes(0, 12).map(int), share=st.floats(1e-6, 1.0))
def test_width_depends_on_b_alone(law: ActivationLaw, n: int, share: float) -> None:
    assert law.crossover_width() == ActivationLaw(n, n * share, law.b).crossover_width()


# -- counts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "c", "b"), [(10, 3, 0.5), (1000, 1, 0.095), (7, 6.5, 4.0), (5, 5, 0.3)])
@pytest.mark.parametrize("D", [1, 2, 60])
def test_moments_against_the_sum_over_the_pmf(n: int, c: float, b: float, D: int) -> None:
    law, k = ActivationLaw(n, c, b), np.arange(D + 1)
    p = np.exp(law.log_count_pmf(k, D))
    mean, variance = law.count_moments(D)
    assert p.sum() == pytest.approx(1.0, rel=PROMISED)
    assert p @ k == pytest.approx(float(mean), rel=PROMISED)
    # at c = N the variance is zero
    assert p @ (k - float(mean)) ** 2 == pytest.approx(float(variance), rel=1e-11, abs=1e-25)
    assert law.counts(D).mean() == pytest.approx(float(mean), rel=PROMISED)
    assert law.counts(D).var() == pytest.approx(float(variance), rel=1e-11, abs=1e-25)


@pytest.mark.parametrize("b", [0.095, 0.5, 3.0])
def test_negative_binomial_moments_and_normalisation(b: float) -> None:
    law, D = ActivationLaw(10**6, 10, b), 10**6
    k = np.arange(60 * float(law.cutoff(D)))  # sixty cutoffs: the tail beyond is e^-60
    p = np.exp(law.log_count_pmf(k, D, "gamma_poisson"))
    m = D / law.n_neurons * law.n_active
    assert p.sum() == pytest.approx(1.0, rel=1e-11)
    assert p @ k == pytest.approx(m, rel=1e-11)
    assert p @ (k - m) ** 2 == pytest.approx(m + m * m / b, rel=1e-11)
    np.testing.assert_allclose(p, stats.nbinom(b, law.concentration / (law.concentration + D)).pmf(k), rtol=1e-10)


@EXACT
@given(law=laws(), D=SAMPLES)
def test_the_zero_class_is_the_free_fraction(law: ActivationLaw, D: int) -> None:
    assert float(law.log_count_pmf(0, D)) == float(law.log_free_fraction(D))
    limit = float(law.log_count_pmf(0, D, "gamma_poisson"))
    assert limit == pytest.approx(float(law.log_free_fraction(D, "ode")), rel=LOGARITHM)


def test_counts_of_neurons_that_always_fire() -> None:
    law = ActivationLaw(7, 7, 0.5)
    assert law.counts(9).pmf(9) == 1.0
    assert law.bin_probabilities(9, [0, 9, 10]).tolist() == [0.0, 1.0]
    assert np.exp(law.log_count_pmf([8, 9], 9)).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("D", [0, 1, 50, 20000])
def test_cdf_and_bins_against_brute_force_sums(D: int) -> None:
    law = ActivationLaw(1000, 10, 0.3)
    pmf = np.exp(law.log_count_pmf(np.arange(D + 1), D))
    cumulative = np.cumsum(pmf)
    at = np.unique(np.linspace(0, D, 23).astype(int))
    np.testing.assert_allclose(law.counts(D).cdf(at), cumulative[at], rtol=0, atol=1e-11)
    edges = [0, 1, 3, 40, 5000, 30000]
    wanted = [pmf[low:high].sum() for low, high in zip(edges, edges[1:], strict=False)]
    np.testing.assert_allclose(law.bin_probabilities(D, edges), wanted, rtol=0, atol=1e-11)


def test_power_law_window_and_cutoff() -> None:
    # alpha = 1 - b for 1 << k << D/a: regress on k in [1e2, 1e4], with D/a = 1e8
    law = ActivationLaw(10**9, 10, 0.4)
    D = int(1e8 * law.concentration)
    k = np.geomspace(1e2, 1e4, 20).round()
    slope = np.polyfit(np.log(k), law.log_count_pmf(k, D), 1)[0]
    # first corrections: b(b-1)/(2k) below 1.2e-3 and ka/D = 1e-4
    assert slope == pytest.approx(-law.exponent, abs=1e-3)
    # beyond the cutoff the decay is exp(-k a / D) k^(b-1): the difference of two logs is known
    scale = float(law.cutoff(D))
    ten, twenty = law.log_count_pmf(np.round([10 * scale, 20 * scale]), D)
    assert twenty - ten == pytest.approx(-10 - (1 - law.b) * np.log(2), abs=1e-4)  # (D/a)(k/D)^2/2 ~ 1e-7


def test_what_is_stationary_is_the_share_and_not_the_count() -> None:
    # theorem T5: P(D_i = k) falls as D^-b at fixed k, P(D_i <= u D) converges
    law = ActivationLaw(10**5, 100, 0.5)
    fixed = [float(law.log_count_pmf(3, D)) for D in (10**8, 10**9)]
    assert fixed[1] - fixed[0] == pytest.approx(-law.b * np.log(10), abs=1e-4)  # a/D = 5e-6 times k + b
    share = [float(law.counts(D).cdf(D // 500)) for D in (10**7, 10**9)]
    assert share[0] == pytest.approx(share[1], abs=1e-4)  # half a count in 2e4


@EXACT
@given(law=laws(), D=magnitudes(0, 5).map(int))
def test_law_of_working_neurons_is_binomial_with_the_right_mean(law: ActivationLaw, D: int) -> None:
    known = law.n_neurons // 3
    frozen = law.working_distribution(2 * D, start=(D, known))
    assert frozen.mean() == pytest.approx(float(law.working_neurons(2 * D, start=(D, known))), rel=PROMISED)
    assert frozen.support() == (known, law.n_neurons)


# -- errors --------------------------------------------------------------------------------------------------------

LAW = ActivationLaw(100, 10, 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ActivationLaw(0, 1, 1.0), r"n_neurons=0 must be an integer in \[1, "),
        (lambda: ActivationLaw(2.5, 1, 1.0), r"n_neurons=2\.5 must be an integer in \[1, "),  # type: ignore[arg-type]
        (lambda: ActivationLaw("ten", 1, 1.0), r"n_neurons='ten' must be an integer"),  # type: ignore[arg-type]
        (lambda: ActivationLaw(10, 11, 1.0), r"n_active=11 must be a finite number in \(0, 10\]"),
        (lambda: ActivationLaw(10, 0, 1.0), r"n_active=0 must be a finite number in \(0, 10\]"),
        (lambda: ActivationLaw(10, float("nan"), 1.0), r"n_active=nan must be a finite number in \(0, 10\]"),
        (lambda: ActivationLaw(10, 1, 0.0), r"b=0\.0 must be a finite number in \(0, inf\)"),
        (lambda: ActivationLaw(10, 1, -1.0), r"b=-1\.0 must be a finite number in \(0, inf\)"),
        (lambda: ActivationLaw(10, 1, float("inf")), r"b=inf must be a finite number in \(0, inf\)"),
        (lambda: ActivationLaw(10, 1, 10**400), r"b=10+ must be a finite number in \(0, inf\)"),
        (lambda: ActivationLaw(10, 1, None), r"b=None must be a finite number"),  # type: ignore[arg-type]
        (lambda: LAW.cutoff(-1), r"D holds -1\.0; every value must be finite and at least 0"),
        (lambda: LAW.free_fraction([0, float("nan")]), r"D holds nan; every value must be finite"),
        (lambda: LAW.free_fraction("many"), r"D='many' must be numbers, all at least 0"),  # type: ignore[arg-type]
        (lambda: LAW.free_fraction(1, "linear"), r"form='linear' must be one of 'exact', 'gamma_poisson', 'ode'"),  # type: ignore[arg-type]
        (lambda: LAW.log_free_fraction(1, since=2), r"D holds 1\.0; every value must be finite and at least 2"),
        (lambda: LAW.log_free_fraction(1, since=-2), r"since=-2 must be a finite number in \[0, inf\)"),
        (lambda: LAW.working_neurons(5, start=(6, 1)), r"D holds 5\.0; every value must be finite and at least 6"),
        (lambda: LAW.working_neurons(5, start=(-1, 1)), r"start\[0\]=-1 must be a finite number in \[0, inf\)"),
        (lambda: LAW.working_neurons(5, start=(1, 101)), r"start\[1\]=101 must be a finite number in \[0, 100\]"),
        (lambda: LAW.working_distribution(5, start=(1, 2.5)), r"start\[1\]=2\.5 must be an integer in \[0, 100\]"),  # type: ignore[arg-type]
        (lambda: LAW.working_distribution(1, start=(2, 2)), r"D=1 must be a finite number in \[2, inf\)"),
        (lambda: LAW.growth_exponent(0), r"D holds 0\.0; every value must be finite and at least"),
        (lambda: LAW.crossover(1.0), r"q=1\.0 must lie strictly between 0 and 1"),
        (lambda: LAW.crossover(float("nan")), r"q=nan must lie strictly between 0 and 1"),
        (lambda: LAW.crossover_width(0.9, 0.1), r"low=0\.9, high=0\.1 must satisfy 0 < low < high < 1"),
        (lambda: LAW.crossover_width(0.0, 0.5), r"low=0\.0, high=0\.5 must satisfy 0 < low < high < 1"),
        (lambda: LAW.counts(-1), r"D=-1 must be an integer in \[0, "),
        (lambda: LAW.counts(1.5), r"D=1\.5 must be an integer in \[0, "),  # type: ignore[arg-type]
        (lambda: LAW.log_count_pmf(-1, 5), r"k holds -1\.0; every value must be finite and at least 0"),
        (lambda: LAW.log_count_pmf(1, 5, "ode"), r"form='ode' must be one of 'exact', 'gamma_poisson'"),  # type: ignore[arg-type]
        (lambda: LAW.count_moments(-2), r"D holds -2\.0; every value must be finite and at least 0"),
        (lambda: LAW.bin_probabilities(5, [0]), r"edges=\[0\] must be at least two strictly increasing integers"),
        (lambda: LAW.bin_probabilities(5, [0, 3, 3]), r"edges=\[0, 3, 3\] must be at least two strictly increasing"),
        (lambda: LAW.bin_probabilities(5, [0, 1.5]), r"edges holds 1\.5; every value must be an integer"),
        (lambda: LAW.bin_probabilities(5, [-1, 3]), r"edges holds -1; every value must lie in \[0, "),
        (lambda: LAW.bin_probabilities(5, [[0], [1, 2]]), r"edges=.* must be an array of integers in \[0, "),  # type: ignore[list-item]
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_integers_beyond_the_exact_floats_are_integers() -> None:
    assert ActivationLaw(2**53 + 1, 1, 1.0).n_neurons == 2**53 + 1
