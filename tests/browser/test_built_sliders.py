"""Figures with sliders: keys move them, and the curves shown are the embedded values, which are the package's."""

from __future__ import annotations

import itertools
import json
import math
import re

import numpy as np
import pytest
from built import SITE, pages, text
from package_values import CURVES
from visit import DESKTOP, open_page

FIGURE = re.compile(r'<div class="slider-figure" id="([^"]+)"')
#: What the page shows of one figure.
STATE = """id => {
  const root = document.getElementById(id), inputs = [...root.querySelectorAll("input")];
  return {
    frame: +root.dataset.frame,
    positions: inputs.map(input => +input.value),
    spoken: inputs.map(input => input.getAttribute("aria-valuetext")),
    shown: [...root.querySelectorAll(".slider-value")].map(mark => mark.textContent),
    message: root.querySelector("output")?.textContent ?? "",
    paths: JSON.parse(root.querySelector(".slider-data").textContent).curves.map((curve, i) =>
      root.querySelector(".slider-curve-" + i + " path").getAttribute("d")),
  };
}"""


def figures():
    return [(name, found) for name in pages() for found in FIGURE.findall(text(name))]


def embedded(name: str, figure: str) -> dict:
    """What the chapter's execution put into the page."""
    part = text(name).split(f'id="{figure}"', 1)[1]
    return json.loads(re.search(r'class="slider-data">(.*?)</script>', part, re.DOTALL).group(1))


def place(axis: dict, value: float) -> float:
    return axis["offset"] + axis["factor"] * (math.log10(value) if axis["scale"] == "log" else value)


def expected(data: dict, curve: dict, frame: int) -> list[tuple[float, float]]:
    """Points of a curve in the units of the drawing; as the drawing does, none lies far outside it."""
    axes, heights = data["axes"], curve["y"][frame]
    drawn = [(x, y) for x, y in zip(curve["x"], heights, strict=True) if y is not None]
    points = [(place(axes["x"], x), place(axes["y"], y)) for x, y in drawn]
    return [(x, max(-10_000.0, min(10_000.0, y))) for x, y in points]


def drawn(path: str) -> list[tuple[float, float]]:
    numbers = [float(value) for value in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def agrees(data: dict, state: dict) -> None:
    """Assert that the page shows the frame that its sliders say."""
    sizes = [len(slider["values"]) for slider in data["sliders"]]
    frame = 0
    for size, position in zip(sizes, state["positions"], strict=True):
        frame = frame * size + position
    assert state["frame"] == frame
    texts = [slider["texts"][p] for slider, p in zip(data["sliders"], state["positions"], strict=True)]
    assert state["spoken"] == state["shown"] == texts
    assert state["message"] == (data["messages"][frame] if data["messages"] else "")
    for curve, path in zip(data["curves"], state["paths"], strict=True):
        wanted = expected(data, curve, frame)
        found = drawn(path)
        assert len(found) == len(wanted)
        # the path has two decimals; positions are far larger than the error of the arithmetic
        assert all(math.dist(a, b) < 0.0101 for a, b in zip(found, wanted, strict=True)), curve["label"]


def test_there_are_figures_with_sliders():
    assert len(figures()) >= 3


@pytest.mark.parametrize(("name", "figure"), figures())
def test_keys_move_the_curves_to_the_embedded_values(browser, name, figure):
    data = embedded(name, figure)
    context = browser.new_context(viewport=DESKTOP, offline=True)
    page = open_page(context, name)
    agrees(data, page.evaluate(STATE, figure))
    seen = set()
    for number, slider in enumerate(data["sliders"]):
        handle = page.locator(f"#{figure} input").nth(number)
        handle.focus()
        assert page.evaluate("document.activeElement.type") == "range"
        for key, position in (("Home", 0), ("ArrowRight", 1), ("End", len(slider["values"]) - 1)):
            page.keyboard.press(key)
            state = page.evaluate(STATE, figure)
            assert state["positions"][number] == position
            agrees(data, state)
            seen.add(tuple(state["paths"]))
    assert len(seen) > len(data["sliders"]), "the curves do not move"
    context.close()


@pytest.mark.parametrize(("name", "figure"), figures())
def test_without_javascript_there_is_an_ordinary_figure(browser, name, figure):
    context = browser.new_context(viewport=DESKTOP, offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto((SITE / name).as_uri())
    assert page.locator(f"#{figure} svg").bounding_box()["height"] > 100
    assert not page.locator(f"#{figure} input").first.is_visible()
    context.close()


def key(name: str, data: dict) -> tuple:
    page = name.rsplit("/", 1)[1].removesuffix(".html")
    return page, tuple(slider["name"] for slider in data["sliders"]), data["axes"]["y"]["scale"]


@pytest.mark.parametrize(("name", "figure"), figures())
def test_embedded_values_are_the_packages(name, figure):
    data = embedded(name, figure)
    compute = CURVES[key(name, data)]  # a new figure needs an entry in package_values.py
    logarithmic = data["axes"]["y"]["scale"] == "log"
    x = np.array(data["curves"][0]["x"])
    assert all(curve["x"] == data["curves"][0]["x"] for curve in data["curves"])
    if data["axes"]["x"]["scale"] == "log" and x.min() >= 1:  # numbers of samples or neurons
        assert np.array_equal(x, np.rint(x))
        x = x.astype(int)
    frames = list(itertools.product(*(slider["values"] for slider in data["sliders"])))
    for number, frame in enumerate(frames):
        for curve, found in zip(data["curves"], compute(x, *frame), strict=True):
            height = np.asarray(found, dtype=float)
            shown = np.array([np.nan if y is None else y for y in curve["y"][number]])
            # a gap where the axes have no place for the height, and nowhere else
            height[~np.isfinite(height) | ((height <= 0) & logarithmic)] = np.nan
            assert np.isfinite(height).any()
            # y is rounded to six digits, which is 5e-6 at most; the rest is for the order of the arithmetic, and for
            # the positions between whole numbers, which have twelve digits
            np.testing.assert_allclose(shown, height, rtol=5.1e-6, atol=0, equal_nan=True, err_msg=str(frame))
