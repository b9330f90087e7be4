"""Power-series arithmetic of the softmax: arrays in, arrays out; nothing is validated here.

The function is compiled for float64; its plain Python form runs the same recurrences on arrays of objects.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from neuroscale._jit import kernel


@kernel
def log_mean_exp(weighted: NDArray[Any], powers: NDArray[Any], mean: NDArray[Any], result: NDArray[Any]) -> None:
    """Series of ``ln((1/M) sum_a exp f_a)`` for logits without a constant term.

    ``weighted``, shape (n, M, N+1), holds ``k f_k``; ``powers`` and ``mean``, (N+1,), start with a one; ``result``,
    (n, N+1), is zero.  With ``G = exp f`` and ``L = ln Z``,
    ``k G_k = sum_j j f_j G_(k-j)`` and ``k L_k = k Z_k - sum_(j<k) j L_j Z_(k-j)``.
    """
    samples, classes, terms = weighted.shape
    for i in range(samples):
        mean[1:] = result[i, 1:]
        for a in range(classes):
            for k in range(1, terms):
                total = weighted[i, a, k]
                for j in range(1, k):
                    total += weighted[i, a, j] * powers[k - j]
                powers[k] = total / k
                mean[k] += powers[k]
        for k in range(1, terms):
            mean[k] /= classes
            total = k * mean[k]
            for j in range(1, k):
                total -= j * result[i, j] * mean[k - j]
            result[i, k] = total / k
