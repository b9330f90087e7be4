"""Every page says what it is: to a search engine, and where someone shares its address."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from projects import build, write

INDEX = "# Contents\n\n**All that there is to read.**\n\n```{toctree}\nchapters/a\nchapters/b\n```\n"
CHAPTER = """\
# A *first* chapter

:::{note}
**Takes** nothing.\\
**Establishes** that $x=1$; that "two" & three differ; and a bound: $x<2$.\\
**Needs** care.
:::

**Never the description.**
"""
PLAIN = "# Second\n\n**Held.** So it did.\n\n**With $x$ in the sentence.**\n\nText.\n\n**The second page says it.**\n"


class Metas(HTMLParser):
    """The ``<meta>`` elements of a page, by name or property."""

    def __init__(self, page):
        super().__init__()
        self.found = {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        key = told.get("name") or told.get("property")
        if tag == "meta" and key:
            assert key not in self.found or key == "viewport", f"{key} twice"
            self.found[key] = told["content"]


def metas(root, name):
    return Metas((root / "_build/html" / f"{name}.html").read_text(encoding="utf8")).found


def book(root, second=PLAIN):
    write(root, {"index.md": INDEX, "chapters/a.md": CHAPTER, "chapters/b.md": second})
    return build(root, ["page_meta"], nb_execution_mode="off")[1]


def test_a_chapter_is_described_by_what_it_establishes(tmp_path, environment):
    assert book(tmp_path) == ""
    found = metas(tmp_path, "chapters/a")
    assert found["description"] == "Establishes that “two” & three differ; and a bound."
    assert found["og:description"] == found["description"]
    assert found["og:title"] == "A first chapter"
    assert found["og:url"].startswith("https://")
    assert found["og:url"].endswith("/chapters/a.html")
    assert found["og:image"].endswith(".png"), "no service shows an SVG"


def test_another_page_by_its_first_bold_sentence_without_mathematics(tmp_path, environment):
    assert book(tmp_path) == ""
    assert metas(tmp_path, "chapters/b")["description"] == "The second page says it."
    assert metas(tmp_path, "genindex")["description"]


def test_a_page_may_say_it_itself(tmp_path, environment):
    header = '---\nmyst:\n  html_meta:\n    description: "Said & done."\n---\n'
    assert book(tmp_path, header + PLAIN) == ""
    found = metas(tmp_path, "chapters/b")
    assert found["description"] == found["og:description"] == "Said & done."


@pytest.mark.parametrize("page", ["# Second\n\nText.\n", "# Second\n\n**Only $x$ in a long sentence.**\n"])
def test_a_page_without_a_description_is_a_warning(tmp_path, environment, page):
    assert "no description" in book(tmp_path, page)
