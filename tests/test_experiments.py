"""The scripts that record: each runs at a tiny size, and what it counts is what the network does."""

from __future__ import annotations

import ast
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from experiments import command, text_grid, topk_growth, width_data_grid
from experiments.provenance import commit
from neuroscale.evidence import load_recorded, recorded_names

FOLDER = Path(command.__file__).parent
TINY = {"tasks": ["digits"], "widths": [48], "k": 5, "n_steps": 3, "n_samples": 64}


@pytest.mark.parametrize("name", command.names())
def test_every_experiment_says_what_it_is(name: str) -> None:
    # read, not imported: some need PyTorch
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf8"))
    assert ast.get_docstring(tree)
    targets = [node.targets[0] for node in tree.body if isinstance(node, ast.Assign)]
    given = {target.id for target in targets if isinstance(target, ast.Name)}
    assert {"SEEDS", "ARGUMENTS", "PACKAGES"} <= given
    assert "run" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_record_has_its_experiment() -> None:
    assert set(recorded_names()) <= set(command.names())


def test_unknown_experiments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["nothing"])
    assert "no experiment nothing; there are architectures" in capsys.readouterr().err


def test_an_experiment_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("experiments.toy", "A toy.\n\nSums.")
    module.SEEDS, module.ARGUMENTS, module.PACKAGES = (0, 1), {"n": 3}, ("numpy",)
    module.run = lambda seeds, n: {"sums": np.array([seed + n for seed in seeds])}
    monkeypatch.setitem(sys.modules, "experiments.toy", module)
    monkeypatch.setattr(command, "names", lambda: ["toy"])
    assert command.main(["--folder", str(tmp_path / "new")]) == 0
    made = load_recorded("toy", tmp_path / "new")
    assert made["sums"].tolist() == [3, 4]
    wanted = {"about": "A toy. Sums.", "arguments": {"n": 3}, "seeds": [0, 1], "script": "experiments/toy.py"}
    assert {key: made.provenance[key] for key in wanted} == wanted
    assert made.provenance["packages"] == {"numpy": np.__version__}


def test_a_commit_is_named_or_its_absence() -> None:
    assert commit().startswith("unknown") or len(commit().split(",")[0]) == 40


def test_growth_of_topk_layers_at_a_tiny_size() -> None:
    found = topk_growth.run((0, 1), **TINY)
    counts, first = found["digits_48_counts"], found["digits_48_first"]
    assert found["snapshots"].tolist() == [1, 4, 16, 64]
    assert counts.shape == (2, 4, 48)
    assert first.shape == (2, 48)
    assert (np.diff(counts, axis=1) >= 0).all()
    assert (counts.sum(axis=2) == 5 * found["snapshots"]).all(), "exactly five units fire on a sample"
    for place, D in enumerate(found["snapshots"]):
        assert (((first >= 0) & (first < D)) == (counts[:, place] > 0)).all()
    assert (found["digits_48_loss"] > 0).all()
    again = topk_growth.run((0, 1), **TINY)
    assert all(np.array_equal(array, again[name]) for name, array in found.items())


def test_firing_is_that_of_the_network() -> None:
    network, _ = topk_growth.trained("digits", 48, 5, 3, 0)
    X, _ = topk_growth.samples("digits", 3000, topk_growth.COUNTING)
    fired = np.concatenate(list(topk_growth.firing(network, "digits", 0, 3000)))
    # single against double precision: a tie closer than rounding may fall either way
    assert (fired != (network.activations(X)[0] > 0)).any(axis=1).mean() < 1e-3


def test_characters_are_coded_alike_for_all_seeds() -> None:
    one, _ = topk_growth.samples("characters", 200, 1)
    two, _ = topk_growth.samples("characters", 200, 2)
    codes = {row.tobytes() for X in (one, two) for row in X.reshape(-1, topk_growth.CODE)}
    assert one.shape == (200, 192)
    assert len(codes) <= 97


def test_grid_of_widths_and_data_at_a_tiny_size() -> None:
    found = width_data_grid.run((0,), layers=["dense-32"], data_sizes=[64], rate=3e-3, max_steps=5)
    assert found["dense-32_loss"].shape[:2] == (1, 1)


def test_grid_on_text_at_a_tiny_size() -> None:
    found = text_grid.run((0, 1), layers=["dense-8", "topk-20"], data_sizes=[64, 96, 128], rate=3e-3, max_steps=5)
    assert found["dense-8_curves"].shape == (3, 2, 3, found["shares"].size)
    assert found["topk-20_counts"].shape == (3, 2, 20)
    # nothing pruned is the network's own loss, and a silent unit costs nothing on the samples that it was counted on
    assert found["dense-8_curves"][..., 0] == pytest.approx(np.tile(found["dense-8_loss"][..., :1], 3), rel=1e-6)
    assert (found["topk-20_removal"][..., 0] == (found["topk-20_counts"] == 0).sum(axis=2)).all()


def test_architectures_at_a_tiny_size() -> None:
    pytest.importorskip("torch")
    from experiments import architectures

    found = architectures.run((0, 1), n_steps=2, n_images=256, n_sequences=32, length=8)
    direct = [name for name in found if name.endswith(".direct")]
    assert len(direct) > 15
    for name in direct:
        place = name.removesuffix(".direct")
        assert np.array_equal(found[name], found[f"{place}.counts"])
        n = int(found[f"{place}.n"][0])
        assert ((found[f"{place}.first"] >= 0) == (found[name] > 0)).all()
        assert found[name].max() <= n
    assert found["autoencoder.latents.frozen.token.counts"].sum(axis=1).max() <= 8 * 32 * 8
    squares, counts = (found[f"transformer.block1.frozen.token.{what}"] for what in ("squares", "counts"))
    assert ((squares >= counts) & (squares <= 8 * counts)).all()
