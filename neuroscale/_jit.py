"""One way to compile a kernel: cached, without fastmath, releasing the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["kernel"]

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a kernel with ``cache=True`` and ``nogil=True``.

    Raises
    ------
    RuntimeError
        When numba finds no writeable cache folder; the message says how to name one.
    """
    try:
        compiled = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError as error:
        raise RuntimeError(
            f"numba cannot cache {function.__qualname__}: no writeable cache folder was found. "
            "Set NUMBA_CACHE_DIR to a folder that you can write to, or NUMBA_DISABLE_JIT=1."
        ) from error
    return cast(F, compiled)
