"""Source, ledger, chapters and checks tie together: nothing is claimed twice, forgotten, or decided elsewhere."""

import ast
import re

import pytest
from book_source import ROOT, cells, documents

from neuroscale.ledger import claims, sources
from neuroscale.ledger.check import EXERCISE

KINDS = {"symbolic", "close", "law", "that"}
BOX = re.compile(r"^\s*(?:`{3,}|:{3,})\{claim\}\s+(\S+)\s*$", re.MULTILINE)


def calls(source):
    """Identifier of every check in a cell; None where it is not written out."""
    for node in ast.walk(ast.parse(source)):
        called = getattr(node, "func", None)
        if not (isinstance(called, ast.Attribute) and called.attr in KINDS):
            continue
        if not (isinstance(called.value, ast.Name) and called.value.id == "check"):
            continue
        first = node.args[0] if node.args else None
        yield first.value if isinstance(first, ast.Constant) else None


@pytest.fixture(scope="module")
def checks():
    """Every check of the book: chapter, cell, identifier."""
    return [(name, number, claim) for name, number, cell in cells() for claim in calls(cell.source)]


@pytest.fixture(scope="module")
def boxes():
    """Every box of the book: chapter, identifier."""
    return [(name, claim) for name, text in documents().items() for claim in BOX.findall(text)]


@pytest.mark.parametrize("source", sources().values(), ids=lambda source: source.key)
def test_every_display_of_a_source_is_claimed(source):
    covered = {key for claim in source.claims for key in claim.covers}
    assert set(source.inventory) - covered == set(), "displays without a claim"
    assert covered - set(source.inventory) == set(), "claims cover what the inventory lacks"
    assert len(source.inventory) == len(set(source.inventory))


@pytest.mark.parametrize("source", sources().values(), ids=lambda source: source.key)
def test_every_source_is_in_the_bibliography(source):
    keys = re.findall(r"^@\w+\{([^,\s]+)", (ROOT / "references.bib").read_text(encoding="utf8"), re.MULTILINE)
    assert source.citation == "" or source.citation in keys


def test_every_decided_claim_has_one_box_in_its_chapter(boxes):
    wanted = sorted((claim.chapter, claim.id) for claim in claims().values() if claim.decided)
    assert sorted(boxes) == wanted


def test_every_decided_claim_has_a_check_in_its_chapter(checks):
    made = {(name, claim) for name, _, claim in checks}
    idle = [c.id for c in claims().values() if c.decided and (c.chapter, c.id) not in made]
    assert not idle, f"decided, but no check in the chapter says so: {idle}"


def test_a_claim_that_another_chapter_tests_has_a_check_there(checks):
    made = {(name, claim) for name, _, claim in checks}
    idle = [c.id for c in claims().values() if c.tested and (c.tested, c.id) not in made]
    assert not idle, f"tested in another chapter, but no check there says so: {idle}"
    assert not [c.id for c in claims().values() if c.tested == c.chapter or (c.tested and not c.decided)]


def test_every_check_names_a_claim_of_its_chapter(checks):
    bad = []
    for name, number, claim in checks:
        if claim == EXERCISE:
            continue
        if claim is None:
            bad.append(f"{name}: cell {number}: the first argument is not a literal")
        elif claim not in claims():
            bad.append(f"{name}: cell {number}: {claim!r} is not in the ledger")
        elif name not in (claims()[claim].chapter, claims()[claim].tested):
            bad.append(f"{name}: cell {number}: {claim!r} belongs to {claims()[claim].chapter}")
    assert not bad, "\n".join(bad)


def test_no_check_decides_an_open_claim(checks):
    early = {claim for _, _, claim in checks if claim in claims() and not claims()[claim].decided}
    assert not early, f"checked, but still open in the ledger: {sorted(early)}"


def test_chapters_of_decided_claims_exist():
    missing = {c.chapter for c in claims().values() if c.decided} - set(documents())
    assert not missing
