"""Every page of the built book in a browser: offline, in both themes, on a narrow screen, for everybody."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import pytest
from built import SITE, pages
from visit import DESKTOP, axe, contrasts, open_page

#: Bytes of everything that a page loads, scripts and fonts too, compressed as a web server sends it.
PAGE_WEIGHT = 1_500_000
COMPRESSED = (".css", ".html", ".js", ".json", ".svg")


def test_there_are_pages():
    assert len(pages()) > 30, f"{SITE} has the pages {pages()}"


def test_nothing_leaves_the_disk(visit):
    assert not visit.requests


def test_the_console_is_silent(visit):
    assert not visit.complaints


def test_no_raw_tex(visit):
    assert not visit.raw_tex


def test_every_icon_is_drawn(visit):
    assert not visit.missing_icons


def test_nothing_is_wider_than_the_window(visit):
    assert not visit.too_wide


def test_the_button_sets_the_theme(visit):
    assert visit.themes == ["light", "dark"]


def test_figures_are_legible_in_both_themes(visit):
    # 4.5:1 as for text: a figure's ink is its letters and axes
    faint = {name: told for name, told in visit.figures.items() if len(told) < 2 or min(told.values()) < 4.5}
    assert not faint


def test_wcag_aa(visit):
    assert not visit.violations, "\n".join(visit.violations)


def test_readable_without_javascript(visit):
    assert not visit.unseen


@cache
def weight(path: Path) -> int:
    content = path.read_bytes()
    return len(gzip.compress(content) if path.suffix in COMPRESSED else content)


def test_weight(visit):
    assert {path.suffix for path in visit.loaded} >= {".html", ".js", ".css"}
    assert sum(map(weight, visit.loaded)) < PAGE_WEIGHT


#: The preface and one page of each part: axe-core looks at every node of a formula, so that these have the fewest.
TYPESET = (
    "chapters/preface.html",
    "chapters/activation/introduction.html",
    "chapters/percolation/experiment.html",
    "chapters/action/saddle.html",
    "chapters/evidence/compressibility.html",
)


@pytest.mark.parametrize("name", TYPESET)
def test_typeset_mathematics(browser, name):
    """What MathJax adds passes too, and has the colour of the text around it."""
    context = browser.new_context(viewport=DESKTOP, offline=True, color_scheme="dark")
    page = open_page(context, name)
    assert page.locator("mjx-container").count() > 3
    assert not axe(page, "typeset") + contrasts(page, "typeset")
    assert page.evaluate(
        """[...document.querySelectorAll("mjx-container")].every(
             box => getComputedStyle(box).color === getComputedStyle(box.parentElement).color)"""
    )
    context.close()
