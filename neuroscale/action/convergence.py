r"""How far the series of the action reaches.

The loss of one sample, as a function of a complex scale :math:`t`, is :math:`\ln Z(t)` plus a function whose only
singularities are the poles of the activations, at :math:`|t|\ge\pi/\max|h|` for SiLU.  Each zero of :math:`Z` is a
logarithmic branch point with a positive coefficient, so that samples cannot cancel each other's: the series of
:math:`S(t\theta)` converges up to the nearest zero over all samples, and no further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid

from .activation_series import activation_radius
from .data import Dataset
from .expansion import action_series
from .network import Network
from .partition import Partition, surely_free

__all__ = ["Singularity", "convergence_radius", "pole_radius", "root_test_radius"]

Floats = NDArray[np.float64]
_ORDER = 40


@dataclass(frozen=True)
class Singularity:
    """The singularity that ends the convergence of an action's series.

    Attributes
    ----------
    t : complex
        Its place in the plane of the scale, in the upper half; ``inf`` if there is none.
    sample : int
        The sample whose partition sum vanishes there.

    Examples
    --------
    >>> from neuroscale.action import Singularity
    >>> Singularity(3 + 4j, 0).radius
    5.0
    """

    t: complex
    sample: int

    @property
    def radius(self) -> float:
        """Radius of convergence of the series."""
        return abs(self.t)


def root_test_radius(series: ArrayLike, *, power: float = 1.0) -> NDArray[np.float64]:
    r"""Estimate radii of convergence from coefficients, after Cauchy and Hadamard.

    Parameters
    ----------
    series : array_like of float, shape (N + 1,) or (N + 1, n)
        Coefficients along the first axis, :math:`N` at least 8.
    power : float
        Decay :math:`k^{-p}` of the coefficients beyond :math:`R^{-k}`: 1 for logarithmic branch points, the
        singularities of the action, 0 for simple poles.

    Returns
    -------
    ndarray of float, shape () or (n,)
        The smallest :math:`(k^p|S_k|/2)^{-1/k}` over the upper half of the orders; infinity where they all vanish.

    Raises
    ------
    ValueError
        For a series that is too short or not finite.

    Notes
    -----
    A pair of simple zeros at :math:`Re^{\pm i\varphi}` contributes :math:`-\frac2kR^{-k}\cos k\varphi`.  In a mean over
    :math:`n` samples it is :math:`n` times smaller, and the estimate too large by :math:`n^{1/k}`: estimate per
    sample, then take the smallest.  Implements claim ``ac-radius``; ``chapters/action/convergence.md``.  O(N).

    Examples
    --------
    >>> from neuroscale.action import root_test_radius
    >>> k = range(1, 81)
    >>> float(root_test_radius([0.0, *((-4.0) ** -j / j for j in k)], power=1.0).round(2))
    4.03
    """
    coefficients = valid.reals("series", series, low=-np.inf)
    power = valid.real("power", power, low=-10.0, high=10.0)
    if coefficients.ndim not in (1, 2) or len(coefficients) < 9:
        raise ValueError(f"series has shape {coefficients.shape}; it must be (N + 1,) or (N + 1, n) with N at least 8")
    upper = np.arange(len(coefficients) // 2, len(coefficients))
    k = upper.reshape(-1, *[1] * (coefficients.ndim - 1))
    with np.errstate(divide="ignore"):
        logs = (power * np.log(k) + np.log(np.abs(coefficients[upper]) / 2)) / k
    return np.asarray(np.exp(-logs.max(axis=0)))


def pole_radius(network: Network, data: Dataset) -> float:
    r"""Distance of the nearest pole of the activations, :math:`\pi/\max|h|` for SiLU.

    Parameters
    ----------
    network : Network
        Its activation must have a power series at zero: not ReLU.
    data : Dataset

    Returns
    -------
    float
        Radius of convergence of the logits and of :func:`linear_series` in :math:`t`, and where :func:`softmax_series`
        ceases to converge; infinity for GELU.

    Raises
    ------
    ValueError
        For shapes that do not match or an activation without a power series.

    Notes
    -----
    Implements claims ``ac-radius`` and ``ac-repair``; derived in ``chapters/action/convergence.md``.  O(n H E).

    Examples
    --------
    >>> from neuroscale.action import Dataset, Network, pole_radius
    >>> net = Network(U=[[2.0], [-2.0]], W=[[1.0]], b=[0.0])
    >>> round(pole_radius(net, Dataset([[2.0], [-1.0]], [0, 1], 2)), 4)
    1.5708
    """
    network._accepts(data)
    reach = activation_radius(network.activation)
    largest = float(np.max(np.abs(network.preactivations(data.inputs))))
    return reach / largest if largest > 0 else math.inf


def convergence_radius(network: Network, data: Dataset) -> Singularity:
    r"""Nearest singularity of :math:`t\mapsto S(t\theta)`: the nearest zero of any sample's partition sum.

    Parameters
    ----------
    network : Network
        Its activation must have a power series at zero: not ReLU.
    data : Dataset

    Returns
    -------
    Singularity
        Its ``radius`` is the radius of convergence.

    Raises
    ------
    ValueError
        For shapes that do not match or an activation without a power series.
    RuntimeError
        When the zeros of a sample cannot be counted.

    Notes
    -----
    For each sample the zeros inside the radius found so far are counted by the argument principle, so that none is
    missed; the sample with the fastest growing coefficients comes first, and a coarse rim then decides for most of the
    others at once.  Implements claim ``ac-radius``; derived in ``chapters/action/convergence.md``.  About half a
    millisecond a sample.

    Examples
    --------
    >>> from neuroscale.action import Dataset, Network, convergence_radius
    >>> net = Network(U=[[2.0], [-2.0]], W=[[1.0]], b=[0.0])
    >>> nearest = convergence_radius(net, Dataset([[0.5], [1.0]], [0, 1], 2))
    >>> nearest.sample, round(nearest.radius, 4)
    (1, 1.0412)
    """
    series = action_series(network, data, _ORDER, per_sample=True)
    first, *others = np.argsort(root_test_radius(series), kind="stable")
    best = Singularity(Partition(network, data.inputs[first]).nearest(), int(first))
    free = surely_free(network, data.inputs, best.radius * (1 - 1e-9))
    for sample in others:
        if free[sample]:
            continue
        partition = Partition(network, data.inputs[sample])
        if best.radius < partition.pole and partition.winding(best.radius * (1 - 1e-9))[0] == 0:
            continue
        zero = partition.nearest()
        if abs(zero) < best.radius:
            best = Singularity(zero, int(sample))
    return best
