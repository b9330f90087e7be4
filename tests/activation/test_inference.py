"""Maximum likelihood on counts: recovery, coverage, an independent optimiser, atoms, and degenerate data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from neuroscale.activation import ActivationLaw, CountFit, fit_counts, sample_counts
from neuroscale.activation.beta_binomial import log_pmf
from neuroscale.activation.inference import _derivatives

ALARM = 1e-6
SIGMAS = float(stats.norm.isf(ALARM / 2))


@pytest.mark.parametrize(
    ("n", "c", "b", "D"),
    [(20000, 200, 0.5, 2000), (20000, 100, 0.095, 500), (20000, 5000, 2.0, 100), (20000, 15000, 0.7, 60)],
)
def test_recovers_the_parameters(n: int, c: float, b: float, D: int) -> None:
    law = ActivationLaw(n, c, b)
    fit = fit_counts(sample_counts(law, D, rng=1), D)
    assert abs(fit.b - b) < SIGMAS * fit.se_b
    assert abs(fit.a - law.concentration) < SIGMAS * fit.se_a
    assert fit.se_b < 0.1 * b  # the errors are small enough for the two lines above to say something
    assert fit.p_value > ALARM
    assert (fit.n_neurons, fit.n_samples, fit.atoms) == (n, D, {})


def test_recovers_the_parameters_at_a_trillion_samples() -> None:
    law, D = ActivationLaw(5000, 50, 0.5), 10**12
    fit = fit_counts(sample_counts(law, D, rng=2), D)
    assert abs(fit.b - 0.5) < SIGMAS * fit.se_b
    assert abs(fit.a - law.concentration) < SIGMAS * fit.se_a
    assert fit.p_value > ALARM


@cache
def fits_of_one_law() -> list[CountFit]:
    law, rng = ActivationLaw(600, 60, 0.5), np.random.default_rng(3)
    return [fit_counts(sample_counts(law, 80, rng=rng), 80) for _ in range(120)]


@pytest.mark.parametrize(("name", "truth"), [("a", 5.0), ("b", 0.5)])
def test_intervals_cover_as_often_as_they_say(name: str, truth: float) -> None:
    fits = fits_of_one_law()
    covered = sum(low < truth < high for low, high in (fit.interval(name) for fit in fits))
    law = stats.binom(len(fits), 0.95)
    # asymptotic intervals at 600 neurons: their true coverage may be off by a per cent or so, half a sigma here
    assert law.ppf(ALARM / 2) <= covered <= law.isf(ALARM / 2)
    narrow = sum(low < truth < high for low, high in (fit.interval(name, 0.5) for fit in fits))
    half = stats.binom(len(fits), 0.5)
    assert half.ppf(ALARM / 2) <= narrow <= half.isf(ALARM / 2)


@pytest.mark.parametrize("name", ["a", "b"])
def test_standard_errors_are_the_spread_of_the_estimates(name: str) -> None:
    fits = fits_of_one_law()
    spread = np.std([getattr(fit, name) for fit in fits])
    stated = np.sqrt(np.mean([getattr(fit, f"se_{name}") ** 2 for fit in fits]))
    # a standard deviation of 120 draws is known to 6.5 %: five of them
    assert spread == pytest.approx(stated, rel=0.32)


def test_p_values_are_uniform_enough() -> None:
    # the fit uses the raw counts and the cells are cut at quantiles of the data: nearly, not exactly, uniform
    p = [fit.p_value for fit in fits_of_one_law()]
    assert stats.kstest(p, "uniform").pvalue > ALARM
    assert stats.binom(len(p), 0.05).sf(sum(value < 0.05 for value in p) - 1) > ALARM


def test_p_value_notices_another_law() -> None:
    # a mixture of two Beta laws is not a Beta law
    rng = np.random.default_rng(4)
    mixed = [sample_counts(ActivationLaw(3000, c, 8.0), 200, rng=rng) for c in (150, 900)]
    assert fit_counts(np.concatenate(mixed), 200).p_value < ALARM


def generic(counts: Any, D: int) -> tuple[float, float, float]:
    """(a, b, log-likelihood) by scipy's own law and a derivative-free optimiser."""

    def negative(logs: Any) -> float:
        b, x = np.exp(logs)
        return -float(stats.betabinom.logpmf(counts, D, b, x).sum())

    best = optimize.minimize(negative, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11})
    b, x = np.exp(best.x)
    return b + x, b, -best.fun


