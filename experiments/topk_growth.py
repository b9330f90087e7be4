"""Counts of frozen networks in which the 32 largest of 1,024 or of 4,096 units fire, up to 262,144 samples.

One hidden layer, trained with Adam at rate 0.003 for a fixed number of batches of 128 fresh samples, then frozen; the
counts are of fresh independent samples of the training law, which training did not see.  Two tasks: the next character
of Python's standard library from the eight before it, each character a fixed random Gaussian code of 24 numbers (the
same for all seeds; the codes are not trained); and augmented digits.  The text depends on the version of Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroscale.evidence import DenseNetwork, character_contexts, digit_stream, train_network
from neuroscale.evidence.datasets import CHARACTERS

SEEDS = (0, 1, 2, 3, 4)
ARGUMENTS = {
    "tasks": ["characters", "digits"],
    "widths": [1024, 4096],
    "k": 32,
    "n_steps": 150,
    "n_samples": 4**9,
}
PACKAGES = ("numpy", "scikit-learn")
BATCH, RATE = 128, 3e-3
LENGTH, CODE = 8, 24
#: Samples that pass through the network at a time while it is counted.
CHUNK = 2048
#: Seeds of the data: training, validation, counting; the seed of the network is added.
TRAINING, VALIDATION, COUNTING = 1000, 2000, 3000


def run(
    seeds: Sequence[int], *, tasks: Sequence[str], widths: Sequence[int], k: int, n_steps: int, n_samples: int
) -> dict[str, NDArray[np.generic]]:
    """Train and count one network for each task, width and seed.

    Returns
    -------
    dict
        ``snapshots`` (S,), the powers of four up to `n_samples`; and for each task and width
        ``<task>_<width>_counts`` (seeds, S, width); ``<task>_<width>_first`` (seeds, width), the index from 0 of the
        first sample on which a unit fires, or -1; and ``<task>_<width>_loss`` (seeds, 2), validation loss in nats
        before and after training.
    """
    snapshots = 4 ** np.arange(int(np.log(n_samples) / np.log(4) + 1e-9) + 1)
    found: dict[str, NDArray[np.generic]] = {"snapshots": snapshots}
    for task in tasks:
        for width in widths:
            parts = [count(trained(task, width, k, n_steps, seed), task, seed, snapshots) for seed in seeds]
            for name, part in zip(("counts", "first", "loss"), zip(*parts, strict=True), strict=True):
                found[f"{task}_{width}_{name}"] = np.stack(part)
    return found


def samples(task: str, n: int, seed: int, part: str = "train") -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Independent samples of a part of a task; the parts share no image and no file."""
    if task == "digits":
        X, y = digit_stream(n, seed=seed, part=part)
        return X.astype(np.float32), y
    codes = np.random.default_rng(0).standard_normal((len(CHARACTERS), CODE)).astype(np.float32)
    contexts, y = character_contexts(n, length=LENGTH, seed=seed, part=part, one_hot=False)
    return codes[contexts].reshape(n, LENGTH * CODE), y


def trained(task: str, width: int, k: int, n_steps: int, seed: int) -> tuple[DenseNetwork, NDArray[np.float64]]:
    """A trained network, and its validation losses before and after."""
    X, y = samples(task, BATCH * n_steps, TRAINING + seed)
    start = DenseNetwork.initialise(
        (X.shape[1], width, 10 if task == "digits" else len(CHARACTERS)), activation="topk", k=k, rng=seed
    )
    held = samples(task, 4096, VALIDATION + seed)
    training = train_network(start, X, y, n_steps=n_steps, batch_size=BATCH, learning_rate=RATE, rng=seed)
    return training.last, np.array([start.loss(*held), training.last.loss(*held)])


def count(
    made: tuple[DenseNetwork, NDArray[np.float64]], task: str, seed: int, snapshots: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Counts at the snapshots, first activations, and the losses passed through."""
    network, loss = made
    width = network.widths[0]
    counts = np.zeros((len(snapshots), width), dtype=np.int32)
    first = np.full(width, -1, dtype=np.int32)
    total, seen = np.zeros(width, dtype=np.int32), 0
    for fired in firing(network, task, seed, int(snapshots[-1])):
        new = (first < 0) & fired.any(axis=0)
        first[new] = seen + fired[:, new].argmax(axis=0)
        for place in np.flatnonzero((snapshots > seen) & (snapshots <= seen + len(fired))):
            counts[place] = total + fired[: snapshots[place] - seen].sum(axis=0, dtype=np.int32)
        total += fired.sum(axis=0, dtype=np.int32)
        seen += len(fired)
    return counts, first, loss


def firing(network: DenseNetwork, task: str, seed: int, n_samples: int) -> Iterator[NDArray[np.bool_]]:
    """Which units fire, a chunk of samples at a time, in single precision.

    A unit fires when its input is positive and among the k largest, as in :class:`DenseNetwork`.
    """
    W, b = network.weights[0].T.astype(np.float32), network.biases[0].astype(np.float32)
    X, _ = samples(task, n_samples, COUNTING + seed)
    for low in range(0, n_samples, CHUNK):
        value = X[low : low + CHUNK] @ W + b
        rank = value.shape[1] - int(network.k or 0)
        least = np.partition(value, rank, axis=1)[:, rank, None]
        yield (value >= least) & (value > 0)
