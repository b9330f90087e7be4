"""One ``.npz`` without pickles, written in one piece or not at all, and read with suspicion."""

from __future__ import annotations

import os
import secrets
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_arrays", "write_arrays"]

#: What a damaged archive can raise on its way through zipfile, zlib and numpy's header parser.
_DAMAGE = (
    ValueError,
    KeyError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    MemoryError,
    SyntaxError,
    TypeError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_arrays(path: str | os.PathLike[str], kind: str, arrays: Mapping[str, Any]) -> None:
    """Write arrays under their names, and ``kind`` as the signature that :func:`read_arrays` asks for.

    A reader sees the old file or the whole new one: the bytes go to a temporary file in the same folder, reach the
    disk, and take the name in one step.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("xb") as file:
            np.savez_compressed(file, allow_pickle=False, kind=np.array(kind), **dict(arrays))
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def read_arrays(path: str | os.PathLike[str], kind: str, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Read the named arrays of a file of this ``kind``, or raise ``ValueError`` with the reason.

    A missing file raises ``FileNotFoundError`` as usual.
    """
    with Path(path).open("rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it is a single array, not an archive")
            with archive:
                # the signature first: a foreign archive should be called foreign, not incomplete
                found = str(archive["kind"]) if "kind" in archive.files else "no signature"
                if found != kind:
                    raise ValueError(f"it carries {found!r}")
                return {name: archive[name] for name in names}
        except _DAMAGE as error:
            raise ValueError(f"{os.fspath(path)} is not a whole file of {kind!r}: {error}") from error
