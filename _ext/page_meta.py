"""Title, description and social preview of every page.

A chapter is described by what its opening box says that it establishes, any other page by its first bold sentence,
and a generated page by a line below.  A page without a description is a warning, hence fatal under ``-W``.
"""

from __future__ import annotations

import re
from html import escape, unescape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
LIMIT = 300  # characters of a description; search engines show about half of it
SHORTEST = 20  # "Held." describes nothing
PREVIEW = "_static/social-preview.png"
PREVIEW_ALT = "Counts of a hundred billion simulated neurons lie on the exact law, far above the law of the paper."
#: Pages that have no source.
GENERATED = {
    "genindex": "All functions and classes of the package, and all terms of the book, in alphabetical order.",
    "prf-prf": "All definitions, lemmas, theorems and proofs of the book, each with its page.",
    "py-modindex": "The modules of the package that the book computes with.",
    "search": "Search the text of the whole book; it works without a network.",
}
#: The landing page, for a server and for a double click alike.
REDIRECT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={target}">
{tags}
</head>
<body>
<main>
<h1>{title}</h1>
<p><a href="{target}">Open the book</a></p>
</main>
</body>
</html>
"""


def site() -> str:
    """Address under which the book is published."""
    from neuroscale.ledger.cite import SITE  # late: fresh_execution puts the package on the path

    return SITE


def _has_math(parts: list[nodes.Node]) -> bool:
    return any(isinstance(part, nodes.math) or any(part.findall(nodes.math)) for part in parts)


def _wordy(clause: str) -> str:
    """A clause without mathematics: what stands before a colon, when the formulas follow it, else all or nothing."""
    before, colon, _ = clause.partition(":")
    if "\0" not in clause:
        return clause
    return before if colon and "\0" not in before else ""


def _establishes(paragraph: nodes.paragraph) -> str:
    """What a chapter's opening box establishes: its clauses without mathematics."""
    parts: list[nodes.Node] = []
    inside = False
    for child in paragraph.children:
        if isinstance(child, nodes.strong):
            inside = child.astext() == "Establishes"
        elif inside and not isinstance(child, nodes.raw):  # a raw node is a line break
            parts.append(child)
    # a formula becomes a mark, so that its clause can be left out
    text = "".join("\0" if _has_math([part]) else part.astext() for part in parts)
    clauses = [clause.strip() for clause in " ".join(text.split()).rstrip(".").split(";")]
    told = "; ".join(filter(None, map(_wordy, clauses)))
    return f"Establishes {told.removeprefix('and ')}." if told else ""


def describe(doctree: nodes.document) -> str:
    """One or two sentences without mathematics; empty when the page has none."""
    bold = ""
    for paragraph in doctree.findall(nodes.paragraph):
        told = _establishes(paragraph)
        if told:
            return told
        first = next((child for child in paragraph.children if child.astext()), None)
        if not bold and isinstance(first, nodes.strong) and not _has_math([first]):
            sentence = " ".join(first.astext().split())
            bold = sentence if sentence.endswith(".") and len(sentence) >= SHORTEST else ""
    return bold


def shorten(text: str, limit: int = LIMIT) -> str:
    """Cut at a word, with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def tags(title: str, description: str, address: str) -> str:
    """The ``<meta>`` elements of one page."""
    named = {"description": description, "twitter:card": "summary_large_image"}
    properties = {
        "og:site_name": "Neuroscale",
        "og:type": "article",
        "og:title": title,
        "og:description": description,
        "og:url": f"{site()}/{address}",
        "og:image": f"{site()}/{PREVIEW}",
        "og:image:alt": PREVIEW_ALT,
    }
    lines = [f'<meta name="{key}" content="{escape(value)}">' for key, value in named.items()]
    lines += [f'<meta property="{key}" content="{escape(value)}">' for key, value in properties.items()]
    return "\n".join(lines)


def add(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    if app.builder.name != "html":
        return
    title = unescape(re.sub(r"<[^>]+>", "", context.get("title", ""))).strip() or pagename
    known = re.search(r'<meta content="([^"]*)" name="description"', context.get("metatags", ""))
    if known:  # the page says it itself, in `myst: html_meta: description`
        description = unescape(known.group(1))
    elif doctree is not None:
        description = describe(doctree)
    else:
        description = GENERATED.get(pagename, "")
    if not description:
        message = "no description: open the page with a bold sentence without mathematics, or set html_meta"
        LOGGER.warning(message, location=pagename if doctree is not None else None)
        return
    block = tags(title, shorten(description), f"{pagename}.html")
    if known:
        block = block.split("\n", 1)[1]
    context["metatags"] = context.get("metatags", "") + "\n" + block + "\n"


def configure(app: Sphinx, config: Config) -> None:
    if not config.html_baseurl:
        config.html_baseurl = site() + "/"  # gives every page its canonical address


def landing(app: Sphinx, error: Exception | None) -> None:
    """Write ``index.html``, where Jupyter Book would write a bare redirection."""
    root = app.config.root_doc
    if error is not None or app.builder.name != "html" or root == "index":
        return
    title = app.env.titles[root].astext()
    description = shorten(describe(app.env.get_doctree(root))) or title
    page = REDIRECT.format(title=escape(title), target=f"{root}.html", tags=tags(title, description, ""))
    (Path(app.outdir) / "index.html").write_text(page, encoding="utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", configure, priority=600)  # after fresh_execution
    app.connect("html-page-context", add, priority=600)
    app.connect("build-finished", landing, priority=600)  # after sphinx_external_toc writes its own
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
