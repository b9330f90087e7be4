"""Let every chapter end with the ways to cite it: plain text and BibTeX, folded."""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

BOX = """

::::{{only}} html
:::{{dropdown}} Cite this page
{plain}

```bibtex
{bibtex}
```
:::
::::
"""


def offer(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append the box to a chapter of a part; the landing page and the back matter have none."""
    if docname.count("/") < 2:
        return
    from neuroscale.ledger.cite import bibtex, plain  # late: fresh_execution puts the package on the path

    title = next(line[2:].strip() for line in source[0].splitlines() if line.startswith("# "))
    address = f"{docname}.html"
    key = docname.removeprefix("chapters/").replace("/", "-")
    source[0] += BOX.format(plain=plain(title, address), bibtex=bibtex(key, title, address))


def folded(bibtex: str) -> nodes.raw:
    """Entry for a single claim or theorem, on the page only."""
    page = f'<details class="claim-cite"><summary>Cite this</summary><pre>{escape(bibtex)}</pre></details>'
    return nodes.raw("", page, format="html")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", offer)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
