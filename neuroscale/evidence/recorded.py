r"""Recorded results: arrays that a script of ``experiments`` computed once, with where they come from.

A chapter that needs minutes or PyTorch loads what was recorded instead of computing it.  A record is two files,
``<name>.npz`` with the arrays and ``<name>.yml`` with the **provenance**: script, arguments, seeds, versions, platform,
date, CPU seconds, commit, and the SHA-256 of the arrays.  The hash covers names, types, shapes and values, and not the
bytes of the archive, so that another version of zlib does not change it.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

__all__ = ["Recorded", "array_digest", "load_recorded", "recorded_names", "write_recorded"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_REQUIRED = (
    "name",
    "about",
    "script",
    "arguments",
    "seeds",
    "python",
    "packages",
    "platform",
    "date",
    "cpu_seconds",
    "commit",
    "sha256",
)
#: What numpy and zipfile raise on damaged archives.
_UNREADABLE = OSError, EOFError, ValueError, KeyError, AttributeError, RuntimeError, zipfile.BadZipFile, zlib.error
#: Names of numpy's own arguments.
_RESERVED = {"file", "allow_pickle"}
#: Booleans, integers, floats and text: what an archive holds without pickles.
_KINDS = "biufU"


@dataclass(frozen=True)
class Recorded:
    """A record: arrays, and where they come from.

    Attributes
    ----------
    arrays
        Read-only arrays by name.
    provenance
        ``about``, ``script``, ``arguments``, ``seeds``, ``python``, ``packages``, ``platform``, ``date``,
        ``cpu_seconds``, ``commit`` and ``sha256``.
    """

    arrays: Mapping[str, NDArray[Any]]
    provenance: Mapping[str, Any]

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One array by its name; ``KeyError`` lists the names there are."""
        try:
            return self.arrays[name]
        except KeyError:
            raise KeyError(f"{name!r} is not in the record; it holds {', '.join(self.arrays)}") from None

    def summary(self) -> str:
        """Where the numbers come from, in one line for the reader.

        Examples
        --------
        >>> from neuroscale.evidence import load_recorded
        >>> load_recorded("topk_growth").summary().startswith("experiments/topk_growth.py")
        True
        """
        made = self.provenance
        versions = ", ".join(f"{name} {version}" for name, version in made["packages"].items())
        return (
            f"{made['script']}, {len(made['seeds'])} seeds, {made['cpu_seconds']:.0f} s of CPU on {made['date']}; "
            f"Python {made['python']}, {versions}, {made['platform']}"
        )


