r"""Moments of the classes, and the orders of the action split into monomials of the parameters.

The labels enter the expansion through the tensors

.. math::

   J_{\alpha\gamma_1\dots\gamma_n}
   =\mathbb E[z_{\gamma_1}\cdots z_{\gamma_n}]-\mathbb E_\alpha[z_{\gamma_1}\cdots z_{\gamma_n}].

A monomial such as ``"UWb"`` collects all terms of :math:`S_n` with one factor of :math:`U`, one of :math:`W` and one of
:math:`b`.  The split depends on the origin of the inputs, the sum does not (claim ``ac-translation``).
"""

from __future__ import annotations

from collections import defaultdict
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

from neuroscale import _validation as valid

from .activation_series import activation_coefficients
from .data import Dataset
from .network import Network

__all__ = ["action_monomials", "moment_tensor"]

Floats = NDArray[np.float64]
#: Numbers of factors of U, W, b and c.
Degrees = tuple[int, int, int, int]
Polynomial = dict[Degrees, Floats]
_LETTERS = "UWbc"
_LARGEST = 10**8


def moment_tensor(data: Dataset, order: int) -> Floats:
    r"""Moment tensor :math:`J_{\alpha\gamma_1\dots\gamma_n}`: mean product over all samples less that over a class.

    Parameters
    ----------
    data : Dataset
        With at least one sample of every class.
    order : int
        Number :math:`n` of inputs multiplied, at least 1; the result holds at most 1e8 numbers.

    Returns
    -------
    ndarray of float, shape (M, E, ..., E)
        Symmetric in all but the first index; for balanced classes its sum over classes is zero.

    Raises
    ------
    ValueError
        For a class without samples or a tensor that is too large.

    Notes
    -----
    Implements the definitions in Sections 2.3 to 2.5 of the note.  O(n_samples E^n).

    Examples
    --------
    >>> from neuroscale.action import Dataset, moment_tensor
    >>> moment_tensor(Dataset([[1.0], [-1.0]], [0, 1], 2), 1).tolist()
    [[-1.0], [1.0]]
    """
    order = valid.integer("order", order, low=1)
    shape = (data.n_classes, *[data.n_inputs] * order)
    if prod(shape) > _LARGEST:
        raise ValueError(f"order={order!r} needs {prod(shape)} numbers for {data.n_inputs} inputs; at most {_LARGEST}")
    if not data.class_counts.all():
        raise ValueError(f"labels leave class {int(np.argmin(data.class_counts))} empty; every class needs a sample")
    means = np.stack([_mean_product(data.inputs[data.labels == m], order) for m in range(data.n_classes)])
    overall = np.tensordot(data.class_counts / data.n_samples, means, axes=1)
    return np.asarray(overall - means).reshape(shape)


def _mean_product(inputs: Floats, order: int) -> Floats:
    """Mean of the n-fold outer product of the rows, flat."""
    if order == 1:
        return np.asarray(inputs.mean(axis=0))
    outer = inputs
    for _ in range(order - 2):
        outer = (outer[:, :, None] * inputs[:, None, :]).reshape(len(inputs), -1)
    return np.asarray(outer.T @ inputs / len(inputs)).ravel()


def action_monomials(network: Network, data: Dataset, order: int) -> dict[str, float]:
    r"""Split :math:`S_n(\theta)` into monomials of the parameters.

    Parameters
    ----------
    network : Network
        Its activation must have a power series at zero: not ReLU.
    data : Dataset
    order : int
        Order :math:`n`, in [1, 40].

    Returns
    -------
    dict of str to float
        From the monomial, letters in the order ``UWbc``, to its part of :math:`S_n`; the values add up to
        :math:`S_n`.  Monomials that cannot occur are left out.

    Raises
    ------
    ValueError
        For shapes that do not match or an order out of range.

    Notes
    -----
    Derived in ``chapters/action/derivatives.md``.  The recurrences of :func:`action_series`, run on polynomials:
    there are O(n^2) monomials of order `n`, and 200 samples take milliseconds at order 12, seconds at 30.

    Examples
    --------
    >>> from neuroscale.action import Dataset, Network, action_monomials
    >>> data = Dataset([[1.0], [-1.0]], [0, 1], 2)
    >>> net = Network(U=[[1.0], [-1.0]], W=[[1.0]], b=[0.5])
    >>> action_monomials(net, data, 3)
    {'UWb': -0.25, 'UWW': 0.0, 'Ubb': 0.0}
    >>> action_monomials(net, data, 4)["UUWW"]
    0.125
    """
    network._accepts(data)
    order = valid.integer("order", order, low=1, high=40)
    logits = _logit_polynomials(network, data, order)
    chosen = np.arange(data.n_samples), data.labels
    found: dict[Degrees, float] = defaultdict(float)
    for degrees, part in logits[order].items():
        found[degrees] += float(np.mean(part.mean(axis=1) - part[chosen]))
    for degrees, part in _log_mean_exp(logits)[order].items():
        found[degrees] += float(np.mean(part))
    names = {degrees: "".join(letter * n for letter, n in zip(_LETTERS, degrees, strict=True)) for degrees in found}
    return {names[degrees]: value for degrees, value in found.items()}


def _logit_polynomials(network: Network, data: Dataset, order: int) -> list[Polynomial]:
    """Logits by total degree; each part has the shape (n, M)."""
    drive = data.inputs @ network.W.T
    coefficients = activation_coefficients(network.activation, order)
    logits: list[Polynomial] = [{} for _ in range(order + 1)]
    if network.c is not None:
        logits[1][0, 0, 0, 1] = np.broadcast_to(network.c, (data.n_samples, data.n_classes))
    for n in range(1, order):
        if coefficients[n] == 0:
            continue
        for k in sorted(range(n + 1), key=lambda k: (k in (0, n), k)):
            weight = coefficients[n] * comb(n, k)
            logits[n + 1][1, n - k, k, 0] = weight * ((drive ** (n - k) * network.b**k) @ network.U.T)
    return logits


def _log_mean_exp(logits: list[Polynomial]) -> list[Polynomial]:
    """Logarithm of the mean exponential over classes, by total degree; each part has the shape (n,)."""
    centred = [{d: part - part.mean(axis=1, keepdims=True) for d, part in level.items()} for level in logits]
    one: Polynomial = {(0, 0, 0, 0): np.ones((1, 1))}
    powers, means, logs = [one], [one], [Polynomial()]
    for k in range(1, len(logits)):
        level = _products(centred, powers, k)
        powers.append({d: part / k for d, part in level.items()})
        means.append({d: part.mean(axis=1) for d, part in powers[k].items()})
        lower = _products(logs, means, k)
        logs.append({d: np.asarray(part - lower.get(d, 0.0) / k) for d, part in means[k].items()})
    return logs


def _products(left: list[Polynomial], right: list[Polynomial], k: int) -> Polynomial:
    """Sum of ``j * left[j] * right[k - j]`` over the degrees that both have."""
    total: Polynomial = {}
    for j in range(1, min(k, len(left) - 1) + 1):
        for mine, value in left[j].items():
            for theirs, factor in right[k - j].items():
                u, w, b, c = (x + y for x, y in zip(mine, theirs, strict=True))
                total[u, w, b, c] = total.get((u, w, b, c), 0.0) + j * value * factor
    return total
