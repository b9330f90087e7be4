"""Counts of scikit-learn's networks: the forward pass is scikit-learn's, and every activation of it is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from neuroscale.evidence import activation_counts

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)
X = X[:600] / 16.0
Y = Y[:600]


def fitted(kind: Any = MLPClassifier, activation: str = "relu", sizes: tuple[int, ...] = (60, 30)) -> Any:
    # two steps of L-BFGS: the weights have moved, and no warning about convergence matters here
    network = kind(hidden_layer_sizes=sizes, activation=activation, solver="lbfgs", max_iter=2, random_state=0)
    return network.fit(X, Y)


def hidden(network: Any) -> list[Any]:
    """Activations by scikit-learn's own pass, which keeps every layer."""
    layers = [X] + [np.empty((len(X), bias.size)) for bias in network.intercepts_]
    return list(network._forward_pass(layers)[1:-1])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(
    ("activation", "threshold"), [("relu", None), ("relu", 0.3), ("tanh", 0.1), ("logistic", 0.5), ("identity", 0.0)]
)
def test_counts_equal_a_direct_count(kind: Any, activation: str, threshold: float | None) -> None:
    network = fitted(kind, activation)
    layers = activation_counts(network, X, threshold=threshold)
    assert len(layers) == 2
    for layer, signal in zip(layers, hidden(network), strict=True):
        active = signal > (threshold or 0.0)
        # rounding may differ between two matrix products, but not so that a sign changes here
        assert np.array_equal(layer.counts, active.sum(axis=0))
        assert np.array_equal(layer.first_fire, np.where(active.any(axis=0), active.argmax(axis=0), -1))
        assert 0 < layer.n_active < layer.n_units
        assert layer.sample == "sample"


def test_the_batch_size_bounds_memory_only() -> None:
    network = fitted()
    whole = activation_counts(network, X, window=50)
    for size in (1, 7, 599):
        assert activation_counts(network, X, batch_size=size, window=50) == whole
    assert activation_counts(network, sparse.csr_matrix(X), window=50) == whole
    assert activation_counts(network, X, snapshots=(100,), batch_size=64)[0].snapshot_at(100).sum() > 0


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(NotFittedError):
        activation_counts(MLPClassifier(), X)
    with pytest.raises(ValueError, match="must be a fitted MLPClassifier or MLPRegressor"):
        activation_counts(LogisticRegression().fit(X > 0, Y), X)
    with pytest.raises(ValueError, match="activation='tanh' are never silent"):
        activation_counts(fitted(activation="tanh"), X)
    network = fitted()
    with pytest.raises(ValueError, match="X has 63 columns; the network was fitted on 64"):
        activation_counts(network, X[:, 1:])
    with pytest.raises(ValueError, match="NaN"):
        activation_counts(network, np.where(X > 0.9, np.nan, X))
    with pytest.raises(ValueError, match="batch_size=0"):
        activation_counts(network, X, batch_size=0)
