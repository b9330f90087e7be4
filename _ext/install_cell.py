"""The first cell of every notebook that leaves the book: what a bare environment lacks.

``neuroscale`` is installed where it is missing, for example on Colab.  The chapters hand numbers to their prose by
``myst_nb.glue``; where the book's builder is not installed, a stand-in shows the number instead.
"""

from __future__ import annotations

from nbformat import NotebookNode, v4

REPOSITORY = "https://github.com/neuroscale-book/neuroscale"
SOURCE = """\
# Run this cell first: it installs what is missing, for example on Colab.
import importlib.util
import sys
import types

if importlib.util.find_spec("neuroscale") is None:
    %pip install --quiet "neuroscale @ git+{repository}@v{version}"

if importlib.util.find_spec("myst_nb") is None:

    def glue(name, value, display=True):
        if display:
            print(f"{{name}} = {{value}}")

    sys.modules["myst_nb"] = types.ModuleType("myst_nb")
    sys.modules["myst_nb"].glue = glue"""


def prepend(notebook: NotebookNode) -> NotebookNode:
    """Put the cell first, and name all cells by their numbers: the reader's names are random, and builds must agree."""
    import neuroscale  # late: fresh_execution puts the package on the path

    source = SOURCE.format(repository=REPOSITORY, version=neuroscale.__version__)
    notebook.cells.insert(0, v4.new_code_cell(source, metadata={"tags": ["hide-input"]}))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook
