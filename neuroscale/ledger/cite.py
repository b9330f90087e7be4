"""Citations with permanent addresses: of a page of the book, and of a single claim."""

from __future__ import annotations

import re

import neuroscale

from .claims import claim

__all__ = ["DATE", "SITE", "YEAR", "bibtex", "citation", "plain"]

#: Where the book is published; addresses below it never change.
SITE = "https://neuroscale-book.github.io/neuroscale"
#: Day of the present version, as in CITATION.cff.
DATE = "2026-11-26"
YEAR = int(DATE[:4])


def citation(claim_id: str) -> str:
    """BibTeX entry of one claim, with its permalink and the version and date of the book.

    Parameters
    ----------
    claim_id
        Identifier in the ledger.

    Returns
    -------
    str
        A ``@misc`` entry.

    Raises
    ------
    KeyError
        For an unknown claim.

    Examples
    --------
    >>> import neuroscale
    >>> print(neuroscale.citation("zs-eq-9").splitlines()[0])
    @misc{neuroscale:zs-eq-9,
    """
    entry = claim(claim_id)
    return bibtex(claim_id, f"{entry.where} ({entry.id}: {entry.verdict})", f"chapters/ledger.html#{claim_id}")


def bibtex(key: str, title: str, address: str) -> str:
    """BibTeX entry of any address of the book.

    Parameters
    ----------
    key
        Ends the citation key; characters that BibTeX does not allow become hyphens.
    title
        Title of the page or claim.
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
