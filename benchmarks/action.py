"""The action against its peers: training, power series."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import mpmath as mp
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from neuroscale.action import Dataset, Network, Split, action_series, load_digits, train

from .harness import Row, interleaved


@dataclass(frozen=True)
class Sizes:
    """How large each case is."""

    repeats: int = 5
    #: samples, classes, hidden neurons, inputs
    jets: tuple[int, int, int, int] = (2, 2, 3, 2)
    order: int = 60
    #: networks, hidden neurons, epochs
    training: tuple[int, int, int] = (30, 64, 20)


def mpmath_taylor(network: Network, data: Dataset, order: int) -> list[Any]:
    """Coefficients of the action along ``t theta`` by ``mpmath.taylor``, from its definition."""
    U, W, b = (mp.matrix(part) for part in (network.U, network.W, network.b[:, None]))
    samples = [mp.matrix(z[:, None]) for z in data.inputs]

    def action(t: Any) -> Any:
        total = mp.mpf(0)
        for z, label in zip(samples, data.labels, strict=True):
            f = t * U * (t * (W * z + b)).apply(lambda x: x / (1 + mp.exp(-x)))
            total += mp.log(mp.fsum(mp.exp(x) for x in f)) - f[int(label)]
        return total / data.n_samples

    return list(mp.taylor(action, 0, order))


def jets(sizes: Sizes) -> list[Row]:
    """Power series of the action: the recurrences, in floats and to 50 digits, against numerical differentiation."""
    n, M, H, E = sizes.jets
    rng = np.random.default_rng(1)
    data = Dataset(rng.normal(size=(n, E)), np.arange(n) % M, M)
    network = Network.initialise(M, H, E, scale=2.0, rng=rng)
    results: dict[str, Any] = {}

    def keep(name: str, value: Any) -> None:
        results[name] = value

    seconds = interleaved(
        {
            "float": lambda: keep("float", action_series(network, data, sizes.order)),
            "digits": lambda: keep("digits", action_series(network, data, sizes.order, digits=50)),
        },
        sizes.repeats,
    )
    # seconds a call: once, and there is nothing to warm
    start = perf_counter()
    with mp.workdps(50):
        keep("mpmath", mpmath_taylor(network, data, sizes.order))
    seconds["mpmath"] = perf_counter() - start
    wanted = np.array(results["mpmath"], dtype=float)
    # compared with the envelope of its neighbours: single coefficients pass through zero
    envelope = np.array([np.abs(wanted[max(k - 4, 0) : k + 5]).max() for k in range(sizes.order + 1)])
    off = {name: float(np.max(np.abs(results[name].astype(float) - wanted) / envelope)) for name in ("float", "digits")}
    size = f"order {sizes.order}, n={n}, M={M}, H={H}, E={E}; largest error over the envelope"
    rows = []
    for name, factor in (("float", 1000), ("digits", 3)):
        met = seconds["mpmath"] >= factor * seconds[name] and off[name] < 1e-10
        note = f"{size} {off[name]:.1e}"
        peer_name = "mpmath.taylor, 50 digits"
        rows.append(Row(f"jets, {name}", seconds[name], peer_name, seconds["mpmath"], f">= {factor}", met, note))
    return rows


BATCH, RATE = 100, 0.005


def scikit_learn(split: Split, n_networks: int, n_hidden: int, n_epochs: int) -> list[float]:
    """Test actions of tanh networks trained by scikit-learn, with Adam and its own initialisation."""
    losses = []
    for seed in range(n_networks):
        model = MLPClassifier(
            (n_hidden,),
            activation="tanh",
            alpha=0.0,
            batch_size=BATCH,
            learning_rate_init=RATE,
            max_iter=n_epochs,
            n_iter_no_change=n_epochs,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is told to stop after these epochs
            model.fit(split.train.inputs, split.train.labels)
        q = model.predict_proba(split.test.inputs)
        losses.append(-float(np.log(q[np.arange(split.test.n_samples), split.test.labels]).mean()))
    return losses


def training(sizes: Sizes) -> list[Row]:
    """Many networks at once against scikit-learn's classifier, one after the other: same width, batches and epochs."""
    n_networks, n_hidden, n_epochs = sizes.training
    split = load_digits()
    per_epoch = split.train.n_samples // BATCH
    found: dict[str, list[float]] = {}

    def ours() -> None:
        starts = [
            Network.initialise(10, n_hidden, 64, output_bias=True, activation="tanh", rng=seed)
            for seed in range(n_networks)
        ]
        results = train(
            starts,
            split,
            learning_rate=RATE,
            n_steps=n_epochs * per_epoch,
            batch_size=BATCH,
            patience=n_epochs,
            every=per_epoch,
            rng=1,
        )
        found["ours"] = [result.last.action(split.test) for result in results]

    def peer() -> None:
        found["peer"] = scikit_learn(split, n_networks, n_hidden, n_epochs)

    seconds = interleaved({"ours": ours, "peer": peer}, sizes.repeats)
    means = {name: float(np.mean(losses)) for name, losses in found.items()}
    same = abs(means["ours"] / means["peer"] - 1) < 0.25
    note = (
        f"{n_networks} tanh networks, H={n_hidden}, {n_epochs} epochs of {split.train.n_samples} digits; ours also "
        f"evaluates a validation part. Mean test action {means['ours']:.3f}, scikit-learn {means['peer']:.3f}"
    )
    met = same and seconds["ours"] < 60
    return [Row("training", seconds["ours"], "scikit-learn, MLPClassifier", seconds["peer"], "< 60 s", met, note)]


CASES = (training, jets)
