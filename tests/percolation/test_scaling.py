"""Data scaling against rationals, high precision, integrals and simulation."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroscale import percolation as perc

EXACT = settings(derandomize=True, deadline=None, max_examples=50)


def walk(n: int) -> Fraction:
    return Fraction(comb(2 * n, n), 4**n)


# -- one cluster ---------------------------------------------------------------------------------------------------


def test_return_probability_is_the_binomial_one() -> None:
    wanted = [float(walk(n)) for n in range(40)]
    assert np.allclose(perc.return_probability(np.arange(40)), wanted, rtol=2e-14, atol=0)


@EXACT
@given(st.floats(-9, 15))
def test_return_probability_keeps_its_digits(log_n: float) -> None:
    n = 10.0**log_n
    with mp.workdps(50):
        reference = mp.gamma(mp.mpf(n) + 0.5) / (mp.gamma(mp.mpf(n) + 1) * mp.sqrt(mp.pi))
        assert abs(float(perc.return_probability(n)) / reference - 1) < 1e-13


def test_nearest_neighbour_curve() -> None:
    n = np.array([0, 1, 2, 10**10])
    assert np.allclose(perc.nearest_neighbour_loss(n), [1, 2, 1.5, 4 / np.sqrt(np.pi * 1e10)], rtol=1e-10)


# -- exact data law ------------------------------------------------------------------------------------------------


def test_data_loss_is_a_beta_binomial_mean() -> None:
    def curve(n: Any) -> Any:
        return np.exp(-0.3 * n) + n**0.2

    for a in (0.02, 0.31, 0.5, 0.97):
        for size in (1, 7, 300):
            n = np.arange(size + 1)
            wanted = np.sum(stats.betabinom(size, 1 - a, a).pmf(n) * curve(n))
            # scipy's law loses digits in differences of lgamma
            assert perc.data_loss(size, a, curve) == pytest.approx(wanted, rel=1e-10)


def test_quanta_are_the_unseen_mass() -> None:
    sizes = np.array([[0, 1, 2], [10, 1000, 10**6]])
    for a in (0.05, 0.5, 0.9):
        by_sum = perc.data_loss(sizes, a, lambda n: n == 0)
        assert np.allclose(perc.quanta_data_loss(sizes, a), by_sum, rtol=1e-9, atol=0)
    assert np.allclose(perc.quanta_data_loss(10**9, 0.25) * 1e9**0.75 * float(mp.gamma(0.25)), 1, rtol=1e-9)


def test_nearest_neighbour_law_in_rationals() -> None:
    wanted = []
    for size in range(12):
        law = walk(size) + 4 * sum((walk(n) ** 2 * walk(size - n) for n in range(1, size + 1)), Fraction(0))
        wanted.append(law)
    assert wanted[:5] == [1, Fraction(3, 2), Fraction(23, 16), Fraction(87, 64), Fraction(5289, 4096)]
    assert np.allclose(perc.nearest_neighbour_data_loss(range(12)), [float(v) for v in wanted], rtol=1e-14)


def test_nearest_neighbour_law_from_its_generating_function() -> None:
    # coefficient by Cauchy's integral on a circle, 40 digits
    with mp.workdps(40):
        points = 512
        total = mp.mpc(0)
        for k in range(points):
            x = mp.mpf("0.8") * mp.expjpi(mp.mpf(2 * k) / points)
            total += (8 / mp.pi * mp.ellipk(x) - 3) / mp.sqrt(1 - x) * mp.expjpi(-2 * mp.mpf(60 * k) / points)
        coefficient = (total / points / mp.mpf("0.8") ** 60).real
    # aliasing: the next coefficient is down by 0.8^512
    assert perc.nearest_neighbour_data_loss(60) == pytest.approx(float(coefficient), rel=1e-12)


def test_data_loss_against_simulated_data_sets() -> None:
    # masses of PD(1/2, 0) as ratios of sums of squared normals: P = G1 / (G1 + G2), Gamma(1/2) each
    rng = np.random.default_rng(3)
    first, second = rng.standard_gamma(0.5, (2, 40_000))
    n = rng.binomial(50, first / (first + second))
    seen = perc.nearest_neighbour_loss(n)
    error = seen.std() / 200
    # 4.9 standard errors: false-alarm rate 1e-6
    assert abs(seen.mean() - perc.nearest_neighbour_data_loss(50)) < 4.9 * error


# -- continuum -----------------------------------------------------------------------------------------------------


@EXACT
@given(st.floats(0.1, 5), st.floats(0.05, 5), st.floats(0, 9))
def test_continuum_data_law_is_its_integral(alpha: float, beta: float, decades: float) -> None:
    size = 10.0**decades / alpha
    with mp.workdps(30):
        a, b, d = (mp.mpf(v) for v in (alpha, beta, size))
        last = (a * d) ** (1 / (1 + a))
        power = 1 - (1 + a) * (1 - b)  # of k, plus one, in the integral of k^(-1-a) (a D k^(-1-a))^(-b)
        learned = mp.log(last) if abs(power) < mp.mpf("1e-25") else (last**power - 1) / power
        wanted = a * (a * d) ** -b * learned + last**-a
        assert perc.data_loss_continuum(size, alpha, beta) == pytest.approx(float(wanted), rel=1e-9)


def test_continuum_data_law_at_the_crossover() -> None:
    assert perc.data_loss_continuum(1e4, 1.0, 0.5) == pytest.approx(1e-2 * (1 + 0.5 * np.log(1e4)), rel=1e-14)
    near = perc.data_loss_continuum(1e4, 1.0, 0.5 + 1e-12)
    assert near == pytest.approx(perc.data_loss_continuum(1e4, 1.0, 0.5), rel=1e-10)


# -- subcritical ---------------------------------------------------------------------------------------------------


def test_subcritical_loss_is_a_negative_binomial_mean() -> None:
    for seen in (0.1, 2.0, 30.0):
        law = stats.nbinom(0.5, 1 / (1 + seen))
        n = np.arange(3000)
        assert perc.subcritical_loss(seen, "quanta") == pytest.approx(law.pmf(0), rel=1e-12)
        wanted = np.sum(law.pmf(n) * perc.nearest_neighbour_loss(n))
        assert perc.subcritical_loss(seen, "nearest_neighbour") == pytest.approx(wanted, rel=1e-10)


def test_subcritical_loss_is_critical_at_a_geometric_number_of_data() -> None:
    sizes = np.arange(1200)
    weights = stats.geom(1 / 21).pmf(sizes + 1)  # mean 20
    wanted = np.sum(weights * perc.nearest_neighbour_data_loss(sizes))
    assert perc.subcritical_loss(20, "nearest_neighbour") == pytest.approx(wanted, rel=1e-12)


# -- exponents -----------------------------------------------------------------------------------------------------


@EXACT
@given(st.floats(2.05, 2.95), st.floats(0.5, 8), st.floats(0.5, 4))
def test_exponent_ratios(tau: float, dimension: float, c: float) -> None:
    alpha = (3 - tau) / (tau - 2)
    model, data = perc.exponent_ratios(tau, dimension, c)
    assert model == pytest.approx(c / dimension / alpha)
    assert data == pytest.approx(c / dimension / (alpha / (1 + alpha)))


def test_local_exponent() -> None:
    x = np.array([1.0, 30.0, 1e6])
    assert np.allclose(perc.local_exponent(lambda t: 3 * t**0.7, x), -0.7, rtol=1e-12)
    seen: list[Any] = []

    def record(t: Any) -> Any:
        seen.append(t)
        return 1 / t

    assert perc.local_exponent(record, [10, 100], whole=True).round(12).tolist() == [1.0, 1.0]
    assert [ends.tolist() for ends in seen] == [[9.0, 91.0], [11.0, 110.0]]


def test_local_exponents_of_the_data_law() -> None:
    slopes = perc.local_exponent(perc.nearest_neighbour_data_loss, [1e2, 1e3, 1e4], whole=True)
    assert slopes.round(3).tolist() == [0.355, 0.392, 0.414]


# -- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: perc.return_probability(-1), "n holds -1"),
        (lambda: perc.nearest_neighbour_loss(np.nan), "n holds nan"),
        (lambda: perc.data_loss(10, 1.0, lambda n: n), "discount=1.0"),
        (lambda: perc.data_loss(2.5, 0.5, lambda n: n), "D holds 2.5"),
        (lambda: perc.data_loss(10**8, 0.5, lambda n: n), "D holds 100000000"),
        (lambda: perc.data_loss(10, 0.5, lambda n: n[:3]), "loss returned"),
        (lambda: perc.data_loss(10, 0.5, np.log), "loss holds -inf"),
        (lambda: perc.quanta_data_loss(1, 0.0), "discount=0.0"),
        (lambda: perc.nearest_neighbour_data_loss(-1), "D holds -1"),
        (lambda: perc.data_loss_continuum(0.5, 1, 1), "D holds 0.5"),
        (lambda: perc.data_loss_continuum(2, 1, 0), "beta=0"),
        (lambda: perc.subcritical_loss(-1, "quanta"), "seen holds -1"),
        (lambda: perc.subcritical_loss(1, "mean"), "target='mean'"),  # type: ignore[arg-type]
        (lambda: perc.exponent_ratios(3.0, 4, 2), "tau=3.0"),
        (lambda: perc.local_exponent(np.exp, 0.0), "x holds 0.0"),
        (lambda: perc.local_exponent(np.exp, 1.0, ratio=1.0), "ratio=1.0"),
        (lambda: perc.local_exponent(np.exp, 1.0, whole=True), "too small"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
