r"""Count activations as they stream by.

The theory speaks of :math:`D_i`, the number of samples among :math:`D` that activate unit :math:`i`, and of
:math:`K(D)=\#\{i:D_i>0\}`.  Both are sums over samples, so they can be taken batch by batch and added over workers:
if a second stream continues the first, counts add, and a unit's first activation is its first in the earlier stream
that has one.  What a sum over a batch would lose is kept: the sample at which a unit first fired, which gives
:math:`K(D)` at every :math:`D`, and the counts at sample numbers spaced evenly in :math:`\ln D`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from neuroscale import _validation as valid

from ._counting import check_history, column_sums, grid_points, snapshot_grid
from ._counts_file import read_arrays, write_arrays

__all__ = ["ActivationCounts"]

Integers = NDArray[np.int64]
SAMPLES = ("sample", "token", "sequence")
_KIND = "neuroscale activation counts 1"
_STATE = ("n_units", "threshold", "sample", "start", "grid", "n_samples", "squares", "counts", "first_fire")
_HISTORY = ("snapshot_at", "snapshots", "window", "recent")


class ActivationCounts:
    r"""Counts of the activations of the units of one layer.

    Parameters
    ----------
    n_units : int
        Width :math:`N` of the layer, at least 1.
    threshold : float
        A real-valued activation above it counts as active.
    sample : {"sample", "token", "sequence"}
        What one row stands for; counts of different things do not merge.
    snapshots : "log", None, or iterable of int
        Sample numbers at which the counts are kept: four per doubling, powers of two among them, none, or these.
    window : int, optional
        Also keep the last `window` samples, for :meth:`window_counts`; costs ``window * n_units / 8`` bytes.
    start : int
        Number of samples before this stream, for a worker that counts a later part: its snapshots then lie where the
        merged counts want them.  All sample numbers of the object itself still begin with its own first sample.

    Attributes
    ----------
    n_units, threshold, sample, start, window
        As given.

    Raises
    ------
    ValueError
        For an argument outside its range.

    Notes
    -----
    An update of ``n`` rows costs O(n N), and memory is O(N) for each snapshot.  The counts of
    ``chapters/evidence/measuring.md``, which says what may be counted.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence import ActivationCounts
    >>> counts = ActivationCounts(3)
    >>> counts.update(np.array([[0.0, 1.5, 0.0], [0.2, 2.0, 0.0]]))
    >>> counts.counts, counts.first_fire, counts.working
    (array([1, 2, 0]), array([ 1,  0, -1]), 2)
    >>> counts.growth([0, 1, 2])
    array([0, 1, 2])
    """

    def __init__(
        self,
        n_units: int,
        *,
        threshold: float = 0.0,
        sample: str = "sample",
        snapshots: str | Iterable[int] | None = "log",
        window: int | None = None,
        start: int = 0,
    ) -> None:
        self.n_units = valid.integer("n_units", n_units, low=1)
        self.threshold = valid.real("threshold", threshold, low=-math.inf)
        self.sample = valid.choice("sample", sample, SAMPLES)
        self.start = valid.integer("start", start, low=0)
        self.window = None if window is None else valid.integer("window", window, low=1)
        self._grid = snapshot_grid(snapshots)
        self._n = 0
        self._squares = 0
        self._counts = np.zeros(self.n_units, dtype=np.int64)
        self._first = np.full(self.n_units, -1, dtype=np.int64)
        self._snapshots: dict[int, Integers] = {}
        self._recent = self._new_window()

    def update(self, activations: ArrayLike) -> None:
        """Count the next samples.

        Parameters
        ----------
        activations : array_like, shape (n, n_units)
            One row a sample, any ``n``: booleans, or real numbers that are compared with ``threshold``.

        Raises
        ------
        ValueError
            For another shape or type, or where a number is NaN; nothing of the batch is counted then.
        """
        active = self._active(activations)
        n = active.shape[0]
        if n == 0:
            return
        fresh = np.zeros(self.n_units, dtype=np.int64)
        row = 0
        for point in grid_points(self._grid, self.start + self._n, self.start + self._n + n):
            cut = point - self.start - self._n
            fresh += column_sums(active[row:cut])
            self._keep(self._n + cut, self._counts + fresh)
            row = cut
        fresh += column_sums(active[row:])
        newly = np.flatnonzero((self._first < 0) & (fresh > 0))
        self._first[newly] = self._n + active[:, newly].argmax(axis=0)
        bits = np.packbits(active, axis=1)
        per_sample = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
        self._squares += int(per_sample @ per_sample)
        if self.window is not None:
            last = bits[-self.window :]
            self._recent[np.arange(self._n + n - len(last), self._n + n) % self.window] = last
        self._counts += fresh
        self._n += n

    def _active(self, activations: ArrayLike) -> NDArray[np.bool_]:
        array = np.asarray(activations)
        if array.ndim != 2 or array.shape[1] != self.n_units:
            raise ValueError(f"activations has the shape {array.shape}; it must be (n, n_units={self.n_units})")
        if array.dtype.kind == "b":
            return np.ascontiguousarray(array)
        if array.dtype.kind not in "iuf":
            raise ValueError(f"activations has the dtype {array.dtype}; it must hold booleans or real numbers")
        # the minimum passes a NaN on, and needs no array of its own
        if array.dtype.kind == "f" and array.size and np.isnan(array.min()):
            raise ValueError("activations holds NaN; every value must be a number")
        active: NDArray[np.bool_] = np.greater(array, self.threshold, order="C")
        return active

    def _new_window(self) -> NDArray[np.uint8]:
        """Row ``t % window`` will hold the bits of sample ``t``."""
        return np.zeros((self.window or 0, -(-self.n_units // 8)), dtype=np.uint8)

    def _keep(self, number: int, counts: Integers) -> None:
        counts.setflags(write=False)
        self._snapshots[number] = counts

    @property
    def n_samples(self) -> int:
        """Samples counted so far, :math:`D`."""
        return self._n

    @property
    def counts(self) -> Integers:
        """:math:`D_i` of every unit, int64 of shape (n_units,); a copy."""
        return self._counts.copy()

    @property
    def first_fire(self) -> Integers:
        """0-based number of the first sample that activated each unit, -1 for none; a copy."""
        return self._first.copy()

    @property
    def working(self) -> int:
        """Number of units that fired at least once, :math:`K(D)`."""
        return int(np.count_nonzero(self._counts))

    @property
    def n_active(self) -> float:
        """Mean number of active units per sample, :math:`c`; nan before the first sample."""
        return int(self._counts.sum()) / self._n if self._n else math.nan

    @property
    def active_variation(self) -> float:
        """Coefficient of variation over the samples of the number of active units; nan where no unit was active."""
        total = int(self._counts.sum())
        # exact integers: the difference would cancel in floats where the number hardly varies
        return math.sqrt(self._n * self._squares - total**2) / total if total else math.nan

    def active_interval(self, level: float = 0.95) -> tuple[float, float]:
        r"""Interval for the mean number of active units per sample, :math:`c`.

        Parameters
        ----------
        level : float
            Coverage, in (0, 1).

        Returns
        -------
        tuple of float
            Lower and upper end, in units; O(1) from the sums that are kept.

        Raises
        ------
        ValueError
            For a `level` outside its range, and with fewer than two samples.

        Notes
        -----
        Student's interval :math:`c\pm t\,s/\sqrt D` with the deviation :math:`s` of the number over the samples.  It
        takes the samples as independent: for the tokens of a sequence it is too narrow by the root of the design effect
        (``chapters/evidence/measuring.md``).  The units need not be independent.

        Examples
        --------
        >>> import numpy as np
        >>> from neuroscale.evidence import ActivationCounts
        >>> counts = ActivationCounts(4)
        >>> counts.update(np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]]))
        >>> low, high = counts.active_interval()
        >>> print(f"c = {counts.n_active:.0f} [{low:.2f}, {high:.2f}]")
        c = 2 [-0.48, 4.48]
        """
        share = valid.real("level", level, low=0, high=1, open_low=True, open_high=True)
        if self._n < 2:
            raise ValueError(f"n_samples={self._n}: an interval needs at least 2 samples")
        total, n = int(self._counts.sum()), self._n
        # n^2 times the variance over the samples, in exact integers as for the variation
        spread = math.sqrt((n * self._squares - total**2) / (n - 1)) / n
        half = float(stdtrit(n - 1, (1 + share) / 2)) * spread
        return total / n - half, total / n + half

    @property
    def snapshots(self) -> dict[int, Integers]:
        """Counts at sample numbers of the grid, by sample number; each array is read-only."""
        return dict(self._snapshots)

    def snapshot_at(self, n_samples: int) -> Integers:
        """Counts after the first `n_samples` samples.

        Raises
        ------
        ValueError
            Where no snapshot was taken; the message names the nearest ones.
        """
        number = valid.integer("n_samples", n_samples, low=0, high=self._n)
        if number == 0:
            return np.zeros(self.n_units, dtype=np.int64)
        if number == self._n:
            return self.counts
        if number not in self._snapshots:
            below = max((k for k in self._snapshots if k < number), default=0)
            above = min((k for k in self._snapshots if k > number), default=self._n)
            raise ValueError(f"n_samples={number} has no snapshot; the nearest are at {below} and {above}")
        return self._snapshots[number].copy()

    def growth(self, n_samples: ArrayLike) -> Any:
        """Working units :math:`K(D)` after the first `n_samples` samples, exactly.

        Parameters
        ----------
        n_samples : array_like of int
            Sample numbers in ``[0, self.n_samples]``.

        Returns
        -------
        int64 or array of int64
            Of the shape of `n_samples`.  O(N log N + m log N) for ``m`` numbers.
        """
        numbers = valid.integers("n_samples", n_samples, low=0, high=self._n)
        return np.searchsorted(np.sort(self._first[self._first >= 0]), numbers)

    def window_counts(self) -> tuple[Integers, int]:
        """Counts over the last `window` samples, exactly, and how many samples that are.

        Raises
        ------
        ValueError
            When the object keeps no window.
        """
        if self.window is None:
            raise ValueError("window=None: these counts keep no window; give its length to the constructor")
        held = min(self.window, self._n)
        rows = np.unpackbits(self._recent[:held], axis=1, count=self.n_units)
        return column_sums(rows.view(np.bool_)), held

    def merge(self, others: Self | Iterable[Self]) -> Self:
        """Counts of this stream continued by others, in their order; none of them is changed.

        Parameters
        ----------
        others : ActivationCounts or iterable of them
            Of equal width, threshold, sampling unit, snapshots and window.

        Returns
        -------
        ActivationCounts
            Equal to one pass over all the samples if every later part was given its `start`; otherwise the snapshots
            of the later parts, exact as they are, lie off the grid.  Merging is associative either way.

        Raises
        ------
        ValueError
            When two parts do not fit together.

        Examples
        --------
        >>> import numpy as np
        >>> from neuroscale.evidence import ActivationCounts
        >>> early, late = ActivationCounts(2), ActivationCounts(2, start=2)
        >>> early.update(np.array([[True, False], [True, False]]))
        >>> late.update(np.array([[False, True]]))
        >>> both = early.merge(late)
        >>> both.counts, both.first_fire
        (array([2, 1]), array([0, 2]))
        """
        parts = [others] if isinstance(others, ActivationCounts) else list(others)
        merged = self._like(self.start)
        for part in [self, *parts]:
            for name in ("n_units", "threshold", "sample", "window", "_grid"):
                mine, theirs = getattr(self, name), getattr(part, name)
                if mine != theirs:
                    label = "snapshots" if name == "_grid" else name
                    raise ValueError(f"{label}={theirs!r} of the other counts must equal {mine!r} of these")
            merged._append(part)
        return merged

    def _like(self, start: int) -> Self:
        return type(self)(
            self.n_units,
            threshold=self.threshold,
            sample=self.sample,
            snapshots=self._grid,
            window=self.window,
            start=start,
        )

    def _append(self, part: ActivationCounts) -> None:
        for number, counts in part._snapshots.items():
            self._keep(self._n + number, self._counts + counts)
        newly = (self._first < 0) & (part._first >= 0)
        self._first[newly] = self._n + part._first[newly]
        if self.window is not None:
            there = np.arange(max(part._n - self.window, 0), part._n)
            self._recent[(self._n + there) % self.window] = part._recent[there % self.window]
        self._squares += part._squares
        self._counts += part._counts
        self._n += part._n

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one ``.npz`` without pickles: the whole file or, on any failure, the old one.

        Parameters
        ----------
        path : str or os.PathLike
            The file, in an existing folder; a temporary neighbour takes its name once it is on the disk.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from neuroscale.evidence import ActivationCounts
        >>> counts = ActivationCounts(2)
        >>> counts.update([[True, False]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     counts.save(pathlib.Path(folder) / "layer.npz")
        ...     ActivationCounts.load(pathlib.Path(folder) / "layer.npz") == counts
        True
        """
        write_arrays(path, _KIND, self._arrays())

    def _arrays(self) -> dict[str, Any]:
        numbers = sorted(self._snapshots)
        grid = self._grid if isinstance(self._grid, str) else np.array(self._grid or (), dtype=np.int64)
        return {
            "n_units": np.int64(self.n_units),
            "threshold": np.float64(self.threshold),
            "sample": np.array(self.sample),
            "start": np.int64(self.start),
            "grid": np.array(grid),
            "n_samples": np.int64(self._n),
            # may exceed 64 bits
            "squares": np.array(str(self._squares)),
            "counts": self._counts,
            "first_fire": self._first,
            "snapshot_at": np.array(numbers, dtype=np.int64),
            "snapshots": np.array([self._snapshots[k] for k in numbers], dtype=np.int64).reshape(-1, self.n_units),
            "window": np.int64(self.window or 0),
            "recent": self._recent,
        }

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ValueError
            For a file that is truncated, altered, of another origin, or whose numbers contradict each other.
        FileNotFoundError
            When there is no such file.
        """
        arrays = read_arrays(path, _KIND, _STATE + _HISTORY)
        try:
            return cls._from_arrays(arrays)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{os.fspath(path)} holds inconsistent activation counts: {error}") from error

    @classmethod
    def _from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        grid = arrays["grid"]
        made = cls(
            arrays["n_units"].item(),
            threshold=arrays["threshold"].item(),
            sample=arrays["sample"].item(),
            snapshots=grid.item() if grid.ndim == 0 else grid.tolist(),
            window=arrays["window"].item() or None,
            start=arrays["start"].item(),
        )
        N = made.n_units
        made._n = n = valid.integer("n_samples", arrays["n_samples"].item(), low=0)
        made._squares = int(arrays["squares"].item())
        made._counts = valid.integers("counts", arrays["counts"], low=0, high=n)
        made._first = valid.integers("first_fire", arrays["first_fire"], low=-1, high=n - 1)
        made._recent = recent = arrays["recent"]
        numbers = valid.integers("snapshot_at", arrays["snapshot_at"], low=1, high=max(n, 1))
        table = valid.integers("snapshots", arrays["snapshots"], low=0, high=n)
        check_history(N, n, made._counts, made._first, numbers, table)
        if recent.dtype != np.uint8 or recent.shape != made._new_window().shape:
            raise ValueError(f"the window has the shape {recent.shape} and the dtype {recent.dtype}")
        total = int(made._counts.sum())
        if not total <= made._squares <= total * N or n * made._squares < total**2:
            raise ValueError("the squared numbers of active units contradict the counts")
        if made.window is not None and np.any(made.window_counts()[0] > made._counts):
            raise ValueError("the window contradicts the counts")
        for number, row in zip(numbers.tolist(), table, strict=True):
            made._keep(number, row.copy())
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ActivationCounts):
            return NotImplemented
        mine, theirs = self._arrays(), other._arrays()
        return all(np.array_equal(mine[name], theirs[name]) for name in mine)

    #: Counts change, so that they cannot be keys.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"ActivationCounts(n_units={self.n_units}, n_samples={self._n}, working={self.working}, "
            f"sample={self.sample!r})"
        )
