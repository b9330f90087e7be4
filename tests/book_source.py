"""How the tests read the book's source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent
CHAPTERS = ROOT / "chapters"
CODE_FENCE = re.compile(r"^\s*(?:`{3,}|:{3,})\{code-cell\}", re.MULTILINE)


def documents() -> dict[str, str]:
    """Text of every chapter, by its path below ``chapters`` without suffix."""
    found = sorted(CHAPTERS.rglob("*.md"))
    return {p.relative_to(CHAPTERS).with_suffix("").as_posix(): p.read_text(encoding="utf8") for p in found}


def in_contents() -> list[str]:
    """Documents that ``_toc.yml`` lists, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))
    listed = [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]
    return [name.removeprefix("chapters/") for name in listed]


@cache
def code_cells(name: str) -> tuple[NotebookNode, ...]:
    """Code cells as the build reads them; none for a page without code."""
    text = documents()[name]
    if not is_myst_markdown_notebook(text):
        return ()
    notebook = read_myst_markdown_notebook(text, add_source_map=True, path=CHAPTERS / f"{name}.md")
    return tuple(cell for cell in notebook.cells if cell.cell_type == "code")


def cells() -> Iterator[tuple[str, int, NotebookNode]]:
    """Every code cell of the book with its chapter and number, counted from 1."""
    for name in documents():
        for number, cell in enumerate(code_cells(name), start=1):
            yield name, number, cell