SMALL = sample_counts(ActivationLaw(300, 45, 0.6), 40, rng=5)


def test_agrees_with_a_generic_optimiser() -> None:
    fit = fit_counts(SMALL, 40)
    a, b, log_likelihood = generic(SMALL, 40)
    # Nelder-Mead locates a maximum to the square root of its rounding, 1e-7 or so
    assert fit.a == pytest.approx(a, rel=1e-5)
    assert fit.b == pytest.approx(b, rel=1e-5)
    assert fit.log_likelihood == pytest.approx(log_likelihood, rel=1e-10)
    assert fit.log_likelihood >= log_likelihood - 1e-9


def test_standard_errors_against_a_numeric_hessian() -> None:
    fit = fit_counts(SMALL, 40)

    def total(a: float, b: float) -> float:
        return float(log_pmf(SMALL, 40, b, a - b).sum())

    h = 1e-3
    da, db = h * fit.a, h * fit.b

    def second(u: tuple[float, float], v: tuple[float, float]) -> float:
        a, b = fit.a, fit.b
        signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
        return sum(i * j * total(a + i * u[0] + j * v[0], b + i * u[1] + j * v[1]) for i, j in signs) / (
            4 * (u[0] + u[1]) * (v[0] + v[1])
        )

    information = -np.array(
        [[second((da, 0), (da, 0)), second((da, 0), (0, db))], [second((0, db), (da, 0)), second((0, db), (0, db))]]
    )
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    # central differences with steps of 1e-3 leave 1e-5 or so
    np.testing.assert_allclose([fit.se_a, fit.se_b], errors, rtol=1e-4)


@pytest.mark.parametrize(("b", "x", "D"), [(0.3, 5.0, 20), (40.0, 2.0, 50), (0.01, 1e4, 1000)])
def test_derivatives_against_differences(b: float, x: float, D: int) -> None:
    k = np.array([0.0, 1.0, D // 2, D])
    gradient, hessian = _derivatives(k, D, b, x)
    h = 1e-5
    for i, (db, dx) in enumerate([(h * b, 0.0), (0.0, h * x)]):
        step = db + dx
        slope = (log_pmf(k, D, b + db, x + dx) - log_pmf(k, D, b - db, x - dx)) / (2 * step)
        up, down = (_derivatives(k, D, b + s * db, x + s * dx)[0] for s in (1, -1))
        # rounding 1e-15 / (1e-5 step) and truncation (1e-5)^2, both relative to values of the size of 1/b or 1/x
        size = 1 / (b if i == 0 else x)
        np.testing.assert_allclose(gradient[:, i], slope, rtol=1e-7, atol=1e-7 * size)
        np.testing.assert_allclose(hessian[:, i, :], (up - down) / (2 * step), rtol=1e-6, atol=1e-7 * size / min(b, x))


# -- atoms -------------------------------------------------------------------------------------------------------------


def test_recovers_atoms_at_both_ends() -> None:
    law, D = ActivationLaw(20000, 4000, 0.8), 100
    rng = np.random.default_rng(6)
    kind = rng.choice(3, size=20000, p=[0.85, 0.1, 0.05])
    counts = np.where(kind == 0, sample_counts(law, D, rng=rng), np.where(kind == 1, 0, D))
    fit = fit_counts(counts, D, atoms=(0, D))
    assert abs(fit.b - 0.8) < SIGMAS * fit.se_b
    assert abs(fit.a - 4.0) < SIGMAS * fit.se_a
    # the weight of an atom: binomial noise of the mixture, plus the mass of the law that is subtracted from it
    assert fit.atoms[0] == pytest.approx(0.1, abs=SIGMAS * np.sqrt(0.13 * 0.87 / 20000) * 1.5)
    assert fit.atoms[D] == pytest.approx(0.05, abs=SIGMAS * np.sqrt(0.06 * 0.94 / 20000) * 1.5)
    assert fit.p_value > ALARM
    without = fit_counts(counts, D)
    assert without.p_value < ALARM
    assert fit.log_likelihood > without.log_likelihood + 20


def test_maximum_with_atoms_against_a_generic_optimiser() -> None:
    rng, D = np.random.default_rng(7), 30
    counts = np.concatenate([sample_counts(ActivationLaw(400, 80, 1.5), D, rng=rng), np.zeros(60, dtype=int)])
    fit = fit_counts(counts, D, atoms=[0])

    def negative(z: Any) -> float:
        b, x, weight = np.exp(z[0]), np.exp(z[1]), 1 / (1 + np.exp(-z[2]))
        p = (1 - weight) * stats.betabinom.pmf(counts, D, b, x) + weight * (counts == 0)
        return -float(np.log(p).sum())

    best = optimize.minimize(
        negative, [0, 1, -2], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000}
    )
    assert fit.b == pytest.approx(np.exp(best.x[0]), rel=1e-5)
    assert fit.a - fit.b == pytest.approx(np.exp(best.x[1]), rel=1e-5)
    assert fit.atoms[0] == pytest.approx(1 / (1 + np.exp(-best.x[2])), rel=1e-5)
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-10)


