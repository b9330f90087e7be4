"""Simulations and samplers against the law, against each other, and against exact enumeration.

Every statistical test states its false-alarm rate, ``ALARM`` unless it says otherwise, and has a fixed seed; the last
section shows that each of them notices a smoothing constant that is off by a fifth.
"""

from __future__ import annotations

import functools
import itertools
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from scipy import stats

from neuroscale._jit import kernel
from neuroscale.activation import (
    ActivationLaw,
    ActivationPath,
    sample_counts,
    sample_growth,
    sample_histogram,
    simulate,
    simulate_events,
)
from neuroscale.ledger import check

ALARM = 1e-6
#: Two-sided normal quantile of the same rate.
SIGMAS = float(stats.norm.isf(ALARM / 2))

Cells = Mapping[Hashable, float]


def fits(observed: Iterable[Hashable], probabilities: Cells) -> float:
    """p-value of independent draws against a finite law; cells that expect fewer than ten are pooled."""
    seen = Counter(observed)
    assert set(seen) <= set(probabilities), "a draw that the law forbids"
    total = sum(seen.values())
    assert sum(probabilities.values()) == pytest.approx(1.0, abs=1e-9)
    table = np.array([(seen[cell], p * total) for cell, p in probabilities.items()], dtype=float)
    rare = table[:, 1] < 10
    rows = [*table[~rare], table[rare].sum(axis=0)] if rare.any() else list(table)
    if len(rows) > 1 and rows[-1][1] < 10:
        last = rows.pop()
        rows[0] = rows[0] + last
    pooled = np.array(rows)
    assert len(pooled) > 1, "one cell cannot contradict anything"
    return float(stats.chisquare(pooled[:, 0], pooled[:, 1] * total / pooled[:, 1].sum()).pvalue)


def alike(one: Any, other: Any) -> float:
    """p-value of two samples having one law, on cells cut at quantiles of both together."""
    cuts = np.unique(np.quantile(np.concatenate([one, other]), np.linspace(0, 1, 25)[1:-1], method="inverted_cdf"))
    table = np.array([np.bincount(np.searchsorted(cuts, x), minlength=cuts.size + 1) for x in (one, other)])
    table = table[:, table.sum(axis=0) > 20]
    assert table.shape[1] > 1, "one cell cannot contradict anything"
    return float(stats.chi2_contingency(table, correction=False).pvalue)


#: (law, D): sparse and dense activity, b below, at and above 1, a prior that dominates and one that does not.
CASES = [
    (ActivationLaw(20000, 2000, 0.5), 100),
    (ActivationLaw(20000, 400, 0.095), 300),
    (ActivationLaw(20000, 10000, 3.0), 50),
    (ActivationLaw(20000, 17000, 1.0), 40),
    (ActivationLaw(20000, 60, 30.0), 1000),
    (ActivationLaw(20000, 1000, 0.05), 1000),
]
RUNS: dict[str, Callable[[ActivationLaw, int, int], ActivationPath]] = {
    "literal": lambda law, D, seed: simulate(law, D, rng=seed),
    "events": lambda law, D, seed: simulate_events(law, D, rng=seed),
}


def first_cells(law: ActivationLaw, D: int) -> Cells:
    """Law of the sample that first activates a neuron."""
    free = law.free_fraction(np.arange(D + 1))
    return {**{t: float(free[t - 1] - free[t]) for t in range(1, D + 1)}, D + 1: float(free[D])}


# -- one neuron at a time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("how", RUNS)
def test_simulations_follow_the_law_of_counts_and_of_first_activations(how: str, case: int) -> None:
    law, D = CASES[case]
    path = RUNS[how](law, D, 100 + case)
    check.law("exercise", path.counts, law.counts(D), alarm=ALARM)
    assert fits(path.first.tolist(), first_cells(law, D)) > ALARM
    assert ((path.counts == 0) == (path.first == D + 1)).all()
    assert path.counts.max() <= D


