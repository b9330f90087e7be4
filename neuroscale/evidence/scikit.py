"""Counts of the hidden layers of a fitted scikit-learn network, whose own methods show the output only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from neuroscale import _validation as valid

from .counts import ActivationCounts

__all__ = ["activation_counts"]

_FUNCTIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "relu": lambda u: np.maximum(u, 0),
    "tanh": np.tanh,
    "logistic": expit,
    "identity": lambda u: u,
}


def activation_counts(
    network: Any,
    X: Any,
    *,
    threshold: float | None = None,
    batch_size: int = 4096,
    snapshots: str | Iterable[int] | None = "log",
    window: int | None = None,
) -> list[ActivationCounts]:
    r"""Count the activations of every hidden unit of a fitted multilayer perceptron.

    Parameters
    ----------
    network : sklearn.neural_network.MLPClassifier or MLPRegressor
        Fitted; with a scaler before it in a pipeline, hand over the network and the scaled samples.
    X : array_like or sparse matrix, shape (n, n_features)
        Samples, counted in their order.
    threshold : float, optional
        Activations above it count as active.  0 by default with ``activation="relu"``; the other nonlinearities have
        no silent state, and need one.
    batch_size : int
        Samples taken through the network at a time, at least 1: bounds the memory, and changes no count.
    snapshots, window
        As for :class:`ActivationCounts`.

    Returns
    -------
    list of ActivationCounts
        One for each hidden layer, first layer first; the sampling unit is ``"sample"``.

    Raises
    ------
    ValueError
        For another kind of estimator, one that is not fitted, samples of another width, or a missing threshold.

    Notes
    -----
    The network is frozen, so independent samples give exchangeable counts: ``chapters/evidence/measuring.md``.
    One forward pass: O(n P) for P weights.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from neuroscale.evidence import activation_counts
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier((20, 10), solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> [(layer.n_units, layer.n_samples) for layer in activation_counts(network, X)]
    [(20, 150), (10, 150)]
    """
    # half a second, which users of the counts alone need not pay
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.utils import check_array
    from sklearn.utils.validation import check_is_fitted

    if not isinstance(network, MLPClassifier | MLPRegressor):
        raise ValueError(f"network={network!r} must be a fitted MLPClassifier or MLPRegressor")
    check_is_fitted(network, "coefs_")
    size = valid.integer("batch_size", batch_size, low=1)
    if threshold is None:
        if network.activation != "relu":
            raise ValueError(f"threshold=None: units of activation={network.activation!r} are never silent; give one")
        threshold = 0.0
    inputs = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
    if inputs.shape[1] != network.n_features_in_:
        raise ValueError(f"X has {inputs.shape[1]} columns; the network was fitted on {network.n_features_in_}")

    function = _FUNCTIONS[network.activation]
    hidden = list(zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True))
    layers = [
        ActivationCounts(bias.size, threshold=threshold, snapshots=snapshots, window=window) for _, bias in hidden
    ]
    for low in range(0, inputs.shape[0], size):
        signal = inputs[low : low + size]
        for (weights, bias), layer in zip(hidden, layers, strict=True):
            signal = function(signal @ weights + bias)
            layer.update(signal)
    return layers
