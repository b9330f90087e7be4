"""Links between the chapters and the API reference, both ways.

In a docstring, a chapter's path and a claim's identifier between double backticks become links to the page and to
the ledger.  In a chapter, the first mention of a name that its cells take from the package becomes a link to the
reference, and a line at the end lists all of these names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

PACKAGE = "neuroscale"
LITERAL = re.compile(r"``([^`\n]+)``")
#: What every chapter uses to check, to size and to draw.
FURNITURE = tuple(f"{PACKAGE}.{name}" for name in ("ledger", "budget", "plotting", "interactive"))


def link_docstring(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Turn chapter paths and claim identifiers of a docstring into links, in place."""
    from neuroscale.ledger import claims  # late: fresh_execution puts the package on the path

    def link(match: re.Match[str]) -> str:
        text = match[1]
        if text.startswith("chapters/") and text.removesuffix(".md") in app.env.found_docs:
            return f":doc:`/{text.removesuffix('.md')}`"
        if text in claims():
            return f":ref:`{text} <{text}>`"
        return match[0]

    lines[:] = [LITERAL.sub(link, line) for line in lines]


def _parsed(cell: str) -> ast.Module:
    try:
        return ast.parse(cell)
    except SyntaxError:  # a cell with a magic command
        return ast.Module(body=[], type_ignores=[])


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Local and full name of whatever is imported from the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def names_used(cells: list[str]) -> list[str]:
    """Full names that the cells take from the package, by import or as attributes of its modules."""
    trees = [_parsed(cell) for cell in cells]
    local = dict(pair for tree in trees for pair in _imports(tree))
    found = set(local.values())
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in local:
            found.add(f"{local[node.value.id]}.{node.attr}")
    kept = (name for name in found if not name.startswith(FURNITURE))
    return sorted(kept, key=lambda name: (_short(name).lower(), name))


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def list_names(app: Sphinx, docname: str, source: list[str]) -> None:
    """End a chapter of a part with the names that it computes with."""
    if docname.count("/") < 2 or not is_myst_markdown_notebook(source[0]):
        return
    cells = [c.source for c in read_myst_markdown_notebook(source[0]).cells if c.cell_type == "code"]
    names = names_used(cells)
    if names:
        source[0] += "\n\n```{api-names}\n" + "\n".join(names) + "\n```\n"


class api_names(nodes.General, nodes.Element):  # type: ignore[misc]
    """Stands for the line until the reference has been read."""


class ApiNames(SphinxDirective):
    """``{api-names}``: full names, one a line."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        return [api_names("", names=list(self.content))]


class LinkNames(SphinxPostTransform):
    """Replace the placeholder by links, and link the first mention of each name; before references are resolved."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        documented = self.env.get_domain("py").objects  # type: ignore[attr-defined]
        for line in list(self.document.findall(api_names)):
            names = [name for name in line["names"] if name in documented]
            self._link_first_mentions(names, set(documented))
            line.replace_self(self._line(names))

    def _line(self, names: list[str]) -> list[nodes.Node]:
        if not names:
            return []
        links: list[nodes.Node] = []
        for name in names:
            links += [self._link(name, nodes.literal(text=_short(name))), nodes.Text(", ")]
        return [
            nodes.paragraph("", "", nodes.Text("Computed with "), *links[:-1], nodes.Text("."), classes=["api-names"])
        ]

    def _link_first_mentions(self, names: list[str], documented: set[str]) -> None:
        full = {_short(name): name for name in names}
        linked: set[str] = set()
        for literal in list(self.document.findall(nodes.literal)):
            first, dot, rest = literal.astext().removesuffix("()").partition(".")
            name = full.get(first, "") + dot + rest
            if name in linked or name not in documented or not _in_prose(literal):
                continue
            literal.replace_self(self._link(name, literal.deepcopy()))
            linked.add(name)

    def _link(self, name: str, shown: nodes.Node) -> addnodes.pending_xref:
        return addnodes.pending_xref(
            "", shown, refdomain="py", reftype="obj", reftarget=name, refexplicit=True, refdoc=self.env.docname
        )


def _in_prose(literal: nodes.literal) -> bool:
    """Whether a link may stand here: in a paragraph of the text, not in another link."""
    parent = literal.parent
    while parent is not None and not isinstance(parent, nodes.paragraph):
        if isinstance(parent, (nodes.reference, addnodes.pending_xref, nodes.title)):
            return False
        parent = parent.parent
    return parent is not None


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(api_names)
    app.add_directive("api-names", ApiNames)
    app.add_post_transform(LinkNames)
    app.connect("source-read", list_names, priority=490)  # before cite_page adds its box
    app.connect("autodoc-process-docstring", link_docstring, priority=400)  # before napoleon
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
