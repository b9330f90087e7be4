"""The interval over seeds against scipy's, and by its coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neuroscale.evidence import seed_interval


def test_it_is_students() -> None:
    values = np.random.default_rng(5).standard_normal((5, 3))
    found = seed_interval(values, 0.9)
    for j in range(3):
        low, high = stats.t.interval(0.9, 4, values[:, j].mean(), stats.sem(values[:, j]))
        assert (found.low[j], found.high[j]) == pytest.approx((low, high), rel=1e-12)
        assert found.mean[j] == pytest.approx(values[:, j].mean())
        assert found.half[j] == pytest.approx((high - low) / 2, rel=1e-12)


def test_coverage() -> None:
    """Nine of ten intervals over three normal values hold the mean; 1.645 standard errors would be three of four."""
    found = seed_interval(np.random.default_rng(1).normal(2, 3, (3, 20_000)), 0.9)
    held = np.mean((found.low < 2) & (found.high > 2))
    assert held == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 20_000))


@pytest.mark.parametrize(
    ("values", "level", "message"),
    [
        ([1.0], 0.95, r"values has shape \(1,\); at least two replicates"),
        (1.0, 0.95, "at least two replicates"),
        ([1.0, np.nan], 0.95, "values"),
        ([1.0, 2.0], 1.0, "level=1.0"),
    ],
)
def test_errors_name_the_argument(values: object, level: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        seed_interval(values, level)
