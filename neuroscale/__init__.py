"""Neuroscale: the mathematics of neural scaling, executed and checked.

The subpackages mirror the parts of the book; :mod:`neuroscale.ledger` holds every claim to account.
"""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Offer ``neuroscale.citation`` without reading the ledger at import."""
    if name == "citation":
        from .ledger import citation

        return citation
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
