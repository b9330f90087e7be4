r"""The Pitman-Yor urn: one rule for clusters that never run out and for a fixed number of neurons.

The next datum joins cluster :math:`j`, which has :math:`n_j` of the :math:`D` data, or a new one, with probability

.. math::

   \frac{n_j-a}{D+\theta},\qquad\frac{\theta+aK}{D+\theta}.

:math:`a` is the **discount** and :math:`\theta` the **concentration**.  With :math:`0\le a<1`, :math:`\theta>-a` new
clusters never end; with :math:`a=-b<0`, :math:`\theta=bN` there are :math:`N` types, symmetric Dirichlet(:math:`b`).  A
partition into clusters of :math:`n_1,\dots,n_K` data has, in either branch, the probability

.. math::

   \frac{\prod_{i=1}^{K-1}(\theta+ia)}{(\theta+1)_{D-1}}\prod_{j=1}^K(1-a)_{n_j-1},

and a new datum's cluster has :math:`\mathrm{BetaBinomial}(D;\,1-a,\,\theta+a)` of the first :math:`D` data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from neuroscale import _validation as valid
from neuroscale.numerics import log_gamma_quotient
from neuroscale.randomness import generator

from . import _kernels
from ._laws import arrivals, log_arrival, log_beta_binomial, log_rising

__all__ = ["PitmanYor"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rng = np.random.Generator | int
#: Relative distance of concentration / |discount| from an integer that counts as rounding.
_ROUNDING = 1e-9
#: What the finite kernel takes for no limit on the number of types.
_ENDLESS = 2**62
#: Room for this many clusters at first, and four times as many for each that does not fit.
_FIRST = 1024


@dataclass(frozen=True)
class PitmanYor:
    r"""Pitman-Yor urn with any discount.

    Parameters
    ----------
    discount : float
        :math:`a<1`; for clusters of a critical lattice it is :math:`\tau-2`.
    concentration : float
        :math:`\theta>-a` where :math:`a\ge0`; where the discount is negative, a whole multiple :math:`N|a|` of it.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements ``br-one-urn``; derived in ``chapters/percolation/one_urn.md``.

    Examples
    --------
    >>> from neuroscale.urn import PitmanYor
    >>> PitmanYor(0.5, 0.0).clusters([1, 100, 10_000]).round(2).tolist()
    [1.0, 11.27, 112.84]
    >>> PitmanYor.finite(50, 0.5).clusters([1, 100, 10_000]).round(2).tolist()
    [1.0, 27.91, 47.54]
    """

    discount: float
    concentration: float

    def __post_init__(self) -> None:
        a = valid.real("discount", self.discount, low=-1e300, high=1, open_high=True)
        theta = valid.real("concentration", self.concentration, low=-max(a, 0.0), open_low=True)
        object.__setattr__(self, "discount", a)
        object.__setattr__(self, "concentration", theta)
        if a < 0.0 and (theta / -a < 0.5 or abs(theta / -a / round(theta / -a) - 1.0) > _ROUNDING):
            raise ValueError(
                f"concentration={theta!r} must be a whole multiple of -discount={-a!r}; see PitmanYor.finite"
            )

    @classmethod
    def finite(cls, n_types: int, weight: float) -> PitmanYor:
        """The urn with a fixed number of types, whose masses are symmetric Dirichlet.

        Parameters
        ----------
        n_types : int
            Number of types :math:`N`, at least 1.
        weight : float
            Parameter :math:`b>0` of the Dirichlet law: discount ``-b``, concentration ``b N``.

        Examples
        --------
        >>> from neuroscale.urn import PitmanYor
        >>> PitmanYor.finite(100, 0.5)
        PitmanYor(discount=-0.5, concentration=50.0)
        """
        b = valid.real("weight", weight, low=0, open_low=True)
        return cls(-b, b * valid.integer("n_types", n_types, low=1, high=2**53))

    @property
    def n_types(self) -> int | None:
        """Number :math:`N` of types on the finite branch, None on the other."""
        return round(self.concentration / -self.discount) if self.discount < 0.0 else None

    @property
    def _rest(self) -> float:
        """Concentration plus discount; on the finite branch without subtracting."""
        types = self.n_types
        return self.concentration + self.discount if types is None else -self.discount * (types - 1)

    # -- means --------------------------------------------------------------------------------------------------

    def unseen_mass(self, D: ArrayLike) -> Floats:
        r"""Expected mass of what `D` data have not shown: the probability that datum ``D + 1`` starts a cluster.

        Parameters
        ----------
        D : array_like of float
            Number of data, at least 0.

        Returns
        -------
        ndarray of float
            :math:`(\theta+a)_D/(\theta+1)_D`, falling as :math:`D^{-(1-a)}`.  O(1) per element.

        Notes
        -----
        Implements ``br-urn-unseen``.

        Examples
        --------
        >>> from neuroscale.urn import PitmanYor
        >>> PitmanYor(0.5, 0.0).unseen_mass([0, 1, 2]).round(12).tolist()    # the return probabilities of a walk
        [1.0, 0.5, 0.375]
        """
        return np.asarray(np.exp(log_arrival(valid.reals("D", D), self.discount, self._rest)))

    def clusters(self, D: ArrayLike, start: tuple[float, float] = (0.0, 0.0)) -> Floats:
        r"""Expected number of clusters after `D` data, :math:`\mathbb E\,K_D`.

        Parameters
        ----------
        D : array_like of float
            Number of data, at least ``start[0]``.
        start : (float, float)
            Known start: after the first number of data there were as many clusters as the second says.

        Returns
        -------
        ndarray of float
            Relative error below 1e-12 for `D` up to 1e13.  O(1) per element.

        Notes
        -----
        Implements ``br-urn-clusters``: :math:`\frac\theta a\bigl[\frac{(\theta+a)_D}{(\theta)_D}-1\bigr]`, its limit
        :math:`\theta\,[\psi(\theta+D)-\psi(\theta)]` at :math:`a=0`, and :math:`N(1-P(\text{type not seen}))` on the
        finite branch, each written without cancellation.

        Examples
        --------
        >>> from neuroscale.urn import PitmanYor
        >>> urn = PitmanYor(0.0, 2.0)
        >>> round(float(urn.clusters(3)), 12), float(urn.clusters(3, start=(2, 2)))
        (2.166666666667, 2.5)
        """
        since = valid.real("start[0]", start[0], low=0)
        most = since if self.n_types is None else min(float(self.n_types), since)
        known = valid.real("start[1]", start[1], low=min(since, 1.0), high=most)
        elapsed = valid.reals("D", D, low=since) - since
        a, theta = self.discount, self.concentration
        if self.n_types is not None:
            missed = log_gamma_quotient(self._rest + since, -a, elapsed)
            return np.asarray(known - (self.n_types - known) * np.expm1(missed))
        chance = 1.0 if since == 0.0 else (theta + a * known) / (theta + since)
        return np.asarray(known + chance * arrivals(elapsed, a, theta + since))

    # -- laws ---------------------------------------------------------------------------------------------------

    def log_count_pmf(self, k: ArrayLike, D: int) -> Floats:
        r"""Log-probability that the cluster of a new datum holds `k` of the first `D` data.

        Parameters
        ----------
        k : array_like of int
            Counts, at least 0; above `D` the result is minus infinity.
        D : int
            Number of data, at least 0.

        Returns
        -------
        ndarray of float
            :math:`\mathrm{BetaBinomial}(D;\,1-a,\,\theta+a)`.  O(1) per element.

        Notes
        -----
        Implements ``br-urn-unseen``.

        Examples
        --------
        >>> import numpy as np
        >>> from neuroscale.urn import PitmanYor
        >>> np.exp(PitmanYor(0.0, 1.0).log_count_pmf([0, 1, 2], 2)).round(12).tolist()
        [0.333333333333, 0.333333333333, 0.333333333333]
        """
        count, data = valid.reals("k", k), float(valid.integer("D", D, low=0, high=2**53))
        inside = np.minimum(count, data)
        return np.where(count > data, -np.inf, log_beta_binomial(inside, data, 1.0 - self.discount, self._rest))

    def log_cluster_mean(self, k: ArrayLike, D: int) -> Floats:
        r"""Logarithm of the expected number of clusters that hold exactly `k` of `D` data.

        Parameters
        ----------
        k : array_like of int
            Counts, at least 1; above `D` the result is minus infinity.
        D : int
            Number of data, at least 1.

        Returns
        -------
        ndarray of float
            :math:`D/k` times the probability that a random one of the data is in such a cluster.  O(1) per element.

        Examples
        --------
        >>> import numpy as np
        >>> from neuroscale.urn import PitmanYor
        >>> urn = PitmanYor(0.5, 0.0)
        >>> bool(abs(np.exp(urn.log_cluster_mean(range(1, 51), 50)).sum() / urn.clusters(50) - 1) < 1e-12)
        True
        """
        count, data = valid.reals("k", k, low=1), valid.integer("D", D, low=1, high=2**53)
        return np.asarray(np.log(data) - np.log(count) + self.log_count_pmf(count - 1.0, data - 1))

    def log_probability(self, counts: ArrayLike) -> float:
        r"""Log-probability of one partition of the data into clusters of these sizes.

        Parameters
        ----------
        counts : array_like of int, shape (K,)
            Data in each cluster, at least 1, in any order.

        Returns
        -------
        float
            Minus infinity for more clusters than types.  O(K).

        Raises
        ------
        ValueError
            For no clusters, or a count that is no positive integer.

        Notes
        -----
        The same for every assignment of the data with these counts: the data are exchangeable.

        Examples
        --------
        >>> import numpy as np
        >>> from neuroscale.urn import PitmanYor
        >>> round(float(np.exp(PitmanYor(0.5, 0.0).log_probability([2, 1]))), 12)    # 1/2 stay, 1/2 leave: 1/2 * 1/4
        0.125
        """
        n = valid.integers("counts", counts, low=1, high=2**53).ravel().astype(float)
        if n.size == 0:
            raise ValueError("counts is empty; at least one cluster is needed")
        if self.n_types is not None and n.size > self.n_types:
            return -float("inf")
        a, theta = self.discount, self.concentration
        new = np.log(theta + a * np.arange(1, n.size)).sum()
        values, sizes = np.unique(n, return_counts=True)
        inside = sizes @ (log_rising(1.0 - a, values - 1.0) + gammaln(values))
        return float(new + inside - log_rising(1.0 + theta, n.sum() - 1.0) - gammaln(n.sum()))

    def predictive(self, counts: ArrayLike) -> Floats:
        """Where the next datum goes: the rule itself.

        Parameters
        ----------
        counts : array_like of int, shape (K,)
            Data in each cluster, at least 1.

        Returns
        -------
        ndarray of float, shape (K + 1,)
            Probability of each cluster; the last is that of a new one.

        Examples
        --------
        >>> from neuroscale.urn import PitmanYor
        >>> PitmanYor(0.5, 0.0).predictive([3, 1]).tolist()
        [0.625, 0.125, 0.25]
        """
        most = 2**53 if self.n_types is None else self.n_types
        n = valid.integers("counts", counts, low=1, high=2**53).ravel()
        if n.size > most:
            raise ValueError(f"counts holds {n.size} clusters; there are {most} types")
        weights = np.append(n - self.discount, self.concentration + self.discount * n.size)
        return np.asarray(weights / (n.sum() + self.concentration)) if n.size else np.ones(1)

    # -- randomness ---------------------------------------------------------------------------------------------

    def simulate(self, D: int, *, rng: Rng) -> Integers:
        """Simulate the urn literally, one datum after the other.

        Parameters
        ----------
        D : int
            Number of data, at least 1.
        rng : numpy.random.Generator or int
            Source of randomness.

        Returns
        -------
        ndarray of int64, shape (D,)
            The cluster of each datum, numbered from 0 in order of appearance.

        Notes
        -----
        Uses the rule and nothing else; O(D / (1 - max(discount, 0))) time on average, O(D) memory.

        Examples
        --------
        >>> import numpy as np
        >>> from neuroscale.urn import PitmanYor
        >>> labels = PitmanYor(0.5, 0.0).simulate(1000, rng=0)
        >>> int(np.bincount(labels).sum()), int(labels[0])
        (1000, 0)
        """
        labels = np.empty(valid.integer("D", D, low=1, high=2**40), dtype=np.int64)
        _kernels.seat(generator(rng), self.discount, self.concentration, labels, np.empty_like(labels))
        return labels

    def sample_counts(self, D: int, *, rng: Rng) -> Integers:
        """Draw the data in each cluster from their exact law.

        Parameters
        ----------
        D : int
            Number of data, at least 1.
        rng : numpy.random.Generator or int
            Source of randomness.

        Returns
        -------
        ndarray of int64, shape (K,)
            In order of appearance.

        Notes
        -----
        The cluster of the first datum holds a beta-binomial number of the others, and what is left is the urn with
        the concentration raised by the discount.  O(K) for any `D`.

        Examples
        --------
        >>> from neuroscale.urn import PitmanYor
        >>> int(PitmanYor(0.5, 0.0).sample_counts(10**9, rng=0).sum())
        1000000000
        """
        draw, D = generator(rng), valid.integer("D", D, low=1, high=2**53)
        types = _ENDLESS if self.n_types is None else self.n_types
        length = min(D, types, _FIRST)
        while True:
            counts, state = np.empty(length, dtype=np.int64), draw.bit_generator.state
            found = _kernels.peel(draw, D, self.discount, self._rest, types, counts)
            if found >= 0:
                return counts[:found].copy()
            # too short for this draw: the same draw again, with more room
            draw.bit_generator.state = state
            length = min(D, types, 4 * length)
