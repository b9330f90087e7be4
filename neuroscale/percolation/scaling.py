r"""How the loss of a data set made of clusters falls with its size.

A random new datum lies in a cluster of mass :math:`p`; of the :math:`\mathcal D` data seen so far a binomial number lie
in the same one.  With masses :math:`\mathrm{PD}(a,0)` the mass of a random datum's cluster is
:math:`\mathrm{Beta}(1-a,a)`, so its count :math:`n` is beta-binomial, and because :math:`\Gamma(1-a+a)=1` its law factors:

.. math::

   P(n)=w_{1-a}(n)\,w_a(\mathcal D-n),\qquad w_c(n)=\frac{\Gamma(n+c)}{\Gamma(c)\,n!}=[x^n](1-x)^{-c},\qquad
   L(\mathcal D)=\mathbb E\,g(n),

for any loss curve :math:`g` of a cluster.  In mean field :math:`a=\tfrac12` and :math:`w_{1/2}(n)=u_n=\binom{2n}n4^{-n}`
is the probability that a simple walk is back after :math:`2n` steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid
from neuroscale.numerics import log_gamma_quotient

__all__ = ["nearest_neighbour_loss", "return_probability"]

Floats = NDArray[np.float64]


def return_probability(n: ArrayLike) -> Floats:
    r"""Probability :math:`u_n=\binom{2n}n4^{-n}` that a simple walk on the line is back after :math:`2n` steps.

    Parameters
    ----------
    n : array_like of float
        Half the number of steps, at least 0; real values are allowed.

    Returns
    -------
    ndarray of float
        In (0, 1], :math:`\simeq1/\sqrt{\pi n}`.  Relative error below 1e-13 up to ``n = 1e15``; O(1) per element.

    Raises
    ------
    ValueError
        For a negative or infinite value.

    Examples
    --------
    >>> from neuroscale.percolation import return_probability
    >>> return_probability([0, 1, 2]).round(12).tolist()
    [1.0, 0.5, 0.375]
    """
    return _coefficient(valid.reals("n", n), 0.5)


def nearest_neighbour_loss(n: ArrayLike) -> Floats:
    r"""Loss of a critical cluster with `n` data, :math:`4u_n`, in units of the variance of its target.

    Parameters
    ----------
    n : array_like of float
        Data in the cluster, at least 0; real values between 0 and 1 follow the formula, not the convention at 0.

    Returns
    -------
    ndarray of float
        1 at ``n = 0``, where the mean is predicted; otherwise at most 4, and 2 at ``n = 1``: one neighbour is worse
        than the mean.  O(1) per element.

    Raises
    ------
    ValueError
        For a negative or infinite value.

    Notes
    -----
    Implements the claim ``br-nn-curve``; derived in ``chapters/percolation/learning.md``.

    Examples
    --------
    >>> from neuroscale.percolation import nearest_neighbour_loss
    >>> nearest_neighbour_loss([0, 1, 2]).round(12).tolist()
    [1.0, 2.0, 1.5]
    """
    count = valid.reals("n", n)
    return np.where(count == 0.0, 1.0, 4.0 * _coefficient(count, 0.5))


def _coefficient(n: Floats, c: float) -> Floats:
    """``w_c(n)``, the coefficient of ``x**n`` in ``(1 - x)**-c``, for ``0 < c < 1``."""
    return np.asarray(np.exp(log_gamma_quotient(c, n, 1.0 - c)))
