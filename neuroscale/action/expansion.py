r"""The action along a ray as a power series: :math:`S(t\theta)=\sum_nS_n(\theta)\,t^n`.

A network of one hidden layer has :math:`f(z;t\theta)=tc+\sum_{n\ge1}a_n\,U(Wz+b)^n\,t^{n+1}` with
:math:`a_n=\sigma^{(n)}(0)/n!`, so that :math:`S_n` is the part of degree :math:`n` in the parameters.  The action is

.. math::

   S=\ln M+L[f]+\mathbb E\ln\frac1M\sum_\alpha e^{f_\alpha-\bar f},\qquad
   L[f]=\mathbb E\,(\bar f-f_m),\qquad\bar f=\frac1M\sum_\alpha f_\alpha,

where :math:`m` is the label: the second part is linear in :math:`f` and holds all labels, the third,
:math:`\mathbb E\,\mathrm{KL}(u\|q)`, holds none.  Exponential and logarithm of a series are recurrences.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from neuroscale import _validation as valid

from . import _expansion_kernels as kernels
from .activation_series import activation_coefficients
from .data import Dataset
from .network import Network

__all__ = ["action_series", "linear_action", "linear_series", "softmax_series", "uniform_divergence"]

Floats = NDArray[np.float64]
_HIGHEST = 500
#: Digits beyond the wanted ones: the recurrences lose fewer at the orders that high precision can reach.
_GUARD = 15


def action_series(
    network: Network, data: Dataset, order: int, *, per_sample: bool = False, digits: int | None = None
) -> NDArray[Any]:
    r"""Coefficients :math:`S_0,\dots,S_N` of the action along :math:`t\theta`.

    Parameters
    ----------
    network : Network
        Its activation must have a power series at zero: not ReLU.
    data : Dataset
        Samples over which the action is averaged.
    order : int
        Highest order :math:`N`, in [0, 500].
    per_sample : bool
        Return the series of every sample's loss instead of their mean.
    digits : int, optional
        Compute with mpmath at this precision, from the parameters and inputs as they are (floats are exact numbers);
        for small networks.  Without it, in float64.

    Returns
    -------
    ndarray
        Shape ``(order + 1,)``, or ``(order + 1, n_samples)``; floats, or objects of type ``mpf``.

    Raises
    ------
    ValueError
        For shapes that do not match, an order out of range, or a coefficient that leaves the float range (scale the
        network down then: :math:`S_n(s\theta)=s^nS_n(\theta)`).

    Notes
    -----
    Implements claim ``ac-cumulants``; derived in ``chapters/action/cumulants.md``.  Against 50 digits the float
    coefficients to order 80 agree within 1e-11 of the envelope :math:`R^{-n}`.  O(n M N^2 + n H M N).

    Examples
    --------
    >>> from neuroscale.action import Dataset, Network, action_series
    >>> data = Dataset([[1.0], [-1.0]], [0, 1], 2)
    >>> net = Network(U=[[1.0], [-1.0]], W=[[1.0]], b=[0.0])
    >>> action_series(net, data, 4).round(6).tolist()
    [0.693147, 0.0, -0.5, 0.0, 0.125]
    """
    order, coefficients = _prepare(network, data, order, digits)
    with mp.workdps((digits or 15) + _GUARD):
        logits = _logit_series(network, data, order, coefficients)
        series = _linear(logits, data) + _divergence(logits)
        series[0] += mp.log(data.n_classes) if digits else np.log(data.n_classes)
        return series if per_sample else np.asarray(series.mean(axis=1))


def linear_series(
    network: Network, data: Dataset, order: int, *, per_sample: bool = False, digits: int | None = None
) -> NDArray[Any]:
    r"""Coefficients of the part :math:`L[f]` that is linear in the logits and holds all labels.

    Parameters
    ----------
    network, data, order, per_sample, digits
        As for :func:`action_series`.

    Returns
    -------
    ndarray
        Shape ``(order + 1,)``, or ``(order + 1, n_samples)``; its first entry is 0.

    Raises
    ------
    ValueError
        As for :func:`action_series`.

    Notes
    -----
    :math:`L_{n+1}=\frac{\sigma^{(n)}(0)}{n!\,M}\sum J_{\alpha\gamma_1\dots}U_{\alpha\beta}W_{\beta\gamma_1}\cdots` for
    balanced classes and without biases; claim ``ac-main-term``, ``chapters/action/cumulants.md``.  O(n H M N).

    Examples
    --------
    >>> from neuroscale.action import Dataset, Network, linear_series
    >>> data = Dataset([[1.0], [-1.0]], [0, 1], 2)
    >>> net = Network(U=[[1.0], [-1.0]], W=[[1.0]], b=[0.0])
    >>> linear_series(net, data, 4).tolist()
    [0.0, 0.0, -0.5, 0.0, 0.0]
    """
    order, coefficients = _prepare(network, data, order, digits)
    with mp.workdps((digits or 15) + _GUARD):
        series = _linear(_logit_series(network, data, order, coefficients), data)
        return series if per_sample else np.asarray(series.mean(axis=1))


def softmax_series(network: Network, data: Dataset, order: int) -> Floats:
    r"""Action of the network with its activation cut off after order :math:`K`, the softmax kept exact.

    Parameters
    ----------
    network, data
        As for :func:`action_series`.
    order : int
        Highest order of the activation's series, in [0, 500].

    Returns
    -------
    ndarray of float, shape (order + 1,)
        The action for :math:`K=0,\dots`; it tends to ``network.action(data)`` where :func:`pole_radius` exceeds 1.

    Raises
    ------
    ValueError
        As for :func:`action_series`.

    Notes
    -----
    Implements claim ``ac-repair``; derived in ``chapters/action/convergence.md``.  O(n H M K).

    Examples
    --------
    >>> import numpy as np
    >>> from neuroscale.action import Dataset, Network, softmax_series
    >>> data = Dataset([[1.0], [-1.0]], [0, 1], 2)
    >>> net = Network(U=[[1.0], [-1.0]], W=[[1.0]], b=[0.0])
    >>> actions = softmax_series(net, data, 30)
    >>> round(float(actions[1]), 4), bool(np.isclose(actions[-1], net.action(data)))
    (0.3133, True)
    """
    order, coefficients = _prepare(network, data, order, None)
    hidden = network.preactivations(data.inputs)
    logits = np.zeros((len(data.labels), data.n_classes)) + (0.0 if network.c is None else network.c)
    power, actions = np.ones_like(hidden), np.empty(order + 1)
    for k in range(order + 1):
        if k:
            power *= hidden
        if coefficients[k] != 0:
            logits += coefficients[k] * (power @ network.U.T)
        actions[k] = np.mean(logsumexp(logits, axis=1) - logits[np.arange(len(logits)), data.labels])
    return actions


def linear_action(network: Network, data: Dataset) -> float:
    r"""Evaluate :math:`\ln M+L[f]` at the parameters themselves, a lower bound of the action.

    Parameters
    ----------
    network, data
        As for :func:`action_series`; any activation.

    Returns
    -------
    float
        Less than or equal to ``network.action(data)``; unbounded below.

    Raises
    ------
    ValueError
        For shapes that do not match.

    Notes
    -----
    Implements claims ``ac-identity`` and ``ac-lower-bound``; derived in ``chapters/action/cumulants.md``.  O(n H M).

    Examples
    --------
    >>> from neuroscale.action import Dataset, Network, linear_action
    >>> net = Network(U=[[9.0], [-9.0]], W=[[2.0]], b=[0.0])
    >>> round(linear_action(net, Dataset([[1.0], [-1.0]], [0, 1], 2)), 4)
    -8.3069
    """
    network._accepts(data)
    logits = network.logits(data.inputs)
    chosen = logits[np.arange(len(logits)), data.labels]
    return float(np.log(data.n_classes) + np.mean(logits.mean(axis=1) - chosen))


def uniform_divergence(network: Network, data: Dataset) -> float:
    r"""Mean divergence :math:`\mathbb E\,\mathrm{KL}(u\|q)` of the prediction from the uniform law, in nats.

    Parameters
    ----------
    network, data
        As for :func:`action_series`; any activation.

    Returns
    -------
    float
        Not negative; what :func:`linear_action` lacks of the action.

    Raises
    ------
    ValueError
        For shapes that do not match.

    Notes
    -----
    Implements claim ``ac-identity``; derived in ``chapters/action/cumulants.md``.  O(n H M).

    Examples
    --------
    >>> from neuroscale.action import Dataset, Network, linear_action, uniform_divergence
    >>> data = Dataset([[1.0], [-1.0]], [0, 1], 2)
    >>> net = Network(U=[[9.0], [-9.0]], W=[[2.0]], b=[0.0])
    >>> gap = net.action(data) - linear_action(net, data) - uniform_divergence(net, data)
    >>> abs(gap) < 1e-14
    True
    """
    network._accepts(data)
    logits = network.logits(data.inputs)
    centred = logits - logits.mean(axis=1, keepdims=True)
    small = np.max(np.abs(centred), axis=1) < 1.0
    # near uniform the logarithm of a sum near one would cancel
    near = np.log1p(np.mean(np.expm1(np.where(small[:, None], centred, 0.0)), axis=1))
    return float(np.mean(np.where(small, near, logsumexp(centred, axis=1) - np.log(data.n_classes))))


def _prepare(network: Network, data: Dataset, order: int, digits: int | None) -> tuple[int, NDArray[Any]]:
    network._accepts(data)
    order = valid.integer("order", order, low=0, high=_HIGHEST)
    extra = None if digits is None else valid.integer("digits", digits, low=1, high=1000) + _GUARD
    return order, activation_coefficients(network.activation, order, digits=extra)


def _logit_series(network: Network, data: Dataset, order: int, coefficients: NDArray[Any]) -> NDArray[Any]:
    """Logits along the ray, shape (order + 1, n, M), in the arithmetic of the coefficients."""
    exact = coefficients.dtype == object
    number = np.vectorize(mp.mpf, otypes=[object]) if exact else np.asarray
    hidden = number(data.inputs) @ number(network.W).T + number(network.b)
    weights, power = number(network.U).T, hidden
    shape = (order + 1, data.n_samples, data.n_classes)
    logits = np.full(shape, mp.mpf(0), dtype=object) if exact else np.zeros(shape)
    if network.c is not None and order >= 1:
        logits[1] = number(network.c)
    with np.errstate(over="ignore", invalid="ignore"):
        for n in range(1, order):
            if coefficients[n] != 0:
                logits[n + 1] += coefficients[n] * (power @ weights)
            power = power * hidden
    return _finite(logits)


def _linear(logits: NDArray[Any], data: Dataset) -> NDArray[Any]:
    """Series of mean minus label, shape (order + 1, n)."""
    return np.asarray(logits.mean(axis=2) - logits[:, np.arange(data.n_samples), data.labels])


def _divergence(logits: NDArray[Any]) -> NDArray[Any]:
    """Series of ``KL(u || q)``, shape (order + 1, n); centred logits keep the digits."""
    terms, samples, _ = logits.shape
    centred = logits - logits.mean(axis=2, keepdims=True)
    weighted = (centred * np.arange(terms)[:, None, None]).transpose(1, 2, 0).copy()
    zero = logits[0, 0, 0] * 0
    powers, mean = (np.full(terms, zero + 1, dtype=logits.dtype) for _ in range(2))
    result = np.full((samples, terms), zero, dtype=logits.dtype)
    # objects run through the plain Python form of the kernel
    plain = getattr(kernels.log_mean_exp, "py_func", kernels.log_mean_exp)
    (plain if logits.dtype == object else kernels.log_mean_exp)(weighted, powers, mean, result)
    return _finite(result.T)


def _finite(series: NDArray[Any]) -> NDArray[Any]:
    if series.dtype != object and not np.all(np.isfinite(series)):
        raise ValueError("a coefficient leaves the float range; expand network.scaled(s) with a smaller s instead")
    return series
