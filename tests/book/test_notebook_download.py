"""Each page with code offers its executed notebook."""

from __future__ import annotations

import nbformat
import pytest
from projects import HEADER, build, write

INDEX = "# Contents\n\n```{toctree}\nchapters/code\nchapters/plain\n```\n"
CELL = "```{code-cell} ipython3\n6 * 7\n```\n"
#: The theme passes its variable to a template of its own; here it is all that a page shows.
TEMPLATE = "offered: {{ ipynb_source|default('nothing') }}\n"
FILES = {
    "index.md": INDEX,
    "chapters/code.md": f"{HEADER}# Code\n\n{CELL}",
    "chapters/plain.md": "# Plain\n",
    "_templates/page.html": TEMPLATE,
}


def offered(root, mode):
    """What each page offers after a build, without warnings, in a mode of execution."""
    settings = {"nb_execution_mode": mode, "templates_path": ["_templates"], "html_theme": "basic"}
    assert build(root, ["notebook_download"], **settings)[1] == ""
    names = ("index", "chapters/code", "chapters/plain")
    return {name: (root / f"_build/html/{name}.html").read_text("utf8").removeprefix("offered: ") for name in names}


@pytest.mark.parametrize(("mode", "answers"), [("cache", ["42"]), ("off", [])])
def test_pages_with_code_offer_their_notebook_and_no_others(tmp_path, mode, answers):
    write(tmp_path, FILES)
    assert offered(tmp_path, mode) == {
        "index": "nothing",
        "chapters/code": "chapters/code.ipynb",
        "chapters/plain": "nothing",
    }
    folder = tmp_path / "_build/html/_sources"
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.ipynb")] == ["chapters/code.ipynb"]
    notebook = nbformat.read(folder / "chapters/code.ipynb", as_version=4)
    nbformat.validate(notebook)
    first, cell = (found for found in notebook.cells if found.cell_type == "code")
    assert "%pip install" in first.source
    assert cell.source == "6 * 7"
    assert [output["data"]["text/plain"] for output in cell.outputs] == answers
    assert [found["id"] for found in notebook.cells] == [f"cell-{number}" for number in range(len(notebook.cells))]


def test_print_has_none(tmp_path):
    write(tmp_path, FILES)
    build(tmp_path, ["notebook_download"], builder="latex", nb_execution_mode="off")
    assert not list(tmp_path.glob("_build/latex/**/*.ipynb"))
