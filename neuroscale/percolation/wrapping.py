r"""Thresholds from clusters that wrap around a periodic box, by the algorithm of Newman and Ziff [NZ01]_.

Sites (or bonds) of a box with periodic faces are occupied one after the other in random order; union-find keeps, for
each site, how often the path to the root of its cluster has crossed the faces.  A cluster **wraps** when a loop in it
has crossed a face more often in one direction than in the other.  One run gives the numbers :math:`n` of occupied
sites at which wrapping first happens, and hence the probability at *every* occupation :math:`p` of the :math:`M` sites,

.. math:: R_L(p)=\mathbb E\,P(\mathrm{Bin}(M,p)\ge n).

In two dimensions the limit :math:`R_\infty(p_c)` is known from conformal invariance [Pin94]_, and the :math:`p` that
solves :math:`R_L(p)=R_\infty(p_c)` differs from the threshold by :math:`O(L^{-11/4})` only.

.. [NZ01] Newman & Ziff, Phys. Rev. E 64, 016706 (2001).
.. [Pin94] Pinson, J. Stat. Phys. 75, 1167 (1994).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from . import _wrapping_kernels as kernels
from .growth import Kind

__all__ = ["SQUARE_WRAPPING", "ThresholdEstimate", "WrappingSweep", "wrapping_crossing", "wrapping_sweep"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rule = Literal["any", "axis", "all"]
_RULES: tuple[Rule, ...] = ("any", "axis", "all")

#: Wrapping probabilities of the square torus at the threshold, for every two-dimensional lattice (Newman & Ziff, 2001).
SQUARE_WRAPPING: dict[Rule, float] = {"any": 0.690473725, "axis": 0.521058290, "all": 0.351642855}


class ThresholdEstimate(NamedTuple):
    """An estimate and its standard error (statistical alone)."""

    value: float
    error: float


@dataclass(frozen=True)
class WrappingSweep:
    """When clusters first wrapped, in each of the runs.

    Attributes
    ----------
    length, dimension : int
        The box has ``length ** dimension`` sites.
    kind : {"site", "bond"}
        What was occupied.
    first : ndarray of int64, shape (n_runs, 3)
        Numbers of occupied sites or bonds at which a cluster first wrapped around any axis, around the first axis, and
        at which every axis had been wrapped around.
    """

    length: int
    dimension: int
    kind: Kind
    first: Integers

    @property
    def n_elements(self) -> int:
        """Number of sites, or of bonds, of the box."""
        return int(self.length**self.dimension) * (self.dimension if self.kind == "bond" else 1)

    def probability(self, p: ArrayLike, rule: Rule = "axis") -> Floats:
        """Probability that clusters wrap at occupation `p`, estimated from the runs.

        Parameters
        ----------
        p : array_like of float
            Occupation probability, in [0, 1].
        rule : {"any", "axis", "all"}
            Around which axes.

        Returns
        -------
        ndarray of float
            Same shape as `p`.

        Notes
        -----
        A binomial tail for each `p` and run: O(n_runs) for each `p`.

        Examples
        --------
        >>> from neuroscale.percolation import wrapping_sweep
        >>> wrapping_sweep(4, 2, n_runs=10, rng=1).probability([0.0, 1.0]).tolist()
        [0.0, 1.0]
        """
        occupation = np.atleast_1d(valid.reals("p", p, high=1.0))
        means = np.array([self._tails(float(value), rule).mean() for value in occupation.ravel()])
        return means.reshape(np.shape(p))

    def threshold(self, rule: Rule = "axis", level: float | None = None) -> ThresholdEstimate:
        """Occupation at which the wrapping probability has a given level.

        Parameters
        ----------
        rule : {"any", "axis", "all"}
            Around which axes.
        level : float, optional
            Between 0 and 1.  By default the exact one of the infinite lattice, known in two dimensions only.

        Returns
        -------
        ThresholdEstimate
            With the standard error of the runs (their spread at the solution over the slope there).

        Raises
        ------
        ValueError
            For a level outside its range, or none in more than two dimensions.

        Examples
        --------
        >>> from neuroscale.percolation import wrapping_sweep
        >>> estimate = wrapping_sweep(32, 2, kind="bond", n_runs=400, rng=1).threshold()
        >>> bool(abs(estimate.value - 0.5) < 5 * estimate.error)
        True
        """
        if level is None:
            if self.dimension != 2:
                raise ValueError(
                    f"level=None in dimension {self.dimension}: the exact one is known in 2 dimensions only; "
                    "give a level, or use wrapping_crossing"
                )
            level = SQUARE_WRAPPING[rule]
        level = valid.real("level", level, low=0.0, high=1.0, open_low=True, open_high=True)
        root = float(brentq(lambda p: float(self._tails(p, rule).mean()) - level, 1e-9, 1 - 1e-9, xtol=1e-12))
        return ThresholdEstimate(root, self._error(root, rule) / self._slope(root, rule))

    def _tails(self, p: float, rule: Rule) -> Floats:
        """``P(Bin(M, p) >= n)`` for each run."""
        from scipy.stats import binom  # late: most uses of the package need not pay for its import

        column = self.first[:, _RULES.index(valid.choice("rule", rule, _RULES))]
        return np.asarray(binom.sf(column - 1, self.n_elements, p), dtype=float)

    def _error(self, p: float, rule: Rule) -> float:
        return float(self._tails(p, rule).std(ddof=1) / np.sqrt(len(self.first)))

    def _slope(self, p: float, rule: Rule) -> float:
        """Derivative of the probability: the tail's is a binomial weight of ``M - 1`` trials."""
        from scipy.stats import binom

        column = self.first[:, _RULES.index(rule)]
        return float(self.n_elements * np.mean(binom.pmf(column - 1, self.n_elements - 1, p)))


