"""Let a check's line wrap on a narrow screen, as the prose that it is, while the tables of other outputs scroll."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

#: A line of an output that `neuroscale.ledger.check` printed, with the end of the line.
LINE = re.compile(r"^(<div class=\"output [^\n]*<pre><span></span>)?(\u2713 [^\n]*\n)", re.MULTILINE)


def mark(body: str) -> str:
    """Name the lines for the style sheet."""
    return LINE.sub(lambda found: f'{found[1] or ""}<span class="check">{found[2]}</span>', body)


def edit(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    if "body" in context:
        context["body"] = mark(context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", edit)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
