r"""Independent samples for counting: augmented digits, tables, and contexts of characters.

Counting needs many independent samples of one law.  :func:`digit_stream` draws them: a base image of scikit-learn's
8 x 8 digits with pixels in [0, 1], moved, its contrast scaled, noise added, and the result standardised by constants
that depend on no sample.  Parts share no base image.
"""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuroscale import _validation as valid

__all__ = ["CHARACTERS", "DIGIT_MEAN", "DIGIT_SPREAD", "PARTS", "character_contexts", "digit_stream", "load_table"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PARTS = ("train", "validation", "test")
#: Mean and standard deviation of all pixels of all 1,797 images, to three digits.
DIGIT_MEAN, DIGIT_SPREAD = 0.305, 0.376
#: Base images of the parts, 1,797 in all.
_BASE_IMAGES = {"train": 1197, "validation": 300, "test": 300}
#: The contrast of an image is scaled by a factor uniform around 1, up to this far.
_CONTRAST = 0.2
#: The alphabet of contexts: the newline, the printable ASCII characters, and a NUL for everything else.
CHARACTERS = "\n" + "".join(map(chr, range(32, 127))) + "\0"


def digit_stream(
    n: int,
    *,
    seed: int,
    part: str = "train",
    noise: float = 0.12,
    shift: int = 1,
    standardise: bool = True,
) -> tuple[Floats, Integers]:
    """Draw independent augmented digits.

    Parameters
    ----------
    n : int
        Number of samples, at least 0.
    seed : int
        Of the draw, non-negative; parts with the same seed are independent.
    part : {"train", "validation", "test"}
        1,197, 300 and 300 base images; which image is in which part is fixed.
    noise : float
        Standard deviation, at least 0, of the noise added to each pixel, whose range is [0, 1].
    shift : int
        Largest number of pixels, in [0, 4], by which an image is moved along each axis, uniformly; zeros move in.
    standardise : bool
        Subtract 0.305 and divide by 0.376, the mean and the deviation of all pixels of the base images.

    Returns
    -------
    X : ndarray of float, shape (n, 64)
    y : ndarray of int64, shape (n,)
        Digits 0 to 9.

    Raises
    ------
    ValueError
        For arguments outside their range.

    Notes
    -----
    The contrast of each image is scaled by a factor uniform in [0.8, 1.2].  The data are part of scikit-learn: nothing
    is downloaded.  O(n) time and memory.

    Examples
    --------
    >>> from neuroscale.evidence import digit_stream
    >>> X, y = digit_stream(1000, seed=0, part="test")
    >>> X.shape, y.shape, bool(abs(X.mean()) < 0.1)
    ((1000, 64), (1000,), True)
    """
    n = valid.integer("n", n, low=0)
    seed = valid.integer("seed", seed, low=0)
    part = valid.choice("part", part, PARTS)
    noise = valid.real("noise", noise, low=0)
    shift = valid.integer("shift", shift, low=0, high=4)
    rng = np.random.default_rng([seed, PARTS.index(part)])
    images, labels = _base_images()[part]
    chosen = rng.integers(len(labels), size=n)
    rows, columns = rng.integers(2 * shift + 1, size=(2, n))
    padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift)))
    reach = np.arange(8)
    X = padded[
        chosen[:, None, None],
        (rows[:, None] + reach)[:, :, None],
        (columns[:, None] + reach)[:, None, :],
    ].reshape(n, 64)
    X *= rng.uniform(1 - _CONTRAST, 1 + _CONTRAST, size=(n, 1))
    if noise > 0:
        X += noise * rng.standard_normal((n, 64))
    if standardise:
        X -= DIGIT_MEAN
        X /= DIGIT_SPREAD
    return X, labels[chosen]