@pytest.mark.parametrize("case", range(len(CASES)))
def test_events_and_sampler_agree_with_the_literal_process(case: int) -> None:
    law, D = CASES[case]
    literal = simulate(law, D, rng=200 + case)
    events = simulate_events(law, D, rng=300 + case)
    assert alike(literal.counts, events.counts) > ALARM
    assert alike(literal.first, events.first) > ALARM
    assert alike(literal.counts, sample_counts(law, D, rng=400 + case)) > ALARM


@pytest.mark.parametrize("case", range(len(CASES)))
def test_sample_counts_follows_the_law(case: int) -> None:
    law, D = CASES[case]
    check.law("exercise", sample_counts(law, D, rng=case), law.counts(D), alarm=ALARM)


def test_events_and_sampler_at_huge_numbers_of_samples() -> None:
    # c D = 2e4 activations among 2e16 trials: only a cost that follows the activations can run this
    law, D = ActivationLaw(2000, 2e-9, 0.5), 10**13
    check.law("exercise", simulate_events(law, D, rng=1).counts, law.counts(D), alarm=ALARM)
    check.law("exercise", sample_counts(law, D, rng=1), law.counts(D), alarm=ALARM)


def test_events_with_tiny_b() -> None:
    # K is about b ln(D/a) N = 20 of 1e5 neurons: binomial, at the same rate
    law, D = ActivationLaw(10**5, 100, 1e-5), 10**4
    working = int((simulate_events(law, D, rng=3).counts > 0).sum())
    frozen = law.working_distribution(D)
    assert min(frozen.cdf(working), frozen.sf(working - 1)) > ALARM / 2


@pytest.mark.parametrize("how", RUNS)
def test_neurons_that_always_fire(how: str) -> None:
    path = RUNS[how](ActivationLaw(9, 9, 0.3), 25, 0)
    assert path.counts.tolist() == [25] * 9
    assert path.first.tolist() == [1] * 9
    assert sample_counts(ActivationLaw(9, 9, 0.3), 25, rng=0).tolist() == [25] * 9


def test_fixed_active_with_all_neurons() -> None:
    path = simulate(ActivationLaw(9, 9, 0.3), 25, rule="fixed_active", rng=0)
    assert path.counts.tolist() == [25] * 9


@pytest.mark.parametrize("rule", ["independent", "fixed_active"])
def test_no_samples(rule: Any) -> None:
    law = ActivationLaw(5, 2, 0.5)
    for path in (simulate(law, 0, rule=rule, rng=0), simulate_events(law, 0, rng=0)):
        assert path.counts.tolist() == [0] * 5
        assert path.first.tolist() == [1] * 5
        assert path.working_neurons(0) == 0


# -- several neurons at a time: exact enumeration ---------------------------------------------------------------------


def enumerated(law: ActivationLaw, D: int) -> Cells:
    """Joint law of (count, first) of two independent neurons from all 4^D activation matrices and eq. (2)."""
    cells: Counter[Hashable] = Counter()
    a, b = law.concentration, law.b
    for rows in itertools.product(itertools.product((0, 1), repeat=D), repeat=2):
        probability, state = 1.0, []
        for row in rows:
            k = 0
            for t, active in enumerate(row):
                p = (k + b) / (t + a)
                probability *= p if active else 1 - p
                k += active
            state.append((k, row.index(1) + 1 if k else D + 1))
        cells[tuple(state)] += probability  # type: ignore[assignment]
    return cells


def neighbours(path: ActivationPath) -> list[Hashable]:
    """Neurons 2i and 2i + 1 as a layer of two: of one block, one stream."""
    states = list(zip(path.counts.tolist(), path.first.tolist(), strict=True))
    return list(zip(states[::2], states[1::2], strict=True))


@pytest.mark.parametrize("how", RUNS)
def test_joint_law_of_two_neurons_over_all_64_matrices(how: str) -> None:
    D, b = 3, 0.7
    pair = ActivationLaw(2, 0.8, b)
    cells = enumerated(pair, D)
    rng = np.random.default_rng(8)
    run = simulate if how == "literal" else simulate_events
    apart = [neighbours(run(pair, D, rng=rng))[0] for _ in range(1000)]
    assert fits(apart, cells) > ALARM
    # the same concentration at N = 40000: twenty thousand pairs in one call
    assert fits(neighbours(RUNS[how](ActivationLaw(40000, 16000, b), D, 9)), cells) > ALARM


