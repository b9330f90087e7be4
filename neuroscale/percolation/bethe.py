r"""Percolation on the Bethe lattice: the exact law of a cluster.

Every site of the Bethe lattice has :math:`z=m+1` neighbours and there are no loops, so the cluster of the origin is a
branching process: the origin has :math:`\mathrm{Bin}(z,p)` children, every other site :math:`\mathrm{Bin}(m,p)`.
With Stirling's error :math:`e(y)=\ln\Gamma(y+1)-(y+\tfrac12)\ln y+y-\tfrac12\ln2\pi` its law is

.. math::

   P(|C|=s)=\frac{z\,(ms)!}{(s-1)!\,((m-1)s+2)!}\,p^{s-1}(1-p)^{(m-1)s+2}
   =A\,s^{-3/2}\,e^{-s/s_\xi}\;
   \frac{e^{\,e(ms)-e(s)-e((m-1)s)}}{\bigl(1+\frac1{(m-1)s}\bigr)\bigl(1+\frac2{(m-1)s}\bigr)} .

The second form is exact and loses no digit at any size; its last factor is below 1 and tends to 1, which is what the
rejection sampler of large sizes rests on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from neuroscale import _validation as valid
from neuroscale.numerics import log1pmx, stirling_error
from neuroscale.randomness import generator

from . import _bethe_kernels as kernels
from ._offspring import offspring_tables
from ._summation import upper_tail

__all__ = ["BetheLattice"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rng = np.random.Generator | int

#: The largest size that is drawn.
_LARGEST = 2**62


@dataclass(frozen=True)
class BetheLattice:
    r"""Bond percolation on the Bethe lattice, or site percolation given that the origin is occupied.

    Parameters
    ----------
    degree : int
        Number of neighbours of a site, :math:`z=m+1\ge3`.
    occupation : float
        Probability :math:`p` in (0, 1) that a bond (a site) is occupied.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    The float nearest to :math:`1/m` counts as exactly critical.  Claims ``br-cluster-law``, ``br-cutoff`` and
    ``br-order-parameter``; derived in ``chapters/percolation/clusters.md``.

    Examples
    --------
    >>> from neuroscale.percolation import BetheLattice
    >>> lattice = BetheLattice(degree=3, occupation=0.5)
    >>> lattice.cluster_pmf([1, 2, 3]).round(12).tolist()
    [0.125, 0.09375, 0.0703125]
    """

    degree: int
    occupation: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", valid.integer("degree", self.degree, low=3, high=10**9))
        p = valid.real("occupation", self.occupation, low=0, high=1, open_low=True, open_high=True)
        object.__setattr__(self, "occupation", p)

    @classmethod
    def critical(cls, degree: int) -> BetheLattice:
        """The lattice at its threshold :math:`p_c=1/(z-1)`.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> BetheLattice.critical(5).occupation
        0.25
        """
        return cls(degree, 1.0 / (valid.integer("degree", degree, low=3, high=10**9) - 1))

    # -- constants ----------------------------------------------------------------------------------------------

    @property
    def critical_occupation(self) -> float:
        """Threshold :math:`p_c = 1/m`."""
        return 1.0 / (self.degree - 1)

    @property
    def offspring_variance(self) -> float:
        r"""Variance :math:`\sigma_{\!o}^2=mp(1-p)` of the number of children; at :math:`p_c`, :math:`(z-2)/(z-1)`."""
        return (self.degree - 1) * self.occupation * (1.0 - self.occupation)

    @property
    def amplitude(self) -> float:
        r"""Prefactor :math:`A` of :math:`A\,s^{-3/2}e^{-s/s_\xi}`; at :math:`p_c`, :math:`z/\sqrt{2\pi m(m-1)}`."""
        m, p = self.degree - 1, self.occupation
        return (m + 1) * (1 - p) ** 2 / p * math.sqrt(m / (2 * math.pi * (m - 1))) / (m - 1) ** 2

    @property
    def _distance(self) -> float:
        """:math:`mp-1`, without rounding on the way; zero at the float nearest to :math:`p_c`."""
        if self.occupation == self.critical_occupation:
            return 0.0
        return float((self.degree - 1) * Fraction(self.occupation) - 1)

    @property
    def _decay(self) -> float:
        r"""Rate :math:`1/s_\xi` of the exponential cutoff; the linear terms of its two logarithms cancel."""
        rest = self.degree - 2
        return float(-log1pmx(self._distance) - rest * log1pmx(-self._distance / rest))

    def cutoff(self) -> float:
        r"""Size :math:`s_\xi` beyond which the law of finite clusters falls exponentially; infinite at :math:`p_c`.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> BetheLattice.critical(3).cutoff(), round(BetheLattice(3, 0.495).cutoff(), 1)
        (inf, 9999.5)
        """
        return math.inf if self._decay == 0.0 else 1.0 / self._decay

    def _survival(self) -> float:
        r"""Root :math:`y=1-Q` of :math:`1-y=(1-py)^m`: the probability that a child's descent never ends."""
        if self._distance <= 0.0:
            return 0.0
        m, p = self.degree - 1, self.occupation
        # between the minimum of this convex function and 1 there is one root, the one above 0
        lowest = -math.expm1(-math.log1p(self._distance) / (m - 1)) / p
        found = optimize.brentq(lambda y: y + math.expm1(m * math.log1p(-p * y)), lowest, 1.0, xtol=1e-300)
        return float(found)

    def order_parameter(self) -> float:
        r"""Probability :math:`\theta=1-(1-p+pQ)^z` that the cluster of the origin is infinite.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> BetheLattice(3, 0.5).order_parameter(), round(BetheLattice(3, 0.75).order_parameter(), 12)
        (0.0, 0.962962962963)
        """
        return -math.expm1(self.degree * math.log1p(-self.occupation * self._survival()))

    def mean_size(self) -> float:
        r"""Mean size of the origin's cluster where it is finite, :math:`\sum_s s\,P(|C|=s)`; infinite at :math:`p_c`.

        Below :math:`p_c` it is :math:`(1+p)/(1-mp)`.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> BetheLattice(3, 0.25).mean_size(), BetheLattice(3, 0.5).mean_size()
        (2.5, inf)
        """
        return self._factorial_moments()[0]

    def mean_square_size(self) -> float:
        r"""Mean square of a finite cluster's size, :math:`\sum_s s^2\,P(|C|=s)`; infinite at :math:`p_c`.

        It diverges as :math:`|p-p_c|^{-3}`; below :math:`p_c` the variance is this less the square of
        :meth:`mean_size`.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> BetheLattice(3, 0.25).mean_square_size(), BetheLattice(3, 0.5).mean_square_size()
        (10.75, inf)
        """
        first, second = self._factorial_moments()
        return first + second

    def _factorial_moments(self) -> tuple[float, float]:
        """First two derivatives of the generating function of finite clusters at 1; see the chapter on clusters."""
        if self._distance == 0.0:
            return math.inf, math.inf
        z, m, p = self.degree, self.degree - 1, self.occupation
        ends = 1.0 - p * self._survival()  # 1 - p + p T(1), with T = t (1 - p + p T)^m
        gap = -self._distance if self._distance < 0.0 else 1.0 - m * p * ends ** (m - 1)
        slope = p * ends**m / gap  # p T'
        bend = p * m * ends ** (m - 2) * slope * (2.0 * ends + (m - 1) * slope) / gap  # p T''
        first = ends ** (z - 1) * (ends + z * slope)
        second = z * ends ** (z - 2) * (ends * (2.0 * slope + bend) + (z - 1) * slope**2)
        return first, second

    # -- law of the size ----------------------------------------------------------------------------------------

    def log_cluster_pmf(self, s: ArrayLike) -> Floats:
        """Log-probability that the cluster of the origin has `s` sites.

        Parameters
        ----------
        s : array_like of float
            Sizes, at least 1; real values extend the law smoothly.

        Returns
        -------
        ndarray of float
            Same shape as `s`; absolute error below 1e-13 plus one unit in the last place.  O(1) per element.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> round(float(BetheLattice.critical(3).log_cluster_pmf(1e9)), 9)
        -31.251798593
        """
        sizes = valid.reals("s", s, low=1.0)
        return self._log_regular(sizes) + math.log(self.amplitude) - 1.5 * np.log(sizes) - self._decay * sizes

    def cluster_pmf(self, s: ArrayLike) -> Floats:
        """Probability that the cluster of the origin has `s` sites.  Parameters as for :meth:`log_cluster_pmf`.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> round(float(BetheLattice(4, 0.5).cluster_pmf(1)), 12)    # (1 - p)^4
        0.0625
        """
        return np.asarray(np.exp(self.log_cluster_pmf(s)))

    def cluster_tail(self, s: ArrayLike) -> Floats:
        r"""Probability :math:`P(s\le|C|<\infty)` of a finite cluster of at least `s` sites.

        Parameters
        ----------
        s : array_like of int
            Sizes, at least 1.

        Returns
        -------
        ndarray of float
            Same shape as `s`; relative error below 1e-12.  O(1) per element, at any size: see ``_summation.py``.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> lattice = BetheLattice(3, 0.75)
        >>> float(lattice.cluster_tail(1) + lattice.order_parameter())
        1.0
        """
        sizes = valid.integers("s", s, low=1, high=_LARGEST)
        return upper_tail(self.cluster_pmf, self._decay, sizes)

    def _log_regular(self, sizes: Floats) -> Floats:
        """Logarithm of the last factor of the law, below 0 and vanishing with growing size."""
        m = self.degree - 1
        inverse = 1.0 / ((m - 1) * sizes)
        stirling = stirling_error(m * sizes) - stirling_error(sizes) - stirling_error((m - 1) * sizes)
        return np.asarray(stirling - np.log1p(inverse) - np.log1p(2.0 * inverse))

    # -- samplers -----------------------------------------------------------------------------------------------

    def sample_sizes(self, n: int, *, cap: int, rng: Rng) -> Integers:
        r"""Draw the sizes of independent clusters by growing them.

        Parameters
        ----------
        n : int
            Number of clusters, at least 0.
        cap : int
            Largest size that is resolved, at least 1; a larger or infinite cluster is returned as ``cap + 1``.
        rng : numpy.random.Generator or int
            Source of randomness.

        Returns
        -------
        ndarray of int64, shape (n,)

        Notes
        -----
        While at least :math:`B` sites wait for their children, the process cannot end within :math:`B` steps, so these
        are made at once: :math:`\mathrm{Bin}(Bm,p)` children, :math:`B=2^j\le4096`, by inversion of a table, with an
        error in total variation below 1e-12 a draw.  A critical cluster of `s` sites takes about :math:`\sqrt s` draws.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> sizes = BetheLattice.critical(3).sample_sizes(1000, cap=100, rng=0)
        >>> int(sizes.min()), int(sizes.max())
        (1, 101)
        """
        sizes = np.empty(valid.integer("n", n, low=0), dtype=np.int64)
        cap = valid.integer("cap", cap, low=1, high=_LARGEST)
        kernels.sizes(generator(rng), cap, *offspring_tables(self.degree, self.occupation), sizes)
        return sizes

    def sample_large_sizes(self, n: int, *, minimum: int, rng: Rng) -> Integers:
        r"""Draw sizes of finite clusters given that they are at least `minimum`.

        Parameters
        ----------
        n, rng
            As for :meth:`sample_sizes`.
        minimum : int
            Smallest size, in [1, 2**53].

        Returns
        -------
        ndarray of int64, shape (n,)
            Without a cap, but for sizes above :math:`2^{62}`, which have conditional probability at most
            :math:`(minimum/2^{62})^{1/2}` and are drawn again.

        Notes
        -----
        Rejection from a rounded Pareto variable of index 1/2, or a geometric one where the cutoff is the shorter scale;
        the last factor of the law (see the module's opening) is below 1, so both dominate it.  O(1) draws each.

        Examples
        --------
        >>> from neuroscale.percolation import BetheLattice
        >>> sizes = BetheLattice.critical(200).sample_large_sizes(4, minimum=300, rng=0)
        >>> bool(np.all(sizes >= 300)), sizes.dtype.name
        (True, 'int64')
        """
        n, rng = valid.integer("n", n, low=0), generator(rng)
        minimum = valid.integer("minimum", minimum, low=1, high=2**53)
        found = [np.empty(0, dtype=np.int64)]
        while (missing := n - sum(map(len, found))) > 0:
            found.append(self._large(missing + 16, minimum, rng)[:missing])
        return np.concatenate(found)

    def _large(self, n: int, minimum: int, rng: np.random.Generator) -> Integers:
        """The accepted ones of `n` proposals."""
        decay = self._decay
        if decay * minimum > 0.5:
            # log1p(-random) is finite: random() never returns 1
            size = minimum + np.floor(np.log1p(-rng.random(n)) / -decay)
            log_accept = 1.5 * np.log(minimum / size)
        else:
            size = np.rint((minimum - 0.5) / (1.0 - rng.random(n)) ** 2)
            size = np.maximum(size, minimum)  # minimum - 0.5 itself rounds to the even neighbour
            # x^(-3/2) over its mean on the cell of the proposal, at most 1 since the power is convex
            left, right = np.sqrt(1.0 - 0.5 / size), np.sqrt(1.0 + 0.5 / size)
            log_accept = np.log(0.5 * left * right * (left + right)) - decay * (size - minimum)
        log_accept = log_accept + self._log_regular(size)
        keep = (np.log1p(-rng.random(n)) < log_accept) & (size <= float(_LARGEST))
        return size[keep].astype(np.int64)
