r"""Estimators of unseen species, for neurons that did not work yet: they know neither the number of neurons nor a law.

Each predicts the number of neurons that start to work in :math:`m` samples after the first :math:`D`, from the numbers
:math:`f_k` of neurons with :math:`k` activations, as :math:`\hat U=\sum_kh_kf_k`, or with the slopes
:math:`h_k=\partial\hat U/\partial f_k` where it is not linear.  A neuron adds either :math:`h_k` to the estimate, or 1
to the number itself, and never both, since the estimate counts those that worked and the number those that did not.
So for neurons that are independent and a law for which the estimator has no bias

.. math::

   \mathbb E(\hat U-U)^2\le\sum_kh_k^2\,\mathbb E f_k+\mathbb E\,U ,

and the stated error is the root of the right side with the observed :math:`f_k` and :math:`\hat U`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from neuroscale.urn import BuffetUrn, fit_buffet

__all__ = ["Estimate", "chao", "good_toulmin", "jackknife", "pitman_yor"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Step of the differences in the logarithms of Chao's two numbers, and in the parameters of the urn.
_STEP = 1e-3


class Estimate(NamedTuple):
    """Number of neurons that start to work, and the root mean square error of it as the method has it."""

    value: float
    error: float


def good_toulmin(counts: Integers, n_samples: int, m: int) -> Estimate:
    r"""Good and Toulmin's series, smoothed by Orlitsky, Suresh & Wu where :math:`m>D`.

    Parameters
    ----------
    counts : ndarray of int
        Activations of the neurons, in ``[0, n_samples]``; zeros are not used.
    n_samples, m : int
        Samples :math:`D\ge2` seen, and samples to come.

    Notes
    -----
    :math:`-\sum_k(-\tau)^kw_kf_k` with :math:`\tau=m/D`; :math:`w_k=1` up to :math:`\tau=1`, and beyond
    :math:`w_k=P(L\ge k)` with a binomial :math:`L`.  Nearly without bias up to :math:`\tau=1` under every law.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.activation.unseen import good_toulmin
    >>> good_toulmin(np.array([0, 1, 1, 1, 2, 2, 3]), 10, 10)        # 3 - 2 + 1, and 3 + 2 + 1 + 2 squared
    Estimate(value=2.0, error=2.8284271247461903)
    """
    k, f = _frequencies(counts)
    ratio = m / n_samples
    keep = np.ones_like(k)
    if ratio > 1.0:
        trials = int(np.ceil(0.5 * np.log(n_samples * ratio**2 / (ratio - 1.0)) / np.log(3.0)))
        keep = stats.binom.sf(k - 1.0, trials, 2.0 / (2.0 + ratio))
    used = keep > 0.0
    slopes = np.where(k[used] % 2 == 1, 1.0, -1.0) * ratio ** k[used] * keep[used]
    return _estimate(float(slopes @ f[used]), float(slopes**2 @ f[used]))


def jackknife(counts: Integers, n_samples: int) -> Estimate:
    r"""First-order jackknife :math:`\tfrac{D-1}Df_1`, for all neurons that will ever work.

    Parameters
    ----------
    counts, n_samples
        As for :func:`good_toulmin`.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.activation.unseen import jackknife
    >>> jackknife(np.array([0, 1, 1, 1, 1, 7]), 8).value
    3.5
    """
    ones = float(np.sum(counts == 1))
    slope = (n_samples - 1.0) / n_samples
    return _estimate(slope * ones, slope**2 * ones)


def chao(counts: Integers, n_samples: int, m: int) -> Estimate:
    r"""Chao's lower bound for incidence data, extrapolated to :math:`m` samples (Colwell et al.).

    Parameters
    ----------
    counts, n_samples, m
        As for :func:`good_toulmin`.

    Notes
    -----
    :math:`\hat f_0\bigl[1-(1-\tfrac{f_1}{D\hat f_0+f_1})^m\bigr]`.  Without bias where all neurons have one rate;
    under any other law it falls short, and its error does not say by how much.

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.activation.unseen import chao
    >>> round(chao(np.array([0, 1, 1, 1, 2, 2, 3]), 10, 10**9).value, 12)      # 9/10 of 3²/4
    2.025
    """
    ones, twos = float(np.sum(counts == 1)), float(np.sum(counts == 2))

    def value(ones: float, twos: float) -> float:
        pairs = ones**2 / (2.0 * twos) if twos > 0 else ones * (ones - 1.0) / 2.0
        unseen = (n_samples - 1.0) / n_samples * pairs
        if unseen <= 0.0:
            return 0.0
        return float(-unseen * np.expm1(m * np.log1p(-ones / (n_samples * unseen + ones))))

    grow, shrink = np.exp(_STEP), np.exp(-_STEP)
    # f h² with h the slope in f is the square of the slope in ln f, divided by f
    along = [
        value(ones * grow, twos) - value(ones * shrink, twos),
        value(ones, twos * grow) - value(ones, twos * shrink),
    ]
    square = sum((rise / (2 * _STEP)) ** 2 / f for rise, f in zip(along, (ones, twos), strict=True) if f > 0)
    return _estimate(value(ones, twos), square)


def pitman_yor(counts: Integers, n_samples: int, m: int) -> Estimate:
    r"""Expected arrivals of the fitted three-parameter Indian buffet urn, the Pitman-Yor type.

    Parameters
    ----------
    counts, n_samples, m
        As for :func:`good_toulmin`.

    Returns
    -------
    Estimate
        nan where there are fewer than two distinct positive counts.

    Notes
    -----
    The arrivals are a Poisson number.  Its mean has the relative error :math:`K^{-1/2}` from the mass, and that of
    discount and concentration by the delta method; where their likelihood has no inner maximum, they are taken as
    known.

    Examples
    --------
    >>> from neuroscale.activation.unseen import pitman_yor
    >>> from neuroscale.urn import BuffetUrn
    >>> urn = BuffetUrn(50, 2.0, 0.4)
    >>> found = pitman_yor(urn.sample_counts(1000, rng=1), 1000, 1000)
    >>> bool(abs(found.value - urn.working_neurons(2000, since=1000)) < 3 * found.error)
    True
    """
    values, sizes = _frequencies(counts)
    if values.size < 2:
        return Estimate(float("nan"), float("nan"))
    fit = fit_buffet(counts, n_samples)
    total = float(sizes.sum())

    def at(step: Floats) -> Floats:
        """Log-likelihood and expected arrivals, at a step from the fit in the logit of s and the log of t + s."""
        s = 1.0 / (1.0 + (1.0 / fit.discount - 1.0) * np.exp(-step[0]))
        urn = BuffetUrn(1.0, (fit.concentration + fit.discount) * np.exp(step[1]) - s, s)
        mean = float(urn.working_neurons(n_samples))
        likelihood = sizes @ urn.log_count_mean(values, n_samples) - total * np.log(mean)
        return np.array([likelihood, total / mean * urn.working_neurons(n_samples + m, since=n_samples)])

    # the curvature needs a step that rounding does not see
    east, north = np.eye(2) * 20 * _STEP
    middle, (right, left, up, down) = at(0 * east), (at(step) for step in (east, -east, north, -north))
    across = at(east + north)[0] - at(east - north)[0] - at(north - east)[0] + at(-east - north)[0]
    bend = np.array(
        [
            [right[0] - 2 * middle[0] + left[0], across / 4],
            [across / 4, up[0] - 2 * middle[0] + down[0]],
        ]
    )
    slope = np.array([right[1] - left[1], up[1] - down[1]]) / 2
    known = not np.all(np.linalg.eigvalsh(-bend) > 0)
    square = 0.0 if known else float(slope @ np.linalg.solve(-bend, slope))
    value = float(fit.working_neurons(n_samples + m, since=n_samples))
    return _estimate(value, square + value**2 / total)


# -- private ------------------------------------------------------------------------------------------------------


def _frequencies(counts: Integers) -> tuple[Floats, Floats]:
    """Distinct positive counts and how many neurons have each."""
    values, sizes = np.unique(counts[counts > 0], return_counts=True)
    return values.astype(float), sizes.astype(float)


def _estimate(value: float, square: float) -> Estimate:
    """The estimate, with its own variance and that of the number."""
    return Estimate(value, float(np.sqrt(square + max(value, 0.0))))
