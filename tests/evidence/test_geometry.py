"""Geometry: overlaps against mpmath and simulation, the recursion, and the errors of the prediction."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroscale.evidence import (
    DenseNetwork,
    LayerLaw,
    arcsine_overlap,
    cosine_recursion,
    digit_stream,
    layer_law,
    load_table,
    overlap,
    pair_cosines,
    predict_b,
)
from neuroscale.evidence import depth as depth_module


@settings(max_examples=40, deadline=None)
@given(st.floats(-1, 1))
def test_overlap_without_threshold_is_the_arcsine_law(r: float) -> None:
    assert abs(float(overlap(r)) - float(arcsine_overlap(r))) < 1e-15 * 10
    with mp.workdps(40):
        exact = mp.mpf(1) / 4 + mp.asin(mp.mpf(r)) / (2 * mp.pi)
    # the arcsine loses half of the digits only at the ends, where its slope is infinite in both
    assert abs(float(arcsine_overlap(r)) - float(exact)) < 1e-15


@settings(max_examples=15, deadline=None)
@given(st.floats(-0.99, 0.99), st.floats(0.01, 0.9))
def test_overlap_with_threshold_is_the_bivariate_normal_law(r: float, share: float) -> None:
    t = stats.norm.isf(share)

    # given the first input, the second exceeds t with a normal probability
    def inner(u: Any) -> Any:
        return mp.npdf(u) * mp.ncdf((r * u - t) / mp.sqrt(1 - r * r))

    # the integrand turns over sqrt(1 - r^2) around u = t / r, hence the cuts
    exact = float(mp.quad(inner, sorted({float(t), *(x for x in (t / r if r else 0, 0.0, 3.0, 5.0) if x > t), 12.0})))
    assert abs(float(overlap(r, share)) - exact) < 1e-8


def test_a_random_layer_has_the_predicted_second_moment() -> None:
    X = np.random.default_rng(0).normal([1.0, 0, 0, 0], size=(60, 4))
    n_units = 200_000
    for bias in (0.0, 0.7):
        W = np.random.default_rng(1).standard_normal((n_units, 5)) * [1, 1, 1, 1, bias]
        k = (W @ np.column_stack([X, np.ones(60)]).T > 0).sum(axis=1)
        pairs = ((2 * k - 60) ** 2 - 60) / (60 * 59)
        # seven standard errors: false alarms below 1e-11
        assert abs(pairs.mean() - layer_law(pair_cosines(X, bias=bias)).rho) < 7 * pairs.std() / np.sqrt(n_units)


def test_top_k_of_many_units_has_the_predicted_moments() -> None:
    X = np.random.default_rng(2).standard_normal((40, 10)) + 0.7
    X /= np.linalg.norm(X, axis=1)[:, None]
    N, k = 20_000, 1000
    net = DenseNetwork((np.random.default_rng(3).standard_normal((N, 10)), np.ones((2, N))), (np.zeros(N), np.zeros(2)))
    u = X @ net.weights[0].T
    fired = u >= np.sort(u, axis=1)[:, -k][:, None]
    counts = fired.sum(axis=0)
    assert counts.mean() == 40 * k / N
    both = (counts * (counts - 1.0)) / (40 * 39)
    law = layer_law(pair_cosines(X), share=k / N)
    predicted = law.rho * law.mean * (1 - law.mean) + law.mean**2
    # six standard errors over units; the threshold of the k-th largest moves by less
    assert abs(both.mean() - predicted) < 6 * both.std() / np.sqrt(N)


def test_pairs_drawn_agree_with_all_pairs() -> None:
    X, _ = digit_stream(300, seed=0)
    every, drawn = pair_cosines(X), pair_cosines(X, n_pairs=50_000, rng=1)
    assert every.shape == (300 * 299 // 2,)
    assert abs(drawn.mean() - every.mean()) < 6 * every.std() / np.sqrt(50_000)
    assert drawn.max() < 1


def test_law_of_special_data() -> None:
    assert layer_law([1.0]).b == 0
    assert layer_law([0.0]).b == np.inf
    assert layer_law([-0.5]).a == np.inf
    circle = np.linspace(0, np.pi, 2001)[:-1]
    half = np.column_stack([np.cos(circle), np.sin(circle)])
    # directions uniform on a half circle: the mean angle is 60 degrees, b = 1, up to the spacing of the points
    assert abs(layer_law(pair_cosines(half)).b - 1) < 2e-3


def test_recursion_contracts_and_forgets_the_data() -> None:
    r = np.linspace(-1, 1, 201)
    angles = [np.arccos(cosine_recursion(r, depth)) for depth in range(400)]
    assert all((low <= high + 1e-12).all() for high, low in zip(angles, angles[1:], strict=False))
    # 1/theta grows by 1/(3 pi) a layer, with a correction of the order of ln(l)/l
    assert abs(angles[399][100] * 399 / (3 * np.pi) - 1) < 0.05
    assert (cosine_recursion(r, 0) == r).all()


def test_prediction_agrees_with_all_pairs_and_the_recursion() -> None:
    X = load_table("breast_cancer", standardise=False)
    laws = predict_b(X, 3, n_points=569)
    r = pair_cosines(X)
    for law in laws:
        assert abs(law.rho - layer_law(cosine_recursion(r, law.depth - 1)).rho) < 1e-9
        assert law.se_width == 0
    biased = predict_b(X, 1, weight_scale=1.0, bias_scale=1 / np.sqrt(30), n_points=569)[0]
    assert abs(biased.rho - layer_law(pair_cosines(X, bias=1.0)).rho) < 1e-9


@pytest.mark.parametrize("norm", [None, "layer"])
@pytest.mark.parametrize("bias_scale", [0.0, 0.5])
def test_influence_is_the_derivative_of_the_recursion(norm: str | None, bias_scale: float) -> None:
    """One more unit in the first layer moves rho of the third as its influence says."""
    X = np.random.default_rng(0).standard_normal((12, 5)) + 0.3
    scale = 1.3

    def rho(extra: Any) -> float:
        kernel = scale**2 / 5 * X @ X.T + bias_scale**2
        for layer in range(3):
            if norm == "layer":
                kernel = depth_module._cosines(kernel)
            if layer < 2:
                kernel = scale**2 * (depth_module._relu_gram(kernel) + (extra if layer == 0 else 0.0)) + bias_scale**2
        r = depth_module._cosines(kernel)[np.triu_indices(12, 1)]
        return float(2 / np.pi * np.arcsin(r).mean())

    hidden = np.maximum(np.random.default_rng(1).standard_normal(12), 0)
    step = 1e-6
    slope = (rho(step * np.outer(hidden, hidden)) - rho(-step * np.outer(hidden, hidden))) / (2 * step)

    kernels, sizes = [], []
    kernel = scale**2 / 5 * X @ X.T + bias_scale**2
    for _ in range(3):
        sizes.append(1.0 if norm is None else float(np.trace(kernel)) / 12)
        kernel = depth_module._cosines(kernel) if norm == "layer" else kernel
        kernels.append(kernel)
        kernel = scale**2 * depth_module._relu_gram(kernel) + bias_scale**2
    if norm == "layer":
        # after the first layer all inputs have one length, as the derivative takes it
        assert np.ptp(np.diag(scale**2 * depth_module._relu_gram(kernels[0]) + bias_scale**2)) < 1e-12
    # the variance over a sample of two units, hidden and none, is half the squared difference of their influences
    quiet = np.zeros((12, 2))
    silent = [np.column_stack([hidden, np.zeros(12)]), quiet, np.ones((12, 2))]
    got = depth_module._variance(kernels, sizes, silent, scale, norm)
    assert abs(got - slope**2 / 2) < 1e-6 * slope**2


def test_spread_between_networks_is_predicted() -> None:
    X, _ = digit_stream(250, seed=0)
    depth, width, replicates = 3, 100, 150
    laws = predict_b(X, depth, width=width, n_points=250, n_units=4000)
    observed = np.empty((replicates, depth))
    for seed in range(replicates):
        net = DenseNetwork.initialise((64, *[width] * depth, 2), rng=seed)
        for layer, h in enumerate(net.activations(X)):
            k = (h > 0).sum(axis=0)
            observed[seed, layer] = np.mean(((2 * k - 250) ** 2 - 250) / (250 * 249))
    for layer, law in enumerate(laws):
        seen = observed[:, layer]
        # six standard errors of a standard deviation from 150 networks, and 4,000 units' own error beside them
        assert abs(seen.std(ddof=1) / law.se_width - 1) < 6 / np.sqrt(2 * replicates) + 0.05
        # the limit of wide layers is off by O(1 / width), a few per cent here
        assert abs(seen.mean() - law.rho) < 6 * law.se_width / np.sqrt(replicates) + 2 / width


def test_jackknife_error_is_that_of_resampled_inputs() -> None:
    estimates = [predict_b(digit_stream(60, seed=seed)[0])[0] for seed in range(200)]
    spread = np.std([law.rho for law in estimates], ddof=1)
    typical = np.sqrt(np.mean([law.se_data**2 for law in estimates]))
    # six standard errors of a deviation from 200 samples are 30 %
    assert abs(typical / spread - 1) < 0.3


def test_batch_normalisation_centres() -> None:
    X = np.random.default_rng(0).standard_normal((400, 6)) + 3.0
    plain, centred = (predict_b(X, norm=norm, n_points=400)[0] for norm in (None, "batch"))
    assert plain.b < 0.5
    # symmetric data have rho = 0; 79,800 dependent pairs err by about 0.6 / 400
    assert abs(centred.rho) < 6 * centred.se_data
    assert centred.se_data < 0.003


def test_intervals() -> None:
    law = predict_b(digit_stream(200, seed=0)[0], 2, width=500)[1]
    low, high = law.interval("b")
    assert low < law.b < high
    assert law.interval("a")[0] < law.a < law.interval("a")[1]
    narrow = law.interval("b", data=False)
    assert low < narrow[0] < narrow[1] < high
    assert law.interval("rho", level=0.5)[0] > law.interval("rho", level=0.99)[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: arcsine_overlap(1.5), "r holds 1.5"),
        (lambda: overlap(0.5, 1.0), "share=1.0"),
        (lambda: layer_law([]), "cosines is empty"),
        (lambda: pair_cosines([[0.0, 0.0], [1.0, 0.0]]), "length 0"),
        (lambda: pair_cosines([1.0, 2.0]), "X has shape"),
        (lambda: cosine_recursion(0.5, -1), "depth=-1"),
        (lambda: predict_b([[1.0]]), "X has shape"),
        (lambda: predict_b(np.eye(5), norm="group"), "norm"),
        (lambda: predict_b(np.zeros((5, 2))), "length 0"),
        (lambda: predict_b(np.eye(5))[0].interval("c"), "name"),
    ],
)
def test_bad_arguments_are_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_layer_law_ends() -> None:
    assert LayerLaw(0.25, 0.5).a == 1
    assert LayerLaw(0.25, 0.5).b == 0.25
