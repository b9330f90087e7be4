"""Digit classifiers of one hidden layer over widths, data sizes and seeds: losses, counts and prune curves.

Dense ReLU layers, layers that keep the 16 largest units, and dense layers with a penalty on their activations.  Each is
trained with Adam on D augmented digits until the loss on 2,048 samples of the validation images has not fallen at four
records in a row, and taken where it was smallest.  Test losses are those of 4,096 samples of the test images, and of
8,192 further samples of the training images, which training did not see.  Counts are of at most 8,192 of the training
samples, and of those further samples; scores for pruning are taken on at most 512 training samples.

NEUROSCALE_SWEEP_CACHE names a folder from which an interrupted run goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroscale.evidence import DenseNetwork, NetworkTraining, digit_stream, train_network
from neuroscale.evidence.pruning import leave_one_out, prune_curve, remove_silent, scores
from neuroscale.evidence.sweep import sweep

SEEDS = (0, 1, 2, 3, 4)
ARGUMENTS = {
    "layers": ["dense-32", "dense-128", "dense-512", "topk-64", "topk-512", "l1-256"],
    "data_sizes": [2**k for k in range(7, 15)],
    "rate": 3e-3,
    "max_steps": 3000,
}
PACKAGES = ("numpy", "scikit-learn")
#: Units that a top-k layer keeps, and weight of the penalty of an l1 layer.
K, PENALTY = 16, 1e-2
BATCH, EVERY, PATIENCE = 64, 50, 4
#: Shares of the units that the prune curves remove.
SHARES = np.concatenate([np.arange(0, 0.9, 0.05), np.arange(0.9, 1.0, 0.02)]).round(3)
SCORES = ("count", "reverse", "random", "magnitude", "activation", "taylor", "ablation")
COUNTED, SCORED = 8192, 512
Part = tuple[NDArray[np.floating], NDArray[np.int64]]


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


def over_grid(
    measure: Callable[..., Mapping[str, NDArray[np.generic]]],
    scores: Sequence[str],
    seeds: Sequence[int],
    layers: Sequence[str],
    data_sizes: Sequence[int],
    **same: float,
) -> dict[str, NDArray[np.generic]]:
    """What `measure` returns for each layer, data size and seed, under ``<layer>_<name>``, with the grid itself."""
    found: dict[str, NDArray[np.generic]] = {
        "data_sizes": np.array(data_sizes),
        "shares": SHARES,
        "scores": np.array(scores),
    }
    for layer in layers:  # one sweep each, since the arrays of two layers may differ in their shapes
        grid = {"layer": [layer], "n_data": data_sizes, "seed": seeds} | {name: [value] for name, value in same.items()}
        result = sweep(measure, grid, cache=os.environ.get("NEUROSCALE_SWEEP_CACHE"))
        for name in result.values[0]:
            found[f"{layer}_{name}"] = result.array(name)[(0, slice(None), slice(None), *(0 for _ in same))]
    # of all entries, those from the cache included
    found["cpu_seconds"] = np.sum([found[f"{layer}_cpu_seconds"] for layer in layers])
    return found


def measure(layer: str, n_data: int, seed: int, rate: float, max_steps: int) -> dict[str, NDArray[np.generic]]:
    """One network: its losses, counts, prune curves, and the removal of its silent units.

    Returns
    -------
    dict
        ``loss`` (3,): on test images, on further samples of the training images, and on the training samples;
        ``best_step`` (); ``counts`` and ``counts_fresh`` (N,), and ``counted`` (2,), the samples behind them;
        ``curves`` (scores, S) on test images; ``curve_mean`` (S,): mean ablation by count; ``removal`` (4,): silent
        units, change of the test loss, its bound, and silent units that fire on a test sample; ``leave_one_out`` (3,):
        firing, change and bound on the further samples; ``cpu_seconds`` ().
    """
    start = time.process_time()
    training = train(layer, n_data, seed, rate, max_steps)
    network = training.network
    X, y = digit_stream(n_data, seed=seed)
    test, fresh = digit_stream(4096, seed=seed, part="test"), digit_stream(COUNTED, seed=1000 + seed)
    found = scores(network, X[:SCORED], y=y[:SCORED], rng=seed)
    activations, activations_fresh = network.activations(X[:COUNTED])[-1], network.activations(fresh[0])[-1]
    counts = (activations > 0).sum(axis=0)
    found |= {"count": counts, "reverse": -counts}
    removal = remove_silent(network, counts, *test)
    follow = leave_one_out(network, *fresh)
    curves = [prune_curve(network, *test, found[name], SHARES) for name in SCORES]
    curve_mean = prune_curve(network, *test, counts, SHARES, fill=activations.mean(axis=0))
    return {
        "loss": np.array([network.loss(*part) for part in (test, fresh, (X[:COUNTED], y[:COUNTED]))]),
        "best_step": np.array(training.best_step),
        "counts": counts.astype(np.int32),
        "counts_fresh": (activations_fresh > 0).sum(axis=0).astype(np.int32),
        "counted": np.array([len(activations), len(activations_fresh)]),
        "curves": np.array(curves, dtype=np.float32),
        "curve_mean": curve_mean.astype(np.float32),
        "removal": np.array([removal.n_removed, removal.change, removal.bound, removal.firing]),
        "leave_one_out": np.array([follow.firing, follow.change, follow.bound]),
        "cpu_seconds": np.array(time.process_time() - start),
    }


def train(layer: str, n_data: int, seed: int, rate: float, max_steps: int) -> NetworkTraining:
    """The network with the smallest validation loss; `layer` is kind and width, as in ``"topk-64"``."""
    held = digit_stream(2048, seed=seed, part="validation")
    return fit(layer, 10, digit_stream(n_data, seed=seed), held, seed, rate, max_steps)


def fit(layer: str, n_classes: int, data: Part, held: Part, seed: int, rate: float, max_steps: int) -> NetworkTraining:
    """The network of that kind and width with the smallest loss on the held part."""
    kind, width = layer.split("-")
    sparse = kind == "topk"
    start = DenseNetwork.initialise(
        (data[0].shape[1], int(width), n_classes),
        activation="topk" if sparse else "relu",
        k=K if sparse else None,
        rng=seed,
    )
    return train_network(
        start,
        *data,
        learning_rate=rate,
        batch_size=BATCH,
        n_steps=max_steps,
        validation=held,
        patience=PATIENCE,
        every=EVERY,
        l1=PENALTY if kind == "l1" else 0.0,
        rng=seed,
    )