def wrapping_sweep(
    length: int, dimension: int, *, kind: Kind = "site", n_runs: int, rng: np.random.Generator | int
) -> WrappingSweep:
    r"""Occupy periodic boxes until clusters wrap around them.

    Parameters
    ----------
    length : int
        Sites along each axis, at least 2; at most 4096, 100 and 20 in two, three and four dimensions.
    dimension : int
        2, 3 or 4.  In more dimensions the boxes that fit into memory are too short: see ``estimate_threshold``.
    kind : {"site", "bond"}
        What is occupied.
    n_runs : int
        Number of independent runs, at least 2.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    WrappingSweep

    Raises
    ------
    ValueError
        For arguments outside their range.

    Notes
    -----
    O(d) for each occupied site up to the inverse Ackermann function; a run ends once every axis is wrapped around.

    Examples
    --------
    >>> from neuroscale.percolation import wrapping_sweep
    >>> first = wrapping_sweep(8, 2, n_runs=5, rng=1).first
    >>> bool((first[:, 0] <= first[:, 1]).all() and (first[:, 1] <= first[:, 2]).all())
    True
    """
    dimension = valid.integer("dimension", dimension, low=2, high=4)
    length = valid.integer("length", length, low=2, high={2: 4096, 3: 100, 4: 20}[dimension])
    by_bond = valid.choice("kind", kind, ("site", "bond")) == "bond"
    n_runs = valid.integer("n_runs", n_runs, low=2)
    sites = np.arange(length**dimension, dtype=np.int32).reshape((length,) * dimension)
    shifted = [np.roll(sites, step, axis).ravel() for step in (-1, 1) for axis in range(dimension)]
    neighbours = np.ascontiguousarray(np.stack(shifted, axis=1))
    # a path visits each site once, so that it crosses a face at most length^(d-1) times, and a loop at most twice that
    units = 2 ** ((62 // dimension) * np.arange(dimension, dtype=np.int64))
    parent, winding = np.empty(sites.size, dtype=np.int32), np.empty(sites.size, dtype=np.int64)
    order = np.empty(sites.size * (dimension if by_bond else 1), dtype=np.int64)
    first = np.zeros((n_runs, 3), dtype=np.int64)
    kernels.first_wrapping(neighbours, by_bond, units, generator(rng), order, parent, winding, first)
    return WrappingSweep(length, dimension, kind, first)


def wrapping_crossing(small: WrappingSweep, large: WrappingSweep, rule: Rule = "axis") -> ThresholdEstimate:
    """Occupation at which boxes of two lengths wrap equally often: an estimate of the threshold in any dimension.

    Parameters
    ----------
    small, large : WrappingSweep
        Sweeps of one lattice, the second of longer boxes.
    rule : {"any", "axis", "all"}
        Around which axes.

    Returns
    -------
    ThresholdEstimate
        With its statistical error; the crossing itself moves with the lengths, through corrections to scaling.

    Raises
    ------
    ValueError
        For sweeps of different lattices, or lengths that do not grow.

    Examples
    --------
    >>> from neuroscale.percolation import wrapping_crossing, wrapping_sweep
    >>> small, large = (wrapping_sweep(length, 2, n_runs=200, rng=length) for length in (8, 32))
    >>> 0.57 < wrapping_crossing(small, large).value < 0.61
    True
    """
    if (small.dimension, small.kind) != (large.dimension, large.kind) or not small.length < large.length:
        ours = [(sweep.length, sweep.dimension, sweep.kind) for sweep in (small, large)]
        raise ValueError(f"sweeps have (length, dimension, kind) {ours}; one lattice and increasing lengths are needed")

    def gap(p: float) -> float:
        return float(large.probability(p, rule) - small.probability(p, rule))

    # between the points where the long box wraps in 2 and in 98 of 100 runs the two curves cross once
    low, high = (large.threshold(rule, level).value for level in (0.02, 0.98))
    if not gap(low) < 0 < gap(high):
        raise ValueError(f"the curves of lengths {small.length} and {large.length} do not cross: more runs are needed")
    root = float(brentq(gap, low, high, xtol=1e-12))
    noise = np.hypot(small._error(root, rule), large._error(root, rule))
    return ThresholdEstimate(root, float(noise / (large._slope(root, rule) - small._slope(root, rule))))
