"""Percolation against its peers: labels, sizes, trees."""

from __future__ import annotations

from dataclasses import dataclass

from .harness import Row, interleaved


@dataclass(frozen=True)
class Sizes:
    """How large each case is."""

    repeats: int = 7


CASES = ()
