"""Counts are sums: any split into batches and workers gives the same object; files are whole or refused."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from neuroscale.evidence import ActivationCounts
from neuroscale.evidence._counting import column_sums, grid_points

Booleans = NDArray[np.bool_]


def matrix(n: int, n_units: int, seed: int = 0, rate: float = 0.1) -> Booleans:
    rng = np.random.default_rng(seed)
    active: Booleans = rng.random((n, n_units)) < rate * rng.random(n_units) ** 2
    return active


def one_pass(active: Booleans, **options: object) -> ActivationCounts:
    counts = ActivationCounts(active.shape[1], **options)  # type: ignore[arg-type]
    counts.update(active)
    return counts


def cuts(draw: st.DrawFn, n: int, most: int) -> list[int]:
    inner = draw(st.lists(st.integers(0, n), max_size=most))
    return [0, *sorted(inner), n]


@st.composite
def split_stream(draw: st.DrawFn) -> tuple[Booleans, list[int], list[list[int]], dict[str, object]]:
    n, n_units = draw(st.integers(0, 700)), draw(st.integers(1, 20))
    workers = cuts(draw, n, 3)
    batches = [cuts(draw, high - low, 4) for low, high in zip(workers, workers[1:], strict=False)]
    options = {
        "window": draw(st.sampled_from([None, 1, 7, 300])),
        "snapshots": draw(st.sampled_from(["log", None, (1, 2, 50, 511)])),
        "sample": draw(st.sampled_from(["sample", "token", "sequence"])),
    }
    return matrix(n, n_units, seed=draw(st.integers(0, 99))), workers, batches, options


@given(split_stream())
@settings(max_examples=150, deadline=None)
def test_any_split_into_batches_and_workers_equals_one_pass(
    case: tuple[Booleans, list[int], list[list[int]], dict[str, object]],
) -> None:
    active, workers, batches, options = case
    parts = []
    for start, inner in zip(workers, batches, strict=False):
        part = ActivationCounts(active.shape[1], start=start, **options)  # type: ignore[arg-type]
        for low, high in zip(inner, inner[1:], strict=False):
            part.update(active[start + low : start + high])
        parts.append(part)
    whole = one_pass(active, **options)
    assert parts[0].merge(parts[1:]) == whole
    # from the other end: a merge of merges
    right = parts[-1]
    for part in reversed(parts[:-1]):
        right = part.merge(right)
    assert right == whole


@given(st.lists(st.integers(0, 60), min_size=3, max_size=3), st.sampled_from([None, 5, 40]))
@settings(max_examples=60, deadline=None)
def test_merging_is_associative_even_if_no_part_knows_its_start(sizes: list[int], window: int | None) -> None:
    first, second, third = (one_pass(matrix(n, 5, seed=k), window=window) for k, n in enumerate(sizes))
    left = first.merge(second).merge(third)
    assert left == first.merge(second.merge(third)) == first.merge([second, third])
    stream = np.concatenate([matrix(n, 5, seed=k) for k, n in enumerate(sizes)])
    for number, counts in left.snapshots.items():
        assert np.array_equal(counts, stream[:number].sum(axis=0))


def test_agrees_with_sums_over_the_whole_matrix() -> None:
    active = matrix(3000, 40, rate=0.02)
    counts = ActivationCounts(40, window=100)
    for low in range(0, 3000, 128):
        counts.update(active[low : low + 128])
    total = active.sum(axis=0)
    assert counts.counts.dtype == np.int64
    assert np.array_equal(counts.counts, total)
    assert np.array_equal(counts.first_fire, np.where(total > 0, active.argmax(axis=0), -1))
    assert 0 < counts.working == (total > 0).sum() < 40  # some never fire, or the -1 were not tested
    recent, n = counts.window_counts()
    assert n == 100
    assert np.array_equal(recent, active[-100:].sum(axis=0))
    grown = [(active[:D].any(axis=0)).sum() for D in range(3001)]
    assert np.array_equal(counts.growth(np.arange(3001)), grown)
    assert counts.growth(3000) == counts.working
    per_sample = active.sum(axis=1)
    assert counts.n_active == pytest.approx(per_sample.mean(), rel=1e-14)
    # the variance itself is exact; a quotient and a root are rounded
    assert counts.active_variation == pytest.approx(per_sample.std() / per_sample.mean(), rel=1e-12)


def test_snapshots_stand_at_powers_of_two_and_are_exact() -> None:
    active = matrix(1500, 30)
    counts = one_pass(active)
    assert {2**k for k in range(11)} <= set(counts.snapshots)
    for number, kept in counts.snapshots.items():
        assert np.array_equal(kept, active[:number].sum(axis=0))
        assert not kept.flags.writeable
    assert np.array_equal(counts.snapshot_at(1024), active[:1024].sum(axis=0))
    assert np.array_equal(counts.snapshot_at(1500), counts.counts)
    assert not counts.snapshot_at(0).any()
    with pytest.raises(ValueError, match="n_samples=1000 has no snapshot; the nearest are at 861 and 1024"):
        counts.snapshot_at(1000)
    with pytest.raises(ValueError, match=r"n_samples=1501 must be an integer in \[0, 1500\]"):
        counts.snapshot_at(1501)


@given(st.integers(0, 2**40), st.integers(0, 5000))
def test_the_grid_does_not_depend_on_where_a_batch_begins(low: int, width: int) -> None:
    whole = grid_points("log", 0, low + width)
    assert grid_points("log", low, low + width) == [point for point in whole if point > low]
    assert whole == sorted(set(whole))


@given(st.integers(0, 600), st.integers(1, 9), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_column_sums_do_not_overflow_their_bytes(n: int, n_units: int, rate: float) -> None:
    active = np.random.default_rng(n).random((n, n_units)) < rate
    assert np.array_equal(column_sums(active), active.sum(axis=0))
    assert np.array_equal(column_sums(np.ones((n, n_units), dtype=bool)), np.full(n_units, n))


def test_floats_are_compared_with_the_threshold() -> None:
    values = np.random.default_rng(1).normal(size=(200, 6))
    for array in (values, values.astype(np.float32), np.asfortranarray(values), (10 * values).astype(int)):
        counts = ActivationCounts(6, threshold=0.5)
        counts.update(array)
        assert np.array_equal(counts.counts, (array > 0.5).sum(axis=0))
    infinite = ActivationCounts(2)
    infinite.update([[np.inf, -np.inf]])
    assert infinite.counts.tolist() == [1, 0]


def test_an_active_number_that_never_varies_has_no_variation() -> None:
    active = np.zeros((1000, 50), dtype=bool)
    order = np.argsort(np.random.default_rng(0).random(active.shape), axis=1)[:, :7]
    np.put_along_axis(active, order, True, axis=1)
    counts = one_pass(active)
    assert (counts.n_active, counts.active_variation) == (7.0, 0.0)
    assert np.isnan(ActivationCounts(3).n_active)
    assert np.isnan(ActivationCounts(3).active_variation)


def test_the_interval_of_the_active_number_is_students() -> None:
    active = matrix(300, 20)
    counts = one_pass(active)
    per_sample = active.sum(axis=1)
    for level in (0.5, 0.95, 0.999):
        wanted = stats.t.interval(level, 299, per_sample.mean(), stats.sem(per_sample))
        assert counts.active_interval(level) == pytest.approx(wanted, rel=1e-12)
    constant = ActivationCounts(3)
    constant.update(np.tile([True, False, True], (4, 1)))
    assert constant.active_interval() == (2.0, 2.0)
    for level in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match="level"):
            counts.active_interval(level)
    with pytest.raises(ValueError, match="n_samples=1: an interval needs at least 2 samples"):
        one_pass(active[:1]).active_interval()


def test_the_interval_of_the_active_number_covers_dependent_units() -> None:
    rng = np.random.default_rng(8)
    inside = 0
    for _ in range(400):
        # units share a level in each sample, so that the number scatters far more than for independent units
        rows = rng.random((60, 30)) < rng.choice([0.1, 0.5], size=(60, 1))
        low, high = one_pass(rows).active_interval()
        inside += low <= 30 * 0.3 <= high
    # 95 % of 400 would leave this range with a probability of 1e-4
    assert stats.binom(400, 0.95).ppf(5e-5) <= inside <= stats.binom(400, 0.95).ppf(1 - 5e-5)


def test_a_refused_batch_leaves_the_counts_as_they_were() -> None:
    counts = one_pass(matrix(50, 4))
    before = one_pass(matrix(50, 4))
    bad = np.ones((10, 4))
    bad[9, 3] = np.nan
    with pytest.raises(ValueError, match="activations holds NaN"):
        counts.update(bad)
    for shape in ((3, 5), (4,), (2, 2, 4)):
        with pytest.raises(ValueError, match=r"has the shape .*; it must be \(n, n_units=4\)"):
            counts.update(np.ones(shape))
    for dtype in (complex, object, "U1"):
        with pytest.raises(ValueError, match="it must hold booleans or real numbers"):
            counts.update(np.ones((1, 4)).astype(dtype))
    assert counts == before
    counts.update(np.empty((0, 4)))
    assert counts == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_units": 0}, "n_units=0 must be an integer"),
        ({"threshold": np.nan}, "threshold=nan must be a finite number"),
        ({"sample": "batch"}, "sample='batch' must be one of 'sample', 'token', 'sequence'"),
        ({"snapshots": "linear"}, "snapshots='linear' must be one of 'log'"),
        ({"snapshots": [0]}, "snapshots holds 0"),
        ({"window": 0}, "window=0 must be an integer"),
        ({"start": -1}, "start=-1 must be an integer"),
    ],
)
def test_arguments_outside_their_range_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ActivationCounts(**{"n_units": 3, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "mine", "theirs"),
    [
        ("n_units", 3, 4),
        ("threshold", 0.0, 0.1),
        ("sample", "token", "sequence"),
        ("window", None, 3),
        ("snapshots", "log", (1,)),
    ],
)
def test_unlike_counts_do_not_merge(option: str, mine: object, theirs: object) -> None:
    left, right = (ActivationCounts(**{"n_units": 3, option: value}) for value in (mine, theirs))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"{option}=.* of the other counts must equal"):
        left.merge(right)


def test_without_a_window_there_are_no_window_counts() -> None:
    with pytest.raises(ValueError, match="window=None: these counts keep no window"):
        ActivationCounts(3).window_counts()


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, ActivationCounts]:
    counts = ActivationCounts(11, threshold=0.25, sample="token", window=20, start=5)
    counts.update(matrix(90, 11))
    path = tmp_path / "layer.npz"
    counts.save(path)
    return path, counts


def test_a_file_gives_back_the_same_object_that_goes_on_counting(saved: tuple[Path, ActivationCounts]) -> None:
    path, counts = saved
    loaded = ActivationCounts.load(path)
    assert loaded == counts
    assert [p.name for p in path.parent.iterdir()] == ["layer.npz"]
    more = matrix(64, 11, seed=9)
    loaded.update(more)
    assert loaded != counts
    counts.update(more)
    assert loaded == counts
    for options in ({"snapshots": None}, {"snapshots": (3, 8)}, {"window": None}):
        fresh = one_pass(matrix(9, 2), **options)
        fresh.save(path)
        assert ActivationCounts.load(path) == fresh
    empty = ActivationCounts(4)
    empty.save(path)
    assert ActivationCounts.load(path) == empty


def test_the_same_counts_make_the_same_bytes(saved: tuple[Path, ActivationCounts]) -> None:
    path, counts = saved
    before = path.read_bytes()
    counts.save(path)
    assert path.read_bytes() == before


def test_a_truncated_file_is_refused_wherever_it_ends(saved: tuple[Path, ActivationCounts]) -> None:
    path, _ = saved
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is not a whole file of 'neuroscale activation counts 1'"):
            ActivationCounts.load(path)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_flipped_byte_never_gives_other_counts(data: st.DataObject) -> None:
    counts = one_pass(matrix(40, 5), window=8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.npz"
        counts.save(path)
        damaged = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(damaged)
        try:
            loaded = ActivationCounts.load(path)
        except ValueError:
            return
        assert loaded == counts  # the byte was one that carries nothing, a date for example


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.npz"
    np.savez(path, counts=np.arange(3))
    with pytest.raises(ValueError, match="carries 'no signature'"):
        ActivationCounts.load(path)
    np.savez(path, kind=np.array("something else"), counts=np.arange(3))
    with pytest.raises(ValueError, match="carries 'something else'"):
        ActivationCounts.load(path)
    np.savez(path, kind=np.array("neuroscale activation counts 1"), counts=np.arange(3))
    with pytest.raises(ValueError, match="is not a whole file"):
        ActivationCounts.load(path)
    with path.open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(ValueError, match="single array"):
        ActivationCounts.load(path)
    # a pickle would run code when read: it is refused unread
    with path.open("wb") as file:
        np.save(file, np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match="pickle"):
        ActivationCounts.load(path)
    path.write_text("D_i, 3, 4, 5")
    with pytest.raises(ValueError, match="is not a whole file"):
        ActivationCounts.load(path)
    with pytest.raises(FileNotFoundError):
        ActivationCounts.load(tmp_path / "absent.npz")


def arrays_of(counts: ActivationCounts) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in counts._arrays().items()}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("counts", lambda a: a + 1),
        ("counts", lambda a: a[:-1]),
        ("counts", lambda a: a - 2),
        ("first_fire", lambda a: np.full_like(a, -1)),
        ("first_fire", lambda a: a + 90),
        ("n_samples", lambda a: a - 60),
        ("n_samples", lambda a: -a),
        ("squares", lambda a: np.array("0")),
        ("squares", lambda a: np.array("many")),
        ("snapshots", lambda a: a[::-1]),
        ("snapshot_at", lambda a: a + 1),
        ("snapshot_at", lambda a: np.zeros_like(a)),
        ("window", lambda a: a + 1),
        ("recent", lambda a: a | np.uint8(255)),
        ("recent", lambda a: a.astype(float)),
        ("grid", lambda a: np.array("linear")),
        ("sample", lambda a: np.array([1, 2])),
        ("threshold", lambda a: np.array(np.nan)),
        ("n_units", lambda a: np.array(0)),
    ],
)
def test_a_file_whose_numbers_contradict_each_other_is_refused(tmp_path: Path, name: str, change: object) -> None:
    counts = ActivationCounts(11, window=20)
    counts.update(matrix(90, 11, rate=0.3))
    arrays = arrays_of(counts)
    arrays[name] = change(arrays[name])  # type: ignore[operator]
    np.savez(tmp_path / "x.npz", kind=np.array("neuroscale activation counts 1"), **arrays)
    with pytest.raises(ValueError, match="holds inconsistent activation counts"):
        ActivationCounts.load(tmp_path / "x.npz")


def test_a_failed_save_leaves_the_old_file_and_no_other(
    saved: tuple[Path, ActivationCounts], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, counts = saved
    before = path.read_bytes()
    counts.update(matrix(9, 11))

    def full_disk(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    for module, name in ((np, "savez_compressed"), (os, "fsync"), (os, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full_disk)
            with pytest.raises(OSError, match="no space"):
                counts.save(path)
        assert path.read_bytes() == before
        assert [p.name for p in path.parent.iterdir()] == ["layer.npz"]


def test_a_killed_save_leaves_the_old_file(saved: tuple[Path, ActivationCounts]) -> None:
    path, counts = saved
    program = (
        "import os, sys; import numpy as np; from neuroscale.evidence import ActivationCounts\n"
        "os.fsync = lambda _: os._exit(9)\n"
        "ActivationCounts(5).save(sys.argv[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == 9
    assert ActivationCounts.load(path) == counts


def test_counts_are_no_keys_and_print_what_they_hold() -> None:
    counts = one_pass(matrix(50, 4, rate=1.0))
    with pytest.raises(TypeError, match="unhashable"):
        hash(counts)
    assert repr(counts) == f"ActivationCounts(n_units=4, n_samples=50, working={counts.working}, sample='sample')"
    assert counts != "counts"
