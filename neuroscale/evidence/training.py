"""Training of a dense network with Adam and early stopping, showing the activations of every batch.

The weights move after each batch, so what a unit does on one batch and on the next comes from two different networks:
``chapters/evidence/training.md`` measures what that does to the urn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from ._network_kernels import adam_step
from ._passes import Array, Parameters, Trace, backward, cross_entropy, forward
from .network import DenseNetwork

__all__ = ["NetworkTraining", "loss_gradient", "train_network"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Adam's usual constants: decay of both running means, and the number that keeps it from dividing by 0.
_DECAY_MEAN, _DECAY_SQUARE, _EPSILON = 0.9, 0.999, 1e-8
#: Weight of a new batch in the running mean and variance of batch normalisation.
_MOMENTUM = 0.1
_CHUNK = 4096


@dataclass(frozen=True)
class NetworkTraining:
    """What training gave.

    Attributes
    ----------
    network : DenseNetwork
        At the smallest validation loss seen; where training ended without a validation part.
    best_step : int
        Number of steps made by then.
    n_steps : int
        Number of steps made in all.
    steps : ndarray of int64, shape (K,)
        Steps at which losses were recorded, the first 0.
    validation_loss : ndarray of float, shape (K,)
        In nats, at `steps`; nan without a validation part.
    training_loss : ndarray of float, shape (K,)
        Mean loss of the batches since the last record, in training mode and without the penalty; nan at step 0.
    last : DenseNetwork
        Where training ended.
    """

    network: DenseNetwork
    best_step: int
    n_steps: int
    steps: Integers
    validation_loss: Floats
    training_loss: Floats
    last: DenseNetwork


class _State:
    """A network in the precision of training: its parameters in one vector, and the running statistics."""

    def __init__(self, network: DenseNetwork, dtype: DTypeLike) -> None:
        self.network = network
        sizes, normed = network.sizes, network.norm is not None
        size = Parameters.size(sizes, normed=normed)
        self.parameters = Parameters.of(np.zeros(size, dtype=dtype), sizes, normed=normed)
        self.gradient = Parameters.of(np.zeros(size, dtype=dtype), sizes, normed=normed)
        for name in ("weights", "biases", "gains", "shifts"):
            for view, part in zip(getattr(self.parameters, name), getattr(network, name), strict=True):
                view[...] = part
        self.running: list[tuple[Array, Array]] = [
            (mean.astype(dtype), variance.astype(dtype))
            for mean, variance in zip(network.means, network.variances, strict=True)
        ]

    def frozen(self) -> DenseNetwork:
        """A copy in double precision."""
        if not np.isfinite(self.parameters.vector).all():
            raise ValueError("learning_rate is too large: parameters overflowed during training")
        return replace(
            self.network,
            weights=_copies(self.parameters.weights),
            biases=_copies(self.parameters.biases),
            gains=_copies(self.parameters.gains),
            shifts=_copies(self.parameters.shifts),
            means=_copies([mean for mean, _ in self.running]),
            variances=_copies([variance for _, variance in self.running]),
        )

    def gradient_step(self, X: Array, y: Integers, l1: float) -> tuple[float, list[Trace]]:
        """Loss of a batch in training mode; its gradient is left in ``self.gradient``."""
        net = self.network
        logits, traces = forward(self.parameters, X, k=net.k, norm=net.norm, keep=net.keep)
        loss, slope = cross_entropy(logits, y)
        backward(self.parameters, self.gradient, traces, slope, norm=net.norm, l1=l1)
        return loss, traces

    def update_running(self, traces: list[Trace], n: int) -> None:
        for (mean, variance), trace in zip(self.running, traces, strict=True):
            assert trace.mean is not None
            assert trace.variance is not None
            mean += _MOMENTUM * (trace.mean[0] - mean)
            # the running variance is the unbiased one, as is usual
            variance += _MOMENTUM * (trace.variance[0] * (n / max(n - 1, 1)) - variance)

    def loss(self, X: Array, y: Integers) -> float:
        """Mean loss at inference."""
        net = self.network
        running = self.running if net.norm == "batch" else None
        total = 0.0
        for low in range(0, len(y), _CHUNK):
            rows = slice(low, low + _CHUNK)
            logits, _ = forward(self.parameters, X[rows], k=net.k, norm=net.norm, keep=net.keep, running=running)
            total += cross_entropy(logits, y[rows])[0] * len(y[rows])
        return total / len(y)


def train_network(
    network: DenseNetwork,
    X: ArrayLike,
    y: ArrayLike,
    *,
    learning_rate: float = 1e-3,
    batch_size: int = 128,
    n_steps: int | None = None,
    n_epochs: int | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
    every: int = 50,
    l1: float = 0.0,
    on_batch: Callable[[int, list[NDArray[np.floating]]], None] | None = None,
    dtype: DTypeLike = np.float32,
    rng: np.random.Generator | int,
) -> NetworkTraining:
    """Minimise the cross-entropy with Adam, and keep the network of the smallest validation loss.

    Parameters
    ----------
    network : DenseNetwork
        Where training starts; not changed.
    X : array_like, shape (n, inputs)
        Of any numeric type; a batch is converted when its turn comes.
    y : array_like of int, shape (n,)
        Classes in ``[0, M)``.
    learning_rate : float
        Positive.
    batch_size : int
        At least 1; all samples when there are fewer.  Samples come in a new random order each epoch, and those that do
        not fill a last batch are left out of that epoch.
    n_steps, n_epochs : int, optional
        Exactly one of both: number of batches, or of passes through the samples; at least 0.
    validation : pair of array_like, optional
        Inputs and classes of a validation part, on which the loss is taken every `every` steps.
    patience : int, optional
        Training ends once so many records in a row have not lowered the validation loss; None never ends it early.
    every : int
        Steps between two records, at least 1.
    l1 : float
        Weight, at least 0, of a penalty: the mean over samples of the sum of all hidden activations.
    on_batch : callable, optional
        Called as ``on_batch(step, activations)`` before step `step` (counted from 0) with the activations of each
        hidden layer on the batch, shapes (batch_size, N_l), in training mode and in the precision of training.
    dtype : {numpy.float32, numpy.float64}
        Precision of training; the networks returned are in double precision.
    rng : numpy.random.Generator or int
        Orders the samples, and does nothing else.

    Returns
    -------
    NetworkTraining

    Raises
    ------
    ValueError
        For arguments outside their range, and when the parameters overflow.

    Notes
    -----
    Deterministic for given arguments on one machine.  A step takes O(P n) time for P parameters and a batch of n.

    Examples
    --------
    >>> from neuroscale.evidence import DenseNetwork, digit_stream, train_network
    >>> X, y = digit_stream(1000, seed=0)
    >>> network = DenseNetwork.initialise((64, 32, 10), rng=0)
    >>> training = train_network(network, X, y, n_epochs=5, learning_rate=0.01, rng=1)
    >>> training.n_steps, training.network.loss(X, y) < network.loss(X, y) / 2
    (35, True)
    """
    rate = valid.real("learning_rate", learning_rate, low=0, open_low=True)
    l1 = valid.real("l1", l1, low=0)
    every = valid.integer("every", every, low=1)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype={dtype!r} must be numpy.float32 or numpy.float64")
    kind = np.float32 if dtype == np.float32 else np.float64
    inputs, labels = _data(network, X, y, "y")
    batch = min(valid.integer("batch_size", batch_size, low=1), len(labels))
    per_epoch = len(labels) // batch
    if (n_steps is None) == (n_epochs is None):
        raise ValueError(f"n_steps={n_steps!r} and n_epochs={n_epochs!r}: exactly one of them must be given")
    if n_steps is not None:
        total = valid.integer("n_steps", n_steps, low=0)
    else:
        assert n_epochs is not None
        total = valid.integer("n_epochs", n_epochs, low=0) * per_epoch
    held = None
    if validation is not None:
        held_inputs, held_labels = _data(network, *validation, "validation")
        held = (held_inputs.astype(kind), held_labels)
    if patience is not None:
        patience = valid.integer("patience", patience, low=1)
        if held is None:
            raise ValueError(f"patience={patience!r} needs a validation part")
    rng = generator(rng)

    state = _State(network, kind)
    mean, square = np.zeros_like(state.parameters.vector), np.zeros_like(state.parameters.vector)
    records: list[tuple[int, float, float]] = []
    lowest, best, best_step, waited = np.inf, network, 0, 0
    seen: list[float] = []
    order = np.empty(0, dtype=np.int64)
    step = 0
    # an overflow is reported as an error of its own
    with np.errstate(over="ignore", invalid="ignore"):
        while True:
            if step % every == 0 or step == total:
                held_loss = state.loss(*held) if held is not None else np.nan
                records.append((step, held_loss, float(np.mean(seen)) if seen else np.nan))
                seen = []
                if held_loss < lowest:
                    lowest, best, best_step, waited = held_loss, state.frozen(), step, 0
                else:
                    waited += 1
                if step == total or (patience is not None and waited >= patience):
                    break
            if len(order) < batch:
                order = rng.permutation(len(labels))
            rows, order = order[:batch], order[batch:]
            loss, traces = state.gradient_step(inputs[rows].astype(kind), labels[rows], l1)
            seen.append(loss)
            if on_batch is not None:
                on_batch(step, [trace.outputs for trace in traces])
            if network.norm == "batch":
                state.update_running(traces, batch)
            step += 1
            adam_step(
                state.parameters.vector,
                state.gradient.vector,
                mean,
                square,
                kind(_DECAY_MEAN),
                kind(_DECAY_SQUARE),
                kind(rate * np.sqrt(1 - _DECAY_SQUARE**step) / (1 - _DECAY_MEAN**step)),
                kind(_EPSILON * np.sqrt(1 - _DECAY_SQUARE**step)),
            )
        last = state.frozen()
    if held is None:
        best, best_step = last, step
    steps, validation_loss, training_loss = (np.array(column) for column in zip(*records, strict=True))
    return NetworkTraining(best, best_step, step, steps, validation_loss, training_loss, last)


def loss_gradient(network: DenseNetwork, X: ArrayLike, y: ArrayLike, *, l1: float = 0.0) -> tuple[float, Floats]:
    """Loss of one batch in training mode, penalty included, and its exact gradient in double precision.

    Parameters
    ----------
    network : DenseNetwork
    X : array_like, shape (n, inputs)
    y : array_like of int, shape (n,)
    l1 : float
        As for :func:`train_network`.

    Returns
    -------
    float, ndarray of float, shape (P,)
        The gradient is ordered as weights and biases layer by layer, then gains and shifts layer by layer.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence import DenseNetwork
    >>> from neuroscale.evidence.training import loss_gradient
    >>> loss, gradient = loss_gradient(DenseNetwork.initialise((2, 3, 2), rng=0), [[1.0, 0.0]], [1])
    >>> gradient.shape, bool(abs(gradient[-2:].sum()) < 1e-12)
    ((17,), True)
    """
    inputs, labels = _data(network, X, y, "y")
    penalty = valid.real("l1", l1, low=0)
    state = _State(network, np.float64)
    loss, traces = state.gradient_step(inputs.astype(float), labels, penalty)
    if penalty:
        loss += penalty * sum(float(trace.outputs.sum()) for trace in traces) / len(labels)
    return loss, state.gradient.vector


def _copies(parts: list[Array]) -> tuple[Floats, ...]:
    return tuple(part.astype(float) for part in parts)


def _data(network: DenseNetwork, X: ArrayLike, y: ArrayLike, name: str) -> tuple[Array, Integers]:
    inputs = network._inputs(X)
    labels = valid.integers(name, y, low=0, high=network.sizes[-1] - 1)
    if labels.shape != inputs.shape[:1] or len(labels) == 0:
        raise ValueError(f"{name} has shape {labels.shape}; it must be {inputs.shape[:1]}, and not empty")
    return inputs, labels
