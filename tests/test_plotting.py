"""The figure style: legible on both grounds, and the same figure every time."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from neuroscale import plotting

GROUNDS = {"light": "#ffffff", "dark": "#14181e"}


def luminance(colour):
    """Relative luminance, WCAG 2.1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.fixture
def figure():
    with plt.rc_context():
        plotting.use()
        fig, ax = plt.subplots()
        ax.loglog([1, 10, 100], [1, 0.3, 0.1], label="$K(D)$")
        ax.legend()
        yield fig
        plt.close(fig)


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("colour", plotting.CYCLE)
def test_lines_stand_out(colour, ground):
    assert contrast(colour, ground) >= 3  # WCAG 2.1, graphical objects


def test_svg_follows_the_scheme_and_is_reproducible(figure):
    svg = plotting.themed_svg(figure)
    assert plotting.INK not in svg.replace(svg[svg.index("<style>") : svg.index("</style>")], "")
    assert "prefers-color-scheme:dark" in svg
    assert svg == plotting.themed_svg(figure)


def test_pdf_is_reproducible(figure):
    assert plotting.pdf_bytes(figure) == plotting.pdf_bytes(figure)


def test_points_show_their_intervals():
    ax = Figure().subplots()
    _, _, (bars,) = plotting.show_points(ax, [1, 2], [3.0, 4.0], [2.0, 3.5], [5.0, 4.5])
    assert [tuple(bar[:, 1]) for bar in bars.get_segments()] == [(2.0, 5.0), (3.5, 4.5)]


def test_points_refuse_what_is_no_interval():
    ax = Figure().subplots()
    with pytest.raises(ValueError, match=r"mean=9\.0 lies outside \[2\.0, 5\.0\]"):
        plotting.show_points(ax, [1], [9.0], [2.0], [5.0])
    with pytest.raises(ValueError, match="shapes"):
        plotting.show_points(ax, [1, 2], [3.0], [2.0], [5.0])


def test_guide_has_its_slope():
    ax = Figure().subplots()
    x, y = plotting.slope_guide(ax, [100, 2, 30], 5.0, -1.5, "slope $-3/2$").get_data()
    assert np.diff(np.log(y)) / np.diff(np.log(x)) == pytest.approx(-1.5, rel=1e-12)
    assert (x[0], y[0]) == (2.0, 5.0)


@pytest.mark.parametrize(("x", "y"), [([0, 1], 1.0), ([3, 3], 1.0), ([1, 2], 0.0)])
def test_guide_refuses(x, y):
    with pytest.raises(ValueError, match="must be positive"):
        plotting.slope_guide(Figure().subplots(), x, y, 1.0)
