"""Streams: one seed, one result, and no two streams alike."""

from __future__ import annotations

import numpy as np
import pytest

from neuroscale.randomness import generator, streams


def test_a_seed_always_gives_the_same_stream() -> None:
    assert generator(12).integers(2**63, size=8).tolist() == generator(12).integers(2**63, size=8).tolist()
    assert generator(np.int64(12)).random() == generator(12).random()
    assert generator(12).random() != generator(13).random()


def test_a_generator_is_used_as_it_is() -> None:
    rng = np.random.default_rng(0)
    assert generator(rng) is rng
    first = generator(rng).random()
    assert first != generator(rng).random()


@pytest.mark.parametrize("bad", [-1, 1.0, "0", None, True, [1]])
def test_anything_else_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"rng=.*non-negative integer"):
        generator(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, -3])
def test_streams_needs_a_positive_count(count: int) -> None:
    with pytest.raises(ValueError, match=rf"count={count} must be at least 1"):
        streams(0, count)


def test_streams_are_reproducible_and_distinct() -> None:
    first = [s.integers(2**63) for s in streams(5, 64)]
    assert first == [s.integers(2**63) for s in streams(5, 64)]
    assert len(set(first)) == 64


def test_fewer_streams_are_a_prefix_of_more() -> None:
    few, many = streams(5, 3), streams(5, 9)
    assert [s.random() for s in few] == [s.random() for s in many[:3]]


def test_a_second_call_on_a_generator_gives_new_streams() -> None:
    rng = np.random.default_rng(5)
    assert streams(rng, 1)[0].random() != streams(rng, 1)[0].random()


def test_streams_are_uncorrelated() -> None:
    draws = np.array([s.standard_normal(2000) for s in streams(3, 24)])
    pairs = np.corrcoef(draws)[np.triu_indices(24, 1)]
    # 276 correlations of standard deviation 2000^-1/2: 6.2 of them is a false alarm in 6e-10 each, 1.6e-7 in all
    assert np.max(np.abs(pairs)) < 6.2 / np.sqrt(2000)
