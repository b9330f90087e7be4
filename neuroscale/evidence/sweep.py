r"""Run one function over a grid of arguments: in parallel, on a cluster, and again from where it stopped.

The grid is a product of axes, for example width :math:`N` x data size :math:`D` x seed.  The work goes through joblib,
so that the same call runs serially, on the cores of one machine, or on a Dask cluster::

    with joblib.parallel_config("dask"):        # after client = distributed.Client(...)
        sweep(function, grid, cache=folder)

A **cache folder** holds one ``.npz`` file for each entry, without pickles.  The process that computed the entry writes
it at once, to a temporary name that is then renamed: what is there is whole, and what was finished when a run was
interrupted or a worker killed is not computed again.  On a cluster of several machines the folder must be shared, and
the function must be in a module that the workers can import.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
import traceback
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend
from numpy.typing import NDArray

from neuroscale import _validation as valid

__all__ = ["Sweep", "SweepError", "sweep"]

Arguments = dict[str, Any]
Value = dict[str, NDArray[Any]]
Progress = Callable[[int, int], None]
#: Name inside an entry's file for the text that its key is the hash of.
_IDENTITY = "__entry__"
#: Seconds between two lines of progress.
_PAUSE = 1.0


class SweepError(RuntimeError):
    """Entries of a sweep failed; every other entry has been computed, and cached if there is a cache.

    Attributes
    ----------
    failures : list of (dict, str)
        Arguments and traceback of each entry that failed.
    """

    def __init__(self, failures: list[tuple[Arguments, str]]) -> None:
        self.failures = failures
        heads = [f"{_named(arguments)}: {text.strip().splitlines()[-1]}" for arguments, text in failures]
        shown = "\n  ".join(heads[:5]) + ("" if len(heads) <= 5 else f"\n  and {len(heads) - 5} more")
        super().__init__(f"{len(failures)} of the entries failed:\n  {shown}\n\nThe first in full:\n{failures[0][1]}")

    def __reduce__(self) -> tuple[type[SweepError], tuple[list[tuple[Arguments, str]]]]:
        return type(self), (self.failures,)


@dataclass(frozen=True)
class Sweep:
    """What a sweep returns: the values in the order of the grid.

    Attributes
    ----------
    axes : dict of str to list
        The grid, in the order given.
    arguments : list of dict
        Keyword arguments of each entry; the last axis varies fastest.
    values : list of dict of str to ndarray
        What the function returned for each entry.
    n_cached : int
        How many of the values came from the cache.
    """

    axes: dict[str, list[Any]]
    arguments: list[Arguments]
    values: list[Value]
    n_cached: int

    def array(self, name: str) -> NDArray[Any]:
        """One of the results as an array over the grid.

        Parameters
        ----------
        name : str
            Key of the mapping that the function returns; it must have one shape throughout.

        Returns
        -------
        ndarray
            Its leading shape is the lengths of the axes, its trailing shape that of a single value.

        Raises
        ------
        KeyError
            When no entry, or not every entry, has the name.
        ValueError
            When the values have different shapes.

        Examples
        --------
        >>> from neuroscale.evidence.sweep import sweep
        >>> def area(width, height):
        ...     return {"area": width * height}
        >>> sweep(area, {"width": [1, 2], "height": [3, 4, 5]}).array("area").tolist()
        [[3, 4, 5], [6, 8, 10]]
        """
        missing = [arguments for arguments, value in zip(self.arguments, self.values, strict=True) if name not in value]
        if missing:
            known = ", ".join(sorted(set().union(*self.values))) or "none"
            raise KeyError(f"name={name!r} is not a result of {_named(missing[0])}; the sweep has {known}")
        shapes = {value[name].shape for value in self.values}
        if len(shapes) > 1:
            raise ValueError(f"{name!r} has shapes {sorted(shapes)}; an array over the grid needs one")
        stacked = np.stack([value[name] for value in self.values])
        return stacked.reshape([len(axis) for axis in self.axes.values()] + list(stacked.shape[1:]))


def sweep(
    function: Callable[..., Mapping[str, Any]],
    grid: Mapping[str, Sequence[Any]],
    *,
    cache: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    version: str = "",
    progress: bool | Progress | None = None,
    retries: int = 2,
) -> Sweep:
    """Call a function at every point of a grid, in parallel and resumably.

    Parameters
    ----------
    function : callable
        Called with one keyword argument for each axis.  Returns a mapping from names to numbers, strings or arrays of
        them.  It must depend on its arguments alone (seeds among them): then every way to run it gives the same values.
    grid : mapping of str to sequence
        Axes: name of the argument and the values that it takes.  None, booleans, numbers, strings, and lists of these.
    cache : path, optional
        Folder of the finished entries, made if it is missing.  An entry's key is the hash of the function's qualified
        name, the arguments and `version`.  A file that cannot be read is reported and computed again.
    n_jobs : int, optional
        Processes, as in ``joblib.Parallel``: -1 is every core.  None leaves it to ``joblib.parallel_config`` and is 1
        outside of one.
    version : str
        To be changed with the function's body, which the key does not see.
    progress : bool or callable, optional
        True writes a line to stderr about every second; a callable gets ``(done, total)`` in the calling process.
        None is True on a terminal, and False elsewhere, as in a chapter.
    retries : int
        How many times to go on with what is left after a process has died, at least 0.  A Dask cluster counts such
        deaths itself (``distributed.scheduler.allowed-failures``).

    Returns
    -------
    Sweep

    Raises
    ------
    SweepError
        When entries raised, or killed their process more than `retries` times.  The message names the entries.  All
        others are computed first.
    ValueError
        For an empty grid, an argument that cannot be part of a key, or a cache for a function without a name.

    Notes
    -----
    One task an entry: entries much shorter than ten milliseconds are better grouped by the caller.  A worker, too,
    looks into the cache before it computes an entry.

    Examples
    --------
    >>> import tempfile
    >>> from neuroscale.evidence.sweep import sweep
    >>> def power(base, exponent):
    ...     return {"value": base**exponent}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = sweep(power, {"base": [2, 3], "exponent": [1, 2]}, cache=folder)
    ...     again = sweep(power, {"base": [2, 3], "exponent": [1, 2, 3]}, cache=folder)
    >>> again.array("value").tolist(), first.n_cached, again.n_cached
    ([[2, 4, 8], [3, 9, 27]], 0, 4)
    """
    axes = {str(name): [_plain(f"grid[{name!r}]", value) for value in values] for name, values in grid.items()}
    if not axes or not all(axes.values()):
        raise ValueError(f"grid={dict(grid)!r} must have at least one axis, and a value on each")
    tries = valid.integer("retries", retries, low=0)
    entries = [dict(zip(axes, point, strict=True)) for point in itertools.product(*axes.values())]
    folder = None if cache is None else Path(cache).absolute()
    if folder is not None:
        _check_name(function)
        folder.mkdir(parents=True, exist_ok=True)
    jobs = [_Job(i, function, arguments, folder, version) for i, arguments in enumerate(entries)]

    done: dict[int, Value] = {}
    for job in jobs:
        value = job.cached()
        if value is not None:
            done[job.index] = value
    report = _reporter(progress, len(jobs), n_cached := len(done))
    failures: list[tuple[Arguments, str]] = []
    failed: set[int] = set()
    while left := [job for job in jobs if job.index not in done and job.index not in failed]:
        try:
            for index, value, error in _run(left, n_jobs):
                if value is None:
                    failed.add(index)
                    failures.append((entries[index], error))
                else:
                    done[index] = value
                report(len(done) + len(failed), len(jobs))
        except TerminatedWorkerError as error:
            if tries == 0:
                lost = [job for job in left if job.index not in done and job.index not in failed]
                failures += [
                    (job.arguments, f"{type(error).__name__}: a worker died on it or beside it") for job in lost
                ]
                break
            tries -= 1
    if failures:
        raise SweepError(failures)
    return Sweep(axes, entries, [done[i] for i in range(len(jobs))], n_cached)


def _run(jobs: list[_Job], n_jobs: int | None) -> Iterator[tuple[int, Value | None, str]]:
    """Run the jobs and yield what each returned, as it is finished."""
    client = getattr(get_active_backend()[0], "client", None)
    if client is None:
        parallel = joblib.Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
        yield from parallel(joblib.delayed(job)() for job in jobs)
    else:
        yield from _on_cluster(client, jobs)


def _on_cluster(client: Any, jobs: list[_Job]) -> Iterator[tuple[int, Value | None, str]]:
    """Hand the jobs to joblib's Dask client directly.

    joblib waits for ever for a task that never ran to its end: one that Dask gave up because it killed its workers, or
    whose function the workers cannot import.
    """
    import distributed

    as_completed: Callable[..., Any] = distributed.as_completed  # without types
    futures = {client.submit(job, pure=False): job for job in jobs}
    try:
        for future in as_completed(list(futures)):
            try:
                found = future.result()  # waits where the worker that held it has died, and it is made again
            except Exception as error:
                found = futures[future].index, None, f"{type(error).__name__}: {' '.join(str(error).split())}"
            yield found
    finally:
        client.cancel(list(futures))


@dataclass(frozen=True)
class _Job:
    """One entry; called in the worker."""

    index: int
    function: Callable[..., Mapping[str, Any]]
    arguments: Arguments
    folder: Path | None
    version: str

    def __call__(self) -> tuple[int, Value | None, str]:
        try:
            value = self.cached(quiet=True)
            if value is None:
                value = _as_arrays(self.function(**self.arguments))
                self._store(value)
        except Exception:
            return self.index, None, traceback.format_exc()
        return self.index, value, ""

    @property
    def identity(self) -> str:
        name = f"{self.function.__module__}.{self.function.__qualname__}"
        return json.dumps([name, self.version, self.arguments], sort_keys=True)

    @property
    def path(self) -> Path:
        assert self.folder is not None
        return self.folder / f"{sha256(self.identity.encode()).hexdigest()[:32]}.npz"

    def cached(self, *, quiet: bool = False) -> Value | None:
        """The entry's value from its file; None without a readable one."""
        if self.folder is None:
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                value = {name: file[name] for name in file.files}
            if str(value.pop(_IDENTITY)) != self.identity:
                raise ValueError("it belongs to another entry")
        except FileNotFoundError:
            return None
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            if not quiet:
                print(f"sweep: {self.path.name} is unreadable ({error}); computing {_named(self.arguments)} again")
            return None
        return value

    def _store(self, value: Value) -> None:
        """Write the entry's file whole or not at all."""
        if self.folder is None:
            return
        part = self.folder / f".{self.path.stem}.{uuid.uuid4().hex}.part"
        try:
            with part.open("wb") as file:
                np.savez(file, allow_pickle=False, **{_IDENTITY: np.array(self.identity)}, **value)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)


