"""Forecasts of working units: coverage, agreement with the laws, the peers by hand, waking, and errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from neuroscale.activation import predict_growth
from neuroscale.evidence import ForecastTable, fit_law, forecast_working, p_wake

ALARM = 1e-6
RUNS = 60


def layer(law: str, rng: np.random.Generator, n: int = 600, D: int = 150, target: int = 2400) -> tuple[Any, int]:
    """Counts at `D`, and the units that fired by `target`; by numpy alone."""
    if law == "probit-normal":
        theta = stats.norm.cdf(-2.6 + 0.9 * rng.standard_normal(n))
    else:
        theta = rng.beta(0.5, 40.0, n)
        theta[: n // 6 if law == "with dead units" else 0] = 0.0
    counts = rng.binomial(D, theta)
    return counts, int(np.sum((counts > 0) | (rng.binomial(target - D, theta) > 0)))


@cache
def runs(law: str) -> list[tuple[ForecastTable, int]]:
    rng = np.random.default_rng([7, len(law)])
    found = []
    for _ in range(RUNS):
        counts, later = layer(law, rng)
        found.append((forecast_working(counts, 150, 2400), later))
    return found


@pytest.mark.parametrize("law", ["beta-binomial", "with dead units", "probit-normal"])
def test_intervals_cover_under_their_own_law(law: str) -> None:
    covered = sum(table[law].low <= later <= table[law].high for table, later in runs(law))
    # whole numbers make the intervals a little too wide, so only the lower side is bounded
    assert stats.binom(RUNS, 0.95).ppf(ALARM) <= covered
    # and they are not so wide that they say nothing: 16-fold samples, a tenth of the layer
    width = np.median([table[law].high - table[law].low for table, _ in runs(law)])
    assert width < (180 if law == "with dead units" else 60)


def test_a_law_without_dead_units_promises_too_many() -> None:
    # what the plain law misses is seen, so the three intervals are not all the same
    above = sum(table["beta-binomial"].low > later for table, later in runs("with dead units"))
    assert above > RUNS / 4


def test_beta_rows_are_those_of_part_one() -> None:
    counts, _ = layer("beta-binomial", np.random.default_rng(1))
    table, old = forecast_working(counts, 150, 2400), predict_growth(counts, 150, 2250)
    atoms = predict_growth(counts, 150, 2250, atoms=(0,))
    assert table["beta-binomial"].working == old.working + old.expected
    assert (table["beta-binomial"].low, table["beta-binomial"].high) == (old.working + old.low, old.working + old.high)
    assert table["with dead units"].working == old.working + atoms.expected
    assert table["Chao2"].working == old.working + old.chao
    assert table["Good-Toulmin"].working == pytest.approx(old.working + old.good_toulmin)
    assert table["Pitman-Yor"].working == old.working + old.pitman_yor


def test_jackknife_by_hand_and_notes() -> None:
    counts = [0, 0, 0, 1, 1, 2, 5, 9]
    table = forecast_working(counts, 20, 100)
    assert table["jackknife"].working == pytest.approx(5 + 2 * 19 / 20)
    assert table["jackknife"].note == "limit of all samples"
    # all units seen but one, many of them once: the jackknife knows no number of units
    many = forecast_working([0, 1, 1, 1, 1, 1, 1, 1, 2, 9], 20, 100)
    assert many["jackknife"].working > 10
    assert many["jackknife"].note == "more than there are units"


def test_no_further_samples_and_no_silent_units() -> None:
    counts, _ = layer("beta-binomial", np.random.default_rng(2))
    now = forecast_working(counts, 150, 150)
    working = int(np.count_nonzero(counts))
    for method in ("beta-binomial", "probit-normal", "Chao2", "Good-Toulmin"):
        assert now[method].working == pytest.approx(working, abs=1e-6), method
    done = forecast_working(counts[counts > 0], 150, 2400)
    assert done["probit-normal"].working == done["probit-normal"].high == working


def test_forecasts_grow_with_the_target_and_stay_below_the_size() -> None:
    counts, _ = layer("beta-binomial", np.random.default_rng(3))
    for method in ("beta-binomial", "with dead units", "probit-normal"):
        curve = [forecast_working(counts, 150, target)[method].working for target in (150, 600, 10**4, 10**9)]
        assert np.all(np.diff(curve) >= 0)
        assert curve[-1] <= 600


def test_table_prints_and_names_its_methods() -> None:
    counts, _ = layer("with dead units", np.random.default_rng(4))
    table = forecast_working(counts, 150, 2400, level=0.9)
    text = repr(table)
    assert "of 600 units fired in 150 samples; forecast for 2400, intervals 90%" in text
    assert all(row.method in text for row in table.rows)
    assert "dead units" in table["with dead units"].note
    with pytest.raises(KeyError, match="'Chao' is not among"):
        table["Chao"]


# -- waking ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", ["beta-binomial", "probit-normal"])
def test_waking_times_silent_units_is_the_forecast(law: str) -> None:
    counts, _ = layer(law, np.random.default_rng(5))
    wake, table = p_wake(counts, 150, m=2250, law=law), forecast_working(counts, 150, 2400)
    silent = 600 - table.working
    assert table.working + silent * wake.probability == pytest.approx(table[law].working, rel=1e-9)
    fit = fit_law(counts, 150, law)
    assert p_wake(fit, m=2250) == wake


@pytest.mark.parametrize(
    ("law", "truth"),
    [("beta-binomial", 1 - (np.float64(190.0) / 2440) ** 0.5), ("probit-normal", None)],
)
def test_intervals_of_waking_cover(law: str, truth: float | None) -> None:
    rng = np.random.default_rng(6)
    if truth is None:
        theta = stats.norm.cdf(-2.6 + 0.9 * rng.standard_normal(400_000))
        truth = float(1 - np.mean((1 - theta) ** 2400) / np.mean((1 - theta) ** 150))
    covered = 0
    for _ in range(RUNS):
        wake = p_wake(layer(law, rng)[0], 150, m=2250, law=law)
        covered += wake.low < truth < wake.high
    # the truths are good to 0.3 %, the intervals 4 % wide; asymptotics may cost a per cent of coverage
    assert stats.binom(RUNS, 0.94).ppf(ALARM) <= covered


def test_waking_at_the_ends() -> None:
    counts, _ = layer("beta-binomial", np.random.default_rng(8))
    never = p_wake(counts, 150, m=0)
    assert (never.probability, never.low, never.high) == (0.0, 0.0, 0.0)
    assert p_wake(counts, 150, m=10**12).probability > 0.99
    narrow, wide = (p_wake(counts, 150, m=500, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.probability < narrow.high < wide.high


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: forecast_working([0, 1, 9], 9, 8), r"target_samples=8 must be an integer in \[9, "),
        (lambda: forecast_working([0, 1, 9], 1, 8), r"n_samples=1 must be an integer in \[2, "),
        (lambda: forecast_working([0, 1, 99], 9, 20), r"counts holds 99; every value must lie in \[0, 9\]"),
        (lambda: forecast_working([0, 1, 9], 9, 20, level=2), r"level=2 must be a finite number in \(0, 1\]"),
        (lambda: forecast_working([2, 2, 3, 3], 5, 20), r"counts are not over-dispersed"),
        (lambda: p_wake([0, 1, 9], m=3), r"n_samples=None: the number of samples behind the counts is needed"),
        (lambda: p_wake([0, 1, 9], 9, m=-1), r"m=-1 must be an integer in \[0, "),
        (lambda: p_wake([0, 1, 9], 9, m=1, level=1.0), r"level=1\.0 must be a finite number in \(0, 1\)"),
        (lambda: p_wake([0, 1, 9], 9, m=1, law="urn"), r"law='urn' must be one of"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
