"""What readers may have cited keeps its address, and the citation itself is well formed."""

import json
import subprocess
import sys

import pytest
import yaml
from book_source import ROOT
from jsonschema import Draft7Validator, FormatChecker

import neuroscale
from neuroscale.ledger.cite import DATE, SITE, statements

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


def test_the_package_knows_the_theorems():
    """`python tools/permalinks.py --update` lists them again."""
    assert statements() == permalinks.statements()
    # a theorem whose title the pattern misses would have an address and no entry
    labels = {name.partition("#")[2] for name in permalinks.present()}
    assert {name for name in labels if name.startswith(("thm-", "prop-", "lem-", "cor-", "def-"))} == set(statements())


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


def violations(citation):
    """Where a citation breaks the Citation File Format 1.2.0 (its schema, CC BY 4.0, doi:10.5281/zenodo.5171937)."""
    schema = json.loads((ROOT / "tests" / "citation_file_format_1.2.0.json").read_text(encoding="utf8"))
    found = Draft7Validator(schema, format_checker=FormatChecker()).iter_errors(citation)
    return sorted({error.json_path for error in found})


def test_citation_file_is_valid():
    assert not violations(CITATION)


@pytest.mark.parametrize(
    ("slip", "path"),
    [
        ({"cff-version": "1.1.9"}, "$['cff-version']"),
        ({"license": "MIT-like"}, "$.license"),
        ({"date-released": "26 November"}, "$['date-released']"),
        ({"authors": []}, "$.authors"),
        ({"editors": ["x"]}, "$"),
        ({"keywords": ["x", "x"]}, "$.keywords"),
    ],
)
def test_the_schema_finds_slips(slip, path):
    assert violations({**CITATION, **slip}) == [path]
