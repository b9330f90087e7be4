"""Learning curves: exact recovery, coverage of the intervals, and the floor's information."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from neuroscale.evidence._curve_problem import CurveProblem
from neuroscale.evidence.learning_curve import (
    fit_learning_curve,
    floor_errors,
    local_exponents,
)

D = np.geomspace(100, 100_000, 12)


@settings(max_examples=25, deadline=None)
@given(s=st.floats(0.2, 1.5), E=st.floats(0.0, 1.0), A=st.floats(0.5, 50.0))
def test_exact_curves_are_recovered(s: float, E: float, A: float) -> None:
    fit = fit_learning_curve(D, E + A * D**-s, sigma=1e-3)
    # the search ends where the sum of squares no longer changes in double precision
    assert fit.exponent == pytest.approx(s, rel=1e-3)
    assert fit.floor == pytest.approx(E, abs=1e-3 * A)
    assert fit.loss(D) == pytest.approx(E + A * D**-s, rel=1e-4, abs=1e-5)
    assert fit.reach == pytest.approx(s * np.log(1000), rel=1e-3)
    for name, value in (("exponent", s), ("floor", E)):
        low, high = fit.intervals[name]
        assert low <= value * (1 + 1e-3) + 1e-6
        assert value * (1 - 1e-3) - 1e-6 <= high


def test_the_minimum_is_that_of_scipy() -> None:
    rng = np.random.default_rng(3)
    sigma = 0.02 * (1 + rng.random(12))
    L = 0.3 + 8 * D**-0.4 + sigma * rng.standard_normal(12)
    fit = fit_learning_curve(D, L, sigma=sigma)

    def residuals(p: Any) -> Any:
        return (p[0] + np.exp(p[1] - p[2] * np.log(D)) - L) / sigma

    peer = optimize.least_squares(residuals, [0.3, np.log(8), 0.4], xtol=1e-14, ftol=1e-14, gtol=1e-14)
    assert (fit.floor, np.log(fit.scale), fit.exponent) == pytest.approx(peer.x, rel=1e-4)
    assert fit.noise == pytest.approx(np.sqrt(2 * peer.cost / 9), rel=1e-6)


def test_without_a_floor_it_is_the_line_in_logarithms() -> None:
    rng = np.random.default_rng(4)
    L = 5 * D**-0.3 * np.exp(1e-3 * rng.standard_normal(12))
    fit = fit_learning_curve(D, L, floor=False)
    line = stats.linregress(np.log(D), np.log(L))
    # weights 1/L on L agree with logarithms to the second order of the noise
    assert fit.exponent == pytest.approx(-line.slope, abs=3e-6)
    half = stats.t.ppf(0.975, 10) * line.stderr
    assert fit.intervals["exponent"] == pytest.approx((-line.slope - half, -line.slope + half), abs=1e-5)
    assert fit.floor == 0
    assert fit.floor_identified
    assert fit_learning_curve(D, L + 0.25, floor=0.25).exponent == pytest.approx(fit.exponent, abs=1e-3)


@pytest.mark.parametrize("known", [True, False])
def test_intervals_cover(known: bool) -> None:
    """150 curves at 95 %: fewer than 127 covered has a false-alarm rate of 1e-6 (binomial), all of them one of 5e-4."""
    rng = np.random.default_rng(9 + known)
    truth = {"exponent": 0.5, "floor": 0.4, "scale": 20.0}
    inside = dict.fromkeys(truth, 0)
    for _ in range(150):
        mean = 0.4 + 20 * D**-0.5
        L = mean * (1 + 0.02 * rng.standard_normal(12))
        fit = fit_learning_curve(D, L, sigma=0.02 * mean if known else None)
        for name, value in truth.items():
            low, high = fit.intervals[name]
            inside[name] += low <= value <= high
    assert all(127 <= count < 150 for count in inside.values()), inside


def test_a_short_curve_warns_and_a_long_one_does_not() -> None:
    rng = np.random.default_rng(1)
    noise = np.exp(0.03 * rng.standard_normal(12))
    short = fit_learning_curve(D, (1.0 + 5 * D**-0.1) * noise)
    assert not short.floor_identified
    assert short.warning.startswith("the floor is not identified: values from 0 to")
    assert short.intervals["floor"][0] == 0
    long = fit_learning_curve(D, (1.0 + 500 * D**-1.0) * noise)
    assert long.floor_identified
    assert long.warning == ""
    assert short.condition > 3 * long.condition


# -- floor and exponent -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [0.05, 0.7, 4.0])
def test_floor_errors_are_those_of_the_information_matrix(t: float) -> None:
    with mp.workdps(60):
        x = [mp.mpf(t) * j / 8 for j in range(9)]
        J = mp.matrix([[1, mp.exp(-v), v * mp.exp(-v)] for v in x])
        V = (J.T * J) ** -1
        wanted = float(mp.sqrt(V[0, 0])), float(mp.sqrt(V[2, 2]))
    assert floor_errors(t, 9) == pytest.approx(wanted, rel=1e-9)


def test_floor_errors_for_a_short_reach() -> None:
    for error in floor_errors(1e-2, 100_000):
        assert error == pytest.approx(np.sqrt(720 / 100_000) / 1e-4, rel=0.01)


def test_floor_errors_are_the_scatter_of_fits() -> None:
    """150 fits: a standard deviation within 30 % of the theory has a false-alarm rate of 2e-7 (chi-squared)."""
    rng = np.random.default_rng(2)
    amplitude, s = 2.0, 0.6
    mean = 1.0 + amplitude * (D / D[0]) ** -s
    fits = []
    for _ in range(150):  # without the intervals, which take most of the time
        problem = CurveProblem(D, mean + 1e-3 * rng.standard_normal(12), 1e-3, floor=True)
        s_hat = problem.minimum()[1]
        fits.append((problem.linear(np.array([s_hat]))[0][0], s_hat))
    error_E, error_s = floor_errors(s * np.log(1000), 12)
    assert np.std(fits, axis=0)[0] == pytest.approx(1e-3 * error_E, rel=0.3)
    assert np.std(fits, axis=0)[1] == pytest.approx(1e-3 * error_s * s / amplitude, rel=0.3)


def test_local_exponents() -> None:
    at, slopes = local_exponents(D, np.stack([0.5 + D**-0.3, 0.5 + D**-1.2]), floor=0.5)
    assert at == pytest.approx(np.sqrt(D[1:] * D[:-1]))
    assert slopes == pytest.approx(np.repeat([[0.3], [1.2]], 11, axis=1), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_learning_curve([1, 2, 3], [3, 2, 1]), "3 data at 3 sizes; 4 at 3 are needed"),
        (lambda: fit_learning_curve([1, 2], [2, 1], floor=False), "3 at 2 are needed"),
        (lambda: fit_learning_curve([1, 1, 1, 2], [2, 1, 2, 2]), "at 2 sizes"),
        (lambda: fit_learning_curve([0, 2, 3, 4], [4, 3, 2, 1]), "D holds 0.0"),
        (lambda: fit_learning_curve([1, 2, 3, 4], [4, 3, 2, 0]), "L holds 0.0"),
        (lambda: fit_learning_curve([1, 2, 3], [4, 3, 2, 1]), "both must be"),
        (lambda: fit_learning_curve(D, D**-0.5, sigma=0.0), "sigma holds 0.0"),
        (lambda: fit_learning_curve(D, D**-0.5, floor=1.0), "floor=1.0 must be below"),
        (lambda: fit_learning_curve(D, D**-0.5, level=1.0), "level=1.0"),
        (lambda: local_exponents([1, 2], [1.0, 0.5], floor=0.5), "all above floor=0.5"),
        (lambda: local_exponents([2, 1], [1.0, 0.5]), "must increase"),
        (lambda: floor_errors(0.0, 5), "reach=0.0"),
        (lambda: floor_errors(1.0, 2), "n_points=2"),
    ],
)
def test_errors_name_the_argument(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
