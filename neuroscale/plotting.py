"""The one figure style of the book: deterministic SVG that follows the page's colour scheme, and PDF for print."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike

__all__ = ["CYCLE", "INK", "pdf_bytes", "show_points", "slope_guide", "themed_svg", "use"]

#: Colour of text and axes on a light page.  In SVG it becomes ``currentColor``.
INK = "#1b1f24"
_INK_DARK = "#d5dae0"

#: Colours that the common colour-vision deficiencies keep apart (Okabe and Ito's, and a grey), each with a contrast
#: of at least 3:1 on white and on the theme's dark page.
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#808080")

_STYLE = f"<style>svg{{color:{INK}}}@media (prefers-color-scheme:dark){{svg{{color:{_INK_DARK}}}}}</style>"

_INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
_RC: dict[str, Any] = {
    "svg.hashsalt": "neuroscale",
    "svg.fonttype": "path",
    "figure.figsize": (5.2, 3.4),
    "font.size": 12.0,
    "axes.titlesize": "medium",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": "small",
    "lines.linewidth": 1.6,
    "errorbar.capsize": 0.0,
    "axes.prop_cycle": f"cycler('color', {list(CYCLE)})",
    **dict.fromkeys(_INKED, INK),
}


def themed_svg(figure: Figure, *, tight: bool = True) -> str:
    """Render a figure as SVG whose ink follows ``prefers-color-scheme``.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    tight : bool
        Crop to what is drawn; otherwise the view box is the figure.

    Returns
    -------
    str
        An ``<svg>`` element with a transparent ground; the same figure gives the same text.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from neuroscale.plotting import themed_svg
    >>> themed_svg(Figure())[:4]
    '<svg'
    """
    buffer = io.StringIO()
    box = _crop(figure) if tight else None
    figure.savefig(buffer, format="svg", bbox_inches=box, transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    end_of_tag = svg.index(">") + 1
    return svg[:end_of_tag] + _STYLE + svg[end_of_tag:]


def pdf_bytes(figure: Figure) -> bytes:
    """Render a figure as PDF, for the printed book.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from neuroscale.plotting import pdf_bytes
    >>> pdf_bytes(Figure())[:5]
    b'%PDF-'
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="pdf", bbox_inches=_crop(figure), metadata={"CreationDate": None})
    return buffer.getvalue()


def _crop(figure: Figure) -> Bbox:
    """What is drawn, with the usual margin: ``bbox_inches="tight"`` lays text out as paths and takes as long again."""
    figure.draw_without_rendering()
    return figure.get_tightbbox().padded(0.1)


def use() -> None:
    """Set the book's style; in a notebook, also show figures as SVG (on the page) and PDF (in print)."""
    import matplotlib.pyplot as plt

    os.environ["SOURCE_DATE_EPOCH"] = "0"  # no timestamps in SVG or PDF
    settings: Any = plt.rcParams  # its type lists every key by name
    settings.update(_RC)
    shell = _shell()
    if shell is None:
        return
    shell.run_line_magic("matplotlib", "inline")
    shell.run_line_magic("config", "InlineBackend.rc = {}")
    shell.run_line_magic("config", "InlineBackend.figure_formats = ['svg', 'pdf']")
    settings.update(_RC)  # choosing the backend has reset it
    formatters = shell.display_formatter.formatters
    formatters["image/svg+xml"].for_type(Figure, themed_svg)
    formatters["application/pdf"].for_type(Figure, pdf_bytes)


def _shell() -> Any:
    """The running IPython shell, or None outside a notebook or where IPython is not installed."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def show_points(
    ax: Axes, x: ArrayLike, mean: ArrayLike, low: ArrayLike, high: ArrayLike, **style: Any
) -> ErrorbarContainer:
    """Draw simulated values as points with their intervals.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, mean, low, high : array_like of float
        Positions, centres, and lower and upper ends of the intervals; one shape, ``low <= mean <= high``.
    **style
        Passed on to ``ax.errorbar``, for example ``label`` and ``color``.

    Returns
    -------
    matplotlib.container.ErrorbarContainer

    Raises
    ------
    ValueError
        When shapes differ or a centre lies outside its interval.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from neuroscale.plotting import show_points
    >>> ax = Figure().subplots()
    >>> points = show_points(ax, [1, 2], [3.0, 4.0], [2.5, 3.0], [3.5, 5.5], label="simulation")
    >>> points.get_label()
    'simulation'
    """
    at, centre, below, above = (np.asarray(v, dtype=float) for v in (x, mean, low, high))
    shapes = {at.shape, centre.shape, below.shape, above.shape}
    if len(shapes) != 1:
        raise ValueError(f"x, mean, low and high have shapes {sorted(shapes)}; they must be equal")
    if not np.all((below <= centre) & (centre <= above)):
        where = int(np.argmin((below <= centre) & (centre <= above)))
        raise ValueError(f"mean={float(centre.flat[where])} lies outside [{below.flat[where]}, {above.flat[where]}]")
    style = {"fmt": "o", "markersize": 4.0, "elinewidth": 1.2, **style}
    return ax.errorbar(at, centre, yerr=np.stack([centre - below, above - centre]), **style)


def slope_guide(ax: Axes, x: ArrayLike, y: float, slope: float, label: str = "") -> Line2D:
    """Draw a straight reference line of a given slope on logarithmic axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Both axes logarithmic.
    x : array_like of float
        Positive; the line runs from the smallest to the largest.
    y : float
        Height at the smallest `x`, positive.
    slope : float
        Exponent: the line is ``y * (x / min(x)) ** slope``.
    label : str
        Written above the middle of the line.

    Returns
    -------
    matplotlib.lines.Line2D

    Raises
    ------
    ValueError
        When `x` spans nothing, or `x` or `y` is not positive.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from neuroscale.plotting import slope_guide
    >>> ax = Figure().subplots()
    >>> line = slope_guide(ax, [1.0, 100.0], 1.0, -0.5, "slope $-b$")
    >>> float(line.get_ydata()[-1])
    0.1
    """
    span = np.asarray(x, dtype=float)
    first, last = float(np.min(span)), float(np.max(span))
    if not 0 < first < last:
        raise ValueError(f"x runs from {first} to {last}; it must be positive and not a single point")
    if not y > 0:
        raise ValueError(f"y={y!r} must be positive")
    heights = [y, y * (last / first) ** slope]
    (line,) = ax.plot([first, last], heights, ls="--", lw=1.0, color=INK)
    if label:
        middle = (np.sqrt(first * last), np.sqrt(heights[0] * heights[1]))
        ax.annotate(label, middle, xytext=(4, 4), textcoords="offset points", fontsize="small")
    return line
