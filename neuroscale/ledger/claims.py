r"""Claims as data: one YAML file a source, one entry a claim.

A **claim** is a statement that a source prints, or a theorem that this book proves.  Its entry holds the
statement as printed, the verdict of the book, the correction where one is due, and the chapter whose cells
decide it.  Chapters never restate a verdict: the book's extension renders it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["ORIGINS", "VERDICTS", "Claim", "Source", "claim", "claims", "sources"]

#: Verdict -> what it promises the reader.  ``open``: no executed check decides the claim yet.
VERDICTS: Mapping[str, str] = {
    "verified": "true as printed",
    "conditional": "true under a condition that the source omits or misstates",
    "corrected": "wrong as printed; the correction is given",
    "refuted": "false, with a counterexample or the computation that contradicts it",
    "assumption": "an assumption of the model: stated, not derivable",
    "empirical": "a statement about the world that only measurements decide",
    "theorem": "our own result, proved in the book",
    "conjecture": "our own result, supported but not proved",
    "open": "not decided yet: no executed check stands behind it",
}

_HEAD = ("source", "title", "claims")
_REQUIRED = ("id", "where", "statement", "verdict", "chapter")
_OPTIONAL = ("covers", "origin", "correction", "note", "tested")

#: Where a statement that the source itself does not print comes from.
ORIGINS: Mapping[str, str] = {
    "standard": "known in the field",
    "ours": "new in this book",
}


@dataclass(frozen=True)
class Claim:
    """One claim and its verdict.

    Attributes
    ----------
    id
        Permanent identifier, for example ``"zs-eq-9"``; also the anchor of its permalink.
    source
        Key of the source, for example ``"zhang-sui-2024"``.
    where
        Section or equation in the source.
    statement
        The claim as printed: Markdown with LaTeX between dollars.
    verdict
        A key of :data:`VERDICTS`.
    chapter
        Document that decides the claim, relative to ``chapters/``, for example ``"activation/dynamics"``.
    covers
        Keys of the source's inventory (equations and displays) that this claim answers for.
    correction, note
        Markdown; empty when there is nothing to add.
    origin
        A key of :data:`ORIGINS` for a statement that the source does not print; empty for one that it does.
    tested
        Document that tests the claim on measured data, where that is another one than `chapter`; else empty.
    """

    id: str
    source: str
    where: str
    statement: str
    verdict: str
    chapter: str
    covers: tuple[str, ...] = ()
    correction: str = ""
    note: str = ""
    origin: str = ""
    tested: str = ""

    @property
    def decided(self) -> bool:
        """Whether an executed check stands behind the verdict."""
        return self.verdict != "open"


@dataclass(frozen=True)
class Source:
    """A source text: what it is, what it displays, and the claims made of it.

    Attributes
    ----------
    key
        Short permanent key, for example ``"zhang-sui-2024"``.
    title
        What the ledger page calls it.
    citation
        Key of its entry in ``references.bib``; empty for this book's own theorems.
    inventory
        Every numbered equation and unnumbered display of the source, in order.
    claims
        Its claims, in the order of the source.
    """

    key: str
    title: str
    citation: str
    inventory: tuple[str, ...]
    claims: tuple[Claim, ...]


def _parse(text: str, name: str) -> Source:
    """Read one source file; raise ``ValueError`` that names the file, the entry and the defect."""
    data = yaml.safe_load(text)
    if not isinstance(data, dict):
        raise ValueError(f"{name}: a source is a mapping with the keys {', '.join(_HEAD)}")
    if missing := [key for key in _HEAD if not data.get(key)]:
        raise ValueError(f"{name}: missing {missing}")
    entries = []
    for entry in data["claims"]:
        if not isinstance(entry, dict):
            raise ValueError(f"{name}: claim {entry!r} must be a mapping")
        label = f"{name}: claim {entry.get('id', entry)!r}"
        missing = [key for key in _REQUIRED if not entry.get(key)]
        unknown = sorted(set(entry) - {*_REQUIRED, *_OPTIONAL})
        if missing or unknown:
            raise ValueError(f"{label}: missing {missing}, unknown {unknown}")
        if entry["verdict"] not in VERDICTS:
            raise ValueError(f"{label}: verdict {entry['verdict']!r} is none of {', '.join(VERDICTS)}")
        if entry.get("origin", "") not in {"", *ORIGINS}:
            raise ValueError(f"{label}: origin {entry['origin']!r} is none of {', '.join(ORIGINS)}")
        if entry["verdict"] == "corrected" and not entry.get("correction"):
            raise ValueError(f"{label}: a corrected claim needs its correction")
        entries.append(_claim(entry, data["source"]))
    return Source(
        key=data["source"],
        title=data["title"],
        citation=data.get("citation", ""),
        inventory=tuple(data.get("inventory", ())),
        claims=tuple(entries),
    )


def _claim(entry: Mapping[str, Any], source: str) -> Claim:
    text = {key: str(entry.get(key, "")).strip() for key in (*_REQUIRED, "correction", "note", "origin", "tested")}
    return Claim(source=source, covers=tuple(entry.get("covers", ())), **text)


@cache
def sources() -> Mapping[str, Source]:
    """All sources of the ledger, by key.

    Returns
    -------
    mapping of str to Source

    Raises
    ------
    ValueError
        When an entry lacks a field, has an unknown one, or repeats an identifier.

    Examples
    --------
    >>> from neuroscale.ledger import sources
    >>> "zhang-sui-2024" in sources()
    True
    """
    found: dict[str, Source] = {}
    seen: set[str] = set()
    folder = files("neuroscale.ledger")
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".yml")), key=lambda f: f.name):
        source = _parse(file.read_text(encoding="utf8"), file.name)
        for entry in source.claims:
            if entry.id in seen:
                raise ValueError(f"{file.name}: claim id {entry.id!r} appears twice")
            seen.add(entry.id)
        found[source.key] = source
    return found


@cache
def claims() -> Mapping[str, Claim]:
    """All claims of all sources, by identifier.

    Examples
    --------
    >>> from neuroscale.ledger import claims
    >>> claims()["zs-eq-1"].chapter
    'activation/preliminaries'
    """
    return {entry.id: entry for source in sources().values() for entry in source.claims}


def claim(claim_id: str) -> Claim:
    """One claim by its identifier.

    Parameters
    ----------
    claim_id
        For example ``"zs-eq-9"``.

    Raises
    ------
    KeyError
        When the ledger has no such claim; the message offers the nearest identifiers.

    Examples
    --------
    >>> from neuroscale.ledger import claim
    >>> claim("zs-eq-1").verdict
    'verified'
    """
    from difflib import get_close_matches

    try:
        return claims()[claim_id]
    except KeyError:
        near = ", ".join(get_close_matches(str(claim_id), claims(), n=3)) or "none is close"
        raise KeyError(f"claim_id={claim_id!r} is not in the ledger (nearest: {near})") from None
