"""Citations with permanent addresses: of a page of the book, of a single claim, and of a theorem."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

import neuroscale

from .claims import claim

__all__ = ["DATE", "SITE", "YEAR", "bibtex", "citation", "plain", "statements"]

#: Where the book is published; addresses below it never change.
SITE = "https://neuroscale-book.github.io/neuroscale"
#: Day of the present version, as in CITATION.cff.
DATE = "2026-11-26"
YEAR = int(DATE[:4])


@cache
def statements() -> dict[str, dict[str, str]]:
    """Kind, title and page of every theorem, proposition and lemma of the book, by its label.

    Examples
    --------
    >>> from neuroscale.ledger.cite import statements
    >>> statements()["thm-exact-growth"]["page"]
    'chapters/activation/dynamics'
    """
    return dict(json.loads((files(__package__) / "statements.json").read_text(encoding="utf8")))


def citation(name: str) -> str:
    """BibTeX entry of one claim or theorem, with its permalink and the version and date of the book.

    Parameters
    ----------
    name
        Identifier of a claim in the ledger, or label of a theorem, which ends the address of its link.

    Returns
    -------
    str
        A ``@misc`` entry.

    Raises
    ------
    KeyError
        For an unknown name.

    Examples
    --------
    >>> import neuroscale
    >>> print(neuroscale.citation("zs-eq-9").splitlines()[0])
    @misc{neuroscale:zs-eq-9,
    >>> print(neuroscale.citation("thm-exact-growth").splitlines()[2])
      title   = {Theorem: Exact growth (T2)},
    """
    if name in statements():
        it = statements()[name]
        return bibtex(name, f"{it['kind'].capitalize()}: {it['title']}", f"{it['page']}.html#{name}")
    entry = claim(name)
    return bibtex(name, f"{entry.where} ({entry.id}: {entry.verdict})", f"chapters/ledger.html#{name}")


def bibtex(key: str, title: str, address: str) -> str:
    """BibTeX entry of any address of the book.

    Parameters
    ----------
    key
        Ends the citation key; characters that BibTeX does not allow become hyphens.
    title
        Title of the page, claim or theorem.
    address
        Path below :data:`SITE`.

    Examples
    --------
    >>> from neuroscale.ledger.cite import bibtex
    >>> "version" in bibtex("dynamics", "The dynamics", "chapters/activation/dynamics.html")
    True
    """
    safe = re.sub(r"[^A-Za-z0-9-]+", "-", key).strip("-")
    return "\n".join(
        [
            f"@misc{{neuroscale:{safe},",
            "  author  = {{The Neuroscale authors}},",
            f"  title   = {{{title}}},",
            f"  howpublished = {{Neuroscale, version {neuroscale.__version__}}},",
            f"  version = {{{neuroscale.__version__}}},",
            f"  date    = {{{DATE}}},",
            f"  year    = {{{YEAR}}},",
            f"  url     = {{{SITE}/{address}}}",
            "}",
        ]
    )


def plain(title: str, address: str) -> str:
    """One-line citation of any address of the book.

    Examples
    --------
    >>> from neuroscale.ledger.cite import plain
    >>> plain("The dynamics", "chapters/activation/dynamics.html").startswith("The Neuroscale authors (")
    True
    """
    return f"The Neuroscale authors ({YEAR}). {title}. Neuroscale, version {neuroscale.__version__}. {SITE}/{address}"