def recorded_names(folder: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """Names of the records, sorted.

    Parameters
    ----------
    folder : path, optional
        Folder of the records; by default the one inside the package.

    Examples
    --------
    >>> from neuroscale.evidence import recorded_names
    >>> "topk_growth" in recorded_names()
    True
    """
    return tuple(sorted(path.stem for path in _folder(folder).glob("*.yml")))


def load_recorded(name: str, folder: str | os.PathLike[str] | None = None) -> Recorded:
    """Load a record and verify it against its hash.

    Parameters
    ----------
    name : str
        Name of the record, as in :func:`recorded_names`.
    folder : path, optional
        Folder of the records; by default the one inside the package.

    Returns
    -------
    Recorded

    Raises
    ------
    FileNotFoundError
        When one of its two files is missing; the message says how to make them.
    ValueError
        When the provenance lacks a field, the archive cannot be read, or the arrays are not those that were recorded.

    Notes
    -----
    O(size of the arrays): everything is read and hashed.  Nothing is unpickled.

    Examples
    --------
    >>> from neuroscale.evidence import load_recorded
    >>> load_recorded("nothing_here")
    Traceback (most recent call last):
    FileNotFoundError: no record 'nothing_here': nothing_here.yml is missing; `make evidence-full` makes it again
    """
    place = _folder(folder)
    paths = place / f"{name}.yml", place / f"{name}.npz"
    for path in paths:
        if not (_NAME.fullmatch(name) and path.is_file()):
            raise FileNotFoundError(f"no record {name!r}: {path.name} is missing; `make evidence-full` makes it again")
    provenance = _provenance(paths[0])
    try:
        with np.load(paths[1], allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except _UNREADABLE as error:
        raise ValueError(f"{paths[1].name} cannot be read, it may be truncated or foreign: {error}") from None
    if array_digest(arrays) != provenance["sha256"]:
        raise ValueError(
            f"{paths[1].name} does not hold the arrays that {paths[0].name} describes: its SHA-256 differs"
        )
    for array in arrays.values():
        array.flags.writeable = False
    return Recorded(MappingProxyType(arrays), MappingProxyType(provenance))


def array_digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of named arrays: names, types, shapes and values, in the order of the names.

    Parameters
    ----------
    arrays : mapping of str to array
        Of booleans, integers, floats or text.

    Raises
    ------
    ValueError
        For an array of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence import array_digest
    >>> one, two = np.arange(3), np.ones(2)
    >>> array_digest({"a": one, "b": two}) == array_digest({"b": two, "a": one})
    True
    >>> array_digest({"a": one}) == array_digest({"a": one.astype(float)})
    False
    """
    digest = hashlib.sha256()
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        if array.dtype.kind not in _KINDS:
            raise ValueError(f"arrays[{key!r}] has type {array.dtype}; booleans, integers, floats and text are allowed")
        # the same values hash alike on every machine
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{key}\0{array.dtype.str}\0{arrays[key].shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def write_recorded(
    name: str,
    arrays: Mapping[str, NDArray[Any]],
    provenance: Mapping[str, Any],
    folder: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a record; the scripts in ``experiments`` call this through ``experiments.record``.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores.
    arrays : mapping of str to array
        At least one.
    provenance : mapping
        The fields of :class:`Recorded`, without ``name`` and ``sha256``, which are added.
    folder : path, optional
        Folder of the records; by default the one inside the package.

    Returns
    -------
    pathlib.Path
        The archive.

    Raises
    ------
    ValueError
        For an unfit name, no arrays, arrays of other types, or provenance that lacks a field.

    Notes
    -----
    Each file appears complete or not at all.  When the process ends between the two, the old provenance stands beside
    the new arrays, and :func:`load_recorded` refuses the pair.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"name={name!r} must be lower-case letters, digits and underscores, a letter first")
    if not arrays:
        raise ValueError("arrays is empty; a record holds at least one array")
    if taken := sorted(_RESERVED & set(arrays)):
        raise ValueError(f"arrays holds the names {taken}, which numpy.savez reserves")
    fields = {"name": name, **provenance, "sha256": array_digest(arrays)}
    if missing := [key for key in _REQUIRED if key not in fields]:
        raise ValueError(f"provenance lacks {', '.join(missing)}")
    place = _folder(folder)
    archive = place / f"{name}.npz"
    ordered = {key: fields[key] for key in (*_REQUIRED, *sorted(set(fields) - set(_REQUIRED)))}
    text = yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=118)
    with _replaced(archive) as part, part.open("wb") as stream:
        save: Any = np.savez_compressed  # its stubs take every keyword for an option
        save(stream, **arrays)
    with _replaced(place / f"{name}.yml") as part:
        part.write_text(text, encoding="utf8")
    return archive


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A file beside `path` to write into; it takes the place of `path` when it is complete."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _folder(folder: str | os.PathLike[str] | None) -> Path:
    return Path(str(files("neuroscale.evidence") / "recorded")) if folder is None else Path(folder)


def _provenance(path: Path) -> dict[str, Any]:
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is not a YAML file: {error}") from None
    if not isinstance(fields, dict):
        raise ValueError(f"{path.name} must be a mapping of provenance fields")
    if missing := [key for key in _REQUIRED if key not in fields]:
        raise ValueError(f"{path.name} lacks {', '.join(missing)}")
    return fields
