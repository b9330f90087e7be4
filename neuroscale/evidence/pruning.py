r"""Which units of a trained layer can go: scores, prune curves, and what the removal of silent units can cost.

Removing unit :math:`i` sets its activation :math:`h_i` to 0 (or to another constant).  In the last hidden layer this
changes the logits of a sample by :math:`-h_iw_i`, with :math:`w_i` the unit's outgoing weights, and the cross-entropy
by at most

.. math::

   |\Delta\ell|\le h_i\,r_i ,\qquad r_i=\max_mw_{mi}-\min_mw_{mi} ,

because the gradient in the logits, softmax minus label, sums to 0 and its positive part to at most 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax, softmax

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from .network import DenseNetwork

__all__ = [
    "LeaveOneOut",
    "Removal",
    "firing_bound",
    "leave_one_out",
    "prunable_share",
    "prune_curve",
    "remove_silent",
    "scores",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Readout = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Removal:
    """Removal of the silent units of a layer.

    Attributes
    ----------
    n_removed : int
        Units that were silent, and are removed.
    loss, change : float
        Mean cross-entropy in nats of the whole network, and what the removal adds to it; may be negative.
    firing : float
        Mean number of removed units that fire on a sample.
    bound : float
        Upper bound of the size of `change`; nan for a layer that is not the last hidden one.
    """

    n_removed: int
    loss: float
    change: float
    firing: float
    bound: float


@dataclass(frozen=True)
class LeaveOneOut:
    """What silent units cost on the sample that follows, estimated without bias from one set of samples.

    Attributes
    ----------
    firing : float
        Expected number of units that are silent on `n_samples` samples and fire on the next.
    change, bound : float
        Expected change of the loss in nats on the next sample when they are removed, and an upper bound of its size.
    n_samples : int
        One less than the samples given.
    """

    firing: float
    change: float
    bound: float
    n_samples: int


def scores(
    network: DenseNetwork,
    X: ArrayLike,
    *,
    y: ArrayLike | None = None,
    layer: int = -1,
    rng: np.random.Generator | int = 0,
) -> dict[str, Floats]:
    r"""Scores of the units of a layer; units with small scores are pruned first.

    Parameters
    ----------
    network : DenseNetwork
    X : array_like, shape (n, inputs)
        Samples that the data-dependent scores are taken on: of the training part, since the test part takes the loss.
    y : array_like of int, shape (n,), optional
        Labels; with them come ``"taylor"`` and ``"ablation"``.
    layer : int
        Hidden layer, from ``-n_layers`` to ``n_layers - 1``.
    rng : numpy.random.Generator or int
        For ``"random"``.

    Returns
    -------
    dict of str to ndarray of float, shape (N_layer,)
        ``"count"``: samples on which the unit fires, and ``"reverse"``, the same negated; ``"random"``;
        ``"magnitude"``: norm of the incoming weights times norm of the outgoing ones; ``"activation"``: mean activation
        times the norm of the outgoing weights; ``"taylor"``: :math:`|\mathbb E\,h_i\,\partial\ell/\partial h_i|`, the
        change of the loss to first order; ``"ablation"``: the exact change when this unit alone is removed.

    Notes
    -----
    ``"taylor"`` is for the last hidden layer only and is left out for others.  ``"ablation"`` takes one pass from
    the layer to the loss for each unit: O(n N M) in the last hidden layer.

    Examples
    --------
    >>> from neuroscale.evidence import DenseNetwork, digit_stream
    >>> from neuroscale.evidence.pruning import scores
    >>> X, y = digit_stream(200, seed=0)
    >>> found = scores(DenseNetwork.initialise((64, 16, 10), rng=0), X, y=y)
    >>> sorted(found)
    ['ablation', 'activation', 'count', 'magnitude', 'random', 'reverse', 'taylor']
    >>> int(found["count"].max()) <= 200
    True
    """
    layer = _layer(network, layer)
    H = network.activations(X)[layer]
    n = len(H)
    if n == 0:
        raise ValueError("X holds no samples; at least one is needed")
    outgoing = np.linalg.norm(network.weights[layer + 1], axis=0)
    count = (H > 0).sum(axis=0).astype(float)
    found = {
        "count": count,
        "reverse": -count,
        "random": generator(rng).random(H.shape[1]),
        "magnitude": np.linalg.norm(network.weights[layer], axis=1) * outgoing,
        "activation": H.mean(axis=0) * outgoing,
    }
    if y is None:
        return found
    labels = _labels(network, y, n)
    readout, W = _readout(network, layer), network.weights[layer + 1]
    last = layer == network.n_layers - 1
    logits = readout(H)
    if last:
        slope = softmax(logits, axis=1)
        slope[np.arange(n), labels] -= 1
        found["taylor"] = np.abs(np.einsum("nm,mi,ni->i", slope, W, H, optimize=True)) / n
    whole = _loss(logits, labels)
    ablation = np.empty(H.shape[1])
    for i in range(H.shape[1]):
        if last:
            ablation[i] = _loss(logits - np.outer(H[:, i], W[:, i]), labels) - whole
        else:
            without = H.copy()
            without[:, i] = 0
            ablation[i] = _loss(readout(without), labels) - whole
    found["ablation"] = ablation
    return found


def prune_curve(
    network: DenseNetwork,
    X: ArrayLike,
    y: ArrayLike,
    score: ArrayLike,
    shares: ArrayLike,
    *,
    layer: int = -1,
    fill: ArrayLike = 0.0,
) -> Floats:
    """Loss after the units with the smallest scores have been removed.

    Parameters
    ----------
    network : DenseNetwork
    X, y : array_like, shapes (n, inputs) and (n,)
        Samples that the loss is taken on; not those that the scores come from.
    score : array_like of float, shape (N_layer,)
        Smallest first; equal scores in the order of the units.
    shares : array_like of float
        Shares of the layer's units to remove, in [0, 1]; rounded to whole units.
    layer : int
        As for :func:`scores`.
    fill : float or array_like of float, shape (N_layer,)
        What a removed unit's activation is set to: 0, or for a mean ablation the means over training samples.

    Returns
    -------
    ndarray of float
        Mean cross-entropy in nats, of the shape of `shares`.

    Notes
    -----
    For the last hidden layer the logits are linear in the activations, and the whole curve costs one pass, O(n N M).

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.evidence import DenseNetwork, digit_stream
    >>> from neuroscale.evidence.pruning import prune_curve
    >>> X, y = digit_stream(200, seed=0)
    >>> network = DenseNetwork.initialise((64, 16, 10), rng=0)
    >>> curve = prune_curve(network, X, y, np.arange(16), [0.0, 0.5, 1.0])
    >>> bool(curve[0] == network.loss(X, y)), bool(np.isclose(curve[2], np.log(10)))
    (True, True)
    """
    layer = _layer(network, layer)
    width = network.widths[layer]
    rank = valid.reals("score", score, low=-np.inf)
    if rank.shape != (width,):
        raise ValueError(f"score has shape {rank.shape}; it must be {(width,)}")
    wanted = valid.reals("shares", shares, low=0.0, high=1.0)
    value = np.broadcast_to(valid.reals("fill", fill, low=-np.inf), (width,))
    H = network.activations(X)[layer]
    labels = _labels(network, y, len(H))
    order = np.argsort(rank, kind="stable")
    numbers = np.rint(wanted * width).astype(int)
    readout, W = _readout(network, layer), network.weights[layer + 1]
    losses: dict[int, float] = {}
    logits, gone = readout(H), 0
    for number in np.unique(numbers):
        units = order[gone:number]
        if layer == network.n_layers - 1:
            logits = logits + (value[units] - H[:, units]) @ W[:, units].T
        else:
            H[:, units] = value[units]
            logits = readout(H)
        gone = number
        losses[int(number)] = _loss(logits, labels)
    return np.array([losses[int(number)] for number in numbers.ravel()]).reshape(wanted.shape)


def prunable_share(shares: ArrayLike, losses: ArrayLike, budget: float) -> Floats:
    r"""Largest share of units that can go before the loss has risen by the budget.

    Parameters
    ----------
    shares : array_like of float, shape (S,)
        Increasing, the first 0.
    losses : array_like of float, shape (..., S)
        Prune curves at these shares, in nats.
    budget : float
        Allowed rise of the loss over its value at share 0, positive, in nats.

    Returns
    -------
    ndarray of float, shape (...)
        Where the curve first crosses the budget, by linear interpolation; 1 where it never does.

    Notes
    -----
    A curve may come back below the budget at larger shares; the first crossing ignores this.

    Examples
    --------
    >>> from neuroscale.evidence.pruning import prunable_share
    >>> float(prunable_share([0.0, 0.5, 1.0], [1.0, 1.1, 3.0], 0.2).round(3))
    0.526
    """
    at = valid.reals("shares", shares, low=0.0, high=1.0)
    if at.ndim != 1 or at.size < 2 or at[0] != 0 or np.any(np.diff(at) <= 0):
        raise ValueError(f"shares={shares!r} must increase from 0 and hold two values at least")
    curves = valid.reals("losses", losses, low=-np.inf)
    if curves.shape[-1:] != at.shape:
        raise ValueError(f"losses has shape {curves.shape}; its last axis must have the {at.size} shares")
    allowed = valid.real("budget", budget, low=0, open_low=True)
    rise = (curves - curves[..., :1]).reshape(-1, at.size)
    above = rise > allowed
    found = np.ones(len(rise))
    for row in np.flatnonzero(above.any(axis=1)):
        k = int(above[row].argmax())
        low, high = rise[row, k - 1], rise[row, k]
        found[row] = at[k - 1] + (at[k] - at[k - 1]) * (allowed - low) / (high - low)
    return found.reshape(curves.shape[:-1])


def firing_bound(n_samples: int, level: float = 0.95, n_units: int = 1) -> float:
    r"""Upper confidence bound for the firing probability of units that never fired.

    Parameters
    ----------
    n_samples : int
        Independent samples :math:`n\ge1`, which the network was not trained on.
    level : float
        Confidence :math:`1-\delta` in (0, 1).
    n_units : int
        Units :math:`N\ge1` that the bound is for at once.

    Returns
    -------
    float
        :math:`1-(\delta/N)^{1/n}\le\ln(N/\delta)/n`.

    Notes
    -----
    For a unit with firing probability :math:`p`, silent on all samples with probability :math:`(1-p)^n`.  With
    :math:`N=1`, :math:`\delta=0.05` it is the rule of three, :math:`3/n`.  Implements ``ev-free-bound``; derived in
    ``chapters/evidence/compressibility.md``.

    Examples
    --------
    >>> from neuroscale.evidence.pruning import firing_bound
    >>> round(1000 * firing_bound(1000), 2)
    2.99
    """
    n = valid.integer("n_samples", n_samples, low=1)
    level = valid.real("level", level, low=0, high=1, open_low=True, open_high=True)
    count = valid.integer("n_units", n_units, low=1)
    return float(-np.expm1((np.log1p(-level) - np.log(count)) / n))


def remove_silent(network: DenseNetwork, counts: ArrayLike, X: ArrayLike, y: ArrayLike, *, layer: int = -1) -> Removal:
    """Remove the units that never fired, and measure what it costs on other samples.

    Parameters
    ----------
    network : DenseNetwork
    counts : array_like of int, shape (N_layer,)
        Counts on the samples that decide which units are silent.
    X, y : array_like, shapes (n, inputs) and (n,)
        Samples that the cost is measured on.
    layer : int
        As for :func:`scores`.

    Examples
    --------
    >>> from neuroscale.evidence import DenseNetwork, digit_stream
    >>> from neuroscale.evidence.pruning import remove_silent, scores
    >>> network = DenseNetwork.initialise((64, 256, 10), activation="topk", k=4, rng=0)
    >>> counts = scores(network, digit_stream(500, seed=0)[0])["count"]
    >>> removal = remove_silent(network, counts, *digit_stream(500, seed=1))
    >>> removal.n_removed > 0, abs(removal.change) <= removal.bound
    (True, True)
    """
    layer = _layer(network, layer)
    width = network.widths[layer]
    seen = valid.integers("counts", counts, low=0, high=2**62)
    if seen.shape != (width,):
        raise ValueError(f"counts has shape {seen.shape}; it must be {(width,)}")
    silent = seen == 0
    H = network.activations(X)[layer]
    labels = _labels(network, y, len(H))
    readout = _readout(network, layer)
    whole = _loss(readout(H), labels)
    change = _loss(readout(np.where(silent, 0.0, H)), labels) - whole if silent.any() else 0.0
    bound = float((H[:, silent] @ _ranges(network)[silent]).mean()) if layer == network.n_layers - 1 else np.nan
    return Removal(int(silent.sum()), whole, change, float((H[:, silent] > 0).sum(axis=1).mean()), bound)


def leave_one_out(network: DenseNetwork, X: ArrayLike, y: ArrayLike) -> LeaveOneOut:
    r"""Expected cost of removing the units that were silent on all samples but the last.

    Parameters
    ----------
    network : DenseNetwork
        Its last hidden layer is pruned.
    X, y : array_like, shapes (n + 1, inputs) and (n + 1,)
        Exchangeable samples, at least two, which the network was not trained on.

    Returns
    -------
    LeaveOneOut

    Notes
    -----
    Each sample in turn is the one that follows: then exactly the units with count 1 that fire on it are silent on the
    others and matter.  Implements ``ev-free-bound``; derived in ``chapters/evidence/compressibility.md``.

    Examples
    --------
    >>> from neuroscale.evidence import DenseNetwork, digit_stream
    >>> from neuroscale.evidence.pruning import leave_one_out
    >>> network = DenseNetwork.initialise((64, 256, 10), activation="topk", k=4, rng=0)
    >>> cost = leave_one_out(network, *digit_stream(501, seed=0))
    >>> cost.n_samples, abs(cost.change) <= cost.bound
    (500, True)
    """
    H = network.activations(X)[-1]
    if len(H) < 2:
        raise ValueError(f"X holds {len(H)} samples; at least two are needed")
    labels = _labels(network, y, len(H))
    once = (H > 0).sum(axis=0) == 1
    part, W = H[:, once], network.weights[-1]
    logits = H @ W.T + network.biases[-1]
    change = _loss(logits - part @ W[:, once].T, labels) - _loss(logits, labels)
    bound = (part @ _ranges(network)[once]).mean()
    return LeaveOneOut(float(once.sum() / len(H)), change, float(bound), len(H) - 1)


def _layer(network: DenseNetwork, layer: int) -> int:
    return valid.integer("layer", layer, low=-network.n_layers, high=network.n_layers - 1) % network.n_layers


def _labels(network: DenseNetwork, y: ArrayLike, n: int) -> Integers:
    labels = valid.integers("y", y, low=0, high=network.sizes[-1] - 1)
    if labels.shape != (n,) or n == 0:
        raise ValueError(f"y has shape {labels.shape}; it must be {(n,)}, and not empty")
    return labels


def _readout(network: DenseNetwork, layer: int) -> Readout:
    """From the activations of a hidden layer to the logits."""
    first = layer + 1
    if first == network.n_layers:
        W, bias = network.weights[-1], network.biases[-1]
        return lambda H: np.asarray(H @ W.T + bias)
    parts = {
        name: getattr(network, name)[first:]
        for name in ("weights", "biases", "gains", "shifts", "means", "variances", "keep")
    }
    return replace(network, **parts).logits


def _ranges(network: DenseNetwork) -> Floats:
    """Largest minus smallest outgoing weight of each unit of the last hidden layer."""
    return np.asarray(np.ptp(network.weights[-1], axis=0))


def _loss(logits: Floats, labels: Integers) -> float:
    return float(-np.mean(log_softmax(logits, axis=1)[np.arange(len(labels)), labels]))
