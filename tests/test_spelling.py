"""The prose is spelt as British English, and the checker finds what is not."""

from __future__ import annotations

import sys

import pytest
from book_source import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import spelling

PAGE = """\
---
kernelspec:
  name: pythonn3
---

(ch-labell)=
# The begining

A good $\\wrongg$ line with `codde`, {ref}`ch-labell`, {ref}`a targget <ch-labell>` and a [linkk](http://wrongg.example).

```{code-cell} ipython3
---
mystnb:
  image:
    alt: A figuree.
  figure:
    name: fig-wrongg
    caption: |
      First line of $\\wrongg$.
      A secnd line.
---
wrongg = 1
```

:::{note}
:class: wrongg
The color of Yor.
:::

``{claim}`wrongg` `` and `{claim}` are code, but behavior is not.
"""
MISTAKES = [
    (7, "begining"),
    (9, "targget"),
    (9, "linkk"),
    (15, "figuree"),
    (20, "secnd"),
    (27, "color"),
    (30, "behavior"),
]


def test_every_mistake_is_found_and_nothing_else():
    assert list(spelling.unknown(PAGE)) == MISTAKES


def test_file_line_word_and_the_british_form(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf8")
    assert f"{page}:27: color (British: colour)" in list(spelling.check([page]))


LEDGER = """\
source: a-sourse
title: Not read
inventory:
  - key: eq-wrongg
claims:

  - id: zs-wrongg
    where: Secton 1
    statement: |
      We generalize, as the sorce prints.
      It has $wrongg$.
    verdict: corrected
    correction: We generalize to `codde`
    chapter: part/wrongg

  - id: ns-wrongg
    where: Here
    statement: |
      Our color.
    note: |
      A notte,
      of two linnes.
    origin: ours
"""
SLIPS = [(8, "Secton"), (10, "sorce"), (13, "generalize"), (19, "color"), (21, "notte"), (22, "linnes")]


def test_the_ledger_is_read_and_its_sources_may_be_american(tmp_path):
    page = tmp_path / "source.yml"
    page.write_text(LEDGER, encoding="utf8")
    found = [line.removeprefix(f"{page}:").split(" (")[0] for line in spelling.check([page])]
    assert found == [f"{number}: {word}" for number, word in SLIPS]


MODULE = '''\
r"""A modul with ``codde``, :func:`~there.wrongg` and :math:`\\wrongg`."""

wrongg = 1  # wrongg


def wrongg(wrongg):
    r"""Shows the color.

    Parameters
    ----------
    wrongg, wrongg2 : float of any shapee
        Its descripton.

    Returns
    -------
    ndarrayy
        The resullt.

    Notes
    -----
    .. math::

       \\wrongg

    A secnd line.

    Examples
    --------
    >>> wrongg(1)
    wrongg
    """
'''


def test_docstrings_are_read(tmp_path):
    page = tmp_path / "module.py"
    page.write_text(MODULE, encoding="utf8")
    found = [line.removeprefix(f"{page}:").split(" (")[0] for line in spelling.check([page])]
    assert found == ["1: modul", "7: color", "12: descripton", "17: resullt", "25: secnd"]


@pytest.mark.parametrize("word", ["colour", "normalise", "behaviour", "softmax", "Yor", "it's", "labelled"])
def test_known(word):
    assert spelling.known(word)


@pytest.mark.parametrize("word", ["color", "normalize", "behavior", "yor", "teh", "labeled", "Center"])
def test_unknown(word):
    assert not spelling.known(word)


def test_the_word_list_is_sorted_and_needed():
    words = spelling.WORDS.read_text(encoding="utf8").split()
    assert words == sorted(set(words), key=lambda word: (word.casefold(), word))
    # a word that the dictionary knows need not be listed, unless codespell takes it for American
    idle = [w for w in words if w in spelling.dictionary() and w not in spelling.american()]
    assert not idle


def test_the_book_is_spelt_well():
    pages = sorted(path for pattern in spelling.PROSE for path in ROOT.glob(pattern))
    assert len(pages) > 30
    assert not list(spelling.check(pages))
