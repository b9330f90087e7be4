"""Kernels of the dense network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroscale._jit import kernel

__all__ = ["adam_step"]


@kernel
def adam_step(
    theta: NDArray[np.floating],
    gradient: NDArray[np.floating],
    mean: NDArray[np.floating],
    square: NDArray[np.floating],
    decay_mean: np.floating,
    decay_square: np.floating,
    rate: np.floating,
    epsilon: np.floating,
) -> None:
    """One step of Adam in one pass over the parameters; `rate` and `epsilon` hold the bias corrections."""
    one = theta.dtype.type(1.0)
    for i in range(theta.size):
        g = gradient[i]
        mean[i] = decay_mean * mean[i] + (one - decay_mean) * g
        square[i] = decay_square * square[i] + (one - decay_square) * g * g
        theta[i] -= rate * mean[i] / (np.sqrt(square[i]) + epsilon)
