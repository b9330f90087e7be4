"""Pruning: every score and curve against removal one by one, the bounds, and what the silent units cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from neuroscale.evidence import DenseNetwork
from neuroscale.evidence.pruning import (
    firing_bound,
    leave_one_out,
    prunable_share,
    prune_curve,
    remove_silent,
    scores,
)

RNG = np.random.default_rng(5)
X, Y = RNG.standard_normal((60, 6)), RNG.integers(3, size=60)
ONE = DenseNetwork.initialise((6, 12, 3), bias_scale=0.5, rng=1)
TWO = DenseNetwork.initialise((6, 12, 8, 3), norm="layer", bias_scale=0.5, rng=2)
SPARSE = DenseNetwork.initialise((6, 40, 3), activation="topk", k=2, rng=3)
NETWORKS = {"one": ONE, "two": TWO, "sparse": SPARSE}


def kept(network: DenseNetwork, layer: int, gone: Any) -> DenseNetwork:
    mask = np.ones(network.widths[layer], dtype=bool)
    mask[gone] = False
    return network.masked(layer, mask)


@pytest.mark.parametrize("name", NETWORKS)
def test_scores_by_their_definitions(name: str) -> None:
    network = NETWORKS[name]
    for layer in range(network.n_layers):
        found = scores(network, X, y=Y, layer=layer, rng=4)
        H, width = network.activations(X)[layer], network.widths[layer]
        assert np.array_equal(found["count"], (H > 0).sum(axis=0))
        assert np.array_equal(found["reverse"], -found["count"])
        assert np.array_equal(found["random"], scores(network, X, layer=layer, rng=4)["random"])
        for i in range(width):
            incoming, outgoing = network.weights[layer][i], network.weights[layer + 1][:, i]
            norm = np.sqrt(np.sum(outgoing**2))
            assert found["magnitude"][i] == pytest.approx(np.sqrt(np.sum(incoming**2)) * norm, rel=1e-13)
            assert found["activation"][i] == pytest.approx(H[:, i].mean() * norm, rel=1e-12, abs=1e-15)
            change = kept(network, layer, i).loss(X, Y) - network.loss(X, Y)
            assert found["ablation"][i] == pytest.approx(change, abs=1e-13)  # a difference of losses of order 1
        assert ("taylor" in found) == (layer == network.n_layers - 1)


@pytest.mark.parametrize("name", ["one", "two"])
def test_taylor_is_the_slope_of_the_loss_in_the_size_of_the_unit(name: str) -> None:
    network, step = NETWORKS[name], 1e-5
    found = scores(network, X, y=Y)["taylor"]
    H, W = network.activations(X)[-1], network.weights[-1]
    logits = network.logits(X)

    def loss(i: int, factor: float) -> float:
        z = logits + (factor - 1) * np.outer(H[:, i], W[:, i])
        return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(60), Y]))

    for i in range(network.widths[-1]):
        slope = (loss(i, 1 + step) - loss(i, 1 - step)) / (2 * step)
        assert found[i] == pytest.approx(abs(slope), abs=1e-9)  # central difference: step squared


@pytest.mark.parametrize("name", NETWORKS)
def test_curves_are_those_of_masked_networks(name: str) -> None:
    network = NETWORKS[name]
    shares = np.array([0.0, 0.25, 0.26, 0.5, 1.0])
    for layer in range(network.n_layers):
        score = RNG.permutation(network.widths[layer]).astype(float)
        curve = prune_curve(network, X, Y, score, shares, layer=layer)
        order = np.argsort(score)
        wanted = [kept(network, layer, order[: int(np.rint(s * len(order)))]).loss(X, Y) for s in shares]
        assert curve == pytest.approx(wanted, abs=1e-13)
        means = network.activations(X)[layer].mean(axis=0)
        filled = prune_curve(network, X, Y, score, shares, layer=layer, fill=means)
        assert filled[0] == pytest.approx(network.loss(X, Y), abs=1e-13)
        assert abs(filled[2] - curve[2]) > 1e-4


def test_mean_ablation_of_everything_leaves_constant_logits() -> None:
    means = ONE.activations(X)[0].mean(axis=0)
    logits = ONE.weights[1] @ means + ONE.biases[1]
    wanted = np.mean(np.log(np.exp(logits).sum()) - logits[Y])
    assert prune_curve(ONE, X, Y, np.arange(12), [1.0], fill=means)[0] == pytest.approx(wanted, rel=1e-12)


def test_equal_scores_go_in_the_order_of_the_units() -> None:
    curve = prune_curve(ONE, X, Y, np.zeros(12), [0.25])
    assert curve[0] == pytest.approx(kept(ONE, 0, [0, 1, 2]).loss(X, Y), abs=1e-13)


def test_prunable_share_is_the_first_crossing() -> None:
    shares = [0.0, 0.2, 0.4, 0.6, 1.0]
    curves = [
        [1.0, 1.0, 1.2, 1.0, 3.0],
        [1.0, 0.9, 0.8, 0.7, 0.6],
        [2.0, 4.0, 5.0, 6.0, 7.0],
        [1.0, 1.05, 1.09, 1.09, 1.09],
    ]
    assert prunable_share(shares, curves, 0.1) == pytest.approx([0.3, 1.0, 0.01, 1.0], rel=1e-12)
    assert prunable_share(shares, [curves], 0.1).shape == (1, 4)


# -- silent units -----------------------------------------------------------------------------------------------------


def test_firing_bound_is_the_exact_one_and_near_three_over_n() -> None:
    for n in (1, 10, 1000):
        bound = firing_bound(n, 0.95)
        assert (1 - bound) ** n == pytest.approx(0.05, rel=1e-12)
        assert bound <= -np.log(0.05) / n
        assert firing_bound(n, 0.95, 200) == pytest.approx(firing_bound(n, 1 - 0.05 / 200), rel=1e-9)
    assert firing_bound(10**6) == pytest.approx(2.9957e-6, rel=1e-4)


def test_firing_bound_holds_for_all_units_at_once() -> None:
    """500 layers of 300 units at level 0.9: at most 10 % may break the bound.

    More than 80 of 500 would come by chance with probability 2e-5 if every layer broke it with probability 0.1.
    """
    rng = np.random.default_rng(8)
    theta = rng.beta(0.3, 10.0, size=(500, 300))
    silent = rng.random((500, 300)) < (1 - theta) ** 40
    worst = np.where(silent, theta, 0.0).max(axis=1)
    broken = int(np.sum(worst > firing_bound(40, 0.9, 300)))
    assert broken <= 80
    assert np.sum(worst > firing_bound(40, 0.9)) > 250, "without the factor for the units the bound must break"


def test_removal_of_silent_units() -> None:
    counts = scores(SPARSE, X[:20])["count"]
    found = remove_silent(SPARSE, counts, X[20:], Y[20:])
    silent = counts == 0
    assert found.n_removed == silent.sum() > 0
    bare = kept(SPARSE, 0, silent)
    assert found.change == pytest.approx(bare.loss(X[20:], Y[20:]) - SPARSE.loss(X[20:], Y[20:]), abs=1e-14)
    assert found.loss == pytest.approx(SPARSE.loss(X[20:], Y[20:]), abs=1e-14)
    assert found.firing == (SPARSE.activations(X[20:])[0][:, silent] > 0).sum(axis=1).mean() > 0
    assert 0 < abs(found.change) <= found.bound
    assert remove_silent(SPARSE, counts, X[:20], Y[:20]).change == 0
    assert remove_silent(SPARSE, np.ones(40), X, Y).change == 0
    two = remove_silent(TWO, np.zeros(12), X, Y, layer=0)
    assert np.isnan(two.bound)
    assert two.change == pytest.approx(kept(TWO, 0, slice(None)).loss(X, Y) - TWO.loss(X, Y), abs=1e-14)


def test_the_bound_holds_for_each_sample_and_is_reached() -> None:
    counts = scores(SPARSE, X[:20])["count"]
    for j in range(20, 60):
        found = remove_silent(SPARSE, counts, X[j : j + 1], Y[j : j + 1])
        assert abs(found.change) <= found.bound
    # one unit with far logits: the change approaches h * range
    sure = DenseNetwork((np.array([[1.0]]), np.array([[40.0], [-40.0]])), (np.zeros(1), np.zeros(2)))
    found = remove_silent(sure, [0], [[1.0]], [1])
    assert found.change == pytest.approx(-found.bound, rel=0.01)


def test_leave_one_out_is_the_definition() -> None:
    found = leave_one_out(SPARSE, X, Y)
    fired = SPARSE.activations(X)[0] > 0
    change, bound, firing = [], [], []
    for j in range(60):
        counts = np.delete(fired, j, axis=0).sum(axis=0)
        one = remove_silent(SPARSE, counts, X[j : j + 1], Y[j : j + 1])
        change.append(one.change)
        bound.append(one.bound)
        firing.append(one.firing)
    assert found.change == pytest.approx(np.mean(change), abs=1e-14)
    assert found.bound == pytest.approx(np.mean(bound), rel=1e-12)
    assert found.firing == pytest.approx(np.mean(firing), rel=1e-12)
    assert found.n_samples == 59


def test_leave_one_out_has_no_bias() -> None:
    """Mean of 400 estimates from 41 samples against 400 direct ones with 40 and 200; false alarm 1e-6 (normal)."""
    rng = np.random.default_rng(11)
    estimate, direct = [], []
    for _ in range(400):
        x, y = rng.standard_normal((41, 6)), rng.integers(3, size=41)
        estimate.append([(e := leave_one_out(SPARSE, x, y)).firing, e.change])
        x, y = rng.standard_normal((240, 6)), rng.integers(3, size=240)
        counts = scores(SPARSE, x[:40])["count"]
        direct.append([(r := remove_silent(SPARSE, counts, x[40:], y[40:])).firing, r.change])
    a, b = np.array(estimate), np.array(direct)
    error = np.sqrt(a.var(axis=0, ddof=1) / 400 + b.var(axis=0, ddof=1) / 400)
    assert np.all(np.abs(a.mean(axis=0) - b.mean(axis=0)) < stats.norm.isf(2.5e-7) * error)
    assert a[:, 0].mean() > 10 * error[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scores(ONE, X, layer=1), "layer=1 must be"),
        (lambda: scores(ONE, np.empty((0, 6))), "X holds no samples"),
        (lambda: scores(ONE, X, y=Y[:3]), "y has shape"),
        (lambda: prune_curve(ONE, X, Y, np.zeros(3), [0.5]), "score has shape"),
        (lambda: prune_curve(ONE, X, Y, np.zeros(12), [1.5]), "shares holds 1.5"),
        (lambda: prunable_share([0.1, 1.0], [1.0, 2.0], 0.1), "must increase from 0"),
        (lambda: prunable_share([0.0, 1.0], [1.0, 2.0, 3.0], 0.1), "losses has shape"),
        (lambda: prunable_share([0.0, 1.0], [1.0, 2.0], 0.0), "budget=0.0"),
        (lambda: firing_bound(0), "n_samples=0"),
        (lambda: firing_bound(5, 1.0), "level=1.0"),
        (lambda: remove_silent(ONE, [1, 2], X, Y), "counts has shape"),
        (lambda: leave_one_out(ONE, X[:1], Y[:1]), "X holds 1 samples"),
    ],
)
def test_errors_name_the_argument(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