def load_table(name: str, *, standardise: bool = True) -> Floats:
    """Rows of a table that comes with scikit-learn.

    Parameters
    ----------
    name : {"wine", "breast_cancer"}
        178 rows of 13 columns, and 569 rows of 30.
    standardise : bool
        Every column to mean 0 and standard deviation 1; else every column divided by its largest value.

    Returns
    -------
    ndarray of float, shape (n, columns)

    Examples
    --------
    >>> from neuroscale.evidence import load_table
    >>> load_table("wine").shape, float(load_table("wine", standardise=False).max())
    ((178, 13), 1.0)
    """
    valid.choice("name", name, ("wine", "breast_cancer"))
    from sklearn import datasets  # costs a second, which other uses of the package need not pay

    table = (datasets.load_wine if name == "wine" else datasets.load_breast_cancer)().data
    X: Floats = (table - table.mean(axis=0)) / table.std(axis=0) if standardise else table / table.max(axis=0)
    return X


def character_contexts(
    n: int, *, length: int = 8, seed: int, part: str = "train", one_hot: bool = True
) -> tuple[NDArray[np.uint8], Integers]:
    """Contexts in the source text of Python's standard library, and the character that follows each.

    Parameters
    ----------
    n : int
        Number of contexts, at least 0, drawn independently and uniformly over places in the files of the part.
    length : int
        Characters of a context, in [1, 256].
    seed : int
        Of the draw, non-negative; parts with the same seed are independent.
    part : {"train", "validation", "test"}
        Eight, one and one tenth of the files: parts share no file.
    one_hot : bool
        Code each character as one of 97 inputs, else as its index in ``CHARACTERS``.

    Returns
    -------
    X : ndarray of uint8, shape (n, 97 length) or (n, length)
    y : ndarray of int64, shape (n,)
        In ``[0, 97)``.

    Raises
    ------
    ValueError
        For arguments outside their range, and where the standard library has no source files.

    Notes
    -----
    The text depends on the version of Python, so numbers computed from it are recorded with that version.  Tests and
    tables of encodings are left out.

    Examples
    --------
    >>> from neuroscale.evidence import character_contexts
    >>> X, y = character_contexts(100, length=4, seed=0)
    >>> X.shape, X.sum(axis=1).tolist() == [4] * 100
    ((100, 388), True)
    """
    n = valid.integer("n", n, low=0)
    length = valid.integer("length", length, low=1, high=256)
    seed = valid.integer("seed", seed, low=0)
    part = valid.choice("part", part, PARTS)
    text = _library_text()[part]
    places = np.random.default_rng([seed, PARTS.index(part)]).integers(len(text) - length, size=n)
    context = text[places[:, None] + np.arange(length)]
    y = text[places + length].astype(np.int64)
    if not one_hot:
        return context, y
    X = np.zeros((n, length, len(CHARACTERS)), dtype=np.uint8)
    np.put_along_axis(X, context[:, :, None].astype(np.int64), 1, axis=2)
    return X.reshape(n, length * len(CHARACTERS)), y


@cache
def _base_images() -> dict[str, tuple[Floats, Integers]]:
    from sklearn import datasets  # costs a second, which other uses of the package need not pay

    bunch = datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    parts, first = {}, 0
    for part, count in _BASE_IMAGES.items():
        rows = order[first : first + count]
        parts[part] = (bunch.images[rows] / 16.0, bunch.target[rows].astype(np.int64))
        first += count
    return parts


@cache
def _library_text() -> dict[str, NDArray[np.uint8]]:
    root = Path(sysconfig.get_paths()["stdlib"])
    skipped = {"site-packages", "dist-packages", "test", "tests", "encodings", "idlelib"}
    files = sorted(path for path in root.rglob("*.py") if not skipped & set(path.relative_to(root).parts))
    if len(files) < 100:
        raise ValueError(f"the standard library holds {len(files)} source files; at least 100 are needed")
    code = np.full(256, len(CHARACTERS) - 1, dtype=np.uint8)
    for index, character in enumerate(CHARACTERS):
        code[ord(character)] = index
    pieces: dict[str, list[NDArray[np.uint8]]] = {part: [] for part in PARTS}
    for place, row in enumerate(np.random.default_rng(0).permutation(len(files))):
        part = {8: "validation", 9: "test"}.get(place % 10, "train")
        pieces[part].append(code[np.frombuffer(files[row].read_bytes(), dtype=np.uint8)])
    return {part: np.concatenate(texts) for part, texts in pieces.items()}
