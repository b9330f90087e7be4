r"""Zeros of the softmax partition sum in the complex plane of the scale :math:`t`.

For one sample let :math:`Z(t)=\frac1M\sum_\alpha e^{f_\alpha(z;t\theta)-\bar f(z;t\theta)}`.  It is analytic up to the
first pole of the activations, and the loss of the sample has a logarithmic singularity at each of its zeros.  Their
number in a disc is the winding number of :math:`Z` along its rim; since :math:`Z>0` on the real axis and
:math:`Z(\bar t)=\overline{Z(t)}`, the upper half of the rim suffices.  Bisection on the radius encloses the nearest
zero in a thin ring, and Newton's method starts where :math:`|Z'/Z|` is largest on its rim.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

from neuroscale import _validation as valid

from .activation_series import activation_radius
from .network import Network

__all__ = ["partition_zero", "zeros_inside"]

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
#: Longest step along the rim, in units of ``|Z/Z'|``: about the turn of the phase, in radians.
_STEP = 1.0
_MOST_POINTS = 20_000
#: Steps of the first, coarse half rim.
_COARSE = 24
#: The certificate: no zero below the modulus less this share, some below it plus this share.
_MARGIN = 1e-6


def _silu(y: Complexes) -> tuple[Complexes, Complexes]:
    s = 1 / (1 + np.exp(-y))
    return y * s, s + y * s * (1 - s)


def _tanh(y: Complexes) -> tuple[Complexes, Complexes]:
    value = np.tanh(y)
    return value, 1 - value**2


def _gelu(y: Complexes) -> tuple[Complexes, Complexes]:
    below = 0.5 * (1 + erf(y / math.sqrt(2)))
    return y * below, below + y * np.exp(-(y**2) / 2) / math.sqrt(2 * math.pi)


#: Value and derivative at complex arguments.
_Activation = Callable[[Complexes], tuple[Complexes, Complexes]]
_COMPLEX: dict[str, _Activation] = {
    "silu": _silu,
    "tanh": _tanh,
    "gelu": _gelu,
}


def _sum(
    drive: Complexes, t: Complexes, weights: Floats, bias: Floats | float, activation: _Activation
) -> tuple[Complexes, Complexes]:
    """``Z(t)`` times a positive number, and ``Z'(t) / Z(t)``, for hidden signals ``drive`` of shape (..., k, H)."""
    value, slope = activation(drive)
    logits = t[:, None] * (value @ weights.T + bias)
    rates = (value + drive * slope) @ weights.T + bias
    terms = np.exp(logits - logits.real.max(axis=-1, keepdims=True))
    total = terms.sum(axis=-1)
    return total, (terms * rates).sum(axis=-1) / total


class Partition:
    """The partition sum of one sample, up to a positive factor; private to this package."""

    def __init__(self, network: Network, sample: Floats) -> None:
        self.hidden = network.preactivations(sample[None])[0]
        self.weights = network.U - network.U.mean(axis=0)
        self.bias = 0.0 if network.c is None else network.c - network.c.mean()
        self.constant = not np.any(np.ptp(network.U, axis=0)) and (network.c is None or not np.ptp(network.c))
        self.activation = _COMPLEX[network.activation]
        largest = float(np.max(np.abs(self.hidden)))
        self.pole = activation_radius(network.activation) / largest if largest > 0 else math.inf

    def __call__(self, t: Complexes) -> tuple[Complexes, Complexes]:
        """``Z(t)`` times a positive number, and ``Z'(t) / Z(t)``; both of the shape of `t`."""
        return _sum(t[:, None] * self.hidden, t, self.weights, self.bias, self.activation)

    def winding(self, radius: float, n_points: int = _COARSE) -> tuple[int, complex]:
        """Zeros in the disc, and the point of the rim's upper half where ``Z'/Z`` is largest.

        The rim is refined until ``|Z'/Z|`` times its steps is small, so that no turn of the phase is overlooked.
        """
        angles = self._rim(radius, n_points)
        values, rates = self(radius * np.exp(1j * angles))
        while True:
            turns = radius * np.diff(angles) * np.maximum(np.abs(rates[1:]), np.abs(rates[:-1]))
            wide = np.flatnonzero(~(turns < _STEP))
            if not wide.size:
                steps = np.angle(values[1:] / values[:-1])
                lowest = radius * np.exp(1j * angles[np.argmax(np.abs(rates))])
                return 2 * round(float(steps.sum()) / (2 * np.pi)), complex(lowest)
            if angles.size > _MOST_POINTS:
                raise RuntimeError(f"radius={radius!r} passes too close to a zero or a pole to count the zeros inside")
            between = (angles[wide] + angles[wide + 1]) / 2
            more, faster = self(radius * np.exp(1j * between))
            values, rates = np.insert(values, wide + 1, more), np.insert(rates, wide + 1, faster)
            angles = np.insert(angles, wide + 1, between)

    def _rim(self, radius: float, n_points: int) -> Floats:
        """Angles from 0 to pi, denser towards the poles on the imaginary axis, where the phase turns fast."""
        even = np.linspace(0.0, np.pi, n_points + 1)
        gap = max(1.0 - radius / self.pole, 1e-15)
        if gap > 0.25:
            return even
        graded = np.geomspace(gap / 16, np.pi / 2, n_points, endpoint=False)
        return np.unique(np.concatenate([even, np.pi / 2 - graded, np.pi / 2 + graded]))

    def polish(self, start: complex) -> complex:
        """Newton's method from a good start."""
        t = np.array([start])
        for _ in range(50):
            step = 1 / self(t)[1]
            t = t - step
            if abs(step[0]) < 1e-15 * abs(t[0]):
                break
        return complex(t[0])

    def nearest(self) -> complex:
        """Zero of the smallest modulus, with the certificate that no other is nearer."""
        free, found = 0.0, self._reach()
        if math.isinf(found):
            return complex(math.inf)
        for accuracy in (1e-2, 1e-4, 1e-6):
            start = complex(found)
            while found - free > accuracy * min(found, self.pole - found):
                middle = (free + found) / 2
                inside, lowest = self.winding(middle)
                free, found, start = (middle, found, start) if inside == 0 else (free, middle, lowest)
            zero = self.polish(start)
            if free * (1 - _MARGIN) < abs(zero) < found * (1 + _MARGIN) and self._certified(abs(zero)):
                return zero if zero.imag > 0 else zero.conjugate()
        raise RuntimeError(f"no nearest zero was found between the radii {free!r} and {found!r}")

    def _certified(self, modulus: float) -> bool:
        below, above = (self.winding(modulus * factor, 200)[0] for factor in (1 - _MARGIN, 1 + _MARGIN))
        return below == 0 and above > 0

    def _reach(self) -> float:
        """A radius with zeros inside: towards the pole in steps that halve the distance, or outwards without a pole."""
        if self.constant:
            return math.inf
        entire = math.isinf(self.pole)
        for step in range(1, 45):
            radius = 0.1 * 1.5**step if entire else self.pole * (1 - 0.5**step)
            if self.winding(radius)[0]:
                return radius
        return math.inf


