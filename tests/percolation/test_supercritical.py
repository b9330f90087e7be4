"""The bend of the supercritical law: limits, joint, and a solid whose correlation length is the lattice spacing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from neuroscale.percolation import local_exponent, supercritical_crossover, supercritical_loss


def test_crossover_is_a_count_of_correlated_blobs() -> None:
    # a solid cut into cubes of side xi: D = d, one datum for each cube
    assert supercritical_crossover(60**3, 6, 3).item() == pytest.approx(1000)
    assert supercritical_crossover([1e3, 1e6], [[1], [2]], 2.5).shape == (2, 2)


@pytest.mark.parametrize(("n", "wanted"), [(3.0, 2 / 3), (1e5, 2 / 2.5)])
def test_both_exponents(n: float, wanted: float) -> None:
    def curve(x: np.ndarray) -> np.ndarray:
        return supercritical_loss(x, 500, dimension=3, fractal_dimension=2.5, c=2)

    assert local_exponent(curve, n).item() == pytest.approx(wanted, rel=1e-12)
    # continuous and 1 at the joint, from both sides
    assert np.allclose(curve(np.array([500 * (1 - 1e-12), 500, 500 * (1 + 1e-12)])), 1, rtol=1e-11, atol=0)


def test_far_from_the_bend_the_limits_have_the_right_level() -> None:
    # r^c with M / n = xi^D (r / xi)^d above xi and r^D below it
    mass, xi, d, fractal, c = 1e7, 20.0, 3, 2.5, 2.0
    edge = supercritical_crossover(mass, xi, fractal).item()
    for r in (xi / 7, xi, 7 * xi):
        n = mass / (xi**fractal * (r / xi) ** (d if r > xi else fractal))
        got = supercritical_loss(n, edge, dimension=d, fractal_dimension=fractal, c=c)
        assert got == pytest.approx((r / xi) ** c, rel=1e-12)


def test_a_solid_has_no_bend() -> None:
    # uniform points in the unit square with wrapped faces: mean square distance to the nearest of n is 1 / (pi n)
    rng = np.random.default_rng(5)
    loss = []
    for n in (100, 10_000):
        queries = [cKDTree(rng.random((n, 2)), boxsize=1).query(rng.random((2000, 2)))[0] for _ in range(20)]
        loss.append(np.mean(np.square(queries)))
    line = supercritical_loss([100, 10_000], 1000, dimension=2, fractal_dimension=2, c=2)
    # each mean has a standard error below 2 %: 20 sets of at least 100 points; four of them
    assert loss[0] / loss[1] == pytest.approx(line[0] / line[1], rel=0.08)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: supercritical_crossover(0, 1, 2), "mass"),
        (lambda: supercritical_crossover(1, -1, 2), "correlation_length"),
        (lambda: supercritical_crossover(1, 1, 0), "fractal_dimension=0"),
        (lambda: supercritical_loss(0, 1, dimension=3, fractal_dimension=2, c=2), "n holds"),
        (lambda: supercritical_loss(1, 0, dimension=3, fractal_dimension=2, c=2), "crossover=0"),
        (lambda: supercritical_loss(1, 1, dimension=0, fractal_dimension=2, c=2), "dimension=0"),
        (lambda: supercritical_loss(1, 1, dimension=3, fractal_dimension=4, c=2), "fractal_dimension=4"),
        (lambda: supercritical_loss(1, 1, dimension=3, fractal_dimension=2, c=0), "c=0"),
    ],
)
def test_bad_input(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
