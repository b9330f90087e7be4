"""Predictors of the next character, of one hidden layer, over widths, data sizes and seeds: losses and prune curves.

The task is that of the record `topk_growth`: the next character of Python's standard library from the eight before it.
Dense ReLU layers, and one that keeps the 16 largest units.  Each is trained with Adam on D samples until the loss on
2,048 samples of other files has not fallen at four records in a row, and taken where it was smallest.  Test losses are
those of 2,048 samples of a third set of files; counts are of at most 8,192 of the training samples, and scores for
pruning are taken on at most 512 of them.  The text depends on the version of Python.

NEUROSCALE_SWEEP_CACHE names a folder from which an interrupted run goes on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.topk_growth import samples
from experiments.width_data_grid import COUNTED, SCORED, SHARES, fit, over_grid
from neuroscale.evidence import NetworkTraining
from neuroscale.evidence.datasets import CHARACTERS
from neuroscale.evidence.pruning import prune_curve, remove_silent, scores

SEEDS = (0, 1, 2, 3, 4)
ARGUMENTS = {
    "layers": ["dense-32", "dense-128", "dense-512", "topk-512"],
    "data_sizes": [2**k for k in range(7, 15)],
    "rate": 3e-3,
    "max_steps": 3000,
}
PACKAGES = ("numpy",)
SCORES = ("count", "random", "activation")
HELD = 2048


def run(
    seeds: Sequence[int], *, layers: Sequence[str], data_sizes: Sequence[int], rate: float, max_steps: int
) -> dict[str, NDArray[np.generic]]:
    """Train and measure one network for each layer, data size and seed.

    Returns
    -------
    dict
        ``data_sizes`` (d,), ``shares`` (S,), ``scores`` and ``cpu_seconds``; and for each layer, under
        ``<layer>_<name>`` and with leading shape (d, seeds), what :func:`measure` returns.
    """
    return over_grid(measure, SCORES, seeds, layers, data_sizes, rate=rate, max_steps=max_steps)


def measure(layer: str, n_data: int, seed: int, rate: float, max_steps: int) -> dict[str, NDArray[np.generic]]:
    """One network: its losses, counts, prune curves, and the removal of its silent units.

    Returns
    -------
    dict
        ``loss`` (2,): on the test and on the training samples; ``best_step`` (); ``counts`` (N,); ``curves``
        (scores, S) on the test samples; ``removal`` (4,): silent units, change of the test loss, its bound, and silent
        units that fire on a test sample; ``cpu_seconds`` ().
    """
    start = time.process_time()
    training = train(layer, n_data, seed, rate, max_steps)
    network = training.network
    X, y = samples("characters", n_data, seed)
    test = samples("characters", HELD, seed, "test")
    found = scores(network, X[:SCORED], y=y[:SCORED], rng=seed)
    counts = (network.activations(X[:COUNTED])[-1] > 0).sum(axis=0)
    found |= {"count": counts}
    removal = remove_silent(network, counts, *test)
    return {
        "loss": np.array([network.loss(*part) for part in (test, (X[:COUNTED], y[:COUNTED]))]),
        "best_step": np.array(training.best_step),
        "counts": counts.astype(np.int32),
        "curves": np.array([prune_curve(network, *test, found[name], SHARES) for name in SCORES], dtype=np.float32),
        "removal": np.array([removal.n_removed, removal.change, removal.bound, removal.firing]),
        "cpu_seconds": np.array(time.process_time() - start),
    }


def train(layer: str, n_data: int, seed: int, rate: float, max_steps: int) -> NetworkTraining:
    """The network with the smallest validation loss; `layer` is kind and width, as in ``"topk-512"``."""
    held = samples("characters", HELD, seed, "validation")
    return fit(layer, len(CHARACTERS), samples("characters", n_data, seed), held, seed, rate, max_steps)
