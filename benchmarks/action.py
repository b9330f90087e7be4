"""The action against its peers: training, power series."""

from __future__ import annotations

from dataclasses import dataclass

from .harness import Row, interleaved


@dataclass(frozen=True)
class Sizes:
    """How large each case is."""

    repeats: int = 5


CASES = ()
