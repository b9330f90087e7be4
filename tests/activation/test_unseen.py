"""Estimators of unseen species: values by hand, and errors by their coverage where the method has no bias."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
import pytest
from scipy import stats

from neuroscale.activation.unseen import Estimate, chao, good_toulmin, jackknife, pitman_yor
from neuroscale.urn import BuffetUrn, fit_buffet

ALARM = 1e-6
HAND = np.array([0, 1, 1, 1, 2, 2, 3])


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_good_toulmin() -> None:
    counts = np.append(HAND, 7)
    # f = 3, 2, 1, ..., f_7 = 1 at tau = 1: alternating sum
    assert good_toulmin(counts, 10, 10).value == pytest.approx(3 - 2 + 1 + 1)
    assert good_toulmin(counts, 10, 5).value == pytest.approx(3 / 2 - 2 / 4 + 1 / 8 + 1 / 128)
    square = 3 / 4 + 2 / 16 + 1 / 64 + 1 / 2**14
    assert good_toulmin(counts, 10, 5).error ** 2 == pytest.approx(square + 3 / 2 - 2 / 4 + 1 / 8 + 1 / 128)


def test_good_toulmin_smoothed() -> None:
    ratio = 3.0
    trials = int(np.ceil(0.5 * np.log(10 * 9 / 2) / np.log(3)))
    q = 2 / 5

    def tail(k: int) -> float:
        return sum(comb(trials, j) * q**j * (1 - q) ** (trials - j) for j in range(k, trials + 1))

    wanted = 3 * ratio * tail(1) - 2 * ratio**2 * tail(2) + ratio**3 * tail(3)
    assert good_toulmin(HAND, 10, 30).value == pytest.approx(wanted)


def test_chao() -> None:
    unseen = 9 / 10 * 9 / 4
    assert chao(HAND, 10, 5).value == pytest.approx(unseen * (1 - (1 - 3 / (10 * unseen + 3)) ** 5))
    assert chao(HAND, 10, 10**9).value == pytest.approx(unseen)
    assert chao(np.array([0, 1, 1, 1, 4]), 10, 10**9).value == pytest.approx(9 / 10 * 3)
    assert chao(np.array([0, 2, 2, 3]), 10, 5) == Estimate(0.0, 0.0)


def test_chao_has_chaos_variance() -> None:
    """In the limit of many samples the variance that Chao (1987) gives for the number of species."""
    counts = np.repeat([1, 2], [60, 40])
    found, r = chao(counts, 10**9, 2**53), 60 / 40
    assert found.error**2 == pytest.approx(40 * (r**4 / 4 + r**3 + r**2 / 2), rel=1e-4)


def test_jackknife() -> None:
    found = jackknife(HAND, 10)
    assert found.value == pytest.approx(0.9 * 3)
    assert found.error**2 == pytest.approx(0.81 * 3 + 0.9 * 3)


def test_pitman_yor_is_the_fitted_urn() -> None:
    counts = BuffetUrn(40, 3.0, 0.3).sample_counts(400, rng=2)
    urn = fit_buffet(counts, 400)
    wanted = float(urn.working_neurons(700) - urn.working_neurons(400))
    assert pitman_yor(counts, 400, 300).value == pytest.approx(wanted, rel=1e-10)
    # no urn can be fitted to one positive class
    assert np.isnan(pitman_yor(np.array([0] * 30 + [5] * 3), 9, 5)).all()


# -- errors -----------------------------------------------------------------------------------------------------------


def beta_layer(rng: np.random.Generator, m: int) -> tuple[np.ndarray, int]:
    theta = rng.beta(0.5, 40.0, 1500)
    counts = rng.binomial(300, theta)
    return counts, int(np.sum((rng.binomial(m, theta) > 0) & (counts == 0)))


def equal_layer(rng: np.random.Generator, m: int) -> tuple[np.ndarray, int]:
    counts = rng.binomial(300, 1 / 300, 1500)
    return counts, int(rng.binomial(np.sum(counts == 0), 1 - (1 - 1 / 300) ** m))


def urn(rng: np.random.Generator, m: int) -> tuple[np.ndarray, int]:
    law = BuffetUrn(40, 3.0, 0.3)
    return law.sample_counts(300, rng=rng), int(rng.poisson(law.working_neurons(300 + m, since=300)))


@pytest.mark.parametrize(
    ("method", "draw", "m"),
    [
        (good_toulmin, beta_layer, 150),
        (good_toulmin, beta_layer, 300),
        (good_toulmin, equal_layer, 300),
        (chao, equal_layer, 150),
        (chao, equal_layer, 3000),
        (pitman_yor, urn, 300),
        (pitman_yor, urn, 3000),
    ],
)
def test_errors_are_as_stated(
    method: Callable[[np.ndarray, int, int], Estimate],
    draw: Callable[[np.random.Generator, int], tuple[np.ndarray, int]],
    m: int,
) -> None:
    rng = np.random.default_rng(7)
    scores = []
    runs = 60 if method is pitman_yor else 400
    for _ in range(runs):
        counts, truth = draw(rng, m)
        found = method(counts, 300, m)
        scores.append((found.value - truth) / found.error)
    covered = int(np.sum(np.abs(scores) < stats.norm.ppf(0.975)))
    law = stats.binom(runs, 0.95)
    assert covered >= law.ppf(ALARM)
    # a bound, but no loose one
    assert np.std(scores) > 0.7


def test_chaos_error_is_no_help_against_its_bias() -> None:
    rng = np.random.default_rng(8)
    short = []
    for _ in range(50):
        counts, truth = beta_layer(rng, 30_000)
        found = chao(counts, 300, 30_000)
        short.append((truth - found.value) / found.error)
    assert min(short) > 3
