"""Laws of the counts: exact forms, coverage of the intervals, goodness of fit, comparison, drift, and errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import optimize, stats

from neuroscale.activation import ActivationLaw, fit_counts, sample_counts
from neuroscale.evidence import (
    LAWS,
    LawFit,
    bootstrap_p_value,
    compare_laws,
    drift_alarm,
    fit_law,
    pit_distance,
    probit_normal_cdf,
    probit_normal_log_pmf,
    units_to_distinguish,
)
from neuroscale.evidence.probit_normal import Rule

ALARM = 1e-6
SIGMAS = float(stats.norm.isf(ALARM / 2))


# -- the probit-normal law ---------------------------------------------------------------------------------------------


def by_quadrature(k: int, D: int, m: float, s: float) -> float:
    """Logarithm of the integral at 25 digits, on panels narrower than anything that happens."""
    with mp.workdps(25):

        def integrand(u: mp.mpf) -> mp.mpf:
            z = m + s * u
            return mp.ncdf(z) ** k * mp.ncdf(-z) ** (D - k) * mp.npdf(u)

        width = min(mp.mpf(1) / 2, 4 / (s * mp.sqrt(D)))
        peak = float(Rule.around(np.array([float(k)]), np.array([float(D)]), m, s).z[0].mean())
        middle = (peak - m) / s
        panels = [middle + i * width for i in range(-36, 37)]
        total = mp.quad(integrand, [-14, *[p for p in panels if -14 < p < 14], 14], maxdegree=4)
        return float(mp.log(mp.binomial(D, k) * total))


@pytest.mark.parametrize(
    ("k", "D", "m", "s"),
    [(0, 3, 0.0, 1.0), (1, 60, -1.5, 0.3), (60, 60, -1.5, 1.5), (0, 2000, -3.0, 1.2), (40, 2000, -2.0, 0.8)],
)
def test_probit_normal_against_quadrature(k: int, D: int, m: float, s: float) -> None:
    value = float(probit_normal_log_pmf(k, D, m, s))
    assert value == pytest.approx(by_quadrature(k, D, m, s), abs=1e-9)


def test_probit_normal_special_cases() -> None:
    # m = 0, s = 1: the rate is uniform, and so is the count, at any size
    for D in (1, 17, 10**6):
        k = np.unique(np.linspace(0, D, 7).astype(int))
        np.testing.assert_allclose(probit_normal_log_pmf(k, D, 0.0, 1.0), -np.log(D + 1.0), rtol=1e-9)
    # one sample: P(1) = Phi(m / sqrt(1 + s^2)); two: an orthant of two correlated normals
    m, s = -0.7, 2.0
    one = stats.norm.cdf(m / np.sqrt(1 + s**2))
    assert np.exp(probit_normal_log_pmf(1, 1, m, s)) == pytest.approx(one, rel=1e-10)
    both = stats.multivariate_normal.cdf([m, m], cov=[[1 + s**2, s**2], [s**2, 1 + s**2]])
    assert np.exp(probit_normal_log_pmf(2, 2, m, s)) == pytest.approx(both, rel=1e-6)
    # s -> 0: binomial
    np.testing.assert_allclose(
        probit_normal_log_pmf([0, 3, 9], 9, 0.3, 1e-4), stats.binom.logpmf([0, 3, 9], 9, stats.norm.cdf(0.3)), atol=1e-6
    )


@pytest.mark.parametrize(("m", "s"), [(-2.0, 0.8), (0.5, 2.0), (-1.0, 0.01), (0.0, 10.0)])
def test_probit_normal_adds_up(m: float, s: float) -> None:
    D = 900
    p = np.exp(probit_normal_log_pmf(np.arange(D + 1), D, m, s))
    # 80 nodes resolve a step 0.3 wide inside a normal law of s = 10 to 1e-8
    assert p.sum() == pytest.approx(1.0, abs=1e-7)
    k = np.array([-1, 0, 5, 450, 899, 900])
    np.testing.assert_allclose(probit_normal_cdf(k, D, m, s), np.cumsum(np.append(0.0, p))[k + 1], atol=1e-7)


def test_probit_normal_derivatives_against_differences() -> None:
    k, D, h = np.array([0.0, 3.0, 90.0, 100.0]), np.full(4, 100.0), 1e-5
    m, log_s = -0.8, np.log(0.6)
    rule = Rule.around(k, D, m, float(np.exp(log_s)))
    _, first, second = rule.derivatives(m, float(np.exp(log_s)))
    for i, (dm, ds) in enumerate([(h, 0.0), (0.0, h)]):
        up, down = (rule.derivatives(m + c * dm, float(np.exp(log_s + c * ds))) for c in (1, -1))
        # central differences: rounding 1e-15 / 1e-5 and truncation 1e-10
        np.testing.assert_allclose(first[:, i], (up[0] - down[0]) / (2 * h), rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(second[:, i], (up[1] - down[1]) / (2 * h), rtol=1e-6, atol=1e-6)


# -- recovery ----------------------------------------------------------------------------------------------------------

TRUTHS: dict[str, tuple[dict[str, float], int, int]] = {
    "beta-binomial": ({"a": 12.5, "b": 0.5}, 400, 200),
    "beta-binomial-atoms": ({"a": 8.0, "b": 1.5, "dead": 0.2, "always": 0.1}, 600, 100),
    "probit-normal": ({"m": -1.5, "s": 0.7}, 400, 100),
    "negative-binomial": ({"a": 100.0, "b": 0.6}, 400, 300),
}


def draw(law: str, n: int, rng: np.random.Generator) -> Any:
    """Counts by numpy alone: none of the code under test."""
    p, _, D = TRUTHS[law]
    if law == "probit-normal":
        return rng.binomial(D, stats.norm.cdf(p["m"] + p["s"] * rng.standard_normal(n)))
    if law == "negative-binomial":
        return np.minimum(rng.poisson(rng.gamma(p["b"], D / p["a"], n)), D)
    theta = rng.beta(p["b"], p["a"] - p["b"], n)
    kind = rng.random(n)
    theta[kind < p.get("dead", 0.0)] = 0.0
    theta[kind > 1 - p.get("always", 0.0)] = 1.0
    return rng.binomial(D, theta)


@cache
def many_fits(law: str, runs: int) -> list[LawFit]:
    rng = np.random.default_rng([3, LAWS.index(law)])
    _, n, D = TRUTHS[law]
    return [fit_law(draw(law, n, rng), D, law) for _ in range(runs)]


@pytest.mark.slow
@pytest.mark.parametrize(("law", "runs"), [("beta-binomial", 1000), ("negative-binomial", 1000)])
def test_coverage_is_95_per_cent_within_two(law: str, runs: int) -> None:
    # 1000 fits know a coverage of 95 % to 0.69: two per cent are 2.9 of them, a false alarm of 0.4 % a parameter
    for name, truth in TRUTHS[law][0].items():
        covered = np.mean([low < truth < high for low, high in (f.interval(name) for f in many_fits(law, runs))])
        assert 0.93 <= covered <= 0.97, (name, covered)


@pytest.mark.slow
@pytest.mark.parametrize(("law", "runs"), [("beta-binomial-atoms", 250), ("probit-normal", 250)])
def test_coverage_of_the_dearer_laws(law: str, runs: int) -> None:
    binomial = stats.binom(runs, 0.95)
    for name, truth in TRUTHS[law][0].items():
        covered = sum(low < truth < high for low, high in (f.interval(name) for f in many_fits(law, runs)))
        # asymptotic intervals at a few hundred units may be off by one per cent, 0.7 sigma here
        assert binomial.ppf(ALARM) <= covered, (name, covered)
    narrow = stats.binom(runs, 0.5)
    for name, truth in TRUTHS[law][0].items():
        covered = sum(low < truth < high for low, high in (f.interval(name, 0.5) for f in many_fits(law, runs)))
        assert narrow.ppf(ALARM / 2) <= covered <= narrow.isf(ALARM / 2), (name, covered)


@pytest.mark.parametrize("law", LAWS)
def test_recovers_the_parameters(law: str) -> None:
    truth, _, D = TRUTHS[law]
    fit = fit_law(draw(law, 20_000, np.random.default_rng(5)), D, law)
    for name, value in truth.items():
        error = fit.standard_error(name)
        assert abs(fit.parameters[name] - value) < SIGMAS * error, name
        assert error < 0.1 * abs(value)  # small enough for the line above to say something
    assert fit.p_value > ALARM


@pytest.mark.parametrize("law", ["probit-normal", "negative-binomial"])
def test_maximum_against_a_generic_optimiser(law: str) -> None:
    _, _, D = TRUTHS[law]
    counts = draw(law, 300, np.random.default_rng(6))
    fit = fit_law(counts, D, law)

    def negative(point: Any) -> float:
        return -float(fit.family.log_pmf(point, counts.astype(float), D).sum())

    best = optimize.minimize(negative, fit.point + 0.3, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10})
    # Nelder-Mead locates a maximum to the square root of its rounding
    np.testing.assert_allclose(fit.point, best.x, atol=1e-5)
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-10)
    h = 1e-3
    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            u, v = h * np.eye(2)[i], h * np.eye(2)[j]
            around = [negative(fit.point + p * u + q * v) * p * q for p in (1, -1) for q in (1, -1)]
            hessian[i, j] = sum(around) / (4 * h * h)
    # differences with steps of 1e-3 leave 1e-5 or so
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(hessian), rtol=1e-3, atol=1e-7)


def test_the_beta_laws_are_those_of_part_one() -> None:
    counts = draw("beta-binomial-atoms", 2000, np.random.default_rng(7))
    plain, atoms = fit_counts(counts, 100), fit_counts(counts, 100, atoms=(0, 100))
    ours, with_atoms = fit_law(counts, 100), fit_law(counts, 100, "beta-binomial-atoms")
    assert ours.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert with_atoms.log_likelihood == pytest.approx(atoms.log_likelihood, rel=1e-12)
    for name in ("a", "b"):
        assert ours.interval(name) == pytest.approx(plain.interval(name), rel=1e-6)
        assert with_atoms.standard_error(name) == pytest.approx(getattr(atoms, f"se_{name}"), rel=1e-6)
    assert with_atoms.parameters["dead"] == atoms.atoms[0]
    law = ActivationLaw(2000, 2000 * plain.b / plain.a, plain.b)
    np.testing.assert_allclose(ours.growth([0, 10, 1e6]), law.working_neurons([0, 10, 1e6]), rtol=1e-10)


def test_an_unwanted_atom_has_an_interval_above_zero() -> None:
    counts = sample_counts(ActivationLaw(2000, 400, 2.0), 60, rng=8)
    counts = counts[counts > 0]
    fit = fit_law(counts, 60, "beta-binomial-atoms")
    assert fit.parameters["dead"] == 0.0
    low, high = fit.interval("dead")
    assert low == 0.0
    assert 0.0 < high < 0.05
    assert fit.interval("dead", 0.99)[1] > high


@pytest.mark.parametrize("law", LAWS)
def test_growth_silence_and_waking_belong_together(law: str) -> None:
    _, _, D = TRUTHS[law]
    fit = fit_law(draw(law, 500, np.random.default_rng(9)), D, law)
    grid = np.array([0.0, 1.0, D, 10.0 * D])
    silent = fit.silent_share(grid)
    assert silent[0] == pytest.approx(1.0, rel=1e-9)
    assert np.all(np.diff(silent) < 0)
    np.testing.assert_allclose(fit.growth(grid), 500 * (1 - silent), atol=1e-9)
    assert silent[2] == pytest.approx(float(np.exp(fit.log_pmf(0))), rel=1e-9)
    assert fit.wake_probability(9 * D) == pytest.approx(1 - silent[3] / silent[2], rel=1e-9)
    assert fit.wake_probability(0) == 0.0
    k = np.arange(D + 1)
    below = np.cumsum(np.exp(fit.log_pmf(k)))
    np.testing.assert_allclose(fit.family.cdf(fit.point, k.astype(float), D), below, atol=1e-9)
    drawn = fit.sample(40_000, rng=1)
    assert drawn.min() >= 0
    assert drawn.max() <= D
    zeros = np.exp(fit.log_pmf(0))
    assert abs(np.mean(drawn == 0) - zeros) < SIGMAS * np.sqrt(zeros / 40_000)


@pytest.mark.parametrize("law", ["beta-binomial", "beta-binomial-atoms", "probit-normal"])
def test_far_distribution_functions_continue_the_near_ones(law: str) -> None:
    _, _, D = TRUTHS[law]
    fit = fit_law(draw(law, 500, np.random.default_rng(9)), D, law)
    k = np.array([-1.0, 0.0, 7.0, D - 1.0, D])
    np.testing.assert_allclose(fit.family._far_cdf(fit.point, k, D), fit.family.cdf(fit.point, k, D), atol=1e-8)


# -- comparison and goodness of fit ------------------------------------------------------------------------------------


def test_comparison_picks_the_law_of_the_data() -> None:
    # rates far from any Beta law, and zeros that no law without atoms explains
    table = compare_laws(draw("beta-binomial-atoms", 3000, np.random.default_rng(10)), 100)
    assert table.best.name == "beta-binomial-atoms"
    assert table.difference("beta-binomial") > 50
    assert [f.aic for f in table.fits] == sorted(f.aic for f in table.fits)
    assert "beta-binomial-atoms" in repr(table).splitlines()[1]


def test_comparison_lists_the_laws_without_a_fit() -> None:
    # all but always on: over-dispersed against the binomial law, not against the Poisson one
    counts = [9, 10, 10, 10, 10, 5]
    table = compare_laws(counts, 10, ["beta-binomial", "negative-binomial"])
    assert list(table.failures) == ["negative-binomial"]
    assert "no fit" in repr(table)
    with pytest.raises(KeyError, match="over-dispersed"):
        table["negative-binomial"]


def test_bootstrap_p_values_are_uniform_under_the_law() -> None:
    rng = np.random.default_rng(11)
    p = []
    for _ in range(25):
        counts = rng.binomial(30, rng.beta(1.0, 4.0, 150))
        p.append(bootstrap_p_value(fit_law(counts, 30), n_replicates=19, rng=rng))
    assert stats.kstest(np.array(p) - rng.random(25) / 20, "uniform").pvalue > ALARM


def test_bootstrap_notices_another_law_and_needs_no_order_of_jobs() -> None:
    rng = np.random.default_rng(12)
    mixed = rng.binomial(60, np.concatenate([rng.beta(8.0, 100.0, 500), rng.beta(60.0, 60.0, 500)]))
    fit = fit_law(mixed, 60)
    p = bootstrap_p_value(fit, n_replicates=39, rng=0)
    assert p == 1 / 40
    assert fit.p_value < ALARM
    good = fit_law(rng.binomial(60, rng.beta(1.0, 4.0, 100)), 60)
    one, two = (bootstrap_p_value(good, n_replicates=19, n_jobs=jobs, rng=5) for jobs in (1, 2))
    assert one == two


def test_pit_is_uniform_under_the_law_and_not_under_another() -> None:
    rng = np.random.default_rng(13)
    counts = rng.binomial(50, rng.beta(0.5, 2.0, 5000))
    distance = pit_distance(fit_law(counts, 50), rng=1)
    # fitted parameters only bring the distance down
    assert distance < stats.kstwo.isf(ALARM, 5000)
    wrong = pit_distance(fit_law(counts, 50, "negative-binomial"), rng=1)
    assert wrong > 2 * distance


def test_units_to_distinguish_against_simulation() -> None:
    fit = fit_law(np.random.default_rng(14).binomial(100, np.random.default_rng(15).beta(0.4, 2.0, 4000)), 100)
    apart = units_to_distinguish(fit, power=0.9)
    n, rng, runs = round(apart.n_units), np.random.default_rng(16), 40
    wins = 0
    for _ in range(runs):
        table = compare_laws(fit.sample(n, rng=rng), 100, ["beta-binomial", "probit-normal"])
        wins += table.best.name == "beta-binomial"
    law = stats.binom(runs, 0.9)
    # the log-likelihood ratio of n units is nearly normal; the tolerance leaves its skewness three per cent
    assert law.ppf(1e-4) <= wins + 0.03 * runs
    assert wins - 0.03 * runs <= law.isf(1e-4)
    assert apart.divergence > 0
    assert units_to_distinguish(fit, power=0.99).n_units > apart.n_units


# -- drift -------------------------------------------------------------------------------------------------------------


def frozen(rng: np.random.Generator, orders: tuple[int, ...] = (50, 200, 800)) -> dict[int, Any]:
    theta, counts, found = rng.beta(0.7, 12.0, 150), np.zeros(150, dtype=int), {}
    for D, step in zip(orders, np.diff([0, *orders]), strict=True):
        counts = counts + rng.binomial(step, theta)
        found[D] = counts
    return found


def test_drift_alarm_rings_as_often_as_it_says_over_frozen_layers() -> None:
    rng, runs = np.random.default_rng(17), 20
    alarms = sum(drift_alarm(frozen(rng), false_alarm=0.1, n_replicates=19, rng=rng).alarm for _ in range(runs))
    law = stats.binom(runs, 0.1)
    assert law.ppf(ALARM / 2) <= alarms <= law.isf(ALARM / 2)


def test_drift_alarm_rings_when_the_rates_change() -> None:
    rng = np.random.default_rng(18)
    early = rng.binomial(200, rng.beta(3.0, 9.0, 300))
    late = early + rng.binomial(1800, rng.beta(0.3, 0.9, 300))
    report = drift_alarm({2000: late, 200: early}, n_replicates=39, false_alarm=0.05, rng=0)
    assert report.alarm
    assert report.n_samples.tolist() == [200, 2000]
    assert np.all((report.low < report.b) & (report.b < report.high))
    assert "drift" in repr(report)
    again = drift_alarm({2000: late, 200: early}, n_replicates=39, false_alarm=0.05, n_jobs=2, rng=0)
    assert again.p_value == report.p_value


# -- errors ------------------------------------------------------------------------------------------------------------

GOOD = fit_law([0, 0, 1, 3, 9, 20], 20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_law([], 5), r"counts is empty; at least one unit is needed"),
        (lambda: fit_law([1, 6], 5), r"counts holds 6; every value must lie in \[0, 5\]"),
        (lambda: fit_law([1, 2], 1), r"n_samples=1 must be an integer in \[2, "),
        (lambda: fit_law([1, 2], 5, "beta"), r"law='beta' must be one of 'beta-binomial', "),
        (lambda: fit_law([3, 3], 5, "probit-normal"), r"counts holds 1 distinct values; two are needed"),
        (lambda: fit_law([2, 2, 3, 3], 5, "probit-normal"), r"counts are not over-dispersed: variance 0\.25"),
        (lambda: fit_law([0, 0, 5], 5, "probit-normal"), r"counts holds only 0 and n_samples=5"),
        (lambda: fit_law([4, 4, 5], 5, "negative-binomial"), r"not over-dispersed: .* against the Poisson"),
        (lambda: GOOD.interval("m"), r"name='m' must be one of 'a', 'b'"),
        (lambda: GOOD.interval("a", 1.0), r"level=1\.0 must be a finite number in \(0, 1\)"),
        (lambda: GOOD.growth(-1), r"D holds -1\.0; every value must be finite and at least 0"),
        (lambda: GOOD.log_pmf([21]), r"k holds 21; every value must lie in \[0, 20\]"),
        (lambda: GOOD.sample(0, rng=0), r"n_units=0 must be an integer in \[1, "),
        (lambda: GOOD.wake_probability(-1), r"m=-1 must be a finite number in \[0, "),
        (lambda: compare_laws([2, 2, 3, 3], 5), r"counts: no law has a fit: beta-binomial: counts are not over-"),
        (lambda: compare_laws([0, 9], 9, ["x"]), r"laws='x' must be one of"),
        (lambda: bootstrap_p_value(GOOD, n_replicates=5, rng=0), r"n_replicates=5 must be an integer in \[19, "),
        (lambda: units_to_distinguish(GOOD, "beta-binomial"), r"rival='beta-binomial' must be one of"),
        (lambda: units_to_distinguish(GOOD, power=0.4), r"power=0\.4 must be a finite number in \[0\.5, 1\)"),
        (lambda: probit_normal_log_pmf(3, 2, 0.0, 1.0), r"k holds 3\.0; every value must be at most n_samples"),
        (lambda: probit_normal_log_pmf(1, 2, 0.0, 0.0), r"s=0\.0 must be a finite number in \(0, 100\]"),
        (lambda: drift_alarm({5: [0, 1, 4]}, rng=0), r"snapshots holds 1 entries; two are needed"),
        (lambda: drift_alarm({5: [0, 4], 9: [1, 2, 8]}, rng=0), r"snapshots have \[2, 3\] units"),
        (lambda: drift_alarm({5: [0, 4], 9: [0, 3]}, rng=0), r"snapshots: a count falls"),
        (lambda: drift_alarm({5: [0, 4], 9: [0, 4]}, false_alarm=1e-4, rng=0), r"false_alarm=0\.0001 must be"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
