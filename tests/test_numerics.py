"""The special-function ratios against mpmath, over the whole range that the laws use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroscale.numerics import deviance, digamma_difference, log1pmx, log_gamma_quotient, stirling_error

#: Fifty units in the last place: what the laws need to keep 1e-12 after an exponential of a few hundred.
TIGHT = 1e-14
EXACT = settings(derandomize=True, deadline=None, max_examples=150)


@pytest.fixture(autouse=True, scope="module")
def digits() -> Iterator[None]:
    """A second difference of ln Gamma = 4e17 that is 1e-40 loses 58 of these 90 digits."""
    with mp.workdps(90):
        yield


def magnitudes(low: float, high: float) -> st.SearchStrategy[float]:
    """Floats that are log-uniform between two powers of ten."""
    return st.floats(low, high).map(lambda power: float(10.0**power))


def relative_error(value: object, reference: mp.mpf) -> float:
    return float(abs(mp.mpf(float(value)) - reference) / abs(reference))  # type: ignore[arg-type]


def quotient(x: float, s: float, t: float) -> mp.mpf:
    x_, s_, t_ = mp.mpf(x), mp.mpf(s), mp.mpf(t)
    return mp.loggamma(x_ + s_) + mp.loggamma(x_ + t_) - mp.loggamma(x_) - mp.loggamma(x_ + s_ + t_)


@EXACT
@given(x=magnitudes(-12, 16), s=magnitudes(-12, 16), t=magnitudes(-12, 16))
def test_log_gamma_quotient(x: float, s: float, t: float) -> None:
    assert relative_error(log_gamma_quotient(x, s, t), quotient(x, s, t)) < TIGHT


@pytest.mark.parametrize("x", [1e-3, 0.5, 31.999999, 32.0, 1e8, 1e16])
@pytest.mark.parametrize("s", [1e-12, 1e-3, 1.0, 1e4])
@pytest.mark.parametrize("t", [1e-12, 1.0, 1e5, 1e13])
def test_log_gamma_quotient_corners(x: float, s: float, t: float) -> None:
    assert relative_error(log_gamma_quotient(x, s, t), quotient(x, s, t)) < TIGHT


def test_log_gamma_quotient_limits_and_shapes() -> None:
    assert float(log_gamma_quotient(3.0, 0.0, 2.0)) == 0.0
    assert float(log_gamma_quotient(0.0, 0.0, 2.0)) == 0.0
    assert float(log_gamma_quotient(0.0, 1e-3, 1.0)) == -np.inf
    grid = log_gamma_quotient(np.ones((2, 1)), np.ones(3), 2.0)
    assert grid.shape == (2, 3)
    # Gamma(2) Gamma(3) / (Gamma(1) Gamma(4)) = 1/3
    np.testing.assert_allclose(grid, np.log(1 / 3), rtol=TIGHT)


@EXACT
@given(x=magnitudes(-6, 14), s=magnitudes(-6, 8), t=magnitudes(-6, 14))
def test_log_gamma_quotient_is_symmetric_and_negative(x: float, s: float, t: float) -> None:
    one, other = float(log_gamma_quotient(x, s, t)), float(log_gamma_quotient(x, t, s))
    assert one < 0
    assert one == pytest.approx(other, rel=TIGHT)


@EXACT
@given(size=magnitudes(-15, 15), sign=st.sampled_from([1, -1]))
def test_log1pmx(size: float, sign: int) -> None:
    z = sign * size
    if z <= -1:
        z = -1 / (1 + size)
    # measured: 4e-16; the bound is the docstring's
    assert relative_error(log1pmx(z), mp.log1p(mp.mpf(z)) - mp.mpf(z)) < 1e-15


@pytest.mark.parametrize("z", [1e-300, 0.4999999999, 0.5, -0.4999999999, -0.5, -1 + 2**-52, 1e300])
def test_log1pmx_corners(z: float) -> None:
    reference = mp.log1p(mp.mpf(z)) - mp.mpf(z)
    if abs(reference) < 1e-308:  # z**2 / 2 underflows, rightly, to zero
        assert float(log1pmx(z)) == 0.0
    else:
        assert relative_error(log1pmx(z), reference) < 1e-15


def test_log1pmx_at_its_ends() -> None:
    assert float(log1pmx(0.0)) == 0.0
    assert float(log1pmx(-1.0)) == -np.inf


def stirling(y: float) -> mp.mpf:
    z = mp.mpf(y)
    return mp.loggamma(z + 1) - ((z + 0.5) * mp.log(z) - z + mp.log(2 * mp.pi) / 2)


@EXACT
@given(y=magnitudes(-12, 16))
def test_stirling_error(y: float) -> None:
    # below 16 it is a difference of gammaln and its approximation: an absolute bound, as documented
    error = float(abs(mp.mpf(float(stirling_error(y))) - stirling(y)))
    assert error < (3e-14 if y < 16 else 1e-16)
    if y >= 16:
        assert error < TIGHT * float(stirling(y))


@pytest.mark.parametrize("y", [15.999999, 16.0, 1e3, 1e16])
def test_stirling_error_lies_between_its_first_two_terms(y: float) -> None:
    value = float(stirling_error(y))
    assert 1 / (12 * y) - 1 / (360 * y**3) <= value * (1 + 1e-11)
    assert value <= 1 / (12 * y) * (1 + 1e-11)  # 3e-14 absolute is 6e-12 of 1/192


@EXACT
@given(x=magnitudes(-12, 16), apart=st.one_of(magnitudes(-12, 8), magnitudes(-12, -0.001).map(lambda u: -u)))
def test_deviance(x: float, apart: float) -> None:
    expected = x * (1 + apart)
    observed, mean = mp.mpf(x), mp.mpf(expected)
    if mean == observed:
        assert float(deviance(x, expected, 0.0)) == 0.0
        return
    reference = observed * mp.log(observed / mean) + mean - observed
    assert relative_error(deviance(x, expected, float(mean - observed)), reference) < TIGHT


@EXACT
@given(y=magnitudes(-12, 16), h=magnitudes(-12, 16))
def test_digamma_difference(y: float, h: float) -> None:
    reference = mp.digamma(mp.mpf(y) + mp.mpf(h)) - mp.digamma(mp.mpf(y))
    assert relative_error(digamma_difference(y, h), reference) < TIGHT


@pytest.mark.parametrize(("y", "h"), [(1.0, 1.0), (0.001, 1e13), (32.0, 1e-12), (1e16, 1.0), (1e-3, 31.0)])
def test_digamma_difference_corners(y: float, h: float) -> None:
    reference = mp.digamma(mp.mpf(y) + mp.mpf(h)) - mp.digamma(mp.mpf(y))
    assert relative_error(digamma_difference(y, h), reference) < TIGHT


def test_digamma_difference_of_no_step_is_zero() -> None:
    assert float(digamma_difference(3.0, 0.0)) == 0.0


@pytest.mark.parametrize(
    ("naive", "stable"),
    [
        (lambda z: np.log1p(z) - z, log1pmx),
        (lambda z: np.log(1 + z) - z, log1pmx),
    ],
)
def test_the_naive_form_would_fail_these_tests(
    naive: Callable[[float], float], stable: Callable[[float], object]
) -> None:
    z = 3.3e-9
    reference = mp.log1p(mp.mpf(z)) - mp.mpf(z)
    assert relative_error(naive(z), reference) > 1e-9
    assert relative_error(stable(z), reference) < 1e-15
