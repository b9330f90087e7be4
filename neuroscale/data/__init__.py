r"""Published measurements as data: each number once, with its source.

Chapters print a published constant through ``glue`` from here, so that a value, its standard error and its reference
cannot drift apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

__all__ = ["Constant", "published_activations", "scaling_exponents"]

_REQUIRED = ("id", "value", "quantity", "source", "where")
_OPTIONAL = ("uncertainty", "note")


@dataclass(frozen=True)
class Constant:
    """One published number.

    Attributes
    ----------
    id
        Permanent identifier, for example ``"hoffmann-beta"``.
    value
        As printed in the source, in the unit that `quantity` names.
    uncertainty
        One standard error as printed, positive; None where the source prints none.
    quantity
        What the number is: Markdown with LaTeX between dollars.
    source
        Key of the source in ``references.bib``, or ``"web: "`` and a page that is neither a paper nor reviewed.
    where
        Equation, table or section of the source.
    note
        What a reader should mind; empty when there is nothing.
    """

    id: str
    value: float
    uncertainty: float | None
    quantity: str
    source: str
    where: str
    note: str = ""

    def __float__(self) -> float:
        return self.value


@cache
def scaling_exponents() -> Mapping[str, Constant]:
    """Published exponents and coefficients of scaling laws, by identifier.

    Returns
    -------
    mapping of str to Constant
        Read-only, in the order of ``scaling_exponents.yml``.

    Raises
    ------
    ValueError
        When an entry of the file lacks a field, has an unknown one, repeats an identifier, or its number is not finite;
        the message names the entry and the defect.

    Examples
    --------
    >>> from neuroscale.data import scaling_exponents
    >>> beta = scaling_exponents()["replication-beta"]
    >>> beta.value, beta.uncertainty, beta.source
    (0.3658, 0.02, 'besiroglu2024chinchilla')
    >>> float(scaling_exponents()["kaplan-joint-alpha-d"])
    0.103
    """
    return _load("scaling_exponents.yml")


@cache
def published_activations() -> Mapping[str, Constant]:
    """Published measurements of activations: concentration, sparsity, dead neurons; by identifier.

    Returns
    -------
    mapping of str to Constant
        Read-only, in the order of ``published_activations.yml``; shares are in [0, 1].

    Raises
    ------
    ValueError
        As for :func:`scaling_exponents`.

    Examples
    --------
    >>> from neuroscale.data import published_activations
    >>> share = published_activations()["powerinfer-opt-block"]
    >>> share.value, share.source
    (0.26, 'song2023powerinfer')
    """
    return _load("published_activations.yml")


def _load(name: str) -> Mapping[str, Constant]:
    return _parse((files("neuroscale.data") / name).read_text(encoding="utf8"), name)


def _parse(text: str, name: str) -> Mapping[str, Constant]:
    """Read a data file; raise ``ValueError`` that names the file, the entry and the defect.

    >>> _parse("[{id: x, value: 1.0, quantity: q, source: s, where: w, uncertainty: -1}]", "f.yml")
    Traceback (most recent call last):
    ValueError: f.yml: 'x': uncertainty=-1 must be a positive finite number
    """
    data = yaml.safe_load(text)
    if not isinstance(data, list):
        raise ValueError(f"{name}: a data file is a list of entries")
    found: dict[str, Constant] = {}
    for entry in data:
        if not isinstance(entry, dict):
            raise ValueError(f"{name}: entry {entry!r} must be a mapping")
        label = f"{name}: {entry.get('id', entry)!r}"
        missing = [key for key in _REQUIRED if key not in entry]
        unknown = sorted(set(entry) - {*_REQUIRED, *_OPTIONAL})
        if missing or unknown:
            raise ValueError(f"{label}: missing {missing}, unknown {unknown}")
        if entry["id"] in found:
            raise ValueError(f"{label}: the id appears twice")
        if not _finite(entry["value"]):
            raise ValueError(f"{label}: value={entry['value']!r} must be a finite number")
        error = entry.get("uncertainty")
        if error is not None and not (_finite(error) and error > 0):
            raise ValueError(f"{label}: uncertainty={error!r} must be a positive finite number")
        words = {key: str(entry.get(key, "")).strip() for key in ("id", "quantity", "source", "where", "note")}
        if empty := [key for key in ("id", "quantity", "source", "where") if not words[key]]:
            raise ValueError(f"{label}: empty {empty}")
        found[words["id"]] = Constant(
            value=float(entry["value"]), uncertainty=None if error is None else float(error), **words
        )
    return MappingProxyType(found)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
