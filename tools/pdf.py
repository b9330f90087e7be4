"""Build the book as PDF, or say in one line what is missing: ``python tools/pdf.py [options of jupyter-book build]``.

Exit status 69 (the service is unavailable, in ``sysexits.h``) means that TeX or a part of it is not installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from book import LOG, build, verdict

PDF = Path("_build/latex/neuroscale.pdf")
UNAVAILABLE = 69
PROGRAMS = ("xelatex", "latexmk", "makeindex", "kpsewhich", "make")
#: One file of each package of TeX Live that the book needs.
FILES = (
    "fontspec.sty",  # texlive-latex-recommended
    "titlesec.sty",  # texlive-latex-extra
    "tcolorbox.sty",
    "pgfplots.sty",  # texlive-pictures
    "ucharclasses.sty",  # texlive-xetex
    "FreeSerif.otf",  # fonts-freefont-otf
)
INSTALL = "README.md says what to install"
#: A line may reach this far into the margin, in points; the paper ends at 92.
MARGIN = 40.0
#: What TeX says of a letter that its face does not have; the letter is then blank in print.
ABSENT = re.compile(r"^Missing character: There is no (.+? \(U\+[0-9A-F]+\)) in font (.+)", re.MULTILINE)
OVERFULL = re.compile(r"^Overfull \\hbox \(([\d.]+)pt too wide\) (.*)$", re.MULTILINE)


def missing() -> list[str]:
    """Programs that are not on the path; when all are, files that TeX does not find."""
    programs = [name for name in PROGRAMS if shutil.which(name) is None]
    if programs:
        return programs
    found = subprocess.run(["kpsewhich", *FILES], capture_output=True, text=True, check=False).stdout
    names = {Path(line).name for line in found.splitlines()}
    return [name for name in FILES if name not in names]


def cut(log: str) -> list[str]:
    """Lines that TeX could not break and that reach far into the margin."""
    return [f"{width} pt too wide {where}" for width, where in OVERFULL.findall(log) if float(width) > MARGIN]


def blanks(log: str) -> list[str]:
    """Letters that no face has, once each; TeX breaks the name of a long face, whose beginning tells enough."""
    return list(dict.fromkeys(f"{letter} is not in {face}" for letter, face in ABSENT.findall(log)))


def main() -> None:
    absent = missing()
    if absent:
        print(f"error: make pdf needs {', '.join(absent)}, which TeX does not have here; {INSTALL}", file=sys.stderr)
        sys.exit(UNAVAILABLE)
    started = time.monotonic()
    LOG.parent.mkdir(exist_ok=True)
    PDF.unlink(missing_ok=True)
    status, lines = build(["--builder", "pdflatex", *sys.argv[1:]])
    seconds = time.monotonic() - started
    if status != 0 or not PDF.is_file():
        print(f"The PDF failed after {seconds:.0f} s; its whole output is in {LOG}", file=sys.stderr)
        sys.exit("\n".join(verdict(lines)) or 1)
    log = PDF.with_suffix(".log").read_text(encoding="utf8", errors="replace")
    wide, blank = cut(log), blanks(log)
    told = [f"{PDF} has lines that run far into the margin:", *wide] if wide else []
    told += [f"{PDF} has blanks for letters; see the end of _latex/neuroscale-print.sty:", *blank] if blank else []
    if told:
        sys.exit("\n".join(told))
    print(f"The book is at {PDF} (built in {seconds:.0f} s)")


if __name__ == "__main__":
    main()
