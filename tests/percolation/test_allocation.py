"""Allocation against exhaustive search, numerical minimisation, high precision and Monte Carlo."""

from __future__ import annotations

from functools import partial
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from neuroscale import percolation as perc

EXACT = settings(derandomize=True, deadline=None, max_examples=60)
POWERS = st.floats(0.05, 6)


# -- continuum -----------------------------------------------------------------------------------------------------


@EXACT
@given(POWERS, POWERS, st.floats(-2, 12), st.floats(1, 3))
def test_break_solves_its_equation(alpha: float, beta: float, decades: float, threshold: float) -> None:
    N = 10.0**decades
    b, k_br = perc.brill_allocation(N, alpha, beta, threshold=threshold)
    assert b == pytest.approx(1 - (1 + alpha) / (1 + beta), abs=1e-14)
    with mp.workdps(30):
        k = mp.mpf(float(k_br))
        spent = threshold * (k - k ** (1 - mp.mpf(b))) / mp.mpf(b) if abs(b) > 1e-12 else threshold * k * mp.log(k)
        slope = k * threshold * (1 - (1 - b) * k**-b) / b if abs(b) > 1e-12 else k * threshold * (1 + mp.log(k))
        # a unit in the last place of k is all that a float can do
        assert abs(spent - N) < 1e-12 * N + 4e-16 * abs(slope)


def test_break_at_equal_exponents() -> None:
    _, k_br = perc.brill_allocation(np.e**3 * 3, 0.7, 0.7)
    assert float(k_br) == pytest.approx(np.e**3, rel=1e-14)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(POWERS, POWERS, st.floats(1, 9))
def test_optimal_threshold_is_the_numerical_optimum(alpha: float, beta: float, decades: float) -> None:
    N, best = 10.0**decades, perc.optimal_threshold(beta)

    def loss(log_threshold: float) -> float:
        return float(perc.model_loss(N, alpha, beta, threshold=np.exp(log_threshold)))

    found = minimize_scalar(loss, bounds=(0.0, 2.0), method="bounded")
    assert loss(np.log(best)) <= found.fun * (1 + 1e-12)


def test_paper_and_optimum() -> None:
    for alpha, beta, wanted in ((1, 2, 2 / np.sqrt(3)), (0.5, 2.0, 1.5 / 3**0.25), (2.0, 0.5, 1.0)):
        best = perc.model_loss(1e12, alpha, beta, threshold=perc.optimal_threshold(beta))
        # corrections of relative order N^-b are 1e-2 at most here
        assert perc.model_loss(1e12, alpha, beta) / best == pytest.approx(wanted, rel=1e-2)
    assert perc.model_loss([0.0], 1.0, 2.0).tolist() == [1.0]


def test_model_exponents() -> None:
    for alpha, beta in ((1.0, 0.2), (1.0, 4.0), (3.0, 1.0), (0.4, 1.5)):
        slope = perc.local_exponent(partial(perc.model_loss, alpha=alpha, beta=beta), 1e15)
        assert slope == pytest.approx(min(alpha, beta), rel=1e-3)
    # N^-a (ln N)^(1+a): the local exponent is a - (1 + a) / ln N to leading order
    slope = perc.local_exponent(lambda N: perc.model_loss(N, 1.0, 1.0), 1e15)
    assert slope == pytest.approx(1 - 2 / np.log(1e15), abs=0.01)


# -- discrete ------------------------------------------------------------------------------------------------------


def exhaustive(masses: list[float], steps: int, unit: float, beta: float) -> float:
    """Least loss over all splits in multiples of a unit, by dynamic programming."""
    spent = np.arange(steps + 1) * unit
    best = np.zeros(steps + 1)
    for mass in masses:
        cost = mass * np.maximum(spent, 1.0) ** -beta
        best = np.array([np.min(best[: n + 1] + cost[n::-1]) for n in range(steps + 1)])
    return float(best[-1])


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=7), st.floats(0.1, 3), st.integers(1, 25))
def test_optimal_allocation_beats_exhaustive_search(masses: list[float], beta: float, N: int) -> None:
    split = perc.optimal_allocation(masses, N, beta)
    loss = perc.allocation_loss(masses, split, beta)
    searched = exhaustive(masses, 20 * N, 0.05, beta)
    assert loss <= searched * (1 + 1e-12)
    # rounding a split down to the grid costs at most p beta n^(-1-beta) / 20 for each cluster
    assert loss >= searched - 0.05 * beta * sum(masses)
    assert split.sum() == pytest.approx(N if N > 1 else 0)


