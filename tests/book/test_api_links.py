"""Chapters and the API reference link to each other."""

import re
import sys

import pytest
from api_links import names_used
from projects import HEADER, build, write

from neuroscale import ledger

INDEX = "# Contents\n\n```{toctree}\nchapters/part/first\nchapters/api\n```\n"
API = "# API\n\n(t-sum)=\n## Ledger\n\n```{eval-rst}\n.. automodule:: toybook\n   :members:\n```\n"
MODULE = '''
"""A package."""
__all__ = ["Law", "helper"]
class Law:
    """A law.

    Implements ``t-sum``; derived in ``chapters/part/first.md``, not in ``chapters/part/gone.md``.
    """
    def grow(self):
        """Grow."""
def helper():
    """Help."""
'''
CELL = "```{code-cell} ipython3\n"
FIRST = f"""{HEADER}# First

{CELL}from toybook import Law as L
from toybook import Law, helper, missing
import numpy as np
```

In code this is `Law`, and again `Law`; it grows by `Law.grow()`, unlike `numpy` and `missing`.
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setattr("api_links.PACKAGE", "toybook")
    monkeypatch.setattr(ledger, "claims", lambda: {"t-sum": None})
    monkeypatch.syspath_prepend(tmp_path)
    write(
        tmp_path,
        {"index.md": INDEX, "chapters/api.md": API, "chapters/part/first.md": FIRST, "toybook.py": MODULE},
    )
    yield tmp_path
    sys.modules.pop("toybook", None)


def test_both_ways(toy):
    extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "api_links"]
    assert build(toy, extensions, nb_execution_mode="off")[1] == ""
    api = (toy / "_build/html/chapters/api.html").read_text(encoding="utf8")
    assert re.search(r'href="part/first.html"><span class="doc">First', api), "a docstring links to its chapter"
    assert re.search(r'href="#t-sum"><span class="std std-ref">t-sum', api), "and to the ledger"
    assert "chapters/part/gone.md" in api, "a page that is none stays a literal"

    page = (toy / "_build/html/chapters/part/first.html").read_text(encoding="utf8")
    prose, listed = page.split("Computed with")
    assert prose.count('href="../api.html#toybook.Law"') == 1, "the first mention only"
    assert prose.count('href="../api.html#toybook.Law.grow"') == 1
    assert re.findall(r"#(toybook\.\w+)\"", listed.split("</p>")[0]) == ["toybook.helper", "toybook.Law"]


def test_what_a_chapter_uses():
    cells = [
        "from neuroscale import activation as act, plotting\nfrom neuroscale.ledger import check",
        "%matplotlib inline\n",
        "law = act.ActivationLaw(1, 2, 3)\nlaw.counts(3)\ncheck.that('x', True)\nplotting.use()",
        "from neuroscale.urn import PitmanYor",
    ]
    assert names_used(cells) == [
        "neuroscale.activation",
        "neuroscale.activation.ActivationLaw",
        "neuroscale.urn.PitmanYor",
    ]
