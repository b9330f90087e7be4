"""The bibliography: everything cited resolves (the build checks it), everything listed is cited and identified."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = dict(
    re.findall(r"@\w+\{([^,\s]+),(.*?)\n\}", (ROOT / "references.bib").read_text(encoding="utf8"), re.DOTALL)
)


def _citing_text() -> str:
    places = [*(ROOT / "chapters").rglob("*.md"), *(ROOT / "neuroscale").rglob("*.yml")]
    return "\n".join(path.read_text(encoding="utf8") for path in places)


def test_the_bibliography_is_read():
    assert len(ENTRIES) > 20


@pytest.mark.parametrize("key", ENTRIES)
def test_every_entry_is_cited(key):
    assert re.search(rf"\b{re.escape(key)}\b", _citing_text())


@pytest.mark.parametrize("key", ENTRIES)
def test_every_entry_has_a_doi_or_an_arxiv_number(key):
    assert re.search(r"\b(doi|eprint)\s*=\s*\{?\S", ENTRIES[key], re.IGNORECASE)