@EXACT
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=30), st.floats(0.1, 3), st.floats(1.01, 200))
def test_break_theorem(masses: list[float], beta: float, N: float) -> None:
    split = perc.optimal_allocation(masses, N, beta)
    least = split[split > 0].min()
    share = least / N
    bound = ((1 - (1 - share) ** (1 + beta)) / share) ** (1 / beta)
    assert 1 - 1e-12 <= bound <= perc.optimal_threshold(beta) + 1e-12
    assert least >= bound * (1 - 1e-9)


def test_optimal_allocation_keeps_the_order_of_the_masses() -> None:
    masses = np.array([0.1, 0.0, 0.6, 0.3])
    split = perc.optimal_allocation(masses, 50, 1.0)
    assert split[1] == 0
    assert np.allclose(split[[0, 2, 3]] / np.sqrt(masses[[0, 2, 3]]), 50 / np.sqrt(masses).sum())
    assert perc.optimal_allocation(masses, 1.0, 1.0).tolist() == [0, 0, 0, 0]
    assert perc.optimal_allocation([0.0, 0.0], 9.0, 1.0).tolist() == [0, 0]


def test_rank_allocation_is_the_continuum_one() -> None:
    b, k_br = perc.brill_allocation(1e5, 1.0, 2.0)
    split = perc.rank_allocation(10**5, 1e5, b, float(k_br))
    assert split.sum() == pytest.approx(1e5)
    last = int(k_br)
    # the sum over ranks exceeds the integral from 1 by half of n_1, 0.5 % of N here
    assert split[last - 1] == pytest.approx(1, rel=1e-2)
    assert split[last] == 0
    assert split[0] / split[7] == pytest.approx(8 ** (1 - b))


# -- moments -------------------------------------------------------------------------------------------------------


def test_mass_moment() -> None:
    with mp.workdps(30):
        for a in (0.1, 0.5, 0.9):
            for t in (0.95, 1.0, 1.7, 40.0):
                wanted = mp.gamma(mp.mpf(t) - a) / (mp.gamma(t) * mp.gamma(1 - mp.mpf(a)))
                assert perc.mass_moment(t, a) == pytest.approx(float(wanted), rel=1e-11)
    assert perc.mass_moment([0.5, 0.2], 0.5).tolist() == [np.inf, np.inf]


def test_mass_moment_by_simulation() -> None:
    masses = perc.poisson_dirichlet(0.5, 4096, n_draws=1000, rng=5)
    seen = np.sum(masses**2, axis=1)
    # 4.9 standard errors: false-alarm rate 1e-6; the terms left out are below 1e-9
    assert abs(seen.mean() - 0.5) < 4.9 * seen.std() / np.sqrt(1000)


# -- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: perc.brill_allocation(-1, 1, 1), "N holds -1"),
        (lambda: perc.brill_allocation(1, 0, 1), "alpha=0"),
        (lambda: perc.brill_allocation(1, 1, np.inf), "beta=inf"),
        (lambda: perc.model_loss(1, 1, 1, threshold=0.5), "threshold=0.5"),
        (lambda: perc.optimal_threshold(-1.0), "beta=-1.0"),
        (lambda: perc.rank_allocation(0, 1, 0, 1), "n_clusters=0"),
        (lambda: perc.rank_allocation(3, 1, 0, 0.5), "k_br=0.5"),
        (lambda: perc.rank_allocation(3, 1, np.nan, 2), "b=nan"),
        (lambda: perc.optimal_allocation([], 1, 1), "masses has shape"),
        (lambda: perc.optimal_allocation([[1.0]], 1, 1), "masses has shape"),
        (lambda: perc.optimal_allocation([-1.0], 1, 1), "masses holds -1"),
        (lambda: perc.allocation_loss([1.0], [-2.0], 1), "allocation holds -2"),
        (lambda: perc.mass_moment(1.0, 1.0), "discount=1.0"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
