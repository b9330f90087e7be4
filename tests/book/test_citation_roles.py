"""Entries of the bibliography are list items."""

import re

from projects import build, write

PAGE = "# Page\n\nSee {cite}`one`.\n\n```{bibliography}\n```\n"
BIB = "@book{one, author={Ada Lovelace}, title={Notes}, publisher={Taylor}, year={1843}}\n"


def test_entries_are_list_items(tmp_path):
    write(tmp_path, {"index.md": PAGE, "references.bib": BIB})
    files = [str(tmp_path / "references.bib")]
    assert build(tmp_path, ["sphinxcontrib.bibtex", "citation_roles"], bibtex_bibfiles=files)[1] == ""
    page = (tmp_path / "_build/html/index.html").read_text(encoding="utf8")
    assert re.search(r'<div class="citation" id="\w+" role="listitem">', page)
    assert "doc-biblioentry" not in page
