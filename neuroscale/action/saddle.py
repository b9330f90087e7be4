r"""The action near zero: a strict saddle, the way out of it, and the least of its even orders.

At zero :math:`S=\ln M+\frac{\sigma'(0)}M\langle J,UW\rangle+O(\theta^3)` for balanced classes.  The Hessian there pairs
the columns of :math:`U` with the rows of :math:`W`, and the singular values :math:`s_i` of :math:`J` are its spectrum
up to a factor.  At order four the labels are absent, and

.. math::

   S_2+S_4=\frac1{2M}\langle J,A\rangle+\frac1{8M}\operatorname{tr}(A\,\Sigma_T\,A^T),\qquad A=\tilde UW,

with the biases at their best; its least value is minus half of Pillai's trace (for SiLU, :math:`\sigma'(0)=\frac12`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid

from .activation_series import activation_coefficients
from .data import Dataset
from .moments import moment_tensor

__all__ = ["FisherMinimum", "escape_rates", "fisher_minimum", "saddle_spectrum"]

Floats = NDArray[np.float64]


def saddle_spectrum(J: ArrayLike, n_hidden: int, *, output_bias: bool = False, activation: str = "silu") -> Floats:
    r"""Eigenvalues of the Hessian of the action at zero, for balanced classes.

    Parameters
    ----------
    J : array_like of float, shape (M, E)
        First moments, ``moment_tensor(data, 1)``.
    n_hidden : int
        Number :math:`H` of hidden neurons, at least 1.
    output_bias : bool
        Whether the network has a bias :math:`c`: it adds :math:`\frac1M`, :math:`M-1` times, and a zero.
    activation : {"silu", "gelu", "tanh"}

    Returns
    -------
    ndarray of float, shape (number of parameters,)
        In ascending order: :math:`\pm\sigma'(0)\,s_i(J)/M`, each :math:`H` times, and zeros.

    Raises
    ------
    ValueError
        For a `J` that is not a matrix.

    Notes
    -----
    Implements claim ``ac-saddle``; derived in ``chapters/action/saddle.md``.  O(M E min(M, E)).

    Examples
    --------
    >>> from neuroscale.action import saddle_spectrum
    >>> saddle_spectrum([[-1.0], [1.0]], 1).round(4).tolist()
    [-0.3536, 0.0, 0.0, 0.3536]
    """
    matrix = _matrix(J)
    n_hidden = valid.integer("n_hidden", n_hidden, low=1)
    classes, inputs = matrix.shape
    pairs = np.repeat(escape_rates(matrix, activation=activation), n_hidden)
    zeros = np.zeros((classes + inputs + 1) * n_hidden - 2 * pairs.size)
    bias = np.array([0.0] + [1.0 / classes] * (classes - 1)) if output_bias else np.zeros(0)
    return np.sort(np.concatenate([pairs, -pairs, zeros, bias]))


def escape_rates(J: ArrayLike, learning_rate: float | None = None, *, activation: str = "silu") -> Floats:
    r"""Rates at which a small network grows along the pairs of singular vectors of :math:`J`.

    Parameters
    ----------
    J : array_like of float, shape (M, E)
        First moments, ``moment_tensor(data, 1)``.
    learning_rate : float, optional
        Step :math:`\eta` of gradient descent, positive; without it the rates are those of gradient flow.
    activation : {"silu", "gelu", "tanh"}

    Returns
    -------
    ndarray of float, shape (min(M, E),)
        Descending: :math:`\lambda_i=\sigma'(0)s_i/M`, or :math:`\ln(1+\eta\lambda_i)/\eta` in units of the time
        :math:`t=\eta\times` steps.

    Raises
    ------
    ValueError
        For a `J` that is not a matrix or a learning rate out of range.

    Notes
    -----
    Implements claim ``ac-escape``; derived in ``chapters/action/saddle.md``.  O(M E min(M, E)).

    Examples
    --------
    >>> from neuroscale.action import escape_rates
    >>> escape_rates([[-1.0], [1.0]]).round(4).tolist(), escape_rates([[-1.0], [1.0]], 0.1).round(4).tolist()
    ([0.3536], [0.3474])
    """
    matrix = _matrix(J)
    slope = float(activation_coefficients(activation, 1)[1])
    rates = slope * np.linalg.svd(matrix, compute_uv=False) / len(matrix)
    if learning_rate is None:
        return np.asarray(rates)
    eta = valid.real("learning_rate", learning_rate, low=0, open_low=True)
    return np.asarray(np.log1p(eta * rates) / eta)


class FisherMinimum(NamedTuple):
    """The least value of :math:`S_0+S_2+S_4` and where it is taken.

    Attributes
    ----------
    value : float
        ``ln M`` minus half of Pillai's trace.
    weights : ndarray of float, shape (M, E)
        The product of the centred output weights with the input weights.
    bias : ndarray of float, shape (M,)
        The product of the centred output weights with the biases.
    """

    value: float
    weights: Floats
    bias: Floats

    def logits(self, inputs: ArrayLike) -> Floats:
        """Logits of the linear network at the minimum, shape (n, M)."""
        z = valid.reals("inputs", inputs, low=-np.inf)
        return np.asarray((z @ self.weights.T + self.bias) / 2)


def fisher_minimum(data: Dataset) -> FisherMinimum:
    r"""Least value of :math:`S_0+S_2+S_4` over all SiLU networks with :math:`H\ge M-1`, and its linear map.

    Parameters
    ----------
    data : Dataset
        Balanced; its inputs need not be centred, since the biases centre them.

    Returns
    -------
    FisherMinimum
        :math:`\ln M-\frac12\operatorname{tr}(\Sigma_T^{-1}\Sigma_B)`, :math:`\tilde UW=-2J\Sigma_T^{-1}` and
        :math:`\tilde Ub=-\tilde UW\,\mathbb Ez`; a singular :math:`\Sigma_T` is inverted on its range.

    Raises
    ------
    ValueError
        For classes that are not balanced.

    Notes
    -----
    The logits are :math:`M` times the least-squares prediction of the class indicators, less 1: its rows span Fisher's
    discriminant directions.  Implements claim ``ac-fisher``; derived in ``chapters/action/saddle.md``.
    O(n E^2 + E^3).

    Examples
    --------
    >>> from neuroscale.action import Dataset, fisher_minimum
    >>> found = fisher_minimum(Dataset([[2.0], [0.0], [-1.0], [-1.0]], [0, 0, 1, 1], 2))
    >>> round(found.value, 4), found.weights.round(4).tolist()
    (0.3598, [[1.3333], [-1.3333]])
    """
    if not data.balanced:
        raise ValueError(f"labels have class counts {data.class_counts.tolist()}; they must be equal")
    J = moment_tensor(data, 1)
    mean = data.inputs.mean(axis=0)
    centred = data.inputs - mean
    weights = -2 * J @ np.linalg.pinv(centred.T @ centred / data.n_samples, hermitian=True)
    pillai = -float(np.vdot(J, weights)) / (2 * data.n_classes)
    return FisherMinimum(float(np.log(data.n_classes)) - pillai / 2, weights, -weights @ mean)


def _matrix(J: ArrayLike) -> Floats:
    matrix = valid.reals("J", J, low=-np.inf)
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"J has shape {matrix.shape}; it must be (M, E)")
    return matrix
