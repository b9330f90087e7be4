"""Forecast of working neurons: closed form, coverage, its peers by hand, atoms, and errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from neuroscale.activation import ActivationLaw, GrowthForecast, fit_counts, predict_growth, sample_counts, unseen
from neuroscale.activation import forecast as module
from neuroscale.activation.forecast import _share
from neuroscale.numerics import log_gamma_quotient

ALARM = 1e-6
SIGMAS = float(stats.norm.isf(ALARM / 2))
RUNS = 60
COUNTS = sample_counts(ActivationLaw(2000, 25, 0.5), 400, rng=1)


def layer(seed: int, m: int, dead: int = 0, n: int = 1500, D: int = 300) -> tuple[Any, int]:
    rng = np.random.default_rng(seed)
    theta = rng.beta(0.5, 40.0, n)
    theta[:dead] = 0.0
    counts = rng.binomial(D, theta)
    return counts, int(np.sum((rng.binomial(m, theta) > 0) & (counts == 0)))


# -- closed form ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [0, 1, 7, 400, 10**6, 10**12])
def test_expected_is_the_closed_form(m: int) -> None:
    forecast, fit = predict_growth(COUNTS, 400, m), fit_counts(COUNTS, 400)
    law = ActivationLaw(2000, 2000 * fit.b / fit.a, fit.b)  # its concentration is the fitted one
    start = (400, forecast.working)
    wanted = float(law.working_neurons(400 + m, start=start)) - forecast.working
    assert forecast.fit == fit
    # a difference of working neurons loses two digits
    assert forecast.expected == pytest.approx(wanted, rel=1e-11, abs=1e-11)
    if m <= 400:
        product = np.prod(1 - fit.b / (400 + np.arange(m) + fit.a))
        assert forecast.expected == pytest.approx((2000 - forecast.working) * (1 - product), rel=1e-10, abs=1e-12)


def test_fields() -> None:
    forecast = predict_growth(COUNTS, 400, 200, level=0.9)
    assert isinstance(forecast, GrowthForecast)
    assert (forecast.n_neurons, forecast.n_samples, forecast.m, forecast.level) == (2000, 400, 200, 0.9)
    assert forecast.working == np.count_nonzero(COUNTS)
    assert 0 <= forecast.low < forecast.expected < forecast.high <= 2000 - forecast.working
    assert forecast.low == int(forecast.low)
    wide = predict_growth(COUNTS, 400, 200, level=0.999)
    assert wide.low < forecast.low < forecast.high < wide.high


def test_no_further_sample_starts_nobody() -> None:
    forecast = predict_growth(COUNTS, 400, 0)
    assert (forecast.expected, forecast.low, forecast.high) == (0.0, 0.0, 0.0)
    assert (forecast.good_toulmin, forecast.chao, forecast.pitman_yor) == (0.0, 0.0, 0.0)


def test_nobody_left() -> None:
    counts = COUNTS[COUNTS > 0]
    forecast = predict_growth(counts, 400, 100)
    assert (forecast.expected, forecast.low, forecast.high) == (0.0, 0.0, 0.0)


def test_everybody_starts_in_the_end() -> None:
    forecast = predict_growth(COUNTS, 400, 2**53 - 1)
    assert forecast.expected == pytest.approx(2000 - forecast.working, rel=1e-4)
    assert forecast.high == 2000 - forecast.working


def test_a_large_layer_has_a_quantile_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # more silent neurons than are listed one by one: the accurate law takes over without a jump
    counts = np.tile(COUNTS, 5)
    listed = predict_growth(counts, 400, 400)
    monkeypatch.setattr(module, "_LISTED", 10)
    law = predict_growth(counts, 400, 400)
    assert (law.low, law.high) == (listed.low, listed.high)


# -- interval ---------------------------------------------------------------------------------------------------------


@cache
def trials(m: int) -> list[tuple[GrowthForecast, int]]:
    found = []
    for seed in range(RUNS):
        counts, truth = layer(seed, m)
        found.append((predict_growth(counts, 300, m), truth))
    return found


@pytest.mark.parametrize("m", [150, 3000])
def test_intervals_cover_as_often_as_they_say(m: int) -> None:
    covered = sum(f.low <= truth <= f.high for f, truth in trials(m))
    law = stats.binom(RUNS, 0.95)
    # lower end only: a discrete interval covers a little more than it says
    assert covered >= law.ppf(ALARM)
    # and they are not wide for nothing: a fifth of the width would fail
    narrow = sum(abs(truth - f.expected) <= 0.1 * (f.high - f.low) for f, truth in trials(m))
    assert narrow < law.ppf(ALARM)


@pytest.mark.parametrize("m", [150, 3000])
def test_forecast_is_unbiased_and_its_spread_is_as_stated(m: int) -> None:
    error = np.array([truth - f.expected for f, truth in trials(m)])
    stated = np.array([(f.high - f.low) / (2 * stats.norm.ppf(0.975)) for f, _ in trials(m)])
    z = error / stated
    assert abs(z.mean()) < SIGMAS / np.sqrt(RUNS)
    # a standard deviation of 60 draws is known to 9 %: five of them
    assert z.std() == pytest.approx(1.0, abs=0.46)


def test_delta_method_against_simulated_parameters() -> None:
    fit, m = fit_counts(COUNTS, 400), 2000
    share, variance = _share(fit, m)
    cov = np.array([[fit.se_a**2, fit.cov_ab], [fit.cov_ab, fit.se_b**2]])
    draws = np.random.default_rng(2).multivariate_normal([fit.a, fit.b], cov, 4000)
    shares = -np.expm1(log_gamma_quotient(draws[:, 0] - draws[:, 1] + 400, draws[:, 1], m))
    assert shares.mean() == pytest.approx(share, rel=0.01)
    # 4000 draws know a variance to 2.2 %; the next order of the delta method is of the size of se_b/b, 4 %
    assert shares.var() == pytest.approx(variance, rel=0.15)


# -- peers ------------------------------------------------------------------------------------------------------------


def test_good_toulmin_is_nearly_unbiased_up_to_twice_the_data() -> None:
    found = np.array([(f.good_toulmin, truth) for f, truth in trials(150)])
    error = found[:, 0] - found[:, 1]
    assert abs(error.mean()) < SIGMAS * error.std() / np.sqrt(RUNS)


def test_peers_are_those_of_the_module() -> None:
    forecast = predict_growth(COUNTS, 400, 300)
    assert forecast.good_toulmin == unseen.good_toulmin(COUNTS, 400, 300).value
    assert forecast.chao == unseen.chao(COUNTS, 400, 300).value
    assert forecast.pitman_yor == unseen.pitman_yor(COUNTS, 400, 300).value
    alone = predict_growth(COUNTS, 400, 300, peers=False)
    assert (alone.expected, alone.low, alone.high) == (forecast.expected, forecast.low, forecast.high)
    assert np.isnan([alone.good_toulmin, alone.chao, alone.pitman_yor]).all()


def test_peers_do_not_know_the_silent() -> None:
    counts = np.concatenate([COUNTS, np.zeros(500, dtype=int)])
    one, two = predict_growth(COUNTS, 400, 800), predict_growth(counts, 400, 800)
    for name in ("good_toulmin", "chao", "pitman_yor"):
        assert getattr(one, name) == getattr(two, name)
    assert two.expected > one.expected + 20


# -- atoms ------------------------------------------------------------------------------------------------------------


def test_dead_neurons_need_their_atom() -> None:
    errors: dict[tuple[int, ...], list[float]] = {(): [], (0,): []}
    covered = 0
    for seed in range(30):
        counts, truth = layer(seed, 3000, dead=300)
        for atoms in errors:
            forecast = predict_growth(counts, 300, 3000, atoms=atoms)
            errors[atoms].append(forecast.expected / truth - 1)
        covered += forecast.low <= truth <= forecast.high
    assert np.mean(errors[()]) > 0.2
    spread = np.std(errors[(0,)]) / np.sqrt(30)
    assert abs(np.mean(errors[(0,)])) < SIGMAS * spread
    assert covered >= stats.binom(30, 0.95).ppf(ALARM)


def test_atom_share_by_hand() -> None:
    counts, _ = layer(3, 3000, dead=300)
    forecast = predict_growth(counts, 300, 3000, atoms=(0,))
    fit = forecast.fit
    law = ActivationLaw(10**6, 10**6 * fit.b / fit.a, fit.b)
    alive = (1 - fit.atoms[0]) * 1500
    wanted = alive * (float(law.free_fraction(300)) - float(law.free_fraction(3300)))
    assert forecast.expected == pytest.approx(wanted, rel=1e-6)  # the fit matches the silent class to 1e-8


def test_an_unwanted_atom_changes_nothing() -> None:
    counts = np.concatenate([COUNTS[COUNTS > 0], np.zeros(60, dtype=int)])  # fewer silent than the law expects
    one, two = predict_growth(counts, 400, 800), predict_growth(counts, 400, 800, atoms=(0,))
    assert (one.expected, one.low, one.high) == (two.expected, two.low, two.high)


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: predict_growth(COUNTS, 1, 5), r"n_samples=1 must be an integer in \[2, "),
        (lambda: predict_growth(COUNTS, 400, -1), r"m=-1 must be an integer in \[0, "),
        (lambda: predict_growth(COUNTS, 400, 2.5), r"m=2\.5 must be an integer"),  # type: ignore[arg-type]
        (lambda: predict_growth(COUNTS, 400, 5, level=0.0), r"level=0\.0 must be a finite number in \(0, 1\]"),
        (lambda: predict_growth(COUNTS, 400, 5, level=1.0), r"level=1\.0 must be below 1"),
        (lambda: predict_growth([1, 6], 5, 5), r"counts holds 6; every value must lie in \[0, 5\]"),
        (lambda: predict_growth([], 5, 5), r"counts is empty"),
        (lambda: predict_growth(COUNTS, 400, 5, atoms=(3,)), r"atoms holds 3; only 0 and n_samples=400 are allowed"),
        (lambda: predict_growth([2, 2, 3, 3], 5, 5), r"counts are not over-dispersed"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
