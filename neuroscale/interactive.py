"""Figures with sliders that need no kernel, no network and no library.

Python computes every frame when the chapter runs.  The page carries the values as JSON, and a script of twenty lines
that turns the frame in force into the ``d`` of a path; without the script, and in print, the first frame is an
ordinary figure.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import _validation as valid
from .plotting import pdf_bytes, themed_svg

__all__ = ["Slider", "SliderFigure"]

#: Significant digits of the embedded values: far below a pixel, and less than half the bytes of a full float.
DIGITS = 6
#: Those of the positions, of which each curve has one set: counts of samples stay whole.
X_DIGITS = 12

_SCRIPT = """(() => {
  const root = document.getElementById(%s), all = query => [...root.querySelectorAll(query)];
  const data = JSON.parse(root.querySelector(".slider-data").textContent);
  const inputs = all("input"), marks = all(".slider-value"), message = root.querySelector("output");
  const far = 1e4;  // drawing programs round larger coordinates
  const place = (axis, v) => Math.min(far, Math.max(-far,
    axis.offset + axis.factor * (axis.scale === "log" ? Math.log10(v) : v)));
  const path = (xs, ys) => xs.map((x, i) => ys[i] === null ? "" :
    (i && ys[i - 1] !== null ? "L" : "M") +
    place(data.axes.x, x).toFixed(2) + " " + place(data.axes.y, ys[i]).toFixed(2)).join("");
  const show = () => {
    let frame = 0;
    inputs.forEach((input, i) => {
      const texts = data.sliders[i].texts, text = texts[+input.value];
      frame = frame * texts.length + +input.value;
      input.setAttribute("aria-valuetext", text);
      marks[i].textContent = text;
    });
    data.curves.forEach((curve, i) =>
      root.querySelector(".slider-curve-" + i + " path").setAttribute("d", path(curve.x, curve.y[frame])));
    if (message) message.textContent = data.messages[frame];
    root.dataset.frame = frame;
  };
  inputs.forEach(input => input.addEventListener("input", show));
  root.querySelector(".slider-controls").hidden = false;
  show();
})();"""


def _general(value: float) -> str:
    """Write a number with six digits at most."""
    return f"{value:g}"


@dataclass(frozen=True)
class Slider:
    """One slider: a parameter and the values that it takes.

    Parameters
    ----------
    name : str
        Label beside the slider, in plain text, for example ``"Shape b"``.
    values : sequence of float
        At least two positions, in order.
    start : int
        Index of the first position shown; from 0 to ``len(values) - 1``.
    text : callable
        Maps a value to what the page shows and a screen reader says.

    Raises
    ------
    ValueError
        When there are fewer than two values or `start` is none of their indices.

    Examples
    --------
    >>> from neuroscale.interactive import Slider
    >>> Slider("Shape b", [0.5, 1.0], start=1).texts
    ['0.5', '1']
    """

    name: str
    values: Sequence[float]
    start: int = 0
    text: Callable[[float], str] = _general

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise ValueError(f"values has {len(self.values)} positions; a slider needs at least 2")
        valid.integer("start", self.start, low=0, high=len(self.values) - 1)

    @property
    def texts(self) -> list[str]:
        """What each position is called."""
        return [self.text(value) for value in self.values]


class SliderFigure:
    """Move curves of a finished figure by sliders; the last expression of a cell shows it.

    Parameters
    ----------
    lines : sequence of matplotlib.lines.Line2D
        The curves that move, without markers, in one pair of linear or logarithmic axes.
        Their x values and the limits of the axes stay.
    sliders : sequence of Slider
        One or more; a frame is computed for each combination of their values.
    heights : callable
        Maps one value of each slider to the y values of all lines: a sequence of arrays, each as long as the
        line's x values.
        A curve is interrupted where a height is not finite, or not positive on a logarithmic axis.
    alt : str
        Describes the figure, and what moving the sliders shows, to readers who do not see it.
    message : callable, optional
        Maps one value of each slider to a sentence below the figure.

    Raises
    ------
    ValueError
        When there are no lines or sliders, a line has markers or axes of another scale, or the heights do not
        match the lines.

    Notes
    -----
    The element ``.slider-data`` holds ``sliders`` (``name``, ``values``, ``texts``), ``curves`` (``label``, ``x``,
    and ``y`` with one list a frame), ``messages`` and ``axes``; frames are in row-major order, the last slider
    fastest.  A value ``v`` is drawn at ``offset + factor * v``, or ``log10(v)`` for it, in the units of the view box,
    but never farther out than 10000.

    Time and size are proportional to the number of frames times the number of points.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from neuroscale.interactive import Slider, SliderFigure
    >>> x = np.linspace(0, 1, 20)
    >>> (line,) = Figure().subplots().plot(x, x)
    >>> shown = SliderFigure([line], [Slider("Power n", [1, 2, 3])], lambda n: [x**n], alt="Powers on [0, 1].")
    >>> shown.data["curves"][0]["y"][2][-1]
    1.0
    """

    def __init__(
        self,
        lines: Sequence[Line2D],
        sliders: Sequence[Slider],
        heights: Callable[..., Sequence[Any]],
        *,
        alt: str,
        message: Callable[..., str] | None = None,
    ) -> None:
        if not lines or not sliders:
            raise ValueError(f"{len(lines)} lines and {len(sliders)} sliders; at least one of each is needed")
        self.lines, self.sliders, self.alt = list(lines), list(sliders), alt
        self.figure = _common_figure(self.lines)
        self.figure.set_dpi(72)  # the unit of the SVG backend
        if self.figure.get_layout_engine() is None:
            self.figure.set_layout_engine("constrained")  # the view box is not cropped, so that all must fit in it
        self.figure.draw_without_rendering()  # the engine moves the axes when it draws
        self.figure.set_layout_engine("none")
        axes = self.lines[0].axes
        assert axes is not None
        logarithmic = axes.get_yscale() == "log"
        frames = list(itertools.product(*(slider.values for slider in self.sliders)))
        curves = [_check(heights(*frame), self.lines) for frame in frames]
        self.start = 0
        for slider in self.sliders:
            self.start = self.start * len(slider.values) + slider.start
        for line, height in zip(self.lines, curves[self.start], strict=True):
            line.set_ydata(np.where(height > 0, height, np.nan) if logarithmic else height)
        #: What the page embeds as JSON.
        self.data: dict[str, Any] = {
            "sliders": [{"name": s.name, "values": [float(v) for v in s.values], "texts": s.texts} for s in sliders],
            "curves": [
                {
                    "label": str(line.get_label()),
                    "x": _short(np.asarray(line.get_xdata(), dtype=float), X_DIGITS),
                    "y": [_short(curve[number], DIGITS, positive=logarithmic) for curve in curves],
                }
                for number, line in enumerate(self.lines)
            ],
            "messages": [message(*frame) for frame in frames] if message else [],
            "axes": {"x": _placement(axes.xaxis, "x"), "y": _placement(axes.yaxis, "y")},
        }

    def html(self) -> str:
        """The figure as an element of a page: drawing, sliders, data and script."""
        for number, line in enumerate(self.lines):
            line.set_gid(f"slider-curve-{number}")
        svg = themed_svg(self.figure, tight=False)
        data = json.dumps(self.data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
        uid = "slider-" + hashlib.sha256((svg + data).encode()).hexdigest()[:10]
        # a style sheet inside an inline drawing holds for the whole page: one goes, the other is confined
        svg = re.sub(r"<style>svg\{.*?</style>", "", svg, count=1)
        svg = svg.replace('<style type="text/css">*{', f'<style type="text/css">#{uid} svg *{{')
        svg = re.sub(r'\bid="slider-curve-(\d+)"', r'class="slider-curve-\1"', svg)
        svg = _compact(svg, f"{uid}-")
        name = f'role="img" aria-label="{escape(self.alt)}" style="max-width:100%;height:auto"'
        svg = svg.replace("<svg ", f"<svg {name} ", 1)
        controls = "".join(
            f'<label><span>{escape(slider.name)}</span> <input type="range" min="0" max="{len(slider.values) - 1}"'
            f' step="1" value="{slider.start}" aria-valuetext="{escape(slider.texts[slider.start])}">'
            f' <span class="slider-value" aria-hidden="true">{escape(slider.texts[slider.start])}</span></label>'
            for slider in self.sliders
        )
        messages = self.data["messages"]
        sentence = f"<output>{escape(messages[self.start])}</output>" if messages else ""
        return (
            f'<div class="slider-figure" id="{uid}" data-frame="{self.start}">{svg}'
            f'<div class="slider-controls" hidden>{controls}</div>{sentence}'
            f'<script type="application/json" class="slider-data">{data}</script>'
            f"<script>{_SCRIPT % json.dumps(uid)}</script></div>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """HTML for the page and a notebook, PDF for print."""
        import matplotlib.pyplot as plt

        page, pdf = self.html(), base64.b64encode(pdf_bytes(self.figure)).decode()
        plt.close(self.figure)  # or the inline backend shows it a second time
        names = ", ".join(slider.name for slider in self.sliders)
        return {"text/html": page, "application/pdf": pdf, "text/plain": f"<figure with sliders: {names}>"}


def _compact(svg: str, prefix: str) -> str:
    """The drawing without comments, indentation and names that nothing refers to; the others get a prefix."""
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s+", " ", svg).replace("> <", "><").replace(' "', '"')
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", svg)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", svg)


def _common_figure(lines: Sequence[Line2D]) -> Figure:
    """The figure of all lines, after checking that the page can draw them."""
    axes = lines[0].axes
    for line in lines:
        if line.axes is None or line.axes is not axes:
            raise ValueError("lines must belong to one pair of axes")
        if line.get_marker() not in ("None", "none", "", " ", None):
            raise ValueError(f"marker={line.get_marker()!r}; a moving line must have none")
    assert axes is not None
    for scale in (axes.get_xscale(), axes.get_yscale()):
        if scale not in ("linear", "log"):
            raise ValueError(f"scale={scale!r} must be 'linear' or 'log'")
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def _check(heights: Sequence[Any], lines: Sequence[Line2D]) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    found = [np.asarray(height, dtype=float) for height in heights]
    wanted = [np.shape(line.get_xdata()) for line in lines]
    if [height.shape for height in found] != wanted:
        raise ValueError(f"heights have shapes {[h.shape for h in found]}; the lines need {wanted}")
    return found


def _short(values: np.ndarray[Any, np.dtype[np.float64]], digits: int, *, positive: bool = False) -> list[float | None]:
    """Rounded values; None where the curve is interrupted."""
    drawn = np.isfinite(values) & ((values > 0) | (not positive))
    return [float(f"{v:.{digits}g}") if keep else None for v, keep in zip(values, drawn, strict=True)]


def _placement(axis: Axis, name: str) -> dict[str, Any]:
    """Offset and factor that take a value, or its decimal logarithm, to the view box."""
    scale = axis.get_scale()
    low, high = (float(v) for v in axis.get_view_interval())
    axes = axis.axes
    figure = axes.get_figure(root=True)
    assert figure is not None
    horizontal = name == "x"
    corners = axes.transData.transform([[v if horizontal else 1.0, 1.0 if horizontal else v] for v in (low, high)])
    start, end = corners[:, 0] if horizontal else figure.bbox.height - corners[:, 1]
    if scale == "log":
        low, high = np.log10(low), np.log10(high)
    factor = (end - start) / (high - low)
    return {"scale": scale, "offset": round(float(start - factor * low), 6), "factor": round(float(factor), 6)}
