"""The network: action and gradient against mpmath, scikit-learn and exact identities."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy.special import expit
from sklearn.neural_network import MLPClassifier

from neuroscale.action import ACTIVATIONS, Dataset, Network, activate, load_digits, value_and_slope

RNG = np.random.default_rng(2)
DATA = Dataset(RNG.normal(size=(7, 3)), np.array([0, 1, 2, 2, 1, 0, 1]), n_classes=3)

EXACT: dict[str, Callable[[Any], Any]] = {
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu": lambda x: x * mp.ncdf(x),
    "tanh": mp.tanh,
    "relu": lambda x: max(x, mp.mpf(0)),
}


def draw(activation: str = "silu", output_bias: bool = True, scale: float = 1.5) -> Network:
    return Network.initialise(3, 4, 3, scale=scale, output_bias=output_bias, activation=activation, rng=5)


def exact_action(network: Network, data: Dataset, parts: list[Any]) -> Any:
    """The action at 50 digits, with parameters as lists of mpmath numbers."""
    U, W, b, *c = parts
    H, M = network.n_hidden, network.n_classes
    total = mp.mpf(0)
    for z, label in zip(data.inputs.tolist(), data.labels.tolist(), strict=True):
        a = [EXACT[network.activation](mp.fsum(W[j][k] * z[k] for k in range(len(z))) + b[j]) for j in range(H)]
        f = [mp.fsum(U[m][j] * a[j] for j in range(H)) + (c[0][m] if c else 0) for m in range(M)]
        total += mp.log(mp.fsum(mp.exp(v) for v in f)) - f[label]
    return total / data.n_samples


def as_mp(network: Network) -> list[Any]:
    return [np.vectorize(mp.mpf, otypes=[object])(part) for part in network.parameters()]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output_bias", [False, True])
def test_action_and_gradient_against_fifty_digits(activation: str, output_bias: bool) -> None:
    network = draw(activation, output_bias)
    with mp.workdps(50):
        exact = as_mp(network)
        assert network.action(DATA) == pytest.approx(float(exact_action(network, DATA, exact)), rel=1e-14)
        step = mp.mpf(10) ** -17
        for part, gradient in zip(exact, network.gradient(DATA).parameters(), strict=True):
            for index in np.ndindex(gradient.shape):
                kept, sides = part[index], []
                for sign in (1, -1):
                    part[index] = kept + sign * step
                    sides.append(exact_action(network, DATA, exact))
                part[index] = kept
                wanted = float((sides[0] - sides[1]) / (2 * step))  # error of order step^2 = 1e-34
                assert gradient[index] == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_values_and_slopes_over_the_whole_range(activation: str) -> None:
    x = np.concatenate([np.linspace(-12, 12, 97) + 1e-3, [-700.0, -40.0, 40.0, 700.0]])
    value, slope = value_and_slope(activation, x)
    with mp.workdps(60):
        wanted = [EXACT[activation](mp.mpf(v)) for v in x]
        step = mp.mpf(10) ** -20
        slopes = [
            (EXACT[activation](mp.mpf(v) + step) - EXACT[activation](mp.mpf(v) - step)) / (2 * step) for v in x.tolist()
        ]
    np.testing.assert_allclose(value, [float(v) for v in wanted], rtol=1e-12, atol=1e-300)
    # slopes cancel where they cross zero: an absolute error of some units in the last place
    np.testing.assert_allclose(slope, [float(v) for v in slopes], rtol=1e-12, atol=1e-14)
    assert activate(activation, x).tolist() == value.tolist()


def test_silu_does_not_overflow_and_keeps_shape() -> None:
    value, slope = value_and_slope("silu", [[-1e6, 1e6], [0.0, -1e-300]])
    assert value.tolist() == [[0.0, 1e6], [0.0, -5e-301]]
    assert slope.tolist() == [[0.0, 1.0], [0.5, 0.5]]
    x = RNG.normal(size=(3, 4)).T  # not contiguous
    np.testing.assert_allclose(value_and_slope("silu", x)[0], x * expit(x), rtol=1e-14)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_against_scikit_learn(activation: str) -> None:
    """Its loss and gradient at given weights, read out of one step of plain gradient descent."""
    split = load_digits(per_class=(12, 3, 3))
    data = split.train
    ours = Network.initialise(10, 9, 64, output_bias=True, activation=activation, rng=3)
    assert ours.c is not None
    rate = 0.25
    theirs = MLPClassifier(
        (9,),
        activation=activation,
        solver="sgd",
        alpha=0.0,
        batch_size=data.n_samples,
        learning_rate_init=rate,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
    )
    theirs.partial_fit(data.inputs, data.labels, classes=np.arange(10))  # allocates
    theirs.coefs_ = [ours.W.T.copy(), ours.U.T.copy()]
    theirs.intercepts_ = [ours.b.copy(), ours.c.copy()]
    theirs._optimizer.params = theirs.coefs_ + theirs.intercepts_
    theirs.partial_fit(data.inputs, data.labels)
    assert theirs.loss_ == pytest.approx(ours.action(data), rel=1e-12)
    moved = ours.moved(ours.gradient(data), -rate)
    assert moved.c is not None
    np.testing.assert_allclose(theirs.coefs_[0].T, moved.W, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(theirs.coefs_[1].T, moved.U, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(theirs.intercepts_[0], moved.b, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(theirs.intercepts_[1], moved.c, rtol=1e-12, atol=1e-14)


def test_at_zero_every_class_is_equally_likely() -> None:
    zero = draw().scaled(0.0)
    assert zero.action(DATA) == pytest.approx(np.log(3), rel=1e-15)
    np.testing.assert_allclose(np.exp(zero.log_probabilities(DATA.inputs)), 1 / 3, rtol=1e-15)


def test_probabilities_sum_to_one_and_do_not_overflow() -> None:
    network = draw(scale=1e3)
    logs = network.log_probabilities(DATA.inputs)
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=1e-12)
    assert np.isfinite(network.action(DATA))


def test_adding_a_constant_to_all_logits_changes_nothing() -> None:
    network = draw()
    assert network.c is not None
    shifted = Network(network.U + 0.7, network.W, network.b, network.c - 2.0)
    assert shifted.action(DATA) == pytest.approx(network.action(DATA), rel=1e-13)
    # hence gradients with respect to U and c sum to zero over the classes
    gradient = network.gradient(DATA)
    assert gradient.c is not None
    assert abs(gradient.c.sum()) < 1e-15
    assert np.abs(gradient.U.sum(axis=0)).max() < 1e-15


def test_parameter_space_is_a_vector_space() -> None:
    one, other = draw(), Network.initialise(3, 4, 3, output_bias=True, rng=6)
    assert one.n_parameters == 12 + 12 + 4 + 3
    flat = [np.concatenate([part.ravel() for part in net.parameters()]) for net in (one, other)]
    assert one.inner(other) == pytest.approx(float(flat[0] @ flat[1]), rel=1e-13)
    moved = one.moved(other, -2.0)
    np.testing.assert_allclose(np.concatenate([p.ravel() for p in moved.parameters()]), flat[0] - 2 * flat[1])
    assert moved.activation == one.activation


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_translation_leaves_the_function(activation: str) -> None:
    network, origin = draw(activation), np.array([0.3, -2.0, 1.1])
    seen = network.translated(origin)
    np.testing.assert_allclose(seen.logits(DATA.inputs - origin), network.logits(DATA.inputs), atol=1e-13)
    assert seen.action(DATA.translated(origin)) == pytest.approx(network.action(DATA), rel=1e-13)


def test_initialisation_has_the_stated_spread() -> None:
    network = Network.initialise(50, 200, 40, scale=2.0, output_bias=True, rng=1)
    assert network.c is not None
    for part, fan_in in zip(network.parameters(), (200, 40, 40, 200), strict=True):
        edge = 2.0 / np.sqrt(fan_in)
        assert np.abs(part).max() <= edge
        # the variance of n uniforms on +-e is e^2/3 up to 6 of its standard errors, e^2 sqrt(4/45/n)
        assert abs((part**2).mean() - edge**2 / 3) < 6 * edge**2 * np.sqrt(4 / 45 / part.size)
    assert (Network.initialise(2, 3, 4, rng=1).U == Network.initialise(2, 3, 4, rng=np.random.default_rng(1)).U).all()


def test_accuracy() -> None:
    network = Network(np.array([[1.0], [-1.0]]), np.ones((1, 1)), np.zeros(1))
    data = Dataset([[1.0], [2.0], [3.0]], [0, 1, 0], n_classes=2)  # type: ignore[arg-type]
    assert network.accuracy(data) == pytest.approx(2 / 3)


# -- errors ------------------------------------------------------------------------------------------------------------

U, W, B = np.ones((3, 4)), np.ones((4, 3)), np.ones(4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Network(U, W.T, B), r"W has shape \(3, 4\); with U of shape \(3, 4\) it must be \(4, 4\)"),
        (lambda: Network(U, W, B[:2]), r"b has shape \(2,\)"),
        (lambda: Network(U, W, B, np.ones(4)), r"c has shape \(4,\); .* it must be \(3,\)"),
        (lambda: Network(B, W, B), r"U and W have shapes \(4,\) and \(4, 3\)"),
        (lambda: Network(np.ones((3, 0)), np.ones((0, 3)), np.ones(0)), r"U and W have shapes \(3, 0\)"),
        (lambda: Network(U, np.full((4, 3), np.inf), B), r"W holds inf"),
        (lambda: Network(U, W, B, activation="sine"), r"activation='sine' must be one of 'silu'"),
        (lambda: Network.initialise(1, 2, 3, rng=0), r"n_classes=1 must be"),
        (lambda: Network.initialise(2, 0, 3, rng=0), r"n_hidden=0 must be"),
        (lambda: Network.initialise(2, 2, 3, scale=-1, rng=0), r"scale=-1 must be"),
        (lambda: Network.initialise(2, 2, 3, rng=-1), r"rng=-1 must be"),
        (lambda: Network(U, W, B).logits(np.ones((2, 4))), r"inputs has shape \(2, 4\); it must be \(n, 3\)"),
        (lambda: Network(U, W, B).logits([1.0, 2.0, 3.0]), r"inputs has shape \(3,\)"),
        (lambda: Network(U, W, B).action(load_digits().test), r"data has 64 inputs and 10 classes; the network has 3"),
        (lambda: Network(U, W, B).gradient(load_digits().test), r"data has 64 inputs"),
        (lambda: Network(U, W, B).moved(draw()), r"shapes .* must be equal"),
        (lambda: Network(U, W, B).inner(draw()), r"shapes .* must be equal"),
        (lambda: Network(U, W, B).scaled(np.nan), r"t=nan must be"),
        (lambda: Network(U, W, B).translated([1.0]), r"origin has shape \(1,\); it must be \(3,\)"),
        (lambda: value_and_slope("step", 1.0), r"activation='step' must be one of"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_every_permutation_of_hidden_neurons_is_the_same_function() -> None:
    network = draw()
    for order in itertools.islice(itertools.permutations(range(4)), 1, 6):
        chosen = list(order)
        same = Network(network.U[:, chosen], network.W[chosen], network.b[chosen], network.c)
        assert same.action(DATA) == pytest.approx(network.action(DATA), rel=1e-14)
