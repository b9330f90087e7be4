r"""Training with early stopping, of many networks of equal shape at once.

A step is :math:`\theta\to\theta+\eta v`, with a **direction** :math:`v` from gradients :math:`g` of the action:

``gd``
    :math:`v=-g`;
``momentum``
    :math:`v\to\mu v-g` (heavy ball);
``adam``
    :math:`v=-\hat m/(\sqrt{\hat s}+\epsilon)`, with the bias-corrected running means of :math:`g` and :math:`g^2`.

Training keeps the network at the minimum of the validation action, as Section 3 of the note has it (claims
``ac-empirical-actions``, ``ac-optimisers``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroscale import _validation as valid
from neuroscale.randomness import streams

from . import _training_kernels as kernels
from ._stack import Stack
from .data import Dataset, Split
from .network import Network

__all__ = ["Descent", "TrainingResult", "train"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Optimiser = Literal["gd", "momentum", "adam"]
_OPTIMISERS = ("gd", "momentum", "adam")
#: Adam's usual constants: decay of both running means, and the number that keeps it from dividing by 0.
_DECAY_MEAN, _DECAY_SQUARE, _EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class TrainingResult:
    """What training one network gave.

    Attributes
    ----------
    network : Network
        At the smallest validation action seen.
    step : int
        Its step, counted from 0.
    steps : ndarray of int64, shape (K,)
        Steps at which both actions were evaluated.
    validation : ndarray of float, shape (K,)
        Action of the validation part at `steps`.
    training : ndarray of float, shape (K,)
        Action of the batches of the steps since the last evaluation, averaged; of the training part at step 0.
    last : Network
        Where training ended.
    """

    network: Network
    step: int
    steps: Integers
    validation: Floats
    training: Floats
    last: Network


class Descent:
    r"""Steps of an optimiser, for networks of equal shape, each on its own data.

    Parameters
    ----------
    networks : sequence of Network
        Starting points, at least one, of equal shapes and activations.
    data : Dataset or sequence of Dataset
        One for all networks, or one for each, of equal numbers of samples.
    optimiser : {"gd", "momentum", "adam"}
        See the module's opening.
    learning_rate : float
        :math:`\eta>0`.
    batch_size : int, optional
        Samples a step, drawn without replacement epoch by epoch, each network in its own order; None takes all of them.
    momentum : float
        :math:`\mu` in [0, 1), for ``momentum`` only.
    rng : numpy.random.Generator or int
        Orders the samples; unused without `batch_size`.

    Raises
    ------
    ValueError
        For arguments outside their range, and for networks or data of unequal shapes.

    Notes
    -----
    A network's path does not depend on the others.  A step takes O(R n H (E + M)) time for R networks.

    Examples
    --------
    >>> from neuroscale.action import Descent, Network, load_digits
    >>> split = load_digits()
    >>> descent = Descent([Network.initialise(10, 8, 64, rng=0)], split.train, learning_rate=0.5, rng=0)
    >>> before = descent.losses()
    >>> for _ in range(10):
    ...     descent.advance()
    >>> bool(descent.losses() < before), descent.step
    (True, 10)
    """

    def __init__(
        self,
        networks: Sequence[Network],
        data: Dataset | Sequence[Dataset],
        *,
        optimiser: Optimiser = "gd",
        learning_rate: float,
        batch_size: int | None = None,
        momentum: float = 0.9,
        rng: np.random.Generator | int = 0,
    ) -> None:
        self._optimiser = valid.choice("optimiser", optimiser, _OPTIMISERS)
        self._rate = valid.real("learning_rate", learning_rate, low=0, open_low=True)
        self._momentum = valid.real("momentum", momentum, low=0, high=1, open_high=True)
        self._inputs, self._labels = _stacked(networks, data)
        n_samples = self._labels.shape[1]
        self._batch = n_samples
        if batch_size is not None:
            self._batch = valid.integer("batch_size", batch_size, low=1, high=n_samples)
        self._stack = Stack(networks)
        self._gradient = np.empty_like(self._stack.theta)
        self._direction = np.zeros_like(self._stack.theta)
        self._mean, self._square = np.zeros_like(self._direction), np.zeros_like(self._direction)
        self._streams = streams(rng, len(networks)) if self._batch < n_samples else []
        self._order: Integers = np.empty((len(networks), 0), dtype=np.int64)
        self._seen = np.zeros(len(networks))
        self.step = 0

    def advance(self) -> None:
        """Make one step."""
        self._seen += self._stack.losses(*self._next_batch(), self._gradient)
        self.step += 1
        if self._optimiser == "gd":
            np.negative(self._gradient, out=self._direction)
        elif self._optimiser == "momentum":
            self._direction *= self._momentum
            self._direction -= self._gradient
        else:
            kernels.adam(
                self._gradient.ravel(),
                self._mean.ravel(),
                self._square.ravel(),
                _DECAY_MEAN,
                _DECAY_SQUARE,
                1 - _DECAY_MEAN**self.step,
                1 - _DECAY_SQUARE**self.step,
                _EPSILON,
                self._direction.ravel(),
            )
        self._stack.theta += self._rate * self._direction

    def networks(self) -> list[Network]:
        """The networks as they are now; raises ``ValueError`` when the steps were so long that they overflowed."""
        return self._stack.networks(self._finite())

    def directions(self) -> list[Network]:
        """Directions :math:`v` of the last step; zero before the first."""
        return self._stack.networks(self._direction)

    def losses(self, data: Dataset | Sequence[Dataset] | None = None) -> Floats:
        """Action of each network, shape (R,), on its training data or on other data.

        Parameters
        ----------
        data : Dataset or sequence of Dataset, optional
            One for all networks, or one for each.
        """
        if data is None:
            return self._stack.losses(self._inputs, self._labels)
        return self._stack.losses(*_stacked(self.networks(), data))

    def keep(self, rows: Integers) -> None:
        """Go on with some of the networks only.

        Parameters
        ----------
        rows : ndarray of int
            Their places among the present ones.
        """
        rows = valid.integers("rows", rows, low=0, high=len(self._labels) - 1)
        for name in ("_inputs", "_labels", "_order", "_seen", "_direction", "_mean", "_square"):
            setattr(self, name, getattr(self, name)[rows])
        self._stack.theta = self._stack.theta[rows]
        self._gradient = np.empty_like(self._direction)
        self._streams = [self._streams[row] for row in rows] if self._streams else []

    def _finite(self) -> Floats:
        if not np.isfinite(self._stack.theta).all():
            raise ValueError(f"learning_rate={self._rate!r} is too large: parameters overflowed by step {self.step}")
        return self._stack.theta

    def _next_batch(self) -> tuple[Floats, Integers]:
        if not self._streams:
            return self._inputs, self._labels
        n_samples = self._labels.shape[1]
        if self._order.shape[1] < self._batch:
            # the last samples of an epoch that do not fill a batch are left out
            self._order = np.stack([stream.permutation(n_samples) for stream in self._streams])
        chosen, self._order = self._order[:, : self._batch], self._order[:, self._batch :]
        rows = np.arange(len(chosen))[:, None]
        return self._inputs[rows, chosen], self._labels[rows, chosen]


def train(
    networks: Sequence[Network],
    split: Split | Sequence[Split],
    *,
    optimiser: Optimiser = "adam",
    learning_rate: float = 0.01,
    n_steps: int = 2000,
    batch_size: int | None = 100,
    patience: int = 20,
    every: int = 10,
    momentum: float = 0.9,
    rng: np.random.Generator | int,
) -> list[TrainingResult]:
    """Train networks of equal shape until the validation action has stopped to fall.

    Parameters
    ----------
    networks : sequence of Network
        Starting points, at least one, of equal shapes and activations.
    split : Split or sequence of Split
        One for all networks, or one for each, with parts of equal sizes.
    optimiser, learning_rate, batch_size, momentum, rng
        As for :class:`Descent`.
    n_steps : int
        Largest number of steps, at least 0.
    patience : int
        Evaluations without a new minimum after which a network stops, at least 1.
    every : int
        Steps between two evaluations of both actions, at least 1.

    Returns
    -------
    list of TrainingResult
        In the order of `networks`.

    Raises
    ------
    ValueError
        For arguments outside their range, and for networks or data of unequal shapes.

    Notes
    -----
    O(R n_steps batch_size H (E + M)) time for R networks; the defaults train 30 networks of 64 hidden neurons on the
    digits in some seconds.

    Examples
    --------
    >>> from neuroscale.action import Network, load_digits, train
    >>> split = load_digits(inputs="pca", n_components=8)
    >>> start = [Network.initialise(10, 16, 8, rng=seed) for seed in range(2)]
    >>> results = train(start, split, n_steps=300, rng=0)
    >>> all(result.network.action(split.test) < 1 for result in results)
    True
    """
    n_steps = valid.integer("n_steps", n_steps, low=0)
    patience, every = valid.integer("patience", patience, low=1), valid.integer("every", every, low=1)
    splits = [split] * len(networks) if isinstance(split, Split) else list(split)
    descent = Descent(
        networks,
        [s.train for s in splits],
        optimiser=optimiser,
        learning_rate=learning_rate,
        batch_size=batch_size,
        momentum=momentum,
        rng=rng,
    )
    held = _stacked(networks, [s.validation for s in splits])
    running = np.arange(len(networks))
    curves: list[list[tuple[int, float, float]]] = [[] for _ in networks]
    best, last = descent._stack.theta.copy(), descent._stack.theta.copy()
    best_step = np.zeros(len(networks), dtype=np.int64)
    lowest = np.full(len(networks), np.inf)
    seen = descent.losses()
    while True:
        theta = descent._finite()
        validation = descent._stack.losses(*held)
        for i, *point in zip(running.tolist(), validation.tolist(), seen.tolist(), strict=True):
            curves[i].append((descent.step, point[0], point[1]))
        last[running] = theta
        lower = validation < lowest[running]
        better = running[lower]
        lowest[better], best[better], best_step[better] = validation[lower], theta[lower], descent.step
        waiting = descent.step - best_step[running] < patience * every
        n_more = min(every, n_steps - descent.step)
        if n_more == 0 or not waiting.any():
            break
        if not waiting.all():
            rows = np.flatnonzero(waiting)
            descent.keep(rows)
            held, running = (held[0][rows], held[1][rows]), running[rows]
        descent._seen[:] = 0.0
        for _ in range(n_more):
            descent.advance()
        seen = descent._seen / n_more
    results = []
    ends = zip(descent._stack.networks(best), best_step.tolist(), curves, descent._stack.networks(last), strict=True)
    for network, step, curve, end in ends:
        steps, validation, training = (np.array(column) for column in zip(*curve, strict=True))
        results.append(TrainingResult(network, step, steps, validation, training, end))
    return results


def _stacked(networks: Sequence[Network], data: Dataset | Sequence[Dataset]) -> tuple[Floats, Integers]:
    """Inputs (R, n, E) and labels (R, n); one data set for all networks is not copied."""
    if not networks:
        raise ValueError("networks=[] must hold at least one network")
    kinds = {(*(part.shape for part in net.parameters()), net.activation) for net in networks}
    if len(kinds) != 1:
        raise ValueError(f"networks have the shapes and activations {sorted(map(str, kinds))}; they must be equal")
    sets = [data] * len(networks) if isinstance(data, Dataset) else list(data)
    if len(sets) != len(networks):
        raise ValueError(f"data holds {len(sets)} sets for {len(networks)} networks; give one, or one for each")
    sizes = {(part.n_samples, part.n_inputs, part.n_classes) for part in sets}
    wanted = (networks[0].n_inputs, networks[0].n_classes)
    if len(sizes) != 1 or next(iter(sizes))[1:] != wanted:
        raise ValueError(
            f"data have the sizes (n, E, M) {sorted(sizes)}; they must be equal, with (E, M) = {wanted} as the networks"
        )
    first = sets[0]
    if all(part is first for part in sets):
        shape = (len(sets), *first.inputs.shape)
        return np.broadcast_to(first.inputs, shape), np.broadcast_to(first.labels, shape[:2])
    return np.stack([part.inputs for part in sets]), np.stack([part.labels for part in sets])
