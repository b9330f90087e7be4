"""Forward and backward pass of a dense network, in the precision of its parameters.

The parameters of a network are views of one vector, so that an optimiser moves them all at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPSILON", "Parameters", "Trace", "backward", "cross_entropy", "forward"]

Array = NDArray[Any]
#: Added to a variance before its root is divided by, as usual for normalisation layers.
EPSILON = 1e-5


@dataclass
class Parameters:
    """Arrays of a network with ``L`` hidden layers, all views of `vector`; `gains` and `shifts` only with a norm."""

    vector: Array
    weights: list[Array] = field(default_factory=list)
    biases: list[Array] = field(default_factory=list)
    gains: list[Array] = field(default_factory=list)
    shifts: list[Array] = field(default_factory=list)

    @classmethod
    def of(cls, vector: Array, sizes: Sequence[int], *, normed: bool) -> Parameters:
        """Cut a vector into the arrays of a network of these sizes."""
        made = cls(vector)
        place = 0

        def cut(*shape: int) -> Array:
            nonlocal place
            first, place = place, place + int(np.prod(shape))
            return vector[first:place].reshape(shape)

        for fan_in, width in zip(sizes, sizes[1:], strict=False):
            made.weights.append(cut(width, fan_in))
            made.biases.append(cut(width))
        if normed:
            for width in sizes[1:-1]:
                made.gains.append(cut(width))
                made.shifts.append(cut(width))
        return made

    @staticmethod
    def size(sizes: Sequence[int], *, normed: bool) -> int:
        """Number of parameters."""
        dense = sum(width * (fan_in + 1) for fan_in, width in zip(sizes, sizes[1:], strict=False))
        return dense + (2 * sum(sizes[1:-1]) if normed else 0)


@dataclass
class Trace:
    """What one hidden layer leaves for the backward pass."""

    inputs: Array
    outputs: Array
    open: NDArray[np.bool_]
    standard: Array | None = None
    inverse: Array | None = None
    mean: Array | None = None
    variance: Array | None = None


def forward(
    parameters: Parameters,
    X: Array,
    *,
    k: int | None,
    norm: str | None,
    keep: Sequence[NDArray[np.bool_]] = (),
    running: Sequence[tuple[Array, Array]] | None = None,
) -> tuple[Array, list[Trace]]:
    """Logits and what each hidden layer did.

    `k` is None for ReLU; `running` holds mean and variance of each layer for batch normalisation at inference, and None
    takes them from the batch.
    """
    traces: list[Trace] = []
    hidden = X
    for layer in range(len(parameters.weights) - 1):
        value = hidden @ parameters.weights[layer].T
        value += parameters.biases[layer]
        trace = Trace(hidden, value, np.empty(0, dtype=bool))
        if norm is not None:
            value = _normalise(trace, value, norm, None if running is None else running[layer])
            value = value * parameters.gains[layer] + parameters.shifts[layer]
        trace.open = value > 0
        if k is not None and k < value.shape[1]:
            kept = np.argpartition(value, value.shape[1] - k, axis=1)[:, -k:]
            largest = np.zeros_like(trace.open)
            np.put_along_axis(largest, kept, True, axis=1)
            trace.open &= largest
        if keep:
            trace.open &= keep[layer]
        hidden = np.multiply(value, trace.open, out=value)
        trace.outputs = hidden
        traces.append(trace)
    return hidden @ parameters.weights[-1].T + parameters.biases[-1], traces


def cross_entropy(logits: Array, y: NDArray[np.int64]) -> tuple[float, Array]:
    """Mean cross-entropy in nats, and its gradient in the logits."""
    n = len(y)
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1)
    rows = np.arange(n)
    loss = float(np.mean(np.log(totals) - shifted[rows, y], dtype=float))
    exponentials /= totals[:, None]
    exponentials[rows, y] -= 1
    exponentials /= n
    return loss, exponentials


def backward(
    parameters: Parameters,
    gradient: Parameters,
    traces: Sequence[Trace],
    slope: Array,
    *,
    norm: str | None,
    l1: float = 0.0,
) -> None:
    """Write the gradient of the loss, plus `l1` times the mean sum of the hidden outputs, into `gradient`."""
    last = traces[-1].outputs
    np.matmul(slope.T, last, out=gradient.weights[-1])
    slope.sum(axis=0, out=gradient.biases[-1])
    above = parameters.weights[-1]
    for layer in range(len(traces) - 1, -1, -1):
        trace = traces[layer]
        slope = slope @ above
        if l1:
            slope += slope.dtype.type(l1 / len(slope))
        slope *= trace.open
        if norm is not None:
            slope = _normalise_back(parameters, gradient, layer, trace, slope, norm)
        np.matmul(slope.T, trace.inputs, out=gradient.weights[layer])
        slope.sum(axis=0, out=gradient.biases[layer])
        above = parameters.weights[layer]


def _normalise(trace: Trace, value: Array, norm: str, running: tuple[Array, Array] | None) -> Array:
    axis = 0 if norm == "batch" else 1
    if norm == "batch" and running is not None:
        mean, variance = running
    else:
        mean = value.mean(axis=axis, keepdims=True)
        variance = np.square(value - mean).mean(axis=axis, keepdims=True)
    inverse = 1 / np.sqrt(variance + value.dtype.type(EPSILON))
    standard: Array = (value - mean) * inverse
    trace.standard, trace.inverse, trace.mean, trace.variance = standard, inverse, mean, variance
    return standard


def _normalise_back(
    parameters: Parameters, gradient: Parameters, layer: int, trace: Trace, slope: Array, norm: str
) -> Array:
    axis = 0 if norm == "batch" else 1
    standard, inverse = trace.standard, trace.inverse
    assert standard is not None
    assert inverse is not None
    np.einsum("ij,ij->j", slope, standard, out=gradient.gains[layer])
    slope.sum(axis=0, out=gradient.shifts[layer])
    slope = slope * parameters.gains[layer]
    along = (slope * standard).mean(axis=axis, keepdims=True)
    centred: Array = slope - slope.mean(axis=axis, keepdims=True) - standard * along
    return centred * inverse
