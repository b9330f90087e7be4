"""The loader of the ledger: what it reads, and what it refuses."""

from __future__ import annotations

import textwrap

import pytest

from neuroscale.ledger import claim
from neuroscale.ledger.claims import VERDICTS, _parse, claims, sources

GOOD = """
source: someone-2020
title: Someone's paper
citation: someone2020
inventory: [eq-1, eq-2]
claims:
  - id: so-eq-1
    where: eq. (1)
    statement: $E = mc^2$
    verdict: verified
    chapter: activation/dynamics
    covers: [eq-1]
  - id: so-eq-2
    where: eq. (2)
    statement: "  $F = ma^2$  "
    verdict: corrected
    correction: $F = ma$
    chapter: activation/dynamics
    note: A slip.
"""


def test_parses_a_source() -> None:
    source = _parse(GOOD, "someone.yml")
    assert (source.key, source.title, source.citation) == ("someone-2020", "Someone's paper", "someone2020")
    assert source.inventory == ("eq-1", "eq-2")
    first, second = source.claims
    assert (first.id, first.source, first.covers, first.correction) == ("so-eq-1", "someone-2020", ("eq-1",), "")
    assert (second.statement, second.correction, second.note) == ("$F = ma^2$", "$F = ma$", "A slip.")
    assert first.decided


def test_an_open_claim_is_not_decided() -> None:
    assert not _parse(GOOD.replace("verdict: verified", "verdict: open"), "x.yml").claims[0].decided


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    where: eq. (1)\n", "", r"x\.yml: claim 'so-eq-1': missing \['where'\], unknown \[\]"),
        ("    where: eq. (1)\n", "    where: ''\n", r"missing \['where'\]"),
        ("id: so-eq-1\n    ", "", r"missing \['id'\]"),
        ("    covers: [eq-1]\n", "    cover: [eq-1]\n", r"claim 'so-eq-1': missing \[\], unknown \['cover'\]"),
        ("verdict: verified", "verdict: true-ish", r"claim 'so-eq-1': verdict 'true-ish' is none of verified, "),
        ("    note: A slip.\n", "    origin: mine\n", r"claim 'so-eq-2': origin 'mine' is none of standard, ours"),
        ("    correction: $F = ma$\n", "", r"claim 'so-eq-2': a corrected claim needs its correction"),
    ],
)
def test_refuses_defective_entries(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=message):
        _parse(textwrap.dedent(GOOD).replace(old, new, 1), "x.yml")


@pytest.mark.parametrize("key", ["source", "title", "claims"])
def test_refuses_a_file_without_its_head(key: str) -> None:
    lines = [line for line in GOOD.splitlines() if not line.startswith(f"{key}:")]
    if key == "claims":
        lines = lines[:5]
    with pytest.raises(ValueError, match=rf"x\.yml: missing \['{key}'\]"):
        _parse("\n".join(lines), "x.yml")


@pytest.mark.parametrize("text", ["", "- a\n- list\n", "just words"])
def test_refuses_a_file_that_is_no_source(text: str) -> None:
    with pytest.raises(ValueError, match=r"x\.yml: "):
        _parse(text, "x.yml")


@pytest.mark.parametrize("entry", ["  - just words\n", "  - [1, 2]\n"])
def test_refuses_a_claim_that_is_no_mapping(entry: str) -> None:
    with pytest.raises(ValueError, match=r"x\.yml: claim "):
        _parse(f"source: s\ntitle: t\nclaims:\n{entry}", "x.yml")


def test_claims_of_the_ledger_are_found_by_their_identifier() -> None:
    assert claim("zs-eq-1").id == "zs-eq-1"
    assert len(claims()) == sum(len(source.claims) for source in sources().values())
    assert {entry.verdict for entry in claims().values()} <= set(VERDICTS)


def test_an_unknown_claim_offers_its_neighbours() -> None:
    with pytest.raises(KeyError, match=r"claim_id='zs-eq-99' is not in the ledger \(nearest: zs-eq-9"):
        claim("zs-eq-99")
    with pytest.raises(KeyError, match=r"nearest: none is close"):
        claim("???")
