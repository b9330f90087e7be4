"""Run every case and print one table."""

from __future__ import annotations

import sys
import time

from . import action, activation, evidence, percolation
from .harness import Row, header, table


def main() -> None:
    start = time.perf_counter()
    rows: list[Row] = []
    parts = (activation, percolation, action, evidence)
    works = [(case, part.Sizes()) for part in parts for case in part.CASES]
    for number, (case, sizes) in enumerate(works, start=1):
        print(f"{number}/{len(works)} {case.__name__}", file=sys.stderr, flush=True)
        rows += case(sizes)
    print(header())
    print("Medians of interleaved repeats in one process; peer/ours above 1 means that ours is faster.\n")
    print(table(rows))
    print(f"\n{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