@functools.cache
def urn_draws() -> list[Hashable]:
    return [tuple(path.counts.tolist()) for path in many_fixed(ActivationLaw(3, 1, 0.6), 8, 4000, 21)]


def urn_cells(law: ActivationLaw, D: int) -> Cells:
    joint = stats.dirichlet_multinomial([law.b] * 3, D)
    outcomes = [k for k in itertools.product(range(D + 1), repeat=3) if sum(k) == D]
    return {k: float(joint.pmf(k)) for k in outcomes}


def test_the_urn_of_one_active_neuron_is_dirichlet_multinomial() -> None:
    assert fits(urn_draws(), urn_cells(ActivationLaw(3, 1, 0.6), 8)) > ALARM


def test_fixed_active_keeps_exactly_c_neurons_active_and_the_inclusion_probabilities() -> None:
    # the kernel draws sample by sample, so that one seed with D + 1 samples continues the run with D
    law, D, runs = ActivationLaw(4, 2, 0.5), 3, 5000
    hits: dict[tuple[int, ...], list[list[int]]] = {}
    for seed in range(runs):
        before = simulate(law, D, rule="fixed_active", rng=seed).counts
        last = simulate(law, D + 1, rule="fixed_active", rng=seed).counts - before
        assert before.sum() == law.n_active * D
        assert set(last.tolist()) <= {0, 1}
        assert last.sum() == law.n_active
        hits.setdefault(tuple(before.tolist()), []).append(last.tolist())
    for neuron in range(4):
        statistic, freedom = 0.0, 0
        for counts, rows in hits.items():
            p = law.n_active * (counts[neuron] + law.b) / (law.n_active * D + law.b * law.n_neurons)
            mean = p * len(rows)
            if min(mean, len(rows) - mean) >= 10:
                statistic += (sum(row[neuron] for row in rows) - mean) ** 2 / (mean * (1 - p))
                freedom += 1
        assert freedom >= 5
        assert stats.chi2.sf(statistic, freedom) > ALARM / 4


def many_fixed(law: ActivationLaw, D: int, runs: int, seed: int) -> list[ActivationPath]:
    rng = np.random.default_rng(seed)
    return [simulate(law, D, rule="fixed_active", rng=rng) for _ in range(runs)]


@pytest.mark.parametrize(("n", "c", "b", "D"), [(6, 2, 0.5, 15), (5, 3, 2.0, 10), (8, 1, 0.2, 30), (4, 3, 0.3, 12)])
def test_both_readings_of_eq_2_have_the_same_marginals(n: int, c: int, b: float, D: int) -> None:
    law = ActivationLaw(n, c, b)
    paths = many_fixed(law, D, 3000, 31)
    # one neuron of each run, a different one each time: independent draws
    counts = np.array([path.counts[i % n] for i, path in enumerate(paths)])
    first = [int(path.first[i % n]) for i, path in enumerate(paths)]
    check.law("exercise", counts, law.counts(D), alarm=ALARM)
    assert fits(first, first_cells(law, D)) > ALARM
    wide = ActivationLaw(1000 * n, 1000 * c, b)
    assert alike(counts, simulate(wide, D, rng=32).counts) > ALARM


# -- K(D) ------------------------------------------------------------------------------------------------------------


def test_working_neurons_are_binomial_when_neurons_are_independent() -> None:
    size, D = 50, 40
    law = ActivationLaw(size, 5, 0.5)
    wide = ActivationLaw(2000 * size, 2000 * 5, 0.5)
    for how, run in RUNS.items():
        K = (run(wide, D, 41).counts.reshape(2000, size) > 0).sum(axis=1)
        print(how)
        check.law("exercise", K, law.working_distribution(D), alarm=ALARM)


