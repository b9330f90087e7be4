r"""Labelled data: the empirical law :math:`p(z,m)` that the action averages over, and scikit-learn's digits.

A data set of :math:`n` samples puts the mass :math:`1/n` on each pair :math:`(z,m)`.  The note assumes that the classes
are balanced, :math:`p(m)=1/M`; the splits made here are so exactly, in each of their three parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroscale import _validation as valid
from neuroscale.randomness import generator

__all__ = ["CODINGS", "Dataset", "Split", "balanced_split", "load_digits"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Coding = Literal["unit", "centred", "standardised", "pca"]

#: Ways to code the inputs, all fixed by the training part alone.
CODINGS: tuple[str, ...] = ("unit", "centred", "standardised", "pca")


@dataclass(frozen=True)
class Dataset:
    """Inputs and labels.

    Parameters
    ----------
    inputs : array_like of float, shape (n, E)
        Finite; at least one sample and one input.
    labels : array_like of int, shape (n,)
        In ``[0, n_classes)``.
    n_classes : int
        Number of classes :math:`M`, at least 2.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Examples
    --------
    >>> from neuroscale.action import Dataset
    >>> data = Dataset([[0.0], [1.0], [3.0]], [0, 1, 1], n_classes=2)
    >>> data.n_samples, data.n_inputs, data.class_counts.tolist(), data.balanced
    (3, 1, [1, 2], False)
    """

    inputs: Floats
    labels: Integers
    n_classes: int

    def __post_init__(self) -> None:
        n_classes = valid.integer("n_classes", self.n_classes, low=2)
        inputs = np.ascontiguousarray(valid.reals("inputs", self.inputs, low=-np.inf))
        labels = valid.integers("labels", self.labels, low=0, high=n_classes - 1)
        if inputs.ndim != 2 or inputs.size == 0:
            raise ValueError(f"inputs has shape {inputs.shape}; it must be (n, E) with n and E at least 1")
        if labels.shape != inputs.shape[:1]:
            raise ValueError(f"labels has shape {labels.shape}; it must be {inputs.shape[:1]}, one for each input")
        for name, value in (("n_classes", n_classes), ("inputs", inputs), ("labels", labels)):
            object.__setattr__(self, name, value)

    @property
    def n_samples(self) -> int:
        """Number of samples :math:`n`."""
        return int(self.inputs.shape[0])

    @property
    def n_inputs(self) -> int:
        """Number of inputs :math:`E`."""
        return int(self.inputs.shape[1])

    @property
    def class_counts(self) -> Integers:
        """Samples of each class, shape (M,)."""
        return np.bincount(self.labels, minlength=self.n_classes).astype(np.int64)

    @property
    def balanced(self) -> bool:
        """Whether every class has the same number of samples, :math:`p(m)=1/M` (claim ``ac-balance``)."""
        counts = self.class_counts
        return bool((counts == counts[0]).all())

    def translated(self, origin: Floats) -> Dataset:
        r"""The same samples seen from another origin, :math:`z\to z-a`.

        Parameters
        ----------
        origin : array_like of float, shape (E,)

        Examples
        --------
        >>> from neuroscale.action import Dataset
        >>> Dataset([[0.0], [1.0]], [0, 1], n_classes=2).translated([1.0]).inputs.tolist()
        [[-1.0], [0.0]]
        """
        shift = valid.reals("origin", origin, low=-np.inf)
        if shift.shape != (self.n_inputs,):
            raise ValueError(f"origin has shape {shift.shape}; it must be {(self.n_inputs,)}")
        return Dataset(self.inputs - shift, self.labels, self.n_classes)


@dataclass(frozen=True)
class Split:
    """Three disjoint parts of one data set, and where it comes from.

    Attributes
    ----------
    train, validation, test : Dataset
        Of equal numbers of inputs and classes.
    source : str
        What a reader should know of the origin of the data.

    Examples
    --------
    >>> from neuroscale.action import load_digits
    >>> load_digits().source
    'digits of scikit-learn, unit inputs'
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    source: str

    def __post_init__(self) -> None:
        shapes = {(part.n_inputs, part.n_classes) for part in (self.train, self.validation, self.test)}
        if len(shapes) != 1:
            raise ValueError(f"(n_inputs, n_classes) are {sorted(shapes)}; the parts of a split must agree")


