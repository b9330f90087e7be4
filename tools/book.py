"""Build the book with warnings as errors, and say in one line what went wrong or where it is.

``python tools/book.py [options of jupyter-book build]`` shows progress and problems; the whole output goes to
``_build/book.log``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

LOG = Path("_build/book.log")
INDEX = Path("_build/html/index.html")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
CELL = re.compile(r"^chapters/\S+\.md:\d+: cell \d+: ")
#: A warning or error of Sphinx; its text may go on over the next lines.
PROBLEM = re.compile(r"^(?:\S.*?: )?(?:WARNING|ERROR|CRITICAL|SEVERE)(?:/\d)?: ")
PROGRESS = re.compile(r"^(?:executing \d+ chapters|chapter \d+ of \d+ |updating environment: |build )")


def build(options: list[str]) -> tuple[int, list[str]]:
    """Run jupyter-book, showing its progress and problems; return its status and output."""
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", ".", "-W", "-n", "--keep-going", *options]
    lines = []
    with LOG.open("w", encoding="utf8") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf8"
        )
        assert process.stdout is not None
        for line in process.stdout:
            plain = ANSI.sub("", line).rstrip()
            print(plain, file=log, flush=True)
            lines.append(plain)
            if PROGRESS.match(plain) or PROBLEM.match(plain):
                print(plain, flush=True)
        return process.wait(), lines


def verdict(lines: list[str]) -> list[str]:
    """The lines that say what went wrong: failing cells, else warnings, else the last line."""
    cells = list(dict.fromkeys(line.strip() for line in lines if CELL.match(line.strip())))
    problems = list(dict.fromkeys(line for line in lines if PROBLEM.match(line)))
    return cells or problems or [line for line in lines if line.strip()][-1:]


def main() -> None:
    started = time.monotonic()
    LOG.parent.mkdir(exist_ok=True)
    status, lines = build(sys.argv[1:])
    seconds = time.monotonic() - started
    if status == 0:
        print(f"The book is at {INDEX} (built in {seconds:.0f} s): open file://{INDEX.resolve()}")
        return
    print(f"The build failed after {seconds:.0f} s; its whole output is in {LOG}", file=sys.stderr)
    sys.exit("\n".join(verdict(lines)))


if __name__ == "__main__":
    main()
