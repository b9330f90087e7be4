r"""A small dense network with what scikit-learn's lacks: the k largest units, and normalisation layers.

Hidden layer :math:`l` computes :math:`u=W_lh_{l-1}+b_l`; a **norm** standardises :math:`u` over the batch
(``"batch"``) or over the units of the layer (``"layer"``) and applies a gain and a shift of each unit; the
**activation** sets to 0 what is negative (``"relu"``), and what is not among the `k` largest (``"topk"``).  A unit
fires on a sample when its activation is positive.  The output layer is linear, the loss the cross-entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from ._passes import Parameters, forward

__all__ = ["DenseNetwork"]

Floats = NDArray[np.float64]
Norm = Literal["batch", "layer"]
ACTIVATIONS = ("relu", "topk")
NORMS = ("batch", "layer")
#: Samples that are taken through the network at a time, to bound memory.
_CHUNK = 4096


@dataclass(frozen=True)
class DenseNetwork:
    r"""A classifier with one or more hidden layers, in double precision.

    Parameters
    ----------
    weights : sequence of array_like, shapes (N_l, N_{l-1})
        Of the hidden layers and the output; row `i` holds the incoming weights of unit `i`.
    biases : sequence of array_like, shapes (N_l,)
    activation : {"relu", "topk"}
    k : int, optional
        Number of units kept on each sample, for ``"topk"`` only; at least 1.
    norm : {"batch", "layer"}, optional
        Normalisation before the nonlinearity of every hidden layer.
    gains, shifts : sequence of array_like, shapes (N_l,)
        Of the hidden layers, with a norm only; ones and zeros when left out.
    means, variances : sequence of array_like, shapes (N_l,)
        What ``"batch"`` standardises by at inference; zeros and ones when left out.
    keep : sequence of array_like of bool, shapes (N_l,), optional
        Units of each hidden layer that are not zeroed; see :meth:`masked`.

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range or shape.

    Examples
    --------
    >>> from neuroscale.evidence import DenseNetwork
    >>> network = DenseNetwork.initialise((2, 8, 3), activation="topk", k=2, rng=0)
    >>> [int((h > 0).sum(axis=1).max()) for h in network.activations([[1.0, 2.0], [0.5, -1.0]])]
    [2]
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    activation: str = "relu"
    k: int | None = None
    norm: str | None = None
    gains: tuple[Floats, ...] = ()
    shifts: tuple[Floats, ...] = ()
    means: tuple[Floats, ...] = ()
    variances: tuple[Floats, ...] = ()
    keep: tuple[NDArray[np.bool_], ...] = ()

    def __post_init__(self) -> None:
        valid.choice("activation", self.activation, ACTIVATIONS)
        if self.norm is not None:
            valid.choice("norm", self.norm, NORMS)
        if (self.activation == "topk") != (self.k is not None):
            raise ValueError(f"k={self.k!r} must be an integer for activation='topk', and None otherwise")
        if self.k is not None:
            object.__setattr__(self, "k", valid.integer("k", self.k, low=1))
        weights = tuple(valid.reals("weights", part, low=-np.inf) for part in self.weights)
        if len(weights) < 2 or any(part.ndim != 2 or 0 in part.shape for part in weights):
            raise ValueError(f"weights has the shapes {[part.shape for part in weights]}; at least two matrices needed")
        object.__setattr__(self, "weights", weights)
        if any(high.shape[1] != low.shape[0] for low, high in zip(weights, weights[1:], strict=False)):
            raise ValueError(f"weights has the shapes {[part.shape for part in weights]}, which do not chain")
        object.__setattr__(self, "biases", self._vectors("biases", self.biases, len(weights), -np.inf))
        hidden, normed = len(weights) - 1, self.norm is not None
        ones = [np.ones(width) for width in self.widths]
        zeros = [np.zeros(width) for width in self.widths]
        for name, filled, used in (
            ("gains", ones, normed),
            ("shifts", zeros, normed),
            ("means", zeros, self.norm == "batch"),
            ("variances", ones, self.norm == "batch"),
        ):
            given = getattr(self, name)
            if len(given) > 0 and not used:
                raise ValueError(f"{name} must be left out with norm={self.norm!r}")
            if used:
                low = 0.0 if name == "variances" else -np.inf
                object.__setattr__(self, name, self._vectors(name, given if len(given) else filled, hidden, low))
        if len(self.keep) > 0:
            masks = tuple(np.asarray(mask) for mask in self.keep)
            if [mask.shape for mask in masks] != [(width,) for width in self.widths] or any(
                mask.dtype != bool for mask in masks
            ):
                raise ValueError(f"keep must hold one boolean array for each hidden layer, of lengths {self.widths}")
            object.__setattr__(self, "keep", masks)

    def _vectors(self, name: str, parts: Sequence[ArrayLike], count: int, low: float) -> tuple[Floats, ...]:
        arrays = tuple(valid.reals(name, part, low=low) for part in parts)
        wanted = [(part.shape[0],) for part in self.weights[:count]]
        if [array.shape for array in arrays] != wanted:
            raise ValueError(f"{name} has the shapes {[array.shape for array in arrays]}; they must be {wanted}")
        return arrays

    @classmethod
    def initialise(
        cls,
        sizes: Sequence[int],
        *,
        activation: str = "relu",
        k: int | None = None,
        norm: str | None = None,
        weight_scale: float | None = None,
        bias_scale: float = 0.0,
        rng: np.random.Generator | int,
    ) -> Self:
        r"""Random Gaussian weights.

        Parameters
        ----------
        sizes : sequence of int
            Numbers of inputs, of the units of each hidden layer (at least one), and of classes.
        activation, k, norm
            As for the class.
        weight_scale : float, optional
            Weights have standard deviation ``weight_scale / sqrt(fan_in)``; by default :math:`\sqrt2`, at which a wide
            ReLU layer keeps the mean square of its input (He et al.).
        bias_scale : float
            Standard deviation of the biases, at least 0.
        rng : numpy.random.Generator or int

        Examples
        --------
        >>> from neuroscale.evidence import DenseNetwork
        >>> DenseNetwork.initialise((64, 100, 50, 10), norm="layer", rng=1).widths
        (100, 50)
        """
        counts = [valid.integer("sizes", size, low=1) for size in sizes]
        if len(counts) < 3:
            raise ValueError(f"sizes={tuple(sizes)!r} must hold inputs, at least one hidden layer, and classes")
        scale = np.sqrt(2.0) if weight_scale is None else valid.real("weight_scale", weight_scale, low=0)
        spread = valid.real("bias_scale", bias_scale, low=0)
        rng = generator(rng)
        weights, biases = [], []
        for fan_in, width in zip(counts, counts[1:], strict=False):
            weights.append(rng.standard_normal((width, fan_in)) * (scale / np.sqrt(fan_in)))
            biases.append(rng.standard_normal(width) * spread if spread > 0 else np.zeros(width))
        return cls(tuple(weights), tuple(biases), activation=activation, k=k, norm=norm)

    @property
    def n_layers(self) -> int:
        """Number of hidden layers."""
        return len(self.weights) - 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return tuple(part.shape[0] for part in self.weights[:-1])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden widths and classes."""
        return (self.weights[0].shape[1], *(part.shape[0] for part in self.weights))

    def activations(self, X: ArrayLike) -> list[Floats]:
        """Activations of each hidden layer at inference.

        Parameters
        ----------
        X : array_like, shape (n, inputs)

        Returns
        -------
        list of ndarray of float, shapes (n, N_l)
        """
        return self._apply(X)[1]

    def logits(self, X: ArrayLike) -> Floats:
        """Outputs before the softmax at inference, shape (n, M).

        Parameters
        ----------
        X : array_like, shape (n, inputs)
        """
        inputs = self._inputs(X)
        chunks = [self._forward(inputs[low : low + _CHUNK])[0] for low in range(0, len(inputs), _CHUNK)]
        return np.concatenate(chunks) if chunks else np.empty((0, self.sizes[-1]))

    def loss(self, X: ArrayLike, y: ArrayLike) -> float:
        """Mean cross-entropy in nats at inference.

        Parameters
        ----------
        X : array_like, shape (n, inputs)
            At least one sample.
        y : array_like of int, shape (n,)
            In ``[0, M)``.
        """
        logits = self.logits(X)
        labels = valid.integers("y", y, low=0, high=self.sizes[-1] - 1)
        if labels.shape != logits.shape[:1] or len(labels) == 0:
            raise ValueError(f"y has shape {labels.shape}; it must be {logits.shape[:1]}, and not empty")
        return float(-np.mean(log_softmax(logits, axis=1)[np.arange(len(labels)), labels]))

    def masked(self, layer: int, keep_mask: ArrayLike) -> Self:
        """The network with units of one hidden layer zeroed, after the nonlinearity.

        Parameters
        ----------
        layer : int
            In ``[0, n_layers)``.
        keep_mask : array_like of bool, shape (N_layer,)
            Units that stay; masks of several calls join.

        Notes
        -----
        With ``"topk"`` a zeroed unit still takes its place among the `k` largest, as an ablation has it.

        Examples
        --------
        >>> import numpy as np
        >>> from neuroscale.evidence import DenseNetwork
        >>> network = DenseNetwork.initialise((2, 4, 3), rng=0)
        >>> bare = network.masked(0, np.zeros(4, dtype=bool))
        >>> bool(np.all(bare.logits([[1.0, 2.0]]) == network.biases[-1]))
        True
        """
        layer = valid.integer("layer", layer, low=0, high=self.n_layers - 1)
        mask = np.asarray(keep_mask)
        if mask.dtype != bool or mask.shape != (self.widths[layer],):
            raise ValueError(f"keep_mask must be a boolean array of shape {(self.widths[layer],)}")
        masks = list(self.keep) if self.keep else [np.ones(width, dtype=bool) for width in self.widths]
        masks[layer] = masks[layer] & mask
        return replace(self, keep=tuple(masks))

    def _inputs(self, X: ArrayLike) -> NDArray[np.generic]:
        inputs = np.asarray(X)
        if inputs.ndim != 2 or inputs.shape[1] != self.sizes[0] or inputs.dtype.kind not in "fiub":
            raise ValueError(f"X has shape {inputs.shape}; it must be numbers of shape (n, {self.sizes[0]})")
        return inputs

    def _apply(self, X: ArrayLike) -> tuple[Floats, list[Floats]]:
        inputs = self._inputs(X)
        logits = np.empty((len(inputs), self.sizes[-1]))
        layers = [np.empty((len(inputs), width)) for width in self.widths]
        for low in range(0, len(inputs), _CHUNK):
            rows = slice(low, low + _CHUNK)
            logits[rows], hidden = self._forward(inputs[rows])
            for layer, part in zip(layers, hidden, strict=True):
                layer[rows] = part
        return logits, layers

    def _forward(self, inputs: NDArray[np.generic]) -> tuple[Floats, list[Floats]]:
        parameters = Parameters(np.empty(0), list(self.weights), list(self.biases), list(self.gains), list(self.shifts))
        running = list(zip(self.means, self.variances, strict=True)) if self.norm == "batch" else None
        logits, traces = forward(
            parameters, inputs.astype(float), k=self.k, norm=self.norm, keep=self.keep, running=running
        )
        return logits, [trace.outputs for trace in traces]
