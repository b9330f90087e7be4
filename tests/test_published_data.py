"""Published numbers: each has a source that the bibliography holds, and shares are shares."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neuroscale.data import _parse, published_activations, scaling_exponents

ROOT = Path(__file__).resolve().parents[1]
KEYS = set(re.findall(r"^@\w+\{([^,\s]+)", (ROOT / "references.bib").read_text(encoding="utf8"), re.MULTILINE))
GOOD = "- {id: x, value: 1.0, quantity: q, source: s, where: w}\n"


@pytest.mark.parametrize("load", [scaling_exponents, published_activations])
def test_every_source_is_known(load) -> None:
    unknown = {c.source for c in load().values() if c.source not in KEYS and not c.source.startswith("web: ")}
    assert not unknown


def test_no_number_stands_in_both_files() -> None:
    assert not set(scaling_exponents()) & set(published_activations())


def test_shares_are_shares() -> None:
    whole = {"voita-tokens"} | {name for name in published_activations() if name.startswith("experts-")}
    assert all(0 <= c.value < 1 for name, c in published_activations().items() if name not in whole)


def test_numbers_are_read_as_numbers() -> None:
    assert float(published_activations()["voita-tokens"]) == 2e7


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{}", "a list of entries"),
        ("[1]", "must be a mapping"),
        ("[{id: x}]", r"'x': missing \['value'"),
        (GOOD.replace("}", ", unit: m}"), r"unknown \['unit'\]"),
        (GOOD + GOOD, "appears twice"),
        (GOOD.replace("1.0", "1e3"), "value='1e3' must be a finite number"),
        (GOOD.replace("where: w", "where: ''"), r"empty \['where'\]"),
    ],
)
def test_a_defect_is_named(text: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        _parse(text, "f.yml")
