"""Networks of equal shape as one array: a row holds the parameters of a network, ``(U, W, b, c)`` in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import _training_kernels as kernels
from .activations import PAIRS
from .network import Network

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Hidden activations that are worked on at a time: half a megabyte, so that they stay in the cache.
_CHUNK = 2**16


class Stack:
    """Parameters of ``R`` networks, shape (R, P), with the losses and gradients of all of them."""

    def __init__(self, networks: Sequence[Network]) -> None:
        first = networks[0]
        self.activation = first.activation
        self.shapes = [part.shape for part in first.parameters()]
        self._ends = np.cumsum([0] + [int(np.prod(shape)) for shape in self.shapes]).tolist()
        self.theta: Floats = np.stack([np.concatenate([p.ravel() for p in net.parameters()]) for net in networks])

    def views(self, rows: Floats) -> list[Floats]:
        """The parts ``U (R, M, H), W (R, H, E), b (R, H)`` and perhaps ``c (R, M)`` of rows, without a copy."""
        ends = self._ends
        return [
            rows[:, low:high].reshape(-1, *shape) for low, high, shape in zip(ends, ends[1:], self.shapes, strict=False)
        ]

    def networks(self, rows: Floats) -> list[Network]:
        """Rows as networks that own their arrays."""
        parts = [part.copy() for part in self.views(rows)]
        biases = parts[3] if len(parts) == 4 else [None] * len(rows)
        return [Network(U, W, b, c, self.activation) for U, W, b, c in zip(*parts[:3], biases, strict=True)]

    def losses(self, inputs: Floats, labels: Integers, gradient: Floats | None = None) -> Floats:
        """Mean cross-entropy of each network on its own samples (R, n, E), (R, n); the gradient goes to its rows."""
        n_networks, n_samples = labels.shape
        loss = np.empty(n_networks)
        width = max(1, _CHUNK // (n_samples * self.shapes[0][1]))
        for low in range(0, n_networks, width):
            part = slice(low, low + width)
            out = None if gradient is None else self.views(gradient[part])
            self._chunk(self.views(self.theta[part]), inputs[part], labels[part], loss[part], out)
        return loss

    def _chunk(
        self, parts: list[Floats], inputs: Floats, labels: Integers, loss: Floats, out: list[Floats] | None
    ) -> None:
        U, W, b, *c = parts
        h = np.matmul(inputs, W.swapaxes(1, 2))
        h += b[:, None, :]
        if self.activation == "silu":
            with np.errstate(over="ignore"):
                slope = np.exp(-h)
            kernels.silu(h.ravel(), slope.ravel(), h.ravel(), slope.ravel())
            value = h
        else:
            value, slope = PAIRS[self.activation](h)
        residual = np.matmul(value, U.swapaxes(1, 2))
        if c:
            residual += c[0][:, None, :]
        kernels.centre_logits(residual, labels, loss)
        np.exp(residual, out=residual)
        kernels.softmax_residual(residual, labels, loss)
        if out is None:
            return
        np.matmul(residual.swapaxes(1, 2), value, out=out[0])
        slope *= np.matmul(residual, U)
        np.matmul(slope.swapaxes(1, 2), inputs, out=out[1])
        np.sum(slope, axis=1, out=out[2])
        if c:
            np.sum(residual, axis=1, out=out[3])
