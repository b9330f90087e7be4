"""Counts of four architectures while they train and after they are frozen, by the monitor and by a direct count.

An MLP and a CNN on augmented digits, a two-block transformer on characters of Python's standard library, and a top-k
sparse autoencoder on the transformer's residual stream after its first block; Adam, a fixed number of batches of fresh
samples.  Frozen counts are of fresh samples of the training law.  Each is counted by hooks (Monitor) and, in the same
pass, from the activations that the forward pass returns.  The text depends on the version of Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from experiments._torch_models import CNN, MLP, SparseAutoencoder, TopK, Transformer
from neuroscale.evidence import ActivationCounts, Monitor, character_contexts, digit_stream
from neuroscale.evidence.datasets import CHARACTERS

SEEDS = (0, 1, 2, 3, 4)
ARGUMENTS = {"n_steps": 250, "n_images": 8192, "n_sequences": 2048, "length": 32}
PACKAGES = ("numpy", "scikit-learn", "torch")
RATE, IMAGES, SEQUENCES, VECTORS = 2e-3, 128, 32, 256
#: Samples that the monitor's window keeps at the end of training.
WINDOW = 2048
#: Seeds of the data: training, validation, counting; the seed of the model is added.
TRAINING, VALIDATION, COUNTING = 1000, 2000, 3000

Arrays = dict[str, NDArray[np.generic]]
Batch = tuple[Tensor, Tensor]
Step = Callable[[Tensor, Tensor], None] | None
Look = Callable[[str, Tensor], None] | None


def run(seeds: Sequence[int], *, n_steps: int, n_images: int, n_sequences: int, length: int) -> Arrays:
    """Train, freeze and count the four models for each seed.

    Returns
    -------
    dict
        ``<model>.loss`` (seeds, 2), before and after training, on validation data; in nats, and for the autoencoder the
        unexplained share of the variance.  ``<model>.<layer>.<phase>.<sample>.<what>`` with phase ``training`` or
        ``frozen``; sample ``sample`` (an image, or a vector alone), ``token`` (of a convolution every position is one),
        ``sequence`` (active where active at any position; of a convolution an image), ``one`` (one random position a
        sequence) or ``site`` (every channel at every position is a unit, every image a sample); and what ``counts``
        (seeds, units), ``direct`` (the same by the direct count), ``first`` (index from 0 of the first active sample,
        or -1), ``recent`` (counts over the last 2,048 samples of the training), ``squares`` (sum over sequences of the
        squared number of active positions) or ``n`` (samples).
    """
    torch.set_num_threads(1)
    parts = []
    for seed in seeds:
        torch.manual_seed(seed)
        found: Arrays = {}
        for name, model in (("mlp", MLP()), ("cnn", CNN())):
            train(found, name, model, digits(n_steps, TRAINING + seed), held=next(digits(8, VALIDATION + seed, 8)))
            frozen(found, name, model, digits(n_images // IMAGES, COUNTING + seed))
        model = Transformer(len(CHARACTERS), length)
        held = next(text(1, VALIDATION + seed, length, batch=256, part="validation"))
        train(found, "transformer", model, text(n_steps, TRAINING + seed, length), held=held)
        frozen(found, "transformer", model, text(n_sequences // SEQUENCES, COUNTING + seed, length), seed=seed)
        vectors = Vectors(model, next(text(1, VALIDATION + seed, length, batch=512)))
        sparse = SparseAutoencoder()
        train(found, "autoencoder", sparse, vectors.shuffled(n_steps, seed), held=vectors.held(held))
        sequences = text(n_sequences // SEQUENCES, COUNTING + seed, length)
        frozen(found, "autoencoder", sparse, vectors.of(sequences), seed=seed)
        parts.append(found)
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


# -- data ---------------------------------------------------------------------------------------------------------


def digits(n_batches: int, seed: int, join: int = 1) -> Iterator[Batch]:
    """Batches of images; `join` puts so many into one."""
    X, y = digit_stream(IMAGES * n_batches, seed=seed)
    size = IMAGES * join
    for low in range(0, len(y), size):
        yield torch.from_numpy(X[low : low + size]).float(), torch.from_numpy(y[low : low + size])


def text(n_batches: int, seed: int, length: int, batch: int = SEQUENCES, part: str = "train") -> Iterator[Batch]:
    """Batches of sequences, and the sequences one character later."""
    contexts, _ = character_contexts(n_batches * batch, length=length + 1, seed=seed, part=part, one_hot=False)
    for rows in torch.from_numpy(contexts.astype(np.int64)).split(batch):
        yield rows[:, :-1], rows[:, 1:]


class Vectors:
    """The residual stream, centred, its mean square length that of a standard Gaussian vector."""

    def __init__(self, model: Transformer, batch: Batch) -> None:
        self.model = model
        with torch.no_grad():
            stream = model.stream(batch[0])[0]
        self.mean = stream.mean(dim=(0, 1))
        self.scale = (stream - self.mean).square().mean().sqrt()
        self.pool = ((stream - self.mean) / self.scale).reshape(-1, stream.shape[-1])

    def held(self, batch: Batch) -> Batch:
        """Vectors of other sequences; input and target are the same."""
        with torch.no_grad():
            vectors = (self.model.stream(batch[0])[0] - self.mean) / self.scale
        return vectors, vectors

    def of(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Vectors of batches of sequences, (n, length, width)."""
        return (self.held(batch) for batch in batches)

    def shuffled(self, n_batches: int, seed: int) -> Iterator[Batch]:
        """Batches of single vectors, drawn from the pool."""
        chosen = torch.randint(len(self.pool), (n_batches, VECTORS), generator=torch.Generator().manual_seed(seed))
        return ((self.pool[rows], self.pool[rows]) for rows in chosen)


