"""Compiled kernels of training: one pass over memory where plain numpy needs several; nothing is validated here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def silu(h: Floats, exponential: Floats, value: Floats, slope: Floats) -> None:
    """Value and slope of the SiLU at flat ``h``, given ``exp(-h)``; the outputs may be the inputs."""
    for i in range(h.size):
        s = 1.0 / (1.0 + exponential[i])
        x = h[i] * s
        value[i] = x
        slope[i] = s + x * (1.0 - s)


@kernel
def centre_logits(logits: Floats, labels: Integers, loss: Floats) -> None:
    """Subtract from each row of logits (R, n, M) its largest; ``loss``, shape (R,), receives minus the labels' sum."""
    n_networks, n_samples, n_classes = logits.shape
    for r in range(n_networks):
        loss[r] = 0.0
        for i in range(n_samples):
            row = logits[r, i]
            top = row[0]
            for m in range(1, n_classes):
                top = max(top, row[m])
            for m in range(n_classes):
                row[m] -= top
            loss[r] -= row[labels[r, i]]


@kernel
def softmax_residual(exponentials: Floats, labels: Integers, loss: Floats) -> None:
    """Turn exponentials of centred logits into ``(q - y) / n`` in place, and ``loss`` into the mean cross-entropy."""
    n_networks, n_samples, n_classes = exponentials.shape
    for r in range(n_networks):
        total = loss[r]
        for i in range(n_samples):
            row = exponentials[r, i]
            mass = 0.0
            for m in range(n_classes):
                mass += row[m]
            total += np.log(mass)
            share = 1.0 / (mass * n_samples)
            for m in range(n_classes):
                row[m] *= share
            row[labels[r, i]] -= 1.0 / n_samples
        loss[r] = total / n_samples


@kernel
def adam(
    gradient: Floats,
    mean: Floats,
    square: Floats,
    decay_mean: float,
    decay_square: float,
    correct_mean: float,
    correct_square: float,
    epsilon: float,
    direction: Floats,
) -> None:
    """Update both running means by a flat gradient, and write Adam's direction; ``correct_*`` undo their start at 0."""
    for i in range(gradient.size):
        g = gradient[i]
        mean[i] += (1.0 - decay_mean) * (g - mean[i])
        square[i] += (1.0 - decay_square) * (g * g - square[i])
        direction[i] = -(mean[i] / correct_mean) / (np.sqrt(square[i] / correct_square) + epsilon)
