"""Fashion-MNIST: 70 000 images of 28 x 28 pixels in 10 balanced classes, the data of the note.

Four gzipped idx files, from a folder of one's own, from the cache, or downloaded with the published checksums.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path

import numpy as np
import pooch
from numpy.typing import NDArray

from neuroscale import _validation as valid

from .data import Coding, Dataset, Split, balanced_split

__all__ = ["FASHION_MNIST_MD5", "load_fashion_mnist"]

#: Published checksums (md5) of the four files.
FASHION_MNIST_MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
_MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
#: Seconds to wait for a connection, and for each piece of an answer.
_TIMEOUT = (3.0, 10.0)
_MAGIC = {"images": 2051, "labels": 2049}


def load_fashion_mnist(
    *,
    folder: str | os.PathLike[str] | None = None,
    download: bool = True,
    verify: bool = True,
    n_validation: int = 1000,
    seed: int = 0,
    inputs: Coding = "unit",
    n_components: int | None = None,
) -> Split:
    """Fashion-MNIST, its 60 000 training images split into a training and a validation part.

    Parameters
    ----------
    folder : path, optional
        Folder that holds the four files; by default the environment variable ``NEUROSCALE_DATA``, and without it
        pooch's cache.
    download : bool
        Whether to download files that the cache lacks (30 MB); a named folder is never written to.
    verify : bool
        Whether to refuse files of a named folder whose checksums are not the published ones.  With False they are
        accepted, and ``Split.source`` says that they are not the published data.
    n_validation : int
        Validation images of each class, at least 1.
    seed : int
        Of the random split into training and validation.
    inputs, n_components
        As for :func:`~neuroscale.action.load_digits`.

    Returns
    -------
    Split
        By default 50 000, 10 000 and 10 000 images of 784 pixels, exactly balanced.

    Raises
    ------
    FileNotFoundError
        When a file is missing and nothing may be downloaded.
    ConnectionError
        When no mirror answers; within seconds, since nothing is tried twice.
    ValueError
        For a wrong checksum, a file that is not in the idx format, classes out of balance, and arguments outside
        their range.

    Notes
    -----
    The range of J that the note quotes is for these data (claim ``ac-j-range``).

    Examples
    --------
    >>> from neuroscale.action import load_fashion_mnist
    >>> load_fashion_mnist(folder="nowhere")
    Traceback (most recent call last):
    FileNotFoundError: nowhere/train-images-idx3-ubyte.gz does not exist; a folder needs all four files of Fashion-MNIST
    """
    n_validation = valid.integer("n_validation", n_validation, low=1)
    named = folder if folder is not None else os.environ.get("NEUROSCALE_DATA") or None
    if named is not None:
        paths, published = _from_folder(Path(named), verify)
        origin = f"Fashion-MNIST in {named}" if published else f"files in {named}, not the published Fashion-MNIST"
    else:
        paths, origin = _from_cache(download), "Fashion-MNIST"
    images, labels, test_images, test_labels = (_read_idx(path) for path in paths)
    training, test = _dataset(images, labels, "train"), _dataset(test_images, test_labels, "t10k")
    if training.n_inputs != test.n_inputs:
        raise ValueError(f"training images have {training.n_inputs} pixels, test images {test.n_inputs}")
    n_train = int(training.class_counts[0]) - n_validation
    if n_train < 1:
        raise ValueError(f"n_validation={n_validation} must be below {training.class_counts[0]}, the images of a class")
    if not (training.balanced and test.balanced):
        raise ValueError(
            "classes must be balanced: images of each class are "
            f"{training.class_counts.tolist()} and {test.class_counts.tolist()}"
        )
    # the test part of the file, unlike that of a split, is given: it goes through the same coding
    return balanced_split(
        training,
        per_class=(n_train, n_validation, int(test.class_counts[0])),
        test=test,
        seed=seed,
        inputs=inputs,
        n_components=n_components,
        name=origin,
    )


def _from_folder(folder: Path, verify: bool) -> tuple[list[Path], bool]:
    """The four files of a folder, and whether they are the published ones."""
    paths = [folder / name for name in FASHION_MNIST_MD5]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; a folder needs all four files of Fashion-MNIST")
    wrong = [
        p for p in paths if hashlib.md5(p.read_bytes(), usedforsecurity=False).hexdigest() != FASHION_MNIST_MD5[p.name]
    ]
    if wrong and verify:
        raise ValueError(f"{wrong[0]} has not the published checksum; verify=False accepts files of your own")
    return paths, not wrong


def _from_cache(download: bool) -> list[Path]:
    """The four files of pooch's cache, downloaded first where they are missing and may be."""
    cache = Path(pooch.os_cache("neuroscale")) / "fashion-mnist"
    return [_cached(cache, name, checksum, download) for name, checksum in FASHION_MNIST_MD5.items()]


def _cached(cache: Path, name: str, checksum: str, download: bool) -> Path:
    path = cache / name
    if path.is_file() and pooch.file_hash(str(path), alg="md5") == checksum:
        return path
    if not download:
        raise FileNotFoundError(f"{path} is not in the cache, and download=False")
    failures = []
    for mirror in _MIRRORS:
        try:
            pooch.retrieve(
                mirror + name,
                known_hash=f"md5:{checksum}",
                fname=name,
                path=cache,
                downloader=pooch.HTTPDownloader(timeout=_TIMEOUT),
            )
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong checksum is a ValueError
            failures.append(f"{mirror}: {type(error).__name__}")
        else:
            return path
    raise ConnectionError(
        f"Fashion-MNIST could not be downloaded ({'; '.join(failures)}). Put its four files into a folder and name it "
        "by `folder` or NEUROSCALE_DATA, or use load_digits, which needs no download."
    )


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """A gzipped idx file: magic number, sizes, and one byte for each entry."""
    kind = "images" if "images" in path.name else "labels"
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not a complete gzip file: {error}") from None
    n_axes = _MAGIC[kind] % 256
    header = np.frombuffer(content[: 4 * (1 + n_axes)], dtype=">u4") if len(content) >= 4 * (1 + n_axes) else [0]
    if int(header[0]) != _MAGIC[kind]:
        raise ValueError(f"{path} opens with {int(header[0])}; an idx file of {kind} opens with {_MAGIC[kind]}")
    shape = tuple(int(size) for size in header[1:])
    body = content[4 * (1 + n_axes) :]
    if len(body) != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{path} holds {len(body)} bytes of {kind}; its header says {shape}")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


def _dataset(images: NDArray[np.uint8], labels: NDArray[np.uint8], part: str) -> Dataset:
    if len(images) != len(labels):
        raise ValueError(f"{part} has {len(images)} images and {len(labels)} labels; there must be one for each")
    return Dataset(images.reshape(len(images), -1) / 255.0, labels.astype(np.int64), n_classes=10)
