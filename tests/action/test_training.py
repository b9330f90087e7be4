"""Training: each optimiser against its definition, scikit-learn's Adam, and early stopping against its curve."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from neuroscale.action import ACTIVATIONS, Descent, Network, Split, load_digits, train

SPLIT = load_digits(inputs="pca", n_components=6, per_class=(20, 10, 10))
OTHER = load_digits(seed=1, inputs="pca", n_components=6, per_class=(20, 10, 10))


def start(seed: int = 0, **options: Any) -> Network:
    return Network.initialise(10, 8, 6, rng=seed, **options)


def flat(network: Network) -> Any:
    return np.concatenate([part.ravel() for part in network.parameters()])


def assert_same(one: Network, other: Network, rtol: float = 1e-11) -> None:
    np.testing.assert_allclose(flat(one), flat(other), rtol=rtol, atol=1e-14)


# -- steps -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output_bias", [False, True])
def test_gradient_descent_is_its_definition(activation: str, output_bias: bool) -> None:
    nets = [start(seed, activation=activation, output_bias=output_bias) for seed in range(3)]
    data = [SPLIT.train, OTHER.train, SPLIT.validation]
    data[2] = SPLIT.train
    descent = Descent(nets, data, learning_rate=0.3)
    for _ in range(3):
        descent.advance()
        nets = [net.moved(net.gradient(d), -0.3) for net, d in zip(nets, data, strict=True)]
    for ours, wanted in zip(descent.networks(), nets, strict=True):
        assert_same(ours, wanted)
    losses = [net.action(d) for net, d in zip(nets, data, strict=True)]
    np.testing.assert_allclose(descent.losses(), losses, rtol=1e-12)
    np.testing.assert_allclose(descent.losses(OTHER.test), [net.action(OTHER.test) for net in nets], rtol=1e-12)


def test_momentum_is_the_heavy_ball() -> None:
    net, v = start(), start().scaled(0.0)
    descent = Descent([net], SPLIT.train, optimiser="momentum", learning_rate=0.1, momentum=0.8)
    assert not flat(descent.directions()[0]).any()
    for _ in range(4):
        descent.advance()
        v = v.scaled(0.8).moved(net.gradient(SPLIT.train), -1.0)
        net = net.moved(v, 0.1)
    assert_same(descent.networks()[0], net)
    assert_same(descent.directions()[0], v)


def test_adam_is_its_definition() -> None:
    net = start()
    theta, m, s = flat(net), 0.0, 0.0
    descent = Descent([net], SPLIT.train, optimiser="adam", learning_rate=0.01)
    for k in range(1, 6):
        gradient = flat(descent.networks()[0].gradient(SPLIT.train))
        m, s = 0.9 * m + 0.1 * gradient, 0.999 * s + 0.001 * gradient**2
        theta = theta - 0.01 * (m / (1 - 0.9**k)) / (np.sqrt(s / (1 - 0.999**k)) + 1e-8)
        descent.advance()
        np.testing.assert_allclose(flat(descent.networks()[0]), theta, rtol=1e-11, atol=1e-14)


def test_adam_follows_scikit_learn() -> None:
    """The same full-batch path, up to where Adam's epsilon stands: theirs is divided by the bias correction."""
    data, rate = SPLIT.train, 0.01
    net = start(activation="tanh", output_bias=True)
    assert net.c is not None
    theirs = MLPClassifier(
        (8,), activation="tanh", solver="adam", alpha=0.0, batch_size=data.n_samples, learning_rate_init=rate,
        shuffle=False, epsilon=1e-14,
    )  # fmt: skip
    theirs.partial_fit(data.inputs, data.labels, classes=np.arange(10))  # allocates, and makes a step
    for mine, place in (([net.W.T, net.U.T], theirs.coefs_), ([net.b, net.c], theirs.intercepts_)):
        for k, part in enumerate(mine):
            place[k][...] = part
    theirs._optimizer.t = 0
    for array in (*theirs._optimizer.ms, *theirs._optimizer.vs):
        array[...] = 0.0
    descent = Descent([net], data, optimiser="adam", learning_rate=rate)
    for _ in range(20):
        theirs.partial_fit(data.inputs, data.labels)
        descent.advance()
    ours = descent.networks()[0]
    # epsilon of 1e-8 against gradients of 1e-4 and more
    np.testing.assert_allclose(theirs.coefs_[0].T, ours.W, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(theirs.coefs_[1].T, ours.U, rtol=1e-3, atol=1e-4)


def test_batches_pass_over_the_data_once_an_epoch() -> None:
    descent = Descent([start(), start(1)], SPLIT.train, learning_rate=0.1, batch_size=60, rng=3)
    seen = [descent._next_batch() for _ in range(3)]  # 180 of 200 samples: an epoch of three batches
    for row in range(2):
        drawn = np.concatenate([inputs[row] for inputs, _ in seen])
        assert len(np.unique(drawn, axis=0)) == len(np.unique(SPLIT.train.inputs, axis=0)) - 20 == 180
    assert not np.array_equal(seen[0][0][0], seen[0][0][1])  # each network in its own order
    inputs, labels = seen[1][0][0], seen[1][1][0]
    where = [int(np.flatnonzero((SPLIT.train.inputs == row).all(axis=1))[0]) for row in inputs]
    assert (SPLIT.train.labels[where] == labels).all()


def test_a_path_does_not_depend_on_its_neighbours() -> None:
    nets = [start(seed) for seed in range(4)]
    together = Descent(nets, SPLIT.train, optimiser="adam", learning_rate=0.01, batch_size=40, rng=5)
    kept = Descent(nets, SPLIT.train, optimiser="adam", learning_rate=0.01, batch_size=40, rng=5)
    for k in range(12):
        if k == 4:
            kept.keep(np.array([1, 3]))
        together.advance()
        kept.advance()
    for row, place in enumerate((1, 3)):
        assert (flat(kept.networks()[row]) == flat(together.networks()[place])).all()


def test_large_stacks_are_worked_on_in_chunks() -> None:
    wide = [Network.initialise(10, 400, 6, rng=seed) for seed in range(3)]  # 200 x 400 activations exceed a chunk
    descent = Descent(wide, SPLIT.train, learning_rate=0.1)
    descent.advance()
    for ours, net in zip(descent.networks(), wide, strict=True):
        assert_same(ours, net.moved(net.gradient(SPLIT.train), -0.1))


# -- early stopping ----------------------------------------------------------------------------------------------------


def test_the_network_at_the_minimum_is_kept() -> None:
    splits = [SPLIT, OTHER, SPLIT]
    results = train([start(s) for s in range(3)], splits, n_steps=400, batch_size=50, patience=4, every=10, rng=1)
    for result, split in zip(results, splits, strict=True):
        place = int(result.validation.argmin())
        assert result.step == result.steps[place]
        assert result.network.action(split.validation) == pytest.approx(result.validation[place], rel=1e-12)
        assert result.last.action(split.validation) == pytest.approx(result.validation[-1], rel=1e-12)
        # it stopped because patience ran out, or at the last step
        assert result.steps[-1] == min(400, result.step + 40)
        assert result.training[0] == pytest.approx(start().action(split.train), rel=0.1)
        assert result.training[-1] < 0.2 * result.training[0]
        assert result.network.accuracy(split.test) > 0.6


def test_one_seed_one_result() -> None:
    def run(rng: Any, n: int = 2) -> Any:
        return [flat(r.last) for r in train([start(s) for s in range(n)], SPLIT, n_steps=30, batch_size=50, rng=rng)]

    assert (run(4)[0] == run(np.random.default_rng(4))[0]).all()
    assert (run(4)[0] != run(5)[0]).any()


def test_no_steps() -> None:
    (result,) = train([start()], SPLIT, n_steps=0, rng=0)
    assert result.step == 0
    assert result.steps.tolist() == [0]
    assert_same(result.network, start())


def test_the_last_step_is_evaluated_though_every_does_not_divide_it() -> None:
    (result,) = train([start()], SPLIT, n_steps=25, every=10, batch_size=None, rng=0)
    assert result.steps.tolist() == [0, 10, 20, 25]


PLAIN = """
from neuroscale.action import Network, load_digits, train
split = load_digits(inputs="pca", n_components=3, per_class=(4, 2, 2))
nets = [Network.initialise(10, 3, 3, rng=seed) for seed in range(2)]
for optimiser in ("gd", "adam"):
    for result in train(nets, split, optimiser=optimiser, n_steps=4, every=2, batch_size=10, rng=1):
        print([f"{value:.12g}" for value in result.validation], f"{result.last.U.sum():.9g}")
"""


def test_without_compilation_the_result_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}
    run = subprocess.run(
        [sys.executable, "-c", PLAIN], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    exec(PLAIN, {})
    assert run.stdout == capsys.readouterr().out
    assert len(run.stdout.splitlines()) == 4


# -- errors ------------------------------------------------------------------------------------------------------------


def descend(**options: Any) -> Descent:
    return Descent([start()], SPLIT.train, **{"learning_rate": 0.1, **options})


def too_fast() -> None:
    train([start(activation="relu")], SPLIT, optimiser="gd", learning_rate=1e200, n_steps=50, batch_size=None, rng=0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: descend(optimiser="lion"), r"optimiser='lion' must be one of 'gd', 'momentum', 'adam'"),
        (lambda: descend(learning_rate=0.0), r"learning_rate=0\.0 must be"),
        (lambda: descend(momentum=1.0), r"momentum=1\.0 must be .* in \[0, 1\)"),
        (lambda: descend(batch_size=201), r"batch_size=201 must be an integer in \[1, 200\]"),
        (lambda: descend(batch_size=5, rng=-1), r"rng=-1 must be"),
        (lambda: Descent([], SPLIT.train, learning_rate=1), r"networks=\[\] must hold at least one"),
        (
            lambda: Descent([start(), Network.initialise(10, 9, 6, rng=0)], SPLIT.train, learning_rate=1),
            r"networks have the shapes .* must be equal",
        ),
        (lambda: Descent([start()], [SPLIT.train] * 2, learning_rate=1), r"data holds 2 sets for 1 networks"),
        (
            lambda: Descent([start(), start()], [SPLIT.train, SPLIT.test], learning_rate=1),
            r"sizes \(n, E, M\) \[\(100, 6, 10\), \(200, 6, 10\)\]; they must be equal",
        ),
        (lambda: Descent([start()], load_digits().test, learning_rate=1), r"with \(E, M\) = \(6, 10\)"),
        (lambda: descend().keep(np.array([1])), r"rows holds 1"),
        (lambda: train([start()], SPLIT, n_steps=-1, rng=0), r"n_steps=-1 must be"),
        (lambda: train([start()], SPLIT, patience=0, rng=0), r"patience=0 must be"),
        (lambda: train([start()], SPLIT, every=0, rng=0), r"every=0 must be"),
        (too_fast, r"learning_rate=1e\+200 is too large: parameters overflowed"),
    ],
)
def test_errors_name_argument_value_and_range(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_split_for_all_and_one_for_each_agree() -> None:
    def run(split: Any) -> Any:
        return [flat(r.last) for r in train([start(0), start(1)], split, n_steps=20, batch_size=50, rng=2)]

    assert isinstance(SPLIT, Split)
    np.testing.assert_allclose(run(SPLIT), run([SPLIT, SPLIT]), rtol=0)