def load_digits(
    *,
    seed: int = 0,
    inputs: Coding = "unit",
    n_components: int | None = None,
    per_class: tuple[int, int, int] = (100, 37, 37),
) -> Split:
    r"""Scikit-learn's 8 x 8 digits in exactly balanced parts.

    Parameters
    ----------
    seed : int
        Of the random split, non-negative.
    inputs : {"unit", "centred", "standardised", "pca"}
        ``unit``: pixels in [0, 1]; ``centred``: less their training mean; ``standardised``: then divided by their
        training standard deviation (constant pixels by 1); ``pca``: centred, on the leading principal axes of
        the training part, not whitened.
    n_components : int, optional
        Number of principal axes, in [1, 64]; for ``pca`` only, and required there.
    per_class : tuple of three int
        Samples of each class for training, validation and test; at least 1 each, at most 174 together.

    Returns
    -------
    Split
        By default 1000, 370 and 370 samples of 64 inputs and 10 classes.

    Raises
    ------
    ValueError
        For arguments outside their range.

    Notes
    -----
    The data are part of scikit-learn: nothing is downloaded.

    Examples
    --------
    >>> from neuroscale.action import load_digits
    >>> split = load_digits(seed=1, inputs="pca", n_components=8)
    >>> split.train.inputs.shape, split.validation.n_samples, split.test.balanced
    ((1000, 8), 370, True)
    """
    name = "digits of scikit-learn"
    return balanced_split(
        _digits(), per_class=per_class, seed=seed, inputs=inputs, n_components=n_components, name=name
    )


def balanced_split(
    data: Dataset,
    *,
    per_class: tuple[int, int, int],
    test: Dataset | None = None,
    seed: int = 0,
    inputs: Coding = "unit",
    n_components: int | None = None,
    name: str = "user's data",
) -> Split:
    """Draw three exactly balanced, disjoint parts, and code their inputs by the training part.

    Parameters
    ----------
    data : Dataset
        With at least ``sum(per_class)`` samples of every class; ``unit`` leaves its inputs as they are.
    per_class, seed, inputs, n_components
        As for :func:`load_digits`.
    test : Dataset, optional
        Where the test part is drawn from instead, for data that come with one.
    name : str
        First words of ``Split.source``.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        For arguments outside their range, and for a class with too few samples.

    Examples
    --------
    >>> from neuroscale.action import Dataset, balanced_split
    >>> data = Dataset([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], [0, 0, 0, 1, 1, 1], n_classes=2)
    >>> balanced_split(data, per_class=(1, 1, 1)).test.labels.tolist()
    [0, 1]
    """
    valid.choice("inputs", inputs, CODINGS)
    if len(per_class) != 3:
        raise ValueError(f"per_class={per_class!r} must be three integers: training, validation, test")
    wanted = [valid.integer("per_class", count, low=1) for count in per_class]
    pools = [data, data, data if test is None else test]
    needed = [(data, sum(wanted))] if test is None else [(data, sum(wanted[:2])), (test, wanted[2])]
    for pool, total in needed:
        if total > pool.class_counts.min():
            fewest = pool.class_counts.min()
            raise ValueError(f"per_class={per_class!r} asks for {total} samples of a class that has {fewest}")
    if (inputs == "pca") != (n_components is not None):
        raise ValueError(f"n_components={n_components!r} must be an integer for inputs='pca', and None otherwise")
    if n_components is not None:
        n_components = valid.integer("n_components", n_components, low=1, high=data.n_inputs)
    rng = generator(seed)
    orders = [_shuffled(data, rng)] * 2
    orders.append(orders[0] if test is None else _shuffled(test, rng))
    starts = [0, wanted[0], wanted[0] + wanted[1] if test is None else 0]
    chosen = [
        np.concatenate([order[low : low + count] for order in part])
        for part, low, count in zip(orders, starts, wanted, strict=True)
    ]
    coded = _coding(data.inputs[chosen[0]], inputs, n_components)
    training, validation, testing = (
        Dataset(coded(pool.inputs[i]), pool.labels[i], pool.n_classes) for pool, i in zip(pools, chosen, strict=True)
    )
    words = f"{n_components} principal axes" if n_components is not None else f"{inputs} inputs"
    return Split(training, validation, testing, source=f"{name}, {words}")


@cache
def _digits() -> Dataset:
    from sklearn import datasets  # costs a second, which other uses of the package need not pay

    bunch = datasets.load_digits()
    return Dataset(bunch.data / 16.0, bunch.target, n_classes=10)


def _shuffled(data: Dataset, rng: np.random.Generator) -> list[Integers]:
    """Samples of each class in random order."""
    return [rng.permutation(np.flatnonzero(data.labels == m)) for m in range(data.n_classes)]


def _coding(training: Floats, inputs: str, n_components: int | None) -> Callable[[Floats], Floats]:
    """An affine map of inputs that the training inputs fix."""
    if inputs == "unit":
        return lambda z: z
    centre = training.mean(axis=0)
    if inputs == "centred":
        return lambda z: z - centre
    if inputs == "standardised":
        spread = training.std(axis=0)
        spread[spread == 0] = 1.0
        return lambda z: (z - centre) / spread
    values, vectors = np.linalg.eigh((training - centre).T @ (training - centre))
    axes = vectors[:, np.argsort(-values, kind="stable")[:n_components]]
    # an axis has no sign of its own: its largest entry is made positive
    axes = axes * np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0))
    return lambda z: (z - centre) @ axes
