"""Numbered statements have a link to themselves."""

import re

from projects import build, write
from statement_links import link

PAGE = """\
# Page

:::{prf:theorem} A title
:label: thm-x
Text.
:::

:::{prf:proof}
None.
:::

:::{exercise} Another
:label: ex-y
Text.
:::
"""


def test_theorems_and_exercises_but_no_proofs(tmp_path):
    write(tmp_path, {"index.md": PAGE})
    assert build(tmp_path, ["sphinx_proof", "sphinx_exercise", "statement_links"])[1] == ""
    page = (tmp_path / "_build/html/index.html").read_text(encoding="utf8")
    linked = re.findall(r'href="#([^"]+)" title="Link to this (\w+)">#</a></p>', page)
    assert linked == [("thm-x", "theorem"), ("ex-y", "exercise")]
    assert 'id="thm-x"' in page
    assert 'id="ex-y"' in page


def test_a_theorem_of_the_book_ends_with_its_bibtex(tmp_path):
    page = PAGE.replace("thm-x", "thm-exact-growth")
    files = {"index.md": "# Book\n\n```{toctree}\nchapters/activation/dynamics\n```\n"}
    write(tmp_path, {**files, "chapters/activation/dynamics.md": page})
    assert build(tmp_path, ["sphinx_proof", "sphinx_exercise", "statement_links"])[1] == ""
    built = (tmp_path / "_build/html/chapters/activation/dynamics.html").read_text(encoding="utf8")
    assert built.count("@misc{neuroscale:") == 1
    assert "@misc{neuroscale:thm-exact-growth," in built.partition("Text.")[2].partition("None.")[0]


def test_other_boxes_stay():
    page = '<div class="admonition note" id="x">\n<p class="admonition-title">Note</p>'
    assert link(page) == page
