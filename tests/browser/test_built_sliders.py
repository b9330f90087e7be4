"""Figures with sliders: moved by the keyboard, what is drawn are the package's own numbers."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from built import SITE
from visit import NARROW, Visit, watch

from neuroscale.activation import ActivationLaw
from neuroscale.percolation import BetheLattice


def growth(x, shape, active, neurons):
    law = ActivationLaw(int(neurons), int(active), shape)
    return law.working_neurons(x), np.minimum(active * x, neurons)


def counts(x, shape, reach):
    law = ActivationLaw(10**7, 10**3, shape)
    exact = np.exp(law.log_count_pmf(x, int(reach * law.concentration)))
    return exact, None, exact[0] * (1 + shape) / (x + shape)


def width(x, shape):
    law = ActivationLaw(10**12, 10**3, shape)
    return (law.working_neurons(x * law.crossover(0.5), form="ode") / 1e12,)


def loss(x, shape):
    law = ActivationLaw(10**5, 100, shape)
    return tuple(law.unlearnt_fraction(x, 100, weighted=weighted) for weighted in (False, True))


def clusters(x, ratio, degree):
    lattice = BetheLattice(int(degree), ratio / (degree - 1))
    return lattice.cluster_pmf(x), BetheLattice.critical(int(degree)).amplitude * x**-1.5


#: Figure -> its page, the package's curves (None: not compared), and the keys that are pressed on each slider.
SLIDERS = {
    "fig-growth-slider": ("activation/dynamics", growth, (["ArrowRight"], ["End"], ["Home", "ArrowRight"])),
    "fig-counts-slider": ("activation/dynamics", counts, (["End"], ["ArrowLeft"])),
    "fig-width-slider": ("activation/behaviour", width, (["Home"],)),
    "fig-loss-slider": ("activation/behaviour", loss, (["ArrowRight", "ArrowRight"],)),
    "fig-clusters-slider": ("percolation/clusters", clusters, (["ArrowRight"] * 3, ["End"])),
}


def opened(browser, chapter, **settings):
    """The page without a network, in a context to close, and what went wrong on it."""
    context = browser.new_context(offline=True, **settings)
    page, seen = context.new_page(), Visit(chapter)
    watch(page, seen)
    page.goto((SITE / f"chapters/{chapter}.html").as_uri())
    return context, page, seen


def corners(d, axes):
    """Points of a path, in the units of the figure's axes."""
    points = np.array([float(v) for v in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", d)]).reshape(-1, 2)
    for column, axis in zip(points.T, (axes["x"], axes["y"]), strict=True):
        column[:] = (column - axis["offset"]) / axis["factor"]
        if axis["scale"] == "log":
            column[:] = 10**column
    return points


@pytest.mark.parametrize("name", SLIDERS)
def test_the_curve_shown_is_the_package_s(browser, name):
    chapter, curves, keys = SLIDERS[name]
    context, page, seen = opened(browser, chapter, viewport=NARROW)
    figure = page.locator(f"#{name} .slider-figure, .slider-figure#{name}").first
    inputs = figure.locator("input[type=range]")
    assert inputs.count() == len(keys)
    before = figure.locator(".slider-curve-0 path").get_attribute("d")
    for number, presses in enumerate(keys):
        inputs.nth(number).focus()
        for key in presses:
            page.keyboard.press(key)
    data = json.loads(figure.locator(".slider-data").text_content())
    chosen = [int(inputs.nth(i).input_value()) for i in range(len(keys))]
    values = [slider["values"][i] for slider, i in zip(data["sliders"], chosen, strict=True)]
    for i, slider in enumerate(data["sliders"]):
        text = slider["texts"][chosen[i]]
        assert inputs.nth(i).get_attribute("aria-valuetext") == text
        assert figure.locator(".slider-value").nth(i).text_content() == text
    sizes = [len(slider["values"]) for slider in data["sliders"]]
    frame = int(np.ravel_multi_index(chosen, sizes))
    assert figure.locator("output").text_content() == data["messages"][frame]

    drawn = [figure.locator(f".slider-curve-{i} path").get_attribute("d") for i in range(len(data["curves"]))]
    assert drawn[0] != before
    x = np.array(data["curves"][0]["x"])
    # positions have two decimals on a curve of 300 units, values five digits: far inside 2 % on every axis here
    for i, wanted in enumerate(curves(np.rint(x).astype(int) if "width" not in name else x, *values)):
        if wanted is None:
            continue
        shown = corners(drawn[i], data["axes"])
        # what lies farther out than 10000 units is drawn at that distance, and nowhere in sight
        visible = wanted > 1e-15
        compared = shown[: visible.sum()] if visible.sum() < len(shown) else shown
        expected = wanted[visible][: len(compared)]
        np.testing.assert_allclose(compared[:, 1], expected, rtol=0.02, atol=2e-4 if "width" in name else 0)
    assert not seen.requests
    assert not seen.complaints
    context.close()


@pytest.mark.parametrize("chapter", sorted({chapter for chapter, _, _ in SLIDERS.values()} | {"action/convergence"}))
def test_without_a_script_the_first_frame_is_a_figure(browser, chapter):
    context, page, _ = opened(browser, chapter, java_script_enabled=False)
    figures = page.locator(".slider-figure")
    assert figures.count() >= 1
    for i in range(figures.count()):
        assert figures.nth(i).locator("svg").is_visible()
        assert len(figures.nth(i).locator(".slider-curve-0 path").get_attribute("d")) > 100
        assert not figures.nth(i).locator(".slider-controls").is_visible()
    context.close()


def test_print_has_no_controls(browser):
    context, page, _ = opened(browser, "activation/dynamics")
    controls = page.locator(".slider-controls").first
    assert controls.is_visible()
    page.emulate_media(media="print")
    assert not controls.is_visible()
    assert page.locator(".slider-figure svg").first.is_visible()
    context.close()
