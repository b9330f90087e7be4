"""Downloaded notebooks run where only the package is installed.  `make test-notebooks` runs this; it needs an index."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from book_source import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import notebooks

RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
print(sum(len(cell.get("outputs", [])) for cell in notebook.cells))
"""


def _run(command, **settings):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **settings)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def environment():
    """Variables without a trace of this checkout."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "NUMBA", "JUPYTER"))}


@pytest.fixture(scope="module")
def bare(tmp_path_factory, environment):
    """Python of a new environment: the wheel of the package with its dependencies, and what runs a notebook."""
    folder = tmp_path_factory.mktemp("bare")
    build = "import sys; from flit_core.buildapi import build_wheel; print(build_wheel(sys.argv[1]))"
    wheel = folder / _run([sys.executable, "-c", build, folder], cwd=ROOT).split()[-1]
    # the locked versions, so that the notebooks meet what the book was built with
    lock = (ROOT / "requirements.lock").read_text(encoding="utf8")
    pins = re.findall(r"^([\w.-]+==[^\s;\\]+(?: ; [^\\\n]+)?)", lock, re.MULTILINE)
    (folder / "constraints.txt").write_text("\n".join(pins) + "\n", encoding="utf8")
    _run([sys.executable, "-m", "venv", folder / "env"], env=environment)
    python = folder / "env/bin/python"
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", folder / "constraints.txt"]
    _run([*install, wheel, "ipykernel", "nbclient"], env=environment)
    return python


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    before = os.getcwd()
    os.chdir(ROOT)
    try:
        notebooks.main(str(folder))
    finally:
        os.chdir(before)
    return folder


def test_the_environment_is_bare(bare, environment, tmp_path):
    code = "import importlib.util as u; print([n for n in ('myst_nb', 'sphinx', 'jupytext') if u.find_spec(n)])"
    assert _run([bare, "-c", code], env=environment, cwd=tmp_path).strip() == "[]"
    where = _run([bare, "-c", "import neuroscale; print(neuroscale.__file__)"], env=environment, cwd=tmp_path)
    assert str(ROOT) not in where


@pytest.mark.parametrize("name", ["activation/dynamics", "percolation/clusters"])
def test_a_notebook_runs(name, bare, environment, written, tmp_path):
    outputs = _run([bare, "-c", RUN, written / f"{name}.ipynb"], env=environment, cwd=tmp_path)
    assert int(outputs) > 5
