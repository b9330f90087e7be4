"""Run experiments and record them."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import time
from pathlib import Path

import experiments
from experiments.provenance import record

#: Modules of the package that are not experiments.
_OTHER = {"__main__", "command", "provenance"}


def names() -> list[str]:
    """Names of the experiments: the modules of the package that can be run; private ones start with an underscore."""
    found = (module.name for module in pkgutil.iter_modules(experiments.__path__))
    return sorted(name for name in found if name not in _OTHER and not name.startswith("_"))


def main(arguments: list[str] | None = None) -> int:
    """Record the named experiments, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names())}; all by default")
    parser.add_argument("--folder", type=Path, help="write the records here instead of into the package")
    options = parser.parse_args(arguments)
    wanted = options.names or names()
    if unknown := sorted(set(wanted) - set(names())):
        parser.error(f"no experiment {', '.join(unknown)}; there are {', '.join(names())}")
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(wanted, start=1):
        print(f"{number}/{len(wanted)} {name}", file=sys.stderr, flush=True)
        module = importlib.import_module(f"experiments.{name}")
        start = time.process_time()
        arrays = module.run(module.SEEDS, **module.ARGUMENTS)
        # an experiment that went on from a cache says itself how long all of it took
        cpu_seconds = float(arrays.pop("cpu_seconds", time.process_time() - start))
        path = record(
            name,
            arrays,
            seeds=module.SEEDS,
            arguments=module.ARGUMENTS,
            packages=module.PACKAGES,
            about=module.__doc__ or "",
            cpu_seconds=cpu_seconds,
            folder=options.folder,
        )
        print(f"    {cpu_seconds:.0f} s of CPU, {path.stat().st_size:,} bytes", file=sys.stderr)
    return 0
