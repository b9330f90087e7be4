r"""Where the scaling law above the threshold bends.

Above :math:`p_c` one cluster of mass :math:`M` outweighs all others.  Beyond the correlation length :math:`\xi` it is a
perforated :math:`d`-dimensional solid, inside it as fractal as at :math:`p_c`.  Among :math:`n` data on it the nearest
is at a distance :math:`r` with :math:`M/n\sim\xi^D(r/\xi)^d` for :math:`r>\xi` and :math:`r^D` for :math:`r<\xi`.  So a
loss :math:`r^c` falls as :math:`n^{-c/d}` up to :math:`N_\times=M/\xi^D` data and as :math:`n^{-c/D}` beyond.  This is
an argument of scaling: it fixes how :math:`N_\times` depends on :math:`M` and :math:`\xi`, and no factor in front.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid

__all__ = ["supercritical_crossover", "supercritical_loss"]

Floats = NDArray[np.float64]
_TINY = float(np.finfo(float).tiny)


def supercritical_crossover(mass: ArrayLike, correlation_length: ArrayLike, fractal_dimension: float) -> Floats:
    r"""Number of data :math:`N_\times=M/\xi^D` that sees inside the correlation length of the dominant cluster.

    Parameters
    ----------
    mass : array_like of float
        Sites :math:`M` of the cluster, positive.
    correlation_length : array_like of float
        Correlation length :math:`\xi` in lattice spacings, positive; broadcasts with `mass`.
    fractal_dimension : float
        Dimension :math:`D` of the critical clusters, positive.

    Returns
    -------
    ndarray of float
        An order of magnitude: the scaling argument has no factor in front.  O(1) per element.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements the claim ``br-supercritical-crossover``; measured in ``chapters/percolation/scaling_laws.md``.

    Examples
    --------
    >>> from neuroscale.percolation import supercritical_crossover
    >>> supercritical_crossover([1e6, 2e6], correlation_length=10, fractal_dimension=4).tolist()
    [100.0, 200.0]
    """
    sites = valid.reals("mass", mass, low=_TINY)
    length = valid.reals("correlation_length", correlation_length, low=_TINY)
    dimension = valid.real("fractal_dimension", fractal_dimension, low=0, open_low=True)
    return np.asarray(sites / length**dimension)


def supercritical_loss(
    n: ArrayLike, crossover: float, *, dimension: float, fractal_dimension: float, c: float
) -> Floats:
    r"""Loss of the dominant cluster on `n` data: the two powers of the scaling argument, joined at the crossover.

    Parameters
    ----------
    n : array_like of float
        Numbers of data, positive.
    crossover : float
        Number of data :math:`N_\times` at the bend, positive; see :func:`supercritical_crossover`.
    dimension : float
        Dimension :math:`d` of space, positive.
    fractal_dimension : float
        Dimension :math:`D` of the critical clusters, positive and at most `dimension`.
    c : float
        Smoothness of target and learner: the loss is :math:`r^c`, positive.

    Returns
    -------
    ndarray of float
        :math:`(n/N_\times)^{-c/d}` for :math:`n\le N_\times` and :math:`(n/N_\times)^{-c/D}` beyond, in units of the
        loss at the crossover.  The true curve is smooth; this has its limits only.  O(1) per element.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range.

    Notes
    -----
    Implements the claim ``br-supercritical-crossover``; compared in ``chapters/percolation/scaling_laws.md``.

    Examples
    --------
    >>> from neuroscale.percolation import supercritical_loss
    >>> supercritical_loss([1, 100, 10**4], 100, dimension=8, fractal_dimension=4, c=2).round(9).tolist()
    [3.16227766, 1.0, 0.1]
    """
    edge = valid.real("crossover", crossover, low=0, open_low=True)
    space = valid.real("dimension", dimension, low=0, open_low=True)
    fractal = valid.real("fractal_dimension", fractal_dimension, low=0, high=space, open_low=True)
    smooth = valid.real("c", c, low=0, open_low=True)
    log_n = np.log(valid.reals("n", n, low=_TINY)) - np.log(edge)
    return np.asarray(np.exp(-smooth * np.where(log_n < 0.0, log_n / space, log_n / fractal)))