def test_an_atom_that_the_data_do_not_want_has_no_weight() -> None:
    # far fewer silent neurons than the law itself expects
    counts = sample_counts(ActivationLaw(5000, 500, 0.5), 50, rng=8)
    counts = np.concatenate([counts[counts > 0], np.zeros(20, dtype=int)])
    fit, plain = fit_counts(counts, 50, atoms=(0,)), fit_counts(counts, 50)
    assert fit.atoms == {0: 0.0}
    assert (fit.a, fit.b, fit.log_likelihood) == (plain.a, plain.b, plain.log_likelihood)
    # and an atom where there is no data at all
    missing = fit_counts(counts[counts > 0], 50, atoms=(0, 50))
    assert missing.atoms[0] == 0.0


def test_an_atom_named_twice_is_one_atom() -> None:
    counts = np.concatenate([sample_counts(ActivationLaw(400, 80, 1.5), 30, rng=7), np.zeros(60, dtype=int)])
    assert fit_counts(counts, 30, atoms=(0, 0)) == fit_counts(counts, 30, atoms=(0,))


# -- invariances and edges ---------------------------------------------------------------------------------------------


def test_order_and_shape_do_not_matter() -> None:
    fit = fit_counts(SMALL, 40)
    assert fit_counts(SMALL[::-1].reshape(10, 30), 40) == fit
    assert fit_counts(SMALL.tolist(), 40) == fit
    assert fit_counts(SMALL.astype(float), 40.0) == fit  # type: ignore[arg-type]


def test_silence_and_activity_mirror_each_other() -> None:
    fit, mirror = fit_counts(SMALL, 40), fit_counts(40 - SMALL, 40)
    # two Newton runs to a relative gradient of 1e-8
    assert mirror.a == pytest.approx(fit.a, rel=1e-6)
    assert mirror.b == pytest.approx(fit.a - fit.b, rel=1e-6)
    assert mirror.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-12)


def test_twice_the_data_has_smaller_errors_only() -> None:
    one, two = fit_counts(SMALL, 40), fit_counts(np.tile(SMALL, 4), 40)
    assert two.b == pytest.approx(one.b, rel=1e-6)
    assert two.se_b == pytest.approx(one.se_b / 2, rel=1e-5)
    assert two.log_likelihood == pytest.approx(4 * one.log_likelihood, rel=1e-12)