def _as_arrays(value: Any) -> Value:
    """The function's mapping, with arrays that can be stored without pickles."""
    if not isinstance(value, Mapping):
        raise TypeError(f"the function returned {type(value).__name__}; it must return a mapping from names to numbers")
    arrays = {str(name): np.asarray(content) for name, content in value.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "biufcUS" or name == _IDENTITY:
            raise TypeError(f"the function returned {name!r} of type {array.dtype}; numbers and strings can be stored")
    return arrays


def _plain(name: str, value: Any) -> Any:
    """A grid value as a plain Python object that JSON writes exactly."""
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(plain, list | tuple):
        return [_plain(name, item) for item in plain]
    if plain is None or isinstance(plain, bool | int | float | str):
        return plain
    raise ValueError(f"{name} holds {value!r}; the values must be None, booleans, numbers, strings or lists of these")


def _check_name(function: Callable[..., Any]) -> None:
    name = getattr(function, "__qualname__", "<lambda>")
    if "<lambda>" in name:
        raise ValueError(f"function={function!r} has no name of its own; a cache needs one in its keys")


def _named(arguments: Arguments) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _reporter(progress: bool | Progress | None, total: int, cached: int) -> Progress:
    """What to call after each entry; called once at the start."""
    wanted = sys.stderr.isatty() if progress is None else progress
    if not wanted:
        return lambda done, total: None
    start = time.monotonic()
    last = -_PAUSE

    def write(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic() - start
        if now - last >= _PAUSE or done == total:
            last = now
            print(f"sweep: {done} of {total} entries ({cached} cached), {now:.0f} s", file=sys.stderr, flush=True)

    report = write if wanted is True else wanted
    report(cached, total)
    return report
