r"""What the urns share: rising factorials, the beta-binomial law of a count, and the arrivals of new things.

With :math:`x=\theta+a` something new comes with probability (or at rate) :math:`(x)_D/(\theta+1)_D` in step
:math:`D+1`; the sum of these over the first steps telescopes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from neuroscale.numerics import digamma_difference, log_gamma_quotient

Floats = NDArray[np.float64]


def log_rising(base: float, n: Floats | float) -> Floats:
    """``ln[(base)_n / n!]`` for ``base >= 0``."""
    if base <= 1.0:
        return log_gamma_quotient(base, 1.0 - base, n)
    return -log_gamma_quotient(1.0, base - 1.0, n)


def fast_log_rising(base: float, n: Floats | float) -> Floats:
    """``ln[(base)_n / n!]`` for ``n > 0`` by a difference of ``gammaln``, or its asymptotic series above 1e6."""
    return np.asarray(-betaln(base, n) - np.log(n))


def log_beta_binomial(k: Floats, n: Floats | float, a: float, b: float) -> Floats:
    """Log-probability of `k` successes in `n` trials, ``a > 0`` and ``b >= 0``; ``0 <= k <= n`` is the caller's."""
    return np.asarray(log_rising(a, k) + log_rising(b, n - k) - log_rising(a + b, n))


def log_arrival(D: Floats | float, discount: float, rest: float) -> Floats:
    """``ln[(rest)_D / (rest + 1 - discount)_D]``: something new after `D` steps; `rest` is concentration + discount."""
    return log_gamma_quotient(rest, 1.0 - discount, D)


def arrivals(D: Floats, discount: float, concentration: float) -> Floats:
    r"""Sum of the arrivals of the first `D` steps for a discount in [0, 1): no cancellation for any `D`.

    With :math:`n=D-1` it is :math:`1+\frac{\theta+a}a\bigl(\frac{(\theta+1+a)_n}{(\theta+1)_n}-1\bigr)`; below one step
    it is linear, so that real values are allowed and no step brings nothing.
    """
    later = np.maximum(D - 1.0, 0.0)
    if discount == 0.0:
        growth = concentration * digamma_difference(1.0 + concentration, later)
    else:
        steps = -log_gamma_quotient(1.0 + concentration, discount, later)
        growth = (concentration + discount) / discount * np.expm1(steps)
    return np.asarray(np.minimum(D, 1.0) + growth)