# -- passes -------------------------------------------------------------------------------------------------------


def loss_of(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy in nats, or the unexplained share of the variance."""
    if target.dtype == torch.float32:
        return (output - target).square().mean() / target.square().mean()
    return F.cross_entropy(output.reshape(-1, output.shape[-1]), target.reshape(-1))


def train(found: Arrays, name: str, model: nn.Module, batches: Iterable[Batch], *, held: Batch) -> None:
    """Train with Adam, counting every batch."""
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)

    def step(output: Tensor, target: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss_of(output, target).backward()
        optimiser.step()

    def held_loss() -> float:
        with torch.no_grad():
            return float(loss_of(model(held[0])[0], held[1]))

    before = held_loss()
    counted(found, f"{name}.%s.training", model, batches, step)
    found[f"{name}.loss"] = np.array([before, held_loss()])


def frozen(found: Arrays, name: str, model: nn.Module, batches: Iterable[Batch], seed: int = 0) -> None:
    """Count without training, also one random position a sequence, and every site of a convolution."""
    model.eval()
    extra: dict[str, ActivationCounts] = {}
    places = np.random.default_rng(seed)

    def look(layer: str, hidden: Tensor) -> None:
        active = (hidden > 0).numpy()
        if active.ndim == 3:
            chosen = places.integers(active.shape[1], size=len(active))
            rows, label = active[np.arange(len(active)), chosen], f"{layer}.one"
        elif active.ndim == 4:
            rows, label = active.reshape(len(active), -1), f"{layer}.site"
        else:
            return
        if label not in extra:
            extra[label] = ActivationCounts(rows.shape[1], snapshots=None)
        extra[label].update(rows)

    with torch.no_grad():
        counted(found, f"{name}.%s.frozen", model, batches, look=look)
    for label, counts in extra.items():
        layer, sample = label.split(".")
        keep(found, f"{name}.{layer}.frozen.{sample}", counts)


def counted(
    found: Arrays, label: str, model: nn.Module, batches: Iterable[Batch], step: Step = None, look: Look = None
) -> None:
    """Pass batches through a model under two monitors, and count the activations that it returns directly."""
    how = {"types": (nn.ReLU, TopK), "unit": "channel" if isinstance(model, CNN) else "last", "snapshots": None}
    direct: dict[tuple[str, str], Tensor] = {}
    kinds: dict[str, bool] = {}
    single = Monitor(model, sample="token", window=WINDOW, **how)
    joined = Monitor(model, sample="sequence", window=WINDOW, **how)
    with single, joined:
        for X, target in batches:
            output, layers = model(X)
            # modules are named as they are called, block by block
            for layer, hidden in zip(single.counts, layers, strict=True):
                active = hidden.detach() > 0
                last = active.movedim(1, -1) if active.ndim == 4 else active
                kinds[layer] = last.ndim > 2
                each = last.reshape(len(last), -1, last.shape[-1])
                add(direct, (layer, "token"), each.sum(dim=(0, 1)))
                add(direct, (layer, "sequence"), each.any(dim=1).sum(dim=0))
                add(direct, (layer, "squares"), each.sum(dim=1).square().sum(dim=0))
                if look is not None:
                    look(layer.split(".")[0], hidden)
            if step is not None:
                step(output, target)
    for layer, has_positions in kinds.items():
        for sample, monitor in (("token", single), ("sequence", joined))[: 2 if has_positions else 1]:
            place = label % layer.split(".")[0] + "." + (sample if has_positions else "sample")
            counts = monitor.counts[layer]
            keep(found, place, counts)
            found[f"{place}.direct"] = direct[layer, sample].numpy().astype(np.int32)
            if place.endswith("token"):
                found[f"{place}.squares"] = direct[layer, "squares"].numpy().astype(np.int32)
            if step is not None:
                found[f"{place}.recent"] = counts.window_counts()[0].astype(np.int32)


def add(totals: dict[tuple[str, str], Tensor], key: tuple[str, str], fresh: Tensor) -> None:
    """Add to a total, which may not be there yet."""
    totals[key] = totals[key] + fresh if key in totals else fresh


def keep(found: Arrays, place: str, counts: ActivationCounts) -> None:
    """What is recorded of counts."""
    found[f"{place}.counts"] = counts.counts.astype(np.int32)
    found[f"{place}.first"] = counts.first_fire.astype(np.int32)
    found[f"{place}.n"] = np.int64(counts.n_samples)
