"""Re-execute chapters when the code they import changes, and rebuild pages when the book's machinery does.

jupyter-cache keys a notebook on its own cells only, and numba's on-disk cache misses changes in functions
inlined from another file.  Both caches get a folder named after a digest of the package, the locked environment
and the Python version, so that a change empties them.  myst-nb registers ``nb_execution_cache_path`` as an
``env`` value, hence Sphinx also re-reads every page.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

#: Written by Python and numba, not by an author.
GENERATED = {".pyc", ".nbi", ".nbc"}


def _files(root: Path, folders: Iterable[str]) -> list[Path]:
    found = (path for folder in folders for path in (root / folder).rglob("*"))
    return sorted(p for p in found if p.is_file() and p.suffix not in GENERATED)


def _hash(root: Path, paths: Iterable[Path], seed: str = "") -> str:
    total = hashlib.sha256(seed.encode())
    for path in paths:
        total.update(path.relative_to(root).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def digest(root: Path) -> str:
    """Name of everything that the result of a cell may depend on, its own chapter excepted."""
    locks = [path for path in (root / "requirements.lock",) if path.is_file()]
    full = os.environ.get("NEUROSCALE_FULL") or "0"  # the size of the simulations, see neuroscale/budget.py
    return _hash(root, [*locks, *_files(root, ["neuroscale"])], f"{platform.python_version()} {full}")


def prepare(root: Path, build: Path) -> Path:
    """Point this process and its kernels at the package and at the caches that match it.

    Returns the folder for jupyter-cache.
    """
    key = digest(root)
    for name in (".jupyter_cache", ".numba_cache"):
        for old in (build / name).glob("*"):
            if old.name != key:
                shutil.rmtree(old, ignore_errors=True)  # the workers of pytest-xdist race here
    os.environ["NUMBA_CACHE_DIR"] = str(build / ".numba_cache" / key)
    paths = [str(root), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return build / ".jupyter_cache" / key


def configure(app: Sphinx, config: Config) -> None:
    root = Path(app.srcdir)
    config.nb_execution_cache_path = str(prepare(root, Path(app.outdir).parent))
    # Sphinx compares values, not files: these two make it notice an edited extension or style
    config.neuroscale_extensions = _hash(root, _files(root, ["_ext"]))
    config.neuroscale_style = _hash(root, _files(root, ["_static", "_templates"]))


def forget_warned_build(app: Sphinx, error: Exception | None) -> None:
    """Drop the pickled environment when there were warnings.

    An unchanged page is not read again, so that a second ``-W`` build would not repeat the warnings of the
    first and exit with status 0.
    """
    if error is None and app._warncount:
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("neuroscale_extensions", "", "env", str)
    app.add_config_value("neuroscale_style", "", "html", str)
    app.connect("config-inited", configure)
    app.connect("build-finished", forget_warned_build, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
