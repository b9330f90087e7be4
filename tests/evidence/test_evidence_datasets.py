"""Streams of digits, tables and contexts of characters: parts, laws and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuroscale.evidence import character_contexts, digit_stream, load_table
from neuroscale.evidence.datasets import CHARACTERS, DIGIT_MEAN, DIGIT_SPREAD, PARTS, _base_images


def test_parts_share_no_image_and_the_constants_are_those_of_the_images() -> None:
    parts = _base_images()
    images = [{image.tobytes() for image in parts[part][0]} for part in PARTS]
    assert [len(part) for part in images] == [1197, 300, 300]
    assert len(set.union(*images)) == 1797
    pixels = np.concatenate([parts[part][0].ravel() for part in PARTS])
    assert (round(float(pixels.mean()), 3), round(float(pixels.std()), 3)) == (DIGIT_MEAN, DIGIT_SPREAD)


def test_a_sample_is_a_moved_scaled_image() -> None:
    X, y = digit_stream(50, seed=3, part="test", noise=0.0, standardise=False)
    images, labels = _base_images()["test"]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    moved = np.stack([padded[:, r : r + 8, c : c + 8] for r in range(3) for c in range(3)], axis=1).reshape(-1, 64)
    owners = np.repeat(labels, 9)
    cosines = (X / np.linalg.norm(X, axis=1)[:, None]) @ (moved / np.linalg.norm(moved, axis=1)[:, None]).T
    best = cosines.argmax(axis=1)
    np.testing.assert_allclose(cosines.max(axis=1), 1, atol=1e-12)
    assert (owners[best] == y).all()
    contrast = np.linalg.norm(X, axis=1) / np.linalg.norm(moved[best], axis=1)
    assert 0.8 <= contrast.min() < 0.9 < 1.1 < contrast.max() <= 1.2


def test_noise_and_standardisation() -> None:
    quiet, loud = (digit_stream(4000, seed=1, noise=noise, standardise=False)[0] for noise in (0.0, 0.2))
    spread = (loud - quiet).std()
    # 256,000 normal numbers: six standard errors of their deviation are 0.2 * 6 / sqrt(512000) = 0.0017
    assert abs(spread - 0.2) < 0.0017
    scaled = digit_stream(4000, seed=1, noise=0.2)[0]
    np.testing.assert_allclose(scaled * DIGIT_SPREAD + DIGIT_MEAN, loud, atol=1e-12)


def test_a_seed_decides_and_parts_differ() -> None:
    one, same, other = (digit_stream(100, seed=seed) for seed in (5, 5, 6))
    assert (one[0] == same[0]).all()
    assert (one[1] == same[1]).all()
    assert (one[0] != other[0]).any()
    assert (digit_stream(100, seed=5, part="test")[0] != one[0]).any()
    assert digit_stream(0, seed=0)[0].shape == (0, 64)


def test_tables() -> None:
    for name, shape in (("wine", (178, 13)), ("breast_cancer", (569, 30))):
        X = load_table(name)
        assert X.shape == shape
        np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(X.std(axis=0), 1, atol=1e-12)
        np.testing.assert_allclose(load_table(name, standardise=False).max(axis=0), 1)


def test_contexts_code_the_text() -> None:
    X, y = character_contexts(30, length=5, seed=2, part="validation")
    index, same = character_contexts(30, length=5, seed=2, part="validation", one_hot=False)
    assert (y == same).all()
    assert (X.reshape(30, 5, len(CHARACTERS)).argmax(axis=2) == index).all()
    assert len(CHARACTERS) == len(set(CHARACTERS)) == 97
    text = "".join(CHARACTERS[c] for c in character_contexts(4000, length=1, seed=0, one_hot=False)[0].ravel())
    # about one character in six of source text is a space: six standard errors of 4,000 draws are 0.036
    assert text.count(" ") / len(text) > 0.1
    assert "\0" not in text or text.count("\0") < 40


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        (digit_stream, {"n": -1, "seed": 0}, "n=-1"),
        (digit_stream, {"n": 1, "seed": -1}, "seed=-1"),
        (digit_stream, {"n": 1, "seed": 0, "part": "all"}, "part"),
        (digit_stream, {"n": 1, "seed": 0, "noise": -0.1}, "noise"),
        (digit_stream, {"n": 1, "seed": 0, "shift": 5}, "shift=5"),
        (load_table, {"name": "iris"}, "name"),
        (character_contexts, {"n": 1, "seed": 0, "length": 0}, "length=0"),
    ],
)
def test_bad_arguments_are_named(call: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(**arguments)
