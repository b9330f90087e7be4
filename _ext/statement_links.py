"""A link to itself beside the number of every theorem and exercise, as headings have one, and a theorem's BibTeX."""

from __future__ import annotations

import re
from typing import Any

from cite_page import folded
from docutils import nodes
from sphinx.application import Sphinx

#: Opening of a numbered statement as sphinx-proof and sphinx-exercise write it.
TITLE = re.compile(
    r'(<div class="(?:proof (?P<kind>[a-z]+)|exercise) admonition" id="(?P<id>[^"]+)">\s*'
    r'<p class="admonition-title">)(?P<title>.*?)(</p>)',
    re.DOTALL,
)


def link(body: str) -> str:
    """Add the links to a page's body."""

    def linked(match: re.Match[str]) -> str:
        kind = match["kind"] or "exercise"
        anchor = f'<a class="headerlink" href="#{match["id"]}" title="Link to this {kind}">#</a>'
        return f"{match[1]}{match['title']}{anchor}{match[5]}"

    return TITLE.sub(linked, body)


def edit(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    if "body" in context:
        context["body"] = link(context["body"])


def offer_bibtex(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Fold the citation of every theorem that the package knows into its end, on the page only."""
    from neuroscale.ledger.cite import citation, statements  # late: fresh_execution puts the package on the path

    for node in doctree.findall(nodes.Element):
        if "realtype" in node and statements().get(node.get("label", ""), {}).get("page") == docname:
            node += folded(citation(node["label"]))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", offer_bibtex)
    app.connect("html-page-context", edit)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