def variance_and_error(K: Any) -> tuple[float, float]:
    """Sample variance and its standard error, from the fourth moment."""
    squares = (K - K.mean()) ** 2
    return float(squares.mean()), float(squares.std() / np.sqrt(K.size))


def test_one_active_neuron_a_sample_has_the_exact_smaller_variance() -> None:
    n, b, D = 10, 0.5, 12
    law = ActivationLaw(n, 1, b)
    one = float(law.free_fraction(D))
    # two neurons of the urn are free together as one neuron with twice the weight would be
    both = float(ActivationLaw(n, 2, 2 * b).free_fraction(D))
    exact = n * one * (1 - one) + n * (n - 1) * (both - one**2)
    K = np.array([path.working_neurons(D) for path in many_fixed(law, D, 8000, 51)])
    variance, error = variance_and_error(K)
    assert abs(variance - exact) < SIGMAS * error
    assert abs(K.mean() - float(law.working_neurons(D))) < SIGMAS * np.sqrt(exact / K.size)
    assert exact < 0.8 * law.working_distribution(D).var()


def test_five_active_neurons_a_sample_have_a_smaller_variance() -> None:
    # N = 50, c = 5, b = 0.5, D = 40: about 8.04 against the binomial 10.70 (theory, T12)
    law, D = ActivationLaw(50, 5, 0.5), 40
    binomial = law.working_distribution(D)
    assert binomial.var() == pytest.approx(10.70, abs=0.005)
    K = np.array([path.working_neurons(D) for path in many_fixed(law, D, 6000, 61)])
    variance, error = variance_and_error(K)
    assert abs(K.mean() - binomial.mean()) < SIGMAS * np.sqrt(variance / K.size)
    assert variance < binomial.var() - SIGMAS * error
    assert abs(variance - 8.04) < SIGMAS * error + 0.1  # 0.1: the figure of the theory is simulated as well


def test_path_counts_first_activations() -> None:
    path = simulate(ActivationLaw(200, 10, 0.5), 60, rng=71)
    brute = [(path.first <= D).sum() for D in range(61)]
    assert path.working_neurons(np.arange(61)).tolist() == brute
    assert path.working_neurons([[3], [60]]).shape == (2, 1)
    with pytest.raises(ValueError, match=r"D holds 61; every value must lie in \[0, 60\]"):
        path.working_neurons(61)


# -- samplers that do not depend on N --------------------------------------------------------------------------------


SMALL_LAYER = ActivationLaw(24, 2.4, 0.5)


@functools.cache
def growth_draws() -> list[Hashable]:
    rng = np.random.default_rng(81)
    return [tuple(sample_growth(SMALL_LAYER, [10, 200], rng=rng).tolist()) for _ in range(1000)]


def growth_cells(law: ActivationLaw, D1: int, D2: int) -> Cells:
    """Joint law of ``(K(D1), K(D2))``: each neuron starts before D1, between, or later."""
    f1, f2 = law.free_fraction([D1, D2]).tolist()
    joint = stats.multinomial(law.n_neurons, [1 - f1, f1 - f2, f2])
    n = law.n_neurons
    return {(i, j): float(joint.pmf([i, j - i, n - j])) for i in range(n + 1) for j in range(i, n + 1)}


def test_growth_path_has_the_joint_law_and_that_of_the_literal_process() -> None:
    law, D1, D2 = SMALL_LAYER, 10, 200
    cells = growth_cells(law, D1, D2)
    assert fits(growth_draws(), cells) > ALARM
    wide = ActivationLaw(law.n_neurons * 2000, law.n_active * 2000, law.b)
    literal = simulate(wide, D2, rng=82).first.reshape(2000, law.n_neurons)
    seen = list(zip((literal <= D1).sum(axis=1).tolist(), (literal <= D2).sum(axis=1).tolist(), strict=True))
    assert fits(seen, cells) > ALARM