def test_two_samples_match_the_three_classes_exactly() -> None:
    # two free parameters, two free frequencies: b/a = mean and E[theta^2] = P(2) when they are feasible
    counts = [0] * 5 + [1] * 2 + [2] * 3
    fit = fit_counts(counts, 2)
    np.testing.assert_allclose(np.exp(log_pmf([0, 1, 2], 2, fit.b, fit.a - fit.b)), [0.5, 0.2, 0.3], rtol=1e-6)
    assert np.isnan(fit.p_value)  # no freedom is left to contradict the law


def test_a_few_neurons_are_enough_to_run() -> None:
    fit = fit_counts([0, 0, 0, 1, 9], 9)
    assert 0 < fit.b < fit.a
    assert np.isfinite([fit.se_a, fit.se_b, fit.log_likelihood]).all()
    assert np.isnan(fit.p_value)


def test_interval() -> None:
    fit = fit_counts(SMALL, 40)
    low, high = fit.interval("a")
    assert low < fit.a < high
    assert np.sqrt(low * high) == pytest.approx(fit.a)
    wide = fit.interval("a", 0.999)
    assert wide[0] < low
    assert high < wide[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_counts([], 5), r"counts is empty; at least one neuron is needed"),
        (lambda: fit_counts([1, 2.5], 5), r"counts holds 2\.5; every value must be an integer"),
        (lambda: fit_counts([1, float("nan")], 5), r"counts holds nan; every value must be finite"),
        (lambda: fit_counts([1, 6], 5), r"counts holds 6; every value must lie in \[0, 5\]"),
        (lambda: fit_counts([-1, 3], 5), r"counts holds -1; every value must lie in \[0, 5\]"),
        (lambda: fit_counts([[1], [2, 3]], 5), r"counts=.* must be an array of integers in \[0, 5\]"),  # type: ignore[list-item]
        (lambda: fit_counts(["x"], 5), r"counts=\['x'\] must be numbers"),  # type: ignore[list-item]
        (lambda: fit_counts([0, 1], 1), r"n_samples=1 must be an integer in \[2, "),
        (lambda: fit_counts([0, 1], float("nan")), r"n_samples=nan must be an integer"),  # type: ignore[arg-type]
        (lambda: fit_counts([0, 1, 5], 5, atoms=(3,)), r"atoms holds 3; only 0 and n_samples=5 are allowed"),
        (lambda: fit_counts([3, 3, 3], 5), r"counts holds 1 distinct values outside the atoms \[\]; two are needed"),
        (lambda: fit_counts([0, 0, 3], 5, atoms=(0,)), r"counts holds 1 distinct values outside the atoms \[0\]"),
        (lambda: fit_counts([0, 0, 0, 5, 5], 5), r"counts holds only 0 and n_samples=5: .* no maximum at b > 0"),
        (lambda: fit_counts([2, 2, 3, 3], 5), r"counts are not over-dispersed: variance 0\.25 against the binomial"),
        (lambda: fit_counts([0, 1] * 50, 2), r"counts are not over-dispersed"),
        (
            # outside the atom: nearly as many neurons per octave of the count, too unequal for b > 0
            lambda: fit_counts(
                np.repeat([0, 1, 2, 4, 8, 16, 64, 256], [40, 40, 20, 20, 20, 20, 20, 20]), 10_000, atoms=(0,)
            ),
            r"the likelihood grows as b goes to 0",
        ),
        (
            lambda: fit_counts([0] * 9 + [4, 5, 5, 6], 10, atoms=(0,)),
            r"counts are not over-dispersed against a binomial law outside the atoms",
        ),
        (lambda: fit_counts([0, 0, 1, 9], 9).interval("c"), r"name='c' must be one of 'a', 'b'"),
        (lambda: fit_counts([0, 0, 1, 9], 9).interval("a", 2), r"level=2 must be a finite number in \(0, 1\)"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
