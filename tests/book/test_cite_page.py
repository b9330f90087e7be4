"""Every chapter of a part ends with the ways to cite it."""

from __future__ import annotations

import cite_page


def _offered(docname: str) -> str:
    source = ["# The dynamics: growth\n\nText.\n"]
    cite_page.offer(None, docname, source)
    return source[0]


def test_a_chapter_gets_its_address_and_title():
    page = _offered("chapters/activation/dynamics")
    assert page.startswith("# The dynamics: growth\n\nText.\n")
    assert "/chapters/activation/dynamics.html" in page
    assert "title   = {The dynamics: growth}" in page
    assert "@misc{neuroscale:activation-dynamics," in page


def test_front_and_back_matter_get_none():
    assert "Cite this page" not in _offered("chapters/preface")