def test_growth_path_takes_any_grid() -> None:
    law = ActivationLaw(1000, 10, 0.5)
    path = sample_growth(law, [[500, 0], [20, 500]], rng=5)
    assert path.shape == (2, 2)
    assert path[0, 1] == 0
    assert path[0, 0] == path[1, 1] >= path[1, 0]
    assert sample_growth(law, [], rng=0).shape == (0,)


#: Counts from 40 on fall outside.
EDGES = [0, 2, 40]


@functools.cache
def histogram_draws() -> list[Hashable]:
    rng = np.random.default_rng(91)
    return [tuple(sample_histogram(SMALL_LAYER, 200, EDGES, rng=rng).tolist()) for _ in range(700)]


def histogram_cells(law: ActivationLaw, D: int, edges: list[int]) -> Cells:
    inside = law.bin_probabilities(D, edges)
    joint = stats.multinomial(law.n_neurons, [*inside, 1 - inside.sum()])
    n, bins = law.n_neurons, len(edges) - 1
    rows = [row for row in itertools.product(range(n + 1), repeat=bins) if sum(row) <= n]
    return {row: float(joint.pmf([*row, n - sum(row)])) for row in rows}


def test_histogram_has_the_joint_law_and_that_of_the_literal_process() -> None:
    law = SMALL_LAYER
    cells = histogram_cells(law, 200, EDGES)
    assert fits(histogram_draws(), cells) > ALARM
    wide = ActivationLaw(law.n_neurons * 2000, law.n_active * 2000, law.b)
    counts = simulate(wide, 200, rng=92).counts.reshape(2000, law.n_neurons)
    bins = [((counts >= low) & (counts < high)).sum(axis=1) for low, high in itertools.pairwise(EDGES)]
    assert fits(list(zip(*(b.tolist() for b in bins), strict=True)), cells) > ALARM


HUGE, GRID, BINS = ActivationLaw(10**11, 10**5, 0.5), [0, 1, 10**6, 10**9, 10**13], [0, 10**4, 10**7, 10**13 + 1]


@functools.cache
def huge_paths() -> Any:
    rng = np.random.default_rng(101)
    return np.array([sample_growth(HUGE, GRID, rng=rng) for _ in range(150)])


@functools.cache
def huge_histograms() -> Any:
    rng = np.random.default_rng(121)
    return np.array([sample_histogram(HUGE, 10**13, BINS, rng=rng) for _ in range(100)])


def test_growth_at_a_hundred_billion_neurons_follows_its_law() -> None:
    law, grid, paths = HUGE, GRID, huge_paths()
    assert (paths[:, 0] == 0).all()
    assert (np.diff(paths, axis=1) >= 0).all()
    for D, K in zip(grid[1:], paths[:, 1:].T, strict=True):
        check.law("exercise", K, law.working_distribution(D), alarm=ALARM)
    # increments on disjoint stretches are independent given the path; their covariance is known
    f1, f2 = law.free_fraction([10**6, 10**9])
    given_first = (law.n_neurons - paths[:, 2]) * (1 - f2 / f1)
    z = (paths[:, 3] - paths[:, 2] - given_first) / np.sqrt(given_first * f2 / f1)
    assert stats.kstest(z, "norm").pvalue > ALARM


def test_rare_increments_are_poisson() -> None:
    # hazard b/(D+a) = 1e-12 a sample: 0.1 new neurons expected on each step of one sample
    law = ActivationLaw(10**11, 0.1, 1.0)
    steps = np.diff(sample_growth(law, np.arange(1001), rng=111))
    check.law("exercise", steps, stats.poisson(0.1), alarm=ALARM)  # the mean falls by 1e-9 along the path


def test_histogram_at_a_hundred_billion_neurons_follows_its_law() -> None:
    drawn, probabilities = huge_histograms(), HUGE.bin_probabilities(10**13, BINS)
    assert (drawn.sum(axis=1) == HUGE.n_neurons).all()
    for column, p in zip(drawn.T, probabilities.tolist(), strict=True):
        check.law("exercise", column, stats.binom(HUGE.n_neurons, p), alarm=ALARM)


