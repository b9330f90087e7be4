"""Data: exact balance, codings, and idx files that the test writes."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuroscale.action import Dataset, Split, balanced_split, fashion_mnist, load_digits, load_fashion_mnist
from neuroscale.action.data import Coding


def parts(split: Split) -> tuple[Dataset, Dataset, Dataset]:
    return split.train, split.validation, split.test


def rows(data: Dataset) -> set[bytes]:
    return {row.tobytes() for row in np.column_stack([data.inputs, data.labels])}


def test_digits_are_exactly_balanced() -> None:
    for data, count in zip(parts(load_digits(seed=3)), (100, 37, 37), strict=True):
        assert data.class_counts.tolist() == [count] * 10
        assert data.balanced
        assert data.inputs.min() == 0
        assert data.inputs.max() == 1


def test_parts_are_disjoint_and_a_seed_decides_them() -> None:
    numbered = Dataset(np.arange(60.0)[:, None], np.repeat([0, 1], 30), n_classes=2)
    one, same, other = (balanced_split(numbered, per_class=(15, 8, 7), seed=seed) for seed in (1, 1, 2))
    assert len(rows(one.train) | rows(one.validation) | rows(one.test)) == 60
    assert rows(one.train) == rows(same.train) != rows(other.train)


def test_codings_are_fixed_by_the_training_part() -> None:
    unit = load_digits(seed=1)
    mean, spread = unit.train.inputs.mean(axis=0), unit.train.inputs.std(axis=0)
    spread[spread == 0] = 1
    maps: dict[Coding, Callable[[Any], Any]] = {
        "centred": lambda z: z - mean,
        "standardised": lambda z: (z - mean) / spread,
    }
    for coding, map_ in maps.items():
        coded = load_digits(seed=1, inputs=coding)
        for raw, data in zip(parts(unit), parts(coded), strict=True):
            np.testing.assert_allclose(data.inputs, map_(raw.inputs), atol=1e-14)
            assert (data.labels == raw.labels).all()


def test_principal_axes() -> None:
    centred, coded = load_digits(inputs="centred"), load_digits(inputs="pca", n_components=64)
    covariance = coded.train.inputs.T @ coded.train.inputs
    off_diagonal = covariance - np.diag(np.diag(covariance))
    assert np.abs(off_diagonal).max() < 1e-9 * covariance.max()
    assert (np.diff(np.diag(covariance)) < 1e-9 * covariance.max()).all()
    # all 64 axes together are a rotation: distances stay
    for raw, data in zip(parts(centred), parts(coded), strict=True):
        np.testing.assert_allclose((data.inputs**2).sum(axis=1), (raw.inputs**2).sum(axis=1), rtol=1e-10)
    few = load_digits(inputs="pca", n_components=5)
    np.testing.assert_allclose(few.test.inputs, coded.test.inputs[:, :5], atol=1e-12)


def test_translation() -> None:
    data = load_digits().test
    moved = data.translated(data.inputs.mean(axis=0))
    assert np.abs(moved.inputs.mean(axis=0)).max() < 1e-14


# -- Fashion-MNIST, from files that the test writes --------------------------------------------------------------------


def idx(array: np.ndarray[Any, Any], magic: int) -> bytes:
    header = np.array([magic, *array.shape], dtype=">u4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


def contents(n_train: int = 3, n_test: int = 2) -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    files = {}
    for name, count in (("train", n_train), ("t10k", n_test)):
        labels = np.repeat(np.arange(10), count)
        images = rng.integers(0, 256, (labels.size, 2, 3))
        files[f"{name}-images-idx3-ubyte.gz"] = idx(images, 2051)
        files[f"{name}-labels-idx1-ubyte.gz"] = idx(labels, 2049)
    return files


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the files that the tests write be the published ones."""
    for name, content in contents().items():
        monkeypatch.setitem(fashion_mnist.FASHION_MNIST_MD5, name, hashlib.md5(content).hexdigest())


def test_the_checksums_are_the_published_ones() -> None:
    assert fashion_mnist.FASHION_MNIST_MD5 == {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    }


def test_files_of_a_folder_are_read(tmp_path: Path, published: None) -> None:
    split = load_fashion_mnist(folder=write(tmp_path, contents()), n_validation=1)
    assert [part.n_samples for part in parts(split)] == [20, 10, 20]
    assert split.test.n_inputs == 6
    assert split.source == f"Fashion-MNIST in {tmp_path}, unit inputs"
    raw = np.frombuffer(gzip.decompress(contents()["t10k-images-idx3-ubyte.gz"])[16:], dtype=np.uint8) / 255
    assert {row.tobytes() for row in split.test.inputs} == {row.tobytes() for row in raw.reshape(-1, 6)}


