"""Citations carry the permalink and the version."""

from __future__ import annotations

import re

import pytest

import neuroscale
from neuroscale.ledger import citation, claims
from neuroscale.ledger.cite import SITE, bibtex, plain, statements


@pytest.mark.parametrize("claim_id", claims())
def test_every_claim_has_a_citation(claim_id):
    entry = citation(claim_id)
    assert f"{SITE}/chapters/ledger.html#{claim_id}" in entry
    assert f"version {neuroscale.__version__}" in entry
    assert entry.count("{") == entry.count("}")


@pytest.mark.parametrize("label", statements())
def test_every_theorem_has_a_citation(label):
    entry = citation(label)
    assert f"{SITE}/{statements()[label]['page']}.html#{label}" in entry
    assert entry.count("{") == entry.count("}")


def test_a_theorem_and_a_claim_have_no_name_in_common():
    assert not set(statements()) & set(claims())


def test_keys_hold_no_character_that_bibtex_refuses():
    key = re.match(r"@misc\{([^,]+),", bibtex("a b/c,d", "t", "x.html")).group(1)
    assert key == "neuroscale:a-b-c-d"


def test_plain_text_names_the_page():
    assert plain("The dynamics", "x.html").endswith(f"{SITE}/x.html")


def test_an_unknown_claim_is_an_error():
    with pytest.raises(KeyError, match="zs-eq-999"):
        citation("zs-eq-999")
