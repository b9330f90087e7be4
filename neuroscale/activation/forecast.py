r"""Predict how many neurons start to work in the samples to come.

A neuron that stayed silent over :math:`D` samples stays so over :math:`m` more with probability

.. math::

   u=\frac{\Gamma(D+m+a-b)\,\Gamma(D+a)}{\Gamma(D+m+a)\,\Gamma(D+a-b)} ,

so of the :math:`N-K(D)` silent neurons a binomial number with mean :math:`(N-K)(1-u)` starts to work.  In ecology
this is the problem of the unseen species.  Its estimators do not know :math:`N`, since nobody can count the species
that were not seen; a layer's size is known, and the zero class of the counts is data here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid
from neuroscale.numerics import log_gamma_quotient

from .beta_binomial import beta_binomial, log_pmf
from .inference import CountFit, fit_counts
from .unseen import chao, good_toulmin, pitman_yor

__all__ = ["GrowthForecast", "predict_growth"]

Floats = NDArray[np.float64]
#: Relative step of the central differences: truncation and rounding both stay below 1e-8.
_STEP = 1e-4
#: Up to here the quantiles are read off the whole list of probabilities.
_LISTED = 2**16


@dataclass(frozen=True)
class GrowthForecast:
    r"""Predicted number of neurons that start to work in `m` further samples.

    Attributes
    ----------
    n_neurons, n_samples, m : int
        Size :math:`N` of the layer, samples :math:`D` seen and samples to come.
    working : int
        Neurons that work already, :math:`K(D)`.
    expected : float
        Prediction of theorem T14 with the fitted :math:`(a,b)`, in ``[0, n_neurons - working]``.
    low, high : float
        Prediction interval: the number itself, not its mean, lies in ``[low, high]`` with probability `level`.
    level : float
        Coverage asked for.
    good_toulmin : float
        Good & Toulmin's series for ``m <= n_samples``, with the binomial smoothing of Orlitsky, Suresh & Wu beyond.
    chao : float
        Chao's estimator for incidence data, extrapolated (Colwell et al.).
    pitman_yor : float
        Three-parameter Indian buffet urn, the Pitman-Yor type, fitted by maximum likelihood; nan where it has no fit.
    fit : CountFit
        Fit behind `expected`.

    Notes
    -----
    The three peers see the counts of the working neurons only and know no :math:`N`: they are not bounded by it, and
    Good & Toulmin's may be negative.  :mod:`neuroscale.activation.unseen` has them with their errors.
    """

    n_neurons: int
    n_samples: int
    m: int
    working: int
    expected: float
    low: float
    high: float
    level: float
    good_toulmin: float
    chao: float
    pitman_yor: float
    fit: CountFit


def predict_growth(
    counts: ArrayLike,
    n_samples: int,
    m: int,
    *,
    atoms: Iterable[int] = (),
    level: float = 0.95,
    peers: bool = True,
) -> GrowthForecast:
    r"""Predict the number of neurons that start to work in `m` further samples.

    Parameters
    ----------
    counts : array_like of int, shape (n_neurons,)
        Activations of **all** neurons, the silent ones included, in ``[0, n_samples]``.
    n_samples : int
        Number of samples :math:`D`, at least 2.
    m : int
        Further samples, at least 0.
    atoms : iterable of int
        As for :func:`fit_counts`.  With ``0`` among them some silent neurons may be dead; the data must then tell how
        many, and the knowledge of :math:`N` is spent.
    level : float
        Coverage of the prediction interval, in (0, 1).
    peers : bool
        Whether to ask the three peers, which takes most of the time; nan stands for them if not.

    Returns
    -------
    GrowthForecast

    Raises
    ------
    ValueError
        For arguments outside their range, and where :func:`fit_counts` finds no maximum.

    Notes
    -----
    Implements theorem T14; derived in ``chapters/activation/conclusion.md``.  The interval belongs to the
    beta-binomial law whose mean is the prediction and whose extra variance is that of the fitted parameters, by
    the delta method in ``(ln b, ln x)``.  It assumes independent firing and a large layer.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, predict_growth, simulate_events
    >>> path = simulate_events(ActivationLaw(2000, 20, 0.5), 5000, rng=1)
    >>> seen = simulate_events(ActivationLaw(2000, 20, 0.5), 500, rng=1)
    >>> forecast = predict_growth(seen.counts, 500, 4500)
    >>> bool(forecast.low <= (path.counts > 0).sum() - forecast.working <= forecast.high)
    True
    """
    D = valid.integer("n_samples", n_samples, low=2, high=2**53)
    m = valid.integer("m", m, low=0, high=2**53)
    level = valid.real("level", level, low=0, high=1, open_low=True)
    if level == 1.0:
        raise ValueError("level=1.0 must be below 1: certainty has no interval")
    fit = fit_counts(counts, D, atoms)
    array = valid.integers("counts", counts, low=0, high=D).ravel()
    working = int(np.count_nonzero(array))
    silent = array.size - working
    share, variance = _share(fit, m)
    low, high = number_interval(silent, share, variance, level)
    asked = [method(array, D, m).value if peers else float("nan") for method in (good_toulmin, chao, pitman_yor)]
    return GrowthForecast(
        n_neurons=array.size,
        n_samples=D,
        m=m,
        working=working,
        expected=silent * share,
        low=low,
        high=high,
        level=level,
        good_toulmin=asked[0],
        chao=asked[1],
        pitman_yor=asked[2],
        fit=fit,
    )


# -- private ------------------------------------------------------------------------------------------------------


def _share(fit: CountFit, m: int) -> tuple[float, float]:
    """Probability that a silent neuron starts to work, and its variance from the estimates of (b, x)."""
    b, x = fit.b, fit.a - fit.b
    var_a, var_b = fit.se_a**2, fit.se_b**2
    spread = np.array([[var_b, fit.cov_ab - var_b], [fit.cov_ab - var_b, var_a + var_b - 2.0 * fit.cov_ab]])
    scale = np.array([b, x])
    slopes = np.array(
        [
            (_started(fit, m, *(scale * np.exp(step))) - _started(fit, m, *(scale * np.exp(-step)))) / (2.0 * _STEP)
            for step in np.eye(2) * _STEP
        ]
    )
    gradient = slopes / scale
    return _started(fit, m, b, x), max(0.0, float(gradient @ spread @ gradient))


def _started(fit: CountFit, m: int, b: float, x: float) -> float:
    """The probability at ``(b, x)``, with the weight of the silent atom that matches its class there."""
    starts = -float(np.expm1(log_gamma_quotient(x + fit.n_samples, b, m)))
    if fit.atoms.get(0, 0.0) == 0.0:
        return starts
    present = [atom for atom, weight in fit.atoms.items() if weight > 0.0]
    mass = np.exp(log_pmf(present, fit.n_samples, b, x))
    # the fitted classes of the atoms are the observed ones, so their shares do not move with (b, x)
    alive = 1.0 - sum(fit.atoms.values())
    own = np.exp(log_pmf(present, fit.n_samples, fit.b, fit.a - fit.b))
    shares = {atom: fit.atoms[atom] + alive * float(p) for atom, p in zip(present, own, strict=True)}
    rest = (1.0 - sum(shares.values())) / (1.0 - float(mass.sum()))
    return starts * rest * float(mass[present.index(0)]) / shares[0]


def number_interval(silent: int, share: float, variance: float, level: float) -> tuple[float, float]:
    """Equal-tailed interval of a binomial number whose probability is a Beta variable of this mean and variance."""
    free = share * (1.0 - share)
    if silent == 0 or free <= 0.0:
        return silent * share, silent * share
    # beyond 1e12 the law is binomial to the last digit; below 1e-3 the parameters are not known at all
    size = float(np.clip(free / variance - 1.0 if variance > 0.0 else np.inf, 1e-3, 1e12))
    b, x = size * share, size * (1.0 - share)
    tails = np.array([0.5 * (1.0 - level), 0.5 * (1.0 + level)])
    if silent <= _LISTED:
        below = np.cumsum(np.exp(log_pmf(np.arange(silent + 1), silent, b, x)))
        low, high = np.minimum(np.searchsorted(below, tails), silent)
    else:
        low, high = beta_binomial(silent, b, x).ppf(tails)
    return float(low), float(high)
