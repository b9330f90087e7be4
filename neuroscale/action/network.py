r"""The note's network and its action.

One hidden layer with logits :math:`f_\alpha(z)=\sum_\beta U_{\alpha\beta}\,\sigma(h_\beta)+c_\alpha`,
:math:`h_\beta=\sum_\gamma W_{\beta\gamma}z_\gamma+b_\beta`, class probabilities :math:`q=\mathrm{softmax}(f)`, and the
**action** :math:`S(\theta)=-\sum_{z,m}p(z,m)\ln q_m(z,\theta)`, where :math:`p` is the empirical law of a data set.
The note declares :math:`c` and does not use it; here it is optional.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax

from neuroscale import _validation as valid
from neuroscale.randomness import generator

from .activations import ACTIVATIONS, activate, value_and_slope
from .data import Dataset

__all__ = ["Network"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    r"""A one-hidden-layer classifier, or a vector of its parameter space such as a gradient.

    Parameters
    ----------
    U : array_like of float, shape (M, H)
        Output weights.
    W : array_like of float, shape (H, E)
        Input weights.
    b : array_like of float, shape (H,)
        Biases of the hidden layer.
    c : array_like of float, shape (M,), optional
        Biases of the output; None for a network without.
    activation : {"silu", "gelu", "tanh", "relu"}

    Raises
    ------
    ValueError
        Naming the argument, its value and the allowed range or shape.

    Notes
    -----
    Claims ``ac-network`` and ``ac-eq-2``; derived in ``chapters/action/action.md``.

    Examples
    --------
    >>> from neuroscale.action import Network, load_digits
    >>> data = load_digits().test
    >>> network = Network.initialise(data.n_classes, 16, data.n_inputs, rng=0)
    >>> bool(abs(network.scaled(0.0).action(data) - np.log(10)) < 1e-12)
    True
    """

    U: Floats
    W: Floats
    b: Floats
    c: Floats | None = None
    activation: str = "silu"

    def __post_init__(self) -> None:
        valid.choice("activation", self.activation, ACTIVATIONS)
        for name in ("U", "W", "b", "c"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, valid.reals(name, value, low=-np.inf))
        if self.U.ndim != 2 or self.W.ndim != 2 or 0 in self.U.shape + self.W.shape:
            raise ValueError(f"U and W have shapes {self.U.shape} and {self.W.shape}; they must be (M, H) and (H, E)")
        wanted = {"W": (self.n_hidden, self.n_inputs), "b": (self.n_hidden,), "c": (self.n_classes,)}
        for name, shape in wanted.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise ValueError(f"{name} has shape {value.shape}; with U of shape {self.U.shape} it must be {shape}")

    @classmethod
    def initialise(
        cls,
        n_classes: int,
        n_hidden: int,
        n_inputs: int,
        *,
        scale: float = 1.0,
        output_bias: bool = False,
        activation: str = "silu",
        rng: np.random.Generator | int,
    ) -> Self:
        r"""Draw random parameters, all independent and uniform on :math:`\pm\text{scale}/\sqrt{\text{fan-in}}`.

        Parameters
        ----------
        n_classes, n_hidden, n_inputs : int
            :math:`M` at least 2, :math:`H` and :math:`E` at least 1.
        scale : float
            Factor of all parameters, non-negative.
        output_bias : bool
            Whether the network has a bias :math:`c`.
        activation : {"silu", "gelu", "tanh", "relu"}
        rng : numpy.random.Generator or int

        Examples
        --------
        >>> from neuroscale.action import Network
        >>> Network.initialise(3, 4, 2, output_bias=True, rng=0).n_parameters
        27
        """
        M = valid.integer("n_classes", n_classes, low=2)
        H, E = valid.integer("n_hidden", n_hidden, low=1), valid.integer("n_inputs", n_inputs, low=1)
        scale = valid.real("scale", scale, low=0)
        draw = generator(rng)

        def uniform(shape: tuple[int, ...], fan_in: int) -> Floats:
            part: Floats = draw.uniform(-1.0, 1.0, shape) * (scale / np.sqrt(fan_in))
            return part

        W, b, U = uniform((H, E), E), uniform((H,), E), uniform((M, H), H)
        return cls(U, W, b, uniform((M,), H) if output_bias else None, activation)

    # -- sizes --------------------------------------------------------------------------------------------------

    @property
    def n_classes(self) -> int:
        """Number of classes :math:`M`."""
        return int(self.U.shape[0])

    @property
    def n_hidden(self) -> int:
        """Number of hidden neurons :math:`H`."""
        return int(self.U.shape[1])

    @property
    def n_inputs(self) -> int:
        """Number of inputs :math:`E`."""
        return int(self.W.shape[1])

    @property
    def n_parameters(self) -> int:
        """Number of parameters."""
        return int(sum(part.size for part in self.parameters()))

    # -- the function -------------------------------------------------------------------------------------------

    def preactivations(self, inputs: ArrayLike) -> Floats:
        r"""Inputs :math:`h_\beta=(Wz+b)_\beta` of the hidden neurons, shape (n, H).

        Parameters
        ----------
        inputs : array_like of float, shape (n, E)
        """
        z = valid.reals("inputs", inputs, low=-np.inf)
        if z.ndim != 2 or z.shape[1] != self.n_inputs:
            raise ValueError(f"inputs has shape {z.shape}; it must be (n, {self.n_inputs})")
        h: Floats = z @ self.W.T + self.b
        return h

    def logits(self, inputs: ArrayLike) -> Floats:
        r"""Logits :math:`f_\alpha(z)`, shape (n, M); parameters as for :meth:`preactivations`.

        Notes
        -----
        O(n H (E + M)) time.

        Examples
        --------
        >>> from neuroscale.action import Network
        >>> Network([[1.0], [0.0]], [[2.0]], [0.0], activation="relu").logits([[1.5], [-1.5]]).tolist()
        [[3.0, 0.0], [0.0, 0.0]]
        """
        f: Floats = activate(self.activation, self.preactivations(inputs)) @ self.U.T
        return f if self.c is None else f + self.c

    def log_probabilities(self, inputs: ArrayLike) -> Floats:
        r"""Logarithms :math:`\ln q_\alpha(z)`, shape (n, M); parameters as for :meth:`preactivations`."""
        return np.asarray(log_softmax(self.logits(inputs), axis=1))

    def action(self, data: Dataset) -> float:
        r"""Action :math:`S=-\sum p\ln q_m`, the mean cross-entropy in nats: eq. (2) of the note.

        Parameters
        ----------
        data : Dataset
            Of as many inputs and classes as the network.

        Examples
        --------
        >>> from neuroscale.action import Dataset, Network
        >>> data = Dataset([[1.0], [-1.0]], [0, 1], n_classes=2)
        >>> round(Network([[1.0], [-1.0]], [[1.0]], [0.0]).action(data), 4)
        0.3342
        """
        self._accepts(data)
        chosen = self.log_probabilities(data.inputs)[np.arange(data.n_samples), data.labels]
        return -float(chosen.mean())

    def accuracy(self, data: Dataset) -> float:
        """Share of the samples whose label has the largest logit; parameters as for :meth:`action`."""
        self._accepts(data)
        return float((self.logits(data.inputs).argmax(axis=1) == data.labels).mean())

    def gradient(self, data: Dataset) -> Self:
        r"""Gradient :math:`\nabla S(\theta)`, as a network of the same shape.

        Parameters
        ----------
        data : Dataset
            Of as many inputs and classes as the network.

        Notes
        -----
        Section 2.2 of the note (claim ``ac-gradient``): :math:`\partial S/\partial f_\alpha=q_\alpha-\delta_{m\alpha}`,
        then the chain rule.  O(n H (E + M)) time.

        Examples
        --------
        >>> from neuroscale.action import Dataset, Network
        >>> data = Dataset([[1.0], [-1.0]], [0, 1], n_classes=2)
        >>> Network([[1.0], [-1.0]], [[1.0]], [0.0]).gradient(data).U.round(4).tolist()
        [[-0.1183], [0.1183]]
        """
        self._accepts(data)
        value, slope = value_and_slope(self.activation, self.preactivations(data.inputs))
        f = value @ self.U.T
        residual = np.exp(log_softmax(f if self.c is None else f + self.c, axis=1))
        residual[np.arange(data.n_samples), data.labels] -= 1.0
        residual /= data.n_samples
        back = (residual @ self.U) * slope
        c = None if self.c is None else residual.sum(axis=0)
        return type(self)(residual.T @ value, back.T @ data.inputs, back.sum(axis=0), c, self.activation)

    # -- parameter space ----------------------------------------------------------------------------------------

    def parameters(self) -> tuple[Floats, ...]:
        """The arrays ``(U, W, b)``, and ``c`` where there is one."""
        return (self.U, self.W, self.b) if self.c is None else (self.U, self.W, self.b, self.c)

    def scaled(self, t: float) -> Self:
        r"""The network :math:`t\theta`.

        Parameters
        ----------
        t : float
        """
        t = valid.real("t", t, low=-np.inf)
        return self._with([t * part for part in self.parameters()])

    def moved(self, direction: Network, step: float = 1.0) -> Self:
        r"""The network :math:`\theta+\text{step}\cdot v`.

        Parameters
        ----------
        direction : Network
            :math:`v`, of the same shapes.
        step : float

        Examples
        --------
        >>> from neuroscale.action import Network
        >>> network = Network.initialise(2, 3, 4, rng=0)
        >>> network.moved(network, -1.0).n_parameters, float(network.moved(network, -1.0).b[0])
        (21, 0.0)
        """
        step = valid.real("step", step, low=-np.inf)
        return self._with([mine + step * theirs for mine, theirs in self._pairs(direction)])

    def inner(self, other: Network) -> float:
        r"""Inner product :math:`\theta\cdot\theta'` of the parameters.

        Parameters
        ----------
        other : Network
            Of the same shapes.
        """
        return float(sum(np.vdot(mine, theirs) for mine, theirs in self._pairs(other)))

    def translated(self, origin: ArrayLike) -> Self:
        r"""The same function of inputs seen from another origin: :math:`b\to b+Wa` for :math:`z\to z-a`.

        Parameters
        ----------
        origin : array_like of float, shape (E,)

        Notes
        -----
        Claim ``ac-translation``; with :meth:`Dataset.translated` the action stays as it is.
        """
        a = valid.reals("origin", origin, low=-np.inf)
        if a.shape != (self.n_inputs,):
            raise ValueError(f"origin has shape {a.shape}; it must be {(self.n_inputs,)}")
        return type(self)(self.U, self.W, self.b + self.W @ a, self.c, self.activation)

    def _with(self, parts: list[Floats]) -> Self:
        U, W, b, *c = parts
        return type(self)(U, W, b, c[0] if c else None, self.activation)

    def _pairs(self, other: Network) -> list[tuple[Floats, Floats]]:
        mine, theirs = self.parameters(), other.parameters()
        if [part.shape for part in mine] != [part.shape for part in theirs]:
            raise ValueError(f"shapes {[p.shape for p in mine]} and {[p.shape for p in theirs]} must be equal")
        return list(zip(mine, theirs, strict=True))

    def _accepts(self, data: Dataset) -> None:
        if (data.n_inputs, data.n_classes) != (self.n_inputs, self.n_classes):
            raise ValueError(
                f"data has {data.n_inputs} inputs and {data.n_classes} classes; "
                f"the network has {self.n_inputs} and {self.n_classes}"
            )
