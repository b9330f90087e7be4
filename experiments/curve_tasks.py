"""Learning curves of one-layer classifiers on tasks of different difficulty: losses and counts.

Tasks: the largest of the 8 outputs of a random network with 16 ReLU units on 16 Gaussian inputs, each output
standardised; and the next character of Python's standard library from the eight before it, each coded by 24 fixed
Gaussian numbers.  Layers of 128 units: dense ReLU, and the 8 largest units kept.  Each is trained with Adam on D
independent samples until the loss on 2,048 others has not fallen at four records in a row, and taken where it was
smallest; test loss and counts are those of 8,192 further samples of the same law.  The text depends on the version of
Python.

NEUROSCALE_SWEEP_CACHE names a folder from which an interrupted run goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from neuroscale.evidence import DenseNetwork, character_contexts, sweep, train_network
from neuroscale.evidence.datasets import CHARACTERS

SEEDS = (0, 1, 2, 3, 4)
ARGUMENTS = {
    "tasks": ["teacher-16", "text"],
    "kinds": ["dense", "topk"],
    "data_sizes": [2**k for k in range(9, 16, 2)],
    "rate": 5e-3,
    "max_steps": 3000,
}
PACKAGES = ("numpy",)
WIDTH, K = 128, 8
BATCH, EVERY, PATIENCE = 64, 50, 4
LENGTH, CODE = 8, 24
CLASSES, TEACHER = 8, 16
#: Seeds of the parts; the seed of the network is added.
TRAINING, VALIDATION, TEST = 1000, 2000, 3000


def run(
    seeds: Sequence[int],
    *,
    tasks: Sequence[str],
    kinds: Sequence[str],
    data_sizes: Sequence[int],
    rate: float,
    max_steps: int,
) -> dict[str, NDArray[np.generic]]:
    """Train and measure one network for each task, kind of layer, data size and seed.

    Returns
    -------
    dict
        ``data_sizes`` (d,), ``tasks``, ``kinds``, ``counted``, the samples behind the counts, and ``cpu_seconds``; and
        with leading shape (tasks, kinds, d, seeds) what :func:`measure` returns.
    """
    grid = {"task": tasks, "kind": kinds, "n_data": data_sizes, "seed": seeds, "rate": [rate], "max_steps": [max_steps]}
    result = sweep(measure, grid, cache=os.environ.get("NEUROSCALE_SWEEP_CACHE"))
    found = {name: result.array(name)[:, :, :, :, 0, 0] for name in ("loss", "best_step", "counts")}
    return found | {
        "data_sizes": np.array(data_sizes),
        "tasks": np.array(tasks),
        "kinds": np.array(kinds),
        "counted": np.array(8192),
        "cpu_seconds": result.array("cpu_seconds").sum(),
    }


def measure(
    task: str, kind: str, n_data: int, seed: int, rate: float, max_steps: int
) -> dict[str, NDArray[np.generic]]:
    """One network: ``loss`` (2,), test and training; ``best_step`` (); ``counts`` (WIDTH,); ``cpu_seconds`` ()."""
    start = time.process_time()
    X, y = samples(task, n_data, TRAINING + seed)
    test = samples(task, 8192, TEST + seed)
    sparse = kind == "topk"
    network = DenseNetwork.initialise(
        (X.shape[1], WIDTH, len(CHARACTERS) if task == "text" else CLASSES),
        activation="topk" if sparse else "relu",
        k=K if sparse else None,
        rng=seed,
    )
    training = train_network(
        network,
        X,
        y,
        learning_rate=rate,
        batch_size=BATCH,
        n_steps=max_steps,
        validation=samples(task, 2048, VALIDATION + seed),
        patience=PATIENCE,
        every=EVERY,
        rng=seed,
    )
    best = training.network
    return {
        "loss": np.array([best.loss(*test), best.loss(X[:8192], y[:8192])]),
        "best_step": np.array(training.best_step),
        "counts": (best.activations(test[0])[-1] > 0).sum(axis=0).astype(np.int32),
        "cpu_seconds": np.array(time.process_time() - start),
    }


def samples(task: str, n: int, seed: int) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Independent samples of a task."""
    if task == "text":
        codes = np.random.default_rng(0).standard_normal((len(CHARACTERS), CODE)).astype(np.float32)
        contexts, y = character_contexts(n, length=LENGTH, seed=seed, one_hot=False)
        return codes[contexts].reshape(n, LENGTH * CODE), y
    n_inputs = int(task.removeprefix("teacher-"))
    X = np.random.default_rng(seed).standard_normal((n, n_inputs))
    network, mean, spread = teacher(n_inputs)
    return X, ((network.logits(X) - mean) / spread).argmax(axis=1)


@cache
def teacher(n_inputs: int) -> tuple[DenseNetwork, NDArray[np.float64], NDArray[np.float64]]:
    """The same for all seeds, so that these differ in the samples and the student only."""
    rng = np.random.default_rng(12345)
    network = DenseNetwork.initialise((n_inputs, TEACHER, CLASSES), bias_scale=1.0, rng=rng)
    logits = network.logits(rng.standard_normal((100_000, n_inputs)))
    return network, logits.mean(axis=0), logits.std(axis=0)