def test_the_environment_names_a_folder(tmp_path: Path, published: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROSCALE_DATA", str(write(tmp_path, contents())))
    assert load_fashion_mnist(n_validation=1).train.n_samples == 20


def test_files_of_ones_own_are_accepted_on_demand_and_named(tmp_path: Path) -> None:
    write(tmp_path, contents())
    with pytest.raises(ValueError, match=r"train-images.* has not the published checksum; verify=False accepts"):
        load_fashion_mnist(folder=tmp_path, n_validation=1)
    split = load_fashion_mnist(folder=tmp_path, n_validation=1, verify=False)
    assert split.source == f"files in {tmp_path}, not the published Fashion-MNIST, unit inputs"


def broken(name: str, change: Callable[[bytes], bytes]) -> dict[str, bytes]:
    files = contents()
    files[name] = change(files[name])
    return files


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (broken(IMAGES, lambda c: c[:-20]), r"train-images-idx3-ubyte\.gz is not a complete gzip file"),
        (broken(IMAGES, lambda c: b"no gzip"), r"train-images-idx3-ubyte\.gz is not a complete gzip file"),
        (
            broken(IMAGES, lambda c: gzip.compress(gzip.decompress(c)[:-5])),
            r"holds 175 bytes of images; its header says \(30, 2, 3\)",
        ),
        (broken(IMAGES, lambda c: gzip.compress(b"\0")), r"opens with 0; an idx file of images opens with 2051"),
        (
            broken(LABELS, lambda c: idx(np.zeros((30, 1, 1)), 2051)),
            r"opens with 2051; an idx file of labels opens with 2049",
        ),
        (broken(LABELS, lambda c: idx(np.zeros(29), 2049)), r"train has 30 images and 29 labels"),
        (broken(LABELS, lambda c: idx(np.zeros(30), 2049)), r"classes must be balanced"),
        (broken(LABELS, lambda c: idx(np.full(30, 17), 2049)), r"labels holds 17; every value must lie in \[0, 9\]"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_fashion_mnist(folder=write(tmp_path, files), n_validation=1, verify=False)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    files = contents()
    del files[LABELS]
    with pytest.raises(FileNotFoundError, match=r"train-labels-idx1-ubyte\.gz does not exist; a folder needs all four"):
        load_fashion_mnist(folder=write(tmp_path, files), verify=False)


def test_the_cache_is_used_and_checked(tmp_path: Path, published: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEUROSCALE_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path)
    with pytest.raises(FileNotFoundError, match="is not in the cache, and download=False"):
        load_fashion_mnist(download=False)
    cache = tmp_path / "fashion-mnist"
    cache.mkdir()
    write(cache, contents())
    assert load_fashion_mnist(download=False, n_validation=1).source == "Fashion-MNIST, unit inputs"
    (cache / LABELS).write_bytes(b"damaged")
    with pytest.raises(FileNotFoundError, match="train-labels"):
        load_fashion_mnist(download=False)


def test_offline_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(url: str, **options: Any) -> str:
        tried.append(url)
        raise OSError("no route to host")

    monkeypatch.delenv("NEUROSCALE_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path)
    monkeypatch.setattr("pooch.retrieve", refuse)
    with pytest.raises(ConnectionError, match=r"could not be downloaded .* use load_digits, which needs no download"):
        load_fashion_mnist()
    assert len(tried) == 2  # each mirror once, for the first file only


# -- errors ------------------------------------------------------------------------------------------------------------

PAIR = Dataset([[0.0], [1.0]], [0, 1], n_classes=2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Dataset(np.zeros((2, 0)), [0, 1], 2), r"inputs has shape \(2, 0\)"),  # type: ignore[arg-type]
        (lambda: Dataset(np.zeros((2, 1)), [0], 2), r"labels has shape \(1,\); it must be \(2,\)"),  # type: ignore[arg-type]
        (lambda: Dataset(np.zeros((1, 1)), [2], 2), r"labels holds 2"),  # type: ignore[arg-type]
        (lambda: Dataset(np.full((1, 1), np.nan), [0], 2), r"inputs holds nan"),  # type: ignore[arg-type]
        (lambda: Dataset(np.zeros((1, 1)), [0], 1), r"n_classes=1 must be"),  # type: ignore[arg-type]
        (lambda: PAIR.translated(np.zeros(2)), r"origin has shape \(2,\); it must be \(1,\)"),
        (lambda: Split(PAIR, PAIR, load_digits().test, "mixed"), r"the parts of a split must agree"),
        (lambda: load_digits(inputs="raw"), r"inputs='raw' must be one of 'unit'"),  # type: ignore[arg-type]
        (lambda: load_digits(inputs="pca"), r"n_components=None must be an integer for inputs='pca'"),
        (lambda: load_digits(n_components=3), r"n_components=3 must be an integer for inputs='pca', and None"),
        (lambda: load_digits(inputs="pca", n_components=65), r"n_components=65 must be an integer in \[1, 64\]"),
        (lambda: load_digits(per_class=(170, 4, 1)), r"asks for 175 samples of a class that has 174"),
        (lambda: load_digits(per_class=(1, 2)), r"must be three integers"),  # type: ignore[arg-type]
        (lambda: load_digits(seed=-1), r"rng=-1 must be"),
        (lambda: load_fashion_mnist(n_validation=0), r"n_validation=0 must be"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
