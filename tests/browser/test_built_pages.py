"""Every page of the built book in a browser: offline, in both themes, on a narrow screen, for everybody."""

from __future__ import annotations

import pytest
from built import SITE, local, pages, parsed, text
from visit import DESKTOP, axe, contrasts, open_page

#: Bytes of a page: its HTML and the images it shows.  Style sheets, scripts and fonts are the same for all pages.
PAGE_WEIGHT = 1_500_000
SHARED_WEIGHT = 6_000_000


def test_there_are_pages():
    assert len(pages()) > 30, f"{SITE} has the pages {pages()}"


def test_nothing_leaves_the_disk(visit):
    assert not visit.requests


def test_the_console_is_silent(visit):
    assert not visit.complaints


def test_no_raw_tex(visit):
    assert not visit.raw_tex


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


def test_weight(page_name):
    images = {found[0] for src in parsed(page_name).images if (found := local(page_name, src))}
    total = len(text(page_name).encode()) + sum(path.stat().st_size for path in images)
    assert total < PAGE_WEIGHT


def test_weight_of_what_all_pages_share():
    seen = set()
    for name in pages():
        shared = {found[0] for src in parsed(name).files if (found := local(name, src))}
        seen |= {path for path in shared if path.suffix in (".js", ".css")}
    assert sum(path.stat().st_size for path in seen) < SHARED_WEIGHT


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
