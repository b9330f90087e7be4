"""The kink test: its level on smooth curves, its power at a kink, and floors that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from neuroscale.evidence.kink import kink_test

D = np.geomspace(100, 100_000, 12)


@pytest.mark.parametrize("known", [True, False])
def test_level_of_the_kink_test(known: bool) -> None:
    """200 smooth curves with a floor: p-values are uniform to a Kolmogorov-Smirnov test at 1e-5."""
    rng = np.random.default_rng(6)
    mean = 0.3 + 10 * D**-0.4
    found = []
    for i in range(200):
        L = mean * np.exp(0.02 * rng.standard_normal(12))
        found.append(kink_test(D, L, 2_000, sigma=0.02 * mean if known else None, n_draws=200, rng=i))
    for name in ("p_value", "p_best"):
        assert stats.kstest([getattr(test, name) for test in found], "uniform").pvalue > 1e-5, name


def test_a_kink_is_found_where_it_is() -> None:
    rng = np.random.default_rng(7)
    L = np.where(D < 3_000, D**-0.2, 3_000**0.6 * D**-0.8) * np.exp(0.02 * rng.standard_normal(12))
    test = kink_test(D, L, 3_000, floor=False)
    assert test.change == pytest.approx(-0.6, abs=5 * test.error)
    assert test.p_value < 1e-6
    assert test.p_best < 1e-3
    assert 2_000 < test.best < 4_500
    assert test.rank < 0.15
    wrong = kink_test(D, L, 20_000, floor=False)
    assert wrong.rank > 0.5
    assert wrong.best == test.best


def test_a_floor_is_not_a_kink() -> None:
    L = (0.5 + 10 * D**-0.5) * np.exp(1e-3 * np.random.default_rng(8).standard_normal(12))
    assert kink_test(D, L, 3_000).p_best > 0.01
    assert kink_test(D, L, 3_000, floor=False).p_best < 0.001, "against a straight line every floor is a kink"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kink_test(D, D**-0.5, 100.0), "strictly between"),
        (lambda: kink_test(D[:4], D[:4] ** -0.5, 300.0), "no degree of freedom"),
        (lambda: kink_test(D, D**-0.5, 1000.0, n_draws=10), "n_draws=10"),
    ],
)
def test_errors_name_the_argument(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
