"""The Hessian at zero by exact differences, the growth it predicts, and the least of the even orders by descent."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from neuroscale.action import (
    Dataset,
    Descent,
    Network,
    action_monomials,
    action_series,
    escape_rates,
    fisher_minimum,
    load_digits,
    moment_tensor,
    saddle_spectrum,
)


def small_data(seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    return Dataset(rng.normal(size=(30, 4)) + 2.0, np.arange(30) % 3, 3)


def second_order(net: Network, data: Dataset) -> float:
    return sum(action_monomials(net, data, 2).values())


@pytest.mark.parametrize("name", ["silu", "gelu", "tanh"])
@pytest.mark.parametrize("output_bias", [False, True])
def test_spectrum_is_that_of_the_hessian(name: str, output_bias: bool) -> None:
    data, H = small_data(), 2
    shapes = [(3, H), (H, 4), (H,)] + [(3,)] * output_bias
    sizes = [int(np.prod(shape)) for shape in shapes]
    n = sum(sizes)

    def network(theta: np.ndarray) -> Network:
        parts = np.split(theta, np.cumsum(sizes)[:-1])
        U, W, b, *c = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
        return Network(U, W, b, c[0] if c else None, name)

    def network_second(theta: np.ndarray) -> float:
        return second_order(network(theta), data)

    # S_2 is a quadratic form: its polarisation is the Hessian, without a limit
    basis = np.eye(n)
    single = [network_second(e) for e in basis]
    hessian = np.array(
        [[network_second(basis[i] + basis[j]) - single[i] - single[j] for j in range(n)] for i in range(n)]
    )
    hessian[np.diag_indices(n)] = 2 * np.array(single)
    wanted = saddle_spectrum(moment_tensor(data, 1), H, output_bias=output_bias, activation=name)
    assert wanted.shape == (n,)
    assert np.max(np.abs(np.linalg.eigvalsh(hessian) - wanted)) < 1e-12


def test_spectrum_against_differences_of_the_gradient() -> None:
    data, H, step = small_data(), 2, 1e-4
    zero = Network(np.zeros((3, H)), np.zeros((H, 4)), np.zeros(H))

    def flat(net: Network) -> np.ndarray:
        return np.concatenate([part.ravel() for part in net.parameters()])

    n = zero.n_parameters
    rows = []
    for i in range(n):
        parts = np.split(step * np.eye(n)[i], [3 * H, 3 * H + 4 * H])
        there = Network(parts[0].reshape(3, H), parts[1].reshape(H, 4), parts[2])
        # the even error of a central difference is O(step^2)
        rows.append((flat(there.gradient(data)) - flat(there.scaled(-1.0).gradient(data))) / (2 * step))
    wanted = saddle_spectrum(moment_tensor(data, 1), H)
    assert np.max(np.abs(np.linalg.eigvalsh(np.array(rows)) - wanted)) < 1e-7


@pytest.mark.parametrize("name", ["silu", "tanh"])
def test_descent_leaves_at_the_predicted_rate(name: str) -> None:
    split = load_digits()
    J, eta = moment_tensor(split.train, 1), 0.5
    nets = [Network.initialise(10, 8, 64, scale=1e-7, activation=name, rng=seed) for seed in range(5)]
    descent = Descent(nets, split.train, learning_rate=eta)
    left, _, right = np.linalg.svd(J, full_matrices=False)

    def growth() -> np.ndarray:
        return np.array(
            [np.linalg.norm(left[:, :2].T @ net.U - right[:2] @ net.W.T, axis=1) for net in descent.networks()]
        )

    for _ in range(10):
        descent.advance()
    before = growth()
    for _ in range(60):
        descent.advance()
    measured = np.log(growth() / before) / (60 * eta)
    wanted = escape_rates(J, eta, activation=name)[:2]
    # parameters stay below 1e-5: corrections of the third order are smaller than the tolerance
    assert np.max(np.abs(measured / wanted - 1)) < 1e-3
    assert wanted[0] < escape_rates(J, activation=name)[0]


def test_rates_are_the_top_of_the_spectrum() -> None:
    J = moment_tensor(small_data(), 1)
    rates = escape_rates(J)
    assert rates == pytest.approx(np.linalg.svd(J, compute_uv=False) / 6, rel=1e-14)
    assert saddle_spectrum(J, 3)[-3:] == pytest.approx(rates[[0] * 3], rel=1e-14)
    assert rates[-1] < 1e-15  # rows of J add up to zero


def even_orders(net: Network, data: Dataset) -> float:
    series = action_series(net, data, 4)
    return float(series[0] + series[2] + series[4])


@pytest.mark.parametrize("H", [2, 4])
def test_minimum_against_numerical_minimisation(H: int) -> None:
    data = small_data()
    found = fisher_minimum(data)

    def value(theta: np.ndarray) -> float:
        U, W, b = np.split(theta, [3 * H, 7 * H])
        return even_orders(Network(U.reshape(3, H), W.reshape(H, 4), b), data)

    best = min(
        float(optimize.minimize(value, np.random.default_rng(seed).normal(size=8 * H), tol=1e-12).fun)
        for seed in range(2)
    )
    assert best == pytest.approx(found.value, abs=1e-9)


def test_the_minimiser_takes_the_minimum() -> None:
    data = small_data()
    found = fisher_minimum(data)
    left, s, right = np.linalg.svd(found.weights, full_matrices=False)
    U, W = left[:, :2] * s[:2], right[:2]
    net = Network(U, W, np.linalg.lstsq(U, found.bias, rcond=None)[0])
    assert even_orders(net, data) == pytest.approx(found.value, rel=1e-12)


def test_logits_are_those_of_least_squares_on_indicators() -> None:
    data = load_digits(inputs="pca", n_components=12).train
    found = fisher_minimum(data)
    design = np.column_stack([data.inputs, np.ones(data.n_samples)])
    fitted = design @ np.linalg.lstsq(design, np.eye(10)[data.labels], rcond=None)[0]
    assert np.allclose(found.logits(data.inputs), 10 * fitted - 1, rtol=0, atol=1e-10)


def test_rows_span_fishers_directions_and_the_value_is_pillais_trace() -> None:
    data = load_digits(inputs="pca", n_components=12).train
    found = fisher_minimum(data)
    lda = LinearDiscriminantAnalysis(solver="eigen").fit(data.inputs, data.labels)
    directions = np.linalg.qr(lda.scalings_[:, :9])[0]
    rows = np.linalg.svd(found.weights, full_matrices=False)[2][:9]
    assert np.linalg.svd(rows @ directions, compute_uv=False).min() > 1 - 1e-10
    # Pillai's trace from the eigenvalues of within^-1 between
    means = np.array([data.inputs[data.labels == m].mean(axis=0) for m in range(10)])
    within = sum(np.cov(data.inputs[data.labels == m].T, bias=True) for m in range(10)) / 10
    ratios = np.linalg.eigvals(np.linalg.solve(within, np.cov(means.T, bias=True))).real
    assert found.value == pytest.approx(np.log(10) - 0.5 * np.sum(ratios / (1 + ratios)), rel=1e-10)


def test_singular_inputs_and_moved_origins() -> None:
    data = small_data()
    found = fisher_minimum(data)
    doubled = Dataset(np.column_stack([data.inputs, data.inputs[:, :1], np.ones(30)]), data.labels, 3)
    assert fisher_minimum(doubled).value == pytest.approx(found.value, rel=1e-10)
    moved = fisher_minimum(data.translated(np.arange(4.0)))
    assert moved.value == pytest.approx(found.value, rel=1e-12)
    assert np.allclose(moved.weights, found.weights, rtol=1e-9)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"J has shape \(3,\)"):
        saddle_spectrum([1.0, 2.0, 3.0], 2)
    with pytest.raises(ValueError, match="n_hidden=0"):
        saddle_spectrum([[1.0], [-1.0]], 0)
    with pytest.raises(ValueError, match="learning_rate=0"):
        escape_rates([[1.0], [-1.0]], 0.0)
    with pytest.raises(ValueError, match="activation='relu'"):
        escape_rates([[1.0], [-1.0]], activation="relu")
    with pytest.raises(ValueError, match=r"class counts \[2, 1\]"):
        fisher_minimum(Dataset(np.eye(3), np.array([0, 0, 1]), 2))
