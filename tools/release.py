"""Check that a version can be released, and build its files: ``python tools/release.py``.

The files are in ``_build/release``: the pages, the notebooks and, where ``make pdf`` has written it, the PDF; the
package as sdist and wheel; and ``SHA256SUMS``.  All carry the time of the commit, so that two runs agree.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import yaml

STATUS = Path("_build/html/chapters/status.html")
PDF = Path("_build/latex/neuroscale.pdf")
TARGET = Path("_build/release")


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def version(root: Path) -> str:
    """Version of the package, read without importing it."""
    text = (root / "neuroscale" / "__init__.py").read_text(encoding="utf8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if not found:
        sys.exit("error: neuroscale/__init__.py has no __version__")
    return found.group(1)


def problems(root: Path) -> list[str]:
    """What stands in the way of a release, each in one line; empty when nothing does."""
    found = []
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        found.append(f"{len(changed)} files are not committed, the first is {changed[0].split()[-1]}")
    wanted = version(root)
    log = (root / "CHANGELOG.md").read_text(encoding="utf8")
    headings = re.findall(r"^## (.+)$", log, re.MULTILINE)
    if not headings or not re.fullmatch(rf"{re.escape(wanted)} - \d{{4}}-\d\d-\d\d", headings[0]):
        top = headings[0] if headings else "nothing"
        found.append(f"CHANGELOG.md begins with '## {top}', not with '## {wanted} - YYYY-MM-DD'")
    cited = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf8"))
    if str(cited.get("version")) != wanted:
        found.append(f"CITATION.cff has version {cited.get('version')}, the package {wanted}")
    if headings and " - " in headings[0] and str(cited.get("date-released")) != headings[0].split(" - ")[1]:
        found.append(
            f"CITATION.cff has date-released {cited.get('date-released')}, CHANGELOG.md {headings[0].split(' - ')[1]}"
        )
    status = root / STATUS
    commit = git(root, "describe", "--always", "--abbrev=12")
    if not status.is_file():
        found.append("the book is not built: run `make book`")
    elif commit not in status.read_text(encoding="utf8"):
        found.append(f"the book is not built from {commit}: run `make book`")
    elif (root / PDF).is_file() and (root / PDF).stat().st_mtime < status.stat().st_mtime:
        found.append("the PDF is older than the pages: run `make pdf`, or remove it")
    return found


def archive(folder: Path, target: Path, time: int) -> None:
    """Pack a folder so that the same files give the same bytes."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mtime, info.uid, info.gid, info.uname, info.gname = time, 0, 0, "", ""
        info.mode = 0o755 if info.isdir() else 0o644
        return info

    name = target.name.removesuffix(".tar.gz")
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, mtime=time) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            tar.add(path, f"{name}/{path.relative_to(folder).as_posix()}", recursive=False, filter=plain)


def distributions(root: Path, target: Path) -> None:
    """Sdist and wheel, by the project's own build backend."""
    code = "import sys; from flit_core.buildapi import build_sdist, build_wheel; "
    code += "build_wheel(sys.argv[1]); build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(target.resolve())], cwd=root, check=True)


def checksums(folder: Path) -> str:
    """Lines that ``sha256sum --check`` reads."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def build(root: Path) -> list[Path]:
    """Write the files of the release; return them."""
    time = int(git(root, "log", "-1", "--format=%ct"))
    os.environ["SOURCE_DATE_EPOCH"] = str(time)  # for the wheel and the sdist
    target, name = root / TARGET, f"neuroscale-{version(root)}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for folder, suffix in (("html", "html"), ("notebooks", "notebooks")):
        if (root / "_build" / folder).is_dir():
            archive(root / "_build" / folder, target / f"{name}-{suffix}.tar.gz", time)
    if (root / PDF).is_file():
        shutil.copyfile(root / PDF, target / f"{name}.pdf")
    distributions(root, target)
    (target / "SHA256SUMS").write_text(checksums(target), encoding="utf8")
    return sorted(target.iterdir())


def main() -> None:
    root = Path()
    found = problems(root)
    if found:
        sys.exit("\n".join(f"error: {line}" for line in found))
    for path in build(root):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
