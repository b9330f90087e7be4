"""Give the entries of the bibliography the role of list items.

docutils writes ``role="doc-biblioentry"``, which DPUB-ARIA 1.1 has deprecated and no longer allows here, into a list
whose children must be list items.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def edit(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", edit)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
