"""One way to turn a seed into independent streams."""

from __future__ import annotations

import numpy as np

__all__ = ["generator", "streams"]


def generator(rng: np.random.Generator | int) -> np.random.Generator:
    """Return a generator for a seed, or the generator itself.

    Parameters
    ----------
    rng : numpy.random.Generator or int
        A generator is used as it is (and advanced); a non-negative integer seeds a new PCG64.

    Raises
    ------
    ValueError
        For a negative seed or anything else.

    Examples
    --------
    >>> from neuroscale.randomness import generator
    >>> int(generator(1).integers(1000)) == int(generator(1).integers(1000))
    True
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0:
        return np.random.default_rng(int(rng))
    raise ValueError(f"rng={rng!r} must be a numpy.random.Generator or a non-negative integer")


def streams(rng: np.random.Generator | int, count: int) -> list[np.random.Generator]:
    """Split a generator into independent streams, the same however many threads use them.

    Parameters
    ----------
    rng : numpy.random.Generator or int
        As for :func:`generator`.
    count : int
        Number of streams, at least 1.

    Notes
    -----
    Streams come from ``SeedSequence.spawn``; a second call on the same generator gives new streams.

    Examples
    --------
    >>> from neuroscale.randomness import streams
    >>> len(streams(0, 3))
    3
    """
    if count < 1:
        raise ValueError(f"count={count!r} must be at least 1")
    return list(generator(rng).spawn(count))
