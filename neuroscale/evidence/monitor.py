r"""Count the activations of a PyTorch model while it runs.

A forward hook on a nonlinearity sees its outputs; what is above the threshold is one bit a unit and sample.  The bits
stay on the device of their layer until they are read or fill a few megabytes, so that a hook neither waits for the
device nor moves data; the counts themselves are :class:`~neuroscale.evidence.ActivationCounts`.

PyTorch is imported when a monitor is made, not before: ``pip install neuroscale[torch]``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import numpy as np

from neuroscale import _validation as valid

from .counts import ActivationCounts

__all__ = ["Monitor"]

#: Nonlinearities that act on each unit alone and have a silent side: names in ``torch.nn``.
_POINTWISE = (
    *("ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Hardswish"),
    *("Threshold", "Tanh", "Hardtanh", "Tanhshrink", "Softsign", "Softshrink", "Hardshrink"),
)
#: Bytes that a layer may hold on its device before they are counted.
_HELD = 2**22

Mask = str | Callable[[tuple[Any, ...], dict[str, Any]], Any]


class Monitor:
    """Count activations in a context: ``with Monitor(model) as monitor: ...``.

    Parameters
    ----------
    model : torch.nn.Module
        The module that is called once a step.  Calls of its parts alone, or again in a backward pass that recomputes,
        are not counted.
    types : type or tuple of types, optional
        Modules whose outputs are counted; by default ReLU and the other nonlinearities that act on each unit alone.  A
        nonlinearity called as a function is seen by no hook: name its layer here, or make it a module.
    every : int
        Count one in so many calls of `model`, the first, and then every `every`-th.
    unit : {"last", "channel"}
        Which axis of an output holds the units: the last one, or the second as in convolutions.  The first axis is the
        batch; all the others are positions.
    sample : {"token", "sequence"}
        Every position is a sample, or every sequence is, active when the unit fires at one of its positions or more.
        An output without positions has the sampling unit ``"sample"``.
    threshold : float
        Outputs above it count as active; 0 is for ReLU, see ``chapters/evidence/measuring.md`` for smooth ones.
    mask : str or callable, optional
        Which positions are real and not padding: the name of the argument of ``model.forward`` that says it, or a
        function of the positional and the keyword arguments.  True, or not zero, is real; the shape is (batch,
        positions...), and a sequence without any real position is no sample.
    mode : {"any", "train", "eval"}
        Count calls in this mode of `model` only; `every` counts these calls.
    calls : {"separate", "pooled"}
        A module that is called several times in one pass has counts for each call, the later ones named
        ``name#2, name#3``, or all its calls are samples of the same units.
    snapshots, window
        As for :class:`ActivationCounts`.

    Attributes
    ----------
    n_calls, n_counted : int
        Calls of the model in the mode asked for, and how many of them were counted.

    Raises
    ------
    ImportError
        Without PyTorch.
    ValueError
        For arguments outside their range, or when no module is of the types asked for; in a forward pass, for outputs
        whose shape does not fit.

    Notes
    -----
    Hooks are removed when the context ends, on exceptions too; entering again goes on counting.  Outputs are looked at
    and never changed, and nothing enters the graph of gradients.  A counted call costs one comparison and one test for
    NaN an output, and O(n N) later; ``python -m benchmarks`` measures it against a training step.  A model may be
    spread over devices; calls from several threads at once, as in ``DataParallel``, are not told apart.  Counts taken
    while the weights move are not exchangeable: ``chapters/evidence/measuring.md``.

    Examples
    --------
    ::

        with Monitor(model, every=10, mode="train") as monitor:
            train(model)
        for name, layer in monitor.counts.items():
            print(name, layer.working, "of", layer.n_units)
    """

    def __init__(
        self,
        model: Any,
        *,
        types: type | tuple[type, ...] | None = None,
        every: int = 1,
        unit: str = "last",
        sample: str = "token",
        threshold: float = 0.0,
        mask: Mask | None = None,
        mode: str = "any",
        calls: str = "separate",
        snapshots: str | Iterable[int] | None = "log",
        window: int | None = None,
    ) -> None:
        try:
            import torch
        except ImportError as error:
            raise ImportError("Monitor needs PyTorch: pip install neuroscale[torch]") from error
        if not isinstance(model, torch.nn.Module):
            raise ValueError(f"model={model!r} must be a torch.nn.Module")
        self.every = valid.integer("every", every, low=1)
        self.unit = valid.choice("unit", unit, ("last", "channel"))
        self.sample = valid.choice("sample", sample, ("token", "sequence"))
        self.mode = valid.choice("mode", mode, ("any", "train", "eval"))
        self.calls = valid.choice("calls", calls, ("separate", "pooled"))
        self.n_calls = self.n_counted = 0
        grid = snapshots if snapshots is None or isinstance(snapshots, str) else tuple(snapshots)
        self._options: dict[str, Any] = {"threshold": threshold, "snapshots": grid, "window": window}
        self.threshold = ActivationCounts(1, **self._options).threshold  # refuses bad options here, not in a pass
        self._torch, self._model = torch, model
        wanted = tuple(getattr(torch.nn, name) for name in _POINTWISE) if types is None else types
        self._modules: dict[str, Any] = {
            name or type(module).__name__: module
            for name, module in model.named_modules()
            if isinstance(module, wanted)
        }
        if not self._modules:
            raise ValueError(
                f"types={types!r}: no module of {type(model).__name__} is of these types; nonlinearities called as "
                "functions cannot be seen, name their layers instead"
            )
        self._real = _mask_reader(model, mask)
        self._layers: dict[str, _Layer] = {}
        self._handles: list[Any] = []
        self._looking = False
        self._mask: Any = None
        self._called: dict[str, int] = {}

    def __enter__(self) -> Self:
        if self._handles:
            raise RuntimeError("this monitor is already counting; leave its context before entering again")
        try:
            self._handles.append(self._model.register_forward_pre_hook(self._before, with_kwargs=True))
            for name, module in self._modules.items():
                self._handles.append(module.register_forward_hook(self._watch(name)))
            # last, so that a model that is itself a nonlinearity is seen; always, so that a failed pass ends as well
            self._handles.append(self._model.register_forward_hook(self._after, always_call=True))
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        while self._handles:
            self._handles.pop().remove()
        self._looking, self._mask = False, None

    @property
    def counts(self) -> dict[str, ActivationCounts]:
        """Counts by module name, in the order of their first call; reading moves what is held on the devices.

        Raises
        ------
        ValueError
            Where a layer gave NaN, or has no data, as on the device ``"meta"``.
        """
        return {name: layer.read() for name, layer in self._layers.items()}

    def _before(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.mode != "any" and module.training != (self.mode == "train"):
            return
        self._looking = self.n_calls % self.every == 0
        self.n_calls += 1
        if self._looking:
            self.n_counted += 1
            self._called = {}
            self._mask = None if self._real is None else self._real(args, kwargs)

    def _after(self, *_: Any) -> None:
        self._looking, self._mask = False, None

    def _watch(self, name: str) -> Callable[..., None]:
        def hook(_module: Any, _args: Any, output: Any) -> None:
            if self._looking:
                self._see(name, output)

        return hook

    def _see(self, name: str, output: Any) -> None:
        torch = self._torch
        if self.calls == "separate":
            number = self._called[name] = self._called.get(name, 0) + 1
            name = name if number == 1 else f"{name}#{number}"
        if not isinstance(output, torch.Tensor) or output.ndim < 2:
            shown = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
            raise ValueError(f"{name} gives {shown}; a tensor of two axes or more, batch first, can be counted")
        with torch.no_grad():
            signal = output.detach() if self.unit == "last" else output.detach().movedim(1, -1)
            active, broken = self._rows(name, signal)
        if name not in self._layers:
            label = self.sample if signal.ndim > 2 else "sample"
            self._layers[name] = _Layer(name, ActivationCounts(active.shape[-1], sample=label, **self._options))
        self._layers[name].hold(active, broken)

    def _rows(self, name: str, signal: Any) -> tuple[Any, Any]:
        """One row of bits a sample, and whether a real one was NaN; padding is dropped and positions may be joined."""
        active = self._above(signal)
        width, axes = signal.shape[-1], tuple(range(1, signal.ndim - 1))
        joined = bool(axes) and self.sample == "sequence"
        real = self._fitted(name, signal)
        if real is None:
            # the minimum passes a NaN on, and is many times faster than a comparison
            broken = self._torch.isnan(signal.min()) if signal.numel() else self._torch.tensor(False)
            return active.any(dim=axes) if joined else active.reshape(-1, width), broken
        broken = (signal.isnan().any(dim=-1) & real).any()
        if not joined:
            return active[real], broken
        return (active & real.unsqueeze(-1)).any(dim=axes)[real.any(dim=axes)], broken

    def _above(self, signal: Any) -> Any:
        torch = self._torch
        if signal.device.type == "cpu" and signal.dtype in (torch.float32, torch.float64):
            # the same bits without a copy, and many times faster
            return torch.from_numpy(np.greater(signal.numpy(), self.threshold))
        return signal > self.threshold

    def _fitted(self, name: str, signal: Any) -> Any:
        """The mask in the shape of the rows of this layer, or None where it says nothing about them."""
        if self._mask is None:
            return None
        real, lead = self._mask.to(signal.device) != 0, tuple(signal.shape[:-1])
        if lead == tuple(real.shape):
            return real
        if len(lead) == 1 and lead == tuple(real.shape[:1]):
            return None  # the positions have been pooled before this layer
        if len(lead) == 1 and lead[0] == real.numel() and self.sample == "token":
            return real.reshape(-1)  # the model has put all tokens into one axis
        raise ValueError(f"mask has the shape {tuple(real.shape)}, which does not fit {lead} of {name}")


class _Layer:
    """Bits of one layer, waiting on their device, and the counts they go to."""

    def __init__(self, name: str, counts: ActivationCounts) -> None:
        self.name, self.counts = name, counts
        self.waiting: list[Any] = []
        self.bytes = 0
        self.broken: Any = None

    def hold(self, active: Any, broken: Any) -> None:
        if active.shape[-1] != self.counts.n_units:
            raise ValueError(
                f"{self.name} gives {active.shape[-1]} units after {self.counts.n_units}; "
                "only calls of one width are samples of the same units"
            )
        self.waiting.append(active)
        # out of place: a tensor of inference mode must not be written to outside of it
        self.broken = broken if self.broken is None else self.broken.to(broken.device) | broken
        self.bytes += active.numel()
        if self.bytes >= _HELD and active.device.type != "meta":
            self.flush()

    def flush(self) -> None:
        for active in self.waiting:
            self.counts.update(np.asarray(active.cpu().numpy()))
        self.waiting, self.bytes = [], 0

    def read(self) -> ActivationCounts:
        if self.waiting and self.waiting[0].device.type == "meta":
            raise ValueError(f"{self.name} is on the device 'meta', whose tensors hold no data to count")
        if self.broken is not None and bool(self.broken):
            raise ValueError(f"{self.name} gave NaN, which is neither active nor silent")
        self.flush()
        return self.counts


def _mask_reader(model: Any, mask: Mask | None) -> Callable[[tuple[Any, ...], dict[str, Any]], Any] | None:
    if mask is None or callable(mask):
        return mask
    signature = inspect.signature(model.forward)
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values())
    if mask not in signature.parameters and not takes_any:
        raise ValueError(f"mask={mask!r} is no argument of {type(model).__name__}.forward{signature}")

    def read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if mask in kwargs:
            return kwargs[mask]
        try:
            return signature.bind(*args, **kwargs).arguments.get(mask)
        except TypeError:
            return None  # the call itself will say what is wrong with it

    return read
