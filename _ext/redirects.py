"""Keep addresses of renamed pages and anchors alive: ``redirects.yml`` says where they have gone.

``pages`` maps an old document to the present one; a small page at the old address forwards, with the fragment.
``anchors`` maps ``document#old`` to the present identifier in the same document, which then answers to both.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
FILE = "redirects.yml"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Moved</title>
<link rel="canonical" href="{target}">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="0; url={target}">
<script>location.replace("{target}" + location.hash)</script>
</head>
<body><main><h1>Moved</h1><p>This page is now at <a href="{target}">{target}</a>.</p></main></body>
</html>
"""


def load(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Renamed pages and anchors; empty without the file."""
    path = root / FILE
    content = yaml.safe_load(path.read_text(encoding="utf8")) if path.is_file() else None
    tables = content or {}
    unknown = set(tables) - {"pages", "anchors"}
    if unknown:
        raise ExtensionError(f"{FILE}: unknown tables {sorted(unknown)}; it has `pages` and `anchors`")
    return tables.get("pages") or {}, tables.get("anchors") or {}


def examine(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn about a page that still exists and about a target that does not."""
    pages, anchors = load(Path(app.srcdir))
    for old, new in pages.items():
        if old in env.found_docs:
            LOGGER.warning("%s: %s is a page of the book; it cannot redirect", FILE, old)
        if new not in env.found_docs:
            LOGGER.warning("%s: %s redirects to %s, which is not a page", FILE, old, new)
    for old in anchors:
        if old.partition("#")[0] not in env.found_docs:
            LOGGER.warning("%s: %s is not on a page of the book", FILE, old)


def answer(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give a renamed anchor its old name as well."""
    for old, new in load(Path(app.srcdir))[1].items():
        page, _, name = old.partition("#")
        if page != docname:
            continue
        found = [node for node in doctree.findall(nodes.Element) if new in node.get("ids", [])]
        if not found:
            LOGGER.warning("%s: no anchor %s on %s", FILE, new, page, location=docname)
        for node in found[:1]:
            node["ids"].append(name)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the forwarding pages."""
    if error is not None or app.builder.format != "html":
        return
    for old, new in load(Path(app.srcdir))[0].items():
        path = Path(app.outdir) / f"{old}.html"
        target = os.path.relpath(f"{new}.html", Path(old).parent).replace(os.sep, "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGE.format(target=target), encoding="utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("env-check-consistency", examine)
    app.connect("doctree-resolved", answer)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
