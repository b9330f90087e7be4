"""Every page with code offers its executed notebook, and opens on Colab and on Binder."""

from __future__ import annotations

import launch_buttons
import nbformat
import pytest
import yaml
from built import ROOT, SITE, chapters, local, pages, parsed, with_code

import neuroscale

REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))["repository"]["url"]


def notebooks(name: str) -> list[str]:
    return [link for link in parsed(name).links if link.endswith(".ipynb") and local(name, link)]


def test_every_chapter_has_code():
    assert set(chapters()) < set(with_code())


@pytest.mark.parametrize("name", with_code())
def test_the_notebook_is_there_and_executed(name):
    (link,) = notebooks(name)
    path, _ = local(name, link)
    assert path == SITE / "_sources" / name.replace(".html", ".ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    first, *cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    assert f"@v{neuroscale.__version__}" in first.source
    assert all(cell.execution_count for cell in cells if cell.source.strip())


@pytest.mark.parametrize("name", with_code())
def test_colab_and_binder_open_the_page(name):
    wanted = launch_buttons.addresses(REPOSITORY, neuroscale.__version__, name.removesuffix(".html"))
    assert set(wanted) == {"Colab", "Binder"}
    assert set(wanted.values()) <= set(parsed(name).links)


def test_pages_without_code_offer_none():
    others = [name for name in pages() if name not in with_code()]
    assert {"chapters/api.html", "chapters/ledger.html"} <= set(others)
    for name in others:
        assert not notebooks(name)
        assert not [link for link in parsed(name).links if "colab.research" in link or "mybinder" in link]
