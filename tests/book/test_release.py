"""What keeps a version from being released, and that two builds of a release agree."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile

import pytest
import yaml
from book_source import ROOT
from projects import write

sys.path.insert(0, str(ROOT / "tools"))
import release

CITATION = 'title: Neuroscale\nversion: 1.2.3\ndate-released: "2026-05-04"\n'
FILES = {
    "neuroscale/__init__.py": '"""A package."""\n\n__version__ = "1.2.3"\n',
    "CHANGELOG.md": "# Changelog\n\n## 1.2.3 - 2026-05-04\n\n### Added\n\n- All.\n\n## 1.2.2 - 2026-01-01\n",
    "CITATION.cff": CITATION,
    "README.md": "# Read\n",
    "LICENSE": "Free.\n",
    ".gitignore": "_build/\n",
    "pyproject.toml": (ROOT / "pyproject.toml").read_text(encoding="utf8"),
}


def git(root, *arguments):
    told = {f"GIT_{who}_{what}": "nobody@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **told, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "-C", str(root), *arguments], check=True, env=environment, capture_output=True)


def commit(root):
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "A change")
    stamp = release.git(root, "describe", "--always", "--abbrev=12")
    write(root, {release.STATUS.as_posix(): f"<p>Built from commit <code>{stamp}</code>.</p>"})


@pytest.fixture
def project(tmp_path):
    write(tmp_path, FILES)
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def test_nothing_stands_in_the_way(project):
    assert release.problems(project) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        (
            "neuroscale/__init__.py",
            "1.2.3",
            "1.2.4",
            "CHANGELOG.md begins with '## 1.2.3 - 2026-05-04', not with '## 1.2.4",
        ),
        ("CHANGELOG.md", "1.2.3 - 2026-05-04", "Unreleased", "CHANGELOG.md begins with '## Unreleased'"),
        ("CHANGELOG.md", "05-04", "05-05", "CITATION.cff has date-released 2026-05-04, CHANGELOG.md 2026-05-05"),
        ("CITATION.cff", "1.2.3", "1.2.2", "CITATION.cff has version 1.2.2, the package 1.2.3"),
    ],
)
def test_versions_and_dates_agree(project, name, old, new, problem):
    write(project, {name: FILES[name].replace(old, new, 1)})
    commit(project)
    assert any(line.startswith(problem) for line in release.problems(project)), release.problems(project)


def test_everything_is_committed(project):
    write(project, {"new.py": "x = 1\n"})
    assert release.problems(project) == ["1 files are not committed, the first is new.py"]


def test_the_book_is_built_from_this_commit(project):
    (project / release.STATUS).write_text("<p>commit 0123456789ab</p>", encoding="utf8")
    (problem,) = release.problems(project)
    assert "make book" in problem
    (project / release.STATUS).unlink()
    assert release.problems(project) == ["the book is not built: run `make book`"]


def test_an_old_pdf_is_refused(project):
    write(project, {release.PDF.as_posix(): "%PDF"})
    assert release.problems(project) == []
    made = (project / release.STATUS).stat().st_mtime
    os.utime(project / release.PDF, (made - 1, made - 1))
    assert release.problems(project) == ["the PDF is older than the pages: run `make pdf`, or remove it"]


def test_another_pdf_is_not_taken(project):
    write(project, {"_build/old/neuroscale.pdf": "%PDF"})
    assert not [path for path in release.build(project) if path.suffix == ".pdf"]


def test_publishing_makes_the_pdf_between_the_pages_and_the_release():
    workflow = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text(encoding="utf8"))
    steps = [step.get("run", "") for step in workflow["jobs"]["publish"]["steps"]]
    order = [steps.index(f"make {target}") for target in ("book", "pdf", "release")]
    assert order == sorted(order)
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    (packages,) = re.findall(r"`apt-get install ([^`]*texlive[^`]*)`", readme)
    (installed,) = (step.replace("\\\n", "") for step in steps[: order[1]] if "texlive" in step)
    assert installed.split("install -qq -y")[1].split() == packages.split()


def test_two_builds_agree_and_the_sums_are_right(project):
    write(project, {"_build/html/index.html": "<p>Page</p>", "_build/latex/neuroscale.pdf": "%PDF"})
    first = {path.name: path.read_bytes() for path in release.build(project)}
    os.utime(project / "_build/html/index.html", (1, 1))
    second = {path.name: path.read_bytes() for path in release.build(project)}
    assert first == second
    assert sorted(first) == [
        "SHA256SUMS",
        "neuroscale-1.2.3-html.tar.gz",
        "neuroscale-1.2.3-py3-none-any.whl",
        "neuroscale-1.2.3.pdf",
        "neuroscale-1.2.3.tar.gz",
    ]
    for line in first["SHA256SUMS"].decode().splitlines():
        total, name = line.split("  ")
        assert hashlib.sha256(first[name]).hexdigest() == total
    with tarfile.open(project / release.TARGET / "neuroscale-1.2.3-html.tar.gz") as tar:
        assert "neuroscale-1.2.3-html/index.html" in tar.getnames()
