r"""Predictions of a and b at every depth of a random ReLU network, with errors from few inputs and finite widths.

In the limit of wide layers the pre-activations of layer :math:`l` at the inputs are jointly normal with a covariance
:math:`K_l` that follows layer by layer,

.. math:: K_1=\tfrac{\sigma_w^2}d XX^T+\sigma_b^2,\qquad K_{l+1}=\sigma_w^2\,G(K_l)+\sigma_b^2,\qquad
   G=\tfrac1{2\pi}\bigl(\sqrt{qq'-k^2}+(\pi-\theta)\,k\bigr),

where :math:`k,q,q'` are entries of :math:`K_l` and :math:`\cos\theta=k/\sqrt{qq'}`; then
:math:`\rho_l=\frac2\pi\,\mathbb E\arcsin\cos\theta`.  A layer of :math:`N` units replaces :math:`G` by an average over
:math:`N` random units, whose fluctuation reaches :math:`\rho` of deeper layers through the derivative of the recursion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from .geometry import LayerLaw

__all__ = ["GeometryPrediction", "predict_b"]

Floats = NDArray[np.float64]
#: Relative sine below which two inputs count as parallel, so that their angle does not react to the weights.
_PARALLEL = 1e-6


@dataclass(frozen=True)
class GeometryPrediction(LayerLaw):
    r"""Prediction for one hidden layer.

    Attributes
    ----------
    mean, rho, a, b : float
        As for :class:`LayerLaw`, with ``mean = 1/2``.
    depth : int
        Hidden layer, counted from 1.
    se_data : float
        Standard error of `rho` from the finite number of inputs (jackknife).
    se_width : float
        Standard deviation of `rho` between networks of the given width; 0 in the limit of wide layers.

    Examples
    --------
    >>> from neuroscale.evidence import digit_stream, predict_b
    >>> first, second = predict_b(digit_stream(300, seed=0)[0], 2, width=1000)
    >>> first.b > 2 > second.b, first.interval("b")[0] < first.b < first.interval("b")[1]
    (True, True)
    """

    depth: int = 1
    se_data: float = 0.0
    se_width: float = 0.0

    def interval(self, name: str = "b", level: float = 0.95, *, data: bool = True) -> tuple[float, float]:
        """Where a network's `rho`, `a` or `b` lies, normal in `rho`.

        Parameters
        ----------
        name : {"rho", "a", "b"}
        level : float
            Coverage in (0, 1).
        data : bool
            Whether the error from the finite number of inputs counts; it does not where the units are counted on the
            very inputs that the prediction used.

        Returns
        -------
        low, high : float
            Infinite where `rho` cannot be told from 0.
        """
        valid.choice("name", name, ("rho", "a", "b"))
        level = valid.real("level", level, low=0, high=1, open_low=True, open_high=True)
        reach = stats.norm.ppf(0.5 + level / 2) * np.hypot(self.se_data if data else 0.0, self.se_width)
        low, high = float(self.rho - reach), float(min(self.rho + reach, 1.0))
        if name == "rho":
            return low, high
        ends = [LayerLaw(self.mean, end) for end in (high, low)]
        return (ends[0].a, ends[1].a) if name == "a" else (ends[0].b, ends[1].b)


def predict_b(
    X: ArrayLike,
    depth: int = 1,
    *,
    weight_scale: float = float(np.sqrt(2.0)),
    bias_scale: float = 0.0,
    norm: str | None = None,
    width: int | None = None,
    n_points: int = 500,
    n_units: int = 1000,
    rng: np.random.Generator | int = 0,
) -> list[GeometryPrediction]:
    r"""Predict the law of the counts in the hidden layers of a random ReLU network from its inputs alone.

    Parameters
    ----------
    X : array_like of float, shape (n, d)
        Independent inputs, at least four.
    depth : int
        Number of hidden layers, at least 1.
    weight_scale : float
        Weights have standard deviation ``weight_scale / sqrt(fan_in)``; positive.  Matters only beside biases.
    bias_scale : float
        Standard deviation of the biases, at least 0.
    norm : {"batch", "layer"}, optional
        Normalisation before the nonlinearity.  ``"batch"`` centres the pre-activations over the inputs, exact for the
        first layer; for the next ones it is taken that all units had the same variance.  ``"layer"`` rescales them,
        and in wide layers does nothing else.
    width : int, optional
        Units of each hidden layer, for the spread between networks; None takes the limit of wide layers.
    n_points : int
        Inputs used, drawn without replacement where there are more; at least 4.
    n_units : int
        Random units from which the spread is estimated.
    rng : numpy.random.Generator or int

    Returns
    -------
    list of GeometryPrediction, length `depth`

    Raises
    ------
    ValueError
        For arguments outside their range, and for an input that fires no unit (of length 0, without biases).

    Notes
    -----
    Claims ``ev-depth`` and ``ev-geometry``; derived in ``chapters/evidence/geometry.md``.  O(depth n^2 (d + n_units))
    for n points.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence import predict_b
    >>> [law] = predict_b(np.eye(8))                  # all angles are right: every unit fires on half of the inputs
    >>> abs(law.rho) < 1e-9
    True
    """
    inputs = valid.reals("X", X, low=-np.inf)
    if inputs.ndim != 2 or len(inputs) < 4:
        raise ValueError(f"X has shape {inputs.shape}; it must be (n, d) with n at least 4")
    depth = valid.integer("depth", depth, low=1)
    scale = valid.real("weight_scale", weight_scale, low=0, open_low=True)
    spread = valid.real("bias_scale", bias_scale, low=0)
    if norm is not None:
        valid.choice("norm", norm, ("batch", "layer"))
    if width is not None:
        width = valid.integer("width", width, low=1)
    n_points = valid.integer("n_points", n_points, low=4)
    n_units = valid.integer("n_units", n_units, low=2)
    rng = generator(rng)
    if len(inputs) > n_points:
        inputs = inputs[rng.choice(len(inputs), n_points, replace=False)]

    kernels: list[Floats] = []
    sizes: list[float] = []
    kernel = scale**2 / inputs.shape[1] * (inputs @ inputs.T) + spread**2
    for layer in range(depth):
        if norm == "batch":
            kernel = _centred(kernel)
            # the centre is that of the few inputs at hand: without this their products would be too small by 1/n
            kernel += np.trace(kernel) / (len(kernel) * (len(kernel) - 1))
        if np.diag(kernel).min() <= 0:
            raise ValueError("X holds an input of length 0, which has no direction; give a positive bias_scale")
        sizes.append(1.0 if norm is None else float(np.trace(kernel) / len(kernel)))
        kernel = _cosines(kernel) if norm == "layer" else kernel / sizes[-1]
        kernels.append(kernel)
        if layer + 1 < depth:
            kernel = scale**2 * _relu_gram(kernel) + spread**2
    laws = []
    units = [_units(kernel, n_units, rng) for kernel in kernels] if width is not None else []
    for layer, kernel in enumerate(kernels):
        overlaps = 2 / np.pi * np.arcsin(_cosines(kernel))
        np.fill_diagonal(overlaps, 0.0)
        n = len(overlaps)
        rows = overlaps.sum(axis=1)
        rho = float(rows.sum() / (n * (n - 1)))
        without = (rows.sum() - 2 * rows) / ((n - 1) * (n - 2))
        se_data = float(np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2)))
        se_width = 0.0
        if width is not None:
            se_width = float(np.sqrt(_variance(kernels[: layer + 1], sizes, units, scale, norm) / width))
        laws.append(GeometryPrediction(0.5, rho, depth=layer + 1, se_data=se_data, se_width=se_width))
    return laws


def _cosines(kernel: Floats) -> Floats:
    root = np.sqrt(np.diag(kernel))
    return np.asarray(np.clip(kernel / np.outer(root, root), -1.0, 1.0))


def _centred(kernel: Floats) -> Floats:
    rows: Floats = kernel - kernel.mean(axis=0)
    centred: Floats = rows - rows.mean(axis=1, keepdims=True)
    return centred


def _relu_gram(kernel: Floats) -> Floats:
    r"""Mean of :math:`\max(u,0)\max(u',0)` over normal pre-activations."""
    cosines = _cosines(kernel)
    angle = np.arccos(cosines)
    lengths = np.sqrt(np.outer(np.diag(kernel), np.diag(kernel)))
    return np.asarray(lengths * (np.sin(angle) + (np.pi - angle) * cosines) / (2 * np.pi))


def _units(kernel: Floats, n_units: int, rng: np.random.Generator) -> Floats:
    """Pre-activations of random units at the inputs, shape (n, n_units)."""
    values, vectors = np.linalg.eigh(kernel)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    return np.asarray(root @ rng.standard_normal((len(kernel), n_units)))


def _variance(kernels: list[Floats], sizes: list[float], units: list[Floats], scale: float, norm: str | None) -> float:
    """Variance of rho of the last layer between networks, times the width.

    Its own units contribute the variance of (2p - 1)^2; the layers below, that of their influence on the kernel above.
    """
    n = len(kernels[-1])
    signs = np.sign(units[len(kernels) - 1]).sum(axis=0)
    total = float(np.var((signs**2 - n) / (n * (n - 1)), ddof=1))
    pairs, lengths = _angle_slopes(kernels[-1])
    for layer in range(len(kernels) - 2, -1, -1):
        kernel = kernels[layer]
        if norm == "layer":
            lengths = -(pairs * kernels[layer + 1]).sum(axis=1)
        influence = pairs.copy()
        influence[np.diag_indices(n)] = lengths
        if norm == "batch":
            influence = _centred(influence)
        influence *= scale**2 / sizes[layer + 1]
        hidden = np.maximum(units[layer], 0.0)
        total += float(np.var(np.einsum("iu,iu->u", hidden, influence @ hidden), ddof=1))
        # the adjoint of the recursion: an entry of the kernel moves the entries of the next one
        cosines = _cosines(kernel)
        angle = np.arccos(cosines)
        pairs = influence * (np.pi - angle) / (2 * np.pi)
        root = np.sqrt(np.diag(kernel))
        off = influence * np.sin(angle) / (2 * np.pi)
        lengths = np.diag(influence) / 2 + (off @ root) / root
        np.fill_diagonal(pairs, 0.0)
    return total


def _angle_slopes(kernel: Floats) -> tuple[Floats, Floats]:
    """Derivative of rho by the entries of the kernel: off the diagonal, shape (n, n), and on it, shape (n,)."""
    n = len(kernel)
    cosines = _cosines(kernel)
    lengths = np.sqrt(np.outer(np.diag(kernel), np.diag(kernel)))
    sine = np.sqrt(1 - cosines**2)
    inside = sine > _PARALLEL
    pairs = np.zeros_like(kernel)
    pairs[inside] = 2 / np.pi / (lengths[inside] * sine[inside]) / (n * (n - 1))
    np.fill_diagonal(pairs, 0.0)
    return pairs, -(pairs * kernel).sum(axis=1) / np.diag(kernel)
