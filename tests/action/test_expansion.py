"""The series of the action against 50-digit derivatives, contour integrals, tensors and identities."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroscale.action import (
    Dataset,
    Network,
    action_monomials,
    action_series,
    activation_coefficients,
    activation_radius,
    linear_action,
    linear_series,
    load_digits,
    moment_tensor,
    softmax_series,
    uniform_divergence,
)
from neuroscale.action import _expansion_kernels as kernels

SMOOTH = ("silu", "gelu", "tanh")
#: A few samples, classes and neurons: all that 50 digits need.
LABELS = [0, 1, 2, 2, 1, 0]


def toy(activation: str = "silu", *, bias: bool = True, labels: list[int] | None = None) -> tuple[Network, Dataset]:
    rng = np.random.default_rng(5)
    data = Dataset(rng.normal(size=(6, 2)), np.array(labels or LABELS), 3)
    net = Network.initialise(3, 3, 2, scale=2.0, output_bias=bias, activation=activation, rng=3)
    return net, data


def exact_activation(name: str) -> Any:
    return {"silu": lambda x: x / (1 + mp.exp(-x)), "gelu": lambda x: x * mp.ncdf(x), "tanh": mp.tanh}[name]


def exact_action(net: Network, data: Dataset, t: Any) -> Any:
    """The action at ``t theta`` in mpmath, written from the definition."""
    sigma, total = exact_activation(net.activation), mp.mpf(0)
    for z, label in zip(data.inputs, data.labels, strict=True):
        h = [mp.fdot(map(mp.mpf, row), map(mp.mpf, z)) + mp.mpf(b) for row, b in zip(net.W, net.b, strict=True)]
        hidden = [sigma(t * x) for x in h]
        f = [t * mp.fdot(map(mp.mpf, row), hidden) for row in net.U]
        if net.c is not None:
            f = [x + t * mp.mpf(c) for x, c in zip(f, net.c, strict=True)]
        total += mp.log(mp.fsum(map(mp.exp, f))) - f[label]
    return total / data.n_samples


# -- coefficients --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMOOTH)
def test_coefficients_are_taylor_coefficients(name: str) -> None:
    with mp.workdps(60):
        wanted = mp.taylor(exact_activation(name), 0, 24)
        got = activation_coefficients(name, 24, digits=50)
        assert max(abs(x - y) for x, y in zip(got, wanted, strict=True)) < mp.mpf("1e-45")
    # rounded once
    assert activation_coefficients(name, 24).tolist() == got.astype(float).tolist()


def test_far_coefficients_follow_the_poles() -> None:
    # residues i pi at +-i pi, and 1 at +-i pi/2: the next poles are three times as far
    n = 200
    assert activation_coefficients("silu", n)[n] * activation_radius("silu") ** n == pytest.approx(-2, rel=1e-12)
    scaled = activation_coefficients("tanh", n + 1)[n + 1] * activation_radius("tanh") ** (n + 1)
    assert abs(scaled) == pytest.approx(4 / np.pi, rel=1e-12)


def test_the_recurrences_run_in_rational_numbers() -> None:
    # one class: the logarithm of the exponential is the series itself; two: the values of ln cosh
    def run(logits: list[list[Fraction]]) -> list[Fraction]:
        f = np.array([logits], dtype=object)
        terms = f.shape[2]
        powers, mean = (np.array([Fraction(1)] * terms, dtype=object) for _ in range(2))
        result = np.full((1, terms), Fraction(0), dtype=object)
        plain = getattr(kernels.log_mean_exp, "py_func", kernels.log_mean_exp)
        plain(f * np.arange(terms), powers, mean, result)
        return list(result[0])

    f = [Fraction(0), Fraction(2, 3), Fraction(-1, 5), Fraction(7), Fraction(1, 9)]
    assert run([f]) == f
    line = [Fraction(0), Fraction(1), *[Fraction(0)] * 5]
    assert run([line, [-x for x in line]]) == [0, 0, Fraction(1, 2), 0, Fraction(-1, 12), 0, Fraction(1, 45)]


# -- the action ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("labels", [LABELS, [0, 0, 0, 1, 2, 2]], ids=["balanced", "unbalanced"])
def test_first_orders_against_fifty_digits(name: str, labels: list[int]) -> None:
    net, data = toy(name, labels=labels)
    with mp.workdps(70):
        wanted = mp.taylor(lambda t: exact_action(net, data, t), 0, 9)
        got = action_series(net, data, 9, digits=50)
        largest = max(abs(x) for x in wanted)
        worst = max(abs(x - y) / max(abs(y), mp.mpf("1e-12") * largest) for x, y in zip(got, wanted, strict=True))
        assert worst < mp.mpf("1e-40")


def test_floats_follow_fifty_digits_to_order_80() -> None:
    net, data = toy()
    data = Dataset(data.inputs[:3], data.labels[:3], 3)
    got, wanted = action_series(net, data, 80), action_series(net, data, 80, digits=50).astype(float)
    # zeros of the cosine factor hide relative errors: compare with the neighbours' envelope
    envelope = np.array([np.abs(wanted[max(k - 4, 0) : k + 5]).max() for k in range(81)])
    assert np.max(np.abs(got - wanted) / envelope) < 1e-11


def test_floats_against_a_contour_integral_to_order_60() -> None:
    split = load_digits(per_class=(10, 10, 3))
    net = Network.initialise(10, 16, 64, output_bias=True, rng=1)
    order, n = 64, 512
    series = action_series(net, split.test, order)
    radius = 0.8 * float(np.min(np.abs(series[40:]) ** (-1 / np.arange(40, order + 1))))
    t = radius * np.exp(2j * np.pi * np.arange(n) / n)
    h = split.test.inputs @ net.W.T + net.b
    total = np.zeros(n, dtype=complex)
    for sample, label in zip(h, split.test.labels, strict=True):
        y = np.multiply.outer(t, sample)
        f = t[:, None] * ((y / (1 + np.exp(-y))) @ net.U.T + net.c)
        loss = np.log(np.exp(f - f[:, [label]]).sum(axis=1))
        total += loss.real + 1j * np.unwrap(loss.imag)
    wanted = np.fft.fft(total / len(h))[: order + 1].real / n * radius ** -np.arange(order + 1.0)
    # the integral loses (R / radius)^n of its digits, 1e6 at order 64
    assert np.max(np.abs(series - wanted)[:61] * radius ** np.arange(61)) < 1e-14


def test_linear_part_is_the_contraction_of_the_moment_tensors() -> None:
    net, data = toy(bias=False)
    free = Network(net.U, net.W, np.zeros(3), None)
    series = linear_series(free, data, 5)
    a = activation_coefficients("silu", 5)
    for n in range(1, 5):
        J, operands = moment_tensor(data, n), "abcdef"[1 : n + 1]
        spec = f"m{operands},mh,{','.join('h' + x for x in operands)}->"
        wanted = a[n] / 3 * np.einsum(spec, J, free.U, *[free.W] * n)
        assert series[n + 1] == pytest.approx(wanted, rel=1e-13, abs=1e-18)
    assert series[0] == series[1] == 0.0


def test_per_sample_series_average_to_the_series() -> None:
    net, data = toy()
    for function in (action_series, linear_series):
        every = function(net, data, 12, per_sample=True)
        assert every.shape == (13, 6)
        assert np.allclose(every.mean(axis=1), function(net, data, 12), rtol=1e-14)


def test_homogeneity() -> None:
    net, data = toy()
    series = action_series(net, data, 20)
    assert np.allclose(action_series(net.scaled(0.5), data, 20), series * 0.5 ** np.arange(21), rtol=1e-12, atol=1e-18)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-6, 30.0), activation=st.sampled_from([*SMOOTH, "relu"]))
def test_identity(seed: int, scale: float, activation: str) -> None:
    rng = np.random.default_rng(seed)
    data = Dataset(rng.normal(size=(40, 3)), rng.integers(0, 4, 40), 4)
    net = Network.initialise(4, 8, 3, scale=scale, output_bias=True, activation=activation, rng=rng)
    action, linear, divergence = net.action(data), linear_action(net, data), uniform_divergence(net, data)
    assert divergence >= 0
    # the largest term bounds the rounding
    assert abs(action - linear - divergence) <= 1e-14 * max(1.0, abs(linear), divergence)


def test_divergence_near_the_uniform_law_keeps_its_digits() -> None:
    net, data = toy(bias=False)
    tiny = net.scaled(1e-4)
    series = action_series(tiny, data, 6) - linear_series(tiny, data, 6)
    assert uniform_divergence(tiny, data) == pytest.approx(float(series[4:].sum()), rel=1e-9)


def test_softmax_series_tends_to_the_action() -> None:
    net, data = toy()
    actions = softmax_series(net, data, 60)
    only_bias = Network(0 * net.U, net.W, net.b, net.c)
    assert actions[0] == pytest.approx(only_bias.action(data), rel=1e-14)
    assert actions[-1] == pytest.approx(net.action(data), rel=1e-9)
    f = 0.5 * (data.inputs @ net.W.T + net.b) @ net.U.T + net.parameters()[3]
    wanted = np.mean(np.log(np.exp(f).sum(axis=1)) - f[np.arange(6), data.labels])
    assert actions[1] == pytest.approx(wanted, rel=1e-14)


# -- moments and monomials -----------------------------------------------------------------------------------------


def test_moment_tensors_by_definition() -> None:
    _, data = toy(labels=[0, 0, 0, 1, 2, 2])
    z = data.inputs
    for n, spec in ((1, "na->a"), (2, "na,nb->ab"), (3, "na,nb,nc->abc"), (4, "na,nb,nc,nd->abcd")):

        def mean(part: Any, n: int = n, spec: str = spec) -> Any:
            return np.einsum(spec, *[part] * n) / len(part)

        wanted = np.stack([mean(z) - mean(z[data.labels == m]) for m in range(3)])
        assert np.allclose(moment_tensor(data, n), wanted, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("labels", [LABELS, [0, 0, 0, 1, 2, 2]], ids=["balanced", "unbalanced"])
def test_monomials_add_up(labels: list[int]) -> None:
    net, data = toy(labels=labels)
    series = action_series(net, data, 16)
    for order in (*range(1, 9), 16):
        parts = action_monomials(net, data, order)
        assert {len(name) for name in parts} == {order}
        assert sum(parts.values()) == pytest.approx(series[order], rel=1e-12, abs=1e-16)


def test_monomials_scale_with_their_letters() -> None:
    net, data = toy()
    factors = {"U": 2.0, "W": 3.0, "b": 5.0, "c": 7.0}
    scaled = Network(2 * net.U, 3 * net.W, 5 * net.b, 7 * net.parameters()[3])
    for order in (3, 5):
        before, after = action_monomials(net, data, order), action_monomials(scaled, data, order)
        for name, value in before.items():
            wanted = value * np.prod([factors[letter] for letter in name])
            assert after[name] == pytest.approx(wanted, rel=1e-11, abs=1e-13)


def test_second_to_fourth_order_against_tensors() -> None:
    net, data = toy(bias=False)
    U, W, b, M = net.U, net.W, net.b, 3
    J, JJ = moment_tensor(data, 1), moment_tensor(data, 2)
    second, third, fourth = (action_monomials(net, data, n) for n in (2, 3, 4))
    assert second["UW"] == pytest.approx(np.sum(J * (U @ W)) / (2 * M), rel=1e-13)
    assert second["Ub"] == pytest.approx(0.0, abs=1e-16)
    assert third["UWb"] == pytest.approx(np.einsum("ag,ab,bg,b->", J, U, W, b) / (2 * M), rel=1e-12)
    assert third["UWW"] == pytest.approx(np.einsum("agd,ab,bg,bd->", JJ, U, W, W) / (4 * M), rel=1e-12)
    centred, moments = U - U.mean(axis=0), data.inputs.T @ data.inputs / 6
    wanted = np.einsum("ab,bg,gd,cd,ac->", centred, W, moments, W, centred) / (8 * M)
    assert fourth["UUWW"] == pytest.approx(wanted, rel=1e-12)
    assert set(fourth) == {"UUWW", "UUWb", "UUbb"}  # no label: nothing linear in U


# -- bad input -----------------------------------------------------------------------------------------------------


def test_bad_input() -> None:
    net, data = toy()
    relu = Network(net.U, net.W, net.b, net.c, "relu")
    with pytest.raises(ValueError, match=r"activation='relu' must be one of"):
        action_series(relu, data, 3)
    with pytest.raises(ValueError, match=r"order=501 must be an integer in \[0, 500\]"):
        action_series(net, data, 501)
    with pytest.raises(ValueError, match=r"digits=0 must"):
        linear_series(net, data, 3, digits=0)
    with pytest.raises(ValueError, match="leaves the float range"):
        action_series(net.scaled(1e30), data, 40)
    with pytest.raises(ValueError, match="2 inputs"):
        uniform_divergence(Network.initialise(3, 2, 4, rng=0), data)
    with pytest.raises(ValueError, match=r"order=0 must"):
        moment_tensor(data, 0)
    with pytest.raises(ValueError, match="at most 100000000"):
        moment_tensor(data, 30)
    with pytest.raises(ValueError, match="leave class 2 empty"):
        moment_tensor(Dataset(data.inputs, np.array([0, 1, 0, 1, 0, 1]), 3), 1)
    with pytest.raises(ValueError, match=r"order=41 must"):
        action_monomials(net, data, 41)
