"""Sweeps: order, cache, interruption, errors, dead workers, and the same numbers on a Dask cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from neuroscale.evidence import Sweep, SweepError, sweep

module = import_module("neuroscale.evidence.sweep")  # the package's attribute of this name is the function

GRID = {"width": [2, 3], "data": [10, 20, 40], "seed": [0, 1]}


def measure(width: int, data: int, seed: int, log: str = "") -> dict[str, Any]:
    """A stand-in for a training run; leaves a mark for each call and each end."""
    mark(log, f"start-{width}-{data}-{seed}")
    draws = np.random.default_rng([width, data, seed]).normal(size=data)
    mark(log, f"end-{width}-{data}-{seed}")
    return {"loss": draws.mean() / width, "quantiles": np.quantile(draws, [0.1, 0.9]), "name": "x"}


def fragile(width: int, data: int, seed: int, log: str = "") -> dict[str, Any]:
    if (width, data) == (3, 20):
        raise ArithmeticError(f"diverged at seed {seed}")
    return measure(width, data, seed, log)


def interrupted(width: int, data: int, seed: int, log: str = "") -> dict[str, Any]:
    if len(list(Path(log).glob("end-*"))) == 5:
        raise KeyboardInterrupt
    return measure(width, data, seed, log)


def slain(width: int, data: int, seed: int, log: str = "") -> dict[str, Any]:
    """The entry (2, 20, 0) waits to be killed the first time that it runs."""
    if (width, data, seed) == (2, 20, 0) and not (Path(log) / "victim-pid").exists():
        (Path(log) / "victim").write_text(str(os.getpid()))
        (Path(log) / "victim").rename(Path(log) / "victim-pid")
        time.sleep(60)
    return measure(width, data, seed, log)


def deadly(width: int, data: int, seed: int, log: str = "") -> dict[str, Any]:
    if (width, data, seed) == (2, 20, 0):
        os.kill(os.getpid(), signal.SIGKILL)
    return measure(width, data, seed, log)


def refuse() -> None:
    raise ImportError("cannot be loaded")


class Unloadable:
    """A function that reaches no worker."""

    def __call__(self, x: int) -> dict[str, Any]:
        return {"y": x}

    def __reduce__(self) -> Any:
        return refuse, ()


def mark(log: str, name: str) -> None:
    if log:
        stamp = f"{name}.{os.getpid()}.{time.monotonic_ns()}"
        (Path(log) / stamp).touch()


def marks(log: Path, kind: str) -> Counter[str]:
    return Counter(path.name.split(".")[0] for path in log.glob(f"{kind}-*"))


def logged(log: Path) -> dict[str, Any]:
    log.mkdir(exist_ok=True)
    return {**GRID, "log": [str(log)]}


def losses(result: Sweep) -> list[float]:
    return result.array("loss").ravel().tolist()


WANTED = [measure(w, d, s)["loss"] for w in GRID["width"] for d in GRID["data"] for s in GRID["seed"]]

# -- one machine ------------------------------------------------------------------------------------------------------


def test_values_stand_in_the_order_of_the_grid() -> None:
    result = sweep(measure, GRID)
    assert losses(result) == WANTED
    assert result.array("loss").shape == (2, 3, 2)
    assert result.array("quantiles").shape == (2, 3, 2, 2)
    assert result.arguments[1] == {"width": 2, "data": 10, "seed": 1}
    assert result.axes == GRID
    assert result.n_cached == 0
    assert str(result.values[0]["name"]) == "x"


def test_two_processes_give_the_same_numbers() -> None:
    assert losses(sweep(measure, GRID, n_jobs=2)) == WANTED


def test_a_finished_entry_is_not_computed_again(tmp_path: Path) -> None:
    grid = logged(tmp_path / "log")
    first = sweep(measure, grid, cache=tmp_path / "cache")
    again = sweep(measure, grid, cache=tmp_path / "cache")
    assert losses(first) == losses(again) == WANTED
    assert (first.n_cached, again.n_cached) == (0, 12)
    assert set(marks(tmp_path / "log", "start").values()) == {1}
    assert sorted(path.suffix for path in (tmp_path / "cache").iterdir()) == [".npz"] * 12
    for name in ("loss", "quantiles"):
        assert np.array_equal(first.array(name), again.array(name))
    assert str(again.values[3]["name"]) == "x"


def test_keys_tell_apart_what_differs(tmp_path: Path) -> None:
    sweep(measure, GRID, cache=tmp_path)
    assert sweep(measure, GRID, cache=tmp_path, version="2").n_cached == 0
    assert sweep(fragile, {**GRID, "data": [10]}, cache=tmp_path).n_cached == 0
    assert sweep(measure, {**GRID, "seed": [1, 2]}, cache=tmp_path).n_cached == 6
    assert sweep(measure, {**GRID, "seed": np.array([0, 1])}, cache=tmp_path).n_cached == 12


def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path: Path) -> None:
    grid, cache = logged(tmp_path / "log"), tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        sweep(interrupted, grid, cache=cache)
    assert sum(marks(tmp_path / "log", "end").values()) == 5
    (tmp_path / "log" / "end-another").touch()  # so that the sixth entry goes on
    result = sweep(interrupted, grid, cache=cache)
    assert result.n_cached == 5
    assert losses(result) == WANTED
    calls = marks(tmp_path / "log", "start")
    assert len(calls) == 12
    assert set(calls.values()) == {1}


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign", "swapped", "no archive"])
def test_a_corrupt_entry_is_computed_again(tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    sweep(measure, GRID, cache=tmp_path)
    first, second = sorted(tmp_path.iterdir())[:2]
    if damage == "truncated":
        first.write_bytes(first.read_bytes()[:-100])
    elif damage == "empty":
        first.write_bytes(b"")
    elif damage == "foreign":
        np.savez(first, loss=1.0)
    elif damage == "swapped":
        first.write_bytes(second.read_bytes())
    else:
        first.write_text("not an archive")
    result = sweep(measure, GRID, cache=tmp_path)
    said = capsys.readouterr()
    assert f"sweep: {first.name} is unreadable" in said.out
    assert "width=" in said.out
    assert said.err == ""
    assert result.n_cached == 11
    assert losses(result) == WANTED
    assert sweep(measure, GRID, cache=tmp_path).n_cached == 12


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_names_its_entry_and_stops_no_other(tmp_path: Path, n_jobs: int) -> None:
    grid = logged(tmp_path / "log")
    with pytest.raises(SweepError, match=r"2 of the entries failed") as caught:
        sweep(fragile, grid, cache=tmp_path / "cache", n_jobs=n_jobs)
    assert "width=3, data=20, seed=" in str(caught.value)
    assert "ArithmeticError: diverged at seed" in str(caught.value)
    assert sorted(arguments["seed"] for arguments, _ in caught.value.failures) == [0, 1]
    assert len(list((tmp_path / "cache").iterdir())) == 10
    assert sum(marks(tmp_path / "log", "end").values()) == 10


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        args[0].write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(module.np, "savez", full)
    with pytest.raises(SweepError, match="no space left"):
        sweep(measure, {**GRID, "width": [2]}, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_progress(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    sweep(measure, GRID, progress=lambda done, total: seen.append((done, total)), cache=tmp_path)
    assert seen == [(k, 12) for k in range(13)]
    assert capsys.readouterr().err == ""
    sweep(measure, GRID, progress=True, cache=tmp_path)
    assert "sweep: 12 of 12 entries (12 cached)" in capsys.readouterr().err
    sweep(measure, GRID)  # no terminal: quiet, as in a chapter
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({}, "at least one axis"),
        ({"width": []}, "at least one axis"),
        ({"width": [object()], "data": [1], "seed": [1]}, r"grid\['width'\] holds <object"),
    ],
)
def test_grids_that_are_refused(grid: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sweep(measure, grid)


def test_other_refusals(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no name of its own"):
        sweep(lambda x: {"y": x}, {"x": [1]}, cache=tmp_path)
    with pytest.raises(ValueError, match="retries=-1"):
        sweep(measure, GRID, retries=-1)
    with pytest.raises(SweepError, match="must return a mapping"):
        sweep(lambda x: x, {"x": [1]})
    with pytest.raises(SweepError, match="'y' of type object"):
        sweep(lambda x: {"y": None}, {"x": [1]})
    result = sweep(lambda x: {"y": np.zeros(x)}, {"x": [1, 2]})
    with pytest.raises(ValueError, match="shapes"):
        result.array("y")
    with pytest.raises(KeyError, match="the sweep has y"):
        result.array("z")


# -- dead workers, and a cluster --------------------------------------------------------------------------------------


class Killer:
    """Kills the process of the waiting entry once two others are in the cache, and remembers which these were."""

    def __init__(self, log: Path, cache: Path) -> None:
        self.log, self.cache = log, cache
        self.finished: dict[str, tuple[int, int]] = {}
        self.pid = 0
        self.thread = threading.Thread(target=self._wait, daemon=True)
        self.thread.start()

    def files(self) -> dict[str, tuple[int, int]]:
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in self.cache.glob("*.npz")}

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not self.pid:
            time.sleep(0.02)
            if (self.log / "victim-pid").exists() and len(self.files()) >= 2:
                self.finished = self.files()
                self.pid = int((self.log / "victim-pid").read_text())
                os.kill(self.pid, signal.SIGKILL)

    def check(self, result: Sweep) -> None:
        self.thread.join(timeout=60)
        assert self.pid, "no process was killed"
        assert losses(result) == WANTED
        assert marks(self.log, "start")["start-2-20-0"] == 1  # the first start left no mark
        after = self.files()
        assert len(after) == 12
        assert {name: after[name] for name in self.finished} == self.finished, "a finished entry was computed again"


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    grid = logged(tmp_path / "log")
    killer = Killer(tmp_path / "log", tmp_path / "cache")
    result = sweep(slain, grid, cache=tmp_path / "cache", n_jobs=2)
    killer.check(result)


def test_an_entry_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    grid = logged(tmp_path / "log")
    with pytest.raises(SweepError, match="a worker died on it or beside it") as caught:
        sweep(deadly, grid, cache=tmp_path / "cache", n_jobs=2, retries=0)
    assert {"width": 2, "data": 20, "seed": 0, "log": grid["log"][0]} in [a for a, _ in caught.value.failures]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    local = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )
    with distributed.Client(local) as client:
        yield client
        client.wait_for_workers(2, timeout=60)  # closing does not wait for one that is just starting again
    with contextlib.suppress(TimeoutError):
        local.close(timeout=60)


def test_dask_gives_the_same_numbers(cluster: Any, tmp_path: Path) -> None:
    grid = logged(tmp_path / "log")
    seen: list[tuple[int, int]] = []
    with joblib.parallel_config("dask"):
        result = sweep(measure, grid, cache=tmp_path / "cache", progress=lambda *at: seen.append(at))
    assert losses(result) == WANTED
    assert seen[-1] == (12, 12)
    processes = {path.name.split(".")[1] for path in (tmp_path / "log").glob("end-*")}
    assert str(os.getpid()) not in processes, "nothing ran on the cluster"
    assert sweep(measure, grid, cache=tmp_path / "cache").n_cached == 12


def test_a_killed_dask_worker_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    grid = logged(tmp_path / "log")
    killer = Killer(tmp_path / "log", tmp_path / "cache")
    with joblib.parallel_config("dask"):
        result = sweep(slain, grid, cache=tmp_path / "cache")
    killer.check(result)
    assert killer.pid not in cluster.run(os.getpid).values()


def test_an_entry_that_dask_cannot_run_is_named(cluster: Any, tmp_path: Path) -> None:
    """joblib's own backend would wait for ever here."""
    with joblib.parallel_config("dask"), pytest.raises(SweepError, match=r"x=1: RuntimeError: .*deserialization"):
        sweep(Unloadable(), {"x": [1]})


def test_a_dask_error_names_its_entry(cluster: Any, tmp_path: Path) -> None:
    with joblib.parallel_config("dask"), pytest.raises(SweepError, match="width=3, data=20, seed="):
        sweep(fragile, GRID, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 10
