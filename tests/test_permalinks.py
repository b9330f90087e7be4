"""What readers may have cited keeps its address, and the citation itself is well formed."""

import datetime
import re
import subprocess
import sys

import pytest
import yaml
from book_source import ROOT

import neuroscale
from neuroscale.ledger.cite import DATE, SITE

sys.path.insert(0, str(ROOT / "tools"))
import permalinks

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))


def test_no_published_address_disappears():
    lost = permalinks.lost(permalinks.published(), permalinks.present(), permalinks.redirects())
    assert not lost, f"published, and no longer there; rename through redirects.yml: {lost}"


def test_the_list_holds_every_kind():
    listed = permalinks.published()
    assert len(listed) == len(set(listed))
    for address in (
        "chapters/activation/dynamics",
        "chapters/activation/dynamics#ch-dynamics",
        "chapters/activation/dynamics#thm-exact-growth",
        "chapters/activation/dynamics#fig-growth",
        "chapters/activation/dynamics#equation-eq-exact-growth",
        "chapters/activation/dynamics#ex-half",
        "chapters/activation/dynamics#claim-zs-balance",
        "chapters/ledger#zs-balance",
    ):
        assert address in listed


def test_a_rename_is_followed_and_a_removal_found():
    present = {"b", "b#new", "c"}
    redirects = {"pages": {"a": "b"}, "anchors": {"b#old": "new"}}
    assert permalinks.lost(["a", "a#new", "a#old", "b#old", "c"], present, redirects) == []
    assert permalinks.lost(["a#gone", "d", "c#new"], present, redirects) == ["a#gone", "d", "c#new"]
    assert permalinks.lost(["a"], present, {}) == ["a"]


def test_built_pages_are_searched(tmp_path):
    (tmp_path / "a.html").write_text('<h1 id="one">One</h1>', encoding="utf8")
    assert permalinks.unanswered(["a", "a#one", "a#two", "b"], tmp_path) == ["a#two", "b"]


def test_citation_is_at_the_top_and_costs_nothing_at_import():
    entry = neuroscale.citation("zs-eq-9")
    assert f"{SITE}/chapters/ledger.html#zs-eq-9" in entry
    assert f"version = {{{neuroscale.__version__}}}" in entry
    assert f"date    = {{{DATE}}}" in entry
    code = "import sys, neuroscale; sys.exit('neuroscale.ledger' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'quotation'"):
        neuroscale.quotation  # noqa: B018


def test_citation_file_names_this_version():
    assert CITATION["version"] == neuroscale.__version__
    assert CITATION["date-released"] == DATE
    assert CITATION["url"] == SITE


def test_citation_file_is_valid():
    """The rules of the Citation File Format 1.2.0 for the keys that we use."""
    assert set(CITATION) >= {"authors", "cff-version", "message", "title"}, "the required keys"
    strings = {"cff-version", "message", "title", "type", "version", "repository-code", "url", "date-released"}
    assert set(CITATION) <= strings | {"authors", "license", "keywords"}, "add a rule for a new key"
    assert all(isinstance(CITATION[key], str) and CITATION[key] for key in strings)
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] in {"software", "dataset"}
    assert datetime.date.fromisoformat(CITATION["date-released"])
    assert all(re.match(r"https?://", CITATION[key]) for key in ("repository-code", "url"))
    assert CITATION["authors"]
    for author in CITATION["authors"]:  # a person has names, an entity one name
        assert set(author) <= {"name", "family-names", "given-names", "orcid", "affiliation", "website"}
        assert author.get("name") or author.get("family-names")
    for key in ("license", "keywords"):
        assert len(CITATION[key]) == len(set(CITATION[key])) > 0
    assert set(CITATION["license"]) <= {"MIT", "CC-BY-4.0"}, "SPDX identifiers, those of LICENSE"
