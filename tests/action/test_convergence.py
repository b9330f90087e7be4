"""Zeros of the partition sum and radii of convergence against closed forms, brute force and the coefficients."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import erf

from neuroscale.action import (
    Dataset,
    Network,
    Singularity,
    action_series,
    convergence_radius,
    linear_series,
    load_digits,
    partition_zero,
    pole_radius,
    root_test_radius,
    softmax_series,
    zeros_inside,
)


def digit_network(scale: float = 1.0) -> tuple[Network, Dataset]:
    split = load_digits(per_class=(10, 10, 10))
    return Network.initialise(10, 24, 64, scale=scale, rng=2), split.test


def activation(name: str, y: complex) -> complex:
    if name == "tanh":
        return cmath.tanh(y)
    return y / (1 + cmath.exp(-y)) if name == "silu" else complex(y * (1 + erf(y / math.sqrt(2))) / 2)


def partition(net: Network, z: np.ndarray, t: complex) -> tuple[complex, float]:
    """``Z`` and the sum of the moduli of its terms, from the definition."""
    h = net.preactivations(z[None])[0]
    f = t * net.U @ np.array([activation(net.activation, t * x) for x in h])
    f = f if net.c is None else f + t * net.c
    terms = np.exp(f - f.mean())
    return complex(terms.sum()), float(np.abs(terms).sum())


def test_two_classes_vanish_where_the_logits_differ_by_i_pi() -> None:
    net = Network(np.array([[2.0], [-2.0]]), np.array([[1.0]]), np.array([0.0]))
    t = partition_zero(net, [1.0])
    assert 4 * t * activation("silu", t) == pytest.approx(1j * math.pi, abs=1e-12)
    # c alone: logits are linear in t
    line = Network(np.array([[0.0], [0.0]]), np.array([[0.0]]), np.array([0.0]), np.array([1.5, -0.5]))
    assert partition_zero(line, [1.0]) == pytest.approx(1j * math.pi / 2, abs=1e-12)


@pytest.mark.parametrize("name", ["silu", "tanh", "gelu"])
def test_zero_is_a_zero_and_the_nearest(name: str) -> None:
    for seed in range(6):
        net = Network.initialise(5, 6, 3, scale=3.0, output_bias=True, activation=name, rng=seed)
        z = np.random.default_rng(seed).normal(size=3)
        t = partition_zero(net, z)
        value, size = partition(net, z, t)
        assert abs(value) < 1e-11 * size
        assert t.imag > 0
        # brute force: no grid point inside comes near a zero that Newton then reaches
        count = 0
        for radius in np.linspace(0.2, 0.97, 12) * abs(t):
            for angle in np.linspace(0.05, math.pi - 0.05, 40):
                here = radius * cmath.exp(1j * angle)
                value, size = partition(net, z, here)
                count += abs(value) < 1e-3 * size
        assert count == 0


def test_counts_are_even_and_grow_with_the_radius() -> None:
    net, data = digit_network()
    few = data.inputs[:8:2]
    first = min(abs(partition_zero(net, z)) for z in few)
    counts = [zeros_inside(net, few, factor * first) for factor in (0.5, 0.999999, 1.000001)]
    assert counts[0].sum() == counts[1].sum() == 0
    assert counts[2].sum() == 2
    poles = pole_radius(net, Dataset(few, data.labels[:8:2], 10))
    more = [zeros_inside(net, few, share * poles) for share in (0.9, 0.95, 0.99)]
    assert all((low <= high).all() and (high % 2 == 0).all() for low, high in zip(more, more[1:], strict=False))


def test_zeros_accumulate_at_the_pole_from_inside() -> None:
    # one neuron, two classes: near t0 = i pi / h the logits differ by -pi^2 (2u) / (h^2 (t - t0)), zeros at odd i pi
    u, h = 0.3, 1.0
    net = Network(np.array([[u], [-u]]), np.array([[h]]), np.array([0.0]))
    counts = []
    for odd in (11, 101, 801):
        gap = 2 * u * math.pi / (h**2 * odd)
        counts.append(int(zeros_inside(net, [[1.0]], math.pi - gap / (1 + 1e-4))[0]))
    # one pair for each odd number
    assert counts == [12, 102, 802]


@pytest.mark.parametrize("factor", [1.0, 0.01])
def test_the_nearest_zero_is_nearer_than_the_pole(factor: float) -> None:
    net, data = digit_network()
    data = Dataset(data.inputs[::10], data.labels[::10], 10)
    small = Network(factor * net.U, net.W, net.b)
    nearest = convergence_radius(small, data)
    assert nearest.radius < pole_radius(small, data)
    assert nearest.radius == pytest.approx(min(abs(partition_zero(small, z)) for z in data.inputs), rel=1e-9)
    # all samples at once: none inside, one pair at it
    counts = zeros_inside(small, data.inputs, nearest.radius * (1 - 1e-6))
    assert counts.sum() == 0
    assert zeros_inside(small, data.inputs[nearest.sample][None], nearest.radius * (1 + 1e-6)) == 2


def test_coefficients_feel_the_zero() -> None:
    net, data = digit_network()
    nearest = convergence_radius(net, data)
    every = root_test_radius(action_series(net, data, 160, per_sample=True))
    assert int(every.argmin()) == nearest.sample
    # the zeros behind the nearest one are the error
    assert float(every.min()) == pytest.approx(nearest.radius, rel=1e-3)
    # in the mean the zero counts for one sample of a hundred
    mean = float(root_test_radius(action_series(net, data, 160)))
    assert nearest.radius < mean < nearest.radius * 100 ** (1 / 80)
    # and the asymptotic coefficient itself: -2 Re t*^-k / k for each pair
    k = np.arange(140, 161)
    terms = action_series(net, data, 160, per_sample=True)[k, nearest.sample]
    wanted = -2 * np.real(nearest.t ** (-k.astype(float))) / k
    assert np.max(np.abs(terms - wanted)) < 0.02 * np.max(np.abs(wanted))


def test_linear_part_reaches_to_the_pole() -> None:
    net, data = digit_network()
    found = root_test_radius(linear_series(net, data, 200, per_sample=True), power=0.0)
    assert float(found.min()) == pytest.approx(pole_radius(net, data), rel=0.03)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.5, 12.0), order=st.integers(1, 40))
def test_softmax_series_errs_no_more_than_its_bound(seed: int, scale: float, order: int) -> None:
    rng = np.random.default_rng(seed)
    net = Network.initialise(3, 6, 2, scale=scale, rng=rng)
    data = Dataset(rng.normal(size=(20, 2)), rng.integers(0, 3, 20), 3)
    rho = np.abs(net.preactivations(data.inputs)) / math.pi
    assume(rho.max() < 0.98)
    first = order + 1 if order % 2 else order + 2
    tail = 2 * math.pi**2 / 8 * rho**first / (1 - rho**2)
    bound = float(np.mean(tail @ np.ptp(net.U, axis=0)))
    error = abs(float(softmax_series(net, data, order)[-1]) - net.action(data))
    assert error <= bound + 1e-14


@given(radius=st.floats(0.2, 5.0), angle=st.floats(0.3, 3.0))
@settings(derandomize=True, deadline=None, max_examples=50)
def test_root_test_on_a_known_pair(radius: float, angle: float) -> None:
    k = np.arange(1, 201)
    series = np.concatenate([[0.0], -2 / k * radius**-k * np.cos(k * angle)])
    # some k of the upper half has |cos| > 1/2
    assert float(root_test_radius(series)) == pytest.approx(radius, rel=0.01)


def test_partition_without_zeros() -> None:
    net = Network(np.ones((3, 2)), np.ones((2, 1)), np.zeros(2))
    assert math.isinf(abs(partition_zero(net, [1.0])))
    nearest = convergence_radius(net, Dataset(np.ones((3, 1)), np.array([0, 1, 2]), 3))
    assert math.isinf(nearest.radius)
    assert math.isinf(pole_radius(net.scaled(0.0), Dataset(np.ones((3, 1)), np.array([0, 1, 2]), 3)))
    assert Singularity(2j, 0).radius == 2


def test_bad_input() -> None:
    net, data = digit_network()
    relu = Network(net.U, net.W, net.b, None, "relu")
    for call in (lambda: partition_zero(relu, data.inputs[0]), lambda: pole_radius(relu, data)):
        with pytest.raises(ValueError, match="activation='relu' must be one of"):
            call()
    with pytest.raises(ValueError, match="must be below the nearest pole"):
        zeros_inside(net, data.inputs, 100.0)
    with pytest.raises(ValueError, match="radius=0"):
        zeros_inside(net, data.inputs, 0)
    with pytest.raises(ValueError, match="inputs has shape"):
        partition_zero(net, [1.0, 2.0])
    with pytest.raises(ValueError, match="N at least 8"):
        root_test_radius([1.0, 2.0])
