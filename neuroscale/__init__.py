"""Neuroscale: the mathematics of neural scaling, executed and checked.

The subpackages mirror the parts of the book; :mod:`neuroscale.ledger` holds every claim to account.
"""

__version__ = "0.1.0"
