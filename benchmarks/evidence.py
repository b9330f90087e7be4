"""Counting activations against what it is added to: the bare sum over a batch, and a step of training."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from neuroscale.evidence import ActivationCounts, DenseNetwork, Monitor, digit_stream, train_network

from .harness import Row, interleaved

try:
    import torch
except ImportError:  # an extra of the package
    torch = None


@dataclass(frozen=True)
class Sizes:
    """How large each case is."""

    repeats: int = 9
    #: batches, samples a batch, units
    stream: tuple[int, int, int] = (100, 256, 4096)
    #: batch, hidden units of a perceptron of three layers
    perceptron: tuple[int, int] = (64, 1024)
    #: sequences, positions, width of a transformer of two blocks
    transformer: tuple[int, int, int] = (32, 64, 64)
    every: int = 10
    rounds: int = 100
    #: samples, hidden units, passes through the samples
    network: tuple[int, int, int] = (20_000, 512, 2)


def stream(sizes: Sizes) -> list[Row]:
    """Counts with first activations, snapshots and the variation of the active number against the counts alone."""
    n_batches, n, n_units = sizes.stream
    rng = np.random.default_rng(1)
    batch = rng.standard_normal((n, n_units), dtype=np.float32) - 1
    found: dict[str, Any] = {}

    def ours() -> None:
        counts = ActivationCounts(n_units)
        for _ in range(n_batches):
            counts.update(batch)
        found["ours"] = counts.counts

    def peer() -> None:
        counts = np.zeros(n_units, dtype=np.int64)
        for _ in range(n_batches):
            counts += (batch > 0).sum(axis=0)
        found["peer"] = counts

    seconds = interleaved({"ours": ours, "peer": peer}, sizes.repeats)
    same = np.array_equal(found["ours"], found["peer"])
    note = f"{n_batches} float32 batches of {n} x {n_units}; counts {'equal' if same else 'NOT equal'}"
    met = same and seconds["ours"] <= seconds["peer"]
    return [Row("streaming counts", seconds["ours"], "numpy, (x > 0).sum(0)", seconds["peer"], ">= 1", met, note)]


def perceptron(sizes: Sizes) -> tuple[Any, Any, Any]:
    n, width = sizes.perceptron
    model = torch.nn.Sequential(
        *(torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, width), torch.nn.ReLU()),
        torch.nn.Linear(width, 10),
    )
    return model, torch.randn(n, 64), torch.randint(0, 10, (n,))


def transformer(sizes: Sizes) -> tuple[Any, Any, Any]:
    n, length, width = sizes.transformer

    class Block(torch.nn.Module):  # type: ignore[misc,name-defined]
        """Pre-norm attention and a perceptron whose nonlinearity is a module."""

        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
            self.attention = torch.nn.MultiheadAttention(width, 4, batch_first=True)
            self.mlp = torch.nn.Sequential(
                torch.nn.Linear(width, 4 * width), torch.nn.ReLU(), torch.nn.Linear(4 * width, width)
            )

        def forward(self, x: Any) -> Any:
            h = self.norm1(x)
            x = x + self.attention(h, h, h, need_weights=False)[0]
            return x + self.mlp(self.norm2(x))

    model = torch.nn.Sequential(
        torch.nn.Embedding(97, width), Block(), Block(), torch.nn.Linear(width, 97), torch.nn.Flatten(0, 1)
    )
    tokens = torch.randint(0, 97, (n, length))
    return model, tokens, tokens.flatten()


def monitor(sizes: Sizes) -> list[Row]:
    """A step of training with the monitor against one without.

    The monitor acts in forward passes alone, and costs less than the time of a whole step varies.  So a step, and
    passes without it, with a counted call and with one that ``every`` skips take turns; the differences of their
    medians, over the median step, are the overhead.
    """
    if torch is None:
        print("monitor: not measured: PyTorch is not installed\n")
        return []
    torch.manual_seed(0)
    rows = []
    models: tuple[tuple[str, Callable[[Sizes], tuple[Any, Any, Any]]], ...] = (
        ("perceptron", perceptron),
        ("transformer", transformer),
    )
    for name, make in models:
        model, x, y = make(sizes)
        seconds = turns(model, x, y, sizes.rounds)
        bare = seconds["step"]
        counted, skipped = (seconds[key] - seconds["pass"] for key in ("counted", "skipped"))
        extra = (counted + (sizes.every - 1) * skipped) / sizes.every
        note = (
            f"batch of {tuple(x.shape)}, every={sizes.every}, processor time, {sizes.rounds} rounds; overhead "
            f"{extra / bare:+.2%}, of a counted step {counted / bare:+.2%}, of a skipped one {skipped / bare:+.2%}"
        )
        met = extra < 0.01 * bare
        rows.append(Row(f"monitor, {name}", bare + extra, "a step without", bare, "< 1 % more", met, note))
    return rows


def turns(model: Any, x: Any, y: Any, rounds: int) -> dict[str, float]:
    """Median processor seconds of a step, and of a pass without a monitor, counted, and skipped."""
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    monitors = {"counted": Monitor(model), "skipped": Monitor(model, every=2**60)}
    monitors["skipped"].n_calls = 1  # the first call would be counted

    def step() -> None:
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    works: dict[str, Callable[[], Any]] = {
        "step": step,
        "pass": lambda: model(x),
        "counted": lambda: (model(x), monitors["counted"].counts),  # reading is part of the price
        "skipped": lambda: model(x),
    }
    seconds: dict[str, list[float]] = {key: [] for key in works}
    for turn in range(rounds + 2):
        for key, work in works.items():
            # hooks are put on and taken off outside the clock
            with monitors.get(key, nullcontext()):
                start = time.process_time()
                work()
                taken = time.process_time() - start
            if turn > 1:
                seconds[key].append(taken)
    return {key: median(times) for key, times in seconds.items()}


def network(sizes: Sizes) -> list[Row]:
    """Training in single precision, Adam, batches of 128, against scikit-learn's perceptron."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    n, width, n_epochs = sizes.network
    X, y = digit_stream(n, seed=0)
    X = X.astype(np.float32)
    start = DenseNetwork.initialise((64, width, 10), rng=0)
    classifier = MLPClassifier((width,), batch_size=128, max_iter=n_epochs, random_state=0)
    found: dict[str, float] = {}

    def ours() -> None:
        found["ours"] = train_network(start, X, y, n_epochs=n_epochs, rng=0).last.loss(X, y)

    def peer() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(X, y)
        found["peer"] = float(-np.mean(np.log(classifier.predict_proba(X)[np.arange(n), y])))

    seconds = interleaved({"ours": ours, "peer": peer}, sizes.repeats)
    losses = f"{found['ours']:.3f} against {found['peer']:.3f} nats from a different random start"
    note = f"{n_epochs} passes through {n} digits, {width} units; {losses}"
    # the starts have different scales, so the losses agree roughly only
    met = seconds["ours"] <= seconds["peer"] and found["ours"] < 1.5 * found["peer"]
    return [Row("training a network", seconds["ours"], "MLPClassifier", seconds["peer"], ">= 1", met, note)]


CASES = (stream, monitor, network)
