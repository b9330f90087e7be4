r"""The activation process itself: literal, event by event, and exact samplers.

Eq. (2) of [ZS24] gives the probability that a neuron with :math:`D_i` activations among :math:`D` samples is active
on the next, but not how neurons fire together.  Two readings are offered:

``"independent"``
    each neuron tosses its own coin, :math:`(D_i+b)/(D+a)`, so a sample activates about :math:`c` neurons;
``"fixed_active"``
    each sample activates exactly :math:`c` neurons, neuron :math:`i` with that same probability (:math:`c=1` is the
    Polya-Eggenberger urn).

Literal and event-driven simulations use eq. (2) and nothing else.  The samplers below them draw from the exact laws, at
a cost that does not depend on the number of samples, nor (growth, histogram) on the number of neurons.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroscale import _validation as valid
from neuroscale.numerics import log_gamma_quotient
from neuroscale.randomness import generator, streams

from . import _kernels
from .law import ActivationLaw

__all__ = [
    "ActivationPath",
    "sample_counts",
    "sample_growth",
    "sample_histogram",
    "simulate",
    "simulate_events",
]

Integers = NDArray[np.int64]
Rng = np.random.Generator | int
#: Neurons that share one random stream: fixed, so that results do not depend on the number of threads.
_BLOCK = 4096
#: Trials whose random words are held in memory at a time.
_BATCH = 2**17
#: Below this success probability a binomial is drawn as Poisson: numpy forms 1 - p, which would lose more digits.
_RARE = 1e-8


@dataclass(frozen=True)
class ActivationPath:
    """What a simulation saw.

    Attributes
    ----------
    n_samples : int
        Number of samples :math:`D`.
    counts : ndarray of int64, shape (n_neurons,)
        Activations :math:`D_i` of each neuron.
    first : ndarray of int64, shape (n_neurons,)
        Sample, counted from 1, that first activated the neuron; ``n_samples + 1`` if none did.
    """

    n_samples: int
    counts: Integers
    first: Integers

    @cached_property
    def _sorted_first(self) -> Integers:
        return np.sort(self.first)

    def working_neurons(self, D: ArrayLike) -> Integers:
        """Number of neurons that worked after `D` samples, :math:`K(D)`.

        Parameters
        ----------
        D : array_like of int
            Samples in ``[0, n_samples]``.

        Examples
        --------
        >>> from neuroscale.activation import ActivationLaw, simulate
        >>> path = simulate(ActivationLaw(100, 5, 1.0), 50, rng=0)
        >>> bool(path.working_neurons(50) == (path.counts > 0).sum())
        True
        """
        samples = valid.integers("D", D, low=0, high=self.n_samples)
        return np.searchsorted(self._sorted_first, samples, side="right").astype(np.int64)


def simulate(
    law: ActivationLaw,
    D: int,
    rule: Literal["independent", "fixed_active"] = "independent",
    *,
    rng: Rng,
    n_threads: int = 1,
) -> ActivationPath:
    """Simulate the process literally: one Bernoulli trial for each neuron and sample.

    Parameters
    ----------
    law : ActivationLaw
        Parameters of the layer.
    D : int
        Number of samples, at least 0.
    rule : {"independent", "fixed_active"}
        How neurons fire together; see the module's opening.
    rng : numpy.random.Generator or int
        Source of randomness.
    n_threads : int
        Threads for ``"independent"``; the result does not depend on it.

    Returns
    -------
    ActivationPath

    Raises
    ------
    ValueError
        For arguments outside their range, and for ``"fixed_active"`` with a non-integer ``law.n_active``.

    Notes
    -----
    Implements eq. (2) of [ZS24]; derived in ``chapters/activation/hypothesis.md``.  O(N D) time and O(N) memory; the
    exact inclusion probabilities of ``"fixed_active"`` come from systematic sampling in random order.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, simulate
    >>> path = simulate(ActivationLaw(100, 5, 1.0), 40, rule="fixed_active", rng=0)
    >>> int(path.counts.sum())
    200
    """
    valid.choice("rule", rule, ("independent", "fixed_active"))
    D = valid.integer("D", D, low=0, high=2**53)
    if rule == "independent":
        return _in_blocks(law, D, _literal_block, rng, n_threads)
    if law.n_active != int(law.n_active):
        raise ValueError(f"law.n_active={law.n_active!r} must be an integer for rule='fixed_active'")
    path = _blank(law, D)
    order = np.arange(law.n_neurons)
    _kernels.fixed_active(generator(rng), D, int(law.n_active), law.b, order, path.counts, path.first)
    return path


def simulate_events(law: ActivationLaw, D: int, *, rng: Rng, n_threads: int = 1) -> ActivationPath:
    """Simulate independent neurons exactly, from one activation to the next.

    Parameters
    ----------
    law, D, rng, n_threads
        As for :func:`simulate`.

    Returns
    -------
    ActivationPath
        With the same law as ``simulate(law, D, rule="independent")``.

    Notes
    -----
    Waiting times come from thinning the rule of eq. (2): no closed form is used.  O(N + c D) time on average.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, simulate_events
    >>> path = simulate_events(ActivationLaw(1000, 1, 0.5), 10**4, rng=0)
    >>> path.counts.shape
    (1000,)
    """
    D = valid.integer("D", D, low=0, high=2**53)
    return _in_blocks(law, D, _event_block, rng, n_threads)


def sample_counts(law: ActivationLaw, D: int, *, rng: Rng) -> Integers:
    """Draw the counts of all neurons from their exact law.

    Parameters
    ----------
    law, D, rng
        As for :func:`simulate`.

    Returns
    -------
    ndarray of int64, shape (n_neurons,)

    Notes
    -----
    A Beta probability, then a binomial count (theorem T1), both by numpy.  O(N) time and memory for any `D`.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, sample_counts
    >>> sample_counts(ActivationLaw(5, 5, 1.0), 7, rng=0).tolist()
    [7, 7, 7, 7, 7]
    """
    D = valid.integer("D", D, low=0, high=2**53)
    draw = generator(rng)
    if law.silent_weight == 0.0:
        return np.full(law.n_neurons, D, dtype=np.int64)
    probability = draw.beta(law.b, law.silent_weight, law.n_neurons)
    return draw.binomial(D, probability).astype(np.int64)


def sample_growth(law: ActivationLaw, D_grid: ArrayLike, *, rng: Rng) -> Integers:
    r"""Draw one growth path :math:`K(D)` of independent neurons at the given numbers of samples.

    Parameters
    ----------
    law : ActivationLaw
        Parameters of the layer.
    D_grid : array_like of int
        Numbers of samples, at least 0, in any order.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    ndarray of int64
        Same shape as `D_grid`.

    Notes
    -----
    Between two grid points each free neuron starts to work with one common probability, so the increments are
    binomial.  O(1) per grid point, whatever `n_neurons`; increments with probability below 1e-8 are drawn as Poisson,
    which changes their law by less than 1e-8 in total variation.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, sample_growth
    >>> path = sample_growth(ActivationLaw(10**11, 10**5, 0.5), [0, 10**6, 10**13], rng=0)
    >>> bool(path[0] == 0 and path[1] < path[2] <= 10**11)
    True
    """
    draw = generator(rng)
    grid = valid.integers("D_grid", D_grid, low=0, high=2**53)
    samples, inverse = np.unique(grid, return_inverse=True)
    steps = np.diff(samples, prepend=0)
    started = -np.expm1(log_gamma_quotient(law.silent_weight + (samples - steps), law.b, steps))
    path = np.empty(samples.size, dtype=np.int64)
    working = 0
    for i, probability in enumerate(started.tolist()):
        working += _binomial(draw, law.n_neurons - working, probability)
        path[i] = working
    return path[inverse].reshape(grid.shape)


def sample_histogram(law: ActivationLaw, D: int, edges: ArrayLike, *, rng: Rng) -> Integers:
    """Draw the histogram of the counts of independent neurons on the given bins.

    Parameters
    ----------
    law, D, rng
        As for :func:`simulate`.
    edges : array_like of int
        Strictly increasing; bin ``i`` holds the counts in ``[edges[i], edges[i + 1])``.

    Returns
    -------
    ndarray of int64
        Number of neurons in each bin; neurons outside all bins are dropped.

    Notes
    -----
    One multinomial draw with :meth:`ActivationLaw.bin_probabilities`: O(1) per bin, whatever `n_neurons` and `D`.

    Examples
    --------
    >>> from neuroscale.activation import ActivationLaw, sample_histogram
    >>> law = ActivationLaw(10**11, 10**5, 0.5)
    >>> int(sample_histogram(law, 10**13, [0, 1, 10**6, 10**13 + 1], rng=0).sum())
    100000000000
    """
    inside = law.bin_probabilities(D, edges)
    outside = max(0.0, 1.0 - float(inside.sum()))
    probabilities = np.append(inside, outside)
    drawn = generator(rng).multinomial(law.n_neurons, probabilities / probabilities.sum())
    return drawn[:-1].astype(np.int64)


# -- private ------------------------------------------------------------------------------------------------------

Block = Callable[[ActivationLaw, int, np.random.Generator, Integers, Integers], None]


def _blank(law: ActivationLaw, D: int) -> ActivationPath:
    counts = np.zeros(law.n_neurons, dtype=np.int64)
    return ActivationPath(D, counts, np.full(law.n_neurons, D + 1, dtype=np.int64))


def _in_blocks(law: ActivationLaw, D: int, run: Block, rng: Rng, n_threads: int) -> ActivationPath:
    """Run neurons in blocks of fixed size, each with its own stream, on any number of threads."""
    n_threads = valid.integer("n_threads", n_threads, low=1, high=1024)
    path = _blank(law, D)
    starts = range(0, law.n_neurons, _BLOCK)

    def block(start: int, stream: np.random.Generator) -> None:
        part = slice(start, start + _BLOCK)
        run(law, D, stream, path.counts[part], path.first[part])

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(block, starts, streams(rng, len(starts))))
    return path


def _literal_block(law: ActivationLaw, D: int, rng: np.random.Generator, counts: Integers, first: Integers) -> None:
    width = max(1, min(D, _BATCH))
    rows = max(1, _BATCH // width)
    for top in range(0, counts.size, rows):
        part = slice(top, top + rows)
        for done in range(0, D, width):
            shape = (counts[part].size, min(width, D - done))
            trials = shape[0] * shape[1]
            words = rng.integers(0, 2**64, size=-(-trials // 4), dtype=np.uint64).view(np.uint16)
            words = words[:trials].reshape(shape)
            _kernels.literal(words, rng, done, law.b, law.concentration, counts[part], first[part])


def _event_block(law: ActivationLaw, D: int, rng: np.random.Generator, counts: Integers, first: Integers) -> None:
    if law.silent_weight == 0.0:
        counts[:] = D
        first[:] = 1
        return
    _kernels.events(rng, D, law.b, law.concentration, law.silent_weight, counts, first)


def _binomial(rng: np.random.Generator, trials: int, probability: float) -> int:
    if probability < _RARE:
        return min(trials, int(rng.poisson(trials * probability)))
    return int(rng.binomial(trials, probability))
