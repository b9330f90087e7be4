r"""Exact cluster numbers of small sizes, by counting lattice animals with their perimeters.

A cluster of :math:`s` sites is a connected set, a **lattice animal**, whose :math:`t` neighbouring sites, its
perimeter, are all empty.  With :math:`g_{s,t}` animals per lattice site (counted up to translation),

.. math:: n_s(p)=\sum_t g_{s,t}\,p^s(1-p)^t .

Redelmeier's algorithm [Red81]_ meets every animal once.

.. [Red81] Redelmeier, Discrete Mathematics 36, 191 (1981).
"""

from __future__ import annotations

from collections import Counter

from neuroscale import _validation as valid

__all__ = ["cluster_numbers"]

Site = tuple[int, ...]


def cluster_numbers(dimension: int, max_size: int) -> dict[int, dict[int, int]]:
    r"""Count the site animals of :math:`\mathbb Z^d` up to translation, by size and perimeter.

    Parameters
    ----------
    dimension : int
        Dimension of the lattice, 1 to 8.
    max_size : int
        Largest size, 1 to 12.

    Returns
    -------
    dict of int to dict of int to int
        ``result[s][t]`` is :math:`g_{s,t}`; perimeters in increasing order.

    Raises
    ------
    ValueError
        For arguments outside their range.

    Notes
    -----
    O(d s) for each animal; their number grows by about 4 a site in two dimensions and 8 in three: a second reaches size
    9 and 6.

    Examples
    --------
    >>> from neuroscale.percolation import cluster_numbers
    >>> cluster_numbers(2, 3)
    {1: {4: 1}, 2: {6: 2}, 3: {7: 4, 8: 2}}
    """
    dimension = valid.integer("dimension", dimension, low=1, high=8)
    max_size = valid.integer("max_size", max_size, low=1, high=12)
    found: dict[int, Counter[int]] = {size: Counter() for size in range(1, max_size + 1)}
    origin = (0,) * dimension
    _extend([], [origin], {origin}, max_size, found)
    return {size: dict(sorted(counts.items())) for size, counts in found.items()}


def _neighbours(site: Site) -> list[Site]:
    return [(*site[:axis], site[axis] + step, *site[axis + 1 :]) for axis in range(len(site)) for step in (-1, 1)]


def _extend(
    animal: list[Site], untried: list[Site], seen: set[Site], max_size: int, found: dict[int, Counter[int]]
) -> None:
    """Add each untried site in turn, once and for all; ``seen`` are the animal, its untried and its refused sites."""
    origin = (0,) * len(untried[0])
    while untried:
        site = untried.pop()
        animal.append(site)
        members = set(animal)
        perimeter = {other for member in animal for other in _neighbours(member)} - members
        found[len(animal)][len(perimeter)] += 1
        if len(animal) < max_size:
            # the origin is the smallest site in lexicographic order, so that each animal is met in one position
            fresh = [other for other in _neighbours(site) if other > origin and other not in seen]
            if untried or fresh:
                _extend(animal, [*untried, *fresh], seen | set(fresh), max_size, found)
        animal.pop()
