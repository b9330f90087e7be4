"""The benchmarks compare like with like: same laws, same estimates.  Nothing is timed here."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchmarks import action as action_cases
from benchmarks import activation as cases
from benchmarks import evidence as evidence_cases
from benchmarks import harness, peers
from benchmarks import percolation as percolation_cases
from neuroscale.activation import ActivationLaw, fit_counts, sample_counts, simulate_events
from neuroscale.ledger import check

TOY = cases.Sizes(
    literal=(300, 20), events=(500, 200), numpy_samples=10, huge=(10**6, 10**6), n_counts=300, fit_samples=50, repeats=1
)


def test_the_numpy_peer_simulates_the_same_process() -> None:
    law, D = ActivationLaw(20000, 400, 0.5), 100
    counts, first = peers.numpy_literal(law, D, np.random.default_rng(1))
    check.law("exercise", counts, law.counts(D), alarm=1e-6)
    assert ((counts == 0) == (first == D + 1)).all()


def test_the_counting_copy_follows_the_event_driven_kernel() -> None:
    law, D = ActivationLaw(5000, 50, 0.5), 500
    exponentials, uniforms, activations = peers.draws(law, D, 1)
    assert activations <= uniforms <= exponentials <= uniforms + law.n_neurons
    # two runs of one process: the totals differ by their noise, five standard deviations at most
    mean, variance = law.count_moments(D)
    noise = np.sqrt(2 * law.n_neurons * float(variance))
    assert abs(activations - law.n_neurons * float(mean)) < 5 * noise
    assert abs(activations - int(simulate_events(law, D, rng=1).counts.sum())) < 5 * noise


def test_the_floor_draws_what_it_is_told() -> None:
    rng = np.random.default_rng(1)
    assert np.isfinite(peers.floor(2**14 + 5, 7, rng))
    other = np.random.default_rng(1)
    other.standard_exponential(2**14)
    other.standard_exponential(5)
    other.random(7)
    assert rng.random() == other.random()


def test_scipy_finds_the_same_estimate() -> None:
    counts = sample_counts(ActivationLaw(400, 40, 0.5), 50, rng=1)
    fit = fit_counts(counts, 50)
    # the benchmark compares four digits
    assert peers.scipy_local_fit(counts, 50) == pytest.approx((fit.a, fit.b), rel=1e-4)
    assert peers.scipy_fit(counts, 50) == pytest.approx((fit.a, fit.b), rel=1e-4)


@pytest.mark.parametrize("case", [cases.literal, cases.events, cases.huge])
def test_cases_run_at_toy_size(case: object) -> None:
    rows = case(TOY)  # type: ignore[operator]
    assert all(row.ours > 0 and row.peer > 0 for row in rows)
    assert "peer/ours" in harness.table(rows)


def test_percolation_cases_run_at_toy_size_and_agree() -> None:
    toy = percolation_cases.Sizes(repeats=1, grown=(100, 1000), tree=2000, boxes=((2, 40), (3, 12), (4, 7), (6, 4)))
    rows = [row for case in percolation_cases.CASES for row in case(toy)]
    assert all(row.ours > 0 and row.peer > 0 for row in rows)
    # a row that compares results says so in its note
    assert not [row.note for row in rows if "NOT equal" in row.note]
    assert any("sizes, equal" in row.note for row in rows)


def test_action_cases_run_at_toy_size_and_agree() -> None:
    toy = action_cases.Sizes(repeats=1, jets=(2, 2, 2, 1), order=8, training=(2, 8, 2))
    training, *jets = (row for case in action_cases.CASES for row in case(toy))
    assert [row.name for row in jets] == ["jets, float", "jets, digits"]
    assert all(row.ours > 0 and row.peer > 0 for row in [training, *jets])
    # both trainings have left ln 10 behind after two epochs, to about the same action
    ours, peer = (float(found) for found in re.findall(r"(?:action|scikit-learn) (\d\.\d+)", training.note))
    assert max(ours, peer) < np.log(10)
    assert ours == pytest.approx(peer, rel=0.25)
    # the note ends in the largest error over the envelope: rounding, since mpmath works with 50 digits
    assert all(float(row.note.split()[-1]) < 1e-10 for row in jets)


def test_evidence_cases_run_at_toy_size_and_agree() -> None:
    toy = evidence_cases.Sizes(
        repeats=1,
        stream=(3, 20, 50),
        perceptron=(4, 16),
        transformer=(2, 5, 8),
        every=2,
        rounds=2,
        network=(256, 8, 1),
    )
    rows = [row for case in evidence_cases.CASES for row in case(toy)]
    assert len(rows) == (2 if evidence_cases.torch is None else 4)
    assert all(row.ours > 0 and row.peer > 0 for row in rows)
    assert "counts equal" in rows[0].note


def test_table_and_header() -> None:
    row = harness.Row("ours", 0.5, "theirs", 2.0, ">= 3", True, "a note")
    assert row.ratio == 4.0
    lines = harness.table([row]).splitlines()
    assert lines[2].split() == ["ours", "0.5", "theirs", "2", "4.00", ">=", "3", "yes"]
    assert lines[-1] == "- ours: a note"
    assert "cores" in harness.header()


def test_interleaved_takes_turns() -> None:
    calls: list[str] = []
    seconds = harness.interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert set(seconds) == {"a", "b"}