# -- randomness at the rim ---------------------------------------------------------------------------------------------


def same(one: ActivationPath, other: ActivationPath) -> bool:
    return bool((one.counts == other.counts).all() and (one.first == other.first).all())


def test_threads_do_not_change_the_result() -> None:
    law = ActivationLaw(10000, 500, 0.5)  # three blocks of neurons
    assert same(simulate(law, 50, rng=1), simulate(law, 50, rng=1, n_threads=2))
    assert same(simulate_events(law, 50, rng=1), simulate_events(law, 50, rng=1, n_threads=2))
    assert same(simulate(law, 50, rng=1, n_threads=2), simulate(law, 50, rng=np.random.default_rng(1), n_threads=3))


def test_blocks_have_different_streams() -> None:
    counts = simulate(ActivationLaw(8192, 4096, 1.0), 50, rng=1).counts
    assert (counts[:4096] != counts[4096:]).any()


DRAWS: dict[str, Callable[[Any], Any]] = {
    "simulate": lambda rng: simulate(ActivationLaw(100, 20, 0.5), 30, rng=rng).counts,
    "fixed_active": lambda rng: simulate(ActivationLaw(100, 20, 0.5), 30, rule="fixed_active", rng=rng).counts,
    "simulate_events": lambda rng: simulate_events(ActivationLaw(100, 20, 0.5), 30, rng=rng).counts,
    "sample_counts": lambda rng: sample_counts(ActivationLaw(100, 20, 0.5), 30, rng=rng),
    "sample_growth": lambda rng: sample_growth(ActivationLaw(10**9, 20, 0.5), [10**7, 10**8], rng=rng),
    "sample_histogram": lambda rng: sample_histogram(ActivationLaw(10**9, 20, 0.5), 10**8, [0, 1, 9], rng=rng),
}


@pytest.mark.parametrize("name", DRAWS)
def test_one_seed_one_result_and_two_calls_on_a_generator_differ(name: str) -> None:
    draw = DRAWS[name]
    assert draw(7).tolist() == draw(7).tolist()
    assert draw(7).tolist() == draw(np.random.default_rng(7)).tolist()
    assert draw(7).tolist() != draw(8).tolist()
    rng = np.random.default_rng(7)
    assert draw(rng).tolist() != draw(rng).tolist()


PLAIN = """
from neuroscale.activation import ActivationLaw, simulate, simulate_events
law = ActivationLaw(60, 6, 0.5)
for path in (simulate(law, 40, rng=3), simulate(law, 40, rule="fixed_active", rng=3), simulate_events(law, 400, rng=3)):
    print(path.counts.tolist(), path.first.tolist())
"""


def test_without_compilation_the_result_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}
    run = subprocess.run(
        [sys.executable, "-c", PLAIN], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    exec(PLAIN, {})
    assert run.stdout == capsys.readouterr().out
    assert len(run.stdout.splitlines()) == 3


def test_kernel_says_what_to_do_without_a_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    # a function without a source file has no cache folder, unless one is named
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 0)
    space: dict[str, Any] = {}
    exec(compile("def homeless(x):\n    return x\n", "<nowhere>", "exec"), space)
    with pytest.raises(RuntimeError, match=r"cannot cache homeless.*NUMBA_CACHE_DIR.*NUMBA_DISABLE_JIT=1"):
        kernel(space["homeless"])


# -- errors ------------------------------------------------------------------------------------------------------------

