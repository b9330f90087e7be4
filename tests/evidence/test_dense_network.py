"""Dense network: gradients against differences, normalisation, top-k, masks, training; evidence, not action."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroscale.evidence import DenseNetwork, digit_stream, train_network
from neuroscale.evidence._network_kernels import adam_step
from neuroscale.evidence._passes import Parameters
from neuroscale.evidence.training import loss_gradient

Floats = NDArray[np.float64]
KINDS = [(norm, k) for norm in (None, "batch", "layer") for k in (None, 3)]


def network(norm: str | None, k: int | None, sizes: tuple[int, ...] = (5, 7, 6, 3)) -> DenseNetwork:
    activation = "relu" if k is None else "topk"
    return DenseNetwork.initialise(sizes, activation=activation, k=k, norm=norm, bias_scale=0.3, rng=1)


def vector(net: DenseNetwork) -> Floats:
    dense = [np.append(w.ravel(), b) for w, b in zip(net.weights, net.biases, strict=True)]
    return np.concatenate(dense + [np.append(g, s) for g, s in zip(net.gains, net.shifts, strict=True)])


def at(net: DenseNetwork, theta: Floats) -> DenseNetwork:
    parts = Parameters.of(theta, net.sizes, normed=net.norm is not None)
    names: Any = {name: tuple(getattr(parts, name)) for name in ("weights", "biases", "gains", "shifts")}
    return replace(net, **names)


@pytest.mark.parametrize(("norm", "k"), KINDS)
@pytest.mark.parametrize("l1", [0.0, 0.1])
@pytest.mark.parametrize("pruned", [False, True])
def test_gradient_equals_differences(norm: str | None, k: int | None, l1: float, pruned: bool) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 5)), rng.integers(3, size=12)
    net = network(norm, k)
    if net.norm is not None:
        gains = tuple(rng.uniform(0.5, 1.5, width) for width in net.widths)
        net = replace(net, gains=gains, shifts=tuple(rng.standard_normal(width) / 3 for width in net.widths))
    if pruned:
        net = net.masked(0, rng.random(7) < 0.7)
    theta = vector(net)
    step = 1e-6
    numeric = [
        (loss_gradient(at(net, theta + e), X, y, l1=l1)[0] - loss_gradient(at(net, theta - e), X, y, l1=l1)[0])
        / (2 * step)
        for e in step * np.eye(len(theta))
    ]
    # a central difference of step h errs by h^2 from the third derivative and by 1e-16 / h from rounding
    np.testing.assert_allclose(loss_gradient(net, X, y, l1=l1)[1], numeric, atol=5e-9)


def test_layers_compute_what_they_say() -> None:
    X = np.random.default_rng(1).standard_normal((40, 5))
    net = network("layer", None, (5, 7, 3))
    u = X @ net.weights[0].T + net.biases[0]
    standard = (u - u.mean(axis=1, keepdims=True)) / np.sqrt(u.var(axis=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(net.activations(X)[0], np.maximum(standard, 0), atol=1e-12)
    top = network(None, 2, (5, 7, 3))
    [h] = top.activations(X)
    plain = np.maximum(X @ top.weights[0].T + top.biases[0], 0)
    for kept, row in zip(h, plain, strict=True):
        assert sorted(kept[kept > 0]) == sorted(row)[-2:][-int((row > 0).sum()) :]
    np.testing.assert_allclose(top.logits(X), h @ top.weights[1].T + top.biases[1], atol=1e-12)


def test_batch_normalisation_learns_the_statistics_that_inference_uses() -> None:
    X, y = digit_stream(512, seed=0)
    start = DenseNetwork.initialise((64, 20, 10), norm="batch", rng=0)
    # full batches and almost no movement: the running statistics approach those of the data by 0.9 a step
    end = train_network(start, X, y, n_steps=150, batch_size=512, learning_rate=1e-12, rng=0, dtype=np.float64).network
    u = X @ end.weights[0].T
    np.testing.assert_allclose(end.means[0], u.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(end.variances[0], u.var(axis=0, ddof=1), rtol=1e-5)


def test_masks_zero_units_and_join() -> None:
    X, y = digit_stream(64, seed=0)
    net = DenseNetwork.initialise((64, 8, 6, 10), rng=0)
    once = net.masked(0, np.arange(8) != 2).masked(0, np.arange(8) != 5).masked(1, np.arange(6) != 0)
    first, second = once.activations(X)
    assert not first[:, [2, 5]].any()
    assert not second[:, 0].any()
    assert first[:, [0, 1, 3, 4, 6, 7]].any(axis=0).all()
    silent = np.flatnonzero(~net.activations(X)[0].any(axis=0))
    free = net.masked(0, ~np.isin(np.arange(8), silent))
    assert abs(free.loss(X, y) - net.loss(X, y)) < 1e-12


def test_training_lowers_the_loss_and_keeps_the_best() -> None:
    X, y = digit_stream(600, seed=0)
    held = digit_stream(300, seed=0, part="validation")
    start = DenseNetwork.initialise((64, 64, 10), rng=0)
    done = train_network(start, X, y, n_epochs=200, learning_rate=0.01, validation=held, patience=5, every=10, rng=1)
    assert done.n_steps < 200 * 4
    assert done.best_step == done.steps[np.nanargmin(done.validation_loss)]
    assert done.n_steps - done.best_step == 50
    # recorded in single precision
    assert abs(done.network.loss(*held) - done.validation_loss.min()) < 1e-5
    assert done.network.loss(*held) < 0.3 * start.loss(*held)
    assert done.last.loss(X, y) < done.training_loss[1]


def test_training_is_deterministic_and_shows_each_batch() -> None:
    X, y = digit_stream(300, seed=0)
    start = DenseNetwork.initialise((64, 16, 12, 10), activation="topk", k=4, norm="batch", rng=0)
    seen: list[tuple[int, list[tuple[int, ...]], int]] = []

    def watch(step: int, layers: list[NDArray[np.floating]]) -> None:
        seen.append((step, [h.shape for h in layers], int((layers[0] > 0).sum(axis=1).max())))

    ends = [train_network(start, X, y, n_epochs=2, batch_size=64, rng=3, on_batch=watch).network for _ in range(2)]
    assert all((a == b).all() for a, b in zip(ends[0].weights, ends[1].weights, strict=True))
    assert seen[:8] == [(step, [(64, 16), (64, 12)], 4) for step in range(8)]
    other = train_network(start, X, y, n_epochs=2, batch_size=64, rng=4).network
    assert (other.weights[0] != ends[0].weights[0]).any()


def test_precisions_agree() -> None:
    X, y = digit_stream(256, seed=0)
    start = DenseNetwork.initialise((64, 16, 10), rng=0)
    single, double = (train_network(start, X, y, n_steps=20, rng=0, dtype=t).network for t in (np.float32, np.float64))
    # Adam divides by the root of a mean square, so rounding of 6e-8 grows, but not to the step length of 1e-3
    assert max(np.abs(a - b).max() for a, b in zip(single.weights, double.weights, strict=True)) < 1e-4


def test_penalty_makes_activations_sparser() -> None:
    X, y = digit_stream(1000, seed=0)
    start = DenseNetwork.initialise((64, 64, 10), rng=0)
    free, pressed = (train_network(start, X, y, n_epochs=20, l1=l1, rng=0).network for l1 in (0.0, 0.01))
    assert pressed.activations(X)[0].sum() < 0.7 * free.activations(X)[0].sum()


def test_adam_step_is_adam() -> None:
    rng = np.random.default_rng(0)
    theta, gradient = rng.standard_normal((2, 9))
    moved, mean, square = theta.copy(), np.zeros(9), np.zeros(9)
    for step in (1, 2, 3):
        correction = np.sqrt(1 - 0.999**step)
        adam_step(
            moved,
            gradient,
            mean,
            square,
            np.float64(0.9),
            np.float64(0.999),
            np.float64(0.1 * correction / (1 - 0.9**step)),
            np.float64(1e-8 * correction),
        )
    # a constant gradient moves each parameter by the learning rate a step
    np.testing.assert_allclose(moved, theta - 0.3 * np.sign(gradient), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": (4, 3)}, "sizes"),
        ({"activation": "tanh"}, "activation"),
        ({"activation": "topk"}, "k=None"),
        ({"k": 3}, "k=3"),
        ({"norm": "group"}, "norm"),
        ({"weight_scale": -1.0}, "weight_scale"),
        ({"bias_scale": np.nan}, "bias_scale"),
    ],
)
def test_bad_networks_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DenseNetwork.initialise(**{"sizes": (4, 3, 2), "rng": 0, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one"),
        ({"n_steps": 1, "n_epochs": 1}, "exactly one"),
        ({"n_steps": 1, "patience": 2}, "validation"),
        ({"n_steps": 1, "dtype": np.int64}, "dtype"),
        ({"n_steps": 1, "learning_rate": 0.0}, "learning_rate"),
        ({"n_steps": 1, "l1": -1.0}, "l1"),
        ({"n_steps": 50, "learning_rate": 1e30}, "learning_rate is too large"),
    ],
)
def test_bad_training_is_named(arguments: dict[str, Any], message: str) -> None:
    X, y = digit_stream(20, seed=0)
    with pytest.raises(ValueError, match=message):
        train_network(DenseNetwork.initialise((64, 3, 10), rng=0), X, y, rng=0, **arguments)


def test_bad_data_are_named() -> None:
    net = DenseNetwork.initialise((64, 3, 10), rng=0)
    X, y = digit_stream(20, seed=0)
    with pytest.raises(ValueError, match="X has shape"):
        net.logits(X[:, :5])
    with pytest.raises(ValueError, match="y"):
        net.loss(X, y + 10)
    with pytest.raises(ValueError, match="keep_mask"):
        net.masked(0, [1, 0, 1])
    with pytest.raises(ValueError, match="chain"):
        DenseNetwork((np.ones((3, 2)), np.ones((2, 4))), (np.zeros(3), np.zeros(2)))
    with pytest.raises(ValueError, match="gains"):
        DenseNetwork((np.ones((3, 2)), np.ones((2, 3))), (np.zeros(3), np.zeros(2)), gains=(np.ones(3),))
