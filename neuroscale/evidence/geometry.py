r"""The law of the counts of a random layer, from the angles between the inputs.

A unit with rotation-invariant random weights :math:`w` fires when :math:`w\cdot x>0`.  A random hyperplane separates
two inputs at angle :math:`\theta` with probability :math:`\theta/\pi`, so both fire with probability
:math:`\frac12(1-\theta/\pi)=\frac14+\frac1{2\pi}\arcsin r`, where :math:`r=\cos\theta`.  Over random units the
activation probability therefore has mean :math:`\frac12` and intraclass correlation

.. math:: \rho = 1-\tfrac2\pi\,\mathbb E\,\theta = \tfrac2\pi\,\mathbb E\arcsin r ,

and the Beta law of equal mean and variance has :math:`a=1/\rho-1` and :math:`b=a/2`.  A unit that fires on a share
:math:`s` of standard normal inputs, as among the `k` largest of `N` with :math:`s=k/N`, has a threshold instead, and
the bivariate normal law takes the place of the angle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, owens_t

from neuroscale import _validation as valid
from neuroscale.randomness import generator

__all__ = ["LayerLaw", "arcsine_overlap", "cosine_recursion", "layer_law", "overlap", "pair_cosines"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LayerLaw:
    r"""Beta law with the mean and the variance of the activation probabilities of a random layer.

    Attributes
    ----------
    mean : float
        Mean activation probability :math:`c/N`.
    rho : float
        Intraclass correlation: variance of the probabilities over ``mean * (1 - mean)``.
    a, b : float
        Concentration and smoothing constant; infinite where `rho` is not positive.

    Examples
    --------
    >>> from neuroscale.evidence import layer_law
    >>> law = layer_law([0.5])                    # all pairs of inputs at 60 degrees
    >>> round(law.rho, 6), round(law.a, 6), round(law.b, 6)
    (0.333333, 2.0, 1.0)
    """

    mean: float
    rho: float

    @property
    def a(self) -> float:
        r"""Concentration :math:`1/\rho-1`."""
        return 1 / self.rho - 1 if self.rho > 0 else np.inf

    @property
    def b(self) -> float:
        """Smoothing constant: `a` times the mean."""
        return self.a * self.mean


def pair_cosines(
    X: ArrayLike,
    *,
    bias: float = 0.0,
    n_pairs: int | None = None,
    rng: np.random.Generator | int = 0,
) -> Floats:
    """Cosines of the angles between distinct inputs.

    Parameters
    ----------
    X : array_like of float, shape (n, d)
        At least two inputs; none may be zero unless `bias` is positive.
    bias : float
        Standard deviation of the biases over that of the weights, at least 0: a random bias is a random weight on this
        constant, which is appended to each input.
    n_pairs : int, optional
        Number of pairs drawn independently; None takes all ``n (n - 1) / 2``.
    rng : numpy.random.Generator or int
        Draws the pairs; unused without `n_pairs`.

    Returns
    -------
    ndarray of float, shape (pairs,)
        In [-1, 1].

    Raises
    ------
    ValueError
        For arguments outside their range, and for an input of length 0.

    Notes
    -----
    All pairs take O(n^2 d) time and O(n^2) memory.

    Examples
    --------
    >>> from neuroscale.evidence import pair_cosines
    >>> pair_cosines([[1.0, 0.0], [0.0, 2.0], [0.0, 3.0]]).tolist()
    [0.0, 0.0, 1.0]
    """
    unit = _directions(X, valid.real("bias", bias, low=0))
    n = len(unit)
    if n_pairs is None:
        cosines: Floats = (unit @ unit.T)[np.triu_indices(n, 1)]
    else:
        count = valid.integer("n_pairs", n_pairs, low=1)
        rng = generator(rng)
        first = rng.integers(n, size=count)
        # a step of 1 to n - 1 around the circle of inputs never lands on the first one
        second = (first + rng.integers(1, n, size=count)) % n
        cosines = np.einsum("ij,ij->i", unit[first], unit[second])
    return np.clip(cosines, -1.0, 1.0)


def arcsine_overlap(r: ArrayLike) -> Floats:
    r"""Probability that two inputs at cosine `r` both fire a random unit, :math:`\frac14+\frac{\arcsin r}{2\pi}`.

    Implements Sheppard's formula (claim ``ev-arcsine``); derived in ``chapters/evidence/geometry.md``.

    Parameters
    ----------
    r : array_like of float
        In [-1, 1].

    Returns
    -------
    ndarray of float, shape of `r`

    Examples
    --------
    >>> from neuroscale.evidence import arcsine_overlap
    >>> [round(float(p), 6) for p in arcsine_overlap([-1.0, 0.0, 0.5, 1.0])]
    [0.0, 0.25, 0.333333, 0.5]
    """
    return 0.25 + np.arcsin(valid.reals("r", r, low=-1, high=1)) / (2 * np.pi)


def overlap(r: ArrayLike, share: float = 0.5) -> Floats:
    r"""Probability that two inputs at cosine `r` both fire a random unit that fires on a given share of inputs.

    Parameters
    ----------
    r : array_like of float
        In [-1, 1].
    share : float
        Probability in (0, 1) with which one input fires the unit.

    Returns
    -------
    ndarray of float, shape of `r`

    Notes
    -----
    With the threshold :math:`t` of a standard normal variable that is exceeded with probability `share`, this is
    :math:`P(u>t,\,u'>t)` at correlation :math:`r`, which Owen's function gives as
    :math:`s-2\,T\bigl(t,\sqrt{(1-r)/(1+r)}\bigr)`.

    Examples
    --------
    >>> from neuroscale.evidence import overlap
    >>> [round(float(p), 6) for p in overlap([0.0, 1.0], 0.1)]
    [0.01, 0.1]
    """
    cosines = valid.reals("r", r, low=-1, high=1)
    share = valid.real("share", share, low=0, high=1, open_low=True, open_high=True)
    with np.errstate(divide="ignore"):
        slope = np.sqrt((1 - cosines) / (1 + cosines))
    return np.asarray(share - 2 * owens_t(-ndtri(share), slope))


def layer_law(cosines: ArrayLike, *, share: float = 0.5) -> LayerLaw:
    r"""Law of the activation probabilities of a random layer, from the cosines between pairs of inputs.

    Parameters
    ----------
    cosines : array_like of float
        Of independent pairs or of all pairs, in [-1, 1]; at least one.
    share : float
        Mean activation probability in (0, 1): 1/2 without threshold, `k/N` where the `k` largest of `N` fire.

    Returns
    -------
    LayerLaw

    Notes
    -----
    Claims ``ev-arcsine`` and ``ev-topk``.  Over all pairs of the samples of a count the correlation is exact, whatever
    the samples are: the expected number of pairs of samples that fire a unit together has no other ingredient.

    Examples
    --------
    >>> from neuroscale.evidence import layer_law
    >>> round(layer_law([0.5, 0.5], share=1 / 32).b, 3)
    0.146
    """
    both = overlap(cosines, share)
    if both.size == 0:
        raise ValueError("cosines is empty; at least one pair is needed")
    return LayerLaw(share, float((both.mean() - share**2) / (share * (1 - share))))


def cosine_recursion(r: ArrayLike, depth: int) -> Floats:
    r"""Cosine of two inputs as a deeper layer sees it, in the limit of wide ReLU layers without biases.

    Parameters
    ----------
    r : array_like of float
        Cosines of inputs, in [-1, 1].
    depth : int
        Number of ReLU layers passed, at least 0: the first hidden layer sees the inputs themselves, depth 0.

    Returns
    -------
    ndarray of float, shape of `r`

    Notes
    -----
    Each layer maps the angle by the arc-cosine kernel of order 1,
    :math:`\cos\theta'=\frac1\pi\bigl(\sin\theta+(\pi-\theta)\cos\theta\bigr)` (claim ``ev-depth``).  Weights of any
    scale give the same, since the ReLU is homogeneous.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence import cosine_recursion
    >>> np.degrees(np.arccos([cosine_recursion(-1.0, depth) for depth in range(5)])).round(1).tolist()
    [180.0, 90.0, 71.4, 60.4, 52.8]
    """
    cosines = valid.reals("r", r, low=-1, high=1)
    for _ in range(valid.integer("depth", depth, low=0)):
        angle = np.arccos(cosines)
        cosines = np.clip((np.sin(angle) + (np.pi - angle) * cosines) / np.pi, -1.0, 1.0)
    return cosines


def _directions(X: ArrayLike, bias: float) -> Floats:
    inputs = valid.reals("X", X, low=-np.inf)
    if inputs.ndim != 2 or len(inputs) < 2:
        raise ValueError(f"X has shape {inputs.shape}; it must be (n, d) with n at least 2")
    length = np.sqrt(np.square(inputs).sum(axis=1) + bias**2)
    if not length.all():
        raise ValueError("X holds an input of length 0, which has no direction; give it a positive bias")
    unit = np.empty((len(inputs), inputs.shape[1] + 1))
    unit[:, :-1], unit[:, -1] = inputs, bias
    unit /= length[:, None]
    return unit
