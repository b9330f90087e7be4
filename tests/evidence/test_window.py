"""Forgetting: the windowed urn against its law, and the best memory against simulated drift."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from neuroscale.evidence import (
    Drift,
    discounted_rates,
    measure_drift,
    simulate_window_urn,
    window_autocovariance,
    window_relaxation,
    windowed_rates,
)


def test_windows_keep_the_beta_binomial_law() -> None:
    window, a, b = 12, 5.0, 1.5
    counts = simulate_window_urn(20_000, 200, window, window=window, a=a, b=b, rng=1)
    expected = 20_000 * stats.betabinom(window, b, a - b).pmf(np.arange(window + 1))
    for block in (0, 57, 199):
        seen = np.bincount(counts[block], minlength=window + 1)
        statistic = np.sum((seen - expected) ** 2 / expected)
        assert expected.min() > 5
        # false alarms 1e-6 for each of the three blocks
        assert statistic < stats.chi2(window).isf(1e-6)


def test_every_unit_returns_to_the_same_frequency() -> None:
    window, a, b = 20, 4.0, 1.0
    counts = simulate_window_urn(400, 1, 200_000, window=window, a=a, b=b, rng=2)[0] / 200_000
    lags = np.arange(3001)
    r = window_autocovariance(3000, window=window, a=a)
    assert r[-1] < 1e-9
    spread = b / a * (1 - b / a) * (1 + 2 * np.sum(r[1:] * (1 - lags[1:] / 200_000))) / 200_000
    # the variance of 400 means: six standard errors are 6 * sqrt(2 / 400) = 42 %
    assert abs(counts.var() / spread - 1) < 0.42
    assert abs(counts.mean() - b / a) < 6 * np.sqrt(spread / 400)


def test_autocovariance_is_the_one_of_the_urn() -> None:
    window, a, b = 6, 2.0, 0.7
    draws = simulate_window_urn(50_000, 30, 1, window=window, a=a, b=b, rng=3)
    centred = draws - b / a
    seen = np.array([(centred[0] * centred[s]).mean() for s in range(30)]) / (b / a * (1 - b / a))
    # products of bounded variables: six standard errors below 6 / sqrt(50000) times a spread of about 1
    assert np.abs(seen - window_autocovariance(29, window=window, a=a)).max() < 0.03


def test_relaxation_is_the_decay_of_the_autocovariance() -> None:
    for window, a in ((5, 3.0), (40, 2.0), (40, 100.0)):
        r = window_autocovariance(60 * window, window=window, a=a)
        decay = -1 / np.log(r[-1] / r[-2])
        assert abs(decay / window_relaxation(window=window, a=a) - 1) < 1e-3


def test_best_window_and_memory_minimise_their_errors() -> None:
    for ratio in (1e-4, 0.01, 0.5):
        drift = Drift(2.0, 2.0 * ratio)
        for error, best in ((drift.window_error, drift.best_window), (drift.discount_error, drift.best_memory)):
            found = optimize.minimize_scalar(error, bounds=(1, 1e4), method="bounded", options={"xatol": 1e-6})
            assert abs(found.x / best - 1) < 1e-3
    slow = Drift(1.0, 1e-8)
    gain = slow.window_error(slow.best_window) / slow.discount_error(slow.best_memory)
    assert abs(gain - 2 / np.sqrt(3)) < 1e-3
    assert Drift(1.0, 0.0).best_window == Drift(1.0, 0.0).best_memory == np.inf
    # where the drift of one block exceeds the noise, no window of whole blocks is shorter than the best
    fast = Drift(1e-4, 1e-2)
    assert fast.best_window == 1.0
    assert fast.window_error(1.0) < fast.window_error(1.5)


def walk(blocks: int, units: int, noise: float, variance: float, seed: int) -> Any:
    """Counts of a large block: binomial propensities replaced by rounded normal rates of known noise and drift."""
    rng = np.random.default_rng(seed)
    p = 0.5 + np.cumsum(rng.standard_normal((blocks, units)) * np.sqrt(variance), axis=0)
    return p, np.clip(np.rint(1e6 * (p + rng.standard_normal(p.shape) * np.sqrt(noise))), 0, 10**6).astype(int)


def test_drift_is_measured_and_errors_come_out_as_predicted() -> None:
    noise, variance = 1e-4, 4e-6
    p, counts = walk(400, 400, noise, variance, 0)
    drift = measure_drift(counts, 10**6)
    assert abs(drift.noise / noise - 1) < 0.03
    assert abs(drift.variance / variance - 1) < 0.1
    for window in (2, 9, 30):
        seen = np.mean((windowed_rates(counts, 10**6, window)[:-1] - p[window:]) ** 2)
        # 160,000 terms that a random walk correlates over about `window` blocks: 5 % is beyond six standard errors
        assert abs(seen / Drift(noise, variance).window_error(window) - 1) < 0.05
    for memory in (2.0, 5.0, 20.0):
        seen = np.mean((discounted_rates(counts, 10**6, memory)[200:-1] - p[201:]) ** 2)
        assert abs(seen / Drift(noise, variance).discount_error(memory) - 1) < 0.06


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Drift(0.0, 1.0), "noise"),
        (lambda: Drift(1.0, -1.0), "variance"),
        (lambda: Drift(1.0, 1.0).window_error(0.5), "window"),
        (lambda: measure_drift([[1, 2]], 4), "lags"),
        (lambda: measure_drift([[1], [2], [3]], 4, lags=[1]), "two different lags"),
        (lambda: measure_drift([[5], [2], [3]], 4, lags=[1, 2]), "block_counts"),
        (lambda: windowed_rates([[1], [2]], 4, 3), "window=3"),
        (lambda: discounted_rates([[1], [2]], 4, 0.5), "memory"),
        (lambda: simulate_window_urn(1, 1, 1, window=0, a=2.0, b=1.0, rng=0), "window=0"),
        (lambda: simulate_window_urn(1, 1, 1, window=2, a=1.0, b=1.0, rng=0), "b=1.0"),
        (lambda: window_relaxation(window=3, a=0.0), "a=0.0"),
    ],
)
def test_bad_arguments_are_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
