"""One switch between sizes that a laptop runs in seconds and the full ones.

Set ``NEUROSCALE_FULL=1`` (``make book FULL=1``) to run every chapter at full size.
"""

from __future__ import annotations

import os
from typing import TypeVar

__all__ = ["full", "size"]

T = TypeVar("T")


def full() -> bool:
    """Whether the full-size switch is on.

    Raises
    ------
    ValueError
        When ``NEUROSCALE_FULL`` is set to anything but 0 or 1.
    """
    value = os.environ.get("NEUROSCALE_FULL", "0") or "0"
    if value not in ("0", "1"):
        raise ValueError(f"NEUROSCALE_FULL={value!r} must be 0 or 1")
    return value == "1"


def size(default: T, at_full: T) -> T:
    """The default size, or the full one if the switch is on.

    Parameters
    ----------
    default
        Size for a laptop: the chapter's stated run time refers to it.
    at_full
        Size with ``NEUROSCALE_FULL=1``.

    Examples
    --------
    >>> from neuroscale.budget import full, size
    >>> size(100, 10_000) == (10_000 if full() else 100)
    True
    """
    return at_full if full() else default
