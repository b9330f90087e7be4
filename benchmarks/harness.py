"""Interleaved timing: ours and its peers take turns, so that a slow minute of the machine slows both."""

from __future__ import annotations

import os
import platform
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

import numba
import numpy as np
import scipy

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One comparison: seconds of ours and of its peer, and how the ratio compares with the target."""

    name: str
    ours: float
    peer_name: str
    peer: float
    target: str
    met: bool
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.peer / self.ours


def interleaved(works: Mapping[str, Work], repeats: int) -> dict[str, float]:
    """Median seconds of each work over ``repeats`` rounds, after one round that compiles and warms caches."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(repeats):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(times) for name, times in seconds.items()}


def peak_memory(call: Work) -> int:
    """Most memory in arrays while `call` runs, beside what there was: numpy reports its arrays to tracemalloc."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def header() -> str:
    """What a reader needs to compare runs."""
    versions = f"numpy {np.__version__}, scipy {scipy.__version__}, numba {numba.__version__}"
    return f"{cores()} cores ({platform.machine()}), Python {platform.python_version()}, {versions}"


def table(rows: list[Row]) -> str:
    """Aligned text: ours, peer, ratio, target, and whether the target is met."""
    head = ("ours", "seconds", "peer", "seconds", "peer/ours", "target", "met")
    cells = [
        (r.name, f"{r.ours:.4g}", r.peer_name, f"{r.peer:.4g}", f"{r.ratio:.2f}", r.target, "yes" if r.met else "NO")
        for r in rows
    ]
    widths = [max(len(row[i]) for row in (head, *cells)) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *cells)]
    lines.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"- {r.name}: {r.note}" for r in rows if r.note]
    return "\n".join([*lines, "", *notes])