LAW = ActivationLaw(10, 2.5, 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate(LAW, -1, rng=0), r"D=-1 must be an integer in \[0, "),
        (lambda: simulate(LAW, 1.5, rng=0), r"D=1\.5 must be an integer"),  # type: ignore[arg-type]
        (lambda: simulate(LAW, 2**60, rng=0), r"D=\d+ must be an integer in \[0, 9007199254740992\]"),
        (
            lambda: simulate(LAW, 5, rule="urn", rng=0),  # type: ignore[arg-type]
            r"rule='urn' must be one of 'independent', 'fixed_active'",
        ),
        (
            lambda: simulate(LAW, 5, rule="fixed_active", rng=0),
            r"law\.n_active=2\.5 must be an integer for rule='fixed_active'",
        ),
        (lambda: simulate(LAW, 5, rng=0, n_threads=0), r"n_threads=0 must be an integer in \[1, 1024\]"),
        (lambda: simulate(LAW, 5, rng=-3), r"rng=-3 must be a numpy\.random\.Generator or a non-negative integer"),
        (lambda: simulate_events(LAW, -1, rng=0), r"D=-1 must be an integer in \[0, "),
        (lambda: simulate_events(LAW, 5, rng="now"), r"rng='now' must be"),  # type: ignore[arg-type]
        (lambda: sample_counts(LAW, -1, rng=0), r"D=-1 must be an integer in \[0, "),
        (lambda: sample_counts(LAW, float("nan"), rng=0), r"D=nan must be an integer"),  # type: ignore[arg-type]
        (lambda: sample_growth(LAW, [3, -1], rng=0), r"D_grid holds -1; every value must lie in \[0, "),
        (lambda: sample_growth(LAW, [1.5], rng=0), r"D_grid holds 1\.5; every value must be an integer"),
        (lambda: sample_histogram(LAW, 5, [0, 0], rng=0), r"edges=\[0, 0\] must be at least two strictly increasing"),
        (lambda: sample_histogram(LAW, -5, [0, 1], rng=0), r"D=-5 must be an integer in \[0, "),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# -- a wrong law is noticed --------------------------------------------------------------------------------------------


def wrong(law: ActivationLaw) -> ActivationLaw:
    """The same layer with b off by a fifth."""
    return ActivationLaw(law.n_neurons, law.n_active, 1.2 * law.b)


@pytest.mark.parametrize("case", [0, 1, 2, 3, 5])  # case 4 is nearly Poisson: b = 30 hardly shows
def test_every_one_neuron_test_notices_a_wrong_b(case: int) -> None:
    law, D = CASES[case]
    counts = simulate(law, D, rng=100 + case).counts
    with pytest.raises(check.CheckFailed):
        check.law("exercise", counts, wrong(law).counts(D), alarm=ALARM)
    assert alike(counts, simulate_events(wrong(law), D, rng=300 + case).counts) < ALARM
    if case != 3:  # with c/N = 0.85 almost all neurons fire at once, whatever b
        assert fits(simulate(law, D, rng=1).first.tolist(), first_cells(wrong(law), D)) < ALARM


def test_every_joint_test_notices_a_wrong_b() -> None:
    pair = ActivationLaw(2, 0.8, 0.7)
    assert fits(neighbours(simulate(ActivationLaw(40000, 16000, 0.7), 3, rng=9)), enumerated(wrong(pair), 3)) < ALARM
    assert fits(growth_draws(), growth_cells(wrong(SMALL_LAYER), 10, 200)) < ALARM
    assert fits(histogram_draws(), histogram_cells(wrong(SMALL_LAYER), 200, EDGES)) < ALARM
    assert fits(urn_draws(), urn_cells(wrong(ActivationLaw(3, 1, 0.6)), 8)) < ALARM


def test_every_growth_test_notices_a_wrong_b() -> None:
    K = (simulate(ActivationLaw(100000, 10000, 0.5), 40, rng=41).counts.reshape(2000, 50) > 0).sum(axis=1)
    with pytest.raises(check.CheckFailed):
        check.law("exercise", K, wrong(ActivationLaw(50, 5, 0.5)).working_distribution(40), alarm=ALARM)
    with pytest.raises(check.CheckFailed):
        check.law("exercise", huge_paths()[:, 3], wrong(HUGE).working_distribution(GRID[3]), alarm=ALARM)
    p = float(wrong(HUGE).bin_probabilities(10**13, BINS)[0])
    with pytest.raises(check.CheckFailed):
        check.law("exercise", huge_histograms()[:, 0], stats.binom(HUGE.n_neurons, p), alarm=ALARM)
