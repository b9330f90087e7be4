"""Where recorded numbers come from: what a reader needs to make them again, and nothing about whose machine it was."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuroscale.evidence.recorded import write_recorded

ROOT = Path(__file__).resolve().parent.parent


def record(
    name: str,
    arrays: Mapping[str, ArrayLike],
    *,
    seeds: Iterable[int],
    cpu_seconds: float,
    about: str,
    arguments: Mapping[str, Any] | None = None,
    packages: Iterable[str] = ("numpy",),
    script: str | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Path:
    """Write arrays with their provenance.

    Parameters
    ----------
    name : str
        Name of the record.
    arrays : mapping of str to array
        What was computed.
    seeds : iterable of int
        Every seed that entered.
    cpu_seconds : float
        CPU time of the computation, by ``time.process_time``.
    about : str
        What was done, for the reader of the record.
    arguments : mapping, optional
        Sizes and settings: numbers, text, and lists of them.
    packages : iterable of str
        Installed packages whose versions the numbers depend on.
    script : str, optional
        Path of the script below the project's root; by default ``experiments/<name>.py``.
    folder : path, optional
        Where to write; by default the package's own records.

    Returns
    -------
    pathlib.Path
        The archive.
    """
    return write_recorded(
        name,
        {key: np.asarray(value) for key, value in arrays.items()},
        {
            "about": " ".join(about.split()),
            "script": script or f"experiments/{name}.py",
            "arguments": plain(dict(arguments or {})),
            "seeds": [int(seed) for seed in seeds],
            "python": platform.python_version(),
            "packages": {package: metadata.version(package) for package in packages},
            "platform": f"{platform.system()} {platform.machine()}",
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "cpu_seconds": round(float(cpu_seconds), 1),
            "commit": commit(),
        },
        folder,
    )


def commit() -> str:
    """The commit of the working tree, marked when the scripts or the package differ from it."""
    try:
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=all", "--", "experiments/*.py", "neuroscale/**/*.py")
    except (OSError, subprocess.CalledProcessError):
        return "unknown: not a git checkout"
    return f"{head}, with changes" if changed else head


def plain(value: Any) -> Any:
    """Numbers, text, lists and mappings as YAML knows them: tuples and numpy scalars are converted."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
