"""Every line, marker and letter of every figure stands out from the page in both themes."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import pytest
from built import SITE, parsed, text
from ink import faint, inks
from matplotlib.figure import Figure

from neuroscale import plotting
from neuroscale.plotting import CYCLE, themed_svg

SLIDERS = re.compile(r'<div class="slider-figure".*?(<svg .*?</svg>)', re.DOTALL)


def grounds() -> dict[str, str]:
    """The page's colour in each theme, from the theme's own style sheet."""
    sheet = (SITE / "_static/styles/pydata-sphinx-theme.css").read_text(encoding="utf8")
    found = {}
    for theme in ("light", "dark"):
        rules = re.findall(rf"html\[data-theme=\"?{theme}\"?\]\{{([^}}]*)\}}", sheet)
        (found[theme],) = {colour for rule in rules for colour in re.findall(r"--pst-color-background:([^;]+)", rule)}
    return found


def drawings(name: str) -> dict[str, str]:
    """SVG of a page: its images, and the figures with sliders."""
    pictures = [src for src in parsed(name).images if "_images/" in src and src.endswith(".svg")]
    found = {src: ((SITE / name).parent / src).read_text(encoding="utf8") for src in pictures}
    return found | {f"slider {number}": svg for number, svg in enumerate(SLIDERS.findall(text(name)))}


def test_the_grounds_are_the_books():
    sheet = (SITE / "_static/book.css").read_text(encoding="utf8")
    assert "--pst-color-background:" not in sheet  # or it would have the last word
    assert set(grounds()) == {"light", "dark"}


def test_nothing_is_faint(page_name):
    found = {name: faint(svg, grounds()) for name, svg in drawings(page_name).items()}
    assert not {name: lines for name, lines in found.items() if lines}


def test_there_are_drawings():
    assert drawings("chapters/preface.html")
    assert "slider 0" in drawings("chapters/activation/dynamics.html")


PAGE = {"light": "#ffffff", "dark": "#14181e"}


@pytest.fixture(autouse=True)
def book_style():
    with plt.rc_context():
        plotting.use()
        yield


def draw(**style):
    ax = Figure().subplots()
    ax.plot([0, 1], [0, 1], **style)
    return ax


@pytest.mark.parametrize(
    ("style", "told"),
    [
        ({"color": "black"}, "stroke #000000 at 100% in line2d: 1.18:1 in dark"),
        ({"color": "0.85"}, "stroke #d9d9d9 at 100% in line2d: 1.41:1 in light"),
        ({"color": CYCLE[0], "alpha": 0.3}, "stroke #0072b2 at 30% in line2d"),
        ({"color": CYCLE[0], "marker": "o", "markerfacecolor": "k"}, "fill #000000 at 100% in line2d"),
    ],
)
def test_a_faint_curve_is_found(style, told):
    lines = faint(themed_svg(draw(**style).figure), PAGE)
    assert any(told in line for line in lines), lines


def test_the_books_style_passes():
    assert not faint(themed_svg(draw().figure), PAGE)


def test_black_letters_are_found():
    ax = draw(color=CYCLE[0])
    ax.text(0.5, 0.5, "dark", color="black")  # matplotlib leaves the default out of the file
    assert any("fill #000000" in line for line in faint(themed_svg(ax.figure), PAGE))


def test_letters_need_more_than_lines():
    ax = draw(color=CYCLE[0])
    assert not faint(themed_svg(ax.figure), PAGE)
    ax.text(0.5, 0.5, "blue", color=CYCLE[0])
    (line,) = faint(themed_svg(ax.figure), PAGE)
    assert line.startswith("fill #0072b2 at 100% in text: 3.")


def test_a_band_may_be_pale_around_its_line_only():
    ax = draw(color=CYCLE[0])
    ax.fill_between([0, 1], [0, 1], [1, 2], alpha=0.2, color=CYCLE[0], lw=0)
    assert not faint(themed_svg(ax.figure), PAGE)
    ax.lines[0].remove()
    assert faint(themed_svg(ax.figure), PAGE)


def test_a_bitmap_is_refused():
    ax = Figure().subplots()
    ax.imshow([[0, 1]])
    with pytest.raises(ValueError, match="bitmap"):
        inks(themed_svg(ax.figure))
