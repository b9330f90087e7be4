"""The package's own values for the curves of each figure with sliders, written apart from the chapters' cells."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import gamma

from neuroscale.action import Network, action_series, load_digits, train
from neuroscale.activation import ActivationLaw
from neuroscale.percolation import BetheLattice


def growth(x, shape, active, neurons):
    law = ActivationLaw(n_neurons=int(neurons), n_active=int(active), b=shape)
    return [law.working_neurons(x), np.minimum(active * x, neurons)]


def counts(x, shape, reach):
    law = ActivationLaw(n_neurons=10**7, n_active=10**3, b=shape)
    exact = np.exp(law.log_count_pmf(x, int(reach * shape * 10**4)))
    return [exact, x ** (shape - 1) / gamma(shape) / reach**shape, exact[0] * (1 + shape) / (x + shape)]


def width(x, shape):
    # K/N = 1 - (1 + D/a)^(-b), in units of the D at which it is one half
    half = 2 ** (1 / shape) - 1
    share = -np.expm1(-shape * np.log1p(x * half))
    return [share, np.where((share >= 0.1) & (share <= 0.9), share, np.nan)]


def losses(x, shape):
    law = ActivationLaw(n_neurons=10**5, n_active=100, b=shape)
    return [law.unlearnt_fraction(x, 100, weighted=weighted) for weighted in (False, True)]


def clusters(x, ratio, degree):
    lattice = BetheLattice(int(degree), ratio / (degree - 1))
    return [lattice.cluster_pmf(x), BetheLattice.critical(int(degree)).amplitude * x**-1.5]


@cache
def trained_series():
    """Orders 0 to 60 of the chapter's first network with the usual start, trained here again: a second and a half."""
    digits = load_digits(inputs="centred")
    start = Network.initialise(10, 64, 64, rng=0)
    settings = {"optimiser": "adam", "learning_rate": 3e-3, "batch_size": 100, "n_steps": 600}
    (found,) = train([start], digits, **settings, patience=8, every=20, rng=0)
    return action_series(found.network, digits.test, 60)


def partial_sums(x, orders):
    series = trained_series()[: int(orders) + 1]
    return [np.polynomial.polynomial.polyval(x, series)]


#: By page, names of the sliders and scale of the heights.
CURVES = {
    ("dynamics", ("Shape b", "Active neurons c", "Neurons N"), "log"): growth,
    ("dynamics", ("Shape b", "Data D/a"), "log"): counts,
    ("behaviour", ("Shape b",), "linear"): width,
    ("behaviour", ("Shape b",), "log"): losses,
    ("clusters", ("Occupation p/p_c", "Degree z"), "log"): clusters,
    ("convergence", ("Orders up to n",), "linear"): partial_sums,
}
