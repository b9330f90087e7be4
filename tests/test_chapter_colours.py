"""No chapter draws in black: on the dark page black vanishes, and only ``plotting.INK`` turns with the theme."""

import ast
import re

import pytest
from book_source import cells

BLACK = {"k", "black", "#000", "#000000"}
# "k--", "ko", "o-k": a format string of matplotlib is a colour letter among marks and dashes
FORMAT = re.compile(r"[-.:,ov^<>1234spP*hH+xXDd|_]*k[-.:,ov^<>1234spP*hH+xXDd|_]*")
FORMATTED = {"plot", "semilogx", "semilogy", "loglog", "errorbar", "fill", "show_points"}
PAINTED = re.compile(r"c|ec|fc|mfc|mec|\w*colou?rs?")


def black(source):
    """Lines of a cell that name black as a colour."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", None)
        for value in node.args if name in FORMATTED else ():
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and FORMAT.fullmatch(value.value):
                yield value.lineno
        for given in node.keywords:
            value = getattr(given.value, "value", None)
            painted = given.arg and PAINTED.fullmatch(given.arg) and value in BLACK
            formatted = given.arg == "fmt" and isinstance(value, str) and FORMAT.fullmatch(value)
            if painted or formatted:
                yield given.value.lineno


def test_no_chapter_draws_in_black():
    bad = [f"{name}: cell {number}: line {line}" for name, number, cell in cells() for line in black(cell.source)]
    assert not bad, "\n".join(["draw in plotting.INK, which turns with the theme:", *bad])


BLACKS = (
    'ax.plot(x, y, "k--")',
    'ax.semilogx(x, y, "ko")',
    'ax.axhline(1, color="k")',
    'ax.text(0, 0, "a", color="black")',
    'ax.errorbar(x, y, e, fmt="o-k")',
    'ax.scatter(x, y, c="k")',
    'ax.plot(x, y, mfc="#000000")',
)
OTHERS = (
    'k = sp.symbols("k")',
    'ax.plot(x, y, "o--", color="0.5")',
    "ax.plot(x, y, color=plotting.INK)",
    'ax.plot(x, y, label="k")',
    'network(activation="topk", k="k")',
)


@pytest.mark.parametrize("line", BLACKS)
def test_black_is_found(line):
    assert list(black(line)) == [1]


@pytest.mark.parametrize("line", OTHERS)
def test_other_strings_are_not_taken_for_black(line):
    assert not list(black(line))