def surely_free(network: Network, inputs: Floats, radius: float) -> NDArray[np.bool_]:
    """Whether each sample's disc has no zero, by one coarse rim for all samples; False where that does not decide."""
    found = np.zeros(len(inputs), dtype=bool)
    if not math.isfinite(radius):
        return found
    one = Partition(network, inputs[0])
    hidden = network.preactivations(inputs)
    # near a pole the rim must be denser than this one
    far = np.abs(hidden).max(axis=1) * radius < 0.75 * activation_radius(network.activation)
    t = radius * np.exp(1j * np.linspace(0.0, np.pi, _COARSE + 1))
    for some in np.array_split(np.flatnonzero(far), far.sum() // 100 + 1):
        values, rates = _sum(hidden[some, None, :] * t[:, None], t, one.weights, one.bias, one.activation)
        speed = np.abs(rates)
        turns = radius * np.pi / _COARSE * np.maximum(speed[:, 1:], speed[:, :-1])
        phase = np.angle(values[:, 1:] / values[:, :-1]).sum(axis=1)
        found[some] = np.all(turns < _STEP, axis=1) & (np.abs(phase) < 1)
    return found


def zeros_inside(network: Network, inputs: ArrayLike, radius: float) -> NDArray[np.int64]:
    r"""Count the zeros of each sample's partition sum in the disc :math:`|t|<` `radius`.

    Parameters
    ----------
    network : Network
        Its activation must have a power series at zero: not ReLU.
    inputs : array_like of float, shape (n, E)
    radius : float
        Positive, and below the first pole :math:`\pi/\max_\beta|h_\beta|` of every sample.

    Returns
    -------
    ndarray of int, shape (n,)
        Even numbers, since zeros come in conjugate pairs.

    Raises
    ------
    ValueError
        For a radius that reaches a pole.
    RuntimeError
        When the rim passes within rounding of a zero.

    Notes
    -----
    The argument principle in floating point: the phase is followed in steps of about 1 at most.  Implements claim
    ``ac-radius``; derived in ``chapters/action/convergence.md``.  O(n H M) for each point of the rim, 25 at least.

    Examples
    --------
    >>> from neuroscale.action import Network, zeros_inside
    >>> net = Network(U=[[2.0], [-2.0]], W=[[1.0]], b=[0.0])
    >>> zeros_inside(net, [[1.0], [0.1]], 1.5).tolist()
    [4, 0]
    """
    activation_radius(network.activation)
    samples = [Partition(network, sample) for sample in _samples(network, inputs)]
    radius = valid.real("radius", radius, low=0, open_low=True)
    nearest = min(sample.pole for sample in samples)
    if not radius < nearest:
        raise ValueError(f"radius={radius!r} must be below the nearest pole, {nearest:g}")
    return np.array([sample.winding(radius)[0] for sample in samples], dtype=np.int64)


def partition_zero(network: Network, sample: ArrayLike) -> complex:
    r"""Nearest zero of a sample's partition sum, in the upper half plane.

    Parameters
    ----------
    network : Network
        Its activation must have a power series at zero: not ReLU.
    sample : array_like of float, shape (E,)
        One input.

    Returns
    -------
    complex
        The zero :math:`t_*` of smallest modulus with a positive imaginary part; ``inf`` when all classes get the same
        logits, so that there is none.

    Raises
    ------
    ValueError
        For shapes that do not match.
    RuntimeError
        When the certificate fails: a disc smaller by 1e-6 must be free of zeros, one larger by 1e-6 must not.

    Notes
    -----
    SiLU and tanh: the zeros accumulate at every pole of the activations from inside, so that
    :math:`|t_*|<\pi/\max|h|` (half of that for tanh).  Implements claim ``ac-radius``; derived in
    ``chapters/action/convergence.md``.

    Examples
    --------
    >>> from neuroscale.action import Network, partition_zero
    >>> t = partition_zero(Network(U=[[2.0], [-2.0]], W=[[1.0]], b=[0.0]), [1.0])
    >>> round(t.real, 4), round(t.imag, 4)
    (0.8059, 0.6593)
    """
    activation_radius(network.activation)
    z = valid.reals("sample", sample, low=-np.inf)
    return Partition(network, _samples(network, z[None])[0]).nearest()


def _samples(network: Network, inputs: ArrayLike) -> Floats:
    z = valid.reals("inputs", inputs, low=-np.inf)
    network.preactivations(z)
    return z
