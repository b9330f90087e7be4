"""What a figure with sliders promises to the page, to print and to a reader without a script."""

import base64
import json
import re
import shutil
import subprocess
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from book_source import code_cells
from matplotlib.figure import Figure

from neuroscale import plotting
from neuroscale.interactive import Slider, SliderFigure

X = np.geomspace(1, 1e4, 30)


def powers(b, shift):
    return [X**-b, np.where(X > 10, shift * X**-b, 0.0)]


@pytest.fixture
def shown():
    with matplotlib.rc_context():
        plotting.use()
        yield draw()


def draw():
    ax = Figure().subplots()
    lines = [*ax.loglog(X, X**-0.5, label="plain"), *ax.loglog(X, X**-0.5, label="cut")]
    ax.set(xlabel="$D$", ylim=(1e-6, 10))
    sliders = [Slider("Exponent b", [0.5, 1.0, 1.5], start=1), Slider("Shift <s>", [1.0, 2.0])]
    return SliderFigure(
        lines,
        sliders,
        powers,
        alt="Two falling lines & a gap.",
        message=lambda b, shift: f"slope -{b:g}, shift {shift:g} </script>",
    )


def embedded(page):
    found = re.search(r'<script type="application/json" class="slider-data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found.group(1))


def test_every_frame_is_embedded_with_its_values(shown):
    data = embedded(shown.html())
    frames = [(b, shift) for b in (0.5, 1.0, 1.5) for shift in (1.0, 2.0)]
    for curve, number in zip(data["curves"], (0, 1), strict=True):
        np.testing.assert_allclose(curve["x"], X, rtol=1e-4)
        for (b, shift), y in zip(frames, curve["y"], strict=True):
            wanted = powers(b, shift)[number]
            np.testing.assert_allclose([0.0 if v is None else v for v in y], wanted, rtol=1e-4)
    assert [c["label"] for c in data["curves"]] == ["plain", "cut"]
    assert data["curves"][1]["y"][0][0] is None, "zero has no place on a logarithmic axis"
    assert data["sliders"][0] == {"name": "Exponent b", "values": [0.5, 1.0, 1.5], "texts": ["0.5", "1", "1.5"]}
    assert data["messages"][5].startswith("slope -1.5, shift 2")


def test_the_placement_is_that_of_the_drawing(shown):
    """Matplotlib draws the first frame; the script must put it on the same spot."""
    page = shown.html()
    data = embedded(page)
    drawn = re.search(r'class="slider-curve-0">\s*<path d="([^"]*)"', page).group(1)
    corners = np.array([float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", drawn)]).reshape(-1, 2)
    axes = data["axes"]
    curve = data["curves"][0]
    placed = np.column_stack(
        [
            axes["x"]["offset"] + axes["x"]["factor"] * np.log10(curve["x"]),
            axes["y"]["offset"] + axes["y"]["factor"] * np.log10(curve["y"][shown.start]),
        ]
    )
    # the first frame is a straight line, of which the backend keeps the ends; five digits are 0.01 units here
    np.testing.assert_allclose(corners[[0, -1]], placed[[0, -1]], atol=0.05)


def test_a_linear_axis_is_placed_too():
    ax = Figure().subplots()
    (line,) = ax.plot([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])
    shown = SliderFigure([line], [Slider("n", [1, 2])], lambda n: [[0.0, n, -1.0]], alt="A tent.")
    x, y = shown.data["axes"]["x"], shown.data["axes"]["y"]
    assert x["scale"] == y["scale"] == "linear"
    assert x["factor"] > 0 > y["factor"], "heights grow upwards, the view box downwards"
    assert shown.data["curves"][0]["y"] == [[0.0, 1.0, -1.0], [0.0, 2.0, -1.0]]


def test_the_page_needs_nothing_else_and_reads_without_a_script(shown):
    page = shown.html()
    # the names of XML dialects are no addresses
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(address.startswith("#") for address in addresses), addresses
    sheets = re.findall(r"<style[^>]*>(.*?)</style>", page)
    assert all(sheet.startswith("#slider-") for sheet in sheets), "a style sheet holds for the whole page"
    assert plotting.INK not in page, "ink follows the page"
    assert "currentColor" in page
    assert '<div class="slider-controls" hidden>' in page, "a slider that does nothing is not shown"
    assert "<output>slope -1, shift 1 &lt;/script&gt;</output>" in page
    assert 'data-frame="2"' in page


def test_the_page_is_accessible(shown):
    page = shown.html()
    assert 'role="img" aria-label="Two falling lines &amp; a gap."' in page
    assert page.count("<label>") == 2
    assert "<span>Shift &lt;s&gt;</span> <input" in page
    assert 'value="1" aria-valuetext="1"' in page
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert all(name.startswith(ids[0]) for name in ids), "two figures on one page must not share a name"


def test_the_markup_is_well_formed_and_small(shown):
    page = shown.html()
    text = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL).replace(" hidden>", ' hidden="">')
    text = re.sub(r"(<input[^>]*)>", r"\1/>", text)
    ElementTree.fromstring(text)
    assert len(page) < 40_000


def test_print_gets_a_pdf_and_the_same_figure_gives_the_same_bytes(shown):
    bundle = shown._repr_mimebundle_()
    assert base64.b64decode(bundle["application/pdf"]).startswith(b"%PDF-")
    assert bundle["text/html"] == draw().html()
    assert "Exponent b" in bundle["text/plain"]


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_script_is_valid(shown, tmp_path):
    script = tmp_path / "figure.js"
    script.write_text(re.search(r"<script>(.*?)</script>", shown.html(), re.DOTALL).group(1), encoding="utf8")
    subprocess.run(["node", "--check", str(script)], check=True)


@pytest.mark.parametrize(
    ("chapter", "names"),
    [
        ("activation/dynamics", {"fig-growth-slider", "fig-counts-slider"}),
        ("activation/behaviour", {"fig-width-slider", "fig-loss-slider"}),
        ("percolation/clusters", {"fig-clusters-slider"}),
        ("action/convergence", {"fig-convergence-slider"}),
    ],
)
def test_where_moving_a_parameter_teaches(chapter, names):
    moving = [cell for cell in code_cells(chapter) if "SliderFigure(" in cell.source]
    assert {cell.metadata["mystnb"]["figure"]["name"] for cell in moving} == names


def _axes(**settings):
    ax = Figure().subplots()
    ax.set(**settings)
    return ax


@pytest.mark.parametrize(
    ("lines", "heights", "message"),
    [
        (list, lambda n: [], "0 lines and 1 sliders"),
        (lambda: _axes().plot(X, X, "o"), lambda n: [X], "marker='o'"),
        (lambda: _axes(yscale="symlog").plot(X, X), lambda n: [X], "scale='symlog'"),
        (lambda: [*_axes().plot(X, X), *_axes().plot(X, X)], lambda n: [X, X], "one pair of axes"),
        (lambda: _axes().plot(X, X), lambda n: [X[1:]], r"\(29,\).*\(30,\)"),
        (lambda: _axes().plot(X, X), lambda n: [X, X], r"the lines need \[\(30,\)\]"),
    ],
    ids=["no line", "markers", "scale", "two axes", "short", "too many"],
)
def test_what_the_page_cannot_draw_is_refused(lines, heights, message):
    with pytest.raises(ValueError, match=message):
        SliderFigure(lines(), [Slider("n", [1, 2])], heights, alt="none")


@pytest.mark.parametrize(
    ("values", "start", "message"),
    [([1.0], 0, "1 positions"), ([1.0, 2.0], 2, "start=2"), ([1.0, 2.0], -1, "start=-1")],
)
def test_a_slider_needs_a_choice(values, start, message):
    with pytest.raises(ValueError, match=message):
        Slider("n", values, start)
