"""What a drawing draws: every colour of its lines, faces and letters, as a reader's browser would resolve it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgb

from neuroscale.plotting import _INK_DARK, INK

#: Colour of ``currentColor`` in each theme.
INKS = {"light": INK, "dark": _INK_DARK}
DRAWN = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text"}
#: What an element takes over from the one around it, and what it has where nothing says so: black faces, no lines.
INHERITED = {"fill": "#000000", "stroke": "none", "fill-opacity": "1", "stroke-opacity": "1", "stroke-width": "1"}
BAND = "FillBetweenPolyCollection"


@dataclass(frozen=True)
class Ink:
    """One colour of a drawing: what it paints, how opaque, and matplotlib's name of the group."""

    kind: str  # fill or stroke
    colour: str
    opacity: float
    group: str


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _style(element: ET.Element) -> dict[str, str]:
    found = {key: element.attrib[key] for key in (*INHERITED, "opacity") if key in element.attrib}
    for part in element.get("style", "").split(";"):
        key, colon, value = part.partition(":")
        if colon:
            found[key.strip()] = value.strip()
    return found


def inks(svg: str) -> set[Ink]:
    """Every colour that is drawn; a bitmap, whose colours nobody can read here, is refused."""
    root = ET.fromstring(svg)
    named = {element.get("id"): element for element in root.iter() if element.get("id")}
    return set(_walk(root, named, INHERITED, 1.0, ""))


def _walk(
    element: ET.Element, named: dict[str | None, ET.Element], outer: dict[str, str], opacity: float, group: str
) -> Iterator[Ink]:
    tag, told = _local(element), _style(element)
    if tag in ("defs", "clipPath", "metadata", "style"):
        return
    if tag == "image":
        raise ValueError("a bitmap: draw it as paths, or judge its colours by eye and say so here")
    style = {key: told.get(key, value) for key, value in outer.items()}
    opacity *= float(told.get("opacity", 1))
    group = re.sub(r"_\d+$", "", element.get("id") or "") or group
    if tag == "use":
        address = next(value for key, value in element.attrib.items() if key.endswith("href"))
        used = named[address.removeprefix("#")]
        inner = {key: _style(used).get(key, value) for key, value in style.items()}
        yield from _painted(inner, opacity, group)
    if tag in DRAWN:
        yield from _painted(style, opacity, group)
    for child in element:
        yield from _walk(child, named, style, opacity, group)


def _painted(style: dict[str, str], opacity: float, group: str) -> Iterator[Ink]:
    for kind in ("fill", "stroke"):
        strength = opacity * float(style[f"{kind}-opacity"])
        if style[kind] != "none" and strength > 0 and (kind == "fill" or float(style["stroke-width"]) > 0):
            yield Ink(kind, style[kind], round(strength, 3), group)


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB between 0 and 1, the last axis, as WCAG 2.1 defines it."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(ink: Ink, theme: str, ground: str) -> float:
    """Contrast with the page, after the page has shone through."""
    below = np.array(to_rgb(ground))
    above = np.array(to_rgb(INKS[theme] if ink.colour == "currentColor" else ink.colour))
    seen = ink.opacity * above + (1 - ink.opacity) * below
    low, high = sorted((luminance(seen), luminance(below)))
    return float((high + 0.05) / (low + 0.05))


#: WCAG 2.1: success criterion 1.4.11 for what is needed to understand a graphic, and 1.4.3 for its letters.
LEAST = 3.0
LEAST_LETTERS = 4.5


def faint(svg: str, grounds: dict[str, str]) -> list[str]:
    """Colours that stand out less than they must, one line each.

    The band of an interval may be pale, since it lies around a line: the same colour, drawn full.
    """
    found = inks(svg)
    full = {ink.colour for ink in found if ink.kind == "stroke" and ink.opacity == 1 and ink.group != BAND}
    lines = []
    for ink in sorted(found, key=str):
        if ink.group == BAND and ink.colour in full:
            continue
        told = {theme: contrast(ink, theme, ground) for theme, ground in grounds.items()}
        lines += [
            f"{ink.kind} {ink.colour} at {ink.opacity:.0%} in {ink.group}: {ratio:.2f}:1 in {theme}"
            for theme, ratio in told.items()
            if ratio < (LEAST_LETTERS if ink.group == "text" else LEAST)
        ]
    return lines
