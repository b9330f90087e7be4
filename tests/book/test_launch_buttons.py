"""Where the buttons of a chapter lead."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import jupytext
import launch_buttons
import nbformat
import pytest
from book_source import ROOT
from nbclient import NotebookClient

import neuroscale

sys.path.insert(0, str(ROOT / "tools"))
import notebooks

REPOSITORY = "https://github.com/owner/name"


def test_both_open_the_release_of_the_page():
    found = launch_buttons.addresses(REPOSITORY, "1.2.3", "chapters/part/page")
    assert found == {
        "Colab": "https://colab.research.google.com/github/owner/name/blob/notebooks/v1.2.3/part/page.ipynb",
        "Binder": "https://mybinder.org/v2/gh/owner/name/v1.2.3?urlpath=lab/tree/chapters/part/page.md",
    }


CHAPTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

```{code-cell} ipython3
from myst_nb import glue
glue("x", 41 + 1)
```
"""


def test_notebooks_begin_with_the_installation_and_lie_where_the_buttons_point(tmp_path, monkeypatch):
    page = tmp_path / "chapters/part/page.md"
    page.parent.mkdir(parents=True)
    page.write_text(CHAPTER, encoding="utf8")
    (tmp_path / "chapters/bare.md").write_text("# No code\n", encoding="utf8")
    monkeypatch.chdir(tmp_path)
    notebooks.main("out")
    assert [p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.ipynb")] == [
        "part/page.ipynb"
    ]
    notebook = nbformat.read(tmp_path / "out/part/page.ipynb", as_version=4)
    nbformat.validate(notebook)
    first = notebook.cells[0]
    assert first.cell_type == "code"
    assert f"@v{neuroscale.__version__}" in first.source
    assert jupytext.reads(CHAPTER, "md:myst").cells[-1].source == notebook.cells[-1].source


def test_the_first_cell_stands_in_for_the_builder(tmp_path, monkeypatch):
    page = tmp_path / "chapters/page.md"
    page.parent.mkdir()
    page.write_text(CHAPTER, encoding="utf8")
    monkeypatch.chdir(tmp_path)
    notebooks.main("out")
    notebook = nbformat.read(tmp_path / "out/page.ipynb", as_version=4)
    # as if myst-nb were not installed
    notebook.cells[0].source = notebook.cells[0].source.replace('find_spec("myst_nb")', 'find_spec("no_such_module")')
    NotebookClient(notebook, timeout=60).execute()
    assert notebook.cells[-1].outputs[0]["text"] == "x = 42\n"


@pytest.fixture
def published(tmp_path):
    """A checkout with notebooks, and the repository that it pushes to."""
    who = {f"GIT_{role}_{what}": "nobody@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}

    def run(*command):
        done = subprocess.run(
            command, cwd=tmp_path / "work", env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    work = tmp_path / "work"
    for name in ("tools/publish_notebooks.sh", "neuroscale/__init__.py"):
        (work / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, work / name)
    (work / "_build/notebooks/part").mkdir(parents=True)
    (work / "_build/notebooks/part/page.ipynb").write_text("{}", encoding="utf8")
    (work / ".gitignore").write_text("_build/\n", encoding="utf8")
    run("git", "init", "-q", "--bare", str(tmp_path / "origin"))
    run("git", "init", "-q")
    run("git", "remote", "add", "origin", str(tmp_path / "origin"))
    run("git", "add", "-A")
    run("git", "commit", "-q", "-m", "All")
    return run


def test_publishing_keeps_the_notebooks_of_every_version(published):
    version = neuroscale.__version__
    assert "published" in published("tools/publish_notebooks.sh")
    assert "there already" in published("tools/publish_notebooks.sh")
    published("sed", "-i.old", f"s/{version}/99.0/", "neuroscale/__init__.py")
    assert "published the notebooks of v99.0" in published("tools/publish_notebooks.sh")
    published("git", "fetch", "-q", "origin", "notebooks")
    listed = published("git", "ls-tree", "-r", "--name-only", "FETCH_HEAD").splitlines()
    assert listed == sorted([f"v{version}/part/page.ipynb", "v99.0/part/page.ipynb"])
    # where the button of this version points
    colab = launch_buttons.addresses(REPOSITORY, version, "chapters/part/page")["Colab"]
    assert colab.partition("/blob/notebooks/")[2] in listed
