"""The monitor's counts equal those of a direct count, exactly, whatever the model does around them.

Each test model keeps what its own forward pass computes; the direct count uses that and no hook.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuroscale.evidence import ActivationCounts, Monitor

torch = pytest.importorskip("torch")
nn = torch.nn


class Traced(nn.Module):  # type: ignore[misc,name-defined]
    """Keeps, by name, a copy of every activation that its forward pass computes."""

    def __init__(self) -> None:
        super().__init__()
        self.trace: dict[str, list[Any]] = {}

    def kept(self, name: str, x: Any) -> Any:
        self.trace.setdefault(name, []).append(x.detach().clone())
        return x


class MLP(Traced):
    def __init__(self, act: Any = nn.ReLU) -> None:
        super().__init__()
        self.first, self.second, self.out = nn.Linear(8, 50), nn.Linear(50, 30), nn.Linear(30, 3)
        self.act1, self.norm, self.drop, self.act2 = act(), nn.BatchNorm1d(30), nn.Dropout(0.5), act()

    def forward(self, x: Any) -> Any:
        x = self.kept("act1", self.act1(self.first(x)))
        return self.out(self.kept("act2", self.act2(self.norm(self.second(self.drop(x))))))


class CNN(Traced):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.ModuleList([nn.Conv2d(1, 6, 3), nn.Conv2d(6, 9, 3)])
        self.acts = nn.ModuleList([nn.ReLU(inplace=True), nn.ReLU(), nn.ReLU()])
        self.head, self.out = nn.Linear(9 * 16, 20), nn.Linear(20, 3)

    def forward(self, x: Any) -> Any:
        for number, conv in enumerate(self.body):
            x = self.kept(f"acts.{number}", self.acts[number](conv(x)))
        return self.out(self.kept("acts.2", self.acts[2](self.head(x.flatten(1)))))


class Block(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, owner: list[Traced], number: int) -> None:
        super().__init__()
        self.owner, self.number = owner, number
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.up, self.act, self.down = nn.Linear(16, 40), nn.GELU(), nn.Linear(40, 16)

    def forward(self, x: Any, real: Any) -> Any:
        x = x + self.attention(x, x, x, key_padding_mask=None if real is None else ~real, need_weights=False)[0]
        return x + self.down(self.owner[0].kept(f"blocks.{self.number}.act", self.act(self.up(x))))


class Transformer(Traced):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        self.blocks = nn.ModuleList([Block([self], k) for k in range(2)])
        self.head, self.act, self.out = nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 2)

    def forward(self, tokens: Any, attention_mask: Any = None) -> Any:
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, attention_mask)
        return self.out(self.kept("act", self.act(self.head(x.mean(dim=1)))))  # pooled: no positions left


class TopK(nn.Module):  # type: ignore[misc,name-defined]
    def forward(self, x: Any) -> Any:
        value, place = x.topk(4, dim=-1)
        return torch.zeros_like(x).scatter_(-1, place, torch.relu(value))


class SparseAutoencoder(Traced):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.act, self.decoder = nn.Linear(8, 64), TopK(), nn.Linear(64, 8)

    def forward(self, x: Any) -> Any:
        return self.decoder(self.kept("act", self.act(self.encoder(x))))


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def vectors(n_batches: int = 7, n: int = 20) -> list[Any]:
    return [torch.randn(n, 8) for _ in range(n_batches)]


def direct(rows: Any, threshold: float = 0.0, sample: str = "sample") -> ActivationCounts:
    """Counts of a matrix of activations in one pass."""
    matrix = np.asarray(rows) > threshold
    counts = ActivationCounts(matrix.shape[1], threshold=threshold, sample=sample)
    counts.update(matrix)
    return counts


def test_a_perceptron_in_training() -> None:
    model = MLP()
    optimiser = torch.optim.Adam(model.parameters(), 0.05)
    with Monitor(model, window=30) as monitor:
        for x in vectors():
            loss = model(x).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    assert list(monitor.counts) == ["act1", "act2"]
    for name, counts in monitor.counts.items():
        everything = torch.cat(model.trace[name]).numpy()
        assert np.array_equal(counts.counts, (everything > 0).sum(axis=0))
        assert np.array_equal(counts.window_counts()[0], (everything[-30:] > 0).sum(axis=0))
        fired = (everything > 0).any(axis=0)
        assert np.array_equal(counts.first_fire, np.where(fired, (everything > 0).argmax(axis=0), -1))
        assert np.array_equal(counts.snapshot_at(64), (everything[:64] > 0).sum(axis=0))
        assert counts.sample == "sample"
        assert counts.n_samples == 140


def test_a_convolutional_network_counts_channels() -> None:
    model = CNN()
    with Monitor(model, unit="channel") as monitor, torch.no_grad():
        for _ in range(3):
            model(torch.randn(5, 1, 8, 8))
    for name, counts in monitor.counts.items():
        seen = torch.cat(model.trace[name])
        if seen.ndim == 4:
            seen = seen.permute(0, 2, 3, 1).reshape(-1, seen.shape[1])
        assert counts == direct(seen, sample="token" if name != "acts.2" else "sample")
    assert [c.n_units for c in monitor.counts.values()] == [6, 9, 20]


def test_a_channel_is_active_on_an_image_if_it_is_somewhere() -> None:
    model = CNN()
    model.body[0].bias.data -= 1.0  # rare enough that some channels are silent on whole images
    with Monitor(model, unit="channel", sample="sequence") as monitor:
        model(torch.randn(40, 1, 8, 8))
    active = (model.trace["acts.0"][0] > 0).flatten(2).any(dim=2)
    assert 0 < active.sum() < active.numel()
    assert monitor.counts["acts.0"] == direct(active, sample="sequence")
    assert monitor.counts["acts.2"].n_samples == monitor.counts["acts.0"].n_samples == 40


def padded() -> tuple[Any, Any]:
    tokens = torch.randint(0, 11, (6, 9))
    lengths = torch.tensor([9, 4, 1, 9, 2, 7])
    return tokens, torch.arange(9) < lengths[:, None]


@pytest.mark.parametrize("how", ["keyword", "positional", "function"])
def test_padding_of_a_transformer_is_no_sample(how: str) -> None:
    model = Transformer()
    tokens, real = padded()
    masks = [real, real[[2, 0, 1, 5, 3, 4]]]
    asked: Any = (lambda args, _kwargs: args[1].int()) if how == "function" else "attention_mask"
    with Monitor(model, mask=asked, threshold=0.05) as monitor:
        for mask in masks:
            if how == "keyword":
                model(tokens, attention_mask=mask)
            else:
                model(tokens, mask)
    assert list(monitor.counts) == ["blocks.0.act", "blocks.1.act", "act"]
    for name, counts in monitor.counts.items():
        seen = model.trace[name]
        if name == "act":
            assert counts == direct(torch.cat(seen), 0.05)
        else:
            rows = torch.cat([x[mask] for x, mask in zip(seen, masks, strict=True)])
            assert counts == direct(rows, 0.05, sample="token")
            assert counts.n_samples == 2 * int(real.sum()) < 108


def test_a_sequence_is_active_if_a_real_position_is() -> None:
    model = Transformer()
    tokens, real = padded()
    with Monitor(model, mask=lambda _a, _k: mask, sample="sequence", threshold=0.3) as monitor, torch.no_grad():
        mask = real
        model(tokens)
        mask = real.clone()
        mask[2] = False  # nothing real: not a sample
        model(tokens)
    first, second = model.trace["blocks.1.act"]
    rows = [((first[k] > 0.3)[real[k]]).any(dim=0) for k in range(6)]
    rows += [((second[k] > 0.3)[mask[k]]).any(dim=0) for k in (0, 1, 3, 4, 5)]
    matrix = torch.stack(rows)
    counts = monitor.counts["blocks.1.act"]
    assert 0 < matrix.sum() < matrix.numel()
    assert np.array_equal(counts.counts, matrix.sum(dim=0).numpy())
    assert (counts.n_samples, counts.sample) == (11, "sequence")


def test_a_model_that_puts_all_tokens_into_one_axis() -> None:
    model = nn.Sequential(nn.Flatten(0, 1), nn.Linear(8, 5), nn.ReLU())
    x, real = torch.randn(6, 9, 8), padded()[1]
    with Monitor(model, mask=lambda _a, _k: real) as monitor:
        seen = model(x).detach()
    assert np.array_equal(monitor.counts["2"].counts, (seen[real.reshape(-1)] > 0).sum(dim=0).numpy())
    with (
        Monitor(model, mask=lambda _a, _k: real, sample="sequence"),
        pytest.raises(ValueError, match=r"mask has the shape \(6, 9\), which does not fit \(54,\) of 2"),
    ):
        model(x)


def test_a_sparse_autoencoder_by_its_own_type() -> None:
    model = SparseAutoencoder()
    with Monitor(model, types=TopK) as monitor, torch.inference_mode():
        for x in vectors():
            model(x)
    counts = monitor.counts["act"]
    assert counts == direct(torch.cat(model.trace["act"]))
    assert counts.n_active <= 4
    # a layer instead of its nonlinearity, for nonlinearities that are called as functions
    with Monitor(model, types=(nn.Linear,)) as linear:
        model(vectors()[0])
    assert list(linear.counts) == ["encoder", "decoder"]


def test_inside_and_outside_of_inference_mode() -> None:
    model, x = MLP().eval(), vectors()[0]
    with Monitor(model) as monitor:
        with torch.inference_mode():
            model(x)
        model(x)
        with torch.inference_mode():
            model(x)
    assert monitor.counts["act1"] == direct(torch.cat(model.trace["act1"]))


@pytest.mark.parametrize("every", [1, 2, 3, 10])
def test_every_counts_the_first_and_then_one_in_so_many(every: int) -> None:
    model = MLP()
    with Monitor(model, every=every) as monitor:
        for x in vectors(11):
            model(x)
    assert monitor.counts["act2"] == direct(torch.cat(model.trace["act2"][::every]))
    assert (monitor.n_calls, monitor.n_counted) == (11, len(range(0, 11, every)))


@pytest.mark.parametrize("mode", ["train", "eval", "any"])
def test_only_the_mode_asked_for_is_counted(mode: str) -> None:
    model = MLP()
    wanted = []
    with Monitor(model, mode=mode, every=2) as monitor:
        for number, x in enumerate(vectors(12)):
            model.train(number % 3 == 0)
            model(x)
            if mode == "any" or model.training == (mode == "train"):
                wanted.append(model.trace["act1"][-1])
    assert monitor.counts["act1"] == direct(torch.cat(wanted[::2]))


class Reused(Traced):
    def __init__(self, widths: tuple[int, int]) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, widths[0]), nn.Linear(widths[0], widths[1])
        self.act = nn.ReLU()
        self.same = self.act  # a second name of one module

    def forward(self, x: Any) -> Any:
        x = self.kept("act", self.act(self.first(x)))
        return self.kept("act#2", self.same(self.second(x)))


def test_a_module_called_twice_in_one_pass() -> None:
    model = Reused((20, 30))
    with Monitor(model) as monitor:
        for x in vectors():
            model(x)
    assert [c.n_units for c in monitor.counts.values()] == [20, 30]
    for name, counts in monitor.counts.items():
        assert counts == direct(torch.cat(model.trace[name]))
    with (
        Monitor(model, calls="pooled"),
        pytest.raises(ValueError, match="act gives 30 units after 20; only calls of one width"),
    ):
        model(vectors()[0])
    model = Reused((20, 20))
    with Monitor(model, calls="pooled") as monitor:
        model(vectors()[0])
    assert monitor.counts["act"] == direct(torch.cat([model.trace["act"][0], model.trace["act#2"][0]]))


def test_calls_of_parts_and_recomputation_are_not_counted() -> None:
    from torch.utils.checkpoint import checkpoint

    class Recomputing(Traced):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(8, 20), nn.ReLU())
            self.n_calls = 0

        def forward(self, x: Any) -> Any:
            return checkpoint(self.body, x, use_reentrant=False)

    model = Recomputing()
    with Monitor(model) as monitor:
        model(vectors()[0]).sum().backward()  # runs the body again
        model.body(vectors()[0])
    assert monitor.counts["body.1"].n_samples == 20


def n_hooks(model: Any) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_hooks_are_removed_on_every_way_out() -> None:
    model, x = MLP(), vectors()[0]
    with Monitor(model) as monitor:
        assert n_hooks(model) == 4
        model(x)
        with pytest.raises(RuntimeError, match="already counting"):
            monitor.__enter__()
    assert n_hooks(model) == 0
    model(x)
    assert monitor.counts["act1"].n_samples == 20
    for error in (KeyError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), Monitor(model):
            raise error
        assert n_hooks(model) == 0
    with pytest.raises(RuntimeError, match="mat1"), Monitor(model):
        model(torch.randn(3, 9))  # fails inside the pass
    assert n_hooks(model) == 0


def test_a_failed_pass_ends_the_looking() -> None:
    model = MLP()
    with Monitor(model) as monitor:
        with pytest.raises(RuntimeError, match="mat1"):
            model(torch.randn(3, 9))
        model.act1(torch.randn(5, 50))  # outside of any pass
    assert monitor.counts == {}


def test_failing_to_register_leaves_no_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MLP()

    def broken(*_: object, **__: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(model.act2, "register_forward_hook", broken)
    with pytest.raises(OSError, match="no"), Monitor(model):
        pass
    assert n_hooks(model) == 0


def test_entering_again_goes_on_counting() -> None:
    model = MLP()
    monitor = Monitor(model)
    for x in vectors(2):
        with monitor:
            model(x)
    assert monitor.counts["act1"] == direct(torch.cat(model.trace["act1"]))


def test_a_model_that_is_itself_a_nonlinearity() -> None:
    model = nn.ReLU()
    with Monitor(model) as monitor:
        out = model(vectors()[0])
    assert monitor.counts["ReLU"] == direct(out)


def test_outputs_and_gradients_are_untouched() -> None:
    x = vectors()[0]
    results = []
    for watched in (False, True):
        torch.manual_seed(3)
        model = MLP()
        monitor = Monitor(model)
        if watched:
            monitor.__enter__()
        loss = model(x).square().sum()
        loss.backward()
        results.append([loss.detach()] + [p.grad for p in model.parameters()])
        monitor.__exit__(None, None, None)
    for plain, seen in zip(*results, strict=True):
        assert torch.equal(plain, seen)


def test_no_data_are_read_before_the_counts_are() -> None:
    # a tensor of the device "meta" holds no data: a hook that read or moved one would fail
    model = nn.Sequential(nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 9), nn.ReLU()).to("meta")
    with Monitor(model) as monitor:
        for _ in range(3):
            model(torch.randn(4, 8, device="meta"))
    with pytest.raises(ValueError, match="1 is on the device 'meta', whose tensors hold no data"):
        monitor.counts  # noqa: B018


class TwoDevices(Traced):
    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = nn.Linear(8, 20), nn.Linear(20, 9, device="meta")
        self.act, self.there = nn.ReLU(), nn.ReLU()

    def forward(self, x: Any) -> Any:
        x = self.kept("act", self.act(self.near(x)))
        return self.there(self.far(x.to("meta")))


def test_layers_are_held_on_their_own_devices() -> None:
    model = TwoDevices()
    with Monitor(model) as monitor:
        for x in vectors(3):
            model(x)
    held = {name: layer.waiting[0].device.type for name, layer in monitor._layers.items()}
    assert held == {"act": "cpu", "there": "meta"}
    assert monitor._layers["act"].read() == direct(torch.cat(model.trace["act"]))


def test_bits_are_counted_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroscale.evidence.monitor._HELD", 2500)
    model = MLP()
    most = 0
    with Monitor(model) as monitor:
        for x in vectors(10):
            model(x)
            most = max(most, *(layer.bytes for layer in monitor._layers.values()))
    assert 0 < most < 2500
    assert monitor.counts["act1"] == direct(torch.cat(model.trace["act1"]))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_half_and_double_precision(dtype: str) -> None:
    kind = getattr(torch, dtype)
    model = nn.Sequential(nn.Linear(8, 20), nn.GELU()).to(kind)
    with Monitor(model, threshold=0.1) as monitor:
        out = model(torch.randn(50, 8).to(kind)).detach()
    assert np.array_equal(monitor.counts["1"].counts, (out > 0.1).sum(dim=0).numpy())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device")
def test_a_network_on_a_cuda_device() -> None:
    # two devices in one model: the first layer is counted on the CUDA device, the last one on the processor
    class Split(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = MLP().to("cuda")
            self.tail = nn.Sequential(nn.Linear(3, 6), nn.ReLU())

        def forward(self, x: Any) -> Any:
            return self.tail(self.model(x.to("cuda")).cpu())

    both = Split()
    model, ends = both.model, []
    with Monitor(both, window=30) as monitor:
        for x in vectors():
            out = both(x)
            out.sum().backward()
            ends.append(out.detach())
    assert list(monitor.counts) == ["model.act1", "model.act2", "tail.1"]
    for name in ("act1", "act2"):
        rows = torch.cat(model.trace[name])
        assert rows.is_cuda
        counts = monitor.counts[f"model.{name}"]
        assert np.array_equal(counts.counts, (rows.cpu().numpy() > 0).sum(axis=0))
        assert np.array_equal(counts.window_counts()[0], (rows[-30:].cpu().numpy() > 0).sum(axis=0))
    assert np.array_equal(monitor.counts["tail.1"].counts, (torch.cat(ends).numpy() > 0).sum(axis=0))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_mixed_precision_and_a_mask_on_a_cuda_device(dtype: str) -> None:
    model = nn.Sequential(nn.Linear(8, 20), nn.GELU()).to("cuda")
    x = torch.randn(5, 7, 8, device="cuda")
    real = torch.rand(5, 7, device="cuda") < 0.6
    with (
        Monitor(model, threshold=0.1, sample="token", mask=lambda _a, _k: real) as monitor,
        torch.autocast("cuda", dtype=getattr(torch, dtype), enabled=dtype != "float32"),
    ):
        out = model(x).detach()
    assert np.array_equal(monitor.counts["1"].counts, (out[real] > 0.1).sum(dim=0).cpu().numpy())


def test_nan_is_reported_unless_it_is_padding() -> None:
    model = nn.Sequential(nn.Linear(8, 20), nn.ReLU())
    x = torch.randn(3, 4, 8)
    x[2, 3] = torch.nan
    real = torch.ones(3, 4, dtype=torch.bool)
    real[2, 3] = False
    with Monitor(model, mask=lambda _a, _k: real) as monitor:
        model(x)
    assert monitor.counts["1"].n_samples == 11
    with Monitor(model) as monitor:
        model(x)  # the training goes on
    with pytest.raises(ValueError, match="1 gave NaN"):
        monitor.counts  # noqa: B018


def test_arguments_outside_their_range_are_named() -> None:
    model = MLP()
    for options, message in [
        ({"every": 0}, "every=0"),
        ({"unit": "first"}, "unit='first'"),
        ({"sample": "word"}, "sample='word'"),
        ({"mode": "test"}, "mode='test'"),
        ({"calls": "all"}, "calls='all'"),
        ({"threshold": float("nan")}, "threshold=nan"),
        ({"window": 0}, "window=0"),
        ({"types": nn.LSTM}, "no module of MLP is of these types"),
        ({"mask": "atention_mask"}, r"mask='atention_mask' is no argument of MLP.forward\(x"),
    ]:
        with pytest.raises(ValueError, match=message):
            Monitor(model, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"must be a torch\.nn\.Module"):
        Monitor(lambda x: x)
    alone = nn.ReLU()
    with Monitor(alone), pytest.raises(ValueError, match=r"ReLU gives \(8,\); a tensor of two axes or more"):
        alone(torch.randn(8))
    recurrent = nn.Sequential(nn.GRU(8, 5, batch_first=True))
    with Monitor(recurrent, types=nn.GRU), pytest.raises(ValueError, match="0 gives tuple"):
        recurrent(torch.randn(2, 3, 8))
